/* Streams of TLS.
 *
 * What a caller wants to write is encrypted in records as full as they can be (measured: 878
 * thousand messages of 1 KiB a second, against 100 thousand with a record for each), several of
 * which are collected (tls_bytes.c) and sent at once. Bytes count as taken when all that was
 * collected is sent: what the socket did not take is `owed`, and is skipped when it comes again.
 *
 * A peer may not keep this end busy with records that carry no data, such as those of KeyUpdate:
 * each uses up some allowance, which data gives back. */
#define _POSIX_C_SOURCE 200809L

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "transport/tls_object.h"

enum {
    ALLOWANCE_MAX = 512, /* 32 records without data in a row */
    ALLOWANCE_RECORD = 16,
    ALLOWANCE_BYTES = 1024 /* of data, which give back one */
};

static amqpci_tls_stream *of(amqpci_stream *base)
{
    return (amqpci_tls_stream *)base;
}

/* --- What OpenSSL tells. */

static int check_certificate(int is_good, X509_STORE_CTX *verification)
{
    if (!is_good) {
        const SSL *ssl = (const SSL *)X509_STORE_CTX_get_ex_data(
            verification, SSL_get_ex_data_X509_STORE_CTX_idx());
        amqpci_tls_stream *stream = amqpci_tls_stream_of(ssl);
        amqpci_tls_reason_certificate(stream->reason, sizeof stream->reason, verification,
                                      stream->host);
    }
    return is_good;
}

/* Called for every record and message, both ways. */
static void watch_records(int is_written, int version, int kind, const void *data, size_t size,
                          SSL *ssl, void *argument)
{
    (void)version;
    (void)argument;
    const unsigned char *bytes = (const unsigned char *)data;
    amqpci_tls_stream *stream = amqpci_tls_stream_of(ssl);
    if (is_written || size == 0) {
        return;
    }
    if (kind == SSL3_RT_ALERT && size > 1 && bytes[1] != SSL_AD_CLOSE_NOTIFY) {
        stream->alert = bytes[1];
    }
    /* Until TLS 1.2 a record's type stands in its header, from TLS 1.3 on within. */
    bool is_type = kind == SSL3_RT_HEADER || kind == SSL3_RT_INNER_CONTENT_TYPE;
    if (is_type && bytes[0] != SSL3_RT_APPLICATION_DATA && stream->is_established) {
        bool is_left = stream->allowance > ALLOWANCE_RECORD;
        stream->allowance = is_left ? stream->allowance - ALLOWANCE_RECORD : 0;
    }
}

void amqpci_tls_stream_prepare(amqpc_tls *tls)
{
    int mode = tls->is_server ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER;
    if (tls->verify_peer) {
        SSL_CTX_set_verify(tls->context, mode, check_certificate);
    }
    SSL_CTX_set_msg_callback(tls->context, watch_records);
}

/* --- Ends of calls. */

/* Idle streams have no buffers. */
static amqpc_status wait(amqpci_tls_stream *stream, bool for_read)
{
    stream->base.waits_read = for_read;
    stream->base.waits_write = stream->output.begin < stream->output.end;
    amqpci_tls_bytes_release(stream, &stream->input);
    amqpci_tls_bytes_release(stream, &stream->output);
    return AMQPC_NEED_MORE;
}

/* Sends what waits. AMQPC_NEED_MORE is already told; AMQPC_SOCKET_ERROR. */
static amqpc_status drain(amqpci_tls_stream *stream, bool for_read)
{
    amqpc_status status = amqpci_tls_bytes_send(stream);
    return status == AMQPC_NEED_MORE ? wait(stream, for_read) : status;
}

/* --- Handshake. */

/* What both ends have agreed on. */
static amqpc_status establish(amqpci_tls_stream *stream)
{
    const unsigned char *protocol = NULL;
    unsigned size = 0;
    const amqpc_tls *tls = stream->tls;
    /* Older releases of OpenSSL 3 do not check what a server chose. */
    SSL_get0_alpn_selected(stream->ssl, &protocol, &size);
    if (size > 0 && (size + 1 != tls->alpn_size || memcmp(protocol, tls->alpn + 1, size) != 0)) {
        amqpci_tls_reason(stream->reason, sizeof stream->reason,
                          "the server chose a protocol that was not offered");
        stream->base.reason = stream->reason;
        stream->failure = AMQPC_TLS_FAILED;
        return stream->failure;
    }
    const X509 *certificate = SSL_get0_peer_certificate(stream->ssl);
    if (certificate != NULL && stream->peer_subject == NULL) {
        stream->peer_subject = amqpci_tls_subject(&stream->allocator, certificate);
        if (stream->peer_subject == NULL) {
            stream->failure = AMQPC_NO_MEMORY;
            return stream->failure;
        }
    }
    stream->is_established = true;
    return AMQPC_OK;
}

/* One step. AMQPC_NEED_MORE: the peer has to say something. */
static amqpc_status step(amqpci_tls_stream *stream)
{
    int result = SSL_do_handshake(stream->ssl);
    if (result == 1) {
        return establish(stream);
    }
    int error = SSL_get_error(stream->ssl, result);
    if (error == SSL_ERROR_WANT_WRITE) {
        return AMQPC_OK;
    }
    return error == SSL_ERROR_WANT_READ ? AMQPC_NEED_MORE : amqpci_tls_stream_fail(stream);
}

static amqpc_status handshake(amqpci_stream *base)
{
    amqpci_tls_stream *stream = of(base);
    ERR_clear_error();
    amqpc_status status = stream->failure;
    while (status == AMQPC_OK) {
        status = drain(stream, false);
        if (status != AMQPC_OK || stream->is_established) {
            break;
        }
        status = step(stream);
        if (status != AMQPC_NEED_MORE) {
            continue;
        }
        status = drain(stream, true);
        if (status == AMQPC_OK) {
            status = amqpci_tls_bytes_receive(stream);
            status = status == AMQPC_NEED_MORE ? wait(stream, true) : status;
        }
    }
    base->has_buffered = stream->input.begin < stream->input.end;
    return status;
}

/* --- Reading. */

/* Reads what has arrived and fits. AMQPC_NEED_MORE where OpenSSL has nothing left, after *taken
 * bytes; AMQPC_OK where the place is full. */
static amqpc_status decrypt(amqpci_tls_stream *stream, uint8_t *data, size_t capacity,
                            size_t *taken)
{
    while (*taken < capacity) {
        size_t size = 0;
        bool is_new = SSL_pending(stream->ssl) == 0;
        if (SSL_read_ex(stream->ssl, data + *taken, capacity - *taken, &size) != 1) {
            int error = SSL_get_error(stream->ssl, 0);
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
                return AMQPC_NEED_MORE;
            }
            return error == SSL_ERROR_ZERO_RETURN ? AMQPC_STREAM_ENDED
                                                  : amqpci_tls_stream_fail(stream);
        }
        *taken += size;
        size_t allowance = stream->allowance + is_new + size / ALLOWANCE_BYTES;
        stream->allowance = allowance < ALLOWANCE_MAX ? (uint32_t)allowance : ALLOWANCE_MAX;
    }
    return AMQPC_OK;
}

/* Once more from the socket. The failure of one that has given something before is told with the
 * next read. */
static amqpc_status receive(amqpci_tls_stream *stream, bool is_first)
{
    /* An alert, or the answer to one. What is owed goes out with the caller's next write. */
    if (is_first && stream->owed == 0 && amqpci_tls_bytes_send(stream) == AMQPC_SOCKET_ERROR) {
        return AMQPC_SOCKET_ERROR;
    }
    amqpc_status status = amqpci_tls_bytes_receive(stream);
    if (status == AMQPC_SOCKET_ERROR && !is_first) {
        stream->failure = status; /* the system tells it once */
    }
    return status;
}

static amqpc_status read_bytes(amqpci_stream *base, void *data, size_t capacity, size_t *size)
{
    amqpci_tls_stream *stream = of(base);
    if (stream->failure != AMQPC_OK) {
        return stream->failure;
    }
    ERR_clear_error();
    base->has_buffered = false;
    size_t taken = 0;
    amqpc_status status = decrypt(stream, (uint8_t *)data, capacity, &taken);
    bool waits = false;
    while (status == AMQPC_NEED_MORE && !waits && (taken == 0 || stream->is_full)) {
        status = receive(stream, taken == 0);
        waits = status == AMQPC_NEED_MORE;
        if (status == AMQPC_OK) {
            status = decrypt(stream, (uint8_t *)data, capacity, &taken);
        }
    }
    if (taken == 0) {
        return waits ? wait(stream, true) : status;
    }
    /* What ended the stream is told next time. */
    base->has_buffered =
        status != AMQPC_NEED_MORE && (status != AMQPC_OK || SSL_pending(stream->ssl) > 0 ||
                                      stream->input.begin < stream->input.end);
    *size = taken;
    amqpci_tls_bytes_release(stream, &stream->input);
    return AMQPC_OK;
}

/* --- Writing. */

/* What of the caller's vectors is left. */
typedef struct cursor {
    const amqpc_bytes *vectors;
    size_t count;
    size_t offset; /* in the first */
} cursor;

static void skip(cursor *at, size_t size)
{
    while (at->count > 0 && size >= at->vectors->size - at->offset) {
        size -= at->vectors->size - at->offset;
        at->offset = 0;
        at->vectors++;
        at->count--;
    }
    assert(at->count > 0 || size == 0); /* bytes that were not taken come again */
    at->offset += size;
}

/* The next record's plaintext: where it lies, or, of several vectors, put together in `room`. */
static amqpc_bytes next_record(const cursor *at, uint8_t *room)
{
    size_t left = at->vectors->size - at->offset;
    const uint8_t *data = (const uint8_t *)at->vectors->data + at->offset;
    if (left >= AMQPCI_TLS_RECORD_SIZE || at->count == 1) {
        return (amqpc_bytes){data, left < AMQPCI_TLS_RECORD_SIZE ? left : AMQPCI_TLS_RECORD_SIZE};
    }
    size_t used = 0;
    for (size_t i = 0; i < at->count && used < AMQPCI_TLS_RECORD_SIZE; i++) {
        size_t offset = i == 0 ? at->offset : 0;
        size_t size = at->vectors[i].size - offset;
        size = size < AMQPCI_TLS_RECORD_SIZE - used ? size : AMQPCI_TLS_RECORD_SIZE - used;
        memcpy(room + used, (const uint8_t *)at->vectors[i].data + offset, size);
        used += size;
    }
    return (amqpc_bytes){room, used};
}

static void change_key(amqpci_tls_stream *stream)
{
    stream->key_records = stream->tls->key_records;
    if (SSL_version(stream->ssl) >= TLS1_3_VERSION) {
        SSL_key_update(stream->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
    }
}

/* Encrypts as many records as are sent at once. AMQPC_NEED_MORE: OpenSSL has to read first. */
static amqpc_status encrypt(amqpci_tls_stream *stream, cursor *at)
{
    amqpc_status status = AMQPC_OK;
    amqpci_tls_bytes *output = &stream->output;
    if (at->count > 0) {
        status = amqpci_tls_bytes_reserve(stream, output);
    }
    while (status == AMQPC_OK && at->count > 0 &&
           output->end + AMQPCI_TLS_RECORD_ROOM <= AMQPCI_TLS_OUTPUT_SIZE) {
        amqpc_bytes record = next_record(at, output->data + AMQPCI_TLS_OUTPUT_SIZE);
        size_t size = 0;
        if (stream->key_records-- == 0) {
            change_key(stream);
        }
        if (SSL_write_ex(stream->ssl, record.data, record.size, &size) != 1) {
            bool waits = SSL_get_error(stream->ssl, 0) == SSL_ERROR_WANT_READ;
            return waits ? AMQPC_NEED_MORE : amqpci_tls_stream_fail(stream);
        }
        stream->owed += size;
        skip(at, size);
    }
    return status;
}

static amqpc_status write_bytes(amqpci_stream *base, const amqpc_bytes *vectors, size_t count,
                                size_t *size)
{
    amqpci_tls_stream *stream = of(base);
    *size = 0;
    if (stream->failure != AMQPC_OK) {
        return stream->failure;
    }
    ERR_clear_error();
    cursor at = {vectors, count, 0};
    skip(&at, stream->owed);
    amqpc_status status = AMQPC_OK;
    do {
        amqpc_status sent = drain(stream, false);
        if (sent != AMQPC_OK) {
            return sent;
        }
        *size += stream->owed;
        stream->owed = 0;
        if (status != AMQPC_OK || at.count == 0) {
            break;
        }
        status = encrypt(stream, &at);
    } while (stream->owed > 0 || status == AMQPC_OK);
    if (status == AMQPC_NEED_MORE) {
        return wait(stream, true);
    }
    amqpci_tls_bytes_release(stream, &stream->output);
    return status;
}

/* --- The end. */

/* Both ends of TLS close on their own (RFC 8446 6.1): this end's reading goes on. */
static amqpc_status shut_down(amqpci_stream *base)
{
    amqpci_tls_stream *stream = of(base);
    if (stream->failure != AMQPC_OK) {
        return stream->failure;
    }
    assert(stream->owed == 0);
    ERR_clear_error();
    if ((SSL_get_shutdown(stream->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        amqpc_status status = amqpci_tls_bytes_reserve(stream, &stream->output);
        if (status != AMQPC_OK) {
            return status;
        }
        if (SSL_shutdown(stream->ssl) < 0) {
            return amqpci_tls_stream_fail(stream);
        }
    }
    amqpc_status status = drain(stream, false);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_tls_bytes_release(stream, &stream->output);
    if (shutdown(base->descriptor, SHUT_WR) != 0 && errno != ENOTCONN) {
        base->system_error = errno;
        return AMQPC_SOCKET_ERROR;
    }
    return AMQPC_OK;
}

/* Sends nothing, and leaves the session fit to be resumed, unless TLS itself has failed. */
static void release(amqpci_stream *base)
{
    amqpci_tls_stream *stream = of(base);
    amqpc_allocator allocator = stream->allocator;
    if (stream->is_established && stream->failure != AMQPC_TLS_FAILED) {
        SSL_set_shutdown(stream->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(stream->ssl);
    stream->input.begin = stream->input.end;
    amqpci_tls_bytes_release(stream, &stream->input);
    stream->output.begin = stream->output.end;
    amqpci_tls_bytes_release(stream, &stream->output);
    amqpci_release(&allocator, stream->peer_subject);
    amqpc_tls_free(stream->tls);
    amqpci_release(&allocator, stream);
}

/* --- Making one. */

static bool make_ssl(amqpci_tls_stream *stream)
{
    const amqpc_tls *tls = stream->tls;
    stream->ssl = SSL_new(tls->context);
    BIO *bio = BIO_new(tls->method);
    if (stream->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, stream);
    SSL_set_bio(stream->ssl, bio, bio);
    if (SSL_set_app_data(stream->ssl, stream) != 1) {
        return false;
    }
    if (tls->is_server) {
        SSL_set_accept_state(stream->ssl);
        return true;
    }
    SSL_set_connect_state(stream->ssl);
    return amqpci_tls_host_set(tls, stream->ssl, stream->host);
}

static void resume_session(amqpci_tls_stream *stream)
{
    amqpc_tls *tls = stream->tls;
    SSL_SESSION *session = amqpci_tls_sessions_take(&tls->sessions, &tls->allocator, stream->host);
    if (session != NULL) {
        (void)SSL_set_session(stream->ssl, session);
        SSL_SESSION_free(session);
    }
}

amqpc_status amqpci_tls_stream_new(amqpc_tls *tls, const amqpc_allocator *allocator, int descriptor,
                                   const char *host, amqpci_stream **stream)
{
    static const amqpci_stream_kind kind = {handshake, read_bytes, write_bytes, shut_down, release};
    if (!amqpci_tls_takes_host(tls, host)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const char *name = host != NULL && !tls->is_server ? host : "";
    size_t name_size = strlen(name) + 1;
    amqpc_allocator memory = amqpci_allocator_or_default(allocator);
    amqpci_tls_stream *made = (amqpci_tls_stream *)amqpci_new(&memory, sizeof *made + name_size);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->base = (amqpci_stream){.kind = &kind, .descriptor = descriptor};
    made->allocator = memory;
    made->tls = tls;
    amqpci_tls_retain(tls);
    made->allowance = ALLOWANCE_MAX;
    made->key_records = tls->key_records;
    made->alert = -1;
    memcpy(made->host, name, name_size);
    ERR_clear_error();
    bool is_made = make_ssl(made);
    if (is_made && !tls->is_server) {
        resume_session(made);
    }
    ERR_clear_error();
    if (!is_made) {
        release(&made->base);
        return AMQPC_NO_MEMORY;
    }
    *stream = &made->base;
    return AMQPC_OK;
}

amqpc_status amqpci_tls_stream_get(const amqpci_stream *stream, amqpc_transport_tls *tls)
{
    const amqpci_tls_stream *from = (const amqpci_tls_stream *)stream;
    if (!from->is_established) {
        return AMQPC_NOT_FOUND;
    }
    const unsigned char *protocol = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(from->ssl, &protocol, &size);
    *tls = (amqpc_transport_tls){
        .version = SSL_get_version(from->ssl),
        .cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(from->ssl)),
        .alpn = size > 0 ? (const char *)from->tls->alpn + 1 : "", /* there is no other */
        .peer_subject = from->peer_subject != NULL ? from->peer_subject : "",
        .resumed = SSL_session_reused(from->ssl) == 1,
    };
    return AMQPC_OK;
}
