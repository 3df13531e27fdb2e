/* Plain sockets of tests. */
#define _POSIX_C_SOURCE 200809L
#include "support/raw_peer.h"

#include <amqpcodec/frame.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

static struct sockaddr_in local_address(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int raw_peer_listen(uint32_t *port, int backlog)
{
    struct sockaddr_in address = local_address(0);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, backlog), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static void wait_readable(int descriptor)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    int ready = 0;
    do {
        ready = poll(&watched, 1, PATIENCE_MS);
    } while (ready < 0 && errno == EINTR);
    assert_int_equal(ready, 1);
}

int raw_peer_accept(int listener)
{
    wait_readable(listener);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    return peer;
}

int raw_peer_connect(uint32_t port)
{
    struct sockaddr_in address = local_address(port);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer >= 0);
    assert_int_equal(connect(peer, (const struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

void raw_peer_write(int peer, const void *data, size_t size)
{
    assert_int_equal(send(peer, data, size, MSG_NOSIGNAL), size);
}

bool raw_peer_is_readable(int peer)
{
    struct pollfd watched = {.fd = peer, .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

long raw_peer_read(int peer, void *data, size_t capacity)
{
    wait_readable(peer);
    return (long)recv(peer, data, capacity, 0);
}

void raw_peer_reset(int peer)
{
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    (void)close(peer);
}

size_t raw_peer_greeting(uint8_t *data, size_t capacity, uint32_t idle_timeout_ms)
{
    static const uint8_t header[] = {'A', 'M', 'Q', 'P', 0, 1, 0, 0};
    amqpc_performative open = {.type = AMQPC_COMPOSITE_OPEN};
    size_t size = 0;
    open.as.open.present = AMQPC_OPEN_CONTAINER_ID;
    open.as.open.container_id = (amqpc_bytes){"raw", 3};
    if (idle_timeout_ms > 0) {
        open.as.open.present |= AMQPC_OPEN_IDLE_TIME_OUT;
        open.as.open.idle_time_out = idle_timeout_ms;
    }
    assert_true(capacity >= sizeof header);
    memcpy(data, header, sizeof header);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &open, data + sizeof header,
                                       capacity - sizeof header, &size),
                     AMQPC_OK);
    return sizeof header + size;
}

size_t raw_peer_close_frame(uint8_t *data, size_t capacity)
{
    const amqpc_performative close = {.type = AMQPC_COMPOSITE_CLOSE};
    size_t size = 0;
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &close, data, capacity, &size),
                     AMQPC_OK);
    return size;
}
