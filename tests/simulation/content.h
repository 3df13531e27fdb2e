/* What the messages of a simulation hold: bytes that follow from the message's number, so that
 * every piece of every message can be checked by itself. */
#ifndef TESTS_SIMULATION_CONTENT_H
#define TESTS_SIMULATION_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first bytes of a message tell its number, where it has so many. */
enum { CONTENT_NUMBER_SIZE = 8 };

/* Writes the bytes from `offset` on of the message with this number. */
void content_write(uint64_t number, size_t offset, void *data, size_t size);

/* Whether these are the bytes from `offset` on of the message with this number. */
bool content_is(uint64_t number, size_t offset, const void *data, size_t size);

/* The number of a message, from its first CONTENT_NUMBER_SIZE bytes. */
uint64_t content_number(const void *data);

#endif
