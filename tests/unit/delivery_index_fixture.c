/* What the tests of the index of deliveries share. */
#include "delivery_index_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"

void count_move(void *context, void *delivery)
{
    (*(unsigned *)context)++;
    ((test_delivery *)delivery)->moved++;
}

amqpci_delivery_index make_index(uint32_t next)
{
    amqpci_delivery_index index;
    amqpci_delivery_index_init(&index, next);
    return index;
}

void add_delivery(amqpci_delivery_index *index, uint32_t id, void *delivery)
{
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    assert_int_equal(amqpci_delivery_index_add(index, &allocator, id, delivery, NULL, NULL),
                     AMQPC_OK);
    assert_int_equal(index->next, amqpci_serial_add(id, 1));
}

void add_stragglers(amqpci_delivery_index *index, test_delivery *deliveries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        deliveries[i] = (test_delivery){.id = amqpci_serial_add(index->next, 1000), .live = true};
        add_delivery(index, deliveries[i].id, &deliveries[i]);
    }
    assert_int_equal(index->straggler_count, count - 1);
}

void clean_up_index(amqpci_delivery_index *index)
{
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_delivery_index_clean_up(index, &allocator);
}
