/* Protocol headers, frames in memory, frames in a stream cut anywhere, and written frames
 * (AMQP 2.2, 2.3). */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

/* A stream: SASL header and frame, AMQP header, open, an empty frame, and a transfer with a
 * payload. */
static const uint8_t stream[] = {
    'A',  'M',  'Q',  'P',  3,    1,    0, 0, /* at 0 */
    0,    0,    0,    16,   2,    1,    0, 0,    0x00, 0x53, 0x44,
    0xc0, 3,    1,    0x50, 0,                /* at 8 */
    'A',  'M',  'Q',  'P',  0,    1,    0, 0, /* at 24 */
    0,    0,    0,    17,   2,    0,    0, 1,    0x00, 0x53, 0x10,
    0xc0, 4,    1,    0xa1, 1,    'a',        /* at 32 */
    0,    0,    0,    8,    2,    0,    0, 0, /* at 49 */
    0,    0,    0,    31,   3,    0,    0, 2,    9,    9,    9,
    9,    0x00, 0x53, 0x14, 0xc0, 8,    4, 0x43, 0x43, 0xa0, 1,
    't',  0x43, 0x00, 0x53, 0x75, 0xa0, 2, 'h',  'i', /* at 57 */
};

/* What a parser made of the stream, as text. */
typedef struct stream_notes {
    char text[512];
    size_t size;
} stream_notes;

static void note(stream_notes *transcript, amqpc_frame_event event, const amqpc_frame *frame)
{
    char *to = transcript->text + transcript->size;
    size_t room = sizeof transcript->text - transcript->size;
    int used = event == AMQPC_FRAME_EVENT_PROTOCOL_HEADER
                   ? snprintf(to, room, "header %u; ", frame->type)
                   : snprintf(to, room, "frame %u %u %u %zu %zu; ", frame->size, frame->type,
                              frame->channel, frame->extended_header.size, frame->body.size);
    transcript->size += (size_t)used;
    for (size_t i = 0; event == AMQPC_FRAME_EVENT_FRAME && i < frame->body.size; i++) {
        transcript->size += (size_t)snprintf(transcript->text + transcript->size,
                                             sizeof transcript->text - transcript->size, "%02x",
                                             ((const uint8_t *)frame->body.data)[i]);
    }
}

static const char expected_transcript[] =
    "header 3; frame 16 1 0 0 8; 005344c003015000header 0; frame 17 0 1 0 9; 005310c00401a10161"
    "frame 8 0 0 0 0; frame 31 0 2 4 19; 005314c008044343a00174"
    "43005375a0026869";

/* Pushes one piece, and takes all that comes of it. AMQPC_NO_MEMORY is tried again once. */
static amqpc_status push_piece(amqpc_frame_parser *parser, const uint8_t *bytes, size_t size,
                               stream_notes *transcript)
{
    amqpc_frame_event event = AMQPC_FRAME_EVENT_FRAME;
    amqpc_frame frame;
    amqpc_status status = amqpc_frame_parser_push(parser, bytes, size);
    while (status == AMQPC_OK) {
        status = amqpc_frame_parser_next(parser, &event, &frame);
        if (status == AMQPC_NO_MEMORY) {
            status = amqpc_frame_parser_next(parser, &event, &frame);
        }
        if (status != AMQPC_OK || event == AMQPC_FRAME_EVENT_NEED_MORE) {
            return status;
        }
        note(transcript, event, &frame);
        if (event == AMQPC_FRAME_EVENT_FRAME && frame.type == AMQPC_FRAME_SASL) {
            amqpc_frame_parser_expect_header(parser);
        }
    }
    return status;
}

static void parse_in_two_cuts(const amqpc_allocator *allocator, size_t first, size_t second)
{
    amqpc_frame_parser *parser = NULL;
    stream_notes transcript = {.size = 0};
    amqpc_status status = amqpc_frame_parser_new(allocator, NULL, &parser);
    if (status == AMQPC_NO_MEMORY && allocator != NULL) {
        return;
    }
    assert_int_equal(status, AMQPC_OK);
    assert_int_equal(push_piece(parser, stream, first, &transcript), AMQPC_OK);
    assert_int_equal(push_piece(parser, stream + first, second - first, &transcript), AMQPC_OK);
    assert_int_equal(push_piece(parser, stream + second, sizeof stream - second, &transcript),
                     AMQPC_OK);
    assert_string_equal(transcript.text, expected_transcript);
    assert_int_equal(amqpc_frame_parser_offset(parser), sizeof stream);
    assert_int_equal(amqpc_frame_parser_pending(parser), 0);
    amqpc_frame_parser_free(parser);
}

static void test_stream_cut_at_every_two_places(void **state)
{
    (void)state;
    for (size_t first = 0; first <= sizeof stream; first++) {
        for (size_t second = first; second <= sizeof stream; second++) {
            parse_in_two_cuts(NULL, first, second);
        }
    }
}

static void test_stream_one_byte_at_a_time(void **state)
{
    (void)state;
    amqpc_frame_parser *parser = NULL;
    stream_notes transcript = {.size = 0};
    assert_int_equal(amqpc_frame_parser_new(NULL, NULL, &parser), AMQPC_OK);
    for (size_t i = 0; i < sizeof stream; i++) {
        uint8_t byte = stream[i]; /* gone with the next turn */
        assert_int_equal(push_piece(parser, &byte, 1, &transcript), AMQPC_OK);
    }
    assert_string_equal(transcript.text, expected_transcript);
    amqpc_frame_parser_free(parser);
}

static void parse_cut_in_the_last_frame(const amqpc_allocator *allocator)
{
    parse_in_two_cuts(allocator, 12, 80);
}

static void test_row_101_parser_survives_failing_allocations(void **state)
{
    (void)state;
    assert_survives_failing_allocations(parse_cut_in_the_last_frame);
}

static void test_pending_tells_of_a_cut_stream(void **state)
{
    (void)state;
    amqpc_frame_parser *parser = NULL;
    stream_notes transcript = {.size = 0};
    assert_int_equal(amqpc_frame_parser_new(NULL, NULL, &parser), AMQPC_OK);
    assert_int_equal(push_piece(parser, stream, 20, &transcript), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_offset(parser), 8);
    assert_int_equal(amqpc_frame_parser_pending(parser), 12);
    amqpc_frame_parser_free(parser);
}

static void test_a_piece_must_be_used_up_before_the_next(void **state)
{
    (void)state;
    amqpc_frame_parser *parser = NULL;
    assert_int_equal(amqpc_frame_parser_new(NULL, NULL, &parser), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_push(parser, stream, 24), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_push(parser, stream, 1), AMQPC_INVALID_STATE);
    amqpc_frame_parser_free(parser);
    amqpc_frame_parser_free(NULL);
}

static void test_whole_frames_are_views_into_the_piece(void **state)
{
    (void)state;
    amqpc_frame_parser *parser = NULL;
    amqpc_frame_event event;
    amqpc_frame frame;
    assert_int_equal(amqpc_frame_parser_new(NULL, NULL, &parser), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_push(parser, stream, 24), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
    assert_ptr_equal(frame.body.data, stream + 16);
    amqpc_frame_parser_free(parser);
}

static void test_parser_refuses_invalid_limits(void **state)
{
    (void)state;
    amqpc_frame_parser *parser = NULL;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.initial_frame_size = 0;
    assert_int_equal(amqpc_frame_parser_new(NULL, &limits, &parser), AMQPC_INVALID_ARGUMENT);
    assert_null(parser);
}

static void test_frames_of_a_slab_in_one_call(void **state)
{
    (void)state;
    const uint8_t *frames_at = stream + 32;
    size_t size = sizeof stream - 32;
    amqpc_frame frames[4];
    size_t count = 0;
    size_t offset = 0;
    assert_int_equal(amqpc_frames_parse(frames_at, size, NULL, frames, 4, &count, &offset),
                     AMQPC_OK);
    assert_int_equal(count, 3);
    assert_int_equal(offset, size);
    assert_int_equal(frames[2].extended_header.size, 4);
    assert_ptr_equal(frames[2].body.data, stream + 57 + 12);
    assert_int_equal(amqpc_frames_parse(frames_at, size, NULL, frames, 2, &count, &offset),
                     AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(offset, 25);
    /* The incomplete one at the end is left for later. */
    assert_int_equal(amqpc_frames_parse(frames_at, size - 1, NULL, frames, 4, &count, &offset),
                     AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(offset, 25);
    assert_int_equal(amqpc_frames_parse(frames_at, 0, NULL, frames, 4, &count, NULL), AMQPC_OK);
    assert_int_equal(count, 0);
}

static void test_good_frames_before_a_bad_one_are_given(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0, 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0};
    amqpc_frame frames[2];
    size_t count = 0;
    size_t offset = 0;
    assert_int_equal(amqpc_frames_parse(bytes, sizeof bytes, NULL, frames, 2, &count, &offset),
                     AMQPC_BAD_DATA_OFFSET);
    assert_int_equal(count, 1);
    assert_int_equal(offset, 12);
}

static void test_functions_refuse_invalid_limits(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_frame frame;
    amqpc_performative performative;
    amqpc_message message;
    amqpc_value value;
    size_t count = 0;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = 0;
    assert_int_equal(amqpc_frame_parse(stream, 8, &limits, &frame, NULL), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_frames_parse(stream, 8, &limits, &frame, 1, &count, NULL),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_frame_decode(stream, 8, &limits, &frame, &performative, NULL),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_performative_decode(0, stream, 8, &limits, &performative, NULL),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_message_decode(stream, 8, &limits, &message, NULL),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_value_decode(stream, 8, &limits, &value, NULL), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_value_skip(stream, 8, &limits, NULL), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_performative_decode(2, stream, 8, NULL, &performative, NULL),
                     AMQPC_INVALID_ARGUMENT);
}

static void test_protocol_headers_of_all_protocols(void **state)
{
    (void)state;
    static const amqpc_protocol protocols[] = {AMQPC_PROTOCOL_AMQP, AMQPC_PROTOCOL_TLS,
                                               AMQPC_PROTOCOL_SASL};
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        const uint8_t expected[8] = {'A', 'M', 'Q', 'P', (uint8_t)protocols[i], 1, 0, 0};
        uint8_t bytes[8];
        amqpc_protocol protocol = AMQPC_PROTOCOL_AMQP;
        size_t offset = 0;
        assert_int_equal(amqpc_protocol_header_write(protocols[i], bytes, sizeof bytes), AMQPC_OK);
        assert_memory_equal(bytes, expected, sizeof bytes);
        assert_int_equal(amqpc_protocol_header_parse(bytes, sizeof bytes, &protocol, &offset),
                         AMQPC_OK);
        assert_int_equal(protocol, protocols[i]);
        assert_int_equal(offset, 8);
        for (size_t size = 0; size < sizeof bytes; size++) {
            assert_int_equal(amqpc_protocol_header_parse(bytes, size, &protocol, &offset),
                             AMQPC_NEED_MORE);
            assert_int_equal(offset, size);
        }
        assert_int_equal(amqpc_protocol_header_write(protocols[i], bytes, 7), AMQPC_BUFFER_FULL);
    }
    uint8_t bytes[8];
    assert_int_equal(amqpc_protocol_header_write((amqpc_protocol)1, bytes, sizeof bytes),
                     AMQPC_INVALID_ARGUMENT);
}

static void test_empty_frame_decodes_and_encodes(void **state)
{
    (void)state;
    uint8_t bytes[8];
    size_t size = 0;
    amqpc_frame frame;
    amqpc_performative performative = {.type = AMQPC_COMPOSITE_OPEN};
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 3, NULL, bytes, sizeof bytes, &size),
                     AMQPC_OK);
    assert_int_equal(size, 8);
    assert_int_equal(amqpc_frame_decode(bytes, size, NULL, &frame, &performative, NULL), AMQPC_OK);
    assert_int_equal(frame.channel, 3);
    assert_int_equal(performative.type, AMQPC_COMPOSITE_NONE);
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 3, &performative, bytes, sizeof bytes, &size),
        AMQPC_OK);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 3, &performative, bytes, 7, &size),
                     AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_SASL, 0, NULL, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
}

static void test_frame_takes_only_performatives_of_its_type(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t size = 0;
    amqpc_performative performative = {.type = AMQPC_COMPOSITE_END};
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &performative, bytes, sizeof bytes, &size),
        AMQPC_OK);
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_SASL, 0, &performative, bytes, sizeof bytes, &size),
        AMQPC_INVALID_ARGUMENT);
    performative.payload = (amqpc_bytes){"x", 1};
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &performative, bytes, sizeof bytes, &size),
        AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_performative_encode(&performative, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
    performative = (amqpc_performative){.type = AMQPC_COMPOSITE_SASL_OUTCOME};
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_SASL, 0, &performative, bytes, sizeof bytes, &size),
        AMQPC_MISSING_FIELD);
    performative.as.sasl_outcome =
        (amqpc_sasl_outcome){.present = AMQPC_SASL_OUTCOME_CODE, .code = AMQPC_SASL_CODE_AUTH};
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_SASL, 0, &performative, bytes, sizeof bytes, &size),
        AMQPC_OK);
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_SASL, 1, &performative, bytes, sizeof bytes, &size),
        AMQPC_INVALID_ARGUMENT);
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &performative, bytes, sizeof bytes, &size),
        AMQPC_INVALID_ARGUMENT);
    performative.type = AMQPC_COMPOSITE_ERROR;
    assert_int_equal(amqpc_performative_encode(&performative, bytes, sizeof bytes, &size),
                     AMQPC_INVALID_ARGUMENT);
}

static void test_transfer_is_written_into_just_enough_room(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0,    0,    0,   30,   2,    0,    0,   7,   0x00, 0x53,
                                       0x14, 0xc0, 12,  5,    0x43, 0x70, 0,   1,   0,    0,
                                       0xa0, 1,    't', 0x43, 0x41, 'h',  'e', 'l', 'l',  'o'};
    const amqpc_transfer transfer = {
        .present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID |
                   AMQPC_TRANSFER_DELIVERY_TAG | AMQPC_TRANSFER_MESSAGE_FORMAT |
                   AMQPC_TRANSFER_SETTLED,
        .delivery_id = 65536,
        .delivery_tag = {"t", 1},
        .settled = true,
    };
    for (size_t capacity = 0; capacity <= sizeof expected; capacity++) {
        uint8_t *bytes = (uint8_t *)malloc(capacity == 0 ? 1 : capacity);
        size_t size = 0;
        amqpc_status status = amqpc_transfer_frame_write(7, &transfer, (amqpc_bytes){"hello", 5},
                                                         bytes, capacity, &size);
        assert_int_equal(status, capacity < sizeof expected ? AMQPC_BUFFER_FULL : AMQPC_OK);
        if (status == AMQPC_OK) {
            assert_int_equal(size, sizeof expected);
            assert_memory_equal(bytes, expected, size);
        }
        free(bytes);
    }
}

static void test_transfer_is_the_same_with_much_room_and_with_little(void **state)
{
    (void)state;
    const uint32_t numbers[] = {0, 1, 255, 256, UINT32_MAX};
    const uint8_t tag[33] = {1, 2, 3};
    for (size_t i = 0; i < 5 * 5 * 34; i++) {
        const amqpc_transfer transfer = {
            .present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID |
                       AMQPC_TRANSFER_DELIVERY_TAG | AMQPC_TRANSFER_MESSAGE_FORMAT |
                       AMQPC_TRANSFER_SETTLED,
            .handle = numbers[i % 5],
            .delivery_id = numbers[i / 5 % 5],
            .delivery_tag = {tag, i / 25},
            .message_format = numbers[i % 3],
            .settled = i % 2 == 0,
        };
        amqpc_performative performative = {.type = AMQPC_COMPOSITE_TRANSFER, .payload = {"pay", 3}};
        uint8_t bytes[128];
        uint8_t other[128];
        size_t size = 0;
        size_t other_size = 0;
        performative.as.transfer = transfer;
        assert_int_equal(amqpc_transfer_frame_write(1, &transfer, performative.payload, bytes,
                                                    sizeof bytes, &size),
                         AMQPC_OK);
        assert_int_equal(
            amqpc_frame_write(AMQPC_FRAME_AMQP, 1, &performative, other, size, &other_size),
            AMQPC_OK);
        assert_int_equal(size, other_size);
        assert_memory_equal(bytes, other, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_cut_at_every_two_places),
        cmocka_unit_test(test_stream_one_byte_at_a_time),
        cmocka_unit_test(test_row_101_parser_survives_failing_allocations),
        cmocka_unit_test(test_pending_tells_of_a_cut_stream),
        cmocka_unit_test(test_a_piece_must_be_used_up_before_the_next),
        cmocka_unit_test(test_whole_frames_are_views_into_the_piece),
        cmocka_unit_test(test_parser_refuses_invalid_limits),
        cmocka_unit_test(test_frames_of_a_slab_in_one_call),
        cmocka_unit_test(test_good_frames_before_a_bad_one_are_given),
        cmocka_unit_test(test_functions_refuse_invalid_limits),
        cmocka_unit_test(test_protocol_headers_of_all_protocols),
        cmocka_unit_test(test_empty_frame_decodes_and_encodes),
        cmocka_unit_test(test_frame_takes_only_performatives_of_its_type),
        cmocka_unit_test(test_transfer_is_written_into_just_enough_room),
        cmocka_unit_test(test_transfer_is_the_same_with_much_room_and_with_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
