/* Credit: how many deliveries a receiver lets a sender send (AMQP 2.6.7). */
#include "base/serial.h"
#include "codec/store.h"
#include "engine/link.h"

void amqpc_link_get_flow(const amqpc_link *link, amqpc_link_flow *flow)
{
    *flow = (amqpc_link_flow){
        .credit = link->credit,
        .delivery_count = link->delivery_count,
        .available = link->available,
        .drain = link->drain,
    };
}

void amqpci_link_set_due(amqpc_link *link)
{
    amqpc_session *session = link->session;
    if (!link->is_due && session != NULL) {
        link->is_due = true;
        link->next_due = session->first_due;
        session->first_due = link;
    }
    if (session != NULL) {
        amqpci_session_set_due(session);
    }
}

static bool is_usable(const amqpc_link *link)
{
    return link->attach_sent && amqpci_session_is_usable(link->session) &&
           amqpci_link_step((amqpc_link_state)link->state, AMQPCI_LINK_SEND_USE).verdict ==
               AMQPCI_PROCEED;
}

static void tell(amqpc_link *link)
{
    if (is_usable(link)) {
        amqpci_link_set_due(link);
    }
}

/* --- Receiver. */

/* Deliveries that the sender has to come back to: it needs credit for it, but none of them is one
 * more (AMQP 2.6.13). */
static uint32_t suspended_count(const amqpc_link *link)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < link->suspended.count; i++) {
        count += link->suspended.deliveries[i] != NULL;
    }
    return count;
}

/* Credit that may be advertised: what is wanted, as far as the limit of unsettled deliveries lets
 * it. */
static uint32_t credit_to_advertise(const amqpc_link *link)
{
    uint32_t max = link->connection->unsettled_max;
    uint32_t room =
        link->unsettled_count < max ? max - link->unsettled_count : suspended_count(link);
    return link->credit < room ? link->credit : room;
}

/* A sender that had enough to send has used the credit up, and need not say so (AMQP 2.6.7). */
static void end_drain(amqpc_link *link)
{
    if (link->advertised == 0 && !link->is_due && link->state == AMQPC_LINK_ATTACHED) {
        link->drain = false;
        link->credit = 0;
        if (!link->released) {
            amqpci_link_raise(link, AMQPC_EVENT_LINK_FLOW);
        }
    }
}

void amqpci_link_refill(amqpc_link *link)
{
    if (AMQPCI_UNLIKELY(link->drain)) {
        end_drain(link);
    }
    if (link->prefetch == 0 || link->drain) {
        return;
    }
    uint32_t held = link->credit + link->unread_count;
    if (held <= link->prefetch / 2 && held < link->prefetch) {
        link->credit = link->prefetch - link->unread_count;
        tell(link);
    }
}

void amqpci_link_check_credit(amqpc_link *link)
{
    if (credit_to_advertise(link) / 2 >= link->advertised) {
        tell(link);
    }
}

amqpc_status amqpc_link_add_credit(amqpc_link *link, uint32_t count)
{
    if (link->role != AMQPC_ROLE_RECEIVER) {
        return AMQPC_INVALID_STATE;
    }
    if (count > (uint32_t)INT32_MAX - link->credit) {
        return AMQPC_INVALID_ARGUMENT;
    }
    link->credit += count;
    tell(link);
    return AMQPC_OK;
}

amqpc_status amqpc_link_set_prefetch(amqpc_link *link, uint32_t count)
{
    if (link->role != AMQPC_ROLE_RECEIVER) {
        return AMQPC_INVALID_STATE;
    }
    if (count > INT32_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    link->prefetch = count;
    uint32_t held = link->credit + link->unread_count;
    if (held < count) {
        link->credit = count - link->unread_count;
        tell(link);
    }
    return AMQPC_OK;
}

amqpc_status amqpc_link_drain(amqpc_link *link)
{
    if (link->role != AMQPC_ROLE_RECEIVER) {
        return AMQPC_INVALID_STATE;
    }
    link->prefetch = 0;
    link->drain = true;
    tell(link);
    return AMQPC_OK;
}

amqpc_status amqpc_link_withdraw_credit(amqpc_link *link)
{
    if (link->role != AMQPC_ROLE_RECEIVER) {
        return AMQPC_INVALID_STATE;
    }
    link->prefetch = 0;
    link->credit = 0;
    link->drain = false; /* there is nothing left to drain, whether the sender answers or not */
    tell(link);
    return AMQPC_OK;
}

/* --- Sender. */

amqpc_status amqpc_link_set_available(amqpc_link *link, uint32_t count)
{
    if (link->role != AMQPC_ROLE_SENDER) {
        return AMQPC_INVALID_STATE;
    }
    link->available = count;
    return AMQPC_OK;
}

void amqpci_link_give_credit_back(amqpc_link *link)
{
    uint32_t left = link->credit + link->held_credit;
    link->delivery_count = amqpci_serial_add(link->delivery_count, left);
    link->credit = 0;
    link->held_credit = 0;
    tell(link);
}

amqpc_status amqpc_link_drained(amqpc_link *link)
{
    if (link->role != AMQPC_ROLE_SENDER) {
        return AMQPC_INVALID_STATE;
    }
    if (link->drain && link->resuming.first != NULL) {
        link->credit_unwanted = true; /* what is left when all is sent again */
    } else if (link->drain && link->waiting_count > 0) {
        link->drained_when_sent = true;
    } else if (link->drain) {
        amqpci_link_give_credit_back(link);
    }
    return AMQPC_OK;
}

/* --- Out. */

amqpc_status amqpci_link_write_flow(amqpc_link *link, bool echo, const amqpc_value *properties)
{
    amqpc_performative out;
    amqpc_flow *flow = &out.as.flow;
    out.type = AMQPC_COMPOSITE_FLOW;
    out.payload = (amqpc_bytes){NULL, 0};
    amqpci_session_fill_flow(link->session, flow);
    flow->present |= AMQPC_FLOW_HANDLE | AMQPC_FLOW_LINK_CREDIT;
    flow->handle = link->local_handle;
    /* What waits for the session's window is not sent yet: it still has its credit. */
    flow->link_credit = link->role == AMQPC_ROLE_RECEIVER
                            ? credit_to_advertise(link)
                            : link->credit + link->held_credit + link->waiting_count;
    /* A receiver does not know the count before the sender's attach (AMQP 2.7.4). */
    if (link->role == AMQPC_ROLE_SENDER || link->attach_received) {
        flow->present |= AMQPC_FLOW_DELIVERY_COUNT;
        flow->delivery_count = (uint32_t)(link->delivery_count - link->waiting_count);
    }
    if (link->role == AMQPC_ROLE_SENDER) {
        flow->present |= AMQPC_FLOW_AVAILABLE;
        flow->available = link->available;
    }
    if (link->drain) {
        flow->present |= AMQPC_FLOW_DRAIN;
        flow->drain = true;
    }
    if (echo) {
        flow->present |= AMQPC_FLOW_ECHO;
        flow->echo = true;
    }
    if (properties != NULL) {
        flow->present |= AMQPC_FLOW_PROPERTIES;
        flow->properties = *properties;
    }
    amqpc_status status =
        amqpci_connection_write(link->connection, link->session->local_channel, &out);
    if (status == AMQPC_OK && link->role == AMQPC_ROLE_RECEIVER) {
        link->advertised = flow->link_credit;
        uint32_t limit = amqpci_serial_add(link->delivery_count, link->advertised);
        if (amqpci_serial_before(link->credit_limit, limit)) {
            link->credit_limit = limit;
        }
    }
    return status;
}

amqpc_status amqpc_link_send_flow(amqpc_link *link, bool echo, const amqpc_value *properties)
{
    if (!is_usable(link)) {
        return AMQPC_INVALID_STATE;
    }
    if (properties != NULL && properties->type != AMQPC_TYPE_MAP) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return amqpci_link_write_flow(link, echo, properties);
}

/* --- In. */

/* The sender's count moves on without deliveries where it gives credit back. */
static void take_sender_flow(amqpc_link *link, const amqpc_flow *flow)
{
    if (flow->present & AMQPC_FLOW_AVAILABLE) {
        link->available = flow->available;
    }
    if (!(flow->present & AMQPC_FLOW_DELIVERY_COUNT)) {
        return;
    }
    int32_t passed = amqpci_serial_distance(link->delivery_count, flow->delivery_count);
    bool plausible = passed > 0 && !amqpci_serial_before(link->credit_limit, flow->delivery_count);
    if (plausible) {
        link->delivery_count = flow->delivery_count;
        link->credit -= (uint32_t)passed < link->credit ? (uint32_t)passed : link->credit;
        link->advertised -=
            (uint32_t)passed < link->advertised ? (uint32_t)passed : link->advertised;
    }
    amqpci_link_refill(link);
}

/* Credit is counted from what the receiver has seen, so that what is on its way is not lost (AMQP
 * 2.6.7). */
static void take_receiver_flow(amqpc_link *link, const amqpc_flow *flow)
{
    if (!(flow->present & AMQPC_FLOW_LINK_CREDIT)) {
        return;
    }
    uint32_t seen = flow->present & AMQPC_FLOW_DELIVERY_COUNT ? flow->delivery_count
                                                              : link->initial_delivery_count;
    /* Deliveries that it has not seen yet; below 0 where it counts more than there were. */
    int32_t in_flight = amqpci_serial_distance(seen, link->delivery_count);
    in_flight = link->attach_sent ? in_flight : 0; /* it comes ahead of this end's attach */
    bool any = in_flight >= 0 && flow->link_credit > (uint32_t)in_flight;
    link->credit = any ? flow->link_credit - (uint32_t)in_flight : 0;
    link->drain = flow->drain;
    link->drained_when_sent = link->drained_when_sent && link->drain;
    amqpci_recovery_hold_credit(link);
}

static amqpc_status keep_properties(amqpc_link *link, const amqpc_flow *flow)
{
    if (!(flow->present & AMQPC_FLOW_PROPERTIES)) {
        return AMQPC_OK;
    }
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink sink;
    amqpci_sink_init_growable(&sink, buffer);
    status = amqpci_store_value(&sink, &flow->properties);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        amqpc_bytes bytes = {amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)};
        status = amqpci_connection_keep(link->connection, bytes, &link->flow_properties);
    }
    amqpc_buffer_free(buffer);
    return status;
}

amqpc_status amqpc_link_remote_flow_properties(const amqpc_link *link, amqpc_value *properties)
{
    if (link->flow_properties.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    return amqpc_value_decode(link->flow_properties.data, link->flow_properties.size,
                              &link->connection->limits, properties, NULL);
}

amqpc_status amqpci_link_take_flow(amqpc_session *session, const amqpc_flow *flow)
{
    amqpc_link *link = NULL;
    if (flow->present & AMQPC_FLOW_HANDLE) {
        link = amqpci_handle_map_get(&session->remote_handles, flow->handle);
        if (link == NULL) {
            return AMQPC_UNATTACHED_HANDLE;
        }
        amqpci_step step = amqpci_link_step((amqpc_link_state)link->state, AMQPCI_LINK_RECEIVE_USE);
        if (step.verdict == AMQPCI_REFUSE) {
            return amqpci_link_refusal(link);
        }
        amqpc_status status = keep_properties(link, flow);
        if (status != AMQPC_OK) {
            return status;
        }
        link = step.verdict == AMQPCI_PROCEED ? link : NULL;
    }
    amqpci_session_take_flow(session, flow);
    if (link == NULL) {
        if (flow->echo && !(flow->present & AMQPC_FLOW_HANDLE) && session->begin_sent) {
            session->flow_due = true;
            amqpci_session_set_due(session);
        }
        return AMQPC_OK;
    }
    if (link->role == AMQPC_ROLE_RECEIVER) {
        take_sender_flow(link, flow);
    } else {
        take_receiver_flow(link, flow);
    }
    if (flow->echo) {
        tell(link); /* the answer has no echo: two ends would go on for ever (AMQP 2.7.4) */
    }
    if (!link->released) {
        amqpci_link_raise(link, AMQPC_EVENT_LINK_FLOW);
    }
    return AMQPC_OK;
}
