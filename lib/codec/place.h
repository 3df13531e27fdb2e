/* A place within a compound value of either form: what walks over values are made of. */
#ifndef AMQPCI_CODEC_PLACE_H
#define AMQPCI_CODEC_PLACE_H

#include <amqpcodec/value.h>

typedef struct amqpci_place {
    amqpc_items
        encoded; /* of AMQPC_FORM_ENCODED; otherwise only its descriptor is set, to nothing */
    const amqpc_value *items; /* of AMQPC_FORM_ITEMS the next one; otherwise NULL */
    uint32_t remaining;
} amqpci_place;

/* Starts at the first element of a compound. Fails as amqpc_items_init does. */
AMQPC_CHECK amqpc_status amqpci_place_start(const amqpc_value *compound, amqpci_place *place);

/* The next element, of which there is one (place->remaining). Fails as amqpc_items_next does. */
AMQPC_CHECK amqpc_status amqpci_place_next(amqpci_place *place, amqpc_value *value);

#endif
