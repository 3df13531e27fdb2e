/* `amqpcodec perf`: a load of messages, and what it took.
 *
 * Sending threads and receiving threads (perf_sender.c, perf_receiver.c) talk to a broker by the
 * client. With --direct the receiving end is a process of its own, a server (perf_direct.c). What
 * receivers count lies in memory that both processes share. */
#ifndef AMQPCODEC_TOOLS_PERF_PERF_H
#define AMQPCODEC_TOOLS_PERF_PERF_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amqpcodec/client.h>

#include "tools/perf/latency_histogram.h"

enum {
    PERF_THREADS_MAX = 64,
    PERF_BATCH_MAX = 1024,
    PERF_PATIENCE_MS = 100,   /* how long a thread waits before it looks whether to stop */
    PERF_STALLED_MS = 20000,  /* nothing moves for so long: it is given up */
    PERF_STAMP_SIZE = 16,     /* of each message: the run, and the time */
    PERF_HEADER_SIZE_MAX = 8, /* of a data section */
};

/* The command line.
 *
 * size      bytes of a message's data
 * rate      messages a second, all threads together; 0: as many as go
 * duration  seconds; 0 without limit
 * count     messages; 0 without limit
 * backlog   messages that are sent and not received; 0 without limit */
typedef struct perf_options {
    const char *url;
    const char *address;
    uint64_t size;
    uint32_t count;
    uint32_t duration;
    uint32_t rate;
    uint32_t batch;
    uint32_t window;
    uint32_t prefetch;
    uint32_t backlog;
    uint32_t connections;
    uint32_t threads;
    bool settled;
    bool direct;
    bool json;
    bool quiet;
    bool help;
} perf_options;

/* What one receiving thread, or the receiving process, counts. */
typedef struct perf_counts {
    atomic_uint_fast64_t received;
    latency_histogram latencies;
    double cpu_seconds;
} perf_counts;

struct perf_load;

/* A thread of either end, with a link of its own on a client that it may share. */
typedef struct perf_worker {
    struct perf_load *load;
    amqpc_client *client;
    pthread_t thread;
    perf_counts *counts; /* of a receiver */
    double cpu_seconds;
    bool runs;
} perf_worker;

/* One run.
 *
 * run         a number that stands in each message, to tell them from those of others
 * claimed     messages that threads have taken on to send
 * sent        posted
 * accepted    with a good outcome; sent settled
 * refused     with another
 * senders     threads that still send
 * receivers   threads whose links are attached
 * ends        no more is sent
 * is_over     receivers stop, too
 * failed      something was reported
 * started_ns, ended_ns  of CLOCK_MONOTONIC: when sending began, and the last message was received
 * receivers_counts      one for each receiving thread; in shared memory */
typedef struct perf_load {
    const perf_options *options;
    const char *url;
    uint64_t run;
    uint64_t started_ns;
    uint64_t ended_ns;
    atomic_uint_fast64_t claimed;
    atomic_uint_fast64_t sent;
    atomic_uint_fast64_t accepted;
    atomic_uint_fast64_t refused;
    atomic_uint_fast32_t senders;
    atomic_uint_fast32_t receivers;
    atomic_bool ends;
    atomic_bool is_over;
    atomic_bool failed;
    perf_counts *counts;
    size_t counts_count;
    perf_worker sending[PERF_THREADS_MAX];
    perf_worker receiving[PERF_THREADS_MAX];
} perf_load;

/* CLOCK_MONOTONIC, which processes of one machine share. */
uint64_t perf_now_ns(void);

/* CPU time of the calling thread, in seconds. */
double perf_thread_cpu(void);

/* Messages received so far, by all. */
uint64_t perf_received(const perf_load *load);

/* Threads: the argument is a perf_worker. */
void *perf_send(void *argument);
void *perf_receive(void *argument);

/* Where a message's stamp lies in its payload. */
size_t perf_header_size(uint64_t size);

/* Counts messages that have arrived, at one time. */
void perf_count(perf_counts *counts, uint64_t run, uint64_t now_ns, amqpc_bytes payload);

/* A failure of a thread: reported once for the whole load, which ends. */
void perf_fail(perf_load *load, amqpc_client *client, const char *what, amqpc_status status);

#endif
