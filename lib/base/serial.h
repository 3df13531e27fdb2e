/* Serial numbers of 32 bits (RFC 1982), which delivery-ids, transfer-ids and delivery-counts are
 * (AMQP 2.8.10).
 *
 * All wrap-around of the library is here. */
#ifndef AMQPCI_BASE_SERIAL_H
#define AMQPCI_BASE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define AMQPCI_WRAPS                                                                               \
    __attribute__((no_sanitize("unsigned-integer-overflow", "implicit-conversion")))
#else
#define AMQPCI_WRAPS
#endif

/* serial + count, which wraps. count is below 2^31 where the result is compared with serial (RFC
 * 1982 3.1). */
AMQPCI_WRAPS static inline uint32_t amqpci_serial_add(uint32_t serial, uint32_t count)
{
    return serial + count;
}

/* How far `to` is ahead of `from`; negative where it is behind. Where the two are 2^31 apart,
 * which RFC 1982 leaves open, INT32_MIN. */
AMQPCI_WRAPS static inline int32_t amqpci_serial_distance(uint32_t from, uint32_t to)
{
    uint32_t difference = to - from;
    return difference <= INT32_MAX ? (int32_t)difference : -(int32_t)(UINT32_MAX - difference) - 1;
}

/* left comes before right (RFC 1982 3.2). */
static inline bool amqpci_serial_before(uint32_t left, uint32_t right)
{
    return amqpci_serial_distance(left, right) > 0;
}

#endif
