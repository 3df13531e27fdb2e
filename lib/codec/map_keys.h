/* Duplicate keys in maps (AMQP 1.6.23: "a map in which there exist two identical key values is
 * invalid"). */
#ifndef AMQPCI_CODEC_MAP_KEYS_H
#define AMQPCI_CODEC_MAP_KEYS_H

#include <stdint.h>

/* Finds a key that is the same, in type and value, as an earlier one of the map.
 *
 * content, end  the entries of a map that is otherwise valid
 * count         keys and values
 *
 * Returns the second key's first byte, or NULL where all keys differ. The entries are walked over
 * once for maps of up to 32 keys, and once per 1,024 keys for larger ones. Keys are compared only
 * where their hashes agree: each with 32 others at most, or with the logarithm of 1,024 a walk,
 * whatever the keys are. */
const uint8_t *amqpci_find_duplicate_key(const uint8_t *content, const uint8_t *end,
                                         uint32_t count);

#endif
