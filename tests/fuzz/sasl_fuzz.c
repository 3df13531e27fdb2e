/* Both ends of SASL against a peer and an application that do anything.
 *
 * An input is a set-up of three bytes, and then steps of a byte and what it needs: performatives of
 * the peer, answers of the application, or output taken. Sizes are one byte. What must hold: nobody
 * passes without an outcome, of SCRAM none without a proof; a layer that has failed gives out
 * nothing but one outcome, and never passes; output encodes; a question opens and closes. */
#include "fuzz.h"

#include "engine/sasl.h"

#include <string.h>

enum {
    STEPS_MAX = 64,
    ITERATIONS_MAX = 4200, /* so that an input costs little */
};

/* The input, as far as it is read. */
typedef struct source {
    const uint8_t *at;
    size_t left;
} source;

static uint8_t next_byte(source *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static amqpc_bytes next_bytes(source *input)
{
    size_t size = next_byte(input);
    size = size < input->left ? size : input->left;
    amqpc_bytes bytes = {input->at, size};
    input->at += size;
    input->left -= size;
    return bytes;
}

static amqpc_bytes text(const char *characters)
{
    return (amqpc_bytes){characters, strlen(characters)};
}

/* One end, and what was seen of it. */
typedef struct end {
    amqpci_sasl *sasl;
    bool server;
    bool failed;
    bool ok_received;
    unsigned outcomes_sent;
} end;

static const char *const lists[] = {
    "",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "PLAIN",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
    "ANONYMOUS",
    "X-OWN",
    "SCRAM-SHA-256 PLAIN X-OWN ANONYMOUS EXTERNAL",
    "PLAIN XOAUTH2 OAUTHBEARER ANONYMOUS EXTERNAL",
};
enum { LISTS = sizeof lists / sizeof *lists };

static amqpci_sasl *make_end(source *input, bool server)
{
    uint8_t flags = next_byte(input);
    amqpc_sasl_options options;
    amqpci_sasl *sasl = NULL;
    amqpc_sasl_options_init(&options, sizeof options);
    options.mechanisms = text(lists[next_byte(input) % LISTS]);
    options.user = text((flags & 2) != 0 ? "us,er=" : "");
    options.password = text((flags & 4) != 0 ? "pencil" : "");
    options.authorization_id = text((flags & 8) != 0 ? "boss" : "");
    options.token = text((flags & 16) != 0 ? "token" : "");
    options.hostname = text((flags & 32) != 0 ? "host" : "");
    options.allow_plain_cleartext = (flags & 64) != 0;
    options.port = flags;
    options.iterations_max = ITERATIONS_MAX;
    options.rounds_max = 4;
    amqpc_status status = amqpci_sasl_new(NULL, server, (flags & 128) != 0, &options,
                                          text("24 bytes that are random"), &sasl);
    FUZZ_CHECK(status == AMQPC_OK || (server && status == AMQPC_INVALID_ARGUMENT));
    return sasl;
}

/* --- What must hold. */

static bool is_scram(const amqpci_sasl *sasl)
{
    amqpc_bytes name = amqpci_sasl_get_mechanism(sasl);
    return name.size > 5 && memcmp(name.data, "SCRAM", 5) == 0;
}

static void check_end(end *one)
{
    amqpc_sasl_question question;
    amqpci_sasl_progress progress = amqpci_sasl_get_progress(one->sasl);
    amqpc_status status = amqpci_sasl_get_status(one->sasl);
    bool asked = amqpci_sasl_get_question(one->sasl, &question);
    FUZZ_CHECK((progress == AMQPCI_SASL_FAILED) == (status != AMQPC_OK));
    FUZZ_CHECK(!one->failed || progress == AMQPCI_SASL_FAILED);
    FUZZ_CHECK(!asked || progress == AMQPCI_SASL_GOING);
    FUZZ_CHECK(progress == AMQPCI_SASL_PASSED || amqpci_sasl_get_identity(one->sasl).size == 0);
    if (progress == AMQPCI_SASL_PASSED) {
        FUZZ_CHECK(one->server ? one->outcomes_sent == 1 : one->ok_received);
        /* Nobody here can prove anything: the fuzzer does not find the keys. */
        FUZZ_CHECK(!is_scram(one->sasl));
    }
    one->failed = progress == AMQPCI_SASL_FAILED;
}

/* Takes one performative; it has to encode, and to be one of this end. */
static void take_output(end *one)
{
    static uint8_t bytes[65536];
    amqpc_performative out;
    size_t size = 0;
    bool failed = one->failed;
    if (!amqpci_sasl_output(one->sasl, &out)) {
        return;
    }
    FUZZ_CHECK(amqpc_performative_encode(&out, bytes, sizeof bytes, &size) == AMQPC_OK);
    if (one->server) {
        FUZZ_CHECK(out.type == AMQPC_COMPOSITE_SASL_MECHANISMS ||
                   out.type == AMQPC_COMPOSITE_SASL_OUTCOME ||
                   (out.type == AMQPC_COMPOSITE_SASL_CHALLENGE && !failed));
    } else {
        FUZZ_CHECK(!failed);
        FUZZ_CHECK(out.type == AMQPC_COMPOSITE_SASL_INIT ||
                   out.type == AMQPC_COMPOSITE_SASL_RESPONSE);
    }
    if (out.type == AMQPC_COMPOSITE_SASL_OUTCOME) {
        one->outcomes_sent++;
        FUZZ_CHECK(one->outcomes_sent == 1);
        FUZZ_CHECK((out.as.sasl_outcome.code == AMQPC_SASL_CODE_OK) == !failed);
    }
}

/* --- Steps. */

/* A performative of the peer, from members of the input's choice. */
static void put_members(end *one, source *input, uint8_t kind)
{
    amqpc_bytes symbol;
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_MECHANISMS + (uint32_t)kind};
    switch (kind) {
    case 0:
        symbol = text(lists[next_byte(input) % LISTS]);
        in.as.sasl_mechanisms.sasl_server_mechanisms.count = 1;
        in.as.sasl_mechanisms.sasl_server_mechanisms.items = &symbol;
        break;
    case 1:
        in.as.sasl_init.present = next_byte(input);
        in.as.sasl_init.mechanism = text(lists[next_byte(input) % LISTS]);
        in.as.sasl_init.initial_response = next_bytes(input);
        break;
    case 2:
        in.as.sasl_challenge.challenge = next_bytes(input);
        break;
    case 3:
        in.as.sasl_response.response = next_bytes(input);
        break;
    default:
        in.as.sasl_outcome.code = next_byte(input) % 5;
        in.as.sasl_outcome.additional_data = next_bytes(input);
        one->ok_received = one->ok_received || in.as.sasl_outcome.code == AMQPC_SASL_CODE_OK;
        break;
    }
    amqpc_status status = amqpci_sasl_input(one->sasl, &in);
    FUZZ_CHECK(status == AMQPC_OK || amqpci_sasl_get_progress(one->sasl) == AMQPCI_SASL_FAILED);
    FUZZ_CHECK(status == AMQPC_OK || one->failed || amqpci_sasl_get_status(one->sasl) == status);
}

/* A performative by its bytes. */
static void put_encoded(end *one, source *input)
{
    amqpc_performative in;
    amqpc_bytes bytes = next_bytes(input);
    if (amqpc_performative_decode(AMQPC_FRAME_SASL, bytes.data, bytes.size, NULL, &in, NULL) ==
        AMQPC_OK) {
        one->ok_received = one->ok_received || (in.type == AMQPC_COMPOSITE_SASL_OUTCOME &&
                                                in.as.sasl_outcome.code == AMQPC_SASL_CODE_OK);
        amqpc_status status = amqpci_sasl_input(one->sasl, &in);
        FUZZ_CHECK(status == AMQPC_OK || amqpci_sasl_get_progress(one->sasl) == AMQPCI_SASL_FAILED);
    }
}

/* A server-first-message that goes with the nonce of `make_end`, so that the proof is reached. */
static void put_server_first(end *one)
{
    static const char message[] = "r=MjQgYnl0ZXMgdGhhdCBhcmUgcmFuZG9txyz,s=c2FsdA==,i=4096";
    amqpc_performative in = {.type = AMQPC_COMPOSITE_SASL_CHALLENGE};
    in.as.sasl_challenge.present = AMQPC_SASL_CHALLENGE_CHALLENGE;
    in.as.sasl_challenge.challenge = text(message);
    (void)!amqpci_sasl_input(one->sasl, &in);
}

/* An answer of the application; wrong ones change nothing. */
static void answer(end *one, source *input, uint8_t kind)
{
    static const uint8_t key[64] = {1};
    amqpc_sasl_question question;
    bool asked = amqpci_sasl_get_question(one->sasl, &question);
    amqpc_bytes data = next_bytes(input);
    amqpc_sasl_verifier verifier = {
        .salt = data, .iterations = 4096, .stored_key = {key, 32}, .server_key = {key, 32}};
    amqpc_status status = AMQPC_OK;
    uint8_t code = 0;
    switch (kind) {
    case 0:
        code = next_byte(input) % 6;
        status = amqpci_sasl_finish(one->sasl, code, data);
        break;
    case 1:
        verifier.stored_key.size = verifier.server_key.size = 20u + next_byte(input) % 45u;
        status = amqpci_sasl_give_verifier(one->sasl, &verifier);
        break;
    case 2:
        status = amqpci_sasl_challenge(one->sasl, data);
        break;
    default:
        status = amqpci_sasl_respond(one->sasl, data);
        break;
    }
    FUZZ_CHECK(asked || status == AMQPC_INVALID_STATE);
    FUZZ_CHECK(amqpci_sasl_get_question(one->sasl, &question) == (asked && status != AMQPC_OK));
    one->failed = one->failed || amqpci_sasl_get_progress(one->sasl) == AMQPCI_SASL_FAILED;
    FUZZ_CHECK(!one->failed || !asked || kind == 0);
}

static void run_step(end *one, source *input)
{
    uint8_t kind = next_byte(input) % 16;
    if (kind < 5) {
        put_members(one, input, kind);
    } else if (kind < 9) {
        answer(one, input, kind - 5);
    } else if (kind == 9) {
        put_encoded(one, input);
    } else if (kind == 10) {
        put_server_first(one);
    } else {
        take_output(one);
    }
    check_end(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source input = {data, size};
    bool server = (next_byte(&input) & 1) != 0;
    end one = {.sasl = make_end(&input, server), .server = server};
    for (int i = 0; one.sasl != NULL && input.left > 0 && i < STEPS_MAX; i++) {
        run_step(&one, &input);
    }
    amqpci_sasl_free(one.sasl);
    return 0;
}
