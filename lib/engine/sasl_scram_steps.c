/* SCRAM as a mechanism of the layer.
 *
 * Our server sends the server-final-message in outcome.additional-data, as AMQP 5.3.3.5 has it:
 * clients that understand AMQP's SASL read it there, and those that want a challenge instead are
 * not known to us. Our client takes it there, or in a last challenge, which it answers by an empty
 * response (RFC 5802 3). */
#include "engine/sasl_base64.h"
#include "engine/sasl_object.h"

/* Client: what it has sent or verified. Server: the first response is read. */
enum { STEP_FIRST = 0, STEP_FINAL = 1, STEP_VERIFIED = 2 };

/* Puts the nonce of this end into `nonce`. */
static amqpc_status make_nonce(amqpci_sasl *sasl, amqpci_secret *nonce)
{
    const amqpc_bytes random = {sasl->random, sizeof sasl->random};
    return amqpci_base64_encode(&sasl->allocator, random, nonce);
}

amqpc_status amqpci_scram_start(amqpci_sasl *sasl)
{
    amqpci_secret nonce = {NULL, 0};
    amqpci_scram_init(&sasl->scram, &sasl->allocator, sasl->mechanism->hash);
    amqpc_status status = make_nonce(sasl, &nonce);
    if (status == AMQPC_OK) {
        status = amqpci_scram_client_first(&sasl->scram, sasl->options.user,
                                           sasl->options.authorization_id,
                                           amqpci_secret_view(&nonce), &sasl->sent);
    }
    amqpci_secret_release(&sasl->allocator, &nonce);
    return status;
}

amqpc_status amqpci_scram_step(amqpci_sasl *sasl, amqpc_bytes challenge)
{
    amqpc_status status = AMQPC_SASL_BAD_CHALLENGE;
    switch (sasl->mechanism_step) {
    case STEP_FIRST:
        status = amqpci_scram_client_final(&sasl->scram, challenge, sasl->options.password,
                                           sasl->options.iterations_max, &sasl->sent);
        break;
    case STEP_FINAL:
        status = amqpci_scram_client_verify(&sasl->scram, challenge);
        if (status == AMQPC_OK) {
            status = amqpci_secret_resize(&sasl->allocator, &sasl->sent, 0);
        }
        break;
    default:
        break;
    }
    sasl->mechanism_step++;
    return status;
}

amqpc_status amqpci_scram_end(amqpci_sasl *sasl, amqpc_bytes additional_data)
{
    return sasl->mechanism_step == STEP_VERIFIED
               ? AMQPC_OK
               : amqpci_scram_client_verify(&sasl->scram, additional_data);
}

amqpc_status amqpci_scram_server_step(amqpci_sasl *sasl, amqpc_bytes response)
{
    if (sasl->mechanism_step++ == STEP_FIRST) {
        amqpci_scram_init(&sasl->scram, &sasl->allocator, sasl->mechanism->hash);
        amqpc_status status =
            amqpci_scram_server_read(&sasl->scram, response, &sasl->identity, &sasl->claimed);
        if (status == AMQPC_OK) {
            amqpc_sasl_question *question = amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_VERIFIER);
            question->user = amqpci_secret_view(&sasl->identity);
            question->authorization_id = amqpci_secret_view(&sasl->claimed);
        }
        return status;
    }
    amqpc_status status = amqpci_scram_server_final(&sasl->scram, response, &sasl->sent);
    return status == AMQPC_OK ? amqpci_sasl_accept(sasl) : status;
}

amqpc_status amqpci_scram_give(amqpci_sasl *sasl, const amqpc_sasl_verifier *verifier)
{
    amqpci_secret nonce = {NULL, 0};
    amqpc_status status = make_nonce(sasl, &nonce);
    if (status == AMQPC_OK) {
        status = amqpci_scram_server_first(&sasl->scram, verifier, amqpci_secret_view(&nonce),
                                           &sasl->sent);
    }
    amqpci_secret_release(&sasl->allocator, &nonce);
    return status == AMQPC_OK ? amqpci_sasl_answer(sasl, AMQPC_COMPOSITE_SASL_CHALLENGE) : status;
}
