/* What the messages of a simulation hold. */
#include "simulation/content.h"

#include <string.h>

#include "simulation/random.h"

/* Eight bytes: the number itself first, then what follows from it. */
static uint64_t word(uint64_t number, uint64_t index)
{
    return index == 0 ? number : random_mix(number * 0x10001u + index);
}

static uint8_t byte_at(uint64_t number, size_t offset)
{
    return (uint8_t)(word(number, offset / 8) >> (8 * (offset % 8)));
}

void content_write(uint64_t number, size_t offset, void *data, size_t size)
{
    uint8_t *bytes = (uint8_t *)data;
    size_t i = 0;
    for (; i < size && (offset + i) % 8 != 0; i++) {
        bytes[i] = byte_at(number, offset + i);
    }
    for (; size - i >= 8; i += 8) {
        uint64_t eight = word(number, (offset + i) / 8);
        for (unsigned j = 0; j < 8; j++) {
            bytes[i + j] = (uint8_t)(eight >> (8 * j));
        }
    }
    for (; i < size; i++) {
        bytes[i] = byte_at(number, offset + i);
    }
}

bool content_is(uint64_t number, size_t offset, const void *data, size_t size)
{
    uint8_t expected[256];
    const uint8_t *bytes = (const uint8_t *)data;
    for (size_t done = 0; done < size;) {
        size_t part = size - done < sizeof expected ? size - done : sizeof expected;
        content_write(number, offset + done, expected, part);
        if (memcmp(bytes + done, expected, part) != 0) {
            return false;
        }
        done += part;
    }
    return true;
}

uint64_t content_number(const void *data)
{
    const uint8_t *bytes = (const uint8_t *)data;
    uint64_t number = 0;
    for (unsigned i = 0; i < CONTENT_NUMBER_SIZE; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}
