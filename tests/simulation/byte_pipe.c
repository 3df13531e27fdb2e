/* One direction of a network connection: a queue of bytes, and of when they arrive. */
#include "simulation/byte_pipe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void byte_pipe_init(byte_pipe *pipe)
{
    *pipe = (byte_pipe){0};
}

void byte_pipe_clean_up(byte_pipe *pipe)
{
    free(pipe->bytes);
    free(pipe->pieces);
    *pipe = (byte_pipe){0};
}

size_t byte_pipe_room(const byte_pipe *pipe)
{
    return pipe->ended || pipe->size >= BYTE_PIPE_ROOM ? 0 : BYTE_PIPE_ROOM - pipe->size;
}

static void *grown(void *memory, size_t size)
{
    void *moved = realloc(memory, size);
    if (moved == NULL) {
        abort();
    }
    return moved;
}

void byte_pipe_write(byte_pipe *pipe, const void *data, size_t size, uint64_t ready_at_ms)
{
    pipe->written += size;
    if (pipe->dead || pipe->ended || size == 0) {
        return;
    }
    if (pipe->first + pipe->size + size > pipe->capacity) {
        if (pipe->size > 0) {
            memmove(pipe->bytes, pipe->bytes + pipe->first, pipe->size);
        }
        pipe->first = 0;
        pipe->capacity = 2 * (pipe->size + size);
        pipe->bytes = (uint8_t *)grown(pipe->bytes, pipe->capacity);
    }
    memcpy(pipe->bytes + pipe->first + pipe->size, data, size);
    pipe->size += size;
    if (pipe->piece_first + pipe->piece_count == pipe->piece_capacity) {
        if (pipe->piece_count > 0) {
            memmove(pipe->pieces, pipe->pieces + pipe->piece_first,
                    pipe->piece_count * sizeof(pipe_piece));
        }
        pipe->piece_first = 0;
        pipe->piece_capacity = 2 * (pipe->piece_count + 4);
        pipe->pieces = (pipe_piece *)grown(pipe->pieces, pipe->piece_capacity * sizeof(pipe_piece));
    }
    pipe_piece *piece = &pipe->pieces[pipe->piece_first + pipe->piece_count++];
    *piece = (pipe_piece){ready_at_ms, size};
}

/* Bytes come in the order in which they were written: a late piece holds up those behind it. */
size_t byte_pipe_available(const byte_pipe *pipe, uint64_t now_ms)
{
    size_t available = 0;
    if (now_ms < pipe->stalled_till_ms) {
        return 0;
    }
    for (size_t i = 0; i < pipe->piece_count; i++) {
        const pipe_piece *piece = &pipe->pieces[pipe->piece_first + i];
        if (piece->ready_at_ms > now_ms) {
            break;
        }
        available += piece->size;
    }
    return available;
}

void byte_pipe_read(byte_pipe *pipe, void *data, size_t size)
{
    assert(size <= pipe->size);
    memcpy(data, pipe->bytes + pipe->first, size);
    pipe->first += size;
    pipe->size -= size;
    while (size > 0) {
        pipe_piece *piece = &pipe->pieces[pipe->piece_first];
        size_t part = piece->size < size ? piece->size : size;
        piece->size -= part;
        size -= part;
        if (piece->size == 0) {
            pipe->piece_first++;
            pipe->piece_count--;
        }
    }
}

uint64_t byte_pipe_next_at_ms(const byte_pipe *pipe, uint64_t now_ms)
{
    if (pipe->piece_count == 0) {
        return UINT64_MAX;
    }
    uint64_t ready_at_ms = pipe->pieces[pipe->piece_first].ready_at_ms;
    if (ready_at_ms < pipe->stalled_till_ms) {
        ready_at_ms = pipe->stalled_till_ms;
    }
    return ready_at_ms > now_ms ? ready_at_ms : now_ms;
}

void byte_pipe_cut(byte_pipe *pipe, size_t lost)
{
    pipe->ended = true;
    while (lost > 0 && pipe->piece_count > 0) {
        pipe_piece *piece = &pipe->pieces[pipe->piece_first + pipe->piece_count - 1];
        size_t part = piece->size < lost ? piece->size : lost;
        piece->size -= part;
        pipe->size -= part;
        lost -= part;
        pipe->piece_count -= piece->size == 0;
    }
}
