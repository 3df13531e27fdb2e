/* Counts of latencies in buckets that grow with them, as HdrHistogram's do: a value is known to
 * within 1/64 of itself, whatever its size, in memory that never grows. */
#ifndef AMQPCODEC_TOOLS_PERF_LATENCY_HISTOGRAM_H
#define AMQPCODEC_TOOLS_PERF_LATENCY_HISTOGRAM_H

#include <stdint.h>

/* Values below 2^LATENCY_FINE_BITS have a bucket each. Above, each power of two up to
 * 2^LATENCY_VALUE_BITS is divided into LATENCY_FINE_COUNT / 2 buckets of the same width. */
enum {
    LATENCY_FINE_BITS = 7,
    LATENCY_FINE_COUNT = 1 << LATENCY_FINE_BITS,
    LATENCY_VALUE_BITS = 42, /* of nanoseconds: more than an hour */
    LATENCY_BUCKETS =
        LATENCY_FINE_COUNT + (LATENCY_VALUE_BITS - LATENCY_FINE_BITS) * LATENCY_FINE_COUNT / 2
};

/* All zero is empty. */
typedef struct latency_histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t maximum;
    uint64_t buckets[LATENCY_BUCKETS];
} latency_histogram;

/* Counts a value `count` times. Values that are too large go into the last bucket. */
void latency_histogram_add(latency_histogram *histogram, uint64_t value, uint64_t count);

/* Adds all of `other`. */
void latency_histogram_merge(latency_histogram *histogram, const latency_histogram *other);

/* The value that this share of the values does not exceed: the largest of its bucket, but never
 * more than the maximum; 0 of an empty one. percent: 0 to 100. */
uint64_t latency_histogram_percentile(const latency_histogram *histogram, double percent);

/* 0 of an empty one. */
double latency_histogram_mean(const latency_histogram *histogram);

#endif
