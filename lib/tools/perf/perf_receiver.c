/* Receiving threads of `amqpcodec perf`. */
#include <string.h>

#include <amqpcodec/receiver.h>

#include "tools/perf/perf.h"

enum { DELIVERIES = 256, WAIT_OPEN_MS = 30000 };

void perf_count(perf_counts *counts, uint64_t run, uint64_t now_ns, amqpc_bytes payload)
{
    uint64_t stamp[2];
    const uint8_t *bytes = payload.data;
    bool is_short = payload.size > 3 && bytes[3] == 0xa0;
    size_t header_size = is_short ? perf_header_size(0) : perf_header_size(UINT64_MAX);
    if (payload.size < header_size + PERF_STAMP_SIZE) {
        return;
    }
    memcpy(stamp, bytes + header_size, sizeof stamp);
    if (stamp[0] != run) {
        return; /* somebody else's, or of an earlier run */
    }
    latency_histogram_add(&counts->latencies, now_ns > stamp[1] ? now_ns - stamp[1] : 0, 1);
    atomic_fetch_add_explicit(&counts->received, 1, memory_order_relaxed);
}

static bool open_link(perf_worker *worker, amqpc_receiver **receiver)
{
    const perf_options *options = worker->load->options;
    amqpc_receiver_options receiver_options;
    amqpc_receiver_options_init(&receiver_options, sizeof receiver_options);
    receiver_options.settled = options->settled;
    receiver_options.prefetch = options->prefetch;
    receiver_options.message_size = 0;
    amqpc_status status =
        amqpc_receiver_new(worker->client, options->address, &receiver_options, receiver);
    if (status == AMQPC_OK) {
        status = amqpc_receiver_wait_open(*receiver, WAIT_OPEN_MS);
    }
    if (status != AMQPC_OK) {
        perf_fail(worker->load, worker->client, "the link of a receiver", status);
    }
    return status == AMQPC_OK;
}

/* Counts, settles and releases. Returns a status of settling. */
static amqpc_status take(perf_worker *worker, amqpc_receiver *receiver, amqpc_delivery *deliveries,
                         size_t count)
{
    amqpc_status status = AMQPC_OK;
    uint64_t now_ns = perf_now_ns();
    for (size_t i = 0; i < count; i++) {
        perf_count(worker->counts, worker->load->run, now_ns, deliveries[i].payload);
    }
    if (!deliveries[0].settled) {
        status = amqpc_receiver_settle(receiver, deliveries[0].number, deliveries[count - 1].number,
                                       AMQPC_COMPOSITE_ACCEPTED);
    }
    amqpc_deliveries_release(deliveries, count);
    return status == AMQPC_NOT_FOUND ? AMQPC_OK : status;
}

void *perf_receive(void *argument)
{
    perf_worker *worker = argument;
    amqpc_receiver *receiver = NULL;
    amqpc_delivery deliveries[DELIVERIES];
    bool goes_on = open_link(worker, &receiver);
    atomic_fetch_add(&worker->load->receivers, goes_on ? 1 : 0);
    while (goes_on && !atomic_load(&worker->load->is_over)) {
        size_t count = 0;
        amqpc_status status =
            amqpc_receiver_receive(receiver, deliveries, DELIVERIES, PERF_PATIENCE_MS, &count);
        if (status == AMQPC_OK) {
            status = take(worker, receiver, deliveries, count);
        }
        goes_on = status == AMQPC_OK || status == AMQPC_TIMED_OUT || status == AMQPC_INTERRUPTED;
        if (!goes_on) {
            perf_fail(worker->load, worker->client, "receiving", status);
        }
    }
    amqpc_receiver_free(receiver);
    worker->counts->cpu_seconds = perf_thread_cpu();
    return NULL;
}
