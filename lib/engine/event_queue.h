/* The queue of events: objects with bits, so that it never allocates and never grows.
 *
 * An object stands in the queue at most once, with a bit for each event that it has. Taking gives
 * the lowest bit of the first object, which stays first while it has more. */
#ifndef AMQPCI_ENGINE_EVENT_QUEUE_H
#define AMQPCI_ENGINE_EVENT_QUEUE_H

#include <amqpcodec/event.h>

#include "base/compiler.h"

typedef enum amqpci_source_kind {
    AMQPCI_SOURCE_CONNECTION = 0,
    AMQPCI_SOURCE_SESSION = 1,
    AMQPCI_SOURCE_LINK = 2
} amqpci_source_kind;

/* The first member of connections, sessions and links. */
typedef struct amqpci_event_source {
    struct amqpci_event_source *next;
    struct amqpci_event_source *previous;
    uint32_t pending; /* a bit for each amqpc_event_type; the object is queued while it is not 0 */
    uint8_t kind;     /* amqpci_source_kind */
} amqpci_event_source;

typedef struct amqpci_event_queue {
    amqpci_event_source *first;
    amqpci_event_source *last;
} amqpci_event_queue;

/* Puts the object at the end. */
void amqpci_event_queue_append(amqpci_event_queue *queue, amqpci_event_source *source);

/* Takes an object out, with all its events. */
void amqpci_event_queue_remove(amqpci_event_queue *queue, amqpci_event_source *source);

/* The next event and its object; AMQPC_EVENT_NONE where there is none. */
amqpc_event_type amqpci_event_queue_take(amqpci_event_queue *queue, amqpci_event_source **source);

AMQPCI_INLINE void amqpci_event_raise(amqpci_event_queue *queue, amqpci_event_source *source,
                                      amqpc_event_type type)
{
    uint32_t before = source->pending;
    source->pending = before | 1u << type;
    if (before == 0) {
        amqpci_event_queue_append(queue, source);
    }
}

/* Withdraws an event that was not taken yet. */
AMQPCI_INLINE void amqpci_event_withdraw(amqpci_event_queue *queue, amqpci_event_source *source,
                                         amqpc_event_type type)
{
    if (source->pending == 1u << type) {
        amqpci_event_queue_remove(queue, source);
    } else {
        source->pending &= ~(1u << type);
    }
}

#endif
