/* Making and freeing deliveries, their rare parts, and their tags. */
#include <stddef.h>
#include <string.h>

#include "base/byte_order.h"
#include "base/memory.h"
#include "engine/delivery.h"

enum { CHUNK_COUNT = 72, FIRST_EPOCH = 1, LONG_TAG_SIZE = 8 };

typedef struct amqpci_delivery_chunk {
    struct amqpci_delivery_chunk *next;
    amqpci_delivery deliveries[CHUNK_COUNT]; /* a chunk is just below 4 KiB */
} amqpci_delivery_chunk;

void amqpci_delivery_store_init(amqpci_delivery_store *store, const amqpc_allocator *allocator)
{
    *store = (amqpci_delivery_store){.allocator = *allocator};
}

static void free_memory(amqpci_delivery_store *store)
{
    while (store->chunks != NULL) {
        amqpci_delivery_chunk *chunk = store->chunks;
        store->chunks = chunk->next;
        amqpci_release(&store->allocator, chunk);
    }
    store->free_first = NULL;
    while (store->free_extras != NULL) {
        amqpci_delivery_extra *extra = store->free_extras;
        store->free_extras = extra->next;
        amqpci_release(&store->allocator, extra);
    }
}

void amqpci_delivery_store_clean_up(amqpci_delivery_store *store)
{
    free_memory(store);
    store->live_count = 0;
}

void amqpci_delivery_store_trim(amqpci_delivery_store *store)
{
    if (store->live_count == 0) {
        free_memory(store);
    }
}

bool amqpci_delivery_store_grow(amqpci_delivery_store *store)
{
    amqpci_delivery_chunk *chunk =
        (amqpci_delivery_chunk *)store->allocator.allocate(store->allocator.context, sizeof *chunk);
    if (chunk == NULL) {
        return false;
    }
    chunk->next = store->chunks;
    store->chunks = chunk;
    for (unsigned i = CHUNK_COUNT; i-- > 0;) {
        chunk->deliveries[i].next = store->free_first;
        store->free_first = &chunk->deliveries[i];
    }
    return true;
}

amqpci_shared_state *amqpci_shared_state_new(const amqpc_allocator *allocator, amqpc_bytes encoded)
{
    amqpci_shared_state *made =
        (amqpci_shared_state *)allocator->allocate(allocator->context, sizeof *made + encoded.size);
    if (made != NULL) {
        made->references = 1;
        made->size = encoded.size;
        memcpy(made->bytes, encoded.data, encoded.size);
    }
    return made;
}

void amqpci_shared_state_drop(const amqpc_allocator *allocator, amqpci_shared_state *state)
{
    if (state != NULL && --state->references == 0) {
        amqpci_release(allocator, state);
    }
}

static void free_local_state(amqpci_delivery_store *store, amqpci_delivery_extra *extra)
{
    amqpci_release(&store->allocator, (void *)(uintptr_t)extra->local_state.data);
    extra->local_state = (amqpc_bytes){NULL, 0};
}

static void free_remote_state(amqpci_delivery_store *store, amqpci_delivery_extra *extra)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)extra->remote_state.data;
    if (bytes != NULL) {
        void *state = bytes - offsetof(amqpci_shared_state, bytes);
        amqpci_shared_state_drop(&store->allocator, (amqpci_shared_state *)state);
    }
    extra->remote_state = (amqpc_bytes){NULL, 0};
}

void amqpci_delivery_free_extra(amqpci_delivery_store *store, amqpci_delivery *delivery)
{
    if (amqpci_delivery_has_extra(delivery)) {
        amqpci_delivery_extra *extra = delivery->extra;
        free_local_state(store, extra);
        free_remote_state(store, extra);
        extra->next = store->free_extras;
        store->free_extras = extra;
        delivery->context = extra->context;
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_HAS_EXTRA;
    }
}

void amqpci_delivery_framed(amqpci_delivery_store *store, amqpci_delivery *delivery)
{
    if (!amqpci_delivery_has_extra(delivery)) {
        return;
    }
    const amqpci_delivery_extra *extra = delivery->extra;
    bool needed = delivery->flags & AMQPCI_DELIVERY_RESUMED || extra->local_state.size > 0 ||
                  extra->remote_state.size > 0 || extra->message_format != 0 ||
                  extra->has_rcv_settle_mode || extra->tag_size > 0;
    if (!needed) {
        amqpci_delivery_free_extra(store, delivery);
    }
}

amqpc_status amqpci_delivery_need_extra(amqpci_delivery_store *store, amqpci_delivery *delivery)
{
    if (amqpci_delivery_has_extra(delivery)) {
        return AMQPC_OK;
    }
    amqpci_delivery_extra *extra = store->free_extras;
    if (extra != NULL) {
        store->free_extras = extra->next;
        memset(extra, 0, sizeof *extra);
    } else {
        extra = (amqpci_delivery_extra *)amqpci_new(&store->allocator, sizeof *extra);
    }
    if (extra == NULL) {
        return AMQPC_NO_MEMORY;
    }
    extra->context = delivery->context;
    extra->framed_size = amqpci_outgoing_framed_size(delivery);
    delivery->extra = extra;
    delivery->flags |= AMQPCI_DELIVERY_HAS_EXTRA;
    return AMQPC_OK;
}

amqpc_status amqpci_delivery_share_state(amqpci_delivery_store *store, amqpci_delivery *delivery,
                                         amqpci_shared_state *state)
{
    amqpc_status status = amqpci_delivery_need_extra(store, delivery);
    if (status == AMQPC_OK) {
        state->references++;
        free_remote_state(store, delivery->extra);
        delivery->extra->remote_state = (amqpc_bytes){state->bytes, state->size};
    }
    return status;
}

static amqpc_status keep_remote_state(amqpci_delivery_store *store, amqpci_delivery *delivery,
                                      amqpc_bytes encoded)
{
    amqpci_shared_state *state = amqpci_shared_state_new(&store->allocator, encoded);
    if (state == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = amqpci_delivery_share_state(store, delivery, state);
    amqpci_shared_state_drop(&store->allocator, state);
    return status;
}

amqpc_status amqpci_delivery_keep_state(amqpci_delivery_store *store, amqpci_delivery *delivery,
                                        bool remote, amqpc_bytes encoded)
{
    if (remote) {
        return keep_remote_state(store, delivery, encoded);
    }
    amqpc_status status = amqpci_delivery_need_extra(store, delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    void *copy = store->allocator.allocate(store->allocator.context, encoded.size);
    if (copy == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(copy, encoded.data, encoded.size);
    free_local_state(store, delivery->extra);
    delivery->extra->local_state = (amqpc_bytes){copy, encoded.size};
    return AMQPC_OK;
}

void amqpci_delivery_list_remove(amqpci_delivery_list *list, const amqpci_delivery *delivery)
{
    amqpci_delivery *before = NULL;
    for (amqpci_delivery *at = list->first; at != NULL; before = at, at = at->next) {
        if (at == delivery) {
            if (before == NULL) {
                list->first = at->next;
            } else {
                before->next = at->next;
            }
            if (list->last == at) {
                list->last = before;
            }
            return;
        }
    }
}

/* A sender's own tags are the delivery's number: in a link's first attachment, as most are, its id
 * without leading zeros, which is shorter than any tag of a later one. */
amqpc_bytes amqpci_made_tag(uint64_t number, uint8_t storage[AMQPC_DELIVERY_TAG_MAX])
{
    if (number >> 32 != FIRST_EPOCH) {
        amqpci_store64(storage, number);
        return (amqpc_bytes){storage, LONG_TAG_SIZE};
    }
    uint32_t id = (uint32_t)number;
    unsigned size = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
    amqpci_store32(storage, id << (8 * (4 - size)));
    return (amqpc_bytes){storage, size};
}

amqpc_status amqpci_delivery_keep_tag(amqpci_delivery_store *store, amqpci_delivery *delivery,
                                      amqpc_bytes tag)
{
    uint8_t *place = delivery->as.tag;
    if (tag.size > AMQPCI_SHORT_TAG_MAX) {
        amqpc_status status = amqpci_delivery_need_extra(store, delivery);
        if (status != AMQPC_OK) {
            return status;
        }
        place = delivery->extra->tag_storage;
    }
    delivery->tag_size = (uint8_t)tag.size;
    amqpci_copy(place, (const uint8_t *)tag.data, tag.size);
    return AMQPC_OK;
}

/* Of a receiver's delivery. */
static amqpc_bytes received_tag(const amqpci_delivery *delivery)
{
    const uint8_t *tag = delivery->as.tag;
    if (!(delivery->flags & AMQPCI_DELIVERY_TAKEN)) {
        tag = amqpci_incoming_tag(delivery);
    } else if (delivery->tag_size > AMQPCI_SHORT_TAG_MAX) {
        tag = delivery->extra->tag_storage;
    }
    return (amqpc_bytes){tag, tag == NULL ? 0 : delivery->tag_size};
}

amqpc_bytes amqpci_delivery_tag(const amqpci_delivery *delivery, bool role,
                                uint8_t storage[AMQPC_DELIVERY_TAG_MAX])
{
    if (role == AMQPC_ROLE_RECEIVER) {
        return received_tag(delivery);
    }
    if (amqpci_delivery_has_extra(delivery) && delivery->extra->tag_size > 0) {
        return (amqpc_bytes){delivery->extra->tag_storage, delivery->extra->tag_size};
    }
    return amqpci_made_tag(amqpci_delivery_number(delivery), storage);
}
