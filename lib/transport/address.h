/* Addresses of sockets: IPv4, IPv6 and Unix. */
#ifndef AMQPCI_TRANSPORT_ADDRESS_H
#define AMQPCI_TRANSPORT_ADDRESS_H

#include <amqpcodec/status.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    AMQPCI_ADDRESS_TEXT_SIZE = 160, /* of the longest text, with its NUL */
    AMQPCI_ADDRESSES_MAX = 32       /* of one name; more are not tried */
};

typedef struct amqpci_address {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    } of;
    socklen_t size;
} amqpci_address;

/* A numeric address, such as "127.0.0.1", "::1", "fe80::1%eth0". AMQPC_NOT_FOUND: the text is
 * none. */
AMQPC_CHECK amqpc_status amqpci_address_of_number(const char *host, uint32_t port,
                                                  amqpci_address *address);

/* A path, or "@name" for an abstract name. AMQPC_INVALID_ARGUMENT: it is empty or too long. */
AMQPC_CHECK amqpc_status amqpci_address_of_path(const char *path, amqpci_address *address);

/* The addresses of a name, in the order in which they are to be tried: the system's, with the
 * families in turn (RFC 8305 4). Blocks. Gives how many there are, at most AMQPCI_ADDRESSES_MAX; 0
 * and what getaddrinfo said in *error. */
size_t amqpci_address_resolve(const char *host, uint32_t port, amqpci_address *addresses,
                              int *error, int *system_error);

/* Puts the families in turn, beginning with that of the first; otherwise the order stays. */
void amqpci_address_interleave(amqpci_address *addresses, size_t count);

/* "127.0.0.1:5672", "[::1]:5672", "unix:/run/x", "unix:@name", "unix:" for one without a name.
 * AMQPC_BUFFER_FULL. */
AMQPC_CHECK amqpc_status amqpci_address_print(const amqpci_address *address, char *data,
                                              size_t capacity);

/* 0 for Unix. */
uint32_t amqpci_address_port(const amqpci_address *address);

#endif
