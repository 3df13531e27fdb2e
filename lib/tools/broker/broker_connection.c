/* What happens on a connection, and what the broker does about it. */
#include <stdlib.h>
#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/broker.h"

enum { INCOMING_WINDOW = 8192, FRAME_SIZE = 65536 };

void broker_connection_options(const struct broker *broker, amqpc_connection_options *options,
                               amqpc_sasl_options *sasl, amqpc_limits *limits)
{
    enum { RETAINED_SIZE = 4 << 20, OUTPUT_SIZE = 1 << 20 };
    amqpc_limits_init(limits, sizeof *limits);
    limits->frame_size = FRAME_SIZE;
    amqpc_sasl_options_init(sasl, sizeof *sasl);
    sasl->mechanisms = broker_sasl_mechanisms(&broker->users, broker->options.allow_external);
    sasl->optional = broker->users.count == 0;
    sasl->allow_plain_cleartext = broker->options.allow_plain_cleartext;
    amqpc_connection_options_init(options, sizeof *options);
    options->role = AMQPC_SERVER;
    options->limits = limits;
    options->sasl = sasl;
    options->idle_timeout_ms = broker->options.idle_timeout_ms;
    options->message_size = broker->options.message_size;
    options->partial_size = broker->options.message_size + RETAINED_SIZE;
    options->retained_size = RETAINED_SIZE;
    options->output_size = OUTPUT_SIZE;
    options->unsettled_max = BROKER_UNSETTLED_MAX;
}

broker_connection *broker_add(struct broker *broker, amqpc_connection *connection, void *owner)
{
    broker_connection *made =
        (broker_connection *)allocation_take_zeroed(&broker->allocator, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->broker = broker;
    made->connection = connection;
    made->owner = owner;
    made->next = broker->first_connection;
    if (made->next != NULL) {
        made->next->previous = made;
    }
    broker->first_connection = made;
    broker->connection_count++;
    broker->totals.connections++;
    amqpc_connection_set_context(connection, made);
    return made;
}

bool broker_set_subject(broker_connection *connection, const char *subject)
{
    size_t size = strlen(subject) + 1;
    connection->subject = (char *)allocation_take(&connection->broker->allocator, size);
    if (connection->subject != NULL) {
        memcpy(connection->subject, subject, size);
    }
    return connection->subject != NULL;
}

/* Nothing more comes: every link is kept, or is over, as its policy says. */
static void lose(broker_connection *connection)
{
    connection->is_over = true;
    while (connection->first_terminus != NULL) {
        terminus_leave(connection->first_terminus, TERMINUS_CONNECTION_CLOSE);
    }
}

static void leave_dirty(broker_connection *connection)
{
    broker_connection **at = &connection->broker->first_dirty;
    while (connection->is_dirty && *at != connection) {
        at = &(*at)->next_dirty;
    }
    if (connection->is_dirty) {
        *at = connection->next_dirty;
    }
    connection->is_dirty = false;
}

void broker_remove(broker_connection *connection)
{
    struct broker *broker = connection->broker;
    lose(connection);
    leave_dirty(connection);
    if (connection->previous == NULL) {
        broker->first_connection = connection->next;
    } else {
        connection->previous->next = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    broker->connection_count--;
    amqpc_connection_set_context(connection->connection, NULL);
    allocation_give_back(&broker->allocator, connection->subject);
    allocation_give_back(&broker->allocator, connection);
}

/* --- Events. */

/* Where the engine cannot do it now, the connection is of no use. */
static void give_up(broker_connection *connection, amqpc_status status)
{
    const amqpc_error error = broker_error("amqp:resource-limit-exceeded", "no memory");
    if (status == AMQPC_OK || status == AMQPC_INVALID_STATE) {
        return; /* done, or over anyway */
    }
    status = amqpc_connection_close(connection->connection, &error);
    (void)status; /* nothing is left to try */
    lose(connection);
}

static void answer_open(broker_connection *connection)
{
    static const amqpc_bytes relay = {"ANONYMOUS-RELAY", 15};
    const char *version = amqpc_version();
    amqpc_value properties[4] = {
        {.type = AMQPC_TYPE_SYMBOL},
        {.type = AMQPC_TYPE_STRING},
        {.type = AMQPC_TYPE_SYMBOL},
        {.type = AMQPC_TYPE_STRING},
    };
    properties[0].as.bytes = (amqpc_bytes){"product", 7};
    properties[1].as.bytes = (amqpc_bytes){"amqpcodec broker", 16};
    properties[2].as.bytes = (amqpc_bytes){"version", 7};
    properties[3].as.bytes = (amqpc_bytes){version, strlen(version)};
    amqpc_open open = {
        .present =
            AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_OFFERED_CAPABILITIES | AMQPC_OPEN_PROPERTIES,
        .container_id = connection->broker->options.container_id,
        .offered_capabilities = {.count = 1, .items = &relay},
        .properties = {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 4},
    };
    open.properties.as.items = properties;
    give_up(connection, amqpc_connection_open(connection->connection, &open));
}

static void answer_begin(broker_connection *connection, amqpc_session *session)
{
    const amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW,
                               .incoming_window = INCOMING_WINDOW};
    give_up(connection, amqpc_session_begin(session, &begin));
}

static void end_session(broker_connection *connection, amqpc_session *session)
{
    broker_terminus *next = NULL;
    for (broker_terminus *at = connection->first_terminus; at != NULL; at = next) {
        next = at->next;
        if (at->session == session) {
            terminus_leave(at, TERMINUS_SESSION_END);
        }
    }
    give_up(connection, amqpc_session_end(session, NULL));
    amqpc_session_free(session);
}

/* What waited for consumers goes to the queue, now that its sender has gone. */
static void take_rest(broker_terminus *terminus)
{
    broker_producer *producer = (struct broker_producer *)terminus;
    if (terminus->role == AMQPC_ROLE_RECEIVER && producer->waits_until_ms != 0) {
        producer_receive(producer, true);
    }
}

static void detach_link(broker_connection *connection, amqpc_link *link)
{
    broker_terminus *terminus = (struct broker_terminus *)amqpc_link_context(link);
    bool closed = amqpc_link_is_closed(link);
    give_up(connection, amqpc_link_detach(link, closed, NULL));
    if (connection->is_over) {
        return;
    }
    if (terminus == NULL) {
        amqpc_link_free(link);
    } else if (closed) {
        take_rest(terminus);
        terminus_end(terminus, NULL);
    } else {
        terminus_leave(terminus, TERMINUS_LINK_DETACH);
    }
}

static void handle_link_event(broker_connection *connection, const amqpc_connection_event *event)
{
    broker_terminus *terminus = (struct broker_terminus *)amqpc_link_context(event->link);
    if (event->type == AMQPC_EVENT_LINK_ATTACH) {
        broker_attach(connection, event->link);
        return;
    }
    if (event->type == AMQPC_EVENT_LINK_DETACH) {
        detach_link(connection, event->link);
        return;
    }
    if (terminus == NULL) {
        return;
    }
    if (terminus->role == AMQPC_ROLE_RECEIVER) {
        producer_handle((broker_producer *)terminus, event->type);
    } else if (event->type == AMQPC_EVENT_LINK_FLOW) {
        consumer_take_flow((broker_consumer *)terminus);
    } else {
        consumer_take_updates((broker_consumer *)terminus);
        consumer_resume_turn((broker_consumer *)terminus);
    }
}

static void handle_event(broker_connection *connection, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_SASL:
        broker_sasl_answer(connection);
        break;
    case AMQPC_EVENT_CONNECTION_OPEN:
        answer_open(connection);
        break;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        lose(connection);
        give_up(connection, amqpc_connection_close(connection->connection, NULL));
        break;
    case AMQPC_EVENT_CONNECTION_FAILED:
        connection->broker->totals.failed++;
        lose(connection);
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        answer_begin(connection, event->session);
        break;
    case AMQPC_EVENT_SESSION_END:
        end_session(connection, event->session);
        break;
    case AMQPC_EVENT_SASL_OUTCOME:
    case AMQPC_EVENT_SESSION_WINDOW:
        break;
    default:
        handle_link_event(connection, event);
        break;
    }
}

void broker_handle(broker_connection *connection)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection->connection, &event)) {
        if (!connection->is_over) {
            handle_event(connection, &event);
        }
    }
}
