/* Sending: as far as credit, window and output allow, without a copy of what is encoded here. */
#include <amqpcodec/transaction.h>
#include <string.h>

#include "base/memory.h"
#include "client/controller.h"
#include "engine/link.h"

enum { BATCH = 64 /* messages between two looks at the output */ };

/* How a call sends.
 *
 * given    by the program
 * options  of the engine
 * state    of the transaction; it points into itself */
typedef struct posting {
    amqpc_sender *sender;
    amqpc_post_options given;
    amqpc_send_options options;
    amqpc_transaction_state state;
} posting;

void amqpc_post_options_init(amqpc_post_options *options, size_t struct_size)
{
    amqpc_post_options defaults = {.struct_size = struct_size};
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* Begins a call that sends `count` messages: takes the mutex. options: NULL for the defaults.
 * Without the mutex AMQPC_INVALID_ARGUMENT, AMQPC_FORKED. */
static amqpc_status begin_call(amqpc_sender *sender, const amqpc_post_options *options,
                               size_t count, posting *with)
{
    amqpc_post_options *given = &with->given;
    amqpc_post_options_init(given, sizeof *given);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(given, options, size < sizeof *given ? size : sizeof *given);
    }
    bool foreign =
        given->transaction != NULL && given->transaction->controller->client != sender->base.client;
    if (foreign || given->tag.size > AMQPC_DELIVERY_TAG_MAX || (given->tag.size > 0 && count > 1)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_client_enter(sender->base.client);
    if (status == AMQPC_OK) {
        with->sender = sender;
        with->options = sender->options;
        with->options.by_reference = given->by_reference;
        with->options.message_format = given->message_format;
        with->options.tag = given->tag;
    }
    return status;
}

/* Waits until the link takes a message, or the condition holds otherwise. The statuses of waiting,
 * and of a link that is over. */
static amqpc_status wait_to_post_until(amqpc_sender *sender, uint64_t deadline_ms,
                                       amqpci_condition *is_met, const void *object)
{
    amqpc_client *client = sender->base.client;
    if (AMQPCI_UNLIKELY(!amqpci_sender_may_post(sender))) {
        amqpci_client_flush(client); /* perhaps it is the output that is full */
        sender->posters++;
        amqpc_status status = amqpci_client_wait(client, deadline_ms, is_met, object);
        sender->posters--;
        if (status != AMQPC_OK) {
            amqpci_sender_answer_drain(sender);
            return status;
        }
    }
    return amqpci_client_link_end_status(&sender->base);
}

static amqpc_status wait_to_post(amqpc_sender *sender, uint64_t deadline_ms)
{
    return wait_to_post_until(sender, deadline_ms, amqpci_sender_may_post, sender);
}

static bool may_post_or_over(const void *object)
{
    const posting *with = (const posting *)object;
    return amqpci_sender_may_post(with->sender) ||
           amqpci_transaction_check(with->given.transaction) != AMQPC_OK;
}

/* As wait_to_post; in a transaction also for that, which may be lost while the link is waited for.
 */
static amqpc_status wait_to_post_with(posting *with, uint64_t deadline_ms)
{
    if (with->given.transaction == NULL) {
        return wait_to_post(with->sender, deadline_ms);
    }
    amqpc_status status = amqpci_transaction_wait(with->given.transaction, deadline_ms);
    if (status == AMQPC_OK) {
        status = wait_to_post_until(with->sender, deadline_ms, may_post_or_over, with);
    }
    amqpc_status goes_on = amqpci_transaction_check(with->given.transaction);
    if (status == AMQPC_OK && goes_on != AMQPC_OK) {
        status = goes_on;
    }
    if (status == AMQPC_OK) {
        amqpc_transaction_state_init(&with->state, with->given.transaction->id,
                                     AMQPC_COMPOSITE_NONE);
        with->options.state = &with->state.value;
    }
    return status;
}

/* Encodes the message where it is sent from. */
static amqpc_status send_message(amqpc_sender *sender, const amqpc_message *message,
                                 const amqpc_send_options *options, uint64_t *number)
{
    void *data = NULL;
    size_t size = 0;
    size_t bound = amqpc_message_encoded_bound(message, 0);
    if (bound == SIZE_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_link *link = sender->base.link;
    amqpc_status status = amqpc_link_reserve(link, bound, options, &data);
    if (status == AMQPC_OK) {
        status = amqpc_message_encode(message, 0, data, bound, &size);
    }
    return status == AMQPC_OK ? amqpc_link_commit(link, size, options, number) : status;
}

/* message: NULL where the payload is encoded already. */
static amqpc_status send_one(amqpc_sender *sender, const amqpc_message *message,
                             amqpc_bytes payload, const amqpc_send_options *options,
                             uint64_t *number)
{
    return message != NULL ? send_message(sender, message, options, number)
                           : amqpc_link_send(sender->base.link, payload, options, number);
}

/* A message was given to the engine, or not: the receiver that drains is answered, and what is to
 * be sent goes out. */
static void end_call(amqpc_sender *sender)
{
    if (AMQPCI_UNLIKELY(sender->base.link != NULL && sender->base.link->drain)) {
        amqpci_sender_answer_drain(sender);
    }
    amqpci_client_send_soon(sender->base.client);
    amqpci_client_leave(sender->base.client);
}

/* --- Posting. */

static amqpc_status post_message(amqpc_sender *sender, const amqpc_message *message,
                                 uint64_t context)
{
    amqpc_status status =
        amqpci_completions_reserve(&sender->completions, (size_t)sender->posted + 1);
    if (status != AMQPC_OK) {
        return status;
    }
    sender->options.context = context;
    status = send_message(sender, message, &sender->options, NULL);
    if (status != AMQPC_OK) {
        return status;
    }
    if (sender->options.settled) {
        amqpci_completions_add_sent(&sender->completions, context, 1);
    } else {
        sender->posted++;
    }
    return AMQPC_OK;
}

amqpc_status amqpci_sender_post(amqpc_sender *sender, const amqpc_message *message,
                                uint64_t context, uint64_t deadline_ms)
{
    amqpc_status status = wait_to_post(sender, deadline_ms);
    return status == AMQPC_OK ? post_message(sender, message, context) : status;
}

amqpc_status amqpc_sender_post(amqpc_sender *sender, const amqpc_message *message, uint64_t context,
                               int64_t timeout_ms)
{
    amqpc_status status = amqpci_client_enter(sender->base.client);
    if (status != AMQPC_OK) {
        return status;
    }
    if (AMQPCI_LIKELY(sender->base.phase == AMQPCI_LINK_OPEN && amqpci_sender_may_post(sender))) {
        status = post_message(sender, message, context);
    } else {
        status = amqpci_sender_post(sender, message, context, amqpci_deadline(timeout_ms));
    }
    end_call(sender);
    return status;
}

/* As many as can be sent at once. */
static amqpc_status post_some(amqpc_sender *sender, const amqpc_bytes *payloads, size_t count,
                              uint64_t context, amqpc_send_options *options, size_t *sent)
{
    size_t room = sender->window - sender->posted - sender->awaited;
    size_t frames = sender->base.link->session->remote_window;
    count = count < room ? count : room;
    count = count < frames ? count : frames;
    count = count < BATCH ? count : BATCH;
    amqpc_status status =
        amqpci_completions_reserve(&sender->completions, (size_t)sender->posted + count);
    if (status != AMQPC_OK) {
        return status;
    }
    options->context = context;
    if (AMQPCI_UNLIKELY(options->tag.size > 0)) {
        status = amqpc_link_send(sender->base.link, *payloads, options, NULL);
        *sent = status == AMQPC_OK;
    } else {
        status = amqpc_link_send_batch(sender->base.link, payloads, count, options, sent, NULL);
    }
    if (options->settled && !options->by_reference) {
        amqpci_completions_add_sent(&sender->completions, context, *sent);
    } else {
        sender->posted += (uint32_t)*sent;
    }
    amqpci_client_send_soon(sender->base.client);
    return status;
}

static amqpc_status post_all(posting *with, const amqpc_bytes *payloads, size_t count,
                             uint64_t context, uint64_t deadline_ms, size_t *posted)
{
    amqpc_sender *sender = with->sender;
    bool by_reference = with->options.by_reference;
    amqpc_status status = AMQPC_OK;
    size_t done = 0;
    while (status == AMQPC_OK && done < count) {
        status = wait_to_post_with(with, deadline_ms);
        if (status != AMQPC_OK) {
            break;
        }
        /* In receiver-settle-mode second the payload is copied: a delivery that is settled by this
         * end would have two last updates. */
        with->options.by_reference =
            by_reference && sender->base.link->rcv_settle_mode == AMQPC_RECEIVER_SETTLE_MODE_FIRST;
        sender->has_borrowed = sender->has_borrowed || with->options.by_reference;
        size_t sent = 0;
        status =
            post_some(sender, payloads + done, count - done, context + done, &with->options, &sent);
        done += sent;
        if (status == AMQPC_NO_CREDIT || (status == AMQPC_LIMIT_REACHED && sent > 0)) {
            status = AMQPC_OK; /* it is waited for */
        }
    }
    *posted = done;
    return status;
}

amqpc_status amqpc_sender_post_with(amqpc_sender *sender, const amqpc_bytes *payloads, size_t count,
                                    const amqpc_post_options *options, uint64_t context,
                                    int64_t timeout_ms, size_t *posted)
{
    posting with;
    *posted = 0;
    amqpc_status status = begin_call(sender, options, count, &with);
    if (status != AMQPC_OK) {
        return status;
    }
    status = post_all(&with, payloads, count, context, amqpci_deadline(timeout_ms), posted);
    end_call(sender);
    return status;
}

amqpc_status amqpc_sender_post_batch(amqpc_sender *sender, const amqpc_bytes *payloads,
                                     size_t count, uint64_t context, int64_t timeout_ms,
                                     size_t *posted)
{
    return amqpc_sender_post_with(sender, payloads, count, NULL, context, timeout_ms, posted);
}

amqpc_status amqpc_sender_post_borrowed(amqpc_sender *sender, const amqpc_bytes *payloads,
                                        size_t count, uint64_t context, int64_t timeout_ms,
                                        size_t *posted)
{
    amqpc_post_options options;
    amqpc_post_options_init(&options, sizeof options);
    options.by_reference = true;
    return amqpc_sender_post_with(sender, payloads, count, &options, context, timeout_ms, posted);
}

/* --- Sending, and waiting for the outcome. */

static amqpc_status take_wait(amqpc_sender *sender, amqpci_send_wait **wait)
{
    amqpci_send_wait *made = sender->spare_waits;
    if (AMQPCI_LIKELY(made != NULL)) {
        sender->spare_waits = made->next;
    } else {
        made = (amqpci_send_wait *)amqpci_new(&sender->base.client->allocator, sizeof *made);
    }
    *wait = made;
    return made == NULL ? AMQPC_NO_MEMORY : AMQPC_OK;
}

static void give_wait_back(amqpc_sender *sender, amqpci_send_wait *wait)
{
    amqpci_send_wait **at = &sender->waits;
    while (*at != NULL && *at != wait) {
        at = &(*at)->next;
    }
    if (*at == wait) {
        *at = wait->next;
    }
    wait->next = sender->spare_waits;
    sender->spare_waits = wait;
}

static bool is_wait_done(const void *object)
{
    return ((const amqpci_send_wait *)object)->is_done;
}

static amqpc_status await_outcome(amqpc_sender *sender, amqpci_send_wait *wait,
                                  uint64_t deadline_ms, amqpc_outcome *outcome)
{
    wait->is_done = false;
    wait->is_abandoned = false;
    wait->next = sender->waits;
    sender->waits = wait;
    sender->awaited++;
    amqpc_status status = amqpci_client_wait(sender->base.client, deadline_ms, is_wait_done, wait);
    if (status != AMQPC_OK) {
        wait->is_abandoned = true;
        outcome->unknown = true;
        return status;
    }
    *outcome = wait->outcome;
    give_wait_back(sender, wait);
    return outcome->unknown ? amqpci_client_link_end_status(&sender->base) : AMQPC_OK;
}

static amqpc_status send_and_wait(posting *with, const amqpc_message *message, amqpc_bytes payload,
                                  int64_t timeout_ms, amqpc_outcome *outcome)
{
    amqpc_sender *sender = with->sender;
    amqpci_send_wait *wait = NULL;
    uint64_t deadline_ms = amqpci_deadline(timeout_ms);
    amqpc_status status = wait_to_post_with(with, deadline_ms);
    if (status == AMQPC_OK) {
        status = take_wait(sender, &wait);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    status = send_one(sender, message, payload, &with->options, &wait->number);
    if (status == AMQPC_OK && !sender->options.settled) {
        return await_outcome(sender, wait, deadline_ms, outcome);
    }
    give_wait_back(sender, wait);
    if (status == AMQPC_OK) {
        amqpci_client_flush(sender->base.client);
    }
    return status;
}

static amqpc_status send_any(amqpc_sender *sender, const amqpc_message *message,
                             amqpc_bytes payload, const amqpc_post_options *options,
                             int64_t timeout_ms, amqpc_outcome *outcome)
{
    posting with;
    amqpc_outcome unwanted;
    /* cppcheck-suppress uninitvar ; it is written below */
    outcome = outcome == NULL ? &unwanted : outcome;
    outcome->state_type = AMQPC_COMPOSITE_NONE;
    outcome->unknown = false;
    outcome->delivery_failed = false;
    outcome->undeliverable_here = false;
    outcome->condition[0] = '\0';
    outcome->description[0] = '\0';
    amqpc_status status = begin_call(sender, options, 1, &with);
    if (status != AMQPC_OK) {
        return status;
    }
    status = with.options.by_reference
                 ? AMQPC_INVALID_ARGUMENT
                 : send_and_wait(&with, message, payload, timeout_ms, outcome);
    end_call(sender);
    return status;
}

amqpc_status amqpc_sender_send(amqpc_sender *sender, const amqpc_message *message,
                               int64_t timeout_ms, amqpc_outcome *outcome)
{
    return send_any(sender, message, (amqpc_bytes){NULL, 0}, NULL, timeout_ms, outcome);
}

amqpc_status amqpc_sender_send_bytes(amqpc_sender *sender, amqpc_bytes payload, int64_t timeout_ms,
                                     amqpc_outcome *outcome)
{
    return send_any(sender, NULL, payload, NULL, timeout_ms, outcome);
}

amqpc_status amqpc_sender_send_with(amqpc_sender *sender, const amqpc_message *message,
                                    const amqpc_post_options *options, int64_t timeout_ms,
                                    amqpc_outcome *outcome)
{
    return send_any(sender, message, (amqpc_bytes){NULL, 0}, options, timeout_ms, outcome);
}

amqpc_status amqpc_sender_send_bytes_with(amqpc_sender *sender, amqpc_bytes payload,
                                          const amqpc_post_options *options, int64_t timeout_ms,
                                          amqpc_outcome *outcome)
{
    return send_any(sender, NULL, payload, options, timeout_ms, outcome);
}
