/* What a transport has while its socket is not established: the name that is looked up, and the
 * addresses that are tried, one beside the other after a while (RFC 8305). */
#ifndef AMQPCI_TRANSPORT_CONNECTOR_H
#define AMQPCI_TRANSPORT_CONNECTOR_H

#include "transport/resolver.h"
#include "transport/socket.h"
#include "transport/transport.h"

/* One address that is tried. */
typedef struct amqpci_attempt {
    amqpci_watch watch; /* first; has a descriptor while it is tried */
    amqpci_connector *connector;
    amqpci_address address;
    uint64_t retry_ms; /* AMQPCI_NEVER; of a Unix socket whose queue is full */
} amqpci_attempt;

struct amqpci_connector {
    amqpc_transport *transport;
    amqpci_socket_options socket_options;
    uint32_t attempt_delay_ms;
    uint64_t next_attempt_ms; /* AMQPCI_NEVER where there is none to wait for */
    amqpci_lookup *lookup;    /* NULL but while the name is looked up, when the transport's
                                 descriptor tells that the result is there */
    amqpci_attempt *attempts; /* one for each address; NULL */
    size_t attempt_count;
    size_t started;      /* attempts; later ones wait for their turn */
    size_t live;         /* attempts that are being made */
    amqpc_status status; /* of the last that failed, and its errno and address */
    int system_error;
    const amqpci_address *failed;
    const char *place;    /* "host:port", "unix:path", for people */
    const char *tls_host; /* NULL for none */
    char texts[];
};

/* Begins to connect. Options are valid; addresses, where count is above 0, take the place of host
 * and unix_path. The transport's state tells how it goes, also where it failed at once.
 * AMQPC_NO_MEMORY, AMQPC_SYSTEM_ERROR where there is no thread to look the name up. */
AMQPC_CHECK amqpc_status amqpci_connector_start(amqpc_transport *transport,
                                                const amqpc_transport_options *options,
                                                const amqpci_address *addresses, size_t count);

/* A deadline has come, or the result of a lookup may be there. The connector may be freed. */
void amqpci_connector_proceed(amqpci_connector *connector, uint64_t now_ms);

/* Ends all attempts. NULL is ignored. */
void amqpci_connector_free(amqpci_connector *connector);

/* As amqpc_transport_connect, to addresses instead of the options' host: tests have no names with
 * several addresses. Their number may be 0. */
AMQPC_CHECK amqpc_status amqpci_transport_connect_to(
    amqpc_poller *poller, const amqpc_transport_options *options, const amqpci_address *addresses,
    size_t count, const amqpc_connection_options *connection_options, amqpc_transport **transport);

#endif
