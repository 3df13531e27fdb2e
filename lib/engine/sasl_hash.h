/* The hashes of SCRAM, by OpenSSL; a build without it has none of them (RFC 5802 2.2, 7677). */
#ifndef AMQPCI_ENGINE_SASL_HASH_H
#define AMQPCI_ENGINE_SASL_HASH_H

#include <amqpcodec/status.h>
#include <amqpcodec/value.h>

enum { AMQPCI_HASH_SIZE_MAX = 64 };

/* Whether this build has hashes. */
bool amqpci_hash_available(void);

/* Bytes of SHA-1, SHA-256 or SHA-512, for 1, 256 or 512; 0 for any other number. */
size_t amqpci_hash_size(unsigned hash);

/* The functions below write amqpci_hash_size(hash) bytes. They return AMQPC_OK; AMQPC_UNSUPPORTED
 * where the build, or how OpenSSL is set up, does not have the hash. */

/* H(data). */
AMQPC_CHECK amqpc_status amqpci_hash(unsigned hash, amqpc_bytes data, uint8_t *out);

/* HMAC(key, data). */
AMQPC_CHECK amqpc_status amqpci_hash_hmac(unsigned hash, amqpc_bytes key, amqpc_bytes data,
                                          uint8_t *out);

/* Hi(password, salt, iterations), which is PBKDF2: the time grows with the iterations. */
AMQPC_CHECK amqpc_status amqpci_hash_salted(unsigned hash, amqpc_bytes password, amqpc_bytes salt,
                                            uint32_t iterations, uint8_t *out);

/* Whether both are the same, in a time that does not tell where they differ. */
bool amqpci_hash_same(const uint8_t *left, const uint8_t *right, size_t size);

#endif
