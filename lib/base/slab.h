/* Slabs: large blocks of bytes that many views share (the receive path's input, the send path's
 * output).
 *
 * A slab is filled from its front and lives until its last reference is dropped, by whatever
 * thread (AMQP deliveries outlive the connection that they came by). Views hold a reference each.
 */
#ifndef AMQPCI_BASE_SLAB_H
#define AMQPCI_BASE_SLAB_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

typedef struct amqpci_slab amqpci_slab;

/* Makes a slab of `capacity` bytes, with one reference, which the caller drops by
 * amqpci_slab_drop. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_slab_new(const amqpc_allocator *allocator, size_t capacity,
                                         amqpci_slab **slab);

/* Adds a reference. */
void amqpci_slab_hold(amqpci_slab *slab);

/* Drops a reference; the last one frees the slab. NULL is ignored. */
void amqpci_slab_drop(amqpci_slab *slab);

/* Nobody else holds a reference, so that the caller, who has one, may fill the slab anew. */
bool amqpci_slab_sole(const amqpci_slab *slab);

/* The first byte, and how many there is room for. */
uint8_t *amqpci_slab_data(amqpci_slab *slab);
size_t amqpci_slab_capacity(const amqpci_slab *slab);

#endif
