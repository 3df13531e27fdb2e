#include "transport_ours_end.h"

#include <string.h>

#define HOST "127.0.0.1"

void ours_check(amqpc_status status)
{
    if (status != AMQPC_OK) {
        codec_fail(amqpc_status_text(status));
    }
}

static amqpc_bytes text(const char *from)
{
    return (amqpc_bytes){from, strlen(from)};
}

static void begin(ours_end *end, const transport_case *chosen, const transport_place *place)
{
    *end = (ours_end){.chosen = chosen, .place = place};
    ours_check(amqpc_poller_new(NULL, &end->poller));
}

static void load_certificate(ours_end *end, uint32_t role)
{
    amqpc_tls_options options;
    if (end->place->certificate == NULL) {
        return;
    }
    amqpc_tls_options_init(&options, role, sizeof options);
    if (role == AMQPC_SERVER) {
        options.certificate = end->place->certificate;
    } else {
        options.ca = end->place->certificate;
    }
    ours_check(amqpc_tls_new(NULL, role, &options, &end->tls, NULL, 0));
}

static void set_connection_options(const ours_end *end, amqpc_connection_options *options,
                                   amqpc_limits *limits)
{
    amqpc_connection_options_init(options, sizeof *options);
    amqpc_limits_init(limits, sizeof *limits);
    limits->frame_size = end->chosen->max_frame_size;
    options->limits = limits;
}

void ours_end_listen(ours_end *end, const transport_case *chosen, const transport_place *place)
{
    begin(end, chosen, place);
    load_certificate(end, AMQPC_SERVER);
    amqpc_listener_options options;
    amqpc_listener_options_init(&options, sizeof options);
    options.tls = end->tls;
    ours_check(amqpc_listener_new(end->poller, &options, &end->listener, NULL, 0));
    transport_tell_port(place, amqpc_listener_port(end->listener));
}

static void send_open(const ours_end *end)
{
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = text("bench")};
    ours_check(amqpc_connection_open(amqpc_transport_connection(end->transport), &open));
}

/* Proton's sessions leave the flow to the links, and so do ours here. */
static void begin_session(amqpc_session *session)
{
    amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW, .incoming_window = INT32_MAX};
    ours_check(amqpc_session_begin(session, &begin));
}

static void attach(ours_end *end, bool sends)
{
    amqpc_session *session = NULL;
    amqpc_link *link = NULL;
    ours_check(amqpc_session_new(amqpc_transport_connection(end->transport), &session));
    begin_session(session);
    ours_check(amqpc_link_new(session, sends ? AMQPC_ROLE_SENDER : AMQPC_ROLE_RECEIVER,
                              text(sends ? "sender" : "receiver"), &link));
    amqpc_attach terms = {.present = AMQPC_ATTACH_SND_SETTLE_MODE};
    terms.snd_settle_mode = end->chosen->settled ? AMQPC_SENDER_SETTLE_MODE_SETTLED
                                                 : AMQPC_SENDER_SETTLE_MODE_UNSETTLED;
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = text(TRANSPORT_ADDRESS)};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = text(TRANSPORT_ADDRESS)};
    if (!sends) {
        ours_check(amqpc_link_set_prefetch(link, end->chosen->credit_window));
    }
    ours_check(amqpc_link_attach(link, &terms, &source, &target));
    end->sender = sends ? link : NULL;
    end->receiver = sends ? NULL : link;
}

void ours_end_connect(ours_end *end, const transport_case *chosen, const transport_place *place,
                      bool sends)
{
    begin(end, chosen, place);
    load_certificate(end, AMQPC_CLIENT);
    amqpc_transport_options options;
    amqpc_connection_options connection_options;
    amqpc_limits limits;
    amqpc_transport_options_init(&options, sizeof options);
    set_connection_options(end, &connection_options, &limits);
    options.host = HOST;
    options.port = place->port;
    options.tls = end->tls;
    ours_check(
        amqpc_transport_connect(end->poller, &options, &connection_options, &end->transport));
    send_open(end);
    attach(end, sends);
}

static void accept_peer(ours_end *end)
{
    amqpc_connection_options options;
    amqpc_limits limits;
    amqpc_transport *transport = NULL;
    set_connection_options(end, &options, &limits);
    amqpc_status status = amqpc_listener_accept(end->listener, &options, &transport);
    if (status == AMQPC_NOT_FOUND) {
        return;
    }
    ours_check(status);
    end->transport = transport;
}

/* An end that listens answers; one that attached has the answer. */
static void take_attach(ours_end *end, amqpc_link *link)
{
    if (end->listener == NULL) {
        return;
    }
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER) {
        ours_check(amqpc_link_set_prefetch(link, end->chosen->credit_window));
        end->receiver = link;
    } else {
        end->sender = link;
    }
    ours_check(amqpc_link_attach(link, NULL, NULL, NULL));
}

static void handle_event(ours_end *end, const amqpc_connection_event *event)
{
    bool answers = end->listener != NULL;
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        if (answers) {
            send_open(end);
        }
        return;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (answers) {
            begin_session(event->session);
        }
        return;
    case AMQPC_EVENT_LINK_ATTACH:
        take_attach(end, event->link);
        return;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        ours_check(amqpc_connection_close(event->connection, NULL));
        return;
    case AMQPC_EVENT_CONNECTION_FAILED:
        codec_fail(amqpc_event_name(event->type));
    default:
        return; /* deliveries, updates, flow: who waits for them asks the link */
    }
}

static void handle_transport(ours_end *end)
{
    amqpc_transport_failure failure;
    amqpc_connection_event event;
    if (amqpc_transport_get_failure(end->transport, &failure) == AMQPC_OK) {
        codec_fail(failure.text);
    }
    while (amqpc_connection_next_event(amqpc_transport_connection(end->transport), &event)) {
        handle_event(end, &event);
    }
    end->over = amqpc_transport_get_state(end->transport) == AMQPC_TRANSPORT_CLOSED;
}

void ours_end_round(ours_end *end)
{
    amqpc_ready ready;
    end->waits++;
    amqpc_status status = amqpc_poller_wait(end->poller, AMQPC_FOREVER);
    if (status != AMQPC_TIMED_OUT) {
        ours_check(status);
    }
    while (amqpc_poller_next(end->poller, &ready)) {
        if (ready.listener != NULL) {
            accept_peer(end);
        } else {
            handle_transport(end);
        }
    }
}

uint64_t ours_end_calls(const ours_end *end)
{
    amqpc_transport_statistics statistics = {.struct_size = sizeof statistics};
    if (end->transport != NULL) {
        amqpc_transport_get_statistics(end->transport, &statistics);
    }
    return end->waits + statistics.reads + statistics.writes;
}

void ours_end_close(ours_end *end)
{
    ours_check(amqpc_connection_close(amqpc_transport_connection(end->transport), NULL));
    amqpc_transport_touch(end->transport);
    while (!end->over) {
        ours_end_round(end);
    }
}

void ours_end_free(ours_end *end)
{
    amqpc_poller_free(end->poller);
    amqpc_tls_free(end->tls);
}
