/* A connection of the engine on a socket: poll, recv, sendmsg, tick. */
#define _POSIX_C_SOURCE 200809L

#include "support/socket_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { VECTORS = 16, CLOSING_MS = 2000, DROPPED_SIZE = 4096 };

static void check(bool holds, const char *call)
{
    if (!holds) {
        perror(call);
        exit(1);
    }
}

static struct sockaddr_in local_address(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Frames go out at once; otherwise the peer's delayed acknowledgement costs 40 ms now and then. */
static void set_no_delay(int descriptor)
{
    const int yes = 1;
    check(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0, "setsockopt");
}

int socket_loop_connect(const char *port)
{
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    check(descriptor >= 0, "socket");
    struct sockaddr_in address = local_address((uint16_t)strtoul(port, NULL, 10));
    check(connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0, "connect");
    set_no_delay(descriptor);
    return descriptor;
}

int socket_loop_listen(uint16_t *port)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(listener >= 0, "socket");
    struct sockaddr_in address = local_address(0);
    socklen_t size = sizeof address;
    check(bind(listener, (const struct sockaddr *)&address, size) == 0, "bind");
    check(listen(listener, 1) == 0, "listen");
    check(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    *port = ntohs(address.sin_port);
    return listener;
}

int socket_loop_accept(int listener)
{
    int descriptor = accept(listener, NULL, NULL);
    check(descriptor >= 0, "accept");
    set_no_delay(descriptor);
    (void)close(listener);
    return descriptor;
}

uint64_t socket_loop_now_ms(void)
{
    struct timespec now;
    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool would_wait(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Sends until there is no more, or the socket takes no more. Gives whether some waits. */
static bool send_output(socket_loop *loop)
{
    while (!loop->is_lost) {
        amqpc_bytes pieces[VECTORS];
        struct iovec vectors[VECTORS];
        size_t count = 0;
        check(amqpc_connection_output(loop->connection, pieces, VECTORS, &count) == AMQPC_OK,
              "amqpc_connection_output");
        if (count == 0) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            vectors[i] = (struct iovec){(void *)(uintptr_t)pieces[i].data, pieces[i].size};
        }
        const struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
        ssize_t sent = sendmsg(loop->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            amqpc_connection_output_done(loop->connection, (size_t)sent);
        } else if (would_wait()) {
            return true;
        } else {
            loop->is_lost = true;
        }
    }
    return false;
}

/* A failure of the connection is an event, too, so that nothing is said of it here. */
static void receive_input(socket_loop *loop)
{
    void *data = NULL;
    size_t capacity = 0;
    if (amqpc_connection_input_buffer(loop->connection, &data, &capacity) != AMQPC_OK) {
        return;
    }
    ssize_t received = recv(loop->socket, data, capacity, MSG_DONTWAIT);
    if (received > 0) {
        (void)!amqpc_connection_input(loop->connection, (size_t)received);
    } else if (received == 0 || !would_wait()) {
        (void)amqpc_connection_input_end(loop->connection);
        loop->is_lost = received < 0;
    }
}

static bool takes_input(const socket_loop *loop)
{
    void *data = NULL;
    size_t capacity = 0;
    return amqpc_connection_input_buffer(loop->connection, &data, &capacity) == AMQPC_OK;
}

bool socket_loop_step(socket_loop *loop, uint64_t until_ms)
{
    uint64_t now_ms = socket_loop_now_ms();
    uint64_t deadline_ms = UINT64_MAX;
    (void)!amqpc_connection_tick(loop->connection, now_ms, &deadline_ms);
    bool waits = send_output(loop);
    if (loop->is_lost || amqpc_connection_is_finished(loop->connection)) {
        return false;
    }
    deadline_ms = until_ms < deadline_ms ? until_ms : deadline_ms;
    uint64_t wait_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    struct pollfd watched = {.fd = loop->socket};
    watched.events = (short)((takes_input(loop) ? POLLIN : 0) | (waits ? POLLOUT : 0));
    int ready = poll(&watched, 1, wait_ms < INT32_MAX ? (int)wait_ms : -1);
    check(ready >= 0 || errno == EINTR, "poll");
    if (ready > 0) {
        receive_input(loop);
    }
    return true;
}

void socket_loop_close(socket_loop *loop)
{
    /* Closing with unread input would reset the connection, and lose what is on its way out. */
    (void)shutdown(loop->socket, SHUT_WR);
    struct pollfd watched = {.fd = loop->socket, .events = POLLIN};
    uint8_t dropped[DROPPED_SIZE];
    while (poll(&watched, 1, CLOSING_MS) > 0 &&
           recv(loop->socket, dropped, sizeof dropped, 0) > 0) {
    }
    (void)close(loop->socket);
}
