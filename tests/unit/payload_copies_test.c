/* How often the engine copies a payload: once where it is sent, not at all where it is lent or
 * written in place, and not at all where it is received in one frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

enum { PAYLOAD_SIZE = 10000, VECTORS = 64, BATCH = 8 };

static uint8_t payload_bytes[PAYLOAD_SIZE];
static const amqpc_bytes payload = {payload_bytes, PAYLOAD_SIZE};

static void open_with_credit(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 100), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    for (size_t i = 0; i < sizeof payload_bytes; i++) {
        payload_bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
}

static bool is_within(const void *data, size_t size, const void *memory, size_t memory_size)
{
    uintptr_t offset = (uintptr_t)data - (uintptr_t)memory;
    return offset <= memory_size && size <= memory_size - offset;
}

/* What waits to be sent, as it lies in memory. */
typedef struct waiting {
    amqpc_bytes vectors[VECTORS];
    size_t count;
    size_t size;
} waiting;

static waiting output_of(amqpc_connection *connection)
{
    waiting output;
    assert_int_equal(amqpc_connection_output(connection, output.vectors, VECTORS, &output.count),
                     AMQPC_OK);
    output.size = 0;
    for (size_t i = 0; i < output.count; i++) {
        output.size += output.vectors[i].size;
    }
    return output;
}

/* The bytes of the vectors that lie in the memory. */
static size_t size_within(const waiting *output, const void *memory, size_t memory_size)
{
    size_t size = 0;
    for (size_t i = 0; i < output->count; i++) {
        const amqpc_bytes *vector = &output->vectors[i];
        size += is_within(vector->data, vector->size, memory, memory_size) ? vector->size : 0;
    }
    return size;
}

/* How often the vectors have the payload in one piece. */
static unsigned count_payloads(const waiting *output)
{
    unsigned count = 0;
    for (size_t i = 0; i < output->count; i++) {
        const uint8_t *data = (const uint8_t *)output->vectors[i].data;
        for (size_t at = 0; at + PAYLOAD_SIZE <= output->vectors[i].size; at++) {
            count += memcmp(data + at, payload_bytes, PAYLOAD_SIZE) == 0;
        }
    }
    return count;
}

/* --- Sending. */

static void test_a_payload_that_is_sent_is_copied_once(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    for (unsigned settled = 0; settled < 2; settled++) {
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.settled = settled;
        assert_int_equal(amqpc_link_send(pair.sender, payload, &options, NULL), AMQPC_OK);
        waiting output = output_of(pair.client);
        assert_int_equal(output.count, 1); /* behind its performative: the frame is one piece */
        assert_int_equal(count_payloads(&output), 1);
        assert_int_equal(size_within(&output, payload_bytes, PAYLOAD_SIZE), 0);
        assert_in_range(output.size, PAYLOAD_SIZE, PAYLOAD_SIZE + 64);
        engine_exchange(&pair);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        amqpc_delivery_release(&delivery);
    }
    engine_pair_free(&pair);
}

static void test_a_payload_that_is_lent_is_sent_from_where_it_lies(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = true;
    assert_int_equal(amqpc_link_send(pair.sender, payload, &options, NULL), AMQPC_OK);
    waiting output = output_of(pair.client);
    assert_int_equal(size_within(&output, payload_bytes, PAYLOAD_SIZE), PAYLOAD_SIZE);
    assert_in_range(output.size, PAYLOAD_SIZE, PAYLOAD_SIZE + 64); /* and nothing beside it */
    engine_pair_free(&pair);
}

static void test_what_is_written_in_place_is_sent_from_there(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    void *place = NULL;
    assert_int_equal(amqpc_link_reserve(pair.sender, PAYLOAD_SIZE, NULL, &place), AMQPC_OK);
    memcpy(place, payload_bytes, PAYLOAD_SIZE);
    assert_int_equal(amqpc_link_commit(pair.sender, PAYLOAD_SIZE, NULL, NULL), AMQPC_OK);
    waiting output = output_of(pair.client);
    assert_int_equal(output.count, 1);
    assert_true(is_within(place, PAYLOAD_SIZE, output.vectors[0].data, output.vectors[0].size));
    assert_int_equal(count_payloads(&output), 1);
    assert_in_range(output.size, PAYLOAD_SIZE, PAYLOAD_SIZE + 64);
    engine_pair_free(&pair);
}

/* --- Receiving. */

static void test_what_arrives_in_one_frame_is_read_where_it_arrived(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    for (unsigned i = 0; i < BATCH; i++) {
        assert_int_equal(amqpc_link_send(pair.sender, payload, NULL, NULL), AMQPC_OK);
    }
    static uint8_t bytes[BATCH * (PAYLOAD_SIZE + 64)];
    size_t size = engine_take_output(pair.client, bytes, sizeof bytes);
    void *buffer = NULL;
    size_t capacity = 0;
    assert_int_equal(amqpc_connection_input_buffer(pair.server, &buffer, &capacity), AMQPC_OK);
    assert_true(capacity >= size);
    memcpy(buffer, bytes, size);
    assert_int_equal(amqpc_connection_input(pair.server, size), AMQPC_OK);
    amqpc_delivery deliveries[BATCH];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, BATCH, &count), AMQPC_OK);
    assert_int_equal(count, BATCH);
    for (unsigned i = 0; i < BATCH; i++) {
        const amqpc_delivery *delivery = &deliveries[i];
        assert_true(is_within(delivery->payload.data, PAYLOAD_SIZE, buffer, size));
        assert_true(is_within(delivery->tag.data, delivery->tag.size, buffer, size));
        assert_memory_equal(delivery->payload.data, payload_bytes, PAYLOAD_SIZE);
    }
    amqpc_deliveries_release(deliveries, count);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_payload_that_is_sent_is_copied_once),
        cmocka_unit_test(test_a_payload_that_is_lent_is_sent_from_where_it_lies),
        cmocka_unit_test(test_what_is_written_in_place_is_sent_from_there),
        cmocka_unit_test(test_what_arrives_in_one_frame_is_read_where_it_arrived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
