/* The server of SCRAM (RFC 5802 3, 5). */
#include "engine/sasl_scram.h"

#include <string.h>

#include "engine/sasl_base64.h"
#include "engine/sasl_name.h"

amqpc_status amqpci_scram_server_read(amqpci_scram *scram, amqpc_bytes client_first,
                                      amqpci_secret *user, amqpci_secret *authorization_id)
{
    const amqpc_allocator *allocator = scram->allocator;
    amqpc_bytes header;
    amqpc_bytes name;
    amqpc_bytes nonce;
    amqpc_bytes bare;
    amqpc_status status =
        amqpci_sasl_gs2_read(allocator, client_first, &header, &bare, authorization_id);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_scram_reader reader = {bare, true};
    /* An m= before the name is an extension that this end does not know (RFC 5802 5.1). */
    if (!amqpci_scram_read(&reader, 'n', &name) || name.size == 0 ||
        !amqpci_scram_read(&reader, 'r', &nonce) || !amqpci_scram_read_extensions(&reader) ||
        !amqpci_scram_is_nonce(nonce)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    status = amqpci_sasl_name_unescape(allocator, name, user);
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(allocator, &scram->gs2_header, header);
    }
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(allocator, &scram->first_bare, bare);
    }
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(allocator, &scram->nonce, nonce);
    }
    return status;
}

/* A number as text. */
typedef struct number_text {
    char digits[10];
} number_text;

static amqpc_bytes write_number(uint32_t number, number_text *text)
{
    size_t at = sizeof text->digits;
    do {
        text->digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return (amqpc_bytes){text->digits + at, sizeof text->digits - at};
}

static bool is_verifier(const amqpc_sasl_verifier *verifier, size_t hash_size)
{
    return verifier->salt.size > 0 && verifier->salt.data != NULL &&
           verifier->iterations >= AMQPCI_SCRAM_ITERATIONS_MIN &&
           verifier->stored_key.size == hash_size && verifier->stored_key.data != NULL &&
           verifier->server_key.size == hash_size && verifier->server_key.data != NULL;
}

amqpc_status amqpci_scram_server_first(amqpci_scram *scram, const amqpc_sasl_verifier *verifier,
                                       amqpc_bytes nonce, amqpci_secret *out)
{
    const amqpc_allocator *allocator = scram->allocator;
    size_t size = amqpci_hash_size(scram->hash);
    amqpci_secret whole = {NULL, 0};
    amqpci_secret salt = {NULL, 0};
    number_text number;
    if (!is_verifier(verifier, size)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const amqpc_bytes nonces[] = {amqpci_secret_view(&scram->nonce), nonce};
    amqpc_status status = amqpci_secret_join(allocator, &whole, nonces, 2);
    if (status == AMQPC_OK) {
        status = amqpci_base64_encode(allocator, verifier->salt, &salt);
    }
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {
            amqpci_text("r="),  amqpci_secret_view(&whole),
            amqpci_text(",s="), amqpci_secret_view(&salt),
            amqpci_text(",i="), write_number(verifier->iterations, &number)};
        status = amqpci_secret_join(allocator, &scram->server_first, parts,
                                    sizeof parts / sizeof *parts);
    }
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(allocator, out, amqpci_secret_view(&scram->server_first));
    }
    amqpci_secret_release(allocator, &salt);
    if (status != AMQPC_OK) {
        amqpci_secret_release(allocator,
                              &whole); /* the client's nonce stays: it may be tried again */
        return status;
    }
    amqpci_secret_release(allocator, &scram->nonce);
    scram->nonce = whole;
    memcpy(scram->stored_key, verifier->stored_key.data, size);
    memcpy(scram->server_key, verifier->server_key.data, size);
    return AMQPC_OK;
}

/* Checks that c= is the gs2 header that came first, and that the nonce is the one that was sent:
 * without channel binding nothing else may stand there (RFC 5802 6). */
static amqpc_status check_binding(const amqpci_scram *scram, amqpc_bytes binding, amqpc_bytes nonce)
{
    amqpci_secret header = {NULL, 0};
    amqpc_status status = amqpci_base64_decode(scram->allocator, binding, &header);
    if (status == AMQPC_OK &&
        (!amqpci_bytes_equal(amqpci_secret_view(&header), amqpci_secret_view(&scram->gs2_header)) ||
         !amqpci_bytes_equal(nonce, amqpci_secret_view(&scram->nonce)))) {
        status = AMQPC_SASL_BAD_CHALLENGE;
    }
    amqpci_secret_release(scram->allocator, &header);
    return status;
}

/* Checks the proof: the key in it has to hash to StoredKey (RFC 5802 3). */
static amqpc_status check_proof(const amqpci_scram *scram, amqpc_bytes proof_text,
                                amqpc_bytes final_bare)
{
    uint8_t key[AMQPCI_HASH_SIZE_MAX];
    uint8_t hashed[AMQPCI_HASH_SIZE_MAX];
    size_t size = amqpci_hash_size(scram->hash);
    amqpci_secret proof = {NULL, 0};
    amqpc_status status = amqpci_base64_decode(scram->allocator, proof_text, &proof);
    if (status == AMQPC_OK && proof.size != size) {
        status = AMQPC_SASL_BAD_CHALLENGE;
    }
    if (status == AMQPC_OK) {
        status = amqpci_scram_sign(scram, scram->stored_key, final_bare, key);
    }
    if (status == AMQPC_OK) {
        for (size_t i = 0; i < size; i++) {
            key[i] ^= proof.data[i];
        }
        status = amqpci_hash(scram->hash, (amqpc_bytes){key, size}, hashed);
    }
    if (status == AMQPC_OK && !amqpci_hash_same(hashed, scram->stored_key, size)) {
        status = AMQPC_SASL_REFUSED;
    }
    amqpci_wipe(key, sizeof key);
    amqpci_secret_release(scram->allocator, &proof);
    return status;
}

amqpc_status amqpci_scram_server_final(amqpci_scram *scram, amqpc_bytes client_final,
                                       amqpci_secret *out)
{
    const amqpc_allocator *allocator = scram->allocator;
    amqpci_scram_reader reader = {client_final, true};
    uint8_t signature[AMQPCI_HASH_SIZE_MAX];
    amqpci_secret text = {NULL, 0};
    amqpc_bytes binding;
    amqpc_bytes nonce;
    amqpc_bytes proof;
    if (!amqpci_scram_read(&reader, 'c', &binding) || !amqpci_scram_read(&reader, 'r', &nonce)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    /* The proof is the last attribute; extensions may stand before it. */
    while (!amqpci_scram_read(&reader, 'p', &proof)) {
        if (!amqpci_scram_read_extension(&reader)) {
            return AMQPC_SASL_BAD_CHALLENGE;
        }
    }
    if (reader.more) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    size_t proof_size = proof.size + sizeof ",p=" - 1;
    amqpc_bytes final_bare = {client_final.data, client_final.size - proof_size};
    amqpc_status status = check_binding(scram, binding, nonce);
    if (status == AMQPC_OK) {
        status = check_proof(scram, proof, final_bare);
    }
    if (status == AMQPC_OK) {
        status = amqpci_scram_sign(scram, scram->server_key, final_bare, signature);
    }
    if (status == AMQPC_OK) {
        amqpc_bytes bytes = {signature, amqpci_hash_size(scram->hash)};
        status = amqpci_base64_encode(allocator, bytes, &text);
    }
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {amqpci_text("v="), amqpci_secret_view(&text)};
        status = amqpci_secret_join(allocator, out, parts, 2);
    }
    amqpci_secret_release(allocator, &text);
    return status;
}
