/* The bound's messages: header, message annotations, properties, application properties, and one
 * data or value section (AMQP 3.2). */
#ifndef BENCH_BOUND_MESSAGE_H
#define BENCH_BOUND_MESSAGE_H

#include "bound/value.h"

enum {
    BOUND_SECTION_HEADER = 0x70,
    BOUND_SECTION_MESSAGE_ANNOTATIONS = 0x72,
    BOUND_SECTION_PROPERTIES = 0x73,
    BOUND_SECTION_APPLICATION_PROPERTIES = 0x74,
    BOUND_SECTION_DATA = 0x75,
    BOUND_SECTION_VALUE = 0x77,
    BOUND_DEFAULT_PRIORITY = 4,
};

/* Absent texts have no data, absent numbers are 0, absent identifiers are AMQPC_CODE_NULL, absent
 * maps have no entries.
 *
 * body_section  BOUND_SECTION_DATA or BOUND_SECTION_VALUE; the value is body_map where that has
 * entries, otherwise body */
typedef struct bound_message {
    bool durable;
    bool first_acquirer;
    uint8_t priority;
    uint8_t body_section;
    uint32_t ttl;
    uint32_t delivery_count;
    bound_value message_id;
    bound_value correlation_id;
    bound_text user_id;
    bound_text to;
    bound_text subject;
    bound_text reply_to;
    bound_text content_type;
    bound_text content_encoding;
    bound_text group_id;
    bound_text reply_to_group_id;
    int64_t absolute_expiry_time;
    int64_t creation_time;
    uint32_t group_sequence;
    bound_value body;
    bound_map message_annotations;
    bound_map application_properties;
    bound_map body_map;
} bound_message;

/* Everything absent; entries of maps are left as they are. */
static inline void bound_message_clear(bound_message *message)
{
    const bound_text none = {NULL, 0};
    message->durable = false;
    message->first_acquirer = false;
    message->priority = BOUND_DEFAULT_PRIORITY;
    message->body_section = 0;
    message->ttl = 0;
    message->delivery_count = 0;
    message->message_id.code = AMQPC_CODE_NULL;
    message->correlation_id.code = AMQPC_CODE_NULL;
    message->user_id = none;
    message->to = none;
    message->subject = none;
    message->reply_to = none;
    message->content_type = none;
    message->content_encoding = none;
    message->group_id = none;
    message->reply_to_group_id = none;
    message->absolute_expiry_time = 0;
    message->creation_time = 0;
    message->group_sequence = 0;
    message->message_annotations.count = 0;
    message->application_properties.count = 0;
    message->body_map.count = 0;
}

static inline bool bound_set_header_field(bound_message *message, uint32_t index,
                                          const bound_value *value)
{
    switch (index) {
    case 0:
        message->durable = value->as.boolean;
        return true;
    case 1:
        message->priority = (uint8_t)value->as.u64;
        return true;
    case 2:
        message->ttl = (uint32_t)value->as.u64;
        return true;
    case 3:
        message->first_acquirer = value->as.boolean;
        return true;
    case 4:
        message->delivery_count = (uint32_t)value->as.u64;
        return true;
    default:
        return false;
    }
}

static inline bool bound_take_header(bound_cursor *cursor, bound_message *message)
{
    bound_cursor content;
    uint32_t count = 0;
    if (!bound_take_compound(cursor, AMQPC_CODE_LIST8, &content, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        bound_value value;
        if (!bound_take_value(&content, &value)) {
            return false;
        }
        if (value.code != AMQPC_CODE_NULL && !bound_set_header_field(message, i, &value)) {
            return false;
        }
    }
    return content.position == content.end;
}

static inline bool bound_take_time(bound_cursor *cursor, int64_t *time)
{
    bound_value value;
    if (!bound_take_value(cursor, &value)) {
        return false;
    }
    if (value.code == AMQPC_CODE_TIMESTAMP) {
        *time = value.as.i64;
    }
    return value.code == AMQPC_CODE_TIMESTAMP || value.code == AMQPC_CODE_NULL;
}

static inline bool bound_take_uint(bound_cursor *cursor, uint32_t *number)
{
    bound_value value;
    if (!bound_take_value(cursor, &value)) {
        return false;
    }
    if (value.code != AMQPC_CODE_NULL) {
        *number = (uint32_t)value.as.u64;
    }
    return true;
}

static inline bool bound_take_property(bound_cursor *cursor, bound_message *message, uint32_t index)
{
    switch (index) {
    case 0:
        return bound_take_value(cursor, &message->message_id);
    case 1:
        return bound_take_text(cursor, AMQPC_CODE_BINARY8, &message->user_id);
    case 2:
        return bound_take_text(cursor, AMQPC_CODE_STRING8, &message->to);
    case 3:
        return bound_take_text(cursor, AMQPC_CODE_STRING8, &message->subject);
    case 4:
        return bound_take_text(cursor, AMQPC_CODE_STRING8, &message->reply_to);
    case 5:
        return bound_take_value(cursor, &message->correlation_id);
    case 6:
        return bound_take_text(cursor, AMQPC_CODE_SYMBOL8, &message->content_type);
    case 7:
        return bound_take_text(cursor, AMQPC_CODE_SYMBOL8, &message->content_encoding);
    case 8:
        return bound_take_time(cursor, &message->absolute_expiry_time);
    case 9:
        return bound_take_time(cursor, &message->creation_time);
    case 10:
        return bound_take_text(cursor, AMQPC_CODE_STRING8, &message->group_id);
    case 11:
        return bound_take_uint(cursor, &message->group_sequence);
    case 12:
        return bound_take_text(cursor, AMQPC_CODE_STRING8, &message->reply_to_group_id);
    default:
        return false;
    }
}

static inline bool bound_take_properties(bound_cursor *cursor, bound_message *message)
{
    bound_cursor content;
    uint32_t count = 0;
    if (!bound_take_compound(cursor, AMQPC_CODE_LIST8, &content, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!bound_take_property(&content, message, i)) {
            return false;
        }
    }
    return content.position == content.end;
}

static inline bool bound_take_body_value(bound_cursor *cursor, bound_message *message)
{
    message->body_section = BOUND_SECTION_VALUE;
    if (cursor->position < cursor->end && (*cursor->position & ~BOUND_WIDE) == AMQPC_CODE_MAP8) {
        return bound_take_map(cursor, AMQPC_CODE_STRING8, &message->body_map);
    }
    return bound_take_value(cursor, &message->body);
}

static inline bool bound_take_body_data(bound_cursor *cursor, bound_message *message)
{
    message->body_section = BOUND_SECTION_DATA;
    return bound_take_value(cursor, &message->body) &&
           (message->body.code & ~BOUND_WIDE) == AMQPC_CODE_BINARY8;
}

/* 00 53 nn, or 00 80 and eight bytes (AMQP 1.2). */
static inline bool bound_take_descriptor(bound_cursor *cursor, uint64_t *descriptor)
{
    const uint8_t *from = cursor->position;
    size_t remaining = bound_remaining(cursor);
    if (remaining < 3 || from[0] != 0) {
        return false;
    }
    if (from[1] == AMQPC_CODE_SMALLULONG) {
        *descriptor = from[2];
        cursor->position += 3;
        return true;
    }
    if (from[1] != AMQPC_CODE_ULONG || remaining < 10) {
        return false;
    }
    *descriptor = bound_load64(from + 2);
    cursor->position += 10;
    return true;
}

static inline bool bound_take_section(bound_cursor *cursor, bound_message *message)
{
    uint64_t descriptor = 0;
    if (!bound_take_descriptor(cursor, &descriptor)) {
        return false;
    }
    switch (descriptor) {
    case BOUND_SECTION_HEADER:
        return bound_take_header(cursor, message);
    case BOUND_SECTION_MESSAGE_ANNOTATIONS:
        return bound_take_map(cursor, AMQPC_CODE_SYMBOL8, &message->message_annotations);
    case BOUND_SECTION_PROPERTIES:
        return bound_take_properties(cursor, message);
    case BOUND_SECTION_APPLICATION_PROPERTIES:
        return bound_take_map(cursor, AMQPC_CODE_STRING8, &message->application_properties);
    case BOUND_SECTION_DATA:
        return bound_take_body_data(cursor, message);
    case BOUND_SECTION_VALUE:
        return bound_take_body_value(cursor, message);
    default:
        return false;
    }
}

BOUND_CALL bool bound_message_decode(const uint8_t *data, size_t size, bound_message *message)
{
    bound_cursor cursor = {data, data + size};
    bound_message_clear(message);
    while (cursor.position < cursor.end) {
        if (!bound_take_section(&cursor, message)) {
            return false;
        }
    }
    return true;
}

/* The most bytes that the message takes: one check instead of one for each field. */
static inline size_t bound_message_bound(const bound_message *message)
{
    const bound_text *texts[] = {&message->user_id,      &message->to,
                                 &message->subject,      &message->reply_to,
                                 &message->content_type, &message->content_encoding,
                                 &message->group_id,     &message->reply_to_group_id};
    size_t bound =
        128 + bound_value_bound(&message->message_id) + bound_value_bound(&message->correlation_id);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bound += BOUND_NUMBER_MAX + (size_t)texts[i]->size;
    }
    bound += bound_map_bound(&message->message_annotations);
    bound += bound_map_bound(&message->application_properties);
    bound += message->body_map.count > 0 ? bound_map_bound(&message->body_map)
                                         : bound_value_bound(&message->body);
    return bound;
}

static inline uint8_t *bound_put_descriptor(uint8_t *to, uint8_t descriptor)
{
    to[0] = 0x00;
    to[1] = AMQPC_CODE_SMALLULONG;
    to[2] = descriptor;
    return to + 3;
}

/* Which fields there are: up to the last that differs from its default. */
static inline uint8_t bound_header_count(const bound_message *message)
{
    if (message->delivery_count != 0) {
        return 5;
    }
    if (message->first_acquirer) {
        return 4;
    }
    if (message->ttl != 0) {
        return 3;
    }
    return message->priority != BOUND_DEFAULT_PRIORITY ? 2 : message->durable ? 1 : 0;
}

static inline uint8_t *bound_put_header(uint8_t *to, const bound_message *message)
{
    uint8_t count = bound_header_count(message);
    if (count == 0) {
        return to;
    }
    uint8_t *head = bound_put_descriptor(to, BOUND_SECTION_HEADER);
    to = bound_put_boolean(head + 3, message->durable);
    if (count > 1) {
        to[0] = AMQPC_CODE_UBYTE;
        to[1] = message->priority;
        to += 2;
    }
    if (count > 2) {
        to = bound_put_uint(to, message->ttl);
    }
    if (count > 3) {
        to = bound_put_boolean(to, message->first_acquirer);
    }
    if (count > 4) {
        to = bound_put_uint(to, message->delivery_count);
    }
    head[0] = AMQPC_CODE_LIST8;
    head[1] = (uint8_t)(to - (head + 2));
    head[2] = count;
    return to;
}

/* A list that is being written, of which trailing nulls will be dropped. */
typedef struct bound_list {
    uint8_t *to;
    uint8_t *end; /* behind the last field that is not null */
    uint8_t count;
    uint8_t index;
} bound_list;

static inline void bound_list_advance(bound_list *list, uint8_t *to, bool present)
{
    list->to = to;
    list->index++;
    list->end = present ? to : list->end;
    list->count = present ? list->index : list->count;
}

static inline void bound_list_text(bound_list *list, uint8_t narrow, bound_text text)
{
    bound_list_advance(list, bound_put_text(list->to, narrow, text), text.data != NULL);
}

static inline void bound_list_value(bound_list *list, const bound_value *value)
{
    bound_list_advance(list, bound_put_value(list->to, value), value->code != AMQPC_CODE_NULL);
}

static inline void bound_list_time(bound_list *list, int64_t time)
{
    bound_value value = {.code = time == 0 ? AMQPC_CODE_NULL : AMQPC_CODE_TIMESTAMP};
    value.as.i64 = time;
    bound_list_value(list, &value);
}

static inline void bound_list_uint(bound_list *list, uint32_t number)
{
    bound_value value = {.code = number == 0 ? AMQPC_CODE_NULL : AMQPC_CODE_UINT};
    value.as.u64 = number;
    bound_list_value(list, &value);
}

/* As if it were small, and moved where it is not. */
static inline uint8_t *bound_put_properties(uint8_t *to, const bound_message *message)
{
    enum { NARROW_HEAD = 3, MORE = 6 };
    uint8_t *head = bound_put_descriptor(to, BOUND_SECTION_PROPERTIES);
    uint8_t *content = head + NARROW_HEAD;
    bound_list list = {.to = content, .end = content};
    bound_list_value(&list, &message->message_id);
    bound_list_text(&list, AMQPC_CODE_BINARY8, message->user_id);
    bound_list_text(&list, AMQPC_CODE_STRING8, message->to);
    bound_list_text(&list, AMQPC_CODE_STRING8, message->subject);
    bound_list_text(&list, AMQPC_CODE_STRING8, message->reply_to);
    bound_list_value(&list, &message->correlation_id);
    bound_list_text(&list, AMQPC_CODE_SYMBOL8, message->content_type);
    bound_list_text(&list, AMQPC_CODE_SYMBOL8, message->content_encoding);
    bound_list_time(&list, message->absolute_expiry_time);
    bound_list_time(&list, message->creation_time);
    bound_list_text(&list, AMQPC_CODE_STRING8, message->group_id);
    bound_list_uint(&list, message->group_sequence);
    bound_list_text(&list, AMQPC_CODE_STRING8, message->reply_to_group_id);
    size_t size = (size_t)(list.end - content);
    if (list.count == 0) {
        return to;
    }
    if (size < UINT8_MAX) {
        head[0] = AMQPC_CODE_LIST8;
        head[1] = (uint8_t)(size + 1);
        head[2] = list.count;
        return list.end;
    }
    memmove(content + MORE, content, size);
    head[0] = AMQPC_CODE_LIST32;
    bound_store32(head + 1, (uint32_t)size + 4);
    bound_store32(head + 5, list.count);
    return list.end + MORE;
}

static inline uint8_t *bound_put_body(uint8_t *to, const bound_message *message)
{
    to = bound_put_descriptor(to, message->body_section);
    if (message->body_section == BOUND_SECTION_DATA) {
        return bound_put_text(to, AMQPC_CODE_BINARY8, message->body.as.text);
    }
    return message->body_map.count > 0 ? bound_put_map(to, AMQPC_CODE_STRING8, &message->body_map)
                                       : bound_put_value(to, &message->body);
}

/* Gives the size, or 0 where the message may not fit. */
BOUND_CALL size_t bound_message_encode(const bound_message *message, uint8_t *data, size_t capacity)
{
    if (bound_message_bound(message) > capacity) {
        return 0;
    }
    uint8_t *to = bound_put_header(data, message);
    if (message->message_annotations.count > 0) {
        to = bound_put_descriptor(to, BOUND_SECTION_MESSAGE_ANNOTATIONS);
        to = bound_put_map(to, AMQPC_CODE_SYMBOL8, &message->message_annotations);
    }
    to = bound_put_properties(to, message);
    if (message->application_properties.count > 0) {
        to = bound_put_descriptor(to, BOUND_SECTION_APPLICATION_PROPERTIES);
        to = bound_put_map(to, AMQPC_CODE_STRING8, &message->application_properties);
    }
    return (size_t)(bound_put_body(to, message) - data);
}

#endif
