/* What became of every message, and the rules. */
#include "simulation/ledger.h"

#include <amqpcodec/delivery.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/content.h"

const char *ledger_rule_name(ledger_rule rule)
{
    static const char *const names[] = {
        "none",
        "one_final_update",
        "accepted_is_received",
        "received_once",
        "payload",
        "credit",
        "window",
        "memory",
        "healing",
        "events",
        "settled_once",
        "by_reference",
        "no_spinning",
        "wire",
    };
    return names[rule];
}

void ledger_init(ledger *book, const simulation_plan *plan)
{
    *book = (ledger){.plan = plan, .tainted = plan->faults.hostile != NOBODY};
}

void ledger_clean_up(ledger *book)
{
    for (size_t i = 0; i < book->count; i++) {
        free(book->messages[i]->buffer);
        free(book->messages[i]);
    }
    free(book->messages);
    *book = (ledger){0};
}

static void note(ledger *book, ledger_rule rule, const char *format, va_list arguments)
{
    if (book->broken == RULE_NONE) {
        book->broken = rule;
        (void)vsnprintf(book->account, sizeof book->account, format, arguments);
    }
}

void ledger_break(ledger *book, ledger_rule rule, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(book, rule, format, arguments);
    va_end(arguments);
}

void ledger_break_if_friendly(ledger *book, ledger_rule rule, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!book->tainted) {
        note(book, rule, format, arguments);
    }
    va_end(arguments);
}

message *ledger_add(ledger *book, unsigned route, uint32_t generation, size_t size)
{
    if (book->count == book->capacity) {
        book->capacity = 2 * book->capacity + 64;
        book->messages = (message **)realloc(book->messages, book->capacity * sizeof(message *));
    }
    message *added = (message *)calloc(1, sizeof *added);
    if (book->messages == NULL || added == NULL) {
        abort();
    }
    book->messages[book->count++] = added;
    added->id = book->count;
    added->route = route;
    added->generation = generation;
    added->size = size;
    added->buffer = (uint8_t *)malloc(size + 1);
    if (added->buffer == NULL) {
        abort();
    }
    content_write(added->id, 0, added->buffer, size);
    return added;
}

message *ledger_get(const ledger *book, uint64_t id)
{
    return id > 0 && id <= book->count ? book->messages[id - 1] : NULL;
}

/* From the newest: tags are unique only among unsettled deliveries. */
message *ledger_get_by_tag(const ledger *book, unsigned route, const void *tag, size_t size)
{
    for (size_t i = book->count; i > 0; i--) {
        message *candidate = book->messages[i - 1];
        if (candidate->route == route && candidate->tag_size == size && size > 0 &&
            memcmp(candidate->tag, tag, size) == 0) {
            return candidate;
        }
    }
    return NULL;
}

void ledger_sent(ledger *book, message *sent)
{
    sent->stage = MESSAGE_SENT;
    book->routes[sent->route].sent++;
    book->statistics.sent++;
    book->statistics.presettled += sent->presettled;
    book->statistics.by_reference += sent->by_reference;
}

static bool is_outcome(uint32_t type)
{
    return type == AMQPC_COMPOSITE_ACCEPTED || type == AMQPC_COMPOSITE_REJECTED ||
           type == AMQPC_COMPOSITE_RELEASED || type == AMQPC_COMPOSITE_MODIFIED;
}

void ledger_updated(ledger *book, message *updated, uint32_t state_type, bool settled, bool unknown)
{
    unsigned long long id = updated->id;
    if (updated->final_updates > 0) {
        ledger_break_if_friendly(book, RULE_ONE_FINAL_UPDATE,
                                 "message %llu is updated after its last update", id);
    }
    if (updated->presettled && !updated->by_reference) {
        ledger_break(book, RULE_EVENTS, "message %llu was sent settled, but is updated", id);
    }
    if (updated->stage != MESSAGE_SENT && updated->stage != MESSAGE_PARTIAL) {
        ledger_break(book, RULE_EVENTS, "message %llu was not sent, but is updated", id);
    }
    if (is_outcome(state_type)) {
        if (updated->received == 0 && updated->partial_size == 0) {
            ledger_break_if_friendly(book, RULE_ACCEPTED_IS_RECEIVED,
                                     "message %llu has an outcome, but was not received", id);
        } else if (updated->decision != state_type) {
            ledger_break_if_friendly(book, RULE_ACCEPTED_IS_RECEIVED,
                                     "message %llu was given outcome 0x%x, and 0x%x is told", id,
                                     updated->decision, state_type);
        }
        updated->outcome = state_type;
    } else if (settled && !unknown && !updated->presettled && !updated->self_settled) {
        ledger_break_if_friendly(book, RULE_ACCEPTED_IS_RECEIVED,
                                 "message %llu is settled with no outcome", id);
    }
    if (settled) {
        updated->final_updates++;
        updated->unknown = unknown;
        book->statistics.settled++;
        book->statistics.unknown += unknown;
        ledger_return_buffer(updated);
    }
}

void ledger_return_buffer(message *returned)
{
    if (returned->by_reference && !returned->returned) {
        returned->returned = true;
        memset(returned->buffer, 0xee, returned->size);
    }
}

static void received_whole(ledger *book, message *received)
{
    unsigned long long id = received->id;
    const route_plan *route = &book->plan->routes[received->route];
    received->received++;
    book->statistics.received++;
    if (received->received == 1) {
        ledger_route *kept = &book->routes[received->route];
        if (received->id < kept->last_first_received) {
            ledger_break_if_friendly(book, RULE_PAYLOAD, "message %llu came after %llu", id,
                                     (unsigned long long)kept->last_first_received);
        }
        kept->last_first_received = received->id;
        return;
    }
    book->statistics.duplicates++;
    if (received->presettled) {
        ledger_break_if_friendly(book, RULE_SETTLED_ONCE, "settled message %llu came again", id);
    } else if (route->rcv_settle_mode == AMQPC_RECEIVER_SETTLE_MODE_SECOND) {
        ledger_break_if_friendly(book, RULE_RECEIVED_ONCE, "message %llu came again", id);
    }
}

void ledger_received(ledger *book, message *received, const void *data, size_t size, bool resumed,
                     bool more)
{
    unsigned long long id = received->id;
    size_t offset = received->partial_size;
    book->statistics.resumed += resumed;
    if (received->stage == MESSAGE_REFUSED || received->stage == MESSAGE_DRAFT) {
        ledger_break_if_friendly(book, RULE_PAYLOAD, "message %llu was never sent, but came", id);
    }
    if (size > received->size - offset || !content_is(received->id, offset, data, size)) {
        ledger_break_if_friendly(book, RULE_PAYLOAD,
                                 "message %llu of %zu bytes: %zu bytes from %zu on are wrong", id,
                                 received->size, size, offset);
        return;
    }
    received->partial_size += size;
    if (more) {
        return;
    }
    if (received->partial_size != received->size || received->stage != MESSAGE_SENT) {
        ledger_break_if_friendly(book, RULE_PAYLOAD, "message %llu of %zu bytes ends after %zu", id,
                                 received->size, received->partial_size);
    }
    received->partial_size = 0;
    received_whole(book, received);
}

void ledger_decided(message *decided, uint32_t outcome)
{
    decided->decision = outcome;
}

void ledger_abandon(ledger *book, unsigned route, uint32_t generation)
{
    for (size_t i = 0; i < book->count; i++) {
        message *lost = book->messages[i];
        if (lost->route == route && lost->generation == generation) {
            lost->abandoned = true;
        }
    }
}

void ledger_return_all(ledger *book, unsigned end)
{
    for (size_t i = 0; i < book->count; i++) {
        if (book->plan->routes[book->messages[i]->route].sender == end) {
            ledger_return_buffer(book->messages[i]);
        }
    }
}

void ledger_interrupt(ledger *book, unsigned route)
{
    for (size_t i = 0; i < book->count; i++) {
        message *lost = book->messages[i];
        if (lost->route == route) {
            lost->interrupted = true;
            lost->may_be_lost = lost->may_be_lost || lost->received == 0;
        }
    }
}

void ledger_check_output(ledger *book, const void *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    for (size_t i = 0; i < book->count; i++) {
        const message *sent = book->messages[i];
        if (sent->by_reference && sent->returned && bytes < sent->buffer + sent->size &&
            sent->buffer < bytes + size) {
            ledger_break(book, RULE_BY_REFERENCE,
                         "bytes of message %llu are sent after they were given back",
                         (unsigned long long)sent->id);
        }
    }
}

static bool is_complete(const message *sent)
{
    if (sent->stage != MESSAGE_SENT || sent->abandoned) {
        return true;
    }
    if (sent->by_reference && !sent->returned && !sent->self_settled) {
        return false;
    }
    if (sent->presettled) {
        return sent->received > 0 || sent->may_be_lost;
    }
    return sent->final_updates > 0 || sent->self_settled;
}

bool ledger_is_complete(const ledger *book, const message **incomplete)
{
    for (size_t i = 0; i < book->count; i++) {
        if (!is_complete(book->messages[i])) {
            *incomplete = book->messages[i];
            return false;
        }
    }
    return true;
}

void ledger_check_end(ledger *book)
{
    for (size_t i = 0; i < book->count; i++) {
        const message *sent = book->messages[i];
        unsigned long long id = sent->id;
        if (sent->final_updates > 1) {
            ledger_break_if_friendly(book, RULE_ONE_FINAL_UPDATE, "message %llu: %u last updates",
                                     id, sent->final_updates);
        }
        if (sent->outcome == AMQPC_COMPOSITE_ACCEPTED && sent->received == 0) {
            ledger_break_if_friendly(book, RULE_ACCEPTED_IS_RECEIVED,
                                     "message %llu was accepted, but never received", id);
        }
    }
}
