/* The points of pitfalls.md that are about encodings: 12 to 17, and 21. Each by its number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

/* A value that is written as it was read. */
static void assert_unchanged(const uint8_t *bytes, size_t size, amqpc_value *value)
{
    uint8_t written[64];
    size_t offset = 0;
    amqpc_writer *writer = NULL;
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, value, &offset), AMQPC_OK);
    assert_int_equal(offset, size);
    assert_int_equal(amqpc_writer_new(NULL, &writer), AMQPC_OK);
    amqpc_writer_set_fixed(writer, written, sizeof written);
    assert_int_equal(amqpc_writer_value(writer, value), AMQPC_OK);
    assert_int_equal(amqpc_writer_size(writer), size);
    assert_memory_equal(written, bytes, size);
    amqpc_writer_free(writer);
}

/* open with a container-id "", nulls, and offered-capabilities as these bytes. */
static amqpc_status decode_capabilities(const uint8_t *field, size_t size, amqpc_open *open)
{
    static uint8_t bytes[256];
    const uint8_t head[] = {0, 0x53, 0x10, 0xc0, 0, 8, 0xa1, 0, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40};
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, field, size);
    bytes[4] = (uint8_t)(sizeof head - 5 + size);
    return amqpc_open_decode(bytes, sizeof head + size, NULL, open, NULL);
}

static void test_pitfall_12_a_multiple_field_may_be_null_one_value_an_array_or_empty(void **state)
{
    (void)state;
    static const uint8_t null[] = {0x40};
    static const uint8_t one[] = {0xa3, 1, 'a'};
    static const uint8_t two[] = {0xe0, 6, 2, 0xa3, 1, 'a', 1, 'b'};
    static const uint8_t array_of_one[] = {0xf0, 0, 0, 0, 10, 0, 0, 0, 1, 0xb3, 0, 0, 0, 1, 'a'};
    static const uint8_t empty[] = {0xe0, 2, 0, 0xa3};
    static const struct {
        const uint8_t *bytes;
        size_t size;
        uint32_t count;
    } forms[] = {{null, sizeof null, 0},
                 {one, sizeof one, 1},
                 {two, sizeof two, 2},
                 {array_of_one, sizeof array_of_one, 1},
                 {empty, sizeof empty, 0}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        amqpc_open open;
        amqpc_bytes symbol;
        assert_int_equal(decode_capabilities(forms[i].bytes, forms[i].size, &open), AMQPC_OK);
        assert_int_equal(open.offered_capabilities.count, forms[i].count);
        for (uint32_t j = 0; j < forms[i].count; j++) {
            assert_int_equal(amqpc_symbols_get(&open.offered_capabilities, j, &symbol), AMQPC_OK);
            assert_bytes(symbol, j == 0 ? "a" : "b");
        }
        assert_int_equal(amqpc_symbols_get(&open.offered_capabilities, forms[i].count, &symbol),
                         AMQPC_NOT_FOUND);
    }
}

static void test_pitfall_13_several_values_are_an_array_and_never_a_list(void **state)
{
    (void)state;
    static const uint8_t list[] = {0xc0, 7, 2, 0xa3, 1, 'a', 0xa3, 1, 'b'};
    static const uint8_t array[] = {0xe0, 6, 2, 0xa3, 1, 'a', 1, 'b'};
    amqpc_open open;
    assert_int_equal(decode_capabilities(list, sizeof list, &open), AMQPC_WRONG_TYPE);
    const amqpc_bytes names[] = {engine_text("a"), engine_text("b")};
    const amqpc_open out = {
        .present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_OFFERED_CAPABILITIES,
        .container_id = {"", 0},
        .offered_capabilities = {.count = 2, .items = names},
    };
    uint8_t bytes[64];
    size_t size = 0;
    assert_int_equal(amqpc_open_encode(&out, bytes, sizeof bytes, &size), AMQPC_OK);
    assert_memory_equal(bytes + size - sizeof array, array, sizeof array);
}

static void test_pitfall_14_elements_of_no_size_are_legal_and_limited(void **state)
{
    (void)state;
    static const uint8_t codes[] = {0x40, 0x41, 0x42, 0x43, 0x44, 0x45};
    for (size_t i = 0; i < sizeof codes; i++) {
        const uint8_t few[] = {0xe0, 2, 200, codes[i]};
        const uint8_t bomb[] = {0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, codes[i]};
        amqpc_value value;
        assert_unchanged(few, sizeof few, &value);
        assert_int_equal(value.count, 200);
        amqpc_items items;
        amqpc_value elements[201];
        size_t count = 0;
        assert_int_equal(amqpc_items_init(&value, &items), AMQPC_OK);
        assert_int_equal(amqpc_items_next(&items, elements, 201, &count), AMQPC_OK);
        assert_int_equal(count, 200);
        assert_int_equal(elements[199].type, amqpc_code_type(codes[i]));
        assert_string_equal(
            amqpc_status_condition(amqpc_value_decode(bomb, sizeof bomb, NULL, &value, NULL)),
            "amqp:resource-limit-exceeded");
    }
}

static void test_pitfall_15_an_array_of_described_values_has_one_constructor(void **state)
{
    (void)state;
    /* Two described by smallulong 5, of ubyte; and none. */
    static const uint8_t two[] = {0xe0, 7, 2, 0, 0x53, 5, 0x50, 1, 2};
    static const uint8_t none[] = {0xe0, 5, 0, 0, 0x53, 5, 0x50};
    static const uint8_t bare[] = {0xe0, 1, 0};
    static const uint8_t each[] = {0xe0, 11, 2, 0, 0x53, 5, 0x50, 1, 0, 0x53, 5, 0x50, 2};
    amqpc_value value;
    amqpc_items items;
    amqpc_value elements[3];
    size_t count = 0;
    assert_unchanged(two, sizeof two, &value);
    assert_int_equal(amqpc_items_init(&value, &items), AMQPC_OK);
    assert_int_equal(items.descriptor.size, 3);
    assert_int_equal(items.array_code, AMQPC_CODE_UBYTE);
    assert_int_equal(amqpc_items_next(&items, elements, 3, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(elements[1].as.u64, 2);
    assert_unchanged(none, sizeof none, &value);
    assert_int_equal(value.count, 0);
    assert_int_not_equal(amqpc_value_decode(bare, sizeof bare, NULL, &value, NULL), AMQPC_OK);
    assert_int_not_equal(amqpc_value_decode(each, sizeof each, NULL, &value, NULL), AMQPC_OK);
}

static void test_pitfall_16_descriptors_are_numbers_of_any_width_or_whole_symbols(void **state)
{
    (void)state;
    static const uint8_t small[] = {0, 0x53, 0x24, 0x45};
    static const uint8_t wide[] = {0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x24, 0x45};
    static const char *const symbols[] = {"amqp:accepted:list",
                                          "amqp:accepted",
                                          "amqp:accepted:listx",
                                          "amqp:accepted:lis",
                                          "",
                                          "amqp"};
    amqpc_accepted accepted;
    amqpc_value value;
    assert_int_equal(amqpc_accepted_decode(small, sizeof small, NULL, &accepted, NULL), AMQPC_OK);
    assert_int_equal(amqpc_accepted_decode(wide, sizeof wide, NULL, &accepted, NULL), AMQPC_OK);
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        for (unsigned wide_symbol = 0; wide_symbol < 2; wide_symbol++) {
            uint8_t bytes[64] = {0, wide_symbol ? 0xb3 : 0xa3};
            size_t at = wide_symbol ? 6 : 3;
            bytes[at - 1] = (uint8_t)strlen(symbols[i]);
            memcpy(bytes + at, symbols[i], strlen(symbols[i]));
            at += strlen(symbols[i]);
            bytes[at++] = 0x45;
            assert_int_equal(amqpc_accepted_decode(bytes, at, NULL, &accepted, NULL),
                             i == 0 ? AMQPC_OK : AMQPC_UNKNOWN_DESCRIPTOR);
            assert_int_equal(amqpc_value_decode(bytes, at, NULL, &value, NULL), AMQPC_OK);
            assert_int_equal(amqpc_value_composite(&value),
                             i == 0 ? AMQPC_COMPOSITE_ACCEPTED : AMQPC_COMPOSITE_NONE);
        }
    }
    /* ulong0 is a number as well: that of no composite. */
    static const uint8_t zero[] = {0, 0x44, 0x45};
    assert_int_equal(amqpc_accepted_decode(zero, sizeof zero, NULL, &accepted, NULL),
                     AMQPC_UNKNOWN_DESCRIPTOR);
    assert_int_equal(amqpc_value_decode(zero, sizeof zero, NULL, &value, NULL), AMQPC_OK);
}

static void test_pitfall_17_missing_null_and_default_mean_the_same(void **state)
{
    (void)state;
    /* detach with handle 7: closed is absent, null, and false by both codes. */
    static const uint8_t forms[][10] = {
        {0, 0x53, 0x16, 0xc0, 3, 1, 0x52, 7},
        {0, 0x53, 0x16, 0xc0, 4, 2, 0x52, 7, 0x40},
        {0, 0x53, 0x16, 0xc0, 4, 2, 0x52, 7, 0x42},
        {0, 0x53, 0x16, 0xc0, 5, 2, 0x52, 7, 0x56, 0},
    };
    static const size_t sizes[] = {8, 9, 9, 10};
    for (size_t i = 0; i < 4; i++) {
        amqpc_detach detach;
        assert_int_equal(amqpc_detach_decode(forms[i], sizes[i], NULL, &detach, NULL), AMQPC_OK);
        assert_int_equal(detach.handle, 7);
        assert_false(detach.closed);
    }
    /* Null in the middle: a flow of the session, with echo behind six nulls. */
    static const uint8_t flow_bytes[] = {0, 0x53, 0x13, 0xc0, 14,   10,   0x40, 0x52, 1,   0x52,
                                         2, 0x52, 3,    0x40, 0x40, 0x40, 0x40, 0x40, 0x41};
    amqpc_flow flow;
    assert_int_equal(amqpc_flow_decode(flow_bytes, sizeof flow_bytes, NULL, &flow, NULL), AMQPC_OK);
    assert_true(flow.echo);
    assert_false(flow.drain);
    assert_int_equal(flow.outgoing_window, 3);
    assert_false(flow.present & AMQPC_FLOW_NEXT_INCOMING_ID);
}

/* A list8's size counts its count byte: so 254 bytes of elements are the most. */
static void test_pitfall_17_the_forms_change_over_at_255_bytes_with_the_count(void **state)
{
    (void)state;
    static char text[300];
    memset(text, 't', sizeof text);
    for (size_t length = 240; length < 260; length++) {
        const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID,
                                 .container_id = {text, length}};
        uint8_t bytes[400];
        size_t size = 0;
        amqpc_open read;
        assert_int_equal(amqpc_open_encode(&open, bytes, sizeof bytes, &size), AMQPC_OK);
        size_t content = (length > 255 ? 5u : 2u) + length;
        assert_int_equal(bytes[3], content + 1 <= 255 ? AMQPC_CODE_LIST8 : AMQPC_CODE_LIST32);
        assert_int_equal(size, 3 + (content + 1 <= 255 ? 3u : 9u) + content);
        assert_int_equal(amqpc_open_decode(bytes, size, NULL, &read, NULL), AMQPC_OK);
        assert_int_equal(read.container_id.size, length);
    }
}

static void test_pitfall_21_chars_floats_and_decimals_pass_unchanged(void **state)
{
    (void)state;
    static const uint8_t values[][18] = {
        {0x73, 0, 0x10, 0xff, 0xff},                /* U+10FFFF */
        {0x73, 0, 0, 0, 'A'},                       /* 32 bits, whatever the character */
        {0x72, 0x7f, 0xc0, 0x12, 0x34},             /* a NaN with a payload */
        {0x72, 0x7f, 0x80, 0, 1},                   /* a signalling one */
        {0x72, 0x80, 0, 0, 0},                      /* -0.0 */
        {0x82, 0xff, 0xf8, 0, 0, 0, 0, 0x12, 0x34}, /* a negative NaN */
        {0x82, 0x7f, 0xf0, 0, 0, 0, 0, 0, 1},       /* a signalling one */
        {0x82, 0x80, 0, 0, 0, 0, 0, 0, 0},          /* -0.0 */
        {0x74, 0xf8, 1, 2, 3},                      /* decimals, not canonical ones */
        {0x84, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1},
        {0x94, 0x7e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff},
    };
    static const size_t sizes[] = {5, 5, 5, 5, 5, 9, 9, 9, 5, 9, 17};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        amqpc_value value;
        assert_unchanged(values[i], sizes[i], &value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pitfall_12_a_multiple_field_may_be_null_one_value_an_array_or_empty),
        cmocka_unit_test(test_pitfall_13_several_values_are_an_array_and_never_a_list),
        cmocka_unit_test(test_pitfall_14_elements_of_no_size_are_legal_and_limited),
        cmocka_unit_test(test_pitfall_15_an_array_of_described_values_has_one_constructor),
        cmocka_unit_test(test_pitfall_16_descriptors_are_numbers_of_any_width_or_whole_symbols),
        cmocka_unit_test(test_pitfall_17_missing_null_and_default_mean_the_same),
        cmocka_unit_test(test_pitfall_17_the_forms_change_over_at_255_bytes_with_the_count),
        cmocka_unit_test(test_pitfall_21_chars_floats_and_decimals_pass_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
