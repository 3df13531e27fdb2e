/* What `amqpcodec perf` prints: how it goes, and what it took. */
#ifndef AMQPCODEC_TOOLS_PERF_PERF_REPORT_H
#define AMQPCODEC_TOOLS_PERF_PERF_REPORT_H

#include "tools/perf/perf.h"
#include "tools/perf/perf_child.h"

/* One look at a run, several times a second: a bar on a terminal, a line each second elsewhere, on
 * standard error. `last`: the run is over. */
typedef struct perf_progress {
    bool is_terminal;
    uint64_t shown_ns;
    uint64_t shown_count;
} perf_progress;

void perf_progress_begin(perf_progress *progress);
void perf_progress_show(perf_progress *progress, const perf_load *load, bool last);

/* What a run took.
 *
 * seconds            from the first message to the last that was received
 * sender_cpu, receiver_cpu, other_cpu  seconds; the last one of the broker, where it is ours
 * peak_size, other_peak_size           bytes in memory: of this process, and of the other */
typedef struct perf_summary {
    uint64_t sent;
    uint64_t accepted;
    uint64_t refused;
    uint64_t received;
    double seconds;
    double sender_cpu;
    double receiver_cpu;
    double other_cpu;
    uint64_t peak_size;
    uint64_t other_peak_size;
    latency_histogram latencies;
} perf_summary;

void perf_summary_print(const perf_summary *summary, const perf_options *options);
void perf_summary_print_json(const perf_summary *summary, const perf_options *options);

#endif
