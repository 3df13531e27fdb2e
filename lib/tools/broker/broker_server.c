/* The broker behind sockets. */
#include "tools/broker/broker_server.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/report.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { REASON_SIZE = 256, DRAIN_POLL_MS = 10, CALM_MS = 2000 };

/* How far the end has come. */
enum server_phase { PHASE_SERVING = 0, PHASE_DRAINING = 1, PHASE_CLOSING = 2, PHASE_OVER = 3 };

/* tcp, local  listeners; NULL for none */
struct server {
    const broker_server_options *options;
    struct broker *broker;
    amqpc_poller *poller;
    amqpc_tls *tls;
    amqpc_listener *tcp;
    amqpc_listener *local;
    enum server_phase phase;
    uint64_t phase_end_ms;
    uint64_t activity;   /* what has moved, the last time that it was looked at */
    uint64_t calm_at_ms; /* when memory goes back to the system, if nothing moves until then */
    bool is_trimmed;
    bool is_crowded; /* there were many connections */
};

/* --- Signals: they set a number, and wake the poller. */

static volatile sig_atomic_t stops;
static volatile sig_atomic_t prints;
static amqpc_poller *volatile signalled;

static void take_signal(int number)
{
    int error = errno;
    if (number == SIGUSR1) {
        prints = 1;
    } else {
        stops = stops + 1;
    }
    if (signalled != NULL) {
        amqpc_poller_wake(signalled);
    }
    errno = error;
}

static void set_signals(amqpc_poller *poller)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_handler = take_signal;
    signalled = poller;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
}

/* --- The end of standard input, where that is to end it: whoever holds the other end of the pipe
 * is gone then, however that came. */

static void *watch_input(void *unused)
{
    char bytes[256];
    ssize_t size = 0;
    (void)unused;
    do {
        size = read(STDIN_FILENO, bytes, sizeof bytes);
    } while (size > 0 || (size < 0 && errno == EINTR));
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

/* The thread takes no signals, and ends with the process. */
static bool start_to_watch_input(void)
{
    pthread_t thread;
    sigset_t all;
    sigset_t kept;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &kept);
    int error = pthread_create(&thread, NULL, watch_input, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    if (error != 0) {
        report("%s", strerror(error));
        return false;
    }
    (void)pthread_detach(thread);
    return true;
}

/* --- What it prints. */

static void print_statistics(const struct server *server)
{
    amqpc_buffer *buffer = NULL;
    if (amqpc_buffer_new(NULL, SIZE_MAX, &buffer) != AMQPC_OK) {
        return;
    }
    if (statistics_print(server->broker, server->options->json, buffer) == AMQPC_OK) {
        /* A reader that went away is no reason to stop serving. */
        size_t size = amqpc_buffer_size(buffer);
        (void)fwrite(amqpc_buffer_data(buffer), 1, size, stdout);
        (void)fflush(stdout);
    }
    amqpc_buffer_free(buffer);
}

static void print_address(const struct server *server, const amqpc_listener *listener)
{
    const broker_server_options *options = server->options;
    if (listener == server->local) {
        bool is_abstract = options->unix_path[0] == '@';
        printf("listening on amqp+unix://%s%s\n", is_abstract ? "%40" : "",
               options->unix_path + is_abstract);
    } else {
        bool is_v6 = strchr(options->host, ':') != NULL;
        printf("listening on %s://%s%s%s:%" PRIu32 "\n", server->tls == NULL ? "amqp" : "amqps",
               is_v6 ? "[" : "", options->host, is_v6 ? "]" : "", amqpc_listener_port(listener));
    }
    (void)fflush(stdout);
}

/* --- Making. */

static bool make_tls(struct server *server)
{
    const broker_server_options *options = server->options;
    char reason[REASON_SIZE] = "";
    amqpc_tls_options tls;
    if (options->certificate == NULL) {
        return true;
    }
    amqpc_tls_options_init(&tls, AMQPC_SERVER, sizeof tls);
    tls.certificate = options->certificate;
    tls.key = options->key;
    tls.key_password = options->key_password;
    tls.ca = options->ca;
    tls.verify_peer = options->ca != NULL;
    amqpc_status status =
        amqpc_tls_new(NULL, AMQPC_SERVER, &tls, &server->tls, reason, sizeof reason);
    if (status != AMQPC_OK) {
        report("TLS: %s", reason[0] == '\0' ? amqpc_status_text(status) : reason);
    }
    return status == AMQPC_OK;
}

static bool listen_at(struct server *server, const char *unix_path, amqpc_listener **listener)
{
    char reason[REASON_SIZE] = "";
    amqpc_listener_options options;
    amqpc_listener_options_init(&options, sizeof options);
    options.unix_path = unix_path;
    options.host = server->options->host;
    options.port = server->options->port;
    options.tls = unix_path == NULL ? server->tls : NULL;
    options.transports_max = server->options->connections;
    amqpc_status status =
        amqpc_listener_new(server->poller, &options, listener, reason, sizeof reason);
    if (status != AMQPC_OK) {
        report("%s", reason[0] == '\0' ? amqpc_status_text(status) : reason);
        return false;
    }
    print_address(server, *listener);
    return true;
}

static bool make(struct server *server)
{
    amqpc_status status = amqpc_poller_new(NULL, &server->poller);
    if (status != AMQPC_OK) {
        report("%s", amqpc_status_text(status));
        return false;
    }
    set_signals(server->poller); /* before anybody is told that it listens */
    return (!server->options->stop_at_eof || start_to_watch_input()) && make_tls(server) &&
           (server->options->no_tcp || listen_at(server, NULL, &server->tcp)) &&
           (server->options->unix_path == NULL ||
            listen_at(server, server->options->unix_path, &server->local));
}

/* --- Rounds. */

/* Where connections are many, their buffers, of 64 KiB and more, are mapped by themselves:
 * otherwise the little that idle ones keep lies scattered over a heap as large as all buffers
 * together. */
static void note_crowd(struct server *server)
{
    enum { CROWD = 256, BUFFER_SIZE = 65536 };
    if (!server->is_crowded && server->broker->connection_count >= CROWD) {
        server->is_crowded = true;
#ifdef __GLIBC__
        (void)mallopt(M_MMAP_THRESHOLD, BUFFER_SIZE);
#endif
    }
}

static void accept_all(struct server *server, amqpc_listener *listener)
{
    amqpc_connection_options options;
    amqpc_sasl_options sasl;
    amqpc_limits limits;
    amqpc_transport *transport = NULL;
    broker_connection_options(server->broker, &options, &sasl, &limits);
    while (amqpc_listener_accept(listener, &options, &transport) == AMQPC_OK) {
        broker_connection *connection =
            broker_add(server->broker, amqpc_transport_connection(transport), transport);
        if (connection == NULL) {
            amqpc_transport_free(transport);
        } else {
            amqpc_transport_set_context(transport, connection);
        }
    }
    note_crowd(server);
}

/* Whom the client's certificate names is known when TLS is there, before SASL asks. */
static void tell_subject(broker_connection *connection, const amqpc_transport *transport)
{
    amqpc_transport_tls tls;
    if (connection->subject == NULL && amqpc_transport_get_tls(transport, &tls) == AMQPC_OK) {
        (void)broker_set_subject(connection, tls.peer_subject == NULL ? "" : tls.peer_subject);
    }
}

static void handle(const struct server *server, amqpc_transport *transport)
{
    broker_connection *connection = (broker_connection *)amqpc_transport_context(transport);
    amqpc_transport_state state = amqpc_transport_get_state(transport);
    if (connection == NULL) {
        return;
    }
    if (server->options->ca != NULL) {
        tell_subject(connection, transport);
    }
    broker_handle(connection);
    if (state == AMQPC_TRANSPORT_CLOSED || state == AMQPC_TRANSPORT_FAILED) {
        broker_remove(connection);
        amqpc_transport_free(transport);
    }
}

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Serves what is ready. Returns how long the next round may wait. */
static int64_t serve_round(struct server *server)
{
    amqpc_ready ready;
    broker_connection *dirty = NULL;
    broker_set_time(server->broker, amqpc_now_ms(), wall_ms());
    while (amqpc_poller_next(server->poller, &ready)) {
        if (ready.listener != NULL) {
            accept_all(server, ready.listener);
        } else {
            handle(server, ready.transport);
        }
    }
    int64_t patience_ms = broker_end_round(server->broker);
    while ((dirty = broker_next_dirty(server->broker)) != NULL) {
        amqpc_transport_touch((amqpc_transport *)dirty->owner);
    }
    return patience_ms;
}

/* --- The end. */

static void begin_phase(struct server *server, enum server_phase phase)
{
    server->phase = phase;
    server->phase_end_ms = amqpc_now_ms() + server->options->stop_timeout_ms;
}

/* Goes on towards the end, once it was asked for; a second signal is for those who cannot wait. */
static void advance_end(struct server *server)
{
    bool late = server->phase != PHASE_SERVING && amqpc_now_ms() >= server->phase_end_ms;
    if (stops > 1) {
        server->phase = PHASE_OVER;
        return;
    }
    switch (server->phase) {
    case PHASE_SERVING:
        amqpc_listener_free(server->tcp);
        amqpc_listener_free(server->local);
        broker_stop(server->broker);
        begin_phase(server, PHASE_DRAINING);
        break;
    case PHASE_DRAINING:
        if (late || broker_is_drained(server->broker)) {
            broker_close_all(server->broker);
            begin_phase(server, PHASE_CLOSING);
        }
        break;
    default:
        if (late || server->broker->connection_count == 0) {
            server->phase = PHASE_OVER;
        }
        break;
    }
}

/* Whatever has moved counts. */
static uint64_t activity_of(const struct broker *broker)
{
    return broker->totals.connections + broker->connection_count + broker->totals.links +
           broker->counts.received + broker->counts.sent;
}

/* When only heartbeats have come for a while, pages that connections have given back go to the
 * system: once, until something moves again. */
static void give_memory_back(struct server *server)
{
    uint64_t now_ms = amqpc_now_ms();
    uint64_t activity = activity_of(server->broker);
    if (activity != server->activity) {
        server->activity = activity;
        server->calm_at_ms = now_ms + CALM_MS;
        server->is_trimmed = false;
    } else if (!server->is_trimmed && now_ms >= server->calm_at_ms) {
        server->is_trimmed = true;
#ifdef __GLIBC__
        (void)malloc_trim(0);
#endif
    }
}

static bool run(struct server *server)
{
    int64_t patience_ms = -1;
    while (server->phase != PHASE_OVER) {
        bool watches = !server->is_trimmed && (patience_ms < 0 || patience_ms > CALM_MS);
        amqpc_status status =
            amqpc_poller_wait(server->poller, watches ? (int64_t)CALM_MS : patience_ms);
        if (status == AMQPC_SYSTEM_ERROR || status == AMQPC_FORKED) {
            report("%s", amqpc_status_text(status));
            return false;
        }
        give_memory_back(server);
        patience_ms = serve_round(server);
        if (stops > 0) {
            advance_end(server);
            patience_ms = DRAIN_POLL_MS;
        }
        if (prints > 0) {
            prints = 0;
            print_statistics(server);
        }
    }
    return true;
}

static void clean_up(struct server *server)
{
    while (server->broker->first_connection != NULL) {
        amqpc_transport *transport = (amqpc_transport *)server->broker->first_connection->owner;
        broker_remove(server->broker->first_connection);
        amqpc_transport_free(transport);
    }
    signalled = NULL;
    amqpc_poller_free(server->poller);
    amqpc_tls_free(server->tls);
}

bool broker_serve(struct broker *broker, const broker_server_options *options)
{
    struct server server = {.options = options, .broker = broker};
    bool well = make(&server) && run(&server);
    if (well) {
        print_statistics(&server);
    }
    clean_up(&server);
    return well;
}
