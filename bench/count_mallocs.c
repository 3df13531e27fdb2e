/* To be preloaded: counts the calls that allocate memory. */
#include "count_mallocs.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

uint64_t count_mallocs_calls;

void *malloc(size_t size)
{
    count_mallocs_calls++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_mallocs_calls++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    count_mallocs_calls++;
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    count_mallocs_calls++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count_mallocs_calls++;
    return __libc_memalign(alignment, size);
}
