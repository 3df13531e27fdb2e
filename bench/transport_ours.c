/* Two processes over loopback, by transports: one sends deliveries flat out, the other takes them.
 *
 *     transport_ours settled|unsettled SIZE COUNT WINDOW [unix|tcp]
 *
 * Prints one line: messages a second, CPU of each end, and calls of the system for each message. */
#define _GNU_SOURCE
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 256, SIZE_MAX_HERE = 1 << 20 };

typedef struct end {
    amqpc_poller *poller;
    amqpc_transport *transport;
    amqpc_link *link;
    bool settled;
    size_t size;
    uint64_t count;
    uint32_t window;
    uint64_t done;      /* sent, or received */
    uint64_t confirmed; /* of the sender */
    uint64_t waits;
    uint64_t checksum;
    bool over;
} end;

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "transport_ours: %s\n", what);
        exit(1);
    }
}

static void open_connection(amqpc_connection *connection)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"bench", 5}};
    check(amqpc_connection_open(connection, &open) == AMQPC_OK, "open");
}

static amqpc_connection_options connection_options(const end *at)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.unsettled_max = at->window < 1000 ? 1000 : at->window * 2;
    return options;
}

/* --- The receiver. */

static void take_deliveries(end *at)
{
    amqpc_delivery deliveries[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        check(amqpc_link_receive(at->link, deliveries, BATCH, &count) == AMQPC_OK, "receive");
        for (size_t i = 0; i < count; i++) {
            const uint8_t *bytes = (const uint8_t *)deliveries[i].payload.data;
            at->checksum += bytes[0] + deliveries[i].payload.size + bytes[at->size - 1];
        }
        if (!at->settled && count > 0) {
            check(amqpc_link_settle(at->link, deliveries[0].number, deliveries[count - 1].number,
                                    AMQPC_COMPOSITE_ACCEPTED) == AMQPC_OK,
                  "settle");
        }
        amqpc_deliveries_release(deliveries, count);
        at->done += count;
    }
}

static void serve_event(end *at, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        open_connection(event->connection);
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        check(amqpc_session_set_incoming_window(event->session, at->window * 2) == AMQPC_OK &&
                  amqpc_session_begin(event->session, NULL) == AMQPC_OK,
              "begin");
        break;
    case AMQPC_EVENT_LINK_ATTACH:
        at->link = event->link;
        check(amqpc_link_attach(event->link, NULL, NULL, NULL) == AMQPC_OK, "attach");
        check(amqpc_link_set_prefetch(event->link, at->window) == AMQPC_OK, "prefetch");
        break;
    case AMQPC_EVENT_DELIVERIES:
        take_deliveries(at);
        if (at->done == at->count) {
            check(amqpc_connection_close(event->connection, NULL) == AMQPC_OK, "close");
        }
        break;
    case AMQPC_EVENT_CONNECTION_FAILED:
        check(false, "the receiver's connection failed");
        break;
    default:
        break;
    }
}

static void serve(end *at)
{
    amqpc_connection_options options = connection_options(at);
    amqpc_ready ready;
    amqpc_connection_event event;
    while (!at->over) {
        check(amqpc_poller_wait(at->poller, AMQPC_FOREVER) == AMQPC_OK, "wait");
        at->waits++;
        while (amqpc_poller_next(at->poller, &ready)) {
            if (ready.listener != NULL) {
                (void)!amqpc_listener_accept(ready.listener, &options, &at->transport);
                continue;
            }
            amqpc_connection *connection = amqpc_transport_connection(ready.transport);
            while (amqpc_connection_next_event(connection, &event)) {
                serve_event(at, &event);
            }
            at->over = amqpc_transport_get_state(ready.transport) >= AMQPC_TRANSPORT_CLOSED;
        }
    }
}

/* --- The sender. */

static void send_all(end *at)
{
    static uint8_t payload[SIZE_MAX_HERE];
    amqpc_bytes payloads[BATCH];
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = at->settled;
    for (size_t i = 0; i < BATCH; i++) {
        payloads[i] = (amqpc_bytes){payload, at->size};
    }
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && at->done < at->count) {
        size_t sent = 0;
        size_t wanted = at->count - at->done < BATCH ? (size_t)(at->count - at->done) : BATCH;
        status = amqpc_link_send_batch(at->link, payloads, wanted, &options, &sent, NULL);
        at->done += sent;
    }
    check(status == AMQPC_OK || status == AMQPC_NO_CREDIT || status == AMQPC_LIMIT_REACHED,
          amqpc_status_name(status));
}

static void take_updates(end *at)
{
    amqpc_update updates[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        check(amqpc_link_updates(at->link, updates, BATCH, &count) == AMQPC_OK, "updates");
        at->confirmed += count;
    }
}

static void attach(end *at)
{
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = {"queue", 5}};
    amqpc_connection *connection = amqpc_transport_connection(at->transport);
    amqpc_session *session = NULL;
    open_connection(connection);
    check(amqpc_session_new(connection, &session) == AMQPC_OK &&
              amqpc_session_begin(session, NULL) == AMQPC_OK &&
              amqpc_link_new(session, AMQPC_ROLE_SENDER, (amqpc_bytes){"link", 4}, &at->link) ==
                  AMQPC_OK &&
              amqpc_link_attach(at->link, NULL, NULL, &target) == AMQPC_OK,
          "attach");
}

static void send_round(end *at)
{
    amqpc_ready ready;
    amqpc_connection_event event;
    check(amqpc_poller_wait(at->poller, AMQPC_FOREVER) == AMQPC_OK, "wait");
    at->waits++;
    while (amqpc_poller_next(at->poller, &ready)) {
        while (amqpc_connection_next_event(amqpc_transport_connection(ready.transport), &event)) {
            check(event.type != AMQPC_EVENT_CONNECTION_FAILED, "the sender's connection failed");
            if (event.type == AMQPC_EVENT_UPDATES) {
                take_updates(at);
            } else if (event.type == AMQPC_EVENT_CONNECTION_CLOSE) {
                check(amqpc_connection_close(event.connection, NULL) == AMQPC_OK, "close");
            }
        }
        at->over = amqpc_transport_get_state(ready.transport) >= AMQPC_TRANSPORT_CLOSED;
    }
    if (at->over) {
        return;
    }
    if (amqpc_link_get_state(at->link) == AMQPC_LINK_ATTACHED) {
        send_all(at);
    }
    amqpc_transport_touch(at->transport);
}

static void report(const end *at, const char *name)
{
    amqpc_transport_statistics statistics = {.struct_size = sizeof statistics};
    struct rusage usage;
    amqpc_transport_get_statistics(at->transport, &statistics);
    getrusage(RUSAGE_SELF, &usage);
    double cpu_us = (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec +
                    (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
    uint64_t calls = statistics.reads + statistics.writes + at->waits;
    printf("%s: %.3f us CPU (%.0f%% system), one call for %.0f messages (%lu reads, %lu writes, "
           "%lu waits)\n",
           name, cpu_us / (double)at->done,
           100 * ((double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec) / cpu_us,
           (double)at->done / (double)calls, (unsigned long)statistics.reads,
           (unsigned long)statistics.writes, (unsigned long)at->waits);
    fflush(stdout);
}

static void run_sender(end at, uint32_t port, const char *path)
{
    amqpc_transport_options options;
    amqpc_connection_options connection = connection_options(&at);
    amqpc_transport_options_init(&options, sizeof options);
    options.host = "127.0.0.1";
    options.port = port;
    options.unix_path = path;
    check(amqpc_poller_new(NULL, &at.poller) == AMQPC_OK, "poller");
    check(amqpc_transport_connect(at.poller, &options, &connection, &at.transport) == AMQPC_OK,
          "connect");
    attach(&at);
    uint64_t begin_ms = amqpc_now_ms();
    while (!at.over) {
        send_round(&at);
    }
    uint64_t time_ms = amqpc_now_ms() - begin_ms;
    printf("%.0f thousand messages/s\n", (double)at.count / (double)(time_ms > 0 ? time_ms : 1));
    report(&at, "sender");
    amqpc_poller_free(at.poller);
}

int main(int argument_count, char **arguments)
{
    check(argument_count >= 5, "usage: settled|unsettled SIZE COUNT WINDOW [unix]");
    end at = {.settled = strcmp(arguments[1], "settled") == 0};
    at.size = strtoul(arguments[2], NULL, 10);
    at.count = strtoul(arguments[3], NULL, 10);
    at.window = (uint32_t)strtoul(arguments[4], NULL, 10);
    check(at.size > 0 && at.size <= SIZE_MAX_HERE, "SIZE");
    char path[64];
    bool is_local = argument_count > 5 && strcmp(arguments[5], "unix") == 0;
    (void)snprintf(path, sizeof path, "@amqpcodec-bench-%ld", (long)getpid());
    amqpc_listener_options options;
    amqpc_listener *listener = NULL;
    amqpc_listener_options_init(&options, sizeof options);
    options.unix_path = is_local ? path : NULL;
    check(amqpc_poller_new(NULL, &at.poller) == AMQPC_OK, "poller");
    check(amqpc_listener_new(at.poller, &options, &listener, NULL, 0) == AMQPC_OK, "listener");
    uint32_t port = amqpc_listener_port(listener);
    pid_t child = fork();
    if (child == 0) {
        amqpc_poller_free(at.poller);
        run_sender(at, port, options.unix_path);
        return 0;
    }
    serve(&at);
    int status = 0;
    (void)waitpid(child, &status, 0);
    report(&at, "receiver");
    check(at.done == at.count, "not all has arrived");
    amqpc_poller_free(at.poller);
    return status == 0 ? 0 : 1;
}
