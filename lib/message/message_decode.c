/* Decoding a message: all sections in one pass (AMQP 3.2). */
#include <amqpcodec/message.h>

#include "codec/flat.h"
#include "message/section.h"
#include "schema/fields.h"
#include "schema/generated/composite.h"

enum { NO_SECTION = -1 };

/* A message that is being decoded. */
typedef struct message_decoding {
    amqpci_cursor cursor;
    amqpc_message *message;
    int last; /* index of the last section, or NO_SECTION */
} message_decoding;

static amqpc_status fault(amqpci_cursor *cursor, const uint8_t *position, amqpc_status status)
{
    cursor->position = position;
    return status;
}

/* The map of a section, whose keys must be of the given types. */
static amqpc_status take_section_map(amqpci_cursor *cursor, uint32_t key_types, amqpc_value *map)
{
    if (AMQPCI_LIKELY(amqpci_take_flat_map(cursor, key_types, map))) {
        return AMQPC_OK;
    }
    amqpc_status status = amqpci_take_map(cursor, map);
    const uint8_t *end = cursor->position;
    if (status != AMQPC_OK) {
        return status;
    }
    const uint8_t *key = (const uint8_t *)map->as.bytes.data;
    for (uint32_t i = 0; i < map->count; i += 2) {
        amqpc_value ignored;
        if ((AMQPCI_TYPE_BIT(amqpci_code_infos[*key].type) & key_types) == 0) {
            return fault(cursor, key, AMQPC_WRONG_TYPE);
        }
        key = amqpci_read_value(key, end, &ignored);
        key = amqpci_read_value(key, end, &ignored);
    }
    return AMQPC_OK;
}

static amqpc_status take_annotations(amqpci_cursor *cursor, amqpc_value *map)
{
    const uint32_t key_types = AMQPCI_TYPE_BIT(AMQPC_TYPE_SYMBOL) |
                               AMQPCI_TYPE_BIT(AMQPC_TYPE_ULONG) |
                               AMQPCI_TYPE_BIT(AMQPC_TYPE_STRING);
    return take_section_map(cursor, key_types, map);
}

/* A section of the body: the first one's value is kept, of the others only their number. */
static amqpc_status take_body(amqpci_cursor *cursor, amqpc_message *message, uint32_t kind)
{
    amqpc_value other;
    amqpc_value *value = message->body_count == 0 ? &message->body : &other;
    amqpc_status status = AMQPC_OK;
    if (kind == AMQPC_BODY_DATA) {
        amqpc_bytes bytes;
        const uint8_t code = cursor->position < cursor->end ? *cursor->position : 0;
        if (AMQPCI_UNLIKELY(!amqpci_take_binary(cursor, &bytes))) {
            return amqpci_take_fault(cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_BINARY));
        }
        amqpci_set_value(value, AMQPC_TYPE_BINARY, code, 0);
        value->as.bytes = bytes;
    } else if (kind == AMQPC_BODY_SEQUENCE) {
        const uint8_t *from = cursor->position;
        status = amqpci_take_value(cursor, value);
        if (status == AMQPC_OK && value->type != AMQPC_TYPE_LIST) {
            return fault(cursor, from, AMQPC_WRONG_TYPE);
        }
    } else {
        status = amqpci_take_value(cursor, value);
    }
    message->body_kind = kind;
    message->body_count += status == AMQPC_OK;
    return status;
}

static amqpc_status take_section(message_decoding *decoding, uint32_t type)
{
    amqpci_cursor *cursor = &decoding->cursor;
    amqpc_message *message = decoding->message;
    switch (type) {
    case AMQPCI_SECTION_HEADER:
        return amqpci_decode_header(cursor, &message->header);
    case AMQPCI_SECTION_DELIVERY_ANNOTATIONS:
        return take_annotations(cursor, &message->delivery_annotations);
    case AMQPCI_SECTION_MESSAGE_ANNOTATIONS:
        return take_annotations(cursor, &message->message_annotations);
    case AMQPCI_SECTION_PROPERTIES:
        return amqpci_decode_properties(cursor, &message->properties);
    case AMQPCI_SECTION_APPLICATION_PROPERTIES:
        return take_section_map(cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_STRING),
                                &message->application_properties);
    case AMQPCI_SECTION_DATA:
        return take_body(cursor, message, AMQPC_BODY_DATA);
    case AMQPCI_SECTION_SEQUENCE:
        return take_body(cursor, message, AMQPC_BODY_SEQUENCE);
    case AMQPCI_SECTION_VALUE:
        return take_body(cursor, message, AMQPC_BODY_VALUE);
    default:
        return take_annotations(cursor, &message->footer);
    }
}

/* Sections come in order, and once each; data and sequences may be repeated, but not mixed. */
static amqpc_status check_order(const message_decoding *decoding, uint32_t type)
{
    int index = (int)amqpci_section_index(type);
    if (AMQPCI_LIKELY(index > decoding->last)) {
        return AMQPC_OK;
    }
    if (index < decoding->last) {
        return AMQPC_SECTION_ORDER;
    }
    if (index != AMQPCI_INDEX_BODY || type == AMQPCI_SECTION_VALUE) {
        return decoding->message->body_kind == AMQPC_BODY_VALUE || index != AMQPCI_INDEX_BODY
                   ? AMQPC_SECTION_REPEATED
                   : AMQPC_SECTION_ORDER;
    }
    return decoding->message->body_kind == amqpci_body_kind(type) ? AMQPC_OK : AMQPC_SECTION_ORDER;
}

static amqpc_status next_section(message_decoding *decoding)
{
    amqpci_cursor *cursor = &decoding->cursor;
    amqpc_message *message = decoding->message;
    const uint8_t *start = cursor->position;
    uint32_t type = 0;
    amqpc_status status = amqpci_take_descriptor(cursor, &type);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    if (AMQPCI_UNLIKELY(type < AMQPCI_SECTION_HEADER || type > AMQPCI_SECTION_FOOTER)) {
        return fault(cursor, start + 1, AMQPC_UNKNOWN_SECTION);
    }
    status = check_order(decoding, type);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return fault(cursor, start, status);
    }
    cursor->depth_left--;
    status = take_section(decoding, type);
    cursor->depth_left++;
    unsigned index = amqpci_section_index(type);
    amqpc_bytes *encoded = &message->encoded[index];
    if ((message->sections & 1u << index) == 0) {
        encoded->data = start;
    }
    encoded->size = (size_t)(cursor->position - (const uint8_t *)encoded->data);
    message->sections |= 1u << index;
    decoding->last = (int)index;
    return status;
}

/* Members of sections that did not come get their defaults; the others were written by their
 * decoders. */
static void clear_absent_sections(amqpc_message *message)
{
    static const amqpc_header no_header = {.priority = AMQPCI_DEFAULT_PRIORITY};
    static const amqpc_properties no_properties = {0};
    uint32_t absent = ~message->sections;
    if ((absent & AMQPC_SECTION_HEADER) != 0) {
        message->header = no_header;
    }
    if ((absent & AMQPC_SECTION_DELIVERY_ANNOTATIONS) != 0) {
        amqpci_clear_value(&message->delivery_annotations);
    }
    if ((absent & AMQPC_SECTION_MESSAGE_ANNOTATIONS) != 0) {
        amqpci_clear_value(&message->message_annotations);
    }
    if ((absent & AMQPC_SECTION_PROPERTIES) != 0) {
        message->properties = no_properties;
    }
    if ((absent & AMQPC_SECTION_APPLICATION_PROPERTIES) != 0) {
        amqpci_clear_value(&message->application_properties);
    }
    if ((absent & AMQPC_SECTION_BODY) != 0) {
        amqpci_clear_value(&message->body);
    }
    if ((absent & AMQPC_SECTION_FOOTER) != 0) {
        amqpci_clear_value(&message->footer);
    }
}

amqpc_status amqpc_message_decode(const void *data, size_t size, const amqpc_limits *limits,
                                  amqpc_message *message, size_t *offset)
{
    message_decoding decoding = {.message = message, .last = NO_SECTION};
    amqpc_status status = amqpci_cursor_init(&decoding.cursor, data, size, limits);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    message->sections = 0;
    message->body_kind = AMQPC_BODY_NONE;
    message->body_count = 0;
    message->reserved = 0;
    message->bodies = NULL;
    for (unsigned i = 0; i <= AMQPCI_INDEX_FOOTER; i++) {
        message->encoded[i] = (amqpc_bytes){NULL, 0};
    }
    while (status == AMQPC_OK && decoding.cursor.position < decoding.cursor.end) {
        status = next_section(&decoding);
    }
    clear_absent_sections(message);
    if (offset != NULL) {
        *offset = (size_t)(decoding.cursor.position - (const uint8_t *)data);
    }
    return status;
}
