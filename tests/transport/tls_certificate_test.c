/* Certificates that clients refuse, and what they say of it (hostile-inputs rows 78, 79; row 80 is
 * tls_context_test.c's). */
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/tls_fixture.h"

/* Connects to a server with a certificate, for a host; the client has to refuse it with a reason
 * that begins so. */
static void check_refused(const char *certificate, const char *host, const char *reason)
{
    amqpc_tls_options options = tls_server_options(certificate);
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make(AMQPC_SERVER, &options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, host, 0);
    tls_pair_handshake(&pair);
    amqpci_stream *stream = pair.streams[TLS_CLIENT];
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_TLS_CERTIFICATE);
    if (strncmp(stream->reason, reason, strlen(reason)) != 0) {
        fail_msg("the reason is \"%s\", not \"%s\"", stream->reason, reason);
    }
    /* The server hears of it, and the stream stays refused. */
    assert_int_equal(pair.statuses[TLS_SERVER], AMQPC_TLS_FAILED);
    assert_int_equal(stream->kind->handshake(stream), AMQPC_TLS_CERTIFICATE);
    amqpc_transport_tls facts;
    assert_int_equal(amqpci_tls_stream_get(stream, &facts), AMQPC_NOT_FOUND);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

static void test_row_78_the_certificate_is_for_another_host(void **state)
{
    (void)state;
    const tls_files *files = &tls_test_files;
    check_refused(files->other_host, "localhost",
                  "certificate is for example.org, *.example.net, not for localhost");
    check_refused(files->other_host, "a.b.example.net", "certificate is for example.org, ");
    check_refused(files->server, "127.0.0.2",
                  "certificate is for localhost, 127.0.0.1, ::1, not for 127.0.0.2");
    check_refused(files->client, "localhost", "certificate is for CN=client \\C3\\A9,O=Tests, not");
}

/* As check_refused; the reason goes on with the certificate's date: the end of its validity, or its
 * beginning. */
static void check_date(const char *certificate, const char *reason, bool is_end)
{
    check_refused(certificate, "localhost", reason);
    BIO *file = BIO_new_file(certificate, "r");
    X509 *read = PEM_read_bio_X509(file, NULL, NULL, NULL);
    assert_non_null(read);
    struct tm parts;
    const ASN1_TIME *at = is_end ? X509_get0_notAfter(read) : X509_get0_notBefore(read);
    assert_int_equal(ASN1_TIME_to_tm(at, &parts), 1);
    char whole[256];
    size_t size = strlen(reason);
    memcpy(whole, reason, size);
    assert_true(strftime(whole + size, sizeof whole - size, "%Y-%m-%d %H:%M:%S UTC", &parts) > 0);
    check_refused(certificate, "localhost", whole);
    X509_free(read);
    BIO_free(file);
}

static void test_row_79_the_certificate_has_expired(void **state)
{
    (void)state;
    check_date(tls_test_files.expired, "certificate of CN=server,O=Tests expired at ", true);
    check_date(tls_test_files.future, "certificate of CN=server,O=Tests is valid from ", false);
}

static void test_unknown_authorities_are_refused(void **state)
{
    (void)state;
    check_refused(tls_test_files.public_server, "localhost",
                  "certificate of CN=server,O=Tests: its issuer CN=public authority,O=Tests is not "
                  "among those trusted");
}

static void test_names_in_certificates_cannot_write_to_terminals(void **state)
{
    (void)state;
    char path[2 * TLS_PATH_SIZE];
    snprintf(path, sizeof path, "%.*s/evil.pem", TLS_PATH_SIZE, tls_test_files.folder);
    const certificate_request request = {.common_name = "\x1b[2J\n", .names = "DNS:\x1b[2J"};
    certified made = certificate_make(&request);
    certificate_write(&made, path, true, true, NULL);
    certificate_free(&made);
    check_refused(path, "localhost",
                  "certificate of CN=\\1B[2J\\0A,O=Tests: self-signed certificate");
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(path);
    client_options.ca = path;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    tls_pair_handshake(&pair);
    assert_string_equal(pair.streams[TLS_CLIENT]->reason,
                        "certificate is for ?[2J, not for localhost");
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_78_the_certificate_is_for_another_host),
        cmocka_unit_test(test_row_79_the_certificate_has_expired),
        cmocka_unit_test(test_unknown_authorities_are_refused),
        cmocka_unit_test(test_names_in_certificates_cannot_write_to_terminals),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
