/* Every composite by the decoder of its own type: as performatives, and those that only stand in
 * fields of others (source, target, delivery states, transactions, errors). */
#include "fuzz.h"
#include "json_check.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 16 };

/* The functions of one composite, for any composite. */
typedef struct composite_functions {
    uint32_t type;
    amqpc_status (*decode)(const uint8_t *data, size_t size, const amqpc_limits *limits,
                           size_t *offset);
    amqpc_status (*from_value)(const amqpc_value *value, const amqpc_limits *limits);
    amqpc_status (*encode)(uint8_t *data, size_t capacity, size_t *size);
} composite_functions;

/* Three functions that share one struct of the type. */
#define COMPOSITE(name)                                                                            \
    static amqpc_##name the_##name;                                                                \
    static amqpc_status decode_##name(const uint8_t *data, size_t size,                            \
                                      const amqpc_limits *limits, size_t *offset)                  \
    {                                                                                              \
        return amqpc_##name##_decode(data, size, limits, &the_##name, offset);                     \
    }                                                                                              \
    static amqpc_status from_value_##name(const amqpc_value *value, const amqpc_limits *limits)    \
    {                                                                                              \
        return amqpc_##name##_from_value(value, limits, &the_##name);                              \
    }                                                                                              \
    static amqpc_status encode_##name(uint8_t *data, size_t capacity, size_t *size)                \
    {                                                                                              \
        return amqpc_##name##_encode(&the_##name, data, capacity, size);                           \
    }
#define COMPOSITES(X)                                                                              \
    X(open, OPEN)                                                                                  \
    X(begin, BEGIN)                                                                                \
    X(attach, ATTACH)                                                                              \
    X(flow, FLOW)                                                                                  \
    X(transfer, TRANSFER)                                                                          \
    X(disposition, DISPOSITION)                                                                    \
    X(detach, DETACH)                                                                              \
    X(end, END)                                                                                    \
    X(close, CLOSE)                                                                                \
    X(error, ERROR)                                                                                \
    X(received, RECEIVED)                                                                          \
    X(accepted, ACCEPTED)                                                                          \
    X(rejected, REJECTED)                                                                          \
    X(released, RELEASED)                                                                          \
    X(modified, MODIFIED)                                                                          \
    X(source, SOURCE)                                                                              \
    X(target, TARGET)                                                                              \
    X(delete_on_close, DELETE_ON_CLOSE)                                                            \
    X(delete_on_no_links, DELETE_ON_NO_LINKS)                                                      \
    X(delete_on_no_messages, DELETE_ON_NO_MESSAGES)                                                \
    X(delete_on_no_links_or_messages, DELETE_ON_NO_LINKS_OR_MESSAGES)                              \
    X(coordinator, COORDINATOR)                                                                    \
    X(declare, DECLARE)                                                                            \
    X(discharge, DISCHARGE)                                                                        \
    X(declared, DECLARED)                                                                          \
    X(transactional_state, TRANSACTIONAL_STATE)                                                    \
    X(sasl_mechanisms, SASL_MECHANISMS)                                                            \
    X(sasl_init, SASL_INIT)                                                                        \
    X(sasl_challenge, SASL_CHALLENGE)                                                              \
    X(sasl_response, SASL_RESPONSE)                                                                \
    X(sasl_outcome, SASL_OUTCOME)                                                                  \
    X(header, HEADER)                                                                              \
    X(properties, PROPERTIES)

#define DEFINE(name, NAME) COMPOSITE(name)
COMPOSITES(DEFINE)

static const composite_functions composites[] = {
#define ROW(name, NAME) {AMQPC_COMPOSITE_##NAME, decode_##name, from_value_##name, encode_##name},
    COMPOSITES(ROW)};

static void print_composite(const uint8_t *data, size_t size, const amqpc_limits *limits,
                            amqpc_buffer *text)
{
    amqpc_value value;
    amqpc_buffer *json = fuzz_buffer(3);
    FUZZ_CHECK(amqpc_value_decode(data, size, limits, &value, NULL) == AMQPC_OK);
    FUZZ_CHECK(amqpc_composite_print(&value, AMQPC_PRINT_TEXT, text) == AMQPC_OK);
    FUZZ_CHECK(amqpc_composite_print(&value, AMQPC_PRINT_JSON, json) == AMQPC_OK);
    FUZZ_CHECK(json_is_valid(amqpc_buffer_data(json), amqpc_buffer_size(json)));
}

/* The composite that was decoded last, from `size` bytes. */
static void check_encode(const composite_functions *composite, size_t size,
                         const amqpc_buffer *text)
{
    size_t capacity = size + ROOM;
    size_t written = 0;
    size_t offset = 0;
    amqpc_buffer *text_again = fuzz_buffer(1);
    uint8_t *bytes = (uint8_t *)fuzz_allocate(capacity);
    FUZZ_CHECK(composite->encode(bytes, capacity, &written) == AMQPC_OK);
    print_composite(bytes, written, NULL, text_again);
    FUZZ_CHECK(fuzz_same_bytes(text, text_again));
    uint8_t *copy = (uint8_t *)fuzz_allocate(written);
    FUZZ_CHECK(composite->encode(copy, written, &offset) == AMQPC_OK && offset == written);
    FUZZ_CHECK(composite->encode(copy, written - 1, &offset) == AMQPC_BUFFER_FULL);
    FUZZ_CHECK(composite->decode(bytes, written, NULL, &offset) == AMQPC_OK && offset == written);
    FUZZ_CHECK(composite->encode(copy, written, &offset) == AMQPC_OK && offset == written);
    FUZZ_CHECK(memcmp(copy, bytes, written) == 0);
    free(copy);
    free(bytes);
}

static void check_composite(const composite_functions *composite, const uint8_t *data, size_t size,
                            const amqpc_limits *limits)
{
    size_t offset = SIZE_MAX;
    amqpc_value value;
    amqpc_status status = composite->decode(data, size, limits, &offset);
    FUZZ_CHECK(offset <= size);
    if (amqpc_value_decode(data, size, limits, &value, NULL) == AMQPC_OK) {
        amqpc_status expected = value.type == AMQPC_TYPE_DESCRIBED ? status : AMQPC_WRONG_TYPE;
        FUZZ_CHECK(composite->from_value(&value, limits) == expected);
    }
    if (status != AMQPC_OK) {
        return;
    }
    amqpc_buffer *text = fuzz_buffer(0);
    print_composite(data, size, limits, text);
    check_encode(composite, offset, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof composites / sizeof composites[0]; i++) {
        check_composite(&composites[i], data, size, NULL);
        check_composite(&composites[i], data, size, fuzz_small_limits());
    }
    return 0;
}
