/* A broker in memory, and engines that are its clients: no sockets, and a clock of the test's own.
 */
#ifndef TESTS_TOOLS_BROKER_FIXTURE_H
#define TESTS_TOOLS_BROKER_FIXTURE_H

#include <amqpcodec/amqpcodec.h>

#include "tools/broker/broker.h"

enum { FIXTURE_PEERS = 12 };

/* One client.
 *
 * connection  the broker's */
typedef struct fixture_peer {
    amqpc_connection *client;
    amqpc_connection *server;
    broker_connection *connection;
    amqpc_session *session;
} fixture_peer;

typedef struct broker_fixture {
    struct broker *broker;
    fixture_peer peers[FIXTURE_PEERS];
    size_t peer_count;
    uint64_t now_ms;
} broker_fixture;

/* Makes a broker. options: NULL for the defaults. */
void fixture_make(broker_fixture *fixture, const broker_options *options);

/* All that was made is freed; the broker must be left with no message but those of its queues. */
void fixture_free(broker_fixture *fixture);

/* A client that is open, with one session. sasl: NULL for none. */
fixture_peer *fixture_connect(broker_fixture *fixture, const char *container,
                              const amqpc_sasl_options *sasl);

/* The same, with the name of a client certificate. NULL for none. */
fixture_peer *fixture_connect_as(broker_fixture *fixture, const char *container,
                                 const amqpc_sasl_options *sasl, const char *subject);

/* The same without SASL, where the broker's memory may fail: NULL where it did. */
fixture_peer *fixture_try_connect(broker_fixture *fixture, const char *container);

/* Moves bytes and rounds until nothing happens any more. */
void fixture_run(broker_fixture *fixture);

/* The clock moves on. */
void fixture_pass(broker_fixture *fixture, uint64_t ms);

/* The connection is cut: neither end says a word. */
void fixture_cut(broker_fixture *fixture, fixture_peer *peer);

/* Links of the client. attach: of the client; NULL for the defaults. The answer is there. */
amqpc_link *fixture_sender(broker_fixture *fixture, fixture_peer *peer, const char *name,
                           const char *address, const amqpc_attach *attach);
amqpc_link *fixture_receiver(broker_fixture *fixture, fixture_peer *peer, const char *name,
                             const amqpc_source *source, const amqpc_attach *attach,
                             uint32_t credit);

/* A source with that address, and nothing else. */
amqpc_source fixture_source(const char *address);

/* A message whose body is the text, sent unsettled. */
void fixture_send(broker_fixture *fixture, amqpc_link *link, const char *text);

/* The message, encoded, sent as the options say. */
void fixture_send_message(broker_fixture *fixture, amqpc_link *link, const amqpc_message *message,
                          const amqpc_send_options *options);

/* Takes the next delivery; the test fails where there is none. */
amqpc_delivery fixture_take(broker_fixture *fixture, amqpc_link *link);

/* The texts that have arrived, one behind the other with a space between, and accepted. Static. */
const char *fixture_texts(broker_fixture *fixture, amqpc_link *link);

/* Takes the next delivery, whose text it compares, and settles it so; released when done. */
void fixture_expect(broker_fixture *fixture, amqpc_link *link, const char *text,
                    uint32_t state_type);

/* Decodes a delivery's message. */
amqpc_message fixture_message(const amqpc_delivery *delivery);

/* The condition with which a link was detached; "" where it was not. Static. */
const char *fixture_condition(const amqpc_link *link);

/* The state of the next update; the test fails where there is none. */
amqpc_update fixture_update(amqpc_link *link);

amqpc_bytes fixture_bytes(const char *text);

#endif
