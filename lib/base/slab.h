/* Slabs: large blocks of bytes that many views share (the receive path's input).
 *
 * A slab is filled from its front and lives until its last reference is dropped, by whatever
 * thread (AMQP deliveries outlive the connection that they came by). Views hold a reference each.
 *
 * A pool accounts for the slabs that are alive, keeps a few that are free for the next use, and
 * lives as long as the last of its slabs. */
#ifndef AMQPCI_BASE_SLAB_H
#define AMQPCI_BASE_SLAB_H

#include <stdatomic.h>
#include <stdint.h>

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

#include "base/compiler.h"

typedef struct amqpci_slab amqpci_slab;
typedef struct amqpci_slab_pool amqpci_slab_pool;

/* Nobody but slab.c uses other members than `data`. */
struct amqpci_slab {
    amqpc_allocator allocator;
    amqpci_slab_pool *pool;
    atomic_size_t references;
    size_t capacity;
    uint8_t data[];
};

/* Makes a pool; amqpci_slab_pool_close lets it go. capacity: of the slabs that are kept for the
 * next use; others are freed. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_slab_pool_new(const amqpc_allocator *allocator, size_t capacity,
                                              amqpci_slab_pool **pool);

/* Ends the pool's use: slabs that are alive stay so. NULL is ignored. */
void amqpci_slab_pool_close(amqpci_slab_pool *pool);

/* Frees the slabs that are kept for the next use, and those whose last reference is dropped before
 * a slab is asked for again: who is silent keeps none, however late views of it are released. */
void amqpci_slab_pool_trim(amqpci_slab_pool *pool);

/* Bytes of all slabs of the pool that somebody holds. By any thread. */
size_t amqpci_slab_pool_size(const amqpci_slab_pool *pool);

/* Makes a slab of `capacity` bytes, with one reference, which the caller drops by
 * amqpci_slab_drop. pool: NULL for none. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_slab_new(const amqpc_allocator *allocator, amqpci_slab_pool *pool,
                                         size_t capacity, amqpci_slab **slab);

/* Adds references: whoever gives many away takes them in advance, and hands them out without an
 * atomic operation each. */
void amqpci_slab_hold(amqpci_slab *slab, size_t count);

/* Drops references; the last one frees the slab. NULL is ignored. */
void amqpci_slab_drop(amqpci_slab *slab, size_t count);

/* Nobody holds a reference but the caller, who has `count`, so that the slab may be filled anew. */
bool amqpci_slab_sole(const amqpci_slab *slab, size_t count);

/* The first byte, and how many there is room for. */
AMQPCI_INLINE uint8_t *amqpci_slab_data(amqpci_slab *slab)
{
    return slab->data;
}

size_t amqpci_slab_capacity(const amqpci_slab *slab);

#endif
