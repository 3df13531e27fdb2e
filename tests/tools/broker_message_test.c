/* The store of messages, the look at their sections, and statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker/allocation.h"
#include "tools/broker/message_glance.h"
#include "tools/broker_fixture.h"

/* --- The store. */

static void test_blocks_have_room_and_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static broker_message *messages[COUNT];
    message_store store;
    message_store_init(&store, &allocation_malloc, 1 << 30);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i * i % 50000;
        messages[i] = message_store_take(&store, size);
        assert_non_null(messages[i]);
        assert_int_equal(messages[i]->payload_size, size);
        assert_true(messages[i]->block_size >= sizeof(broker_message) + size);
        assert_true(size < 200 ||
                    messages[i]->block_size <= (sizeof(broker_message) + size) * 5 / 4);
        memset(messages[i]->payload, (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < messages[i]->payload_size; j++) {
            assert_int_equal(messages[i]->payload[j], i & 0xff);
        }
        message_store_give_back(&store, messages[i]);
    }
    assert_int_equal(store.used_size, 0);
    message_store_clean_up(&store);
}

static void test_in_steady_state_no_memory_is_taken(void **state)
{
    (void)state;
    message_store store;
    message_store_init(&store, &allocation_malloc, 1 << 30);
    broker_message *kept = message_store_take(&store, 252);
    uint64_t held = store.held_size;
    for (unsigned i = 0; i < 100000; i++) {
        broker_message *message = message_store_take(&store, 252);
        assert_non_null(message);
        message_store_give_back(&store, message);
    }
    assert_int_equal(store.held_size, held);
    message_store_give_back(&store, kept);
    message_store_clean_up(&store);
}

static void test_what_is_not_used_is_given_back(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static broker_message *messages[COUNT];
    message_store store;
    message_store_init(&store, &allocation_malloc, 1000);
    for (size_t i = 0; i < COUNT; i++) {
        messages[i] = message_store_take(&store, 252);
        assert_non_null(messages[i]);
    }
    assert_true(message_store_is_full(&store));
    assert_true(store.held_size > 4 * MESSAGE_CHUNK_SIZE);
    for (size_t i = 0; i < COUNT; i++) {
        message_store_give_back(&store, messages[i]);
    }
    assert_int_equal(store.held_size, MESSAGE_CHUNK_SIZE);
    message_store_clean_up(&store);
}

/* --- The look. */

static size_t encode(const amqpc_message *message, uint8_t *data, size_t capacity)
{
    size_t size = 0;
    assert_int_equal(amqpc_message_encode(message, 0, data, capacity, &size), AMQPC_OK);
    return size;
}

static amqpc_message full_message(void)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_HEADER | AMQPC_SECTION_PROPERTIES | AMQPC_SECTION_BODY;
    message.header.present = AMQPC_HEADER_TTL;
    message.header.ttl = 77;
    message.properties.present = AMQPC_PROPERTIES_TO | AMQPC_PROPERTIES_ABSOLUTE_EXPIRY_TIME;
    message.properties.to = fixture_bytes("q");
    message.properties.absolute_expiry_time = 5;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_NULL;
    return message;
}

static void test_a_glance_sees_what_decoding_sees_and_survives_every_cut(void **state)
{
    (void)state;
    uint8_t data[256];
    message_glance glance;
    amqpc_header header;
    amqpc_message message = full_message();
    size_t size = encode(&message, data, sizeof data);
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *copy = (uint8_t *)malloc(cut + 1); /* of its own size, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, data, cut);
        message_glance_at((amqpc_bytes){copy, cut}, &glance);
        (void)message_header((amqpc_bytes){copy, cut}, glance.header_size, &header);
        free(copy);
    }
    message_glance_at((amqpc_bytes){data, size}, &glance);
    assert_true(glance.header_size > 0);
    assert_true(message_header((amqpc_bytes){data, size}, glance.header_size, &header));
    assert_int_equal(header.ttl, 77);
    assert_int_equal(glance.absolute_expiry, 5);
}

static void test_a_section_may_be_written_with_another_descriptor(void **state)
{
    (void)state;
    /* header by its symbol, and by a ulong of eight bytes; ttl 77 */
    static const uint8_t by_symbol[] = "\0\xa3\x10"
                                       "amqp:header:list"
                                       "\xc0\x05\x03\x40\x40\x52\x4d";
    static const uint8_t by_ulong[] = "\0\x80\0\0\0\0\0\0\0\x70"
                                      "\xc0\x05\x03\x40\x40\x52\x4d";
    const amqpc_bytes texts[] = {{by_symbol, sizeof by_symbol - 1},
                                 {by_ulong, sizeof by_ulong - 1}};
    for (unsigned i = 0; i < 2; i++) {
        message_glance glance;
        amqpc_header header;
        message_glance_at(texts[i], &glance);
        assert_int_equal(glance.header_size, texts[i].size);
        assert_true(message_header(texts[i], glance.header_size, &header));
        assert_int_equal(header.ttl, 77);
    }
}

/* Every header of up to two bytes of fields counts as one exactly where it decodes. */
static void test_short_headers_are_judged_as_decoding_judges_them(void **state)
{
    (void)state;
    for (uint32_t fields = 0; fields < 1u << 16; fields++) {
        for (uint8_t size = 1; size <= 3; size++) {
            for (uint8_t count = 0; count <= 3; count++) {
                const uint8_t data[] = {0,
                                        0x53,
                                        0x70,
                                        0xc0,
                                        (uint8_t)(size + 1),
                                        count,
                                        (uint8_t)(fields >> 8),
                                        (uint8_t)fields,
                                        7};
                const amqpc_bytes bytes = {data, (size_t)6 + size};
                amqpc_header expected;
                amqpc_header header;
                bool good =
                    amqpc_header_decode(data, bytes.size, NULL, &expected, NULL) == AMQPC_OK;
                assert_true(message_header(bytes, (uint32_t)bytes.size, &header) == good);
                assert_true(!good || header.delivery_count == expected.delivery_count);
                assert_true(!good || (header.present & AMQPC_HEADER_TTL) ==
                                         (expected.present & AMQPC_HEADER_TTL));
            }
        }
    }
}

static void test_bytes_that_are_no_message_have_no_sections(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x", "\0Sp", "\0Sp\xc0\xff", "\0Sp\xd0\xff\xff\xff\xff", "\0\xa3\x04ling\x40", "\0\0\0\0"};
    static const size_t sizes[] = {1, 3, 5, 8, 8, 4};
    message_glance glance;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        message_glance_at((amqpc_bytes){texts[i], sizes[i]}, &glance);
        assert_int_equal(glance.header_size, 0);
        assert_int_equal(glance.absolute_expiry, 0);
    }
}

/* --- Statistics. */

static void test_statistics_are_lines_or_one_line_of_json(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_buffer *buffer = NULL;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *first = fixture_sender(&fixture, peer, "a", "first", NULL);
    (void)fixture_sender(&fixture, peer, "b", "say \"hi\"", NULL);
    fixture_send(&fixture, first, "text");
    for (unsigned json = 0; json < 2; json++) {
        assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), AMQPC_OK);
        assert_int_equal(statistics_print(fixture.broker, json == 1, buffer), AMQPC_OK);
        assert_int_equal(amqpc_buffer_append(buffer, "", 1), AMQPC_OK);
        const char *text = (const char *)amqpc_buffer_data(buffer);
        assert_non_null(
            strstr(text, json == 1 ? "\"messages\": {\"received\": 1," : "received=1 "));
        assert_non_null(strstr(text, json == 1 ? "{\"name\": \"say \\\"hi\\\"\", \"messages\": 0"
                                               : "queue \"first\": messages=1 "));
        assert_int_equal(strchr(text, '\n') == text + strlen(text) - 1, json == 1);
        amqpc_buffer_free(buffer);
    }
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_have_room_and_do_not_overlap),
        cmocka_unit_test(test_in_steady_state_no_memory_is_taken),
        cmocka_unit_test(test_what_is_not_used_is_given_back),
        cmocka_unit_test(test_a_glance_sees_what_decoding_sees_and_survives_every_cut),
        cmocka_unit_test(test_short_headers_are_judged_as_decoding_judges_them),
        cmocka_unit_test(test_a_section_may_be_written_with_another_descriptor),
        cmocka_unit_test(test_bytes_that_are_no_message_have_no_sections),
        cmocka_unit_test(test_statistics_are_lines_or_one_line_of_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
