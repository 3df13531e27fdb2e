/* delivery-id -> delivery, of one session and direction: a ring for the recent ids, and a hash
 * table for stragglers (AMQP 2.6.12, 2.8.7).
 *
 * Adding, finding and removing take constant time, amortised; memory is proportional to the
 * deliveries that are there, whatever the distance between the oldest and the newest. Going over a
 * range costs what is in it, not its width: a bitmap of the ring is searched by words. Ids are
 * serial numbers and wrap. */
#ifndef AMQPCI_ENGINE_DELIVERY_INDEX_H
#define AMQPCI_ENGINE_DELIVERY_INDEX_H

#include <assert.h>
#include <stddef.h>

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

#include "base/compiler.h"
#include "base/serial.h"

typedef struct amqpci_straggler {
    uint32_t id;
    uint32_t next; /* in the same bucket: position plus 1, or 0 */
    void *delivery;
} amqpci_straggler;

typedef struct amqpci_delivery_index {
    void **ring;        /* capacity places, NULL where empty; an id's is id & (capacity - 1) */
    uint64_t *occupied; /* a bit for each place of the ring; the memory of both starts here */
    uint32_t capacity;  /* 0 or a power of two, 64 or more */
    uint32_t first;     /* the ring holds ids from here, up to but not including `next` */
    uint32_t next;      /* id that may be added next; `capacity` after `first` at most */
    uint32_t ring_count;
    uint32_t unclaimed_until; /* no straggler's id is in [next, unclaimed_until) */
    uint32_t straggler_count;
    uint32_t straggler_capacity;  /* of both of these; 0 or a power of two */
    amqpci_straggler *stragglers; /* without holes; the memory of both starts here */
    uint32_t *buckets;            /* position plus 1 of the first straggler of a hash, or 0 */
} amqpci_delivery_index;

/* Makes it empty; allocates nothing. next: the id that is added first. */
void amqpci_delivery_index_init(amqpci_delivery_index *index, uint32_t next);

/* Frees its memory, not the deliveries. */
void amqpci_delivery_index_clean_up(amqpci_delivery_index *index, const amqpc_allocator *allocator);

/* Gives back what memory an empty index holds; of one that is not empty, the ring's or the
 * stragglers', where there are none of these. */
void amqpci_delivery_index_trim(amqpci_delivery_index *index, const amqpc_allocator *allocator);

/* Called with a delivery that becomes a straggler, at most once for each, so that it may let go of
 * shared memory. It leaves the index alone. */
typedef void amqpci_became_straggler(void *context, void *delivery);

/* What these leave to do where the id is not in the ring, or not to be put there at once. */
AMQPC_CHECK amqpc_status amqpci_delivery_index_add_slowly(amqpci_delivery_index *index,
                                                          const amqpc_allocator *allocator,
                                                          uint32_t id, void *delivery,
                                                          amqpci_became_straggler *became_straggler,
                                                          void *context);
void *amqpci_delivery_index_get_straggler(const amqpci_delivery_index *index, uint32_t id);
void *amqpci_delivery_index_remove_straggler(amqpci_delivery_index *index, uint32_t id);

/* How many ids there are from `from` up to but not including `to`. */
AMQPCI_INLINE uint32_t amqpci_ids_between(uint32_t from, uint32_t to)
{
    return (uint32_t)amqpci_serial_distance(from, to);
}

/* Puts it into the ring, which has room for it. */
AMQPCI_INLINE void amqpci_delivery_index_put(amqpci_delivery_index *index, uint32_t id,
                                             void *delivery)
{
    uint32_t place = id & (index->capacity - 1);
    index->ring[place] = delivery;
    index->occupied[place / 64] |= (uint64_t)1 << place % 64;
    index->ring_count++;
    index->next = amqpci_serial_add(id, 1);
}

/* Adds a delivery (not NULL) under the id `next` or a later one, less than 2^31 ahead; `next` moves
 * behind it. The ids between stay empty. became_straggler may be NULL. AMQPC_NO_MEMORY, or
 * AMQPC_BAD_DELIVERY_ID where a delivery of 2^32 ids ago still has the id, with nothing changed. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_delivery_index_add(
    amqpci_delivery_index *index, const amqpc_allocator *allocator, uint32_t id, void *delivery,
    amqpci_became_straggler *became_straggler, void *context)
{
    assert(delivery != NULL);
    if (AMQPCI_UNLIKELY(id != index->next || id == index->unclaimed_until ||
                        amqpci_ids_between(index->first, id) >= index->capacity)) {
        return amqpci_delivery_index_add_slowly(index, allocator, id, delivery, became_straggler,
                                                context);
    }
    amqpci_delivery_index_put(index, id, delivery);
    return AMQPC_OK;
}

/* What the ring holds under an id, or NULL. */
AMQPCI_INLINE void *amqpci_delivery_index_get_recent(const amqpci_delivery_index *index,
                                                     uint32_t id)
{
    if (amqpci_ids_between(index->first, id) >= amqpci_ids_between(index->first, index->next)) {
        return NULL;
    }
    return index->ring[id & (index->capacity - 1)];
}

/* The delivery of an id, or NULL. */
AMQPCI_INLINE void *amqpci_delivery_index_get(const amqpci_delivery_index *index, uint32_t id)
{
    void *delivery = amqpci_delivery_index_get_recent(index, id);
    if (AMQPCI_LIKELY(delivery != NULL) || index->straggler_count == 0) {
        return delivery;
    }
    return amqpci_delivery_index_get_straggler(index, id);
}

/* Takes the delivery of an id out; gives it, or NULL. */
AMQPCI_INLINE void *amqpci_delivery_index_remove(amqpci_delivery_index *index, uint32_t id)
{
    void *delivery = amqpci_delivery_index_get_recent(index, id);
    if (AMQPCI_UNLIKELY(delivery == NULL)) {
        return index->straggler_count == 0 ? NULL
                                           : amqpci_delivery_index_remove_straggler(index, id);
    }
    uint32_t place = id & (index->capacity - 1);
    index->ring[place] = NULL;
    index->occupied[place / 64] &= ~((uint64_t)1 << place % 64);
    index->ring_count--;
    return delivery;
}

/* The first delivery with an id in [*id, last] (serial numbers; last is less than 2^31 ahead), and
 * its id; NULL where there is none. Stragglers are not among them: see
 * amqpci_delivery_index_next_straggler. The index may change between calls. */
void *amqpci_delivery_index_next(const amqpci_delivery_index *index, uint32_t *id, uint32_t last);

/* Goes over the stragglers, in no order of ids, at the cost of their number: *place is 0 at first.
 * NULL at the end. The one just given may be removed; nothing else may change meanwhile. */
void *amqpci_delivery_index_next_straggler(const amqpci_delivery_index *index, uint32_t *place,
                                           uint32_t *id);

/* The ids from `next` on are empty, and may be added again. */
void amqpci_delivery_index_rewind(amqpci_delivery_index *index, uint32_t next);

/* How many deliveries there are. */
AMQPCI_INLINE uint32_t amqpci_delivery_index_count(const amqpci_delivery_index *index)
{
    return index->ring_count + index->straggler_count;
}

#endif
