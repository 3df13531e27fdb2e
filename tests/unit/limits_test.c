/* Default limits, and which ones may be used. */
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct member {
    size_t offset;
    uint32_t by_default;
    uint32_t least;
    uint32_t most;
} member;

#define MEMBER(name, by_default, least, most)                                                      \
    {                                                                                              \
        offsetof(amqpc_limits, name), by_default, least, most                                      \
    }

static const member members[] = {
    MEMBER(depth, 32, 1, AMQPC_DEPTH_MAX),
    MEMBER(compound_elements, 65536, 1, AMQPC_UNLIMITED),
    MEMBER(performative_values, 1024, 1, AMQPC_UNLIMITED),
    MEMBER(zero_width_elements, 1024, 1, AMQPC_UNLIMITED),
    MEMBER(frame_size, 65536, 512, AMQPC_UNLIMITED),
    MEMBER(initial_frame_size, 8192, 512, AMQPC_UNLIMITED),
    MEMBER(channels, 256, 1, AMQPC_UNLIMITED),
};
enum { MEMBERS = sizeof members / sizeof members[0] };

static uint32_t get(const amqpc_limits *limits, const member *which)
{
    uint32_t number = 0;
    memcpy(&number, (const char *)limits + which->offset, sizeof number);
    return number;
}

/* The status of the defaults with one member changed. */
static amqpc_status check_with(const member *which, uint32_t number)
{
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    memcpy((char *)&limits + which->offset, &number, sizeof number);
    return amqpc_limits_check(&limits);
}

static void test_defaults_are_as_documented_and_valid(void **state)
{
    (void)state;
    amqpc_limits limits;
    memset(&limits, 0xff, sizeof limits);
    amqpc_limits_init(&limits, sizeof limits);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(get(&limits, &members[i]), members[i].by_default);
    }
    assert_int_equal(limits.struct_size, sizeof limits);
    assert_int_equal(limits.reserved, 0);
    assert_int_equal(amqpc_limits_check(&limits), AMQPC_OK);
    assert_memory_equal(&limits, &amqpci_default_limits, sizeof limits);
}

static void test_null_stands_for_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(amqpc_limits_check(NULL), AMQPC_OK);
}

static void test_zero_is_refused_in_each_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(check_with(&members[i], 0), AMQPC_INVALID_ARGUMENT);
    }
}

static void test_the_least_is_accepted_and_less_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(check_with(&members[i], members[i].least), AMQPC_OK);
        assert_int_equal(check_with(&members[i], members[i].least - 1), AMQPC_INVALID_ARGUMENT);
    }
}

static void test_the_most_is_accepted_and_more_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(check_with(&members[i], members[i].most), AMQPC_OK);
        if (members[i].most < UINT32_MAX) {
            assert_int_equal(check_with(&members[i], members[i].most + 1), AMQPC_INVALID_ARGUMENT);
            assert_int_equal(check_with(&members[i], UINT32_MAX), AMQPC_INVALID_ARGUMENT);
        }
    }
}

static void test_a_smaller_struct_is_written_no_further_than_its_size(void **state)
{
    (void)state;
    size_t size = offsetof(amqpc_limits, frame_size);
    amqpc_limits *limits = (amqpc_limits *)malloc(sizeof *limits);
    uint8_t untouched[sizeof *limits];
    assert_non_null(limits);
    memset(limits, 0xa5, sizeof *limits);
    memset(untouched, 0xa5, sizeof untouched);
    amqpc_limits_init(limits, size);
    assert_int_equal(limits->struct_size, size);
    assert_int_equal(limits->zero_width_elements, 1024);
    assert_memory_equal((uint8_t *)limits + size, untouched, sizeof *limits - size);
    free(limits);
}

static void test_a_struct_smaller_than_ours_is_refused_and_a_larger_one_accepted(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.struct_size = sizeof limits - 1;
    assert_int_equal(amqpc_limits_check(&limits), AMQPC_INVALID_ARGUMENT);
    limits.struct_size = 0;
    assert_int_equal(amqpc_limits_check(&limits), AMQPC_INVALID_ARGUMENT);
    limits.struct_size = sizeof limits + 8;
    assert_int_equal(amqpc_limits_check(&limits), AMQPC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_as_documented_and_valid),
        cmocka_unit_test(test_null_stands_for_the_defaults),
        cmocka_unit_test(test_zero_is_refused_in_each_member),
        cmocka_unit_test(test_the_least_is_accepted_and_less_is_refused),
        cmocka_unit_test(test_the_most_is_accepted_and_more_is_refused),
        cmocka_unit_test(test_a_smaller_struct_is_written_no_further_than_its_size),
        cmocka_unit_test(test_a_struct_smaller_than_ours_is_refused_and_a_larger_one_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
