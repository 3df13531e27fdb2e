/* Rounds: what the members of a poller have to send, what the system tells, whose time has come. */
#define _POSIX_C_SOURCE 200809L
#include "transport/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "transport/process.h"

#define MEMBER_OF(node, link) ((amqpci_watch *)((char *)(node)-offsetof(amqpci_watch, link)))

static const uint64_t bell_key = UINT64_MAX; /* what the system tells of the bell */

uint64_t amqpc_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static amqpc_status status_of_errno(void)
{
    switch (errno) {
    case EMFILE:
    case ENFILE:
        return AMQPC_NO_DESCRIPTORS;
    case ENOMEM:
    case ENOSPC: /* of epoll_ctl: the user watches as much as the system allows */
        return AMQPC_NO_MEMORY;
    default:
        return AMQPC_SYSTEM_ERROR;
    }
}

static amqpc_status open_descriptors(amqpc_poller *made)
{
    made->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll < 0) {
        return status_of_errno();
    }
    made->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->bell < 0) {
        return status_of_errno();
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = bell_key};
    return epoll_ctl(made->epoll, EPOLL_CTL_ADD, made->bell, &event) == 0 ? AMQPC_OK
                                                                          : status_of_errno();
}

amqpc_status amqpc_poller_new(const amqpc_allocator *allocator, amqpc_poller **poller)
{
    amqpc_allocator memory = amqpci_allocator_or_default(allocator);
    amqpc_poller *made = (amqpc_poller *)amqpci_new(&memory, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = memory;
    made->epoll = -1;
    made->bell = -1;
    made->first_free = UINT32_MAX;
    atomic_init(&made->is_called, false);
    amqpci_list_init(&made->touched);
    amqpci_list_init(&made->ready);
    amqpci_list_init(&made->fresh);
    amqpci_list_init(&made->again);
    amqpc_status status = amqpci_fork_count_begin(&made->fork_count);
    if (status == AMQPC_OK) {
        status = open_descriptors(made);
    }
    if (status != AMQPC_OK) {
        amqpc_poller_free(made);
        return status;
    }
    *poller = made;
    return AMQPC_OK;
}

void amqpc_poller_free(amqpc_poller *poller)
{
    if (poller == NULL) {
        return;
    }
    for (uint32_t i = 0; i < poller->slot_capacity; i++) {
        amqpci_watch *watch = poller->slots[i].watch;
        if (watch != NULL && watch->kind->destroy != NULL) {
            watch->kind->destroy(watch);
        }
    }
    if (poller->bell >= 0) {
        (void)close(poller->bell);
    }
    if (poller->epoll >= 0) {
        (void)close(poller->epoll);
    }
    amqpc_allocator allocator = poller->allocator;
    amqpci_timers_clean_up(&poller->timers, &allocator);
    amqpci_release(&allocator, poller->slots);
    amqpci_release(&allocator, poller);
}

bool amqpci_poller_is_foreign(const amqpc_poller *poller)
{
    return poller->fork_count != amqpci_fork_count();
}

/* --- Waking. */

void amqpci_ring(int bell)
{
    int kept = errno; /* of the program that a signal handler interrupts */
    const uint64_t one = 1;
    ssize_t written = write(bell, &one, sizeof one);
    (void)written; /* where the counter is full, it rings already */
    errno = kept;
}

void amqpc_poller_wake(amqpc_poller *poller)
{
    if (!amqpci_poller_is_foreign(poller)) {
        atomic_store(&poller->is_called, true);
        amqpci_ring(poller->bell);
    }
}

int amqpc_poller_descriptor(const amqpc_poller *poller)
{
    return poller->epoll;
}

/* --- Rounds. */

/* Members that touch themselves meanwhile have their turn in the next round. */
static void flush_touched(amqpc_poller *poller)
{
    amqpci_node now;
    amqpci_list_init(&now);
    amqpci_list_move(&now, &poller->touched);
    for (amqpci_node *node = amqpci_list_take(&now); node != NULL; node = amqpci_list_take(&now)) {
        amqpci_watch *watch = MEMBER_OF(node, touched);
        watch->kind->on_flush(watch, poller->now_ms);
    }
}

/* Something waits that no descriptor tells of. */
static bool has_work(const amqpc_poller *poller)
{
    return !amqpci_list_is_empty(&poller->ready) || !amqpci_list_is_empty(&poller->fresh) ||
           !amqpci_list_is_empty(&poller->again) || !amqpci_list_is_empty(&poller->touched) ||
           poller->trouble != AMQPC_OK;
}

amqpc_status amqpci_poller_prepare(amqpc_poller *poller, int64_t timeout_ms, int *wait_ms)
{
    if (amqpci_poller_is_foreign(poller)) {
        return AMQPC_FORKED;
    }
    poller->now_ms = amqpc_now_ms();
    flush_touched(poller);
    uint64_t next_ms = amqpci_timers_next_ms(&poller->timers);
    uint64_t most_ms = timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms;
    poller->is_due = next_ms <= poller->now_ms;
    if (poller->is_due || has_work(poller)) {
        most_ms = 0;
    } else if (next_ms != AMQPCI_NEVER && next_ms - poller->now_ms < most_ms) {
        most_ms = next_ms - poller->now_ms;
    }
    bool is_endless = most_ms > UINT64_MAX - poller->now_ms;
    poller->sleep_until_ms = is_endless ? UINT64_MAX : most_ms > 0 ? poller->now_ms + most_ms : 0;
    poller->is_asleep = true;
    *wait_ms = most_ms == UINT64_MAX ? -1 : most_ms < INT32_MAX ? (int)most_ms : INT32_MAX;
    return AMQPC_OK;
}

void amqpci_poller_sleep(const amqpc_poller *poller, int wait_ms, amqpci_poller_events *events)
{
    events->count = epoll_wait(poller->epoll, events->items, AMQPCI_POLLER_EVENTS, wait_ms);
    events->system_error = events->count < 0 ? errno : 0;
}

static void answer_bell(amqpc_poller *poller)
{
    uint64_t rings = 0;
    ssize_t size = read(poller->bell, &rings, sizeof rings);
    (void)size; /* it only has to be silent again */
    poller->was_woken = atomic_exchange(&poller->is_called, false);
}

static void take_event(amqpc_poller *poller, const struct epoll_event *event)
{
    uint64_t key = event->data.u64;
    if (key == bell_key) {
        answer_bell(poller);
        return;
    }
    assert((uint32_t)key < poller->slot_capacity);
    const amqpci_slot *slot = &poller->slots[(uint32_t)key];
    if (slot->watch != NULL && slot->generation == (uint32_t)(key >> 32)) {
        slot->watch->kind->on_events(slot->watch, event->events);
    }
}

static void repeat(amqpc_poller *poller)
{
    amqpci_node now;
    amqpci_list_init(&now);
    amqpci_list_move(&now, &poller->again);
    for (amqpci_node *node = amqpci_list_take(&now); node != NULL; node = amqpci_list_take(&now)) {
        amqpci_watch *watch = MEMBER_OF(node, again);
        watch->kind->on_again(watch);
    }
}

/* After the events, so that what has arrived meanwhile counts before silence does. */
static void run_deadlines(amqpc_poller *poller)
{
    amqpci_timer *timer = amqpci_timers_first(&poller->timers);
    while (timer != NULL && timer->deadline_ms <= poller->now_ms) {
        amqpci_watch *watch = MEMBER_OF(timer, timer);
        amqpci_timers_set(&poller->timers, timer, AMQPCI_NEVER);
        watch->kind->on_deadline(watch, poller->now_ms);
        timer = amqpci_timers_first(&poller->timers);
    }
}

amqpc_status amqpci_poller_collect(amqpc_poller *poller, const amqpci_poller_events *events)
{
    poller->is_asleep = false;
    poller->was_woken = false;
    poller->is_crowded = events->count == AMQPCI_POLLER_EVENTS;
    for (int i = 0; i < events->count; i++) {
        take_event(poller, &events->items[i]);
    }
    if (!amqpci_list_is_empty(&poller->again)) {
        repeat(poller);
    }
    if (poller->is_due) {
        run_deadlines(poller);
    }
    amqpci_list_move(&poller->ready, &poller->fresh);
    amqpc_status trouble = poller->trouble;
    poller->trouble = AMQPC_OK;
    if (trouble != AMQPC_OK) {
        return trouble;
    }
    if (!amqpci_list_is_empty(&poller->ready)) {
        return AMQPC_OK;
    }
    switch (events->system_error) {
    case 0:
        return AMQPC_TIMED_OUT;
    case EINTR:
        return AMQPC_INTERRUPTED;
    default:
        return AMQPC_SYSTEM_ERROR;
    }
}

amqpc_status amqpc_poller_wait(amqpc_poller *poller, int64_t timeout_ms)
{
    amqpci_poller_events events;
    uint64_t end_ms = 0;
    int64_t left_ms = timeout_ms;
    for (;;) {
        int wait_ms = 0;
        amqpc_status status = amqpci_poller_prepare(poller, left_ms, &wait_ms);
        if (status != AMQPC_OK) {
            return status;
        }
        amqpci_poller_sleep(poller, wait_ms, &events);
        status = amqpci_poller_collect(poller, &events);
        if (status != AMQPC_TIMED_OUT || poller->was_woken || timeout_ms == 0) {
            return status;
        }
        if (timeout_ms > 0) {
            end_ms = end_ms == 0 ? poller->now_ms + (uint64_t)timeout_ms : end_ms;
            uint64_t now_ms = amqpc_now_ms();
            if (now_ms >= end_ms) {
                return status;
            }
            left_ms = (int64_t)(end_ms - now_ms);
        }
    }
}

bool amqpc_poller_next(amqpc_poller *poller, amqpc_ready *ready)
{
    amqpci_node *node = amqpci_list_take(&poller->ready);
    if (node == NULL) {
        return false;
    }
    amqpci_watch *watch = MEMBER_OF(node, ready);
    *ready = (amqpc_ready){NULL, NULL};
    if (watch->kind->is_listener) {
        ready->listener = (amqpc_listener *)watch;
    } else {
        ready->transport = (amqpc_transport *)watch;
        amqpci_watch_touch(watch);
    }
    return true;
}

int64_t amqpc_poller_deadline(const amqpc_poller *poller)
{
    if (has_work(poller)) {
        return 0;
    }
    /* Putting the heap right changes nothing that anybody sees. */
    uint64_t next_ms = amqpci_timers_next_ms((amqpci_timers *)(uintptr_t)&poller->timers);
    uint64_t now_ms = amqpc_now_ms();
    if (next_ms == AMQPCI_NEVER) {
        return AMQPC_FOREVER;
    }
    return next_ms > now_ms ? (int64_t)(next_ms - now_ms) : 0;
}
