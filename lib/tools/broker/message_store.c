/* Memory for messages. */
#include "tools/broker/message_store.h"

#include <assert.h>
#include <string.h>

#include "tools/broker/allocation.h"

/* Blocks of one size, one behind the other.
 *
 * free   blocks that were used before, by their `next`
 * fresh  bytes from the start that were ever used */
typedef struct message_chunk {
    struct message_chunk *previous; /* of the chunks of its class that have room */
    struct message_chunk *next;
    broker_message *free;
    size_t fresh;
    uint32_t block_size;
    uint32_t used_count;
    uint32_t class_index;
    uint32_t is_partial;
} message_chunk;

enum { HEAD_SIZE = 64, SMALLEST = 128 };

static_assert(sizeof(message_chunk) <= HEAD_SIZE, "the head has room for what is in it");

/* Which class a block belongs to. Behind the smallest there are four to each power of two. */
static uint32_t class_of(size_t size, uint32_t *block_size)
{
    if (size <= SMALLEST) {
        *block_size = SMALLEST;
        return 0;
    }
    uint32_t last = (uint32_t)size - 1;
    uint32_t top = 31u - (uint32_t)__builtin_clz(last);
    uint32_t shift = top - 2;
    uint32_t quarter = last >> shift & 3;
    *block_size = (4 + quarter + 1) << shift;
    return 1 + (top - 7) * 4 + quarter;
}

static void join(message_store *store, message_chunk *chunk)
{
    message_chunk **first = &store->partial[chunk->class_index];
    chunk->previous = NULL;
    chunk->next = *first;
    if (*first != NULL) {
        (*first)->previous = chunk;
    }
    *first = chunk;
    chunk->is_partial = true;
}

static void leave(message_store *store, message_chunk *chunk)
{
    if (chunk->previous == NULL) {
        store->partial[chunk->class_index] = chunk->next;
    } else {
        chunk->previous->next = chunk->next;
    }
    if (chunk->next != NULL) {
        chunk->next->previous = chunk->previous;
    }
    chunk->is_partial = false;
}

void message_store_init(message_store *store, const amqpc_allocator *allocator, uint64_t limit)
{
    memset(store, 0, sizeof *store);
    store->allocator = *allocator;
    store->limit = limit;
}

void message_store_clean_up(message_store *store)
{
    for (uint32_t i = 0; i < MESSAGE_CLASS_COUNT; i++) {
        while (store->partial[i] != NULL) {
            message_chunk *chunk = store->partial[i];
            assert(chunk->used_count == 0);
            leave(store, chunk);
            allocation_give_back(&store->allocator, chunk);
            store->held_size -= MESSAGE_CHUNK_SIZE;
        }
    }
    assert(store->used_size == 0 && store->held_size == 0);
}

static message_chunk *new_chunk(message_store *store, uint32_t class_index, uint32_t block_size)
{
    message_chunk *chunk = (message_chunk *)allocation_take(&store->allocator, MESSAGE_CHUNK_SIZE);
    if (chunk == NULL) {
        return NULL;
    }
    memset(chunk, 0, sizeof *chunk);
    chunk->fresh = HEAD_SIZE;
    chunk->block_size = block_size;
    chunk->class_index = class_index;
    store->held_size += MESSAGE_CHUNK_SIZE;
    join(store, chunk);
    return chunk;
}

static broker_message *take_block(message_store *store, size_t size, uint32_t *block_size)
{
    uint32_t class_index = class_of(size, block_size);
    message_chunk *chunk = store->partial[class_index];
    if (chunk == NULL) {
        chunk = new_chunk(store, class_index, *block_size);
    }
    if (chunk == NULL) {
        return NULL;
    }
    broker_message *taken = chunk->free;
    if (taken != NULL) {
        chunk->free = taken->next;
    } else {
        taken = (broker_message *)(void *)((uint8_t *)chunk + chunk->fresh);
        chunk->fresh += chunk->block_size;
    }
    chunk->used_count++;
    if (chunk->free == NULL && MESSAGE_CHUNK_SIZE - chunk->fresh < chunk->block_size) {
        leave(store, chunk);
    }
    memset(taken, 0, sizeof *taken);
    taken->chunk = chunk;
    return taken;
}

broker_message *message_store_take(message_store *store, size_t payload_size)
{
    if (payload_size > UINT32_MAX - sizeof(broker_message)) {
        return NULL;
    }
    size_t size = sizeof(broker_message) + payload_size;
    uint32_t block_size = (uint32_t)size;
    broker_message *taken = NULL;
    if (size <= MESSAGE_BLOCK_MAX) {
        taken = take_block(store, size, &block_size);
    } else {
        taken = (broker_message *)allocation_take(&store->allocator, size);
        if (taken != NULL) {
            memset(taken, 0, sizeof *taken);
            store->held_size += size;
        }
    }
    if (taken != NULL) {
        taken->block_size = block_size;
        taken->payload_size = (uint32_t)payload_size;
        store->used_size += block_size;
    }
    return taken;
}

/* An empty chunk goes, where another of its class has room. */
static void give_block_back(message_store *store, message_chunk *chunk, broker_message *block)
{
    block->next = chunk->free;
    chunk->free = block;
    chunk->used_count--;
    if (!chunk->is_partial) {
        join(store, chunk);
    } else if (chunk->used_count == 0 && (chunk->previous != NULL || chunk->next != NULL)) {
        leave(store, chunk);
        store->held_size -= MESSAGE_CHUNK_SIZE;
        allocation_give_back(&store->allocator, chunk);
    }
}

void message_store_give_back(message_store *store, broker_message *message)
{
    while (message->exclusions != NULL) {
        message_exclusion *exclusion = message->exclusions;
        message->exclusions = exclusion->next;
        allocation_give_back(&store->allocator, exclusion);
    }
    store->used_size -= message->block_size;
    if (message->chunk != NULL) {
        give_block_back(store, message->chunk, message);
        return;
    }
    store->held_size -= message->block_size;
    allocation_give_back(&store->allocator, message);
}

void message_store_charge(message_store *store, uint64_t size)
{
    store->used_size += size;
    store->held_size += size;
}

void message_store_discharge(message_store *store, uint64_t size)
{
    store->used_size -= size;
    store->held_size -= size;
}
