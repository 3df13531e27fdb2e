/* An allocator that counts the bytes that the library holds: exact where resident memory is not. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "soak/soak.h"

/* Stands before each piece, and keeps it aligned. */
typedef union piece {
    size_t size;
    max_align_t aligned;
} piece;

static atomic_ullong held;

static void *allocate(void *context, size_t size)
{
    (void)context;
    piece *made = size <= SIZE_MAX - sizeof(piece) ? malloc(sizeof(piece) + size) : NULL;
    if (made == NULL) {
        return NULL;
    }
    made->size = size;
    atomic_fetch_add_explicit(&held, size, memory_order_relaxed);
    return made + 1;
}

static void *reallocate(void *context, void *memory, size_t size)
{
    if (memory == NULL) {
        return allocate(context, size);
    }
    piece *old = (piece *)memory - 1;
    size_t old_size = old->size;
    piece *made = size <= SIZE_MAX - sizeof(piece) ? realloc(old, sizeof(piece) + size) : NULL;
    if (made == NULL) {
        return NULL;
    }
    made->size = size;
    atomic_fetch_add_explicit(&held, size, memory_order_relaxed);
    atomic_fetch_sub_explicit(&held, old_size, memory_order_relaxed);
    return made + 1;
}

static void release(void *context, void *memory)
{
    (void)context;
    if (memory != NULL) {
        piece *old = (piece *)memory - 1;
        atomic_fetch_sub_explicit(&held, old->size, memory_order_relaxed);
        free(old);
    }
}

const amqpc_allocator soak_allocator = {
    .allocate = allocate, .reallocate = reallocate, .release = release};

uint64_t soak_memory_held(void)
{
    return atomic_load(&held);
}
