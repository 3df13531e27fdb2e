/* The heap of deadlines, against a plain search. */
#include "transport/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/failing_allocator.h"

enum { TIMERS = 64, STEPS = 20000 };

static uint64_t soonest(const amqpci_timer *timers)
{
    uint64_t found = AMQPCI_NEVER;
    for (size_t i = 0; i < TIMERS; i++) {
        if (timers[i].deadline_ms < found) {
            found = timers[i].deadline_ms;
        }
    }
    return found;
}

static void test_the_first_deadline_is_always_the_soonest(void **state)
{
    (void)state;
    const amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_timers heap = {0};
    amqpci_timer timers[TIMERS];
    uint32_t random = 1;
    assert_int_equal(amqpci_timers_reserve(&heap, &allocator, TIMERS), AMQPC_OK);
    for (size_t i = 0; i < TIMERS; i++) {
        amqpci_timer_init(&timers[i]);
    }
    for (size_t i = 0; i < STEPS; i++) {
        random = random * 1664525u + 1013904223u;
        amqpci_timer *timer = &timers[random >> 16 & (TIMERS - 1)];
        uint32_t choice = random >> 24;
        if (choice < 16) {
            amqpci_timers_set(&heap, timer, AMQPCI_NEVER);
        } else if (choice < 32) {
            amqpci_timers_remove(&heap, timer);
            timer->deadline_ms = AMQPCI_NEVER;
        } else {
            amqpci_timers_set(&heap, timer, random >> 4 & 0xfff);
        }
        if (choice & 1) {
            assert_int_equal(amqpci_timers_next_ms(&heap), soonest(timers));
        }
    }
    amqpci_timers_clean_up(&heap, &allocator);
}

static void test_timers_come_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    const amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_timers heap = {0};
    amqpci_timer timers[3];
    assert_int_equal(amqpci_timers_reserve(&heap, &allocator, 3), AMQPC_OK);
    assert_null(amqpci_timers_first(&heap));
    for (size_t i = 0; i < 3; i++) {
        amqpci_timer_init(&timers[i]);
        amqpci_timers_set(&heap, &timers[i], 30 - 10 * i);
    }
    amqpci_timers_set(&heap, &timers[2], 40); /* moves on, behind the others */
    amqpci_timer *const expected[] = {&timers[1], &timers[0], &timers[2]};
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(amqpci_timers_first(&heap), expected[i]);
        amqpci_timers_remove(&heap, expected[i]);
    }
    assert_int_equal(amqpci_timers_next_ms(&heap), AMQPCI_NEVER);
    amqpci_timers_clean_up(&heap, &allocator);
}

static void test_row_101_without_memory_the_heap_stays_as_it_was(void **state)
{
    (void)state;
    failing_allocator failing;
    amqpci_timers heap = {0};
    failing_allocator_init(&failing, 1);
    assert_int_equal(amqpci_timers_reserve(&heap, &failing.allocator, 4), AMQPC_OK);
    assert_int_equal(amqpci_timers_reserve(&heap, &failing.allocator, 8), AMQPC_NO_MEMORY);
    assert_int_equal(heap.capacity, 4);
    amqpci_timers_clean_up(&heap, &failing.allocator);
    assert_int_equal(failing.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_deadline_is_always_the_soonest),
        cmocka_unit_test(test_timers_come_in_the_order_of_their_deadlines),
        cmocka_unit_test(test_row_101_without_memory_the_heap_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
