/* Hexadecimal text to bytes, in pieces of any size. */
#ifndef AMQPCODEC_TOOLS_HEX_H
#define AMQPCODEC_TOOLS_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a text stands. Two digits make a byte; white space, `0x` and comments from # to the end of
 * the line are passed over.
 *
 * line, column  of the next character, from 1
 * digit         the first digit of a byte, or -1
 * after_zero    the last character was that digit, and a zero: an x makes it a prefix */
typedef struct hex_decoder {
    uint64_t line;
    uint64_t column;
    int digit;
    bool after_zero;
    bool in_comment;
} hex_decoder;

void hex_start(hex_decoder *hex);

/* Decodes as much as can be.
 *
 * bytes   room for size / 2 + 1 bytes
 * taken   characters used; fewer than `size` where the next one may not stand there, to which line
 * and column then point
 *
 * Returns how many bytes were written. */
size_t hex_decode(hex_decoder *hex, const uint8_t *text, size_t size, uint8_t *bytes,
                  size_t *taken);

/* Whether a text may end here, and not in the middle of a byte. */
bool hex_may_end(const hex_decoder *hex);

#endif
