/* Contexts of TLS: options, files of certificates and keys, and whom a client trusts. */
#define _POSIX_C_SOURCE 200809L

#include <openssl/err.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/tls_fixture.h"
#include "transport/tls_object.h"

enum { NAME_SIZE = 4096 };

static void test_defaults_check_servers_and_not_clients(void **state)
{
    (void)state;
    amqpc_tls_options options;
    amqpc_tls_options_init(&options, AMQPC_CLIENT, sizeof options);
    assert_int_equal(options.struct_size, sizeof options);
    assert_null(options.ca);
    assert_null(options.certificate);
    assert_null(options.alpn);
    assert_true(options.verify_peer);
    assert_true(options.verify_host);
    assert_true(options.resume_sessions);
    amqpc_tls_options_init(&options, AMQPC_SERVER, sizeof options);
    assert_false(options.verify_peer);
    assert_true(amqpc_tls_is_available());
}

static void test_options_of_an_older_caller_are_taken(void **state)
{
    (void)state;
    struct {
        amqpc_tls_options options;
        unsigned char beyond;
    } old;
    memset(&old, 0xee, sizeof old);
    size_t size = offsetof(amqpc_tls_options, alpn);
    amqpc_tls_options_init(&old.options, AMQPC_SERVER, size);
    assert_int_equal(((unsigned char *)&old)[size], 0xee);
    old.options.certificate = tls_test_files.server;
    amqpc_tls_free(tls_make(AMQPC_SERVER, &old.options));
}

/* What amqpc_tls_new says to options, and why; "{}" in the text stands for the folder. */
static void check_refused(uint32_t role, const amqpc_tls_options *options, amqpc_status expected,
                          const char *text)
{
    amqpc_tls *tls = NULL;
    char reason[256] = "untouched";
    assert_int_equal(amqpc_tls_new(NULL, role, options, &tls, reason, sizeof reason), expected);
    assert_null(tls);
    assert_int_equal(ERR_peek_error(), 0);
    char wanted[512];
    size_t used = 0;
    for (const char *at = text; *at != 0; at++) {
        bool is_folder = strncmp(at, "{}", 2) == 0;
        used +=
            (size_t)snprintf(wanted + used, sizeof wanted - used, "%.*s",
                             is_folder ? TLS_PATH_SIZE : 1, is_folder ? tls_test_files.folder : at);
        at += is_folder;
    }
    if (strncmp(reason, wanted, strlen(wanted)) != 0) {
        fail_msg("the reason is \"%s\", not \"%s\"", reason, wanted);
    }
    /* Without a place for the reason, too. */
    assert_int_equal(amqpc_tls_new(NULL, role, options, &tls, NULL, 0), expected);
}

static void test_options_that_do_not_hold_together_are_refused(void **state)
{
    (void)state;
    const amqpc_status invalid = AMQPC_INVALID_ARGUMENT;
    amqpc_tls_options client = tls_client_options();
    check_refused(2, &client, invalid, "there is no such role");
    amqpc_tls_options server = tls_server_options(NULL);
    check_refused(AMQPC_SERVER, &server, invalid, "a server needs a certificate");
    client.key = tls_test_files.server_key;
    check_refused(AMQPC_CLIENT, &client, invalid, "a key needs its certificate");
    server = tls_server_options(tls_test_files.server);
    server.verify_peer = true;
    check_refused(AMQPC_SERVER, &server, invalid,
                  "a server that demands certificates needs to know whom to trust");
    char name[257];
    memset(name, 'a', sizeof name);
    name[256] = 0;
    server = tls_server_options(tls_test_files.server);
    server.alpn = name;
    check_refused(AMQPC_SERVER, &server, invalid, "the name of a protocol has 1 to 255 bytes");
    server.alpn = "";
    check_refused(AMQPC_SERVER, &server, invalid, "the name of a protocol has 1 to 255 bytes");
    server.alpn = name + 1;
    amqpc_tls_free(tls_make(AMQPC_SERVER, &server));
}

static void test_a_reason_is_cut_to_its_place(void **state)
{
    (void)state;
    amqpc_tls *tls = NULL;
    char reason[16];
    amqpc_tls_options options = tls_server_options(NULL);
    assert_int_equal(amqpc_tls_new(NULL, AMQPC_SERVER, &options, &tls, reason, 9),
                     AMQPC_INVALID_ARGUMENT);
    assert_string_equal(reason, "a server");
}

static void test_files_that_cannot_be_used_are_named(void **state)
{
    (void)state;
    const amqpc_status bad = AMQPC_TLS_BAD_CREDENTIALS;
    const tls_files *files = &tls_test_files;
    amqpc_tls_options server = tls_server_options(files->absent);
    check_refused(AMQPC_SERVER, &server, bad, "{}/absent.pem: No such file or directory");
    server.certificate = files->nonsense;
    check_refused(AMQPC_SERVER, &server, bad, "{}/nonsense.pem: no certificate in PEM: ");
    server.certificate = files->server_certificate;
    check_refused(AMQPC_SERVER, &server, bad, "{}/server_certificate.pem: no private key in PEM: ");
    server.key = files->absent;
    check_refused(AMQPC_SERVER, &server, bad, "{}/absent.pem: No such file or directory");
    server.key = files->nonsense;
    check_refused(AMQPC_SERVER, &server, bad, "{}/nonsense.pem: no private key in PEM: ");
    server.key = files->client;
    check_refused(AMQPC_SERVER, &server, bad,
                  "the key in {}/client.pem does not belong to the certificate in "
                  "{}/server_certificate.pem");
    amqpc_tls_options client = tls_client_options();
    client.ca = files->absent;
    check_refused(AMQPC_CLIENT, &client, bad, "{}/absent.pem: No such file or directory");
    client.ca = files->nonsense;
    check_refused(AMQPC_CLIENT, &client, bad, "{}/nonsense.pem: no certificates in PEM: ");
}

static void test_a_locked_key_opens_by_its_password(void **state)
{
    (void)state;
    const amqpc_status bad = AMQPC_TLS_BAD_CREDENTIALS;
    amqpc_tls_options server = tls_server_options(tls_test_files.server_certificate);
    server.key = tls_test_files.locked_key;
    check_refused(AMQPC_SERVER, &server, bad, "the key in {}/locked_key.pem needs a password");
    server.key_password = "";
    check_refused(AMQPC_SERVER, &server, bad,
                  "the password does not open the key in {}/locked_key.pem");
    server.key_password = "wrong";
    check_refused(AMQPC_SERVER, &server, bad,
                  "the password does not open the key in {}/locked_key.pem");
    char long_password[2000];
    memset(long_password, 'x', sizeof long_password);
    long_password[sizeof long_password - 1] = 0;
    server.key_password = long_password;
    check_refused(AMQPC_SERVER, &server, bad,
                  "the password does not open the key in {}/locked_key.pem");
    server.key_password = "secret";
    amqpc_tls_free(tls_make(AMQPC_SERVER, &server));
}

static void test_a_context_lives_as_long_as_its_holders(void **state)
{
    (void)state;
    amqpc_tls *tls = tls_make_server();
    assert_true(amqpci_tls_is_server(tls));
    amqpci_tls_retain(tls);
    amqpc_tls_free(tls);
    assert_true(amqpci_tls_is_server(tls));
    amqpc_tls_free(tls);
    amqpc_tls_free(NULL);
    tls = tls_make_client();
    assert_false(amqpci_tls_is_server(tls));
    amqpc_tls_free(tls);
}

/* --- The system's store: the environment names it, since the test may not write there. */

static void environment(const char *file, const char *folder)
{
    if (file != NULL) {
        setenv("SSL_CERT_FILE", file, 1);
    } else {
        unsetenv("SSL_CERT_FILE");
    }
    if (folder != NULL) {
        setenv("SSL_CERT_DIR", folder, 1);
    } else {
        unsetenv("SSL_CERT_DIR");
    }
}

/* What a client says to a server with a certificate; NULL for `ca`: the system's store. */
static amqpc_status status_of(const char *ca, const char *certificate, char *reason)
{
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(certificate);
    client_options.ca = ca;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    tls_pair_handshake(&pair);
    amqpc_status status = pair.statuses[TLS_CLIENT];
    const char *text = pair.streams[TLS_CLIENT]->reason;
    snprintf(reason, 256, "%s", text != NULL ? text : "");
    if (status != AMQPC_OK) {
        assert_int_equal(pair.statuses[TLS_SERVER], AMQPC_TLS_FAILED);
        assert_memory_equal(pair.streams[TLS_SERVER]->reason, "the peer refuses: ", 18);
    }
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return status;
}

static void test_row_80_a_private_authority_replaces_the_systems(void **state)
{
    (void)state;
    const tls_files *files = &tls_test_files;
    char reason[256];
    environment(files->public_ca, NULL);
    assert_int_equal(status_of(NULL, files->public_server, reason), AMQPC_OK);
    assert_int_equal(status_of(files->ca, files->public_server, reason), AMQPC_TLS_CERTIFICATE);
    assert_string_equal(reason, "certificate of CN=server,O=Tests: its issuer CN=public "
                                "authority,O=Tests is not among those trusted");
    assert_int_equal(status_of(files->ca, files->server, reason), AMQPC_OK);
    assert_int_equal(status_of(NULL, files->server, reason), AMQPC_TLS_CERTIFICATE);
    environment(NULL, NULL);
}

static void test_a_servers_own_certificate_can_be_trusted_alone(void **state)
{
    (void)state;
    char reason[256];
    const tls_files *files = &tls_test_files;
    assert_int_equal(status_of(files->server_certificate, files->server, reason), AMQPC_OK);
    assert_int_equal(status_of(files->server_certificate, files->public_server, reason),
                     AMQPC_TLS_CERTIFICATE);
}

/* Names a certificate by the hash of its subject, as folders of authorities have it. */
static void link_by_hash(const char *path, const char *folder, char *name, size_t size)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
    assert_non_null(certificate);
    snprintf(name, size, "%s/%08lx.0", folder, X509_subject_name_hash(certificate));
    X509_free(certificate);
    BIO_free(file);
    assert_int_equal(symlink(path, name), 0);
}

static void test_the_environment_may_name_folders(void **state)
{
    (void)state;
    const tls_files *files = &tls_test_files;
    char reason[256];
    char name[NAME_SIZE];
    char folders[2 * NAME_SIZE];
    link_by_hash(files->public_ca, files->folder, name, sizeof name);
    snprintf(folders, sizeof folders, "/nowhere:%s:", files->folder);
    environment(files->absent, folders);
    assert_int_equal(status_of(NULL, files->public_server, reason), AMQPC_OK);
    assert_int_equal(status_of(NULL, files->server, reason), AMQPC_TLS_CERTIFICATE);
    assert_int_equal(unlink(name), 0);
    environment(NULL, NULL);
}

static void test_a_store_that_the_environment_misnames_is_an_error(void **state)
{
    (void)state;
    amqpc_tls_options client = tls_client_options();
    client.ca = NULL;
    environment(tls_test_files.absent, tls_test_files.folder);
    check_refused(AMQPC_CLIENT, &client, AMQPC_TLS_BAD_CREDENTIALS,
                  "no certificates of authorities where SSL_CERT_FILE and SSL_CERT_DIR say");
    check_refused(AMQPC_CLIENT, NULL, AMQPC_TLS_BAD_CREDENTIALS, "no certificates of authorities");
    client.verify_peer = false; /* nobody is needed then */
    amqpc_tls_free(tls_make(AMQPC_CLIENT, &client));
    environment(NULL, NULL);
}

/* The statuses of a search, and how many certificates it has loaded. */
static amqpc_status search(const amqpci_tls_places *places, int *count, char *reason)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    amqpc_status status = amqpci_tls_trust_system(context, places, reason, 256);
    *count = sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context)));
    SSL_CTX_free(context);
    assert_int_equal(ERR_peek_error(), 0);
    return status;
}

static void test_well_known_places_come_last(void **state)
{
    (void)state;
    const tls_files *files = &tls_test_files;
    const char *const others[] = {files->absent, files->nonsense, files->ca, files->public_ca,
                                  NULL};
    const char *const none[] = {files->absent, NULL};
    char reason[256];
    int count = 0;
    environment(NULL, NULL);
    amqpci_tls_places places = {files->absent, "/nowhere", others};
    assert_int_equal(search(&places, &count, reason), AMQPC_OK);
    assert_int_equal(count, 1); /* the first that is there, and no more */

    places.file = files->public_ca;
    assert_int_equal(search(&places, &count, reason), AMQPC_OK);
    assert_int_equal(count, 1);

    char name[NAME_SIZE];
    link_by_hash(files->public_ca, files->folder, name, sizeof name);
    places = (amqpci_tls_places){files->absent, files->folder, others};
    assert_int_equal(search(&places, &count, reason), AMQPC_OK);
    assert_int_equal(count, 0); /* folders are read when they are asked */
    const char *const folders[] = {files->folder, NULL};
    places = (amqpci_tls_places){files->absent, "", folders};
    assert_int_equal(search(&places, &count, reason), AMQPC_OK);
    assert_int_equal(unlink(name), 0);

    places = (amqpci_tls_places){files->absent, files->folder, none};
    assert_int_equal(search(&places, &count, reason), AMQPC_TLS_BAD_CREDENTIALS);
    assert_memory_equal(reason, "no certificates of authorities on this system: neither ", 55);

    /* What the environment names is not exceeded. */
    environment(files->absent, NULL);
    places = (amqpci_tls_places){files->ca, "/nowhere", others};
    assert_int_equal(search(&places, &count, reason), AMQPC_TLS_BAD_CREDENTIALS);
    environment(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_check_servers_and_not_clients),
        cmocka_unit_test(test_options_of_an_older_caller_are_taken),
        cmocka_unit_test(test_options_that_do_not_hold_together_are_refused),
        cmocka_unit_test(test_a_reason_is_cut_to_its_place),
        cmocka_unit_test(test_files_that_cannot_be_used_are_named),
        cmocka_unit_test(test_a_locked_key_opens_by_its_password),
        cmocka_unit_test(test_a_context_lives_as_long_as_its_holders),
        cmocka_unit_test(test_row_80_a_private_authority_replaces_the_systems),
        cmocka_unit_test(test_a_servers_own_certificate_can_be_trusted_alone),
        cmocka_unit_test(test_the_environment_may_name_folders),
        cmocka_unit_test(test_a_store_that_the_environment_misnames_is_an_error),
        cmocka_unit_test(test_well_known_places_come_last),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
