/* The application at the receiving end of a route: takes deliveries, holds on to their bytes,
 * settles them in any order, and gives credit. */
#include "simulation/endpoint.h"

#include <string.h>

#include "simulation/content.h"

/* --- Taking. */

static void remember_tag(message *what, amqpc_bytes tag)
{
    if (tag.size <= sizeof what->tag && tag.size > 0) {
        memcpy(what->tag, tag.data, tag.size);
        what->tag_size = tag.size;
    }
}

/* Which message a delivery is. NULL for nonsense, which only a hostile peer may send. */
static message *identify(route_end *route, const amqpc_delivery *delivery)
{
    ledger *book = route->end->book;
    message *found = NULL;
    if (route->arriving != NULL && route->arriving_number == delivery->number) {
        return route->arriving;
    }
    if (route->plan->own_tags && delivery->tag.size == CONTENT_NUMBER_SIZE) {
        found = ledger_get(book, content_number(delivery->tag.data));
    } else if (delivery->resumed) {
        found = ledger_get_by_tag(book, route->route, delivery->tag.data, delivery->tag.size);
    } else if (delivery->payload.size >= CONTENT_NUMBER_SIZE) {
        found = ledger_get(book, content_number(delivery->payload.data));
    }
    if (found == NULL && delivery->aborted && delivery->tag.size == 0) {
        return NULL; /* it was given up before a piece of it was taken: nothing tells which */
    }
    if (found == NULL || found->route != route->route) {
        ledger_break_if_friendly(book, RULE_PAYLOAD, "end %u: a delivery of %zu bytes on link %u",
                                 route->end->index, delivery->payload.size, route->route);
        return NULL;
    }
    if (delivery->settled != found->presettled && !delivery->more && !delivery->aborted &&
        !delivery->resumed && found->final_updates == 0 && !found->self_settled &&
        !found->interrupted) {
        ledger_break_if_friendly(book, RULE_PAYLOAD, "message %llu: settled is %d, not as sent",
                                 (unsigned long long)found->id, delivery->settled);
    }
    return found;
}

void receiver_release(route_end *route, unsigned index)
{
    held_delivery *held = &route->held[index];
    const amqpc_delivery *delivery = &held->delivery;
    if (held->what != NULL &&
        !content_is(held->what->id, held->offset, delivery->payload.data, delivery->payload.size)) {
        ledger_break_if_friendly(route->end->book, RULE_PAYLOAD,
                                 "message %llu has changed before it was released",
                                 (unsigned long long)held->what->id);
    }
    amqpc_delivery_release(&held->delivery);
    amqpc_delivery_release(&held->delivery); /* twice is harmless */
    route->held[index] = route->held[--route->held_count];
}

/* An aborted delivery is settled with nothing to show for it. */
static void take_aborted(route_end *route, message *what)
{
    if (what->stage == MESSAGE_SENT && !what->interrupted) {
        ledger_break_if_friendly(route->end->book, RULE_PAYLOAD,
                                 "message %llu comes aborted, but was not",
                                 (unsigned long long)what->id);
    }
    what->partial_size = 0;
    route->arriving = NULL;
}

static void unlist(route_end *route, unsigned index)
{
    memmove(&route->pending[index], &route->pending[index + 1],
            (route->pending_count - index - 1) * sizeof(pending_delivery));
    route->pending_count--;
}

/* The list is in the order of arrival. */
static void list(route_end *route, message *what, const amqpc_delivery *delivery)
{
    for (unsigned i = 0; i < route->pending_count; i++) {
        if (route->pending[i].what == what) { /* sent again, or resumed: now it is the last */
            unlist(route, i);
            break;
        }
    }
    if (route->pending_count < PENDING_MAX) {
        route->pending[route->pending_count++] =
            (pending_delivery){.number = delivery->number, .what = what};
    }
}

static void take(route_end *route, const amqpc_delivery *delivery)
{
    endpoint *end = route->end;
    message *what = identify(route, delivery);
    bool first = what != route->arriving || what == NULL;
    size_t offset = 0;
    if (what != NULL && delivery->aborted) {
        take_aborted(route, what);
    } else if (what != NULL) {
        if (first && !delivery->resumed) {
            what->partial_size = 0;
        }
        offset = what->partial_size;
        remember_tag(what, delivery->tag);
        ledger_received(end->book, what, delivery->payload.data, delivery->payload.size,
                        delivery->resumed, delivery->more);
        route->arriving = delivery->more ? what : NULL;
        route->arriving_number = delivery->number;
        if (!delivery->settled && !delivery->more) {
            list(route, what, delivery);
        }
    }
    held_delivery *held = &route->held[route->held_count++];
    *held = (held_delivery){*delivery, delivery->aborted ? NULL : what, offset};
    if (random_chance(&end->random, 50)) {
        (void)endpoint_succeeds(end, "amqpc_delivery_keep",
                                amqpc_delivery_keep(&held->delivery, &end->memory.allocator));
    }
    if (random_chance(&end->random, 300)) {
        receiver_release(route, route->held_count - 1);
    }
}

void receiver_take(route_end *route, bool all)
{
    endpoint *end = route->end;
    bool more = route->link != NULL;
    while (more && end->book->broken == RULE_NONE) {
        amqpc_delivery deliveries[TAKE_MAX];
        size_t capacity = random_between(&end->random, 1, TAKE_MAX);
        while (all && HELD_MAX - route->held_count < TAKE_MAX) {
            receiver_release(route, 0);
        }
        size_t room = HELD_MAX - route->held_count;
        size_t unlisted = PENDING_MAX - route->pending_count;
        capacity = capacity < room ? capacity : room;
        capacity = capacity < unlisted ? capacity : unlisted;
        size_t count = 0;
        if (capacity == 0 ||
            !endpoint_succeeds(end, "amqpc_link_receive",
                               amqpc_link_receive(route->link, deliveries, capacity, &count))) {
            return;
        }
        if (count > 0 && !route->event_seen && !all) {
            ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: deliveries without an event",
                                     end->index);
        }
        for (size_t i = 0; i < count; i++) {
            take(route, &deliveries[i]);
        }
        more = count == capacity && (all || random_chance(&end->random, 500));
        route->event_seen = count == capacity;
    }
}

/* --- Settling. */

static uint32_t random_outcome(random_source *random)
{
    static const uint32_t outcomes[] = {AMQPC_COMPOSITE_REJECTED, AMQPC_COMPOSITE_RELEASED,
                                        AMQPC_COMPOSITE_MODIFIED};
    return random_chance(random, 700) ? AMQPC_COMPOSITE_ACCEPTED
                                      : outcomes[random_below(random, 3)];
}

static amqpc_status say(route_end *route, uint64_t first, uint64_t last, uint32_t outcome)
{
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = {"simulation:no", 13}};
    amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED, .delivery_failed = true};
    switch (outcome) {
    case AMQPC_COMPOSITE_REJECTED:
        return amqpc_link_reject(route->link, first, last, &error);
    case AMQPC_COMPOSITE_MODIFIED:
        return amqpc_link_modify(route->link, first, last, &modified);
    default:
        return amqpc_link_settle(route->link, first, last, outcome);
    }
}

/* The state only: the sender, or a later call, settles. */
static amqpc_status say_unsettled(route_end *route, uint64_t number)
{
    const amqpc_value items[2] = {
        {.type = AMQPC_TYPE_ULONG, .as.u64 = AMQPC_COMPOSITE_ACCEPTED},
        {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS},
    };
    const amqpc_value accepted = {
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = items};
    return amqpc_link_update(route->link, number, number, &accepted, false);
}

/* Takes the settled ones out of the list; in mode second they wait for the sender. */
static void was_said(route_end *route, unsigned first, unsigned last, uint32_t outcome)
{
    bool second = route->plan->rcv_settle_mode == AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    for (unsigned i = last + 1; i > first; i--) {
        pending_delivery *pending = &route->pending[i - 1];
        if (!pending->said) {
            ledger_decided(pending->what, outcome);
        }
        pending->said = true;
        if (!second) {
            unlist(route, i - 1);
        }
    }
}

/* Whether none of them was given an outcome before, so that one call gives them all one. */
static bool nothing_said(const route_end *route, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        if (route->pending[i].said || (i > first && route->pending[i].tried)) {
            return false;
        }
    }
    return true;
}

/* Where a call for a range has to end: at the last of the list, from `first` to `last`, that follow
 * one another for the engine, too. What has not arrived whole may stand between them. */
static unsigned last_of_range(const route_end *route, unsigned first, unsigned last)
{
    for (unsigned i = first; i < last; i++) {
        amqpc_unsettled next = {0};
        if (amqpc_link_next_unsettled(route->link, route->pending[i].number, &next) != AMQPC_OK ||
            next.number != route->pending[i + 1].number) {
            return i;
        }
    }
    return last;
}

static void settle_some(route_end *route)
{
    endpoint *end = route->end;
    if (route->pending_count == 0) {
        return;
    }
    unsigned first = random_below(&end->random, route->pending_count);
    unsigned last = random_chance(&end->random, 300)
                        ? random_between(&end->random, first, route->pending_count - 1)
                        : first;
    last = last_of_range(route, first, last);
    pending_delivery *one = &route->pending[first];
    bool second = route->plan->rcv_settle_mode == AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    uint32_t outcome = random_outcome(&end->random);
    if (one->tried) { /* memory was short: what the peer was told of it holds */
        last = first;
        outcome = one->what->decision;
    }
    if (!nothing_said(route, first, last)) {
        if (second || !one->said) {
            return; /* it is the sender's turn */
        }
        last = first;
        outcome = one->what->decision;
    } else if (first == last && !one->tried && random_chance(&end->random, 150)) {
        amqpc_status said = say_unsettled(route, one->number);
        /* As below: an update that tells it is on its way to the application. */
        if (said != AMQPC_NOT_FOUND && endpoint_succeeds(end, "amqpc_link_update", said)) {
            one->said = true;
            ledger_decided(one->what, AMQPC_COMPOSITE_ACCEPTED);
        }
        return;
    }
    amqpc_status status = say(route, one->number, route->pending[last].number, outcome);
    for (unsigned i = first; i <= last && status == AMQPC_NO_MEMORY; i++) {
        route->pending[i].tried = true;
        ledger_decided(route->pending[i].what, outcome);
    }
    /* The sender may have settled what its application does not know of yet. */
    if (status == AMQPC_NOT_FOUND || endpoint_succeeds(end, "amqpc_link_settle", status)) {
        was_said(route, first, last, outcome);
    }
}

/* The sender has settled, in answer to what it was told, or because it forgot the delivery. */
void receiver_take_updates(route_end *route)
{
    endpoint *end = route->end;
    amqpc_update updates[TAKE_MAX];
    size_t count = TAKE_MAX;
    while (count == TAKE_MAX && route->link != NULL && end->book->broken == RULE_NONE) {
        amqpc_status status = amqpc_link_updates(route->link, updates, TAKE_MAX, &count);
        if (!endpoint_succeeds(end, "amqpc_link_updates", status)) {
            return;
        }
        for (size_t i = 0; i < count; i++) {
            for (unsigned j = 0; j < route->pending_count && updates[i].settled; j++) {
                if (route->pending[j].number == updates[i].number) {
                    unlist(route, j);
                    break;
                }
            }
        }
    }
}

/* --- Credit. */

static void give_credit(route_end *route)
{
    endpoint *end = route->end;
    amqpc_link_flow flow;
    amqpc_link_get_flow(route->link, &flow);
    uint32_t count = random_between(&end->random, 1, 20);
    if (flow.credit >= 20 || !random_chance(&end->random, end->healing ? 1000 : 300)) {
        return;
    }
    if (endpoint_succeeds(end, "amqpc_link_add_credit",
                          amqpc_link_add_credit(route->link, count))) {
        end->granted[route->route] += count;
        route->draining = false;
    }
}

static void change_credit(route_end *route)
{
    endpoint *end = route->end;
    const life_plan *life = &end->plan->life;
    if (!end->healing && random_chance(&end->random, life->drain)) {
        route->draining = endpoint_succeeds(end, "amqpc_link_drain", amqpc_link_drain(route->link));
    } else if (!end->healing && random_chance(&end->random, life->withdraw)) {
        route->draining = endpoint_succeeds(end, "amqpc_link_withdraw_credit",
                                            amqpc_link_withdraw_credit(route->link));
    } else if (route->plan->prefetch == 0) {
        give_credit(route);
    } else if (route->draining && (end->healing || random_chance(&end->random, 100))) {
        route->draining =
            !endpoint_succeeds(end, "amqpc_link_set_prefetch",
                               amqpc_link_set_prefetch(route->link, route->plan->prefetch));
    }
}

void receiver_act(route_end *route)
{
    endpoint *end = route->end;
    uint32_t often = end->healing ? 1000 : 500;
    while (route->held_count > 0 && random_chance(&end->random, end->healing ? 900 : 300)) {
        receiver_release(route, random_below(&end->random, route->held_count));
    }
    if (route->link == NULL) {
        return;
    }
    if (route->event_seen && random_chance(&end->random, often)) {
        receiver_take_updates(route);
        receiver_take(route, false);
    }
    if (end->failed || (!route->was_attached && route->exported == NULL)) {
        return;
    }
    unsigned times = end->healing ? route->pending_count : random_below(&end->random, 3);
    for (unsigned i = 0; i < times && random_chance(&end->random, often); i++) {
        settle_some(route);
    }
    if (route_end_is_attached(route)) {
        change_credit(route);
    }
}
