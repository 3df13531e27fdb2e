/* Bytes that may be a secret. */
#include "engine/sasl_secret.h"

#include <string.h>

bool amqpci_bytes_equal(amqpc_bytes left, amqpc_bytes right)
{
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

void amqpci_wipe(void *memory, size_t size)
{
    volatile uint8_t *bytes = (volatile uint8_t *)memory; /* so that the stores are not left out */
    for (size_t i = 0; i < size; i++) {
        bytes[i] = 0;
    }
}

amqpc_status amqpci_secret_resize(const amqpc_allocator *allocator, amqpci_secret *secret,
                                  size_t size)
{
    size_t room = 0;
    if (__builtin_add_overflow(size, 1, &room)) { /* one more: nobody allocates 0 bytes */
        return AMQPC_NO_MEMORY;
    }
    uint8_t *data = (uint8_t *)amqpci_new(allocator, room);
    if (data == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpci_secret_release(allocator, secret);
    *secret = (amqpci_secret){data, size};
    return AMQPC_OK;
}

amqpc_status amqpci_secret_join(const amqpc_allocator *allocator, amqpci_secret *secret,
                                const amqpc_bytes *parts, size_t count)
{
    amqpci_secret made = {NULL, 0};
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(size, parts[i].size, &size)) {
            return AMQPC_NO_MEMORY;
        }
    }
    amqpc_status status = amqpci_secret_resize(allocator, &made, size);
    if (status != AMQPC_OK) {
        return status;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) {
            memcpy(made.data + at, parts[i].data, parts[i].size);
            at += parts[i].size;
        }
    }
    amqpci_secret_release(allocator, secret);
    *secret = made;
    return AMQPC_OK;
}

amqpc_status amqpci_secret_set(const amqpc_allocator *allocator, amqpci_secret *secret,
                               amqpc_bytes bytes)
{
    return amqpci_secret_join(allocator, secret, &bytes, 1);
}

void amqpci_secret_release(const amqpc_allocator *allocator, amqpci_secret *secret)
{
    if (secret->data != NULL) {
        amqpci_wipe(secret->data, secret->size);
        amqpci_release(allocator, secret->data);
    }
    *secret = (amqpci_secret){NULL, 0};
}
