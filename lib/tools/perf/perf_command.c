/* `amqpcodec perf`: options, and one run from its start to its summary. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/options.h"
#include "tools/peer.h"
#include "tools/perf/perf.h"
#include "tools/perf/perf_child.h"
#include "tools/perf/perf_report.h"
#include "tools/report.h"

#define MEMBER(name) offsetof(perf_options, name)

enum {
    DEFAULT_DURATION = 5,
    DURATION_MAX = 86400,
    LINKS_MAX = 1000000,
    LOOK_NS = 20000000,
    LAST_MS = 5000, /* what is on its way at the end may take so long, nothing arriving */
    URL_SIZE = 64,
    KIB = 1024,
    NS_PER_MS = 1000000
};

static const option_row rows[] = {
    {"size", "BYTES", OPTION_SIZE, MEMBER(size), PERF_STAMP_SIZE, 1 << 30,
     "data in each message, at least 16. Default: 100"},
    {"count", "N", OPTION_NUMBER, MEMBER(count), 1, UINT32_MAX, "send so many messages"},
    {"duration", "SECONDS", OPTION_NUMBER, MEMBER(duration), 1, DURATION_MAX,
     "send for so long. Default, without --count: 5"},
    {"rate", "N", OPTION_NUMBER, MEMBER(rate), 1, UINT32_MAX,
     "messages a second, of all threads together. Latencies count from when each message was\n"
     "due. Default: as many as go"},
    {"settled", NULL, OPTION_FLAG, MEMBER(settled), 0, 0,
     "send at most once. Default: every message is accepted"},
    {"batch", "N", OPTION_NUMBER, MEMBER(batch), 1, PERF_BATCH_MAX,
     "messages given to the library by one call. Default: 64"},
    {"window", "N", OPTION_NUMBER, MEMBER(window), 1, LINKS_MAX,
     "messages without an outcome of one sender. Default: 1000"},
    {"prefetch", "N", OPTION_NUMBER, MEMBER(prefetch), 1, LINKS_MAX,
     "credit of one receiver. Default: 1000"},
    {"backlog", "N", OPTION_NUMBER, MEMBER(backlog), 1, UINT32_MAX,
     "wait while more than N messages are sent and not received. Default: no limit"},
    {"connections", "N", OPTION_NUMBER, MEMBER(connections), 1, PERF_THREADS_MAX,
     "connections of either end. Default: 1"},
    {"threads", "N", OPTION_NUMBER, MEMBER(threads), 1, PERF_THREADS_MAX,
     "threads of either end, each with a link of its own; they share the connections where\n"
     "those are fewer. Default: one a connection"},
    {"direct", NULL, OPTION_FLAG, MEMBER(direct), 0, 0,
     "without a broker: a second process receives"},
    {"json", NULL, OPTION_FLAG, MEMBER(json), 0, 0, "print the summary as JSON, one line"},
    {"quiet", NULL, OPTION_FLAG, MEMBER(quiet), 0, 0, "show no progress"},
    {"help", NULL, OPTION_FLAG, MEMBER(help), 0, 0, "print this help"},
};

static const option_table table = {"perf", rows, sizeof rows / sizeof rows[0]};

static int print_help(void)
{
    printf("Usage: amqpcodec perf [OPTION...] [URL [ADDRESS]]\n"
           "\n"
           "Sends messages to an address of a broker, receives them from there, and prints how "
           "many went\n"
           "through, how long they took, and how much CPU time and memory that cost. Without URL "
           "it starts a\n"
           "broker of its own. Ctrl-C ends it with the summary. Returns 0 where all messages "
           "arrived, 1 where\n"
           "one did not, or something failed, 2 for a wrong command line.\n"
           "\n"
           "Options:\n");
    options_print_help(&table);
    return report_finish(EXIT_GOOD);
}

/* --- What the threads share. */

uint64_t perf_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double perf_thread_cpu(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

uint64_t perf_received(const perf_load *load)
{
    uint64_t received = 0;
    for (size_t i = 0; i < load->counts_count; i++) {
        received += atomic_load_explicit(&load->counts[i].received, memory_order_relaxed);
    }
    return received;
}

void perf_fail(perf_load *load, amqpc_client *client, const char *what, amqpc_status status)
{
    if (!atomic_exchange(&load->failed, true)) {
        peer_report(client, what, status, false, NULL);
    }
    atomic_store(&load->ends, true);
    atomic_store(&load->is_over, true);
}

/* In memory that the process of --direct writes to as well. */
static bool make_counts(perf_load *load)
{
    load->counts_count = load->options->direct ? 1 : load->options->threads;
    void *memory = mmap(NULL, load->counts_count * sizeof *load->counts, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        report("there is no memory");
        return false;
    }
    load->counts = memory;
    return true;
}

/* --- Threads. */

static bool start_thread(perf_worker *worker, void *(*run)(void *))
{
    worker->runs = pthread_create(&worker->thread, NULL, run, worker) == 0;
    if (!worker->runs) {
        report("no thread could be started");
        atomic_store(&worker->load->failed, true);
    }
    return worker->runs;
}

/* Gives each worker a client; those of either end share `connections` of them. */
static bool connect_workers(perf_load *load, perf_worker *workers)
{
    const perf_options *options = load->options;
    int exit_status = EXIT_GOOD;
    for (uint32_t i = 0; i < options->threads; i++) {
        /* Those that are there already are taken in turn. */
        workers[i].client = i < options->connections ? peer_connect(load->url, &exit_status)
                                                     : workers[i - options->connections].client;
        workers[i].load = load;
        if (workers[i].client == NULL) {
            return false;
        }
    }
    return true;
}

static bool start_receivers(perf_load *load)
{
    if (load->options->direct) {
        return true;
    }
    if (!connect_workers(load, load->receiving)) {
        return false;
    }
    for (uint32_t i = 0; i < load->options->threads; i++) {
        load->receiving[i].counts = &load->counts[i];
        if (!start_thread(&load->receiving[i], perf_receive)) {
            return false;
        }
    }
    while (atomic_load(&load->receivers) < load->options->threads && !atomic_load(&load->failed) &&
           !interrupt_came()) {
        const struct timespec pause = {.tv_nsec = NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
    return !atomic_load(&load->failed);
}

static bool start_senders(perf_load *load)
{
    if (!connect_workers(load, load->sending)) {
        return false;
    }
    load->started_ns = perf_now_ns();
    for (uint32_t i = 0; i < load->options->threads; i++) {
        atomic_fetch_add(&load->senders, 1);
        if (!start_thread(&load->sending[i], perf_send)) {
            atomic_fetch_sub(&load->senders, 1);
            return false;
        }
    }
    return true;
}

/* Ctrl-C is for the main thread. */
static bool start_threads(perf_load *load)
{
    sigset_t signals;
    sigset_t kept;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &kept);
    bool well = start_receivers(load) && start_senders(load);
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return well;
}

static void end_workers(perf_worker *workers, const perf_options *options)
{
    for (uint32_t i = 0; i < options->threads; i++) {
        if (workers[i].runs) {
            (void)pthread_join(workers[i].thread, NULL);
        }
    }
    for (uint32_t i = 0; i < options->connections; i++) {
        if (workers[i].client != NULL) {
            peer_close(workers[i].client);
        }
    }
}

/* --- The run. */

/* Until nothing is sent any more. */
static void watch_sending(perf_load *load, perf_progress *progress)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    uint64_t duration_ns = (uint64_t)load->options->duration * 1000000000u;
    while (atomic_load(&load->senders) > 0) {
        (void)nanosleep(&pause, NULL);
        bool late = duration_ns > 0 && perf_now_ns() - load->started_ns >= duration_ns;
        if (late || interrupt_came()) {
            atomic_store(&load->ends, true);
        }
        perf_progress_show(progress, load, false);
    }
}

/* Until all that was sent has arrived, or nothing more does. */
static void watch_receiving(perf_load *load, perf_progress *progress)
{
    const struct timespec pause = {.tv_nsec = NS_PER_MS};
    uint64_t received = perf_received(load);
    uint64_t moved_ns = perf_now_ns();
    load->ended_ns = moved_ns;
    while (received < atomic_load(&load->sent) && !atomic_load(&load->failed)) {
        (void)nanosleep(&pause, NULL);
        uint64_t now = perf_received(load);
        uint64_t now_ns = perf_now_ns();
        if (now > received) {
            received = now;
            moved_ns = now_ns;
            load->ended_ns = now_ns;
        } else if (now_ns - moved_ns > (uint64_t)LAST_MS * NS_PER_MS) {
            return;
        }
        perf_progress_show(progress, load, false);
    }
}

/* The most memory that this process had: /proc says it since the program began, getrusage what
 * whoever started it had, too. */
static uint64_t peak_size(void)
{
    char line[128];
    unsigned long long size = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && size == 0 && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            size = strtoull(line + 6, NULL, 10);
        }
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return size * KIB;
}

static void summarize(const perf_load *load, const perf_child *child, perf_summary *summary)
{
    const perf_options *options = load->options;
    summary->sent = atomic_load(&load->sent);
    summary->accepted = atomic_load(&load->accepted);
    summary->refused = atomic_load(&load->refused);
    summary->received = perf_received(load);
    summary->seconds = (double)(load->ended_ns - load->started_ns) / 1e9;
    summary->peak_size = peak_size();
    summary->other_peak_size = child->peak_size;
    for (uint32_t i = 0; i < options->threads; i++) {
        summary->sender_cpu += load->sending[i].cpu_seconds;
    }
    for (size_t i = 0; i < load->counts_count; i++) {
        summary->receiver_cpu += load->counts[i].cpu_seconds;
        latency_histogram_merge(&summary->latencies, &load->counts[i].latencies);
    }
    if (options->direct) {
        summary->receiver_cpu = child->cpu_seconds;
    } else {
        summary->other_cpu = child->cpu_seconds;
    }
}

static bool measure(perf_load *load)
{
    perf_progress progress;
    bool started = start_threads(load);
    perf_progress_begin(&progress);
    if (started) {
        watch_sending(load, &progress);
        watch_receiving(load, &progress);
        perf_progress_show(&progress, load, true);
    }
    atomic_store(&load->ends, true);
    atomic_store(&load->is_over, true);
    end_workers(load->sending, load->options);
    if (!load->options->direct) {
        end_workers(load->receiving, load->options);
    }
    return started && !atomic_load(&load->failed);
}

static bool start_child(perf_load *load, perf_child *child, char url[URL_SIZE])
{
    if (load->options->url != NULL) {
        return true;
    }
    load->url = url;
    return load->options->direct ? perf_child_start_direct(child, load, url, URL_SIZE)
                                 : perf_child_start_broker(child, url, URL_SIZE);
}

static int run(const perf_options *options)
{
    char url[URL_SIZE];
    perf_child child = {.process = 0};
    perf_summary *summary = reallocate(NULL, sizeof *summary);
    perf_load *load = reallocate(NULL, sizeof *load);
    memset(summary, 0, sizeof *summary);
    memset(load, 0, sizeof *load);
    load->options = options;
    load->url = options->url;
    load->run = perf_now_ns() ^ (uint64_t)getpid() << 40;
    bool well = make_counts(load) && start_child(load, &child, url);
    if (well) {
        interrupt_catch();
        well = measure(load);
        perf_child_end(&child);
    }
    if (well || atomic_load(&load->sent) > 0) {
        summarize(load, &child, summary);
        well = well && summary->received >= summary->sent && summary->refused == 0;
        (options->json ? perf_summary_print_json : perf_summary_print)(summary, options);
    }
    if (load->counts != NULL) {
        (void)munmap(load->counts, load->counts_count * sizeof *load->counts);
    }
    free(load);
    free(summary);
    return report_finish(well ? EXIT_GOOD : EXIT_BAD_INPUT);
}

int perf_command(int argc, char **argv)
{
    const char *operands[2] = {NULL, NULL};
    perf_options options = {
        .size = 100, .batch = 64, .window = 1000, .prefetch = 1000, .connections = 1};
    int count = options_parse(&table, argc, argv, &options, operands, 2);
    if (count < 0) {
        return EXIT_USAGE;
    }
    if (options.help) {
        return print_help();
    }
    options.url = operands[0];
    options.address = count > 1 ? operands[1] : "amqpcodec-perf";
    options.threads = options.threads == 0 ? options.connections : options.threads;
    if (options.direct && options.url != NULL) {
        report("perf: --direct takes no URL");
        return EXIT_USAGE;
    }
    if (options.threads < options.connections) {
        report("perf: there are more connections than threads");
        return EXIT_USAGE;
    }
    if (options.count == 0 && options.duration == 0) {
        options.duration = DEFAULT_DURATION;
    }
    return run(&options);
}
