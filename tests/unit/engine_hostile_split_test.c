/* However the input is cut into pieces, an engine does the same: a conversation with frames of all
 * kinds is fed whole, byte by byte, and in two pieces cut at every byte (hostile-inputs.md, 94). */
#include <stdio.h>

#include "engine_hostile_fixture.h"

enum { STREAM_MAX = 4096, FRAMES_MAX = 64, LOG_MAX = 16384 };

/* What the peer says. */
typedef struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t size;
    size_t ends[FRAMES_MAX]; /* of frames and headers */
    size_t count;
    size_t setup; /* bytes until links are attached */
} stream;

/* What the engine and its application did. */
typedef struct record {
    uint8_t log[LOG_MAX];
    size_t size;
} record;

/* --- The peer. */

static void add(stream *to, amqpc_frame_type type, const amqpc_performative *frame)
{
    size_t size = 0;
    assert_int_equal(
        amqpc_frame_write(type, 0, frame, to->bytes + to->size, STREAM_MAX - to->size, &size),
        AMQPC_OK);
    to->size += size;
    to->ends[to->count++] = to->size;
    assert_true(to->count < FRAMES_MAX);
}

static void add_amqp(stream *to, amqpc_performative frame)
{
    add(to, AMQPC_FRAME_AMQP, &frame);
}

static void add_header(stream *to, amqpc_protocol protocol)
{
    assert_int_equal(
        amqpc_protocol_header_write(protocol, to->bytes + to->size, STREAM_MAX - to->size),
        AMQPC_OK);
    to->size += AMQPC_PROTOCOL_HEADER_SIZE;
    to->ends[to->count++] = to->size;
}

static amqpc_performative part(amqpc_performative frame, bool more, bool settled, bool aborted)
{
    frame.as.transfer.present |=
        AMQPC_TRANSFER_MORE | AMQPC_TRANSFER_SETTLED | AMQPC_TRANSFER_ABORTED;
    frame.as.transfer.more = more;
    frame.as.transfer.settled = settled;
    frame.as.transfer.aborted = aborted;
    return frame;
}

static amqpc_performative with_echo(amqpc_performative flow)
{
    flow.as.flow.present |= AMQPC_FLOW_ECHO | AMQPC_FLOW_DRAIN;
    flow.as.flow.echo = true;
    flow.as.flow.drain = true;
    return flow;
}

static void add_setup(stream *to)
{
    amqpc_performative init = {.type = AMQPC_COMPOSITE_SASL_INIT};
    init.as.sasl_init.present = AMQPC_SASL_INIT_MECHANISM;
    init.as.sasl_init.mechanism = engine_text("ANONYMOUS");
    add_header(to, AMQPC_PROTOCOL_SASL);
    add(to, AMQPC_FRAME_SASL, &init);
    add_header(to, AMQPC_PROTOCOL_AMQP);
    add_amqp(to, open_frame());
    add_amqp(to, begin_frame());
    add_amqp(to, attach_frame("in", 0, AMQPC_ROLE_SENDER));
    add_amqp(to, attach_frame("out", 1, AMQPC_ROLE_RECEIVER));
    add_amqp(to, engine_flow(1, 0, 2));
    to->setup = to->size;
}

static void add_deliveries(stream *to)
{
    static const uint8_t modified[] = {
        0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_MODIFIED, 0xc0, 2, 1, 0x41};
    add_amqp(to, empty_frame(AMQPC_COMPOSITE_NONE));
    add_amqp(to, transfer_frame(0, 10));
    add_amqp(to, part(transfer_frame(0, 11), false, true, false));
    add_amqp(to, part(transfer_frame(0, 12), true, false, false));
    add_amqp(to, part(more_frame(0), true, false, false));
    add_amqp(to, part(more_frame(0), false, true, false));
    add_amqp(to, part(transfer_frame(0, 13), true, false, false));
    add_amqp(to, part(more_frame(0), false, false, true));
    add_amqp(to, transfer_frame(0, 14));
    add_amqp(to, disposition_frame(AMQPC_ROLE_RECEIVER, 0, 0, true));
    amqpc_performative disposition = disposition_frame(AMQPC_ROLE_RECEIVER, 1, 1, true);
    assert_int_equal(amqpc_value_decode(modified, sizeof modified, NULL,
                                        &disposition.as.disposition.state, NULL),
                     AMQPC_OK);
    add_amqp(to, disposition);
    add_amqp(to, with_echo(engine_flow(1, 2, 5)));
}

static void add_parting(stream *to)
{
    amqpc_performative end = empty_frame(AMQPC_COMPOSITE_END);
    end.as.end.present = AMQPC_END_ERROR;
    end.as.end.error.present = AMQPC_ERROR_CONDITION;
    end.as.end.error.condition = engine_text("amqp:not-allowed");
    add_amqp(to, detach_frame(1, true));
    add_amqp(to, transfer_frame(0, 15));
    add_amqp(to, detach_frame(0, false));
    add_amqp(to, end);
    add_amqp(to, empty_frame(AMQPC_COMPOSITE_CLOSE));
}

/* --- The application. */

static void note(record *to, const char *what, uint64_t number)
{
    int size = snprintf((char *)to->log + to->size, LOG_MAX - to->size, "%s %llu\n", what,
                        (unsigned long long)number);
    to->size += (size_t)size;
    assert_true(to->size < LOG_MAX);
}

static void note_bytes(record *to, amqpc_bytes bytes)
{
    assert_true(to->size + bytes.size < LOG_MAX);
    if (bytes.size > 0) {
        memcpy(to->log + to->size, bytes.data, bytes.size);
        to->size += bytes.size;
    }
}

static void take_deliveries(record *to, amqpc_link *link)
{
    amqpc_delivery delivery;
    size_t count = 0;
    while (amqpc_link_receive(link, &delivery, 1, &count) == AMQPC_OK && count == 1) {
        note(to, delivery.settled ? "settled" : "delivery", delivery.number);
        note_bytes(to, delivery.tag);
        note_bytes(to, delivery.payload);
        amqpc_status status =
            amqpc_link_settle(link, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED);
        note(to, amqpc_status_name(status), 0);
        amqpc_delivery_release(&delivery);
    }
}

static void take_updates(record *to, amqpc_link *link)
{
    amqpc_update update;
    size_t count = 0;
    while (amqpc_link_updates(link, &update, 1, &count) == AMQPC_OK && count == 1) {
        note(to, "update", update.number);
        note(to, update.settled ? "settled as" : "said", update.state_type);
    }
}

static amqpc_status attach(amqpc_link *link)
{
    amqpc_status status = amqpc_link_attach(link, NULL, NULL, NULL);
    if (status == AMQPC_OK && amqpc_link_role(link) == AMQPC_ROLE_RECEIVER) {
        status = amqpc_link_add_credit(link, 100);
    }
    return status;
}

static amqpc_status send_all(amqpc_link *link)
{
    while (amqpc_link_send(link, engine_text("from the engine"), NULL, NULL) == AMQPC_OK) {
    }
    return amqpc_link_drained(link);
}

static amqpc_status react(record *to, const amqpc_connection_event *event)
{
    const amqpc_performative open = open_frame();
    switch (event->type) {
    case AMQPC_EVENT_SASL:
        return amqpc_sasl_finish(event->connection, AMQPC_SASL_CODE_OK, (amqpc_bytes){NULL, 0});
    case AMQPC_EVENT_CONNECTION_OPEN:
        return amqpc_connection_open(event->connection, &open.as.open);
    case AMQPC_EVENT_CONNECTION_CLOSE:
        return amqpc_connection_close(event->connection, NULL);
    case AMQPC_EVENT_SESSION_BEGIN:
        return amqpc_session_begin(event->session, NULL);
    case AMQPC_EVENT_SESSION_END:
        return amqpc_session_end(event->session, NULL);
    case AMQPC_EVENT_LINK_ATTACH:
        return attach(event->link);
    case AMQPC_EVENT_LINK_FLOW:
        return amqpc_link_role(event->link) == AMQPC_ROLE_SENDER ? send_all(event->link) : AMQPC_OK;
    case AMQPC_EVENT_LINK_DETACH:
        return amqpc_link_detach(event->link, amqpc_link_is_closed(event->link), NULL);
    case AMQPC_EVENT_DELIVERIES:
        take_deliveries(to, event->link);
        return AMQPC_OK;
    case AMQPC_EVENT_UPDATES:
        take_updates(to, event->link);
        return AMQPC_OK;
    default:
        return AMQPC_OK;
    }
}

/* Reads all events, does what they ask for, and notes it, and what the engine sends. */
static void run_application(peer *self, record *to)
{
    static uint8_t output[LOG_MAX];
    amqpc_connection_event event;
    while (amqpc_connection_next_event(self->connection, &event)) {
        note(to, amqpc_event_name(event.type), event.type);
        note(to, amqpc_status_name(react(to, &event)), 0);
    }
    size_t size = engine_take_output(self->connection, output, sizeof output);
    note_bytes(to, (amqpc_bytes){output, size});
}

/* --- One run. */

static peer *start(void)
{
    amqpc_sasl_options sasl;
    amqpc_connection_options options;
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    amqpc_connection_options_init(&options, sizeof options);
    options.sasl = &sasl;
    options.random = engine_text("32 bytes which nobody can predict");
    return peer_new(AMQPC_SERVER, &options);
}

static void feed(peer *self, const stream *from, size_t begin, size_t end)
{
    assert_int_equal(engine_feed(self->connection, from->bytes + begin, end - begin), AMQPC_OK);
}

/* The application runs after each frame; and after the piece that ends at `cut`. */
static void run_by_frames(const stream *from, size_t cut, record *to)
{
    peer *self = start();
    size_t at = 0;
    to->size = 0;
    for (size_t i = 0; i < from->count; i++) {
        size_t end = from->ends[i];
        if (at < cut && cut < end) {
            feed(self, from, at, cut);
            run_application(self, to);
            at = cut;
        }
        feed(self, from, at, end);
        run_application(self, to);
        at = end;
    }
    peer_free(self);
}

static void run_by_bytes(const stream *from, record *to)
{
    peer *self = start();
    to->size = 0;
    for (size_t i = 0; i < from->size; i++) {
        feed(self, from, i, i + 1);
        run_application(self, to);
    }
    peer_free(self);
}

/* The links are attached; all the rest comes before the application runs again. */
static void run_at_once(const stream *from, size_t cut, size_t step, record *to)
{
    peer *self = start();
    size_t at = 0;
    for (size_t i = 0; from->ends[i] <= from->setup; i++) {
        feed(self, from, at, from->ends[i]);
        run_application(self, to);
        at = from->ends[i];
    }
    to->size = 0;
    feed(self, from, at, cut);
    for (at = cut; at < from->size; at += step) {
        feed(self, from, at, from->size - at < step ? from->size : at + step);
    }
    run_application(self, to);
    peer_free(self);
}

static void assert_same(const record *got, const record *expected)
{
    assert_int_equal(got->size, expected->size);
    assert_memory_equal(got->log, expected->log, expected->size);
}

static stream the_stream;
static record expected;
static record got;

static bool mentions(const record *in, const char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at + size <= in->size; at++) {
        if (memcmp(in->log + at, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static void make_stream(bool whole)
{
    memset(&the_stream, 0, sizeof the_stream);
    add_setup(&the_stream);
    add_deliveries(&the_stream);
    if (whole) {
        add_parting(&the_stream);
    }
}

static void test_a_frame_may_be_cut_anywhere(void **state)
{
    (void)state;
    make_stream(true);
    run_by_frames(&the_stream, 0, &expected);
    static const char *const words[] = {"SASL_OUTCOME",     "CONNECTION_OPEN",  "SESSION_BEGIN",
                                        "LINK_ATTACH",      "LINK_FLOW",        "DELIVERIES",
                                        "UPDATES",          "LINK_DETACH",      "SESSION_END",
                                        "CONNECTION_CLOSE", "payloadpiecepiece"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_true(mentions(&expected, words[i]));
    }
    for (size_t cut = 1; cut < the_stream.size; cut++) {
        run_by_frames(&the_stream, cut, &got);
        assert_same(&got, &expected);
    }
}

static void test_row_94_input_may_come_byte_by_byte(void **state)
{
    (void)state;
    make_stream(true);
    run_by_frames(&the_stream, 0, &expected);
    run_by_bytes(&the_stream, &got);
    assert_same(&got, &expected);
}

static void test_frames_may_come_in_any_pieces_before_the_application_looks(void **state)
{
    (void)state;
    for (unsigned whole = 0; whole < 2; whole++) {
        make_stream(whole);
        run_at_once(&the_stream, the_stream.size, 1, &expected);
        assert_true(mentions(&expected, whole ? "CONNECTION_CLOSE" : "payloadpiecepiece"));
        run_at_once(&the_stream, the_stream.setup, 1, &got);
        assert_same(&got, &expected);
        for (size_t cut = the_stream.setup; cut < the_stream.size; cut++) {
            run_at_once(&the_stream, cut, the_stream.size, &got);
            assert_same(&got, &expected);
        }
        for (size_t step = 2; step < 100; step++) {
            run_at_once(&the_stream, the_stream.setup, step, &got);
            assert_same(&got, &expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_frame_may_be_cut_anywhere),
        cmocka_unit_test(test_row_94_input_may_come_byte_by_byte),
        cmocka_unit_test(test_frames_may_come_in_any_pieces_before_the_application_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
