/* Numbers in network byte order (AMQP 1.6), loaded and stored without regard to alignment. */
#ifndef AMQPCI_BASE_BYTE_ORDER_H
#define AMQPCI_BASE_BYTE_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define AMQPCI_NETWORK16(x) __builtin_bswap16(x)
#define AMQPCI_NETWORK32(x) __builtin_bswap32(x)
#define AMQPCI_NETWORK64(x) __builtin_bswap64(x)
#else
#define AMQPCI_NETWORK16(x) (x)
#define AMQPCI_NETWORK32(x) (x)
#define AMQPCI_NETWORK64(x) (x)
#endif

AMQPCI_INLINE uint16_t amqpci_load16(const uint8_t *from)
{
    uint16_t raw;
    memcpy(&raw, from, sizeof raw);
    return AMQPCI_NETWORK16(raw);
}

AMQPCI_INLINE uint32_t amqpci_load32(const uint8_t *from)
{
    uint32_t raw;
    memcpy(&raw, from, sizeof raw);
    return AMQPCI_NETWORK32(raw);
}

AMQPCI_INLINE uint64_t amqpci_load64(const uint8_t *from)
{
    uint64_t raw;
    memcpy(&raw, from, sizeof raw);
    return AMQPCI_NETWORK64(raw);
}

AMQPCI_INLINE void amqpci_store16(uint8_t *to, uint16_t value)
{
    uint16_t raw = AMQPCI_NETWORK16(value);
    memcpy(to, &raw, sizeof raw);
}

AMQPCI_INLINE void amqpci_store32(uint8_t *to, uint32_t value)
{
    uint32_t raw = AMQPCI_NETWORK32(value);
    memcpy(to, &raw, sizeof raw);
}

AMQPCI_INLINE void amqpci_store64(uint8_t *to, uint64_t value)
{
    uint64_t raw = AMQPCI_NETWORK64(value);
    memcpy(to, &raw, sizeof raw);
}

/* The bytes as they lie, for tests on all of them at once; not a number. */
AMQPCI_INLINE uint32_t amqpci_raw32(const uint8_t *from)
{
    uint32_t raw;
    memcpy(&raw, from, sizeof raw);
    return raw;
}

AMQPCI_INLINE uint64_t amqpci_raw64(const uint8_t *from)
{
    uint64_t raw;
    memcpy(&raw, from, sizeof raw);
    return raw;
}

/* What keeps the first `size` bytes, fewer than 8, of amqpci_raw64. */
AMQPCI_INLINE uint64_t amqpci_first_bytes_mask(size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return ((uint64_t)1 << (8 * size)) - 1;
#else
    return ~(UINT64_MAX >> (8 * size));
#endif
}

/* memcpy of a size that is mostly small, without a call where it is: two overlapping copies of a
 * fixed size. */
AMQPCI_INLINE void amqpci_copy(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        uint8_t head[16];
        uint8_t tail[16];
        memcpy(head, from, 16);
        memcpy(tail, from + size - 16, 16);
        memcpy(to, head, 16);
        memcpy(to + size - 16, tail, 16);
    } else if (size >= 8) {
        uint64_t head = amqpci_raw64(from);
        uint64_t tail = amqpci_raw64(from + size - 8);
        memcpy(to, &head, 8);
        memcpy(to + size - 8, &tail, 8);
    } else if (size >= 4) {
        uint32_t head = amqpci_raw32(from);
        uint32_t tail = amqpci_raw32(from + size - 4);
        memcpy(to, &head, 4);
        memcpy(to + size - 4, &tail, 4);
    } else if (size > 0) {
        uint8_t last = from[size - 1];
        uint8_t middle = from[size / 2];
        to[0] = from[0];
        to[size / 2] = middle;
        to[size - 1] = last;
    }
}

#endif
