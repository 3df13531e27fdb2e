/* Counts of latencies in buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/perf/latency_histogram.h"

static latency_histogram histogram;

static int clear(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    return 0;
}

static void test_an_empty_one_has_nothing(void **state)
{
    (void)state;
    assert_int_equal(latency_histogram_percentile(&histogram, 50), 0);
    assert_int_equal(latency_histogram_percentile(&histogram, 100), 0);
    assert_true(latency_histogram_mean(&histogram) == 0.0);
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    for (uint64_t value = 1; value <= 100; value++) {
        latency_histogram_add(&histogram, value, 1);
    }
    assert_int_equal(latency_histogram_percentile(&histogram, 0), 1);
    assert_int_equal(latency_histogram_percentile(&histogram, 1), 1);
    assert_int_equal(latency_histogram_percentile(&histogram, 50), 50);
    assert_int_equal(latency_histogram_percentile(&histogram, 99), 99);
    assert_int_equal(latency_histogram_percentile(&histogram, 99.5), 100);
    assert_int_equal(latency_histogram_percentile(&histogram, 100), 100);
    assert_true(latency_histogram_mean(&histogram) == 50.5);
}

/* Of each power of two, and its neighbours: never less than the value, and by 1/64 of it at most
 * more. Something larger keeps the maximum from being the answer. */
static void test_every_size_is_known_to_within_a_64th(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < LATENCY_VALUE_BITS - 1; bits++) {
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << bits) + (uint64_t)(int64_t)step;
            (void)clear(NULL);
            latency_histogram_add(&histogram, value, 3);
            latency_histogram_add(&histogram, UINT64_C(1) << (LATENCY_VALUE_BITS - 1), 1);
            uint64_t found = latency_histogram_percentile(&histogram, 50);
            assert_true(found >= value);
            assert_true(found - value <= value / 64);
        }
    }
}

static void test_order_is_kept_between_neighbouring_buckets(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (uint64_t value = 1; value < 5000; value++) {
        (void)clear(NULL);
        latency_histogram_add(&histogram, value, 1);
        latency_histogram_add(&histogram, 1000000, 1);
        uint64_t found = latency_histogram_percentile(&histogram, 50);
        assert_true(found >= last);
        last = found;
    }
}

static void test_the_maximum_is_exact(void **state)
{
    (void)state;
    latency_histogram_add(&histogram, 1000001, 1);
    assert_int_equal(latency_histogram_percentile(&histogram, 50), 1000001);
    assert_int_equal(latency_histogram_percentile(&histogram, 100), 1000001);
}

static void test_what_is_too_large_is_counted_and_the_largest_said(void **state)
{
    (void)state;
    latency_histogram_add(&histogram, UINT64_MAX / 4, 1);
    latency_histogram_add(&histogram, 5, 2);
    assert_int_equal(histogram.count, 3);
    assert_int_equal(latency_histogram_percentile(&histogram, 50), 5);
    assert_int_equal(latency_histogram_percentile(&histogram, 99), UINT64_MAX / 4);
}

static void test_merging_adds_all(void **state)
{
    (void)state;
    latency_histogram other;
    memset(&other, 0, sizeof other);
    latency_histogram_add(&histogram, 10, 99);
    latency_histogram_add(&other, 70000, 1);
    latency_histogram_merge(&histogram, &other);
    assert_int_equal(histogram.count, 100);
    assert_int_equal(latency_histogram_percentile(&histogram, 99), 10);
    assert_int_equal(latency_histogram_percentile(&histogram, 99.9), 70000);
    assert_true(latency_histogram_mean(&histogram) == (99 * 10 + 70000) / 100.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_empty_one_has_nothing, clear),
        cmocka_unit_test_setup(test_small_values_are_exact, clear),
        cmocka_unit_test_setup(test_every_size_is_known_to_within_a_64th, clear),
        cmocka_unit_test_setup(test_order_is_kept_between_neighbouring_buckets, clear),
        cmocka_unit_test_setup(test_the_maximum_is_exact, clear),
        cmocka_unit_test_setup(test_what_is_too_large_is_counted_and_the_largest_said, clear),
        cmocka_unit_test_setup(test_merging_adds_all, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
