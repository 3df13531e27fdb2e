/* Listeners: sockets that clients connect to. */
#ifndef AMQPCODEC_LISTENER_H
#define AMQPCODEC_LISTENER_H

#include <amqpcodec/transport.h>

AMQPC_BEGIN_DECLS

/* Where to listen. Set the defaults by amqpc_listener_options_init. Everything is copied by
 * amqpc_listener_new.
 *
 * struct_size        sizeof(amqpc_listener_options) of the caller
 * host               an address of this machine, IPv4 or IPv6, "0.0.0.0" or "::" for all; default
 *                    "127.0.0.1"
 * port               0, the default, takes a free one: amqpc_listener_port
 * unix_path          a Unix socket instead, whose file is made, and removed when the listener is
 *                    freed; NULL for none. A first byte '@' stands for Linux's abstract names.
 * tls                NULL for clear text; kept alive by the listener
 * transport          of the accepted: connect_timeout_ms limits the handshake of TLS; host, port,
 *                    unix_path and tls are not looked at. NULL for the defaults
 * backlog            clients that wait to be accepted; default 1,024
 * transports_max     accepted transports that live at a time, at most; more clients wait in the
 *                    backlog; 0, the default, for no limit
 * reuse_port         several listeners, of several threads or processes, share the port, and the
 *                    system spreads the clients over them; default false */
typedef struct amqpc_listener_options {
    size_t struct_size;
    const char *host;
    const char *unix_path;
    amqpc_tls *tls;
    const amqpc_transport_options *transport;
    uint32_t port;
    uint32_t backlog;
    uint32_t transports_max;
    bool reuse_port;
} amqpc_listener_options;

/* Sets the defaults. struct_size: sizeof(amqpc_listener_options) as the caller was compiled. */
AMQPC_API void amqpc_listener_options_init(amqpc_listener_options *options, size_t struct_size);

/* Listens.
 *
 * poller                to which the listener belongs
 * options               borrowed until return; NULL for the defaults
 * listener              receives the listener, which amqpc_listener_free or the poller frees
 * reason, reason_size   may be NULL, 0; on failure receives a line for people, ended by NUL
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT, AMQPC_NO_DESCRIPTORS;
 * AMQPC_LISTEN_FAILED, where the address is not to be had; AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_listener_new(amqpc_poller *poller,
                                          const amqpc_listener_options *options,
                                          amqpc_listener **listener, char *reason,
                                          size_t reason_size) AMQPC_CHECK;

/* Stops listening. Transports that were accepted go on. NULL is ignored. */
AMQPC_API void amqpc_listener_free(amqpc_listener *listener);

/* The port that is listened at; 0 for a Unix socket. */
AMQPC_API uint32_t amqpc_listener_port(const amqpc_listener *listener);

/* Accepts a client: its connection answers when the application does (connection.h).
 *
 * connection_options  borrowed until return; NULL for a server's defaults. `role` is the server's,
 *                     whatever stands here; is_protected and random as amqpc_transport_connect.
 * transport           receives the transport, which belongs to the listener's poller
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND where nobody waits; AMQPC_NO_DESCRIPTORS, where the client
 * waits on, and the listener tells of it again after a while; AMQPC_NO_MEMORY,
 * AMQPC_INVALID_ARGUMENT, after which the client waits on likewise; AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_listener_accept(amqpc_listener *listener,
                                             const amqpc_connection_options *connection_options,
                                             amqpc_transport **transport) AMQPC_CHECK;

/* A value of the application's own, NULL at first. */
AMQPC_API void amqpc_listener_set_context(amqpc_listener *listener, void *context);
AMQPC_API void *amqpc_listener_context(const amqpc_listener *listener);

AMQPC_END_DECLS

#endif
