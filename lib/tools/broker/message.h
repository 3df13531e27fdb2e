/* Messages that the broker holds, and lists of them. */
#ifndef AMQPCODEC_TOOLS_BROKER_MESSAGE_H
#define AMQPCODEC_TOOLS_BROKER_MESSAGE_H

#include <amqpcodec/value.h>
#include <stdbool.h>
#include <stdint.h>

struct broker_consumer;
struct message_chunk;
struct broker_queue;

/* Bits of message.flags. */
enum {
    MESSAGE_HAS_TTL = 1u << 0,        /* its header has a ttl, which is less when it goes out */
    MESSAGE_FIRST_ACQUIRER = 1u << 1, /* its header says so */
    MESSAGE_ACQUIRED = 1u << 2,       /* it was sent to a consumer before */
    MESSAGE_FAILED = 1u << 3          /* its delivery-count is more than its header says */
};

/* A consumer that said of the message that it is undeliverable here (AMQP 3.4.5). */
typedef struct message_exclusion {
    struct message_exclusion *next;
    uint64_t consumer_id;
} message_exclusion;

/* One message.
 *
 * previous, next  in the list where it stands: of its queue while it waits, of a consumer while
 *                 that has not settled it
 * chunk           the store's; NULL where it is a block of its own
 * sequence        of its arrival in the queue, which is the order of the broker_queue
 * expiry_ms       of the broker's clock; 0 for never
 * block_size      what it takes of the store
 * header_size     bytes at the start of the payload that are its header section; 0 without
 * delivery_count  failed attempts to deliver, those included that its header told of */
typedef struct broker_message {
    struct broker_message *previous;
    struct broker_message *next;
    struct message_chunk *chunk;
    struct broker_queue *queue;
    struct broker_consumer *consumer;
    message_exclusion *exclusions;
    uint64_t sequence;
    uint64_t expiry_ms;
    uint32_t block_size;
    uint32_t payload_size;
    uint32_t header_size;
    uint32_t format;
    uint32_t delivery_count;
    uint32_t flags;
    uint8_t payload[];
} broker_message;

typedef struct message_list {
    broker_message *first;
    broker_message *last;
} message_list;

static inline amqpc_bytes message_payload(const broker_message *message)
{
    return (amqpc_bytes){message->payload, message->payload_size};
}

static inline void message_list_append(message_list *list, broker_message *message)
{
    message->next = NULL;
    message->previous = list->last;
    if (list->last == NULL) {
        list->first = message;
    } else {
        list->last->next = message;
    }
    list->last = message;
}

/* before: NULL for the start of the list */
static inline void message_list_insert_behind(message_list *list, broker_message *before,
                                              broker_message *message)
{
    message->previous = before;
    message->next = before == NULL ? list->first : before->next;
    if (before == NULL) {
        list->first = message;
    } else {
        before->next = message;
    }
    if (message->next == NULL) {
        list->last = message;
    } else {
        message->next->previous = message;
    }
}

static inline void message_list_remove(message_list *list, broker_message *message)
{
    if (message->previous == NULL) {
        list->first = message->next;
    } else {
        message->previous->next = message->next;
    }
    if (message->next == NULL) {
        list->last = message->previous;
    } else {
        message->next->previous = message->previous;
    }
}

#endif
