/* Messages that are written as JSON: an object with a member for each section (AMQP 3.2). */
#include "tools/json_message.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <amqpcodec/performative.h>

#include "tools/json_value.h"

enum { JSON_DEPTH_MAX = 4 * AMQPC_DEPTH_MAX }; /* a value of AMQP is several in JSON */

bool json_message_is_available(void)
{
    return true;
}

/* --- Header and properties, by the table of their fields. */

/* Brings what people write in short to the type of the field; what fits no field is left, and
 * refused. */
static void coerce(unsigned kind, amqpc_value *value)
{
    bool is_number = value->type == AMQPC_TYPE_LONG && value->as.i64 >= 0;
    bool is_text = value->type == AMQPC_TYPE_STRING;
    uint64_t number = is_number ? (uint64_t)value->as.i64 : 0;
    if (is_number && kind == AMQPC_FIELD_UBYTE && number <= UINT8_MAX) {
        value->type = AMQPC_TYPE_UBYTE;
    } else if (is_number && kind == AMQPC_FIELD_UINT && number <= UINT32_MAX) {
        value->type = AMQPC_TYPE_UINT;
    } else if (is_number && kind == AMQPC_FIELD_MESSAGE_ID) {
        value->type = AMQPC_TYPE_ULONG;
    } else if (value->type == AMQPC_TYPE_LONG && kind == AMQPC_FIELD_TIMESTAMP) {
        value->type = AMQPC_TYPE_TIMESTAMP;
    } else if (is_text && kind == AMQPC_FIELD_SYMBOL) {
        value->type = AMQPC_TYPE_SYMBOL;
    } else if (is_text && kind == AMQPC_FIELD_BINARY) {
        value->type = AMQPC_TYPE_BINARY;
    }
    if (is_number && value->type < AMQPC_TYPE_BYTE) {
        value->as.u64 = number;
    }
}

static bool is_message_id(unsigned type)
{
    return type == AMQPC_TYPE_ULONG || type == AMQPC_TYPE_UUID || type == AMQPC_TYPE_BINARY ||
           type == AMQPC_TYPE_STRING;
}

/* Writes a value to the member of its field; false where it has another type. */
static bool store_member(const amqpc_field_info *field, const amqpc_value *value, uint8_t *member)
{
    static const uint8_t types[] = {
        [AMQPC_FIELD_BOOLEAN] = AMQPC_TYPE_BOOLEAN, [AMQPC_FIELD_UBYTE] = AMQPC_TYPE_UBYTE,
        [AMQPC_FIELD_UINT] = AMQPC_TYPE_UINT,       [AMQPC_FIELD_TIMESTAMP] = AMQPC_TYPE_TIMESTAMP,
        [AMQPC_FIELD_BINARY] = AMQPC_TYPE_BINARY,   [AMQPC_FIELD_STRING] = AMQPC_TYPE_STRING,
        [AMQPC_FIELD_SYMBOL] = AMQPC_TYPE_SYMBOL,
    };
    if (field->kind == AMQPC_FIELD_MESSAGE_ID) {
        memcpy(member, value, sizeof *value);
        return is_message_id(value->type);
    }
    if (field->kind > AMQPC_FIELD_SYMBOL || types[field->kind] != value->type) {
        return false;
    }
    uint32_t number = (uint32_t)value->as.u64;
    switch (field->kind) {
    case AMQPC_FIELD_BOOLEAN:
        memcpy(member, &value->as.boolean, sizeof value->as.boolean);
        break;
    case AMQPC_FIELD_UBYTE:
        *member = (uint8_t)number;
        break;
    case AMQPC_FIELD_UINT:
        memcpy(member, &number, sizeof number);
        break;
    case AMQPC_FIELD_TIMESTAMP:
        memcpy(member, &value->as.i64, sizeof value->as.i64);
        break;
    default:
        memcpy(member, &value->as.bytes, sizeof value->as.bytes);
        break;
    }
    return true;
}

/* The type of a field for people: that of ids is one of several. */
static const char *type_of(const amqpc_field_info *field)
{
    return field->kind == AMQPC_FIELD_MESSAGE_ID ? "string, ulong, uuid or binary"
                                                 : field->type_name;
}

static bool read_field(json_reader *reader, const amqpc_composite_info *info, const char *name,
                       json_object *from, uint8_t *composite)
{
    amqpc_value value;
    uint32_t index = 0;
    while (index < info->field_count && strcmp(info->fields[index].name, name) != 0) {
        index++;
    }
    if (index == info->field_count) {
        return json_fail(reader, "%s has no field '%.64s'", info->name, name);
    }
    const amqpc_field_info *field = &info->fields[index];
    if (!json_value_read(reader, from, &value)) {
        return false;
    }
    if (value.type == AMQPC_TYPE_NULL) {
        return true;
    }
    coerce(field->kind, &value);
    if (!store_member(field, &value, composite + field->offset)) {
        return json_fail(reader, "%s of %s is no %s", name, info->name, type_of(field));
    }
    uint32_t present = 0; /* the first member of every composite */
    memcpy(&present, composite, sizeof present);
    present |= 1u << index;
    memcpy(composite, &present, sizeof present);
    return true;
}

static bool read_fields(json_reader *reader, uint32_t type, json_object *from, void *composite)
{
    const amqpc_composite_info *info = amqpc_composite_info_get(type);
    if (!json_object_is_type(from, json_type_object)) {
        return json_fail(reader, "%s is no object", info->name);
    }
    struct json_object_iterator at = json_object_iter_begin(from);
    struct json_object_iterator end = json_object_iter_end(from);
    bool good = true;
    for (; good && !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        good = read_field(reader, info, json_object_iter_peek_name(&at),
                          json_object_iter_peek_value(&at), (uint8_t *)composite);
    }
    return good;
}

/* --- Sections of maps, and the body. */

/* Whether a value is a map whose keys have a type, or the other one. */
static bool check_map(json_reader *reader, const char *name, const amqpc_value *map, unsigned type,
                      unsigned other)
{
    if (map->type != AMQPC_TYPE_MAP) {
        return json_fail(reader, "%s is no map", name);
    }
    for (uint32_t i = 0; i < map->count; i += 2) {
        unsigned key = map->as.items[i].type;
        if (key != type && key != other) {
            return json_fail(reader, "a key of %s is of type %s", name, amqpc_type_name(key));
        }
    }
    return true;
}

/* Keys of annotations are symbols or ulongs (AMQP 3.2.10); those of an object of JSON are symbols
 * here. */
static bool read_annotations(json_reader *reader, const char *name, json_object *from,
                             amqpc_value *map)
{
    bool is_object =
        json_object_is_type(from, json_type_object) && json_object_object_get(from, "map") == NULL;
    if (!json_value_read(reader, from, map)) {
        return false;
    }
    amqpc_value *items = (amqpc_value *)(uintptr_t)map->as.items; /* ours, from the arena */
    for (uint32_t i = 0; is_object && map->type == AMQPC_TYPE_MAP && i < map->count; i += 2) {
        items[i].type = AMQPC_TYPE_SYMBOL;
    }
    return check_map(reader, name, map, AMQPC_TYPE_SYMBOL, AMQPC_TYPE_ULONG);
}

/* AMQP 3.2.5 */
static bool read_properties_map(json_reader *reader, const char *name, json_object *from,
                                amqpc_value *map)
{
    return json_value_read(reader, from, map) &&
           check_map(reader, name, map, AMQPC_TYPE_STRING, AMQPC_TYPE_STRING);
}

/* One section of data or amqp-sequence. */
static bool read_body_section(json_reader *reader, unsigned kind, json_object *from,
                              amqpc_value *value)
{
    if (kind == AMQPC_BODY_DATA) {
        value->type = AMQPC_TYPE_BINARY;
        return json_read_hex(reader, from, &value->as.bytes);
    }
    return json_value_read(reader, from, value) &&
           (value->type == AMQPC_TYPE_LIST ||
            json_fail(reader, "amqp-sequence is no list of lists"));
}

static bool read_body(json_reader *reader, unsigned kind, json_object *from, amqpc_message *message)
{
    if ((message->sections & AMQPC_SECTION_BODY) != 0) {
        return json_fail(reader, "the message has two bodies");
    }
    message->sections |= AMQPC_SECTION_BODY;
    message->body_kind = kind;
    message->body_count = 1;
    if (kind == AMQPC_BODY_VALUE) {
        return json_value_read(reader, from, &message->body);
    }
    size_t count = json_object_is_type(from, json_type_array) ? json_object_array_length(from) : 0;
    if (count == 0 || count > UINT32_MAX) {
        return json_fail(reader, "%s is no list of sections",
                         kind == AMQPC_BODY_DATA ? "data" : "amqp-sequence");
    }
    amqpc_value *sections = (amqpc_value *)arena_take(reader->memory, count, sizeof *sections);
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        good = read_body_section(reader, kind, json_object_array_get_idx(from, i), &sections[i]);
    }
    message->body_count = (uint32_t)count;
    message->bodies = sections;
    return good;
}

static bool read_section(json_reader *reader, const char *name, json_object *from,
                         amqpc_message *message)
{
    static const struct {
        const char *name;
        uint32_t section;
        unsigned body_kind;
    } rows[] = {
        {"header", AMQPC_SECTION_HEADER, 0},
        {"delivery-annotations", AMQPC_SECTION_DELIVERY_ANNOTATIONS, 0},
        {"message-annotations", AMQPC_SECTION_MESSAGE_ANNOTATIONS, 0},
        {"properties", AMQPC_SECTION_PROPERTIES, 0},
        {"application-properties", AMQPC_SECTION_APPLICATION_PROPERTIES, 0},
        {"footer", AMQPC_SECTION_FOOTER, 0},
        {"data", AMQPC_SECTION_BODY, AMQPC_BODY_DATA},
        {"amqp-sequence", AMQPC_SECTION_BODY, AMQPC_BODY_SEQUENCE},
        {"amqp-value", AMQPC_SECTION_BODY, AMQPC_BODY_VALUE},
        {"body", AMQPC_SECTION_BODY, AMQPC_BODY_VALUE},
    };
    size_t i = 0;
    while (i < sizeof rows / sizeof *rows && strcmp(rows[i].name, name) != 0) {
        i++;
    }
    if (i == sizeof rows / sizeof *rows) {
        return json_fail(reader, "a message has no section '%.64s'", name);
    }
    if (rows[i].section == AMQPC_SECTION_BODY) {
        return read_body(reader, rows[i].body_kind, from, message);
    }
    message->sections |= rows[i].section;
    switch (rows[i].section) {
    case AMQPC_SECTION_HEADER:
        return read_fields(reader, AMQPC_COMPOSITE_HEADER, from, &message->header);
    case AMQPC_SECTION_PROPERTIES:
        return read_fields(reader, AMQPC_COMPOSITE_PROPERTIES, from, &message->properties);
    case AMQPC_SECTION_APPLICATION_PROPERTIES:
        return read_properties_map(reader, name, from, &message->application_properties);
    case AMQPC_SECTION_DELIVERY_ANNOTATIONS:
        return read_annotations(reader, name, from, &message->delivery_annotations);
    case AMQPC_SECTION_MESSAGE_ANNOTATIONS:
        return read_annotations(reader, name, from, &message->message_annotations);
    default:
        return read_annotations(reader, name, from, &message->footer);
    }
}

static bool read_document(json_reader *reader, json_object *document, json_message *read)
{
    amqpc_message_init(&read->message);
    read->payload = (amqpc_bytes){NULL, 0};
    if (!json_object_is_type(document, json_type_object)) {
        return json_fail(reader, "a message is an object");
    }
    json_object *payload = json_object_object_get(document, "payload");
    if (payload != NULL && json_object_object_length(document) == 1) {
        return json_read_hex(reader, payload, &read->payload);
    }
    struct json_object_iterator at = json_object_iter_begin(document);
    struct json_object_iterator end = json_object_iter_end(document);
    bool good = true;
    for (; good && !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        good = read_section(reader, json_object_iter_peek_name(&at),
                            json_object_iter_peek_value(&at), &read->message);
    }
    return good;
}

bool json_message_read(const char *text, size_t size, arena *memory, json_message *read,
                       char *reason, size_t reason_size)
{
    json_reader reader = {memory, arena_copy(memory, text, size), NULL, reason_size};
    reader.reason = reason;
    if (size >= INT_MAX) {
        return json_fail(&reader, "the line is too long");
    }
    json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (tokener == NULL) {
        return json_fail(&reader, "out of memory");
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    /* With its NUL, which ends a number. */
    json_object *document = json_tokener_parse_ex(tokener, reader.text, (int)size + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    bool good = false;
    if (error != json_tokener_success || json_tokener_get_parse_end(tokener) < size) {
        good = json_fail(&reader, "byte %zu: %s", json_tokener_get_parse_end(tokener),
                         error == json_tokener_success ? "more than one document"
                                                       : json_tokener_error_desc(error));
    } else {
        good = read_document(&reader, document, read);
    }
    json_object_put(document);
    json_tokener_free(tokener);
    return good;
}
