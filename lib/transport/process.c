/* Forks are counted by the child itself, so that asking costs a load and no call of the system. */
#define _GNU_SOURCE /* for getrandom */
#include "transport/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>

static atomic_uint fork_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int registered; /* errno of pthread_atfork */

static void count_fork(void)
{
    atomic_fetch_add_explicit(&fork_count, 1, memory_order_relaxed);
}

static void begin(void)
{
    registered = pthread_atfork(NULL, NULL, count_fork);
}

amqpc_status amqpci_fork_count_begin(uint32_t *count)
{
    (void)pthread_once(&once, begin);
    if (registered != 0) {
        return AMQPC_NO_MEMORY;
    }
    *count = amqpci_fork_count();
    return AMQPC_OK;
}

uint32_t amqpci_fork_count(void)
{
    return atomic_load_explicit(&fork_count, memory_order_relaxed);
}

amqpc_status amqpci_random(void *data, size_t size)
{
    size_t filled = 0;
    while (filled < size) {
        ssize_t got = getrandom((uint8_t *)data + filled, size - filled, 0);
        if (got < 0 && errno != EINTR) {
            return AMQPC_SYSTEM_ERROR;
        }
        filled += got > 0 ? (size_t)got : 0;
    }
    return AMQPC_OK;
}
