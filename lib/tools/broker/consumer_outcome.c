/* What becomes of messages that were sent unsettled: the outcomes of AMQP 3.4. */
#include <string.h>

#include "tools/broker/broker.h"
#include "tools/broker/consumer.h"
#include "tools/broker/message_rewrite.h"

enum { UPDATE_BATCH = 64 };

/* Counts of the queue, and of the broker. */
static void count(broker_queue *queue, size_t member)
{
    uint64_t *own = (uint64_t *)(void *)((char *)&queue->counts + member);
    uint64_t *all = (uint64_t *)(void *)((char *)&queue->broker->counts + member);
    *own += 1;
    *all += 1;
}

#define COUNT(queue, member) count(queue, offsetof(message_counts, member))

/* The consumer is done with the message. */
static void take_from(broker_consumer *consumer, broker_message *message)
{
    message_list_remove(&consumer->unsettled, message);
    message->consumer = NULL;
    consumer->unsettled_count--;
    consumer->terminus.queue->unsettled_count--;
}

static void drop(broker_consumer *consumer, broker_message *message)
{
    take_from(consumer, message);
    queue_free_message(consumer->terminus.queue, message);
}

static void put_back(broker_consumer *consumer, broker_message *message)
{
    take_from(consumer, message);
    queue_put_back(consumer->terminus.queue, message);
}

static void fail(broker_message *message)
{
    message->delivery_count += message->delivery_count < UINT32_MAX;
    message->flags |= MESSAGE_FAILED;
}

/* The message with annotations, in a block of its own; without memory, or where it is malformed,
 * the message as it was. It stands in the consumer's list. */
static broker_message *annotated(broker_consumer *consumer, broker_message *old,
                                 const amqpc_value *annotations)
{
    struct broker *broker = consumer->terminus.broker;
    amqpc_buffer *buffer = NULL;
    broker_message *made = NULL;
    if (amqpc_buffer_new(&broker->allocator, SIZE_MAX, &buffer) != AMQPC_OK) {
        return old;
    }
    if (message_annotate(old, annotations, buffer) == AMQPC_OK) {
        made = message_store_take(&broker->store, amqpc_buffer_size(buffer));
    }
    if (made != NULL) {
        memcpy(made->payload, amqpc_buffer_data(buffer), amqpc_buffer_size(buffer));
        made->queue = old->queue;
        made->consumer = consumer;
        made->exclusions = old->exclusions;
        made->sequence = old->sequence;
        made->expiry_ms = old->expiry_ms;
        made->header_size = old->header_size;
        made->format = old->format;
        made->delivery_count = old->delivery_count;
        made->flags = old->flags;
        old->exclusions = NULL;
        old->queue->size += made->block_size;
        message_list_insert_behind(&consumer->unsettled, old, made);
        message_list_remove(&consumer->unsettled, old);
        queue_free_message(old->queue, old);
    }
    amqpc_buffer_free(buffer);
    return made == NULL ? old : made;
}

static void modify(broker_consumer *consumer, broker_message *message, const amqpc_value *state)
{
    amqpc_modified modified;
    if (amqpc_modified_from_value(state, NULL, &modified) != AMQPC_OK) {
        memset(&modified, 0, sizeof modified);
    }
    if (modified.delivery_failed) {
        fail(message);
    }
    if (modified.undeliverable_here && !consumer_exclude(consumer, message)) {
        modified.undeliverable_here = false; /* it may come here again */
    }
    if (modified.present & AMQPC_MODIFIED_MESSAGE_ANNOTATIONS) {
        message = annotated(consumer, message, &modified.message_annotations);
    }
    COUNT(consumer->terminus.queue, modified);
    put_back(consumer, message);
}

/* It comes back without an outcome: what the source said of that (AMQP 3.5.3). */
static void take_default(broker_consumer *consumer, broker_message *message)
{
    broker_queue *queue = consumer->terminus.queue;
    switch (consumer->default_outcome) {
    case DEFAULT_ACCEPTED:
        COUNT(queue, accepted);
        drop(consumer, message);
        break;
    case DEFAULT_REJECTED:
        COUNT(queue, rejected);
        drop(consumer, message);
        break;
    case DEFAULT_RELEASED:
        COUNT(queue, released);
        put_back(consumer, message);
        break;
    default:
        fail(message);
        COUNT(queue, returned);
        put_back(consumer, message);
        break;
    }
}

/* Whether the state ends the delivery; the sender then settles it, where the receiver has not. */
static bool take_state(broker_consumer *consumer, broker_message *message,
                       const amqpc_update *update)
{
    broker_queue *queue = consumer->terminus.queue;
    switch (update->unknown ? AMQPC_COMPOSITE_NONE : update->state_type) {
    case AMQPC_COMPOSITE_ACCEPTED:
        COUNT(queue, accepted);
        drop(consumer, message);
        return true;
    case AMQPC_COMPOSITE_REJECTED:
        COUNT(queue, rejected);
        drop(consumer, message);
        return true;
    case AMQPC_COMPOSITE_RELEASED:
        COUNT(queue, released);
        put_back(consumer, message);
        return true;
    case AMQPC_COMPOSITE_MODIFIED:
        modify(consumer, message, &update->state);
        return true;
    default:
        if (update->settled) {
            take_default(consumer, message);
        }
        return update->settled;
    }
}

/* Updates whose deliveries this end has to settle (AMQP 2.6.12: receiver-settle-mode second). */
typedef struct settling {
    uint64_t first;
    uint64_t last;
    bool any;
} settling;

static void settle_run(broker_consumer *consumer, settling *run)
{
    if (run->any) {
        amqpc_status status =
            amqpc_link_settle(consumer->terminus.link, run->first, run->last, AMQPC_COMPOSITE_NONE);
        (void)status; /* without memory the peer asks again when the link is resumed */
        broker_touch(consumer->terminus.connection);
    }
    run->any = false;
}

static void extend_run(broker_consumer *consumer, settling *run, uint64_t number)
{
    if (run->any && run->last + 1 == number) {
        run->last = number;
        return;
    }
    settle_run(consumer, run);
    *run = (settling){number, number, true};
}

static void take_update(broker_consumer *consumer, const amqpc_update *update, settling *run)
{
    broker_message *message = (struct broker_message *)(uintptr_t)update->context;
    bool is_over = message == NULL ? update->settled || update->state_type != AMQPC_COMPOSITE_NONE
                                   : take_state(consumer, message, update);
    if (is_over && !update->settled) {
        extend_run(consumer, run, update->number);
    }
}

void consumer_take_updates(broker_consumer *consumer)
{
    amqpc_update updates[UPDATE_BATCH];
    settling run = {0, 0, false};
    size_t given = UPDATE_BATCH;
    while (given == UPDATE_BATCH) {
        if (amqpc_link_updates(consumer->terminus.link, updates, UPDATE_BATCH, &given) !=
            AMQPC_OK) {
            break;
        }
        for (size_t i = 0; i < given; i++) {
            take_update(consumer, &updates[i], &run);
        }
    }
    settle_run(consumer, &run);
}

void consumer_return_all(broker_consumer *consumer)
{
    /* From the last, so that each comes to the very start of the queue. */
    while (consumer->unsettled.last != NULL) {
        take_default(consumer, consumer->unsettled.last);
    }
}
