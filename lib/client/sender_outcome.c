/* What becomes of messages: who waits for an outcome gets it, the others' go to the completions. */
#include <amqpcodec/transaction.h>
#include <string.h>

#include "client/sender.h"
#include "engine/link.h"

enum { UPDATES_AT_ONCE = 64 };

/* Outcomes after which nothing follows (AMQP 3.4.2 to 3.4.5, 4.5.5). */
static bool is_outcome(uint32_t state_type)
{
    return (state_type >= AMQPC_COMPOSITE_ACCEPTED && state_type <= AMQPC_COMPOSITE_MODIFIED) ||
           state_type == AMQPC_COMPOSITE_DECLARED;
}

/* Of a message that was posted in a transaction: the outcome that it will have stands in its place
 * (AMQP 4.4.1, 4.5.6). Where there is none the peer has settled it without a word. */
static void unwrap_transactional(amqpc_update *update)
{
    amqpc_transactional_state state;
    if (amqpc_update_transaction(update, &state) != AMQPC_OK) {
        return;
    }
    bool has_outcome = (state.present & AMQPC_TRANSACTIONAL_STATE_OUTCOME) != 0;
    uint32_t type = has_outcome ? amqpc_value_composite(&state.outcome) : AMQPC_COMPOSITE_NONE;
    update->state_type = has_outcome && type == AMQPC_COMPOSITE_NONE ? AMQPC_STATE_OTHER : type;
    update->state = has_outcome ? state.outcome : (amqpc_value){.type = AMQPC_TYPE_NULL};
    update->unknown = update->unknown || !has_outcome;
}

/* The state, where its type does not say it all. */
static amqpc_bytes encoded_state(const amqpc_update *update)
{
    const amqpc_value *state = &update->state;
    if (AMQPCI_LIKELY(update->state_type == AMQPC_COMPOSITE_ACCEPTED) ||
        update->state_type == AMQPC_COMPOSITE_RELEASED || state->type != AMQPC_TYPE_DESCRIBED) {
        return (amqpc_bytes){NULL, 0};
    }
    /* It was decoded where it lies: before its descriptor stands the byte that says "described". */
    return (amqpc_bytes){(const uint8_t *)state->as.bytes.data - 1, state->as.bytes.size + 1};
}

/* --- Those who wait. */

static amqpci_send_wait **find_wait(amqpc_sender *sender, uint64_t number)
{
    amqpci_send_wait **at = &sender->waits;
    while (*at != NULL && ((*at)->number != number || (*at)->is_done)) {
        at = &(*at)->next;
    }
    return at;
}

static void end_wait(amqpc_sender *sender, amqpci_send_wait **at, uint32_t state_type, bool unknown,
                     amqpc_bytes state)
{
    amqpci_send_wait *wait = *at;
    amqpc_completion completion = {.state_type = state_type, .unknown = unknown, .state = state};
    sender->awaited--;
    wait->is_done = true;
    amqpc_outcome_read(&completion, &wait->outcome);
    if (wait->is_abandoned) {
        *at = wait->next;
        wait->next = sender->spare_waits;
        sender->spare_waits = wait;
    }
}

/* --- From the engine. */

static void complete(amqpc_sender *sender, uint64_t number, uint64_t context, uint32_t state_type,
                     bool unknown, amqpc_bytes state)
{
    if (AMQPCI_UNLIKELY(sender->awaited > 0)) {
        amqpci_send_wait **at = find_wait(sender, number);
        if (*at != NULL) {
            end_wait(sender, at, state_type, unknown, state);
            return;
        }
    }
    sender->posted--;
    amqpci_completions_add(&sender->completions, context, state_type, unknown, state);
}

static bool is_borrowed(const amqpc_link *link, uint64_t number)
{
    const amqpci_delivery *found = NULL;
    if (link->session != NULL) {
        found = (const amqpci_delivery *)amqpci_delivery_index_get(&link->session->outgoing,
                                                                   (uint32_t)number);
    }
    bool matches = found != NULL && amqpci_delivery_number(found) == number;
    for (uint32_t i = 0; !matches && i < link->suspended.count; i++) {
        found = link->suspended.deliveries[i];
        matches = found != NULL && amqpci_delivery_number(found) == number;
    }
    return matches && found->flags & AMQPCI_DELIVERY_BORROWED;
}

/* The receiver waits for this end to settle: it does in receiver-settle-mode second (AMQP 2.6.12),
 * and some do in mode first. What is borrowed is given back by another update then, which is the
 * last. */
static bool settle(const amqpc_sender *sender, const amqpc_update *update)
{
    amqpc_link *link = sender->base.link;
    if (!is_outcome(update->state_type)) {
        return false;
    }
    bool is_last = !sender->has_borrowed || !is_borrowed(link, update->number);
    return amqpc_link_settle(link, update->number, update->number, AMQPC_COMPOSITE_NONE) ==
               AMQPC_OK &&
           is_last;
}

void amqpci_sender_take_updates(amqpc_sender *sender)
{
    amqpc_update updates[UPDATES_AT_ONCE];
    amqpc_link *link = sender->base.link;
    size_t count = 0;
    while (link != NULL && link->updates.first != NULL) {
        amqpci_ignore(amqpc_link_updates(link, updates, UPDATES_AT_ONCE, &count)); /* it is valid */
        for (size_t i = 0; i < count; i++) {
            amqpc_update *update = &updates[i];
            if (AMQPCI_UNLIKELY(update->state_type == AMQPC_COMPOSITE_TRANSACTIONAL_STATE)) {
                unwrap_transactional(update);
            }
            if (AMQPCI_LIKELY(update->settled) || settle(sender, update)) {
                complete(sender, update->number, update->context, update->state_type,
                         update->unknown, encoded_state(update));
            }
        }
    }
    if (link != NULL && AMQPCI_UNLIKELY(link->map_incomplete || link->remote_map_incomplete)) {
        amqpci_sender_take_flow(sender);
    }
}

void amqpci_sender_end_all(amqpc_sender *sender)
{
    const amqpc_bytes none = {NULL, 0};
    amqpc_unsettled unsettled;
    uint64_t after = 0;
    const amqpc_link *link = sender->base.link;
    amqpci_sender_take_updates(sender);
    bool is_gone = link != NULL && link->state == AMQPC_LINK_DETACHED && !link->is_closed;
    while (is_gone && sender->posted + sender->awaited > 0 &&
           amqpc_link_next_unsettled(link, after, &unsettled) == AMQPC_OK) {
        after = unsettled.number;
        complete(sender, unsettled.number, unsettled.context, AMQPC_COMPOSITE_NONE, true, none);
    }
    for (amqpci_send_wait **at = &sender->waits; *at != NULL;) {
        const amqpci_send_wait *wait = *at;
        if (!wait->is_done) {
            end_wait(sender, at, AMQPC_COMPOSITE_NONE, true, none);
        }
        at = *at == wait ? &(*at)->next : at;
    }
}

/* --- To the program. */

static void copy_text(char *to, size_t capacity, amqpc_bytes from)
{
    size_t size = from.size < capacity - 1 ? from.size : capacity - 1;
    if (size > 0) {
        memcpy(to, from.data, size);
    }
    to[size] = '\0';
}

void amqpc_outcome_read(const amqpc_completion *completion, amqpc_outcome *outcome)
{
    amqpc_rejected rejected;
    amqpc_modified modified;
    amqpc_bytes state = completion->state;
    memset(outcome, 0, sizeof *outcome);
    outcome->state_type = completion->state_type;
    outcome->unknown = completion->unknown;
    if (completion->state_type == AMQPC_COMPOSITE_REJECTED && state.size > 0 &&
        amqpc_rejected_decode(state.data, state.size, NULL, &rejected, NULL) == AMQPC_OK &&
        rejected.present & AMQPC_REJECTED_ERROR) {
        copy_text(outcome->condition, sizeof outcome->condition, rejected.error.condition);
        if (rejected.error.present & AMQPC_ERROR_DESCRIPTION) {
            copy_text(outcome->description, sizeof outcome->description,
                      rejected.error.description);
        }
    }
    if (completion->state_type == AMQPC_COMPOSITE_MODIFIED && state.size > 0 &&
        amqpc_modified_decode(state.data, state.size, NULL, &modified, NULL) == AMQPC_OK) {
        outcome->delivery_failed = modified.delivery_failed;
        outcome->undeliverable_here = modified.undeliverable_here;
    }
}

static bool is_done_or_left(const void *object)
{
    const amqpc_sender *sender = (const amqpc_sender *)object;
    return sender->completions.count > 0 || sender->posted == 0;
}

amqpc_status amqpc_sender_completions(amqpc_sender *sender, amqpc_completion *completions,
                                      size_t capacity, int64_t timeout_ms, size_t *count)
{
    amqpc_client *client = sender->base.client;
    amqpc_status status = amqpci_client_enter(client);
    *count = 0;
    if (status != AMQPC_OK) {
        return status;
    }
    if (sender->completions.count == 0) {
        status = amqpci_client_wait(client, amqpci_deadline(timeout_ms), is_done_or_left, sender);
    }
    if (status == AMQPC_OK && capacity > 0) {
        *count = amqpci_completions_take(&sender->completions, completions, capacity);
    }
    if (status == AMQPC_OK && *count == 0 && sender->completions.count == 0) {
        status = AMQPC_NOT_FOUND;
    }
    amqpci_client_leave(client);
    return status;
}

static bool is_flushed(const void *object)
{
    const amqpc_sender *sender = (const amqpc_sender *)object;
    const amqpc_client *client = sender->base.client;
    if (sender->posted > 0) {
        return false;
    }
    if (!sender->options.settled || sender->base.phase != AMQPCI_LINK_OPEN) {
        return true;
    }
    return amqpci_client_is_all_sent(client);
}

amqpc_status amqpc_sender_flush(amqpc_sender *sender, int64_t timeout_ms)
{
    amqpc_client *client = sender->base.client;
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_client_flush(client);
    status = amqpci_client_wait(client, amqpci_deadline(timeout_ms), is_flushed, sender);
    if (status == AMQPC_OK) {
        status = amqpci_client_link_end_status(&sender->base);
    }
    amqpci_client_leave(client);
    return status;
}
