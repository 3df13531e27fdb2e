/* Encoding a message from a plain struct, section by section (AMQP 3.2). */
#include "codec/store.h"
#include "codec/value_bound.h"
#include "message/section.h"
#include "schema/fields_store.h"
#include "schema/generated/composite.h"

enum {
    DESCRIPTOR_SIZE = 3, /* 00 53 number */
    LIST_BOUND = 12,     /* a section that is a list: descriptor and list32 */
    VARIABLE_BOUND = 5,
};

AMQPC_CHECK AMQPCI_INLINE amqpc_status store_descriptor(amqpci_sink *sink, uint8_t section)
{
    amqpc_status status = amqpci_sink_reserve(sink, DESCRIPTOR_SIZE);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        sink->position[0] = 0x00;
        sink->position[1] = AMQPC_CODE_SMALLULONG;
        sink->position[2] = section;
        sink->position += DESCRIPTOR_SIZE;
    }
    return status;
}

static amqpc_status store_bytes(amqpci_sink *sink, amqpc_bytes bytes)
{
    amqpc_status status = amqpci_sink_reserve(sink, bytes.size);
    if (status == AMQPC_OK) {
        amqpci_copy(sink->position, (const uint8_t *)bytes.data, bytes.size);
        sink->position += bytes.size;
    }
    return status;
}

static amqpc_status store_map_section(amqpci_sink *sink, uint8_t section, const amqpc_value *map)
{
    amqpc_status status = store_descriptor(sink, section);
    return status == AMQPC_OK ? amqpci_store_map(sink, map) : status;
}

/* One section of the body, or, where it is left out, all of a data section but its bytes. */
static amqpc_status store_body_section(amqpci_sink *sink, uint32_t kind, const amqpc_value *value,
                                       bool leave_out)
{
    static const uint8_t types[] = {
        [AMQPC_BODY_DATA] = AMQPC_TYPE_BINARY, [AMQPC_BODY_SEQUENCE] = AMQPC_TYPE_LIST};
    if (kind != AMQPC_BODY_VALUE && value->type != types[kind]) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = store_descriptor(sink, amqpci_body_section(kind));
    if (status != AMQPC_OK) {
        return status;
    }
    if (kind == AMQPC_BODY_DATA && value->code == AMQPC_CODE_SMALLEST && !leave_out) {
        return amqpci_store_binary(sink, value->as.bytes);
    }
    if (!leave_out) {
        return amqpci_store_value(sink, value);
    }
    bool wide = value->as.bytes.size > UINT8_MAX || value->code == AMQPC_CODE_BINARY32;
    if (value->as.bytes.size > UINT32_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return wide ? amqpci_store_number(sink, AMQPC_CODE_BINARY32, value->as.bytes.size, 4)
                : amqpci_store_number(sink, AMQPC_CODE_BINARY8, value->as.bytes.size, 1);
}

static amqpc_status store_body(amqpci_sink *sink, const amqpc_message *message, bool leave_out)
{
    if (message->body_kind < AMQPC_BODY_DATA || message->body_kind > AMQPC_BODY_VALUE ||
        message->body_count == 0 ||
        (message->body_kind == AMQPC_BODY_VALUE && message->body_count != 1)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (message->bodies == NULL) {
        if (message->body_count == 1) {
            return store_body_section(sink, message->body_kind, &message->body, leave_out);
        }
        /* Sections behind the first are known only as they arrived. */
        amqpc_bytes encoded = message->encoded[AMQPCI_INDEX_BODY];
        return encoded.size > 0 ? store_bytes(sink, encoded) : AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = AMQPC_OK;
    for (uint32_t i = 0; i < message->body_count && status == AMQPC_OK; i++) {
        status = store_body_section(sink, message->body_kind, &message->bodies[i], leave_out);
    }
    return status;
}

static amqpc_status store_section(amqpci_sink *sink, const amqpc_message *message, unsigned index)
{
    switch (index) {
    case AMQPCI_INDEX_HEADER:
        return amqpci_encode_header(sink, &message->header);
    case AMQPCI_INDEX_DELIVERY_ANNOTATIONS:
        return store_map_section(sink, AMQPCI_SECTION_DELIVERY_ANNOTATIONS,
                                 &message->delivery_annotations);
    case AMQPCI_INDEX_MESSAGE_ANNOTATIONS:
        return store_map_section(sink, AMQPCI_SECTION_MESSAGE_ANNOTATIONS,
                                 &message->message_annotations);
    case AMQPCI_INDEX_PROPERTIES:
        return amqpci_encode_properties(sink, &message->properties);
    case AMQPCI_INDEX_APPLICATION_PROPERTIES:
        return store_map_section(sink, AMQPCI_SECTION_APPLICATION_PROPERTIES,
                                 &message->application_properties);
    case AMQPCI_INDEX_BODY:
        return store_body(sink, message, false);
    default:
        return store_map_section(sink, AMQPCI_SECTION_FOOTER, &message->footer);
    }
}

static bool copies_as_arrived(const amqpc_message *message, unsigned flags, unsigned index)
{
    return (flags & AMQPC_ENCODE_AS_ARRIVED) != 0 && message->encoded[index].size > 0;
}

/* All sections; where body_offset is not NULL, the bytes of a body of one data section are left
 * out, and their place is given. */
static amqpc_status store_message(amqpci_sink *sink, const amqpc_message *message, unsigned flags,
                                  size_t *body_offset)
{
    if ((flags & ~AMQPC_ENCODE_AS_ARRIVED) != 0 ||
        message->sections >= 1u << (AMQPCI_INDEX_FOOTER + 1)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    bool leave_out = body_offset != NULL && message->body_kind == AMQPC_BODY_DATA &&
                     message->body_count == 1 && message->bodies == NULL;
    amqpc_status status = AMQPC_OK;
    for (uint32_t left = message->sections; left != 0 && status == AMQPC_OK; left &= left - 1) {
        unsigned index = (unsigned)__builtin_ctz(left);
        if (index == AMQPCI_INDEX_BODY && leave_out) {
            status = store_body(sink, message, true);
            *body_offset = amqpci_sink_offset(sink);
        } else if (copies_as_arrived(message, flags, index)) {
            status = store_bytes(sink, message->encoded[index]);
        } else {
            status = store_section(sink, message, index);
        }
    }
    return status;
}

amqpc_status amqpc_message_encode(const amqpc_message *message, unsigned flags, void *data,
                                  size_t capacity, size_t *size)
{
    amqpci_sink sink;
    amqpci_sink_init_fixed(&sink, data, capacity);
    amqpc_status status = store_message(&sink, message, flags, NULL);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        *size = amqpci_sink_offset(&sink);
    }
    return status;
}

amqpc_status amqpc_message_append(const amqpc_message *message, unsigned flags,
                                  amqpc_buffer *buffer)
{
    amqpci_sink sink;
    size_t before = buffer->size;
    amqpci_sink_init_growable(&sink, buffer);
    amqpc_status status = store_message(&sink, message, flags, NULL);
    amqpci_sink_publish(&sink);
    if (status != AMQPC_OK) {
        amqpc_buffer_truncate(buffer, before);
    }
    return status;
}

amqpc_status amqpc_message_encode_around(const amqpc_message *message, unsigned flags, void *data,
                                         size_t capacity, size_t *size, size_t *body_offset)
{
    amqpci_sink sink;
    size_t body_at = SIZE_MAX;
    amqpci_sink_init_fixed(&sink, data, capacity);
    amqpc_status status = store_message(&sink, message, flags, &body_at);
    if (status == AMQPC_OK) {
        *size = amqpci_sink_offset(&sink);
        *body_offset = body_at == SIZE_MAX ? *size : body_at;
    }
    return status;
}

static size_t properties_bound(const amqpc_properties *properties)
{
    const amqpc_bytes *texts[] = {&properties->user_id,      &properties->to,
                                  &properties->subject,      &properties->reply_to,
                                  &properties->content_type, &properties->content_encoding,
                                  &properties->group_id,     &properties->reply_to_group_id};
    static const uint32_t bits[] = {
        AMQPC_PROPERTIES_USER_ID,      AMQPC_PROPERTIES_TO,
        AMQPC_PROPERTIES_SUBJECT,      AMQPC_PROPERTIES_REPLY_TO,
        AMQPC_PROPERTIES_CONTENT_TYPE, AMQPC_PROPERTIES_CONTENT_ENCODING,
        AMQPC_PROPERTIES_GROUP_ID,     AMQPC_PROPERTIES_REPLY_TO_GROUP_ID};
    size_t bound =
        LIST_BOUND + 13 + 3 * AMQPCI_NUMBER_MAX; /* a null for each field, three numbers */
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if ((properties->present & bits[i]) != 0) {
            bound = amqpci_bound_add(bound, amqpci_bound_add(VARIABLE_BOUND, texts[i]->size));
        }
    }
    if ((properties->present & AMQPC_PROPERTIES_MESSAGE_ID) != 0) {
        bound = amqpci_bound_add(bound, amqpci_value_bound(&properties->message_id));
    }
    if ((properties->present & AMQPC_PROPERTIES_CORRELATION_ID) != 0) {
        bound = amqpci_bound_add(bound, amqpci_value_bound(&properties->correlation_id));
    }
    return bound;
}

static size_t body_bound(const amqpc_message *message)
{
    if (message->bodies == NULL) {
        return message->body_count > 1
                   ? message->encoded[AMQPCI_INDEX_BODY].size
                   : amqpci_bound_add(DESCRIPTOR_SIZE, amqpci_value_bound(&message->body));
    }
    size_t bound = 0;
    for (uint32_t i = 0; i < message->body_count; i++) {
        bound = amqpci_bound_add(
            bound, amqpci_bound_add(DESCRIPTOR_SIZE, amqpci_value_bound(&message->bodies[i])));
    }
    return bound;
}

static size_t section_bound(const amqpc_message *message, unsigned index)
{
    switch (index) {
    case AMQPCI_INDEX_HEADER:
        return LIST_BOUND + 5 * AMQPCI_NUMBER_MAX;
    case AMQPCI_INDEX_DELIVERY_ANNOTATIONS:
        return amqpci_bound_add(DESCRIPTOR_SIZE,
                                amqpci_value_bound(&message->delivery_annotations));
    case AMQPCI_INDEX_MESSAGE_ANNOTATIONS:
        return amqpci_bound_add(DESCRIPTOR_SIZE, amqpci_value_bound(&message->message_annotations));
    case AMQPCI_INDEX_PROPERTIES:
        return properties_bound(&message->properties);
    case AMQPCI_INDEX_APPLICATION_PROPERTIES:
        return amqpci_bound_add(DESCRIPTOR_SIZE,
                                amqpci_value_bound(&message->application_properties));
    case AMQPCI_INDEX_BODY:
        return body_bound(message);
    default:
        return amqpci_bound_add(DESCRIPTOR_SIZE, amqpci_value_bound(&message->footer));
    }
}

size_t amqpc_message_encoded_bound(const amqpc_message *message, unsigned flags)
{
    size_t bound = 0;
    for (unsigned index = 0; index <= AMQPCI_INDEX_FOOTER; index++) {
        if ((message->sections & 1u << index) == 0) {
            continue;
        }
        size_t section = copies_as_arrived(message, flags, index) ? message->encoded[index].size
                                                                  : section_bound(message, index);
        bound = amqpci_bound_add(bound, section);
    }
    return bound;
}
