/* Making, beginning, ending and freeing sessions (AMQP 2.5.1 to 2.5.4). */
#include "engine/session.h"

#include <string.h>

#include "base/memory.h"
#include "base/serial.h"
#include "engine/link.h"

enum { OUTGOING_WINDOW = INT32_MAX };

amqpc_status amqpci_session_make(amqpc_connection *connection, amqpc_session **session)
{
    amqpc_session *made = (amqpc_session *)amqpci_new(&connection->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->source.kind = AMQPCI_SOURCE_SESSION;
    made->connection = connection;
    made->incoming_window_max = AMQPCI_INCOMING_WINDOW;
    made->incoming_window = AMQPCI_INCOMING_WINDOW;
    made->outgoing_window = OUTGOING_WINDOW;
    made->remote_handle_max = UINT32_MAX;
    amqpci_delivery_index_init(&made->outgoing, 0);
    amqpci_delivery_index_init(&made->incoming, 0);
    made->previous = connection->last_session;
    if (connection->last_session == NULL) {
        connection->first_session = made;
    } else {
        connection->last_session->next = made;
    }
    connection->last_session = made;
    *session = made;
    return AMQPC_OK;
}

amqpc_status amqpc_session_new(amqpc_connection *connection, amqpc_session **session)
{
    return amqpci_connection_is_over(connection) ? AMQPC_INVALID_STATE
                                                 : amqpci_session_make(connection, session);
}

/* Takes the session out of the connection's list of those that have something to send. */
static void clear_due(amqpc_session *session)
{
    amqpc_session **at = &session->connection->first_due;
    while (*at != NULL && *at != session) {
        at = &(*at)->next_due;
    }
    if (*at == session) {
        *at = session->next_due;
    }
    session->is_due = false;
}

static void free_channels(amqpc_session *session)
{
    amqpc_connection *connection = session->connection;
    amqpci_channel_table *local = &connection->local_channels;
    amqpci_channel_table *remote = &connection->remote_channels;
    if (amqpci_channel_table_get(local, session->local_channel) == session) {
        local->sessions[session->local_channel] = NULL;
    }
    if (amqpci_channel_table_get(remote, session->remote_channel) == session) {
        remote->sessions[session->remote_channel] = NULL;
    }
}

void amqpci_session_destroy(amqpc_session *session)
{
    amqpc_connection *connection = session->connection;
    amqpci_session_drop_pending(session);
    while (session->first_link != NULL) {
        amqpci_link_destroy(session->first_link);
    }
    if (session->is_due) {
        clear_due(session);
    }
    if (session->window_held) {
        connection->held_windows--;
    }
    amqpci_event_queue_remove(&connection->events, &session->source);
    free_channels(session);
    if (session->previous == NULL) {
        connection->first_session = session->next;
    } else {
        session->previous->next = session->next;
    }
    if (session->next == NULL) {
        connection->last_session = session->previous;
    } else {
        session->next->previous = session->previous;
    }
    amqpci_delivery_index_clean_up(&session->outgoing, &connection->allocator);
    amqpci_delivery_index_clean_up(&session->incoming, &connection->allocator);
    amqpci_release(&connection->allocator, session->local_handles.links);
    amqpci_release(&connection->allocator, session->remote_handles.links);
    amqpci_connection_forget(connection, &session->remote_begin);
    amqpci_connection_forget(connection, &session->error);
    amqpci_release(&connection->allocator, session);
}

bool amqpci_session_advance(amqpc_session *session, amqpci_session_input_kind input)
{
    amqpci_step step = amqpci_session_step((amqpc_session_state)session->state, input);
    if (step.verdict == AMQPCI_REFUSE) {
        return false;
    }
    session->state = step.next;
    return step.verdict == AMQPCI_PROCEED;
}

/* The lowest channel that nobody uses. */
static amqpc_status choose_channel(amqpc_session *session)
{
    amqpc_connection *connection = session->connection;
    amqpci_channel_table *table = &connection->local_channels;
    uint32_t channel = 0;
    while (channel < table->capacity && table->sessions[channel] != NULL) {
        channel++;
    }
    if (channel > connection->remote_channel_max || channel >= connection->limits.channels) {
        return AMQPC_LIMIT_REACHED;
    }
    amqpc_status status = amqpci_channel_table_reserve(connection, table, channel);
    if (status == AMQPC_OK) {
        session->local_channel = (uint16_t)channel;
    }
    return status;
}

/* What the application asks for, before begin is written. */
static void set_windows(amqpc_session *session, const amqpc_begin *begin)
{
    if (begin == NULL) {
        return;
    }
    if (begin->present & AMQPC_BEGIN_INCOMING_WINDOW) {
        session->incoming_window_max = begin->incoming_window;
        session->incoming_window = begin->incoming_window;
    }
    if (begin->present & AMQPC_BEGIN_OUTGOING_WINDOW) {
        session->outgoing_window = begin->outgoing_window;
    }
    if (begin->present & AMQPC_BEGIN_NEXT_OUTGOING_ID) {
        session->next_outgoing_id = begin->next_outgoing_id;
        session->initial_outgoing_id = begin->next_outgoing_id;
        session->next_delivery_out = begin->next_outgoing_id;
        amqpci_delivery_index_init(&session->outgoing, begin->next_outgoing_id);
    }
}

static amqpc_status write_begin(amqpc_session *session, const amqpc_begin *begin)
{
    amqpc_performative out = {.type = AMQPC_COMPOSITE_BEGIN};
    amqpc_begin *fields = &out.as.begin;
    if (begin != NULL) {
        *fields = *begin;
    }
    fields->present |= AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_INCOMING_WINDOW |
                       AMQPC_BEGIN_OUTGOING_WINDOW | AMQPC_BEGIN_HANDLE_MAX;
    fields->present &= ~(uint32_t)AMQPC_BEGIN_REMOTE_CHANNEL;
    fields->next_outgoing_id = session->next_outgoing_id;
    fields->incoming_window = session->incoming_window;
    fields->outgoing_window = session->outgoing_window;
    fields->handle_max = session->connection->handles_max - 1;
    if (session->begin_received) {
        fields->present |= AMQPC_BEGIN_REMOTE_CHANNEL;
        fields->remote_channel = session->remote_channel;
    }
    return amqpci_connection_write(session->connection, session->local_channel, &out);
}

/* Links that the application was done with before the peer could be told of it. */
static void part_released_links(amqpc_session *session)
{
    for (amqpc_link *link = session->first_link; link != NULL && !session->released;) {
        amqpc_link *next = link->next;
        if (link->released) {
            amqpci_link_part(link);
        }
        link = next;
    }
}

amqpc_status amqpc_session_begin(amqpc_session *session, const amqpc_begin *begin)
{
    amqpc_connection *connection = session->connection;
    bool allowed =
        !session->begin_sent && !amqpci_connection_is_over(connection) &&
        amqpci_connection_step((amqpc_connection_state)connection->state,
                               AMQPCI_CONNECTION_SEND_SESSION_FRAME)
                .verdict == AMQPCI_PROCEED &&
        amqpci_session_step((amqpc_session_state)session->state, AMQPCI_SESSION_SEND_BEGIN)
                .verdict == AMQPCI_PROCEED;
    if (!allowed) {
        return AMQPC_INVALID_STATE;
    }
    if (begin != NULL && begin->present & AMQPC_BEGIN_INCOMING_WINDOW &&
        begin->incoming_window == 0) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = choose_channel(session);
    if (status != AMQPC_OK) {
        return status;
    }
    set_windows(session, begin);
    status = write_begin(session, begin);
    if (status == AMQPC_OK) {
        connection->local_channels.sessions[session->local_channel] = session;
        (void)amqpci_session_advance(session, AMQPCI_SESSION_SEND_BEGIN);
        session->begin_sent = true;
        part_released_links(session);
    }
    return status;
}

/* end with the error goes out, behind what is due. */
static amqpc_status write_end(amqpc_session *session, const amqpc_error *error)
{
    amqpc_performative out = {.type = AMQPC_COMPOSITE_END};
    if (error != NULL) {
        out.as.end.present = AMQPC_END_ERROR;
        out.as.end.error = *error;
    }
    amqpc_status status = AMQPC_OK;
    if (session->is_due && amqpci_session_is_usable(session)) {
        status = amqpci_session_write_due(session);
    }
    return status == AMQPC_OK
               ? amqpci_connection_write(session->connection, session->local_channel, &out)
               : status;
}

amqpc_status amqpc_session_end(amqpc_session *session, const amqpc_error *error)
{
    bool over = session->state == AMQPC_SESSION_END_SENT ||
                session->state == AMQPC_SESSION_DISCARDING ||
                (session->state == AMQPC_SESSION_UNMAPPED && session->begin_sent);
    if (over) {
        return AMQPC_OK;
    }
    if (!session->begin_sent || amqpci_connection_is_over(session->connection)) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_status status = write_end(session, error);
    if (status == AMQPC_OK) {
        (void)amqpci_session_advance(session, error == NULL ? AMQPCI_SESSION_SEND_END
                                                            : AMQPCI_SESSION_SEND_END_WITH_ERROR);
        amqpci_session_disband(session);
    }
    return status;
}

void amqpci_session_fail(amqpc_session *session, amqpc_status status)
{
    amqpc_error error;
    amqpci_error_of_status(status, &error);
    if (!session->begin_sent && amqpc_session_begin(session, NULL) != AMQPC_OK) {
        amqpci_connection_fail(session->connection, status);
        return;
    }
    if (amqpci_connection_encode_error(session->connection, &error, &session->error) != AMQPC_OK ||
        write_end(session, &error) != AMQPC_OK) {
        amqpci_connection_fail(session->connection, AMQPC_NO_MEMORY);
        return;
    }
    (void)amqpci_session_advance(session, AMQPCI_SESSION_SEND_END_WITH_ERROR);
    if (!session->released) {
        amqpci_session_raise(session, AMQPC_EVENT_SESSION_END);
    }
    amqpci_session_disband(session);
}

void amqpci_session_disband(amqpc_session *session)
{
    amqpci_session_drop_pending(session);
    for (amqpc_link *link = session->first_link; link != NULL;) {
        amqpc_link *next = link->next;
        if (link->state != AMQPC_LINK_DETACHED) {
            (void)amqpci_link_advance(link, AMQPCI_LINK_SESSION_ENDED);
            amqpci_link_disband(link);
        }
        (void)amqpci_link_free_if_done(link);
        link = next;
    }
    memset(session->ranges, 0, sizeof session->ranges);
    session->flow_due = false;
    if (session->window_held) {
        session->window_held = false;
        session->connection->held_windows--;
    }
    bool over =
        session->state == AMQPC_SESSION_UNMAPPED || session->connection->failure != AMQPC_OK;
    if (over) {
        free_channels(session);
    }
    (void)amqpci_session_free_if_done(session);
}

bool amqpci_session_free_if_done(amqpc_session *session)
{
    bool over =
        session->state == AMQPC_SESSION_UNMAPPED || amqpci_connection_is_over(session->connection);
    if (session->released && over) {
        amqpci_session_destroy(session);
        return true;
    }
    return false;
}

void amqpc_session_free(amqpc_session *session)
{
    if (session == NULL || session->released) {
        return;
    }
    amqpci_event_queue_remove(&session->connection->events, &session->source);
    session->released = true;
    if (amqpci_session_free_if_done(session)) {
        return;
    }
    /* Links that nobody can reach any more go with it. */
    for (amqpc_link *link = session->first_link; link != NULL;) {
        amqpc_link *next = link->next;
        amqpci_event_queue_remove(&session->connection->events, &link->source);
        link->released = true;
        link = next;
    }
    amqpc_status status = AMQPC_OK;
    if (!session->begin_sent) {
        status = amqpc_session_begin(session, NULL);
    }
    if (status == AMQPC_OK) {
        status = amqpc_session_end(session, NULL);
    }
    if (status != AMQPC_OK) {
        /* The peer cannot be told: the connection is of no use without. */
        amqpci_connection_fail(session->connection,
                               status == AMQPC_NO_MEMORY ? status : AMQPC_RESOURCE_LIMIT);
    }
}

amqpc_status amqpci_handle_map_reserve(amqpc_session *session, amqpci_handle_map *map,
                                       uint32_t handle)
{
    uint32_t capacity = map->capacity == 0 ? 1 : map->capacity;
    while (capacity <= handle) {
        capacity *= 2;
    }
    if (capacity == map->capacity) {
        return AMQPC_OK;
    }
    void *grown = amqpci_reallocate(&session->connection->allocator, map->links,
                                    capacity * sizeof(amqpc_link *));
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    map->links = (amqpc_link **)grown;
    for (uint32_t i = map->capacity; i < capacity; i++) {
        map->links[i] = NULL;
    }
    map->capacity = capacity;
    return AMQPC_OK;
}

/* --- What is known of the session. */

amqpc_session_state amqpc_session_get_state(const amqpc_session *session)
{
    return (amqpc_session_state)session->state;
}

amqpc_connection *amqpc_session_connection(const amqpc_session *session)
{
    return session->connection;
}

amqpc_status amqpc_session_remote_begin(const amqpc_session *session, amqpc_begin *begin)
{
    if (session->remote_begin.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    return amqpc_begin_decode(session->remote_begin.data, session->remote_begin.size,
                              &session->connection->limits, begin, NULL);
}

amqpc_status amqpc_session_error(const amqpc_session *session, amqpc_error *error)
{
    if (session->error.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    return amqpc_error_decode(session->error.data, session->error.size,
                              &session->connection->limits, error, NULL);
}

uint32_t amqpc_session_incoming_window(const amqpc_session *session)
{
    return session->incoming_window;
}

uint32_t amqpc_session_outgoing_window(const amqpc_session *session)
{
    return session->remote_window;
}

amqpc_status amqpc_session_set_incoming_window(amqpc_session *session, uint32_t window)
{
    if (window == 0 || window > INT32_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    session->incoming_window_max = window;
    if (amqpci_session_is_usable(session)) {
        session->flow_due = true;
        amqpci_session_set_due(session);
    } else if (!session->begin_sent) {
        session->incoming_window = window;
    }
    return AMQPC_OK;
}

void amqpc_session_set_context(amqpc_session *session, void *context)
{
    session->context = context;
}

void *amqpc_session_context(const amqpc_session *session)
{
    return session->context;
}

/* Those that the application has freed are not shown any more. */
amqpc_link *amqpc_session_next_link(const amqpc_session *session, const amqpc_link *link)
{
    amqpc_link *next = link == NULL ? session->first_link : link->next;
    while (next != NULL && next->released) {
        next = next->next;
    }
    return next;
}
