/* Deliveries that other threads release, while the connection goes on and after it is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "support/engine_frames.h"

enum { THREADS = 4, ROUNDS = 50, BATCH = 64 };

typedef struct worker {
    amqpc_delivery deliveries[ROUNDS * BATCH];
    size_t count;
    unsigned long sum;
    pthread_t thread;
} worker;

static worker workers[THREADS];

/* Reads every byte, keeps some, and releases all. */
static void *read_and_release(void *argument)
{
    worker *own = (worker *)argument;
    for (size_t i = 0; i < own->count; i++) {
        amqpc_delivery *delivery = &own->deliveries[i];
        if (i % 7 == 0 && amqpc_delivery_keep(delivery, NULL) != AMQPC_OK) {
            return NULL;
        }
        const uint8_t *bytes = (const uint8_t *)delivery->payload.data;
        for (size_t at = 0; at < delivery->payload.size; at++) {
            own->sum += bytes[at];
        }
        amqpc_delivery_release(delivery);
    }
    return own;
}

/* Sends a batch and takes what arrives, to be handed to the worker. */
static void receive_batch(engine_pair *pair, worker *to)
{
    char payload[5000];
    memset(payload, 1, sizeof payload);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    for (unsigned i = 0; i < BATCH; i++) {
        assert_int_equal(
            amqpc_link_send(pair->sender, (amqpc_bytes){payload, 1000 + 60 * i}, &options, NULL),
            AMQPC_OK);
    }
    engine_exchange(pair);
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair->receiver, to->deliveries + to->count, BATCH, &count),
                     AMQPC_OK);
    assert_int_equal(count, BATCH);
    to->count += count;
}

static void open_with_credit(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_set_prefetch(pair->receiver, 10 * BATCH), AMQPC_OK);
    engine_exchange(pair);
    memset(workers, 0, sizeof workers);
}

static void assert_read(const worker *own)
{
    unsigned long expected = 0;
    for (unsigned i = 0; i < BATCH; i++) {
        expected += 1000 + 60 * i;
    }
    assert_int_equal(own->sum, expected * (own->count / BATCH));
}

static void join(worker *own)
{
    void *result = NULL;
    assert_int_equal(pthread_join(own->thread, &result), 0);
    assert_ptr_equal(result, own);
    assert_read(own);
}

static void test_threads_release_while_the_connection_receives(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < THREADS; i++) {
            worker *own = &workers[i];
            if (round > 0) {
                join(own);
            }
            own->count = 0;
            own->sum = 0;
            receive_batch(&pair, own);
            assert_int_equal(pthread_create(&own->thread, NULL, read_and_release, own), 0);
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        join(&workers[i]);
    }
    amqpc_connection_trim(pair.server);
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(pair.server, &statistics);
    assert_int_equal(statistics.retained_size, 0);
    engine_pair_free(&pair);
}

static void test_threads_release_after_the_connection_is_gone(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    for (unsigned round = 0; round < ROUNDS; round++) {
        /* Neighbours go to different threads. */
        receive_batch(&pair, &workers[round % THREADS]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL, read_and_release, &workers[i]),
                         0);
    }
    engine_pair_free(&pair);
    for (unsigned i = 0; i < THREADS; i++) {
        join(&workers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_release_while_the_connection_receives),
        cmocka_unit_test(test_threads_release_after_the_connection_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
