/* The parts of a round, as the client uses them: one thread sleeps, others, under a lock, use the
 * poller's members. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "transport/poller.h"
#include "transport_fixture.h"

enum { DELIVERIES = 500, SIZE = 300, GENERATIONS = 50 };

/* A fixture, a lock, and a thread that waits for it. */
typedef struct shared {
    transport_fixture fixture;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* after each round */
    pthread_t thread;
    bool ends;
    size_t rounds;
} shared;

static void read_events(shared *all)
{
    amqpc_ready ready;
    while (amqpc_poller_next(all->fixture.poller, &ready)) {
        transport_fixture_take(&all->fixture, &ready);
    }
}

static void *drive(void *argument)
{
    shared *all = (shared *)argument;
    amqpci_poller_events events;
    (void)pthread_mutex_lock(&all->mutex);
    while (!all->ends) {
        int wait_ms = 0;
        amqpc_status status = amqpci_poller_prepare(all->fixture.poller, AMQPC_FOREVER, &wait_ms);
        (void)pthread_mutex_unlock(&all->mutex);
        amqpci_poller_sleep(all->fixture.poller, wait_ms, &events);
        (void)pthread_mutex_lock(&all->mutex);
        if (status == AMQPC_OK) {
            status = amqpci_poller_collect(all->fixture.poller, &events);
        }
        all->ends = all->ends || (status != AMQPC_OK && status != AMQPC_TIMED_OUT);
        read_events(all);
        all->rounds++;
        (void)pthread_cond_broadcast(&all->changed);
    }
    (void)pthread_mutex_unlock(&all->mutex);
    return NULL;
}

static void begin(shared *all)
{
    *all = (shared){.rounds = 0};
    transport_fixture_make(&all->fixture, NULL, NULL);
    assert_int_equal(pthread_mutex_init(&all->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&all->changed, NULL), 0);
    assert_int_equal(pthread_create(&all->thread, NULL, drive, all), 0);
}

static void end(shared *all)
{
    (void)pthread_mutex_lock(&all->mutex);
    all->ends = true;
    amqpc_poller_wake(all->fixture.poller);
    (void)pthread_mutex_unlock(&all->mutex);
    assert_int_equal(pthread_join(all->thread, NULL), 0);
    (void)pthread_cond_destroy(&all->changed);
    (void)pthread_mutex_destroy(&all->mutex);
    transport_fixture_free(&all->fixture);
}

/* With the lock held. ctest's time-out ends what never comes. */
static void wait_for(shared *all, fixture_condition *condition)
{
    while (!condition(&all->fixture)) {
        assert_false(all->ends);
        (void)pthread_cond_wait(&all->changed, &all->mutex);
    }
}

static bool all_has_arrived(const transport_fixture *fixture)
{
    return fixture->received_count == DELIVERIES;
}

static void test_calls_of_another_thread_end_the_sleep(void **state)
{
    (void)state;
    static const uint8_t payload[SIZE] = {1};
    shared all;
    begin(&all);
    (void)pthread_mutex_lock(&all.mutex);
    transport_fixture_connect(&all.fixture, NULL, NULL);
    amqpc_link *link = transport_fixture_attach(amqpc_transport_connection(all.fixture.client));
    wait_for(&all, client_has_credit);
    for (size_t i = 0; i < DELIVERIES; i++) {
        amqpc_status status = amqpc_link_send(link, (amqpc_bytes){payload, SIZE}, NULL, NULL);
        assert_int_equal(status, AMQPC_OK);
        if (i % 2 == 0) {
            amqpc_transport_touch(all.fixture.client);
        } else {
            assert_int_equal(amqpc_transport_flush(all.fixture.client), AMQPC_OK);
        }
        (void)pthread_mutex_unlock(&all.mutex); /* the other thread has its turn */
        (void)pthread_mutex_lock(&all.mutex);
    }
    wait_for(&all, all_has_arrived);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(all.fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(all.fixture.client);
    wait_for(&all, both_are_over);
    assert_int_equal(amqpc_transport_get_state(all.fixture.client), AMQPC_TRANSPORT_CLOSED);
    (void)pthread_mutex_unlock(&all.mutex);
    end(&all);
}

/* What the sleeper brings of a transport that is freed meanwhile concerns nobody, though another
 * has its place. */
static void test_transports_are_freed_while_another_thread_sleeps(void **state)
{
    (void)state;
    shared all;
    begin(&all);
    (void)pthread_mutex_lock(&all.mutex);
    for (size_t i = 0; i < GENERATIONS; i++) {
        all.fixture.client_events = 0;
        transport_fixture_connect(&all.fixture, NULL, NULL);
        if (i % 3 != 0) {
            wait_for(&all, client_is_open);
        }
        amqpc_transport_free(all.fixture.client);
        all.fixture.client = NULL;
        (void)pthread_mutex_unlock(&all.mutex);
        (void)pthread_mutex_lock(&all.mutex);
    }
    transport_fixture_connect(&all.fixture, NULL, NULL);
    wait_for(&all, client_is_open);
    (void)pthread_mutex_unlock(&all.mutex);
    end(&all);
}

static void *wake(void *argument)
{
    amqpc_poller_wake((amqpc_poller *)argument);
    return NULL;
}

static void test_any_thread_may_wake(void **state)
{
    (void)state;
    amqpc_poller *poller = NULL;
    pthread_t thread;
    assert_int_equal(amqpc_poller_new(NULL, &poller), AMQPC_OK);
    assert_int_equal(pthread_create(&thread, NULL, wake, poller), 0);
    assert_int_equal(amqpc_poller_wait(poller, AMQPC_FOREVER), AMQPC_TIMED_OUT);
    assert_int_equal(pthread_join(thread, NULL), 0);
    amqpc_poller_free(poller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_of_another_thread_end_the_sleep),
        cmocka_unit_test(test_transports_are_freed_while_another_thread_sleeps),
        cmocka_unit_test(test_any_thread_may_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
