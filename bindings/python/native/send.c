/* Sending: payloads in batches, and outcomes in runs. */
#include <pthread.h>
#include <stdlib.h>

#include "crossing_client.h"

enum { TAKEN_AT_ONCE = 256 };

/* taking  is held while outcomes are taken and read: what tells of a rejection lives in the library
 *         until more are taken, which another thread may do */
struct crossing_sender {
    crossing_client *client;
    amqpc_sender *sender;
    pthread_mutex_t taking;
};

crossing_sender *crossing_sender_new(crossing_client *client, const char *address,
                                     amqpc_sender_options *options, const crossing_terms *terms,
                                     int *status)
{
    crossing_termini termini;
    crossing_sender *made = (crossing_sender *)calloc(1, sizeof *made);
    if (made == NULL) {
        *status = AMQPC_NO_MEMORY;
        return NULL;
    }
    *status = (int)crossing_terms_read(terms, &termini);
    if (*status == AMQPC_OK) {
        options->source = termini.given_source;
        options->target = termini.given_target;
        options->properties = termini.given_properties;
        *status =
            (int)amqpc_sender_new(crossing_client_get(client), address, options, &made->sender);
    }
    if (*status != AMQPC_OK) {
        free(made);
        return NULL;
    }
    made->client = crossing_client_use(client);
    (void)pthread_mutex_init(&made->taking, NULL);
    return made;
}

amqpc_sender *crossing_sender_get(const crossing_sender *sender)
{
    return sender->sender;
}

void crossing_sender_free(crossing_sender *sender)
{
    amqpc_sender_free(sender->sender);
    crossing_client_drop(sender->client);
    (void)pthread_mutex_destroy(&sender->taking);
    free(sender);
}

/* --- Posting. */

void crossing_begin_payloads(crossing_payloads *payloads, const crossing_encoder *encoder,
                             uint64_t context)
{
    payloads->count = encoder->count;
    payloads->posted = 0;
    payloads->context = context;
    payloads->items = encoder->payloads;
}

static int post(crossing_sender *sender, crossing_payloads *payloads, int64_t patience_ms)
{
    size_t posted = 0;
    amqpc_post_options options;
    amqpc_post_options_init(&options, sizeof options);
    options.transaction = payloads->transaction;
    amqpc_status status = amqpc_sender_post_with(
        sender->sender, payloads->items + payloads->posted, payloads->count - payloads->posted,
        payloads->transaction == NULL ? NULL : &options, payloads->context + payloads->posted,
        patience_ms, &posted);
    payloads->posted += (uint32_t)posted;
    return (int)status;
}

int crossing_post(crossing_sender *sender, crossing_payloads *payloads, bool moves)
{
    return post(sender, payloads, moves ? 0 : AMQPC_LOOK);
}

int crossing_wait_post(crossing_sender *sender, crossing_payloads *payloads, int64_t timeout_ms)
{
    return post(sender, payloads, timeout_ms);
}

/* --- Outcomes. */

crossing_outcomes *crossing_outcomes_new(void)
{
    return (crossing_outcomes *)calloc(1, sizeof(crossing_outcomes));
}

void crossing_outcomes_free(crossing_outcomes *outcomes)
{
    if (outcomes != NULL) {
        free(outcomes->details);
        free(outcomes);
    }
}

static bool goes_on(const crossing_run *run, const amqpc_completion *completion)
{
    return run->detail == 0 && run->state_type == completion->state_type &&
           run->is_unknown == completion->unknown &&
           run->context + run->count == completion->context &&
           completion->context % CROSSING_PAYLOADS_MAX != 0;
}

/* The place among the details, counted from 1; 0 where there is nothing to tell, or no memory. */
static uint64_t add_detail(crossing_outcomes *outcomes, const amqpc_completion *completion)
{
    if (completion->state_type != AMQPC_COMPOSITE_REJECTED &&
        completion->state_type != AMQPC_COMPOSITE_MODIFIED) {
        return 0;
    }
    if (outcomes->details == NULL) {
        outcomes->details = (amqpc_outcome *)calloc(TAKEN_AT_ONCE, sizeof *outcomes->details);
    }
    if (outcomes->details == NULL) {
        return 0;
    }
    amqpc_outcome_read(completion, &outcomes->details[outcomes->detail_count]);
    return ++outcomes->detail_count;
}

static void add(crossing_outcomes *outcomes, const amqpc_completion *completion)
{
    uint32_t count = outcomes->run_count;
    crossing_run *last = count == 0 ? NULL : &outcomes->runs[count - 1];
    uint64_t detail = add_detail(outcomes, completion);
    if (last != NULL && detail == 0 && goes_on(last, completion)) {
        last->count++;
        return;
    }
    outcomes->runs[outcomes->run_count++] = (crossing_run){.context = completion->context,
                                                           .count = 1,
                                                           .state_type = completion->state_type,
                                                           .is_unknown = completion->unknown,
                                                           .detail = detail};
}

static int64_t result(const crossing_outcomes *outcomes)
{
    const crossing_run *run = &outcomes->runs[0];
    bool is_one = outcomes->run_count == 1 && run->count == 1 && !run->is_unknown &&
                  run->state_type == AMQPC_COMPOSITE_ACCEPTED;
    return is_one ? -1 - (int64_t)run->context : AMQPC_OK;
}

int64_t crossing_take_outcomes(crossing_sender *sender, crossing_outcomes *outcomes, bool moves)
{
    amqpc_completion completions[TAKEN_AT_ONCE];
    size_t count = 0;
    if (outcomes->run_count > 0) {
        return result(outcomes);
    }
    outcomes->detail_count = 0;
    (void)pthread_mutex_lock(&sender->taking);
    amqpc_status status = amqpc_sender_completions(sender->sender, completions, TAKEN_AT_ONCE,
                                                   moves ? 0 : AMQPC_LOOK, &count);
    for (size_t i = 0; i < count; i++) {
        add(outcomes, &completions[i]);
    }
    (void)pthread_mutex_unlock(&sender->taking);
    outcomes->count = count;
    return status == AMQPC_OK ? result(outcomes) : (int64_t)status;
}

int64_t crossing_wait_outcomes(crossing_sender *sender, crossing_outcomes *outcomes,
                               int64_t timeout_ms)
{
    size_t count = 0;
    amqpc_status status = amqpc_sender_completions(sender->sender, NULL, 0, timeout_ms, &count);
    return status == AMQPC_OK ? crossing_take_outcomes(sender, outcomes, false) : (int64_t)status;
}

/* --- Both. */

int64_t crossing_wait_send(crossing_sender *sender, crossing_payloads *payloads,
                           const crossing_encoder *encoder, crossing_outcomes *outcomes,
                           uint64_t context, int64_t timeout_ms)
{
    crossing_begin_payloads(payloads, encoder, context);
    int status = post(sender, payloads, 0);
    if (status != AMQPC_OK) {
        return status;
    }
    int64_t taken = crossing_wait_outcomes(sender, outcomes, timeout_ms);
    if (taken == -1 - (int64_t)context) {
        outcomes->run_count = 0;
    }
    return taken;
}
