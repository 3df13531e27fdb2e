/* What two ends of TLS agree on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/tls_fixture.h"
#include "transport/tls_object.h"

static amqpc_transport_tls facts_of(const tls_pair *pair, int end)
{
    amqpc_transport_tls facts;
    assert_int_equal(amqpci_tls_stream_get(pair->streams[end], &facts), AMQPC_OK);
    return facts;
}

static void connect_default(tls_pair *pair)
{
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair_connect(pair, client, server);
    amqpc_tls_free(client); /* the streams hold them */
    amqpc_tls_free(server);
}

static void test_both_ends_agree(void **state)
{
    (void)state;
    tls_pair pair;
    connect_default(&pair);
    for (int end = 0; end < 2; end++) {
        amqpc_transport_tls facts = facts_of(&pair, end);
        assert_string_equal(facts.version, "TLSv1.3");
        assert_string_equal(facts.cipher, "TLS_AES_128_GCM_SHA256");
        assert_string_equal(facts.alpn, "");
        assert_string_equal(facts.peer_subject, end == TLS_CLIENT ? "CN=server,O=Tests" : "");
        assert_false(facts.resumed);
    }
    tls_pair_say(&pair, TLS_CLIENT, "from client");
    tls_pair_say(&pair, TLS_SERVER, "from server");
    tls_pair_close(&pair);
}

static void test_nothing_is_told_before_the_handshake_is_over(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    amqpc_transport_tls facts;
    assert_int_equal(amqpci_tls_stream_get(pair.streams[0], &facts), AMQPC_NOT_FOUND);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

/* Connects for a host, and returns the client's status. */
static amqpc_status status_for(const char *host)
{
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_make(&pair, client, server, host, 0);
    tls_pair_handshake(&pair);
    amqpc_status status = pair.statuses[TLS_CLIENT];
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return status;
}

static void test_hosts_may_be_names_and_addresses(void **state)
{
    (void)state;
    assert_int_equal(status_for("localhost"), AMQPC_OK);
    assert_int_equal(status_for("LOCALHOST."), AMQPC_OK);
    assert_int_equal(status_for("127.0.0.1"), AMQPC_OK);
    assert_int_equal(status_for("::1"), AMQPC_OK);
    assert_int_equal(status_for("::1%lo"), AMQPC_OK);
    assert_int_equal(status_for("127.0.0.2"), AMQPC_TLS_CERTIFICATE);
    assert_int_equal(status_for("::2"), AMQPC_TLS_CERTIFICATE);
}

static void test_a_host_that_is_none_is_refused(void **state)
{
    (void)state;
    char too_long[300];
    memset(too_long, 'a', sizeof too_long);
    too_long[sizeof too_long - 1] = 0;
    amqpc_tls *client = tls_make_client();
    const char *const hosts[] = {NULL, "", ".localhost", "local%host", too_long};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        amqpci_stream *stream = NULL;
        assert_false(amqpci_tls_takes_host(client, hosts[i]));
        assert_int_equal(amqpci_tls_stream_new(client, NULL, 0, hosts[i], &stream),
                         AMQPC_INVALID_ARGUMENT);
        assert_null(stream);
    }
    amqpc_tls_free(client);
}

static void test_names_are_asked_for_by_sni_and_addresses_are_not(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost.", "127.0.0.1"};
    static const char *const names[] = {"localhost", NULL};
    for (size_t i = 0; i < 2; i++) {
        amqpc_tls *client = tls_make_client();
        tls_pair pair;
        tls_pair_open(&pair, 0, false);
        assert_int_equal(amqpci_tls_stream_new(client, NULL, pair.sockets[TLS_CLIENT], hosts[i],
                                               &pair.streams[TLS_CLIENT]),
                         AMQPC_OK);
        SSL *raw = tls_raw_make(&pair, TLS_SERVER, 0);
        tls_raw_handshake(&pair, TLS_SERVER, raw);
        const char *name = SSL_get_servername(raw, TLSEXT_NAMETYPE_host_name);
        if (names[i] == NULL) {
            assert_null(name);
        } else {
            assert_string_equal(name, names[i]);
        }
        tls_raw_free(raw);
        tls_pair_close(&pair);
        amqpc_tls_free(client);
    }
}

static void test_verification_can_be_switched_off_by_name(void **state)
{
    (void)state;
    amqpc_tls_options server_options = tls_server_options(tls_test_files.other_host);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    for (int all = 0; all < 2; all++) {
        amqpc_tls_options options = tls_client_options();
        options.verify_host = false;
        options.verify_peer = all == 0;
        options.ca = all == 0 ? options.ca : NULL;
        amqpc_tls *client = tls_make(AMQPC_CLIENT, &options);
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        tls_pair_say(&pair, TLS_CLIENT, "hello");
        tls_pair_close(&pair);
        amqpc_tls_free(client);
    }
    amqpc_tls_free(server);
}

/* Connects with protocols of both ends; returns the client's status. */
static amqpc_status status_of_protocols(const char *of_client, const char *of_server,
                                        const char *agreed)
{
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(tls_test_files.server);
    client_options.alpn = of_client;
    server_options.alpn = of_server;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    tls_pair_handshake(&pair);
    amqpc_status status = pair.statuses[TLS_CLIENT];
    if (status == AMQPC_OK) {
        assert_string_equal(facts_of(&pair, TLS_CLIENT).alpn, agreed);
        assert_string_equal(facts_of(&pair, TLS_SERVER).alpn, agreed);
    } else {
        assert_string_equal(pair.streams[TLS_CLIENT]->reason,
                            "the peer refuses: no application protocol");
    }
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return status;
}

static void test_a_protocol_is_agreed_on_when_both_name_it(void **state)
{
    (void)state;
    assert_int_equal(status_of_protocols("amqp", "amqp", "amqp"), AMQPC_OK);
    assert_int_equal(status_of_protocols("amqp", NULL, ""), AMQPC_OK);
    assert_int_equal(status_of_protocols(NULL, "amqp", ""), AMQPC_OK);
    assert_int_equal(status_of_protocols("other", "amqp", ""), AMQPC_TLS_FAILED);
    assert_int_equal(status_of_protocols("amq", "amqp", ""), AMQPC_TLS_FAILED);
}

static void test_a_clients_certificate_names_it(void **state)
{
    (void)state;
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(tls_test_files.server);
    client_options.certificate = tls_test_files.client;
    server_options.verify_peer = true;
    server_options.ca = tls_test_files.ca;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    for (int round = 0; round < 2; round++) { /* also of a session that is resumed */
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        tls_pair_say(&pair, TLS_SERVER, "hello");
        amqpc_transport_tls facts = facts_of(&pair, TLS_SERVER);
        assert_string_equal(facts.peer_subject, "CN=client \xc3\xa9,O=Tests");
        assert_int_equal(facts.resumed, round > 0);
        tls_pair_close(&pair);
    }
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

/* What a client without a trusted certificate hears from a server that demands one. */
static void check_client_refused(const char *certificate, const char *server_reason)
{
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(tls_test_files.server);
    client_options.certificate = certificate;
    server_options.verify_peer = true;
    server_options.ca = tls_test_files.ca;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    tls_pair_handshake(&pair);
    assert_int_equal(pair.statuses[TLS_SERVER], AMQPC_TLS_CERTIFICATE);
    assert_string_equal(pair.streams[TLS_SERVER]->reason, server_reason);
    /* TLS 1.3: the client is through before the server looks; it hears of it when it reads. */
    char byte;
    size_t size = 0;
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_OK);
    assert_int_equal(tls_pair_read(&pair, TLS_CLIENT, &byte, 1, &size), AMQPC_TLS_FAILED);
    assert_memory_equal(pair.streams[TLS_CLIENT]->reason, "the peer refuses: ", 18);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

static void test_clients_without_a_trusted_certificate_are_refused(void **state)
{
    (void)state;
    check_client_refused(NULL, "the client has sent no certificate");
    check_client_refused(tls_test_files.stranger,
                         "certificate of CN=stranger,O=Tests: its issuer CN=public "
                         "authority,O=Tests is not among those trusted");
}

/* How many of three connections in a row were resumed. */
static int resumed_of_three(const amqpc_tls_options *client_options,
                            const amqpc_tls_options *server_options, const char *version)
{
    amqpc_tls *client = tls_make(AMQPC_CLIENT, client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, server_options);
    if (strcmp(version, "TLSv1.2") == 0) {
        SSL_CTX_set_max_proto_version(client->context, TLS1_2_VERSION);
    }
    int resumed = 0;
    for (int round = 0; round < 3; round++) {
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        tls_pair_say(&pair, TLS_SERVER, "after the tickets");
        assert_string_equal(facts_of(&pair, TLS_CLIENT).version, version);
        assert_int_equal(facts_of(&pair, TLS_CLIENT).resumed, facts_of(&pair, TLS_SERVER).resumed);
        assert_string_equal(facts_of(&pair, TLS_CLIENT).peer_subject, "CN=server,O=Tests");
        resumed += facts_of(&pair, TLS_CLIENT).resumed;
        tls_pair_close(&pair); /* without close-notify: a connection that was cut is resumed, too */
    }
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return resumed;
}

static void test_sessions_are_resumed_unless_switched_off(void **state)
{
    (void)state;
    amqpc_tls_options client = tls_client_options();
    amqpc_tls_options server = tls_server_options(tls_test_files.server);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.3"), 2);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.2"), 2);
    server.resume_sessions = false;
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.3"), 0);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.2"), 0);
    server.resume_sessions = true;
    client.resume_sessions = false;
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.3"), 0);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.2"), 0);
}

static void test_sessions_are_of_one_host(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_connect(&pair, client, server);
    tls_pair_say(&pair, TLS_SERVER, "after the tickets");
    tls_pair_close(&pair);
    tls_pair_make(&pair, client, server, "127.0.0.1", 0);
    tls_pair_handshake(&pair);
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_OK);
    assert_false(facts_of(&pair, TLS_CLIENT).resumed);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_agree),
        cmocka_unit_test(test_nothing_is_told_before_the_handshake_is_over),
        cmocka_unit_test(test_hosts_may_be_names_and_addresses),
        cmocka_unit_test(test_a_host_that_is_none_is_refused),
        cmocka_unit_test(test_names_are_asked_for_by_sni_and_addresses_are_not),
        cmocka_unit_test(test_verification_can_be_switched_off_by_name),
        cmocka_unit_test(test_a_protocol_is_agreed_on_when_both_name_it),
        cmocka_unit_test(test_a_clients_certificate_names_it),
        cmocka_unit_test(test_clients_without_a_trusted_certificate_are_refused),
        cmocka_unit_test(test_sessions_are_resumed_unless_switched_off),
        cmocka_unit_test(test_sessions_are_of_one_host),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
