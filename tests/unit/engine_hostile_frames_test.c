/* Frames of hostile peers over a whole connection: what the engine answers (hostile-inputs.md, 26
 * to 36, 41, 44). What the parser makes of them is in hostile_test.c and tests/vectors. */
#include "engine_hostile_fixture.h"

#define FRAMING_ERROR "amqp:connection:framing-error"

/* A frame whose header is as given, and nothing behind it: that has to be enough. */
static void assert_refused_by_header(peer *self, const uint8_t header[8], const char *condition)
{
    size_t before = self->memory.size;
    amqpc_status status = engine_feed(self->connection, header, 8);
    assert_string_equal(amqpc_status_condition(status), condition);
    peer_expect_close(self, condition);
    assert_true(self->memory.size < before + 65536 + 4096); /* a slab of output */
    peer_free(self);
}

static void test_row_26_a_frame_size_below_8_closes_the_connection(void **state)
{
    (void)state;
    for (uint8_t size = 0; size < 8; size++) {
        assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, size, 2, 0, 0, 0},
                                 FRAMING_ERROR);
    }
}

static void test_row_27_a_frame_larger_than_agreed_closes_the_connection(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.limits = &limits;
    limits.frame_size = 1024;
    /* 1,025, and 2^32-1. */
    assert_refused_by_header(peer_open_with(&options), (const uint8_t[8]){0, 0, 4, 1, 2, 0, 0, 0},
                             FRAMING_ERROR);
    assert_refused_by_header(peer_open_with(&options),
                             (const uint8_t[8]){0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0}, FRAMING_ERROR);
    peer *self = peer_open_with(&options);
    const uint8_t largest[8] = {0, 0, 4, 0, 2, 0, 0, 0};
    assert_int_equal(engine_feed(self->connection, largest, 8), AMQPC_OK);
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_row_28_a_data_offset_below_2_closes_the_connection(void **state)
{
    (void)state;
    assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, 16, 1, 0, 0, 0},
                             FRAMING_ERROR);
    assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, 16, 0, 0, 0, 0},
                             FRAMING_ERROR);
}

static void test_row_29_a_data_offset_beyond_the_frame_closes_the_connection(void **state)
{
    (void)state;
    assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, 16, 5, 0, 0, 0},
                             FRAMING_ERROR);
    assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, 16, 255, 0, 0, 0},
                             FRAMING_ERROR);
}

static void test_row_30_an_unknown_frame_type_closes_the_connection(void **state)
{
    (void)state;
    assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, 16, 2, 2, 0, 0},
                             FRAMING_ERROR);
}

static void test_row_31_a_flood_of_empty_frames_costs_nothing(void **state)
{
    (void)state;
    enum { FRAMES = 100000 };
    peer *self = peer_open();
    const amqpc_performative empty = empty_frame(AMQPC_COMPOSITE_NONE);
    peer_feed(self, &empty);
    size_t allocations = self->memory.allocations;
    for (size_t i = 0; i < FRAMES; i++) {
        peer_feed(self, &empty);
    }
    assert_int_equal(self->memory.allocations, allocations);
    assert_int_equal(engine_events(self->connection), 0);
    peer_expect_nothing(self);
    peer_expect_connection_alive(self, 0);
    peer_free(self);
}

static void test_row_32_a_channel_above_channel_max_closes_the_connection(void **state)
{
    (void)state;
    assert_refused_by_header(peer_open(), (const uint8_t[8]){0, 0, 0, 16, 2, 0, 1, 0},
                             FRAMING_ERROR);
    /* channel-max is inclusive. */
    peer *self = peer_open();
    peer_expect_connection_alive(self, 255);
    peer_free(self);
}

static void test_row_33_a_frame_of_more_than_8_kib_before_open_closes_the_connection(void **state)
{
    (void)state;
    for (unsigned role = AMQPC_CLIENT; role <= AMQPC_SERVER; role++) {
        peer *self = peer_greet((amqpc_end_role)role, NULL);
        const uint8_t header[8] = {0, 0, 0x20, 1, 2, 0, 0, 0};
        assert_int_equal(engine_feed(self->connection, header, 8), AMQPC_FRAME_TOO_LARGE);
        peer_expect(self, AMQPC_COMPOSITE_OPEN); /* what close has to come after */
        peer_expect_close(self, FRAMING_ERROR);
        peer_free(self);
    }
    /* 8 KiB are taken: properties make real opens large. */
    static char text[8192];
    memset(text, 'x', sizeof text);
    peer *self = peer_greet(AMQPC_SERVER, NULL);
    amqpc_performative open = open_frame();
    open.as.open.present |= AMQPC_OPEN_HOSTNAME;
    open.as.open.hostname = (amqpc_bytes){text, 8100};
    peer_feed(self, &open);
    amqpc_open received;
    assert_int_equal(amqpc_connection_remote_open(self->connection, &received), AMQPC_OK);
    assert_int_equal(received.hostname.size, 8100);
    peer_free(self);
}

/* The field is at fault, not the frame: so invalid-field. */
static void test_row_34_a_max_frame_size_below_512_closes_the_connection(void **state)
{
    (void)state;
    const uint32_t sizes[] = {0, 1, 511};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        peer *self = peer_greet(AMQPC_SERVER, NULL);
        /* list8 of: container-id "", null, max-frame-size uint */
        uint8_t frame[] = {0,    0, 0, 0,    2, 0,    0,    0, 0, 0x53, 0x10,
                           0xc0, 9, 3, 0xa1, 0, 0x40, 0x70, 0, 0, 0,    0};
        frame[3] = sizeof frame;
        frame[20] = (uint8_t)(sizes[i] >> 8);
        frame[21] = (uint8_t)sizes[i];
        assert_int_equal(engine_feed(self->connection, frame, sizeof frame), AMQPC_INVALID_FIELD);
        peer_expect(self, AMQPC_COMPOSITE_OPEN);
        peer_expect_close(self, "amqp:invalid-field");
        peer_free(self);
    }
}

/* A server that refuses says open with whatever it likes, and the reason behind it (AMQP 2.4.3):
 * Qpid Broker-J says a max-frame-size of 0. */
static void test_row_34_the_reason_of_a_refusal_counts_not_its_max_frame_size(void **state)
{
    (void)state;
    /* open: container-id "", null, max-frame-size 0 */
    uint8_t frames[128] = {0, 0, 0, 18, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 5, 3, 0xa1, 0, 0x40, 0x43};
    amqpc_performative close = {.type = AMQPC_COMPOSITE_CLOSE};
    close.as.close.present = AMQPC_CLOSE_ERROR;
    close.as.close.error.present = AMQPC_ERROR_CONDITION;
    close.as.close.error.condition = (amqpc_bytes){"amqp:not-found", 14};
    size_t size = 0;
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &close, frames + 18, 110, &size),
                     AMQPC_OK);
    size += 18;
    amqpc_error error;
    peer *self = peer_greet(AMQPC_CLIENT, NULL);
    assert_int_equal(engine_feed(self->connection, frames, size), AMQPC_OK);
    assert_int_equal(amqpc_connection_remote_error(self->connection, &error), AMQPC_OK);
    assert_memory_equal(error.condition.data, "amqp:not-found", 14);
    assert_int_equal(amqpc_connection_get_state(self->connection), AMQPC_CONNECTION_CLOSE_RECEIVED);
    peer_free(self);
    /* Where the reason is not there yet, the connection fails as for any peer. */
    self = peer_greet(AMQPC_CLIENT, NULL);
    assert_int_equal(engine_feed(self->connection, frames, size - 1), AMQPC_INVALID_FIELD);
    peer_free(self);
}

static void test_row_34_frames_keep_to_a_max_frame_size_of_512(void **state)
{
    (void)state;
    static uint8_t payload[5000];
    peer *self = peer_greet(AMQPC_SERVER, NULL);
    amqpc_performative open = open_frame();
    open.as.open.present |= AMQPC_OPEN_MAX_FRAME_SIZE;
    open.as.open.max_frame_size = 512;
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    self->session = peer_begin_on(self, 0);
    amqpc_link *link = peer_attach(self, "link", 0, AMQPC_ROLE_RECEIVER);
    const amqpc_performative flow = engine_flow(0, 0, 1);
    peer_feed(self, &flow);
    assert_int_equal(amqpc_link_send(link, (amqpc_bytes){payload, sizeof payload}, NULL, NULL),
                     AMQPC_OK);
    engine_take_frames(self->connection, &self->frames);
    assert_in_range(self->frames.count, 10, 12);
    size_t total = 0;
    for (size_t i = 0; i < self->frames.count; i++) {
        const amqpc_performative *frame = &self->frames.list[i];
        assert_int_equal(frame->type, AMQPC_COMPOSITE_TRANSFER);
        const uint8_t *end = (const uint8_t *)frame->payload.data + frame->payload.size;
        assert_true(frame->payload.size <= 512 - 8);
        assert_true(end <= self->frames.bytes + (i + 1) * 512); /* so no frame is larger */
        total += frame->payload.size;
    }
    assert_int_equal(total, sizeof payload);
    self->next = self->frames.count;
    /* What cannot be said in 512 bytes is refused, not cut. */
    static char name[600];
    memset(name, 'n', sizeof name);
    amqpc_link *other = NULL;
    assert_int_equal(
        amqpc_link_new(self->session, AMQPC_ROLE_SENDER, (amqpc_bytes){name, sizeof name}, &other),
        AMQPC_OK);
    assert_int_equal(amqpc_link_attach(other, NULL, NULL, NULL), AMQPC_FRAME_TOO_LARGE);
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_row_35_a_wrong_protocol_header_is_answered_with_ours(void **state)
{
    (void)state;
    static const char *const headers[] = {"HTTP/1.1", "GET / HT",         "AMQP\0\0\x09\x01",
                                          "AMQQ",     "AMQP\0\1\0\1",     "AMQP\2\1\0\0",
                                          "\x16\x03", "AMQP\3\1\0\0AMQP", "AMQP\1\1\0\0"};
    static const size_t sizes[] = {8, 8, 8, 4, 8, 8, 2, 12, 8};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        peer *self = peer_new(AMQPC_SERVER, NULL);
        assert_int_equal(engine_feed(self->connection, headers[i], sizes[i]),
                         AMQPC_BAD_PROTOCOL_HEADER);
        peer_expect_header(self, AMQPC_PROTOCOL_AMQP);
        peer_expect_nothing(self);
        assert_true(amqpc_connection_is_finished(self->connection));
        assert_true(engine_events(self->connection) & 1u << AMQPC_EVENT_CONNECTION_FAILED);
        peer_free(self);
    }
}

static void test_row_35_a_client_gives_up_at_a_wrong_protocol_header(void **state)
{
    (void)state;
    peer *self = peer_new(AMQPC_CLIENT, NULL);
    peer_expect_header(self, AMQPC_PROTOCOL_AMQP);
    assert_int_equal(engine_feed(self->connection, "HTTP/1.1 400 Bad Request", 24),
                     AMQPC_BAD_PROTOCOL_HEADER);
    peer_expect_nothing(self);
    assert_true(amqpc_connection_is_finished(self->connection));
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(self->connection, &failure), AMQPC_OK);
    assert_int_equal(failure.offset, 0);
    assert_int_equal(failure.bytes.size, 8);
    assert_memory_equal(failure.bytes.data, "HTTP/1.1", 8);
    peer_free(self);
}

static void test_row_36_data_after_close_closes_with_a_framing_error(void **state)
{
    (void)state;
    uint8_t frames[64];
    size_t size = 0;
    peer *self = peer_open();
    const amqpc_performative close = empty_frame(AMQPC_COMPOSITE_CLOSE);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &close, frames, sizeof frames, &size),
                     AMQPC_OK);
    frames[size] = 0; /* one byte more */
    assert_int_equal(engine_feed(self->connection, frames, size + 1), AMQPC_DATA_AFTER_CLOSE);
    peer_expect_close(self, FRAMING_ERROR);
    peer_free(self);
    /* After both closes there is nobody to tell. */
    self = peer_open();
    assert_int_equal(amqpc_connection_close(self->connection, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_CLOSE);
    assert_int_equal(engine_feed(self->connection, frames, size + 1), AMQPC_DATA_AFTER_CLOSE);
    peer_expect_nothing(self);
    assert_true(amqpc_connection_is_finished(self->connection));
    peer_free(self);
    /* A later piece is not taken at all. */
    self = peer_open();
    peer_feed(self, &close);
    assert_int_equal(engine_feed(self->connection, frames, 1), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_connection_close(self->connection, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_CLOSE);
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_row_41_performatives_in_frames_of_the_other_type_close_the_connection(void **state)
{
    (void)state;
    /* sasl-outcome ok in an AMQP frame; begin in a SASL frame. */
    uint8_t outcome[] = {0, 0, 0, 16, 2, 0, 0, 0, 0, 0x53, 0x44, 0xc0, 3, 1, 0x50, 0};
    uint8_t begin[] = {0, 0, 0, 12, 2, 1, 0, 0, 0, 0x53, 0x11, 0x45};
    peer *self = peer_open();
    assert_string_equal(
        amqpc_status_condition(engine_feed(self->connection, outcome, sizeof outcome)),
        "amqp:decode-error");
    peer_expect_close(self, "amqp:decode-error");
    peer_free(self);
    self = peer_open();
    assert_string_equal(amqpc_status_condition(engine_feed(self->connection, begin, sizeof begin)),
                        "amqp:decode-error");
    peer_expect_close(self, "amqp:decode-error");
    peer_free(self);
    /* A SASL frame that would be right elsewhere. */
    self = peer_open();
    outcome[5] = 1;
    assert_int_equal(engine_feed(self->connection, outcome, sizeof outcome), AMQPC_ILLEGAL_STATE);
    peer_expect_close(self, "amqp:illegal-state");
    peer_free(self);
}

/* Lets time pass for a second, as an application would that only follows the deadlines. */
static void pass_a_second(uint32_t idle_time_out, size_t *ticks, size_t *frames)
{
    enum { SECOND = 1000 };
    peer *self = peer_greet(AMQPC_SERVER, NULL);
    amqpc_performative open = open_frame();
    open.as.open.present |= AMQPC_OPEN_IDLE_TIME_OUT;
    open.as.open.idle_time_out = idle_time_out;
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    *ticks = 0;
    *frames = 0;
    for (uint64_t now_ms = 0; now_ms < SECOND;) {
        uint64_t deadline_ms = 0;
        assert_int_equal(amqpc_connection_tick(self->connection, now_ms, &deadline_ms), AMQPC_OK);
        assert_true(deadline_ms > now_ms);
        engine_take_frames(self->connection, &self->frames);
        *frames += self->frames.count;
        ++*ticks;
        /* As an application has to: after each round of output. */
        assert_int_equal(amqpc_connection_tick(self->connection, now_ms, &deadline_ms), AMQPC_OK);
        assert_true(deadline_ms > now_ms);
        now_ms = deadline_ms;
    }
    self->next = self->frames.count;
    peer_free(self);
}

static void test_row_44_idle_time_outs_of_0_and_1_and_the_largest_do_not_spin(void **state)
{
    (void)state;
    size_t ticks = 0;
    size_t frames = 0;
    pass_a_second(0, &ticks, &frames);
    assert_int_equal(frames, 0);
    assert_in_range(ticks, 1, 2);
    pass_a_second(UINT32_MAX, &ticks, &frames);
    assert_int_equal(frames, 0);
    assert_in_range(ticks, 1, 2);
    /* What is asked for cannot be had, but is not ignored. */
    pass_a_second(1, &ticks, &frames);
    assert_in_range(frames, 50, 110);
    assert_in_range(ticks, 50, 210);
    pass_a_second(100, &ticks, &frames);
    assert_in_range(frames, 18, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_26_a_frame_size_below_8_closes_the_connection),
        cmocka_unit_test(test_row_27_a_frame_larger_than_agreed_closes_the_connection),
        cmocka_unit_test(test_row_28_a_data_offset_below_2_closes_the_connection),
        cmocka_unit_test(test_row_29_a_data_offset_beyond_the_frame_closes_the_connection),
        cmocka_unit_test(test_row_30_an_unknown_frame_type_closes_the_connection),
        cmocka_unit_test(test_row_31_a_flood_of_empty_frames_costs_nothing),
        cmocka_unit_test(test_row_32_a_channel_above_channel_max_closes_the_connection),
        cmocka_unit_test(test_row_33_a_frame_of_more_than_8_kib_before_open_closes_the_connection),
        cmocka_unit_test(test_row_34_a_max_frame_size_below_512_closes_the_connection),
        cmocka_unit_test(test_row_34_the_reason_of_a_refusal_counts_not_its_max_frame_size),
        cmocka_unit_test(test_row_34_frames_keep_to_a_max_frame_size_of_512),
        cmocka_unit_test(test_row_35_a_wrong_protocol_header_is_answered_with_ours),
        cmocka_unit_test(test_row_35_a_client_gives_up_at_a_wrong_protocol_header),
        cmocka_unit_test(test_row_36_data_after_close_closes_with_a_framing_error),
        cmocka_unit_test(
            test_row_41_performatives_in_frames_of_the_other_type_close_the_connection),
        cmocka_unit_test(test_row_44_idle_time_outs_of_0_and_1_and_the_largest_do_not_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
