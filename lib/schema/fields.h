/* Taking the fields of composites: what the generated decoders are made of (AMQP 1.4). */
#ifndef AMQPCI_SCHEMA_FIELDS_H
#define AMQPCI_SCHEMA_FIELDS_H

#include <amqpcodec/composites.h>

#include "codec/content.h"
#include "codec/cursor.h"

/* Numeric descriptors of composites are below this. */
enum { AMQPCI_DESCRIPTOR_MAX = 0xff };

/* The descriptor of a described value, with the cursor at its 0x00: any legal encoding, or a
 * symbol. Gives 0 for one that is not known; on success the cursor stands at the value. */
AMQPC_CHECK amqpc_status amqpci_take_descriptor_any(amqpci_cursor *cursor, uint32_t *type);

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_take_descriptor(amqpci_cursor *cursor, uint32_t *type)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_LIKELY(amqpci_remaining(cursor) >= 3 && from[0] == 0x00 &&
                      from[1] == AMQPC_CODE_SMALLULONG)) {
        *type = from[2];
        cursor->position = from + 3;
        return AMQPC_OK;
    }
    return amqpci_take_descriptor_any(cursor, type);
}

/* Starts a decoder at a described list: limits, and the descriptor, which must be `type`. On
 * failure the cursor stands at the byte at fault. */
AMQPC_CHECK amqpc_status amqpci_composite_begin(amqpci_cursor *cursor, const void *data,
                                                size_t size, const amqpc_limits *limits,
                                                uint32_t type);
AMQPC_CHECK amqpc_status amqpci_composite_begin_value(amqpci_cursor *cursor,
                                                      const amqpc_value *value,
                                                      const amqpc_limits *limits, uint32_t type);

/* The list that holds a composite's fields, while they are taken. */
typedef struct amqpci_fields {
    uint32_t count;
    const uint8_t *first;     /* the first field */
    const uint8_t *outer_end; /* the cursor's end around the list */
} amqpci_fields;

/* The slow paths of the two functions below. */
AMQPC_CHECK AMQPCI_COLD amqpc_status amqpci_fields_fault(amqpci_cursor *cursor, const uint8_t *list,
                                                         uint32_t count_max);
AMQPC_CHECK AMQPCI_COLD amqpc_status amqpci_missing_field(amqpci_cursor *cursor,
                                                          const amqpci_fields *fields,
                                                          uint32_t missing);

/* Enters the list, which may have up to count_max fields; the cursor moves to the first one, and
 * its end to the list's. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_fields_begin(amqpci_cursor *cursor,
                                                           uint32_t count_max,
                                                           amqpci_fields *fields)
{
    const uint8_t *list = cursor->position;
    const uint8_t *content_end = NULL;
    fields->count = 0;
    fields->first = list;
    fields->outer_end = cursor->end;
    if (AMQPCI_UNLIKELY(cursor->depth_left == 0)) {
        return AMQPC_TOO_DEEP;
    }
    if (AMQPCI_LIKELY(amqpci_take_header(cursor, AMQPC_CODE_LIST8, &fields->count, &content_end))) {
        if (AMQPCI_UNLIKELY(fields->count > count_max ||
                            fields->count > (size_t)(content_end - cursor->position))) {
            return amqpci_fields_fault(cursor, list, count_max);
        }
    } else if (list < cursor->end && *list == AMQPC_CODE_LIST0) {
        cursor->position = list + 1;
        content_end = list + 1;
    } else {
        return amqpci_fields_fault(cursor, list, count_max);
    }
    fields->first = cursor->position;
    cursor->end = content_end;
    cursor->depth_left--;
    return AMQPC_OK;
}

/* Leaves the list: nothing may be left of it, and no mandatory field may be missing. `status` is
 * the result of taking the fields. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_fields_end(amqpci_cursor *cursor,
                                                         const amqpci_fields *fields,
                                                         amqpc_status status, uint32_t mandatory,
                                                         uint32_t present)
{
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    if (AMQPCI_UNLIKELY((present & mandatory) != mandatory)) {
        return amqpci_missing_field(cursor, fields, mandatory & ~present);
    }
    if (AMQPCI_UNLIKELY(cursor->position != cursor->end)) {
        return AMQPC_TRAILING_BYTES;
    }
    cursor->end = fields->outer_end;
    cursor->depth_left++;
    return AMQPC_OK;
}

/* A number up to `max`, of an enumerated type. */
AMQPCI_INLINE bool amqpci_take_ubyte_to(amqpci_cursor *cursor, uint8_t max, uint8_t *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_LIKELY(amqpci_take_ubyte(cursor, value) && *value <= max)) {
        return true;
    }
    cursor->position = from;
    return false;
}

AMQPCI_INLINE bool amqpci_take_uint_to(amqpci_cursor *cursor, uint32_t max, uint32_t *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_LIKELY(amqpci_take_uint(cursor, value) && *value <= max)) {
        return true;
    }
    cursor->position = from;
    return false;
}

/* A number from `min` on. */
AMQPCI_INLINE bool amqpci_take_uint_from(amqpci_cursor *cursor, uint32_t min, uint32_t *value)
{
    const uint8_t *from = cursor->position;
    if (AMQPCI_LIKELY(amqpci_take_uint(cursor, value) && *value >= min)) {
        return true;
    }
    cursor->position = from;
    return false;
}

/* Fields of types that are not straight-line. All leave the cursor at the byte at fault. */
AMQPC_CHECK amqpc_status amqpci_take_map(amqpci_cursor *cursor, amqpc_value *value);
AMQPC_CHECK amqpc_status amqpci_take_any(amqpci_cursor *cursor, amqpc_value *value);
AMQPC_CHECK amqpc_status amqpci_take_described(amqpci_cursor *cursor, amqpc_value *value);
AMQPC_CHECK amqpc_status amqpci_take_symbols(amqpci_cursor *cursor, amqpc_symbols *symbols);
AMQPC_CHECK amqpc_status amqpci_take_error(amqpci_cursor *cursor, amqpc_error *error);
AMQPC_CHECK amqpc_status amqpci_take_message_id_any(amqpci_cursor *cursor, amqpc_value *value);

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_take_message_id(amqpci_cursor *cursor,
                                                              amqpc_value *value)
{
    amqpc_bytes text;
    if (AMQPCI_LIKELY(cursor->position < cursor->end && *cursor->position == AMQPC_CODE_STRING8 &&
                      amqpci_take_string(cursor, &text))) {
        amqpci_set_value(value, AMQPC_TYPE_STRING, AMQPC_CODE_STRING8, 0);
        value->as.bytes = text;
        return AMQPC_OK;
    }
    return amqpci_take_message_id_any(cursor, value);
}

/* What the members of absent fields hold. */
AMQPCI_INLINE void amqpci_clear_value(amqpc_value *value)
{
    amqpci_set_value(value, AMQPC_TYPE_NULL, 0, 0);
    value->as.bytes = (amqpc_bytes){NULL, 0};
}

AMQPCI_INLINE void amqpci_clear_symbols(amqpc_symbols *symbols)
{
    symbols->count = 0;
    symbols->items = NULL;
    amqpci_clear_value(&symbols->value);
}

AMQPCI_INLINE void amqpci_clear_error(amqpc_error *error)
{
    error->present = 0;
    error->condition = (amqpc_bytes){NULL, 0};
    error->description = (amqpc_bytes){NULL, 0};
    amqpci_clear_value(&error->info);
}

#endif
