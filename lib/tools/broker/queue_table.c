/* All queues, by name; dynamic nodes, and when they go (AMQP 3.5.10 to 3.5.13). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/broker.h"

static const char dynamic_prefix[] = "amqpcodec-dynamic-";

static size_t hash_of(amqpc_bytes name)
{
    const uint8_t *bytes = (const uint8_t *)name.data;
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return (size_t)(hash ^ hash >> 32);
}

static bool is_same(amqpc_bytes left, amqpc_bytes right)
{
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

broker_queue *queue_find(const struct broker *broker, amqpc_bytes name)
{
    const queue_table *table = &broker->queues;
    if (table->capacity == 0) {
        return NULL;
    }
    broker_queue *at = table->chains[hash_of(name) & (table->capacity - 1)];
    while (at != NULL && !is_same(at->name, name)) {
        at = at->next_of_name;
    }
    return at;
}

/* Doubles the table. Returns false where there is no memory. */
static bool grow(struct broker *broker)
{
    queue_table *table = &broker->queues;
    size_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
    broker_queue **chains = (broker_queue **)allocation_take_zeroed(
        &broker->allocator, capacity * sizeof(broker_queue *));
    if (chains == NULL) {
        return false;
    }
    for (broker_queue *at = table->first; at != NULL; at = at->next) {
        broker_queue **chain = &chains[hash_of(at->name) & (capacity - 1)];
        at->next_of_name = *chain;
        *chain = at;
    }
    allocation_give_back(&broker->allocator, table->chains);
    table->chains = chains;
    table->capacity = capacity;
    return true;
}

static void put_in(struct broker *broker, broker_queue *made)
{
    queue_table *table = &broker->queues;
    broker_queue **chain = &table->chains[hash_of(made->name) & (table->capacity - 1)];
    made->next_of_name = *chain;
    *chain = made;
    made->previous = table->last;
    if (table->last == NULL) {
        table->first = made;
    } else {
        table->last->next = made;
    }
    table->last = made;
    table->count++;
}

static void take_out(struct broker *broker, broker_queue *gone)
{
    queue_table *table = &broker->queues;
    broker_queue **at = &table->chains[hash_of(gone->name) & (table->capacity - 1)];
    while (*at != gone) {
        at = &(*at)->next_of_name;
    }
    *at = gone->next_of_name;
    if (gone->previous == NULL) {
        table->first = gone->next;
    } else {
        gone->previous->next = gone->next;
    }
    if (gone->next == NULL) {
        table->last = gone->previous;
    } else {
        gone->next->previous = gone->previous;
    }
    table->count--;
}

static bool is_idle(const broker_queue *queue)
{
    return queue->lifetime == QUEUE_STAYS && queue->consumer_count == 0 &&
           queue->producer_count == 0 && queue->ready_count == 0 && queue->unsettled_count == 0;
}

/* Nobody would notice that a queue without messages and links is gone, but for its counts. */
static bool forget_idle(struct broker *broker)
{
    for (broker_queue *at = broker->queues.first; at != NULL; at = at->next) {
        if (is_idle(at)) {
            queue_delete(at);
            return true;
        }
    }
    return false;
}

static broker_queue *make(struct broker *broker, amqpc_bytes name, queue_lifetime lifetime)
{
    queue_table *table = &broker->queues;
    if (table->count >= broker->options.queues && !forget_idle(broker)) {
        return NULL;
    }
    if (table->count >= table->capacity && !grow(broker)) {
        return NULL;
    }
    broker_queue *made =
        (broker_queue *)allocation_take_zeroed(&broker->allocator, sizeof *made + name.size);
    if (made == NULL) {
        return NULL;
    }
    memcpy(made + 1, name.data, name.size);
    made->name = (amqpc_bytes){made + 1, name.size};
    made->broker = broker;
    made->next_expiry_ms = UINT64_MAX;
    made->lifetime = (uint8_t)lifetime;
    put_in(broker, made);
    return made;
}

broker_queue *queue_of_name(struct broker *broker, amqpc_bytes name)
{
    broker_queue *found = queue_find(broker, name);
    return found == NULL ? make(broker, name, QUEUE_STAYS) : found;
}

broker_queue *queue_new_dynamic(struct broker *broker, queue_lifetime lifetime)
{
    char name[80];
    uint64_t secret = 0;
    memcpy(&secret, broker->options.secret, sizeof secret);
    int size = snprintf(name, sizeof name, "%s%016" PRIx64 "-%" PRIu64, dynamic_prefix, secret,
                        ++broker->queues.last_dynamic);
    return make(broker, (amqpc_bytes){name, (size_t)size}, lifetime);
}

bool queue_name_is_dynamic(amqpc_bytes name)
{
    size_t size = sizeof dynamic_prefix - 1;
    return name.size > size && memcmp(name.data, dynamic_prefix, size) == 0;
}

static void drop_messages(broker_queue *queue)
{
    while (queue->ready.first != NULL) {
        broker_message *first = queue->ready.first;
        queue_take_out(queue, first);
        queue_free_message(queue, first);
        queue->broker->counts.dropped++;
    }
}

void queue_delete(broker_queue *queue)
{
    struct broker *broker = queue->broker;
    const amqpc_error error = broker_error("amqp:resource-deleted", "the node was deleted");
    queue->is_due = true; /* links that end with it have nothing to note */
    while (queue->first_consumer != NULL) {
        terminus_end(&queue->first_consumer->terminus, &error);
    }
    while (queue->first_producer != NULL) {
        terminus_end(&queue->first_producer->terminus, &error);
    }
    drop_messages(queue);
    take_out(broker, queue);
    allocation_give_back(&broker->allocator, queue);
}

void queue_note_lifetime(broker_queue *queue)
{
    queue_table *table = &queue->broker->queues;
    if (queue->lifetime != QUEUE_STAYS && !queue->is_due) {
        queue->is_due = true;
        queue->next_due = table->first_due;
        table->first_due = queue;
    }
}

static bool is_over(const broker_queue *queue)
{
    bool no_links = queue->consumer_count == 0 && queue->producer_count == 0;
    bool no_messages = queue->ready_count == 0 && queue->unsettled_count == 0;
    switch (queue->lifetime) {
    case QUEUE_UNTIL_CLOSE:
        return !queue->has_creator;
    case QUEUE_UNTIL_NO_LINKS:
        return no_links;
    case QUEUE_UNTIL_NO_MESSAGES:
        return !queue->has_creator && no_messages;
    case QUEUE_UNTIL_NO_LINKS_OR_MESSAGES:
        return no_links && no_messages;
    default:
        return false;
    }
}

void queue_table_check(struct broker *broker)
{
    queue_table *table = &broker->queues;
    while (table->first_due != NULL) {
        broker_queue *due = table->first_due;
        table->first_due = due->next_due;
        due->is_due = false;
        if (is_over(due)) {
            queue_delete(due);
        }
    }
}

void queue_table_clean_up(struct broker *broker)
{
    broker->queues.first_due = NULL;
    while (broker->queues.first != NULL) {
        queue_delete(broker->queues.first);
    }
    allocation_give_back(&broker->allocator, broker->queues.chains);
    broker->queues = (queue_table){.chains = NULL};
}
