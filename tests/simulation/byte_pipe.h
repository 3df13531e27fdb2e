/* One direction of a network connection, in virtual time. */
#ifndef TESTS_SIMULATION_BYTE_PIPE_H
#define TESTS_SIMULATION_BYTE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was written at once, and arrives at once or in parts. */
typedef struct pipe_piece {
    uint64_t ready_at_ms;
    size_t size;
} pipe_piece;

typedef struct byte_pipe {
    uint8_t *bytes; /* waiting: size bytes from first */
    size_t capacity;
    size_t first;
    size_t size;
    pipe_piece *pieces; /* waiting, oldest first */
    size_t piece_capacity;
    size_t piece_first;
    size_t piece_count;
    uint64_t written;         /* bytes, in all */
    uint64_t stalled_till_ms; /* nothing arrives before */
    bool dead;                /* half-open: what is written from now on vanishes */
    bool ended;               /* no more can be written; the reader sees the end after the rest */
} byte_pipe;

/* How much one direction takes before the writer has to wait. */
enum { BYTE_PIPE_ROOM = 32768 };

void byte_pipe_init(byte_pipe *pipe);
void byte_pipe_clean_up(byte_pipe *pipe);

/* How much may be written now. */
size_t byte_pipe_room(const byte_pipe *pipe);

/* Puts bytes in, which arrive at ready_at_ms, or behind those before them. */
void byte_pipe_write(byte_pipe *pipe, const void *data, size_t size, uint64_t ready_at_ms);

/* How many bytes have arrived. */
size_t byte_pipe_available(const byte_pipe *pipe, uint64_t now_ms);

/* Takes bytes that have arrived. */
void byte_pipe_read(byte_pipe *pipe, void *data, size_t size);

/* When the next bytes arrive; UINT64_MAX where none are under way. */
uint64_t byte_pipe_next_at_ms(const byte_pipe *pipe, uint64_t now_ms);

/* The end, with the last `lost` bytes (or all there are) lost on the way. */
void byte_pipe_cut(byte_pipe *pipe, size_t lost);

#endif
