/* Links of a connection by name and role: a hash table with chains through the links (AMQP
 * 2.6.1). */
#ifndef AMQPCI_ENGINE_NAME_TABLE_H
#define AMQPCI_ENGINE_NAME_TABLE_H

#include <amqpcodec/link.h>

typedef struct amqpci_name_table {
    amqpc_link **chains;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t count;
} amqpci_name_table;

void amqpci_name_table_clean_up(amqpci_name_table *table, const amqpc_allocator *allocator);

/* The link, or NULL. role: of this end. */
amqpc_link *amqpci_name_table_get(const amqpci_name_table *table, bool role, amqpc_bytes name);

/* Adds a link that is not in the table. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_name_table_add(amqpci_name_table *table,
                                               const amqpc_allocator *allocator, amqpc_link *link);

/* Takes a link out; no effect where it is not in the table. */
void amqpci_name_table_remove(amqpci_name_table *table, const amqpc_link *link);

#endif
