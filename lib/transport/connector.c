/* Connecting: addresses are tried in turn, the next one when the last has failed, or has not
 * answered for a while (RFC 8305 5). The first that answers is taken, and the others are given up.
 */
#define _GNU_SOURCE /* for gai_strerror, SOCK_NONBLOCK */
#include "transport/connector.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { QUEUE_FULL_MS = 20 /* until a Unix socket whose queue is full is tried again */ };

void amqpci_connector_free(amqpci_connector *connector)
{
    if (connector == NULL) {
        return;
    }
    const amqpc_poller *poller = connector->transport->watch.poller;
    amqpci_lookup_free(connector->lookup, amqpci_poller_is_foreign(poller));
    for (size_t i = 0; i < connector->attempt_count; i++) {
        amqpci_watch_leave(&connector->attempts[i].watch);
    }
    amqpci_release(&poller->allocator, connector->attempts);
    amqpci_release(&poller->allocator, connector);
}

static uint64_t sooner(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

static void set_deadline(amqpci_connector *connector)
{
    amqpc_transport *transport = connector->transport;
    uint64_t deadline_ms = sooner(transport->stage_end_ms, connector->next_attempt_ms);
    for (size_t i = 0; i < connector->started; i++) {
        deadline_ms = sooner(deadline_ms, connector->attempts[i].retry_ms);
    }
    amqpci_watch_set_deadline(&transport->watch, deadline_ms);
}

/* --- Attempts. */

/* What has failed is told of the last address: with the system's order that is the likeliest to
 * have been a server. */
static void fail(amqpci_connector *connector)
{
    char text[AMQPCI_ADDRESS_TEXT_SIZE];
    const char *place = connector->place;
    if (connector->failed != NULL &&
        amqpci_address_print(connector->failed, text, sizeof text) == AMQPC_OK) {
        place = text;
    }
    amqpci_transport_fail(connector->transport, connector->status, connector->system_error, place,
                          NULL);
}

static void note_failure(amqpci_attempt *attempt, amqpc_status status, int system_error)
{
    amqpci_connector *connector = attempt->connector;
    connector->status = status;
    connector->system_error = system_error;
    connector->failed = &attempt->address;
}

/* Whether the attempt is being made; otherwise its failure is noted. */
static bool try_address(amqpci_attempt *attempt, uint64_t now_ms)
{
    amqpci_connector *connector = attempt->connector;
    int descriptor = -1;
    attempt->retry_ms = AMQPCI_NEVER;
    amqpc_status status = amqpci_socket_new(&attempt->address, &descriptor);
    if (status != AMQPC_OK) {
        note_failure(attempt, status == AMQPC_NO_DESCRIPTORS ? status : AMQPC_CONNECT_FAILED,
                     errno);
        return false;
    }
    amqpci_socket_set(descriptor, &connector->socket_options);
    int result = connect(descriptor, &attempt->address.of.any, attempt->address.size);
    int error = result == 0 ? 0 : errno;
    if (error == EAGAIN) { /* Unix: too many wait to be accepted */
        (void)close(descriptor);
        attempt->retry_ms = now_ms + QUEUE_FULL_MS;
        return true;
    }
    bool goes_on = error == 0 || error == EINPROGRESS || error == EINTR;
    status = AMQPC_CONNECT_FAILED;
    if (goes_on) {
        status = amqpci_watch_open(&attempt->watch, descriptor, EPOLLOUT);
        error = errno;
    }
    if (status != AMQPC_OK) {
        (void)close(descriptor);
        note_failure(attempt, status, error);
    }
    return status == AMQPC_OK;
}

/* Begins with the next address. The connector is freed where there is none, and nothing goes on. */
static void start_next(amqpci_connector *connector, uint64_t now_ms)
{
    connector->next_attempt_ms = AMQPCI_NEVER;
    while (connector->started < connector->attempt_count) {
        amqpci_attempt *attempt = &connector->attempts[connector->started];
        connector->started++;
        if (try_address(attempt, now_ms)) {
            connector->live++;
            if (connector->started < connector->attempt_count) {
                connector->next_attempt_ms = now_ms + connector->attempt_delay_ms;
            }
            break;
        }
    }
    if (connector->live == 0) {
        fail(connector);
        return;
    }
    set_deadline(connector);
}

/* A socket may be connected with itself, where its own port happens to be the one asked for, and
 * nobody listens. */
static bool is_connected_with_itself(int descriptor)
{
    amqpci_address local;
    amqpci_address remote;
    return amqpci_socket_local_address(descriptor, &local) == AMQPC_OK &&
           amqpci_socket_remote_address(descriptor, &remote) == AMQPC_OK &&
           local.of.any.sa_family != AF_UNIX && local.size == remote.size &&
           memcmp(&local.of, &remote.of, local.size) == 0;
}

static void take_socket(amqpci_attempt *attempt)
{
    amqpci_connector *connector = attempt->connector;
    amqpc_transport *transport = connector->transport;
    transport->connector = NULL;
    amqpci_watch_set_deadline(&transport->watch, transport->stage_end_ms);
    amqpci_watch_hand_over(&attempt->watch, &transport->watch, EPOLLIN);
    amqpc_status status = amqpci_transport_establish(transport, connector->tls_host);
    if (status != AMQPC_OK) {
        amqpci_transport_fail(transport, status, 0, connector->place, NULL);
    }
    amqpci_connector_free(connector);
}

static void on_events(amqpci_watch *watch, uint32_t events)
{
    amqpci_attempt *attempt = (amqpci_attempt *)watch;
    amqpci_connector *connector = attempt->connector;
    (void)events;
    int error = amqpci_socket_take_error(watch->descriptor);
    if (error == 0 && is_connected_with_itself(watch->descriptor)) {
        error = ECONNREFUSED;
    }
    if (error == 0) {
        take_socket(attempt);
        return;
    }
    amqpci_watch_close(watch);
    connector->live--;
    note_failure(attempt, AMQPC_CONNECT_FAILED, error);
    if (connector->live == 0 || connector->next_attempt_ms != AMQPCI_NEVER) {
        start_next(connector, amqpc_now_ms());
    }
}

static const amqpci_watch_kind attempt_kind = {.on_events = on_events};

/* --- Names. */

static void fail_memory(amqpci_connector *connector)
{
    amqpci_transport_fail(connector->transport, AMQPC_NO_MEMORY, 0, connector->place, NULL);
}

static void use_addresses(amqpci_connector *connector, const amqpci_address *addresses,
                          size_t count, uint64_t now_ms)
{
    amqpc_poller *poller = connector->transport->watch.poller;
    amqpci_transport_enter(connector->transport, AMQPC_TRANSPORT_CONNECTING);
    connector->attempts =
        (amqpci_attempt *)amqpci_new(&poller->allocator, count * sizeof(amqpci_attempt) + 1);
    if (connector->attempts == NULL) {
        fail_memory(connector);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        amqpci_attempt *attempt = &connector->attempts[i];
        if (amqpci_watch_join(&attempt->watch, poller, &attempt_kind) != AMQPC_OK) {
            fail_memory(connector);
            return;
        }
        connector->attempt_count++;
        attempt->connector = connector;
        attempt->address = addresses[i];
        attempt->retry_ms = AMQPCI_NEVER;
    }
    start_next(connector, now_ms);
}

static void check_lookup(amqpci_connector *connector, uint64_t now_ms)
{
    amqpci_lookup_result result;
    if (amqpci_lookup_get(connector->lookup, &result) == AMQPC_NEED_MORE) {
        set_deadline(connector);
        return;
    }
    if (result.count == 0) {
        amqpci_transport_fail(connector->transport, AMQPC_RESOLVE_FAILED, result.system_error,
                              connector->place,
                              result.error == 0 ? NULL : gai_strerror(result.error));
        return;
    }
    amqpci_lookup *lookup = connector->lookup;
    amqpc_transport *transport = connector->transport;
    amqpci_address addresses[AMQPCI_ADDRESSES_MAX];
    size_t count = result.count;
    memcpy(addresses, result.addresses, count * sizeof addresses[0]);
    connector->lookup = NULL;
    amqpci_lookup_free(lookup, false);
    amqpci_watch_close(&transport->watch);
    use_addresses(connector, addresses, count, now_ms);
}

static void retry(amqpci_connector *connector, uint64_t now_ms)
{
    for (size_t i = 0; i < connector->started; i++) {
        amqpci_attempt *attempt = &connector->attempts[i];
        if (attempt->retry_ms <= now_ms && !try_address(attempt, now_ms)) {
            connector->live--;
        }
    }
}

void amqpci_connector_proceed(amqpci_connector *connector, uint64_t now_ms)
{
    if (now_ms >= connector->transport->stage_end_ms) {
        amqpci_transport_fail(connector->transport, AMQPC_CONNECT_TIMEOUT, 0, connector->place,
                              NULL);
        return;
    }
    if (connector->lookup != NULL) {
        check_lookup(connector, now_ms);
        return;
    }
    retry(connector, now_ms);
    if (connector->live == 0 || connector->next_attempt_ms <= now_ms) {
        start_next(connector, now_ms);
        return;
    }
    set_deadline(connector);
}

/* --- The beginning. */

static amqpci_connector *new_connector(amqpc_transport *transport,
                                       const amqpc_transport_options *options)
{
    enum { PORT_SIZE = 8 }; /* ":65535" or "unix:", and NUL */
    const char *host = options->unix_path != NULL ? options->unix_path : options->host;
    const char *tls_host = options->tls_host != NULL ? options->tls_host : options->host;
    host = host == NULL ? "" : host;
    size_t place_size = strlen(host) + PORT_SIZE;
    size_t tls_host_size = tls_host == NULL ? 0 : strlen(tls_host) + 1;
    amqpci_connector *made = (amqpci_connector *)amqpci_new(
        &transport->watch.poller->allocator, sizeof *made + place_size + tls_host_size);
    if (made == NULL) {
        return NULL;
    }
    if (options->unix_path != NULL) {
        (void)snprintf(made->texts, place_size, "unix:%s", host);
    } else {
        (void)snprintf(made->texts, place_size, "%s:%hu", host, (unsigned short)options->port);
    }
    if (tls_host != NULL) {
        memcpy(made->texts + place_size, tls_host, tls_host_size);
        made->tls_host = made->texts + place_size;
    }
    made->place = made->texts;
    made->transport = transport;
    made->socket_options = amqpci_socket_options_of(options);
    made->attempt_delay_ms = options->attempt_delay_ms;
    made->next_attempt_ms = AMQPCI_NEVER;
    made->status = AMQPC_CONNECT_FAILED;
    return made;
}

static amqpc_status start_lookup(amqpci_connector *connector,
                                 const amqpc_transport_options *options)
{
    amqpci_watch *watch = &connector->transport->watch;
    int descriptor = -1;
    amqpc_status status =
        amqpci_lookup_start(options->host, options->port, &descriptor, &connector->lookup);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_watch_open(watch, descriptor, EPOLLIN);
    if (status != AMQPC_OK) {
        amqpci_lookup_free(connector->lookup, false);
        connector->lookup = NULL;
        (void)close(descriptor);
        return status;
    }
    set_deadline(connector);
    return AMQPC_OK;
}

amqpc_status amqpci_connector_start(amqpc_transport *transport,
                                    const amqpc_transport_options *options,
                                    const amqpci_address *addresses, size_t count)
{
    amqpci_address address;
    uint64_t now_ms = amqpc_now_ms();
    amqpci_connector *connector = new_connector(transport, options);
    if (connector == NULL) {
        return AMQPC_NO_MEMORY;
    }
    transport->connector = connector;
    transport->stage_end_ms =
        options->connect_timeout_ms == 0 ? AMQPCI_NEVER : now_ms + options->connect_timeout_ms;
    if (addresses != NULL) {
        use_addresses(connector, addresses, count, now_ms);
        return AMQPC_OK;
    }
    if (options->unix_path != NULL) {
        amqpc_status status = amqpci_address_of_path(options->unix_path, &address);
        if (status == AMQPC_OK) {
            use_addresses(connector, &address, 1, now_ms);
        }
        return status;
    }
    if (amqpci_address_of_number(options->host, options->port, &address) == AMQPC_OK) {
        use_addresses(connector, &address, 1, now_ms);
        return AMQPC_OK;
    }
    return start_lookup(connector, options);
}
