/* The inside of a transport. */
#ifndef AMQPCI_TRANSPORT_TRANSPORT_H
#define AMQPCI_TRANSPORT_TRANSPORT_H

#include <amqpcodec/listener.h>

#include "engine/connection.h"
#include "transport/poller.h"
#include "transport/stream.h"

typedef struct amqpci_connector amqpci_connector;

/* Small: a server has many thousands. What only connecting needs is in the connector. */
struct amqpc_transport {
    amqpci_watch watch; /* first; its descriptor is the socket, once that is established */
    amqpc_connection *connection;
    amqpci_stream *stream; /* &plain or TLS's; NULL before the socket is established */
    amqpci_stream plain;
    amqpci_connector *connector; /* NULL but while the socket is not established */
    amqpc_listener *listener;    /* that counts it; NULL */
    amqpc_tls *tls;              /* held; NULL */
    char *remote;                /* allocated: the address of the other end; NULL */
    char *failure_text;          /* allocated; NULL also where there was no memory for it */
    void *context;
    uint64_t stage_end_ms; /* when the present state has lasted too long; AMQPCI_NEVER */
    amqpc_status failure;
    int system_error;
    uint32_t close_timeout_ms;
    uint32_t read_wait;  /* what reading waits for: EPOLLIN; under TLS EPOLLOUT, too */
    uint32_t write_wait; /* what writing waits for; 0 where it may go on */
    uint8_t state;       /* amqpc_transport_state */
    bool input_ended;
    bool input_stalled; /* there was no memory to parse what was received */
    bool is_shut;       /* our end of the stream has ended */
};

extern const amqpci_watch_kind amqpci_transport_kind;

/* --- transport.c */

/* Makes one with its connection, in the state AMQPC_TRANSPORT_RESOLVING.
 *
 * connection_options  of the application; NULL for the defaults
 * tls                 one more holder is made; NULL for none
 * is_protected        nobody can listen to what goes over the socket
 *
 * AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT, AMQPC_SYSTEM_ERROR. */
AMQPC_CHECK amqpc_status amqpci_transport_new(amqpc_poller *poller, uint32_t role,
                                              const amqpc_connection_options *connection_options,
                                              amqpc_tls *tls, bool is_protected,
                                              amqpc_transport **transport);

/* --- transport_states.c */

/* The one place where the state changes; amqpc_poller_next tells of it. */
void amqpci_transport_enter(amqpc_transport *transport, amqpc_transport_state state);

/* Its socket, which its watch has, is connected: TLS begins, or bytes move.
 *
 * host  of a client, for TLS
 *
 * AMQPC_NO_MEMORY, and what making a stream of TLS gives; nothing has changed then. */
AMQPC_CHECK amqpc_status amqpci_transport_establish(amqpc_transport *transport, const char *host);

/* Goes on with the handshake of TLS. */
void amqpci_transport_secure(amqpc_transport *transport);

/* Fails, if it is not over: the socket is closed, and the connection told that nothing comes.
 *
 * place   what failed, for people; NULL for the other end's address
 * reason  NULL for what system_error or status say */
void amqpci_transport_fail(amqpc_transport *transport, amqpc_status status, int system_error,
                           const char *place, const char *reason);

/* As the last, for what the stream has said. */
void amqpci_transport_fail_stream(amqpc_transport *transport, amqpc_status status);

/* The connection has nothing more to say: this end of the stream is ended, the other's awaited. */
void amqpci_transport_close(amqpc_transport *transport, uint64_t now_ms);

/* Closes the socket. The state is AMQPC_TRANSPORT_FAILED where the connection failed, otherwise
 * AMQPC_TRANSPORT_CLOSED. */
void amqpci_transport_finish(amqpc_transport *transport);

/* --- transport_bytes.c */

/* Sends, tells the connection the time, and sees whether it is finished. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_transport_advance(amqpc_transport *transport, uint64_t now_ms);

static inline bool amqpci_transport_is_over(const amqpc_transport *transport)
{
    return transport->state >= AMQPC_TRANSPORT_CLOSED;
}

#endif
