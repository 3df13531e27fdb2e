/* Senders: outcomes, time-outs, windows, and how links end. */
#include <amqpcodec/sender.h>
#include <string.h>

#include "client/client_fixture.h"

static amqpc_status send_number(amqpc_sender *sender, uint64_t number, int64_t timeout_ms,
                                amqpc_outcome *outcome)
{
    amqpc_message message;
    number_message(&number, &message);
    return amqpc_sender_send(sender, &message, timeout_ms, outcome);
}

static void test_outcomes_come_with_their_details(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *reject = make_sender(fixture.client, "reject", AMQPC_AT_LEAST_ONCE);
    amqpc_sender *release = make_sender(fixture.client, "release", AMQPC_ONCE_OR_UNKNOWN);
    amqpc_sender *modify = make_sender(fixture.client, "modify", AMQPC_EXACTLY_ONCE);
    assert_ok(send_number(reject, 1, PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_REJECTED, outcome.state_type);
    assert_string_equal("amqp:test:rejected", outcome.condition);
    assert_string_equal("not this one", outcome.description);
    assert_ok(send_number(release, 1, PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_RELEASED, outcome.state_type);
    assert_string_equal("", outcome.condition);
    assert_ok(send_number(modify, 1, PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_MODIFIED, outcome.state_type);
    assert_true(outcome.delivery_failed);
    assert_false(outcome.undeliverable_here);
    client_fixture_free(&fixture);
}

static void test_completion_of_rejected_has_its_state(void **state)
{
    client_fixture fixture;
    amqpc_completion completions[4];
    amqpc_outcome outcome;
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "reject", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 3);
    post_number(sender, 4);
    assert_ok(amqpc_sender_flush(sender, PATIENCE_MS));
    assert_ok(amqpc_sender_completions(sender, completions, 4, 0, &count));
    assert_int_equal(2, count);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(3 + i, completions[i].context);
        amqpc_outcome_read(&completions[i], &outcome);
        assert_string_equal("amqp:test:rejected", outcome.condition);
    }
    client_fixture_free(&fixture);
}

static void test_settled_message_is_sent_without_outcome(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    amqpc_completion completion;
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_MOST_ONCE);
    assert_ok(send_number(sender, 1, PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_NONE, outcome.state_type);
    assert_false(outcome.unknown);
    post_number(sender, 2);
    assert_ok(amqpc_sender_completions(sender, &completion, 1, 0, &count));
    assert_int_equal(2, completion.context);
    assert_int_equal(0, completion.state.size);
    assert_ok(amqpc_sender_flush(sender, PATIENCE_MS));
    wait_for_messages(fixture.server, 2);
    client_fixture_free(&fixture);
}

static void test_time_out_says_whether_it_was_sent(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *dry = make_sender(fixture.client, "dry", AMQPC_AT_LEAST_ONCE);
    amqpc_sender *hold = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_wait_open(dry, PATIENCE_MS));
    assert_status(AMQPC_TIMED_OUT, send_number(dry, 1, 10, &outcome));
    assert_false(outcome.unknown);
    assert_int_equal(0, amqpc_sender_credit(dry));
    assert_ok(amqpc_sender_wait_open(hold, PATIENCE_MS));
    while (amqpc_sender_credit(hold) == 0) {
        pause_shortly(); /* the thread in the background drives */
    }
    assert_status(AMQPC_TIMED_OUT, send_number(hold, 2, 10, &outcome));
    assert_true(outcome.unknown);
    wait_for_messages(fixture.server, 1);
    test_server_release_held(fixture.server);
    /* The outcome that nobody waits for any more is dropped; the next is that of its own message.
     */
    assert_status(AMQPC_TIMED_OUT, send_number(hold, 3, 10, &outcome));
    client_fixture_free(&fixture);
}

static void test_window_limits_what_has_no_outcome(void **state)
{
    client_fixture fixture;
    amqpc_sender *sender = NULL;
    amqpc_sender_options options;
    amqpc_bytes payloads[8];
    uint8_t storage[8][13];
    size_t posted = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender_options_init(&options, sizeof options);
    options.window = 5;
    assert_ok(amqpc_sender_new(fixture.client, "hold", &options, &sender));
    for (size_t i = 0; i < 8; i++) {
        payloads[i] = number_payload(i, storage[i]);
    }
    assert_ok(amqpc_sender_post_batch(sender, payloads, 5, 0, PATIENCE_MS, &posted));
    assert_status(AMQPC_TIMED_OUT,
                  amqpc_sender_post_batch(sender, payloads + 5, 3, 5, 10, &posted));
    assert_int_equal(0, posted);
    assert_int_equal(0, amqpc_sender_credit(sender));
    assert_status(AMQPC_TIMED_OUT, amqpc_sender_flush(sender, 10));
    wait_for_messages(fixture.server, 5);
    test_server_release_held(fixture.server);
    assert_ok(amqpc_sender_flush(sender, PATIENCE_MS));
    assert_ok(amqpc_sender_post_batch(sender, payloads + 5, 3, 5, PATIENCE_MS, &posted));
    assert_int_equal(3, posted);
    client_fixture_free(&fixture);
}

static void test_borrowed_payloads_are_given_back(void **state)
{
    client_fixture fixture;
    static uint8_t large[300000];
    amqpc_completion completions[8];
    amqpc_bytes payloads[4];
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    const uint8_t head[] = {0, AMQPC_CODE_SMALLULONG, 0x75, AMQPC_CODE_BINARY32, 0, 4, 0x93, 0xd8};
    memcpy(large, head, sizeof head);
    for (size_t i = 0; i < 4; i++) {
        payloads[i] = (amqpc_bytes){large, sizeof large};
    }
    for (uint32_t guarantee = 0; guarantee <= AMQPC_EXACTLY_ONCE; guarantee++) {
        size_t posted = 0;
        size_t total = 0;
        bool seen[4] = {false};
        amqpc_sender *sender = make_sender(fixture.client, "accept", guarantee);
        assert_ok(amqpc_sender_post_borrowed(sender, payloads, 4, 0, PATIENCE_MS, &posted));
        assert_int_equal(4, posted);
        while (total < 4) {
            size_t count = 0;
            assert_ok(amqpc_sender_completions(sender, completions, 8, PATIENCE_MS, &count));
            for (size_t i = 0; i < count; i++) {
                assert_false(seen[completions[i].context]);
                seen[completions[i].context] = true;
            }
            total += count;
        }
        assert_ok(amqpc_sender_close(sender, PATIENCE_MS));
    }
    wait_for_messages(fixture.server, 16);
    client_fixture_free(&fixture);
}

/* Some receivers say the outcome, and settle when the sender has, though that is not the mode. */
static void test_outcomes_that_are_not_settled_complete(void **state)
{
    client_fixture fixture;
    amqpc_completion completions[8];
    uint8_t storage[6][13];
    amqpc_bytes payloads[6];
    bool seen[6] = {false};
    size_t posted = 0;
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "say", AMQPC_AT_LEAST_ONCE);
    for (size_t i = 0; i < 6; i++) {
        payloads[i] = number_payload(i, storage[i]);
    }
    assert_ok(amqpc_sender_post_batch(sender, payloads, 2, 0, PATIENCE_MS, &posted));
    assert_ok(amqpc_sender_post_borrowed(sender, payloads + 2, 2, 2, PATIENCE_MS, &posted));
    assert_ok(amqpc_sender_post_batch(sender, payloads + 4, 2, 4, PATIENCE_MS, &posted));
    for (size_t total = 0; total < 6; total += count) {
        assert_ok(amqpc_sender_completions(sender, completions, 8, PATIENCE_MS, &count));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completions[i].state_type);
            assert_false(seen[completions[i].context]);
            seen[completions[i].context] = true;
        }
    }
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_sender_completions(sender, completions, 8, PATIENCE_MS, &count));
    client_fixture_free(&fixture);
}

static void test_refused_link_says_why(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    amqpc_client_error error;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "refuse", AMQPC_AT_LEAST_ONCE);
    assert_status(AMQPC_LINK_REFUSED, amqpc_sender_wait_open(sender, PATIENCE_MS));
    assert_status(AMQPC_LINK_REFUSED, send_number(sender, 1, PATIENCE_MS, &outcome));
    assert_ok(amqpc_sender_get_error(sender, &error));
    assert_string_equal("amqp:not-found", error.condition);
    assert_non_null(strstr(error.text, "the test says so"));
    assert_int_equal(AMQPC_CLIENT_OPEN, amqpc_client_get_state(fixture.client));
    client_fixture_free(&fixture);
}

static void test_redirect_comes_with_its_address(void **state)
{
    client_fixture fixture;
    amqpc_client_error error;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "moved", AMQPC_AT_LEAST_ONCE);
    assert_status(AMQPC_REDIRECTED, amqpc_sender_wait_open(sender, PATIENCE_MS));
    assert_ok(amqpc_sender_get_error(sender, &error));
    assert_string_equal("127.0.0.2", error.redirect_host);
    assert_string_equal("elsewhere", error.redirect_address);
    assert_int_equal(1234, error.redirect_port);
    client_fixture_free(&fixture);
}

static void test_link_that_was_closed_ends_for_good(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "kicked", AMQPC_AT_LEAST_ONCE);
    amqpc_status status = send_number(sender, 1, PATIENCE_MS, &outcome);
    assert_true(status == AMQPC_OK || status == AMQPC_LINK_ENDED);
    amqpc_client_event event = wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_LINK_FAILED);
    assert_string_equal("amqp:resource-deleted", event.error.condition);
    assert_status(AMQPC_LINK_ENDED, send_number(sender, 2, PATIENCE_MS, &outcome));
    client_fixture_free(&fixture);
}

static void test_link_that_was_forced_off_comes_back(void **state)
{
    client_fixture fixture;
    amqpc_completion completions[64];
    uint32_t seen[40] = {0};
    size_t total = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "forced", AMQPC_AT_LEAST_ONCE);
    for (uint64_t i = 0; i < 40; i++) {
        post_number(sender, i);
    }
    while (total < 40) {
        size_t count = 0;
        assert_ok(amqpc_sender_completions(sender, completions, 64, PATIENCE_MS, &count));
        for (size_t i = 0; i < count; i++) {
            seen[completions[i].context]++;
        }
        total += count;
    }
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(1, seen[i]);
    }
    assert_int_equal(1, test_server_connection_count(fixture.server));
    client_fixture_free(&fixture);
}

static void test_closed_sender_refuses_and_completes_as_unknown(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    amqpc_completion completion;
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 9);
    assert_ok(amqpc_sender_close(sender, PATIENCE_MS));
    assert_ok(amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &count));
    assert_int_equal(9, completion.context);
    assert_true(completion.unknown);
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &count));
    assert_status(AMQPC_CLOSED, send_number(sender, 1, PATIENCE_MS, &outcome));
    assert_ok(amqpc_sender_close(sender, PATIENCE_MS));
    amqpc_sender_free(sender);
    client_fixture_free(&fixture);
}

static void test_wrong_options_are_refused(void **state)
{
    client_fixture fixture;
    amqpc_sender *sender = NULL;
    amqpc_sender_options options;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender_options_init(&options, sizeof options);
    options.guarantee = 4;
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_sender_new(fixture.client, "accept", &options, &sender));
    options.guarantee = 0;
    options.window = 0;
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_sender_new(fixture.client, "accept", &options, &sender));
    options.window = 1;
    options.name = "\xff";
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_sender_new(fixture.client, "accept", &options, &sender));
    client_fixture_free(&fixture);
}

static void test_unencodable_message_is_refused_and_nothing_is_sent(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    amqpc_message message;
    uint64_t number = 1;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    number_message(&number, &message);
    message.body.type = AMQPC_TYPE_STRING;
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_sender_send(sender, &message, PATIENCE_MS, &outcome));
    assert_false(outcome.unknown);
    assert_ok(send_number(sender, 2, PATIENCE_MS, &outcome));
    assert_int_equal(1, test_server_message_count(fixture.server));
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_come_with_their_details),
        cmocka_unit_test(test_completion_of_rejected_has_its_state),
        cmocka_unit_test(test_settled_message_is_sent_without_outcome),
        cmocka_unit_test(test_time_out_says_whether_it_was_sent),
        cmocka_unit_test(test_window_limits_what_has_no_outcome),
        cmocka_unit_test(test_borrowed_payloads_are_given_back),
        cmocka_unit_test(test_outcomes_that_are_not_settled_complete),
        cmocka_unit_test(test_refused_link_says_why),
        cmocka_unit_test(test_redirect_comes_with_its_address),
        cmocka_unit_test(test_link_that_was_closed_ends_for_good),
        cmocka_unit_test(test_link_that_was_forced_off_comes_back),
        cmocka_unit_test(test_closed_sender_refuses_and_completes_as_unknown),
        cmocka_unit_test(test_wrong_options_are_refused),
        cmocka_unit_test(test_unencodable_message_is_refused_and_nothing_is_sent),
    };
    return cmocka_run_group_tests_name("sender", tests, NULL, NULL);
}
