/* All chance of a simulation: splitmix64. */
#include "simulation/random.h"

#include <string.h>

random_source random_source_make(uint64_t seed, uint64_t purpose)
{
    return (random_source){random_mix(seed ^ random_mix(purpose))};
}

uint64_t random_mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15u;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
    return number ^ (number >> 31);
}

uint64_t random_next(random_source *source)
{
    uint64_t number = random_mix(source->state);
    source->state += 0x9e3779b97f4a7c15u;
    return number;
}

uint32_t random_below(random_source *source, uint32_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(((random_next(source) >> 32) * limit) >> 32);
}

uint32_t random_between(random_source *source, uint32_t first, uint32_t last)
{
    return first + random_below(source, last - first + 1);
}

bool random_chance(random_source *source, uint32_t per_mille)
{
    return random_below(source, 1000) < per_mille;
}

void random_bytes(random_source *source, void *data, size_t size)
{
    uint8_t *bytes = (uint8_t *)data;
    while (size > 0) {
        uint64_t number = random_next(source);
        size_t part = size < sizeof number ? size : sizeof number;
        memcpy(bytes, &number, part);
        bytes += part;
        size -= part;
    }
}
