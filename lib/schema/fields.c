/* Fields that are not straight-line, descriptors in all their forms, and what is wrong with a
 * list of fields. */
#include "schema/fields.h"

#include "schema/descriptor.h"
#include "schema/generated/composite.h"

amqpc_status amqpci_take_descriptor_any(amqpci_cursor *cursor, uint32_t *type)
{
    const uint8_t *from = cursor->position;
    if (from == cursor->end) {
        return AMQPC_TRUNCATED;
    }
    if (*from != 0x00) {
        return amqpci_take_fault(cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_DESCRIBED));
    }
    cursor->position = from + 1;
    if (cursor->position < cursor->end && *cursor->position == 0x00) {
        return AMQPC_BAD_DESCRIPTOR;
    }
    amqpc_value descriptor;
    amqpc_status status = amqpci_take_value(cursor, &descriptor);
    if (status != AMQPC_OK) {
        return status;
    }
    if (descriptor.type >= AMQPC_TYPE_LIST) {
        cursor->position = from + 1;
        return AMQPC_BAD_DESCRIPTOR;
    }
    *type = amqpci_descriptor_type(&descriptor);
    return AMQPC_OK;
}

static amqpc_status match_descriptor(amqpci_cursor *cursor, uint32_t type)
{
    const uint8_t *from = cursor->position;
    uint32_t found = 0;
    amqpc_status status = amqpci_take_descriptor(cursor, &found);
    if (status == AMQPC_OK && found != type) {
        cursor->position = from + 1;
        return AMQPC_UNKNOWN_DESCRIPTOR;
    }
    cursor->depth_left--; /* of limits that allow at least one */
    return status;
}

amqpc_status amqpci_composite_begin(amqpci_cursor *cursor, const void *data, size_t size,
                                    const amqpc_limits *limits, uint32_t type)
{
    cursor->position = (const uint8_t *)data;
    if (amqpci_cursor_init(cursor, data, size, limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    cursor->values_left =
        limits == NULL ? amqpci_default_limits.performative_values : limits->performative_values;
    return match_descriptor(cursor, type);
}

amqpc_status amqpci_composite_begin_value(amqpci_cursor *cursor, const amqpc_value *value,
                                          const amqpc_limits *limits, uint32_t type)
{
    if (value->type != AMQPC_TYPE_DESCRIBED || value->form != AMQPC_FORM_ENCODED) {
        return value->type != AMQPC_TYPE_DESCRIBED ? AMQPC_WRONG_TYPE : AMQPC_INVALID_ARGUMENT;
    }
    amqpc_value descriptor;
    const uint8_t *data = (const uint8_t *)value->as.bytes.data;
    const uint8_t *end = data + value->as.bytes.size;
    if (amqpci_cursor_init(cursor, data, value->as.bytes.size, limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    cursor->values_left =
        limits == NULL ? amqpci_default_limits.performative_values : limits->performative_values;
    cursor->depth_left--;
    cursor->position = amqpci_read_value(data, end, &descriptor);
    if (cursor->position == NULL) {
        cursor->position = data;
        return AMQPC_TRUNCATED;
    }
    return amqpci_descriptor_type(&descriptor) == type ? AMQPC_OK : AMQPC_UNKNOWN_DESCRIPTOR;
}

amqpc_status amqpci_fields_fault(amqpci_cursor *cursor, const uint8_t *list, uint32_t count_max)
{
    cursor->position = list;
    uint32_t count = 0;
    const uint8_t *content_end = NULL;
    if (amqpci_take_header(cursor, AMQPC_CODE_LIST8, &count, &content_end) && count > count_max &&
        count <= (size_t)(content_end - cursor->position)) {
        cursor->position = list + (*list == AMQPC_CODE_LIST8 ? 2 : 5);
        return AMQPC_TOO_MANY_FIELDS;
    }
    cursor->position = list;
    return amqpci_take_fault(cursor, 0);
}

amqpc_status amqpci_missing_field(amqpci_cursor *cursor, const amqpci_fields *fields,
                                  uint32_t missing)
{
    unsigned index = (unsigned)__builtin_ctz(missing);
    const uint8_t *end = cursor->end;
    cursor->position = fields->first;
    for (unsigned i = 0; i < index && i < fields->count; i++) {
        amqpc_value ignored;
        cursor->position = amqpci_read_value(cursor->position, end, &ignored);
    }
    return AMQPC_MISSING_FIELD;
}

/* The value at the cursor, which must be of one of the types. */
static amqpc_status take_of_types(amqpci_cursor *cursor, uint32_t types, amqpc_value *value)
{
    const uint8_t *from = cursor->position;
    if (from < cursor->end && amqpci_code_infos[*from].layout != AMQPCI_LAYOUT_RESERVED &&
        (AMQPCI_TYPE_BIT(amqpci_code_infos[*from].type) & types) == 0) {
        return amqpci_take_fault(cursor, types);
    }
    return amqpci_take_value(cursor, value);
}

amqpc_status amqpci_take_map(amqpci_cursor *cursor, amqpc_value *value)
{
    return take_of_types(cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_MAP), value);
}

amqpc_status amqpci_take_any(amqpci_cursor *cursor, amqpc_value *value)
{
    return amqpci_take_value(cursor, value);
}

amqpc_status amqpci_take_described(amqpci_cursor *cursor, amqpc_value *value)
{
    const uint8_t *from = cursor->position;
    /* An outcome without fields, such as accepted, as nearly every disposition has it: 00 53 24 45.
     */
    if (AMQPCI_LIKELY(amqpci_remaining(cursor) >= 4 && from[0] == 0x00 &&
                      from[1] == AMQPC_CODE_SMALLULONG && from[3] == AMQPC_CODE_LIST0 &&
                      cursor->depth_left > 0)) {
        amqpci_set_value(value, AMQPC_TYPE_DESCRIBED, 0, 2);
        value->as.bytes = (amqpc_bytes){from + 1, 3};
        cursor->position = from + 4;
        return AMQPC_OK;
    }
    return take_of_types(cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_DESCRIBED), value);
}

amqpc_status amqpci_take_message_id_any(amqpci_cursor *cursor, amqpc_value *value)
{
    const uint32_t types = AMQPCI_TYPE_BIT(AMQPC_TYPE_ULONG) | AMQPCI_TYPE_BIT(AMQPC_TYPE_UUID) |
                           AMQPCI_TYPE_BIT(AMQPC_TYPE_BINARY) | AMQPCI_TYPE_BIT(AMQPC_TYPE_STRING);
    return take_of_types(cursor, types, value);
}

amqpc_status amqpci_take_symbols(amqpci_cursor *cursor, amqpc_symbols *symbols)
{
    const uint8_t *from = cursor->position;
    amqpc_status status = take_of_types(
        cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_SYMBOL) | AMQPCI_TYPE_BIT(AMQPC_TYPE_ARRAY),
        &symbols->value);
    if (status != AMQPC_OK) {
        return status;
    }
    symbols->items = NULL;
    symbols->count = 1;
    if (symbols->value.type == AMQPC_TYPE_ARRAY) {
        const uint8_t *constructor = (const uint8_t *)symbols->value.as.bytes.data;
        symbols->count = symbols->value.count;
        if (*constructor == 0x00 || amqpci_code_infos[*constructor].type != AMQPC_TYPE_SYMBOL) {
            cursor->position = symbols->count == 0 ? cursor->position : from;
            return symbols->count == 0 ? AMQPC_OK : AMQPC_WRONG_TYPE;
        }
    }
    return AMQPC_OK;
}

amqpc_status amqpci_take_error(amqpci_cursor *cursor, amqpc_error *error)
{
    const uint8_t *from = cursor->position;
    if (from < cursor->end && *from == 0x00 && cursor->depth_left == 0) {
        return AMQPC_TOO_DEEP;
    }
    uint32_t type = 0;
    amqpc_status status = amqpci_take_descriptor(cursor, &type);
    if (status != AMQPC_OK) {
        return status;
    }
    if (type != AMQPC_COMPOSITE_ERROR) {
        cursor->position = from + 1;
        return AMQPC_UNKNOWN_DESCRIPTOR;
    }
    cursor->depth_left--;
    status = amqpci_decode_error(cursor, error);
    cursor->depth_left++;
    return status;
}

amqpc_status amqpc_symbols_get(const amqpc_symbols *symbols, uint32_t index, amqpc_bytes *symbol)
{
    if (index >= symbols->count) {
        return AMQPC_NOT_FOUND;
    }
    if (symbols->items != NULL) {
        *symbol = symbols->items[index];
        return AMQPC_OK;
    }
    amqpc_value value = symbols->value;
    if (value.type == AMQPC_TYPE_ARRAY) {
        amqpc_items items;
        size_t count = 0;
        amqpc_status status = amqpc_items_init(&symbols->value, &items);
        for (uint32_t i = 0; status == AMQPC_OK && i <= index; i++) {
            status = amqpc_items_next(&items, &value, 1, &count);
        }
        if (status != AMQPC_OK) {
            return status;
        }
    }
    *symbol = value.as.bytes;
    return AMQPC_OK;
}
