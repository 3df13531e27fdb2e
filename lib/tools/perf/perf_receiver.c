/* Receiving threads of `amqpcodec perf`. */
#include <string.h>

#include <amqpcodec/message.h>
#include <amqpcodec/receiver.h>

#include "tools/perf/perf.h"

enum { DELIVERIES = 256, WAIT_OPEN_MS = 30000 };

/* Behind what brokers put before the body. Returns false where there is no data. */
static bool find_data(amqpc_bytes payload, amqpc_bytes *data)
{
    amqpc_message message;
    bool found =
        amqpc_message_decode(payload.data, payload.size, NULL, &message, NULL) == AMQPC_OK &&
        message.body_kind == AMQPC_BODY_DATA;
    if (found) {
        *data = message.body.as.bytes;
    }
    return found;
}

/* Where the stamp is, if the message is as it was sent: a section of data. */
static bool find_stamp(amqpc_bytes payload, uint64_t stamp[2])
{
    static const uint8_t DATA[] = {0x00, 0x53, 0x75};
    amqpc_bytes data = {NULL, 0};
    const uint8_t *bytes = payload.data;
    if (payload.size > sizeof DATA && memcmp(bytes, DATA, sizeof DATA) == 0) {
        size_t header_size = perf_header_size(bytes[3] == 0xa0 ? 0 : UINT64_MAX);
        size_t skipped = payload.size < header_size ? payload.size : header_size;
        data = (amqpc_bytes){bytes + skipped, payload.size - skipped};
    } else if (!find_data(payload, &data)) {
        return false;
    }
    if (data.size < PERF_STAMP_SIZE) {
        return false;
    }
    memcpy(stamp, data.data, PERF_STAMP_SIZE);
    return true;
}

void perf_count(perf_counts *counts, uint64_t run, uint64_t now_ns, amqpc_bytes payload)
{
    uint64_t stamp[2];
    if (!find_stamp(payload, stamp) || stamp[0] != run) {
        return; /* somebody else's, or of an earlier run */
    }
    latency_histogram_add(&counts->latencies, now_ns > stamp[1] ? now_ns - stamp[1] : 0, 1);
    atomic_fetch_add_explicit(&counts->received, 1, memory_order_relaxed);
}

/* With the peer's own words, where it has ended the link. */
static void fail(perf_worker *worker, amqpc_receiver *receiver, const char *what,
                 amqpc_status status)
{
    amqpc_client_error error;
    bool told = receiver != NULL && amqpc_receiver_get_error(receiver, &error) == AMQPC_OK &&
                error.text[0] != '\0';
    perf_fail(worker->load, worker->client, told ? error.text : what, status);
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
        fail(worker, *receiver, "the link of a receiver", status);
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
            fail(worker, receiver, "receiving", status);
        }
    }
    amqpc_receiver_free(receiver);
    worker->counts->cpu_seconds = perf_thread_cpu();
    return NULL;
}
