/* Names, looked up on a thread of its own each, because getaddrinfo blocks.
 *
 * A lookup belongs to its transport and to its thread; either may let go of it first, so that
 * freeing the transport, or the poller, waits for nothing. Its memory is the C library's, because
 * the thread may outlive the poller's allocator. */
#ifndef AMQPCI_TRANSPORT_RESOLVER_H
#define AMQPCI_TRANSPORT_RESOLVER_H

#include "transport/address.h"

typedef struct amqpci_lookup amqpci_lookup;

/* What was found.
 *
 * addresses, count  0 where it failed
 * error             of getaddrinfo, and errno for EAI_SYSTEM */
typedef struct amqpci_lookup_result {
    const amqpci_address *addresses;
    size_t count;
    int error;
    int system_error;
} amqpci_lookup_result;

/* Begins.
 *
 * descriptor  receives an eventfd that is readable when the result is there; the caller's, who
 *             closes it after amqpci_lookup_free
 *
 * AMQPC_NO_MEMORY, AMQPC_NO_DESCRIPTORS; AMQPC_SYSTEM_ERROR where there is no thread. */
AMQPC_CHECK amqpc_status amqpci_lookup_start(const char *host, uint32_t port, int *descriptor,
                                             amqpci_lookup **lookup);

/* The result, whose addresses live as long as the lookup. AMQPC_NEED_MORE: not yet. */
AMQPC_CHECK amqpc_status amqpci_lookup_get(amqpci_lookup *lookup, amqpci_lookup_result *result);

/* Lets go of it. is_foreign: in the child of a fork, where the thread does not exist. NULL is
 * ignored. */
void amqpci_lookup_free(amqpci_lookup *lookup, bool is_foreign);

#endif
