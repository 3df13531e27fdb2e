/* The linker gives these the library's calls (--wrap). */
#define _GNU_SOURCE
#include "support/socket_faults.h"

#include <errno.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

socket_faults faults;

void socket_faults_clear(void)
{
    faults = (socket_faults){0};
}

static unsigned long moves; /* calls that move bytes */

/* Whether the call fails instead of being made, with errno. */
static bool fails_to_move(void)
{
    moves++;
    if (faults.interrupts > 0) {
        faults.interrupts--;
        errno = EINTR;
        return true;
    }
    if (faults.blocks > 0 && moves % faults.blocks != 0) {
        errno = EAGAIN;
        return true;
    }
    return false;
}

ssize_t __real_recv(int descriptor, void *data, size_t size, int flags);
ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags);
ssize_t __wrap_recv(int descriptor, void *data, size_t size, int flags)
{
    faults.reads++;
    if (fails_to_move()) {
        return -1;
    }
    bool is_limited = faults.read_max > 0 && size > faults.read_max;
    return __real_recv(descriptor, data, is_limited ? faults.read_max : size, flags);
}

ssize_t __real_sendmsg(int descriptor, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    faults.writes++;
    if (fails_to_move()) {
        return -1;
    }
    bool is_limited = faults.write_max > 0 && message->msg_iov[0].iov_len > faults.write_max;
    if (is_limited) {
        return send(descriptor, message->msg_iov[0].iov_base, faults.write_max, flags);
    }
    struct msghdr first = *message;
    first.msg_iovlen = faults.write_max > 0 ? 1 : message->msg_iovlen;
    return __real_sendmsg(descriptor, &first, flags);
}

int __real_epoll_wait(int descriptor, struct epoll_event *events, int capacity, int timeout_ms);
int __wrap_epoll_wait(int descriptor, struct epoll_event *events, int capacity, int timeout_ms);
int __wrap_epoll_wait(int descriptor, struct epoll_event *events, int capacity, int timeout_ms)
{
    faults.waits++;
    if (faults.waits_interrupted > 0) {
        faults.waits_interrupted--;
        errno = EINTR;
        return -1;
    }
    return __real_epoll_wait(descriptor, events, capacity, timeout_ms);
}

/* --- What makes descriptors. */

static bool fails_to_make(void)
{
    faults.makes++;
    errno = faults.descriptors_error;
    return faults.descriptors_error != 0;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    return fails_to_make() ? -1 : __real_socket(family, type, protocol);
}

int __real_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags)
{
    if (faults.interrupts > 0) {
        faults.interrupts--;
        errno = EINTR;
        return -1;
    }
    return fails_to_make() ? -1 : __real_accept4(descriptor, address, size, flags);
}

int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags)
{
    return fails_to_make() ? -1 : __real_eventfd(value, flags);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
    return fails_to_make() ? -1 : __real_epoll_create1(flags);
}

/* --- Names and time. */

int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found)
{
    if (hints->ai_flags & AI_NUMERICHOST) {
        return __real_getaddrinfo(name, service, hints, found);
    }
    while (atomic_load(&faults.lookup_waits)) {
        const struct timespec short_while = {.tv_nsec = 1000000};
        (void)nanosleep(&short_while, NULL);
    }
    int result = faults.lookup_error;
    if (result == 0) {
        result = __real_getaddrinfo(name, service, hints, found);
    }
    atomic_fetch_add(&faults.lookups, 1);
    errno = EIO; /* what EAI_SYSTEM stands for */
    return result;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);
    now->tv_sec += (time_t)(faults.clock_ms / 1000);
    return result;
}
