/* Sockets: non-blocking, closed on exec, with the options of a transport. */
#ifndef AMQPCI_TRANSPORT_SOCKET_H
#define AMQPCI_TRANSPORT_SOCKET_H

#include <amqpcodec/transport.h>

#include "transport/address.h"

/* As in amqpc_transport_options. */
typedef struct amqpci_socket_options {
    uint32_t keepalive_idle_s;
    uint32_t keepalive_interval_s;
    uint32_t keepalive_count;
    uint32_t send_buffer_size;
    uint32_t receive_buffer_size;
    bool delay;
} amqpci_socket_options;

amqpci_socket_options amqpci_socket_options_of(const amqpc_transport_options *options);

/* Makes a socket for an address's family. AMQPC_NO_DESCRIPTORS, AMQPC_SYSTEM_ERROR; errno. */
AMQPC_CHECK amqpc_status amqpci_socket_new(const amqpci_address *address, int *descriptor);

/* Sets them, as far as the family has them. What the system refuses stays as it was. */
void amqpci_socket_set(int descriptor, const amqpci_socket_options *options);

/* The socket's two ends. AMQPC_NOT_FOUND. */
AMQPC_CHECK amqpc_status amqpci_socket_local_address(int descriptor, amqpci_address *address);
AMQPC_CHECK amqpc_status amqpci_socket_remote_address(int descriptor, amqpci_address *address);

/* Takes the error that the socket has, an errno; 0. */
int amqpci_socket_take_error(int descriptor);

#endif
