/* A small server: takes whatever is sent to it, says how much it was, and accepts it.
 *
 *     server [CONNECTIONS]
 *
 * It listens at a free port of this machine, which it prints, and ends after so many connections.
 */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>
#include <stdlib.h>

enum { PREFETCH = 100, BATCH = 16 };

static bool take_deliveries(amqpc_link *link)
{
    amqpc_delivery deliveries[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        if (amqpc_link_receive(link, deliveries, BATCH, &count) != AMQPC_OK || count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            printf("a message of %zu bytes\n", deliveries[i].payload.size);
        }
        /* All of them in one go; NOT_FOUND where they were sent settled. */
        amqpc_status status = amqpc_link_settle(
            link, deliveries[0].number, deliveries[count - 1].number, AMQPC_COMPOSITE_ACCEPTED);
        amqpc_deliveries_release(deliveries, count);
        if (status != AMQPC_OK && status != AMQPC_NOT_FOUND) {
            return false;
        }
    }
    return true;
}

/* Each event of a client's is answered by the same call that the client made. */
static bool answer(const amqpc_connection_event *event)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"server", 6}};
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        return amqpc_connection_open(event->connection, &open) == AMQPC_OK;
    case AMQPC_EVENT_SESSION_BEGIN:
        return amqpc_session_begin(event->session, NULL) == AMQPC_OK;
    case AMQPC_EVENT_LINK_ATTACH:
        return amqpc_link_attach(event->link, NULL, NULL, NULL) == AMQPC_OK &&
               (amqpc_link_role(event->link) == AMQPC_ROLE_SENDER || /* we have nothing to send */
                amqpc_link_set_prefetch(event->link, PREFETCH) == AMQPC_OK);
    case AMQPC_EVENT_DELIVERIES:
        return take_deliveries(event->link);
    case AMQPC_EVENT_LINK_DETACH:
        amqpc_link_free(event->link); /* says detach, where that is still to be said */
        return true;
    case AMQPC_EVENT_SESSION_END:
        amqpc_session_free(event->session);
        return true;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        return amqpc_connection_close(event->connection, NULL) == AMQPC_OK;
    default:
        return true;
    }
}

static void take_clients(amqpc_listener *listener)
{
    char address[128] = "";
    amqpc_transport *transport = NULL;
    while (amqpc_listener_accept(listener, NULL, &transport) == AMQPC_OK) {
        if (amqpc_transport_remote_address(transport, address, sizeof address) == AMQPC_OK) {
            fprintf(stderr, "%s has come\n", address);
        }
    }
}

/* Whether the client goes on; it is freed where not. */
static bool serve(amqpc_transport *transport)
{
    amqpc_transport_failure failure;
    amqpc_connection_event event;
    bool well = true;
    while (well && amqpc_connection_next_event(amqpc_transport_connection(transport), &event)) {
        well = answer(&event);
    }
    if (well && amqpc_transport_get_state(transport) < AMQPC_TRANSPORT_CLOSED) {
        return true;
    }
    if (amqpc_transport_get_failure(transport, &failure) == AMQPC_OK) {
        fprintf(stderr, "%s\n", failure.text);
    }
    amqpc_transport_free(transport);
    return false;
}

int main(int argument_count, char **arguments)
{
    unsigned long left = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 1;
    char reason[128] = "no memory";
    amqpc_poller *poller = NULL;
    amqpc_listener *listener = NULL;
    amqpc_ready ready;
    if (amqpc_poller_new(NULL, &poller) != AMQPC_OK ||
        amqpc_listener_new(poller, NULL, &listener, reason, sizeof reason) != AMQPC_OK) {
        fprintf(stderr, "%s\n", reason);
        amqpc_poller_free(poller);
        return 1;
    }
    printf("127.0.0.1 %u\n", (unsigned)amqpc_listener_port(listener));
    fflush(stdout);
    while (left > 0 && amqpc_poller_wait(poller, AMQPC_FOREVER) == AMQPC_OK) {
        while (amqpc_poller_next(poller, &ready)) {
            if (ready.listener != NULL) {
                take_clients(ready.listener);
            } else if (!serve(ready.transport)) {
                left--;
            }
        }
    }
    amqpc_poller_free(poller); /* with all that belongs to it */
    return left == 0 ? 0 : 1;
}
