/* The two ends of SASL in memory; performatives go from one to the other as bytes, so that null and
 * empty stay what they are on the wire. */
#ifndef TESTS_UNIT_SASL_FIXTURE_H
#define TESTS_UNIT_SASL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sasl.h"
#include "engine/sasl_secret.h"

/* What one end sent, or is to receive. */
typedef struct wire {
    uint8_t bytes[16384];
    amqpc_performative performative; /* points into `bytes` */
} wire;

/* Both ends; NULL where only one is there. */
typedef struct ends {
    amqpci_sasl *client;
    amqpci_sasl *server;
} ends;

/* Options with these; NULL for what is not given. */
amqpc_sasl_options sasl_options(const char *mechanisms, const char *user, const char *password);

/* An end, on a protected connection. */
amqpci_sasl *new_client(const amqpc_sasl_options *options);
amqpci_sasl *new_server(const char *mechanisms);
ends new_ends(const amqpc_sasl_options *client, const char *server_mechanisms);
void free_ends(ends *both);

/* Gives the layer a performative by its bytes. */
amqpc_status put(amqpci_sasl *sasl, const amqpc_performative *in);

/* Takes the next performative of the layer, by its bytes; fails where there is none. */
const amqpc_performative *take(amqpci_sasl *sasl, wire *out, uint32_t type);

void assert_silent(amqpci_sasl *sasl);

/* Moves all that both have to say; the status of the first input that fails. */
amqpc_status talk(ends *both);

/* Performatives of the peer. */
amqpc_status put_mechanisms(amqpci_sasl *sasl, const char *names);
amqpc_status put_init(amqpci_sasl *sasl, const char *mechanism, amqpc_bytes response);
amqpc_status put_challenge(amqpci_sasl *sasl, amqpc_bytes challenge);
amqpc_status put_response(amqpci_sasl *sasl, amqpc_bytes response);
amqpc_status put_outcome(amqpci_sasl *sasl, uint8_t code, amqpc_bytes additional_data);

/* The bytes of a text, and none. */
amqpc_bytes text(const char *characters);
extern const amqpc_bytes no_bytes;

/* A string literal with NULs in it. */
#define BYTES(literal) ((amqpc_bytes){literal, sizeof(literal) - 1})

void assert_bytes(amqpc_bytes bytes, amqpc_bytes expected);

/* The open question, which is of that type. */
amqpc_sasl_question ask(const amqpci_sasl *sasl, uint32_t type);

/* It has failed so, and nothing is asked any more. */
void assert_failed(amqpci_sasl *sasl, amqpc_status status);
void assert_passed(const amqpci_sasl *sasl);

/* The server's next performative is an outcome that is not ok, without additional data. */
void assert_outcome(amqpci_sasl *server, uint8_t code);

/* A verifier; its views point into `keys`. */
typedef struct verifier_keys {
    uint8_t stored_key[64];
    uint8_t server_key[64];
} verifier_keys;
amqpc_sasl_verifier verifier_of(unsigned hash, const char *password, verifier_keys *keys);

#endif
