/* The program `simulate`: runs seeds, and tells which fail.
 *
 *     simulate --seed N                   one seed
 *     simulate --seeds FROM COUNT         many
 *         --jobs J                        in J processes
 *         --verbose                       a line for each seed
 *         --trace                         a line for each frame
 *         --planted N --rule NAME         with planted bug N (lib/base/planted.h): succeeds where
 *                                         a seed breaks that rule
 *         --corpus DIR                    writes what the ends took to DIR/client and DIR/server
 *         --without WORDS                 recovery, hostility, allocations, faults: leave them out
 *
 * Exits with 0 where all seeds passed, 1 where one failed, 2 for a wrong command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/planted.h"
#include "simulation/simulation.h"

typedef struct command {
    uint64_t first;
    uint64_t count;
    unsigned jobs;
    unsigned planted;
    const char *rule; /* that the planted bug breaks; NULL for any */
    bool verbose;
    simulation_options options;
} command;

/* Of all seeds of one process. */
typedef struct total {
    uint64_t passed;
    uint64_t failed;
    uint64_t first_failed;
    ledger_rule first_rule;
    simulation_result sum;
} total;

enum { FAILURES_TOLD = 10 };

static void add(simulation_result *sum, const simulation_result *one)
{
    sum->faults.stalls += one->faults.stalls;
    sum->faults.cuts += one->faults.cuts;
    sum->faults.bytes_lost += one->faults.bytes_lost;
    sum->faults.half_open += one->faults.half_open;
    sum->faults.allocations += one->faults.allocations;
    sum->faults.mutations += one->faults.mutations;
    sum->faults.reconnects += one->faults.reconnects;
    sum->messages.sent += one->messages.sent;
    sum->messages.presettled += one->messages.presettled;
    sum->messages.by_reference += one->messages.by_reference;
    sum->messages.streamed += one->messages.streamed;
    sum->messages.aborted += one->messages.aborted;
    sum->messages.received += one->messages.received;
    sum->messages.duplicates += one->messages.duplicates;
    sum->messages.settled += one->messages.settled;
    sum->messages.unknown += one->messages.unknown;
    sum->messages.resumed += one->messages.resumed;
    sum->turns += one->turns;
    sum->virtual_ms += one->virtual_ms;
    sum->events += one->events;
    sum->bytes += one->bytes;
    sum->connections += one->connections;
}

/* A planted bug is caught where the seed breaks the right rule with it, and none without it. */
static bool is_caught(const command *asked, uint64_t seed, ledger_rule broken)
{
    if (asked->rule != NULL && strcmp(asked->rule, ledger_rule_name(broken)) != 0) {
        return false;
    }
    simulation_result healthy;
    (void)AMQPCI_PLANT(0);
    simulation_run(seed, &asked->options, &healthy);
    return AMQPCI_PLANT(asked->planted) && healthy.broken == RULE_NONE;
}

static void run_seed(const command *asked, uint64_t seed, total *sum)
{
    simulation_result result;
    simulation_run(seed, &asked->options, &result);
    add(&sum->sum, &result);
    bool failed = result.broken != RULE_NONE &&
                  (asked->planted == 0 || is_caught(asked, seed, result.broken));
    sum->passed += !failed;
    if (failed && sum->failed++ == 0) {
        sum->first_failed = seed;
        sum->first_rule = result.broken;
    }
    if (asked->verbose) {
        printf("seed %llu: %llu turns, %llu ms, %llu connections, %llu sent, %llu received\n",
               (unsigned long long)seed, (unsigned long long)result.turns,
               (unsigned long long)result.virtual_ms, (unsigned long long)result.connections,
               (unsigned long long)result.messages.sent,
               (unsigned long long)result.messages.received);
    }
    if (failed && asked->planted == 0 && sum->failed <= FAILURES_TOLD) {
        printf("seed %llu: rule %s is broken: %s\n    replay it: ./run simulate --seed %llu\n",
               (unsigned long long)seed, ledger_rule_name(result.broken), result.account,
               (unsigned long long)seed);
        (void)fflush(stdout);
    }
}

/* Every `jobs`th seed, from the one with index `job` on. */
static void run_job(const command *asked, unsigned job, total *sum)
{
    *sum = (total){0};
    for (uint64_t i = job; i < asked->count; i += asked->jobs) {
        run_seed(asked, asked->first + i, sum);
        if (asked->planted > 0 && sum->failed > 0) {
            return; /* caught */
        }
    }
}

/* One process for each job; each writes its total into a pipe. false where one of them died. */
static bool run_jobs(const command *asked, total *sum)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    (void)fflush(stdout);
    for (unsigned job = 0; job < asked->jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            total part;
            run_job(asked, job, &part);
            bool written = write(ends[1], &part, sizeof part) == (ssize_t)sizeof part;
            (void)fflush(stdout);
            _exit(written ? 0 : 2);
        }
        if (child < 0) {
            return false;
        }
    }
    (void)close(ends[1]);
    bool well = true;
    *sum = (total){.first_failed = UINT64_MAX};
    total part;
    while (read(ends[0], &part, sizeof part) == (ssize_t)sizeof part) {
        sum->passed += part.passed;
        sum->failed += part.failed;
        if (part.failed > 0 && part.first_failed < sum->first_failed) {
            sum->first_failed = part.first_failed;
            sum->first_rule = part.first_rule;
        }
        add(&sum->sum, &part.sum);
    }
    (void)close(ends[0]);
    for (unsigned job = 0; job < asked->jobs; job++) {
        int status = 0;
        well = wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && well;
    }
    return well;
}

static void print_total(const total *sum)
{
    const simulation_result *all = &sum->sum;
    const struct {
        const char *name;
        uint64_t count;
    } lines[] = {
        {"connections", all->connections},
        {"turns", all->turns},
        {"virtual seconds", all->virtual_ms / 1000},
        {"events", all->events},
        {"bytes", all->bytes},
        {"messages sent", all->messages.sent},
        {"  of them settled", all->messages.presettled},
        {"  by reference", all->messages.by_reference},
        {"  in pieces", all->messages.streamed},
        {"  aborted", all->messages.aborted},
        {"messages received", all->messages.received},
        {"  of them again", all->messages.duplicates},
        {"  resumed", all->messages.resumed},
        {"last updates", all->messages.settled},
        {"  of them unknown", all->messages.unknown},
        {"faults: stalls", all->faults.stalls},
        {"  cuts", all->faults.cuts},
        {"  bytes lost", all->faults.bytes_lost},
        {"  half-open", all->faults.half_open},
        {"  failed allocations", all->faults.allocations},
        {"  mutated frames", all->faults.mutations},
        {"  reconnects", all->faults.reconnects},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        printf("%-22s %12llu\n", lines[i].name, (unsigned long long)lines[i].count);
    }
    printf("%llu seeds passed, %llu failed\n", (unsigned long long)sum->passed,
           (unsigned long long)sum->failed);
}

/* --- The command line. */

static bool parse_number(const char *text, uint64_t *number)
{
    char *rest = NULL;
    errno = 0;
    *number = text == NULL ? 0 : strtoull(text, &rest, 10);
    return text != NULL && *text >= '0' && *text <= '9' && *rest == '\0' && errno == 0;
}

static bool parse_without(const char *words, plan_limits *limits)
{
    limits->no_recovery = strstr(words, "recovery") != NULL;
    limits->no_hostility = strstr(words, "hostility") != NULL;
    limits->no_allocations = strstr(words, "allocations") != NULL;
    limits->no_faults = strstr(words, "faults") != NULL;
    return true;
}

static bool make_corpus(const char *folder)
{
    static const char *const names[] = {"", "/client", "/server"};
    for (unsigned i = 0; i < 3; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s%s", folder, names[i]);
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return false;
        }
    }
    return true;
}

/* One option at argument `at`; gives how many arguments it takes, 0 for a wrong one. */
static int parse_option(command *asked, char **arguments, int at, int count)
{
    const char *option = arguments[at];
    const char *value = at + 1 < count ? arguments[at + 1] : NULL;
    const char *second = at + 2 < count ? arguments[at + 2] : NULL;
    uint64_t number = 0;
    if (strcmp(option, "--verbose") == 0) {
        asked->verbose = true;
        return 1;
    }
    if (strcmp(option, "--trace") == 0) {
        asked->options.trace = true;
        return 1;
    }
    if (strcmp(option, "--rule") == 0 && value != NULL) {
        asked->rule = value;
        return 2;
    }
    if (strcmp(option, "--seed") == 0) {
        asked->count = 1;
        return parse_number(value, &asked->first) ? 2 : 0;
    }
    if (strcmp(option, "--seeds") == 0) {
        return parse_number(value, &asked->first) && parse_number(second, &asked->count) ? 3 : 0;
    }
    if (strcmp(option, "--jobs") == 0 && parse_number(value, &number)) {
        asked->jobs = (unsigned)number;
        return number > 0 && number <= 64 ? 2 : 0;
    }
    if (strcmp(option, "--planted") == 0 && parse_number(value, &number)) {
        asked->planted = (unsigned)number;
        return 2;
    }
    if (strcmp(option, "--corpus") == 0 && value != NULL) {
        asked->options.corpus = value;
        return make_corpus(value) ? 2 : 0;
    }
    if (strcmp(option, "--without") == 0 && value != NULL) {
        return parse_without(value, &asked->options.limits) ? 2 : 0;
    }
    return 0;
}

static int report_planted(const command *asked, const total *sum)
{
    if (sum->failed == 0) {
        printf("planted %u: not caught by %llu seeds\n", asked->planted,
               (unsigned long long)asked->count);
        return 1;
    }
    uint64_t tried = sum->first_failed - asked->first + 1;
    printf("planted %u: caught by rule %s, seed %llu, after %llu seeds\n", asked->planted,
           ledger_rule_name(sum->first_rule), (unsigned long long)sum->first_failed,
           (unsigned long long)tried);
    return 0;
}

int main(int count, char **arguments)
{
    command asked = {.jobs = 1};
    for (int at = 1; at < count;) {
        int taken = parse_option(&asked, arguments, at, count);
        if (taken == 0) {
            fprintf(stderr, "simulate: %s?\n", arguments[at]);
            return 2;
        }
        at += taken;
    }
    if (asked.count == 0) {
        fprintf(stderr, "simulate --seed N | --seeds FROM COUNT [--jobs J] [--verbose] [--trace] "
                        "[--planted N --rule NAME] [--corpus DIR] [--without WORDS]\n");
        return 2;
    }
    if (!AMQPCI_PLANT(asked.planted)) {
        fprintf(stderr, "simulate: this build has no planted bugs\n");
        return 2;
    }
    total sum;
    bool well = true;
    if (asked.jobs == 1 || asked.count == 1) {
        asked.jobs = 1;
        run_job(&asked, 0, &sum);
    } else {
        well = run_jobs(&asked, &sum);
    }
    if (asked.planted > 0) {
        return report_planted(&asked, &sum);
    }
    print_total(&sum);
    if (!well) {
        printf("a process has died: run the seeds one after the other (--jobs 1 --verbose)\n");
    }
    return sum.failed == 0 && well ? 0 : 1;
}
