/* Memory for messages: blocks of a few sizes, cut from chunks, so that in steady state a
 * broker_message costs no malloc; and the limit of all of it. */
#ifndef AMQPCODEC_TOOLS_BROKER_MESSAGE_STORE_H
#define AMQPCODEC_TOOLS_BROKER_MESSAGE_STORE_H

#include <amqpcodec/allocator.h>

#include "tools/broker/message.h"

/* 128 bytes, and four sizes for each doubling up to 32 KiB. What is larger is a block of its own.
 */
enum { MESSAGE_CLASS_COUNT = 33, MESSAGE_BLOCK_MAX = 32768, MESSAGE_CHUNK_SIZE = 262144 };

/* partial  chunks with room, of each class; the first is used first
 * used_size  bytes of blocks in use
 * held_size  bytes taken from the allocator
 * limit      of used_size, in bytes, beyond which the store says that it is full */
typedef struct message_store {
    amqpc_allocator allocator;
    struct message_chunk *partial[MESSAGE_CLASS_COUNT];
    uint64_t used_size;
    uint64_t held_size;
    uint64_t limit;
} message_store;

void message_store_init(message_store *store, const amqpc_allocator *allocator, uint64_t limit);

/* All messages must have been given back. */
void message_store_clean_up(message_store *store);

/* A message without a payload yet, its members zero but for block_size and payload_size; NULL where
 * there is no memory. The limit is for the caller to keep. */
broker_message *message_store_take(message_store *store, size_t payload_size);

/* Gives it back, with its exclusions. It stands in no list. */
void message_store_give_back(message_store *store, broker_message *message);

/* Memory of other kinds, that counts here. */
void message_store_charge(message_store *store, uint64_t size);
void message_store_discharge(message_store *store, uint64_t size);

/* No more is to be taken in. Free blocks of other sizes may make the memory held larger than the
 * limit, but never more than twice as large. */
static inline bool message_store_is_full(const message_store *store)
{
    return store->used_size >= store->limit || store->held_size / 2 >= store->limit;
}

/* It was full, and has room again. */
static inline bool message_store_has_room(const message_store *store)
{
    return store->used_size < store->limit - store->limit / 8 &&
           store->held_size / 2 < store->limit - store->limit / 8;
}

#endif
