/* Pollers: waiting, waking, deadlines, foreign loops, signals, forks. */
#define _XOPEN_SOURCE 700 /* for setitimer */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/socket_faults.h"
#include "transport_fixture.h"

static amqpc_poller *make_poller(void)
{
    amqpc_poller *poller = NULL;
    socket_faults_clear();
    assert_int_equal(amqpc_poller_new(NULL, &poller), AMQPC_OK);
    return poller;
}

static void test_a_wait_ends_when_the_time_is_up(void **state)
{
    (void)state;
    amqpc_poller *poller = make_poller();
    amqpc_ready ready;
    uint64_t begin_ms = amqpc_now_ms();
    assert_int_equal(amqpc_poller_wait(poller, 0), AMQPC_TIMED_OUT);
    assert_int_equal(amqpc_poller_wait(poller, 20), AMQPC_TIMED_OUT);
    assert_true(amqpc_now_ms() - begin_ms >= 20);
    assert_false(amqpc_poller_next(poller, &ready));
    assert_int_equal(amqpc_poller_deadline(poller), AMQPC_FOREVER);
    amqpc_poller_free(poller);
    amqpc_poller_free(NULL);
}

static void test_waking_ends_the_next_wait_once(void **state)
{
    (void)state;
    amqpc_poller *poller = make_poller();
    amqpc_poller_wake(poller);
    amqpc_poller_wake(poller);
    assert_int_equal(amqpc_poller_wait(poller, AMQPC_FOREVER), AMQPC_TIMED_OUT);
    uint64_t begin_ms = amqpc_now_ms();
    assert_int_equal(amqpc_poller_wait(poller, 10), AMQPC_TIMED_OUT);
    assert_true(amqpc_now_ms() - begin_ms >= 10);
    amqpc_poller_free(poller);
}

static bool is_readable(int descriptor, int timeout_ms)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    return poll(&watched, 1, timeout_ms) == 1;
}

/* As poller.h says that a foreign loop goes. */
static void run_foreign_loop(transport_fixture *fixture, fixture_condition *condition)
{
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    for (;;) {
        while (transport_fixture_round(fixture, 0) == AMQPC_OK) {
        }
        if (condition(fixture)) {
            return;
        }
        assert_true(amqpc_now_ms() < end_ms);
        int64_t deadline_ms = amqpc_poller_deadline(fixture->poller);
        bool is_far = deadline_ms < 0 || deadline_ms > PATIENCE_MS;
        (void)is_readable(amqpc_poller_descriptor(fixture->poller),
                          is_far ? PATIENCE_MS : (int)deadline_ms);
    }
}

static void test_a_foreign_loop_needs_the_descriptor_and_the_deadline(void **state)
{
    (void)state;
    transport_fixture fixture;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    assert_false(is_readable(amqpc_poller_descriptor(fixture.poller), 0));
    transport_fixture_connect(&fixture, NULL, NULL);
    run_foreign_loop(&fixture, client_is_open);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture.client);
    assert_int_equal(amqpc_poller_deadline(fixture.poller), 0);
    run_foreign_loop(&fixture, both_are_over);
    assert_int_equal(amqpc_poller_deadline(fixture.poller), AMQPC_FOREVER);
    transport_fixture_free(&fixture);
}

static void test_what_is_freed_does_not_come(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_ready ready;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_transport *transports[3];
    amqpc_transport_options options = transport_fixture_options(&fixture);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &transports[i]),
                         AMQPC_OK);
    }
    assert_int_equal(amqpc_poller_wait(fixture.poller, PATIENCE_MS), AMQPC_OK);
    amqpc_transport_free(transports[0]);
    amqpc_transport_free(transports[2]);
    while (amqpc_poller_next(fixture.poller, &ready)) {
        assert_true(ready.listener == fixture.listener || ready.transport == transports[1]);
    }
    transport_fixture_free(&fixture);
}

static void test_what_was_not_taken_keeps_the_next_wait_short(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_ready ready;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    assert_int_equal(amqpc_poller_wait(fixture.poller, AMQPC_FOREVER), AMQPC_OK);
    assert_int_equal(amqpc_poller_deadline(fixture.poller), 0);
    assert_int_equal(amqpc_poller_wait(fixture.poller, AMQPC_FOREVER), AMQPC_OK);
    assert_true(amqpc_poller_next(fixture.poller, &ready));
    transport_fixture_free(&fixture);
}

/* The listener's events make transports; the transports' events free them. */
static void test_row_106_calls_are_made_while_events_are_read(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_ready ready;
    size_t made = 0;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    transport_fixture_connect(&fixture, &options, NULL);
    for (size_t round = 0; made < 100; round++) {
        assert_int_equal(amqpc_poller_wait(fixture.poller, PATIENCE_MS), AMQPC_OK);
        while (amqpc_poller_next(fixture.poller, &ready)) {
            if (ready.listener != NULL) {
                (void)!amqpc_listener_accept(ready.listener, NULL, &fixture.server);
                continue;
            }
            amqpc_transport *next = NULL;
            assert_int_equal(amqpc_transport_connect(fixture.poller, &options, NULL, &next),
                             AMQPC_OK);
            assert_int_equal(amqpc_transport_flush(next), AMQPC_OK);
            amqpc_transport_touch(ready.transport);
            amqpc_transport_free(ready.transport);
            made++;
        }
    }
    transport_fixture_free(&fixture);
}

/* Of calls in its turn, that is, before the flush and after it. */
static void test_calls_after_a_flush_go_out_with_the_next_round(void **state)
{
    (void)state;
    transport_fixture fixture;
    amqpc_ready ready;
    amqpc_session *session = NULL;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_transport_options options = transport_fixture_options(&fixture);
    transport_fixture_connect(&fixture, &options, NULL);
    while (session == NULL) {
        assert_int_equal(amqpc_poller_wait(fixture.poller, PATIENCE_MS), AMQPC_OK);
        while (amqpc_poller_next(fixture.poller, &ready)) {
            transport_fixture_take(&fixture, &ready);
            if (session == NULL && ready.transport == fixture.client && client_is_open(&fixture)) {
                assert_int_equal(amqpc_transport_flush(fixture.client), AMQPC_OK);
                amqpc_connection *connection = amqpc_transport_connection(fixture.client);
                assert_int_equal(amqpc_session_new(connection, &session), AMQPC_OK);
                assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
            }
        }
    }
    assert_int_equal(amqpc_poller_deadline(fixture.poller), 0);
    transport_fixture_free(&fixture);
}

/* --- Signals. */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void test_row_102_a_signal_ends_the_wait(void **state)
{
    (void)state;
    amqpc_poller *poller = make_poller();
    const struct sigaction action = {.sa_handler = count_signal};
    const struct sigaction kept = {.sa_handler = SIG_DFL};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    /* Again and again, so that one comes while it waits. */
    const struct itimerval often = {{.tv_usec = 5000}, {.tv_usec = 5000}};
    const struct itimerval never = {{0}, {0}};
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(amqpc_poller_wait(poller, AMQPC_FOREVER), AMQPC_INTERRUPTED);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_true(signals > 0);
    assert_int_equal(sigaction(SIGALRM, &kept, NULL), 0);
    amqpc_poller_free(poller);
}

static void test_row_102_an_interrupted_wait_keeps_what_is_ready(void **state)
{
    (void)state;
    transport_fixture fixture;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    faults.waits_interrupted = 1;
    assert_int_equal(amqpc_poller_wait(fixture.poller, AMQPC_FOREVER), AMQPC_OK);
    faults.waits_interrupted = 1;
    transport_fixture_wait(&fixture, client_is_open);
    transport_fixture_free(&fixture);
}

static amqpc_poller *woken;

static void wake_it(int number)
{
    (void)number;
    amqpc_poller_wake(woken);
}

static void test_a_signal_handler_may_wake(void **state)
{
    (void)state;
    woken = make_poller();
    const struct sigaction action = {.sa_handler = wake_it};
    const struct sigaction kept = {.sa_handler = SIG_DFL};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(amqpc_poller_wait(woken, AMQPC_FOREVER), AMQPC_TIMED_OUT);
    assert_int_equal(sigaction(SIGUSR1, &kept, NULL), 0);
    amqpc_poller_free(woken);
}

/* --- Forks. */

/* What the child sees; 0 where all is as it should be. */
static int use_in_child(const transport_fixture *fixture)
{
    amqpc_transport *transport = NULL;
    amqpc_listener *listener = NULL;
    amqpc_transport_options options = transport_fixture_options(fixture);
    if (amqpc_poller_wait(fixture->poller, 0) != AMQPC_FORKED) {
        return 1;
    }
    if (amqpc_transport_connect(fixture->poller, &options, NULL, &transport) != AMQPC_FORKED) {
        return 2;
    }
    if (amqpc_listener_new(fixture->poller, NULL, &listener, NULL, 0) != AMQPC_FORKED) {
        return 3;
    }
    if (amqpc_listener_accept(fixture->listener, NULL, &transport) != AMQPC_FORKED) {
        return 4;
    }
    if (amqpc_transport_flush(fixture->client) != AMQPC_FORKED) {
        return 5;
    }
    amqpc_poller_wake(fixture->poller);
    amqpc_transport_free(fixture->client);
    amqpc_poller_free(fixture->poller);
    return amqpc_poller_new(NULL, (amqpc_poller **)(uintptr_t)&fixture->poller) == AMQPC_OK ? 0 : 6;
}

static void test_row_104_the_child_of_a_fork_is_refused_and_disturbs_nothing(void **state)
{
    (void)state;
    transport_fixture fixture;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    pid_t child = fork();
    if (child == 0) {
        _exit(use_in_child(&fixture));
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    /* The parent's connection goes on, and ends in good order. */
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(fixture.client);
    transport_fixture_wait(&fixture, both_are_over);
    assert_int_equal(amqpc_transport_get_state(fixture.client), AMQPC_TRANSPORT_CLOSED);
    assert_int_equal(amqpc_transport_get_state(fixture.server), AMQPC_TRANSPORT_CLOSED);
    transport_fixture_free(&fixture);
}

/* A child that keeps the parent's sockets open would keep them watched, too. */
static void test_row_104_closing_ends_the_watch_while_a_child_holds_the_socket(void **state)
{
    (void)state;
    transport_fixture fixture;
    int pipes[2];
    char byte = 0;
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    transport_fixture_connect(&fixture, NULL, NULL);
    transport_fixture_wait(&fixture, client_is_open);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(pipes[1]);
        _exit(read(pipes[0], &byte, 1) == 0 ? 0 : 1);
    }
    (void)close(pipes[0]);
    amqpc_transport_free(fixture.server);
    amqpc_transport_free(fixture.client);
    faults.waits = 0;
    assert_int_equal(amqpc_poller_wait(fixture.poller, 20), AMQPC_TIMED_OUT);
    assert_true(faults.waits < 10); /* it slept */
    (void)close(pipes[1]);
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    transport_fixture_free(&fixture);
}

/* --- What cannot be made. */

static void test_row_103_without_descriptors_no_poller_is_made(void **state)
{
    (void)state;
    amqpc_poller *poller = NULL;
    socket_faults_clear();
    faults.descriptors_error = EMFILE;
    assert_int_equal(amqpc_poller_new(NULL, &poller), AMQPC_NO_DESCRIPTORS);
    assert_null(poller);
    socket_faults_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_when_the_time_is_up),
        cmocka_unit_test(test_waking_ends_the_next_wait_once),
        cmocka_unit_test(test_a_foreign_loop_needs_the_descriptor_and_the_deadline),
        cmocka_unit_test(test_what_is_freed_does_not_come),
        cmocka_unit_test(test_what_was_not_taken_keeps_the_next_wait_short),
        cmocka_unit_test(test_row_106_calls_are_made_while_events_are_read),
        cmocka_unit_test(test_calls_after_a_flush_go_out_with_the_next_round),
        cmocka_unit_test(test_row_102_a_signal_ends_the_wait),
        cmocka_unit_test(test_row_102_an_interrupted_wait_keeps_what_is_ready),
        cmocka_unit_test(test_a_signal_handler_may_wake),
        cmocka_unit_test(test_row_104_the_child_of_a_fork_is_refused_and_disturbs_nothing),
        cmocka_unit_test(test_row_104_closing_ends_the_watch_while_a_child_holds_the_socket),
        cmocka_unit_test(test_row_103_without_descriptors_no_poller_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
