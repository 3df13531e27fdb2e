/* What becomes of deliveries when their link is detached (AMQP 2.6.5, 2.6.6, 2.6.13): unsettled
 * ones are suspended until it is attached again, or over where it is closed. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/serial.h"
#include "engine/recovery.h"
#include "engine/settlement.h"

void amqpci_suspended_remove(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpci_suspended *suspended = &link->suspended;
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    amqpc_bytes tag = amqpci_delivery_tag(delivery, link->role, storage);
    uint32_t at = amqpci_suspended_find(suspended, tag);
    if (at == UINT32_MAX || suspended->deliveries[at] != delivery) {
        for (at = 0; at < suspended->count && suspended->deliveries[at] != delivery;) {
            at++;
        }
    }
    if (at < suspended->count) {
        suspended->deliveries[at] = NULL;
    }
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
}

static bool resize(amqpc_link *link, uint32_t capacity)
{
    amqpci_suspended *suspended = &link->suspended;
    void *grown = amqpci_reallocate(&link->connection->allocator, suspended->deliveries,
                                    capacity * sizeof(amqpci_delivery *));
    if (grown != NULL) {
        suspended->deliveries = (amqpci_delivery **)grown;
        suspended->capacity = capacity;
    }
    return grown != NULL;
}

bool amqpci_suspended_reserve(amqpc_link *link, uint32_t count)
{
    const amqpci_suspended *suspended = &link->suspended;
    if (count <= suspended->capacity) {
        return true;
    }
    uint32_t capacity = suspended->capacity == 0 ? 8 : suspended->capacity * 2;
    /* A delivery is lost where there is no room for it: what is just enough is tried, too. */
    return (capacity > count && resize(link, capacity)) || resize(link, count);
}

static bool add(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpci_suspended *suspended = &link->suspended;
    if (!amqpci_suspended_reserve(link, suspended->count + 1)) {
        return false;
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
    link->unsettled_count -= !(delivery->flags & AMQPCI_DELIVERY_SETTLED);
    delivery->flags |= AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_DONE | AMQPCI_DELIVERY_UNKNOWN;
    bool unseen = delivery->flags & (AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_UPDATED);
    if (!unseen) {
        amqpci_link_free_delivery(link, delivery);
    }
}

void amqpci_link_suspend_one(amqpc_link *link, amqpci_delivery *delivery)
{
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_INDEXED;
    if (!link->is_closed && add(link, delivery)) {
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
    if (delivery->flags & AMQPCI_DELIVERY_DROPPED) {
        amqpci_delivery_free(&link->connection->deliveries, delivery);
        return;
    }
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

static void leave_index(amqpc_link *link, amqpci_delivery_index *index)
{
    uint32_t place = 0;
    uint32_t id = 0;
    amqpci_delivery *delivery = NULL;
    while ((delivery = (amqpci_delivery *)amqpci_delivery_index_next_straggler(index, &place,
                                                                               &id)) != NULL) {
        if (delivery->link == link) {
            (void)amqpci_delivery_index_remove(index, id);
            amqpci_link_suspend_one(link, delivery);
        }
    }
    id = index->first;
    uint32_t last = amqpci_serial_add(index->next, UINT32_MAX);
    while ((delivery = (amqpci_delivery *)amqpci_delivery_index_next(index, &id, last)) != NULL) {
        if (delivery->link == link) {
            (void)amqpci_delivery_index_remove(index, id);
            amqpci_link_suspend_one(link, delivery);
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
    return amqpci_number_before(a, b) ? -1 : a != b;
}

/* What the sender's application has settled, and the peer was not told of: it learns of it by the
 * delivery's absence from the next map. */
static void drop_settled(amqpc_link *link, amqpci_delivery *delivery)
{
    delivery->flags &= ~(uint32_t)(AMQPCI_DELIVERY_SUSPENDED | AMQPCI_DELIVERY_RESUMING);
    amqpci_sender_settled_here(link, delivery);
}

/* Closes the gaps that the attachment which ends has left. */
static void compact(amqpc_link *link)
{
    amqpci_suspended *suspended = &link->suspended;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < suspended->count; i++) {
        amqpci_delivery *delivery = suspended->deliveries[i];
        if (delivery == NULL) {
            continue;
        }
        if (link->role == AMQPC_ROLE_SENDER && delivery->flags & AMQPCI_DELIVERY_SETTLED) {
            drop_settled(link, delivery);
        } else {
            suspended->deliveries[kept++] = delivery;
        }
    }
    suspended->count = kept;
    amqpci_suspended_forget_tags(link);
}

/* What waited for credit to be sent again is suspended as before; the peer's next map decides of it
 * anew. There is room for it, as it was among the others. */
static void leave_resuming(amqpc_link *link)
{
    amqpci_delivery *delivery = NULL;
    if (link->resuming.first != NULL) {
        link->session->resuming_count--;
    }
    while ((delivery = amqpci_delivery_list_take(&link->resuming)) != NULL) {
        if (!(delivery->flags & AMQPCI_DELIVERY_RESUMING)) {
            amqpci_link_free_delivery(link, delivery); /* only to tell the peer that it is over */
        } else if (delivery->flags & AMQPCI_DELIVERY_SETTLED) {
            drop_settled(link, delivery);
        } else {
            delivery->flags &= ~(uint32_t)(AMQPCI_DELIVERY_RESUMING | AMQPCI_DELIVERY_ANEW);
            amqpci_link_suspend_one(link, delivery);
        }
    }
    link->held_credit = 0;
    link->credit_unwanted = false;
    link->map_incomplete = false;
    link->remote_map_incomplete = false;
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
    compact(link);
    leave_resuming(link);
    if (link->session != NULL) {
        if (link->session->pending.first != NULL) {
            amqpci_link_leave_pending(link);
        }
        if (link->unsettled_count > 0) {
            leave_index(link, link->role == AMQPC_ROLE_SENDER ? &link->session->outgoing
                                                              : &link->session->incoming);
        }
    }
    link->resumed_count = 0;
    if (link->is_closed) {
        end_suspended(link);
    } else if (link->suspended.count > 1) {
        qsort(link->suspended.deliveries, link->suspended.count, sizeof(amqpci_delivery *),
              by_number);
    }
}

/* Keeps what the application says of the delivery. */
static amqpc_status keep_said(amqpc_link *link, amqpci_delivery *delivery, uint8_t code,
                              const amqpc_value *state)
{
    if (state != NULL) {
        return amqpci_settlement_keep_state(&link->connection->deliveries, delivery, false, state);
    }
    delivery->local_state = code == AMQPC_COMPOSITE_NONE ? delivery->local_state : code;
    return AMQPC_OK;
}

amqpc_status amqpci_suspended_settle(amqpc_link *link, uint32_t position, uint8_t code,
                                     const amqpc_value *state, bool settled)
{
    amqpci_delivery *delivery = link->suspended.deliveries[position];
    amqpc_status status = keep_said(link, delivery, code, state);
    if (status != AMQPC_OK || !settled) {
        return status;
    }
    link->unsettled_count--;
    delivery->flags |= AMQPCI_DELIVERY_SETTLED;
    /* A receiver's stays in its map until the sender has seen it. So does a sender's whose map has
     * gone out. */
    if (link->role == AMQPC_ROLE_SENDER && link->state == AMQPC_LINK_DETACHED) {
        link->suspended.deliveries[position] = NULL;
        drop_settled(link, delivery);
    }
    return AMQPC_OK;
}

amqpc_status amqpci_resuming_settle(amqpc_link *link, amqpci_delivery *delivery, uint8_t code,
                                    const amqpc_value *state, bool settled)
{
    amqpc_status status = keep_said(link, delivery, code, state);
    if (status == AMQPC_OK && settled) {
        link->unsettled_count--;
        delivery->flags |= AMQPCI_DELIVERY_SETTLED;
    }
    return status;
}
