/* SASL against peers that do what they must not (hostile-inputs.md, 70 to 76). Whatever happens,
 * nobody comes in and no credentials go out. */
#include "engine/sasl_hash.h"
#include "sasl_fixture.h"
#include "support/skip_because.h"

static amqpci_sasl *new_unprotected(bool server, const amqpc_sasl_options *options,
                                    amqpc_status expected)
{
    amqpci_sasl *sasl = NULL;
    assert_int_equal(amqpci_sasl_new(NULL, server, false, options,
                                     text("24 bytes of random, and"
                                          " more"),
                                     &sasl),
                     expected);
    return sasl;
}

/* A client that has failed without having sent anything. */
static void assert_refuses(const amqpc_sasl_options *options, const char *offered,
                           amqpc_status expected)
{
    amqpci_sasl *client = new_client(options);
    assert_int_equal(put_mechanisms(client, offered), expected);
    assert_failed(client, expected);
    assert_silent(client);
    amqpci_sasl_free(client);
}

/* --- Which performative when. */

/* One performative of each type that there may be in a SASL frame. */
static amqpc_status put_any(amqpci_sasl *sasl, int which)
{
    switch (which) {
    case 0:
        return put_mechanisms(sasl, "X-OWN");
    case 1:
        return put_init(sasl, "X-OWN", BYTES("data"));
    case 2:
        return put_challenge(sasl, BYTES("data"));
    case 3:
        return put_response(sasl, BYTES("data"));
    default:
        return put_outcome(sasl, AMQPC_SASL_CODE_OK, BYTES("data"));
    }
}
enum { PERFORMATIVES = 5, STAGES = 6 };

/* A layer that is so far, and the one performative that may come then; -1 for none. */
static amqpci_sasl *make_stage(bool server, int stage, int *legal)
{
    wire out;
    amqpc_sasl_options options = sasl_options("X-OWN", NULL, NULL);
    amqpci_sasl *sasl = server ? new_server("X-OWN") : new_client(&options);
    *legal = server ? 1 : 0;
    if (stage >= 1) { /* a question is open */
        assert_int_equal(put_any(sasl, *legal), AMQPC_OK);
        *legal = -1;
    }
    if (server && stage >= 2) {
        take(sasl, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
    }
    if (stage >= 2) { /* the answer is not given out yet */
        assert_int_equal(server ? amqpci_sasl_challenge(sasl, no_bytes)
                                : amqpci_sasl_respond(sasl, no_bytes),
                         AMQPC_OK);
    }
    if (stage >= 3) {
        take(sasl, &out, server ? AMQPC_COMPOSITE_SASL_CHALLENGE : AMQPC_COMPOSITE_SASL_INIT);
        *legal = server ? 3 : 2; /* and, of a client, an outcome */
    }
    if (stage >= 4 && server) { /* the outcome is not given out yet */
        assert_int_equal(put_any(sasl, 3), AMQPC_OK);
        assert_int_equal(amqpci_sasl_finish(sasl, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_OK);
        *legal = -1;
    }
    if (stage >= 4 && !server) {
        assert_int_equal(put_any(sasl, 2), AMQPC_OK);
        assert_int_equal(amqpci_sasl_respond(sasl, no_bytes), AMQPC_OK);
        take(sasl, &out, AMQPC_COMPOSITE_SASL_RESPONSE);
    }
    if (stage >= 5) {
        if (server) {
            take(sasl, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
        } else {
            assert_int_equal(put_any(sasl, 4), AMQPC_OK);
        }
        assert_passed(sasl);
        *legal = -1;
    }
    return sasl;
}

static void test_a_performative_out_of_turn_is_a_fault_at_every_stage(void **state)
{
    (void)state;
    for (int which = 0; which < 2 * STAGES * PERFORMATIVES; which++) {
        int legal = -1;
        wire out;
        bool server = which % 2 == 1;
        int stage = which / 2 % STAGES;
        int performative = which / 2 / STAGES;
        amqpci_sasl *sasl = make_stage(server, stage, &legal);
        bool outcome = !server && (stage == 3 || stage == 4) && performative == 4;
        amqpc_status status = put_any(sasl, performative);
        if (performative == legal || outcome) {
            assert_int_equal(status, AMQPC_OK);
        } else {
            assert_int_equal(status, AMQPC_SASL_BAD_SEQUENCE);
            assert_failed(sasl, AMQPC_SASL_BAD_SEQUENCE);
            if (server && stage < 2) {
                take(sasl, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
            }
            if (server && stage < 5) {
                assert_outcome(sasl, AMQPC_SASL_CODE_AUTH);
            }
            assert_silent(sasl);
            /* And so it stays. */
            assert_int_equal(put_any(sasl, performative), AMQPC_SASL_BAD_SEQUENCE);
            assert_silent(sasl);
        }
        amqpci_sasl_free(sasl);
    }
}

static void test_row_41_a_performative_of_amqp_never_counts_as_authenticated(void **state)
{
    (void)state;
    const uint32_t types[] = {AMQPC_COMPOSITE_NONE, AMQPC_COMPOSITE_OPEN, AMQPC_COMPOSITE_CLOSE};
    for (size_t i = 0; i < 6; i++) {
        int legal = 0;
        const amqpc_performative in = {.type = types[i / 2]};
        amqpci_sasl *sasl = make_stage(i % 2 == 1, 3, &legal);
        assert_int_equal(amqpci_sasl_input(sasl, &in), AMQPC_SASL_BAD_SEQUENCE);
        assert_failed(sasl, AMQPC_SASL_BAD_SEQUENCE);
        amqpci_sasl_free(sasl);
    }
}

static void test_row_70_an_empty_list_of_mechanisms_is_refused(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, NULL, NULL);
    assert_refuses(&options, "", AMQPC_SASL_NO_MECHANISM);
    assert_refuses(&options, "X-UNKNOWN PLAIN EXTERNAL", AMQPC_SASL_NO_MECHANISM);
    /* As it is where the field was null, which decoding does not let through. */
    const amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_MECHANISMS};
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(amqpci_sasl_input(client, &in), AMQPC_SASL_NO_MECHANISM);
    amqpci_sasl_free(client);
}

static void test_row_71_an_outcome_before_init_is_refused(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, NULL, NULL);
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_outcome(client, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_SASL_BAD_SEQUENCE);
    assert_failed(client, AMQPC_SASL_BAD_SEQUENCE);
    assert_silent(client);
    amqpci_sasl_free(client);
    /* And one that came together with the list, before init could be sent. */
    client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "ANONYMOUS"), AMQPC_OK);
    assert_int_equal(put_outcome(client, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_SASL_BAD_SEQUENCE);
    assert_failed(client, AMQPC_SASL_BAD_SEQUENCE);
    assert_silent(client);
    amqpci_sasl_free(client);
}

static void test_row_72_challenges_without_end_are_given_up(void **state)
{
    (void)state;
    enum { ROUNDS = 16 };
    wire out;
    int legal = 0;
    amqpci_sasl *client = make_stage(false, 3, &legal);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(put_challenge(client, BYTES("again")), AMQPC_OK);
        assert_int_equal(amqpci_sasl_respond(client, no_bytes), AMQPC_OK);
        take(client, &out, AMQPC_COMPOSITE_SASL_RESPONSE);
    }
    assert_int_equal(put_challenge(client, BYTES("again")), AMQPC_SASL_TOO_MANY_ROUNDS);
    assert_failed(client, AMQPC_SASL_TOO_MANY_ROUNDS);
    assert_silent(client);
    amqpci_sasl_free(client);
    amqpci_sasl *server = make_stage(true, 3, &legal);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(put_response(server, BYTES("again")), AMQPC_OK);
        assert_int_equal(amqpci_sasl_challenge(server, no_bytes), AMQPC_OK);
        take(server, &out, AMQPC_COMPOSITE_SASL_CHALLENGE);
    }
    assert_int_equal(put_response(server, BYTES("again")), AMQPC_SASL_TOO_MANY_ROUNDS);
    assert_failed(server, AMQPC_SASL_TOO_MANY_ROUNDS);
    assert_outcome(server, AMQPC_SASL_CODE_AUTH);
    amqpci_sasl_free(server);
}

static void test_row_72_a_giant_or_needless_challenge_is_refused(void **state)
{
    (void)state;
    static char giant[8000];
    memset(giant, 'r', sizeof giant);
    const struct {
        const char *mechanism;
        amqpc_bytes challenge;
    } all[] = {{"PLAIN", {"", 0}},
               {"ANONYMOUS", {"", 0}},
               {"EXTERNAL", {"?", 1}},
               {"SCRAM-SHA-256", {giant, sizeof giant}}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        wire out;
        amqpc_sasl_options options = sasl_options(all[i].mechanism, "user", "pencil");
        if (i == 3 && !amqpci_hash_available()) {
            break;
        }
        amqpci_sasl *client = new_client(&options);
        assert_int_equal(put_mechanisms(client, all[i].mechanism), AMQPC_OK);
        take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
        assert_int_equal(put_challenge(client, all[i].challenge), AMQPC_SASL_BAD_CHALLENGE);
        assert_failed(client, AMQPC_SASL_BAD_CHALLENGE);
        assert_silent(client);
        amqpci_sasl_free(client);
    }
}

static void test_row_72_the_error_of_a_token_comes_only_once(void **state)
{
    (void)state;
    wire out;
    amqpc_sasl_options options = sasl_options("XOAUTH2", "user", NULL);
    options.token = text("token");
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "XOAUTH2"), AMQPC_OK);
    take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
    assert_int_equal(put_challenge(client, text("{}")), AMQPC_OK);
    take(client, &out, AMQPC_COMPOSITE_SASL_RESPONSE);
    assert_int_equal(put_challenge(client, text("{}")), AMQPC_SASL_BAD_CHALLENGE);
    assert_silent(client);
    amqpci_sasl_free(client);
}

static void test_row_73_credentials_are_not_dropped_for_anonymous(void **state)
{
    (void)state;
    amqpc_sasl_options options = sasl_options(NULL, "user", "pencil");
    assert_refuses(&options, "ANONYMOUS", AMQPC_SASL_NO_MECHANISM);
    assert_refuses(&options, "ANONYMOUS EXTERNAL", AMQPC_SASL_NO_MECHANISM);
    options = sasl_options(NULL, "user", NULL);
    assert_refuses(&options, "PLAIN ANONYMOUS", AMQPC_SASL_NO_MECHANISM);
    options = sasl_options(NULL, NULL, "pencil");
    assert_refuses(&options, "ANONYMOUS", AMQPC_SASL_NO_MECHANISM);
    options = sasl_options(NULL, NULL, NULL);
    options.token = text("token");
    assert_refuses(&options, "ANONYMOUS", AMQPC_SASL_NO_MECHANISM);
}

static void
test_row_74_nothing_that_can_be_used_again_goes_over_cleartext_without_leave(void **state)
{
    (void)state;
    const char *const shown[] = {"PLAIN", "OAUTHBEARER", "XOAUTH2"};
    amqpc_sasl_options options = sasl_options(NULL, "user", "pencil");
    options.token = text("token");
    for (size_t i = 0; i < 2 * sizeof shown / sizeof *shown; i++) {
        options.mechanisms = i % 2 == 0 ? no_bytes : text(shown[i / 2]);
        amqpci_sasl *client = new_unprotected(false, &options, AMQPC_OK);
        assert_int_equal(put_mechanisms(client, shown[i / 2]), AMQPC_SASL_CLEARTEXT);
        assert_failed(client, AMQPC_SASL_CLEARTEXT);
        assert_silent(client);
        amqpci_sasl_free(client);
    }
    options.allow_plain_cleartext = true;
    options.mechanisms = no_bytes;
    amqpci_sasl *client = new_unprotected(false, &options, AMQPC_OK);
    wire out;
    assert_int_equal(put_mechanisms(client, "PLAIN"), AMQPC_OK);
    take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
    amqpci_sasl_free(client);
    if (amqpci_hash_available()) { /* shows nothing */
        options.allow_plain_cleartext = false;
        client = new_unprotected(false, &options, AMQPC_OK);
        assert_int_equal(put_mechanisms(client, "PLAIN SCRAM-SHA-1"), AMQPC_OK);
        assert_bytes(take(client, &out, AMQPC_COMPOSITE_SASL_INIT)->as.sasl_init.mechanism,
                     text("SCRAM-SHA-1"));
        amqpci_sasl_free(client);
    }
}

static void test_row_74_a_server_does_not_offer_over_cleartext_what_shows_a_secret(void **state)
{
    (void)state;
    wire out;
    amqpc_bytes symbol;
    amqpc_sasl_options options = sasl_options("PLAIN XOAUTH2 EXTERNAL", NULL, NULL);
    amqpci_sasl *server = new_unprotected(true, &options, AMQPC_OK);
    const amqpc_symbols *offered = &take(server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS)
                                        ->as.sasl_mechanisms.sasl_server_mechanisms;
    assert_int_equal(offered->count, 1);
    assert_int_equal(amqpc_symbols_get(offered, 0, &symbol), AMQPC_OK);
    assert_bytes(symbol, text("EXTERNAL"));
    assert_int_equal(put_init(server, "PLAIN", BYTES("\0user\0pencil")), AMQPC_SASL_NO_MECHANISM);
    assert_outcome(server, AMQPC_SASL_CODE_AUTH);
    amqpci_sasl_free(server);
    options.mechanisms = text("PLAIN");
    assert_null(new_unprotected(true, &options, AMQPC_INVALID_ARGUMENT)); /* nothing is left */
    options.allow_plain_cleartext = true;
    amqpci_sasl_free(new_unprotected(true, &options, AMQPC_OK));
}

/* --- Row 76. */

/* A client that has sent its proof. */
static amqpci_sasl *prove(wire *final)
{
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
    take(both.server, final, AMQPC_COMPOSITE_SASL_OUTCOME);
    amqpci_sasl_free(both.server);
    return both.client;
}

static void test_row_76_ok_without_the_servers_proof_is_a_failure(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    wire final;
    amqpc_sasl_options options = sasl_options("SCRAM-SHA-256", "user", "pencil");
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "SCRAM-SHA-256"), AMQPC_OK);
    take(client, &final, AMQPC_COMPOSITE_SASL_INIT);
    /* A signature of zeros is what the client's memory holds before it has computed one. */
    assert_int_equal(put_outcome(client, AMQPC_SASL_CODE_OK,
                                 text("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
                     AMQPC_SASL_BAD_SERVER);
    assert_failed(client, AMQPC_SASL_BAD_SERVER);
    amqpci_sasl_free(client);
    client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "SCRAM-SHA-256"), AMQPC_OK);
    take(client, &final, AMQPC_COMPOSITE_SASL_INIT);
    assert_int_equal(put_outcome(client, AMQPC_SASL_CODE_OK, no_bytes), AMQPC_SASL_BAD_SERVER);
    amqpci_sasl_free(client);
    const amqpc_bytes proofs[] = {{NULL, 0}, {"", 0}, BYTES("v="), BYTES("v=AAAA")};
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
        client = prove(&final);
        assert_int_equal(put_outcome(client, AMQPC_SASL_CODE_OK, proofs[i]), AMQPC_SASL_BAD_SERVER);
        assert_failed(client, AMQPC_SASL_BAD_SERVER);
        assert_silent(client);
        amqpci_sasl_free(client);
    }
    client = prove(&final);
    assert_int_equal(put(client, &final.performative), AMQPC_OK); /* so the test can tell */
    assert_passed(client);
    amqpci_sasl_free(client);
}

static void test_row_76_a_wrong_signature_in_a_challenge_is_not_answered(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    wire final;
    amqpci_sasl *client = prove(&final);
    assert_int_equal(put_challenge(client, text("v=AAAA")), AMQPC_SASL_BAD_SERVER);
    assert_failed(client, AMQPC_SASL_BAD_SERVER);
    assert_silent(client);
    amqpci_sasl_free(client);
    /* After the right one there is nothing to challenge. */
    client = prove(&final);
    amqpc_bytes proof = final.performative.as.sasl_outcome.additional_data;
    wire out;
    assert_int_equal(put_challenge(client, proof), AMQPC_OK);
    take(client, &out, AMQPC_COMPOSITE_SASL_RESPONSE);
    assert_int_equal(put_challenge(client, proof), AMQPC_SASL_BAD_CHALLENGE);
    amqpci_sasl_free(client);
}

static void test_row_76_a_huge_iteration_count_is_refused_by_the_layer(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    wire out;
    char challenge[200];
    amqpc_sasl_options options = sasl_options("SCRAM-SHA-1", "user", "pencil");
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "SCRAM-SHA-1"), AMQPC_OK);
    amqpc_bytes first =
        take(client, &out, AMQPC_COMPOSITE_SASL_INIT)->as.sasl_init.initial_response;
    size_t head = sizeof "n,,n=user," - 1;
    size_t size = first.size - head;
    memcpy(challenge, (const char *)first.data + head, size);
    memcpy(challenge + size, "x,s=c2FsdA==,i=1000001", sizeof "x,s=c2FsdA==,i=1000001");
    assert_int_equal(put_challenge(client, text(challenge)), AMQPC_SASL_BAD_CHALLENGE);
    assert_silent(client);
    amqpci_sasl_free(client);
}

/* --- Clients that a server must not let in. */

static void test_malformed_responses_end_in_an_outcome_and_no_question(void **state)
{
    (void)state;
    const struct {
        const char *mechanism;
        amqpc_bytes response;
    } all[] = {
        {"PLAIN", BYTES("")},
        {"PLAIN", BYTES("user")},
        {"PLAIN", BYTES("\0user")},
        {"PLAIN", BYTES("\0user\0")},
        {"PLAIN", BYTES("\0\0pencil")},
        {"PLAIN", BYTES("\0user\0pen\0cil")},
        {"PLAIN", BYTES("\xff\0user\0pencil")},
        {"PLAIN", BYTES("\0us\xffr\0pencil")},
        {"PLAIN", BYTES("\0user\0penc\xffl")},
        {"ANONYMOUS", BYTES("\xff")},
        {"EXTERNAL", BYTES("a\0b")},
        {"XOAUTH2", BYTES("")},
        {"XOAUTH2", BYTES("user=u\x01")},
        {"XOAUTH2", BYTES("user=u\x01\x01")},
        {"XOAUTH2", BYTES("auth=Bearer t\x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "auth=Bearer t\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "auth=Bearer t\x01\x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "auth=Basic dTpw\x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "auth=Bearer \x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "auth=t\x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "user=v\x01"
                          "auth=Bearer t\x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "auth=Bearer t\x01"
                          "auth=Bearer s\x01\x01")},
        {"XOAUTH2", BYTES("user=\xff\x01"
                          "auth=Bearer t\x01\x01")},
        {"XOAUTH2", BYTES("user=u\x01"
                          "nonsense\x01"
                          "auth=Bearer t\x01\x01")},
        {"OAUTHBEARER", BYTES("")},
        {"OAUTHBEARER", BYTES("n,,")},
        {"OAUTHBEARER", BYTES("n,,auth=Bearer t\x01\x01")},
        {"OAUTHBEARER", BYTES("n,,\x01\x01")},
        {"OAUTHBEARER", BYTES("n,a=\xff,\x01"
                              "auth=Bearer t\x01\x01")},
        {"OAUTHBEARER", BYTES("p=x,,\x01"
                              "auth=Bearer t\x01\x01")},
        {"X-NOBODY", BYTES("")},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        wire out;
        amqpci_sasl *server = new_server("PLAIN ANONYMOUS EXTERNAL XOAUTH2 OAUTHBEARER");
        amqpc_status expected =
            i + 1 < sizeof all / sizeof *all ? AMQPC_SASL_BAD_CHALLENGE : AMQPC_SASL_NO_MECHANISM;
        assert_int_equal(put_init(server, all[i].mechanism, all[i].response), expected);
        assert_failed(server, expected);
        take(server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
        assert_outcome(server, AMQPC_SASL_CODE_AUTH);
        amqpci_sasl_free(server);
    }
}

static void test_tokens_are_read_in_any_case_and_order(void **state)
{
    (void)state;
    amqpci_sasl *server = new_server("XOAUTH2");
    assert_int_equal(put_init(server, "XOAUTH2", BYTES("auth=bEARER t\x01x=y\x01user=u\x01\x01")),
                     AMQPC_OK);
    amqpc_sasl_question question = ask(server, AMQPC_SASL_QUESTION_CREDENTIALS);
    assert_bytes(question.user, text("u"));
    assert_bytes(question.token, text("t"));
    amqpci_sasl_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_performative_out_of_turn_is_a_fault_at_every_stage),
        cmocka_unit_test(test_row_41_a_performative_of_amqp_never_counts_as_authenticated),
        cmocka_unit_test(test_row_70_an_empty_list_of_mechanisms_is_refused),
        cmocka_unit_test(test_row_71_an_outcome_before_init_is_refused),
        cmocka_unit_test(test_row_72_challenges_without_end_are_given_up),
        cmocka_unit_test(test_row_72_a_giant_or_needless_challenge_is_refused),
        cmocka_unit_test(test_row_72_the_error_of_a_token_comes_only_once),
        cmocka_unit_test(test_row_73_credentials_are_not_dropped_for_anonymous),
        cmocka_unit_test(
            test_row_74_nothing_that_can_be_used_again_goes_over_cleartext_without_leave),
        cmocka_unit_test(test_row_74_a_server_does_not_offer_over_cleartext_what_shows_a_secret),
        cmocka_unit_test(test_row_76_ok_without_the_servers_proof_is_a_failure),
        cmocka_unit_test(test_row_76_a_wrong_signature_in_a_challenge_is_not_answered),
        cmocka_unit_test(test_row_76_a_huge_iteration_count_is_refused_by_the_layer),
        cmocka_unit_test(test_malformed_responses_end_in_an_outcome_and_no_question),
        cmocka_unit_test(test_tokens_are_read_in_any_case_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
