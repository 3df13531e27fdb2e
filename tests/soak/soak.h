/* The soak: what programs send and receive while the network fails again and again, and a ledger
 * that says whether that is what they were promised. */
#ifndef TESTS_SOAK_SOAK_H
#define TESTS_SOAK_SOAK_H

#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SOAK_CLIENTS = 3,
    SOAK_SENDERS = 3,   /* of each stream; the first waits for the outcome of each message */
    SOAK_RECEIVERS = 2, /* of each stream */
    SOAK_SIZE_MOST = 200000,
    SOAK_FINISH_MS =
        60000 /* to get done, after the faults; reached only where something is wrong */
};

/* --- What was promised. */

/* What goes one way: its senders' guarantee, how its receivers settle, and what follows.
 *
 * address   of the queue
 * settled, second  of receivers
 * keeps     termini never expire, so that the broker remembers what is unsettled
 * arrives   what is accepted is received
 * once      nothing is received twice */
typedef struct soak_plan {
    const char *address;
    amqpc_guarantee guarantee;
    bool settled;
    bool second;
    bool keeps;
    bool arrives;
    bool once;
} soak_plan;

extern const soak_plan soak_plans[];
extern const size_t soak_plan_count;

/* --- The ledger of one sender (soak_ledger.c). */

/* Its memory is there, and written to, from the beginning, so that it does not show in what grows.
 *
 * sent      by number: bits, written by the sender alone
 * received  by number: how often, by all receivers of the stream */
typedef struct soak_ledger {
    uint32_t capacity;
    uint8_t *sent;
    _Atomic uint8_t *received;
    atomic_uint posted;
    atomic_uint completed;
    atomic_uint accepted;
    atomic_uint unknown;
    atomic_uint arrived; /* the first time */
    atomic_uint repeated;
} soak_ledger;

/* Returns false where there is no memory. */
bool soak_ledger_init(soak_ledger *ledger, uint32_t capacity);
void soak_ledger_free(soak_ledger *ledger);

void soak_ledger_post(soak_ledger *ledger, uint64_t number);
void soak_ledger_complete(soak_ledger *ledger, uint64_t number, uint32_t state_type, bool unknown);
void soak_ledger_receive(soak_ledger *ledger, uint64_t number);

/* Whether all that was accepted has been received. */
bool soak_ledger_has_arrived(const soak_ledger *ledger);

/* Prints what breaks the plan's promises, a line each, the first few. Returns how much does. */
uint64_t soak_ledger_check(const soak_ledger *ledger, const soak_plan *plan, unsigned sender);

/* --- Messages (soak_content.c): numbers, and bytes that follow from them. */

/* Makes the message of a number; data: SOAK_SIZE_MOST bytes that it points into. */
void soak_content_make(unsigned sender, uint64_t number, uint8_t *data, amqpc_message *message);

/* Returns whether a payload is as it was made, and which. */
bool soak_content_read(amqpc_bytes payload, unsigned *sender, uint64_t *number);

/* --- Memory (soak_memory.c). */

extern const amqpc_allocator soak_allocator;

/* The bytes that were allocated by it and are not released yet. */
uint64_t soak_memory_held(void);

/* --- Streams (soak_stream.c). */

typedef struct soak_stream soak_stream;

typedef struct soak_sender {
    soak_stream *stream;
    unsigned index;
    amqpc_client *client;
    soak_ledger ledger;
    pthread_t thread;
} soak_sender;

typedef struct soak_receiver {
    soak_stream *stream;
    unsigned index;
    amqpc_client *client;
    pthread_t thread;
} soak_receiver;

/* The threads of one plan.
 *
 * stops         no more is posted
 * done_senders  all outcomes are there
 * running       threads that have not ended
 * failures      calls that returned what they should not; each is printed */
struct soak_stream {
    const soak_plan *plan;
    uint64_t rate; /* messages a second of each sender */
    atomic_bool stops;
    atomic_uint done_senders;
    atomic_uint running;
    atomic_uint failures;
    soak_sender senders[SOAK_SENDERS];
    soak_receiver receivers[SOAK_RECEIVERS];
};

/* Starts the threads; capacity: messages of each sender at most. Returns false where there is no
 * memory, or no thread. */
bool soak_stream_start(soak_stream *stream, const soak_plan *plan, uint64_t rate, uint32_t capacity,
                       amqpc_client *const clients[SOAK_CLIENTS]);

/* Waits for the threads, which end once `stops` is set. */
void soak_stream_join(soak_stream *stream);

void *soak_receiver_run(void *receiver);

/* Says what went wrong, and counts it. */
void soak_fail(soak_stream *stream, const char *what, amqpc_status status);

#endif
