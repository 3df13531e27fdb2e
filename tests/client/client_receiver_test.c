/* Receivers: credit, drain, settling, and what outlives a link. */
#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <string.h>

#include "client/client_fixture.h"
#include "client/receiver.h"

static size_t receive(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t capacity)
{
    size_t count = 0;
    assert_ok(amqpc_receiver_receive(receiver, deliveries, capacity, PATIENCE_MS, &count));
    return count;
}

static void wait_for_deliveries(amqpc_client *client, uint64_t count)
{
    amqpc_client_statistics statistics = {.struct_size = sizeof statistics};
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (statistics.deliveries_received < count) {
        int64_t deadline_ms = 0;
        assert_ok(amqpc_client_process(client, &deadline_ms));
        amqpc_client_get_statistics(client, &statistics);
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
}

static void test_nothing_comes_without_credit(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[16];
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 100}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 0);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    assert_status(AMQPC_TIMED_OUT, amqpc_receiver_receive(receiver, deliveries, 16, 20, &count));
    assert_int_equal(0, count);
    assert_ok(amqpc_receiver_add_credit(receiver, 3));
    for (size_t total = 0; total < 3; total += count) {
        count = receive(receiver, deliveries, 16);
        amqpc_deliveries_release(deliveries, count);
    }
    assert_status(AMQPC_TIMED_OUT, amqpc_receiver_receive(receiver, deliveries, 16, 20, &count));
    assert_ok(amqpc_receiver_set_prefetch(receiver, 10));
    amqpc_deliveries_release(deliveries, receive(receiver, deliveries, 16));
    client_fixture_free(&fixture);
}

static void test_drain_ends_with_no_credit_left(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[16];
    size_t count = 0;
    size_t total = 0;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 5}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 0);
    assert_ok(amqpc_receiver_add_credit(receiver, 10));
    assert_ok(amqpc_receiver_drain(receiver, PATIENCE_MS));
    while (amqpc_receiver_receive(receiver, deliveries, 16, 0, &count) == AMQPC_OK) {
        amqpc_deliveries_release(deliveries, count);
        total += count;
    }
    assert_int_equal(5, total);
    amqpc_receiver *stuck = make_receiver(fixture.client, "stuck", 0);
    assert_ok(amqpc_receiver_add_credit(stuck, 10));
    assert_ok(amqpc_receiver_wait_open(stuck, PATIENCE_MS));
    assert_status(AMQPC_TIMED_OUT, amqpc_receiver_drain(stuck, 20));
    client_fixture_free(&fixture);
}

static amqpc_status process(amqpc_client *client)
{
    int64_t deadline_ms = 0;
    return amqpc_client_process(client, &deadline_ms);
}

static void test_who_only_looks_moves_no_bytes_and_takes_what_others_moved(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[16];
    size_t count = 0;
    (void)state;
    amqpc_client_options options;
    amqpc_client_options_init(&options, sizeof options);
    options.background = false;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 5}, &options);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 10);
    amqpc_client_statistics statistics = {.struct_size = sizeof statistics};
    assert_status(AMQPC_TIMED_OUT,
                  amqpc_receiver_receive(receiver, deliveries, 16, AMQPC_LOOK, &count));
    amqpc_client_get_statistics(fixture.client, &statistics);
    assert_int_equal(0, statistics.waits);
    wait_for_deliveries(fixture.client, 5);
    assert_ok(amqpc_receiver_receive(receiver, deliveries, 0, AMQPC_LOOK, &count));
    assert_int_equal(0, count);
    assert_ok(amqpc_receiver_receive(receiver, deliveries, 16, AMQPC_LOOK, &count));
    assert_int_equal(5, count);
    amqpc_deliveries_release(deliveries, count);
    client_fixture_free(&fixture);
}

static void test_a_drain_that_timed_out_goes_on(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 5}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 0);
    assert_ok(amqpc_receiver_add_credit(receiver, 10));
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    amqpc_status status = AMQPC_TIMED_OUT;
    while (status == AMQPC_TIMED_OUT && amqpc_now_ms() < end_ms) {
        status = amqpc_receiver_drain(receiver, AMQPC_LOOK);
        assert_ok(process(fixture.client));
    }
    assert_ok(status);
    client_fixture_free(&fixture);
}

static void test_deliveries_are_settled_in_every_way(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[8];
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = {"test:no", 7}};
    amqpc_modified modified = {.present = 0};
    size_t total = 0;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 8}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 8);
    while (total < 8) {
        total += receive(receiver, deliveries + total, 8 - total);
    }
    assert_ok(amqpc_receiver_accept(receiver, &deliveries[0]));
    assert_ok(amqpc_receiver_release(receiver, &deliveries[1]));
    assert_ok(amqpc_receiver_reject(receiver, deliveries[2].number, deliveries[2].number, &error));
    assert_ok(
        amqpc_receiver_modify(receiver, deliveries[3].number, deliveries[3].number, &modified));
    assert_ok(amqpc_receiver_settle(receiver, deliveries[4].number, deliveries[7].number,
                                    AMQPC_COMPOSITE_ACCEPTED));
    assert_status(AMQPC_NOT_FOUND, amqpc_receiver_accept(receiver, &deliveries[0]));
    amqpc_deliveries_release(deliveries, 8);
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    assert_int_equal(3, test_server_left(fixture.server));
    client_fixture_free(&fixture);
}

static void test_a_state_may_be_told_before_it_is_settled(void **state)
{
    static const uint8_t accepted[] = {0x00, 0x53, 0x24, 0x45};
    client_fixture fixture;
    amqpc_delivery delivery;
    amqpc_value said;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 1}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 1);
    assert_int_equal(1, receive(receiver, &delivery, 1));
    assert_ok(amqpc_value_decode(accepted, sizeof accepted, NULL, &said, NULL));
    assert_ok(amqpc_receiver_update(receiver, delivery.number, delivery.number, &said, false));
    assert_ok(amqpc_receiver_update(receiver, delivery.number, delivery.number, &said, true));
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_receiver_update(receiver, delivery.number, delivery.number, &said, true));
    amqpc_delivery_release(&delivery);
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    assert_int_equal(0, test_server_left(fixture.server));
    client_fixture_free(&fixture);
}

static void test_deliveries_outlive_their_client(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[4];
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 4}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "settled", 4);
    size_t count = receive(receiver, deliveries, 4);
    assert_ok(amqpc_receiver_accept(receiver, &deliveries[0])); /* nothing to settle, no mistake */
    client_fixture_free(&fixture);
    assert_int_equal(0, number_of(&deliveries[0]));
    amqpc_deliveries_release(deliveries, count);
}

static void test_dynamic_source_has_an_address(void **state)
{
    client_fixture fixture;
    char address[32];
    amqpc_receiver *receiver = NULL;
    amqpc_receiver_options options;
    amqpc_source source = {.present = AMQPC_SOURCE_DYNAMIC, .dynamic = true};
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_receiver_options_init(&options, sizeof options);
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_receiver_new(fixture.client, NULL, &options, &receiver));
    options.source = &source;
    assert_ok(amqpc_receiver_new(fixture.client, NULL, &options, &receiver));
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    assert_ok(amqpc_receiver_address(receiver, address, sizeof address));
    assert_string_equal("dynamic-0", address);
    assert_status(AMQPC_BUFFER_FULL, amqpc_receiver_address(receiver, address, 9));
    client_fixture_free(&fixture);
}

static void test_selector_is_added_to_the_filter(void **state)
{
    client_fixture fixture;
    amqpc_receiver *receiver = NULL;
    amqpc_receiver_options options;
    amqpc_value filter[2] = {{.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}};
    amqpc_source source = {.present = AMQPC_SOURCE_FILTER};
    char trace[4096];
    (void)state;
    amqpc_client_options client = client_fixture_options();
    client.trace_size = 4096;
    client_fixture_make(&fixture, NULL, &client);
    filter[0].as.bytes = (amqpc_bytes){"other", 5};
    filter[1].as.bytes = (amqpc_bytes){"one", 3};
    source.filter = (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2};
    source.filter.as.items = filter;
    amqpc_receiver_options_init(&options, sizeof options);
    options.source = &source;
    options.selector = "colour = 'red'";
    assert_ok(amqpc_receiver_new(fixture.client, "silent", &options, &receiver));
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    size_t size = amqpc_client_read_trace(fixture.client, trace, sizeof trace - 1);
    trace[size] = '\0';
    const char *attach = strstr(trace, "-> 0 attach");
    assert_non_null(attach);
    assert_non_null(strstr(attach, "other"));
    assert_non_null(strstr(attach, "colour = 'red'"));
    client_fixture_free(&fixture);
}

static void test_refused_receiver_says_why(void **state)
{
    client_fixture fixture;
    amqpc_delivery delivery;
    amqpc_client_error error;
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "refuse", 10);
    assert_status(AMQPC_LINK_REFUSED,
                  amqpc_receiver_receive(receiver, &delivery, 1, PATIENCE_MS, &count));
    assert_ok(amqpc_receiver_get_error(receiver, &error));
    assert_string_equal("amqp:not-found", error.condition);
    assert_status(AMQPC_LINK_REFUSED, amqpc_receiver_add_credit(receiver, 1));
    client_fixture_free(&fixture);
}

/* --- Across connections. */

static void test_taken_deliveries_are_settled_after_a_reconnection(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[10];
    size_t total = 0;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 10, .keeps_state = true},
                        NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 10);
    while (total < 10) {
        total += receive(receiver, deliveries + total, 10 - total);
    }
    test_server_disconnect(fixture.server, NULL);
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_ok(amqpc_receiver_settle(receiver, deliveries[0].number, deliveries[4].number,
                                    AMQPC_COMPOSITE_ACCEPTED));
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    assert_ok(amqpc_receiver_settle(receiver, deliveries[5].number, deliveries[9].number,
                                    AMQPC_COMPOSITE_ACCEPTED));
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; test_server_left(fixture.server) > 0;) {
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
    amqpc_deliveries_release(deliveries, 10);
    client_fixture_free(&fixture);
}

static void test_unread_settled_deliveries_survive_their_connection(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[40];
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 40}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "settled", 100);
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    wait_for_deliveries(fixture.client, 40);
    test_server_disconnect(fixture.server, NULL);
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    for (size_t total = 0; total < 40;) {
        size_t count = receive(receiver, deliveries, 7);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(total + i, number_of(&deliveries[i]));
        }
        amqpc_deliveries_release(deliveries, count);
        total += count;
    }
    client_fixture_free(&fixture);
}

static void test_what_was_received_is_taken_after_the_client_failed(void **state)
{
    client_fixture fixture;
    amqpc_delivery deliveries[40];
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 20}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "settled", 100);
    wait_for_deliveries(fixture.client, 20);
    test_server_disconnect(fixture.server, "amqp:not-found");
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_FAILED);
    assert_int_equal(20, receive(receiver, deliveries, 40));
    amqpc_deliveries_release(deliveries, 20);
    assert_status(AMQPC_PEER_ERROR,
                  amqpc_receiver_receive(receiver, deliveries, 40, PATIENCE_MS, &count));
    client_fixture_free(&fixture);
}

/* The credit that its link has, once it is attached so many times. */
static uint32_t credit_of(amqpc_receiver *receiver, uint32_t attachments)
{
    amqpc_client *client = receiver->base.client;
    amqpc_link_flow flow = {.credit = 0};
    uint32_t seen = 0;
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; seen < attachments;) {
        int64_t deadline_ms = 0;
        assert_ok(amqpc_client_process(client, &deadline_ms));
        assert_ok(amqpci_client_enter(client));
        seen = receiver->base.attachments;
        if (seen >= attachments) {
            amqpc_link_get_flow(receiver->base.link, &flow);
        }
        amqpci_client_leave(client);
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
    return flow.credit;
}

static void receive_and_accept(amqpc_receiver *receiver, size_t wanted)
{
    for (size_t total = 0; total < wanted; total++) {
        amqpc_delivery delivery;
        assert_int_equal(1, receive(receiver, &delivery, 1));
        assert_ok(amqpc_receiver_accept(receiver, &delivery));
        amqpc_delivery_release(&delivery);
    }
}

/* Whatever the link goes through, of the credit by hand what is left stays left. */
static void test_credit_by_hand_is_not_given_twice(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 4}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 0);
    assert_ok(amqpc_receiver_add_credit(receiver, 10));
    receive_and_accept(receiver, 4);
    assert_int_equal(6, credit_of(receiver, 1));
    test_server_end_sessions(fixture.server, "amqp:internal-error");
    assert_int_equal(6, credit_of(receiver, 2));
    test_server_end_sessions(fixture.server, "amqp:internal-error");
    assert_int_equal(6, credit_of(receiver, 3));
    test_server_close_links(fixture.server, "amqp:link:detach-forced");
    assert_int_equal(6, credit_of(receiver, 4));
    test_server_disconnect(fixture.server, NULL);
    assert_int_equal(6, credit_of(receiver, 5));
    assert_ok(amqpc_receiver_add_credit(receiver, 2));
    assert_int_equal(8, credit_of(receiver, 5));
    client_fixture_free(&fixture);
}

/* A link that waits to be attached again has no engine's link where its session ends meanwhile. */
static void test_a_session_that_ends_after_its_link_was_closed(void **state)
{
    client_fixture fixture;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect_delay_ms = 300;
    options.reconnect_delay_max_ms = 300;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 4}, &options);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 0);
    assert_ok(amqpc_receiver_add_credit(receiver, 10));
    receive_and_accept(receiver, 4);
    assert_int_equal(6, credit_of(receiver, 1));
    test_server_close_links(fixture.server, "amqp:link:detach-forced");
    test_server_end_sessions(fixture.server, "amqp:internal-error");
    assert_int_equal(6, credit_of(receiver, 2));
    client_fixture_free(&fixture);
}

/* What was received by a link that was closed is not mistaken for what comes by the next one. */
static void test_numbers_of_a_closed_link_are_not_used_again(void **state)
{
    client_fixture fixture;
    amqpc_delivery old;
    amqpc_delivery fresh;
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 100}, NULL);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 1);
    (void)credit_of(receiver, 1);
    test_server_disconnect(fixture.server, NULL);
    (void)credit_of(receiver, 2);
    assert_int_equal(1, receive(receiver, &old, 1));
    test_server_close_links(fixture.server, "amqp:link:detach-forced");
    (void)credit_of(receiver, 3);
    test_server_disconnect(fixture.server, NULL);
    (void)credit_of(receiver, 4);
    assert_int_equal(1, receive(receiver, &fresh, 1));
    assert_status(AMQPC_NOT_FOUND, amqpc_receiver_accept(receiver, &old));
    assert_ok(amqpc_receiver_accept(receiver, &fresh));
    amqpc_delivery_release(&old);
    amqpc_delivery_release(&fresh);
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_comes_without_credit),
        cmocka_unit_test(test_drain_ends_with_no_credit_left),
        cmocka_unit_test(test_who_only_looks_moves_no_bytes_and_takes_what_others_moved),
        cmocka_unit_test(test_a_drain_that_timed_out_goes_on),
        cmocka_unit_test(test_deliveries_are_settled_in_every_way),
        cmocka_unit_test(test_a_state_may_be_told_before_it_is_settled),
        cmocka_unit_test(test_deliveries_outlive_their_client),
        cmocka_unit_test(test_dynamic_source_has_an_address),
        cmocka_unit_test(test_selector_is_added_to_the_filter),
        cmocka_unit_test(test_refused_receiver_says_why),
        cmocka_unit_test(test_taken_deliveries_are_settled_after_a_reconnection),
        cmocka_unit_test(test_unread_settled_deliveries_survive_their_connection),
        cmocka_unit_test(test_what_was_received_is_taken_after_the_client_failed),
        cmocka_unit_test(test_credit_by_hand_is_not_given_twice),
        cmocka_unit_test(test_a_session_that_ends_after_its_link_was_closed),
        cmocka_unit_test(test_numbers_of_a_closed_link_are_not_used_again),
    };
    return cmocka_run_group_tests_name("receiver", tests, NULL, NULL);
}
