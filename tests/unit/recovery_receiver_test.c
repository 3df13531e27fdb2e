/* What a receiver makes of what comes when its link is attached again, on the wire: transfers that
 * resume, maps that are complete or not, many unsettled deliveries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "recovery_wire_fixture.h"

enum { SECOND = AMQPC_RECEIVER_SETTLE_MODE_SECOND, SENDER = AMQPC_ROLE_SENDER };

static const uint8_t tag_byte = 0; /* of the first delivery */
static const amqpc_bytes the_tag = {&tag_byte, 1};

/* The server has a delivery, taken or not, and its link is attached again: the map named it or not.
 * What the server sent is taken. */
static uint64_t resume_server(engine_pair *pair, uint8_t mode, bool taken,
                              const amqpc_value *said_state, bool named, wire_frames *frames)
{
    uint64_t number = 0;
    recovery_open(pair, mode, 10);
    (void)recovery_send(pair, "one");
    engine_exchange(pair);
    if (taken) {
        number = recovery_receive(pair, "one").number;
    }
    recovery_detach(pair);
    if (said_state != NULL) {
        assert_int_equal(amqpc_link_update(pair->receiver, number, number, said_state, true),
                         AMQPC_OK);
    }
    wire_entry entry = {the_tag, NULL};
    wire_attach(pair->server, SENDER, &entry, named, false);
    (void)engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 10), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair->receiver, NULL, NULL, NULL), AMQPC_OK);
    wire_take(pair->server, frames);
    return number;
}

static amqpc_performative resumed(uint32_t id, amqpc_bytes tag, const char *payload)
{
    amqpc_performative out = {.type = AMQPC_COMPOSITE_TRANSFER};
    amqpc_transfer *transfer = &out.as.transfer;
    transfer->present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID |
                        AMQPC_TRANSFER_DELIVERY_TAG | AMQPC_TRANSFER_RESUME |
                        AMQPC_TRANSFER_SETTLED | AMQPC_TRANSFER_MORE | AMQPC_TRANSFER_ABORTED;
    transfer->delivery_id = id;
    transfer->delivery_tag = tag;
    transfer->resume = true;
    out.payload = engine_text(payload);
    return out;
}

static void feed(engine_pair *pair, const amqpc_performative *frame)
{
    assert_int_equal(engine_feed_frame(pair->server, 0, frame), AMQPC_OK);
}

static void test_a_resumed_delivery_that_nobody_knows_is_passed_over(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)resume_server(&pair, 0, true, NULL, true, &frames);
    amqpc_performative frame = resumed(1, engine_text("else"), "first");
    frame.as.transfer.more = true;
    feed(&pair, &frame);
    frame.payload = engine_text("second");
    feed(&pair, &frame);
    frame.as.transfer.more = false;
    frame.as.transfer.settled = true;
    feed(&pair, &frame);
    recovery_expect_nothing(&pair);
    recovery_expect_no_update(pair.receiver);
    amqpc_link_flow flow;
    amqpc_link_get_flow(pair.receiver, &flow);
    assert_int_equal(flow.credit, 9);
    assert_int_equal(flow.delivery_count, 1);
    frame = resumed(2, engine_text("new"), "new"); /* the delivery-ids go on */
    frame.as.transfer.resume = false;
    feed(&pair, &frame);
    (void)recovery_receive(&pair, "new");
    engine_pair_free(&pair);
}

static void test_a_continuation_of_what_is_passed_over_is_checked(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)resume_server(&pair, 0, true, NULL, true, &frames);
    amqpc_performative frame = resumed(1, engine_text("else"), "first");
    frame.as.transfer.more = true;
    feed(&pair, &frame);
    frame.as.transfer.delivery_id = 7; /* row 55 */
    (void)engine_feed_frame(pair.server, 0, &frame);
    wire_take(pair.server, &frames);
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_END), 1);
    engine_pair_free(&pair);
}

static void test_a_resumed_delivery_that_was_taken_goes_on_without_bytes(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    uint64_t number = resume_server(&pair, 0, true, NULL, true, &frames);
    amqpc_performative frame = resumed(5, the_tag, "o");
    frame.as.transfer.delivery_id = 1;
    frame.as.transfer.more = true;
    feed(&pair, &frame);
    /* It can be settled, before the rest has come. */
    assert_int_equal(amqpc_link_settle(pair.receiver, number, number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    wire_take(pair.server, &frames);
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_DISPOSITION), 1);
    frame.as.transfer.more = false;
    frame.payload = engine_text("ne");
    feed(&pair, &frame);
    recovery_expect_nothing(&pair);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    engine_pair_free(&pair);
}

static void test_settled_in_the_last_frame_of_what_is_dropped_settles(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    uint64_t number = resume_server(&pair, 0, true, NULL, true, &frames);
    amqpc_performative frame = resumed(1, the_tag, "o");
    frame.as.transfer.more = true;
    feed(&pair, &frame);
    frame.as.transfer.more = false;
    frame.as.transfer.settled = true; /* pitfall 7 */
    feed(&pair, &frame);
    amqpc_update update = recovery_update(pair.receiver);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    engine_pair_free(&pair);
}

static void test_a_resumed_delivery_that_is_aborted_is_over(void **state)
{
    (void)state;
    for (unsigned taken = 0; taken < 2; taken++) {
        engine_pair pair;
        wire_frames frames;
        (void)resume_server(&pair, 0, taken, NULL, true, &frames);
        amqpc_performative frame = resumed(1, the_tag, "");
        frame.as.transfer.aborted = true;
        feed(&pair, &frame);
        assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
        if (taken) {
            assert_true(recovery_update(pair.receiver).settled);
        } else {
            /* It has arrived whole long ago. */
            assert_true(recovery_receive(&pair, "one").settled);
        }
        engine_pair_free(&pair);
    }
}

static void test_the_sender_s_outcome_counts_where_both_have_one(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    uint64_t number = resume_server(&pair, SECOND, true, &wire_released, true, &frames);
    amqpc_performative frame = resumed(1, the_tag, ""); /* delivery 13 */
    frame.as.transfer.settled = true;
    frame.as.transfer.present |= AMQPC_TRANSFER_STATE;
    frame.as.transfer.state = wire_accepted;
    feed(&pair, &frame);
    amqpc_update update = recovery_update(pair.receiver);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    engine_pair_free(&pair);
}

static void test_what_was_settled_while_suspended_is_told_when_it_is_resumed(void **state)
{
    static const struct {
        const amqpc_value *said;
        uint32_t expected;
    } cases[] = {{&wire_accepted, AMQPC_COMPOSITE_ACCEPTED},
                 {&wire_transactional, AMQPC_COMPOSITE_TRANSACTIONAL_STATE}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        engine_pair pair;
        wire_frames frames;
        (void)resume_server(&pair, 0, true, cases[i].said, true, &frames);
        const amqpc_attach *attach = &frames.frames[0].as.attach;
        assert_int_equal(frames.frames[0].type, AMQPC_COMPOSITE_ATTACH);
        assert_int_equal(attach->unsettled.count, 2); /* though it is settled, it says what it is */
        assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
        amqpc_performative frame = resumed(1, the_tag, "one"); /* a sender that does not listen */
        feed(&pair, &frame);
        wire_take(pair.server, &frames);
        const amqpc_disposition *disposition = &frames.frames[0].as.disposition;
        assert_int_equal(frames.frames[0].type, AMQPC_COMPOSITE_DISPOSITION);
        assert_int_equal(disposition->first, 1);
        assert_true(disposition->settled);
        assert_int_equal(amqpc_value_composite(&disposition->state), cases[i].expected);
        recovery_expect_nothing(&pair);
        recovery_expect_no_update(pair.receiver);
        engine_pair_free(&pair);
    }
}

static void test_a_delivery_continues_where_the_state_received_ended(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    recovery_open(&pair, 0, 10);
    (void)recovery_send(&pair, "one");
    engine_exchange(&pair);
    uint64_t number = recovery_receive(&pair, "one").number;
    recovery_detach(&pair);
    assert_int_equal(amqpc_link_update(pair.receiver, number, number, wire_received(0, 1), false),
                     AMQPC_OK);
    wire_entry entry = {the_tag, NULL};
    wire_attach(pair.server, SENDER, &entry, 1, false);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
    wire_take(pair.server, &frames);
    amqpc_performative frame = resumed(1, the_tag, "ne");
    feed(&pair, &frame);
    amqpc_delivery delivery = recovery_receive(&pair, "ne");
    assert_true(delivery.resumed);
    assert_int_equal(delivery.number, number);
    assert_int_equal(delivery.delivery_id, 1);
    assert_int_equal(amqpc_link_settle(pair.receiver, number, number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    engine_pair_free(&pair);
}

static void test_what_a_complete_map_does_not_name_is_settled(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    uint64_t number = resume_server(&pair, 0, true, NULL, false, &frames);
    amqpc_update update = recovery_update(pair.receiver);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    engine_pair_free(&pair);
    /* What was not taken yet is taken as settled. */
    (void)resume_server(&pair, 0, false, NULL, false, &frames);
    recovery_expect_no_update(pair.receiver);
    assert_true(recovery_receive(&pair, "one").settled);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    engine_pair_free(&pair);
}

static void test_what_was_settled_while_suspended_ends_in_silence(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)resume_server(&pair, 0, true, &wire_accepted, false, &frames);
    recovery_expect_no_update(pair.receiver);
    engine_pair_free(&pair);
}

static void test_what_an_incomplete_map_does_not_name_is_kept(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, 0, 10);
    (void)recovery_send(&pair, "one");
    engine_exchange(&pair);
    (void)recovery_receive(&pair, "one");
    recovery_detach(&pair);
    wire_attach(pair.server, SENDER, NULL, 0, true);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
    recovery_expect_no_update(pair.receiver);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 1);
    engine_pair_free(&pair);
}

static void test_a_detach_amid_what_is_dropped_ends_well(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)resume_server(&pair, 0, true, NULL, true, &frames);
    amqpc_performative frame = resumed(1, the_tag, "o");
    frame.as.transfer.more = true;
    feed(&pair, &frame);
    amqpc_performative detach = {.type = AMQPC_COMPOSITE_DETACH};
    detach.as.detach.present = AMQPC_DETACH_HANDLE;
    feed(&pair, &detach);
    assert_int_equal(amqpc_link_detach(pair.receiver, false, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 1);
    engine_pair_free(&pair);
}

static void test_what_is_settled_before_it_is_taken_stays_until_the_sender_knows(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, 0, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    recovery_detach(&pair);
    assert_int_equal(amqpc_link_settle(pair.receiver, number, number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    assert_true(recovery_receive(&pair, "one").settled);
    recovery_attach(&pair);
    amqpc_update update = recovery_update(pair.sender);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
    engine_exchange(&pair);
    recovery_expect_no_update(pair.receiver);
    engine_pair_free(&pair);
}

static void test_old_deliveries_are_suspended_in_the_order_of_their_numbers(void **state)
{
    enum { OLD = 4, NEW = 5000 };
    (void)state;
    engine_pair pair;
    uint64_t old[OLD];
    recovery_open(&pair, 0, OLD + NEW + 1);
    for (unsigned i = 0; i < OLD; i++) {
        old[i] = recovery_send(&pair, "old");
    }
    for (unsigned i = 0; i < NEW; i++) { /* far behind them, so that they are stragglers */
        uint64_t number = recovery_send(&pair, "new");
        assert_int_equal(amqpc_link_settle(pair.sender, number, number, AMQPC_COMPOSITE_NONE),
                         AMQPC_OK);
    }
    uint64_t last = recovery_send(&pair, "last");
    assert_int_equal(amqpc_link_settle(pair.sender, old[0], old[0], AMQPC_COMPOSITE_NONE),
                     AMQPC_OK);
    recovery_cut(&pair);
    const uint64_t expected[] = {old[1], old[2], old[3], last};
    amqpc_unsettled one = {0};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(amqpc_link_next_unsettled(pair.sender, one.number, &one), AMQPC_OK);
        assert_int_equal(one.number, expected[i]);
    }
    assert_int_equal(amqpc_link_next_unsettled(pair.sender, one.number, &one), AMQPC_NOT_FOUND);
    engine_pair_free(&pair);
}

/* --- Many. */

enum { MANY = 9000 };

static void open_with_many(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, MANY), AMQPC_OK);
    engine_exchange(pair);
    for (unsigned i = 0; i < MANY; i++) {
        (void)recovery_send(pair, "m");
    }
    engine_exchange(pair);
    amqpc_delivery deliveries[100];
    size_t count = 0;
    do {
        assert_int_equal(amqpc_link_receive(pair->receiver, deliveries, 100, &count), AMQPC_OK);
        amqpc_deliveries_release(deliveries, count);
    } while (count > 0);
    assert_int_equal(amqpc_link_unsettled_count(pair->receiver), MANY);
}

static void settle_all(const engine_pair *pair)
{
    amqpc_link *link = pair->receiver;
    amqpc_unsettled last = {0};
    uint64_t first = 0;
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(amqpc_link_next_unsettled(link, last.number, &last), AMQPC_OK);
        first = i == 0 ? last.number : first;
    }
    assert_int_equal(amqpc_link_next_unsettled(link, last.number, &last), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_settle(link, first, last.number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
}

static void test_more_than_a_frame_holds_is_recovered_in_several_attachments(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_many(&pair);
    recovery_detach(&pair);
    settle_all(&pair);
    unsigned rounds = 0;
    size_t accepted = 0;
    for (;; rounds++) {
        amqpc_update updates[100];
        size_t count = 0;
        recovery_attach(&pair);
        assert_int_equal(amqpc_link_add_credit(pair.receiver, MANY), AMQPC_OK);
        engine_exchange(&pair);
        do {
            assert_int_equal(amqpc_link_updates(pair.sender, updates, 100, &count), AMQPC_OK);
            for (size_t i = 0; i < count; i++) {
                assert_true(updates[i].settled);
                assert_int_equal(updates[i].state_type, AMQPC_COMPOSITE_ACCEPTED);
            }
            accepted += count;
        } while (count > 0);
        amqpc_attach attach;
        assert_int_equal(amqpc_link_remote_attach(pair.sender, &attach), AMQPC_OK);
        if (!attach.incomplete_unsettled) {
            break;
        }
        assert_int_equal(amqpc_link_send(pair.sender, engine_text("new"), NULL, NULL),
                         AMQPC_NO_CREDIT);
        recovery_detach(&pair);
        assert_true(rounds < 10);
    }
    assert_true(rounds > 0);
    assert_int_equal(accepted, MANY);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    (void)recovery_send(&pair, "new");
    engine_exchange(&pair);
    (void)recovery_receive(&pair, "new");
    engine_pair_free(&pair);
}

static void test_a_new_delivery_after_an_incomplete_map_is_refused(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_many(&pair);
    recovery_detach(&pair);
    settle_all(&pair); /* so that the map says more of each than its tag */
    wire_attach(pair.server, SENDER, NULL, 0, true);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
    wire_frames frames;
    wire_take(pair.server, &frames);
    assert_true(frames.frames[0].as.attach.incomplete_unsettled);
    amqpc_performative frame = resumed(MANY, engine_text("new"), "new");
    frame.as.transfer.resume = false;
    (void)engine_feed_frame(pair.server, 0, &frame);
    wire_take(pair.server, &frames);
    assert_int_equal(frames.frames[0].type, AMQPC_COMPOSITE_DETACH);
    assert_memory_equal(frames.frames[0].as.detach.error.condition.data, "amqp:illegal-state", 18);
    engine_pair_free(&pair);
}

/* The peer's entries are its own: half of them are known here. */
static void test_row_68_a_huge_unsettled_map_costs_no_more_than_its_size(void **state)
{
    enum { ENTRIES = 7500, SECONDS_MAX = 5 };
    static uint8_t tags[ENTRIES][4];
    static wire_entry entries[ENTRIES];
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, MANY), AMQPC_OK);
    engine_exchange(&pair);
    for (unsigned i = 0; i < MANY; i++) {
        (void)recovery_send(&pair, "m");
    }
    engine_exchange(&pair);
    recovery_detach(&pair);
    for (unsigned i = 0; i < ENTRIES; i++) {
        unsigned id = i % 2 == 0 ? i : i + MANY; /* shuffled, so that nothing comes in order */
        unsigned size = id > 0xff ? 2 : 1;
        tags[i][0] = (uint8_t)(size == 2 ? id >> 8 : id);
        tags[i][1] = (uint8_t)id;
        entries[i] = (wire_entry){{tags[i], size}, &wire_accepted};
    }
    clock_t start = clock();
    recovery_attach_client(&pair);
    wire_frames frames;
    wire_take(pair.client, &frames);
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, entries, ENTRIES, false);
    assert_true((clock() - start) / CLOCKS_PER_SEC < SECONDS_MAX);
    size_t over = 0;
    amqpc_update updates[100];
    size_t count = 0;
    do {
        assert_int_equal(amqpc_link_updates(pair.sender, updates, 100, &count), AMQPC_OK);
        over += count;
    } while (count > 0);
    assert_true(over >= ENTRIES / 2);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), MANY - over);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_resumed_delivery_that_nobody_knows_is_passed_over),
        cmocka_unit_test(test_a_continuation_of_what_is_passed_over_is_checked),
        cmocka_unit_test(test_a_resumed_delivery_that_was_taken_goes_on_without_bytes),
        cmocka_unit_test(test_settled_in_the_last_frame_of_what_is_dropped_settles),
        cmocka_unit_test(test_a_resumed_delivery_that_is_aborted_is_over),
        cmocka_unit_test(test_the_sender_s_outcome_counts_where_both_have_one),
        cmocka_unit_test(test_what_was_settled_while_suspended_is_told_when_it_is_resumed),
        cmocka_unit_test(test_a_delivery_continues_where_the_state_received_ended),
        cmocka_unit_test(test_what_a_complete_map_does_not_name_is_settled),
        cmocka_unit_test(test_what_was_settled_while_suspended_ends_in_silence),
        cmocka_unit_test(test_what_an_incomplete_map_does_not_name_is_kept),
        cmocka_unit_test(test_a_detach_amid_what_is_dropped_ends_well),
        cmocka_unit_test(test_what_is_settled_before_it_is_taken_stays_until_the_sender_knows),
        cmocka_unit_test(test_old_deliveries_are_suspended_in_the_order_of_their_numbers),
        cmocka_unit_test(test_more_than_a_frame_holds_is_recovered_in_several_attachments),
        cmocka_unit_test(test_a_new_delivery_after_an_incomplete_map_is_refused),
        cmocka_unit_test(test_row_68_a_huge_unsettled_map_costs_no_more_than_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
