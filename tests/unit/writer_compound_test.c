/* The writer: nested compounds and arrays in both forms, buffers of both kinds, and failures. */
#include "unit/writer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

static amqpc_value uint_of(uint32_t number)
{
    return of_unsigned(AMQPC_TYPE_UINT, ANY_CODE, number);
}

static amqpc_value symbol_of(const char *text)
{
    return of_text(AMQPC_TYPE_SYMBOL, text);
}

static void test_empty_compounds_are_the_smallest(void **state)
{
    (void)state;
    assert_encodes(of_items(AMQPC_TYPE_LIST, ANY_CODE, NULL, 0), "45");
    assert_encodes(of_items(AMQPC_TYPE_MAP, ANY_CODE, NULL, 0), "c10100");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, NULL, 0), "e0020040");
    start();
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    end();
    assert_written("45");
    start();
    begin(AMQPC_TYPE_MAP, ANY_CODE);
    end();
    assert_written("c10100");
    start();
    begin_array(ANY_CODE, AMQPC_CODE_UINT);
    end();
    assert_written("e0020070");
}

static void test_an_empty_list_ends_as_one_byte(void **state)
{
    (void)state;
    amqpc_writer_set_fixed(writer, room, 3); /* the header that it may yet need */
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    end();
    assert_written("45");
}

static void test_nested_compounds_are_the_same_in_both_forms(void **state)
{
    (void)state;
    amqpc_value inner[] = {of_boolean(ANY_CODE, true), of_boolean(ANY_CODE, false)};
    amqpc_value parts[] = {symbol_of("d"), of_text(AMQPC_TYPE_STRING, "v")};
    amqpc_value entries[] = {uint_of(0), of_items(AMQPC_TYPE_LIST, ANY_CODE, inner, 2),
                             of_text(AMQPC_TYPE_STRING, "k"),
                             of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, parts, 2)};
    amqpc_value outer[] = {of_items(AMQPC_TYPE_MAP, ANY_CODE, entries, 4), uint_of(7)};
    static const char expected[] = "c01602c1110443c003024142a1016b00a30164a101765207";
    assert_encodes(of_items(AMQPC_TYPE_LIST, ANY_CODE, outer, 2), expected);
    start();
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    begin(AMQPC_TYPE_MAP, ANY_CODE);
    put(uint_of(0));
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    assert_int_equal(amqpc_writer_values(writer, inner, 2), AMQPC_OK);
    end();
    put(of_text(AMQPC_TYPE_STRING, "k"));
    begin(AMQPC_TYPE_DESCRIBED, ANY_CODE);
    put(symbol_of("d"));
    put(of_text(AMQPC_TYPE_STRING, "v"));
    end();
    end();
    put(uint_of(7));
    end();
    assert_written(expected);
}

static void test_a_compound_inside_widens_those_around_it(void **state)
{
    (void)state;
    amqpc_value value = of_bytes(AMQPC_TYPE_BINARY, ANY_CODE, letters, 252);
    amqpc_value inner = of_items(AMQPC_TYPE_LIST, ANY_CODE, &value, 1);
    amqpc_value outer = of_items(AMQPC_TYPE_LIST, ANY_CODE, &inner, 1);
    start();
    put(outer); /* 254 bytes within 3 + 254, which is too much for one byte of size */
    assert_int_equal(amqpc_writer_size(writer), 9 + 3 + 254);
    assert_memory_equal(room, "\xd0\0\0\1\5\0\0\0\1\xc0\xff\1\xa0\xfc", 14);
    uint8_t at_once[9 + 3 + 254];
    memcpy(at_once, room, sizeof at_once);
    start();
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    put(value);
    end();
    end();
    assert_int_equal(amqpc_writer_size(writer), sizeof at_once);
    assert_memory_equal(room, at_once, sizeof at_once);
}

static void test_a_code_asked_for_at_the_beginning_is_kept(void **state)
{
    (void)state;
    start();
    begin(AMQPC_TYPE_LIST, AMQPC_CODE_LIST32);
    begin(AMQPC_TYPE_MAP, AMQPC_CODE_MAP8);
    end();
    begin(AMQPC_TYPE_LIST, AMQPC_CODE_LIST8);
    end();
    begin(AMQPC_TYPE_LIST, AMQPC_CODE_LIST0);
    end();
    end();
    assert_written("d00000000b00000003c10100c0010045");
}

static void test_a_described_value_holds_two_values(void **state)
{
    (void)state;
    amqpc_value values[] = {uint_of(1), uint_of(2), uint_of(3)};
    for (uint32_t count = 0; count <= 3; count++) {
        start();
        begin(AMQPC_TYPE_DESCRIBED, ANY_CODE);
        assert_int_equal(amqpc_writer_values(writer, values, count), AMQPC_OK);
        assert_int_equal(amqpc_writer_end(writer), count == 2 ? AMQPC_OK : AMQPC_INVALID_ARGUMENT);
    }
    assert_encodes(of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, values, 2), "0052015202");
    assert_refused(of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, values, 1));
    assert_refused(of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, values, 3));
}

static void test_a_descriptor_that_is_compound_is_refused(void **state)
{
    (void)state;
    amqpc_value parts[] = {of_items(AMQPC_TYPE_LIST, ANY_CODE, NULL, 0), uint_of(1)};
    amqpc_value described = of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, parts, 2);
    assert_refused(described);
    assert_refused(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, &described, 1));
    start();
    assert_int_equal(amqpc_writer_begin_array(writer, ANY_CODE, AMQPC_CODE_UINT, &parts[0]),
                     AMQPC_INVALID_ARGUMENT);
}

static void test_a_map_of_an_odd_count_is_refused(void **state)
{
    (void)state;
    amqpc_value values[] = {uint_of(1), uint_of(2), uint_of(3)};
    assert_refused(of_items(AMQPC_TYPE_MAP, ANY_CODE, values, 1));
    assert_refused(of_items(AMQPC_TYPE_MAP, ANY_CODE, values, 3));
    start();
    begin(AMQPC_TYPE_MAP, ANY_CODE);
    put(values[0]);
    assert_int_equal(amqpc_writer_end(writer), AMQPC_INVALID_ARGUMENT);
}

static void test_an_array_takes_the_code_that_holds_all_its_elements(void **state)
{
    (void)state;
    amqpc_value small[] = {uint_of(0), uint_of(255)};
    amqpc_value large[] = {uint_of(0), uint_of(256)};
    amqpc_value numbers[] = {of_signed(AMQPC_TYPE_LONG, ANY_CODE, -128),
                             of_signed(AMQPC_TYPE_LONG, ANY_CODE, 128)};
    amqpc_value booleans[] = {of_boolean(ANY_CODE, true), of_boolean(ANY_CODE, false)};
    amqpc_value texts[] = {symbol_of("a"), symbol_of("")};
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, small, 2), "e004025200ff");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, large, 2), "e00a02700000000000000100");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, numbers, 1), "e003015580");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, numbers, 2),
                   "e0120281ffffffffffffff800000000000000080");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, booleans, 2), "e00402560100");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, texts, 2), "e00502a3016100");
    texts[1] = of_bytes(AMQPC_TYPE_SYMBOL, ANY_CODE, letters, 256);
    start();
    put(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, texts, 2));
    assert_memory_equal(room, "\xf0\0\0\1\x0e\0\0\0\2\xb3\0\0\0\1a\0\0\1\0aa", 21);
}

static void test_the_first_element_may_ask_for_the_code_of_all(void **state)
{
    (void)state;
    amqpc_value values[] = {of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_UINT, 1), uint_of(2)};
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, values, 2), "e00a02700000000100000002");
    values[0].code = AMQPC_CODE_SMALLUINT;
    values[1].as.u64 = 256;
    assert_refused(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, values, 2));
}

static void test_an_array_of_several_types_is_refused(void **state)
{
    (void)state;
    amqpc_value values[] = {uint_of(1), of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 1)};
    assert_refused(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, values, 2));
    start();
    begin_array(ANY_CODE, AMQPC_CODE_UINT);
    put(values[0]);
    assert_int_equal(amqpc_writer_value(writer, &values[1]), AMQPC_INVALID_ARGUMENT);
}

static void test_elements_are_written_as_the_array_says(void **state)
{
    (void)state;
    start();
    begin_array(AMQPC_CODE_ARRAY32, AMQPC_CODE_ULONG);
    put(of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_SMALLULONG, 1));
    put(of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 2));
    end();
    assert_written("f0000000150000000280"
                   "00000000000000010000000000000002");
    start();
    begin_array(ANY_CODE, AMQPC_CODE_SMALLULONG);
    amqpc_value large = of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG, 256);
    assert_int_equal(amqpc_writer_value(writer, &large), AMQPC_INVALID_ARGUMENT);
}

static void test_arrays_of_every_element_code_decode_again(void **state)
{
    (void)state;
    for (unsigned code = 0x40; code <= 0xff; code++) {
        int type = amqpc_code_type(code);
        if (type < 0) {
            start();
            assert_int_equal(amqpc_writer_begin_array(writer, ANY_CODE, code, NULL),
                             AMQPC_INVALID_ARGUMENT);
            continue;
        }
        amqpc_value element = {.type = (uint8_t)type};
        element.as.boolean = code == AMQPC_CODE_TRUE;
        element.as.bytes.data = element.type == AMQPC_TYPE_ARRAY ? "\x40" : NULL;
        element.as.bytes.size = element.type == AMQPC_TYPE_ARRAY ? 1 : 0;
        if (code == AMQPC_CODE_TRUE) {
            element = of_boolean(ANY_CODE, true);
        }
        start();
        begin_array(ANY_CODE, code);
        put(element);
        put(element);
        end();
        amqpc_value value;
        size_t used = 0;
        assert_int_equal(amqpc_value_decode(room, amqpc_writer_size(writer), NULL, &value, &used),
                         AMQPC_OK);
        assert_int_equal(used, amqpc_writer_size(writer));
        assert_int_equal(value.count, 2);
    }
}

static void test_constructors_that_no_array_can_have_are_refused(void **state)
{
    (void)state;
    static const unsigned codes[] = {0x00, 0x01, 0x3f, 0xff, 0x100, 0x170};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        start();
        assert_int_equal(amqpc_writer_begin_array(writer, ANY_CODE, codes[i], NULL),
                         AMQPC_INVALID_ARGUMENT);
    }
    start();
    assert_int_equal(amqpc_writer_begin_array(writer, AMQPC_CODE_LIST8, AMQPC_CODE_UINT, NULL),
                     AMQPC_INVALID_ARGUMENT);
    start();
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_LIST, AMQPC_CODE_MAP8),
                     AMQPC_INVALID_ARGUMENT);
    start();
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_LIST, 0x1c0), AMQPC_INVALID_ARGUMENT);
    start();
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_ARRAY, ANY_CODE),
                     AMQPC_INVALID_ARGUMENT);
    start();
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_UINT, ANY_CODE), AMQPC_INVALID_ARGUMENT);
}

static void test_described_elements_share_one_descriptor(void **state)
{
    (void)state;
    amqpc_value first[] = {of_unsigned(AMQPC_TYPE_ULONG, ANY_CODE, 5), uint_of(9)};
    amqpc_value second[] = {of_unsigned(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG, 5), uint_of(8)};
    amqpc_value elements[] = {of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, first, 2),
                              of_items(AMQPC_TYPE_DESCRIBED, ANY_CODE, second, 2)};
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, elements, 2), "e00702005305520908");
    start();
    assert_int_equal(amqpc_writer_begin_array(writer, ANY_CODE, AMQPC_CODE_SMALLUINT, &first[0]),
                     AMQPC_OK);
    put(uint_of(9));
    put(uint_of(8));
    end();
    assert_written("e00702005305520908");
    second[0].as.u64 = 6;
    assert_refused(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, elements, 2));
    elements[1] = uint_of(1);
    assert_refused(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, elements, 2));
}

static void test_arrays_hold_compounds_in_both_forms(void **state)
{
    (void)state;
    amqpc_value pair[] = {symbol_of("k"), uint_of(1)};
    amqpc_value lists[] = {of_items(AMQPC_TYPE_LIST, ANY_CODE, pair, 2),
                           of_items(AMQPC_TYPE_LIST, ANY_CODE, NULL, 0)};
    amqpc_value maps[] = {of_items(AMQPC_TYPE_MAP, ANY_CODE, pair, 2)};
    amqpc_value arrays[] = {of_items(AMQPC_TYPE_ARRAY, ANY_CODE, pair + 1, 1),
                            of_items(AMQPC_TYPE_ARRAY, ANY_CODE, pair, 1)};
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, lists, 2),
                   "e01702d00000000900000002a3016b52010000000400000000");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, maps, 1),
                   "e00f01d10000000900000002a3016b5201");
    assert_encodes(of_items(AMQPC_TYPE_ARRAY, ANY_CODE, arrays, 2), "e01702f000000006000000015201"
                                                                    "0000000700000001a3016b");
    start();
    begin_array(ANY_CODE, AMQPC_CODE_LIST8);
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    assert_int_equal(amqpc_writer_values(writer, pair, 2), AMQPC_OK);
    end();
    begin(AMQPC_TYPE_LIST, AMQPC_CODE_LIST32); /* not looked at in an array */
    end();
    end();
    assert_written("e00b02c00602a3016b52010100");
    start();
    begin_array(ANY_CODE, AMQPC_CODE_ARRAY8);
    begin_array(ANY_CODE, AMQPC_CODE_SMALLUINT);
    put(uint_of(1));
    end();
    begin_array(ANY_CODE, AMQPC_CODE_SYMBOL8);
    put(symbol_of("k"));
    end();
    end();
    assert_written("e00b02e003015201"
                   "0401a3016b");
}

static void test_trees_are_elements_of_an_array_that_was_begun(void **state)
{
    (void)state;
    amqpc_value number = uint_of(1);
    start();
    begin_array(ANY_CODE, AMQPC_CODE_LIST8);
    put(of_items(AMQPC_TYPE_LIST, ANY_CODE, &number, 1));
    end();
    assert_written("e00601c003015201");
}

static void test_encoded_compounds_are_written_as_they_are(void **state)
{
    (void)state;
    amqpc_value list = of_bytes(AMQPC_TYPE_LIST, ANY_CODE, "\x43\x44", 2);
    list.count = 2;
    assert_encodes(list, "c003024344");
    list.code = AMQPC_CODE_LIST32;
    assert_encodes(list, "d000000006000000024344");
    amqpc_value described = of_bytes(AMQPC_TYPE_DESCRIBED, ANY_CODE, "\x53\x05\x40", 3);
    described.count = 2;
    assert_encodes(described, "00530540");
    start();
    begin_array(ANY_CODE, AMQPC_CODE_LIST8);
    put(list);
    end();
    assert_written("e00601c003024344");
}

static void test_depth_is_limited_whichever_way_values_are_given(void **state)
{
    (void)state;
    amqpc_value nested[AMQPC_DEPTH_MAX + 1];
    start();
    for (unsigned i = 0; i < AMQPC_DEPTH_MAX; i++) {
        begin(AMQPC_TYPE_LIST, ANY_CODE);
    }
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_LIST, ANY_CODE), AMQPC_TOO_DEEP);
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_TOO_DEEP);
    amqpc_value number = uint_of(1);
    nested[0] = of_items(AMQPC_TYPE_LIST, ANY_CODE, &number, 1);
    for (unsigned i = 1; i <= AMQPC_DEPTH_MAX; i++) {
        nested[i] = of_items(AMQPC_TYPE_LIST, ANY_CODE, &nested[i - 1], 1);
    }
    start();
    put(nested[AMQPC_DEPTH_MAX - 1]);
    start();
    assert_int_equal(amqpc_writer_value(writer, &nested[AMQPC_DEPTH_MAX]), AMQPC_TOO_DEEP);
}

static void test_a_growable_buffer_gets_the_same_bytes_behind_its_own(void **state)
{
    (void)state;
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), AMQPC_OK);
    assert_int_equal(amqpc_buffer_append(buffer, "before", 6), AMQPC_OK);
    amqpc_writer_set_growable(writer, buffer);
    assert_int_equal(amqpc_writer_size(writer), 0);
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    for (uint32_t i = 0; i < 600; i++) {
        put(uint_of(i));
        assert_int_equal(amqpc_buffer_size(buffer), 6 + amqpc_writer_size(writer));
    }
    end();
    size_t size = amqpc_writer_size(writer);
    start();
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    for (uint32_t i = 0; i < 600; i++) {
        put(uint_of(i));
    }
    end();
    assert_int_equal(amqpc_writer_size(writer), size);
    assert_int_equal(amqpc_buffer_size(buffer), 6 + size);
    assert_memory_equal(amqpc_buffer_data(buffer), "before", 6);
    assert_memory_equal(amqpc_buffer_data(buffer) + 6, room, size);
    amqpc_buffer_free(buffer);
}

static void test_the_cap_of_a_growable_buffer_holds(void **state)
{
    (void)state;
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, 6, &buffer), AMQPC_OK);
    amqpc_writer_set_growable(writer, buffer);
    put(of_unsigned(AMQPC_TYPE_UINT, AMQPC_CODE_UINT, 1));
    put(of_boolean(ANY_CODE, true));
    amqpc_value one_more = of_boolean(ANY_CODE, false);
    assert_int_equal(amqpc_writer_value(writer, &one_more), AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_buffer_size(buffer), 6);
    amqpc_buffer_free(buffer);
}

static void test_the_first_failure_stays_until_the_writer_is_set_anew(void **state)
{
    (void)state;
    amqpc_value invalid = of_text(AMQPC_TYPE_SYMBOL, "\xff");
    amqpc_value valid = uint_of(1);
    start();
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    assert_int_equal(amqpc_writer_value(writer, &invalid), AMQPC_INVALID_ARGUMENT);
    size_t size = amqpc_writer_size(writer);
    assert_int_equal(amqpc_writer_value(writer, &valid), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_values(writer, &valid, 1), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_begin(writer, AMQPC_TYPE_LIST, ANY_CODE), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_begin_array(writer, ANY_CODE, AMQPC_CODE_UINT, NULL),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_end(writer), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_size(writer), size);
    start();
    put(valid);
    assert_written("5201");
}

static void test_ending_what_was_not_begun_is_an_invalid_state(void **state)
{
    (void)state;
    start();
    put(uint_of(1));
    assert_int_equal(amqpc_writer_end(writer), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_INVALID_STATE);
}

static void test_an_open_compound_is_not_finished(void **state)
{
    (void)state;
    start();
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_OK);
    begin(AMQPC_TYPE_LIST, ANY_CODE);
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_INVALID_STATE);
    end();
    assert_written("45");
}

static void test_a_writer_that_was_never_set_has_no_room(void **state)
{
    (void)state;
    amqpc_writer *unset = NULL;
    amqpc_value value = uint_of(0);
    assert_int_equal(amqpc_writer_new(NULL, &unset), AMQPC_OK);
    assert_int_equal(amqpc_writer_size(unset), 0);
    assert_int_equal(amqpc_writer_value(unset, &value), AMQPC_BUFFER_FULL);
    amqpc_writer_free(unset);
    amqpc_writer_free(NULL);
}

static void growing_scenario(const amqpc_allocator *allocator)
{
    amqpc_writer *growing = NULL;
    amqpc_buffer *buffer = NULL;
    amqpc_value value = of_bytes(AMQPC_TYPE_BINARY, ANY_CODE, letters, 250);
    amqpc_status status = amqpc_writer_new(allocator, &growing);
    if (status == AMQPC_OK) {
        status = amqpc_buffer_new(allocator, SIZE_MAX, &buffer);
    }
    if (status == AMQPC_OK) {
        amqpc_writer_set_growable(growing, buffer);
        status = amqpc_writer_begin(growing, AMQPC_TYPE_LIST, ANY_CODE);
        for (int i = 0; i < 20 && status == AMQPC_OK; i++) {
            status = amqpc_writer_value(growing, &value);
        }
        status = status == AMQPC_OK ? amqpc_writer_end(growing) : status;
        assert_int_equal(amqpc_writer_finish(growing), status);
    }
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    amqpc_writer_free(growing);
    amqpc_buffer_free(buffer);
}

static void test_failing_allocations_are_reported(void **state)
{
    (void)state;
    assert_survives_failing_allocations(growing_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_compounds_are_the_smallest),
        cmocka_unit_test(test_an_empty_list_ends_as_one_byte),
        cmocka_unit_test(test_nested_compounds_are_the_same_in_both_forms),
        cmocka_unit_test(test_a_compound_inside_widens_those_around_it),
        cmocka_unit_test(test_a_code_asked_for_at_the_beginning_is_kept),
        cmocka_unit_test(test_a_described_value_holds_two_values),
        cmocka_unit_test(test_a_descriptor_that_is_compound_is_refused),
        cmocka_unit_test(test_a_map_of_an_odd_count_is_refused),
        cmocka_unit_test(test_an_array_takes_the_code_that_holds_all_its_elements),
        cmocka_unit_test(test_the_first_element_may_ask_for_the_code_of_all),
        cmocka_unit_test(test_an_array_of_several_types_is_refused),
        cmocka_unit_test(test_elements_are_written_as_the_array_says),
        cmocka_unit_test(test_arrays_of_every_element_code_decode_again),
        cmocka_unit_test(test_constructors_that_no_array_can_have_are_refused),
        cmocka_unit_test(test_described_elements_share_one_descriptor),
        cmocka_unit_test(test_arrays_hold_compounds_in_both_forms),
        cmocka_unit_test(test_trees_are_elements_of_an_array_that_was_begun),
        cmocka_unit_test(test_encoded_compounds_are_written_as_they_are),
        cmocka_unit_test(test_depth_is_limited_whichever_way_values_are_given),
        cmocka_unit_test(test_a_growable_buffer_gets_the_same_bytes_behind_its_own),
        cmocka_unit_test(test_the_cap_of_a_growable_buffer_holds),
        cmocka_unit_test(test_the_first_failure_stays_until_the_writer_is_set_anew),
        cmocka_unit_test(test_ending_what_was_not_begun_is_an_invalid_state),
        cmocka_unit_test(test_an_open_compound_is_not_finished),
        cmocka_unit_test(test_a_writer_that_was_never_set_has_no_room),
        cmocka_unit_test(test_failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, writer_setup, writer_teardown);
}
