/* Clients by TLS, Unix sockets and credentials, as the URL says. */
#include <amqpcodec/sender.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/client_fixture.h"
#include "transport/tls_fixture.h"

/* Makes a client of a URL, sends a message, and gives what became of it. */
static amqpc_status try_url(const char *url, amqpc_client_error *error)
{
    amqpc_client *client = NULL;
    amqpc_sender *sender = NULL;
    amqpc_outcome outcome;
    uint8_t storage[13];
    amqpc_status status = amqpc_client_new(url, NULL, &client, error);
    if (status != AMQPC_OK) {
        return status;
    }
    assert_ok(amqpc_sender_new(client, "accept", NULL, &sender));
    status = amqpc_sender_send_bytes(sender, number_payload(1, storage), PATIENCE_MS, &outcome);
    if (status != AMQPC_OK) {
        assert_ok(amqpc_client_get_error(client, error));
    }
    amqpc_client_free(client);
    return status;
}

static void test_server_is_trusted_by_its_authority(void **state)
{
    char url[512];
    amqpc_client_error error;
    test_server_options options = {.tls = tls_make_server()};
    test_server *server = test_server_start(&options);
    unsigned port = test_server_port(server);
    (void)state;
    (void)snprintf(url, sizeof url, "amqps://localhost:%u/?ca=%s", port, tls_test_files.ca);
    assert_ok(try_url(url, &error));
    (void)snprintf(url, sizeof url, "amqps://localhost:%u/?ca=%s", port, tls_test_files.public_ca);
    assert_status(AMQPC_TLS_CERTIFICATE, try_url(url, &error));
    print_message("%s\n", error.text);
    (void)snprintf(url, sizeof url, ":%u: ", port);
    assert_non_null(strstr(error.text, url)); /* the address */
    (void)snprintf(url, sizeof url, "amqps://localhost:%u/?ca=%s&tls-verify=false", port,
                   tls_test_files.public_ca);
    assert_ok(try_url(url, &error));
    (void)snprintf(url, sizeof url, "amqps://localhost:%u/?ca=%s", port, tls_test_files.absent);
    assert_status(AMQPC_TLS_BAD_CREDENTIALS, try_url(url, &error));
    test_server_stop(server);
    amqpc_tls_free(options.tls);
}

static void test_unix_socket_is_named_by_the_url(void **state)
{
    char url[128];
    char path[64];
    amqpc_client_error error;
    (void)state;
    (void)snprintf(path, sizeof path, "@amqpcodec-test-%ld", (long)getpid());
    test_server *server = test_server_start(&(test_server_options){.unix_path = path});
    (void)snprintf(url, sizeof url, "amqp+unix://%%40%s", path + 1);
    assert_ok(try_url(url, &error));
    test_server_stop(server);
}

static void test_credentials_are_those_of_the_url(void **state)
{
    char url[128];
    amqpc_client_error error;
    (void)state;
    test_server *server = test_server_start(&(test_server_options){.user = "me@home"});
    unsigned port = test_server_port(server);
    (void)snprintf(url, sizeof url, "amqp://me%%40home:secret@127.0.0.1:%u", port);
    assert_ok(try_url(url, &error));
    (void)snprintf(url, sizeof url, "amqp://me%%40home:wrong@127.0.0.1:%u", port);
    assert_status(AMQPC_SASL_REFUSED, try_url(url, &error));
    assert_null(strstr(error.text, "wrong"));
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", port);
    assert_status(AMQPC_SASL_NO_MECHANISM, try_url(url, &error));
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u/?sasl=none", port);
    assert_ok(try_url(url, &error));
    test_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_is_trusted_by_its_authority),
        cmocka_unit_test(test_unix_socket_is_named_by_the_url),
        cmocka_unit_test(test_credentials_are_those_of_the_url),
    };
    return cmocka_run_group_tests_name("client_security", tests, tls_files_make, tls_files_remove);
}
