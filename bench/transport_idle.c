/* Idle clients: opens so many connections to a port of 127.0.0.1, and keeps them until its standard
 * input ends.
 *
 *     transport_idle PORT COUNT
 *
 * It prints a line when all are open. So many connect at a time that nobody's backlog is full. */
#define _POSIX_C_SOURCE 200809L
#include <amqpcodec/amqpcodec.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { AT_ONCE = 200, SPARE_DESCRIPTORS = 64, LOOK_MS = 100 };

typedef struct idle_clients {
    amqpc_poller *poller;
    uint32_t port;
    size_t count;
    size_t begun;
    size_t open;
} idle_clients;

static void check(amqpc_status status)
{
    if (status != AMQPC_OK) {
        (void)fprintf(stderr, "transport_idle: %s\n", amqpc_status_text(status));
        exit(1);
    }
}

static void connect_one(idle_clients *clients)
{
    static const char name[] = "container-0123456789";
    amqpc_transport_options options;
    amqpc_transport *transport = NULL;
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {name, sizeof name - 1}};
    amqpc_transport_options_init(&options, sizeof options);
    options.host = "127.0.0.1";
    options.port = clients->port;
    check(amqpc_transport_connect(clients->poller, &options, NULL, &transport));
    check(amqpc_connection_open(amqpc_transport_connection(transport), &open));
    clients->begun++;
}

static void handle(idle_clients *clients, amqpc_transport *transport)
{
    amqpc_connection_event event;
    amqpc_transport_failure failure;
    if (amqpc_transport_get_failure(transport, &failure) == AMQPC_OK) {
        (void)fprintf(stderr, "transport_idle: %s\n", failure.text);
        exit(1);
    }
    while (amqpc_connection_next_event(amqpc_transport_connection(transport), &event)) {
        clients->open += event.type == AMQPC_EVENT_CONNECTION_OPEN;
    }
}

static void round_of(idle_clients *clients, int64_t timeout_ms)
{
    amqpc_ready ready;
    amqpc_status status = amqpc_poller_wait(clients->poller, timeout_ms);
    if (status != AMQPC_TIMED_OUT) {
        check(status);
    }
    while (amqpc_poller_next(clients->poller, &ready)) {
        handle(clients, ready.transport);
    }
}

static bool input_has_ended(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

int main(int argc, char **argv)
{
    idle_clients clients = {.port = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0};
    clients.count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (clients.count == 0 || clients.count + SPARE_DESCRIPTORS > files.rlim_cur) {
        (void)fprintf(stderr, "transport_idle: PORT and COUNT, within the limit of open files\n");
        return 1;
    }
    check(amqpc_poller_new(NULL, &clients.poller));
    while (clients.open < clients.count) {
        while (clients.begun < clients.count && clients.begun < clients.open + AT_ONCE) {
            connect_one(&clients);
        }
        round_of(&clients, AMQPC_FOREVER);
    }
    printf("open\n");
    (void)fflush(stdout);
    while (!input_has_ended()) {
        round_of(&clients, LOOK_MS);
    }
    amqpc_poller_free(clients.poller);
    return 0;
}
