/* The memory that the index of deliveries takes and gives back, and what it does without. */
#include "delivery_index_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

static void test_a_large_ring_shrinks_when_few_are_left(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static test_delivery deliveries[MANY];
    amqpci_delivery_index index = make_index(0);
    for (uint32_t i = 0; i < MANY; i++) {
        add_delivery(&index, i, &deliveries[i]);
    }
    assert_int_equal(index.capacity, 8192);
    for (uint32_t i = 1; i < MANY; i++) {
        assert_ptr_equal(amqpci_delivery_index_remove(&index, i), &deliveries[i]);
    }
    for (uint32_t i = MANY; i < 3 * MANY; i++) {
        add_delivery(&index, i, &deliveries[1]);
        assert_ptr_equal(amqpci_delivery_index_remove(&index, i), &deliveries[1]);
    }
    assert_int_equal(index.capacity, 2048); /* smaller ones are kept */
    assert_ptr_equal(amqpci_delivery_index_get(&index, 0), &deliveries[0]);
    clean_up_index(&index);
}

static void test_a_ring_does_not_grow_for_a_gap_that_it_could_not_span(void **state)
{
    (void)state;
    static test_delivery deliveries[64];
    amqpci_delivery_index index = make_index(0);
    for (uint32_t i = 0; i < 64; i++) {
        add_delivery(&index, i, &deliveries[i]);
    }
    add_delivery(&index, 128, &deliveries[0]);
    assert_int_equal(index.capacity, 64);
    assert_int_equal(index.straggler_count, 64);
    clean_up_index(&index);
}

static void test_the_table_of_stragglers_shrinks_when_few_are_left(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static test_delivery deliveries[COUNT];
    amqpci_delivery_index index = make_index(0);
    add_stragglers(&index, deliveries, COUNT);
    assert_int_equal(index.straggler_capacity, 512);
    for (uint32_t i = 0; i < COUNT - 2; i++) {
        assert_ptr_equal(amqpci_delivery_index_remove(&index, deliveries[i].id), &deliveries[i]);
    }
    add_delivery(&index, index.next + 1000, &deliveries[0]);
    assert_int_equal(index.straggler_capacity, 16);
    assert_int_equal(index.straggler_count, 2);
    assert_ptr_equal(amqpci_delivery_index_get(&index, deliveries[COUNT - 1].id),
                     &deliveries[COUNT - 1]);
    clean_up_index(&index);
}

static void test_an_empty_index_holds_no_memory_after_trimming(void **state)
{
    (void)state;
    static test_delivery deliveries[100];
    failing_allocator counting;
    failing_allocator_init(&counting, SIZE_MAX);
    amqpci_delivery_index index = make_index(50);
    assert_int_equal(counting.allocations, 0);
    for (int round = 0; round < 3; round++) {
        uint32_t first = index.next;
        for (uint32_t i = 0; i < 100; i++) {
            uint32_t id = first + i * 10;
            assert_int_equal(amqpci_delivery_index_add(&index, &counting.allocator, id,
                                                       &deliveries[i], NULL, NULL),
                             AMQPC_OK);
        }
        assert_int_equal(counting.live, 2);
        amqpci_delivery_index_trim(&index, &counting.allocator);
        for (uint32_t i = 0; i < 100; i++) {
            assert_ptr_equal(amqpci_delivery_index_remove(&index, first + i * 10), &deliveries[i]);
        }
        amqpci_delivery_index_trim(&index, &counting.allocator);
        assert_int_equal(counting.live, 0);
        assert_int_equal(index.next, first + 991);
        assert_null(amqpci_delivery_index_get(&index, first));
        assert_null(amqpci_delivery_index_remove(&index, index.next));
    }
    amqpci_delivery_index_clean_up(&index, &counting.allocator);
    assert_int_equal(counting.live, 0);
}

/* Giving memory back needs some; where there is none, the old memory serves on. */
static void test_row_101_a_failure_to_shrink_is_no_failure(void **state)
{
    (void)state;
    enum { COUNT = 12000 };
    static test_delivery deliveries[COUNT];
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpci_delivery_index index = make_index(0);
    for (uint32_t i = 0; i < COUNT; i++) { /* half of them stragglers, half in the ring */
        uint32_t id = index.next + (i < COUNT / 2 ? 100 : 0);
        deliveries[i].id = id;
        assert_int_equal(
            amqpci_delivery_index_add(&index, &failing.allocator, id, &deliveries[i], NULL, NULL),
            AMQPC_OK);
    }
    for (uint32_t i = 0; i < COUNT - 1; i++) {
        assert_ptr_equal(amqpci_delivery_index_remove(&index, deliveries[i].id), &deliveries[i]);
    }
    uint32_t capacity = index.capacity;
    uint32_t straggler_capacity = index.straggler_capacity;
    assert_true(capacity > 2048 && straggler_capacity >= 1024);
    failing.fail_at = failing.allocations;
    assert_int_equal(amqpci_delivery_index_add(&index, &failing.allocator, index.next + 100000,
                                               &deliveries[0], NULL, NULL),
                     AMQPC_OK);
    assert_int_equal(index.straggler_capacity, straggler_capacity);
    assert_int_equal(index.capacity, 2048);
    assert_ptr_equal(amqpci_delivery_index_get(&index, deliveries[COUNT - 1].id),
                     &deliveries[COUNT - 1]);
    amqpci_delivery_index_clean_up(&index, &failing.allocator);
    assert_int_equal(failing.live, 0);
}

static void test_row_101_a_ring_that_cannot_shrink_serves_on(void **state)
{
    (void)state;
    enum { COUNT = 12000 };
    test_delivery delivery = {0};
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpci_delivery_index index = make_index(0);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(
            amqpci_delivery_index_add(&index, &failing.allocator, i, &delivery, NULL, NULL),
            AMQPC_OK);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(amqpci_delivery_index_remove(&index, i), &delivery);
    }
    failing.fail_at = failing.allocations;
    assert_int_equal(
        amqpci_delivery_index_add(&index, &failing.allocator, 100000, &delivery, NULL, NULL),
        AMQPC_OK);
    assert_int_equal(index.capacity, 16384);
    assert_ptr_equal(amqpci_delivery_index_get(&index, 100000), &delivery);
    amqpci_delivery_index_clean_up(&index, &failing.allocator);
    assert_int_equal(failing.live, 0);
}

/* Whatever fails, the index is as before, and works on. */
static void growing_scenario(const amqpc_allocator *allocator)
{
    enum { COUNT = 700 };
    static test_delivery deliveries[COUNT];
    memset(deliveries, 0, sizeof deliveries);
    amqpci_delivery_index index = make_index(UINT32_MAX - 100);
    unsigned moved = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t gap = i >= 300 && i < 500 ? 40 : 0;
        uint32_t id = amqpci_serial_add(index.next, gap);
        unsigned moved_before = moved;
        uint32_t next = index.next;
        amqpc_status status =
            amqpci_delivery_index_add(&index, allocator, id, &deliveries[i], count_move, &moved);
        if (status != AMQPC_OK) {
            assert_int_equal(status, AMQPC_NO_MEMORY);
            assert_int_equal(moved, moved_before);
            assert_int_equal(index.next, next);
            assert_int_equal(amqpci_delivery_index_count(&index), i);
            assert_null(amqpci_delivery_index_get(&index, id));
            assert_int_equal(amqpci_delivery_index_add(&index, allocator, id, &deliveries[i],
                                                       count_move, &moved),
                             AMQPC_OK);
        }
        deliveries[i].id = id;
    }
    assert_int_equal(amqpci_delivery_index_count(&index), COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(amqpci_delivery_index_get(&index, deliveries[i].id), &deliveries[i]);
        assert_true(deliveries[i].moved <= 1);
    }
    assert_true(index.straggler_count > 100);
    amqpci_delivery_index_clean_up(&index, allocator);
}

static void test_row_101_failing_allocations_change_nothing(void **state)
{
    (void)state;
    assert_survives_failing_allocations(growing_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_ring_shrinks_when_few_are_left),
        cmocka_unit_test(test_a_ring_does_not_grow_for_a_gap_that_it_could_not_span),
        cmocka_unit_test(test_the_table_of_stragglers_shrinks_when_few_are_left),
        cmocka_unit_test(test_an_empty_index_holds_no_memory_after_trimming),
        cmocka_unit_test(test_row_101_a_failure_to_shrink_is_no_failure),
        cmocka_unit_test(test_row_101_a_ring_that_cannot_shrink_serves_on),
        cmocka_unit_test(test_row_101_failing_allocations_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
