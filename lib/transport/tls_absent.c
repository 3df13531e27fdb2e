/* A build without TLS: every call for it is refused, and nothing falls back to clear text. */
#include <string.h>

#include "transport/tls.h"

void amqpc_tls_options_init(amqpc_tls_options *options, uint32_t role, size_t struct_size)
{
    const amqpc_tls_options defaults = {
        .struct_size = struct_size,
        .verify_peer = role == AMQPC_CLIENT,
        .verify_host = true,
        .resume_sessions = true,
    };
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

amqpc_status amqpc_tls_new(const amqpc_allocator *allocator, uint32_t role,
                           const amqpc_tls_options *options, amqpc_tls **tls, char *reason,
                           size_t reason_size)
{
    (void)allocator;
    (void)role;
    (void)options;
    (void)tls;
    static const char text[] = "this build of the library has no TLS";
    if (reason_size > 0) {
        size_t size = sizeof text < reason_size ? sizeof text : reason_size;
        memcpy(reason, text, size);
        reason[size - 1] = 0;
    }
    return AMQPC_UNSUPPORTED;
}

/* There are none: NULL is what can be given. */
void amqpc_tls_free(amqpc_tls *tls)
{
    (void)tls;
}

bool amqpc_tls_is_available(void)
{
    return false;
}

void amqpci_tls_retain(amqpc_tls *tls)
{
    (void)tls;
}

bool amqpci_tls_is_server(const amqpc_tls *tls)
{
    (void)tls;
    return false;
}

bool amqpci_tls_takes_host(const amqpc_tls *tls, const char *host)
{
    (void)tls;
    (void)host;
    return false;
}

amqpc_status amqpci_tls_stream_new(amqpc_tls *tls, const amqpc_allocator *allocator, int descriptor,
                                   const char *host, amqpci_stream **stream)
{
    (void)tls;
    (void)allocator;
    (void)descriptor;
    (void)host;
    (void)stream;
    return AMQPC_UNSUPPORTED;
}

amqpc_status amqpci_tls_stream_get(const amqpci_stream *stream, amqpc_transport_tls *tls)
{
    (void)stream;
    (void)tls;
    return AMQPC_NOT_FOUND;
}
