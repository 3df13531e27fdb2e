/* The client of SCRAM (RFC 5802 3, 5). */
#include "engine/sasl_scram.h"

#include <string.h>

#include "engine/sasl_base64.h"
#include "engine/sasl_name.h"

amqpc_status amqpci_scram_client_first(amqpci_scram *scram, amqpc_bytes user,
                                       amqpc_bytes authorization_id, amqpc_bytes nonce,
                                       amqpci_secret *out)
{
    amqpci_secret name = {NULL, 0};
    amqpc_status status =
        amqpci_sasl_gs2_header(scram->allocator, authorization_id, &scram->gs2_header);
    if (status == AMQPC_OK) {
        status = amqpci_sasl_name_escape(scram->allocator, user, &name);
    }
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {amqpci_text("n="), amqpci_secret_view(&name),
                                     amqpci_text(",r="), nonce};
        status = amqpci_secret_join(scram->allocator, &scram->first_bare, parts,
                                    sizeof parts / sizeof *parts);
    }
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(scram->allocator, &scram->nonce, nonce);
    }
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {amqpci_secret_view(&scram->gs2_header),
                                     amqpci_secret_view(&scram->first_bare)};
        status = amqpci_secret_join(scram->allocator, out, parts, 2);
    }
    amqpci_secret_release(scram->allocator, &name);
    return status;
}

/* The server-first-message, taken apart. */
typedef struct server_first_parts {
    amqpc_bytes nonce;
    amqpc_bytes salt; /* base64 */
    uint32_t iterations;
} server_first_parts;

/* A number without sign and leading zeros that fits 32 bits (RFC 5802 7: posit-number). */
static bool read_number(amqpc_bytes text, uint32_t *number)
{
    const uint8_t *digits = (const uint8_t *)text.data;
    uint64_t value = 0;
    if (text.size == 0 || text.size > 10 || digits[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        value = value * 10 + (digits[i] - (uint32_t)'0');
    }
    *number = (uint32_t)value;
    return value <= UINT32_MAX;
}

/* The server's nonce has to begin with the client's, or somebody replays (RFC 5802 5.1). */
static bool continues(amqpc_bytes nonce, amqpc_bytes own)
{
    return nonce.size > own.size && memcmp(nonce.data, own.data, own.size) == 0 &&
           amqpci_scram_is_nonce(nonce);
}

static amqpc_status read_server_first(const amqpci_scram *scram, amqpc_bytes message,
                                      uint32_t iterations_max, server_first_parts *parts)
{
    amqpci_scram_reader reader = {message, true};
    amqpc_bytes iterations;
    bool valid =
        amqpci_scram_read(&reader, 'r', &parts->nonce) &&
        amqpci_scram_read(&reader, 's', &parts->salt) &&
        amqpci_scram_read(&reader, 'i', &iterations) && amqpci_scram_read_extensions(&reader) &&
        continues(parts->nonce, amqpci_secret_view(&scram->nonce)) && parts->salt.size > 0 &&
        read_number(iterations, &parts->iterations) &&
        parts->iterations >= AMQPCI_SCRAM_ITERATIONS_MIN && parts->iterations <= iterations_max;
    return valid ? AMQPC_OK : AMQPC_SASL_BAD_CHALLENGE;
}

/* Makes the client-final-message without its proof. */
static amqpc_status make_final_bare(const amqpci_scram *scram, amqpc_bytes nonce,
                                    amqpci_secret *final_bare)
{
    amqpci_secret header = {NULL, 0};
    amqpc_status status =
        amqpci_base64_encode(scram->allocator, amqpci_secret_view(&scram->gs2_header), &header);
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {amqpci_text("c="), amqpci_secret_view(&header),
                                     amqpci_text(",r="), nonce};
        status =
            amqpci_secret_join(scram->allocator, final_bare, parts, sizeof parts / sizeof *parts);
    }
    amqpci_secret_release(scram->allocator, &header);
    return status;
}

/* Computes the proof of the client, and the signature that the server has to send. */
static amqpc_status prove(amqpci_scram *scram, const server_first_parts *parts, amqpc_bytes salt,
                          amqpc_bytes password, amqpc_bytes final_bare, uint8_t *proof)
{
    uint8_t keys[3][AMQPCI_HASH_SIZE_MAX]; /* ClientKey, StoredKey, ServerKey */
    amqpc_status status = amqpci_scram_derive(scram->hash, password, salt, parts->iterations,
                                              keys[0], keys[1], keys[2]);
    if (status == AMQPC_OK) {
        status = amqpci_scram_sign(scram, keys[1], final_bare, proof);
    }
    if (status == AMQPC_OK) {
        for (size_t i = 0; i < amqpci_hash_size(scram->hash); i++) {
            proof[i] ^= keys[0][i];
        }
        status = amqpci_scram_sign(scram, keys[2], final_bare, scram->signature);
    }
    amqpci_wipe(keys, sizeof keys);
    return status;
}

amqpc_status amqpci_scram_client_final(amqpci_scram *scram, amqpc_bytes server_first,
                                       amqpc_bytes password, uint32_t iterations_max,
                                       amqpci_secret *out)
{
    const amqpc_allocator *allocator = scram->allocator;
    server_first_parts parts;
    uint8_t proof[AMQPCI_HASH_SIZE_MAX];
    amqpci_secret salt = {NULL, 0};
    amqpci_secret final_bare = {NULL, 0};
    amqpci_secret proof_text = {NULL, 0};
    amqpc_status status = read_server_first(scram, server_first, iterations_max, &parts);
    if (status == AMQPC_OK) {
        status = amqpci_base64_decode(allocator, parts.salt, &salt);
    }
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(allocator, &scram->server_first, server_first);
    }
    if (status == AMQPC_OK) {
        status = make_final_bare(scram, parts.nonce, &final_bare);
    }
    if (status == AMQPC_OK) {
        status = prove(scram, &parts, amqpci_secret_view(&salt), password,
                       amqpci_secret_view(&final_bare), proof);
    }
    if (status == AMQPC_OK) {
        amqpc_bytes bytes = {proof, amqpci_hash_size(scram->hash)};
        status = amqpci_base64_encode(allocator, bytes, &proof_text);
    }
    if (status == AMQPC_OK) {
        const amqpc_bytes message[] = {amqpci_secret_view(&final_bare), amqpci_text(",p="),
                                       amqpci_secret_view(&proof_text)};
        status = amqpci_secret_join(allocator, out, message, sizeof message / sizeof *message);
    }
    scram->expects = status == AMQPC_OK;
    amqpci_secret_release(allocator, &salt);
    amqpci_secret_release(allocator, &final_bare);
    amqpci_secret_release(allocator, &proof_text);
    amqpci_wipe(proof, sizeof proof);
    return status;
}

amqpc_status amqpci_scram_client_verify(amqpci_scram *scram, amqpc_bytes server_final)
{
    amqpci_scram_reader reader = {server_final, true};
    amqpci_secret bytes = {NULL, 0};
    amqpc_bytes value;
    if (!scram->expects) {
        return AMQPC_SASL_BAD_SERVER;
    }
    if (amqpci_scram_read(&reader, 'e', &value)) {
        return AMQPC_SASL_REFUSED;
    }
    if (!amqpci_scram_read(&reader, 'v', &value) || !amqpci_scram_read_extensions(&reader)) {
        return AMQPC_SASL_BAD_SERVER;
    }
    amqpc_status status = amqpci_base64_decode(scram->allocator, value, &bytes);
    size_t size = amqpci_hash_size(scram->hash);
    if (status == AMQPC_SASL_BAD_CHALLENGE ||
        (status == AMQPC_OK &&
         (bytes.size != size || !amqpci_hash_same(bytes.data, scram->signature, size)))) {
        status = AMQPC_SASL_BAD_SERVER;
    }
    amqpci_secret_release(scram->allocator, &bytes);
    return status;
}
