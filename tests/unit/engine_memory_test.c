/* Row 101 for the engine: whichever allocation fails, the call says so, things are as before, and
 * the call can be made again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"
#include "support/failing_allocator.h"

enum { LARGE = 90000 };

static uint8_t payload[LARGE];

/* Makes a call until it does not lack memory, as an application would: one allocation fails. */
#define RETRY(call)                                                                                \
    do {                                                                                           \
        amqpc_status retried = (call);                                                             \
        if (retried == AMQPC_NO_MEMORY) {                                                          \
            retried = (call);                                                                      \
        }                                                                                          \
        assert_int_equal(retried, AMQPC_OK);                                                       \
    } while (false)

static amqpc_connection *make(const amqpc_allocator *allocator, uint32_t role)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.role = role;
    options.trace_size = 1024;
    amqpc_connection *made = NULL;
    RETRY(amqpc_connection_new(allocator, &options, &made));
    return made;
}

/* Gives the bytes to an end, which may lack memory in mid-input. */
static void feed(amqpc_connection *to, const void *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    while (size > 0) {
        void *place = NULL;
        size_t capacity = 0;
        RETRY(amqpc_connection_input_buffer(to, &place, &capacity));
        size_t moved = size < capacity ? size : capacity;
        /* cppcheck-suppress nullPointer ; the call above has set it */
        memcpy(place, bytes, moved);
        amqpc_status status = amqpc_connection_input(to, moved);
        if (status == AMQPC_NO_MEMORY) {
            status = amqpc_connection_input(to, 0); /* goes on where it stopped */
        }
        assert_int_equal(status, AMQPC_OK);
        bytes += moved;
        size -= moved;
    }
}

static bool move(amqpc_connection *from, amqpc_connection *to)
{
    amqpc_bytes vector;
    size_t count = 0;
    RETRY(amqpc_connection_output(from, &vector, 1, &count));
    if (count > 0) {
        feed(to, vector.data, vector.size);
        amqpc_connection_output_done(from, vector.size);
    }
    return count > 0;
}

static void exchange(const engine_pair *pair)
{
    bool moved = true;
    while (moved) {
        moved = move(pair->client, pair->server);
        moved = move(pair->server, pair->client) || moved;
    }
}

static void open_both(engine_pair *pair, const amqpc_allocator *allocator)
{
    *pair = (engine_pair){0};
    pair->client = make(allocator, AMQPC_CLIENT);
    pair->server = make(allocator, AMQPC_SERVER);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    RETRY(amqpc_connection_open(pair->client, &open));
    RETRY(amqpc_connection_open(pair->server, &open));
    RETRY(amqpc_session_new(pair->client, &pair->client_session));
    RETRY(amqpc_session_begin(pair->client_session, NULL));
    exchange(pair);
    pair->server_session = engine_event(pair->server, AMQPC_EVENT_SESSION_BEGIN).session;
    RETRY(amqpc_session_begin(pair->server_session, NULL));
    exchange(pair);
}

static void attach_both(engine_pair *pair)
{
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("from")};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = engine_text("to")};
    RETRY(amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER, engine_text("link"),
                         &pair->sender));
    RETRY(amqpc_link_attach(pair->sender, NULL, &source, &target));
    exchange(pair);
    pair->receiver = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    RETRY(amqpc_link_attach(pair->receiver, NULL, NULL, NULL));
    assert_int_equal(amqpc_link_set_prefetch(pair->receiver, 100), AMQPC_OK);
    exchange(pair);
}

/* Takes what has arrived, settles it by one of the ways, and reads the outcomes. */
static size_t settle_all(engine_pair *pair, unsigned way)
{
    amqpc_delivery deliveries[16];
    amqpc_update updates[16];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair->receiver, deliveries, 16, &count), AMQPC_OK);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("app:no")};
    amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED, .delivery_failed = true};
    for (size_t i = 0; i < count; i++) {
        uint64_t number = deliveries[i].number;
        switch ((i + way) % 3) {
        case 0:
            RETRY(amqpc_link_settle(pair->receiver, number, number, AMQPC_COMPOSITE_ACCEPTED));
            break;
        case 1:
            RETRY(amqpc_link_reject(pair->receiver, number, number, &error));
            break;
        default:
            RETRY(amqpc_link_modify(pair->receiver, number, number, &modified));
            break;
        }
    }
    amqpc_deliveries_release(deliveries, count);
    exchange(pair);
    size_t outcomes = 0;
    assert_int_equal(amqpc_link_updates(pair->sender, updates, 16, &outcomes), AMQPC_OK);
    assert_int_equal(outcomes, count);
    for (size_t i = 0; i < outcomes; i++) {
        assert_true(updates[i].settled);
        assert_false(updates[i].unknown);
    }
    assert_int_equal(amqpc_link_unsettled_count(pair->sender), 0);
    assert_int_equal(amqpc_link_unsettled_count(pair->receiver), 0);
    return count;
}

static void close_both(engine_pair *pair)
{
    RETRY(amqpc_connection_close(pair->client, NULL));
    exchange(pair);
    RETRY(amqpc_connection_close(pair->server, NULL));
    exchange(pair);
    assert_true(amqpc_connection_is_finished(pair->client));
    assert_true(amqpc_connection_is_finished(pair->server));
    engine_pair_free(pair);
}

static void send_receive_settle(const amqpc_allocator *allocator)
{
    engine_pair pair;
    open_both(&pair, allocator);
    attach_both(&pair);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    for (unsigned i = 0; i < 6; i++) {
        options.by_reference = i & 1;
        options.tag = i & 2 ? engine_text("a tag") : (amqpc_bytes){NULL, 0};
        RETRY(amqpc_link_send(pair.sender, (amqpc_bytes){payload, i < 3 ? 10 : LARGE}, &options,
                              NULL));
    }
    exchange(&pair);
    assert_int_equal(settle_all(&pair, 0), 6);
    close_both(&pair);
}

static void stream_and_encode_in_place(const amqpc_allocator *allocator)
{
    engine_pair pair;
    open_both(&pair, allocator);
    attach_both(&pair);
    RETRY(amqpc_link_send_start(pair.sender, NULL, NULL));
    RETRY(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){payload, LARGE}));
    RETRY(amqpc_link_send_chunk(pair.sender, (amqpc_bytes){payload, 100}));
    RETRY(amqpc_link_send_finish(pair.sender));
    void *place = NULL;
    RETRY(amqpc_link_reserve(pair.sender, 1000, NULL, &place));
    /* cppcheck-suppress nullPointer ; the call above has set it */
    memcpy(place, "x", 1);
    if (amqpc_link_commit(pair.sender, 1, NULL, NULL) == AMQPC_NO_MEMORY) {
        RETRY(amqpc_link_reserve(pair.sender, 1000, NULL, &place));
        memcpy(place, "x", 1);
        assert_int_equal(amqpc_link_commit(pair.sender, 1, NULL, NULL), AMQPC_OK);
    }
    RETRY(amqpc_link_send_start(pair.sender, NULL, NULL));
    RETRY(amqpc_link_send_abort(pair.sender));
    exchange(&pair);
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_int_equal(statistics.deliveries_received, 2);
    assert_int_equal(settle_all(&pair, 1), 2);
    close_both(&pair);
}

static void detach_and_end(const amqpc_allocator *allocator)
{
    engine_pair pair;
    open_both(&pair, allocator);
    attach_both(&pair);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("app:no")};
    RETRY(amqpc_link_send_flow(pair.receiver, true, NULL));
    exchange(&pair);
    RETRY(amqpc_link_detach(pair.sender, true, &error));
    exchange(&pair);
    RETRY(amqpc_link_detach(pair.receiver, true, NULL));
    exchange(&pair);
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACHED);
    assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_DETACHED);
    amqpc_error got;
    assert_int_equal(amqpc_link_error(pair.receiver, &got), AMQPC_OK);
    RETRY(amqpc_session_end(pair.server_session, &error));
    exchange(&pair);
    assert_int_equal(amqpc_session_error(pair.client_session, &got), AMQPC_OK);
    RETRY(amqpc_session_end(pair.client_session, NULL));
    exchange(&pair);
    assert_int_equal(amqpc_session_get_state(pair.server_session), AMQPC_SESSION_UNMAPPED);
    close_both(&pair);
}

static void test_row_101_sending_receiving_and_settling(void **state)
{
    (void)state;
    assert_survives_failing_allocations(send_receive_settle);
}

static void test_row_101_pieces_and_encoding_in_place(void **state)
{
    (void)state;
    assert_survives_failing_allocations(stream_and_encode_in_place);
}

static void test_row_101_detaching_and_ending(void **state)
{
    (void)state;
    assert_survives_failing_allocations(detach_and_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_101_sending_receiving_and_settling),
        cmocka_unit_test(test_row_101_pieces_and_encoding_in_place),
        cmocka_unit_test(test_row_101_detaching_and_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
