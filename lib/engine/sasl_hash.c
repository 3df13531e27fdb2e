/* The hashes of SCRAM. */
#include "engine/sasl_hash.h"

#ifdef AMQPCODEC_WITH_TLS
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#endif

size_t amqpci_hash_size(unsigned hash)
{
    switch (hash) {
    case 1:
        return 20;
    case 256:
        return 32;
    case 512:
        return 64;
    default:
        return 0;
    }
}

bool amqpci_hash_same(const uint8_t *left, const uint8_t *right, size_t size)
{
#ifdef AMQPCODEC_WITH_TLS
    return CRYPTO_memcmp(left, right, size) == 0;
#else
    (void)left;
    (void)right;
    (void)size;
    return false;
#endif
}

#ifdef AMQPCODEC_WITH_TLS

bool amqpci_hash_available(void)
{
    return true;
}

static const EVP_MD *digest_of(unsigned hash)
{
    switch (hash) {
    case 1:
        return EVP_sha1();
    case 256:
        return EVP_sha256();
    default:
        return EVP_sha512();
    }
}

amqpc_status amqpci_hash(unsigned hash, amqpc_bytes data, uint8_t *out)
{
    int done = EVP_Digest(data.data, data.size, out, NULL, digest_of(hash), NULL);
    return done == 1 ? AMQPC_OK : AMQPC_UNSUPPORTED;
}

amqpc_status amqpci_hash_hmac(unsigned hash, amqpc_bytes key, amqpc_bytes data, uint8_t *out)
{
    /* The keys are hashes: their size is that of an int. */
    const void *done = HMAC(digest_of(hash), key.data, (int)key.size, (const uint8_t *)data.data,
                            data.size, out, NULL);
    return done != NULL ? AMQPC_OK : AMQPC_UNSUPPORTED;
}

amqpc_status amqpci_hash_salted(unsigned hash, amqpc_bytes password, amqpc_bytes salt,
                                uint32_t iterations, uint8_t *out)
{
    if (password.size > INT_MAX || salt.size > INT_MAX || iterations > INT_MAX) {
        return AMQPC_UNSUPPORTED;
    }
    int done = PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size,
                                 (const uint8_t *)salt.data, (int)salt.size, (int)iterations,
                                 digest_of(hash), (int)amqpci_hash_size(hash), out);
    return done == 1 ? AMQPC_OK : AMQPC_UNSUPPORTED;
}

#else

bool amqpci_hash_available(void)
{
    return false;
}

amqpc_status amqpci_hash(unsigned hash, amqpc_bytes data, uint8_t *out)
{
    (void)hash;
    (void)data;
    (void)out;
    return AMQPC_UNSUPPORTED;
}

amqpc_status amqpci_hash_hmac(unsigned hash, amqpc_bytes key, amqpc_bytes data, uint8_t *out)
{
    (void)key;
    return amqpci_hash(hash, data, out);
}

amqpc_status amqpci_hash_salted(unsigned hash, amqpc_bytes password, amqpc_bytes salt,
                                uint32_t iterations, uint8_t *out)
{
    (void)password;
    (void)iterations;
    return amqpci_hash(hash, salt, out);
}

#endif
