/* Connecting, and connecting again: which host is tried when, and when it is given up.
 *
 * The hosts of the list are tried one after the other; before the list begins again there is a
 * pause, twice as long each time. A connection that was open for as long as the last pause counts
 * as a success, after which all begins anew: a peer that lets us in only to throw us out does not
 * make us ask in a circle. */
#include <string.h>

#include "client/client.h"
#include "client/client_link.h"
#include "transport/transport.h"

/* Between half of the delay and all of it, so that many clients do not come at once. */
static uint32_t with_jitter(amqpc_client *client, uint32_t delay_ms)
{
    uint64_t state = client->attempts.random;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    client->attempts.random = state;
    return delay_ms - (uint32_t)(state % (delay_ms / 2 + UINT64_C(1)));
}

uint32_t amqpci_client_delay(amqpc_client *client, uint32_t attempts)
{
    const amqpc_client_options *options = &client->settings->options;
    uint32_t most_ms = options->reconnect_delay_max_ms;
    if (attempts == 0) {
        return 0;
    }
    uint32_t doublings = attempts - 1 < 31 ? attempts - 1 : 31;
    uint64_t delay_ms = (uint64_t)options->reconnect_delay_ms << doublings;
    return with_jitter(client, delay_ms < most_ms ? (uint32_t)delay_ms : most_ms);
}

static void begin_attempt(amqpc_client *client, uint64_t now_ms)
{
    uint32_t limit_ms = client->settings->options.connect_timeout_ms;
    client->state = AMQPC_CLIENT_CONNECTING;
    client->attempts.attempts++;
    client->attempts.next_ms = UINT64_MAX;
    client->attempts.deadline_ms = limit_ms == 0 ? UINT64_MAX : now_ms + limit_ms;
    amqpc_status status = amqpci_client_make_transport(client);
    if (status != AMQPC_OK) {
        amqpc_client_error error;
        amqpci_client_error_set(&error, status, client->attempts.address, NULL);
        amqpci_client_disconnected(client, &error);
    }
}

void amqpci_client_connect(amqpc_client *client)
{
    uint64_t now_ms = amqpc_now_ms();
    client->attempts.since_ms = now_ms;
    begin_attempt(client, now_ms);
}

void amqpci_client_opened(amqpc_client *client)
{
    amqpci_attempts *attempts = &client->attempts;
    attempts->deadline_ms = UINT64_MAX;
    attempts->opened_ms = amqpc_now_ms();
    char address[sizeof attempts->address];
    if (amqpc_transport_remote_address(client->transport, address, sizeof address) == AMQPC_OK) {
        memcpy(attempts->address, address, sizeof address);
    }
    if (client->state == AMQPC_CLIENT_CONNECTING) {
        client->state = AMQPC_CLIENT_OPEN;
    }
    client->past.connects++;
    client->has_error = false;
    amqpci_client_tell(client, AMQPC_CLIENT_EVENT_CONNECTED, attempts->address, 0, NULL);
    attempts->attempts = 0;
    amqpc_status status = amqpci_client_links_begin(client);
    if (status != AMQPC_OK) {
        amqpc_client_error error;
        amqpci_client_error_set(&error, status, attempts->address, "links could not be attached");
        amqpci_client_disconnected(client, &error);
    }
}

/* --- The end of a connection, or of an attempt. */

/* What is unsettled stays where it is, until there is another connection. A connection that this
 * end gives up without a word is cut: the peer, too, is to know that it is over. */
static void put_transport_aside(amqpc_client *client)
{
    if (client->transport == NULL) {
        return;
    }
    bool has_links = client->is_carrying;
    client->is_carrying = false;
    client->session = NULL;
    client->ended = NULL;
    client->links_due_ms = UINT64_MAX;
    amqpc_transport *other = has_links ? client->lost : client->transport;
    if (has_links) {
        client->lost = client->transport;
        if (amqpc_connection_get_state(amqpc_transport_connection(client->lost)) !=
            AMQPC_CONNECTION_END) {
            amqpci_transport_fail(client->lost, AMQPC_DISCONNECTED, 0, NULL, NULL);
        }
    }
    client->transport = NULL;
    if (other != NULL) {
        amqpci_client_count_past(client, other);
        amqpc_transport_free(other);
    }
}

/* Whether time is left for another attempt at a certain time. */
static bool may_try(const amqpc_client *client, uint64_t at_ms)
{
    uint32_t limit_ms = client->settings->options.reconnect_time_ms;
    return limit_ms == 0 || at_ms - client->attempts.since_ms < limit_ms;
}

/* When the next attempt is made; UINT64_MAX for never. */
static uint64_t next_attempt(amqpc_client *client, const amqpc_client_error *error, bool was_open)
{
    const amqpc_client_options *options = &client->settings->options;
    amqpci_attempts *attempts = &client->attempts;
    uint64_t now_ms = amqpc_now_ms();
    if (!options->reconnect || amqpci_client_error_is_final(error)) {
        return UINT64_MAX;
    }
    if (was_open) {
        attempts->since_ms = now_ms;
        uint64_t open_ms = now_ms - attempts->opened_ms;
        if (open_ms >= options->reconnect_delay_ms && open_ms >= attempts->delay_ms) {
            attempts->rounds = 0;
            attempts->delay_ms = 0;
            return now_ms; /* once at once, at the same host: most are there again */
        }
    }
    attempts->host = (attempts->host + 1) % client->settings->host_count;
    if (attempts->host == 0) {
        attempts->rounds++;
        attempts->delay_ms = amqpci_client_delay(client, attempts->rounds);
        now_ms += attempts->delay_ms;
    }
    return may_try(client, now_ms) ? now_ms : UINT64_MAX;
}

void amqpci_client_disconnected(amqpc_client *client, const amqpc_client_error *error)
{
    bool was_open = client->is_carrying;
    client->error = *error;
    client->has_error = true;
    client->attempts.deadline_ms = UINT64_MAX;
    amqpci_client_links_suspend(client);
    put_transport_aside(client);
    if (client->state == AMQPC_CLIENT_CLOSING) {
        amqpci_client_end(client, AMQPC_CLIENT_CLOSED, NULL);
        return;
    }
    uint64_t next_ms = next_attempt(client, &client->error, was_open);
    if (next_ms == UINT64_MAX) {
        amqpci_client_tell(client, AMQPC_CLIENT_EVENT_FAILED, client->attempts.address, 0,
                           &client->error);
        amqpci_client_end(client, AMQPC_CLIENT_FAILED, &client->error);
        return;
    }
    uint64_t now_ms = amqpc_now_ms();
    client->state = AMQPC_CLIENT_WAITING;
    client->attempts.next_ms = next_ms;
    amqpci_client_tell(client, AMQPC_CLIENT_EVENT_DISCONNECTED, client->attempts.address,
                       next_ms > now_ms ? (uint32_t)(next_ms - now_ms) : 0, &client->error);
}

void amqpci_client_end(amqpc_client *client, amqpc_client_state state,
                       const amqpc_client_error *error)
{
    client->state = (uint8_t)state;
    client->attempts.next_ms = UINT64_MAX;
    client->attempts.deadline_ms = UINT64_MAX;
    amqpci_client_links_suspend(client);
    put_transport_aside(client);
    amqpci_client_links_end(client, error);
}

/* --- Time. */

/* What the attempt waited for when its time was up. */
static const char *slow_part(const amqpc_client *client)
{
    switch (amqpc_transport_get_state(client->transport)) {
    case AMQPC_TRANSPORT_RESOLVING:
        return "while its name was looked up";
    case AMQPC_TRANSPORT_CONNECTING:
        return "while its addresses were tried";
    case AMQPC_TRANSPORT_SECURING:
        return "in TLS's handshake";
    default:
        return "before its open came";
    }
}

bool amqpci_client_advance(amqpc_client *client, uint64_t now_ms)
{
    const amqpci_attempts *attempts = &client->attempts;
    if (now_ms < amqpci_client_due(client)) {
        return false;
    }
    if (now_ms >= attempts->deadline_ms && client->transport != NULL) {
        amqpc_client_error error;
        amqpci_client_error_set(&error, AMQPC_CONNECT_TIMEOUT, attempts->address,
                                slow_part(client));
        amqpci_client_disconnected(client, &error);
    } else if (client->state == AMQPC_CLIENT_WAITING && now_ms >= attempts->next_ms) {
        begin_attempt(client, now_ms);
    } else if (now_ms >= client->links_due_ms) {
        amqpci_client_links_retry(client, now_ms);
    }
    return true;
}

uint64_t amqpci_client_due(const amqpc_client *client)
{
    const amqpci_attempts *attempts = &client->attempts;
    uint64_t due_ms = attempts->next_ms;
    due_ms = attempts->deadline_ms < due_ms ? attempts->deadline_ms : due_ms;
    return client->links_due_ms < due_ms ? client->links_due_ms : due_ms;
}
