/* Where the broker's memory comes from: an amqpc_allocator, so that tests can make it fail. */
#ifndef AMQPCODEC_TOOLS_BROKER_ALLOCATION_H
#define AMQPCODEC_TOOLS_BROKER_ALLOCATION_H

#include <amqpcodec/allocator.h>
#include <stddef.h>

/* The C library's. */
extern const amqpc_allocator allocation_malloc;

/* NULL where there is no memory. */
void *allocation_take(const amqpc_allocator *allocator, size_t size);

/* All bytes zero. */
void *allocation_take_zeroed(const amqpc_allocator *allocator, size_t size);

/* memory: may be NULL. */
void allocation_give_back(const amqpc_allocator *allocator, void *memory);

#endif
