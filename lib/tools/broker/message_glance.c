/* A look at the few fields of a message that a broker goes by (AMQP 3.2).
 *
 * A section is a described value: 0x00, the descriptor, mostly 0x53 and one byte, then a list or a
 * map that says its size. So sections are passed over without looking into them. */
#include "tools/broker/message_glance.h"

#include <amqpcodec/performative.h>
#include <string.h>

enum {
    HEADER = 0x70,
    PROPERTIES = 0x73,
    APPLICATION_PROPERTIES = 0x74,
    BODY_FIRST = 0x75,
    ABSOLUTE_EXPIRY_INDEX = 8, /* of the fields of properties */
    PLAIN_HEAD = 3             /* 0x00 0x53 and the descriptor */
};

static uint32_t load32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The size of a list or map with its constructor; 0 where it is none, or does not fit. */
static size_t compound_size(const uint8_t *at, size_t left)
{
    size_t size = 0;
    if (left >= 1 && at[0] == AMQPC_CODE_LIST0) {
        return 1;
    }
    if (left >= 2 && (at[0] == AMQPC_CODE_LIST8 || at[0] == AMQPC_CODE_MAP8)) {
        size = 2u + at[1];
    } else if (left >= 5 && (at[0] == AMQPC_CODE_LIST32 || at[0] == AMQPC_CODE_MAP32)) {
        size = (size_t)5 + load32(at + 1);
    }
    return size <= left ? size : 0;
}

/* A section whose descriptor is written in another way than usual. */
static size_t odd_section(const uint8_t *at, size_t left, uint32_t *descriptor)
{
    amqpc_value value;
    size_t size = 0;
    if (amqpc_value_decode(at, left, NULL, &value, &size) != AMQPC_OK) {
        return 0;
    }
    amqpc_items items;
    amqpc_value first;
    size_t count = 0;
    *descriptor = amqpc_value_composite(&value);
    if (*descriptor != AMQPC_COMPOSITE_NONE) {
        return size;
    }
    if (value.type != AMQPC_TYPE_DESCRIBED || amqpc_items_init(&value, &items) != AMQPC_OK ||
        amqpc_items_next(&items, &first, 1, &count) != AMQPC_OK || count != 1 ||
        first.type != AMQPC_TYPE_ULONG || first.as.u64 > UINT32_MAX) {
        return 0;
    }
    *descriptor = (uint32_t)first.as.u64;
    return size;
}

/* The size of the section that begins there; 0 where it cannot be told. */
static size_t section_size(const uint8_t *at, size_t left, uint32_t *descriptor)
{
    if (left > PLAIN_HEAD && at[0] == 0 && at[1] == AMQPC_CODE_SMALLULONG) {
        *descriptor = at[2];
        if (*descriptor >= BODY_FIRST) {
            return 0;
        }
        size_t size = compound_size(at + PLAIN_HEAD, left - PLAIN_HEAD);
        return size == 0 ? 0 : PLAIN_HEAD + size;
    }
    return left > 0 ? odd_section(at, left, descriptor) : 0;
}

bool message_find_section(amqpc_bytes payload, uint32_t descriptor, amqpc_bytes *section)
{
    const uint8_t *at = (const uint8_t *)payload.data;
    size_t left = payload.size;
    while (left > 0) {
        uint32_t found = 0;
        size_t size = section_size(at, left, &found);
        if (size == 0 || found > descriptor) {
            return false;
        }
        if (found == descriptor) {
            *section = (amqpc_bytes){at, size};
            return true;
        }
        at += size;
        left -= size;
    }
    return false;
}

/* How many fields a list has, at its constructor. */
static uint32_t field_count(const uint8_t *at, size_t left)
{
    if (left >= 3 && at[0] == AMQPC_CODE_LIST8) {
        return at[2];
    }
    return left >= 9 && at[0] == AMQPC_CODE_LIST32 ? load32(at + 5) : 0;
}

static int64_t absolute_expiry(amqpc_bytes section)
{
    const uint8_t *at = (const uint8_t *)section.data;
    bool plain = section.size > PLAIN_HEAD && at[1] == AMQPC_CODE_SMALLULONG;
    if (plain && field_count(at + PLAIN_HEAD, section.size - PLAIN_HEAD) <= ABSOLUTE_EXPIRY_INDEX) {
        return 0;
    }
    amqpc_properties properties;
    bool good =
        amqpc_properties_decode(section.data, section.size, NULL, &properties, NULL) == AMQPC_OK &&
        properties.present & AMQPC_PROPERTIES_ABSOLUTE_EXPIRY_TIME;
    return good ? properties.absolute_expiry_time : 0;
}

void message_glance_at(amqpc_bytes payload, message_glance *glance)
{
    const uint8_t *at = (const uint8_t *)payload.data;
    size_t left = payload.size;
    *glance = (message_glance){0, 0};
    while (left > 0) {
        uint32_t found = 0;
        size_t size = section_size(at, left, &found);
        if (size == 0 || found > PROPERTIES) {
            return;
        }
        if (found == PROPERTIES) {
            glance->absolute_expiry = absolute_expiry((amqpc_bytes){at, size});
            return;
        }
        if (found == HEADER && at == payload.data) {
            glance->header_size = (uint32_t)size;
        }
        at += size;
        left -= size;
    }
}

/* Most headers say nothing but whether the message is durable, and its priority. */
static bool is_short_header(const uint8_t *at, size_t size)
{
    enum { DURABLE_AT = PLAIN_HEAD + 3, PRIORITY_AT = DURABLE_AT + 1 };
    if (size <= DURABLE_AT || at[1] != AMQPC_CODE_SMALLULONG ||
        at[PLAIN_HEAD] != AMQPC_CODE_LIST8) {
        return false;
    }
    uint8_t count = at[PLAIN_HEAD + 2];
    uint8_t durable = at[DURABLE_AT];
    if (durable != AMQPC_CODE_NULL && durable != AMQPC_CODE_TRUE && durable != AMQPC_CODE_FALSE) {
        return false;
    }
    return (count == 1 && size == PRIORITY_AT) ||
           (count == 2 && size == PRIORITY_AT + 2 && at[PRIORITY_AT] == AMQPC_CODE_UBYTE);
}

bool message_header(amqpc_bytes payload, uint32_t header_size, amqpc_header *header)
{
    if (header_size == 0) {
        return false;
    }
    if (is_short_header((const uint8_t *)payload.data, header_size)) {
        memset(header, 0, sizeof *header);
        return true;
    }
    return amqpc_header_decode(payload.data, header_size, NULL, header, NULL) == AMQPC_OK;
}

bool message_properties(amqpc_bytes payload, amqpc_properties *properties)
{
    amqpc_bytes section;
    return message_find_section(payload, PROPERTIES, &section) &&
           amqpc_properties_decode(section.data, section.size, NULL, properties, NULL) == AMQPC_OK;
}

bool message_application_property(amqpc_bytes payload, amqpc_bytes name, amqpc_value *value)
{
    amqpc_bytes section;
    amqpc_value described;
    amqpc_value parts[2];
    amqpc_items items;
    size_t count = 0;
    return message_find_section(payload, APPLICATION_PROPERTIES, &section) &&
           amqpc_value_decode(section.data, section.size, NULL, &described, NULL) == AMQPC_OK &&
           amqpc_items_init(&described, &items) == AMQPC_OK &&
           amqpc_items_next(&items, parts, 2, &count) == AMQPC_OK && count == 2 &&
           amqpc_map_get(&parts[1], name.data, name.size, value) == AMQPC_OK;
}
