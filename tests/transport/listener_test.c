/* Listeners: limits, Unix sockets and their files, what cannot be listened at. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/socket_faults.h"
#include "transport_fixture.h"

static char folder[] = "/tmp/amqpcodec-listener-XXXXXX";
static char socket_path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static amqpc_listener_options local_options(const char *path)
{
    amqpc_listener_options options;
    amqpc_listener_options_init(&options, sizeof options);
    options.unix_path = path;
    return options;
}

static bool exists(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

static void open_and_close(transport_fixture *fixture, const amqpc_transport_options *options)
{
    transport_fixture_connect(fixture, options, NULL);
    transport_fixture_wait(fixture, client_is_open);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture->client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture->client);
    transport_fixture_wait(fixture, both_are_over);
    assert_int_equal(amqpc_transport_get_state(fixture->server), AMQPC_TRANSPORT_CLOSED);
}

static void test_a_unix_socket_has_a_file_which_is_removed(void **state)
{
    (void)state;
    transport_fixture fixture;
    char text[128];
    char expected[128];
    const amqpc_listener_options options = local_options(socket_path);
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, &options);
    assert_true(exists(socket_path));
    assert_int_equal(amqpc_listener_port(fixture.listener), 0);
    amqpc_transport_options client = transport_fixture_options(&fixture);
    client.unix_path = socket_path;
    client.host = NULL;
    transport_fixture_connect(&fixture, &client, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    assert_int_equal(amqpc_transport_remote_address(fixture.client, text, sizeof text), AMQPC_OK);
    (void)snprintf(expected, sizeof expected, "unix:%s", socket_path);
    assert_string_equal(text, expected);
    assert_int_equal(amqpc_transport_remote_address(fixture.client, text, 5), AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_transport_local_address(fixture.server, text, sizeof text), AMQPC_OK);
    assert_string_equal(text, expected);
    assert_int_equal(amqpc_transport_remote_address(fixture.server, text, sizeof text), AMQPC_OK);
    assert_string_equal(text, "unix:");
    transport_fixture_free(&fixture);
    assert_false(exists(socket_path));
}

static void test_an_abstract_name_has_no_file(void **state)
{
    (void)state;
    transport_fixture fixture;
    char name[64];
    char text[128];
    (void)snprintf(name, sizeof name, "@amqpcodec-listener-%ld", (long)getpid());
    const amqpc_listener_options options = local_options(name);
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, &options);
    amqpc_transport_options client = transport_fixture_options(&fixture);
    client.unix_path = name;
    transport_fixture_connect(&fixture, &client, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    assert_int_equal(amqpc_transport_remote_address(fixture.client, text, sizeof text), AMQPC_OK);
    assert_string_equal(text + 5, name);
    assert_false(exists(name));
    transport_fixture_free(&fixture);
}

static void leave_file(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    (void)close(descriptor);
}

static void test_a_file_that_a_dead_program_left_is_replaced(void **state)
{
    (void)state;
    transport_fixture fixture;
    const amqpc_listener_options options = local_options(socket_path);
    socket_faults_clear();
    leave_file();
    transport_fixture_make(&fixture, NULL, &options);
    amqpc_transport_options client = transport_fixture_options(&fixture);
    client.unix_path = socket_path;
    open_and_close(&fixture, &client);
    transport_fixture_free(&fixture);
    assert_false(exists(socket_path));
}

static void test_a_file_that_is_listened_at_stays(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_listener *second = NULL;
    char reason[128];
    const amqpc_listener_options options = local_options(socket_path);
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, &options);
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, reason, sizeof reason),
                     AMQPC_LISTEN_FAILED);
    assert_non_null(strstr(reason, socket_path));
    assert_non_null(strstr(reason, "in use"));
    assert_true(exists(socket_path));
    transport_fixture_free(&fixture);
    assert_false(exists(socket_path));
}

static void test_a_file_that_is_no_socket_stays(void **state)
{
    (void)state;
    amqpc_poller *poller = NULL;
    amqpc_listener *listener = NULL;
    const amqpc_listener_options options = local_options(socket_path);
    socket_faults_clear();
    FILE *file = fopen(socket_path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(amqpc_poller_new(NULL, &poller), AMQPC_OK);
    assert_int_equal(amqpc_listener_new(poller, &options, &listener, NULL, 0), AMQPC_LISTEN_FAILED);
    assert_true(exists(socket_path));
    amqpc_poller_free(poller);
    assert_int_equal(unlink(socket_path), 0);
}

/* The file of a listener that came later is not removed by the first. */
static void test_only_the_own_file_is_removed(void **state)
{
    (void)state;
    transport_fixture first;
    transport_fixture second;
    const amqpc_listener_options options = local_options(socket_path);
    socket_faults_clear();
    transport_fixture_make(&first, NULL, &options);
    assert_int_equal(unlink(socket_path), 0);
    transport_fixture_make(&second, NULL, &options);
    transport_fixture_free(&first);
    assert_true(exists(socket_path));
    transport_fixture_free(&second);
    assert_false(exists(socket_path));
}

static void test_what_cannot_be_listened_at_says_why(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_listener *second = NULL;
    amqpc_listener_options options;
    char reason[128];
    char expected[128];
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_listener_options_init(&options, sizeof options);
    options.port = amqpc_listener_port(fixture.listener);
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, reason, sizeof reason),
                     AMQPC_LISTEN_FAILED);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u: Address already in use", options.port);
    assert_string_equal(reason, expected);
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, reason, 4),
                     AMQPC_LISTEN_FAILED);
    assert_string_equal(reason, "127");
    options.port = 65536;
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, NULL, 0),
                     AMQPC_INVALID_ARGUMENT);
    options.port = 0;
    options.host = "localhost";
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, reason, sizeof reason),
                     AMQPC_INVALID_ARGUMENT);
    assert_string_equal(reason, "the host is no address of IPv4 or IPv6");
    options = local_options("");
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, NULL, 0),
                     AMQPC_INVALID_ARGUMENT);
    transport_fixture_free(&fixture);
}

static void test_several_listeners_share_a_port(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_listener *second = NULL;
    amqpc_listener_options options;
    socket_faults_clear();
    amqpc_listener_options_init(&options, sizeof options);
    options.reuse_port = true;
    transport_fixture_make(&fixture, NULL, &options);
    options.port = amqpc_listener_port(fixture.listener);
    assert_int_equal(amqpc_listener_new(fixture.poller, &options, &second, NULL, 0), AMQPC_OK);
    assert_int_equal(amqpc_listener_port(second), options.port);
    open_and_close(&fixture, NULL);
    transport_fixture_free(&fixture);
}

/* --- Limits. */

static bool server_is_there(const transport_fixture *fixture)
{
    return fixture->server != NULL;
}

static void test_clients_above_the_limit_wait_until_others_are_gone(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_listener_options options;
    amqpc_transport *refused = NULL;
    socket_faults_clear();
    amqpc_listener_options_init(&options, sizeof options);
    options.transports_max = 1;
    transport_fixture_make(&fixture, NULL, &options);
    int first = raw_peer_connect(amqpc_listener_port(fixture.listener));
    int second = raw_peer_connect(amqpc_listener_port(fixture.listener));
    transport_fixture_wait(&fixture, server_is_there);
    amqpc_transport *accepted = fixture.server;
    fixture.server = NULL;
    faults.waits = 0;
    assert_int_equal(transport_fixture_round(&fixture, 20), AMQPC_TIMED_OUT);
    assert_int_equal(amqpc_listener_accept(fixture.listener, NULL, &refused), AMQPC_NOT_FOUND);
    assert_true(faults.waits < 10);
    amqpc_transport_free(accepted);
    transport_fixture_wait(&fixture, server_is_there);
    (void)close(first);
    (void)close(second);
    transport_fixture_free(&fixture);
}

static bool has_tried_again(const transport_fixture *fixture)
{
    (void)fixture;
    return faults.makes >= 3;
}

static void test_row_103_without_descriptors_clients_wait_and_nothing_spins(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_ready ready;
    amqpc_transport *transport = NULL;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    int peer = raw_peer_connect(amqpc_listener_port(fixture.listener));
    faults.descriptors_error = EMFILE;
    faults.makes = 0;
    faults.waits = 0;
    while (!has_tried_again(&fixture)) {
        assert_int_equal(amqpc_poller_wait(fixture.poller, PATIENCE_MS), AMQPC_OK);
        while (amqpc_poller_next(fixture.poller, &ready)) {
            assert_ptr_equal(ready.listener, fixture.listener);
            assert_int_equal(amqpc_listener_accept(ready.listener, NULL, &transport),
                             AMQPC_NO_DESCRIPTORS);
        }
    }
    assert_true(faults.waits < 20);
    faults.descriptors_error = 0;
    transport_fixture_wait(&fixture, server_is_there);
    (void)close(peer);
    transport_fixture_free(&fixture);
}

/* A Unix socket does not let clients wait to be accepted as TCP does: it refuses them for now. */
static void test_a_unix_socket_whose_queue_is_full_is_tried_again(void **state)
{
    (void)state;
    enum { CLIENTS = 5 };
    transport_fixture fixture;
    amqpc_transport *others[CLIENTS];
    amqpc_listener_options options = local_options(socket_path);
    socket_faults_clear();
    options.backlog = 0;
    transport_fixture_make(&fixture, NULL, &options);
    amqpc_transport_options client = transport_fixture_options(&fixture);
    client.unix_path = socket_path;
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(amqpc_transport_connect(fixture.poller, &client, NULL, &others[i]),
                         AMQPC_OK);
    }
    assert_int_equal(amqpc_transport_get_state(others[CLIENTS - 1]), AMQPC_TRANSPORT_CONNECTING);
    transport_fixture_connect(&fixture, &client, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    transport_fixture_free(&fixture);
}

static void test_a_client_that_is_gone_before_it_is_accepted(void **state)
{
    (void)state;
    transport_fixture fixture;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    raw_peer_reset(raw_peer_connect(amqpc_listener_port(fixture.listener)));
    open_and_close(&fixture, NULL);
    transport_fixture_free(&fixture);
}

static void test_transports_outlive_their_listener(void **state)
{
    (void)state;
    transport_fixture fixture;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    amqpc_listener_free(fixture.listener);
    amqpc_listener_free(NULL);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture.client);
    transport_fixture_wait(&fixture, both_are_over);
    amqpc_transport_free(fixture.server);
    transport_fixture_free(&fixture);
}

static void test_options_that_a_connection_does_not_take_leave_the_client_waiting(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_connection_options options;
    amqpc_transport *transport = NULL;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    int peer = raw_peer_connect(amqpc_listener_port(fixture.listener));
    assert_int_equal(amqpc_poller_wait(fixture.poller, PATIENCE_MS), AMQPC_OK);
    amqpc_connection_options_init(&options, sizeof options);
    options.output_size = 0;
    assert_int_equal(amqpc_listener_accept(fixture.listener, &options, &transport),
                     AMQPC_INVALID_ARGUMENT);
    transport_fixture_wait(&fixture, server_is_there);
    (void)close(peer);
    transport_fixture_free(&fixture);
}

static void test_contexts(void **state)
{
    (void)state;
    transport_fixture fixture;
    int mine = 0;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    assert_null(amqpc_listener_context(fixture.listener));
    assert_null(amqpc_transport_context(fixture.client));
    amqpc_listener_set_context(fixture.listener, &mine);
    amqpc_transport_set_context(fixture.client, &mine);
    assert_ptr_equal(amqpc_listener_context(fixture.listener), &mine);
    assert_ptr_equal(amqpc_transport_context(fixture.client), &mine);
    assert_ptr_equal(amqpc_transport_poller(fixture.client), fixture.poller);
    transport_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_unix_socket_has_a_file_which_is_removed),
        cmocka_unit_test(test_an_abstract_name_has_no_file),
        cmocka_unit_test(test_a_file_that_a_dead_program_left_is_replaced),
        cmocka_unit_test(test_a_file_that_is_listened_at_stays),
        cmocka_unit_test(test_a_file_that_is_no_socket_stays),
        cmocka_unit_test(test_only_the_own_file_is_removed),
        cmocka_unit_test(test_what_cannot_be_listened_at_says_why),
        cmocka_unit_test(test_several_listeners_share_a_port),
        cmocka_unit_test(test_clients_above_the_limit_wait_until_others_are_gone),
        cmocka_unit_test(test_row_103_without_descriptors_clients_wait_and_nothing_spins),
        cmocka_unit_test(test_a_unix_socket_whose_queue_is_full_is_tried_again),
        cmocka_unit_test(test_a_client_that_is_gone_before_it_is_accepted),
        cmocka_unit_test(test_transports_outlive_their_listener),
        cmocka_unit_test(test_options_that_a_connection_does_not_take_leave_the_client_waiting),
        cmocka_unit_test(test_contexts),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
