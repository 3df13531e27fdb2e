/* A growable byte buffer with a cap: where printers, explainers and growable writers put what
 * they produce. */
#ifndef AMQPCODEC_BUFFER_H
#define AMQPCODEC_BUFFER_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_buffer amqpc_buffer;

/* Makes an empty buffer. Nothing but the object itself is allocated until bytes are appended.
 *
 * allocator  copied; NULL for the C library's
 * cap        most bytes that the buffer may hold; 0 is invalid, SIZE_MAX means no cap
 * buffer     receives the buffer, which the caller frees by amqpc_buffer_free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_buffer_new(const amqpc_allocator *allocator, size_t cap,
                                        amqpc_buffer **buffer) AMQPC_CHECK;

/* Frees the buffer and its bytes. NULL is ignored. */
AMQPC_API void amqpc_buffer_free(amqpc_buffer *buffer);

/* The bytes; valid until the buffer next grows or is freed. NULL while nothing was ever appended.
 */
AMQPC_API const uint8_t *amqpc_buffer_data(const amqpc_buffer *buffer);

/* How many bytes the buffer holds. */
AMQPC_API size_t amqpc_buffer_size(const amqpc_buffer *buffer);

/* Appends bytes.
 *
 * data  copied; may be NULL where size is 0; must not point into the buffer
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, or AMQPC_BUFFER_FULL where the cap would be exceeded; on
 * failure the buffer is as before. */
AMQPC_API amqpc_status amqpc_buffer_append(amqpc_buffer *buffer, const void *data,
                                           size_t size) AMQPC_CHECK;

/* Drops all bytes but the first `size` (no effect where there are fewer); memory is kept for the
 * next use. */
AMQPC_API void amqpc_buffer_truncate(amqpc_buffer *buffer, size_t size);

AMQPC_END_DECLS

#endif
