/* TLS (AMQP 5.2) as transports and listeners use it: tls_context.c and tls_stream.c; tls_absent.c
 * in a build without. */
#ifndef AMQPCI_TRANSPORT_TLS_H
#define AMQPCI_TRANSPORT_TLS_H

#include <amqpcodec/tls.h>
#include <amqpcodec/transport.h>

#include "transport/stream.h"

/* One more holder, who gives it back by amqpc_tls_free. By any thread. */
void amqpci_tls_retain(amqpc_tls *tls);

/* Whether it was made for servers. */
bool amqpci_tls_is_server(const amqpc_tls *tls);

/* Whether a client may name its server so: a name or an address is needed where the host is
 * verified. A server's is not looked at. */
bool amqpci_tls_takes_host(const amqpc_tls *tls, const char *host);

/* Makes a stream that speaks TLS over a connected descriptor, in the role of `tls`.
 *
 * tls         the stream is one more holder
 * descriptor  non-blocking; the caller's
 * host        client: the name or address that the certificate has to be for; copied. Server: NULL
 * stream      receives the stream; its `handshake` comes first, of a server, too
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT for a host that
 * amqpci_tls_takes_host refuses; AMQPC_UNSUPPORTED in a build without TLS. */
AMQPC_CHECK amqpc_status amqpci_tls_stream_new(amqpc_tls *tls, const amqpc_allocator *allocator,
                                               int descriptor, const char *host,
                                               amqpci_stream **stream);

/* What was agreed on, of a stream that amqpci_tls_stream_new made; lives as long as the stream.
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND before the handshake is over. */
AMQPC_CHECK amqpc_status amqpci_tls_stream_get(const amqpci_stream *stream,
                                               amqpc_transport_tls *tls);

#endif
