/* Values: elements in batches, look-up by key, comparing, and what bytes that were never validated
 * do. */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static amqpc_value decode(const void *bytes, size_t size)
{
    amqpc_value value;
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, NULL), AMQPC_OK);
    return value;
}

static bool same(const amqpc_value *left, const amqpc_value *right)
{
    bool result = false;
    bool reverse = false;
    assert_int_equal(amqpc_value_same(left, right, &result), AMQPC_OK);
    assert_int_equal(amqpc_value_same(right, left, &reverse), AMQPC_OK);
    assert_int_equal(result, reverse);
    return result;
}

static void test_elements_come_in_batches_of_any_size(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xc0, 7, 5, 0x41, 0x42, 0x40, 0x52, 7, 0x43};
    amqpc_value list = decode(bytes, sizeof bytes);
    for (size_t capacity = 1; capacity <= 6; capacity++) {
        amqpc_items items;
        amqpc_value values[6];
        size_t count = 1;
        size_t total = 0;
        assert_int_equal(amqpc_items_init(&list, &items), AMQPC_OK);
        while (count > 0) {
            assert_int_equal(amqpc_items_next(&items, values, capacity, &count), AMQPC_OK);
            total += count;
        }
        assert_int_equal(total, 5);
    }
}

static void test_elements_of_described_arrays_share_the_descriptor(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xe0, 7, 2, 0x00, 0x53, 5, 0x50, 8, 9};
    amqpc_value array = decode(bytes, sizeof bytes);
    amqpc_items items;
    amqpc_value values[2];
    size_t count = 0;
    assert_int_equal(amqpc_items_init(&array, &items), AMQPC_OK);
    assert_int_equal(items.array_code, AMQPC_CODE_UBYTE);
    assert_int_equal(items.descriptor.size, 3);
    assert_int_equal(amqpc_items_next(&items, values, 2, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(values[1].as.u64, 9);
}

static void test_a_described_value_has_two_elements(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x53, 0x24, 0x00, 0x53, 1, 0x45};
    amqpc_value described = decode(bytes, sizeof bytes);
    amqpc_items items;
    amqpc_value parts[2];
    size_t count = 0;
    assert_int_equal(amqpc_items_init(&described, &items), AMQPC_OK);
    assert_int_equal(amqpc_items_next(&items, parts, 2, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(parts[0].as.u64, 0x24);
    assert_int_equal(parts[1].type, AMQPC_TYPE_DESCRIBED);
}

static void test_only_encoded_compounds_have_items(void **state)
{
    (void)state;
    const amqpc_value number = {.type = AMQPC_TYPE_UINT};
    const amqpc_value tree = {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS};
    const amqpc_value unknown = {.type = 99};
    amqpc_items items;
    assert_int_equal(amqpc_items_init(&number, &items), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_items_init(&tree, &items), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_items_init(&unknown, &items), AMQPC_INVALID_ARGUMENT);
}

/* Slices that a caller made up: reads stay within them. */
static void test_slices_never_validated_are_read_within_bounds(void **state)
{
    (void)state;
    static const uint8_t wrong[][9] = {
        {0xa0, 9},
        {0xb1, 0, 0, 0, 9},
        {0xc0, 1},
        {0xc0, 9, 1},
        {0xd0, 0, 0, 0, 3, 0, 0, 0, 1},
        {0x80, 1, 2},
        {0x56},
        {0x73, 0},
        {0x3f},
        {0x98, 1},
        {0xe0, 0, 0},
        {0x00, 0x53},
        {0xb3, 0, 0, 0},
        {0xd1, 0, 0, 0},
    };
    static const size_t sizes[] = {2, 5, 2, 3, 9, 3, 1, 2, 1, 2, 3, 2, 4, 4};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const amqpc_value list = {
            .type = AMQPC_TYPE_LIST, .count = 1, .as.bytes = {wrong[i], sizes[i]}};
        amqpc_items items;
        amqpc_value value;
        size_t count = 7;
        assert_int_equal(amqpc_items_init(&list, &items), AMQPC_OK);
        assert_int_equal(amqpc_items_next(&items, &value, 1, &count), AMQPC_TRUNCATED);
        assert_int_equal(count, 7);
    }
    const uint8_t descriptor_cut[] = {0x00, 0xa3, 9};
    const amqpc_value arrays[] = {
        {.type = AMQPC_TYPE_ARRAY, .as.bytes = {descriptor_cut, 0}},
        {.type = AMQPC_TYPE_ARRAY, .as.bytes = {descriptor_cut, sizeof descriptor_cut}},
    };
    amqpc_items items;
    assert_int_equal(amqpc_items_init(&arrays[0], &items), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_items_init(&arrays[1], &items), AMQPC_INVALID_ARGUMENT);
    const amqpc_value map = {.type = AMQPC_TYPE_MAP, .count = 2, .as.bytes = {wrong[0], 2}};
    amqpc_value value;
    bool result = false;
    assert_int_equal(amqpc_map_get(&map, "k", 1, &value), AMQPC_TRUNCATED);
    assert_int_equal(amqpc_value_same(&map, &map, &result), AMQPC_TRUNCATED);
}

static void test_keys_are_found_in_maps_of_both_forms(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xc1, 12, 6,    0x43, 0x41, 0xa3, 1,   'a',
                             0x52, 1,  0xa1, 1,    'b',  0x40, 0x40};
    const amqpc_value items[] = {
        {.type = AMQPC_TYPE_UINT},
        {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = true},
        {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"a", 1}},
        {.type = AMQPC_TYPE_UINT, .as.u64 = 1},
        {.type = AMQPC_TYPE_STRING, .as.bytes = {"b", 1}},
        {.type = AMQPC_TYPE_NULL},
    };
    const amqpc_value maps[] = {
        decode(bytes, sizeof bytes - 1),
        {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 6, .as.items = items},
    };
    assert_true(same(&maps[0], &maps[1]));
    for (size_t i = 0; i < 2; i++) {
        amqpc_value value;
        assert_int_equal(amqpc_map_get(&maps[i], "a", 1, &value), AMQPC_OK);
        assert_int_equal(value.as.u64, 1);
        assert_int_equal(amqpc_map_get(&maps[i], "b", 1, &value), AMQPC_OK);
        assert_int_equal(value.type, AMQPC_TYPE_NULL);
        assert_int_equal(amqpc_map_get(&maps[i], "c", 1, &value), AMQPC_NOT_FOUND);
        assert_int_equal(amqpc_map_get(&maps[i], "", 0, &value), AMQPC_NOT_FOUND);
    }
}

static void test_encodings_do_not_tell_values_apart_but_types_do(void **state)
{
    (void)state;
    static const uint8_t small[] = {0xc0, 10, 4, 0x43, 0x53, 5, 0xa1, 1, 'x', 0xc1, 1, 0};
    static const uint8_t large[] = {0xd0, 0,    0,   0,    33, 0, 0, 0, 4, 0x70, 0,    0, 0,
                                    0,    0x80, 0,   0,    0,  0, 0, 0, 0, 5,    0xb1, 0, 0,
                                    0,    1,    'x', 0xd1, 0,  0, 0, 4, 0, 0,    0,    0};
    amqpc_value left = decode(small, sizeof small);
    amqpc_value right = decode(large, sizeof large);
    assert_true(same(&left, &right));
    const amqpc_value values[] = {
        {.type = AMQPC_TYPE_UINT, .as.u64 = 1},
        {.type = AMQPC_TYPE_ULONG, .as.u64 = 1},
        {.type = AMQPC_TYPE_UINT, .as.u64 = 2},
        {.type = AMQPC_TYPE_FLOAT, .as.f32 = 0.0f},
        {.type = AMQPC_TYPE_FLOAT, .as.f32 = -0.0f},
        {.type = AMQPC_TYPE_STRING, .as.bytes = {"a", 1}},
        {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"a", 1}},
        {.type = AMQPC_TYPE_STRING, .as.bytes = {"ab", 2}},
        {.type = AMQPC_TYPE_STRING, .as.bytes = {"", 0}},
        {.type = AMQPC_TYPE_UUID, .as.octets = {1}},
        {.type = AMQPC_TYPE_UUID, .as.octets = {2}},
        {.type = AMQPC_TYPE_NULL},
        {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = true},
        {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = false},
        left,
    };
    const size_t count = sizeof values / sizeof values[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(same(&values[i], &values[j]), i == j);
        }
    }
}

static void test_arrays_are_told_apart_by_constructor_and_elements(void **state)
{
    (void)state;
    static const uint8_t bytes[][12] = {
        {0xe0, 3, 1, 0x52, 5},
        {0xe0, 3, 1, 0x53, 5},
        {0xe0, 6, 1, 0x00, 0x53, 1, 0x52, 5},
        {0xe0, 6, 1, 0x00, 0x53, 2, 0x52, 5},
        {0xe0, 9, 1, 0x00, 0x53, 1, 0x00, 0x53, 2, 0x52, 5},
        {0xe0, 2, 0, 0x52},
        {0xe0, 2, 0, 0x53},
    };
    static const size_t sizes[] = {5, 5, 8, 8, 11, 4, 4};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            amqpc_value left = decode(bytes[i], sizes[i]);
            amqpc_value right = decode(bytes[j], sizes[j]);
            assert_int_equal(same(&left, &right), i == j);
        }
    }
    const amqpc_value parts[] = {{.type = AMQPC_TYPE_ULONG, .as.u64 = 1},
                                 {.type = AMQPC_TYPE_UINT, .as.u64 = 5}};
    const amqpc_value element = {
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
    const amqpc_value tree = {
        .type = AMQPC_TYPE_ARRAY, .form = AMQPC_FORM_ITEMS, .count = 1, .as.items = &element};
    const amqpc_value plain = {
        .type = AMQPC_TYPE_ARRAY, .form = AMQPC_FORM_ITEMS, .count = 1, .as.items = &parts[1]};
    amqpc_value described = decode(bytes[2], sizes[2]);
    amqpc_value numbers = decode(bytes[0], sizes[0]);
    bool result = false;
    assert_int_equal(amqpc_value_same(&tree, &described, &result), AMQPC_INVALID_ARGUMENT);
    assert_true(same(&plain, &numbers));
    assert_true(same(&tree, &tree));
}

static void test_trees_too_deep_to_compare_or_bound_are_refused(void **state)
{
    (void)state;
    amqpc_value nested[AMQPC_DEPTH_MAX + 2];
    nested[0] = (amqpc_value){.type = AMQPC_TYPE_NULL};
    for (size_t i = 1; i < AMQPC_DEPTH_MAX + 2; i++) {
        nested[i] = (amqpc_value){.type = AMQPC_TYPE_LIST,
                                  .form = AMQPC_FORM_ITEMS,
                                  .count = 1,
                                  .as.items = &nested[i - 1]};
    }
    bool result = false;
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body = nested[AMQPC_DEPTH_MAX];
    assert_true(amqpc_message_encoded_bound(&message, 0) < SIZE_MAX);
    assert_true(same(&message.body, &message.body));
    message.body = nested[AMQPC_DEPTH_MAX + 1];
    assert_int_equal(amqpc_message_encoded_bound(&message, 0), SIZE_MAX);
    assert_int_equal(amqpc_value_same(&message.body, &message.body, &result), AMQPC_TOO_DEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_come_in_batches_of_any_size),
        cmocka_unit_test(test_elements_of_described_arrays_share_the_descriptor),
        cmocka_unit_test(test_a_described_value_has_two_elements),
        cmocka_unit_test(test_only_encoded_compounds_have_items),
        cmocka_unit_test(test_slices_never_validated_are_read_within_bounds),
        cmocka_unit_test(test_keys_are_found_in_maps_of_both_forms),
        cmocka_unit_test(test_encodings_do_not_tell_values_apart_but_types_do),
        cmocka_unit_test(test_arrays_are_told_apart_by_constructor_and_elements),
        cmocka_unit_test(test_trees_too_deep_to_compare_or_bound_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
