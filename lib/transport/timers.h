/* Deadlines of many objects: a binary heap that is put right when it is asked, not when deadlines
 * move on. An object whose deadline moves with each round costs a store. */
#ifndef AMQPCI_TRANSPORT_TIMERS_H
#define AMQPCI_TRANSPORT_TIMERS_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

#define AMQPCI_NEVER UINT64_MAX

/* Of one object; lives in it.
 *
 * deadline_ms  AMQPCI_NEVER for none
 * place        in the heap, plus 1; 0 where it is not there */
typedef struct amqpci_timer {
    uint64_t deadline_ms;
    uint32_t place;
} amqpci_timer;

/* key_ms is the timer's deadline, or an earlier time. */
typedef struct amqpci_timers_entry {
    uint64_t key_ms;
    amqpci_timer *timer;
} amqpci_timers_entry;

typedef struct amqpci_timers {
    amqpci_timers_entry *entries;
    uint32_t count;
    uint32_t capacity;
} amqpci_timers;

void amqpci_timers_clean_up(amqpci_timers *timers, const amqpc_allocator *allocator);

/* Makes room for so many timers, so that setting them cannot fail. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_timers_reserve(amqpci_timers *timers,
                                               const amqpc_allocator *allocator, uint32_t capacity);

void amqpci_timer_init(amqpci_timer *timer);

/* Sets the deadline; AMQPCI_NEVER for none. */
void amqpci_timers_set(amqpci_timers *timers, amqpci_timer *timer, uint64_t deadline_ms);

/* Takes the timer out. */
void amqpci_timers_remove(amqpci_timers *timers, amqpci_timer *timer);

/* The timer that is due first; NULL where there is none. */
amqpci_timer *amqpci_timers_first(amqpci_timers *timers);

/* The first deadline; AMQPCI_NEVER. */
uint64_t amqpci_timers_next_ms(amqpci_timers *timers);

#endif
