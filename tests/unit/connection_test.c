/* Connections: options, open and close, and what is known of them (AMQP 2.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;

/* --- Options. */

static void assert_refused(const amqpc_connection_options *options)
{
    amqpc_connection *connection = NULL;
    assert_int_equal(amqpc_connection_new(NULL, options, &connection), AMQPC_INVALID_ARGUMENT);
    assert_null(connection);
}

static void test_zero_and_unknown_options_are_refused(void **state)
{
    (void)state;
    amqpc_connection_options valid;
    amqpc_connection_options_init(&valid, sizeof valid);
    amqpc_connection_options options = valid;
    options.role = AMQPC_SERVER + 1;
    assert_refused(&options);
    options = valid;
    options.handles_max = 0;
    assert_refused(&options);
    options = valid;
    options.unsettled_max = 0;
    assert_refused(&options);
    options = valid;
    options.message_size = 0;
    assert_refused(&options);
    options = valid;
    options.partial_size = 0;
    assert_refused(&options);
    options = valid;
    options.retained_size = 0;
    assert_refused(&options);
    options = valid;
    options.output_size = 0;
    assert_refused(&options);
    options = valid;
    options.input_slab_size = 0;
    assert_refused(&options);
    options = valid;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = 511;
    options.limits = &limits;
    assert_refused(&options);
}

static void test_sasl_needs_32_random_bytes(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    amqpc_sasl_options sasl;
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    options.sasl = &sasl;
    options.random = (amqpc_bytes){"0123456789012345678901234567890", 31};
    assert_refused(&options);
    options.random = (amqpc_bytes){"01234567890123456789012345678901", 32};
    amqpc_connection *connection = NULL;
    assert_int_equal(amqpc_connection_new(NULL, &options, &connection), AMQPC_OK);
    amqpc_connection_free(connection);
}

static void test_options_of_an_older_caller_get_the_defaults_behind_them(void **state)
{
    (void)state;
    amqpc_connection_options options;
    memset(&options, 0xee, sizeof options);
    size_t size = offsetof(amqpc_connection_options, limits);
    amqpc_connection_options_init(&options, size);
    assert_int_equal(options.struct_size, size);
    assert_int_equal(*(const uint8_t *)&options.limits, 0xee);
    amqpc_connection *connection = NULL;
    assert_int_equal(amqpc_connection_new(NULL, &options, &connection), AMQPC_OK);
    amqpc_connection_free(connection);
    amqpc_connection_free(NULL);
}

static void test_no_options_make_a_client(void **state)
{
    (void)state;
    amqpc_connection *connection = NULL;
    assert_int_equal(amqpc_connection_new(NULL, NULL, &connection), AMQPC_OK);
    amqpc_bytes vectors[2];
    size_t count = 0;
    assert_int_equal(amqpc_connection_output(connection, vectors, 0, &count), AMQPC_OK);
    assert_int_equal(count, 0);
    assert_int_equal(amqpc_connection_output(connection, vectors, 2, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(vectors[0].size, AMQPC_PROTOCOL_HEADER_SIZE);
    assert_memory_equal(vectors[0].data, "AMQP\0\1\0\0", 8);
    assert_int_equal(amqpc_connection_get_state(connection), AMQPC_CONNECTION_HEADER_SENT);
    amqpc_connection_free(connection);
}

/* --- open. */

static void test_open_says_what_the_options_say(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = 4096;
    limits.channels = 7;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.limits = &limits;
    options.idle_timeout_ms = 1001;
    engine_pair pair;
    engine_pair_make(&pair, NULL, &options, NULL);
    amqpc_open open = {
        .present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_HOSTNAME | AMQPC_OPEN_MAX_FRAME_SIZE |
                   AMQPC_OPEN_CHANNEL_MAX,
        .container_id = engine_text("me"),
        .hostname = engine_text("host"),
        .max_frame_size = 1,
        .channel_max = 1,
    };
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_INVALID_STATE);
    amqpc_open remote;
    assert_int_equal(amqpc_connection_remote_open(pair.server, &remote), AMQPC_NOT_FOUND);
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_CONNECTION_OPEN);
    assert_int_equal(amqpc_connection_remote_open(pair.server, &remote), AMQPC_OK);
    assert_bytes(remote.container_id, "me");
    assert_bytes(remote.hostname, "host");
    assert_int_equal(remote.max_frame_size, 4096);
    assert_int_equal(remote.channel_max, 6);
    assert_int_equal(remote.idle_time_out, 500);
    engine_pair_free(&pair);
}

static void test_all_channels_are_advertised_as_65535(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.channels = AMQPC_UNLIMITED;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.limits = &limits;
    engine_pair pair;
    engine_pair_open_with(&pair, &options, NULL);
    amqpc_open remote;
    assert_int_equal(amqpc_connection_remote_open(pair.server, &remote), AMQPC_OK);
    assert_int_equal(remote.channel_max, UINT16_MAX);
    assert_false(remote.present & AMQPC_OPEN_IDLE_TIME_OUT);
    engine_pair_free(&pair);
}

static void test_open_without_a_container_id_is_refused_and_may_be_tried_again(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    amqpc_open open = {.present = 0};
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_MISSING_FIELD);
    static char large[9000];
    memset(large, 'a', sizeof large);
    open.present = AMQPC_OPEN_CONTAINER_ID;
    open.container_id = (amqpc_bytes){large, sizeof large};
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_FRAME_TOO_LARGE);
    open.container_id = engine_text("small");
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_CONNECTION_OPEN);
    engine_pair_free(&pair);
}

static void test_states_follow_what_crosses(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_get_state(pair.server), AMQPC_CONNECTION_START);
    engine_exchange(&pair);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_HEADER_EXCHANGED);
    assert_int_equal(amqpc_connection_get_state(pair.server), AMQPC_CONNECTION_HEADER_EXCHANGED);
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPEN_SENT);
    engine_exchange(&pair);
    assert_int_equal(amqpc_connection_get_state(pair.server), AMQPC_CONNECTION_OPEN_RECEIVED);
    assert_int_equal(amqpc_connection_open(pair.server, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_get_state(pair.server), AMQPC_CONNECTION_OPENED);
    engine_exchange(&pair);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPENED);
    engine_pair_free(&pair);
}

static void test_a_client_pipelines_open_begin_and_attach_in_one_piece(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("queue")};
    assert_int_equal(amqpc_session_new(pair.client, &pair.client_session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair.client_session, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPEN_PIPE);
    assert_int_equal(amqpc_session_begin(pair.client_session, NULL), AMQPC_OK);
    assert_int_equal(
        amqpc_link_new(pair.client_session, AMQPC_ROLE_RECEIVER, engine_text("l"), &pair.receiver),
        AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 5), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, &source, NULL), AMQPC_OK);
    assert_int_equal(engine_forward(pair.client, pair.server, &frames), AMQPC_OK);
    assert_int_equal(frames.headers, 1);
    assert_int_equal(frames.count, 4); /* open, begin, attach, flow */
    assert_false(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.present &
                 AMQPC_FLOW_DELIVERY_COUNT);
    (void)engine_event(pair.server, AMQPC_EVENT_CONNECTION_OPEN);
    pair.server_session = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    pair.sender = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_connection_open(pair.server, &open), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair.server_session, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair.sender, NULL, NULL, NULL), AMQPC_OK);
    (void)engine_send(pair.sender, "pipelined");
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_bytes(delivery.payload, "pipelined");
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

/* --- close. */

static void test_close_is_answered_and_both_are_finished(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
                         .condition = engine_text("amqp:connection:forced"),
                         .description = engine_text("going down")};
    assert_int_equal(amqpc_connection_close(pair.client, &error), AMQPC_OK);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_OK);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_CLOSE_SENT);
    assert_false(amqpc_connection_is_finished(pair.client));
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_CONNECTION_CLOSE);
    amqpc_error remote;
    assert_int_equal(amqpc_connection_remote_error(pair.server, &remote), AMQPC_OK);
    assert_bytes(remote.condition, "amqp:connection:forced");
    assert_bytes(remote.description, "going down");
    assert_int_equal(amqpc_connection_get_state(pair.server), AMQPC_CONNECTION_CLOSE_RECEIVED);
    void *place = NULL;
    size_t capacity = 0;
    assert_int_equal(amqpc_connection_input_buffer(pair.server, &place, &capacity),
                     AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_connection_remote_error(pair.client, &remote), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_OK);
    assert_false(amqpc_connection_is_finished(pair.server));
    engine_exchange(&pair);
    assert_true(amqpc_connection_is_finished(pair.server));
    assert_true(amqpc_connection_is_finished(pair.client));
    (void)engine_event(pair.client, AMQPC_EVENT_CONNECTION_CLOSE);
    assert_int_equal(amqpc_connection_remote_error(pair.client, &remote), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_connection_input_end(pair.client), AMQPC_OK);
    assert_int_equal(amqpc_connection_input_end(pair.server), AMQPC_OK);
    engine_pair_free(&pair);
}

static void test_crossing_closes_finish_both(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_OK);
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_true(amqpc_connection_is_finished(pair.client));
    assert_true(amqpc_connection_is_finished(pair.server));
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_NOT_FOUND);
    engine_pair_free(&pair);
}

static void test_frames_that_cross_with_close_are_dropped(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_send(pair.sender, "late");
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.server, &failure), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_true(amqpc_connection_is_finished(pair.server));
    assert_int_equal(amqpc_session_new(pair.server, &pair.server_session), AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
}

static void test_a_client_may_close_before_it_has_heard_anything(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_begin_open(&pair, NULL);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_OK);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPEN_CLOSE_PIPE);
    engine_exchange(&pair);
    assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_CLOSE_SENT);
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_true(amqpc_connection_is_finished(pair.client));
    assert_true(amqpc_connection_is_finished(pair.server));
    engine_pair_free(&pair);
}

static void test_close_before_open_is_not_allowed(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_INVALID_STATE);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_close(pair.client, NULL), AMQPC_OK);
    engine_exchange(&pair);
    /* A server that is told to close before it had opened opens first. */
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_connection_open(pair.server, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_true(amqpc_connection_is_finished(pair.client));
    assert_true(amqpc_connection_is_finished(pair.server));
    engine_pair_free(&pair);
}

static void test_dispositions_and_flows_go_before_close(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 5), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_send(pair.sender, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    assert_int_equal(amqpc_connection_close(pair.server, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_update update = engine_update(pair.sender);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_true(update.settled);
    engine_pair_free(&pair);
}

/* --- What is known. */

static void test_statistics_count_both_ways(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 2), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_connection_statistics client = {.struct_size = sizeof client};
    amqpc_connection_statistics server = {.struct_size = sizeof server};
    amqpc_connection_get_statistics(pair.client, &client);
    amqpc_connection_get_statistics(pair.server, &server);
    assert_int_equal(client.bytes_sent, server.bytes_received);
    assert_int_equal(client.bytes_received, server.bytes_sent);
    assert_int_equal(client.frames_sent, server.frames_received);
    assert_int_equal(client.frames_sent, 3); /* open, begin, attach */
    assert_int_equal(server.frames_sent, 4); /* and flow */
    (void)engine_send(pair.sender, "a");
    amqpc_connection_get_statistics(pair.client, &client);
    assert_true(client.output_size > 0);
    assert_int_equal(client.deliveries_sent, 1);
    engine_exchange(&pair);
    amqpc_connection_get_statistics(pair.client, &client);
    assert_int_equal(client.output_size, 0);
    amqpc_connection_get_statistics(pair.server, &server);
    assert_int_equal(server.deliveries_received, 1);
    amqpc_connection_statistics small = {
        .struct_size = offsetof(amqpc_connection_statistics, frames_sent), .frames_sent = 77};
    amqpc_connection_get_statistics(pair.server, &small);
    assert_int_equal(small.bytes_sent, server.bytes_sent);
    assert_int_equal(small.frames_sent, 77);
    engine_pair_free(&pair);
}

static void test_the_trace_has_a_line_for_each_frame(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.trace_size = 8192;
    engine_pair pair;
    engine_pair_open_with(&pair, &options, NULL);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 2), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_send(pair.sender, "traced");
    static char text[8192];
    assert_int_equal(amqpc_connection_read_trace(pair.client, text, 3), 0);
    size_t size = amqpc_connection_read_trace(pair.client, text, sizeof text - 1);
    text[size] = '\0';
    static const char *const sent[] = {"open", "begin", "attach", "transfer"};
    static const char *const received[] = {"open", "begin", "attach", "flow"};
    for (unsigned i = 0; i < 4; i++) {
        bool seen[2] = {false, false};
        for (const char *line = text; line != NULL && *line != '\0';) {
            const char *end = strchr(line, '\n');
            assert_non_null(end);
            bool is_sent = strncmp(line, "-> ", 3) == 0;
            const char *name = strstr(line, is_sent ? sent[i] : received[i]);
            seen[is_sent] = seen[is_sent] || (name != NULL && name < end);
            line = end + 1;
        }
        assert_true(seen[0]);
        assert_true(seen[1]);
    }
    assert_int_equal(amqpc_connection_read_trace(pair.client, text, sizeof text), 0);
    assert_int_equal(amqpc_connection_read_trace(pair.server, text, sizeof text), 0);
    engine_pair_free(&pair);
}

static void test_contexts_and_sessions_in_order(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    assert_null(amqpc_connection_context(pair.client));
    amqpc_connection_set_context(pair.client, &pair);
    assert_ptr_equal(amqpc_connection_context(pair.client), &pair);
    amqpc_session *second = NULL;
    amqpc_session *third = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &second), AMQPC_OK);
    assert_int_equal(amqpc_session_new(pair.client, &third), AMQPC_OK);
    assert_ptr_equal(amqpc_connection_next_session(pair.client, NULL), pair.client_session);
    assert_ptr_equal(amqpc_connection_next_session(pair.client, pair.client_session), second);
    assert_ptr_equal(amqpc_connection_next_session(pair.client, third), NULL);
    amqpc_session_free(second); /* it is told the peer, and not shown any more */
    assert_ptr_equal(amqpc_connection_next_session(pair.client, pair.client_session), third);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_and_unknown_options_are_refused),
        cmocka_unit_test(test_sasl_needs_32_random_bytes),
        cmocka_unit_test(test_options_of_an_older_caller_get_the_defaults_behind_them),
        cmocka_unit_test(test_no_options_make_a_client),
        cmocka_unit_test(test_open_says_what_the_options_say),
        cmocka_unit_test(test_all_channels_are_advertised_as_65535),
        cmocka_unit_test(test_open_without_a_container_id_is_refused_and_may_be_tried_again),
        cmocka_unit_test(test_states_follow_what_crosses),
        cmocka_unit_test(test_a_client_pipelines_open_begin_and_attach_in_one_piece),
        cmocka_unit_test(test_close_is_answered_and_both_are_finished),
        cmocka_unit_test(test_crossing_closes_finish_both),
        cmocka_unit_test(test_frames_that_cross_with_close_are_dropped),
        cmocka_unit_test(test_a_client_may_close_before_it_has_heard_anything),
        cmocka_unit_test(test_close_before_open_is_not_allowed),
        cmocka_unit_test(test_dispositions_and_flows_go_before_close),
        cmocka_unit_test(test_statistics_count_both_ways),
        cmocka_unit_test(test_the_trace_has_a_line_for_each_frame),
        cmocka_unit_test(test_contexts_and_sessions_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
