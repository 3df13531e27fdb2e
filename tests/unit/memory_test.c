/* The allocator that objects are made with. */
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

static void test_null_selects_the_c_library(void **state)
{
    (void)state;
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    uint8_t *memory = (uint8_t *)amqpci_reallocate(&allocator, NULL, 3);
    assert_non_null(memory);
    memset(memory, 7, 3);
    memory = (uint8_t *)amqpci_reallocate(&allocator, memory, 5000);
    assert_non_null(memory);
    assert_int_equal(memory[2], 7);
    amqpci_release(&allocator, memory);
    amqpci_release(&allocator, NULL);
}

static void test_a_given_allocator_is_copied(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpc_allocator given = failing.allocator;
    amqpc_allocator copied = amqpci_allocator_or_default(&given);
    memset(&given, 0, sizeof given);
    void *memory = amqpci_new(&copied, 1);
    assert_non_null(memory);
    assert_int_equal(failing.live, 1);
    amqpci_release(&copied, memory);
    assert_int_equal(failing.live, 0);
}

static void test_new_memory_is_zeroed(void **state)
{
    (void)state;
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    for (size_t size = 1; size < 300; size += 7) {
        uint8_t *memory = (uint8_t *)amqpci_new(&allocator, size);
        assert_non_null(memory);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xff, size);
        amqpci_release(&allocator, memory);
    }
}

static void test_new_is_null_where_allocation_fails(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, 0);
    assert_null(amqpci_new(&failing.allocator, 8));
    assert_int_equal(failing.allocations, 1);
    assert_int_equal(failing.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_selects_the_c_library),
        cmocka_unit_test(test_a_given_allocator_is_copied),
        cmocka_unit_test(test_new_memory_is_zeroed),
        cmocka_unit_test(test_new_is_null_where_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
