/* Handles: generations, stale handles, reuse, and failing allocations. */
#include "base/handle_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

enum { MANY = 1000 };
static int objects[MANY];

static uint64_t add(amqpci_handle_table *table, void *object)
{
    uint64_t handle = 0;
    assert_int_equal(amqpci_handle_table_add(table, object, &handle), AMQPC_OK);
    assert_true(handle != 0);
    return handle;
}

static amqpci_handle_table make_table(uint32_t slot_max)
{
    amqpci_handle_table table;
    amqpci_handle_table_init(&table, NULL, slot_max);
    return table;
}

static void test_a_handle_finds_its_object(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(UINT32_MAX);
    uint64_t handles[MANY];
    for (size_t i = 0; i < MANY; i++) {
        handles[i] = add(&table, &objects[i]);
    }
    assert_int_equal(table.live_count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(amqpci_handle_table_get(&table, handles[i]), &objects[i]);
        for (size_t j = 0; j < 3 && j < i; j++) {
            assert_true(handles[i] != handles[j]);
        }
    }
    amqpci_handle_table_clean_up(&table);
}

static void test_a_table_allocates_nothing_before_its_first_object(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpci_handle_table table;
    amqpci_handle_table_init(&table, &failing.allocator, 10);
    assert_int_equal(failing.allocations, 0);
    assert_null(amqpci_handle_table_get(&table, 0));
    assert_null(amqpci_handle_table_get(&table, (uint64_t)1 << 32));
    amqpci_handle_table_clean_up(&table);
    assert_int_equal(failing.live, 0);
}

static void test_a_removed_object_is_given_back_once(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(10);
    uint64_t handle = add(&table, &objects[0]);
    assert_ptr_equal(amqpci_handle_table_remove(&table, handle), &objects[0]);
    assert_null(amqpci_handle_table_get(&table, handle));
    assert_null(amqpci_handle_table_remove(&table, handle));
    assert_int_equal(table.live_count, 0);
    amqpci_handle_table_clean_up(&table);
}

static void test_a_stale_handle_does_not_reach_the_next_user_of_its_slot(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(1);
    uint64_t stale[MANY];
    for (size_t i = 0; i < MANY; i++) {
        stale[i] = add(&table, &objects[i]);
        for (size_t j = 0; j < i; j++) {
            assert_null(amqpci_handle_table_get(&table, stale[j]));
            assert_null(amqpci_handle_table_remove(&table, stale[j]));
        }
        assert_ptr_equal(amqpci_handle_table_remove(&table, stale[i]), &objects[i]);
    }
    assert_int_equal(table.slot_count, 1);
    amqpci_handle_table_clean_up(&table);
}

static void test_handles_that_never_were_find_nothing(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(100);
    uint64_t handle = add(&table, &objects[0]);
    uint32_t index = (uint32_t)handle;
    assert_null(amqpci_handle_table_get(&table, 0));
    assert_null(amqpci_handle_table_get(&table, UINT64_MAX));
    assert_null(amqpci_handle_table_get(&table, index));
    assert_null(amqpci_handle_table_get(&table, handle + ((uint64_t)1 << 32)));
    assert_null(amqpci_handle_table_get(&table, handle + ((uint64_t)2 << 32)));
    for (uint64_t generation = 0; generation < 4; generation++) {
        assert_null(amqpci_handle_table_get(&table, generation << 32 | (index + 1)));
        assert_null(amqpci_handle_table_get(&table, generation << 32 | table.slot_count));
        assert_null(amqpci_handle_table_get(&table, generation << 32 | UINT32_MAX));
    }
    assert_ptr_equal(amqpci_handle_table_get(&table, handle), &objects[0]);
    amqpci_handle_table_clean_up(&table);
}

static void test_a_full_table_refuses_until_a_slot_is_free(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        amqpci_handle_table table = make_table(sizes[i]);
        uint64_t handles[MANY];
        uint64_t untouched = 77;
        for (uint32_t j = 0; j < sizes[i]; j++) {
            handles[j] = add(&table, &objects[j]);
        }
        assert_int_equal(amqpci_handle_table_add(&table, &objects[0], &untouched),
                         AMQPC_BUFFER_FULL);
        assert_true(untouched == 77);
        assert_int_equal(table.slot_count, sizes[i]);
        assert_non_null(amqpci_handle_table_remove(&table, handles[sizes[i] / 2]));
        (void)add(&table, &objects[200]);
        assert_int_equal(amqpci_handle_table_add(&table, &objects[0], &untouched),
                         AMQPC_BUFFER_FULL);
        amqpci_handle_table_clean_up(&table);
    }
}

static void test_a_table_of_no_slots_is_always_full(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(0);
    uint64_t handle = 0;
    assert_int_equal(amqpci_handle_table_add(&table, &objects[0], &handle), AMQPC_BUFFER_FULL);
    amqpci_handle_table_clean_up(&table);
}

static void test_churn_reuses_slots(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(UINT32_MAX);
    uint64_t handles[5];
    for (size_t round = 0; round < 10000; round++) {
        for (size_t i = 0; i < 5; i++) {
            handles[i] = add(&table, &objects[i]);
        }
        for (size_t i = 0; i < 5; i++) {
            size_t which = (i * 3 + round) % 5;
            assert_ptr_equal(amqpci_handle_table_remove(&table, handles[which]), &objects[which]);
        }
    }
    assert_int_equal(table.slot_count, 8);
    assert_int_equal(table.live_count, 0);
    amqpci_handle_table_clean_up(&table);
}

static void test_a_slot_is_retired_before_its_handles_repeat(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(2);
    uint64_t first = add(&table, &objects[0]);
    uint32_t index = (uint32_t)first;
    assert_non_null(amqpci_handle_table_remove(&table, first));
    table.slots[index].generation = UINT32_MAX - 1; /* after 2^31 - 1 uses */
    uint64_t last = add(&table, &objects[1]);
    assert_int_equal((uint32_t)last, index);
    assert_int_equal(last >> 32, UINT32_MAX);
    assert_ptr_equal(amqpci_handle_table_remove(&table, last), &objects[1]);
    assert_null(amqpci_handle_table_get(&table, last));
    assert_null(amqpci_handle_table_get(&table, first));
    uint64_t other = add(&table, &objects[2]);
    assert_int_not_equal((uint32_t)other, index);
    uint64_t handle = 0;
    assert_int_equal(amqpci_handle_table_add(&table, &objects[3], &handle), AMQPC_BUFFER_FULL);
    assert_null(amqpci_handle_table_get(&table, first));
    amqpci_handle_table_clean_up(&table);
}

static void test_a_table_works_again_after_cleaning_up(void **state)
{
    (void)state;
    amqpci_handle_table table = make_table(20);
    uint64_t handle = add(&table, &objects[0]);
    amqpci_handle_table_clean_up(&table);
    assert_null(amqpci_handle_table_get(&table, handle));
    assert_int_equal(table.live_count, 0);
    handle = add(&table, &objects[1]);
    assert_ptr_equal(amqpci_handle_table_get(&table, handle), &objects[1]);
    amqpci_handle_table_clean_up(&table);
    amqpci_handle_table_clean_up(&table);
}

static void growing_scenario(const amqpc_allocator *allocator)
{
    amqpci_handle_table table;
    amqpci_handle_table_init(&table, allocator, 1000);
    uint64_t handles[100];
    uint32_t count = 0;
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && count < 100) {
        status = amqpci_handle_table_add(&table, &objects[count], &handles[count]);
        count += status == AMQPC_OK;
    }
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    assert_int_equal(table.live_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_ptr_equal(amqpci_handle_table_get(&table, handles[i]), &objects[i]);
    }
    amqpci_handle_table_clean_up(&table);
}

static void test_failing_allocations_are_reported_and_lose_no_handle(void **state)
{
    (void)state;
    assert_survives_failing_allocations(growing_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handle_finds_its_object),
        cmocka_unit_test(test_a_table_allocates_nothing_before_its_first_object),
        cmocka_unit_test(test_a_removed_object_is_given_back_once),
        cmocka_unit_test(test_a_stale_handle_does_not_reach_the_next_user_of_its_slot),
        cmocka_unit_test(test_handles_that_never_were_find_nothing),
        cmocka_unit_test(test_a_full_table_refuses_until_a_slot_is_free),
        cmocka_unit_test(test_a_table_of_no_slots_is_always_full),
        cmocka_unit_test(test_churn_reuses_slots),
        cmocka_unit_test(test_a_slot_is_retired_before_its_handles_repeat),
        cmocka_unit_test(test_a_table_works_again_after_cleaning_up),
        cmocka_unit_test(test_failing_allocations_are_reported_and_lose_no_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
