/* Bytes of a stream that were read and are not used up yet: appended at the end, consumed from the
 * start. */
#ifndef AMQPCODEC_TOOLS_WINDOW_H
#define AMQPCODEC_TOOLS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/* A window that is all zero is empty.
 *
 * offset  in the stream, of the first byte that is held */
typedef struct window {
    uint8_t *memory;
    size_t start;
    size_t end;
    size_t capacity;
    uint64_t offset;
} window;

void window_free(window *bytes);

/* The bytes held; valid until the next window_reserve, window_append or window_free. */
const uint8_t *window_data(const window *bytes);
size_t window_size(const window *bytes);

/* Room for `size` more bytes behind those held; window_commit makes bytes written there part of the
 * window. */
uint8_t *window_reserve(window *bytes, size_t size);
void window_commit(window *bytes, size_t size);

void window_append(window *bytes, const void *data, size_t size);

/* Drops the first `size` of the bytes held. */
void window_consume(window *bytes, size_t size);

#endif
