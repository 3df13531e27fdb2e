/* Listening, and accepting as long as there is room. */
#define _GNU_SOURCE /* for accept4 */
#include "transport/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "transport/socket.h"
#include "transport/tls.h"
#include "transport/transport.h"

enum {
    BACKLOG = 1024,
    PORT_MAX = 65535,
    PAUSE_MS = 100, /* where descriptors or memory have run out */
    REASON_SIZE = 128
};

struct amqpc_listener {
    amqpci_watch watch; /* first */
    amqpc_tls *tls;     /* held; NULL */
    void *context;
    amqpci_socket_options socket_options;
    uint32_t connect_timeout_ms;
    uint32_t close_timeout_ms;
    uint32_t transports_max; /* 0: no limit */
    uint32_t transport_count;
    uint32_t port;
    int waiting; /* accepted, but nothing could be made of it yet; -1 */
    bool is_local;
    dev_t device; /* of the file that was made, for its removal */
    ino_t inode;
    char *path; /* allocated; NULL */
};

void amqpc_listener_options_init(amqpc_listener_options *options, size_t struct_size)
{
    const amqpc_listener_options defaults = {
        .struct_size = struct_size,
        .host = "127.0.0.1",
        .backlog = BACKLOG,
    };
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* --- Whether clients are accepted now. */

static bool is_full(const amqpc_listener *listener)
{
    return listener->transports_max > 0 && listener->transport_count >= listener->transports_max;
}

static void update_interest(amqpc_listener *listener)
{
    bool waits = is_full(listener) || listener->watch.timer.deadline_ms != AMQPCI_NEVER;
    amqpci_watch_set_interest(&listener->watch, waits ? 0 : EPOLLIN);
}

/* Accepting is tried again after a while, so that nothing spins meanwhile. */
static void pause_accepting(amqpc_listener *listener)
{
    amqpci_watch_set_deadline(&listener->watch, amqpc_now_ms() + PAUSE_MS);
    update_interest(listener);
}

void amqpci_listener_forget(amqpc_listener *listener)
{
    listener->transport_count--;
    if (!amqpci_poller_is_foreign(listener->watch.poller)) {
        update_interest(listener);
        if (listener->waiting >= 0) {
            amqpci_watch_make_ready(&listener->watch);
        }
    }
}

static void on_events(amqpci_watch *watch, uint32_t events)
{
    (void)events;
    amqpci_watch_make_ready(watch);
}

static void on_deadline(amqpci_watch *watch, uint64_t now_ms)
{
    (void)now_ms;
    update_interest((amqpc_listener *)watch);
    amqpci_watch_make_ready(watch);
}

static void destroy(amqpci_watch *watch)
{
    amqpc_listener_free((amqpc_listener *)watch);
}

static const amqpci_watch_kind listener_kind = {
    .on_events = on_events,
    .on_deadline = on_deadline,
    .destroy = destroy,
    .is_listener = true,
};

/* --- The beginning. */

/* Where the text goes that says why it cannot be listened. */
typedef struct reason_text {
    char *data;
    size_t size;
} reason_text;

static void explain(const reason_text *reason, const amqpci_address *address, const char *text)
{
    char place[AMQPCI_ADDRESS_TEXT_SIZE] = "";
    if (address != NULL && amqpci_address_print(address, place, sizeof place) == AMQPC_OK) {
        (void)snprintf(reason->data, reason->size, "%s: %s", place, text);
    } else {
        (void)snprintf(reason->data, reason->size, "%s", text);
    }
}

static amqpc_status explain_errno(const reason_text *reason, const amqpci_address *address,
                                  amqpc_status status, int error)
{
    char buffer[REASON_SIZE];
    explain(reason, address, strerror_r(error, buffer, sizeof buffer));
    return status;
}

/* A file that nobody listens at is left from a program that has ended without removing it. */
static bool remove_stale_file(const amqpci_address *address)
{
    const char *path = address->of.local.sun_path;
    struct stat found;
    int descriptor = -1;
    if (path[0] == '\0' || lstat(path, &found) != 0 || !S_ISSOCK(found.st_mode) ||
        amqpci_socket_new(address, &descriptor) != AMQPC_OK) {
        return false;
    }
    bool is_stale = connect(descriptor, &address->of.any, address->size) != 0 &&
                    errno == ECONNREFUSED && unlink(path) == 0;
    (void)close(descriptor);
    return is_stale;
}

static int bind_socket(int descriptor, const amqpci_address *address)
{
    if (bind(descriptor, &address->of.any, address->size) == 0) {
        return 0;
    }
    bool again = errno == EADDRINUSE && address->of.any.sa_family == AF_UNIX;
    if (again && remove_stale_file(address)) {
        return bind(descriptor, &address->of.any, address->size) == 0 ? 0 : errno;
    }
    return again ? EADDRINUSE : errno;
}

static void set_options(int descriptor, const amqpc_listener_options *options, bool is_local)
{
    const int yes = 1;
    const int no = 0;
    if (is_local) {
        return;
    }
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no); /* "::" is for all */
    if (options->reuse_port) {
        (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    }
}

static amqpc_status keep_path(amqpc_listener *made, const amqpci_address *address)
{
    const char *path = address->of.local.sun_path;
    struct stat found;
    if (!made->is_local || path[0] == '\0') {
        return AMQPC_OK;
    }
    size_t size = strlen(path) + 1;
    char *copy = (char *)amqpci_new(&made->watch.poller->allocator, size);
    if (copy == NULL || lstat(path, &found) != 0) {
        amqpci_release(&made->watch.poller->allocator, copy);
        (void)unlink(path);
        return AMQPC_NO_MEMORY;
    }
    memcpy(copy, path, size);
    made->path = copy;
    made->device = found.st_dev;
    made->inode = found.st_ino;
    return AMQPC_OK;
}

static amqpc_status listen_at(amqpc_listener *made, const amqpc_listener_options *options,
                              const amqpci_address *address, const reason_text *reason)
{
    int descriptor = -1;
    amqpci_address bound = *address;
    amqpc_status status = amqpci_socket_new(address, &descriptor);
    if (status != AMQPC_OK) {
        return explain_errno(reason, address,
                             status == AMQPC_NO_DESCRIPTORS ? status : AMQPC_LISTEN_FAILED, errno);
    }
    made->is_local = address->of.any.sa_family == AF_UNIX;
    set_options(descriptor, options, made->is_local);
    int error = bind_socket(descriptor, address);
    if (error == 0) {
        status = keep_path(made, address);
        int backlog = options->backlog > INT32_MAX ? INT32_MAX : (int)options->backlog;
        error = listen(descriptor, backlog) == 0 ? 0 : errno;
    }
    if (error != 0) {
        (void)close(descriptor);
        return explain_errno(reason, address, AMQPC_LISTEN_FAILED, error);
    }
    if (status == AMQPC_OK) {
        status = amqpci_watch_open(&made->watch, descriptor, EPOLLIN);
    }
    if (status != AMQPC_OK) {
        (void)close(descriptor);
        return status;
    }
    if (amqpci_socket_local_address(descriptor, &bound) == AMQPC_OK) {
        made->port = amqpci_address_port(&bound);
    }
    return AMQPC_OK;
}

static amqpc_status find_address(const amqpc_listener_options *options, amqpci_address *address,
                                 const reason_text *reason)
{
    amqpc_status status = AMQPC_INVALID_ARGUMENT;
    if (options->unix_path != NULL) {
        status = amqpci_address_of_path(options->unix_path, address);
        if (status != AMQPC_OK) {
            explain(reason, NULL, "the path of the Unix socket is empty or too long");
        }
        return status;
    }
    if (options->port > PORT_MAX) {
        explain(reason, NULL, "the port is above 65535");
        return status;
    }
    if (options->host == NULL ||
        amqpci_address_of_number(options->host, options->port, address) != AMQPC_OK) {
        explain(reason, NULL, "the host is no address of IPv4 or IPv6");
        return status;
    }
    return AMQPC_OK;
}

static void keep_transport_options(amqpc_listener *made, const amqpc_transport_options *options)
{
    amqpc_transport_options chosen;
    amqpc_transport_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    }
    made->socket_options = amqpci_socket_options_of(&chosen);
    made->connect_timeout_ms = chosen.connect_timeout_ms;
    made->close_timeout_ms = chosen.close_timeout_ms;
}

static amqpc_status make(amqpc_poller *poller, const amqpc_listener_options *options,
                         amqpc_listener **listener, const reason_text *reason)
{
    amqpci_address address;
    if (options->tls != NULL && !amqpci_tls_is_server(options->tls)) {
        explain(reason, NULL, "the TLS of a client cannot be listened with");
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = find_address(options, &address, reason);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpc_listener *made = (amqpc_listener *)amqpci_new(&poller->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    status = amqpci_watch_join(&made->watch, poller, &listener_kind);
    if (status != AMQPC_OK) {
        amqpci_release(&poller->allocator, made);
        return status;
    }
    made->waiting = -1;
    made->transports_max = options->transports_max;
    if (options->tls != NULL) {
        amqpci_tls_retain(options->tls);
        made->tls = options->tls;
    }
    keep_transport_options(made, options->transport);
    status = listen_at(made, options, &address, reason);
    if (status != AMQPC_OK) {
        amqpc_listener_free(made);
        return status;
    }
    *listener = made;
    return AMQPC_OK;
}

amqpc_status amqpc_listener_new(amqpc_poller *poller, const amqpc_listener_options *options,
                                amqpc_listener **listener, char *reason, size_t reason_size)
{
    char nowhere[1];
    reason_text text = {nowhere, sizeof nowhere};
    if (reason != NULL && reason_size > 0) {
        text.data = reason;
        text.size = reason_size;
    }
    if (amqpci_poller_is_foreign(poller)) {
        explain(&text, NULL, amqpc_status_text(AMQPC_FORKED));
        return AMQPC_FORKED;
    }
    amqpc_listener_options chosen;
    amqpc_listener_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    }
    text.data[0] = '\0';
    amqpc_status status = make(poller, &chosen, listener, &text);
    if (status != AMQPC_OK && text.data[0] == '\0') {
        explain(&text, NULL, amqpc_status_text(status));
    }
    return status;
}

/* --- The end. */

/* The file is removed, unless another listener has put its own there. */
static void remove_file(const amqpc_listener *listener)
{
    struct stat found;
    if (listener->path != NULL && lstat(listener->path, &found) == 0 &&
        found.st_dev == listener->device && found.st_ino == listener->inode) {
        (void)unlink(listener->path);
    }
}

static void release_transports(const amqpc_listener *listener)
{
    const amqpc_poller *poller = listener->watch.poller;
    for (uint32_t i = 0; i < poller->slot_capacity; i++) {
        amqpci_watch *watch = poller->slots[i].watch;
        if (watch != NULL && watch->kind == &amqpci_transport_kind &&
            ((amqpc_transport *)watch)->listener == listener) {
            ((amqpc_transport *)watch)->listener = NULL;
        }
    }
}

void amqpc_listener_free(amqpc_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    amqpc_poller *poller = listener->watch.poller;
    if (listener->transport_count > 0) {
        release_transports(listener);
    }
    if (listener->waiting >= 0) {
        (void)close(listener->waiting);
    }
    if (!amqpci_poller_is_foreign(poller)) {
        remove_file(listener);
    }
    amqpci_watch_leave(&listener->watch);
    amqpc_tls_free(listener->tls);
    amqpci_release(&poller->allocator, listener->path);
    amqpci_release(&poller->allocator, listener);
}

/* --- Clients. */

/* What the client did before it was accepted is no fault of the listener's: the next one is taken.
 */
static bool concerns_client_only(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
           error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
           error == EOPNOTSUPP || error == ENETUNREACH || error == EPERM;
}

static amqpc_status accept_client(amqpc_listener *listener)
{
    enum { TRIES_MAX = 1000 };
    int error = 0;
    for (int i = 0; i < TRIES_MAX; i++) {
        listener->waiting =
            accept4(listener->watch.descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (listener->waiting >= 0) {
            return AMQPC_OK;
        }
        error = errno;
        if (!concerns_client_only(error)) {
            break;
        }
    }
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
        pause_accepting(listener);
        return error == EMFILE || error == ENFILE ? AMQPC_NO_DESCRIPTORS : AMQPC_NO_MEMORY;
    }
    return AMQPC_NOT_FOUND;
}

static amqpc_status make_transport(amqpc_listener *listener,
                                   const amqpc_connection_options *connection_options,
                                   amqpc_transport **transport)
{
    amqpc_transport *made = NULL;
    bool is_protected = listener->tls != NULL || listener->is_local;
    amqpc_status status =
        amqpci_transport_new(listener->watch.poller, AMQPC_SERVER, connection_options,
                             listener->tls, is_protected, &made);
    if (status != AMQPC_OK) {
        return status;
    }
    made->close_timeout_ms = listener->close_timeout_ms;
    status = amqpci_watch_open(&made->watch, listener->waiting, EPOLLIN);
    if (status != AMQPC_OK) {
        amqpc_transport_free(made);
        return status;
    }
    listener->waiting = -1;
    amqpci_socket_set(made->watch.descriptor, &listener->socket_options);
    if (listener->connect_timeout_ms > 0) {
        made->stage_end_ms = amqpc_now_ms() + listener->connect_timeout_ms;
        amqpci_watch_set_deadline(&made->watch, made->stage_end_ms);
    }
    status = amqpci_transport_establish(made, NULL);
    if (status != AMQPC_OK) { /* the client waits on */
        listener->waiting = amqpci_watch_release(&made->watch);
        amqpc_transport_free(made);
        return status;
    }
    if (!amqpci_transport_is_over(made)) {
        amqpci_node_remove(&made->watch.ready); /* its first state is no news */
    }
    listener->transport_count++;
    made->listener = listener;
    *transport = made;
    return AMQPC_OK;
}

amqpc_status amqpc_listener_accept(amqpc_listener *listener,
                                   const amqpc_connection_options *connection_options,
                                   amqpc_transport **transport)
{
    if (amqpci_poller_is_foreign(listener->watch.poller)) {
        return AMQPC_FORKED;
    }
    if (is_full(listener)) {
        return AMQPC_NOT_FOUND;
    }
    if (listener->waiting < 0) {
        amqpc_status status = accept_client(listener);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    amqpc_status status = make_transport(listener, connection_options, transport);
    if (status != AMQPC_OK) {
        pause_accepting(listener);
        return status;
    }
    update_interest(listener);
    return AMQPC_OK;
}

uint32_t amqpc_listener_port(const amqpc_listener *listener)
{
    return listener->port;
}

void amqpc_listener_set_context(amqpc_listener *listener, void *context)
{
    listener->context = context;
}

void *amqpc_listener_context(const amqpc_listener *listener)
{
    return listener->context;
}
