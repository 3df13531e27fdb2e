/* Sessions against hostile peers: states, channels, handles, ids and windows (hostile-inputs.md, 45
 * to 50, 52, 54 to 56, 58, 59, 65). */
#include "engine_hostile_fixture.h"

/* --- States and channels: the connection is closed. */

static void test_row_45_a_frame_before_open_closes_with_illegal_state(void **state)
{
    (void)state;
    const amqpc_performative frames[] = {
        begin_frame(),
        attach_frame("link", 0, AMQPC_ROLE_SENDER),
        transfer_frame(0, 0),
        engine_flow(0, 0, 1),
        disposition_frame(AMQPC_ROLE_SENDER, 0, 0, true),
        detach_frame(0, true),
        empty_frame(AMQPC_COMPOSITE_END),
        empty_frame(AMQPC_COMPOSITE_CLOSE),
        empty_frame(AMQPC_COMPOSITE_NONE),
    };
    for (size_t i = 0; i < 2 * sizeof frames / sizeof frames[0]; i++) {
        peer *self = peer_greet(i % 2 ? AMQPC_CLIENT : AMQPC_SERVER, NULL);
        assert_int_equal(engine_feed_frame(self->connection, 0, &frames[i / 2]),
                         AMQPC_ILLEGAL_STATE);
        peer_expect(self, AMQPC_COMPOSITE_OPEN);
        peer_expect_close(self, "amqp:illegal-state");
        assert_null(amqpc_connection_next_session(self->connection, NULL));
        peer_free(self);
    }
}

static void test_row_45_a_second_open_closes_with_illegal_state(void **state)
{
    (void)state;
    const amqpc_performative open = open_frame();
    peer *self = peer_open();
    assert_int_equal(engine_feed_frame(self->connection, 0, &open), AMQPC_ILLEGAL_STATE);
    peer_expect_close(self, "amqp:illegal-state");
    peer_free(self);
    /* Before this end has opened. */
    self = peer_greet(AMQPC_SERVER, NULL);
    peer_feed(self, &open);
    assert_int_equal(engine_feed_frame(self->connection, 0, &open), AMQPC_ILLEGAL_STATE);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    peer_expect_close(self, "amqp:illegal-state");
    peer_free(self);
}

static void test_row_46_begin_on_a_channel_in_use_closes_with_not_allowed(void **state)
{
    (void)state;
    const amqpc_performative begin = begin_frame();
    peer *self = peer_begin();
    assert_int_equal(engine_feed_frame(self->connection, 0, &begin), AMQPC_CHANNEL_IN_USE);
    peer_expect_close(self, "amqp:not-allowed");
    peer_free(self);
    /* Before it was answered. */
    self = peer_open();
    peer_feed(self, &begin);
    assert_int_equal(engine_feed_frame(self->connection, 0, &begin), AMQPC_CHANNEL_IN_USE);
    peer_expect_close(self, "amqp:not-allowed");
    peer_free(self);
}

static void test_row_46_begins_and_ends_that_nobody_answers_are_limited(void **state)
{
    (void)state;
    enum { MANY = 100000, CHANNELS = 256 };
    peer *self = peer_open();
    const amqpc_performative begin = begin_frame();
    const amqpc_performative end = empty_frame(AMQPC_COMPOSITE_END);
    size_t taken = 0;
    amqpc_status status = AMQPC_OK;
    while (taken < MANY && status == AMQPC_OK) {
        status = engine_feed_frame(self->connection, 0, &begin);
        if (status == AMQPC_OK) {
            status = engine_feed_frame(self->connection, 0, &end);
            taken++;
        }
    }
    assert_int_equal(status, AMQPC_RESOURCE_LIMIT);
    assert_int_equal(taken, CHANNELS);
    peer_expect_close(self, "amqp:resource-limit-exceeded");
    peer_free(self);
}

static void test_row_46_sessions_come_and_go_with_flat_memory(void **state)
{
    (void)state;
    peer *self = peer_open();
    peer_expect_connection_alive(self, 0);
    size_t before = self->memory.size;
    for (size_t i = 0; i < 10000; i++) {
        peer_expect_connection_alive(self, 0);
        assert_int_equal(self->memory.size, before);
    }
    peer_free(self);
}

static void test_row_47_begin_that_answers_an_unknown_channel_closes_with_not_allowed(void **state)
{
    (void)state;
    const uint16_t unknown[] = {0, 1, 255, 65535};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        peer *self = peer_open();
        amqpc_performative begin = begin_frame();
        begin.as.begin.present |= AMQPC_BEGIN_REMOTE_CHANNEL;
        begin.as.begin.remote_channel = unknown[i];
        assert_int_equal(engine_feed_frame(self->connection, 3, &begin), AMQPC_UNMAPPED_CHANNEL);
        peer_expect_close(self, "amqp:not-allowed");
        peer_free(self);
    }
    /* One that was answered before. */
    peer *self = peer_open();
    amqpc_performative begin = begin_frame();
    assert_int_equal(amqpc_session_new(self->connection, &self->session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(self->session, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    begin.as.begin.present |= AMQPC_BEGIN_REMOTE_CHANNEL;
    peer_feed_on(self, 7, &begin);
    assert_int_equal(engine_feed_frame(self->connection, 8, &begin), AMQPC_UNMAPPED_CHANNEL);
    peer_expect_close(self, "amqp:not-allowed");
    peer_free(self);
}

static void test_row_48_frames_on_an_unmapped_channel_close_with_not_allowed(void **state)
{
    (void)state;
    const amqpc_performative frames[] = {
        attach_frame("link", 0, AMQPC_ROLE_SENDER),
        transfer_frame(0, 0),
        engine_flow(0, 0, 1),
        disposition_frame(AMQPC_ROLE_SENDER, 0, UINT32_MAX, true),
        detach_frame(0, true),
        empty_frame(AMQPC_COMPOSITE_END),
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        peer *self = peer_begin();
        assert_int_equal(engine_feed_frame(self->connection, 5, &frames[i]),
                         AMQPC_UNMAPPED_CHANNEL);
        peer_expect_close(self, "amqp:not-allowed");
        /* Sessions of the connection end with it. */
        assert_int_equal(amqpc_session_end(self->session, NULL), AMQPC_INVALID_STATE);
        peer_free(self);
    }
}

/* --- Handles. */

static void test_row_49_attach_on_a_handle_in_use_ends_with_handle_in_use(void **state)
{
    (void)state;
    for (unsigned role = 0; role < 2; role++) {
        peer *self = peer_begin();
        peer_attach(self, "one", 4, AMQPC_ROLE_SENDER);
        const amqpc_performative attach = attach_frame("two", 4, role == 1);
        peer_feed(self, &attach);
        peer_expect_end(self, "amqp:session:handle-in-use");
        peer_free(self);
    }
}

static void test_row_50_a_handle_above_handle_max_closes_with_a_framing_error(void **state)
{
    (void)state;
    const uint32_t handles[] = {1024, 1025, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        peer *self = peer_begin();
        size_t before = self->memory.size;
        const amqpc_performative attach = attach_frame("link", handles[i], AMQPC_ROLE_SENDER);
        assert_int_equal(engine_feed_frame(self->connection, 0, &attach), AMQPC_HANDLE_TOO_HIGH);
        assert_true(self->memory.size < before + 4096);
        peer_expect_close(self, "amqp:connection:framing-error");
        peer_free(self);
    }
    /* handle-max is inclusive. */
    peer *self = peer_begin();
    peer_attach(self, "link", 1023, AMQPC_ROLE_SENDER);
    peer_expect_session_alive(self, 1022);
    peer_free(self);
}

static void test_row_52_frames_for_an_unattached_handle_end_with_unattached_handle(void **state)
{
    (void)state;
    const uint32_t handles[] = {0, 1023, 1024, UINT32_MAX};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        const amqpc_performative frames[] = {
            transfer_frame(handles[i], 0),
            engine_flow(handles[i], 0, 1),
            detach_frame(handles[i], false),
        };
        for (size_t j = 0; j < sizeof frames / sizeof frames[0]; j++) {
            peer *self = peer_begin();
            peer_feed(self, &frames[j]);
            peer_expect_end(self, "amqp:session:unattached-handle");
            peer_free(self);
        }
    }
}

static void test_row_52_a_handle_that_the_peer_has_detached_is_unattached(void **state)
{
    (void)state;
    const amqpc_performative frames[] = {
        transfer_frame(0, 0),
        engine_flow(0, 0, 1),
        detach_frame(0, true),
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        peer *self = peer_begin();
        amqpc_link *link = peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
        peer_take_credit(self, link, 10);
        const amqpc_performative detach = detach_frame(0, false);
        peer_feed(self, &detach);
        peer_feed(self, &frames[i]);
        peer_expect_end(self, "amqp:session:unattached-handle");
        peer_free(self);
    }
}

/* --- Ids and windows. */

static peer *peer_with_credit(uint32_t credit)
{
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, credit);
    return self;
}

static void test_row_54_a_gap_or_a_repeat_of_delivery_ids_ends_with_invalid_field(void **state)
{
    (void)state;
    /* The first may be any (AMQP 2.8.7). */
    const uint32_t firsts[] = {0, 7, INT32_MAX, UINT32_MAX};
    const uint32_t steps[] = {0, 2, UINT32_MAX, INT32_MAX, (uint32_t)INT32_MAX + 1};
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
            peer *self = peer_with_credit(10);
            amqpc_performative transfer = transfer_frame(0, firsts[i]);
            peer_feed(self, &transfer);
            size_t before = self->memory.size;
            transfer.as.transfer.delivery_id += steps[j];
            peer_feed(self, &transfer);
            assert_true(self->memory.size < before + 4096);
            peer_expect_end(self, "amqp:invalid-field");
            peer_free(self);
        }
    }
}

static void
test_row_54_a_first_frame_without_delivery_id_or_tag_ends_with_invalid_field(void **state)
{
    (void)state;
    const uint32_t fields[] = {AMQPC_TRANSFER_DELIVERY_ID, AMQPC_TRANSFER_DELIVERY_TAG};
    for (size_t i = 0; i < 2; i++) {
        peer *self = peer_with_credit(10);
        amqpc_performative transfer = transfer_frame(0, 0);
        transfer.as.transfer.present &= ~fields[i];
        peer_feed(self, &transfer);
        peer_expect_end(self, "amqp:invalid-field");
        peer_free(self);
    }
}

static void test_row_55_a_continuation_of_another_delivery_ends_with_invalid_field(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < 3; fault++) {
        peer *self = peer_with_credit(10);
        amqpc_performative transfer = transfer_frame(0, 5);
        transfer.as.transfer.present |= AMQPC_TRANSFER_MORE;
        transfer.as.transfer.more = true;
        peer_feed(self, &transfer);
        peer_feed(self, &transfer); /* the same id and tag are no fault */
        amqpc_performative next = transfer;
        if (fault == 0) {
            next.as.transfer.delivery_id = 6;
        } else if (fault == 1) {
            next.as.transfer.delivery_id = 4;
        } else {
            next.as.transfer.delivery_tag = engine_text("gat");
        }
        peer_feed(self, &next);
        peer_expect_end(self, "amqp:invalid-field");
        peer_free(self);
    }
}

static void test_row_56_more_frames_than_the_window_end_with_window_violation(void **state)
{
    (void)state;
    enum { WINDOW = 8 };
    /* Frames of whole deliveries, and of one: it is frames that count. */
    for (unsigned whole = 0; whole < 2; whole++) {
        const amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW,
                                   .incoming_window = WINDOW};
        peer *self = peer_begin_with(NULL, &begin);
        peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
        peer_take_credit(self, self->link, 100);
        for (uint32_t i = 0; i <= WINDOW; i++) {
            amqpc_performative frame = transfer_frame(0, whole ? i : 0);
            frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
            frame.as.transfer.more = !whole;
            if (i == WINDOW) {
                assert_int_equal(amqpc_session_incoming_window(self->session), 0);
            }
            peer_feed(self, &frame); /* no output is asked for: so no flow has gone out */
        }
        peer_expect(self, AMQPC_COMPOSITE_FLOW); /* which was due since half of it was used */
        peer_expect_end(self, "amqp:session:window-violation");
        peer_free(self);
    }
}

/* --- Numbers that wrap. */

static void test_row_58_delivery_count_and_credit_may_wrap(void **state)
{
    (void)state;
    /* A sender: its count, what the receiver has seen, the credit from there, and what is left. */
    static const struct {
        uint32_t initial, seen, credit, expected;
    } cases[] = {
        {UINT32_MAX, UINT32_MAX, 3, 3}, {UINT32_MAX - 1, UINT32_MAX - 1, 100, 100},
        {0, 0, INT32_MAX, INT32_MAX},   {0, 0, (uint32_t)INT32_MAX + 1, (uint32_t)INT32_MAX + 1},
        {5, 5, UINT32_MAX, UINT32_MAX}, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
        {0, UINT32_MAX, 1, 0},                        /* one in flight that the receiver counts */
        {0, UINT32_MAX, 5, 4},          {0, 1, 5, 0}, /* it has seen what was never sent */
        {0, INT32_MAX, UINT32_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        peer *self = peer_begin();
        const amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_RECEIVER);
        peer_feed(self, &attach);
        amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
        const amqpc_attach answer = {.present = AMQPC_ATTACH_INITIAL_DELIVERY_COUNT,
                                     .initial_delivery_count = cases[i].initial};
        assert_int_equal(amqpc_link_attach(link, &answer, NULL, NULL), AMQPC_OK);
        peer_expect(self, AMQPC_COMPOSITE_ATTACH);
        const amqpc_performative flow = engine_flow(0, cases[i].seen, cases[i].credit);
        peer_feed(self, &flow);
        amqpc_link_flow seen;
        amqpc_link_get_flow(link, &seen);
        assert_int_equal(seen.credit, cases[i].expected);
        assert_int_equal(amqpc_link_send(link, engine_text("x"), NULL, NULL),
                         cases[i].expected > 0 ? AMQPC_OK : AMQPC_NO_CREDIT);
        engine_take_frames(self->connection, &self->frames);
        self->next = self->frames.count;
        peer_expect_session_alive(self, 1);
        peer_free(self);
    }
}

static void test_row_58_a_senders_count_beyond_its_credit_moves_nothing(void **state)
{
    (void)state;
    const uint32_t counts[] = {11, 1000, INT32_MAX, (uint32_t)INT32_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        peer *self = peer_with_credit(10);
        const amqpc_performative flow = engine_flow(0, counts[i], 0);
        peer_feed(self, &flow);
        amqpc_link_flow seen;
        amqpc_link_get_flow(self->link, &seen);
        assert_int_equal(seen.delivery_count, 0);
        assert_int_equal(seen.credit, 10);
        peer_expect_session_alive(self, 1);
        peer_free(self);
    }
}

static void test_row_59_all_serial_numbers_wrap(void **state)
{
    (void)state;
    enum { MANY = 64 };
    const uint32_t start = UINT32_MAX - 30;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    amqpc_performative open = open_frame();
    assert_int_equal(amqpc_connection_open(pair.client, &open.as.open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair.server, &open.as.open), AMQPC_OK);
    const amqpc_begin begin = {.present =
                                   AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_INCOMING_WINDOW,
                               .next_outgoing_id = start,
                               .incoming_window = 10};
    assert_int_equal(amqpc_session_new(pair.client, &pair.client_session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair.client_session, &begin), AMQPC_OK);
    engine_exchange(&pair);
    pair.server_session = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(pair.server_session, &begin), AMQPC_OK);
    engine_exchange(&pair);
    const amqpc_attach attach = {.present = AMQPC_ATTACH_INITIAL_DELIVERY_COUNT,
                                 .initial_delivery_count = UINT32_MAX - 20};
    engine_pair_attach(&pair, &attach);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, MANY), AMQPC_OK);
    engine_exchange(&pair);
    for (uint32_t i = 0; i < MANY; i++) {
        engine_send(pair.sender, "x");
        engine_exchange(&pair);
    }
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), NULL, NULL), AMQPC_NO_CREDIT);
    amqpc_delivery deliveries[MANY + 1];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, MANY + 1, &count), AMQPC_OK);
    assert_int_equal(count, MANY);
    assert_int_equal(deliveries[0].delivery_id, start);
    assert_int_equal(deliveries[MANY - 1].delivery_id, MANY - 32);
    /* One range, across the wrap. */
    assert_int_equal(amqpc_link_settle(pair.receiver, deliveries[0].number,
                                       deliveries[MANY - 1].number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    amqpc_deliveries_release(deliveries, count);
    engine_exchange(&pair);
    amqpc_update updates[MANY + 1];
    assert_int_equal(amqpc_link_updates(pair.sender, updates, MANY + 1, &count), AMQPC_OK);
    assert_int_equal(count, MANY);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    amqpc_link_flow flow;
    amqpc_link_get_flow(pair.sender, &flow);
    assert_int_equal(flow.delivery_count, MANY - 21);
    engine_pair_free(&pair);
}

/* --- Ends that cross. */

static void test_row_65_ends_that_cross_are_both_answers(void **state)
{
    (void)state;
    peer *self = peer_with_credit(10);
    assert_int_equal(amqpc_session_end(self->session, NULL), AMQPC_OK);
    const amqpc_performative transfer = transfer_frame(0, 0);
    const amqpc_performative end = empty_frame(AMQPC_COMPOSITE_END);
    peer_feed(self, &transfer); /* sent before it heard of the end */
    peer_feed(self, &end);
    peer_expect(self, AMQPC_COMPOSITE_END);
    peer_expect_nothing(self);
    assert_int_equal(amqpc_session_get_state(self->session), AMQPC_SESSION_UNMAPPED);
    amqpc_session_free(self->session);
    peer_expect_connection_alive(self, 0); /* the channel is free again, at both ends */
    peer_free(self);
}

static void test_row_65_a_session_that_is_begun_and_ended_at_once_is_answered(void **state)
{
    (void)state;
    peer *self = peer_open();
    const amqpc_performative begin = begin_frame();
    const amqpc_performative end = empty_frame(AMQPC_COMPOSITE_END);
    peer_feed(self, &begin);
    peer_feed(self, &end);
    amqpc_session_free(engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN).session);
    peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    peer_expect(self, AMQPC_COMPOSITE_END);
    peer_expect_nothing(self);
    assert_null(amqpc_connection_next_session(self->connection, NULL));
    peer_free(self);
}

static void test_row_65_closes_that_cross_end_the_connection(void **state)
{
    (void)state;
    peer *self = peer_with_credit(10);
    assert_int_equal(amqpc_connection_close(self->connection, NULL), AMQPC_OK);
    const amqpc_performative transfer = transfer_frame(0, 0);
    const amqpc_performative close = empty_frame(AMQPC_COMPOSITE_CLOSE);
    peer_feed(self, &transfer);
    peer_feed(self, &close);
    peer_expect(self, AMQPC_COMPOSITE_CLOSE);
    peer_expect_nothing(self);
    assert_int_equal(amqpc_connection_get_state(self->connection), AMQPC_CONNECTION_END);
    assert_true(amqpc_connection_is_finished(self->connection));
    assert_int_equal(amqpc_connection_input_end(self->connection), AMQPC_OK);
    peer_free(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_45_a_frame_before_open_closes_with_illegal_state),
        cmocka_unit_test(test_row_45_a_second_open_closes_with_illegal_state),
        cmocka_unit_test(test_row_46_begin_on_a_channel_in_use_closes_with_not_allowed),
        cmocka_unit_test(test_row_46_begins_and_ends_that_nobody_answers_are_limited),
        cmocka_unit_test(test_row_46_sessions_come_and_go_with_flat_memory),
        cmocka_unit_test(test_row_47_begin_that_answers_an_unknown_channel_closes_with_not_allowed),
        cmocka_unit_test(test_row_48_frames_on_an_unmapped_channel_close_with_not_allowed),
        cmocka_unit_test(test_row_49_attach_on_a_handle_in_use_ends_with_handle_in_use),
        cmocka_unit_test(test_row_50_a_handle_above_handle_max_closes_with_a_framing_error),
        cmocka_unit_test(test_row_52_frames_for_an_unattached_handle_end_with_unattached_handle),
        cmocka_unit_test(test_row_52_a_handle_that_the_peer_has_detached_is_unattached),
        cmocka_unit_test(test_row_54_a_gap_or_a_repeat_of_delivery_ids_ends_with_invalid_field),
        cmocka_unit_test(
            test_row_54_a_first_frame_without_delivery_id_or_tag_ends_with_invalid_field),
        cmocka_unit_test(test_row_55_a_continuation_of_another_delivery_ends_with_invalid_field),
        cmocka_unit_test(test_row_56_more_frames_than_the_window_end_with_window_violation),
        cmocka_unit_test(test_row_58_delivery_count_and_credit_may_wrap),
        cmocka_unit_test(test_row_58_a_senders_count_beyond_its_credit_moves_nothing),
        cmocka_unit_test(test_row_59_all_serial_numbers_wrap),
        cmocka_unit_test(test_row_65_ends_that_cross_are_both_answers),
        cmocka_unit_test(test_row_65_a_session_that_is_begun_and_ended_at_once_is_answered),
        cmocka_unit_test(test_row_65_closes_that_cross_end_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
