/* Messages that are written as JSON: as the library prints them, as people write them, and wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <amqpcodec/amqpcodec.h>

#include "support/vector_file.h"
#include "tools/json_message.h"

static char reason[256];

static bool read_text(const char *text, size_t size, arena *memory, json_message *read)
{
    reason[0] = '\0';
    bool good = json_message_read(text, size, memory, read, reason, sizeof reason);
    assert_int_equal(good, reason[0] == '\0');
    return good;
}

static amqpc_buffer *printed(const amqpc_message *message, amqpc_print_format format)
{
    amqpc_buffer *text = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &text), AMQPC_OK);
    assert_int_equal(amqpc_message_print(message, format, text), AMQPC_OK);
    return text;
}

/* What the message is when it has arrived, in the notation, and a newline; NULL where it cannot be
 * encoded. */
static amqpc_buffer *sent(const amqpc_message *message)
{
    amqpc_message arrived;
    amqpc_buffer *bytes = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &bytes), AMQPC_OK);
    if (amqpc_message_append(message, 0, bytes) != AMQPC_OK) {
        amqpc_buffer_free(bytes);
        return NULL;
    }
    assert_int_equal(amqpc_message_decode(amqpc_buffer_data(bytes), amqpc_buffer_size(bytes), NULL,
                                          &arrived, NULL),
                     AMQPC_OK);
    amqpc_buffer *text = printed(&arrived, AMQPC_PRINT_TEXT);
    assert_int_equal(amqpc_buffer_append(text, "\n", 1), AMQPC_OK);
    amqpc_buffer_free(bytes);
    return text;
}

/* Copies a message by way of JSON. */
static void assert_copied(const char *name, const amqpc_message *message)
{
    arena memory = {NULL};
    json_message read;
    amqpc_buffer *json = printed(message, AMQPC_PRINT_JSON);
    const char *text = (const char *)amqpc_buffer_data(json);
    if (!read_text(text, amqpc_buffer_size(json), &memory, &read)) {
        fail_msg("%s: %s", name, reason);
    }
    assert_null(read.payload.data);
    amqpc_buffer *expected = printed(message, AMQPC_PRINT_TEXT);
    assert_int_equal(amqpc_buffer_append(expected, "\n", 1), AMQPC_OK); /* none is empty then */
    amqpc_buffer *copy = sent(&read.message);
    if (copy == NULL) {
        fail_msg("%s cannot be encoded: %.*s", name, (int)amqpc_buffer_size(json), text);
    }
    if (amqpc_buffer_size(copy) != amqpc_buffer_size(expected) ||
        memcmp(amqpc_buffer_data(copy), amqpc_buffer_data(expected), amqpc_buffer_size(copy)) !=
            0) {
        fail_msg("%s: %.*s, not %.*s", name, (int)amqpc_buffer_size(copy),
                 (const char *)amqpc_buffer_data(copy), (int)amqpc_buffer_size(expected),
                 (const char *)amqpc_buffer_data(expected));
    }
    amqpc_buffer_free(copy);
    amqpc_buffer_free(expected);
    amqpc_buffer_free(json);
    arena_reset(&memory);
}

/* A message whose body is a value. */
static amqpc_message message_of(const amqpc_value *value)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body = *value;
    return message;
}

/* What values of items cannot say: the type of an array that has no elements, and several
 * descriptors of an array's elements. */
static bool is_beyond_items(const test_vector *vector)
{
    return strstr(vector->text, ">[]") != NULL ||
           strcmp(vector->name, "array-of-twice-described") == 0;
}

static void test_every_vector_is_copied(void **state)
{
    (void)state;
    vector_set set = vector_set_read();
    size_t messages = 0;
    size_t values = 0;
    for (size_t i = 0; i < set.count; i++) {
        const test_vector *vector = &set.vectors[i];
        amqpc_message message;
        amqpc_value value;
        if (strcmp(vector->status, "ok") != 0 || is_beyond_items(vector)) {
            continue;
        }
        if (strcmp(vector->kind, "message") == 0) {
            assert_int_equal(
                amqpc_message_decode(vector->bytes, vector->size, NULL, &message, NULL), AMQPC_OK);
            assert_copied(vector->name, &message);
            messages++;
        } else if (strcmp(vector->kind, "value") == 0) {
            assert_int_equal(amqpc_value_decode(vector->bytes, vector->size, NULL, &value, NULL),
                             AMQPC_OK);
            message = message_of(&value);
            assert_copied(vector->name, &message);
            values++;
        }
    }
    assert_true(messages > 10);
    assert_true(values > 100);
    vector_set_free(&set);
}

static void test_numbers_keep_every_bit(void **state)
{
    (void)state;
    const amqpc_value values[] = {
        {.type = AMQPC_TYPE_ULONG, .as.u64 = UINT64_MAX},
        {.type = AMQPC_TYPE_ULONG, .as.u64 = (uint64_t)1 << 63},
        {.type = AMQPC_TYPE_LONG, .as.i64 = INT64_MIN},
        {.type = AMQPC_TYPE_LONG, .as.i64 = INT64_MAX},
        {.type = AMQPC_TYPE_TIMESTAMP, .as.i64 = INT64_MIN},
        {.type = AMQPC_TYPE_DOUBLE, .as.f64 = 0.1},
        {.type = AMQPC_TYPE_DOUBLE, .as.f64 = -0.0},
        {.type = AMQPC_TYPE_DOUBLE, .as.f64 = 5e-324},
        {.type = AMQPC_TYPE_DOUBLE, .as.f64 = 1.7976931348623157e308},
        {.type = AMQPC_TYPE_FLOAT, .as.f32 = 0.1f},
        {.type = AMQPC_TYPE_FLOAT, .as.f32 = -0.0f},
        {.type = AMQPC_TYPE_FLOAT, .as.f32 = 1e-45f},
        {.type = AMQPC_TYPE_FLOAT, .as.f32 = 16777216.0f},
        {.type = AMQPC_TYPE_DECIMAL64, .as.u64 = UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        amqpc_message message = message_of(&values[i]);
        assert_copied(amqpc_type_name(values[i].type), &message);
    }
    const float infinite = (float)1e300;
    amqpc_value value = {.type = AMQPC_TYPE_FLOAT, .as.f32 = infinite};
    amqpc_message message = message_of(&value);
    assert_copied("infinity", &message);
}

static void test_what_people_write_in_short_has_the_type_of_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"{}", ""},
        {" {\"body\": \"hello\"} ", "amqp-value(\"hello\")"},
        {"{\"body\": null}", "amqp-value(null)"},
        {"{\"body\": [1, -1, 1.5, true, \"a\\u0000b\"]}",
         "amqp-value([long(1), long(-1), double(1.5), true, \"a\\u0000b\"])"},
        {"{\"body\": {\"a\": 1, \"b\": {\"c\": {\"uint\": 2}}}}",
         "amqp-value({\"a\": long(1), \"b\": {\"c\": uint(2)}})"},
        {"{\"body\": {\"string\": \"s\"}}", "amqp-value(\"s\")"},
        {"{\"body\": {\"double\": 1}}", "amqp-value(double(1))"},
        {"{\"data\": [\"00ff\", \"\"]}", "data(00ff) data()"},
        {"{\"amqp-sequence\": [[1], []]}", "amqp-sequence[long(1)] amqp-sequence[]"},
        {"{\"header\": {\"durable\": true, \"priority\": 9, \"ttl\": 1000, \"delivery-count\": "
         "null}}",
         "header(durable=true, priority=9, ttl=1000)"},
        {"{\"properties\": {\"message-id\": 7, \"user-id\": \"me\", \"to\": \"q\", "
         "\"content-type\": "
         "\"text/plain\", \"creation-time\": 5}}",
         "properties(message-id=ulong(7), user-id=binary(6d65), to=\"q\", "
         "content-type=:\"text/plain\", creation-time=timestamp(5))"},
        {"{\"properties\": {\"correlation-id\": {\"uuid\": "
         "\"F81D4FAE-7dec-11d0-a765-00a0c91e6bf6\"}}}",
         "properties(correlation-id=uuid(f81d4fae-7dec-11d0-a765-00a0c91e6bf6))"},
        {"{\"application-properties\": {\"a\": \"b\", \"n\": {\"int\": -3}}}",
         "application-properties{\"a\": \"b\", \"n\": int(-3)}"},
        {"{\"message-annotations\": {\"x-opt\": 1}, \"delivery-annotations\": {}, \"footer\": "
         "{\"f\": "
         "2}}",
         "delivery-annotations{} message-annotations{:\"x-opt\": long(1)} footer{:\"f\": long(2)}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        arena memory = {NULL};
        json_message read;
        if (!read_text(rows[i].json, strlen(rows[i].json), &memory, &read)) {
            fail_msg("%s: %s", rows[i].json, reason);
        }
        amqpc_buffer *text = sent(&read.message);
        assert_non_null(text);
        assert_int_equal(amqpc_buffer_size(text), strlen(rows[i].text) + 1);
        assert_memory_equal(amqpc_buffer_data(text), rows[i].text, strlen(rows[i].text));
        amqpc_buffer_free(text);
        arena_reset(&memory);
    }
}

static void test_a_payload_is_no_message(void **state)
{
    (void)state;
    static const char text[] = "{\"payload\": \"00ff61\"}";
    arena memory = {NULL};
    json_message read;
    assert_true(read_text(text, strlen(text), &memory, &read));
    assert_int_equal(read.payload.size, 3);
    assert_memory_equal(read.payload.data,
                        "\x00\xff"
                        "a",
                        3);
    arena_reset(&memory);
}

static void test_what_is_no_message_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"", "byte "},
        {"{", "byte "},
        {"{\"body\": 01}", "byte "},
        {"{} {}", "byte "},
        {"{\"body\": \"\xff\"}", "byte "},
        {"[]", "a message is an object"},
        {"null", "a message is an object"},
        {"7", "a message is an object"},
        {"{\"boddy\": 1}", "a message has no section 'boddy'"},
        {"{\"payload\": \"00\", \"body\": 1}", "a message has no section 'payload'"},
        {"{\"payload\": \"0\"}", "\"0\" is no bytes in hexadecimal digits"},
        {"{\"data\": [\"0g\"]}", "\"0g\" is no bytes in hexadecimal digits"},
        {"{\"data\": [7]}", "7 is no bytes in hexadecimal digits"},
        {"{\"data\": []}", "data is no list of sections"},
        {"{\"data\": \"00\"}", "data is no list of sections"},
        {"{\"amqp-sequence\": [1]}", "amqp-sequence is no list of lists"},
        {"{\"data\": [\"\"], \"body\": 1}", "the message has two bodies"},
        {"{\"header\": []}", "header is no object"},
        {"{\"header\": {\"prio\": 1}}", "header has no field 'prio'"},
        {"{\"header\": {\"priority\": 256}}", "priority of header is no ubyte"},
        {"{\"header\": {\"priority\": \"1\"}}", "priority of header is no ubyte"},
        {"{\"header\": {\"ttl\": -1}}", "ttl of header is no milliseconds"},
        {"{\"properties\": {\"message-id\": 1.5}}",
         "message-id of properties is no string, ulong, uuid or binary"},
        {"{\"properties\": {\"subject\": 1}}", "subject of properties is no string"},
        {"{\"application-properties\": [1]}", "application-properties is no map"},
        {"{\"application-properties\": {\"map\": [[1, 2]]}}",
         "a key of application-properties is of type long"},
        {"{\"message-annotations\": {\"map\": [[\"k\", 2]]}}",
         "a key of message-annotations is of type string"},
        {"{\"footer\": 1}", "footer is no map"},
        {"{\"body\": {\"ubyte\": 256}}", "256 is no ubyte"},
        {"{\"body\": {\"uint\": -1}}", "-1 is no uint"},
        {"{\"body\": {\"byte\": -129}}", "-129 is no byte"},
        {"{\"body\": {\"ulong\": 18446744073709551616}}", "18446744073709551615 is no ulong"},
        {"{\"body\": {\"long\": 9223372036854775808}}", "9223372036854775808 is no long"},
        {"{\"body\": {\"long\": -9223372036854775809}}", "-9223372036854775808 is no long"},
        {"{\"body\": {\"int\": 1.0}}", "1.0 is no int"},
        {"{\"body\": {\"int\": \"1\"}}", "\"1\" is no int"},
        {"{\"body\": {\"double\": \"1\"}}", "\"1\" is no double"},
        {"{\"body\": {\"float\": null}}", "null is no float"},
        {"{\"body\": {\"decimal32\": \"0x0\"}}", "\"0x0\" is no decimal32: 0x and 8 digits"},
        {"{\"body\": {\"char\": \"A\"}}", "\"A\" is no char: U+ and its number"},
        {"{\"body\": {\"char\": \"U+110000\"}}", "\"U+110000\" is no char: U+ and its number"},
        {"{\"body\": {\"uuid\": \"f81d4fae7dec-11d0-a765-00a0c91e6bf66\"}}",
         "\"f81d4fae7dec-11d0-a765-00a0c91e6bf66\" is no uuid"},
        {"{\"body\": {\"uuid\": 1}}", "1 is no uuid"},
        {"{\"body\": {\"symbol\": 1}}", "1 is no symbol"},
        {"{\"body\": {\"map\": [[1]]}}", "[[1]] is no list of pairs of key and value"},
        {"{\"body\": {\"map\": 1}}", "1 is no list of pairs of key and value"},
        {"{\"body\": {\"list\": 1}}", "1 is no list"},
        {"{\"body\": {\"described\": [1]}}", "[1] is no pair of descriptor and value"},
        {"{\"body\": {\"array\": []}}", "[] is no array: it has a list of values"},
        {"{\"body\": {\"array\": {\"values\": [], \"descriptors\": [1, 2]}}}",
         "{\"values\":[],\"descriptors\":[1,2]}: elements of arrays have one descriptor here"},
        {"{\"body\": {\"array\": {\"values\": [], \"descriptors\": 1}}}",
         "{\"values\":[],\"descriptors\":1} is no array: it has a list of values"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        arena memory = {NULL};
        json_message read;
        assert_false(read_text(rows[i].json, strlen(rows[i].json), &memory, &read));
        if (strcmp(rows[i].text, "byte ") == 0) { /* the rest is json-c's */
            assert_memory_equal(reason, rows[i].text, strlen(rows[i].text));
        } else {
            assert_string_equal(reason, rows[i].text);
        }
        arena_reset(&memory);
    }
}

static void test_a_document_may_be_nested_as_deep_as_values_are(void **state)
{
    (void)state;
    enum { DEEP = 4000 };
    char text[2 * DEEP + 16] = "{\"body\": ";
    size_t head = strlen(text);
    arena memory = {NULL};
    json_message read;
    memset(text + head, '[', DEEP);
    memset(text + head + DEEP, ']', DEEP);
    text[head + 2 * DEEP] = '}';
    assert_false(read_text(text, head + 2 * DEEP + 1, &memory, &read));

    size_t depth = 100;
    memset(text + head, '[', depth);
    memset(text + head + depth, ']', depth);
    text[head + 2 * depth] = '}';
    assert_true(read_text(text, head + 2 * depth + 1, &memory, &read));
    arena_reset(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_is_copied),
        cmocka_unit_test(test_numbers_keep_every_bit),
        cmocka_unit_test(test_what_people_write_in_short_has_the_type_of_its_place),
        cmocka_unit_test(test_a_payload_is_no_message),
        cmocka_unit_test(test_what_is_no_message_is_refused_in_words),
        cmocka_unit_test(test_a_document_may_be_nested_as_deep_as_values_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
