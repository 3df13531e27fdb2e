/* The unsettled map of attach, and looking deliveries up by their tags (AMQP 2.6.13, 2.7.3). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "codec/store.h"
#include "engine/recovery.h"
#include "engine/settlement.h"

enum {
    ENTRIES_MAX = 30000,   /* of one map: readers limit a compound's elements, here to 65,536 */
    STATE_SIZE_MAX = 1024, /* of one state; of a longer one the map has no more than the type */
    MAP_HEAD_MAX = 16
};

/* --- By tag. */

static int compare(const uint8_t *left, size_t left_size, const uint8_t *right, size_t right_size)
{
    size_t shared = left_size < right_size ? left_size : right_size;
    int order = shared == 0 ? 0 : memcmp(left, right, shared);
    return order != 0 ? order : (left_size > right_size) - (left_size < right_size);
}

static int by_tag(const void *left, const void *right)
{
    const amqpci_tagged *a = (const amqpci_tagged *)left;
    const amqpci_tagged *b = (const amqpci_tagged *)right;
    return compare(a->tag, a->tag_size, b->tag, b->tag_size);
}

void amqpci_suspended_forget_tags(amqpc_link *link)
{
    amqpci_release(&link->connection->allocator, link->suspended.by_tag);
    link->suspended.by_tag = NULL;
    link->suspended.by_tag_count = 0;
}

static void close_gaps(amqpci_suspended *suspended)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < suspended->count; i++) {
        if (suspended->deliveries[i] != NULL) {
            suspended->deliveries[kept++] = suspended->deliveries[i];
        }
    }
    suspended->count = kept;
}

/* A table that is sorted, and not hashed: the peer chooses the tags, and cannot make it slow. */
amqpc_status amqpci_suspended_sort_tags(amqpc_link *link)
{
    amqpci_suspended *suspended = &link->suspended;
    const amqpc_allocator *allocator = &link->connection->allocator;
    amqpci_suspended_forget_tags(link);
    close_gaps(suspended);
    if (suspended->count == 0) {
        return AMQPC_OK;
    }
    amqpci_tagged *sorted = (amqpci_tagged *)allocator->allocate(
        allocator->context, suspended->count * sizeof(amqpci_tagged));
    if (sorted == NULL) {
        return AMQPC_NO_MEMORY;
    }
    for (uint32_t i = 0; i < suspended->count; i++) {
        uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
        amqpc_bytes tag = amqpci_delivery_tag(suspended->deliveries[i], link->role, storage);
        sorted[i].position = i;
        sorted[i].tag_size = (uint8_t)tag.size;
        if (tag.size > 0) {
            memcpy(sorted[i].tag, tag.data, tag.size);
        }
    }
    qsort(sorted, suspended->count, sizeof *sorted, by_tag);
    suspended->by_tag = sorted;
    suspended->by_tag_count = suspended->count;
    return AMQPC_OK;
}

uint32_t amqpci_suspended_find(const amqpci_suspended *suspended, amqpc_bytes tag)
{
    uint32_t low = 0;
    uint32_t high = suspended->by_tag_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const amqpci_tagged *entry = &suspended->by_tag[middle];
        int order = compare(entry->tag, entry->tag_size, (const uint8_t *)tag.data, tag.size);
        if (order == 0) {
            return entry->position;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return UINT32_MAX;
}

/* --- States. */

uint8_t amqpci_recovery_state(const amqpci_delivery *delivery, bool role)
{
    bool goes_by_remote = role == AMQPC_ROLE_SENDER && !amqpci_is_outcome(delivery->local_state) &&
                          amqpci_is_outcome(delivery->remote_state);
    return goes_by_remote ? delivery->remote_state : delivery->local_state;
}

amqpc_bytes amqpci_recovery_encoded_state(const amqpci_delivery *delivery, bool remote,
                                          uint8_t storage[4])
{
    uint8_t code = remote ? delivery->remote_state : delivery->local_state;
    if (code == AMQPC_COMPOSITE_NONE) {
        return (amqpc_bytes){NULL, 0};
    }
    bool plain = code == AMQPC_COMPOSITE_ACCEPTED || code == AMQPC_COMPOSITE_RELEASED;
    if (!plain && amqpci_delivery_has_extra(delivery)) {
        amqpc_bytes kept = remote ? delivery->extra->remote_state : delivery->extra->local_state;
        if (kept.size > 0) {
            return kept;
        }
    }
    storage[0] = 0; /* the constructor of a described value */
    storage[1] = AMQPC_CODE_SMALLULONG;
    storage[2] = code;
    storage[3] = AMQPC_CODE_LIST0;
    return (amqpc_bytes){storage, 4};
}

/* --- The map. */

/* One entry, where it leaves the map within its size. *fits: whether it did. */
static amqpc_status store_entry(amqpci_sink *sink, const amqpc_link *link,
                                const amqpci_delivery *delivery, size_t size_max, bool *fits)
{
    uint8_t tag_storage[AMQPC_DELIVERY_TAG_MAX];
    uint8_t state_storage[4];
    amqpc_bytes tag = amqpci_delivery_tag(delivery, link->role, tag_storage);
    bool remote = amqpci_recovery_state(delivery, link->role) != delivery->local_state;
    amqpc_bytes state = amqpci_recovery_encoded_state(delivery, remote, state_storage);
    if (state.size > STATE_SIZE_MAX || state.size > size_max / 4) {
        amqpci_delivery plain = {.local_state = amqpci_recovery_state(delivery, link->role)};
        bool known = plain.local_state != AMQPCI_STATE_OTHER;
        plain.local_state = known ? plain.local_state : (uint8_t)AMQPC_COMPOSITE_NONE;
        state = amqpci_recovery_encoded_state(&plain, false, state_storage);
    }
    *fits = amqpci_sink_offset(sink) + tag.size + state.size + MAP_HEAD_MAX <= size_max;
    if (!*fits) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpci_store_binary(sink, tag);
    if (status == AMQPC_OK) {
        status = amqpci_sink_reserve(sink, state.size + 1);
    }
    if (status == AMQPC_OK && state.size > 0) {
        memcpy(sink->position, state.data, state.size);
        sink->position += state.size;
    } else if (status == AMQPC_OK) {
        status = amqpci_store_byte(sink, AMQPC_CODE_NULL);
    }
    return status;
}

static amqpc_status store_map(amqpci_sink *sink, amqpc_link *link, size_t size_max)
{
    const amqpci_suspended *suspended = &link->suspended;
    amqpci_open_compound map;
    amqpc_status status = amqpci_begin_compound(sink, AMQPC_TYPE_MAP, AMQPC_CODE_SMALLEST, 0,
                                                (size_t)2 * suspended->count, &map);
    uint32_t entries = 0;
    bool fits = true;
    for (uint32_t i = 0; i < suspended->count && status == AMQPC_OK && fits; i++) {
        if (suspended->deliveries[i] == NULL) {
            continue;
        }
        fits = entries < ENTRIES_MAX;
        if (fits) {
            status = store_entry(sink, link, suspended->deliveries[i], size_max, &fits);
            entries += status == AMQPC_OK && fits;
        }
    }
    link->map_incomplete = !fits;
    map.count = 2 * entries;
    return status == AMQPC_OK ? amqpci_end_compound(sink, &map) : status;
}

amqpc_status amqpci_recovery_encode_unsettled(amqpc_link *link, size_t size_max,
                                              amqpc_bytes *encoded)
{
    amqpc_buffer *buffer = NULL;
    amqpci_sink sink;
    *encoded = (amqpc_bytes){NULL, 0};
    link->map_incomplete = false;
    if (link->suspended.count == 0) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_init_growable(&sink, buffer);
    status = store_map(&sink, link, size_max);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        amqpc_bytes bytes = {amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)};
        status = amqpci_connection_keep(link->connection, bytes, encoded);
    }
    amqpc_buffer_free(buffer);
    return status;
}
