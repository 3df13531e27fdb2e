/* Base64 (RFC 4648 4). */
#include "engine/sasl_base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

amqpc_status amqpci_base64_encode(const amqpc_allocator *allocator, amqpc_bytes bytes,
                                  amqpci_secret *text)
{
    const uint8_t *from = (const uint8_t *)bytes.data;
    size_t groups = bytes.size / 3 + (bytes.size % 3 != 0);
    size_t size = 0;
    if (__builtin_mul_overflow(groups, (size_t)4, &size)) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = amqpci_secret_resize(allocator, text, size);
    if (status != AMQPC_OK) {
        return status;
    }
    for (size_t group = 0; group < groups; group++) {
        uint32_t bits = 0;
        size_t left = bytes.size - group * 3;
        for (size_t i = 0; i < 3; i++) {
            bits = bits << 8 | (i < left ? from[group * 3 + i] : 0u);
        }
        uint8_t *to = text->data + group * 4;
        for (size_t i = 0; i < 4; i++) {
            to[i] = (uint8_t)(i > left ? '=' : alphabet[bits >> (18 - 6 * i) & 63]);
        }
    }
    return AMQPC_OK;
}

/* The six bits that a character stands for, or -1. */
static int digit_of(uint8_t character)
{
    if (character >= 'A' && character <= 'Z') {
        return character - 'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - 'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - '0' + 52;
    }
    if (character == '+') {
        return 62;
    }
    return character == '/' ? 63 : -1;
}

amqpc_status amqpci_base64_decode(const amqpc_allocator *allocator, amqpc_bytes text,
                                  amqpci_secret *bytes)
{
    const uint8_t *from = (const uint8_t *)text.data;
    size_t padding = 0;
    while (padding < 2 && padding < text.size && from[text.size - 1 - padding] == '=') {
        padding++;
    }
    if (text.size % 4 != 0) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    amqpc_status status = amqpci_secret_resize(allocator, bytes, text.size / 4 * 3 - padding);
    if (status != AMQPC_OK) {
        return status;
    }
    uint32_t bits = 0; /* those below `bit_count` have not been stored */
    unsigned bit_count = 0;
    size_t at = 0;
    for (size_t i = 0; i < text.size - padding; i++) {
        int digit = digit_of(from[i]);
        if (digit < 0) {
            return AMQPC_SASL_BAD_CHALLENGE;
        }
        bits = (bits & 0xffu) << 6 | (uint32_t)digit;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes->data[at++] = (uint8_t)(bits >> bit_count);
        }
    }
    /* What is left over must be zero: each run of bytes has one text only. */
    return (bits & ((1u << bit_count) - 1)) == 0 ? AMQPC_OK : AMQPC_SASL_BAD_CHALLENGE;
}
