/* Two connections of ours in memory. */
#include "engine_ends.h"

#include <stdio.h>

enum {
    VECTORS = 64,
    IDLE_MS = 10000,
};

static amqpc_bytes text(const char *characters)
{
    return (amqpc_bytes){characters, strlen(characters)};
}

void engine_ends_check(amqpc_status status)
{
    if (status != AMQPC_OK) {
        codec_fail(amqpc_status_text(status));
    }
}

static amqpc_connection *new_connection(amqpc_end_role role, uint32_t max_frame_size)
{
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = max_frame_size;
    limits.channels = ENDS_SESSIONS_MAX;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.role = role;
    options.limits = &limits;
    options.handles_max = ENDS_MANY;
    options.unsettled_max = ENDS_MANY;
    amqpc_connection *connection = NULL;
    engine_ends_check(amqpc_connection_new(NULL, &options, &connection));
    return connection;
}

static void send_open(amqpc_connection *connection)
{
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID};
    open.container_id = text(ENGINE_CONTAINER_ID);
    engine_ends_check(amqpc_connection_open(connection, &open));
}

void engine_ends_open(engine_ends *ends, const engine_operation *operation)
{
    *ends = (engine_ends){.prefetch = operation->credit_window, .settled = operation->settled};
    ends->client = new_connection(AMQPC_CLIENT, operation->max_frame_size);
    ends->server = new_connection(AMQPC_SERVER, operation->max_frame_size);
    send_open(ends->client);
    engine_ends_exchange(ends);
}

void engine_ends_close(engine_ends *ends)
{
    amqpc_connection_free(ends->client);
    amqpc_connection_free(ends->server);
}

void engine_ends_begin(engine_ends *ends)
{
    engine_ends_check(amqpc_session_new(ends->client, &ends->session));
    engine_ends_check(amqpc_session_begin(ends->session, NULL));
}

void engine_ends_attach(engine_ends *ends)
{
    char name[ENGINE_LINK_NAME_SIZE + 1];
    (void)snprintf(name, sizeof name, ENGINE_LINK_NAME_FORMAT, ends->link_count++);
    amqpc_attach attach = {.present = AMQPC_ATTACH_SND_SETTLE_MODE};
    attach.snd_settle_mode =
        ends->settled ? AMQPC_SENDER_SETTLE_MODE_SETTLED : AMQPC_SENDER_SETTLE_MODE_UNSETTLED;
    amqpc_source source = {.present = 0};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS};
    target.address = text(ENGINE_ADDRESS);
    engine_ends_check(amqpc_link_new(ends->session, AMQPC_ROLE_SENDER, text(name), &ends->sender));
    engine_ends_check(amqpc_link_attach(ends->sender, &attach, &source, &target));
}

void engine_ends_exchange(engine_ends *ends)
{
    bool carried = true;
    while (carried) {
        carried = engine_ends_carry(ends->client, ends->server);
        engine_ends_handle_events(ends, ends->server);
        carried |= engine_ends_carry(ends->server, ends->client);
        engine_ends_handle_events(ends, ends->client);
    }
}

bool engine_ends_carry(amqpc_connection *from, amqpc_connection *to)
{
    amqpc_bytes vectors[VECTORS];
    size_t count = 0;
    engine_ends_check(amqpc_connection_output(from, vectors, VECTORS, &count));
    if (count == 0) {
        return false;
    }
    void *data = NULL;
    size_t capacity = 0;
    size_t size = 0;
    engine_ends_check(amqpc_connection_input_buffer(to, &data, &capacity));
    for (size_t i = 0; i < count && size < capacity; i++) {
        size_t room = capacity - size;
        size_t piece = vectors[i].size < room ? vectors[i].size : room;
        memcpy((uint8_t *)data + size, vectors[i].data, piece);
        size += piece;
    }
    amqpc_connection_output_done(from, size);
    engine_ends_check(amqpc_connection_input(to, size));
    return true;
}

static void answer_attach(engine_ends *ends, amqpc_link *link)
{
    ends->receiver = link;
    engine_ends_check(amqpc_link_set_prefetch(link, ends->prefetch));
    engine_ends_check(amqpc_link_attach(link, NULL, NULL, NULL));
}

static void handle_event(engine_ends *ends, const amqpc_connection_event *event)
{
    bool is_server = event->connection == ends->server;
    switch (event->type) {
    case AMQPC_EVENT_CONNECTION_OPEN:
        if (is_server) {
            send_open(ends->server);
        }
        return;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (is_server) {
            engine_ends_check(amqpc_session_begin(event->session, NULL));
        }
        return;
    case AMQPC_EVENT_LINK_ATTACH:
        if (is_server) {
            answer_attach(ends, event->link);
        }
        return;
    case AMQPC_EVENT_CONNECTION_CLOSE:
    case AMQPC_EVENT_CONNECTION_FAILED:
    case AMQPC_EVENT_SESSION_END:
    case AMQPC_EVENT_LINK_DETACH:
        codec_fail(amqpc_event_name(event->type));
    default:
        return; /* deliveries, updates, flow: who waits for them asks the link */
    }
}

void engine_ends_handle_events(engine_ends *ends, amqpc_connection *connection)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        handle_event(ends, &event);
    }
}

void engine_ends_idle(engine_ends *ends)
{
    uint64_t deadline_ms = 0;
    for (int i = 0; i < 2; i++) {
        engine_ends_check(amqpc_connection_tick(ends->client, ends->now_ms, &deadline_ms));
        engine_ends_check(amqpc_connection_tick(ends->server, ends->now_ms, &deadline_ms));
        ends->now_ms += IDLE_MS;
    }
}
