/* Links by name: chains of a table that grows with the links. */
#include "engine/name_table.h"

#include <string.h>

#include "base/memory.h"
#include "engine/link.h"

enum { FIRST_CAPACITY = 4 };

void amqpci_name_table_clean_up(amqpci_name_table *table, const amqpc_allocator *allocator)
{
    amqpci_release(allocator, table->chains);
    *table = (amqpci_name_table){0};
}

/* FNV-1a, over the role first: names come from peers, but a chain's length is bounded by the links
 * that the limits allow. */
static uint32_t hash_of(bool role, amqpc_bytes name)
{
    uint32_t hash = 2166136261u ^ (uint32_t)role;
    const uint8_t *bytes = (const uint8_t *)name.data;
    for (size_t i = 0; i < name.size; i++) {
        hash = (uint32_t)((hash ^ bytes[i]) * (uint64_t)16777619);
    }
    return hash ^ hash >> 15;
}

amqpc_link *amqpci_name_table_get(const amqpci_name_table *table, bool role, amqpc_bytes name)
{
    if (table->capacity == 0) {
        return NULL;
    }
    amqpc_link *link = table->chains[hash_of(role, name) & (table->capacity - 1)];
    while (link != NULL && !(link->role == role && link->name.size == name.size &&
                             memcmp(link->name.data, name.data, name.size) == 0)) {
        link = link->next_of_name;
    }
    return link;
}

static void put(amqpci_name_table *table, amqpc_link *link)
{
    amqpc_link **chain = &table->chains[hash_of(link->role, link->name) & (table->capacity - 1)];
    link->next_of_name = *chain;
    *chain = link;
}

static amqpc_status grow(amqpci_name_table *table, const amqpc_allocator *allocator)
{
    amqpci_name_table grown = {
        .capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2,
        .count = table->count,
    };
    grown.chains = (amqpc_link **)amqpci_new(allocator, grown.capacity * sizeof(amqpc_link *));
    if (grown.chains == NULL) {
        return AMQPC_NO_MEMORY;
    }
    for (uint32_t i = 0; i < table->capacity; i++) {
        amqpc_link *link = table->chains[i];
        while (link != NULL) {
            amqpc_link *next = link->next_of_name;
            put(&grown, link);
            link = next;
        }
    }
    amqpci_release(allocator, table->chains);
    *table = grown;
    return AMQPC_OK;
}

amqpc_status amqpci_name_table_add(amqpci_name_table *table, const amqpc_allocator *allocator,
                                   amqpc_link *link)
{
    if (table->count == table->capacity) {
        amqpc_status status = grow(table, allocator);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    put(table, link);
    table->count++;
    return AMQPC_OK;
}

void amqpci_name_table_remove(amqpci_name_table *table, const amqpc_link *link)
{
    if (table->capacity == 0) {
        return;
    }
    amqpc_link **at = &table->chains[hash_of(link->role, link->name) & (table->capacity - 1)];
    while (*at != NULL && *at != link) {
        at = &(*at)->next_of_name;
    }
    if (*at == link) {
        *at = link->next_of_name;
        table->count--;
    }
}
