/* Frames of sessions that come in: which session, and whether its state allows it (AMQP 2.5). */
#include "engine/link.h"

/* The begin that answers ours. */
static amqpc_status take_answer(amqpc_connection *connection, const amqpc_frame *frame,
                                const amqpc_begin *begin)
{
    amqpc_session *session =
        amqpci_channel_table_get(&connection->local_channels, begin->remote_channel);
    if (session == NULL || session->begin_received) {
        return AMQPC_UNMAPPED_CHANNEL;
    }
    amqpci_step step =
        amqpci_session_step((amqpc_session_state)session->state, AMQPCI_SESSION_RECEIVE_BEGIN);
    if (step.verdict == AMQPCI_REFUSE) {
        return AMQPC_ILLEGAL_STATE;
    }
    amqpc_status status = amqpci_connection_keep(connection, frame->body, &session->remote_begin);
    if (status != AMQPC_OK) {
        return status;
    }
    session->state = step.next;
    amqpci_session_take_begin(session, frame->channel, begin);
    if (step.verdict == AMQPCI_PROCEED && !session->released) {
        amqpci_session_raise(session, AMQPC_EVENT_SESSION_BEGIN);
    }
    return AMQPC_OK;
}

/* As many sessions are not over at both ends as there are channels: a peer that ends what it began
 * without waiting for the answer could make ever more of them. */
static bool is_full(const amqpc_connection *connection)
{
    uint32_t count = 0;
    for (const amqpc_session *at = connection->first_session; at != NULL; at = at->next) {
        count += at->state != AMQPC_SESSION_UNMAPPED;
    }
    return count >= connection->limits.channels;
}

/* A session that the peer begins. */
static amqpc_status take_new(amqpc_connection *connection, const amqpc_frame *frame,
                             const amqpc_begin *begin)
{
    if (is_full(connection)) {
        return AMQPC_RESOURCE_LIMIT;
    }
    amqpc_session *session = NULL;
    amqpc_status status = amqpci_session_make(connection, &session);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_connection_keep(connection, frame->body, &session->remote_begin);
    if (status != AMQPC_OK) {
        amqpci_session_destroy(session);
        return status;
    }
    (void)amqpci_session_advance(session, AMQPCI_SESSION_RECEIVE_BEGIN);
    amqpci_session_take_begin(session, frame->channel, begin);
    amqpci_session_raise(session, AMQPC_EVENT_SESSION_BEGIN);
    return AMQPC_OK;
}

static amqpc_status take_begin(amqpc_connection *connection, const amqpc_frame *frame,
                               const amqpc_begin *begin)
{
    if (amqpci_channel_table_get(&connection->remote_channels, frame->channel) != NULL) {
        return AMQPC_CHANNEL_IN_USE;
    }
    amqpc_status status =
        amqpci_channel_table_reserve(connection, &connection->remote_channels, frame->channel);
    if (status != AMQPC_OK) {
        return status;
    }
    return begin->present & AMQPC_BEGIN_REMOTE_CHANNEL ? take_answer(connection, frame, begin)
                                                       : take_new(connection, frame, begin);
}

static amqpc_status take_end(amqpc_session *session, const amqpc_end *end)
{
    amqpc_connection *connection = session->connection;
    amqpci_step step =
        amqpci_session_step((amqpc_session_state)session->state, AMQPCI_SESSION_RECEIVE_END);
    if (step.verdict == AMQPCI_REFUSE) {
        return AMQPC_ILLEGAL_STATE;
    }
    if (end->present & AMQPC_END_ERROR) {
        amqpc_status status =
            amqpci_connection_encode_error(connection, &end->error, &session->error);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    session->state = step.next;
    connection->remote_channels.sessions[session->remote_channel] = NULL;
    if (!session->released) {
        amqpci_session_raise(session, AMQPC_EVENT_SESSION_END);
    }
    amqpci_session_disband(session);
    return AMQPC_OK;
}

/* What a frame of a link does; statuses that end no more than the link or the session end that. */
static amqpc_status take_link_frame(amqpc_session *session, const amqpc_performative *performative)
{
    switch (performative->type) {
    case AMQPC_COMPOSITE_TRANSFER:
        return amqpci_link_take_transfer(session, &performative->as.transfer,
                                         performative->payload);
    case AMQPC_COMPOSITE_DISPOSITION:
        return amqpci_session_take_disposition(session, &performative->as.disposition);
    case AMQPC_COMPOSITE_FLOW:
        return amqpci_link_take_flow(session, &performative->as.flow);
    case AMQPC_COMPOSITE_ATTACH:
        return amqpci_link_take_attach(session, &performative->as.attach);
    case AMQPC_COMPOSITE_DETACH:
        return amqpci_link_take_detach(session, &performative->as.detach);
    default:
        return AMQPC_ILLEGAL_STATE;
    }
}

/* Faults that end the session, and not the connection (AMQP 2.8.17). */
static bool ends_session(amqpc_status status)
{
    return status == AMQPC_HANDLE_IN_USE || status == AMQPC_UNATTACHED_HANDLE ||
           status == AMQPC_ERRANT_LINK || status == AMQPC_WINDOW_VIOLATION ||
           status == AMQPC_BAD_DELIVERY_ID || status == AMQPC_RESOURCE_LIMIT ||
           status == AMQPC_INVALID_FIELD;
}

amqpc_status amqpci_session_take(amqpc_connection *connection, const amqpc_frame *frame,
                                 const amqpc_performative *performative)
{
    if (AMQPCI_UNLIKELY(performative->type == AMQPC_COMPOSITE_BEGIN)) {
        return take_begin(connection, frame, &performative->as.begin);
    }
    amqpc_session *session = amqpci_channel_table_get(&connection->remote_channels, frame->channel);
    if (AMQPCI_UNLIKELY(session == NULL)) {
        return AMQPC_UNMAPPED_CHANNEL;
    }
    if (AMQPCI_UNLIKELY(performative->type == AMQPC_COMPOSITE_END)) {
        return take_end(session, &performative->as.end);
    }
    amqpci_step step =
        amqpci_session_step((amqpc_session_state)session->state, AMQPCI_SESSION_RECEIVE_LINK_FRAME);
    if (AMQPCI_UNLIKELY(step.verdict != AMQPCI_PROCEED)) {
        return step.verdict == AMQPCI_DISCARD ? AMQPC_OK : AMQPC_ILLEGAL_STATE;
    }
    amqpc_status status = take_link_frame(session, performative);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK) && ends_session(status)) {
        amqpci_session_fail(session, status);
        status = AMQPC_OK;
    }
    return status;
}
