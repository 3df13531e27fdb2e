/* The client of the words that talk to a peer: send, receive. */
#ifndef AMQPCODEC_TOOLS_PEER_H
#define AMQPCODEC_TOOLS_PEER_H

#include <amqpcodec/client.h>

/* How a word ends that could not do all of its work, whatever the reason: EXIT_BAD_INPUT. */

/* Makes a client, which does not connect again unless the URL says so. Returns NULL where it was
 * reported why not; *exit_status is then EXIT_USAGE for what is wrong with the URL. */
amqpc_client *peer_connect(const char *url, int *exit_status);

/* Closes and frees the client; what is on its way is waited for, but not for ever. */
void peer_close(amqpc_client *client);

/* A time-out of the command line, seconds of which 0 are for ever, in milliseconds. */
int64_t peer_timeout(uint32_t seconds);

/* Reports what ended a wait. what: such as "the link to queue". failed: whether `error` says why.
 */
void peer_report(amqpc_client *client, const char *what, amqpc_status status, bool failed,
                 const amqpc_client_error *error);

#endif
