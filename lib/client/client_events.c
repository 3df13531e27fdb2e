/* What has happened to the connection, and what the program is told of it. */
#include "client/client.h"

#include <amqpcodec/event.h>

#include <stdio.h>

#include "client/client_link.h"
#include "client/receiver.h"
#include "client/sender.h"

/* --- For the program. */

void amqpci_client_tell(amqpc_client *client, amqpc_client_event_type type, const char *name,
                        uint32_t delay_ms, const amqpc_client_error *error)
{
    amqpci_event_ring *ring = &client->events;
    if (ring->count == AMQPCI_EVENTS_KEPT) {
        ring->first = (ring->first + 1) % AMQPCI_EVENTS_KEPT;
        ring->count--;
    }
    amqpc_client_event *event = &ring->events[(ring->first + ring->count) % AMQPCI_EVENTS_KEPT];
    ring->count++;
    *event = (amqpc_client_event){
        .type = type, .attempts = client->attempts.attempts, .delay_ms = delay_ms};
    (void)snprintf(event->name, sizeof event->name, "%s", name);
    if (error != NULL) {
        event->error = *error;
    }
}

bool amqpc_client_next_event(amqpc_client *client, amqpc_client_event *event)
{
    if (amqpci_client_enter(client) != AMQPC_OK) {
        return false;
    }
    amqpci_event_ring *ring = &client->events;
    bool found = ring->count > 0;
    if (found) {
        *event = ring->events[ring->first];
        ring->first = (ring->first + 1) % AMQPCI_EVENTS_KEPT;
        ring->count--;
    }
    amqpci_client_leave(client);
    return found;
}

/* --- Of the engine. */

/* The peer wants to send, or to be sent, something of its own accord. */
static void refuse_link(amqpc_link *link)
{
    amqpc_error error = {
        .present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
        .condition = amqpci_text("amqp:not-allowed"),
        .description = amqpci_text("this container has no nodes of its own"),
    };
    amqpci_ignore(amqpc_link_refuse(link, &error));
    amqpc_link_free(link); /* closes it where it was not refused */
}

static void take_link_event(const amqpc_connection_event *event)
{
    amqpci_client_link *link = (amqpci_client_link *)amqpc_link_context(event->link);
    if (link == NULL) {
        if (event->type == AMQPC_EVENT_LINK_ATTACH) {
            refuse_link(event->link);
        }
        return;
    }
    bool sends = link->kind->role == AMQPC_ROLE_SENDER;
    switch (event->type) {
    case AMQPC_EVENT_LINK_ATTACH:
        amqpci_client_link_take_attach(link);
        break;
    case AMQPC_EVENT_LINK_DETACH:
        amqpci_client_link_take_detach(link);
        break;
    case AMQPC_EVENT_UPDATES:
        if (sends) {
            amqpci_sender_take_updates((amqpc_sender *)link);
            amqpci_client_link_notify(link);
        } else {
            amqpci_receiver_drop_updates((amqpc_receiver *)link);
        }
        break;
    case AMQPC_EVENT_LINK_FLOW:
        if (sends) {
            amqpci_sender_take_flow((amqpc_sender *)link);
            amqpci_client_link_notify(link);
        }
        break;
    default:
        amqpci_client_link_notify(link); /* deliveries: whoever waits for them is called anyway */
        break;
    }
}

/* The peer's last word is recorded; ours goes out at once, as nobody waits for the socket's end. */
static void take_close(amqpc_client *client)
{
    amqpc_client_error error;
    amqpci_client_transport_error(client, &error);
    if (amqpc_connection_close(amqpc_transport_connection(client->transport), NULL) == AMQPC_OK) {
        amqpci_client_flush(client);
    }
    amqpci_client_disconnected(client, &error);
}

static void take_event(amqpc_client *client, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        amqpci_client_opened(client);
        break;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        take_close(client);
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (amqpc_session_context(event->session) == client) {
            amqpci_client_links_take_session_begin(client);
        } else {
            amqpc_session_free(event->session); /* the peer's own: nobody wants it */
        }
        break;
    case AMQPC_EVENT_SESSION_END:
        if (amqpc_session_context(event->session) == client && event->session != client->ended) {
            amqpci_client_links_take_session_end(client, event->session);
        }
        break;
    default:
        if (event->link != NULL) {
            take_link_event(event);
        }
        break;
    }
}

/* The socket is gone, or was never there. */
static void check_transport(amqpc_client *client)
{
    amqpc_transport_state state = amqpc_transport_get_state(client->transport);
    if (state == AMQPC_TRANSPORT_FAILED || state == AMQPC_TRANSPORT_CLOSED) {
        amqpc_client_error error;
        amqpci_client_transport_error(client, &error);
        amqpci_client_disconnected(client, &error);
    }
}

void amqpci_client_take_events(amqpc_client *client)
{
    amqpc_ready ready;
    amqpc_connection_event event;
    while (amqpc_poller_next(client->poller, &ready)) {
        amqpc_transport *transport = ready.transport;
        while ((transport == client->transport || transport == client->lost) &&
               amqpc_connection_next_event(amqpc_transport_connection(transport), &event)) {
            if (transport == client->transport) {
                take_event(client, &event);
            } /* what happens to a lost connection is of no interest any more */
        }
        if (client->transport == transport) {
            check_transport(client);
        }
    }
}
