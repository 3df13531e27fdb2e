/* The peer: Qpid Proton's proactor, by its public API; one thread in each process. */
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/listener.h>
#include <proton/netaddr.h>
#include <proton/proactor.h>
#include <proton/session.h>
#include <proton/transport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport_case.h"

typedef struct proton_end proton_end;
typedef void handle_event(proton_end *end, pn_event_t *event);

/* sender            the link, once it is there
 * buffer            messages are encoded to it, and deliveries are received
 * handle            what this end does with an event beyond answering */
struct proton_end {
    const transport_case *chosen;
    const transport_place *place;
    handle_event *handle;
    pn_proactor_t *proactor;
    pn_link_t *sender;
    char *buffer;
    size_t buffer_size;
    transport_clock clock;
    uint64_t sent;
    uint64_t accepted;
    uint64_t received;
    uint64_t sum;
    double *round_trips;
    double started;
    bool over;
};

static void check(bool holds)
{
    if (!holds) {
        codec_fail("Proton failed");
    }
}

/* --- Messages. */

static void send_one(proton_end *end)
{
    uint64_t tag = end->sent;
    pn_delivery_t *delivery = pn_delivery(end->sender, pn_dtag((const char *)&tag, sizeof tag));
    sample_bytes payload;
    if (end->chosen->payload == TRANSPORT_ORDER) {
        size_t size = transport_encode(end->chosen, end->sent, end->buffer, end->buffer_size);
        payload = (sample_bytes){(const uint8_t *)end->buffer, size};
    } else {
        payload = transport_data(end->sent);
    }
    ssize_t size = pn_link_send(end->sender, (const char *)payload.data, payload.size);
    check(size == (ssize_t)payload.size);
    (void)pn_link_advance(end->sender);
    if (end->chosen->settled) {
        pn_delivery_settle(delivery);
    }
    end->sent++;
}

/* Returns whether the delivery is whole. */
static bool receive_one(proton_end *end, pn_delivery_t *delivery)
{
    if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) {
        return false;
    }
    pn_link_t *link = pn_delivery_link(delivery);
    ssize_t size = pn_link_recv(link, end->buffer, end->buffer_size);
    check(size > 0);
    end->sum = transport_read(end->chosen, end->sum, end->buffer, (size_t)size);
    if (!end->chosen->settled) {
        pn_delivery_update(delivery, PN_ACCEPTED);
    }
    (void)pn_link_advance(link);
    pn_delivery_settle(delivery);
    end->received++;
    int window = (int)end->chosen->credit_window;
    int credit = pn_link_credit(link);
    if (credit <= window / 2) {
        pn_link_flow(link, window - credit);
    }
    return true;
}

/* --- What the four kinds of ends do. */

static void finish_sending(proton_end *end, uint64_t done)
{
    transport_clock_progress(&end->clock, done, 0);
    if (done == end->chosen->message_count) {
        pn_connection_close(pn_session_connection(pn_link_session(end->sender)));
    }
}

static void handle_as_sender(proton_end *end, pn_event_t *event)
{
    pn_delivery_t *delivery = NULL;
    switch (pn_event_type(event)) {
    case PN_LINK_FLOW:
        while (end->sent < end->chosen->message_count && pn_link_credit(end->sender) > 0) {
            send_one(end);
        }
        if (end->chosen->settled) {
            finish_sending(end, end->sent);
        }
        return;
    case PN_DELIVERY:
        delivery = pn_event_delivery(event);
        if (pn_delivery_remote_state(delivery) == PN_ACCEPTED) {
            pn_delivery_settle(delivery);
            finish_sending(end, ++end->accepted);
        }
        return;
    default:
        return;
    }
}

static void handle_as_receiver(proton_end *end, pn_event_t *event)
{
    if (pn_event_type(event) == PN_DELIVERY && receive_one(end, pn_event_delivery(event))) {
        transport_clock_progress(&end->clock, end->received, 0);
    }
}

static void handle_as_echo(proton_end *end, pn_event_t *event)
{
    if (pn_event_type(event) == PN_DELIVERY && receive_one(end, pn_event_delivery(event))) {
        transport_clock_progress(&end->clock, end->received, 0);
        check(pn_link_credit(end->sender) > 0);
        send_one(end);
    }
}

static void ask(proton_end *end)
{
    end->started = transport_seconds();
    send_one(end);
}

static void handle_as_ping(proton_end *end, pn_event_t *event)
{
    if (pn_event_type(event) == PN_LINK_FLOW && pn_link_is_sender(pn_event_link(event)) &&
        end->sent == 0) {
        ask(end);
        return;
    }
    if (pn_event_type(event) != PN_DELIVERY || !receive_one(end, pn_event_delivery(event))) {
        return;
    }
    end->round_trips[end->received - 1] = transport_seconds() - end->started;
    if (end->received < end->chosen->message_count) {
        ask(end);
        transport_clock_progress(&end->clock, end->received, 0);
    } else {
        finish_sending(end, end->received);
    }
}

/* --- Opening, answering and closing. */

static pn_transport_t *new_transport(const proton_end *end)
{
    pn_transport_t *transport = pn_transport();
    check(transport != NULL);
    pn_transport_set_max_frame(transport, end->chosen->max_frame_size);
    return transport;
}

static void open_links(proton_end *end, pn_connection_t *connection)
{
    pn_connection_set_container(connection, "bench");
    pn_connection_open(connection);
    pn_session_t *session = pn_session(connection);
    pn_session_open(session);
    end->sender = pn_sender(session, "sender");
    pn_terminus_set_address(pn_link_target(end->sender), TRANSPORT_ADDRESS);
    pn_link_set_snd_settle_mode(end->sender,
                                end->chosen->settled ? PN_SND_SETTLED : PN_SND_UNSETTLED);
    pn_link_open(end->sender);
    if (end->chosen->round_trip) {
        pn_link_t *receiver = pn_receiver(session, "receiver");
        pn_terminus_set_address(pn_link_source(receiver), TRANSPORT_ADDRESS);
        pn_link_open(receiver);
        pn_link_flow(receiver, (int)end->chosen->credit_window);
    }
}

static void answer_link(proton_end *end, pn_link_t *link)
{
    if ((pn_link_state(link) & PN_LOCAL_UNINIT) == 0) {
        return;
    }
    if (pn_link_is_receiver(link)) {
        pn_terminus_set_address(pn_link_target(link), TRANSPORT_ADDRESS);
        pn_link_open(link);
        pn_link_flow(link, (int)end->chosen->credit_window);
    } else {
        pn_terminus_set_address(pn_link_source(link), TRANSPORT_ADDRESS);
        pn_link_set_snd_settle_mode(link, PN_SND_SETTLED);
        pn_link_open(link);
        end->sender = link;
    }
}

static void answer_listener(const proton_end *end, pn_event_t *event)
{
    pn_listener_t *listener = pn_event_listener(event);
    if (pn_event_type(event) == PN_LISTENER_ACCEPT) {
        pn_transport_t *transport = new_transport(end);
        pn_transport_set_server(transport);
        pn_listener_accept2(listener, NULL, transport);
        return;
    }
    char port[16];
    check(pn_netaddr_host_port(pn_listener_addr(listener), NULL, 0, port, sizeof port) == 0);
    transport_tell_port(end->place, (uint32_t)strtoul(port, NULL, 10));
}

/* The proactor tells every connection of its making; one that listens answers. */
static void answer_connection(proton_end *end, pn_event_t *event)
{
    pn_connection_t *connection = pn_event_connection(event);
    bool connects = end->round_trips != NULL || end->handle == handle_as_sender;
    switch (pn_event_type(event)) {
    case PN_CONNECTION_INIT:
        if (connects) {
            open_links(end, connection);
        }
        return;
    case PN_CONNECTION_REMOTE_OPEN:
        if (pn_connection_state(connection) & PN_LOCAL_UNINIT) {
            pn_connection_open(connection);
        }
        return;
    case PN_CONNECTION_REMOTE_CLOSE:
        pn_connection_close(connection);
        return;
    default:
        return;
    }
}

static void answer(proton_end *end, pn_event_t *event)
{
    switch (pn_event_type(event)) {
    case PN_LISTENER_OPEN:
    case PN_LISTENER_ACCEPT:
        answer_listener(end, event);
        return;
    case PN_SESSION_REMOTE_OPEN:
        if (pn_session_state(pn_event_session(event)) & PN_LOCAL_UNINIT) {
            pn_session_open(pn_event_session(event));
        }
        return;
    case PN_LINK_REMOTE_OPEN:
        answer_link(end, pn_event_link(event));
        return;
    case PN_TRANSPORT_ERROR:
        codec_fail(pn_condition_get_description(pn_transport_condition(pn_event_transport(event))));
    case PN_TRANSPORT_CLOSED:
        end->over = true;
        return;
    default:
        answer_connection(end, event);
        return;
    }
}

static void run(proton_end *end)
{
    while (!end->over) {
        pn_event_batch_t *batch = pn_proactor_wait(end->proactor);
        pn_event_t *event = NULL;
        while ((event = pn_event_batch_next(batch)) != NULL) {
            answer(end, event);
            end->handle(end, event);
        }
        pn_proactor_done(end->proactor, batch);
    }
}

static void begin(proton_end *end, const transport_case *chosen, const transport_place *place)
{
    *end = (proton_end){.chosen = chosen, .place = place};
    if (place->through || place->certificate != NULL) {
        codec_fail("Proton's rows have neither TLS nor a broker");
    }
    end->buffer_size = transport_payload_size_max(chosen);
    end->buffer = malloc(end->buffer_size);
    end->proactor = pn_proactor();
    check(end->buffer != NULL && end->proactor != NULL);
    transport_clock_init(&end->clock, chosen);
}

static void give_result(proton_end *end, transport_result *result)
{
    *result = end->clock.result;
    result->checksum = end->sum;
    free(end->buffer);
    pn_proactor_free(end->proactor);
}

void transport_run_receiver(const transport_case *chosen, const transport_place *place,
                            transport_result *result)
{
    proton_end end;
    char address[PN_MAX_ADDR];
    begin(&end, chosen, place);
    end.handle = chosen->round_trip ? handle_as_echo : handle_as_receiver;
    (void)pn_proactor_addr(address, sizeof address, "127.0.0.1", "0");
    pn_proactor_listen(end.proactor, pn_listener(), address, 16);
    run(&end);
    give_result(&end, result);
}

void transport_run_sender(const transport_case *chosen, const transport_place *place,
                          transport_result *result)
{
    proton_end end;
    char address[PN_MAX_ADDR];
    char port[16];
    begin(&end, chosen, place);
    end.handle = handle_as_sender;
    if (chosen->round_trip) {
        end.handle = handle_as_ping;
        end.round_trips = calloc(chosen->message_count, sizeof *end.round_trips);
        check(end.round_trips != NULL);
    }
    (void)snprintf(port, sizeof port, "%u", place->port);
    (void)pn_proactor_addr(address, sizeof address, "127.0.0.1", port);
    pn_proactor_connect2(end.proactor, NULL, new_transport(&end), address);
    run(&end);
    give_result(&end, result);
    if (chosen->round_trip) {
        size_t warm = chosen->message_count / 10;
        transport_round_trips(result, end.round_trips + warm, chosen->message_count - warm);
        free(end.round_trips);
    }
}
