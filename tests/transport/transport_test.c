/* Transports from their making to their end, over loopback. */
#define _DEFAULT_SOURCE /* for TCP_KEEPIDLE */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "transport/transport.h"
#include "transport_fixture.h"

static void test_client_and_server_open_and_close_in_good_order(void **state)
{
    (void)state;
    transport_fixture fixture;
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_OPEN);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture.client);
    transport_fixture_wait(&fixture, both_are_over);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_CLOSED);
    assert_int_equal(amqpc_transport_get_state(fixture.server), AMQPC_TRANSPORT_CLOSED);
    transport_fixture_free(&fixture);
}

static bool all_has_arrived(const transport_fixture *fixture)
{
    return fixture->received_count == 5000;
}

static void send_many(transport_fixture *fixture, amqpc_link *link)
{
    static const uint8_t payload[100] = {0};
    const amqpc_bytes bytes = {payload, sizeof payload};
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    for (size_t sent = 0; sent < 5000;) {
        amqpc_status status = amqpc_link_send(link, bytes, &options, NULL);
        sent += status == AMQPC_OK ? 1 : 0;
        if (status == AMQPC_NO_CREDIT) {
            amqpc_transport_touch(fixture->client);
            (void)!transport_fixture_round(fixture, 0);
        } else {
            assert_int_equal(status, AMQPC_OK);
        }
    }
    amqpc_transport_touch(fixture->client);
}

static void test_deliveries_arrive(void **state)
{
    (void)state;
    transport_fixture fixture;
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(fixture.client));
    transport_fixture_wait(&fixture, client_has_credit);
    send_many(&fixture, link);
    transport_fixture_wait(&fixture, all_has_arrived);
    assert_int_equal(fixture.received_size, 500000);
    transport_fixture_free(&fixture);
}

static int option_of(const amqpc_transport *transport, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(transport->watch.descriptor, level, name, &value, &size), 0);
    return value;
}

static bool both_are_open(const transport_fixture *fixture)
{
    return client_is_open(fixture) && fixture->server != NULL;
}

static void test_options_of_sockets(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_listener_options listener;
    amqpc_transport_options server;
    amqpc_listener_options_init(&listener, sizeof listener);
    amqpc_transport_options_init(&server, sizeof server);
    server.delay = true;
    listener.transport = &server;
    transport_fixture_make(&fixture, NULL, &listener);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    options.keepalive_idle_s = 77;
    options.keepalive_interval_s = 7;
    options.keepalive_count = 3;
    options.send_buffer_size = 30000;
    options.receive_buffer_size = 20000;
    transport_fixture_connect(&fixture, &options, NULL);
    transport_fixture_wait(&fixture, both_are_open);
    assert_int_equal(option_of(fixture.client, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fixture.client, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option_of(fixture.client, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    assert_int_equal(option_of(fixture.client, IPPROTO_TCP, TCP_KEEPCNT), 3);
    assert_int_equal(option_of(fixture.client, SOL_SOCKET, SO_SNDBUF), 60000); /* tcp(7): twice */
    assert_int_equal(option_of(fixture.client, SOL_SOCKET, SO_RCVBUF), 40000);
    assert_int_equal(option_of(fixture.client, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fixture.server, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option_of(fixture.server, SOL_SOCKET, SO_KEEPALIVE), 0);
    transport_fixture_free(&fixture);
}

static void test_calls_that_move_bytes_are_counted(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_transport_statistics statistics = {.struct_size = sizeof statistics};
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    amqpc_transport_get_statistics(fixture.client, &statistics);
    assert_int_equal(statistics.writes, 0);
    transport_fixture_wait(&fixture, client_is_open);
    amqpc_transport_get_statistics(fixture.client, &statistics);
    assert_int_equal(statistics.writes, 1); /* header and open together */
    assert_true(statistics.reads >= 1 && statistics.reads <= 2);
    transport_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_and_server_open_and_close_in_good_order),
        cmocka_unit_test(test_deliveries_arrive),
        cmocka_unit_test(test_options_of_sockets),
        cmocka_unit_test(test_calls_that_move_bytes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
