/* The index of deliveries: stragglers, ranges, gaps and ids that come round. */
#include "delivery_index_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"

static void test_row_59_ids_wrap(void **state)
{
    (void)state;
    static test_delivery deliveries[200];
    amqpci_delivery_index index = make_index(UINT32_MAX - 99);
    for (uint32_t i = 0; i < 200; i++) {
        add_delivery(&index, amqpci_serial_add(UINT32_MAX - 99, i), &deliveries[i]);
    }
    assert_int_equal(index.next, 100);
    assert_ptr_equal(amqpci_delivery_index_get(&index, UINT32_MAX), &deliveries[99]);
    assert_ptr_equal(amqpci_delivery_index_get(&index, 0), &deliveries[100]);
    uint32_t id = UINT32_MAX - 1;
    size_t found = 0;
    /* cppcheck-suppress arrayIndexOutOfBoundsCond ; the assertion above ends the test */
    while (found < 200 && amqpci_delivery_index_next(&index, &id, 2) == &deliveries[98 + found]) {
        id = amqpci_serial_add(id, 1);
        found++;
    }
    assert_int_equal(found, 5);
    clean_up_index(&index);
}

static void test_one_old_delivery_costs_nothing(void **state)
{
    (void)state;
    enum { LATER = 1000000, WINDOW = 50 };
    static test_delivery later[WINDOW];
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_delivery_index index = make_index(UINT32_MAX - LATER / 2);
    uint32_t oldest = index.next;
    test_delivery old = {.id = oldest};
    unsigned moved = 0;
    add_delivery(&index, oldest, &old);
    for (uint32_t i = 0; i < LATER; i++) {
        uint32_t id = index.next;
        later[i % WINDOW] = (test_delivery){.id = id};
        assert_int_equal(amqpci_delivery_index_add(&index, &allocator, id, &later[i % WINDOW],
                                                   count_move, &moved),
                         AMQPC_OK);
        if (i + 1 >= WINDOW) {
            assert_ptr_equal(amqpci_delivery_index_remove(
                                 &index, amqpci_serial_add(id, UINT32_MAX - WINDOW + 2)),
                             &later[(i + 1) % WINDOW]);
        }
        assert_in_range(index.capacity, 64, 256);
    }
    assert_int_equal(amqpci_delivery_index_count(&index), WINDOW);
    assert_int_equal(moved, 1);
    assert_int_equal(old.moved, 1);
    assert_ptr_equal(amqpci_delivery_index_remove(&index, oldest), &old);
    clean_up_index(&index);
}

static void test_deliveries_settled_in_order_never_become_stragglers(void **state)
{
    (void)state;
    enum { WINDOW = 1000 };
    static test_delivery delivery;
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_delivery_index index = make_index(7);
    unsigned moved = 0;
    for (uint32_t i = 0; i < 100 * WINDOW; i++) {
        assert_int_equal(amqpci_delivery_index_add(&index, &allocator, index.next, &delivery,
                                                   count_move, &moved),
                         AMQPC_OK);
        if (i >= WINDOW) {
            assert_non_null(amqpci_delivery_index_remove(&index, 7 + i - WINDOW));
        }
    }
    assert_int_equal(moved, 0);
    assert_int_equal(index.capacity, 1024);
    clean_up_index(&index);
}

static void test_each_delivery_becomes_a_straggler_once(void **state)
{
    (void)state;
    enum { EVERY = 10, COUNT = 500 };
    static test_delivery kept[COUNT];
    test_delivery settled = {0};
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_delivery_index index = make_index(0);
    unsigned moved = 0;
    for (uint32_t i = 0; i < EVERY * COUNT; i++) {
        bool keep = i % EVERY == 0;
        test_delivery *delivery = keep ? &kept[i / EVERY] : &settled;
        assert_int_equal(
            amqpci_delivery_index_add(&index, &allocator, i, delivery, count_move, &moved),
            AMQPC_OK);
        if (!keep) {
            assert_ptr_equal(amqpci_delivery_index_remove(&index, i), &settled);
        }
    }
    assert_int_equal(index.capacity, 64);
    assert_int_equal(index.straggler_count, moved);
    assert_true(moved >= COUNT - 64 / EVERY - 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(kept[i].moved, i < moved ? 1 : 0);
        assert_ptr_equal(amqpci_delivery_index_get(&index, i * EVERY), &kept[i]);
    }
    assert_int_equal(settled.moved, 0);
    clean_up_index(&index);
}

static void test_a_gap_costs_what_is_live_and_not_its_width(void **state)
{
    (void)state;
    enum { ROUNDS = 100000, GAP = INT32_MAX - 1 };
    test_delivery old = {0};
    test_delivery delivery = {0};
    amqpci_delivery_index index = make_index(100);
    add_delivery(&index, 100, &old);
    uint32_t id = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        id = amqpci_serial_add(index.next, GAP);
        add_delivery(&index, id, &delivery);
        assert_ptr_equal(amqpci_delivery_index_get(&index, 100), &old);
        assert_ptr_equal(amqpci_delivery_index_remove(&index, id), &delivery);
        assert_int_equal(index.capacity, 64);
    }
    assert_int_equal(index.straggler_capacity, 16);
    clean_up_index(&index);
}

/* A disposition over as much as one can name, which takes place by the million. */
static void test_row_60_a_wide_range_costs_what_is_in_it(void **state)
{
    (void)state;
    enum { RECENT = 10000, TIMES = 100000 };
    static test_delivery recent[RECENT];
    test_delivery old = {0};
    amqpci_delivery_index index = make_index(0);
    add_delivery(&index, 0, &old);
    for (uint32_t i = 0; i < RECENT; i++) {
        add_delivery(&index, 1000000000 + i, &recent[i]);
    }
    assert_int_equal(index.straggler_count, 1);
    uint32_t calls = 0;
    uint32_t id = 0;
    while (amqpci_delivery_index_next(&index, &id, INT32_MAX) == &recent[calls]) {
        id++;
        calls++;
        if (calls == RECENT) {
            break;
        }
    }
    assert_int_equal(calls, RECENT);
    assert_null(amqpci_delivery_index_next(&index, &id, INT32_MAX));
    uint32_t place = 0;
    assert_ptr_equal(amqpci_delivery_index_next_straggler(&index, &place, &id), &old);
    assert_int_equal(id, 0);
    assert_null(amqpci_delivery_index_next_straggler(&index, &place, &id));
    assert_null(amqpci_delivery_index_next_straggler(&index, &place, &id));
    for (uint32_t i = 0; i < RECENT - 1; i++) {
        assert_non_null(amqpci_delivery_index_remove(&index, 1000000000 + i));
    }
    for (uint32_t i = 0; i < TIMES; i++) {
        id = 0;
        assert_ptr_equal(amqpci_delivery_index_next(&index, &id, INT32_MAX), &recent[RECENT - 1]);
        assert_int_equal(id, 1000000000 + RECENT - 1);
        id = (uint32_t)INT32_MAX + 1;
        assert_null(amqpci_delivery_index_next(&index, &id, UINT32_MAX));
    }
    clean_up_index(&index);
}

static void test_row_60_a_range_is_clipped_and_a_reversed_one_is_empty(void **state)
{
    (void)state;
    static test_delivery deliveries[100];
    amqpci_delivery_index index = make_index(1000);
    uint32_t id = 0;
    assert_null(amqpci_delivery_index_next(&index, &id, INT32_MAX));
    for (uint32_t i = 0; i < 100; i++) {
        add_delivery(&index, 1000 + i, &deliveries[i]);
    }
    static const struct {
        uint32_t first, last;
        uint32_t found; /* 0 for none */
    } ranges[] = {
        {1000, 1000, 1000},
        {1099, 1099, 1099},
        {999, 999, 0},
        {1100, 1100, 0},
        {0, 999, 0},
        {0, 1000, 1000},
        {1099, 1200, 1099},
        {1100, 1100 + (uint32_t)INT32_MAX, 0},
        {1063, 1064, 1063},
        {1050, 1049, 0},
        {1099, 1000, 0},
        {UINT32_MAX - 5, 1000, 1000},
        {0, UINT32_MAX, 0},
        {1050, 1049 + (uint32_t)INT32_MAX, 1050},
        {INT32_MAX, UINT32_MAX - 1, 0},
        {1000, (uint32_t)1000 + INT32_MAX + 1, 0},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        id = ranges[i].first;
        const void *found = amqpci_delivery_index_next(&index, &id, ranges[i].last);
        if (ranges[i].found == 0) {
            assert_null(found);
            assert_int_equal(id, ranges[i].first);
        } else {
            assert_ptr_equal(found, &deliveries[ranges[i].found - 1000]);
            assert_int_equal(id, ranges[i].found);
        }
    }
    clean_up_index(&index);
}

static void test_the_straggler_just_given_may_be_removed(void **state)
{
    (void)state;
    enum { COUNT = 101 };
    static test_delivery deliveries[COUNT];
    for (uint32_t keep_every = 1; keep_every < 7; keep_every++) {
        amqpci_delivery_index index = make_index(0);
        add_stragglers(&index, deliveries, COUNT);
        uint32_t given = 0;
        uint32_t place = 0;
        uint32_t id = 0;
        test_delivery *delivery = NULL;
        while ((delivery = (test_delivery *)amqpci_delivery_index_next_straggler(&index, &place,
                                                                                 &id)) != NULL) {
            assert_int_equal(delivery->id, id);
            assert_int_equal(delivery->moved++, 0); /* here: how often it was given */
            if (given++ % keep_every == 0) {
                assert_ptr_equal(amqpci_delivery_index_remove(&index, id), delivery);
                delivery->live = false;
            }
        }
        assert_int_equal(given, COUNT - 1);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_ptr_equal(amqpci_delivery_index_get(&index, deliveries[i].id),
                             deliveries[i].live ? &deliveries[i] : NULL);
        }
        clean_up_index(&index);
    }
}

static void test_an_id_that_a_straggler_still_has_is_refused(void **state)
{
    (void)state;
    enum { HALF = INT32_MAX };
    test_delivery old = {0};
    test_delivery later = {0};
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    amqpci_delivery_index index = make_index(5);
    add_delivery(&index, 5, &old);
    uint32_t ids[] = {HALF, UINT32_MAX - 1, UINT32_MAX, 0, 1, 2, 3, 4};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        add_delivery(&index, ids[i], &later);
        assert_ptr_equal(amqpci_delivery_index_remove(&index, ids[i]), &later);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(amqpci_delivery_index_add(&index, &allocator, 5, &later, NULL, NULL),
                         AMQPC_BAD_DELIVERY_ID);
        assert_int_equal(index.next, 5);
        assert_int_equal(amqpci_delivery_index_count(&index), 1);
    }
    add_delivery(&index, 6, &later); /* passes over it */
    assert_ptr_equal(amqpci_delivery_index_get(&index, 5), &old);
    assert_ptr_equal(amqpci_delivery_index_get(&index, 6), &later);
    assert_ptr_equal(amqpci_delivery_index_remove(&index, 5), &old);
    for (uint32_t round = 0; round < 3; round++) { /* with nothing old, no id is refused */
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            add_delivery(&index, ids[i], &later);
            assert_ptr_equal(amqpci_delivery_index_remove(&index, ids[i]), &later);
        }
        add_delivery(&index, 5, &later);
        assert_ptr_equal(amqpci_delivery_index_remove(&index, 5), &later);
    }
    clean_up_index(&index);
}

/* Adds and removes deliveries until `next`, which is behind index->next, follows. */
static void go_round_to(amqpci_delivery_index *index, uint32_t next)
{
    static test_delivery passing;
    while (index->next != next) {
        uint32_t gap = amqpci_ids_between(index->next, next) - 1;
        gap = gap < INT32_MAX - 5 ? gap : INT32_MAX - 5;
        uint32_t id = amqpci_serial_add(index->next, gap);
        add_delivery(index, id, &passing);
        assert_ptr_equal(amqpci_delivery_index_remove(index, id), &passing);
    }
}

static void assert_id_is_refused(amqpci_delivery_index *index, uint32_t id)
{
    test_delivery refused = {0};
    amqpc_allocator allocator = amqpci_allocator_or_default(NULL);
    uint32_t count = amqpci_delivery_index_count(index);
    assert_int_equal(amqpci_delivery_index_add(index, &allocator, id, &refused, NULL, NULL),
                     AMQPC_BAD_DELIVERY_ID);
    assert_int_equal(amqpci_delivery_index_count(index), count);
}

static void test_every_straggler_keeps_its_id_when_ids_come_round(void **state)
{
    (void)state;
    static test_delivery old[3];
    test_delivery later = {0};
    amqpci_delivery_index index = make_index(5);
    add_delivery(&index, 5, &old[0]);
    add_delivery(&index, 7, &old[1]);
    add_delivery(&index, 8, &old[2]);
    go_round_to(&index, 5);
    assert_id_is_refused(&index, 5);
    add_delivery(&index, 6, &later);
    assert_id_is_refused(&index, 7);
    assert_id_is_refused(&index, 8);
    add_delivery(&index, 9, &later);
    for (uint32_t i = 0; i < 3; i++) {
        static const uint32_t ids[] = {5, 7, 8};
        assert_ptr_equal(amqpci_delivery_index_remove(&index, ids[i]), &old[i]);
        assert_null(amqpci_delivery_index_get(&index, ids[i]));
    }
    clean_up_index(&index);
}

static void test_an_id_is_kept_that_was_added_before_the_ids_came_round(void **state)
{
    (void)state;
    test_delivery old = {0};
    test_delivery later = {0};
    amqpci_delivery_index index = make_index(5);
    add_delivery(&index, 5, &later);
    assert_ptr_equal(amqpci_delivery_index_remove(&index, 5), &later);
    go_round_to(&index, 3);
    add_delivery(&index, 3, &old); /* recent still when 5 comes round */
    add_delivery(&index, 5, &later);
    assert_int_equal(index.straggler_count, 0);
    assert_ptr_equal(amqpci_delivery_index_remove(&index, 5), &later);
    go_round_to(&index, 3);
    assert_int_equal(index.straggler_count, 1);
    assert_id_is_refused(&index, 3);
    assert_ptr_equal(amqpci_delivery_index_get(&index, 3), &old);
    clean_up_index(&index);
}

static void test_no_more_become_stragglers_than_have_to(void **state)
{
    (void)state;
    static test_delivery deliveries[3];
    amqpci_delivery_index index = make_index(0);
    add_delivery(&index, 0, &deliveries[0]);
    add_delivery(&index, 1, &deliveries[1]);
    add_delivery(&index, 63, &deliveries[2]);
    assert_int_equal(index.straggler_count, 0);
    add_delivery(&index, 64, &deliveries[2]);
    assert_int_equal(index.straggler_count, 1);
    add_delivery(&index, 65, &deliveries[2]);
    assert_int_equal(index.straggler_count, 2);
    add_delivery(&index, 66, &deliveries[2]);
    assert_int_equal(index.straggler_count, 2);
    clean_up_index(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_59_ids_wrap),
        cmocka_unit_test(test_one_old_delivery_costs_nothing),
        cmocka_unit_test(test_deliveries_settled_in_order_never_become_stragglers),
        cmocka_unit_test(test_each_delivery_becomes_a_straggler_once),
        cmocka_unit_test(test_a_gap_costs_what_is_live_and_not_its_width),
        cmocka_unit_test(test_row_60_a_wide_range_costs_what_is_in_it),
        cmocka_unit_test(test_row_60_a_range_is_clipped_and_a_reversed_one_is_empty),
        cmocka_unit_test(test_the_straggler_just_given_may_be_removed),
        cmocka_unit_test(test_an_id_that_a_straggler_still_has_is_refused),
        cmocka_unit_test(test_every_straggler_keeps_its_id_when_ids_come_round),
        cmocka_unit_test(test_an_id_is_kept_that_was_added_before_the_ids_came_round),
        cmocka_unit_test(test_no_more_become_stragglers_than_have_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
