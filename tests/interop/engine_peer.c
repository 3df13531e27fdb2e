/* A peer that is the engine on a socket: one end of a conversation of one link. */
#include "interop/engine_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_SIZE = 32, LIMIT_MS = 15000, OFTEN_MS = 2 };

void engine_check(amqpc_status status, const char *call)
{
    if (status != AMQPC_OK) {
        (void)fprintf(stderr, "%s: %s\n", call, amqpc_status_name(status));
        exit(1);
    }
}

amqpc_bytes engine_bytes(const char *text)
{
    return (amqpc_bytes){text, text != NULL ? strlen(text) : 0};
}

/* --- Beginning. */

static void read_random(uint8_t *bytes)
{
    FILE *file = fopen("/dev/urandom", "rb");
    bool read = file != NULL && fread(bytes, 1, RANDOM_SIZE, file) == RANDOM_SIZE;
    engine_check(read ? AMQPC_OK : AMQPC_INVALID_STATE, "/dev/urandom");
    (void)fclose(file);
}

static void make_connection(engine_peer *peer)
{
    const peer_options *options = peer->options;
    uint8_t random[RANDOM_SIZE];
    amqpc_limits limits;
    amqpc_sasl_options sasl;
    amqpc_connection_options made;
    read_random(random);
    amqpc_limits_init(&limits, sizeof limits);
    amqpc_connection_options_init(&made, sizeof made);
    limits.frame_size = options->max_frame_size > 0 ? options->max_frame_size : limits.frame_size;
    made.role = options->is_server ? AMQPC_SERVER : AMQPC_CLIENT;
    made.limits = &limits;
    made.random = (amqpc_bytes){random, sizeof random};
    made.idle_timeout_ms = options->idle_ms;
    if (options->sasl != NULL) {
        engine_sasl_options(options, &sasl);
        made.sasl = &sasl;
    }
    engine_check(amqpc_connection_new(NULL, &made, &peer->connection), "amqpc_connection_new");
    peer->loop.connection = peer->connection;
}

static void send_open(engine_peer *peer)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_HOSTNAME,
                             .container_id = engine_bytes("engine"),
                             .hostname = engine_bytes("localhost")};
    engine_check(amqpc_connection_open(peer->connection, &open), "amqpc_connection_open");
}

static void send_begin(engine_peer *peer)
{
    amqpc_begin begin = {.present = 0};
    if (peer->options->window > 0) {
        begin.present = AMQPC_BEGIN_INCOMING_WINDOW;
        begin.incoming_window = peer->options->window;
    }
    engine_check(amqpc_session_begin(peer->session, &begin), "amqpc_session_begin");
}

/* A client says all that it has to say without waiting. */
static void begin_client(engine_peer *peer)
{
    const peer_options *options = peer->options;
    const amqpc_attach attach = {
        .present = AMQPC_ATTACH_SND_SETTLE_MODE | AMQPC_ATTACH_RCV_SETTLE_MODE,
        .snd_settle_mode = options->settled ? AMQPC_SENDER_SETTLE_MODE_SETTLED
                                            : AMQPC_SENDER_SETTLE_MODE_UNSETTLED,
        .rcv_settle_mode =
            options->second ? AMQPC_RECEIVER_SETTLE_MODE_SECOND : AMQPC_RECEIVER_SETTLE_MODE_FIRST,
    };
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS,
                                 .address = engine_bytes("examples")};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS,
                                 .address = engine_bytes("examples")};
    send_open(peer);
    engine_check(amqpc_session_new(peer->connection, &peer->session), "amqpc_session_new");
    send_begin(peer);
    engine_check(amqpc_link_new(peer->session,
                                options->receives ? AMQPC_ROLE_RECEIVER : AMQPC_ROLE_SENDER,
                                engine_bytes("link"), &peer->link),
                 "amqpc_link_new");
    if (options->receives) {
        engine_prepare_receiver(peer);
    }
    engine_check(amqpc_link_attach(peer->link, &attach, &source, &target), "amqpc_link_attach");
}

static void begin(engine_peer *peer)
{
    const peer_options *options = peer->options;
    peer->messages = (uint8_t **)calloc(options->count + 1, sizeof *peer->messages);
    peer->assembled = (uint8_t *)malloc((size_t)options->size + 1);
    engine_check(peer->messages != NULL && peer->assembled != NULL ? AMQPC_OK : AMQPC_NO_MEMORY,
                 "malloc");
    make_connection(peer);
    if (options->is_server) {
        uint16_t port = 0;
        int listener = socket_loop_listen(&port);
        peer_print_port(port);
        peer->loop.socket = socket_loop_accept(listener);
    } else {
        begin_client(peer);
        peer->loop.socket = socket_loop_connect(options->port);
    }
}

/* --- Ending. */

static const amqpc_error *test_error(amqpc_error *error)
{
    *error = (amqpc_error){.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
                           .condition = engine_bytes(PEER_CONDITION),
                           .description = engine_bytes(PEER_DESCRIPTION)};
    return error;
}

static void close_connection(engine_peer *peer, const amqpc_error *error)
{
    peer->stage = ENGINE_CLOSING;
    engine_check(amqpc_connection_close(peer->connection, error), "amqpc_connection_close");
}

static void end_conversation(engine_peer *peer)
{
    amqpc_error error;
    peer->stage = peer->options->end == PEER_END_NONE ? ENGINE_HOLDING : ENGINE_ENDING;
    switch (peer->options->end) {
    case PEER_END_NONE:
        return;
    case PEER_END_CLOSE:
        engine_check(amqpc_link_detach(peer->link, true, NULL), "amqpc_link_detach");
        engine_check(amqpc_session_end(peer->session, NULL), "amqpc_session_end");
        close_connection(peer, NULL);
        return;
    case PEER_END_DETACH:
        engine_check(amqpc_link_detach(peer->link, true, test_error(&error)), "amqpc_link_detach");
        return;
    case PEER_END_SUSPEND:
        engine_check(amqpc_link_detach(peer->link, false, NULL), "amqpc_link_detach");
        return;
    case PEER_END_END:
        engine_check(amqpc_session_end(peer->session, test_error(&error)), "amqpc_session_end");
        return;
    case PEER_END_CLOSE_ERROR:
        close_connection(peer, test_error(&error));
        return;
    }
}

static void go_on(engine_peer *peer)
{
    uint64_t now_ms = socket_loop_now_ms();
    if (peer->stage == ENGINE_WORKING && engine_work_is_done(peer)) {
        peer->stage = ENGINE_HOLDING;
        peer->hold_until_ms = now_ms + peer->options->hold_ms;
    }
    if (peer->stage == ENGINE_HOLDING && now_ms >= peer->hold_until_ms) {
        end_conversation(peer);
    }
}

/* --- Events. */

static void note_error(engine_peer *peer, amqpc_status found, const amqpc_error *error)
{
    if (found == AMQPC_OK) {
        peer_note_error(&peer->summary, (const char *)error->condition.data, error->condition.size,
                        (const char *)error->description.data, error->description.size);
    }
}

static void note_failure(engine_peer *peer)
{
    amqpc_connection_failure failure;
    engine_check(amqpc_connection_get_failure(peer->connection, &failure), "no failure");
    (void)snprintf(peer->summary.failure, sizeof peer->summary.failure,
                   "%s at %zu of frame at %llu", amqpc_status_name(failure.status), failure.offset,
                   (unsigned long long)failure.position);
}

static void take_attach(engine_peer *peer, amqpc_link *link)
{
    peer->summary.refused = amqpc_link_is_refused(link);
    peer->link = link;
    if (!peer->options->is_server) {
        return;
    }
    if (peer->options->refuse) {
        const amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                                   .condition = engine_bytes(PEER_REFUSED)};
        engine_check(amqpc_link_refuse(link, &error), "amqpc_link_refuse");
        return;
    }
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER) {
        engine_prepare_receiver(peer);
    }
    engine_check(amqpc_link_attach(link, NULL, NULL, NULL), "amqpc_link_attach");
}

static void take_detach(engine_peer *peer)
{
    amqpc_error error;
    note_error(peer, amqpc_link_error(peer->link, &error), &error);
    bool closed = amqpc_link_is_closed(peer->link);
    peer->summary.suspended = !closed;
    if (peer->stage == ENGINE_CLOSING) {
        return;
    }
    engine_check(amqpc_link_detach(peer->link, closed, NULL), "amqpc_link_detach");
    if (!peer->options->is_server || peer->stage == ENGINE_ENDING) {
        close_connection(peer, NULL);
    }
}

static void take_end(engine_peer *peer)
{
    amqpc_error error;
    note_error(peer, amqpc_session_error(peer->session, &error), &error);
    if (peer->stage == ENGINE_CLOSING) {
        return;
    }
    engine_check(amqpc_session_end(peer->session, NULL), "amqpc_session_end");
    if (!peer->options->is_server || peer->stage == ENGINE_ENDING) {
        close_connection(peer, NULL);
    }
}

static void take_close(engine_peer *peer)
{
    amqpc_error error;
    note_error(peer, amqpc_connection_remote_error(peer->connection, &error), &error);
    peer->remote_closed = true;
    close_connection(peer, NULL);
}

static void take_connection_event(engine_peer *peer, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_SASL:
        engine_answer_sasl(peer);
        return;
    case AMQPC_EVENT_CONNECTION_OPEN:
        if (peer->options->is_server) {
            send_open(peer);
        }
        return;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        take_close(peer);
        return;
    case AMQPC_EVENT_CONNECTION_FAILED:
        note_failure(peer);
        return;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (peer->options->is_server) {
            peer->session = event->session;
            send_begin(peer);
        }
        return;
    case AMQPC_EVENT_SESSION_END:
        take_end(peer);
        return;
    default:
        return;
    }
}

static void take_event(engine_peer *peer, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_LINK_ATTACH:
        take_attach(peer, event->link);
        return;
    case AMQPC_EVENT_LINK_DETACH:
        take_detach(peer);
        return;
    case AMQPC_EVENT_LINK_FLOW:
        engine_take_flow(peer);
        return;
    case AMQPC_EVENT_DELIVERIES:
        engine_take_deliveries(peer);
        return;
    case AMQPC_EVENT_UPDATES:
        engine_take_updates(peer);
        return;
    default:
        take_connection_event(peer, event);
        return;
    }
}

static uint64_t next_time(const engine_peer *peer, uint64_t end_ms)
{
    if (peer->stage == ENGINE_WORKING && peer->options->settled && engine_all_moved(peer)) {
        return socket_loop_now_ms() + OFTEN_MS; /* no event tells when the last has gone out */
    }
    bool holds = peer->stage == ENGINE_HOLDING && peer->options->end != PEER_END_NONE &&
                 peer->hold_until_ms < end_ms;
    return holds ? peer->hold_until_ms : end_ms;
}

static void run(engine_peer *peer)
{
    uint64_t end_ms = socket_loop_now_ms() + LIMIT_MS;
    while (socket_loop_step(&peer->loop, next_time(peer, end_ms)) &&
           socket_loop_now_ms() < end_ms) {
        amqpc_connection_event event;
        while (amqpc_connection_next_event(peer->connection, &event)) {
            take_event(peer, &event);
        }
        engine_send(peer);
        go_on(peer);
    }
    if (socket_loop_now_ms() >= end_ms && peer->summary.failure[0] == '\0') {
        (void)snprintf(peer->summary.failure, sizeof peer->summary.failure, "not over after %d ms",
                       LIMIT_MS);
    }
}

static void complete_summary(engine_peer *peer)
{
    peer_summary *summary = &peer->summary;
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(peer->connection, &statistics);
    amqpc_bytes mechanism = amqpc_sasl_mechanism(peer->connection);
    amqpc_bytes identity = amqpc_sasl_identity(peer->connection);
    peer_copy_text(summary->mechanism, sizeof summary->mechanism, mechanism.data, mechanism.size);
    peer_copy_text(summary->identity, sizeof summary->identity, identity.data, identity.size);
    summary->frames_sent = statistics.frames_sent;
    summary->frames_received = statistics.frames_received;
    summary->clean = peer->remote_closed && summary->failure[0] == '\0';
}

int main(int count, char **words)
{
    const peer_options options = peer_read_options(count, words);
    engine_peer peer = {.options = &options};
    begin(&peer);
    run(&peer);
    complete_summary(&peer);
    socket_loop_close(&peer.loop);
    amqpc_connection_free(peer.connection);
    for (uint32_t i = 0; i < options.count; i++) {
        free(peer.messages[i]);
    }
    free((void *)peer.messages);
    free(peer.assembled);
    return peer_print_summary(&peer.summary);
}
