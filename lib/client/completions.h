/* Outcomes that wait to be taken: a ring of runs, so that those of a thousand messages which all
 * were accepted take the room of one. */
#ifndef AMQPCI_CLIENT_COMPLETIONS_H
#define AMQPCI_CLIENT_COMPLETIONS_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/sender.h>

/* A state that has fields, encoded. */
typedef struct amqpci_kept_state {
    struct amqpci_kept_state *next;
    size_t size;
    uint8_t bytes[];
} amqpci_kept_state;

/* Messages with the same outcome: the contexts of all are the same, or count up. */
typedef struct amqpci_completion_run {
    uint64_t context; /* of the first */
    amqpci_kept_state *state;
    uint32_t count;
    uint32_t state_type;
    bool unknown;
    bool counts_up;
} amqpci_completion_run;

/* runs     capacity of them, a power of two; a ring
 * given  states that the program may look at until it takes more */
typedef struct amqpci_completions {
    amqpc_allocator allocator;
    amqpci_completion_run *runs;
    size_t capacity;
    size_t first;
    size_t count;
    amqpci_kept_state *given;
} amqpci_completions;

void amqpci_completions_init(amqpci_completions *completions, const amqpc_allocator *allocator);
void amqpci_completions_clean_up(amqpci_completions *completions);

/* Makes room for so many more, so that adding them cannot fail. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_completions_reserve(amqpci_completions *completions, size_t more);

/* Adds one, for which there is room. state: encoded; size 0 for none. Where there is no memory for
 * its bytes, its type is kept. */
void amqpci_completions_add(amqpci_completions *completions, uint64_t context, uint32_t state_type,
                            bool unknown, amqpc_bytes state);

/* As that, `count` times, with contexts that count up, and without a state. */
void amqpci_completions_add_sent(amqpci_completions *completions, uint64_t context, size_t count);

/* Takes up to `capacity`; gives how many. */
size_t amqpci_completions_take(amqpci_completions *completions, amqpc_completion *taken,
                               size_t capacity);

#endif
