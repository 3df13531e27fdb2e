/* Two ends of TLS in one thread. */
#define _POSIX_C_SOURCE 200809L

#include "transport/tls_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS_MAX = 1000000 };

tls_files tls_test_files;

static const struct {
    size_t offset;
    const char *name;
} file_names[] = {
#define FILE_NAME(member)                                                                          \
    {                                                                                              \
        offsetof(tls_files, member), #member ".pem"                                                \
    }
    FILE_NAME(ca),
    FILE_NAME(public_ca),
    FILE_NAME(server),
    FILE_NAME(server_key),
    FILE_NAME(server_certificate),
    FILE_NAME(locked_key),
    FILE_NAME(other_host),
    FILE_NAME(expired),
    FILE_NAME(future),
    FILE_NAME(public_server),
    FILE_NAME(client),
    FILE_NAME(stranger),
    FILE_NAME(absent),
    FILE_NAME(nonsense),
};

static const char *path_of(size_t index)
{
    return (const char *)&tls_test_files + file_names[index].offset;
}

static void write_signed(const char *path, const char *common_name, const char *names,
                         const certified *issuer, int from_day, int to_day)
{
    const certificate_request request = {.common_name = common_name,
                                         .names = names,
                                         .issuer = issuer,
                                         .from_day = from_day,
                                         .to_day = to_day};
    certified made = certificate_make(&request);
    certificate_write(&made, path, true, true, NULL);
    certificate_free(&made);
}

static void write_server(const certified *issuer)
{
    const certificate_request request = {
        .common_name = "server", .names = "DNS:localhost, IP:127.0.0.1, IP:::1", .issuer = issuer};
    certified made = certificate_make(&request);
    certificate_write(&made, tls_test_files.server, true, true, NULL);
    certificate_write(&made, tls_test_files.server_certificate, true, false, NULL);
    certificate_write(&made, tls_test_files.server_key, false, true, NULL);
    certificate_write(&made, tls_test_files.locked_key, false, true, "secret");
    certificate_free(&made);
}

int tls_files_make(void **state)
{
    (void)state;
    tls_files *files = &tls_test_files;
    strcpy(files->folder, "/tmp/amqpcodec-tls-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    for (size_t i = 0; i < sizeof file_names / sizeof file_names[0]; i++) {
        snprintf((char *)files + file_names[i].offset, TLS_PATH_SIZE, "%s/%s", files->folder,
                 file_names[i].name);
    }
    certified ca = certificate_make(
        &(certificate_request){.common_name = "private authority", .is_authority = true});
    certified public_ca = certificate_make(
        &(certificate_request){.common_name = "public authority", .is_authority = true});
    certificate_write(&ca, files->ca, true, false, NULL);
    certificate_write(&public_ca, files->public_ca, true, false, NULL);
    write_server(&ca);
    write_signed(files->other_host, "other", "DNS:example.org, DNS:*.example.net", &ca, 0, 0);
    write_signed(files->expired, "server", "DNS:localhost", &ca, -9, -2);
    write_signed(files->future, "server", "DNS:localhost", &ca, 2, 9);
    write_signed(files->public_server, "server", "DNS:localhost", &public_ca, 0, 0);
    write_signed(files->client, "client \xc3\xa9", NULL, &ca, 0, 0);
    write_signed(files->stranger, "stranger", NULL, &public_ca, 0, 0);
    certificate_free(&ca);
    certificate_free(&public_ca);
    FILE *file = fopen(files->nonsense, "w");
    assert_non_null(file);
    fputs("nothing of use\n", file);
    assert_int_equal(fclose(file), 0);
    return 0;
}

int tls_files_remove(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof file_names / sizeof file_names[0]; i++) {
        (void)unlink(path_of(i));
    }
    return rmdir(tls_test_files.folder);
}

amqpc_tls_options tls_client_options(void)
{
    amqpc_tls_options options;
    amqpc_tls_options_init(&options, AMQPC_CLIENT, sizeof options);
    options.ca = tls_test_files.ca;
    return options;
}

amqpc_tls_options tls_server_options(const char *certificate)
{
    amqpc_tls_options options;
    amqpc_tls_options_init(&options, AMQPC_SERVER, sizeof options);
    options.certificate = certificate;
    return options;
}

amqpc_tls *tls_make(uint32_t role, const amqpc_tls_options *options)
{
    amqpc_tls *tls = NULL;
    char reason[256] = "";
    if (amqpc_tls_new(NULL, role, options, &tls, reason, sizeof reason) != AMQPC_OK) {
        fail_msg("%s", reason);
    }
    assert_int_equal(ERR_peek_error(), 0);
    return tls;
}

amqpc_tls *tls_make_client(void)
{
    amqpc_tls_options options = tls_client_options();
    return tls_make(AMQPC_CLIENT, &options);
}

amqpc_tls *tls_make_server(void)
{
    amqpc_tls_options options = tls_server_options(tls_test_files.server);
    return tls_make(AMQPC_SERVER, &options);
}

static void prepare(int socket, bool is_small)
{
    assert_int_equal(fcntl(socket, F_SETFL, O_NONBLOCK), 0);
    if (is_small) {
        int size = 1; /* the system's least */
        assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    }
}

void tls_pair_open(tls_pair *pair, size_t relay_size, bool is_small)
{
    *pair = (tls_pair){.relay = {-1, -1}, .relay_size = relay_size};
    if (relay_size == 0) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair->sockets), 0);
    } else {
        for (int end = 0; end < 2; end++) {
            int both[2];
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
            pair->sockets[end] = both[0];
            pair->relay[end] = both[1];
            prepare(both[1], is_small);
        }
    }
    prepare(pair->sockets[0], is_small);
    prepare(pair->sockets[1], is_small);
}

void tls_pair_make(tls_pair *pair, amqpc_tls *client, amqpc_tls *server, const char *host,
                   size_t relay_size)
{
    tls_pair_open(pair, relay_size, false);
    assert_int_equal(amqpci_tls_stream_new(client, NULL, pair->sockets[TLS_CLIENT], host,
                                           &pair->streams[TLS_CLIENT]),
                     AMQPC_OK);
    assert_int_equal(amqpci_tls_stream_new(server, NULL, pair->sockets[TLS_SERVER], NULL,
                                           &pair->streams[TLS_SERVER]),
                     AMQPC_OK);
    assert_int_equal(ERR_peek_error(), 0);
}

/* What does not fit waits in the first socket: nothing is read that cannot be written. */
static void move(int from, int to, size_t size)
{
    char bytes[65536];
    size = size < sizeof bytes ? size : sizeof bytes;
    ssize_t there = recv(from, bytes, size, MSG_PEEK);
    if (there == 0) {
        (void)shutdown(to, SHUT_WR);
    }
    if (there > 0) {
        ssize_t sent = send(to, bytes, (size_t)there, MSG_NOSIGNAL);
        if (sent > 0) {
            assert_int_equal(recv(from, bytes, (size_t)sent, 0), sent);
        }
    }
}

void tls_relay(tls_pair *pair)
{
    if (pair->relay_size > 0) {
        move(pair->relay[0], pair->relay[1], pair->relay_size);
        move(pair->relay[1], pair->relay[0], pair->relay_size);
    }
}

void tls_pair_handshake(tls_pair *pair)
{
    pair->statuses[0] = AMQPC_NEED_MORE;
    pair->statuses[1] = AMQPC_NEED_MORE;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        for (int end = 0; end < 2; end++) {
            if (pair->statuses[end] == AMQPC_NEED_MORE) {
                amqpci_stream *stream = pair->streams[end];
                pair->statuses[end] = stream->kind->handshake(stream);
                assert_int_equal(ERR_peek_error(), 0);
            }
            /* Its owner would close the socket now. */
            if (pair->statuses[end] != AMQPC_NEED_MORE && pair->statuses[end] != AMQPC_OK) {
                (void)shutdown(pair->sockets[end], SHUT_RDWR);
            }
        }
        if (pair->statuses[0] != AMQPC_NEED_MORE && pair->statuses[1] != AMQPC_NEED_MORE) {
            return;
        }
        tls_relay(pair);
    }
    fail_msg("the handshakes do not end");
}

void tls_pair_connect(tls_pair *pair, amqpc_tls *client, amqpc_tls *server)
{
    tls_pair_make(pair, client, server, "localhost", 0);
    tls_pair_handshake(pair);
    assert_int_equal(pair->statuses[TLS_CLIENT], AMQPC_OK);
    assert_int_equal(pair->statuses[TLS_SERVER], AMQPC_OK);
}

amqpc_status tls_pair_read(tls_pair *pair, int end, void *data, size_t capacity, size_t *size)
{
    amqpci_stream *stream = pair->streams[end];
    amqpc_status status = AMQPC_NEED_MORE;
    for (int round = 0; status == AMQPC_NEED_MORE; round++) {
        assert_true(round < ROUNDS_MAX);
        status = stream->kind->read(stream, data, capacity, size);
        assert_int_equal(ERR_peek_error(), 0);
        tls_relay(pair);
    }
    return status;
}

void tls_pair_say(tls_pair *pair, int from, const char *text)
{
    amqpci_stream *stream = pair->streams[from];
    amqpc_bytes vector = {text, strlen(text)};
    size_t size = 0;
    assert_int_equal(stream->kind->write(stream, &vector, 1, &size), AMQPC_OK);
    assert_int_equal(size, vector.size);
    char heard[64];
    assert_int_equal(tls_pair_read(pair, 1 - from, heard, sizeof heard, &size), AMQPC_OK);
    assert_int_equal(size, vector.size);
    assert_memory_equal(heard, text, size);
}

void tls_pair_close(tls_pair *pair)
{
    for (int end = 0; end < 2; end++) {
        if (pair->streams[end] != NULL) {
            pair->streams[end]->kind->release(pair->streams[end]);
        }
        if (pair->sockets[end] >= 0) {
            close(pair->sockets[end]);
        }
        if (pair->relay[end] >= 0) {
            close(pair->relay[end]);
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
}

SSL *tls_raw_make(tls_pair *pair, int end, int version)
{
    SSL_CTX *context = SSL_CTX_new(end == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    assert_non_null(context);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (end == TLS_SERVER) {
        assert_int_equal(
            SSL_CTX_use_certificate_file(context, tls_test_files.server, SSL_FILETYPE_PEM), 1);
        assert_int_equal(
            SSL_CTX_use_PrivateKey_file(context, tls_test_files.server, SSL_FILETYPE_PEM), 1);
    }
    SSL *raw = SSL_new(context);
    SSL_CTX_free(context);
    assert_non_null(raw);
    assert_int_equal(SSL_set_fd(raw, pair->sockets[end]), 1);
    if (end == TLS_SERVER) {
        SSL_set_accept_state(raw);
    } else {
        SSL_set_connect_state(raw);
    }
    return raw;
}

void tls_raw_handshake(tls_pair *pair, int end, SSL *raw)
{
    amqpci_stream *stream = pair->streams[1 - end];
    amqpc_status status = AMQPC_NEED_MORE;
    int result = 0;
    for (int round = 0; status == AMQPC_NEED_MORE || result != 1; round++) {
        assert_true(round < ROUNDS_MAX);
        if (result != 1) {
            result = SSL_do_handshake(raw);
            assert_true(result == 1 || SSL_get_error(raw, result) == SSL_ERROR_WANT_READ);
        }
        if (status == AMQPC_NEED_MORE) {
            status = stream->kind->handshake(stream);
        }
    }
    assert_int_equal(status, AMQPC_OK);
}

void tls_raw_free(SSL *raw)
{
    SSL_free(raw);
    ERR_clear_error();
}
