/* The SASL layer of one connection, either role, without frames: performatives in, performatives
 * and questions out (AMQP 5.3). */
#ifndef AMQPCI_ENGINE_SASL_H
#define AMQPCI_ENGINE_SASL_H

#include <amqpcodec/performative.h>
#include <amqpcodec/sasl.h>

typedef struct amqpci_sasl amqpci_sasl;

/* How far it is. */
typedef enum amqpci_sasl_progress {
    AMQPCI_SASL_GOING = 0, /* performatives are still to come, or to go */
    AMQPCI_SASL_PASSED =
        1, /* outcome ok: given out by amqpci_sasl_output, or received and believed */
    AMQPCI_SASL_FAILED = 2 /* outcome not ok, or a fault; a server's outcome may still be to go */
} amqpci_sasl_progress;

/* Makes the layer.
 *
 * options       copied
 * is_protected  the transport is encrypted
 * random        at least 24 unpredictable bytes, new for each layer; the first 24 are copied
 *
 * AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT: also where a server is left without a mechanism that it
 * may offer, as PLAIN alone is on an unprotected connection without leave. */
AMQPC_CHECK amqpc_status amqpci_sasl_new(const amqpc_allocator *allocator, bool server,
                                         bool is_protected, const amqpc_sasl_options *options,
                                         amqpc_bytes random, amqpci_sasl **sasl);

/* Wipes and frees. NULL is ignored. */
void amqpci_sasl_free(amqpci_sasl *sasl);

/* Takes a performative of a SASL frame, borrowed until return; an empty frame, or a performative of
 * AMQP, is a fault.
 *
 * Whatever is returned but AMQPC_OK has made the layer fail, AMQPC_NO_MEMORY too. Then nothing more
 * is to be sent but, by a server, an outcome: call amqpci_sasl_output. A peer that speaks out of
 * turn, before what it answers was given out, is at fault: give out before what was received later.
 *
 * AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_UNSUPPORTED, a status of the SASL range. */
AMQPC_CHECK amqpc_status amqpci_sasl_input(amqpci_sasl *sasl, const amqpc_performative *in);

/* The next performative to send, in order; false where there is none. Its views hold until the
 * next call of any function but the getters. A server's first is sasl-mechanisms, even where the
 * client's init came before. */
bool amqpci_sasl_output(amqpci_sasl *sasl, amqpc_performative *out);

amqpci_sasl_progress amqpci_sasl_get_progress(const amqpci_sasl *sasl);

/* The first failure; AMQPC_OK until there is one. */
amqpc_status amqpci_sasl_get_status(const amqpci_sasl *sasl);

/* The open question; false where there is none. */
bool amqpci_sasl_get_question(const amqpci_sasl *sasl, amqpc_sasl_question *question);

/* The answers: behind the public functions of the same names. A failure leaves the question open,
 * and the call may be made again. */
AMQPC_CHECK amqpc_status amqpci_sasl_finish(amqpci_sasl *sasl, unsigned code,
                                            amqpc_bytes additional_data);
AMQPC_CHECK amqpc_status amqpci_sasl_give_verifier(amqpci_sasl *sasl,
                                                   const amqpc_sasl_verifier *verifier);
AMQPC_CHECK amqpc_status amqpci_sasl_challenge(amqpci_sasl *sasl, amqpc_bytes data);
AMQPC_CHECK amqpc_status amqpci_sasl_respond(amqpci_sasl *sasl, amqpc_bytes data);

amqpc_bytes amqpci_sasl_get_mechanism(const amqpci_sasl *sasl);

/* Size 0 until it has passed. */
amqpc_bytes amqpci_sasl_get_identity(const amqpci_sasl *sasl);

#endif
