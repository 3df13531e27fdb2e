/* A place within a compound value of either form. */
#include "codec/place.h"

#include <assert.h>

amqpc_status amqpci_place_start(const amqpc_value *compound, amqpci_place *place)
{
    place->remaining = compound->count;
    place->items = NULL;
    if (compound->form == AMQPC_FORM_ITEMS) {
        place->items = compound->as.items;
        place->encoded.descriptor = (amqpc_bytes){NULL, 0};
        return AMQPC_OK;
    }
    return amqpc_items_init(compound, &place->encoded);
}

amqpc_status amqpci_place_next(amqpci_place *place, amqpc_value *value)
{
    assert(place->remaining > 0);
    size_t count = 0;
    place->remaining--;
    if (place->items != NULL) {
        *value = *place->items++;
        return AMQPC_OK;
    }
    return amqpc_items_next(&place->encoded, value, 1, &count);
}
