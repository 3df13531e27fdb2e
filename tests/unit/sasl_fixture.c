/* The two ends of SASL in memory. */
#include "sasl_fixture.h"

#include <amqpcodec/frame.h>

const amqpc_bytes no_bytes = {NULL, 0};

static const char client_random[] = "client's 24 random bytes";
static const char server_random[] = "server's 24 random bytes";

amqpc_bytes text(const char *characters)
{
    return characters == NULL ? no_bytes : (amqpc_bytes){characters, strlen(characters)};
}

void assert_bytes(amqpc_bytes bytes, amqpc_bytes expected)
{
    assert_int_equal(bytes.size, expected.size);
    if (bytes.size > 0) {
        assert_memory_equal(bytes.data, expected.data, bytes.size);
    }
}

amqpc_sasl_options sasl_options(const char *mechanisms, const char *user, const char *password)
{
    amqpc_sasl_options options;
    amqpc_sasl_options_init(&options, sizeof options);
    options.mechanisms = text(mechanisms);
    options.user = text(user);
    options.password = text(password);
    return options;
}

amqpci_sasl *new_client(const amqpc_sasl_options *options)
{
    amqpci_sasl *sasl = NULL;
    assert_int_equal(amqpci_sasl_new(NULL, false, true, options, text(client_random), &sasl),
                     AMQPC_OK);
    return sasl;
}

amqpci_sasl *new_server(const char *mechanisms)
{
    amqpci_sasl *sasl = NULL;
    amqpc_sasl_options options = sasl_options(mechanisms, NULL, NULL);
    assert_int_equal(amqpci_sasl_new(NULL, true, true, &options, text(server_random), &sasl),
                     AMQPC_OK);
    return sasl;
}

ends new_ends(const amqpc_sasl_options *client, const char *server_mechanisms)
{
    return (ends){new_client(client), new_server(server_mechanisms)};
}

void free_ends(ends *both)
{
    amqpci_sasl_free(both->client);
    amqpci_sasl_free(both->server);
}

/* Encodes and decodes, as a connection does. */
static void cross(const amqpc_performative *from, wire *to)
{
    size_t size = 0;
    assert_int_equal(amqpc_performative_encode(from, to->bytes, sizeof to->bytes, &size), AMQPC_OK);
    assert_int_equal(
        amqpc_performative_decode(AMQPC_FRAME_SASL, to->bytes, size, NULL, &to->performative, NULL),
        AMQPC_OK);
}

amqpc_status put(amqpci_sasl *sasl, const amqpc_performative *in)
{
    wire crossed;
    cross(in, &crossed);
    amqpc_status status = amqpci_sasl_input(sasl, &crossed.performative);
    memset(&crossed, 0xff, sizeof crossed); /* it was borrowed until return */
    return status;
}

const amqpc_performative *take(amqpci_sasl *sasl, wire *out, uint32_t type)
{
    amqpc_performative given;
    assert_true(amqpci_sasl_output(sasl, &given));
    assert_int_equal(given.type, type);
    cross(&given, out);
    return &out->performative;
}

void assert_silent(amqpci_sasl *sasl)
{
    amqpc_performative given;
    assert_false(amqpci_sasl_output(sasl, &given));
}

amqpc_status talk(ends *both)
{
    bool moved = true;
    amqpc_status first = AMQPC_OK;
    while (moved) {
        amqpc_performative given;
        amqpc_status status = AMQPC_OK;
        moved = false;
        while (status == AMQPC_OK && amqpci_sasl_output(both->server, &given)) {
            status = put(both->client, &given);
            moved = true;
        }
        while (status == AMQPC_OK && amqpci_sasl_output(both->client, &given)) {
            status = put(both->server, &given);
            moved = true;
        }
        first = first == AMQPC_OK ? status : first;
    }
    return first;
}

amqpc_status put_mechanisms(amqpci_sasl *sasl, const char *names)
{
    amqpc_bytes items[16];
    uint32_t count = 0;
    while (*names != '\0') {
        size_t size = strcspn(names, " ");
        items[count++] = (amqpc_bytes){names, size};
        names += size + (names[size] == ' ');
    }
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_MECHANISMS};
    in.as.sasl_mechanisms.present = AMQPC_SASL_MECHANISMS_SASL_SERVER_MECHANISMS;
    in.as.sasl_mechanisms.sasl_server_mechanisms.count = count;
    in.as.sasl_mechanisms.sasl_server_mechanisms.items = items;
    return put(sasl, &in);
}

amqpc_status put_init(amqpci_sasl *sasl, const char *mechanism, amqpc_bytes response)
{
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_INIT};
    in.as.sasl_init.present =
        AMQPC_SASL_INIT_MECHANISM | (response.data != NULL ? AMQPC_SASL_INIT_INITIAL_RESPONSE : 0u);
    in.as.sasl_init.mechanism = text(mechanism);
    in.as.sasl_init.initial_response = response;
    return put(sasl, &in);
}

amqpc_status put_challenge(amqpci_sasl *sasl, amqpc_bytes challenge)
{
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_CHALLENGE};
    in.as.sasl_challenge.present = AMQPC_SASL_CHALLENGE_CHALLENGE;
    in.as.sasl_challenge.challenge = challenge;
    return put(sasl, &in);
}

amqpc_status put_response(amqpci_sasl *sasl, amqpc_bytes response)
{
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_RESPONSE};
    in.as.sasl_response.present = AMQPC_SASL_RESPONSE_RESPONSE;
    in.as.sasl_response.response = response;
    return put(sasl, &in);
}

amqpc_status put_outcome(amqpci_sasl *sasl, uint8_t code, amqpc_bytes additional_data)
{
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_OUTCOME};
    in.as.sasl_outcome.present =
        AMQPC_SASL_OUTCOME_CODE |
        (additional_data.data != NULL ? AMQPC_SASL_OUTCOME_ADDITIONAL_DATA : 0u);
    in.as.sasl_outcome.code = code;
    in.as.sasl_outcome.additional_data = additional_data;
    return put(sasl, &in);
}

amqpc_sasl_question ask(const amqpci_sasl *sasl, uint32_t type)
{
    amqpc_sasl_question question;
    assert_true(amqpci_sasl_get_question(sasl, &question));
    assert_int_equal(question.type, type);
    return question;
}

void assert_failed(amqpci_sasl *sasl, amqpc_status status)
{
    amqpc_sasl_question question;
    assert_int_equal(amqpci_sasl_get_progress(sasl), AMQPCI_SASL_FAILED);
    assert_int_equal(amqpci_sasl_get_status(sasl), status);
    assert_false(amqpci_sasl_get_question(sasl, &question));
    assert_int_equal(amqpci_sasl_get_identity(sasl).size, 0);
}

void assert_passed(const amqpci_sasl *sasl)
{
    assert_int_equal(amqpci_sasl_get_progress(sasl), AMQPCI_SASL_PASSED);
    assert_int_equal(amqpci_sasl_get_status(sasl), AMQPC_OK);
}

void assert_outcome(amqpci_sasl *server, uint8_t code)
{
    wire out;
    const amqpc_performative *outcome = take(server, &out, AMQPC_COMPOSITE_SASL_OUTCOME);
    assert_int_equal(outcome->as.sasl_outcome.code, code);
    assert_int_equal(outcome->as.sasl_outcome.present, AMQPC_SASL_OUTCOME_CODE);
    assert_silent(server);
}

amqpc_sasl_verifier verifier_of(unsigned hash, const char *password, verifier_keys *keys)
{
    size_t size = 0;
    amqpc_sasl_verifier verifier = {.salt = text("salt"), .iterations = 4096};
    assert_int_equal(amqpc_sasl_make_verifier(hash, text(password), verifier.salt,
                                              verifier.iterations, keys->stored_key,
                                              keys->server_key, &size),
                     AMQPC_OK);
    verifier.stored_key = (amqpc_bytes){keys->stored_key, size};
    verifier.server_key = (amqpc_bytes){keys->server_key, size};
    return verifier;
}
