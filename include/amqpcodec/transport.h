/* Transports: a connection (connection.h) on a socket: TCP, Unix, either with TLS.
 *
 * A transport belongs to a poller (poller.h), which moves its bytes, and owns its connection. The
 * application reads the connection's events and makes its calls; it never touches the bytes. */
#ifndef AMQPCODEC_TRANSPORT_H
#define AMQPCODEC_TRANSPORT_H

#include <amqpcodec/connection.h>
#include <amqpcodec/poller.h>
#include <amqpcodec/tls.h>

AMQPC_BEGIN_DECLS

/* Where to connect to, and how. Set the defaults by amqpc_transport_options_init. Everything is
 * copied by amqpc_transport_connect.
 *
 * struct_size            sizeof(amqpc_transport_options) of the caller
 * host                   a name, which is resolved on a helper thread, or an address of IPv4 or
 *                        IPv6 without brackets; every address of a name is tried (RFC 8305)
 * port                   1 to 65,535
 * unix_path              a Unix socket instead of host and port; NULL for none. A first byte '@'
 *                        stands for Linux's abstract names.
 * tls                    NULL for clear text; kept alive by the transport
 * tls_host               the name that the certificate has to be for, and that is sent by SNI; NULL
 *                        for `host`
 * connect_timeout_ms     from the call until the socket and its TLS are established, names
 *                        included; 0 for no limit; default 30,000
 * attempt_delay_ms       until the next address is tried beside the one that does not answer;
 *                        default 250
 * close_timeout_ms       how long the end of the stream is awaited after the connection is
 *                        finished; default 2,000
 * keepalive_idle_s, keepalive_interval_s, keepalive_count
 *                        TCP's keepalive, in seconds, and probes; 0, the default: the system's. The
 *                        first one 0: off
 * send_buffer_size, receive_buffer_size
 *                        of the socket, in bytes; 0, the default: the system's
 * delay                  let TCP wait for more to send (Nagle); default false */
typedef struct amqpc_transport_options {
    size_t struct_size;
    const char *host;
    const char *unix_path;
    amqpc_tls *tls;
    const char *tls_host;
    uint32_t port;
    uint32_t connect_timeout_ms;
    uint32_t attempt_delay_ms;
    uint32_t close_timeout_ms;
    uint32_t keepalive_idle_s;
    uint32_t keepalive_interval_s;
    uint32_t keepalive_count;
    uint32_t send_buffer_size;
    uint32_t receive_buffer_size;
    bool delay;
} amqpc_transport_options;

/* Sets the defaults. struct_size: sizeof(amqpc_transport_options) as the caller was compiled. */
AMQPC_API void amqpc_transport_options_init(amqpc_transport_options *options, size_t struct_size);

/* Makes a connection of AMQP, and begins to connect it; never blocks. What the connection has to
 * send (amqpc_connection_open and so on may be called at once) goes out when the socket is there.
 *
 * poller              to which the transport belongs
 * options             borrowed until return
 * connection_options  borrowed until return; NULL for a
 *                     client's defaults. is_protected is set with TLS and for Unix sockets; empty
 *                     random bytes are taken from the system.
 * transport           receives the transport, which amqpc_transport_free or the poller frees
 *
 * What goes wrong later (the name is unknown, nobody answers) is a state, not a result.
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_SYSTEM_ERROR, AMQPC_NO_DESCRIPTORS, AMQPC_FORKED;
 * AMQPC_INVALID_ARGUMENT also for the TLS of a server, and where TLS needs a host and has none. */
AMQPC_API amqpc_status amqpc_transport_connect(amqpc_poller *poller,
                                               const amqpc_transport_options *options,
                                               const amqpc_connection_options *connection_options,
                                               amqpc_transport **transport) AMQPC_CHECK;

/* Closes the socket, without waiting for anything, and frees the transport with its connection;
 * deliveries that were taken live on. NULL is ignored. */
AMQPC_API void amqpc_transport_free(amqpc_transport *transport);

/* The connection that the transport owns: never NULL, and as long as the transport. */
AMQPC_API amqpc_connection *amqpc_transport_connection(const amqpc_transport *transport);

AMQPC_API amqpc_poller *amqpc_transport_poller(const amqpc_transport *transport);

typedef enum amqpc_transport_state {
    AMQPC_TRANSPORT_RESOLVING = 0,  /* the name is looked up */
    AMQPC_TRANSPORT_CONNECTING = 1, /* addresses are tried */
    AMQPC_TRANSPORT_SECURING = 2,   /* the handshake of TLS */
    AMQPC_TRANSPORT_OPEN = 3,       /* bytes move */
    AMQPC_TRANSPORT_CLOSING = 4,    /* all is said; the peer's end of the stream is awaited */
    AMQPC_TRANSPORT_CLOSED = 5,     /* both ends of the stream are closed, in good order */
    AMQPC_TRANSPORT_FAILED = 6      /* amqpc_transport_get_failure; the socket is closed */
} amqpc_transport_state;

AMQPC_API amqpc_transport_state amqpc_transport_get_state(const amqpc_transport *transport);

/* Why a transport has failed.
 *
 * status        AMQPC_RESOLVE_FAILED, AMQPC_CONNECT_FAILED, AMQPC_CONNECT_TIMEOUT,
 *               AMQPC_SOCKET_ERROR, AMQPC_TLS_FAILED, AMQPC_TLS_CERTIFICATE, AMQPC_TLS_TRUNCATED,
 *               AMQPC_STREAM_ENDED, AMQPC_NO_DESCRIPTORS, AMQPC_NO_MEMORY; or that of
 *               amqpc_connection_get_failure, where the connection failed
 * system_error  errno; 0 where it does not apply
 * text          a line for people, with the address: "127.0.0.1:5672: Connection refused"; lives as
 *               long as the transport */
typedef struct amqpc_transport_failure {
    amqpc_status status;
    int system_error;
    const char *text;
} amqpc_transport_failure;

/* Returns AMQPC_OK; AMQPC_NOT_FOUND where the transport has not failed. */
AMQPC_API amqpc_status amqpc_transport_get_failure(const amqpc_transport *transport,
                                                   amqpc_transport_failure *failure) AMQPC_CHECK;

/* The program has made calls on the connection outside of its turn in amqpc_poller_next: its output
 * goes out with the next round. Costs nearly nothing. */
AMQPC_API void amqpc_transport_touch(amqpc_transport *transport);

/* Sends now what there is to send, as far as the socket takes it. Returns AMQPC_OK, also where some
 * waits, and where the transport fails for it, which its state says; AMQPC_NO_MEMORY; AMQPC_FORKED.
 */
AMQPC_API amqpc_status amqpc_transport_flush(amqpc_transport *transport) AMQPC_CHECK;

/* Addresses of the two ends, as text: "127.0.0.1:5672", "[::1]:5672", "unix:/run/x".
 *
 * data, capacity  where to, ended by NUL
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND before the socket is established, and of this end's address
 * also after it is closed; AMQPC_BUFFER_FULL. */
AMQPC_API amqpc_status amqpc_transport_local_address(const amqpc_transport *transport, char *data,
                                                     size_t capacity) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_transport_remote_address(const amqpc_transport *transport, char *data,
                                                      size_t capacity) AMQPC_CHECK;

/* What TLS has agreed on.
 *
 * version, cipher  such as "TLSv1.3", "TLS_AES_128_GCM_SHA256"
 * alpn             the protocol agreed on; empty for none
 * peer_subject     of the peer's certificate (RFC 2253), for SASL EXTERNAL; empty without
 * resumed          an earlier session was resumed
 * All live as long as the transport. */
typedef struct amqpc_transport_tls {
    const char *version;
    const char *cipher;
    const char *alpn;
    const char *peer_subject;
    bool resumed;
} amqpc_transport_tls;

/* Returns AMQPC_OK; AMQPC_NOT_FOUND without TLS, or before its handshake is over. */
AMQPC_API amqpc_status amqpc_transport_get_tls(const amqpc_transport *transport,
                                               amqpc_transport_tls *tls) AMQPC_CHECK;

/* Counts since the transport was made: calls of the system that move bytes. */
typedef struct amqpc_transport_statistics {
    size_t struct_size;
    uint64_t reads;
    uint64_t writes;
} amqpc_transport_statistics;

/* statistics->struct_size: sizeof(amqpc_transport_statistics) as the caller was compiled. */
AMQPC_API void amqpc_transport_get_statistics(const amqpc_transport *transport,
                                              amqpc_transport_statistics *statistics);

/* A value of the application's own, NULL at first. */
AMQPC_API void amqpc_transport_set_context(amqpc_transport *transport, void *context);
AMQPC_API void *amqpc_transport_context(const amqpc_transport *transport);

AMQPC_END_DECLS

#endif
