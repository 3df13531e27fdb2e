/* What survives a connection: the unsettled deliveries of a link, as bytes (AMQP 2.6.13). */
#include "simulation/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "simulation/content.h"

void route_end_export(route_end *route)
{
    endpoint *end = route->end;
    amqpc_buffer *buffer = NULL;
    amqpc_status status = AMQPC_OK;
    end->memory.fail_in = 0; /* there is no second chance: the process ends here */
    if (!end->plan->recovers) {
        return;
    }
    if (!route->was_attached && route->exported != NULL) {
        return; /* it was not imported yet: it still stands */
    }
    status = amqpc_buffer_new(&end->memory.allocator, SIZE_MAX, &buffer);
    if (status == AMQPC_OK) {
        status = amqpc_link_export(route->link, buffer);
    }
    if (status != AMQPC_OK) {
        ledger_break_if_friendly(end->book, RULE_EVENTS, "end %u: export of link %u returns %s",
                                 end->index, route->route, amqpc_status_name(status));
    } else {
        free(route->exported);
        route->exported_size = amqpc_buffer_size(buffer);
        route->exported = (uint8_t *)malloc(route->exported_size + 1);
        if (route->exported == NULL) {
            abort();
        }
        if (route->exported_size > 0) {
            memcpy(route->exported, amqpc_buffer_data(buffer), route->exported_size);
        }
    }
    amqpc_buffer_free(buffer);
}

/* --- After the import: which numbers the deliveries have now. */

static void find_sent(route_end *route)
{
    endpoint *end = route->end;
    amqpc_unsettled unsettled = {0};
    for (size_t i = 0; i < end->book->count; i++) {
        end->book->messages[i]->imported = false;
    }
    while (amqpc_link_next_unsettled(route->link, unsettled.number, &unsettled) == AMQPC_OK) {
        message *sent = ledger_get(end->book, unsettled.context);
        if (sent == NULL || sent->route != route->route) {
            ledger_break(end->book, RULE_EVENTS, "end %u: import of message %llu", end->index,
                         (unsigned long long)unsettled.context);
            return;
        }
        sent->number = unsettled.number;
        sent->imported = true;
        if (sent->by_reference && !sent->returned) {
            ledger_return_buffer(sent); /* the export holds a copy */
        }
        if (unsettled.remote_state_type != AMQPC_COMPOSITE_NONE &&
            route->to_settle_count < PENDING_MAX) {
            route->to_settle[route->to_settle_count++] = sent;
        }
    }
    for (size_t i = 0; i < end->book->count; i++) {
        const message *sent = end->book->messages[i];
        bool open = sent->route == route->route && sent->stage == MESSAGE_SENT &&
                    !sent->presettled && sent->final_updates == 0 && !sent->self_settled &&
                    !sent->abandoned;
        if (open && !sent->imported) {
            ledger_break(end->book, RULE_ONE_FINAL_UPDATE,
                         "message %llu is neither settled nor imported",
                         (unsigned long long)sent->id);
        }
    }
}

static message *tagged(route_end *route, amqpc_bytes tag)
{
    if (route->plan->own_tags && tag.size == CONTENT_NUMBER_SIZE) {
        return ledger_get(route->end->book, content_number(tag.data));
    }
    return ledger_get_by_tag(route->end->book, route->route, tag.data, tag.size);
}

static void find_received(route_end *route)
{
    pending_delivery before[PENDING_MAX];
    unsigned before_count = route->pending_count;
    memcpy(before, route->pending, sizeof before);
    route->pending_count = 0;
    amqpc_unsettled unsettled = {0};
    while (amqpc_link_next_unsettled(route->link, unsettled.number, &unsettled) == AMQPC_OK &&
           route->pending_count < PENDING_MAX) {
        message *what = tagged(route, unsettled.tag);
        if (what == NULL || what->received == 0) {
            continue; /* the application has never seen it whole */
        }
        route->pending[route->pending_count++] = (pending_delivery){
            .number = unsettled.number,
            .what = what,
            .said = unsettled.state_type != AMQPC_COMPOSITE_NONE,
        };
    }
    for (unsigned i = 0; i < before_count; i++) {
        bool found = false;
        for (unsigned j = 0; j < route->pending_count; j++) {
            found = found || route->pending[j].what == before[i].what;
        }
        if (!found) {
            ledger_break_if_friendly(route->end->book, RULE_EVENTS,
                                     "message %llu was received unsettled, and is not imported",
                                     (unsigned long long)before[i].what->id);
        }
    }
}

bool route_end_import(route_end *route)
{
    endpoint *end = route->end;
    if (route->exported == NULL || route->was_attached) {
        return true;
    }
    amqpc_status status = amqpc_link_import(route->link, route->exported, route->exported_size);
    if (!endpoint_succeeds(end, "amqpc_link_import", status)) {
        return false;
    }
    if (route->is_sender) {
        find_sent(route);
    } else {
        find_received(route);
    }
    free(route->exported);
    route->exported = NULL;
    return true;
}
