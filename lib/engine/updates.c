/* What the peer says of deliveries, and how the application hears of it (AMQP 2.6.12, 2.7.6). */
#include "base/planted.h"
#include "base/serial.h"
#include "engine/settlement.h"

void amqpci_link_add_update(amqpc_link *link, amqpci_delivery *delivery)
{
    if (AMQPCI_UNLIKELY(delivery->flags & AMQPCI_DELIVERY_QUEUED)) {
        delivery->flags |= AMQPCI_DELIVERY_TOLD; /* it stands in one queue at a time */
        return;
    }
    if (!(delivery->flags & AMQPCI_DELIVERY_UPDATED)) {
        delivery->flags |= AMQPCI_DELIVERY_UPDATED;
        amqpci_delivery_list_append(&link->updates, delivery);
    }
    if (AMQPCI_LIKELY(!link->released)) {
        amqpci_link_raise(link, AMQPC_EVENT_UPDATES);
    }
}

void amqpci_link_free_delivery(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpc_connection *connection = link->connection;
    if (link->role == AMQPC_ROLE_RECEIVER) {
        amqpci_receiver_drop_bytes(link, delivery);
    } else if (delivery->flags & AMQPCI_DELIVERY_FLYING) {
        delivery->link = NULL; /* freed when its borrowed bytes have gone out */
        amqpci_delivery_free_extra(&connection->deliveries, delivery);
        return;
    } else {
        amqpci_sender_drop_payload(connection, delivery);
    }
    amqpci_delivery_free(&connection->deliveries, delivery);
}

/* A delivery that is over for both ends; it counts as unsettled until its last update is taken. */
void amqpci_link_finish_sent(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpc_connection *connection = link->connection;
    if (delivery->flags & AMQPCI_DELIVERY_INDEXED) {
        (void)amqpci_delivery_index_remove(&link->session->outgoing, delivery->id);
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_INDEXED;
        link->resumed_count -= (delivery->flags & AMQPCI_DELIVERY_RESUMED) != 0;
    } else if (delivery->flags & AMQPCI_DELIVERY_SUSPENDED) {
        amqpci_suspended_remove(link, delivery);
    }
    delivery->flags |= AMQPCI_DELIVERY_REMOTE_SETTLED;
    bool waits =
        delivery->flags & (AMQPCI_DELIVERY_FLYING | AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_MORE);
    if (AMQPCI_UNLIKELY(waits)) {
        return; /* the bytes are still to go: framed, or payload_sent, comes back */
    }
    amqpci_sender_drop_payload(connection, delivery);
    delivery->flags |= AMQPCI_DELIVERY_DONE;
    amqpci_link_add_update(link, delivery);
}

void amqpci_sender_settled_here(amqpc_link *link, amqpci_delivery *delivery)
{
    bool waits = delivery->flags &
                 (AMQPCI_DELIVERY_FLYING | AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_UPDATED);
    if (delivery->flags & AMQPCI_DELIVERY_UPDATED &&
        !(delivery->flags & (AMQPCI_DELIVERY_FLYING | AMQPCI_DELIVERY_QUEUED))) {
        delivery->flags |= AMQPCI_DELIVERY_DONE; /* the update that waits is the last */
        amqpci_sender_drop_payload(link->connection, delivery);
    }
    if (!waits && delivery->flags & AMQPCI_DELIVERY_BORROWED) {
        amqpci_link_finish_sent(link, delivery); /* an update gives the memory back */
    } else if (!waits) {
        /* The application may look at the state that its last update gave. */
        amqpci_sender_drop_payload(link->connection, delivery);
        amqpci_receiver_free_taken(link, delivery);
    }
}

/* --- In. */

/* state: NULL where the code says it all. AMQPC_NO_MEMORY. */
AMQPCI_INLINE amqpc_status set_state(amqpci_delivery *delivery, uint8_t code,
                                     amqpci_shared_state *state)
{
    if (AMQPCI_UNLIKELY(state != NULL)) {
        amqpc_status status =
            amqpci_delivery_share_state(&delivery->link->connection->deliveries, delivery, state);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    if (code != AMQPC_COMPOSITE_NONE) {
        delivery->remote_state = code;
    }
    return AMQPC_OK;
}

/* The peer, a receiver, says what became of a delivery. */
AMQPCI_INLINE amqpc_status update_sent(amqpci_delivery *delivery,
                                       const amqpc_disposition *disposition, uint8_t code,
                                       amqpci_shared_state *state)
{
    amqpc_link *link = delivery->link;
    amqpc_status status = set_state(delivery, code, state);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    if (disposition->settled) {
        amqpci_link_finish_sent(link, delivery);
    } else {
        amqpci_link_add_update(link, delivery);
    }
    return AMQPC_OK;
}

/* The peer, a sender, says something of a delivery that came in: mostly, that it has settled it. */
static amqpc_status update_received(amqpci_delivery *delivery, const amqpc_disposition *disposition,
                                    uint8_t code, amqpci_shared_state *state)
{
    amqpc_link *link = delivery->link;
    amqpc_status status = set_state(delivery, code, state);
    if (status != AMQPC_OK) {
        return status;
    }
    if (disposition->settled) {
        amqpci_receiver_forget(link, delivery);
        delivery->flags |= AMQPCI_DELIVERY_REMOTE_SETTLED | AMQPCI_DELIVERY_SETTLED;
        if (link->advertised < link->credit) {
            amqpci_link_check_credit(link);
        }
    }
    bool heard_of = delivery->flags & AMQPCI_DELIVERY_TAKEN;
    if (heard_of) {
        delivery->flags |= disposition->settled ? (uint32_t)AMQPCI_DELIVERY_DONE : 0u;
        amqpci_link_add_update(link, delivery);
    }
    return AMQPC_OK;
}

AMQPCI_INLINE amqpc_status update_one(amqpci_delivery *delivery,
                                      const amqpc_disposition *disposition, uint8_t code,
                                      amqpci_shared_state *state)
{
    return disposition->role == AMQPC_ROLE_RECEIVER
               ? update_sent(delivery, disposition, code, state)
               : update_received(delivery, disposition, code, state);
}

/* Stragglers that a range names: each id is looked up where there are fewer of them than
 * stragglers. */
static amqpc_status update_stragglers(amqpci_delivery_index *index, uint32_t first, uint32_t last,
                                      const amqpc_disposition *disposition, uint8_t code,
                                      amqpci_shared_state *state)
{
    uint32_t place = 0;
    uint32_t id = first;
    amqpc_status status = AMQPC_OK;
    amqpci_delivery *delivery = NULL;
    if (amqpci_ids_between(first, last) < index->straggler_count) {
        for (uint32_t end = amqpci_serial_add(last, 1); status == AMQPC_OK && id != end;
             id = amqpci_serial_add(id, 1)) {
            delivery = (amqpci_delivery *)amqpci_delivery_index_get_straggler(index, id);
            status = delivery == NULL ? AMQPC_OK : update_one(delivery, disposition, code, state);
        }
        return status;
    }
    while (status == AMQPC_OK &&
           (delivery = (amqpci_delivery *)amqpci_delivery_index_next_straggler(index, &place,
                                                                               &id)) != NULL) {
        if (amqpci_serial_distance(first, id) >= 0 && amqpci_serial_distance(id, last) >= 0) {
            status = update_one(delivery, disposition, code, state);
        }
    }
    return status;
}

amqpc_status amqpci_session_take_disposition(amqpc_session *session,
                                             const amqpc_disposition *disposition)
{
    amqpci_delivery_index *index =
        disposition->role == AMQPC_ROLE_RECEIVER ? &session->outgoing : &session->incoming;
    uint32_t id = disposition->first;
    uint32_t last =
        disposition->present & AMQPC_DISPOSITION_LAST ? disposition->last : disposition->first;
    if (amqpci_serial_distance(id, last) < 0) {
        return AMQPC_INVALID_FIELD;
    }
    bool has_state = (disposition->present & AMQPC_DISPOSITION_STATE) != 0;
    uint8_t code = has_state ? amqpci_state_code(&disposition->state) : AMQPC_COMPOSITE_NONE;
    const amqpc_allocator *allocator = &session->connection->allocator;
    amqpci_shared_state *state = NULL;
    amqpc_status status = AMQPC_OK;
    if (AMQPCI_UNLIKELY(!amqpci_is_plain_state(code))) {
        /* Once, and not for each delivery: there may be thousands of them, and 64 KiB of state. */
        status = amqpci_settlement_encode_state(allocator, &disposition->state, &state);
    }
    if (AMQPCI_UNLIKELY(index->straggler_count > 0 && status == AMQPC_OK)) {
        status = update_stragglers(index, id, last, disposition, code, state);
    }
    amqpci_delivery *delivery = NULL;
    while (AMQPCI_LIKELY(status == AMQPC_OK) &&
           (delivery = (amqpci_delivery *)amqpci_delivery_index_next(index, &id, last)) != NULL) {
        status = update_one(delivery, disposition, code, state);
        if (id == last) {
            break;
        }
        id = amqpci_serial_add(id, 1);
    }
    if (AMQPCI_UNLIKELY(state != NULL)) {
        amqpci_shared_state_drop(allocator, state);
    }
    return status;
}

/* --- To the application. */

static void fill_state(const amqpci_delivery *delivery, amqpc_update *update)
{
    static const uint8_t accepted[] = {AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_ACCEPTED,
                                       AMQPC_CODE_LIST0};
    static const uint8_t released[] = {AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_RELEASED,
                                       AMQPC_CODE_LIST0};
    uint8_t code = AMQPCI_PLANTED(2) ? AMQPC_COMPOSITE_ACCEPTED : delivery->remote_state;
    update->state_type = code == AMQPCI_STATE_OTHER ? AMQPC_STATE_OTHER : code;
    if (code == AMQPC_COMPOSITE_ACCEPTED || code == AMQPC_COMPOSITE_RELEASED) {
        const uint8_t *state = code == AMQPC_COMPOSITE_ACCEPTED ? accepted : released;
        update->state = (amqpc_value){
            .type = AMQPC_TYPE_DESCRIBED, .count = 2, .as.bytes = {state, sizeof accepted}};
        return;
    }
    update->state = (amqpc_value){.type = AMQPC_TYPE_NULL};
    if (code != AMQPC_COMPOSITE_NONE && amqpci_delivery_has_extra(delivery) &&
        delivery->extra->remote_state.size > 0) {
        /* It was valid when it came: nothing can be wrong with it. */
        amqpc_bytes bytes = delivery->extra->remote_state;
        const amqpc_limits *limits = &delivery->link->connection->limits;
        if (amqpc_value_decode(bytes.data, bytes.size, limits, &update->state, NULL) != AMQPC_OK) {
            update->state.type = AMQPC_TYPE_NULL;
        }
    }
}

AMQPCI_INLINE void take_update(amqpc_link *link, amqpci_delivery *delivery, amqpc_update *update)
{
    uint32_t flags = delivery->flags & ~(uint32_t)AMQPCI_DELIVERY_UPDATED;
    delivery->flags = flags;
    update->number = amqpci_delivery_number(delivery);
    update->context = amqpci_delivery_context(delivery);
    update->settled = (flags & AMQPCI_DELIVERY_DONE) != 0;
    update->unknown = (flags & AMQPCI_DELIVERY_UNKNOWN) != 0;
    fill_state(delivery, update);
    if (!(flags & AMQPCI_DELIVERY_DONE)) {
        return;
    }
    /* What was settled by the sending was never counted as unsettled. */
    if (link->role == AMQPC_ROLE_SENDER && !(flags & AMQPCI_DELIVERY_SETTLED)) {
        link->unsettled_count--;
    }
    amqpci_receiver_free_taken(link, delivery);
}

amqpc_status amqpc_link_updates(amqpc_link *link, amqpc_update *updates, size_t capacity,
                                size_t *count)
{
    size_t given = 0;
    amqpci_delivery *delivery = NULL;
    amqpci_receiver_free_views(link);
    while (given < capacity && (delivery = amqpci_delivery_list_take(&link->updates)) != NULL) {
        take_update(link, delivery, &updates[given++]);
        if (AMQPCI_PLANTED(1) && given < capacity) {
            updates[given] = updates[given - 1];
            given++;
        }
    }
    *count = given;
    if (link->updates.first == NULL && link->source.pending & 1u << AMQPC_EVENT_UPDATES) {
        amqpci_event_withdraw(&link->connection->events, &link->source, AMQPC_EVENT_UPDATES);
    }
    return AMQPC_OK;
}
