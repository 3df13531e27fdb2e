/* An allocator that knows how many bytes are out. */
#ifndef TESTS_SUPPORT_COUNTING_ALLOCATOR_H
#define TESTS_SUPPORT_COUNTING_ALLOCATOR_H

#include <amqpcodec/allocator.h>

/* By one thread at a time. */
typedef struct counting_allocator {
    amqpc_allocator allocator; /* hand this to the code under test */
    size_t size;               /* bytes that were not released */
    size_t blocks;
    size_t allocations; /* so far */
} counting_allocator;

void counting_allocator_init(counting_allocator *counting);

#endif
