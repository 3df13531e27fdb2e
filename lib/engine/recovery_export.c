/* Unsettled deliveries as bytes, and one after the other (AMQP 2.6.13).
 *
 * An export is AMQP values, one behind the other: a header, and as many deliveries as it says.
 *
 *     @"amqpcodec:link-export" [version ubyte, role boolean, epoch uint, count uint]
 *     @"amqpcodec:delivery-export" [epoch uint, id uint, tag binary, state, remote-state,
 *         flags uint, context ulong, message-format uint, rcv-settle-mode ubyte, payload binary]
 *
 * Deliveries are in the order of their numbers. States are described, or null; rcv-settle-mode and
 * payload may be null. Of a receiver there is no payload. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/serial.h"
#include "codec/store.h"
#include "engine/recovery.h"
#include "engine/recovery_format.h"
#include "engine/settlement.h"

/* --- Export. */

static amqpc_status begin_described(amqpci_sink *sink, const char *name, size_t fields,
                                    amqpci_open_compound *list)
{
    amqpc_status status = amqpci_store_byte(sink, 0);
    if (status == AMQPC_OK) {
        status = amqpci_store_symbol(sink, (amqpc_bytes){name, strlen(name)});
    }
    if (status == AMQPC_OK) {
        status = amqpci_begin_compound(sink, AMQPC_TYPE_LIST, AMQPC_CODE_SMALLEST, 0, fields, list);
        list->count = (uint32_t)fields;
    }
    return status;
}

static amqpc_status store_header(amqpci_sink *sink, const amqpc_link *link, uint32_t count)
{
    amqpci_open_compound list;
    amqpc_status status = begin_described(sink, AMQPCI_EXPORT_NAME, AMQPCI_EXPORT_FIELDS, &list);
    if (status == AMQPC_OK) {
        status = amqpci_store_ubyte(sink, AMQPCI_EXPORT_VERSION);
    }
    if (status == AMQPC_OK) {
        status = amqpci_store_boolean(sink, link->role);
    }
    if (status == AMQPC_OK) {
        status = amqpci_store_uint(sink, link->epoch);
    }
    if (status == AMQPC_OK) {
        status = amqpci_store_uint(sink, count);
    }
    return status == AMQPC_OK ? amqpci_end_compound(sink, &list) : status;
}

static uint32_t exported_flags(const amqpci_delivery *delivery)
{
    uint32_t flags = 0;
    flags |= delivery->flags & AMQPCI_DELIVERY_STREAMED ? AMQPCI_EXPORTED_STREAMED : 0u;
    flags |= delivery->flags & AMQPCI_DELIVERY_BATCHABLE ? AMQPCI_EXPORTED_BATCHABLE : 0u;
    flags |= delivery->flags & AMQPCI_DELIVERY_MODE_SECOND ? AMQPCI_EXPORTED_MODE_SECOND : 0u;
    flags |= delivery->flags & AMQPCI_DELIVERY_SETTLED ? AMQPCI_EXPORTED_SETTLED : 0u;
    bool seen =
        (delivery->flags & (AMQPCI_DELIVERY_TAKEN | AMQPCI_DELIVERY_BARE)) == AMQPCI_DELIVERY_TAKEN;
    return flags | (seen ? AMQPCI_EXPORTED_TAKEN : 0u);
}

static amqpc_status store_state(amqpci_sink *sink, const amqpci_delivery *delivery, bool remote)
{
    uint8_t storage[4];
    amqpc_bytes state = amqpci_recovery_encoded_state(delivery, remote, storage);
    if (state.size == 0) {
        return amqpci_store_byte(sink, AMQPC_CODE_NULL);
    }
    amqpc_status status = amqpci_sink_reserve(sink, state.size);
    if (status == AMQPC_OK) {
        memcpy(sink->position, state.data, state.size);
        sink->position += state.size;
    }
    return status;
}

static amqpc_status store_identity(amqpci_sink *sink, const amqpc_link *link,
                                   const amqpci_delivery *delivery)
{
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    uint64_t number = amqpci_delivery_number(delivery);
    amqpc_status status = amqpci_store_uint(sink, (uint32_t)(number >> 32));
    if (status == AMQPC_OK) {
        status = amqpci_store_uint(sink, (uint32_t)number);
    }
    if (status == AMQPC_OK) {
        status = amqpci_store_binary(sink, amqpci_delivery_tag(delivery, link->role, storage));
    }
    if (status == AMQPC_OK) {
        status = store_state(sink, delivery, false);
    }
    return status == AMQPC_OK ? store_state(sink, delivery, true) : status;
}

static amqpc_status store_payload(amqpci_sink *sink, const amqpci_delivery *delivery)
{
    amqpc_bytes payload = {amqpci_outgoing_payload(delivery), delivery->as.out.size};
    assert(payload.data != NULL || payload.size == 0);
    return amqpci_store_binary(sink, payload);
}

/* What only a sender's delivery has; null of a receiver's. */
static amqpc_status store_content(amqpci_sink *sink, const amqpc_link *link,
                                  const amqpci_delivery *delivery)
{
    bool sent = link->role == AMQPC_ROLE_SENDER;
    const amqpci_delivery_extra *extra =
        sent && amqpci_delivery_has_extra(delivery) ? delivery->extra : NULL;
    amqpc_status status = amqpci_store_ulong(sink, amqpci_delivery_context(delivery));
    if (status == AMQPC_OK) {
        status = amqpci_store_uint(sink, extra == NULL ? 0 : extra->message_format);
    }
    if (status == AMQPC_OK) {
        status = extra != NULL && extra->has_rcv_settle_mode
                     ? amqpci_store_ubyte(sink, extra->rcv_settle_mode)
                     : amqpci_store_byte(sink, AMQPC_CODE_NULL);
    }
    if (status == AMQPC_OK) {
        bool kept = sent && !(delivery->flags & AMQPCI_DELIVERY_STREAMED);
        status = kept ? store_payload(sink, delivery) : amqpci_store_byte(sink, AMQPC_CODE_NULL);
    }
    return status;
}

static amqpc_status store_delivery(amqpci_sink *sink, const amqpc_link *link,
                                   const amqpci_delivery *delivery)
{
    amqpci_open_compound list;
    /* With wide sizes from the start, for what is long: it is not moved then. */
    size_t hint = link->role == AMQPC_ROLE_SENDER && delivery->as.out.size > 128 ? 256 : 0;
    amqpc_status status = begin_described(sink, AMQPCI_EXPORT_DELIVERY_NAME, hint, &list);
    list.count = AMQPCI_EXPORT_DELIVERY_FIELDS;
    if (status == AMQPC_OK) {
        status = store_identity(sink, link, delivery);
    }
    if (status == AMQPC_OK) {
        status = amqpci_store_uint(sink, exported_flags(delivery));
    }
    if (status == AMQPC_OK) {
        status = store_content(sink, link, delivery);
    }
    return status == AMQPC_OK ? amqpci_end_compound(sink, &list) : status;
}

/* The deliveries to be written. deliveries: NULL where they are only counted. */
typedef struct gathering {
    const amqpc_link *link;
    const amqpci_delivery **deliveries;
    uint32_t count;
} gathering;

/* What is sent or received in part is not kept; what a sender has settled only waits for the peer
 * to notice. */
static void gather(gathering *work, const amqpci_delivery *delivery)
{
    if (delivery == NULL || delivery->link != work->link) {
        return;
    }
    bool settled =
        work->link->role == AMQPC_ROLE_SENDER && (delivery->flags & AMQPCI_DELIVERY_SETTLED) != 0;
    if (settled || delivery->flags & (AMQPCI_DELIVERY_MORE | AMQPCI_DELIVERY_DROPPED)) {
        return;
    }
    if (work->deliveries != NULL) {
        work->deliveries[work->count] = delivery;
    }
    work->count++;
}

static void gather_index(gathering *work, const amqpci_delivery_index *index)
{
    uint32_t place = 0;
    uint32_t id = 0;
    const amqpci_delivery *delivery = NULL;
    while ((delivery = (const amqpci_delivery *)amqpci_delivery_index_next_straggler(
                index, &place, &id)) != NULL) {
        gather(work, delivery);
    }
    uint32_t last = amqpci_serial_add(index->next, UINT32_MAX);
    for (id = index->first;
         amqpci_serial_distance(id, last) >= 0 &&
         (delivery = (const amqpci_delivery *)amqpci_delivery_index_next(index, &id, last)) != NULL;
         id = amqpci_serial_add(id, 1)) {
        gather(work, delivery);
    }
}

/* Suspended ones, those that wait to be sent again, and those of the present attachment. */
static void gather_all(gathering *work)
{
    const amqpc_link *link = work->link;
    work->count = 0;
    for (uint32_t i = 0; i < link->suspended.count; i++) {
        gather(work, link->suspended.deliveries[i]);
    }
    for (const amqpci_delivery *at = link->resuming.first; at != NULL; at = at->next) {
        if (at->flags & AMQPCI_DELIVERY_RESUMING) {
            gather(work, at);
        }
    }
    if (link->session != NULL && link->state != AMQPC_LINK_DETACHED) {
        gather_index(work, link->role == AMQPC_ROLE_SENDER ? &link->session->outgoing
                                                           : &link->session->incoming);
    }
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = amqpci_delivery_number(*(const amqpci_delivery *const *)left);
    uint64_t b = amqpci_delivery_number(*(const amqpci_delivery *const *)right);
    return amqpci_number_before(a, b) ? -1 : a != b;
}

/* All, in the order of their numbers; allocated. AMQPC_NO_MEMORY. */
static amqpc_status gather_in_order(gathering *work)
{
    gather_all(work);
    if (work->count == 0) {
        return AMQPC_OK;
    }
    work->deliveries = (const amqpci_delivery **)amqpci_reallocate(
        &work->link->connection->allocator, NULL, work->count * sizeof(amqpci_delivery *));
    if (work->deliveries == NULL) {
        return AMQPC_NO_MEMORY;
    }
    gather_all(work);
    qsort(work->deliveries, work->count, sizeof(amqpci_delivery *), by_number);
    return AMQPC_OK;
}

amqpc_status amqpc_link_export(const amqpc_link *link, amqpc_buffer *buffer)
{
    gathering work = {.link = link};
    amqpc_status status = gather_in_order(&work);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink sink;
    size_t before = amqpc_buffer_size(buffer);
    amqpci_sink_init_growable(&sink, buffer);
    status = store_header(&sink, link, work.count);
    for (uint32_t i = 0; i < work.count && status == AMQPC_OK; i++) {
        status = store_delivery(&sink, link, work.deliveries[i]);
    }
    amqpci_release(&link->connection->allocator, (void *)work.deliveries);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
    } else {
        amqpc_buffer_truncate(buffer, before); /* growing has made a part of it the buffer's */
    }
    return status;
}

/* --- One after the other. */

/* The one with the least number after `after`, so far. */
typedef struct looking {
    const amqpc_link *link;
    uint64_t after;
    const amqpci_delivery *found;
} looking;

static void look_at(looking *search, const amqpci_delivery *delivery)
{
    if (delivery == NULL || delivery->link != search->link ||
        delivery->flags & AMQPCI_DELIVERY_SETTLED) {
        return;
    }
    uint64_t number = amqpci_delivery_number(delivery);
    bool sooner = search->found == NULL ||
                  amqpci_number_before(number, amqpci_delivery_number(search->found));
    if (amqpci_number_before(search->after, number) && sooner) {
        search->found = delivery;
    }
}

/* Suspended ones are in order: the first that comes after is found by halves. */
static void look_at_suspended(looking *search)
{
    const amqpci_suspended *suspended = &search->link->suspended;
    uint32_t low = 0;
    uint32_t high = suspended->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t at = middle;
        while (at < high && suspended->deliveries[at] == NULL) {
            at++;
        }
        if (at < high && !amqpci_number_before(search->after,
                                               amqpci_delivery_number(suspended->deliveries[at]))) {
            low = at + 1;
        } else {
            high = middle;
        }
    }
    while (low < suspended->count && search->found == NULL) {
        look_at(search, suspended->deliveries[low++]);
    }
}

/* All of the index, because those that were resumed are in it under other ids; or from the next id
 * on, where there are none. */
static void look_at_index(looking *search, const amqpci_delivery_index *index)
{
    const amqpc_link *link = search->link;
    uint32_t place = 0;
    uint32_t id = 0;
    const amqpci_delivery *delivery = NULL;
    while ((delivery = (const amqpci_delivery *)amqpci_delivery_index_next_straggler(
                index, &place, &id)) != NULL) {
        look_at(search, delivery);
    }
    bool all = link->resumed_count > 0;
    uint32_t last = amqpci_serial_add(index->next, UINT32_MAX);
    id = index->first;
    if (!all && search->after >> 32 == link->epoch &&
        amqpci_serial_distance(id, (uint32_t)search->after) >= 0) {
        id = amqpci_serial_add((uint32_t)search->after, 1);
    }
    while (amqpci_serial_distance(id, last) >= 0 && (all || search->found == NULL) &&
           (delivery = (const amqpci_delivery *)amqpci_delivery_index_next(index, &id, last)) !=
               NULL) {
        look_at(search, delivery);
        id = amqpci_serial_add(id, 1);
    }
}

amqpc_status amqpc_link_next_unsettled(const amqpc_link *link, uint64_t after,
                                       amqpc_unsettled *unsettled)
{
    looking search = {.link = link, .after = after};
    look_at_suspended(&search);
    for (const amqpci_delivery *at = link->resuming.first; at != NULL; at = at->next) {
        look_at(&search, at);
    }
    if (link->session != NULL && link->state != AMQPC_LINK_DETACHED) {
        look_at_index(&search, link->role == AMQPC_ROLE_SENDER ? &link->session->outgoing
                                                               : &link->session->incoming);
    }
    const amqpci_delivery *found = search.found;
    if (found == NULL) {
        return AMQPC_NOT_FOUND;
    }
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    amqpc_bytes tag = amqpci_delivery_tag(found, link->role, storage);
    *unsettled = (amqpc_unsettled){
        .number = amqpci_delivery_number(found),
        .context = amqpci_delivery_context(found),
        .state_type =
            found->local_state == AMQPCI_STATE_OTHER ? AMQPC_STATE_OTHER : found->local_state,
        .remote_state_type =
            found->remote_state == AMQPCI_STATE_OTHER ? AMQPC_STATE_OTHER : found->remote_state,
        .tag = tag,
    };
    if (tag.data == storage) {
        memcpy(unsettled->storage, storage, tag.size);
        unsettled->tag.data = unsettled->storage;
    }
    return AMQPC_OK;
}
