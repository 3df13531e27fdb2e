// Times the operations of the contender that it is linked with, by Google Benchmark.
//
// The label of each benchmark is the operation's checksum over all variants of its input.
#include <benchmark/benchmark.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "codec_operation.h"

extern "C" {
#include "codec_sample.h"
}

static void measure(benchmark::State &state, const codec_operation *operation)
{
    uint64_t (*const run)(unsigned) = operation->run;
    uint64_t sum = 0;
    unsigned variant = 0;
    char label[17];
    std::snprintf(label, sizeof label, "%016" PRIx64, codec_checksum(operation));
    for (auto _ : state) {
        sum += run(variant);
        variant = (variant + 1) % SAMPLE_VARIANTS;
    }
    benchmark::DoNotOptimize(sum);
    state.SetLabel(label);
}

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    codec_prepare();
    for (size_t i = 0; i < codec_operation_count; i++) {
        const codec_operation *operation = &codec_operations[i];
        benchmark::RegisterBenchmark(operation->name, measure, operation);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
