/* What both ends of SCRAM use: attributes, keys and signatures (RFC 5802 3, 5). */
#include "engine/sasl_scram.h"

#include <string.h>

void amqpci_scram_init(amqpci_scram *scram, const amqpc_allocator *allocator, unsigned hash)
{
    *scram = (amqpci_scram){.allocator = allocator, .hash = hash};
}

void amqpci_scram_clean_up(amqpci_scram *scram)
{
    if (scram->allocator != NULL) {
        amqpci_secret_release(scram->allocator, &scram->gs2_header);
        amqpci_secret_release(scram->allocator, &scram->first_bare);
        amqpci_secret_release(scram->allocator, &scram->nonce);
        amqpci_secret_release(scram->allocator, &scram->server_first);
    }
    amqpci_wipe(scram, sizeof *scram);
}

amqpc_status amqpc_sasl_make_verifier(unsigned hash, amqpc_bytes password, amqpc_bytes salt,
                                      uint32_t iterations, uint8_t *stored_key, uint8_t *server_key,
                                      size_t *size)
{
    uint8_t client_key[AMQPCI_HASH_SIZE_MAX];
    uint8_t keys[2][AMQPCI_HASH_SIZE_MAX];
    size_t hash_size = amqpci_hash_size(hash);
    if (hash_size == 0 || salt.size == 0 || salt.data == NULL ||
        iterations < AMQPCI_SCRAM_ITERATIONS_MIN || (password.data == NULL && password.size > 0) ||
        stored_key == NULL || server_key == NULL || size == NULL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status =
        amqpci_scram_derive(hash, password, salt, iterations, client_key, keys[0], keys[1]);
    if (status == AMQPC_OK) {
        memcpy(stored_key, keys[0], hash_size);
        memcpy(server_key, keys[1], hash_size);
        *size = hash_size;
    }
    amqpci_wipe(client_key, sizeof client_key);
    amqpci_wipe(keys, sizeof keys);
    return status;
}

bool amqpci_scram_read(amqpci_scram_reader *reader, char name, amqpc_bytes *value)
{
    const char *text = (const char *)reader->rest.data;
    size_t size = reader->rest.size;
    if (!reader->more || size < 2 || text[0] != name || text[1] != '=') {
        return false;
    }
    const char *comma = (const char *)memchr(text, ',', size);
    size_t piece = comma == NULL ? size : (size_t)(comma - text);
    *value = (amqpc_bytes){text + 2, piece - 2};
    reader->more = comma != NULL;
    size_t taken = piece + (comma != NULL);
    reader->rest = (amqpc_bytes){text + taken, size - taken};
    return true;
}

bool amqpci_scram_read_extension(amqpci_scram_reader *reader)
{
    amqpc_bytes ignored;
    if (reader->rest.size == 0) {
        return false;
    }
    char name = ((const char *)reader->rest.data)[0];
    bool letter = (name >= 'A' && name <= 'Z') || (name >= 'a' && name <= 'z');
    /* m is for extensions that nobody may ignore (RFC 5802 5.1). */
    return letter && name != 'm' && amqpci_scram_read(reader, name, &ignored);
}

bool amqpci_scram_read_extensions(amqpci_scram_reader *reader)
{
    while (reader->more) {
        if (!amqpci_scram_read_extension(reader)) {
            return false;
        }
    }
    return true;
}

bool amqpci_scram_is_nonce(amqpc_bytes nonce)
{
    const uint8_t *text = (const uint8_t *)nonce.data;
    for (size_t i = 0; i < nonce.size; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f || text[i] == ',') {
            return false;
        }
    }
    return nonce.size > 0;
}

amqpc_status amqpci_scram_derive(unsigned hash, amqpc_bytes password, amqpc_bytes salt,
                                 uint32_t iterations, uint8_t *client_key, uint8_t *stored_key,
                                 uint8_t *server_key)
{
    uint8_t salted[AMQPCI_HASH_SIZE_MAX];
    size_t size = amqpci_hash_size(hash);
    amqpc_status status = amqpci_hash_salted(hash, password, salt, iterations, salted);
    amqpc_bytes key = {salted, size};
    if (status == AMQPC_OK) {
        status = amqpci_hash_hmac(hash, key, amqpci_text("Client Key"), client_key);
    }
    if (status == AMQPC_OK) {
        status = amqpci_hash(hash, (amqpc_bytes){client_key, size}, stored_key);
    }
    if (status == AMQPC_OK) {
        status = amqpci_hash_hmac(hash, key, amqpci_text("Server Key"), server_key);
    }
    amqpci_wipe(salted, sizeof salted);
    return status;
}

amqpc_status amqpci_scram_sign(const amqpci_scram *scram, const uint8_t *key,
                               amqpc_bytes final_bare, uint8_t *signature)
{
    amqpci_secret message = {NULL, 0};
    const amqpc_bytes parts[] = {amqpci_secret_view(&scram->first_bare), amqpci_text(","),
                                 amqpci_secret_view(&scram->server_first), amqpci_text(","),
                                 final_bare};
    amqpc_status status =
        amqpci_secret_join(scram->allocator, &message, parts, sizeof parts / sizeof *parts);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_hash_hmac(scram->hash, (amqpc_bytes){key, amqpci_hash_size(scram->hash)},
                              amqpci_secret_view(&message), signature);
    amqpci_secret_release(scram->allocator, &message);
    return status;
}
