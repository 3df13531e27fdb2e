/* Streams of TLS against hostile peers, which OpenSSL drives, or which write bytes of their own
 * (hostile-inputs rows 81 to 85, 99). */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/tls_fixture.h"

enum { ROUNDS_MAX = 100000, BIG = 1024 * 1024 };

/* Our end alone, connected to a socket of the test's. */
static amqpci_stream *open_end(tls_pair *pair, int end)
{
    amqpc_tls *tls = end == TLS_CLIENT ? tls_make_client() : tls_make_server();
    tls_pair_open(pair, 0, false);
    assert_int_equal(
        amqpci_tls_stream_new(tls, NULL, pair->sockets[end], "localhost", &pair->streams[end]),
        AMQPC_OK);
    amqpc_tls_free(tls);
    return pair->streams[end];
}

/* Our end, and one of OpenSSL's alone, after their handshake. */
static amqpci_stream *open_raw(tls_pair *pair, int end, int version, SSL **raw)
{
    amqpci_stream *stream = open_end(pair, end);
    *raw = tls_raw_make(pair, 1 - end, version);
    tls_raw_handshake(pair, 1 - end, *raw);
    return stream;
}

static void check_read(tls_pair *pair, int end, const char *expected)
{
    char heard[64];
    size_t size = 0;
    assert_int_equal(tls_pair_read(pair, end, heard, sizeof heard, &size), AMQPC_OK);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(heard, expected, size);
}

static amqpc_status read_byte(amqpci_stream *stream)
{
    char byte;
    size_t size = 0;
    return stream->kind->read(stream, &byte, 1, &size);
}

static void write_text(amqpci_stream *stream, const char *text)
{
    amqpc_bytes vector = {text, strlen(text)};
    size_t size = 0;
    assert_int_equal(stream->kind->write(stream, &vector, 1, &size), AMQPC_OK);
    assert_int_equal(size, vector.size);
}

static void raw_read(SSL *raw, const char *expected)
{
    char heard[64];
    int size = SSL_read(raw, heard, sizeof heard);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(heard, expected, strlen(expected));
}

static void test_row_81_a_stream_without_close_notify_is_cut(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        tls_pair pair;
        SSL *raw = NULL;
        amqpci_stream *stream = open_raw(&pair, TLS_CLIENT, version, &raw);
        assert_int_equal(SSL_write(raw, "last", 4), 4);
        assert_int_equal(shutdown(pair.sockets[TLS_SERVER], SHUT_WR), 0);
        check_read(&pair, TLS_CLIENT, "last");
        assert_int_equal(read_byte(stream), AMQPC_TLS_TRUNCATED);
        assert_string_equal(stream->reason, "the stream ended without TLS's close-notify");
        assert_int_equal(read_byte(stream), AMQPC_TLS_TRUNCATED);
        tls_raw_free(raw);
        tls_pair_close(&pair);
    }
}

static void test_row_81_a_record_that_is_cut_is_no_end(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_SERVER, 0, &raw);
    int socket = pair.sockets[TLS_CLIENT];
    assert_int_equal(send(socket, "\x17\x03\x03\x00\x40half of it", 15, 0), 15);
    assert_int_equal(read_byte(stream), AMQPC_NEED_MORE);
    assert_int_equal(shutdown(socket, SHUT_WR), 0);
    assert_int_equal(read_byte(stream), AMQPC_TLS_TRUNCATED);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_row_82_a_client_may_not_renegotiate(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_SERVER, TLS1_2_VERSION, &raw);
    assert_int_equal(SSL_renegotiate(raw), 1);
    assert_int_equal(SSL_get_error(raw, SSL_do_handshake(raw)), SSL_ERROR_WANT_READ);
    assert_int_equal(read_byte(stream), AMQPC_NEED_MORE);
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(raw), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_row_82_a_server_may_not_renegotiate(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_CLIENT, TLS1_2_VERSION, &raw);
    assert_int_equal(SSL_renegotiate(raw), 1);
    (void)SSL_do_handshake(raw); /* says hello-request */
    assert_int_equal(read_byte(stream), AMQPC_NEED_MORE);
    ERR_clear_error();
    char byte;
    assert_true(SSL_read(raw, &byte, 1) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

/* Changes of the key, each followed by so many bytes; the status that ends the reading. */
static amqpc_status flood(tls_pair *pair, int end, SSL *raw, int count, size_t data_size)
{
    static char data[16384];
    amqpci_stream *stream = pair->streams[end];
    amqpc_status status = AMQPC_NEED_MORE;
    for (int i = 0; i < count; i++) {
        assert_int_equal(SSL_key_update(raw, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(raw), 1);
        for (size_t sent = 0; sent < data_size;) {
            int size = SSL_write(raw, data, (int)(data_size - sent));
            assert_true(size > 0);
            sent += (size_t)size;
        }
        size_t size = 0;
        do {
            status = stream->kind->read(stream, data, sizeof data, &size);
        } while (status == AMQPC_OK);
        if (status != AMQPC_NEED_MORE) {
            return status;
        }
    }
    return status;
}

static void test_row_83_key_updates_without_data_are_counted(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        tls_pair pair;
        SSL *raw = NULL;
        amqpci_stream *stream = open_raw(&pair, end, TLS1_3_VERSION, &raw);
        assert_int_equal(flood(&pair, end, raw, 8, 0), AMQPC_NEED_MORE);
        assert_int_equal(flood(&pair, end, raw, 100, 16384), AMQPC_NEED_MORE);
        assert_int_equal(flood(&pair, end, raw, 100, 0), AMQPC_TLS_FAILED);
        assert_string_equal(stream->reason,
                            "too many records without data, such as those of KeyUpdate");
        assert_int_equal(read_byte(stream), AMQPC_TLS_FAILED);
        tls_raw_free(raw);
        tls_pair_close(&pair);
    }
}

static void test_row_83_a_byte_does_not_pay_for_a_key_update(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    (void)open_raw(&pair, TLS_SERVER, TLS1_3_VERSION, &raw);
    assert_int_equal(flood(&pair, TLS_SERVER, raw, 1000, 1), AMQPC_TLS_FAILED);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_row_83_a_flood_in_one_read_is_cut_short(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_SERVER, TLS1_3_VERSION, &raw);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(SSL_key_update(raw, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(raw), 1);
    }
    assert_int_equal(read_byte(stream), AMQPC_TLS_FAILED);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_row_84_each_direction_ends_on_its_own(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        for (int end = 0; end < 2; end++) {
            tls_pair pair;
            SSL *raw = NULL;
            amqpci_stream *stream = open_raw(&pair, end, version, &raw);
            /* The peer ends its direction; ours goes on. */
            assert_int_equal(SSL_write(raw, "last", 4), 4);
            assert_int_equal(SSL_shutdown(raw), 0);
            check_read(&pair, end, "last");
            assert_int_equal(read_byte(stream), AMQPC_STREAM_ENDED);
            assert_int_equal(read_byte(stream), AMQPC_STREAM_ENDED);
            write_text(stream, "still here");
            raw_read(raw, "still here");
            assert_int_equal(stream->kind->shutdown(stream), AMQPC_OK);
            assert_int_equal(stream->kind->shutdown(stream), AMQPC_OK);
            assert_int_equal(SSL_shutdown(raw), 1); /* close-notify has come, and then the end */
            char byte;
            assert_int_equal(recv(pair.sockets[1 - end], &byte, 1, 0), 0);
            tls_raw_free(raw);
            tls_pair_close(&pair);
        }
    }
}

static void test_row_84_reading_goes_on_after_our_end(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_CLIENT, 0, &raw);
    assert_int_equal(stream->kind->shutdown(stream), AMQPC_OK);
    assert_int_equal(SSL_write(raw, "late", 4), 4);
    check_read(&pair, TLS_CLIENT, "late");
    assert_int_equal(read_byte(stream), AMQPC_NEED_MORE);
    assert_int_equal(SSL_shutdown(raw), 0);
    assert_int_equal(read_byte(stream), AMQPC_STREAM_ENDED);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_an_end_that_comes_with_data_is_told_after_it(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_SERVER, 0, &raw);
    assert_int_equal(SSL_write(raw, "last", 4), 4);
    assert_int_equal(SSL_shutdown(raw), 0);
    check_read(&pair, TLS_SERVER, "last");
    assert_true(stream->has_buffered); /* the descriptor need not become readable again */
    assert_int_equal(read_byte(stream), AMQPC_STREAM_ENDED);
    assert_false(stream->has_buffered);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

/* Writes until the socket takes no more. Returns how much was taken of `data`. */
static size_t fill(amqpci_stream *stream, const uint8_t *data, size_t size)
{
    size_t at = 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        amqpc_bytes vector = {data + at, size - at};
        size_t taken = 0;
        amqpc_status status = stream->kind->write(stream, &vector, 1, &taken);
        at += taken;
        if (status == AMQPC_NEED_MORE) {
            assert_true(stream->waits_write);
            assert_true(at < size);
            return at;
        }
        assert_int_equal(status, AMQPC_OK);
    }
    fail_msg("the socket takes everything");
    return 0;
}

/* What one side wants from the other in the middle of a write: a new key, with one of ours in
 * return (TLS 1.3), or a renegotiation (TLS 1.2). The write goes on, and its bytes arrive. */
static void check_write_interrupted(int end, int version)
{
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, end, version, &raw);
    uint8_t *data = malloc(BIG);
    uint8_t *heard = malloc(BIG);
    assert_non_null(data);
    assert_non_null(heard);
    for (size_t i = 0; i < BIG; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    size_t sent = fill(stream, data, BIG);
    if (version >= TLS1_3_VERSION) {
        assert_int_equal(SSL_key_update(raw, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(raw), 1);
        assert_int_equal(SSL_write(raw, "new key", 7), 7);
        check_read(&pair, end, "new key");
    }
    assert_int_equal(read_byte(stream), AMQPC_NEED_MORE);
    assert_true(stream->waits_read);
    assert_true(stream->waits_write);
    size_t arrived = 0;
    for (int round = 0; arrived < BIG; round++) {
        assert_true(round < ROUNDS_MAX);
        int size = SSL_read(raw, heard + arrived, (int)(BIG - arrived));
        arrived += size > 0 ? (size_t)size : 0;
        if (size <= 0) {
            assert_int_equal(SSL_get_error(raw, size), SSL_ERROR_WANT_READ);
            amqpc_bytes vector = {data + sent, BIG - sent};
            size_t taken = 0;
            amqpc_status status = stream->kind->write(stream, &vector, 1, &taken);
            assert_true(status == AMQPC_OK || status == AMQPC_NEED_MORE);
            sent += taken;
        }
    }
    assert_memory_equal(data, heard, BIG);
    free(data);
    free(heard);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_row_85_a_write_outlives_what_is_read_meanwhile(void **state)
{
    (void)state;
    check_write_interrupted(TLS_CLIENT, TLS1_3_VERSION);
    check_write_interrupted(TLS_SERVER, TLS1_3_VERSION);
    check_write_interrupted(TLS_SERVER, TLS1_2_VERSION);
}

static void test_shutdown_waits_until_it_is_said(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_CLIENT, 0, &raw);
    char block[4096] = {0};
    ssize_t size;
    do { /* what is sent past TLS fills the socket */
        size = send(pair.sockets[TLS_CLIENT], block, sizeof block, MSG_NOSIGNAL);
    } while (size > 0);
    assert_int_equal(stream->kind->shutdown(stream), AMQPC_NEED_MORE);
    assert_true(stream->waits_write);
    do {
        size = recv(pair.sockets[TLS_SERVER], block, sizeof block, 0);
    } while (size > 0);
    assert_int_equal(stream->kind->shutdown(stream), AMQPC_OK);
    size = recv(pair.sockets[TLS_SERVER], block, sizeof block, 0);
    assert_true(size > 5);
    assert_int_equal(block[0], 0x17); /* the alert, once */
    assert_int_equal(recv(pair.sockets[TLS_SERVER], block, sizeof block, 0), 0);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void check_no_tls(int end, const char *bytes, size_t size)
{
    tls_pair pair;
    amqpci_stream *stream = open_end(&pair, end);
    assert_int_equal(send(pair.sockets[1 - end], bytes, size, 0), size);
    amqpc_status status = stream->kind->handshake(stream);
    assert_int_equal(status, AMQPC_TLS_FAILED);
    assert_string_equal(stream->reason, "the peer does not speak TLS");
    tls_pair_close(&pair);
}

static void test_peers_that_do_not_speak_tls_are_told_apart(void **state)
{
    (void)state;
    static const char header[] = "AMQP\0\1\0\0AMQP\0\1\0\0";
    for (int end = 0; end < 2; end++) {
        check_no_tls(end, header, sizeof header - 1);
        check_no_tls(end, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    }
    check_no_tls(TLS_SERVER, "GET / HTTP/1.1\r\n\r\n", 18);
}

static int choose_other(SSL *ssl, const unsigned char **chosen, unsigned char *size,
                        const unsigned char *offered, unsigned offered_size, void *argument)
{
    (void)ssl;
    (void)offered;
    (void)offered_size;
    (void)argument;
    *chosen = (const unsigned char *)"evil";
    *size = 4;
    return SSL_TLSEXT_ERR_OK;
}

static void test_a_protocol_that_was_not_offered_is_refused(void **state)
{
    (void)state;
    amqpc_tls_options options = tls_client_options();
    options.alpn = "amqp";
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &options);
    tls_pair pair;
    tls_pair_open(&pair, 0, false);
    amqpci_stream *stream = NULL;
    assert_int_equal(
        amqpci_tls_stream_new(client, NULL, pair.sockets[TLS_CLIENT], "localhost", &stream),
        AMQPC_OK);
    amqpc_tls_free(client);
    pair.streams[TLS_CLIENT] = stream;
    SSL *raw = tls_raw_make(&pair, TLS_SERVER, 0);
    SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(raw), choose_other, NULL);
    assert_int_equal(stream->kind->handshake(stream), AMQPC_NEED_MORE);
    assert_int_equal(SSL_do_handshake(raw), -1);
    assert_int_equal(stream->kind->handshake(stream), AMQPC_TLS_FAILED);
    assert_non_null(stream->reason); /* OpenSSL's, or ours where OpenSSL is older */
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static void test_old_versions_are_refused(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        tls_pair pair;
        amqpci_stream *stream = open_end(&pair, end);
        SSL *raw = tls_raw_make(&pair, 1 - end, TLS1_1_VERSION);
        SSL_set_security_level(raw, 0);
        SSL_set_cipher_list(raw, "ALL:@SECLEVEL=0");
        amqpc_status status = AMQPC_NEED_MORE;
        for (int round = 0; round < 10 && status == AMQPC_NEED_MORE; round++) {
            (void)SSL_do_handshake(raw);
            ERR_clear_error();
            status = stream->kind->handshake(stream);
        }
        assert_int_equal(status, AMQPC_TLS_FAILED);
        tls_raw_free(raw);
        tls_pair_close(&pair);
    }
}

static void test_an_end_before_the_handshake_is_over_is_told(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        tls_pair pair;
        amqpci_stream *stream = open_end(&pair, end);
        assert_int_equal(stream->kind->handshake(stream), AMQPC_NEED_MORE);
        assert_true(stream->waits_read);
        assert_false(stream->waits_write);
        assert_int_equal(shutdown(pair.sockets[1 - end], SHUT_WR), 0);
        assert_int_equal(stream->kind->handshake(stream), AMQPC_STREAM_ENDED);
        assert_string_equal(stream->reason,
                            "the peer closed the connection during the handshake of TLS");
        tls_pair_close(&pair);
    }
}

static void test_broken_records_end_the_stream(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_SERVER, 0, &raw);
    static const char record[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    assert_int_equal(send(pair.sockets[TLS_CLIENT], record, sizeof record - 1, 0),
                     sizeof record - 1);
    assert_int_equal(read_byte(stream), AMQPC_TLS_FAILED);
    assert_non_null(stream->reason);
    amqpc_bytes vector = {"x", 1};
    size_t size = 1;
    assert_int_equal(stream->kind->write(stream, &vector, 1, &size), AMQPC_TLS_FAILED);
    assert_int_equal(size, 0);
    assert_int_equal(stream->kind->shutdown(stream), AMQPC_TLS_FAILED);
    char byte;
    assert_true(SSL_read(raw, &byte, 1) <= 0); /* the peer is told by an alert */
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

static volatile sig_atomic_t pipe_signals;

static void count_signal(int number)
{
    (void)number;
    pipe_signals++;
}

static void test_row_99_no_signal_comes_of_a_closed_socket(void **state)
{
    (void)state;
    struct sigaction counting = {.sa_handler = count_signal};
    struct sigaction before;
    assert_int_equal(sigaction(SIGPIPE, &counting, &before), 0);
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_SERVER, 0, &raw);
    tls_raw_free(raw);
    close(pair.sockets[TLS_CLIENT]);
    pair.sockets[TLS_CLIENT] = -1;
    amqpc_bytes vector = {"x", 1};
    size_t size = 1;
    assert_int_equal(stream->kind->write(stream, &vector, 1, &size), AMQPC_SOCKET_ERROR);
    assert_int_equal(size, 0);
    assert_int_equal(stream->system_error, EPIPE);
    assert_int_equal(pipe_signals, 0);
    tls_pair_close(&pair);

    stream = open_end(&pair, TLS_CLIENT); /* in the handshake, too */
    close(pair.sockets[TLS_SERVER]);
    pair.sockets[TLS_SERVER] = -1;
    assert_int_equal(stream->kind->handshake(stream), AMQPC_SOCKET_ERROR);
    assert_int_equal(stream->system_error, EPIPE);
    assert_int_equal(pipe_signals, 0);
    tls_pair_close(&pair);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

static void test_errors_of_others_are_not_ours(void **state)
{
    (void)state;
    tls_pair pair;
    SSL *raw = NULL;
    amqpci_stream *stream = open_raw(&pair, TLS_CLIENT, 0, &raw);
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    assert_int_equal(read_byte(stream), AMQPC_NEED_MORE);
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    write_text(stream, "hello");
    raw_read(raw, "hello");
    tls_raw_free(raw);
    tls_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_81_a_stream_without_close_notify_is_cut),
        cmocka_unit_test(test_row_81_a_record_that_is_cut_is_no_end),
        cmocka_unit_test(test_row_82_a_client_may_not_renegotiate),
        cmocka_unit_test(test_row_82_a_server_may_not_renegotiate),
        cmocka_unit_test(test_row_83_key_updates_without_data_are_counted),
        cmocka_unit_test(test_row_83_a_byte_does_not_pay_for_a_key_update),
        cmocka_unit_test(test_row_83_a_flood_in_one_read_is_cut_short),
        cmocka_unit_test(test_row_84_each_direction_ends_on_its_own),
        cmocka_unit_test(test_row_84_reading_goes_on_after_our_end),
        cmocka_unit_test(test_an_end_that_comes_with_data_is_told_after_it),
        cmocka_unit_test(test_row_85_a_write_outlives_what_is_read_meanwhile),
        cmocka_unit_test(test_shutdown_waits_until_it_is_said),
        cmocka_unit_test(test_peers_that_do_not_speak_tls_are_told_apart),
        cmocka_unit_test(test_a_protocol_that_was_not_offered_is_refused),
        cmocka_unit_test(test_old_versions_are_refused),
        cmocka_unit_test(test_an_end_before_the_handshake_is_over_is_told),
        cmocka_unit_test(test_broken_records_end_the_stream),
        cmocka_unit_test(test_row_99_no_signal_comes_of_a_closed_socket),
        cmocka_unit_test(test_errors_of_others_are_not_ours),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
