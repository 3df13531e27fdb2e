/* Numbers in network byte order, and copies of small sizes. */
#include "base/byte_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static void test_numbers_are_loaded_most_significant_byte_first(void **state)
{
    (void)state;
    assert_int_equal(amqpci_load16(bytes), 0x0123);
    assert_int_equal(amqpci_load32(bytes), 0x01234567);
    assert_true(amqpci_load64(bytes) == 0x0123456789abcdefu);
    assert_int_equal(amqpci_load16(bytes + 6), 0xcdef);
    assert_int_equal(amqpci_load32(bytes + 4), 0x89abcdefu);
}

static void test_numbers_are_stored_most_significant_byte_first(void **state)
{
    (void)state;
    uint8_t stored[8] = {0};
    amqpci_store16(stored, 0x0123);
    assert_memory_equal(stored, bytes, 2);
    amqpci_store32(stored, 0x01234567);
    assert_memory_equal(stored, bytes, 4);
    amqpci_store64(stored, 0x0123456789abcdefu);
    assert_memory_equal(stored, bytes, 8);
}

static void test_addresses_need_no_alignment(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 0x80, 0xff00, 0x8000000000000000u, UINT64_MAX};
    uint8_t room[24];
    for (size_t offset = 0; offset < 16; offset++) {
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            amqpci_store64(room + offset, numbers[i]);
            assert_true(amqpci_load64(room + offset) == numbers[i]);
            amqpci_store32(room + offset, (uint32_t)numbers[i]);
            assert_int_equal(amqpci_load32(room + offset), (uint32_t)numbers[i]);
            amqpci_store16(room + offset, (uint16_t)numbers[i]);
            assert_int_equal(amqpci_load16(room + offset), (uint16_t)numbers[i]);
        }
    }
}

static void test_a_store_writes_its_own_bytes_only(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x5a, 0x5a, 0x5a};
    for (size_t size = 2; size <= 8; size *= 2) {
        uint8_t room[14];
        memset(room, 0x5a, sizeof room);
        if (size == 2) {
            amqpci_store16(room + 3, 0);
        } else if (size == 4) {
            amqpci_store32(room + 3, 0);
        } else {
            amqpci_store64(room + 3, 0);
        }
        assert_memory_equal(room, expected, 3);
        assert_memory_equal(room + 3 + size, expected, 3);
    }
}

static void test_raw_bytes_are_as_they_lie(void **state)
{
    (void)state;
    uint32_t raw32 = amqpci_raw32(bytes + 1);
    uint64_t raw64 = amqpci_raw64(bytes);
    assert_memory_equal(&raw32, bytes + 1, 4);
    assert_memory_equal(&raw64, bytes, 8);
}

static void test_every_size_is_copied_whole_and_no_further(void **state)
{
    (void)state;
    enum { SIZES = 300, MARGIN = 8 };
    uint8_t from[SIZES + 1];
    uint8_t to[MARGIN + SIZES + MARGIN];
    uint8_t untouched[SIZES + 2 * MARGIN];
    memset(untouched, 0xcc, sizeof untouched);
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t size = 0; size <= SIZES; size++) {
        memset(to, 0xcc, sizeof to);
        amqpci_copy(to + MARGIN, from, size);
        assert_memory_equal(to, untouched, MARGIN);
        assert_true(size == 0 || memcmp(to + MARGIN, from, size) == 0);
        assert_memory_equal(to + MARGIN + size, untouched, SIZES + MARGIN - size);
    }
}

static void test_nothing_is_copied_from_nowhere(void **state)
{
    (void)state;
    uint8_t to = 9;
    amqpci_copy(&to, NULL, 0);
    assert_int_equal(to, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_loaded_most_significant_byte_first),
        cmocka_unit_test(test_numbers_are_stored_most_significant_byte_first),
        cmocka_unit_test(test_addresses_need_no_alignment),
        cmocka_unit_test(test_a_store_writes_its_own_bytes_only),
        cmocka_unit_test(test_raw_bytes_are_as_they_lie),
        cmocka_unit_test(test_every_size_is_copied_whole_and_no_further),
        cmocka_unit_test(test_nothing_is_copied_from_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
