/* Descriptors of composites and of message sections, by number and by name. */
#include "schema/descriptor.h"

#include <amqpcodec/performative.h>
#include <string.h>

#include "codec/described.h"

/* Sections that are not composites (AMQP 3.2); the others are in composites.def. */
static const struct section {
    const char *symbol;
    uint32_t type;
} sections[] = {
    {"amqp:delivery-annotations:map", 0x71},
    {"amqp:message-annotations:map", 0x72},
    {"amqp:application-properties:map", 0x74},
    {"amqp:data:binary", 0x75},
    {"amqp:amqp-sequence:list", 0x76},
    {"amqp:amqp-value:*", 0x77},
    {"amqp:footer:map", 0x78},
};

static bool is_symbol(amqpc_bytes symbol, const char *name)
{
    return symbol.size == strlen(name) && memcmp(symbol.data, name, symbol.size) == 0;
}

static uint32_t find_symbol(amqpc_bytes symbol)
{
    size_t count = 0;
    const amqpc_composite_info *infos = amqpc_composite_info_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (is_symbol(symbol, infos[i].symbol)) {
            return infos[i].type;
        }
    }
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (is_symbol(symbol, sections[i].symbol)) {
            return sections[i].type;
        }
    }
    return 0;
}

uint32_t amqpci_descriptor_type(const amqpc_value *descriptor)
{
    if (descriptor->type == AMQPC_TYPE_ULONG) {
        return descriptor->as.u64 <= UINT8_MAX ? (uint32_t)descriptor->as.u64 : 0;
    }
    return descriptor->type == AMQPC_TYPE_SYMBOL ? find_symbol(descriptor->as.bytes) : 0;
}

/* A descriptor of one byte and a list, as nearly every composite begins: | 53 type | 45, c0 or d0.
 */
static bool is_common_form(const amqpc_value *value)
{
    const uint8_t *bytes = (const uint8_t *)value->as.bytes.data;
    return value->type == AMQPC_TYPE_DESCRIBED && value->form == AMQPC_FORM_ENCODED &&
           value->as.bytes.size >= 3 && bytes[0] == AMQPC_CODE_SMALLULONG &&
           (bytes[2] == AMQPC_CODE_LIST0 || bytes[2] == AMQPC_CODE_LIST8 ||
            bytes[2] == AMQPC_CODE_LIST32);
}

uint32_t amqpc_value_composite(const amqpc_value *value)
{
    if (is_common_form(value)) {
        const amqpc_composite_info *info =
            amqpc_composite_info_get(((const uint8_t *)value->as.bytes.data)[1]);
        return info != NULL ? info->type : (uint32_t)AMQPC_COMPOSITE_NONE;
    }
    amqpc_value descriptor;
    amqpc_value list;
    if (amqpci_described_parts(value, &descriptor, &list) != AMQPC_OK ||
        list.type != AMQPC_TYPE_LIST) {
        return AMQPC_COMPOSITE_NONE;
    }
    uint32_t type = amqpci_descriptor_type(&descriptor);
    return amqpc_composite_info_get(type) != NULL ? type : AMQPC_COMPOSITE_NONE;
}
