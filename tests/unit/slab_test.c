/* Slabs: room, references, and references that two threads hold. */
#include "base/slab.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"

enum { ROUNDS = 2000, HOLDS = 50, SLAB_SIZE = 4096 };

static void test_a_slab_has_the_room_it_was_asked_for(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 4096, 262144};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        amqpci_slab *slab = NULL;
        assert_int_equal(amqpci_slab_new(NULL, NULL, sizes[i], &slab), AMQPC_OK);
        assert_int_equal(amqpci_slab_capacity(slab), sizes[i]);
        memset(amqpci_slab_data(slab), 0xff, sizes[i]);
        assert_true(amqpci_slab_sole(slab, 1));
        amqpci_slab_drop(slab, 1);
    }
}

static void test_a_slab_lives_until_its_last_reference_is_dropped(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpci_slab *slab = NULL;
    assert_int_equal(amqpci_slab_new(&failing.allocator, NULL, 10, &slab), AMQPC_OK);
    assert_int_equal(failing.allocations, 1);
    for (int i = 0; i < HOLDS; i++) {
        amqpci_slab_hold(slab, 1);
        assert_false(amqpci_slab_sole(slab, 1));
    }
    amqpci_slab_data(slab)[9] = 42;
    for (int i = 0; i < HOLDS; i++) {
        assert_false(amqpci_slab_sole(slab, 1));
        amqpci_slab_drop(slab, 1);
        assert_int_equal(failing.live, 1);
    }
    assert_true(amqpci_slab_sole(slab, 1));
    assert_int_equal(amqpci_slab_data(slab)[9], 42);
    amqpci_slab_drop(slab, 1);
    assert_int_equal(failing.live, 0);
}

static void test_dropping_null_is_ignored(void **state)
{
    (void)state;
    amqpci_slab_drop(NULL, 1);
}

static void test_a_size_that_overflows_is_no_memory(void **state)
{
    (void)state;
    amqpci_slab *slab = NULL;
    assert_int_equal(amqpci_slab_new(NULL, NULL, SIZE_MAX, &slab), AMQPC_NO_MEMORY);
    assert_int_equal(amqpci_slab_new(NULL, NULL, SIZE_MAX - 8, &slab), AMQPC_NO_MEMORY);
    assert_null(slab);
}

static void drop_new(const amqpc_allocator *allocator, amqpci_slab_pool *pool)
{
    amqpci_slab *slab = NULL;
    assert_int_equal(amqpci_slab_new(allocator, pool, SLAB_SIZE, &slab), AMQPC_OK);
    amqpci_slab_drop(slab, 1);
}

static void test_a_pool_that_was_trimmed_keeps_no_slab_until_it_is_used(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    amqpci_slab_pool *pool = NULL;
    amqpci_slab *late = NULL;
    assert_int_equal(amqpci_slab_pool_new(&failing.allocator, SLAB_SIZE, &pool), AMQPC_OK);
    assert_int_equal(amqpci_slab_new(&failing.allocator, pool, SLAB_SIZE, &late), AMQPC_OK);
    drop_new(&failing.allocator, pool);
    assert_int_equal(failing.live, 3); /* the pool, `late` and a spare one */
    amqpci_slab_pool_trim(pool);
    assert_int_equal(failing.live, 2);
    amqpci_slab_drop(late, 1);
    assert_int_equal(failing.live, 1);
    drop_new(&failing.allocator, pool);
    assert_int_equal(failing.live, 2);
    amqpci_slab_pool_close(pool);
    assert_int_equal(failing.live, 0);
}

static void new_scenario(const amqpc_allocator *allocator)
{
    amqpci_slab *slab = NULL;
    amqpc_status status = amqpci_slab_new(allocator, NULL, SLAB_SIZE, &slab);
    assert_int_equal(status, slab == NULL ? AMQPC_NO_MEMORY : AMQPC_OK);
    amqpci_slab_drop(slab, 1);
}

static void test_failing_allocations_are_reported(void **state)
{
    (void)state;
    assert_survives_failing_allocations(new_scenario);
}

/* Reads the slab through references of its own, and drops the one that it was handed. */
static void *read_and_drop(void *argument)
{
    amqpci_slab *slab = (amqpci_slab *)argument;
    size_t sum = 0;
    for (int i = 0; i < HOLDS; i++) {
        amqpci_slab_hold(slab, 1);
        sum += amqpci_slab_data(slab)[i];
        amqpci_slab_drop(slab, 1);
    }
    amqpci_slab_drop(slab, 1);
    return (void *)sum;
}

/* Two threads race to drop the last reference: it is freed once, after both have read it. */
static void test_two_threads_free_a_slab_once(void **state)
{
    (void)state;
    failing_allocator failing;
    failing_allocator_init(&failing, SIZE_MAX);
    for (int i = 0; i < ROUNDS / 10; i++) {
        amqpci_slab *slab = NULL;
        pthread_t other;
        void *sum = NULL;
        assert_int_equal(amqpci_slab_new(&failing.allocator, NULL, SLAB_SIZE, &slab), AMQPC_OK);
        memset(amqpci_slab_data(slab), 1, SLAB_SIZE);
        amqpci_slab_hold(slab, 1);
        assert_int_equal(pthread_create(&other, NULL, read_and_drop, slab), 0);
        assert_int_equal((size_t)read_and_drop(slab), HOLDS);
        assert_int_equal(pthread_join(other, &sum), 0);
        assert_int_equal((size_t)sum, HOLDS);
        assert_int_equal(failing.live, 0);
    }
}

static void *drop_when_read(void *argument)
{
    amqpci_slab *slab = (amqpci_slab *)argument;
    size_t sum = 0;
    for (size_t i = 0; i < SLAB_SIZE; i++) {
        sum += amqpci_slab_data(slab)[i];
    }
    amqpci_slab_drop(slab, 1);
    return (void *)sum;
}

/* Once the slab is the writer's alone, no other thread reads it any more. */
static void test_a_sole_holder_may_write_after_another_thread_has_read(void **state)
{
    (void)state;
    amqpci_slab *slab = NULL;
    assert_int_equal(amqpci_slab_new(NULL, NULL, SLAB_SIZE, &slab), AMQPC_OK);
    for (int i = 0; i < ROUNDS / 20; i++) {
        pthread_t reader;
        void *sum = NULL;
        memset(amqpci_slab_data(slab), i & 1, SLAB_SIZE);
        amqpci_slab_hold(slab, 1);
        assert_int_equal(pthread_create(&reader, NULL, drop_when_read, slab), 0);
        while (!amqpci_slab_sole(slab, 1)) {
            (void)sched_yield();
        }
        memset(amqpci_slab_data(slab), 0xee, SLAB_SIZE);
        assert_int_equal(pthread_join(reader, &sum), 0);
        assert_int_equal((size_t)sum, (i & 1) * SLAB_SIZE);
    }
    amqpci_slab_drop(slab, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slab_has_the_room_it_was_asked_for),
        cmocka_unit_test(test_a_slab_lives_until_its_last_reference_is_dropped),
        cmocka_unit_test(test_dropping_null_is_ignored),
        cmocka_unit_test(test_a_size_that_overflows_is_no_memory),
        cmocka_unit_test(test_a_pool_that_was_trimmed_keeps_no_slab_until_it_is_used),
        cmocka_unit_test(test_failing_allocations_are_reported),
        cmocka_unit_test(test_two_threads_free_a_slab_once),
        cmocka_unit_test(test_a_sole_holder_may_write_after_another_thread_has_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
