/* What a broker changes in a message. */
#include "tools/broker/message_rewrite.h"

#include <amqpcodec/message.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Keys are compared each with each: so many values of the message's own, and added. */
enum { OWN_VALUES_MAX = 4096, ADDED_VALUES_MAX = 256 };

/* The header as it came; without one, its defaults. */
static amqpc_header header_of(const broker_message *message)
{
    amqpc_header header;
    if (message->header_size == 0 || amqpc_header_decode(message->payload, message->header_size,
                                                         NULL, &header, NULL) != AMQPC_OK) {
        memset(&header, 0, sizeof header);
    }
    return header;
}

size_t message_write_header(const broker_message *message, uint64_t now_ms, void *data)
{
    amqpc_header header = header_of(message);
    if (message->flags & MESSAGE_HAS_TTL && header.present & AMQPC_HEADER_TTL) {
        uint64_t left = message->expiry_ms > now_ms ? message->expiry_ms - now_ms : 0;
        header.ttl = left < header.ttl ? (uint32_t)left : header.ttl;
    }
    if (message->flags & MESSAGE_ACQUIRED && header.present & AMQPC_HEADER_FIRST_ACQUIRER) {
        header.first_acquirer = false;
    }
    if (message->flags & MESSAGE_FAILED) {
        header.present |= AMQPC_HEADER_DELIVERY_COUNT;
        header.delivery_count = message->delivery_count;
    }
    size_t size = 0;
    amqpc_status status = amqpc_header_encode(&header, data, MESSAGE_HEADER_MAX, &size);
    assert(status == AMQPC_OK); /* a list of five small fields has room there */
    return status == AMQPC_OK ? size : 0;
}

/* Whether one of the first `count` values, keys and values in turn, has the key; *at its index. */
static bool find_key(const amqpc_value *values, size_t count, const amqpc_value *key, size_t *at)
{
    for (size_t i = 0; i < count; i += 2) {
        bool same = false;
        if (amqpc_value_same(&values[i], key, &same) == AMQPC_OK && same) {
            *at = i;
            return true;
        }
    }
    return false;
}

static size_t read_map(const amqpc_value *map, amqpc_value *values, size_t capacity)
{
    amqpc_items items;
    size_t count = 0;
    bool good = map->type == AMQPC_TYPE_MAP && amqpc_items_init(map, &items) == AMQPC_OK &&
                amqpc_items_next(&items, values, capacity, &count) == AMQPC_OK;
    return good ? count & ~(size_t)1 : 0;
}

/* The entries of both maps, those of the second over those of the first. values: has room for all
 * of both. Returns how many values there are. */
static size_t merge(const amqpc_value *first, const amqpc_value *second, amqpc_value *values)
{
    size_t count = read_map(first, values, first->type == AMQPC_TYPE_MAP ? first->count : 0);
    amqpc_value *added = values + count;
    size_t added_count = read_map(second, added, second->count);
    size_t total = count;
    for (size_t i = 0; i < added_count; i += 2) {
        size_t at = 0;
        if (!find_key(values, count, &added[i], &at)) {
            at = total;
            total += 2;
        }
        amqpc_value key = added[i];
        amqpc_value value = added[i + 1];
        values[at] = key;
        values[at + 1] = value;
    }
    return total;
}

amqpc_status message_annotate(const broker_message *message, const amqpc_value *annotations,
                              amqpc_buffer *buffer)
{
    amqpc_message decoded;
    amqpc_status status =
        amqpc_message_decode(message->payload, message->payload_size, NULL, &decoded, NULL);
    if (status != AMQPC_OK || annotations->type != AMQPC_TYPE_MAP) {
        return status == AMQPC_OK ? AMQPC_WRONG_TYPE : status;
    }
    bool has_own = decoded.sections & AMQPC_SECTION_MESSAGE_ANNOTATIONS;
    amqpc_value none = {.type = AMQPC_TYPE_NULL};
    const amqpc_value *own = has_own ? &decoded.message_annotations : &none;
    size_t capacity = (has_own ? own->count : 0) + annotations->count;
    if (capacity > OWN_VALUES_MAX || annotations->count > ADDED_VALUES_MAX) {
        return AMQPC_TOO_MANY_ELEMENTS;
    }
    amqpc_value *values = (amqpc_value *)malloc((capacity == 0 ? 1 : capacity) * sizeof *values);
    if (values == NULL) {
        return AMQPC_NO_MEMORY;
    }
    size_t count = merge(own, annotations, values);
    decoded.sections |= AMQPC_SECTION_MESSAGE_ANNOTATIONS;
    decoded.message_annotations =
        (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = (uint32_t)count};
    decoded.message_annotations.as.items = values;
    decoded.encoded[2] = (amqpc_bytes){NULL, 0}; /* the annotations: encoded anew */
    status = amqpc_message_append(&decoded, AMQPC_ENCODE_AS_ARRIVED, buffer);
    free(values);
    return status;
}
