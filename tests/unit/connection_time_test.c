/* Time: idle time-outs, heartbeats, the time to open, and the memory of what is idle (AMQP 2.4.5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/counting_allocator.h"
#include "support/engine_frames.h"

enum { START = 1000000 };

static engine_frames frames;

static uint64_t tick(amqpc_connection *connection, uint64_t now_ms)
{
    uint64_t deadline_ms = 0;
    assert_int_equal(amqpc_connection_tick(connection, now_ms, &deadline_ms), AMQPC_OK);
    assert_true(deadline_ms > now_ms);
    return deadline_ms;
}

static amqpc_connection_options with_idle(uint32_t idle_timeout_ms)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.idle_timeout_ms = idle_timeout_ms;
    return options;
}

/* The client tolerates `client_ms` of silence, the server `server_ms`; both have ticked. */
static void open_with_idle(engine_pair *pair, uint32_t client_ms, uint32_t server_ms)
{
    amqpc_connection_options client = with_idle(client_ms);
    amqpc_connection_options server = with_idle(server_ms);
    engine_pair_open_with(pair, &client, &server);
    (void)tick(pair->client, START);
    (void)tick(pair->server, START);
}

static void test_pitfall_1_half_is_advertised_and_half_of_that_is_kept(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_idle(&pair, 0, 10000);
    amqpc_open open;
    assert_int_equal(amqpc_connection_remote_open(pair.client, &open), AMQPC_OK);
    assert_int_equal(open.idle_time_out, 5000);
    /* Half of what the peer advertised: an empty frame every 2.5 s. */
    (void)tick(pair.client, START + 1);
    for (unsigned i = 1; i < 20; i++) {
        uint64_t due = START + i * 2500;
        assert_true(tick(pair.client, due - 1) == due);
        engine_take_frames(pair.client, &frames);
        assert_int_equal(frames.count, 0);
        uint64_t deadline = tick(pair.client, due);
        assert_true(deadline <= due + 2500);
        engine_take_frames(pair.client, &frames);
        assert_int_equal(frames.count, 1);
        assert_int_equal(frames.size, AMQPC_FRAME_HEADER_SIZE);
        assert_int_equal(engine_feed(pair.server, frames.bytes, frames.size), AMQPC_OK);
        (void)tick(pair.client, due);
        (void)tick(pair.server, due);
    }
    engine_pair_free(&pair);
}

static void test_an_idle_time_out_of_1_is_advertised_as_1(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_idle(&pair, 1, 0);
    amqpc_open open;
    assert_int_equal(amqpc_connection_remote_open(pair.server, &open), AMQPC_OK);
    assert_int_equal(open.idle_time_out, 1);
    engine_pair_free(&pair);
}

static void test_traffic_stands_for_heartbeats(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_idle(&pair, 0, 10000);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 100), AMQPC_OK);
    engine_exchange(&pair);
    for (unsigned i = 1; i < 20; i++) {
        (void)engine_send(pair.sender, "busy");
        engine_take_frames(pair.client, &frames);
        assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_NONE), 0);
        (void)tick(pair.client, START + i * 2000);
    }
    /* Output that nobody takes is enough: it is the transport that is slow. */
    (void)engine_send(pair.sender, "stuck");
    (void)tick(pair.client, START + 60000);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(frames.count, 1);
    engine_pair_free(&pair);
}

static void test_a_silent_peer_fails_the_connection(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_idle(&pair, 4000, 0);
    (void)tick(pair.client, START + 1);
    uint64_t last = 0;
    for (uint64_t now = START + 1; now < START + 4000; now = tick(pair.client, now)) {
        assert_true(now > last);
        last = now;
    }
    assert_true(last < START + 4000);
    uint64_t deadline_ms = 0;
    assert_int_equal(amqpc_connection_tick(pair.client, START + 4000, &deadline_ms),
                     AMQPC_IDLE_TIMEOUT);
    assert_true(deadline_ms > START + 4000);
    (void)engine_event(pair.client, AMQPC_EVENT_CONNECTION_FAILED);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_OK);
    assert_int_equal(failure.status, AMQPC_IDLE_TIMEOUT);
    engine_take_frames(pair.client, &frames);
    assert_bytes(engine_frame(&frames, AMQPC_COMPOSITE_CLOSE)->as.close.error.condition,
                 "amqp:resource-limit-exceeded");
    (void)tick(pair.client, START + 9000); /* once */
    engine_pair_free(&pair);
}

static void test_input_moves_the_deadline(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_idle(&pair, 4000, 0);
    static const uint8_t empty[] = {0, 0, 0, 8, 2, 0, 0, 0};
    for (unsigned i = 1; i < 10; i++) {
        assert_int_equal(engine_feed(pair.client, empty, sizeof empty), AMQPC_OK);
        (void)tick(pair.client, START + i * 3000);
    }
    engine_pair_free(&pair);
}

/* Row 107. */
static void test_row_107_a_clock_that_goes_back_stands_still(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_idle(&pair, 4000, 4000);
    (void)tick(pair.client, START + 1000);
    (void)tick(pair.client, 5);
    (void)tick(pair.client, 0);
    (void)tick(pair.client, START + 3000);
    engine_take_frames(pair.client, &frames);
    assert_true(frames.count >= 1);
    uint64_t deadline_ms = 0;
    assert_int_equal(amqpc_connection_tick(pair.client, START + 10000000, &deadline_ms),
                     AMQPC_IDLE_TIMEOUT);
    engine_pair_free(&pair);
}

static void test_opens_that_do_not_cross_in_time_fail_the_connection(void **state)
{
    (void)state;
    for (unsigned opened = 0; opened < 2; opened++) {
        engine_pair pair;
        engine_pair_make(&pair, NULL, NULL, NULL);
        if (opened) {
            amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID,
                               .container_id = engine_text("end")};
            assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
        }
        (void)tick(pair.client, START);
        engine_exchange(&pair);
        (void)tick(pair.client, START + 5000);
        assert_true(tick(pair.client, START + 6000) == START + 30000);
        (void)tick(pair.client, START + 29999);
        uint64_t deadline_ms = 0;
        assert_int_equal(amqpc_connection_tick(pair.client, START + 30000, &deadline_ms),
                         AMQPC_HANDSHAKE_TIMEOUT);
        engine_pair_free(&pair);
    }
}

static void test_without_a_handshake_time_out_there_is_no_deadline(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.handshake_timeout_ms = 0;
    engine_pair pair;
    engine_pair_make(&pair, NULL, &options, NULL);
    (void)tick(pair.client, START);
    assert_true(tick(pair.client, START + 5000) == UINT64_MAX);
    engine_pair_free(&pair);
}

/* --- Memory. */

/* Both ends with an allocator of their own. */
static void open_counted(engine_pair *pair, counting_allocator *counting, unsigned sessions,
                         unsigned links)
{
    engine_pair_make(pair, NULL, NULL, NULL);
    amqpc_connection_free(pair->server);
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.role = AMQPC_SERVER;
    assert_int_equal(amqpc_connection_new(&counting->allocator, &options, &pair->server), AMQPC_OK);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_open(pair->client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair->server, &open), AMQPC_OK);
    for (unsigned i = 0; i < sessions; i++) {
        assert_int_equal(amqpc_session_new(pair->client, &pair->client_session), AMQPC_OK);
        assert_int_equal(amqpc_session_begin(pair->client_session, NULL), AMQPC_OK);
        engine_exchange(pair);
        pair->server_session = engine_event(pair->server, AMQPC_EVENT_SESSION_BEGIN).session;
        assert_int_equal(amqpc_session_begin(pair->server_session, NULL), AMQPC_OK);
    }
    for (unsigned i = 0; i < links; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "link %u", i);
        engine_pair_attach_named(pair, name, NULL, NULL, &pair->sender, &pair->receiver);
    }
    engine_exchange(pair);
    engine_events(pair->server);
}

static size_t idle_size(unsigned sessions, unsigned links)
{
    counting_allocator counting;
    counting_allocator_init(&counting);
    engine_pair pair;
    open_counted(&pair, &counting, sessions, links);
    if (links > 0) {
        /* It was busy once. */
        assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 1000), AMQPC_OK);
        engine_exchange(&pair);
        for (unsigned i = 0; i < 500; i++) {
            (void)engine_send(pair.sender, "busy");
        }
        engine_exchange(&pair);
        amqpc_delivery deliveries[500];
        size_t count = 0;
        assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 500, &count), AMQPC_OK);
        assert_int_equal(count, 500);
        assert_int_equal(amqpc_link_settle(pair.receiver, deliveries[0].number,
                                           deliveries[count - 1].number, AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_OK);
        amqpc_deliveries_release(deliveries, count);
        engine_exchange(&pair);
    }
    (void)tick(pair.server, START);
    size_t busy = counting.size;
    (void)tick(pair.server, START + 999);
    assert_int_equal(counting.size, busy);
    (void)tick(pair.server, START + 1000);
    size_t idle = counting.size;
    assert_true(idle < busy);
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_int_equal(statistics.retained_size, 0);
    /* And it goes on as before. */
    if (links > 0) {
        (void)engine_send(pair.sender, "again");
        engine_exchange(&pair);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_bytes(delivery.payload, "again");
        amqpc_delivery_release(&delivery);
    }
    engine_pair_free(&pair);
    assert_int_equal(counting.size, 0);
    return idle;
}

static void test_an_idle_connection_needs_4_kib_and_512_bytes_for_a_session_and_a_link(void **state)
{
    (void)state;
    size_t bare = idle_size(1, 0);
    assert_true(bare <= 4096);
    size_t with_sessions = idle_size(65, 0);
    assert_true((with_sessions - bare) / 64 <= 512);
    size_t with_link = idle_size(1, 1);
    assert_true(with_link <= 4096 + 512);
    size_t with_links = idle_size(1, 129);
    assert_true((with_links - with_link) / 128 <= 512);
}

static void test_deliveries_that_are_held_keep_their_slab_when_memory_is_given_back(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    engine_pair pair;
    open_counted(&pair, &counting, 1, 1);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_send(pair.sender, "taken");
    (void)engine_send(pair.sender, "unread");
    engine_exchange(&pair);
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
    amqpc_connection_trim(pair.server);
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_true(statistics.retained_size > 0);
    assert_bytes(delivery.payload, "taken");
    amqpc_delivery_release(&delivery);
    delivery = engine_receive(pair.receiver);
    assert_bytes(delivery.payload, "unread");
    amqpc_delivery_release(&delivery);
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_int_equal(statistics.retained_size, 0);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pitfall_1_half_is_advertised_and_half_of_that_is_kept),
        cmocka_unit_test(test_an_idle_time_out_of_1_is_advertised_as_1),
        cmocka_unit_test(test_traffic_stands_for_heartbeats),
        cmocka_unit_test(test_a_silent_peer_fails_the_connection),
        cmocka_unit_test(test_input_moves_the_deadline),
        cmocka_unit_test(test_row_107_a_clock_that_goes_back_stands_still),
        cmocka_unit_test(test_opens_that_do_not_cross_in_time_fail_the_connection),
        cmocka_unit_test(test_without_a_handshake_time_out_there_is_no_deadline),
        cmocka_unit_test(
            test_an_idle_connection_needs_4_kib_and_512_bytes_for_a_session_and_a_link),
        cmocka_unit_test(test_deliveries_that_are_held_keep_their_slab_when_memory_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
