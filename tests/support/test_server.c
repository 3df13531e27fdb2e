/* The thread of the test server: its connections, and what tests ask of it. */
#define _POSIX_C_SOURCE 200809L

#include "support/test_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test_server_parts.h"

/* --- Connections. */

static bool is_text(amqpc_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static void take_sasl(const test_server *server, amqpc_connection *connection)
{
    amqpc_sasl_question question;
    const char *user = server->options.user;
    test_server_must_be_ok(amqpc_sasl_question_get(connection, &question), "question");
    bool wrong =
        user != NULL && !(is_text(question.user, user) && is_text(question.password, "secret"));
    unsigned code =
        server->options.refuses_sasl || wrong ? AMQPC_SASL_CODE_AUTH : AMQPC_SASL_CODE_OK;
    test_server_must_be_ok(amqpc_sasl_finish(connection, code, (amqpc_bytes){NULL, 0}), "SASL");
}

static void take_open(const test_server *server, amqpc_connection *connection)
{
    static const amqpc_bytes capability = {"ANONYMOUS-RELAY", 15};
    amqpc_value property[2] = {{.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}};
    property[0].as.bytes = test_server_text("product");
    property[1].as.bytes = test_server_text("test server");
    amqpc_open open = {
        .present =
            AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_OFFERED_CAPABILITIES | AMQPC_OPEN_PROPERTIES,
        .container_id = test_server_text("test server"),
        .offered_capabilities = {.count = 1, .items = &capability},
        .properties = {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2},
    };
    open.properties.as.items = property;
    test_server_must_be_ok(amqpc_connection_open(connection, &open), "open");
    if (server->options.close_condition != NULL) {
        amqpc_error error = test_server_error(server->options.close_condition, "the test says so");
        test_server_must_be_ok(amqpc_connection_close(connection, &error), "close");
    }
}

/* Links that the client had neither closed nor detached when it closed the connection. */
static uint32_t count_abandoned(const amqpc_connection *connection)
{
    uint32_t count = 0;
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        const amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            count +=
                !amqpc_link_is_closed(link) && amqpc_link_get_state(link) != AMQPC_LINK_DETACHED;
        }
    }
    return count;
}

static void take_close(test_server *server, amqpc_connection *connection)
{
    server->closed_count++;
    server->abandoned_count += count_abandoned(connection);
    test_server_must_be_ok(amqpc_connection_close(connection, NULL), "close");
}

static void begin_session(test_server *server, amqpc_session *session)
{
    server->sessions++;
    const amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW,
                               .incoming_window = server->options.window};
    test_server_must_be_ok(amqpc_session_begin(session, begin.incoming_window > 0 ? &begin : NULL),
                           "begin");
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
        take_close(server, event->connection);
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (amqpc_session_get_state(event->session) == AMQPC_SESSION_BEGIN_RECEIVED) {
            begin_session(server, event->session);
        }
        break;
    case AMQPC_EVENT_SESSION_END:
        test_server_roll_back(server, event->connection);
        test_server_must_be_ok(amqpc_session_end(event->session, NULL), "end");
        break;
    default:
        if (event->link != NULL) {
            test_server_take_link_event(server, event);
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
    (void)amqpc_connection_input_end(connection);
    test_server_settle_up(server, connection);
    test_server_roll_back(server, connection);
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
            if (test_server_is_node(link, "drop")) {
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
        test_server_must(index < CONNECTIONS_MAX, "too many connections");
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
    if (server->options.channels > 0) {
        limits.channels = server->options.channels;
    }
    amqpc_connection_options_init(&options, sizeof options);
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    sasl.optional = true;
    sasl.allow_plain_cleartext = true;
    sasl.mechanisms = test_server_text(server->options.user == NULL ? "ANONYMOUS" : "PLAIN");
    options.role = AMQPC_SERVER;
    options.limits = &limits;
    options.sasl = &sasl;
    options.idle_timeout_ms = server->options.idle_timeout_ms;
    options.unsettled_max = 1000000;
    if (server->options.handles > 0) {
        options.handles_max = server->options.handles;
    }
    size_t index = index_of(server, NULL);
    if (amqpc_listener_accept(server->listener, &options, &server->transports[index]) == AMQPC_OK) {
        server->connections++;
    }
}

/* --- Commands. */

static void end_sessions(const test_server *server, amqpc_connection *connection)
{
    amqpc_error error = test_server_error(server->condition, "the test says so");
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        if (amqpc_session_get_state(session) == AMQPC_SESSION_MAPPED) {
            test_server_must_be_ok(amqpc_session_end(session, &error), "end");
        }
    }
}

static void close_links(const test_server *server, const amqpc_connection *connection)
{
    amqpc_error error = test_server_error(server->condition, "the test says so");
    amqpc_session *session = NULL;
    while ((session = amqpc_connection_next_session(connection, session)) != NULL) {
        amqpc_link *link = NULL;
        while ((link = amqpc_session_next_link(session, link)) != NULL) {
            if (amqpc_link_get_state(link) == AMQPC_LINK_ATTACHED) {
                test_server_must_be_ok(amqpc_link_detach(link, true, &error), "detach");
            }
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
            while (test_server_is_node(link, "hold") &&
                   amqpc_link_next_unsettled(link, after, &unsettled) == AMQPC_OK) {
                after = unsettled.number;
                test_server_must_be_ok(
                    amqpc_link_settle(link, after, after, AMQPC_COMPOSITE_ACCEPTED), "settle");
            }
        }
    }
}

static void obey_for(test_server *server, size_t index, command_type command)
{
    amqpc_transport *transport = server->transports[index];
    amqpc_connection *connection = amqpc_transport_connection(transport);
    amqpc_error error = test_server_error(server->condition, "the test says so");
    if (command == CUT) {
        end_transport(server, index);
        return;
    }
    if (command == DISCONNECT) {
        amqpc_status status = amqpc_connection_close(connection, &error);
        test_server_must(status == AMQPC_OK || status == AMQPC_INVALID_STATE, "close");
    } else if (command == END_SESSIONS) {
        end_sessions(server, connection);
    } else if (command == CLOSE_LINKS) {
        close_links(server, connection);
    } else {
        release_held(connection);
    }
    amqpc_transport_touch(transport);
}

static void obey(test_server *server)
{
    command_type command = server->command;
    for (size_t i = 0; i < CONNECTIONS_MAX && command != NO_COMMAND; i++) {
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
        test_server_must(status == AMQPC_OK || status == AMQPC_TIMED_OUT ||
                             status == AMQPC_INTERRUPTED,
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
    if (server == NULL) {
        abort();
    }
    server->options = *options;
    server->left = options->number_count;
    amqpc_listener_options_init(&listener, sizeof listener);
    listener.port = options->port;
    listener.unix_path = options->unix_path;
    listener.tls = options->tls;
    test_server_must_be_ok(amqpc_poller_new(NULL, &server->poller), "poller");
    test_server_must_be_ok(
        amqpc_listener_new(server->poller, &listener, &server->listener, NULL, 0), "listener");
    server->port = amqpc_listener_port(server->listener);
    (void)pthread_mutex_init(&server->mutex, NULL);
    (void)pthread_cond_init(&server->done, NULL);
    test_server_must(pthread_create(&server->thread, NULL, run, server) == 0, "thread");
    return server;
}

void test_server_stop(test_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    server->stops = true;
    amqpc_poller_wake(server->poller);
    (void)pthread_mutex_unlock(&server->mutex);
    (void)pthread_join(server->thread, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (server->transports[i] != NULL) {
            free_contexts(amqpc_transport_connection(server->transports[i]));
        }
    }
    amqpc_poller_free(server->poller);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        test_server_forget(&server->kept[i]);
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

uint32_t test_server_closed_count(test_server *server)
{
    return read_count(server, &server->closed_count);
}

uint32_t test_server_session_count(test_server *server)
{
    return read_count(server, &server->sessions);
}

uint32_t test_server_abandoned_count(test_server *server)
{
    return read_count(server, &server->abandoned_count);
}

uint32_t test_server_detached_count(test_server *server)
{
    return read_count(server, &server->detached_count);
}

uint32_t test_server_kept_count(test_server *server)
{
    uint32_t count = 0;
    (void)pthread_mutex_lock(&server->mutex);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        count += server->kept[i].unsettled != NULL;
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return count;
}

uint32_t test_server_provisional_count(test_server *server)
{
    return read_count(server, &server->provisional);
}

uint32_t test_server_rolled_back_count(test_server *server)
{
    return read_count(server, &server->rolled_back);
}

uint32_t test_server_unanswered_count(test_server *server)
{
    return read_count(server, &server->unanswered);
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

void test_server_close_links(test_server *server, const char *condition)
{
    command(server, CLOSE_LINKS, condition);
}

void test_server_release_held(test_server *server)
{
    command(server, RELEASE_HELD, "");
}
