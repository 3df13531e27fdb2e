/* Where the application of a fuzz target takes its decisions from: bytes of the input, and after
 * them, where there is a seed, a sequence of numbers. */
#ifndef TESTS_FUZZ_CHOICES_H
#define TESTS_FUZZ_CHOICES_H

#include "fuzz.h"

typedef struct choices {
    const uint8_t *at;
    size_t left;
    uint64_t state; /* 0: zeros behind the bytes */
} choices;

/* The next decision: 0 to 255. */
uint8_t choose_byte(choices *from);

/* 0 to count - 1; count: 1 to 65,536. */
uint32_t choose(choices *from, uint32_t count);

/* True once in so many. */
bool choose_rarely(choices *from, uint32_t count);

/* A number of 32 bits that is mostly small, or at the edge of a range. */
uint32_t choose_number(choices *from);

/* Bytes that hold until the program ends, mostly few. */
amqpc_bytes choose_bytes(choices *from, size_t size_max);

#endif
