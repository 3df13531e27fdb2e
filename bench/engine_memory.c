/* What does not depend on the clock, of either contender: mallocs for a message, and the memory
 * that is live for a connection, a session, a link and a delivery. Wants count_mallocs preloaded
 * but for the first and the last.
 *
 *   engine_memory_X checksums      name and checksum of each operation
 *   engine_memory_X mallocs        name of each operation, calls of malloc for one message
 *   engine_memory_X live           name, live bytes for one (both ends), bytes of payload in them
 *   engine_memory_X run NAME N     runs an operation with N messages, for a profiler */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "count_mallocs.h"
#include "engine_operation.h"

/* Missing where nothing is preloaded. */
#pragma weak count_mallocs_calls
#pragma weak count_mallocs_live_size

enum {
    CHECKED_MESSAGES = 2500,
    WARM_UP_RUNS = 2,
    COUNTED_RUNS = 4,
};

static void print_checksums(void)
{
    engine_reads_all = true;
    for (size_t i = 0; i < engine_operation_count; i++) {
        engine_pair *pair = engine_pair_new(&engine_operations[i]);
        uint64_t sum = engine_pair_run(pair, CHECKED_MESSAGES);
        printf("%s %016" PRIx64 "\n", engine_operations[i].name, sum);
        engine_pair_free(pair);
    }
}

static void check_preloaded(void)
{
    if (&count_mallocs_calls == NULL) {
        codec_fail("count_mallocs is not preloaded");
    }
}

static uint64_t run_times(engine_pair *pair, size_t message_count, int times)
{
    uint64_t sum = 0;
    for (int i = 0; i < times; i++) {
        sum += engine_pair_run(pair, message_count);
    }
    return sum;
}

static void print_mallocs(void)
{
    check_preloaded();
    for (size_t i = 0; i < engine_operation_count; i++) {
        const engine_operation *operation = &engine_operations[i];
        engine_pair *pair = engine_pair_new(operation);
        (void)run_times(pair, operation->batch_count, WARM_UP_RUNS);
        uint64_t before = count_mallocs_calls;
        (void)run_times(pair, operation->batch_count, COUNTED_RUNS);
        double calls = (double)(count_mallocs_calls - before);
        printf("%s %.4f\n", operation->name, calls / COUNTED_RUNS / operation->batch_count);
        engine_pair_free(pair);
    }
}

/* The first is not counted: it allocates what all of them share. */
static void print_live(void)
{
    check_preloaded();
    for (size_t i = 0; i < engine_memory_count; i++) {
        const engine_memory *memory = &engine_memories[i];
        memory->make(1);
        int64_t before = count_mallocs_live_size;
        memory->make(memory->count);
        double live = (double)(count_mallocs_live_size - before) / (double)memory->count;
        printf("%s %.1f %u\n", memory->name, live,
               memory->payload_count * ENGINE_MEMORY_PAYLOAD_SIZE);
    }
}

static void run_one(const char *name, size_t message_count)
{
    for (size_t i = 0; i < engine_operation_count; i++) {
        if (strcmp(engine_operations[i].name, name) == 0) {
            engine_pair *pair = engine_pair_new(&engine_operations[i]);
            (void)engine_pair_run(pair, message_count);
            engine_pair_free(pair);
            return;
        }
    }
    codec_fail("there is no such operation");
}

int main(int argc, char **argv)
{
    engine_prepare();
    if (argc == 2 && strcmp(argv[1], "checksums") == 0) {
        print_checksums();
    } else if (argc == 2 && strcmp(argv[1], "mallocs") == 0) {
        print_mallocs();
    } else if (argc == 2 && strcmp(argv[1], "live") == 0) {
        print_live();
    } else if (argc == 4 && strcmp(argv[1], "run") == 0) {
        run_one(argv[2], strtoul(argv[3], NULL, 10));
    } else {
        codec_fail("usage: engine_memory checksums | mallocs | live | run NAME N");
    }
    return 0;
}
