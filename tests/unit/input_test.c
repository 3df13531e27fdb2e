/* The input: frames of any cut, deliveries put together in place and in slabs of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/counting_allocator.h"
#include "support/engine_frames.h"

enum { LARGEST = 600000 };

static uint8_t payload[LARGEST];

static void fill(unsigned seed)
{
    for (size_t i = 0; i < LARGEST; i++) {
        payload[i] = (uint8_t)(i * 11 + i / 241 + seed);
    }
}

/* The server takes at most `frame_size` in a frame, and receives into slabs of `slab_size`. */
static void open_with(engine_pair *pair, uint32_t frame_size, uint32_t slab_size)
{
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = frame_size;
    amqpc_connection_options client;
    amqpc_connection_options_init(&client, sizeof client);
    client.output_size = (uint64_t)16 << 20;
    amqpc_connection_options server = client;
    server.limits = &limits;
    server.input_slab_size = slab_size;
    engine_pair_open_with(pair, &client, &server);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 100000), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

static void send(amqpc_link *link, size_t size)
{
    assert_int_equal(amqpc_link_send(link, (amqpc_bytes){payload, size}, NULL, NULL), AMQPC_OK);
}

static void assert_arrives(amqpc_link *link, size_t size)
{
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(link, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(delivery.payload.size, size);
    assert_memory_equal(delivery.payload.data, payload, size);
    assert_int_equal(
        amqpc_link_settle(link, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK);
    amqpc_delivery_release(&delivery);
}

static void take_updates(amqpc_link *link)
{
    amqpc_update updates[64];
    size_t count = 0;
    do {
        assert_int_equal(amqpc_link_updates(link, updates, 64, &count), AMQPC_OK);
    } while (count == 64);
}

static void test_row_94_input_of_any_cut_is_the_same(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 7, 512, 4096, 65537, SIZE_MAX};
    static const size_t sizes[] = {0, 1, 500, 5000, 20000};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        engine_pair pair;
        open_with(&pair, 4096, 65536);
        fill(i);
        for (unsigned j = 0; j < 5; j++) {
            send(pair.sender, sizes[j]);
        }
        (void)engine_pump(pair.client, pair.server, steps[i]);
        for (unsigned j = 0; j < 5; j++) {
            assert_arrives(pair.receiver, sizes[j]);
        }
        engine_pair_free(&pair);
    }
}

/* With small slabs, deliveries move from one to the next, and into slabs of their own. */
static void test_deliveries_of_many_frames_are_put_together_in_slabs_of_any_size(void **state)
{
    (void)state;
    static const uint32_t slabs[] = {1, 8192, 65536, 262144, 1 << 20};
    for (unsigned i = 0; i < sizeof slabs / sizeof *slabs; i++) {
        engine_pair pair;
        open_with(&pair, 4096, slabs[i]);
        for (size_t size = 3000; size < LARGEST; size = size * 2 + 777) {
            fill((unsigned)size);
            send(pair.sender, size);
            (void)engine_pump(pair.client, pair.server, 3001);
            engine_exchange(&pair);
            assert_arrives(pair.receiver, size);
            engine_exchange(&pair);
            take_updates(pair.sender);
        }
        engine_pair_free(&pair);
    }
}

/* Frames of other links between those of a delivery: it cannot be put together in place. */
static void test_deliveries_of_several_links_are_put_together_side_by_side(void **state)
{
    (void)state;
    enum { LINKS = 3, CHUNKS = 40, CHUNK = 3000 };
    engine_pair pair;
    open_with(&pair, 4096, 65536);
    amqpc_link *senders[LINKS] = {pair.sender};
    amqpc_link *receivers[LINKS] = {pair.receiver};
    for (unsigned i = 1; i < LINKS; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        engine_pair_attach_named(&pair, name, NULL, NULL, &senders[i], &receivers[i]);
        assert_int_equal(amqpc_link_add_credit(receivers[i], 10), AMQPC_OK);
        engine_exchange(&pair);
    }
    fill(9);
    for (unsigned i = 0; i < LINKS; i++) {
        assert_int_equal(amqpc_link_send_start(senders[i], NULL, NULL), AMQPC_OK);
    }
    for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
        for (unsigned i = 0; i < LINKS; i++) {
            amqpc_bytes bytes = {payload + chunk * CHUNK, CHUNK};
            assert_int_equal(amqpc_link_send_chunk(senders[i], bytes), AMQPC_OK);
        }
        (void)engine_pump(pair.client, pair.server, 1000 + chunk * 131);
    }
    for (unsigned i = 0; i < LINKS; i++) {
        assert_int_equal(amqpc_link_send_finish(senders[i]), AMQPC_OK);
    }
    engine_exchange(&pair);
    for (unsigned i = 0; i < LINKS; i++) {
        assert_arrives(receivers[i], CHUNKS * CHUNK);
    }
    engine_pair_free(&pair);
}

/* Views that were handed out stay where they are while the input goes on. */
static void test_views_are_not_written_over(void **state)
{
    (void)state;
    enum { HELD = 40 };
    engine_pair pair;
    open_with(&pair, 65536, 65536 * 2);
    amqpc_delivery held[HELD];
    for (unsigned i = 0; i < HELD * 10; i++) {
        fill(i / 10);
        send(pair.sender, 1000 + i * 100);
        engine_exchange(&pair);
        if (i % 10 != 0) {
            assert_arrives(pair.receiver, 1000 + i * 100);
        } else {
            held[i / 10] = engine_receive(pair.receiver);
        }
        engine_exchange(&pair);
        take_updates(pair.sender);
    }
    engine_pair_free(&pair);
    for (unsigned i = 0; i < HELD; i++) {
        fill(i);
        assert_int_equal(held[i].payload.size, 1000 + i * 1000);
        assert_memory_equal(held[i].payload.data, payload, held[i].payload.size);
        amqpc_delivery_release(&held[i]);
    }
}

static void test_in_steady_state_receiving_allocates_nothing(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    engine_pair pair;
    engine_pair_begin_open(&pair, &counting.allocator);
    assert_int_equal(amqpc_session_new(pair.client, &pair.client_session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair.client_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    pair.server_session = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(pair.server_session, NULL), AMQPC_OK);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 200), AMQPC_OK);
    engine_exchange(&pair);
    size_t before = 0;
    fill(1);
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 50; i++) {
            send(pair.sender, 1000);
        }
        engine_exchange(&pair);
        for (unsigned i = 0; i < 50; i++) {
            assert_arrives(pair.receiver, 1000);
        }
        engine_exchange(&pair);
        take_updates(pair.sender);
        if (round == 50) {
            before = counting.allocations;
        }
    }
    assert_int_equal(counting.allocations, before);
    engine_pair_free(&pair);
    assert_int_equal(counting.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_94_input_of_any_cut_is_the_same),
        cmocka_unit_test(test_deliveries_of_many_frames_are_put_together_in_slabs_of_any_size),
        cmocka_unit_test(test_deliveries_of_several_links_are_put_together_side_by_side),
        cmocka_unit_test(test_views_are_not_written_over),
        cmocka_unit_test(test_in_steady_state_receiving_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
