/* The receiving end of `amqpcodec perf --direct`: a server by the transport API, in a process of
 * its own, which takes what comes. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <amqpcodec/event.h>
#include <amqpcodec/listener.h>
#include <amqpcodec/session.h>

#include "tools/command.h"
#include "tools/perf/perf_child.h"
#include "tools/report.h"

enum { DELIVERIES = 256 };

static amqpc_poller *signalled;
static volatile sig_atomic_t stops;

static void stop(int number)
{
    (void)number;
    stops = 1;
    amqpc_poller_wake(signalled);
}

static amqpc_status send_open(amqpc_connection *connection)
{
    static const char name[] = "amqpcodec-perf";
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {name, sizeof name - 1}};
    return amqpc_connection_open(connection, &open);
}

static amqpc_status answer_attach(const perf_load *load, amqpc_link *link)
{
    amqpc_status status = AMQPC_OK;
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER) {
        status = amqpc_link_set_prefetch(link, load->options->prefetch);
    }
    return status == AMQPC_OK ? amqpc_link_attach(link, NULL, NULL, NULL) : status;
}

/* All that have arrived: counted, settled by one call, and released. */
static amqpc_status take_deliveries(perf_load *load, amqpc_link *link)
{
    amqpc_delivery deliveries[DELIVERIES];
    size_t count = DELIVERIES;
    while (count == DELIVERIES) {
        amqpc_status status = amqpc_link_receive(link, deliveries, DELIVERIES, &count);
        if (status != AMQPC_OK || count == 0) {
            return status;
        }
        uint64_t now_ns = perf_now_ns();
        for (size_t i = 0; i < count; i++) {
            perf_count(&load->counts[0], load->run, now_ns, deliveries[i].payload);
        }
        if (!deliveries[0].settled) {
            status = amqpc_link_settle(link, deliveries[0].number, deliveries[count - 1].number,
                                       AMQPC_COMPOSITE_ACCEPTED);
        }
        amqpc_deliveries_release(deliveries, count);
        if (status != AMQPC_OK && status != AMQPC_NOT_FOUND) {
            return status;
        }
    }
    return AMQPC_OK;
}

static amqpc_status handle_event(perf_load *load, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        return send_open(event->connection);
    case AMQPC_EVENT_CONNECTION_CLOSE:
        return amqpc_connection_close(event->connection, NULL);
    case AMQPC_EVENT_SESSION_BEGIN:
        return amqpc_session_begin(event->session, NULL);
    case AMQPC_EVENT_SESSION_END:
        amqpc_session_free(event->session);
        return AMQPC_OK;
    case AMQPC_EVENT_LINK_ATTACH:
        return answer_attach(load, event->link);
    case AMQPC_EVENT_DELIVERIES:
        return take_deliveries(load, event->link);
    case AMQPC_EVENT_LINK_DETACH:
        amqpc_link_free(event->link);
        return AMQPC_OK;
    default:
        return AMQPC_OK;
    }
}

static void handle(perf_load *load, amqpc_transport *transport)
{
    amqpc_connection_event event;
    amqpc_status status = AMQPC_OK;
    amqpc_transport_state state = amqpc_transport_get_state(transport);
    while (status == AMQPC_OK &&
           amqpc_connection_next_event(amqpc_transport_connection(transport), &event)) {
        status = handle_event(load, &event);
    }
    if (status != AMQPC_OK) {
        report("the receiving process: %s", amqpc_status_text(status));
    }
    if (status != AMQPC_OK || state == AMQPC_TRANSPORT_CLOSED || state == AMQPC_TRANSPORT_FAILED) {
        amqpc_transport_free(transport);
    }
}

static void accept_all(amqpc_listener *listener)
{
    amqpc_connection_options options;
    amqpc_transport *transport = NULL;
    amqpc_connection_options_init(&options, sizeof options);
    options.message_size = UINT64_MAX;
    options.partial_size = UINT64_MAX;
    while (amqpc_listener_accept(listener, &options, &transport) == AMQPC_OK) {
    }
}

static int serve(perf_load *load)
{
    amqpc_ready ready;
    while (!stops) {
        amqpc_status status = amqpc_poller_wait(signalled, AMQPC_FOREVER);
        if (status == AMQPC_SYSTEM_ERROR || status == AMQPC_FORKED) {
            report("the receiving process: %s", amqpc_status_text(status));
            return EXIT_BAD_INPUT;
        }
        while (amqpc_poller_next(signalled, &ready)) {
            if (ready.listener != NULL) {
                accept_all(ready.listener);
            } else {
                handle(load, ready.transport);
            }
        }
    }
    return EXIT_GOOD;
}

int perf_direct_serve(perf_load *load, int port_pipe)
{
    char reason[256] = "no memory";
    amqpc_listener *listener = NULL;
    struct sigaction action = {.sa_handler = stop};
    if (amqpc_poller_new(NULL, &signalled) != AMQPC_OK ||
        amqpc_listener_new(signalled, NULL, &listener, reason, sizeof reason) != AMQPC_OK) {
        report("the receiving process: %s", reason);
        return EXIT_BAD_INPUT;
    }
    (void)sigaction(SIGTERM, &action, NULL);
    (void)dprintf(port_pipe, "listening: %u\n", amqpc_listener_port(listener));
    int status = serve(load);
    amqpc_poller_free(signalled);
    return status;
}
