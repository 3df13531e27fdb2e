/* To be preloaded: counts the calls that allocate memory, and the memory that is live. */
#include "count_mallocs.h"

#include <errno.h>
#include <malloc.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

/* What glibc keeps beside the usable bytes of a block. */
enum { BLOCK_HEADER_SIZE = sizeof(size_t) };

uint64_t count_mallocs_calls;
int64_t count_mallocs_live_size;

static int64_t block_size(void *memory)
{
    return memory == NULL ? 0 : (int64_t)(malloc_usable_size(memory) + BLOCK_HEADER_SIZE);
}

static void *count_new(void *memory)
{
    count_mallocs_calls++;
    count_mallocs_live_size += block_size(memory);
    return memory;
}

void *malloc(size_t size)
{
    return count_new(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return count_new(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    int64_t old_size = block_size(memory);
    void *moved = __libc_realloc(memory, size);
    if (moved != NULL || size == 0) {
        count_mallocs_live_size -= old_size;
    }
    return count_new(moved);
}

void *memalign(size_t alignment, size_t size)
{
    return count_new(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return count_new(__libc_memalign(alignment, size));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *made = count_new(__libc_memalign(alignment, size));
    if (made == NULL) {
        return ENOMEM;
    }
    *memory = made;
    return 0;
}

void free(void *memory)
{
    count_mallocs_live_size -= block_size(memory);
    __libc_free(memory);
}
