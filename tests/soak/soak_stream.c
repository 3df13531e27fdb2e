/* The senders of a stream, and its beginning and end; receivers are in soak_receiver.c. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "soak/soak.h"

enum { WINDOW = 200, POST_MS = 100, COMPLETIONS = 64, PAUSE_MS = 5 };

#define NEVER "never"

const soak_plan soak_plans[] = {
    {"least", AMQPC_AT_LEAST_ONCE, .arrives = true},
    {"least-kept", AMQPC_AT_LEAST_ONCE, .keeps = true, .arrives = true},
    {"most", AMQPC_AT_MOST_ONCE, .settled = true, .once = true},
    {"unknown", AMQPC_ONCE_OR_UNKNOWN, .settled = true, .once = true},
    {"unknown-kept", AMQPC_ONCE_OR_UNKNOWN, .keeps = true, .arrives = true},
    {"exactly", AMQPC_EXACTLY_ONCE, .second = true, .keeps = true, .arrives = true, .once = true},
};
const size_t soak_plan_count = sizeof soak_plans / sizeof soak_plans[0];

void soak_fail(soak_stream *stream, const char *what, amqpc_status status)
{
    atomic_fetch_add(&stream->failures, 1);
    (void)fprintf(stderr, "%s: %s: %s\n", stream->plan->address, what, amqpc_status_name(status));
}

/* --- Sending. */

static amqpc_sender *make_sender(soak_sender *self)
{
    const soak_plan *plan = self->stream->plan;
    amqpc_sender *sender = NULL;
    amqpc_sender_options options;
    char name[64];
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS | AMQPC_TARGET_EXPIRY_POLICY,
                                 .address = {plan->address, strlen(plan->address)},
                                 .expiry_policy = {NEVER, strlen(NEVER)}};
    (void)snprintf(name, sizeof name, "%s from %u", plan->address, self->index);
    amqpc_sender_options_init(&options, sizeof options);
    options.name = name;
    options.guarantee = plan->guarantee;
    options.window = WINDOW;
    options.target = plan->keeps ? &target : NULL;
    amqpc_status status =
        amqpc_sender_new(self->client, plan->keeps ? NULL : plan->address, &options, &sender);
    if (status != AMQPC_OK) {
        soak_fail(self->stream, "sender", status);
    }
    return sender;
}

static void take_completions(soak_sender *self, amqpc_sender *sender, int64_t timeout_ms)
{
    amqpc_completion completions[COMPLETIONS];
    size_t count = 0;
    amqpc_status status =
        amqpc_sender_completions(sender, completions, COMPLETIONS, timeout_ms, &count);
    if (status != AMQPC_OK && status != AMQPC_TIMED_OUT && status != AMQPC_NOT_FOUND) {
        soak_fail(self->stream, "completions", status);
    }
    for (size_t i = 0; i < count; i++) {
        soak_ledger_complete(&self->ledger, completions[i].context, completions[i].state_type,
                             completions[i].unknown);
    }
}

/* Returns whether the message is on its way. */
static bool post(soak_sender *self, amqpc_sender *sender, const amqpc_message *message,
                 uint64_t number)
{
    amqpc_status status = amqpc_sender_post(sender, message, number, POST_MS);
    if (status == AMQPC_OK) {
        soak_ledger_post(&self->ledger, number);
    } else if (status != AMQPC_TIMED_OUT) {
        soak_fail(self->stream, "post", status);
    }
    return status == AMQPC_OK;
}

static bool send_and_wait(soak_sender *self, amqpc_sender *sender, const amqpc_message *message,
                          uint64_t number)
{
    amqpc_outcome outcome;
    amqpc_status status = amqpc_sender_send(sender, message, SOAK_FINISH_MS, &outcome);
    if (status != AMQPC_OK) {
        soak_fail(self->stream, "send", status);
        return false;
    }
    soak_ledger_post(&self->ledger, number);
    soak_ledger_complete(&self->ledger, number, outcome.state_type, outcome.unknown);
    return true;
}

/* Posts at the stream's rate, as far as the network lets it, until the stream stops. */
static void send_all(soak_sender *self, amqpc_sender *sender, uint8_t *data)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    uint64_t started_ms = amqpc_now_ms();
    uint64_t number = 0;
    while (!atomic_load(&self->stream->stops) && atomic_load(&self->stream->failures) == 0) {
        uint64_t due = (amqpc_now_ms() - started_ms) * self->stream->rate / 1000;
        bool is_due = number < due && number < self->ledger.capacity;
        if (is_due) {
            amqpc_message message;
            soak_content_make(self->index, number, data, &message);
            bool sent = self->index == 0 ? send_and_wait(self, sender, &message, number)
                                         : post(self, sender, &message, number);
            number += sent;
        }
        if (self->index > 0) {
            take_completions(self, sender, 0);
        }
        if (!is_due) {
            (void)nanosleep(&pause, NULL);
        }
    }
}

static void finish(soak_sender *self, amqpc_sender *sender)
{
    uint64_t end_ms = amqpc_now_ms() + SOAK_FINISH_MS;
    while (atomic_load(&self->ledger.completed) < atomic_load(&self->ledger.posted) &&
           amqpc_now_ms() < end_ms) {
        take_completions(self, sender, POST_MS);
    }
    amqpc_status status = amqpc_sender_close(sender, SOAK_FINISH_MS);
    if (status != AMQPC_OK) {
        soak_fail(self->stream, "closing the sender", status);
    }
}

static void *sender_run(void *context)
{
    soak_sender *self = context;
    amqpc_sender *sender = make_sender(self);
    uint8_t *data = malloc(SOAK_SIZE_MOST);
    if (sender != NULL && data != NULL) {
        send_all(self, sender, data);
        finish(self, sender);
    }
    amqpc_sender_free(sender);
    free(data);
    atomic_fetch_add(&self->stream->done_senders, 1);
    atomic_fetch_sub(&self->stream->running, 1);
    return NULL;
}

/* --- The stream. */

bool soak_stream_start(soak_stream *stream, const soak_plan *plan, uint64_t rate, uint32_t capacity,
                       amqpc_client *const clients[SOAK_CLIENTS])
{
    memset(stream, 0, sizeof *stream);
    stream->plan = plan;
    stream->rate = rate;
    atomic_store(&stream->running, SOAK_SENDERS + SOAK_RECEIVERS);
    size_t first = (size_t)(plan - soak_plans); /* so that each client has of all kinds */
    bool starts = true;
    for (unsigned i = 0; i < SOAK_SENDERS && starts; i++) {
        soak_sender *sender = &stream->senders[i];
        *sender = (soak_sender){
            .stream = stream, .index = i, .client = clients[(first + i) % SOAK_CLIENTS]};
        starts = soak_ledger_init(&sender->ledger, capacity);
    }
    for (unsigned i = 0; i < SOAK_RECEIVERS && starts; i++) {
        soak_receiver *receiver = &stream->receivers[i];
        *receiver = (soak_receiver){
            .stream = stream, .index = i, .client = clients[(first + i + 1) % SOAK_CLIENTS]};
        starts = pthread_create(&receiver->thread, NULL, soak_receiver_run, receiver) == 0;
    }
    for (unsigned i = 0; i < SOAK_SENDERS && starts; i++) {
        soak_sender *sender = &stream->senders[i];
        starts = pthread_create(&sender->thread, NULL, sender_run, sender) == 0;
    }
    return starts;
}

void soak_stream_join(soak_stream *stream)
{
    for (int i = 0; i < SOAK_SENDERS; i++) {
        (void)pthread_join(stream->senders[i].thread, NULL);
    }
    for (int i = 0; i < SOAK_RECEIVERS; i++) {
        (void)pthread_join(stream->receivers[i].thread, NULL);
    }
}
