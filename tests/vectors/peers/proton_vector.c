/* The two-handed builder of proton_vector.h: what goes to Proton also goes to the text. */
#include "proton_vector.h"

#include <inttypes.h>
#include <proton/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void text_clear(text_t *text)
{
    text->size = 0;
    text->bytes[0] = '\0';
}

void text_append(text_t *text, const char *format, ...)
{
    size_t capacity = TEXT_CAPACITY - text->size;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text->bytes + text->size, capacity, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= capacity) {
        fail("text does not fit %d bytes", TEXT_CAPACITY);
    }
    text->size += (size_t)written;
}

void text_append_hex(text_t *text, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        text_append(text, "%02x", byte[i]);
    }
}

void text_append_quoted(text_t *text, const char *bytes, size_t size)
{
    static const char escaped[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";

    text_append(text, "\"");
    for (size_t i = 0; i < size; i++) {
        char byte = bytes[i];
        const char *escape = byte != '\0' ? strchr(escaped, byte) : NULL;
        if (escape != NULL) {
            text_append(text, "\\%c", letters[escape - escaped]);
        } else if ((uint8_t)byte < 0x20 || byte == 0x7f) {
            text_append(text, "\\u%04x", (unsigned)byte);
        } else {
            text_append(text, "%c", byte);
        }
    }
    text_append(text, "\"");
}

void value_begin(value_t *value, pn_data_t *data, text_t *text)
{
    value->data = data;
    value->text = text;
    value->depth = 0;
}

/* Writes what stands between the previous item of the innermost container and the next one. */
static void begin_item(value_t *value)
{
    if (value->depth == 0) {
        return;
    }
    container_t *container = &value->containers[value->depth - 1];
    unsigned index = container->item_count++;
    switch (container->kind) {
    case CONTAINER_LIST:
    case CONTAINER_ARRAY:
        text_append(value->text, "%s", index == 0 ? "" : ", ");
        return;
    case CONTAINER_MAP:
        text_append(value->text, "%s", index == 0 ? "" : index % 2 == 0 ? ", " : ": ");
        return;
    case CONTAINER_DESCRIBED:
        text_append(value->text, "%s", index == 0 ? "@" : " ");
        return;
    case CONTAINER_DESCRIBED_ARRAY:
        if (index == 0) {
            text_append(value->text, "array<@");
        } else if (index == 1) {
            text_append(value->text, " %s>[", container->element_type);
        } else {
            text_append(value->text, ", ");
        }
        return;
    }
}

void put_null(value_t *value)
{
    begin_item(value);
    pn_data_put_null(value->data);
    text_append(value->text, "null");
}

void put_bool(value_t *value, bool boolean)
{
    begin_item(value);
    pn_data_put_bool(value->data, boolean);
    text_append(value->text, boolean ? "true" : "false");
}

void put_ubyte(value_t *value, uint8_t number)
{
    begin_item(value);
    pn_data_put_ubyte(value->data, number);
    text_append(value->text, "ubyte(%u)", number);
}

void put_ushort(value_t *value, uint16_t number)
{
    begin_item(value);
    pn_data_put_ushort(value->data, number);
    text_append(value->text, "ushort(%u)", number);
}

void put_uint(value_t *value, uint32_t number)
{
    begin_item(value);
    pn_data_put_uint(value->data, number);
    text_append(value->text, "uint(%" PRIu32 ")", number);
}

void put_ulong(value_t *value, uint64_t number)
{
    begin_item(value);
    pn_data_put_ulong(value->data, number);
    text_append(value->text, "ulong(%" PRIu64 ")", number);
}

void put_byte(value_t *value, int8_t number)
{
    begin_item(value);
    pn_data_put_byte(value->data, number);
    text_append(value->text, "byte(%d)", number);
}

void put_short(value_t *value, int16_t number)
{
    begin_item(value);
    pn_data_put_short(value->data, number);
    text_append(value->text, "short(%d)", number);
}

void put_int(value_t *value, int32_t number)
{
    begin_item(value);
    pn_data_put_int(value->data, number);
    text_append(value->text, "int(%" PRId32 ")", number);
}

void put_long(value_t *value, int64_t number)
{
    begin_item(value);
    pn_data_put_long(value->data, number);
    text_append(value->text, "long(%" PRId64 ")", number);
}

void put_float(value_t *value, float number, const char *number_text)
{
    begin_item(value);
    pn_data_put_float(value->data, number);
    text_append(value->text, "float(%s)", number_text);
}

void put_double(value_t *value, double number, const char *number_text)
{
    begin_item(value);
    pn_data_put_double(value->data, number);
    text_append(value->text, "double(%s)", number_text);
}

void put_float_bits(value_t *value, uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    begin_item(value);
    pn_data_put_float(value->data, number);
    text_append(value->text, "float(0x%08" PRIx32 ")", bits);
}

void put_double_bits(value_t *value, uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    begin_item(value);
    pn_data_put_double(value->data, number);
    text_append(value->text, "double(0x%016" PRIx64 ")", bits);
}

void put_decimal32(value_t *value, uint32_t bits)
{
    begin_item(value);
    pn_data_put_decimal32(value->data, bits);
    text_append(value->text, "decimal32(0x%08" PRIx32 ")", bits);
}

void put_decimal64(value_t *value, uint64_t bits)
{
    begin_item(value);
    pn_data_put_decimal64(value->data, bits);
    text_append(value->text, "decimal64(0x%016" PRIx64 ")", bits);
}

void put_decimal128(value_t *value, const uint8_t bits[16])
{
    pn_decimal128_t decimal;
    memcpy(decimal.bytes, bits, sizeof decimal.bytes);
    begin_item(value);
    pn_data_put_decimal128(value->data, decimal);
    text_append(value->text, "decimal128(0x");
    text_append_hex(value->text, bits, 16);
    text_append(value->text, ")");
}

void put_char(value_t *value, uint32_t code_point)
{
    begin_item(value);
    pn_data_put_char(value->data, code_point);
    text_append(value->text, "char(U+%04" PRIX32 ")", code_point);
}

void put_timestamp(value_t *value, int64_t milliseconds)
{
    begin_item(value);
    pn_data_put_timestamp(value->data, milliseconds);
    text_append(value->text, "timestamp(%" PRId64 ")", milliseconds);
}

void put_uuid(value_t *value, const uint8_t bytes[16])
{
    static const size_t group_sizes[] = {4, 2, 2, 2, 6};
    pn_uuid_t uuid;
    memcpy(uuid.bytes, bytes, sizeof uuid.bytes);
    begin_item(value);
    pn_data_put_uuid(value->data, uuid);
    text_append(value->text, "uuid(");
    for (size_t i = 0; i < 5; i++) {
        text_append(value->text, "%s", i == 0 ? "" : "-");
        text_append_hex(value->text, bytes, group_sizes[i]);
        bytes += group_sizes[i];
    }
    text_append(value->text, ")");
}

void put_binary(value_t *value, const void *bytes, size_t size)
{
    begin_item(value);
    pn_data_put_binary(value->data, pn_bytes(size, bytes));
    text_append(value->text, "binary(");
    text_append_hex(value->text, bytes, size);
    text_append(value->text, ")");
}

void put_string_sized(value_t *value, const char *bytes, size_t size)
{
    begin_item(value);
    pn_data_put_string(value->data, pn_bytes(size, bytes));
    text_append_quoted(value->text, bytes, size);
}

void put_string(value_t *value, const char *string)
{
    put_string_sized(value, string, strlen(string));
}

void put_symbol_sized(value_t *value, const char *bytes, size_t size)
{
    begin_item(value);
    pn_data_put_symbol(value->data, pn_bytes(size, bytes));
    text_append(value->text, ":");
    text_append_quoted(value->text, bytes, size);
}

void put_symbol(value_t *value, const char *symbol)
{
    put_symbol_sized(value, symbol, strlen(symbol));
}

static void push_container(value_t *value, container_kind_t kind, const char *element_type)
{
    if (value->depth == VALUE_DEPTH_MAX) {
        fail("containers nest deeper than %d", VALUE_DEPTH_MAX);
    }
    pn_data_enter(value->data);
    value->containers[value->depth++] = (container_t){kind, 0, element_type};
}

void open_list(value_t *value)
{
    begin_item(value);
    pn_data_put_list(value->data);
    text_append(value->text, "[");
    push_container(value, CONTAINER_LIST, NULL);
}

void open_map(value_t *value)
{
    begin_item(value);
    pn_data_put_map(value->data);
    text_append(value->text, "{");
    push_container(value, CONTAINER_MAP, NULL);
}

void open_array(value_t *value, pn_type_t type, const char *type_name)
{
    begin_item(value);
    pn_data_put_array(value->data, false, type);
    text_append(value->text, "array<%s>[", type_name);
    push_container(value, CONTAINER_ARRAY, type_name);
}

void open_described_array(value_t *value, pn_type_t type, const char *type_name)
{
    begin_item(value);
    pn_data_put_array(value->data, true, type);
    push_container(value, CONTAINER_DESCRIBED_ARRAY, type_name);
}

void open_described(value_t *value)
{
    begin_item(value);
    pn_data_put_described(value->data);
    push_container(value, CONTAINER_DESCRIBED, NULL);
}

void close_container(value_t *value)
{
    if (value->depth == 0) {
        fail("no container is open");
    }
    container_t *container = &value->containers[--value->depth];
    pn_data_exit(value->data);
    switch (container->kind) {
    case CONTAINER_LIST:
    case CONTAINER_ARRAY:
        text_append(value->text, "]");
        return;
    case CONTAINER_MAP:
        text_append(value->text, "}");
        return;
    case CONTAINER_DESCRIBED_ARRAY:
        if (container->item_count == 1) {
            text_append(value->text, " %s>[", container->element_type);
        }
        text_append(value->text, "]");
        return;
    case CONTAINER_DESCRIBED:
        return;
    }
}

void print_vector(const char *kind, const char *name, const void *bytes, size_t size,
                  const text_t *text)
{
    const uint8_t *byte = bytes;
    printf("%s\tproton %d.%d.%d\t%s\tok\t%zu\t", kind, PN_VERSION_MAJOR, PN_VERSION_MINOR,
           PN_VERSION_POINT, name, size);
    for (size_t i = 0; i < size; i++) {
        printf("%02x", byte[i]);
    }
    printf("\t%s\n", text->bytes);
}
