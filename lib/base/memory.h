/* Calls of the allocator that an object was made with. */
#ifndef AMQPCI_BASE_MEMORY_H
#define AMQPCI_BASE_MEMORY_H

#include <amqpcodec/allocator.h>

/* The given allocator, or the C library's for NULL. */
amqpc_allocator amqpci_allocator_or_default(const amqpc_allocator *allocator);

/* Zeroed memory for one object, or NULL. */
void *amqpci_new(const amqpc_allocator *allocator, size_t size);

static inline void *amqpci_reallocate(const amqpc_allocator *allocator, void *memory, size_t size)
{
    return allocator->reallocate(allocator->context, memory, size);
}

static inline void amqpci_release(const amqpc_allocator *allocator, void *memory)
{
    allocator->release(allocator->context, memory);
}

#endif
