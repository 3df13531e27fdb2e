/* The inside of amqpc_buffer, for the layers that write into it directly. */
#ifndef AMQPCI_BASE_BUFFER_H
#define AMQPCI_BASE_BUFFER_H

#include <amqpcodec/buffer.h>

struct amqpc_buffer {
    amqpc_allocator allocator;
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated; size <= capacity <= cap */
    size_t cap;
};

/* Makes room for `more` bytes behind the first `size`; capacity at least doubles.
 * AMQPC_NO_MEMORY, AMQPC_BUFFER_FULL. */
AMQPC_CHECK amqpc_status amqpci_buffer_reserve(amqpc_buffer *buffer, size_t more);

#endif
