/* SASL with options that are wrong, in a build without hashes, and with memory that ends. */
#include "engine/sasl_hash.h"
#include "sasl_fixture.h"
#include "support/failing_allocator.h"
#include "support/skip_because.h"

/* --- Options. */

static void assert_invalid(bool server, const amqpc_sasl_options *options)
{
    amqpci_sasl *sasl = NULL;
    assert_int_equal(
        amqpci_sasl_new(NULL, server, true, options, text("24 bytes that are random"), &sasl),
        AMQPC_INVALID_ARGUMENT);
    assert_null(sasl);
}

static void test_options_that_cannot_be_are_refused(void **state)
{
    (void)state;
    const char *const names[] = {
        " ", "PLAIN ", " PLAIN", "PLAIN  EXTERNAL", "plain", "PL,N", "ABCDEFGHIJKLMNOPQRSTU"};
    amqpc_sasl_options options;
    assert_invalid(false, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        options = sasl_options(names[i], NULL, NULL);
        assert_invalid(i % 2 == 0, &options);
    }
    const amqpc_bytes bad[] = {{NULL, 1},
                               {"\0", 1},
                               {"\xff", 1},
                               {"a\x01"
                                "b",
                                3}};
    for (size_t i = 0; i < 20; i++) {
        options = sasl_options(NULL, NULL, NULL);
        amqpc_bytes *const members[] = {&options.user, &options.authorization_id, &options.token,
                                        &options.hostname, &options.password};
        *members[i / 4] = bad[i % 4];
        if (i < 19) { /* a password may have 0x01 in it */
            assert_invalid(false, &options);
        }
    }
    options = sasl_options(NULL, NULL, NULL);
    options.mechanisms = bad[0];
    assert_invalid(false, &options);
    options = sasl_options(NULL, NULL, NULL);
    options.iterations_max = 4095;
    assert_invalid(false, &options);
    options.iterations_max = 4096;
    options.rounds_max = 0;
    assert_invalid(false, &options);
    options = sasl_options(NULL, NULL, NULL);
    options.struct_size = sizeof options - 1;
    assert_invalid(false, &options);
    amqpci_sasl *sasl = NULL;
    options = sasl_options(NULL, NULL, NULL);
    assert_int_equal(amqpci_sasl_new(NULL, false, true, &options, text("too few"), &sasl),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(
        amqpci_sasl_new(NULL, false, true, &options, text("24 bytes that are random"), NULL),
        AMQPC_INVALID_ARGUMENT);
    amqpci_sasl_free(NULL);
}

static void test_defaults_are_written_no_further_than_the_caller_has_room(void **state)
{
    (void)state;
    amqpc_sasl_options options;
    memset(&options, 0xee, sizeof options);
    amqpc_sasl_options_init(&options, offsetof(amqpc_sasl_options, iterations_max));
    assert_int_equal(options.struct_size, offsetof(amqpc_sasl_options, iterations_max));
    assert_int_equal(options.iterations_max, 0xeeeeeeee);
    assert_int_equal(options.user.size, 0);
    amqpc_sasl_options_init(&options, sizeof options);
    assert_int_equal(options.iterations_max, 1000000);
    assert_int_equal(options.rounds_max, 16);
}

static void test_scram_is_neither_offered_nor_chosen_without_hashes(void **state)
{
    (void)state;
    if (amqpci_hash_available()) {
        skip_because(BUILD_WITH_OPENSSL);
    }
    amqpc_sasl_options options = sasl_options("SCRAM-SHA-256", "user", "pencil");
    amqpci_sasl *client = new_client(&options);
    assert_int_equal(put_mechanisms(client, "SCRAM-SHA-256"), AMQPC_SASL_NO_MECHANISM);
    assert_silent(client);
    amqpci_sasl_free(client);
    assert_invalid(true, &options);
}

/* --- Memory. */

static const amqpc_allocator *scenario_allocator;

static amqpci_sasl *try_new(bool server, const char *mechanisms)
{
    amqpci_sasl *sasl = NULL;
    amqpc_sasl_options options = sasl_options(mechanisms, "user", "pencil");
    options.token = text("token");
    options.authorization_id = text("boss");
    options.hostname = text("host");
    amqpc_status status = amqpci_sasl_new(scenario_allocator, server, true, &options,
                                          text("24 bytes that are random"), &sasl);
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    return sasl;
}

static amqpc_status answer_question(amqpci_sasl *sasl)
{
    verifier_keys keys;
    amqpc_sasl_question question;
    if (!amqpci_sasl_get_question(sasl, &question)) {
        return AMQPC_OK;
    }
    switch (question.type) {
    case AMQPC_SASL_QUESTION_VERIFIER: {
        amqpc_sasl_verifier verifier = verifier_of(256, "pencil", &keys);
        return amqpci_sasl_give_verifier(sasl, &verifier);
    }
    case AMQPC_SASL_QUESTION_CREDENTIALS:
        return amqpci_sasl_finish(sasl, AMQPC_SASL_CODE_OK, no_bytes);
    case AMQPC_SASL_QUESTION_RESPONSE:
        return question.has_data ? amqpci_sasl_finish(sasl, AMQPC_SASL_CODE_OK, BYTES("bye"))
                                 : amqpci_sasl_challenge(sasl, BYTES("who?"));
    default:
        return amqpci_sasl_respond(sasl, question.has_data ? BYTES("me") : no_bytes);
    }
}

/* Both ends of a mechanism, as far as memory goes. An answer that failed may be given again. */
static void talk_with_little_memory(const char *mechanism)
{
    ends both = {try_new(false, mechanism), try_new(true, mechanism)};
    amqpc_status status = both.client != NULL && both.server != NULL ? AMQPC_OK : AMQPC_NO_MEMORY;
    for (int i = 0; status == AMQPC_OK && i < 8; i++) {
        status = talk(&both);
        amqpci_sasl *const all[] = {both.client, both.server};
        for (size_t end = 0; status == AMQPC_OK && end < 2; end++) {
            amqpc_status first = answer_question(all[end]);
            assert_true(first == AMQPC_OK || first == AMQPC_NO_MEMORY);
            assert_true(first == AMQPC_OK || answer_question(all[end]) == AMQPC_OK);
        }
    }
    if (status == AMQPC_OK) {
        assert_passed(both.client);
        assert_passed(both.server);
    } else if (both.client != NULL && both.server != NULL) {
        bool server = amqpci_sasl_get_status(both.server) != AMQPC_OK;
        assert_int_equal(status, AMQPC_NO_MEMORY);
        assert_failed(server ? both.server : both.client, AMQPC_NO_MEMORY);
        if (server) { /* it could still say so, which takes no memory */
            assert_failed(both.client, AMQPC_SASL_SYSTEM);
        }
        assert_silent(both.client);
    }
    free_ends(&both);
}

static void talk_by_all_mechanisms(const amqpc_allocator *allocator)
{
    scenario_allocator = allocator;
    talk_with_little_memory("PLAIN");
    talk_with_little_memory("ANONYMOUS");
    talk_with_little_memory("EXTERNAL");
    talk_with_little_memory("XOAUTH2");
    talk_with_little_memory("OAUTHBEARER");
    talk_with_little_memory("X-OWN");
    if (amqpci_hash_available()) {
        talk_with_little_memory("SCRAM-SHA-256");
    }
}

/* Initial responses that are null, and errors of tokens. */
static void challenge_with_little_memory(const amqpc_allocator *allocator)
{
    scenario_allocator = allocator;
    wire out;
    amqpc_performative given;
    amqpci_sasl *server = try_new(true, "EXTERNAL");
    if (server != NULL && put_init(server, "EXTERNAL", no_bytes) == AMQPC_OK) {
        take(server, &out, AMQPC_COMPOSITE_SASL_MECHANISMS);
        take(server, &out, AMQPC_COMPOSITE_SASL_CHALLENGE);
    }
    amqpci_sasl_free(server);
    amqpci_sasl *client = try_new(false, "OAUTHBEARER");
    if (client != NULL && put_mechanisms(client, "OAUTHBEARER") == AMQPC_OK) {
        take(client, &out, AMQPC_COMPOSITE_SASL_INIT);
        amqpc_status status = put_challenge(client, text("{}"));
        assert_int_equal(amqpci_sasl_output(client, &given), status == AMQPC_OK);
    }
    amqpci_sasl_free(client);
}

static void test_row_101_memory_that_ends_is_an_outcome_and_never_a_pass(void **state)
{
    (void)state;
    assert_survives_failing_allocations(talk_by_all_mechanisms);
    assert_survives_failing_allocations(challenge_with_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_that_cannot_be_are_refused),
        cmocka_unit_test(test_defaults_are_written_no_further_than_the_caller_has_room),
        cmocka_unit_test(test_scram_is_neither_offered_nor_chosen_without_hashes),
        cmocka_unit_test(test_row_101_memory_that_ends_is_an_outcome_and_never_a_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
