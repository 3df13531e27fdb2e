/* Sending threads of `amqpcodec perf`. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <amqpcodec/sender.h>

#include "tools/perf/perf.h"
#include "tools/report.h"

enum { COMPLETIONS = 256, WAIT_OPEN_MS = 30000, NS_PER_MS = 1000000, BACKLOG_PAUSE_NS = 200000 };

/* A thread's work.
 *
 * payload       one message, whose stamp is written anew for each
 * payloads      of a batch: with a message that is the same for all of it
 * outstanding   messages without an outcome
 * moved_ns      when something was posted, or an outcome came, for the last time */
typedef struct sending {
    perf_worker *worker;
    perf_load *load;
    amqpc_sender *sender;
    uint8_t *payload;
    size_t header_size;
    amqpc_bytes payloads[PERF_BATCH_MAX];
    uint64_t outstanding;
    uint64_t moved_ns;
} sending;

size_t perf_header_size(uint64_t size)
{
    return size <= UINT8_MAX ? 5 : 8;
}

/* One data section (AMQP 3.2.6): the stamp, then letters. */
static void make_payload(sending *work)
{
    size_t size = (size_t)work->load->options->size;
    work->header_size = perf_header_size(size);
    work->payload = reallocate(NULL, work->header_size + size);
    memcpy(work->payload, (const uint8_t[]){0x00, 0x53, 0x75}, 3);
    if (size <= UINT8_MAX) {
        work->payload[3] = 0xa0;
        work->payload[4] = (uint8_t)size;
    } else {
        work->payload[3] = 0xb0;
        for (int i = 0; i < 4; i++) {
            work->payload[4 + i] = (uint8_t)(size >> (24 - 8 * i));
        }
    }
    memset(work->payload + work->header_size, 'x', size);
    memcpy(work->payload + work->header_size, &work->load->run, sizeof work->load->run);
    for (size_t i = 0; i < PERF_BATCH_MAX; i++) {
        work->payloads[i] = (amqpc_bytes){work->payload, work->header_size + size};
    }
}

static void stamp(sending *work, uint64_t now_ns)
{
    memcpy(work->payload + work->header_size + sizeof(uint64_t), &now_ns, sizeof now_ns);
}

static void fail(sending *work, const char *what, amqpc_status status)
{
    amqpc_client_error error;
    bool told = amqpc_sender_get_error(work->sender, &error) == AMQPC_OK;
    perf_fail(work->load, work->worker->client, told ? error.text : what, status);
}

/* --- Outcomes. */

/* Takes outcomes, waiting for the first up to a time. Returns false where that failed. */
static bool take_outcomes(sending *work, int64_t timeout_ms)
{
    amqpc_completion completions[COMPLETIONS];
    size_t count = COMPLETIONS;
    uint32_t good = work->load->options->settled ? AMQPC_COMPOSITE_NONE : AMQPC_COMPOSITE_ACCEPTED;
    while (count == COMPLETIONS) {
        amqpc_status status =
            amqpc_sender_completions(work->sender, completions, COMPLETIONS, timeout_ms, &count);
        if (status == AMQPC_TIMED_OUT || status == AMQPC_NOT_FOUND || status == AMQPC_INTERRUPTED) {
            return true;
        }
        if (status != AMQPC_OK) {
            fail(work, "outcomes", status);
            return false;
        }
        uint64_t accepted = 0;
        for (size_t i = 0; i < count; i++) {
            accepted += !completions[i].unknown && completions[i].state_type == good;
        }
        atomic_fetch_add(&work->load->accepted, accepted);
        atomic_fetch_add(&work->load->refused, count - accepted);
        work->outstanding -= count;
        work->moved_ns = perf_now_ns();
        timeout_ms = 0;
    }
    return true;
}

/* --- Posting. */

/* Posts what can be posted now, and takes outcomes. Returns how many; -1 where that failed. */
static int64_t post(sending *work, size_t count, uint64_t stamp_ns, int64_t timeout_ms)
{
    size_t posted = 0;
    stamp(work, stamp_ns);
    amqpc_status status =
        amqpc_sender_post_batch(work->sender, work->payloads, count, 0, timeout_ms, &posted);
    work->outstanding += posted;
    atomic_fetch_add(&work->load->sent, posted);
    if (status != AMQPC_OK && status != AMQPC_TIMED_OUT && status != AMQPC_INTERRUPTED) {
        fail(work, "sending", status);
        return -1;
    }
    if (posted > 0) {
        work->moved_ns = perf_now_ns();
    }
    return take_outcomes(work, 0) ? (int64_t)posted : -1;
}

/* Whether the thread goes on, though nothing went out. */
static bool is_patient(sending *work)
{
    uint64_t stalled_ns = (uint64_t)PERF_STALLED_MS * NS_PER_MS;
    if (perf_now_ns() - work->moved_ns < stalled_ns) {
        return !atomic_load(&work->load->ends);
    }
    perf_fail(work->load, work->worker->client, "nobody takes messages", AMQPC_TIMED_OUT);
    return false;
}

/* Waits for credit, or room in the window. */
static bool wait_for_room(sending *work, uint64_t stamp_ns, size_t *left)
{
    if (!work->load->options->settled && work->outstanding > 0) {
        return take_outcomes(work, PERF_PATIENCE_MS);
    }
    int64_t posted = post(work, 1, stamp_ns, PERF_PATIENCE_MS);
    *left -= posted > 0 ? (size_t)posted : 0;
    return posted >= 0;
}

/* Posts messages, whatever it takes. scheduled_ns: when they were to be sent; 0 for now. Returns
 * whether the thread goes on. */
static bool post_all(sending *work, size_t count, uint64_t scheduled_ns)
{
    size_t left = count;
    while (left > 0) {
        uint64_t stamp_ns = scheduled_ns != 0 ? scheduled_ns : perf_now_ns();
        int64_t posted = post(work, left, stamp_ns, 0);
        if (posted < 0) {
            return false;
        }
        left -= (size_t)posted;
        if (left > 0 && posted == 0 &&
            (!is_patient(work) || !wait_for_room(work, stamp_ns, &left))) {
            return false;
        }
    }
    return !atomic_load(&work->load->ends);
}

/* Takes on so many messages; 0 where all are taken. */
static size_t claim(perf_load *load, size_t wanted)
{
    uint64_t count = load->options->count;
    uint64_t before = atomic_fetch_add(&load->claimed, wanted);
    if (count == 0 || before + wanted <= count) {
        return wanted;
    }
    return before < count ? (size_t)(count - before) : 0;
}

/* Sends what was posted, takes outcomes, and sleeps. Returns whether the thread goes on. */
static bool pause_for(sending *work, uint64_t pause_ns)
{
    struct timespec pause = {.tv_nsec = (long)pause_ns};
    int64_t deadline_ms = 0;
    amqpc_status status = amqpc_client_process(work->worker->client, &deadline_ms);
    if (status != AMQPC_OK) {
        fail(work, "sending", status);
        return false;
    }
    if (!take_outcomes(work, 0) || atomic_load(&work->load->ends)) {
        return false;
    }
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    return true;
}

/* Waits until receivers are not too far behind. Returns whether the thread goes on. */
static bool keep_backlog(sending *work)
{
    uint64_t backlog = work->load->options->backlog;
    while (backlog > 0 && atomic_load(&work->load->sent) >= perf_received(work->load) + backlog) {
        if (!is_patient(work) || !pause_for(work, BACKLOG_PAUSE_NS)) {
            return false;
        }
    }
    return true;
}

static void send_flat_out(sending *work)
{
    size_t count = 0;
    do {
        count = claim(work->load, work->load->options->batch);
    } while (count > 0 && keep_backlog(work) && post_all(work, count, 0));
}

/* The time of each message is fixed beforehand: one that goes out late has waited, and its latency
 * says so, whoever held it up. */
static void send_at_rate(sending *work)
{
    const perf_options *options = work->load->options;
    double interval_ns = 1e9 * options->threads / options->rate;
    uint64_t started_ns = perf_now_ns();
    for (uint64_t number = 0;; number++) {
        uint64_t due_ns = started_ns + (uint64_t)((double)number * interval_ns);
        uint64_t now_ns = perf_now_ns();
        while (now_ns < due_ns) {
            uint64_t left_ns = due_ns - now_ns;
            uint64_t most_ns = (uint64_t)PERF_PATIENCE_MS * NS_PER_MS;
            left_ns = left_ns < most_ns ? left_ns : most_ns;
            if (!pause_for(work, left_ns)) {
                return;
            }
            now_ns = perf_now_ns();
        }
        if (claim(work->load, 1) == 0 || !keep_backlog(work) || !post_all(work, 1, due_ns)) {
            return;
        }
    }
}

/* Waits for the outcomes of all that was posted. */
static void finish(sending *work)
{
    int64_t deadline_ms = 0;
    work->moved_ns = perf_now_ns();
    while (work->outstanding > 0 && !atomic_load(&work->load->failed)) {
        uint64_t stalled_ns = (uint64_t)PERF_STALLED_MS * NS_PER_MS;
        if (!take_outcomes(work, PERF_PATIENCE_MS)) {
            return;
        }
        if (perf_now_ns() - work->moved_ns > stalled_ns) {
            perf_fail(work->load, work->worker->client, "outcomes", AMQPC_TIMED_OUT);
        }
    }
    (void)!amqpc_client_process(work->worker->client, &deadline_ms);
}

static bool open_link(sending *work)
{
    const perf_options *options = work->load->options;
    amqpc_sender_options sender_options;
    amqpc_sender_options_init(&sender_options, sizeof sender_options);
    sender_options.guarantee = options->settled ? AMQPC_AT_MOST_ONCE : AMQPC_AT_LEAST_ONCE;
    sender_options.window = options->window;
    amqpc_status status =
        amqpc_sender_new(work->worker->client, options->address, &sender_options, &work->sender);
    if (status != AMQPC_OK) {
        perf_fail(work->load, work->worker->client, "the link", status);
        return false;
    }
    status = amqpc_sender_wait_open(work->sender, WAIT_OPEN_MS);
    if (status != AMQPC_OK) {
        fail(work, "the link", status);
    }
    return status == AMQPC_OK;
}

void *perf_send(void *argument)
{
    perf_worker *worker = argument;
    sending *work = reallocate(NULL, sizeof *work);
    memset(work, 0, sizeof *work);
    work->worker = worker;
    work->load = worker->load;
    make_payload(work);
    if (open_link(work)) {
        work->moved_ns = perf_now_ns();
        if (worker->load->options->rate > 0) {
            send_at_rate(work);
        } else {
            send_flat_out(work);
        }
        finish(work);
    }
    amqpc_sender_free(work->sender);
    free(work->payload);
    free(work);
    worker->cpu_seconds = perf_thread_cpu();
    atomic_fetch_sub(&worker->load->senders, 1);
    return NULL;
}
