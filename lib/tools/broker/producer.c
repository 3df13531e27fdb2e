/* Producers: messages come in, go straight to a consumer or into a queue, and are settled.
 *
 * A message is accepted when it is in memory, or on its way to a consumer that settles. Where there
 * is no room, messages are left with the engine, whose session's window then stays shut: so what a
 * sender can make the broker keep is bounded, whatever its credit was. */
#include "tools/broker/producer.h"

#include <string.h>

#include "tools/broker/broker.h"

enum {
    BATCH = 64,           /* deliveries that are taken at a time */
    BATCH_SIZE = 1 << 18, /* bytes of them, about */
    SIZE_AT_FIRST = 512   /* what a message is taken to be, before there was one */
};

/* What becomes of a delivery. */
enum verdict {
    VERDICT_ACCEPTED = 0,
    VERDICT_NO_ROOM = 1,     /* released: the sender may try again */
    VERDICT_UNROUTABLE = 2,  /* rejected with amqp:not-found */
    VERDICT_TRANSACTION = 3, /* rejected: there are none */
    VERDICT_ABORTED = 4      /* nothing to settle */
};

/* Deliveries on their way.
 *
 * payloads  those of the same index
 * keep      deliveries that have to go through the queue: of another format, or with a time that is
 *           over
 * is_over   the time of the delivery is over */
struct batch {
    broker_producer *producer;
    amqpc_delivery deliveries[BATCH];
    amqpc_bytes payloads[BATCH];
    message_glance glances[BATCH];
    uint8_t verdicts[BATCH];
    bool keep[BATCH];
    bool is_over[BATCH];
    size_t count;
};

/* --- Its place in the queue. */

void producer_attached(broker_producer *producer, const amqpc_attach *attach)
{
    producer->settles = attach->snd_settle_mode == AMQPC_SENDER_SETTLE_MODE_SETTLED;
    producer_note_received(producer, 0, true);
}

void producer_join(broker_producer *producer)
{
    broker_queue *queue = producer->terminus.queue;
    producer->recent_size = SIZE_AT_FIRST;
    if (queue == NULL) {
        return;
    }
    producer->previous_of_queue = NULL;
    producer->next_of_queue = queue->first_producer;
    if (queue->first_producer != NULL) {
        queue->first_producer->previous_of_queue = producer;
    }
    queue->first_producer = producer;
    queue->producer_count++;
}

void producer_leave(broker_producer *producer)
{
    broker_queue *queue = producer->terminus.queue;
    producer_wait_no_more(producer);
    if (queue == NULL) {
        return;
    }
    if (producer->previous_of_queue == NULL) {
        queue->first_producer = producer->next_of_queue;
    } else {
        producer->previous_of_queue->next_of_queue = producer->next_of_queue;
    }
    if (producer->next_of_queue != NULL) {
        producer->next_of_queue->previous_of_queue = producer->previous_of_queue;
    }
    queue->producer_count--;
    queue_note_lifetime(queue);
}

/* --- Settling. */

static void reject(broker_producer *producer, uint64_t first, uint64_t last,
                   const amqpc_error *error)
{
    amqpc_status status = amqpc_link_reject(producer->terminus.link, first, last, error);
    (void)status; /* without memory it stays unsettled, and the sender keeps it */
}

/* Tells the sender of a row of deliveries with one verdict. */
static void settle_run(broker_producer *producer, uint64_t first, uint64_t last,
                       enum verdict verdict)
{
    const amqpc_error unroutable = broker_error("amqp:not-found", "there is no node of that name");
    const amqpc_error transaction =
        broker_error("amqp:transaction:unknown-id", "there are no transactions here");
    uint32_t state =
        verdict == VERDICT_ACCEPTED ? AMQPC_COMPOSITE_ACCEPTED : AMQPC_COMPOSITE_RELEASED;
    amqpc_status status = AMQPC_OK;
    switch (verdict) {
    case VERDICT_UNROUTABLE:
        reject(producer, first, last, &unroutable);
        break;
    case VERDICT_TRANSACTION:
        reject(producer, first, last, &transaction);
        break;
    case VERDICT_ABORTED:
        break;
    default:
        status = amqpc_link_settle(producer->terminus.link, first, last, state);
        (void)status; /* as above */
        break;
    }
}

static void settle(struct batch *batch)
{
    bool any = false;
    for (size_t i = 0; i < batch->count; i++) {
        any = any || !batch->deliveries[i].settled;
    }
    for (size_t i = 0; any && i < batch->count;) {
        size_t end = i + 1;
        while (end < batch->count && batch->verdicts[end] == batch->verdicts[i] &&
               batch->deliveries[end].number > batch->deliveries[end - 1].number) {
            end++;
        }
        settle_run(batch->producer, batch->deliveries[i].number, batch->deliveries[end - 1].number,
                   (enum verdict)batch->verdicts[i]);
        i = end;
    }
    if (any) {
        broker_touch(batch->producer->terminus.connection);
    }
}

/* --- In. */

static void look_at(struct batch *batch, size_t i)
{
    const amqpc_delivery *delivery = &batch->deliveries[i];
    message_glance *glance = &batch->glances[i];
    batch->payloads[i] = delivery->payload;
    batch->verdicts[i] = delivery->aborted ? VERDICT_ABORTED : VERDICT_ACCEPTED;
    batch->keep[i] = delivery->message_format != 0 || delivery->aborted || delivery->state.size > 0;
    batch->is_over[i] = false;
    if (delivery->message_format != 0) {
        memset(glance, 0, sizeof *glance);
        return;
    }
    message_glance_at(delivery->payload, glance);
    if (glance->absolute_expiry > 0) {
        batch->is_over[i] =
            queue_is_over(batch->producer->terminus.broker, glance->absolute_expiry);
    }
    batch->keep[i] = batch->keep[i] || batch->is_over[i];
}

static void count_received(broker_queue *queue, struct broker *broker, uint64_t count,
                           uint64_t size)
{
    queue->counts.received += count;
    queue->counts.received_size += size;
    broker->counts.received += count;
    broker->counts.received_size += size;
}

/* One delivery into the queue. */
static void keep(struct batch *batch, size_t i, broker_queue *queue)
{
    struct broker *broker = queue->broker;
    const amqpc_delivery *delivery = &batch->deliveries[i];
    amqpc_value state;
    if (batch->verdicts[i] != VERDICT_ACCEPTED) {
        return;
    }
    bool in_transaction = delivery->state.size > 0 &&
                          amqpc_value_decode(delivery->state.data, delivery->state.size, NULL,
                                             &state, NULL) == AMQPC_OK &&
                          amqpc_value_composite(&state) == AMQPC_COMPOSITE_TRANSACTIONAL_STATE;
    if (in_transaction) {
        batch->verdicts[i] = VERDICT_TRANSACTION;
        return;
    }
    count_received(queue, broker, 1, delivery->payload.size);
    if (batch->is_over[i]) {
        queue->counts.expired++;
        broker->counts.expired++;
        return;
    }
    if (!queue_add(queue, delivery->payload, delivery->message_format, &batch->glances[i])) {
        batch->verdicts[i] = VERDICT_NO_ROOM;
        queue->counts.dropped += delivery->settled;
        broker->counts.dropped += delivery->settled;
        return;
    }
    queue_dispatch(queue);
}

/* All of them are for one queue. */
static void take_for_queue(struct batch *batch, broker_queue *queue)
{
    struct broker *broker = queue->broker;
    size_t i = 0;
    while (i < batch->count) {
        size_t end = i;
        while (queue_may_forward(queue) && end < batch->count && !batch->keep[end]) {
            end++;
        }
        size_t sent = end > i ? queue_forward(queue, &batch->payloads[i], end - i) : 0;
        uint64_t size = 0;
        for (size_t j = i; j < i + sent; j++) {
            size += batch->payloads[j].size;
        }
        count_received(queue, broker, sent, size);
        i += sent;
        if (i < batch->count) {
            keep(batch, i++, queue);
        }
    }
}

/* The anonymous relay: each message says where it goes. */
static void route(struct batch *batch, size_t i)
{
    struct broker *broker = batch->producer->terminus.broker;
    amqpc_properties properties;
    broker_queue *queue = NULL;
    bool named = batch->deliveries[i].message_format == 0 &&
                 message_properties(batch->payloads[i], &properties) &&
                 properties.present & AMQPC_PROPERTIES_TO && properties.to.size > 0;
    if (batch->verdicts[i] != VERDICT_ACCEPTED) {
        return;
    }
    if (named) {
        queue = queue_name_is_dynamic(properties.to) ? queue_find(broker, properties.to)
                                                     : queue_of_name(broker, properties.to);
    }
    if (queue == NULL) {
        batch->verdicts[i] = VERDICT_UNROUTABLE;
        broker->counts.dropped++;
        return;
    }
    if (queue_is_full(queue)) {
        batch->verdicts[i] = VERDICT_NO_ROOM;
        queue->counts.dropped += batch->deliveries[i].settled;
        broker->counts.dropped += batch->deliveries[i].settled;
        return;
    }
    keep(batch, i, queue);
}

static void note_size(broker_producer *producer, const struct batch *batch)
{
    uint32_t largest = SIZE_AT_FIRST;
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t size = (uint32_t)batch->payloads[i].size;
        largest = size > largest ? size : largest;
    }
    /* It grows at once, and shrinks slowly. */
    uint32_t less = producer->recent_size - producer->recent_size / 8;
    producer->recent_size = largest > less ? largest : less;
}

/* A settled message that cannot be routed ends the link of an anonymous relay: there is no other
 * way to tell the sender. */
static bool has_lost_settled(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->deliveries[i].settled && batch->verdicts[i] == VERDICT_UNROUTABLE) {
            return true;
        }
    }
    return false;
}

static void take(struct batch *batch)
{
    broker_queue *queue = batch->producer->terminus.queue;
    for (size_t i = 0; i < batch->count; i++) {
        look_at(batch, i);
    }
    if (queue != NULL) {
        take_for_queue(batch, queue);
    } else {
        for (size_t i = 0; i < batch->count; i++) {
            route(batch, i);
        }
    }
    note_size(batch->producer, batch);
    settle(batch);
    amqpc_deliveries_release(batch->deliveries, batch->count);
}

/* How many to take at a time: no more than what goes to a consumer at once, where it goes there. */
static size_t batch_capacity(const broker_producer *producer)
{
    const broker_queue *queue = producer->terminus.queue;
    size_t count = BATCH_SIZE / producer->recent_size;
    count = count < 1 ? 1 : count;
    count = count < BATCH ? count : BATCH;
    if (producer->settles && queue != NULL && queue->active_count == 1 &&
        queue_may_forward(queue)) {
        amqpc_link_flow flow;
        amqpc_link_get_flow(queue->turn->terminus.link, &flow);
        count = flow.credit > 0 && flow.credit < count ? flow.credit : count;
    }
    return count;
}

void producer_receive(broker_producer *producer, bool all)
{
    struct batch batch; /* large: not cleared each time */
    size_t capacity = 0;
    batch.producer = producer;
    batch.count = 0;
    do {
        if (!all && producer_is_full(producer)) {
            producer_hold(producer);
            return;
        }
        if (!all && producer_waits(producer)) {
            break;
        }
        capacity = batch_capacity(producer);
        if (amqpc_link_receive(producer->terminus.link, batch.deliveries, capacity, &batch.count) !=
            AMQPC_OK) {
            break;
        }
        producer_note_received(producer, batch.count, batch.count < capacity);
        if (batch.count == 0) {
            break;
        }
        take(&batch);
        if (!all && producer->terminus.queue == NULL && has_lost_settled(&batch)) {
            const amqpc_error error =
                broker_error("amqp:not-found", "a settled message could not be routed");
            terminus_end(&producer->terminus, &error);
            return;
        }
    } while (batch.count == capacity);
    if (!all) {
        producer_give_credit(producer);
    }
}

/* In receiver-settle-mode second the sender tells that it has settled, too: the engine has settled
 * then, and nothing is left to do (AMQP 2.6.12). */
static void pass_over_updates(broker_producer *producer)
{
    amqpc_update updates[BATCH];
    size_t count = BATCH;
    while (count == BATCH &&
           amqpc_link_updates(producer->terminus.link, updates, BATCH, &count) == AMQPC_OK) {
    }
}

void producer_handle(broker_producer *producer, uint32_t event_type)
{
    if (event_type == AMQPC_EVENT_DELIVERIES) {
        producer_receive(producer, false);
    } else if (event_type == AMQPC_EVENT_UPDATES) {
        pass_over_updates(producer);
    }
}
