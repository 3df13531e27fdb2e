/* Messages: views, every form of body, encoding from a plain struct, bytes as they arrived
 * (AMQP 3.2). */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

enum { ROOM = 2048 };

static const amqpc_value annotation_items[4] = {
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"x-opt-sequence-number", 21}},
    {.type = AMQPC_TYPE_LONG, .as.i64 = 300},
    {.type = AMQPC_TYPE_ULONG, .as.u64 = 5},
    {.type = AMQPC_TYPE_NULL},
};
static const amqpc_value property_items[4] = {
    {.type = AMQPC_TYPE_STRING, .as.bytes = {"a\0b", 3}},
    {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = true},
    {.type = AMQPC_TYPE_STRING, .as.bytes = {"a", 1}},
    {.type = AMQPC_TYPE_DOUBLE, .as.f64 = 1.5},
};

static amqpc_value map_of(const amqpc_value *items, uint32_t count)
{
    return (amqpc_value){
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = count, .as.items = items};
}

static amqpc_value binary_of(const void *data, size_t size)
{
    return (amqpc_value){.type = AMQPC_TYPE_BINARY, .as.bytes = {data, size}};
}

/* A message with every section, and every property. */
static amqpc_message full_message(void)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_HEADER | AMQPC_SECTION_DELIVERY_ANNOTATIONS |
                       AMQPC_SECTION_MESSAGE_ANNOTATIONS | AMQPC_SECTION_PROPERTIES |
                       AMQPC_SECTION_APPLICATION_PROPERTIES | AMQPC_SECTION_BODY |
                       AMQPC_SECTION_FOOTER;
    message.header = (amqpc_header){.present = 0x1f,
                                    .durable = true,
                                    .priority = 9,
                                    .ttl = 1000,
                                    .first_acquirer = true,
                                    .delivery_count = 2};
    message.delivery_annotations = map_of(annotation_items, 2);
    message.message_annotations = map_of(annotation_items, 4);
    message.properties = (amqpc_properties){
        .present = 0x1fff,
        .message_id = {.type = AMQPC_TYPE_UUID, .as.octets = {1, 2, 3}},
        .user_id = {"u", 1},
        .to = {"t\0o", 3},
        .subject = {"s", 1},
        .reply_to = {"r", 1},
        .correlation_id = {.type = AMQPC_TYPE_STRING, .as.bytes = {"c", 1}},
        .content_type = {"ct", 2},
        .content_encoding = {"ce", 2},
        .absolute_expiry_time = 1,
        .creation_time = -1,
        .group_id = {"g", 1},
        .group_sequence = 4294967295,
        .reply_to_group_id = {"rg", 2},
    };
    message.application_properties = map_of(property_items, 4);
    message.body_kind = AMQPC_BODY_DATA;
    message.body_count = 1;
    message.body = binary_of("body", 4);
    message.footer = map_of(annotation_items, 2);
    return message;
}

static amqpc_status encode(const amqpc_message *message, uint8_t *bytes, size_t *size)
{
    return amqpc_message_encode(message, 0, bytes, ROOM, size);
}

static void test_a_full_message_comes_back_member_by_member(void **state)
{
    (void)state;
    amqpc_message message = full_message();
    amqpc_message back;
    uint8_t bytes[ROOM];
    size_t size = 0;
    size_t offset = 0;
    bool same = false;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    assert_int_equal(amqpc_message_decode(bytes, size, NULL, &back, &offset), AMQPC_OK);
    assert_int_equal(offset, size);
    assert_int_equal(back.sections, message.sections);
    assert_int_equal(back.header.present, 0x1f);
    assert_true(back.header.durable);
    assert_int_equal(back.header.priority, 9);
    assert_int_equal(back.header.ttl, 1000);
    assert_int_equal(back.header.delivery_count, 2);
    assert_int_equal(back.properties.present, 0x1fff);
    assert_int_equal(back.properties.to.size, 3); /* the NUL in it is data */
    assert_memory_equal(back.properties.to.data, "t\0o", 3);
    assert_memory_equal(back.properties.message_id.as.octets,
                        message.properties.message_id.as.octets, 16);
    assert_int_equal(back.properties.creation_time, -1);
    assert_int_equal(back.properties.group_sequence, 4294967295);
    assert_int_equal(
        amqpc_value_same(&back.message_annotations, &message.message_annotations, &same), AMQPC_OK);
    assert_true(same);
    assert_int_equal(
        amqpc_value_same(&back.application_properties, &message.application_properties, &same),
        AMQPC_OK);
    assert_true(same);
    assert_int_equal(amqpc_value_same(&back.footer, &message.footer, &same), AMQPC_OK);
    assert_true(same);
    assert_int_equal(back.body.as.bytes.size, 4);
}

static void test_application_properties_are_found_by_key(void **state)
{
    (void)state;
    amqpc_message message = full_message();
    uint8_t bytes[ROOM];
    size_t size = 0;
    amqpc_value value;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    assert_int_equal(amqpc_message_decode(bytes, size, NULL, &message, NULL), AMQPC_OK);
    assert_int_equal(amqpc_map_get(&message.application_properties, "a\0b", 3, &value), AMQPC_OK);
    assert_true(value.as.boolean);
    assert_int_equal(amqpc_map_get(&message.application_properties, "a", 1, &value), AMQPC_OK);
    assert_true(value.as.f64 == 1.5);
    assert_int_equal(amqpc_map_get(&message.application_properties, "b", 1, &value),
                     AMQPC_NOT_FOUND);
    assert_int_equal(
        amqpc_map_get(&message.message_annotations, "x-opt-sequence-number", 21, &value), AMQPC_OK);
    assert_int_equal(value.as.i64, 300);
    assert_int_equal(amqpc_map_get(&message.body, "a", 1, &value), AMQPC_INVALID_ARGUMENT);
}

static void test_bytes_as_they_arrived_but_for_a_changed_section(void **state)
{
    (void)state;
    amqpc_message message = full_message();
    uint8_t bytes[ROOM];
    uint8_t again[ROOM];
    size_t size = 0;
    size_t again_size = 0;
    /* Codes wider than need be, which encoding anew would not choose. */
    message.body.code = AMQPC_CODE_BINARY32;
    amqpc_value annotations = message.message_annotations;
    annotations.code = AMQPC_CODE_MAP32;
    message.message_annotations = annotations;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    assert_int_equal(amqpc_message_decode(bytes, size, NULL, &message, NULL), AMQPC_OK);
    assert_int_equal(
        amqpc_message_encode(&message, AMQPC_ENCODE_AS_ARRIVED, again, ROOM, &again_size),
        AMQPC_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    message.header.delivery_count = 3;
    message.encoded[0].size = 0;
    assert_int_equal(
        amqpc_message_encode(&message, AMQPC_ENCODE_AS_ARRIVED, again, ROOM, &again_size),
        AMQPC_OK);
    amqpc_message changed;
    assert_int_equal(amqpc_message_decode(again, again_size, NULL, &changed, NULL), AMQPC_OK);
    assert_int_equal(changed.header.delivery_count, 3);
    for (unsigned i = 1; i < 7; i++) {
        assert_int_equal(changed.encoded[i].size, message.encoded[i].size);
        assert_memory_equal(changed.encoded[i].data, message.encoded[i].data,
                            message.encoded[i].size);
    }
    assert_int_equal(amqpc_message_encode(&message, 2, again, ROOM, &again_size),
                     AMQPC_INVALID_ARGUMENT);
}

static void check_bodies(uint32_t kind, const amqpc_value *bodies, uint32_t count)
{
    amqpc_message message;
    amqpc_message back;
    uint8_t bytes[ROOM];
    uint8_t again[ROOM];
    size_t size = 0;
    size_t again_size = 0;
    amqpc_body body;
    amqpc_value value;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = kind;
    message.body_count = count;
    message.bodies = bodies;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    assert_true(size <= amqpc_message_encoded_bound(&message, 0));
    assert_int_equal(amqpc_message_decode(bytes, size, NULL, &back, NULL), AMQPC_OK);
    assert_int_equal(back.body_kind, kind);
    assert_int_equal(back.body_count, count);
    amqpc_body_init(&back, &body);
    for (uint32_t i = 0; i < count; i++) {
        bool same = false;
        assert_int_equal(amqpc_body_next(&body, &value), AMQPC_OK);
        assert_int_equal(amqpc_value_same(&value, &bodies[i], &same), AMQPC_OK);
        assert_true(same);
    }
    assert_int_equal(amqpc_body_next(&body, &value), AMQPC_NOT_FOUND);
    assert_int_equal(encode(&back, again, &again_size), AMQPC_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    assert_int_equal(amqpc_message_encoded_bound(&back, AMQPC_ENCODE_AS_ARRIVED), size);
    amqpc_body_init(&message, &body);
    assert_int_equal(amqpc_body_next(&body, &value), AMQPC_OK);
    assert_int_equal(value.type, bodies[0].type);
}

static void test_every_form_of_body(void **state)
{
    (void)state;
    const amqpc_value data[3] = {binary_of("one", 3), binary_of("", 0), binary_of("three", 5)};
    const amqpc_value lists[2] = {
        {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 4, .as.items = property_items},
        {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 0},
    };
    const amqpc_value value = {.type = AMQPC_TYPE_NULL};
    for (uint32_t count = 1; count <= 3; count++) {
        check_bodies(AMQPC_BODY_DATA, data, count);
    }
    check_bodies(AMQPC_BODY_SEQUENCE, lists, 1);
    check_bodies(AMQPC_BODY_SEQUENCE, lists, 2);
    check_bodies(AMQPC_BODY_VALUE, &value, 1);
    check_bodies(AMQPC_BODY_VALUE, &lists[0], 1);
}

static void test_a_message_without_body_is_let_through(void **state)
{
    (void)state;
    amqpc_message message;
    amqpc_body body;
    amqpc_value value;
    uint8_t bytes[8];
    size_t size = 1;
    assert_int_equal(amqpc_message_decode(NULL, 0, NULL, &message, NULL), AMQPC_OK);
    assert_int_equal(message.sections, 0);
    assert_int_equal(message.body_kind, AMQPC_BODY_NONE);
    assert_int_equal(message.header.priority, 4);
    amqpc_body_init(&message, &body);
    assert_int_equal(amqpc_body_next(&body, &value), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_message_encode(&message, 0, bytes, 0, &size), AMQPC_OK);
    assert_int_equal(size, 0);
}

static void test_too_small_a_buffer_is_full_and_the_bound_is_enough(void **state)
{
    (void)state;
    amqpc_message message = full_message();
    uint8_t bytes[ROOM];
    size_t size = 0;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    assert_true(amqpc_message_encoded_bound(&message, 0) >= size);
    for (size_t capacity = 0; capacity < size; capacity++) {
        size_t untouched = 7;
        assert_int_equal(amqpc_message_encode(&message, 0, bytes, capacity, &untouched),
                         AMQPC_BUFFER_FULL);
        assert_int_equal(untouched, 7);
    }
    assert_int_equal(amqpc_message_encode(&message, 0, bytes, size, &size), AMQPC_OK);
}

static void test_body_by_reference_is_left_out(void **state)
{
    (void)state;
    amqpc_message message = full_message();
    uint8_t whole[ROOM];
    uint8_t around[ROOM];
    uint8_t joined[ROOM];
    size_t whole_size = 0;
    size_t size = 0;
    size_t body_offset = 0;
    static uint8_t long_body[300];
    const size_t body_sizes[] = {0, 4, 255, 256, 300};
    for (size_t i = 0; i < sizeof body_sizes / sizeof body_sizes[0]; i++) {
        message.body = binary_of(long_body, body_sizes[i]);
        assert_int_equal(encode(&message, whole, &whole_size), AMQPC_OK);
        assert_int_equal(
            amqpc_message_encode_around(&message, 0, around, ROOM, &size, &body_offset), AMQPC_OK);
        assert_int_equal(size + body_sizes[i], whole_size);
        memcpy(joined, around, body_offset);
        memcpy(joined + body_offset, long_body, body_sizes[i]);
        memcpy(joined + body_offset + body_sizes[i], around + body_offset, size - body_offset);
        assert_memory_equal(joined, whole, whole_size);
    }
    message.body_kind = AMQPC_BODY_VALUE;
    assert_int_equal(amqpc_message_encode_around(&message, 0, around, ROOM, &size, &body_offset),
                     AMQPC_OK);
    assert_int_equal(body_offset, size);
    assert_int_equal(amqpc_message_encode_around(&message, 0, around, 3, &size, &body_offset),
                     AMQPC_BUFFER_FULL);
}

static void append_messages(const amqpc_allocator *allocator)
{
    amqpc_message message = full_message();
    amqpc_buffer *buffer = NULL;
    uint8_t bytes[ROOM];
    size_t size = 0;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    if (amqpc_buffer_new(allocator, SIZE_MAX, &buffer) != AMQPC_OK) {
        return;
    }
    for (size_t i = 0; i < 20; i++) {
        size_t before = amqpc_buffer_size(buffer);
        amqpc_status status = amqpc_message_append(&message, 0, buffer);
        if (status != AMQPC_OK) {
            assert_int_equal(status, AMQPC_NO_MEMORY);
            assert_int_equal(amqpc_buffer_size(buffer), before);
            break;
        }
        assert_int_equal(amqpc_buffer_size(buffer), before + size);
        assert_memory_equal(amqpc_buffer_data(buffer) + before, bytes, size);
    }
    amqpc_buffer_free(buffer);
}

static void test_row_101_appending_survives_failing_allocations(void **state)
{
    (void)state;
    append_messages(NULL);
    assert_survives_failing_allocations(append_messages);
}

static void test_a_full_buffer_is_as_before(void **state)
{
    (void)state;
    amqpc_message message = full_message();
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, 300, &buffer), AMQPC_OK);
    amqpc_status status = AMQPC_OK;
    size_t before = 0;
    while (status == AMQPC_OK) {
        before = amqpc_buffer_size(buffer);
        status = amqpc_message_append(&message, 0, buffer);
    }
    assert_int_equal(status, AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_buffer_size(buffer), before);
    amqpc_buffer_free(buffer);
}

static void test_members_that_cannot_be_encoded_are_refused(void **state)
{
    (void)state;
    const amqpc_value number = {.type = AMQPC_TYPE_INT};
    uint8_t bytes[ROOM];
    size_t size = 0;
    amqpc_message message = full_message();
    message.footer = number;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message = full_message();
    message.body = number; /* a data section holds binary */
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message.body_kind = AMQPC_BODY_SEQUENCE;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message.body_kind = AMQPC_BODY_VALUE;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_OK);
    message.body_count = 2;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message.body_kind = AMQPC_BODY_DATA; /* two sections, of which the second is nowhere */
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message.body_kind = 4;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message.body_kind = AMQPC_BODY_NONE;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message = full_message();
    message.sections |= 128;
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
    message = full_message();
    message.properties.subject = (amqpc_bytes){"\xff", 1};
    assert_int_equal(encode(&message, bytes, &size), AMQPC_INVALID_ARGUMENT);
}

static void test_message_prints_as_text_and_as_json(void **state)
{
    (void)state;
    static const char text[] =
        "header(durable=true, priority=9, ttl=1000, first-acquirer=true, delivery-count=2) "
        "delivery-annotations{:\"x-opt-sequence-number\": long(300)} "
        "message-annotations{:\"x-opt-sequence-number\": long(300), ulong(5): null} "
        "properties(message-id=uuid(01020300-0000-0000-0000-000000000000), user-id=binary(75), "
        "to=\"t\\u0000o\", subject=\"s\", "
        "reply-to=\"r\", correlation-id=\"c\", content-type=:\"ct\", content-encoding=:\"ce\", "
        "absolute-expiry-time=timestamp(1), "
        "creation-time=timestamp(-1), group-id=\"g\", group-sequence=4294967295, "
        "reply-to-group-id=\"rg\") "
        "application-properties{\"a\\u0000b\": true, \"a\": double(1.5)} data(626f6479) "
        "footer{:\"x-opt-sequence-number\": long(300)}";
    static const char json[] =
        "{\"header\": {\"durable\": true, \"priority\": 9, \"ttl\": 1000, \"first-acquirer\": "
        "true, \"delivery-count\": 2}, "
        "\"delivery-annotations\": {\"map\": [[{\"symbol\": \"x-opt-sequence-number\"}, {\"long\": "
        "300}]]}, "
        "\"message-annotations\": {\"map\": [[{\"symbol\": \"x-opt-sequence-number\"}, {\"long\": "
        "300}], [{\"ulong\": 5}, null]]}, "
        "\"properties\": {\"message-id\": {\"uuid\": \"01020300-0000-0000-0000-000000000000\"}, "
        "\"user-id\": {\"binary\": \"75\"}, "
        "\"to\": \"t\\u0000o\", \"subject\": \"s\", \"reply-to\": \"r\", \"correlation-id\": "
        "\"c\", \"content-type\": \"ct\", "
        "\"content-encoding\": \"ce\", \"absolute-expiry-time\": {\"timestamp\": 1}, "
        "\"creation-time\": {\"timestamp\": -1}, "
        "\"group-id\": \"g\", \"group-sequence\": 4294967295, \"reply-to-group-id\": \"rg\"}, "
        "\"application-properties\": {\"map\": [[\"a\\u0000b\", true], [\"a\", {\"double\": "
        "1.5}]]}, \"data\": [\"626f6479\"], "
        "\"footer\": {\"map\": [[{\"symbol\": \"x-opt-sequence-number\"}, {\"long\": 300}]]}}";
    amqpc_message message = full_message();
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), AMQPC_OK);
    assert_int_equal(amqpc_message_print(&message, AMQPC_PRINT_TEXT, buffer), AMQPC_OK);
    assert_int_equal(amqpc_buffer_size(buffer), sizeof text - 1);
    assert_memory_equal(amqpc_buffer_data(buffer), text, sizeof text - 1);
    amqpc_buffer_truncate(buffer, 0);
    assert_int_equal(amqpc_message_print(&message, AMQPC_PRINT_JSON, buffer), AMQPC_OK);
    assert_int_equal(amqpc_buffer_size(buffer), sizeof json - 1);
    assert_memory_equal(amqpc_buffer_data(buffer), json, sizeof json - 1);
    message.body_kind = 9;
    assert_int_equal(amqpc_message_print(&message, AMQPC_PRINT_JSON, buffer),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_buffer_free(buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_message_comes_back_member_by_member),
        cmocka_unit_test(test_application_properties_are_found_by_key),
        cmocka_unit_test(test_bytes_as_they_arrived_but_for_a_changed_section),
        cmocka_unit_test(test_every_form_of_body),
        cmocka_unit_test(test_a_message_without_body_is_let_through),
        cmocka_unit_test(test_too_small_a_buffer_is_full_and_the_bound_is_enough),
        cmocka_unit_test(test_body_by_reference_is_left_out),
        cmocka_unit_test(test_row_101_appending_survives_failing_allocations),
        cmocka_unit_test(test_a_full_buffer_is_as_before),
        cmocka_unit_test(test_members_that_cannot_be_encoded_are_refused),
        cmocka_unit_test(test_message_prints_as_text_and_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
