/* The heap of deadlines: earliest first. */
#include "transport/timers.h"

#include <assert.h>

#include "base/memory.h"

void amqpci_timers_clean_up(amqpci_timers *timers, const amqpc_allocator *allocator)
{
    amqpci_release(allocator, timers->entries);
    *timers = (amqpci_timers){0};
}

amqpc_status amqpci_timers_reserve(amqpci_timers *timers, const amqpc_allocator *allocator,
                                   uint32_t capacity)
{
    if (capacity <= timers->capacity) {
        return AMQPC_OK;
    }
    void *grown =
        amqpci_reallocate(allocator, timers->entries, capacity * sizeof(amqpci_timers_entry));
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    timers->entries = (amqpci_timers_entry *)grown;
    timers->capacity = capacity;
    return AMQPC_OK;
}

void amqpci_timer_init(amqpci_timer *timer)
{
    *timer = (amqpci_timer){.deadline_ms = AMQPCI_NEVER};
}

static void put(amqpci_timers *timers, uint32_t index, amqpci_timers_entry entry)
{
    timers->entries[index] = entry;
    entry.timer->place = index + 1;
}

static void move_up(amqpci_timers *timers, uint32_t index)
{
    amqpci_timers_entry entry = timers->entries[index];
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (timers->entries[parent].key_ms <= entry.key_ms) {
            break;
        }
        put(timers, index, timers->entries[parent]);
        index = parent;
    }
    put(timers, index, entry);
}

static void move_down(amqpci_timers *timers, uint32_t index)
{
    amqpci_timers_entry entry = timers->entries[index];
    for (;;) {
        uint32_t child = index * 2 + 1;
        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count &&
            timers->entries[child + 1].key_ms < timers->entries[child].key_ms) {
            child++;
        }
        if (entry.key_ms <= timers->entries[child].key_ms) {
            break;
        }
        put(timers, index, timers->entries[child]);
        index = child;
    }
    put(timers, index, entry);
}

void amqpci_timers_set(amqpci_timers *timers, amqpci_timer *timer, uint64_t deadline_ms)
{
    timer->deadline_ms = deadline_ms;
    if (timer->place == 0 && deadline_ms != AMQPCI_NEVER) {
        assert(timers->count < timers->capacity);
        timers->entries[timers->count] = (amqpci_timers_entry){deadline_ms, timer};
        timers->count++;
        move_up(timers, timers->count - 1);
    } else if (timer->place != 0 && deadline_ms < timers->entries[timer->place - 1].key_ms) {
        timers->entries[timer->place - 1].key_ms = deadline_ms;
        move_up(timers, timer->place - 1);
    }
}

void amqpci_timers_remove(amqpci_timers *timers, amqpci_timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    uint32_t index = timer->place - 1;
    timer->place = 0;
    timers->count--;
    if (index < timers->count) {
        put(timers, index, timers->entries[timers->count]);
        move_down(timers, index);
        move_up(timers, index);
    }
}

amqpci_timer *amqpci_timers_first(amqpci_timers *timers)
{
    while (timers->count > 0) {
        amqpci_timers_entry *first = &timers->entries[0];
        amqpci_timer *timer = first->timer;
        if (first->key_ms == timer->deadline_ms) {
            return timer;
        }
        if (timer->deadline_ms == AMQPCI_NEVER) {
            amqpci_timers_remove(timers, timer);
        } else {
            first->key_ms = timer->deadline_ms;
            move_down(timers, 0);
        }
    }
    return NULL;
}

uint64_t amqpci_timers_next_ms(amqpci_timers *timers)
{
    const amqpci_timer *first = amqpci_timers_first(timers);
    return first == NULL ? AMQPCI_NEVER : first->deadline_ms;
}
