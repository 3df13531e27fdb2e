/* Making and freeing transports, and what applications ask of them. */
#include "transport/transport.h"

#include <string.h>

#include "base/memory.h"
#include "transport/connector.h"
#include "transport/listener.h"
#include "transport/process.h"
#include "transport/tls.h"

enum {
    CONNECT_TIMEOUT_MS = 30000,
    ATTEMPT_DELAY_MS = 250,
    CLOSE_TIMEOUT_MS = 2000,
    RANDOM_SIZE = 32,
    PORT_MAX = 65535
};

void amqpc_transport_options_init(amqpc_transport_options *options, size_t struct_size)
{
    const amqpc_transport_options defaults = {
        .struct_size = struct_size,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .attempt_delay_ms = ATTEMPT_DELAY_MS,
        .close_timeout_ms = CLOSE_TIMEOUT_MS,
    };
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

static amqpc_status make_connection(amqpc_transport *made, uint32_t role,
                                    const amqpc_connection_options *options, bool is_protected)
{
    uint8_t random[RANDOM_SIZE];
    amqpc_connection_options chosen;
    amqpc_connection_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
        chosen.struct_size = sizeof chosen;
    }
    chosen.role = role;
    chosen.is_protected = chosen.is_protected || is_protected;
    if (chosen.random.size == 0) {
        amqpc_status status = amqpci_random(random, sizeof random);
        if (status != AMQPC_OK) {
            return status;
        }
        chosen.random = (amqpc_bytes){random, sizeof random};
    }
    return amqpc_connection_new(&made->watch.poller->allocator, &chosen, &made->connection);
}

amqpc_status amqpci_transport_new(amqpc_poller *poller, uint32_t role,
                                  const amqpc_connection_options *connection_options,
                                  amqpc_tls *tls, bool is_protected, amqpc_transport **transport)
{
    amqpc_transport *made = (amqpc_transport *)amqpci_new(&poller->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = amqpci_watch_join(&made->watch, poller, &amqpci_transport_kind);
    if (status != AMQPC_OK) {
        amqpci_release(&poller->allocator, made);
        return status;
    }
    made->state = AMQPC_TRANSPORT_RESOLVING;
    made->stage_end_ms = AMQPCI_NEVER;
    status = make_connection(made, role, connection_options, is_protected);
    if (status != AMQPC_OK) {
        amqpc_transport_free(made);
        return status;
    }
    if (tls != NULL) {
        amqpci_tls_retain(tls);
        made->tls = tls;
    }
    *transport = made;
    return AMQPC_OK;
}

static bool are_valid(const amqpc_transport_options *options, bool has_addresses)
{
    bool has_port = options->port >= 1 && options->port <= PORT_MAX;
    bool has_host = options->host != NULL && options->host[0] != '\0';
    const char *tls_host = options->tls_host != NULL ? options->tls_host : options->host;
    bool tls_fits = options->tls == NULL || (!amqpci_tls_is_server(options->tls) &&
                                             amqpci_tls_takes_host(options->tls, tls_host));
    return tls_fits && (has_addresses || options->unix_path != NULL || (has_host && has_port));
}

/* What keeps the very first step from being made is a result. */
static amqpc_status first_failure(const amqpc_transport *transport)
{
    bool is_ours =
        transport->failure == AMQPC_NO_MEMORY || transport->failure == AMQPC_NO_DESCRIPTORS;
    return is_ours ? transport->failure : AMQPC_OK;
}

amqpc_status amqpci_transport_connect_to(amqpc_poller *poller,
                                         const amqpc_transport_options *options,
                                         const amqpci_address *addresses, size_t count,
                                         const amqpc_connection_options *connection_options,
                                         amqpc_transport **transport)
{
    if (amqpci_poller_is_foreign(poller)) {
        return AMQPC_FORKED;
    }
    amqpc_transport_options chosen;
    amqpc_transport_options_init(&chosen, sizeof chosen);
    size_t size = options->struct_size;
    memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    if (!are_valid(&chosen, addresses != NULL)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_transport *made = NULL;
    bool is_protected = chosen.tls != NULL || chosen.unix_path != NULL;
    amqpc_status status = amqpci_transport_new(poller, AMQPC_CLIENT, connection_options, chosen.tls,
                                               is_protected, &made);
    if (status != AMQPC_OK) {
        return status;
    }
    made->close_timeout_ms = chosen.close_timeout_ms;
    status = amqpci_connector_start(made, &chosen, addresses, count);
    if (status == AMQPC_OK) {
        status = first_failure(made);
    }
    if (status != AMQPC_OK) {
        amqpc_transport_free(made);
        return status;
    }
    *transport = made;
    return AMQPC_OK;
}

amqpc_status amqpc_transport_connect(amqpc_poller *poller, const amqpc_transport_options *options,
                                     const amqpc_connection_options *connection_options,
                                     amqpc_transport **transport)
{
    return amqpci_transport_connect_to(poller, options, NULL, 0, connection_options, transport);
}

void amqpc_transport_free(amqpc_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    amqpc_poller *poller = transport->watch.poller;
    if (transport->listener != NULL) {
        amqpci_listener_forget(transport->listener);
    }
    amqpci_connector_free(transport->connector);
    if (transport->stream != NULL) {
        transport->stream->kind->release(transport->stream);
    }
    amqpc_tls_free(transport->tls);
    amqpci_watch_leave(&transport->watch);
    amqpc_connection_free(transport->connection);
    amqpci_release(&poller->allocator, transport->remote);
    amqpci_release(&poller->allocator, transport->failure_text);
    amqpci_release(&poller->allocator, transport);
}

amqpc_connection *amqpc_transport_connection(const amqpc_transport *transport)
{
    return transport->connection;
}

amqpc_poller *amqpc_transport_poller(const amqpc_transport *transport)
{
    return transport->watch.poller;
}

amqpc_transport_state amqpc_transport_get_state(const amqpc_transport *transport)
{
    return (amqpc_transport_state)transport->state;
}

amqpc_status amqpc_transport_get_failure(const amqpc_transport *transport,
                                         amqpc_transport_failure *failure)
{
    if (transport->state != AMQPC_TRANSPORT_FAILED) {
        return AMQPC_NOT_FOUND;
    }
    const char *text = transport->failure_text;
    *failure = (amqpc_transport_failure){
        .status = transport->failure,
        .system_error = transport->system_error,
        .text = text == NULL ? amqpc_status_text(transport->failure) : text,
    };
    return AMQPC_OK;
}

void amqpc_transport_touch(amqpc_transport *transport)
{
    amqpci_watch_touch(&transport->watch);
}

amqpc_status amqpc_transport_flush(amqpc_transport *transport)
{
    if (amqpci_poller_is_foreign(transport->watch.poller)) {
        return AMQPC_FORKED;
    }
    /* Where it is its turn, it stays touched: calls may follow. */
    amqpc_status status = amqpci_transport_advance(transport, amqpc_now_ms());
    if (status != AMQPC_OK) {
        amqpci_watch_touch(&transport->watch);
    }
    return status;
}

static amqpc_status copy_text(const char *text, char *data, size_t capacity)
{
    size_t size = strlen(text) + 1;
    if (size > capacity) {
        return AMQPC_BUFFER_FULL;
    }
    memcpy(data, text, size);
    return AMQPC_OK;
}

amqpc_status amqpc_transport_local_address(const amqpc_transport *transport, char *data,
                                           size_t capacity)
{
    amqpci_address address;
    if (transport->stream == NULL || transport->watch.descriptor < 0) {
        return AMQPC_NOT_FOUND;
    }
    amqpc_status status = amqpci_socket_local_address(transport->watch.descriptor, &address);
    return status == AMQPC_OK ? amqpci_address_print(&address, data, capacity) : status;
}

amqpc_status amqpc_transport_remote_address(const amqpc_transport *transport, char *data,
                                            size_t capacity)
{
    return transport->remote == NULL ? AMQPC_NOT_FOUND
                                     : copy_text(transport->remote, data, capacity);
}

amqpc_status amqpc_transport_get_tls(const amqpc_transport *transport, amqpc_transport_tls *tls)
{
    bool has_tls = transport->tls != NULL && transport->stream != NULL;
    return has_tls ? amqpci_tls_stream_get(transport->stream, tls) : AMQPC_NOT_FOUND;
}

void amqpc_transport_get_statistics(const amqpc_transport *transport,
                                    amqpc_transport_statistics *statistics)
{
    const amqpci_stream *stream = transport->stream;
    const amqpc_transport_statistics values = {
        .struct_size = statistics->struct_size,
        .reads = stream == NULL ? 0 : stream->reads,
        .writes = stream == NULL ? 0 : stream->writes,
    };
    size_t size = statistics->struct_size;
    memcpy(statistics, &values, size < sizeof values ? size : sizeof values);
}

void amqpc_transport_set_context(amqpc_transport *transport, void *context)
{
    transport->context = context;
}

void *amqpc_transport_context(const amqpc_transport *transport)
{
    return transport->context;
}
