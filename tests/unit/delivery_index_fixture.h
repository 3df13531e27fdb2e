/* What the tests of the index of deliveries share. */
#ifndef TESTS_UNIT_DELIVERY_INDEX_FIXTURE_H
#define TESTS_UNIT_DELIVERY_INDEX_FIXTURE_H

#include "engine/delivery_index.h"

typedef struct test_delivery {
    uint32_t id;
    bool live;
    unsigned moved; /* how often it became a straggler */
} test_delivery;

/* An amqpci_became_straggler: counts at *context, an unsigned, and in the delivery. */
void count_move(void *context, void *delivery);

amqpci_delivery_index make_index(uint32_t next);

/* Adds a delivery by the C library's allocator, which has to succeed. */
void add_delivery(amqpci_delivery_index *index, uint32_t id, void *delivery);

/* Adds `count` deliveries, each after a gap that makes the one before it a straggler. */
void add_stragglers(amqpci_delivery_index *index, test_delivery *deliveries, uint32_t count);

void clean_up_index(amqpci_delivery_index *index);

#endif
