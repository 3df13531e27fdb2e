/* A window over a stream. A byte is moved only when at least as many have been consumed, or when
 * memory doubles: time is linear. */
#include "tools/window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

void window_free(window *bytes)
{
    free(bytes->memory);
    *bytes = (window){0};
}

const uint8_t *window_data(const window *bytes)
{
    return bytes->memory == NULL ? (const uint8_t *)"" : bytes->memory + bytes->start;
}

size_t window_size(const window *bytes)
{
    return bytes->end - bytes->start;
}

static void move_to_front(window *bytes)
{
    size_t held = window_size(bytes);
    if (held > 0) {
        memmove(bytes->memory, bytes->memory + bytes->start, held);
    }
    bytes->start = 0;
    bytes->end = held;
}

uint8_t *window_reserve(window *bytes, size_t size)
{
    size_t held = window_size(bytes);
    if (size > bytes->capacity - bytes->end && bytes->start >= held) {
        move_to_front(bytes);
    }
    if (size > bytes->capacity - bytes->end) {
        size_t wanted = 0;
        if (__builtin_add_overflow(bytes->end, size, &wanted) || wanted > SIZE_MAX / 2) {
            report_no_memory();
        }
        size_t doubled = bytes->capacity * 2;
        bytes->capacity = wanted > doubled ? wanted : doubled;
        bytes->memory = (uint8_t *)reallocate(bytes->memory, bytes->capacity);
    }
    return bytes->memory + bytes->end;
}

void window_commit(window *bytes, size_t size)
{
    assert(size <= bytes->capacity - bytes->end);
    bytes->end += size;
}

void window_append(window *bytes, const void *data, size_t size)
{
    if (size > 0) {
        memcpy(window_reserve(bytes, size), data, size);
        window_commit(bytes, size);
    }
}

void window_consume(window *bytes, size_t size)
{
    assert(size <= window_size(bytes));
    bytes->start += size;
    bytes->offset += size;
}
