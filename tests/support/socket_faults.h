/* Calls of the system that misbehave. A test that is linked with amqpcodec_wrap_sockets has its
 * library call these; without faults they do what the system does. */
#ifndef TESTS_SUPPORT_SOCKET_FAULTS_H
#define TESTS_SUPPORT_SOCKET_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All 0: no faults.
 *
 * read_max, write_max      bytes that one call moves at most; 0 for no limit
 * blocks                   of every so many calls that move bytes one alone does, the others answer
 *                          EAGAIN; 0 for none
 * interrupts               so many calls that move bytes, accept or wait answer EINTR before they
 *                          are made
 * waits_interrupted        likewise, only those that wait
 * lookup_error             of getaddrinfo; 0 for the real answer
 * lookup_waits             getaddrinfo does not return while it holds
 * lookups                  calls of getaddrinfo, for names, that have come to their end
 * descriptors_error        errno of what makes descriptors; 0 for none
 * clock_ms                 is added to the clock
 * Counted:
 * reads, writes, waits, makes  calls since the faults were cleared, those that failed included */
typedef struct socket_faults {
    size_t read_max;
    size_t write_max;
    unsigned blocks;
    unsigned interrupts;
    unsigned waits_interrupted;
    int lookup_error;
    atomic_bool lookup_waits;
    atomic_uint lookups;
    int descriptors_error;
    int64_t clock_ms;
    unsigned long reads;
    unsigned long writes;
    unsigned long waits;
    unsigned long makes;
} socket_faults;

extern socket_faults faults;

/* No faults from now on. */
void socket_faults_clear(void);

#endif
