/* Tags of deliveries that come in: short and long ones, near to the payload and far from it. The
 * engine keeps them in different places, and nobody notices (AMQP 2.7.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

enum { LARGE = 150000, STATE_MAX = 400, CREDIT = 10000 };

static const char tag_bytes[AMQPC_DELIVERY_TAG_MAX + 1] = "0123456789abcdefghijklmnopqrstuv";
static const size_t state_sizes[] = {0, 1, 200, 255, STATE_MAX};
static const size_t payload_sizes[] = {0, 8, LARGE};
static uint8_t payload_bytes[LARGE];

static void open_with_credit(engine_pair *pair, bool streaming)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_set_streaming(pair->receiver, streaming), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, CREDIT), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    for (size_t i = 0; i < sizeof payload_bytes; i++) {
        payload_bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
}

/* A state of no known type, with so many bytes in it; `storage` holds it. */
static amqpc_value make_state(size_t size, uint8_t storage[STATE_MAX + 16])
{
    static const uint8_t head[] = {0x00, 0xa3, 1, 's', 0xb0};
    amqpc_value value;
    memset(storage, 's', STATE_MAX + 16);
    memcpy(storage, head, sizeof head);
    storage[5] = 0;
    storage[6] = 0;
    storage[7] = (uint8_t)(size >> 8);
    storage[8] = (uint8_t)size;
    assert_int_equal(amqpc_value_decode(storage, size + 9, NULL, &value, NULL), AMQPC_OK);
    return value;
}

/* Sends one, with a state before its payload where state_size is not 0. */
static void send_one(amqpc_link *link, amqpc_bytes tag, size_t state_size, size_t payload_size)
{
    uint8_t storage[STATE_MAX + 16];
    amqpc_value state;
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.tag = tag;
    options.message_format = payload_size == 8 ? 7 : 0;
    if (state_size > 0) {
        state = make_state(state_size, storage);
        options.state = &state;
    }
    assert_int_equal(
        amqpc_link_send(link, (amqpc_bytes){payload_bytes, payload_size}, &options, NULL),
        AMQPC_OK);
}

static void assert_is(amqpc_bytes tag, amqpc_bytes expected)
{
    assert_int_equal(tag.size, expected.size);
    assert_memory_equal(tag.data, expected.data, expected.size);
}

/* The delivery that was taken is known by its tag until it is settled. */
static void assert_known_by(amqpc_link *link, amqpc_bytes tag, uint64_t number)
{
    amqpc_unsettled unsettled;
    assert_int_equal(amqpc_link_next_unsettled(link, 0, &unsettled), AMQPC_OK);
    assert_int_equal(unsettled.number, number);
    assert_is(unsettled.tag, tag);
}

static void assert_arrives(engine_pair *pair, amqpc_bytes tag, size_t state_size,
                           size_t payload_size)
{
    send_one(pair->sender, tag, state_size, payload_size);
    engine_exchange(pair);
    amqpc_delivery delivery = engine_receive(pair->receiver);
    assert_is(delivery.tag, tag);
    assert_int_equal(delivery.payload.size, payload_size);
    assert_memory_equal(delivery.payload.data, payload_bytes, payload_size);
    assert_int_equal(delivery.state.size, state_size == 0 ? 0 : state_size + 9);
    assert_int_equal(delivery.message_format, payload_size == 8 ? 7 : 0);
    assert_known_by(pair->receiver, tag, delivery.number);
    assert_int_equal(amqpc_link_settle(pair->receiver, delivery.number, delivery.number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    assert_is(delivery.tag, tag); /* it lives as long as the bytes */
    amqpc_delivery_release(&delivery);
    engine_exchange(pair);
    assert_true(engine_update(pair->sender).settled);
}

static void test_a_tag_of_any_size_and_distance_is_the_deliverys(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, false);
    for (size_t size = 1; size <= AMQPC_DELIVERY_TAG_MAX; size++) {
        for (unsigned i = 0; i < sizeof state_sizes / sizeof *state_sizes; i++) {
            for (unsigned j = 0; j < sizeof payload_sizes / sizeof *payload_sizes; j++) {
                assert_arrives(&pair, (amqpc_bytes){tag_bytes, size}, state_sizes[i],
                               payload_sizes[j]);
            }
        }
    }
    engine_pair_free(&pair);
}

static void test_pieces_have_the_tag_of_their_delivery(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, true);
    for (size_t size = 1; size <= AMQPC_DELIVERY_TAG_MAX; size++) {
        amqpc_bytes tag = {tag_bytes, size};
        amqpc_delivery piece = {.more = true};
        size_t received = 0;
        send_one(pair.sender, tag, 0, LARGE);
        while (piece.more) {
            size_t count = 0;
            (void)engine_pump(pair.client, pair.server, 40000);
            assert_int_equal(amqpc_link_receive(pair.receiver, &piece, 1, &count), AMQPC_OK);
            assert_int_equal(count, 1);
            assert_is(piece.tag, tag);
            received += piece.payload.size;
            amqpc_delivery_release(&piece);
        }
        assert_int_equal(received, LARGE);
        assert_known_by(pair.receiver, tag, piece.number);
        assert_int_equal(
            amqpc_link_settle(pair.receiver, piece.number, piece.number, AMQPC_COMPOSITE_ACCEPTED),
            AMQPC_OK);
        engine_exchange(&pair);
    }
    engine_pair_free(&pair);
}

/* The unsettled map names deliveries by their tags, and so does an export. */
static void test_suspended_deliveries_keep_their_tags(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair, false);
    amqpc_delivery deliveries[AMQPC_DELIVERY_TAG_MAX];
    size_t count = 0;
    for (size_t size = 1; size <= AMQPC_DELIVERY_TAG_MAX; size++) {
        send_one(pair.sender, (amqpc_bytes){tag_bytes, size}, 0, 8);
    }
    engine_exchange(&pair);
    /* Half of them are taken. */
    assert_int_equal(
        amqpc_link_receive(pair.receiver, deliveries, AMQPC_DELIVERY_TAG_MAX / 2, &count),
        AMQPC_OK);
    amqpc_deliveries_release(deliveries, count);
    assert_int_equal(amqpc_link_detach(pair.receiver, false, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
    engine_exchange(&pair);
    uint64_t number = 0;
    for (size_t size = 1; size <= AMQPC_DELIVERY_TAG_MAX; size++) {
        amqpc_unsettled unsettled;
        assert_int_equal(amqpc_link_next_unsettled(pair.receiver, number, &unsettled), AMQPC_OK);
        assert_is(unsettled.tag, (amqpc_bytes){tag_bytes, size});
        number = unsettled.number;
    }
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_of_any_size_and_distance_is_the_deliverys),
        cmocka_unit_test(test_pieces_have_the_tag_of_their_delivery),
        cmocka_unit_test(test_suspended_deliveries_keep_their_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
