/* The counters of the library that is preloaded to count calls of malloc and its like, and what of
 * it is live. */
#ifndef BENCH_COUNT_MALLOCS_H
#define BENCH_COUNT_MALLOCS_H

#include <stddef.h>
#include <stdint.h>

/* Calls of malloc, calloc, realloc, memalign, aligned_alloc and posix_memalign so far. */
extern uint64_t count_mallocs_calls;

/* Bytes that were allocated and not freed: usable sizes, and the header of each block. */
extern int64_t count_mallocs_live_size;

#endif
