/* Sends that wait for the session's window, and whose link goes before they do.
 *
 * Delivery-ids follow one another without gaps (AMQP 2.7.5): those that never went out are given to
 * the deliveries behind them, which keep the numbers that the application knows. */
#include "base/serial.h"
#include "engine/sender.h"

static bool is_started(const amqpci_delivery *delivery)
{
    return (delivery->flags & AMQPCI_DELIVERY_STARTED) != 0;
}

/* Takes the link's sends out of the queue. */
static amqpci_delivery_list take_own(amqpc_link *link)
{
    amqpc_session *session = link->session;
    amqpci_delivery_list kept = {NULL, NULL};
    amqpci_delivery_list own = {NULL, NULL};
    amqpci_delivery *delivery = NULL;
    while ((delivery = amqpci_delivery_list_take(&session->pending)) != NULL) {
        amqpci_delivery_list_append(delivery->link == link ? &own : &kept, delivery);
    }
    session->pending = kept;
    return own;
}

/* It will not be sent in this attachment. */
static void drop(amqpc_link *link, amqpci_delivery *delivery)
{
    bool leaves_index = !is_started(delivery) && delivery->flags & AMQPCI_DELIVERY_INDEXED;
    link->connection->pending_size -= delivery->as.out.size;
    if (leaves_index) {
        (void)amqpci_delivery_index_remove(&link->session->outgoing, delivery->id);
    }
    amqpci_sender_drop_rest(delivery);
    if (leaves_index) {
        amqpci_link_suspend_one(link, delivery);
    }
}

/* The delivery keeps its number under another id. AMQPC_NO_MEMORY. */
static amqpc_status keep_number(amqpci_delivery *delivery)
{
    amqpc_link *link = delivery->link;
    if (delivery->flags & AMQPCI_DELIVERY_RESUMED) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpci_delivery_need_extra(&link->connection->deliveries, delivery);
    if (status == AMQPC_OK) {
        delivery->extra->first_id = delivery->id;
        delivery->flags |= AMQPCI_DELIVERY_RESUMED | AMQPCI_DELIVERY_ANEW;
        link->resumed_count += (delivery->flags & AMQPCI_DELIVERY_INDEXED) != 0;
    }
    return status;
}

/* Those of a link that has sends waiting, but of one. AMQPC_NO_MEMORY. */
static amqpc_status keep_number_beside(amqpci_delivery *delivery, const amqpc_link *leaving)
{
    const amqpc_link *link = delivery->link;
    return link != leaving && link->waiting_count > 0 ? keep_number(delivery) : AMQPC_OK;
}

/* All sends that wait, and all unsettled deliveries of their links, keep their numbers: what such a
 * link sends from now on is numbered under another epoch, as its ids come a second time.
 * AMQPC_NO_MEMORY, and it may be called again. */
static amqpc_status keep_numbers(amqpc_session *session, const amqpc_link *leaving)
{
    amqpci_delivery_index *index = &session->outgoing;
    amqpc_status status = AMQPC_OK;
    amqpci_delivery *delivery = NULL;
    uint32_t place = 0;
    uint32_t id = 0;
    for (delivery = session->pending.first; delivery != NULL && status == AMQPC_OK;
         delivery = delivery->next) {
        status = keep_number_beside(delivery, leaving);
    }
    while (status == AMQPC_OK &&
           (delivery = (amqpci_delivery *)amqpci_delivery_index_next_straggler(index, &place,
                                                                               &id)) != NULL) {
        status = keep_number_beside(delivery, leaving);
    }
    id = index->first;
    uint32_t last = amqpci_serial_add(index->next, UINT32_MAX);
    while (status == AMQPC_OK && id != index->next &&
           (delivery = (amqpci_delivery *)amqpci_delivery_index_next(index, &id, last)) != NULL) {
        status = keep_number_beside(delivery, leaving);
        id = amqpci_serial_add(id, 1);
    }
    return status;
}

amqpc_status amqpci_link_prepare_leave(amqpc_link *link)
{
    bool renumbers = link->session != NULL && link->waiting_count > 0;
    return renumbers ? keep_numbers(link->session, link) : AMQPC_OK;
}

/* Those that are left, and did not begin, get ids from `id` on. AMQPC_NO_MEMORY. */
static amqpc_status renumber(amqpc_session *session, uint32_t id)
{
    amqpc_connection *connection = session->connection;
    amqpc_status status = keep_numbers(session, NULL);
    for (amqpc_link *at = session->first_link; at != NULL; at = at->next) {
        at->epoch += at->waiting_count > 0;
    }
    for (amqpci_delivery *at = session->pending.first; at != NULL && status == AMQPC_OK;
         at = at->next) {
        if (!is_started(at) && at->flags & AMQPCI_DELIVERY_INDEXED) {
            (void)amqpci_delivery_index_remove(&session->outgoing, at->id);
        }
    }
    amqpci_delivery_index_rewind(&session->outgoing, id);
    for (amqpci_delivery *at = session->pending.first; at != NULL && status == AMQPC_OK;
         at = at->next) {
        if (is_started(at)) {
            continue;
        }
        at->id = id;
        id = amqpci_serial_add(id, 1);
        if (at->flags & AMQPCI_DELIVERY_INDEXED) {
            status = amqpci_delivery_index_add(&session->outgoing, &connection->allocator, at->id,
                                               at, amqpci_sender_became_straggler, connection);
        }
    }
    return status;
}

void amqpci_link_leave_pending(amqpc_link *link)
{
    amqpc_session *session = link->session;
    if (session == NULL || session->pending.first == NULL) {
        return;
    }
    amqpci_delivery_list own = take_own(link);
    amqpci_delivery *delivery = NULL;
    uint32_t waiting = link->waiting_count;
    link->waiting_count = 0;
    while ((delivery = amqpci_delivery_list_take(&own)) != NULL) {
        drop(link, delivery);
    }
    if (waiting == 0) {
        return;
    }
    uint32_t left = 0;
    for (delivery = session->pending.first; delivery != NULL; delivery = delivery->next) {
        left += !is_started(delivery);
    }
    session->next_delivery_out -= waiting;
    amqpc_status status = renumber(session, session->next_delivery_out - left);
    if (status != AMQPC_OK) {
        amqpci_connection_fail(session->connection, status);
    }
}
