/* Shows the protocol headers and frames of one direction. What goes wrong within a frame is
 * reported, and the next frame is shown; what goes wrong with its header stops the direction,
 * because nobody knows where the next frame begins. */
#include "tools/stream.h"

#include <stdio.h>
#include <string.h>

#include "tools/stream_transfer.h"

/* Without an agreement, what amqpc_limits_init gives; most programs announce less. */
enum { FRAME_SIZE_DEFAULT = 65536 };

void stream_start(stream *direction, dump *run, unsigned connection, bool from_server)
{
    direction->run = run;
    direction->connection = connection;
    direction->from_server = from_server;
    direction->state = run->options.no_header ? STREAM_FRAME : STREAM_HEADER;
    if (connection == 1) {
        (void)snprintf(direction->mark, sizeof direction->mark, "%s ", from_server ? "<-" : "->");
    } else if (connection > 1) {
        (void)snprintf(direction->mark, sizeof direction->mark, "%s (%u) ",
                       from_server ? "<-" : "->", connection);
    }
}

void stream_free(stream *direction)
{
    window_free(&direction->bytes);
    delivery_table_free(&direction->deliveries);
}

void stream_begin_line(const stream *direction)
{
    dump *run = direction->run;
    unsigned long long offset = direction->bytes.offset;
    if (run->format == AMQPC_PRINT_TEXT) {
        dump_print(run, "%s", direction->mark);
    } else if (direction->connection == 0) {
        dump_print(run, "{\"offset\": %llu, ", offset);
    } else {
        dump_print(
            run,
            "{\"connection\": %u, \"direction\": \"%s\", \"time\": %llu.%09llu, \"offset\": %llu, ",
            direction->connection, direction->from_server ? "<-" : "->",
            (unsigned long long)run->time_ns / 1000000000u,
            (unsigned long long)run->time_ns % 1000000000u, offset);
    }
}

/* The largest frame that may come: either side's open is taken, for a capture may lack the one that
 * counts. */
static uint32_t frame_size_limit(const stream *direction)
{
    uint32_t limit = FRAME_SIZE_DEFAULT;
    if (direction->run->options.max_frame_size != 0) {
        return direction->run->options.max_frame_size;
    }
    if (direction->announced > limit) {
        limit = direction->announced;
    }
    if (direction->peer != NULL && direction->peer->announced > limit) {
        limit = direction->peer->announced;
    }
    return limit;
}

static void show_header(const stream *direction, amqpc_protocol protocol)
{
    static const char *const names[] = {"AMQP", "?", "TLS", "SASL"};
    dump *run = direction->run;
    bool json = run->format == AMQPC_PRINT_JSON;
    stream_begin_line(direction);
    dump_print(run,
               json ? "\"protocol-header\": {\"protocol\": \"%s\", \"version\": \"1.0.0\"}"
                    : "protocol-header(protocol=%s, version=1.0.0)",
               names[protocol]);
    if (direction->ends[0] != '\0') {
        dump_print(run, json ? ", \"ends\": \"%s\"" : " %s", direction->ends);
    }
    dump_print(run, "%s", json ? "}" : "");
    dump_end_line(run);
}

static void stop_at_header(stream *direction, size_t offset)
{
    const uint8_t *data = window_data(&direction->bytes);
    char found[2 * AMQPC_PROTOCOL_HEADER_SIZE + 1] = "";
    size_t size = window_size(&direction->bytes);
    for (size_t i = 0; i < size && i < AMQPC_PROTOCOL_HEADER_SIZE; i++) {
        (void)snprintf(found + 2 * i, 3, "%02x", data[i]);
    }
    amqpc_status status = offset < size ? AMQPC_BAD_PROTOCOL_HEADER : AMQPC_TRUNCATED;
    dump_report(direction->run, direction->mark, direction->bytes.offset + offset,
                "%s: %s\n  a protocol header is expected: 414d5150 (AMQP), 00, 02 (TLS) or 03 "
                "(SASL), 010000; found: %s",
                amqpc_status_name(status), amqpc_status_text(status), found);
    direction->state = STREAM_STOPPED;
}

/* Shows a protocol header. Returns false where it is not complete or not one. */
static bool step_header(stream *direction)
{
    static const stream_state next_states[] = {STREAM_FRAME, STREAM_STOPPED, STREAM_TLS,
                                               STREAM_SASL};
    amqpc_protocol protocol = AMQPC_PROTOCOL_AMQP;
    size_t offset = 0;
    amqpc_status status = amqpc_protocol_header_parse(
        window_data(&direction->bytes), window_size(&direction->bytes), &protocol, &offset);
    if (status == AMQPC_NEED_MORE) {
        return false;
    }
    if (status != AMQPC_OK) {
        stop_at_header(direction, offset);
        return false;
    }
    show_header(direction, protocol);
    window_consume(&direction->bytes, AMQPC_PROTOCOL_HEADER_SIZE);
    direction->state = next_states[protocol];
    return true;
}

static void report_frame(const stream *direction, const amqpc_limits *limits, size_t size,
                         amqpc_status status, size_t offset)
{
    dump_fault fault = {.mark = direction->mark,
                        .status = status,
                        .offset = direction->bytes.offset + offset,
                        .start = direction->bytes.offset,
                        .kind = AMQPC_INPUT_FRAME,
                        .data = window_data(&direction->bytes),
                        .size = size,
                        .limits = limits};
    dump_report_fault(direction->run, &fault);
}

/* What a performative changes for what comes after it. */
static void follow(stream *direction, uint16_t channel, const amqpc_performative *performative)
{
    switch (performative->type) {
    case AMQPC_COMPOSITE_OPEN:
        direction->announced = performative->as.open.max_frame_size;
        break;
    case AMQPC_COMPOSITE_DETACH:
        delivery_drop(&direction->deliveries, channel, performative->as.detach.handle);
        break;
    case AMQPC_COMPOSITE_END:
        delivery_drop_channel(&direction->deliveries, channel);
        break;
    case AMQPC_COMPOSITE_SASL_OUTCOME:
        direction->state = direction->run->options.no_header ? STREAM_SASL : STREAM_HEADER;
        break;
    default:
        break;
    }
}

static void show_frame(stream *direction, const amqpc_frame *frame, const amqpc_limits *limits)
{
    amqpc_performative performative = {.type = AMQPC_COMPOSITE_NONE};
    size_t offset = 0;
    if (frame->body.size > 0) {
        amqpc_status status = amqpc_performative_decode(
            frame->type, frame->body.data, frame->body.size, limits, &performative, &offset);
        if (status != AMQPC_OK) {
            report_frame(direction, limits, frame->size, status, frame->data_offset * 4u + offset);
            return;
        }
    }
    if (performative.type == AMQPC_COMPOSITE_TRANSFER) {
        stream_show_transfer(direction, frame, &performative);
    } else {
        stream_begin_line(direction);
        stream_print_frame(direction->run, frame);
        dump_print(direction->run, direction->run->format == AMQPC_PRINT_JSON ? "}" : "");
        dump_end_line(direction->run);
    }
    follow(direction, frame->channel, &performative);
}

/* Shows a frame. Returns false where it is not complete, or its header is wrong. */
static bool step_frame(stream *direction)
{
    amqpc_limits limits = direction->run->options.limits;
    limits.frame_size = frame_size_limit(direction);
    amqpc_frame frame;
    size_t offset = 0;
    amqpc_status status = amqpc_frame_parse(
        window_data(&direction->bytes), window_size(&direction->bytes), &limits, &frame, &offset);
    if (status == AMQPC_NEED_MORE) {
        return false;
    }
    if (status != AMQPC_OK) {
        report_frame(direction, &limits, window_size(&direction->bytes), status, offset);
        direction->state = STREAM_STOPPED;
        return false;
    }
    if (frame.type == AMQPC_FRAME_SASL) {
        direction->state = STREAM_SASL;
    }
    show_frame(direction, &frame, &limits);
    window_consume(&direction->bytes, frame.size);
    return true;
}

/* Shows what comes first. Returns false where there is not enough of it. */
static bool step(stream *direction)
{
    size_t size = window_size(&direction->bytes);
    switch (direction->state) {
    case STREAM_HEADER:
        return size > 0 && step_header(direction);
    case STREAM_SASL:
        /* The client sees no outcome in what it sends. No SASL frame is so large that it begins
         * with an A. */
        return size > 0 && (*window_data(&direction->bytes) == 'A' ? step_header(direction)
                                                                   : step_frame(direction));
    case STREAM_FRAME:
        return size > 0 && step_frame(direction);
    default:
        window_consume(&direction->bytes, size);
        return false;
    }
}

void stream_run(stream *direction)
{
    while (step(direction)) {
    }
}

void stream_end(stream *direction)
{
    size_t size = window_size(&direction->bytes);
    if (direction->state == STREAM_TLS && direction->bytes.offset > AMQPC_PROTOCOL_HEADER_SIZE) {
        dump_report(direction->run, direction->mark, AMQPC_PROTOCOL_HEADER_SIZE,
                    "TLS follows, which cannot be shown: %llu bytes",
                    (unsigned long long)direction->bytes.offset - AMQPC_PROTOCOL_HEADER_SIZE);
        return;
    }
    if (size == 0) {
        return;
    }
    if (direction->state == STREAM_HEADER ||
        (direction->state == STREAM_SASL && *window_data(&direction->bytes) == 'A')) {
        stop_at_header(direction, size);
        return;
    }
    amqpc_limits limits = direction->run->options.limits;
    limits.frame_size = frame_size_limit(direction);
    report_frame(direction, &limits, size, AMQPC_TRUNCATED, 0);
    direction->state = STREAM_STOPPED;
}

void dump_stream(dump *run, window *bytes)
{
    stream direction = {0};
    stream_start(&direction, run, 0, false);
    direction.bytes = *bytes;
    *bytes = (window){0};
    source_result result = SOURCE_BYTES;
    do {
        stream_run(&direction);
        result = direction.state == STREAM_STOPPED ? SOURCE_END
                                                   : source_read(&run->input, &direction.bytes);
    } while (result == SOURCE_BYTES);
    if (result == SOURCE_END) {
        stream_end(&direction);
    }
    run->bad_input = run->bad_input || result == SOURCE_FAILED;
    stream_free(&direction);
}
