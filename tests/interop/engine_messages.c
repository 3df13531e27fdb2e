/* The engine's peer: sending, receiving and settling. */
#include <stdlib.h>
#include <string.h>

#include "interop/engine_peer.h"

enum { BATCH = 64, PREFETCH = 100, CREDIT_BEYOND = 10, PIECE_SIZE = 10000 };

/* --- Sending. */

static void count_outcome(peer_summary *summary, uint32_t state_type)
{
    summary->accepted += state_type == AMQPC_COMPOSITE_ACCEPTED;
    summary->rejected += state_type == AMQPC_COMPOSITE_REJECTED;
    summary->released += state_type == AMQPC_COMPOSITE_RELEASED;
    summary->modified += state_type == AMQPC_COMPOSITE_MODIFIED;
}

static bool may_wait(amqpc_status status, const char *call)
{
    if (status == AMQPC_NO_CREDIT || status == AMQPC_LIMIT_REACHED) {
        return true;
    }
    engine_check(status, call);
    return false;
}

/* Pieces that the engine does not take now are offered again in a later round. */
static bool send_stream(engine_peer *peer, const amqpc_send_options *options, amqpc_bytes message)
{
    if (peer->assembled_size == 0 &&
        may_wait(amqpc_link_send_start(peer->link, options, NULL), "amqpc_link_send_start")) {
        return false;
    }
    while (peer->assembled_size < message.size) {
        size_t left = message.size - peer->assembled_size;
        const amqpc_bytes piece = {(const uint8_t *)message.data + peer->assembled_size,
                                   left < PIECE_SIZE ? left : PIECE_SIZE};
        if (may_wait(amqpc_link_send_chunk(peer->link, piece), "amqpc_link_send_chunk")) {
            return false;
        }
        peer->assembled_size += piece.size;
    }
    engine_check(amqpc_link_send_finish(peer->link), "amqpc_link_send_finish");
    peer->assembled_size = 0;
    return true;
}

static bool send_one(engine_peer *peer, uint32_t number)
{
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = peer->options->settled;
    options.by_reference = peer->options->by_reference;
    options.context = number;
    if (peer->messages[number] == NULL) {
        peer->messages[number] = (uint8_t *)malloc(peer_message_size(peer->options, number));
        engine_check(peer->messages[number] != NULL ? AMQPC_OK : AMQPC_NO_MEMORY, "malloc");
        peer_fill_message(peer->options, number, peer->messages[number]);
    }
    const amqpc_bytes message = {peer->messages[number], peer_message_size(peer->options, number)};
    bool sent =
        peer->options->stream
            ? send_stream(peer, &options, message)
            : !may_wait(amqpc_link_send(peer->link, message, &options, NULL), "amqpc_link_send");
    if (sent && !options.by_reference) {
        free(peer->messages[number]);
        peer->messages[number] = NULL;
    }
    return sent;
}

void engine_send(engine_peer *peer)
{
    bool attached = peer->link != NULL && peer->stage == ENGINE_WORKING &&
                    amqpc_link_role(peer->link) == AMQPC_ROLE_SENDER &&
                    amqpc_link_get_state(peer->link) == AMQPC_LINK_ATTACHED;
    if (!attached) {
        return;
    }
    while (peer->summary.sent < peer->options->count && send_one(peer, peer->summary.sent)) {
        peer->summary.sent++;
    }
    amqpc_link_flow flow;
    amqpc_link_get_flow(peer->link, &flow);
    if (flow.drain && peer->summary.sent == peer->options->count) {
        engine_check(amqpc_link_drained(peer->link), "amqpc_link_drained");
        peer->summary.drained = true;
    }
}

static void take_update(engine_peer *peer, const amqpc_update *update)
{
    bool sender = amqpc_link_role(peer->link) == AMQPC_ROLE_SENDER;
    if (!sender) {
        peer->summary.settled += update->settled;
        return;
    }
    count_outcome(&peer->summary, update->state_type);
    if (peer->options->by_reference && update->settled) {
        free(peer->messages[update->context]);
        peer->messages[update->context] = NULL;
    }
    if (!update->settled) {
        engine_check(
            amqpc_link_settle(peer->link, update->number, update->number, AMQPC_COMPOSITE_NONE),
            "amqpc_link_settle");
    }
    peer->summary.settled++;
}

void engine_take_updates(engine_peer *peer)
{
    amqpc_update updates[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        engine_check(amqpc_link_updates(peer->link, updates, BATCH, &count), "amqpc_link_updates");
        for (size_t i = 0; i < count; i++) {
            take_update(peer, &updates[i]);
        }
    }
}

/* --- Receiving. */

void engine_prepare_receiver(engine_peer *peer)
{
    engine_check(amqpc_link_set_streaming(peer->link, peer->options->stream),
                 "amqpc_link_set_streaming");
    engine_check(peer->options->drain
                     ? amqpc_link_add_credit(peer->link, peer->options->count + CREDIT_BEYOND)
                     : amqpc_link_set_prefetch(peer->link, PREFETCH),
                 "credit");
}

static void settle(engine_peer *peer, uint64_t first, uint64_t last)
{
    const char *outcome = peer->options->outcome;
    amqpc_status status = AMQPC_OK;
    if (strcmp(outcome, "rejected") == 0) {
        const amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                                   .condition = engine_bytes(PEER_CONDITION)};
        status = amqpc_link_reject(peer->link, first, last, &error);
    } else if (strcmp(outcome, "modified") == 0) {
        const amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED,
                                         .delivery_failed = true};
        status = amqpc_link_modify(peer->link, first, last, &modified);
    } else {
        bool released = strcmp(outcome, "released") == 0;
        status = amqpc_link_settle(peer->link, first, last,
                                   released ? AMQPC_COMPOSITE_RELEASED : AMQPC_COMPOSITE_ACCEPTED);
    }
    engine_check(status, "settle");
}

/* Gives whether the delivery is whole. */
static bool take_piece(engine_peer *peer, const amqpc_delivery *delivery)
{
    amqpc_bytes payload = delivery->payload;
    if (peer->options->stream) {
        size_t room = peer->options->size - peer->assembled_size;
        size_t size = payload.size < room ? payload.size : room;
        memcpy(peer->assembled + peer->assembled_size, payload.data, size);
        peer->assembled_size += size;
        payload = (amqpc_bytes){peer->assembled, peer->assembled_size};
    }
    if (delivery->more) {
        return false;
    }
    bool same = delivery->settled == peer->options->settled && !delivery->aborted &&
                peer_message_is(peer->options, peer->summary.received, payload.data, payload.size);
    peer->summary.bad += !same;
    peer->summary.received++;
    peer->assembled_size = 0;
    return true;
}

static void take_batch(engine_peer *peer, amqpc_delivery *deliveries, size_t count)
{
    uint64_t first = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (take_piece(peer, &deliveries[i])) {
            first = first == 0 ? deliveries[i].number : first;
            last = deliveries[i].number;
            peer->summary.settled += !peer->options->settled && !peer->options->second;
        }
    }
    if (last != 0 && !peer->options->settled) {
        settle(peer, first, last);
    }
    amqpc_deliveries_release(deliveries, count);
}

void engine_take_deliveries(engine_peer *peer)
{
    amqpc_delivery deliveries[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        engine_check(amqpc_link_receive(peer->link, deliveries, BATCH, &count),
                     "amqpc_link_receive");
        take_batch(peer, deliveries, count);
    }
    if (peer->options->drain && !peer->drain_sent &&
        peer->summary.received == peer->options->count) {
        peer->drain_sent = true;
        engine_check(amqpc_link_drain(peer->link), "amqpc_link_drain");
    }
}

void engine_take_flow(engine_peer *peer)
{
    amqpc_link_flow flow;
    amqpc_link_get_flow(peer->link, &flow);
    if (peer->drain_sent && flow.credit == 0) {
        peer->summary.drained = true;
    }
}

bool engine_all_moved(const engine_peer *peer)
{
    uint32_t count = peer->options->count;
    return peer->summary.sent == count || peer->summary.received == count;
}

bool engine_work_is_done(const engine_peer *peer)
{
    const peer_options *options = peer->options;
    if (peer->link == NULL || amqpc_link_get_state(peer->link) != AMQPC_LINK_ATTACHED) {
        return false;
    }
    /* What waits for the session's window would be dropped by an end that comes before. */
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(peer->connection, &statistics);
    bool settled = options->settled ? statistics.output_size == 0
                                    : amqpc_link_unsettled_count(peer->link) == 0;
    return engine_all_moved(peer) && settled && (!options->drain || peer->summary.drained);
}
