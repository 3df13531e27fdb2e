/* Values as text and as JSON (docs/notation.md). Compounds are walked with a stack. */
#include "codec/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/content.h"
#include "codec/place.h"

amqpc_status amqpci_printer_finish(const amqpci_printer *printer)
{
    if (printer->status != AMQPC_OK) {
        amqpc_buffer_truncate(printer->buffer, printer->start);
    }
    return printer->status;
}

static void append(amqpci_printer *printer, const void *data, size_t size)
{
    if (printer->status == AMQPC_OK) {
        printer->status = amqpc_buffer_append(printer->buffer, data, size);
    }
}

void amqpci_print_text(amqpci_printer *printer, const char *text)
{
    append(printer, text, strlen(text));
}

void amqpci_print_format(amqpci_printer *printer, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(printer, text,
           size < 0                     ? 0
           : (size_t)size < sizeof text ? (size_t)size
                                        : sizeof text - 1);
}

static void print_escape(amqpci_printer *printer, uint8_t byte)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (byte < sizeof letters && letters[byte] != 0) {
        amqpci_print_format(printer, "\\%c", letters[byte]);
    } else {
        amqpci_print_format(printer, "\\u%04x", byte);
    }
}

void amqpci_print_quoted(amqpci_printer *printer, amqpc_bytes text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t plain = 0; /* where the bytes begin that need no escape and are not yet appended */
    append(printer, "\"", 1);
    for (size_t i = 0; i < text.size; i++) {
        if (bytes[i] < 0x20 || bytes[i] == 0x7f || bytes[i] == '"' || bytes[i] == '\\') {
            append(printer, bytes + plain, i - plain);
            print_escape(printer, bytes[i]);
            plain = i + 1;
        }
    }
    if (text.size > plain) {
        append(printer, bytes + plain, text.size - plain);
    }
    append(printer, "\"", 1);
}

void amqpci_print_hex(amqpci_printer *printer, amqpc_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = (const uint8_t *)bytes.data;
    char text[64];
    size_t used = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        text[used++] = digits[from[i] >> 4];
        text[used++] = digits[from[i] & 15];
        if (used == sizeof text) {
            append(printer, text, used);
            used = 0;
        }
    }
    append(printer, text, used);
}

/* The C library writes the decimal point of the locale, of one or several bytes; the notation has a
 * point. */
static void print_decimal(amqpci_printer *printer, const char *text)
{
    size_t before = strspn(text, "+-0123456789e");
    append(printer, text, before);
    if (text[before] != '\0') {
        const char *behind = text + before + strcspn(text + before, "0123456789");
        append(printer, ".", 1);
        amqpci_print_text(printer, behind);
    } else if (printer->format == AMQPC_PRINT_JSON && strcmp(text, "-0") == 0) {
        append(printer, ".0",
               2); /* readers of JSON take -0 for an integer, which has no sign then */
    }
}

/* The shortest decimal that reads back to the same bits; the bits where it is not finite. Both
 * exponents are all ones then. */
static void print_double(amqpci_printer *printer, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7ff0000000000000u) == 0x7ff0000000000000u) {
        amqpci_print_format(
            printer, printer->format == AMQPC_PRINT_JSON ? "\"0x%016" PRIx64 "\"" : "0x%016" PRIx64,
            bits);
        return;
    }
    char text[40];
    uint64_t read_back = 0;
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*g", precision, value);
        double number = strtod(text, NULL);
        memcpy(&read_back, &number, sizeof read_back);
        if (read_back == bits) {
            break;
        }
    }
    print_decimal(printer, text);
}

static void print_float(amqpci_printer *printer, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7f800000u) == 0x7f800000u) {
        amqpci_print_format(
            printer, printer->format == AMQPC_PRINT_JSON ? "\"0x%08" PRIx32 "\"" : "0x%08" PRIx32,
            bits);
        return;
    }
    char text[40];
    uint32_t read_back = 0;
    for (int precision = 1; precision <= 9; precision++) {
        (void)snprintf(text, sizeof text, "%.*g", precision, (double)value);
        float number = strtof(text, NULL);
        memcpy(&read_back, &number, sizeof read_back);
        if (read_back == bits) {
            break;
        }
    }
    print_decimal(printer, text);
}

static void print_uuid(amqpci_printer *printer, const uint8_t *octets)
{
    static const size_t sizes[] = {4, 2, 2, 2, 6};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        amqpci_print_text(printer, i == 0 ? "" : "-");
        amqpci_print_hex(printer, (amqpc_bytes){octets, sizes[i]});
        octets += sizes[i];
    }
}

/* What stands between the parentheses of the notation: name(...). */
static void print_payload(amqpci_printer *printer, const amqpc_value *value)
{
    switch (value->type) {
    case AMQPC_TYPE_UBYTE:
    case AMQPC_TYPE_USHORT:
    case AMQPC_TYPE_UINT:
    case AMQPC_TYPE_ULONG:
        amqpci_print_format(printer, "%" PRIu64, value->as.u64);
        break;
    case AMQPC_TYPE_FLOAT:
        print_float(printer, value->as.f32);
        break;
    case AMQPC_TYPE_DOUBLE:
        print_double(printer, value->as.f64);
        break;
    case AMQPC_TYPE_DECIMAL32:
        amqpci_print_format(printer, "0x%08" PRIx64, value->as.u64);
        break;
    case AMQPC_TYPE_DECIMAL64:
        amqpci_print_format(printer, "0x%016" PRIx64, value->as.u64);
        break;
    case AMQPC_TYPE_DECIMAL128:
        amqpci_print_text(printer, "0x");
        amqpci_print_hex(printer, (amqpc_bytes){value->as.octets, sizeof value->as.octets});
        break;
    case AMQPC_TYPE_CHAR:
        amqpci_print_format(printer, "U+%04" PRIX64, value->as.u64);
        break;
    case AMQPC_TYPE_UUID:
        print_uuid(printer, value->as.octets);
        break;
    case AMQPC_TYPE_BINARY:
        amqpci_print_hex(printer, value->as.bytes);
        break;
    default: /* byte, short, int, long, timestamp */
        amqpci_print_format(printer, "%" PRId64, value->as.i64);
        break;
    }
}

/* A number in JSON is one; what is not, though the notation writes it without quotation marks, is
 * a string. */
static bool is_json_string(uint8_t type)
{
    return type == AMQPC_TYPE_DECIMAL32 || type == AMQPC_TYPE_DECIMAL64 ||
           type == AMQPC_TYPE_DECIMAL128 || type == AMQPC_TYPE_CHAR || type == AMQPC_TYPE_UUID ||
           type == AMQPC_TYPE_BINARY;
}

static void print_scalar(amqpci_printer *printer, const amqpc_value *value)
{
    bool json = printer->format == AMQPC_PRINT_JSON;
    switch (value->type) {
    case AMQPC_TYPE_NULL:
        amqpci_print_text(printer, "null");
        break;
    case AMQPC_TYPE_BOOLEAN:
        amqpci_print_text(printer, value->as.boolean ? "true" : "false");
        break;
    case AMQPC_TYPE_STRING:
        amqpci_print_quoted(printer, value->as.bytes);
        break;
    case AMQPC_TYPE_SYMBOL:
        amqpci_print_text(printer, json ? "{\"symbol\": " : ":");
        amqpci_print_quoted(printer, value->as.bytes);
        amqpci_print_text(printer, json ? "}" : "");
        break;
    default:
        amqpci_print_format(printer, json ? "{\"%s\": " : "%s(", amqpc_type_name(value->type));
        amqpci_print_text(printer, json && is_json_string(value->type) ? "\"" : "");
        print_payload(printer, value);
        amqpci_print_text(printer, json && is_json_string(value->type) ? "\"" : "");
        amqpci_print_text(printer, json ? "}" : ")");
        break;
    }
}

/* A compound that is being printed. */
typedef struct branch {
    amqpci_place place;
    uint32_t printed; /* elements */
    uint8_t type;
} branch;

/* What stands before a compound's elements, between them, and behind them. Of a map, `between`
 * stands before every second element, and `inside` between key and value. */
typedef struct brackets {
    const char *before;
    const char *between;
    const char *inside;
    const char *behind;
} brackets;

static brackets brackets_of(amqpc_print_format format, uint8_t type)
{
    static const brackets text[] = {{"[", ", ", ", ", "]"},
                                    {"{", ", ", ": ", "}"},
                                    {"[", ", ", ", ", "]"},
                                    {"@", " ", " ", ""}};
    static const brackets json[] = {{"[", ", ", ", ", "]"},
                                    {"{\"map\": [", "], [", ", ", "]}"},
                                    {"\"values\": [", ", ", ", ", "]}}"},
                                    {"{\"described\": [", ", ", ", ", "]}"}};
    unsigned index = type - (unsigned)AMQPC_TYPE_LIST;
    return format == AMQPC_PRINT_JSON ? json[index] : text[index];
}

static void print_array_text(amqpci_printer *printer, amqpc_bytes descriptors,
                             const char *type_name)
{
    const uint8_t *from = (const uint8_t *)descriptors.data;
    const uint8_t *end = descriptors.size == 0 ? from : from + descriptors.size;
    amqpci_print_text(printer, "array<");
    while (from != NULL && from < end) {
        amqpc_value descriptor;
        from = amqpci_read_value(from + 1, end, &descriptor);
        amqpci_print_text(printer, "@");
        print_scalar(printer, &descriptor);
        amqpci_print_text(printer, " ");
    }
    amqpci_print_text(printer, type_name);
    amqpci_print_text(printer, ">");
}

static void print_array_json(amqpci_printer *printer, amqpc_bytes descriptors,
                             const char *type_name)
{
    const uint8_t *from = (const uint8_t *)descriptors.data;
    const uint8_t *end = descriptors.size == 0 ? from : from + descriptors.size;
    amqpci_print_format(printer, "{\"array\": {\"type\": \"%s\", ", type_name);
    if (descriptors.size > 0) {
        amqpci_print_text(printer, "\"descriptors\": [");
        while (from != NULL && from < end) {
            amqpc_value descriptor;
            bool first = from == descriptors.data;
            from = amqpci_read_value(from + 1, end, &descriptor);
            amqpci_print_text(printer, first ? "" : ", ");
            print_scalar(printer, &descriptor);
        }
        amqpci_print_text(printer, "], ");
    }
}

/* The type of an array's elements, and their descriptors. */
static void print_array_head(amqpci_printer *printer, const branch *array)
{
    unsigned type = array->place.encoded.array_code == 0
                        ? AMQPC_TYPE_NULL
                        : (unsigned)amqpc_code_type(array->place.encoded.array_code);
    if (array->place.items != NULL) {
        type = array->place.remaining == 0 ? AMQPC_TYPE_NULL : array->place.items[0].type;
    }
    amqpc_bytes descriptors = array->place.encoded.descriptor;
    if (printer->format == AMQPC_PRINT_JSON) {
        print_array_json(printer, descriptors, amqpc_type_name(type));
    } else {
        print_array_text(printer, descriptors, amqpc_type_name(type));
    }
}

static void enter(amqpci_printer *printer, const amqpc_value *value, branch *entered)
{
    entered->type = value->type;
    entered->printed = 0;
    printer->status =
        printer->status == AMQPC_OK ? amqpci_place_start(value, &entered->place) : printer->status;
    if (printer->status != AMQPC_OK) {
        return;
    }
    if (value->type == AMQPC_TYPE_ARRAY) {
        print_array_head(printer, entered);
    }
    amqpci_print_text(printer, brackets_of(printer->format, value->type).before);
    if (value->type == AMQPC_TYPE_MAP && printer->format == AMQPC_PRINT_JSON && value->count > 0) {
        amqpci_print_text(printer, "[");
    }
}

static void leave(amqpci_printer *printer, const branch *done)
{
    if (done->type == AMQPC_TYPE_MAP && printer->format == AMQPC_PRINT_JSON && done->printed > 0) {
        amqpci_print_text(printer, "]");
    }
    amqpci_print_text(printer, brackets_of(printer->format, done->type).behind);
}

/* The separator before the next element, and that element. */
static void print_next(amqpci_printer *printer, branch *inner, amqpc_value *value)
{
    brackets marks = brackets_of(printer->format, inner->type);
    if (inner->printed > 0) {
        amqpci_print_text(printer, (inner->printed & 1) != 0 && inner->type == AMQPC_TYPE_MAP
                                       ? marks.inside
                                       : marks.between);
    }
    inner->printed++;
    amqpc_status status = amqpci_place_next(&inner->place, value);
    printer->status = printer->status == AMQPC_OK ? status : printer->status;
}

void amqpci_print_value(amqpci_printer *printer, const amqpc_value *value)
{
    branch stack[AMQPC_DEPTH_MAX];
    unsigned depth = 0;
    amqpc_value next = *value;
    while (printer->status == AMQPC_OK) {
        if (next.type < AMQPC_TYPE_LIST) {
            print_scalar(printer, &next);
        } else if (depth == AMQPC_DEPTH_MAX) {
            printer->status = AMQPC_TOO_DEEP;
        } else {
            enter(printer, &next, &stack[depth++]);
        }
        while (depth > 0 && printer->status == AMQPC_OK && stack[depth - 1].place.remaining == 0) {
            leave(printer, &stack[--depth]);
        }
        if (depth == 0 || printer->status != AMQPC_OK) {
            return;
        }
        print_next(printer, &stack[depth - 1], &next);
    }
}

amqpc_status amqpc_value_print(const amqpc_value *value, amqpc_print_format format,
                               amqpc_buffer *buffer)
{
    amqpci_printer printer = amqpci_printer_start(format, buffer);
    amqpci_print_value(&printer, value);
    return amqpci_printer_finish(&printer);
}
