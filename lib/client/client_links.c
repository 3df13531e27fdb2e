/* All links of a client: how they go from one connection, or session, to the next (AMQP 2.6.13). */
#include "client/client_link.h"

#include <string.h>

#include "engine/link.h"

/* --- From the lost connection to the next. */

/* Of links that are over only what was received by them is wanted. */
static amqpc_status leave_behind(amqpci_client_link *link)
{
    return link->link == NULL ? AMQPC_OK : link->kind->settle_up(link);
}

/* The engine's link in the new connection, with what is unsettled of the old one. */
static amqpc_status make_successor(amqpci_client_link *link, amqpc_session *session,
                                   amqpc_buffer *buffer)
{
    amqpc_attach attach;
    amqpc_status status = amqpc_attach_decode(amqpc_buffer_data(link->terms),
                                              amqpc_buffer_size(link->terms), NULL, &attach, NULL);
    if (status == AMQPC_OK) {
        status = amqpci_client_link_make(link, session, attach.name, &link->successor);
    }
    if (status != AMQPC_OK || link->link == NULL) {
        return status;
    }
    if (amqpc_link_is_closed(link->link)) {
        return link->phase == AMQPCI_LINK_UNTOLD ? leave_behind(link) : AMQPC_OK;
    }
    link->successor->epoch = 0; /* the export brings it along */
    amqpc_buffer_truncate(buffer, 0);
    status = link->kind->settle_up(link);
    if (status == AMQPC_OK) {
        status = amqpc_link_export(link->link, buffer);
    }
    return status == AMQPC_OK ? amqpc_link_import(link->successor, amqpc_buffer_data(buffer),
                                                  amqpc_buffer_size(buffer))
                              : status;
}

static amqpc_status make_successors(amqpc_client *client, amqpc_session *session)
{
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(&client->allocator, SIZE_MAX, &buffer);
    for (amqpci_client_link *at = client->first_link; at != NULL && status == AMQPC_OK;
         at = at->next) {
        status =
            amqpci_client_link_is_over(at) ? leave_behind(at) : make_successor(at, session, buffer);
    }
    amqpc_buffer_free(buffer);
    return status;
}

static void forget_successors(amqpc_client *client)
{
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        at->successor = NULL; /* freed with its connection */
    }
}

static void use_successors(amqpc_client *client)
{
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        amqpc_link *before = at->link;
        at->link = at->successor;
        at->successor = NULL;
        if (at->link != NULL) {
            amqpc_link_set_context(at->link, at);
            at->kind->moved(at, before);
        }
    }
}

static void free_lost(amqpc_client *client)
{
    if (client->lost != NULL) {
        amqpci_client_count_past(client, client->lost);
        amqpc_transport_free(client->lost);
        client->lost = NULL;
    }
}

static void attach_all(amqpc_client *client)
{
    amqpci_client_link *next = NULL;
    for (amqpci_client_link *at = client->first_link; at != NULL && client->is_carrying;
         at = next) {
        next = at->next;
        if (at->phase == AMQPCI_LINK_IDLE) {
            amqpci_client_link_attach(at);
        } else if (at->phase == AMQPCI_LINK_UNTOLD) {
            amqpci_client_link_tell(at);
        }
    }
}

amqpc_status amqpci_client_links_begin(amqpc_client *client)
{
    amqpc_status status = amqpci_client_links_need_session(client);
    if (status == AMQPC_OK) {
        status = make_successors(client, client->session);
    }
    if (status != AMQPC_OK) {
        forget_successors(client);
        client->session = NULL;
        return status;
    }
    use_successors(client);
    client->is_carrying = true;
    client->is_forgetful = false;
    free_lost(client);
    attach_all(client);
    return AMQPC_OK;
}

void amqpci_client_links_suspend(amqpc_client *client)
{
    amqpci_client_link *next = NULL;
    for (amqpci_client_link *at = client->first_link; at != NULL; at = next) {
        next = at->next;
        if (at->phase == AMQPCI_LINK_CLOSING) {
            amqpci_client_link_end_or_tell(at);
        } else if (at->phase < AMQPCI_LINK_CLOSING) {
            at->phase = AMQPCI_LINK_IDLE;
            amqpci_client_link_notify(at);
        }
    }
}

void amqpci_client_links_end(amqpc_client *client, const amqpc_client_error *error)
{
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        amqpci_client_link_end(at, error);
    }
}

/* --- Within a connection. */

static bool is_in(const amqpci_client_link *link, const amqpc_session *session)
{
    return link->link != NULL && amqpc_link_session(link->link) == session;
}

/* Links that are not over leave the session that has ended, which is freed then. */
static amqpc_status leave_ended(amqpc_client *client)
{
    amqpc_status status = AMQPC_OK;
    for (amqpci_client_link *at = client->first_link; at != NULL && status == AMQPC_OK;
         at = at->next) {
        if (!is_in(at, client->ended)) {
            continue;
        }
        if (!amqpc_link_is_closed(at->link)) {
            status = amqpc_link_move(at->link, client->session);
        } else {
            status = at->kind->settle_up(at);
            at->link = status == AMQPC_OK ? NULL : at->link;
        }
    }
    if (status == AMQPC_OK) {
        amqpc_session_free(client->ended);
        client->ended = NULL;
    }
    return status;
}

amqpc_status amqpci_client_links_need_session(amqpc_client *client)
{
    if (client->session != NULL) {
        return AMQPC_OK;
    }
    amqpc_connection *connection = amqpc_transport_connection(client->transport);
    amqpc_status status = amqpc_session_new(connection, &client->session);
    if (status == AMQPC_OK) {
        amqpc_session_set_context(client->session, client); /* those of the peer's have none */
        status = amqpc_session_begin(client->session, NULL);
    }
    if (status == AMQPC_OK && client->ended != NULL) {
        status = leave_ended(client);
    }
    if (status != AMQPC_OK) {
        amqpc_session_free(client->session);
        client->session = NULL;
    }
    return status;
}

amqpc_status amqpci_client_links_leave_full(amqpc_client *client)
{
    amqpc_session *full = client->session;
    client->session = NULL;
    amqpc_status status = amqpci_client_links_need_session(client);
    client->session = status == AMQPC_OK ? client->session : full;
    return status;
}

void amqpci_client_links_take_session_begin(amqpc_client *client)
{
    attach_all(client);
}

void amqpci_client_links_retry(amqpc_client *client, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    client->links_due_ms = UINT64_MAX;
    if (client->state == AMQPC_CLIENT_CLOSING) {
        return; /* they end with the connection */
    }
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        if (at->phase != AMQPCI_LINK_RETRYING) {
            continue;
        }
        if (at->retry_ms > now_ms) {
            next_ms = at->retry_ms < next_ms ? at->retry_ms : next_ms;
            continue;
        }
        amqpci_client_link_attach(at);
        if (!client->is_carrying) {
            return; /* the connection was given up */
        }
    }
    client->links_due_ms = next_ms;
}

/* Brokers end the session for a link that they do not want (RabbitMQ does): then it is one of those
 * that were being attached. */
static bool is_to_blame(const amqpci_client_link *link, bool any_attaching)
{
    return any_attaching ? link->phase == AMQPCI_LINK_ATTACHING : link->phase == AMQPCI_LINK_OPEN;
}

static void describe_end(const amqpc_client *client, const amqpc_session *session,
                         amqpc_client_error *error)
{
    amqpc_error said;
    if (amqpc_session_error(session, &said) == AMQPC_OK) {
        amqpci_client_error_of_peer(error, AMQPC_SESSION_ENDED, client->attempts.address, &said);
    } else {
        amqpci_client_error_set(error, AMQPC_SESSION_ENDED, client->attempts.address, NULL);
    }
}

/* The session becomes the one whose links move; there is one at a time. AMQPC_NO_MEMORY, and as
 * amqpci_client_links_need_session. */
static amqpc_status set_ended(amqpc_client *client, amqpc_session *session)
{
    client->session = client->session == session ? NULL : client->session;
    amqpc_status status =
        amqpc_session_end(session, NULL) == AMQPC_NO_MEMORY ? AMQPC_NO_MEMORY : AMQPC_OK;
    if (status == AMQPC_OK && client->ended != NULL) {
        status = amqpci_client_links_need_session(client); /* which leaves the other one */
    }
    client->ended = status == AMQPC_OK ? session : client->ended;
    return status;
}

static void attach_soon(amqpci_client_link *link)
{
    link->phase = AMQPCI_LINK_RETRYING;
    link->retry_ms = 0;
    link->client->links_due_ms = 0;
}

/* Each link of the session is attached again after a while, or is over. */
static void retry_links(amqpc_client *client, const amqpc_session *session,
                        const amqpc_client_error *error)
{
    bool any_attaching = false;
    bool forgetful = false;
    bool final = amqpci_client_error_is_final(error);
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        if (is_in(at, session)) {
            any_attaching = any_attaching || at->phase == AMQPCI_LINK_ATTACHING;
            forgetful = amqpci_client_link_take_forgetful(at, error) || forgetful;
        }
    }
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        amqpc_client_error mild = *error;
        if (at->phase == AMQPCI_LINK_IDLE) {
            attach_soon(at); /* the session will never begin that it waits for */
        }
        if (!is_in(at, session)) {
            continue;
        }
        if (forgetful || (final && !is_to_blame(at, any_attaching))) {
            mild.condition[0] = '\0'; /* it is for others, and no reason to give this one up */
            mild.status = AMQPC_SESSION_ENDED;
        }
        if (at->phase == AMQPCI_LINK_CLOSING || at->phase == AMQPCI_LINK_UNTOLD) {
            amqpci_client_link_end(at, NULL);
        } else if (at->phase >= AMQPCI_LINK_ATTACHING && at->phase <= AMQPCI_LINK_PAUSING) {
            amqpci_client_link_retry_or_end(at, &mild);
        }
    }
}

void amqpci_client_links_take_session_end(amqpc_client *client, amqpc_session *session)
{
    amqpc_client_error error;
    describe_end(client, session, &error);
    amqpc_status status = set_ended(client, session);
    if (status == AMQPC_OK) {
        retry_links(client, session, &error);
    }
    if (status == AMQPC_OK && client->session != NULL) {
        status = leave_ended(client);
    }
    if (status != AMQPC_OK) {
        amqpci_client_disconnected(client, &error);
    }
}
