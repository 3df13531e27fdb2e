/* SCRAM, either end: messages in, messages out (RFC 5802, RFC 7677).
 *
 *      client                                       server
 *      n,,n=user,r=nonce -->                                         client-first-message
 *                     <-- r=nonce+more,s=salt,i=4096                 server-first-message
 *      c=biws,r=nonce+more,p=proof -->                               client-final-message
 *                     <-- v=signature                                server-final-message
 *
 * No channel binding is offered: the gs2 header of our client is "n,," or "n,a=whom,". Text beyond
 * ASCII is used as it is, without SASLprep. */
#ifndef AMQPCI_ENGINE_SASL_SCRAM_H
#define AMQPCI_ENGINE_SASL_SCRAM_H

#include <amqpcodec/sasl.h>

#include "engine/sasl_hash.h"
#include "engine/sasl_secret.h"

enum { AMQPCI_SCRAM_ITERATIONS_MIN = 4096 }; /* RFC 5802 5.1 */

/* What both ends remember from one message to the next.
 *
 * hash        1, 256 or 512
 * gs2_header  what begins the client-first-message
 * first_bare  the rest of it
 * nonce       client: its own; server: of the client first, then the whole
 * server_first      the server-first-message
 * stored_key  server: of the verifier
 * server_key  server: of the verifier
 * signature   client: what the server has to send, once `expects` */
typedef struct amqpci_scram {
    const amqpc_allocator *allocator;
    unsigned hash;
    bool expects;
    amqpci_secret gs2_header;
    amqpci_secret first_bare;
    amqpci_secret nonce;
    amqpci_secret server_first;
    uint8_t stored_key[AMQPCI_HASH_SIZE_MAX];
    uint8_t server_key[AMQPCI_HASH_SIZE_MAX];
    uint8_t signature[AMQPCI_HASH_SIZE_MAX];
} amqpci_scram;

/* allocator: borrowed as long as the object lives. */
void amqpci_scram_init(amqpci_scram *scram, const amqpc_allocator *allocator, unsigned hash);

/* Wipes and releases what it holds. */
void amqpci_scram_clean_up(amqpci_scram *scram);

/* The functions below return AMQPC_OK; AMQPC_NO_MEMORY; AMQPC_UNSUPPORTED, see sasl_hash.h;
 * AMQPC_SASL_BAD_CHALLENGE for a message that is malformed or that does not belong to those before;
 * and what is said at each. They write `out` on success. */

/* Client: makes the client-first-message. nonce: printable characters without a comma. */
AMQPC_CHECK amqpc_status amqpci_scram_client_first(amqpci_scram *scram, amqpc_bytes user,
                                                   amqpc_bytes authorization_id, amqpc_bytes nonce,
                                                   amqpci_secret *out);

/* Client: reads the server-first-message and makes the client-final-message.
 *
 * Iterations below AMQPCI_SCRAM_ITERATIONS_MIN, or above iterations_max, are a bad challenge: the
 * first make guessing cheap for who listens, the second cost this end too much. */
AMQPC_CHECK amqpc_status amqpci_scram_client_final(amqpci_scram *scram, amqpc_bytes server_first,
                                                   amqpc_bytes password, uint32_t iterations_max,
                                                   amqpci_secret *out);

/* Client: reads the server-final-message. AMQPC_SASL_BAD_SERVER where the server did not prove that
 * it knows the verifier; AMQPC_SASL_REFUSED where it sends an error. */
AMQPC_CHECK amqpc_status amqpci_scram_client_verify(amqpci_scram *scram, amqpc_bytes server_final);

/* Server: reads the client-first-message. user, authorization_id: what the client says; the second
 * is empty for none. */
AMQPC_CHECK amqpc_status amqpci_scram_server_read(amqpci_scram *scram, amqpc_bytes client_first,
                                                  amqpci_secret *user,
                                                  amqpci_secret *authorization_id);

/* Server: makes the server-first-message. nonce: to put behind the client's. verifier: copied.
 * AMQPC_INVALID_ARGUMENT where it is none of the hash. */
AMQPC_CHECK amqpc_status amqpci_scram_server_first(amqpci_scram *scram,
                                                   const amqpc_sasl_verifier *verifier,
                                                   amqpc_bytes nonce, amqpci_secret *out);

/* Server: reads the client-final-message, checks the proof, and makes the server-final-message.
 * AMQPC_SASL_REFUSED where the proof is wrong. */
AMQPC_CHECK amqpc_status amqpci_scram_server_final(amqpci_scram *scram, amqpc_bytes client_final,
                                                   amqpci_secret *out);

/* --- What both ends use. */

/* A message that is read attribute by attribute. */
typedef struct amqpci_scram_reader {
    amqpc_bytes rest;
    bool more; /* an attribute follows, if only an empty one */
} amqpci_scram_reader;

/* Reads `name`=value; false where the next attribute is another one, or none. */
bool amqpci_scram_read(amqpci_scram_reader *reader, char name, amqpc_bytes *value);

/* Reads an attribute that may be ignored, whatever it is (RFC 5802 5.1); false where it may not, or
 * is none. */
bool amqpci_scram_read_extension(amqpci_scram_reader *reader);

/* Reads all that are left so; false where one may not be ignored. */
bool amqpci_scram_read_extensions(amqpci_scram_reader *reader);

/* Whether it is a nonce: at least one printable character, no comma. */
bool amqpci_scram_is_nonce(amqpc_bytes nonce);

/* ClientKey, of which StoredKey is the hash, and ServerKey: of the password (RFC 5802 3). */
AMQPC_CHECK amqpc_status amqpci_scram_derive(unsigned hash, amqpc_bytes password, amqpc_bytes salt,
                                             uint32_t iterations, uint8_t *client_key,
                                             uint8_t *stored_key, uint8_t *server_key);

/* HMAC(key, AuthMessage): signatures of the client with StoredKey, of the server with ServerKey.
 * final_bare: the client-final-message without its proof. */
AMQPC_CHECK amqpc_status amqpci_scram_sign(const amqpci_scram *scram, const uint8_t *key,
                                           amqpc_bytes final_bare, uint8_t *signature);

#endif
