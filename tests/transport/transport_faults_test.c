/* Transports over sockets that misbehave: all arrives all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/socket_faults.h"
#include "transport_fixture.h"

enum {
    DELIVERIES = 300,
    SIZE = 500,
    LARGE_SIZE = 3 * 1000 * 1000 /* more than sockets take at once */
};

static size_t expected_count;

static bool all_has_arrived(const transport_fixture *fixture)
{
    return fixture->received_count == expected_count;
}

static void send_one(transport_fixture *fixture, amqpc_link *link, amqpc_bytes payload,
                     bool by_reference)
{
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = by_reference;
    amqpc_status status = amqpc_link_send(link, payload, &options, NULL);
    while (status == AMQPC_LIMIT_REACHED || status == AMQPC_NO_CREDIT) {
        assert_int_equal(transport_fixture_round(fixture, PATIENCE_MS), AMQPC_OK);
        status = amqpc_link_send(link, payload, &options, NULL);
    }
    assert_int_equal(status, AMQPC_OK);
    amqpc_transport_touch(fixture->client);
}

static void send_and_close(transport_fixture *fixture, size_t count)
{
    uint8_t payload[SIZE];
    uint64_t sum = 0;
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(fixture->client));
    transport_fixture_wait(fixture, client_has_credit);
    for (size_t i = 0; i < count; i++) {
        memset(payload, (int)(i & 0xff), sizeof payload);
        sum += 2 * (i & 0xff);
        send_one(fixture, link, (amqpc_bytes){payload, sizeof payload}, false);
    }
    expected_count = count;
    transport_fixture_wait(fixture, all_has_arrived);
    assert_int_equal(fixture->received_size, count * SIZE);
    assert_int_equal(fixture->received_sum, sum);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture->client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture->client);
    transport_fixture_wait(fixture, both_are_over);
    assert_int_equal(amqpc_transport_get_state(fixture->client), AMQPC_TRANSPORT_CLOSED);
    assert_int_equal(amqpc_transport_get_state(fixture->server), AMQPC_TRANSPORT_CLOSED);
}

static void make(transport_fixture *fixture)
{
    socket_faults_clear();
    transport_fixture_make(fixture, NULL, NULL);
    transport_fixture_connect(fixture, NULL, NULL);
}

static void test_row_94_reads_and_writes_of_one_byte(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    faults.read_max = 1;
    faults.write_max = 1;
    send_and_close(&fixture, 3);
    transport_fixture_free(&fixture);
}

static void test_row_94_reads_of_a_few_bytes(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    faults.read_max = 7;
    send_and_close(&fixture, 30);
    transport_fixture_free(&fixture);
}

static void test_row_95_eagain_storm(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    faults.blocks = 5;
    faults.write_max = 4000;
    send_and_close(&fixture, DELIVERIES);
    transport_fixture_free(&fixture);
}

static void test_row_102_interrupted_calls_are_made_again(void **state)
{
    (void)state;
    transport_fixture fixture;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    faults.interrupts = 3; /* the first of them when the client is accepted */
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    assert_int_equal(faults.interrupts, 0);
    faults.interrupts = 50;
    send_and_close(&fixture, DELIVERIES);
    transport_fixture_free(&fixture);
}

static bool payload_is_free(const transport_fixture *fixture)
{
    return fixture->client_events & 1u << AMQPC_EVENT_UPDATES;
}

/* From the caller's memory, through sockets that take a part at a time. */
static void test_a_large_payload_goes_out_by_parts(void **state)
{
    (void)state;
    static uint8_t payload[LARGE_SIZE];
    transport_fixture fixture;
    amqpc_connection_options options;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_connection_options_init(&options, sizeof options);
    options.message_size = LARGE_SIZE;
    options.partial_size = LARGE_SIZE;
    fixture.server_options = &options;
    transport_fixture_connect(&fixture, NULL, NULL);
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(fixture.client));
    transport_fixture_wait(&fixture, client_has_credit);
    payload[0] = 11;
    payload[LARGE_SIZE - 1] = 22;
    send_one(&fixture, link, (amqpc_bytes){payload, sizeof payload}, true);
    transport_fixture_wait(&fixture, payload_is_free);
    assert_int_equal(fixture.received_size, LARGE_SIZE);
    assert_int_equal(fixture.received_sum, 33);
    transport_fixture_free(&fixture);
}

/* Whoever was told that too much output waits is told when it may go on. */
static void test_output_that_was_full_and_has_gone_is_news(void **state)
{
    (void)state;
    static const uint8_t payload[SIZE] = {0};
    transport_fixture fixture;
    amqpc_connection_options options;
    amqpc_send_options settled;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_connection_options_init(&options, sizeof options);
    options.output_size = 10000;
    transport_fixture_connect(&fixture, NULL, &options);
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(fixture.client));
    transport_fixture_wait(&fixture, client_has_credit);
    amqpc_send_options_init(&settled, sizeof settled);
    settled.settled = true;
    expected_count = 0;
    while (expected_count < DELIVERIES) {
        amqpc_status status = amqpc_link_send(link, (amqpc_bytes){payload, SIZE}, &settled, NULL);
        expected_count += status == AMQPC_OK ? 1 : 0;
        if (status == AMQPC_LIMIT_REACHED) {
            amqpc_transport_touch(fixture.client);
            assert_int_equal(transport_fixture_round(&fixture, AMQPC_FOREVER), AMQPC_OK);
        } else {
            assert_int_equal(status, AMQPC_OK);
        }
    }
    amqpc_transport_touch(fixture.client);
    transport_fixture_wait(&fixture, all_has_arrived);
    transport_fixture_free(&fixture);
}

/* A program that was away for longer than the peer may be silent looks at what has come, before it
 * says that nothing has. */
static void test_row_107_a_jump_of_the_clock_is_no_silence_where_bytes_have_come(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_connection_options options;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_connection_options_init(&options, sizeof options);
    options.idle_timeout_ms = 60000;
    fixture.server_options = &options;
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(fixture.client));
    transport_fixture_wait(&fixture, client_has_credit);
    for (expected_count = 1; expected_count <= 5; expected_count++) {
        static const uint8_t payload[SIZE] = {0};
        amqpc_send_options settled;
        amqpc_send_options_init(&settled, sizeof settled);
        settled.settled = true;
        assert_int_equal(amqpc_link_send(link, (amqpc_bytes){payload, SIZE}, &settled, NULL),
                         AMQPC_OK);
        assert_int_equal(amqpc_transport_flush(fixture.client), AMQPC_OK);
        faults.clock_ms += 61000;
        transport_fixture_wait(&fixture, all_has_arrived);
        assert_int_equal(amqpc_transport_get_state(fixture.server), AMQPC_TRANSPORT_OPEN);
    }
    transport_fixture_free(&fixture);
}

/* A clock that goes back stands still: nothing hangs, and nothing ends early. */
static void test_row_107_a_clock_that_goes_back(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    transport_fixture_wait(&fixture, client_is_open);
    faults.clock_ms = -3000;
    send_and_close(&fixture, 10);
    transport_fixture_free(&fixture);
}

/* An idle connection: neither reads nor writes, and its memory is given back. */
static void test_idle_connections_cost_no_calls(void **state)
{
    (void)state;
    transport_fixture fixture;
    make(&fixture);
    transport_fixture_wait(&fixture, client_is_open);
    faults.clock_ms += 5000; /* buffers are given back */
    (void)!transport_fixture_round(&fixture, 0);
    (void)!transport_fixture_round(&fixture, 0);
    faults.reads = 0;
    faults.writes = 0;
    faults.waits = 0;
    assert_int_equal(transport_fixture_round(&fixture, 50), AMQPC_TIMED_OUT);
    assert_int_equal(faults.reads, 0);
    assert_int_equal(faults.writes, 0);
    assert_int_equal(faults.waits, 1);
    transport_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_94_reads_and_writes_of_one_byte),
        cmocka_unit_test(test_row_94_reads_of_a_few_bytes),
        cmocka_unit_test(test_row_95_eagain_storm),
        cmocka_unit_test(test_row_102_interrupted_calls_are_made_again),
        cmocka_unit_test(test_a_large_payload_goes_out_by_parts),
        cmocka_unit_test(test_output_that_was_full_and_has_gone_is_news),
        cmocka_unit_test(test_row_107_a_jump_of_the_clock_is_no_silence_where_bytes_have_come),
        cmocka_unit_test(test_row_107_a_clock_that_goes_back),
        cmocka_unit_test(test_idle_connections_cost_no_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
