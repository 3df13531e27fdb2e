/* Closing a client in good order: what was posted first, then links and connection. */
#include "client/client.h"
#include "client/client_link.h"
#include "client/sender.h"
#include "engine/connection.h"

/* Of a time-out, what is kept for the closing itself. */
enum { CLOSING_MS_MAX = 1000 };

static bool is_unsettled(const amqpci_client_link *link)
{
    const amqpc_sender *sender = (const amqpc_sender *)link;
    return link->kind->role == AMQPC_ROLE_SENDER && !amqpci_client_link_is_over(link) &&
           sender->posted + sender->awaited > 0;
}

/* All that was posted has an outcome, and all that was settled has gone out. */
static bool is_done(const void *object)
{
    const amqpc_client *client = (const amqpc_client *)object;
    if (amqpci_client_is_over(client)) {
        return true;
    }
    for (const amqpci_client_link *at = client->first_link; at != NULL; at = at->next) {
        if (is_unsettled(at)) {
            return false;
        }
    }
    return client->state != AMQPC_CLIENT_OPEN ||
           amqpci_client_output_size(client) +
                   amqpc_transport_connection(client->transport)->pending_size ==
               0;
}

static bool is_over(const void *object)
{
    return amqpci_client_is_over((const amqpc_client *)object);
}

static uint64_t earlier(uint64_t deadline_ms)
{
    if (deadline_ms == 0 || deadline_ms == UINT64_MAX) {
        return deadline_ms;
    }
    uint64_t now_ms = amqpc_now_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    uint64_t kept_ms = left_ms / 4;
    return deadline_ms - (kept_ms < CLOSING_MS_MAX ? kept_ms : CLOSING_MS_MAX);
}

/* Says close, where there is somebody to say it to; links end with the connection. */
static void begin_close(amqpc_client *client)
{
    bool open = client->state == AMQPC_CLIENT_OPEN;
    client->state = AMQPC_CLIENT_CLOSING;
    if (open &&
        amqpc_connection_close(amqpc_transport_connection(client->transport), NULL) == AMQPC_OK) {
        amqpci_client_flush(client);
        return;
    }
    amqpci_client_end(client, AMQPC_CLIENT_CLOSED, NULL);
}

amqpc_status amqpc_client_close(amqpc_client *client, int64_t timeout_ms)
{
    uint64_t deadline_ms = amqpci_deadline(timeout_ms);
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    if (client->state != AMQPC_CLIENT_CLOSING) {
        amqpci_client_flush(client);
        status = amqpci_client_wait(client, earlier(deadline_ms), is_done, client);
    }
    if (status != AMQPC_INTERRUPTED && !amqpci_client_is_over(client)) {
        if (client->state != AMQPC_CLIENT_CLOSING) {
            begin_close(client);
            amqpci_driver_look_again(client);
        }
        status = amqpci_client_wait(client, deadline_ms, is_over, client);
    }
    status = amqpci_client_is_over(client) ? AMQPC_OK : status;
    amqpci_client_leave(client);
    return status;
}
