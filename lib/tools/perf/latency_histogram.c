#include "tools/perf/latency_histogram.h"

#include <stdbool.h>

/* Of a value that has a bucket of its own: the value. Of another: which power of two, and which of
 * its parts, by the bits behind the first. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < LATENCY_FINE_COUNT) {
        return (uint32_t)value;
    }
    if (value >> LATENCY_VALUE_BITS != 0) {
        return LATENCY_BUCKETS - 1;
    }
    uint32_t top = 63u - (uint32_t)__builtin_clzll(value);
    uint32_t shift = top - (LATENCY_FINE_BITS - 1);
    uint32_t part = (uint32_t)(value >> shift) - LATENCY_FINE_COUNT / 2;
    return LATENCY_FINE_COUNT + (top - LATENCY_FINE_BITS) * (LATENCY_FINE_COUNT / 2) + part;
}

/* The largest value of a bucket. */
static uint64_t largest_of(uint32_t bucket)
{
    if (bucket < LATENCY_FINE_COUNT) {
        return bucket;
    }
    uint32_t beyond = bucket - LATENCY_FINE_COUNT;
    uint32_t top = LATENCY_FINE_BITS + beyond / (LATENCY_FINE_COUNT / 2);
    uint32_t shift = top - (LATENCY_FINE_BITS - 1);
    uint64_t part = LATENCY_FINE_COUNT / 2 + beyond % (LATENCY_FINE_COUNT / 2);
    return ((part + 1) << shift) - 1;
}

void latency_histogram_add(latency_histogram *histogram, uint64_t value, uint64_t count)
{
    histogram->buckets[bucket_of(value)] += count;
    histogram->count += count;
    histogram->sum += value * count;
    if (value > histogram->maximum && count > 0) {
        histogram->maximum = value;
    }
}

void latency_histogram_merge(latency_histogram *histogram, const latency_histogram *other)
{
    for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
        histogram->buckets[i] += other->buckets[i];
    }
    histogram->count += other->count;
    histogram->sum += other->sum;
    if (other->maximum > histogram->maximum) {
        histogram->maximum = other->maximum;
    }
}

uint64_t latency_histogram_percentile(const latency_histogram *histogram, double percent)
{
    double exact = (double)histogram->count * percent / 100.0;
    uint64_t wanted = (uint64_t)exact;
    wanted += (double)wanted < exact;
    wanted = wanted == 0 ? 1 : wanted;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted) {
            uint64_t largest = largest_of(i);
            bool is_last = i == LATENCY_BUCKETS - 1;
            return largest < histogram->maximum && !is_last ? largest : histogram->maximum;
        }
    }
    return histogram->maximum;
}

double latency_histogram_mean(const latency_histogram *histogram)
{
    return histogram->count == 0 ? 0.0 : (double)histogram->sum / (double)histogram->count;
}
