/* Decoding single values, and walking through the elements of a compound one. */
#include "codec/content.h"

enum { LAYOUT_BYTES_BOOLEAN = 1, LAYOUT_BYTES_CHAR = 4 };

static size_t fixed_size(unsigned layout)
{
    return layout <= AMQPCI_LAYOUT_FIXED_MAX ? layout
           : layout == AMQPCI_LAYOUT_BOOLEAN ? LAYOUT_BYTES_BOOLEAN
                                             : LAYOUT_BYTES_CHAR;
}

/* A list, map or array: the slice behind size and count. */
static const uint8_t *read_compound(uint8_t code, bool wide, const uint8_t *content,
                                    const uint8_t *end, amqpc_value *value)
{
    size_t width = wide ? 4 : 1;
    size_t remaining = (size_t)(end - content);
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

const uint8_t *amqpci_read_content(uint8_t code, const uint8_t *content, const uint8_t *end,
                                   amqpc_value *value)
{
    unsigned layout = amqpci_code_infos[code].layout;
    if (AMQPCI_LIKELY(layout <= AMQPCI_LAYOUT_CHAR)) {
        size_t size = fixed_size(layout);
        if (AMQPCI_UNLIKELY(size > (size_t)(end - content))) {
            return NULL;
        }
        amqpci_read_fixed(code, content, value);
        if (AMQPCI_UNLIKELY(code == AMQPC_CODE_LIST0)) {
            value->as.bytes = (amqpc_bytes){content, 0};
        }
        return content + size;
    }
    if (layout <= AMQPCI_LAYOUT_SYMBOL32) {
        return amqpci_read_variable(amqpci_code_infos[code].type, code, content, end, value);
    }
    if (layout <= AMQPCI_LAYOUT_ARRAY32) {
        bool wide = layout == AMQPCI_LAYOUT_COMPOUND32 || layout == AMQPCI_LAYOUT_ARRAY32;
        return read_compound(code, wide, content, end, value);
    }
    return NULL;
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

const uint8_t *amqpci_read_value(const uint8_t *from, const uint8_t *end, amqpc_value *value)
{
    if (AMQPCI_UNLIKELY(from == end)) {
        return NULL;
    }
    if (AMQPCI_LIKELY(*from != 0x00)) {
        return amqpci_read_content(*from, from + 1, end, value);
    }
    const uint8_t *value_end = find_end(from, end);
    if (value_end != NULL) {
        amqpci_set_value(value, AMQPC_TYPE_DESCRIBED, 0, 2);
        value->as.bytes.data = from + 1;
        value->as.bytes.size = (size_t)(value_end - from) - 1;
    }
    return value_end;
}

amqpc_status amqpci_take_value(amqpci_cursor *cursor, amqpc_value *value)
{
    const uint8_t *from = cursor->position;
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

/* The constructor of an array's elements, at the start of its content. */
static amqpc_status init_array_items(amqpc_items *items)
{
    const uint8_t *from = items->position;
    while (from < items->end && *from == 0x00) {
        const uint8_t *descriptor_end = find_end(from + 1, items->end);
        if (descriptor_end == NULL) {
            return AMQPC_INVALID_ARGUMENT;
        }
        from = descriptor_end;
    }
    if (from == items->end) {
        return AMQPC_INVALID_ARGUMENT;
    }
    items->descriptor = (amqpc_bytes){items->position, (size_t)(from - items->position)};
    items->array_code = *from;
    items->position = from + 1;
    return AMQPC_OK;
}

amqpc_status amqpc_items_init(const amqpc_value *compound, amqpc_items *items)
{
    if (compound->type < AMQPC_TYPE_LIST || compound->type > AMQPC_TYPE_DESCRIBED ||
        compound->form != AMQPC_FORM_ENCODED) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const uint8_t *data = (const uint8_t *)compound->as.bytes.data;
    amqpc_items made = {
        .position = data, .end = data + compound->as.bytes.size, .remaining = compound->count};
    if (compound->type == AMQPC_TYPE_ARRAY) {
        amqpc_status status = init_array_items(&made);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    *items = made;
    return AMQPC_OK;
}

amqpc_status amqpc_items_next(amqpc_items *items, amqpc_value *values, size_t capacity,
                              size_t *count)
{
    const uint8_t *position = items->position;
    const uint8_t *end = items->end;
    size_t wanted = items->remaining < capacity ? items->remaining : capacity;
    size_t done = 0;
    for (; done < wanted; done++) {
        const uint8_t *next =
            items->array_code == 0
                ? amqpci_read_value(position, end, &values[done])
                : amqpci_read_content(items->array_code, position, end, &values[done]);
        if (AMQPCI_UNLIKELY(next == NULL)) {
            return AMQPC_TRUNCATED;
        }
        position = next;
    }
    items->position = position;
    items->remaining -= (uint32_t)done;
    *count = done;
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
