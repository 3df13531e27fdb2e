/* Memory that is counted: each block has its size before it. */
#include "counted_memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef union head {
    size_t size;
    max_align_t alignment;
} head;

static void *allocate(void *context, size_t size)
{
    counted_memory *memory = (counted_memory *)context;
    memory->allocations++;
    memory->total_size += size;
    if (memory->fail_in > 0 && --memory->fail_in == 0) {
        memory->failures++;
        return NULL;
    }
    head *made = (head *)fuzz_allocate(sizeof(head) + size);
    made->size = size;
    memory->blocks++;
    memory->size += size;
    memory->size_max = memory->size > memory->size_max ? memory->size : memory->size_max;
    return made + 1;
}

static void release(void *context, void *block)
{
    counted_memory *memory = (counted_memory *)context;
    if (block != NULL) {
        head *made = (head *)block - 1;
        memory->blocks--;
        memory->size -= made->size;
        free(made);
    }
}

static void *reallocate(void *context, void *block, size_t size)
{
    void *moved = allocate(context, size);
    if (moved != NULL && block != NULL) {
        size_t before = ((head *)block - 1)->size;
        memcpy(moved, block, before < size ? before : size);
        release(context, block);
    }
    return moved;
}

void counted_memory_init(counted_memory *memory, uint64_t fail_in)
{
    *memory = (counted_memory){
        .allocator = {memory, allocate, reallocate, release},
        .fail_in = fail_in,
    };
}
