/* Bytes that come in: protocol headers, then frames, each to whom it is meant for. */
#include <amqpcodec/explain.h>
#include <string.h>

#include "base/byte_order.h"
#include "engine/session.h"
#include "frame/frame_decode.h"
#include "frame/frame_header.h"

amqpc_status amqpc_connection_input_buffer(amqpc_connection *connection, void **data,
                                           size_t *capacity)
{
    bool ended = connection->input_ended || connection->failure != AMQPC_OK ||
                 connection->state == AMQPC_CONNECTION_END ||
                 connection->state == AMQPC_CONNECTION_CLOSE_RECEIVED;
    if (ended) {
        return AMQPC_INVALID_STATE;
    }
    amqpci_input *input = &connection->input;
    amqpc_status status = amqpci_input_make_room(input, connection->input_needed);
    if (status == AMQPC_OK) {
        *data = input->data + input->filled;
        *capacity = input->capacity - input->filled;
    }
    return status;
}

/* The protocol header is not what this end wants: it answers with its own, and gives up (AMQP
 * 2.2). */
static amqpc_status refuse_header(amqpc_connection *connection, amqpc_status status,
                                  const uint8_t *at, size_t size, size_t offset)
{
    amqpc_status written = AMQPC_OK;
    if (connection->role == AMQPC_SERVER && connection->sasl == NULL && !connection->gate_open) {
        /* The header alone: open, which the application may have called already, stays back. */
        written = amqpci_connection_write_answer(connection, AMQPC_PROTOCOL_AMQP);
    } else if (connection->role == AMQPC_SERVER && connection->sasl != NULL &&
               !connection->sasl_header_received) {
        written = amqpci_connection_write_sasl_header(connection);
    }
    if (written != AMQPC_OK) {
        return written;
    }
    size_t shown = size < AMQPC_PROTOCOL_HEADER_SIZE ? size : AMQPC_PROTOCOL_HEADER_SIZE;
    return amqpci_connection_fail_frame(connection, status, at, shown, offset, AMQPC_INPUT_FRAME);
}

static amqpc_status take_sasl_header(amqpc_connection *connection)
{
    if (connection->role == AMQPC_SERVER) {
        amqpc_status status = amqpci_connection_write_sasl_header(connection);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    connection->sasl_expected = false;
    connection->sasl_header_received = true;
    connection->expect_header = false;
    amqpc_status status = amqpci_connection_write_sasl(connection);
    if (status == AMQPC_NO_MEMORY) {
        amqpci_connection_fail(connection, status); /* the header cannot be taken a second time */
    }
    return status;
}

static amqpc_status take_amqp_header(amqpc_connection *connection)
{
    if (connection->role == AMQPC_SERVER) {
        amqpc_status status = amqpci_connection_write_header(connection);
        if (status != AMQPC_OK) {
            return status;
        }
        connection->gate_open = true;
    }
    connection->sasl_expected = false;
    connection->expect_header = false;
    return amqpci_connection_advance(connection, AMQPCI_CONNECTION_RECEIVE_HEADER)
               ? AMQPC_OK
               : AMQPC_ILLEGAL_STATE;
}

static amqpc_status take_header(amqpc_connection *connection, const uint8_t *at, size_t size)
{
    amqpc_protocol protocol = AMQPC_PROTOCOL_AMQP;
    size_t offset = 0;
    amqpc_status status = amqpc_protocol_header_parse(at, size, &protocol, &offset);
    if (status == AMQPC_NEED_MORE) {
        connection->input_needed = AMQPC_PROTOCOL_HEADER_SIZE;
        return status;
    }
    if (status == AMQPC_OK && connection->trace != NULL) {
        amqpci_trace_frames(connection->trace, false, at, AMQPC_PROTOCOL_HEADER_SIZE);
    }
    bool sasl_wanted = connection->sasl_expected;
    if (status == AMQPC_OK && protocol == AMQPC_PROTOCOL_AMQP && sasl_wanted &&
        connection->role == AMQPC_SERVER && connection->sasl_optional) {
        sasl_wanted = false;
    }
    if (status == AMQPC_OK && protocol == AMQPC_PROTOCOL_AMQP && sasl_wanted) {
        return refuse_header(connection, AMQPC_SASL_SKIPPED, at, size, 4);
    }
    if (status == AMQPC_OK &&
        protocol != (sasl_wanted ? AMQPC_PROTOCOL_SASL : AMQPC_PROTOCOL_AMQP)) {
        status = AMQPC_BAD_PROTOCOL_HEADER;
        offset = 4;
    }
    if (status != AMQPC_OK) {
        return refuse_header(connection, status, at, size, offset);
    }
    return sasl_wanted ? take_sasl_header(connection) : take_amqp_header(connection);
}

/* open, close, and empty frames. */
static amqpc_status take_connection_frame(amqpc_connection *connection, const amqpc_frame *frame,
                                          const amqpc_performative *performative)
{
    switch (performative->type) {
    case AMQPC_COMPOSITE_OPEN:
        return amqpci_connection_take_open(connection, &performative->as.open, frame->body);
    case AMQPC_COMPOSITE_CLOSE:
        return amqpci_connection_take_close(connection, frame->body);
    default:
        return amqpci_connection_advance(connection, AMQPCI_CONNECTION_RECEIVE_EMPTY)
                   ? AMQPC_OK
                   : AMQPC_ILLEGAL_STATE;
    }
}

/* Frames are SASL's. */
static bool is_in_sasl(const amqpc_connection *connection)
{
    return connection->sasl != NULL && connection->sasl_header_received &&
           connection->state < AMQPC_CONNECTION_OPENED &&
           amqpci_sasl_get_progress(connection->sasl) != AMQPCI_SASL_PASSED;
}

static amqpc_status take_frame(amqpc_connection *connection, const amqpc_frame *frame,
                               const amqpc_performative *performative)
{
    if (AMQPCI_UNLIKELY(is_in_sasl(connection))) {
        return frame->type == AMQPC_FRAME_SASL
                   ? amqpci_connection_take_sasl(connection, performative)
                   : AMQPC_SASL_BAD_SEQUENCE;
    }
    if (AMQPCI_UNLIKELY(frame->type != AMQPC_FRAME_AMQP)) {
        return AMQPC_ILLEGAL_STATE;
    }
    if (AMQPCI_UNLIKELY(performative->type == AMQPC_COMPOSITE_NONE ||
                        performative->type == AMQPC_COMPOSITE_OPEN ||
                        performative->type == AMQPC_COMPOSITE_CLOSE)) {
        return take_connection_frame(connection, frame, performative);
    }
    amqpci_step step = amqpci_connection_step((amqpc_connection_state)connection->state,
                                              AMQPCI_CONNECTION_RECEIVE_SESSION_FRAME);
    if (AMQPCI_LIKELY(step.verdict == AMQPCI_PROCEED)) {
        return amqpci_session_take(connection, frame, performative);
    }
    return step.verdict == AMQPCI_DISCARD ? AMQPC_OK : AMQPC_ILLEGAL_STATE;
}

/* The client goes on with AMQP before it was told that it may (AMQP 2.4.1: pipelined open), and
 * the application has not decided yet: what came waits. No frame that is legal begins like that. */
static bool waits_for_sasl(const amqpc_connection *connection, const uint8_t *at, size_t size)
{
    amqpc_sasl_question question;
    return connection->role == AMQPC_SERVER && is_in_sasl(connection) && at[0] == 'A' &&
           memcmp(at, "AMQP", size < 4 ? size : 4) == 0 &&
           amqpci_sasl_get_question(connection->sasl, &question);
}

/* More than anybody has to say who does not know yet whether it may. */
static amqpc_status refuse_early(amqpc_connection *connection)
{
    amqpci_connection_fail(connection, AMQPC_SASL_BAD_SEQUENCE);
    return AMQPC_SASL_BAD_SEQUENCE;
}

/* A failure is shown to people. */
static bool may_be_secret(const amqpc_connection *connection, const uint8_t *at, size_t size)
{
    return is_in_sasl(connection) ||
           (size > AMQPCI_FRAME_TYPE_AT && at[AMQPCI_FRAME_TYPE_AT] == AMQPC_FRAME_SASL);
}

/* How many of the bytes belong to the frame, as it says itself. */
static size_t frame_size_within(const uint8_t *at, size_t size)
{
    size_t announced = size < 4 ? size : amqpci_load32(at);
    return announced >= AMQPC_FRAME_HEADER_SIZE && announced < size ? announced : size;
}

/* The unsettled map of attach (AMQP 2.7.3) may have as many values as there are unsettled
 * deliveries: the size of the frame limits them. */
static amqpc_status decode_long_map(const amqpc_connection *connection, const uint8_t *at,
                                    size_t size, amqpc_frame *frame,
                                    amqpc_performative *performative)
{
    amqpc_limits limits = connection->limits;
    limits.performative_values = AMQPC_UNLIMITED;
    amqpc_status status = amqpc_frame_decode(at, size, &limits, frame, performative, NULL);
    bool has_map = status == AMQPC_OK && performative->type == AMQPC_COMPOSITE_ATTACH &&
                   performative->as.attach.present & AMQPC_ATTACH_UNSETTLED;
    return has_map ? AMQPC_OK : AMQPC_TOO_MANY_VALUES;
}

/* Whether a whole frame, whose performative is not valid, is an open for which it is time. */
static bool is_bad_open(const amqpc_connection *connection, const uint8_t *at, size_t frame_size)
{
    static const uint8_t descriptor[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_OPEN};
    size_t offset = (size_t)at[AMQPCI_FRAME_DATA_OFFSET_AT] * 4;
    amqpci_step step = amqpci_connection_step((amqpc_connection_state)connection->state,
                                              AMQPCI_CONNECTION_RECEIVE_OPEN);
    return step.verdict == AMQPCI_PROCEED && !is_in_sasl(connection) &&
           at[AMQPCI_FRAME_TYPE_AT] == AMQPC_FRAME_AMQP && offset < frame_size &&
           frame_size - offset > sizeof descriptor &&
           memcmp(at + offset, descriptor, sizeof descriptor) == 0;
}

/* A server that refuses says open, with whatever it likes, and close with the reason right behind
 * it (AMQP 2.4.3): Qpid Broker-J says a max-frame-size of 0. The reason is what counts. Passes over
 * that open; false for anything else. */
static bool pass_over_refusal(amqpc_connection *connection, const uint8_t *at, size_t size)
{
    size_t frame_size = amqpci_load32(at);
    amqpc_frame frame;
    amqpc_performative next;
    size_t offset = 0;
    bool refuses = frame_size < size && is_bad_open(connection, at, frame_size) &&
                   amqpci_frame_decode(at + frame_size, size - frame_size, &connection->limits,
                                       &frame, &next, &offset) == AMQPC_OK &&
                   next.type == AMQPC_COMPOSITE_CLOSE;
    if (!refuses || !amqpci_connection_advance(connection, AMQPCI_CONNECTION_RECEIVE_OPEN)) {
        return false;
    }
    if (connection->trace != NULL) {
        amqpci_trace_frames(connection->trace, false, at, frame_size);
    }
    connection->input.parsed += frame_size;
    connection->frames_received++;
    return true;
}

/* One unit: a header or a frame. AMQPC_NEED_MORE at the end of the input. */
AMQPCI_INLINE amqpc_status parse_unit(amqpc_connection *connection, const uint8_t *at, size_t size)
{
    if (AMQPCI_UNLIKELY(connection->expect_header)) {
        amqpc_status status = take_header(connection, at, size);
        if (status == AMQPC_OK) {
            connection->input.parsed += AMQPC_PROTOCOL_HEADER_SIZE;
        }
        return status;
    }
    if (AMQPCI_UNLIKELY(connection->sasl != NULL) && waits_for_sasl(connection, at, size)) {
        connection->input_needed = size + 1;
        return size < connection->input.slab_size / 2 ? AMQPC_NEED_MORE : refuse_early(connection);
    }
    amqpc_frame frame;
    amqpc_performative performative;
    size_t offset = 0;
    amqpc_status status =
        amqpci_frame_decode(at, size, &connection->limits, &frame, &performative, &offset);
    if (AMQPCI_UNLIKELY(status == AMQPC_TOO_MANY_VALUES)) {
        status = decode_long_map(connection, at, size, &frame, &performative);
    }
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        if (AMQPCI_UNLIKELY(connection->trace != NULL)) {
            amqpci_trace_frames(connection->trace, false, at, frame.size);
        }
        status = take_frame(connection, &frame, &performative);
        if (AMQPCI_LIKELY(status == AMQPC_OK)) {
            connection->input.parsed += frame.size;
            connection->frames_received++;
            return AMQPC_OK;
        }
        offset = 0;
    } else if (status == AMQPC_NEED_MORE) {
        connection->input_needed = offset;
        return status;
    }
    if (status == AMQPC_NO_MEMORY) {
        return status;
    }
    if (status == AMQPC_INVALID_FIELD && pass_over_refusal(connection, at, size)) {
        return AMQPC_OK;
    }
    size = may_be_secret(connection, at, size) ? 0 : frame_size_within(at, size);
    return amqpci_connection_fail_frame(connection, status, at, size, offset, AMQPC_INPUT_FRAME);
}

amqpc_status amqpci_connection_parse(amqpc_connection *connection)
{
    amqpci_input *input = &connection->input;
    connection->input_needed = 1;
    while (input->parsed < input->filled) {
        if (AMQPCI_UNLIKELY(connection->state == AMQPC_CONNECTION_END ||
                            connection->state == AMQPC_CONNECTION_CLOSE_RECEIVED)) {
            amqpci_connection_fail(connection, AMQPC_DATA_AFTER_CLOSE);
            return AMQPC_DATA_AFTER_CLOSE;
        }
        amqpc_status status =
            parse_unit(connection, input->data + input->parsed, input->filled - input->parsed);
        if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
            return status == AMQPC_NEED_MORE ? AMQPC_OK : status;
        }
        if (AMQPCI_UNLIKELY(connection->failure != AMQPC_OK)) {
            return connection->failure; /* what a session could not tell the peer ended all */
        }
    }
    return AMQPC_OK;
}

amqpc_status amqpc_connection_input(amqpc_connection *connection, size_t size)
{
    if (connection->input_ended || connection->failure != AMQPC_OK) {
        return AMQPC_INVALID_STATE;
    }
    if (size > connection->input.capacity - connection->input.filled) {
        return AMQPC_INVALID_ARGUMENT;
    }
    connection->input.filled += size;
    connection->bytes_received += size;
    return amqpci_connection_parse(connection);
}

amqpc_status amqpc_connection_input_end(amqpc_connection *connection)
{
    if (connection->input_ended) {
        return connection->failure;
    }
    connection->input_ended = true;
    bool orderly = connection->state == AMQPC_CONNECTION_END ||
                   connection->state == AMQPC_CONNECTION_CLOSE_RECEIVED;
    if (!orderly) {
        amqpci_connection_fail(connection, AMQPC_STREAM_ENDED);
    }
    if (connection->failure != AMQPC_OK) {
        amqpci_connection_discard_output(connection);
    }
    return connection->failure;
}
