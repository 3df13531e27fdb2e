/* Two ends of TLS in one thread, over sockets, and the files of certificates that they use. */
#ifndef TESTS_TRANSPORT_TLS_FIXTURE_H
#define TESTS_TRANSPORT_TLS_FIXTURE_H

#include <openssl/ssl.h>

#include "support/certificates.h"
#include "transport/tls.h"

enum { TLS_PATH_SIZE = 128 };

/* Files in PEM, below a folder of the test's.
 *
 * ca, public_ca     two authorities, of which `ca` signs all but one
 * server            for localhost, 127.0.0.1 and ::1: certificate and key
 * server_key        the key alone, and server_certificate
 * locked_key        the key of the server, encrypted by "secret"
 * other_host        for example.org and *.example.net
 * expired, future   for localhost
 * public_server     for localhost, signed by public_ca
 * client            of CN=client é,O=Tests
 * stranger          a client's, signed by public_ca
 * absent            there is no such file
 * nonsense          no PEM */
typedef struct tls_files {
    char folder[TLS_PATH_SIZE];
    char ca[TLS_PATH_SIZE];
    char public_ca[TLS_PATH_SIZE];
    char server[TLS_PATH_SIZE];
    char server_key[TLS_PATH_SIZE];
    char server_certificate[TLS_PATH_SIZE];
    char locked_key[TLS_PATH_SIZE];
    char other_host[TLS_PATH_SIZE];
    char expired[TLS_PATH_SIZE];
    char future[TLS_PATH_SIZE];
    char public_server[TLS_PATH_SIZE];
    char client[TLS_PATH_SIZE];
    char stranger[TLS_PATH_SIZE];
    char absent[TLS_PATH_SIZE];
    char nonsense[TLS_PATH_SIZE];
} tls_files;

/* Made once for a program; removed by tls_files_remove. For cmocka's group. */
extern tls_files tls_test_files;
int tls_files_make(void **state);
int tls_files_remove(void **state);

/* A client's options that trust `ca`, and a server's that show `certificate`. */
amqpc_tls_options tls_client_options(void);
amqpc_tls_options tls_server_options(const char *certificate);

/* Contexts that have to come to be; allocator NULL for the C library's. */
amqpc_tls *tls_make(uint32_t role, const amqpc_tls_options *options);
amqpc_tls *tls_make_client(void);
amqpc_tls *tls_make_server(void);

enum { TLS_CLIENT = 0, TLS_SERVER = 1 };

/* Two connected ends.
 *
 * streams       client and server, by TLS_CLIENT and TLS_SERVER; NULL where the test has an end of
 *               its own
 * sockets       of the streams
 * relay         what the sockets are connected to, where bytes are moved by tls_relay
 * relay_size    most bytes that a round moves each way; 0: the sockets are connected directly
 * statuses      of the last call of each end */
typedef struct tls_pair {
    amqpci_stream *streams[2];
    int sockets[2];
    int relay[2];
    size_t relay_size;
    amqpc_status statuses[2];
} tls_pair;

/* Sockets alone, with small buffers where asked. */
void tls_pair_open(tls_pair *pair, size_t relay_size, bool is_small);

/* Sockets and both streams, for a host. */
void tls_pair_make(tls_pair *pair, amqpc_tls *client, amqpc_tls *server, const char *host,
                   size_t relay_size);

/* Moves what the relay holds, at most relay_size bytes each way. Does nothing without a relay. */
void tls_relay(tls_pair *pair);

/* Goes on until both handshakes are over, well or not. */
void tls_pair_handshake(tls_pair *pair);

/* Makes, and shakes hands, which has to go well. */
void tls_pair_connect(tls_pair *pair, amqpc_tls *client, amqpc_tls *server);

/* Reads until something comes of an end; relays meanwhile. Returns the status. */
amqpc_status tls_pair_read(tls_pair *pair, int end, void *data, size_t capacity, size_t *size);

/* A text from one end arrives at the other. */
void tls_pair_say(tls_pair *pair, int from, const char *text);

void tls_pair_close(tls_pair *pair);

/* An end that OpenSSL drives alone, on the pair's socket, against our stream of the other end.
 *
 * version  of TLS, the only one that it speaks; 0 for any */
SSL *tls_raw_make(tls_pair *pair, int end, int version);
void tls_raw_handshake(tls_pair *pair, int end, SSL *raw);
void tls_raw_free(SSL *raw);

#endif
