#define _POSIX_C_SOURCE 200809L
#include "tools/perf/perf_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 24, TERMINAL_NS = 200000000, LINES_NS = 1000000000 };

/* --- Progress. */

void perf_progress_begin(perf_progress *progress)
{
    *progress = (perf_progress){.is_terminal = isatty(STDERR_FILENO) == 1};
}

/* By messages or by time, whichever is nearer to the end. */
static double share_done(const perf_load *load, uint64_t received, uint64_t now_ns)
{
    const perf_options *options = load->options;
    double by_count = options->count == 0 ? 0.0 : (double)received / options->count;
    double by_time = options->duration == 0
                         ? 0.0
                         : (double)(now_ns - load->started_ns) / 1e9 / options->duration;
    double share = by_count > by_time ? by_count : by_time;
    return share < 1.0 ? share : 1.0;
}

static void show_bar(double share, uint64_t received, double rate, bool last)
{
    char bar[BAR_WIDTH + 1];
    size_t filled = (size_t)(share * BAR_WIDTH);
    memset(bar, '#', filled);
    memset(bar + filled, '.', BAR_WIDTH - filled);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r[%s] %3.0f%%  %12" PRIu64 " messages  %10.0f/s  %s", bar, share * 100,
                  received, rate, last ? "\r\033[K" : "");
    (void)fflush(stderr);
}

void perf_progress_show(perf_progress *progress, const perf_load *load, bool last)
{
    uint64_t now_ns = perf_now_ns();
    uint64_t since_ns = now_ns - (progress->shown_ns == 0 ? load->started_ns : progress->shown_ns);
    uint64_t interval_ns = progress->is_terminal ? TERMINAL_NS : LINES_NS;
    if (load->options->quiet || (since_ns < interval_ns && !last) || since_ns == 0) {
        return;
    }
    uint64_t received = perf_received(load);
    double rate = (double)(received - progress->shown_count) / ((double)since_ns / 1e9);
    if (progress->is_terminal) {
        show_bar(share_done(load, received, now_ns), received, rate, last);
    } else if (!last) {
        (void)fprintf(stderr, "%.0f s: %" PRIu64 " messages, %.0f/s\n",
                      (double)(now_ns - load->started_ns) / 1e9, received, rate);
    }
    progress->shown_ns = now_ns;
    progress->shown_count = received;
}

/* --- The summary. */

static const struct {
    double percent;
    const char *name;
} percentiles[] = {{50, "p50"},     {90, "p90"},       {99, "p99"},
                   {99.9, "p99.9"}, {99.99, "p99.99"}, {100, "max"}};

enum { PERCENTILES = sizeof percentiles / sizeof percentiles[0] };

static double per_message(double seconds, uint64_t count)
{
    return count == 0 ? 0.0 : seconds / (double)count;
}

static double rate_of(const perf_summary *summary)
{
    return summary->seconds > 0 ? (double)summary->received / summary->seconds : 0.0;
}

/* Millions of bytes a second, of data. */
static double megabytes_of(const perf_summary *summary, const perf_options *options)
{
    return rate_of(summary) * (double)options->size / 1e6;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void perf_summary_print(const perf_summary *summary, const perf_options *options)
{
    uint64_t received = summary->received;
    printf("messages  %" PRIu64 " sent, %" PRIu64 " received, of %" PRIu64 " bytes, %s\n",
           summary->sent, received, options->size, options->settled ? "settled" : "unsettled");
    if (!options->settled) {
        printf("outcomes  %" PRIu64 " accepted, %" PRIu64 " of another kind\n", summary->accepted,
               summary->refused);
    }
    printf("links     %u of each end, on %u connection%s\n", options->threads, options->connections,
           plural(options->connections));
    printf("rate      %.0f messages/s, %.1f MB/s, for %.2f s\n", rate_of(summary),
           megabytes_of(summary, options), summary->seconds);
    printf("latency  ");
    for (size_t i = 0; i < PERCENTILES; i++) {
        uint64_t ns = latency_histogram_percentile(&summary->latencies, percentiles[i].percent);
        printf(" %s %.0f us%s", percentiles[i].name, (double)ns / 1e3,
               i + 1 < PERCENTILES ? "," : "\n");
    }
    printf("CPU       sender %.3f us, receiver %.3f us",
           per_message(summary->sender_cpu, received) * 1e6,
           per_message(summary->receiver_cpu, received) * 1e6);
    if (summary->other_cpu > 0) {
        printf(", broker %.3f us", per_message(summary->other_cpu, received) * 1e6);
    }
    printf(" a message\n");
    printf("memory    %.1f MB at most", (double)summary->peak_size / 1e6);
    if (summary->other_peak_size > 0) {
        printf(", the %s %.1f MB", options->direct ? "receiving process" : "broker",
               (double)summary->other_peak_size / 1e6);
    }
    printf("\n");
}

void perf_summary_print_json(const perf_summary *summary, const perf_options *options)
{
    uint64_t received = summary->received;
    printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"accepted\": %" PRIu64
           ", \"refused\": %" PRIu64 ", ",
           summary->sent, received, summary->accepted, summary->refused);
    printf("\"size\": %" PRIu64 ", \"settled\": %s, \"direct\": %s, \"connections\": %u, "
           "\"threads\": %u, ",
           options->size, options->settled ? "true" : "false", options->direct ? "true" : "false",
           options->connections, options->threads);
    printf("\"seconds\": %.6f, \"messages_per_second\": %.1f, \"megabytes_per_second\": %.3f, ",
           summary->seconds, rate_of(summary), megabytes_of(summary, options));
    printf("\"latency_us\": {\"mean\": %.3f", latency_histogram_mean(&summary->latencies) / 1e3);
    for (size_t i = 0; i < PERCENTILES; i++) {
        uint64_t ns = latency_histogram_percentile(&summary->latencies, percentiles[i].percent);
        printf(", \"%s\": %.3f", percentiles[i].name, (double)ns / 1e3);
    }
    printf("}, \"cpu_us\": {\"sender\": %.4f, \"receiver\": %.4f, \"broker\": ",
           per_message(summary->sender_cpu, received) * 1e6,
           per_message(summary->receiver_cpu, received) * 1e6);
    if (summary->other_cpu > 0) {
        printf("%.4f", per_message(summary->other_cpu, received) * 1e6);
    } else {
        printf("null");
    }
    printf("}, \"peak_bytes\": %" PRIu64 ", \"other_peak_bytes\": %" PRIu64 "}\n",
           summary->peak_size, summary->other_peak_size);
}
