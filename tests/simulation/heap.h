/* The memory of one end: counted, and failing where the faults say so. */
#ifndef TESTS_SIMULATION_HEAP_H
#define TESTS_SIMULATION_HEAP_H

#include <amqpcodec/allocator.h>

typedef struct heap {
    amqpc_allocator allocator; /* hand this to the engine */
    size_t live_blocks;
    size_t live_bytes;
    size_t peak_bytes;
    uint64_t allocations;
    uint32_t fail_in; /* the allocation that fails, counted from 1; 0 for none */
    uint64_t failed;
} heap;

void heap_init(heap *memory);

#endif
