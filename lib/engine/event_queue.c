/* The queue of events, a list through the objects that have any. */
#include "engine/event_queue.h"

void amqpci_event_queue_append(amqpci_event_queue *queue, amqpci_event_source *source)
{
    source->next = NULL;
    source->previous = queue->last;
    if (queue->last == NULL) {
        queue->first = source;
    } else {
        queue->last->next = source;
    }
    queue->last = source;
}

static void unlink_source(amqpci_event_queue *queue, amqpci_event_source *source)
{
    if (source->previous == NULL) {
        queue->first = source->next;
    } else {
        source->previous->next = source->next;
    }
    if (source->next == NULL) {
        queue->last = source->previous;
    } else {
        source->next->previous = source->previous;
    }
}

void amqpci_event_queue_remove(amqpci_event_queue *queue, amqpci_event_source *source)
{
    if (source->pending != 0) {
        unlink_source(queue, source);
        source->pending = 0;
    }
}

amqpc_event_type amqpci_event_queue_take(amqpci_event_queue *queue, amqpci_event_source **source)
{
    amqpci_event_source *first = queue->first;
    if (first == NULL) {
        return AMQPC_EVENT_NONE;
    }
    unsigned type = (unsigned)__builtin_ctz(first->pending);
    first->pending &= first->pending - 1;
    if (first->pending == 0) { /* the rest comes before what happened to others later */
        unlink_source(queue, first);
    }
    *source = first;
    return (amqpc_event_type)type;
}

const char *amqpc_event_name(unsigned type)
{
    static const char *const names[] = {
        [AMQPC_EVENT_NONE] = "NONE",
        [AMQPC_EVENT_SASL] = "SASL",
        [AMQPC_EVENT_SASL_OUTCOME] = "SASL_OUTCOME",
        [AMQPC_EVENT_CONNECTION_OPEN] = "CONNECTION_OPEN",
        [AMQPC_EVENT_CONNECTION_CLOSE] = "CONNECTION_CLOSE",
        [AMQPC_EVENT_CONNECTION_FAILED] = "CONNECTION_FAILED",
        [AMQPC_EVENT_SESSION_BEGIN] = "SESSION_BEGIN",
        [AMQPC_EVENT_SESSION_WINDOW] = "SESSION_WINDOW",
        [AMQPC_EVENT_SESSION_END] = "SESSION_END",
        [AMQPC_EVENT_LINK_ATTACH] = "LINK_ATTACH",
        [AMQPC_EVENT_LINK_FLOW] = "LINK_FLOW",
        [AMQPC_EVENT_DELIVERIES] = "DELIVERIES",
        [AMQPC_EVENT_UPDATES] = "UPDATES",
        [AMQPC_EVENT_LINK_DETACH] = "LINK_DETACH",
    };
    return type < sizeof names / sizeof names[0] ? names[type] : "UNKNOWN";
}
