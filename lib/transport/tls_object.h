/* What the files of TLS share: contexts (tls_context.c) and streams (tls_stream.c). */
#ifndef AMQPCI_TRANSPORT_TLS_OBJECT_H
#define AMQPCI_TRANSPORT_TLS_OBJECT_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "transport/tls.h"

enum {
    AMQPCI_TLS_RECORD_SIZE = 16384,       /* of its plaintext, at most (RFC 8446 5.1) */
    AMQPCI_TLS_RECORD_ROOM = 16384 + 512, /* encrypted; with a KeyUpdate before it */
    /* Sent by one call of the system. Measured on loopback, CPU of the sender for a byte: one
     * record 0.52 to 0.58 ns, three 0.45 to 0.47; four, which TCP does not send as one, 0.59. */
    AMQPCI_TLS_OUTPUT_SIZE = 3 * AMQPCI_TLS_RECORD_ROOM,
    AMQPCI_TLS_BUFFER_SIZE = AMQPCI_TLS_OUTPUT_SIZE + AMQPCI_TLS_RECORD_SIZE,
    AMQPCI_TLS_SPARE_COUNT = 4,
    AMQPCI_TLS_SESSION_COUNT = 32,
    AMQPCI_TLS_REASON_SIZE = 256,
    AMQPCI_TLS_ALPN_SIZE = 255
};

/* Tickets of servers, the newest before `next`; a client's. Several threads use them. */
typedef struct amqpci_tls_sessions {
    pthread_mutex_t mutex;
    bool is_on;
    unsigned next;
    struct amqpci_tls_session {
        char *host;
        SSL_SESSION *session;
    } entries[AMQPCI_TLS_SESSION_COUNT];
} amqpci_tls_sessions;

/* key_records  after so many records a stream changes the key that it sends with (RFC 8446 5.5:
 *              AES-GCM may have 2^24.5)
 * spares       buffers of AMQPCI_TLS_BUFFER_SIZE that no stream uses: idle ones have none
 * alpn         as the protocol has it: a byte for the size, then the name; then NUL */
struct amqpc_tls {
    amqpc_allocator allocator;
    atomic_size_t references;
    SSL_CTX *context;
    BIO_METHOD *method;
    bool is_server;
    bool verify_peer;
    bool verify_host;
    uint32_t key_records;
    amqpci_tls_sessions sessions;
    _Atomic(uint8_t *) spares[AMQPCI_TLS_SPARE_COUNT];
    unsigned alpn_size; /* of the whole; 0 for none */
    unsigned char alpn[AMQPCI_TLS_ALPN_SIZE + 2];
};

/* Encrypted bytes on their way between OpenSSL and the socket: `begin` up to `end` wait. Of output,
 * what is behind AMQPCI_TLS_OUTPUT_SIZE is where a record's plaintext is put together. */
typedef struct amqpci_tls_bytes {
    uint8_t *data; /* NULL, or AMQPCI_TLS_BUFFER_SIZE of the context's */
    size_t begin;
    size_t end;
} amqpci_tls_bytes;

/* base            what transports see
 * failure         of a stream that is broken for good; AMQPC_OK as long as it is not
 * output_failure  why OpenSSL could not write; AMQPC_OK where it could
 * owed            bytes of the caller that are encrypted in `output`, and not said to be taken
 * allowance       what records without data may still cost
 * key_records     until the key is changed
 * alert           the peer's last, or -1
 * is_ended        the socket has said so
 * is_full         the last receiving filled the buffer: the socket may have more
 * host            a client's name of the server, as it is verified; without it "" */
typedef struct amqpci_tls_stream {
    amqpci_stream base;
    amqpc_allocator allocator;
    amqpc_tls *tls;
    SSL *ssl;
    amqpci_tls_bytes input;
    amqpci_tls_bytes output;
    size_t owed;
    amqpc_status failure;
    amqpc_status output_failure;
    uint32_t allowance;
    uint32_t key_records;
    int alert;
    bool is_established;
    bool is_ended;
    bool is_full;
    char *peer_subject;
    char reason[AMQPCI_TLS_REASON_SIZE];
    char host[];
} amqpci_tls_stream;

static inline amqpci_tls_stream *amqpci_tls_stream_of(const SSL *ssl)
{
    return (amqpci_tls_stream *)SSL_get_app_data(ssl);
}

/* Has the streams of a context check certificates, and watch the records: tls_stream.c. */
void amqpci_tls_stream_prepare(amqpc_tls *tls);

/* Ends a stream for good: its status, which is also returned, and its reason come from OpenSSL's
 * last call. tls_reason.c */
amqpc_status amqpci_tls_stream_fail(amqpci_tls_stream *stream);

/* --- Names of servers: tls_host.c. */

/* Has a client's handshake ask for a host (RFC 6066 3), and its certificate be checked for it (RFC
 * 6125). False: no memory, or not a host. */
bool amqpci_tls_host_set(const amqpc_tls *tls, SSL *ssl, const char *host);

/* --- Buffers and the socket: tls_bytes.c. */

/* The way of OpenSSL to a stream's bytes. NULL: no memory. */
BIO_METHOD *amqpci_tls_method_new(void);

/* Sees to it that there is a buffer. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_tls_bytes_reserve(amqpci_tls_stream *stream,
                                                  amqpci_tls_bytes *bytes);

/* Gives the buffer back where nothing waits in it. */
void amqpci_tls_bytes_release(amqpci_tls_stream *stream, amqpci_tls_bytes *bytes);

/* Sends the output. AMQPC_NEED_MORE while some waits; AMQPC_SOCKET_ERROR. */
AMQPC_CHECK amqpc_status amqpci_tls_bytes_send(amqpci_tls_stream *stream);

/* Receives once into the input, which is empty. AMQPC_OK, also at the end of the stream
 * (`is_ended`); AMQPC_NEED_MORE, AMQPC_SOCKET_ERROR, AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_tls_bytes_receive(amqpci_tls_stream *stream);

/* --- Whom to trust: tls_trust.c. The statuses and reasons are amqpc_tls_new's. */

/* Where certificates of authorities are looked for.
 *
 * file, folder    where OpenSSL was built to look; the environment's names come before them
 * others          files and folders of well-known systems, ended by NULL */
typedef struct amqpci_tls_places {
    const char *file;
    const char *folder;
    const char *const *others;
} amqpci_tls_places;

AMQPC_CHECK amqpc_status amqpci_tls_trust_file(SSL_CTX *context, const char *path, char *reason,
                                               size_t reason_size);

/* places  NULL for this system's */
AMQPC_CHECK amqpc_status amqpci_tls_trust_system(SSL_CTX *context, const amqpci_tls_places *places,
                                                 char *reason, size_t reason_size);

/* --- Sessions that can be resumed: tls_sessions.c. */

AMQPC_CHECK amqpc_status amqpci_tls_sessions_init(amqpci_tls_sessions *sessions, bool is_on);

void amqpci_tls_sessions_clean_up(amqpci_tls_sessions *sessions, const amqpc_allocator *allocator);

/* Takes the session over where it returns true. A host without memory for its name has none. */
bool amqpci_tls_sessions_put(amqpci_tls_sessions *sessions, const amqpc_allocator *allocator,
                             const char *host, SSL_SESSION *session);

/* The newest of a host, for the caller to free; NULL for none. Those of TLS 1.3 are given once (RFC
 * 8446 C.4). */
SSL_SESSION *amqpci_tls_sessions_take(amqpci_tls_sessions *sessions,
                                      const amqpc_allocator *allocator, const char *host);

/* --- Texts for people: tls_reason.c. */

/* Writes a reason, ended by NUL, cut where it is longer. */
void amqpci_tls_reason(char *reason, size_t reason_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Why a certificate is not trusted, within a callback of the verification.
 *
 * host  that the certificate should have been for; "" for none */
void amqpci_tls_reason_certificate(char *reason, size_t reason_size, X509_STORE_CTX *verification,
                                   const char *host);

/* OpenSSL's words for its last error, without a context. */
const char *amqpci_tls_reason_openssl(void);

/* The subject of a certificate (RFC 2253, UTF-8); NULL: no memory. */
char *amqpci_tls_subject(const amqpc_allocator *allocator, const X509 *certificate);

#endif
