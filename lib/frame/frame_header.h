/* The 8-byte header of a frame (AMQP 2.3.1):
 *
 *   | size, 4 bytes | data offset in units of 4 bytes | type | channel, 2 bytes | */
#ifndef AMQPCI_FRAME_FRAME_HEADER_H
#define AMQPCI_FRAME_FRAME_HEADER_H

#include <amqpcodec/frame.h>

#include "base/byte_order.h"

enum {
    AMQPCI_FRAME_SIZE_AT = 0,
    AMQPCI_FRAME_DATA_OFFSET_AT = 4,
    AMQPCI_FRAME_TYPE_AT = 5,
    AMQPCI_FRAME_CHANNEL_AT = 6,
    AMQPCI_DATA_OFFSET_MIN = 2
};

/* Judges a header, of which all 8 bytes are there. Gives the offset of the field that is wrong;
 * fills the frame but for its bytes. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_frame_header_check(const uint8_t *header,
                                                                 uint32_t frame_size,
                                                                 uint32_t channels,
                                                                 amqpc_frame *frame, size_t *offset)
{
    frame->size = amqpci_load32(header);
    frame->data_offset = header[AMQPCI_FRAME_DATA_OFFSET_AT];
    frame->type = header[AMQPCI_FRAME_TYPE_AT];
    frame->channel =
        frame->type == AMQPC_FRAME_AMQP ? amqpci_load16(header + AMQPCI_FRAME_CHANNEL_AT) : 0;
    *offset = AMQPCI_FRAME_SIZE_AT;
    if (AMQPCI_UNLIKELY(frame->size < AMQPC_FRAME_HEADER_SIZE)) {
        return AMQPC_FRAME_SIZE_TOO_SMALL;
    }
    if (AMQPCI_UNLIKELY(frame->size > frame_size)) {
        return AMQPC_FRAME_TOO_LARGE;
    }
    if (AMQPCI_UNLIKELY(frame->data_offset < AMQPCI_DATA_OFFSET_MIN ||
                        (uint32_t)frame->data_offset * 4 > frame->size)) {
        *offset = AMQPCI_FRAME_DATA_OFFSET_AT;
        return AMQPC_BAD_DATA_OFFSET;
    }
    if (AMQPCI_UNLIKELY(frame->type > AMQPC_FRAME_SASL)) {
        *offset = AMQPCI_FRAME_TYPE_AT;
        return AMQPC_UNKNOWN_FRAME_TYPE;
    }
    if (AMQPCI_UNLIKELY(frame->channel >= channels)) {
        *offset = AMQPCI_FRAME_CHANNEL_AT;
        return AMQPC_BAD_CHANNEL;
    }
    return AMQPC_OK;
}

/* Points the frame at its bytes, of which all are there. */
AMQPCI_INLINE void amqpci_frame_set_bytes(amqpc_frame *frame, const uint8_t *start)
{
    size_t body_at = (size_t)frame->data_offset * 4;
    frame->extended_header =
        (amqpc_bytes){start + AMQPC_FRAME_HEADER_SIZE, body_at - AMQPC_FRAME_HEADER_SIZE};
    frame->body = (amqpc_bytes){start + body_at, frame->size - body_at};
}

#endif
