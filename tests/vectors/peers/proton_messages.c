/* Messages as pn_message_encode writes them.
 *
 * Proton always writes the sections header and properties, empty ones included, and leaves out of
 * them every field that equals its default; the expectations below say so. */
#include "proton_vector.h"

#include <proton/message.h>
#include <string.h>

static const uint8_t example_uuid[16] = {0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0,
                                         0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6};

/* The one message under construction, between start and finish. */
static pn_message_t *message = NULL;
static text_t message_text;
static value_t value;

/* Starts a message and the expectation of its next sections. */
static void start(const char *sections)
{
    if (message == NULL) {
        message = pn_message();
    }
    pn_message_clear(message);
    text_clear(&message_text);
    text_append(&message_text, "%s", sections);
}

static void finish(const char *name)
{
    char bytes[BYTES_CAPACITY];
    size_t size = sizeof bytes;
    int error = pn_message_encode(message, bytes, &size);
    if (error != 0) {
        fail("%s: Proton does not encode it: %s", name, pn_code(error));
    }
    print_vector("message", name, bytes, size, &message_text);
}

/* Expects one section more, or several; written by the caller in full. */
static void expect(const char *sections)
{
    text_append(&message_text, " %s", sections);
}

/* Expects a section whose content is put into data by means of the value returned. */
static value_t *begin_section(const char *name, pn_data_t *data)
{
    text_append(&message_text, " %s", name);
    value_begin(&value, data, &message_text);
    return &value;
}

static value_t *begin_amqp_value(void)
{
    return begin_section("amqp-value(", pn_message_body(message));
}

static void finish_amqp_value(const char *name)
{
    text_append(&message_text, ")");
    finish(name);
}

/* The body where the test is about other sections. */
static void finish_with_null_body(const char *name)
{
    put_null(begin_amqp_value());
    finish_amqp_value(name);
}

/* A body of one data section; Proton writes one where the body is binary and inferred. */
static void finish_with_data(const char *name, const void *bytes, size_t size)
{
    pn_message_set_inferred(message, true);
    pn_data_put_binary(pn_message_body(message), pn_bytes(size, bytes));
    expect("data(");
    text_append_hex(&message_text, bytes, size);
    text_append(&message_text, ")");
    finish(name);
}

static void print_headers(void)
{
    start("header(durable=true) properties()");
    pn_message_set_durable(message, true);
    finish_with_null_body("header-durable");

    start("header(priority=9) properties()");
    pn_message_set_priority(message, 9);
    finish_with_null_body("header-priority");

    start("header(priority=0) properties()");
    pn_message_set_priority(message, 0);
    finish_with_null_body("header-priority-0");

    start("header(ttl=4294967295) properties()");
    pn_message_set_ttl(message, UINT32_MAX);
    finish_with_null_body("header-ttl-max");

    start("header(first-acquirer=true) properties()");
    pn_message_set_first_acquirer(message, true);
    finish_with_null_body("header-first-acquirer");

    start("header(delivery-count=256) properties()");
    pn_message_set_delivery_count(message, 256);
    finish_with_null_body("header-delivery-count");

    start("header(durable=true, priority=255, ttl=60000, first-acquirer=true, delivery-count=3) "
          "properties()");
    pn_message_set_durable(message, true);
    pn_message_set_priority(message, 255);
    pn_message_set_ttl(message, 60000);
    pn_message_set_first_acquirer(message, true);
    pn_message_set_delivery_count(message, 3);
    finish_with_null_body("header-all-fields");
}

static void print_message_ids(void)
{
    start("header() properties(message-id=ulong(18446744073709551615), correlation-id=ulong(0))");
    pn_data_put_ulong(pn_message_id(message), UINT64_MAX);
    pn_data_put_ulong(pn_message_correlation_id(message), 0);
    finish_with_null_body("message-id-ulong");

    start("header() properties(message-id=uuid(f81d4fae-7dec-11d0-a765-00a0c91e6bf6), "
          "correlation-id=uuid(f81d4fae-7dec-11d0-a765-00a0c91e6bf6))");
    pn_uuid_t uuid;
    memcpy(uuid.bytes, example_uuid, sizeof uuid.bytes);
    pn_data_put_uuid(pn_message_id(message), uuid);
    pn_data_put_uuid(pn_message_correlation_id(message), uuid);
    finish_with_null_body("message-id-uuid");

    start("header() properties(message-id=binary(00ff), correlation-id=binary())");
    pn_data_put_binary(pn_message_id(message), pn_bytes(2, "\x00\xff"));
    pn_data_put_binary(pn_message_correlation_id(message), pn_bytes(0, ""));
    finish_with_null_body("message-id-binary");

    start("header() properties(message-id=\"id-1\", correlation-id=\"\")");
    pn_data_put_string(pn_message_id(message), pn_bytes(4, "id-1"));
    pn_data_put_string(pn_message_correlation_id(message), pn_bytes(0, ""));
    finish_with_null_body("message-id-string");
}

static void print_properties(void)
{
    start("header() properties(to=\"queue\")");
    pn_message_set_address(message, "queue");
    finish_with_null_body("properties-to");

    start("header() properties(user-id=binary(616c696365))");
    pn_message_set_user_id(message, pn_bytes(5, "alice"));
    finish_with_null_body("properties-user-id");

    start("header() properties(subject=\"\")");
    pn_message_set_subject(message, "");
    finish_with_null_body("properties-subject-empty");

    start("header() properties(creation-time=timestamp(1311704463521))");
    pn_message_set_creation_time(message, INT64_C(1311704463521));
    finish_with_null_body("properties-creation-time");

    /* Proton gives the sequence number, even 0, as soon as there is a group. */
    start("header() properties(group-id=\"group\", group-sequence=0)");
    pn_message_set_group_id(message, "group");
    finish_with_null_body("properties-group");

    start("header() properties(reply-to-group-id=\"group\")");
    pn_message_set_reply_to_group_id(message, "group");
    finish_with_null_body("properties-reply-to-group-id");

    start("header() properties(message-id=\"id-2\", user-id=binary(0001), to=\"q\", "
          "subject=\"gr\u00fc\u00df\", reply-to=\"r\", correlation-id=ulong(256), "
          "content-type=:\"text/plain\", content-encoding=:\"gzip\", "
          "absolute-expiry-time=timestamp(1700000000000), creation-time=timestamp(1), "
          "group-id=\"g\", group-sequence=2147483647, reply-to-group-id=\"h\")");
    pn_data_put_string(pn_message_id(message), pn_bytes(4, "id-2"));
    pn_message_set_user_id(message, pn_bytes(2, "\x00\x01"));
    pn_message_set_address(message, "q");
    pn_message_set_subject(message, "gr\u00fc\u00df");
    pn_message_set_reply_to(message, "r");
    pn_data_put_ulong(pn_message_correlation_id(message), 256);
    pn_message_set_content_type(message, "text/plain");
    pn_message_set_content_encoding(message, "gzip");
    pn_message_set_expiry_time(message, INT64_C(1700000000000));
    pn_message_set_creation_time(message, 1);
    pn_message_set_group_id(message, "g");
    pn_message_set_group_sequence(message, 2147483647);
    pn_message_set_reply_to_group_id(message, "h");
    finish_with_null_body("properties-all-fields");

    /* More than 255 bytes of fields: list32. */
    char address[251];
    memset(address, 'a', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    start("header() properties(to=\"");
    text_append(&message_text, "%s\", reply-to=\"%s\")", address, address);
    pn_message_set_address(message, address);
    pn_message_set_reply_to(message, address);
    finish_with_null_body("properties-over-255-bytes");
}

static void print_annotations(void)
{
    start("header()");
    value_t *map = begin_section("message-annotations", pn_message_annotations(message));
    open_map(map);
    put_symbol(map, "x-opt-partition-key");
    put_string(map, "p");
    put_symbol(map, "x-opt-offset");
    put_long(map, -1);
    close_container(map);
    expect("properties()");
    finish_with_null_body("message-annotations");

    start("header()");
    map = begin_section("message-annotations", pn_message_annotations(message));
    open_map(map);
    put_ulong(map, 1);
    put_bool(map, true);
    put_symbol(map, "x-list");
    open_list(map);
    put_uint(map, 1);
    open_described(map);
    put_symbol(map, "com.example:point");
    open_list(map);
    put_double(map, 1.5, "1.5");
    put_double(map, -2.25, "-2.25");
    close_container(map);
    close_container(map);
    close_container(map);
    close_container(map);
    expect("properties()");
    finish_with_null_body("message-annotations-nested");

    start("header()");
    map = begin_section("message-annotations", pn_message_annotations(message));
    open_map(map);
    close_container(map);
    expect("properties()");
    finish_with_null_body("message-annotations-empty");

    start("header()");
    map = begin_section("delivery-annotations", pn_message_instructions(message));
    open_map(map);
    put_symbol(map, "x-opt-to");
    put_uint(map, 5);
    close_container(map);
    expect("properties()");
    finish_with_null_body("delivery-annotations");
}

/* One message whose application properties hold one value of each simple type. */
static void print_application_properties(void)
{
    start("header() properties()");
    value_t *map = begin_section("application-properties", pn_message_properties(message));
    open_map(map);
#define ENTRY(key, type, ...) (put_string(map, key), put_##type(map, __VA_ARGS__))
    put_string(map, "null"), put_null(map);
    ENTRY("true", bool, true);
    ENTRY("ubyte", ubyte, 255);
    ENTRY("ushort", ushort, 65535);
    ENTRY("uint", uint, 4294967295);
    ENTRY("ulong", ulong, UINT64_MAX);
    ENTRY("byte", byte, -128);
    ENTRY("short", short, -32768);
    ENTRY("int", int, INT32_MIN);
    ENTRY("long", long, INT64_MIN);
    ENTRY("float", float, 1.5F, "1.5");
    ENTRY("double", double, 0.1, "0.1");
    ENTRY("decimal32", decimal32, 0x32800001);
    ENTRY("decimal64", decimal64, UINT64_C(0x31c0000000000001));
    ENTRY("decimal128", decimal128, example_uuid);
    ENTRY("char", char, 0x1f600);
    ENTRY("timestamp", timestamp, -1);
    ENTRY("uuid", uuid, example_uuid);
    ENTRY("binary", binary, "\xff", 1);
    ENTRY("string", string, "\u20ac");
    ENTRY("symbol", symbol, "s");
#undef ENTRY
    close_container(map);
    finish_with_null_body("application-properties-of-each-type");

    start("header() properties()");
    map = begin_section("application-properties", pn_message_properties(message));
    open_map(map);
    close_container(map);
    finish_with_null_body("application-properties-empty");

    start("header() properties()");
    map = begin_section("application-properties", pn_message_properties(message));
    open_map(map);
    put_string(map, "");
    put_int(map, 0);
    close_container(map);
    finish_with_null_body("application-properties-empty-key");
}

static void print_value_bodies(void)
{
    start("header() properties()");
    put_string(begin_amqp_value(), "Hello, World!");
    finish_amqp_value("value-string");

    start("header() properties()");
    put_bool(begin_amqp_value(), false);
    finish_amqp_value("value-false");

    /* Binary and lists that are not inferred stay in amqp-value. */
    start("header() properties()");
    put_binary(begin_amqp_value(), "\x00\x01", 2);
    finish_amqp_value("value-binary");

    start("header() properties()");
    value_t *body = begin_amqp_value();
    open_list(body);
    put_uint(body, 1);
    put_string(body, "a");
    close_container(body);
    finish_amqp_value("value-list");

    start("header() properties()");
    body = begin_amqp_value();
    open_map(body);
    put_string(body, "k");
    open_array(body, PN_INT, "int");
    put_int(body, 1);
    put_int(body, -1);
    close_container(body);
    close_container(body);
    finish_amqp_value("value-map");

    start("header() properties()");
    body = begin_amqp_value();
    open_described(body);
    put_ulong(body, UINT64_C(0x0000468c00000004));
    put_string(body, "color = 'red'");
    close_container(body);
    finish_amqp_value("value-described");

    start("header() properties()");
    pn_message_set_inferred(message, true);
    put_uuid(begin_amqp_value(), example_uuid);
    finish_amqp_value("value-inferred");
}

static void print_data_and_sequence_bodies(void)
{
    char bytes[256];
    memset(bytes, 0xab, sizeof bytes);

    start("header() properties()");
    finish_with_data("data-empty", "", 0);
    start("header() properties()");
    finish_with_data("data-255-bytes", bytes, 255);
    start("header() properties()");
    finish_with_data("data-256-bytes", bytes, 256);

    start("header() properties()");
    pn_message_set_inferred(message, true);
    value_t *body = begin_section("amqp-sequence", pn_message_body(message));
    open_list(body);
    close_container(body);
    finish("sequence-empty");

    start("header() properties()");
    pn_message_set_inferred(message, true);
    body = begin_section("amqp-sequence", pn_message_body(message));
    open_list(body);
    put_uint(body, 1);
    put_null(body);
    open_map(body);
    close_container(body);
    close_container(body);
    finish("sequence-of-three");
}

static void print_all_sections(void)
{
    start("header(durable=true, priority=5)");
    pn_message_set_durable(message, true);
    pn_message_set_priority(message, 5);
    value_t *map = begin_section("delivery-annotations", pn_message_instructions(message));
    open_map(map);
    put_symbol(map, "d");
    put_uint(map, 1);
    close_container(map);
    map = begin_section("message-annotations", pn_message_annotations(message));
    open_map(map);
    put_symbol(map, "m");
    put_uint(map, 2);
    close_container(map);
    pn_message_set_address(message, "q");
    pn_message_set_content_type(message, "application/octet-stream");
    expect("properties(to=\"q\", content-type=:\"application/octet-stream\")");
    map = begin_section("application-properties", pn_message_properties(message));
    open_map(map);
    put_string(map, "a");
    put_uint(map, 3);
    close_container(map);
    finish_with_data("all-sections-but-footer", "\xca\xfe", 2);
}

void print_messages(void)
{
    print_headers();
    print_message_ids();
    print_properties();
    print_annotations();
    print_application_properties();
    print_value_bodies();
    print_data_and_sequence_bodies();
    print_all_sections();
}
