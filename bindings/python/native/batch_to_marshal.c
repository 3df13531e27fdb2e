/* Batches of messages to one list of marshal. A message that does not decode ends the batch before
 * it, and is reported alone by the next one, so that the others are not lost. */
#include "marshal_write.h"

enum {
    FAILURE_FIELDS = 5,
    DUMPED_HEAD_SIZE = 5 /* a list's or bytes' code and size */
};

/* A list whose length is not known yet. */
static void start_list(crossing_output *output, crossing_batch *batch)
{
    crossing_output_start(output);
    output->position = put_list(output->position, 0);
    batch->flags = 0;
    batch->status = AMQPC_OK;
    batch->count = 0;
}

static void finish_list(crossing_output *output, crossing_batch *batch)
{
    put_u32(output->data + 1, batch->count);
    batch->flags = output->flags | batch->fields << CROSSING_FLAG_BITS;
}

/* The message that failed, as a tuple. Where it was memory that failed, there is nothing wrong with
 * the message: nothing is put or taken. */
static void put_failure(crossing_output *output, crossing_batch *batch, amqpc_bytes payload,
                        const amqpc_delivery *delivery)
{
    const size_t fault = output->fault;
    const size_t size = payload.size > INT32_MAX ? 0 : payload.size;
    crossing_output_start(output);
    const size_t tag_size = delivery == NULL ? 0 : delivery->tag.size;
    if (batch->status == AMQPC_NO_MEMORY ||
        !crossing_reserve(output, 3 * SCALAR_SIZE_MAX + size + tag_size)) {
        batch->status = AMQPC_NO_MEMORY;
        batch->flags = output->flags;
        return;
    }
    batch->count = 1;
    uint8_t *to = put_unsigned(put_tuple(output->position, FAILURE_FIELDS), fault);
    to = put_bytes(to, payload.data, size);
    if (delivery == NULL) {
        memset(to, MARSHAL_NONE, 3);
        to += 3;
    } else {
        to = put_unsigned(to, delivery->number);
        to = put_bytes(to, delivery->tag.data, tag_size);
        to = put_boolean(to, delivery->settled);
    }
    output->position = to;
    batch->flags = output->flags;
}

/* Adds a message. False where the batch ends: it is full, or the message fails. */
static bool add_message(crossing_output *output, crossing_batch *batch, amqpc_bytes payload,
                        amqpc_delivery *delivery, size_t *taken)
{
    const crossing_delivered delivered = {.delivery = delivery,
                                          .view_size_min = batch->view_size_min,
                                          .fields_fixed = batch->count > 0};
    if (batch->count > 0 && payload.size > batch->size_max - *taken) {
        return false;
    }
    amqpc_status status =
        crossing_put_message(output, payload, batch->mode, &delivered, &batch->fields);
    if (status != AMQPC_OK) {
        batch->status = batch->count > 0 ? AMQPC_OK : (int32_t)status;
        return false;
    }
    *taken += payload.size;
    batch->count++;
    return *taken < batch->size_max && batch->count < batch->messages_max;
}

uint32_t crossing_decode_deliveries(crossing_output *output, amqpc_delivery *deliveries,
                                    size_t count, crossing_batch *batch)
{
    size_t taken = 0;
    start_list(output, batch);
    for (size_t i = 0; i < count; i++) {
        if (!add_message(output, batch, deliveries[i].payload, &deliveries[i], &taken)) {
            break;
        }
    }
    if (batch->status != AMQPC_OK) {
        put_failure(output, batch, deliveries[0].payload, &deliveries[0]);
    } else {
        finish_list(output, batch);
    }
    return batch->count;
}

static size_t size_at(const void *sizes, size_t index)
{
    uint32_t size;
    memcpy(&size, (const uint8_t *)sizes + index * sizeof size, sizeof size);
    return size;
}

/* The message at the index of joined ones. False where the sizes are more than there is. */
static bool find_joined(amqpc_bytes joined, const void *sizes, uint32_t index, amqpc_bytes *payload)
{
    size_t offset = 0;
    for (uint32_t i = 0; i < index; i++) {
        const size_t size = size_at(sizes, i);
        if (size > joined.size - offset) {
            return false;
        }
        offset += size;
    }
    payload->data = (const uint8_t *)joined.data + offset;
    payload->size = size_at(sizes, index);
    return payload->size <= joined.size - offset;
}

uint32_t crossing_decode_joined(crossing_output *output, const void *data, size_t size,
                                const void *sizes, uint32_t count, uint32_t first,
                                crossing_batch *batch)
{
    size_t taken = 0;
    amqpc_bytes payload = {NULL, 0};
    start_list(output, batch);
    if (first >= count || !find_joined((amqpc_bytes){data, size}, sizes, first, &payload)) {
        batch->status = AMQPC_INVALID_ARGUMENT;
        return 0;
    }
    const uint8_t *end = (const uint8_t *)data + size;
    for (uint32_t i = first + 1; add_message(output, batch, payload, NULL, &taken); i++) {
        payload.data = (const uint8_t *)payload.data + payload.size;
        if (i == count || size_at(sizes, i) > (size_t)(end - (const uint8_t *)payload.data)) {
            break;
        }
        payload.size = size_at(sizes, i);
    }
    if (batch->status != AMQPC_OK) {
        put_failure(output, batch, payload, NULL);
    } else {
        finish_list(output, batch);
    }
    return batch->count;
}

/* The bytes at `*from`, which then is behind them. False where there is something else. */
static bool take_dumped(const uint8_t **from, const uint8_t *end, amqpc_bytes *bytes)
{
    const uint8_t *at = *from;
    if (end - at < DUMPED_HEAD_SIZE || at[0] != MARSHAL_BYTES) {
        return false;
    }
    bytes->size = at[1] | (size_t)at[2] << 8 | (size_t)at[3] << 16 | (size_t)at[4] << 24;
    bytes->data = at + DUMPED_HEAD_SIZE;
    if (bytes->size > (size_t)(end - at) - DUMPED_HEAD_SIZE) {
        return false;
    }
    *from = at + DUMPED_HEAD_SIZE + bytes->size;
    return true;
}

size_t crossing_decode_dumped(crossing_output *output, const void *data, size_t size, size_t offset,
                              crossing_batch *batch)
{
    size_t taken = 0;
    amqpc_bytes payload = {NULL, 0};
    const uint8_t *from = data;
    const uint8_t *end = from + size;
    start_list(output, batch);
    if (size < DUMPED_HEAD_SIZE || from[0] != MARSHAL_LIST || offset > size) {
        batch->status = AMQPC_INVALID_ARGUMENT;
        return 0;
    }
    from += offset == 0 ? DUMPED_HEAD_SIZE : offset;
    for (bool goes_on = true; goes_on && from < end;) {
        const uint8_t *next = from;
        const uint32_t count = batch->count;
        if (!take_dumped(&next, end, &payload)) {
            batch->status = AMQPC_INVALID_ARGUMENT;
            return 0;
        }
        goes_on = add_message(output, batch, payload, NULL, &taken);
        from = batch->count > count ? next : from;
    }
    if (batch->status != AMQPC_OK) {
        put_failure(output, batch, payload, NULL);
    } else {
        finish_list(output, batch);
    }
    return (size_t)(from - (const uint8_t *)data);
}
