/* The clients of the soak.
 *
 *     soak_client URL SECONDS RATE
 *
 * Each plan of soak_plans has senders and receivers, a thread each, over a few clients, of which
 * the last has no thread in the background. Each sender posts RATE messages a second. SECONDS bound
 * the ledger. A line of JSON a second says how far it is. At the end of standard input, or of the
 * seconds, senders stop; all that is on its way is waited for, and the ledger is checked.
 *
 * Exits with 0 where all promises were kept. */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "soak/soak.h"

enum {
    STREAMS_MAX = 8,
    RECONNECT_DELAY_MS = 10,
    RECONNECT_DELAY_MAX_MS = 250,
    CONNECT_TIMEOUT_MS = 5000
};

typedef struct soak {
    amqpc_client *clients[SOAK_CLIENTS];
    soak_stream streams[STREAMS_MAX];
    uint64_t started_ms;
    uint64_t failed_connections;
} soak;

static bool connect_clients(soak *self, const char *url)
{
    for (int i = 0; i < SOAK_CLIENTS; i++) {
        amqpc_client_options options;
        amqpc_client_error error;
        char name[32];
        (void)snprintf(name, sizeof name, "soak %d", i);
        amqpc_client_options_init(&options, sizeof options);
        options.allocator = &soak_allocator;
        options.container_id = name;
        options.background = i + 1 < SOAK_CLIENTS;
        options.reconnect_delay_ms = RECONNECT_DELAY_MS;
        options.reconnect_delay_max_ms = RECONNECT_DELAY_MAX_MS;
        options.connect_timeout_ms = CONNECT_TIMEOUT_MS;
        if (amqpc_client_new(url, &options, &self->clients[i], &error) != AMQPC_OK) {
            (void)fprintf(stderr, "%s\n", error.text);
            return false;
        }
    }
    return true;
}

/* Takes what clients tell, so that nothing is dropped unseen; a client must never give up. */
static void read_events(soak *self)
{
    for (int i = 0; i < SOAK_CLIENTS; i++) {
        amqpc_client_event event;
        while (amqpc_client_next_event(self->clients[i], &event)) {
            (void)fprintf(stderr, "%lu client %d event %u attempts %u %s %s\n",
                          (unsigned long)(amqpc_now_ms() - self->started_ms), i, event.type,
                          event.attempts, amqpc_status_name(event.error.status), event.error.text);
            if (event.type != AMQPC_CLIENT_EVENT_CONNECTED &&
                event.type != AMQPC_CLIENT_EVENT_DISCONNECTED) {
                (void)fprintf(stderr, "client %d, %s: %s\n", i, event.name, event.error.text);
                self->failed_connections++;
            }
        }
    }
}

/* What all ledgers count. */
typedef struct totals {
    uint64_t posted;
    uint64_t completed;
    uint64_t accepted;
    uint64_t unknown;
    uint64_t arrived;
    uint64_t repeated;
    uint64_t connects;
} totals;

static void add_stream(const soak_stream *stream, totals *all)
{
    for (int k = 0; k < SOAK_SENDERS; k++) {
        const soak_ledger *ledger = &stream->senders[k].ledger;
        all->posted += atomic_load(&ledger->posted);
        all->completed += atomic_load(&ledger->completed);
        all->accepted += atomic_load(&ledger->accepted);
        all->unknown += atomic_load(&ledger->unknown);
        all->arrived += atomic_load(&ledger->arrived);
        all->repeated += atomic_load(&ledger->repeated);
    }
}

static void print_streams(const soak *self)
{
    for (size_t i = 0; i < soak_plan_count; i++) {
        totals all = {.posted = 0};
        add_stream(&self->streams[i], &all);
        (void)fprintf(stderr,
                      "%-12s posted %" PRIu64 ", accepted %" PRIu64 ", unknown %" PRIu64
                      ", arrived %" PRIu64 ", repeated %" PRIu64 "\n",
                      soak_plans[i].address, all.posted, all.accepted, all.unknown, all.arrived,
                      all.repeated);
    }
}

static void count(const soak *self, totals *all)
{
    *all = (totals){.posted = 0};
    for (size_t i = 0; i < soak_plan_count; i++) {
        add_stream(&self->streams[i], all);
    }
    for (int i = 0; i < SOAK_CLIENTS; i++) {
        amqpc_client_statistics statistics = {.struct_size = sizeof statistics};
        amqpc_client_get_statistics(self->clients[i], &statistics);
        all->connects += statistics.connects;
    }
}

static void print_counts(const soak *self, uint64_t faults)
{
    totals all;
    count(self, &all);
    (void)printf("{\"ms\": %" PRIu64 ", \"posted\": %" PRIu64 ", \"completed\": %" PRIu64
                 ", \"accepted\": %" PRIu64 ", \"unknown\": %" PRIu64 ", \"arrived\": %" PRIu64
                 ", \"repeated\": %" PRIu64 ", \"connects\": %" PRIu64 ", \"held\": %" PRIu64
                 ", \"faults\": %" PRIu64 "}\n",
                 amqpc_now_ms() - self->started_ms, all.posted, all.completed, all.accepted,
                 all.unknown, all.arrived, all.repeated, all.connects, soak_memory_held(), faults);
    (void)fflush(stdout);
}

static uint64_t count_failures(const soak *self)
{
    uint64_t failures = self->failed_connections;
    for (size_t i = 0; i < soak_plan_count; i++) {
        failures += atomic_load(&self->streams[i].failures);
    }
    return failures;
}

/* Returns at the end of standard input, of the time, or of patience: where something has failed. */
static void watch(soak *self, uint64_t end_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (amqpc_now_ms() < end_ms && count_failures(self) == 0) {
        char data[16];
        if (poll(&input, 1, 1000) > 0 && read(STDIN_FILENO, data, sizeof data) <= 0) {
            return;
        }
        read_events(self);
        print_counts(self, 0);
    }
}

/* What the clients say of their connections, for whoever looks into a failure. */
static void print_errors(const soak *self)
{
    for (int i = 0; i < SOAK_CLIENTS; i++) {
        amqpc_client_error error;
        if (amqpc_client_get_error(self->clients[i], &error) == AMQPC_OK) {
            (void)fprintf(stderr, "client %d, state %d: %s: %s\n", i,
                          (int)amqpc_client_get_state(self->clients[i]),
                          amqpc_status_name(error.status), error.text);
        }
    }
}

/* They end by themselves, SOAK_FINISH_MS after SOAK_FINISH_MS. */
static void wait_for_threads(soak *self)
{
    unsigned running = 1;
    while (running > 0) {
        (void)poll(NULL, 0, 200);
        read_events(self);
        print_counts(self, 0);
        running = 0;
        for (size_t i = 0; i < soak_plan_count; i++) {
            running += atomic_load(&self->streams[i].running);
        }
    }
}

/* Returns how many promises were broken. */
static uint64_t end(soak *self)
{
    for (size_t i = 0; i < soak_plan_count; i++) {
        atomic_store(&self->streams[i].stops, true);
    }
    wait_for_threads(self);
    for (size_t i = 0; i < soak_plan_count; i++) {
        soak_stream_join(&self->streams[i]);
    }
    read_events(self);
    uint64_t faults = count_failures(self);
    for (size_t i = 0; i < soak_plan_count; i++) {
        for (unsigned k = 0; k < SOAK_SENDERS; k++) {
            const soak_ledger *ledger = &self->streams[i].senders[k].ledger;
            faults += soak_ledger_check(ledger, &soak_plans[i], k);
        }
    }
    if (faults > 0) {
        print_errors(self);
    }
    for (int i = 0; i < SOAK_CLIENTS; i++) {
        faults += amqpc_client_close(self->clients[i], SOAK_FINISH_MS) != AMQPC_OK;
    }
    return faults;
}

int main(int argument_count, char **arguments)
{
    static soak self;
    if (argument_count != 4) {
        (void)fprintf(stderr, "usage: soak_client URL SECONDS RATE\n");
        return 2;
    }
    uint64_t seconds = strtoull(arguments[2], NULL, 10);
    uint64_t rate = strtoull(arguments[3], NULL, 10);
    if (!connect_clients(&self, arguments[1])) {
        return 2;
    }
    self.started_ms = amqpc_now_ms();
    for (size_t i = 0; i < soak_plan_count; i++) {
        if (!soak_stream_start(&self.streams[i], &soak_plans[i], rate,
                               (uint32_t)((seconds + 1) * rate), self.clients)) {
            (void)fprintf(stderr, "no memory, or no threads\n");
            return 2;
        }
    }
    watch(&self, self.started_ms + seconds * 1000);
    uint64_t faults = end(&self);
    print_streams(&self);
    print_counts(&self, faults);
    for (int i = 0; i < SOAK_CLIENTS; i++) {
        amqpc_client_free(self.clients[i]);
    }
    if (soak_memory_held() != 0) {
        (void)fprintf(stderr, "%" PRIu64 " bytes were never released\n", soak_memory_held());
        faults++;
    }
    for (size_t i = 0; i < soak_plan_count; i++) {
        for (int k = 0; k < SOAK_SENDERS; k++) {
            soak_ledger_free(&self.streams[i].senders[k].ledger);
        }
    }
    return faults == 0 ? 0 : 1;
}
