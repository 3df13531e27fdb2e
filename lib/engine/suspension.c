/* What becomes of deliveries when their link is detached (AMQP 2.6.5, 2.6.6, 2.6.13): unsettled
 * ones are suspended until it is attached again, or over where it is closed. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/serial.h"
#include "engine/settlement.h"

void amqpci_suspended_remove(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpci_suspended *suspended = &link->suspended;
    for (uint32_t i = 0; i < suspended->count; i++) {
        if (suspended->deliveries[i] == delivery) {
            suspended->count--;
            memmove(&suspended->deliveries[i], &suspended->deliveries[i + 1],
                    (suspended->count - i) * sizeof(amqpci_delivery *));
            break;
        }
    }
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
}

bool amqpci_suspended_add(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpci_suspended *suspended = &link->suspended;
    if (suspended->count == suspended->capacity) {
        uint32_t capacity = suspended->capacity == 0 ? 8 : suspended->capacity * 2;
        void *grown = amqpci_reallocate(&link->connection->allocator, suspended->deliveries,
                                        capacity * sizeof(amqpci_delivery *));
        if (grown == NULL) {
            return false;
        }
        suspended->deliveries = (amqpci_delivery **)grown;
        suspended->capacity = capacity;
    }
    suspended->deliveries[suspended->count++] = delivery;
    delivery->flags |= AMQPCI_DELIVERY_SUSPENDED;
    return true;
}

/* The outcome of a delivery that was sent will not be known. */
static void end_sent(amqpc_link *link, amqpci_delivery *delivery)
{
    delivery->flags |= AMQPCI_DELIVERY_UNKNOWN;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_MORE;
    amqpci_link_finish_sent(link, delivery);
}

/* Nothing can be said to the sender of a delivery any more. */
static void end_received(amqpc_link *link, amqpci_delivery *delivery)
{
    link->unsettled_count--;
    delivery->flags |= AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_DONE | AMQPCI_DELIVERY_UNKNOWN;
    bool unseen = delivery->flags & (AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_UPDATED);
    if (!unseen) {
        amqpci_link_free_delivery(link, delivery);
    }
}

static void suspend_one(amqpc_link *link, amqpci_delivery *delivery)
{
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_INDEXED;
    if (!link->is_closed && amqpci_suspended_add(link, delivery)) {
        return;
    }
    if (link->role == AMQPC_ROLE_SENDER) {
        end_sent(link, delivery);
    } else {
        end_received(link, delivery);
    }
}

/* What arrived in part and no more will come of. */
static void end_partial(amqpc_link *link)
{
    amqpci_delivery *delivery = link->partial;
    if (link->role == AMQPC_ROLE_SENDER || delivery == NULL) {
        amqpci_sender_end_partial(link);
        return;
    }
    link->partial = NULL;
    if (!link->streaming) {
        link->connection->partial_size -= delivery->as.in.size;
        link->partial_size = 0;
    }
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_MORE;
    delivery->flags |= AMQPCI_DELIVERY_ABORTED;
    amqpci_receiver_drop_bytes(link, delivery);
    amqpci_receiver_forget(link, delivery);
    delivery->flags |= AMQPCI_DELIVERY_SETTLED;
    if (delivery->flags & AMQPCI_DELIVERY_QUEUED) {
        return; /* the application hears that it was aborted */
    }
    if (link->streaming && !link->released) {
        delivery->flags |= AMQPCI_DELIVERY_QUEUED;
        amqpci_delivery_list_append(&link->unread, delivery);
        link->unread_count++;
        amqpci_link_raise(link, AMQPC_EVENT_DELIVERIES);
        return;
    }
    amqpci_link_free_delivery(link, delivery);
}

/* Sends that wait for the window are not of the session any more. */
static void leave_pending(amqpc_link *link)
{
    amqpc_session *session = link->session;
    amqpci_delivery_list kept = {NULL, NULL};
    amqpci_delivery_list own = {NULL, NULL};
    amqpci_delivery *delivery = NULL;
    while ((delivery = amqpci_delivery_list_take(&session->pending)) != NULL) {
        amqpci_delivery_list_append(delivery->link == link ? &own : &kept, delivery);
    }
    session->pending = kept;
    while ((delivery = amqpci_delivery_list_take(&own)) != NULL) {
        link->connection->pending_size -= delivery->as.out.size;
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_QUEUED;
        if (delivery->flags & AMQPCI_DELIVERY_BORROWED &&
            delivery->flags & AMQPCI_DELIVERY_SETTLED) {
            end_sent(link, delivery);
        } else if (delivery->flags & AMQPCI_DELIVERY_SETTLED) {
            amqpci_link_free_delivery(link, delivery);
        }
    }
}

static void leave_index(amqpc_link *link, amqpci_delivery_index *index)
{
    uint32_t place = 0;
    uint32_t id = 0;
    amqpci_delivery *delivery = NULL;
    while ((delivery = (amqpci_delivery *)amqpci_delivery_index_next_straggler(index, &place,
                                                                               &id)) != NULL) {
        if (delivery->link == link) {
            (void)amqpci_delivery_index_remove(index, id);
            suspend_one(link, delivery);
        }
    }
    id = index->first;
    uint32_t last = amqpci_serial_add(index->next, UINT32_MAX);
    while ((delivery = (amqpci_delivery *)amqpci_delivery_index_next(index, &id, last)) != NULL) {
        if (delivery->link == link) {
            (void)amqpci_delivery_index_remove(index, id);
            suspend_one(link, delivery);
        }
        if (id == last) {
            break;
        }
        id = amqpci_serial_add(id, 1);
    }
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = amqpci_delivery_number(*(amqpci_delivery *const *)left);
    uint64_t b = amqpci_delivery_number(*(amqpci_delivery *const *)right);
    return a < b ? -1 : a > b;
}

/* Those that were suspended before, and are not any more, because the link is closed. */
static void end_suspended(amqpc_link *link)
{
    while (link->suspended.count > 0) {
        amqpci_delivery *delivery = link->suspended.deliveries[--link->suspended.count];
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
        if (link->role == AMQPC_ROLE_SENDER) {
            end_sent(link, delivery);
        } else {
            end_received(link, delivery);
        }
    }
}

void amqpci_recovery_suspend(amqpc_link *link)
{
    end_partial(link);
    link->resumed_count = 0;
    if (link->session != NULL) {
        if (link->session->pending.first != NULL) {
            leave_pending(link);
        }
        if (link->unsettled_count > 0) {
            leave_index(link, link->role == AMQPC_ROLE_SENDER ? &link->session->outgoing
                                                              : &link->session->incoming);
        }
    }
    if (link->is_closed) {
        end_suspended(link);
    } else if (link->suspended.count > 1) {
        qsort(link->suspended.deliveries, link->suspended.count, sizeof(amqpci_delivery *),
              by_number);
    }
}

amqpc_status amqpci_recovery_settle(amqpc_link *link, amqpci_delivery *delivery, uint8_t code,
                                    const amqpc_value *state, bool settled)
{
    delivery->local_state = code;
    amqpc_status status = AMQPC_OK;
    if (state != NULL) {
        status =
            amqpci_settlement_keep_state(&link->connection->deliveries, delivery, false, state);
    }
    if (status == AMQPC_OK && settled) {
        delivery->flags |= AMQPCI_DELIVERY_SETTLED;
    }
    return status;
}
