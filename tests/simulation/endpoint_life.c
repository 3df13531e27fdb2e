/* Connection, sessions and links at one end: whatever their states ask for is done, and tried
 * again where memory was short; and now and then something is ended for no reason. */
#include "simulation/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool peer_is_open(const endpoint *end)
{
    amqpc_open open;
    return amqpc_connection_remote_open(end->connection, &open) == AMQPC_OK;
}

static void maintain_connection(endpoint *end)
{
    bool asks = end->index == 0 || end->plan->eager;
    if (!end->opened && (asks || peer_is_open(end))) {
        amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID};
        open.container_id = (amqpc_bytes){end->index == 0 ? "client" : "server", 6};
        end->opened = endpoint_succeeds(end, "amqpc_connection_open",
                                        amqpc_connection_open(end->connection, &open));
    }
    if (end->opened && end->leaving) {
        (void)endpoint_succeeds(end, "amqpc_connection_close",
                                amqpc_connection_close(end->connection, NULL));
    }
}

/* --- Sessions. */

static bool begin_session(endpoint *end, unsigned number)
{
    session_end *session = &end->sessions[number];
    const amqpc_value items[2] = {
        {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"session", 7}},
        {.type = AMQPC_TYPE_UINT, .as.u64 = number},
    };
    amqpc_begin begin = {
        .present = AMQPC_BEGIN_INCOMING_WINDOW | AMQPC_BEGIN_NEXT_OUTGOING_ID |
                   AMQPC_BEGIN_OUTGOING_WINDOW | AMQPC_BEGIN_PROPERTIES,
        .incoming_window = end->own->window,
        .next_outgoing_id = end->own->first_transfer_id,
        .outgoing_window = 2147483647u,
        .properties = {.type = AMQPC_TYPE_MAP,
                       .form = AMQPC_FORM_ITEMS,
                       .count = 2,
                       .as.items = items},
    };
    return endpoint_succeeds(end, "amqpc_session_begin",
                             amqpc_session_begin(session->session, &begin));
}

static void new_session(endpoint *end, unsigned number)
{
    session_end *session = &end->sessions[number];
    bool may = end->opened && !end->leaving && (end->plan->eager || peer_is_open(end)) &&
               end->plan->session_initiator[number] == end->index &&
               end->now_ms >= session->begin_at_ms;
    if (may && endpoint_succeeds(end, "amqpc_session_new",
                                 amqpc_session_new(end->connection, &session->session))) {
        amqpc_session_set_context(session->session, session);
    }
}

/* Links of the session before wait in it until there is another. */
static void move_links(endpoint *end, unsigned number)
{
    session_end *session = &end->sessions[number];
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        amqpc_link *link = end->routes[i].link;
        if (link != NULL && amqpc_link_session(link) == session->ended) {
            if (!endpoint_succeeds(end, "amqpc_link_move",
                                   amqpc_link_move(link, session->session))) {
                return;
            }
        }
    }
    amqpc_session_free(session->ended);
    session->ended = NULL;
}

/* The session has ended at both ends: another may come, from here or from there. */
void session_end_retire(endpoint *end, unsigned number)
{
    session_end *session = &end->sessions[number];
    if (session->ended != NULL) {
        end->memory.fail_in = 0;
        move_links(end, number); /* to this one, from which the next takes them over */
    }
    session->ended = session->session;
    session->session = NULL;
    session->begun = false;
    session->begin_at_ms = end->now_ms + random_below(&end->random, 200);
}

static void maintain_session(endpoint *end, unsigned number)
{
    session_end *session = &end->sessions[number];
    if (session->session == NULL) {
        new_session(end, number);
    }
    if (session->session == NULL) {
        return;
    }
    if (session->ended != NULL) {
        move_links(end, number);
    }
    amqpc_session_state state = amqpc_session_get_state(session->session);
    if (!session->begun &&
        (state == AMQPC_SESSION_UNMAPPED || state == AMQPC_SESSION_BEGIN_RECEIVED)) {
        session->begun = begin_session(end, number);
    } else if (state == AMQPC_SESSION_END_RECEIVED) {
        (void)endpoint_succeeds(end, "amqpc_session_end",
                                amqpc_session_end(session->session, NULL));
    } else if (session->begun && state == AMQPC_SESSION_UNMAPPED) {
        session_end_retire(end, number);
    }
}

/* --- Links. */

bool route_end_is_attached(const route_end *route)
{
    return route->link != NULL && amqpc_link_get_state(route->link) == AMQPC_LINK_ATTACHED;
}

static bool attach(route_end *route)
{
    const route_plan *plan = route->plan;
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = {"queue", 5}};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = {"queue", 5}};
    amqpc_attach fields = {
        .present = AMQPC_ATTACH_SND_SETTLE_MODE | AMQPC_ATTACH_RCV_SETTLE_MODE,
        .snd_settle_mode = plan->snd_settle_mode,
        .rcv_settle_mode = plan->rcv_settle_mode,
    };
    if (route->is_sender) {
        fields.present |= AMQPC_ATTACH_INITIAL_DELIVERY_COUNT;
        fields.initial_delivery_count = plan->initial_delivery_count;
    }
    amqpc_status status = amqpc_link_attach(route->link, &fields, &source, &target);
    bool done = endpoint_succeeds(route->end, "amqpc_link_attach", status);
    amqpc_connection_failure failure;
    if (status == AMQPC_NO_MEMORY && route->end->memory.failed > 0 &&
        amqpc_connection_get_failure(route->end->connection, &failure) == AMQPC_OK) {
        /* Attach had gone out when there was no memory to compare the unsettled maps. */
        route->end->fault_expected = true;
    }
    route->attach_at_ms = route->end->now_ms;
    route->was_attached = route->was_attached || done;
    return done;
}

static void new_link(route_end *route, const session_end *session)
{
    endpoint *end = route->end;
    bool may = session->session != NULL && session->begun && !end->leaving &&
               route->plan->initiator == end->index && end->now_ms >= route->attach_at_ms;
    amqpc_session_state state =
        may ? amqpc_session_get_state(session->session) : AMQPC_SESSION_UNMAPPED;
    if (state != AMQPC_SESSION_MAPPED && !(end->plan->eager && state == AMQPC_SESSION_BEGIN_SENT)) {
        return;
    }
    char name[32];
    int size = snprintf(name, sizeof name, "r%u.%u", route->route, route->generation);
    bool role = route->is_sender ? AMQPC_ROLE_SENDER : AMQPC_ROLE_RECEIVER;
    amqpc_link *link = NULL;
    amqpc_status status =
        amqpc_link_new(session->session, role, (amqpc_bytes){name, (size_t)size}, &link);
    if (endpoint_succeeds(end, "amqpc_link_new", status)) {
        route->link = link;
        amqpc_link_set_context(link, route);
    }
}

void route_end_close(route_end *route)
{
    if (!route->is_sender) {
        receiver_take(route, true); /* legal on a link that is detached since */
    } else {
        sender_take_updates(route);
    }
    amqpc_link_free(route->link);
    route->link = NULL;
    route_end_next(route, route->generation + 1);
}

void route_end_next(route_end *route, uint32_t generation)
{
    endpoint *end = route->end;
    route->was_attached = false;
    route->event_seen = false;
    route->flow_seen = false;
    route->draining = false;
    route->pending_count = 0;
    route->to_settle_count = 0;
    route->streamed = NULL;
    route->arriving = NULL;
    free(route->exported);
    route->exported = NULL;
    ledger_abandon(end->book, route->route, route->generation);
    route->generation = generation;
    route->attach_at_ms = end->now_ms + random_below(&end->random, 300);
    ledger_route *known = &end->book->routes[route->route];
    known->generation = known->generation < generation ? generation : known->generation;
}

void route_end_catch_up(route_end *route)
{
    uint32_t generation = route->end->book->routes[route->route].generation;
    bool rests = route->link == NULL || amqpc_link_get_state(route->link) == AMQPC_LINK_DETACHED;
    if (rests && route->generation < generation && route->link != NULL) {
        route_end_close(route);
    }
    if (rests && route->generation < generation) {
        route_end_next(route, generation);
    }
}

static void attach_detached(route_end *route, const session_end *session)
{
    endpoint *end = route->end;
    if (session->session == NULL || !session->begun || end->leaving ||
        amqpc_link_session(route->link) != session->session) {
        return;
    }
    amqpc_session_state state = amqpc_session_get_state(session->session);
    bool mapped =
        state == AMQPC_SESSION_MAPPED || (end->plan->eager && state == AMQPC_SESSION_BEGIN_SENT);
    if (mapped && route->plan->initiator == end->index && end->now_ms >= route->attach_at_ms &&
        route_end_import(route)) {
        (void)attach(route);
    }
}

static void prepare_receiver(route_end *route)
{
    endpoint *end = route->end;
    if (route->plan->streaming) {
        (void)endpoint_succeeds(end, "amqpc_link_set_streaming",
                                amqpc_link_set_streaming(route->link, true));
    }
    if (route->plan->prefetch > 0) {
        (void)endpoint_succeeds(end, "amqpc_link_set_prefetch",
                                amqpc_link_set_prefetch(route->link, route->plan->prefetch));
    }
}

/* Where attach could not name all that is unsettled, the rest has its turn when the link is
 * attached again (AMQP 2.7.3). */
static void attach_for_rest(route_end *route)
{
    endpoint *end = route->end;
    const observer *watch = &end->watch;
    bool incomplete = watch->sent_incomplete[route->route] || watch->got_incomplete[route->route];
    if (end->healing && incomplete && route->plan->initiator == end->index &&
        route->streamed == NULL && end->now_ms > route->attach_at_ms + 300) {
        ledger_interrupt(end->book, route->route);
        (void)endpoint_succeeds(end, "amqpc_link_detach",
                                amqpc_link_detach(route->link, false, NULL));
        route->attach_at_ms = end->now_ms;
    }
}

static void maintain_link(route_end *route)
{
    endpoint *end = route->end;
    const session_end *session = &end->sessions[route->plan->session];
    route_end_catch_up(route);
    if (route->link == NULL) {
        new_link(route, session);
    }
    if (route->link == NULL) {
        return;
    }
    if (!route->is_sender && !route->was_attached) {
        prepare_receiver(route);
    }
    switch (amqpc_link_get_state(route->link)) {
    case AMQPC_LINK_DETACHED:
        if (amqpc_link_is_closed(route->link)) {
            route_end_close(route);
        } else {
            attach_detached(route, session);
        }
        break;
    case AMQPC_LINK_ATTACH_RECEIVED:
        if (session->begun && route_end_import(route)) {
            (void)attach(route);
        }
        break;
    case AMQPC_LINK_DETACH_RECEIVED:
        ledger_interrupt(end->book, route->route);
        (void)endpoint_succeeds(end, "amqpc_link_detach",
                                amqpc_link_detach(route->link, false, NULL));
        route->attach_at_ms = end->now_ms + random_below(&end->random, 200);
        break;
    case AMQPC_LINK_ATTACHED:
        attach_for_rest(route);
        break;
    default:
        break;
    }
}

void endpoint_maintain(endpoint *end)
{
    if (end->failed) {
        return;
    }
    maintain_connection(end);
    for (unsigned i = 0; i < end->plan->session_count; i++) {
        maintain_session(end, i);
    }
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        maintain_link(&end->routes[i]);
    }
}

/* --- Ends for no reason. */

static void random_link_life(route_end *route)
{
    endpoint *end = route->end;
    const life_plan *life = &end->plan->life;
    if (!route_end_is_attached(route)) {
        return;
    }
    bool closes = random_chance(&end->random, life->close_link);
    if (closes || random_chance(&end->random, life->suspend)) {
        if (route->streamed != NULL && !closes) {
            return; /* one thing after the other */
        }
        ledger_interrupt(end->book, route->route);
        (void)endpoint_succeeds(end, "amqpc_link_detach",
                                amqpc_link_detach(route->link, closes, NULL));
        route->attach_at_ms = end->now_ms + random_below(&end->random, 200);
    } else if (random_chance(&end->random, life->echo)) {
        (void)endpoint_succeeds(end, "amqpc_link_send_flow",
                                amqpc_link_send_flow(route->link, true, NULL));
    }
}

void endpoint_random_life(endpoint *end)
{
    const life_plan *life = &end->plan->life;
    if (end->failed || end->leaving) {
        return;
    }
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        random_link_life(&end->routes[i]);
    }
    for (unsigned i = 0; i < end->plan->session_count; i++) {
        const session_end *session = &end->sessions[i];
        if (session->session == NULL ||
            amqpc_session_get_state(session->session) != AMQPC_SESSION_MAPPED ||
            !random_chance(&end->random, life->end_session)) {
            continue;
        }
        for (unsigned j = 0; j < end->plan->route_count; j++) {
            if (end->plan->routes[j].session == i) {
                ledger_interrupt(end->book, j);
            }
        }
        (void)endpoint_succeeds(end, "amqpc_session_end",
                                amqpc_session_end(session->session, NULL));
    }
}
