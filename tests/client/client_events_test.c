/* Calls made while events are read, and clocks that jump (rows 106, 107).
 *
 * The clocks are wrapped: each jumps by what a test says. */
#define _POSIX_C_SOURCE 200809L

#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "client/client_fixture.h"

enum { HOUR_S = 3600, LINKS = 6 };

static atomic_long jump_s;          /* of the clock that measures */
static atomic_long calendar_jump_s; /* of the one that tells the date, which anybody may set */

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = __real_clock_gettime(clock, time);
    time->tv_sec += clock == CLOCK_REALTIME ? atomic_load(&calendar_jump_s) : 0;
    time->tv_sec += clock == CLOCK_MONOTONIC ? atomic_load(&jump_s) : 0;
    return result;
}

/* --- Row 106. */

static void wait_until_refused(amqpc_sender *const *senders)
{
    for (size_t i = 0; i < LINKS; i++) {
        assert_status(AMQPC_LINK_REFUSED, amqpc_sender_wait_open(senders[i], PATIENCE_MS));
    }
}

/* Between two events of links that have failed those links are freed, others made, and messages
 * sent. Each failure is told once, though its link is gone. */
static void test_row_106_calls_are_made_while_events_are_read(void **state)
{
    client_fixture fixture;
    amqpc_sender *senders[LINKS];
    amqpc_client_event event;
    amqpc_outcome outcome;
    uint8_t storage[13];
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    for (size_t i = 0; i < LINKS; i++) {
        senders[i] = make_sender(fixture.client, "refuse", AMQPC_AT_LEAST_ONCE);
    }
    wait_until_refused(senders);
    size_t failed = 0;
    char names[LINKS][256];
    while (amqpc_client_next_event(fixture.client, &event)) {
        if (event.type != AMQPC_CLIENT_EVENT_LINK_FAILED) {
            continue;
        }
        memcpy(names[failed], event.name, sizeof event.name);
        for (size_t i = 0; i < failed; i++) {
            assert_string_not_equal(names[i], event.name);
        }
        amqpc_sender_free(senders[failed++]);
        amqpc_sender *other = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
        assert_ok(
            amqpc_sender_send_bytes(other, number_payload(failed, storage), PATIENCE_MS, &outcome));
        amqpc_sender_free(other);
    }
    assert_int_equal(LINKS, failed);
    client_fixture_free(&fixture);
}

/* --- Row 107. */

static void check_works(const client_fixture *fixture, amqpc_sender *sender, uint32_t number)
{
    amqpc_completion completion;
    size_t count = 0;
    post_number(sender, number);
    assert_ok(amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &count));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completion.state_type);
    assert_true(test_server_received(fixture->server, number) >= 1);
}

static void check_time_out(amqpc_receiver *receiver)
{
    amqpc_delivery delivery;
    size_t count = 0;
    assert_status(AMQPC_TIMED_OUT, amqpc_receiver_receive(receiver, &delivery, 1, 20, &count));
}

/* Time-outs are of the clock that nobody sets. */
static void test_row_107_a_date_that_is_set_changes_nothing(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_receiver *receiver = make_receiver(fixture.client, "silent", 10);
    check_works(&fixture, sender, 1);
    atomic_store(&calendar_jump_s, -HOUR_S);
    check_works(&fixture, sender, 2);
    check_time_out(receiver);
    atomic_store(&calendar_jump_s, HOUR_S);
    check_works(&fixture, sender, 3);
    check_time_out(receiver);
    atomic_store(&calendar_jump_s, 0);
    assert_int_equal(1, test_server_connection_count(fixture.server));
    client_fixture_free(&fixture);
}

/* As after the machine has slept, where the clock counts that: the peer was silent for too long,
 * and the client begins anew. */
static void test_row_107_a_clock_that_jumps_ahead_costs_a_connection_at_most(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_receiver *receiver = make_receiver(fixture.client, "silent", 10);
    for (uint32_t i = 1; i <= 3; i++) {
        check_works(&fixture, sender, i);
        atomic_fetch_add(&jump_s, HOUR_S);
        check_works(&fixture, sender, 100 + i);
        check_time_out(receiver);
    }
    assert_in_range(test_server_connection_count(fixture.server), 1, 4);
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_106_calls_are_made_while_events_are_read),
        cmocka_unit_test(test_row_107_a_date_that_is_set_changes_nothing),
        cmocka_unit_test(test_row_107_a_clock_that_jumps_ahead_costs_a_connection_at_most),
    };
    return cmocka_run_group_tests_name("client events", tests, NULL, NULL);
}
