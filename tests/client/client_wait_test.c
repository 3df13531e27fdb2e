/* Waiting: what comes together is lost neither way. The calls in which threads sleep are wrapped,
 * so that something else happens in them before a signal ends them. */
#define _POSIX_C_SOURCE 200809L

#include <amqpcodec/receiver.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "client/client_fixture.h"
#include "client/receiver.h"
#include "transport/transport.h"

/* What happens while a thread sleeps, after which a signal ends its sleep; NULL: nothing. */
static _Thread_local void (*meanwhile)(void);

/* What happens while a thread looks, before it sleeps; NULL: nothing. */
static _Thread_local void (*before)(void);

static amqpc_client *client;
static amqpc_receiver *waited_for;

static bool is_interrupted(void)
{
    void (*happens)(void) = meanwhile;
    meanwhile = NULL;
    if (happens == NULL) {
        return false;
    }
    happens();
    errno = EINTR;
    return true;
}

int __real_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms);
int __real_poll(struct pollfd *watched, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *watched, nfds_t count, int timeout_ms);

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return timeout_ms != 0 && is_interrupted()
               ? -1
               : __real_epoll_wait(epoll, events, count, timeout_ms);
}

int __wrap_poll(struct pollfd *watched, nfds_t count, int timeout_ms)
{
    return is_interrupted() ? -1 : __real_poll(watched, count, timeout_ms);
}

int __wrap_sched_yield(void);

int __wrap_sched_yield(void)
{
    void (*happens)(void) = before;
    before = NULL;
    if (happens != NULL) {
        happens();
    }
    return 0;
}

static amqpc_status receive(amqpc_receiver *receiver, int64_t timeout_ms)
{
    amqpc_delivery delivery;
    size_t count = 0;
    return amqpc_receiver_receive(receiver, &delivery, 1, timeout_ms, &count);
}

/* Another thread has sent something, by which the transport has news. */
static void make_news(void)
{
    assert_ok(amqpci_client_enter(client));
    amqpci_watch_make_ready(&client->transport->watch);
    amqpci_client_leave(client);
}

static bool is_driven(void)
{
    assert_ok(amqpci_client_enter(client));
    bool driven = client->driver.is_busy;
    amqpci_client_leave(client);
    return driven;
}

/* What the driver waits for is there: it leaves, and calls the next one to drive. */
static void end_driver(void)
{
    amqpc_status status = amqpc_receiver_close(waited_for, 0);
    assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; is_driven();) {
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
}

static void *drive(void *context)
{
    *(amqpc_status *)context = receive(waited_for, PATIENCE_MS);
    return NULL;
}

static void test_row_102_signal_that_comes_with_news_ends_a_wait(void **state)
{
    client_fixture fixture;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    client = fixture.client;
    amqpc_receiver *receiver = make_receiver(client, "silent", 10);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    meanwhile = make_news;
    assert_status(AMQPC_INTERRUPTED, receive(receiver, PATIENCE_MS));
    client_fixture_free(&fixture);
}

static void test_row_102_signal_that_comes_with_a_call_to_drive_ends_a_wait(void **state)
{
    client_fixture fixture;
    pthread_t thread;
    amqpc_status status = AMQPC_OK;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    client = fixture.client;
    amqpc_receiver *receiver = make_receiver(client, "silent", 10);
    waited_for = make_receiver(client, "silent", 10);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    assert_int_equal(0, pthread_create(&thread, NULL, drive, &status));
    while (!is_driven()) {
        pause_shortly();
    }
    meanwhile = end_driver;
    assert_status(AMQPC_INTERRUPTED, receive(receiver, PATIENCE_MS));
    assert_int_equal(0, pthread_join(thread, NULL));
    assert_status(AMQPC_CLOSED, status);
    client_fixture_free(&fixture);
}

static volatile sig_atomic_t handled;

static void handle(int signal_number)
{
    (void)signal_number;
    handled++;
}

static void signal_itself(void)
{
    assert_int_equal(0, raise(SIGUSR1));
}

static void test_row_102_signal_before_the_sleep_ends_a_wait(void **state)
{
    client_fixture fixture;
    amqpc_client_options options = client_fixture_options();
    struct sigaction action = {.sa_handler = handle};
    struct sigaction earlier;
    (void)state;
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    client = fixture.client;
    amqpc_receiver *receiver = make_receiver(client, "silent", 10);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    assert_int_equal(0, sigaction(SIGUSR1, &action, &earlier));
    assert_ok(amqpci_client_enter(client));
    client->driver.may_look = true;
    client->driver.sleeps_left = 0;
    amqpci_client_leave(client);
    before = signal_itself;
    assert_status(AMQPC_INTERRUPTED, receive(receiver, PATIENCE_MS));
    assert_int_equal(1, handled);
    assert_int_equal(0, sigaction(SIGUSR1, &earlier, NULL));
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_102_signal_that_comes_with_news_ends_a_wait),
        cmocka_unit_test(test_row_102_signal_that_comes_with_a_call_to_drive_ends_a_wait),
        cmocka_unit_test(test_row_102_signal_before_the_sleep_ends_a_wait),
    };
    return cmocka_run_group_tests_name("client_wait", tests, NULL, NULL);
}
