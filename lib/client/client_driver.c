/* Waiting: one of those who wait drives the connection, and calls the others.
 *
 * A thread that sleeps has to be woken, which takes a processor that is idle longer than a peer
 * nearby needs for its answer. So whoever drives looks for a moment before it sleeps, and lets
 * others run meanwhile. Where that was in vain, the next sleeps come without: ever more of them as
 * long as nothing comes so soon. */
#define _GNU_SOURCE /* eventfd */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "engine/session.h"
#include "transport/poller.h"

/* As much output is sent without waiting for anybody to look: few calls of the system, and it is
 * still in the processor's cache. */
enum { OUTPUT_MUCH = 128 * 1024 };

enum {
    LOOKING_NS = 100 * 1000,
    SLEEPS_MAX = 63 /* without looking before */
};

void amqpci_driver_init(amqpci_driver *driver)
{
    driver->left_ms = amqpc_now_ms();
    driver->may_look = sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

void amqpci_driver_clean_up(amqpci_driver *driver)
{
    while (driver->spare_count > 0) {
        (void)close(driver->spares[--driver->spare_count]);
    }
}

uint64_t amqpci_deadline(int64_t timeout_ms)
{
    if (timeout_ms == 0) {
        return 0;
    }
    if (timeout_ms == AMQPC_LOOK) {
        return AMQPCI_DEADLINE_LOOK;
    }
    return timeout_ms < 0 ? UINT64_MAX : amqpc_now_ms() + (uint64_t)timeout_ms;
}

static int64_t time_left_ms(uint64_t deadline_ms)
{
    if (deadline_ms == UINT64_MAX) {
        return AMQPC_FOREVER;
    }
    uint64_t now_ms = deadline_ms == 0 ? 0 : amqpc_now_ms();
    return deadline_ms > now_ms ? (int64_t)(deadline_ms - now_ms) : 0;
}

/* --- Driving. */

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool has_handler(int signal_number)
{
    struct sigaction action;
    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
           action.sa_handler != SIG_IGN;
}

/* Whether a handler will run once signals are let in again as by this mask. */
static bool is_signal_pending(const sigset_t *mask)
{
    sigset_t pending;
    bool any = false;
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    for (int i = 1; i < NSIG && !any; i++) {
        any = sigismember(&pending, i) == 1 && sigismember(mask, i) == 0 && has_handler(i);
    }
    return any;
}

static bool look_until(const amqpc_poller *poller, int64_t end_ns, amqpci_poller_events *events)
{
    do {
        amqpci_poller_sleep(poller, 0, events);
        if (events->count != 0) {
            return true;
        }
        (void)sched_yield();
    } while (now_ns() < end_ns);
    return false;
}

/* Looks until something has happened, or the moment is over; returns whether it has. Signals wait
 * meanwhile: the sleep behind it would not be interrupted by a handler that has run before. */
static bool look(const amqpc_poller *poller, amqpci_poller_events *events)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool has_come = look_until(poller, now_ns() + LOOKING_NS, events);
    if (!has_come && is_signal_pending(&before)) {
        *events = (amqpci_poller_events){.count = -1, .system_error = EINTR};
        has_come = true;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return has_come;
}

/* Without the lock: who drives alone has these members of the driver. */
static void look_and_sleep(amqpci_driver *driver, const amqpc_poller *poller, int wait_ms,
                           amqpci_poller_events *events)
{
    if (driver->sleeps_left > 0) {
        driver->sleeps_left--;
    } else if (driver->may_look && !driver->is_background) {
        bool has_come = look(poller, events);
        driver->sleeps = has_come ? 0 : driver->sleeps * 2 + 1;
        if (has_come) {
            return;
        }
        driver->sleeps = driver->sleeps > SLEEPS_MAX ? SLEEPS_MAX : driver->sleeps;
        driver->sleeps_left = driver->sleeps;
    }
    amqpci_poller_sleep(poller, wait_ms, events);
}

amqpc_status amqpci_driver_round(amqpc_client *client, uint64_t until_ms)
{
    if (amqpci_client_advance(client, amqpc_now_ms())) {
        until_ms = 0; /* somebody may have waited for that */
    }
    uint64_t due_ms = amqpci_client_due(client);
    int wait_ms = 0;
    amqpci_poller_events events;
    client->driver.round++;
    amqpc_status status = amqpci_poller_prepare(
        client->poller, time_left_ms(due_ms < until_ms ? due_ms : until_ms), &wait_ms);
    if (status != AMQPC_OK) {
        return status;
    }
    if (wait_ms == 0) {
        amqpci_poller_sleep(client->poller, 0, &events);
    } else {
        (void)pthread_mutex_unlock(&client->mutex);
        look_and_sleep(&client->driver, client->poller, wait_ms, &events);
        (void)pthread_mutex_lock(&client->mutex);
    }
    client->past.waits++;
    status = amqpci_poller_collect(client->poller, &events);
    amqpci_client_take_events(client);
    amqpci_driver_call_waiters(client);
    if (events.system_error == EINTR) {
        return AMQPC_INTERRUPTED; /* also where something has happened besides */
    }
    return status == AMQPC_TIMED_OUT ? AMQPC_OK : status;
}

void amqpci_driver_hand_over(amqpc_client *client)
{
    amqpci_driver *driver = &client->driver;
    driver->is_busy = false;
    driver->is_background = false;
    driver->is_wanted = false;
    driver->left_ms = amqpc_now_ms();
    amqpci_waiter *next = driver->waiters;
    while (next != NULL && next->is_called) {
        next = next->next;
    }
    if (next != NULL) {
        next->is_called = true;
        amqpci_ring(next->descriptor);
    }
    if (driver->is_long) {
        driver->is_long = false;
        (void)pthread_cond_signal(&client->background.wake);
    }
}

/* Rounds until the condition holds. At least one, so that a time-out of 0 sees what has come. */
static amqpc_status drive(amqpc_client *client, uint64_t deadline_ms, amqpci_condition *is_met,
                          const void *object)
{
    amqpc_status status = AMQPC_OK;
    client->driver.is_busy = true;
    for (;;) {
        status = amqpci_driver_round(client, deadline_ms);
        if (is_met(object)) {
            status = AMQPC_OK;
            break;
        }
        if (status == AMQPC_OK && time_left_ms(deadline_ms) == 0) {
            status = AMQPC_TIMED_OUT;
        }
        if (status != AMQPC_OK) {
            break;
        }
    }
    amqpci_driver_hand_over(client);
    return status;
}

/* --- Following. */

static amqpc_status take_descriptor(amqpci_driver *driver, int *descriptor)
{
    if (driver->spare_count > 0) {
        *descriptor = driver->spares[--driver->spare_count];
        return AMQPC_OK;
    }
    *descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (*descriptor >= 0) {
        return AMQPC_OK;
    }
    return errno == EMFILE || errno == ENFILE ? AMQPC_NO_DESCRIPTORS : AMQPC_SYSTEM_ERROR;
}

static void give_descriptor_back(amqpci_driver *driver, const amqpci_waiter *waiter)
{
    if (waiter->is_called) {
        uint64_t calls = 0;
        ssize_t size = read(waiter->descriptor, &calls, sizeof calls);
        (void)size; /* it only has to be silent again */
    }
    if (driver->spare_count < AMQPCI_SPARE_DESCRIPTORS) {
        driver->spares[driver->spare_count++] = waiter->descriptor;
    } else {
        (void)close(waiter->descriptor);
    }
}

static void join(amqpci_driver *driver, amqpci_waiter *waiter)
{
    amqpci_waiter **at = &driver->waiters;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = waiter;
}

static void part(amqpci_driver *driver, const amqpci_waiter *waiter)
{
    amqpci_waiter **at = &driver->waiters;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
}

void amqpci_driver_call_waiters(amqpc_client *client)
{
    for (amqpci_waiter *at = client->driver.waiters; at != NULL; at = at->next) {
        if (!at->is_called && at->is_met(at->object)) {
            at->is_called = true;
            amqpci_ring(at->descriptor);
        }
    }
}

void amqpci_driver_look_again(amqpc_client *client)
{
    amqpci_driver_call_waiters(client);
    if (client->driver.is_busy) {
        amqpc_poller_wake(client->poller);
    }
}

/* The thread in the background drives only where nobody else wants to. */
static void ask_background_to_leave(amqpc_client *client)
{
    amqpci_driver *driver = &client->driver;
    if (driver->is_background && !driver->is_wanted) {
        driver->is_wanted = true;
        amqpc_poller_wake(client->poller);
    }
}

/* Sleeps until somebody calls; then it is to be looked again. */
static amqpc_status follow(amqpc_client *client, uint64_t deadline_ms, amqpci_condition *is_met,
                           const void *object)
{
    amqpci_waiter waiter = {.is_met = is_met, .object = object, .descriptor = -1};
    int64_t left_ms = time_left_ms(deadline_ms);
    if (left_ms == 0) {
        return AMQPC_TIMED_OUT;
    }
    amqpc_status status = take_descriptor(&client->driver, &waiter.descriptor);
    if (status != AMQPC_OK) {
        return status;
    }
    ask_background_to_leave(client);
    amqpci_client_flush(client); /* whoever sleeps does not know of the output */
    join(&client->driver, &waiter);
    (void)pthread_mutex_unlock(&client->mutex);
    struct pollfd watched = {.fd = waiter.descriptor, .events = POLLIN};
    int count = poll(&watched, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
    int system_error = count < 0 ? errno : 0;
    (void)pthread_mutex_lock(&client->mutex);
    part(&client->driver, &waiter);
    give_descriptor_back(&client->driver, &waiter);
    if (system_error != 0) {
        return system_error == EINTR ? AMQPC_INTERRUPTED : AMQPC_SYSTEM_ERROR;
    }
    return AMQPC_OK;
}

amqpc_status amqpci_client_wait(amqpc_client *client, uint64_t deadline_ms,
                                amqpci_condition *is_met, const void *object)
{
    amqpc_status status = AMQPC_OK;
    if (deadline_ms == AMQPCI_DEADLINE_LOOK) {
        return is_met(object) ? AMQPC_OK : AMQPC_TIMED_OUT;
    }
    while (status == AMQPC_OK && !is_met(object)) {
        if (!client->driver.is_busy) {
            return drive(client, deadline_ms, is_met, object);
        }
        status = follow(client, deadline_ms, is_met, object);
    }
    if (!client->driver.is_busy && client->driver.waiters != NULL) {
        amqpci_driver_hand_over(client); /* perhaps it was this one's turn */
    }
    return is_met(object) ? AMQPC_OK : status;
}

/* --- Output of calls. */

size_t amqpci_client_output_size(const amqpc_client *client)
{
    return client->transport == NULL ? 0
                                     : amqpc_transport_connection(client->transport)->output.size;
}

bool amqpci_client_has_pending(const amqpc_client *client)
{
    const amqpc_session *session = NULL;
    if (client->transport == NULL) {
        return false;
    }
    const amqpc_connection *connection = amqpc_transport_connection(client->transport);
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        if (session->pending.first != NULL) {
            return true;
        }
    }
    return false;
}

bool amqpci_client_is_all_sent(const amqpc_client *client)
{
    return amqpci_client_output_size(client) == 0 && !amqpci_client_has_pending(client);
}

void amqpci_client_flush(amqpc_client *client)
{
    if (client->transport == NULL) {
        return;
    }
    if (amqpc_transport_flush(client->transport) != AMQPC_OK) {
        amqpc_transport_touch(client->transport); /* with the next round, which says so */
    }
}

void amqpci_client_send_soon(amqpc_client *client)
{
    const amqpci_driver *driver = &client->driver;
    if (client->transport == NULL) {
        return;
    }
    if (driver->is_busy) {
        amqpci_client_flush(client);
        ask_background_to_leave(client);
    } else if (amqpci_client_output_size(client) >= OUTPUT_MUCH) {
        amqpci_client_flush(client);
    } else {
        amqpc_transport_touch(client->transport);
    }
}
