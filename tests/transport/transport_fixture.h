/* A server and its clients, on one poller, over the loopback interface. */
#ifndef TESTS_TRANSPORT_TRANSPORT_FIXTURE_H
#define TESTS_TRANSPORT_TRANSPORT_FIXTURE_H

#include <amqpcodec/amqpcodec.h>

enum { PATIENCE_MS = 20000 /* only reached where a test fails */ };

/* A program with both ends.
 *
 * server            the last that was accepted; NULL
 * server_options    of what is accepted; NULL for the defaults
 * client_events     a bit for each amqpc_event_type that the client's connection had
 * server_events     likewise
 * answers           the server answers opens, begins, attaches and closes, and its receivers give
 *                   credit; default true
 * received_count    deliveries that the server took, and the bytes of their payloads
 * received_size
 * received_sum      of the first and the last byte of each */
typedef struct transport_fixture {
    amqpc_poller *poller;
    amqpc_listener *listener;
    amqpc_transport *client;
    amqpc_transport *server;
    const amqpc_connection_options *server_options;
    uint32_t client_events;
    uint32_t server_events;
    bool answers;
    size_t received_count;
    size_t received_size;
    uint64_t received_sum;
} transport_fixture;

/* Makes poller and listener. NULL options: 127.0.0.1, a free port. */
void transport_fixture_make(transport_fixture *fixture, const amqpc_allocator *allocator,
                            const amqpc_listener_options *options);
void transport_fixture_free(transport_fixture *fixture);

/* Defaults, to the fixture's port. */
amqpc_transport_options transport_fixture_options(const transport_fixture *fixture);

/* Connects a client, and calls open. NULL: the defaults. */
void transport_fixture_connect(transport_fixture *fixture, const amqpc_transport_options *options,
                               const amqpc_connection_options *connection_options);

/* Calls open on a connection. */
void transport_fixture_open(amqpc_connection *connection);

/* A session and a sender to "queue" on a connection, without waiting. */
amqpc_link *transport_fixture_attach(amqpc_connection *connection);

/* Accepts what waits, or reads the events, of what amqpc_poller_next gave. */
void transport_fixture_take(transport_fixture *fixture, const amqpc_ready *ready);

/* One round, and the events of all that are ready. Gives the poller's status. */
amqpc_status transport_fixture_round(transport_fixture *fixture, int64_t timeout_ms);

/* Rounds until the condition holds; the test fails where it does not get true. */
typedef bool fixture_condition(const transport_fixture *fixture);
void transport_fixture_wait(transport_fixture *fixture, fixture_condition *condition);

/* Conditions. */
bool client_is_open(const transport_fixture *fixture); /* AMQP's open has come back */
bool client_is_over(const transport_fixture *fixture); /* closed or failed */
bool both_are_over(const transport_fixture *fixture);
bool client_has_credit(const transport_fixture *fixture);

/* The client's failure; the test fails where there is none. */
amqpc_transport_failure client_failure(const transport_fixture *fixture);

#endif
