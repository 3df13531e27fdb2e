/* Two engines in one process, and the bytes between them. */
#ifndef TESTS_SUPPORT_ENGINE_PAIR_H
#define TESTS_SUPPORT_ENGINE_PAIR_H

#include <amqpcodec/amqpcodec.h>

typedef struct engine_pair {
    amqpc_connection *client;
    amqpc_connection *server;
    amqpc_session *client_session;
    amqpc_session *server_session;
    amqpc_link *sender;   /* of the client, where engine_pair_attach was called for it */
    amqpc_link *receiver; /* the other end */
} engine_pair;

/* Makes both ends. NULL options: the defaults; the roles are set. allocator: NULL for malloc. */
void engine_pair_make(engine_pair *pair, const amqpc_allocator *allocator,
                      const amqpc_connection_options *client,
                      const amqpc_connection_options *server);

/* Makes both ends, opens them and one session (whose events are read), with the default options. */
void engine_pair_open(engine_pair *pair);

/* As engine_pair_open with options of the client's and the server's. */
void engine_pair_open_with(engine_pair *pair, const amqpc_connection_options *client,
                           const amqpc_connection_options *server);

/* Attaches a link "link" from the client, a sender to target "queue" (sender) or a receiver from
 * source "queue", which the server accepts. attach: of the client; NULL for the defaults. Both ends
 * have read their events. */
void engine_pair_attach(engine_pair *pair, const amqpc_attach *attach);

void engine_pair_free(engine_pair *pair);

/* Moves all that `from` has to send to `to`, at most `step` bytes in a piece. Gives the number of
 * bytes. */
size_t engine_pump(amqpc_connection *from, amqpc_connection *to, size_t step);

/* Moves bytes both ways until there are no more. */
void engine_exchange(engine_pair *pair);

/* Sends bytes to a connection as if they had come from its peer. Gives the status of the input. */
amqpc_status engine_feed(amqpc_connection *connection, const void *data, size_t size);

/* Writes the frame to the connection as if its peer had sent it. */
amqpc_status engine_feed_frame(amqpc_connection *connection, uint16_t channel,
                               const amqpc_performative *performative);

/* Takes all output of the connection, up to `capacity` bytes. */
size_t engine_take_output(amqpc_connection *connection, uint8_t *data, size_t capacity);

/* Reads events until one of the type, which it gives; the test fails where there is none. */
amqpc_connection_event engine_event(amqpc_connection *connection, amqpc_event_type type);

/* Reads all events away; gives a bit for each type that there was. */
uint32_t engine_events(amqpc_connection *connection);

amqpc_bytes engine_text(const char *text);

#endif
