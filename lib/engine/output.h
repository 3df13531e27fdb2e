/* What waits to be sent: frames in slabs, and payloads that are sent from where they lie.
 *
 * Frames are written one behind the other into a slab, so that a thousand of them are one piece. A
 * slab stays while bytes of it wait, or an unsettled delivery has its payload in it (it may have to
 * be sent again). All of it belongs to one connection, and is used by one thread at a time. */
#ifndef AMQPCI_ENGINE_OUTPUT_H
#define AMQPCI_ENGINE_OUTPUT_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>
#include <amqpcodec/value.h>

#include "base/compiler.h"

enum {
    AMQPCI_OUTPUT_SLAB_SIZE = 64 * 1024,
    AMQPCI_OUTPUT_LARGE_SLAB_SIZE = 272 * 1024, /* four payloads of 64 KiB, and their frames */
    AMQPCI_OUTPUT_SPARE_COUNT = 16
};

/* So that a place in a slab is told by 32 bits. */
#define AMQPCI_OUTPUT_SLAB_SIZE_MAX ((size_t)UINT32_MAX)

typedef struct amqpci_output_slab {
    struct amqpci_output_slab *next; /* of a spare one */
    size_t references; /* of pieces that wait, payloads, and of being the current one */
    size_t capacity;
    size_t used;
    uint8_t data[];
} amqpci_output_slab;

struct amqpci_delivery;

typedef struct amqpci_output_piece {
    const uint8_t *data;
    size_t size;
    amqpci_output_slab *slab;         /* holds a reference; NULL where the bytes are borrowed */
    struct amqpci_delivery *delivery; /* whose borrowed payload ends with this piece, or NULL */
} amqpci_output_piece;

typedef struct amqpci_output {
    amqpc_allocator allocator;
    amqpci_output_slab *current; /* where the next frame goes; NULL at first */
    amqpci_output_slab *spares;
    uint32_t spare_count;
    uint32_t first;          /* of the ring of pieces */
    uint32_t count;          /* pieces that wait */
    uint32_t piece_capacity; /* 0 or a power of two */
    amqpci_output_piece *pieces;
    size_t size; /* bytes that wait */
} amqpci_output;

void amqpci_output_init(amqpci_output *output, const amqpc_allocator *allocator);

/* Frees all, also what waits. */
void amqpci_output_clean_up(amqpci_output *output);

/* Gives back what memory it can. */
void amqpci_output_trim(amqpci_output *output);

/* The slow path of amqpci_output_reserve. */
AMQPC_CHECK AMQPCI_COLD amqpc_status amqpci_output_next_slab(amqpci_output *output, size_t size);

/* Makes sure of room for two pieces more, so that adding them cannot fail. */
AMQPC_CHECK amqpc_status amqpci_output_reserve_pieces(amqpci_output *output, uint32_t count);

/* Gives room for `size` bytes in one piece, at output->current. AMQPC_NO_MEMORY, also for more than
 * AMQPCI_OUTPUT_SLAB_SIZE_MAX. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_output_reserve(amqpci_output *output, size_t size,
                                                             uint8_t **place)
{
    amqpci_output_slab *current = output->current;
    if (AMQPCI_UNLIKELY(current == NULL || current->capacity - current->used < size ||
                        output->count == output->piece_capacity)) {
        amqpc_status status = amqpci_output_next_slab(output, size);
        if (status != AMQPC_OK) {
            return status;
        }
        current = output->current;
    }
    *place = current->data + current->used;
    return AMQPC_OK;
}

/* The slow path of amqpci_output_commit. */
void amqpci_output_add_piece(amqpci_output *output, const uint8_t *data, size_t size,
                             amqpci_output_slab *slab, struct amqpci_delivery *delivery);

/* The first `size` bytes of the room that was given are written, and wait to be sent. */
AMQPCI_INLINE void amqpci_output_commit(amqpci_output *output, size_t size)
{
    amqpci_output_slab *current = output->current;
    uint8_t *place = current->data + current->used;
    current->used += size;
    if (AMQPCI_LIKELY(output->count > 0)) {
        amqpci_output_piece *last =
            &output->pieces[(output->first + output->count - 1) & (output->piece_capacity - 1)];
        if (AMQPCI_LIKELY(last->slab == current && last->data + last->size == place)) {
            last->size += size;
            output->size += size;
            return;
        }
    }
    amqpci_output_add_piece(output, place, size, current, NULL);
}

/* Bytes of the room that was given are kept, and not sent: a payload that waits, or that is sent
 * by pieces. */
AMQPCI_INLINE void amqpci_output_store(amqpci_output *output, size_t size)
{
    output->current->used += size;
}

AMQPCI_INLINE void amqpci_output_slab_hold(amqpci_output_slab *slab)
{
    slab->references++;
}

/* Drops a reference; the last one makes it a spare slab, or frees it. */
void amqpci_output_slab_drop(amqpci_output *output, amqpci_output_slab *slab);

/* Takes `size` bytes off the front. Deliveries whose borrowed payload has gone out are given one
 * after the other by amqpci_output_take_sent. */
typedef void amqpci_payload_sent(void *context, struct amqpci_delivery *delivery);
void amqpci_output_consume(amqpci_output *output, size_t size, amqpci_payload_sent *payload_sent,
                           void *context);

/* The pieces as vectors, up to `capacity`. */
size_t amqpci_output_vectors(const amqpci_output *output, amqpc_bytes *vectors, size_t capacity);

#endif
