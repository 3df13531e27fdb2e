/* Sinks that grow. */
#include "codec/sink.h"

void amqpci_sink_init_growable(amqpci_sink *sink, amqpc_buffer *buffer)
{
    sink->buffer = buffer;
    sink->start = buffer->data;
    sink->position = buffer->data == NULL ? NULL : buffer->data + buffer->size;
    sink->end = buffer->data == NULL ? NULL : buffer->data + buffer->capacity;
}

void amqpci_sink_publish(amqpci_sink *sink)
{
    if (sink->buffer != NULL) {
        sink->buffer->size = sink->position == NULL ? 0 : amqpci_sink_offset(sink);
    }
}

amqpc_status amqpci_sink_grow(amqpci_sink *sink, size_t size)
{
    if (sink->buffer == NULL) {
        return AMQPC_BUFFER_FULL;
    }
    amqpci_sink_publish(sink);
    amqpc_status status = amqpci_buffer_reserve(sink->buffer, size);
    if (status == AMQPC_OK) {
        amqpci_sink_init_growable(sink, sink->buffer);
    }
    return status;
}
