/* Messages with every type of value (AMQP 1.6) as body, in properties, in application properties,
 * in annotations and in the footer. */
#include "interop/client/client_cases.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

typedef struct named_value {
    const char *name;
    amqpc_value value;
} named_value;

#define LETTERS_50  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"
#define LETTERS_300 LETTERS_50 LETTERS_50 LETTERS_50 LETTERS_50 LETTERS_50 LETTERS_50

static const named_value SIMPLE[] = {
    {"null", {.type = AMQPC_TYPE_NULL}},
    {"boolean true", {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = true}},
    {"boolean false", {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = false}},
    {"ubyte 255", {.type = AMQPC_TYPE_UBYTE, .as.u64 = 255}},
    {"ushort 65535", {.type = AMQPC_TYPE_USHORT, .as.u64 = 65535}},
    {"uint 0", {.type = AMQPC_TYPE_UINT, .as.u64 = 0}},
    {"uint 200", {.type = AMQPC_TYPE_UINT, .as.u64 = 200}},
    {"uint 4294967295", {.type = AMQPC_TYPE_UINT, .as.u64 = 4294967295}},
    {"ulong 0", {.type = AMQPC_TYPE_ULONG, .as.u64 = 0}},
    {"ulong 200", {.type = AMQPC_TYPE_ULONG, .as.u64 = 200}},
    {"ulong 18446744073709551615", {.type = AMQPC_TYPE_ULONG, .as.u64 = UINT64_MAX}},
    {"byte -128", {.type = AMQPC_TYPE_BYTE, .as.i64 = -128}},
    {"short -32768", {.type = AMQPC_TYPE_SHORT, .as.i64 = -32768}},
    {"int -1", {.type = AMQPC_TYPE_INT, .as.i64 = -1}},
    {"int -2147483648", {.type = AMQPC_TYPE_INT, .as.i64 = INT32_MIN}},
    {"long -1", {.type = AMQPC_TYPE_LONG, .as.i64 = -1}},
    {"long -9223372036854775808", {.type = AMQPC_TYPE_LONG, .as.i64 = INT64_MIN}},
    {"float 1.5", {.type = AMQPC_TYPE_FLOAT, .as.f32 = 1.5f}},
    {"float -infinity", {.type = AMQPC_TYPE_FLOAT, .as.f32 = -INFINITY}},
    {"double -2.25", {.type = AMQPC_TYPE_DOUBLE, .as.f64 = -2.25}},
    {"double infinity", {.type = AMQPC_TYPE_DOUBLE, .as.f64 = INFINITY}},
    {"decimal32", {.type = AMQPC_TYPE_DECIMAL32, .as.u64 = 0x32800001}},
    {"decimal64", {.type = AMQPC_TYPE_DECIMAL64, .as.u64 = 0x31c0000000000001}},
    {"decimal128",
     {.type = AMQPC_TYPE_DECIMAL128,
      .as.octets = {0x30, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}},
    {"char U+1F407", {.type = AMQPC_TYPE_CHAR, .as.u64 = 0x1f407}},
    {"timestamp", {.type = AMQPC_TYPE_TIMESTAMP, .as.i64 = 1311704463521}},
    {"timestamp before 1970", {.type = AMQPC_TYPE_TIMESTAMP, .as.i64 = -1}},
    {"uuid",
     {.type = AMQPC_TYPE_UUID,
      .as.octets = {0xf2, 0x57, 0x10, 0x39, 0x9d, 0x37, 0x42, 0xa8, 0x80, 1, 2, 3, 4, 5, 6, 7}}},
    {"binary of no bytes", {.type = AMQPC_TYPE_BINARY, .as.bytes = {"", 0}}},
    {"binary", {.type = AMQPC_TYPE_BINARY, .as.bytes = TEXT("\0\x01\xfe\xff")}},
    {"binary of 300 bytes", {.type = AMQPC_TYPE_BINARY, .as.bytes = TEXT(LETTERS_300)}},
    {"string of no bytes", {.type = AMQPC_TYPE_STRING, .as.bytes = {"", 0}}},
    {"string",
     {.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("\xc5\xbelu\xc5\xa5 \xf0\x9f\x90\x87")}},
    {"string of 300 bytes", {.type = AMQPC_TYPE_STRING, .as.bytes = TEXT(LETTERS_300)}},
    {"symbol", {.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("amqp:some-symbol")}},
};

/* --- Compound values. */

static const amqpc_value THREE[] = {{.type = AMQPC_TYPE_INT, .as.i64 = 1},
                                    {.type = AMQPC_TYPE_INT, .as.i64 = -70000},
                                    {.type = AMQPC_TYPE_INT, .as.i64 = 3}};
static const amqpc_value SYMBOLS[] = {{.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("one")},
                                      {.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("two")}};
static const amqpc_value INNER_MAP[] = {{.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("key")},
                                        {.type = AMQPC_TYPE_ULONG, .as.u64 = 7},
                                        {.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("symbol")},
                                        {.type = AMQPC_TYPE_NULL},
                                        {.type = AMQPC_TYPE_INT, .as.i64 = 5},
                                        {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = true}};
static const amqpc_value NESTED[] = {
    {.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("first")},
    {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 3, .as.items = THREE},
    {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 6, .as.items = INNER_MAP},
    {.type = AMQPC_TYPE_ARRAY, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = SYMBOLS},
    {.type = AMQPC_TYPE_NULL}};
static const amqpc_value DESCRIBED[] = {
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("example:point")},
    {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 3, .as.items = THREE}};

static const named_value COMPOUND[] = {
    {"list of none",
     {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 0, .as.items = THREE}},
    {"list", {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 5, .as.items = NESTED}},
    {"map of none",
     {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 0, .as.items = INNER_MAP}},
    {"map", {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 6, .as.items = INNER_MAP}},
    {"array of int",
     {.type = AMQPC_TYPE_ARRAY, .form = AMQPC_FORM_ITEMS, .count = 3, .as.items = THREE}},
    {"array of symbol",
     {.type = AMQPC_TYPE_ARRAY, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = SYMBOLS}},
    {"described",
     {.type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = DESCRIBED}},
};

/* --- Bodies of other kinds, and properties. */

static const amqpc_value DATA[] = {{.type = AMQPC_TYPE_BINARY, .as.bytes = TEXT("one")},
                                   {.type = AMQPC_TYPE_BINARY, .as.bytes = TEXT("and two")}};
static const amqpc_value SEQUENCES[] = {
    {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 3, .as.items = THREE},
    {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 5, .as.items = NESTED}};

static const struct {
    const char *name;
    uint32_t kind;
    uint32_t count;
    const amqpc_value *values;
} BODIES[] = {{"body of data", AMQPC_BODY_DATA, 1, DATA},
              {"body of two data", AMQPC_BODY_DATA, 2, DATA},
              {"body of sequence", AMQPC_BODY_SEQUENCE, 1, SEQUENCES},
              {"body of two sequences", AMQPC_BODY_SEQUENCE, 2, SEQUENCES}};

static const named_value IDS[] = {
    {"ulong", {.type = AMQPC_TYPE_ULONG, .as.u64 = UINT64_MAX}},
    {"uuid",
     {.type = AMQPC_TYPE_UUID,
      .as.octets = {0xf2, 0x57, 0x10, 0x39, 0x9d, 0x37, 0x42, 0xa8, 0x80, 1, 2, 3, 4, 5, 6, 7}}},
    {"binary", {.type = AMQPC_TYPE_BINARY, .as.bytes = TEXT("\0\x01\xfe\xff")}},
    {"string", {.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("an id")}},
};

/* All but user-id, which brokers compare with who is logged in, and the expiry time. */
static const amqpc_properties PROPERTIES = {
    .present = AMQPC_PROPERTIES_MESSAGE_ID | AMQPC_PROPERTIES_TO | AMQPC_PROPERTIES_SUBJECT |
               AMQPC_PROPERTIES_REPLY_TO | AMQPC_PROPERTIES_CORRELATION_ID |
               AMQPC_PROPERTIES_CONTENT_TYPE | AMQPC_PROPERTIES_CONTENT_ENCODING |
               AMQPC_PROPERTIES_CREATION_TIME | AMQPC_PROPERTIES_GROUP_ID |
               AMQPC_PROPERTIES_GROUP_SEQUENCE | AMQPC_PROPERTIES_REPLY_TO_GROUP_ID,
    .message_id = {.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("an id")},
    .to = TEXT("somewhere"),
    .subject = TEXT("a subject"),
    .reply_to = TEXT("elsewhere"),
    .correlation_id = {.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("another id")},
    .content_type = TEXT("application/x-example"),
    .content_encoding = TEXT("gzip"),
    .creation_time = 1311704463521,
    .group_id = TEXT("a group"),
    .group_sequence = 4294967295,
    .reply_to_group_id = TEXT("another group"),
};

/* --- The cases: one after the other, by the groups of this table. */

static void set_name(message_case *made, const char *place, const char *name)
{
    snprintf(made->name, sizeof made->name, "%s%s", place, name);
}

static void make_value(size_t index, message_case *made)
{
    const named_value *value =
        index < COUNT(SIMPLE) ? &SIMPLE[index] : &COMPOUND[index - COUNT(SIMPLE)];
    set_name(made, "body value: ", value->name);
    made->message.body = value->value;
}

static void make_body(size_t index, message_case *made)
{
    set_name(made, "", BODIES[index].name);
    made->message.body_kind = BODIES[index].kind;
    made->message.body_count = BODIES[index].count;
    made->message.body = BODIES[index].values[0];
    made->message.bodies = BODIES[index].values;
}

static amqpc_value map_of(const message_case *made)
{
    return (amqpc_value){
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = made->pair};
}

static void make_application_property(size_t index, message_case *made)
{
    set_name(made, "application property: ", SIMPLE[index].name);
    made->message.sections |= AMQPC_SECTION_APPLICATION_PROPERTIES;
    made->pair[0] = (amqpc_value){.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("key")};
    made->pair[1] = SIMPLE[index].value;
    made->message.application_properties = map_of(made);
}

static void make_message_id(size_t index, message_case *made)
{
    set_name(made, "message-id: ", IDS[index].name);
    made->message.sections |= AMQPC_SECTION_PROPERTIES;
    made->message.properties.present = AMQPC_PROPERTIES_MESSAGE_ID;
    made->message.properties.message_id = IDS[index].value;
}

static void make_correlation_id(size_t index, message_case *made)
{
    set_name(made, "correlation-id: ", IDS[index].name);
    made->message.sections |= AMQPC_SECTION_PROPERTIES;
    made->message.properties.present = AMQPC_PROPERTIES_CORRELATION_ID;
    made->message.properties.correlation_id = IDS[index].value;
}

static void make_properties(size_t index, message_case *made)
{
    (void)index;
    set_name(made, "properties", "");
    made->message.sections |= AMQPC_SECTION_PROPERTIES;
    made->message.properties = PROPERTIES;
}

static void make_annotation(size_t index, message_case *made)
{
    bool simple = index < COUNT(SIMPLE);
    const named_value *value = simple ? &SIMPLE[index] : &COMPOUND[index - COUNT(SIMPLE)];
    set_name(made, "message annotation: ", value->name);
    made->message.sections |= AMQPC_SECTION_MESSAGE_ANNOTATIONS;
    made->pair[0] = (amqpc_value){.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("x-opt-key")};
    made->pair[1] = value->value;
    made->message.message_annotations = map_of(made);
}

static void make_footer(size_t index, message_case *made)
{
    (void)index;
    set_name(made, "footer", "");
    made->message.sections |= AMQPC_SECTION_FOOTER;
    made->pair[0] = (amqpc_value){.type = AMQPC_TYPE_SYMBOL, .as.bytes = TEXT("x-opt-hash")};
    made->pair[1] = SIMPLE[COUNT(SIMPLE) - 1].value;
    made->message.footer = map_of(made);
}

static void make_header(size_t index, message_case *made)
{
    (void)index;
    set_name(made, "header: durable, priority 7", "");
    made->message.header.present |= AMQPC_HEADER_PRIORITY;
    made->message.header.priority = 7;
}

static const struct {
    size_t count;
    void (*make)(size_t index, message_case *made);
} GROUPS[] = {
    {COUNT(SIMPLE) + COUNT(COMPOUND), make_value},
    {COUNT(BODIES), make_body},
    {COUNT(SIMPLE), make_application_property},
    {COUNT(IDS), make_message_id},
    {COUNT(IDS), make_correlation_id},
    {1, make_properties},
    {COUNT(SIMPLE) + COUNT(COMPOUND), make_annotation},
    {1, make_footer},
    {1, make_header},
};

size_t case_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < COUNT(GROUPS); i++) {
        count += GROUPS[i].count;
    }
    return count;
}

void case_make(size_t index, message_case *made)
{
    memset(made, 0, sizeof *made);
    amqpc_message_init(&made->message);
    made->message.sections = AMQPC_SECTION_HEADER | AMQPC_SECTION_BODY;
    made->message.header.present = AMQPC_HEADER_DURABLE;
    made->message.header.durable = true;
    made->message.body_kind = AMQPC_BODY_VALUE;
    made->message.body_count = 1;
    made->message.body = (amqpc_value){.type = AMQPC_TYPE_STRING, .as.bytes = TEXT("a body")};
    size_t group = 0;
    while (index >= GROUPS[group].count) {
        index -= GROUPS[group].count;
        group++;
    }
    GROUPS[group].make(index, made);
}
