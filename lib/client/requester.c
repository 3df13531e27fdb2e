/* Requesters: requests go out by a sender, and replies come to a dynamic node.
 *
 * Replies are told apart by correlation-id. A node goes with its connection: requests that are open
 * then have no reply any more, and are not sent again, as nobody knows whether they were served. */
#include "client/requester.h"

#include <string.h>

#include "base/memory.h"
#include "codec/store.h"
#include "engine/link.h"

enum { REPLY_PREFETCH = 100, TAKEN_AT_ONCE = 16 };

/* --- The open requests. */

/* The position of an id, or of the first one behind it. */
static size_t position_of(const amqpc_requester *requester, uint64_t id)
{
    size_t low = 0;
    size_t high = requester->request_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (requester->requests[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static amqpci_request *find(const amqpc_requester *requester, uint64_t id)
{
    size_t position = position_of(requester, id);
    bool found = position < requester->request_count && requester->requests[position]->id == id;
    return found ? requester->requests[position] : NULL;
}

static void free_request(const amqpc_client *client, amqpci_request *request)
{
    amqpc_delivery_release(&request->reply);
    amqpc_buffer_free(request->own_id);
    amqpci_release(&client->allocator, request);
}

static void drop(amqpc_requester *requester, uint64_t id)
{
    size_t position = position_of(requester, id);
    size_t behind = requester->request_count - position - 1;
    free_request(requester->client, requester->requests[position]);
    memmove(requester->requests + position, requester->requests + position + 1,
            behind * sizeof(amqpci_request *));
    requester->request_count--;
}

static amqpc_status keep_own_id(const amqpc_client *client, amqpci_request *request,
                                const amqpc_value *message_id)
{
    amqpci_sink sink;
    amqpc_status status = amqpc_buffer_new(&client->allocator, SIZE_MAX, &request->own_id);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_init_growable(&sink, request->own_id);
    status = amqpci_store_value(&sink, message_id);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
    }
    return status;
}

static amqpc_status reserve(amqpc_requester *requester)
{
    if (requester->request_count < requester->request_capacity) {
        return AMQPC_OK;
    }
    size_t capacity = requester->request_capacity == 0 ? 16 : requester->request_capacity * 2;
    void *grown = amqpci_reallocate(&requester->client->allocator, requester->requests,
                                    capacity * sizeof(amqpci_request *));
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    requester->requests = (amqpci_request **)grown;
    requester->request_capacity = capacity;
    return AMQPC_OK;
}

static amqpc_status add(amqpc_requester *requester, const amqpc_message *message,
                        amqpci_request **request)
{
    bool has_id = message->sections & AMQPC_SECTION_PROPERTIES &&
                  message->properties.present & AMQPC_PROPERTIES_MESSAGE_ID;
    amqpc_status status = reserve(requester);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_request *made =
        (amqpci_request *)amqpci_new(&requester->client->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    if (has_id) {
        status = keep_own_id(requester->client, made, &message->properties.message_id);
    }
    if (status != AMQPC_OK) {
        free_request(requester->client, made);
        return status;
    }
    made->id = ++requester->last_id;
    made->attachment = requester->receiver->base.attachments;
    requester->requests[requester->request_count++] = made;
    *request = made;
    return AMQPC_OK;
}

/* --- Replies. */

static bool is_own_id(const amqpci_request *request, const amqpc_value *id)
{
    amqpc_value own;
    bool same = false;
    return request->own_id != NULL &&
           amqpc_value_decode(amqpc_buffer_data(request->own_id),
                              amqpc_buffer_size(request->own_id), NULL, &own, NULL) == AMQPC_OK &&
           amqpc_value_same(&own, id, &same) == AMQPC_OK && same;
}

static amqpci_request *find_by_correlation(const amqpc_requester *requester, const amqpc_value *id)
{
    amqpci_request *request = id->type == AMQPC_TYPE_ULONG ? find(requester, id->as.u64) : NULL;
    if (request != NULL && request->own_id == NULL) {
        return request;
    }
    for (size_t i = 0; i < requester->request_count; i++) {
        if (is_own_id(requester->requests[i], id)) {
            return requester->requests[i];
        }
    }
    return NULL;
}

static void take_reply(amqpc_requester *requester, amqpc_delivery *delivery)
{
    amqpc_message message;
    amqpci_request *request = NULL;
    bool valid = amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL,
                                      &message, NULL) == AMQPC_OK;
    if (valid && message.sections & AMQPC_SECTION_PROPERTIES &&
        message.properties.present & AMQPC_PROPERTIES_CORRELATION_ID) {
        request = find_by_correlation(requester, &message.properties.correlation_id);
    }
    if (request == NULL || request->is_done) {
        amqpc_delivery_release(delivery); /* too late, given up, or not ours */
        return;
    }
    request->reply = *delivery;
    request->is_done = true;
}

static void take_replies(amqpc_requester *requester)
{
    amqpc_delivery deliveries[TAKEN_AT_ONCE];
    size_t count = 0;
    while ((count = amqpci_receiver_take(requester->receiver, deliveries, TAKEN_AT_ONCE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            uint64_t number = deliveries[i].number;
            if (!deliveries[i].settled) {
                amqpci_ignore(amqpc_link_settle(requester->receiver->base.link, number, number,
                                                AMQPC_COMPOSITE_ACCEPTED));
            }
            take_reply(requester, &deliveries[i]);
        }
    }
}

/* --- Requests that will have none. */

static void fail(amqpci_request *request, amqpc_status status)
{
    if (request != NULL && !request->is_done) {
        request->is_done = true;
        request->status = status;
    }
}

static void take_outcomes(amqpc_requester *requester)
{
    amqpc_completion completions[TAKEN_AT_ONCE];
    size_t count = 0;
    while ((count = amqpci_completions_take(&requester->sender->completions, completions,
                                            TAKEN_AT_ONCE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            bool accepted = completions[i].state_type == AMQPC_COMPOSITE_ACCEPTED ||
                            completions[i].state_type == AMQPC_COMPOSITE_NONE;
            if (!accepted) {
                fail(find(requester, completions[i].context), AMQPC_REQUEST_REFUSED);
            }
        }
    }
}

static amqpc_status end_status(const amqpc_requester *requester)
{
    amqpc_status status = amqpci_client_link_end_status(&requester->sender->base);
    return status == AMQPC_OK ? amqpci_client_link_end_status(&requester->receiver->base) : status;
}

/* An amqpci_client_link's notify. */
static void take_news(void *owner)
{
    amqpc_requester *requester = (amqpc_requester *)owner;
    if (requester->sender == NULL || requester->receiver == NULL) {
        return; /* it is not made yet, or about to be freed */
    }
    take_replies(requester);
    take_outcomes(requester);
    amqpc_status status = end_status(requester);
    for (size_t i = 0; i < requester->request_count; i++) {
        amqpci_request *request = requester->requests[i];
        if (status != AMQPC_OK) {
            fail(request, status);
        } else if (request->attachment != requester->receiver->base.attachments) {
            fail(request, AMQPC_DISCONNECTED);
        }
    }
}

/* --- Making and freeing. */

static amqpc_status make_links(amqpc_requester *requester, const char *address)
{
    amqpc_client *client = requester->client;
    amqpc_source source = {.present = AMQPC_SOURCE_DYNAMIC, .dynamic = true};
    amqpc_receiver_options receiver;
    amqpc_sender_options sender;
    amqpc_receiver_options_init(&receiver, sizeof receiver);
    amqpc_sender_options_init(&sender, sizeof sender);
    receiver.source = &source;
    receiver.prefetch = REPLY_PREFETCH;
    sender.guarantee = AMQPC_ONCE_OR_UNKNOWN;
    amqpc_status status = amqpci_receiver_make(client, NULL, &receiver, &requester->receiver);
    if (status == AMQPC_OK) {
        status = amqpci_client_sender_make(client, address, &sender, NULL, &requester->sender);
    }
    if (status == AMQPC_OK) {
        requester->receiver->base.notify = take_news;
        requester->receiver->base.owner = requester;
        requester->sender->base.notify = take_news;
        requester->sender->base.owner = requester;
    }
    return status;
}

void amqpci_requester_destroy(amqpc_requester *requester)
{
    amqpc_client *client = requester->client;
    amqpc_requester **at = &client->first_requester;
    while (*at != requester) {
        at = &(*at)->next;
    }
    *at = requester->next;
    amqpc_sender *sender = requester->sender;
    amqpc_receiver *receiver = requester->receiver;
    requester->sender = NULL;
    requester->receiver = NULL;
    if (sender != NULL) {
        amqpci_client_link_destroy(&sender->base);
    }
    if (receiver != NULL) {
        amqpci_client_link_destroy(&receiver->base);
    }
    for (size_t i = 0; i < requester->request_count; i++) {
        free_request(client, requester->requests[i]);
    }
    amqpci_release(&client->allocator, requester->requests);
    amqpci_release(&client->allocator, requester);
}

amqpc_status amqpc_requester_new(amqpc_client *client, const char *address,
                                 amqpc_requester **requester)
{
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpc_requester *made = (amqpc_requester *)amqpci_new(&client->allocator, sizeof *made);
    if (made == NULL) {
        amqpci_client_leave(client);
        return AMQPC_NO_MEMORY;
    }
    made->client = client;
    made->next = client->first_requester;
    client->first_requester = made;
    status = make_links(made, address);
    if (status == AMQPC_OK) {
        *requester = made;
    } else {
        amqpci_requester_destroy(made);
    }
    amqpci_client_leave(client);
    return status;
}

void amqpc_requester_free(amqpc_requester *requester)
{
    amqpc_client *client = requester == NULL ? NULL : requester->client;
    if (client == NULL || amqpci_client_enter(client) != AMQPC_OK) {
        return;
    }
    amqpci_requester_destroy(requester);
    amqpci_client_send_soon(client);
    amqpci_client_leave(client);
}

/* --- Calls. */

/* A request can be sent at once, with the address that replies come to now; or never. */
static bool is_ready(const void *object)
{
    const amqpc_requester *requester = (const amqpc_requester *)object;
    bool open = requester->receiver->base.phase == AMQPCI_LINK_OPEN &&
                amqpci_sender_may_post(requester->sender);
    return open || end_status(requester) != AMQPC_OK;
}

/* Where replies go, and what they refer to. */
static amqpc_status address_request(const amqpc_requester *requester, const amqpci_request *request,
                                    amqpc_message *message)
{
    amqpc_properties *properties = &message->properties;
    amqpc_bytes address;
    amqpc_status status = amqpci_client_link_read_address(&requester->receiver->base, &address);
    if (status != AMQPC_OK) {
        return AMQPC_LINK_REFUSED; /* the peer made a node, and does not say which */
    }
    if (!(message->sections & AMQPC_SECTION_PROPERTIES)) {
        message->sections |= AMQPC_SECTION_PROPERTIES;
        properties->present = 0;
    }
    properties->reply_to = address;
    properties->present |= AMQPC_PROPERTIES_REPLY_TO;
    if (request->own_id == NULL) {
        properties->message_id = (amqpc_value){.type = AMQPC_TYPE_ULONG};
        properties->message_id.as.u64 = request->id;
        properties->present |= AMQPC_PROPERTIES_MESSAGE_ID;
    }
    return AMQPC_OK;
}

/* Sends a request; nothing is left of it on failure. */
static amqpc_status post(amqpc_requester *requester, const amqpc_message *message,
                         uint64_t deadline_ms, amqpci_request **request)
{
    amqpc_client *client = requester->client;
    amqpc_message sent = *message;
    amqpc_status status = amqpci_client_wait(client, deadline_ms, is_ready, requester);
    if (status == AMQPC_OK) {
        status = end_status(requester);
    }
    if (status == AMQPC_OK) {
        status = add(requester, message, request);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    uint64_t id = (*request)->id;
    status = address_request(requester, *request, &sent);
    if (status == AMQPC_OK) {
        status = amqpci_sender_post(requester->sender, &sent, id, 0);
    }
    if (status != AMQPC_OK) {
        drop(requester, id);
        return status;
    }
    amqpci_client_send_soon(client);
    return AMQPC_OK;
}

typedef struct awaited_request {
    const amqpc_requester *requester;
    uint64_t id;
} awaited_request;

/* Whether there is an answer, or another thread has taken it, or given the request up. */
static bool is_done(const void *object)
{
    const awaited_request *awaited = (const awaited_request *)object;
    const amqpci_request *request = find(awaited->requester, awaited->id);
    return request == NULL || request->is_done;
}

static amqpc_status await(amqpc_requester *requester, uint64_t id, uint64_t deadline_ms,
                          amqpc_delivery *reply)
{
    awaited_request awaited = {requester, id};
    amqpc_status status = amqpci_client_wait(requester->client, deadline_ms, is_done, &awaited);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_request *request = find(requester, id);
    if (request == NULL) {
        return AMQPC_NOT_FOUND;
    }
    status = request->status;
    if (status == AMQPC_OK) {
        *reply = request->reply;
        request->reply.storage = NULL;
    }
    drop(requester, id);
    return status;
}

amqpc_status amqpc_requester_call(amqpc_requester *requester, const amqpc_message *request,
                                  int64_t timeout_ms, amqpc_delivery *reply)
{
    uint64_t deadline_ms = amqpci_deadline(timeout_ms);
    amqpci_request *made = NULL;
    amqpc_status status = amqpci_client_enter(requester->client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = post(requester, request, deadline_ms, &made);
    if (status == AMQPC_OK) {
        uint64_t id = made->id;
        status = await(requester, id, deadline_ms, reply);
        if (find(requester, id) != NULL) {
            drop(requester, id);
        }
    }
    amqpci_client_leave(requester->client);
    return status;
}

amqpc_status amqpc_requester_post(amqpc_requester *requester, const amqpc_message *request,
                                  int64_t timeout_ms, uint64_t *id)
{
    amqpci_request *made = NULL;
    amqpc_status status = amqpci_client_enter(requester->client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = post(requester, request, amqpci_deadline(timeout_ms), &made);
    if (status == AMQPC_OK) {
        *id = made->id;
    }
    amqpci_client_leave(requester->client);
    return status;
}

amqpc_status amqpc_requester_take(amqpc_requester *requester, uint64_t id, int64_t timeout_ms,
                                  amqpc_delivery *reply)
{
    amqpc_status status = amqpci_client_enter(requester->client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = find(requester, id) == NULL ? AMQPC_NOT_FOUND
                                         : await(requester, id, amqpci_deadline(timeout_ms), reply);
    amqpci_client_leave(requester->client);
    return status;
}

void amqpc_requester_forget(amqpc_requester *requester, uint64_t id)
{
    if (amqpci_client_enter(requester->client) != AMQPC_OK) {
        return;
    }
    if (find(requester, id) != NULL) {
        drop(requester, id);
        amqpci_driver_look_again(requester->client);
    }
    amqpci_client_leave(requester->client);
}

amqpc_status amqpc_requester_get_error(amqpc_requester *requester, amqpc_client_error *error)
{
    amqpc_status status = amqpci_client_link_get_error(&requester->sender->base, error);
    return status == AMQPC_NOT_FOUND
               ? amqpci_client_link_get_error(&requester->receiver->base, error)
               : status;
}
