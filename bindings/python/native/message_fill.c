/* The flat list of a message's fields, as a message of the library (AMQP 3.2). */
#include "encoder.h"

#include <string.h>

/* Each of these takes one field. It sets its bit where the field is not null; false where the value
 * does not fit. */

static bool take_boolean(const amqpc_value *value, bool *to, uint32_t *present, uint32_t bit)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return true;
    }
    if (value->type != AMQPC_TYPE_BOOLEAN) {
        return false;
    }
    *to = value->as.boolean;
    *present |= bit;
    return true;
}

static bool take_unsigned(const amqpc_value *value, int64_t max, uint32_t *to, uint32_t *present,
                          uint32_t bit)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return true;
    }
    *to = (uint32_t)value->as.i64;
    *present |= bit;
    return value->type == AMQPC_TYPE_LONG && value->as.i64 >= 0 && value->as.i64 <= max;
}

static bool take_time(const amqpc_value *value, int64_t *to, uint32_t *present, uint32_t bit)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return true;
    }
    *to = value->as.i64;
    *present |= bit;
    return value->type == AMQPC_TYPE_LONG;
}

static bool take_bytes(const amqpc_value *value, unsigned type, amqpc_bytes *to, uint32_t *present,
                       uint32_t bit)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return true;
    }
    *to = value->as.bytes;
    *present |= bit;
    return value->type == type;
}

/* message-id and correlation-id: ulong, uuid, binary or string (AMQP 3.2.11 to 3.2.14). */
static bool take_id(const amqpc_value *value, amqpc_value *to, uint32_t *present, uint32_t bit)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return true;
    }
    *to = *value;
    *present |= bit;
    if (value->type == AMQPC_TYPE_LONG) {
        to->type = AMQPC_TYPE_ULONG;
        return value->as.i64 >= 0;
    }
    return value->type == AMQPC_TYPE_STRING || value->type == AMQPC_TYPE_ULONG ||
           value->type == AMQPC_TYPE_UUID || value->type == AMQPC_TYPE_BINARY;
}

/* The index of the field at fault, or -1. */
static int fill_header(amqpc_header *header, const amqpc_value *fields)
{
    uint32_t priority = 0;
    uint32_t present = 0;
    if (!take_boolean(&fields[FIELD_DURABLE], &header->durable, &present, AMQPC_HEADER_DURABLE)) {
        return FIELD_DURABLE;
    }
    if (!take_unsigned(&fields[FIELD_PRIORITY], UINT8_MAX, &priority, &present,
                       AMQPC_HEADER_PRIORITY)) {
        return FIELD_PRIORITY;
    }
    header->priority = (uint8_t)priority;
    if (!take_unsigned(&fields[FIELD_TTL], UINT32_MAX, &header->ttl, &present, AMQPC_HEADER_TTL)) {
        return FIELD_TTL;
    }
    if (!take_boolean(&fields[FIELD_FIRST_ACQUIRER], &header->first_acquirer, &present,
                      AMQPC_HEADER_FIRST_ACQUIRER)) {
        return FIELD_FIRST_ACQUIRER;
    }
    if (!take_unsigned(&fields[FIELD_DELIVERY_COUNT], UINT32_MAX, &header->delivery_count, &present,
                       AMQPC_HEADER_DELIVERY_COUNT)) {
        return FIELD_DELIVERY_COUNT;
    }
    header->present = present;
    return -1;
}

/* The properties that are texts or bytes. */
static int fill_texts(amqpc_properties *properties, const amqpc_value *fields)
{
    const struct {
        amqpc_bytes *to;
        uint32_t bit;
        uint8_t field;
        uint8_t type;
    } texts[] = {
        {&properties->user_id, AMQPC_PROPERTIES_USER_ID, FIELD_USER_ID, AMQPC_TYPE_BINARY},
        {&properties->to, AMQPC_PROPERTIES_TO, FIELD_TO, AMQPC_TYPE_STRING},
        {&properties->subject, AMQPC_PROPERTIES_SUBJECT, FIELD_SUBJECT, AMQPC_TYPE_STRING},
        {&properties->reply_to, AMQPC_PROPERTIES_REPLY_TO, FIELD_REPLY_TO, AMQPC_TYPE_STRING},
        {&properties->content_type, AMQPC_PROPERTIES_CONTENT_TYPE, FIELD_CONTENT_TYPE,
         AMQPC_TYPE_STRING},
        {&properties->content_encoding, AMQPC_PROPERTIES_CONTENT_ENCODING, FIELD_CONTENT_ENCODING,
         AMQPC_TYPE_STRING},
        {&properties->group_id, AMQPC_PROPERTIES_GROUP_ID, FIELD_GROUP_ID, AMQPC_TYPE_STRING},
        {&properties->reply_to_group_id, AMQPC_PROPERTIES_REPLY_TO_GROUP_ID,
         FIELD_REPLY_TO_GROUP_ID, AMQPC_TYPE_STRING},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!take_bytes(&fields[texts[i].field], texts[i].type, texts[i].to, &properties->present,
                        texts[i].bit)) {
            return texts[i].field;
        }
    }
    return -1;
}

static int fill_properties(amqpc_properties *properties, const amqpc_value *fields)
{
    properties->present = 0;
    uint32_t *present = &properties->present;
    if (!take_id(&fields[FIELD_MESSAGE_ID], &properties->message_id, present,
                 AMQPC_PROPERTIES_MESSAGE_ID)) {
        return FIELD_MESSAGE_ID;
    }
    if (!take_id(&fields[FIELD_CORRELATION_ID], &properties->correlation_id, present,
                 AMQPC_PROPERTIES_CORRELATION_ID)) {
        return FIELD_CORRELATION_ID;
    }
    if (!take_time(&fields[FIELD_ABSOLUTE_EXPIRY_TIME], &properties->absolute_expiry_time, present,
                   AMQPC_PROPERTIES_ABSOLUTE_EXPIRY_TIME)) {
        return FIELD_ABSOLUTE_EXPIRY_TIME;
    }
    if (!take_time(&fields[FIELD_CREATION_TIME], &properties->creation_time, present,
                   AMQPC_PROPERTIES_CREATION_TIME)) {
        return FIELD_CREATION_TIME;
    }
    if (!take_unsigned(&fields[FIELD_GROUP_SEQUENCE], UINT32_MAX, &properties->group_sequence,
                       present, AMQPC_PROPERTIES_GROUP_SEQUENCE)) {
        return FIELD_GROUP_SEQUENCE;
    }
    return fill_texts(properties, fields);
}

/* Keys of annotations are symbols or ulongs (AMQP 3.2.10); Python gives plain strings and integers.
 */
static bool to_annotation_key(amqpc_value *key)
{
    if (key->type == AMQPC_TYPE_STRING) {
        key->type = AMQPC_TYPE_SYMBOL;
        return true;
    }
    if (key->type == AMQPC_TYPE_LONG && key->as.i64 >= 0) {
        key->type = AMQPC_TYPE_ULONG;
        return true;
    }
    return key->type == AMQPC_TYPE_SYMBOL || key->type == AMQPC_TYPE_ULONG;
}

/* A section that is a map of annotations. Its items are copied, because another part of the batch
 * may be the same dict. */
static amqpc_status fill_annotations(crossing_encoder *encoder, const amqpc_value *value,
                                     uint32_t section, amqpc_value *map)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return AMQPC_OK;
    }
    if (value->type != AMQPC_TYPE_MAP) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_value *items = crossing_arena_take(encoder, value->count * sizeof *items);
    if (items == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(items, value->as.items, value->count * sizeof *items);
    for (uint32_t i = 0; i < value->count; i += 2) {
        if (!to_annotation_key(&items[i])) {
            return AMQPC_INVALID_ARGUMENT;
        }
    }
    *map = *value;
    map->as.items = items;
    encoder->parts->message.sections |= section;
    return AMQPC_OK;
}

static amqpc_status fill_all_annotations(crossing_encoder *encoder, const amqpc_value *fields)
{
    amqpc_message *message = &encoder->parts->message;
    encoder->field = FIELD_DELIVERY_ANNOTATIONS;
    amqpc_status status =
        fill_annotations(encoder, &fields[FIELD_DELIVERY_ANNOTATIONS],
                         AMQPC_SECTION_DELIVERY_ANNOTATIONS, &message->delivery_annotations);
    if (status == AMQPC_OK) {
        encoder->field = FIELD_MESSAGE_ANNOTATIONS;
        status = fill_annotations(encoder, &fields[FIELD_MESSAGE_ANNOTATIONS],
                                  AMQPC_SECTION_MESSAGE_ANNOTATIONS, &message->message_annotations);
    }
    if (status == AMQPC_OK) {
        encoder->field = FIELD_FOOTER;
        status = fill_annotations(encoder, &fields[FIELD_FOOTER], AMQPC_SECTION_FOOTER,
                                  &message->footer);
    }
    return status;
}

/* Keys of application properties are strings (AMQP 3.2.5). */
static bool fill_application_properties(amqpc_message *message, const amqpc_value *value)
{
    if (value->type == AMQPC_TYPE_NULL) {
        return true;
    }
    if (value->type != AMQPC_TYPE_MAP) {
        return false;
    }
    for (uint32_t i = 0; i < value->count; i += 2) {
        if (value->as.items[i].type != AMQPC_TYPE_STRING) {
            return false;
        }
    }
    message->application_properties = *value;
    message->sections |= AMQPC_SECTION_APPLICATION_PROPERTIES;
    return true;
}

/* A body that is not among marshal's bytes but where it lies. */
static bool borrow_body(const struct crossing_encoder_parts *parts, const amqpc_value *value,
                        amqpc_value *body)
{
    if (value->type != AMQPC_TYPE_LONG || value->as.u64 >= parts->body_count) {
        return false;
    }
    *body = (amqpc_value){.type = AMQPC_TYPE_BINARY, .as.bytes = parts->bodies[value->as.u64]};
    return true;
}

/* That every section has the type that its kind wants is the library's to check. */
static bool fill_body(struct crossing_encoder_parts *parts, int64_t flags, const amqpc_value *value)
{
    amqpc_message *message = &parts->message;
    amqpc_value borrowed;
    if ((flags & CROSSING_BODY_BORROWED) != 0) {
        if (!borrow_body(parts, value, &borrowed)) {
            return false;
        }
        value = &borrowed;
    }
    message->body_kind = (uint32_t)(flags >> CROSSING_BODY_SHIFT & CROSSING_BODY_MASK);
    if ((flags & CROSSING_BODY_BY_TYPE) != 0) {
        message->body_kind = value->type == AMQPC_TYPE_BINARY ? AMQPC_BODY_DATA : AMQPC_BODY_VALUE;
    }
    if (message->body_kind == AMQPC_BODY_NONE) {
        return value->type == AMQPC_TYPE_NULL;
    }
    message->sections |= AMQPC_SECTION_BODY;
    message->bodies = NULL;
    message->body_count = 1;
    message->body = *value;
    if ((flags & CROSSING_BODY_SEVERAL) != 0) {
        message->bodies = value->as.items;
        message->body_count = value->count;
        return value->type == AMQPC_TYPE_LIST && message->body_kind != AMQPC_BODY_VALUE &&
               value->count > 0;
    }
    return true;
}

/* The index of the field at fault, or -1. */
static int fill_plain_sections(struct crossing_encoder_parts *parts, const amqpc_value *fields)
{
    amqpc_message *message = &parts->message;
    int wrong = fill_header(&message->header, fields);
    if (wrong < 0) {
        wrong = fill_properties(&message->properties, fields);
    }
    message->sections = (message->header.present != 0 ? AMQPC_SECTION_HEADER : 0) |
                        (message->properties.present != 0 ? AMQPC_SECTION_PROPERTIES : 0);
    if (wrong < 0 && !fill_application_properties(message, &fields[FIELD_APPLICATION_PROPERTIES])) {
        wrong = FIELD_APPLICATION_PROPERTIES;
    }
    if (wrong < 0 && fields[FIELD_FLAGS].type != AMQPC_TYPE_LONG) {
        wrong = FIELD_FLAGS;
    }
    if (wrong < 0 && !fill_body(parts, fields[FIELD_FLAGS].as.i64, &fields[FIELD_BODY])) {
        wrong = FIELD_BODY;
    }
    return wrong;
}

amqpc_status crossing_fill_message(crossing_encoder *encoder, const amqpc_value *fields)
{
    encoder->field = fill_plain_sections(encoder->parts, fields);
    return encoder->field < 0 ? fill_all_annotations(encoder, fields) : AMQPC_INVALID_ARGUMENT;
}
