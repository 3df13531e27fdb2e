/* What the fuzz targets share: a check that stops the fuzzer, the sets of limits, and buffers.
 *
 * Each target takes an input apart twice, with the default limits and with small ones, so that the
 * inputs are plain encoded bytes: seeds and reproducers need no header. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <amqpcodec/amqpcodec.h>

/* Called by libFuzzer for each input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer, with the input saved, where the condition does not hold. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* Limits that small inputs can exceed. Static. */
const amqpc_limits *fuzz_small_limits(void);

/* The defaults, but for the deepest nesting that there may be, more elements of no width than a
 * tree of values has, and any channel. Static. */
const amqpc_limits *fuzz_deep_limits(void);

/* malloc, which must not fail; at least one byte. */
void *fuzz_allocate(size_t size);

/* An empty buffer that is kept from input to input. There are four, by index. */
amqpc_buffer *fuzz_buffer(unsigned index);

/* The same bytes in both. */
bool fuzz_same_bytes(const amqpc_buffer *left, const amqpc_buffer *right);

/* The writer that is kept from input to input. */
amqpc_writer *fuzz_writer(void);

/* A number that depends on all bytes of the input: the seed of choices that the input shall not
 * spell out (FNV-1a). */
uint64_t fuzz_hash(const uint8_t *data, size_t size);

/* The next number of a sequence (xorshift); `state` is not 0. */
uint64_t fuzz_next(uint64_t *state);

#endif
