/* Sessions: channels, windows, and how they end (AMQP 2.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;

static amqpc_session *begin_session(amqpc_connection *connection)
{
    amqpc_session *session = NULL;
    assert_int_equal(amqpc_session_new(connection, &session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
    return session;
}

static void test_begin_says_what_was_asked(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.handles_max = 10;
    engine_pair pair;
    engine_pair_open_with(&pair, &options, NULL);
    amqpc_session *session = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &session), AMQPC_OK);
    amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW | AMQPC_BEGIN_OUTGOING_WINDOW |
                                    AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_HANDLE_MAX |
                                    AMQPC_BEGIN_REMOTE_CHANNEL,
                         .incoming_window = 0,
                         .outgoing_window = 17,
                         .next_outgoing_id = UINT32_MAX,
                         .handle_max = 5,
                         .remote_channel = 3};
    assert_int_equal(amqpc_session_begin(session, &begin), AMQPC_INVALID_ARGUMENT);
    begin.incoming_window = 33;
    amqpc_begin got;
    assert_int_equal(amqpc_session_remote_begin(session, &got), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_session_begin(session, &begin), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(session, &begin), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_session_get_state(session), AMQPC_SESSION_BEGIN_SENT);
    engine_exchange(&pair);
    amqpc_session *other = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_get_state(other), AMQPC_SESSION_BEGIN_RECEIVED);
    assert_int_equal(amqpc_session_remote_begin(other, &got), AMQPC_OK);
    assert_int_equal(got.incoming_window, 33);
    assert_int_equal(got.outgoing_window, 17);
    assert_int_equal(got.next_outgoing_id, UINT32_MAX);
    assert_int_equal(got.handle_max, 9);
    assert_false(got.present & AMQPC_BEGIN_REMOTE_CHANNEL);
    assert_int_equal(amqpc_session_begin(other, NULL), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_event(pair.client, AMQPC_EVENT_SESSION_BEGIN);
    assert_int_equal(amqpc_session_remote_begin(session, &got), AMQPC_OK);
    assert_int_equal(got.remote_channel, 1);
    assert_int_equal(amqpc_session_get_state(session), AMQPC_SESSION_MAPPED);
    assert_int_equal(amqpc_session_outgoing_window(other), 33);
    assert_int_equal(amqpc_session_outgoing_window(session), 2048);
    assert_int_equal(amqpc_session_incoming_window(session), 33);
    assert_ptr_equal(amqpc_session_connection(session), pair.client);
    assert_null(amqpc_session_context(session));
    amqpc_session_set_context(session, &pair);
    assert_ptr_equal(amqpc_session_context(session), &pair);
    engine_pair_free(&pair);
}

static void test_channels_are_limited_by_both_ends_and_used_again(void **state)
{
    (void)state;
    for (unsigned limited = 0; limited < 2; limited++) {
        amqpc_limits limits;
        amqpc_limits_init(&limits, sizeof limits);
        limits.channels = 3;
        amqpc_connection_options options;
        amqpc_connection_options_init(&options, sizeof options);
        options.limits = &limits;
        engine_pair pair;
        engine_pair_open_with(&pair, limited ? NULL : &options, limited ? &options : NULL);
        amqpc_session *second = begin_session(pair.client);
        amqpc_session *third = begin_session(pair.client);
        amqpc_session *fourth = NULL;
        assert_int_equal(amqpc_session_new(pair.client, &fourth), AMQPC_OK);
        assert_int_equal(amqpc_session_begin(fourth, NULL), AMQPC_LIMIT_REACHED);
        engine_exchange(&pair);
        amqpc_session *others[2] = {NULL, NULL};
        for (unsigned i = 0; i < 2; i++) {
            others[i] = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
            assert_int_equal(amqpc_session_begin(others[i], NULL), AMQPC_OK);
        }
        engine_exchange(&pair);
        /* Only when both ends have crossed is the channel free. */
        assert_int_equal(amqpc_session_end(second, NULL), AMQPC_OK);
        assert_int_equal(amqpc_session_begin(fourth, NULL), AMQPC_LIMIT_REACHED);
        engine_exchange(&pair);
        assert_int_equal(amqpc_session_end(others[0], NULL), AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(amqpc_session_begin(fourth, NULL), AMQPC_OK);
        engine_take_frames(pair.client, &frames);
        assert_int_equal(frames.channels[0], 1);
        (void)third;
        engine_pair_free(&pair);
    }
}

static void test_sessions_do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { SESSIONS = 20 };
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_link *senders[SESSIONS];
    amqpc_link *receivers[SESSIONS];
    for (unsigned i = 0; i < SESSIONS; i++) {
        const char name[] = {'l', (char)('a' + i), '\0'};
        pair.client_session = begin_session(pair.client);
        engine_exchange(&pair);
        pair.server_session = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
        assert_int_equal(amqpc_session_begin(pair.server_session, NULL), AMQPC_OK);
        engine_pair_attach_named(&pair, name, NULL, NULL, &senders[i], &receivers[i]);
        assert_int_equal(amqpc_link_add_credit(receivers[i], 10), AMQPC_OK);
    }
    engine_exchange(&pair);
    for (unsigned i = 0; i < SESSIONS; i++) {
        for (unsigned j = 0; j <= i % 3; j++) {
            (void)engine_send(senders[i], "x");
        }
    }
    amqpc_session_free(amqpc_link_session(senders[7])); /* its links go with it */
    engine_exchange(&pair);
    for (unsigned i = 0; i < SESSIONS; i++) {
        amqpc_delivery deliveries[4];
        size_t count = 0;
        assert_int_equal(amqpc_link_receive(receivers[i], deliveries, 4, &count), AMQPC_OK);
        assert_int_equal(count, i % 3 + 1);
        amqpc_deliveries_release(deliveries, count);
    }
    engine_pair_free(&pair);
}

/* --- Windows. */

/* Pitfall 2: the window is renewed though no link has anything to say; pitfall 3: it counts
 * frames. */
static void test_pitfalls_2_and_3_the_window_is_renewed_and_counts_frames(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_session_set_incoming_window(pair.server_session, 0),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(
        amqpc_session_set_incoming_window(pair.server_session, (uint32_t)INT32_MAX + 1),
        AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_session_set_incoming_window(pair.server_session, 8), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1000000), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_outgoing_window(pair.client_session), 8);
    static uint8_t payload[150000];
    unsigned flows = 0;
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(
            amqpc_link_send(pair.sender, (amqpc_bytes){payload, sizeof payload}, NULL, NULL),
            AMQPC_OK); /* three frames */
        assert_int_equal(engine_forward(pair.client, pair.server, &frames), AMQPC_OK);
        assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_TRANSFER), 3);
        assert_int_equal(engine_forward(pair.server, pair.client, &frames), AMQPC_OK);
        flows += (unsigned)engine_frame_count(&frames, AMQPC_COMPOSITE_FLOW);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        amqpc_delivery_release(&delivery);
    }
    assert_true(flows >= 18 && flows <= 50);
    engine_pair_free(&pair);
}

static void test_the_window_is_held_while_too_much_input_is_retained(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.retained_size = 1000000;
    engine_pair pair;
    engine_pair_open_with(&pair, NULL, &options);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_session_set_incoming_window(pair.server_session, 20), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1000000), AMQPC_OK);
    engine_exchange(&pair);
    static uint8_t payload[60000];
    amqpc_delivery deliveries[200];
    size_t count = 0;
    unsigned sent = 0;
    while (sent < 200) {
        amqpc_status status =
            amqpc_link_send(pair.sender, (amqpc_bytes){payload, sizeof payload}, NULL, NULL);
        if (status != AMQPC_OK) {
            break;
        }
        sent++;
        engine_exchange(&pair);
    }
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 200, &count), AMQPC_OK);
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_true(count < 60 && statistics.retained_size < 4000000);
    assert_int_equal(amqpc_session_outgoing_window(pair.client_session), 0);
    amqpc_deliveries_release(deliveries, count);
    engine_exchange(&pair);
    (void)engine_event(pair.client, AMQPC_EVENT_SESSION_WINDOW);
    assert_true(amqpc_session_outgoing_window(pair.client_session) > 0 ||
                amqpc_link_receive(pair.receiver, deliveries, 200, &count) == AMQPC_OK);
    engine_exchange(&pair);
    size_t more = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 200, &more), AMQPC_OK);
    assert_true(count + more > 0);
    amqpc_deliveries_release(deliveries, more > 0 ? more : count);
    engine_pair_free(&pair);
}

/* --- Ends. */

static void test_an_end_with_an_error_is_told_and_links_are_suspended(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("app:over")};
    assert_int_equal(amqpc_session_end(pair.client_session, &error), AMQPC_OK);
    assert_int_equal(amqpc_session_end(pair.client_session, NULL), AMQPC_OK);
    assert_int_equal(amqpc_session_get_state(pair.client_session), AMQPC_SESSION_DISCARDING);
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACHED);
    assert_false(amqpc_link_is_closed(pair.sender));
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_SESSION_END);
    amqpc_error got;
    assert_int_equal(amqpc_session_error(pair.server_session, &got), AMQPC_OK);
    assert_bytes(got.condition, "app:over");
    assert_int_equal(amqpc_session_error(pair.client_session, &got), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_session_get_state(pair.server_session), AMQPC_SESSION_END_RECEIVED);
    assert_int_equal(amqpc_session_end(pair.server_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_get_state(pair.server_session), AMQPC_SESSION_UNMAPPED);
    assert_int_equal(amqpc_session_get_state(pair.client_session), AMQPC_SESSION_UNMAPPED);
    assert_int_equal(amqpc_session_end(pair.client_session, NULL), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair.client_session, NULL), AMQPC_INVALID_STATE);
    amqpc_link *link = NULL;
    assert_int_equal(
        amqpc_link_new(pair.client_session, AMQPC_ROLE_SENDER, engine_text("new"), &link),
        AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_session_set_incoming_window(pair.client_session, 5), AMQPC_OK);
    engine_pair_free(&pair);
}

static void test_an_end_before_begin_is_not_allowed(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_session *session = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &session), AMQPC_OK);
    assert_int_equal(amqpc_session_end(session, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_session_set_incoming_window(session, 5), AMQPC_OK);
    assert_int_equal(amqpc_session_incoming_window(session), 5);
    engine_pair_free(&pair);
}

static void test_an_error_that_cannot_be_encoded_changes_nothing(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_error error = {.present = 0};
    assert_int_equal(amqpc_session_end(pair.client_session, &error), AMQPC_MISSING_FIELD);
    assert_int_equal(amqpc_session_get_state(pair.client_session), AMQPC_SESSION_MAPPED);
    assert_int_equal(amqpc_connection_close(pair.client, &error), AMQPC_MISSING_FIELD);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPENED);
    engine_pair_free(&pair);
}

/* Frees a session in a state, and lets the peer answer. */
static void free_in_state(amqpc_session_state wanted, bool with_links)
{
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_session *session = NULL;
    amqpc_session *other = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &session), AMQPC_OK);
    if (wanted >= AMQPC_SESSION_BEGIN_SENT) {
        assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
    }
    if (wanted >= AMQPC_SESSION_BEGIN_RECEIVED) {
        engine_exchange(&pair);
        other = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    }
    amqpc_link *link = NULL;
    if (with_links) {
        assert_int_equal(amqpc_link_new(session, AMQPC_ROLE_SENDER, engine_text("goes too"), &link),
                         AMQPC_OK);
    }
    if (wanted >= AMQPC_SESSION_MAPPED) {
        assert_int_equal(amqpc_session_begin(other, NULL), AMQPC_OK);
        engine_exchange(&pair);
    }
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("app:over")};
    if (wanted == AMQPC_SESSION_END_SENT || wanted == AMQPC_SESSION_DISCARDING) {
        assert_int_equal(
            amqpc_session_end(session, wanted == AMQPC_SESSION_DISCARDING ? &error : NULL),
            AMQPC_OK);
    }
    if (wanted == AMQPC_SESSION_END_RECEIVED) {
        assert_int_equal(amqpc_session_end(other, NULL), AMQPC_OK);
        engine_exchange(&pair);
    }
    amqpc_session *freed = wanted == AMQPC_SESSION_BEGIN_RECEIVED ? other : session;
    assert_int_equal(amqpc_session_get_state(freed), wanted);
    amqpc_session_free(freed);
    engine_exchange(&pair);
    /* The peer does its part; then nobody has anything left of it. */
    for (amqpc_session *at = NULL; (at = amqpc_connection_next_session(pair.server, at)) != NULL;) {
        /* One that was ended before it was answered is begun first. */
        amqpc_status begun = amqpc_session_begin(at, NULL);
        assert_true(begun == AMQPC_OK || begun == AMQPC_INVALID_STATE);
        if (amqpc_session_get_state(at) == AMQPC_SESSION_END_RECEIVED) {
            assert_int_equal(amqpc_session_end(at, NULL), AMQPC_OK);
        }
    }
    engine_exchange(&pair);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_connection_get_failure(pair.server, &failure), AMQPC_NOT_FOUND);
    amqpc_session *again = begin_session(pair.client); /* the channel may be used again */
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_get_state(again), AMQPC_SESSION_BEGIN_SENT);
    engine_pair_free(&pair);
}

static void test_a_session_is_freed_in_every_state(void **state)
{
    (void)state;
    for (unsigned at = 0; at <= AMQPC_SESSION_DISCARDING; at++) {
        free_in_state((amqpc_session_state)at, false);
        free_in_state((amqpc_session_state)at, true);
    }
    amqpc_session_free(NULL);
}

static void test_a_session_of_a_failed_connection_is_freed_at_once(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_connection_input_end(pair.client), AMQPC_STREAM_ENDED);
    amqpc_session_free(pair.client_session);
    assert_ptr_equal(amqpc_connection_next_session(pair.client, NULL), NULL);
    assert_int_equal(engine_events(pair.client), 1u << AMQPC_EVENT_CONNECTION_FAILED);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin_says_what_was_asked),
        cmocka_unit_test(test_channels_are_limited_by_both_ends_and_used_again),
        cmocka_unit_test(test_sessions_do_not_disturb_each_other),
        cmocka_unit_test(test_pitfalls_2_and_3_the_window_is_renewed_and_counts_frames),
        cmocka_unit_test(test_the_window_is_held_while_too_much_input_is_retained),
        cmocka_unit_test(test_an_end_with_an_error_is_told_and_links_are_suspended),
        cmocka_unit_test(test_an_end_before_begin_is_not_allowed),
        cmocka_unit_test(test_an_error_that_cannot_be_encoded_changes_nothing),
        cmocka_unit_test(test_a_session_is_freed_in_every_state),
        cmocka_unit_test(test_a_session_of_a_failed_connection_is_freed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
