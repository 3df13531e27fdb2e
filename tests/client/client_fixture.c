#define _POSIX_C_SOURCE 200809L

#include "client/client_fixture.h"

#include <string.h>
#include <time.h>

amqpc_client_options client_fixture_options(void)
{
    amqpc_client_options options;
    amqpc_client_options_init(&options, sizeof options);
    options.reconnect_delay_ms = 1;
    options.reconnect_delay_max_ms = 20;
    options.connect_timeout_ms = PATIENCE_MS;
    return options;
}

amqpc_client *make_client(const test_server *server, const amqpc_client_options *options)
{
    amqpc_client *client = NULL;
    amqpc_client_error error;
    amqpc_client_options defaults = client_fixture_options();
    options = options == NULL ? &defaults : options;
    amqpc_status status = amqpc_client_new(test_server_url(server, ""), options, &client, &error);
    if (status != AMQPC_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

void client_fixture_make(client_fixture *fixture, const test_server_options *server,
                         const amqpc_client_options *options)
{
    const test_server_options defaults = {.port = 0};
    fixture->server = test_server_start(server == NULL ? &defaults : server);
    fixture->client = make_client(fixture->server, options);
}

void client_fixture_free(client_fixture *fixture)
{
    amqpc_client_free(fixture->client);
    test_server_stop(fixture->server);
}

amqpc_sender *make_sender(amqpc_client *client, const char *address, uint32_t guarantee)
{
    amqpc_sender *sender = NULL;
    amqpc_sender_options options;
    amqpc_sender_options_init(&options, sizeof options);
    options.guarantee = guarantee;
    assert_ok(amqpc_sender_new(client, address, &options, &sender));
    return sender;
}

amqpc_receiver *make_receiver(amqpc_client *client, const char *address, uint32_t prefetch)
{
    amqpc_receiver *receiver = NULL;
    amqpc_receiver_options options;
    amqpc_receiver_options_init(&options, sizeof options);
    options.prefetch = prefetch;
    assert_ok(amqpc_receiver_new(client, address, &options, &receiver));
    return receiver;
}

void number_message(const uint64_t *number, amqpc_message *message)
{
    amqpc_message_init(message);
    message->sections = AMQPC_SECTION_BODY;
    message->body_kind = AMQPC_BODY_DATA;
    message->body_count = 1;
    message->body.type = AMQPC_TYPE_BINARY;
    message->body.as.bytes = (amqpc_bytes){number, sizeof *number};
}

amqpc_bytes number_payload(uint64_t number, uint8_t storage[13])
{
    const uint8_t head[] = {0, AMQPC_CODE_SMALLULONG, 0x75, AMQPC_CODE_BINARY8, 8};
    memcpy(storage, head, sizeof head);
    memcpy(storage + sizeof head, &number, sizeof number);
    return (amqpc_bytes){storage, 13};
}

uint64_t number_of(const amqpc_delivery *delivery)
{
    uint64_t number = 0;
    amqpc_message message;
    assert_ok(
        amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL, &message, NULL));
    assert_int_equal(sizeof number, message.body.as.bytes.size);
    memcpy(&number, message.body.as.bytes.data, sizeof number);
    return number;
}

void post_number(amqpc_sender *sender, uint64_t number)
{
    amqpc_message message;
    number_message(&number, &message);
    assert_ok(amqpc_sender_post(sender, &message, number, PATIENCE_MS));
}

void pause_shortly(void)
{
    const struct timespec time = {.tv_nsec = 1000000};
    (void)nanosleep(&time, NULL);
}

amqpc_client_event wait_for_event(amqpc_client *client, uint32_t type)
{
    amqpc_client_event event = {.type = AMQPC_CLIENT_EVENT_NONE};
    for (uint64_t end = amqpc_now_ms() + PATIENCE_MS; event.type != type;) {
        int64_t deadline_ms = 0;
        if (!amqpc_client_next_event(client, &event)) {
            amqpc_status status = amqpc_client_process(client, &deadline_ms);
            (void)status; /* that of a client that has failed */
            pause_shortly();
        }
        assert_true(amqpc_now_ms() < end);
    }
    return event;
}

void wait_for_messages(test_server *server, uint32_t count)
{
    uint64_t end = amqpc_now_ms() + PATIENCE_MS;
    while (test_server_message_count(server) < count) {
        pause_shortly();
        assert_true(amqpc_now_ms() < end);
    }
}
