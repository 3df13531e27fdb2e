/* Producers: links by which messages come into queues, or through the anonymous relay. */
#ifndef AMQPCODEC_TOOLS_BROKER_PRODUCER_H
#define AMQPCODEC_TOOLS_BROKER_PRODUCER_H

#include "tools/broker/terminus.h"

/* One producer.
 *
 * recent_size  payload of a recent large message, in bytes: by it credit is measured where room is
 *              scarce
 * settles      all that it sends is settled
 * is_held      it has no credit, or messages of it wait unread, because there is no room
 * waits_until_ms  it has no credit, or messages of it wait unread, because consumers have not taken
 *              what it sent: until then, of the broker's clock; 0 where it does not wait
 * is_impatient for once it does not wait for consumers
 * sent_before  what its queue had sent to consumers when it began to wait
 * received     deliveries that were taken from the engine, as its delivery-count counts them */
typedef struct broker_producer {
    broker_terminus terminus;
    struct broker_producer *next_of_queue;
    struct broker_producer *previous_of_queue;
    struct broker_producer *next_held;
    struct broker_producer *next_waiting;
    uint64_t waits_until_ms;
    uint64_t sent_before;
    uint32_t recent_size;
    uint32_t received;
    bool settles;
    bool is_held;
    bool is_impatient;
} broker_producer;

/* Its link is attached, in the way that the peer's attach says. */
void producer_attached(broker_producer *producer, const amqpc_attach *attach);

void producer_join(broker_producer *producer);
void producer_leave(broker_producer *producer);

/* Takes what has arrived, as far as there is room.
 *
 * all  takes everything: the link is detached, and what is settled would be lost */
void producer_receive(broker_producer *producer, bool all);

/* What an amqpc_event_type of its link asks for. */
void producer_handle(broker_producer *producer, uint32_t event_type);

/* --- producer_credit.c */

/* How long a producer waits for consumers that do not keep up. */
enum { PRODUCER_PATIENCE_MS = 10 };

/* Gives credit up to what there is room for, and the consumers have taken. */
void producer_give_credit(broker_producer *producer);

/* There is no room for what it sends. */
bool producer_is_full(const broker_producer *producer);

/* It goes on when there is room again. */
void producer_hold(broker_producer *producer);

/* What it sends is left with the engine, because no consumer can take it now. */
bool producer_waits(const broker_producer *producer);

/* So many deliveries were taken from the engine; is_all: no more are there. */
void producer_note_received(broker_producer *producer, size_t count, bool is_all);

/* It waits neither for room nor for consumers any more. */
void producer_wait_no_more(broker_producer *producer);

/* Those that were held go on, where there is room again. */
void producer_retry_held(struct broker *broker);

/* Those that wait for consumers go on, where these have taken something, or patience is at an end.
 *
 * queue  only those of that queue; NULL for all */
void producer_retry_waiting(struct broker *broker, const struct broker_queue *queue);

#endif
