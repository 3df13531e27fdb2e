/* An allocator that knows how many bytes are out: each block has its size before it. */
#include "support/counting_allocator.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef union head {
    size_t size;
    max_align_t alignment;
} head;

static void *allocate(void *context, size_t size)
{
    counting_allocator *counting = (counting_allocator *)context;
    head *made = (head *)malloc(sizeof(head) + size);
    if (made == NULL) {
        return NULL;
    }
    made->size = size;
    counting->size += size;
    counting->blocks++;
    counting->allocations++;
    return made + 1;
}

static void release(void *context, void *memory)
{
    counting_allocator *counting = (counting_allocator *)context;
    if (memory != NULL) {
        head *made = (head *)memory - 1;
        counting->size -= made->size;
        counting->blocks--;
        free(made);
    }
}

static void *reallocate(void *context, void *memory, size_t size)
{
    void *moved = allocate(context, size);
    if (moved != NULL && memory != NULL) {
        size_t before = ((head *)memory - 1)->size;
        memcpy(moved, memory, before < size ? before : size);
        release(context, memory);
    }
    return moved;
}

void counting_allocator_init(counting_allocator *counting)
{
    *counting = (counting_allocator){.allocator = {counting, allocate, reallocate, release}};
}
