/* UTF-8 and ASCII: all short sequences against an oracle, and every position in longer texts. */
#include "codec/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LONGEST = 70 };

/* The size of the well-formed sequence at the start (1 to 4), or 0. It is found by decoding the
 * code point as the bits are laid out, and asking whether that many bytes are the fewest that hold
 * it. */
static size_t oracle_sequence(const uint8_t *text, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t ones = 0;
    while (ones < 8 && (text[0] << ones & 0x80) != 0) {
        ones++;
    }
    if (ones == 0) {
        return 1;
    }
    if (ones == 1 || ones > 4 || ones > size) {
        return 0;
    }
    uint32_t code_point = text[0] & (0xffu >> (ones + 1));
    for (size_t i = 1; i < ones; i++) {
        if (text[i] >> 6 != 2) {
            return 0;
        }
        code_point = code_point << 6 | (text[i] & 0x3f);
    }
    bool surrogate = code_point >> 11 == 0xd800 >> 11;
    return code_point < least[ones] || code_point > 0x10ffff || surrogate ? 0 : ones;
}

static size_t oracle_span(const uint8_t *text, size_t size)
{
    size_t span = 0;
    while (span < size) {
        size_t sequence = oracle_sequence(text + span, size - span);
        if (sequence == 0) {
            break;
        }
        span += sequence;
    }
    return span;
}

/* Without a cmocka assertion for each of millions: those are slow. */
static bool agrees(const uint8_t *text, size_t size)
{
    size_t span = oracle_span(text, size);
    bool same =
        amqpci_utf8_span(text, size) == span && amqpci_is_utf8(text, size) == (span == size);
    if (!same) {
        print_error("%zu bytes, %02x %02x ...: the span is %zu\n", size, text[0],
                    size > 1 ? text[1] : 0, span);
    }
    return same;
}

static void test_every_sequence_of_one_and_two_bytes(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 0x10000; number++) {
        uint8_t text[2] = {(uint8_t)(number >> 8), (uint8_t)number};
        assert_true(agrees(text, 1));
        assert_true(agrees(text, 2));
    }
}

static void test_every_sequence_of_three_bytes(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (unsigned number = 0; number < 0x1000000; number++) {
        uint8_t text[3] = {(uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
        wrong += !agrees(text, sizeof text);
    }
    assert_int_equal(wrong, 0);
}

/* All leads that could begin four bytes, all second bytes, and the third and fourth at the edges of
 * what continues a sequence. */
static void test_sequences_of_four_bytes_at_their_boundaries(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x81, 0xbe, 0xbf, 0xc0, 0xff};
    size_t wrong = 0;
    for (unsigned first = 0xe0; first <= 0xff; first++) {
        for (unsigned second = 0; second <= 0xff; second++) {
            for (size_t i = 0; i < sizeof edges * (sizeof edges / sizeof edges[0]); i++) {
                uint8_t text[4] = {(uint8_t)first, (uint8_t)second, edges[i / sizeof edges],
                                   edges[i % sizeof edges]};
                wrong += !agrees(text, sizeof text);
            }
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_the_first_and_last_code_points_of_each_size(void **state)
{
    (void)state;
    static const char *const valid[] = {"\x7f",         "\xc2\x80",         "\xdf\xbf",
                                        "\xe0\xa0\x80", "\xed\x9f\xbf",     "\xee\x80\x80",
                                        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const invalid[] = {
        "\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",     "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        size_t size = strlen(valid[i]);
        assert_int_equal(amqpci_utf8_span((const uint8_t *)valid[i], size), size);
        assert_int_equal(amqpci_utf8_span((const uint8_t *)valid[i], size - 1), 0);
    }
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        assert_int_equal(amqpci_utf8_span((const uint8_t *)invalid[i], strlen(invalid[i])), 0);
    }
}

/* A block of exactly `size` letters, so that sanitizers see a read beyond. */
static uint8_t *letters(size_t size)
{
    uint8_t *text = (uint8_t *)malloc(size == 0 ? 1 : size);
    assert_non_null(text);
    memset(text, 'a', size);
    return text;
}

static void test_ascii_is_judged_at_every_position_of_every_length(void **state)
{
    (void)state;
    static const uint8_t high[] = {0x80, 0xff};
    for (size_t size = 0; size <= LONGEST; size++) {
        uint8_t *text = letters(size);
        assert_true(amqpci_is_ascii(text, size));
        assert_int_equal(amqpci_ascii_span(text, size), size);
        for (size_t i = 0; i < 2 * size; i++) {
            size_t position = i / 2;
            text[position] = high[i % 2];
            assert_false(amqpci_is_ascii(text, size));
            assert_int_equal(amqpci_ascii_span(text, size), position);
            assert_true(amqpci_is_ascii(text, position));
            text[position] = 0x7f;
            assert_true(amqpci_is_ascii(text, size));
            assert_int_equal(amqpci_ascii_span(text, size), size);
        }
        free(text);
    }
}

static void test_utf8_is_judged_at_every_position_of_every_length(void **state)
{
    (void)state;
    static const char *const sequences[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t size = 1; size <= LONGEST; size++) {
        for (size_t i = 0; i < 3 * size; i++) {
            uint8_t *text = letters(size);
            size_t position = i / 3;
            size_t sequence = strlen(sequences[i % 3]);
            size_t fits = sequence < size - position ? sequence : size - position;
            memcpy(text + position, sequences[i % 3], fits);
            size_t span = fits == sequence ? size : position; /* or it is cut by the end */
            assert_int_equal(amqpci_utf8_span(text, size), span);
            assert_int_equal(amqpci_is_utf8(text, size), span == size);
            text[position + fits - 1] = 0xff;
            assert_int_equal(amqpci_utf8_span(text, size), position);
            assert_false(amqpci_is_utf8(text, size));
            free(text);
        }
    }
}

static void test_nothing_is_text(void **state)
{
    (void)state;
    assert_true(amqpci_is_ascii(NULL, 0));
    assert_true(amqpci_is_utf8(NULL, 0));
    assert_int_equal(amqpci_ascii_span(NULL, 0), 0);
    assert_int_equal(amqpci_utf8_span(NULL, 0), 0);
}

static void test_a_nul_inside_is_data(void **state)
{
    (void)state;
    static const uint8_t text[] = {'a', 0, 0xc3, 0xa9, 0};
    assert_int_equal(amqpci_utf8_span(text, sizeof text), sizeof text);
    assert_int_equal(amqpci_ascii_span(text, sizeof text), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sequence_of_one_and_two_bytes),
        cmocka_unit_test(test_every_sequence_of_three_bytes),
        cmocka_unit_test(test_sequences_of_four_bytes_at_their_boundaries),
        cmocka_unit_test(test_the_first_and_last_code_points_of_each_size),
        cmocka_unit_test(test_ascii_is_judged_at_every_position_of_every_length),
        cmocka_unit_test(test_utf8_is_judged_at_every_position_of_every_length),
        cmocka_unit_test(test_nothing_is_text),
        cmocka_unit_test(test_a_nul_inside_is_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
