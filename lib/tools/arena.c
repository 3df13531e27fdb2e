/* Memory that is given back all at once. Messages are few and large: one block each piece will do.
 */
#include "tools/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

struct arena_block {
    arena_block *next;
    max_align_t bytes[];
};

void *arena_take(arena *memory, size_t count, size_t size)
{
    size_t needed = 0;
    if (__builtin_mul_overflow(count, size, &needed) ||
        __builtin_add_overflow(needed, sizeof(arena_block), &needed)) {
        report_no_memory();
    }
    arena_block *block = (arena_block *)reallocate(NULL, needed);
    memset(block, 0, needed);
    block->next = memory->first;
    memory->first = block;
    return block->bytes;
}

char *arena_copy(arena *memory, const void *data, size_t size)
{
    char *copy = (char *)arena_take(memory, 1, size + 1);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

void arena_reset(arena *memory)
{
    while (memory->first != NULL) {
        arena_block *block = memory->first;
        memory->first = block->next;
        free(block);
    }
}
