/* Messages to marshal (AMQP 3.2): one flat tuple a message, of the fields
 *
 *     0 flags; 1 to 5 header; 6, 7 annotations; 8 to 20 properties; 21 application properties; 22
 * body; 23 footer; 24 delivery number, 25 delivery tag, 26 settled
 *
 * and of these, which are bits of a set, only those that the reader of the tuple is told of: most
 * messages have few, and a None costs as much to read as a number. With CROSSING_LAZY instead
 *
 *     0 flags, 1 what is encoded beside the body, 2 body, 3 delivery number, 4 delivery tag, 5
 * settled
 *
 * where the body is as in the other one where it is one data section, and else its sections,
 * encoded. What is absent is None. */
#include "marshal_write.h"

#include <stdlib.h>

enum {
    FLAG_MARKS = 0x01,
    FLAG_VIEWED = 0x02, /* the body is the index of a view */
    FLAG_BODY_KIND_SHIFT = 4,
    FLAG_SEVERAL = 0x40, /* the body is a list of sections */
    FLAG_LAZY = 0x80,
    FLAGS_OFFSET = 3, /* behind the tuple's head, and the integer's code */

    LAZY_FIELDS = 6,
    DELIVERY_FIELDS = 3, /* the last ones of both */

    FIELD_HEADER = 1, /* where sections begin among the fields */
    FIELD_DELIVERY_ANNOTATIONS = 6,
    FIELD_MESSAGE_ANNOTATIONS = 7,
    FIELD_PROPERTIES = 8,
    FIELD_APPLICATION_PROPERTIES = 21,
    FIELD_BODY = 22,
    FIELD_FOOTER = 23,
    FIELD_DELIVERY = 24,

    SECTION_DELIVERY_ANNOTATIONS = 1, /* indices of amqpc_message.encoded */
    SECTION_MESSAGE_ANNOTATIONS = 2,
    SECTION_APPLICATION_PROPERTIES = 4,
    SECTION_BODY = 5,
    SECTION_FOOTER = 6
};

/* The fields that are put, and of which sections. */
typedef struct message_fields {
    uint32_t wanted;  /* set of fields in the tuple */
    uint32_t present; /* set of fields that the message has */
} message_fields;

static uint32_t fields_of(const amqpc_message *message, const amqpc_delivery *delivery)
{
    const uint32_t sections = message->sections;
    uint32_t fields = message->header.present << FIELD_HEADER;
    fields |= message->properties.present << FIELD_PROPERTIES;
    fields |=
        (sections & AMQPC_SECTION_DELIVERY_ANNOTATIONS) != 0 ? 1u << FIELD_DELIVERY_ANNOTATIONS : 0;
    fields |=
        (sections & AMQPC_SECTION_MESSAGE_ANNOTATIONS) != 0 ? 1u << FIELD_MESSAGE_ANNOTATIONS : 0;
    fields |= (sections & AMQPC_SECTION_APPLICATION_PROPERTIES) != 0
                  ? 1u << FIELD_APPLICATION_PROPERTIES
                  : 0;
    fields |= (sections & AMQPC_SECTION_BODY) != 0 ? 1u << FIELD_BODY : 0;
    fields |= (sections & AMQPC_SECTION_FOOTER) != 0 ? 1u << FIELD_FOOTER : 0;
    fields |= delivery != NULL ? 7u << FIELD_DELIVERY : 0;
    return fields;
}

/* Whether the field has a value to be put. Where it is absent, and has a place all the same, its
 * None is put; there is room for that of every field. */
static inline bool has_value(crossing_output *output, const message_fields *fields, unsigned field)
{
    const uint32_t bit = 1u << field;
    if ((fields->present & bit) != 0) {
        return true;
    }
    if ((fields->wanted & bit) != 0) {
        output->position = put_byte(output->position, MARSHAL_NONE);
    }
    return false;
}

static unsigned count_of(uint32_t fields)
{
    return (unsigned)__builtin_popcount(fields);
}

/* --- Sections. Each function has room for a None of each of its fields. */

static amqpc_status put_binary(crossing_output *output, amqpc_bytes bytes)
{
    if (!crossing_reserve(output, TEXT_HEAD_SIZE + bytes.size)) {
        return AMQPC_NO_MEMORY;
    }
    output->position = put_bytes(output->position, bytes.data, bytes.size);
    return AMQPC_OK;
}

static void put_header(crossing_output *output, const amqpc_header *header,
                       const message_fields *fields)
{
    unsigned field = FIELD_HEADER;
    if ((fields->wanted & ((1u << FIELD_DELIVERY_ANNOTATIONS) - 2)) == 0) {
        return;
    }
    if (has_value(output, fields, field++)) {
        output->position = put_boolean(output->position, header->durable);
    }
    if (has_value(output, fields, field++)) {
        output->position = put_unsigned(output->position, header->priority);
    }
    if (has_value(output, fields, field++)) {
        output->position = put_unsigned(output->position, header->ttl);
    }
    if (has_value(output, fields, field++)) {
        output->position = put_boolean(output->position, header->first_acquirer);
    }
    if (has_value(output, fields, field++)) {
        output->position = put_unsigned(output->position, header->delivery_count);
    }
}

/* message-id or correlation-id: ulong, uuid, binary or string. */
static amqpc_status put_id(crossing_output *output, const amqpc_value *id)
{
    uint8_t *to = output->position;
    switch (id->type) {
    case AMQPC_TYPE_STRING:
        return crossing_put_text(output, id->as.bytes.data, id->as.bytes.size, false);
    case AMQPC_TYPE_BINARY:
        return put_binary(output, id->as.bytes);
    case AMQPC_TYPE_UUID:
        output->flags |= CROSSING_MARKS;
        output->position = put_bytes(put_mark(to, 2, id->type), id->as.octets, 16);
        return AMQPC_OK;
    default:
        output->position = put_unsigned(to, id->as.u64);
        return AMQPC_OK;
    }
}

static amqpc_status put_number(crossing_output *output, int64_t number)
{
    output->position = put_signed(output->position, number);
    return AMQPC_OK;
}

/* A string or symbol that many messages have in common. */
static amqpc_status put_common(crossing_output *output, amqpc_bytes text)
{
    return crossing_put_text(output, text.data, text.size, true);
}

/* The field of the properties that stands at the index. */
static amqpc_status put_property(crossing_output *output, const amqpc_properties *properties,
                                 unsigned index)
{
    switch (1u << index) {
    case AMQPC_PROPERTIES_MESSAGE_ID:
        return put_id(output, &properties->message_id);
    case AMQPC_PROPERTIES_USER_ID:
        return put_binary(output, properties->user_id);
    case AMQPC_PROPERTIES_TO:
        return put_common(output, properties->to);
    case AMQPC_PROPERTIES_SUBJECT:
        return put_common(output, properties->subject);
    case AMQPC_PROPERTIES_REPLY_TO:
        return put_common(output, properties->reply_to);
    case AMQPC_PROPERTIES_CORRELATION_ID:
        return put_id(output, &properties->correlation_id);
    case AMQPC_PROPERTIES_CONTENT_TYPE:
        return put_common(output, properties->content_type);
    case AMQPC_PROPERTIES_CONTENT_ENCODING:
        return put_common(output, properties->content_encoding);
    case AMQPC_PROPERTIES_ABSOLUTE_EXPIRY_TIME:
        return put_number(output, properties->absolute_expiry_time);
    case AMQPC_PROPERTIES_CREATION_TIME:
        return put_number(output, properties->creation_time);
    case AMQPC_PROPERTIES_GROUP_ID:
        return put_common(output, properties->group_id);
    case AMQPC_PROPERTIES_GROUP_SEQUENCE:
        return put_number(output, properties->group_sequence);
    default:
        return put_common(output, properties->reply_to_group_id);
    }
}

/* The fields that are wanted, from the lowest on. */
static amqpc_status put_properties(crossing_output *output, const amqpc_properties *properties,
                                   const message_fields *fields)
{
    const uint32_t all = (1u << (FIELD_APPLICATION_PROPERTIES - FIELD_PROPERTIES)) - 1;
    uint32_t wanted = fields->wanted >> FIELD_PROPERTIES & all;
    for (; wanted != 0; wanted &= wanted - 1) {
        const unsigned index = (unsigned)__builtin_ctz(wanted);
        if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
            return AMQPC_NO_MEMORY;
        }
        if (!has_value(output, fields, index + FIELD_PROPERTIES)) {
            continue;
        }
        amqpc_status status = put_property(output, properties, index);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    return AMQPC_OK;
}

/* The value of a section, or of the next section of a body: | 0x00 | descriptor | value |. */
static const uint8_t *section_value(const uint8_t *from, const uint8_t *end)
{
    return from >= end || *from != 0x00 ? NULL : crossing_skip(from + 1, end);
}

static amqpc_status put_section(crossing_output *output, amqpc_bytes encoded, unsigned mode,
                                crossing_keys keys)
{
    const uint8_t *from = encoded.data;
    const uint8_t *end = from + encoded.size;
    const uint8_t *value = section_value(from, end);
    return value == NULL ? AMQPC_TRUNCATED : crossing_put_value(output, value, end, mode, keys);
}

/* A section that is one field. */
static amqpc_status put_field(crossing_output *output, const message_fields *fields, unsigned field,
                              amqpc_bytes encoded, unsigned mode, crossing_keys keys)
{
    if ((fields->wanted & 1u << field) == 0) {
        return AMQPC_OK;
    }
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    return has_value(output, fields, field) ? put_section(output, encoded, mode, keys) : AMQPC_OK;
}

/* --- The body. */

/* Several sections: a list of what each holds. */
static amqpc_status put_sections(crossing_output *output, const amqpc_message *message,
                                 unsigned mode)
{
    const amqpc_bytes encoded = message->encoded[SECTION_BODY];
    const uint8_t *from = encoded.data;
    const uint8_t *end = from + encoded.size;
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    output->position = put_list(output->position, message->body_count);
    for (uint32_t i = 0; i < message->body_count; i++) {
        const uint8_t *value = section_value(from, end);
        from = value == NULL ? NULL : crossing_skip(value, end);
        if (from == NULL) {
            return AMQPC_TRUNCATED;
        }
        amqpc_status status = crossing_put_value(output, value, from, mode, CROSSING_KEYS_ANY);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    return AMQPC_OK;
}

/* Leaves a body where it is: its delivery goes to a view, and the body becomes the view's number.
 */
static amqpc_status put_view(crossing_output *output, const amqpc_message *message, unsigned mode,
                             amqpc_delivery *delivery)
{
    crossing_view *view = calloc(1, sizeof *view);
    if (view == NULL || !crossing_reserve(output, SCALAR_SIZE_MAX)) {
        free(view);
        return AMQPC_NO_MEMORY;
    }
    view->delivery = *delivery;
    view->bytes = message->body.as.bytes;
    view->index = output->view_count++;
    view->next = output->views;
    output->views = view;
    output->flags |= CROSSING_VIEWED;
    const int64_t index = view->index;
    output->position =
        put_signed(output->position, (mode & CROSSING_VIEWS) != 0 ? index : -1 - index);
    return AMQPC_OK;
}

static bool is_one_data(const amqpc_message *message)
{
    return message->body_kind == AMQPC_BODY_DATA && message->body_count == 1;
}

static bool is_viewed(const amqpc_message *message, const crossing_delivered *delivered)
{
    return delivered->view_size_min != 0 && delivered->delivery != NULL &&
           delivered->delivery->storage != NULL && is_one_data(message) &&
           message->body.as.bytes.size >= delivered->view_size_min;
}

static amqpc_status put_body(crossing_output *output, const amqpc_message *message, unsigned mode,
                             const crossing_delivered *delivered)
{
    if (is_viewed(message, delivered)) {
        return put_view(output, message, mode, delivered->delivery);
    }
    if (is_one_data(message)) {
        return put_binary(output, message->body.as.bytes);
    }
    if ((mode & CROSSING_LAZY) != 0) {
        output->flags |= CROSSING_ENCODED;
        return put_binary(output, message->encoded[SECTION_BODY]);
    }
    if (message->body_count > 1) {
        return put_sections(output, message, mode);
    }
    return put_section(output, message->encoded[SECTION_BODY], mode, CROSSING_KEYS_ANY);
}

/* --- The tuple. */

static amqpc_status put_delivery(crossing_output *output, const amqpc_delivery *delivery)
{
    if (!crossing_reserve(output, SCALAR_SIZE_MAX + delivery->tag.size)) {
        return AMQPC_NO_MEMORY;
    }
    uint8_t *to = put_unsigned(output->position, delivery->number);
    to = put_bytes(to, delivery->tag.data, delivery->tag.size);
    output->position = put_boolean(to, delivery->settled);
    return AMQPC_OK;
}

static amqpc_status put_delivery_or_none(crossing_output *output, const amqpc_delivery *delivery)
{
    if (delivery != NULL) {
        return put_delivery(output, delivery);
    }
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    memset(output->position, MARSHAL_NONE, DELIVERY_FIELDS);
    output->position += DELIVERY_FIELDS;
    return AMQPC_OK;
}

/* What comes before the body; there is room for the header. */
static amqpc_status put_before(crossing_output *output, const amqpc_message *message, unsigned mode,
                               const message_fields *fields)
{
    put_header(output, &message->header, fields);
    amqpc_status status =
        put_field(output, fields, FIELD_DELIVERY_ANNOTATIONS,
                  message->encoded[SECTION_DELIVERY_ANNOTATIONS], mode, CROSSING_KEYS_ANNOTATIONS);
    if (status == AMQPC_OK) {
        status = put_field(output, fields, FIELD_MESSAGE_ANNOTATIONS,
                           message->encoded[SECTION_MESSAGE_ANNOTATIONS], mode,
                           CROSSING_KEYS_ANNOTATIONS);
    }
    if (status == AMQPC_OK) {
        status = put_properties(output, &message->properties, fields);
    }
    if (status == AMQPC_OK) {
        status = put_field(output, fields, FIELD_APPLICATION_PROPERTIES,
                           message->encoded[SECTION_APPLICATION_PROPERTIES], mode,
                           CROSSING_KEYS_STRINGS);
    }
    return status;
}

static amqpc_status put_whole(crossing_output *output, const amqpc_message *message, unsigned mode,
                              const message_fields *fields, const crossing_delivered *delivered)
{
    amqpc_status status = put_before(output, message, mode, fields);
    if (status != AMQPC_OK) {
        return status;
    }
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    if (has_value(output, fields, FIELD_BODY)) {
        status = put_body(output, message, mode, delivered);
    }
    if (status == AMQPC_OK) {
        status = put_field(output, fields, FIELD_FOOTER, message->encoded[SECTION_FOOTER], mode,
                           CROSSING_KEYS_ANNOTATIONS);
    }
    if (status != AMQPC_OK || (fields->wanted & 1u << FIELD_DELIVERY) == 0) {
        return status;
    }
    return put_delivery_or_none(output, delivered->delivery);
}

static size_t joined(uint8_t *to, const amqpc_bytes *sections, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (to != NULL && sections[i].size != 0) {
            memcpy(to + size, sections[i].data, sections[i].size);
        }
        size += sections[i].size;
    }
    return size;
}

static amqpc_status put_lazy(crossing_output *output, const amqpc_message *message, unsigned mode,
                             const crossing_delivered *delivered)
{
    const amqpc_bytes footer = message->encoded[SECTION_FOOTER];
    const size_t size = joined(NULL, message->encoded, SECTION_BODY) + footer.size;
    if (!crossing_reserve(output, SCALAR_SIZE_MAX + size)) {
        return AMQPC_NO_MEMORY;
    }
    uint8_t *to = put_code_u32(output->position, MARSHAL_BYTES, (uint32_t)size);
    to += joined(to, message->encoded, SECTION_BODY);
    output->position = to + joined(to, &footer, 1);
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = AMQPC_OK;
    if (message->body_kind == AMQPC_BODY_NONE) {
        output->position = put_byte(output->position, MARSHAL_NONE);
    } else {
        status = put_body(output, message, mode, delivered);
    }
    return status == AMQPC_OK ? put_delivery_or_none(output, delivered->delivery) : status;
}

static amqpc_status put_message(crossing_output *output, const amqpc_message *message,
                                unsigned mode, const message_fields *fields,
                                const crossing_delivered *delivered)
{
    const uint32_t outer = output->flags;
    const size_t start = (size_t)(output->position - output->data);
    const bool lazy = (mode & CROSSING_LAZY) != 0;
    if (!crossing_reserve(output, 2 * SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    output->flags &= CROSSING_MOVED; /* of this message; the outer ones are added below */
    uint8_t *to =
        put_tuple(output->position, lazy ? LAZY_FIELDS : 1 + count_of(fields->wanted & ~1u));
    output->position = put_code_u32(to, MARSHAL_INT, 0);
    amqpc_status status = lazy ? put_lazy(output, message, mode, delivered)
                               : put_whole(output, message, mode, fields, delivered);
    uint32_t flags = message->body_kind << FLAG_BODY_KIND_SHIFT | (lazy ? FLAG_LAZY : 0);
    flags |= (output->flags & CROSSING_MARKS) != 0 ? FLAG_MARKS : 0;
    flags |= (output->flags & CROSSING_VIEWED) != 0 ? FLAG_VIEWED : 0;
    flags |= message->body_count > 1 ? FLAG_SEVERAL : 0;
    put_u32(output->data + start + FLAGS_OFFSET, flags);
    output->flags |= outer;
    if (status == AMQPC_OK && (flags & FLAG_VIEWED) != 0 && delivered->delivery != NULL) {
        delivered->delivery->storage = NULL; /* it is the view's now */
    }
    return status;
}

/* The newest view, of a message that failed after all, or that does not belong to its batch. */
static void drop_view(crossing_output *output)
{
    crossing_view *view = output->views;
    output->views = view->next;
    output->view_count--;
    free(view);
}

amqpc_status crossing_put_message(crossing_output *output, amqpc_bytes payload, unsigned mode,
                                  const crossing_delivered *delivered, uint32_t *wanted)
{
    amqpc_message message;
    if (payload.size > INT32_MAX) {
        return AMQPC_MESSAGE_TOO_LARGE;
    }
    amqpc_status status =
        amqpc_message_decode(payload.data, payload.size, NULL, &message, &output->fault);
    if (status != AMQPC_OK) {
        return status;
    }
    message_fields fields = {.present = fields_of(&message, delivered->delivery)};
    fields.wanted = *wanted | fields.present;
    if (fields.wanted != *wanted && delivered->fields_fixed && (mode & CROSSING_LAZY) == 0) {
        return AMQPC_LIMIT_REACHED;
    }
    const size_t size = crossing_output_size(output);
    const uint32_t view_count = output->view_count;
    const uint32_t reference_count = output->reference_count;
    status = put_message(output, &message, mode, &fields, delivered);
    if (status != AMQPC_OK) {
        output->position = output->data + size;
        output->reference_count = reference_count;
        if (output->view_count > view_count) {
            drop_view(output);
        }
        return status;
    }
    *wanted = fields.wanted;
    return status;
}

int crossing_decode_message(crossing_output *output, const void *data, size_t size, unsigned mode)
{
    const crossing_delivered delivered = {.delivery = NULL};
    uint32_t fields = 0;
    crossing_output_start(output);
    amqpc_status status =
        crossing_put_message(output, (amqpc_bytes){data, size}, mode, &delivered, &fields);
    return status == AMQPC_OK ? (int)(output->flags | fields << CROSSING_FLAG_BITS) : -(int)status;
}

int crossing_decode_value(crossing_output *output, const void *data, size_t size, unsigned mode,
                          size_t *used)
{
    amqpc_value value;
    crossing_output_start(output);
    if (size > INT32_MAX) {
        return -(int)AMQPC_MESSAGE_TOO_LARGE;
    }
    amqpc_status status = amqpc_value_decode(data, size, NULL, &value, &output->fault);
    if (status != AMQPC_OK) {
        return -(int)status;
    }
    const uint8_t *end = (const uint8_t *)data + output->fault;
    if (used != NULL) {
        *used = output->fault;
    }
    status = crossing_put_value(output, data, end, mode, CROSSING_KEYS_ANY);
    return status == AMQPC_OK ? (int)output->flags : -(int)status;
}
