/* A client with a controller, and a sender to "accept". */
#ifndef TESTS_CLIENT_CONTROLLER_FIXTURE_H
#define TESTS_CLIENT_CONTROLLER_FIXTURE_H

#include <amqpcodec/controller.h>
#include <amqpcodec/sender.h>

#include "client/client_fixture.h"

typedef struct controller_fixture {
    client_fixture client;
    amqpc_controller *controller;
    amqpc_sender *sender;
} controller_fixture;

/* options: NULL for client_fixture_options. */
void controller_fixture_make(controller_fixture *with, const test_server_options *server,
                             const amqpc_client_options *options);
void controller_fixture_free(controller_fixture *with);

amqpc_transaction *make_transaction(const controller_fixture *with);

/* Sends a number, and waits for its outcome; posts one, with itself as the context. */
amqpc_status send_in(amqpc_sender *sender, amqpc_transaction *transaction, uint64_t number,
                     amqpc_outcome *outcome);
amqpc_status post_in(amqpc_sender *sender, amqpc_transaction *transaction, uint64_t number,
                     int64_t timeout_ms);

#endif
