/* Filling the bound's structs from the samples: by the contender, and once for the bytes that every
 * contender decodes. */
#ifndef BENCH_BOUND_FILL_H
#define BENCH_BOUND_FILL_H

#include "bound/frame.h"
#include "codec_sample.h"

enum { BOUND_ACCEPTED = 0x24 };

static inline bound_text bound_fill_text(const sample_text *text)
{
    return (bound_text){(const uint8_t *)text->data, (uint32_t)text->size};
}

/* Member by member: a struct put together on the stack and then copied costs a failed store
 * forwarding. */
static inline void bound_set_string(bound_value *value, const sample_string *sample)
{
    value->code = AMQPC_CODE_STRING8;
    value->as.text = bound_fill_text(sample);
}

static inline void bound_set_symbol(bound_value *value, const sample_symbol *sample)
{
    value->code = AMQPC_CODE_SYMBOL8;
    value->as.text = bound_fill_text(sample);
}

static inline void bound_set_timestamp(bound_value *value, const sample_timestamp *sample)
{
    value->code = AMQPC_CODE_TIMESTAMP;
    value->as.i64 = *sample;
}

static inline void bound_set_long(bound_value *value, const sample_long *sample)
{
    value->code = AMQPC_CODE_LONG;
    value->as.i64 = *sample;
}

static inline void bound_set_int(bound_value *value, const sample_int *sample)
{
    value->code = AMQPC_CODE_INT;
    value->as.i64 = *sample;
}

static inline void bound_set_ulong(bound_value *value, const sample_ulong *sample)
{
    value->code = AMQPC_CODE_ULONG;
    value->as.u64 = *sample;
}

static inline void bound_set_uint(bound_value *value, const sample_uint *sample)
{
    value->code = AMQPC_CODE_UINT;
    value->as.u64 = *sample;
}

static inline void bound_set_double(bound_value *value, const sample_double *sample)
{
    value->code = AMQPC_CODE_DOUBLE;
    value->as.f64 = *sample;
}

static inline void bound_set_float(bound_value *value, const sample_float *sample)
{
    value->code = AMQPC_CODE_FLOAT;
    value->as.f32 = *sample;
}

static inline void bound_set_boolean(bound_value *value, const sample_boolean *sample)
{
    value->code = AMQPC_CODE_BOOLEAN;
    value->as.boolean = *sample;
}

static inline void bound_set_key(bound_entry *entry, const char *key, size_t size)
{
    entry->key.data = (const uint8_t *)key;
    entry->key.size = (uint32_t)size;
}

#define BOUND_SET(entry, name, kind, sample)                                                       \
    bound_set_key(entry, name, sizeof(name) - 1);                                                  \
    bound_set_##kind(&(entry)->value, sample)

static inline void bound_fill_annotations(bound_map *map, const sample_order *order)
{
    BOUND_SET(&map->entries[0], "x-opt-sequence-number", long, &order->sequence_number);
    BOUND_SET(&map->entries[1], "x-opt-offset", string, &order->offset);
    BOUND_SET(&map->entries[2], "x-opt-enqueued-time", timestamp, &order->enqueued_time);
    map->count = 3;
}

/* Messages A, B, D and E. */
static inline void bound_fill_order(bound_message *message, sample_kind kind, unsigned variant)
{
    const sample_order *order = sample_order_get(variant);
    sample_bytes body = sample_body(kind, variant);
    bound_map *properties = &message->application_properties;
    bound_message_clear(message);
    message->durable = true;
    bound_set_string(&message->message_id, &order->message_id);
    message->to = bound_fill_text(&order->to);
    message->subject = bound_fill_text(&order->subject);
    message->content_type = bound_fill_text(&order->content_type);
    if (kind == SAMPLE_E) {
        bound_fill_annotations(&message->message_annotations, order);
    }
    BOUND_SET(&properties->entries[0], "region", string, &order->region);
    BOUND_SET(&properties->entries[1], "seq", long, &order->sequence);
    BOUND_SET(&properties->entries[2], "retry", boolean, &order->retry);
    BOUND_SET(&properties->entries[3], "price", double, &order->price);
    properties->count = 4;
    message->body_section = BOUND_SECTION_DATA;
    message->body.code = AMQPC_CODE_BINARY8;
    message->body.as.text = (bound_text){body.data, (uint32_t)body.size};
}

/* Message C. */
static inline void bound_fill_telemetry(bound_message *message, unsigned variant)
{
    const sample_telemetry *telemetry = sample_telemetry_get(variant);
    bound_message_clear(message);
    message->body_section = BOUND_SECTION_VALUE;
    bound_entry *entry = message->body_map.entries;
#define FIELD(name, kind, value)                                                                   \
    BOUND_SET(entry, #name, kind, &telemetry->name);                                               \
    entry++;
#include "telemetry.def"
#undef FIELD
    message->body_map.count = TELEMETRY_FIELDS;
}

static inline void bound_fill_transfer(bound_transfer *transfer, unsigned variant)
{
    const sample_frame *frame = sample_frame_get(variant);
    sample_bytes payload = sample_message(SAMPLE_A, variant);
    *transfer = (bound_transfer){
        .delivery_id = frame->delivery_id,
        .delivery_tag = {frame->tag, SAMPLE_TAG_SIZE},
        .settled = true,
        .payload = {payload.data, (uint32_t)payload.size},
    };
}

static inline void bound_fill_disposition(bound_disposition *disposition, unsigned variant)
{
    const sample_frame *frame = sample_frame_get(variant);
    *disposition = (bound_disposition){
        .role = true,
        .first = frame->delivery_id,
        .last = frame->delivery_id + 63,
        .settled = true,
        .state = BOUND_ACCEPTED,
    };
}

static inline void bound_fill_flow(bound_flow *flow, unsigned variant)
{
    const sample_frame *frame = sample_frame_get(variant);
    *flow = (bound_flow){
        .next_incoming_id = frame->delivery_id,
        .incoming_window = 2048,
        .next_outgoing_id = 1,
        .outgoing_window = 2048,
        .handle = 0,
        .delivery_count = frame->delivery_id,
        .link_credit = frame->link_credit,
    };
}

#endif
