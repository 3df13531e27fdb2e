/* Closing a client in good order: what was posted first, then links and connection. */
#include "client/client_link.h"
#include "client/sender.h"

/* Of a time-out, what is kept for the closing itself. */
enum { CLOSING_MS_MAX = 1000 };

/* Whether it has to say or to hear something before it can be closed. */
static bool is_busy(const amqpci_client_link *link)
{
    const amqpc_sender *sender = (const amqpc_sender *)link;
    if (link->phase == AMQPCI_LINK_UNTOLD) {
        return true;
    }
    return link->kind->role == AMQPC_ROLE_SENDER && !amqpci_client_link_is_over(link) &&
           sender->posted + sender->awaited > 0;
}

/* All that was posted has an outcome, links that were closed are, and all that was settled has gone
 * out. */
static bool is_done(const void *object)
{
    const amqpc_client *client = (const amqpc_client *)object;
    if (amqpci_client_is_over(client)) {
        return true;
    }
    for (const amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        if (is_busy(at)) {
            return false;
        }
    }
    return client->state != AMQPC_CLIENT_OPEN || amqpci_client_is_all_sent(client);
}

static bool are_links_over(const void *object)
{
    const amqpc_client *client = (const amqpc_client *)object;
    for (const amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        if (!amqpci_client_link_is_over(at)) {
            return false;
        }
    }
    return true;
}

static bool is_over(const void *object)
{
    return amqpci_client_is_over((const amqpc_client *)object);
}

/* When a part of the closing ends, so that there is time left for what comes behind. */
static uint64_t earlier(uint64_t deadline_ms)
{
    if (deadline_ms <= AMQPCI_DEADLINE_LOOK || deadline_ms == UINT64_MAX) {
        return deadline_ms;
    }
    uint64_t now_ms = amqpc_now_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    uint64_t kept_ms = left_ms / 4;
    return deadline_ms - (kept_ms < CLOSING_MS_MAX ? kept_ms : CLOSING_MS_MAX);
}

/* Waits for a part of the closing. One that does not come about in time is left out, and
 * AMQPC_TIMED_OUT means that the time of the whole is up: whoever does not wait comes again for
 * it. */
static amqpc_status wait_for_part(amqpc_client *client, uint64_t deadline_ms,
                                  amqpci_condition *is_met)
{
    amqpc_status status = amqpci_client_wait(client, earlier(deadline_ms), is_met, client);
    bool is_left_out = status == AMQPC_TIMED_OUT && deadline_ms > AMQPCI_DEADLINE_LOOK;
    return is_left_out ? AMQPC_OK : status;
}

/* Links are detached before the connection is closed: brokers finish what came by a link when that
 * ends, and drop it when the connection does (Qpid Broker-J does so with settled messages). Those
 * that live on at the peer, as durable subscriptions, are not closed by this: whoever wants them
 * gone closes them. */
static void begin_to_close_links(amqpc_client *client)
{
    client->state = AMQPC_CLIENT_CLOSING;
    for (amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        amqpci_client_link_begin_close(at, amqpci_client_link_terms_last(at->terms));
    }
    amqpci_client_flush(client);
}

/* Says close; once only. */
static void say_close(amqpc_client *client)
{
    if (amqpc_connection_close(amqpc_transport_connection(client->transport), NULL) == AMQPC_OK) {
        amqpci_client_flush(client);
    } else {
        amqpci_client_end(client, AMQPC_CLIENT_CLOSED, NULL);
    }
}

static amqpc_status close_in_order(amqpc_client *client, uint64_t deadline_ms)
{
    amqpc_status status = AMQPC_OK;
    if (client->state != AMQPC_CLIENT_CLOSING) {
        amqpci_client_flush(client);
        status = wait_for_part(client, deadline_ms, is_done);
    }
    if (status != AMQPC_OK || amqpci_client_is_over(client)) {
        return status;
    }
    if (client->state != AMQPC_CLIENT_OPEN && client->state != AMQPC_CLIENT_CLOSING) {
        amqpci_client_end(client, AMQPC_CLIENT_CLOSED, NULL); /* there is nobody to tell */
        return AMQPC_OK;
    }
    if (client->state == AMQPC_CLIENT_OPEN) {
        begin_to_close_links(client);
        amqpci_driver_look_again(client);
    }
    status = wait_for_part(client, deadline_ms, are_links_over);
    if (status != AMQPC_OK || amqpci_client_is_over(client)) {
        return status;
    }
    say_close(client);
    amqpci_driver_look_again(client);
    return amqpci_client_wait(client, deadline_ms, is_over, client);
}

amqpc_status amqpc_client_close(amqpc_client *client, int64_t timeout_ms)
{
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = close_in_order(client, amqpci_deadline(timeout_ms));
    status = amqpci_client_is_over(client) ? AMQPC_OK : status;
    amqpci_driver_look_again(client);
    amqpci_client_leave(client);
    return status;
}
