/* One end of the simulation: its connections, one after the other, and its turns. */
#include "simulation/endpoint.h"

#include <stdlib.h>
#include <string.h>

static void forget_connection(endpoint *end);

void endpoint_init(endpoint *end, const simulation_plan *plan, ledger *book, unsigned index)
{
    *end = (endpoint){
        .plan = plan,
        .own = &plan->ends[index],
        .book = book,
        .index = index,
        .random = random_source_make(plan->seed, 10 + index),
    };
    heap_init(&end->memory);
    for (unsigned i = 0; i < plan->route_count; i++) {
        route_end *route = &end->routes[i];
        route->end = end;
        route->plan = &plan->routes[i];
        route->route = i;
        route->is_sender = plan->routes[i].sender == index;
    }
}

static void release_all(endpoint *end)
{
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        while (end->routes[i].held_count > 0) {
            receiver_release(&end->routes[i], 0);
        }
    }
}

/* Deliveries that were taken outlive their connection; now one is released first, now the other. */
void endpoint_clean_up(endpoint *end)
{
    if (random_chance(&end->random, 500)) {
        release_all(end);
    }
    amqpc_connection_free(end->connection);
    ledger_return_all(end->book, end->index);
    forget_connection(end);
    release_all(end);
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        free(end->routes[i].exported);
    }
    free(end->record.bytes);
    end->record = (observed_bytes){0};
}

/* The application's bytes for SASL: whatever the kind is. */
static void sasl_of_end(const endpoint *end, amqpc_sasl_options *sasl)
{
#ifdef AMQPCODEC_WITH_TLS
    static const char *const names[] = {"", "ANONYMOUS", "PLAIN", "SCRAM-SHA-256"};
#else
    static const char *const names[] = {"", "ANONYMOUS", "PLAIN", "PLAIN"}; /* there is no SCRAM */
#endif
    const char *name = names[end->plan->sasl];
    amqpc_sasl_options_init(sasl, sizeof *sasl);
    sasl->mechanisms = (amqpc_bytes){name, strlen(name)};
    sasl->allow_plain_cleartext = true;
    if (end->index == 0 && end->plan->sasl >= SASL_KIND_PLAIN) {
        sasl->user = (amqpc_bytes){"user", 4};
        sasl->password = (amqpc_bytes){"pencil", 6};
    }
}

bool endpoint_connect(endpoint *end, byte_pipe *out, byte_pipe *in)
{
    uint8_t unpredictable[32];
    random_bytes(&end->random, unpredictable, sizeof unpredictable);
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = end->own->frame_size;
    limits.channels = 8;
    amqpc_sasl_options sasl;
    sasl_of_end(end, &sasl);
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.role = end->index == 0 ? AMQPC_CLIENT : AMQPC_SERVER;
    options.limits = &limits;
    options.sasl = end->plan->sasl == SASL_KIND_NONE ? NULL : &sasl;
    options.random = (amqpc_bytes){unpredictable, sizeof unpredictable};
    options.idle_timeout_ms = end->own->idle_timeout_ms;
    options.handles_max = 16;
    options.unsettled_max = end->own->unsettled_max;
    options.message_size = 65536;
    options.partial_size = end->own->partial_size;
    options.retained_size = end->own->retained_size;
    options.output_size = end->own->output_size;
    options.input_slab_size = end->own->input_slab_size;
    options.trace_size = end->records ? 0 : random_below(&end->random, 2) * 1024;
    amqpc_connection *connection = NULL;
    amqpc_status status = amqpc_connection_new(&end->memory.allocator, &options, &connection);
    if (!endpoint_succeeds(end, "amqpc_connection_new", status)) {
        return false;
    }
    end->connection = connection;
    end->out = out;
    end->in = in;
    end->deadline_ms = end->now_ms;
    end->record.size = 0;
    observer_init(&end->watch, end->book, end->index, end->granted);
    return true;
}

/* All that belonged to the connection is gone, or with whom it was left. */
static void forget_connection(endpoint *end)
{
    observer_clean_up(&end->watch);
    end->connection = NULL;
    end->lent = NULL;
    end->opened = false;
    end->stopped = false;
    end->failed = false;
    end->fault_expected = false;
    end->over = false;
    end->output_waits = false;
    memset(end->sessions, 0, sizeof end->sessions);
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        route_end *route = &end->routes[i];
        route->link = NULL;
        route->was_attached = false;
        route->event_seen = false;
        route->flow_seen = false;
        route->attach_at_ms = 0;
        route->draining = false;
        route->to_settle_count = 0;
        route->streamed = NULL;
    }
}

void endpoint_disconnect(endpoint *end)
{
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        route_end *route = &end->routes[i];
        ledger_interrupt(end->book, i);
        if (route->link == NULL) {
            continue;
        }
        if (amqpc_link_is_closed(route->link)) {
            route_end_close(route);
            continue;
        }
        if (route->is_sender) {
            sender_take_updates(route);
        } else {
            receiver_take_updates(route);
            receiver_take(route, random_chance(&end->random, 500));
        }
        route_end_export(route);
    }
    if (end->own->forgets && random_chance(&end->random, 500)) {
        release_all(end);
    }
    amqpc_connection_free(end->connection);
    ledger_return_all(end->book, end->index);
    forget_connection(end);
}

void endpoint_turn(endpoint *end, uint64_t now_ms)
{
    end->now_ms = now_ms;
    end->watch.now_ms = now_ms;
    if (end->connection == NULL || end->over) {
        return;
    }
    endpoint_tick(end);
    endpoint_maintain(end);
    if (!end->healing) {
        endpoint_random_life(end);
    }
    for (unsigned i = 0; i < end->plan->route_count && end->book->broken == RULE_NONE; i++) {
        route_end *route = &end->routes[i];
        if (route->link != NULL && route->is_sender) {
            sender_act(route);
        } else if (!route->is_sender) {
            receiver_act(route);
        }
    }
    endpoint_input(end);
    endpoint_events(end);
    endpoint_maintain(end);
    endpoint_output(end);
    endpoint_tick(end);
}

static bool is_settled(const route_end *route)
{
    return route->pending_count == 0 && route->held_count == 0 && route->to_settle_count == 0 &&
           route->streamed == NULL &&
           (route->link == NULL || amqpc_link_unsettled_count(route->link) == 0);
}

bool endpoint_is_settled(const endpoint *end)
{
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        if (!is_settled(&end->routes[i])) {
            return false;
        }
    }
    return true;
}

void endpoint_tell_unsettled(endpoint *end)
{
    for (unsigned i = 0; i < end->plan->route_count; i++) {
        const route_end *route = &end->routes[i];
        if (!is_settled(route)) {
            ledger_break_if_friendly(
                end->book, RULE_HEALING,
                "end %u, link %u: %u not settled, %u held, %u to confirm, engine %u, state %d%s",
                end->index, i, route->pending_count, route->held_count, route->to_settle_count,
                route->link == NULL ? 0 : amqpc_link_unsettled_count(route->link),
                route->link == NULL ? -1 : (int)amqpc_link_get_state(route->link),
                route->streamed != NULL ? ", streaming" : "");
        }
    }
}

bool endpoint_succeeds(endpoint *end, const char *call, amqpc_status status)
{
    if (status == AMQPC_OK) {
        return true;
    }
    bool expected =
        end->book->tainted || end->failed || (status == AMQPC_NO_MEMORY && end->memory.failed > 0);
    if (!expected) {
        ledger_break(end->book, RULE_EVENTS, "end %u: %s returns %s", end->index, call,
                     amqpc_status_name(status));
    }
    return false;
}

bool endpoint_gives_up_sasl(const endpoint *end, amqpc_status status)
{
    amqpc_open open;
    return end->plan->short_of_memory && end->plan->sasl != SASL_KIND_NONE &&
           (status == AMQPC_NO_MEMORY || status == AMQPC_SASL_SYSTEM) &&
           amqpc_connection_remote_open(end->connection, &open) != AMQPC_OK;
}
