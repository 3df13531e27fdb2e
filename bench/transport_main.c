/* Starts the two ends of a contender, the receiver on core 0 and the sender on core 1, and prints
 * what they measured, as JSON:
 *
 *     transport_NAME CASE [--certificate FILE] [--through PORT]
 *         [--background] [--slow]
 *
 * Both run with real-time priority where that is permitted, which steadies them; a limit on such
 * time ends an end that never sleeps. --slow: without. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport_case.h"

enum {
    PRIORITY = 50,
    UNSLEEPING_SECONDS = 20,
    LIFE_SECONDS = 100,
    RECEIVER_CORE = 0,
    SENDER_CORE = 1
};

typedef struct run_settings {
    const transport_case *chosen;
    transport_place place;
    bool slow;
} run_settings;

static void place_process(const run_settings *settings, int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((size_t)core, &cores);
    (void)sched_setaffinity(0, sizeof cores, &cores);
    (void)alarm(LIFE_SECONDS);
    struct rlimit limit = {UNSLEEPING_SECONDS * 1000000u, UNSLEEPING_SECONDS * 1000000u};
    struct sched_param priority = {.sched_priority = PRIORITY};
    if (!settings->slow && setrlimit(RLIMIT_RTTIME, &limit) == 0) {
        (void)sched_setscheduler(0, SCHED_FIFO, &priority);
    }
}

static void print_end(const char *name, const transport_result *result)
{
    printf(
        "\"%s\": {\"messages\": %llu, \"started\": %.9f, \"ended\": %.9f, \"user_seconds\": %.6f, "
        "\"system_seconds\": %.6f, \"calls\": %llu, \"checksum\": \"%016llx\", "
        "\"round_trip_p50_us\": %.3f, \"round_trip_p99_us\": %.3f}",
        name, (unsigned long long)result->messages, result->started, result->ended,
        result->user_seconds, result->system_seconds, (unsigned long long)result->calls,
        (unsigned long long)result->checksum, result->round_trip_p50_us, result->round_trip_p99_us);
}

static void read_all(int descriptor, void *data, size_t size)
{
    uint8_t *to = data;
    while (size > 0) {
        ssize_t got = read(descriptor, to, size);
        if (got <= 0) {
            codec_fail("the receiver ended early");
        }
        to += got;
        size -= (size_t)got;
    }
}

static void run_receiver(const run_settings *settings, int result_pipe)
{
    transport_result result = {0};
    place_process(settings, RECEIVER_CORE);
    transport_prepare(settings->chosen);
    transport_run_receiver(settings->chosen, &settings->place, &result);
    if (write(result_pipe, &result, sizeof result) != (ssize_t)sizeof result) {
        codec_fail("nobody wants the result");
    }
    exit(0);
}

static int measure(run_settings *settings)
{
    int port_pipe[2];
    int result_pipe[2];
    transport_result sent = {0};
    transport_result received = {0};
    if (pipe(port_pipe) != 0 || pipe(result_pipe) != 0) {
        codec_fail("no pipes");
    }
    settings->place.port_pipe = port_pipe[1];
    pid_t receiver = fork();
    if (receiver < 0) {
        codec_fail("no process");
    }
    if (receiver == 0) {
        (void)close(port_pipe[0]);
        (void)close(result_pipe[0]);
        run_receiver(settings, result_pipe[1]);
    }
    (void)close(port_pipe[1]);
    (void)close(result_pipe[1]);
    place_process(settings, SENDER_CORE);
    transport_prepare(settings->chosen);
    uint32_t port = 0;
    read_all(port_pipe[0], &port, sizeof port);
    settings->place.port = port;
    transport_run_sender(settings->chosen, &settings->place, &sent);
    read_all(result_pipe[0], &received, sizeof received);
    int status = 0;
    (void)waitpid(receiver, &status, 0);
    printf("{\"case\": \"%s\", ", settings->chosen->name);
    print_end("sender", &sent);
    printf(", ");
    print_end("receiver", &received);
    printf("}\n");
    return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    run_settings settings = {.chosen = argc > 1 ? transport_case_find(argv[1]) : NULL};
    if (settings.chosen == NULL) {
        codec_fail("no such case");
    }
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--slow") == 0) {
            settings.slow = true;
        } else if (strcmp(argv[i], "--background") == 0) {
            settings.place.background = true;
        } else if (strcmp(argv[i], "--certificate") == 0 && i + 1 < argc) {
            settings.place.certificate = argv[++i];
        } else if (strcmp(argv[i], "--through") == 0 && i + 1 < argc) {
            settings.place.through = true;
            settings.place.port = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else {
            codec_fail("no such option");
        }
    }
    return measure(&settings);
}
