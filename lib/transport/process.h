/* What a process has one of: whether it is the child of a fork, and random bytes. */
#ifndef AMQPCI_TRANSPORT_PROCESS_H
#define AMQPCI_TRANSPORT_PROCESS_H

#include <amqpcodec/status.h>

/* How many forks lie between this process and the first that used the library. Objects that
 * remember a smaller number belong to a process that forked this one. Begins to count with its
 * first call. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_fork_count_begin(uint32_t *count);
uint32_t amqpci_fork_count(void);

/* Bytes nobody can predict. AMQPC_SYSTEM_ERROR. */
AMQPC_CHECK amqpc_status amqpci_random(void *data, size_t size);

#endif
