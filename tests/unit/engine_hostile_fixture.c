/* One engine, and the test as its peer. */
#include "engine_hostile_fixture.h"

enum { FRAME_SIZE_MAX = 65536 };

/* --- The engine. */

peer *peer_new(amqpc_end_role role, const amqpc_connection_options *options)
{
    peer *self = (peer *)calloc(1, sizeof *self);
    assert_non_null(self);
    counting_allocator_init(&self->memory);
    amqpc_connection_options chosen;
    amqpc_connection_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        chosen = *options;
    }
    chosen.role = role;
    assert_int_equal(amqpc_connection_new(&self->memory.allocator, &chosen, &self->connection),
                     AMQPC_OK);
    return self;
}

void peer_free(peer *self)
{
    amqpc_connection_free(self->connection);
    assert_int_equal(self->memory.blocks, 0);
    assert_int_equal(self->memory.size, 0);
    free(self);
}

peer *peer_greet(amqpc_end_role role, const amqpc_connection_options *options)
{
    peer *self = peer_new(role, options);
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_AMQP), AMQPC_OK);
    peer_expect_header(self, AMQPC_PROTOCOL_AMQP);
    return self;
}

peer *peer_open_with(const amqpc_connection_options *options)
{
    peer *self = peer_greet(AMQPC_SERVER, options);
    amqpc_performative open = open_frame();
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    engine_events(self->connection);
    return self;
}

peer *peer_open(void)
{
    return peer_open_with(NULL);
}

peer *peer_begin_with(const amqpc_connection_options *options, const amqpc_begin *begin)
{
    peer *self = peer_open_with(options);
    amqpc_performative frame = begin_frame();
    peer_feed(self, &frame);
    self->session = engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(self->session, begin), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    return self;
}

peer *peer_begin(void)
{
    return peer_begin_with(NULL, NULL);
}

amqpc_session *peer_begin_on(peer *self, uint16_t channel)
{
    amqpc_performative frame = begin_frame();
    peer_feed_on(self, channel, &frame);
    amqpc_session *session = engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
    const amqpc_performative *answer = peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    assert_int_equal(answer->as.begin.remote_channel, channel);
    return session;
}

amqpc_link *peer_attach(peer *self, const char *name, uint32_t handle, bool role)
{
    amqpc_performative frame = attach_frame(name, handle, role);
    peer_feed(self, &frame);
    self->link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(self->link, NULL, NULL, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_ATTACH);
    return self->link;
}

void peer_take_credit(peer *self, amqpc_link *link, uint32_t credit)
{
    assert_int_equal(amqpc_link_add_credit(link, credit), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_FLOW)->as.flow.link_credit, credit);
}

/* --- In. */

void peer_feed_on(peer *self, uint16_t channel, const amqpc_performative *frame)
{
    assert_int_equal(engine_feed_frame(self->connection, channel, frame), AMQPC_OK);
}

void peer_feed(peer *self, const amqpc_performative *frame)
{
    peer_feed_on(self, 0, frame);
}

amqpc_status peer_feed_sasl(peer *self, const amqpc_performative *frame)
{
    static uint8_t bytes[FRAME_SIZE_MAX];
    size_t size = 0;
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_SASL, 0, frame, bytes, sizeof bytes, &size),
                     AMQPC_OK);
    return engine_feed(self->connection, bytes, size);
}

amqpc_status peer_feed_header(peer *self, amqpc_protocol protocol)
{
    uint8_t header[AMQPC_PROTOCOL_HEADER_SIZE];
    assert_int_equal(amqpc_protocol_header_write(protocol, header, sizeof header), AMQPC_OK);
    return engine_feed(self->connection, header, sizeof header);
}

/* --- Out. */

static void take_more(peer *self)
{
    if (self->next == self->frames.count) {
        engine_take_frames(self->connection, &self->frames);
        self->next = 0;
    }
}

void peer_expect_header(peer *self, amqpc_protocol protocol)
{
    uint8_t header[AMQPC_PROTOCOL_HEADER_SIZE];
    assert_int_equal(amqpc_protocol_header_write(protocol, header, sizeof header), AMQPC_OK);
    take_more(self);
    assert_int_equal(self->frames.headers, 1);
    assert_true(self->frames.size >= sizeof header);
    assert_memory_equal(self->frames.bytes, header, sizeof header);
}

const amqpc_performative *peer_expect(peer *self, uint32_t type)
{
    take_more(self);
    assert_true(self->next < self->frames.count);
    const amqpc_performative *found = &self->frames.list[self->next++];
    assert_int_equal(found->type, type);
    return found;
}

void peer_expect_nothing(peer *self)
{
    assert_int_equal(self->next, self->frames.count);
    engine_take_frames(self->connection, &self->frames);
    self->next = 0;
    assert_int_equal(self->frames.size, 0);
}

void peer_expect_close(peer *self, const char *condition)
{
    const amqpc_performative *close = peer_expect(self, AMQPC_COMPOSITE_CLOSE);
    assert_true(close->as.close.present & AMQPC_CLOSE_ERROR);
    assert_bytes(close->as.close.error.condition, condition);
    peer_expect_nothing(self);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(self->connection, &failure), AMQPC_OK);
    assert_string_equal(amqpc_status_condition(failure.status), condition);
    assert_true(amqpc_connection_is_finished(self->connection));
    assert_true(engine_events(self->connection) & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    void *place = NULL;
    size_t capacity = 0;
    assert_int_equal(amqpc_connection_input_buffer(self->connection, &place, &capacity),
                     AMQPC_INVALID_STATE);
}

void peer_expect_end(peer *self, const char *condition)
{
    const amqpc_performative *end = peer_expect(self, AMQPC_COMPOSITE_END);
    assert_true(end->as.end.present & AMQPC_END_ERROR);
    assert_bytes(end->as.end.error.condition, condition);
    assert_int_equal(self->frames.channels[self->next - 1], 0);
    peer_expect_nothing(self);
    assert_ptr_equal(engine_event(self->connection, AMQPC_EVENT_SESSION_END).session,
                     self->session);
    amqpc_error error;
    assert_int_equal(amqpc_session_error(self->session, &error), AMQPC_OK);
    assert_bytes(error.condition, condition);
    /* What the peer sent before it heard of it is dropped (AMQP 2.5.5). */
    const amqpc_performative late = attach_frame("late", 1000, AMQPC_ROLE_SENDER);
    peer_feed(self, &late);
    peer_expect_connection_alive(self, 1);
    const amqpc_performative answer = empty_frame(AMQPC_COMPOSITE_END);
    peer_feed(self, &answer);
    assert_int_equal(amqpc_session_get_state(self->session), AMQPC_SESSION_UNMAPPED);
    amqpc_session_free(self->session);
    self->session = NULL;
    peer_expect_nothing(self);
    peer_expect_connection_alive(self, 0);
}

void peer_expect_detach(peer *self, amqpc_link *link, const char *condition)
{
    const amqpc_performative *detach = peer_expect(self, AMQPC_COMPOSITE_DETACH);
    assert_true(detach->as.detach.closed);
    assert_true(detach->as.detach.present & AMQPC_DETACH_ERROR);
    assert_bytes(detach->as.detach.error.condition, condition);
    peer_expect_nothing(self);
    assert_ptr_equal(engine_event(self->connection, AMQPC_EVENT_LINK_DETACH).link, link);
    amqpc_error error;
    assert_int_equal(amqpc_link_error(link, &error), AMQPC_OK);
    assert_bytes(error.condition, condition);
    assert_int_equal(amqpc_session_get_state(amqpc_link_session(link)), AMQPC_SESSION_MAPPED);
}

void peer_expect_connection_alive(peer *self, uint16_t channel)
{
    amqpc_session *session = peer_begin_on(self, channel);
    amqpc_session_free(session);
    peer_expect(self, AMQPC_COMPOSITE_END);
    const amqpc_performative end = empty_frame(AMQPC_COMPOSITE_END);
    peer_feed_on(self, channel, &end);
    peer_expect_nothing(self);
}

void peer_expect_session_alive(peer *self, uint32_t handle)
{
    amqpc_link *before = self->link;
    amqpc_link *link = peer_attach(self, "still alive", handle, AMQPC_ROLE_SENDER);
    amqpc_link_free(link);
    assert_true(peer_expect(self, AMQPC_COMPOSITE_DETACH)->as.detach.closed);
    const amqpc_performative detach = detach_frame(handle, true);
    peer_feed(self, &detach);
    peer_expect_nothing(self);
    self->link = before;
}

/* --- Frames. */

amqpc_performative open_frame(void)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_OPEN};
    frame.as.open.present = AMQPC_OPEN_CONTAINER_ID;
    frame.as.open.container_id = engine_text("peer");
    return frame;
}

amqpc_performative begin_frame(void)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_BEGIN};
    frame.as.begin.present =
        AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_INCOMING_WINDOW | AMQPC_BEGIN_OUTGOING_WINDOW;
    frame.as.begin.incoming_window = 2048;
    frame.as.begin.outgoing_window = 2048;
    return frame;
}

amqpc_performative attach_frame(const char *name, uint32_t handle, bool role)
{
    static const uint8_t source[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_SOURCE,
                                     AMQPC_CODE_LIST0};
    static const uint8_t target[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_TARGET,
                                     AMQPC_CODE_LIST0};
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_ATTACH};
    amqpc_attach *attach = &frame.as.attach;
    attach->present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                      AMQPC_ATTACH_SOURCE | AMQPC_ATTACH_TARGET;
    attach->name = engine_text(name);
    attach->handle = handle;
    attach->role = role;
    assert_int_equal(amqpc_value_decode(source, sizeof source, NULL, &attach->source, NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_value_decode(target, sizeof target, NULL, &attach->target, NULL),
                     AMQPC_OK);
    if (role == AMQPC_ROLE_SENDER) {
        attach->present |= AMQPC_ATTACH_INITIAL_DELIVERY_COUNT;
    }
    return frame;
}

amqpc_performative transfer_frame(uint32_t handle, uint32_t id)
{
    return engine_transfer(handle, id, "payload");
}

amqpc_performative more_frame(uint32_t handle)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_TRANSFER, .payload = engine_text("piece")};
    frame.as.transfer.present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_MORE;
    frame.as.transfer.handle = handle;
    frame.as.transfer.more = true;
    return frame;
}

amqpc_performative disposition_frame(bool role, uint32_t first, uint32_t last, bool settled)
{
    static const uint8_t accepted[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_ACCEPTED,
                                       AMQPC_CODE_LIST0};
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_DISPOSITION};
    amqpc_disposition *disposition = &frame.as.disposition;
    disposition->present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST |
                           AMQPC_DISPOSITION_LAST | AMQPC_DISPOSITION_SETTLED |
                           AMQPC_DISPOSITION_STATE;
    disposition->role = role;
    disposition->first = first;
    disposition->last = last;
    disposition->settled = settled;
    assert_int_equal(amqpc_value_decode(accepted, sizeof accepted, NULL, &disposition->state, NULL),
                     AMQPC_OK);
    return frame;
}

amqpc_performative detach_frame(uint32_t handle, bool closed)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_DETACH};
    frame.as.detach.present = AMQPC_DETACH_HANDLE | AMQPC_DETACH_CLOSED;
    frame.as.detach.handle = handle;
    frame.as.detach.closed = closed;
    return frame;
}

amqpc_performative empty_frame(uint32_t type)
{
    return (amqpc_performative){.type = type};
}
