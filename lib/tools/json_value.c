/* Values that are written as JSON. A list of what is still to be read stands for recursion. */
#include "tools/json_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

/* A document that is still to be read, and where its value goes. */
typedef struct pending {
    json_object *from;
    amqpc_value *to;
} pending;

typedef struct work {
    pending *items;
    size_t count;
    size_t capacity;
} work;

bool json_fail(json_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->reason, reader->reason_size, format, arguments);
    va_end(arguments);
    return false;
}

static void add_work(work *left, json_object *from, amqpc_value *to)
{
    if (left->count == left->capacity) {
        left->capacity = left->capacity == 0 ? 64 : left->capacity * 2;
        left->items = (pending *)reallocate(left->items, left->capacity * sizeof *left->items);
    }
    left->items[left->count++] = (pending){from, to};
}

/* The document in a few characters, for messages. */
static const char *shown(json_object *from)
{
    static char text[64];
    (void)snprintf(text, sizeof text, "%s", json_object_to_json_string_ext(from, 0));
    return text;
}

/* --- Numbers. */

/* json-c makes the nearest 64-bit integer of one that is larger: the number must stand there. */
static bool is_written(const json_reader *reader, json_object *from)
{
    return strstr(reader->text, json_object_to_json_string(from)) != NULL;
}

static bool read_unsigned(json_reader *reader, json_object *from, unsigned type, uint64_t *number)
{
    static const uint64_t maximums[] = {[AMQPC_TYPE_UBYTE] = UINT8_MAX,
                                        [AMQPC_TYPE_USHORT] = UINT16_MAX,
                                        [AMQPC_TYPE_UINT] = UINT32_MAX,
                                        [AMQPC_TYPE_ULONG] = UINT64_MAX};
    *number = json_object_get_uint64(from);
    bool good = json_object_is_type(from, json_type_int) && json_object_get_int64(from) >= 0 &&
                *number <= maximums[type] && is_written(reader, from);
    return good || json_fail(reader, "%s is no %s", shown(from), amqpc_type_name(type));
}

static bool read_signed(json_reader *reader, json_object *from, unsigned type, int64_t *number)
{
    static const int64_t maximums[] = {[AMQPC_TYPE_BYTE] = INT8_MAX,
                                       [AMQPC_TYPE_SHORT] = INT16_MAX,
                                       [AMQPC_TYPE_INT] = INT32_MAX,
                                       [AMQPC_TYPE_LONG] = INT64_MAX,
                                       [AMQPC_TYPE_TIMESTAMP] = INT64_MAX};
    int64_t maximum = maximums[type];
    *number = json_object_get_int64(from);
    bool good = json_object_is_type(from, json_type_int) &&
                json_object_get_uint64(from) <= INT64_MAX && *number <= maximum &&
                *number >= -maximum - 1 && is_written(reader, from);
    return good || json_fail(reader, "%s is no %s", shown(from), amqpc_type_name(type));
}

/* Bits, written as a string: "0x", and as many digits as they have. */
static bool read_bits(json_object *from, size_t size, uint8_t *octets)
{
    const char *text = json_object_get_string(from);
    bool good = json_object_is_type(from, json_type_string) && strlen(text) == 2 + 2 * size &&
                strncmp(text, "0x", 2) == 0 &&
                strspn(text + 2, "0123456789abcdefABCDEF") == 2 * size;
    for (size_t i = 0; good && i < size; i++) {
        const char digits[] = {text[2 + 2 * i], text[3 + 2 * i], '\0'};
        octets[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return good;
}

static uint64_t number_of(const uint8_t *octets, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | octets[i];
    }
    return number;
}

static bool read_float(json_reader *reader, json_object *from, amqpc_value *value)
{
    bool is_double = value->type == AMQPC_TYPE_DOUBLE;
    size_t size = is_double ? sizeof value->as.f64 : sizeof value->as.f32;
    uint8_t octets[sizeof value->as.f64];
    if (json_object_is_type(from, json_type_double) || json_object_is_type(from, json_type_int)) {
        const char *text = json_object_to_json_string(from); /* as it was written */
        value->as.f64 = is_double ? strtod(text, NULL) : 0;
        if (!is_double) {
            value->as.f32 = strtof(text, NULL);
        }
        return true;
    }
    if (!read_bits(from, size, octets)) {
        return json_fail(reader, "%s is no %s", shown(from), amqpc_type_name(value->type));
    }
    uint64_t bits = number_of(octets, size);
    uint32_t low = (uint32_t)bits;
    memcpy(&value->as, is_double ? (const void *)&bits : (const void *)&low, size);
    return true;
}

static bool read_decimal(json_reader *reader, json_object *from, amqpc_value *value)
{
    uint8_t octets[16];
    size_t size = value->type == AMQPC_TYPE_DECIMAL32   ? 4
                  : value->type == AMQPC_TYPE_DECIMAL64 ? 8
                                                        : 16;
    if (!read_bits(from, size, octets)) {
        return json_fail(reader, "%s is no %s: 0x and %zu digits", shown(from),
                         amqpc_type_name(value->type), 2 * size);
    }
    if (size == sizeof octets) {
        memcpy(value->as.octets, octets, sizeof octets);
    } else {
        value->as.u64 = number_of(octets, size);
    }
    return true;
}

/* --- Texts and bytes. */

static bool read_text(json_reader *reader, json_object *from, amqpc_value *value)
{
    if (!json_object_is_type(from, json_type_string)) {
        return json_fail(reader, "%s is no %s", shown(from), amqpc_type_name(value->type));
    }
    size_t size = (size_t)json_object_get_string_len(from);
    value->as.bytes =
        (amqpc_bytes){arena_copy(reader->memory, json_object_get_string(from), size), size};
    return true;
}

/* The value of a hexadecimal digit, or -1. */
static int digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

bool json_read_hex(json_reader *reader, json_object *from, amqpc_bytes *bytes)
{
    const char *text = json_object_get_string(from);
    size_t size =
        json_object_is_type(from, json_type_string) ? (size_t)json_object_get_string_len(from) : 1;
    bool good = size % 2 == 0;
    uint8_t *octets = (uint8_t *)arena_take(reader->memory, 1, size / 2 + 1);
    for (size_t i = 0; good && i < size / 2; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        octets[i] = good ? (uint8_t)(high * 16 + low) : 0;
    }
    *bytes = (amqpc_bytes){octets, size / 2};
    return good || json_fail(reader, "%s is no bytes in hexadecimal digits", shown(from));
}

static bool read_uuid(json_reader *reader, json_object *from, uint8_t *octets)
{
    static const size_t dashes[] = {8, 13, 18, 23};
    const char *text = json_object_get_string(from);
    bool good = json_object_is_type(from, json_type_string) && strlen(text) == 36;
    for (size_t i = 0; good && i < sizeof dashes / sizeof *dashes; i++) {
        good = text[dashes[i]] == '-';
    }
    for (size_t at = 0, i = 0; good && i < 16; i++, at += 2) {
        at += text[at] == '-';
        int high = digit_of(text[at]);
        int low = digit_of(text[at + 1]);
        good = high >= 0 && low >= 0;
        octets[i] = good ? (uint8_t)(high * 16 + low) : 0;
    }
    return good || json_fail(reader, "%s is no uuid", shown(from));
}

static bool read_char(json_reader *reader, json_object *from, uint64_t *code_point)
{
    const char *text = json_object_get_string(from);
    char *end = NULL;
    bool good = json_object_is_type(from, json_type_string) && strncmp(text, "U+", 2) == 0 &&
                digit_of(text[2]) >= 0;
    *code_point = good ? strtoull(text + 2, &end, 16) : 0;
    good = good && *end == '\0' && *code_point <= 0x10ffff;
    return good || json_fail(reader, "%s is no char: U+ and its number", shown(from));
}

/* --- Compounds: room for their elements, which are read later. */

static amqpc_value *make_items(json_reader *reader, amqpc_value *value, unsigned type, size_t count)
{
    amqpc_value *items = (amqpc_value *)arena_take(reader->memory, count + 1, sizeof *items);
    value->type = (uint8_t)type;
    value->form = AMQPC_FORM_ITEMS;
    value->count = (uint32_t)count;
    value->as.items = items;
    return items;
}

static bool is_list(json_object *from, size_t *count)
{
    bool good = json_object_is_type(from, json_type_array);
    *count = good ? json_object_array_length(from) : 0;
    return good && *count <= UINT32_MAX / 2;
}

static bool read_list(json_reader *reader, json_object *from, amqpc_value *value, work *left)
{
    size_t count = 0;
    if (!is_list(from, &count)) {
        return json_fail(reader, "%s is no list", shown(from));
    }
    amqpc_value *items = make_items(reader, value, AMQPC_TYPE_LIST, count);
    for (size_t i = 0; i < count; i++) {
        add_work(left, json_object_array_get_idx(from, i), &items[i]);
    }
    return true;
}

/* A list of pairs. */
static bool read_map(json_reader *reader, json_object *from, amqpc_value *value, work *left)
{
    size_t count = 0;
    bool good = is_list(from, &count);
    amqpc_value *items = make_items(reader, value, AMQPC_TYPE_MAP, 2 * count);
    for (size_t i = 0; good && i < count; i++) {
        size_t pair = 0;
        json_object *entry = json_object_array_get_idx(from, i);
        good = is_list(entry, &pair) && pair == 2;
        for (size_t k = 0; good && k < 2; k++) {
            add_work(left, json_object_array_get_idx(entry, k), &items[2 * i + k]);
        }
    }
    return good || json_fail(reader, "%s is no list of pairs of key and value", shown(from));
}

/* An object that is no type's: its members, the keys as strings. */
static bool read_object(json_reader *reader, json_object *from, amqpc_value *value, work *left)
{
    size_t count = (size_t)json_object_object_length(from);
    amqpc_value *items = make_items(reader, value, AMQPC_TYPE_MAP, 2 * count);
    struct json_object_iterator at = json_object_iter_begin(from);
    struct json_object_iterator end = json_object_iter_end(from);
    for (size_t i = 0; !json_object_iter_equal(&at, &end); i += 2, json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);
        size_t size = strlen(name);
        items[i].type = AMQPC_TYPE_STRING;
        items[i].as.bytes = (amqpc_bytes){arena_copy(reader->memory, name, size), size};
        add_work(left, json_object_iter_peek_value(&at), &items[i + 1]);
    }
    return true;
}

static bool read_described(json_reader *reader, json_object *from, amqpc_value *value, work *left)
{
    size_t count = 0;
    if (!is_list(from, &count) || count != 2) {
        return json_fail(reader, "%s is no pair of descriptor and value", shown(from));
    }
    amqpc_value *items = make_items(reader, value, AMQPC_TYPE_DESCRIBED, 2);
    add_work(left, json_object_array_get_idx(from, 0), &items[0]);
    add_work(left, json_object_array_get_idx(from, 1), &items[1]);
    return true;
}

/* {"type": ..., "descriptors": [...], "values": [...]}: the descriptors, which the array has once,
 * are given to each element. The type is that of the elements. */
static bool read_array(json_reader *reader, json_object *from, amqpc_value *value, work *left)
{
    size_t count = 0;
    size_t descriptor_count = 0;
    json_object *values = json_object_object_get(from, "values");
    json_object *descriptors = json_object_object_get(from, "descriptors");
    if (!json_object_is_type(from, json_type_object) || !is_list(values, &count) ||
        (descriptors != NULL && !is_list(descriptors, &descriptor_count))) {
        return json_fail(reader, "%s is no array: it has a list of values", shown(from));
    }
    if (descriptor_count > 1) {
        return json_fail(reader, "%s: elements of arrays have one descriptor here", shown(from));
    }
    amqpc_value *items = make_items(reader, value, AMQPC_TYPE_ARRAY, count);
    for (size_t i = 0; i < count; i++) {
        amqpc_value *element = &items[i];
        if (descriptor_count == 1) {
            amqpc_value *parts = make_items(reader, element, AMQPC_TYPE_DESCRIBED, 2);
            add_work(left, json_object_array_get_idx(descriptors, 0), &parts[0]);
            element = &parts[1];
        }
        add_work(left, json_object_array_get_idx(values, i), element);
    }
    return true;
}

/* --- Any of them. */

/* {"TYPE": ...} */
static bool read_typed(json_reader *reader, unsigned type, json_object *from, amqpc_value *value,
                       work *left)
{
    value->type = (uint8_t)type;
    switch (type) {
    case AMQPC_TYPE_UBYTE:
    case AMQPC_TYPE_USHORT:
    case AMQPC_TYPE_UINT:
    case AMQPC_TYPE_ULONG:
        return read_unsigned(reader, from, type, &value->as.u64);
    case AMQPC_TYPE_FLOAT:
    case AMQPC_TYPE_DOUBLE:
        return read_float(reader, from, value);
    case AMQPC_TYPE_DECIMAL32:
    case AMQPC_TYPE_DECIMAL64:
    case AMQPC_TYPE_DECIMAL128:
        return read_decimal(reader, from, value);
    case AMQPC_TYPE_CHAR:
        return read_char(reader, from, &value->as.u64);
    case AMQPC_TYPE_UUID:
        return read_uuid(reader, from, value->as.octets);
    case AMQPC_TYPE_BINARY:
        return json_read_hex(reader, from, &value->as.bytes);
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
        return read_text(reader, from, value);
    case AMQPC_TYPE_LIST:
        return read_list(reader, from, value, left);
    case AMQPC_TYPE_MAP:
        return read_map(reader, from, value, left);
    case AMQPC_TYPE_ARRAY:
        return read_array(reader, from, value, left);
    case AMQPC_TYPE_DESCRIBED:
        return read_described(reader, from, value, left);
    default: /* byte, short, int, long, timestamp */
        return read_signed(reader, from, type, &value->as.i64);
    }
}

/* The type whose name is the only member of an object; AMQPC_TYPE_NULL for none. */
static unsigned type_of(json_object *from, json_object **content)
{
    if (json_object_object_length(from) != 1) {
        return AMQPC_TYPE_NULL;
    }
    struct json_object_iterator only = json_object_iter_begin(from);
    for (unsigned type = AMQPC_TYPE_UBYTE; type <= AMQPC_TYPE_DESCRIBED; type++) {
        if (strcmp(json_object_iter_peek_name(&only), amqpc_type_name(type)) == 0) {
            *content = json_object_iter_peek_value(&only);
            return type;
        }
    }
    return AMQPC_TYPE_NULL;
}

static bool read_one(json_reader *reader, json_object *from, amqpc_value *value, work *left)
{
    json_object *content = NULL;
    unsigned type = AMQPC_TYPE_NULL;
    switch (json_object_get_type(from)) {
    case json_type_null:
        return true; /* the value is all zero */
    case json_type_boolean:
        value->type = AMQPC_TYPE_BOOLEAN;
        value->as.boolean = json_object_get_boolean(from) != 0;
        return true;
    case json_type_int:
        return read_typed(reader, AMQPC_TYPE_LONG, from, value, left);
    case json_type_double:
        return read_typed(reader, AMQPC_TYPE_DOUBLE, from, value, left);
    case json_type_string:
        return read_typed(reader, AMQPC_TYPE_STRING, from, value, left);
    case json_type_array:
        return read_list(reader, from, value, left);
    default:
        type = type_of(from, &content);
        return type == AMQPC_TYPE_NULL ? read_object(reader, from, value, left)
                                       : read_typed(reader, type, content, value, left);
    }
}

bool json_value_read(json_reader *reader, json_object *from, amqpc_value *value)
{
    work left = {NULL, 0, 0};
    bool good = true;
    *value = (amqpc_value){0};
    add_work(&left, from, value);
    while (good && left.count > 0) {
        pending next = left.items[--left.count];
        good = read_one(reader, next.from, next.to, &left);
    }
    free(left.items);
    return good;
}
