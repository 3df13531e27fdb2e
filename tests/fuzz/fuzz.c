/* What the fuzz targets share. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFERS = 4 };

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

const amqpc_limits *fuzz_small_limits(void)
{
    static amqpc_limits limits;
    if (limits.struct_size == 0) {
        amqpc_limits_init(&limits, sizeof limits);
        limits.depth = 3;
        limits.compound_elements = 14; /* as many as attach has fields */
        limits.performative_values = 12;
        limits.zero_width_elements = 3;
        limits.frame_size = 512;
        limits.initial_frame_size = 512;
        limits.channels = 4;
    }
    return &limits;
}

const amqpc_limits *fuzz_deep_limits(void)
{
    static amqpc_limits limits;
    if (limits.struct_size == 0) {
        amqpc_limits_init(&limits, sizeof limits);
        limits.depth = AMQPC_DEPTH_MAX;
        limits.zero_width_elements = 65536;
        limits.channels = UINT16_MAX + 1;
    }
    return &limits;
}

void *fuzz_allocate(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);
    FUZZ_CHECK(memory != NULL);
    return memory;
}

amqpc_buffer *fuzz_buffer(unsigned index)
{
    static amqpc_buffer *buffers[BUFFERS];
    FUZZ_CHECK(index < BUFFERS);
    if (buffers[index] == NULL) {
        FUZZ_CHECK(amqpc_buffer_new(NULL, SIZE_MAX, &buffers[index]) == AMQPC_OK);
    }
    amqpc_buffer_truncate(buffers[index], 0);
    return buffers[index];
}

bool fuzz_same_bytes(const amqpc_buffer *left, const amqpc_buffer *right)
{
    size_t size = amqpc_buffer_size(left);
    return size == amqpc_buffer_size(right) &&
           (size == 0 || memcmp(amqpc_buffer_data(left), amqpc_buffer_data(right), size) == 0);
}

amqpc_writer *fuzz_writer(void)
{
    static amqpc_writer *writer;
    if (writer == NULL) {
        FUZZ_CHECK(amqpc_writer_new(NULL, &writer) == AMQPC_OK);
    }
    return writer;
}

uint64_t fuzz_hash(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3u;
    }
    return hash;
}

uint64_t fuzz_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
