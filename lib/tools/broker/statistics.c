/* What the broker counts, as lines for people or as JSON. */
#include "tools/broker/statistics.h"

#include <amqpcodec/print.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/broker/broker.h"

/* The first failure stays: what comes after it does nothing. */
struct page {
    amqpc_buffer *buffer;
    amqpc_status status;
    bool json;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *page, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (page->status == AMQPC_OK) {
        page->status = amqpc_buffer_append(page->buffer, line, (size_t)size);
    }
}

/* What stands there in each of the two forms. */
static void put_mark(struct page *page, const char *json, const char *plain)
{
    put(page, "%s", page->json ? json : plain);
}

/* "name": value, or name=value; `last`: nothing follows. */
static void put_count(struct page *page, const char *name, uint64_t count, bool last)
{
    if (page->json) {
        put(page, "\"%s\": %" PRIu64 "%s", name, count, last ? "" : ", ");
    } else {
        put(page, "%s=%" PRIu64 "%s", name, count, last ? "\n" : " ");
    }
}

static void put_messages(struct page *page, const message_counts *counts)
{
    put_count(page, "received", counts->received, false);
    put_count(page, "received-bytes", counts->received_size, false);
    put_count(page, "sent", counts->sent, false);
    put_count(page, "sent-bytes", counts->sent_size, false);
    put_count(page, "accepted", counts->accepted, false);
    put_count(page, "rejected", counts->rejected, false);
    put_count(page, "released", counts->released, false);
    put_count(page, "modified", counts->modified, false);
    put_count(page, "returned", counts->returned, false);
    put_count(page, "expired", counts->expired, false);
    put_count(page, "dropped", counts->dropped, true);
}

static void put_name(struct page *page, amqpc_bytes name)
{
    amqpc_value value = {.type = AMQPC_TYPE_STRING};
    value.as.bytes = name;
    if (page->status == AMQPC_OK) {
        page->status = amqpc_value_print(&value, page->json ? AMQPC_PRINT_JSON : AMQPC_PRINT_TEXT,
                                         page->buffer);
    }
}

static void put_queue(struct page *page, const broker_queue *queue, bool first)
{
    put_mark(page, first ? "{\"name\": " : ", {\"name\": ", "queue ");
    put_name(page, queue->name);
    put_mark(page, ", ", ": ");
    put_count(page, "messages", queue->ready_count, false);
    put_count(page, "unsettled", queue->unsettled_count, false);
    put_count(page, "bytes", queue->size, false);
    put_count(page, "senders", queue->producer_count, false);
    put_count(page, "receivers", queue->consumer_count, false);
    put_messages(page, &queue->counts);
    put_mark(page, "}", "");
}

amqpc_status statistics_print(const struct broker *broker, bool json, amqpc_buffer *buffer)
{
    struct page page = {buffer, AMQPC_OK, json};
    put_mark(&page, "{", "broker: ");
    put_count(&page, "connections", broker->connection_count, false);
    put_count(&page, "connections-made", broker->totals.connections, false);
    put_count(&page, "connections-failed", broker->totals.failed, false);
    put_count(&page, "links", broker->termini.count, false);
    put_count(&page, "links-attached", broker->totals.links, false);
    put_count(&page, "links-resumed", broker->totals.resumed, false);
    put_count(&page, "links-stolen", broker->totals.stolen, false);
    put_count(&page, "memory-used", broker->store.used_size, false);
    put_count(&page, "memory-held", broker->store.held_size, true);
    put_mark(&page, ", \"messages\": {", "messages: ");
    put_messages(&page, &broker->counts);
    put_mark(&page, "}, \"queues\": [", "");
    for (const broker_queue *at = broker->queues.first; at != NULL; at = at->next) {
        put_queue(&page, at, at == broker->queues.first);
    }
    put_mark(&page, "]}\n", "");
    return page.status;
}
