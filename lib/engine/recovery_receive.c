/* A receiver is sent again what was unsettled when its link was suspended (AMQP 2.6.13).
 *
 * A delivery that the application has taken, or that waits for it whole, is not given to it twice:
 * the bytes that come again are dropped, and the delivery goes on under its new delivery-id. */
#include <string.h>

#include "base/byte_order.h"
#include "engine/recovery.h"
#include "engine/settlement.h"

void amqpci_recovery_end_received(amqpc_link *link, amqpci_delivery *delivery)
{
    bool was_settled = delivery->flags & AMQPCI_DELIVERY_SETTLED;
    link->unsettled_count -= !was_settled;
    delivery->flags |= AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED;
    if (!(delivery->flags & AMQPCI_DELIVERY_TAKEN)) {
        return; /* it waits to be taken, settled */
    }
    if (!was_settled || delivery->flags & AMQPCI_DELIVERY_UPDATED) {
        delivery->flags |= AMQPCI_DELIVERY_DONE;
        amqpci_link_add_update(link, delivery);
    } else {
        amqpci_receiver_free_taken(link, delivery);
    }
}

/* --- Bytes that nobody wants. */

/* What stands for the rest of a transfer of several frames. */
static amqpc_status make_dropped(amqpc_link *link, const amqpc_transfer *transfer,
                                 amqpci_delivery **dropped)
{
    *dropped = NULL;
    if (!transfer->more || transfer->aborted) {
        return AMQPC_OK;
    }
    amqpci_delivery *made = amqpci_delivery_make(&link->connection->deliveries);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->link = link;
    made->next = NULL;
    made->id = transfer->delivery_id;
    made->epoch = link->epoch;
    made->context = 0;
    made->flags = AMQPCI_DELIVERY_TAKEN | AMQPCI_DELIVERY_DROPPED;
    made->local_state = AMQPC_COMPOSITE_NONE;
    made->remote_state = AMQPC_COMPOSITE_NONE;
    amqpc_status status =
        amqpci_delivery_keep_tag(&link->connection->deliveries, made, transfer->delivery_tag);
    if (status != AMQPC_OK) {
        amqpci_delivery_free(&link->connection->deliveries, made);
        return status;
    }
    *dropped = made;
    return AMQPC_OK;
}

void amqpci_recovery_drop_frame(amqpc_link *link, const amqpc_transfer *transfer)
{
    amqpci_delivery *dropped = link->partial;
    if (transfer->settled || transfer->aborted) {
        /* So it is settled, whatever its bytes are. */
        amqpci_delivery *delivery =
            (amqpci_delivery *)amqpci_delivery_index_get(&link->session->incoming, dropped->id);
        if (delivery != NULL && delivery->link == link) {
            (void)amqpci_delivery_index_remove(&link->session->incoming, dropped->id);
            delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_INDEXED;
            link->resumed_count--;
            amqpci_recovery_end_received(link, delivery);
        }
    }
    if (!transfer->more || transfer->aborted) {
        link->partial = NULL;
        amqpci_delivery_free(&link->connection->deliveries, dropped);
    }
}

/* --- The delivery that comes back. */

/* Its bytes are wanted where this end has never had them, or asked for the rest of them. */
static bool wants_bytes(const amqpci_delivery *delivery)
{
    bool never_seen =
        delivery->flags & AMQPCI_DELIVERY_BARE && delivery->local_state == AMQPC_COMPOSITE_NONE;
    bool asked_for = delivery->flags & AMQPCI_DELIVERY_TAKEN &&
                     delivery->local_state == AMQPC_COMPOSITE_RECEIVED;
    return !(delivery->flags & AMQPCI_DELIVERY_SETTLED) && (never_seen || asked_for);
}

static void leave_suspended(amqpc_link *link, amqpci_delivery *delivery, uint32_t position)
{
    link->suspended.deliveries[position] = NULL;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
}

static void renumber(amqpci_delivery *delivery, uint32_t id)
{
    if (!(delivery->flags & AMQPCI_DELIVERY_RESUMED)) {
        delivery->extra->first_id = delivery->id;
    }
    delivery->id = id;
    delivery->flags |= AMQPCI_DELIVERY_RESUMED;
}

static void became_straggler(void *connection, void *delivery)
{
    amqpci_receiver_became_straggler((amqpc_connection *)connection, (amqpci_delivery *)delivery);
}

/* It is unsettled: it goes on under the transfer's id. AMQPC_NO_MEMORY, with all as it was. */
static amqpc_status go_on(amqpc_link *link, amqpci_delivery *delivery, uint32_t position,
                          uint32_t id)
{
    amqpc_connection *connection = link->connection;
    amqpc_status status =
        amqpci_delivery_index_add(&link->session->incoming, &connection->allocator, id, delivery,
                                  became_straggler, connection);
    if (status != AMQPC_OK) {
        return status;
    }
    leave_suspended(link, delivery, position);
    renumber(delivery, id);
    delivery->flags |= AMQPCI_DELIVERY_INDEXED;
    link->resumed_count++;
    return AMQPC_OK;
}

/* What this end said while the sender could not hear it goes to it under the new id. */
static amqpc_status repeat_state(amqpc_link *link, const amqpci_delivery *delivery, uint32_t id)
{
    bool settled = delivery->flags & AMQPCI_DELIVERY_SETTLED;
    uint8_t code = delivery->local_state;
    bool plain = code == AMQPC_COMPOSITE_NONE || code == AMQPC_COMPOSITE_ACCEPTED ||
                 code == AMQPC_COMPOSITE_RELEASED;
    if (code == AMQPC_COMPOSITE_NONE && !settled) {
        return AMQPC_OK;
    }
    if (plain) {
        return amqpci_session_add_range(link->session, AMQPC_ROLE_RECEIVER, id, id, code, settled);
    }
    uint8_t storage[4];
    amqpc_value state;
    amqpc_bytes encoded = amqpci_recovery_encoded_state(delivery, false, storage);
    amqpc_status status =
        amqpc_value_decode(encoded.data, encoded.size, &link->connection->limits, &state, NULL);
    if (status == AMQPC_OK) {
        status = amqpci_session_write_ranges(link->session);
    }
    const amqpci_range range = {id, id, code, settled, AMQPC_ROLE_RECEIVER, true};
    return status == AMQPC_OK ? amqpci_session_write_disposition(link->session, &range, &state)
                              : status;
}

/* Its bytes come from here on: what is left of it from before is its number. */
static void await_bytes(amqpc_link *link, amqpci_delivery *delivery, const amqpc_transfer *transfer)
{
    if (delivery->flags & AMQPCI_DELIVERY_UPDATED) {
        amqpci_delivery_list_remove(&link->updates, delivery);
    }
    delivery->flags &= ~(uint32_t)(AMQPCI_DELIVERY_TAKEN | AMQPCI_DELIVERY_UPDATED);
    delivery->flags |= delivery->local_state == AMQPC_COMPOSITE_RECEIVED
                           ? (uint32_t)AMQPCI_DELIVERY_CONTINUED
                           : 0u;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_BARE;
    delivery->local_state = AMQPC_COMPOSITE_NONE;
    delivery->as.in = (amqpci_incoming){.slab = NULL};
    delivery->extra->message_format = transfer->message_format;
    memcpy(delivery->extra->tag_storage, transfer->delivery_tag.data, transfer->delivery_tag.size);
}

/* The sender is done with it. */
static void take_settled(amqpc_link *link, amqpci_delivery *delivery, uint32_t position,
                         const amqpc_transfer *transfer, bool wanted)
{
    leave_suspended(link, delivery, position);
    if (wanted) {
        link->unsettled_count--;
        renumber(delivery, transfer->delivery_id);
        delivery->flags |= AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED;
    } else {
        amqpci_recovery_end_received(link, delivery);
    }
}

/* The sender is not done with it. AMQPC_NO_MEMORY. */
static amqpc_status take_unsettled(amqpc_link *link, amqpci_delivery *delivery, uint32_t position,
                                   const amqpc_transfer *transfer, bool wanted)
{
    amqpc_status status = wanted ? AMQPC_OK : repeat_state(link, delivery, transfer->delivery_id);
    if (status != AMQPC_OK) {
        return status;
    }
    if (!(delivery->flags & AMQPCI_DELIVERY_SETTLED)) {
        return go_on(link, delivery, position, transfer->delivery_id);
    }
    leave_suspended(link, delivery, position); /* the disposition was the last of it */
    amqpci_recovery_end_received(link, delivery);
    return AMQPC_OK;
}

static amqpc_status take_known(amqpc_link *link, uint32_t position, const amqpc_transfer *transfer,
                               bool wanted)
{
    amqpci_delivery_store *store = &link->connection->deliveries;
    amqpci_delivery *delivery = link->suspended.deliveries[position];
    amqpc_status status = amqpci_delivery_need_extra(store, delivery);
    if (status == AMQPC_OK && transfer->present & AMQPC_TRANSFER_STATE) {
        status = amqpci_settlement_keep_state(store, delivery, true, &transfer->state);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (transfer->settled || transfer->aborted) {
        take_settled(link, delivery, position, transfer, wanted);
    } else {
        status = take_unsettled(link, delivery, position, transfer, wanted);
    }
    if (status == AMQPC_OK && wanted) {
        await_bytes(link, delivery, transfer);
    }
    return status;
}

amqpc_status amqpci_recovery_take_resumed(amqpc_link *link, const amqpc_transfer *transfer,
                                          amqpc_bytes payload, amqpci_delivery **delivery)
{
    *delivery = NULL;
    uint32_t position = amqpci_suspended_find(&link->suspended, transfer->delivery_tag);
    amqpci_delivery *known = position == UINT32_MAX ? NULL : link->suspended.deliveries[position];
    bool brings = !transfer->aborted && (payload.size > 0 || transfer->more || !transfer->settled);
    bool wanted = known != NULL && brings && wants_bytes(known);
    amqpci_delivery *dropped = NULL;
    amqpc_status status = wanted ? AMQPC_OK : make_dropped(link, transfer, &dropped);
    /* One that is not known here is passed over (AMQP 2.6.13). */
    if (status == AMQPC_OK && known != NULL) {
        status = take_known(link, position, transfer, wanted);
    }
    if (status != AMQPC_OK) {
        if (dropped != NULL) {
            amqpci_delivery_free(&link->connection->deliveries, dropped);
        }
        return status;
    }
    link->partial = dropped == NULL ? link->partial : dropped;
    *delivery = wanted ? known : NULL;
    return AMQPC_OK;
}
