/* The bytes of received deliveries: who keeps them, and when they go. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "engine/link.h"

void amqpci_receiver_drop_bytes(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpci_incoming *in = &delivery->as.in;
    if (delivery->flags & AMQPCI_DELIVERY_TAKEN) {
        return;
    }
    if (link->connection->input.assembled == delivery) {
        link->connection->input.assembled = NULL;
    }
    amqpci_slab_drop(in->slab, 1);
    in->slab = NULL;
    in->size = 0;
    if (amqpci_delivery_has_extra(delivery)) {
        delivery->extra->sent_state = (amqpc_bytes){NULL, 0};
        delivery->extra->tag = delivery->extra->tag_storage;
    }
}

/* Tag, state and payload in a slab of their own size. */
static amqpci_slab *copy_out(const amqpc_allocator *allocator, amqpc_bytes tag, amqpc_bytes state,
                             amqpc_bytes payload)
{
    const amqpc_bytes parts[] = {tag, state, payload};
    amqpci_slab *own = NULL;
    size_t size = tag.size + state.size + payload.size;
    if (amqpci_slab_new(allocator, NULL, size, &own) != AMQPC_OK) {
        return NULL;
    }
    uint8_t *data = amqpci_slab_data(own);
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].size > 0) {
            memcpy(data, parts[i].data, parts[i].size);
            data += parts[i].size;
        }
    }
    return own;
}

void amqpci_receiver_became_straggler(amqpc_connection *connection, amqpci_delivery *delivery)
{
    amqpci_incoming *in = &delivery->as.in;
    bool shares = !(delivery->flags &
                    (AMQPCI_DELIVERY_TAKEN | AMQPCI_DELIVERY_OWN_SLAB | AMQPCI_DELIVERY_MORE)) &&
                  in->slab != NULL;
    /* Without memory it stays where it is. */
    amqpc_status status = shares ? amqpci_receiver_copy_out(connection, delivery) : AMQPC_OK;
    (void)status;
}

amqpc_status amqpci_receiver_copy_out(amqpc_connection *connection, amqpci_delivery *delivery)
{
    amqpci_incoming *in = &delivery->as.in;
    amqpc_bytes state =
        amqpci_delivery_has_extra(delivery) ? delivery->extra->sent_state : (amqpc_bytes){NULL, 0};
    amqpc_bytes tag = {amqpci_incoming_tag(delivery), delivery->tag_size};
    amqpc_bytes payload = {amqpci_incoming_payload(delivery), in->size};
    assert(in->slab != NULL && tag.data != NULL);
    amqpci_slab *own = copy_out(&connection->allocator, tag, state, payload);
    if (own == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpci_slab_drop(in->slab, 1);
    in->slab = own;
    amqpci_delivery_place_head(delivery, amqpci_slab_data(own));
    delivery->flags |= AMQPCI_DELIVERY_OWN_SLAB;
    return AMQPC_OK;
}

amqpc_status amqpc_delivery_keep(amqpc_delivery *delivery, const amqpc_allocator *allocator)
{
    if (delivery->storage == NULL) {
        return AMQPC_OK;
    }
    amqpci_slab *own = copy_out(allocator, delivery->tag, delivery->state, delivery->payload);
    if (own == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpci_slab_drop((amqpci_slab *)delivery->storage, 1);
    const uint8_t *data = amqpci_slab_data(own);
    delivery->storage = own;
    delivery->tag.data = data;
    delivery->state.data = data + delivery->tag.size;
    delivery->payload.data = data + delivery->tag.size + delivery->state.size;
    return AMQPC_OK;
}

bool amqpci_receiver_has_tag(const amqpci_delivery *delivery, amqpc_bytes tag)
{
    amqpc_bytes own = amqpci_delivery_tag(delivery, AMQPC_ROLE_RECEIVER, NULL);
    return own.size == tag.size && (tag.size == 0 || memcmp(own.data, tag.data, tag.size) == 0);
}

void amqpci_receiver_forget(amqpc_link *link, amqpci_delivery *delivery)
{
    if (delivery->flags & AMQPCI_DELIVERY_INDEXED) {
        (void)amqpci_delivery_index_remove(&link->session->incoming, delivery->id);
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_INDEXED;
        link->unsettled_count--;
        link->resumed_count -= (delivery->flags & AMQPCI_DELIVERY_RESUMED) != 0;
    } else if (delivery->flags & AMQPCI_DELIVERY_SUSPENDED) {
        amqpci_suspended_remove(link, delivery);
        link->unsettled_count--;
    }
}

void amqpci_receiver_free_taken(amqpc_link *link, amqpci_delivery *delivery)
{
    if (AMQPCI_UNLIKELY(amqpci_delivery_has_extra(delivery))) {
        /* The state that the application looks at lies there. */
        amqpci_delivery_list_append(&link->taken, delivery);
        return;
    }
    amqpci_delivery_free(&link->connection->deliveries, delivery);
}

void amqpci_receiver_free_views(amqpc_link *link)
{
    amqpci_delivery *delivery = NULL;
    while (AMQPCI_UNLIKELY((delivery = amqpci_delivery_list_take(&link->taken)) != NULL)) {
        amqpci_delivery_free(&link->connection->deliveries, delivery);
    }
}
