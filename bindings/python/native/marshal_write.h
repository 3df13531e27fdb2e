/* Writing the format of Python's marshal, in its version 2 with the references of version 3.
 *
 * What stands for what:
 *
 *     null, booleans, integers, double   None, False and True, int, float (a float too, unless
 *                                        typed)
 *     string, binary, list, map          str, bytes, list, dict
 *     types of AMQP alone                a mark: a tuple (amqpc_type, payload). It cannot be
 * mistaken for a value, since lists become lists. symbol, char                   str; int, the code
 * point timestamp                      int, milliseconds uuid, decimals                 bytes, in
 * network order integers, float                int, float: in typed mode only array
 * (AMQPC_TYPE_ARRAY, amqpc_type of the elements, list); its scalars have no marks of their own
 *         described                      (AMQPC_TYPE_DESCRIBED, descriptor, value)
 *         map that may not fit a dict    (AMQPC_TYPE_MAP, [key, value, key, value ...])
 *
 * A string that came before is written as a reference to the first. Codes that make strings
 * immortal (marshal's interned ones) are never used: the peer would decide how much memory is lost.
 */
#ifndef AMQPCODEC_MARSHAL_WRITE_H
#define AMQPCODEC_MARSHAL_WRITE_H

#include <string.h>

#include "output.h"

enum {
    MARSHAL_NONE = 'N',
    MARSHAL_TRUE = 'T',
    MARSHAL_FALSE = 'F',
    MARSHAL_INT = 'i',
    MARSHAL_LONG = 'l',
    MARSHAL_FLOAT = 'g',
    MARSHAL_BYTES = 's',
    MARSHAL_TEXT = 'u',
    MARSHAL_ASCII = 'a',
    MARSHAL_SHORT_ASCII = 'z',
    MARSHAL_LIST = '[',
    MARSHAL_TUPLE = ')',
    MARSHAL_DICT = '{',
    MARSHAL_DICT_END = '0',
    MARSHAL_REFERENCE = 'r',
    MARSHAL_REFERABLE = 0x80, /* with the code of an object: later ones may refer to it */

    MARSHAL_DIGIT_BITS = 15, /* of a long integer */
    SCALAR_SIZE_MAX = 64     /* no scalar of fixed width, its mark included, takes more */
};

/* All of these write at `to`, where there is room, and return the place behind. */

static inline uint8_t *put_byte(uint8_t *to, unsigned byte)
{
    *to = (uint8_t)byte;
    return to + 1;
}

static inline uint8_t *put_u32(uint8_t *to, uint32_t bits)
{
    to[0] = (uint8_t)bits;
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)(bits >> 16);
    to[3] = (uint8_t)(bits >> 24);
    return to + 4;
}

static inline uint8_t *put_u64(uint8_t *to, uint64_t bits)
{
    to = put_u32(to, (uint32_t)bits);
    return put_u32(to, (uint32_t)(bits >> 32));
}

static inline uint8_t *put_code_u32(uint8_t *to, unsigned code, uint32_t bits)
{
    return put_u32(put_byte(to, code), bits);
}

static inline uint8_t *put_boolean(uint8_t *to, bool value)
{
    return put_byte(to, value ? MARSHAL_TRUE : MARSHAL_FALSE);
}

/* Beyond 32 bits: the number of digits, negative where the integer is, and the digits, the lowest
 * first. */
static inline uint8_t *put_digits(uint8_t *to, uint64_t magnitude, bool negative)
{
    uint8_t *count_at = put_byte(to, MARSHAL_LONG);
    to = count_at + 4;
    uint32_t count = 0;
    while (magnitude != 0) {
        to = put_byte(to, magnitude & 0xff);
        to = put_byte(to, magnitude >> 8 & 0x7f);
        magnitude >>= MARSHAL_DIGIT_BITS;
        count++;
    }
    put_u32(count_at, negative ? 0 - count : count);
    return to;
}

static inline uint8_t *put_signed(uint8_t *to, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX) {
        return put_code_u32(to, MARSHAL_INT, (uint32_t)value);
    }
    return put_digits(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

static inline uint8_t *put_unsigned(uint8_t *to, uint64_t value)
{
    if (value <= INT32_MAX) {
        return put_code_u32(to, MARSHAL_INT, (uint32_t)value);
    }
    return put_digits(to, value, false);
}

/* By the bits of a double. */
static inline uint8_t *put_double(uint8_t *to, uint64_t bits)
{
    return put_u64(put_byte(to, MARSHAL_FLOAT), bits);
}

static inline uint8_t *put_bytes(uint8_t *to, const void *data, size_t size)
{
    to = put_code_u32(to, MARSHAL_BYTES, (uint32_t)size);
    if (size != 0) {
        memcpy(to, data, size);
    }
    return to + size;
}

static inline uint8_t *put_list(uint8_t *to, uint32_t count)
{
    return put_code_u32(to, MARSHAL_LIST, count);
}

static inline uint8_t *put_tuple(uint8_t *to, unsigned count)
{
    return put_byte(put_byte(to, MARSHAL_TUPLE), count);
}

/* The beginning of a mark of `count` items, of which the first is the type. */
static inline uint8_t *put_mark(uint8_t *to, unsigned count, unsigned type)
{
    return put_code_u32(put_tuple(to, count), MARSHAL_INT, type);
}

#endif
