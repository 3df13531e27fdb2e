/* The contender that is judged: libamqpcodec over its own transports, by its public API only.
 *
 * Payloads are sent in batches by copy, messages are encoded where they are sent from; deliveries
 * are received in batches, read where they arrived, settled by ranges and released. Round trips are
 * in transport_ours_trip.c. */
#include "transport_ours.h"

#include <string.h>

enum { BATCH = 64 };

typedef struct sending_end {
    ours_end end;
    amqpc_send_options options;
    transport_clock clock;
    uint64_t sent;
    uint64_t accepted;
    size_t unflushed_size;
} sending_end;

/* Credit, or room in the output: the rest is sent when bytes have gone out. */
static bool is_only_full(amqpc_status status)
{
    return status == AMQPC_NO_CREDIT || status == AMQPC_LIMIT_REACHED ||
           status == AMQPC_INVALID_STATE; /* not attached yet */
}

/* Payloads as they lie; returns whether more may follow. */
static bool send_batch(sending_end *sending)
{
    amqpc_bytes payloads[BATCH];
    size_t count = 0;
    uint64_t left = sending->end.chosen->message_count - sending->sent;
    for (; count < BATCH && count < left; count++) {
        sample_bytes payload = transport_data(sending->sent + count);
        payloads[count] = (amqpc_bytes){payload.data, payload.size};
    }
    size_t sent = 0;
    amqpc_status status =
        amqpc_link_send_batch(sending->end.sender, payloads, count, &sending->options, &sent, NULL);
    sending->sent += sent;
    sending->unflushed_size += sent * payloads[0].size;
    if (is_only_full(status)) {
        return false;
    }
    ours_check(status);
    return true;
}

/* One message, encoded into the output; returns whether more may follow. */
static bool send_message(sending_end *sending)
{
    void *to = NULL;
    const transport_case *chosen = sending->end.chosen;
    size_t size_max = transport_payload_size_max(chosen);
    amqpc_status status = amqpc_link_reserve(sending->end.sender, size_max, &sending->options, &to);
    if (is_only_full(status)) {
        return false;
    }
    ours_check(status);
    size_t size = transport_encode(chosen, sending->sent, to, size_max);
    ours_check(amqpc_link_commit(sending->end.sender, size, &sending->options, NULL));
    sending->sent++;
    sending->unflushed_size += size;
    return true;
}

/* The receiver has something to do while the rest is put together, and what is written is still in
 * the cache. */
static void flush_block(sending_end *sending)
{
    uint32_t block_size = sending->end.chosen->block_size;
    if (block_size > 0 && sending->unflushed_size >= block_size) {
        sending->unflushed_size = 0;
        ours_check(amqpc_transport_flush(sending->end.transport));
    }
}

static void send_all_credit(sending_end *sending)
{
    const transport_case *chosen = sending->end.chosen;
    bool more = true;
    while (more && sending->sent < chosen->message_count) {
        more = chosen->payload == TRANSPORT_ORDER ? send_message(sending) : send_batch(sending);
        flush_block(sending);
    }
}

static void take_updates(sending_end *sending)
{
    amqpc_update updates[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        ours_check(amqpc_link_updates(sending->end.sender, updates, BATCH, &count));
        for (size_t i = 0; i < count; i++) {
            bool accepted = updates[i].settled && updates[i].state_type == AMQPC_COMPOSITE_ACCEPTED;
            sending->accepted += accepted;
        }
    }
}

void transport_ours_send(const transport_case *chosen, const transport_place *place,
                         transport_result *result)
{
    sending_end sending = {.sent = 0};
    ours_end_connect(&sending.end, chosen, place, true);
    amqpc_send_options_init(&sending.options, sizeof sending.options);
    sending.options.settled = chosen->settled;
    transport_clock_init(&sending.clock, chosen);
    uint64_t done = 0;
    while (done < chosen->message_count) {
        ours_end_round(&sending.end);
        if (!chosen->settled) {
            take_updates(&sending);
        }
        send_all_credit(&sending);
        done = chosen->settled ? sending.sent : sending.accepted;
        transport_clock_progress(&sending.clock, done, ours_end_calls(&sending.end));
    }
    ours_end_close(&sending.end);
    ours_end_free(&sending.end);
    *result = sending.clock.result;
}

typedef struct receiving_end {
    ours_end end;
    transport_clock clock;
    uint64_t received;
    uint64_t sum;
    size_t unflushed_size;
} receiving_end;

/* Credit and settlements reach the sender while the rest is read. */
static void flush_answers(receiving_end *receiving)
{
    uint32_t block_size = receiving->end.chosen->block_size;
    if (block_size > 0 && receiving->unflushed_size >= block_size) {
        receiving->unflushed_size = 0;
        ours_check(amqpc_transport_flush(receiving->end.transport));
    }
}

/* All that have arrived: read, settled by one call, and released. */
static void receive_all(receiving_end *receiving)
{
    amqpc_delivery deliveries[BATCH];
    amqpc_link *link = receiving->end.receiver;
    size_t count = BATCH;
    while (count == BATCH) {
        ours_check(amqpc_link_receive(link, deliveries, BATCH, &count));
        if (count == 0) {
            return;
        }
        for (size_t i = 0; i < count; i++) {
            receiving->unflushed_size += deliveries[i].payload.size;
            receiving->sum = transport_read(receiving->end.chosen, receiving->sum,
                                            deliveries[i].payload.data, deliveries[i].payload.size);
        }
        if (!receiving->end.chosen->settled) {
            ours_check(amqpc_link_settle(link, deliveries[0].number, deliveries[count - 1].number,
                                         AMQPC_COMPOSITE_ACCEPTED));
        }
        amqpc_deliveries_release(deliveries, count);
        receiving->received += count;
        flush_answers(receiving);
    }
}

static void begin_receiving(receiving_end *receiving, const transport_case *chosen,
                            const transport_place *place)
{
    if (!place->through) {
        ours_end_listen(&receiving->end, chosen, place);
        return;
    }
    ours_end_connect(&receiving->end, chosen, place, false);
    while (amqpc_link_get_state(receiving->end.receiver) != AMQPC_LINK_ATTACHED) {
        ours_end_round(&receiving->end);
    }
    transport_tell_port(place, place->port);
}

void transport_ours_receive(const transport_case *chosen, const transport_place *place,
                            transport_result *result)
{
    receiving_end receiving = {.received = 0};
    begin_receiving(&receiving, chosen, place);
    transport_clock_init(&receiving.clock, chosen);
    while (receiving.received < chosen->message_count) {
        ours_end_round(&receiving.end);
        if (receiving.end.receiver != NULL) {
            receive_all(&receiving);
        }
        transport_clock_progress(&receiving.clock, receiving.received,
                                 ours_end_calls(&receiving.end));
    }
    receiving.clock.result.checksum = receiving.sum;
    if (place->through) {
        ours_end_close(&receiving.end);
    }
    while (!receiving.end.over) {
        ours_end_round(&receiving.end);
    }
    ours_end_free(&receiving.end);
    *result = receiving.clock.result;
}
