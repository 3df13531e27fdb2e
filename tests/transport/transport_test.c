/* Transports from their making to their end, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_and_server_open_and_close_in_good_order),
        cmocka_unit_test(test_deliveries_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
