/* Credit of producers, and what they wait for: room, and consumers.
 *
 * A queue that its consumers empty as fast as it is filled is best kept short: what has just come
 * in is sent on while it is in the processor's cache, and what cannot be sent yet need not be
 * copied into the queue. So where a queue has consumers, a producer may be ahead of them by its
 * credit: what waits in the queue counts as credit that is not used yet, and a producer that sends
 * all settled, and so waits for no outcome, is not even read while no consumer has credit.
 *
 * Consumers that do not keep up are no reason to stop a producer: that is what a queue is for. It
 * waits for PRODUCER_PATIENCE_MS, and goes on waiting only where they have taken a good share. */
#include "tools/broker/broker.h"
#include "tools/broker/producer.h"

/* Consumers keep up that take this share of what waits within the time of patience. */
enum { KEEPING_UP_SHARE = 4 };

/* --- Its place among those that wait. */

static void begin_waiting(broker_producer *producer)
{
    struct broker *broker = producer->terminus.broker;
    if (producer->waits_until_ms == 0) {
        producer->waits_until_ms = broker->now_ms + PRODUCER_PATIENCE_MS;
        producer->sent_before = producer->terminus.queue->counts.sent;
        producer->next_waiting = broker->first_waiting;
        broker->first_waiting = producer;
    }
}

static void stop_waiting(broker_producer *producer)
{
    struct broker_producer **at = &producer->terminus.broker->first_waiting;
    while (producer->waits_until_ms != 0 && *at != NULL && *at != producer) {
        at = &(*at)->next_waiting;
    }
    if (producer->waits_until_ms != 0 && *at == producer) {
        *at = producer->next_waiting;
    }
    producer->waits_until_ms = 0;
}

static void let_go(broker_producer *producer)
{
    struct broker_producer **at = &producer->terminus.broker->first_held;
    while (producer->is_held && *at != NULL && *at != producer) {
        at = &(*at)->next_held;
    }
    if (producer->is_held && *at == producer) {
        *at = producer->next_held;
    }
    producer->is_held = false;
}

void producer_wait_no_more(broker_producer *producer)
{
    let_go(producer);
    stop_waiting(producer);
}

/* --- Room. */

bool producer_is_full(const broker_producer *producer)
{
    const broker_queue *queue = producer->terminus.queue;
    return message_store_is_full(&producer->terminus.broker->store) ||
           (queue != NULL && queue_is_full(queue));
}

static bool has_room(const broker_producer *producer)
{
    const broker_queue *queue = producer->terminus.queue;
    return message_store_has_room(&producer->terminus.broker->store) &&
           (queue == NULL || queue_has_room(queue));
}

void producer_hold(broker_producer *producer)
{
    struct broker *broker = producer->terminus.broker;
    stop_waiting(producer);
    if (!producer->is_held) {
        producer->is_held = true;
        producer->next_held = broker->first_held;
        broker->first_held = producer;
    }
}

void producer_retry_held(struct broker *broker)
{
    broker_producer *held = broker->first_held;
    if (!broker->has_room_again || held == NULL) {
        return;
    }
    broker->has_room_again = false;
    broker->first_held = NULL; /* those that are held again come into a new list */
    while (held != NULL) {
        broker_producer *next = held->next_held;
        held->is_held = false;
        if (held->terminus.link == NULL) {
            held = next;
            continue;
        }
        if (has_room(held)) {
            producer_receive(held, false);
        } else {
            producer_hold(held);
        }
        held = next;
    }
}

/* --- Consumers. */

/* There are consumers to wait for, and each takes what comes. */
static bool has_consumers(const broker_producer *producer)
{
    const broker_queue *queue = producer->terminus.queue;
    return queue != NULL && queue->consumer_count > 0 && queue->choosing_count == 0 &&
           !producer->is_impatient && !queue->broker->is_stopping;
}

bool producer_waits(const broker_producer *producer)
{
    return producer->settles && has_consumers(producer) && producer->terminus.queue->turn == NULL;
}

void producer_note_received(broker_producer *producer, size_t count, bool is_all)
{
    amqpc_link_flow flow;
    producer->received += (uint32_t)count;
    if (is_all) { /* those that were aborted are not received, but counted by the engine */
        amqpc_link_get_flow(producer->terminus.link, &flow);
        producer->received = flow.delivery_count;
    }
}

/* Deliveries that wait unread with the engine; about, where some were aborted. */
static uint32_t unread_count(const broker_producer *producer, const amqpc_link_flow *flow)
{
    int32_t count = (int32_t)(flow->delivery_count - producer->received);
    return count > 0 ? (uint32_t)count : 0;
}

static bool consumers_keep_up(const broker_producer *producer)
{
    amqpc_link_flow flow;
    const broker_queue *queue = producer->terminus.queue;
    uint64_t taken = queue->counts.sent - producer->sent_before;
    amqpc_link_get_flow(producer->terminus.link, &flow);
    uint64_t waiting = queue->ready_count + unread_count(producer, &flow);
    return taken > 0 && taken >= waiting / KEEPING_UP_SHARE;
}

static void retry_waiting(broker_producer *producer)
{
    const broker_queue *queue = producer->terminus.queue;
    uint64_t now_ms = queue->broker->now_ms;
    if (producer->terminus.link == NULL) {
        stop_waiting(producer);
        return;
    }
    if (producer->waits_until_ms <= now_ms) {
        producer->is_impatient = !consumers_keep_up(producer);
        producer->waits_until_ms = now_ms + PRODUCER_PATIENCE_MS;
        producer->sent_before = queue->counts.sent;
    }
    producer_receive(producer, false);
    producer->is_impatient = false;
}

void producer_retry_waiting(struct broker *broker, const broker_queue *queue)
{
    broker_producer *next = NULL;
    for (broker_producer *at = broker->first_waiting; at != NULL; at = next) {
        next = at->next_waiting;
        if (queue == NULL || at->terminus.queue == queue) {
            retry_waiting(at);
        }
    }
}

/* --- Credit. */

/* How many deliveries there is room for, by what they were like lately. */
static uint32_t credit_wanted(const broker_producer *producer)
{
    const struct broker *broker = producer->terminus.broker;
    const broker_queue *queue = producer->terminus.queue;
    uint64_t room = broker->store.limit > broker->store.used_size
                        ? broker->store.limit - broker->store.used_size
                        : 0;
    uint64_t limit = broker->options.queue_memory;
    if (queue != NULL) {
        uint64_t own = limit > queue->size ? limit - queue->size : 0;
        room = own < room ? own : room;
    }
    uint64_t count = room / producer->recent_size;
    count = room > 0 && count == 0 ? 1 : count;
    return count < broker->options.credit ? (uint32_t)count : broker->options.credit;
}

void producer_give_credit(broker_producer *producer)
{
    amqpc_link_flow flow;
    if (producer->terminus.broker->is_stopping) {
        return;
    }
    if (producer_is_full(producer)) {
        producer_hold(producer);
        return;
    }
    uint32_t wanted = credit_wanted(producer);
    amqpc_link_get_flow(producer->terminus.link, &flow);
    uint32_t unread = unread_count(producer, &flow);
    uint64_t ahead = (uint64_t)flow.credit + unread;
    if (has_consumers(producer)) {
        ahead += producer->terminus.queue->ready_count;
    }
    bool gives = ahead <= wanted / 2 && ahead < wanted;
    if (gives) {
        amqpc_status status =
            amqpc_link_add_credit(producer->terminus.link, wanted - (uint32_t)ahead);
        (void)status; /* it is a receiver, and the credit a small number */
        broker_touch(producer->terminus.connection);
    }
    bool needs = !gives && flow.credit <= wanted / 2;
    if (has_consumers(producer) && (unread > 0 || needs)) {
        begin_waiting(producer);
    } else {
        stop_waiting(producer);
    }
}
