/* Messages: what decodes prints, is iterated and looked up, and encodes to itself. */
#include "fuzz.h"
#include "json_check.h"

#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

static void check_print(const amqpc_message *message, amqpc_buffer *text)
{
    amqpc_buffer *json = fuzz_buffer(3);
    FUZZ_CHECK(amqpc_message_print(message, AMQPC_PRINT_TEXT, text) == AMQPC_OK);
    FUZZ_CHECK(amqpc_message_print(message, AMQPC_PRINT_JSON, json) == AMQPC_OK);
    FUZZ_CHECK(amqpci_is_utf8(amqpc_buffer_data(text), amqpc_buffer_size(text)));
    FUZZ_CHECK(json_is_valid(amqpc_buffer_data(json), amqpc_buffer_size(json)));
}

static void check_body(const amqpc_message *message)
{
    static const uint8_t types[] = {
        [AMQPC_BODY_DATA] = AMQPC_TYPE_BINARY, [AMQPC_BODY_SEQUENCE] = AMQPC_TYPE_LIST};
    amqpc_body body;
    amqpc_value value;
    bool same = false;
    uint32_t count = 0;
    amqpc_body_init(message, &body);
    amqpc_status status = amqpc_body_next(&body, &value);
    while (status == AMQPC_OK) {
        FUZZ_CHECK(message->body_kind == AMQPC_BODY_VALUE ||
                   value.type == types[message->body_kind]);
        if (count++ == 0) {
            FUZZ_CHECK(amqpc_value_same(&value, &message->body, &same) == AMQPC_OK && same);
        }
        status = amqpc_body_next(&body, &value);
    }
    FUZZ_CHECK(status == AMQPC_NOT_FOUND && count == message->body_count);
    FUZZ_CHECK((message->body_kind == AMQPC_BODY_NONE) == (count == 0));
}

/* Each key of a map finds its own value: keys are there once. Only where all are strings, as
 * application properties have them, for a symbol may be spelt like a string. */
static void check_map(const amqpc_value *map, bool strings)
{
    amqpc_items items;
    amqpc_value pair[2];
    amqpc_value found;
    bool same = false;
    size_t count = 0;
    FUZZ_CHECK(map->type == AMQPC_TYPE_MAP && map->count % 2 == 0);
    FUZZ_CHECK(amqpc_items_init(map, &items) == AMQPC_OK);
    while (items.remaining > 0) {
        FUZZ_CHECK(amqpc_items_next(&items, pair, 2, &count) == AMQPC_OK && count == 2);
        FUZZ_CHECK(!strings || pair[0].type == AMQPC_TYPE_STRING);
        if (pair[0].type == AMQPC_TYPE_ULONG) {
            continue;
        }
        amqpc_bytes key = pair[0].as.bytes;
        FUZZ_CHECK(amqpc_map_get(map, key.data, key.size, &found) == AMQPC_OK);
        FUZZ_CHECK(amqpc_value_same(&pair[1], &found, &same) == AMQPC_OK && (same || !strings));
    }
    FUZZ_CHECK(amqpc_map_get(map, "\xff", 1, &found) == AMQPC_NOT_FOUND); /* not UTF-8 */
}

static void check_maps(const amqpc_message *message)
{
    if ((message->sections & AMQPC_SECTION_DELIVERY_ANNOTATIONS) != 0) {
        check_map(&message->delivery_annotations, false);
    }
    if ((message->sections & AMQPC_SECTION_MESSAGE_ANNOTATIONS) != 0) {
        check_map(&message->message_annotations, false);
    }
    if ((message->sections & AMQPC_SECTION_APPLICATION_PROPERTIES) != 0) {
        check_map(&message->application_properties, true);
    }
    if ((message->sections & AMQPC_SECTION_FOOTER) != 0) {
        check_map(&message->footer, false);
    }
}

static void check_as_arrived(const amqpc_message *message, const uint8_t *data, size_t size)
{
    size_t written = 0;
    uint8_t *bytes = (uint8_t *)fuzz_allocate(size);
    FUZZ_CHECK(amqpc_message_encoded_bound(message, AMQPC_ENCODE_AS_ARRIVED) == size);
    FUZZ_CHECK(amqpc_message_encode(message, AMQPC_ENCODE_AS_ARRIVED, bytes, size, &written) ==
               AMQPC_OK);
    FUZZ_CHECK(written == size && memcmp(bytes, data, size) == 0);
    FUZZ_CHECK(size == 0 || amqpc_message_encode(message, AMQPC_ENCODE_AS_ARRIVED, bytes, size - 1,
                                                 &written) == AMQPC_BUFFER_FULL);
    free(bytes);
}

/* The bytes around a body that is left out, with the body put back, are the message. */
static void check_around(const amqpc_message *message, const uint8_t *bytes, size_t size)
{
    size_t written = 0;
    size_t body_offset = 0;
    uint8_t *around = (uint8_t *)fuzz_allocate(size);
    FUZZ_CHECK(amqpc_message_encode_around(message, 0, around, size, &written, &body_offset) ==
               AMQPC_OK);
    size_t left_out = size - written;
    if (left_out > 0) {
        FUZZ_CHECK(left_out == message->body.as.bytes.size);
        FUZZ_CHECK(memcmp(bytes + body_offset, message->body.as.bytes.data, left_out) == 0);
    }
    FUZZ_CHECK(body_offset <= written);
    FUZZ_CHECK(memcmp(bytes, around, body_offset) == 0);
    FUZZ_CHECK(
        memcmp(bytes + body_offset + left_out, around + body_offset, written - body_offset) == 0);
    free(around);
}

/* Encoding anew gives a message that prints alike, within the bound. */
static void check_encode(const amqpc_message *message, const amqpc_buffer *text)
{
    amqpc_message again;
    size_t size = 0;
    size_t offset = 0;
    size_t bound = amqpc_message_encoded_bound(message, 0);
    uint8_t *bytes = (uint8_t *)fuzz_allocate(bound);
    FUZZ_CHECK(amqpc_message_encode(message, 0, bytes, bound, &size) == AMQPC_OK && size <= bound);
    FUZZ_CHECK(amqpc_message_decode(bytes, size, NULL, &again, &offset) == AMQPC_OK);
    FUZZ_CHECK(offset == size && again.sections == message->sections);
    amqpc_buffer *text_again = fuzz_buffer(1);
    check_print(&again, text_again);
    FUZZ_CHECK(fuzz_same_bytes(text, text_again));
    amqpc_buffer *buffer = fuzz_buffer(2);
    FUZZ_CHECK(amqpc_message_append(message, 0, buffer) == AMQPC_OK);
    FUZZ_CHECK(amqpc_buffer_size(buffer) == size);
    FUZZ_CHECK(size == 0 || memcmp(amqpc_buffer_data(buffer), bytes, size) == 0);
    check_around(message, bytes, size);
    uint8_t *exact = (uint8_t *)fuzz_allocate(size);
    FUZZ_CHECK(amqpc_message_encode(message, 0, exact, size, &offset) == AMQPC_OK);
    FUZZ_CHECK(size == 0 ||
               amqpc_message_encode(message, 0, exact, size - 1, &offset) == AMQPC_BUFFER_FULL);
    free(exact);
    free(bytes);
}

static void check_message(const uint8_t *data, size_t size, const amqpc_limits *limits)
{
    amqpc_message message;
    size_t offset = SIZE_MAX;
    amqpc_status status = amqpc_message_decode(data, size, limits, &message, &offset);
    FUZZ_CHECK(offset <= size);
    FUZZ_CHECK(amqpc_explain(AMQPC_INPUT_MESSAGE, data, size, limits, fuzz_buffer(0)) == AMQPC_OK);
    if (status != AMQPC_OK) {
        return;
    }
    FUZZ_CHECK(offset == size);
    amqpc_buffer *text = fuzz_buffer(0);
    check_print(&message, text);
    check_body(&message);
    check_maps(&message);
    check_as_arrived(&message, data, size);
    check_encode(&message, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_message(data, size, NULL);
    check_message(data, size, fuzz_small_limits());
    return 0;
}
