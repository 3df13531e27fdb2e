/* Sending deliveries whole: options, limits, windows, encoding in place (AMQP 2.6.12, 2.7.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;
static uint8_t large[200000];

static void open_with_credit(engine_pair *pair, uint32_t credit)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, credit), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

static amqpc_send_options defaults(void)
{
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    return options;
}

static const amqpc_transfer *sent_transfer(const engine_pair *pair)
{
    engine_take_frames(pair->client, &frames);
    return &engine_frame(&frames, AMQPC_COMPOSITE_TRANSFER)->as.transfer;
}

static void test_options_are_in_the_transfer(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, 10);
    amqpc_send_options options = defaults();
    options.tag = engine_text("my tag");
    options.message_format = 77;
    options.batchable = true;
    options.has_rcv_settle_mode = true;
    options.rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    const amqpc_value items[] = {
        {.type = AMQPC_TYPE_ULONG, .as.u64 = 0x34},
        {.type = AMQPC_TYPE_LIST, .count = 1, .form = AMQPC_FORM_ITEMS, .as.items = items + 2},
        {.type = AMQPC_TYPE_BINARY, .as.bytes = {"txn", 3}},
    };
    const amqpc_value transactional = {
        .type = AMQPC_TYPE_DESCRIBED, .count = 2, .form = AMQPC_FORM_ITEMS, .as.items = items};
    options.state = &transactional;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), &options, NULL), AMQPC_OK);
    const amqpc_transfer *transfer = sent_transfer(&pair);
    assert_bytes(transfer->delivery_tag, "my tag");
    assert_int_equal(transfer->message_format, 77);
    assert_true(transfer->batchable);
    assert_int_equal(transfer->rcv_settle_mode, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    assert_true(transfer->present & AMQPC_TRANSFER_STATE);
    assert_int_equal(amqpc_value_composite(&transfer->state), AMQPC_COMPOSITE_TRANSACTIONAL_STATE);
    assert_false(transfer->settled);
    assert_false(transfer->more);
    engine_pair_free(&pair);
}

static void test_tags_that_the_engine_makes_are_short_and_differ(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, 600);
    for (unsigned i = 0; i < 600; i++) {
        (void)engine_send(pair.sender, "x");
    }
    engine_take_frames(pair.client, &frames);
    assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_TRANSFER), 600);
    for (unsigned i = 0; i < 600; i++) {
        amqpc_bytes tag = frames.list[i].as.transfer.delivery_tag;
        assert_int_equal(tag.size, i < 256 ? 1 : 2);
        amqpc_bytes before = frames.list[i == 0 ? 599 : i - 1].as.transfer.delivery_tag;
        assert_false(tag.size == before.size && memcmp(tag.data, before.data, tag.size) == 0);
    }
    engine_pair_free(&pair);
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_attach answer = {.present = AMQPC_ATTACH_MAX_MESSAGE_SIZE, .max_message_size = 100};
    engine_pair_attach_named(&pair, "link", NULL, &answer, &pair.sender, &pair.receiver);
    amqpc_bytes hundred = {large, 100};
    amqpc_bytes more = {large, 101};
    assert_int_equal(amqpc_link_send(pair.sender, hundred, NULL, NULL), AMQPC_NO_CREDIT);
    assert_int_equal(amqpc_link_send(pair.receiver, hundred, NULL, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send(pair.sender, more, NULL, NULL), AMQPC_MESSAGE_TOO_LARGE);
    assert_int_equal(
        amqpc_link_send(pair.sender, (amqpc_bytes){large, (size_t)UINT32_MAX + 1}, NULL, NULL),
        sizeof(size_t) > 4 ? AMQPC_INVALID_ARGUMENT : AMQPC_OK);
    assert_int_equal(amqpc_link_send(pair.sender, hundred, NULL, NULL), AMQPC_OK);
    amqpc_send_options options = defaults();
    options.tag = (amqpc_bytes){large, 33};
    assert_int_equal(amqpc_link_send(pair.sender, hundred, &options, NULL), AMQPC_INVALID_ARGUMENT);
    options.tag.size = 32;
    assert_int_equal(amqpc_link_send(pair.sender, hundred, &options, NULL), AMQPC_OK);
    amqpc_link_flow flow;
    amqpc_link_get_flow(pair.sender, &flow);
    assert_int_equal(flow.credit, sizeof(size_t) > 4 ? 8 : 7); /* 2^32 bytes are none there */
    assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send(pair.sender, hundred, NULL, NULL), AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
}

/* Pitfall 8: settled has to match the link's snd-settle-mode (AMQP 2.8.2). */
static void test_pitfall_8_settled_agrees_with_the_mode_of_the_link(void **state)
{
    (void)state;
    for (uint8_t mode = 0; mode < 3; mode++) {
        engine_pair pair;
        engine_pair_open(&pair);
        amqpc_attach attach = {.present = AMQPC_ATTACH_SND_SETTLE_MODE, .snd_settle_mode = mode};
        engine_pair_attach(&pair, &attach);
        assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
        engine_exchange(&pair);
        amqpc_send_options options = defaults();
        for (unsigned settled = 0; settled < 2; settled++) {
            options.settled = settled;
            bool allowed = mode == AMQPC_SENDER_SETTLE_MODE_MIXED || mode == settled;
            amqpc_status expected = allowed ? AMQPC_OK : AMQPC_INVALID_ARGUMENT;
            assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), &options, NULL),
                             expected);
            assert_int_equal(amqpc_link_send_start(pair.sender, &options, NULL), expected);
            if (allowed) {
                assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
            }
        }
        /* No options: as the link has it. */
        assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
        engine_pair_free(&pair);
    }
}

static void test_options_of_an_older_caller_are_read_as_far_as_they_go(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, 10);
    amqpc_send_options options;
    memset(&options, 0xee, sizeof options);
    size_t size = offsetof(amqpc_send_options, by_reference);
    amqpc_send_options_init(&options, size);
    options.settled = true;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), &options, NULL), AMQPC_OK);
    const amqpc_transfer *transfer = sent_transfer(&pair);
    assert_true(transfer->settled);
    assert_int_equal(transfer->message_format, 0);
    assert_int_equal(amqpc_link_send_start(pair.sender, &options, NULL), AMQPC_OK);
    assert_int_equal(sent_transfer(&pair)->message_format, 0);
    engine_pair_free(&pair);
}

static void test_the_limit_of_output_is_for_now(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.output_size = 1000;
    engine_pair pair;
    engine_pair_open_with(&pair, &options, NULL);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){large, 1000}, NULL, NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), NULL, NULL),
                     AMQPC_LIMIT_REACHED);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), NULL, NULL), AMQPC_OK);
    engine_pair_free(&pair);
}

static void test_the_limit_of_unsettled_deliveries_does_not_count_settled_ones(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.unsettled_max = 2;
    engine_pair pair;
    engine_pair_open_with(&pair, &options, NULL);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_send_options settled = defaults();
    settled.settled = true;
    (void)engine_send(pair.sender, "1");
    (void)engine_send(pair.sender, "2");
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), NULL, NULL),
                     AMQPC_LIMIT_REACHED);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), &settled, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 2);
    engine_pair_free(&pair);
}

static void test_a_batch_stops_where_the_credit_ends(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, 3);
    amqpc_bytes payloads[5];
    for (unsigned i = 0; i < 5; i++) {
        payloads[i] = engine_text("batch");
    }
    amqpc_send_options options = defaults();
    options.context = 100;
    size_t sent = 0;
    uint64_t first = 0;
    options.tag = engine_text("no");
    assert_int_equal(amqpc_link_send_batch(pair.sender, payloads, 5, &options, &sent, &first),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(sent, 0);
    options.tag.size = 0;
    assert_int_equal(amqpc_link_send_batch(pair.sender, payloads, 5, &options, &sent, &first),
                     AMQPC_NO_CREDIT);
    assert_int_equal(sent, 3);
    assert_int_equal(amqpc_link_settle(pair.sender, first, first + 2, AMQPC_COMPOSITE_NONE),
                     AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery deliveries[5];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 5, &count), AMQPC_OK);
    assert_int_equal(count, 3);
    amqpc_deliveries_release(deliveries, count);
    assert_int_equal(amqpc_link_send_batch(pair.sender, payloads, 0, NULL, &sent, NULL), AMQPC_OK);
    engine_pair_free(&pair);
}

/* --- Windows. */

static void open_with_window(engine_pair *pair, uint32_t window)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 100), AMQPC_OK);
    engine_exchange(pair);
    amqpc_performative flow = engine_flow(0, 0, 100);
    flow.as.flow.incoming_window = window;
    assert_int_equal(engine_feed_frame(pair->client, 0, &flow), AMQPC_OK);
    engine_events(pair->client);
}

static void open_window(engine_pair *pair, uint32_t seen, uint32_t window)
{
    amqpc_performative flow = engine_flow(0, 0, 100);
    flow.as.flow.present &=
        ~(uint32_t)(AMQPC_FLOW_HANDLE | AMQPC_FLOW_LINK_CREDIT | AMQPC_FLOW_DELIVERY_COUNT);
    flow.as.flow.next_incoming_id = seen;
    flow.as.flow.incoming_window = window;
    assert_int_equal(engine_feed_frame(pair->client, 0, &flow), AMQPC_OK);
}

static void test_sends_wait_for_the_window_in_order(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_window(&pair, 2);
    assert_int_equal(amqpc_session_outgoing_window(pair.client_session), 2);
    amqpc_send_options settled = defaults();
    settled.settled = true;
    (void)engine_send(pair.sender, "0");
    assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){large, sizeof large}, NULL, NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("2"), &settled, NULL), AMQPC_OK);
    (void)engine_send(pair.sender, "3");
    engine_take_frames(pair.client, &frames);
    assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_TRANSFER), 2);
    assert_int_equal(amqpc_session_outgoing_window(pair.client_session), 0);
    open_window(&pair, 2, 100);
    (void)engine_event(pair.client, AMQPC_EVENT_SESSION_WINDOW);
    engine_take_frames(pair.client, &frames);
    size_t count = engine_frame_count(&frames, AMQPC_COMPOSITE_TRANSFER);
    assert_int_equal(count, 5); /* the rest of the large one takes three */
    assert_true(frames.list[count - 2].as.transfer.settled);
    assert_int_equal(frames.list[count - 2].as.transfer.delivery_id, 2);
    assert_bytes(frames.list[count - 2].payload, "2");
    assert_bytes(frames.list[count - 1].payload, "3");
    assert_int_equal(frames.list[count - 1].as.transfer.delivery_id, 3);
    engine_pair_free(&pair);
}

static void test_a_state_is_copied_and_waits_for_the_window_too(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_window(&pair, 0);
    amqpc_send_options options = defaults();
    uint8_t bytes[] = {0x00, 0x53, 0x34, 0xc0, 0x07, 0x02, 0xa0, 0x03, 't', 'x', 'n', 0x40};
    amqpc_value transactional;
    assert_int_equal(amqpc_value_decode(bytes, sizeof bytes, NULL, &transactional, NULL), AMQPC_OK);
    options.state = &transactional;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), &options, NULL), AMQPC_OK);
    memset(bytes, 0xee, sizeof bytes);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(frames.count, 0);
    open_window(&pair, 0, 1);
    const amqpc_transfer *transfer = sent_transfer(&pair);
    assert_int_equal(amqpc_value_composite(&transfer->state), AMQPC_COMPOSITE_TRANSACTIONAL_STATE);
    engine_pair_free(&pair);
}

/* What the peer says of a delivery that is not all sent must not disturb those behind it. */
static void test_a_state_of_a_delivery_that_waits_is_told_when_it_has_gone(void **state)
{
    (void)state;
    for (unsigned settled_here = 0; settled_here < 2; settled_here++) {
        engine_pair pair;
        open_with_window(&pair, 1);
        uint64_t number = 0;
        assert_int_equal(
            amqpc_link_send(pair.sender, (amqpc_bytes){large, sizeof large}, NULL, &number),
            AMQPC_OK);
        (void)engine_send(pair.sender, "behind");
        amqpc_performative disposition = {.type = AMQPC_COMPOSITE_DISPOSITION};
        uint8_t received[] = {0x53, 0x23, 0xc0, 0x03, 0x02, 0x43, 0x44};
        disposition.as.disposition = (amqpc_disposition){
            .present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST | AMQPC_DISPOSITION_STATE,
            .role = AMQPC_ROLE_RECEIVER,
            .first = (uint32_t)number,
            .state = {.type = AMQPC_TYPE_DESCRIBED, .count = 2},
        };
        disposition.as.disposition.state.as.bytes = (amqpc_bytes){received, sizeof received};
        assert_int_equal(engine_feed_frame(pair.client, 0, &disposition), AMQPC_OK);
        assert_no_updates(pair.sender);
        if (settled_here) {
            assert_int_equal(amqpc_link_settle(pair.sender, number, number, AMQPC_COMPOSITE_NONE),
                             AMQPC_OK);
        }
        open_window(&pair, 1, 100);
        engine_take_frames(pair.client, &frames);
        assert_bytes(frames.list[frames.count - 1].payload, "behind");
        amqpc_update update = engine_update(pair.sender);
        assert_int_equal(update.number, number);
        assert_int_equal(update.state_type, AMQPC_COMPOSITE_RECEIVED);
        assert_int_equal(update.settled, settled_here);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), settled_here ? 1 : 2);
        engine_pair_free(&pair);
    }
}

/* --- Encoding in place. */

static void test_what_is_written_in_place_is_sent(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        engine_pair pair;
        open_with_credit(&pair, 10);
        amqpc_send_options options = defaults();
        options.settled = kind == 1;
        options.tag = kind == 2 ? engine_text("tagged") : (amqpc_bytes){NULL, 0};
        options.message_format = kind == 3 ? 5 : 0;
        void *place = NULL;
        uint64_t number = 0;
        assert_int_equal(amqpc_link_reserve(pair.sender, 1000, &options, &place), AMQPC_OK);
        memcpy(place, "in place", 8);
        assert_int_equal(amqpc_link_commit(pair.sender, 8, &options, &number), AMQPC_OK);
        assert_int_equal(amqpc_link_commit(pair.sender, 8, &options, &number), AMQPC_INVALID_STATE);
        engine_exchange(&pair);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_bytes(delivery.payload, "in place");
        assert_int_equal(delivery.settled, kind == 1);
        assert_int_equal(delivery.message_format, options.message_format);
        amqpc_delivery_release(&delivery);
        engine_pair_free(&pair);
    }
}

static void test_a_large_message_may_be_written_in_place(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, 10);
    void *place = NULL;
    assert_int_equal(amqpc_link_reserve(pair.sender, sizeof large, NULL, &place), AMQPC_OK);
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (uint8_t)(i * 31 + i / 253);
    }
    memcpy(place, large, sizeof large);
    assert_int_equal(amqpc_link_commit(pair.sender, sizeof large, NULL, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(delivery.payload.size, sizeof large);
    assert_memory_equal(delivery.payload.data, large, sizeof large);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

static void test_room_is_lent_until_the_next_call(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, 10);
    amqpc_link *other = NULL;
    amqpc_link *other_end = NULL;
    engine_pair_attach_named(&pair, "other", NULL, NULL, &other, &other_end);
    assert_int_equal(amqpc_link_add_credit(other_end, 10), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_send_options options = defaults();
    options.settled = true;
    void *place = NULL;
    assert_int_equal(amqpc_link_reserve(pair.sender, 100, &options, &place), AMQPC_OK);
    assert_int_equal(amqpc_link_commit(pair.sender, 101, &options, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_commit(other, 1, &options, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_reserve(pair.sender, 100, &options, &place), AMQPC_OK);
    assert_int_equal(amqpc_link_send(other, engine_text("between"), &options, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_commit(pair.sender, 5, &options, NULL), AMQPC_INVALID_STATE);
    /* Also where the output has gone, and the place is the next to be written again. */
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_reserve(pair.sender, 100, &options, &place), AMQPC_OK);
    assert_int_equal(amqpc_link_send(other, engine_text("between"), &options, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_commit(pair.sender, 5, &options, NULL), AMQPC_INVALID_STATE);
    options.by_reference = true;
    assert_int_equal(amqpc_link_reserve(pair.sender, 5, &options, &place), AMQPC_INVALID_ARGUMENT);
    amqpc_delivery deliveries[2];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(other_end, deliveries, 2, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    amqpc_deliveries_release(deliveries, count);
    engine_pair_free(&pair);
}

static void test_reserving_checks_as_sending_does(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_attach answer = {.present = AMQPC_ATTACH_MAX_MESSAGE_SIZE, .max_message_size = 10};
    engine_pair_attach_named(&pair, "link", NULL, &answer, &pair.sender, &pair.receiver);
    void *place = NULL;
    assert_int_equal(amqpc_link_reserve(pair.sender, 5, NULL, &place), AMQPC_NO_CREDIT);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    /* What is written counts, not what might be. */
    assert_int_equal(amqpc_link_reserve(pair.sender, 500, NULL, &place), AMQPC_OK);
    assert_int_equal(amqpc_link_commit(pair.sender, 11, NULL, NULL), AMQPC_MESSAGE_TOO_LARGE);
    assert_int_equal(amqpc_link_reserve(pair.sender, 500, NULL, &place), AMQPC_OK);
    assert_int_equal(amqpc_link_commit(pair.sender, 10, NULL, NULL), AMQPC_OK);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_in_the_transfer),
        cmocka_unit_test(test_tags_that_the_engine_makes_are_short_and_differ),
        cmocka_unit_test(test_what_cannot_be_sent_is_refused),
        cmocka_unit_test(test_pitfall_8_settled_agrees_with_the_mode_of_the_link),
        cmocka_unit_test(test_options_of_an_older_caller_are_read_as_far_as_they_go),
        cmocka_unit_test(test_the_limit_of_output_is_for_now),
        cmocka_unit_test(test_the_limit_of_unsettled_deliveries_does_not_count_settled_ones),
        cmocka_unit_test(test_a_batch_stops_where_the_credit_ends),
        cmocka_unit_test(test_sends_wait_for_the_window_in_order),
        cmocka_unit_test(test_a_state_is_copied_and_waits_for_the_window_too),
        cmocka_unit_test(test_a_state_of_a_delivery_that_waits_is_told_when_it_has_gone),
        cmocka_unit_test(test_what_is_written_in_place_is_sent),
        cmocka_unit_test(test_a_large_message_may_be_written_in_place),
        cmocka_unit_test(test_room_is_lent_until_the_next_call),
        cmocka_unit_test(test_reserving_checks_as_sending_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
