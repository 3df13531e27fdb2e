/* Connecting: names, several addresses, time-outs, what cannot be connected to. */
#define _POSIX_C_SOURCE 200809L
#include "transport/connector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/socket_faults.h"
#include "transport_fixture.h"

/* A port at which nobody answers: the queue of those that wait to be accepted is full. */
typedef struct silent_port {
    int listener;
    int waiting[16];
    size_t count;
    uint32_t port;
} silent_port;

static amqpci_address address_of(const char *host, uint32_t port)
{
    amqpci_address address;
    assert_int_equal(amqpci_address_of_number(host, port, &address), AMQPC_OK);
    return address;
}

static bool connects_at_once(int descriptor, const amqpci_address *address)
{
    if (connect(descriptor, &address->of.any, address->size) != 0) {
        assert_int_equal(errno, EINPROGRESS);
    }
    struct timespec short_while = {.tv_nsec = 50000000};
    (void)nanosleep(&short_while, NULL);
    amqpci_address remote;
    return amqpci_socket_remote_address(descriptor, &remote) == AMQPC_OK;
}

static void be_silent(silent_port *made)
{
    bool is_full = false;
    *made = (silent_port){.count = 0};
    made->listener = raw_peer_listen(&made->port, 0);
    const amqpci_address address = address_of("127.0.0.1", made->port);
    while (!is_full) {
        assert_true(made->count < 16);
        int *descriptor = &made->waiting[made->count++];
        assert_int_equal(amqpci_socket_new(&address, descriptor), AMQPC_OK);
        is_full = !connects_at_once(*descriptor, &address);
    }
}

static void end_silence(silent_port *ended)
{
    for (size_t i = 0; i < ended->count; i++) {
        (void)close(ended->waiting[i]);
    }
    (void)close(ended->listener);
}

static uint32_t port_without_listener(void)
{
    uint32_t port = 0;
    (void)close(raw_peer_listen(&port, 1));
    return port;
}

static void make(transport_fixture *fixture)
{
    socket_faults_clear();
    transport_fixture_make(fixture, NULL, NULL);
}

static void connect_to(transport_fixture *fixture, const amqpc_transport_options *options,
                       const amqpci_address *addresses, size_t count)
{
    assert_int_equal(amqpci_transport_connect_to(fixture->poller, options, addresses, count, NULL,
                                                 &fixture->client),
                     AMQPC_OK);
    transport_fixture_open(amqpc_transport_connection(fixture->client));
}

static void test_row_100_an_address_that_does_not_answer_is_passed(void **state)
{
    (void)state;
    transport_fixture fixture;
    silent_port silent;
    make(&fixture);
    be_silent(&silent);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.attempt_delay_ms = 20;
    const amqpci_address addresses[] = {
        address_of("127.0.0.1", silent.port),
        address_of("127.0.0.1", amqpc_listener_port(fixture.listener)),
    };
    connect_to(&fixture, &options, addresses, 2);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_CONNECTING);
    transport_fixture_wait(&fixture, client_is_open);
    char text[64];
    char expected[64];
    assert_int_equal(amqpc_transport_remote_address(fixture.client, text, sizeof text), AMQPC_OK);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u", options.port);
    assert_string_equal(text, expected);
    end_silence(&silent);
    transport_fixture_free(&fixture);
}

/* Without waiting for the delay. */
static void test_row_100_an_address_that_refuses_is_passed_at_once(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.attempt_delay_ms = 0x7fffffff;
    uint32_t refused = port_without_listener();
    const amqpci_address addresses[] = {
        address_of("127.0.0.1", refused),
        address_of("127.0.0.1", refused),
        address_of("127.0.0.1", options.port),
    };
    connect_to(&fixture, &options, addresses, 3);
    transport_fixture_wait(&fixture, client_is_open);
    transport_fixture_free(&fixture);
}

static void test_row_100_connect_timeout(void **state)
{
    (void)state;
    transport_fixture fixture;
    silent_port silent;
    make(&fixture);
    be_silent(&silent);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.connect_timeout_ms = 30;
    options.attempt_delay_ms = 5;
    const amqpci_address addresses[] = {
        address_of("127.0.0.1", silent.port),
        address_of("127.0.0.1", silent.port),
    };
    connect_to(&fixture, &options, addresses, 2);
    transport_fixture_wait(&fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&fixture);
    assert_int_equal(failure.status, AMQPC_CONNECT_TIMEOUT);
    assert_non_null(strstr(failure.text, "127.0.0.1:"));
    end_silence(&silent);
    transport_fixture_free(&fixture);
}

static void test_a_refused_connection_says_where_and_why(void **state)
{
    (void)state;
    transport_fixture fixture;
    char expected[64];
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.port = port_without_listener();
    transport_fixture_connect(&fixture, &options, NULL);
    transport_fixture_wait(&fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&fixture);
    assert_int_equal(failure.status, AMQPC_CONNECT_FAILED);
    assert_int_equal(failure.system_error, ECONNREFUSED);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u: Connection refused", options.port);
    assert_string_equal(failure.text, expected);
    assert_true(fixture.client_events & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    char text[64];
    assert_int_equal(amqpc_transport_remote_address(fixture.client, text, sizeof text),
                     AMQPC_NOT_FOUND);
    transport_fixture_free(&fixture);
}

static void test_a_name_is_looked_up(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.host = "localhost";
    options.attempt_delay_ms = 20;
    atomic_store(&faults.lookup_waits, true);
    transport_fixture_connect(&fixture, &options, NULL);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_RESOLVING);
    (void)!transport_fixture_round(&fixture, 0);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_RESOLVING);
    atomic_store(&faults.lookup_waits, false);
    transport_fixture_wait(&fixture, client_is_open);
    transport_fixture_free(&fixture);
}

static void test_a_name_that_is_unknown(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    faults.lookup_error = EAI_NONAME;
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.host = "nowhere.invalid";
    options.port = 5672;
    transport_fixture_connect(&fixture, &options, NULL);
    transport_fixture_wait(&fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&fixture);
    assert_int_equal(failure.status, AMQPC_RESOLVE_FAILED);
    assert_memory_equal(failure.text, "nowhere.invalid:5672: ", 22);
    assert_string_equal(failure.text + 22, gai_strerror(EAI_NONAME));
    transport_fixture_free(&fixture);
}

static void test_a_lookup_that_the_system_fails(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    faults.lookup_error = EAI_SYSTEM;
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.host = "nowhere.invalid";
    transport_fixture_connect(&fixture, &options, NULL);
    transport_fixture_wait(&fixture, client_is_over);
    assert_int_equal(client_failure(&fixture).status, AMQPC_RESOLVE_FAILED);
    assert_int_equal(client_failure(&fixture).system_error, EIO);
    transport_fixture_free(&fixture);
}

static void wait_for_lookups(unsigned count)
{
    const struct timespec short_while = {.tv_nsec = 1000000};
    atomic_store(&faults.lookup_waits, false);
    for (size_t i = 0; atomic_load(&faults.lookups) < count; i++) {
        assert_true(i < PATIENCE_MS);
        (void)nanosleep(&short_while, NULL);
    }
}

static void test_a_lookup_may_outlive_its_transport_and_poller(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_transport *second = NULL;
    make(&fixture);
    atomic_store(&faults.lookup_waits, true);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.host = "localhost";
    transport_fixture_connect(&fixture, &options, NULL);
    assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &second), AMQPC_OK);
    amqpc_transport_free(second);
    transport_fixture_free(&fixture);
    wait_for_lookups(2);
}

static void test_row_100_a_lookup_that_takes_too_long(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    atomic_store(&faults.lookup_waits, true);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.host = "localhost";
    options.connect_timeout_ms = 20;
    transport_fixture_connect(&fixture, &options, NULL);
    transport_fixture_wait(&fixture, client_is_over);
    assert_int_equal(client_failure(&fixture).status, AMQPC_CONNECT_TIMEOUT);
    assert_memory_equal(client_failure(&fixture).text, "localhost:", 10);
    transport_fixture_free(&fixture);
    wait_for_lookups(1);
}

static void test_families_take_turns(void **state)
{
    (void)state;
    const char *const given[] = {"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"};
    const char *const expected[] = {"[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "[::3]:1"};
    amqpci_address addresses[5];
    char text[AMQPCI_ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < 5; i++) {
        addresses[i] = address_of(given[i], 1);
    }
    amqpci_address_interleave(addresses, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(amqpci_address_print(&addresses[i], text, sizeof text), AMQPC_OK);
        assert_string_equal(text, expected[i]);
    }
    assert_int_equal(amqpci_address_print(&addresses[0], text, 7), AMQPC_BUFFER_FULL);
}

static void test_row_103_without_descriptors_nothing_is_connected(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_transport *transport = NULL;
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    faults.descriptors_error = EMFILE;
    assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &transport),
                     AMQPC_NO_DESCRIPTORS);
    options.host = "localhost";
    assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &transport),
                     AMQPC_NO_DESCRIPTORS);
    faults.descriptors_error = 0;
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    transport_fixture_free(&fixture);
}

static void test_row_103_descriptors_run_out_after_the_lookup(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.host = "localhost";
    transport_fixture_connect(&fixture, &options, NULL);
    faults.descriptors_error = ENFILE;
    transport_fixture_wait(&fixture, client_is_over);
    assert_int_equal(client_failure(&fixture).status, AMQPC_NO_DESCRIPTORS);
    assert_int_equal(client_failure(&fixture).system_error, ENFILE);
    transport_fixture_free(&fixture);
}

static void test_arguments_that_are_not_valid(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_transport *transport = NULL;
    amqpc_connection_options connection_options;
    char long_path[200];
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    amqpc_transport_options no_host = options;
    amqpc_transport_options no_port = options;
    amqpc_transport_options high_port = options;
    amqpc_transport_options bad_path = options;
    no_host.host = NULL;
    no_port.port = 0;
    high_port.port = 65536;
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    bad_path.unix_path = long_path;
    const amqpc_transport_options *const all[] = {&no_host, &no_port, &high_port, &bad_path};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(amqpc_transport_connect(fixture.poller, all[i], NULL, &transport),
                         AMQPC_INVALID_ARGUMENT);
    }
    amqpc_connection_options_init(&connection_options, sizeof connection_options);
    connection_options.message_size = 0;
    assert_int_equal(
        amqpc_transport_connect(fixture.poller, &options, &connection_options, &transport),
        AMQPC_INVALID_ARGUMENT);
    assert_null(transport);
    transport_fixture_free(&fixture);
}

/* An application that was compiled with less options has the defaults of the others. */
static void test_options_of_an_older_program(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.struct_size = offsetof(amqpc_transport_options, connect_timeout_ms);
    options.connect_timeout_ms = 1; /* not there, as far as the library knows */
    options.close_timeout_ms = 0;
    assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &fixture.client),
                     AMQPC_OK);
    assert_int_equal(fixture.client->close_timeout_ms, 2000);
    transport_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_100_an_address_that_does_not_answer_is_passed),
        cmocka_unit_test(test_row_100_an_address_that_refuses_is_passed_at_once),
        cmocka_unit_test(test_row_100_connect_timeout),
        cmocka_unit_test(test_a_refused_connection_says_where_and_why),
        cmocka_unit_test(test_a_name_is_looked_up),
        cmocka_unit_test(test_a_name_that_is_unknown),
        cmocka_unit_test(test_a_lookup_that_the_system_fails),
        cmocka_unit_test(test_a_lookup_may_outlive_its_transport_and_poller),
        cmocka_unit_test(test_row_100_a_lookup_that_takes_too_long),
        cmocka_unit_test(test_families_take_turns),
        cmocka_unit_test(test_row_103_without_descriptors_nothing_is_connected),
        cmocka_unit_test(test_row_103_descriptors_run_out_after_the_lookup),
        cmocka_unit_test(test_arguments_that_are_not_valid),
        cmocka_unit_test(test_options_of_an_older_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
