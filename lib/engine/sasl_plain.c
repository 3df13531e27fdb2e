/* PLAIN (RFC 4616), ANONYMOUS (RFC 4505) and EXTERNAL (RFC 4422 A): mechanisms of one message. */
#include <string.h>

#include "engine/sasl_name.h"
#include "engine/sasl_object.h"

amqpc_status amqpci_single_step(amqpci_sasl *sasl, amqpc_bytes challenge)
{
    (void)sasl;
    (void)challenge;
    return AMQPC_SASL_BAD_CHALLENGE;
}

amqpc_status amqpci_plain_start(amqpci_sasl *sasl)
{
    const amqpc_bytes nul = {"", 1};
    const amqpc_bytes parts[] = {sasl->options.authorization_id, nul, sasl->options.user, nul,
                                 sasl->options.password};
    return amqpci_secret_join(&sasl->allocator, &sasl->sent, parts, sizeof parts / sizeof *parts);
}

/* Takes the bytes before the next NUL, and the NUL; all where there is none. */
static amqpc_bytes take_part(amqpc_bytes *rest, bool *found)
{
    const char *text = (const char *)rest->data;
    const char *nul = rest->size == 0 ? NULL : (const char *)memchr(text, 0, rest->size);
    *found = nul != NULL;
    size_t size = nul == NULL ? rest->size : (size_t)(nul - text);
    size_t taken = size + (nul != NULL);
    amqpc_bytes part = {text, size};
    *rest = (amqpc_bytes){text + taken, rest->size - taken};
    return part;
}

amqpc_status amqpci_plain_server_step(amqpci_sasl *sasl, amqpc_bytes response)
{
    bool first = false;
    bool second = false;
    amqpc_bytes authorization_id = take_part(&response, &first);
    amqpc_bytes user = take_part(&response, &second);
    /* Neither of the last two is ever empty (RFC 4616 2): a directory may take an empty password
     * for a wish to be anonymous, and say yes. */
    if (!first || !second || user.size == 0 || response.size == 0 ||
        !amqpci_sasl_is_text(authorization_id) || !amqpci_sasl_is_text(user) ||
        !amqpci_sasl_is_text(response)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->identity, user);
    if (status == AMQPC_OK) {
        amqpc_sasl_question *question = amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_CREDENTIALS);
        question->authorization_id = authorization_id;
        question->user = user;
        question->password = response;
    }
    return status;
}

amqpc_status amqpci_anonymous_start(amqpci_sasl *sasl)
{
    /* The trace: some servers want one. */
    amqpc_bytes trace = sasl->options.authorization_id;
    return amqpci_secret_set(&sasl->allocator, &sasl->sent,
                             trace.size > 0 ? trace : amqpci_text("anonymous"));
}

amqpc_status amqpci_anonymous_server_step(amqpci_sasl *sasl, amqpc_bytes response)
{
    if (!amqpci_sasl_is_text(response)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    /* The trace is no identity: anybody may send the name of anybody. */
    amqpc_status status =
        amqpci_secret_set(&sasl->allocator, &sasl->identity, amqpci_text("anonymous"));
    if (status == AMQPC_OK) {
        amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_CREDENTIALS)->authorization_id = response;
    }
    return status;
}

/* Empty, not null, without an authorization id: some servers challenge where it is null. */
amqpc_status amqpci_external_start(amqpci_sasl *sasl)
{
    return amqpci_secret_set(&sasl->allocator, &sasl->sent, sasl->options.authorization_id);
}

/* Some servers challenge in any case; what they get is no secret, and the same as before. */
amqpc_status amqpci_external_step(amqpci_sasl *sasl, amqpc_bytes challenge)
{
    return challenge.size == 0 ? amqpci_external_start(sasl) : AMQPC_SASL_BAD_CHALLENGE;
}

amqpc_status amqpci_external_server_step(amqpci_sasl *sasl, amqpc_bytes response)
{
    if (!amqpci_sasl_is_text(response)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->identity, response);
    if (status == AMQPC_OK) {
        amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_CREDENTIALS)->authorization_id = response;
    }
    return status;
}
