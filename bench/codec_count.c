/* What does not depend on the clock: mallocs and instructions of each operation, and their
 * checksums.
 *
 *   codec_count_X checksums      name and checksum of each operation
 *   codec_count_X mallocs        name and calls of malloc of one pass over the variants; wants
 * count_mallocs preloaded codec_count_X instructions   runs each operation under callgrind, which
 * dumps a part for each codec_count_X run NAME N     runs one operation N times, for a profiler */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "codec_operation.h"
#include "codec_sample.h"
#include "count_mallocs.h"

/* Missing where nothing is preloaded. */
#pragma weak count_mallocs_calls

enum { WARM_UP_PASSES = 2 };

static uint64_t run_pass(const codec_operation *operation)
{
    uint64_t sum = 0;
    for (unsigned variant = 0; variant < SAMPLE_VARIANTS; variant++) {
        sum += operation->run(variant);
    }
    return sum;
}

/* After it, symbols are bound, and whatever an operation keeps has been allocated. */
static void warm_up(const codec_operation *operation)
{
    for (int i = 0; i < WARM_UP_PASSES; i++) {
        (void)run_pass(operation);
    }
}

static void print_checksums(void)
{
    for (size_t i = 0; i < codec_operation_count; i++) {
        const codec_operation *operation = &codec_operations[i];
        printf("%s %016" PRIx64 "\n", operation->name, codec_checksum(operation));
    }
}

static void print_mallocs(void)
{
    if (&count_mallocs_calls == NULL) {
        codec_fail("count_mallocs is not preloaded");
    }
    for (size_t i = 0; i < codec_operation_count; i++) {
        const codec_operation *operation = &codec_operations[i];
        warm_up(operation);
        uint64_t before = count_mallocs_calls;
        (void)run_pass(operation);
        uint64_t calls = count_mallocs_calls - before;
        printf("%s %.4f\n", operation->name, (double)calls / SAMPLE_VARIANTS);
    }
}

static void collect_instructions(void)
{
    for (size_t i = 0; i < codec_operation_count; i++) {
        const codec_operation *operation = &codec_operations[i];
        warm_up(operation);
        CALLGRIND_TOGGLE_COLLECT;
        (void)run_pass(operation);
        CALLGRIND_TOGGLE_COLLECT;
        CALLGRIND_DUMP_STATS_AT(operation->name);
    }
    printf("%d\n", SAMPLE_VARIANTS);
}

static void run_one(const char *name, unsigned long count)
{
    for (size_t i = 0; i < codec_operation_count; i++) {
        const codec_operation *operation = &codec_operations[i];
        if (strcmp(operation->name, name) != 0) {
            continue;
        }
        for (unsigned long j = 0; j < count; j++) {
            (void)operation->run((unsigned)(j % SAMPLE_VARIANTS));
        }
        return;
    }
    codec_fail("there is no such operation");
}

int main(int argc, char **argv)
{
    codec_prepare();
    if (argc == 2 && strcmp(argv[1], "checksums") == 0) {
        print_checksums();
    } else if (argc == 2 && strcmp(argv[1], "mallocs") == 0) {
        print_mallocs();
    } else if (argc == 2 && strcmp(argv[1], "instructions") == 0) {
        collect_instructions();
    } else if (argc == 4 && strcmp(argv[1], "run") == 0) {
        run_one(argv[2], strtoul(argv[3], NULL, 10));
    } else {
        codec_fail("usage: codec_count checksums | mallocs | instructions | run NAME N");
    }
    return 0;
}
