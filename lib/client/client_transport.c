/* One attempt to connect: a transport to the host whose turn it is, with all that the settings say.
 */
#include <amqpcodec/sasl.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"

static void note_address(amqpc_client *client, const amqpci_host *host)
{
    char *text = client->attempts.address;
    size_t capacity = sizeof client->attempts.address;
    if (host->unix_path != NULL) {
        (void)snprintf(text, capacity, "unix:%s", host->unix_path);
        return;
    }
    const char *format = strchr(host->host, ':') == NULL ? "%s:%u" : "[%s]:%u";
    (void)snprintf(text, capacity, format, host->host, (unsigned)host->port);
}

static amqpc_bytes text_or_empty(const char *text)
{
    return text == NULL ? (amqpc_bytes){NULL, 0} : amqpci_text(text);
}

static void fill_sasl(const amqpc_client_options *options, const amqpci_host *host,
                      amqpc_sasl_options *sasl)
{
    amqpc_sasl_options_init(sasl, sizeof *sasl);
    sasl->mechanisms = text_or_empty(options->mechanisms);
    sasl->user = text_or_empty(host->user);
    sasl->password = text_or_empty(host->password);
    sasl->token = text_or_empty(options->token);
    sasl->hostname = text_or_empty(host->hostname);
    sasl->port = (uint16_t)host->port;
    sasl->allow_plain_cleartext = host->allow_plain_cleartext;
}

static void fill_connection(const amqpc_client_options *options, const amqpc_limits *limits,
                            amqpc_connection_options *connection)
{
    amqpc_connection_options_init(connection, sizeof *connection);
    connection->role = AMQPC_CLIENT;
    connection->limits = limits;
    connection->idle_timeout_ms = options->heartbeat_ms;
    connection->handshake_timeout_ms = options->connect_timeout_ms;
    connection->trace_size = options->trace_size;
    connection->unsettled_max = AMQPCI_CLIENT_UNSETTLED_MAX;
    if (connection->input_slab_size < options->max_frame_size) {
        connection->input_slab_size = options->max_frame_size;
    }
}

static void fill_transport(const amqpc_client *client, const amqpci_host *host,
                           amqpc_transport_options *transport)
{
    const amqpc_client_options *options = &client->settings->options;
    amqpc_transport_options_init(transport, sizeof *transport);
    transport->host = host->host;
    transport->port = host->port;
    transport->unix_path = host->unix_path;
    transport->tls = host->tls ? client->tls : NULL;
    transport->tls_host = options->tls_host;
    transport->connect_timeout_ms = options->connect_timeout_ms;
}

/* Says open, with which the connection begins as soon as there is a socket. */
static amqpc_status say_open(amqpc_client *client, const amqpci_host *host)
{
    const char *capabilities = client->settings->options.desired_capabilities;
    amqpc_bytes items[AMQPCI_CAPABILITIES_MAX];
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID,
                       .container_id = amqpci_text(client->container_id)};
    if (host->hostname != NULL) {
        open.present |= AMQPC_OPEN_HOSTNAME;
        open.hostname = amqpci_text(host->hostname);
    }
    if (capabilities != NULL) {
        if (!amqpci_split_symbols(capabilities, items, &open.desired_capabilities)) {
            return AMQPC_INVALID_ARGUMENT;
        }
        open.present |= AMQPC_OPEN_DESIRED_CAPABILITIES;
    }
    return amqpc_connection_open(amqpc_transport_connection(client->transport), &open);
}

amqpc_status amqpci_client_make_transport(amqpc_client *client)
{
    const amqpc_client_options *options = &client->settings->options;
    const amqpci_host *host = &client->settings->hosts[client->attempts.host];
    amqpc_limits limits;
    amqpc_sasl_options sasl;
    amqpc_connection_options connection;
    amqpc_transport_options transport;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = options->max_frame_size;
    fill_connection(options, &limits, &connection);
    fill_transport(client, host, &transport);
    note_address(client, host);
    if (options->mechanisms == NULL || strcmp(options->mechanisms, "none") != 0) {
        fill_sasl(options, host, &sasl);
        connection.sasl = &sasl;
    }
    amqpc_status status =
        amqpc_transport_connect(client->poller, &transport, &connection, &client->transport);
    if (status != AMQPC_OK) {
        return status;
    }
    status = say_open(client, host);
    if (status != AMQPC_OK) {
        amqpc_transport_free(client->transport);
        client->transport = NULL;
    }
    return status;
}

bool amqpci_split_symbols(const char *text, amqpc_bytes *items, amqpc_symbols *symbols)
{
    uint32_t count = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        if (size > 0 && count == AMQPCI_CAPABILITIES_MAX) {
            return false;
        }
        if (size > 0) {
            items[count++] = (amqpc_bytes){text, size};
        }
        text += size + (text[size] == ' ');
    }
    *symbols = (amqpc_symbols){.count = count, .items = items};
    return true;
}

void amqpci_client_transport_error(const amqpc_client *client, amqpc_client_error *error)
{
    const char *place = client->attempts.address;
    const amqpc_connection *connection = amqpc_transport_connection(client->transport);
    amqpc_transport_failure failure;
    amqpc_error said;
    if (amqpc_connection_remote_error(connection, &said) == AMQPC_OK) {
        amqpci_client_error_of_peer(error, AMQPC_PEER_ERROR, place, &said);
        return;
    }
    if (amqpc_transport_get_failure(client->transport, &failure) != AMQPC_OK) {
        amqpci_client_error_set(error, AMQPC_DISCONNECTED, place, "the peer has closed it");
        return;
    }
    /* The transport's text has the address, where it knows it. */
    bool has_text = failure.text != NULL && failure.text[0] != '\0';
    amqpci_client_error_set(error, failure.status, has_text ? NULL : place, failure.text);
    error->system_error = failure.system_error;
}
