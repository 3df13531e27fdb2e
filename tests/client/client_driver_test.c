/* Who drives a connection: threads that share a client, the thread in the background, signals,
 * forks, and event loops of others. */
#define _GNU_SOURCE

#include <amqpcodec/receiver.h>
#include <amqpcodec/requester.h>
#include <amqpcodec/sender.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/client_fixture.h"
#include "support/cutting_relay.h"

enum { THREADS = 4, EACH = 200 };

/* Threads report by counting: cmocka's assertions are for the main thread. */
typedef struct shared {
    amqpc_client *client;
    amqpc_sender *sender;
    amqpc_receiver *receiver;
    amqpc_requester *requester;
    atomic_uint faults;
    atomic_uint received;
} shared;

static void expect(shared *with, bool holds)
{
    if (!holds) {
        atomic_fetch_add(&with->faults, 1);
    }
}

static void *send_many(void *context)
{
    shared *with = (shared *)context;
    for (uint32_t i = 0; i < EACH; i++) {
        amqpc_outcome outcome;
        uint8_t storage[13];
        amqpc_status status = amqpc_sender_send_bytes(with->sender, number_payload(i, storage),
                                                      PATIENCE_MS, &outcome);
        expect(with, status == AMQPC_OK && outcome.state_type == AMQPC_COMPOSITE_ACCEPTED);
    }
    return NULL;
}

static void *receive_many(void *context)
{
    shared *with = (shared *)context;
    while (atomic_load(&with->received) < THREADS * EACH) {
        amqpc_delivery deliveries[4];
        size_t count = 0;
        amqpc_status status = amqpc_receiver_receive(with->receiver, deliveries, 4, 10, &count);
        expect(with, status == AMQPC_OK || status == AMQPC_TIMED_OUT);
        for (size_t i = 0; i < count; i++) {
            expect(with, amqpc_receiver_accept(with->receiver, &deliveries[i]) == AMQPC_OK);
        }
        amqpc_deliveries_release(deliveries, count);
        atomic_fetch_add(&with->received, (unsigned)count);
    }
    return NULL;
}

static void *call_many(void *context)
{
    shared *with = (shared *)context;
    for (uint32_t i = 0; i < EACH / 4; i++) {
        amqpc_message message;
        amqpc_delivery reply = {.storage = NULL};
        uint64_t number = i;
        number_message(&number, &message);
        amqpc_status status = amqpc_requester_call(with->requester, &message, PATIENCE_MS, &reply);
        expect(with, status == AMQPC_OK);
        amqpc_delivery_release(&reply);
    }
    return NULL;
}

static void run_threads(bool background)
{
    client_fixture fixture;
    pthread_t threads[3 * THREADS];
    shared with = {.client = NULL};
    amqpc_client_options options = client_fixture_options();
    options.background = background;
    client_fixture_make(&fixture, &(test_server_options){.number_count = THREADS * EACH}, &options);
    with.client = fixture.client;
    with.sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    with.receiver = make_receiver(fixture.client, "numbers", 50);
    assert_ok(amqpc_requester_new(fixture.client, "answer", &with.requester));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(0, pthread_create(&threads[3 * i], NULL, send_many, &with));
        assert_int_equal(0, pthread_create(&threads[3 * i + 1], NULL, receive_many, &with));
        assert_int_equal(0, pthread_create(&threads[3 * i + 2], NULL, call_many, &with));
    }
    for (int i = 0; i < 3 * THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(0, atomic_load(&with.faults));
    assert_int_equal(THREADS * EACH, atomic_load(&with.received));
    client_fixture_free(&fixture);
}

static void test_row_105_threads_share_a_client(void **state)
{
    (void)state;
    run_threads(false);
    run_threads(true);
}

static void test_posted_messages_go_out_though_nobody_waits(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    for (uint64_t i = 0; i < 5; i++) {
        post_number(sender, i);
        wait_for_messages(fixture.server, (uint32_t)i + 1);
    }
    client_fixture_free(&fixture);
}

static void test_background_answers_heartbeats(void **state)
{
    client_fixture fixture;
    amqpc_client_statistics before = {.struct_size = sizeof before};
    amqpc_client_statistics after = {.struct_size = sizeof after};
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.idle_timeout_ms = 1000}, NULL);
    assert_ok(amqpc_client_wait_open(fixture.client, PATIENCE_MS));
    amqpc_client_get_statistics(fixture.client, &before);
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
         after.frames_sent < before.frames_sent + 2;) {
        pause_shortly();
        amqpc_client_get_statistics(fixture.client, &after);
        assert_true(amqpc_now_ms() < end_ms);
    }
    client_fixture_free(&fixture);
}

static void *close_client(void *context)
{
    shared *with = (shared *)context;
    expect(with, amqpc_client_close(with->client, AMQPC_FOREVER) == AMQPC_OK);
    return NULL;
}

/* One thread closes the client, which waits for outcomes; another frees the sender. The peer is
 * silent: nothing else calls the first. */
static void test_closing_does_not_wait_for_a_sender_that_is_freed(void **state)
{
    pthread_t thread;
    shared with = {.client = NULL};
    char url[64];
    amqpc_client_options options = client_fixture_options();
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    cutting_relay *relay = cutting_relay_start(test_server_port(server));
    (void)state;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)cutting_relay_port(relay));
    assert_ok(amqpc_client_new(url, &options, &with.client, NULL));
    amqpc_sender *sender = make_sender(with.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 1);
    wait_for_messages(server, 1);
    cutting_relay_hold(relay, true);
    assert_int_equal(0, pthread_create(&thread, NULL, close_client, &with));
    for (int i = 0; i < 20; i++) {
        pause_shortly(); /* most likely it waits by now */
    }
    amqpc_sender_free(sender);
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (amqpc_client_get_state(with.client) == AMQPC_CLIENT_OPEN && amqpc_now_ms() < end_ms) {
        pause_shortly();
    }
    bool closes = amqpc_client_get_state(with.client) != AMQPC_CLIENT_OPEN;
    cutting_relay_hold(relay, false);
    assert_int_equal(0, pthread_join(thread, NULL));
    assert_true(closes);
    assert_int_equal(0, atomic_load(&with.faults));
    amqpc_client_free(with.client);
    cutting_relay_stop(relay);
    test_server_stop(server);
}

/* --- Signals. */

static void note_nothing(int number)
{
    (void)number;
}

typedef struct signalled {
    pthread_t target;
    atomic_bool is_over;
} signalled;

static void *send_signals(void *context)
{
    signalled *with = (signalled *)context;
    while (!atomic_load(&with->is_over)) {
        (void)pthread_kill(with->target, SIGUSR1);
        pause_shortly();
    }
    return NULL;
}

static void *receive_long(void *context)
{
    amqpc_delivery delivery;
    size_t count = 0;
    shared *with = (shared *)context;
    amqpc_status status = amqpc_receiver_receive(with->receiver, &delivery, 1, PATIENCE_MS, &count);
    expect(with, status == AMQPC_CLOSED);
    return NULL;
}

static amqpc_status receive_under_signals(amqpc_receiver *receiver)
{
    pthread_t thread;
    amqpc_delivery delivery;
    size_t count = 0;
    signalled with = {.target = pthread_self()};
    assert_int_equal(0, pthread_create(&thread, NULL, send_signals, &with));
    amqpc_status status = amqpc_receiver_receive(receiver, &delivery, 1, PATIENCE_MS, &count);
    atomic_store(&with.is_over, true);
    (void)pthread_join(thread, NULL);
    return status;
}

static void test_row_102_signal_ends_a_wait(void **state)
{
    client_fixture fixture;
    struct sigaction action;
    shared with = {.client = NULL};
    pthread_t driver;
    sigset_t blocked;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_nothing;
    (void)sigaction(SIGUSR1, &action, NULL);
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    with.receiver = make_receiver(fixture.client, "silent", 10);
    assert_ok(amqpc_receiver_wait_open(with.receiver, PATIENCE_MS));
    assert_status(AMQPC_INTERRUPTED, receive_under_signals(with.receiver)); /* it drives */
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    assert_int_equal(0, pthread_create(&driver, NULL, receive_long, &with));
    (void)pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
    pause_shortly();
    assert_status(AMQPC_INTERRUPTED, receive_under_signals(with.receiver)); /* it follows, mostly */
    assert_ok(amqpc_receiver_close(with.receiver, PATIENCE_MS));
    (void)pthread_join(driver, NULL);
    assert_int_equal(0, atomic_load(&with.faults));
    client_fixture_free(&fixture);
}

static void test_background_leaves_signals_to_the_program(void **state)
{
    client_fixture fixture;
    struct sigaction action;
    amqpc_outcome outcome;
    uint8_t storage[13];
    (void)state;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_nothing;
    (void)sigaction(SIGUSR1, &action, NULL);
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    for (int i = 0; i < 20; i++) {
        (void)kill(getpid(), SIGUSR1);
        amqpc_status status = AMQPC_INTERRUPTED;
        while (status == AMQPC_INTERRUPTED) {
            status =
                amqpc_sender_send_bytes(sender, number_payload(0, storage), PATIENCE_MS, &outcome);
        }
        assert_ok(status);
    }
    client_fixture_free(&fixture);
}

/* --- Processes. */

static int child_of(client_fixture *fixture, amqpc_sender *sender)
{
    amqpc_outcome outcome;
    amqpc_sender *other = NULL;
    int64_t deadline_ms = 0;
    uint8_t storage[13];
    bool refused = amqpc_sender_send_bytes(sender, number_payload(1, storage), 100, &outcome) ==
                       AMQPC_FORKED &&
                   amqpc_sender_new(fixture->client, "accept", NULL, &other) == AMQPC_FORKED &&
                   amqpc_client_wait_open(fixture->client, 100) == AMQPC_FORKED &&
                   amqpc_client_process(fixture->client, &deadline_ms) == AMQPC_FORKED &&
                   amqpc_client_close(fixture->client, 100) == AMQPC_FORKED &&
                   amqpc_client_get_state(fixture->client) == AMQPC_CLIENT_FAILED &&
                   amqpc_sender_credit(sender) == 0;
    amqpc_sender_free(sender);
    amqpc_client_free(fixture->client);
    return refused ? 0 : 1;
}

static void test_row_104_child_of_a_fork_is_refused(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    uint8_t storage[13];
    int result = -1;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_send_bytes(sender, number_payload(1, storage), PATIENCE_MS, &outcome));
    pid_t child = fork();
    if (child == 0) {
        _exit(child_of(&fixture, sender));
    }
    assert_int_equal(child, waitpid(child, &result, 0));
    assert_int_equal(0, WEXITSTATUS(result));
    assert_true(WIFEXITED(result));
    assert_ok(amqpc_sender_send_bytes(sender, number_payload(2, storage), PATIENCE_MS, &outcome));
    assert_int_equal(1, test_server_connection_count(fixture.server));
    client_fixture_free(&fixture);
}

static void test_row_103_no_descriptors_are_left(void **state)
{
    struct rlimit before;
    amqpc_client *client = NULL;
    amqpc_client_error error;
    (void)state;
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &none));
    amqpc_status status = amqpc_client_new("amqp://127.0.0.1:1", NULL, &client, &error);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
    assert_status(AMQPC_NO_DESCRIPTORS, status);
    assert_status(AMQPC_NO_DESCRIPTORS, error.status);
    assert_null(client);
}

/* --- Event loops of others. */

static void test_foreign_loop_drives_by_descriptor_and_deadline(void **state)
{
    client_fixture fixture;
    amqpc_completion completion;
    size_t count = 0;
    uint8_t storage[13];
    bool posted = false;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    const amqpc_bytes payload = number_payload(6, storage);
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (count == 0) {
        int64_t deadline_ms = 0;
        assert_ok(amqpc_client_process(fixture.client, &deadline_ms));
        if (!posted) {
            size_t done = 0;
            amqpc_status status = amqpc_sender_post_batch(sender, &payload, 1, 42, 0, &done);
            assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
            posted = done == 1;
            assert_ok(amqpc_client_process(fixture.client, &deadline_ms));
        }
        amqpc_status status = amqpc_sender_completions(sender, &completion, 1, 0, &count);
        assert_true(status == AMQPC_OK || !posted || status == AMQPC_TIMED_OUT);
        if (count == 0) {
            assert_ok(amqpc_client_process(fixture.client, &deadline_ms));
            struct pollfd watched = {.fd = amqpc_client_descriptor(fixture.client),
                                     .events = POLLIN};
            (void)poll(&watched, 1,
                       deadline_ms < 0 || deadline_ms > 1000 ? 1000 : (int)deadline_ms);
        }
        assert_true(amqpc_now_ms() < end_ms);
    }
    assert_int_equal(42, completion.context);
    client_fixture_free(&fixture);
}

/* --- Idle. */

static void test_idle_client_sleeps(void **state)
{
    client_fixture fixture;
    amqpc_client_statistics before = {.struct_size = sizeof before};
    amqpc_client_statistics after = {.struct_size = sizeof after};
    const struct timespec time = {.tv_nsec = 200000000};
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    assert_ok(amqpc_client_wait_open(fixture.client, PATIENCE_MS));
    (void)nanosleep(&time, NULL);
    amqpc_client_get_statistics(fixture.client, &before);
    (void)nanosleep(&time, NULL);
    amqpc_client_get_statistics(fixture.client, &after);
    assert_true(after.waits - before.waits < 10);
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_105_threads_share_a_client),
        cmocka_unit_test(test_posted_messages_go_out_though_nobody_waits),
        cmocka_unit_test(test_background_answers_heartbeats),
        cmocka_unit_test(test_closing_does_not_wait_for_a_sender_that_is_freed),
        cmocka_unit_test(test_row_102_signal_ends_a_wait),
        cmocka_unit_test(test_background_leaves_signals_to_the_program),
        cmocka_unit_test(test_row_104_child_of_a_fork_is_refused),
        cmocka_unit_test(test_row_103_no_descriptors_are_left),
        cmocka_unit_test(test_foreign_loop_drives_by_descriptor_and_deadline),
        cmocka_unit_test(test_idle_client_sleeps),
    };
    return cmocka_run_group_tests_name("client_driver", tests, NULL, NULL);
}
