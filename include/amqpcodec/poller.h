/* Pollers: what waits for sockets and for the time, on behalf of transports and listeners.
 *
 * A poller carries any number of transports (transport.h) and listeners (listener.h). Each round
 * of a program is
 *
 *     amqpc_poller_wait    sends what there is to send, waits, receives
 *     amqpc_poller_next    which of them have something to tell, until there are no more
 *
 * It calls nothing back. A program with an event loop of its own watches one descriptor
 * (amqpc_poller_descriptor) and one deadline, and waits with a time-out of 0.
 *
 * One poller, with all that belongs to it, is used by one thread at a time; only amqpc_poller_wake
 * may be called by any thread at any time. */
#ifndef AMQPCODEC_POLLER_H
#define AMQPCODEC_POLLER_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/status.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_poller amqpc_poller;
typedef struct amqpc_transport amqpc_transport;
typedef struct amqpc_listener amqpc_listener;

/* A time-out, in milliseconds, that never ends. */
#define AMQPC_FOREVER (-1)

/* Makes a poller.
 *
 * allocator  copied; NULL for the C library's. What belongs to the poller uses it, too.
 * poller     receives the poller, which the caller frees by amqpc_poller_free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; AMQPC_NO_DESCRIPTORS, AMQPC_SYSTEM_ERROR. */
AMQPC_API amqpc_status amqpc_poller_new(const amqpc_allocator *allocator,
                                        amqpc_poller **poller) AMQPC_CHECK;

/* Frees the poller with its transports and listeners: sockets are closed as they stand. In the
 * child of a fork (of fork, that is, not of vfork or clone) descriptors are closed, and nothing is
 * sent. NULL is ignored. */
AMQPC_API void amqpc_poller_free(amqpc_poller *poller);

/* Sends what the transports have to send, waits until something happens, and receives.
 *
 * timeout_ms  how long to wait at most; 0 not at all, AMQPC_FOREVER without end. What the last
 *             round left in amqpc_poller_next keeps it from waiting.
 *
 * Returns AMQPC_OK where amqpc_poller_next has something; AMQPC_TIMED_OUT where not, also after
 * amqpc_poller_wake; AMQPC_INTERRUPTED where a signal came first; AMQPC_NO_MEMORY, for now;
 * AMQPC_SYSTEM_ERROR; AMQPC_FORKED in the child of a fork. */
AMQPC_API amqpc_status amqpc_poller_wait(amqpc_poller *poller, int64_t timeout_ms) AMQPC_CHECK;

/* What has something to tell. One of the two is set.
 *
 * transport  its state has changed (amqpc_transport_get_state), or its connection has events, or
 *            sending, which output that waited had kept from going on (AMQPC_LIMIT_REACHED), may go
 *            on. It comes again as long as its connection's events are not all read.
 * listener   amqpc_listener_accept has a transport */
typedef struct amqpc_ready {
    amqpc_transport *transport;
    amqpc_listener *listener;
} amqpc_ready;

/* Takes the next that has something to tell; each comes once a round. Whatever calls are made on
 * its connection until the next round, their output goes out with that; of another connection than
 * those of this round's the program says so by amqpc_transport_touch.
 *
 * Returns whether there is one. Those that were freed meanwhile do not come. */
AMQPC_API bool amqpc_poller_next(amqpc_poller *poller, amqpc_ready *ready);

/* A descriptor that is readable when amqpc_poller_wait has something to do, for the event loops of
 * others; the poller's. Before such a loop waits, call amqpc_poller_wait with a time-out of 0, take
 * what is ready, and repeat while there was something; then sleep for amqpc_poller_deadline at
 * most. */
AMQPC_API int amqpc_poller_descriptor(const amqpc_poller *poller);

/* In how many milliseconds amqpc_poller_wait has to be called again at the latest, though nothing
 * is readable; AMQPC_FOREVER where time does not matter, 0 where output waits to be sent. */
AMQPC_API int64_t amqpc_poller_deadline(const amqpc_poller *poller);

/* Ends amqpc_poller_wait, now or the next. By any thread, and in signal handlers. */
AMQPC_API void amqpc_poller_wake(amqpc_poller *poller);

/* The clock of pollers: milliseconds that do not go back. */
AMQPC_API uint64_t amqpc_now_ms(void);

AMQPC_END_DECLS

#endif
