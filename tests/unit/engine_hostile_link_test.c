/* Links and deliveries against hostile peers (hostile-inputs.md, 51, 53, 57,
 * 61, 63 to 65, 69). */
#include "engine/link.h"
#include "engine_hostile_fixture.h"

static uint8_t large[65536];

static peer *peer_with_credit(uint32_t credit)
{
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, credit);
    return self;
}

/* The engine detaches the link, with the condition, and after that goes on. */
static void expect_detach_and_go_on(peer *self, uint32_t handle, const char *condition)
{
    peer_expect_detach(self, self->link, condition);
    const amqpc_performative detach = detach_frame(handle, true);
    peer_feed(self, &detach);
    peer_expect_nothing(self);
    assert_int_equal(amqpc_link_get_state(self->link), AMQPC_LINK_DETACHED);
    assert_true(amqpc_link_is_closed(self->link));
    amqpc_link_free(self->link);
    self->link = NULL;
    peer_expect_session_alive(self, handle);
}

static void assert_nothing_received(amqpc_link *link)
{
    amqpc_delivery delivery;
    size_t count = 1;
    assert_int_equal(amqpc_link_receive(link, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 0);
}

/* --- Names and errors. */

static void test_row_51_a_second_link_of_a_name_and_role_steals_it(void **state)
{
    (void)state;
    peer *self = peer_with_credit(10);
    amqpc_link *first = self->link;
    const amqpc_performative attach = attach_frame("link", 1, AMQPC_ROLE_SENDER);
    peer_feed(self, &attach);
    peer_expect_detach(self, first, "amqp:link:stolen");
    amqpc_link *second = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
    assert_ptr_not_equal(second, first);
    assert_int_equal(amqpc_link_attach(second, NULL, NULL, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_ATTACH);
    const amqpc_performative detach = detach_frame(0, true);
    peer_feed(self, &detach);
    amqpc_link_free(first);
    /* The thief has not lost its name by that. */
    amqpc_link *third = NULL;
    assert_int_equal(
        amqpc_link_new(self->session, AMQPC_ROLE_RECEIVER, engine_text("link"), &third),
        AMQPC_INVALID_ARGUMENT);
    peer_take_credit(self, second, 1);
    const amqpc_performative transfer = transfer_frame(1, 0);
    peer_feed(self, &transfer);
    amqpc_delivery delivery = engine_receive(second);
    amqpc_delivery_release(&delivery);
    peer_free(self);
}

static void test_row_51_a_link_is_stolen_before_it_was_answered_and_across_sessions(void **state)
{
    (void)state;
    /* The session is not begun by this end either: that comes first. */
    peer *self = peer_open();
    amqpc_performative frame = begin_frame();
    peer_feed(self, &frame);
    self->session = engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN).session;
    frame = attach_frame("link", 0, AMQPC_ROLE_SENDER);
    peer_feed(self, &frame);
    amqpc_link *first = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
    frame = attach_frame("link", 1, AMQPC_ROLE_SENDER);
    peer_feed(self, &frame);
    peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    peer_expect(self, AMQPC_COMPOSITE_ATTACH);
    peer_expect_detach(self, first, "amqp:link:stolen");
    /* Another session of the connection. */
    amqpc_link *second = amqpc_session_next_link(self->session, first);
    assert_int_equal(amqpc_link_attach(second, NULL, NULL, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_ATTACH);
    peer_begin_on(self, 1);
    frame = attach_frame("link", 0, AMQPC_ROLE_SENDER);
    peer_feed_on(self, 1, &frame);
    peer_expect_detach(self, second, "amqp:link:stolen");
    /* The other role is another link. */
    frame = attach_frame("link", 1, AMQPC_ROLE_RECEIVER);
    peer_feed_on(self, 1, &frame);
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_row_53_input_after_a_detach_with_an_error_ends_with_errant_link(void **state)
{
    (void)state;
    const amqpc_performative frames[] = {
        transfer_frame(0, 0),
        transfer_frame(0, 1),
        more_frame(0),
        engine_flow(0, 0, 1),
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        /* Detached by the application, and by the engine. */
        for (unsigned own = 0; own < 2; own++) {
            peer *self = peer_with_credit(own ? 0 : 10);
            if (own) {
                const amqpc_performative transfer = transfer_frame(0, 0);
                peer_feed(self, &transfer);
                peer_expect_detach(self, self->link, "amqp:link:transfer-limit-exceeded");
            } else {
                const amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                                           .condition = engine_text("amqp:internal-error")};
                assert_int_equal(amqpc_link_detach(self->link, true, &error), AMQPC_OK);
                peer_expect(self, AMQPC_COMPOSITE_DETACH);
            }
            peer_feed(self, &frames[i]);
            peer_expect_end(self, "amqp:session:errant-link");
            peer_free(self);
        }
    }
}

static void test_row_53_a_detach_without_an_error_crosses_what_was_sent_before(void **state)
{
    (void)state;
    peer *self = peer_with_credit(10);
    assert_int_equal(amqpc_link_detach(self->link, true, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_DETACH);
    const amqpc_performative transfer = transfer_frame(0, 0);
    const amqpc_performative flow = engine_flow(0, 1, 9);
    const amqpc_performative detach = detach_frame(0, true);
    peer_feed(self, &transfer);
    peer_feed(self, &flow);
    peer_feed(self, &detach);
    peer_expect_nothing(self);
    assert_nothing_received(self->link);
    amqpc_link_free(self->link);
    /* The ids that were dropped are counted: the next delivery is the second. */
    peer_attach(self, "other", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, 1);
    const amqpc_performative next = transfer_frame(0, 1);
    peer_feed(self, &next);
    amqpc_delivery delivery = engine_receive(self->link);
    amqpc_delivery_release(&delivery);
    peer_free(self);
}

/* --- Credit. */

static void
test_row_57_more_deliveries_than_credit_detach_with_transfer_limit_exceeded(void **state)
{
    (void)state;
    for (uint32_t credit = 0; credit < 4; credit++) {
        peer *self = peer_begin();
        peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
        if (credit > 0) {
            peer_take_credit(self, self->link, credit);
        }
        for (uint32_t i = 0; i <= credit; i++) {
            const amqpc_performative transfer = transfer_frame(0, i);
            peer_feed(self, &transfer);
        }
        peer_expect_detach(self, self->link, "amqp:link:transfer-limit-exceeded");
        /* What the credit allowed is not lost. */
        for (uint32_t i = 0; i < credit; i++) {
            amqpc_delivery delivery;
            size_t count = 0;
            assert_int_equal(amqpc_link_receive(self->link, &delivery, 1, &count), AMQPC_OK);
            assert_int_equal(count, 1);
            assert_int_equal(delivery.delivery_id, i);
            amqpc_delivery_release(&delivery);
        }
        assert_nothing_received(self->link);
        peer_free(self);
    }
}

static void test_row_57_a_few_more_deliveries_than_credit_are_borne_where_asked_for(void **state)
{
    enum { CREDIT = 3, SLACK = 2 };
    (void)state;
    peer *self = peer_with_credit(CREDIT);
    self->link->credit_slack = SLACK;
    for (uint32_t i = 0; i < CREDIT + SLACK; i++) {
        const amqpc_performative transfer = transfer_frame(0, i);
        peer_feed(self, &transfer);
    }
    peer_expect_nothing(self);
    /* The next credit counts from what has come. */
    assert_int_equal(amqpc_link_add_credit(self->link, 1), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow.delivery_count,
                     CREDIT + SLACK);
    for (uint32_t i = 0; i < 1 + SLACK + 1; i++) {
        const amqpc_performative transfer = transfer_frame(0, CREDIT + SLACK + i);
        peer_feed(self, &transfer);
    }
    peer_expect_detach(self, self->link, "amqp:link:transfer-limit-exceeded");
    peer_free(self);
}

static void test_row_57_credit_that_was_taken_back_may_still_be_used(void **state)
{
    (void)state;
    peer *self = peer_with_credit(3);
    assert_int_equal(amqpc_link_withdraw_credit(self->link), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow.link_credit, 0);
    for (uint32_t i = 0; i < 3; i++) { /* sent before the flow was heard of */
        const amqpc_performative transfer = transfer_frame(0, i);
        peer_feed(self, &transfer);
    }
    peer_expect_nothing(self);
    const amqpc_performative transfer = transfer_frame(0, 3);
    peer_feed(self, &transfer);
    peer_expect_detach(self, self->link, "amqp:link:transfer-limit-exceeded");
    peer_free(self);
}

static void test_row_57_transfers_before_this_end_has_answered_detach_the_link(void **state)
{
    (void)state;
    peer *self = peer_begin();
    const amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_SENDER);
    peer_feed(self, &attach);
    self->link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
    const amqpc_performative transfer = transfer_frame(0, 0);
    peer_feed(self, &transfer);
    peer_expect(self, AMQPC_COMPOSITE_ATTACH);
    expect_detach_and_go_on(self, 0, "amqp:link:transfer-limit-exceeded");
    peer_free(self);
}

/* --- Deliveries of several frames. */

/* Frames of one delivery, of 32 KiB each, until the engine has something to say. */
static size_t feed_for_ever(peer *self, uint32_t handle, uint32_t id, size_t max)
{
    amqpc_performative frame = transfer_frame(handle, id);
    frame.payload = (amqpc_bytes){large, 32768};
    frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
    frame.as.transfer.more = true;
    size_t total = 0;
    while (total < max && amqpc_link_get_state(self->link) == AMQPC_LINK_ATTACHED) {
        peer_feed(self, &frame);
        total += frame.payload.size;
        frame = more_frame(handle);
        frame.payload = (amqpc_bytes){large, 32768};
    }
    return total;
}

static void test_row_61_a_delivery_without_end_detaches_with_message_size_exceeded(void **state)
{
    (void)state;
    enum { LIMIT = 1024 * 1024 };
    peer *self = peer_with_credit(10);
    size_t before = self->memory.size;
    assert_int_equal(feed_for_ever(self, 0, 0, 100 * (size_t)LIMIT), LIMIT + 32768);
    assert_true(self->memory.size - before < 5 * (size_t)LIMIT); /* it grows by doubling */
    assert_nothing_received(self->link);
    expect_detach_and_go_on(self, 0, "amqp:link:message-size-exceeded");
    assert_true(self->memory.size < before + 1024 * 1024);
    amqpc_connection_trim(self->connection);
    assert_true(self->memory.size < 65536);
    peer_free(self);
}

static void test_row_61_a_link_that_streams_has_the_limit_as_well(void **state)
{
    (void)state;
    enum { LIMIT = 1024 * 1024 };
    peer *self = peer_with_credit(10);
    assert_int_equal(amqpc_link_set_streaming(self->link, true), AMQPC_OK);
    size_t before = self->memory.size;
    amqpc_performative frame = transfer_frame(0, 0);
    frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
    frame.as.transfer.more = true;
    frame.payload = (amqpc_bytes){large, 32768};
    size_t total = 0;
    while (amqpc_link_get_state(self->link) == AMQPC_LINK_ATTACHED && total < 100 * (size_t)LIMIT) {
        peer_feed(self, &frame);
        total += frame.payload.size;
        amqpc_delivery piece;
        size_t count = 0;
        assert_int_equal(amqpc_link_receive(self->link, &piece, 1, &count), AMQPC_OK);
        if (count > 0) {
            amqpc_delivery_release(&piece);
        }
        assert_true(self->memory.size - before < LIMIT);
    }
    assert_int_equal(total, LIMIT + 32768);
    expect_detach_and_go_on(self, 0, "amqp:link:message-size-exceeded");
    peer_free(self);
}

static void test_row_61_deliveries_in_part_of_many_links_are_limited_together(void **state)
{
    (void)state;
    enum { PARTIAL = 4 * 1024 * 1024, ENOUGH = 900 * 1024 };
    peer *self = peer_begin();
    char name[] = "link 0";
    size_t total = 0;
    uint32_t handle = 0;
    do {
        name[5] = (char)('0' + handle);
        peer_attach(self, name, handle, AMQPC_ROLE_SENDER);
        peer_take_credit(self, self->link, 10);
        total += feed_for_ever(self, handle, handle, ENOUGH);
        handle++;
        assert_true(handle < 10);
    } while (amqpc_link_get_state(self->link) == AMQPC_LINK_ATTACHED);
    assert_true(total > PARTIAL && total <= PARTIAL + 32768);
    assert_true(self->memory.size < 4 * (size_t)PARTIAL);
    while (self->next < self->frames.count ||
           amqpc_link_get_state(self->link) == AMQPC_LINK_DISCARDING) {
        engine_take_frames(self->connection, &self->frames);
        self->next = self->frames.count;
        break;
    }
    assert_int_equal(engine_frame_count(&self->frames, AMQPC_COMPOSITE_DETACH), 1);
    assert_bytes(engine_frame(&self->frames, AMQPC_COMPOSITE_DETACH)->as.detach.error.condition,
                 "amqp:resource-limit-exceeded");
    peer_free(self);
}

static void test_row_63_aborted_deliveries_are_dropped_and_use_their_credit(void **state)
{
    (void)state;
    peer *self = peer_with_credit(3);
    /* In its second frame, with a payload that does not count. */
    amqpc_performative frame = transfer_frame(0, 0);
    frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
    frame.as.transfer.more = true;
    peer_feed(self, &frame);
    assert_int_equal(amqpc_link_unsettled_count(self->link), 1);
    amqpc_performative abort = more_frame(0);
    abort.as.transfer.present |= AMQPC_TRANSFER_ABORTED;
    abort.as.transfer.aborted = true;
    peer_feed(self, &abort);
    assert_int_equal(amqpc_link_unsettled_count(self->link), 0);
    /* In its first. */
    frame = transfer_frame(0, 1);
    frame.as.transfer.present |= AMQPC_TRANSFER_ABORTED;
    frame.as.transfer.aborted = true;
    peer_feed(self, &frame);
    assert_int_equal(amqpc_link_unsettled_count(self->link), 0);
    assert_nothing_received(self->link);
    amqpc_link_flow flow;
    amqpc_link_get_flow(self->link, &flow);
    assert_int_equal(flow.delivery_count, 2);
    assert_int_equal(flow.credit, 1);
    frame = transfer_frame(0, 2);
    peer_feed(self, &frame);
    amqpc_delivery delivery = engine_receive(self->link);
    assert_int_equal(delivery.delivery_id, 2);
    assert_bytes(delivery.payload, "payload");
    amqpc_delivery_release(&delivery);
    frame = transfer_frame(0, 3);
    peer_feed(self, &frame);
    peer_expect_detach(self, self->link, "amqp:link:transfer-limit-exceeded");
    peer_free(self);
}

static void test_row_63_a_prefetch_is_topped_up_where_all_deliveries_are_aborted(void **state)
{
    (void)state;
    enum { PREFETCH = 10, MANY = 1000 };
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    assert_int_equal(amqpc_link_set_prefetch(self->link, PREFETCH), AMQPC_OK);
    uint32_t credit = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        engine_take_frames(self->connection, &self->frames);
        self->next = self->frames.count;
        if (self->frames.count > 0) {
            credit = engine_frame(&self->frames, AMQPC_COMPOSITE_FLOW)->as.flow.link_credit;
        }
        assert_true(credit > 0);
        credit--;
        amqpc_performative frame = transfer_frame(0, i);
        frame.as.transfer.present |= AMQPC_TRANSFER_ABORTED;
        frame.as.transfer.aborted = true;
        peer_feed(self, &frame);
    }
    assert_nothing_received(self->link);
    assert_int_equal(amqpc_link_get_state(self->link), AMQPC_LINK_ATTACHED);
    peer_free(self);
}

static void test_row_64_detach_in_the_middle_of_a_delivery_drops_it(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        peer *self = peer_with_credit(10);
        size_t before = self->memory.size;
        (void)feed_for_ever(self, 0, 0, 500000);
        const amqpc_performative detach = detach_frame(0, closed == 1);
        peer_feed(self, &detach);
        assert_ptr_equal(engine_event(self->connection, AMQPC_EVENT_LINK_DETACH).link, self->link);
        assert_int_equal(amqpc_link_detach(self->link, closed == 1, NULL), AMQPC_OK);
        peer_expect(self, AMQPC_COMPOSITE_DETACH);
        assert_nothing_received(self->link);
        assert_int_equal(amqpc_link_unsettled_count(self->link), 0);
        amqpc_link_free(self->link);
        self->link = NULL;
        peer_expect_session_alive(self, 0);
        amqpc_connection_trim(self->connection);
        assert_true(self->memory.size < before);
        peer_free(self);
    }
}

static void test_row_65_detaches_that_cross_are_both_answers(void **state)
{
    (void)state;
    for (unsigned role = 0; role < 2; role++) {
        peer *self = peer_begin();
        peer_attach(self, "link", 0, role == 1);
        assert_int_equal(amqpc_link_detach(self->link, true, NULL), AMQPC_OK);
        const amqpc_performative detach = detach_frame(0, true);
        peer_feed(self, &detach);
        peer_expect(self, AMQPC_COMPOSITE_DETACH);
        peer_expect_nothing(self);
        assert_int_equal(amqpc_link_get_state(self->link), AMQPC_LINK_DETACHED);
        amqpc_link_free(self->link);
        peer_expect_session_alive(self, 0);
        assert_null(amqpc_session_next_link(self->session, NULL));
        peer_free(self);
    }
}

static void test_row_65_a_link_that_is_attached_and_detached_at_once_is_answered(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 6; way++) {
        bool closed = way % 2 == 1;
        peer *self = peer_begin();
        const amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_SENDER);
        const amqpc_performative detach = detach_frame(0, closed);
        peer_feed(self, &attach);
        peer_feed(self, &detach);
        amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
        if (way / 2 == 1) {
            assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
        } else if (way / 2 == 2) {
            assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
            assert_int_equal(amqpc_link_detach(link, closed, NULL), AMQPC_OK);
        }
        amqpc_link_free(link);
        peer_expect(self, AMQPC_COMPOSITE_ATTACH);
        peer_expect(self, AMQPC_COMPOSITE_DETACH);
        peer_expect_nothing(self);
        assert_null(amqpc_session_next_link(self->session, NULL));
        peer_expect_session_alive(self, 0);
        peer_free(self);
    }
}

static void test_row_65_a_link_that_is_freed_before_its_session_is_begun_is_answered(void **state)
{
    (void)state;
    for (unsigned detached = 0; detached < 2; detached++) {
        peer *self = peer_open();
        const amqpc_performative begin = begin_frame();
        const amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_SENDER);
        const amqpc_performative detach = detach_frame(0, true);
        peer_feed(self, &begin);
        peer_feed(self, &attach);
        self->session = engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN).session;
        amqpc_link_free(engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link);
        if (detached) {
            peer_feed(self, &detach);
        }
        assert_int_equal(amqpc_session_begin(self->session, NULL), AMQPC_OK);
        peer_expect(self, AMQPC_COMPOSITE_BEGIN);
        peer_expect(self, AMQPC_COMPOSITE_ATTACH);
        assert_true(peer_expect(self, AMQPC_COMPOSITE_DETACH)->as.detach.closed);
        if (!detached) {
            peer_feed(self, &detach);
        }
        peer_expect_nothing(self);
        peer_expect_session_alive(self, 0);
        peer_free(self);
    }
}

/* --- Tags. */

static void test_row_69_a_delivery_tag_of_more_than_32_bytes_ends_with_invalid_field(void **state)
{
    (void)state;
    const size_t sizes[] = {33, 255, 256, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (unsigned later = 0; later < 2; later++) { /* in the first frame, or in the second */
            peer *self = peer_with_credit(10);
            amqpc_performative frame = transfer_frame(0, 0);
            frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
            frame.as.transfer.more = true;
            if (later) {
                peer_feed(self, &frame);
            }
            frame.as.transfer.delivery_tag = (amqpc_bytes){large, sizes[i]};
            peer_feed(self, &frame);
            peer_expect_end(self, "amqp:invalid-field");
            peer_free(self);
        }
    }
    /* 32 are legal, and none at all. */
    peer *self = peer_with_credit(10);
    for (uint32_t i = 0; i < 2; i++) {
        amqpc_performative frame = transfer_frame(0, i);
        frame.as.transfer.delivery_tag = (amqpc_bytes){large, 32 * i};
        peer_feed(self, &frame);
        amqpc_delivery delivery = engine_receive(self->link);
        assert_int_equal(delivery.tag.size, 32 * i);
        amqpc_delivery_release(&delivery);
    }
    peer_expect_nothing(self);
    peer_free(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_51_a_second_link_of_a_name_and_role_steals_it),
        cmocka_unit_test(test_row_51_a_link_is_stolen_before_it_was_answered_and_across_sessions),
        cmocka_unit_test(test_row_53_input_after_a_detach_with_an_error_ends_with_errant_link),
        cmocka_unit_test(test_row_53_a_detach_without_an_error_crosses_what_was_sent_before),
        cmocka_unit_test(
            test_row_57_more_deliveries_than_credit_detach_with_transfer_limit_exceeded),
        cmocka_unit_test(test_row_57_a_few_more_deliveries_than_credit_are_borne_where_asked_for),
        cmocka_unit_test(test_row_57_credit_that_was_taken_back_may_still_be_used),
        cmocka_unit_test(test_row_57_transfers_before_this_end_has_answered_detach_the_link),
        cmocka_unit_test(test_row_61_a_delivery_without_end_detaches_with_message_size_exceeded),
        cmocka_unit_test(test_row_61_a_link_that_streams_has_the_limit_as_well),
        cmocka_unit_test(test_row_61_deliveries_in_part_of_many_links_are_limited_together),
        cmocka_unit_test(test_row_63_aborted_deliveries_are_dropped_and_use_their_credit),
        cmocka_unit_test(test_row_63_a_prefetch_is_topped_up_where_all_deliveries_are_aborted),
        cmocka_unit_test(test_row_64_detach_in_the_middle_of_a_delivery_drops_it),
        cmocka_unit_test(test_row_65_detaches_that_cross_are_both_answers),
        cmocka_unit_test(test_row_65_a_link_that_is_attached_and_detached_at_once_is_answered),
        cmocka_unit_test(test_row_65_a_link_that_is_freed_before_its_session_is_begun_is_answered),
        cmocka_unit_test(test_row_69_a_delivery_tag_of_more_than_32_bytes_ends_with_invalid_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
