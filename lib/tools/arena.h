/* Memory that is given back all at once: what one message is made of. */
#ifndef AMQPCODEC_TOOLS_ARENA_H
#define AMQPCODEC_TOOLS_ARENA_H

#include <stddef.h>

typedef struct arena_block arena_block;

/* All zero: empty. */
typedef struct arena {
    arena_block *first;
} arena;

/* Zeroed memory for `count` objects of a size; ends the process rather than fail. */
void *arena_take(arena *memory, size_t count, size_t size);

/* A copy of bytes, and a NUL behind them. */
char *arena_copy(arena *memory, const void *data, size_t size);

/* Gives all of it back. */
void arena_reset(arena *memory);

#endif
