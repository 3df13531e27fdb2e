/* The frame trace: what its lines say and hide, and how the ring keeps whole lines. */
#include "engine/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

enum { RING = 65536, LINE_MAX_SIZE = 1024 };

#define BYTES(text)                                                                                \
    (amqpc_bytes)                                                                                  \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static amqpci_trace *new_trace(size_t size)
{
    amqpci_trace *trace = NULL;
    assert_int_equal(amqpci_trace_new(NULL, size, &trace), AMQPC_OK);
    return trace;
}

/* Appends the frame to `data`; gives the new size. */
static size_t add_frame(uint8_t *data, size_t capacity, size_t size, uint16_t channel,
                        const amqpc_performative *performative)
{
    amqpc_frame_type type =
        performative->type >= AMQPC_COMPOSITE_SASL_MECHANISMS ? AMQPC_FRAME_SASL : AMQPC_FRAME_AMQP;
    size_t written = 0;
    assert_int_equal(
        amqpc_frame_write(type, channel, performative, data + size, capacity - size, &written),
        AMQPC_OK);
    return size + written;
}

static void trace_performative(amqpci_trace *trace, bool sent, uint16_t channel,
                               const amqpc_performative *performative)
{
    static uint8_t data[RING];
    size_t size = add_frame(data, sizeof data, 0, channel, performative);
    amqpci_trace_frames(trace, sent, data, size);
}

static amqpc_performative transfer(uint32_t delivery_id, amqpc_bytes payload)
{
    amqpc_performative made = {.type = AMQPC_COMPOSITE_TRANSFER, .payload = payload};
    made.as.transfer.present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID;
    made.as.transfer.delivery_id = delivery_id;
    return made;
}

/* Reads all there is; a string, until the next call. */
static const char *read_all(amqpci_trace *trace)
{
    static char text[RING + 1];
    text[amqpci_trace_read(trace, text, RING)] = '\0';
    return text;
}

static void assert_lines(amqpci_trace *trace, const char *expected)
{
    assert_string_equal(read_all(trace), expected);
    amqpci_trace_free(trace);
}

static bool contains(const char *data, size_t size, const char *needle)
{
    size_t length = strlen(needle);
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(data + i, needle, length) == 0) {
            return true;
        }
    }
    return false;
}

static void test_each_frame_of_a_piece_is_a_line_with_channel_and_payload_size(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    uint8_t data[1024];
    uint8_t payload[100] = {0};
    amqpc_performative sent = transfer(7, (amqpc_bytes){payload, sizeof payload});
    amqpc_performative end = {.type = AMQPC_COMPOSITE_END};
    amqpc_performative empty = {.type = AMQPC_COMPOSITE_NONE};
    (void)state;
    size_t size = add_frame(data, sizeof data, 0, 0, &sent);
    size = add_frame(data, sizeof data, size, 65535, &end);
    size = add_frame(data, sizeof data, size, 3, &empty);
    amqpci_trace_frames(trace, true, data, size);
    amqpci_trace_frames(trace, false, data, size);
    assert_lines(trace, "-> 0 transfer(handle=0, delivery-id=7) payload 100 B\n"
                        "-> 65535 end()\n"
                        "-> 3 empty\n"
                        "<- 0 transfer(handle=0, delivery-id=7) payload 100 B\n"
                        "<- 65535 end()\n"
                        "<- 3 empty\n");
}

static void test_payloads_are_not_shown(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    amqpc_performative sent = transfer(1, BYTES("token-in-a-message"));
    (void)state;
    trace_performative(trace, true, 0, &sent);
    assert_lines(trace, "-> 0 transfer(handle=0, delivery-id=1) payload 18 B\n");
}

/* A payload that is sent by reference does not lie behind its performative. */
static void test_the_last_transfer_of_a_piece_may_lack_its_payload(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    uint8_t data[1024];
    uint8_t payload[100] = {0};
    amqpc_performative sent = transfer(7, (amqpc_bytes){payload, sizeof payload});
    (void)state;
    size_t size = add_frame(data, sizeof data, 0, 0, &sent);
    amqpci_trace_frames(trace, true, data, size - 100);
    amqpci_trace_frames(trace, true, data, size - 1);
    assert_lines(trace, "-> 0 transfer(handle=0, delivery-id=7) payload 100 B\n"
                        "-> 0 transfer(handle=0, delivery-id=7) payload 100 B\n");
}

static void test_protocol_headers_are_named(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    (void)state;
    amqpci_trace_frames(trace, true, "AMQP\0\1\0\0", 8);
    amqpci_trace_frames(trace, true, "AMQP\3\1\0\0", 8);
    amqpci_trace_frames(trace, false, "AMQP\2\1\0\0", 8);
    amqpci_trace_frames(trace, false, "AMQP\0\0\x09\1", 8);
    assert_lines(trace, "-> AMQP header\n"
                        "-> SASL header\n"
                        "<- TLS header\n"
                        "<- ? header 414d515000000901: BAD_PROTOCOL_HEADER\n");
}

/* What SASL exchanges, each with a text that must not be found anywhere. */
static amqpc_performative sasl_performative(uint32_t type, amqpc_bytes secret)
{
    amqpc_performative made = {.type = type};
    switch (type) {
    case AMQPC_COMPOSITE_SASL_INIT:
        made.as.sasl_init = (amqpc_sasl_init){
            .present = AMQPC_SASL_INIT_MECHANISM | AMQPC_SASL_INIT_INITIAL_RESPONSE |
                       AMQPC_SASL_INIT_HOSTNAME,
            .mechanism = BYTES("PLAIN"),
            .initial_response = secret,
            .hostname = BYTES("broker"),
        };
        break;
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        made.as.sasl_challenge =
            (amqpc_sasl_challenge){.present = AMQPC_SASL_CHALLENGE_CHALLENGE, .challenge = secret};
        break;
    case AMQPC_COMPOSITE_SASL_RESPONSE:
        made.as.sasl_response =
            (amqpc_sasl_response){.present = AMQPC_SASL_RESPONSE_RESPONSE, .response = secret};
        break;
    default:
        made.as.sasl_outcome = (amqpc_sasl_outcome){
            .present = AMQPC_SASL_OUTCOME_CODE | AMQPC_SASL_OUTCOME_ADDITIONAL_DATA,
            .code = 1,
            .additional_data = secret,
        };
        break;
    }
    return made;
}

/* Neither in text nor in the digits of the notation. */
static void assert_hides_secret(const char *text, size_t size)
{
    assert_false(contains(text, size, "s3cret"));
    assert_false(contains(text, size, "733363726574"));
}

static void test_what_sasl_exchanges_is_given_by_its_size(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    (void)state;
    for (uint32_t type = AMQPC_COMPOSITE_SASL_INIT; type <= AMQPC_COMPOSITE_SASL_OUTCOME; type++) {
        amqpc_performative sent = sasl_performative(type, BYTES("\0user\0s3cret"));
        trace_performative(trace, false, 0, &sent);
    }
    const char *text = read_all(trace);
    assert_string_equal(
        text, "<- sasl sasl-init(mechanism=:\"PLAIN\", hostname=\"broker\") initial-response 12 B\n"
              "<- sasl sasl-challenge() challenge 12 B\n"
              "<- sasl sasl-response() response 12 B\n"
              "<- sasl sasl-outcome(code=auth) additional-data 12 B\n");
    assert_hides_secret(text, strlen(text));
    amqpci_trace_free(trace);
}

static void test_pitfall_18_an_absent_initial_response_differs_from_an_empty_one(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    amqpc_performative init = sasl_performative(AMQPC_COMPOSITE_SASL_INIT, BYTES(""));
    (void)state;
    init.as.sasl_init.present &= ~AMQPC_SASL_INIT_HOSTNAME;
    trace_performative(trace, true, 0, &init);
    init.as.sasl_init.present &= ~AMQPC_SASL_INIT_INITIAL_RESPONSE;
    trace_performative(trace, true, 0, &init);
    assert_lines(trace, "-> sasl sasl-init(mechanism=:\"PLAIN\") initial-response 0 B\n"
                        "-> sasl sasl-init(mechanism=:\"PLAIN\")\n");
}

static void test_mechanisms_are_shown_and_sasl_frames_may_be_empty(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    static const uint8_t mechanisms[] = {0,    0, 0, 22,   2, 1,   0,   0,   0,   0x53, 0x40,
                                         0xc0, 9, 1, 0xa3, 5, 'P', 'L', 'A', 'I', 'N',  '!'};
    static const uint8_t empty[] = {0, 0, 0, 8, 2, 1, 0, 0};
    uint8_t frame[sizeof mechanisms - 1];
    (void)state;
    memcpy(frame, mechanisms, sizeof frame);
    frame[3] = sizeof frame;
    frame[12] = 8;
    amqpci_trace_frames(trace, true, frame, sizeof frame);
    amqpci_trace_frames(trace, true, empty, sizeof empty);
    assert_lines(trace, "-> sasl sasl-mechanisms(sasl-server-mechanisms=[:\"PLAIN\"])\n"
                        "-> sasl empty\n");
}

/* Every frame with a secret, changed in every byte in every bit, and cut behind every byte: what
 * does not parse is not shown; row 41: nor what stands in a frame of the other type. */
static void test_row_41_no_damaged_frame_gives_a_secret_away(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    uint8_t data[256];
    (void)state;
    for (uint32_t type = AMQPC_COMPOSITE_SASL_INIT; type <= AMQPC_COMPOSITE_SASL_OUTCOME; type++) {
        amqpc_performative sent = sasl_performative(type, BYTES("s3cret"));
        size_t size = add_frame(data, sizeof data, 0, 0, &sent);
        for (size_t bit = 0; bit < size * 8; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            amqpci_trace_frames(trace, true, data, size);
            const char *text = read_all(trace);
            assert_true(strlen(text) > 0);
            assert_hides_secret(text, strlen(text));
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 1; cut < size; cut++) {
            amqpci_trace_frames(trace, true, data, cut);
            const char *text = read_all(trace);
            assert_non_null(strstr(text, "-> "));
            assert_hides_secret(text, strlen(text));
        }
    }
    amqpci_trace_free(trace);
}

static void test_what_cannot_be_parsed_is_a_line_that_says_why(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    /* An unknown descriptor, then end(): the first frame's size leads to the second. */
    static const uint8_t unknown[] = {0, 0, 0, 12, 2, 0, 0, 5, 0, 0x53, 0x7f, 0x45,
                                      0, 0, 0, 12, 2, 0, 0, 5, 0, 0x53, 0x17, 0x45};
    static const uint8_t bad_offset[] = {0, 0, 0, 12, 1, 0, 0, 0, 0, 0x53, 0x17, 0x45};
    static const uint8_t cut[] = {0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 0x17, 0x45};
    static const uint8_t extended[] = {0, 0, 0, 16, 4, 0, 0, 0, 1, 2, 3};
    static const uint8_t in_sasl[] = {0, 0, 0, 12, 2, 1, 0, 0, 0, 0x53, 0x17, 0x45};
    (void)state;
    amqpci_trace_frames(trace, false, unknown, sizeof unknown);
    amqpci_trace_frames(trace, false, bad_offset, sizeof bad_offset);
    amqpci_trace_frames(trace, false, cut, 11);
    amqpci_trace_frames(trace, false, cut, 8);
    amqpci_trace_frames(trace, false, cut, 7);
    amqpci_trace_frames(trace, false, extended, sizeof extended);
    amqpci_trace_frames(trace, false, in_sasl, sizeof in_sasl);
    amqpci_trace_frames(trace, false, "HTTP/1.1", 8);
    assert_lines(trace, "<- 5 ? 4 B that are no performative: UNKNOWN_DESCRIPTOR\n"
                        "<- 5 end()\n"
                        "<- ? 12 B that are no frame: BAD_DATA_OFFSET\n"
                        "<- 0 ? 4 B that are no performative: TRUNCATED\n"
                        "<- 0 ? 4 B that are no performative: TRUNCATED\n"
                        "<- ? 7 B that are no frame: NEED_MORE\n"
                        "<- ? 11 B that are no frame: NEED_MORE\n"
                        "<- sasl ? 4 B that are no performative: UNKNOWN_DESCRIPTOR\n"
                        "<- ? 8 B that are no frame: UNKNOWN_FRAME_TYPE\n");
}

/* close() is whole, but its frame is said to be longer: only a transfer has a payload. */
static void
test_row_42_what_should_follow_another_performative_is_not_taken_for_payload(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    static const uint8_t longer[] = {0, 0, 0, 13, 2, 0, 0, 0, 0, 0x53, 0x18, 0x45, 0x40};
    (void)state;
    amqpci_trace_frames(trace, false, longer, 12);
    amqpci_trace_frames(trace, false, longer, 13);
    assert_lines(trace, "<- 0 ? 5 B that are no performative: NEED_MORE\n"
                        "<- 0 ? 5 B that are no performative: UNEXPECTED_PAYLOAD\n");
}

/* Row 11: the array of a flow's properties says that it has 2^32-1 nulls. */
static void test_row_11_a_bomb_of_nulls_is_not_printed(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    static const uint8_t bomb[] = {0,    0,    0,  58,   2,    0,    0,    0,    0,    0x53, 0x13,
                                   0xc0, 45,   11, 0x43, 0x43, 0x43, 0x43, 0x40, 0x40, 0x40, 0x40,
                                   0x40, 0x40, /* up to echo */
                                   0xd1, 0,    0,  0,    29,   0,    0,    0,    2,    0xa1, 1,
                                   'k',  0xf0, 0,  0,    0,    5,    0xff, 0xff, 0xff, 0xff, 0x40};
    uint8_t frame[sizeof bomb];
    (void)state;
    memcpy(frame, bomb, sizeof frame);
    frame[3] = sizeof frame;                  /* frame */
    frame[12] = (uint8_t)(sizeof frame - 13); /* list8 */
    frame[28] = (uint8_t)(sizeof frame - 29); /* map32 */
    amqpci_trace_frames(trace, false, frame, sizeof frame);
    const char *text = read_all(trace);
    assert_non_null(strstr(text, "that are no performative: TOO_MANY_ZERO_WIDTH"));
    amqpci_trace_free(trace);
}

static amqpc_performative close_with(const char *description, size_t size)
{
    amqpc_performative made = {.type = AMQPC_COMPOSITE_CLOSE};
    made.as.close.present = AMQPC_CLOSE_ERROR;
    made.as.close.error.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION;
    made.as.close.error.condition = BYTES("amqp:internal-error");
    made.as.close.error.description = (amqpc_bytes){description, size};
    return made;
}

static void test_a_long_line_is_cut_and_still_ends(void **state)
{
    static const char start[] =
        "<- 0 close(error=error(condition=:\"amqp:internal-error\", description=\"xxxx";
    static char text[60000];
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t size = 800; size < 1100; size++) {
        amqpci_trace *trace = new_trace(RING);
        amqpc_performative sent = close_with(text, size);
        trace_performative(trace, false, 0, &sent);
        const char *line = read_all(trace);
        size_t length = strlen(line);
        bool cut = strstr(line, "x...\n") == line + length - 5;
        bool whole = strstr(line, "x\"))\n") == line + length - 5;
        assert_true(length <= LINE_MAX_SIZE);
        assert_memory_equal(line, start, sizeof start - 1);
        assert_true(cut != whole);
        assert_int_equal(whole, size + sizeof start - 5 + 3 <= LINE_MAX_SIZE - 64);
        amqpci_trace_free(trace);
    }
    /* Too long for what a line is made in: the text itself is left out. */
    amqpci_trace *trace = new_trace(RING);
    amqpc_performative sent = close_with(text, sizeof text);
    trace_performative(trace, false, 0, &sent);
    assert_lines(trace,
                 "<- 0 close(error=error(condition=:\"amqp:internal-error\", description=\"...\n");
}

static void test_a_line_is_cut_between_characters(void **state)
{
    static const uint8_t euro[] = {0xe2, 0x82, 0xac};
    char text[3003];
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        size_t size = shift;
        memset(text, 'x', shift);
        for (; size + 3 <= sizeof text; size += 3) {
            memcpy(text + size, euro, sizeof euro);
        }
        amqpci_trace *trace = new_trace(RING);
        amqpc_performative sent = close_with(text, size);
        trace_performative(trace, false, 0, &sent);
        const char *line = read_all(trace);
        size_t length = strlen(line);
        assert_in_range(length, LINE_MAX_SIZE - 64 - 3, LINE_MAX_SIZE);
        assert_string_equal(line + length - 7, "\xe2\x82\xac...\n");
        amqpci_trace_free(trace);
    }
}

/* What follows the performative is not cut with it. */
static void test_a_cut_transfer_still_says_the_size_of_its_payload(void **state)
{
    amqpci_trace *trace = new_trace(RING);
    /* described by ulong 1, a binary of 4,000 bytes */
    static const uint8_t described[8 + 4000] = {0, 0x53, 1, 0xb0, 0, 0, 0x0f, 0xa0};
    amqpc_performative sent = transfer(1, BYTES("payload"));
    (void)state;
    sent.as.transfer.present |= AMQPC_TRANSFER_STATE;
    assert_int_equal(
        amqpc_value_decode(described, sizeof described, NULL, &sent.as.transfer.state, NULL),
        AMQPC_OK);
    trace_performative(trace, true, 0, &sent);
    const char *line = read_all(trace);
    assert_true(strlen(line) <= LINE_MAX_SIZE);
    assert_non_null(strstr(line, "000... payload 7 B\n"));
    amqpci_trace_free(trace);
}

/* Lines of 15 bytes ("-> 65535 end()\n") take 17 in the ring. */
enum { SHORT_LINE = 15, SHORT_STORED = 17 };

static void trace_ends(amqpci_trace *trace, unsigned count, unsigned first)
{
    amqpc_performative end = {.type = AMQPC_COMPOSITE_END};
    for (unsigned i = 0; i < count; i++) {
        trace_performative(trace, true, (uint16_t)(10000 + first + i), &end);
    }
}

/* That the text is the lines of numbers `first` to `last`, and nothing else. */
static void assert_ends(const char *text, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        char line[SHORT_LINE + 1];
        assert_int_equal(snprintf(line, sizeof line, "-> %u end()\n", 10000 + i), SHORT_LINE);
        assert_memory_equal(text, line, SHORT_LINE);
        text += SHORT_LINE;
    }
    assert_string_equal(text, "");
}

static void test_the_oldest_lines_are_overwritten_whole(void **state)
{
    (void)state;
    for (size_t size = SHORT_STORED; size < 12 * SHORT_STORED; size++) {
        for (unsigned count = 1; count < 40; count++) {
            unsigned kept = (unsigned)(size / SHORT_STORED);
            kept = kept < count ? kept : count;
            amqpci_trace *trace = new_trace(size);
            trace_ends(trace, count, 0);
            assert_ends(read_all(trace), count - kept, count - 1);
            assert_string_equal(read_all(trace), "");
            amqpci_trace_free(trace);
        }
    }
}

/* A long line needs the room of several short ones. */
static void test_a_long_line_drops_as_many_old_ones_as_it_needs(void **state)
{
    static char text[60];
    amqpci_trace *trace = new_trace((size_t)10 * SHORT_STORED);
    (void)state;
    memset(text, 'x', sizeof text);
    trace_ends(trace, 10, 0);
    amqpc_performative sent = close_with(text, 30);
    trace_performative(trace, true, 0, &sent); /* 71 + 30 + 3 bytes, and 2: room of 7 lines */
    const char *lines = read_all(trace);
    const char *closing = strstr(lines, "-> 0 close");
    assert_non_null(closing);
    assert_int_equal(closing - lines, 3 * SHORT_LINE);
    assert_memory_equal(lines, "-> 10007 end()\n-> 10008 end()\n-> 10009 end()\n",
                        (size_t)3 * SHORT_LINE);
    amqpci_trace_free(trace);
}

static void test_reading_takes_whole_lines_as_many_as_fit(void **state)
{
    char text[5 * SHORT_LINE + 1] = {0};
    (void)state;
    for (size_t capacity = 0; capacity <= (size_t)5 * SHORT_LINE; capacity++) {
        amqpci_trace *trace = new_trace(RING);
        trace_ends(trace, 4, 0);
        size_t fit = capacity / SHORT_LINE < 4 ? capacity / SHORT_LINE : 4;
        size_t size = amqpci_trace_read(trace, text, capacity);
        assert_int_equal(size, fit * SHORT_LINE);
        if (fit > 0) {
            text[size] = '\0';
            assert_ends(text, 0, (unsigned)fit - 1);
        }
        /* The rest is still there. */
        const char *rest = read_all(trace);
        assert_int_equal(strlen(rest), (4 - fit) * SHORT_LINE);
        amqpci_trace_free(trace);
    }
}

/* Reading in turns with writing: the ring's ends meet at every place, and no line is lost. */
static void test_what_is_read_in_time_is_never_overwritten(void **state)
{
    (void)state;
    for (size_t size = (size_t)3 * SHORT_STORED; size < 5 * SHORT_STORED; size++) {
        amqpci_trace *trace = new_trace(size);
        for (unsigned i = 0; i < 100; i++) {
            unsigned count = 1 + i % 3;
            trace_ends(trace, count, i);
            assert_ends(read_all(trace), i, i + count - 1);
        }
        amqpci_trace_free(trace);
    }
}

static void test_a_line_that_is_longer_than_the_ring_leaves_the_others(void **state)
{
    amqpci_trace *trace = new_trace((size_t)3 * SHORT_STORED);
    static char text[200];
    amqpc_performative sent = close_with(text, sizeof text);
    (void)state;
    memset(text, 'x', sizeof text);
    trace_ends(trace, 3, 0);
    trace_performative(trace, true, 0, &sent);
    assert_ends(read_all(trace), 0, 2);
    amqpci_trace_free(trace);
    for (size_t size = 0; size < SHORT_STORED; size++) {
        trace = new_trace(size);
        trace_ends(trace, 2, 0);
        assert_string_equal(read_all(trace), "");
        amqpci_trace_free(trace);
    }
}

static void scenario(const amqpc_allocator *allocator)
{
    amqpci_trace *trace = NULL;
    amqpc_status status = amqpci_trace_new(allocator, 4096, &trace);
    if (status != AMQPC_OK) {
        assert_int_equal(status, AMQPC_NO_MEMORY);
        assert_null(trace);
        return;
    }
    trace_ends(trace, 1, 0);
    assert_ends(read_all(trace), 0, 0);
    amqpci_trace_free(trace);
}

static void test_row_101_a_line_without_memory_is_left_out(void **state)
{
    static char text[2000];
    failing_allocator failing;
    amqpci_trace *trace = NULL;
    (void)state;
    memset(text, 'x', sizeof text);
    amqpc_performative sent = close_with(text, sizeof text);
    assert_survives_failing_allocations(scenario);
    /* Only a text of more than a line takes more memory. */
    failing_allocator_init(&failing, 3);
    assert_int_equal(amqpci_trace_new(&failing.allocator, 4096, &trace), AMQPC_OK);
    trace_ends(trace, 1000, 0);
    assert_int_equal(failing.allocations, 3); /* trace with ring, buffer, its bytes */
    (void)read_all(trace);
    trace_ends(trace, 1, 0);
    trace_performative(trace, true, 0, &sent);
    assert_int_equal(failing.allocations, 4);
    trace_ends(trace, 1, 1);
    assert_ends(read_all(trace), 0, 1);
    trace_performative(trace, true, 0, &sent);
    assert_non_null(strstr(read_all(trace), "xxx...\n"));
    amqpci_trace_free(trace);
    assert_int_equal(failing.live, 0);
}

static void test_a_ring_of_impossible_size_is_refused(void **state)
{
    amqpci_trace *trace = NULL;
    (void)state;
    assert_int_equal(amqpci_trace_new(NULL, SIZE_MAX, &trace), AMQPC_NO_MEMORY);
    assert_null(trace);
    amqpci_trace_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_frame_of_a_piece_is_a_line_with_channel_and_payload_size),
        cmocka_unit_test(test_payloads_are_not_shown),
        cmocka_unit_test(test_the_last_transfer_of_a_piece_may_lack_its_payload),
        cmocka_unit_test(test_protocol_headers_are_named),
        cmocka_unit_test(test_what_sasl_exchanges_is_given_by_its_size),
        cmocka_unit_test(test_pitfall_18_an_absent_initial_response_differs_from_an_empty_one),
        cmocka_unit_test(test_mechanisms_are_shown_and_sasl_frames_may_be_empty),
        cmocka_unit_test(test_row_41_no_damaged_frame_gives_a_secret_away),
        cmocka_unit_test(test_what_cannot_be_parsed_is_a_line_that_says_why),
        cmocka_unit_test(
            test_row_42_what_should_follow_another_performative_is_not_taken_for_payload),
        cmocka_unit_test(test_row_11_a_bomb_of_nulls_is_not_printed),
        cmocka_unit_test(test_a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(test_a_line_is_cut_between_characters),
        cmocka_unit_test(test_a_cut_transfer_still_says_the_size_of_its_payload),
        cmocka_unit_test(test_the_oldest_lines_are_overwritten_whole),
        cmocka_unit_test(test_a_long_line_drops_as_many_old_ones_as_it_needs),
        cmocka_unit_test(test_reading_takes_whole_lines_as_many_as_fit),
        cmocka_unit_test(test_what_is_read_in_time_is_never_overwritten),
        cmocka_unit_test(test_a_line_that_is_longer_than_the_ring_leaves_the_others),
        cmocka_unit_test(test_row_101_a_line_without_memory_is_left_out),
        cmocka_unit_test(test_a_ring_of_impossible_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
