/* Straight-line functions that store one value of a known type: the hot path of every encoder
 * (AMQP 1.6).
 *
 * All return AMQPC_OK, AMQPC_BUFFER_FULL or AMQPC_NO_MEMORY, and AMQPC_INVALID_ARGUMENT where a
 * text is not what its type demands. */
#ifndef AMQPCI_CODEC_STORE_H
#define AMQPCI_CODEC_STORE_H

#include <amqpcodec/value.h>

#include "base/byte_order.h"
#include "codec/put.h"
#include "codec/sink.h"
#include "codec/text.h"

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_byte(amqpci_sink *sink, uint8_t byte)
{
    amqpc_status status = amqpci_sink_reserve(sink, 1);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        *sink->position++ = byte;
    }
    return status;
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_null(amqpci_sink *sink)
{
    return amqpci_store_byte(sink, AMQPC_CODE_NULL);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_boolean(amqpci_sink *sink, bool value)
{
    return amqpci_store_byte(sink, value ? AMQPC_CODE_TRUE : AMQPC_CODE_FALSE);
}

/* A constructor and `size` bytes of the number, 1, 2, 4 or 8. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_number(amqpci_sink *sink, uint8_t code,
                                                           uint64_t value, unsigned size)
{
    amqpc_status status = amqpci_sink_reserve(sink, 1 + (size_t)size);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        sink->position = amqpci_put_number(sink->position, code, value, size);
    }
    return status;
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_ubyte(amqpci_sink *sink, uint8_t value)
{
    return amqpci_store_number(sink, AMQPC_CODE_UBYTE, value, 1);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_ushort(amqpci_sink *sink, uint16_t value)
{
    return amqpci_store_number(sink, AMQPC_CODE_USHORT, value, 2);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_uint(amqpci_sink *sink, uint32_t value)
{
    if (value > UINT8_MAX) {
        return amqpci_store_number(sink, AMQPC_CODE_UINT, value, 4);
    }
    return value == 0 ? amqpci_store_byte(sink, AMQPC_CODE_UINT0)
                      : amqpci_store_number(sink, AMQPC_CODE_SMALLUINT, value, 1);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_ulong(amqpci_sink *sink, uint64_t value)
{
    if (value > UINT8_MAX) {
        return amqpci_store_number(sink, AMQPC_CODE_ULONG, value, 8);
    }
    return value == 0 ? amqpci_store_byte(sink, AMQPC_CODE_ULONG0)
                      : amqpci_store_number(sink, AMQPC_CODE_SMALLULONG, value, 1);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_timestamp(amqpci_sink *sink, int64_t value)
{
    return amqpci_store_number(sink, AMQPC_CODE_TIMESTAMP, (uint64_t)value, 8);
}

/* Binary, string or symbol: with one byte of size where it fits, and otherwise with four, and the
 * code 0x10 higher. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_variable(amqpci_sink *sink, uint8_t code8,
                                                             amqpc_bytes value)
{
    if (AMQPCI_UNLIKELY(value.size > UINT32_MAX - 5)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_sink_reserve(sink, 5 + value.size);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        /* A fixed buffer may end with this very value, which needs 3 bytes less where its size
         * takes one. */
        if (status != AMQPC_BUFFER_FULL || value.size > UINT8_MAX ||
            amqpci_sink_reserve(sink, 2 + value.size) != AMQPC_OK) {
            return status;
        }
    }
    uint8_t *to = sink->position;
    if (AMQPCI_LIKELY(value.size <= UINT8_MAX)) {
        to[0] = code8;
        to[1] = (uint8_t)value.size;
        to += 2;
    } else {
        to[0] = code8 | 0x10;
        amqpci_store32(to + 1, (uint32_t)value.size);
        to += 5;
    }
    amqpci_copy(to, (const uint8_t *)value.data, value.size);
    sink->position = to + value.size;
    return AMQPC_OK;
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_binary(amqpci_sink *sink, amqpc_bytes value)
{
    return amqpci_store_variable(sink, AMQPC_CODE_BINARY8, value);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_string(amqpci_sink *sink, amqpc_bytes value)
{
    if (AMQPCI_UNLIKELY(!amqpci_is_utf8((const uint8_t *)value.data, value.size))) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return amqpci_store_variable(sink, AMQPC_CODE_STRING8, value);
}

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_symbol(amqpci_sink *sink, amqpc_bytes value)
{
    if (AMQPCI_UNLIKELY(!amqpci_is_ascii((const uint8_t *)value.data, value.size))) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return amqpci_store_variable(sink, AMQPC_CODE_SYMBOL8, value);
}

/* A value that is not compound, with the format code that it asks for. In codec/store.c. */
AMQPC_CHECK amqpc_status amqpci_store_scalar(amqpci_sink *sink, const amqpc_value *value);

/* The content of a value, without constructor, as `code` lays it out: an element of an array. Not
 * for compounds of AMQPC_FORM_ITEMS, nor for described values. In codec/store.c. */
AMQPC_CHECK amqpc_status amqpci_store_content(amqpci_sink *sink, const amqpc_value *value,
                                              uint8_t code);

/* Any value, of either form. In codec/store_tree.c. */
AMQPC_CHECK amqpc_status amqpci_store_value(amqpci_sink *sink, const amqpc_value *value);

/* Any value, of either form, as an element of an array with that code. In codec/store_tree.c. */
AMQPC_CHECK amqpc_status amqpci_store_element(amqpci_sink *sink, const amqpc_value *value,
                                              uint8_t element_code);

/* A compound that was begun in a sink, until it is ended. */
typedef struct amqpci_open_compound {
    size_t start;   /* offset in the sink: of the constructor, or in an array of the size */
    uint32_t count; /* values written into it; the writer's to count */
    uint8_t type;   /* amqpc_type */
    uint8_t code; /* the code that it must have; AMQPC_CODE_SMALLEST leaves the choice to its end */
    uint8_t element_code; /* of an array */
    bool bare;            /* an element of an array, without constructor */
    bool wide;            /* room was left for sizes of 4 bytes */
} amqpci_open_compound;

/* Begins a list, map or array, leaving room for its size and count. The constructor of an array's
 * elements is the caller's to store next.
 *
 * element_of  0, or the code of the array's elements that the compound is one of
 * count_hint  how many values will follow, as far as known */
AMQPC_CHECK amqpc_status amqpci_begin_compound(amqpci_sink *sink, uint8_t type, uint8_t code,
                                               uint8_t element_of, size_t count_hint,
                                               amqpci_open_compound *compound);

/* Stores size and count, of which `compound->count` is the latter. AMQPC_INVALID_ARGUMENT where
 * they do not fit the code. */
AMQPC_CHECK amqpc_status amqpci_end_compound(amqpci_sink *sink,
                                             const amqpci_open_compound *compound);

#endif
