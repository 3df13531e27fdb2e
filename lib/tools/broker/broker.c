/* The broker as a whole: its making, its rounds, its end. */
#include "tools/broker/broker.h"

#include <string.h>

#include "tools/broker/allocation.h"

enum {
    SWEEP_MS = 100, /* how often the time of messages is looked at */
    RETRY_MS = 100 /* how soon consumers are tried again that had no memory; of output that has gone
                      out the poller tells */
};

void broker_options_init(broker_options *options)
{
    *options = (broker_options){
        .memory = (uint64_t)1 << 30,
        .queue_memory = (uint64_t)256 << 20,
        .message_size = (uint64_t)64 << 20,
        .credit = 4096,
        .queues = 10000,
        .links = 100000,
        .idle_timeout_ms = 120000,
        .container_id = {"amqpcodec-broker", 16},
        .allow_plain_cleartext = true,
    };
}

amqpc_error broker_error(const char *condition, const char *description)
{
    return (amqpc_error){
        .present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
        .condition = {condition, strlen(condition)},
        .description = {description, strlen(description)},
    };
}

struct broker *broker_new(const broker_options *options)
{
    const amqpc_allocator *allocator =
        options->allocator == NULL ? &allocation_malloc : options->allocator;
    struct broker *made = (struct broker *)allocation_take_zeroed(allocator, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->options = *options;
    made->allocator = *allocator;
    made->sweep_due_ms = UINT64_MAX;
    made->termini.next_expiry_ms = UINT64_MAX;
    message_store_init(&made->store, allocator, options->memory);
    return made;
}

void broker_free(struct broker *broker)
{
    if (broker == NULL) {
        return;
    }
    while (broker->first_connection != NULL) {
        broker_remove(broker->first_connection);
    }
    terminus_table_clean_up(broker);
    queue_table_clean_up(broker);
    message_store_clean_up(&broker->store);
    broker_users_clean_up(&broker->users, &broker->allocator);
    amqpc_allocator allocator = broker->allocator;
    allocation_give_back(&allocator, broker);
}

/* --- Rounds. */

void broker_set_time(struct broker *broker, uint64_t now_ms, int64_t wall_ms)
{
    broker->now_ms = now_ms;
    broker->wall_ms = wall_ms;
}

/* Drops what is too old. Gives when there is more to do, in milliseconds of the clock. */
static uint64_t sweep(struct broker *broker)
{
    uint64_t next_ms = UINT64_MAX;
    for (broker_queue *at = broker->queues.first; at != NULL; at = at->next) {
        queue_expire(at);
        next_ms = at->next_expiry_ms < next_ms ? at->next_expiry_ms : next_ms;
    }
    terminus_table_expire(broker);
    return next_ms;
}

/* When the time of a message or a terminus is over. */
static uint64_t next_expiry(const struct broker *broker)
{
    uint64_t termini_ms = broker->termini.next_expiry_ms;
    return termini_ms < broker->sweep_due_ms ? termini_ms : broker->sweep_due_ms;
}

/* How long the owner may wait. */
static int64_t patience(const struct broker *broker)
{
    uint64_t now_ms = broker->now_ms;
    uint64_t next_ms = next_expiry(broker);
    if (broker->first_waiting != NULL) {
        return PRODUCER_PATIENCE_MS;
    }
    if (broker->first_blocked != NULL) {
        return RETRY_MS;
    }
    if (next_ms == UINT64_MAX) {
        return -1;
    }
    uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    return wait_ms < SWEEP_MS ? SWEEP_MS : (int64_t)(wait_ms & INT64_MAX);
}

int64_t broker_end_round(struct broker *broker)
{
    if (broker->now_ms >= broker->next_sweep_ms && next_expiry(broker) <= broker->now_ms) {
        broker->sweep_due_ms = sweep(broker);
        broker->next_sweep_ms = broker->now_ms + SWEEP_MS;
    }
    producer_retry_held(broker);
    consumer_retry_blocked(broker);
    producer_retry_waiting(broker, NULL);
    queue_table_check(broker);
    return patience(broker);
}

broker_connection *broker_next_dirty(struct broker *broker)
{
    broker_connection *dirty = broker->first_dirty;
    if (dirty != NULL) {
        broker->first_dirty = dirty->next_dirty;
        dirty->is_dirty = false;
    }
    return dirty;
}

/* --- The end. */

void broker_stop(struct broker *broker)
{
    broker->is_stopping = true;
    for (broker_connection *at = broker->first_connection; at != NULL; at = at->next) {
        for (broker_terminus *link = at->first_terminus; link != NULL; link = link->next) {
            if (link->role == AMQPC_ROLE_RECEIVER && link->link != NULL) {
                amqpc_status status = amqpc_link_withdraw_credit(link->link);
                (void)status; /* it is a receiver */
            }
        }
        broker_touch(at);
    }
}

static bool waits(const broker_consumer *consumer)
{
    amqpc_link_flow flow;
    if (consumer->terminus.link == NULL) {
        return false;
    }
    amqpc_link_get_flow(consumer->terminus.link, &flow);
    return consumer->is_blocked || consumer->unsettled_count > 0 ||
           (flow.credit > 0 && consumer->is_active &&
            consumer->terminus.queue->ready.first != NULL);
}

bool broker_is_drained(const struct broker *broker)
{
    for (const broker_queue *queue = broker->queues.first; queue != NULL; queue = queue->next) {
        for (const broker_consumer *at = queue->first_consumer; at != NULL;
             at = at->next_of_queue) {
            if (waits(at)) {
                return false;
            }
        }
    }
    for (const broker_connection *at = broker->first_connection; at != NULL; at = at->next) {
        amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
        amqpc_connection_get_statistics(at->connection, &statistics);
        if (statistics.output_size > 0) {
            return false;
        }
    }
    return true;
}

void broker_close_all(struct broker *broker)
{
    const amqpc_error error = broker_error("amqp:connection:forced", "the broker is stopping");
    for (broker_connection *at = broker->first_connection; at != NULL; at = at->next) {
        amqpc_status status = amqpc_connection_close(at->connection, &error);
        (void)status; /* what is not open yet is just shut */
        broker_touch(at);
    }
}
