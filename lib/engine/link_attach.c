/* attach, both directions: what the two ends of a link agree on (AMQP 2.6.3, 2.7.3). */
#include <string.h>

#include "base/memory.h"
#include "base/serial.h"
#include "engine/link.h"
#include "schema/generated/composite.h"

/* --- Out. */

static amqpc_status choose_handle(amqpc_link *link)
{
    amqpc_session *session = link->session;
    uint32_t handle = session->free_handle;
    while (amqpci_handle_map_get(&session->local_handles, handle) != NULL) {
        handle++;
    }
    if (handle > session->remote_handle_max || handle >= session->connection->handles_max) {
        return AMQPC_LIMIT_REACHED;
    }
    session->free_handle = handle;
    link->local_handle = handle;
    return amqpci_handle_map_reserve(session, &session->local_handles, handle);
}

/* The terminus that the application gave, encoded into the buffer; *value points into it. */
typedef amqpc_status encode_terminus(amqpci_sink *sink, const void *terminus);

static amqpc_status encode_source(amqpci_sink *sink, const void *source)
{
    return amqpci_encode_source(sink, (const amqpc_source *)source);
}

static amqpc_status encode_target(amqpci_sink *sink, const void *target)
{
    return amqpci_encode_target(sink, (const amqpc_target *)target);
}

static amqpc_status terminus_value(amqpc_buffer *buffer, encode_terminus *encode,
                                   const void *terminus, amqpc_value *value)
{
    amqpci_sink sink;
    amqpci_sink_init_growable(&sink, buffer);
    amqpc_status status = encode(&sink, terminus);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        status = amqpc_value_decode(amqpc_buffer_data(buffer), amqpc_buffer_size(buffer), NULL,
                                    value, NULL);
    }
    return status;
}

/* What an answer does not say is as the peer asked. */
static amqpc_status fill_from_peer(const amqpc_link *link, amqpc_attach *out)
{
    amqpc_attach asked;
    amqpc_status status = amqpc_link_remote_attach(link, &asked);
    if (status != AMQPC_OK) {
        return status;
    }
    if (!(out->present & AMQPC_ATTACH_SOURCE) && asked.present & AMQPC_ATTACH_SOURCE) {
        out->source = asked.source;
        out->present |= AMQPC_ATTACH_SOURCE;
    }
    if (!(out->present & AMQPC_ATTACH_TARGET) && asked.present & AMQPC_ATTACH_TARGET) {
        out->target = asked.target;
        out->present |= AMQPC_ATTACH_TARGET;
    }
    if (!(out->present & AMQPC_ATTACH_SND_SETTLE_MODE)) {
        out->snd_settle_mode = asked.snd_settle_mode;
        out->present |= AMQPC_ATTACH_SND_SETTLE_MODE;
    }
    if (!(out->present & AMQPC_ATTACH_RCV_SETTLE_MODE)) {
        out->rcv_settle_mode = asked.rcv_settle_mode;
        out->present |= AMQPC_ATTACH_RCV_SETTLE_MODE;
    }
    return AMQPC_OK;
}

static void set_own_fields(const amqpc_link *link, amqpc_attach *out)
{
    out->name = link->name;
    out->handle = link->local_handle;
    out->role = link->role;
    out->present |= AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE;
    out->present &= ~(uint32_t)(AMQPC_ATTACH_UNSETTLED | AMQPC_ATTACH_INCOMPLETE_UNSETTLED);
    if (link->role == AMQPC_ROLE_SENDER) {
        if (!(out->present & AMQPC_ATTACH_INITIAL_DELIVERY_COUNT)) {
            out->initial_delivery_count = link->delivery_count;
        }
        out->present |= AMQPC_ATTACH_INITIAL_DELIVERY_COUNT;
    } else {
        out->present &= ~(uint32_t)AMQPC_ATTACH_INITIAL_DELIVERY_COUNT;
    }
    if (!(out->present & AMQPC_ATTACH_SND_SETTLE_MODE)) {
        out->snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_MIXED;
    }
    if (!(out->present & AMQPC_ATTACH_RCV_SETTLE_MODE)) {
        out->rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_FIRST;
    }
    if (!(out->present & AMQPC_ATTACH_MAX_MESSAGE_SIZE)) {
        out->max_message_size = 0;
    }
}

/* Writes attach with this end's unsettled deliveries (AMQP 2.6.13). */
static amqpc_status write_attach(amqpc_link *link, amqpc_performative *out)
{
    enum { ROOM_FOR_OTHERS = 4096 };
    amqpc_connection *connection = link->connection;
    uint32_t frame_size = connection->remote_frame_size;
    size_t size_max =
        frame_size > 2 * ROOM_FOR_OTHERS ? frame_size - ROOM_FOR_OTHERS : frame_size / 2;
    amqpc_bytes encoded = {NULL, 0};
    amqpc_attach *attach = &out->as.attach;
    amqpc_status status = AMQPC_OK;
    link->map_incomplete = false;
    if (!link->without_map) {
        status = amqpci_recovery_encode_unsettled(link, size_max, &encoded);
    }
    if (status == AMQPC_OK && encoded.size > 0) {
        attach->present |= AMQPC_ATTACH_UNSETTLED;
        status = amqpc_value_decode(encoded.data, encoded.size, NULL, &attach->unsettled, NULL);
        if (link->map_incomplete) {
            attach->present |= AMQPC_ATTACH_INCOMPLETE_UNSETTLED;
            attach->incomplete_unsettled = true;
        }
    }
    if (status == AMQPC_OK) {
        status = amqpci_connection_write(connection, link->session->local_channel, out);
    }
    amqpci_connection_forget(connection, &encoded);
    return status;
}

/* Keeps the peer's attach, with the unsettled map only as long as it is needed. */
static amqpc_status keep_attach(amqpc_link *link, const amqpc_attach *attach, bool with_unsettled)
{
    amqpc_attach kept = *attach;
    if (!with_unsettled) {
        kept.present &= ~(uint32_t)AMQPC_ATTACH_UNSETTLED;
    }
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink sink;
    amqpci_sink_init_growable(&sink, buffer);
    status = amqpci_encode_attach(&sink, &kept);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        amqpc_bytes bytes = {amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)};
        status = amqpci_connection_keep(link->connection, bytes, &link->remote_attach);
    }
    amqpc_buffer_free(buffer);
    return status;
}

/* This end's attach was written. */
static void note_sent(amqpc_link *link, const amqpc_attach *out)
{
    link->session->local_handles.links[link->local_handle] = link;
    link->attach_sent = true;
    link->was_attached = true;
    link->resumed_credit = 0;
    link->epoch += link->attach_received ? 0 : 1;
    link->max_message_size = out->max_message_size;
    if (link->role == AMQPC_ROLE_SENDER) {
        link->snd_settle_mode = out->snd_settle_mode;
        link->delivery_count = out->initial_delivery_count;
        link->initial_delivery_count = out->initial_delivery_count;
        if (!link->attach_received) {
            link->rcv_settle_mode = out->rcv_settle_mode;
        }
    } else {
        link->rcv_settle_mode = out->rcv_settle_mode;
        if (!link->attach_received) {
            link->snd_settle_mode = out->snd_settle_mode;
        }
    }
    (void)amqpci_link_advance(link, AMQPCI_LINK_SEND_ATTACH);
    bool wants_credit =
        link->role == AMQPC_ROLE_RECEIVER && (link->credit > 0 || link->prefetch > 0);
    if (wants_credit && link->state != AMQPC_LINK_DETACH_RECEIVED) {
        amqpci_link_set_due(link);
        amqpci_link_refill(link);
    }
}

/* The answer to the peer's attach is also where suspended deliveries are looked at. */
static amqpc_status reconcile_answer(amqpc_link *link)
{
    amqpc_attach asked;
    if (!link->attach_received) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpc_link_remote_attach(link, &asked);
    if (status == AMQPC_OK) {
        status = amqpci_recovery_reconcile(link, &asked);
    }
    return status == AMQPC_OK && asked.present & AMQPC_ATTACH_UNSETTLED
               ? keep_attach(link, &asked, false)
               : status;
}

static amqpc_status attach_with(amqpc_link *link, amqpc_performative *out)
{
    amqpc_status status = choose_handle(link);
    if (status == AMQPC_OK && link->attach_received) {
        status = fill_from_peer(link, &out->as.attach);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    set_own_fields(link, &out->as.attach);
    status = write_attach(link, out);
    if (status == AMQPC_OK) {
        note_sent(link, &out->as.attach);
        status = reconcile_answer(link);
        if (status != AMQPC_OK) {
            amqpci_connection_fail(link->connection, status);
        }
    }
    return status;
}

static bool may_attach(const amqpc_link *link)
{
    /* One that the peer closed before it was answered is attached first (AMQP 2.6.5). */
    bool over = link->is_closed && link->state == AMQPC_LINK_DETACHED;
    return !link->attach_sent && !over && amqpci_session_is_usable(link->session) &&
           amqpci_link_step((amqpc_link_state)link->state, AMQPCI_LINK_SEND_ATTACH).verdict ==
               AMQPCI_PROCEED;
}

amqpc_status amqpc_link_attach(amqpc_link *link, const amqpc_attach *attach,
                               const amqpc_source *source, const amqpc_target *target)
{
    if (!may_attach(link)) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_performative out = {.type = AMQPC_COMPOSITE_ATTACH};
    amqpc_buffer *source_bytes = NULL;
    amqpc_buffer *target_bytes = NULL;
    amqpc_status status = AMQPC_OK;
    if (attach != NULL) {
        out.as.attach = *attach;
    }
    if (source != NULL) {
        status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &source_bytes);
        if (status == AMQPC_OK) {
            status = terminus_value(source_bytes, encode_source, source, &out.as.attach.source);
            out.as.attach.present |= AMQPC_ATTACH_SOURCE;
        }
    }
    if (status == AMQPC_OK && target != NULL) {
        status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &target_bytes);
        if (status == AMQPC_OK) {
            status = terminus_value(target_bytes, encode_target, target, &out.as.attach.target);
            out.as.attach.present |= AMQPC_ATTACH_TARGET;
        }
    }
    if (status == AMQPC_OK) {
        amqpci_connection_forget(link->connection, &link->error);
        status = attach_with(link, &out);
    }
    amqpc_buffer_free(source_bytes);
    amqpc_buffer_free(target_bytes);
    return status;
}

amqpc_status amqpc_link_refuse(amqpc_link *link, const amqpc_error *error)
{
    if (!may_attach(link) || !link->attach_received) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_performative out = {.type = AMQPC_COMPOSITE_ATTACH};
    amqpc_attach *attach = &out.as.attach;
    amqpc_status status = choose_handle(link);
    if (status == AMQPC_OK) {
        status = fill_from_peer(link, attach);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    /* Null is the terminus that the peer wanted here: of its sender the target, of its receiver the
     * source. */
    attach->present &=
        ~(uint32_t)(link->role == AMQPC_ROLE_RECEIVER ? AMQPC_ATTACH_TARGET : AMQPC_ATTACH_SOURCE);
    set_own_fields(link, attach);
    status = amqpci_connection_write(link->connection, link->session->local_channel, &out);
    if (status == AMQPC_OK) {
        link->prefetch = 0;
        link->credit = 0;
        note_sent(link, attach);
        link->refused = true;
        status = amqpc_link_detach(link, true, error);
    }
    return status;
}

/* --- In. */

static bool is_refusal(const amqpc_link *link, const amqpc_attach *attach)
{
    uint32_t wanted = link->role == AMQPC_ROLE_SENDER ? AMQPC_ATTACH_TARGET : AMQPC_ATTACH_SOURCE;
    return !(attach->present & wanted);
}

/* What the peer's attach says of the link. */
static void note_received(amqpc_link *link, const amqpc_attach *attach)
{
    link->session->remote_handles.links[attach->handle] = link;
    link->remote_handle = attach->handle;
    link->epoch += link->attach_sent || link->state == AMQPC_LINK_DETACH_SENT ? 0 : 1;
    link->attach_received = true;
    link->remote_max_message_size =
        attach->max_message_size == 0 ? UINT64_MAX : attach->max_message_size;
    if (link->role == AMQPC_ROLE_SENDER) {
        link->rcv_settle_mode = attach->rcv_settle_mode;
    } else {
        link->snd_settle_mode = attach->snd_settle_mode;
        link->delivery_count = attach->initial_delivery_count;
        link->credit_limit = amqpci_serial_add(attach->initial_delivery_count, link->advertised);
    }
}

/* The answer to this end's attach. */
static amqpc_status take_answer(amqpc_link *link, const amqpc_attach *attach)
{
    amqpc_status status = AMQPC_OK;
    bool counts =
        amqpci_link_step((amqpc_link_state)link->state, AMQPCI_LINK_RECEIVE_ATTACH).verdict ==
        AMQPCI_PROCEED;
    if (counts) {
        status = keep_attach(link, attach, false);
        if (status == AMQPC_OK && !is_refusal(link, attach)) {
            status = amqpci_recovery_reconcile(link, attach); /* last: what it does is done */
        }
    }
    if (status != AMQPC_OK) {
        return status;
    }
    note_received(link, attach);
    (void)amqpci_link_advance(link, AMQPCI_LINK_RECEIVE_ATTACH);
    if (counts && !link->released) {
        link->refused = is_refusal(link, attach);
        amqpci_link_raise(link, AMQPC_EVENT_LINK_ATTACH);
    }
    return AMQPC_OK;
}

/* The peer attaches a link that this end has not: a new one, or one that was suspended. */
static amqpc_status take_request(amqpc_session *session, amqpc_link *suspended,
                                 const amqpc_attach *attach)
{
    amqpc_link *link = suspended;
    amqpc_status status = AMQPC_OK;
    if (link == NULL) {
        if (session->link_count >= session->connection->handles_max) {
            return AMQPC_RESOURCE_LIMIT;
        }
        status = amqpci_link_make(session, !attach->role, attach->name, &link);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    status = keep_attach(link, attach, true);
    if (status != AMQPC_OK) {
        if (suspended == NULL) {
            amqpci_link_destroy(link);
        }
        return status;
    }
    if (suspended != NULL && link->session != session) {
        if (link->session != NULL) {
            amqpci_link_leave(link);
        }
        amqpci_link_join(link, session);
    }
    note_received(link, attach);
    link->refused = false;
    (void)amqpci_link_advance(link, AMQPCI_LINK_RECEIVE_ATTACH);
    if (!link->released) {
        amqpci_link_raise(link, AMQPC_EVENT_LINK_ATTACH);
    }
    return AMQPC_OK;
}

/* A link of this name and role is attached already: it is stolen (AMQP 2.6.1). */
static void lose(amqpc_link *link)
{
    amqpci_name_table_remove(&link->connection->links, link);
    link->named = false;
    link->stolen = true;
    amqpci_link_fail(link, AMQPC_LINK_STOLEN);
}

amqpc_status amqpci_link_take_attach(amqpc_session *session, const amqpc_attach *attach)
{
    amqpc_connection *connection = session->connection;
    if (attach->handle >= connection->handles_max) {
        return AMQPC_HANDLE_TOO_HIGH;
    }
    if (amqpci_handle_map_get(&session->remote_handles, attach->handle) != NULL) {
        return AMQPC_HANDLE_IN_USE;
    }
    amqpc_status status =
        amqpci_handle_map_reserve(session, &session->remote_handles, attach->handle);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpc_link *link = amqpci_name_table_get(&connection->links, !attach->role, attach->name);
    bool answers = link != NULL && link->session == session && !link->attach_received &&
                   link->state != AMQPC_LINK_DETACHED;
    if (answers) {
        return take_answer(link, attach);
    }
    if (link != NULL && link->state != AMQPC_LINK_DETACHED) {
        lose(link);
        if (connection->failure != AMQPC_OK) {
            return AMQPC_OK;
        }
        link = NULL;
    }
    return take_request(session, link, attach);
}

amqpc_status amqpci_link_take_detach(amqpc_session *session, const amqpc_detach *detach)
{
    amqpc_link *link = amqpci_handle_map_get(&session->remote_handles, detach->handle);
    if (link == NULL ||
        amqpci_link_step((amqpc_link_state)link->state, AMQPCI_LINK_RECEIVE_DETACH).verdict ==
            AMQPCI_REFUSE) {
        return AMQPC_UNATTACHED_HANDLE;
    }
    amqpc_status status = amqpci_link_prepare_leave(link);
    if (status == AMQPC_OK && detach->present & AMQPC_DETACH_ERROR) {
        status = amqpci_connection_encode_error(link->connection, &detach->error, &link->error);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    (void)amqpci_link_advance(link, AMQPCI_LINK_RECEIVE_DETACH);
    link->detach_closed = detach->closed;
    amqpci_sender_end_partial(link);
    amqpci_link_leave_pending(link); /* of a link that closes they are among the rest, until this
                                        end has answered: amqpc_link_export */
    link->is_closed = link->is_closed || detach->closed;
    if (link->state == AMQPC_LINK_DETACHED) {
        amqpci_link_disband(link);
    }
    if (!link->failed && !link->released) {
        amqpci_link_raise(link, AMQPC_EVENT_LINK_DETACH);
    }
    (void)amqpci_link_free_if_done(link);
    return AMQPC_OK;
}
