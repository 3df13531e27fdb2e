/* Serial numbers of 32 bits (RFC 1982). */
#include "base/serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint32_t starts[] = {0,           1,           2,           0x7ffffffe, 0x7fffffff,
                                  0x80000000u, 0x80000001u, 0xfffffffeu, UINT32_MAX};
enum { STARTS = sizeof starts / sizeof starts[0] };

static void test_addition_wraps_at_2_to_the_32(void **state)
{
    (void)state;
    assert_int_equal(amqpci_serial_add(0, 0), 0);
    assert_int_equal(amqpci_serial_add(5, 7), 12);
    assert_int_equal(amqpci_serial_add(UINT32_MAX, 0), UINT32_MAX);
    assert_int_equal(amqpci_serial_add(UINT32_MAX, 1), 0);
    assert_int_equal(amqpci_serial_add(UINT32_MAX, 0x7fffffff), 0x7ffffffe);
    assert_int_equal(amqpci_serial_add(0x80000000u, 0x80000000u), 0);
}

static void test_distance_is_what_was_added(void **state)
{
    (void)state;
    static const int32_t counts[] = {0, 1, 2, 1000, INT32_MAX - 1, INT32_MAX};
    for (size_t i = 0; i < STARTS; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            uint32_t later = amqpci_serial_add(starts[i], (uint32_t)counts[j]);
            assert_int_equal(amqpci_serial_distance(starts[i], later), counts[j]);
            assert_int_equal(amqpci_serial_distance(later, starts[i]), -counts[j]);
        }
    }
}

static void test_distance_of_2_to_the_31_is_the_least_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        uint32_t opposite = amqpci_serial_add(starts[i], 0x80000000u);
        assert_int_equal(amqpci_serial_distance(starts[i], opposite), INT32_MIN);
        assert_int_equal(amqpci_serial_distance(opposite, starts[i]), INT32_MIN);
        assert_false(amqpci_serial_before(starts[i], opposite));
        assert_false(amqpci_serial_before(opposite, starts[i]));
    }
}

static void test_before_holds_one_way_only_and_across_the_wrap(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        assert_false(amqpci_serial_before(starts[i], starts[i]));
        static const uint32_t counts[] = {1, 2, 0x7ffffffe, 0x7fffffff};
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            uint32_t later = amqpci_serial_add(starts[i], counts[j]);
            assert_true(amqpci_serial_before(starts[i], later));
            assert_false(amqpci_serial_before(later, starts[i]));
        }
    }
    assert_true(amqpci_serial_before(UINT32_MAX, 0));
    assert_false(amqpci_serial_before(0, UINT32_MAX));
}

static void test_one_more_than_2_to_the_31_is_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        uint32_t behind = amqpci_serial_add(starts[i], 0x80000001u);
        assert_int_equal(amqpci_serial_distance(starts[i], behind), -INT32_MAX);
        assert_true(amqpci_serial_before(behind, starts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addition_wraps_at_2_to_the_32),
        cmocka_unit_test(test_distance_is_what_was_added),
        cmocka_unit_test(test_distance_of_2_to_the_31_is_the_least_both_ways),
        cmocka_unit_test(test_before_holds_one_way_only_and_across_the_wrap),
        cmocka_unit_test(test_one_more_than_2_to_the_31_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
