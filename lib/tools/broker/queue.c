/* Queues: messages in order, and who takes them.
 *
 * Consumers that could take a message stand in a ring, and take one each in turn. A consumer that
 * chooses (it has a selector, browses, or cannot be given some message) has a cursor: what is
 * before it, it does not want. The others take the first. */
#include "tools/broker/queue.h"

#include <assert.h>
#include <string.h>

#include "tools/broker/broker.h"

/* --- In. */

bool queue_is_over(const struct broker *broker, int64_t absolute_expiry)
{
    return absolute_expiry <= broker->wall_ms;
}

/* When a message expires that arrives now; 0 for never. */
static uint64_t expiry_of(const struct broker *broker, const amqpc_header *header,
                          int64_t absolute_expiry)
{
    uint64_t expiry_ms = 0;
    if (header->present & AMQPC_HEADER_TTL) {
        expiry_ms = broker->now_ms + header->ttl;
    }
    if (absolute_expiry > 0) {
        int64_t left_ms = absolute_expiry - broker->wall_ms;
        uint64_t absolute_ms = broker->now_ms + (left_ms > 0 ? (uint64_t)left_ms : 0);
        expiry_ms = expiry_ms == 0 || absolute_ms < expiry_ms ? absolute_ms : expiry_ms;
    }
    return expiry_ms;
}

/* Those that had looked at all there was have something to look at. */
static void wake_choosing(broker_queue *queue, broker_message *added)
{
    for (broker_consumer *at = queue->first_consumer; at != NULL; at = at->next_of_queue) {
        if (!at->chooses) {
            continue;
        }
        bool earlier =
            at->cursor == NULL || (at->cursor->sequence > added->sequence && !at->browses);
        if (earlier) {
            at->cursor = added;
            consumer_activate(at);
        }
    }
}

/* The message may be the first whose time is over. */
static void note_expiry(broker_queue *queue, const broker_message *message)
{
    if (message->expiry_ms == 0) {
        return;
    }
    if (message->expiry_ms < queue->next_expiry_ms) {
        queue->next_expiry_ms = message->expiry_ms;
    }
    if (message->expiry_ms < queue->broker->sweep_due_ms) {
        queue->broker->sweep_due_ms = message->expiry_ms;
    }
}

/* What its header and its properties say. */
static void set_terms(broker_message *message, const message_glance *glance)
{
    amqpc_header header;
    if (message_header(message_payload(message), glance->header_size, &header)) {
        message->header_size = glance->header_size;
        message->delivery_count = header.delivery_count;
        message->flags |= header.present & AMQPC_HEADER_TTL ? (uint32_t)MESSAGE_HAS_TTL : 0u;
        message->flags |= header.first_acquirer ? (uint32_t)MESSAGE_FIRST_ACQUIRER : 0u;
    } else {
        header.present = 0;
    }
    message->expiry_ms = expiry_of(message->queue->broker, &header, glance->absolute_expiry);
}

bool queue_add(broker_queue *queue, amqpc_bytes payload, uint32_t format,
               const message_glance *glance)
{
    struct broker *broker = queue->broker;
    broker_message *added = message_store_take(&broker->store, payload.size);
    if (added == NULL) {
        return false;
    }
    memcpy(added->payload, payload.data, payload.size);
    added->queue = queue;
    added->format = format;
    added->sequence = queue->next_sequence++;
    if (format == 0) {
        set_terms(added, glance);
    }
    note_expiry(queue, added);
    message_list_append(&queue->ready, added);
    queue->ready_count++;
    queue->size += added->block_size;
    if (queue->choosing_count > 0) {
        wake_choosing(queue, added);
    }
    return true;
}

size_t queue_forward(broker_queue *queue, const amqpc_bytes *payloads, size_t count)
{
    size_t sent = 0;
    while (sent < count && queue_may_forward(queue)) {
        broker_consumer *consumer = queue->turn;
        size_t step = queue->active_count == 1 ? count - sent : 1;
        sent += consumer_forward(consumer, payloads + sent, step);
        if (queue->turn == consumer) {
            queue->turn = consumer->next_turn;
        }
    }
    return sent;
}

/* --- Out. */

static void move_cursors(const broker_queue *queue, const broker_message *leaving)
{
    for (broker_consumer *at = queue->first_consumer; at != NULL; at = at->next_of_queue) {
        if (at->cursor == leaving) {
            at->cursor = leaving->next;
        }
    }
}

void queue_take_out(broker_queue *queue, broker_message *message)
{
    if (queue->choosing_count > 0) {
        move_cursors(queue, message);
    }
    if (queue->requeued == message) {
        queue->requeued = NULL;
    }
    message_list_remove(&queue->ready, message);
    queue->ready_count--;
}

void queue_free_message(broker_queue *queue, broker_message *message)
{
    struct broker *broker = queue->broker;
    queue->size -= message->block_size;
    message_store_give_back(&broker->store, message);
    broker->has_room_again = true;
    queue_note_lifetime(queue);
}

void queue_put_back(broker_queue *queue, broker_message *returned)
{
    /* Mostly neighbours come back in order, to the start of the queue. */
    broker_message *before = queue->requeued;
    if (before != NULL && before->sequence > returned->sequence) {
        before = NULL;
    }
    broker_message *after = before == NULL ? queue->ready.first : before->next;
    while (after != NULL && after->sequence < returned->sequence) {
        before = after;
        after = after->next;
    }
    returned->consumer = NULL;
    message_list_insert_behind(&queue->ready, before, returned);
    queue->requeued = returned;
    queue->ready_count++;
    note_expiry(queue, returned);
    if (queue->choosing_count > 0) {
        wake_choosing(queue, returned);
    }
}

static void drop_expired(broker_queue *queue, broker_message *message)
{
    queue_take_out(queue, message);
    queue_free_message(queue, message);
    queue->counts.expired++;
    queue->broker->counts.expired++;
}

void queue_dispatch(broker_queue *queue)
{
    uint64_t now_ms = queue->broker->now_ms;
    while (queue->turn != NULL && queue->ready.first != NULL) {
        broker_consumer *consumer = queue->turn;
        broker_message *next = consumer_next(consumer);
        if (next == NULL) {
            consumer_deactivate(consumer); /* until there is something else to look at */
        } else if (next->expiry_ms > 0 && next->expiry_ms <= now_ms) {
            drop_expired(queue, next);
        } else if (consumer_send(consumer, next) && queue->turn == consumer) {
            queue->turn = consumer->next_turn;
        }
    }
}

void queue_expire(broker_queue *queue)
{
    uint64_t now_ms = queue->broker->now_ms;
    if (queue->next_expiry_ms > now_ms) {
        return;
    }
    queue->next_expiry_ms = UINT64_MAX;
    for (broker_message *at = queue->ready.first; at != NULL;) {
        broker_message *next = at->next;
        if (at->expiry_ms > 0 && at->expiry_ms <= now_ms) {
            drop_expired(queue, at);
        } else if (at->expiry_ms > 0 && at->expiry_ms < queue->next_expiry_ms) {
            queue->next_expiry_ms = at->expiry_ms;
        }
        at = next;
    }
    queue_note_lifetime(queue);
}

bool queue_is_full(const broker_queue *queue)
{
    return queue->size >= queue->broker->options.queue_memory;
}

bool queue_has_room(const broker_queue *queue)
{
    uint64_t limit = queue->broker->options.queue_memory;
    return queue->size < limit - limit / 8;
}
