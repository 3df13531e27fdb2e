/* All chance of a simulation, from one 64-bit seed. */
#ifndef TESTS_SIMULATION_RANDOM_H
#define TESTS_SIMULATION_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct random_source {
    uint64_t state;
} random_source;

/* A source of its own: the same seed and purpose give the same numbers, whatever others draw. */
random_source random_source_make(uint64_t seed, uint64_t purpose);

/* One step of splitmix64: mixes a number well. */
uint64_t random_mix(uint64_t number);

uint64_t random_next(random_source *source);

/* From 0 to limit - 1; 0 for the limit 0. */
uint32_t random_below(random_source *source, uint32_t limit);

/* From first to last, both included. */
uint32_t random_between(random_source *source, uint32_t first, uint32_t last);

/* True in so many of a thousand cases. */
bool random_chance(random_source *source, uint32_t per_mille);

void random_bytes(random_source *source, void *data, size_t size);

#endif
