/* Builds a value in Proton and, beside it, its text in the notation of docs/notation.md.
 *
 * The text is written from what we ask Proton to encode and never from the bytes that come out, so
 * that a vector is an expectation of its own. Every failure ends the program: a half-written file
 * of vectors is worth nothing. */
#ifndef PEERS_PROTON_VECTOR_H
#define PEERS_PROTON_VECTOR_H

#include <proton/codec.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_DEPTH_MAX = 8, TEXT_CAPACITY = 16384, BYTES_CAPACITY = 16384 };

/* Text that grows at its end; always terminated. */
typedef struct {
    size_t size;
    char bytes[TEXT_CAPACITY];
} text_t;

typedef enum {
    CONTAINER_LIST,
    CONTAINER_MAP,
    CONTAINER_ARRAY,
    CONTAINER_DESCRIBED_ARRAY,
    CONTAINER_DESCRIBED,
} container_kind_t;

typedef struct {
    container_kind_t kind;
    unsigned item_count;
    const char *element_type; /* arrays only: the name of the type in the notation */
} container_t;

/* A value under construction: each put_* goes to `data` and to `text`. */
typedef struct {
    pn_data_t *data;
    text_t *text;
    unsigned depth;
    container_t containers[VALUE_DEPTH_MAX];
} value_t;

/* Ends the program with a message. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

void text_clear(text_t *text);
void text_append(text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends size bytes as two hexadecimal digits each. */
void text_append_hex(text_t *text, const void *bytes, size_t size);
/* Appends size bytes between double quotes, with the escapes of the notation. */
void text_append_quoted(text_t *text, const char *bytes, size_t size);

/* Starts a value that is appended to data and text; neither is cleared. */
void value_begin(value_t *value, pn_data_t *data, text_t *text);

void put_null(value_t *value);
void put_bool(value_t *value, bool boolean);
void put_ubyte(value_t *value, uint8_t number);
void put_ushort(value_t *value, uint16_t number);
void put_uint(value_t *value, uint32_t number);
void put_ulong(value_t *value, uint64_t number);
void put_byte(value_t *value, int8_t number);
void put_short(value_t *value, int16_t number);
void put_int(value_t *value, int32_t number);
void put_long(value_t *value, int64_t number);
/* The caller gives the text of a floating-point number, to keep printf out of the expectation. */
void put_float(value_t *value, float number, const char *number_text);
void put_double(value_t *value, double number, const char *number_text);
/* For numbers that are not finite: their bits. */
void put_float_bits(value_t *value, uint32_t bits);
void put_double_bits(value_t *value, uint64_t bits);
void put_decimal32(value_t *value, uint32_t bits);
void put_decimal64(value_t *value, uint64_t bits);
void put_decimal128(value_t *value, const uint8_t bits[16]);
void put_char(value_t *value, uint32_t code_point);
void put_timestamp(value_t *value, int64_t milliseconds);
void put_uuid(value_t *value, const uint8_t bytes[16]);
void put_binary(value_t *value, const void *bytes, size_t size);
void put_string(value_t *value, const char *string);
void put_string_sized(value_t *value, const char *bytes, size_t size);
void put_symbol(value_t *value, const char *symbol);
void put_symbol_sized(value_t *value, const char *bytes, size_t size);

/* Opens a container; the items that follow are its own until close_container. */
void open_list(value_t *value);
void open_map(value_t *value);
void open_array(value_t *value, pn_type_t type, const char *type_name);
/* The first item that follows is the descriptor of all elements. */
void open_described_array(value_t *value, pn_type_t type, const char *type_name);
/* Two items follow: descriptor and value. */
void open_described(value_t *value);
void close_container(value_t *value);

/* Prints one line of a vector file with status ok. */
void print_vector(const char *kind, const char *name, const void *bytes, size_t size,
                  const text_t *text);

/* The three parts of proton.tsv. */
void print_values(void);
void print_messages(void);
void print_frames(void);

#endif
