/* SASL as it should go: each mechanism, client against server, right and wrong (AMQP 5.3). */
#include "engine/sasl_hash.h"
#include "sasl_fixture.h"
#include "support/skip_because.h"

/* --- Mechanisms of one message. */

static void test_plain_lets_in_whom_the_application_accepts(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, "user", "pencil");
    options.hostname = text("host");
    ends both = new_ends(&options, "PLAIN");
    assert_int_equal(talk(&both), AMQPC_OK);
    amqpc_sasl_question question = ask(both.server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_bytes(question.mechanism, text("PLAIN"));
    assert_bytes(question.user, text("user"));
    assert_bytes(question.password, text("pencil"));
    assert_bytes(question.hostname, text("host"));
    assert_int_equal(question.authorization_id.size, 0);
    assert_true(question.has_data);
    assert_int_equal(amqpci_sasl_get_identity(both.server).size, 0);
    assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    assert_int_equal(amqpci_sasl_get_progress(both.server), AMQPCI_SASL_GOING);
    assert_int_equal(talk(&both), AMQPC_OK);
    assert_passed(both.client);
    assert_passed(both.server);
    assert_bytes(amqpci_sasl_get_identity(both.server), text("user"));
    assert_bytes(amqpci_sasl_get_mechanism(both.server), text("PLAIN"));
    assert_bytes(amqpci_sasl_get_mechanism(both.client), text("PLAIN"));
    free_ends(&both);
}

static void test_plain_keeps_out_whom_the_application_refuses(void **state)
{
    (void)state;
    const struct {
        uint8_t code;
        amqpc_status status;
    } refusals[] = {{AMQPC_SASL_CODE_AUTH, AMQPC_SASL_REFUSED},
                    {AMQPC_SASL_CODE_SYS, AMQPC_SASL_SYSTEM},
                    {AMQPC_SASL_CODE_SYS_PERM, AMQPC_SASL_SYSTEM},
                    {AMQPC_SASL_CODE_SYS_TEMP, AMQPC_SASL_SYSTEM}};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        amqpc_sasl_options options = sasl_options(NULL, "user", "wrong");
        ends both = new_ends(&options, "PLAIN ANONYMOUS");
        assert_int_equal(talk(&both), AMQPC_OK);
        assert_int_equal(amqpci_sasl_finish(both.server, refusals[i].code, no_bytes), AMQPC_OK);
        assert_int_equal(talk(&both), refusals[i].status);
        assert_failed(both.client, refusals[i].status);
        assert_failed(both.server, refusals[i].status);
        assert_silent(both.client); /* no second try with something weaker */
        assert_silent(both.server);
        free_ends(&both);
    }
}

static void test_plain_sends_authorization_id_user_and_password(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options("PLAIN", "user", "pencil");
    options.authorization_id = text("boss");
    ends both = new_ends(&options, "PLAIN");
    wire out;
    assert_int_equal(put_mechanisms(both.client, "PLAIN"), AMQPC_OK);
    const amqpc_performative *init = take(both.client, &out, AMQPC_COMPOSITE_SASL_INIT);
    assert_bytes(init->as.sasl_init.initial_response, BYTES("boss\0user\0pencil"));
    assert_int_equal(init->as.sasl_init.present & AMQPC_SASL_INIT_HOSTNAME, 0);
    assert_int_equal(put(both.server, init), AMQPC_OK);
    assert_bytes(ask(both.server, AMQPC_SASL_QUESTION_CREDENTIALS).authorization_id, text("boss"));
    assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    take(both.server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
    take(both.server, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
    assert_bytes(amqpci_sasl_get_identity(both.server), text("user"));
    free_ends(&both);
}

static void test_anonymous_is_what_both_ends_do_without_options(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, NULL, NULL);
    options.authorization_id = text("trace@example.org");
    ends both = new_ends(&options, NULL);
    assert_int_equal(talk(&both), AMQPC_OK);
    amqpc_sasl_question question = ask(both.server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_bytes(question.mechanism, text("ANONYMOUS"));
    assert_bytes(question.authorization_id, text("trace@example.org"));
    assert_int_equal(question.user.size, 0);
    assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    assert_int_equal(talk(&both), AMQPC_OK);
    assert_passed(both.client);
    assert_passed(both.server);
    /* Whatever the trace says, it is nobody's name. */
    assert_bytes(amqpci_sasl_get_identity(both.server), text("anonymous"));
    free_ends(&both);
}

static void test_anonymous_may_come_without_a_trace(void **state)
{
    (void)state;
    amqpci_sasl *server = new_server("ANONYMOUS");
    assert_int_equal(put_init(server, "ANONYMOUS", no_bytes), AMQPC_OK);
    assert_false(ask(server, AMQPC_SASL_QUESTION_CREDENTIALS).has_data);
    amqpci_sasl_free(server);
}

static void test_pitfall_18_external_sends_an_empty_initial_response_and_not_null(void **state)
{
    (void)state;
    wire out;
    amqpc_sasl_options options = sasl_options("EXTERNAL", NULL, NULL);
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "PLAIN EXTERNAL"), AMQPC_OK);
    const amqpc_performative *init = take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
    assert_int_equal(init->as.sasl_init.present,
                     AMQPC_SASL_INIT_MECHANISM | AMQPC_SASL_INIT_INITIAL_RESPONSE);
    assert_int_equal(init->as.sasl_init.initial_response.size, 0);
    /* A server that challenges in spite of that gets the same again. */
    assert_int_equal(put_challenge(client, BYTES("")), AMQPC_OK);
    assert_int_equal(
        take(client, &out, AMQPC_COMPOSITE_SASL_RESPONSE)->as.sasl_response.response.size, 0);
    assert_int_equal(put_outcome(client, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    assert_passed(client);
    amqpci_sasl_free(client);
    options.authorization_id = text("me");
    client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "EXTERNAL"), AMQPC_OK);
    init = take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
    assert_bytes(init->as.sasl_init.initial_response, text("me"));
    amqpci_sasl_free(client);
}

static void
test_pitfall_18_a_null_initial_response_is_challenged_and_an_empty_one_is_not(void **state)
{
    (void)state;
    wire out;
    amqpci_sasl *server = new_server("EXTERNAL PLAIN");
    take(server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
    assert_int_equal(put_init(server, "EXTERNAL", BYTES("")), AMQPC_OK);
    assert_true(ask(server, AMQPC_SASL_QUESTION_CREDENTIALS).has_data);
    amqpci_sasl_free(server);
    const struct {
        const char *mechanism;
        amqpc_bytes response;
    } all[] = {{"EXTERNAL", {"", 0}}, {"PLAIN", BYTES("\0user\0pencil")}};
    for (size_t i = 0; i < 2; i++) {
        server = new_server("EXTERNAL PLAIN");
        take(server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
        assert_int_equal(put_init(server, all[i].mechanism, no_bytes), AMQPC_OK);
        const amqpc_performative *challenge = take(server, &out, AMQPC_COMPOSITE_SASL_CHALLENGE);
        assert_int_equal(challenge->as.sasl_challenge.challenge.size, 0);
        assert_int_equal(put_response(server, all[i].response), AMQPC_OK);
        ask(server, AMQPC_SASL_QUESTION_CREDENTIALS);
        assert_int_equal(amqpci_sasl_finish(server, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
        take(server, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
        assert_bytes(amqpci_sasl_get_identity(server), text(i == 0 ? "" : "user"));
        amqpci_sasl_free(server);
    }
}

/* --- Tokens. */

static amqpc_sasl_options token_options(const char *mechanisms, const char *user)
{
    amqpc_sasl_options options = sasl_options(mechanisms, user, NULL);
    options.token = text("vF9dft4qmT");
    return options;
}

static void test_oauthbearer_sends_what_rfc_7628_says(void **state)
{
    (void)state;
    wire out;
    amqpc_sasl_options options = token_options(NULL, "a,b=c");
    options.hostname = text("server.example.com");
    options.port = 5671;
    ends both = new_ends(&options, "OAUTHBEARER XOAUTH2 ANONYMOUS");
    assert_int_equal(put_mechanisms(both.client, "XOAUTH2 OAUTHBEARER ANONYMOUS"), AMQPC_OK);
    const amqpc_performative *init = take(both.client, &out, AMQPC_COMPOSITE_SASL_INIT);
    assert_bytes(init->as.sasl_init.mechanism, text("OAUTHBEARER"));
    assert_bytes(init->as.sasl_init.initial_response,
                 text("n,a=a=2Cb=3Dc,\x01host=server.example.com\x01port=5671\x01"
                      "auth=Bearer vF9dft4qmT\x01\x01"));
    assert_int_equal(put(both.server, init), AMQPC_OK);
    amqpc_sasl_question question = ask(both.server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_bytes(question.token, text("vF9dft4qmT"));
    assert_bytes(question.authorization_id, text("a,b=c"));
    assert_int_equal(question.user.size, 0);
    assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    take(both.server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
    assert_int_equal(put(both.client, take(both.server, &out, AMQPC_COMPOSITE_SASL_OUTCOME)),
                     AMQPC_OK);
    assert_passed(both.client);
    assert_bytes(amqpci_sasl_get_identity(both.server), text("a,b=c"));
    free_ends(&both);
    options = token_options("OAUTHBEARER", NULL);
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "OAUTHBEARER"), AMQPC_OK);
    assert_bytes(take(client, &out, AMQPC_COMPOSITE_SASL_INIT)->as.sasl_init.initial_response,
                 text("n,,\x01"
                      "auth=Bearer vF9dft4qmT\x01\x01"));
    amqpci_sasl_free(client);
}

static void test_xoauth2_sends_user_and_token(void **state)
{
    (void)state;
    wire out;
    amqpc_sasl_options options = token_options(NULL, "user@example.org");
    ends both = new_ends(&options, "XOAUTH2");
    assert_int_equal(put_mechanisms(both.client, "XOAUTH2"), AMQPC_OK);
    const amqpc_performative *init = take(both.client, &out, AMQPC_COMPOSITE_SASL_INIT);
    assert_bytes(init->as.sasl_init.initial_response, text("user=user@example.org\x01"
                                                           "auth=Bearer vF9dft4qmT\x01\x01"));
    assert_int_equal(put(both.server, init), AMQPC_OK);
    amqpc_sasl_question question = ask(both.server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_bytes(question.token, text("vF9dft4qmT"));
    assert_bytes(question.user, text("user@example.org"));
    free_ends(&both);
}

static void test_the_error_of_a_token_is_acknowledged_and_then_the_outcome_fails(void **state)
{
    (void)state;
    const struct {
        const char *mechanism;
        amqpc_bytes answer;
    } all[] = {{"XOAUTH2", {"", 0}}, {"OAUTHBEARER", {"\x01", 1}}};
    for (size_t i = 0; i < 2; i++) {
        for (uint8_t code = 0; code < 2; code++) {
            wire out;
            amqpc_sasl_options options = token_options(all[i].mechanism, "user");
            amqpci_sasl *client = new_client(&options);
            assert_int_equal(put_mechanisms(client, all[i].mechanism), AMQPC_OK);
            take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
            assert_int_equal(put_challenge(client, text("{\"status\":\"invalid_token\"}")),
                             AMQPC_OK);
            assert_bytes(
                take(client, &out, AMQPC_COMPOSITE_SASL_RESPONSE)->as.sasl_response.response,
                all[i].answer);
            /* ok cannot follow an error. */
            amqpc_status expected = code == 0 ? AMQPC_SASL_BAD_SEQUENCE : AMQPC_SASL_REFUSED;
            assert_int_equal(put_outcome(client, code, no_bytes), expected);
            assert_failed(client, expected);
            amqpci_sasl_free(client);
        }
    }
}

/* --- SCRAM. */

static const struct {
    const char *name;
    unsigned hash;
} scrams[] = {{"SCRAM-SHA-1", 1}, {"SCRAM-SHA-256", 256}, {"SCRAM-SHA-512", 512}};

static void test_scram_lets_in_who_knows_the_password_and_nobody_else(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    for (size_t i = 0; i < 2 * sizeof scrams / sizeof *scrams; i++) {
        bool right = i % 2 == 0;
        verifier_keys keys;
        amqpc_sasl_options options = sasl_options(NULL, "a=b,c", right ? "pencil" : "Pencil");
        options.authorization_id = text("boss");
        ends both = new_ends(&options, scrams[i / 2].name);
        assert_int_equal(talk(&both), AMQPC_OK);
        amqpc_sasl_question question = ask(both.server, AMQPC_SASL_QUESTION_VERIFIER);
        assert_bytes(question.user, text("a=b,c"));
        assert_bytes(question.authorization_id, text("boss"));
        assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_OK, no_bytes),
                         AMQPC_INVALID_ARGUMENT);
        amqpc_sasl_verifier verifier = verifier_of(scrams[i / 2].hash, "pencil", &keys);
        assert_int_equal(amqpci_sasl_give_verifier(both.server, &verifier), AMQPC_OK);
        assert_int_equal(talk(&both), right ? AMQPC_OK : AMQPC_SASL_REFUSED);
        if (right) {
            assert_passed(both.client);
            assert_passed(both.server);
            assert_bytes(amqpci_sasl_get_identity(both.server), text("a=b,c"));
        } else {
            assert_failed(both.server, AMQPC_SASL_REFUSED);
            assert_failed(both.client, AMQPC_SASL_REFUSED);
        }
        free_ends(&both);
    }
}

static void test_scram_of_an_unknown_user_is_refused_by_the_application(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    amqpc_sasl_options options = sasl_options("SCRAM-SHA-256", "nobody", "pencil");
    ends both = new_ends(&options, "SCRAM-SHA-256");
    assert_int_equal(talk(&both), AMQPC_OK);
    ask(both.server, AMQPC_SASL_QUESTION_VERIFIER);
    assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_AUTH, no_bytes), AMQPC_OK);
    assert_failed(both.server, AMQPC_SASL_REFUSED);
    assert_int_equal(talk(&both), AMQPC_SASL_REFUSED);
    assert_failed(both.client, AMQPC_SASL_REFUSED);
    free_ends(&both);
}

static void test_the_servers_proof_may_come_in_a_last_challenge(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    wire out;
    verifier_keys keys;
    amqpc_sasl_options options = sasl_options("SCRAM-SHA-256", "user", "pencil");
    ends both = new_ends(&options, "SCRAM-SHA-256");
    assert_int_equal(talk(&both), AMQPC_OK);
    amqpc_sasl_verifier verifier = verifier_of(256, "pencil", &keys);
    assert_int_equal(amqpci_sasl_give_verifier(both.server, &verifier), AMQPC_OK);
    assert_int_equal(put(both.client, take(both.server, &out, AMQPC_COMPOSITE_SASL_CHALLENGE)),
                     AMQPC_OK);
    assert_int_equal(put(both.server, take(both.client, &out, AMQPC_COMPOSITE_SASL_RESPONSE)),
                     AMQPC_OK);
    const amqpc_performative *outcome = take(both.server, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
    assert_int_equal(outcome->as.sasl_outcome.code, AMQPC_SASL_CODE_OK);
    assert_int_equal(put_challenge(both.client, outcome->as.sasl_outcome.additional_data),
                     AMQPC_OK);
    assert_int_equal(
        take(both.client, &out, AMQPC_COMPOSITE_SASL_RESPONSE)->as.sasl_response.response.size, 0);
    assert_int_equal(put_outcome(both.client, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    assert_passed(both.client);
    free_ends(&both);
}

/* --- Which mechanism. */

static void assert_choice(const amqpc_sasl_options *options, const char *offered,
                          const char *expected)
{
    wire out;
    amqpci_sasl *client = new_client(options);
    assert_int_equal(put_mechanisms(client, offered), AMQPC_OK);
    assert_bytes(take(client, &out, AMQPC_COMPOSITE_SASL_INIT)->as.sasl_init.mechanism,
                 text(expected));
    assert_bytes(amqpci_sasl_get_mechanism(client), text(expected));
    amqpci_sasl_free(client);
}

static void test_a_client_takes_its_own_first_wish_and_not_the_servers(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, "user", "pencil");
    assert_choice(&options, "ANONYMOUS EXTERNAL PLAIN", "PLAIN");
    if (amqpci_hash_available()) {
        const char *all = "ANONYMOUS PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512";
        assert_choice(&options, all, "SCRAM-SHA-512");
        assert_choice(&options, "PLAIN SCRAM-SHA-1 SCRAM-SHA-256", "SCRAM-SHA-256");
        assert_choice(&options, "PLAIN SCRAM-SHA-1", "SCRAM-SHA-1");
        options.mechanisms = text("X-NONE SCRAM-SHA-1 PLAIN SCRAM-SHA-512");
        assert_choice(&options, all, "SCRAM-SHA-1");
    }
    options = sasl_options("ANONYMOUS PLAIN", "user", "pencil");
    assert_choice(&options, "PLAIN ANONYMOUS", "ANONYMOUS"); /* it was named */
    options = sasl_options(NULL, NULL, NULL);
    assert_choice(&options, "EXTERNAL PLAIN ANONYMOUS", "ANONYMOUS");
    options = token_options(NULL, NULL);
    assert_choice(&options, "ANONYMOUS XOAUTH2 OAUTHBEARER", "OAUTHBEARER");
}

static void test_one_bare_symbol_is_a_list_of_mechanisms(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, NULL, NULL);
    amqpci_sasl *client = new_client(&options);
    amqpc_performative in;
    static const uint8_t bare[] = "\x00\x53\x40\xc0\x0c\x01\xa3\x09"
                                  "ANONYMOUS";
    assert_int_equal(amqpc_performative_decode(1, bare, sizeof bare - 1, NULL, &in, NULL),
                     AMQPC_OK);
    assert_int_equal(in.as.sasl_mechanisms.sasl_server_mechanisms.value.type, AMQPC_TYPE_SYMBOL);
    assert_int_equal(amqpci_sasl_input(client, &in), AMQPC_OK);
    wire out;
    take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
    amqpci_sasl_free(client);
}

static void test_a_server_offers_in_its_order_and_takes_init_before_that_is_sent(void **state)
{
    (void)state;
    wire out;
    amqpc_bytes symbol;
    amqpci_sasl *server = new_server("PLAIN X-OWN ANONYMOUS");
    assert_int_equal(put_init(server, "ANONYMOUS", BYTES("")), AMQPC_OK);
    assert_int_equal(amqpci_sasl_finish(server, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
    const amqpc_symbols *offered = &take(server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS)
                                        ->as.sasl_mechanisms.sasl_server_mechanisms;
    assert_int_equal(offered->count, 3);
    const char *const names[] = {"PLAIN", "X-OWN", "ANONYMOUS"};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(amqpc_symbols_get(offered, i, &symbol), AMQPC_OK);
        assert_bytes(symbol, text(names[i]));
    }
    assert_int_equal(amqpci_sasl_get_progress(server), AMQPCI_SASL_GOING);
    take(server, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
    assert_passed(server);
    amqpci_sasl_free(server);
}

/* --- The application's own mechanisms. */

static void test_the_application_drives_a_mechanism_of_its_own_by_questions(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options("X-OWN", "user", "pencil");
    ends both = new_ends(&options, "PLAIN X-OWN");
    assert_int_equal(talk(&both), AMQPC_OK);
    amqpc_sasl_question question = ask(both.client, AMQPC_SASL_QUESTION_INITIAL_RESPONSE);
    assert_bytes(question.mechanism, text("X-OWN"));
    assert_false(question.has_data);
    assert_int_equal(amqpci_sasl_respond(both.client, no_bytes), AMQPC_OK);
    assert_int_equal(talk(&both), AMQPC_OK);
    question = ask(both.server, AMQPC_SASL_QUESTION_RESPONSE);
    assert_false(question.has_data); /* null stays null */
    assert_bytes(question.mechanism, text("X-OWN"));
    assert_int_equal(amqpci_sasl_challenge(both.server, text("who?")), AMQPC_OK);
    assert_int_equal(talk(&both), AMQPC_OK);
    assert_bytes(ask(both.client, AMQPC_SASL_QUESTION_CHALLENGE).data, text("who?"));
    assert_int_equal(amqpci_sasl_respond(both.client, no_bytes), AMQPC_OK);
    assert_int_equal(talk(&both), AMQPC_OK);
    question = ask(both.server, AMQPC_SASL_QUESTION_RESPONSE);
    assert_true(question.has_data); /* a response is never null */
    assert_int_equal(question.data.size, 0);
    assert_int_equal(amqpci_sasl_finish(both.server, AMQPC_SASL_CODE_OK, text("bye")), AMQPC_OK);
    wire out;
    const amqpc_performative *outcome = take(both.server, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
    assert_bytes(outcome->as.sasl_outcome.additional_data, text("bye"));
    assert_int_equal(put(both.client, outcome), AMQPC_OK);
    assert_passed(both.client);
    assert_passed(both.server);
    assert_int_equal(amqpci_sasl_get_identity(both.server).size, 0);
    free_ends(&both);
}

static void test_an_empty_initial_response_of_the_applications_own_is_not_null(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options("X-OWN", NULL, NULL);
    ends both = new_ends(&options, "X-OWN");
    assert_int_equal(talk(&both), AMQPC_OK);
    assert_int_equal(amqpci_sasl_respond(both.client, BYTES("")), AMQPC_OK);
    assert_int_equal(talk(&both), AMQPC_OK);
    assert_true(ask(both.server, AMQPC_SASL_QUESTION_RESPONSE).has_data);
    free_ends(&both);
}

static void test_answers_that_nobody_asked_for_change_nothing(void **state)
{
    (void)state;
    verifier_keys keys = {{0}, {0}};
    const amqpc_sasl_verifier verifier = {
        text("salt"), 4096, {keys.stored_key, 20}, {keys.server_key, 20}};
    const amqpc_bytes broken = {NULL, 1};
    amqpc_sasl_options options = sasl_options("X-OWN", NULL, NULL);
    ends both = new_ends(&options, "X-OWN PLAIN");
    amqpci_sasl *const all[] = {both.client, both.server};
    for (size_t i = 0; i < 4; i++) {
        amqpci_sasl *sasl = all[i % 2];
        assert_int_equal(amqpci_sasl_give_verifier(sasl, &verifier), AMQPC_INVALID_STATE);
        assert_int_equal(amqpci_sasl_challenge(sasl, no_bytes), AMQPC_INVALID_STATE);
        assert_int_equal(amqpci_sasl_finish(sasl, 0, no_bytes), AMQPC_INVALID_STATE);
        if (i < 2) {
            assert_int_equal(amqpci_sasl_respond(sasl, no_bytes), AMQPC_INVALID_STATE);
        } else if (i == 2) {
            assert_int_equal(amqpci_sasl_respond(sasl, broken), AMQPC_INVALID_ARGUMENT);
        }
        if (i == 1) {
            assert_int_equal(talk(&both), AMQPC_OK); /* the client has a question now */
        }
    }
    assert_int_equal(amqpci_sasl_respond(both.client, no_bytes), AMQPC_OK);
    assert_int_equal(talk(&both), AMQPC_OK);
    assert_int_equal(amqpci_sasl_respond(both.server, no_bytes), AMQPC_INVALID_STATE);
    assert_int_equal(amqpci_sasl_challenge(both.server, broken), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpci_sasl_finish(both.server, 5, no_bytes), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpci_sasl_finish(both.server, 0, broken), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpci_sasl_finish(both.server, 1, text("why")), AMQPC_INVALID_ARGUMENT);
    ask(both.server, AMQPC_SASL_QUESTION_RESPONSE);
    free_ends(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_lets_in_whom_the_application_accepts),
        cmocka_unit_test(test_plain_keeps_out_whom_the_application_refuses),
        cmocka_unit_test(test_plain_sends_authorization_id_user_and_password),
        cmocka_unit_test(test_anonymous_is_what_both_ends_do_without_options),
        cmocka_unit_test(test_anonymous_may_come_without_a_trace),
        cmocka_unit_test(test_pitfall_18_external_sends_an_empty_initial_response_and_not_null),
        cmocka_unit_test(
            test_pitfall_18_a_null_initial_response_is_challenged_and_an_empty_one_is_not),
        cmocka_unit_test(test_oauthbearer_sends_what_rfc_7628_says),
        cmocka_unit_test(test_xoauth2_sends_user_and_token),
        cmocka_unit_test(test_the_error_of_a_token_is_acknowledged_and_then_the_outcome_fails),
        cmocka_unit_test(test_scram_lets_in_who_knows_the_password_and_nobody_else),
        cmocka_unit_test(test_scram_of_an_unknown_user_is_refused_by_the_application),
        cmocka_unit_test(test_the_servers_proof_may_come_in_a_last_challenge),
        cmocka_unit_test(test_a_client_takes_its_own_first_wish_and_not_the_servers),
        cmocka_unit_test(test_one_bare_symbol_is_a_list_of_mechanisms),
        cmocka_unit_test(test_a_server_offers_in_its_order_and_takes_init_before_that_is_sent),
        cmocka_unit_test(test_the_application_drives_a_mechanism_of_its_own_by_questions),
        cmocka_unit_test(test_an_empty_initial_response_of_the_applications_own_is_not_null),
        cmocka_unit_test(test_answers_that_nobody_asked_for_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
