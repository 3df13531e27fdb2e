/* Decoding single values, and walking through the elements of a compound one. */
#include "codec/content.h"
#include "codec/flat.h"

enum {
    TEXT_KEYS = AMQPCI_TYPE_BIT(AMQPC_TYPE_STRING) | AMQPCI_TYPE_BIT(AMQPC_TYPE_SYMBOL),
};

/* A value of `size` bytes, of which the caller has made sure, held in 64 bits. */
AMQPCI_INLINE const uint8_t *read_bits(uint8_t type, uint8_t code, uint64_t bits,
                                       const uint8_t *next, amqpc_value *value)
{
    amqpci_set_value(value, type, code, 0);
    value->as.u64 = bits;
    return next;
}

/* A boolean or a float, whose member of the union is smaller than 64 bits. */
AMQPCI_INLINE const uint8_t *read_boolean(uint8_t code, bool boolean, const uint8_t *next,
                                          amqpc_value *value)
{
    (void)read_bits(AMQPC_TYPE_BOOLEAN, code, 0, next, value);
    value->as.boolean = boolean;
    return next;
}

AMQPCI_INLINE const uint8_t *read_float(const uint8_t *content, amqpc_value *value)
{
    uint32_t bits = amqpci_load32(content);
    (void)read_bits(AMQPC_TYPE_FLOAT, AMQPC_CODE_FLOAT, 0, content, value);
    memcpy(&value->as.f32, &bits, sizeof bits);
    return content + 4;
}

AMQPCI_INLINE const uint8_t *read_octets(uint8_t type, uint8_t code, const uint8_t *content,
                                         amqpc_value *value)
{
    amqpci_set_value(value, type, code, 0);
    memcpy(value->as.octets, content, sizeof value->as.octets);
    return content + sizeof value->as.octets;
}

AMQPCI_INLINE const uint8_t *read_bytes(uint8_t type, uint8_t code, const uint8_t *content,
                                        size_t size, amqpc_value *value)
{
    amqpci_set_value(value, type, code, 0);
    value->as.bytes.data = content;
    value->as.bytes.size = size;
    return content + size;
}

/* Binary, string or symbol with one byte of size, or four. */
AMQPCI_INLINE const uint8_t *read_variable8(uint8_t type, uint8_t code, const uint8_t *content,
                                            size_t remaining, amqpc_value *value)
{
    if (AMQPCI_UNLIKELY(remaining < 1 || content[0] > remaining - 1)) {
        return NULL;
    }
    return read_bytes(type, code, content + 1, content[0], value);
}

AMQPCI_INLINE const uint8_t *read_variable32(uint8_t type, uint8_t code, const uint8_t *content,
                                             size_t remaining, amqpc_value *value)
{
    if (remaining < 4 || amqpci_load32(content) > remaining - 4) {
        return NULL;
    }
    return read_bytes(type, code, content + 4, amqpci_load32(content), value);
}

/* A list, map or array: the slice behind size and count. */
static const uint8_t *read_compound(uint8_t code, const uint8_t *content, size_t remaining,
                                    amqpc_value *value)
{
    bool wide = (code & 0x10) != 0;
    size_t width = wide ? 4 : 1;
    if (remaining < 2 * width) {
        return NULL;
    }
    size_t size = wide ? amqpci_load32(content) : content[0];
    if (size < width || size > remaining - width) {
        return NULL;
    }
    amqpci_set_value(value, amqpci_code_infos[code].type, code,
                     wide ? amqpci_load32(content + 4) : content[1]);
    value->as.bytes.data = content + 2 * width;
    value->as.bytes.size = size - width;
    return content + width + size;
}

/* A value with constructor `code`: one case a code, so that what is constant for a code is constant
 * in the machine's instructions. */
AMQPCI_INLINE const uint8_t *read_content(uint8_t code, const uint8_t *content, const uint8_t *end,
                                          amqpc_value *value)
{
    size_t remaining = (size_t)(end - content);
    unsigned layout = amqpci_code_infos[code].layout;
    if (AMQPCI_UNLIKELY(layout <= AMQPCI_LAYOUT_FIXED_MAX && layout > remaining)) {
        return NULL;
    }
    switch (code) {
    case AMQPC_CODE_NULL:
        return read_bits(AMQPC_TYPE_NULL, AMQPC_CODE_NULL, 0, content, value);
    case AMQPC_CODE_TRUE:
        return read_boolean(AMQPC_CODE_TRUE, true, content, value);
    case AMQPC_CODE_FALSE:
        return read_boolean(AMQPC_CODE_FALSE, false, content, value);
    case AMQPC_CODE_BOOLEAN:
        return remaining < 1
                   ? NULL
                   : read_boolean(AMQPC_CODE_BOOLEAN, content[0] != 0, content + 1, value);
    case AMQPC_CODE_UINT0:
        return read_bits(AMQPC_TYPE_UINT, AMQPC_CODE_UINT0, 0, content, value);
    case AMQPC_CODE_ULONG0:
        return read_bits(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG0, 0, content, value);
    case AMQPC_CODE_LIST0:
        return read_bytes(AMQPC_TYPE_LIST, AMQPC_CODE_LIST0, content, 0, value);
    case AMQPC_CODE_UBYTE:
        return read_bits(AMQPC_TYPE_UBYTE, AMQPC_CODE_UBYTE, content[0], content + 1, value);
    case AMQPC_CODE_SMALLUINT:
        return read_bits(AMQPC_TYPE_UINT, AMQPC_CODE_SMALLUINT, content[0], content + 1, value);
    case AMQPC_CODE_SMALLULONG:
        return read_bits(AMQPC_TYPE_ULONG, AMQPC_CODE_SMALLULONG, content[0], content + 1, value);
    case AMQPC_CODE_BYTE:
        return read_bits(AMQPC_TYPE_BYTE, AMQPC_CODE_BYTE, (uint64_t)(int8_t)content[0],
                         content + 1, value);
    case AMQPC_CODE_SMALLINT:
        return read_bits(AMQPC_TYPE_INT, AMQPC_CODE_SMALLINT, (uint64_t)(int8_t)content[0],
                         content + 1, value);
    case AMQPC_CODE_SMALLLONG:
        return read_bits(AMQPC_TYPE_LONG, AMQPC_CODE_SMALLLONG, (uint64_t)(int8_t)content[0],
                         content + 1, value);
    case AMQPC_CODE_USHORT:
        return read_bits(AMQPC_TYPE_USHORT, AMQPC_CODE_USHORT, amqpci_load16(content), content + 2,
                         value);
    case AMQPC_CODE_SHORT:
        return read_bits(AMQPC_TYPE_SHORT, AMQPC_CODE_SHORT,
                         (uint64_t)(int16_t)amqpci_load16(content), content + 2, value);
    case AMQPC_CODE_UINT:
        return read_bits(AMQPC_TYPE_UINT, AMQPC_CODE_UINT, amqpci_load32(content), content + 4,
                         value);
    case AMQPC_CODE_DECIMAL32:
        return read_bits(AMQPC_TYPE_DECIMAL32, AMQPC_CODE_DECIMAL32, amqpci_load32(content),
                         content + 4, value);
    case AMQPC_CODE_CHAR:
        return remaining < 4 ? NULL
                             : read_bits(AMQPC_TYPE_CHAR, AMQPC_CODE_CHAR, amqpci_load32(content),
                                         content + 4, value);
    case AMQPC_CODE_INT:
        return read_bits(AMQPC_TYPE_INT, AMQPC_CODE_INT, (uint64_t)(int32_t)amqpci_load32(content),
                         content + 4, value);
    case AMQPC_CODE_FLOAT:
        return read_float(content, value);
    case AMQPC_CODE_ULONG:
        return read_bits(AMQPC_TYPE_ULONG, AMQPC_CODE_ULONG, amqpci_load64(content), content + 8,
                         value);
    case AMQPC_CODE_LONG:
        return read_bits(AMQPC_TYPE_LONG, AMQPC_CODE_LONG, amqpci_load64(content), content + 8,
                         value);
    case AMQPC_CODE_DOUBLE:
        return read_bits(AMQPC_TYPE_DOUBLE, AMQPC_CODE_DOUBLE, amqpci_load64(content), content + 8,
                         value);
    case AMQPC_CODE_TIMESTAMP:
        return read_bits(AMQPC_TYPE_TIMESTAMP, AMQPC_CODE_TIMESTAMP, amqpci_load64(content),
                         content + 8, value);
    case AMQPC_CODE_DECIMAL64:
        return read_bits(AMQPC_TYPE_DECIMAL64, AMQPC_CODE_DECIMAL64, amqpci_load64(content),
                         content + 8, value);
    case AMQPC_CODE_DECIMAL128:
        return read_octets(AMQPC_TYPE_DECIMAL128, AMQPC_CODE_DECIMAL128, content, value);
    case AMQPC_CODE_UUID:
        return read_octets(AMQPC_TYPE_UUID, AMQPC_CODE_UUID, content, value);
    case AMQPC_CODE_BINARY8:
        return read_variable8(AMQPC_TYPE_BINARY, AMQPC_CODE_BINARY8, content, remaining, value);
    case AMQPC_CODE_STRING8:
        return read_variable8(AMQPC_TYPE_STRING, AMQPC_CODE_STRING8, content, remaining, value);
    case AMQPC_CODE_SYMBOL8:
        return read_variable8(AMQPC_TYPE_SYMBOL, AMQPC_CODE_SYMBOL8, content, remaining, value);
    case AMQPC_CODE_BINARY32:
        return read_variable32(AMQPC_TYPE_BINARY, AMQPC_CODE_BINARY32, content, remaining, value);
    case AMQPC_CODE_STRING32:
        return read_variable32(AMQPC_TYPE_STRING, AMQPC_CODE_STRING32, content, remaining, value);
    case AMQPC_CODE_SYMBOL32:
        return read_variable32(AMQPC_TYPE_SYMBOL, AMQPC_CODE_SYMBOL32, content, remaining, value);
    case AMQPC_CODE_LIST8:
    case AMQPC_CODE_MAP8:
    case AMQPC_CODE_ARRAY8:
    case AMQPC_CODE_LIST32:
    case AMQPC_CODE_MAP32:
    case AMQPC_CODE_ARRAY32:
        return read_compound(code, content, remaining, value);
    default:
        return NULL;
    }
}

const uint8_t *amqpci_read_content(uint8_t code, const uint8_t *content, const uint8_t *end,
                                   amqpc_value *value)
{
    return read_content(code, content, end, value);
}

/* The end of the value at `from`, which was validated before; NULL where it was not. */
static const uint8_t *find_end(const uint8_t *from, const uint8_t *end)
{
    amqpci_cursor cursor = {
        .position = from,
        .end = end,
        .depth_left = AMQPC_DEPTH_MAX,
        .elements_max = AMQPC_UNLIMITED,
        .values_left = AMQPC_UNLIMITED,
        .zero_width_left = AMQPC_UNLIMITED,
    };
    return amqpci_skip(&cursor) == AMQPC_OK ? cursor.position : NULL;
}

static AMQPCI_NOINLINE const uint8_t *read_described(const uint8_t *from, const uint8_t *end,
                                                     amqpc_value *value)
{
    const uint8_t *value_end = find_end(from, end);
    if (value_end != NULL) {
        amqpci_set_value(value, AMQPC_TYPE_DESCRIBED, 0, 2);
        value->as.bytes.data = from + 1;
        value->as.bytes.size = (size_t)(value_end - from) - 1;
    }
    return value_end;
}

AMQPCI_INLINE const uint8_t *read_value(const uint8_t *from, const uint8_t *end, amqpc_value *value)
{
    if (AMQPCI_UNLIKELY(from == end)) {
        return NULL;
    }
    return AMQPCI_LIKELY(*from != 0x00) ? read_content(*from, from + 1, end, value)
                                        : read_described(from, end, value);
}

const uint8_t *amqpci_read_value(const uint8_t *from, const uint8_t *end, amqpc_value *value)
{
    return read_value(from, end, value);
}

amqpc_status amqpci_take_value(amqpci_cursor *cursor, amqpc_value *value)
{
    const uint8_t *from = cursor->position;
    if (from < cursor->end && (*from | 0x10) == AMQPC_CODE_MAP32 &&
        amqpci_take_flat_map(cursor, TEXT_KEYS, value)) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpci_skip(cursor);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    if (AMQPCI_LIKELY(*from != 0x00)) {
        (void)amqpci_read_content(*from, from + 1, cursor->position, value);
        return AMQPC_OK;
    }
    amqpci_set_value(value, AMQPC_TYPE_DESCRIBED, 0, 2);
    value->as.bytes.data = from + 1;
    value->as.bytes.size = (size_t)(cursor->position - from) - 1;
    return AMQPC_OK;
}

amqpc_status amqpc_value_decode(const void *data, size_t size, const amqpc_limits *limits,
                                amqpc_value *value, size_t *offset)
{
    amqpci_cursor cursor;
    if (amqpci_cursor_init(&cursor, data, size, limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_take_value(&cursor, value);
    if (offset != NULL) {
        *offset = (size_t)(cursor.position - (const uint8_t *)data);
    }
    return status;
}

/* The constructor of an array's elements, at the start of its content; then the elements. */
static AMQPCI_NOINLINE amqpc_status init_array_items(const uint8_t *content, const uint8_t *end,
                                                     uint32_t count, amqpc_items *items)
{
    const uint8_t *from = content;
    while (from < end && *from == 0x00) {
        const uint8_t *descriptor_end = find_end(from + 1, end);
        if (descriptor_end == NULL) {
            return AMQPC_INVALID_ARGUMENT;
        }
        from = descriptor_end;
    }
    if (from == end) {
        return AMQPC_INVALID_ARGUMENT;
    }
    *items = (amqpc_items){
        .position = from + 1,
        .end = end,
        .remaining = count,
        .array_code = *from,
        .descriptor = {content, (size_t)(from - content)},
    };
    return AMQPC_OK;
}

amqpc_status amqpc_items_init(const amqpc_value *compound, amqpc_items *items)
{
    if (compound->type < AMQPC_TYPE_LIST || compound->type > AMQPC_TYPE_DESCRIBED ||
        compound->form != AMQPC_FORM_ENCODED) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const uint8_t *content = (const uint8_t *)compound->as.bytes.data;
    const uint8_t *end = content + compound->as.bytes.size;
    if (AMQPCI_UNLIKELY(compound->type == AMQPC_TYPE_ARRAY)) {
        return init_array_items(content, end, compound->count, items);
    }
    /* Member by member: a struct copied from the stack would be read before its stores arrive. */
    items->position = content;
    items->end = end;
    items->remaining = compound->count;
    items->array_code = 0;
    items->descriptor.data = NULL;
    items->descriptor.size = 0;
    return AMQPC_OK;
}

amqpc_status amqpc_items_next(amqpc_items *items, amqpc_value *values, size_t capacity,
                              size_t *count)
{
    const uint8_t *position = items->position;
    const uint8_t *end = items->end;
    uint8_t array_code = items->array_code;
    size_t wanted = items->remaining < capacity ? items->remaining : capacity;
    for (size_t i = 0; i < wanted; i++) {
        position = AMQPCI_LIKELY(array_code == 0)
                       ? read_value(position, end, &values[i])
                       : amqpci_read_content(array_code, position, end, &values[i]);
        if (AMQPCI_UNLIKELY(position == NULL)) {
            return AMQPC_TRUNCATED;
        }
    }
    items->position = position;
    items->remaining -= (uint32_t)wanted;
    *count = wanted;
    return AMQPC_OK;
}

static bool is_key(const amqpc_value *value, const void *key, size_t key_size)
{
    return (value->type == AMQPC_TYPE_STRING || value->type == AMQPC_TYPE_SYMBOL) &&
           value->as.bytes.size == key_size &&
           (key_size == 0 || memcmp(value->as.bytes.data, key, key_size) == 0);
}

static amqpc_status get_from_items(const amqpc_value *map, const void *key, size_t key_size,
                                   amqpc_value *value)
{
    for (uint32_t i = 0; i + 1 < map->count; i += 2) {
        if (is_key(&map->as.items[i], key, key_size)) {
            *value = map->as.items[i + 1];
            return AMQPC_OK;
        }
    }
    return AMQPC_NOT_FOUND;
}

amqpc_status amqpc_map_get(const amqpc_value *map, const void *key, size_t key_size,
                           amqpc_value *value)
{
    if (map->type != AMQPC_TYPE_MAP) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (map->form == AMQPC_FORM_ITEMS) {
        return get_from_items(map, key, key_size, value);
    }
    amqpc_items items;
    amqpc_status status = amqpc_items_init(map, &items);
    amqpc_value pair[2];
    size_t count = 2;
    while (status == AMQPC_OK && items.remaining >= 2) {
        status = amqpc_items_next(&items, pair, 2, &count);
        if (status == AMQPC_OK && is_key(&pair[0], key, key_size)) {
            *value = pair[1];
            return AMQPC_OK;
        }
    }
    return status == AMQPC_OK ? AMQPC_NOT_FOUND : status;
}
