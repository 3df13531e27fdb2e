/* What clients say of failures: a line for people, in which nothing stands twice. */
#include <amqpcodec/sender.h>
#include <stdio.h>
#include <string.h>

#include "client/client_fixture.h"

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* The failure of a client that does not try again. */
static amqpc_client_error failure_at(const char *url)
{
    amqpc_client *client = NULL;
    amqpc_client_error error;
    amqpc_client_options options = client_fixture_options();
    options.reconnect = false;
    assert_ok(amqpc_client_new(url, &options, &client, &error));
    amqpc_status status = amqpc_client_wait_open(client, PATIENCE_MS);
    assert_ok(amqpc_client_get_error(client, &error));
    assert_status(status, error.status);
    amqpc_client_free(client);
    return error;
}

static void check_text(const test_server_options *options, amqpc_status status)
{
    char place[32];
    test_server *server = test_server_start(options);
    amqpc_client_error error = failure_at(test_server_url(server, ""));
    assert_status(status, error.status);
    (void)snprintf(place, sizeof place, "127.0.0.1:%u: ", (unsigned)test_server_port(server));
    assert_int_equal(1, count_of(error.text, place));
    assert_int_equal(1, count_of(error.text, amqpc_status_text(status)));
    test_server_stop(server);
}

static void test_the_text_says_the_place_and_the_status_once(void **state)
{
    (void)state;
    check_text(&(test_server_options){.drops_at_open = true}, AMQPC_STREAM_ENDED);
    check_text(&(test_server_options){.refuses_sasl = true}, AMQPC_SASL_REFUSED);
    check_text(&(test_server_options){.close_condition = "amqp:not-allowed"}, AMQPC_PEER_ERROR);
}

static void test_a_port_where_nobody_listens(void **state)
{
    char url[64];
    amqpc_client_error error;
    (void)state;
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)test_server_port(server));
    test_server_stop(server);
    error = failure_at(url);
    assert_status(AMQPC_CONNECT_FAILED, error.status);
    assert_int_equal(1, count_of(error.text, "127.0.0.1:"));
    assert_int_equal(1, count_of(error.text, "Connection refused"));
}

#ifdef AMQPCODEC_TEST_TLS
/* A server that does not speak it answers with its own bytes. */
static void test_a_server_that_does_not_speak_tls(void **state)
{
    char url[64];
    amqpc_client_error error;
    (void)state;
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    (void)snprintf(url, sizeof url, "amqps://127.0.0.1:%u", (unsigned)test_server_port(server));
    error = failure_at(url);
    print_message("%s\n", error.text);
    assert_int_equal(1, count_of(error.text, "127.0.0.1:"));
    assert_int_equal(1, count_of(error.text, amqpc_status_text(error.status)));
    test_server_stop(server);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text_says_the_place_and_the_status_once),
        cmocka_unit_test(test_a_port_where_nobody_listens),
#ifdef AMQPCODEC_TEST_TLS
        cmocka_unit_test(test_a_server_that_does_not_speak_tls),
#endif
    };
    return cmocka_run_group_tests_name("client error", tests, NULL, NULL);
}
