#define _POSIX_C_SOURCE 200809L

#include "support/test_server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CREDIT = 100, KEPT_MAX = 64, COMMAND_NONE = 0 };

typedef enum command_type {
    NO_COMMAND = 0,
    DISCONNECT = 1,
    CUT = 2,
    END_SESSIONS = 3,
    RELEASE_HELD = 4
} command_type;

/* What is kept of a link that was lost. */
typedef struct kept_link {
    char name[80];
    bool role;
    amqpc_buffer *unsettled; /* NULL: not in use */
} kept_link;

struct test_server {
    test_server_options options;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the counts, and the command */
    pthread_cond_t done;
    amqpc_poller *poller;
    amqpc_listener *listener;
    uint32_t port;
    char condition[64];
    command_type command;
    bool stops;
    char url[256];
    amqpc_transport *transports[64];
    uint32_t messages;
    uint32_t connections;
    uint32_t dynamic_count;
    uint32_t left;
    uint32_t next_number; /* of those to receive */
    uint32_t again_count; /* numbers that have to be sent again */
    uint32_t again[TEST_SERVER_NUMBERS_MAX];
    uint32_t received[TEST_SERVER_NUMBERS_MAX];
    uint32_t settled[TEST_SERVER_NUMBERS_MAX];
    kept_link kept[KEPT_MAX];
};

/* What a server cannot go on after. */
static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "test server: %s\n", what);
        abort();
    }
}

static void must_be_ok(amqpc_status status, const char *what)
{
    if (status != AMQPC_OK) {
        (void)fprintf(stderr, "test server: %s: %s\n", what, amqpc_status_name(status));
        abort();
    }
}

static amqpc_bytes text(const char *string)
{
    return (amqpc_bytes){string, strlen(string)};
}

static amqpc_error error_of(const char *condition, const char *description)
{
    return (amqpc_error){.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
                         .condition = text(condition),
                         .description = text(description)};
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

static bool is_node(const amqpc_link *link, const char *name)
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

static void forget(kept_link *kept)
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
    must(kept != NULL && name.size < sizeof kept->name, "too many links");
    forget(kept);
    must_be_ok(amqpc_buffer_new(NULL, SIZE_MAX, &kept->unsettled), "buffer");
    memcpy(kept->name, name.data, name.size);
    kept->name[name.size] = '\0';
    kept->role = amqpc_link_role(link);
    must_be_ok(amqpc_link_export(link, kept->unsettled), "export");
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
static void settle_up(test_server *server, amqpc_connection *connection)
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
                          !amqpc_link_is_closed(link) && address_of(link).size > 0;
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
    must_be_ok(
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
    must_be_ok(amqpc_message_encode(&message, 0, data, sizeof data, &size), "reply");
    must_be_ok(amqpc_link_send(to, (amqpc_bytes){data, size}, NULL, NULL), "send a reply");
}

static void detach_with(amqpc_link *link, const char *condition)
{
    amqpc_error error = error_of(condition, "the test says so");
    must_be_ok(amqpc_link_detach(link, true, &error), "detach");
}

static void give_outcome(amqpc_link *link, uint64_t number)
{
    amqpc_status status = AMQPC_OK;
    if (is_node(link, "reject") || is_node(link, "refuse-request")) {
        amqpc_error error = error_of("amqp:test:rejected", "not this one");
        status = amqpc_link_reject(link, number, number, &error);
    } else if (is_node(link, "release")) {
        status = amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_RELEASED);
    } else if (is_node(link, "modify")) {
        amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED,
                                   .delivery_failed = true};
        status = amqpc_link_modify(link, number, number, &modified);
    } else if (!is_node(link, "hold")) {
        status = amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_ACCEPTED);
    }
    must(status == AMQPC_OK || status == AMQPC_NOT_FOUND, "settle");
}

static void take_message(test_server *server, amqpc_link *link, const amqpc_delivery *delivery)
{
    uint32_t number = 0;
    if (read_number(delivery, &number)) {
        server->received[number]++;
    }
    server->messages++;
    if (is_node(link, "answer")) {
        answer(link, delivery);
    }
    if (!delivery->settled) {
        give_outcome(link, delivery->number);
    }
}

static void take_messages(test_server *server, amqpc_link *link)
{
    amqpc_delivery delivery;
    size_t count = 1;
    while (amqpc_link_receive(link, &delivery, 1, &count) == AMQPC_OK && count == 1) {
        take_message(server, link, &delivery);
        amqpc_delivery_release(&delivery);
        bool attached = amqpc_link_get_state(link) == AMQPC_LINK_ATTACHED;
        if (attached && is_node(link, "forced") && server->messages % 5 == 0) {
            detach_with(link, "amqp:link:detach-forced");
        } else if (attached && is_node(link, "kicked")) {
            detach_with(link, "amqp:resource-deleted");
        }
    }
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
    bool settled = is_node(link, "settled");
    bool sends = settled || is_node(link, "numbers");
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
    if (flow.drain && !is_node(link, "stuck")) {
        must_be_ok(amqpc_link_drained(link), "drained");
    }
}

static void count_outcomes(test_server *server, amqpc_link *link)
{
    amqpc_update update;
    size_t count = 1;
    while (amqpc_link_updates(link, &update, 1, &count) == AMQPC_OK && count == 1) {
        bool counts = amqpc_link_context(link) == NULL;
        if (!update.settled) {
            must_be_ok(amqpc_link_settle(link, update.number, update.number, AMQPC_COMPOSITE_NONE),
                       "settle what was sent");
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
    info[0].as.bytes = text("network-host");
    info[1].as.bytes = text("127.0.0.2");
    info[2].as.bytes = text("port");
    info[3].as.u64 = 1234;
    info[4].as.bytes = text("address");
    info[5].as.bytes = text("elsewhere");
    amqpc_error error = error_of(condition, "the test says so");
    error.present |= AMQPC_ERROR_INFO;
    error.info = (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 6};
    error.info.as.items = info;
    must_be_ok(amqpc_link_refuse(link, &error), "refuse");
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
    must(name != NULL, "memory");
    (void)snprintf(name, 32, "dynamic-%u", (unsigned)server->dynamic_count++);
    source.address = text(name);
    source.present |= AMQPC_SOURCE_ADDRESS;
    must_be_ok(amqpc_link_attach(link, NULL, &source, NULL), "attach");
    amqpc_link_set_context(link, name);
    return true;
}

static void take_attach(test_server *server, amqpc_link *link)
{
    kept_link *kept = find_kept(server, link);
    if (amqpc_link_get_state(link) != AMQPC_LINK_ATTACH_RECEIVED) {
        return;
    }
    if (is_node(link, "refuse")) {
        refuse(link, "amqp:not-found");
        return;
    }
    if (is_node(link, "moved")) {
        refuse(link, "amqp:link:redirect");
        return;
    }
    if (attach_dynamic(server, link)) {
        return;
    }
    if (kept != NULL) {
        must_be_ok(amqpc_link_import(link, amqpc_buffer_data(kept->unsettled),
                                     amqpc_buffer_size(kept->unsettled)),
                   "import");
        forget(kept);
    }
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER && !is_node(link, "dry")) {
        uint32_t credit = server->options.credit == 0 ? CREDIT : server->options.credit;
        must_be_ok(amqpc_link_set_prefetch(link, credit), "prefetch");
    }
    must_be_ok(amqpc_link_attach(link, NULL, NULL, NULL), "attach");
}

static void take_detach(amqpc_link *link)
{
    bool closed = amqpc_link_is_closed(link);
    if (amqpc_link_get_state(link) == AMQPC_LINK_DETACH_RECEIVED) {
        must_be_ok(amqpc_link_detach(link, closed, NULL), "detach");
    }
    if (closed) {
        free(amqpc_link_context(link));
        amqpc_link_set_context(link, NULL);
        amqpc_link_free(link);
    }
}

/* --- Connections. */

static void take_sasl(const test_server *server, amqpc_connection *connection)
{
    unsigned code = server->options.refuses_sasl ? AMQPC_SASL_CODE_AUTH : AMQPC_SASL_CODE_OK;
    must_be_ok(amqpc_sasl_finish(connection, code, (amqpc_bytes){NULL, 0}), "SASL");
}

static void take_open(const test_server *server, amqpc_connection *connection)
{
    static const amqpc_bytes capability = {"ANONYMOUS-RELAY", 15};
    amqpc_value property[2] = {{.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}};
    property[0].as.bytes = text("product");
    property[1].as.bytes = text("test server");
    amqpc_open open = {
        .present =
            AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_OFFERED_CAPABILITIES | AMQPC_OPEN_PROPERTIES,
        .container_id = text("test server"),
        .offered_capabilities = {.count = 1, .items = &capability},
        .properties = {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2},
    };
    open.properties.as.items = property;
    must_be_ok(amqpc_connection_open(connection, &open), "open");
    if (server->options.close_condition != NULL) {
        amqpc_error error = error_of(server->options.close_condition, "the test says so");
        must_be_ok(amqpc_connection_close(connection, &error), "close");
    }
}

static void take_link_event(test_server *server, const amqpc_connection_event *event)
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
        take_detach(event->link);
        break;
    }
}

static void take_event(test_server *server, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_SASL:
        take_sasl(server, event->connection);
        break;
    case AMQPC_EVENT_CONNECTION_OPEN:
        take_open(server, event->connection);
        break;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        must_be_ok(amqpc_connection_close(event->connection, NULL), "close");
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (amqpc_session_get_state(event->session) == AMQPC_SESSION_BEGIN_RECEIVED) {
            must_be_ok(amqpc_session_begin(event->session, NULL), "begin");
        }
        break;
    case AMQPC_EVENT_SESSION_END:
        must_be_ok(amqpc_session_end(event->session, NULL), "end");
        break;
    default:
        if (event->link != NULL) {
            take_link_event(server, event);
        }
        break;
    }
}

static void free_contexts(amqpc_connection *connection)
{
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            free(amqpc_link_context(link));
            amqpc_link_set_context(link, NULL);
        }
    }
}

static void end_transport(test_server *server, size_t index)
{
    amqpc_transport *transport = server->transports[index];
    amqpc_connection *connection = amqpc_transport_connection(transport);
    /* A connection that is cut fails first, so that its links are suspended. */
    if (amqpc_connection_input_end(connection) != AMQPC_OK || true) {
        settle_up(server, connection);
    }
    free_contexts(connection);
    amqpc_transport_free(transport);
    server->transports[index] = NULL;
}

/* The first that sends to "drop" loses its connection with every tenth message. */
static bool has_dropped(const test_server *server, const amqpc_connection *connection)
{
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            if (is_node(link, "drop")) {
                return server->messages % 10 == 0 && server->messages > 0;
            }
        }
    }
    return false;
}

static size_t index_of(const test_server *server, const amqpc_transport *transport)
{
    size_t index = 0;
    while (server->transports[index] != transport) {
        index++;
        must(index < 64, "too many connections");
    }
    return index;
}

static void take_transport(test_server *server, amqpc_transport *transport)
{
    amqpc_connection_event event;
    amqpc_connection *connection = amqpc_transport_connection(transport);
    uint32_t before = server->messages;
    while (amqpc_connection_next_event(connection, &event)) {
        if (event.type == AMQPC_EVENT_CONNECTION_OPEN && server->options.drops_at_open) {
            end_transport(server, index_of(server, transport));
            return;
        }
        take_event(server, &event);
    }
    amqpc_transport_state state = amqpc_transport_get_state(transport);
    if (state >= AMQPC_TRANSPORT_CLOSED ||
        (server->messages != before && has_dropped(server, connection))) {
        end_transport(server, index_of(server, transport));
    }
}

static void accept_one(test_server *server)
{
    amqpc_limits limits;
    amqpc_connection_options options;
    amqpc_sasl_options sasl;
    amqpc_limits_init(&limits, sizeof limits);
    if (server->options.max_frame_size > 0) {
        limits.frame_size = server->options.max_frame_size;
    }
    amqpc_connection_options_init(&options, sizeof options);
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    sasl.optional = true;
    options.role = AMQPC_SERVER;
    options.limits = &limits;
    options.sasl = &sasl;
    options.idle_timeout_ms = server->options.idle_timeout_ms;
    options.unsettled_max = 1000000;
    size_t index = index_of(server, NULL);
    if (amqpc_listener_accept(server->listener, &options, &server->transports[index]) == AMQPC_OK) {
        server->connections++;
    }
}

/* --- Commands. */

static void end_sessions(const test_server *server, amqpc_connection *connection)
{
    amqpc_error error = error_of(server->condition, "the test says so");
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        if (amqpc_session_get_state(session) == AMQPC_SESSION_MAPPED) {
            must_be_ok(amqpc_session_end(session, &error), "end");
        }
    }
}

static void release_held(const amqpc_connection *connection)
{
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            amqpc_unsettled unsettled;
            uint64_t after = 0;
            while (is_node(link, "hold") &&
                   amqpc_link_next_unsettled(link, after, &unsettled) == AMQPC_OK) {
                after = unsettled.number;
                must_be_ok(amqpc_link_settle(link, after, after, AMQPC_COMPOSITE_ACCEPTED),
                           "settle");
            }
        }
    }
}

static void obey_for(test_server *server, size_t index, command_type command)
{
    amqpc_transport *transport = server->transports[index];
    amqpc_connection *connection = amqpc_transport_connection(transport);
    amqpc_error error = error_of(server->condition, "the test says so");
    if (command == CUT) {
        end_transport(server, index);
        return;
    }
    if (command == DISCONNECT) {
        amqpc_status status = amqpc_connection_close(connection, &error);
        must(status == AMQPC_OK || status == AMQPC_INVALID_STATE, "close");
    } else if (command == END_SESSIONS) {
        end_sessions(server, connection);
    } else {
        release_held(connection);
    }
    amqpc_transport_touch(transport);
}

static void obey(test_server *server)
{
    command_type command = server->command;
    for (size_t i = 0; i < 64 && command != NO_COMMAND; i++) {
        if (server->transports[i] != NULL) {
            obey_for(server, i, command);
        }
    }
    server->command = NO_COMMAND;
    (void)pthread_cond_broadcast(&server->done);
}

static void *run(void *context)
{
    test_server *server = (test_server *)context;
    (void)pthread_mutex_lock(&server->mutex);
    while (!server->stops) {
        amqpc_ready ready;
        (void)pthread_mutex_unlock(&server->mutex);
        amqpc_status status = amqpc_poller_wait(server->poller, AMQPC_FOREVER);
        (void)pthread_mutex_lock(&server->mutex);
        must(status == AMQPC_OK || status == AMQPC_TIMED_OUT || status == AMQPC_INTERRUPTED,
             "poller");
        while (amqpc_poller_next(server->poller, &ready)) {
            if (ready.listener != NULL) {
                accept_one(server);
            } else {
                take_transport(server, ready.transport);
            }
        }
        obey(server);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return NULL;
}

/* --- From outside. */

test_server *test_server_start(const test_server_options *options)
{
    test_server *server = (test_server *)calloc(1, sizeof *server);
    amqpc_listener_options listener;
    must(server != NULL, "memory");
    server->options = *options;
    server->left = options->number_count;
    amqpc_listener_options_init(&listener, sizeof listener);
    listener.port = options->port;
    must_be_ok(amqpc_poller_new(NULL, &server->poller), "poller");
    must_be_ok(amqpc_listener_new(server->poller, &listener, &server->listener, NULL, 0),
               "listener");
    server->port = amqpc_listener_port(server->listener);
    (void)pthread_mutex_init(&server->mutex, NULL);
    (void)pthread_cond_init(&server->done, NULL);
    must(pthread_create(&server->thread, NULL, run, server) == 0, "thread");
    return server;
}

void test_server_stop(test_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->stops = true;
    amqpc_poller_wake(server->poller);
    (void)pthread_mutex_unlock(&server->mutex);
    (void)pthread_join(server->thread, NULL);
    for (size_t i = 0; i < 64; i++) {
        if (server->transports[i] != NULL) {
            free_contexts(amqpc_transport_connection(server->transports[i]));
        }
    }
    amqpc_poller_free(server->poller);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        forget(&server->kept[i]);
    }
    (void)pthread_mutex_destroy(&server->mutex);
    (void)pthread_cond_destroy(&server->done);
    free(server);
}

uint32_t test_server_port(const test_server *server)
{
    return server->port;
}

const char *test_server_url(const test_server *server, const char *query)
{
    static char url[256];
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u/%s%s", (unsigned)server->port,
                   query[0] == '\0' ? "" : "?", query);
    return url;
}

static uint32_t read_count(test_server *server, const uint32_t *count)
{
    (void)pthread_mutex_lock(&server->mutex);
    uint32_t value = *count;
    (void)pthread_mutex_unlock(&server->mutex);
    return value;
}

uint32_t test_server_received(test_server *server, uint32_t number)
{
    return read_count(server, &server->received[number]);
}

uint32_t test_server_settled(test_server *server, uint32_t number)
{
    return read_count(server, &server->settled[number]);
}

uint32_t test_server_message_count(test_server *server)
{
    return read_count(server, &server->messages);
}

uint32_t test_server_connection_count(test_server *server)
{
    return read_count(server, &server->connections);
}

uint32_t test_server_left(test_server *server)
{
    return read_count(server, &server->left);
}

/* Lets the thread do it, and waits until it has. */
static void command(test_server *server, command_type type, const char *condition)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->command = type;
    (void)snprintf(server->condition, sizeof server->condition, "%s", condition);
    amqpc_poller_wake(server->poller);
    while (server->command != NO_COMMAND) {
        (void)pthread_cond_wait(&server->done, &server->mutex);
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

void test_server_disconnect(test_server *server, const char *condition)
{
    command(server, condition == NULL ? CUT : DISCONNECT, condition == NULL ? "" : condition);
}

void test_server_end_sessions(test_server *server, const char *condition)
{
    command(server, END_SESSIONS, condition);
}

void test_server_release_held(test_server *server)
{
    command(server, RELEASE_HELD, "");
}
