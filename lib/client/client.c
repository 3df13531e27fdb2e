/* Clients: making and freeing them, and what is known of them. */
#define _POSIX_C_SOURCE 200809L

#include "client/client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "client/client_link.h"
#include "client/controller.h"
#include "client/requester.h"
#include "engine/connection.h"
#include "transport/poller.h"
#include "transport/process.h"

/* --- Making. */

static amqpc_allocator allocator_of(const amqpc_client_options *options)
{
    const amqpc_allocator *given = NULL;
    size_t end = offsetof(amqpc_client_options, container_id); /* the member behind it */
    if (options != NULL && options->struct_size >= end) {
        given = options->allocator;
    }
    return amqpci_allocator_or_default(given);
}

static amqpc_status make_tls(amqpc_client *client, amqpc_client_error *error)
{
    const amqpc_client_options *options = &client->settings->options;
    amqpc_tls_options tls;
    amqpc_tls_options_init(&tls, AMQPC_CLIENT, sizeof tls);
    tls.ca = options->ca;
    tls.certificate = options->certificate;
    tls.key = options->key;
    tls.key_password = options->key_password;
    tls.alpn = options->alpn;
    tls.verify_peer = options->tls_verify;
    tls.verify_host = options->tls_verify;
    char reason[256] = "";
    amqpc_status status =
        amqpc_tls_new(&client->allocator, AMQPC_CLIENT, &tls, &client->tls, reason, sizeof reason);
    if (status != AMQPC_OK) {
        amqpci_client_error_set(error, status, NULL, reason);
    }
    return status;
}

static amqpc_status make_names(amqpc_client *client)
{
    uint64_t random[2] = {0, 0};
    amqpc_status status = amqpci_random(random, sizeof random);
    client->attempts.random = random[0] | 1;
    (void)snprintf(client->name, sizeof client->name, "%016llx", (unsigned long long)random[1]);
    const char *said = client->settings->options.container_id;
    client->container_id = said == NULL ? client->name : said;
    return status;
}

static amqpc_status make_parts(amqpc_client *client, const char *url,
                               const amqpc_client_options *options, amqpc_client_error *error)
{
    amqpc_status status =
        amqpci_settings_new(&client->allocator, url, options, &client->settings, error);
    if (status != AMQPC_OK) {
        return status; /* the error is said */
    }
    status = amqpci_fork_count_begin(&client->fork_count);
    if (status == AMQPC_OK) {
        status = make_names(client);
    }
    if (status == AMQPC_OK) {
        status = amqpc_poller_new(&client->allocator, &client->poller);
    }
    client->events.events = (amqpc_client_event *)amqpci_new(
        &client->allocator, AMQPCI_EVENTS_KEPT * sizeof(amqpc_client_event));
    if (status == AMQPC_OK && client->events.events == NULL) {
        status = AMQPC_NO_MEMORY;
    }
    if (status != AMQPC_OK) {
        amqpci_client_error_set(error, status, NULL, NULL);
        return status;
    }
    return client->settings->any_tls ? make_tls(client, error) : AMQPC_OK;
}

static void destroy(amqpc_client *client)
{
    while (client->first_requester != NULL) {
        amqpci_requester_destroy(client->first_requester);
    }
    while (client->first_controller != NULL) {
        amqpci_controller_destroy(client->first_controller);
    }
    while (client->first_link != NULL) {
        amqpci_client_link_destroy(client->first_link);
    }
    amqpc_poller_free(client->poller);
    amqpc_tls_free(client->tls);
    amqpci_driver_clean_up(&client->driver);
    amqpci_settings_free(client->settings);
    (void)pthread_mutex_destroy(&client->mutex);
    amqpc_allocator allocator = client->allocator;
    amqpci_release(&allocator, client->events.events);
    amqpci_release(&allocator, client);
}

amqpc_status amqpc_client_new(const char *url, const amqpc_client_options *options,
                              amqpc_client **client, amqpc_client_error *error)
{
    amqpc_client_error unwanted = {.status = AMQPC_OK};
    error = error == NULL ? &unwanted : error;
    amqpc_allocator allocator = allocator_of(options);
    amqpc_client *made = (amqpc_client *)amqpci_new(&allocator, sizeof *made);
    if (made == NULL) {
        amqpci_client_error_set(error, AMQPC_NO_MEMORY, NULL, NULL);
        return AMQPC_NO_MEMORY;
    }
    made->allocator = allocator;
    made->state = AMQPC_CLIENT_CONNECTING;
    made->links_due_ms = UINT64_MAX;
    amqpci_driver_init(&made->driver);
    (void)pthread_mutex_init(&made->mutex, NULL);
    amqpc_status status = make_parts(made, url, options, error);
    if (status != AMQPC_OK) {
        destroy(made);
        return status;
    }
    amqpci_client_connect(made);
    if (made->settings->options.background) {
        status = amqpci_background_start(made);
    }
    if (status != AMQPC_OK) {
        amqpci_client_error_set(error, status, NULL, "the thread in the background");
        destroy(made);
        return status;
    }
    *client = made;
    return AMQPC_OK;
}

static void close_descriptors(amqpc_poller *poller)
{
    for (uint32_t i = 0; i < poller->slot_capacity; i++) {
        const amqpci_watch *watch = poller->slots[i].watch;
        if (watch != NULL && watch->descriptor >= 0) {
            (void)close(watch->descriptor);
        }
    }
    (void)close(poller->bell);
    (void)close(poller->epoll);
}

/* The program forked: descriptors are closed, and nothing is said. Where another thread was in the
 * middle of something then, nobody will end that, and memory is better left alone. */
static void free_foreign(amqpc_client *client)
{
    if (pthread_mutex_trylock(&client->mutex) != 0) {
        amqpci_driver_clean_up(&client->driver);
        close_descriptors(client->poller);
        return;
    }
    (void)pthread_mutex_unlock(&client->mutex);
    destroy(client);
}

void amqpc_client_free(amqpc_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->fork_count != amqpci_fork_count()) {
        free_foreign(client);
        return;
    }
    amqpci_background_stop(client);
    bool open = client->state == AMQPC_CLIENT_OPEN || client->state == AMQPC_CLIENT_CLOSING;
    if (open &&
        amqpc_connection_close(amqpc_transport_connection(client->transport), NULL) == AMQPC_OK) {
        amqpci_client_flush(client);
    }
    client->state = AMQPC_CLIENT_CLOSED;
    destroy(client);
}

/* --- Calls. */

amqpc_status amqpci_client_enter(amqpc_client *client)
{
    if (AMQPCI_UNLIKELY(client->fork_count != amqpci_fork_count())) {
        return AMQPC_FORKED;
    }
    (void)pthread_mutex_lock(&client->mutex);
    client->driver.calls++;
    return AMQPC_OK;
}

void amqpci_client_leave(amqpc_client *client)
{
    (void)pthread_mutex_unlock(&client->mutex);
}

bool amqpci_client_is_over(const amqpc_client *client)
{
    return client->state == AMQPC_CLIENT_CLOSED || client->state == AMQPC_CLIENT_FAILED;
}

amqpc_status amqpci_client_end_status(const amqpc_client *client)
{
    return client->state == AMQPC_CLIENT_CLOSED ? AMQPC_CLOSED : client->error.status;
}

static bool is_open_or_over(const void *object)
{
    const amqpc_client *client = (const amqpc_client *)object;
    return client->state == AMQPC_CLIENT_OPEN || client->state == AMQPC_CLIENT_CLOSING ||
           amqpci_client_is_over(client);
}

amqpc_status amqpc_client_wait_open(amqpc_client *client, int64_t timeout_ms)
{
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_client_wait(client, amqpci_deadline(timeout_ms), is_open_or_over, client);
    if (status == AMQPC_OK && client->state != AMQPC_CLIENT_OPEN) {
        status =
            client->state == AMQPC_CLIENT_CLOSING ? AMQPC_CLOSED : amqpci_client_end_status(client);
    }
    amqpci_client_leave(client);
    return status;
}

amqpc_status amqpc_client_get_error(amqpc_client *client, amqpc_client_error *error)
{
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = client->has_error ? AMQPC_OK : AMQPC_NOT_FOUND;
    if (status == AMQPC_OK) {
        *error = client->error;
    }
    amqpci_client_leave(client);
    return status;
}

amqpc_client_state amqpc_client_get_state(amqpc_client *client)
{
    if (amqpci_client_enter(client) != AMQPC_OK) {
        return AMQPC_CLIENT_FAILED;
    }
    amqpc_client_state state = (amqpc_client_state)client->state;
    amqpci_client_leave(client);
    return state;
}

/* --- Event loops of others. */

int amqpc_client_descriptor(const amqpc_client *client)
{
    return amqpc_poller_descriptor(client->poller);
}

static bool is_never(const void *object)
{
    (void)object;
    return false;
}

static int64_t next_deadline_ms(const amqpc_client *client)
{
    int64_t poller_ms = amqpc_poller_deadline(client->poller);
    uint64_t due_ms = amqpci_client_due(client);
    if (due_ms == UINT64_MAX) {
        return poller_ms;
    }
    uint64_t now_ms = amqpc_now_ms();
    int64_t own_ms = due_ms > now_ms ? (int64_t)(due_ms - now_ms) : 0;
    return poller_ms < 0 || own_ms < poller_ms ? own_ms : poller_ms;
}

amqpc_status amqpc_client_process(amqpc_client *client, int64_t *deadline_ms)
{
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_client_wait(client, 0, is_never, NULL);
    if (status == AMQPC_TIMED_OUT || status == AMQPC_INTERRUPTED) {
        status = client->state == AMQPC_CLIENT_FAILED ? client->error.status : AMQPC_OK;
    }
    *deadline_ms = next_deadline_ms(client);
    amqpci_client_leave(client);
    return status;
}

/* --- What is known. */

static void add_counts(amqpc_client_statistics *sum, const amqpc_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    amqpc_connection_statistics counts = {.struct_size = sizeof counts};
    amqpc_connection_get_statistics(amqpc_transport_connection(transport), &counts);
    amqpc_transport_statistics calls = {.struct_size = sizeof calls};
    amqpc_transport_get_statistics(transport, &calls);
    sum->bytes_received += counts.bytes_received;
    sum->bytes_sent += counts.bytes_sent;
    sum->frames_received += counts.frames_received;
    sum->frames_sent += counts.frames_sent;
    sum->deliveries_received += counts.deliveries_received;
    sum->deliveries_sent += counts.deliveries_sent;
    sum->reads += calls.reads;
    sum->writes += calls.writes;
}

void amqpci_client_count_past(amqpc_client *client, const amqpc_transport *transport)
{
    add_counts(&client->past, transport);
}

void amqpc_client_get_statistics(amqpc_client *client, amqpc_client_statistics *statistics)
{
    size_t struct_size = statistics->struct_size;
    amqpc_client_statistics sum = {.struct_size = struct_size};
    if (amqpci_client_enter(client) == AMQPC_OK) {
        sum = client->past;
        add_counts(&sum, client->lost);
        add_counts(&sum, client->transport);
        amqpci_client_leave(client);
    }
    sum.struct_size = struct_size;
    memcpy(statistics, &sum, struct_size < sizeof sum ? struct_size : sizeof sum);
}

static amqpc_status remote_open(const amqpc_client *client, amqpc_open *open)
{
    return client->transport == NULL
               ? AMQPC_NOT_FOUND
               : amqpc_connection_remote_open(amqpc_transport_connection(client->transport), open);
}

static bool is_offered(const amqpc_open *open, const char *capability)
{
    amqpc_bytes offered;
    size_t size = strlen(capability);
    for (uint32_t i = 0; amqpc_symbols_get(&open->offered_capabilities, i, &offered) == AMQPC_OK;
         i++) {
        if (offered.size == size && memcmp(offered.data, capability, size) == 0) {
            return true;
        }
    }
    return false;
}

bool amqpc_client_peer_offers(amqpc_client *client, const char *capability)
{
    if (amqpci_client_enter(client) != AMQPC_OK) {
        return false;
    }
    amqpc_open open;
    bool offers = remote_open(client, &open) == AMQPC_OK &&
                  open.present & AMQPC_OPEN_OFFERED_CAPABILITIES && is_offered(&open, capability);
    amqpci_client_leave(client);
    return offers;
}

static amqpc_status read_property(const amqpc_client *client, const char *key, char *data,
                                  size_t capacity)
{
    amqpc_open open;
    amqpc_value value = {.type = AMQPC_TYPE_NULL};
    amqpc_status status = remote_open(client, &open);
    if (status == AMQPC_OK && !(open.present & AMQPC_OPEN_PROPERTIES)) {
        status = AMQPC_NOT_FOUND;
    }
    if (status == AMQPC_OK) {
        status = amqpc_map_get(&open.properties, key, strlen(key), &value);
    }
    if (status != AMQPC_OK ||
        (value.type != AMQPC_TYPE_STRING && value.type != AMQPC_TYPE_SYMBOL)) {
        return AMQPC_NOT_FOUND;
    }
    if (value.as.bytes.size >= capacity) {
        return AMQPC_BUFFER_FULL;
    }
    memcpy(data, value.as.bytes.data, value.as.bytes.size);
    data[value.as.bytes.size] = '\0';
    return AMQPC_OK;
}

amqpc_status amqpc_client_peer_property(amqpc_client *client, const char *key, char *data,
                                        size_t capacity)
{
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = read_property(client, key, data, capacity);
    amqpci_client_leave(client);
    return status;
}

size_t amqpc_client_read_trace(amqpc_client *client, void *data, size_t capacity)
{
    if (amqpci_client_enter(client) != AMQPC_OK) {
        return 0;
    }
    size_t size = 0;
    if (client->lost != NULL) {
        size =
            amqpc_connection_read_trace(amqpc_transport_connection(client->lost), data, capacity);
    }
    if (size == 0 && client->transport != NULL) {
        size = amqpc_connection_read_trace(amqpc_transport_connection(client->transport), data,
                                           capacity);
    }
    amqpci_client_leave(client);
    return size;
}
