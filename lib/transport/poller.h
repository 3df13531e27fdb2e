/* The inside of a poller: one epoll and one eventfd, what is watched, deadlines, and the three
 * parts of a round.
 *
 * A round costs what its active members cost, never what all members would. */
#ifndef AMQPCI_TRANSPORT_POLLER_H
#define AMQPCI_TRANSPORT_POLLER_H

#include <amqpcodec/poller.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "transport/list.h"
#include "transport/timers.h"

enum { AMQPCI_POLLER_EVENTS = 128 /* taken from the system at a time */ };

typedef struct amqpci_watch amqpci_watch;

/* What members of a poller do; NULL for what they have none of.
 *
 * on_events    the system tells EPOLLIN and so on of its descriptor
 * on_again     as it asked for by amqpci_watch_repeat
 * on_deadline  its time has come
 * on_flush     as it asked for by amqpci_watch_touch: it sends, and sets its deadline
 * destroy      the poller is freed, and frees it; NULL where another member does
 * is_listener  amqpc_poller_next gives it as a listener, otherwise as a transport */
typedef struct amqpci_watch_kind {
    void (*on_events)(amqpci_watch *watch, uint32_t events);
    void (*on_again)(amqpci_watch *watch);
    void (*on_deadline)(amqpci_watch *watch, uint64_t now_ms);
    void (*on_flush)(amqpci_watch *watch, uint64_t now_ms);
    void (*destroy)(amqpci_watch *watch);
    bool is_listener;
} amqpci_watch_kind;

/* A member of a poller: the part that transports, listeners and attempts to connect begin with. */
struct amqpci_watch {
    const amqpci_watch_kind *kind;
    amqpc_poller *poller;
    amqpci_timer timer;
    uint32_t slot;
    int descriptor;    /* owned; -1 for none */
    uint32_t interest; /* EPOLLIN and EPOLLOUT, as the system knows them */
    amqpci_node touched;
    amqpci_node ready;
    amqpci_node again;
};

/* The system is given a slot's number and its generation, never a pointer: what it tells of a
 * member that was freed meanwhile is recognised. */
typedef struct amqpci_slot {
    amqpci_watch *watch; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
} amqpci_slot;

struct amqpc_poller {
    amqpc_allocator allocator;
    int epoll;
    int bell; /* eventfd */
    uint32_t fork_count;

    amqpci_slot *slots;
    uint32_t slot_capacity;
    uint32_t first_free; /* UINT32_MAX for none */
    amqpci_timers timers;

    amqpci_node touched; /* have something to send, or a deadline to set */
    amqpci_node ready;   /* for amqpc_poller_next, of this round */
    amqpci_node fresh;   /* for amqpc_poller_next, of the next */
    amqpci_node again;   /* have something to receive, though nothing is readable */

    uint64_t now_ms;         /* of amqpci_poller_prepare */
    uint64_t sleep_until_ms; /* of amqpci_poller_sleep; 0 where it does not sleep, or was rung */
    bool is_asleep;          /* between prepare and collect */
    bool is_due;             /* a deadline had come at prepare */
    bool is_crowded;         /* the system had more to tell than was asked for */
    bool was_woken;          /* by amqpc_poller_wake, in the last round */
    atomic_bool is_called;   /* amqpc_poller_wake was called */
    amqpc_status trouble;    /* AMQPC_NO_MEMORY of the round; AMQPC_OK */
};

/* --- The parts of amqpc_poller_wait. The client holds a lock in the first and the third.
 *
 * While one thread sleeps, another that holds the lock may call whatever is called with the poller
 * and its members, except these. What brings a deadline forward, or touches a member, rings. */

typedef struct amqpci_poller_events {
    struct epoll_event items[AMQPCI_POLLER_EVENTS];
    int count;
    int system_error; /* errno */
} amqpci_poller_events;

/* Sends, and tells how long to sleep at most: up to timeout_ms; -1 without end. AMQPC_FORKED. */
AMQPC_CHECK amqpc_status amqpci_poller_prepare(amqpc_poller *poller, int64_t timeout_ms,
                                               int *wait_ms);

/* Sleeps; changes nothing of the poller. */
void amqpci_poller_sleep(const amqpc_poller *poller, int wait_ms, amqpci_poller_events *events);

/* Receives. The statuses of amqpc_poller_wait; AMQPC_TIMED_OUT also where it was only rung:
 * poller->was_woken tells whether by amqpc_poller_wake. */
AMQPC_CHECK amqpc_status amqpci_poller_collect(amqpc_poller *poller,
                                               const amqpci_poller_events *events);

/* --- For members. */

/* This process is the child of the one that made the poller. */
bool amqpci_poller_is_foreign(const amqpc_poller *poller);

/* Makes the watch a member. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_watch_join(amqpci_watch *watch, amqpc_poller *poller,
                                           const amqpci_watch_kind *kind);

/* Closes its descriptor and ends its membership. Harmless for one that never joined. */
void amqpci_watch_leave(amqpci_watch *watch);

/* Takes over a descriptor. AMQPC_NO_MEMORY, AMQPC_SYSTEM_ERROR: the descriptor is the caller's. */
AMQPC_CHECK amqpc_status amqpci_watch_open(amqpci_watch *watch, int descriptor, uint32_t interest);

/* Gives its descriptor to another member without one. */
void amqpci_watch_hand_over(amqpci_watch *from, amqpci_watch *to, uint32_t interest);

void amqpci_watch_close(amqpci_watch *watch);

/* Gives its descriptor back to the caller, unwatched. */
int amqpci_watch_release(amqpci_watch *watch);

/* What of the descriptor is to be told. EPOLLERR and EPOLLHUP always are. */
void amqpci_watch_set_interest(amqpci_watch *watch, uint32_t interest);

void amqpci_watch_set_deadline(amqpci_watch *watch, uint64_t deadline_ms);

/* on_flush is called with the next round. */
void amqpci_watch_touch(amqpci_watch *watch);

/* amqpc_poller_next gives it with the next round. */
void amqpci_watch_make_ready(amqpci_watch *watch);

/* on_again is called with the next round, which does not wait. */
void amqpci_watch_repeat(amqpci_watch *watch);

/* Ends the sleep of amqpci_poller_sleep, and nothing else. By any thread. */
void amqpci_ring(int bell);

#endif
