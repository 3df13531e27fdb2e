/* The threads that look names up. */
#define _POSIX_C_SOURCE 200809L
#include "transport/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct amqpci_lookup {
    pthread_mutex_t mutex; /* of what follows */
    uint32_t holders;      /* the transport, the thread */
    bool is_done;
    int bell; /* -1: nobody waits any more */
    int error;
    int system_error;
    size_t count;
    amqpci_address addresses[AMQPCI_ADDRESSES_MAX];
    uint32_t port;
    char host[];
};

/* Called with the mutex held, which it releases. */
static void let_go(amqpci_lookup *lookup)
{
    lookup->holders--;
    bool is_last = lookup->holders == 0;
    (void)pthread_mutex_unlock(&lookup->mutex);
    if (is_last) {
        (void)pthread_mutex_destroy(&lookup->mutex);
        free(lookup);
    }
}

static void *look_up(void *argument)
{
    amqpci_lookup *lookup = (amqpci_lookup *)argument;
    int error = 0;
    int system_error = 0;
    size_t count = amqpci_address_resolve(lookup->host, lookup->port, lookup->addresses, &error,
                                          &system_error);
    (void)pthread_mutex_lock(&lookup->mutex);
    lookup->count = count;
    lookup->error = error;
    lookup->system_error = system_error;
    lookup->is_done = true;
    if (lookup->bell >= 0) {
        const uint64_t one = 1;
        ssize_t written = write(lookup->bell, &one, sizeof one);
        (void)written; /* where the counter is full, it rings already */
    }
    let_go(lookup);
    return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(amqpci_lookup *lookup)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t kept;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &kept);
    error = pthread_create(&thread, &attributes, look_up, lookup);
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    (void)pthread_attr_destroy(&attributes);
    return error;
}

static amqpc_status start(amqpci_lookup *made)
{
    made->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->bell < 0) {
        return errno == EMFILE || errno == ENFILE ? AMQPC_NO_DESCRIPTORS : AMQPC_SYSTEM_ERROR;
    }
    if (pthread_mutex_init(&made->mutex, NULL) != 0) {
        (void)close(made->bell);
        return AMQPC_NO_MEMORY;
    }
    if (start_thread(made) != 0) {
        (void)pthread_mutex_destroy(&made->mutex);
        (void)close(made->bell);
        return AMQPC_SYSTEM_ERROR;
    }
    return AMQPC_OK;
}

amqpc_status amqpci_lookup_start(const char *host, uint32_t port, int *descriptor,
                                 amqpci_lookup **lookup)
{
    size_t size = strlen(host) + 1;
    amqpci_lookup *made = (amqpci_lookup *)calloc(1, sizeof *made + size);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(made->host, host, size);
    made->port = port;
    made->holders = 2;
    amqpc_status status = start(made);
    if (status != AMQPC_OK) {
        free(made);
        return status;
    }
    *descriptor = made->bell; /* the thread never changes it */
    *lookup = made;
    return AMQPC_OK;
}

amqpc_status amqpci_lookup_get(amqpci_lookup *lookup, amqpci_lookup_result *result)
{
    (void)pthread_mutex_lock(&lookup->mutex);
    bool is_done = lookup->is_done;
    (void)pthread_mutex_unlock(&lookup->mutex);
    if (!is_done) {
        return AMQPC_NEED_MORE;
    }
    *result = (amqpci_lookup_result){
        .addresses = lookup->addresses,
        .count = lookup->count,
        .error = lookup->error,
        .system_error = lookup->system_error,
    };
    return AMQPC_OK;
}

void amqpci_lookup_free(amqpci_lookup *lookup, bool is_foreign)
{
    /* The thread, which may have held the mutex at the fork, is not there to give it back. */
    if (lookup == NULL || is_foreign) {
        return;
    }
    (void)pthread_mutex_lock(&lookup->mutex);
    lookup->bell = -1;
    let_go(lookup);
}
