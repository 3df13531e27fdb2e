/* The SASL layer from within: its members, and what the mechanisms do. */
#ifndef AMQPCI_ENGINE_SASL_OBJECT_H
#define AMQPCI_ENGINE_SASL_OBJECT_H

#include "engine/sasl.h"
#include "engine/sasl_mechanism.h"
#include "engine/sasl_scram.h"
#include "engine/sasl_secret.h"
#include "engine/sasl_states.h"

enum { AMQPCI_SASL_NONCE_SIZE = 24 };

/* The layer.
 *
 * status           of the first failure
 * rounds           challenges received, or responses
 * mechanism_step   how far the mechanism is, by its own count; 0 at first
 * options          its views point into `names` and `credentials`
 * credentials      wiped once SASL is over
 * offered          server: the mechanisms, views of `names`
 * mechanism        the row in use; NULL for one of the application's own, and before there is one
 * mechanism_name   its name; empty before there is one
 * identity         server: who the client says it is; holds once it has passed
 * hostname         server: of sasl-init
 * question         type NONE where none is open; its views point into `received`, `identity`,
 *                  `claimed`, `hostname` and `mechanism_name`
 * received         what a question is about
 * claimed          server: the authorization id of the gs2 header
 * pending          amqpc_composite_type of what is to be sent, or NONE
 * mechanisms_pending  server: sasl-mechanisms comes before that
 * outcome_taken    server: the outcome was given out
 * code             of the pending outcome
 * sent             bytes of what is pending, or was given out last; data NULL for null */
struct amqpci_sasl {
    amqpc_allocator allocator;
    bool server;
    bool is_protected;
    bool mechanisms_pending;
    bool outcome_taken;
    amqpci_sasl_state state;
    amqpc_status status;
    uint32_t rounds;
    uint32_t mechanism_step;
    amqpc_sasl_options options;
    amqpci_secret names;
    amqpci_secret credentials;
    uint8_t random[AMQPCI_SASL_NONCE_SIZE];
    amqpc_bytes *offered;
    uint32_t offered_count;
    const amqpci_sasl_mechanism *mechanism;
    amqpci_secret mechanism_name;
    amqpci_secret identity;
    amqpci_secret hostname;
    amqpc_sasl_question question;
    amqpci_secret received;
    amqpci_secret claimed;
    uint32_t pending;
    uint8_t code;
    amqpci_secret sent;
    amqpci_scram scram;
};

/* What input does, by role. A failure is not noted yet. */
AMQPC_CHECK amqpc_status amqpci_sasl_client_input(amqpci_sasl *sasl, const amqpc_performative *in);
AMQPC_CHECK amqpc_status amqpci_sasl_server_input(amqpci_sasl *sasl, const amqpc_performative *in);

/* Server: the list to offer. AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT where it is empty. */
AMQPC_CHECK amqpc_status amqpci_sasl_server_offer(amqpci_sasl *sasl);

/* Opens a question about sasl->received, and gives it to the caller to fill in more. */
amqpc_sasl_question *amqpci_sasl_ask(amqpci_sasl *sasl, amqpc_sasl_question_type type);

/* Queues an init, challenge or response with the bytes in sasl->sent. */
AMQPC_CHECK amqpc_status amqpci_sasl_answer(amqpci_sasl *sasl, amqpc_composite_type type);

/* Server: queues outcome ok with the bytes in sasl->sent. */
AMQPC_CHECK amqpc_status amqpci_sasl_accept(amqpci_sasl *sasl);

/* Wipes what is no longer needed once SASL is over. */
void amqpci_sasl_forget(amqpci_sasl *sasl);

/* --- The mechanisms: what the rows point to. */

/* A mechanism of one message: any challenge is one too many. */
amqpc_status amqpci_single_step(amqpci_sasl *sasl, amqpc_bytes challenge);

amqpc_status amqpci_plain_start(amqpci_sasl *sasl);
amqpc_status amqpci_plain_server_step(amqpci_sasl *sasl, amqpc_bytes response);
amqpc_status amqpci_anonymous_start(amqpci_sasl *sasl);
amqpc_status amqpci_anonymous_server_step(amqpci_sasl *sasl, amqpc_bytes response);
amqpc_status amqpci_external_start(amqpci_sasl *sasl);
amqpc_status amqpci_external_step(amqpci_sasl *sasl, amqpc_bytes challenge);
amqpc_status amqpci_external_server_step(amqpci_sasl *sasl, amqpc_bytes response);

amqpc_status amqpci_oauthbearer_start(amqpci_sasl *sasl);
amqpc_status amqpci_oauthbearer_step(amqpci_sasl *sasl, amqpc_bytes challenge);
amqpc_status amqpci_oauthbearer_server_step(amqpci_sasl *sasl, amqpc_bytes response);
amqpc_status amqpci_xoauth2_start(amqpci_sasl *sasl);
amqpc_status amqpci_xoauth2_step(amqpci_sasl *sasl, amqpc_bytes challenge);
amqpc_status amqpci_xoauth2_server_step(amqpci_sasl *sasl, amqpc_bytes response);
amqpc_status amqpci_token_end(amqpci_sasl *sasl, amqpc_bytes additional_data);

amqpc_status amqpci_scram_start(amqpci_sasl *sasl);
amqpc_status amqpci_scram_step(amqpci_sasl *sasl, amqpc_bytes challenge);
amqpc_status amqpci_scram_end(amqpci_sasl *sasl, amqpc_bytes additional_data);
amqpc_status amqpci_scram_server_step(amqpci_sasl *sasl, amqpc_bytes response);

/* Answers the question about a verifier: queues the server-first-message. */
AMQPC_CHECK amqpc_status amqpci_scram_give(amqpci_sasl *sasl, const amqpc_sasl_verifier *verifier);

#endif
