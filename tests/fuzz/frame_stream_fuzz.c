/* A stream in random pieces, and one byte at a time, against the same bytes parsed at once. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNITS_MAX = 512, /* units of one input that are compared */
    BATCH = 5,
    DESCRIPTOR_AT = 2, /* of a body that begins 00 53 */
};

/* A protocol header or a frame that was met. */
typedef struct unit {
    bool header;
    uint32_t size;
    uint8_t type;
    uint8_t data_offset;
    uint16_t channel;
    uint64_t bytes_hash; /* of extended header and body */
} unit;

/* What a stream came to. */
typedef struct trace {
    unit units[UNITS_MAX];
    size_t count;
    amqpc_status status; /* NEED_MORE at the end of input */
    uint64_t offset;
    size_t pending;
} trace;

static unit make_unit(bool header, const amqpc_frame *frame)
{
    unit made = {.header = header, .size = frame->size, .type = frame->type};
    if (!header) {
        made.data_offset = frame->data_offset;
        made.channel = frame->channel;
        made.bytes_hash =
            fuzz_hash((const uint8_t *)frame->extended_header.data, frame->extended_header.size) *
                31 +
            fuzz_hash((const uint8_t *)frame->body.data, frame->body.size);
    }
    return made;
}

static bool same_unit(const unit *left, const unit *right)
{
    return left->header == right->header && left->size == right->size &&
           left->type == right->type && left->data_offset == right->data_offset &&
           left->channel == right->channel && left->bytes_hash == right->bytes_hash;
}

/* The state of the stream after a frame, as a connection has it: a protocol header is expected
 * after the SASL outcome, larger frames after open, nothing after close. */
typedef struct stream_state {
    bool expect_header;
    bool closed;
    uint32_t frame_size;
} stream_state;

static void follow(stream_state *state, const amqpc_frame *frame, const amqpc_limits *limits)
{
    const uint8_t *body = (const uint8_t *)frame->body.data;
    if (frame->body.size <= DESCRIPTOR_AT || body[0] != 0x00 || body[1] != AMQPC_CODE_SMALLULONG) {
        return;
    }
    uint8_t type = body[DESCRIPTOR_AT];
    state->expect_header = frame->type == AMQPC_FRAME_SASL && type == AMQPC_COMPOSITE_SASL_OUTCOME;
    state->closed = frame->type == AMQPC_FRAME_AMQP && type == AMQPC_COMPOSITE_CLOSE;
    if (frame->type == AMQPC_FRAME_AMQP && type == AMQPC_COMPOSITE_OPEN) {
        state->frame_size = limits->frame_size;
    }
}

/* The reference: the functions that want all bytes at once. */
static void trace_whole(const uint8_t *data, size_t size, const amqpc_limits *limits, trace *out)
{
    stream_state state = {.expect_header = true, .frame_size = limits->initial_frame_size};
    size_t at = 0;
    out->count = 0;
    out->status = AMQPC_OK;
    while (out->status == AMQPC_OK && out->count < UNITS_MAX) {
        amqpc_limits now = *limits;
        amqpc_frame frame = {.size = AMQPC_PROTOCOL_HEADER_SIZE};
        amqpc_protocol protocol = AMQPC_PROTOCOL_AMQP;
        size_t offset = 0;
        now.frame_size = state.frame_size;
        bool header = state.expect_header;
        if (at == size) {
            out->status = AMQPC_NEED_MORE;
        } else if (state.closed) {
            out->status = AMQPC_DATA_AFTER_CLOSE;
        } else if (header) {
            out->status = amqpc_protocol_header_parse(data + at, size - at, &protocol, &offset);
            frame.type = (uint8_t)protocol;
            state.expect_header = false;
        } else {
            out->status = amqpc_frame_parse(data + at, size - at, &now, &frame, &offset);
        }
        if (out->status == AMQPC_OK) {
            out->units[out->count++] = make_unit(header, &frame);
            at += frame.size;
            follow(&state, &frame, limits);
        } else {
            out->offset = at + (out->status == AMQPC_NEED_MORE ? 0 : offset);
            out->pending = size - at;
        }
    }
}

/* Takes all units of the piece that was pushed. */
static amqpc_status drain(amqpc_frame_parser *parser, const amqpc_limits *limits, trace *out)
{
    amqpc_frame_event event = AMQPC_FRAME_EVENT_FRAME;
    amqpc_status status = AMQPC_OK;
    while (out->count < UNITS_MAX) {
        amqpc_frame frame;
        status = amqpc_frame_parser_next(parser, &event, &frame);
        if (status != AMQPC_OK || event == AMQPC_FRAME_EVENT_NEED_MORE) {
            break;
        }
        stream_state state = {0};
        bool header = event == AMQPC_FRAME_EVENT_PROTOCOL_HEADER;
        frame.body.size = header ? 0 : frame.body.size;
        out->units[out->count++] = make_unit(header, &frame);
        follow(&state, &frame, limits);
        if (state.expect_header) {
            amqpc_frame_parser_expect_header(parser);
        }
        if (state.closed) {
            amqpc_frame_parser_close(parser);
        }
        if (state.frame_size != 0) {
            FUZZ_CHECK(amqpc_frame_parser_set_frame_size(parser, state.frame_size) == AMQPC_OK);
        }
    }
    return status;
}

/* Pieces of up to `piece_max` bytes, each in memory of its own, gone when it is used up. */
static void trace_pieces(const uint8_t *data, size_t size, const amqpc_limits *limits,
                         size_t piece_max, trace *out)
{
    amqpc_frame_parser *parser = NULL;
    uint64_t choices = fuzz_hash(data, size) | 1;
    size_t at = 0;
    out->count = 0;
    out->status = AMQPC_OK;
    FUZZ_CHECK(amqpc_frame_parser_new(NULL, limits, &parser) == AMQPC_OK);
    while (at < size && out->status == AMQPC_OK && out->count < UNITS_MAX) {
        size_t piece = 1 + (size_t)(fuzz_next(&choices) % piece_max);
        piece = piece < size - at ? piece : size - at;
        uint8_t *copy = (uint8_t *)fuzz_allocate(piece);
        memcpy(copy, data + at, piece);
        out->status = amqpc_frame_parser_push(parser, copy, piece);
        if (out->status == AMQPC_OK) {
            out->status = drain(parser, limits, out);
        }
        at += piece;
        free(copy);
    }
    if (out->status == AMQPC_OK) {
        out->status = AMQPC_NEED_MORE;
        out->pending = amqpc_frame_parser_pending(parser);
    } else {
        amqpc_frame frame;
        amqpc_frame_event event;
        FUZZ_CHECK(amqpc_frame_parser_next(parser, &event, &frame) == out->status);
        FUZZ_CHECK(amqpc_frame_parser_push(parser, data, 0) == out->status);
    }
    out->offset = amqpc_frame_parser_offset(parser);
    amqpc_frame_parser_free(parser);
}

static void check_same(const trace *expected, const trace *actual)
{
    FUZZ_CHECK(expected->count == actual->count);
    for (size_t i = 0; i < expected->count; i++) {
        FUZZ_CHECK(same_unit(&expected->units[i], &actual->units[i]));
    }
    if (expected->count == UNITS_MAX) {
        return; /* the rest was not looked at */
    }
    FUZZ_CHECK(expected->status == actual->status);
    FUZZ_CHECK(expected->offset == actual->offset);
    FUZZ_CHECK(expected->status != AMQPC_NEED_MORE || expected->pending == actual->pending);
}

/* All frames at once, some at a time: the same as one at a time. */
static void check_batches(const uint8_t *data, size_t size, const amqpc_limits *limits)
{
    amqpc_frame frames[BATCH];
    size_t at = 0;
    size_t count = BATCH;
    while (count == BATCH) {
        size_t taken = SIZE_MAX;
        amqpc_status status =
            amqpc_frames_parse(data + at, size - at, limits, frames, BATCH, &count, &taken);
        FUZZ_CHECK(count <= BATCH && taken <= size - at);
        size_t single_at = at;
        for (size_t i = 0; i < count; i++) {
            amqpc_frame frame;
            size_t used = 0;
            FUZZ_CHECK(amqpc_frame_parse(data + single_at, size - single_at, limits, &frame,
                                         &used) == AMQPC_OK);
            FUZZ_CHECK(used == frame.size && frame.body.data == frames[i].body.data);
            unit left = make_unit(false, &frame);
            unit right = make_unit(false, &frames[i]);
            FUZZ_CHECK(same_unit(&left, &right));
            (void)amqpc_frame_print(&frame, limits, AMQPC_PRINT_TEXT, fuzz_buffer(0));
            single_at += used;
        }
        if (count < BATCH) {
            amqpc_frame frame;
            size_t offset = 0;
            amqpc_status last =
                amqpc_frame_parse(data + single_at, size - single_at, limits, &frame, &offset);
            FUZZ_CHECK(status == (last == AMQPC_NEED_MORE ? AMQPC_OK : last));
            FUZZ_CHECK(taken == single_at - at + (status == AMQPC_OK ? 0 : offset));
        } else {
            FUZZ_CHECK(status == AMQPC_OK && taken == single_at - at);
        }
        at = single_at;
    }
}

static void check_stream(const uint8_t *data, size_t size, const amqpc_limits *limits)
{
    static trace whole;
    static trace pieces;
    trace_whole(data, size, limits, &whole);
    trace_pieces(data, size, limits, 1, &pieces);
    check_same(&whole, &pieces);
    trace_pieces(data, size, limits, 7, &pieces);
    check_same(&whole, &pieces);
    trace_pieces(data, size, limits, 200, &pieces);
    check_same(&whole, &pieces);
    trace_pieces(data, size, limits, SIZE_MAX, &pieces);
    check_same(&whole, &pieces);
    check_batches(data, size, limits);
    if (size > AMQPC_PROTOCOL_HEADER_SIZE) {
        check_batches(data + AMQPC_PROTOCOL_HEADER_SIZE, size - AMQPC_PROTOCOL_HEADER_SIZE, limits);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    amqpc_limits defaults;
    amqpc_limits_init(&defaults, sizeof defaults);
    check_stream(data, size, &defaults);
    check_stream(data, size, fuzz_small_limits());
    return 0;
}
