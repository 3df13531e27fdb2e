/* Consumers: links by which messages leave a queue, and the outcomes that come back (AMQP 2.6.12,
 * 3.4). */
#include "tools/broker/consumer.h"

#include <assert.h>
#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/broker.h"
#include "tools/broker/message_rewrite.h"

enum { EXCLUSION_MAX = 64 };

static amqpc_link *link_of(const broker_consumer *consumer)
{
    return consumer->terminus.link;
}

static broker_queue *queue_of(const broker_consumer *consumer)
{
    return consumer->terminus.queue;
}

static uint32_t credit_of(const broker_consumer *consumer)
{
    amqpc_link_flow flow;
    amqpc_link_get_flow(link_of(consumer), &flow);
    return flow.credit;
}

static bool is_composite(const amqpc_value *value, uint32_t type)
{
    return value->type == AMQPC_TYPE_DESCRIBED && amqpc_value_composite(value) == type;
}

static consumer_default default_of(const amqpc_source *source)
{
    const amqpc_value *outcome = &source->default_outcome;
    if (!(source->present & AMQPC_SOURCE_DEFAULT_OUTCOME)) {
        return DEFAULT_FAILED;
    }
    if (is_composite(outcome, AMQPC_COMPOSITE_RELEASED)) {
        return DEFAULT_RELEASED;
    }
    if (is_composite(outcome, AMQPC_COMPOSITE_ACCEPTED)) {
        return DEFAULT_ACCEPTED;
    }
    return is_composite(outcome, AMQPC_COMPOSITE_REJECTED) ? DEFAULT_REJECTED : DEFAULT_FAILED;
}

static bool is_copy(const amqpc_source *source)
{
    return source->present & AMQPC_SOURCE_DISTRIBUTION_MODE &&
           source->distribution_mode.size == 4 &&
           memcmp(source->distribution_mode.data, "copy", 4) == 0;
}

/* From now on it takes what it wants, not just the first. */
static void begin_to_choose(broker_consumer *consumer)
{
    if (!consumer->chooses) {
        consumer->chooses = true;
        consumer->cursor = queue_of(consumer)->ready.first;
        queue_of(consumer)->choosing_count++;
    }
}

void consumer_configure(broker_consumer *consumer, const amqpc_attach *attach,
                        const amqpc_source *source, broker_selector *selector)
{
    allocation_give_back(&consumer->terminus.broker->allocator, consumer->selector);
    consumer->selector = selector;
    consumer->browses = is_copy(source);
    consumer->settles = attach->snd_settle_mode == AMQPC_SENDER_SETTLE_MODE_SETTLED;
    consumer->default_outcome = (uint8_t)default_of(source);
}

/* --- Its place in the queue. */

void consumer_join(broker_consumer *consumer)
{
    broker_queue *queue = queue_of(consumer);
    consumer->previous_of_queue = NULL;
    consumer->next_of_queue = queue->first_consumer;
    if (queue->first_consumer != NULL) {
        queue->first_consumer->previous_of_queue = consumer;
    }
    queue->first_consumer = consumer;
    queue->consumer_count++;
    if (consumer->selector != NULL || consumer->browses || consumer->has_exclusions) {
        begin_to_choose(consumer);
    }
}

static void unblock(broker_consumer *consumer)
{
    struct broker_consumer **at = &consumer->terminus.broker->first_blocked;
    while (*at != NULL && *at != consumer) {
        at = &(*at)->next_blocked;
    }
    if (*at == consumer) {
        *at = consumer->next_blocked;
    }
    consumer->is_blocked = false;
}

void consumer_leave(broker_consumer *consumer)
{
    broker_queue *queue = queue_of(consumer);
    consumer_deactivate(consumer);
    if (consumer->is_blocked) {
        unblock(consumer);
    }
    if (consumer->chooses) {
        queue->choosing_count--;
        consumer->chooses = false;
        consumer->cursor = NULL;
    }
    if (consumer->previous_of_queue == NULL) {
        queue->first_consumer = consumer->next_of_queue;
    } else {
        consumer->previous_of_queue->next_of_queue = consumer->next_of_queue;
    }
    if (consumer->next_of_queue != NULL) {
        consumer->next_of_queue->previous_of_queue = consumer->previous_of_queue;
    }
    queue->consumer_count--;
    queue_note_lifetime(queue);
}

void consumer_activate(broker_consumer *consumer)
{
    broker_queue *queue = queue_of(consumer);
    bool waits = consumer->is_active || consumer->is_blocked || link_of(consumer) == NULL;
    if (waits || (consumer->chooses && consumer->cursor == NULL)) {
        return;
    }
    if (credit_of(consumer) == 0) {
        return;
    }
    consumer->is_active = true;
    queue->active_count++;
    if (queue->turn == NULL) {
        consumer->next_turn = consumer;
        consumer->previous_turn = consumer;
        queue->turn = consumer;
        return;
    }
    consumer->next_turn = queue->turn; /* the last in turn */
    consumer->previous_turn = queue->turn->previous_turn;
    consumer->previous_turn->next_turn = consumer;
    consumer->next_turn->previous_turn = consumer;
}

void consumer_deactivate(broker_consumer *consumer)
{
    broker_queue *queue = queue_of(consumer);
    if (!consumer->is_active) {
        return;
    }
    consumer->is_active = false;
    queue->active_count--;
    if (queue->turn == consumer) {
        queue->turn = consumer->next_turn == consumer ? NULL : consumer->next_turn;
    }
    consumer->next_turn->previous_turn = consumer->previous_turn;
    consumer->previous_turn->next_turn = consumer->next_turn;
}

static void block(broker_consumer *consumer)
{
    struct broker *broker = consumer->terminus.broker;
    consumer_deactivate(consumer);
    if (!consumer->is_blocked) {
        consumer->is_blocked = true;
        consumer->next_blocked = broker->first_blocked;
        broker->first_blocked = consumer;
    }
}

void consumer_retry_blocked(struct broker *broker)
{
    broker_consumer *blocked = broker->first_blocked;
    broker->first_blocked = NULL; /* those that are blocked again come into a new list */
    while (blocked != NULL) {
        broker_consumer *next = blocked->next_blocked;
        blocked->is_blocked = false;
        consumer_resume_turn(blocked);
        blocked = next;
    }
}

/* --- Sending. */

static bool is_excluded(const broker_consumer *consumer, const broker_message *message)
{
    for (const message_exclusion *at = message->exclusions; at != NULL; at = at->next) {
        if (at->consumer_id == consumer->terminus.id) {
            return true;
        }
    }
    return false;
}

broker_message *consumer_next(broker_consumer *consumer)
{
    if (!consumer->chooses) {
        return queue_of(consumer)->ready.first;
    }
    while (consumer->cursor != NULL) {
        broker_message *at = consumer->cursor;
        bool wanted = (consumer->selector == NULL ||
                       selector_matches(consumer->selector, message_payload(at))) &&
                      !is_excluded(consumer, at);
        if (wanted) {
            return at;
        }
        consumer->cursor = at->next;
    }
    return NULL;
}

/* What stopped a send costs the consumer its turn: for credit the peer's flow brings it back, for
 * too much that is unsettled its outcomes, for output the end of a round. */
static void lose_turn(broker_consumer *consumer, amqpc_status status)
{
    bool has_room = amqpc_link_unsettled_count(link_of(consumer)) < BROKER_UNSETTLED_MAX;
    if (has_room && (status == AMQPC_LIMIT_REACHED || status == AMQPC_NO_MEMORY)) {
        block(consumer);
    } else {
        consumer_deactivate(consumer);
    }
}

/* With the header that it goes out with: encoded where it is sent from. */
static amqpc_status send_changed(broker_consumer *consumer, const broker_message *message,
                                 const amqpc_send_options *options)
{
    uint8_t *place = NULL;
    size_t rest = message->payload_size - message->header_size;
    amqpc_status status =
        amqpc_link_reserve(link_of(consumer), MESSAGE_HEADER_MAX + rest, options, (void **)&place);
    if (status != AMQPC_OK) {
        return status;
    }
    size_t size = message_write_header(message, consumer->terminus.broker->now_ms, place);
    memcpy(place + size, message->payload + message->header_size, rest);
    return amqpc_link_commit(link_of(consumer), size + rest, options, NULL);
}

static void count_sent(const broker_consumer *consumer, uint64_t count, uint64_t size)
{
    broker_queue *queue = queue_of(consumer);
    queue->counts.sent += count;
    queue->counts.sent_size += size;
    queue->broker->counts.sent += count;
    queue->broker->counts.sent_size += size;
    broker_touch(consumer->terminus.connection);
}

static void keep_unsettled(broker_consumer *consumer, broker_message *message)
{
    queue_take_out(queue_of(consumer), message);
    message->consumer = consumer;
    message->flags |= MESSAGE_ACQUIRED;
    message_list_append(&consumer->unsettled, message);
    consumer->unsettled_count++;
    queue_of(consumer)->unsettled_count++;
}

bool consumer_send(broker_consumer *consumer, broker_message *message)
{
    amqpc_send_options options = {
        .struct_size = sizeof options,
        .settled = consumer->settles,
        .message_format = message->format,
        .context = consumer->browses ? 0 : (uint64_t)(uintptr_t)message,
    };
    uint32_t size = message->payload_size;
    amqpc_status status =
        message_is_changed(message)
            ? send_changed(consumer, message, &options)
            : amqpc_link_send(link_of(consumer), message_payload(message), &options, NULL);
    if (status == AMQPC_MESSAGE_TOO_LARGE || status == AMQPC_INVALID_ARGUMENT) {
        if (consumer_exclude(consumer, message)) {
            return true; /* another consumer may take it */
        }
        status = AMQPC_NO_MEMORY;
    }
    if (status != AMQPC_OK) {
        lose_turn(consumer, status);
        return false;
    }
    count_sent(consumer, 1, size);
    if (consumer->browses) {
        consumer->cursor = message->next;
    } else if (consumer->settles) {
        queue_take_out(queue_of(consumer), message);
        queue_free_message(queue_of(consumer), message);
    } else {
        keep_unsettled(consumer, message);
    }
    return true;
}

size_t consumer_forward(broker_consumer *consumer, const amqpc_bytes *payloads, size_t count)
{
    const amqpc_send_options options = {.struct_size = sizeof options, .settled = true};
    size_t sent = 0;
    uint64_t size = 0;
    amqpc_status status =
        amqpc_link_send_batch(link_of(consumer), payloads, count, &options, &sent, NULL);
    for (size_t i = 0; i < sent; i++) {
        size += payloads[i].size;
    }
    if (sent > 0) {
        count_sent(consumer, sent, size);
    }
    if (status != AMQPC_OK) {
        lose_turn(consumer, status);
    } else if (credit_of(consumer) == 0) {
        consumer_deactivate(consumer); /* so that no more is read for it than it takes */
    }
    return sent;
}

/* --- Flow. */

void consumer_take_flow(broker_consumer *consumer)
{
    broker_queue *queue = queue_of(consumer);
    uint64_t available = queue->ready_count < UINT32_MAX ? queue->ready_count : UINT32_MAX;
    amqpc_status status = amqpc_link_set_available(link_of(consumer), (uint32_t)available);
    assert(status == AMQPC_OK);
    (void)status;
    if (credit_of(consumer) == 0) {
        consumer_deactivate(consumer);
    }
    consumer_resume_turn(consumer);
}

void consumer_resume_turn(broker_consumer *consumer)
{
    broker_queue *queue = queue_of(consumer);
    consumer_activate(consumer);
    queue_dispatch(queue);
    if (queue->turn != NULL) {
        producer_retry_waiting(queue->broker, queue); /* they have what the consumer waits for */
    }
    consumer_check_drain(consumer);
}

void consumer_check_drain(broker_consumer *consumer)
{
    amqpc_link_flow flow;
    if (link_of(consumer) == NULL || consumer->is_blocked) {
        return;
    }
    amqpc_link_get_flow(link_of(consumer), &flow);
    if (flow.drain && flow.credit > 0) {
        amqpc_status status = amqpc_link_drained(link_of(consumer));
        assert(status == AMQPC_OK);
        (void)status;
        consumer_deactivate(consumer);
        broker_touch(consumer->terminus.connection);
    }
}

/* --- What it cannot have. */

bool consumer_exclude(broker_consumer *consumer, broker_message *message)
{
    const amqpc_allocator *allocator = &consumer->terminus.broker->allocator;
    size_t count = 0;
    for (message_exclusion **at = &message->exclusions; *at != NULL; at = &(*at)->next) {
        if (++count == EXCLUSION_MAX) {
            allocation_give_back(allocator, *at); /* the oldest; its consumer may get it again */
            *at = NULL;
            break;
        }
    }
    message_exclusion *made = (message_exclusion *)allocation_take(allocator, sizeof *made);
    if (made == NULL) {
        return false;
    }
    made->consumer_id = consumer->terminus.id;
    made->next = message->exclusions;
    message->exclusions = made;
    consumer->has_exclusions = true;
    begin_to_choose(consumer);
    return true;
}
