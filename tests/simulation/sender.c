/* The application at the sending end of a route: sends in every way there is, and takes updates. */
#include "simulation/endpoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/content.h"

static message *new_message(route_end *route, size_t size)
{
    ledger *book = route->end->book;
    message *made = ledger_add(book, route->route, route->generation, size);
    route->made++;
    return made;
}

static size_t random_size(route_end *route)
{
    random_source *random = &route->end->random;
    uint32_t first = route->plan->own_tags ? 0 : CONTENT_NUMBER_SIZE;
    uint32_t last = route->plan->size_max;
    last = last < first ? first : last;
    return random_chance(random, 700) ? random_between(random, first, first + (last - first) / 8)
                                      : random_between(random, first, last);
}

static bool random_settled(route_end *route)
{
    switch (route->plan->snd_settle_mode) {
    case AMQPC_SENDER_SETTLE_MODE_SETTLED:
        return true;
    case AMQPC_SENDER_SETTLE_MODE_UNSETTLED:
        return false;
    default:
        return random_chance(&route->end->random, 400);
    }
}

/* tag: storage of the tag, where the route's messages have tags of their own; NULL for none. */
static void make_options(route_end *route, const message *sent, uint8_t *tag,
                         amqpc_send_options *options)
{
    amqpc_send_options_init(options, sizeof *options);
    options->settled = sent->presettled;
    options->by_reference = sent->by_reference;
    options->batchable = random_chance(&route->end->random, 300);
    options->context = sent->id;
    if (route->plan->own_tags && tag != NULL) {
        for (unsigned i = 0; i < CONTENT_NUMBER_SIZE; i++) {
            tag[i] = (uint8_t)(sent->id >> (8 * i));
        }
        options->tag = (amqpc_bytes){tag, CONTENT_NUMBER_SIZE};
    }
}

/* Whether the engine took it; what it may answer instead depends on credit and limits. */
static bool was_taken(route_end *route, const char *call, amqpc_status status, uint32_t credit)
{
    endpoint *end = route->end;
    if (status == AMQPC_NO_CREDIT) {
        if (credit > 0) {
            ledger_break_if_friendly(end->book, RULE_CREDIT, "end %u: %s has no credit of %u",
                                     end->index, call, credit);
        }
        return false;
    }
    if (status == AMQPC_LIMIT_REACHED) {
        return false;
    }
    if (!endpoint_succeeds(end, call, status)) {
        return false;
    }
    if (credit == 0) {
        ledger_break_if_friendly(end->book, RULE_CREDIT, "end %u: %s succeeds without credit",
                                 end->index, call);
    }
    return true;
}

static uint32_t credit_of(const route_end *route)
{
    amqpc_link_flow flow;
    amqpc_link_get_flow(route->link, &flow);
    return flow.credit;
}

/* Whoever sends by copy may do with its buffer what it likes. */
static void spoil_copy(message *sent)
{
    if (!sent->by_reference) {
        memset(sent->buffer, 0xdd, sent->size);
    }
}

static void send_one(route_end *route)
{
    message *sent = new_message(route, random_size(route));
    sent->presettled = random_settled(route);
    sent->by_reference = random_chance(&route->end->random, 300);
    uint8_t tag[CONTENT_NUMBER_SIZE];
    amqpc_send_options options;
    make_options(route, sent, tag, &options);
    uint32_t credit = credit_of(route);
    amqpc_status status = amqpc_link_send(route->link, (amqpc_bytes){sent->buffer, sent->size},
                                          &options, &sent->number);
    if (was_taken(route, "amqpc_link_send", status, credit)) {
        ledger_sent(route->end->book, sent);
    } else {
        sent->stage = MESSAGE_REFUSED;
        sent->by_reference = false;
    }
    spoil_copy(sent);
}

static void send_batch(route_end *route)
{
    message *batch[BATCH_MAX];
    amqpc_bytes payloads[BATCH_MAX];
    unsigned count = random_between(&route->end->random, 1, BATCH_MAX);
    bool presettled = random_settled(route);
    bool by_reference = random_chance(&route->end->random, 300);
    for (unsigned i = 0; i < count; i++) {
        batch[i] = new_message(route, random_size(route));
        batch[i]->presettled = presettled;
        batch[i]->by_reference = by_reference;
        payloads[i] = (amqpc_bytes){batch[i]->buffer, batch[i]->size};
    }
    assert(count > 0);
    amqpc_send_options options;
    make_options(route, batch[0], NULL, &options);
    uint32_t credit = credit_of(route);
    size_t sent = 0;
    uint64_t first_number = 0;
    amqpc_status status =
        amqpc_link_send_batch(route->link, payloads, count, &options, &sent, &first_number);
    if (sent > count || (status == AMQPC_OK && sent != count) || (sent > credit)) {
        ledger_break_if_friendly(route->end->book, RULE_CREDIT,
                                 "end %u: %zu of %u sent with credit %u: %s", route->end->index,
                                 sent, count, credit, amqpc_status_name(status));
    }
    if (status != AMQPC_OK && status != AMQPC_LIMIT_REACHED && status != AMQPC_NO_CREDIT) {
        (void)endpoint_succeeds(route->end, "amqpc_link_send_batch", status);
    }
    for (unsigned i = 0; i < count; i++) {
        if (i < sent) {
            ledger_sent(route->end->book, batch[i]);
        } else {
            batch[i]->stage = MESSAGE_REFUSED;
            batch[i]->by_reference = false;
        }
        spoil_copy(batch[i]);
    }
}

/* Encoded where it is sent from. */
static void send_reserved(route_end *route)
{
    message *sent = new_message(route, random_size(route));
    sent->presettled = random_settled(route);
    uint8_t tag[CONTENT_NUMBER_SIZE];
    amqpc_send_options options;
    make_options(route, sent, tag, &options);
    uint32_t credit = credit_of(route);
    size_t room = sent->size + random_below(&route->end->random, 100);
    void *place = NULL;
    amqpc_status status = amqpc_link_reserve(route->link, room, &options, &place);
    if (was_taken(route, "amqpc_link_reserve", status, credit)) {
        memcpy(place, sent->buffer, sent->size);
        status = amqpc_link_commit(route->link, sent->size, &options, &sent->number);
        if (was_taken(route, "amqpc_link_commit", status, credit)) {
            ledger_sent(route->end->book, sent);
        }
    }
    sent->stage = sent->stage == MESSAGE_SENT ? MESSAGE_SENT : MESSAGE_REFUSED;
    spoil_copy(sent);
}

/* --- In pieces. */

static void start_stream(route_end *route)
{
    message *sent = new_message(route, random_size(route));
    sent->presettled = random_settled(route);
    uint8_t tag[CONTENT_NUMBER_SIZE];
    amqpc_send_options options;
    make_options(route, sent, tag, &options);
    uint32_t credit = credit_of(route);
    amqpc_status status = amqpc_link_send_start(route->link, &options, &sent->number);
    if (was_taken(route, "amqpc_link_send_start", status, credit)) {
        sent->stage = MESSAGE_PARTIAL;
        route->streamed = sent;
        route->streamed_size = 0;
        route->end->book->statistics.streamed++;
    } else {
        sent->stage = MESSAGE_REFUSED;
    }
}

static void send_chunk(route_end *route)
{
    message *sent = route->streamed;
    size_t left = sent->size - route->streamed_size;
    /* A chunk of one frame finds room in the narrowest window. */
    size_t size = route->end->healing ? (left < 400 ? left : 400)
                                      : random_below(&route->end->random, (uint32_t)left + 1);
    amqpc_bytes chunk = {sent->buffer + route->streamed_size, size};
    amqpc_status status = amqpc_link_send_chunk(route->link, chunk);
    if (was_taken(route, "amqpc_link_send_chunk", status, 1)) {
        route->streamed_size += size;
    }
}

static void go_on_streaming(route_end *route)
{
    endpoint *end = route->end;
    message *sent = route->streamed;
    if (random_chance(&end->random, end->plan->life.abort) && !end->healing) {
        if (endpoint_succeeds(end, "amqpc_link_send_abort", amqpc_link_send_abort(route->link))) {
            sent->stage = MESSAGE_ABORTED;
            route->streamed = NULL;
            end->book->statistics.aborted++;
        }
    } else if (route->streamed_size < sent->size) {
        send_chunk(route);
    } else {
        sent->stage = MESSAGE_SENT; /* it may be taken by the peer within the call's output */
        if (endpoint_succeeds(end, "amqpc_link_send_finish", amqpc_link_send_finish(route->link))) {
            route->streamed = NULL;
            ledger_sent(end->book, sent);
        } else {
            sent->stage = MESSAGE_PARTIAL;
        }
    }
}

static void send_somehow(route_end *route)
{
    switch (random_below(&route->end->random, 8)) {
    case 0:
        if (!route->plan->own_tags) {
            send_batch(route); /* the engine makes the tags of a batch */
            break;
        }
        send_one(route);
        break;
    case 1:
        send_reserved(route);
        break;
    case 2:
        start_stream(route);
        break;
    default:
        send_one(route);
        break;
    }
}

/* --- What the receiver says. */

/* Settles what the receiver has said a state of; without a state, or knowing none. */
static void settle(route_end *route, message *what)
{
    endpoint *end = route->end;
    amqpc_status status =
        amqpc_link_settle(route->link, what->number, what->number, AMQPC_COMPOSITE_NONE);
    if (status == AMQPC_NOT_FOUND || endpoint_succeeds(end, "amqpc_link_settle", status)) {
        what->self_settled = true;
        for (unsigned i = 0; i < route->to_settle_count; i++) {
            if (route->to_settle[i] == what) {
                route->to_settle[i] = route->to_settle[--route->to_settle_count];
                break;
            }
        }
    }
}

static void take_update(route_end *route, const amqpc_update *update)
{
    endpoint *end = route->end;
    message *updated = ledger_get(end->book, update->context);
    if (updated == NULL || updated->route != route->route) {
        ledger_break(end->book, RULE_EVENTS, "end %u: an update of message %llu on link %u",
                     end->index, (unsigned long long)update->context, route->route);
        return;
    }
    updated->number = update->number; /* of a batch only the first is told */
    ledger_updated(end->book, updated, update->state_type, update->settled, update->unknown);
    bool listed = false;
    for (unsigned i = 0; i < route->to_settle_count; i++) {
        if (route->to_settle[i] == updated) {
            listed = true;
            if (update->settled) {
                route->to_settle[i] = route->to_settle[--route->to_settle_count];
            }
            break;
        }
    }
    if (!update->settled && !listed && updated->stage == MESSAGE_SENT) {
        if (route->to_settle_count < PENDING_MAX) {
            route->to_settle[route->to_settle_count++] = updated;
        } else {
            settle(route, updated);
        }
    }
}

void sender_take_updates(route_end *route)
{
    endpoint *end = route->end;
    amqpc_update updates[TAKE_MAX];
    size_t capacity = random_between(&end->random, 1, TAKE_MAX);
    size_t count = capacity;
    while (count == capacity && end->book->broken == RULE_NONE) {
        amqpc_status status = amqpc_link_updates(route->link, updates, capacity, &count);
        if (!endpoint_succeeds(end, "amqpc_link_updates", status)) {
            return;
        }
        for (size_t i = 0; i < count; i++) {
            take_update(route, &updates[i]);
        }
    }
    route->event_seen = false;
}

/* Now and then one that the receiver has said nothing of: the sender forgets it. */
static void settle_some(route_end *route)
{
    endpoint *end = route->end;
    while (route->to_settle_count > 0 && random_chance(&end->random, end->healing ? 900 : 400)) {
        unsigned before = route->to_settle_count;
        settle(route, route->to_settle[random_below(&end->random, before)]);
        if (route->to_settle_count == before) {
            return;
        }
    }
    amqpc_unsettled unsettled;
    if (!random_chance(&end->random, end->plan->life.forget) || end->healing ||
        amqpc_link_next_unsettled(route->link, 0, &unsettled) != AMQPC_OK) {
        return;
    }
    message *forgotten = ledger_get(end->book, unsettled.context);
    if (forgotten != NULL && forgotten->stage == MESSAGE_SENT) {
        forgotten->number = unsettled.number;
        settle(route, forgotten);
    }
}

/* The rest of the credit goes back: mostly at once, in the end for certain. */
void sender_answer_drain(route_end *route)
{
    endpoint *end = route->end;
    amqpc_link_flow flow;
    amqpc_link_get_flow(route->link, &flow);
    if (!route->flow_seen || route->streamed != NULL ||
        !(end->healing || random_chance(&end->random, 300))) {
        return;
    }
    route->flow_seen = flow.drain && !endpoint_succeeds(end, "amqpc_link_drained",
                                                        amqpc_link_drained(route->link));
}

void sender_act(route_end *route)
{
    endpoint *end = route->end;
    if (route->event_seen && random_chance(&end->random, end->healing ? 1000 : 700)) {
        sender_take_updates(route);
    }
    if (end->failed) {
        return;
    }
    settle_some(route);
    if (!route_end_is_attached(route)) {
        route->streamed = NULL; /* it cannot be resumed: its pieces are not kept */
        return;
    }
    if (route->streamed != NULL) {
        if (end->healing || random_chance(&end->random, 500)) {
            go_on_streaming(route);
        }
    } else if (!end->healing && !end->leaving && route->made < MESSAGES_OF_ROUTE &&
               (credit_of(route) > 0 || random_chance(&end->random, 20)) &&
               random_chance(&end->random, 400)) {
        send_somehow(route);
    }
    sender_answer_drain(route);
}
