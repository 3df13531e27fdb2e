/* Slabs and pieces of output. */
#include "engine/output.h"

#include <assert.h>

#include "base/memory.h"

enum { FIRST_PIECES = 8 };

void amqpci_output_init(amqpci_output *output, const amqpc_allocator *allocator)
{
    *output = (amqpci_output){.allocator = *allocator};
}

static void free_spares(amqpci_output *output)
{
    while (output->spares != NULL) {
        amqpci_output_slab *spare = output->spares;
        output->spares = spare->next;
        amqpci_release(&output->allocator, spare);
    }
    output->spare_count = 0;
}

static bool is_standard(size_t capacity)
{
    return capacity == AMQPCI_OUTPUT_SLAB_SIZE || capacity == AMQPCI_OUTPUT_LARGE_SLAB_SIZE;
}

void amqpci_output_slab_drop(amqpci_output *output, amqpci_output_slab *slab)
{
    assert(slab->references > 0);
    slab->references--;
    if (slab->references == 0) {
        if (is_standard(slab->capacity) && output->spare_count < AMQPCI_OUTPUT_SPARE_COUNT) {
            slab->next = output->spares;
            output->spares = slab;
            output->spare_count++;
        } else {
            amqpci_release(&output->allocator, slab);
        }
    }
}

/* Where nobody reads the current slab any more, it is filled from its front again. Not as soon as
 * that is so: somebody may be about to write behind what was there. */
static void rewind_current(amqpci_output *output)
{
    if (output->current != NULL && output->current->references == 1) {
        output->current->used = 0;
    }
}

static void drop_current(amqpci_output *output)
{
    if (output->current != NULL) {
        amqpci_output_slab *current = output->current;
        output->current = NULL;
        amqpci_output_slab_drop(output, current);
    }
}

void amqpci_output_clean_up(amqpci_output *output)
{
    while (output->count > 0) {
        amqpci_output_slab *slab = output->pieces[output->first].slab;
        output->first = (output->first + 1) & (output->piece_capacity - 1);
        output->count--;
        if (slab != NULL) {
            amqpci_output_slab_drop(output, slab);
        }
    }
    drop_current(output);
    free_spares(output);
    amqpci_release(&output->allocator, output->pieces);
    output->pieces = NULL;
    output->piece_capacity = 0;
    output->size = 0;
}

void amqpci_output_trim(amqpci_output *output)
{
    if (output->current != NULL && output->current->references == 1) {
        drop_current(output);
    }
    free_spares(output);
    if (output->count == 0) {
        amqpci_release(&output->allocator, output->pieces);
        output->pieces = NULL;
        output->piece_capacity = 0;
        output->first = 0;
    }
}

amqpc_status amqpci_output_reserve_pieces(amqpci_output *output, uint32_t count)
{
    if (output->piece_capacity - output->count >= count) {
        return AMQPC_OK;
    }
    uint32_t capacity = output->piece_capacity == 0 ? FIRST_PIECES : output->piece_capacity;
    while (capacity - output->count < count) {
        capacity *= 2;
    }
    size_t size = capacity * sizeof(amqpci_output_piece);
    amqpci_output_piece *grown =
        (amqpci_output_piece *)output->allocator.allocate(output->allocator.context, size);
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    for (uint32_t i = 0; i < output->count; i++) {
        grown[i] = output->pieces[(output->first + i) & (output->piece_capacity - 1)];
    }
    amqpci_release(&output->allocator, output->pieces);
    output->pieces = grown;
    output->piece_capacity = capacity;
    output->first = 0;
    return AMQPC_OK;
}

/* A spare slab of at least `capacity` bytes, or a new one. */
static amqpci_output_slab *take_slab(amqpci_output *output, size_t capacity)
{
    for (amqpci_output_slab **at = &output->spares; *at != NULL; at = &(*at)->next) {
        if ((*at)->capacity >= capacity) {
            amqpci_output_slab *spare = *at;
            *at = spare->next;
            output->spare_count--;
            return spare;
        }
    }
    size_t size = 0;
    if (__builtin_add_overflow(sizeof(amqpci_output_slab), capacity, &size)) {
        return NULL;
    }
    amqpci_output_slab *made =
        (amqpci_output_slab *)output->allocator.allocate(output->allocator.context, size);
    if (made != NULL) {
        made->capacity = capacity;
    }
    return made;
}

amqpc_status amqpci_output_next_slab(amqpci_output *output, size_t size)
{
    if (size > AMQPCI_OUTPUT_SLAB_SIZE_MAX) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = amqpci_output_reserve_pieces(output, 1);
    amqpci_output_slab *current = output->current;
    rewind_current(output);
    if (status != AMQPC_OK || (current != NULL && current->capacity - current->used >= size)) {
        return status;
    }
    size_t capacity = AMQPCI_OUTPUT_SLAB_SIZE;
    if (size > AMQPCI_OUTPUT_SLAB_SIZE / 2) {
        capacity = size > AMQPCI_OUTPUT_LARGE_SLAB_SIZE ? size : AMQPCI_OUTPUT_LARGE_SLAB_SIZE;
    }
    amqpci_output_slab *made = take_slab(output, capacity);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->next = NULL;
    made->references = 1;
    made->used = 0;
    drop_current(output);
    output->current = made;
    return AMQPC_OK;
}

void amqpci_output_add_piece(amqpci_output *output, const uint8_t *data, size_t size,
                             amqpci_output_slab *slab, struct amqpci_delivery *delivery)
{
    assert(output->count < output->piece_capacity);
    if (slab != NULL) {
        slab->references++;
    }
    uint32_t index = (output->first + output->count) & (output->piece_capacity - 1);
    output->pieces[index] = (amqpci_output_piece){data, size, slab, delivery};
    output->count++;
    output->size += size;
}

void amqpci_output_consume(amqpci_output *output, size_t size, amqpci_payload_sent *payload_sent,
                           void *context)
{
    assert(size <= output->size);
    output->size -= size;
    while (size > 0) {
        amqpci_output_piece *piece = &output->pieces[output->first];
        if (size < piece->size) {
            piece->data += size;
            piece->size -= size;
            return;
        }
        size -= piece->size;
        amqpci_output_piece gone = *piece;
        output->first = (output->first + 1) & (output->piece_capacity - 1);
        output->count--;
        if (gone.slab != NULL) {
            amqpci_output_slab_drop(output, gone.slab);
        }
        if (gone.delivery != NULL) {
            payload_sent(context, gone.delivery);
        }
    }
    rewind_current(output);
}

size_t amqpci_output_vectors(const amqpci_output *output, amqpc_bytes *vectors, size_t capacity)
{
    size_t count = output->count < capacity ? output->count : capacity;
    for (uint32_t i = 0; i < count; i++) {
        const amqpci_output_piece *piece =
            &output->pieces[(output->first + i) & (output->piece_capacity - 1)];
        vectors[i] = (amqpc_bytes){piece->data, piece->size};
    }
    return count;
}
