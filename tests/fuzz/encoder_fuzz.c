/* What the Python binding makes of marshal's bytes: it is Python's marshal that writes them, and
 * they are looked at with care all the same. What comes of them is AMQP, which the library decodes.
 */
#include "crossing.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

typedef int64_t (*encode_function)(crossing_encoder *encoder, const char *marshalled, size_t size,
                                   bool marks);

enum { MODES = 2 };

/* As deep as what was written may be, and with as many elements as there are bytes. */
static amqpc_limits wide_limits(void)
{
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = AMQPC_DEPTH_MAX;
    limits.compound_elements = AMQPC_UNLIMITED;
    limits.zero_width_elements = AMQPC_UNLIMITED;
    return limits;
}

/* Duplicate keys are the program's own, and the library's to find on decoding. */
static bool is_expected(amqpc_status status)
{
    return status == AMQPC_OK || status == AMQPC_DUPLICATE_KEY;
}

static void check_value(const crossing_encoder *encoder)
{
    amqpc_limits limits = wide_limits();
    amqpc_value value;
    size_t offset = 0;
    amqpc_status status =
        amqpc_value_decode(encoder->data, encoder->size, &limits, &value, &offset);
    FUZZ_CHECK(is_expected(status));
    FUZZ_CHECK(status != AMQPC_OK || offset == encoder->size);
}

static void check_messages(const crossing_encoder *encoder)
{
    amqpc_limits limits = wide_limits();
    size_t end = 0;
    for (uint32_t i = 0; i < encoder->count; i++) {
        amqpc_bytes payload = encoder->payloads[i];
        amqpc_message message;
        FUZZ_CHECK((const char *)payload.data == encoder->data + end);
        end += payload.size;
        FUZZ_CHECK(encoder->ends[i] == end);
        FUZZ_CHECK(
            is_expected(amqpc_message_decode(payload.data, payload.size, &limits, &message, NULL)));
    }
    FUZZ_CHECK(end == encoder->size);
}

static void encode(crossing_encoder *encoder, encode_function function, const uint8_t *data,
                   size_t size, bool marks)
{
    int64_t result = function(encoder, (const char *)data, size, marks);
    FUZZ_CHECK(encoder->field >= -1 && encoder->field < 24);
    if (result < 0) {
        FUZZ_CHECK(strcmp(amqpc_status_name((amqpc_status)(-1 - result)), "UNKNOWN") != 0);
        return;
    }
    result &= ~CROSSING_HAS_BINARY;
    if (function == crossing_encode_value) {
        FUZZ_CHECK(result == (int64_t)encoder->size);
        check_value(encoder);
    } else {
        FUZZ_CHECK(result ==
                   (int64_t)(function == crossing_encode_message ? encoder->size : encoder->count));
        check_messages(encoder);
    }
}

/* The input as what PyPy's way into C is told: numbers, a text, bytes. */
static void encode_operations(crossing_encoder *encoder, const uint8_t *data, size_t size)
{
    enum { LETTERS = 8 };
    size_t count = size / sizeof(int64_t);
    int64_t *operations = fuzz_allocate(count * sizeof *operations);
    memcpy(operations, data, count * sizeof *operations);
    /* Small numbers, of which most operations are made. */
    for (size_t i = 0; i < count; i++) {
        operations[i] &= (data[i % LETTERS] & 1) != 0 ? 0x3ff1f1f : -1;
    }
    const char *text = (const char *)data;
    int64_t result = crossing_encode_operations(encoder, operations, count, text, size,
                                                size % LETTERS, text, size);
    free(operations);
    if (result > 0 && encoder->count > 0) {
        check_messages(encoder);
    } else if (result > 0) {
        check_value(encoder);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static crossing_encoder *encoder;
    if (encoder == NULL) {
        encoder = crossing_encoder_new();
        FUZZ_CHECK(encoder != NULL);
    }
    /* In memory of its own size, so that a read beyond it is found. */
    uint8_t *copy = fuzz_allocate(size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    for (int marks = 0; marks < MODES; marks++) {
        encode(encoder, crossing_encode_value, copy, size, marks != 0);
        encode(encoder, crossing_encode_message, copy, size, marks != 0);
        encode(encoder, crossing_encode_messages, copy, size, marks != 0);
    }
    encode_operations(encoder, copy, size);
    free(copy);
    return 0;
}
