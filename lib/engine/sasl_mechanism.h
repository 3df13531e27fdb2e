/* The mechanisms that the engine speaks itself, one row each. */
#ifndef AMQPCI_ENGINE_SASL_MECHANISM_H
#define AMQPCI_ENGINE_SASL_MECHANISM_H

#include <amqpcodec/sasl.h>

typedef struct amqpci_sasl amqpci_sasl;

/* What the client of a mechanism does. They return AMQPC_OK, AMQPC_NO_MEMORY, or why it failed.
 *
 * start  puts the initial response into sasl->sent
 * step   reads a challenge and puts the response into sasl->sent
 * end    reads the outcome ok, which may come too early or with data to be verified; NULL where
 *        the server's word is enough */
typedef struct amqpci_sasl_client {
    amqpc_status (*start)(amqpci_sasl *sasl);
    amqpc_status (*step)(amqpci_sasl *sasl, amqpc_bytes challenge);
    amqpc_status (*end)(amqpci_sasl *sasl, amqpc_bytes additional_data);
} amqpci_sasl_client;

/* What the server of a mechanism does: reads an initial response or a response, which lies in
 * sasl->received, and asks (amqpci_sasl_ask), or accepts (amqpci_sasl_accept). */
typedef amqpc_status (*amqpci_sasl_server_step)(amqpci_sasl *sasl, amqpc_bytes response);

/* One mechanism.
 *
 * name            of the registry of SASL mechanisms
 * hash            SCRAM: 1, 256 or 512; otherwise 0
 * clear_text      who sees the bytes can use them again
 * needs_user, needs_password, needs_token   client: cannot do without
 * by_default      client: used without being named, where it has what is needed
 * without_credentials   client: then only where there are neither user, password nor token
 * starts_empty    server: a null initial response is taken as empty; otherwise the client is asked
 *                 for one by an empty challenge (RFC 4422 5) */
typedef struct amqpci_sasl_mechanism {
    const char *name;
    unsigned hash;
    bool clear_text;
    bool needs_user;
    bool needs_password;
    bool needs_token;
    bool by_default;
    bool without_credentials;
    bool starts_empty;
    amqpci_sasl_client client;
    amqpci_sasl_server_step server_step;
} amqpci_sasl_mechanism;

/* The rows, the strongest first; NULL behind the last. Static. */
const amqpci_sasl_mechanism *amqpci_sasl_mechanism_at(size_t index);

/* The row of a name, or NULL: the application's own. */
const amqpci_sasl_mechanism *amqpci_sasl_mechanism_find(amqpc_bytes name);

/* Whether this end may use the mechanism; NULL for one of the application's own, whose safety is
 * the application's. AMQPC_OK; AMQPC_SASL_CLEARTEXT where only the missing protection forbids it;
 * AMQPC_SASL_NO_MECHANISM. */
AMQPC_CHECK amqpc_status amqpci_sasl_mechanism_allowed(const amqpci_sasl *sasl,
                                                       const amqpci_sasl_mechanism *mechanism);

/* Takes the next name off a list of names separated by single spaces; false at the end. */
bool amqpci_sasl_next_name(amqpc_bytes *list, amqpc_bytes *name);

/* Whether all names of a list are names (RFC 4422 3.1: up to 20 of A to Z, 0 to 9, "-", "_"). */
bool amqpci_sasl_are_names(amqpc_bytes list);

#endif
