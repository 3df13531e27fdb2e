/* The hash by which map keys are told apart before they are compared. */
#ifndef AMQPCI_CODEC_KEY_HASH_H
#define AMQPCI_CODEC_KEY_HASH_H

#include <stddef.h>

#include "base/byte_order.h"

enum { AMQPCI_KEY_TABLE_BITS = 6, AMQPCI_KEY_TABLE_SIZE = 1 << AMQPCI_KEY_TABLE_BITS };

/* Never 0, which stands for an empty slot. */
AMQPCI_INLINE uint32_t amqpci_key_hash_mix(uint64_t low, uint64_t high, uint64_t seed)
{
    uint64_t bits = (low ^ (high << 32 | high >> 32) ^ seed << 48) * 0xd6e8feb86659fd93u;
    return (uint32_t)(bits >> 32) | 1;
}

/* The first `size` bytes, fewer than 8, of which `readable` lie in memory that may be read, in the
 * order of memory and padded with zeros. */
AMQPCI_INLINE uint64_t amqpci_short_text(const uint8_t *text, size_t size, size_t readable)
{
    if (AMQPCI_LIKELY(readable >= 8)) {
        return amqpci_raw64(text) & amqpci_first_bytes_mask(size);
    }
    uint8_t padded[8] = {0};
    for (size_t i = 0; i < size; i++) {
        padded[i] = text[i];
    }
    return amqpci_raw64(padded);
}

/* Of a text, by its size and up to 16 of its bytes. */
AMQPCI_INLINE uint32_t amqpci_key_hash_text(const uint8_t *text, size_t size, size_t readable,
                                            unsigned type)
{
    uint64_t low = size < 8 ? amqpci_short_text(text, size, readable) : amqpci_raw64(text);
    uint64_t high = size < 8 ? 0 : amqpci_raw64(text + size - 8);
    return amqpci_key_hash_mix(low, high, size << 8 | type);
}

/* The slot of a hash in a table of AMQPCI_KEY_TABLE_SIZE. */
AMQPCI_INLINE uint32_t amqpci_key_slot(uint32_t hash)
{
    return hash >> (32 - AMQPCI_KEY_TABLE_BITS);
}

#endif
