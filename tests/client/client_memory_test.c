/* Memory of clients: none where it is short is lost (row 101), and none is asked for once a client
 * is at work. */
#include <amqpcodec/controller.h>
#include <amqpcodec/receiver.h>
#include <amqpcodec/requester.h>
#include <amqpcodec/sender.h>
#include <string.h>

#include "client/client_fixture.h"
#include "support/counting_allocator.h"
#include "support/failing_allocator.h"

static test_server *server;

static amqpc_client_options options_with(const amqpc_allocator *allocator)
{
    amqpc_client_options options = client_fixture_options();
    options.allocator = allocator;
    options.background = false;
    options.reconnect = false;
    return options;
}

/* What fails may only do so for want of memory. */
static bool goes_on(amqpc_status status)
{
    if (status != AMQPC_OK) {
        assert_status(AMQPC_NO_MEMORY, status);
    }
    return status == AMQPC_OK;
}

static bool send_some(amqpc_client *client)
{
    amqpc_sender *sender = NULL;
    amqpc_outcome outcome;
    uint8_t storage[13];
    amqpc_bytes payload = number_payload(1, storage);
    if (!goes_on(amqpc_sender_new(client, "reject", NULL, &sender)) ||
        !goes_on(amqpc_sender_send_bytes(sender, payload, PATIENCE_MS, &outcome))) {
        return false;
    }
    size_t posted = 0;
    amqpc_completion completion;
    return goes_on(amqpc_sender_post_batch(sender, &payload, 1, 0, PATIENCE_MS, &posted)) &&
           goes_on(amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &posted));
}

static bool receive_some(amqpc_client *client)
{
    amqpc_receiver *receiver = NULL;
    amqpc_delivery delivery;
    size_t count = 0;
    if (!goes_on(amqpc_receiver_new(client, "numbers", NULL, &receiver)) ||
        !goes_on(amqpc_receiver_receive(receiver, &delivery, 1, PATIENCE_MS, &count))) {
        return false;
    }
    amqpc_status status = amqpc_receiver_release(receiver, &delivery);
    amqpc_delivery_release(&delivery);
    return goes_on(status);
}

static bool call_some(amqpc_client *client)
{
    amqpc_requester *requester = NULL;
    amqpc_message message;
    amqpc_delivery reply;
    uint64_t number = 1;
    number_message(&number, &message);
    if (!goes_on(amqpc_requester_new(client, "answer", &requester)) ||
        !goes_on(amqpc_requester_call(requester, &message, PATIENCE_MS, &reply))) {
        return false;
    }
    amqpc_delivery_release(&reply);
    return true;
}

static bool transact_some(amqpc_client *client)
{
    amqpc_controller *controller = NULL;
    amqpc_transaction *transaction = NULL;
    amqpc_sender *sender = NULL;
    amqpc_outcome outcome;
    amqpc_post_options options;
    uint8_t storage[13];
    amqpc_post_options_init(&options, sizeof options);
    if (!goes_on(amqpc_controller_new(client, NULL, &controller)) ||
        !goes_on(amqpc_sender_new(client, "accept", NULL, &sender)) ||
        !goes_on(amqpc_transaction_new(controller, &transaction))) {
        return false;
    }
    options.transaction = transaction;
    return goes_on(amqpc_sender_send_bytes_with(sender, number_payload(1, storage), &options,
                                                PATIENCE_MS, &outcome)) &&
           goes_on(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
}

static void scenario(const amqpc_allocator *allocator)
{
    amqpc_client *client = NULL;
    amqpc_client_options options = options_with(allocator);
    if (!goes_on(amqpc_client_new(test_server_url(server, ""), &options, &client, NULL))) {
        return;
    }
    if (goes_on(amqpc_client_wait_open(client, PATIENCE_MS)) && send_some(client) &&
        receive_some(client) && call_some(client) && transact_some(client)) {
        (void)goes_on(amqpc_client_close(client, PATIENCE_MS));
    }
    amqpc_client_free(client);
}

static void test_row_101_allocations_fail(void **state)
{
    (void)state;
    server = test_server_start(&(test_server_options){.number_count = 1000, .transactions = true});
    assert_survives_failing_allocations(scenario);
    test_server_stop(server);
}

/* One allocation fails, at any time; the program asks again. Whatever that is for, each message
 * completes once. */
static void lossy_scenario(const amqpc_allocator *allocator)
{
    enum { COUNT = 25 };
    amqpc_client *client = NULL;
    amqpc_sender *sender = NULL;
    uint32_t seen[COUNT] = {0};
    amqpc_client_options options = options_with(allocator);
    options.reconnect = true;
    if (!goes_on(amqpc_client_new(test_server_url(server, ""), &options, &client, NULL))) {
        return;
    }
    while (!goes_on(amqpc_sender_new(client, "drop", NULL, &sender))) {
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        uint8_t storage[13];
        size_t posted = 0;
        const amqpc_bytes payload = number_payload(i, storage);
        while (!goes_on(amqpc_sender_post_batch(sender, &payload, 1, i, PATIENCE_MS, &posted))) {
        }
    }
    for (size_t total = 0; total < COUNT;) {
        amqpc_completion completions[COUNT];
        size_t count = 0;
        (void)goes_on(amqpc_sender_completions(sender, completions, COUNT, PATIENCE_MS, &count));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completions[i].state_type);
            assert_int_equal(1, ++seen[completions[i].context]);
        }
        total += count;
    }
    amqpc_client_free(client);
}

static void test_row_101_allocations_fail_while_connections_are_lost(void **state)
{
    (void)state;
    server = test_server_start(&(test_server_options){.port = 0});
    assert_survives_failing_allocations(lossy_scenario);
    test_server_stop(server);
}

/* --- At work. */

static void send_window(amqpc_sender *sender, uint64_t count)
{
    amqpc_completion completions[50];
    for (uint64_t done = 0, posted = 0; done < count;) {
        size_t taken = 0;
        for (int i = 0; i < 50 && posted < count; i++) {
            post_number(sender, posted++);
        }
        assert_ok(amqpc_sender_completions(sender, completions, 50, PATIENCE_MS, &taken));
        done += taken;
    }
}

static void receive_count(amqpc_receiver *receiver, size_t count)
{
    amqpc_delivery deliveries[20];
    for (size_t done = 0; done < count;) {
        size_t taken = 0;
        assert_ok(amqpc_receiver_receive(receiver, deliveries, 20, PATIENCE_MS, &taken));
        assert_ok(amqpc_receiver_settle(receiver, deliveries[0].number,
                                        deliveries[taken - 1].number, AMQPC_COMPOSITE_ACCEPTED));
        amqpc_deliveries_release(deliveries, taken);
        done += taken;
    }
}

static void send_and_wait(amqpc_sender *sender, int count)
{
    for (int i = 0; i < count; i++) {
        amqpc_outcome outcome;
        uint8_t storage[13];
        assert_ok(
            amqpc_sender_send_bytes(sender, number_payload(1, storage), PATIENCE_MS, &outcome));
    }
}

static void test_no_memory_is_asked_for_at_work(void **state)
{
    counting_allocator counting;
    (void)state;
    counting_allocator_init(&counting);
    server = test_server_start(&(test_server_options){.number_count = 10000});
    amqpc_client_options options = options_with(&counting.allocator);
    amqpc_client *client = make_client(server, &options);
    amqpc_sender *sender = make_sender(client, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_receiver *receiver = make_receiver(client, "numbers", 100);
    send_window(sender, 2000);
    send_and_wait(sender, 100);
    receive_count(receiver, 2000);
    size_t before = counting.allocations;
    send_window(sender, 2000);
    send_and_wait(sender, 100);
    receive_count(receiver, 2000);
    assert_in_range(counting.allocations, before, before + 8); /* slabs, as they happen to fill */
    amqpc_client_free(client);
    test_server_stop(server);
    assert_int_equal(0, counting.blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_101_allocations_fail),
        cmocka_unit_test(test_row_101_allocations_fail_while_connections_are_lost),
        cmocka_unit_test(test_no_memory_is_asked_for_at_work),
    };
    return cmocka_run_group_tests_name("client_memory", tests, NULL, NULL);
}
