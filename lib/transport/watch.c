/* Members of a poller: their slots, their descriptors, and what they ask of the next round. */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/memory.h"
#include "transport/poller.h"

static uint64_t key_of(const amqpci_watch *watch)
{
    return (uint64_t)watch->poller->slots[watch->slot].generation << 32 | watch->slot;
}

static amqpc_status add_slots(amqpc_poller *poller)
{
    enum { FIRST = 4 };
    uint32_t capacity = poller->slot_capacity == 0 ? FIRST : poller->slot_capacity * 2;
    amqpc_status status = amqpci_timers_reserve(&poller->timers, &poller->allocator, capacity);
    if (status != AMQPC_OK) {
        return status;
    }
    void *grown =
        amqpci_reallocate(&poller->allocator, poller->slots, capacity * sizeof(amqpci_slot));
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    poller->slots = (amqpci_slot *)grown;
    for (uint32_t i = capacity; i > poller->slot_capacity; i--) {
        poller->slots[i - 1] = (amqpci_slot){.next_free = poller->first_free};
        poller->first_free = i - 1;
    }
    poller->slot_capacity = capacity;
    return AMQPC_OK;
}

amqpc_status amqpci_watch_join(amqpci_watch *watch, amqpc_poller *poller,
                               const amqpci_watch_kind *kind)
{
    if (poller->first_free == UINT32_MAX) {
        amqpc_status status = add_slots(poller);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    *watch = (amqpci_watch){.kind = kind, .poller = poller, .descriptor = -1};
    amqpci_timer_init(&watch->timer);
    watch->slot = poller->first_free;
    amqpci_slot *slot = &poller->slots[watch->slot];
    poller->first_free = slot->next_free;
    slot->watch = watch;
    return AMQPC_OK;
}

void amqpci_watch_leave(amqpci_watch *watch)
{
    amqpc_poller *poller = watch->poller;
    if (poller == NULL) {
        return;
    }
    amqpci_watch_close(watch);
    amqpci_timers_remove(&poller->timers, &watch->timer);
    amqpci_node_remove(&watch->touched);
    amqpci_node_remove(&watch->ready);
    amqpci_node_remove(&watch->again);
    amqpci_slot *slot = &poller->slots[watch->slot];
    slot->watch = NULL;
    slot->generation++;
    slot->next_free = poller->first_free;
    poller->first_free = watch->slot;
    watch->poller = NULL;
}

/* --- Descriptors. */

amqpc_status amqpci_watch_open(amqpci_watch *watch, int descriptor, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.u64 = key_of(watch)};
    if (epoll_ctl(watch->poller->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return errno == ENOMEM || errno == ENOSPC ? AMQPC_NO_MEMORY : AMQPC_SYSTEM_ERROR;
    }
    watch->descriptor = descriptor;
    watch->interest = interest;
    return AMQPC_OK;
}

static void change(amqpci_watch *watch, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.u64 = key_of(watch)};
    int result = epoll_ctl(watch->poller->epoll, EPOLL_CTL_MOD, watch->descriptor, &event);
    assert(result == 0); /* changing what is there takes no memory */
    (void)result;
    watch->interest = interest;
}

void amqpci_watch_hand_over(amqpci_watch *from, amqpci_watch *to, uint32_t interest)
{
    assert(to->descriptor < 0 && from->poller == to->poller);
    to->descriptor = from->descriptor;
    from->descriptor = -1;
    change(to, interest);
}

int amqpci_watch_release(amqpci_watch *watch)
{
    int descriptor = watch->descriptor;
    /* While a child of a fork holds the socket, closing it alone would not end the watch. The child
     * itself must not do so: it shares the epoll with its parent. */
    if (!amqpci_poller_is_foreign(watch->poller)) {
        struct epoll_event event = {0};
        (void)epoll_ctl(watch->poller->epoll, EPOLL_CTL_DEL, watch->descriptor, &event);
    }
    watch->descriptor = -1;
    watch->interest = 0;
    return descriptor;
}

void amqpci_watch_close(amqpci_watch *watch)
{
    if (watch->descriptor >= 0) {
        (void)close(amqpci_watch_release(watch));
    }
}

void amqpci_watch_set_interest(amqpci_watch *watch, uint32_t interest)
{
    if (watch->descriptor >= 0 && watch->interest != interest) {
        change(watch, interest);
    }
}

/* --- What is asked of the next round. */

void amqpci_watch_set_deadline(amqpci_watch *watch, uint64_t deadline_ms)
{
    amqpc_poller *poller = watch->poller;
    amqpci_timers_set(&poller->timers, &watch->timer, deadline_ms);
    if (poller->is_asleep && deadline_ms < poller->sleep_until_ms) {
        poller->sleep_until_ms = deadline_ms; /* rings once */
        amqpci_ring(poller->bell);
    }
}

/* Where somebody sleeps, nobody else would begin the next round. */
static void list(amqpci_watch *watch, amqpci_node *members, amqpci_node *node)
{
    amqpci_list_append(members, node);
    if (watch->poller->is_asleep && watch->poller->sleep_until_ms > 0) {
        watch->poller->sleep_until_ms = 0;
        amqpci_ring(watch->poller->bell);
    }
}

void amqpci_watch_touch(amqpci_watch *watch)
{
    list(watch, &watch->poller->touched, &watch->touched);
}

void amqpci_watch_make_ready(amqpci_watch *watch)
{
    list(watch, &watch->poller->fresh, &watch->ready);
}

void amqpci_watch_repeat(amqpci_watch *watch)
{
    list(watch, &watch->poller->again, &watch->again);
}
