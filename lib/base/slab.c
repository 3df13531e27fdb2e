/* Slabs with atomic reference counts, and the pool that counts them. */
#include "base/slab.h"

#include <assert.h>

#include "base/memory.h"

enum { SPARE_COUNT = 4 };

struct amqpci_slab_pool {
    amqpc_allocator allocator;
    atomic_size_t references; /* the owner's, and one of each slab, spare ones included */
    atomic_size_t size;       /* capacities of the slabs that somebody holds */
    size_t capacity;          /* of the slabs that are worth keeping */
    _Atomic(amqpci_slab *) spares[SPARE_COUNT];
    atomic_bool closed;
    atomic_bool resting; /* trimmed, and no slab was asked for since: none is kept */
};

amqpc_status amqpci_slab_pool_new(const amqpc_allocator *allocator, size_t capacity,
                                  amqpci_slab_pool **pool)
{
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpci_slab_pool *made = (amqpci_slab_pool *)amqpci_new(&chosen, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    made->capacity = capacity;
    atomic_init(&made->references, 1);
    atomic_init(&made->size, 0);
    atomic_init(&made->closed, false);
    atomic_init(&made->resting, false);
    for (unsigned i = 0; i < SPARE_COUNT; i++) {
        atomic_init(&made->spares[i], NULL);
    }
    *pool = made;
    return AMQPC_OK;
}

static void drop_pool(amqpci_slab_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) == 1) {
        amqpc_allocator allocator = pool->allocator;
        amqpci_release(&allocator, pool);
    }
}

/* Frees a slab that nobody holds. */
static void free_slab(amqpci_slab *slab)
{
    amqpc_allocator allocator = slab->allocator;
    amqpci_slab_pool *pool = slab->pool;
    amqpci_release(&allocator, slab);
    if (pool != NULL) {
        drop_pool(pool);
    }
}

void amqpci_slab_pool_trim(amqpci_slab_pool *pool)
{
    atomic_store_explicit(&pool->resting, true, memory_order_relaxed);
    for (unsigned i = 0; i < SPARE_COUNT; i++) {
        amqpci_slab *spare = atomic_exchange(&pool->spares[i], NULL);
        if (spare != NULL) {
            free_slab(spare);
        }
    }
}

void amqpci_slab_pool_close(amqpci_slab_pool *pool)
{
    if (pool != NULL) {
        atomic_store(&pool->closed, true);
        amqpci_slab_pool_trim(pool);
        drop_pool(pool);
    }
}

size_t amqpci_slab_pool_size(const amqpci_slab_pool *pool)
{
    return atomic_load_explicit(&pool->size, memory_order_relaxed);
}

/* A spare slab, where there is one of the size wanted. */
static amqpci_slab *take_spare(amqpci_slab_pool *pool, size_t capacity)
{
    amqpci_slab *spare = NULL;
    if (pool != NULL && pool->capacity == capacity) {
        for (unsigned i = 0; i < SPARE_COUNT && spare == NULL; i++) {
            spare = atomic_exchange(&pool->spares[i], NULL);
        }
    }
    return spare;
}

amqpc_status amqpci_slab_new(const amqpc_allocator *allocator, amqpci_slab_pool *pool,
                             size_t capacity, amqpci_slab **slab)
{
    size_t size = 0;
    if (__builtin_add_overflow(sizeof(amqpci_slab), capacity, &size)) {
        return AMQPC_NO_MEMORY;
    }
    amqpci_slab *made = take_spare(pool, capacity);
    if (pool != NULL) {
        atomic_store_explicit(&pool->resting, false, memory_order_relaxed);
    }
    if (made == NULL) {
        amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
        made = (amqpci_slab *)chosen.allocate(chosen.context, size);
        if (made == NULL) {
            return AMQPC_NO_MEMORY;
        }
        made->allocator = chosen;
        made->pool = pool;
        made->capacity = capacity;
        if (pool != NULL) {
            atomic_fetch_add_explicit(&pool->references, 1, memory_order_relaxed);
        }
    }
    atomic_init(&made->references, 1);
    if (pool != NULL) {
        atomic_fetch_add_explicit(&pool->size, capacity, memory_order_relaxed);
    }
    *slab = made;
    return AMQPC_OK;
}

void amqpci_slab_hold(amqpci_slab *slab, size_t count)
{
    size_t before = atomic_fetch_add_explicit(&slab->references, count, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

/* Keeps a slab that nobody holds as a spare one; false where there are enough. */
static bool keep_spare(amqpci_slab_pool *pool, amqpci_slab *slab)
{
    for (unsigned i = 0; i < SPARE_COUNT; i++) {
        amqpci_slab *none = NULL;
        if (atomic_compare_exchange_strong(&pool->spares[i], &none, slab)) {
            return true;
        }
    }
    return false;
}

static void retire(amqpci_slab *slab)
{
    amqpci_slab_pool *pool = slab->pool;
    if (pool == NULL) {
        free_slab(slab);
        return;
    }
    atomic_fetch_sub_explicit(&pool->size, slab->capacity, memory_order_relaxed);
    /* Another thread may free the slab as soon as it is a spare one, and the owner close the pool.
     */
    atomic_fetch_add_explicit(&pool->references, 1, memory_order_relaxed);
    bool kept = slab->capacity == pool->capacity &&
                !atomic_load_explicit(&pool->resting, memory_order_relaxed) &&
                keep_spare(pool, slab);
    if (!kept) {
        free_slab(slab);
    }
    if (atomic_load(&pool->closed)) {
        amqpci_slab_pool_trim(pool);
    }
    drop_pool(pool);
}

void amqpci_slab_drop(amqpci_slab *slab, size_t count)
{
    /* Release orders this holder's reads before the free, acquire the free after everybody's reads.
     */
    if (slab != NULL &&
        atomic_fetch_sub_explicit(&slab->references, count, memory_order_acq_rel) == count) {
        retire(slab);
    }
}

bool amqpci_slab_sole(const amqpci_slab *slab, size_t count)
{
    return atomic_load_explicit(&slab->references, memory_order_acquire) == count;
}

size_t amqpci_slab_capacity(const amqpci_slab *slab)
{
    return slab->capacity;
}
