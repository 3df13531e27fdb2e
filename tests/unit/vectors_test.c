/* Every vector of tests/vectors: status, offset and text; what decodes also encodes to the same
 * bytes; truncation at every byte (hostile-inputs row 25). */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/vector_file.h"

static vector_set vectors;
static amqpc_buffer *buffer;
static amqpc_limits
    any_channel; /* the defaults, but for the highest channel: peers use what they like */

static int setup(void **state)
{
    (void)state;
    vectors = vector_set_read();
    amqpc_limits_init(&any_channel, sizeof any_channel);
    any_channel.channels = AMQPC_UNLIMITED;
    return amqpc_buffer_new(NULL, SIZE_MAX, &buffer) == AMQPC_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    amqpc_buffer_free(buffer);
    vector_set_free(&vectors);
    return 0;
}

static bool is_kind(const test_vector *vector, const char *kind)
{
    return strcmp(vector->kind, kind) == 0;
}

/* Decodes a vector of any kind, and prints it to `buffer`. */
static amqpc_status decode(const test_vector *vector, const uint8_t *bytes, size_t size,
                           size_t *offset)
{
    amqpc_buffer_truncate(buffer, 0);
    amqpc_status status = AMQPC_OK;
    if (is_kind(vector, "value")) {
        amqpc_value value;
        status = amqpc_value_decode(bytes, size, NULL, &value, offset);
        return status == AMQPC_OK ? amqpc_value_print(&value, AMQPC_PRINT_TEXT, buffer) : status;
    }
    if (is_kind(vector, "message")) {
        amqpc_message message;
        status = amqpc_message_decode(bytes, size, NULL, &message, offset);
        return status == AMQPC_OK ? amqpc_message_print(&message, AMQPC_PRINT_TEXT, buffer)
                                  : status;
    }
    amqpc_performative performative;
    if (is_kind(vector, "performative") || is_kind(vector, "sasl")) {
        amqpc_value value;
        unsigned frame_type = is_kind(vector, "sasl") ? AMQPC_FRAME_SASL : AMQPC_FRAME_AMQP;
        status = amqpc_performative_decode(frame_type, bytes, size, NULL, &performative, offset);
        if (status == AMQPC_OK) {
            status = amqpc_value_decode(bytes, size, NULL, &value, NULL);
        }
        return status == AMQPC_OK ? amqpc_composite_print(&value, AMQPC_PRINT_TEXT, buffer)
                                  : status;
    }
    amqpc_frame frame;
    assert_true(is_kind(vector, "frame"));
    status = amqpc_frame_decode(bytes, size, &any_channel, &frame, &performative, offset);
    return status == AMQPC_OK ? amqpc_frame_print(&frame, NULL, AMQPC_PRINT_TEXT, buffer) : status;
}

static bool agrees(const test_vector *vector)
{
    size_t offset = 0;
    amqpc_status status = decode(vector, vector->bytes, vector->size, &offset);
    const char *name = status == AMQPC_OK ? "ok" : amqpc_status_name(status);
    bool same = strcmp(name, vector->status) == 0 && offset == vector->offset;
    if (!same) {
        print_error("%s:%u: %s: expected %s at %zu, got %s at %zu\n", vector->file, vector->line,
                    vector->name, vector->status, vector->offset, name, offset);
    }
    size_t size = amqpc_buffer_size(buffer);
    if (same && status == AMQPC_OK &&
        (size != strlen(vector->text) ||
         memcmp(amqpc_buffer_data(buffer), vector->text, size) != 0)) {
        print_error("%s:%u: %s: expected\n    %s\ngot\n    %.*s\n", vector->file, vector->line,
                    vector->name, vector->text, (int)size, (const char *)amqpc_buffer_data(buffer));
        same = false;
    }
    return same;
}

static void test_status_offset_and_text(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < vectors.count; i++) {
        wrong += !agrees(&vectors.vectors[i]);
    }
    assert_true(vectors.count >= 400);
    assert_int_equal(wrong, 0);
}

/* A block of exactly `size` bytes, so that sanitizers see a read beyond. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = (uint8_t *)malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void test_row_25_truncation_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.count; i++) {
        const test_vector *vector = &vectors.vectors[i];
        bool valid = strcmp(vector->status, "ok") == 0;
        for (size_t size = 0; size < vector->size && size < 4096; size++) {
            uint8_t *bytes = copy_of(vector->bytes, size);
            size_t offset = 0;
            amqpc_status status = decode(vector, bytes, size, &offset);
            assert_true(offset <= size || status == AMQPC_NEED_MORE);
            if (valid && is_kind(vector, "value")) {
                assert_true(size >= vector->offset ? status == AMQPC_OK
                                                   : status == AMQPC_TRUNCATED);
            }
            if (valid && is_kind(vector, "frame")) {
                assert_int_equal(status, AMQPC_NEED_MORE);
                assert_int_equal(offset, size < AMQPC_FRAME_HEADER_SIZE ? AMQPC_FRAME_HEADER_SIZE
                                                                        : vector->size);
            }
            free(bytes);
        }
    }
}

static void check_value_round_trip(const test_vector *vector, uint8_t *bytes, amqpc_writer *writer)
{
    amqpc_value value;
    amqpc_value again;
    bool same = false;
    assert_int_equal(amqpc_value_decode(vector->bytes, vector->size, NULL, &value, NULL), AMQPC_OK);
    amqpc_writer_set_fixed(writer, bytes, vector->size);
    assert_int_equal(amqpc_writer_value(writer, &value), AMQPC_OK);
    assert_int_equal(amqpc_writer_size(writer), vector->offset);
    assert_memory_equal(bytes, vector->bytes, vector->offset);
    /* A value whose code is set to the smallest decodes to the same value. */
    value.code = AMQPC_CODE_SMALLEST;
    amqpc_writer_set_fixed(writer, bytes, vector->size);
    assert_int_equal(amqpc_writer_value(writer, &value), AMQPC_OK);
    assert_int_equal(amqpc_value_decode(bytes, amqpc_writer_size(writer), NULL, &again, NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_value_same(&value, &again, &same), AMQPC_OK);
    assert_true(same);
}

static void check_message_round_trip(const test_vector *vector, uint8_t *bytes, size_t capacity)
{
    amqpc_message message;
    size_t size = 0;
    assert_int_equal(amqpc_message_decode(vector->bytes, vector->size, NULL, &message, NULL),
                     AMQPC_OK);
    assert_int_equal(
        amqpc_message_encode(&message, AMQPC_ENCODE_AS_ARRIVED, bytes, capacity, &size), AMQPC_OK);
    assert_int_equal(size, vector->size);
    assert_memory_equal(bytes, vector->bytes, size);
    assert_int_equal(amqpc_message_encode(&message, 0, bytes, capacity, &size), AMQPC_OK);
    assert_true(size <= amqpc_message_encoded_bound(&message, 0));
    /* The same text, which keeps every type and bit, out of the new bytes. */
    test_vector again = *vector;
    size_t offset = 0;
    assert_int_equal(decode(&again, bytes, size, &offset), AMQPC_OK);
    assert_int_equal(amqpc_buffer_size(buffer), strlen(vector->text));
    assert_memory_equal(amqpc_buffer_data(buffer), vector->text, strlen(vector->text));
}

static void check_frame_round_trip(const test_vector *vector, uint8_t *bytes, size_t capacity)
{
    amqpc_frame frame;
    amqpc_performative performative;
    size_t size = 0;
    size_t offset = 0;
    assert_int_equal(
        amqpc_frame_decode(vector->bytes, vector->size, &any_channel, &frame, &performative, NULL),
        AMQPC_OK);
    assert_int_equal(amqpc_frame_write((amqpc_frame_type)frame.type, frame.channel, &performative,
                                       bytes, capacity, &size),
                     AMQPC_OK);
    assert_int_equal(decode(vector, bytes, size, &offset), AMQPC_OK);
    assert_int_equal(amqpc_buffer_size(buffer), strlen(vector->text));
    assert_memory_equal(amqpc_buffer_data(buffer), vector->text, strlen(vector->text));
}

static void test_what_decodes_encodes_to_the_same(void **state)
{
    (void)state;
    amqpc_writer *writer = NULL;
    assert_int_equal(amqpc_writer_new(NULL, &writer), AMQPC_OK);
    for (size_t i = 0; i < vectors.count; i++) {
        const test_vector *vector = &vectors.vectors[i];
        size_t capacity = vector->size + 64;
        uint8_t *bytes = (uint8_t *)malloc(capacity);
        assert_non_null(bytes);
        if (strcmp(vector->status, "ok") != 0) {
            free(bytes);
            continue;
        }
        if (is_kind(vector, "value")) {
            check_value_round_trip(vector, bytes, writer);
        } else if (is_kind(vector, "message")) {
            check_message_round_trip(vector, bytes, capacity);
        } else if (is_kind(vector, "frame")) {
            check_frame_round_trip(vector, bytes, capacity);
        }
        free(bytes);
    }
    amqpc_writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_offset_and_text),
        cmocka_unit_test(test_row_25_truncation_at_every_byte),
        cmocka_unit_test(test_what_decodes_encodes_to_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
