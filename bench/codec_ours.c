/* The contender that is judged: libamqpcodec, by its public API only. */
#include <amqpcodec/amqpcodec.h>

#include "codec_checksum.h"
#include "codec_operation.h"
#include "codec_sample.h"

enum {
    ITEMS_MAX = 64, /* values read in one call */
    DESCRIPTOR_SIZE = 3,
};

static void check(amqpc_status status)
{
    if (status != AMQPC_OK) {
        codec_fail(amqpc_status_text(status));
    }
}

static inline uint64_t sum_value(const amqpc_value *value)
{
    switch (value->type) {
    case AMQPC_TYPE_BOOLEAN:
        return value->as.boolean;
    case AMQPC_TYPE_UINT:
    case AMQPC_TYPE_ULONG:
    case AMQPC_TYPE_INT:
    case AMQPC_TYPE_LONG:
    case AMQPC_TYPE_TIMESTAMP:
        return value->as.u64;
    case AMQPC_TYPE_DOUBLE:
        return sum_double(value->as.f64);
    case AMQPC_TYPE_FLOAT:
        return sum_float(value->as.f32);
    case AMQPC_TYPE_BINARY:
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
        return sum_text(value->as.bytes.data, value->as.bytes.size);
    default:
        return 0;
    }
}

static uint64_t sum_map(const amqpc_value *map)
{
    amqpc_items items;
    amqpc_value values[ITEMS_MAX];
    uint64_t sum = 0;
    size_t count = 0;
    check(amqpc_items_init(map, &items));
    do {
        check(amqpc_items_next(&items, values, ITEMS_MAX, &count));
        for (size_t i = 0; i < count; i++) {
            sum += sum_value(&values[i]);
        }
    } while (count == ITEMS_MAX);
    return sum;
}

static inline uint64_t sum_first_of(amqpc_bytes text)
{
    return sum_first(text.data, text.size);
}

/* Header and properties. */
static uint64_t sum_fields(const amqpc_message *message)
{
    const amqpc_header *header = &message->header;
    const amqpc_properties *properties = &message->properties;
    uint64_t sum = (uint64_t)header->durable + header->priority + header->ttl +
                   header->first_acquirer + header->delivery_count;
    sum += sum_value(&properties->message_id) + sum_value(&properties->correlation_id);
    sum += sum_text(properties->user_id.data, properties->user_id.size);
    sum += sum_first_of(properties->to) + sum_first_of(properties->subject) +
           sum_first_of(properties->reply_to) + sum_first_of(properties->content_type) +
           sum_first_of(properties->content_encoding) + sum_first_of(properties->group_id) +
           sum_first_of(properties->reply_to_group_id);
    return sum + (uint64_t)properties->absolute_expiry_time + (uint64_t)properties->creation_time +
           properties->group_sequence;
}

static inline void decode(sample_bytes wire, amqpc_message *message)
{
    check(amqpc_message_decode(wire.data, wire.size, NULL, message, NULL));
}

static inline uint64_t read_order(sample_bytes wire)
{
    amqpc_message message;
    decode(wire, &message);
    uint64_t sum = sum_fields(&message) + sum_map(&message.application_properties) +
                   sum_body(message.body.as.bytes.data, message.body.as.bytes.size);
    if ((message.sections & AMQPC_SECTION_MESSAGE_ANNOTATIONS) != 0) {
        sum += sum_map(&message.message_annotations);
    }
    return sum;
}

uint64_t codec_read_order(const void *data, size_t size)
{
    return read_order((sample_bytes){data, size});
}

static inline uint64_t decode_order(sample_kind kind, unsigned variant)
{
    return read_order(sample_message(kind, variant));
}

static uint64_t decode_a(unsigned variant)
{
    return decode_order(SAMPLE_A, variant);
}

static uint64_t decode_b(unsigned variant)
{
    return decode_order(SAMPLE_B, variant);
}

static uint64_t decode_c(unsigned variant)
{
    amqpc_message message;
    decode(sample_message(SAMPLE_C, variant), &message);
    return sum_fields(&message) + sum_map(&message.body);
}

static uint64_t decode_d(unsigned variant)
{
    return decode_order(SAMPLE_D, variant);
}

static uint64_t decode_e(unsigned variant)
{
    return decode_order(SAMPLE_E, variant);
}

static uint64_t decode_d_untouched(unsigned variant)
{
    amqpc_message message;
    decode(sample_message(SAMPLE_D, variant), &message);
    return sum_value(&message.properties.message_id);
}

static inline amqpc_bytes text_of(const sample_text *text)
{
    return (amqpc_bytes){text->data, text->size};
}

/* Member by member: a struct put together on the stack and then copied costs a failed store
 * forwarding. */
static inline void set_type(amqpc_value *value, amqpc_type type)
{
    value->type = (uint8_t)type;
    value->code = AMQPC_CODE_SMALLEST;
}

static inline void set_text(amqpc_value *value, amqpc_type type, const char *text, size_t size)
{
    set_type(value, type);
    value->as.bytes.data = text;
    value->as.bytes.size = size;
}

static inline void set_string(amqpc_value *value, const sample_string *sample)
{
    set_text(value, AMQPC_TYPE_STRING, sample->data, sample->size);
}

static inline void set_symbol(amqpc_value *value, const sample_symbol *sample)
{
    set_text(value, AMQPC_TYPE_SYMBOL, sample->data, sample->size);
}

static inline void set_timestamp(amqpc_value *value, const sample_timestamp *sample)
{
    set_type(value, AMQPC_TYPE_TIMESTAMP);
    value->as.i64 = *sample;
}

static inline void set_long(amqpc_value *value, const sample_long *sample)
{
    set_type(value, AMQPC_TYPE_LONG);
    value->as.i64 = *sample;
}

static inline void set_int(amqpc_value *value, const sample_int *sample)
{
    set_type(value, AMQPC_TYPE_INT);
    value->as.i64 = *sample;
}

static inline void set_ulong(amqpc_value *value, const sample_ulong *sample)
{
    set_type(value, AMQPC_TYPE_ULONG);
    value->as.u64 = *sample;
}

static inline void set_uint(amqpc_value *value, const sample_uint *sample)
{
    set_type(value, AMQPC_TYPE_UINT);
    value->as.u64 = *sample;
}

static inline void set_double(amqpc_value *value, const sample_double *sample)
{
    set_type(value, AMQPC_TYPE_DOUBLE);
    value->as.f64 = *sample;
}

static inline void set_float(amqpc_value *value, const sample_float *sample)
{
    set_type(value, AMQPC_TYPE_FLOAT);
    value->as.f32 = *sample;
}

static inline void set_boolean(amqpc_value *value, const sample_boolean *sample)
{
    set_type(value, AMQPC_TYPE_BOOLEAN);
    value->as.boolean = *sample;
}

static inline void set_map(amqpc_value *value, const amqpc_value *items, uint32_t count)
{
    set_type(value, AMQPC_TYPE_MAP);
    value->form = AMQPC_FORM_ITEMS;
    value->count = count;
    value->as.items = items;
}

/* A key and its value: two values. */
#define SET_ENTRY(entry, key_type, key, kind, sample)                                              \
    set_text(&(entry)[0], key_type, key, sizeof(key) - 1);                                         \
    set_##kind(&(entry)[1], sample)

static inline size_t encode_to(const amqpc_message *message, void *to, size_t capacity)
{
    size_t size = 0;
    check(amqpc_message_encode(message, 0, to, capacity, &size));
    return size;
}

static inline uint64_t encode(const amqpc_message *message)
{
    return encode_to(message, codec_output, sizeof codec_output);
}

static inline size_t encode_order_to(sample_kind kind, unsigned variant, void *to, size_t capacity)
{
    const sample_order *order = sample_order_get(variant);
    sample_bytes body = sample_body(kind, variant);
    amqpc_message message;
    amqpc_value annotations[6];
    amqpc_value properties[8];
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_HEADER | AMQPC_SECTION_PROPERTIES |
                       AMQPC_SECTION_APPLICATION_PROPERTIES | AMQPC_SECTION_BODY;
    message.header.present = AMQPC_HEADER_DURABLE;
    message.header.durable = true;
    message.properties.present = AMQPC_PROPERTIES_MESSAGE_ID | AMQPC_PROPERTIES_TO |
                                 AMQPC_PROPERTIES_SUBJECT | AMQPC_PROPERTIES_CONTENT_TYPE;
    set_string(&message.properties.message_id, &order->message_id);
    message.properties.to = text_of(&order->to);
    message.properties.subject = text_of(&order->subject);
    message.properties.content_type = text_of(&order->content_type);
    SET_ENTRY(properties, AMQPC_TYPE_STRING, "region", string, &order->region);
    SET_ENTRY(properties + 2, AMQPC_TYPE_STRING, "seq", long, &order->sequence);
    SET_ENTRY(properties + 4, AMQPC_TYPE_STRING, "retry", boolean, &order->retry);
    SET_ENTRY(properties + 6, AMQPC_TYPE_STRING, "price", double, &order->price);
    set_map(&message.application_properties, properties, 8);
    if (kind == SAMPLE_E) {
        SET_ENTRY(annotations, AMQPC_TYPE_SYMBOL, "x-opt-sequence-number", long,
                  &order->sequence_number);
        SET_ENTRY(annotations + 2, AMQPC_TYPE_SYMBOL, "x-opt-offset", string, &order->offset);
        SET_ENTRY(annotations + 4, AMQPC_TYPE_SYMBOL, "x-opt-enqueued-time", timestamp,
                  &order->enqueued_time);
        message.sections |= AMQPC_SECTION_MESSAGE_ANNOTATIONS;
        set_map(&message.message_annotations, annotations, 6);
    }
    message.body_kind = AMQPC_BODY_DATA;
    message.body_count = 1;
    set_text(&message.body, AMQPC_TYPE_BINARY, (const char *)body.data, body.size);
    return encode_to(&message, to, capacity);
}

size_t codec_encode_order_to(sample_kind kind, unsigned variant, void *to, size_t capacity)
{
    return encode_order_to(kind, variant, to, capacity);
}

static inline uint64_t encode_order(sample_kind kind, unsigned variant)
{
    return encode_order_to(kind, variant, codec_output, sizeof codec_output);
}

static uint64_t encode_a(unsigned variant)
{
    return encode_order(SAMPLE_A, variant);
}

static uint64_t encode_b(unsigned variant)
{
    return encode_order(SAMPLE_B, variant);
}

static uint64_t encode_c(unsigned variant)
{
    const sample_telemetry *telemetry = sample_telemetry_get(variant);
    amqpc_message message;
    amqpc_value values[2 * TELEMETRY_FIELDS];
    amqpc_value *next = values;
#define FIELD(name, kind, value)                                                                   \
    SET_ENTRY(next, AMQPC_TYPE_STRING, #name, kind, &telemetry->name);                             \
    next += 2;
#include "telemetry.def"
#undef FIELD
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    set_map(&message.body, values, 2 * TELEMETRY_FIELDS);
    return encode(&message);
}

static uint64_t encode_d(unsigned variant)
{
    return encode_order(SAMPLE_D, variant);
}

static uint64_t encode_e(unsigned variant)
{
    return encode_order(SAMPLE_E, variant);
}

static inline void parse(sample_bytes wire, amqpc_frame *frame, amqpc_performative *performative)
{
    check(amqpc_frame_decode(wire.data, wire.size, NULL, frame, performative, NULL));
}

static uint64_t transfer_parse(unsigned variant)
{
    amqpc_frame frame;
    amqpc_performative performative;
    parse(sample_transfer(variant), &frame, &performative);
    const amqpc_transfer *transfer = &performative.as.transfer;
    return (uint64_t)frame.channel + transfer->handle + transfer->delivery_id +
           transfer->message_format + transfer->settled + transfer->more +
           transfer->rcv_settle_mode + transfer->resume + transfer->aborted + transfer->batchable +
           sum_text(transfer->delivery_tag.data, transfer->delivery_tag.size) +
           sum_text(performative.payload.data, performative.payload.size);
}

static uint64_t transfer_write(unsigned variant)
{
    const sample_frame *sample = sample_frame_get(variant);
    sample_bytes payload = sample_message(SAMPLE_A, variant);
    amqpc_transfer transfer;
    transfer.present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID |
                       AMQPC_TRANSFER_DELIVERY_TAG | AMQPC_TRANSFER_MESSAGE_FORMAT |
                       AMQPC_TRANSFER_SETTLED;
    transfer.handle = 0;
    transfer.delivery_id = sample->delivery_id;
    transfer.delivery_tag = (amqpc_bytes){sample->tag, SAMPLE_TAG_SIZE};
    transfer.message_format = 0;
    transfer.settled = true;
    size_t size = 0;
    check(amqpc_transfer_frame_write(0, &transfer, (amqpc_bytes){payload.data, payload.size},
                                     codec_output, sizeof codec_output, &size));
    return size;
}

static uint64_t disposition_parse(unsigned variant)
{
    amqpc_frame frame;
    amqpc_performative performative;
    parse(sample_disposition(variant), &frame, &performative);
    const amqpc_disposition *disposition = &performative.as.disposition;
    return (uint64_t)frame.channel + disposition->role + disposition->first + disposition->last +
           disposition->settled + amqpc_value_composite(&disposition->state) +
           disposition->batchable;
}

static inline uint64_t write(const amqpc_performative *performative)
{
    size_t size = 0;
    check(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, performative, codec_output, sizeof codec_output,
                            &size));
    return size;
}

static uint64_t disposition_write(unsigned variant)
{
    static const uint8_t accepted[] = {AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_ACCEPTED,
                                       AMQPC_CODE_LIST0};
    const sample_frame *sample = sample_frame_get(variant);
    amqpc_performative performative;
    performative.type = AMQPC_COMPOSITE_DISPOSITION;
    performative.payload = (amqpc_bytes){NULL, 0};
    amqpc_disposition *disposition = &performative.as.disposition;
    disposition->present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST |
                           AMQPC_DISPOSITION_LAST | AMQPC_DISPOSITION_SETTLED |
                           AMQPC_DISPOSITION_STATE;
    disposition->role = AMQPC_ROLE_RECEIVER;
    disposition->first = sample->delivery_id;
    disposition->last = sample->delivery_id + 63;
    disposition->settled = true;
    set_type(&disposition->state, AMQPC_TYPE_DESCRIBED);
    disposition->state.form = AMQPC_FORM_ENCODED;
    disposition->state.count = 2;
    disposition->state.as.bytes = (amqpc_bytes){accepted, sizeof accepted};
    return write(&performative);
}

static uint64_t flow_parse(unsigned variant)
{
    amqpc_frame frame;
    amqpc_performative performative;
    parse(sample_flow(variant), &frame, &performative);
    const amqpc_flow *flow = &performative.as.flow;
    return (uint64_t)frame.channel + flow->next_incoming_id + flow->incoming_window +
           flow->next_outgoing_id + flow->outgoing_window + flow->handle + flow->delivery_count +
           flow->link_credit + flow->available + flow->drain + flow->echo;
}

static uint64_t flow_write(unsigned variant)
{
    const sample_frame *sample = sample_frame_get(variant);
    amqpc_performative performative;
    performative.type = AMQPC_COMPOSITE_FLOW;
    performative.payload = (amqpc_bytes){NULL, 0};
    amqpc_flow *flow = &performative.as.flow;
    flow->present = AMQPC_FLOW_NEXT_INCOMING_ID | AMQPC_FLOW_INCOMING_WINDOW |
                    AMQPC_FLOW_NEXT_OUTGOING_ID | AMQPC_FLOW_OUTGOING_WINDOW | AMQPC_FLOW_HANDLE |
                    AMQPC_FLOW_DELIVERY_COUNT | AMQPC_FLOW_LINK_CREDIT;
    flow->next_incoming_id = sample->delivery_id;
    flow->incoming_window = 2048;
    flow->next_outgoing_id = 1;
    flow->outgoing_window = 2048;
    flow->handle = 0;
    flow->delivery_count = sample->delivery_id;
    flow->link_credit = sample->link_credit;
    return write(&performative);
}

static uint64_t skip_map(unsigned variant)
{
    sample_bytes wire = sample_message(SAMPLE_C, variant);
    size_t size = 0;
    check(amqpc_value_skip(wire.data + DESCRIPTOR_SIZE, wire.size - DESCRIPTOR_SIZE, NULL, &size));
    return DESCRIPTOR_SIZE + size;
}

void codec_prepare(void)
{
    sample_prepare();
}

const codec_operation codec_operations[] = {
    {"decode_A_252B", CODEC_READ, decode_a},
    {"decode_B_1179B", CODEC_READ, decode_b},
    {"decode_C_297B", CODEC_READ, decode_c},
    {"decode_D_65691B", CODEC_READ, decode_d},
    {"decode_E_346B", CODEC_READ, decode_e},
    {"decode_D_untouched_65691B", CODEC_READ, decode_d_untouched},
    {"encode_A_252B", CODEC_WROTE_MESSAGE, encode_a},
    {"encode_B_1179B", CODEC_WROTE_MESSAGE, encode_b},
    {"encode_C_297B", CODEC_WROTE_MESSAGE, encode_c},
    {"encode_D_65691B", CODEC_WROTE_MESSAGE, encode_d},
    {"encode_E_346B", CODEC_WROTE_MESSAGE, encode_e},
    {"transfer_parse_252B", CODEC_READ, transfer_parse},
    {"transfer_write_252B", CODEC_WROTE_TRANSFER, transfer_write},
    {"disposition_parse", CODEC_READ, disposition_parse},
    {"disposition_write", CODEC_WROTE_DISPOSITION, disposition_write},
    {"flow_parse", CODEC_READ, flow_parse},
    {"flow_write", CODEC_WROTE_FLOW, flow_write},
    {"skip_map_20", CODEC_READ, skip_map},
};
const size_t codec_operation_count = sizeof codec_operations / sizeof codec_operations[0];
