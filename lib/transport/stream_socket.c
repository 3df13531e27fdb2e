/* Bytes as they are, by recv and sendmsg. */
#define _POSIX_C_SOURCE 200809L
#include "transport/stream_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

_Static_assert(sizeof(amqpc_bytes) == sizeof(struct iovec) &&
                   offsetof(amqpc_bytes, data) == offsetof(struct iovec, iov_base) &&
                   offsetof(amqpc_bytes, size) == offsetof(struct iovec, iov_len),
               "output of the engine is given to the system as it is");

static amqpc_status handshake(amqpci_stream *stream)
{
    (void)stream;
    return AMQPC_OK;
}

static amqpc_status fail(amqpci_stream *stream)
{
    stream->system_error = errno;
    return AMQPC_SOCKET_ERROR;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

static amqpc_status read_bytes(amqpci_stream *stream, void *data, size_t capacity, size_t *size)
{
    ssize_t received = 0;
    do {
        stream->reads++;
        received = recv(stream->descriptor, data, capacity, 0);
    } while (received < 0 && errno == EINTR);
    if (received > 0) {
        *size = (size_t)received;
        return AMQPC_OK;
    }
    if (received == 0) {
        return AMQPC_STREAM_ENDED;
    }
    if (!would_block()) {
        return fail(stream);
    }
    stream->waits_read = true;
    stream->waits_write = false;
    return AMQPC_NEED_MORE;
}

static amqpc_status write_bytes(amqpci_stream *stream, const amqpc_bytes *vectors, size_t count,
                                size_t *size)
{
    const struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)vectors,
        .msg_iovlen = count,
    };
    size_t wanted = 0;
    ssize_t sent = 0;
    for (size_t i = 0; i < count; i++) {
        wanted += vectors[i].size;
    }
    *size = 0;
    do {
        stream->writes++;
        sent = sendmsg(stream->descriptor, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && !would_block()) {
        return fail(stream);
    }
    *size = sent > 0 ? (size_t)sent : 0;
    if (*size == wanted) {
        return AMQPC_OK;
    }
    /* A socket that took a part takes no more: asking it would be in vain. */
    stream->waits_read = false;
    stream->waits_write = true;
    return AMQPC_NEED_MORE;
}

static amqpc_status shut_down(amqpci_stream *stream)
{
    return shutdown(stream->descriptor, SHUT_WR) == 0 ? AMQPC_OK : fail(stream);
}

static void release(amqpci_stream *stream)
{
    (void)stream;
}

static const amqpci_stream_kind kind = {
    .handshake = handshake,
    .read = read_bytes,
    .write = write_bytes,
    .shutdown = shut_down,
    .release = release,
};

void amqpci_stream_socket_init(amqpci_stream *stream, int descriptor)
{
    *stream = (amqpci_stream){.kind = &kind, .descriptor = descriptor};
}
