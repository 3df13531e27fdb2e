/* The thread in the background: it drives when nobody else has for a moment, so that heartbeats are
 * answered, prefetch stays filled, lost connections come back, and what was posted goes out.
 *
 * Nobody calls it for that, as that would cost a call of the system each time that a driver leaves:
 * it looks by itself after a moment. Once it drives it sleeps until something happens, and it
 * leaves as soon as the application is at work again. */
#define _GNU_SOURCE /* pthread_setname_np */

#include <signal.h>
#include <time.h>

#include "client/client.h"

enum { MOMENT_MS = 10 };

/* Until it is called, or `time_ms` are over. */
static void sleep_for(amqpc_client *client, uint64_t time_ms)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    uint64_t nanoseconds = (uint64_t)end.tv_nsec + time_ms % 1000 * 1000000;
    end.tv_sec += (time_t)(time_ms / 1000 + nanoseconds / 1000000000);
    end.tv_nsec = (long)(nanoseconds % 1000000000);
    (void)pthread_cond_timedwait(&client->background.wake, &client->mutex, &end);
}

/* Somebody drives. Where it is the same sleep still after a moment, whoever drives is asked to call
 * when it leaves, which may take hours. */
static void wait_for_driver(amqpc_client *client)
{
    uint64_t round = client->driver.round;
    sleep_for(client, MOMENT_MS);
    amqpci_driver *driver = &client->driver;
    if (driver->is_busy && driver->round == round && !client->background.is_stopping) {
        driver->is_long = true;
        (void)pthread_cond_wait(&client->background.wake, &client->mutex);
        driver->is_long = false;
    }
}

static void drive(amqpc_client *client)
{
    amqpci_driver *driver = &client->driver;
    amqpc_status status = AMQPC_OK;
    uint64_t calls = 0;
    driver->is_busy = true;
    driver->is_background = true;
    do {
        calls = driver->calls;
        status = amqpci_driver_round(client, UINT64_MAX);
    } while (status == AMQPC_OK && !driver->is_wanted && driver->calls == calls &&
             !client->background.is_stopping);
    amqpci_driver_hand_over(client);
}

static void *run(void *context)
{
    amqpc_client *client = (amqpc_client *)context;
    (void)pthread_mutex_lock(&client->mutex);
    while (!client->background.is_stopping) {
        uint64_t now_ms = amqpc_now_ms();
        uint64_t due_ms = client->driver.left_ms + MOMENT_MS;
        if (client->driver.is_busy) {
            wait_for_driver(client);
        } else if (now_ms < due_ms) {
            sleep_for(client, due_ms - now_ms);
        } else {
            drive(client);
        }
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return NULL;
}

static int start(amqpc_client *client)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&client->background.thread, NULL, run, client);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0) {
        (void)pthread_setname_np(client->background.thread, "amqpc-client");
    }
    return failure;
}

amqpc_status amqpci_background_start(amqpc_client *client)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&client->background.wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    client->background.is_running = start(client) == 0;
    if (!client->background.is_running) {
        (void)pthread_cond_destroy(&client->background.wake);
        return AMQPC_SYSTEM_ERROR;
    }
    return AMQPC_OK;
}

void amqpci_background_stop(amqpc_client *client)
{
    if (!client->background.is_running) {
        return;
    }
    (void)pthread_mutex_lock(&client->mutex);
    client->background.is_stopping = true;
    (void)pthread_cond_signal(&client->background.wake);
    amqpc_poller_wake(client->poller);
    (void)pthread_mutex_unlock(&client->mutex);
    (void)pthread_join(client->background.thread, NULL);
    (void)pthread_cond_destroy(&client->background.wake);
    client->background.is_running = false;
}
