/* The counter of the library that is preloaded to count calls of malloc and its like. */
#ifndef BENCH_COUNT_MALLOCS_H
#define BENCH_COUNT_MALLOCS_H

#include <stddef.h>
#include <stdint.h>

/* Calls of malloc, calloc, realloc, memalign and aligned_alloc so far. */
extern uint64_t count_mallocs_calls;

#endif
