/* One simulation: turns with faults, healing, perhaps silence, and the end. */
#include "simulation/simulation.h"

#include <stdio.h>
#include <string.h>

#include "simulation/endpoint.h"

enum { HEALING_TURNS_MAX = 20000, QUIET_MS = 120000, MEMORY_BASE = 1048576 };

typedef struct simulation {
    simulation_plan plan;
    const simulation_options *options;
    ledger book;
    endpoint ends[ENDS];
    byte_pipe pipes[ENDS]; /* the one that an end writes to */
    random_source random;
    uint64_t now_ms;
    uint64_t connect_at_ms;
    bool healing;
    simulation_result *result;
} simulation;

/* --- Connections. */

static void connect_ends(simulation *run)
{
    for (unsigned i = 0; i < ENDS; i++) {
        byte_pipe_clean_up(&run->pipes[i]);
        byte_pipe_init(&run->pipes[i]);
    }
    for (unsigned i = 0; i < ENDS; i++) {
        endpoint *end = &run->ends[i];
        end->now_ms = run->now_ms;
        while (end->connection == NULL && run->book.broken == RULE_NONE) {
            (void)endpoint_connect(end, &run->pipes[i], &run->pipes[1 - i]);
        }
    }
    run->result->connections++;
}

static void save(const simulation *run)
{
    static const char *const names[] = {"client", "server"};
    for (unsigned i = 0; i < ENDS && run->options->corpus != NULL; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s/seed-%llu-%llu", run->options->corpus, names[i],
                       (unsigned long long)run->plan.seed,
                       (unsigned long long)run->result->connections);
        const observed_bytes *record = &run->ends[i].record;
        FILE *file = record->size > 0 ? fopen(path, "wb") : NULL;
        if (file != NULL) {
            (void)fwrite(record->bytes, 1, record->size, file);
            (void)fclose(file);
        }
    }
}

/* Both ends have noticed that the connection is gone. */
static void disconnect_ends(simulation *run)
{
    save(run);
    for (unsigned i = 0; i < ENDS; i++) {
        endpoint_disconnect(&run->ends[i]);
        run->ends[i].leaving = false;
    }
    if (!run->plan.recovers) {
        for (unsigned i = 0; i < run->plan.route_count; i++) {
            ledger_abandon(&run->book, i,
                           run->ends[run->plan.routes[i].sender].routes[i].generation);
        }
    }
    run->connect_at_ms = run->now_ms + random_below(&run->random, 500);
}

static bool is_connected(const simulation *run)
{
    return run->ends[0].connection != NULL && run->ends[1].connection != NULL;
}

/* Where the links do not survive, one connection is all. A hostile peer comes back three times. */
static bool may_reconnect(const simulation *run)
{
    bool hostile = run->plan.faults.hostile != NOBODY;
    return run->plan.recovers && (!hostile || run->result->connections < 4);
}

static void maintain_connections(simulation *run)
{
    if (is_connected(run)) {
        if (run->ends[0].over && run->ends[1].over) {
            disconnect_ends(run);
        }
    } else if (may_reconnect(run) && run->now_ms >= run->connect_at_ms) {
        connect_ends(run);
        run->result->faults.reconnects++;
    }
}

/* --- Turns. */

static void check_memory(simulation *run)
{
    size_t payloads = 0;
    for (size_t i = 0; i < run->book.count; i++) {
        payloads += run->book.messages[i]->size;
    }
    for (unsigned i = 0; i < ENDS; i++) {
        const end_plan *own = run->ends[i].own;
        size_t most = MEMORY_BASE + 4 * own->input_slab_size + 2 * (size_t)own->output_size +
                      2 * (size_t)own->retained_size + 2 * (size_t)own->partial_size + 4 * payloads;
        if (run->ends[i].memory.live_bytes > most) {
            ledger_break(&run->book, RULE_MEMORY, "end %u holds %zu bytes, %zu are enough", i,
                         run->ends[i].memory.live_bytes, most);
        }
    }
}

static void inject_faults(simulation *run)
{
    const fault_plan *faults = &run->plan.faults;
    for (unsigned i = 0; i < ENDS; i++) {
        faults_of_memory(faults, &run->random, &run->ends[i].memory);
    }
    if (is_connected(run) && !run->pipes[0].ended && !run->pipes[1].ended &&
        faults_of_network(faults, &run->random, &run->pipes[0], &run->pipes[1], run->now_ms,
                          &run->result->faults)) {
        run->ends[0].fault_expected = true;
        run->ends[1].fault_expected = true;
    }
}

/* When something can happen next: bytes are written or arrive, or a deadline. */
static uint64_t next_ms(const simulation *run)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < ENDS; i++) {
        uint64_t arrives = byte_pipe_next_at_ms(&run->pipes[i], run->now_ms);
        next = arrives < next ? arrives : next;
        if (run->ends[i].connection != NULL && !run->ends[i].over) {
            next = run->ends[i].deadline_ms < next ? run->ends[i].deadline_ms : next;
            next = run->ends[i].output_waits ? run->now_ms : next;
        }
    }
    return next;
}

/* One end that is over has shut the transport: the other sees it after the bytes before it. */
static void propagate_ends(simulation *run)
{
    for (unsigned i = 0; i < ENDS; i++) {
        if (run->ends[i].connection != NULL && run->ends[i].over && !run->ends[1 - i].over) {
            run->pipes[i].ended = true;
            run->pipes[1 - i].ended = true;
            run->ends[1 - i].fault_expected = true;
        }
    }
}

static void take_turn(simulation *run)
{
    unsigned first = random_below(&run->random, ENDS);
    endpoint_turn(&run->ends[first], run->now_ms);
    propagate_ends(run);
    endpoint_turn(&run->ends[1 - first], run->now_ms);
    propagate_ends(run);
    maintain_connections(run);
    check_memory(run);
    run->result->turns++;
}

/* Mostly a few milliseconds; where nothing can happen meanwhile, until something does. */
static void advance(simulation *run)
{
    uint64_t step = random_chance(&run->random, 300) ? 0 : random_between(&run->random, 1, 20);
    uint64_t next = next_ms(run);
    if (next != UINT64_MAX && next > run->now_ms + 50 && random_chance(&run->random, 200)) {
        step = next - run->now_ms;
    }
    run->now_ms += step;
}

static void live(simulation *run)
{
    for (uint32_t i = 0; i < run->plan.turns && run->book.broken == RULE_NONE; i++) {
        if (!is_connected(run) && !may_reconnect(run)) {
            break;
        }
        inject_faults(run);
        take_turn(run);
        advance(run);
    }
}

/* --- Healing. */

static void stop_faults(simulation *run)
{
    run->plan.faults = (fault_plan){.hostile = run->plan.faults.hostile, .delay_max_ms = 5};
    for (unsigned i = 0; i < ENDS; i++) {
        run->ends[i].healing = true;
        run->ends[i].memory.fail_in = 0;
        run->pipes[i].stalled_till_ms = 0;
    }
}

static bool is_settled(const simulation *run)
{
    const message *incomplete = NULL;
    return ledger_is_complete(&run->book, &incomplete) && endpoint_is_settled(&run->ends[0]) &&
           endpoint_is_settled(&run->ends[1]) && run->pipes[0].size == 0 && run->pipes[1].size == 0;
}

static void tell_unhealed(simulation *run)
{
    const message *lost = NULL;
    if (!ledger_is_complete(&run->book, &lost)) {
        ledger_break_if_friendly(
            &run->book, RULE_HEALING,
            "message %llu of link %u (%zu bytes%s%s) is not completed: stage %d, received %u, "
            "decision 0x%x, outcome 0x%x",
            (unsigned long long)lost->id, lost->route, lost->size,
            lost->presettled ? ", settled" : "", lost->by_reference ? ", by reference" : "",
            (int)lost->stage, lost->received, lost->decision, lost->outcome);
    }
    endpoint_tell_unsettled(&run->ends[0]);
    endpoint_tell_unsettled(&run->ends[1]);
    ledger_break_if_friendly(&run->book, RULE_HEALING, "the ends do not come to rest");
}

/* Without faults everything is completed. Half-open connections first have to be noticed. */
static void heal(simulation *run)
{
    stop_faults(run);
    uint32_t turns = 0;
    while (run->book.broken == RULE_NONE && turns++ < HEALING_TURNS_MAX) {
        if (!is_connected(run) && !may_reconnect(run)) {
            return;
        }
        if (is_connected(run) && is_settled(run)) {
            return;
        }
        take_turn(run);
        uint64_t next = next_ms(run);
        bool waits = next != UINT64_MAX && next > run->now_ms && turns % 16 == 0;
        run->now_ms = waits && next < run->now_ms + 60000 ? next : run->now_ms + 1;
        if (run->plan.faults.hostile != NOBODY && turns > 300) {
            return;
        }
    }
    tell_unhealed(run);
}

/* --- Silence: only heartbeats, and few wake-ups. */

static uint64_t frames_of_content(const simulation *run)
{
    uint64_t frames = 0;
    for (unsigned i = 0; i < ENDS; i++) {
        frames += run->ends[i].watch.frames_sent - run->ends[i].watch.empty_frames_sent;
    }
    return frames;
}

static void be_quiet(simulation *run)
{
    enum { TURNS_MAX = 1200 }; /* heartbeats, and what each wakes */
    bool half_open = run->pipes[0].dead || run->pipes[1].dead;
    if (!is_connected(run) || half_open || run->book.tainted) {
        return;
    }
    for (uint32_t i = 0; i < 200; i++) { /* what credit is still to be given */
        take_turn(run);
        run->now_ms += 20;
    }
    uint64_t until_ms = run->now_ms + QUIET_MS;
    uint64_t frames = frames_of_content(run);
    uint32_t turns = 0;
    while (run->book.broken == RULE_NONE && run->now_ms < until_ms && is_connected(run)) {
        uint64_t next = next_ms(run);
        run->now_ms = next <= run->now_ms ? run->now_ms + 1 : next;
        run->now_ms = run->now_ms < until_ms ? run->now_ms : until_ms;
        take_turn(run);
        if (++turns > TURNS_MAX) {
            ledger_break(&run->book, RULE_NO_SPINNING, "more than %d wake-ups in %d ms of silence",
                         TURNS_MAX, QUIET_MS);
        }
    }
    if (frames_of_content(run) != frames) {
        ledger_break(&run->book, RULE_NO_SPINNING, "%llu frames with content in silence",
                     (unsigned long long)(frames_of_content(run) - frames));
    }
}

/* --- The end. */

static void leave(simulation *run)
{
    if (random_chance(&run->random, 300) || !is_connected(run)) {
        return; /* just freed */
    }
    run->plan.recovers = false;
    run->ends[random_below(&run->random, ENDS)].leaving = true;
    run->ends[0].fault_expected = true;
    run->ends[1].fault_expected = true;
    for (unsigned i = 0; i < 1000 && is_connected(run) && run->book.broken == RULE_NONE; i++) {
        take_turn(run);
        run->now_ms += i < 200 ? 10 : 100; /* whom nobody hears has to notice it first */
    }
    if (is_connected(run)) {
        ledger_break_if_friendly(&run->book, RULE_HEALING, "the connection does not close");
    }
}

static void finish(simulation *run)
{
    save(run);
    for (unsigned i = 0; i < ENDS; i++) {
        endpoint *end = &run->ends[i];
        run->result->events += end->events;
        run->result->bytes += end->bytes_taken;
        run->result->faults.allocations += end->memory.failed;
        endpoint_clean_up(end);
        if (end->memory.live_blocks > 0) {
            ledger_break(&run->book, RULE_MEMORY, "end %u leaves %zu blocks, %zu bytes", i,
                         end->memory.live_blocks, end->memory.live_bytes);
        }
        byte_pipe_clean_up(&run->pipes[i]);
    }
    ledger_check_end(&run->book);
    run->result->virtual_ms = run->now_ms;
    run->result->messages = run->book.statistics;
    run->result->broken = run->book.broken;
    memcpy(run->result->account, run->book.account, sizeof run->result->account);
    ledger_clean_up(&run->book);
}

void simulation_run(uint64_t seed, const simulation_options *options, simulation_result *result)
{
    static simulation run; /* large */
    *result = (simulation_result){0};
    run = (simulation){.options = options, .result = result, .now_ms = 1000};
    uint64_t mutations = faults_mutations();
    simulation_plan_make(&run.plan, seed, &options->limits);
    run.random = random_source_make(seed, 2);
    ledger_init(&run.book, &run.plan);
    for (unsigned i = 0; i < ENDS; i++) {
        endpoint_init(&run.ends[i], &run.plan, &run.book, i);
        run.ends[i].records = options->corpus != NULL;
        run.ends[i].watch.traces = options->trace;
    }
    connect_ends(&run);
    live(&run);
    heal(&run);
    if (run.plan.quiet) {
        be_quiet(&run);
    }
    leave(&run);
    result->faults.mutations = faults_mutations() - mutations;
    finish(&run);
}
