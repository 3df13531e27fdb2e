/* The engine's peer: SASL. */
#include <stdlib.h>
#include <string.h>

#include "interop/engine_peer.h"

enum { ITERATIONS = 4096, KEY_SIZE_MAX = 64 };

static const char salt[] = "sixteen and more";

void engine_sasl_options(const peer_options *options, amqpc_sasl_options *sasl)
{
    amqpc_sasl_options_init(sasl, sizeof *sasl);
    sasl->mechanisms = engine_bytes(options->sasl);
    sasl->allow_plain_cleartext = true;
    if (!options->is_server && options->user != NULL) {
        sasl->user = engine_bytes(options->user);
        sasl->password = engine_bytes(options->password);
    }
}

static bool is_text(amqpc_bytes bytes, const char *text)
{
    return text != NULL && bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static void finish(engine_peer *peer, unsigned code)
{
    engine_check(amqpc_sasl_finish(peer->connection, code, (amqpc_bytes){NULL, 0}),
                 "amqpc_sasl_finish");
}

static void give_verifier(engine_peer *peer, const amqpc_sasl_question *question)
{
    if (!is_text(question->user, peer->options->user)) {
        finish(peer, AMQPC_SASL_CODE_AUTH);
        return;
    }
    uint8_t stored[KEY_SIZE_MAX];
    uint8_t server[KEY_SIZE_MAX];
    size_t size = 0;
    amqpc_bytes salt_bytes = engine_bytes(salt);
    const char *hash = strrchr(peer->options->sasl, '-') + 1;
    engine_check(amqpc_sasl_make_verifier((unsigned)strtoul(hash, NULL, 10),
                                          engine_bytes(peer->options->password), salt_bytes,
                                          ITERATIONS, stored, server, &size),
                 "amqpc_sasl_make_verifier");
    const amqpc_sasl_verifier verifier = {
        .salt = salt_bytes,
        .iterations = ITERATIONS,
        .stored_key = {stored, size},
        .server_key = {server, size},
    };
    engine_check(amqpc_sasl_give_verifier(peer->connection, &verifier), "amqpc_sasl_give_verifier");
}

void engine_answer_sasl(engine_peer *peer)
{
    amqpc_sasl_question question;
    engine_check(amqpc_sasl_question_get(peer->connection, &question), "amqpc_sasl_question_get");
    if (question.type == AMQPC_SASL_QUESTION_VERIFIER) {
        give_verifier(peer, &question);
        return;
    }
    bool welcome = !is_text(question.mechanism, "PLAIN") ||
                   (is_text(question.user, peer->options->user) &&
                    is_text(question.password, peer->options->password));
    finish(peer, welcome ? AMQPC_SASL_CODE_OK : AMQPC_SASL_CODE_AUTH);
}
