/* A client, its server, and what tests do most, in one line each. */
#ifndef TESTS_CLIENT_CLIENT_FIXTURE_H
#define TESTS_CLIENT_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/test_server.h"

enum { PATIENCE_MS = 20000 /* only reached where a test fails */ };

#define assert_status(expected, actual)                                                            \
    assert_string_equal(amqpc_status_name(expected), amqpc_status_name(actual))
#define assert_ok(actual) assert_status(AMQPC_OK, actual)

typedef struct client_fixture {
    test_server *server;
    amqpc_client *client;
} client_fixture;

/* Options of a client whose reconnections are quick. */
amqpc_client_options client_fixture_options(void);

/* Starts a server and a client of it. NULL: the defaults, client_fixture_options. */
void client_fixture_make(client_fixture *fixture, const test_server_options *server,
                         const amqpc_client_options *options);
void client_fixture_free(client_fixture *fixture);

/* A client of a server. */
amqpc_client *make_client(const test_server *server, const amqpc_client_options *options);

amqpc_sender *make_sender(amqpc_client *client, const char *address, uint32_t guarantee);
amqpc_receiver *make_receiver(amqpc_client *client, const char *address, uint32_t prefetch);

/* A message of one data section with the 8 bytes of a number, and its encoding: 13 bytes. */
void number_message(const uint64_t *number, amqpc_message *message);
amqpc_bytes number_payload(uint64_t number, uint8_t storage[13]);

/* The number in what was received. */
uint64_t number_of(const amqpc_delivery *delivery);

/* Posts a number, with itself as the context. */
void post_number(amqpc_sender *sender, uint64_t number);

/* Reads events until one of the type; waits for it. */
amqpc_client_event wait_for_event(amqpc_client *client, uint32_t type);

/* Waits until the server has got so many messages. */
void wait_for_messages(test_server *server, uint32_t count);

/* A pause of a test that asks again and again. */
void pause_shortly(void);

#endif
