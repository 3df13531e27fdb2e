/* The reader: events of every compound, values taken whole at every place, offsets of failures,
 * limits and budgets, and starting over. */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

enum { BYTES_MAX = 512, TRACE_MAX = 4096 };

static amqpc_reader *reader;
static uint8_t *input; /* a block of exactly as many bytes as were given */
static size_t input_size;

static int setup(void **state)
{
    (void)state;
    return amqpc_reader_new(NULL, NULL, &reader) == AMQPC_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    amqpc_reader_free(reader);
    free(input);
    input = NULL;
    return 0;
}

/* Makes the input of hexadecimal digits. */
static void set_input(const char *hex)
{
    free(input);
    input_size = strlen(hex) / 2;
    input = (uint8_t *)malloc(input_size == 0 ? 1 : input_size);
    assert_non_null(input);
    for (size_t i = 0; i < input_size; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        input[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void start(const char *hex)
{
    set_input(hex);
    amqpc_reader_reset(reader, input, input_size);
}

/* A trace of all events: "list8/2(" or "uint " or ")", and at the end "." or "STATUS@offset". */
static const char *trace(void)
{
    static char text[TRACE_MAX];
    size_t used = 0;
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_status status = AMQPC_OK;
    text[0] = '\0';
    while (status == AMQPC_OK && event != AMQPC_EVENT_END_OF_INPUT) {
        amqpc_value value;
        status = amqpc_reader_next(reader, &event, &value);
        char *to = text + used;
        size_t room = sizeof text - used;
        int size = 0;
        if (status != AMQPC_OK) {
            size = snprintf(to, room, "%s@%zu", amqpc_status_name(status),
                            amqpc_reader_offset(reader));
        } else if (event == AMQPC_EVENT_VALUE) {
            size = snprintf(to, room, "%s:%02x ", amqpc_type_name(value.type), value.code);
        } else if (event == AMQPC_EVENT_ENTER) {
            size = snprintf(to, room, "%s:%02x/%u( ", amqpc_type_name(value.type), value.code,
                            (unsigned)value.count);
        } else {
            size = event == AMQPC_EVENT_LEAVE
                       ? snprintf(to, room, ")%s ", amqpc_type_name(value.type))
                       : snprintf(to, room, ".");
        }
        used += (size_t)size;
        assert_true(used < sizeof text);
    }
    return text;
}

static void assert_events(const char *hex, const char *expected)
{
    start(hex);
    assert_string_equal(trace(), expected);
}

static amqpc_event next(amqpc_value *value)
{
    amqpc_event event = AMQPC_EVENT_END_OF_INPUT;
    assert_int_equal(amqpc_reader_next(reader, &event, value), AMQPC_OK);
    return event;
}

static void test_values_that_are_not_compound_are_one_event_each(void **state)
{
    (void)state;
    assert_events("", ".");
    assert_events("4041425601", "null:40 boolean:41 boolean:42 boolean:56 .");
    assert_events("4352077000000001", "uint:43 uint:52 uint:70 .");
    assert_events("44530180000000000000000151ff54ff55ff",
                  "ulong:44 ulong:53 ulong:80 byte:51 int:54 long:55 .");
    assert_events("a10161a30162a00163b10000000164", "string:a1 symbol:a3 binary:a0 string:b1 .");
}

static void test_lists_are_entered_and_left(void **state)
{
    (void)state;
    assert_events("c00100", "list:c0/0( )list .");
    assert_events("c003024041", "list:c0/2( null:40 boolean:41 )list .");
    assert_events("d0000000060000000240c0", "list:d0/2( null:40 TRUNCATED@11");
    assert_events("d00000000600000002404143", "list:d0/2( null:40 boolean:41 )list uint:43 .");
    assert_events("c00701c00302404041",
                  "list:c0/1( list:c0/2( null:40 null:40 )list TRAILING_BYTES@8");
}

static void test_the_empty_list_of_one_byte_is_one_event(void **state)
{
    (void)state;
    assert_events("4543", "list:45 uint:43 .");
}

static void test_maps_give_keys_and_values_in_turn(void **state)
{
    (void)state;
    assert_events("c10802a10161c1010043", "map:c1/2( string:a1 map:c1/0( )map TRAILING_BYTES@9");
    assert_events("c10a04a1016b43a1016c5201",
                  "map:c1/4( string:a1 uint:43 string:a1 uint:52 )map .");
    assert_events("d1000000060000000243d0", "map:d1/2( uint:43 TRUNCATED@11");
    assert_events("c1050443434343", "map:c1/4( uint:43 uint:43 uint:43 uint:43 )map .");
}

static void test_arrays_give_elements_of_their_code(void **state)
{
    (void)state;
    assert_events("e0020070", "array:e0/0( )array .");
    assert_events("e004025200ff", "array:e0/2( uint:52 uint:52 )array .");
    assert_events("e0020340", "array:e0/3( null:40 null:40 null:40 )array .");
}

/* A reader with one limit set, by its place in amqpc_limits. */
static amqpc_reader *make_limited(size_t member, uint32_t number)
{
    amqpc_limits limits;
    amqpc_reader *limited = NULL;
    amqpc_limits_init(&limits, sizeof limits);
    memcpy((char *)&limits + member, &number, sizeof number);
    assert_int_equal(amqpc_reader_new(NULL, &limits, &limited), AMQPC_OK);
    return limited;
}

static void test_arrays_of_no_width_count_against_their_budget(void **state)
{
    (void)state;
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    amqpc_reader *limited = make_limited(offsetof(amqpc_limits, zero_width_elements), 3);
    set_input("e0020240e0020240");
    for (int round = 0; round < 2; round++) { /* a reset gives the budget back */
        amqpc_reader_reset(limited, input, input_size);
        assert_int_equal(amqpc_reader_take(limited, &value), AMQPC_OK);
        assert_int_equal(amqpc_reader_take(limited, &value), AMQPC_TOO_MANY_ZERO_WIDTH);
        assert_int_equal(amqpc_reader_offset(limited), 6);
        amqpc_reader_reset(limited, input, input_size);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(amqpc_reader_next(limited, &event, &value), AMQPC_OK);
        }
        assert_int_equal(event, AMQPC_EVENT_LEAVE);
        assert_int_equal(amqpc_reader_next(limited, &event, &value), AMQPC_TOO_MANY_ZERO_WIDTH);
        assert_int_equal(amqpc_reader_offset(limited), 6);
    }
    amqpc_reader_free(limited);
}

static void test_arrays_hold_compounds_without_constructors(void **state)
{
    (void)state;
    assert_events("e00701c00201430100", "array:e0/1( list:c0/1( uint:43 )list TRAILING_BYTES@7");
    assert_events("e00702c00201430100",
                  "array:e0/2( list:c0/1( uint:43 )list list:c0/0( )list )array .");
    assert_events("e00601c103024344", "array:e0/1( map:c1/2( uint:43 ulong:44 )map )array .");
    assert_events("e00b02e0030152010401a3016b",
                  "array:e0/2( array:e0/1( uint:52 )array array:e0/1( symbol:a3 )array )array .");
}

static void test_described_values_are_entered(void **state)
{
    (void)state;
    assert_events("0053054300", "described:00/2( ulong:53 uint:43 )described TRUNCATED@5");
    assert_events("00530545", "described:00/2( ulong:53 list:45 )described .");
    assert_events("00a301610053054041",
                  "described:00/2( symbol:a3 described:00/2( ulong:53 null:40 "
                  ")described )described boolean:41 .");
    assert_events("c0050100530540",
                  "list:c0/1( described:00/2( ulong:53 null:40 )described )list .");
}

static void test_arrays_of_described_values_give_their_descriptor(void **state)
{
    (void)state;
    amqpc_value value;
    start("e00702005305520908");
    assert_int_equal(amqpc_reader_array_descriptor(reader).size, 0);
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_int_equal(value.count, 2);
    amqpc_bytes descriptor = amqpc_reader_array_descriptor(reader);
    assert_ptr_equal(descriptor.data, input + 3);
    assert_int_equal(descriptor.size, 3);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    assert_int_equal(value.type, AMQPC_TYPE_UINT);
    assert_int_equal(value.as.u64, 9);
    assert_int_equal(amqpc_reader_array_descriptor(reader).size, 3);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    assert_int_equal(next(&value), AMQPC_EVENT_LEAVE);
    assert_int_equal(amqpc_reader_array_descriptor(reader).size, 0);
}

static void test_an_array_has_as_many_descriptors_as_it_says(void **state)
{
    (void)state;
    amqpc_value value;
    start("e00901"   /* an array of one element, */
          "005305"   /* described as 5, */
          "00a30161" /* which is described as :"a", */
          "43");     /* which is zero */
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_int_equal(amqpc_reader_array_descriptor(reader).size, 7);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    assert_int_equal(value.type, AMQPC_TYPE_UINT);
    assert_int_equal(next(&value), AMQPC_EVENT_LEAVE);
}

/* Of all that a compound enters: type, code, count, and its content. */
static void test_entering_gives_the_content(void **state)
{
    (void)state;
    amqpc_value value;
    start("c003024041");
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_int_equal(value.form, AMQPC_FORM_ENCODED);
    assert_ptr_equal(value.as.bytes.data, input + 3);
    assert_int_equal(value.as.bytes.size, 2);
    start("f0000000060000000152ff41");
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_ptr_equal(value.as.bytes.data, input + 9);
    assert_int_equal(value.as.bytes.size, 2);
    start("c00602005305404100");
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER); /* described: to the end of the list */
    assert_int_equal(value.type, AMQPC_TYPE_DESCRIBED);
    assert_ptr_equal(value.as.bytes.data, input + 4);
    assert_int_equal(value.as.bytes.size, 4);
}

static void test_depth_counts_compounds_entered(void **state)
{
    (void)state;
    static const unsigned depths[] = {1, 2, 2, 3, 3, 3, 2, 1, 1, 0, 0};
    amqpc_value value;
    start("c00b02"       /* a list of */
          "005305"       /*   a described */
          "e00402520102" /*     array of two, and */
          "41");         /*   true */
    assert_int_equal(amqpc_reader_depth(reader), 0);
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        (void)next(&value);
        assert_int_equal(amqpc_reader_depth(reader), depths[i]);
    }
}

static const char nested[] = "c02705"             /* a list of five: */
                             "43"                 /*   a uint, */
                             "c10a04"             /*   a map of two entries, */
                             "a1016b43a1016c5201" /*     "k" and "l", */
                             "00530545"           /*   a described list, */
                             "e00702005305520908" /*   an array of described uints, */
                             "d00000000700000001" /*   a list of */
                             "a10161";            /*     a string */

/* Steps to every place, takes the value there whole, and goes on: the rest is the same. */
static void test_a_value_can_be_taken_whole_at_every_place(void **state)
{
    (void)state;
    amqpc_value value;
    set_input(nested);
    for (size_t steps = 0;; steps++) {
        amqpc_event event = AMQPC_EVENT_VALUE;
        amqpc_reader_reset(reader, input, input_size);
        for (size_t i = 0; i < steps && event != AMQPC_EVENT_END_OF_INPUT; i++) {
            event = next(&value);
        }
        if (event == AMQPC_EVENT_END_OF_INPUT) {
            assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_NOT_FOUND);
            assert_true(steps > 15);
            return;
        }
        unsigned depth = amqpc_reader_depth(reader);
        size_t from = amqpc_reader_offset(reader);
        amqpc_status status = amqpc_reader_take(reader, &value);
        size_t to = amqpc_reader_offset(reader);
        assert_true(status == AMQPC_OK ? to > from : status == AMQPC_NOT_FOUND && to == from);
        assert_int_equal(amqpc_reader_depth(reader), depth);
        while (event != AMQPC_EVENT_END_OF_INPUT) {
            event = next(&value);
        }
        assert_int_equal(amqpc_reader_offset(reader), input_size);
    }
}

static void assert_takes_what_a_decoder_gives(void)
{
    amqpc_value taken;
    amqpc_value decoded;
    size_t used = 0;
    bool same = false;
    size_t from = amqpc_reader_offset(reader);
    assert_int_equal(amqpc_value_decode(input + from, input_size - from, NULL, &decoded, &used),
                     AMQPC_OK);
    assert_int_equal(amqpc_reader_take(reader, &taken), AMQPC_OK);
    assert_int_equal(amqpc_reader_offset(reader), from + used);
    assert_int_equal(amqpc_value_same(&taken, &decoded, &same), AMQPC_OK);
    assert_true(same);
}

static void test_what_is_taken_is_what_a_decoder_gives(void **state)
{
    (void)state;
    amqpc_value value;
    start(nested);
    assert_takes_what_a_decoder_gives();
    amqpc_reader_reset(reader, input, input_size);
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    for (int i = 0; i < 5; i++) {
        assert_takes_what_a_decoder_gives();
    }
    assert_int_equal(next(&value), AMQPC_EVENT_LEAVE);
}

static void test_elements_of_arrays_are_taken_without_constructors(void **state)
{
    (void)state;
    amqpc_value value;
    start("e00702c00201430100");
    (void)next(&value);
    assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_OK);
    assert_int_equal(value.type, AMQPC_TYPE_LIST);
    assert_int_equal(value.count, 1);
    assert_ptr_equal(value.as.bytes.data, input + 6);
    assert_int_equal(value.as.bytes.size, 1);
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_int_equal(value.count, 0);
    assert_int_equal(next(&value), AMQPC_EVENT_LEAVE);
    assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_NOT_FOUND);
    assert_int_equal(next(&value), AMQPC_EVENT_LEAVE);
}

static void test_the_parts_of_a_described_value_are_taken_singly(void **state)
{
    (void)state;
    amqpc_value value;
    start("005305c00302404143");
    (void)next(&value);
    assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_OK);
    assert_int_equal(value.type, AMQPC_TYPE_ULONG);
    assert_int_equal(value.as.u64, 5);
    assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_OK);
    assert_int_equal(value.type, AMQPC_TYPE_LIST);
    assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_NOT_FOUND);
    assert_int_equal(next(&value), AMQPC_EVENT_LEAVE);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
}

static void test_a_value_is_skipped_where_none_is_wanted(void **state)
{
    (void)state;
    amqpc_value value;
    start("c00302404143");
    assert_int_equal(amqpc_reader_take(reader, NULL), AMQPC_OK);
    assert_int_equal(amqpc_reader_offset(reader), 5);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    assert_int_equal(amqpc_reader_take(reader, NULL), AMQPC_NOT_FOUND);
}

typedef struct failure {
    const char *hex;
    amqpc_status status;
    size_t offset;
} failure;

static const failure failures[] = {
    {"70000001", AMQPC_TRUNCATED, 1},
    {"a105616263", AMQPC_TRUNCATED, 1},
    {"ff", AMQPC_UNKNOWN_FORMAT_CODE, 0},
    {"4341ff", AMQPC_UNKNOWN_FORMAT_CODE, 2},
    {"5602", AMQPC_BAD_BOOLEAN, 1},
    {"a10361c328", AMQPC_BAD_UTF8, 3},
    {"a30161a30180", AMQPC_BAD_SYMBOL, 5},
    {"730000d800", AMQPC_BAD_CHAR, 1},
    {"c0050140", AMQPC_TRUNCATED, 1},
    {"c000", AMQPC_BAD_SIZE, 1},
    {"c0020340", AMQPC_BAD_COUNT, 2},
    {"c003014040", AMQPC_TRAILING_BYTES, 4},
    {"c1020140", AMQPC_ODD_MAP_COUNT, 2},
    {"00c0010040", AMQPC_BAD_DESCRIPTOR, 1},
    {"0000534340", AMQPC_BAD_DESCRIPTOR, 1},
    {"e0020101", AMQPC_BAD_ARRAY_CONSTRUCTOR, 3},
    {"e003027000", AMQPC_BAD_COUNT, 2},
    {"e00401520000", AMQPC_TRAILING_BYTES, 5},
    {"d0000200000001000100", AMQPC_TRUNCATED, 1},
};

static void test_failures_give_status_and_offset_by_steps_and_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        amqpc_event event = AMQPC_EVENT_VALUE;
        amqpc_value value;
        amqpc_status status = AMQPC_OK;
        start(failures[i].hex);
        while (status == AMQPC_OK) {
            status = amqpc_reader_next(reader, &event, &value);
            assert_true(status != AMQPC_OK || event != AMQPC_EVENT_END_OF_INPUT);
        }
        assert_int_equal(status, failures[i].status);
        assert_int_equal(amqpc_reader_offset(reader), failures[i].offset);
        amqpc_reader_reset(reader, input, input_size);
        do {
            status = amqpc_reader_take(reader, &value);
        } while (status == AMQPC_OK);
        assert_int_equal(status, failures[i].status);
        assert_int_equal(amqpc_reader_offset(reader), failures[i].offset);
    }
}

static void test_a_failure_stays_until_a_reset(void **state)
{
    (void)state;
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    start("c00302405602");
    assert_int_equal(next(&value), AMQPC_EVENT_ENTER);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(amqpc_reader_next(reader, &event, &value), AMQPC_TRUNCATED);
        assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_TRUNCATED);
        assert_int_equal(amqpc_reader_offset(reader), 5);
    }
    amqpc_reader_reset(reader, input + 3, 1);
    assert_int_equal(amqpc_reader_depth(reader), 0);
    assert_int_equal(amqpc_reader_offset(reader), 0);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    assert_int_equal(next(&value), AMQPC_EVENT_END_OF_INPUT);
}

static void test_a_failed_step_leaves_event_and_value_alone(void **state)
{
    (void)state;
    amqpc_event event = AMQPC_EVENT_LEAVE;
    amqpc_value value = {.type = 77};
    start("5602");
    assert_int_equal(amqpc_reader_next(reader, &event, &value), AMQPC_BAD_BOOLEAN);
    assert_int_equal(event, AMQPC_EVENT_LEAVE);
    assert_int_equal(value.type, 77);
    amqpc_reader_reset(reader, input, input_size);
    assert_int_equal(amqpc_reader_take(reader, &value), AMQPC_BAD_BOOLEAN);
    assert_int_equal(value.type, 77);
}

static void test_a_reset_in_the_middle_starts_over(void **state)
{
    (void)state;
    amqpc_value value;
    start("c00602c00302404041");
    (void)next(&value);
    (void)next(&value);
    assert_int_equal(amqpc_reader_depth(reader), 2);
    start("5207");
    assert_int_equal(amqpc_reader_depth(reader), 0);
    assert_int_equal(next(&value), AMQPC_EVENT_VALUE);
    assert_int_equal(value.as.u64, 7);
    assert_int_equal(next(&value), AMQPC_EVENT_END_OF_INPUT);
}

static void test_no_input_is_the_end(void **state)
{
    (void)state;
    amqpc_reader *unset = NULL;
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    assert_int_equal(amqpc_reader_new(NULL, NULL, &unset), AMQPC_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(amqpc_reader_next(unset, &event, &value), AMQPC_OK);
        assert_int_equal(event, AMQPC_EVENT_END_OF_INPUT);
        assert_int_equal(amqpc_reader_take(unset, &value), AMQPC_NOT_FOUND);
        assert_int_equal(amqpc_reader_offset(unset), 0);
        amqpc_reader_reset(unset, NULL, 0);
    }
    amqpc_reader_free(unset);
    amqpc_reader_free(NULL);
}

static void test_nesting_is_limited_by_steps_and_whole(void **state)
{
    (void)state;
    amqpc_event event = AMQPC_EVENT_VALUE;
    amqpc_value value;
    amqpc_reader *limited = make_limited(offsetof(amqpc_limits, depth), 2);
    set_input("c00701c00401c0010040");
    amqpc_reader_reset(limited, input, input_size);
    assert_int_equal(amqpc_reader_take(limited, &value), AMQPC_TOO_DEEP);
    assert_int_equal(amqpc_reader_offset(limited), 6);
    amqpc_reader_reset(limited, input, input_size);
    assert_int_equal(amqpc_reader_next(limited, &event, &value), AMQPC_OK);
    assert_int_equal(amqpc_reader_next(limited, &event, &value), AMQPC_OK);
    assert_int_equal(amqpc_reader_take(limited, &value), AMQPC_TOO_DEEP);
    assert_int_equal(amqpc_reader_offset(limited), 6);
    amqpc_reader_free(limited);
}

static void test_elements_are_limited(void **state)
{
    (void)state;
    amqpc_value value;
    amqpc_reader *limited = make_limited(offsetof(amqpc_limits, compound_elements), 2);
    set_input("c00302404041c00403404040");
    amqpc_reader_reset(limited, input, 5);
    assert_int_equal(amqpc_reader_take(limited, &value), AMQPC_OK);
    amqpc_reader_reset(limited, input + 6, 6);
    assert_int_equal(amqpc_reader_take(limited, &value), AMQPC_TOO_MANY_ELEMENTS);
    assert_int_equal(amqpc_reader_offset(limited), 2);
    amqpc_reader_free(limited);
}

static void test_limits_that_are_not_valid_make_no_reader(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_reader *none = NULL;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = AMQPC_DEPTH_MAX + 1;
    assert_int_equal(amqpc_reader_new(NULL, &limits, &none), AMQPC_INVALID_ARGUMENT);
    assert_null(none);
}

static void reading_scenario(const amqpc_allocator *allocator)
{
    amqpc_reader *made = NULL;
    amqpc_value value;
    amqpc_status status = amqpc_reader_new(allocator, NULL, &made);
    assert_int_equal(status, made == NULL ? AMQPC_NO_MEMORY : AMQPC_OK);
    if (status == AMQPC_OK) {
        amqpc_reader_reset(made, "\x43", 1);
        assert_int_equal(amqpc_reader_take(made, &value), AMQPC_OK);
    }
    amqpc_reader_free(made);
}

static void test_failing_allocations_are_reported(void **state)
{
    (void)state;
    assert_survives_failing_allocations(reading_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_that_are_not_compound_are_one_event_each),
        cmocka_unit_test(test_lists_are_entered_and_left),
        cmocka_unit_test(test_the_empty_list_of_one_byte_is_one_event),
        cmocka_unit_test(test_maps_give_keys_and_values_in_turn),
        cmocka_unit_test(test_arrays_give_elements_of_their_code),
        cmocka_unit_test(test_arrays_of_no_width_count_against_their_budget),
        cmocka_unit_test(test_arrays_hold_compounds_without_constructors),
        cmocka_unit_test(test_described_values_are_entered),
        cmocka_unit_test(test_arrays_of_described_values_give_their_descriptor),
        cmocka_unit_test(test_an_array_has_as_many_descriptors_as_it_says),
        cmocka_unit_test(test_entering_gives_the_content),
        cmocka_unit_test(test_depth_counts_compounds_entered),
        cmocka_unit_test(test_a_value_can_be_taken_whole_at_every_place),
        cmocka_unit_test(test_what_is_taken_is_what_a_decoder_gives),
        cmocka_unit_test(test_elements_of_arrays_are_taken_without_constructors),
        cmocka_unit_test(test_the_parts_of_a_described_value_are_taken_singly),
        cmocka_unit_test(test_a_value_is_skipped_where_none_is_wanted),
        cmocka_unit_test(test_failures_give_status_and_offset_by_steps_and_whole),
        cmocka_unit_test(test_a_failure_stays_until_a_reset),
        cmocka_unit_test(test_a_failed_step_leaves_event_and_value_alone),
        cmocka_unit_test(test_a_reset_in_the_middle_starts_over),
        cmocka_unit_test(test_no_input_is_the_end),
        cmocka_unit_test(test_nesting_is_limited_by_steps_and_whole),
        cmocka_unit_test(test_elements_are_limited),
        cmocka_unit_test(test_limits_that_are_not_valid_make_no_reader),
        cmocka_unit_test(test_failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
