/* Bytes that may be a secret: owned, and wiped before their memory is given back. */
#ifndef AMQPCI_ENGINE_SASL_SECRET_H
#define AMQPCI_ENGINE_SASL_SECRET_H

#include <amqpcodec/value.h>

#include "base/memory.h"

/* Owned bytes. All zero: there are none. With no bytes but data not NULL they are empty, which is
 * not the same. */
typedef struct amqpci_secret {
    uint8_t *data;
    size_t size;
} amqpci_secret;

/* A text of the program as bytes. */
static inline amqpc_bytes amqpci_text(const char *text)
{
    return (amqpc_bytes){text, __builtin_strlen(text)};
}

static inline amqpc_bytes amqpci_secret_view(const amqpci_secret *secret)
{
    return (amqpc_bytes){secret->data, secret->size};
}

/* Whether both are the same. Its time tells where they differ: not for what an attacker guesses. */
bool amqpci_bytes_equal(amqpc_bytes left, amqpc_bytes right);

/* Overwrites memory by zeros, even where nobody reads it again. */
void amqpci_wipe(void *memory, size_t size);

/* Makes room for `size` bytes, which are zero. What was there before is wiped and released, but
 * stays where the new memory cannot be had. */
AMQPC_CHECK amqpc_status amqpci_secret_resize(const amqpc_allocator *allocator,
                                              amqpci_secret *secret, size_t size);

/* Puts the parts one behind the other. They may point into what was there before, which is wiped
 * and released; on failure it stays. */
AMQPC_CHECK amqpc_status amqpci_secret_join(const amqpc_allocator *allocator, amqpci_secret *secret,
                                            const amqpc_bytes *parts, size_t count);

/* amqpci_secret_join of one part. */
AMQPC_CHECK amqpc_status amqpci_secret_set(const amqpc_allocator *allocator, amqpci_secret *secret,
                                           amqpc_bytes bytes);

/* Wipes and releases; there are none after that. */
void amqpci_secret_release(const amqpc_allocator *allocator, amqpci_secret *secret);

#endif
