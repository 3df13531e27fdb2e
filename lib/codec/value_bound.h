/* How many bytes a value takes at most. */
#ifndef AMQPCI_CODEC_VALUE_BOUND_H
#define AMQPCI_CODEC_VALUE_BOUND_H

#include <amqpcodec/value.h>

/* An upper bound of the size of the value's encoding, whatever its format codes; SIZE_MAX where
 * it overflows, or where the value is nested deeper than AMQPC_DEPTH_MAX. */
size_t amqpci_value_bound(const amqpc_value *value);

/* left + right, or SIZE_MAX. */
static inline size_t amqpci_bound_add(size_t left, size_t right)
{
    return right > SIZE_MAX - left ? SIZE_MAX : left + right;
}

#endif
