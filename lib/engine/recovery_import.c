/* Reading what amqpc_link_export wrote, or somebody else: nothing in it is trusted. */
#include <string.h>

#include "base/memory.h"
#include "engine/recovery.h"
#include "engine/recovery_format.h"
#include "engine/sender.h"
#include "engine/settlement.h"

/* What is left to read, and where it goes. */
typedef struct importing {
    amqpc_link *link;
    const uint8_t *position;
    size_t left;
    amqpc_limits limits;
    uint32_t epoch;
    uint32_t count;
    uint64_t last_number;
} importing;

/* Reads a described list of that name with that many fields. */
static amqpc_status read_list(importing *work, const char *name, amqpc_value *fields,
                              uint32_t field_count)
{
    amqpc_value described;
    amqpc_value parts[2];
    amqpc_items items;
    size_t used = 0;
    size_t found = 0;
    amqpc_status status =
        amqpc_value_decode(work->position, work->left, &work->limits, &described, &used);
    if (status == AMQPC_OK) {
        work->position += used;
        work->left -= used;
        status = amqpc_items_init(&described, &items);
    }
    if (status == AMQPC_OK && described.type == AMQPC_TYPE_DESCRIBED) {
        status = amqpc_items_next(&items, parts, 2, &found);
    }
    if (status != AMQPC_OK) {
        return status == AMQPC_INVALID_ARGUMENT ? AMQPC_WRONG_TYPE : status;
    }
    bool named = found == 2 && parts[0].type == AMQPC_TYPE_SYMBOL &&
                 parts[0].as.bytes.size == strlen(name) &&
                 memcmp(parts[0].as.bytes.data, name, strlen(name)) == 0;
    if (!named) {
        return AMQPC_UNKNOWN_DESCRIPTOR;
    }
    if (parts[1].type != AMQPC_TYPE_LIST || parts[1].count != field_count) {
        return AMQPC_WRONG_TYPE;
    }
    status = amqpc_items_init(&parts[1], &items);
    if (status == AMQPC_OK) {
        status = amqpc_items_next(&items, fields, field_count, &found);
    }
    return status;
}

static amqpc_status read_header(importing *work)
{
    amqpc_value fields[AMQPCI_EXPORT_FIELDS];
    amqpc_status status = read_list(work, AMQPCI_EXPORT_NAME, fields, AMQPCI_EXPORT_FIELDS);
    if (status != AMQPC_OK) {
        return status;
    }
    bool typed = fields[0].type == AMQPC_TYPE_UBYTE && fields[1].type == AMQPC_TYPE_BOOLEAN &&
                 fields[2].type == AMQPC_TYPE_UINT && fields[3].type == AMQPC_TYPE_UINT;
    if (!typed) {
        return AMQPC_WRONG_TYPE;
    }
    if (fields[0].as.u64 != AMQPCI_EXPORT_VERSION) {
        return AMQPC_UNSUPPORTED;
    }
    work->epoch = (uint32_t)fields[2].as.u64;
    work->count = (uint32_t)fields[3].as.u64;
    if (fields[1].as.boolean != work->link->role || work->epoch > INT32_MAX) {
        return AMQPC_INVALID_FIELD;
    }
    return work->count > work->link->connection->unsettled_max ? AMQPC_LIMIT_REACHED : AMQPC_OK;
}

/* --- One delivery. */

static bool is_state(const amqpc_value *value)
{
    return value->type == AMQPC_TYPE_NULL || value->type == AMQPC_TYPE_DESCRIBED;
}

static bool has_types(const amqpc_value *fields)
{
    uint8_t mode = fields[AMQPCI_EXPORT_RCV_SETTLE_MODE].type;
    uint8_t payload = fields[AMQPCI_EXPORT_PAYLOAD].type;
    return fields[AMQPCI_EXPORT_EPOCH].type == AMQPC_TYPE_UINT &&
           fields[AMQPCI_EXPORT_ID].type == AMQPC_TYPE_UINT &&
           fields[AMQPCI_EXPORT_TAG].type == AMQPC_TYPE_BINARY &&
           is_state(&fields[AMQPCI_EXPORT_STATE]) &&
           is_state(&fields[AMQPCI_EXPORT_REMOTE_STATE]) &&
           fields[AMQPCI_EXPORT_FLAGS].type == AMQPC_TYPE_UINT &&
           fields[AMQPCI_EXPORT_CONTEXT].type == AMQPC_TYPE_ULONG &&
           fields[AMQPCI_EXPORT_MESSAGE_FORMAT].type == AMQPC_TYPE_UINT &&
           (mode == AMQPC_TYPE_NULL || mode == AMQPC_TYPE_UBYTE) &&
           (payload == AMQPC_TYPE_NULL || payload == AMQPC_TYPE_BINARY);
}

/* Whether the fields are such as an export writes them. */
static amqpc_status check(const importing *work, const amqpc_value *fields)
{
    if (!has_types(fields)) {
        return AMQPC_WRONG_TYPE;
    }
    bool sent = work->link->role == AMQPC_ROLE_SENDER;
    uint64_t epoch = fields[AMQPCI_EXPORT_EPOCH].as.u64;
    uint64_t number = epoch << 32 | fields[AMQPCI_EXPORT_ID].as.u64;
    uint64_t flags = fields[AMQPCI_EXPORT_FLAGS].as.u64;
    size_t tag_size = fields[AMQPCI_EXPORT_TAG].as.bytes.size;
    size_t payload_size = fields[AMQPCI_EXPORT_PAYLOAD].type == AMQPC_TYPE_NULL
                              ? 0
                              : fields[AMQPCI_EXPORT_PAYLOAD].as.bytes.size;
    const amqpc_value *mode = &fields[AMQPCI_EXPORT_RCV_SETTLE_MODE];
    uint32_t allowed =
        sent ? AMQPCI_EXPORTED_STREAMED | AMQPCI_EXPORTED_BATCHABLE
             : AMQPCI_EXPORTED_MODE_SECOND | AMQPCI_EXPORTED_SETTLED | AMQPCI_EXPORTED_TAKEN;
    bool valid =
        epoch >= 1 && epoch <= work->epoch && amqpci_number_before(work->last_number, number) &&
        (flags & ~(uint64_t)allowed) == 0 && tag_size <= AMQPC_DELIVERY_TAG_MAX &&
        (tag_size > 0 || !sent) && (payload_size == 0 || sent) && payload_size <= UINT32_MAX &&
        (payload_size == 0 || !(flags & AMQPCI_EXPORTED_STREAMED)) &&
        (mode->type == AMQPC_TYPE_NULL || mode->as.u64 <= AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    return valid ? AMQPC_OK : AMQPC_INVALID_FIELD;
}

/* The payload in a slab of its own size. AMQPC_NO_MEMORY. */
static amqpc_status keep_payload(const amqpc_allocator *allocator, amqpci_outgoing *out,
                                 amqpc_bytes payload)
{
    if (payload.size == 0) {
        return AMQPC_OK;
    }
    amqpci_output_slab *own =
        (amqpci_output_slab *)allocator->allocate(allocator->context, sizeof *own + payload.size);
    if (own == NULL) {
        return AMQPC_NO_MEMORY;
    }
    own->next = NULL;
    own->references = 1;
    own->capacity = payload.size;
    own->used = payload.size;
    memcpy(own->data, payload.data, payload.size);
    *out = (amqpci_outgoing){.slab = own, .offset = 0, .size = (uint32_t)payload.size};
    return AMQPC_OK;
}

static amqpc_status fill_sent(amqpc_link *link, amqpci_delivery *made, const amqpc_value *fields)
{
    amqpci_delivery_store *store = &link->connection->deliveries;
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    amqpc_bytes tag = fields[AMQPCI_EXPORT_TAG].as.bytes;
    amqpc_bytes usual = amqpci_made_tag(amqpci_delivery_number(made), storage);
    const amqpc_value *mode = &fields[AMQPCI_EXPORT_RCV_SETTLE_MODE];
    amqpc_send_options rare;
    amqpc_send_options_init(&rare, sizeof rare);
    bool own_tag = tag.size != usual.size || memcmp(tag.data, usual.data, tag.size) != 0;
    rare.tag = own_tag ? tag : rare.tag;
    rare.message_format = (uint32_t)fields[AMQPCI_EXPORT_MESSAGE_FORMAT].as.u64;
    rare.has_rcv_settle_mode = mode->type != AMQPC_TYPE_NULL;
    rare.rcv_settle_mode = (uint8_t)(rare.has_rcv_settle_mode ? mode->as.u64 : 0);
    made->context = fields[AMQPCI_EXPORT_CONTEXT].as.u64;
    uint64_t flags = fields[AMQPCI_EXPORT_FLAGS].as.u64;
    made->flags |= flags & AMQPCI_EXPORTED_STREAMED ? (uint32_t)AMQPCI_DELIVERY_STREAMED : 0u;
    made->flags |= flags & AMQPCI_EXPORTED_BATCHABLE ? (uint32_t)AMQPCI_DELIVERY_BATCHABLE : 0u;
    bool is_rare = own_tag || rare.message_format != 0 || rare.has_rcv_settle_mode;
    if (is_rare && !amqpci_sender_set_rare(store, made, &rare)) {
        return AMQPC_NO_MEMORY;
    }
    return fields[AMQPCI_EXPORT_PAYLOAD].type == AMQPC_TYPE_NULL
               ? AMQPC_OK
               : keep_payload(&store->allocator, &made->as.out,
                              fields[AMQPCI_EXPORT_PAYLOAD].as.bytes);
}

static amqpc_status fill_received(amqpci_delivery_store *store, amqpci_delivery *made,
                                  const amqpc_value *fields)
{
    uint64_t flags = fields[AMQPCI_EXPORT_FLAGS].as.u64;
    made->flags |= AMQPCI_DELIVERY_TAKEN;
    made->flags |= flags & AMQPCI_EXPORTED_TAKEN ? 0u : (uint32_t)AMQPCI_DELIVERY_BARE;
    made->flags |= flags & AMQPCI_EXPORTED_SETTLED ? (uint32_t)AMQPCI_DELIVERY_SETTLED : 0u;
    made->flags |= flags & AMQPCI_EXPORTED_MODE_SECOND ? (uint32_t)AMQPCI_DELIVERY_MODE_SECOND : 0u;
    return amqpci_delivery_keep_tag(store, made, fields[AMQPCI_EXPORT_TAG].as.bytes);
}

static amqpc_status fill(amqpc_link *link, amqpci_delivery *made, const amqpc_value *fields)
{
    amqpci_delivery_store *store = &link->connection->deliveries;
    amqpc_status status = AMQPC_OK;
    if (link->role == AMQPC_ROLE_SENDER) {
        status = fill_sent(link, made, fields);
    } else {
        status = fill_received(store, made, fields);
    }
    if (status == AMQPC_OK) {
        status = amqpci_settlement_keep_state(store, made, false, &fields[AMQPCI_EXPORT_STATE]);
    }
    if (status == AMQPC_OK) {
        status =
            amqpci_settlement_keep_state(store, made, true, &fields[AMQPCI_EXPORT_REMOTE_STATE]);
    }
    return status;
}

static amqpc_status read_delivery(importing *work)
{
    amqpc_link *link = work->link;
    amqpc_value fields[AMQPCI_EXPORT_DELIVERY_FIELDS];
    amqpc_status status =
        read_list(work, AMQPCI_EXPORT_DELIVERY_NAME, fields, AMQPCI_EXPORT_DELIVERY_FIELDS);
    if (status == AMQPC_OK) {
        status = check(work, fields);
    }
    if (status == AMQPC_OK && !amqpci_suspended_reserve(link, link->suspended.count + 1)) {
        status = AMQPC_NO_MEMORY;
    }
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_delivery *made = amqpci_delivery_make(&link->connection->deliveries);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->link = link;
    made->next = NULL;
    made->id = (uint32_t)fields[AMQPCI_EXPORT_ID].as.u64;
    made->epoch = (uint32_t)fields[AMQPCI_EXPORT_EPOCH].as.u64;
    made->flags = AMQPCI_DELIVERY_SUSPENDED;
    made->local_state = AMQPC_COMPOSITE_NONE;
    made->remote_state = AMQPC_COMPOSITE_NONE;
    made->tag_size = 0;
    made->context = 0;
    memset(&made->as, 0, sizeof made->as);
    work->last_number = amqpci_delivery_number(made);
    link->suspended.deliveries[link->suspended.count++] = made;
    return fill(link, made, fields);
}

/* --- All. */

/* A tag says which delivery is meant: there is one of each. */
static amqpc_status check_tags(amqpc_link *link)
{
    amqpc_status status = amqpci_suspended_sort_tags(link);
    const amqpci_suspended *suspended = &link->suspended;
    for (uint32_t i = 1; i < suspended->by_tag_count && status == AMQPC_OK; i++) {
        const amqpci_tagged *one = &suspended->by_tag[i - 1];
        const amqpci_tagged *next = &suspended->by_tag[i];
        if (one->tag_size == next->tag_size && memcmp(one->tag, next->tag, one->tag_size) == 0) {
            status = AMQPC_DUPLICATE_KEY;
        }
    }
    amqpci_suspended_forget_tags(link);
    return status;
}

static void undo(amqpc_link *link)
{
    while (link->suspended.count > 0) {
        amqpci_link_free_delivery(link, link->suspended.deliveries[--link->suspended.count]);
    }
}

static bool may_import(const amqpc_link *link)
{
    /* Attaches of the peer, which this end has not answered, do not matter. */
    return !link->was_attached && !link->is_closed && link->suspended.count == 0 &&
           link->unsettled_count == 0 &&
           (link->state == AMQPC_LINK_DETACHED || link->state == AMQPC_LINK_ATTACH_RECEIVED);
}

amqpc_status amqpc_link_import(amqpc_link *link, const void *data, size_t size)
{
    if (!may_import(link)) {
        return AMQPC_INVALID_STATE;
    }
    importing work = {.link = link, .position = (const uint8_t *)data, .left = size};
    work.limits = link->connection->limits;
    work.limits.compound_elements = AMQPC_UNLIMITED; /* as many as there are bytes for */
    work.limits.zero_width_elements = AMQPC_UNLIMITED;
    amqpc_status status = read_header(&work);
    for (uint32_t i = 0; i < work.count && status == AMQPC_OK; i++) {
        status = read_delivery(&work);
    }
    if (status == AMQPC_OK && work.left > 0) {
        status = AMQPC_TRAILING_BYTES;
    }
    if (status == AMQPC_OK) {
        status = check_tags(link);
    }
    if (status != AMQPC_OK) {
        undo(link);
        return status;
    }
    for (uint32_t i = 0; i < link->suspended.count; i++) {
        link->unsettled_count += !(link->suspended.deliveries[i]->flags & AMQPCI_DELIVERY_SETTLED);
    }
    link->epoch += work.epoch;
    return AMQPC_OK;
}
