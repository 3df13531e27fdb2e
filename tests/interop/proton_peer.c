/* The same peer by Qpid Proton's proactor: what the engine has to get along with. */
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/listener.h>
#include <proton/netaddr.h>
#include <proton/proactor.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/transport.h>
#include <proton/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interop/peer.h"

enum { CREDIT = 100, CREDIT_BEYOND = 10, DEFAULT_FRAME_SIZE = 65536, OFTEN_MS = 2 };

/* message        room for the largest; of a receiver what has come of the delivery so far
 * holding        the work is done; the end comes at hold_until_ms
 * waiting        what was detached or ended first is waited for */
typedef struct proton_peer {
    const peer_options *options;
    peer_summary summary;
    pn_proactor_t *proactor;
    pn_connection_t *connection;
    pn_session_t *session;
    pn_link_t *link;
    char *message;
    size_t message_size;
    uint32_t settled_both;
    bool drain_sent;
    bool holding;
    int64_t hold_until_ms;
    bool waiting;
    bool closing;
    bool remote_closed;
    bool over;
} proton_peer;

static void check(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "proton: %s\n", what);
        exit(1);
    }
}

/* --- Ending. */

static void set_error(pn_condition_t *condition)
{
    (void)pn_condition_set_name(condition, PEER_CONDITION);
    (void)pn_condition_set_description(condition, PEER_DESCRIPTION);
}

static void close_connection(proton_peer *peer)
{
    peer->closing = true;
    pn_connection_close(peer->connection);
}

static void end_conversation(proton_peer *peer)
{
    peer->waiting = true;
    switch (peer->options->end) {
    case PEER_END_NONE:
        peer->waiting = false;
        return;
    case PEER_END_CLOSE:
        pn_link_close(peer->link);
        pn_session_close(peer->session);
        close_connection(peer);
        return;
    case PEER_END_DETACH:
        set_error(pn_link_condition(peer->link));
        pn_link_close(peer->link);
        return;
    case PEER_END_SUSPEND:
        pn_link_detach(peer->link);
        return;
    case PEER_END_END:
        set_error(pn_session_condition(peer->session));
        pn_session_close(peer->session);
        return;
    case PEER_END_CLOSE_ERROR:
        set_error(pn_connection_condition(peer->connection));
        close_connection(peer);
        return;
    }
}

static bool all_moved(const proton_peer *peer)
{
    uint32_t count = peer->options->count;
    return peer->link != NULL && (peer->summary.sent == count || peer->summary.received == count);
}

static bool work_is_done(const proton_peer *peer)
{
    const peer_options *options = peer->options;
    if (!all_moved(peer)) {
        return false;
    }
    /* What waits for the session's window would be dropped by an end that comes before. */
    bool settled = options->settled ? pn_session_outgoing_bytes(peer->session) == 0
                                    : peer->settled_both == options->count;
    return settled && (!options->drain || peer->summary.drained);
}

/* Where there is time to hold, the end comes with a wake, that is in a later batch of events: what
 * the work left to be written is out then, however slow this process is. */
static void begin_hold(proton_peer *peer)
{
    uint32_t hold_ms = peer->options->hold_ms;
    peer->holding = true;
    if (hold_ms > 0) {
        peer->hold_until_ms = pn_proactor_now_64() + hold_ms;
        pn_proactor_set_timeout(peer->proactor, hold_ms);
    } else {
        end_conversation(peer);
    }
}

/* A wake comes for what is held, or late for what go_on() waited for before. */
static void take_wake(proton_peer *peer)
{
    int64_t left_ms = peer->hold_until_ms - pn_proactor_now_64();
    if (!peer->holding || peer->waiting || peer->closing) {
        return;
    }
    if (left_ms > 0) {
        pn_proactor_set_timeout(peer->proactor, (pn_millis_t)left_ms);
    } else {
        end_conversation(peer);
    }
}

/* Whether what was sent settled has gone out is looked at now and then: the event that tells it
 * (PN_LINK_FLOW) is not handed out where the proactor writes while it waits, as it does when a flow
 * comes that is the session's alone; it stays behind until something else arrives. */
static void go_on(proton_peer *peer)
{
    if (peer->holding) {
        return;
    }
    if (work_is_done(peer)) {
        begin_hold(peer);
    } else if (peer->options->settled && all_moved(peer)) {
        pn_proactor_set_timeout(peer->proactor, OFTEN_MS);
    }
}

/* --- Sending. */

static void send_one(proton_peer *peer, uint32_t number)
{
    size_t size = peer_message_size(peer->options, number);
    pn_delivery_t *delivery =
        pn_delivery(peer->link, pn_dtag((const char *)&number, sizeof number));
    peer_fill_message(peer->options, number, (uint8_t *)peer->message);
    check(pn_link_send(peer->link, peer->message, size) == (ssize_t)size, "pn_link_send");
    (void)pn_link_advance(peer->link);
    if (peer->options->settled) {
        pn_delivery_settle(delivery);
    }
    peer->summary.sent++;
}

static void send_all(proton_peer *peer)
{
    while (peer->summary.sent < peer->options->count && pn_link_credit(peer->link) > 0) {
        send_one(peer, peer->summary.sent);
    }
    if (pn_link_get_drain(peer->link) && peer->summary.sent == peer->options->count) {
        (void)pn_link_drained(peer->link);
        peer->summary.drained = true;
    }
}

static void take_outcome(proton_peer *peer, pn_delivery_t *delivery)
{
    uint64_t state = pn_delivery_remote_state(delivery);
    if (state == 0 && !pn_delivery_settled(delivery)) {
        return;
    }
    peer->summary.accepted += state == PN_ACCEPTED;
    peer->summary.rejected += state == PN_REJECTED;
    peer->summary.released += state == PN_RELEASED;
    peer->summary.modified += state == PN_MODIFIED;
    peer->summary.settled++;
    peer->settled_both++;
    pn_delivery_settle(delivery);
}

/* --- Receiving. */

static uint64_t outcome_of(const char *name)
{
    static const struct {
        const char *name;
        uint64_t state;
    } outcomes[] = {{"accepted", PN_ACCEPTED},
                    {"rejected", PN_REJECTED},
                    {"released", PN_RELEASED},
                    {"modified", PN_MODIFIED}};
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(outcomes[i].name, name) == 0) {
            return outcomes[i].state;
        }
    }
    check(false, "no such outcome");
    return 0;
}

static void settle(proton_peer *peer, pn_delivery_t *delivery, bool was_settled)
{
    uint64_t state = outcome_of(peer->options->outcome);
    if (state == PN_REJECTED) {
        (void)pn_condition_set_name(pn_disposition_condition(pn_delivery_local(delivery)),
                                    PEER_CONDITION);
    } else if (state == PN_MODIFIED) {
        pn_disposition_set_failed(pn_delivery_local(delivery), true);
    }
    if (!was_settled) {
        pn_delivery_update(delivery, state);
    }
    if (!was_settled && peer->options->second) {
        return; /* when the sender has */
    }
    pn_delivery_settle(delivery);
    peer->settled_both++;
    peer->summary.settled += !was_settled;
}

static void take_message(proton_peer *peer, pn_delivery_t *delivery)
{
    bool was_settled = pn_delivery_settled(delivery);
    bool same =
        was_settled == peer->options->settled && !pn_delivery_aborted(delivery) &&
        peer_message_is(peer->options, peer->summary.received, peer->message, peer->message_size);
    peer->summary.bad += !same;
    peer->summary.received++;
    peer->message_size = 0;
    (void)pn_link_advance(peer->link);
    settle(peer, delivery, was_settled);
    if (!peer->options->drain) {
        pn_link_flow(peer->link, CREDIT - pn_link_credit(peer->link));
    } else if (peer->summary.received == peer->options->count) {
        peer->drain_sent = true;
        pn_link_drain(peer->link, 0);
    }
}

static void take_delivery(proton_peer *peer, pn_delivery_t *delivery)
{
    if (pn_delivery_readable(delivery)) {
        size_t room = peer->options->size + 1 - peer->message_size;
        ssize_t size = pn_link_recv(peer->link, peer->message + peer->message_size, room);
        peer->message_size += size > 0 ? (size_t)size : 0;
        if (!pn_delivery_partial(delivery)) {
            take_message(peer, delivery);
        }
    } else if (pn_delivery_updated(delivery) && pn_delivery_settled(delivery)) {
        pn_delivery_settle(delivery); /* the third leg of receiver-settle-mode second */
        peer->settled_both++;
        peer->summary.settled++;
    }
}

static void give_credit(const proton_peer *peer)
{
    uint32_t credit = peer->options->drain ? peer->options->count + CREDIT_BEYOND : CREDIT;
    pn_link_flow(peer->link, (int)credit);
}

/* --- Opening. */

static size_t frame_size(const peer_options *options)
{
    return options->max_frame_size > 0 ? options->max_frame_size : DEFAULT_FRAME_SIZE;
}

static pn_transport_t *new_transport(const peer_options *options)
{
    pn_transport_t *transport = pn_transport();
    pn_transport_set_max_frame(transport, (uint32_t)frame_size(options));
    if (options->idle_ms > 0) {
        pn_transport_set_idle_timeout(transport, options->idle_ms);
    }
    if (options->is_server) {
        pn_transport_set_server(transport);
    }
    if (options->sasl != NULL) {
        pn_sasl_t *sasl = pn_sasl(transport);
        pn_sasl_allowed_mechs(sasl, options->sasl);
        pn_sasl_set_allow_insecure_mechs(sasl, true);
        pn_transport_require_auth(transport, options->is_server);
    }
    return transport;
}

static void open_session(const proton_peer *peer)
{
    if (peer->options->window > 0) {
        pn_session_set_incoming_capacity(peer->session,
                                         peer->options->window * frame_size(peer->options));
    }
    pn_session_open(peer->session);
}

static void open_client(proton_peer *peer)
{
    const peer_options *options = peer->options;
    peer->connection = pn_connection();
    if (options->user != NULL) {
        pn_connection_set_user(peer->connection, options->user);
        pn_connection_set_password(peer->connection, options->password);
    }
    pn_connection_set_container(peer->connection, "proton");
    pn_connection_open(peer->connection);
    peer->session = pn_session(peer->connection);
    open_session(peer);
    peer->link =
        options->receives ? pn_receiver(peer->session, "link") : pn_sender(peer->session, "link");
    (void)pn_terminus_set_address(pn_link_source(peer->link), "examples");
    (void)pn_terminus_set_address(pn_link_target(peer->link), "examples");
    pn_link_set_snd_settle_mode(peer->link, options->settled ? PN_SND_SETTLED : PN_SND_UNSETTLED);
    pn_link_set_rcv_settle_mode(peer->link, options->second ? PN_RCV_SECOND : PN_RCV_FIRST);
    pn_link_open(peer->link);
    if (options->receives) {
        give_credit(peer);
    }
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", options->port);
    pn_proactor_connect2(peer->proactor, peer->connection, new_transport(options), address);
}

/* The server's answer to what the client opens. */
static void answer_link(proton_peer *peer, pn_link_t *link)
{
    peer->link = link;
    if (peer->options->refuse) {
        (void)pn_terminus_set_type(pn_link_source(link), PN_UNSPECIFIED);
        (void)pn_terminus_set_type(pn_link_target(link), PN_UNSPECIFIED);
        pn_link_open(link);
        (void)pn_condition_set_name(pn_link_condition(link), PEER_REFUSED);
        pn_link_close(link);
        return;
    }
    (void)pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
    (void)pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
    pn_link_set_snd_settle_mode(link, pn_link_remote_snd_settle_mode(link));
    pn_link_set_rcv_settle_mode(link, pn_link_remote_rcv_settle_mode(link));
    pn_link_open(link);
    if (pn_link_is_receiver(link)) {
        give_credit(peer);
    }
}

/* --- Events. */

static void note_condition(proton_peer *peer, pn_condition_t *condition)
{
    if (condition != NULL && pn_condition_is_set(condition)) {
        const char *name = pn_condition_get_name(condition);
        const char *description = pn_condition_get_description(condition);
        description = description == NULL ? "" : description;
        peer_note_error(&peer->summary, name, strlen(name), description, strlen(description));
    }
}

static void note_failure(proton_peer *peer, pn_condition_t *condition)
{
    if (pn_condition_is_set(condition)) {
        (void)snprintf(peer->summary.failure, sizeof peer->summary.failure, "%s: %s",
                       pn_condition_get_name(condition), pn_condition_get_description(condition));
    }
}

static void note_sasl(proton_peer *peer, pn_transport_t *transport)
{
    const char *user = pn_transport_get_user(transport);
    const char *mechanism =
        peer->options->sasl == NULL ? NULL : pn_sasl_get_mech(pn_sasl(transport));
    if (user != NULL) {
        peer_copy_text(peer->summary.identity, sizeof peer->summary.identity, user, strlen(user));
    }
    if (mechanism != NULL) {
        peer_copy_text(peer->summary.mechanism, sizeof peer->summary.mechanism, mechanism,
                       strlen(mechanism));
    }
}

static void answer_open(proton_peer *peer, pn_event_t *event, pn_event_type_t type)
{
    if (!peer->options->is_server) {
        bool sender = type == PN_LINK_REMOTE_OPEN && pn_link_is_sender(peer->link);
        pn_terminus_t *answered =
            sender ? pn_link_remote_target(peer->link) : pn_link_remote_source(peer->link);
        peer->summary.refused =
            type == PN_LINK_REMOTE_OPEN && pn_terminus_get_type(answered) == PN_UNSPECIFIED;
        return;
    }
    if (type == PN_CONNECTION_REMOTE_OPEN) {
        note_sasl(peer, pn_event_transport(event));
        pn_connection_set_container(peer->connection, "proton");
        pn_connection_open(peer->connection);
    } else if (type == PN_SESSION_REMOTE_OPEN) {
        peer->session = pn_event_session(event);
        open_session(peer);
    } else {
        answer_link(peer, pn_event_link(event));
    }
}

static void answer_detach(proton_peer *peer, bool closed)
{
    peer->summary.suspended = !closed;
    note_condition(peer, pn_link_remote_condition(peer->link));
    if (closed) {
        pn_link_close(peer->link);
    } else {
        pn_link_detach(peer->link);
    }
    if (!peer->options->is_server || peer->waiting) {
        close_connection(peer);
    }
}

static void take_closing(proton_peer *peer, pn_event_t *event, pn_event_type_t type)
{
    switch (type) {
    case PN_LINK_REMOTE_CLOSE:
    case PN_LINK_REMOTE_DETACH:
        answer_detach(peer, type == PN_LINK_REMOTE_CLOSE);
        return;
    case PN_SESSION_REMOTE_CLOSE:
        note_condition(peer, pn_session_remote_condition(peer->session));
        pn_session_close(peer->session);
        if (!peer->options->is_server || peer->waiting) {
            close_connection(peer);
        }
        return;
    case PN_CONNECTION_REMOTE_CLOSE:
        note_condition(peer, pn_connection_remote_condition(peer->connection));
        peer->remote_closed = true;
        close_connection(peer);
        return;
    case PN_TRANSPORT_ERROR:
        note_failure(peer, pn_transport_condition(pn_event_transport(event)));
        return;
    case PN_TRANSPORT_CLOSED:
        peer->summary.frames_sent = pn_transport_get_frames_output(pn_event_transport(event));
        peer->summary.frames_received = pn_transport_get_frames_input(pn_event_transport(event));
        note_sasl(peer, pn_event_transport(event));
        /* An end without a close, once this end has closed, is no error event. */
        note_failure(peer, pn_transport_condition(pn_event_transport(event)));
        peer->over = true;
        return;
    default:
        return;
    }
}

static void listen_or_accept(proton_peer *peer, pn_event_t *event, pn_event_type_t type)
{
    pn_listener_t *listener = pn_event_listener(event);
    if (type == PN_LISTENER_OPEN) {
        char port[16];
        check(pn_netaddr_host_port(pn_listener_addr(listener), NULL, 0, port, sizeof port) == 0,
              "port");
        peer_print_port((unsigned)strtoul(port, NULL, 10));
    } else {
        peer->connection = pn_connection();
        pn_listener_accept2(listener, peer->connection, new_transport(peer->options));
        pn_listener_close(listener);
    }
}

static void take_event(proton_peer *peer, pn_event_t *event)
{
    pn_event_type_t type = pn_event_type(event);
    switch (type) {
    case PN_LISTENER_OPEN:
    case PN_LISTENER_ACCEPT:
        listen_or_accept(peer, event, type);
        return;
    case PN_CONNECTION_REMOTE_OPEN:
    case PN_SESSION_REMOTE_OPEN:
    case PN_LINK_REMOTE_OPEN:
        answer_open(peer, event, type);
        return;
    case PN_LINK_FLOW:
        if (pn_link_is_sender(peer->link)) {
            send_all(peer);
        } else if (peer->drain_sent && pn_link_credit(peer->link) == 0) {
            peer->summary.drained = true;
        }
        return;
    case PN_DELIVERY:
        if (pn_link_is_sender(peer->link)) {
            take_outcome(peer, pn_event_delivery(event));
        } else {
            take_delivery(peer, pn_event_delivery(event));
        }
        return;
    case PN_PROACTOR_TIMEOUT:
        pn_connection_wake(peer->connection); /* its objects may be used in its own events only */
        return;
    case PN_CONNECTION_WAKE:
        take_wake(peer);
        return;
    default:
        take_closing(peer, event, type);
        return;
    }
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "version") == 0) {
        return printf("%d.%d.%d\n", PN_VERSION_MAJOR, PN_VERSION_MINOR, PN_VERSION_POINT) < 0;
    }
    const peer_options options = peer_read_options(count, words);
    proton_peer peer = {.options = &options, .proactor = pn_proactor()};
    peer.message = (char *)malloc((size_t)options.size + 16);
    check(peer.message != NULL, "malloc");
    if (options.is_server) {
        pn_proactor_listen(peer.proactor, pn_listener(), "127.0.0.1:0", 1);
    } else {
        open_client(&peer);
    }
    while (!peer.over) {
        pn_event_batch_t *batch = pn_proactor_wait(peer.proactor);
        pn_event_t *event = NULL;
        while (!peer.over && (event = pn_event_batch_next(batch)) != NULL) {
            take_event(&peer, event);
            if (pn_event_connection(event) != NULL) {
                go_on(&peer);
            }
        }
        pn_proactor_done(peer.proactor, batch);
    }
    pn_proactor_free(peer.proactor);
    free(peer.message);
    peer.summary.clean = peer.remote_closed && peer.summary.failure[0] == '\0';
    return peer_print_summary(&peer.summary);
}
