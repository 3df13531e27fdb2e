/* Transports and listeners with TLS: what a program sees of it. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/socket_loop.h"
#include "transport/tls_fixture.h"
#include "transport_fixture.h"

enum { BIG = 900000, COUNT = 3000 };

/* Listens with a server's TLS, and begins to connect with a client's. NULL: clear text. */
static void connect_ends(transport_fixture *fixture, amqpc_tls *client, amqpc_tls *server,
                         const char *host)
{
    amqpc_listener_options listener_options;
    amqpc_listener_options_init(&listener_options, sizeof listener_options);
    listener_options.tls = server;
    transport_fixture_make(fixture, NULL, &listener_options);
    amqpc_transport_options options = transport_fixture_options(fixture);
    options.tls = client;
    options.tls_host = host;
    transport_fixture_connect(fixture, &options, NULL);
    amqpc_tls_free(client); /* transports and listeners hold them */
    amqpc_tls_free(server);
}

/* The client has failed, with a reason behind its address that begins so. */
static void check_failure(const transport_fixture *fixture, amqpc_status status, const char *reason)
{
    char text[256];
    amqpc_transport_failure failure = client_failure(fixture);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u: %s",
                   (unsigned)amqpc_listener_port(fixture->listener), reason);
    if (failure.status != status || strncmp(failure.text, text, strlen(text)) != 0) {
        fail_msg("%s: \"%s\", not \"%s\"", amqpc_status_name(failure.status), failure.text, text);
    }
}

static void test_both_ends_tell_what_was_agreed(void **state)
{
    (void)state;
    transport_fixture fixture;
    connect_ends(&fixture, tls_make_client(), tls_make_server(), "localhost");
    amqpc_transport_tls tls;
    assert_int_equal(amqpc_transport_get_tls(fixture.client, &tls), AMQPC_NOT_FOUND);
    transport_fixture_wait(&fixture, client_is_open);
    assert_int_equal(amqpc_transport_get_tls(fixture.client, &tls), AMQPC_OK);
    assert_string_equal(tls.version, "TLSv1.3");
    assert_string_equal(tls.peer_subject, "CN=server,O=Tests");
    assert_int_equal(amqpc_transport_get_tls(fixture.server, &tls), AMQPC_OK);
    assert_string_equal(tls.cipher, "TLS_AES_128_GCM_SHA256");
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture.client);
    transport_fixture_wait(&fixture, both_are_over);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_CLOSED);
    assert_int_equal(amqpc_transport_get_state(fixture.server), AMQPC_TRANSPORT_CLOSED);
    transport_fixture_free(&fixture);
}

static bool large_have_arrived(const transport_fixture *fixture)
{
    return fixture->received_size == 3 * (size_t)BIG;
}

static bool small_have_arrived(const transport_fixture *fixture)
{
    return fixture->received_count == COUNT;
}

static void send_payloads(transport_fixture *fixture, amqpc_link *link, size_t size, size_t count)
{
    uint8_t *payload = calloc(1, size);
    assert_non_null(payload);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    for (size_t sent = 0; sent < count;) {
        amqpc_status status = amqpc_link_send(link, (amqpc_bytes){payload, size}, &options, NULL);
        sent += status == AMQPC_OK;
        amqpc_transport_touch(fixture->client);
        if (status != AMQPC_OK) {
            assert_true(status == AMQPC_NO_CREDIT || status == AMQPC_LIMIT_REACHED);
            (void)!transport_fixture_round(fixture, 0);
        }
    }
    free(payload);
}

static void test_deliveries_small_and_large_arrive(void **state)
{
    (void)state;
    transport_fixture fixture;
    connect_ends(&fixture, tls_make_client(), tls_make_server(), "localhost");
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(fixture.client));
    transport_fixture_wait(&fixture, client_has_credit);
    send_payloads(&fixture, link, 100, COUNT);
    transport_fixture_wait(&fixture, small_have_arrived);
    assert_int_equal(fixture.received_size, 100 * COUNT);
    fixture.received_size = 0;
    send_payloads(&fixture, link, BIG, 3);
    transport_fixture_wait(&fixture, large_have_arrived);
    transport_fixture_free(&fixture);
}

static void test_row_78_another_host_is_refused_by_name(void **state)
{
    (void)state;
    transport_fixture fixture;
    connect_ends(&fixture, tls_make_client(), tls_make_server(), "elsewhere");
    transport_fixture_wait(&fixture, client_is_over);
    check_failure(&fixture, AMQPC_TLS_CERTIFICATE,
                  "certificate is for localhost, 127.0.0.1, ::1, not for elsewhere");
    transport_fixture_free(&fixture);
}

static void test_the_name_is_the_host_unless_told(void **state)
{
    (void)state;
    transport_fixture fixture;
    connect_ends(&fixture, tls_make_client(), tls_make_server(), NULL); /* 127.0.0.1 */
    transport_fixture_wait(&fixture, client_is_open);
    transport_fixture_free(&fixture);
    amqpc_tls_options options = tls_server_options(tls_test_files.other_host);
    connect_ends(&fixture, tls_make_client(), tls_make(AMQPC_SERVER, &options), NULL);
    transport_fixture_wait(&fixture, client_is_over);
    check_failure(&fixture, AMQPC_TLS_CERTIFICATE, "certificate is for example.org, ");
    transport_fixture_free(&fixture);
}

static void test_a_client_hears_why_its_certificate_is_refused(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_tls_options options = tls_server_options(tls_test_files.server);
    options.verify_peer = true;
    options.ca = tls_test_files.ca;
    connect_ends(&fixture, tls_make_client(), tls_make(AMQPC_SERVER, &options), "localhost");
    transport_fixture_wait(&fixture, client_is_over);
    check_failure(&fixture, AMQPC_TLS_FAILED, "the peer refuses: ");
    transport_fixture_free(&fixture);
}

/* A server that demands a certificate hears of none, says so, and closes while it has input that it
 * has not read: the client's socket fails when it next writes, and the alert lies before that. */
static void test_an_alert_tells_more_than_a_socket_that_fails(void **state)
{
    (void)state;
    transport_fixture fixture;
    transport_fixture_make(&fixture, NULL, NULL);
    uint16_t port = 0;
    int listener = socket_loop_listen(&port);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.port = port;
    options.tls_host = "localhost";
    options.tls = tls_make_client();
    transport_fixture_connect(&fixture, &options, NULL);
    amqpc_tls_free(options.tls);
    tls_pair pair = {.sockets = {-1, socket_loop_accept(listener)}};
    assert_int_equal(fcntl(pair.sockets[TLS_SERVER], F_SETFL, O_NONBLOCK), 0);
    SSL *raw = tls_raw_make(&pair, TLS_SERVER, 0);
    SSL_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    /* The server hears nothing of what follows its hello. */
    while (amqpc_transport_get_state(fixture.client) < AMQPC_TRANSPORT_OPEN) {
        if (SSL_get_state(raw) == TLS_ST_BEFORE) {
            (void)SSL_do_handshake(raw);
        }
        (void)!transport_fixture_round(&fixture, 1);
    }
    (void)!transport_fixture_round(&fixture, 0); /* open is sent */
    while (SSL_get_error(raw, SSL_do_handshake(raw)) == SSL_ERROR_WANT_READ) {
        (void)!transport_fixture_round(&fixture, 1);
    }
    ERR_clear_error();
    assert_int_equal(close(pair.sockets[TLS_SERVER]), 0);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture.client), NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_transport_flush(fixture.client), AMQPC_OK);
    transport_fixture_wait(&fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&fixture);
    assert_int_equal(failure.status, AMQPC_TLS_FAILED);
    assert_non_null(strstr(failure.text, ": the peer refuses: "));
    tls_raw_free(raw);
    transport_fixture_free(&fixture);
}

static void test_clear_text_and_tls_do_not_meet(void **state)
{
    (void)state;
    transport_fixture fixture;
    connect_ends(&fixture, tls_make_client(), NULL, "localhost");
    transport_fixture_wait(&fixture, client_is_over);
    check_failure(&fixture, AMQPC_TLS_FAILED, "the peer does not speak TLS");
    transport_fixture_free(&fixture);
    connect_ends(&fixture, NULL, tls_make_server(), NULL);
    transport_fixture_wait(&fixture, client_is_over); /* with whatever it takes an alert for */
    assert_false(client_is_open(&fixture));
    transport_fixture_free(&fixture);
}

static void test_contexts_of_the_other_role_are_refused(void **state)
{
    (void)state;
    transport_fixture fixture;
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.tls = server;
    amqpc_transport *transport = NULL;
    assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &transport),
                     AMQPC_INVALID_ARGUMENT);
    options.tls = client;
    options.tls_host = ".localhost";
    assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &transport),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_listener_options listener_options;
    amqpc_listener_options_init(&listener_options, sizeof listener_options);
    listener_options.tls = client;
    amqpc_listener *listener = NULL;
    assert_int_equal(amqpc_listener_new(fixture.poller, &listener_options, &listener, NULL, 0),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    transport_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_tell_what_was_agreed),
        cmocka_unit_test(test_deliveries_small_and_large_arrive),
        cmocka_unit_test(test_row_78_another_host_is_refused_by_name),
        cmocka_unit_test(test_the_name_is_the_host_unless_told),
        cmocka_unit_test(test_a_client_hears_why_its_certificate_is_refused),
        cmocka_unit_test(test_an_alert_tells_more_than_a_socket_that_fails),
        cmocka_unit_test(test_clear_text_and_tls_do_not_meet),
        cmocka_unit_test(test_contexts_of_the_other_role_are_refused),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
