/* One link of a client: from its making to its end. */
#include "client/client_link.h"

#include <string.h>

#include "base/memory.h"
#include "engine/link.h"

enum { EARLY_LINKS = 16 /* attached before the peer has answered begin */ };

static void join(amqpci_client_link *link)
{
    amqpc_client *client = link->client;
    link->previous = client->last_link;
    link->next = NULL;
    if (client->last_link == NULL) {
        client->first_link = link;
    } else {
        client->last_link->next = link;
    }
    client->last_link = link;
}

static void part(amqpci_client_link *link)
{
    amqpc_client *client = link->client;
    if (link->previous == NULL) {
        client->first_link = link->next;
    } else {
        link->previous->next = link->next;
    }
    if (link->next == NULL) {
        client->last_link = link->previous;
    } else {
        link->next->previous = link->previous;
    }
}

void amqpci_client_link_start(amqpci_client_link *link)
{
    link->phase = AMQPCI_LINK_IDLE;
    join(link);
    if (link->client->state == AMQPC_CLIENT_FAILED) {
        amqpci_client_link_end(link, &link->client->error); /* its calls say so */
    } else if (link->client->is_carrying) {
        amqpci_client_link_attach(link);
        amqpci_client_send_soon(link->client);
    }
}

void amqpci_client_link_destroy(amqpci_client_link *link)
{
    amqpc_link *engine_link = link->link;
    link->link = NULL;
    if (engine_link != NULL) {
        amqpc_link_set_context(engine_link, NULL);
        amqpc_link_free(engine_link);
    }
    part(link);
    amqpc_buffer_free(link->terms);
    link->kind->release(link);
}

bool amqpci_client_link_is_over(const amqpci_client_link *link)
{
    return link->phase == AMQPCI_LINK_CLOSED || link->phase == AMQPCI_LINK_FAILED;
}

amqpc_status amqpci_client_link_end_status(const amqpci_client_link *link)
{
    switch (link->phase) {
    case AMQPCI_LINK_CLOSING:
    case AMQPCI_LINK_UNTOLD:
    case AMQPCI_LINK_CLOSED:
        return AMQPC_CLOSED;
    case AMQPCI_LINK_FAILED:
        return link->error.status;
    default:
        return AMQPC_OK;
    }
}

void amqpci_client_link_end(amqpci_client_link *link, const amqpc_client_error *error)
{
    if (amqpci_client_link_is_over(link)) {
        return;
    }
    bool closed =
        error == NULL || link->phase == AMQPCI_LINK_CLOSING || link->phase == AMQPCI_LINK_UNTOLD;
    link->phase = closed ? AMQPCI_LINK_CLOSED : AMQPCI_LINK_FAILED;
    if (!closed) {
        link->error = *error;
    }
    link->kind->ended(link);
    amqpci_client_link_notify(link);
}

/* --- Attaching. */

amqpc_status amqpci_client_link_make(const amqpci_client_link *link, amqpc_session *session,
                                     amqpc_bytes name, amqpc_link **made)
{
    amqpc_status status = amqpc_link_new(session, link->kind->role, name, made);
    if (status == AMQPC_OK) {
        (*made)->epoch = link->epoch;
    }
    return status;
}

/* Whether a link may be attached in the session. */
static bool is_usable(const amqpc_session *session)
{
    amqpc_session_state state =
        session == NULL ? AMQPC_SESSION_UNMAPPED : amqpc_session_get_state(session);
    return state == AMQPC_SESSION_BEGIN_SENT || state == AMQPC_SESSION_MAPPED;
}

/* An engine's link in a session of the client's: the one that there is, moved where its session has
 * ended, or another one where it is closed. */
static amqpc_status need_link(amqpci_client_link *link, amqpc_bytes name)
{
    amqpc_client *client = link->client;
    amqpc_link *before = link->link;
    amqpc_status status = AMQPC_OK;
    if (before == NULL || amqpc_link_is_closed(before)) {
        status = amqpci_client_link_make(link, client->session, name, &link->link);
    } else if (!is_usable(amqpc_link_session(before))) {
        status = amqpc_link_move(before, client->session);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    amqpc_link_set_context(link->link, link);
    link->kind->moved(link, before);
    if (before != NULL && before != link->link) {
        amqpc_link_set_context(before, NULL);
        amqpc_link_free(before);
    }
    return AMQPC_OK;
}

static amqpc_status say_attach(amqpci_client_link *link, amqpc_attach *attach)
{
    attach->present &= ~(uint32_t)(AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE);
    bool closes = link->phase == AMQPCI_LINK_UNTOLD; /* nothing of it goes on */
    link->link->without_map = link->client->is_forgetful || link->is_anew || closes;
    amqpc_status status = amqpc_link_attach(link->link, attach, NULL, NULL);
    link->epoch = link->link->epoch;
    link->opened_ms = 0;
    return status;
}

/* The link's session has no handles left: it goes to the one where links are attached now, or,
 * where it is in that, to another. */
static amqpc_status attach_elsewhere(amqpci_client_link *link, amqpc_attach *attach)
{
    amqpc_client *client = link->client;
    amqpc_status status = amqpc_link_session(link->link) == client->session
                              ? amqpci_client_links_leave_full(client)
                              : AMQPC_OK;
    if (status == AMQPC_OK) {
        status = amqpc_link_move(link->link, client->session);
    }
    return status == AMQPC_OK ? say_attach(link, attach) : status;
}

static amqpc_status send_attach(amqpci_client_link *link)
{
    amqpc_attach attach;
    amqpc_status status = amqpci_client_links_need_session(link->client);
    if (status == AMQPC_OK) {
        /* This end has encoded it: nothing can be wrong with it. */
        status = amqpc_attach_decode(amqpc_buffer_data(link->terms), amqpc_buffer_size(link->terms),
                                     NULL, &attach, NULL);
    }
    if (status == AMQPC_OK) {
        status = need_link(link, attach.name);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    status = say_attach(link, &attach);
    for (int i = 0; i < 2 && status == AMQPC_LIMIT_REACHED; i++) {
        status = attach_elsewhere(link, &attach); /* a second time where that one is full, too */
    }
    return status;
}

/* The peer says with begin how many links it takes; until then only some are attached. */
static bool waits_for_begin(const amqpc_client *client)
{
    const amqpc_session *session = client->session;
    return session != NULL && amqpc_session_get_state(session) == AMQPC_SESSION_BEGIN_SENT &&
           session->free_handle + 1 >= EARLY_LINKS;
}

void amqpci_client_link_attach(amqpci_client_link *link)
{
    amqpc_client_error error;
    if (waits_for_begin(link->client)) {
        link->phase = link->phase == AMQPCI_LINK_UNTOLD ? AMQPCI_LINK_UNTOLD : AMQPCI_LINK_IDLE;
        return;
    }
    amqpc_status status = send_attach(link);
    if (status == AMQPC_OK) {
        bool closes = link->phase == AMQPCI_LINK_UNTOLD;
        link->phase = closes ? AMQPCI_LINK_UNTOLD : AMQPCI_LINK_ATTACHING;
        if (amqpc_link_get_state(link->link) == AMQPC_LINK_ATTACHED) {
            amqpci_client_link_take_attach(link); /* the peer was first */
        }
        return;
    }
    amqpci_client_error_set(&error, status, link->client->attempts.address,
                            "the link could not be attached");
    if (status == AMQPC_NO_MEMORY) {
        amqpci_client_disconnected(link->client, &error);
    } else {
        amqpci_client_link_end(link, &error);
    }
}

void amqpci_client_link_end_or_tell(amqpci_client_link *link)
{
    /* Without a link of the engine it never was attached; one that the peer has closed is not kept.
     */
    bool may_be_kept = link->link != NULL && !link->is_left &&
                       (link->phase == AMQPCI_LINK_CLOSING || !amqpc_link_is_closed(link->link));
    if (may_be_kept && amqpci_client_link_terms_last(link->terms)) {
        link->phase = AMQPCI_LINK_UNTOLD;
        amqpci_client_link_notify(link);
    } else {
        amqpci_client_link_end(link, NULL);
    }
}

void amqpci_client_link_tell(amqpci_client_link *link)
{
    if (amqpc_link_get_state(link->link) == AMQPC_LINK_DETACHED) {
        amqpci_client_link_attach(link);
    }
}

void amqpci_client_link_pause(amqpci_client_link *link)
{
    if (amqpc_link_detach(link->link, false, NULL) == AMQPC_OK) {
        link->phase = AMQPCI_LINK_PAUSING;
    }
}
