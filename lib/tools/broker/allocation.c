/* Where the broker's memory comes from. */
#include "tools/broker/allocation.h"

#include <stdlib.h>
#include <string.h>

static void *take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *take_again(void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size);
}

static void give_back(void *context, void *memory)
{
    (void)context;
    free(memory);
}

const amqpc_allocator allocation_malloc = {NULL, take, take_again, give_back};

void *allocation_take(const amqpc_allocator *allocator, size_t size)
{
    return allocator->allocate(allocator->context, size);
}

void *allocation_take_zeroed(const amqpc_allocator *allocator, size_t size)
{
    void *memory = allocation_take(allocator, size);
    if (memory != NULL) {
        memset(memory, 0, size);
    }
    return memory;
}

void allocation_give_back(const amqpc_allocator *allocator, void *memory)
{
    if (memory != NULL) {
        allocator->release(allocator->context, memory);
    }
}
