/* Tight loops over values that are not compound. */
#include "codec/flat.h"

#include "codec/content.h"
#include "codec/key_hash.h"
#include "codec/map_keys.h"
#include "codec/put.h"

/* The end of the value at `from`, if it is plain and valid; otherwise NULL. */
AMQPCI_INLINE const uint8_t *skip_plain(const uint8_t *from, const uint8_t *end)
{
    size_t remaining = (size_t)(end - from);
    if (AMQPCI_UNLIKELY(remaining == 0)) {
        return NULL;
    }
    unsigned layout = amqpci_code_infos[*from].layout;
    if (AMQPCI_LIKELY(layout <= AMQPCI_LAYOUT_FIXED_MAX)) {
        return layout < remaining ? from + 1 + layout : NULL;
    }
    if (layout < AMQPCI_LAYOUT_BINARY8 || layout > AMQPCI_LAYOUT_SYMBOL8 || remaining < 2) {
        return NULL;
    }
    size_t size = from[1];
    if (AMQPCI_UNLIKELY(size > remaining - 2)) {
        return NULL;
    }
    /* Text that is not ASCII is the general code's. */
    bool plain = layout == AMQPCI_LAYOUT_BINARY8 || amqpci_is_ascii(from + 2, size);
    return AMQPCI_LIKELY(plain) ? from + 2 + size : NULL;
}

const uint8_t *amqpci_skip_flat(const uint8_t *from, const uint8_t *end, uint32_t *remaining)
{
    uint32_t left = *remaining;
    while (left > 0) {
        const uint8_t *next = skip_plain(from, end);
        if (next == NULL) {
            break;
        }
        from = next;
        left--;
    }
    *remaining = left;
    return from;
}

/* Hashes seen, one bit each. That a bit is set twice is noted, and no branch taken, until all keys
 * are there. */
enum { SEEN_WORDS = 32 };
typedef struct seen_keys {
    uint64_t words[SEEN_WORDS];
    uint64_t twice;
} seen_keys;

AMQPCI_INLINE void note_key(seen_keys *seen, uint32_t hash)
{
    uint64_t *word = &seen->words[hash >> 27]; /* the top 5 bits: SEEN_WORDS */
    uint64_t bit = (uint64_t)1 << (hash >> 21 & 63);
    seen->twice |= *word & bit;
    *word |= bit;
}

/* The end of the key at `from`, which is a short text of the types wanted; otherwise NULL. */
AMQPCI_INLINE const uint8_t *take_key(const uint8_t *from, const uint8_t *end, uint32_t key_types,
                                      seen_keys *seen)
{
    size_t remaining = (size_t)(end - from);
    if (AMQPCI_UNLIKELY(remaining < 2)) {
        return NULL;
    }
    const uint8_t *text = from + 2;
    size_t size = from[1];
    unsigned type = from[0] == AMQPC_CODE_STRING8 ? AMQPC_TYPE_STRING : AMQPC_TYPE_SYMBOL;
    bool wanted = (from[0] == AMQPC_CODE_STRING8 || from[0] == AMQPC_CODE_SYMBOL8) &&
                  (key_types & AMQPCI_TYPE_BIT(type)) != 0;
    if (AMQPCI_UNLIKELY(!wanted || size > remaining - 2)) {
        return NULL;
    }
    if (AMQPCI_LIKELY(size < 8)) {
        /* Nearly every key: one load does for the check and the hash. */
        uint64_t low = amqpci_short_text(text, size, remaining - 2);
        if (AMQPCI_UNLIKELY((low & 0x8080808080808080u) != 0)) {
            return NULL;
        }
        note_key(seen, amqpci_key_hash_mix(low, 0, size << 8 | type));
    } else {
        if (AMQPCI_UNLIKELY(!amqpci_is_ascii(text, size))) {
            return NULL;
        }
        note_key(seen, amqpci_key_hash_text(text, size, remaining - 2, type));
    }
    return text + size;
}

/* The entries of a map, with the cursor at the first and its end at the map's. */
AMQPCI_INLINE bool take_entries(amqpci_cursor *cursor, uint32_t count, uint32_t key_types)
{
    seen_keys seen = {.twice = 0};
    const uint8_t *content = cursor->position;
    const uint8_t *position = content;
    const uint8_t *end = cursor->end;
    for (uint32_t i = 0; i < count; i += 2) {
        const uint8_t *value = take_key(position, end, key_types, &seen);
        if (AMQPCI_UNLIKELY(value == NULL)) {
            return false;
        }
        position = skip_plain(value, end);
        if (AMQPCI_UNLIKELY(position == NULL)) {
            cursor->position = value;
            if (amqpci_skip(cursor) != AMQPC_OK) {
                return false;
            }
            position = cursor->position;
        }
    }
    cursor->position = position;
    return position == end && (AMQPCI_LIKELY(seen.twice == 0) ||
                               amqpci_find_duplicate_key(content, end, count) == NULL);
}

bool amqpci_take_flat_map(amqpci_cursor *cursor, uint32_t key_types, amqpc_value *map)
{
    /* Saved one by one: a copy of the struct would wait for stores that are under way. */
    const uint8_t *constructor = cursor->position;
    const uint8_t *outer_end = cursor->end;
    uint32_t values_left = cursor->values_left;
    uint32_t zero_width_left = cursor->zero_width_left;
    const uint8_t *content_end = NULL;
    uint32_t count = 0;
    if (!amqpci_take_header(cursor, AMQPC_CODE_MAP8, &count, &content_end)) {
        return false;
    }
    const uint8_t *content = cursor->position;
    if (AMQPCI_UNLIKELY((count & 1) != 0 || count > 2 * AMQPCI_FLAT_KEYS ||
                        count > cursor->elements_max || count > values_left ||
                        cursor->depth_left == 0)) {
        cursor->position = constructor;
        return false;
    }
    cursor->end = content_end;
    cursor->depth_left--;
    cursor->values_left -= values_left == AMQPC_UNLIMITED ? 0 : count;
    bool taken = take_entries(cursor, count, key_types);
    cursor->end = outer_end;
    cursor->depth_left++;
    if (AMQPCI_UNLIKELY(!taken)) {
        cursor->position = constructor;
        cursor->values_left = values_left;
        cursor->zero_width_left = zero_width_left;
        return false;
    }
    amqpci_set_value(map, AMQPC_TYPE_MAP, *constructor, count);
    map->as.bytes.data = content;
    map->as.bytes.size = (size_t)(content_end - content);
    return true;
}

/* Stores a plain value in its smallest form, with room for any number; NULL for all that is not
 * plain. */
AMQPCI_INLINE uint8_t *put_plain(uint8_t *to, const uint8_t *end, const amqpc_value *value)
{
    uint32_t bits32 = 0;
    switch (value->type) {
    case AMQPC_TYPE_NULL:
        return amqpci_put_null(to);
    case AMQPC_TYPE_BOOLEAN:
        return amqpci_put_boolean(to, value->as.boolean);
    case AMQPC_TYPE_UINT:
        return value->as.u64 <= UINT32_MAX ? amqpci_put_uint(to, (uint32_t)value->as.u64) : NULL;
    case AMQPC_TYPE_ULONG:
        return amqpci_put_ulong(to, value->as.u64);
    case AMQPC_TYPE_INT:
        if (value->as.i64 != (int8_t)value->as.i64) {
            return value->as.i64 == (int32_t)value->as.i64
                       ? amqpci_put_number(to, AMQPC_CODE_INT, value->as.u64, 4)
                       : NULL;
        }
        return amqpci_put_number(to, AMQPC_CODE_SMALLINT, value->as.u64, 1);
    case AMQPC_TYPE_LONG:
        return value->as.i64 == (int8_t)value->as.i64
                   ? amqpci_put_number(to, AMQPC_CODE_SMALLLONG, value->as.u64, 1)
                   : amqpci_put_number(to, AMQPC_CODE_LONG, value->as.u64, 8);
    case AMQPC_TYPE_FLOAT:
        memcpy(&bits32, &value->as.f32, sizeof bits32);
        return amqpci_put_number(to, AMQPC_CODE_FLOAT, bits32, 4);
    case AMQPC_TYPE_DOUBLE:
        return amqpci_put_number(to, AMQPC_CODE_DOUBLE, value->as.u64, 8);
    case AMQPC_TYPE_TIMESTAMP:
        return amqpci_put_timestamp(to, value->as.i64);
    case AMQPC_TYPE_BINARY:
        return amqpci_put_binary(to, end, AMQPC_CODE_BINARY8, value->as.bytes);
    case AMQPC_TYPE_STRING:
        return amqpci_put_text(to, end, AMQPC_CODE_STRING8, value->as.bytes);
    case AMQPC_TYPE_SYMBOL:
        return amqpci_put_text(to, end, AMQPC_CODE_SYMBOL8, value->as.bytes);
    default:
        return NULL;
    }
}

uint8_t *amqpci_store_flat(uint8_t *to, const uint8_t *end, const amqpc_value *items,
                           uint32_t *remaining)
{
    uint32_t left = *remaining;
    while (left > 0 && end - to >= AMQPCI_NUMBER_MAX && items->code == AMQPC_CODE_SMALLEST) {
        uint8_t *next = put_plain(to, end, items);
        if (next == NULL) {
            break;
        }
        to = next;
        items++;
        left--;
    }
    *remaining = left;
    return to;
}
