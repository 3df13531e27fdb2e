/* The contender that bounds the others: see bound/. */
#include "bound_fill.h"
#include "codec_checksum.h"
#include "codec_operation.h"

/* Not static, so that every field is really stored. */
bound_message bound_bench_message;
bound_transfer bound_bench_transfer;
bound_disposition bound_bench_disposition;
bound_flow bound_bench_flow;

static uint64_t sum_bound_value(const bound_value *value)
{
    switch (value->code) {
    case AMQPC_CODE_NULL:
        return 0;
    case AMQPC_CODE_TRUE:
    case AMQPC_CODE_FALSE:
    case AMQPC_CODE_BOOLEAN:
        return value->as.boolean;
    case AMQPC_CODE_DOUBLE:
        return sum_double(value->as.f64);
    case AMQPC_CODE_FLOAT:
        return sum_float(value->as.f32);
    default:
        return value->code >= AMQPC_CODE_BINARY8
                   ? sum_text(value->as.text.data, value->as.text.size)
                   : value->as.u64;
    }
}

static uint64_t sum_map(const bound_map *map)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        sum += sum_text(map->entries[i].key.data, map->entries[i].key.size);
        sum += sum_bound_value(&map->entries[i].value);
    }
    return sum;
}

static uint64_t sum_first_of(bound_text text)
{
    return sum_first(text.data, text.size);
}

/* Header and properties. */
static uint64_t sum_fields(const bound_message *message)
{
    uint64_t sum = (uint64_t)message->durable + message->priority + message->ttl +
                   message->first_acquirer + message->delivery_count;
    sum += sum_bound_value(&message->message_id) + sum_bound_value(&message->correlation_id);
    sum += sum_text(message->user_id.data, message->user_id.size);
    sum += sum_first_of(message->to) + sum_first_of(message->subject) +
           sum_first_of(message->reply_to) + sum_first_of(message->content_type) +
           sum_first_of(message->content_encoding) + sum_first_of(message->group_id) +
           sum_first_of(message->reply_to_group_id);
    return sum + (uint64_t)message->absolute_expiry_time + (uint64_t)message->creation_time +
           message->group_sequence;
}

static inline const bound_message *decode_bytes(sample_bytes wire)
{
    if (!bound_message_decode(wire.data, wire.size, &bound_bench_message)) {
        codec_fail("the bound does not decode a message");
    }
    return &bound_bench_message;
}

static inline const bound_message *decode(sample_kind kind, unsigned variant)
{
    return decode_bytes(sample_message(kind, variant));
}

static inline uint64_t read_order(sample_bytes wire)
{
    const bound_message *message = decode_bytes(wire);
    return sum_fields(message) + sum_map(&message->message_annotations) +
           sum_map(&message->application_properties) +
           sum_body(message->body.as.text.data, message->body.as.text.size);
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
    const bound_message *message = decode(SAMPLE_C, variant);
    return sum_fields(message) + sum_map(&message->body_map);
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
    return sum_bound_value(&decode(SAMPLE_D, variant)->message_id);
}

size_t codec_encode_order_to(sample_kind kind, unsigned variant, void *to, size_t capacity)
{
    bound_fill_order(&bound_bench_message, kind, variant);
    return bound_message_encode(&bound_bench_message, to, capacity);
}

static inline uint64_t encode_order(sample_kind kind, unsigned variant)
{
    return codec_encode_order_to(kind, variant, codec_output, sizeof codec_output);
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
    bound_fill_telemetry(&bound_bench_message, variant);
    return bound_message_encode(&bound_bench_message, codec_output, sizeof codec_output);
}

static uint64_t encode_d(unsigned variant)
{
    return encode_order(SAMPLE_D, variant);
}

static uint64_t encode_e(unsigned variant)
{
    return encode_order(SAMPLE_E, variant);
}

static uint64_t transfer_parse(unsigned variant)
{
    sample_bytes wire = sample_transfer(variant);
    const bound_transfer *transfer = &bound_bench_transfer;
    if (!bound_transfer_parse(wire.data, wire.size, &bound_bench_transfer)) {
        codec_fail("the bound does not parse a transfer");
    }
    return (uint64_t)transfer->channel + transfer->handle + transfer->delivery_id +
           transfer->message_format + transfer->settled + transfer->more +
           transfer->receiver_settle_mode + transfer->resume + transfer->aborted +
           transfer->batchable +
           sum_text(transfer->delivery_tag.data, transfer->delivery_tag.size) +
           sum_text(transfer->payload.data, transfer->payload.size);
}

static uint64_t transfer_write(unsigned variant)
{
    bound_fill_transfer(&bound_bench_transfer, variant);
    return bound_transfer_write(&bound_bench_transfer, codec_output, sizeof codec_output);
}

static uint64_t disposition_parse(unsigned variant)
{
    sample_bytes wire = sample_disposition(variant);
    const bound_disposition *disposition = &bound_bench_disposition;
    if (!bound_disposition_parse(wire.data, wire.size, &bound_bench_disposition)) {
        codec_fail("the bound does not parse a disposition");
    }
    return (uint64_t)disposition->channel + disposition->role + disposition->first +
           disposition->last + disposition->settled + disposition->state + disposition->batchable;
}

static uint64_t disposition_write(unsigned variant)
{
    bound_fill_disposition(&bound_bench_disposition, variant);
    return bound_disposition_write(&bound_bench_disposition, codec_output, sizeof codec_output);
}

static uint64_t flow_parse(unsigned variant)
{
    sample_bytes wire = sample_flow(variant);
    const bound_flow *flow = &bound_bench_flow;
    if (!bound_flow_parse(wire.data, wire.size, &bound_bench_flow)) {
        codec_fail("the bound does not parse a flow");
    }
    return (uint64_t)flow->channel + flow->next_incoming_id + flow->incoming_window +
           flow->next_outgoing_id + flow->outgoing_window + flow->handle + flow->delivery_count +
           flow->link_credit + flow->available + flow->drain + flow->echo;
}

static uint64_t flow_write(unsigned variant)
{
    bound_fill_flow(&bound_bench_flow, variant);
    return bound_flow_write(&bound_bench_flow, codec_output, sizeof codec_output);
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
};
const size_t codec_operation_count = sizeof codec_operations / sizeof codec_operations[0];
