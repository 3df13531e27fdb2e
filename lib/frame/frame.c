/* Frames that lie whole in memory: found without a copy, and decoded (AMQP 2.3). */
#include "base/limits.h"
#include "codec/cursor.h"
#include "frame/frame_decode.h"
#include "frame/frame_header.h"
#include "schema/performative.h"

AMQPCI_INLINE amqpc_status parse_frame(const uint8_t *data, size_t size, const amqpc_limits *limits,
                                       amqpc_frame *frame, size_t *offset)
{
    if (AMQPCI_UNLIKELY(size < AMQPC_FRAME_HEADER_SIZE)) {
        *offset = AMQPC_FRAME_HEADER_SIZE;
        return AMQPC_NEED_MORE;
    }
    amqpc_frame parsed;
    amqpc_status status =
        amqpci_frame_header_check(data, limits->frame_size, limits->channels, &parsed, offset);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    *offset = parsed.size;
    if (AMQPCI_UNLIKELY(parsed.size > size)) {
        return AMQPC_NEED_MORE;
    }
    amqpci_frame_set_bytes(&parsed, data);
    *frame = parsed;
    return AMQPC_OK;
}

amqpc_status amqpc_frame_parse(const void *data, size_t size, const amqpc_limits *limits,
                               amqpc_frame *frame, size_t *offset)
{
    if (AMQPCI_UNLIKELY(amqpc_limits_check(limits) != AMQPC_OK)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    size_t at = 0;
    amqpc_status status = parse_frame((const uint8_t *)data, size,
                                      limits == NULL ? &amqpci_default_limits : limits, frame, &at);
    if (offset != NULL) {
        *offset = at;
    }
    return status;
}

amqpc_status amqpc_frames_parse(const void *data, size_t size, const amqpc_limits *limits,
                                amqpc_frame *frames, size_t capacity, size_t *count, size_t *offset)
{
    if (AMQPCI_UNLIKELY(amqpc_limits_check(limits) != AMQPC_OK)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const amqpc_limits *used = limits == NULL ? &amqpci_default_limits : limits;
    const uint8_t *bytes = (const uint8_t *)data;
    amqpc_status status = AMQPC_OK;
    size_t taken = 0;
    size_t found = 0;
    while (found < capacity && taken < size) {
        size_t at = 0;
        status = parse_frame(bytes + taken, size - taken, used, &frames[found], &at);
        if (status != AMQPC_OK) {
            taken += status == AMQPC_NEED_MORE ? 0 : at;
            break;
        }
        taken += at;
        found++;
    }
    *count = found;
    if (offset != NULL) {
        *offset = taken;
    }
    return status == AMQPC_NEED_MORE ? AMQPC_OK : status;
}

amqpc_status amqpci_frame_decode(const uint8_t *data, size_t size, const amqpc_limits *limits,
                                 amqpc_frame *frame, amqpc_performative *performative,
                                 size_t *offset)
{
    amqpc_status status = parse_frame(data, size, limits, frame, offset);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    if (AMQPCI_UNLIKELY(frame->body.size == 0)) {
        performative->type = AMQPC_COMPOSITE_NONE;
        performative->payload = frame->body;
        return AMQPC_OK;
    }
    amqpci_cursor cursor;
    amqpci_cursor_start(&cursor, frame->body.data, frame->body.size, limits);
    cursor.values_left = limits->performative_values;
    status = amqpci_decode_performative(&cursor, frame->type, performative);
    *offset = (size_t)(cursor.position - data);
    return status;
}

amqpc_status amqpc_frame_decode(const void *data, size_t size, const amqpc_limits *limits,
                                amqpc_frame *frame, amqpc_performative *performative,
                                size_t *offset)
{
    if (AMQPCI_UNLIKELY(amqpc_limits_check(limits) != AMQPC_OK)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    size_t at = 0;
    amqpc_status status = amqpci_frame_decode((const uint8_t *)data, size,
                                              limits == NULL ? &amqpci_default_limits : limits,
                                              frame, performative, &at);
    if (offset != NULL) {
        *offset = at;
    }
    return status;
}
