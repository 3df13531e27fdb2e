/* Receiving: batches, pieces, and bytes that live until they are released (AMQP 2.6.12, 2.7.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/counting_allocator.h"
#include "support/engine_frames.h"
#include "support/failing_allocator.h"

static uint8_t large[300000];

static void fill(unsigned seed)
{
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (uint8_t)(i * 7 + i / 251 + seed);
    }
}

static void open_with_credit(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 10000), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

static void test_a_batch_is_taken_in_order_and_one_event_stands_for_all(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    for (unsigned i = 0; i < 100; i++) {
        const char text[] = {(char)('A' + i % 26), '\0'};
        (void)engine_send(pair.sender, text);
    }
    engine_exchange(&pair);
    amqpc_connection_event event;
    assert_true(amqpc_connection_next_event(pair.server, &event));
    assert_int_equal(event.type, AMQPC_EVENT_DELIVERIES);
    assert_ptr_equal(event.link, pair.receiver);
    assert_ptr_equal(event.session, pair.server_session);
    assert_false(amqpc_connection_next_event(pair.server, &event));
    amqpc_delivery deliveries[70];
    size_t count = 0;
    unsigned taken = 0;
    uint64_t last = 0;
    do {
        assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 70, &count), AMQPC_OK);
        for (size_t i = 0; i < count; i++, taken++) {
            assert_int_equal(*(const char *)deliveries[i].payload.data, 'A' + (int)(taken % 26));
            assert_true(deliveries[i].number > last);
            assert_int_equal(deliveries[i].delivery_id, taken);
            assert_true(deliveries[i].tag.size > 0);
            last = deliveries[i].number;
        }
        amqpc_deliveries_release(deliveries, count);
        amqpc_deliveries_release(deliveries, count); /* harmless */
    } while (count == 70);
    assert_int_equal(taken, 100);
    engine_pair_free(&pair);
}

static void test_an_event_for_deliveries_that_were_taken_is_withdrawn(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    (void)engine_send(pair.sender, "x");
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    amqpc_delivery_release(&delivery);
    assert_int_equal(engine_events(pair.server), 0);
    engine_pair_free(&pair);
}

static void test_bytes_are_released_in_any_order(void **state)
{
    (void)state;
    enum { COUNT = 64 };
    engine_pair pair;
    open_with_credit(&pair);
    fill(1);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){large + i, 20000}, NULL, NULL),
                         AMQPC_OK);
        engine_exchange(&pair);
    }
    amqpc_delivery deliveries[COUNT];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, COUNT, &count), AMQPC_OK);
    assert_int_equal(count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned at = i * 37 % COUNT;
        assert_int_equal(deliveries[at].payload.size, 20000);
        assert_memory_equal(deliveries[at].payload.data, large + at, 20000);
        amqpc_delivery_release(&deliveries[at]);
    }
    amqpc_connection_trim(pair.server);
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_int_equal(statistics.retained_size, 0);
    engine_pair_free(&pair);
}

static void test_bytes_outlive_settlement_link_session_and_connection(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    fill(2);
    amqpc_delivery deliveries[4];
    static const size_t sizes[] = {10, 70000, 140000, 300000};
    for (unsigned i = 0; i < 4; i++) {
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.tag = engine_text("the tag");
        assert_int_equal(
            amqpc_link_send(pair.sender, (amqpc_bytes){large, sizes[i]}, &options, NULL), AMQPC_OK);
        engine_exchange(&pair);
        deliveries[i] = engine_receive(pair.receiver);
        assert_int_equal(amqpc_link_settle(pair.receiver, deliveries[i].number,
                                           deliveries[i].number, AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_OK);
    }
    amqpc_link_free(pair.receiver);
    amqpc_session_free(pair.server_session);
    engine_exchange(&pair);
    engine_pair_free(&pair);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(deliveries[i].payload.size, sizes[i]);
        assert_memory_equal(deliveries[i].payload.data, large, sizes[i]);
        assert_bytes(deliveries[i].tag, "the tag");
        amqpc_delivery_release(&deliveries[i]);
        assert_null(deliveries[i].storage);
    }
}

static const uint8_t transactional[] = {0x00, 0x53, 0x34, 0xc0, 0x07, 0x02,
                                        0xa0, 0x03, 't',  'x',  'n',  0x40};

/* The state at the sender is a view like tag and payload. */
static void test_the_state_at_the_sender_outlives_the_connection_too(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        engine_pair pair;
        open_with_credit(&pair);
        amqpc_value value;
        size_t size = sizeof transactional;
        assert_int_equal(amqpc_value_decode(transactional, size, NULL, &value, &size), AMQPC_OK);
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.state = &value;
        options.settled = kind & 1;
        assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){large, kind & 2 ? 100000 : 5},
                                         &options, NULL),
                         AMQPC_OK);
        engine_exchange(&pair);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_int_equal(delivery.state.size, size);
        if (!delivery.settled) {
            assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                               AMQPC_COMPOSITE_ACCEPTED),
                             AMQPC_OK);
        }
        amqpc_delivery none;
        size_t count = 0;
        assert_int_equal(amqpc_link_receive(pair.receiver, &none, 1, &count), AMQPC_OK);
        engine_pair_free(&pair);
        assert_memory_equal(delivery.state.data, transactional, size);
        if (kind == 0) {
            assert_int_equal(amqpc_delivery_keep(&delivery, NULL), AMQPC_OK);
            assert_memory_equal(delivery.state.data, transactional, size);
        }
        amqpc_delivery_release(&delivery);
    }
}

static void test_a_kept_delivery_has_memory_of_its_own(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    (void)engine_send(pair.sender, "to be kept");
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    failing_allocator failing;
    failing_allocator_init(&failing, 0);
    const void *before = delivery.payload.data;
    assert_int_equal(amqpc_delivery_keep(&delivery, &failing.allocator), AMQPC_NO_MEMORY);
    assert_ptr_equal(delivery.payload.data, before);
    counting_allocator counting;
    counting_allocator_init(&counting);
    assert_int_equal(amqpc_delivery_keep(&delivery, &counting.allocator), AMQPC_OK);
    assert_true(counting.size > 0 && counting.size < 200);
    assert_bytes(delivery.payload, "to be kept");
    engine_pair_free(&pair);
    assert_bytes(delivery.payload, "to be kept");
    amqpc_delivery_release(&delivery);
    assert_int_equal(counting.size, 0);
    assert_int_equal(amqpc_delivery_keep(&delivery, NULL), AMQPC_OK); /* released: nothing to do */
}

static void test_deliveries_may_be_taken_after_the_link_is_detached(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    (void)engine_send(pair.sender, "unsettled");
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("settled"), &options, NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_detach(pair.receiver, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery deliveries[3];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 3, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_bytes(deliveries[0].payload, "unsettled");
    assert_true(deliveries[0].settled); /* there is nobody to tell anything any more */
    assert_bytes(deliveries[1].payload, "settled");
    amqpc_deliveries_release(deliveries, count);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    engine_pair_free(&pair);
}

/* Pitfall 7: what later frames leave out is as in the first, and settled in any of them counts. */
static void test_pitfall_7_later_frames_leave_out_what_the_first_said(void **state)
{
    (void)state;
    for (unsigned settled_at = 0; settled_at < 4; settled_at++) {
        engine_pair pair;
        open_with_credit(&pair);
        amqpc_performative transfer = engine_transfer(0, 0, "one ");
        transfer.as.transfer.present |= AMQPC_TRANSFER_MORE | AMQPC_TRANSFER_SETTLED;
        transfer.as.transfer.more = true;
        transfer.as.transfer.message_format = 9;
        transfer.as.transfer.settled = settled_at == 0;
        assert_int_equal(engine_feed_frame(pair.server, 0, &transfer), AMQPC_OK);
        transfer.as.transfer.present =
            AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_MORE | AMQPC_TRANSFER_SETTLED;
        transfer.payload = engine_text("two ");
        transfer.as.transfer.settled = settled_at == 1;
        assert_int_equal(engine_feed_frame(pair.server, 0, &transfer), AMQPC_OK);
        transfer.as.transfer.more = false;
        transfer.payload = engine_text("three");
        transfer.as.transfer.settled = settled_at == 2;
        assert_int_equal(engine_feed_frame(pair.server, 0, &transfer), AMQPC_OK);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_bytes(delivery.payload, "one two three");
        assert_bytes(delivery.tag, "tag");
        assert_int_equal(delivery.message_format, 9);
        assert_int_equal(delivery.settled, settled_at < 3);
        assert_int_equal(amqpc_link_unsettled_count(pair.receiver), settled_at < 3 ? 0 : 1);
        amqpc_delivery_release(&delivery);
        engine_pair_free(&pair);
    }
}

/* --- In pieces. */

static void test_pieces_are_given_as_they_arrive(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    assert_int_equal(amqpc_link_set_streaming(pair.receiver, true), AMQPC_OK);
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
    amqpc_delivery pieces[11];
    fill(3);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(
            amqpc_link_send_chunk(pair.sender, (amqpc_bytes){large + i * 20000, 20000}), AMQPC_OK);
        engine_exchange(&pair);
        pieces[i] = engine_receive(pair.receiver);
        assert_true(pieces[i].more);
    }
    assert_int_equal(amqpc_link_set_streaming(pair.receiver, false), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
    engine_exchange(&pair);
    pieces[10] = engine_receive(pair.receiver);
    assert_false(pieces[10].more);
    assert_int_equal(pieces[10].payload.size, 0);
    assert_int_equal(amqpc_link_settle(pair.receiver, pieces[0].number, pieces[0].number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    engine_exchange(&pair);
    assert_true(engine_update(pair.sender).settled);
    engine_pair_free(&pair);
    for (unsigned i = 0; i < 11; i++) {
        assert_int_equal(pieces[i].number, pieces[0].number);
        assert_int_equal(pieces[i].tag.size, 1);
        assert_int_equal(*(const uint8_t *)pieces[i].tag.data, 0);
        if (i < 10) {
            assert_int_equal(pieces[i].payload.size, 20000);
            assert_memory_equal(pieces[i].payload.data, large + i * 20000, 20000);
        }
        amqpc_delivery_release(&pieces[i]);
    }
}

static void test_pieces_that_were_not_taken_are_one_piece(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    assert_int_equal(amqpc_link_set_streaming(pair.receiver, true), AMQPC_OK);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.tag = engine_text("a tag of the application, 32 by.");
    assert_int_equal(amqpc_link_send_start(pair.sender, &options, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery first = engine_receive(pair.receiver);
    fill(4);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){large + i, 1}), AMQPC_OK);
        engine_exchange(&pair);
    }
    amqpc_delivery second = engine_receive(pair.receiver);
    assert_true(second.more);
    assert_int_equal(second.payload.size, 10);
    assert_memory_equal(second.payload.data, large, 10);
    engine_pair_free(&pair);
    assert_bytes(first.tag, "a tag of the application, 32 by.");
    assert_bytes(second.tag, "a tag of the application, 32 by.");
    amqpc_delivery_release(&first);
    amqpc_delivery_release(&second);
}

static void test_an_aborted_delivery_is_told_to_whoever_has_pieces_of_it(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        engine_pair pair;
        open_with_credit(&pair);
        assert_int_equal(amqpc_link_set_streaming(pair.receiver, true), AMQPC_OK);
        assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("part")), AMQPC_OK);
        engine_exchange(&pair);
        if (way & 1) {
            amqpc_delivery piece = engine_receive(pair.receiver);
            assert_true(piece.more);
            amqpc_delivery_release(&piece);
        }
        if (way & 2) {
            assert_int_equal(amqpc_link_send_abort(pair.sender), AMQPC_OK);
        } else {
            assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
        }
        engine_exchange(&pair);
        if (!(way & 2)) {
            assert_int_equal(amqpc_link_detach(pair.receiver, true, NULL), AMQPC_OK);
        }
        amqpc_delivery end = engine_receive(pair.receiver);
        assert_true(end.aborted);
        assert_true(end.settled);
        assert_false(end.more);
        assert_int_equal(end.payload.size, 0);
        amqpc_delivery_release(&end);
        assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
        engine_pair_free(&pair);
    }
}

static void test_deliveries_in_part_of_several_links_are_limited_together(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.partial_size = 1000;
    engine_pair pair;
    engine_pair_open_with(&pair, NULL, &options);
    amqpc_link *senders[2];
    amqpc_link *receivers[2];
    engine_pair_attach_named(&pair, "a", NULL, NULL, &senders[0], &receivers[0]);
    engine_pair_attach_named(&pair, "b", NULL, NULL, &senders[1], &receivers[1]);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(amqpc_link_add_credit(receivers[i], 10), AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(amqpc_link_send_start(senders[i], NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(senders[i], (amqpc_bytes){large, 600}), AMQPC_OK);
        engine_exchange(&pair);
    }
    amqpc_error error;
    assert_int_equal(amqpc_link_error(receivers[0], &error), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_error(receivers[1], &error), AMQPC_OK);
    assert_bytes(error.condition, "amqp:resource-limit-exceeded");
    assert_int_equal(amqpc_link_send_finish(senders[0]), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(receivers[0]);
    assert_int_equal(delivery.payload.size, 600);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_is_taken_in_order_and_one_event_stands_for_all),
        cmocka_unit_test(test_an_event_for_deliveries_that_were_taken_is_withdrawn),
        cmocka_unit_test(test_bytes_are_released_in_any_order),
        cmocka_unit_test(test_bytes_outlive_settlement_link_session_and_connection),
        cmocka_unit_test(test_the_state_at_the_sender_outlives_the_connection_too),
        cmocka_unit_test(test_a_kept_delivery_has_memory_of_its_own),
        cmocka_unit_test(test_deliveries_may_be_taken_after_the_link_is_detached),
        cmocka_unit_test(test_pitfall_7_later_frames_leave_out_what_the_first_said),
        cmocka_unit_test(test_pieces_are_given_as_they_arrive),
        cmocka_unit_test(test_pieces_that_were_not_taken_are_one_piece),
        cmocka_unit_test(test_an_aborted_delivery_is_told_to_whoever_has_pieces_of_it),
        cmocka_unit_test(test_deliveries_in_part_of_several_links_are_limited_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
