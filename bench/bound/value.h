/* The bound's values: reading and writing those that are not compound, and the heads of those that
 * are. */
#ifndef BENCH_BOUND_VALUE_H
#define BENCH_BOUND_VALUE_H

#include <amqpcodec/value.h>

#include "bound/bytes.h"

enum {
    BOUND_MAP_MAX = 32,
    BOUND_NUMBER_MAX = 9, /* the most bytes of a number, or of a text's constructor and size */
    BOUND_WIDE = 0x10,    /* between the format code with a size of one byte and that with four */
};

/* code  the format code: what arrived, or what to write. AMQPC_CODE_INT, UINT, LONG and ULONG are
 * written in the smallest form. */
typedef struct bound_value {
    uint8_t code;
    union {
        uint64_t u64;
        int64_t i64;
        double f64;
        float f32;
        bool boolean;
        bound_text text;
    } as;
} bound_value;

typedef struct bound_entry {
    bound_text key;
    bound_value value;
} bound_entry;

typedef struct bound_map {
    uint32_t count; /* of entries */
    bound_entry entries[BOUND_MAP_MAX];
} bound_map;

static inline bool bound_take_text8(bound_cursor *cursor, bound_text *text)
{
    size_t remaining = bound_remaining(cursor);
    if (remaining < 1 || cursor->position[0] > remaining - 1) {
        return false;
    }
    *text = (bound_text){cursor->position + 1, cursor->position[0]};
    cursor->position += 1 + (size_t)text->size;
    return true;
}

static inline bool bound_take_text32(bound_cursor *cursor, bound_text *text)
{
    size_t remaining = bound_remaining(cursor);
    if (remaining < 4 || bound_load32(cursor->position) > remaining - 4) {
        return false;
    }
    *text = (bound_text){cursor->position + 4, bound_load32(cursor->position)};
    cursor->position += 4 + (size_t)text->size;
    return true;
}

/* The bytes of a value of fixed width; NULL where they are not all there. */
static inline const uint8_t *bound_take_fixed(bound_cursor *cursor, size_t width)
{
    const uint8_t *from = cursor->position;
    if (bound_remaining(cursor) < width) {
        return NULL;
    }
    cursor->position += width;
    return from;
}

/* Any value that is not compound. */
static inline bool bound_take_value(bound_cursor *cursor, bound_value *value)
{
    if (cursor->position >= cursor->end) {
        return false;
    }
    const uint8_t *from = NULL;
    uint32_t float_bits = 0;
    uint64_t double_bits = 0;
    value->code = *cursor->position++;
    switch (value->code) {
    case AMQPC_CODE_NULL:
        return true;
    case AMQPC_CODE_TRUE:
    case AMQPC_CODE_FALSE:
        value->as.boolean = value->code == AMQPC_CODE_TRUE;
        return true;
    case AMQPC_CODE_UINT0:
    case AMQPC_CODE_ULONG0:
        value->as.u64 = 0;
        return true;
    case AMQPC_CODE_BOOLEAN:
        from = bound_take_fixed(cursor, 1);
        value->as.boolean = from != NULL && *from == 1;
        return from != NULL && *from <= 1;
    case AMQPC_CODE_UBYTE:
    case AMQPC_CODE_SMALLUINT:
    case AMQPC_CODE_SMALLULONG:
        from = bound_take_fixed(cursor, 1);
        if (from == NULL) {
            return false;
        }
        value->as.u64 = *from;
        return true;
    case AMQPC_CODE_BYTE:
    case AMQPC_CODE_SMALLINT:
    case AMQPC_CODE_SMALLLONG:
        from = bound_take_fixed(cursor, 1);
        if (from == NULL) {
            return false;
        }
        value->as.i64 = (int8_t)*from;
        return true;
    case AMQPC_CODE_USHORT:
        from = bound_take_fixed(cursor, 2);
        if (from == NULL) {
            return false;
        }
        value->as.u64 = bound_load16(from);
        return true;
    case AMQPC_CODE_SHORT:
        from = bound_take_fixed(cursor, 2);
        if (from == NULL) {
            return false;
        }
        value->as.i64 = (int16_t)bound_load16(from);
        return true;
    case AMQPC_CODE_UINT:
    case AMQPC_CODE_CHAR:
        from = bound_take_fixed(cursor, 4);
        if (from == NULL) {
            return false;
        }
        value->as.u64 = bound_load32(from);
        return true;
    case AMQPC_CODE_INT:
        from = bound_take_fixed(cursor, 4);
        if (from == NULL) {
            return false;
        }
        value->as.i64 = (int32_t)bound_load32(from);
        return true;
    case AMQPC_CODE_FLOAT:
        from = bound_take_fixed(cursor, 4);
        if (from == NULL) {
            return false;
        }
        float_bits = bound_load32(from);
        memcpy(&value->as.f32, &float_bits, sizeof float_bits);
        return true;
    case AMQPC_CODE_ULONG:
    case AMQPC_CODE_LONG:
    case AMQPC_CODE_TIMESTAMP:
        from = bound_take_fixed(cursor, 8);
        if (from == NULL) {
            return false;
        }
        value->as.u64 = bound_load64(from);
        return true;
    case AMQPC_CODE_DOUBLE:
        from = bound_take_fixed(cursor, 8);
        if (from == NULL) {
            return false;
        }
        double_bits = bound_load64(from);
        memcpy(&value->as.f64, &double_bits, sizeof double_bits);
        return true;
    case AMQPC_CODE_UUID:
        from = bound_take_fixed(cursor, 16);
        value->as.text = (bound_text){from, 16};
        return from != NULL;
    case AMQPC_CODE_BINARY8:
    case AMQPC_CODE_SYMBOL8:
        return bound_take_text8(cursor, &value->as.text);
    case AMQPC_CODE_STRING8:
        return bound_take_text8(cursor, &value->as.text) &&
               bound_is_utf8(value->as.text.data, value->as.text.size);
    case AMQPC_CODE_BINARY32:
    case AMQPC_CODE_SYMBOL32:
        return bound_take_text32(cursor, &value->as.text);
    case AMQPC_CODE_STRING32:
        return bound_take_text32(cursor, &value->as.text) &&
               bound_is_utf8(value->as.text.data, value->as.text.size);
    default:
        return false;
    }
}

/* A text of one type, or null, which leaves the field as it is. narrow: the type's code with a size
 * of one byte. */
static inline bool bound_take_text(bound_cursor *cursor, uint8_t narrow, bound_text *text)
{
    if (cursor->position >= cursor->end) {
        return false;
    }
    uint8_t code = *cursor->position++;
    if (code == AMQPC_CODE_NULL) {
        return true;
    }
    bool taken = code == narrow                  ? bound_take_text8(cursor, text)
                 : code == (narrow | BOUND_WIDE) ? bound_take_text32(cursor, text)
                                                 : false;
    return taken && (narrow != AMQPC_CODE_STRING8 || bound_is_utf8(text->data, text->size));
}

/* Size and count of a list or map; `content` gets what is behind them. narrow: AMQPC_CODE_LIST8 or
 * AMQPC_CODE_MAP8. */
static inline bool bound_take_compound(bound_cursor *cursor, uint8_t narrow, bound_cursor *content,
                                       uint32_t *count)
{
    if (cursor->position >= cursor->end) {
        return false;
    }
    uint8_t code = *cursor->position++;
    size_t remaining = bound_remaining(cursor);
    const uint8_t *from = cursor->position;
    if (code == narrow) {
        if (remaining < 2 || from[0] < 1 || from[0] > remaining - 1) {
            return false;
        }
        *count = from[1];
        *content = (bound_cursor){from + 2, from + 1 + from[0]};
    } else if (code == (narrow | BOUND_WIDE)) {
        if (remaining < 8 || bound_load32(from) < 4 || bound_load32(from) > remaining - 4) {
            return false;
        }
        *count = bound_load32(from + 4);
        *content = (bound_cursor){from + 8, from + 4 + bound_load32(from)};
    } else if (code == AMQPC_CODE_LIST0 && narrow == AMQPC_CODE_LIST8) {
        *count = 0;
        *content = (bound_cursor){from, from};
    } else {
        return false;
    }
    cursor->position = content->end;
    return true;
}

/* A map with keys of one type. key_narrow: AMQPC_CODE_STRING8 or AMQPC_CODE_SYMBOL8. */
static inline bool bound_take_map(bound_cursor *cursor, uint8_t key_narrow, bound_map *map)
{
    bound_cursor content;
    uint32_t count = 0;
    if (!bound_take_compound(cursor, AMQPC_CODE_MAP8, &content, &count) || (count & 1) != 0 ||
        count / 2 > BOUND_MAP_MAX) {
        return false;
    }
    map->count = count / 2;
    for (uint32_t i = 0; i < map->count; i++) {
        bound_value key;
        if (!bound_take_value(&content, &key) || (key.code & ~BOUND_WIDE) != key_narrow ||
            !bound_take_value(&content, &map->entries[i].value)) {
            return false;
        }
        map->entries[i].key = key.as.text;
    }
    return content.position == content.end;
}

/* The most bytes that a value takes. */
static inline size_t bound_value_bound(const bound_value *value)
{
    return BOUND_NUMBER_MAX + (value->code >= AMQPC_CODE_BINARY8 ? (size_t)value->as.text.size : 0);
}

static inline size_t bound_map_bound(const bound_map *map)
{
    size_t bound = 12;
    for (uint32_t i = 0; i < map->count; i++) {
        const bound_entry *entry = &map->entries[i];
        bound += BOUND_NUMBER_MAX + (size_t)entry->key.size + bound_value_bound(&entry->value);
    }
    return bound;
}

static inline uint8_t *bound_put_text(uint8_t *to, uint8_t narrow, bound_text text)
{
    if (text.data == NULL) {
        *to = AMQPC_CODE_NULL;
        return to + 1;
    }
    if (text.size <= UINT8_MAX) {
        to[0] = narrow;
        to[1] = (uint8_t)text.size;
        to += 2;
    } else {
        to[0] = (uint8_t)(narrow | BOUND_WIDE);
        to = bound_store32(to + 1, text.size);
    }
    memcpy(to, text.data, text.size);
    return to + text.size;
}

static inline uint8_t *bound_put_uint(uint8_t *to, uint32_t number)
{
    if (number == 0) {
        *to = AMQPC_CODE_UINT0;
        return to + 1;
    }
    if (number <= UINT8_MAX) {
        to[0] = AMQPC_CODE_SMALLUINT;
        to[1] = (uint8_t)number;
        return to + 2;
    }
    *to = AMQPC_CODE_UINT;
    return bound_store32(to + 1, number);
}

static inline uint8_t *bound_put_boolean(uint8_t *to, bool boolean)
{
    *to = boolean ? AMQPC_CODE_TRUE : AMQPC_CODE_FALSE;
    return to + 1;
}

static inline uint8_t *bound_put_signed(uint8_t *to, int64_t number, uint8_t small, uint8_t wide)
{
    if (number >= INT8_MIN && number <= INT8_MAX) {
        to[0] = small;
        to[1] = (uint8_t)number;
        return to + 2;
    }
    *to = wide;
    return wide == AMQPC_CODE_INT ? bound_store32(to + 1, (uint32_t)number)
                                  : bound_store64(to + 1, (uint64_t)number);
}

static inline uint8_t *bound_put_ulong(uint8_t *to, uint64_t number)
{
    if (number <= UINT8_MAX) {
        to[0] = number == 0 ? AMQPC_CODE_ULONG0 : AMQPC_CODE_SMALLULONG;
        to[1] = (uint8_t)number;
        return to + (number == 0 ? 1 : 2);
    }
    *to = AMQPC_CODE_ULONG;
    return bound_store64(to + 1, number);
}

static inline uint8_t *bound_put_value(uint8_t *to, const bound_value *value)
{
    uint32_t float_bits = 0;
    switch (value->code) {
    case AMQPC_CODE_NULL:
        *to = AMQPC_CODE_NULL;
        return to + 1;
    case AMQPC_CODE_BOOLEAN:
        return bound_put_boolean(to, value->as.boolean);
    case AMQPC_CODE_UINT:
        return bound_put_uint(to, (uint32_t)value->as.u64);
    case AMQPC_CODE_ULONG:
        return bound_put_ulong(to, value->as.u64);
    case AMQPC_CODE_INT:
        return bound_put_signed(to, value->as.i64, AMQPC_CODE_SMALLINT, AMQPC_CODE_INT);
    case AMQPC_CODE_LONG:
        return bound_put_signed(to, value->as.i64, AMQPC_CODE_SMALLLONG, AMQPC_CODE_LONG);
    case AMQPC_CODE_FLOAT:
        *to = AMQPC_CODE_FLOAT;
        memcpy(&float_bits, &value->as.f32, sizeof float_bits);
        return bound_store32(to + 1, float_bits);
    case AMQPC_CODE_DOUBLE:
    case AMQPC_CODE_TIMESTAMP:
        *to = value->code;
        return bound_store64(to + 1, value->as.u64);
    default:
        return bound_put_text(to, value->code, value->as.text);
    }
}

/* A map: as if it were large, and moved back where it is not. */
static inline uint8_t *bound_put_map(uint8_t *to, uint8_t key_narrow, const bound_map *map)
{
    enum { WIDE_HEAD = 9, NARROW_HEAD = 3 };
    uint8_t *content = to + WIDE_HEAD;
    uint8_t *end = content;
    for (uint32_t i = 0; i < map->count; i++) {
        end = bound_put_text(end, key_narrow, map->entries[i].key);
        end = bound_put_value(end, &map->entries[i].value);
    }
    size_t size = (size_t)(end - content);
    if (size < UINT8_MAX) {
        to[0] = AMQPC_CODE_MAP8;
        to[1] = (uint8_t)(size + 1);
        to[2] = (uint8_t)(map->count * 2);
        memmove(to + NARROW_HEAD, content, size);
        return to + NARROW_HEAD + size;
    }
    to[0] = AMQPC_CODE_MAP32;
    bound_store32(to + 1, (uint32_t)size + 4);
    bound_store32(to + 5, map->count * 2);
    return end;
}

#endif
