/* Test vectors as Qpid Proton C encodes them: values here, messages in proton_messages.c, frames in
 * proton_frames.c. Writes proton.tsv to standard output; see docs/notation.md for the format. */
#include "proton_vector.h"

#include <stdio.h>
#include <string.h>

static const uint8_t example_uuid[16] = {0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0,
                                         0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6};
static const uint8_t zero_uuid[16] = {0};

/* The one value under construction, between start and finish. */
static value_t value;
static text_t value_text;

static value_t *start(void)
{
    static pn_data_t *data = NULL;
    if (data == NULL) {
        data = pn_data(16);
    }
    pn_data_clear(data);
    text_clear(&value_text);
    value_begin(&value, data, &value_text);
    return &value;
}

static void finish(const char *name)
{
    char bytes[BYTES_CAPACITY];
    ssize_t size = pn_data_encode(value.data, bytes, sizeof bytes);
    if (size < 0) {
        fail("%s: Proton does not encode it: %s", name, pn_code((int)size));
    }
    print_vector("value", name, bytes, (size_t)size, &value_text);
}

/* One vector for a value that is a single put_*. */
#define VECTOR(name, type, ...) (put_##type(start(), __VA_ARGS__), finish(name))

static void print_unsigned_integers(void)
{
    VECTOR("ubyte-0", ubyte, 0);
    VECTOR("ubyte-1", ubyte, 1);
    VECTOR("ubyte-127", ubyte, 127);
    VECTOR("ubyte-128", ubyte, 128);
    VECTOR("ubyte-max", ubyte, UINT8_MAX);
    VECTOR("ushort-0", ushort, 0);
    VECTOR("ushort-1", ushort, 1);
    VECTOR("ushort-255", ushort, 255);
    VECTOR("ushort-256", ushort, 256);
    VECTOR("ushort-max", ushort, UINT16_MAX);
    VECTOR("uint-0", uint, 0);
    VECTOR("uint-1", uint, 1);
    VECTOR("uint-255", uint, 255);
    VECTOR("uint-256", uint, 256);
    VECTOR("uint-max", uint, UINT32_MAX);
    VECTOR("ulong-0", ulong, 0);
    VECTOR("ulong-1", ulong, 1);
    VECTOR("ulong-255", ulong, 255);
    VECTOR("ulong-256", ulong, 256);
    VECTOR("ulong-2-32", ulong, UINT64_C(4294967296));
    VECTOR("ulong-max", ulong, UINT64_MAX);
}

static void print_signed_integers(void)
{
    VECTOR("byte-0", byte, 0);
    VECTOR("byte-minus-1", byte, -1);
    VECTOR("byte-min", byte, INT8_MIN);
    VECTOR("byte-max", byte, INT8_MAX);
    VECTOR("short-0", short, 0);
    VECTOR("short-minus-1", short, -1);
    VECTOR("short-256", short, 256);
    VECTOR("short-min", short, INT16_MIN);
    VECTOR("short-max", short, INT16_MAX);
    VECTOR("int-0", int, 0);
    VECTOR("int-minus-1", int, -1);
    VECTOR("int-127", int, 127);
    VECTOR("int-128", int, 128);
    VECTOR("int-minus-128", int, -128);
    VECTOR("int-minus-129", int, -129);
    VECTOR("int-255", int, 255);
    VECTOR("int-min", int, INT32_MIN);
    VECTOR("int-max", int, INT32_MAX);
    VECTOR("long-0", long, 0);
    VECTOR("long-minus-1", long, -1);
    VECTOR("long-127", long, 127);
    VECTOR("long-128", long, 128);
    VECTOR("long-minus-128", long, -128);
    VECTOR("long-minus-129", long, -129);
    VECTOR("long-256", long, 256);
    VECTOR("long-min", long, INT64_MIN);
    VECTOR("long-max", long, INT64_MAX);
}

static void print_floating_point(void)
{
    VECTOR("float-0", float, 0.0F, "0");
    VECTOR("float-minus-0", float, -0.0F, "-0");
    VECTOR("float-1-5", float, 1.5F, "1.5");
    VECTOR("float-minus-2-25", float, -2.25F, "-2.25");
    VECTOR("float-0-1", float, 0.1F, "0.1");
    VECTOR("float-infinity", float_bits, 0x7f800000);
    VECTOR("float-minus-infinity", float_bits, 0xff800000);
    VECTOR("float-nan", float_bits, 0x7fc00000);
    VECTOR("double-0", double, 0.0, "0");
    VECTOR("double-minus-0", double, -0.0, "-0");
    VECTOR("double-1-5", double, 1.5, "1.5");
    VECTOR("double-minus-2-25", double, -2.25, "-2.25");
    VECTOR("double-0-1", double, 0.1, "0.1");
    VECTOR("double-max", double, 0x1.fffffffffffffp+1023, "1.7976931348623157e+308");
    VECTOR("double-infinity", double_bits, UINT64_C(0x7ff0000000000000));
    VECTOR("double-minus-infinity", double_bits, UINT64_C(0xfff0000000000000));
    VECTOR("double-nan", double_bits, UINT64_C(0x7ff8000000000000));
    VECTOR("double-nan-payload", double_bits, UINT64_C(0x7ff8000000000123));

    static const uint8_t decimal128_one[16] = {0x30, 0x40, [15] = 0x01};
    static const uint8_t decimal128_ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    VECTOR("decimal32-0", decimal32, 0);
    VECTOR("decimal32-1", decimal32, 0x32800001);
    VECTOR("decimal32-infinity", decimal32, 0x78000000);
    VECTOR("decimal64-0", decimal64, 0);
    VECTOR("decimal64-1", decimal64, UINT64_C(0x31c0000000000001));
    VECTOR("decimal64-nan", decimal64, UINT64_C(0x7c00000000000000));
    VECTOR("decimal128-0", decimal128, zero_uuid);
    VECTOR("decimal128-1", decimal128, decimal128_one);
    VECTOR("decimal128-all-bits", decimal128, decimal128_ones);
}

static void print_other_fixed_widths(void)
{
    put_null(start()), finish("null");
    VECTOR("true", bool, true);
    VECTOR("false", bool, false);
    VECTOR("char-nul", char, 0);
    VECTOR("char-a", char, 'A');
    VECTOR("char-euro", char, 0x20ac);
    VECTOR("char-smiley", char, 0x1f600);
    VECTOR("char-max", char, 0x10ffff);
    VECTOR("timestamp-0", timestamp, 0);
    VECTOR("timestamp-2011", timestamp, INT64_C(1311704463521));
    VECTOR("timestamp-before-1970", timestamp, -1);
    VECTOR("timestamp-min", timestamp, INT64_MIN);
    VECTOR("timestamp-max", timestamp, INT64_MAX);
    VECTOR("uuid-0", uuid, zero_uuid);
    VECTOR("uuid-example", uuid, example_uuid);
}

static void print_variable_widths(void)
{
    char letters[256];
    uint8_t octets[256];
    memset(letters, 'x', sizeof letters);
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)i;
    }

    VECTOR("binary-empty", binary, octets, 0);
    VECTOR("binary-3-bytes", binary, "\x00\xff\x61", 3);
    VECTOR("binary-255-bytes", binary, octets, 255);
    VECTOR("binary-256-bytes", binary, octets, 256);
    VECTOR("string-empty", string, "");
    VECTOR("string-hello", string, "Hello, World!");
    VECTOR("string-utf8", string, "gr\u00fc\u00df \u20ac \u65e5\u672c \U0001f600");
    VECTOR("string-escapes", string, "\"\\\b\f\n\r\t\x01\x1f\x7f/");
    VECTOR("string-with-nul", string_sized, "a\0b", 3);
    VECTOR("string-255-bytes", string_sized, letters, 255);
    VECTOR("string-256-bytes", string_sized, letters, 256);
    VECTOR("symbol-empty", symbol, "");
    VECTOR("symbol-accepted", symbol, "amqp:accepted:list");
    VECTOR("symbol-escapes", symbol, "\"\\\t");
    VECTOR("symbol-255-bytes", symbol_sized, letters, 255);
    VECTOR("symbol-256-bytes", symbol_sized, letters, 256);
}

/* A list of count elements true; each is one byte on the wire. */
static void print_list_of_booleans(const char *name, int count)
{
    value_t *list = start();
    open_list(list);
    for (int i = 0; i < count; i++) {
        put_bool(list, true);
    }
    close_container(list);
    finish(name);
}

static void print_lists(void)
{
    print_list_of_booleans("list-empty", 0);
    print_list_of_booleans("list-1-element", 1);
    /* Around the limit of list8: 254 elements and the count are 255 bytes. */
    print_list_of_booleans("list-254-elements", 254);
    print_list_of_booleans("list-255-elements", 255);

    value_t *list = start();
    open_list(list);
    put_null(list);
    put_bool(list, false);
    put_ubyte(list, 7);
    put_ushort(list, 7);
    put_uint(list, 7);
    put_ulong(list, 7);
    put_byte(list, -7);
    put_short(list, -7);
    put_int(list, -7);
    put_long(list, -7);
    put_float(list, 1.5F, "1.5");
    put_double(list, -2.25, "-2.25");
    put_decimal32(list, 0x22500001);
    put_char(list, 'A');
    put_timestamp(list, 1);
    put_uuid(list, example_uuid);
    put_binary(list, "\x01", 1);
    put_string(list, "a");
    put_symbol(list, "b");
    close_container(list);
    finish("list-of-each-type");

    list = start();
    open_list(list);
    open_list(list);
    open_list(list);
    close_container(list);
    put_uint(list, 1);
    close_container(list);
    open_map(list);
    put_string(list, "k");
    open_list(list);
    put_null(list);
    close_container(list);
    close_container(list);
    close_container(list);
    finish("list-nested");
}

static void print_maps(void)
{
    value_t *map = start();
    open_map(map);
    close_container(map);
    finish("map-empty");

    map = start();
    open_map(map);
    put_symbol(map, "k");
    put_uint(map, 1);
    put_symbol(map, "l");
    put_null(map);
    close_container(map);
    finish("map-of-symbols");

    map = start();
    open_map(map);
    put_uint(map, 0);
    put_string(map, "zero");
    put_string(map, "z");
    put_uint(map, 0);
    put_uuid(map, example_uuid);
    put_bool(map, true);
    put_long(map, -1);
    put_double(map, 0.1, "0.1");
    close_container(map);
    finish("map-of-mixed-keys");

    map = start();
    open_map(map);
    put_string(map, "outer");
    open_map(map);
    put_string(map, "inner");
    open_map(map);
    close_container(map);
    close_container(map);
    close_container(map);
    finish("map-nested");

    char text[200];
    memset(text, 'v', sizeof text);
    map = start();
    open_map(map);
    put_string(map, "one");
    put_string_sized(map, text, sizeof text);
    put_string(map, "two");
    put_string_sized(map, text, sizeof text);
    close_container(map);
    finish("map-over-255-bytes");
}

static void print_arrays_of_fixed_widths(void)
{
#define ARRAY(name, pn_type, type_name, ...)                                                       \
    do {                                                                                           \
        value_t *array = start();                                                                  \
        open_array(array, pn_type, type_name);                                                     \
        __VA_ARGS__;                                                                               \
        close_container(array);                                                                    \
        finish(name);                                                                              \
    } while (0)

    ARRAY("array-of-null", PN_NULL, "null", put_null(array), put_null(array));
    ARRAY("array-of-boolean", PN_BOOL, "boolean", put_bool(array, true), put_bool(array, false));
    ARRAY("array-of-ubyte", PN_UBYTE, "ubyte", put_ubyte(array, 0), put_ubyte(array, 255));
    ARRAY("array-of-ushort", PN_USHORT, "ushort", put_ushort(array, 0), put_ushort(array, 65535));
    ARRAY("array-of-uint", PN_UINT, "uint", put_uint(array, 0), put_uint(array, 1),
          put_uint(array, 4294967295));
    ARRAY("array-of-ulong", PN_ULONG, "ulong", put_ulong(array, 0), put_ulong(array, UINT64_MAX));
    ARRAY("array-of-byte", PN_BYTE, "byte", put_byte(array, -128), put_byte(array, 127));
    ARRAY("array-of-short", PN_SHORT, "short", put_short(array, -1), put_short(array, 300));
    ARRAY("array-of-int", PN_INT, "int", put_int(array, 0), put_int(array, -1));
    ARRAY("array-of-long", PN_LONG, "long", put_long(array, 0), put_long(array, INT64_MIN));
    ARRAY("array-of-float", PN_FLOAT, "float", put_float(array, 1.5F, "1.5"),
          put_float(array, -0.0F, "-0"));
    ARRAY("array-of-double", PN_DOUBLE, "double", put_double(array, 0.1, "0.1"));
    ARRAY("array-of-decimal32", PN_DECIMAL32, "decimal32", put_decimal32(array, 0x32800001));
    ARRAY("array-of-decimal64", PN_DECIMAL64, "decimal64", put_decimal64(array, 1));
    ARRAY("array-of-char", PN_CHAR, "char", put_char(array, 'a'), put_char(array, 0x1f600));
    ARRAY("array-of-timestamp", PN_TIMESTAMP, "timestamp", put_timestamp(array, 0),
          put_timestamp(array, -1));
    ARRAY("array-of-uuid", PN_UUID, "uuid", put_uuid(array, zero_uuid),
          put_uuid(array, example_uuid));
    ARRAY("array-empty-of-uint", PN_UINT, "uint", (void)0);
    ARRAY("array-empty-of-symbol", PN_SYMBOL, "symbol", (void)0);
}

static void print_other_arrays(void)
{
    ARRAY("array-of-binary", PN_BINARY, "binary", put_binary(array, "\x00\x01", 2),
          put_binary(array, "", 0));
    ARRAY("array-of-string", PN_STRING, "string", put_string(array, "a"), put_string(array, ""),
          put_string(array, "\u00e4\u00f6"));
    ARRAY("array-of-symbol", PN_SYMBOL, "symbol", put_symbol(array, "amqp:accepted:list"),
          put_symbol(array, "x"));
    ARRAY("array-of-list", PN_LIST, "list", open_list(array), put_uint(array, 1),
          close_container(array), open_list(array), close_container(array));
    ARRAY("array-of-map", PN_MAP, "map", open_map(array), put_string(array, "k"),
          put_bool(array, true), close_container(array), open_map(array), close_container(array));
    ARRAY("array-of-array", PN_ARRAY, "array", open_array(array, PN_UINT, "uint"),
          put_uint(array, 1), close_container(array), open_array(array, PN_SYMBOL, "symbol"),
          put_symbol(array, "a"), put_symbol(array, "b"), close_container(array));

    value_t *array = start();
    open_described_array(array, PN_LIST, "list");
    put_ulong(array, 5);
    open_list(array);
    close_container(array);
    open_list(array);
    put_string(array, "a");
    close_container(array);
    close_container(array);
    finish("array-of-described-lists");

    array = start();
    open_described_array(array, PN_STRING, "string");
    put_symbol(array, "com.example:name");
    put_string(array, "a");
    put_string(array, "b");
    close_container(array);
    finish("array-of-described-strings");

    array = start();
    open_described_array(array, PN_UINT, "uint");
    put_ulong(array, UINT64_C(0x0000468c00000004));
    close_container(array);
    finish("array-empty-of-described-uints");

    array = start();
    open_array(array, PN_STRING, "string");
    for (int i = 0; i < 300; i++) {
        put_string(array, "x");
    }
    close_container(array);
    finish("array-of-300-strings");
}

static void print_described(void)
{
    value_t *described = start();
    open_described(described);
    put_ulong(described, 112);
    open_list(described);
    put_bool(described, true);
    close_container(described);
    close_container(described);
    finish("described-list");

    described = start();
    open_described(described);
    put_symbol(described, "com.example:x");
    put_string(described, "value");
    close_container(described);
    finish("described-by-symbol");

    described = start();
    open_described(described);
    put_ulong(described, 0);
    put_null(described);
    close_container(described);
    finish("described-null-by-ulong-0");

    described = start();
    open_described(described);
    put_ulong(described, UINT64_C(0x0000468c00000004));
    open_described(described);
    put_symbol(described, "inner");
    open_map(described);
    put_string(described, "k");
    put_uint(described, 1);
    close_container(described);
    close_container(described);
    close_container(described);
    finish("described-twice");

    described = start();
    open_list(described);
    open_described(described);
    put_symbol(described, "a");
    put_uint(described, 1);
    close_container(described);
    open_described(described);
    put_ulong(described, 256);
    put_binary(described, "\xff", 1);
    close_container(described);
    close_container(described);
    finish("list-of-described");
}

void print_values(void)
{
    print_unsigned_integers();
    print_signed_integers();
    print_floating_point();
    print_other_fixed_widths();
    print_variable_widths();
    print_lists();
    print_maps();
    print_arrays_of_fixed_widths();
    print_other_arrays();
    print_described();
}

/* What was left out of the file, as comments at its top. */
static void print_notes(void)
{
    puts("# Written by tests/vectors/peers/generate: the bytes of Qpid Proton C.\n"
         "# Left out, because what Proton writes is not legal AMQP 1.0:\n"
         "# - a message without a body: it ends after its other sections (AMQP 3.2 wants a body);\n"
         "# - a message of several data sections (several binaries in an inferred body): only the\n"
         "#   first one is described, the others follow it as bare binaries (AMQP 3.2.6).");
}

int main(void)
{
    print_notes();
    print_values();
    print_messages();
    print_frames();
    return fflush(stdout) == 0 ? 0 : 1;
}
