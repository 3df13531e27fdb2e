/* The C library's allocator behind amqpc_allocator. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void *libc_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *libc_reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size);
}

static void libc_release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

amqpc_allocator amqpci_allocator_or_default(const amqpc_allocator *allocator)
{
    const amqpc_allocator libc = {NULL, libc_allocate, libc_reallocate, libc_release};
    return allocator != NULL ? *allocator : libc;
}

void *amqpci_new(const amqpc_allocator *allocator, size_t size)
{
    void *memory = allocator->allocate(allocator->context, size);
    if (memory != NULL) {
        memset(memory, 0, size);
    }
    return memory;
}
