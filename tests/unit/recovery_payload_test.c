/* A link is suspended and attached again, or closed: what becomes of payloads that are borrowed,
 * large, or sent in pieces (AMQP 2.6.13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recovery_fixture.h"

enum { FIRST = AMQPC_RECEIVER_SETTLE_MODE_FIRST };

static void give_credit(engine_pair *pair, uint32_t credit)
{
    assert_int_equal(amqpc_link_add_credit(pair->receiver, credit), AMQPC_OK);
    engine_exchange(pair);
}

static void accept(engine_pair *pair, uint64_t number)
{
    assert_int_equal(amqpc_link_settle(pair->receiver, number, number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
}

static void expect_accepted(engine_pair *pair, uint64_t number)
{
    amqpc_update update = recovery_update(pair->sender);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_false(update.unknown);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
}

static void expect_all_settled(engine_pair *pair)
{
    assert_int_equal(amqpc_link_unsettled_count(pair->sender), 0);
    assert_int_equal(amqpc_link_unsettled_count(pair->receiver), 0);
    recovery_expect_no_update(pair->sender);
    recovery_expect_no_update(pair->receiver);
}

static void test_closing_ends_what_is_suspended_as_unknown(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    recovery_detach(&pair);
    assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
    amqpc_update update = recovery_update(pair.sender);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_true(update.unknown);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    engine_pair_free(&pair);
}

static void test_closing_ends_what_waits_for_credit_as_unknown(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    recovery_cut(&pair);
    recovery_restart(&pair, true, true);
    assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_detach(pair.receiver, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_update update = recovery_update(pair.sender);
    assert_int_equal(update.number, number);
    assert_true(update.unknown);
    engine_pair_free(&pair);
}

static void test_what_was_sent_in_pieces_ends_as_unknown(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t numbers[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(amqpc_link_send_start(pair.sender, NULL, &numbers[i]), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair.sender, engine_text("piece")), AMQPC_OK);
        if (i == 0) {
            assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
        }
    }
    engine_exchange(&pair);
    amqpc_delivery whole = recovery_receive(&pair, "piece");
    recovery_detach(&pair); /* in the middle of the second: row 64 */
    recovery_attach(&pair);
    amqpc_update updates[3];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(pair.sender, updates, 3, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(updates[i].number, numbers[i]);
        assert_true(updates[i].settled);
        assert_true(updates[i].unknown);
    }
    give_credit(&pair, 10);
    amqpc_update update = recovery_update(pair.receiver); /* the sender has given the first up */
    assert_int_equal(update.number, whole.number);
    assert_true(update.settled);
    recovery_expect_nothing(&pair);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_borrowed_payload_is_sent_again_from_where_it_is(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    char *payload = (char *)malloc(SIZE);
    assert_non_null(payload);
    memset(payload, 'a', SIZE);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = true;
    uint64_t number = 0;
    assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){payload, SIZE}, &options, &number),
                     AMQPC_OK);
    /* All of it waits in the output, and goes out behind the detach of the receiver's. */
    size_t count = 0;
    assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_detach(pair.receiver, false, NULL), AMQPC_OK);
    engine_exchange(&pair);
    engine_events(pair.server);
    recovery_expect_no_update(pair.sender);
    recovery_attach(&pair);
    give_credit(&pair, 10);
    amqpc_delivery delivery;
    assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(delivery.payload.size, SIZE);
    assert_memory_equal(delivery.payload.data, payload, SIZE);
    accept(&pair, delivery.number);
    amqpc_delivery_release(&delivery);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    free(payload);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_borrowed_payload_is_free_once_it_was_exported(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    char *payload = (char *)malloc(sizeof "borrowed");
    assert_non_null(payload);
    memcpy(payload, "borrowed", sizeof "borrowed");
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = true;
    options.context = 77;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text(payload), &options, NULL), AMQPC_OK);
    recovery_cut(&pair);
    amqpc_buffer *buffer = recovery_export(pair.sender);
    free(payload);
    recovery_reopen(&pair, buffer, NULL);
    amqpc_buffer_free(buffer);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(&pair);
    give_credit(&pair, 10);
    amqpc_delivery delivery = recovery_receive(&pair, "borrowed");
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    amqpc_update update = recovery_update(pair.sender);
    assert_int_equal(update.context, 77);
    assert_true(update.settled);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_delivery_of_several_frames_is_dropped_where_it_is_had(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    char *payload = (char *)malloc(SIZE);
    assert_non_null(payload);
    memset(payload, 'x', SIZE);
    uint64_t number = 0;
    assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){payload, SIZE}, NULL, &number),
                     AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    recovery_detach(&pair);
    recovery_attach(&pair);
    give_credit(&pair, 10);
    recovery_expect_nothing(&pair);
    assert_memory_equal(delivery.payload.data, payload, SIZE);
    accept(&pair, delivery.number);
    amqpc_delivery_release(&delivery);
    (void)recovery_send(&pair, "after");
    engine_exchange(&pair);
    (void)recovery_receive(&pair, "after");
    expect_accepted(&pair, number);
    free(payload);
    engine_pair_free(&pair);
}

static void test_a_drop_in_the_middle_of_a_resumed_delivery_ends_well(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    char *payload = (char *)malloc(SIZE);
    assert_non_null(payload);
    memset(payload, 'x', SIZE);
    uint64_t number = 0;
    assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){payload, SIZE}, NULL, &number),
                     AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
    amqpc_delivery_release(&delivery);
    recovery_detach(&pair);
    recovery_attach(&pair);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_pump(pair.server, pair.client, SIZE_MAX);
    amqpc_bytes vectors[8];
    assert_int_equal(amqpc_connection_output(pair.client, vectors, 8, &count), AMQPC_OK);
    assert_true(count >= 2);
    size_t moved = 0;
    for (unsigned i = 0; i < 2; i++) { /* header and payload of the first frame */
        assert_int_equal(engine_feed(pair.server, vectors[i].data, vectors[i].size), AMQPC_OK);
        moved += vectors[i].size;
    }
    amqpc_connection_output_done(pair.client, moved);
    recovery_cut(&pair);
    accept(&pair, delivery.number);
    recovery_restart(&pair, true, true);
    expect_accepted(&pair, number);
    give_credit(&pair, 1);
    expect_all_settled(&pair);
    free(payload);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closing_ends_what_is_suspended_as_unknown),
        cmocka_unit_test(test_closing_ends_what_waits_for_credit_as_unknown),
        cmocka_unit_test(test_what_was_sent_in_pieces_ends_as_unknown),
        cmocka_unit_test(test_a_borrowed_payload_is_sent_again_from_where_it_is),
        cmocka_unit_test(test_a_borrowed_payload_is_free_once_it_was_exported),
        cmocka_unit_test(test_a_delivery_of_several_frames_is_dropped_where_it_is_had),
        cmocka_unit_test(test_a_drop_in_the_middle_of_a_resumed_delivery_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
