/* Instructions of our engine, for the budgets: under callgrind, which dumps a part for each phase
 * of the way of a message. Each is counted with messages one by one and in batches of 64;
 * unsettled, with payloads of 105 bytes.
 *
 *   engine_count_ours instructions     runs all; prints how many messages each part is of
 *   engine_count_ours run x1|x64 N     runs N messages, for a profiler */
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "engine_ends.h"

/* transfer out     send, and output
 * transfer in      input, events, and receiving
 * disposition out  settling, releasing, and output
 * disposition in   input, events, and updates
 * whole            all of it, with the copying from output to input between them */
typedef enum phase {
    PHASE_NONE,
    PHASE_TRANSFER_OUT,
    PHASE_TRANSFER_IN,
    PHASE_DISPOSITION_OUT,
    PHASE_DISPOSITION_IN,
    PHASE_WHOLE,
    PHASES
} phase;

static const char *const phase_names[PHASES] = {
    [PHASE_TRANSFER_OUT] = "transfer_out_105B",  [PHASE_TRANSFER_IN] = "transfer_in_105B",
    [PHASE_DISPOSITION_OUT] = "disposition_out", [PHASE_DISPOSITION_IN] = "disposition_in",
    [PHASE_WHOLE] = "send_receive_settle_105B",
};

enum {
    MESSAGES = 4096, /* divided by ENDS_BATCH without a rest; some flows are among them */
    WARM_UP_MESSAGES = 8192,
    VECTORS = 64,
    CREDIT_WINDOW = 1000,
};

static const engine_operation count_operation = {
    .name = "count", .data_size = 100, .credit_window = CREDIT_WINDOW, .max_frame_size = 65536};

static engine_ends ends;
static phase counted = PHASE_NONE;
static amqpc_bytes payloads[ENDS_BATCH];
static amqpc_delivery deliveries[ENDS_BATCH];
static amqpc_update updates[ENDS_BATCH];

/* At both ends of what belongs to a phase. */
static inline void toggle(phase here)
{
    if (here == counted) {
        CALLGRIND_TOGGLE_COLLECT;
    }
}

static void check(bool holds)
{
    if (!holds) {
        codec_fail("a batch did not arrive whole");
    }
}

/* What `from` has to send, of the phase `out`, as the input of `to`, of the phase `in`. It fits. */
static void carry(amqpc_connection *from, phase out, amqpc_connection *to, phase in)
{
    amqpc_bytes vectors[VECTORS];
    size_t count = 0;
    toggle(out);
    engine_ends_check(amqpc_connection_output(from, vectors, VECTORS, &count));
    toggle(out);
    check(count > 0);
    void *data = NULL;
    size_t capacity = 0;
    size_t size = 0;
    toggle(in);
    engine_ends_check(amqpc_connection_input_buffer(to, &data, &capacity));
    toggle(in);
    for (size_t i = 0; i < count; i++) {
        size_t room = capacity - size;
        size_t piece = vectors[i].size < room ? vectors[i].size : room;
        memcpy((uint8_t *)data + size, vectors[i].data, piece);
        size += piece;
    }
    toggle(out);
    amqpc_connection_output_done(from, size);
    toggle(out);
    toggle(in);
    engine_ends_check(amqpc_connection_input(to, size));
    engine_ends_handle_events(&ends, to);
    toggle(in);
}

/* Until `from` is silent: an input buffer may end within a batch. */
static void carry_all(amqpc_connection *from, phase out, amqpc_connection *to, phase in)
{
    amqpc_bytes vector;
    size_t count = 0;
    do {
        carry(from, out, to, in);
        engine_ends_check(amqpc_connection_output(from, &vector, 1, &count));
    } while (count > 0);
}

/* One batch: sent, received, accepted, and known to be. */
static void run_batch(size_t batch)
{
    size_t count = 0;
    toggle(PHASE_WHOLE);
    toggle(PHASE_TRANSFER_OUT);
    engine_ends_check(amqpc_link_send_batch(ends.sender, payloads, batch, NULL, &count, NULL));
    toggle(PHASE_TRANSFER_OUT);
    carry_all(ends.client, PHASE_TRANSFER_OUT, ends.server, PHASE_TRANSFER_IN);
    toggle(PHASE_TRANSFER_IN);
    engine_ends_check(amqpc_link_receive(ends.receiver, deliveries, ENDS_BATCH, &count));
    toggle(PHASE_TRANSFER_IN);
    check(count == batch);
    toggle(PHASE_DISPOSITION_OUT);
    engine_ends_check(amqpc_link_settle(ends.receiver, deliveries[0].number,
                                        deliveries[batch - 1].number, AMQPC_COMPOSITE_ACCEPTED));
    amqpc_deliveries_release(deliveries, batch);
    toggle(PHASE_DISPOSITION_OUT);
    carry_all(ends.server, PHASE_DISPOSITION_OUT, ends.client, PHASE_DISPOSITION_IN);
    toggle(PHASE_DISPOSITION_IN);
    engine_ends_check(amqpc_link_updates(ends.sender, updates, ENDS_BATCH, &count));
    toggle(PHASE_DISPOSITION_IN);
    toggle(PHASE_WHOLE);
    check(count == batch);
}

static void run_messages(size_t batch, size_t message_count)
{
    for (size_t i = 0; i < message_count; i += batch) {
        run_batch(batch);
    }
}

static void open_ends(void)
{
    engine_prepare();
    engine_ends_open(&ends, &count_operation);
    engine_ends_begin(&ends);
    engine_ends_attach(&ends);
    engine_ends_exchange(&ends);
    const engine_operation *operation = &engine_operations[0];
    check(operation->data_size == count_operation.data_size);
    for (size_t i = 0; i < ENDS_BATCH; i++) {
        sample_bytes payload = engine_payload(operation, i);
        payloads[i] = (amqpc_bytes){payload.data, payload.size};
    }
}

static void collect_instructions(size_t batch, const char *suffix)
{
    for (phase here = PHASE_TRANSFER_OUT; here < PHASES; here++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s_%s", phase_names[here], suffix);
        run_messages(batch, WARM_UP_MESSAGES);
        counted = here;
        run_messages(batch, MESSAGES);
        counted = PHASE_NONE;
        CALLGRIND_DUMP_STATS_AT(name);
    }
}

int main(int argc, char **argv)
{
    open_ends();
    if (argc == 2 && strcmp(argv[1], "instructions") == 0) {
        collect_instructions(1, "x1");
        collect_instructions(ENDS_BATCH, "x64");
        printf("%d\n", MESSAGES);
    } else if (argc == 4 && strcmp(argv[1], "run") == 0) {
        run_messages(strcmp(argv[2], "x1") == 0 ? 1 : ENDS_BATCH, strtoul(argv[3], NULL, 10));
    } else {
        codec_fail("usage: engine_count_ours instructions | run x1|x64 N");
    }
    engine_ends_close(&ends);
    return 0;
}
