/* The index of deliveries: how the ring makes room, and the table of stragglers (AMQP 2.6.12).
 *
 * Room is made at the ring's old end. The ring doubles only where it is half full, so that one old
 * delivery cannot stretch it; where it is not, the oldest deliveries move to the stragglers, each
 * once at most. */
#include "engine/delivery_index.h"

#include <string.h>

#include "base/memory.h"

enum {
    RING_MIN = 64,
    RING_KEPT = 2048,
    RING_MAX = 1 << 30,
    STRAGGLERS_MIN = 16,
    STRAGGLERS_MAX = 1 << 30
};

void amqpci_delivery_index_init(amqpci_delivery_index *index, uint32_t next)
{
    *index = (amqpci_delivery_index){.first = next, .next = next, .unclaimed_until = next};
}

static void free_ring(amqpci_delivery_index *index, const amqpc_allocator *allocator)
{
    amqpci_release(allocator, index->occupied);
    index->occupied = NULL;
    index->ring = NULL;
    index->capacity = 0;
    index->ring_count = 0;
    index->first = index->next;
}

static void free_stragglers(amqpci_delivery_index *index, const amqpc_allocator *allocator)
{
    amqpci_release(allocator, index->stragglers);
    index->stragglers = NULL;
    index->buckets = NULL;
    index->straggler_capacity = 0;
    index->straggler_count = 0;
}

void amqpci_delivery_index_clean_up(amqpci_delivery_index *index, const amqpc_allocator *allocator)
{
    free_ring(index, allocator);
    free_stragglers(index, allocator);
}

void amqpci_delivery_index_trim(amqpci_delivery_index *index, const amqpc_allocator *allocator)
{
    if (index->ring_count == 0) {
        free_ring(index, allocator);
    }
    if (index->straggler_count == 0) {
        free_stragglers(index, allocator);
    }
}

/* Finds the first occupied place of the ring among `count` ids from *id, all of them in the ring.
 */
static bool find_occupied(const amqpci_delivery_index *index, uint32_t *id, uint32_t count)
{
    while (count > 0) {
        uint32_t place = *id & (index->capacity - 1);
        uint64_t word = index->occupied[place / 64] >> place % 64;
        uint32_t step = word != 0 ? (uint32_t)__builtin_ctzll(word) : 64 - place % 64;
        if (step >= count) {
            return false;
        }
        *id = amqpci_serial_add(*id, step);
        if (word != 0) {
            return true;
        }
        count -= step;
    }
    return false;
}

void *amqpci_delivery_index_next(const amqpci_delivery_index *index, uint32_t *id, uint32_t last)
{
    uint32_t from = *id;
    if (amqpci_serial_distance(from, last) < 0 || index->ring_count == 0) {
        return NULL;
    }
    /* The range and the ring are both narrower than 2^31 ids, so that they overlap once at most. */
    if (amqpci_ids_between(index->first, from) >= amqpci_ids_between(index->first, index->next)) {
        if (amqpci_ids_between(from, index->first) > amqpci_ids_between(from, last)) {
            return NULL;
        }
        from = index->first;
    }
    uint32_t count = amqpci_ids_between(from, index->next);
    uint32_t before_last = amqpci_ids_between(from, last);
    if (!find_occupied(index, &from, before_last < count ? before_last + 1 : count)) {
        return NULL;
    }
    *id = from;
    return index->ring[from & (index->capacity - 1)];
}

void *amqpci_delivery_index_next_straggler(const amqpci_delivery_index *index, uint32_t *place,
                                           uint32_t *id)
{
    /* From the last to the first, because removing one puts the last into its position. *place is
     * the position given before, plus 1. */
    uint32_t left = *place == 0 ? index->straggler_count : *place - 1;
    if (left == 0) {
        return NULL;
    }
    assert(left <= index->straggler_count);
    *place = left;
    *id = index->stragglers[left - 1].id;
    return index->stragglers[left - 1].delivery;
}

/* The bucket of an id. The peer may choose which ids become stragglers, and the address of the
 * table, which it does not know, keeps it from choosing ids of one bucket. Order shows nowhere. */
AMQPCI_WRAPS static uint32_t *bucket_of(const amqpci_delivery_index *index, uint32_t id)
{
    uint64_t multiplier = ((uint64_t)(uintptr_t)index->buckets * 0x9e3779b97f4a7c15u) | 1;
    uint64_t hash = id * multiplier >> 32;
    return &index->buckets[hash * index->straggler_capacity >> 32];
}

/* What refers to the straggler of an id, or the 0 at the end of its bucket. */
static uint32_t *find_straggler(const amqpci_delivery_index *index, uint32_t id)
{
    uint32_t *link = bucket_of(index, id);
    while (*link != 0 && index->stragglers[*link - 1].id != id) {
        link = &index->stragglers[*link - 1].next;
    }
    return link;
}

void *amqpci_delivery_index_get_straggler(const amqpci_delivery_index *index, uint32_t id)
{
    if (index->straggler_count == 0) {
        return NULL;
    }
    uint32_t found = *find_straggler(index, id);
    return found == 0 ? NULL : index->stragglers[found - 1].delivery;
}

void *amqpci_delivery_index_remove_straggler(amqpci_delivery_index *index, uint32_t id)
{
    if (index->straggler_count == 0) {
        return NULL;
    }
    uint32_t *link = find_straggler(index, id);
    uint32_t found = *link;
    if (found == 0) {
        return NULL;
    }
    void *delivery = index->stragglers[found - 1].delivery;
    *link = index->stragglers[found - 1].next;
    uint32_t last = index->straggler_count--;
    if (found != last) {
        *find_straggler(index, index->stragglers[last - 1].id) = found;
        index->stragglers[found - 1] = index->stragglers[last - 1];
    }
    return delivery;
}

/* Puts the straggler at a position into its bucket. */
static void link_straggler(amqpci_delivery_index *index, uint32_t position)
{
    uint32_t *bucket = bucket_of(index, index->stragglers[position].id);
    index->stragglers[position].next = *bucket;
    *bucket = position + 1;
}

/* Memory for as many items of one size and then of another; NULL. */
static void *allocate_pair(const amqpc_allocator *allocator, uint32_t count, size_t size,
                           uint32_t other_count, size_t other_size)
{
    size_t bytes = 0;
    size_t other_bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_mul_overflow(other_count, other_size, &other_bytes) ||
        __builtin_add_overflow(bytes, other_bytes, &bytes)) {
        return NULL;
    }
    return amqpci_reallocate(allocator, NULL, bytes);
}

static amqpc_status resize_stragglers(amqpci_delivery_index *index,
                                      const amqpc_allocator *allocator, uint32_t capacity)
{
    amqpci_straggler *stragglers = (amqpci_straggler *)allocate_pair(
        allocator, capacity, sizeof *index->stragglers, capacity, sizeof *index->buckets);
    if (stragglers == NULL) {
        return AMQPC_NO_MEMORY;
    }
    if (index->straggler_count > 0) {
        memcpy(stragglers, index->stragglers, index->straggler_count * sizeof *stragglers);
    }
    amqpci_release(allocator, index->stragglers);
    index->stragglers = stragglers;
    index->buckets = (uint32_t *)(void *)(stragglers + capacity);
    index->straggler_capacity = capacity;
    memset(index->buckets, 0, capacity * sizeof *index->buckets);
    for (uint32_t i = 0; i < index->straggler_count; i++) {
        link_straggler(index, i);
    }
    return AMQPC_OK;
}

/* Makes room for `more` stragglers; gives back most of the memory of many former ones. */
static amqpc_status reserve_stragglers(amqpci_delivery_index *index,
                                       const amqpc_allocator *allocator, uint32_t more)
{
    uint32_t needed = index->straggler_count + more;
    bool fits = needed <= index->straggler_capacity;
    bool far_too_large =
        index->straggler_capacity > STRAGGLERS_MIN && needed <= index->straggler_capacity / 16;
    if (more == 0 || (fits && !far_too_large)) {
        return AMQPC_OK;
    }
    if (needed > STRAGGLERS_MAX) {
        return AMQPC_NO_MEMORY;
    }
    uint32_t capacity = STRAGGLERS_MIN;
    while (capacity < needed) {
        capacity *= 2;
    }
    amqpc_status status = resize_stragglers(index, allocator, capacity);
    return fits ? AMQPC_OK : status;
}

/* Moves the deliveries of the ring's first `count` ids to the stragglers, which have room. */
static void move_out(amqpci_delivery_index *index, uint32_t count,
                     amqpci_became_straggler *became_straggler, void *context)
{
    uint32_t end = amqpci_serial_add(index->first, count);
    uint32_t id = index->first;
    while (find_occupied(index, &id, amqpci_ids_between(id, end))) {
        uint32_t place = id & (index->capacity - 1);
        void *delivery = index->ring[place];
        index->ring[place] = NULL;
        index->occupied[place / 64] &= ~((uint64_t)1 << place % 64);
        index->ring_count--;
        if (index->straggler_count == 0) {
            index->unclaimed_until = id;
        }
        uint32_t position = index->straggler_count++;
        index->stragglers[position] = (amqpci_straggler){.id = id, .delivery = delivery};
        link_straggler(index, position);
        if (became_straggler != NULL) {
            became_straggler(context, delivery);
        }
    }
    index->first = end;
}

/* How many deliveries the ring holds among its first `count` ids. */
static uint32_t count_occupied(const amqpci_delivery_index *index, uint32_t count)
{
    uint32_t end = amqpci_serial_add(index->first, count);
    uint32_t id = index->first;
    uint32_t found = 0;
    while (find_occupied(index, &id, amqpci_ids_between(id, end))) {
        id = amqpci_serial_add(id, 1);
        found++;
    }
    return found;
}

/* Lets the ring start at its oldest delivery. */
static void skip_empty(amqpci_delivery_index *index)
{
    if (index->ring_count == 0) {
        index->first = index->next;
        return;
    }
    bool found = find_occupied(index, &index->first, amqpci_ids_between(index->first, index->next));
    assert(found);
    (void)found;
}

/* Moves the ring into other memory, which has places for all ids from first to next. */
static void move_ring(amqpci_delivery_index *index, const amqpc_allocator *allocator,
                      uint64_t *occupied, uint32_t capacity)
{
    void **ring = (void **)(void *)(occupied + capacity / 64);
    memset(occupied, 0, capacity / 64 * sizeof *occupied);
    memset(ring, 0, capacity * sizeof *ring);
    uint32_t id = index->first;
    while (find_occupied(index, &id, amqpci_ids_between(id, index->next))) {
        uint32_t place = id & (capacity - 1);
        ring[place] = index->ring[id & (index->capacity - 1)];
        occupied[place / 64] |= (uint64_t)1 << place % 64;
        id = amqpci_serial_add(id, 1);
    }
    amqpci_release(allocator, index->occupied);
    index->occupied = occupied;
    index->ring = ring;
    index->capacity = capacity;
}

/* The capacity that the ring is to have so that it takes up the id `distance` after its first. */
static uint32_t choose_capacity(const amqpci_delivery_index *index, uint32_t distance)
{
    uint32_t capacity = index->capacity;
    if (capacity == 0) {
        return RING_MIN;
    }
    if (distance >= capacity && distance / 2 < capacity && capacity < RING_MAX &&
        index->ring_count >= capacity / 2) {
        return capacity * 2;
    }
    /* Most of a large ring is empty: going over it would cost more than what is in it. One that is
     * not large is kept: bursts would make it shrink and grow for ever. */
    if (index->ring_count <= capacity / 16) {
        while (capacity > RING_KEPT && index->ring_count <= capacity / 8) {
            capacity /= 2;
        }
    }
    return capacity;
}

/* Lets the ring take up an id. All memory is there before the first delivery moves. */
static amqpc_status make_room(amqpci_delivery_index *index, const amqpc_allocator *allocator,
                              uint32_t id, amqpci_became_straggler *became_straggler, void *context)
{
    skip_empty(index);
    uint32_t distance = amqpci_ids_between(index->first, id);
    uint32_t capacity = choose_capacity(index, distance);
    uint32_t leaving = distance < capacity ? 0 : distance - capacity + 1;
    uint32_t span = amqpci_ids_between(index->first, index->next);
    leaving = leaving < span ? leaving : span;
    amqpc_status status = reserve_stragglers(index, allocator, count_occupied(index, leaving));
    if (status != AMQPC_OK) {
        return status;
    }
    uint64_t *occupied = NULL;
    if (capacity != index->capacity) {
        occupied = (uint64_t *)allocate_pair(allocator, capacity / 64, sizeof *occupied, capacity,
                                             sizeof *index->ring);
        if (occupied == NULL && capacity > index->capacity) {
            return AMQPC_NO_MEMORY;
        }
    }
    move_out(index, leaving, became_straggler, context);
    if (occupied != NULL) {
        move_ring(index, allocator, occupied, capacity);
    }
    return AMQPC_OK;
}

void amqpci_delivery_index_rewind(amqpci_delivery_index *index, uint32_t next)
{
    index->next = next;
    if (index->ring_count == 0) {
        index->first = next;
    }
}

amqpc_status amqpci_delivery_index_add_slowly(amqpci_delivery_index *index,
                                              const amqpc_allocator *allocator, uint32_t id,
                                              void *delivery,
                                              amqpci_became_straggler *became_straggler,
                                              void *context)
{
    if (index->ring_count == 0 && index->straggler_count == 0) {
        /* However many ids were passed over: nothing is left of them. */
        index->first = id;
        index->next = id;
        index->unclaimed_until = id;
    }
    uint32_t skipped = amqpci_ids_between(index->next, id);
    if (skipped > INT32_MAX) {
        return AMQPC_BAD_DELIVERY_ID;
    }
    /* 2^32 ids after the oldest straggler's. */
    bool wrapped = amqpci_ids_between(index->next, index->unclaimed_until) <= skipped;
    if (wrapped && amqpci_delivery_index_get_straggler(index, id) != NULL) {
        return AMQPC_BAD_DELIVERY_ID;
    }
    bool had_stragglers = index->straggler_count > 0;
    if (amqpci_ids_between(index->first, id) >= index->capacity) {
        amqpc_status status = make_room(index, allocator, id, became_straggler, context);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    if (index->ring_count == 0) {
        index->first = id;
    }
    amqpci_delivery_index_put(index, id, delivery);
    if (wrapped && had_stragglers) {
        index->unclaimed_until = index->next;
    } else if (wrapped && index->straggler_count == 0) {
        index->unclaimed_until = id;
    }
    return AMQPC_OK;
}
