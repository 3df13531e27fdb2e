/* Performatives of any type: by descriptor to the decoder, by type to the encoder (AMQP 2.7,
 * 5.3.3). */
#include <amqpcodec/performative.h>

#include "schema/fields.h"
#include "schema/fields_store.h"
#include "schema/generated/composite.h"
#include "schema/performative.h"

enum { FRAME_TYPE_SASL = 1 };

static amqpc_status decode_amqp(amqpci_cursor *cursor, const uint8_t *descriptor, uint32_t type,
                                amqpc_performative *out)
{
    switch (type) {
    case AMQPC_COMPOSITE_OPEN:
        return amqpci_decode_open(cursor, &out->as.open);
    case AMQPC_COMPOSITE_BEGIN:
        return amqpci_decode_begin(cursor, &out->as.begin);
    case AMQPC_COMPOSITE_ATTACH:
        return amqpci_decode_attach(cursor, &out->as.attach);
    case AMQPC_COMPOSITE_FLOW:
        return amqpci_decode_flow(cursor, &out->as.flow);
    case AMQPC_COMPOSITE_TRANSFER:
        return amqpci_decode_transfer(cursor, &out->as.transfer);
    case AMQPC_COMPOSITE_DISPOSITION:
        return amqpci_decode_disposition(cursor, &out->as.disposition);
    case AMQPC_COMPOSITE_DETACH:
        return amqpci_decode_detach(cursor, &out->as.detach);
    case AMQPC_COMPOSITE_END:
        return amqpci_decode_end(cursor, &out->as.end);
    case AMQPC_COMPOSITE_CLOSE:
        return amqpci_decode_close(cursor, &out->as.close);
    default:
        cursor->position = descriptor;
        return AMQPC_UNKNOWN_DESCRIPTOR;
    }
}

static amqpc_status decode_sasl(amqpci_cursor *cursor, const uint8_t *descriptor, uint32_t type,
                                amqpc_performative *out)
{
    switch (type) {
    case AMQPC_COMPOSITE_SASL_MECHANISMS:
        return amqpci_decode_sasl_mechanisms(cursor, &out->as.sasl_mechanisms);
    case AMQPC_COMPOSITE_SASL_INIT:
        return amqpci_decode_sasl_init(cursor, &out->as.sasl_init);
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        return amqpci_decode_sasl_challenge(cursor, &out->as.sasl_challenge);
    case AMQPC_COMPOSITE_SASL_RESPONSE:
        return amqpci_decode_sasl_response(cursor, &out->as.sasl_response);
    case AMQPC_COMPOSITE_SASL_OUTCOME:
        return amqpci_decode_sasl_outcome(cursor, &out->as.sasl_outcome);
    default:
        cursor->position = descriptor;
        return AMQPC_UNKNOWN_DESCRIPTOR;
    }
}

amqpc_status amqpci_decode_performative(amqpci_cursor *cursor, unsigned frame_type,
                                        amqpc_performative *out)
{
    const uint8_t *descriptor = cursor->position + 1;
    uint32_t type = 0;
    amqpc_status status = amqpci_take_descriptor(cursor, &type);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    cursor->depth_left--;
    if (AMQPCI_LIKELY(type == AMQPC_COMPOSITE_TRANSFER && frame_type != FRAME_TYPE_SASL)) {
        status = amqpci_decode_transfer(cursor, &out->as.transfer);
    } else {
        status = frame_type == FRAME_TYPE_SASL ? decode_sasl(cursor, descriptor, type, out)
                                               : decode_amqp(cursor, descriptor, type, out);
    }
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    out->type = type;
    out->payload = (amqpc_bytes){cursor->position, amqpci_remaining(cursor)};
    if (AMQPCI_UNLIKELY(type != AMQPC_COMPOSITE_TRANSFER && out->payload.size != 0)) {
        return AMQPC_UNEXPECTED_PAYLOAD;
    }
    cursor->position = cursor->end;
    return AMQPC_OK;
}

amqpc_status amqpc_performative_decode(unsigned frame_type, const void *data, size_t size,
                                       const amqpc_limits *limits, amqpc_performative *performative,
                                       size_t *offset)
{
    amqpci_cursor cursor;
    if (amqpci_cursor_init(&cursor, data, size, limits) != AMQPC_OK ||
        frame_type > FRAME_TYPE_SASL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    cursor.values_left =
        limits == NULL ? amqpci_default_limits.performative_values : limits->performative_values;
    amqpc_status status = amqpci_decode_performative(&cursor, frame_type, performative);
    if (offset != NULL) {
        *offset = (size_t)(cursor.position - (const uint8_t *)data);
    }
    return status;
}

amqpc_status amqpci_encode_performative(amqpci_sink *sink, const amqpc_performative *in)
{
    switch (in->type) {
    case AMQPC_COMPOSITE_OPEN:
        return amqpci_encode_open(sink, &in->as.open);
    case AMQPC_COMPOSITE_BEGIN:
        return amqpci_encode_begin(sink, &in->as.begin);
    case AMQPC_COMPOSITE_ATTACH:
        return amqpci_encode_attach(sink, &in->as.attach);
    case AMQPC_COMPOSITE_FLOW:
        return amqpci_encode_flow(sink, &in->as.flow);
    case AMQPC_COMPOSITE_TRANSFER:
        return amqpci_encode_transfer(sink, &in->as.transfer);
    case AMQPC_COMPOSITE_DISPOSITION:
        return amqpci_encode_disposition(sink, &in->as.disposition);
    case AMQPC_COMPOSITE_DETACH:
        return amqpci_encode_detach(sink, &in->as.detach);
    case AMQPC_COMPOSITE_END:
        return amqpci_encode_end(sink, &in->as.end);
    case AMQPC_COMPOSITE_CLOSE:
        return amqpci_encode_close(sink, &in->as.close);
    case AMQPC_COMPOSITE_SASL_MECHANISMS:
        return amqpci_encode_sasl_mechanisms(sink, &in->as.sasl_mechanisms);
    case AMQPC_COMPOSITE_SASL_INIT:
        return amqpci_encode_sasl_init(sink, &in->as.sasl_init);
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        return amqpci_encode_sasl_challenge(sink, &in->as.sasl_challenge);
    case AMQPC_COMPOSITE_SASL_RESPONSE:
        return amqpci_encode_sasl_response(sink, &in->as.sasl_response);
    case AMQPC_COMPOSITE_SASL_OUTCOME:
        return amqpci_encode_sasl_outcome(sink, &in->as.sasl_outcome);
    default:
        return AMQPC_INVALID_ARGUMENT;
    }
}

amqpc_status amqpc_performative_encode(const amqpc_performative *performative, void *data,
                                       size_t capacity, size_t *size)
{
    amqpci_sink sink;
    amqpci_sink_init_fixed(&sink, data, capacity);
    if (performative->payload.size != 0 && performative->type != AMQPC_COMPOSITE_TRANSFER) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_encode_performative(&sink, performative);
    if (status == AMQPC_OK) {
        status = amqpci_sink_reserve(&sink, performative->payload.size);
    }
    if (status == AMQPC_OK) {
        amqpci_copy(sink.position, (const uint8_t *)performative->payload.data,
                    performative->payload.size);
        *size = amqpci_sink_offset(&sink) + performative->payload.size;
    }
    return status;
}
