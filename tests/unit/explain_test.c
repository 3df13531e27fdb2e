/* Accounts of what is wrong: the status, the offset and the path of every kind of failure, whatever
 * the bytes, and whatever fails on the way. */
#include <amqpcodec/amqpcodec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/text.h"
#include "support/failing_allocator.h"
#include "support/vector_file.h"

static vector_set vectors;
static amqpc_limits any_channel; /* vectors use channels of any number */
static amqpc_buffer *buffer;

static int setup(void **state)
{
    (void)state;
    vectors = vector_set_read();
    amqpc_limits_init(&any_channel, sizeof any_channel);
    any_channel.channels = AMQPC_UNLIMITED;
    return amqpc_buffer_new(NULL, SIZE_MAX, &buffer) == AMQPC_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    amqpc_buffer_free(buffer);
    vector_set_free(&vectors);
    return 0;
}

/* Explains a copy of the bytes in a block of exactly their size, so that sanitizers see every read
 * beyond. Gives the account as a string, until the next call. */
static const char *explain(amqpc_input input, const uint8_t *bytes, size_t size,
                           const amqpc_limits *limits)
{
    uint8_t *copy = (uint8_t *)malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    amqpc_buffer_truncate(buffer, 0);
    assert_int_equal(amqpc_explain(input, copy, size, limits, buffer), AMQPC_OK);
    free(copy);
    size_t length = amqpc_buffer_size(buffer);
    assert_true(length > 0 && length < 8192);
    assert_int_equal(amqpc_buffer_data(buffer)[length - 1], '\n');
    assert_int_equal(amqpci_utf8_span(amqpc_buffer_data(buffer), length), length);
    assert_int_equal(amqpc_buffer_append(buffer, "", 1), AMQPC_OK);
    const char *account = (const char *)amqpc_buffer_data(buffer);
    assert_int_equal(strlen(account), length);
    return account;
}

static const char *explain_hex(amqpc_input input, const char *hex, const amqpc_limits *limits)
{
    uint8_t bytes[512];
    size_t size = strlen(hex) / 2;
    assert_true(size <= sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return explain(input, bytes, size, limits);
}

static void assert_contains(const char *account, const char *part)
{
    if (strstr(account, part) == NULL) {
        fail_msg("the account lacks\n%s\nit is\n%s", part, account);
    }
}

/* Parts of an account that is expected. */
typedef struct example {
    amqpc_input input;
    const char *hex;
    const char *status; /* and the offset, where the account begins */
    const char *where;
    const char *expected;
    const char *found;
} example;

static void check_example(const example *wanted, const amqpc_limits *limits)
{
    char line[256];
    const char *account = explain_hex(wanted->input, wanted->hex, limits);
    if (strncmp(account, wanted->status, strlen(wanted->status)) != 0) {
        fail_msg("not %s:\n%s", wanted->status, account);
    }
    (void)snprintf(line, sizeof line, "\n  where:    %s", wanted->where);
    assert_contains(account, line);
    (void)snprintf(line, sizeof line, "\n  expected: %s", wanted->expected);
    assert_contains(account, line);
    (void)snprintf(line, sizeof line, "\n  found:    %s", wanted->found);
    assert_contains(account, line);
    assert_contains(account, "\n  bytes:\n    000000");
}

static void check_examples(const example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_example(&examples[i], NULL);
    }
}

#define VALUE           AMQPC_INPUT_VALUE
#define PERFORMATIVE    AMQPC_INPUT_PERFORMATIVE
#define SASL            AMQPC_INPUT_SASL
#define MESSAGE         AMQPC_INPUT_MESSAGE
#define FRAME           AMQPC_INPUT_FRAME
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const example value_examples[] = {
    {VALUE, "", "TRUNCATED at offset 0:", "value (missing)\n", "a value\n", "no bytes left\n"},
    {VALUE, "00", "TRUNCATED at offset 1:", "value@descriptor (missing in described 0x00",
     "a descriptor\n", "no bytes left\n"},
    {VALUE, "005305", "TRUNCATED at offset 3:", "value (missing in described 0x00",
     "the value that the descriptor describes\n", "no bytes left\n"},
    {VALUE, "c0020241", "BAD_COUNT at offset 2:", "value (the count of list8 0xc0 at offset 0)",
     "at most 1 element of 1 byte or more, in 1 byte\n", "declares 2 elements\n"},
    {VALUE, "e0060270000000ff", "BAD_COUNT at offset 2:", "value (the count of array8 0xe0",
     "at most 1 element of 4 bytes, in 4 bytes\n", "declares 2 elements\n"},
    {VALUE, "c0060142c0020241",
     "TRAILING_BYTES at offset 4:", "value (behind the last element of list8 0xc0 at offset 0)",
     "the end, behind 1 element\n", "4 bytes more\n"},
    {VALUE, "c0070342c00302a100",
     "TRUNCATED at offset 9:", "value[1][1] (missing in list8 0xc0 at offset 4)",
     "element 2 of 2\n", "no bytes left in list8 0xc0 at offset 4\n"},
    {VALUE, "c00401a1c861",
     "TRUNCATED at offset 4:", "value[0] (the size of str8-utf8 0xa1 at offset 3)",
     "a size of at most 1\n", "declares 200 bytes, with 1 byte left in list8 0xc0 at offset 0\n"},
    {VALUE, "d00000000200000000", "BAD_SIZE at offset 1:", "value (the size of list32 0xd0",
     "at least 4, the size of the count\n", "declares 2 bytes\n"},
    {VALUE, "c10301a100", "ODD_MAP_COUNT at offset 2:", "value (the count of map8 0xc1",
     "an even count, of keys and values together\n", "declares 1 element\n"},
    {VALUE, "c10904a3016140a3016140", "DUPLICATE_KEY at offset 7:",
     "value{key 1} (sym8 0xa3 at offset 7)", "a key that the map does not have yet\n",
     ":\"a\" a second time; the first one is at offset 3\n"},
    {VALUE, "e0050356000102", "BAD_BOOLEAN at offset 6:", "value[2] (in boolean 0x56",
     "0x00 or 0x01\n", "byte 0x02\n"},
    {VALUE, "7300110000", "BAD_CHAR at offset 1:", "value (in char 0x73 at offset 0)",
     "U+0000 to U+D7FF, or U+E000 to U+10FFFF\n", "0x00110000\n"},
    {VALUE, "a30361ff62",
     "BAD_SYMBOL at offset 3:", "value (in a symbol of 3 bytes, sym8 0xa3 at offset 0)",
     "ASCII, 0x00 to 0x7f\n", "byte 0xff at index 1 of the text\n"},
    {VALUE, "c1060252016200ff", "UNKNOWN_FORMAT_CODE at offset 5:", "value{uint(1)} (reserved",
     "a format code of AMQP 1.6\n", "reserved 0x62\n"},
    {VALUE, "00c0010043", "BAD_DESCRIPTOR at offset 1:", "value@descriptor (list8 0xc0",
     "a descriptor that is neither compound nor described, mostly ulong (0x44, 0x53, 0x80)",
     "list8 0xc0\n"},
    {VALUE, "c00a01e00701000053014443", "BAD_DESCRIPTOR at offset 7:",
     "value[0][]@descriptor (described 0x00 at offset 7)", "a descriptor", "described 0x00\n"},
    {VALUE, "e003013f00", "BAD_ARRAY_CONSTRUCTOR at offset 3:",
     "value[] (the constructor of the elements of array8 0xe0 at offset 0)",
     "a format code of AMQP 1.6 for the elements\n", "reserved 0x3f\n"},
    {VALUE, "d000000005ffffffff40", "TOO_MANY_ELEMENTS at offset 5:", "value (the count of list32",
     "at most 65536 elements (limits.compound_elements)\n", "declares 4294967295 elements\n"},
    {VALUE, "f0000000050000040145",
     "TOO_MANY_ZERO_WIDTH at offset 5:", "value (the count of array32",
     "at most 1024 elements of no size in all (limits.zero_width_elements)\n",
     "declares 1025 elements\n"},
    {VALUE, "005331c002013f", "UNKNOWN_FORMAT_CODE at offset 6:", "declare.global-id (reserved",
     "any value; or null (0x40)\n", "reserved 0x3f\n"},
    {VALUE, "005328c00905a101614340405605", "BAD_BOOLEAN at offset 13:",
     "source.dynamic (in boolean 0x56", "0x00 or 0x01\n", "byte 0x05\n"},
    {VALUE, "a101bf", "BAD_UTF8 at offset 2:", "value (in a string of 1 byte, str8-utf8 0xa1",
     "UTF-8 (RFC 3629)\n", "byte 0xbf at index 0 of the text, which only continues a sequence"},
    {VALUE, "a103e08080", "BAD_UTF8", "", "",
     "byte 0xe0 at index 0 of the text, which begins an overl"},
    {VALUE, "a103eda080", "BAD_UTF8", "", "",
     "byte 0xed at index 0 of the text, which begins a surrog"},
    {VALUE, "a104f4908080", "BAD_UTF8", "", "",
     "byte 0xf4 at index 0 of the text, which begins a number"},
    {VALUE, "b1000000026180", "BAD_UTF8 at offset 6:", "value (in a string of 2 bytes, str32-", "",
     "byte 0x80 at index 1 of the text, which only continues a sequence"},
};

static void test_what_is_wrong_with_a_value(void **state)
{
    (void)state;
    check_examples(value_examples, COUNT_OF(value_examples));
}

static void test_what_is_wrong_with_a_composite(void **state)
{
    static const example examples[] = {
        {PERFORMATIVE, "005314c006034343a00974",
         "TRUNCATED at offset 9:", "transfer.delivery-tag (the size of vbin8 0xa0 at offset 8)",
         "a size of at most 1\n", "declares 9 bytes, with 1 byte left in list8 0xc0 at offset 3\n"},
        {PERFORMATIVE, "005312c01d06a1016c43424040005328c0100840404040404040c10602a301785602",
         "BAD_BOOLEAN at offset 33:", "attach.source.filter{:\"x\"} (in boolean 0x56", "", ""},
        {PERFORMATIVE, "005314c00302433f",
         "UNKNOWN_FORMAT_CODE at offset 7:", "transfer.delivery-id (reserved 0x3f",
         "uint (0x43, 0x52, 0x70); or null (0x40)\n", "reserved 0x3f\n"},
        {PERFORMATIVE, "00a306616d71703a7845", "UNKNOWN_DESCRIPTOR at offset 1:",
         "performative@descriptor (sym8 0xa3 at offset 1)", "open 0x10,", ":\"amqp:x\"\n"},
        {SASL, "00531845", "UNKNOWN_DESCRIPTOR at offset 1:", "close@descriptor",
         "sasl-mechanisms 0x40, sasl-init 0x41, sasl-challenge 0x42, sasl-response 0x43, "
         "sasl-outcome 0x44\n",
         "ulong(24), which is close\n"},
        {PERFORMATIVE, "005318c0050100532445", "UNKNOWN_DESCRIPTOR at offset 7:",
         "close.error@descriptor", "error 0x1d\n", "ulong(36), which is accepted\n"},
        {PERFORMATIVE, "00531045",
         "MISSING_FIELD at offset 4:", "open.container-id (missing in list0 0x45 at offset 3)",
         "string (0xa1, 0xb1)\n", "a list of 0 fields\n"},
        {PERFORMATIVE, "00531145", "MISSING_FIELD at offset 4:", "begin.next-outgoing-id (missing",
         "uint (0x43, 0x52, 0x70)\n", "a list of 0 fields\n"},
        {PERFORMATIVE, "005313c003024040", "MISSING_FIELD at offset 7:",
         "flow.incoming-window (null 0x40", "uint (0x43, 0x52, 0x70)\n", "null 0x40\n"},
        {PERFORMATIVE, "005313c0020043", "MISSING_FIELD at offset 6:",
         "flow.incoming-window (missing", "uint (0x43, 0x52, 0x70)\n", "a list of 0 fields\n"},
        {PERFORMATIVE, "005318c0050100531d45",
         "MISSING_FIELD at offset 10:", "close.error.condition (missing in list0 0x45 at offset 9)",
         "symbol (0xa3, 0xb3)\n", "a list of 0 fields\n"},
        {PERFORMATIVE, "45", "WRONG_TYPE at offset 0:", "performative (list0 0x45 at offset 0)",
         "described (0x00): open 0x10, begin", "list0 0x45\n"},
        {PERFORMATIVE, "005318c10100", "WRONG_TYPE at offset 3:", "close (map8 0xc1 at offset 3)",
         "list (0x45, 0xc0, 0xd0)\n", "map8 0xc1\n"},
        {PERFORMATIVE, "005314c005034343a100",
         "WRONG_TYPE at offset 8:", "transfer.delivery-tag (str8-utf8 0xa1 at offset 8)",
         "binary (0xa0, 0xb0); or null (0x40)\n", "\"\", str8-utf8 0xa1\n"},
        {PERFORMATIVE, "005312c00804a1016143425003",
         "INVALID_FIELD at offset 11:", "attach.snd-settle-mode (ubyte 0x50",
         "ubyte (0x50), one of 0 to 2: unsettled, settled, mixed; or null (0x40)\n",
         "ubyte(3), ubyte 0x50\n"},
        {PERFORMATIVE, "005310c00a03a101614070000001ff",
         "INVALID_FIELD at offset 10:", "open.max-frame-size (uint 0x70",
         "uint (0x43, 0x52, 0x70), at least 512; or null", "uint(511), uint 0x70\n"},
        {PERFORMATIVE, "005312c00502a1016143",
         "MISSING_FIELD at offset 10:", "attach.role (missing",
         "boolean (0x41, 0x42, 0x56), one of false, true: sender, receiver\n",
         "a list of 2 fields\n"},
        {PERFORMATIVE, "005318c003024040",
         "TOO_MANY_FIELDS at offset 5:", "close (the count of list8 0xc0 at offset 3)",
         "at most 1 field: error\n", "declares 2 fields\n"},
        {PERFORMATIVE, "0053184500ff", "UNEXPECTED_PAYLOAD at offset 4:", "close (what follows it)",
         "the end, for only transfer has a payload\n", "2 bytes more\n"},
    };
    (void)state;
    check_examples(examples, COUNT_OF(examples));
}

static void test_what_is_wrong_with_a_message(void **state)
{
    static const example examples[] = {
        {MESSAGE, "00537945", "UNKNOWN_SECTION at offset 1:", "message[0]@descriptor",
         "header 0x70, delivery-annotations 0x71,", "ulong(121)\n"},
        {MESSAGE, "0053704500531045", "UNKNOWN_SECTION at offset 5:", "message.open@descriptor", "",
         "ulong(16), which is open\n"},
        {MESSAGE, "0053734500537045", "SECTION_ORDER at offset 4:", "message.header (described",
         "behind properties: application-properties 0x74, data 0x75, amqp-sequence 0x76, "
         "amqp-value 0x77, footer 0x78, the end of the message\n",
         "header 0x70\n"},
        {MESSAGE, "005375a00000537645", "SECTION_ORDER at offset 5:", "message.amqp-sequence",
         "behind data: data 0x75, footer 0x78, the end", "amqp-sequence 0x76\n"},
        {MESSAGE, "0053774000537740", "SECTION_REPEATED at offset 4:", "message.amqp-value",
         "behind amqp-value: footer 0x78, the end", "amqp-value 0x77\n"},
        {MESSAGE, "005374c10502a1016b3f", "UNKNOWN_FORMAT_CODE at offset 9:",
         "message.application-properties{\"k\"} (reserved 0x3f at offset 9)", "", ""},
        {MESSAGE, "005374c10502a3016b40",
         "WRONG_TYPE at offset 6:", "message.application-properties{key 0} (sym8",
         "a key: string (0xa1, 0xb1)\n", ":\"k\", sym8 0xa3\n"},
        {MESSAGE, "005372c10402540140",
         "WRONG_TYPE at offset 6:", "message.message-annotations{key 0}",
         "a key: symbol (0xa3, 0xb3), ulong (0x44, 0x53, 0x80), string", "int(1), smallint 0x54\n"},
        {MESSAGE, "005373c003015401", "WRONG_TYPE at offset 6:", "message.properties.message-id",
         "ulong (0x44, 0x53, 0x80), uuid (0x98), binary (0xa0, 0xb0), string (0xa1, 0xb1); or null",
         "int(1), smallint 0x54\n"},
        {MESSAGE, "005375a100", "WRONG_TYPE at offset 3:", "message.data (str8-utf8",
         "binary (0xa0, 0xb0)\n", "\"\", str8-utf8 0xa1\n"},
        {MESSAGE, "00537845", "WRONG_TYPE at offset 3:", "message.footer", "map (0xc1, 0xd1)\n",
         "list0 0x45\n"},
        {MESSAGE, "40", "WRONG_TYPE at offset 0:", "message[0] (null 0x40 at offset 0)",
         "described (0x00): header 0x70", "null 0x40\n"},
    };
    (void)state;
    check_examples(examples, COUNT_OF(examples));
}

static void test_what_is_wrong_with_a_frame(void **state)
{
    static const example examples[] = {
        {FRAME, "0000000702000000", "FRAME_SIZE_TOO_SMALL at offset 0:",
         "frame.size (4 bytes at offset 0)", "at least 8, the size of the header\n", "7 bytes\n"},
        {FRAME, "0001000102000000", "FRAME_TOO_LARGE at offset 0:", "frame.size",
         "at most 65536 bytes (limits.frame_size)\n", "65537 bytes\n"},
        {FRAME, "414d515000010000", "FRAME_TOO_LARGE at offset 0:", "frame.size", "at most",
         "1095586128 bytes: a protocol header (AMQP 2.2)?\n"},
        {FRAME, "485454502f312e31", "FRAME_TOO_LARGE at offset 0:", "frame.size", "at most",
         "1213486160 bytes: an answer by HTTP?\n"},
        {FRAME, "1503030002022800", "FRAME_TOO_LARGE at offset 0:", "frame.size", "at most",
         "352518912 bytes: a record of TLS?\n"},
        {FRAME, "0000000c04000000",
         "BAD_DATA_OFFSET at offset 4:", "frame.data-offset (1 byte at offset 4)",
         "2 to 3, in units of 4 bytes\n", "4, in a frame of 12 bytes\n"},
        {FRAME, "0000000802020000", "UNKNOWN_FRAME_TYPE at offset 5:", "frame.type",
         "0 (AMQP) or 1 (SASL)\n", "2\n"},
        {FRAME, "0000000802000100", "BAD_CHANNEL at offset 6:",
         "frame.channel (2 bytes at offset 6)", "at most 255 (limits.channels)\n", "256\n"},
        {FRAME, "0000001402000000005314",
         "NEED_MORE at offset 20:", "frame (behind the last byte, offset 11)",
         "20 bytes, as frame.size says\n", "11 bytes, 9 missing\n"},
        {FRAME, "000000", "NEED_MORE at offset 8:", "frame (behind the last byte, offset 3)",
         "8 bytes, the header of a frame\n", "3 bytes, 5 missing\n"},
        {FRAME, "0000000f03000000ffffffff005310",
         "TRUNCATED at offset 15:", "frame.open (missing in described 0x00 at offset 12)",
         "the value that", "no bytes left\n"},
        {FRAME, "0000000d0201000000534445ff", "MISSING_FIELD at offset 12:",
         "frame.sasl-outcome.code", "ubyte (0x50), one of 0 to 4: ok, auth, sys,", "a list of 0"},
    };
    (void)state;
    check_examples(examples, COUNT_OF(examples));
}

static void test_what_exceeds_a_limit(void **state)
{
    static const example examples[] = {
        {VALUE, "c00401c0024501", "TOO_DEEP at offset 3:", "value[0] (list8 0xc0 at offset 3)",
         "at most 1 levels (limits.depth)\n", "list8 0xc0 on level 2\n"},
        {PERFORMATIVE, "00531745", "TOO_DEEP at offset 3:", "end (list0 0x45 at offset 3)",
         "at most 1 levels (limits.depth)\n", "list0 0x45 on level 2\n"},
    };
    static const example values = {PERFORMATIVE,
                                   "005310c01b0aa1016140404040404040"
                                   "40c10d06a3016140a3016240a3016340",
                                   "TOO_MANY_VALUES at offset 19:",
                                   "open.properties (the count of map8 0xc1 at offset 17)",
                                   "at most 4 nested values in all (limits.performative_values)\n",
                                   "declares 6 elements\n"};
    amqpc_limits limits;
    (void)state;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = 1;
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        check_example(&examples[i], &limits);
    }
    amqpc_limits_init(&limits, sizeof limits);
    limits.performative_values = 4;
    check_example(&values, &limits);
}

static void test_bytes_that_are_in_order(void **state)
{
    (void)state;
    assert_string_equal(explain_hex(VALUE, "5205", NULL), "OK: a value of 2 bytes is in order\n");
    assert_string_equal(explain_hex(VALUE, "4041", NULL),
                        "OK: a value of 1 byte is in order; 1 byte follows\n");
    assert_string_equal(explain_hex(PERFORMATIVE, "00531745", NULL),
                        "OK: a performative of 4 bytes is in order\n");
    assert_string_equal(explain_hex(SASL, "005344c003015000", NULL),
                        "OK: a performative of SASL of 8 bytes is in order\n");
    assert_string_equal(explain_hex(MESSAGE, "", NULL), "OK: a message of 0 bytes is in order\n");
    assert_string_equal(explain_hex(FRAME, "00000008020000000000", NULL),
                        "OK: a frame of 8 bytes is in order; 2 bytes follow\n");
}

static void test_the_account_as_a_whole(void **state)
{
    (void)state;
    assert_string_equal(
        explain_hex(FRAME,
                    "0000004102000000005310c0340aa1026d654040404040404040c12504a30770726f64756374a1"
                    "0d717069642dff2d70726f746f6ea30776657273696f6ea10131",
                    NULL),
        "BAD_UTF8 at offset 45: a string is not UTF-8\n"
        "  where:    frame.open.properties{:\"product\"}"
        " (in a string of 13 bytes, str8-utf8 0xa1 at offset 38)\n"
        "  expected: UTF-8 (RFC 3629)\n"
        "  found:    byte 0xff at index 5 of the text, which begins no sequence\n"
        "  bytes:\n"
        "    00000010  6d 65 40 40 40 40 40 40 40 40 c1 25 04 a3 07 70  me@@@@@@@@.%...p\n"
        "    00000020  72 6f 64 75 63 74 a1 0d 71 70 69 64 2d[ff]2d 70  roduct..qpid-.-p\n"
        "    00000030  72 6f 74 6f 6e a3 07 76 65 72 73 69 6f 6e a1 01  roton..version..\n");
}

/* Lines of 16 bytes, with the bytes at fault in brackets on each; a bar where something is missing.
 */
static void test_the_window_of_bytes(void **state)
{
    (void)state;
    assert_contains(explain_hex(VALUE, "c01301404040404040404040404040404040404040", NULL),
                    "    00000000  c0 13 01 40[40 40 40 40 40 40 40 40 40 40 40 40] ...@");
    assert_contains(explain_hex(VALUE, "c01301404040404040404040404040404040404040", NULL),
                    "    00000010 [40 40 40 40 40]                                  @@@@@\n");
    assert_contains(explain_hex(FRAME, "0000001402000000005314c006034343", NULL),
                    "    00000000  00 00 00 14 02 00 00 00 00 53 14 c0 06 03 43 43|");
    assert_contains(explain_hex(VALUE, "", NULL), "    00000000 |  ");
}

/* Keys are shortened, and escaped; a sequence of UTF-8 is not cut. */
static void test_long_keys(void **state)
{
    (void)state;
    const char *account = explain_hex(VALUE,
                                      "c13302a12f6b0a"
                                      "c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9"
                                      "c3a9c3a9c3a9c3a9c3a9c3a96b6b6b3f",
                                      NULL);
    assert_contains(account, "value{\"k\\n\xc3\xa9");
    assert_contains(account, "\xc3\xa9\"...} (reserved 0x3f");
    account =
        explain_hex(VALUE, "c11c02a0180102030405060708090a0b0c0d0e0f1011121314151617183f", NULL);
    assert_contains(account,
                    "value{binary(0102030405060708090a0b0c0d0e0f1011121314...)} (reserved");
    /* Keys of every other type. */
    assert_contains(explain_hex(VALUE, "c1050256013f", NULL), "TRUNCATED");
    assert_contains(explain_hex(VALUE, "c1040256013f", NULL), "value{true} (reserved");
    assert_contains(explain_hex(VALUE, "c10302453f", NULL), "value{list0 0x45} (reserved");
    assert_contains(explain_hex(VALUE, "c10502c001003f", NULL), "value{list8 0xc0} (reserved");
    assert_contains(explain_hex(VALUE, "c10602005301403f", NULL),
                    "value{described 0x00} (reserved");
}

/* Deep paths are shortened, and end. */
static void test_deep_paths(void **state)
{
    enum { LEVELS = AMQPC_DEPTH_MAX + 8 };
    uint8_t bytes[LEVELS * 9 + 1];
    amqpc_limits limits;
    (void)state;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = AMQPC_DEPTH_MAX;
    for (size_t i = 0; i < LEVELS; i++) {
        uint8_t *at = bytes + 9 * i;
        uint32_t size = (uint32_t)(sizeof bytes - 9 * i - 5);
        memcpy(at, (uint8_t[]){0xd0, 0, 0, (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0, 1}, 9);
    }
    bytes[sizeof bytes - 1] = 0x40;
    const char *account = explain(AMQPC_INPUT_VALUE, bytes, sizeof bytes, &limits);
    assert_contains(account, "TOO_DEEP at offset 1152:");
    assert_contains(account, "value[0][0][0][0][0][0][0][0][0][0][0][0]...(104 more)...[0][0]");
    assert_contains(account, "list32 0xd0 on level 129\n");
}

/* Elements of no size are counted, not walked over (hostile-inputs row 11). */
static void test_row_11_elements_of_no_size_cost_nothing(void **state)
{
    amqpc_limits limits;
    (void)state;
    amqpc_limits_init(&limits, sizeof limits);
    limits.zero_width_elements = AMQPC_UNLIMITED;
    limits.compound_elements = AMQPC_UNLIMITED;
    for (unsigned i = 0; i < 100; i++) {
        const char *account = explain_hex(VALUE, "f000000006ffffffff4000", &limits);
        assert_contains(account, "TRAILING_BYTES at offset 10:");
        assert_contains(account, "the end, behind 4294967295 elements");
        assert_contains(explain_hex(VALUE, "c00c02f000000005ffffffff403f", &limits), "value[1] (");
    }
}

static amqpc_input input_of(const test_vector *vector)
{
    static const char *const kinds[] = {[VALUE] = "value",
                                        [PERFORMATIVE] = "performative",
                                        [SASL] = "sasl",
                                        [MESSAGE] = "message",
                                        [FRAME] = "frame"};
    unsigned input = 0;
    while (input < COUNT_OF(kinds) && strcmp(vector->kind, kinds[input]) != 0) {
        input++;
    }
    assert_true(input < COUNT_OF(kinds));
    return (amqpc_input)input;
}

static void test_every_vector_names_its_status_and_offset(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.count; i++) {
        const test_vector *vector = &vectors.vectors[i];
        char start[80] = "OK: a ";
        if (strcmp(vector->status, "ok") != 0) {
            (void)snprintf(start, sizeof start, "%s at offset %zu: ", vector->status,
                           vector->offset);
        }
        const char *account = explain(input_of(vector), vector->bytes, vector->size, &any_channel);
        if (strncmp(account, start, strlen(start)) != 0) {
            fail_msg("%s:%u: %s: not %s:\n%s", vector->file, vector->line, vector->name, start,
                     account);
        }
    }
}

static void test_row_25_every_truncation_of_every_vector(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.count; i++) {
        const test_vector *vector = &vectors.vectors[i];
        for (size_t size = 0; size < vector->size && size < 1024; size++) {
            const char *account = explain(input_of(vector), vector->bytes, size, &any_channel);
            if (input_of(vector) == AMQPC_INPUT_FRAME && strcmp(vector->status, "ok") == 0) {
                assert_contains(account, "NEED_MORE at offset ");
                assert_contains(account, " missing");
            }
        }
    }
}

/* Every vector as each of the other kinds, and with bytes that are changed: what matters is that
 * there is an account at all (explain checks it), and that sanitizers are content. */
static void test_bytes_of_any_kind(void **state)
{
    uint32_t random = 1;
    (void)state;
    for (size_t i = 0; i < vectors.count; i++) {
        const test_vector *vector = &vectors.vectors[i];
        size_t size = vector->size < 512 ? vector->size : 512;
        for (unsigned round = 0; round < 20 && size > 0; round++) {
            random = random * 1664525u + 1013904223u;
            uint8_t *changed = &vector->bytes[(random >> 8) % size];
            uint8_t before = *changed;
            *changed = round < 5 ? before : (uint8_t)(random >> 24);
            (void)explain((amqpc_input)(round % 5), vector->bytes, size, &any_channel);
            *changed = before;
        }
    }
}

static void test_arguments_that_are_not_valid(void **state)
{
    amqpc_limits limits;
    (void)state;
    amqpc_limits_init(&limits, sizeof limits);
    amqpc_buffer_truncate(buffer, 0);
    limits.depth = 0;
    assert_int_equal(amqpc_explain(AMQPC_INPUT_VALUE, "@", 1, &limits, buffer),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_explain((amqpc_input)5, "@", 1, NULL, buffer), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_buffer_size(buffer), 0);
    assert_int_equal(amqpc_explain(AMQPC_INPUT_VALUE, NULL, 0, NULL, buffer), AMQPC_OK);
}

static void test_a_buffer_that_is_full_stays_as_it_was(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x53, 0x10, 0xc0, 0x04, 0x01, 0xa3, 0x01, 0x61};
    (void)state;
    size_t needed = strlen(explain(AMQPC_INPUT_PERFORMATIVE, bytes, sizeof bytes, NULL)) + 1;
    for (size_t cap = 1; cap <= needed; cap++) {
        amqpc_buffer *small = NULL;
        assert_int_equal(amqpc_buffer_new(NULL, cap, &small), AMQPC_OK);
        assert_int_equal(amqpc_buffer_append(small, "x", 1), AMQPC_OK);
        amqpc_status status =
            amqpc_explain(AMQPC_INPUT_PERFORMATIVE, bytes, sizeof bytes, NULL, small);
        assert_int_equal(status, cap == needed ? AMQPC_OK : AMQPC_BUFFER_FULL);
        assert_int_equal(amqpc_buffer_size(small), cap == needed ? needed : 1);
        assert_int_equal(amqpc_buffer_data(small)[0], 'x');
        amqpc_buffer_free(small);
    }
}

static void explain_scenario(const amqpc_allocator *allocator)
{
    static const uint8_t bytes[] = {0xc1, 0x09, 0x04, 0xa3, 0x01, 0x61,
                                    0x40, 0xa3, 0x01, 0x61, 0x40};
    amqpc_buffer *made = NULL;
    amqpc_status status = amqpc_buffer_new(allocator, SIZE_MAX, &made);
    if (status == AMQPC_OK) {
        status = amqpc_explain(AMQPC_INPUT_VALUE, bytes, sizeof bytes, NULL, made);
        assert_true(status == AMQPC_OK || amqpc_buffer_size(made) == 0);
    }
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    amqpc_buffer_free(made);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    assert_survives_failing_allocations(explain_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_with_a_value),
        cmocka_unit_test(test_what_is_wrong_with_a_composite),
        cmocka_unit_test(test_what_is_wrong_with_a_message),
        cmocka_unit_test(test_what_is_wrong_with_a_frame),
        cmocka_unit_test(test_what_exceeds_a_limit),
        cmocka_unit_test(test_bytes_that_are_in_order),
        cmocka_unit_test(test_the_account_as_a_whole),
        cmocka_unit_test(test_the_window_of_bytes),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_deep_paths),
        cmocka_unit_test(test_row_11_elements_of_no_size_cost_nothing),
        cmocka_unit_test(test_every_vector_names_its_status_and_offset),
        cmocka_unit_test(test_row_25_every_truncation_of_every_vector),
        cmocka_unit_test(test_bytes_of_any_kind),
        cmocka_unit_test(test_arguments_that_are_not_valid),
        cmocka_unit_test(test_a_buffer_that_is_full_stays_as_it_was),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
