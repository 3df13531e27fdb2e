/* Input: the slab that the transport receives into, and that deliveries point into. */
#ifndef AMQPCI_ENGINE_INPUT_H
#define AMQPCI_ENGINE_INPUT_H

#include "base/slab.h"
#include "engine/delivery.h"

enum { AMQPCI_ASSEMBLED_FIRST = 65536 }; /* smallest slab of a delivery's own */

typedef struct amqpci_input {
    amqpc_allocator allocator;
    amqpci_slab_pool *pool;
    amqpci_slab *slab; /* NULL where nothing waits to be parsed */
    uint8_t *data;     /* of the slab */
    size_t capacity;
    size_t slab_size;           /* of new slabs */
    size_t filled;              /* bytes received */
    size_t parsed;              /* of them, bytes that are done with */
    size_t references;          /* to the slab that are ours, to be handed out to views */
    const uint8_t *view_end;    /* behind the last view that was handed out */
    amqpci_delivery *assembled; /* a delivery of several frames whose payload ends at view_end, or
                                   NULL */
} amqpci_input;

AMQPC_CHECK amqpc_status amqpci_input_init(amqpci_input *input, const amqpc_allocator *allocator,
                                           size_t slab_size);
void amqpci_input_clean_up(amqpci_input *input);

/* Gives back the slab where it holds nothing that is to be parsed. */
void amqpci_input_trim(amqpci_input *input);

/* Makes room for at least 1 byte, and for the rest of the frame that is incomplete: `needed` bytes
 * from input->parsed on. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_input_make_room(amqpci_input *input, size_t needed);

/* The slow path of amqpci_input_hold. */
AMQPCI_COLD void amqpci_input_more_references(amqpci_input *input);

/* Hands out a reference for a view that ends at `end`. */
AMQPCI_INLINE amqpci_slab *amqpci_input_hold(amqpci_input *input, const uint8_t *end)
{
    if (AMQPCI_UNLIKELY(input->references == 1)) {
        amqpci_input_more_references(input);
    }
    input->references--;
    input->view_end = end;
    input->assembled = NULL;
    return input->slab;
}

/* Appends the payload of a further frame to a delivery of which the slab is held already: in place
 * where nothing lies between, otherwise in a slab of its own. size_max: see
 * AMQPC_MESSAGE_TOO_LARGE. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_input_append(amqpci_input *input, amqpci_delivery *delivery,
                                             amqpc_bytes payload);

#endif
