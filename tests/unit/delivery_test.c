/* Deliveries from one engine to another: sent, received, settled (AMQP 2.6.12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_pair.h"

enum { WINDOW = 100, MANY = 1000 };

static void give_credit(engine_pair *pair, uint32_t credit)
{
    assert_int_equal(amqpc_link_add_credit(pair->receiver, credit), AMQPC_OK);
    engine_exchange(pair);
}

static void test_a_settled_delivery_arrives(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    give_credit(&pair, 1);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("hello"), &options, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("hello"), &options, NULL),
                     AMQPC_NO_CREDIT);
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_DELIVERIES);
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    assert_true(delivery.settled);
    assert_int_equal(delivery.payload.size, 5);
    assert_memory_equal(delivery.payload.data, "hello", 5);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

static void test_an_unsettled_delivery_is_accepted(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, WINDOW), AMQPC_OK);
    engine_exchange(&pair);
    uint64_t sent = 0;
    uint64_t accepted = 0;
    char text[32];
    while (accepted < MANY) {
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.context = sent;
        memset(text, (int)('a' + sent % 26), sizeof text);
        while (sent < MANY && amqpc_link_send(pair.sender, (amqpc_bytes){text, sizeof text},
                                              &options, NULL) == AMQPC_OK) {
            options.context = ++sent;
            memset(text, (int)('a' + sent % 26), sizeof text);
        }
        engine_exchange(&pair);
        amqpc_delivery deliveries[64];
        size_t count = 0;
        do {
            assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 64, &count), AMQPC_OK);
            if (count > 0) {
                assert_int_equal(amqpc_link_settle(pair.receiver, deliveries[0].number,
                                                   deliveries[count - 1].number,
                                                   AMQPC_COMPOSITE_ACCEPTED),
                                 AMQPC_OK);
            }
            amqpc_deliveries_release(deliveries, count);
        } while (count > 0);
        engine_exchange(&pair);
        amqpc_update updates[64];
        do {
            assert_int_equal(amqpc_link_updates(pair.sender, updates, 64, &count), AMQPC_OK);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(updates[i].context, accepted + i);
                assert_int_equal(updates[i].state_type, AMQPC_COMPOSITE_ACCEPTED);
                assert_true(updates[i].settled);
            }
            accepted += count;
        } while (count > 0);
    }
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    engine_pair_free(&pair);
}

static void test_a_delivery_of_several_frames_arrives_whole(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    give_credit(&pair, MANY);
    static uint8_t payload[300000];
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 7 + i / 251);
    }
    for (unsigned by_reference = 0; by_reference < 2; by_reference++) {
        for (size_t size = 60000; size < sizeof payload; size += 37777) {
            amqpc_send_options options;
            amqpc_send_options_init(&options, sizeof options);
            options.by_reference = by_reference;
            assert_int_equal(
                amqpc_link_send(pair.sender, (amqpc_bytes){payload, size}, &options, NULL),
                AMQPC_OK);
            engine_exchange(&pair);
            amqpc_delivery delivery;
            size_t count = 0;
            assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
            assert_int_equal(count, 1);
            assert_int_equal(delivery.payload.size, size);
            assert_memory_equal(delivery.payload.data, payload, size);
            assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                               AMQPC_COMPOSITE_ACCEPTED),
                             AMQPC_OK);
            amqpc_delivery_release(&delivery);
            engine_exchange(&pair);
            amqpc_update update;
            assert_int_equal(amqpc_link_updates(pair.sender, &update, 1, &count), AMQPC_OK);
            assert_int_equal(count, 1);
            assert_true(update.settled);
        }
    }
    engine_pair_free(&pair);
}

/* The old one moves out of the output that others are written to, while one is being written. */
static void test_an_old_unsettled_delivery_does_not_disturb_those_after_it(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    give_credit(&pair, MANY);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("the old one"), NULL, NULL),
                     AMQPC_OK);
    for (unsigned i = 0; i < MANY / 2; i++) {
        char text[8];
        size_t count = 0;
        amqpc_delivery deliveries[2];
        (void)snprintf(text, sizeof text, "%u", i);
        assert_int_equal(amqpc_link_send(pair.sender, engine_text(text), NULL, NULL), AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 2, &count), AMQPC_OK);
        assert_int_equal(count, i == 0 ? 2 : 1);
        const amqpc_delivery *last = &deliveries[count - 1];
        assert_int_equal(last->payload.size, strlen(text));
        assert_memory_equal(last->payload.data, text, strlen(text));
        assert_int_equal(
            amqpc_link_settle(pair.receiver, last->number, last->number, AMQPC_COMPOSITE_ACCEPTED),
            AMQPC_OK);
        amqpc_deliveries_release(deliveries, count);
        engine_exchange(&pair);
        amqpc_update update;
        assert_int_equal(amqpc_link_updates(pair.sender, &update, 1, &count), AMQPC_OK);
        assert_int_equal(count, 1);
    }
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_settled_delivery_arrives),
        cmocka_unit_test(test_an_unsettled_delivery_is_accepted),
        cmocka_unit_test(test_a_delivery_of_several_frames_arrives_whole),
        cmocka_unit_test(test_an_old_unsettled_delivery_does_not_disturb_those_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
