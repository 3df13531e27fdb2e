// Times the operations of the engine suite by the contender that it is linked with, for one
// message.
//
// The label of each benchmark is the checksum of a run in which the server reads every byte.
#include <benchmark/benchmark.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "engine_operation.h"

enum { CHECKED_MESSAGES = 2500 };

static uint64_t checksum(const engine_operation *operation)
{
    engine_pair *pair = engine_pair_new(operation);
    engine_reads_all = true;
    uint64_t sum = engine_pair_run(pair, CHECKED_MESSAGES);
    engine_reads_all = false;
    engine_pair_free(pair);
    return sum;
}

static void measure(benchmark::State &state, const engine_operation *operation)
{
    char label[17];
    std::snprintf(label, sizeof label, "%016" PRIx64, checksum(operation));
    engine_pair *pair = engine_pair_new(operation);
    uint64_t sum = engine_pair_run(pair, operation->batch_count);
    while (state.KeepRunningBatch(operation->batch_count)) {
        sum += engine_pair_run(pair, operation->batch_count);
    }
    benchmark::DoNotOptimize(sum);
    engine_pair_free(pair);
    state.SetLabel(label);
}

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    engine_prepare();
    for (size_t i = 0; i < engine_operation_count; i++) {
        const engine_operation *operation = &engine_operations[i];
        benchmark::RegisterBenchmark(operation->name, measure, operation);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
