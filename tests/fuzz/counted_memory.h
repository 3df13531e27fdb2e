/* Memory of the engines that a fuzz target runs: counted, and once, on demand, refused. */
#ifndef TESTS_FUZZ_COUNTED_MEMORY_H
#define TESTS_FUZZ_COUNTED_MEMORY_H

#include "fuzz.h"

/* allocator    hand this to the code under test
 * fail_in      so many allocations from now one fails, and those behind it do not; 0 for none
 * failures     so far
 * allocations  so far
 * total_size   bytes of all of them
 * size         bytes that are out
 * size_max     most that ever were */
typedef struct counted_memory {
    amqpc_allocator allocator;
    uint64_t fail_in;
    uint64_t failures;
    uint64_t allocations;
    uint64_t total_size;
    size_t blocks;
    size_t size;
    size_t size_max;
} counted_memory;

void counted_memory_init(counted_memory *memory, uint64_t fail_in);

#endif
