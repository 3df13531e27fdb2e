/* Making an amqpc_value from a format code and the content behind it; shared by all that hand out
 * values. */
#ifndef AMQPCI_CODEC_CONTENT_H
#define AMQPCI_CODEC_CONTENT_H

#include "codec/cursor.h"

AMQPCI_INLINE void amqpci_set_value(amqpc_value *value, uint8_t type, uint8_t code, uint32_t count)
{
    value->type = type;
    value->code = code;
    value->form = AMQPC_FORM_ENCODED;
    value->reserved = 0;
    value->count = count;
}

/* A value of variable size. Gives the byte behind it, or NULL where it does not fit. */
AMQPCI_INLINE const uint8_t *amqpci_read_variable(uint8_t type, uint8_t code,
                                                  const uint8_t *content, const uint8_t *end,
                                                  amqpc_value *value)
{
    size_t remaining = (size_t)(end - content);
    size_t size = 0;
    if (AMQPCI_LIKELY((code & 0x10) == 0)) {
        if (AMQPCI_UNLIKELY(remaining < 1 || content[0] > remaining - 1)) {
            return NULL;
        }
        size = content[0];
        content += 1;
    } else {
        if (AMQPCI_UNLIKELY(remaining < 4 || amqpci_load32(content) > remaining - 4)) {
            return NULL;
        }
        size = amqpci_load32(content);
        content += 4;
    }
    amqpci_set_value(value, type, code, 0);
    value->as.bytes.data = content;
    value->as.bytes.size = size;
    return content + size;
}

/* A value of fixed size whose constructor is `code`; its bytes are there. */
AMQPCI_INLINE void amqpci_read_fixed(uint8_t code, const uint8_t *content, amqpc_value *value)
{
    amqpci_set_value(value, amqpci_code_infos[code].type, code, 0);
    value->as.u64 = 0;
    switch (code) {
    case AMQPC_CODE_TRUE:
        value->as.boolean = true;
        break;
    case AMQPC_CODE_BOOLEAN:
        value->as.boolean = content[0] != 0;
        break;
    case AMQPC_CODE_UBYTE:
    case AMQPC_CODE_SMALLUINT:
    case AMQPC_CODE_SMALLULONG:
        value->as.u64 = content[0];
        break;
    case AMQPC_CODE_BYTE:
    case AMQPC_CODE_SMALLINT:
    case AMQPC_CODE_SMALLLONG:
        value->as.i64 = (int8_t)content[0];
        break;
    case AMQPC_CODE_USHORT:
        value->as.u64 = amqpci_load16(content);
        break;
    case AMQPC_CODE_SHORT:
        value->as.i64 = (int16_t)amqpci_load16(content);
        break;
    case AMQPC_CODE_UINT:
    case AMQPC_CODE_CHAR:
    case AMQPC_CODE_DECIMAL32:
        value->as.u64 = amqpci_load32(content);
        break;
    case AMQPC_CODE_INT:
        value->as.i64 = (int32_t)amqpci_load32(content);
        break;
    case AMQPC_CODE_FLOAT: {
        uint32_t bits = amqpci_load32(content);
        memcpy(&value->as.f32, &bits, sizeof bits);
        break;
    }
    case AMQPC_CODE_ULONG:
    case AMQPC_CODE_LONG:
    case AMQPC_CODE_DOUBLE:
    case AMQPC_CODE_TIMESTAMP:
    case AMQPC_CODE_DECIMAL64:
        /* All of the union's members of 64 bits lie alike. */
        value->as.u64 = amqpci_load64(content);
        break;
    case AMQPC_CODE_DECIMAL128:
    case AMQPC_CODE_UUID:
        memcpy(value->as.octets, content, 16);
        break;
    default: /* null, false, uint0, ulong0, list0 */
        break;
    }
}

/* A value with constructor `code` (not described) and content from `content` on, within `end`.
 * Gives the byte behind it, or NULL where it does not fit. Texts and elements are not validated. */
const uint8_t *amqpci_read_content(uint8_t code, const uint8_t *content, const uint8_t *end,
                                   amqpc_value *value);

/* The value at `from`, which was validated as part of something larger. Gives the byte behind it;
 * NULL, within bounds, where it was not. */
const uint8_t *amqpci_read_value(const uint8_t *from, const uint8_t *end, amqpc_value *value);

#endif
