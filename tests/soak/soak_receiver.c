/* The receivers of a stream: each takes what comes, notes it, and accepts it. */
#include <stdio.h>
#include <string.h>

#include "soak/soak.h"

enum { DELIVERIES = 32, RECEIVE_MS = 200, QUIET_MS = 1500 };

#define NEVER "never"

static amqpc_receiver *make_receiver(soak_receiver *self)
{
    const soak_plan *plan = self->stream->plan;
    amqpc_receiver *receiver = NULL;
    amqpc_receiver_options options;
    char name[64];
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS | AMQPC_SOURCE_EXPIRY_POLICY,
                                 .address = {plan->address, strlen(plan->address)},
                                 .expiry_policy = {NEVER, strlen(NEVER)}};
    (void)snprintf(name, sizeof name, "%s to %u", plan->address, self->index);
    amqpc_receiver_options_init(&options, sizeof options);
    options.name = name;
    options.settled = plan->settled;
    options.second = plan->second;
    options.source = plan->keeps ? &source : NULL;
    amqpc_status status =
        amqpc_receiver_new(self->client, plan->keeps ? NULL : plan->address, &options, &receiver);
    if (status != AMQPC_OK) {
        soak_fail(self->stream, "receiver", status);
    }
    return receiver;
}

static void take(soak_receiver *self, amqpc_receiver *receiver, const amqpc_delivery *delivery)
{
    unsigned sender = 0;
    uint64_t number = 0;
    if (!soak_content_read(delivery->payload, &sender, &number) ||
        number >= self->stream->senders[sender].ledger.capacity) {
        soak_fail(self->stream, "a message that nobody sent", AMQPC_OK);
        return;
    }
    soak_ledger_receive(&self->stream->senders[sender].ledger, number);
    if (self->stream->plan->settled) {
        return;
    }
    amqpc_status status = amqpc_receiver_accept(receiver, delivery);
    if (status != AMQPC_OK && status != AMQPC_NOT_FOUND) {
        soak_fail(self->stream, "accept", status);
    }
}

/* Whether there is nothing more to come. */
static bool is_over(const soak_receiver *self, uint64_t quiet_ms)
{
    const soak_stream *stream = self->stream;
    if (atomic_load(&stream->done_senders) < SOAK_SENDERS || quiet_ms < QUIET_MS) {
        return false;
    }
    for (int i = 0; i < SOAK_SENDERS && stream->plan->arrives; i++) {
        if (!soak_ledger_has_arrived(&stream->senders[i].ledger)) {
            return false;
        }
    }
    return true;
}

static void receive_all(soak_receiver *self, amqpc_receiver *receiver)
{
    soak_stream *stream = self->stream;
    uint64_t heard_ms = amqpc_now_ms();
    uint64_t end_ms = UINT64_MAX;
    while (!is_over(self, amqpc_now_ms() - heard_ms) && amqpc_now_ms() < end_ms) {
        amqpc_delivery deliveries[DELIVERIES];
        size_t count = 0;
        amqpc_status status =
            amqpc_receiver_receive(receiver, deliveries, DELIVERIES, RECEIVE_MS, &count);
        if (status != AMQPC_OK && status != AMQPC_TIMED_OUT) {
            soak_fail(stream, "receive", status);
            return;
        }
        for (size_t i = 0; i < count; i++) {
            take(self, receiver, &deliveries[i]);
        }
        amqpc_deliveries_release(deliveries, count);
        heard_ms = count > 0 ? amqpc_now_ms() : heard_ms;
        if (end_ms == UINT64_MAX && atomic_load(&stream->done_senders) == SOAK_SENDERS) {
            end_ms = amqpc_now_ms() + SOAK_FINISH_MS;
        }
    }
}

void *soak_receiver_run(void *receiver)
{
    soak_receiver *self = receiver;
    amqpc_receiver *made = make_receiver(self);
    if (made != NULL) {
        receive_all(self, made);
        amqpc_status status = amqpc_receiver_close(made, SOAK_FINISH_MS);
        if (status != AMQPC_OK) {
            soak_fail(self->stream, "closing the receiver", status);
        }
        amqpc_receiver_free(made);
    }
    atomic_fetch_sub(&self->stream->running, 1);
    return NULL;
}
