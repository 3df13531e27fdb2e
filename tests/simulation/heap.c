/* The memory of one end: each block carries its size. */
#include "simulation/heap.h"

#include <stdlib.h>
#include <string.h>

typedef union block {
    size_t size;
    max_align_t alignment;
} block;

static bool fails_now(heap *memory)
{
    memory->allocations++;
    if (memory->fail_in == 0 || --memory->fail_in > 0) {
        return false;
    }
    memory->failed++;
    return true;
}

static void count(heap *memory, size_t size)
{
    memory->live_blocks++;
    memory->live_bytes += size;
    if (memory->live_bytes > memory->peak_bytes) {
        memory->peak_bytes = memory->live_bytes;
    }
}

static void *allocate(void *context, size_t size)
{
    heap *memory = (heap *)context;
    block *made = fails_now(memory) ? NULL : (block *)malloc(sizeof(block) + size);
    if (made == NULL) {
        return NULL;
    }
    made->size = size;
    count(memory, size);
    memset(made + 1, 0xa5, size); /* what nobody wrote is the same in every run */
    return made + 1;
}

static void release(void *context, void *pointer)
{
    heap *memory = (heap *)context;
    if (pointer == NULL) {
        return;
    }
    block *freed = (block *)pointer - 1;
    memory->live_blocks--;
    memory->live_bytes -= freed->size;
    memset(pointer, 0x5a, freed->size);
    free(freed);
}

static void *reallocate(void *context, void *pointer, size_t size)
{
    void *moved = allocate(context, size);
    if (moved == NULL || pointer == NULL) {
        return moved;
    }
    size_t kept = ((block *)pointer - 1)->size;
    memcpy(moved, pointer, kept < size ? kept : size);
    release(context, pointer);
    return moved;
}

void heap_init(heap *memory)
{
    *memory = (heap){.allocator = {memory, allocate, reallocate, release}};
}
