/* What the engine tells, and what the application notes of it. */
#include "simulation/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the user "user" with the password "pencil", made once: it takes thousands of hashes. */
static const amqpc_sasl_verifier *verifier(void)
{
    static uint8_t stored_key[64];
    static uint8_t server_key[64];
    static amqpc_sasl_verifier made;
    size_t size = 0;
    if (made.iterations == 0 &&
        amqpc_sasl_make_verifier(256, (amqpc_bytes){"pencil", 6}, (amqpc_bytes){"salt", 4}, 4096,
                                 stored_key, server_key, &size) == AMQPC_OK) {
        made = (amqpc_sasl_verifier){
            .salt = {"salt", 4},
            .iterations = 4096,
            .stored_key = {stored_key, size},
            .server_key = {server_key, size},
        };
    }
    return &made;
}

static void answer_question(endpoint *end)
{
    amqpc_sasl_question question;
    if (amqpc_sasl_question_get(end->connection, &question) != AMQPC_OK) {
        return; /* answered before */
    }
    amqpc_status status =
        question.type == AMQPC_SASL_QUESTION_VERIFIER
            ? amqpc_sasl_give_verifier(end->connection, verifier())
            : amqpc_sasl_finish(end->connection, AMQPC_SASL_CODE_OK, (amqpc_bytes){NULL, 0});
    (void)endpoint_succeeds(end, "the answer to a question of SASL", status);
}

static void connection_failed(endpoint *end)
{
    amqpc_connection_failure failure;
    if (amqpc_connection_get_failure(end->connection, &failure) != AMQPC_OK) {
        ledger_break(end->book, RULE_EVENTS, "end %u has failed, but not by anything", end->index);
        return;
    }
    if (!end->fault_expected && !end->leaving && !endpoint_gives_up_sasl(end, failure.status)) {
        ledger_break_if_friendly(end->book, RULE_WIRE, "end %u has failed by itself: %s",
                                 end->index, amqpc_status_name(failure.status));
    }
    end->failed = true;
}

static void connection_closed(endpoint *end)
{
    amqpc_error error;
    if (amqpc_connection_remote_error(end->connection, &error) != AMQPC_OK) {
        error = (amqpc_error){0};
    }
    if (!end->leaving && !end->fault_expected) {
        ledger_break_if_friendly(end->book, RULE_WIRE, "end %u is closed by its peer: %.*s",
                                 end->index, (int)error.condition.size,
                                 (const char *)error.condition.data);
    }
    end->leaving = true;
    end->fault_expected = true;
}

/* Which session of the plan a begin of the peer means, by a property. */
static unsigned session_number(endpoint *end, const amqpc_session *session)
{
    amqpc_begin begin;
    amqpc_items items;
    amqpc_value pair[2];
    size_t count = 0;
    if (amqpc_session_remote_begin(session, &begin) == AMQPC_OK &&
        amqpc_items_init(&begin.properties, &items) == AMQPC_OK &&
        amqpc_items_next(&items, pair, 2, &count) == AMQPC_OK && count == 2 &&
        pair[1].type == AMQPC_TYPE_UINT && pair[1].as.u64 < end->plan->session_count) {
        return (unsigned)pair[1].as.u64;
    }
    ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: begin without its properties",
                             end->index);
    return SESSIONS_MAX;
}

static void session_begun(endpoint *end, amqpc_session *session)
{
    if (amqpc_session_context(session) != NULL) {
        return; /* the answer to ours */
    }
    unsigned number = session_number(end, session);
    const session_end *before = number == SESSIONS_MAX ? NULL : &end->sessions[number];
    if (before != NULL && before->session != NULL && before->begun &&
        amqpc_session_get_state(before->session) == AMQPC_SESSION_UNMAPPED) {
        session_end_retire(end, number); /* its end came with this begin */
    }
    if (number == SESSIONS_MAX || end->sessions[number].session != NULL) {
        if (number != SESSIONS_MAX) {
            ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: session %u begins twice",
                                     end->index, number);
        }
        for (unsigned i = 0; i < end->plan->route_count; i++) {
            route_end *route = &end->routes[i];
            if (route->link != NULL && amqpc_link_session(route->link) == session) {
                route_end_close(route); /* it goes with the session */
            }
        }
        amqpc_session_free(session);
        return;
    }
    end->sessions[number].session = session;
    amqpc_session_set_context(session, &end->sessions[number]);
}

/* The route of a link by its name: "r<route>.<generation>". */
static route_end *named_route(endpoint *end, const amqpc_link *link)
{
    char name[32] = {0};
    amqpc_bytes given = amqpc_link_name(link);
    if (given.size >= sizeof name || given.size == 0) {
        return NULL;
    }
    memcpy(name, given.data, given.size);
    unsigned number = (unsigned)strtoul(name + 1, NULL, 10);
    if (number >= end->plan->route_count) {
        return NULL;
    }
    route_end *route = &end->routes[number];
    route_end_catch_up(route);
    char expected[32];
    (void)snprintf(expected, sizeof expected, "r%u.%u", number, route->generation);
    bool is_sender = amqpc_link_role(link) == AMQPC_ROLE_SENDER;
    return strcmp(name, expected) == 0 && route->is_sender == is_sender ? route : NULL;
}

static void link_attached(endpoint *end, amqpc_link *link)
{
    route_end *route = (route_end *)amqpc_link_context(link);
    if (route == NULL) {
        route = named_route(end, link);
        if (route == NULL || route->link != NULL) {
            amqpc_bytes name = amqpc_link_name(link);
            ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: attach of %.*s", end->index,
                                     (int)name.size, (const char *)name.data);
            amqpc_link_free(link);
            return;
        }
        route->link = link;
        amqpc_link_set_context(link, route);
    }
    if (amqpc_link_is_refused(link)) {
        ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: link %u is refused", end->index,
                                 route->route);
    }
}

static void link_detached(endpoint *end, amqpc_link *link)
{
    amqpc_error error;
    route_end *route = (route_end *)amqpc_link_context(link);
    if (amqpc_link_error(link, &error) == AMQPC_OK) {
        ledger_break_if_friendly(end->book, RULE_WIRE, "end %u: link %u is detached: %.*s",
                                 end->index, route == NULL ? 99 : route->route,
                                 (int)error.condition.size, (const char *)error.condition.data);
    }
    /* The next event may be of the link that comes after it. */
    if (route != NULL && amqpc_link_is_closed(link) &&
        amqpc_link_get_state(link) == AMQPC_LINK_DETACHED) {
        route_end_close(route);
    }
}

static void session_ended(endpoint *end, amqpc_session *session)
{
    amqpc_error error;
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        const amqpc_link *link = end->routes[i].link;
        if (link != NULL && amqpc_link_session(link) == session) {
            ledger_interrupt(end->book, i); /* what was sent since the peer ended it, too */
        }
    }
    if (amqpc_session_error(session, &error) == AMQPC_OK) {
        ledger_break_if_friendly(end->book, RULE_WIRE, "end %u: a session is ended: %.*s",
                                 end->index, (int)error.condition.size,
                                 (const char *)error.condition.data);
    }
}

/* Something waits to be taken from the link. */
static void link_told(endpoint *end, const amqpc_connection_event *event)
{
    route_end *route = (route_end *)amqpc_link_context(event->link);
    bool attached = route != NULL && (route->was_attached || event->type == AMQPC_EVENT_LINK_FLOW);
    if (!attached) {
        ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: %s before attach", end->index,
                                 amqpc_event_name(event->type));
        return;
    }
    if (event->type == AMQPC_EVENT_DELIVERIES && route->is_sender) {
        ledger_break(end->book, RULE_EVENTS, "end %u: deliveries for a sender", end->index);
    }
    if (event->type == AMQPC_EVENT_LINK_FLOW) {
        route->flow_seen = true;
    } else {
        route->event_seen = true;
    }
}

static void handle(endpoint *end, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_SASL:
    case AMQPC_EVENT_SASL_OUTCOME:
    case AMQPC_EVENT_CONNECTION_OPEN:
    case AMQPC_EVENT_SESSION_WINDOW:
        break;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        connection_closed(end);
        break;
    case AMQPC_EVENT_CONNECTION_FAILED:
        connection_failed(end);
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        session_begun(end, event->session);
        break;
    case AMQPC_EVENT_SESSION_END:
        session_ended(end, event->session);
        break;
    case AMQPC_EVENT_LINK_ATTACH:
        link_attached(end, event->link);
        break;
    case AMQPC_EVENT_LINK_DETACH:
        link_detached(end, event->link);
        break;
    case AMQPC_EVENT_LINK_FLOW:
    case AMQPC_EVENT_DELIVERIES:
    case AMQPC_EVENT_UPDATES:
        link_told(end, event);
        break;
    default:
        ledger_break(end->book, RULE_EVENTS, "end %u: event %u", end->index, event->type);
        break;
    }
}

void endpoint_events(endpoint *end)
{
    enum { EVENTS_MAX = 2000 }; /* of one turn: each object has one of each kind at most */
    amqpc_connection_event event;
    unsigned count = 0;
    answer_question(end); /* also one that could not be answered for lack of memory */
    while (end->book->broken == RULE_NONE && amqpc_connection_next_event(end->connection, &event)) {
        end->events++;
        if (event.connection != end->connection) {
            ledger_break(end->book, RULE_EVENTS, "end %u: an event of no connection", end->index);
        }
        if (event.type == AMQPC_EVENT_SASL) {
            answer_question(end);
        }
        handle(end, &event);
        if (++count > EVENTS_MAX) {
            ledger_break(end->book, RULE_NO_SPINNING, "end %u: events without end", end->index);
        }
    }
}
