/* Clients: the first steps, as programs take them. */
#include "client/client_fixture.h"

#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <string.h>

static void test_message_is_sent_and_accepted(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    amqpc_message message;
    uint64_t number = 7;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    number_message(&number, &message);
    assert_ok(amqpc_sender_send(sender, &message, PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, outcome.state_type);
    assert_false(outcome.unknown);
    assert_int_equal(1, test_server_received(fixture.server, 7));
    client_fixture_free(&fixture);
}

static void test_messages_are_received_and_accepted(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[64];
    bool seen[1000] = {false};
    size_t total = 0;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 1000}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 100);
    while (total < 1000) {
        size_t count = 0;
        assert_ok(amqpc_receiver_receive(receiver, deliveries, 64, PATIENCE_MS, &count));
        for (size_t i = 0; i < count; i++) {
            assert_false(seen[number_of(&deliveries[i])]);
            seen[number_of(&deliveries[i])] = true;
        }
        assert_ok(amqpc_receiver_settle(receiver, deliveries[0].number,
                                        deliveries[count - 1].number, AMQPC_COMPOSITE_ACCEPTED));
        amqpc_deliveries_release(deliveries, count);
        total += count;
    }
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    assert_int_equal(0, test_server_left(fixture.server));
    client_fixture_free(&fixture);
}

static void test_posted_messages_complete_once_each(void **state)
{
    client_fixture fixture;
    amqpc_completion completions[32];
    bool seen[3000] = {false};
    size_t total = 0;
    size_t posted = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    while (total < 3000) {
        size_t count = 0;
        for (int i = 0; i < 20 && posted < 3000; i++) {
            post_number(sender, posted++);
        }
        assert_ok(amqpc_sender_completions(sender, completions, 32, PATIENCE_MS, &count));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completions[i].state_type);
            assert_false(seen[completions[i].context]);
            seen[completions[i].context] = true;
        }
        total += count;
    }
    size_t none = 1;
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_sender_completions(sender, completions, 32, PATIENCE_MS, &none));
    assert_int_equal(0, none);
    client_fixture_free(&fixture);
}

static void test_client_closes_in_good_order(void **state)
{
    client_fixture fixture;
    amqpc_sender *other = NULL;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    for (uint64_t i = 0; i < 100; i++) {
        post_number(sender, i);
    }
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    assert_int_equal(100, test_server_message_count(fixture.server));
    assert_int_equal(AMQPC_CLIENT_CLOSED, amqpc_client_get_state(fixture.client));
    assert_status(AMQPC_INVALID_STATE, amqpc_sender_new(fixture.client, "accept", NULL, &other));
    assert_status(AMQPC_CLOSED, amqpc_client_wait_open(fixture.client, PATIENCE_MS));
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    client_fixture_free(&fixture);
}

static void test_peer_is_described(void **state)
{
    client_fixture fixture;
    char product[32];
    amqpc_client_statistics statistics = {.struct_size = sizeof statistics};
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    assert_ok(amqpc_client_wait_open(fixture.client, PATIENCE_MS));
    assert_true(amqpc_client_peer_offers(fixture.client, "ANONYMOUS-RELAY"));
    assert_false(amqpc_client_peer_offers(fixture.client, "ANONYMOUS"));
    assert_ok(amqpc_client_peer_property(fixture.client, "product", product, sizeof product));
    assert_string_equal("test server", product);
    assert_status(AMQPC_BUFFER_FULL,
                  amqpc_client_peer_property(fixture.client, "product", product, 11));
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_client_peer_property(fixture.client, "version", product, sizeof product));
    amqpc_client_get_statistics(fixture.client, &statistics);
    assert_int_equal(1, statistics.connects);
    assert_true(statistics.bytes_received > 0 && statistics.frames_sent > 0);
    assert_int_equal(AMQPC_CLIENT_EVENT_CONNECTED,
                     wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED).type);
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_is_sent_and_accepted),
        cmocka_unit_test(test_messages_are_received_and_accepted),
        cmocka_unit_test(test_posted_messages_complete_once_each),
        cmocka_unit_test(test_client_closes_in_good_order),
        cmocka_unit_test(test_peer_is_described),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
