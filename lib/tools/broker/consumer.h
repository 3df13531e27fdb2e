/* Consumers: links by which messages leave a queue. */
#ifndef AMQPCODEC_TOOLS_BROKER_CONSUMER_H
#define AMQPCODEC_TOOLS_BROKER_CONSUMER_H

#include "tools/broker/broker_selector.h"
#include "tools/broker/message.h"
#include "tools/broker/terminus.h"

/* What becomes of a message that comes back without an outcome (AMQP 3.5.3: default-outcome). */
typedef enum consumer_default {
    DEFAULT_FAILED = 0, /* it is delivered again, as a failed attempt */
    DEFAULT_RELEASED = 1,
    DEFAULT_ACCEPTED = 2,
    DEFAULT_REJECTED = 3
} consumer_default;

/* One consumer.
 *
 * next_turn, previous_turn  of the ring of those that could take a message: their credit is not
 *                           used up, and for those that choose, there is something to look at
 * cursor                    of one that chooses: the next message to look at; NULL for none
 * unsettled                 messages that it has not settled
 * chooses                   it takes not just the first message: it has a selector, browses, or has
 *                           said of a message that it is undeliverable
 * browses                   it gets copies (AMQP 3.5.7: copy)
 * settles                   its messages are settled when they are sent */
typedef struct broker_consumer {
    broker_terminus terminus;
    struct broker_consumer *next_of_queue;
    struct broker_consumer *previous_of_queue;
    struct broker_consumer *next_turn;
    struct broker_consumer *previous_turn;
    struct broker_consumer *next_blocked;
    broker_selector *selector;
    broker_message *cursor;
    message_list unsettled;
    uint32_t unsettled_count;
    bool is_active;
    bool is_blocked;
    bool chooses;
    bool browses;
    bool settles;
    bool has_exclusions;     /* there are messages that it is not given */
    uint8_t default_outcome; /* consumer_default */
} broker_consumer;

/* The source of the attach says how it consumes. The selector is taken. */
void consumer_configure(broker_consumer *consumer, const amqpc_attach *attach,
                        const amqpc_source *source, broker_selector *selector);

/* Joins, or leaves, the queue of its terminus. */
void consumer_join(broker_consumer *consumer);
void consumer_leave(broker_consumer *consumer);

/* There may be credit, or room for output: it takes its turn again. */
void consumer_activate(broker_consumer *consumer);
void consumer_deactivate(broker_consumer *consumer);

/* The next message that it wants, of those that wait; NULL for none. */
broker_message *consumer_next(broker_consumer *consumer);

/* Sends a message that waits in the queue. Returns false where it cannot be sent now, and the
 * consumer has lost its turn. */
bool consumer_send(broker_consumer *consumer, broker_message *message);

/* Sends messages as they arrived, from first to last, to a consumer that settles. Returns how many
 * went; where not all, the consumer has lost its turn. */
size_t consumer_forward(broker_consumer *consumer, const amqpc_bytes *payloads, size_t count);

/* The peer's flow: credit, or drain. */
void consumer_take_flow(broker_consumer *consumer);

/* Outcomes came: what was unsettled may have kept it from its turn. */
void consumer_resume_turn(broker_consumer *consumer);

/* Answers drain where nothing is left for the consumer. */
void consumer_check_drain(broker_consumer *consumer);

/* The message is not given to this consumer again. Returns false where there is no memory for that.
 */
bool consumer_exclude(broker_consumer *consumer, broker_message *message);

/* --- consumer_outcome.c */

/* What the peer said of messages. */
void consumer_take_updates(broker_consumer *consumer);

/* All that is not settled goes back to the queue. */
void consumer_return_all(broker_consumer *consumer);

/* Tries those again that could not send, because too much output waited. */
void consumer_retry_blocked(struct broker *broker);

#endif
