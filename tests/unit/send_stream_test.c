/* Deliveries that are sent in pieces (AMQP 2.7.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;

static void open_with_credit(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 100), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

static void fill(uint8_t *data, size_t size, size_t from)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)((from + i) * 13 + (from + i) / 251);
    }
}

static void test_pieces_of_any_size_are_copied_and_arrive_as_one(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 511, 512, 513, 5000, 65000, 70000, 140000};
    enum { LARGEST = 140000 };
    static uint8_t chunk[LARGEST];
    static uint8_t all[400000];
    engine_pair pair;
    open_with_credit(&pair);
    uint64_t number = 0;
    size_t total = 0;
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, &number), AMQPC_OK);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill(chunk, sizes[i], total);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){chunk, sizes[i]}),
                         AMQPC_OK);
        memset(chunk, 0xaa, sizeof chunk); /* it is the application's again */
        total += sizes[i];
    }
    assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(delivery.payload.size, total);
    fill(all, total, 0);
    assert_memory_equal(delivery.payload.data, all, total);
    assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&pair);
    amqpc_update update = engine_update(pair.sender);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    engine_pair_free(&pair);
}

static void test_other_links_go_on_meanwhile_and_this_one_does_not(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    amqpc_link *other = NULL;
    amqpc_link *other_end = NULL;
    engine_pair_attach_named(&pair, "other", NULL, NULL, &other, &other_end);
    assert_int_equal(amqpc_link_add_credit(other_end, 10), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), NULL, NULL),
                     AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("first ")), AMQPC_OK);
    (void)engine_send(other, "other");
    assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("second")), AMQPC_OK);
    assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
    assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("x")), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_send_abort(pair.sender), AMQPC_INVALID_STATE);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(other_end);
    assert_bytes(delivery.payload, "other");
    amqpc_delivery_release(&delivery);
    delivery = engine_receive(pair.receiver);
    assert_bytes(delivery.payload, "first second");
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

static void test_an_aborted_delivery_is_settled_and_not_seen(void **state)
{
    (void)state;
    for (unsigned settled = 0; settled < 2; settled++) {
        engine_pair pair;
        open_with_credit(&pair);
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.settled = settled;
        assert_int_equal(amqpc_link_send_start(pair.sender, &options, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("gone")), AMQPC_OK);
        assert_int_equal(amqpc_link_send_abort(pair.sender), AMQPC_OK);
        assert_int_equal(engine_forward(pair.client, pair.server, &frames), AMQPC_OK);
        const amqpc_performative *last = &frames.list[frames.count - 1];
        assert_true(last->as.transfer.aborted);
        assert_false(last->as.transfer.more);
        assert_int_equal(last->payload.size, 0);
        assert_no_updates(pair.sender);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
        amqpc_delivery delivery;
        size_t count = 1;
        assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
        assert_int_equal(count, 0);
        (void)engine_send(pair.sender, "after");
        engine_exchange(&pair);
        delivery = engine_receive(pair.receiver);
        assert_bytes(delivery.payload, "after");
        amqpc_delivery_release(&delivery);
        engine_pair_free(&pair);
    }
}

/* The receiver may settle before it has all of it; an update comes when the sender is done. */
static void test_an_outcome_in_mid_delivery_is_told_at_its_end(void **state)
{
    (void)state;
    for (unsigned aborted = 0; aborted < 2; aborted++) {
        engine_pair pair;
        open_with_credit(&pair);
        assert_int_equal(amqpc_link_set_streaming(pair.receiver, true), AMQPC_OK);
        assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("part")), AMQPC_OK);
        engine_exchange(&pair);
        amqpc_delivery piece = engine_receive(pair.receiver);
        assert_true(piece.more);
        assert_int_equal(
            amqpc_link_settle(pair.receiver, piece.number, piece.number, AMQPC_COMPOSITE_RELEASED),
            AMQPC_OK);
        amqpc_delivery_release(&piece);
        engine_exchange(&pair);
        assert_no_updates(pair.sender);
        assert_int_equal(aborted ? amqpc_link_send_abort(pair.sender)
                                 : amqpc_link_send_finish(pair.sender),
                         AMQPC_OK);
        amqpc_update update = engine_update(pair.sender);
        assert_int_equal(update.state_type, AMQPC_COMPOSITE_RELEASED);
        assert_true(update.settled);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        engine_exchange(&pair);
        engine_pair_free(&pair);
    }
}

static void test_limits_and_options(void **state)
{
    (void)state;
    amqpc_connection_options limited;
    amqpc_connection_options_init(&limited, sizeof limited);
    limited.output_size = 1000;
    engine_pair pair;
    engine_pair_open_with(&pair, &limited, NULL);
    amqpc_attach answer = {.present = AMQPC_ATTACH_MAX_MESSAGE_SIZE, .max_message_size = 3000};
    engine_pair_attach_named(&pair, "link", NULL, &answer, &pair.sender, &pair.receiver);
    static uint8_t chunk[3000];
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = true;
    assert_int_equal(amqpc_link_send_start(pair.sender, &options, NULL), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_NO_CREDIT);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){chunk, 1500}), AMQPC_OK);
    assert_int_equal(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){chunk, 1}),
                     AMQPC_LIMIT_REACHED);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){chunk, 1501}),
                     AMQPC_MESSAGE_TOO_LARGE);
    assert_int_equal(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){chunk, 1500}), AMQPC_OK);
    assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(delivery.payload.size, 3000);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

static void set_window(engine_pair *pair, uint32_t seen, uint32_t window)
{
    amqpc_performative flow = engine_flow(0, 0, 100);
    flow.as.flow.next_incoming_id = seen;
    flow.as.flow.incoming_window = window;
    assert_int_equal(engine_feed_frame(pair->client, 0, &flow), AMQPC_OK);
}

static void test_the_window_bounds_pieces_and_the_end_waits_for_it(void **state)
{
    (void)state;
    for (unsigned aborted = 0; aborted < 2; aborted++) {
        engine_pair pair;
        open_with_credit(&pair);
        set_window(&pair, 0, 0);
        assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_LIMIT_REACHED);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        set_window(&pair, 0, 2);
        assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("a")), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("b")), AMQPC_LIMIT_REACHED);
        assert_int_equal(aborted ? amqpc_link_send_abort(pair.sender)
                                 : amqpc_link_send_finish(pair.sender),
                         AMQPC_OK);
        (void)engine_send(pair.sender, "next");
        engine_take_frames(pair.client, &frames);
        assert_int_equal(frames.count, 2);
        set_window(&pair, 2, 100);
        engine_take_frames(pair.client, &frames);
        assert_int_equal(frames.count, 2);
        assert_false(frames.list[0].as.transfer.more);
        assert_int_equal(frames.list[0].as.transfer.aborted, aborted);
        assert_bytes(frames.list[1].payload, "next");
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), aborted ? 1 : 2);
        engine_pair_free(&pair);
    }
}

/* Whatever ends the link in mid-delivery: nothing leaks, and the outcome is unknown. */
static void test_a_delivery_that_was_not_finished_is_unknown_when_the_link_closes(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 12; way++) {
        engine_pair pair;
        open_with_credit(&pair);
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.settled = way & 1;
        if (way & 2) {
            set_window(&pair, 0, 1);
        }
        assert_int_equal(amqpc_link_send_start(pair.sender, &options, NULL), AMQPC_OK);
        if (way & 2) {
            assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
        }
        if (way < 4) {
            assert_int_equal(amqpc_connection_input_end(pair.client), AMQPC_STREAM_ENDED);
        } else if (way < 8) {
            assert_int_equal(amqpc_session_end(pair.client_session, NULL), AMQPC_OK);
        } else {
            engine_exchange(&pair);
            assert_int_equal(amqpc_link_detach(pair.receiver, true, NULL), AMQPC_OK);
            engine_exchange(&pair);
        }
        assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
        if (way & 1) {
            assert_no_updates(pair.sender);
        } else {
            amqpc_update update = engine_update(pair.sender);
            assert_true(update.settled);
            assert_true(update.unknown);
        }
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        engine_pair_free(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_any_size_are_copied_and_arrive_as_one),
        cmocka_unit_test(test_other_links_go_on_meanwhile_and_this_one_does_not),
        cmocka_unit_test(test_an_aborted_delivery_is_settled_and_not_seen),
        cmocka_unit_test(test_an_outcome_in_mid_delivery_is_told_at_its_end),
        cmocka_unit_test(test_limits_and_options),
        cmocka_unit_test(test_the_window_bounds_pieces_and_the_end_waits_for_it),
        cmocka_unit_test(test_a_delivery_that_was_not_finished_is_unknown_when_the_link_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
