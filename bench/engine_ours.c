/* The contender that is judged: two connections of libamqpcodec, by its public API only.
 *
 * Payloads are sent in batches, by copy, but for large ones, which are sent by reference, and
 * message B, which is encoded where it is sent from. They are received in batches, read where they
 * arrived, settled by ranges and released. */
#include <stdlib.h>

#include "engine_ends.h"

enum {
    BY_REFERENCE_SIZE = 16 * 1024,
    KEPT_MAX = 60000,
    MADE_AT_ONCE = 100, /* objects of which the memory is counted, between two exchanges */
};

struct engine_pair {
    const engine_operation *operation;
    engine_ends ends;
    amqpc_send_options send_options;
    uint64_t to_send;
    uint64_t sent;
    uint64_t done; /* at the client: accepted, or their payload is free again */
    uint64_t received;
    uint64_t sum;
};

static void check(bool holds)
{
    if (!holds) {
        codec_fail("the engine has lost something");
    }
}

/* The client waits for updates: of what is unsettled, and of payloads that it has lent. */
static bool has_updates(const engine_pair *pair)
{
    return !pair->send_options.settled || pair->send_options.by_reference;
}

engine_pair *engine_pair_new(const engine_operation *operation)
{
    engine_pair *pair = calloc(1, sizeof *pair);
    check(pair != NULL);
    pair->operation = operation;
    amqpc_send_options_init(&pair->send_options, sizeof pair->send_options);
    pair->send_options.settled = operation->settled;
    pair->send_options.by_reference =
        operation->kind == ENGINE_PAYLOAD_DATA && operation->data_size >= BY_REFERENCE_SIZE;
    engine_ends_open(&pair->ends, operation);
    engine_ends_begin(&pair->ends);
    engine_ends_attach(&pair->ends);
    engine_ends_exchange(&pair->ends);
    return pair;
}

void engine_pair_free(engine_pair *pair)
{
    engine_ends_close(&pair->ends);
    free(pair);
}

/* Credit, or room in the output: the rest is sent when bytes were carried. */
static bool is_only_full(amqpc_status status)
{
    return status == AMQPC_NO_CREDIT || status == AMQPC_LIMIT_REACHED;
}

/* Up to ENDS_BATCH payloads as they lie; returns whether more may follow. */
static bool send_batch(engine_pair *pair)
{
    amqpc_bytes payloads[ENDS_BATCH];
    size_t count = 0;
    for (; count < ENDS_BATCH && pair->sent + count < pair->to_send; count++) {
        sample_bytes payload = engine_payload(pair->operation, pair->sent + count);
        payloads[count] = (amqpc_bytes){payload.data, payload.size};
    }
    size_t sent = 0;
    amqpc_status status =
        amqpc_link_send_batch(pair->ends.sender, payloads, count, &pair->send_options, &sent, NULL);
    pair->sent += sent;
    if (is_only_full(status)) {
        return false;
    }
    engine_ends_check(status);
    return true;
}

/* One message, encoded into the output; returns whether more may follow. */
static bool send_message(engine_pair *pair)
{
    void *to = NULL;
    amqpc_link *sender = pair->ends.sender;
    amqpc_status status =
        amqpc_link_reserve(sender, CODEC_ORDER_SIZE_MAX, &pair->send_options, &to);
    if (is_only_full(status)) {
        return false;
    }
    engine_ends_check(status);
    size_t size = codec_encode_order_to(SAMPLE_B, (unsigned)(pair->sent % SAMPLE_VARIANTS), to,
                                        CODEC_ORDER_SIZE_MAX);
    engine_ends_check(amqpc_link_commit(sender, size, &pair->send_options, NULL));
    pair->sent++;
    return true;
}

static void send_all_credit(engine_pair *pair)
{
    bool more = true;
    while (more && pair->sent < pair->to_send) {
        more = pair->operation->kind == ENGINE_PAYLOAD_MESSAGE_B ? send_message(pair)
                                                                 : send_batch(pair);
    }
}

static void read_deliveries(engine_pair *pair, amqpc_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pair->sum = engine_receive(pair->operation, pair->sum, deliveries[i].payload.data,
                                   deliveries[i].payload.size);
    }
    pair->received += count;
}

/* All that have arrived: read, settled by one call, and released. */
static void receive_all(engine_pair *pair)
{
    amqpc_delivery deliveries[ENDS_BATCH];
    amqpc_link *receiver = pair->ends.receiver;
    size_t count = ENDS_BATCH;
    while (count == ENDS_BATCH) {
        engine_ends_check(amqpc_link_receive(receiver, deliveries, ENDS_BATCH, &count));
        if (count == 0) {
            return;
        }
        read_deliveries(pair, deliveries, count);
        if (!pair->operation->settled) {
            engine_ends_check(amqpc_link_settle(receiver, deliveries[0].number,
                                                deliveries[count - 1].number,
                                                AMQPC_COMPOSITE_ACCEPTED));
        }
        amqpc_deliveries_release(deliveries, count);
    }
}

static void take_updates(engine_pair *pair)
{
    amqpc_update updates[ENDS_BATCH];
    size_t count = ENDS_BATCH;
    while (count == ENDS_BATCH) {
        engine_ends_check(amqpc_link_updates(pair->ends.sender, updates, ENDS_BATCH, &count));
        for (size_t i = 0; i < count; i++) {
            check(updates[i].settled);
            check(pair->operation->settled || updates[i].state_type == AMQPC_COMPOSITE_ACCEPTED);
        }
        pair->done += count;
    }
}

/* There and back, until both are silent. */
static bool exchange_once(engine_pair *pair)
{
    engine_ends *ends = &pair->ends;
    bool carried = false;
    while (engine_ends_carry(ends->client, ends->server)) {
        engine_ends_handle_events(ends, ends->server);
        receive_all(pair);
        carried = true;
    }
    while (engine_ends_carry(ends->server, ends->client)) {
        engine_ends_handle_events(ends, ends->client);
        carried = true;
    }
    if (has_updates(pair)) {
        take_updates(pair);
    }
    return carried;
}

uint64_t engine_pair_run(engine_pair *pair, size_t message_count)
{
    pair->to_send = message_count;
    pair->sent = 0;
    pair->done = 0;
    pair->received = 0;
    pair->sum = 0;
    do {
        send_all_credit(pair);
    } while (exchange_once(pair));
    check(pair->received == message_count);
    check(!has_updates(pair) || pair->done == message_count);
    return pair->sum;
}

/* --- What memory is counted of: ends that stay until the program ends. */

static const engine_operation keeping_operation = {.name = "keep",
                                                   .data_size = ENGINE_MEMORY_DATA_SIZE,
                                                   .credit_window = ENDS_MANY,
                                                   .max_frame_size = 65536};

static engine_ends *keeping_ends(void)
{
    static engine_ends ends;
    if (ends.client == NULL) {
        engine_ends_open(&ends, &keeping_operation);
        engine_ends_begin(&ends);
        engine_ends_exchange(&ends);
    }
    return &ends;
}

/* What the program itself keeps of them is not counted. */
static void make_connections(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        engine_ends ends;
        engine_ends_open(&ends, &keeping_operation);
        engine_ends_idle(&ends);
    }
}

static void make_with(void (*make_one)(engine_ends *), size_t count)
{
    engine_ends *ends = keeping_ends();
    for (size_t i = 0; i < count; i++) {
        make_one(ends);
        if (i % MADE_AT_ONCE == 0) {
            engine_ends_exchange(ends);
        }
    }
    engine_ends_exchange(ends);
    engine_ends_idle(ends);
}

static void make_sessions(size_t count)
{
    make_with(engine_ends_begin, count);
}

static void make_links(size_t count)
{
    make_with(engine_ends_attach, count);
}

/* Sends so many to the server, which takes them, and does not settle them. */
static void make_deliveries(size_t count, amqpc_delivery *kept)
{
    engine_ends *ends = keeping_ends();
    if (ends->sender == NULL) {
        make_links(1);
    }
    const engine_operation *operation = &engine_operations[0];
    check(operation->data_size == ENGINE_MEMORY_DATA_SIZE);
    for (size_t i = 0; i < count;) {
        size_t taken = 0;
        for (size_t j = 0; j < MADE_AT_ONCE && j < count - i; j++) {
            sample_bytes payload = engine_payload(operation, i + j);
            engine_ends_check(amqpc_link_send(
                ends->sender, (amqpc_bytes){payload.data, payload.size}, NULL, NULL));
        }
        engine_ends_exchange(ends);
        engine_ends_check(amqpc_link_receive(ends->receiver, kept + i, count - i, &taken));
        check(taken > 0);
        i += taken;
        engine_ends_exchange(ends);
    }
    engine_ends_idle(ends);
}

static amqpc_delivery *kept_place(size_t count)
{
    static amqpc_delivery kept[2 * KEPT_MAX];
    static size_t kept_count;
    check(count <= sizeof kept / sizeof kept[0] - kept_count);
    amqpc_delivery *place = kept + kept_count;
    kept_count += count;
    return place;
}

/* The views stay: both ends hold the payload. */
static void make_kept_deliveries(size_t count)
{
    make_deliveries(count, kept_place(count));
}

/* The server has let the bytes go: the payload is at the client. */
static void make_released_deliveries(size_t count)
{
    amqpc_delivery *kept = kept_place(count);
    make_deliveries(count, kept);
    amqpc_deliveries_release(kept, count);
    engine_ends_idle(keeping_ends());
}

const engine_memory engine_memories[] = {
    {"idle_connection", 1000, make_connections, 0},
    {"session", 10000, make_sessions, 0},
    {"link", 10000, make_links, 0},
    {"unsettled_delivery_105B", 50000, make_kept_deliveries, 2},
    {"unsettled_delivery_105B_released", 50000, make_released_deliveries, 1},
};
const size_t engine_memory_count = sizeof engine_memories / sizeof engine_memories[0];
