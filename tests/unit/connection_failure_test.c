/* How a connection fails: with the frame that was at fault, and close to the peer (AMQP 2.4.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;

static void test_a_failure_shows_the_frame_and_explains_it(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_connection_statistics before = {.struct_size = sizeof before};
    amqpc_connection_get_statistics(pair.client, &before);
    /* An empty frame, then a begin of which the second field is a string. */
    const uint8_t bytes[] = {0, 0, 0, 8, 2,    0,    0,    0,    0,    0,    0,    18,   2,
                             0, 0, 3, 0, 0x53, 0x11, 0xc0, 0x05, 0x02, 0x40, 0xa1, 0x01, 'x'};
    assert_int_equal(engine_feed(pair.client, bytes, sizeof bytes), AMQPC_WRONG_TYPE);
    (void)engine_event(pair.client, AMQPC_EVENT_CONNECTION_FAILED);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_OK);
    assert_int_equal(failure.status, AMQPC_WRONG_TYPE);
    assert_int_equal(failure.input, AMQPC_INPUT_FRAME);
    assert_int_equal(failure.channel, 3);
    assert_int_equal(failure.offset, 15);
    assert_int_equal(failure.position, before.bytes_received + 8);
    assert_int_equal(failure.bytes.size, 18);
    assert_memory_equal(failure.bytes.data, bytes + 8, 18);
    amqpc_buffer *account = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &account), AMQPC_OK);
    assert_int_equal(amqpc_explain((amqpc_input)failure.input, failure.bytes.data,
                                   failure.bytes.size, NULL, account),
                     AMQPC_OK);
    assert_int_equal(amqpc_buffer_append(account, "", 1), AMQPC_OK);
    assert_non_null(strstr((const char *)amqpc_buffer_data(account), "begin.next-outgoing-id"));
    amqpc_buffer_free(account);
    void *place = NULL;
    size_t capacity = 0;
    assert_int_equal(amqpc_connection_input_buffer(pair.client, &place, &capacity),
                     AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_connection_input(pair.client, 0), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_OK); /* sent already */
    assert_false(amqpc_connection_is_finished(pair.client));
    engine_exchange(&pair);
    assert_true(amqpc_connection_is_finished(pair.client));
    amqpc_error error;
    assert_int_equal(amqpc_connection_remote_error(pair.server, &error), AMQPC_OK);
    assert_bytes(error.condition, "amqp:decode-error");
    engine_pair_free(&pair);
}

static void test_a_failure_keeps_512_bytes_of_a_large_frame(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    static char payload[2000];
    amqpc_performative transfer = engine_transfer(0, 0, "");
    transfer.payload = (amqpc_bytes){payload, sizeof payload};
    assert_int_equal(engine_feed_frame(pair.client, 9, &transfer), AMQPC_UNMAPPED_CHANNEL);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_OK);
    assert_int_equal(failure.bytes.size, 512);
    assert_int_equal(failure.channel, 9);
    assert_int_equal(failure.offset, 0);
    engine_pair_free(&pair);
}

static void test_a_failure_before_open_sends_open_and_close(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    engine_exchange(&pair);
    amqpc_performative begin = {.type = AMQPC_COMPOSITE_BEGIN};
    begin.as.begin.present =
        AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_INCOMING_WINDOW | AMQPC_BEGIN_OUTGOING_WINDOW;
    assert_int_equal(engine_feed_frame(pair.server, 0, &begin), AMQPC_ILLEGAL_STATE);
    engine_take_frames(pair.server, &frames);
    assert_int_equal(frames.count, 2);
    assert_int_equal(frames.list[0].type, AMQPC_COMPOSITE_OPEN);
    assert_int_equal(frames.list[1].type, AMQPC_COMPOSITE_CLOSE);
    assert_bytes(frames.list[1].as.close.error.condition, "amqp:illegal-state");
    assert_true(amqpc_connection_is_finished(pair.server));
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_open(pair.server, &open), AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
}

static void test_the_end_of_input_without_close_is_a_failure(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    assert_int_equal(amqpc_connection_input_end(pair.client), AMQPC_STREAM_ENDED);
    assert_int_equal(amqpc_connection_input_end(pair.client), AMQPC_STREAM_ENDED);
    assert_true(amqpc_connection_is_finished(pair.client));
    assert_true(engine_events(pair.client) & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_OK);
    assert_int_equal(failure.status, AMQPC_STREAM_ENDED);
    assert_int_equal(failure.bytes.size, 0);
    assert_int_equal(engine_take_output(pair.client, NULL, 0), 0);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_session_end(pair.client_session, NULL), AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
}

static void test_the_end_of_input_after_a_failure_gives_that_failure(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    const amqpc_performative open = {
        .type = AMQPC_COMPOSITE_OPEN,
        .as.open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("again")}};
    assert_int_equal(engine_feed_frame(pair.client, 0, &open), AMQPC_ILLEGAL_STATE);
    assert_int_equal(amqpc_connection_input_end(pair.client), AMQPC_ILLEGAL_STATE);
    engine_pair_free(&pair);
}

static void test_more_input_than_was_lent_is_refused(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    void *place = NULL;
    size_t capacity = 0;
    assert_int_equal(amqpc_connection_input_buffer(pair.client, &place, &capacity), AMQPC_OK);
    assert_true(capacity >= 1);
    assert_int_equal(amqpc_connection_input(pair.client, capacity + 1), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_connection_input(pair.client, 0), AMQPC_OK);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_shows_the_frame_and_explains_it),
        cmocka_unit_test(test_a_failure_keeps_512_bytes_of_a_large_frame),
        cmocka_unit_test(test_a_failure_before_open_sends_open_and_close),
        cmocka_unit_test(test_the_end_of_input_without_close_is_a_failure),
        cmocka_unit_test(test_the_end_of_input_after_a_failure_gives_that_failure),
        cmocka_unit_test(test_more_input_than_was_lent_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
