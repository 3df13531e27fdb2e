/* Memory: whatever allocation fails, nothing is lost and nothing hangs; and what a transport takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing_allocator.h"
#include "support/raw_peer.h"
#include "support/socket_faults.h"
#include "transport/transport.h"
#include "transport_fixture.h"

/* A whole life of both ends. Calls that fail for memory are made again: only one fails in a run. */
typedef struct life {
    amqpc_poller *poller;
    amqpc_listener *listener;
    amqpc_transport *client;
    amqpc_transport *server;
    bool client_opened;
    bool server_opened;
    bool is_over;
} life;

static const amqpc_open open_fields = {.present = AMQPC_OPEN_CONTAINER_ID,
                                       .container_id = {"test", 4}};

/* Calls open until there is memory for it. */
static void call_open(amqpc_transport *transport, bool *opened)
{
    if (transport != NULL && !*opened) {
        amqpc_status status =
            amqpc_connection_open(amqpc_transport_connection(transport), &open_fields);
        *opened = status != AMQPC_NO_MEMORY;
    }
}

static bool is_over(const amqpc_transport *transport)
{
    return transport != NULL && amqpc_transport_get_state(transport) >= AMQPC_TRANSPORT_CLOSED;
}

static void take_events(life *at, amqpc_transport *transport)
{
    amqpc_connection_event event;
    amqpc_connection *connection = amqpc_transport_connection(transport);
    while (amqpc_connection_next_event(connection, &event)) {
        if (event.type == AMQPC_EVENT_CONNECTION_OPEN && transport == at->client) {
            if (amqpc_connection_close(connection, NULL) == AMQPC_NO_MEMORY) {
                (void)!amqpc_connection_close(connection, NULL);
            }
        } else if (event.type == AMQPC_EVENT_CONNECTION_CLOSE && transport == at->server) {
            call_open(at->server, &at->server_opened);
            if (amqpc_connection_close(connection, NULL) == AMQPC_NO_MEMORY) {
                (void)!amqpc_connection_close(connection, NULL);
            }
        }
    }
}

static void live_round(life *at)
{
    amqpc_ready ready;
    amqpc_status status = amqpc_poller_wait(at->poller, 20000);
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    while (amqpc_poller_next(at->poller, &ready)) {
        if (ready.listener != NULL) {
            (void)!amqpc_listener_accept(ready.listener, NULL, &at->server);
        } else {
            take_events(at, ready.transport);
        }
    }
    call_open(at->client, &at->client_opened);
    call_open(at->server, &at->server_opened);
    at->is_over = is_over(at->client) && (is_over(at->server) || at->server == NULL);
}

static void live(life *at, const amqpc_allocator *allocator, const char *host)
{
    amqpc_transport_options options;
    amqpc_status status = amqpc_poller_new(allocator, &at->poller);
    if (status == AMQPC_OK) {
        status = amqpc_listener_new(at->poller, NULL, &at->listener, NULL, 0);
    }
    if (status == AMQPC_OK) {
        amqpc_transport_options_init(&options, sizeof options);
        options.host = host;
        options.port = amqpc_listener_port(at->listener);
        options.attempt_delay_ms = 20;
        status = amqpc_transport_connect(at->poller, &options, NULL, &at->client);
    }
    if (status != AMQPC_OK) {
        assert_int_equal(status, AMQPC_NO_MEMORY);
        return;
    }
    call_open(at->client, &at->client_opened);
    while (!at->is_over) {
        live_round(at);
    }
}

static void check_failure(const amqpc_transport *transport)
{
    amqpc_transport_failure failure;
    if (transport != NULL && amqpc_transport_get_failure(transport, &failure) == AMQPC_OK) {
        assert_true(failure.status == AMQPC_NO_MEMORY || failure.status == AMQPC_STREAM_ENDED ||
                    failure.status == AMQPC_SOCKET_ERROR);
        assert_non_null(failure.text);
    }
}

static void both_ends(const amqpc_allocator *allocator)
{
    life at = {0};
    live(&at, allocator, "127.0.0.1");
    check_failure(at.client);
    check_failure(at.server);
    amqpc_poller_free(at.poller);
}

static void test_row_101_every_allocation_of_both_ends_may_fail(void **state)
{
    (void)state;
    socket_faults_clear();
    assert_survives_failing_allocations(both_ends);
}

static void by_name(const amqpc_allocator *allocator)
{
    life at = {0};
    live(&at, allocator, "localhost");
    check_failure(at.client);
    check_failure(at.server);
    amqpc_poller_free(at.poller);
}

static void test_row_101_every_allocation_after_a_lookup_may_fail(void **state)
{
    (void)state;
    socket_faults_clear();
    assert_survives_failing_allocations(by_name);
}

static void refused(const amqpc_allocator *allocator)
{
    amqpc_poller *poller = NULL;
    amqpc_transport *transport = NULL;
    amqpc_transport_options options;
    amqpc_transport_failure failure;
    uint32_t port = 0;
    amqpc_transport_options_init(&options, sizeof options);
    int listener = raw_peer_listen(&port, 1);
    raw_peer_reset(listener);
    options.host = "127.0.0.1";
    options.port = port;
    amqpc_status status = amqpc_poller_new(allocator, &poller);
    if (status == AMQPC_OK) {
        status = amqpc_transport_connect(poller, &options, NULL, &transport);
    }
    if (status == AMQPC_OK) {
        while (!is_over(transport)) {
            (void)!amqpc_poller_wait(poller, 20000);
        }
        assert_int_equal(amqpc_transport_get_failure(transport, &failure), AMQPC_OK);
        assert_int_equal(failure.status, AMQPC_CONNECT_FAILED);
        assert_non_null(failure.text);
    } else {
        assert_int_equal(status, AMQPC_NO_MEMORY);
    }
    amqpc_poller_free(poller);
}

static void test_row_101_a_failure_needs_no_memory_to_be_told(void **state)
{
    (void)state;
    socket_faults_clear();
    assert_survives_failing_allocations(refused);
}

/* --- Memory that is gone for a while. */

static bool memory_is_gone;

static void *allocate(void *context, size_t size)
{
    (void)context;
    return memory_is_gone ? NULL : malloc(size);
}

static void *reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    return memory_is_gone ? NULL : realloc(memory, size);
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const amqpc_allocator moody = {NULL, allocate, reallocate, release};

/* A server, and a peer that wants to hear something every 40 s. Its buffers are given back. */
static int begin_idle(transport_fixture *fixture)
{
    uint8_t bytes[512];
    memory_is_gone = false;
    socket_faults_clear();
    transport_fixture_make(fixture, &moody, NULL);
    int peer = raw_peer_connect(amqpc_listener_port(fixture->listener));
    raw_peer_write(peer, bytes, raw_peer_greeting(bytes, sizeof bytes, 40000));
    while (!raw_peer_is_readable(peer)) {
        (void)!transport_fixture_round(fixture, 10);
    }
    assert_true(raw_peer_read(peer, bytes, sizeof bytes) > 8);
    (void)!transport_fixture_round(fixture, 0);
    faults.clock_ms = 3000;
    (void)!transport_fixture_round(fixture, 0);
    (void)!transport_fixture_round(fixture, 0);
    return peer;
}

static void test_input_waits_until_there_is_memory(void **state)
{
    (void)state;
    transport_fixture fixture;
    uint8_t bytes[512];
    int peer = begin_idle(&fixture);
    raw_peer_write(peer, bytes, raw_peer_close_frame(bytes, sizeof bytes));
    memory_is_gone = true;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(transport_fixture_round(&fixture, PATIENCE_MS), AMQPC_NO_MEMORY);
    }
    assert_int_equal(amqpc_transport_get_state(fixture.server), AMQPC_TRANSPORT_OPEN);
    memory_is_gone = false;
    while (!raw_peer_is_readable(peer)) {
        assert_int_equal(transport_fixture_round(&fixture, PATIENCE_MS), AMQPC_OK);
    }
    assert_int_equal(raw_peer_read(peer, bytes, sizeof bytes), 12); /* a frame of close */
    (void)close(peer);
    transport_fixture_free(&fixture);
}

static void test_heartbeats_are_tried_again(void **state)
{
    (void)state;
    transport_fixture fixture;
    uint8_t bytes[512];
    int peer = begin_idle(&fixture);
    memory_is_gone = true;
    faults.clock_ms += 20000;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(transport_fixture_round(&fixture, PATIENCE_MS), AMQPC_NO_MEMORY);
    }
    assert_false(raw_peer_is_readable(peer));
    memory_is_gone = false;
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS / 2; /* before the next one is due */
    while (!raw_peer_is_readable(peer)) {
        assert_true(amqpc_now_ms() < end_ms);
        (void)!transport_fixture_round(&fixture, 10);
    }
    assert_int_equal(raw_peer_read(peer, bytes, sizeof bytes), 8); /* an empty frame */
    (void)close(peer);
    transport_fixture_free(&fixture);
}

/* Servers have thousands of them. */
static void test_a_transport_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(amqpc_transport) <= 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_101_every_allocation_of_both_ends_may_fail),
        cmocka_unit_test(test_row_101_every_allocation_after_a_lookup_may_fail),
        cmocka_unit_test(test_row_101_a_failure_needs_no_memory_to_be_told),
        cmocka_unit_test(test_input_waits_until_there_is_memory),
        cmocka_unit_test(test_heartbeats_are_tried_again),
        cmocka_unit_test(test_a_transport_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
