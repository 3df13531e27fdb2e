/* The program with both ends. */
#include "transport_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void transport_fixture_make(transport_fixture *fixture, const amqpc_allocator *allocator,
                            const amqpc_listener_options *options)
{
    char reason[128] = "";
    *fixture = (transport_fixture){.answers = true};
    assert_int_equal(amqpc_poller_new(allocator, &fixture->poller), AMQPC_OK);
    amqpc_status status =
        amqpc_listener_new(fixture->poller, options, &fixture->listener, reason, sizeof reason);
    assert_string_equal(reason, "");
    assert_int_equal(status, AMQPC_OK);
}

void transport_fixture_free(transport_fixture *fixture)
{
    amqpc_poller_free(fixture->poller);
    *fixture = (transport_fixture){0};
}

amqpc_transport_options transport_fixture_options(const transport_fixture *fixture)
{
    amqpc_transport_options options;
    amqpc_transport_options_init(&options, sizeof options);
    options.host = "127.0.0.1";
    options.port = amqpc_listener_port(fixture->listener);
    return options;
}

void transport_fixture_open(amqpc_connection *connection)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"test", 4}};
    assert_int_equal(amqpc_connection_open(connection, &open), AMQPC_OK);
}

void transport_fixture_connect(transport_fixture *fixture, const amqpc_transport_options *options,
                               const amqpc_connection_options *connection_options)
{
    amqpc_transport_options defaults;
    if (options == NULL) {
        defaults = transport_fixture_options(fixture);
        options = &defaults;
    }
    assert_int_equal(
        amqpc_transport_connect(fixture->poller, options, connection_options, &fixture->client),
        AMQPC_OK);
    transport_fixture_open(amqpc_transport_connection(fixture->client));
}

amqpc_link *transport_fixture_attach(amqpc_connection *connection)
{
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = {"queue", 5}};
    const amqpc_bytes name = {"link", 4};
    amqpc_session *session = NULL;
    amqpc_link *link = NULL;
    assert_int_equal(amqpc_session_new(connection, &session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_new(session, AMQPC_ROLE_SENDER, name, &link), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(link, NULL, NULL, &target), AMQPC_OK);
    return link;
}

static void take_deliveries(transport_fixture *fixture, amqpc_link *link)
{
    enum { BATCH = 64 };
    amqpc_delivery deliveries[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        assert_int_equal(amqpc_link_receive(link, deliveries, BATCH, &count), AMQPC_OK);
        for (size_t i = 0; i < count; i++) {
            fixture->received_count++;
            const uint8_t *bytes = (const uint8_t *)deliveries[i].payload.data;
            size_t size = deliveries[i].payload.size;
            fixture->received_size += size;
            fixture->received_sum += (uint64_t)bytes[0] + bytes[size - 1];
            if (!deliveries[i].settled) {
                assert_int_equal(amqpc_link_settle(link, deliveries[i].number, deliveries[i].number,
                                                   AMQPC_COMPOSITE_ACCEPTED),
                                 AMQPC_OK);
            }
        }
        amqpc_deliveries_release(deliveries, count);
    }
}

/* What a plain server does about an event. */
static void answer(transport_fixture *fixture, const amqpc_connection_event *event)
{
    enum { PREFETCH = 1000 };
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        transport_fixture_open(event->connection);
        break;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        assert_int_equal(amqpc_connection_close(event->connection, NULL), AMQPC_OK);
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        assert_int_equal(amqpc_session_begin(event->session, NULL), AMQPC_OK);
        break;
    case AMQPC_EVENT_LINK_ATTACH:
        assert_int_equal(amqpc_link_attach(event->link, NULL, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_set_prefetch(event->link, PREFETCH), AMQPC_OK);
        break;
    case AMQPC_EVENT_DELIVERIES:
        take_deliveries(fixture, event->link);
        break;
    default:
        break;
    }
}

static void take_events(transport_fixture *fixture, amqpc_transport *transport)
{
    amqpc_connection_event event;
    bool is_client = transport == fixture->client;
    while (amqpc_connection_next_event(amqpc_transport_connection(transport), &event)) {
        *(is_client ? &fixture->client_events : &fixture->server_events) |= 1u << event.type;
        if (!is_client && fixture->answers) {
            answer(fixture, &event);
        }
    }
}

static void accept_clients(transport_fixture *fixture, amqpc_listener *listener)
{
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK) {
        status = amqpc_listener_accept(listener, fixture->server_options, &fixture->server);
    }
    assert_int_equal(status, AMQPC_NOT_FOUND);
}

void transport_fixture_take(transport_fixture *fixture, const amqpc_ready *ready)
{
    if (ready->listener != NULL) {
        accept_clients(fixture, ready->listener);
    } else {
        take_events(fixture, ready->transport);
    }
}

amqpc_status transport_fixture_round(transport_fixture *fixture, int64_t timeout_ms)
{
    amqpc_ready ready;
    amqpc_status status = amqpc_poller_wait(fixture->poller, timeout_ms);
    while (amqpc_poller_next(fixture->poller, &ready)) {
        transport_fixture_take(fixture, &ready);
    }
    return status;
}

void transport_fixture_wait(transport_fixture *fixture, fixture_condition *condition)
{
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (!condition(fixture)) {
        amqpc_status status = transport_fixture_round(fixture, PATIENCE_MS);
        assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
        assert_true(amqpc_now_ms() < end_ms);
    }
}

bool client_is_open(const transport_fixture *fixture)
{
    return fixture->client_events & 1u << AMQPC_EVENT_CONNECTION_OPEN;
}

bool client_has_credit(const transport_fixture *fixture)
{
    return fixture->client_events & 1u << AMQPC_EVENT_LINK_FLOW;
}

static bool is_over(const amqpc_transport *transport)
{
    return amqpc_transport_get_state(transport) >= AMQPC_TRANSPORT_CLOSED;
}

bool client_is_over(const transport_fixture *fixture)
{
    return is_over(fixture->client);
}

bool both_are_over(const transport_fixture *fixture)
{
    return is_over(fixture->client) && fixture->server != NULL && is_over(fixture->server);
}

amqpc_transport_failure client_failure(const transport_fixture *fixture)
{
    amqpc_transport_failure failure = {0};
    assert_int_equal(amqpc_transport_get_failure(fixture->client, &failure), AMQPC_OK);
    return failure;
}
