/* Where encoders put bytes: memory of the caller, or a growable buffer. */
#ifndef AMQPCI_CODEC_SINK_H
#define AMQPCI_CODEC_SINK_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/compiler.h"

/* For a growable sink the three pointers lie in buffer->data and move when it grows: keep
 * offsets, not pointers, across a reserve. */
typedef struct amqpci_sink {
    uint8_t *start;
    uint8_t *position;
    uint8_t *end;
    amqpc_buffer *buffer; /* NULL where the memory is the caller's */
} amqpci_sink;

static inline void amqpci_sink_init_fixed(amqpci_sink *sink, void *data, size_t capacity)
{
    sink->start = (uint8_t *)data;
    sink->position = sink->start;
    sink->end = capacity == 0 ? sink->start : sink->start + capacity;
    sink->buffer = NULL;
}

/* Starts behind the buffer's bytes. amqpci_sink_publish makes the new ones the buffer's. */
void amqpci_sink_init_growable(amqpci_sink *sink, amqpc_buffer *buffer);

/* Of a growable sink: what was written becomes part of the buffer. */
void amqpci_sink_publish(amqpci_sink *sink);

/* The slow path of amqpci_sink_reserve. */
AMQPC_CHECK AMQPCI_COLD amqpc_status amqpci_sink_grow(amqpci_sink *sink, size_t size);

/* Makes sure that `size` bytes may be stored at sink->position. AMQPC_BUFFER_FULL,
 * AMQPC_NO_MEMORY. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_sink_reserve(amqpci_sink *sink, size_t size)
{
    if (AMQPCI_LIKELY(size <= (size_t)(sink->end - sink->position))) {
        return AMQPC_OK;
    }
    return amqpci_sink_grow(sink, size);
}

AMQPCI_INLINE size_t amqpci_sink_offset(const amqpci_sink *sink)
{
    return (size_t)(sink->position - sink->start);
}

#endif
