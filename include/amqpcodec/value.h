/* AMQP values: what one is in memory, decoding one, and walking through a compound one (AMQP 1.2
 * to 1.6). */
#ifndef AMQPCODEC_VALUE_H
#define AMQPCODEC_VALUE_H

#include <amqpcodec/limits.h>
#include <amqpcodec/status.h>

AMQPC_BEGIN_DECLS

/* The types of AMQP 1.6, and described values (AMQP 1.2). */
typedef enum amqpc_type {
    AMQPC_TYPE_NULL = 0,
    AMQPC_TYPE_BOOLEAN = 1,
    AMQPC_TYPE_UBYTE = 2,
    AMQPC_TYPE_USHORT = 3,
    AMQPC_TYPE_UINT = 4,
    AMQPC_TYPE_ULONG = 5,
    AMQPC_TYPE_BYTE = 6,
    AMQPC_TYPE_SHORT = 7,
    AMQPC_TYPE_INT = 8,
    AMQPC_TYPE_LONG = 9,
    AMQPC_TYPE_FLOAT = 10,
    AMQPC_TYPE_DOUBLE = 11,
    AMQPC_TYPE_DECIMAL32 = 12,
    AMQPC_TYPE_DECIMAL64 = 13,
    AMQPC_TYPE_DECIMAL128 = 14,
    AMQPC_TYPE_CHAR = 15,
    AMQPC_TYPE_TIMESTAMP = 16,
    AMQPC_TYPE_UUID = 17,
    AMQPC_TYPE_BINARY = 18,
    AMQPC_TYPE_STRING = 19,
    AMQPC_TYPE_SYMBOL = 20,
    AMQPC_TYPE_LIST = 21,
    AMQPC_TYPE_MAP = 22,
    AMQPC_TYPE_ARRAY = 23,
    AMQPC_TYPE_DESCRIBED = 24
} amqpc_type;

/* Format codes (AMQP 1.6): how a value is laid out in bytes. */
typedef enum amqpc_code {
    AMQPC_CODE_SMALLEST = 0, /* for encoding: the smallest that holds the value */
    AMQPC_CODE_NULL = 0x40,
    AMQPC_CODE_TRUE = 0x41,
    AMQPC_CODE_FALSE = 0x42,
    AMQPC_CODE_UINT0 = 0x43,
    AMQPC_CODE_ULONG0 = 0x44,
    AMQPC_CODE_LIST0 = 0x45,
    AMQPC_CODE_UBYTE = 0x50,
    AMQPC_CODE_BYTE = 0x51,
    AMQPC_CODE_SMALLUINT = 0x52,
    AMQPC_CODE_SMALLULONG = 0x53,
    AMQPC_CODE_SMALLINT = 0x54,
    AMQPC_CODE_SMALLLONG = 0x55,
    AMQPC_CODE_BOOLEAN = 0x56,
    AMQPC_CODE_USHORT = 0x60,
    AMQPC_CODE_SHORT = 0x61,
    AMQPC_CODE_UINT = 0x70,
    AMQPC_CODE_INT = 0x71,
    AMQPC_CODE_FLOAT = 0x72,
    AMQPC_CODE_CHAR = 0x73,
    AMQPC_CODE_DECIMAL32 = 0x74,
    AMQPC_CODE_ULONG = 0x80,
    AMQPC_CODE_LONG = 0x81,
    AMQPC_CODE_DOUBLE = 0x82,
    AMQPC_CODE_TIMESTAMP = 0x83,
    AMQPC_CODE_DECIMAL64 = 0x84,
    AMQPC_CODE_DECIMAL128 = 0x94,
    AMQPC_CODE_UUID = 0x98,
    AMQPC_CODE_BINARY8 = 0xa0,
    AMQPC_CODE_STRING8 = 0xa1,
    AMQPC_CODE_SYMBOL8 = 0xa3,
    AMQPC_CODE_BINARY32 = 0xb0,
    AMQPC_CODE_STRING32 = 0xb1,
    AMQPC_CODE_SYMBOL32 = 0xb3,
    AMQPC_CODE_LIST8 = 0xc0,
    AMQPC_CODE_MAP8 = 0xc1,
    AMQPC_CODE_LIST32 = 0xd0,
    AMQPC_CODE_MAP32 = 0xd1,
    AMQPC_CODE_ARRAY8 = 0xe0,
    AMQPC_CODE_ARRAY32 = 0xf0
} amqpc_code;

/* How a compound value (list, map, array, described) is held. */
typedef enum amqpc_form {
    AMQPC_FORM_ENCODED = 0, /* as.bytes is the encoded content */
    AMQPC_FORM_ITEMS = 1    /* as.items is an array of values, for encoding */
} amqpc_form;

/* Bytes that somebody else owns. For strings and symbols too: a length, no terminating NUL, and a
 * NUL inside is data. */
typedef struct amqpc_bytes {
    const void *data;
    size_t size;
} amqpc_bytes;

typedef struct amqpc_value amqpc_value;

/* One AMQP value.
 *
 * type   amqpc_type
 * code   amqpc_code: from decoding, the code that arrived; for encoding, the code to use, or
 *        AMQPC_CODE_SMALLEST
 * form   amqpc_form, of compound values
 * count  of a list or array its elements, of a map its keys and values together (always even), of
 *        a described value 2
 * as     by type: boolean                             boolean ubyte, ushort, uint, ulong
 *        u64 byte, short, int, long              i64 timestamp                           i64,
 *        milliseconds since 1970 UTC char                                u64, a Unicode code
 *        point float, double                       f32, f64 decimal32, decimal64
 *        u64, the bits decimal128, uuid                    octets, in network order binary,
 *        string, symbol              bytes compound, AMQPC_FORM_ENCODED        bytes: the content
 *        behind size and count (of an array it begins with the elements' constructor, of a
 *        described value with the descriptor) compound, AMQPC_FORM_ITEMS          items: `count`
 *        values; a map's alternate key, value; an array's have one type; a described value's are
 *        the descriptor and the value
 *
 * A value borrows what `as.bytes.data` or `as.items` points to. From a decoder, compounds are
 * AMQPC_FORM_ENCODED and their bytes, in the decoder's input, are already validated. */
struct amqpc_value {
    uint8_t type;
    uint8_t code;
    uint8_t form;
    uint8_t reserved;
    uint32_t count;
    union {
        bool boolean;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
        uint8_t octets[16];
        amqpc_bytes bytes;
        const amqpc_value *items;
    } as;
};

/* The name of a type in the specification ("ulong", "described"); "unknown" for a number that is
 * none. Static. */
AMQPC_API const char *amqpc_type_name(unsigned type);

/* The type that a format code encodes, or -1 for a reserved code. 0x00 gives
 * AMQPC_TYPE_DESCRIBED. */
AMQPC_API int amqpc_code_type(unsigned code);

/* Decodes one value and validates all of it, duplicate keys of its maps included.
 *
 * data    borrowed: the value points into it
 * size    bytes at data; more than one value is no error
 * limits  borrowed until return; NULL for the defaults
 * value   written on success only
 * offset  may be NULL; on success the bytes consumed, on failure the offset of the first byte
 *         that is wrong or incomplete
 *
 * Returns AMQPC_OK, a status of the encoding range, or AMQPC_INVALID_ARGUMENT. AMQP 1.2 to 1.6. */
AMQPC_API amqpc_status amqpc_value_decode(const void *data, size_t size, const amqpc_limits *limits,
                                          amqpc_value *value, size_t *offset) AMQPC_CHECK;

/* As amqpc_value_decode, without making a value, and without looking for duplicate keys: how long
 * is the value at data? */
AMQPC_API amqpc_status amqpc_value_skip(const void *data, size_t size, const amqpc_limits *limits,
                                        size_t *offset) AMQPC_CHECK;

/* A place within a compound value. Make one by amqpc_items_init; the members are the library's.
 *
 * remaining   elements not read yet (keys and values of a map count singly)
 * array_code  of an array the format code of its elements, otherwise 0
 * descriptor  of an array of described values the encoded descriptors, as in its constructor;
 *             otherwise size 0 */
typedef struct amqpc_items {
    const uint8_t *position;
    const uint8_t *end;
    uint32_t remaining;
    uint8_t array_code;
    uint8_t reserved[3];
    amqpc_bytes descriptor;
} amqpc_items;

/* Starts at the first element of a list, map, array or described value (whose elements are the
 * descriptor and the value).
 *
 * compound  borrowed until return, its bytes as long as items is used; a value of
 *           AMQPC_FORM_ENCODED that a decoder made
 * items     written on success
 *
 * Returns AMQPC_OK, or AMQPC_INVALID_ARGUMENT where the value is not an encoded compound. */
AMQPC_API amqpc_status amqpc_items_init(const amqpc_value *compound,
                                        amqpc_items *items) AMQPC_CHECK;

/* Reads the next elements, as many as there are room for.
 *
 * items     moves on
 * values    receives the elements; those of an array of described values come without their
 *           descriptor, see amqpc_items
 * capacity  how many there is room for
 * count     receives how many were read: fewer than capacity, or 0, at the end
 *
 * Returns AMQPC_OK, or a status of the encoding range if the bytes were never validated; reads
 * are within bounds even then. */
AMQPC_API amqpc_status amqpc_items_next(amqpc_items *items, amqpc_value *values, size_t capacity,
                                        size_t *count) AMQPC_CHECK;

/* Finds the value of a string or symbol key in a map, without regard to which of the two types
 * the key has.
 *
 * map    a map of either form
 * key    compared byte by byte
 * value  written where the key is found
 *
 * Returns AMQPC_OK, AMQPC_NOT_FOUND, or AMQPC_INVALID_ARGUMENT where `map` is not a map. A null
 * value counts as found. */
AMQPC_API amqpc_status amqpc_map_get(const amqpc_value *map, const void *key, size_t key_size,
                                     amqpc_value *value) AMQPC_CHECK;

/* Tells whether two values, of any form, are the same: the same types and the same contents,
 * whatever their format codes.
 *
 * Floating-point numbers are the same where their bits are. The entries of maps are compared in
 * order.
 *
 * Returns AMQPC_OK with *same set; a status of the encoding range where bytes that were never
 * validated are malformed; AMQPC_INVALID_ARGUMENT for an array of described values of which one
 * side is encoded and the other is not. */
AMQPC_API amqpc_status amqpc_value_same(const amqpc_value *left, const amqpc_value *right,
                                        bool *same) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
