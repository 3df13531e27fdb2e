/* The peer: two of Qpid Proton's connection drivers, by its public API. */
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/transport.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_operation.h"

enum {
    RECEIVED_SIZE_MAX = 128 * 1024,
    MADE_AT_ONCE = 100, /* objects of which the memory is counted, between two exchanges */
    KEEPING_CREDIT = 1000000,
};

/* keeps  the server reads deliveries, and leaves them unsettled; their memory is counted */
struct engine_pair {
    const engine_operation *operation;
    bool keeps;
    pn_connection_driver_t *client;
    pn_connection_driver_t *server;
    pn_session_t *session;
    pn_link_t *sender;
    unsigned link_count;
    uint64_t to_send;
    uint64_t sent;
    uint64_t accepted;
    uint64_t received;
    uint64_t sum;
    char *received_bytes;
};

typedef void handle_event(engine_pair *pair, pn_event_t *event);

static void check(bool holds)
{
    if (!holds) {
        codec_fail("Proton failed");
    }
}

/* --- The client: sends while it has credit, and settles what was accepted. */

static void send_one(engine_pair *pair)
{
    uint64_t tag = pair->sent;
    pn_delivery_t *delivery = pn_delivery(pair->sender, pn_dtag((const char *)&tag, sizeof tag));
    sample_bytes payload = engine_payload(pair->operation, pair->sent);
    ssize_t size = pn_link_send(pair->sender, (const char *)payload.data, payload.size);
    check(size == (ssize_t)payload.size);
    (void)pn_link_advance(pair->sender);
    if (pair->operation->settled) {
        pn_delivery_settle(delivery);
    }
    pair->sent++;
}

static void send_all_credit(engine_pair *pair)
{
    while (pair->sent < pair->to_send && pn_link_credit(pair->sender) > 0) {
        send_one(pair);
    }
}

static void fail_if_error(pn_event_t *event)
{
    switch (pn_event_type(event)) {
    case PN_TRANSPORT_ERROR:
    case PN_LINK_REMOTE_CLOSE:
    case PN_SESSION_REMOTE_CLOSE:
    case PN_CONNECTION_REMOTE_CLOSE:
        codec_fail(pn_event_type_name(pn_event_type(event)));
    default:
        return;
    }
}

static void handle_client_event(engine_pair *pair, pn_event_t *event)
{
    pn_delivery_t *delivery = NULL;
    switch (pn_event_type(event)) {
    case PN_LINK_FLOW:
        send_all_credit(pair);
        return;
    case PN_DELIVERY:
        delivery = pn_event_delivery(event);
        if (pn_delivery_remote_state(delivery) == PN_ACCEPTED) {
            pn_delivery_settle(delivery);
            pair->accepted++;
        }
        return;
    default:
        fail_if_error(event);
        return;
    }
}

/* --- The server: answers, accepts, and gives credit again where half of it is used. */

static int credit_window(const engine_pair *pair)
{
    return pair->keeps ? KEEPING_CREDIT : (int)pair->operation->credit_window;
}

static void answer_link(const engine_pair *pair, pn_link_t *link)
{
    const char *address = pn_terminus_get_address(pn_link_remote_target(link));
    pn_terminus_set_address(pn_link_target(link), address);
    pn_link_open(link);
    pn_link_flow(link, credit_window(pair));
}

static void receive(engine_pair *pair, pn_delivery_t *delivery)
{
    if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) {
        return;
    }
    pn_link_t *link = pn_delivery_link(delivery);
    ssize_t size = pn_link_recv(link, pair->received_bytes, RECEIVED_SIZE_MAX);
    check(size > 0);
    pair->sum = engine_receive(pair->operation, pair->sum, pair->received_bytes, (size_t)size);
    pair->received++;
    if (pair->keeps) {
        (void)pn_link_advance(link);
        return;
    }
    if (!pair->operation->settled) {
        pn_delivery_update(delivery, PN_ACCEPTED);
    }
    (void)pn_link_advance(link);
    pn_delivery_settle(delivery);
    int window = credit_window(pair);
    int credit = pn_link_credit(link);
    if (credit <= window / 2) {
        pn_link_flow(link, window - credit);
    }
}

static void handle_server_event(engine_pair *pair, pn_event_t *event)
{
    switch (pn_event_type(event)) {
    case PN_CONNECTION_REMOTE_OPEN:
        pn_connection_open(pn_event_connection(event));
        return;
    case PN_SESSION_REMOTE_OPEN:
        pn_session_open(pn_event_session(event));
        return;
    case PN_LINK_REMOTE_OPEN:
        answer_link(pair, pn_event_link(event));
        return;
    case PN_DELIVERY:
        receive(pair, pn_event_delivery(event));
        return;
    default:
        fail_if_error(event);
        return;
    }
}

/* --- Between them. */

static void handle_events(engine_pair *pair, pn_connection_driver_t *driver, handle_event *handle)
{
    for (;;) {
        pn_event_t *event = pn_connection_driver_next_event(driver);
        if (event == NULL) {
            return;
        }
        handle(pair, event);
    }
}

/* All that one has to write; events are handled after each buffer, as Proton's proactor does. */
static bool carry(engine_pair *pair, pn_connection_driver_t *from, pn_connection_driver_t *to,
                  handle_event *handle)
{
    bool carried = false;
    for (;;) {
        pn_bytes_t out = pn_connection_driver_write_buffer(from);
        if (out.size == 0) {
            return carried;
        }
        pn_rwbytes_t in = pn_connection_driver_read_buffer_sized(to, out.size);
        if (in.size == 0) {
            return carried;
        }
        size_t size = out.size < in.size ? out.size : in.size;
        memcpy(in.start, out.start, size);
        pn_connection_driver_read_done(to, size);
        (void)pn_connection_driver_write_done(from, size);
        handle_events(pair, to, handle);
        carried = true;
    }
}

/* Until neither has anything more to write. */
static void exchange(engine_pair *pair)
{
    bool carried = true;
    while (carried) {
        handle_events(pair, pair->client, handle_client_event);
        carried = carry(pair, pair->client, pair->server, handle_server_event);
        handle_events(pair, pair->server, handle_server_event);
        carried |= carry(pair, pair->server, pair->client, handle_client_event);
    }
}

static pn_connection_driver_t *new_driver(void)
{
    pn_connection_driver_t *driver = malloc(sizeof *driver);
    check(driver != NULL);
    check(pn_connection_driver_init(driver, NULL, NULL) == 0);
    return driver;
}

static void open_connection(engine_pair *pair)
{
    pair->client = new_driver();
    pair->server = new_driver();
    pn_transport_set_server(pair->server->transport);
    pn_transport_set_max_frame(pair->client->transport, pair->operation->max_frame_size);
    pn_transport_set_max_frame(pair->server->transport, pair->operation->max_frame_size);
    pn_connection_set_container(pair->client->connection, ENGINE_CONTAINER_ID);
    pn_connection_set_container(pair->server->connection, ENGINE_CONTAINER_ID);
    pn_connection_open(pair->client->connection);
    exchange(pair);
}

/* Without an exchange. */
static pn_session_t *begin_session(engine_pair *pair)
{
    pn_session_t *session = pn_session(pair->client->connection);
    check(session != NULL);
    pn_session_open(session);
    return session;
}

/* The pair's next link, by which it sends from now on. Without an exchange. */
static void attach_sender(engine_pair *pair)
{
    char name[ENGINE_LINK_NAME_SIZE + 1];
    (void)snprintf(name, sizeof name, ENGINE_LINK_NAME_FORMAT, pair->link_count++);
    pn_link_t *link = pn_sender(pair->session, name);
    check(link != NULL);
    pn_terminus_set_address(pn_link_target(link), ENGINE_ADDRESS);
    pn_link_set_snd_settle_mode(link, pair->operation->settled ? PN_SND_SETTLED : PN_SND_UNSETTLED);
    pn_link_open(link);
    pair->sender = link;
}

engine_pair *engine_pair_new(const engine_operation *operation)
{
    engine_pair *pair = calloc(1, sizeof *pair);
    check(pair != NULL);
    pair->operation = operation;
    pair->received_bytes = malloc(RECEIVED_SIZE_MAX);
    check(pair->received_bytes != NULL);
    open_connection(pair);
    pair->session = begin_session(pair);
    attach_sender(pair);
    exchange(pair);
    check(pn_link_credit(pair->sender) == (int)operation->credit_window);
    return pair;
}

uint64_t engine_pair_run(engine_pair *pair, size_t message_count)
{
    pair->to_send = message_count;
    pair->sent = 0;
    pair->accepted = 0;
    pair->received = 0;
    pair->sum = 0;
    send_all_credit(pair);
    exchange(pair);
    check(pair->received == message_count);
    check(pair->operation->settled || pair->accepted == message_count);
    return pair->sum;
}

void engine_pair_free(engine_pair *pair)
{
    pn_connection_driver_destroy(pair->client);
    pn_connection_driver_destroy(pair->server);
    free(pair->client);
    free(pair->server);
    free(pair->received_bytes);
    free(pair);
}

/* --- What memory is counted of: pairs that stay until the program ends. */

static const engine_operation *unsettled_operation(void)
{
    for (size_t i = 0; i < engine_operation_count; i++) {
        if (!engine_operations[i].settled) {
            return &engine_operations[i];
        }
    }
    codec_fail("no operation is unsettled");
}

/* The program's own buffer is not of the engine, and not counted. */
static engine_pair *keeping_pair(void)
{
    static engine_pair pair;
    static char received_bytes[RECEIVED_SIZE_MAX];
    if (pair.operation == NULL) {
        pair.operation = unsettled_operation();
        pair.keeps = true;
        pair.received_bytes = received_bytes;
        open_connection(&pair);
        pair.session = begin_session(&pair);
        exchange(&pair);
    }
    return &pair;
}

static void make_connections(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        engine_pair pair = {.operation = unsettled_operation()};
        open_connection(&pair);
    }
}

static void make_sessions(size_t count)
{
    engine_pair *pair = keeping_pair();
    for (size_t i = 0; i < count; i++) {
        (void)begin_session(pair);
        if (i % MADE_AT_ONCE == 0) {
            exchange(pair);
        }
    }
    exchange(pair);
}

static void make_links(size_t count)
{
    engine_pair *pair = keeping_pair();
    for (size_t i = 0; i < count; i++) {
        attach_sender(pair);
        if (i % MADE_AT_ONCE == 0) {
            exchange(pair);
        }
    }
    exchange(pair);
}

static void make_deliveries(size_t count)
{
    engine_pair *pair = keeping_pair();
    if (pair->sender == NULL) {
        make_links(1);
    }
    uint64_t wanted = pair->received + count;
    pair->to_send = 0; /* not by events */
    for (size_t i = 0; i < count; i++) {
        send_one(pair);
        if (i % MADE_AT_ONCE == 0) {
            exchange(pair);
        }
    }
    exchange(pair);
    check(pair->received == wanted);
}

/* Proton keeps the buffer of a delivery, at either end, until it is settled. */
const engine_memory engine_memories[] = {
    {"idle_connection", 1000, make_connections, 0},
    {"session", 10000, make_sessions, 0},
    {"link", 10000, make_links, 0},
    {"unsettled_delivery_105B", 50000, make_deliveries, 2},
};
const size_t engine_memory_count = sizeof engine_memories / sizeof engine_memories[0];
