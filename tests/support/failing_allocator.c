/* An allocator that fails at a chosen allocation. */
#include "support/failing_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool fails_now(failing_allocator *failing)
{
    return failing->allocations++ == failing->fail_at;
}

static void *allocate(void *context, size_t size)
{
    failing_allocator *failing = (failing_allocator *)context;
    void *memory = fails_now(failing) ? NULL : malloc(size);
    failing->live += memory != NULL;
    return memory;
}

static void *reallocate(void *context, void *memory, size_t size)
{
    failing_allocator *failing = (failing_allocator *)context;
    void *moved = fails_now(failing) ? NULL : realloc(memory, size);
    failing->live += moved != NULL && memory == NULL;
    return moved;
}

static void release(void *context, void *memory)
{
    failing_allocator *failing = (failing_allocator *)context;
    failing->live -= memory != NULL;
    free(memory);
}

void failing_allocator_init(failing_allocator *failing, size_t fail_at)
{
    *failing = (failing_allocator){
        .allocator = {failing, allocate, reallocate, release},
        .fail_at = fail_at,
    };
}

void assert_survives_failing_allocations(allocating_scenario scenario)
{
    enum { MANY = 100000 };
    failing_allocator failing;
    for (size_t fail_at = 0; fail_at < MANY; fail_at++) {
        failing_allocator_init(&failing, fail_at);
        scenario(&failing.allocator);
        assert_int_equal(failing.live, 0);
        if (failing.allocations <= fail_at) {
            return;
        }
    }
    fail_msg("the scenario allocates more than %d times", MANY);
}
