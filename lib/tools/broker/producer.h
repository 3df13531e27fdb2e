/* Producers: links by which messages come into queues, or through the anonymous relay. */
#ifndef AMQPCODEC_TOOLS_BROKER_PRODUCER_H
#define AMQPCODEC_TOOLS_BROKER_PRODUCER_H

#include "tools/broker/terminus.h"

/* One producer.
 *
 * recent_size  payload of a recent large message, in bytes: by it credit is measured where room is
 *              scarce
 * is_held      it has no credit, or messages of it wait unread, because there is no room */
typedef struct broker_producer {
    broker_terminus terminus;
    struct broker_producer *next_of_queue;
    struct broker_producer *previous_of_queue;
    struct broker_producer *next_held;
    uint32_t recent_size;
    bool is_held;
} broker_producer;

void producer_join(broker_producer *producer);
void producer_leave(broker_producer *producer);

/* Takes what has arrived, as far as there is room.
 *
 * all  takes everything: the link is detached, and what is settled would be lost */
void producer_receive(broker_producer *producer, bool all);

/* What an amqpc_event_type of its link asks for. */
void producer_handle(broker_producer *producer, uint32_t event_type);

/* Gives credit up to what there is room for. */
void producer_give_credit(broker_producer *producer);

/* Those that were held go on, where there is room again. */
void producer_retry_held(struct broker *broker);

#endif
