/* Explanations of any bytes, as any kind of input, into buffers that are too small as well. */
#include "fuzz.h"

#include "codec/text.h"

#include <string.h>

static const amqpc_input inputs[] = {AMQPC_INPUT_VALUE, AMQPC_INPUT_PERFORMATIVE, AMQPC_INPUT_SASL,
                                     AMQPC_INPUT_MESSAGE, AMQPC_INPUT_FRAME};

/* Text of several lines, each ended by a newline. */
static void check_account(const uint8_t *text, size_t size)
{
    FUZZ_CHECK(size > 0 && text[size - 1] == '\n');
    FUZZ_CHECK(amqpci_is_utf8(text, size));
    FUZZ_CHECK(memchr(text, '\0', size) == NULL);
}

/* A buffer with too low a cap is left as it was. */
static void check_cap(amqpc_input input, const uint8_t *data, size_t size,
                      const amqpc_limits *limits, size_t cap)
{
    amqpc_buffer *buffer = NULL;
    FUZZ_CHECK(amqpc_buffer_new(NULL, cap, &buffer) == AMQPC_OK);
    FUZZ_CHECK(amqpc_buffer_append(buffer, "x", 1) == AMQPC_OK);
    FUZZ_CHECK(amqpc_explain(input, data, size, limits, buffer) == AMQPC_BUFFER_FULL);
    FUZZ_CHECK(amqpc_buffer_size(buffer) == 1 && amqpc_buffer_data(buffer)[0] == 'x');
    amqpc_buffer_free(buffer);
}

static void check_explain(amqpc_input input, const uint8_t *data, size_t size,
                          const amqpc_limits *limits)
{
    amqpc_buffer *buffer = fuzz_buffer(0);
    FUZZ_CHECK(amqpc_explain(input, data, size, limits, buffer) == AMQPC_OK);
    size_t length = amqpc_buffer_size(buffer);
    check_account(amqpc_buffer_data(buffer), length);
    check_cap(input, data, size, limits, 1 + fuzz_hash(data, size) % length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        check_explain(inputs[i], data, size, NULL);
        check_explain(inputs[i], data, size, fuzz_small_limits());
        check_explain(inputs[i], data, size, fuzz_deep_limits());
    }
    return 0;
}
