/* The windows of a session, in both directions, and what it sends when output is asked for (AMQP
 * 2.5.6). */
#include "base/planted.h"
#include "base/serial.h"
#include "engine/link.h"

void amqpci_session_take_begin(amqpc_session *session, uint16_t channel, const amqpc_begin *begin)
{
    amqpc_connection *connection = session->connection;
    session->remote_channel = channel;
    session->begin_received = true;
    connection->remote_channels.sessions[channel] = session;
    session->next_incoming_id = begin->next_outgoing_id;
    session->remote_handle_max = begin->handle_max;
    /* The peer cannot have counted frames that were sent before its begin: the window is from our
     * first transfer-id on. */
    uint32_t sent =
        (uint32_t)amqpci_serial_distance(session->initial_outgoing_id, session->next_outgoing_id);
    session->remote_window = begin->incoming_window > sent ? begin->incoming_window - sent : 0;
    session->window_was_closed = session->remote_window == 0;
}

/* Input that is kept from being freed is at its limit: nothing more is asked for. */
static bool is_retention_full(const amqpc_connection *connection)
{
    /* The slab that is being received into is not kept by anybody. */
    size_t own = connection->input.slab == NULL ? 0 : connection->input.slab_size;
    size_t held = amqpci_slab_pool_size(connection->input.pool);
    /* Nor are slabs of deliveries that arrive in part, whose size has a limit of its own: without a
     * window they would never be whole. */
    uint64_t partial = connection->partial_size * 4 + AMQPCI_ASSEMBLED_FIRST;
    uint64_t limit = connection->retained_size_max + (connection->partial_size > 0 ? partial : 0);
    return held > own && held - own >= limit;
}

void amqpci_session_renew_window(amqpc_session *session)
{
    if (AMQPCI_PLANTED(8)) {
        return;
    }
    amqpc_connection *connection = session->connection;
    if (AMQPCI_UNLIKELY(is_retention_full(connection))) {
        if (!session->window_held) {
            session->window_held = true;
            connection->held_windows++;
        }
        return;
    }
    session->flow_due = true;
    amqpci_session_set_due(session);
}

void amqpci_session_check_held(amqpc_connection *connection)
{
    if (is_retention_full(connection)) {
        return;
    }
    connection->held_windows = 0;
    for (amqpc_session *at = connection->first_session; at != NULL; at = at->next) {
        if (at->window_held) {
            at->window_held = false;
            at->flow_due = true;
            amqpci_session_set_due(at);
        }
    }
}

void amqpci_session_take_flow(amqpc_session *session, const amqpc_flow *flow)
{
    /* A peer that has seen nothing of ours yet counts from our first id (AMQP 2.5.6). */
    uint32_t base = flow->present & AMQPC_FLOW_NEXT_INCOMING_ID ? flow->next_incoming_id
                                                                : session->initial_outgoing_id;
    int32_t in_flight = amqpci_serial_distance(base, session->next_outgoing_id);
    uint32_t window = flow->incoming_window;
    if (in_flight > 0) {
        window = window > (uint32_t)in_flight ? window - (uint32_t)in_flight : 0;
    }
    session->remote_window = window + (AMQPCI_PLANTED(6) ? 8 : 0);
    if (window == 0) {
        session->window_was_closed = true;
    } else {
        if (session->window_was_closed && !session->released) {
            amqpci_session_raise(session, AMQPC_EVENT_SESSION_WINDOW);
        }
        session->window_was_closed = false;
        if (session->pending.first != NULL) {
            amqpci_session_set_due(session);
        }
    }
}

void amqpci_session_fill_flow(amqpc_session *session, amqpc_flow *flow)
{
    if (!is_retention_full(session->connection)) {
        session->incoming_window = session->incoming_window_max;
    }
    flow->present =
        AMQPC_FLOW_INCOMING_WINDOW | AMQPC_FLOW_NEXT_OUTGOING_ID | AMQPC_FLOW_OUTGOING_WINDOW;
    if (session->begin_received) {
        flow->present |= AMQPC_FLOW_NEXT_INCOMING_ID;
        flow->next_incoming_id = session->next_incoming_id;
    }
    flow->incoming_window = session->incoming_window;
    flow->next_outgoing_id = session->next_outgoing_id;
    flow->outgoing_window = session->outgoing_window;
    session->flow_due = false;
}

void amqpci_session_set_due(amqpc_session *session)
{
    if (!session->is_due) {
        session->is_due = true;
        session->next_due = session->connection->first_due;
        session->connection->first_due = session;
    }
}

/* Flows of links, each of which tells the session's window as well. */
static amqpc_status write_link_flows(amqpc_session *session)
{
    while (session->first_due != NULL) {
        amqpc_link *link = session->first_due;
        if (link->state == AMQPC_LINK_ATTACHED || link->state == AMQPC_LINK_ATTACH_SENT) {
            amqpc_status status = amqpci_link_write_flow(link, false, NULL);
            if (status != AMQPC_OK) {
                return status;
            }
        }
        session->first_due = link->next_due;
        link->is_due = false;
    }
    return AMQPC_OK;
}

amqpc_status amqpci_session_write_due(amqpc_session *session)
{
    if (!amqpci_session_is_usable(session)) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpci_session_write_ranges(session);
    if (status == AMQPC_OK && AMQPCI_UNLIKELY(session->resuming_count > 0)) {
        status = amqpci_recovery_send(session);
    }
    if (status == AMQPC_OK) {
        status = write_link_flows(session);
    }
    if (status == AMQPC_OK && session->flow_due) {
        amqpc_performative out;
        out.type = AMQPC_COMPOSITE_FLOW;
        out.payload = (amqpc_bytes){NULL, 0};
        amqpci_session_fill_flow(session, &out.as.flow);
        status = amqpci_connection_write(session->connection, session->local_channel, &out);
        session->flow_due = status != AMQPC_OK;
    }
    if (status == AMQPC_OK && session->pending.first != NULL) {
        status = amqpci_session_send_pending(session);
        /* What was settled while it waited is told behind it. */
        status = status == AMQPC_OK ? amqpci_session_write_ranges(session) : status;
    }
    return status;
}
