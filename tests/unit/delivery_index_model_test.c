/* The index of deliveries against a model: an array that is searched. */
#include "delivery_index_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

enum { LIVE_MAX = 600, STEPS = 3000, SEEDS = 150 };

/* What the index has to be like: all deliveries in an array. */
typedef struct index_model {
    amqpc_allocator allocator;
    amqpci_delivery_index index;
    test_delivery deliveries[LIVE_MAX];
    uint32_t live_count;
    uint64_t random;
} index_model;

static uint32_t random_below(index_model *model, uint32_t limit)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (uint32_t)((model->random >> 32) % limit);
}

static test_delivery *model_find(index_model *model, uint32_t id)
{
    for (size_t i = 0; i < LIVE_MAX; i++) {
        if (model->deliveries[i].live && model->deliveries[i].id == id) {
            return &model->deliveries[i];
        }
    }
    return NULL;
}

static test_delivery *model_pick(index_model *model)
{
    if (model->live_count == 0) {
        return NULL;
    }
    size_t at = random_below(model, LIVE_MAX);
    while (!model->deliveries[at].live) {
        at = (at + 1) % LIVE_MAX;
    }
    return &model->deliveries[at];
}

static void model_add(index_model *model, uint32_t gap)
{
    size_t at = 0;
    while (at < LIVE_MAX && model->deliveries[at].live) {
        at++;
    }
    if (at == LIVE_MAX) {
        return;
    }
    uint32_t next = model->index.next;
    uint32_t id = amqpci_serial_add(next, gap);
    bool taken = model_find(model, id) != NULL;
    unsigned moved = 0;
    amqpc_status status = amqpci_delivery_index_add(&model->index, &model->allocator, id,
                                                    &model->deliveries[at], count_move, &moved);
    assert_int_equal(status, taken ? AMQPC_BAD_DELIVERY_ID : AMQPC_OK);
    if (taken) {
        assert_int_equal(model->index.next, next);
        return;
    }
    model->deliveries[at] = (test_delivery){.id = id, .live = true};
    model->live_count++;
    assert_int_equal(model->index.next, amqpci_serial_add(id, 1));
}

static void model_remove(index_model *model, test_delivery *delivery)
{
    if (delivery == NULL) {
        return;
    }
    assert_ptr_equal(amqpci_delivery_index_get(&model->index, delivery->id), delivery);
    assert_ptr_equal(amqpci_delivery_index_remove(&model->index, delivery->id), delivery);
    assert_null(amqpci_delivery_index_get(&model->index, delivery->id));
    assert_null(amqpci_delivery_index_remove(&model->index, delivery->id));
    delivery->live = false;
    model->live_count--;
}

static bool in_range(uint32_t id, uint32_t first, uint32_t last)
{
    return amqpci_ids_between(first, id) <= amqpci_ids_between(first, last);
}

/* A range, as a disposition names it, gives each delivery in it once, the recent ones in order. */
static void model_check_range(index_model *model, uint32_t first, uint32_t last)
{
    uint32_t expected = 0;
    for (size_t i = 0; i < LIVE_MAX; i++) {
        const test_delivery *delivery = &model->deliveries[i];
        expected += delivery->live && in_range(delivery->id, first, last);
    }
    uint32_t found = 0;
    const test_delivery *delivery = NULL;
    for (uint32_t id = first;
         (delivery = (test_delivery *)amqpci_delivery_index_next(&model->index, &id, last)) != NULL;
         id = amqpci_serial_add(id, 1)) {
        assert_true(delivery->live && delivery->moved == 0);
        assert_int_equal(delivery->id, id);
        assert_true(in_range(id, first, last));
        found++;
        if (id == last) {
            break;
        }
    }
    uint32_t place = 0;
    uint32_t id = 0;
    uint32_t stragglers = 0;
    while ((delivery = (test_delivery *)amqpci_delivery_index_next_straggler(&model->index, &place,
                                                                             &id)) != NULL) {
        assert_true(delivery->live && delivery->moved == 1);
        assert_int_equal(delivery->id, id);
        found += in_range(id, first, last);
        stragglers++;
    }
    assert_int_equal(stragglers, model->index.straggler_count);
    assert_int_equal(found, expected);
}

static void model_check_random_range(index_model *model)
{
    const test_delivery *delivery = model_pick(model);
    uint32_t near = delivery == NULL ? model->index.next : delivery->id;
    uint32_t before = random_below(model, 300);
    uint32_t width = random_below(model, 8) == 0 ? random_below(model, (uint32_t)INT32_MAX + 1)
                                                 : random_below(model, 600);
    uint32_t first = amqpci_serial_add(near, 0u - before);
    model_check_range(model, first, amqpci_serial_add(first, width));
}

static void model_check(index_model *model)
{
    assert_int_equal(amqpci_delivery_index_count(&model->index), model->live_count);
    for (size_t i = 0; i < LIVE_MAX; i++) {
        test_delivery *delivery = &model->deliveries[i];
        if (delivery->live) {
            assert_ptr_equal(amqpci_delivery_index_get(&model->index, delivery->id), delivery);
        }
        assert_true(delivery->moved <= 1);
    }
    for (size_t i = 0; i < 20; i++) {
        uint32_t id = amqpci_serial_add(model->index.next, UINT32_MAX - random_below(model, 400));
        assert_ptr_equal(amqpci_delivery_index_get(&model->index, id), model_find(model, id));
    }
}

/* What a run is likely to do: gaps that it makes, and how many deliveries stay. */
static void model_step(index_model *model, uint64_t seed)
{
    static const uint32_t adding_of_10[] = {5, 6, 8};
    bool gaps = seed % 3 == 1;
    bool leaps = seed % 3 == 2;
    if (random_below(model, 10) < adding_of_10[seed % 5 % 3]) {
        uint32_t gap = 0;
        if (gaps && random_below(model, 10) == 0) {
            gap = random_below(model, 100);
        } else if (leaps && random_below(model, 20) == 0) {
            gap = random_below(model, (uint32_t)INT32_MAX + 1);
        }
        model_add(model, gap);
    } else {
        model_remove(model, model_pick(model));
    }
    if (random_below(model, 100) == 0) {
        model_check(model);
        model_check_random_range(model);
    }
    if (random_below(model, 300) == 0) {
        amqpci_delivery_index_trim(&model->index, &model->allocator);
    }
    if (random_below(model, 500) == 0) {
        uint32_t keep = random_below(model, 4);
        while (model->live_count > keep) {
            model_remove(model, model_pick(model));
        }
    }
}

static void test_an_index_behaves_like_an_array_of_deliveries(void **state)
{
    (void)state;
    static index_model model;
    uint32_t stragglers_most = 0;
    uint32_t capacity_most = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        model.random = seed * 0x9e3779b97f4a7c15u;
        model.allocator = amqpci_allocator_or_default(NULL);
        model.live_count = 0;
        memset(model.deliveries, 0, sizeof model.deliveries);
        uint32_t next = seed % 2 == 0 ? UINT32_MAX - (uint32_t)(seed * 10) : (uint32_t)model.random;
        amqpci_delivery_index_init(&model.index, next);
        for (size_t step = 0; step < STEPS; step++) {
            model_step(&model, seed);
            uint32_t stragglers = model.index.straggler_count;
            stragglers_most = stragglers > stragglers_most ? stragglers : stragglers_most;
            capacity_most =
                model.index.capacity > capacity_most ? model.index.capacity : capacity_most;
        }
        model_check(&model);
        amqpci_delivery_index_clean_up(&model.index, &model.allocator);
    }
    /* The runs went where it is difficult. */
    assert_true(stragglers_most > 64);
    assert_true(capacity_most >= 512 && capacity_most <= 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_index_behaves_like_an_array_of_deliveries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
