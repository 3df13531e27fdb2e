#define _POSIX_C_SOURCE 200809L
#include "transport_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(bool holds)
{
    if (!holds) {
        codec_fail("a socket failed");
    }
}

static struct sockaddr_in address_of(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Nothing waits for more to send. */
static void set_options(int descriptor)
{
    int one = 1;
    check(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
}

int transport_socket_accept(const transport_place *place)
{
    struct sockaddr_in address = address_of(0);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(listener >= 0);
    check(bind(listener, (const struct sockaddr *)&address, size) == 0);
    check(listen(listener, 1) == 0);
    check(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    transport_tell_port(place, ntohs(address.sin_port));
    int accepted = accept(listener, NULL, NULL);
    check(accepted >= 0);
    (void)close(listener);
    set_options(accepted);
    return accepted;
}

int transport_socket_connect(const transport_place *place)
{
    struct sockaddr_in address = address_of(place->port);
    int connected = socket(AF_INET, SOCK_STREAM, 0);
    check(connected >= 0);
    check(connect(connected, (const struct sockaddr *)&address, sizeof address) == 0);
    set_options(connected);
    return connected;
}

void transport_socket_write(int socket, const void *data, size_t size)
{
    const uint8_t *from = data;
    while (size > 0) {
        ssize_t written = write(socket, from, size);
        check(written > 0);
        from += written;
        size -= (size_t)written;
    }
}

void transport_socket_read(int socket, void *data, size_t size)
{
    uint8_t *to = data;
    while (size > 0) {
        ssize_t got = read(socket, to, size);
        check(got > 0);
        to += got;
        size -= (size_t)got;
    }
}
