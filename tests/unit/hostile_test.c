/* Hostile inputs that are too large for a vector file, that need limits, or several calls. Names
 * begin with the row of hostile-inputs.md; the other rows are vectors in tests/vectors/hostile.tsv.
 */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FRAME = 65536 };

/* Bytes that a test fills; exactly as large as asked for, so that sanitizers see reads beyond. */
static uint8_t *new_bytes(size_t size, uint8_t fill)
{
    uint8_t *bytes = (uint8_t *)malloc(size);
    assert_non_null(bytes);
    memset(bytes, fill, size);
    return bytes;
}

static void put32(uint8_t *to, uint32_t number)
{
    to[0] = (uint8_t)(number >> 24);
    to[1] = (uint8_t)(number >> 16);
    to[2] = (uint8_t)(number >> 8);
    to[3] = (uint8_t)number;
}

static void assert_value(const uint8_t *bytes, size_t size, const amqpc_limits *limits,
                         amqpc_status expected, size_t expected_offset)
{
    amqpc_value value;
    size_t offset = SIZE_MAX;
    assert_int_equal(amqpc_value_decode(bytes, size, limits, &value, &offset), expected);
    assert_int_equal(offset, expected_offset);
    assert_int_equal(amqpc_value_skip(bytes, size, limits, &offset), expected);
    assert_int_equal(offset, expected_offset);
}

/* A list32 of `count` elements of one byte, with room for `more` bytes behind the content. */
static uint8_t *new_list(uint32_t count, uint8_t element)
{
    uint8_t *bytes = new_bytes(9 + (size_t)count, element);
    bytes[0] = AMQPC_CODE_LIST32;
    put32(bytes + 1, count + 4);
    put32(bytes + 5, count);
    return bytes;
}

static void test_row_12_thousands_of_zero_width_arrays_in_one_frame(void **state)
{
    (void)state;
    enum { ARRAYS = 10000, ARRAY_SIZE = 4 };
    uint8_t *bytes = new_bytes(9 + ARRAYS * ARRAY_SIZE, 0);
    bytes[0] = AMQPC_CODE_LIST32;
    put32(bytes + 1, ARRAYS * ARRAY_SIZE + 4);
    put32(bytes + 5, ARRAYS);
    for (size_t i = 0; i < ARRAYS; i++) {
        const uint8_t array[ARRAY_SIZE] = {AMQPC_CODE_ARRAY8, 2, 255, AMQPC_CODE_NULL};
        memcpy(bytes + 9 + i * ARRAY_SIZE, array, ARRAY_SIZE);
    }
    /* The budget of 1,024 elements lets four arrays of 255 through, and is that of all arrays
     * together. */
    assert_value(bytes, 9 + ARRAYS * ARRAY_SIZE, NULL, AMQPC_TOO_MANY_ZERO_WIDTH,
                 9 + 4 * ARRAY_SIZE + 2);
    free(bytes);
}

static void test_row_13_65k_elements_of_one_byte(void **state)
{
    (void)state;
    const uint8_t elements[] = {AMQPC_CODE_NULL, AMQPC_CODE_LIST0};
    for (size_t i = 0; i < sizeof elements; i++) {
        uint8_t *bytes = new_list(65536, elements[i]);
        assert_value(bytes, 9 + 65536, NULL, AMQPC_OK, 9 + 65536);
        free(bytes);
        bytes = new_list(65537, elements[i]);
        assert_value(bytes, 9 + 65537, NULL, AMQPC_TOO_MANY_ELEMENTS, 5);
        free(bytes);
    }
}

/* An open whose properties hold a list of `count` nulls; returns its size. */
static size_t put_open_with_list(uint8_t *to, uint32_t count)
{
    const uint8_t head[] = {0x00, 0x53, 0x10, 0xd0, 0,    0,    0,    0,    0,    0,    0,
                            10,   0xa1, 0x01, 'a',  0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
                            0x40, 0xd1, 0,    0,    0,    0,    0,    0,    0,    2,    0xa3,
                            0x01, 'k',  0xd0, 0,    0,    0,    0,    0,    0,    0,    0};
    memcpy(to, head, sizeof head);
    memset(to + sizeof head, AMQPC_CODE_NULL, count);
    put32(to + 4, (uint32_t)sizeof head - 8 + count);
    put32(to + 24, (uint32_t)sizeof head - 28 + count);
    put32(to + 36, 4 + count);
    put32(to + 40, count);
    return sizeof head + count;
}

static void test_row_13_values_of_one_performative_are_limited(void **state)
{
    (void)state;
    uint8_t *bytes = new_bytes(4096, 0);
    amqpc_performative performative;
    size_t offset = 0;
    size_t size = put_open_with_list(bytes, 1022); /* and a key, and the list itself */
    assert_int_equal(amqpc_performative_decode(0, bytes, size, NULL, &performative, &offset),
                     AMQPC_OK);
    assert_int_equal(offset, size);
    size = put_open_with_list(bytes, 1023);
    assert_int_equal(amqpc_performative_decode(0, bytes, size, NULL, &performative, &offset),
                     AMQPC_TOO_MANY_VALUES);
    assert_int_equal(offset, 40);
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.performative_values = AMQPC_UNLIMITED;
    assert_int_equal(amqpc_performative_decode(0, bytes, size, &limits, &performative, &offset),
                     AMQPC_OK);
    amqpc_open open;
    assert_int_equal(amqpc_open_decode(bytes, size, NULL, &open, &offset), AMQPC_TOO_MANY_VALUES);
    assert_int_equal(offset, 40);
    free(bytes);
}

static void test_row_16_depth_is_an_option(void **state)
{
    (void)state;
    uint8_t bytes[3 * AMQPC_DEPTH_MAX + 4];
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    for (unsigned depth = 1; depth <= 80; depth++) {
        /* Lists in lists, each of one element; the innermost holds a null. */
        size_t size = 3 * (size_t)depth + 1;
        for (unsigned i = 0; i < depth; i++) {
            bytes[3 * i] = AMQPC_CODE_LIST8;
            bytes[3 * i + 1] = (uint8_t)(size - 3 * i - 2);
            bytes[3 * i + 2] = 1;
        }
        bytes[size - 1] = AMQPC_CODE_NULL;
        limits.depth = depth;
        assert_value(bytes, size, &limits, AMQPC_OK, size);
        if (depth > 1) {
            limits.depth = depth - 1;
            assert_value(bytes, size, &limits, AMQPC_TOO_DEEP, 3 * (size_t)(depth - 1));
        }
    }
    limits.depth = AMQPC_DEPTH_MAX + 1;
    assert_int_equal(amqpc_value_skip(bytes, 4, &limits, NULL), AMQPC_INVALID_ARGUMENT);
}

static void test_row_17_65k_descriptors_of_descriptors(void **state)
{
    (void)state;
    uint8_t *bytes = new_bytes(FRAME, 0);
    assert_value(bytes, FRAME, NULL, AMQPC_BAD_DESCRIPTOR, 1);
    amqpc_message message;
    amqpc_performative performative;
    size_t offset = 0;
    assert_int_equal(amqpc_message_decode(bytes, FRAME, NULL, &message, &offset),
                     AMQPC_BAD_DESCRIPTOR);
    assert_int_equal(offset, 1);
    assert_int_equal(amqpc_performative_decode(0, bytes, FRAME, NULL, &performative, &offset),
                     AMQPC_BAD_DESCRIPTOR);
    assert_int_equal(offset, 1);
    free(bytes);
}

/* A map of `count` keys, each a string of 8 digits that begins alike, and null values. Returns its
 * size. */
static size_t put_map(uint8_t *to, uint32_t count, uint32_t first_key)
{
    enum { ENTRY = 11 };
    to[0] = AMQPC_CODE_MAP32;
    put32(to + 1, count * ENTRY + 4);
    put32(to + 5, 2 * count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *entry = to + 9 + (size_t)i * ENTRY;
        uint32_t number = first_key + i;
        entry[0] = AMQPC_CODE_STRING8;
        entry[1] = 8;
        for (int digit = 9; digit >= 2; digit--) {
            entry[digit] = (uint8_t)('0' + number % 10);
            number /= 10;
        }
        entry[10] = AMQPC_CODE_NULL;
    }
    return 9 + (size_t)count * ENTRY;
}

static void test_row_10_duplicates_are_found_in_maps_of_every_size(void **state)
{
    (void)state;
    const uint32_t counts[] = {2, 3, 8, 9, 20, 32, 33, 1000, 1024, 1025, 3000, 32768};
    uint8_t *bytes = new_bytes(9 + 32768 * 11, 0);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        amqpc_value value;
        size_t offset = 0;
        uint32_t count = counts[i];
        size_t size = put_map(bytes, count, 0);
        assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, &offset), AMQPC_OK);
        /* The last key becomes the first, and one in the middle. */
        uint8_t *last = bytes + size - 11;
        memcpy(last, bytes + 9, 11);
        assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, &offset),
                         AMQPC_DUPLICATE_KEY);
        assert_int_equal(offset, size - 11);
        memcpy(last, bytes + 9 + (size_t)(count - 1) / 2 * 11, 11);
        assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, &offset),
                         AMQPC_DUPLICATE_KEY);
        assert_int_equal(offset, size - 11);
        assert_int_equal(amqpc_value_skip(bytes, size, NULL, &offset),
                         AMQPC_OK); /* a skip does not look */
    }
    free(bytes);
}

static void test_row_10_keys_of_one_hash_cost_no_more_than_a_sort(void **state)
{
    (void)state;
    /* Lists all hash alike, so that every key collides with every other. */
    enum { KEYS = 4000, ENTRY = 9 };
    uint8_t *bytes = new_bytes(9 + KEYS * ENTRY, 0);
    bytes[0] = AMQPC_CODE_MAP32;
    put32(bytes + 1, KEYS * ENTRY + 4);
    put32(bytes + 5, 2 * KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint8_t *entry = bytes + 9 + (size_t)i * ENTRY;
        const uint8_t list[] = {AMQPC_CODE_LIST8, 6, 1, AMQPC_CODE_UINT};
        memcpy(entry, list, sizeof list);
        put32(entry + 4, (i * 2654435761u) | 0x01000000);
        entry[8] = AMQPC_CODE_NULL;
    }
    amqpc_value value;
    size_t offset = 0;
    amqpc_status status = amqpc_value_decode(bytes, 9 + KEYS * ENTRY, NULL, &value, &offset);
    assert_true(status == AMQPC_OK || status == AMQPC_DUPLICATE_KEY);
    memcpy(bytes + 9 + (KEYS - 1) * ENTRY, bytes + 9, ENTRY);
    assert_int_equal(amqpc_value_decode(bytes, 9 + KEYS * ENTRY, NULL, &value, &offset),
                     AMQPC_DUPLICATE_KEY);
    free(bytes);
}

static void test_row_10_compound_keys_are_told_apart_by_their_contents(void **state)
{
    (void)state;
    /* Described keys hash alike: each is compared with all before it. */
    enum { KEYS = 32, ENTRY = 6 };
    uint8_t bytes[3 + KEYS * ENTRY] = {AMQPC_CODE_MAP8, 1 + KEYS * ENTRY, 2 * KEYS};
    amqpc_value value;
    size_t offset = 0;
    for (size_t i = 0; i < KEYS; i++) {
        const uint8_t entry[ENTRY] = {0x00,       AMQPC_CODE_SMALLULONG, 1, AMQPC_CODE_UBYTE,
                                      (uint8_t)i, AMQPC_CODE_NULL};
        memcpy(bytes + 3 + i * ENTRY, entry, ENTRY);
    }
    assert_int_equal(amqpc_value_decode(bytes, sizeof bytes, NULL, &value, &offset), AMQPC_OK);
    for (size_t i = 0; i < KEYS - 1; i++) {
        bytes[3 + (KEYS - 1) * ENTRY + 4] = (uint8_t)i;
        assert_int_equal(amqpc_value_decode(bytes, sizeof bytes, NULL, &value, &offset),
                         AMQPC_DUPLICATE_KEY);
        assert_int_equal(offset, 3 + (KEYS - 1) * ENTRY);
    }
}

static void test_row_27_frame_size_is_an_option(void **state)
{
    (void)state;
    const uint8_t header[] = {0x00, 0x00, 0x02, 0x01, 2, 0, 0, 0};
    amqpc_limits limits;
    amqpc_frame frame;
    size_t offset = 0;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = 513;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, &limits, &frame, &offset),
                     AMQPC_NEED_MORE);
    assert_int_equal(offset, 513);
    limits.frame_size = 512;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, &limits, &frame, &offset),
                     AMQPC_FRAME_TOO_LARGE);
    assert_int_equal(offset, 0);
    limits.frame_size = 511;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, &limits, &frame, &offset),
                     AMQPC_INVALID_ARGUMENT);
}

static amqpc_frame_parser *new_parser(const amqpc_limits *limits, bool expect_header)
{
    static const uint8_t header[] = {'A', 'M', 'Q', 'P', 0, 1, 0, 0};
    amqpc_frame_parser *parser = NULL;
    amqpc_frame_event event;
    amqpc_frame frame;
    assert_int_equal(amqpc_frame_parser_new(NULL, limits, &parser), AMQPC_OK);
    if (!expect_header) {
        assert_int_equal(amqpc_frame_parser_push(parser, header, sizeof header), AMQPC_OK);
        assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
        assert_int_equal(event, AMQPC_FRAME_EVENT_PROTOCOL_HEADER);
    }
    return parser;
}

static void test_row_31_flood_of_empty_frames(void **state)
{
    (void)state;
    enum { FRAMES = 8192 };
    uint8_t *bytes = new_bytes(FRAMES * 8, 0);
    for (size_t i = 0; i < FRAMES; i++) {
        bytes[8 * i + 3] = 8;
        bytes[8 * i + 4] = 2;
    }
    amqpc_frame_parser *parser = new_parser(NULL, false);
    amqpc_frame_event event = AMQPC_FRAME_EVENT_FRAME;
    amqpc_frame frame;
    size_t frames = 0;
    assert_int_equal(amqpc_frame_parser_push(parser, bytes, FRAMES * 8), AMQPC_OK);
    while (event == AMQPC_FRAME_EVENT_FRAME) {
        assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
        frames += event == AMQPC_FRAME_EVENT_FRAME && frame.body.size == 0;
    }
    assert_int_equal(frames, FRAMES);
    amqpc_frame_parser_free(parser);
    free(bytes);
}

static void test_row_32_channel_beyond_the_limit(void **state)
{
    (void)state;
    uint8_t header[] = {0, 0, 0, 8, 2, 0, 0x00, 0xff};
    amqpc_limits limits;
    amqpc_frame frame;
    size_t offset = 0;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, NULL, &frame, &offset), AMQPC_OK);
    assert_int_equal(frame.channel, 255);
    header[6] = 1;
    header[7] = 0;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, NULL, &frame, &offset),
                     AMQPC_BAD_CHANNEL);
    assert_int_equal(offset, 6);
    amqpc_limits_init(&limits, sizeof limits);
    limits.channels = 1;
    header[6] = 0;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, &limits, &frame, &offset), AMQPC_OK);
    header[7] = 1;
    assert_int_equal(amqpc_frame_parse(header, sizeof header, &limits, &frame, &offset),
                     AMQPC_BAD_CHANNEL);
    header[5] = AMQPC_FRAME_SASL; /* the bytes of the channel are ignored */
    assert_int_equal(amqpc_frame_parse(header, sizeof header, &limits, &frame, &offset), AMQPC_OK);
    assert_int_equal(frame.channel, 0);
}

static void test_row_33_frame_of_more_than_8_kib_before_open(void **state)
{
    (void)state;
    const uint8_t header[] = {0, 0, 0x20, 0x01, 2, 0, 0, 0};
    amqpc_frame_event event;
    amqpc_frame frame;
    amqpc_frame_parser *parser = new_parser(NULL, false);
    assert_int_equal(amqpc_frame_parser_push(parser, header, sizeof header), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_FRAME_TOO_LARGE);
    assert_int_equal(amqpc_frame_parser_offset(parser), 8);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_FRAME_TOO_LARGE);
    assert_int_equal(amqpc_frame_parser_push(parser, header, 1), AMQPC_FRAME_TOO_LARGE);
    amqpc_frame_parser_free(parser);
    parser = new_parser(NULL, false);
    assert_int_equal(amqpc_frame_parser_set_frame_size(parser, 0x2001), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_push(parser, header, sizeof header), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
    assert_int_equal(event, AMQPC_FRAME_EVENT_NEED_MORE);
    amqpc_frame_parser_free(parser);
}

static void test_row_34_frame_size_below_512_is_refused(void **state)
{
    (void)state;
    amqpc_frame_parser *parser = new_parser(NULL, true);
    assert_int_equal(amqpc_frame_parser_set_frame_size(parser, 0), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_frame_parser_set_frame_size(parser, 511), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_frame_parser_set_frame_size(parser, 512), AMQPC_OK);
    amqpc_frame_parser_free(parser);
}

static void test_row_35_wrong_protocol_header(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t offset;
    } wrong[] = {
        {{'A', 'M', 'Q', 'P', 0, 0, 9, 1}, 5},
        {{'A', 'M', 'Q', 'P', 0, 1, 1, 0}, 6},
        {{'A', 'M', 'Q', 'P', 0, 1, 0, 1}, 7},
        {{'A', 'M', 'Q', 'P', 1, 1, 0, 0}, 4},
        {{'H', 'T', 'T', 'P', '/', '1', '.', '1'}, 0},
        {{'A', 'M', 'Q', 'p', 0, 1, 0, 0}, 3},
        {{0x16, 3, 1, 0, 0, 0, 0, 0}, 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        amqpc_protocol protocol;
        size_t offset = 0;
        assert_int_equal(amqpc_protocol_header_parse(wrong[i].bytes, 8, &protocol, &offset),
                         AMQPC_BAD_PROTOCOL_HEADER);
        assert_int_equal(offset, wrong[i].offset);
        /* The parser says so with the first wrong byte, and waits for no more. */
        amqpc_frame_parser *parser = new_parser(NULL, true);
        amqpc_frame_event event;
        amqpc_frame frame;
        for (size_t at = 0; at <= offset; at++) {
            assert_int_equal(amqpc_frame_parser_push(parser, wrong[i].bytes + at, 1), AMQPC_OK);
            assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame),
                             at < offset ? AMQPC_OK : AMQPC_BAD_PROTOCOL_HEADER);
        }
        assert_int_equal(amqpc_frame_parser_offset(parser), offset);
        amqpc_frame_parser_free(parser);
    }
}

static void test_row_36_data_after_close(void **state)
{
    (void)state;
    const uint8_t frames[] = {0, 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0};
    amqpc_frame_event event;
    amqpc_frame frame;
    /* In the same piece as the last frame, and in a later one. */
    amqpc_frame_parser *parser = new_parser(NULL, false);
    assert_int_equal(amqpc_frame_parser_push(parser, frames, sizeof frames), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
    amqpc_frame_parser_close(parser);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_DATA_AFTER_CLOSE);
    assert_int_equal(amqpc_frame_parser_offset(parser), 16);
    amqpc_frame_parser_free(parser);
    parser = new_parser(NULL, false);
    amqpc_frame_parser_close(parser);
    assert_int_equal(amqpc_frame_parser_push(parser, NULL, 0), AMQPC_OK);
    assert_int_equal(amqpc_frame_parser_next(parser, &event, &frame), AMQPC_OK);
    assert_int_equal(event, AMQPC_FRAME_EVENT_NEED_MORE);
    assert_int_equal(amqpc_frame_parser_push(parser, frames, 1), AMQPC_DATA_AFTER_CLOSE);
    amqpc_frame_parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_10_duplicates_are_found_in_maps_of_every_size),
        cmocka_unit_test(test_row_10_keys_of_one_hash_cost_no_more_than_a_sort),
        cmocka_unit_test(test_row_10_compound_keys_are_told_apart_by_their_contents),
        cmocka_unit_test(test_row_12_thousands_of_zero_width_arrays_in_one_frame),
        cmocka_unit_test(test_row_13_65k_elements_of_one_byte),
        cmocka_unit_test(test_row_13_values_of_one_performative_are_limited),
        cmocka_unit_test(test_row_16_depth_is_an_option),
        cmocka_unit_test(test_row_17_65k_descriptors_of_descriptors),
        cmocka_unit_test(test_row_27_frame_size_is_an_option),
        cmocka_unit_test(test_row_31_flood_of_empty_frames),
        cmocka_unit_test(test_row_32_channel_beyond_the_limit),
        cmocka_unit_test(test_row_33_frame_of_more_than_8_kib_before_open),
        cmocka_unit_test(test_row_34_frame_size_below_512_is_refused),
        cmocka_unit_test(test_row_35_wrong_protocol_header),
        cmocka_unit_test(test_row_36_data_after_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
