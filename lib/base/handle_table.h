/* Handles: numbers that stand for objects across the API, and that stop working when the object
 * is gone.
 *
 * A handle holds an index and the generation of the slot, so that a stale one is told from its
 * slot's next user. */
#ifndef AMQPCI_BASE_HANDLE_TABLE_H
#define AMQPCI_BASE_HANDLE_TABLE_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

typedef struct amqpci_handle_slot {
    void *object;        /* NULL where the slot is free */
    uint32_t generation; /* odd while in use; moves on with every use and release */
    uint32_t next_free;  /* of a free slot: the next one, plus 1; 0 at the end */
} amqpci_handle_slot;

typedef struct amqpci_handle_table {
    amqpc_allocator allocator;
    amqpci_handle_slot *slots;
    uint32_t slot_count;
    uint32_t slot_max;
    uint32_t first_free; /* plus 1; 0 where all slots are in use */
    uint32_t live_count;
} amqpci_handle_table;

/* Makes an empty table of at most slot_max objects; allocates nothing. */
void amqpci_handle_table_init(amqpci_handle_table *table, const amqpc_allocator *allocator,
                              uint32_t slot_max);

/* Frees the table's memory, not the objects. */
void amqpci_handle_table_clean_up(amqpci_handle_table *table);

/* Gives an object (not NULL) a handle, which is never 0. AMQPC_NO_MEMORY; AMQPC_BUFFER_FULL where
 * slot_max are in use. */
AMQPC_CHECK amqpc_status amqpci_handle_table_add(amqpci_handle_table *table, void *object,
                                                 uint64_t *handle);

/* The object, or NULL for a handle that is stale or never was. */
void *amqpci_handle_table_get(const amqpci_handle_table *table, uint64_t handle);

/* Takes the object out and ends its handle; returns it, or NULL as amqpci_handle_table_get. */
void *amqpci_handle_table_remove(amqpci_handle_table *table, uint64_t handle);

#endif
