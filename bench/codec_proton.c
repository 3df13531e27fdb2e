/* The peer: Qpid Proton C, by its public API. It has no API for frames, and none that scans a value
 * without building it. */
#include <proton/codec.h>
#include <proton/message.h>

#include "codec_checksum.h"
#include "codec_operation.h"
#include "codec_sample.h"

enum { DESCRIPTOR_SIZE = 3 };

static pn_message_t *message;
static pn_data_t *scanned;

static void check(int failure)
{
    if (failure != 0) {
        codec_fail("Proton failed");
    }
}

static uint64_t sum_pn_bytes(pn_bytes_t bytes)
{
    return sum_text(bytes.start, bytes.size);
}

static uint64_t sum_c_string(const char *text)
{
    return text == NULL ? 0 : (uint8_t)text[0];
}

static uint64_t sum_atom(pn_atom_t atom)
{
    return atom.type == PN_STRING ? sum_pn_bytes(atom.u.as_bytes) : 0;
}

static uint64_t sum_current(pn_data_t *data)
{
    switch (pn_data_type(data)) {
    case PN_STRING:
        return sum_pn_bytes(pn_data_get_string(data));
    case PN_SYMBOL:
        return sum_pn_bytes(pn_data_get_symbol(data));
    case PN_LONG:
        return (uint64_t)pn_data_get_long(data);
    case PN_ULONG:
        return pn_data_get_ulong(data);
    case PN_INT:
        return (uint64_t)pn_data_get_int(data);
    case PN_UINT:
        return pn_data_get_uint(data);
    case PN_BOOL:
        return pn_data_get_bool(data);
    case PN_DOUBLE:
        return sum_double(pn_data_get_double(data));
    case PN_FLOAT:
        return sum_float(pn_data_get_float(data));
    case PN_TIMESTAMP:
        return (uint64_t)pn_data_get_timestamp(data);
    default:
        return 0;
    }
}

static uint64_t sum_map(pn_data_t *data)
{
    uint64_t sum = 0;
    pn_data_rewind(data);
    if (!pn_data_next(data)) {
        return 0;
    }
    size_t count = pn_data_get_map(data);
    pn_data_enter(data);
    for (size_t i = 0; i < count; i++) {
        pn_data_next(data);
        sum += sum_current(data);
    }
    pn_data_exit(data);
    return sum;
}

/* Header and properties. */
static uint64_t sum_fields(void)
{
    uint64_t sum = (uint64_t)pn_message_is_durable(message) + pn_message_get_priority(message) +
                   pn_message_get_ttl(message) + pn_message_is_first_acquirer(message) +
                   pn_message_get_delivery_count(message);
    sum += sum_atom(pn_message_get_id(message)) + sum_atom(pn_message_get_correlation_id(message));
    sum += sum_pn_bytes(pn_message_get_user_id(message));
    sum += sum_c_string(pn_message_get_address(message)) +
           sum_c_string(pn_message_get_subject(message)) +
           sum_c_string(pn_message_get_reply_to(message)) +
           sum_c_string(pn_message_get_content_type(message)) +
           sum_c_string(pn_message_get_content_encoding(message)) +
           sum_c_string(pn_message_get_group_id(message)) +
           sum_c_string(pn_message_get_reply_to_group_id(message));
    return sum + (uint64_t)pn_message_get_expiry_time(message) +
           (uint64_t)pn_message_get_creation_time(message) +
           (uint64_t)pn_message_get_group_sequence(message);
}

static void decode(sample_bytes wire)
{
    pn_message_clear(message);
    check(pn_message_decode(message, (const char *)wire.data, wire.size));
}

static uint64_t read_order(sample_bytes wire, bool annotated)
{
    decode(wire);
    uint64_t sum = sum_fields() + sum_map(pn_message_properties(message));
    if (annotated) {
        sum += sum_map(pn_message_annotations(message));
    }
    pn_data_t *body = pn_message_body(message);
    pn_data_rewind(body);
    pn_data_next(body);
    pn_bytes_t bytes = pn_data_get_binary(body);
    return sum + sum_body(bytes.start, bytes.size);
}

uint64_t codec_read_order(const void *data, size_t size)
{
    return read_order((sample_bytes){data, size}, false);
}

static uint64_t decode_order(sample_kind kind, unsigned variant)
{
    return read_order(sample_message(kind, variant), kind == SAMPLE_E);
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
    decode(sample_message(SAMPLE_C, variant));
    return sum_fields() + sum_map(pn_message_body(message));
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
    decode(sample_message(SAMPLE_D, variant));
    return sum_atom(pn_message_get_id(message));
}

static pn_bytes_t bytes_of(const sample_text *text)
{
    return pn_bytes(text->size, text->data);
}

static void put_key(pn_data_t *data, size_t size, const char *key)
{
    check(pn_data_put_string(data, pn_bytes(size, key)));
}

static void put_string(pn_data_t *data, const sample_string *text)
{
    check(pn_data_put_string(data, bytes_of(text)));
}

static void put_symbol(pn_data_t *data, const sample_symbol *text)
{
    check(pn_data_put_symbol(data, bytes_of(text)));
}

static void put_timestamp(pn_data_t *data, const sample_timestamp *number)
{
    check(pn_data_put_timestamp(data, *number));
}

static void put_long(pn_data_t *data, const sample_long *number)
{
    check(pn_data_put_long(data, *number));
}

static void put_int(pn_data_t *data, const sample_int *number)
{
    check(pn_data_put_int(data, *number));
}

static void put_ulong(pn_data_t *data, const sample_ulong *number)
{
    check(pn_data_put_ulong(data, *number));
}

static void put_uint(pn_data_t *data, const sample_uint *number)
{
    check(pn_data_put_uint(data, *number));
}

static void put_double(pn_data_t *data, const sample_double *number)
{
    check(pn_data_put_double(data, *number));
}

static void put_float(pn_data_t *data, const sample_float *number)
{
    check(pn_data_put_float(data, *number));
}

static void put_boolean(pn_data_t *data, const sample_boolean *boolean)
{
    check(pn_data_put_bool(data, *boolean));
}

#define PUT_KEY(data, key) put_key(data, sizeof(key) - 1, key)

static size_t encode_to(void *to, size_t capacity)
{
    size_t size = capacity;
    check(pn_message_encode(message, to, &size));
    return size;
}

static uint64_t encode(void)
{
    return encode_to(codec_output, sizeof codec_output);
}

static void put_symbol_key(pn_data_t *data, const char *key, size_t size)
{
    check(pn_data_put_symbol(data, pn_bytes(size, key)));
}

#define PUT_SYMBOL_KEY(data, key) put_symbol_key(data, key, sizeof(key) - 1)

static void fill_annotations(const sample_order *order)
{
    pn_data_t *annotations = pn_message_annotations(message);
    pn_data_put_map(annotations);
    pn_data_enter(annotations);
    PUT_SYMBOL_KEY(annotations, "x-opt-sequence-number");
    put_long(annotations, &order->sequence_number);
    PUT_SYMBOL_KEY(annotations, "x-opt-offset");
    put_string(annotations, &order->offset);
    PUT_SYMBOL_KEY(annotations, "x-opt-enqueued-time");
    put_timestamp(annotations, &order->enqueued_time);
    pn_data_exit(annotations);
}

static void fill_order(sample_kind kind, unsigned variant)
{
    const sample_order *order = sample_order_get(variant);
    sample_bytes body = sample_body(kind, variant);
    pn_message_clear(message);
    check(pn_message_set_durable(message, true));
    check(pn_message_set_id(
        message, (pn_atom_t){.type = PN_STRING, .u.as_bytes = bytes_of(&order->message_id)}));
    check(pn_message_set_address(message, order->to.data));
    check(pn_message_set_subject(message, order->subject.data));
    check(pn_message_set_content_type(message, order->content_type.data));
    if (kind == SAMPLE_E) {
        fill_annotations(order);
    }
    pn_data_t *properties = pn_message_properties(message);
    pn_data_put_map(properties);
    pn_data_enter(properties);
    PUT_KEY(properties, "region");
    put_string(properties, &order->region);
    PUT_KEY(properties, "seq");
    put_long(properties, &order->sequence);
    PUT_KEY(properties, "retry");
    put_boolean(properties, &order->retry);
    PUT_KEY(properties, "price");
    put_double(properties, &order->price);
    pn_data_exit(properties);
    check(pn_message_set_inferred(message, true));
    check(
        pn_data_put_binary(pn_message_body(message), pn_bytes(body.size, (const char *)body.data)));
}

static uint64_t encode_order(sample_kind kind, unsigned variant)
{
    fill_order(kind, variant);
    return encode();
}

size_t codec_encode_order_to(sample_kind kind, unsigned variant, void *to, size_t capacity)
{
    fill_order(kind, variant);
    return encode_to(to, capacity);
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
    pn_message_clear(message);
    pn_data_t *body = pn_message_body(message);
    pn_data_put_map(body);
    pn_data_enter(body);
#define FIELD(name, kind, value)                                                                   \
    PUT_KEY(body, #name);                                                                          \
    put_##kind(body, &telemetry->name);
#include "telemetry.def"
#undef FIELD
    pn_data_exit(body);
    return encode();
}

static uint64_t encode_d(unsigned variant)
{
    return encode_order(SAMPLE_D, variant);
}

static uint64_t encode_e(unsigned variant)
{
    return encode_order(SAMPLE_E, variant);
}

/* No scan: the nearest that the shared library exports also builds a tree of the value. */
static uint64_t skip_map(unsigned variant)
{
    sample_bytes wire = sample_message(SAMPLE_C, variant);
    pn_data_clear(scanned);
    ssize_t size = pn_data_decode(scanned, (const char *)wire.data + DESCRIPTOR_SIZE,
                                  wire.size - DESCRIPTOR_SIZE);
    check(size < 0);
    return DESCRIPTOR_SIZE + (uint64_t)size;
}

void codec_prepare(void)
{
    sample_prepare();
    message = pn_message();
    scanned = pn_data(0);
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
    {"skip_map_20", CODEC_READ, skip_map},
};
const size_t codec_operation_count = sizeof codec_operations / sizeof codec_operations[0];
