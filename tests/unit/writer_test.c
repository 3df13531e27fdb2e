/* The writer: every encoding of every primitive, sizes and counts that widen, and what it refuses.
 */
#include "unit/writer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_unsigned_numbers_take_the_smallest_encoding(void **state)
{
    (void)state;
    assert_encodes(of_unsigned(AMQPC_TYPE_UBYTE, ANY_CODE, 0), "5000");
    assert_encodes(of_unsigned(AMQPC_TYPE_UBYTE, ANY_CODE, 255), "50ff");
    assert_encodes(of_unsigned(AMQPC_TYPE_USHORT, ANY_CODE, 0), "600000");
    assert_encodes(of_unsigned(AMQPC_TYPE_USHORT, ANY_CODE, 65535), "60ffff");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, 0), "43");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, 1), "5201");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, 255), "52ff");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, 256), "7000000100");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, UINT32_MAX), "70ffffffff");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 0), "44");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 1), "5301");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 255), "53ff");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 256), "800000000000000100");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, UINT64_MAX), "80ffffffffffffffff");
}

static void test_signed_numbers_take_the_smallest_encoding(void **state)
{
    (void)state;
    assert_encodes(of_signed(AMQPC_TYPE_BYTE, ANY_CODE, -128), "5180");
    assert_encodes(of_signed(AMQPC_TYPE_BYTE, ANY_CODE, 127), "517f");
    assert_encodes(of_signed(AMQPC_TYPE_SHORT, ANY_CODE, -32768), "618000");
    assert_encodes(of_signed(AMQPC_TYPE_SHORT, ANY_CODE, 1), "610001");
    assert_encodes(of_signed(AMQPC_TYPE_INT, ANY_CODE, 0), "5400");
    assert_encodes(of_signed(AMQPC_TYPE_INT, ANY_CODE, -128), "5480");
    assert_encodes(of_signed(AMQPC_TYPE_INT, ANY_CODE, 127), "547f");
    assert_encodes(of_signed(AMQPC_TYPE_INT, ANY_CODE, -129), "71ffffff7f");
    assert_encodes(of_signed(AMQPC_TYPE_INT, ANY_CODE, 128), "7100000080");
    assert_encodes(of_signed(AMQPC_TYPE_INT, ANY_CODE, INT32_MIN), "7180000000");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, ANY_CODE, -128), "5580");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, ANY_CODE, 127), "557f");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, ANY_CODE, -129), "81ffffffffffffff7f");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, ANY_CODE, 128), "810000000000000080");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, ANY_CODE, INT64_MIN), "818000000000000000");
    assert_encodes(of_signed(AMQPC_TYPE_TIMESTAMP, ANY_CODE, -1), "83ffffffffffffffff");
}

static void test_other_scalars_have_one_encoding(void **state)
{
    (void)state;
    amqpc_value number = {.type = AMQPC_TYPE_FLOAT, .as.f32 = 1.5f};
    assert_encodes(number, "723fc00000");
    number = (amqpc_value){.type = AMQPC_TYPE_DOUBLE, .as.f64 = -0.0};
    assert_encodes(number, "828000000000000000");
    amqpc_value octets = {.type = AMQPC_TYPE_UUID};
    memcpy(octets.as.octets, "0123456789abcdef", 16);
    assert_encodes(octets, "9830313233343536373839616263646566");
    octets.type = AMQPC_TYPE_DECIMAL128;
    assert_encodes(octets, "9430313233343536373839616263646566");
    assert_encodes(of_unsigned(AMQPC_TYPE_NULL, ANY_CODE, 0), "40");
    assert_encodes(of_boolean(ANY_CODE, true), "41");
    assert_encodes(of_boolean(ANY_CODE, false), "42");
    assert_encodes(of_unsigned(AMQPC_TYPE_CHAR, ANY_CODE, 0x10ffff), "730010ffff");
    assert_encodes(of_unsigned(AMQPC_TYPE_DECIMAL32, ANY_CODE, 0x22500001), "7422500001");
    assert_encodes(of_unsigned(AMQPC_TYPE_DECIMAL64, ANY_CODE, 1), "840000000000000001");
}

static void test_a_wider_code_is_used_on_request(void **state)
{
    (void)state;
    assert_encodes(of_boolean(AMQPC_CODE_BOOLEAN, true), "5601");
    assert_encodes(of_boolean(AMQPC_CODE_BOOLEAN, false), "5600");
    assert_encodes(of_boolean(AMQPC_CODE_TRUE, true), "41");
    assert_encodes(of_boolean(AMQPC_CODE_FALSE, false), "42");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_UINT0, 0), "43");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_SMALLUINT, 0), "5200");
    assert_encodes(of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_UINT, 0), "7000000000");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG0, 0), "44");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_SMALLULONG, 0), "5300");
    assert_encodes(of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG, 5), "800000000000000005");
    assert_encodes(of_signed(AMQPC_TYPE_INT, AMQPC_CODE_SMALLINT, -1), "54ff");
    assert_encodes(of_signed(AMQPC_TYPE_INT, AMQPC_CODE_INT, -1), "71ffffffff");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, AMQPC_CODE_SMALLLONG, -1), "55ff");
    assert_encodes(of_signed(AMQPC_TYPE_LONG, AMQPC_CODE_LONG, -1), "81ffffffffffffffff");
    assert_encodes(of_bytes(AMQPC_TYPE_BINARY, AMQPC_CODE_BINARY32, "\xff", 1), "b000000001ff");
    assert_encodes(of_bytes(AMQPC_TYPE_STRING, AMQPC_CODE_STRING32, "", 0), "b100000000");
    assert_encodes(of_bytes(AMQPC_TYPE_SYMBOL, AMQPC_CODE_SYMBOL32, "a", 1), "b30000000161");
    assert_encodes(of_items(AMQPC_TYPE_LIST, AMQPC_CODE_LIST0, NULL, 0), "45");
    assert_encodes(of_items(AMQPC_TYPE_LIST, AMQPC_CODE_LIST8, NULL, 0), "c00100");
    assert_encodes(of_items(AMQPC_TYPE_LIST, AMQPC_CODE_LIST32, NULL, 0), "d00000000400000000");
    assert_encodes(of_items(AMQPC_TYPE_MAP, AMQPC_CODE_MAP32, NULL, 0), "d10000000400000000");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, AMQPC_CODE_ARRAY32, NULL, 0), "f0000000050000000040");
}

static void test_a_value_that_its_code_cannot_hold_is_refused(void **state)
{
    (void)state;
    assert_refused(of_boolean(AMQPC_CODE_TRUE, false));
    assert_refused(of_boolean(AMQPC_CODE_FALSE, true));
    assert_refused(of_unsigned(AMQPC_TYPE_UBYTE, ANY_CODE, 256));
    assert_refused(of_unsigned(AMQPC_TYPE_USHORT, ANY_CODE, 65536));
    assert_refused(of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_UINT0, 1));
    assert_refused(of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_SMALLUINT, 256));
    assert_refused(of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, (uint64_t)UINT32_MAX + 1));
    assert_refused(of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG0, 1));
    assert_refused(of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_SMALLULONG, 256));
    assert_refused(of_unsigned(AMQPC_TYPE_DECIMAL32, ANY_CODE, (uint64_t)UINT32_MAX + 1));
    assert_refused(of_signed(AMQPC_TYPE_BYTE, ANY_CODE, 128));
    assert_refused(of_signed(AMQPC_TYPE_BYTE, ANY_CODE, -129));
    assert_refused(of_signed(AMQPC_TYPE_SHORT, ANY_CODE, 32768));
    assert_refused(of_signed(AMQPC_TYPE_SHORT, ANY_CODE, -32769));
    assert_refused(of_signed(AMQPC_TYPE_INT, AMQPC_CODE_SMALLINT, 128));
    assert_refused(of_signed(AMQPC_TYPE_INT, ANY_CODE, (int64_t)INT32_MAX + 1));
    assert_refused(of_signed(AMQPC_TYPE_INT, ANY_CODE, (int64_t)INT32_MIN - 1));
    assert_refused(of_signed(AMQPC_TYPE_LONG, AMQPC_CODE_SMALLLONG, -129));
    assert_refused(of_bytes(AMQPC_TYPE_BINARY, AMQPC_CODE_BINARY8, letters, 256));
    assert_refused(of_bytes(AMQPC_TYPE_STRING, AMQPC_CODE_STRING8, letters, 256));
    assert_refused(of_bytes(AMQPC_TYPE_SYMBOL, AMQPC_CODE_SYMBOL8, letters, 256));
}

static void test_a_code_of_another_type_is_refused(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= AMQPC_TYPE_ARRAY; type++) {
        for (unsigned code = 1; code <= 0xff; code++) {
            amqpc_value value = of_bytes(type, code, NULL, 0); /* zero in every member */
            start();
            bool accepted = amqpc_writer_value(writer, &value) == AMQPC_OK;
            /* Zero is false, but not true, and the empty list needs a form. */
            bool fits = amqpc_code_type(code) == (int)type && code != AMQPC_CODE_TRUE;
            assert_int_equal(accepted, fits);
        }
    }
}

static void test_a_type_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_refused(of_unsigned(AMQPC_TYPE_DESCRIBED + 1, ANY_CODE, 0));
    assert_refused(of_items(AMQPC_TYPE_DESCRIBED + 1, ANY_CODE, NULL, 0));
    assert_refused(of_unsigned(255, ANY_CODE, 0));
}

static void test_text_that_is_not_what_its_type_demands_is_refused(void **state)
{
    (void)state;
    assert_refused(of_text(AMQPC_TYPE_STRING, "a\xff"));
    assert_refused(of_text(AMQPC_TYPE_STRING, "\xed\xa0\x80"));
    assert_refused(of_text(AMQPC_TYPE_STRING, "\xc0\x80"));
    assert_refused(of_text(AMQPC_TYPE_SYMBOL, "\xc3\xa9"));
    assert_encodes(of_text(AMQPC_TYPE_STRING, "\xc3\xa9"), "a102c3a9");
    assert_encodes(of_text(AMQPC_TYPE_BINARY, "\xff\xfe"), "a002fffe");
    assert_encodes(of_bytes(AMQPC_TYPE_STRING, ANY_CODE, "a\0b", 3), "a103610062");
}

static void test_a_char_that_is_no_code_point_is_refused(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0xd800, 0xdfff, 0x110000, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_refused(of_unsigned(AMQPC_TYPE_CHAR, ANY_CODE, numbers[i]));
    }
    assert_encodes(of_unsigned(AMQPC_TYPE_CHAR, ANY_CODE, 0xd7ff), "730000d7ff");
    assert_encodes(of_unsigned(AMQPC_TYPE_CHAR, ANY_CODE, 0xe000), "730000e000");
}

static void test_sizes_of_texts_widen_above_255(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        uint8_t narrow;
    } kinds[] = {{AMQPC_TYPE_BINARY, AMQPC_CODE_BINARY8},
                 {AMQPC_TYPE_STRING, AMQPC_CODE_STRING8},
                 {AMQPC_TYPE_SYMBOL, AMQPC_CODE_SYMBOL8}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        start();
        put(of_bytes(kinds[i].type, ANY_CODE, letters, 255));
        assert_int_equal(amqpc_writer_size(writer), 2 + 255);
        assert_int_equal(room[0], kinds[i].narrow);
        assert_int_equal(room[1], 255);
        start();
        put(of_bytes(kinds[i].type, ANY_CODE, letters, 256));
        assert_int_equal(amqpc_writer_size(writer), 5 + 256);
        assert_int_equal(room[0], kinds[i].narrow | 0x10);
        assert_memory_equal(room + 1, "\0\0\1\0", 4);
    }
}

/* Writes a list with `size` bytes of content (one binary value of size - 2, below 255). */
static void write_list_of_size(size_t size)
{
    start();
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    put(of_bytes(AMQPC_TYPE_BINARY, ANY_CODE, letters, size - 2));
    end();
}

static void test_sizes_of_compounds_widen_above_255(void **state)
{
    (void)state;
    write_list_of_size(254);
    assert_int_equal(amqpc_writer_size(writer), 3 + 254);
    assert_memory_equal(room, "\xc0\xff\x01\xa0\xfc", 5);
    write_list_of_size(255);
    assert_int_equal(amqpc_writer_size(writer), 9 + 255);
    assert_memory_equal(room, "\xd0\0\0\1\3\0\0\0\1\xa0\xfd", 11);
}

static void test_counts_of_compounds_widen_above_255(void **state)
{
    (void)state;
    amqpc_value nulls[256];
    memset(nulls, 0, sizeof nulls);
    for (uint32_t count = 255; count <= 256; count++) {
        bool wide = count == 256;
        assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, nulls, count),
                       wide ? "f0000000050000010040" : "e002ff40");
        start();
        begin_array(ANY_CODE, AMQPC_CODE_NULL);
        assert_int_equal(amqpc_writer_values(writer, nulls, count), AMQPC_OK);
        end();
        assert_written(wide ? "f0000000050000010040" : "e002ff40");
    }
}

static void test_a_compound_too_large_for_its_code_is_refused(void **state)
{
    (void)state;
    amqpc_value nulls[256];
    memset(nulls, 0, sizeof nulls);
    assert_refused(of_items(AMQPC_TYPE_ARRAY, AMQPC_CODE_ARRAY8, nulls, 256));
    assert_refused(of_items(AMQPC_TYPE_LIST, AMQPC_CODE_LIST8, nulls, 255));
    assert_refused(of_items(AMQPC_TYPE_MAP, AMQPC_CODE_MAP8, nulls, 256));
    assert_refused(of_items(AMQPC_TYPE_LIST, AMQPC_CODE_LIST0, nulls, 1));
    assert_encodes(of_items(AMQPC_TYPE_LIST, AMQPC_CODE_LIST8, nulls, 3), "c00403404040");
    start();
    begin(AMQPC_TYPE_LIST, AMQPC_CODE_LIST8);
    put(of_bytes(AMQPC_TYPE_BINARY, ANY_CODE, letters, 253));
    assert_int_equal(amqpc_writer_end(writer), AMQPC_INVALID_ARGUMENT);
    start();
    begin(AMQPC_TYPE_LIST, AMQPC_CODE_LIST0);
    put(nulls[0]);
    assert_int_equal(amqpc_writer_end(writer), AMQPC_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsigned_numbers_take_the_smallest_encoding),
        cmocka_unit_test(test_signed_numbers_take_the_smallest_encoding),
        cmocka_unit_test(test_other_scalars_have_one_encoding),
        cmocka_unit_test(test_a_wider_code_is_used_on_request),
        cmocka_unit_test(test_a_value_that_its_code_cannot_hold_is_refused),
        cmocka_unit_test(test_a_code_of_another_type_is_refused),
        cmocka_unit_test(test_a_type_that_is_none_is_refused),
        cmocka_unit_test(test_text_that_is_not_what_its_type_demands_is_refused),
        cmocka_unit_test(test_a_char_that_is_no_code_point_is_refused),
        cmocka_unit_test(test_sizes_of_texts_widen_above_255),
        cmocka_unit_test(test_sizes_of_compounds_widen_above_255),
        cmocka_unit_test(test_counts_of_compounds_widen_above_255),
        cmocka_unit_test(test_a_compound_too_large_for_its_code_is_refused),
    };
    return cmocka_run_group_tests(tests, writer_setup, writer_teardown);
}
