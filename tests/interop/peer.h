/* What the peers of these tests have in common: their options, the messages they send each other,
 * and the summary that they print. */
#ifndef TESTS_INTEROP_PEER_H
#define TESTS_INTEROP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What ends the conversation. */
typedef enum peer_end {
    PEER_END_NONE,        /* of a server: the client does it */
    PEER_END_CLOSE,       /* all in order */
    PEER_END_DETACH,      /* detach with an error first */
    PEER_END_SUSPEND,     /* detach that does not close first */
    PEER_END_END,         /* end with an error first */
    PEER_END_CLOSE_ERROR, /* close with an error */
} peer_end;

/* The command line:
 *
 *     PEER client PORT | server [--NAME [VALUE]]...
 *
 * receives      client: the link's receiver is here
 * count, size   messages of the conversation, and the bytes of the largest
 * settled       sent settled
 * second        receiver-settle-mode second
 * drain         the receiver gives more credit than there are messages, and drains it then
 * refuse        server: the link is refused with amqp:not-found
 * stream, by_reference   engine: how messages are sent and received
 * any           messages are not compared
 * max_frame_size, window, idle_ms   of this end, 0 for the default; the window is in frames
 * hold_ms       time for which nothing is done before the end
 * sasl          mechanism, or NULL
 * outcome       of all messages received */
typedef struct peer_options {
    const char *port;
    const char *sasl;
    const char *user;
    const char *password;
    const char *outcome;
    bool is_server;
    bool receives;
    bool settled;
    bool second;
    bool drain;
    bool refuse;
    bool stream;
    bool by_reference;
    bool any;
    peer_end end;
    uint32_t count;
    uint32_t size;
    uint32_t max_frame_size;
    uint32_t window;
    uint32_t idle_ms;
    uint32_t hold_ms;
} peer_options;

/* What happened.
 *
 * bad        messages that were not as sent
 * settled    deliveries of which the other end, or both, said that they are settled
 * clean      both ends have closed, and nothing failed */
typedef struct peer_summary {
    uint32_t sent;
    uint32_t received;
    uint32_t bad;
    uint32_t accepted;
    uint32_t rejected;
    uint32_t released;
    uint32_t modified;
    uint32_t settled;
    bool drained;
    bool refused;
    bool suspended;
    bool clean;
    uint64_t frames_sent;
    uint64_t frames_received;
    char error[256];    /* the other end's, as CONDITION: DESCRIPTION */
    char failure[256];  /* what made the connection fail */
    char identity[64];  /* server: who came in */
    char mechanism[64]; /* of SASL */
} peer_summary;

/* Reads the command line; ends the program where it cannot be read. */
peer_options peer_read_options(int count, char **words);

/* Prints the summary as one line of JSON. Gives the program's exit status. */
int peer_print_summary(const peer_summary *summary);

/* A server says where it listens. */
void peer_print_port(unsigned port);

void peer_copy_text(char *copy, size_t capacity, const void *text, size_t size);
void peer_note_error(peer_summary *summary, const char *condition, size_t condition_size,
                     const char *description, size_t description_size);

/* Message number `number`, from 0: an encoded message with one section of data. */
size_t peer_message_size(const peer_options *options, uint32_t number);
void peer_fill_message(const peer_options *options, uint32_t number, uint8_t *bytes);
bool peer_message_is(const peer_options *options, uint32_t number, const void *bytes, size_t size);

#define PEER_CONDITION   "amqp:internal-error"
#define PEER_DESCRIPTION "the test wants it"
#define PEER_REFUSED     "amqp:not-found"

#endif
