/* Queues: messages in order, and who takes them. */
#ifndef AMQPCODEC_TOOLS_BROKER_QUEUE_H
#define AMQPCODEC_TOOLS_BROKER_QUEUE_H

#include "tools/broker/consumer.h"
#include "tools/broker/message.h"
#include "tools/broker/message_glance.h"
#include "tools/broker/producer.h"
#include "tools/broker/statistics.h"

/* When a dynamic node goes (AMQP 3.5.10 to 3.5.13). */
typedef enum queue_lifetime {
    QUEUE_STAYS = 0, /* it is no dynamic node */
    QUEUE_UNTIL_CLOSE = 1,
    QUEUE_UNTIL_NO_LINKS = 2,
    QUEUE_UNTIL_NO_MESSAGES = 3,
    QUEUE_UNTIL_NO_LINKS_OR_MESSAGES = 4
} queue_lifetime;

/* One queue.
 *
 * ready          messages that wait, in the order of their sequence
 * requeued       one of them that came back: the next that comes back is looked for from there
 * size           bytes of the store that its messages take, those included that consumers have
 * turn           the consumer whose turn it is, in the ring of those that could take a
 * broker_message next_expiry_ms when the first message expires; UINT64_MAX for never next_due of
 * the dynamic nodes whose lifetime is to be looked at has_creator    the link for which a dynamic
 * node was made is still there */
typedef struct broker_queue {
    struct broker_queue *next_of_name;
    struct broker_queue *previous;
    struct broker_queue *next;
    struct broker *broker;
    amqpc_bytes name;
    message_list ready;
    broker_message *requeued;
    broker_consumer *turn;
    broker_consumer *first_consumer;
    broker_producer *first_producer;
    uint64_t next_sequence;
    uint64_t size;
    uint64_t ready_count;
    uint64_t unsettled_count;
    uint64_t next_expiry_ms;
    uint32_t active_count;
    uint32_t choosing_count;
    uint32_t consumer_count;
    uint32_t producer_count;
    uint8_t lifetime; /* queue_lifetime */
    bool is_due;
    bool has_creator;
    struct broker_queue *next_due;
    message_counts counts;
} broker_queue;

/* All queues, by name. */
typedef struct queue_table {
    broker_queue **chains;
    size_t capacity;
    size_t count;
    broker_queue *first;
    broker_queue *last;
    broker_queue *first_due;
    uint64_t last_dynamic;
} queue_table;

/* --- queue_table.c */

void queue_table_clean_up(struct broker *broker);

broker_queue *queue_find(const struct broker *broker, amqpc_bytes name);

/* The queue of the name, made where there is none. NULL where there are too many, or no memory. */
broker_queue *queue_of_name(struct broker *broker, amqpc_bytes name);

/* A dynamic node. NULL as above. */
broker_queue *queue_new_dynamic(struct broker *broker, queue_lifetime lifetime);

/* A name that only queue_new_dynamic gives. */
bool queue_name_is_dynamic(amqpc_bytes name);

/* Deletes it: its messages are dropped, its links detached with amqp:resource-deleted. */
void queue_delete(broker_queue *queue);

/* A link or a message of it is gone: a dynamic node may go with it, after the round. */
void queue_note_lifetime(broker_queue *queue);

/* Deletes dynamic nodes whose time has come. */
void queue_table_check(struct broker *broker);

/* --- queue.c */

/* Puts a message, copied, at the end. Returns false where there is no memory. */
bool queue_add(broker_queue *queue, amqpc_bytes payload, uint32_t format,
               const message_glance *glance);

/* Gives messages to consumers, in turn, as long as one of them takes one. */
void queue_dispatch(broker_queue *queue);

/* Nothing waits before a message that arrives, and the consumer whose turn it is settles. */
static inline bool queue_may_forward(const broker_queue *queue)
{
    return queue->turn != NULL && queue->ready.first == NULL && queue->choosing_count == 0 &&
           queue->turn->settles;
}

/* Sends messages that have just arrived to consumers, where they need not be kept. Returns how many
 * of them went. */
size_t queue_forward(broker_queue *queue, const amqpc_bytes *payloads, size_t count);

/* A message that is ready leaves the queue, to stand elsewhere or to be freed. */
void queue_take_out(broker_queue *queue, broker_message *message);

/* A message that a consumer had comes back to its place. */
void queue_put_back(broker_queue *queue, broker_message *returned);

/* Frees a message that stands in no list. */
void queue_free_message(broker_queue *queue, broker_message *message);

/* Whether the time of a message, in milliseconds since 1970, is over. */
bool queue_is_over(const struct broker *broker, int64_t absolute_expiry);

/* Drops messages whose time is over. */
void queue_expire(broker_queue *queue);

bool queue_is_full(const broker_queue *queue);
bool queue_has_room(const broker_queue *queue);

#endif
