/* The points of pitfalls.md that are about time, windows, counters and credit: 1 to 6, 10, 11. Each
 * by its number. */
#include "engine_hostile_fixture.h"

static peer *peer_with_credit(uint32_t credit)
{
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, credit);
    return self;
}

/* An engine that sends, with that much credit. */
static peer *peer_for_sender(uint32_t credit)
{
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_RECEIVER);
    const amqpc_performative flow = engine_flow(0, 0, credit);
    peer_feed(self, &flow);
    engine_events(self->connection);
    return self;
}

static void release_all(amqpc_link *link)
{
    amqpc_delivery deliveries[64];
    size_t count = 0;
    do {
        assert_int_equal(amqpc_link_receive(link, deliveries, 64, &count), AMQPC_OK);
        amqpc_deliveries_release(deliveries, count);
    } while (count > 0);
}

/* --- 1. */

static void test_pitfall_1_half_of_the_silence_that_is_tolerated_is_advertised(void **state)
{
    (void)state;
    static const uint32_t timeouts[][2] = {{1000, 500}, {1, 1}, {UINT32_MAX, INT32_MAX}, {3, 1}};
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        amqpc_connection_options options;
        amqpc_connection_options_init(&options, sizeof options);
        options.idle_timeout_ms = timeouts[i][0];
        peer *self = peer_greet(AMQPC_SERVER, &options);
        amqpc_performative open = open_frame();
        peer_feed(self, &open);
        open.as.open.present |= AMQPC_OPEN_IDLE_TIME_OUT; /* whatever the application says */
        open.as.open.idle_time_out = 12345;
        assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
        assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_OPEN)->as.open.idle_time_out,
                         timeouts[i][1]);
        uint64_t deadline_ms = 0;
        assert_int_equal(amqpc_connection_tick(self->connection, 0, &deadline_ms), AMQPC_OK);
        assert_int_equal(amqpc_connection_tick(self->connection, timeouts[i][0] - 1, &deadline_ms),
                         AMQPC_OK);
        assert_int_equal(deadline_ms, timeouts[i][0]);
        assert_int_equal(amqpc_connection_tick(self->connection, timeouts[i][0], &deadline_ms),
                         AMQPC_IDLE_TIMEOUT);
        peer_expect_close(self, "amqp:resource-limit-exceeded");
        peer_free(self);
    }
}

static void test_pitfall_1_something_is_sent_at_half_of_what_the_peer_advertised(void **state)
{
    (void)state;
    peer *self = peer_greet(AMQPC_SERVER, NULL);
    amqpc_performative open = open_frame();
    open.as.open.present |= AMQPC_OPEN_IDLE_TIME_OUT;
    open.as.open.idle_time_out = 10000;
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    uint64_t deadline_ms = 0;
    for (uint64_t now_ms = 0; now_ms < 100000; now_ms += 5000) {
        assert_int_equal(amqpc_connection_tick(self->connection, now_ms, &deadline_ms), AMQPC_OK);
        if (now_ms > 0) {
            peer_expect(self, AMQPC_COMPOSITE_NONE);
        }
        peer_expect_nothing(self);
        assert_int_equal(amqpc_connection_tick(self->connection, now_ms, &deadline_ms), AMQPC_OK);
        assert_int_equal(amqpc_connection_tick(self->connection, now_ms + 4999, &deadline_ms),
                         AMQPC_OK);
        peer_expect_nothing(self);
        assert_int_equal(deadline_ms, now_ms + 5000);
    }
    peer_free(self);
}

/* --- 2 to 4: the session's windows. */

static void test_pitfall_2_the_window_is_renewed_where_no_link_needs_a_flow(void **state)
{
    (void)state;
    enum { FRAMES = 70000 };
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.unsettled_max = FRAMES; /* credit is not given beyond that */
    peer *self = peer_begin_with(&options, NULL);
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, FRAMES);
    uint32_t window = 2048;
    uint32_t flows = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        assert_true(window > 0);
        window--;
        amqpc_performative frame = transfer_frame(0, i);
        frame.as.transfer.present |= AMQPC_TRANSFER_SETTLED;
        frame.as.transfer.settled = true;
        peer_feed(self, &frame);
        if (i % 512 == 511) {
            release_all(self->link);
            engine_take_frames(self->connection, &self->frames);
            self->next = self->frames.count;
            for (size_t j = 0; j < self->frames.count; j++) {
                const amqpc_flow *flow = &self->frames.list[j].as.flow;
                assert_int_equal(self->frames.list[j].type, AMQPC_COMPOSITE_FLOW);
                assert_false(flow->present & AMQPC_FLOW_HANDLE);
                assert_int_equal(flow->next_incoming_id, i + 1);
                window = flow->incoming_window;
                flows++;
            }
        }
    }
    assert_in_range(flows, FRAMES / 2048, FRAMES / 512);
    peer_free(self);
}

static void test_pitfall_3_the_window_counts_frames_and_not_messages(void **state)
{
    (void)state;
    static uint8_t payload[1200];
    peer *self = peer_greet(AMQPC_SERVER, NULL);
    amqpc_performative open = open_frame();
    open.as.open.present |= AMQPC_OPEN_MAX_FRAME_SIZE;
    open.as.open.max_frame_size = 512;
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    amqpc_performative begin = begin_frame();
    begin.as.begin.incoming_window = 5;
    peer_feed(self, &begin);
    self->session = engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(self->session, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    amqpc_link *link = peer_attach(self, "link", 0, AMQPC_ROLE_RECEIVER);
    amqpc_performative flow = engine_flow(0, 0, 100);
    flow.as.flow.incoming_window = 5;
    peer_feed(self, &flow);
    for (unsigned i = 0; i < 3; i++) { /* of three frames each */
        assert_int_equal(amqpc_link_send(link, (amqpc_bytes){payload, sizeof payload}, NULL, NULL),
                         AMQPC_OK);
    }
    for (unsigned i = 0; i < 5; i++) {
        const amqpc_transfer *transfer = &peer_expect(self, AMQPC_COMPOSITE_TRANSFER)->as.transfer;
        assert_int_equal(transfer->more, i != 2);
    }
    peer_expect_nothing(self);
    assert_int_equal(amqpc_session_outgoing_window(self->session), 0);
    /* Of the frames that are on their way two were seen: so the window is one frame more. */
    flow.as.flow.next_incoming_id = 2;
    flow.as.flow.incoming_window = 4;
    peer_feed(self, &flow);
    assert_false(peer_expect(self, AMQPC_COMPOSITE_TRANSFER)->as.transfer.more);
    peer_expect_nothing(self);
    flow.as.flow.next_incoming_id = 6;
    flow.as.flow.incoming_window = 100;
    peer_feed(self, &flow);
    peer_expect(self, AMQPC_COMPOSITE_TRANSFER);
    peer_expect(self, AMQPC_COMPOSITE_TRANSFER);
    peer_expect(self, AMQPC_COMPOSITE_TRANSFER);
    peer_expect_nothing(self);
    assert_int_equal(amqpc_session_outgoing_window(self->session), 97);
    peer_free(self);
}

static void test_pitfall_4_the_remote_window_does_not_underflow(void **state)
{
    (void)state;
    peer *self = peer_for_sender(100);
    for (unsigned i = 0; i < 10; i++) {
        engine_send(self->link, "x");
    }
    engine_take_frames(self->connection, &self->frames);
    self->next = self->frames.count;
    /* Ten are on their way, and the peer takes three: so it is none, and not -7. */
    amqpc_performative flow = engine_flow(0, 0, 50);
    flow.as.flow.incoming_window = 3;
    peer_feed(self, &flow);
    assert_int_equal(amqpc_session_outgoing_window(self->session), 0);
    /* The link's part holds all the same: 50 from the first on, of which ten are sent. */
    amqpc_link_flow seen;
    amqpc_link_get_flow(self->link, &seen);
    assert_int_equal(seen.credit, 40);
    engine_send(self->link, "waits");
    peer_expect_nothing(self);
    /* An id that was never sent widens nothing beyond what is said. */
    flow.as.flow.next_incoming_id = 1000;
    flow.as.flow.incoming_window = 0;
    engine_events(self->connection);
    peer_feed(self, &flow);
    assert_int_equal(amqpc_session_outgoing_window(self->session), 0);
    flow.as.flow.next_incoming_id = 10;
    flow.as.flow.incoming_window = 1;
    assert_false(engine_events(self->connection) & 1u << AMQPC_EVENT_SESSION_WINDOW);
    peer_feed(self, &flow);
    assert_true(engine_events(self->connection) & 1u << AMQPC_EVENT_SESSION_WINDOW);
    assert_bytes(peer_expect(self, AMQPC_COMPOSITE_TRANSFER)->payload, "waits");
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_pitfall_4_a_window_that_the_peer_closes_is_told_when_it_opens(void **state)
{
    (void)state;
    peer *self = peer_for_sender(10);
    amqpc_performative flow = engine_flow(0, 0, 10);
    flow.as.flow.incoming_window = 0;
    peer_feed(self, &flow);
    assert_false(engine_events(self->connection) & 1u << AMQPC_EVENT_SESSION_WINDOW);
    engine_send(self->link, "x");
    peer_expect_nothing(self);
    flow.as.flow.incoming_window = 10;
    peer_feed(self, &flow);
    assert_true(engine_events(self->connection) & 1u << AMQPC_EVENT_SESSION_WINDOW);
    peer_expect(self, AMQPC_COMPOSITE_TRANSFER);
    peer_feed(self, &flow);
    assert_false(engine_events(self->connection) & 1u << AMQPC_EVENT_SESSION_WINDOW);
    peer_free(self);
}

/* --- 5 and 6: counters. */

static void test_pitfall_5_initial_delivery_counts_are_any_serial_number(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, INT32_MAX, (uint32_t)INT32_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        peer *self = peer_begin();
        amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_SENDER);
        attach.as.attach.initial_delivery_count = counts[i];
        peer_feed(self, &attach);
        amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
        assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_add_credit(link, 3), AMQPC_OK);
        peer_expect(self, AMQPC_COMPOSITE_ATTACH);
        const amqpc_flow *flow = &peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow;
        assert_int_equal(flow->delivery_count, counts[i]);
        assert_int_equal(flow->link_credit, 3);
        for (uint32_t j = 0; j < 3; j++) {
            const amqpc_performative transfer = transfer_frame(0, j);
            peer_feed(self, &transfer);
        }
        amqpc_link_flow seen;
        amqpc_link_get_flow(link, &seen);
        assert_int_equal(seen.delivery_count, (uint32_t)((uint64_t)counts[i] + 3));
        assert_int_equal(seen.credit, 0);
        peer_expect_nothing(self);
        peer_free(self);
    }
}

static void test_pitfall_6_delivery_ids_and_transfer_ids_are_counted_apart(void **state)
{
    (void)state;
    peer *self = peer_with_credit(10);
    amqpc_performative frame = transfer_frame(0, 100);
    frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
    frame.as.transfer.more = true;
    peer_feed(self, &frame);
    frame = more_frame(0);
    peer_feed(self, &frame);
    frame.as.transfer.more = false;
    peer_feed(self, &frame);
    frame = transfer_frame(0, 101); /* the next delivery, though the fourth frame */
    peer_feed(self, &frame);
    assert_int_equal(amqpc_link_send_flow(self->link, false, NULL), AMQPC_OK);
    const amqpc_flow *flow = &peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow;
    assert_int_equal(flow->next_incoming_id, 4);
    assert_int_equal(flow->delivery_count, 2);
    assert_int_equal(flow->link_credit, 8);
    peer_free(self);
}

static void test_pitfall_6_ranges_of_dispositions_wrap(void **state)
{
    (void)state;
    const amqpc_begin begin = {.present = AMQPC_BEGIN_NEXT_OUTGOING_ID,
                               .next_outgoing_id = UINT32_MAX - 1};
    peer *self = peer_begin_with(NULL, &begin);
    amqpc_link *link = peer_attach(self, "link", 0, AMQPC_ROLE_RECEIVER);
    amqpc_performative flow = engine_flow(0, 0, 5);
    flow.as.flow.next_incoming_id = UINT32_MAX - 1;
    peer_feed(self, &flow);
    uint64_t numbers[5];
    for (unsigned i = 0; i < 5; i++) {
        numbers[i] = engine_send(link, "x");
        assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_TRANSFER)->as.transfer.delivery_id,
                         (uint32_t)(UINT32_MAX - 1 + (uint64_t)i));
    }
    const amqpc_performative frame = disposition_frame(AMQPC_ROLE_RECEIVER, UINT32_MAX, 1, true);
    peer_feed(self, &frame);
    amqpc_update updates[6];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, updates, 6, &count), AMQPC_OK);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(updates[i].number, numbers[i + 1]);
    }
    assert_int_equal(amqpc_link_unsettled_count(link), 2);
    peer_free(self);
}

/* --- 10 and 11: drain and echo. */

static void test_pitfall_10_a_sender_answers_drain_with_its_count_moved_on(void **state)
{
    (void)state;
    peer *self = peer_for_sender(10);
    engine_send(self->link, "x");
    peer_expect(self, AMQPC_COMPOSITE_TRANSFER);
    amqpc_performative flow = engine_flow(0, 0, 10);
    flow.as.flow.present |= AMQPC_FLOW_DRAIN;
    flow.as.flow.drain = true;
    peer_feed(self, &flow);
    (void)engine_event(self->connection, AMQPC_EVENT_LINK_FLOW);
    amqpc_link_flow seen;
    amqpc_link_get_flow(self->link, &seen);
    assert_true(seen.drain);
    engine_send(self->link, "the last");
    assert_int_equal(amqpc_link_drained(self->link), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_TRANSFER);
    const amqpc_flow *answer = &peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow;
    assert_int_equal(answer->delivery_count, 10);
    assert_int_equal(answer->link_credit, 0);
    assert_true(answer->drain);
    peer_expect_nothing(self);
    assert_int_equal(amqpc_link_send(self->link, engine_text("x"), NULL, NULL), AMQPC_NO_CREDIT);
    peer_free(self);
}

static void test_pitfall_10_a_receiver_sees_that_its_credit_was_given_back(void **state)
{
    (void)state;
    peer *self = peer_with_credit(10);
    assert_int_equal(amqpc_link_drain(self->link), AMQPC_OK);
    assert_true(peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow.drain);
    const amqpc_performative transfer = transfer_frame(0, 0);
    peer_feed(self, &transfer);
    const amqpc_performative flow = engine_flow(0, 10, 0);
    peer_feed(self, &flow);
    (void)engine_event(self->connection, AMQPC_EVENT_LINK_FLOW);
    amqpc_link_flow seen;
    amqpc_link_get_flow(self->link, &seen);
    assert_int_equal(seen.credit, 0);
    assert_int_equal(seen.delivery_count, 10);
    assert_false(seen.drain);
    release_all(self->link);
    /* And goes on with what it gives now. */
    assert_int_equal(amqpc_link_add_credit(self->link, 2), AMQPC_OK);
    const amqpc_flow *out = &peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow;
    assert_int_equal(out->delivery_count, 10);
    assert_int_equal(out->link_credit, 2);
    assert_false(out->drain);
    peer_free(self);
}

static void test_pitfall_10_a_sender_that_uses_all_credit_need_not_answer_drain(void **state)
{
    (void)state;
    peer *self = peer_with_credit(2);
    assert_int_equal(amqpc_link_drain(self->link), AMQPC_OK);
    release_all(self->link); /* that nothing is there yet does not end it */
    assert_true(peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow.drain);
    engine_events(self->connection);
    for (uint32_t i = 0; i < 2; i++) {
        release_all(self->link);
        assert_false(engine_events(self->connection) & 1u << AMQPC_EVENT_LINK_FLOW);
        const amqpc_performative transfer = transfer_frame(0, i);
        peer_feed(self, &transfer);
    }
    /* Who waits for the end of it need not take what came before. */
    (void)engine_event(self->connection, AMQPC_EVENT_LINK_FLOW);
    release_all(self->link);
    assert_int_equal(amqpc_link_set_prefetch(self->link, 5), AMQPC_OK);
    const amqpc_flow *out = &peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow;
    assert_int_equal(out->link_credit, 5);
    assert_false(out->drain);
    peer_free(self);
}

static void test_pitfall_11_echo_is_answered_once_and_without_echo(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    amqpc_connection_statistics before = {.struct_size = sizeof before};
    amqpc_connection_statistics after = before;
    amqpc_connection_get_statistics(pair.client, &before);
    assert_int_equal(amqpc_link_send_flow(pair.sender, true, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send_flow(pair.receiver, true, NULL), AMQPC_OK);
    engine_exchange(&pair); /* where each answered an echo with an echo, it would not return */
    amqpc_connection_get_statistics(pair.client, &after);
    assert_int_equal(after.frames_sent - before.frames_sent, 2);
    assert_int_equal(after.frames_received - before.frames_received, 2);
    engine_pair_free(&pair);
}

/* --- Credit that the limit of unsettled deliveries holds back. */

static void
test_credit_above_the_limit_of_unsettled_deliveries_comes_when_they_are_settled(void **state)
{
    (void)state;
    enum { LIMIT = 10 };
    for (unsigned prefetch = 0; prefetch < 2; prefetch++) {
        amqpc_connection_options options;
        amqpc_connection_options_init(&options, sizeof options);
        options.unsettled_max = LIMIT;
        peer *self = peer_begin_with(&options, NULL);
        amqpc_link *link = peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
        assert_int_equal(prefetch ? amqpc_link_set_prefetch(link, 3 * LIMIT)
                                  : amqpc_link_add_credit(link, 3 * LIMIT),
                         AMQPC_OK);
        uint32_t id = 0;
        for (unsigned round = 0; round < 3; round++) {
            engine_take_frames(self->connection, &self->frames);
            self->next = self->frames.count;
            assert_true(self->frames.count > 0);
            const amqpc_performative *last = &self->frames.list[self->frames.count - 1];
            assert_int_equal(last->type, AMQPC_COMPOSITE_FLOW);
            assert_int_equal(last->as.flow.link_credit, LIMIT);
            amqpc_delivery deliveries[LIMIT + 1];
            size_t count = 0;
            for (unsigned i = 0; i < LIMIT; i++) {
                const amqpc_performative transfer = transfer_frame(0, id++);
                peer_feed(self, &transfer);
            }
            assert_int_equal(amqpc_link_receive(link, deliveries, LIMIT + 1, &count), AMQPC_OK);
            assert_int_equal(count, LIMIT);
            engine_take_frames(self->connection, &self->frames);
            self->next = self->frames.count;
            assert_int_equal(amqpc_link_settle(link, deliveries[0].number,
                                               deliveries[LIMIT - 1].number,
                                               AMQPC_COMPOSITE_ACCEPTED),
                             AMQPC_OK);
            amqpc_deliveries_release(deliveries, count);
        }
        engine_take_frames(self->connection, &self->frames);
        self->next = self->frames.count;
        peer_free(self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pitfall_1_half_of_the_silence_that_is_tolerated_is_advertised),
        cmocka_unit_test(test_pitfall_1_something_is_sent_at_half_of_what_the_peer_advertised),
        cmocka_unit_test(test_pitfall_2_the_window_is_renewed_where_no_link_needs_a_flow),
        cmocka_unit_test(test_pitfall_3_the_window_counts_frames_and_not_messages),
        cmocka_unit_test(test_pitfall_4_the_remote_window_does_not_underflow),
        cmocka_unit_test(test_pitfall_4_a_window_that_the_peer_closes_is_told_when_it_opens),
        cmocka_unit_test(test_pitfall_5_initial_delivery_counts_are_any_serial_number),
        cmocka_unit_test(test_pitfall_6_delivery_ids_and_transfer_ids_are_counted_apart),
        cmocka_unit_test(test_pitfall_6_ranges_of_dispositions_wrap),
        cmocka_unit_test(test_pitfall_10_a_sender_answers_drain_with_its_count_moved_on),
        cmocka_unit_test(test_pitfall_10_a_receiver_sees_that_its_credit_was_given_back),
        cmocka_unit_test(test_pitfall_10_a_sender_that_uses_all_credit_need_not_answer_drain),
        cmocka_unit_test(test_pitfall_11_echo_is_answered_once_and_without_echo),
        cmocka_unit_test(
            test_credit_above_the_limit_of_unsettled_deliveries_comes_when_they_are_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
