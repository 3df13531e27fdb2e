/* Growable buffers: contents, cap, and failing allocations. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

static amqpc_buffer *make_buffer(size_t cap)
{
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, cap, &buffer), AMQPC_OK);
    return buffer;
}

static void test_a_new_buffer_is_empty_and_has_no_data(void **state)
{
    (void)state;
    amqpc_buffer *buffer = make_buffer(SIZE_MAX);
    assert_int_equal(amqpc_buffer_size(buffer), 0);
    assert_null(amqpc_buffer_data(buffer));
    amqpc_buffer_free(buffer);
}

static void test_a_cap_of_zero_and_no_result_are_refused(void **state)
{
    (void)state;
    amqpc_buffer *untouched = (amqpc_buffer *)&state;
    assert_int_equal(amqpc_buffer_new(NULL, 0, &untouched), AMQPC_INVALID_ARGUMENT);
    assert_ptr_equal(untouched, &state);
    assert_int_equal(amqpc_buffer_new(NULL, 1, NULL), AMQPC_INVALID_ARGUMENT);
}

static void test_freeing_null_is_ignored(void **state)
{
    (void)state;
    amqpc_buffer_free(NULL);
}

static void test_appended_bytes_are_kept_in_order(void **state)
{
    (void)state;
    amqpc_buffer *buffer = make_buffer(SIZE_MAX);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[3] = {(uint8_t)i, (uint8_t)(i >> 8), 0xee};
        assert_int_equal(amqpc_buffer_append(buffer, bytes, sizeof bytes), AMQPC_OK);
    }
    assert_int_equal(amqpc_buffer_size(buffer), 15000);
    const uint8_t *data = amqpc_buffer_data(buffer);
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(data[3 * i] | data[3 * i + 1] << 8, i);
        assert_int_equal(data[3 * i + 2], 0xee);
    }
    amqpc_buffer_free(buffer);
}

static void test_nothing_may_be_appended_from_nowhere(void **state)
{
    (void)state;
    amqpc_buffer *buffer = make_buffer(1);
    assert_int_equal(amqpc_buffer_append(buffer, NULL, 0), AMQPC_OK);
    assert_null(amqpc_buffer_data(buffer));
    assert_int_equal(amqpc_buffer_append(buffer, "x", 1), AMQPC_OK);
    assert_int_equal(amqpc_buffer_append(buffer, NULL, 0), AMQPC_OK);
    assert_int_equal(amqpc_buffer_size(buffer), 1);
    amqpc_buffer_free(buffer);
}

/* Caps around the sizes that capacities take. */
static void test_a_buffer_holds_its_cap_and_not_a_byte_more(void **state)
{
    (void)state;
    static const size_t caps[] = {1, 2, 255, 256, 257, 300, 511, 512, 513, 1000, 4096};
    uint8_t bytes[4096];
    memset(bytes, 0x42, sizeof bytes);
    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        amqpc_buffer *at_once = make_buffer(caps[i]);
        assert_int_equal(amqpc_buffer_append(at_once, bytes, caps[i]), AMQPC_OK);
        assert_int_equal(amqpc_buffer_append(at_once, bytes, 1), AMQPC_BUFFER_FULL);
        assert_int_equal(amqpc_buffer_size(at_once), caps[i]);
        amqpc_buffer_free(at_once);
        amqpc_buffer *singly = make_buffer(caps[i]);
        for (size_t j = 0; j < caps[i]; j++) {
            assert_int_equal(amqpc_buffer_append(singly, bytes, 1), AMQPC_OK);
            assert_true(singly->capacity <= caps[i]);
        }
        assert_int_equal(amqpc_buffer_append(singly, bytes, 1), AMQPC_BUFFER_FULL);
        assert_memory_equal(amqpc_buffer_data(singly), bytes, caps[i]);
        amqpc_buffer_free(singly);
    }
}

static void test_a_size_that_would_overflow_is_beyond_the_cap(void **state)
{
    (void)state;
    amqpc_buffer *buffer = make_buffer(SIZE_MAX);
    assert_int_equal(amqpc_buffer_append(buffer, "abc", 3), AMQPC_OK);
    assert_int_equal(amqpci_buffer_reserve(buffer, SIZE_MAX), AMQPC_BUFFER_FULL);
    assert_int_equal(amqpci_buffer_reserve(buffer, SIZE_MAX - 2), AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_buffer_size(buffer), 3);
    amqpc_buffer_free(buffer);
}

static void test_a_refused_append_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    amqpc_buffer *buffer = make_buffer(4);
    assert_int_equal(amqpc_buffer_append(buffer, "abc", 3), AMQPC_OK);
    assert_int_equal(amqpc_buffer_append(buffer, "de", 2), AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_buffer_size(buffer), 3);
    assert_memory_equal(amqpc_buffer_data(buffer), "abc", 3);
    assert_int_equal(amqpc_buffer_append(buffer, "d", 1), AMQPC_OK);
    assert_memory_equal(amqpc_buffer_data(buffer), "abcd", 4);
    amqpc_buffer_free(buffer);
}

static void test_truncation_drops_bytes_and_keeps_memory(void **state)
{
    (void)state;
    amqpc_buffer *buffer = make_buffer(SIZE_MAX);
    assert_int_equal(amqpc_buffer_append(buffer, "abcdef", 6), AMQPC_OK);
    const uint8_t *data = amqpc_buffer_data(buffer);
    amqpc_buffer_truncate(buffer, 7);
    assert_int_equal(amqpc_buffer_size(buffer), 6);
    amqpc_buffer_truncate(buffer, 2);
    assert_int_equal(amqpc_buffer_size(buffer), 2);
    amqpc_buffer_truncate(buffer, 0);
    assert_int_equal(amqpc_buffer_size(buffer), 0);
    assert_int_equal(amqpc_buffer_append(buffer, "xyz", 3), AMQPC_OK);
    assert_ptr_equal(amqpc_buffer_data(buffer), data);
    assert_memory_equal(data, "xyz", 3);
    amqpc_buffer_free(buffer);
}

static void test_capacity_at_least_doubles(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(&failing.allocator, SIZE_MAX, &buffer), AMQPC_OK);
    for (unsigned i = 0; i < 1u << 16; i++) {
        assert_int_equal(amqpc_buffer_append(buffer, "x", 1), AMQPC_OK);
    }
    assert_true(failing.allocations <= 1 + 16);
    amqpc_buffer_free(buffer);
    assert_int_equal(failing.live, 0);
}

static void append_scenario(const amqpc_allocator *allocator)
{
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(allocator, SIZE_MAX, &buffer);
    size_t size = 0;
    uint8_t bytes[200] = {0};
    while (status == AMQPC_OK && size < 4000) {
        size = amqpc_buffer_size(buffer);
        status = amqpc_buffer_append(buffer, bytes, sizeof bytes);
    }
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    assert_true(buffer == NULL || status == AMQPC_OK || amqpc_buffer_size(buffer) == size);
    amqpc_buffer_free(buffer);
}

static void test_failing_allocations_are_reported_and_lose_nothing(void **state)
{
    (void)state;
    assert_survives_failing_allocations(append_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_buffer_is_empty_and_has_no_data),
        cmocka_unit_test(test_a_cap_of_zero_and_no_result_are_refused),
        cmocka_unit_test(test_freeing_null_is_ignored),
        cmocka_unit_test(test_appended_bytes_are_kept_in_order),
        cmocka_unit_test(test_nothing_may_be_appended_from_nowhere),
        cmocka_unit_test(test_a_buffer_holds_its_cap_and_not_a_byte_more),
        cmocka_unit_test(test_a_size_that_would_overflow_is_beyond_the_cap),
        cmocka_unit_test(test_a_refused_append_leaves_the_buffer_as_it_was),
        cmocka_unit_test(test_truncation_drops_bytes_and_keeps_memory),
        cmocka_unit_test(test_capacity_at_least_doubles),
        cmocka_unit_test(test_failing_allocations_are_reported_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
