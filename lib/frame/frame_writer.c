/* Writing frames (AMQP 2.3). */
#include "codec/store.h"
#include "frame/frame_header.h"
#include "schema/generated/composite.h"
#include "schema/performative.h"

static bool belongs_to(amqpc_frame_type type, uint32_t performative)
{
    bool sasl = performative >= AMQPC_COMPOSITE_SASL_MECHANISMS &&
                performative <= AMQPC_COMPOSITE_SASL_OUTCOME;
    bool amqp = performative >= AMQPC_COMPOSITE_OPEN && performative <= AMQPC_COMPOSITE_CLOSE;
    return type == AMQPC_FRAME_SASL ? sasl : amqp;
}

/* Payload, and then the header in front of it all. */
AMQPCI_INLINE amqpc_status finish_frame(amqpci_sink *sink, uint8_t type, uint16_t channel,
                                        amqpc_bytes payload, size_t *size)
{
    amqpc_status status = amqpci_sink_reserve(sink, payload.size);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    amqpci_copy(sink->position, (const uint8_t *)payload.data, payload.size);
    sink->position += payload.size;
    size_t total = amqpci_sink_offset(sink);
    if (AMQPCI_UNLIKELY(total > UINT32_MAX)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    uint8_t *header = sink->start;
    amqpci_store32(header + AMQPCI_FRAME_SIZE_AT, (uint32_t)total);
    header[AMQPCI_FRAME_DATA_OFFSET_AT] = AMQPCI_DATA_OFFSET_MIN;
    header[AMQPCI_FRAME_TYPE_AT] = type;
    amqpci_store16(header + AMQPCI_FRAME_CHANNEL_AT, channel);
    *size = total;
    return AMQPC_OK;
}

AMQPCI_INLINE amqpc_status start_frame(amqpci_sink *sink, void *data, size_t capacity)
{
    amqpci_sink_init_fixed(sink, data, capacity);
    amqpc_status status = amqpci_sink_reserve(sink, AMQPC_FRAME_HEADER_SIZE);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        sink->position += AMQPC_FRAME_HEADER_SIZE;
    }
    return status;
}

amqpc_status amqpc_frame_write(amqpc_frame_type type, uint16_t channel,
                               const amqpc_performative *performative, void *data, size_t capacity,
                               size_t *size)
{
    bool empty = performative == NULL || performative->type == AMQPC_COMPOSITE_NONE;
    amqpc_bytes payload = empty ? (amqpc_bytes){NULL, 0} : performative->payload;
    bool valid =
        (type == AMQPC_FRAME_AMQP || (type == AMQPC_FRAME_SASL && channel == 0 && !empty)) &&
        (empty || (belongs_to(type, performative->type) &&
                   (payload.size == 0 || performative->type == AMQPC_COMPOSITE_TRANSFER)));
    if (!valid) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpci_sink sink;
    amqpc_status status = start_frame(&sink, data, capacity);
    if (status == AMQPC_OK && !empty) {
        status = amqpci_encode_performative(&sink, performative);
    }
    return status == AMQPC_OK ? finish_frame(&sink, (uint8_t)type, channel, payload, size) : status;
}

/* The fields of a delivery's first frame, which is mostly its only one. */
enum {
    FIRST_FRAME = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID | AMQPC_TRANSFER_DELIVERY_TAG |
                  AMQPC_TRANSFER_MESSAGE_FORMAT | AMQPC_TRANSFER_SETTLED,
    FIRST_FRAME_BOUND = AMQPC_FRAME_HEADER_SIZE + 6 + 3 * 5 + 2 + 1, /* without tag and payload */
    TAG_MAX = 32,                                                    /* AMQP 2.8.7 */
};

/* The performative of a first frame behind the frame's header, where there is room for it. Gives
 * its end. */
AMQPCI_INLINE uint8_t *put_first_transfer(uint8_t *frame, const amqpc_transfer *transfer)
{
    static const uint8_t head[] = {0x00, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_TRANSFER,
                                   AMQPC_CODE_LIST8};
    uint8_t *list = frame + AMQPC_FRAME_HEADER_SIZE;
    memcpy(list, head, sizeof head);
    uint8_t *to = amqpci_put_uint(list + 6, transfer->handle);
    to = amqpci_put_uint(to, transfer->delivery_id);
    to[0] = AMQPC_CODE_BINARY8;
    to[1] = (uint8_t)transfer->delivery_tag.size;
    amqpci_copy(to + 2, (const uint8_t *)transfer->delivery_tag.data, transfer->delivery_tag.size);
    to = amqpci_put_uint(to + 2 + transfer->delivery_tag.size, transfer->message_format);
    to = amqpci_put_boolean(to, transfer->settled);
    list[4] = (uint8_t)(to - (list + 5));
    list[5] = 5;
    return to;
}

amqpc_status amqpc_transfer_frame_write(uint16_t channel, const amqpc_transfer *transfer,
                                        amqpc_bytes payload, void *data, size_t capacity,
                                        size_t *size)
{
    amqpci_sink sink;
    if (AMQPCI_LIKELY(transfer->present == FIRST_FRAME && transfer->delivery_tag.size <= TAG_MAX &&
                      capacity >= FIRST_FRAME_BOUND + TAG_MAX)) {
        amqpci_sink_init_fixed(&sink, data, capacity);
        sink.position = put_first_transfer(sink.start, transfer);
        return finish_frame(&sink, AMQPC_FRAME_AMQP, channel, payload, size);
    }
    amqpc_status status = start_frame(&sink, data, capacity);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        status = amqpci_encode_transfer(&sink, transfer);
    }
    return AMQPCI_LIKELY(status == AMQPC_OK)
               ? finish_frame(&sink, AMQPC_FRAME_AMQP, channel, payload, size)
               : status;
}
