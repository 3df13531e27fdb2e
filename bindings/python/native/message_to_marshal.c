/* Messages to marshal (AMQP 3.2): one flat tuple a message.
 *
 *     0 flags; 1 to 5 header; 6, 7 annotations; 8 to 20 properties; 21 application properties; 22
 * body; 23 footer; 24 delivery number, 25 delivery tag, 26 settled
 *
 * and with CROSSING_LAZY
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

    HEADER_FIELDS = 5,
    PROPERTIES_FIELDS = 13,
    MESSAGE_FIELDS = 27,
    LAZY_FIELDS = 6,
    DELIVERY_FIELDS = 3, /* the last ones of both */

    SECTION_DELIVERY_ANNOTATIONS = 1, /* indices of amqpc_message.encoded */
    SECTION_MESSAGE_ANNOTATIONS = 2,
    SECTION_APPLICATION_PROPERTIES = 4,
    SECTION_BODY = 5,
    SECTION_FOOTER = 6
};

static uint8_t *put_nones(uint8_t *to, size_t count)
{
    memset(to, MARSHAL_NONE, count);
    return to + count;
}

/* --- Sections. */

static void put_header(crossing_output *output, const amqpc_message *message)
{
    uint8_t *to = output->position;
    const amqpc_header *header = &message->header;
    const uint32_t present = header->present;
    if ((message->sections & AMQPC_SECTION_HEADER) == 0) {
        output->position = put_nones(to, HEADER_FIELDS);
        return;
    }
    to = (present & AMQPC_HEADER_DURABLE) != 0 ? put_boolean(to, header->durable)
                                               : put_byte(to, MARSHAL_NONE);
    to = (present & AMQPC_HEADER_PRIORITY) != 0 ? put_unsigned(to, header->priority)
                                                : put_byte(to, MARSHAL_NONE);
    to = (present & AMQPC_HEADER_TTL) != 0 ? put_unsigned(to, header->ttl)
                                           : put_byte(to, MARSHAL_NONE);
    to = (present & AMQPC_HEADER_FIRST_ACQUIRER) != 0 ? put_boolean(to, header->first_acquirer)
                                                      : put_byte(to, MARSHAL_NONE);
    to = (present & AMQPC_HEADER_DELIVERY_COUNT) != 0 ? put_unsigned(to, header->delivery_count)
                                                      : put_byte(to, MARSHAL_NONE);
    output->position = to;
}

static amqpc_status put_binary(crossing_output *output, amqpc_bytes bytes)
{
    if (!crossing_reserve(output, TEXT_HEAD_SIZE + bytes.size)) {
        return AMQPC_NO_MEMORY;
    }
    output->position = put_bytes(output->position, bytes.data, bytes.size);
    return AMQPC_OK;
}

static amqpc_status put_none(crossing_output *output)
{
    if (!crossing_reserve(output, 1)) {
        return AMQPC_NO_MEMORY;
    }
    output->position = put_byte(output->position, MARSHAL_NONE);
    return AMQPC_OK;
}

/* message-id or correlation-id: ulong, uuid, binary or string. */
static amqpc_status put_id(crossing_output *output, bool present, const amqpc_value *id)
{
    if (!present) {
        return put_none(output);
    }
    switch (id->type) {
    case AMQPC_TYPE_STRING:
        return crossing_put_text(output, id->as.bytes.data, id->as.bytes.size, false);
    case AMQPC_TYPE_BINARY:
        return put_binary(output, id->as.bytes);
    default:
        break;
    }
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    uint8_t *to = output->position;
    if (id->type == AMQPC_TYPE_UUID) {
        output->flags |= CROSSING_MARKS;
        output->position = put_bytes(put_mark(to, 2, id->type), id->as.octets, 16);
    } else {
        output->position = put_unsigned(to, id->as.u64);
    }
    return AMQPC_OK;
}

/* A string or symbol that many messages have in common. */
static amqpc_status put_common(crossing_output *output, bool present, amqpc_bytes text)
{
    return present ? crossing_put_text(output, text.data, text.size, true) : put_none(output);
}

static amqpc_status put_time(crossing_output *output, bool present, int64_t milliseconds)
{
    if (!present) {
        return put_none(output);
    }
    if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    output->position = put_signed(output->position, milliseconds);
    return AMQPC_OK;
}

/* The fields from message-id to correlation-id, and the rest, so that each fits a screen. */
static amqpc_status put_addressing(crossing_output *output, const amqpc_properties *properties)
{
    const uint32_t present = properties->present;
    amqpc_status status =
        put_id(output, (present & AMQPC_PROPERTIES_MESSAGE_ID) != 0, &properties->message_id);
    if (status == AMQPC_OK) {
        status = (present & AMQPC_PROPERTIES_USER_ID) != 0 ? put_binary(output, properties->user_id)
                                                           : put_none(output);
    }
    if (status == AMQPC_OK) {
        status = put_common(output, (present & AMQPC_PROPERTIES_TO) != 0, properties->to);
    }
    if (status == AMQPC_OK) {
        status = put_common(output, (present & AMQPC_PROPERTIES_SUBJECT) != 0, properties->subject);
    }
    if (status == AMQPC_OK) {
        status =
            put_common(output, (present & AMQPC_PROPERTIES_REPLY_TO) != 0, properties->reply_to);
    }
    if (status == AMQPC_OK) {
        status = put_id(output, (present & AMQPC_PROPERTIES_CORRELATION_ID) != 0,
                        &properties->correlation_id);
    }
    return status;
}

static amqpc_status put_properties(crossing_output *output, const amqpc_properties *properties)
{
    const uint32_t present = properties->present;
    amqpc_status status = put_addressing(output, properties);
    if (status == AMQPC_OK) {
        status = put_common(output, (present & AMQPC_PROPERTIES_CONTENT_TYPE) != 0,
                            properties->content_type);
    }
    if (status == AMQPC_OK) {
        status = put_common(output, (present & AMQPC_PROPERTIES_CONTENT_ENCODING) != 0,
                            properties->content_encoding);
    }
    if (status == AMQPC_OK) {
        status = put_time(output, (present & AMQPC_PROPERTIES_ABSOLUTE_EXPIRY_TIME) != 0,
                          properties->absolute_expiry_time);
    }
    if (status == AMQPC_OK) {
        status = put_time(output, (present & AMQPC_PROPERTIES_CREATION_TIME) != 0,
                          properties->creation_time);
    }
    if (status == AMQPC_OK) {
        status =
            put_common(output, (present & AMQPC_PROPERTIES_GROUP_ID) != 0, properties->group_id);
    }
    if (status == AMQPC_OK) {
        status = put_time(output, (present & AMQPC_PROPERTIES_GROUP_SEQUENCE) != 0,
                          properties->group_sequence);
    }
    if (status == AMQPC_OK) {
        status = put_common(output, (present & AMQPC_PROPERTIES_REPLY_TO_GROUP_ID) != 0,
                            properties->reply_to_group_id);
    }
    return status;
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
    if (encoded.size == 0) {
        return put_none(output);
    }
    const uint8_t *end = from + encoded.size;
    const uint8_t *value = section_value(from, end);
    return value == NULL ? AMQPC_TRUNCATED : crossing_put_value(output, value, end, mode, keys);
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

/* Leaves a body where it is: its delivery goes to a view, and the body becomes the view's index. */
static amqpc_status put_view(crossing_output *output, const amqpc_message *message,
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
    output->position = put_unsigned(output->position, view->index);
    return AMQPC_OK;
}

static bool is_one_data(const amqpc_message *message)
{
    return message->body_kind == AMQPC_BODY_DATA && message->body_count == 1;
}

static bool is_viewed(const amqpc_message *message, unsigned mode,
                      const crossing_delivered *delivered)
{
    return (mode & CROSSING_VIEWS) != 0 && delivered->delivery != NULL &&
           delivered->delivery->storage != NULL && is_one_data(message) &&
           message->body.as.bytes.size >= delivered->view_size_min;
}

static amqpc_status put_body(crossing_output *output, const amqpc_message *message, unsigned mode,
                             const crossing_delivered *delivered)
{
    if (is_viewed(message, mode, delivered)) {
        return put_view(output, message, delivered->delivery);
    }
    if (is_one_data(message)) {
        return put_binary(output, message->body.as.bytes);
    }
    if ((mode & CROSSING_LAZY) != 0 && message->body_kind != AMQPC_BODY_NONE) {
        output->flags |= CROSSING_ENCODED;
        return put_binary(output, message->encoded[SECTION_BODY]);
    }
    if (message->body_count > 1) {
        return put_sections(output, message, mode);
    }
    return put_section(output, message->encoded[SECTION_BODY], mode, CROSSING_KEYS_ANY);
}

/* --- The tuple. */

static amqpc_status put_delivered(crossing_output *output, const amqpc_delivery *delivery)
{
    const size_t tag_size = delivery == NULL ? 0 : delivery->tag.size;
    if (!crossing_reserve(output, SCALAR_SIZE_MAX + tag_size)) {
        return AMQPC_NO_MEMORY;
    }
    if (delivery == NULL) {
        output->position = put_nones(output->position, DELIVERY_FIELDS);
        return AMQPC_OK;
    }
    uint8_t *to = put_unsigned(output->position, delivery->number);
    to = put_bytes(to, delivery->tag.data, tag_size);
    output->position = put_boolean(to, delivery->settled);
    return AMQPC_OK;
}

static amqpc_status put_whole(crossing_output *output, const amqpc_message *message, unsigned mode,
                              const crossing_delivered *delivered)
{
    put_header(output, message);
    amqpc_status status = put_section(output, message->encoded[SECTION_DELIVERY_ANNOTATIONS], mode,
                                      CROSSING_KEYS_ANNOTATIONS);
    if (status == AMQPC_OK) {
        status = put_section(output, message->encoded[SECTION_MESSAGE_ANNOTATIONS], mode,
                             CROSSING_KEYS_ANNOTATIONS);
    }
    if (status == AMQPC_OK && (message->sections & AMQPC_SECTION_PROPERTIES) != 0) {
        status = put_properties(output, &message->properties);
    } else if (status == AMQPC_OK) {
        if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
            return AMQPC_NO_MEMORY;
        }
        output->position = put_nones(output->position, PROPERTIES_FIELDS);
    }
    if (status == AMQPC_OK) {
        status = put_section(output, message->encoded[SECTION_APPLICATION_PROPERTIES], mode,
                             CROSSING_KEYS_STRINGS);
    }
    if (status == AMQPC_OK) {
        status = put_body(output, message, mode, delivered);
    }
    if (status == AMQPC_OK) {
        status =
            put_section(output, message->encoded[SECTION_FOOTER], mode, CROSSING_KEYS_ANNOTATIONS);
    }
    return status;
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
    return put_body(output, message, mode, delivered);
}

static amqpc_status put_message(crossing_output *output, const amqpc_message *message,
                                unsigned mode, const crossing_delivered *delivered)
{
    const uint32_t outer = output->flags;
    const size_t start = (size_t)(output->position - output->data);
    const bool lazy = (mode & CROSSING_LAZY) != 0;
    output->flags &= CROSSING_MOVED;
    if (!crossing_reserve(output, 2 * SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    uint8_t *to = put_tuple(output->position, lazy ? LAZY_FIELDS : MESSAGE_FIELDS);
    output->position = put_code_u32(to, MARSHAL_INT, 0);
    amqpc_status status = lazy ? put_lazy(output, message, mode, delivered)
                               : put_whole(output, message, mode, delivered);
    if (status == AMQPC_OK) {
        status = put_delivered(output, delivered->delivery);
    }
    uint32_t flags = message->body_kind << FLAG_BODY_KIND_SHIFT | (lazy ? FLAG_LAZY : 0);
    flags |= (output->flags & CROSSING_MARKS) != 0 ? FLAG_MARKS : 0;
    flags |= (output->flags & CROSSING_VIEWED) != 0 ? FLAG_VIEWED : 0;
    flags |= message->body_count > 1 ? FLAG_SEVERAL : 0;
    put_u32(output->data + start + 3, flags);
    output->flags |= outer;
    if (status == AMQPC_OK && (flags & FLAG_VIEWED) != 0) {
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
                                  const crossing_delivered *delivered)
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
    const size_t size = crossing_output_size(output);
    const uint32_t view_count = output->view_count;
    const uint32_t reference_count = output->reference_count;
    status = put_message(output, &message, mode, delivered);
    if (status != AMQPC_OK) {
        output->position = output->data + size;
        output->reference_count = reference_count;
        if (output->view_count > view_count) {
            drop_view(output);
        }
    }
    return status;
}

int crossing_decode_message(crossing_output *output, const void *data, size_t size, unsigned mode)
{
    const crossing_delivered delivered = {NULL, 0};
    crossing_output_start(output);
    amqpc_status status = crossing_put_message(output, (amqpc_bytes){data, size}, mode, &delivered);
    return status == AMQPC_OK ? (int)output->flags : -(int)status;
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
