#include "client/controller_fixture.h"

void controller_fixture_make(controller_fixture *with, const test_server_options *server,
                             const amqpc_client_options *options)
{
    client_fixture_make(&with->client, server, options);
    assert_ok(amqpc_controller_new(with->client.client, NULL, &with->controller));
    with->sender = make_sender(with->client.client, "accept", AMQPC_AT_LEAST_ONCE);
}

void controller_fixture_free(controller_fixture *with)
{
    client_fixture_free(&with->client);
}

amqpc_transaction *make_transaction(const controller_fixture *with)
{
    amqpc_transaction *transaction = NULL;
    assert_ok(amqpc_transaction_new(with->controller, &transaction));
    return transaction;
}

amqpc_status send_in(amqpc_sender *sender, amqpc_transaction *transaction, uint64_t number,
                     amqpc_outcome *outcome)
{
    amqpc_message message;
    amqpc_post_options options;
    amqpc_post_options_init(&options, sizeof options);
    options.transaction = transaction;
    number_message(&number, &message);
    return amqpc_sender_send_with(sender, &message, &options, PATIENCE_MS, outcome);
}

amqpc_status post_in(amqpc_sender *sender, amqpc_transaction *transaction, uint64_t number,
                     int64_t timeout_ms)
{
    uint8_t storage[13];
    size_t posted = 0;
    amqpc_post_options options;
    amqpc_post_options_init(&options, sizeof options);
    options.transaction = transaction;
    const amqpc_bytes payload = number_payload(number, storage);
    return amqpc_sender_post_with(sender, &payload, 1, &options, number, timeout_ms, &posted);
}
