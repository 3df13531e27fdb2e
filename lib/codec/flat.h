/* Runs of values that are not compound, which nearly all lists and maps consist of: the tight loops
 * of decoding and encoding.
 *
 * They take what is plain and valid, and stop at the first value that is anything else, which the
 * general code then judges. */
#ifndef AMQPCI_CODEC_FLAT_H
#define AMQPCI_CODEC_FLAT_H

#include "codec/cursor.h"

/* Validates values from `from` on, up to *remaining of them, which it counts down. Gives the place
 * behind the last one taken. */
const uint8_t *amqpci_skip_flat(const uint8_t *from, const uint8_t *end, uint32_t *remaining);

/* Takes the map at the cursor, if it has at most AMQPCI_FLAT_KEYS keys, which are short texts of
 * the given types and all differ. Its values may be of any type. Gives false, with the cursor as
 * before, for any other map, valid or not. */
enum { AMQPCI_FLAT_KEYS = 32 };
bool amqpci_take_flat_map(amqpci_cursor *cursor, uint32_t key_types, amqpc_value *map);

/* Stores values from `items` on in the smallest form, up to *remaining of them, which it counts
 * down. Gives the place behind the last byte stored. */
uint8_t *amqpci_store_flat(uint8_t *to, const uint8_t *end, const amqpc_value *items,
                           uint32_t *remaining);

#endif
