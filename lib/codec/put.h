/* Putting plain values where there is known to be room: the innermost part of every encoder
 * (AMQP 1.6).
 *
 * Each function gives the place behind what it put. Those that put bytes of any number check the
 * room themselves, and give NULL for what is not plain: no room, more than 255 bytes, text that is
 * not ASCII. The general code of store.h then judges. */
#ifndef AMQPCI_CODEC_PUT_H
#define AMQPCI_CODEC_PUT_H

#include <amqpcodec/value.h>

#include "base/byte_order.h"
#include "codec/text.h"

enum { AMQPCI_NUMBER_MAX = 9 }; /* the longest encoding of a number: a constructor and 8 bytes */

/* A constructor and `size` bytes of the number: 1, 2, 4 or 8. */
AMQPCI_INLINE uint8_t *amqpci_put_number(uint8_t *to, uint8_t code, uint64_t bits, unsigned size)
{
    to[0] = code;
    switch (size) {
    case 1:
        to[1] = (uint8_t)bits;
        break;
    case 2:
        amqpci_store16(to + 1, (uint16_t)bits);
        break;
    case 4:
        amqpci_store32(to + 1, (uint32_t)bits);
        break;
    default:
        amqpci_store64(to + 1, bits);
        break;
    }
    return to + 1 + size;
}

AMQPCI_INLINE uint8_t *amqpci_put_null(uint8_t *to)
{
    *to = AMQPC_CODE_NULL;
    return to + 1;
}

AMQPCI_INLINE uint8_t *amqpci_put_boolean(uint8_t *to, bool value)
{
    *to = value ? AMQPC_CODE_TRUE : AMQPC_CODE_FALSE;
    return to + 1;
}

AMQPCI_INLINE uint8_t *amqpci_put_uint(uint8_t *to, uint32_t value)
{
    if (value > UINT8_MAX) {
        return amqpci_put_number(to, AMQPC_CODE_UINT, value, 4);
    }
    *to = AMQPC_CODE_UINT0;
    return value == 0 ? to + 1 : amqpci_put_number(to, AMQPC_CODE_SMALLUINT, value, 1);
}

AMQPCI_INLINE uint8_t *amqpci_put_ulong(uint8_t *to, uint64_t value)
{
    if (value > UINT8_MAX) {
        return amqpci_put_number(to, AMQPC_CODE_ULONG, value, 8);
    }
    *to = AMQPC_CODE_ULONG0;
    return value == 0 ? to + 1 : amqpci_put_number(to, AMQPC_CODE_SMALLULONG, value, 1);
}

AMQPCI_INLINE uint8_t *amqpci_put_timestamp(uint8_t *to, int64_t value)
{
    return amqpci_put_number(to, AMQPC_CODE_TIMESTAMP, (uint64_t)value, 8);
}

AMQPCI_INLINE uint8_t *amqpci_put_binary(uint8_t *to, const uint8_t *end, uint8_t code8,
                                         amqpc_bytes value)
{
    if (AMQPCI_UNLIKELY(value.size > UINT8_MAX || (ptrdiff_t)value.size + 2 > end - to)) {
        return NULL;
    }
    to[0] = code8;
    to[1] = (uint8_t)value.size;
    amqpci_copy(to + 2, (const uint8_t *)value.data, value.size);
    return to + 2 + value.size;
}

/* A string or a symbol. */
AMQPCI_INLINE uint8_t *amqpci_put_text(uint8_t *to, const uint8_t *end, uint8_t code8,
                                       amqpc_bytes value)
{
    if (AMQPCI_UNLIKELY(value.size > UINT8_MAX ||
                        !amqpci_is_ascii((const uint8_t *)value.data, value.size))) {
        return NULL;
    }
    return amqpci_put_binary(to, end, code8, value);
}

#endif
