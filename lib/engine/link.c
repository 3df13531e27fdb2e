/* Making, attaching, detaching and freeing links (AMQP 2.6.1 to 2.6.6). */
#include "engine/link.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/planted.h"
#include "codec/text.h"

/* --- Making and freeing. */

void amqpci_link_join(amqpc_link *link, amqpc_session *session)
{
    link->session = session;
    link->next = NULL;
    link->previous = session->last_link;
    if (session->last_link == NULL) {
        session->first_link = link;
    } else {
        session->last_link->next = link;
    }
    session->last_link = link;
    session->link_count++;
}

/* Takes the link out of its session's list of those that have a flow to send. */
static void clear_due(amqpc_link *link)
{
    amqpc_link **at = &link->session->first_due;
    while (*at != NULL && *at != link) {
        at = &(*at)->next_due;
    }
    if (*at == link) {
        *at = link->next_due;
    }
    link->is_due = false;
}

void amqpci_link_leave(amqpc_link *link)
{
    amqpc_session *session = link->session;
    if (link->is_due) {
        clear_due(link);
    }
    if (link->previous == NULL) {
        session->first_link = link->next;
    } else {
        link->previous->next = link->next;
    }
    if (link->next == NULL) {
        session->last_link = link->previous;
    } else {
        link->next->previous = link->previous;
    }
    session->link_count--;
    link->session = NULL;
}

amqpc_status amqpci_link_make(amqpc_session *session, bool role, amqpc_bytes name,
                              amqpc_link **link)
{
    amqpc_connection *connection = session->connection;
    amqpc_link *made =
        (amqpc_link *)amqpci_new(&connection->allocator, sizeof(amqpc_link) + name.size);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(made + 1, name.data, name.size);
    made->name = (amqpc_bytes){made + 1, name.size};
    made->source.kind = AMQPCI_SOURCE_LINK;
    made->connection = connection;
    made->role = role;
    made->snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_MIXED;
    made->remote_max_message_size = UINT64_MAX;
    amqpc_status status = amqpci_name_table_add(&connection->links, &connection->allocator, made);
    if (status != AMQPC_OK) {
        amqpci_release(&connection->allocator, made);
        return status;
    }
    made->named = true;
    amqpci_link_join(made, session);
    *link = made;
    return AMQPC_OK;
}

amqpc_status amqpc_link_new(amqpc_session *session, bool role, amqpc_bytes name, amqpc_link **link)
{
    bool usable = session->state <= AMQPC_SESSION_MAPPED &&
                  !(session->begin_sent && session->state == AMQPC_SESSION_UNMAPPED) &&
                  !amqpci_connection_is_over(session->connection);
    if (!usable) {
        return AMQPC_INVALID_STATE;
    }
    if (name.size == 0 || !amqpci_is_utf8((const uint8_t *)name.data, name.size) ||
        amqpci_name_table_get(&session->connection->links, role, name) != NULL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return amqpci_link_make(session, role, name, link);
}

static void free_list(amqpc_link *link, amqpci_delivery_list *list)
{
    amqpci_delivery *delivery = NULL;
    while ((delivery = amqpci_delivery_list_take(list)) != NULL) {
        amqpci_link_free_delivery(link, delivery);
    }
}

static void forget_name(amqpc_link *link)
{
    if (link->named) {
        amqpci_name_table_remove(&link->connection->links, link);
        link->named = false;
    }
}

static void free_handles(amqpc_link *link)
{
    amqpc_session *session = link->session;
    if (session == NULL) {
        return;
    }
    if (amqpci_handle_map_get(&session->local_handles, link->local_handle) == link) {
        session->local_handles.links[link->local_handle] = NULL;
        if (link->local_handle < session->free_handle) {
            session->free_handle = link->local_handle;
        }
    }
    if (amqpci_handle_map_get(&session->remote_handles, link->remote_handle) == link) {
        session->remote_handles.links[link->remote_handle] = NULL;
    }
}

void amqpci_link_destroy(amqpc_link *link)
{
    amqpc_connection *connection = link->connection;
    link->is_closed = true;
    link->released = true;
    amqpci_recovery_suspend(link);
    amqpci_sender_leave_output(link);
    free_list(link, &link->unread);
    free_list(link, &link->updates);
    free_list(link, &link->taken);
    amqpci_release(&connection->allocator, link->suspended.deliveries);
    free_handles(link);
    forget_name(link);
    amqpci_event_queue_remove(&connection->events, &link->source);
    if (link->session != NULL) {
        amqpci_link_leave(link);
    }
    if (!AMQPCI_PLANTED(7)) {
        amqpci_connection_forget(connection, &link->remote_attach);
    }
    amqpci_connection_forget(connection, &link->error);
    amqpci_connection_forget(connection, &link->flow_properties);
    amqpci_release(&connection->allocator, link);
}

bool amqpci_link_advance(amqpc_link *link, amqpci_link_input_kind input)
{
    amqpci_step step = amqpci_link_step((amqpc_link_state)link->state, input);
    if (step.verdict == AMQPCI_REFUSE) {
        return false;
    }
    link->state = step.next;
    return step.verdict == AMQPCI_PROCEED;
}

void amqpci_link_disband(amqpc_link *link)
{
    if (link->is_due) {
        clear_due(link);
    }
    free_handles(link);
    link->attach_sent = false;
    link->attach_received = false;
    link->detach_closed = false;
    link->drain = false;
    link->drained_when_sent = false;
    link->credit = 0;
    link->advertised = 0;
    amqpci_recovery_suspend(link);
    if (link->is_closed) {
        forget_name(link);
    }
}

bool amqpci_link_free_if_done(amqpc_link *link)
{
    bool over = link->state == AMQPC_LINK_DETACHED || link->session == NULL ||
                amqpci_connection_is_over(link->connection);
    if (link->released && over) {
        amqpci_link_destroy(link);
        return true;
    }
    return false;
}

void amqpc_link_free(amqpc_link *link)
{
    if (link == NULL || link->released) {
        return;
    }
    amqpci_event_queue_remove(&link->connection->events, &link->source);
    link->released = true;
    if (!amqpci_link_free_if_done(link)) {
        amqpci_link_part(link);
    }
}

void amqpci_link_part(amqpc_link *link)
{
    amqpc_status status = AMQPC_OK;
    if (!link->attach_sent && link->state != AMQPC_LINK_DETACH_SENT &&
        link->state != AMQPC_LINK_DISCARDING) {
        status = amqpci_session_is_usable(link->session)
                     ? amqpc_link_attach(link, NULL, NULL, NULL)
                     : AMQPC_INVALID_STATE; /* later, where the session is begun */
    }
    if (status == AMQPC_OK) {
        status = amqpc_link_detach(link, true, NULL);
    }
    if (status != AMQPC_OK && status != AMQPC_INVALID_STATE) {
        /* The peer cannot be told: the connection is of no use without. */
        amqpci_connection_fail(link->connection,
                               status == AMQPC_NO_MEMORY ? status : AMQPC_RESOURCE_LIMIT);
    }
}

amqpc_status amqpc_link_move(amqpc_link *link, amqpc_session *session)
{
    if (session->connection != link->connection) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (link->state != AMQPC_LINK_DETACHED || link->is_closed) {
        return AMQPC_INVALID_STATE;
    }
    if (link->session != NULL) {
        amqpci_link_leave(link);
    }
    amqpci_link_join(link, session);
    return AMQPC_OK;
}

/* --- Detaching. */

static amqpc_status write_detach(amqpc_link *link, bool closed, const amqpc_error *error)
{
    amqpc_session *session = link->session;
    amqpc_performative out = {.type = AMQPC_COMPOSITE_DETACH};
    amqpc_detach *detach = &out.as.detach;
    detach->present = AMQPC_DETACH_HANDLE | (closed ? AMQPC_DETACH_CLOSED : 0u);
    detach->handle = link->local_handle;
    detach->closed = closed;
    if (error != NULL) {
        detach->present |= AMQPC_DETACH_ERROR;
        detach->error = *error;
    }
    /* Dispositions go before: behind it, they would be for a link that is gone. */
    amqpc_status status = amqpci_session_write_ranges(session);
    return status == AMQPC_OK
               ? amqpci_connection_write(link->connection, session->local_channel, &out)
               : status;
}

amqpc_status amqpc_link_detach(amqpc_link *link, bool closed, const amqpc_error *error)
{
    if (link->state == AMQPC_LINK_DETACH_SENT || link->state == AMQPC_LINK_DISCARDING ||
        (link->state == AMQPC_LINK_DETACHED && link->epoch > 0)) {
        if (closed && link->state == AMQPC_LINK_DETACHED && !link->is_closed) {
            link->is_closed = true; /* suspended, and now to be forgotten by this end */
            amqpci_link_disband(link);
        }
        return AMQPC_OK;
    }
    if (!link->attach_sent || !amqpci_session_is_usable(link->session)) {
        return AMQPC_INVALID_STATE;
    }
    bool closes = closed || link->detach_closed || error != NULL;
    amqpc_status status = amqpci_link_prepare_leave(link);
    if (status == AMQPC_OK) {
        status = write_detach(link, closes, error);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    link->is_closed = link->is_closed || closes;
    (void)amqpci_link_advance(link, error == NULL ? AMQPCI_LINK_SEND_DETACH
                                                  : AMQPCI_LINK_SEND_DETACH_WITH_ERROR);
    link->attach_sent = false;
    amqpci_sender_end_partial(link);
    amqpci_link_leave_pending(link);
    if (link->state == AMQPC_LINK_DETACHED) {
        amqpci_link_disband(link);
        (void)amqpci_link_free_if_done(link);
    }
    return AMQPC_OK;
}

void amqpci_link_fail(amqpc_link *link, amqpc_status status)
{
    amqpc_error error;
    amqpci_error_of_status(status, &error);
    amqpc_status done = AMQPC_OK;
    if (!link->session->begin_sent) {
        bool released = link->released;
        done = amqpc_session_begin(link->session, NULL);
        if (done == AMQPC_OK && released) {
            return; /* begin closed the link, and it may be freed */
        }
    }
    if (done == AMQPC_OK && !link->attach_sent) {
        done = amqpc_link_attach(link, NULL, NULL, NULL);
    }
    if (done == AMQPC_OK) {
        done = amqpci_connection_encode_error(link->connection, &error, &link->error);
    }
    if (done == AMQPC_OK && !link->released) {
        amqpci_link_raise(link, AMQPC_EVENT_LINK_DETACH);
        link->failed = true;
    }
    if (done == AMQPC_OK) {
        done = amqpc_link_detach(link, true, &error);
    }
    if (done != AMQPC_OK) {
        /* Where the link cannot be detached, the fault is still the peer's. */
        amqpci_connection_fail(link->connection, done == AMQPC_NO_MEMORY ? done : status);
    }
}

/* --- What is known of the link. */

amqpc_link_state amqpc_link_get_state(const amqpc_link *link)
{
    return (amqpc_link_state)link->state;
}

bool amqpc_link_is_closed(const amqpc_link *link)
{
    return link->is_closed;
}

bool amqpc_link_is_refused(const amqpc_link *link)
{
    return link->refused;
}

bool amqpc_link_role(const amqpc_link *link)
{
    return link->role;
}

amqpc_bytes amqpc_link_name(const amqpc_link *link)
{
    return link->name;
}

amqpc_session *amqpc_link_session(const amqpc_link *link)
{
    return link->session;
}

amqpc_status amqpc_link_remote_attach(const amqpc_link *link, amqpc_attach *attach)
{
    if (link->remote_attach.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    amqpc_limits limits = link->connection->limits;
    limits.performative_values = AMQPC_UNLIMITED; /* it was counted when it came */
    return amqpc_attach_decode(link->remote_attach.data, link->remote_attach.size, &limits, attach,
                               NULL);
}

amqpc_status amqpc_link_remote_source(const amqpc_link *link, amqpc_source *source)
{
    amqpc_attach attach;
    amqpc_status status = amqpc_link_remote_attach(link, &attach);
    if (status == AMQPC_OK && !(attach.present & AMQPC_ATTACH_SOURCE)) {
        status = AMQPC_NOT_FOUND;
    }
    return status == AMQPC_OK
               ? amqpc_source_from_value(&attach.source, &link->connection->limits, source)
               : status;
}

amqpc_status amqpc_link_remote_target(const amqpc_link *link, amqpc_target *target)
{
    amqpc_attach attach;
    amqpc_status status = amqpc_link_remote_attach(link, &attach);
    if (status == AMQPC_OK && (!(attach.present & AMQPC_ATTACH_TARGET) ||
                               amqpc_value_composite(&attach.target) != AMQPC_COMPOSITE_TARGET)) {
        status = AMQPC_NOT_FOUND;
    }
    return status == AMQPC_OK
               ? amqpc_target_from_value(&attach.target, &link->connection->limits, target)
               : status;
}

amqpc_status amqpc_link_error(const amqpc_link *link, amqpc_error *error)
{
    if (link->error.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    return amqpc_error_decode(link->error.data, link->error.size, &link->connection->limits, error,
                              NULL);
}

void amqpc_link_set_context(amqpc_link *link, void *context)
{
    link->context = context;
}

void *amqpc_link_context(const amqpc_link *link)
{
    return link->context;
}

uint32_t amqpc_link_unsettled_count(const amqpc_link *link)
{
    return link->unsettled_count;
}
