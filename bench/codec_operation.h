/* What the codec suite measures, contender by contender.
 *
 * A contender (codec_ours.c, codec_proton.c, codec_bound.c) gives a table of operations. The
 * programs that time them (codec_bench.cc) and count their instructions and mallocs (codec_count.c)
 * are linked once with each. Operations of the same name do the same work on the same input, which
 * codec_check.c proves by their checksums. */
#ifndef BENCH_CODEC_OPERATION_H
#define BENCH_CODEC_OPERATION_H

#include <stddef.h>
#include <stdint.h>

#include "codec_sample.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an operation leaves behind, and so how it is checked. */
typedef enum codec_result {
    CODEC_READ = 0,           /* the checksum that it returns, of every field it read */
    CODEC_WROTE_MESSAGE = 1,  /* a message in codec_output; it returns the size */
    CODEC_WROTE_TRANSFER = 2, /* the same with a frame */
    CODEC_WROTE_DISPOSITION = 3,
    CODEC_WROTE_FLOW = 4,
} codec_result;

/* name     carries the sizes of what arrives or leaves
 * run      does it once, on variant 0 to SAMPLE_VARIANTS - 1 of the input */
typedef struct codec_operation {
    const char *name;
    codec_result result;
    uint64_t (*run)(unsigned variant);
} codec_operation;

extern const codec_operation codec_operations[];
extern const size_t codec_operation_count;

/* Where operations write to. */
enum { CODEC_OUTPUT_SIZE = 128 * 1024 };
extern uint8_t codec_output[CODEC_OUTPUT_SIZE];

/* Makes what the contender needs before its first operation. */
void codec_prepare(void);

/* For the suites engine and transport: fills and encodes message A, B, D or E to a place of so many
 * bytes, and returns its size. CODEC_ORDER_SIZE_MAX is enough for A and B, CODEC_LARGE_SIZE_MAX for
 * D. */
enum { CODEC_ORDER_SIZE_MAX = 2048, CODEC_LARGE_SIZE_MAX = 66 * 1024 };
size_t codec_encode_order_to(sample_kind kind, unsigned variant, void *to, size_t capacity);

/* For the same: decodes a message like A, B, D or E that has arrived, and returns the checksum of
 * all its fields and its body. */
uint64_t codec_read_order(const void *data, size_t size);

/* The checksum of an operation over all variants: of what it read, or of what it wrote, decoded
 * again by the bound. */
uint64_t codec_checksum(const codec_operation *operation);

/* The operation is wrong, or what it works on: says so and ends the program. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void codec_fail(const char *what);

#ifdef __cplusplus
}
#endif

#endif
