/* The bound's frames: transfer, disposition and flow (AMQP 2.3, 2.7). */
#ifndef BENCH_BOUND_FRAME_H
#define BENCH_BOUND_FRAME_H

#include "bound/message.h"

enum {
    BOUND_FRAME_HEADER_SIZE = 8,
    BOUND_FLOW = 0x13,
    BOUND_TRANSFER = 0x14,
    BOUND_DISPOSITION = 0x15,
    BOUND_FRAME_BOUND = 96, /* the most bytes of a frame without its delivery-tag and payload */
    BOUND_TAG_MAX = 32,
};

typedef struct bound_transfer {
    uint16_t channel;
    uint32_t handle;
    uint32_t delivery_id;
    bound_text delivery_tag;
    uint32_t message_format;
    bool settled;
    bool more;
    uint8_t receiver_settle_mode;
    bool resume;
    bool aborted;
    bool batchable;
    bound_text payload;
} bound_transfer;

/* state  the descriptor of a delivery state without fields, such as accepted */
typedef struct bound_disposition {
    uint16_t channel;
    bool role;
    uint32_t first;
    uint32_t last;
    bool settled;
    uint64_t state;
    bool batchable;
} bound_disposition;

typedef struct bound_flow {
    uint16_t channel;
    uint32_t next_incoming_id;
    uint32_t incoming_window;
    uint32_t next_outgoing_id;
    uint32_t outgoing_window;
    uint32_t handle;
    uint32_t delivery_count;
    uint32_t link_credit;
    uint32_t available;
    bool drain;
    bool echo;
} bound_flow;

/* Frame header, descriptor, and the head of the fields' list. `body` gets what follows the list. */
static inline bool bound_take_frame(const uint8_t *data, size_t size, uint8_t descriptor,
                                    uint16_t *channel, bound_cursor *body, bound_cursor *fields,
                                    uint32_t *count)
{
    if (size < BOUND_FRAME_HEADER_SIZE) {
        return false;
    }
    uint32_t frame_size = bound_load32(data);
    uint32_t data_offset = (uint32_t)data[4] * 4;
    if (frame_size < BOUND_FRAME_HEADER_SIZE || frame_size > size ||
        data_offset < BOUND_FRAME_HEADER_SIZE || data_offset > frame_size || data[5] != 0) {
        return false;
    }
    uint64_t found = 0;
    *channel = bound_load16(data + 6);
    *body = (bound_cursor){data + data_offset, data + frame_size};
    return bound_take_descriptor(body, &found) && found == descriptor &&
           bound_take_compound(body, AMQPC_CODE_LIST8, fields, count);
}

static inline bool bound_set_transfer_field(bound_transfer *transfer, uint32_t index,
                                            const bound_value *value)
{
    switch (index) {
    case 0:
        transfer->handle = (uint32_t)value->as.u64;
        return true;
    case 1:
        transfer->delivery_id = (uint32_t)value->as.u64;
        return true;
    case 2:
        transfer->delivery_tag = value->as.text;
        return (value->code & ~BOUND_WIDE) == AMQPC_CODE_BINARY8;
    case 3:
        transfer->message_format = (uint32_t)value->as.u64;
        return true;
    case 4:
        transfer->settled = value->as.boolean;
        return true;
    case 5:
        transfer->more = value->as.boolean;
        return true;
    case 6:
        transfer->receiver_settle_mode = (uint8_t)value->as.u64;
        return true;
    case 8:
        transfer->resume = value->as.boolean;
        return true;
    case 9:
        transfer->aborted = value->as.boolean;
        return true;
    case 10:
        transfer->batchable = value->as.boolean;
        return true;
    default: /* 7 is the delivery state, which only a resumed delivery has */
        return false;
    }
}

BOUND_CALL bool bound_transfer_parse(const uint8_t *data, size_t size, bound_transfer *transfer)
{
    bound_cursor body;
    bound_cursor fields;
    uint32_t count = 0;
    if (!bound_take_frame(data, size, BOUND_TRANSFER, &transfer->channel, &body, &fields, &count) ||
        count < 1) {
        return false;
    }
    transfer->delivery_id = 0;
    transfer->delivery_tag = (bound_text){NULL, 0};
    transfer->message_format = 0;
    transfer->settled = false;
    transfer->more = false;
    transfer->receiver_settle_mode = 0;
    transfer->resume = false;
    transfer->aborted = false;
    transfer->batchable = false;
    for (uint32_t i = 0; i < count; i++) {
        bound_value value;
        if (!bound_take_value(&fields, &value)) {
            return false;
        }
        if (value.code != AMQPC_CODE_NULL && !bound_set_transfer_field(transfer, i, &value)) {
            return false;
        }
    }
    transfer->payload = (bound_text){body.position, (uint32_t)bound_remaining(&body)};
    return fields.position == fields.end;
}

/* A delivery state without fields: descriptor and an empty list. */
static inline bool bound_take_state(bound_cursor *cursor, uint64_t *state)
{
    bound_cursor content;
    uint32_t count = 0;
    if (cursor->position < cursor->end && *cursor->position == AMQPC_CODE_NULL) {
        cursor->position++;
        return true;
    }
    return bound_take_descriptor(cursor, state) &&
           bound_take_compound(cursor, AMQPC_CODE_LIST8, &content, &count) && count == 0;
}

static inline bool bound_set_disposition_field(bound_disposition *disposition, uint32_t index,
                                               const bound_value *value)
{
    switch (index) {
    case 0:
        disposition->role = value->as.boolean;
        return true;
    case 1:
        disposition->first = (uint32_t)value->as.u64;
        return true;
    case 2:
        disposition->last = (uint32_t)value->as.u64;
        return true;
    case 3:
        disposition->settled = value->as.boolean;
        return true;
    case 5:
        disposition->batchable = value->as.boolean;
        return true;
    default:
        return false;
    }
}

BOUND_CALL bool bound_disposition_parse(const uint8_t *data, size_t size,
                                        bound_disposition *disposition)
{
    enum { STATE_INDEX = 4 };
    bound_cursor body;
    bound_cursor fields;
    uint32_t count = 0;
    if (!bound_take_frame(data, size, BOUND_DISPOSITION, &disposition->channel, &body, &fields,
                          &count) ||
        count < 2) {
        return false;
    }
    disposition->last = 0;
    disposition->settled = false;
    disposition->state = 0;
    disposition->batchable = false;
    for (uint32_t i = 0; i < count; i++) {
        bound_value value;
        if (i == STATE_INDEX) {
            if (!bound_take_state(&fields, &disposition->state)) {
                return false;
            }
            continue;
        }
        if (!bound_take_value(&fields, &value)) {
            return false;
        }
        if (value.code != AMQPC_CODE_NULL && !bound_set_disposition_field(disposition, i, &value)) {
            return false;
        }
    }
    return fields.position == fields.end && body.position == body.end;
}

static inline bool bound_set_flow_field(bound_flow *flow, uint32_t index, const bound_value *value)
{
    uint32_t *numbers[] = {&flow->next_incoming_id, &flow->incoming_window, &flow->next_outgoing_id,
                           &flow->outgoing_window,  &flow->handle,          &flow->delivery_count,
                           &flow->link_credit,      &flow->available};
    switch (index) {
    case 8:
        flow->drain = value->as.boolean;
        return true;
    case 9:
        flow->echo = value->as.boolean;
        return true;
    default:
        if (index >= sizeof numbers / sizeof numbers[0]) {
            return false;
        }
        *numbers[index] = (uint32_t)value->as.u64;
        return true;
    }
}

BOUND_CALL bool bound_flow_parse(const uint8_t *data, size_t size, bound_flow *flow)
{
    bound_cursor body;
    bound_cursor fields;
    uint32_t count = 0;
    uint16_t channel = 0;
    if (!bound_take_frame(data, size, BOUND_FLOW, &channel, &body, &fields, &count) || count < 4) {
        return false;
    }
    *flow = (bound_flow){.channel = channel};
    for (uint32_t i = 0; i < count; i++) {
        bound_value value;
        if (!bound_take_value(&fields, &value)) {
            return false;
        }
        if (value.code != AMQPC_CODE_NULL && !bound_set_flow_field(flow, i, &value)) {
            return false;
        }
    }
    return fields.position == fields.end && body.position == body.end;
}

/* Descriptor and list head behind the room for the frame header; gives where the fields begin. */
static inline uint8_t *bound_begin_frame(uint8_t *data, uint8_t descriptor, uint8_t count)
{
    uint8_t *head = bound_put_descriptor(data + BOUND_FRAME_HEADER_SIZE, descriptor);
    head[0] = AMQPC_CODE_LIST8;
    head[2] = count;
    return head + 3;
}

static inline void bound_end_fields(uint8_t *fields, const uint8_t *end)
{
    fields[-2] = (uint8_t)(end - (fields - 1));
}

static inline size_t bound_end_frame(uint8_t *data, uint16_t channel, const uint8_t *end)
{
    size_t size = (size_t)(end - data);
    bound_store32(data, (uint32_t)size);
    data[4] = BOUND_FRAME_HEADER_SIZE / 4;
    data[5] = 0;
    bound_store16(data + 6, channel);
    return size;
}

BOUND_CALL size_t bound_transfer_write(const bound_transfer *transfer, uint8_t *data,
                                       size_t capacity)
{
    if (transfer->delivery_tag.size > BOUND_TAG_MAX ||
        capacity < BOUND_FRAME_BOUND + BOUND_TAG_MAX + (size_t)transfer->payload.size) {
        return 0;
    }
    uint8_t *fields = bound_begin_frame(data, BOUND_TRANSFER, 5);
    uint8_t *to = bound_put_uint(fields, transfer->handle);
    to = bound_put_uint(to, transfer->delivery_id);
    to = bound_put_text(to, AMQPC_CODE_BINARY8, transfer->delivery_tag);
    to = bound_put_uint(to, transfer->message_format);
    to = bound_put_boolean(to, transfer->settled);
    bound_end_fields(fields, to);
    memcpy(to, transfer->payload.data, transfer->payload.size);
    return bound_end_frame(data, transfer->channel, to + transfer->payload.size);
}

BOUND_CALL size_t bound_disposition_write(const bound_disposition *disposition, uint8_t *data,
                                          size_t capacity)
{
    if (capacity < BOUND_FRAME_BOUND) {
        return 0;
    }
    uint8_t *fields = bound_begin_frame(data, BOUND_DISPOSITION, 5);
    uint8_t *to = bound_put_boolean(fields, disposition->role);
    to = bound_put_uint(to, disposition->first);
    to = bound_put_uint(to, disposition->last);
    to = bound_put_boolean(to, disposition->settled);
    to = bound_put_descriptor(to, (uint8_t)disposition->state);
    *to++ = AMQPC_CODE_LIST0;
    bound_end_fields(fields, to);
    return bound_end_frame(data, disposition->channel, to);
}

BOUND_CALL size_t bound_flow_write(const bound_flow *flow, uint8_t *data, size_t capacity)
{
    if (capacity < BOUND_FRAME_BOUND) {
        return 0;
    }
    uint8_t *fields = bound_begin_frame(data, BOUND_FLOW, 7);
    uint8_t *to = bound_put_uint(fields, flow->next_incoming_id);
    to = bound_put_uint(to, flow->incoming_window);
    to = bound_put_uint(to, flow->next_outgoing_id);
    to = bound_put_uint(to, flow->outgoing_window);
    to = bound_put_uint(to, flow->handle);
    to = bound_put_uint(to, flow->delivery_count);
    to = bound_put_uint(to, flow->link_credit);
    bound_end_fields(fields, to);
    return bound_end_frame(data, flow->channel, to);
}

#endif
