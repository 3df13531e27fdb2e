/* The nodes of the test server: what becomes of links and messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test_server_parts.h"

enum { CREDIT = 100 };

/* What a server cannot go on after. */
void test_server_must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "test server: %s\n", what);
        abort();
    }
}

void test_server_must_be_ok(amqpc_status status, const char *what)
{
    if (status != AMQPC_OK) {
        (void)fprintf(stderr, "test server: %s: %s\n", what, amqpc_status_name(status));
        abort();
    }
}

amqpc_bytes test_server_text(const char *string)
{
    return (amqpc_bytes){string, strlen(string)};
}

amqpc_error test_server_error(const char *condition, const char *description)
{
    return (amqpc_error){.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
                         .condition = test_server_text(condition),
                         .description = test_server_text(description)};
}

/* The address of our end of a link: what the peer wants to send to, or receive from. */
static amqpc_bytes address_of(const amqpc_link *link)
{
    amqpc_source source;
    amqpc_target target;
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER) {
        bool found = amqpc_link_remote_target(link, &target) == AMQPC_OK;
        return found ? target.address : (amqpc_bytes){NULL, 0};
    }
    bool found = amqpc_link_remote_source(link, &source) == AMQPC_OK;
    return found ? source.address : (amqpc_bytes){NULL, 0};
}

bool test_server_is_node(const amqpc_link *link, const char *name)
{
    amqpc_bytes address = address_of(link);
    size_t size = strlen(name);
    const char *data = (const char *)address.data;
    return address.size >= size && memcmp(data, name, size) == 0 &&
           (address.size == size || data[size] == ' ');
}

/* --- State of links that were lost. */

static kept_link *find_kept(test_server *server, const amqpc_link *link)
{
    amqpc_bytes name = amqpc_link_name(link);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        kept_link *at = &server->kept[i];
        if (at->unsettled != NULL && at->role == amqpc_link_role(link) &&
            strlen(at->name) == name.size && memcmp(at->name, name.data, name.size) == 0) {
            return at;
        }
    }
    return NULL;
}

void test_server_forget(kept_link *kept)
{
    amqpc_buffer_free(kept->unsettled);
    kept->unsettled = NULL;
}

static void keep(test_server *server, const amqpc_link *link)
{
    amqpc_bytes name = amqpc_link_name(link);
    kept_link *kept = find_kept(server, link);
    for (size_t i = 0; i < KEPT_MAX && kept == NULL; i++) {
        kept = server->kept[i].unsettled == NULL ? &server->kept[i] : NULL;
    }
    test_server_must(kept != NULL && name.size < sizeof kept->name, "too many links");
    test_server_forget(kept);
    test_server_must_be_ok(amqpc_buffer_new(NULL, SIZE_MAX, &kept->unsettled), "buffer");
    memcpy(kept->name, name.data, name.size);
    kept->name[name.size] = '\0';
    kept->role = amqpc_link_role(link);
    test_server_must_be_ok(amqpc_link_export(link, kept->unsettled), "export");
}

static void count_outcomes(test_server *server, amqpc_link *link);

/* The numbers that were not settled are sent again, by whatever link. */
static void send_again(test_server *server, const amqpc_link *link)
{
    amqpc_unsettled unsettled;
    uint64_t after = 0;
    while (amqpc_link_next_unsettled(link, after, &unsettled) == AMQPC_OK) {
        after = unsettled.number;
        server->again[server->again_count++] = (uint32_t)unsettled.context;
    }
}

static void take_messages(test_server *server, amqpc_link *link);

/* What arrived before the connection was lost has arrived. */
void test_server_settle_up(test_server *server, amqpc_connection *connection)
{
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            bool sends = amqpc_link_role(link) == AMQPC_ROLE_SENDER;
            if (sends) {
                count_outcomes(server, link);
            } else {
                take_messages(server, link);
            }
            bool counts = amqpc_link_get_state(link) == AMQPC_LINK_DETACHED &&
                          !amqpc_link_is_closed(link) && address_of(link).size > 0 &&
                          !test_server_is_coordinator(link);
            if (counts && server->options.keeps_state) {
                keep(server, link);
            } else if (counts && sends) {
                send_again(server, link);
            }
        }
    }
}

/* --- Receiving. */

static bool read_number(const amqpc_delivery *delivery, uint32_t *number)
{
    uint64_t value = 0;
    amqpc_message message;
    if (amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL, &message,
                             NULL) != AMQPC_OK ||
        message.body_kind != AMQPC_BODY_DATA || message.body.as.bytes.size < sizeof value) {
        return false;
    }
    memcpy(&value, message.body.as.bytes.data, sizeof value);
    *number = (uint32_t)value;
    return value < TEST_SERVER_NUMBERS_MAX;
}

static amqpc_link *find_sender(const amqpc_connection *connection, amqpc_bytes address)
{
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            const char *own = (const char *)amqpc_link_context(link);
            if (own != NULL && strlen(own) == address.size &&
                memcmp(own, address.data, address.size) == 0) {
                return link;
            }
        }
    }
    return NULL;
}

/* Sends the message to its reply-to, with its message-id as the correlation-id. */
static void answer(amqpc_link *link, const amqpc_delivery *delivery)
{
    amqpc_message message;
    test_server_must_be_ok(
        amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL, &message, NULL),
        "request");
    const amqpc_connection *connection = amqpc_session_connection(amqpc_link_session(link));
    amqpc_link *to = find_sender(connection, message.properties.reply_to);
    if (to == NULL) {
        return;
    }
    message.properties.correlation_id = message.properties.message_id;
    message.properties.present = AMQPC_PROPERTIES_CORRELATION_ID;
    uint8_t data[4096];
    size_t size = 0;
    test_server_must_be_ok(amqpc_message_encode(&message, 0, data, sizeof data, &size), "reply");
    test_server_must_be_ok(amqpc_link_send(to, (amqpc_bytes){data, size}, NULL, NULL),
                           "send a reply");
}

static void detach_with(amqpc_link *link, const char *condition)
{
    amqpc_error error = test_server_error(condition, "the test says so");
    test_server_must_be_ok(amqpc_link_detach(link, true, &error), "detach");
}

static void give_outcome(amqpc_link *link, uint64_t number)
{
    amqpc_status status = AMQPC_OK;
    if (test_server_is_node(link, "reject") || test_server_is_node(link, "refuse-request")) {
        amqpc_error error = test_server_error("amqp:test:rejected", "not this one");
        status = amqpc_link_reject(link, number, number, &error);
    } else if (test_server_is_node(link, "release")) {
        status = amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_RELEASED);
    } else if (test_server_is_node(link, "modify")) {
        amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED,
                                   .delivery_failed = true};
        status = amqpc_link_modify(link, number, number, &modified);
    } else if (test_server_is_node(link, "say")) {
        static const uint8_t encoded[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_ACCEPTED,
                                          AMQPC_CODE_LIST0};
        amqpc_value accepted;
        test_server_must_be_ok(amqpc_value_decode(encoded, sizeof encoded, NULL, &accepted, NULL),
                               "accepted");
        status = amqpc_link_update(link, number, number, &accepted, false);
    } else if (!test_server_is_node(link, "hold")) {
        status = amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_ACCEPTED);
    }
    test_server_must(status == AMQPC_OK || status == AMQPC_NOT_FOUND, "settle");
}

static void take_message(test_server *server, amqpc_link *link, const amqpc_delivery *delivery)
{
    uint32_t number = 0;
    if (test_server_is_coordinator(link)) {
        test_server_take_request(server, link, delivery);
        return;
    }
    bool is_number = read_number(delivery, &number);
    if (test_server_take_posted(server, link, delivery, number)) {
        return;
    }
    if (is_number) {
        server->received[number]++;
    }
    server->messages++;
    if (test_server_is_node(link, "answer")) {
        answer(link, delivery);
    }
    if (!delivery->settled) {
        give_outcome(link, delivery->number);
    }
}

static void take_messages_of(test_server *server, amqpc_link *link)
{
    amqpc_delivery delivery;
    size_t count = 1;
    while (amqpc_link_receive(link, &delivery, 1, &count) == AMQPC_OK && count == 1) {
        take_message(server, link, &delivery);
        amqpc_delivery_release(&delivery);
        bool attached = amqpc_link_get_state(link) == AMQPC_LINK_ATTACHED;
        if (attached && test_server_is_node(link, "forced") && server->messages % 5 == 0) {
            detach_with(link, "amqp:link:detach-forced");
        } else if (attached && test_server_is_node(link, "kicked")) {
            detach_with(link, "amqp:resource-deleted");
        }
    }
}

/* A discharge is about what came before it, by whichever link: that is taken first. */
static void take_work(test_server *server, const amqpc_connection *connection)
{
    const amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            if (amqpc_link_role(link) == AMQPC_ROLE_SENDER) {
                count_outcomes(server, link);
            } else if (!test_server_is_coordinator(link)) {
                take_messages_of(server, link);
            }
        }
    }
}

static void take_messages(test_server *server, amqpc_link *link)
{
    if (test_server_is_coordinator(link)) {
        take_work(server, amqpc_session_connection(amqpc_link_session(link)));
    }
    take_messages_of(server, link);
}

/* --- Sending. */

static bool next_number(test_server *server, uint32_t *number)
{
    if (server->again_count > 0) {
        *number = server->again[--server->again_count];
        return true;
    }
    *number = server->next_number;
    server->next_number += server->next_number < server->options.number_count;
    return *number < server->options.number_count;
}

static void send_numbers(test_server *server, amqpc_link *link)
{
    amqpc_link_flow flow;
    bool settled = test_server_is_node(link, "settled");
    bool sends = settled || test_server_is_node(link, "numbers");
    amqpc_link_get_flow(link, &flow);
    uint32_t number = 0;
    while (sends && flow.credit > 0 && next_number(server, &number)) {
        uint8_t message[] = {
            0, AMQPC_CODE_SMALLULONG, 0x75, AMQPC_CODE_BINARY8, 8, 0, 0, 0, 0, 0, 0, 0, 0};
        uint64_t value = number;
        memcpy(message + 5, &value, sizeof value);
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.settled = settled;
        options.context = number;
        amqpc_status status =
            amqpc_link_send(link, (amqpc_bytes){message, sizeof message}, &options, NULL);
        if (status != AMQPC_OK) {
            server->again[server->again_count++] = number;
            break;
        }
        if (settled) {
            server->left--;
        }
        amqpc_link_get_flow(link, &flow);
    }
    amqpc_link_get_flow(link, &flow);
    if (flow.drain && !test_server_is_node(link, "stuck")) {
        test_server_must_be_ok(amqpc_link_drained(link), "drained");
    }
}

static void count_outcomes(test_server *server, amqpc_link *link)
{
    amqpc_update update;
    size_t count = 1;
    while (amqpc_link_updates(link, &update, 1, &count) == AMQPC_OK && count == 1) {
        bool counts = amqpc_link_context(link) == NULL;
        if (!update.settled) {
            test_server_must_be_ok(
                amqpc_link_settle(link, update.number, update.number, AMQPC_COMPOSITE_NONE),
                "settle what was sent");
        }
        if (counts && test_server_take_retired(server, &update)) {
            continue;
        }
        if (counts && update.state_type == AMQPC_COMPOSITE_ACCEPTED) {
            server->settled[update.context]++;
            server->left -= server->settled[update.context] == 1;
        } else if (counts) {
            server->again[server->again_count++] = (uint32_t)update.context;
        }
    }
}

/* --- Attaching. */

static void refuse(amqpc_link *link, const char *condition)
{
    amqpc_value info[6] = {
        {.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}, {.type = AMQPC_TYPE_SYMBOL},
        {.type = AMQPC_TYPE_UINT},   {.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING},
    };
    info[0].as.bytes = test_server_text("network-host");
    info[1].as.bytes = test_server_text("127.0.0.2");
    info[2].as.bytes = test_server_text("port");
    info[3].as.u64 = 1234;
    info[4].as.bytes = test_server_text("address");
    info[5].as.bytes = test_server_text("elsewhere");
    amqpc_error error = test_server_error(condition, "the test says so");
    error.present |= AMQPC_ERROR_INFO;
    error.info = (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 6};
    error.info.as.items = info;
    test_server_must_be_ok(amqpc_link_refuse(link, &error), "refuse");
}

/* The peer's dynamic source becomes a node, whose name is the link's context. */
static bool attach_dynamic(test_server *server, amqpc_link *link)
{
    amqpc_source source;
    if (amqpc_link_role(link) != AMQPC_ROLE_SENDER ||
        amqpc_link_remote_source(link, &source) != AMQPC_OK || !source.dynamic) {
        return false;
    }
    char *name = (char *)malloc(32);
    test_server_must(name != NULL, "memory");
    (void)snprintf(name, 32, "dynamic-%u", (unsigned)server->dynamic_count++);
    source.address = test_server_text(name);
    source.present |= AMQPC_SOURCE_ADDRESS;
    test_server_must_be_ok(amqpc_link_attach(link, NULL, &source, NULL), "attach");
    amqpc_link_set_context(link, name);
    return true;
}

static void take_attach(test_server *server, amqpc_link *link)
{
    kept_link *kept = find_kept(server, link);
    amqpc_link_state state = amqpc_link_get_state(link);
    /* One that was detached again at once is answered all the same. */
    if (state != AMQPC_LINK_ATTACH_RECEIVED && state != AMQPC_LINK_DETACH_RECEIVED) {
        return;
    }
    if (test_server_is_coordinator(link)) {
        test_server_attach_coordinator(server, link);
        return;
    }
    if (test_server_is_node(link, "refuse")) {
        refuse(link, "amqp:not-found");
        return;
    }
    if (test_server_is_node(link, "moved")) {
        refuse(link, "amqp:link:redirect");
        return;
    }
    if (test_server_is_node(link, "once") && server->once_count++ > 0) {
        amqpc_error error = test_server_error("amqp:internal-error", "not again");
        test_server_must_be_ok(amqpc_session_end(amqpc_link_session(link), &error), "end");
        return;
    }
    amqpc_attach asked;
    if (server->options.recovers_nothing && amqpc_link_remote_attach(link, &asked) == AMQPC_OK &&
        asked.present & AMQPC_ATTACH_UNSETTLED) {
        amqpc_error error = test_server_error("amqp:not-implemented", "no recovery");
        test_server_must_be_ok(amqpc_session_end(amqpc_link_session(link), &error), "end");
        return;
    }
    if (attach_dynamic(server, link)) {
        return;
    }
    if (kept != NULL) {
        test_server_must_be_ok(amqpc_link_import(link, amqpc_buffer_data(kept->unsettled),
                                                 amqpc_buffer_size(kept->unsettled)),
                               "import");
        test_server_forget(kept);
    }
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER && !test_server_is_node(link, "dry")) {
        uint32_t credit = server->options.credit == 0 ? CREDIT : server->options.credit;
        test_server_must_be_ok(amqpc_link_set_prefetch(link, credit), "prefetch");
    }
    test_server_must_be_ok(amqpc_link_attach(link, NULL, NULL, NULL), "attach");
}

static void take_detach(test_server *server, amqpc_link *link)
{
    bool closed = amqpc_link_is_closed(link);
    server->detached_count += !closed;
    if (test_server_is_coordinator(link)) {
        test_server_roll_back(server, amqpc_session_connection(amqpc_link_session(link)));
    }
    if (amqpc_link_get_state(link) == AMQPC_LINK_DETACH_RECEIVED) {
        bool has_numbers = amqpc_link_role(link) == AMQPC_ROLE_SENDER && address_of(link).size > 0;
        if (closed && has_numbers) {
            count_outcomes(server, link);
            send_again(server, link);
        }
        test_server_must_be_ok(amqpc_link_detach(link, closed, NULL), "detach");
    }
    if (closed) {
        free(amqpc_link_context(link));
        amqpc_link_set_context(link, NULL);
        amqpc_link_free(link);
    }
}

void test_server_take_link_event(test_server *server, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_LINK_ATTACH:
        take_attach(server, event->link);
        break;
    case AMQPC_EVENT_LINK_FLOW:
        if (amqpc_link_role(event->link) == AMQPC_ROLE_SENDER) {
            send_numbers(server, event->link);
        }
        break;
    case AMQPC_EVENT_DELIVERIES:
        take_messages(server, event->link);
        break;
    case AMQPC_EVENT_UPDATES:
        if (amqpc_link_role(event->link) == AMQPC_ROLE_SENDER) {
            count_outcomes(server, event->link);
            send_numbers(server, event->link);
        }
        break;
    default:
        take_detach(server, event->link);
        break;
    }
}
