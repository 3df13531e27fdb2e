/* Encoded values: decoder, skip, reader, printers, writer and explanation agree with each other. */
#include "fuzz.h"
#include "json_check.h"
#include "value_tree.h"

#include "codec/text.h"
#include "codec/value_bound.h"

#include <stdlib.h>
#include <string.h>

/* What a way of stepping over a value came to. */
typedef struct outcome {
    amqpc_status status;
    size_t offset;
} outcome;

static bool same_outcome(outcome left, outcome right)
{
    return left.status == right.status && left.offset == right.offset;
}

/* A decoder finds all that skip finds, and duplicate keys besides. */
static void check_skip(outcome decoded, outcome skipped)
{
    if (decoded.status == AMQPC_DUPLICATE_KEY) {
        FUZZ_CHECK(decoded.offset < skipped.offset);
    } else {
        FUZZ_CHECK(same_outcome(decoded, skipped));
    }
}

/* Walks over the first value by events; where `choices` is not 0, takes some of the values whole.
 */
static outcome walk(amqpc_reader *reader, const uint8_t *data, size_t size, uint64_t choices)
{
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    outcome result = {AMQPC_OK, 0};
    amqpc_reader_reset(reader, data, size);
    do {
        bool take = choices != 0 && (fuzz_next(&choices) & 3) == 0;
        unsigned depth = amqpc_reader_depth(reader);
        result.status = take ? amqpc_reader_take(reader, &value) : AMQPC_NOT_FOUND;
        if (result.status == AMQPC_NOT_FOUND) {
            result.status = amqpc_reader_next(reader, &event, &value);
            unsigned now = amqpc_reader_depth(reader);
            FUZZ_CHECK(result.status != AMQPC_OK ||
                       now == depth + (event == AMQPC_EVENT_ENTER) - (event == AMQPC_EVENT_LEAVE));
        } else {
            FUZZ_CHECK(amqpc_reader_depth(reader) == depth);
        }
        FUZZ_CHECK(amqpc_reader_offset(reader) <= size);
    } while (result.status == AMQPC_OK && event != AMQPC_EVENT_END_OF_INPUT &&
             amqpc_reader_depth(reader) > 0);
    if (event == AMQPC_EVENT_END_OF_INPUT) {
        result.status = AMQPC_TRUNCATED; /* there is no value, which skip sees as a cut one */
    }
    result.offset = amqpc_reader_offset(reader);
    return result;
}

static void check_reader(const uint8_t *data, size_t size, const amqpc_limits *limits,
                         outcome skipped)
{
    amqpc_reader *reader = NULL;
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    FUZZ_CHECK(amqpc_reader_new(NULL, limits, &reader) == AMQPC_OK);
    FUZZ_CHECK(same_outcome(walk(reader, data, size, 0), skipped));
    if (skipped.status != AMQPC_OK && size > 0) {
        FUZZ_CHECK(amqpc_reader_next(reader, &event, &value) == skipped.status);
        FUZZ_CHECK(amqpc_reader_take(reader, &value) == skipped.status);
        FUZZ_CHECK(amqpc_reader_offset(reader) == skipped.offset);
    }
    FUZZ_CHECK(same_outcome(walk(reader, data, size, fuzz_hash(data, size) | 1), skipped));
    amqpc_reader_free(reader);
}

static void check_print(const amqpc_value *value)
{
    amqpc_buffer *text = fuzz_buffer(0);
    amqpc_buffer *json = fuzz_buffer(1);
    FUZZ_CHECK(amqpc_value_print(value, AMQPC_PRINT_TEXT, text) == AMQPC_OK);
    FUZZ_CHECK(amqpc_value_print(value, AMQPC_PRINT_JSON, json) == AMQPC_OK);
    FUZZ_CHECK(amqpci_is_utf8(amqpc_buffer_data(text), amqpc_buffer_size(text)));
    FUZZ_CHECK(json_is_valid(amqpc_buffer_data(json), amqpc_buffer_size(json)));
}

/* The writer gives back the bytes, into no more room than they need. */
static void check_as_arrived(const amqpc_value *value, const uint8_t *data, size_t size)
{
    amqpc_writer *writer = fuzz_writer();
    uint8_t *bytes = (uint8_t *)fuzz_allocate(size);
    amqpc_writer_set_fixed(writer, bytes, size);
    FUZZ_CHECK(amqpc_writer_value(writer, value) == AMQPC_OK);
    FUZZ_CHECK(amqpc_writer_finish(writer) == AMQPC_OK);
    FUZZ_CHECK(amqpc_writer_size(writer) == size && memcmp(bytes, data, size) == 0);
    FUZZ_CHECK(size <= amqpci_value_bound(value));
    amqpc_writer_set_fixed(writer, bytes, size - 1);
    FUZZ_CHECK(amqpc_writer_value(writer, value) == AMQPC_BUFFER_FULL);
    free(bytes);
}

/* A tree with the smallest codes encodes to the same value, and to one that prints alike. */
static void check_smallest(const amqpc_value *value)
{
    static value_tree tree;
    amqpc_value again;
    bool same = false;
    size_t used = 0;
    if (!value_tree_expand(&tree, value)) {
        return;
    }
    amqpc_buffer *buffer = fuzz_buffer(2);
    amqpc_writer *writer = fuzz_writer();
    amqpc_writer_set_growable(writer, buffer);
    FUZZ_CHECK(amqpc_writer_value(writer, &tree.nodes[0]) == AMQPC_OK);
    FUZZ_CHECK(amqpc_writer_size(writer) <= amqpci_value_bound(&tree.nodes[0]));
    FUZZ_CHECK(amqpc_value_decode(amqpc_buffer_data(buffer), amqpc_buffer_size(buffer),
                                  fuzz_deep_limits(), &again, &used) == AMQPC_OK);
    FUZZ_CHECK(used == amqpc_buffer_size(buffer));
    FUZZ_CHECK(amqpc_value_same(value, &again, &same) == AMQPC_OK && same);
    if (!tree.has_described_array) {
        FUZZ_CHECK(amqpc_value_same(value, &tree.nodes[0], &same) == AMQPC_OK && same);
        FUZZ_CHECK(amqpc_value_same(&tree.nodes[0], value, &same) == AMQPC_OK && same);
    }
    amqpc_buffer *printed = fuzz_buffer(3);
    FUZZ_CHECK(amqpc_value_print(&again, AMQPC_PRINT_TEXT, printed) == AMQPC_OK);
    amqpc_buffer *text = fuzz_buffer(0);
    FUZZ_CHECK(amqpc_value_print(value, AMQPC_PRINT_TEXT, text) == AMQPC_OK);
    FUZZ_CHECK(fuzz_same_bytes(text, printed));
}

/* The event of the reader, as a call of the writer. */
static amqpc_status transcribe_event(amqpc_writer *writer, const amqpc_reader *reader,
                                     amqpc_event event, const amqpc_value *value)
{
    amqpc_items items;
    amqpc_value descriptor;
    size_t used = 0;
    if (event == AMQPC_EVENT_VALUE) {
        return amqpc_writer_value(writer, value);
    }
    if (event == AMQPC_EVENT_LEAVE) {
        return amqpc_writer_end(writer);
    }
    if (value->type != AMQPC_TYPE_ARRAY) {
        return amqpc_writer_begin(writer, value->type, value->code);
    }
    amqpc_bytes encoded = amqpc_reader_array_descriptor(reader);
    FUZZ_CHECK(amqpc_items_init(value, &items) == AMQPC_OK);
    FUZZ_CHECK(encoded.size == items.descriptor.size);
    if (encoded.size == 0) {
        return amqpc_writer_begin_array(writer, value->code, items.array_code, NULL);
    }
    const uint8_t *from = (const uint8_t *)encoded.data + 1;
    FUZZ_CHECK(amqpc_value_decode(from, encoded.size - 1, NULL, &descriptor, &used) == AMQPC_OK);
    if (used != encoded.size - 1) {
        return AMQPC_NOT_FOUND; /* several descriptors: the writer has no word for them */
    }
    return amqpc_writer_begin_array(writer, value->code, items.array_code, &descriptor);
}

/* A writer that is told what the reader met writes the same bytes. */
static void check_transcription(const uint8_t *data, size_t size)
{
    amqpc_reader *reader = NULL;
    amqpc_writer *writer = fuzz_writer();
    amqpc_buffer *buffer = fuzz_buffer(2);
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    amqpc_status status = AMQPC_OK;
    FUZZ_CHECK(amqpc_reader_new(NULL, fuzz_deep_limits(), &reader) == AMQPC_OK);
    amqpc_reader_reset(reader, data, size);
    amqpc_writer_set_growable(writer, buffer);
    while (status == AMQPC_OK) {
        FUZZ_CHECK(amqpc_reader_next(reader, &event, &value) == AMQPC_OK);
        if (event == AMQPC_EVENT_END_OF_INPUT) {
            break;
        }
        status = transcribe_event(writer, reader, event, &value);
    }
    FUZZ_CHECK(status == AMQPC_OK || status == AMQPC_NOT_FOUND);
    if (status == AMQPC_OK) {
        FUZZ_CHECK(amqpc_writer_finish(writer) == AMQPC_OK);
        FUZZ_CHECK(amqpc_buffer_size(buffer) == size);
        FUZZ_CHECK(memcmp(amqpc_buffer_data(buffer), data, size) == 0);
    }
    amqpc_reader_free(reader);
}

static void check_value(const uint8_t *data, size_t size, const amqpc_limits *limits)
{
    amqpc_value value;
    amqpc_value before;
    outcome decoded = {AMQPC_OK, SIZE_MAX};
    outcome skipped = {AMQPC_OK, SIZE_MAX};
    memset(&value, 0x5a, sizeof value);
    before = value;
    decoded.status = amqpc_value_decode(data, size, limits, &value, &decoded.offset);
    skipped.status = amqpc_value_skip(data, size, limits, &skipped.offset);
    FUZZ_CHECK(decoded.offset <= size && skipped.offset <= size);
    check_skip(decoded, skipped);
    check_reader(data, size, limits, skipped);
    FUZZ_CHECK(amqpc_explain(AMQPC_INPUT_VALUE, data, size, limits, fuzz_buffer(0)) == AMQPC_OK);
    if (decoded.status != AMQPC_OK) {
        FUZZ_CHECK(memcmp(&value, &before, sizeof value) == 0);
        return;
    }
    check_print(&value);
    check_as_arrived(&value, data, decoded.offset);
    check_smallest(&value);
    check_transcription(data, decoded.offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_value(data, size, NULL);
    check_value(data, size, fuzz_small_limits());
    check_value(data, size, fuzz_deep_limits());
    return 0;
}
