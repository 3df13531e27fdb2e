/* A cursor over encoded values, and the straight-line functions that take one value of a known
 * type from it.
 *
 * These are the hot path of every decoder. They detect and do not explain: they return false,
 * with the cursor where it was, if the value is not as wanted, and the caller has
 * amqpci_take_fault find out what is wrong, and where, from the same bytes. */
#ifndef AMQPCI_CODEC_CURSOR_H
#define AMQPCI_CODEC_CURSOR_H

#include "base/byte_order.h"
#include "base/limits.h"
#include "codec/format_code.h"
#include "codec/text.h"

typedef struct amqpci_cursor {
    const uint8_t *position;
    const uint8_t *end;       /* of the compound that the cursor is in, or of the input */
    uint32_t depth_left;      /* compounds that may still be entered */
    uint32_t elements_max;    /* of one compound */
    uint32_t values_left;     /* budget of the performative; AMQPC_UNLIMITED elsewhere */
    uint32_t zero_width_left; /* budget of the frame or message */
    bool find_duplicates;     /* look for duplicate keys in maps, wherever they are */
} amqpci_cursor;

/* Limits are not NULL, and valid. */
static inline void amqpci_cursor_start(amqpci_cursor *cursor, const void *data, size_t size,
                                       const amqpc_limits *limits)
{
    cursor->position = (const uint8_t *)data;
    cursor->end = (const uint8_t *)data + size;
    cursor->depth_left = limits->depth;
    cursor->elements_max = limits->compound_elements;
    cursor->values_left = AMQPC_UNLIMITED;
    cursor->zero_width_left = limits->zero_width_elements;
    cursor->find_duplicates = true;
}

/* AMQPC_INVALID_ARGUMENT where the limits cannot be used. */
static inline amqpc_status amqpci_cursor_init(amqpci_cursor *cursor, const void *data, size_t size,
                                              const amqpc_limits *limits)
{
    if (limits == NULL) {
        limits = &amqpci_default_limits;
    } else if (amqpc_limits_check(limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpci_cursor_start(cursor, data, size, limits);
    return AMQPC_OK;
}

AMQPCI_INLINE size_t amqpci_remaining(const amqpci_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->position);
}

/* Validates one value of any type and moves behind it. On failure the cursor stands at the byte
 * at fault. In codec/walk.c. */
AMQPC_CHECK amqpc_status amqpci_skip(amqpci_cursor *cursor);

/* What is wrong with the value at the cursor, which one of the functions below refused: the
 * status, with the cursor at the byte at fault. `types` is a set of AMQPCI_TYPE_BIT: a valid
 * value of another type is AMQPC_WRONG_TYPE, one of these types AMQPC_INVALID_FIELD. In
 * codec/walk.c. */
AMQPC_CHECK amqpc_status amqpci_take_fault(amqpci_cursor *cursor, uint32_t types);

/* Takes a value of any type. Compounds are validated and come as slices. In codec/value.c. */
AMQPC_CHECK amqpc_status amqpci_take_value(amqpci_cursor *cursor, amqpc_value *value);

AMQPCI_INLINE bool amqpci_take_null(amqpci_cursor *cursor)
{
    if (cursor->position < cursor->end && *cursor->position == AMQPC_CODE_NULL) {
        cursor->position++;
        return true;
    }
    return false;
}

AMQPCI_INLINE bool amqpci_take_boolean(amqpci_cursor *cursor, bool *value)
{
    const uint8_t *from = cursor->position;
    size_t remaining = amqpci_remaining(cursor);
    if (AMQPCI_UNLIKELY(remaining == 0)) {
        return false;
    }
    uint8_t code = from[0];
    if (AMQPCI_LIKELY(code == AMQPC_CODE_TRUE || code == AMQPC_CODE_FALSE)) {
        *value = code == AMQPC_CODE_TRUE;
        cursor->position = from + 1;
        return true;
    }
    if (code == AMQPC_CODE_BOOLEAN && remaining >= 2 && from[1] <= 1) {
        *value = from[1] == 1;
        cursor->position = from + 2;
        return true;
    }
    return false;
}

AMQPCI_INLINE bool amqpci_take_ubyte(amqpci_cursor *cursor, uint8_t *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_UNLIKELY(amqpci_remaining(cursor) < 2 || from[0] != AMQPC_CODE_UBYTE)) {
        return false;
    }
    *value = from[1];
    cursor->position = from + 2;
    return true;
}

AMQPCI_INLINE bool amqpci_take_ushort(amqpci_cursor *cursor, uint16_t *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_UNLIKELY(amqpci_remaining(cursor) < 3 || from[0] != AMQPC_CODE_USHORT)) {
        return false;
    }
    *value = amqpci_load16(from + 1);
    cursor->position = from + 3;
    return true;
}

AMQPCI_INLINE bool amqpci_take_uint(amqpci_cursor *cursor, uint32_t *value)
{
    const uint8_t *from = cursor->position;
    size_t remaining = amqpci_remaining(cursor);
    if (AMQPCI_UNLIKELY(remaining == 0)) {
        return false;
    }
    uint8_t code = from[0];
    if (code == AMQPC_CODE_SMALLUINT && remaining >= 2) {
        *value = from[1];
        cursor->position = from + 2;
        return true;
    }
    if (code == AMQPC_CODE_UINT && remaining >= 5) {
        *value = amqpci_load32(from + 1);
        cursor->position = from + 5;
        return true;
    }
    if (code == AMQPC_CODE_UINT0) {
        *value = 0;
        cursor->position = from + 1;
        return true;
    }
    return false;
}

AMQPCI_INLINE bool amqpci_take_ulong(amqpci_cursor *cursor, uint64_t *value)
{
    const uint8_t *from = cursor->position;
    size_t remaining = amqpci_remaining(cursor);
    if (AMQPCI_UNLIKELY(remaining == 0)) {
        return false;
    }
    uint8_t code = from[0];
    if (code == AMQPC_CODE_SMALLULONG && remaining >= 2) {
        *value = from[1];
        cursor->position = from + 2;
        return true;
    }
    if (code == AMQPC_CODE_ULONG && remaining >= 9) {
        *value = amqpci_load64(from + 1);
        cursor->position = from + 9;
        return true;
    }
    if (code == AMQPC_CODE_ULONG0) {
        *value = 0;
        cursor->position = from + 1;
        return true;
    }
    return false;
}

AMQPCI_INLINE bool amqpci_take_timestamp(amqpci_cursor *cursor, int64_t *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_UNLIKELY(amqpci_remaining(cursor) < 9 || from[0] != AMQPC_CODE_TIMESTAMP)) {
        return false;
    }
    *value = (int64_t)amqpci_load64(from + 1);
    cursor->position = from + 9;
    return true;
}

/* Binary, string and symbol without a check of their content: `code8` with one byte of size, the
 * code 0x10 above with four. */
AMQPCI_INLINE bool amqpci_take_variable(amqpci_cursor *cursor, uint8_t code8, amqpc_bytes *value)
{
    const uint8_t *from = cursor->position;
    size_t remaining = amqpci_remaining(cursor);
    if (AMQPCI_UNLIKELY(remaining < 2)) {
        return false;
    }
    if (AMQPCI_LIKELY(from[0] == code8)) {
        size_t size = from[1];
        if (AMQPCI_UNLIKELY(size > remaining - 2)) {
            return false;
        }
        value->data = from + 2;
        value->size = size;
        cursor->position = from + 2 + size;
        return true;
    }
    if (from[0] == (code8 | 0x10) && remaining >= 5) {
        size_t size = amqpci_load32(from + 1);
        if (size > remaining - 5) {
            return false;
        }
        value->data = from + 5;
        value->size = size;
        cursor->position = from + 5 + size;
        return true;
    }
    return false;
}

AMQPCI_INLINE bool amqpci_take_binary(amqpci_cursor *cursor, amqpc_bytes *value)
{
    return amqpci_take_variable(cursor, AMQPC_CODE_BINARY8, value);
}

AMQPCI_INLINE bool amqpci_take_string(amqpci_cursor *cursor, amqpc_bytes *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_LIKELY(amqpci_take_variable(cursor, AMQPC_CODE_STRING8, value)) &&
        AMQPCI_LIKELY(amqpci_is_utf8((const uint8_t *)value->data, value->size))) {
        return true;
    }
    cursor->position = from;
    return false;
}

AMQPCI_INLINE bool amqpci_take_symbol(amqpci_cursor *cursor, amqpc_bytes *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_LIKELY(amqpci_take_variable(cursor, AMQPC_CODE_SYMBOL8, value)) &&
        AMQPCI_LIKELY(amqpci_is_ascii((const uint8_t *)value->data, value->size))) {
        return true;
    }
    cursor->position = from;
    return false;
}

/* The layout, size and count of a list, map or array, as its header says; the cursor moves to its
 * content.
 *
 * content_end is where the content ends, within the cursor's end; the content is not looked at.
 * `count` fits the content's size unless the elements are of an array. */
AMQPCI_INLINE bool amqpci_take_header(amqpci_cursor *cursor, uint8_t code8, uint32_t *count,
                                      const uint8_t **content_end)
{
    const uint8_t *from = cursor->position;
    size_t remaining = amqpci_remaining(cursor);
    if (AMQPCI_UNLIKELY(remaining < 3)) {
        return false;
    }
    if (AMQPCI_LIKELY(from[0] == code8)) {
        size_t size = from[1];
        if (AMQPCI_UNLIKELY(size < 1 || size > remaining - 2)) {
            return false;
        }
        *count = from[2];
        *content_end = from + 2 + size;
        cursor->position = from + 3;
        return true;
    }
    if (from[0] == (code8 | 0x10) && remaining >= 9) {
        size_t size = amqpci_load32(from + 1);
        if (size < 4 || size > remaining - 5) {
            return false;
        }
        *count = amqpci_load32(from + 5);
        *content_end = from + 5 + size;
        cursor->position = from + 9;
        return true;
    }
    return false;
}

#endif
