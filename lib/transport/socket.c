/* Sockets and their options. */
#define _GNU_SOURCE /* for SOCK_NONBLOCK */
#include "transport/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>

amqpci_socket_options amqpci_socket_options_of(const amqpc_transport_options *options)
{
    return (amqpci_socket_options){
        .keepalive_idle_s = options->keepalive_idle_s,
        .keepalive_interval_s = options->keepalive_interval_s,
        .keepalive_count = options->keepalive_count,
        .send_buffer_size = options->send_buffer_size,
        .receive_buffer_size = options->receive_buffer_size,
        .delay = options->delay,
    };
}

amqpc_status amqpci_socket_new(const amqpci_address *address, int *descriptor)
{
    int made = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
        return errno == EMFILE || errno == ENFILE ? AMQPC_NO_DESCRIPTORS : AMQPC_SYSTEM_ERROR;
    }
    *descriptor = made;
    return AMQPC_OK;
}

static void set(int descriptor, int level, int name, uint32_t value)
{
    int number = value > INT_MAX ? INT_MAX : (int)value;
    (void)setsockopt(descriptor, level, name, &number, sizeof number);
}

static void set_keepalive(int descriptor, const amqpci_socket_options *options)
{
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, options->keepalive_idle_s);
    if (options->keepalive_interval_s > 0) {
        set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, options->keepalive_interval_s);
    }
    if (options->keepalive_count > 0) {
        set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, options->keepalive_count);
    }
}

void amqpci_socket_set(int descriptor, const amqpci_socket_options *options)
{
    if (options->send_buffer_size > 0) {
        set(descriptor, SOL_SOCKET, SO_SNDBUF, options->send_buffer_size);
    }
    if (options->receive_buffer_size > 0) {
        set(descriptor, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_size);
    }
    int domain = AF_UNIX;
    socklen_t size = sizeof domain;
    (void)getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    if (domain == AF_UNIX) {
        return;
    }
    if (!options->delay) {
        set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (options->keepalive_idle_s > 0) {
        set_keepalive(descriptor, options);
    }
}

amqpc_status amqpci_socket_local_address(int descriptor, amqpci_address *address)
{
    address->size = sizeof address->of;
    return getsockname(descriptor, &address->of.any, &address->size) == 0 ? AMQPC_OK
                                                                          : AMQPC_NOT_FOUND;
}

amqpc_status amqpci_socket_remote_address(int descriptor, amqpci_address *address)
{
    address->size = sizeof address->of;
    return getpeername(descriptor, &address->of.any, &address->size) == 0 ? AMQPC_OK
                                                                          : AMQPC_NOT_FOUND;
}

int amqpci_socket_take_error(int descriptor)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}
