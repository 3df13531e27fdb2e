/* A growable byte buffer with a cap. */
#include "base/buffer.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 256 };

amqpc_status amqpc_buffer_new(const amqpc_allocator *allocator, size_t cap, amqpc_buffer **buffer)
{
    if (cap == 0 || buffer == NULL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpc_buffer *made = (amqpc_buffer *)amqpci_new(&chosen, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    made->cap = cap;
    *buffer = made;
    return AMQPC_OK;
}

void amqpc_buffer_free(amqpc_buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    amqpc_allocator allocator = buffer->allocator;
    amqpci_release(&allocator, buffer->data);
    amqpci_release(&allocator, buffer);
}

const uint8_t *amqpc_buffer_data(const amqpc_buffer *buffer)
{
    return buffer->data;
}

size_t amqpc_buffer_size(const amqpc_buffer *buffer)
{
    return buffer->size;
}

amqpc_status amqpc_buffer_append(amqpc_buffer *buffer, const void *data, size_t size)
{
    amqpc_status status = amqpci_buffer_reserve(buffer, size);
    if (status == AMQPC_OK && size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
    return status;
}

void amqpc_buffer_truncate(amqpc_buffer *buffer, size_t size)
{
    if (size < buffer->size) {
        buffer->size = size;
    }
}

amqpc_status amqpci_buffer_reserve(amqpc_buffer *buffer, size_t more)
{
    assert(buffer->size <= buffer->capacity && buffer->capacity <= buffer->cap);
    if (more <= buffer->capacity - buffer->size) {
        return AMQPC_OK;
    }
    if (more > buffer->cap - buffer->size) {
        return AMQPC_BUFFER_FULL;
    }
    size_t needed = buffer->size + more;
    size_t capacity = buffer->capacity > buffer->cap / 2 ? buffer->cap : buffer->capacity * 2;
    capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity;
    capacity = capacity < needed ? needed : capacity;
    capacity = capacity > buffer->cap ? buffer->cap : capacity;
    uint8_t *data = (uint8_t *)amqpci_reallocate(&buffer->allocator, buffer->data, capacity);
    if (data == NULL) {
        return AMQPC_NO_MEMORY;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return AMQPC_OK;
}
