/* Whether bytes are UTF-8 (strings, AMQP 1.6.20) or ASCII (symbols, AMQP 1.6.21). */
#ifndef AMQPCI_CODEC_TEXT_H
#define AMQPCI_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/byte_order.h"

/* The offset of the first byte that is not part of a well-formed UTF-8 sequence (RFC 3629), or
 * size. */
size_t amqpci_utf8_span(const uint8_t *text, size_t size);

/* The offset of the first byte above 0x7f, or size. */
size_t amqpci_ascii_span(const uint8_t *text, size_t size);

/* Whether all of more than 32 bytes are ASCII. */
bool amqpci_ascii_long(const uint8_t *text, size_t size);

/* Whether all bytes are ASCII: few overlapping loads for short texts, which almost all are. */
AMQPCI_INLINE bool amqpci_is_ascii(const uint8_t *text, size_t size)
{
    const uint64_t high = 0x8080808080808080u;
    if (size >= 8) {
        if (size > 32) {
            return amqpci_ascii_long(text, size);
        }
        uint64_t bits = amqpci_raw64(text) | amqpci_raw64(text + size - 8);
        if (size > 16) {
            bits |= amqpci_raw64(text + 8) | amqpci_raw64(text + size - 16);
        }
        return (bits & high) == 0;
    }
    if (size >= 4) {
        return ((amqpci_raw32(text) | amqpci_raw32(text + size - 4)) & 0x80808080u) == 0;
    }
    return size == 0 || ((text[0] | text[size / 2] | text[size - 1]) & 0x80) == 0;
}

AMQPCI_INLINE bool amqpci_is_utf8(const uint8_t *text, size_t size)
{
    return AMQPCI_LIKELY(amqpci_is_ascii(text, size)) || amqpci_utf8_span(text, size) == size;
}

#endif
