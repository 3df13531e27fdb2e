/* Bodies of frames, as AMQP and as SASL: what decodes prints, and encodes to what prints alike. */
#include "fuzz.h"
#include "json_check.h"

#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 16 };

/* Prints the performative in front of the payload, into `text`. */
static void print_performative(const uint8_t *data, size_t size, const amqpc_limits *limits,
                               amqpc_buffer *text)
{
    amqpc_value value;
    amqpc_buffer *json = fuzz_buffer(3);
    FUZZ_CHECK(amqpc_value_decode(data, size, limits, &value, NULL) == AMQPC_OK);
    FUZZ_CHECK(amqpc_composite_print(&value, AMQPC_PRINT_TEXT, text) == AMQPC_OK);
    FUZZ_CHECK(amqpc_composite_print(&value, AMQPC_PRINT_JSON, json) == AMQPC_OK);
    FUZZ_CHECK(amqpci_is_utf8(amqpc_buffer_data(text), amqpc_buffer_size(text)));
    FUZZ_CHECK(json_is_valid(amqpc_buffer_data(json), amqpc_buffer_size(json)));
}

/* A frame of the performative decodes to it, and prints. */
static void check_frame(unsigned frame_type, const amqpc_performative *performative, size_t room,
                        const amqpc_buffer *text)
{
    amqpc_frame frame;
    amqpc_performative again;
    size_t size = 0;
    size_t offset = 0;
    size_t capacity = room + AMQPC_FRAME_HEADER_SIZE;
    amqpc_buffer *buffer = fuzz_buffer(2);
    uint8_t *bytes = (uint8_t *)fuzz_allocate(capacity);
    FUZZ_CHECK(amqpc_frame_write((amqpc_frame_type)frame_type, 0, performative, bytes, capacity,
                                 &size) == AMQPC_OK);
    FUZZ_CHECK(amqpc_frame_decode(bytes, size, NULL, &frame, &again, &offset) == AMQPC_OK);
    FUZZ_CHECK(offset == size && again.type == performative->type);
    FUZZ_CHECK(again.payload.size == performative->payload.size);
    FUZZ_CHECK(amqpc_frame_print(&frame, NULL, AMQPC_PRINT_TEXT, buffer) == AMQPC_OK);
    /* "[0] " or "[sasl] ", the performative, and perhaps a payload. */
    size_t before = frame_type == AMQPC_FRAME_SASL ? 7 : 4;
    FUZZ_CHECK(amqpc_buffer_size(buffer) >= before + amqpc_buffer_size(text));
    FUZZ_CHECK(memcmp(amqpc_buffer_data(buffer) + before, amqpc_buffer_data(text),
                      amqpc_buffer_size(text)) == 0);
    FUZZ_CHECK(amqpc_frame_print(&frame, NULL, AMQPC_PRINT_JSON, fuzz_buffer(3)) == AMQPC_OK);
    free(bytes);
}

static void check_encode(unsigned frame_type, const amqpc_performative *performative,
                         size_t capacity, const amqpc_buffer *text)
{
    amqpc_performative again;
    size_t size = 0;
    size_t offset = 0;
    size_t smaller = 0;
    amqpc_buffer *text_again = fuzz_buffer(1);
    uint8_t *bytes = (uint8_t *)fuzz_allocate(capacity);
    FUZZ_CHECK(amqpc_performative_encode(performative, bytes, capacity, &size) == AMQPC_OK);
    FUZZ_CHECK(amqpc_performative_decode(frame_type, bytes, size, NULL, &again, &offset) ==
               AMQPC_OK);
    FUZZ_CHECK(offset == size && again.type == performative->type);
    FUZZ_CHECK(again.payload.size == performative->payload.size);
    FUZZ_CHECK(again.payload.size == 0 ||
               memcmp(again.payload.data, performative->payload.data, again.payload.size) == 0);
    print_performative(bytes, size, NULL, text_again);
    FUZZ_CHECK(fuzz_same_bytes(text, text_again));
    FUZZ_CHECK(amqpc_performative_encode(performative, bytes, size, &smaller) == AMQPC_OK);
    FUZZ_CHECK(amqpc_performative_encode(performative, bytes, size - 1, &smaller) ==
               AMQPC_BUFFER_FULL);
    free(bytes);
}

static void check_performative(unsigned frame_type, const uint8_t *data, size_t size,
                               const amqpc_limits *limits)
{
    amqpc_performative performative;
    size_t offset = SIZE_MAX;
    amqpc_input input =
        frame_type == AMQPC_FRAME_SASL ? AMQPC_INPUT_SASL : AMQPC_INPUT_PERFORMATIVE;
    FUZZ_CHECK(amqpc_explain(input, data, size, limits, fuzz_buffer(0)) == AMQPC_OK);
    amqpc_status status =
        amqpc_performative_decode(frame_type, data, size, limits, &performative, &offset);
    FUZZ_CHECK(offset <= size);
    if (status != AMQPC_OK) {
        return;
    }
    FUZZ_CHECK(offset == size);
    amqpc_buffer *text = fuzz_buffer(0);
    print_performative(data, size, limits, text);
    check_encode(frame_type, &performative, size + ROOM, text);
    check_frame(frame_type, &performative, size + ROOM, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_performative(AMQPC_FRAME_AMQP, data, size, NULL);
    check_performative(AMQPC_FRAME_SASL, data, size, NULL);
    check_performative(AMQPC_FRAME_AMQP, data, size, fuzz_small_limits());
    check_performative(AMQPC_FRAME_SASL, data, size, fuzz_small_limits());
    return 0;
}
