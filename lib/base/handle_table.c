/* Handle tables with generations. */
#include "base/handle_table.h"

#include <assert.h>

#include "base/memory.h"

/* A handle: | generation, 32 bits, odd | index, 32 bits | */
static uint64_t make_handle(uint32_t generation, uint32_t index)
{
    return (uint64_t)generation << 32 | index;
}

static amqpci_handle_slot *find_slot(const amqpci_handle_table *table, uint64_t handle)
{
    uint32_t index = (uint32_t)(handle & UINT32_MAX);
    uint32_t generation = (uint32_t)(handle >> 32);
    if (index >= table->slot_count || (generation & 1) == 0 ||
        table->slots[index].generation != generation) {
        return NULL;
    }
    return &table->slots[index];
}

void amqpci_handle_table_init(amqpci_handle_table *table, const amqpc_allocator *allocator,
                              uint32_t slot_max)
{
    *table = (amqpci_handle_table){.allocator = amqpci_allocator_or_default(allocator),
                                   .slot_max = slot_max};
}

void amqpci_handle_table_clean_up(amqpci_handle_table *table)
{
    amqpci_release(&table->allocator, table->slots);
    table->slots = NULL;
    table->slot_count = 0;
    table->first_free = 0;
    table->live_count = 0;
}

static amqpc_status grow(amqpci_handle_table *table)
{
    if (table->slot_count >= table->slot_max) {
        return AMQPC_BUFFER_FULL;
    }
    uint32_t room = table->slot_max - table->slot_count;
    uint32_t more = table->slot_count == 0 ? 8 : table->slot_count;
    more = more < room ? more : room;
    uint32_t count = table->slot_count + more;
    size_t size = 0;
    if (__builtin_mul_overflow((size_t)count, sizeof *table->slots, &size)) {
        return AMQPC_NO_MEMORY;
    }
    amqpci_handle_slot *slots =
        (amqpci_handle_slot *)amqpci_reallocate(&table->allocator, table->slots, size);
    if (slots == NULL) {
        return AMQPC_NO_MEMORY;
    }
    for (uint32_t i = table->slot_count; i < count; i++) {
        slots[i] = (amqpci_handle_slot){.next_free = i + 1 < count ? i + 2 : 0};
    }
    table->first_free = table->slot_count + 1;
    table->slots = slots;
    table->slot_count = count;
    return AMQPC_OK;
}

amqpc_status amqpci_handle_table_add(amqpci_handle_table *table, void *object, uint64_t *handle)
{
    assert(object != NULL);
    if (table->first_free == 0) {
        amqpc_status status = grow(table);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    uint32_t index = table->first_free - 1;
    amqpci_handle_slot *slot = &table->slots[index];
    table->first_free = slot->next_free;
    slot->object = object;
    slot->generation |= 1;
    table->live_count++;
    *handle = make_handle(slot->generation, index);
    return AMQPC_OK;
}

void *amqpci_handle_table_get(const amqpci_handle_table *table, uint64_t handle)
{
    const amqpci_handle_slot *slot = find_slot(table, handle);
    return slot == NULL ? NULL : slot->object;
}

void *amqpci_handle_table_remove(amqpci_handle_table *table, uint64_t handle)
{
    amqpci_handle_slot *slot = find_slot(table, handle);
    if (slot == NULL) {
        return NULL;
    }
    void *object = slot->object;
    slot->object = NULL;
    /* After 2^31 uses of one slot its first handle would match again: such a slot is retired. */
    if (slot->generation != UINT32_MAX) {
        slot->generation++;
        slot->next_free = table->first_free;
        table->first_free = (uint32_t)(slot - table->slots) + 1;
    } else {
        slot->generation = 0;
    }
    table->live_count--;
    return object;
}
