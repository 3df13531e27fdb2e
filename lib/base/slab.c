/* Slabs with atomic reference counts. */
#include "base/slab.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/memory.h"

struct amqpci_slab {
    amqpc_allocator allocator;
    atomic_size_t references;
    size_t capacity;
    uint8_t data[];
};

amqpc_status amqpci_slab_new(const amqpc_allocator *allocator, size_t capacity, amqpci_slab **slab)
{
    size_t size = 0;
    if (__builtin_add_overflow(sizeof(amqpci_slab), capacity, &size)) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpci_slab *made = (amqpci_slab *)chosen.allocate(chosen.context, size);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    atomic_init(&made->references, 1);
    made->capacity = capacity;
    *slab = made;
    return AMQPC_OK;
}

void amqpci_slab_hold(amqpci_slab *slab)
{
    size_t before = atomic_fetch_add_explicit(&slab->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void amqpci_slab_drop(amqpci_slab *slab)
{
    /* Release orders this holder's reads before the free, acquire the free after everybody's reads.
     */
    if (slab != NULL &&
        atomic_fetch_sub_explicit(&slab->references, 1, memory_order_acq_rel) == 1) {
        amqpc_allocator allocator = slab->allocator;
        amqpci_release(&allocator, slab);
    }
}

bool amqpci_slab_sole(const amqpci_slab *slab)
{
    return atomic_load_explicit(&slab->references, memory_order_acquire) == 1;
}

uint8_t *amqpci_slab_data(amqpci_slab *slab)
{
    return slab->data;
}

size_t amqpci_slab_capacity(const amqpci_slab *slab)
{
    return slab->capacity;
}
