/* An allocator that fails at a chosen allocation, and that notices leaks (hostile-inputs row
 * 101).
 *
 *     static void scenario(const amqpc_allocator *allocator) { ... }    every failure in it must be
 * AMQPC_NO_MEMORY, and be cleaned up assert_survives_failing_allocations(scenario); runs it with
 * allocation 0, 1, 2, ... failing, until none does */
#ifndef TESTS_SUPPORT_FAILING_ALLOCATOR_H
#define TESTS_SUPPORT_FAILING_ALLOCATOR_H

#include <amqpcodec/allocator.h>

typedef struct failing_allocator {
    amqpc_allocator allocator; /* hand this to the code under test */
    size_t fail_at;            /* index of the allocation that fails; SIZE_MAX for none */
    size_t allocations;        /* attempts so far */
    size_t live;               /* blocks not released */
} failing_allocator;

void failing_allocator_init(failing_allocator *failing, size_t fail_at);

typedef void (*allocating_scenario)(const amqpc_allocator *allocator);

/* Fails the test where a run leaks, or where the scenario allocates so often that it seems not to
 * end. */
void assert_survives_failing_allocations(allocating_scenario scenario);

#endif
