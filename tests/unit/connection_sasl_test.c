/* SASL through whole connections: questions, answers, and what comes after (AMQP 5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"
#include "support/skip_because.h"

static engine_frames frames;
static const char random_bytes[] = "0123456789012345678901234567890123456789";

/* Makes both ends, which have called open. */
static void open_with(engine_pair *pair, const amqpc_sasl_options *client,
                      const amqpc_sasl_options *server)
{
    amqpc_connection_options options[2];
    for (unsigned i = 0; i < 2; i++) {
        amqpc_connection_options_init(&options[i], sizeof options[i]);
        options[i].random = (amqpc_bytes){random_bytes + i, 32};
        options[i].is_protected = true;
        options[i].sasl = i == 0 ? client : server;
        options[i].trace_size = 65536;
    }
    engine_pair_make(pair, NULL, &options[0], &options[1]);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_open(pair->client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair->server, &open), AMQPC_OK);
}

static amqpc_sasl_options client_of(const char *mechanisms)
{
    amqpc_sasl_options options;
    amqpc_sasl_options_init(&options, sizeof options);
    options.mechanisms = engine_text(mechanisms);
    options.user = engine_text("user");
    options.password = engine_text("pencil");
    options.token = engine_text("token");
    options.hostname = engine_text("host");
    return options;
}

static amqpc_sasl_options server_of(const char *mechanisms)
{
    amqpc_sasl_options options;
    amqpc_sasl_options_init(&options, sizeof options);
    options.mechanisms = engine_text(mechanisms);
    return options;
}

static bool has_failed(const amqpc_connection *connection, amqpc_status status)
{
    amqpc_connection_failure failure;
    return amqpc_connection_get_failure(connection, &failure) == AMQPC_OK &&
           failure.status == status;
}

static void assert_opened(engine_pair *pair)
{
    engine_exchange(pair);
    assert_int_equal(amqpc_connection_get_state(pair->client), AMQPC_CONNECTION_OPENED);
    assert_int_equal(amqpc_connection_get_state(pair->server), AMQPC_CONNECTION_OPENED);
    uint32_t both = 1u << AMQPC_EVENT_SASL_OUTCOME | 1u << AMQPC_EVENT_CONNECTION_OPEN;
    assert_int_equal(engine_events(pair->client) & both, both);
    assert_int_equal(engine_events(pair->server) & both, both);
}

static amqpc_status finish(amqpc_connection *connection, unsigned code)
{
    return amqpc_sasl_finish(connection, code, (amqpc_bytes){NULL, 0});
}

static amqpc_sasl_question asked(amqpc_connection *connection, uint32_t type)
{
    amqpc_sasl_question question;
    (void)engine_event(connection, AMQPC_EVENT_SASL);
    assert_int_equal(amqpc_sasl_question_get(connection, &question), AMQPC_OK);
    assert_int_equal(question.type, type);
    return question;
}

static void test_mechanisms_that_ask_for_credentials(void **state)
{
    (void)state;
    static const char *const names[] = {"ANONYMOUS", "PLAIN", "EXTERNAL", "XOAUTH2", "OAUTHBEARER"};
    static const char *const identities[] = {"anonymous", "user", "", "user", "user"};
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned code = AMQPC_SASL_CODE_OK; code <= AMQPC_SASL_CODE_SYS_TEMP; code++) {
            amqpc_sasl_options client = client_of(names[i]);
            amqpc_sasl_options server = server_of(names[i]);
            engine_pair pair;
            open_with(&pair, &client, &server);
            assert_int_equal(amqpc_sasl_mechanism(pair.client).size, 0);
            engine_exchange(&pair);
            amqpc_sasl_question question = asked(pair.server, AMQPC_SASL_QUESTION_CREDENTIALS);
            assert_bytes(question.mechanism, names[i]);
            assert_bytes(question.hostname, "host");
            if (i == 1) {
                assert_bytes(question.user, "user");
                assert_bytes(question.password, "pencil");
            }
            if (i == 3 || i == 4) {
                assert_bytes(question.token, "token");
            }
            assert_int_equal(finish(pair.server, code), AMQPC_OK);
            if (code == AMQPC_SASL_CODE_OK) {
                assert_opened(&pair);
                assert_bytes(amqpc_sasl_mechanism(pair.client), names[i]);
                assert_bytes(amqpc_sasl_mechanism(pair.server), names[i]);
                assert_bytes(amqpc_sasl_identity(pair.server), identities[i]);
            } else {
                engine_exchange(&pair);
                assert_true(has_failed(pair.client, code == AMQPC_SASL_CODE_AUTH
                                                        ? AMQPC_SASL_REFUSED
                                                        : AMQPC_SASL_SYSTEM) ||
                            i == 4); /* OAUTHBEARER has one more step */
                assert_int_not_equal(amqpc_connection_get_state(pair.client),
                                     AMQPC_CONNECTION_OPENED);
            }
            engine_pair_free(&pair);
        }
    }
}

static void test_scram_of_every_hash(void **state)
{
    (void)state;
    static const char *const names[] = {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    static const unsigned hashes[] = {1, 256, 512};
    for (unsigned i = 0; i < 6; i++) {
        bool wrong = i >= 3;
        amqpc_sasl_options client = client_of(names[i % 3]);
        amqpc_sasl_options server = server_of(names[i % 3]);
        uint8_t stored[64];
        uint8_t key[64];
        size_t size = 0;
        amqpc_status made =
            amqpc_sasl_make_verifier(hashes[i % 3], engine_text(wrong ? "pen" : "pencil"),
                                     engine_text("salt"), 4096, stored, key, &size);
        if (made == AMQPC_UNSUPPORTED) {
            skip_because(BUILD_WITHOUT_OPENSSL);
        }
        assert_int_equal(made, AMQPC_OK);
        engine_pair pair;
        open_with(&pair, &client, &server);
        engine_exchange(&pair);
        assert_bytes(asked(pair.server, AMQPC_SASL_QUESTION_VERIFIER).user, "user");
        amqpc_sasl_verifier verifier = {.salt = engine_text("salt"), .iterations = 4096};
        assert_int_equal(amqpc_sasl_give_verifier(pair.server, &verifier),
                         AMQPC_INVALID_ARGUMENT); /* the question is still open */
        verifier.stored_key = (amqpc_bytes){stored, size};
        verifier.server_key = (amqpc_bytes){key, size};
        assert_int_equal(amqpc_sasl_give_verifier(pair.server, &verifier), AMQPC_OK);
        if (wrong) {
            engine_exchange(&pair);
            assert_true(has_failed(pair.client, AMQPC_SASL_REFUSED));
            assert_true(has_failed(pair.server, AMQPC_SASL_REFUSED));
        } else {
            assert_opened(&pair);
            assert_bytes(amqpc_sasl_identity(pair.server), "user");
        }
        engine_pair_free(&pair);
    }
}

static void test_a_mechanism_of_the_application_is_driven_by_events(void **state)
{
    (void)state;
    for (unsigned accepted = 0; accepted < 2; accepted++) {
        amqpc_sasl_options client = client_of("X-MINE");
        amqpc_sasl_options server = server_of("X-MINE");
        engine_pair pair;
        open_with(&pair, &client, &server);
        engine_exchange(&pair);
        (void)asked(pair.client, AMQPC_SASL_QUESTION_INITIAL_RESPONSE);
        assert_int_equal(amqpc_sasl_send_challenge(pair.client, engine_text("x")),
                         AMQPC_INVALID_STATE);
        assert_int_equal(finish(pair.client, AMQPC_SASL_CODE_OK), AMQPC_INVALID_STATE);
        assert_int_equal(amqpc_sasl_send_response(pair.client, engine_text("hello")), AMQPC_OK);
        engine_exchange(&pair);
        assert_bytes(asked(pair.server, AMQPC_SASL_QUESTION_RESPONSE).data, "hello");
        assert_int_equal(amqpc_sasl_send_challenge(pair.server, engine_text("who")), AMQPC_OK);
        engine_exchange(&pair);
        assert_bytes(asked(pair.client, AMQPC_SASL_QUESTION_CHALLENGE).data, "who");
        assert_int_equal(amqpc_sasl_send_response(pair.client, engine_text("me")), AMQPC_OK);
        engine_exchange(&pair);
        assert_bytes(asked(pair.server, AMQPC_SASL_QUESTION_RESPONSE).data, "me");
        assert_int_equal(finish(pair.server, accepted ? AMQPC_SASL_CODE_OK : AMQPC_SASL_CODE_AUTH),
                         AMQPC_OK);
        if (accepted) {
            assert_opened(&pair);
            assert_int_equal(amqpc_sasl_identity(pair.server).size, 0);
        } else {
            engine_exchange(&pair);
            assert_true(has_failed(pair.client, AMQPC_SASL_REFUSED));
            assert_true(amqpc_connection_is_finished(pair.server));
        }
        engine_pair_free(&pair);
    }
}

static void test_a_response_larger_than_the_first_guess_is_sent(void **state)
{
    (void)state;
    static char token[5000];
    memset(token, 't', sizeof token);
    amqpc_sasl_options client = client_of("XOAUTH2");
    client.token = (amqpc_bytes){token, sizeof token};
    amqpc_sasl_options server = server_of("XOAUTH2");
    engine_pair pair;
    open_with(&pair, &client, &server);
    engine_exchange(&pair);
    assert_int_equal(asked(pair.server, AMQPC_SASL_QUESTION_CREDENTIALS).token.size, 5000);
    assert_int_equal(finish(pair.server, AMQPC_SASL_CODE_OK), AMQPC_OK);
    assert_opened(&pair);
    engine_pair_free(&pair);
}

/* Pitfall 22: what the client sends ahead waits for SASL, in order. */
static void test_pitfall_22_a_client_opens_begins_and_attaches_before_sasl_is_over(void **state)
{
    (void)state;
    for (size_t step = 1; step < 3; step++) {
        amqpc_sasl_options client = client_of("PLAIN");
        amqpc_sasl_options server = server_of("PLAIN");
        engine_pair pair;
        open_with(&pair, &client, &server);
        assert_int_equal(amqpc_session_new(pair.client, &pair.client_session), AMQPC_OK);
        assert_int_equal(amqpc_session_begin(pair.client_session, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_new(pair.client_session, AMQPC_ROLE_RECEIVER,
                                        engine_text("link"), &pair.receiver),
                         AMQPC_OK);
        assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
        engine_take_frames(pair.client, &frames);
        assert_int_equal(frames.headers, 1); /* SASL's alone */
        assert_int_equal(frames.count, 0);
        for (size_t i = 0; i < frames.size; i++) {
            assert_int_equal(engine_feed(pair.server, frames.bytes + i, 1), AMQPC_OK);
        }
        while (engine_pump(pair.server, pair.client, step) +
                   engine_pump(pair.client, pair.server, step) >
               0) {
        }
        (void)asked(pair.server, AMQPC_SASL_QUESTION_CREDENTIALS);
        assert_int_equal(finish(pair.server, AMQPC_SASL_CODE_OK), AMQPC_OK);
        while (engine_pump(pair.server, pair.client, step) +
                   engine_pump(pair.client, pair.server, step) >
               0) {
        }
        (void)engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN);
        (void)engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH);
        engine_pair_free(&pair);
    }
}

/* Another client sends all of it at once; here ours writes the bytes without SASL. */
static void test_row_77_an_amqp_header_may_come_before_the_outcome(void **state)
{
    (void)state;
    for (unsigned refused = 0; refused < 2; refused++) {
        amqpc_sasl_options server = server_of("ANONYMOUS");
        engine_pair pair;
        open_with(&pair, NULL, &server);
        static const uint8_t header[] = {'A', 'M', 'Q', 'P', 3, 1, 0, 0};
        assert_int_equal(engine_feed(pair.server, header, sizeof header), AMQPC_OK);
        uint8_t init[64];
        size_t size = 0;
        amqpc_performative performative = {.type = AMQPC_COMPOSITE_SASL_INIT};
        performative.as.sasl_init.present = AMQPC_SASL_INIT_MECHANISM;
        performative.as.sasl_init.mechanism = engine_text("ANONYMOUS");
        assert_int_equal(
            amqpc_frame_write(AMQPC_FRAME_SASL, 0, &performative, init, sizeof init, &size),
            AMQPC_OK);
        assert_int_equal(engine_feed(pair.server, init, size), AMQPC_OK);
        assert_true(engine_pump(pair.client, pair.server, 3) > 8);
        (void)asked(pair.server, AMQPC_SASL_QUESTION_CREDENTIALS);
        amqpc_open open;
        assert_int_equal(amqpc_connection_remote_open(pair.server, &open), AMQPC_NOT_FOUND);
        assert_int_equal(finish(pair.server, refused ? AMQPC_SASL_CODE_AUTH : AMQPC_SASL_CODE_OK),
                         AMQPC_OK);
        assert_int_equal(amqpc_connection_remote_open(pair.server, &open),
                         refused ? AMQPC_NOT_FOUND : AMQPC_OK);
        engine_pair_free(&pair);
    }
}

static void test_sasl_may_be_left_out_where_it_is_optional(void **state)
{
    (void)state;
    for (unsigned optional = 0; optional < 2; optional++) {
        amqpc_sasl_options server = server_of("ANONYMOUS");
        server.optional = optional;
        engine_pair pair;
        open_with(&pair, NULL, &server);
        engine_exchange(&pair);
        amqpc_sasl_question question;
        assert_int_equal(amqpc_sasl_question_get(pair.server, &question), AMQPC_NOT_FOUND);
        if (optional) {
            assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPENED);
            assert_int_equal(amqpc_sasl_identity(pair.server).size, 0);
        } else {
            assert_true(has_failed(pair.server, AMQPC_SASL_SKIPPED));
            assert_true(has_failed(pair.client, AMQPC_BAD_PROTOCOL_HEADER));
        }
        engine_pair_free(&pair);
    }
}

static void test_a_client_with_sasl_gives_up_where_the_server_has_none(void **state)
{
    (void)state;
    amqpc_sasl_options client = client_of("PLAIN");
    engine_pair pair;
    open_with(&pair, &client, NULL);
    engine_exchange(&pair);
    assert_true(has_failed(pair.client, AMQPC_SASL_SKIPPED));
    assert_true(has_failed(pair.server, AMQPC_BAD_PROTOCOL_HEADER));
    assert_true(amqpc_connection_is_finished(pair.client));
    assert_true(amqpc_connection_is_finished(pair.server));
    engine_pair_free(&pair);
}

static void test_no_common_mechanism_fails_the_client(void **state)
{
    (void)state;
    amqpc_sasl_options client = client_of("PLAIN");
    amqpc_sasl_options server = server_of("EXTERNAL");
    engine_pair pair;
    open_with(&pair, &client, &server);
    engine_exchange(&pair);
    assert_true(has_failed(pair.client, AMQPC_SASL_NO_MECHANISM));
    engine_pair_free(&pair);
}

static void test_no_question_is_open_after_the_end_of_input(void **state)
{
    (void)state;
    amqpc_sasl_options client = client_of("PLAIN");
    amqpc_sasl_options server = server_of("PLAIN");
    engine_pair pair;
    open_with(&pair, &client, &server);
    engine_exchange(&pair);
    (void)asked(pair.server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_int_equal(amqpc_connection_input_end(pair.server), AMQPC_STREAM_ENDED);
    amqpc_sasl_question question;
    amqpc_sasl_verifier verifier = {.iterations = 4096};
    assert_int_equal(amqpc_sasl_question_get(pair.server, &question), AMQPC_NOT_FOUND);
    assert_int_equal(finish(pair.server, AMQPC_SASL_CODE_OK), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_sasl_give_verifier(pair.server, &verifier), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_sasl_send_challenge(pair.server, engine_text("x")), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_sasl_send_response(pair.server, engine_text("x")), AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
}

/* What people can read has no secrets in it. */
static void test_neither_trace_nor_failure_shows_a_password(void **state)
{
    (void)state;
    amqpc_sasl_options client = client_of("PLAIN");
    amqpc_sasl_options server = server_of("PLAIN");
    engine_pair pair;
    open_with(&pair, &client, &server);
    engine_exchange(&pair);
    (void)asked(pair.server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_int_equal(finish(pair.server, AMQPC_SASL_CODE_OK), AMQPC_OK);
    assert_opened(&pair);
    static char text[65536];
    amqpc_connection *const ends[] = {pair.client, pair.server};
    for (unsigned i = 0; i < 2; i++) {
        size_t size = amqpc_connection_read_trace(ends[i], text, sizeof text - 1);
        text[size] = '\0';
        assert_non_null(strstr(text, "sasl-init"));
        assert_null(strstr(text, "pencil"));
        assert_null(strstr(text, "70656e63696c"));
    }
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mechanisms_that_ask_for_credentials),
        cmocka_unit_test(test_scram_of_every_hash),
        cmocka_unit_test(test_a_mechanism_of_the_application_is_driven_by_events),
        cmocka_unit_test(test_a_response_larger_than_the_first_guess_is_sent),
        cmocka_unit_test(test_pitfall_22_a_client_opens_begins_and_attaches_before_sasl_is_over),
        cmocka_unit_test(test_row_77_an_amqp_header_may_come_before_the_outcome),
        cmocka_unit_test(test_sasl_may_be_left_out_where_it_is_optional),
        cmocka_unit_test(test_a_client_with_sasl_gives_up_where_the_server_has_none),
        cmocka_unit_test(test_no_common_mechanism_fails_the_client),
        cmocka_unit_test(test_no_question_is_open_after_the_end_of_input),
        cmocka_unit_test(test_neither_trace_nor_failure_shows_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
