/* A sender sends again what was unsettled when its link was suspended (AMQP 2.6.13): in the order
 * of old, before anything new, as credit and the session's window allow. */
#include "engine/recovery.h"
#include "engine/sender.h"
#include "engine/settlement.h"

void amqpci_recovery_hold_credit(amqpc_link *link)
{
    bool waits = link->resuming.first != NULL;
    link->held_credit = 0;
    link->credit_unwanted = link->credit_unwanted && link->drain;
    if (waits || link->map_incomplete || link->remote_map_incomplete) {
        /* Nothing new may go before, or on this attachment at all (AMQP 2.7.3). */
        link->held_credit = link->credit;
        link->credit = 0;
    }
    if (waits && link->session != NULL) {
        amqpci_session_set_due(link->session);
    }
}

/* The application of the sender has settled it while it waited: the receiver is told that. */
static void turn_into_notice(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpci_sender_drop_payload(link->connection, delivery);
    delivery->as.out.size = 0;
    if (amqpci_delivery_has_extra(delivery)) {
        delivery->extra->framed_size = 0;
    }
    delivery->flags &=
        ~(uint32_t)(AMQPCI_DELIVERY_RESUMING | AMQPCI_DELIVERY_BORROWED | AMQPCI_DELIVERY_STREAMED);
}

/* Puts the delivery into the index under the id that it will have. AMQPC_NO_MEMORY. */
static amqpc_status renumber(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpc_connection *connection = link->connection;
    uint32_t id = link->session->next_delivery_out;
    amqpc_status status = amqpci_delivery_need_extra(&connection->deliveries, delivery);
    if (status == AMQPC_OK && !(delivery->flags & AMQPCI_DELIVERY_SETTLED)) {
        status = amqpci_delivery_index_add(&link->session->outgoing, &connection->allocator, id,
                                           delivery, amqpci_sender_became_straggler, connection);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (!(delivery->flags & AMQPCI_DELIVERY_RESUMED)) {
        delivery->extra->first_id = delivery->id;
    }
    delivery->id = id;
    delivery->flags |= AMQPCI_DELIVERY_RESUMED;
    return AMQPC_OK;
}

static void unindex(amqpc_link *link, const amqpci_delivery *delivery)
{
    if (!(delivery->flags & AMQPCI_DELIVERY_SETTLED)) {
        (void)amqpci_delivery_index_remove(&link->session->outgoing, delivery->id);
        link->session->outgoing.next = delivery->id; /* the next delivery gets the same id */
    }
}

/* Sends the first that waits. AMQPC_NO_MEMORY, with all as it was. */
static amqpc_status send_first(amqpc_link *link)
{
    amqpci_delivery *delivery = link->resuming.first;
    if (delivery->flags & AMQPCI_DELIVERY_SETTLED && delivery->flags & AMQPCI_DELIVERY_RESUMING) {
        turn_into_notice(link, delivery);
    }
    amqpc_status status = renumber(link, delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    (void)amqpci_delivery_list_take(&link->resuming);
    uint32_t flags = delivery->flags;
    if (!(flags & AMQPCI_DELIVERY_SETTLED)) {
        delivery->flags |= AMQPCI_DELIVERY_INDEXED;
        link->resumed_count++;
    }
    delivery->flags &= ~(uint32_t)(AMQPCI_DELIVERY_RESUMING | AMQPCI_DELIVERY_STARTED);
    status = amqpci_session_send(link->session, delivery);
    if (status == AMQPC_OK) {
        link->credit = link->held_credit; /* amqpci_sender_count takes it from there */
        amqpci_sender_count(link);
        link->held_credit = link->credit;
        link->credit = 0;
        return AMQPC_OK;
    }
    delivery->flags = flags;
    link->resumed_count -= !(flags & AMQPCI_DELIVERY_SETTLED);
    unindex(link, delivery);
    amqpci_delivery_list_prepend(&link->resuming, delivery);
    return status;
}

/* Takes the first out, which is not to be sent, or cannot be. */
static void give_first_up(amqpc_link *link)
{
    amqpci_delivery *delivery = amqpci_delivery_list_take(&link->resuming);
    bool told = delivery->flags & AMQPCI_DELIVERY_RESUMING;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_RESUMING;
    if (!told) {
        amqpci_link_free_delivery(link, delivery);
    } else if (delivery->flags & AMQPCI_DELIVERY_SETTLED) {
        amqpci_sender_settled_here(link, delivery);
    } else {
        delivery->flags |= AMQPCI_DELIVERY_UNKNOWN;
        amqpci_link_finish_sent(link, delivery);
    }
}

/* The receiver has not got it, so that there is nothing to tell of it. */
static bool is_settled_anew(const amqpci_delivery *delivery)
{
    uint32_t both = AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_ANEW;
    return (delivery->flags & both) == both;
}

/* All is sent again: what credit is left is for new deliveries, or goes back. */
static void release_credit(amqpc_link *link)
{
    link->session->resuming_count--;
    if (link->map_incomplete || link->remote_map_incomplete) {
        return;
    }
    link->credit = link->held_credit;
    link->held_credit = 0;
    if (link->credit_unwanted) {
        link->credit_unwanted = false;
        amqpci_link_give_credit_back(link);
    } else if (link->credit > 0 && !link->released) {
        amqpci_link_raise(link, AMQPC_EVENT_LINK_FLOW);
    }
}

static amqpc_status send_resuming(amqpc_link *link)
{
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && link->resuming.first != NULL) {
        amqpci_delivery *first = link->resuming.first;
        if (is_settled_anew(first)) {
            give_first_up(link);
            continue;
        }
        /* Borrowed bytes of it still wait in the output from the last time: afterwards. */
        if (link->held_credit == 0 || first->flags & AMQPCI_DELIVERY_FLYING) {
            return AMQPC_OK;
        }
        status = send_first(link);
        if (status != AMQPC_OK && status != AMQPC_NO_MEMORY) {
            /* The peer's frames are too small for what it would have to say. */
            give_first_up(link);
            status = AMQPC_OK;
        }
    }
    if (status == AMQPC_OK) {
        release_credit(link);
    }
    return status;
}

amqpc_status amqpci_recovery_send(amqpc_session *session)
{
    amqpc_status status = AMQPC_OK;
    for (amqpc_link *at = session->first_link;
         at != NULL && session->resuming_count > 0 && status == AMQPC_OK; at = at->next) {
        if (at->resuming.first != NULL && at->state == AMQPC_LINK_ATTACHED) {
            status = send_resuming(at);
        }
    }
    return status;
}
