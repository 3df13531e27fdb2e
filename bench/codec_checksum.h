/* How the fields that a contender reads are added up: the same for all of them. */
#ifndef BENCH_CODEC_CHECKSUM_H
#define BENCH_CODEC_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A text whose length the API gives. */
static inline uint64_t sum_text(const void *data, size_t size)
{
    return size == 0 ? 0 : size + *(const uint8_t *)data;
}

/* A text that one API gives as a C string: no length, so that nobody pays for strlen. */
static inline uint64_t sum_first(const void *data, size_t size)
{
    return size == 0 ? 0 : *(const uint8_t *)data;
}

static inline uint64_t sum_double(double number)
{
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static inline uint64_t sum_float(float number)
{
    uint32_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* Every byte of a body. */
static inline uint64_t sum_body(const void *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    uint64_t sum = size;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, sizeof word);
        sum ^= word;
    }
    for (; i < size; i++) {
        sum ^= bytes[i];
    }
    return sum;
}

#endif
