/* The hand-written bound: what AMQP 1.0 costs when nothing is general.
 *
 * It knows the fields of the benchmarks' messages and no others, allocates nothing, and says only
 * yes or no. It is no straw man: it stays within bounds, takes every encoding of each field, and
 * checks UTF-8. Bytes, and cursors over them. */
#ifndef BENCH_BOUND_BYTES_H
#define BENCH_BOUND_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The whole codec calls: no inlining, so that what the caller happens to fill in is not folded into
 * them. */
#if defined(__GNUC__) && !defined(__clang__)
#define BOUND_CALL static __attribute__((noipa, unused))
#else
#define BOUND_CALL static __attribute__((noinline, unused))
#endif

typedef struct bound_text {
    const uint8_t *data; /* NULL for null */
    uint32_t size;
} bound_text;

typedef struct bound_cursor {
    const uint8_t *position;
    const uint8_t *end;
} bound_cursor;

static inline size_t bound_remaining(const bound_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->position);
}

static inline uint16_t bound_load16(const uint8_t *from)
{
    uint16_t bits = 0;
    memcpy(&bits, from, sizeof bits);
    return __builtin_bswap16(bits);
}

static inline uint32_t bound_load32(const uint8_t *from)
{
    uint32_t bits = 0;
    memcpy(&bits, from, sizeof bits);
    return __builtin_bswap32(bits);
}

static inline uint64_t bound_load64(const uint8_t *from)
{
    uint64_t bits = 0;
    memcpy(&bits, from, sizeof bits);
    return __builtin_bswap64(bits);
}

static inline uint8_t *bound_store16(uint8_t *to, uint16_t number)
{
    uint16_t bits = __builtin_bswap16(number);
    memcpy(to, &bits, sizeof bits);
    return to + sizeof bits;
}

static inline uint8_t *bound_store32(uint8_t *to, uint32_t number)
{
    uint32_t bits = __builtin_bswap32(number);
    memcpy(to, &bits, sizeof bits);
    return to + sizeof bits;
}

static inline uint8_t *bound_store64(uint8_t *to, uint64_t number)
{
    uint64_t bits = __builtin_bswap64(number);
    memcpy(to, &bits, sizeof bits);
    return to + sizeof bits;
}

/* How many bytes follow the lead byte of a UTF-8 sequence; -1 for a byte that leads none. */
static inline int bound_utf8_tail(uint8_t lead)
{
    if (lead >= 0xf0) {
        return lead <= 0xf4 ? 3 : -1;
    }
    if (lead >= 0xe0) {
        return 2;
    }
    return lead >= 0xc2 ? 1 : -1;
}

/* Overlong forms, surrogates, and code points beyond 0x10ffff (RFC 3629): seen in the second byte.
 */
static inline bool bound_utf8_second(uint8_t lead, uint8_t second)
{
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

/* From the first byte on that is not ASCII. */
BOUND_CALL bool bound_is_utf8_tail(const uint8_t *text, uint32_t size, uint32_t i)
{
    while (i < size) {
        uint8_t lead = text[i++];
        if (lead < 0x80) {
            continue;
        }
        int tail = bound_utf8_tail(lead);
        if (tail < 0 || (uint32_t)tail > size - i || !bound_utf8_second(lead, text[i])) {
            return false;
        }
        for (int j = 1; j < tail; j++) {
            if ((text[i + (uint32_t)j] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += (uint32_t)tail;
    }
    return true;
}

/* Eight ASCII bytes at a time, then byte by byte. */
static inline bool bound_is_utf8(const uint8_t *text, uint32_t size)
{
    uint32_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, text + i, sizeof word);
        if ((word & 0x8080808080808080u) != 0) {
            return bound_is_utf8_tail(text, size, i);
        }
    }
    for (; i < size; i++) {
        if (text[i] >= 0x80) {
            return bound_is_utf8_tail(text, size, i);
        }
    }
    return true;
}

#endif
