/* Deliveries over several frames: a hash table of chains. */
#include "tools/delivery.h"

#include <stdlib.h>

#include "tools/report.h"

static size_t bucket_index(uint16_t channel, uint32_t handle)
{
    return (handle + channel * 31u) % DELIVERY_BUCKET_COUNT;
}

static void delivery_free(delivery *complete)
{
    window_free(&complete->bytes);
    free(complete->parts);
    free(complete);
}

void delivery_table_free(delivery_table *table)
{
    for (size_t i = 0; i < DELIVERY_BUCKET_COUNT; i++) {
        while (table->buckets[i] != NULL) {
            delivery *first = table->buckets[i];
            table->buckets[i] = first->next;
            delivery_free(first);
        }
    }
}

delivery *delivery_find(const delivery_table *table, uint16_t channel, uint32_t handle)
{
    delivery *found = table->buckets[bucket_index(channel, handle)];
    while (found != NULL && (found->channel != channel || found->handle != handle)) {
        found = found->next;
    }
    return found;
}

delivery *delivery_add(delivery_table *table, uint16_t channel, uint32_t handle)
{
    delivery **bucket = &table->buckets[bucket_index(channel, handle)];
    delivery *added = (delivery *)reallocate(NULL, sizeof *added);
    *added = (delivery){.next = *bucket, .channel = channel, .handle = handle};
    *bucket = added;
    return added;
}

void delivery_append(delivery *incomplete, const void *data, size_t size, uint64_t offset,
                     size_t size_max)
{
    if (incomplete->part_count == incomplete->part_capacity) {
        incomplete->part_capacity = incomplete->part_capacity * 2 + 8;
        incomplete->parts = (delivery_part *)reallocate(
            incomplete->parts, incomplete->part_capacity * sizeof *incomplete->parts);
    }
    size_t held = window_size(&incomplete->bytes);
    incomplete->parts[incomplete->part_count++] = (delivery_part){held, offset};
    incomplete->too_large = incomplete->too_large || size > size_max - held;
    if (!incomplete->too_large) {
        window_append(&incomplete->bytes, data, size);
    }
}

uint64_t delivery_stream_offset(const delivery *incomplete, size_t offset)
{
    size_t i = incomplete->part_count - 1;
    while (i > 0 && incomplete->parts[i].start > offset) {
        i--;
    }
    return incomplete->parts[i].offset + (offset - incomplete->parts[i].start);
}

void delivery_drop(delivery_table *table, uint16_t channel, uint32_t handle)
{
    delivery **link = &table->buckets[bucket_index(channel, handle)];
    while (*link != NULL) {
        delivery *present = *link;
        if (present->channel == channel && present->handle == handle) {
            *link = present->next;
            delivery_free(present);
            return;
        }
        link = &present->next;
    }
}

static void drop_chain_of_channel(delivery **link, uint16_t channel)
{
    while (*link != NULL) {
        delivery *present = *link;
        if (present->channel == channel) {
            *link = present->next;
            delivery_free(present);
        } else {
            link = &present->next;
        }
    }
}

void delivery_drop_channel(delivery_table *table, uint16_t channel)
{
    for (size_t i = 0; i < DELIVERY_BUCKET_COUNT; i++) {
        drop_chain_of_channel(&table->buckets[i], channel);
    }
}
