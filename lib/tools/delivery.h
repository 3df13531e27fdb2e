/* Deliveries that are spread over several transfer frames: the payloads of each are put together
 * (AMQP 2.6.14). */
#ifndef AMQPCODEC_TOOLS_DELIVERY_H
#define AMQPCODEC_TOOLS_DELIVERY_H

#include <stdbool.h>

#include "tools/window.h"

/* Where a frame's payload lies: in the delivery from `start` on, in the stream from `offset` on. */
typedef struct delivery_part {
    size_t start;
    uint64_t offset;
} delivery_part;

/* One delivery of which not all frames were seen.
 *
 * message_format  of its first frame
 * too_large       bytes beyond the limit were not kept */
typedef struct delivery {
    struct delivery *next;
    uint16_t channel;
    uint32_t handle;
    bool has_id;
    bool too_large;
    uint32_t id;
    uint32_t message_format;
    window bytes;
    delivery_part *parts;
    size_t part_count;
    size_t part_capacity;
} delivery;

enum { DELIVERY_BUCKET_COUNT = 256 };

/* The deliveries of one direction, by channel and handle, of which a link has one at a time. All
 * zero is empty. */
typedef struct delivery_table {
    delivery *buckets[DELIVERY_BUCKET_COUNT];
} delivery_table;

void delivery_table_free(delivery_table *table);

/* The delivery under way, or NULL. */
delivery *delivery_find(const delivery_table *table, uint16_t channel, uint32_t handle);

/* A new one; there must be none for the link. */
delivery *delivery_add(delivery_table *table, uint16_t channel, uint32_t handle);

/* Appends a payload that lies at `offset` in the stream, if no more than `size_max` bytes come
 * together. */
void delivery_append(delivery *incomplete, const void *data, size_t size, uint64_t offset,
                     size_t size_max);

/* The place in the stream of a byte of the delivery. */
uint64_t delivery_stream_offset(const delivery *incomplete, size_t offset);

/* Forgets the delivery of a link, if there is one. */
void delivery_drop(delivery_table *table, uint16_t channel, uint32_t handle);

/* Forgets the deliveries of all links of a channel. */
void delivery_drop_channel(delivery_table *table, uint16_t channel);

#endif
