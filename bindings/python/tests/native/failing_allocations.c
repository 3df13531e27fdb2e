/* Allocations of the module, and of the library in it, that fail when a test says so. The linker
 * puts these functions in the place of the C library's (--wrap), in a module for tests only. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define FOR_TESTS __attribute__((visibility("default")))

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

FOR_TESTS void failing_allocations_arm(size_t first, size_t last);
FOR_TESTS size_t failing_allocations_disarm(void);
FOR_TESTS long failing_allocations_live(void);

/* Of the thread that has armed it: what other threads do is not repeatable. */
static _Thread_local bool is_armed;
static _Thread_local size_t first_failing;
static _Thread_local size_t last_failing;
static _Thread_local size_t attempts;

static atomic_long live;

/* From now on allocations of this thread are counted from 0, and those from first to last fail. */
void failing_allocations_arm(size_t first, size_t last)
{
    is_armed = true;
    first_failing = first;
    last_failing = last;
    attempts = 0;
}

/* None fails any more. Gives how many there were. */
size_t failing_allocations_disarm(void)
{
    is_armed = false;
    return attempts;
}

/* Blocks of all threads that are not freed. */
long failing_allocations_live(void)
{
    return atomic_load(&live);
}

static bool fails_now(void)
{
    if (!is_armed) {
        return false;
    }
    size_t attempt = attempts++;
    return attempt >= first_failing && attempt <= last_failing;
}

static void *counted(void *memory)
{
    if (memory != NULL) {
        (void)atomic_fetch_add(&live, 1);
    }
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (fails_now()) {
        return NULL;
    }
    void *moved = __real_realloc(memory, size);
    return memory == NULL ? counted(moved) : moved;
}

void __wrap_free(void *memory)
{
    if (memory != NULL) {
        (void)atomic_fetch_sub(&live, 1);
    }
    __real_free(memory);
}
