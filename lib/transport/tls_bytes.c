/* Encrypted bytes between OpenSSL and the socket.
 *
 * OpenSSL sees memory only: what it writes is collected, so that several records are sent by one
 * call of the system, and what it reads comes from a buffer that one call has filled with several.
 * So it never waits for a socket in the middle of a record, and SIGPIPE is never raised. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "transport/tls_object.h"

amqpc_status amqpci_tls_bytes_reserve(amqpci_tls_stream *stream, amqpci_tls_bytes *bytes)
{
    amqpc_tls *tls = stream->tls;
    for (unsigned i = 0; bytes->data == NULL && i < AMQPCI_TLS_SPARE_COUNT; i++) {
        bytes->data = atomic_exchange(&tls->spares[i], NULL);
    }
    if (bytes->data == NULL) {
        bytes->data =
            (uint8_t *)tls->allocator.allocate(tls->allocator.context, AMQPCI_TLS_BUFFER_SIZE);
    }
    return bytes->data != NULL ? AMQPC_OK : AMQPC_NO_MEMORY;
}

void amqpci_tls_bytes_release(amqpci_tls_stream *stream, amqpci_tls_bytes *bytes)
{
    if (bytes->data == NULL || bytes->begin < bytes->end) {
        return;
    }
    amqpc_tls *tls = stream->tls;
    uint8_t *data = bytes->data;
    *bytes = (amqpci_tls_bytes){0};
    for (unsigned i = 0; i < AMQPCI_TLS_SPARE_COUNT; i++) {
        uint8_t *none = NULL;
        if (atomic_compare_exchange_strong(&tls->spares[i], &none, data)) {
            return;
        }
    }
    amqpci_release(&tls->allocator, data);
}

amqpc_status amqpci_tls_bytes_send(amqpci_tls_stream *stream)
{
    amqpci_tls_bytes *output = &stream->output;
    while (output->begin < output->end) {
        ssize_t sent = send(stream->base.descriptor, output->data + output->begin,
                            output->end - output->begin, MSG_NOSIGNAL);
        stream->base.writes++;
        if (sent >= 0) {
            output->begin += (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return AMQPC_NEED_MORE;
        } else if (errno != EINTR) {
            stream->base.system_error = errno;
            return AMQPC_SOCKET_ERROR;
        }
    }
    output->begin = 0;
    output->end = 0;
    return AMQPC_OK;
}

amqpc_status amqpci_tls_bytes_receive(amqpci_tls_stream *stream)
{
    amqpci_tls_bytes *input = &stream->input;
    amqpc_status status = amqpci_tls_bytes_reserve(stream, input);
    if (status != AMQPC_OK) {
        return status;
    }
    ssize_t size;
    do {
        size = recv(stream->base.descriptor, input->data, AMQPCI_TLS_BUFFER_SIZE, 0);
        stream->base.reads++;
    } while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return AMQPC_NEED_MORE;
    }
    if (size < 0) {
        stream->base.system_error = errno;
        return AMQPC_SOCKET_ERROR;
    }
    input->begin = 0;
    input->end = (size_t)size;
    stream->is_ended = size == 0;
    stream->is_full = size == AMQPCI_TLS_BUFFER_SIZE;
    return AMQPC_OK;
}

static int give_input(BIO *bio, char *data, size_t capacity, size_t *size)
{
    amqpci_tls_stream *stream = (amqpci_tls_stream *)BIO_get_data(bio);
    amqpci_tls_bytes *input = &stream->input;
    BIO_clear_retry_flags(bio);
    if (stream->allowance == 0) {
        return 0; /* no more is read: OpenSSL would go on from record to record */
    }
    size_t count = input->end - input->begin;
    count = count < capacity ? count : capacity;
    if (count == 0) {
        if (!stream->is_ended) {
            BIO_set_retry_read(bio);
        }
        return 0;
    }
    memcpy(data, input->data + input->begin, count);
    input->begin += count;
    *size = count;
    return 1;
}

/* There is room, but for flights of a handshake that are longer than the buffer. */
static int take_output(BIO *bio, const char *data, size_t size, size_t *taken)
{
    amqpci_tls_stream *stream = (amqpci_tls_stream *)BIO_get_data(bio);
    amqpci_tls_bytes *output = &stream->output;
    BIO_clear_retry_flags(bio);
    amqpc_status status = amqpci_tls_bytes_reserve(stream, output);
    if (status == AMQPC_OK && size > AMQPCI_TLS_OUTPUT_SIZE - output->end) {
        status = amqpci_tls_bytes_send(stream);
    }
    if (status == AMQPC_NEED_MORE) {
        BIO_set_retry_write(bio);
    } else {
        stream->output_failure = status;
    }
    if (status != AMQPC_OK) {
        return 0;
    }
    size_t room = AMQPCI_TLS_OUTPUT_SIZE - output->end;
    size_t count = size < room ? size : room;
    memcpy(output->data + output->end, data, count);
    output->end += count;
    *taken = count;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    const amqpci_tls_stream *stream = (const amqpci_tls_stream *)BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH: /* whoever called OpenSSL sends */
        return 1;
    case BIO_CTRL_EOF:
        return stream->is_ended && stream->input.begin == stream->input.end;
    default:
        return 0;
    }
}

static int create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *amqpci_tls_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "libamqpcodec");
    if (method == NULL || BIO_meth_set_read_ex(method, give_input) != 1 ||
        BIO_meth_set_write_ex(method, take_output) != 1 ||
        BIO_meth_set_ctrl(method, control) != 1 || BIO_meth_set_create(method, create) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}
