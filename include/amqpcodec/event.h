/* What happened on a connection: one queue, read by pulling. */
#ifndef AMQPCODEC_EVENT_H
#define AMQPCODEC_EVENT_H

#include <amqpcodec/connection.h>

AMQPC_BEGIN_DECLS

/* Events. Each stands at most once in the queue for its object: a thousand deliveries of a link
 * that nobody took yet are one AMQPC_EVENT_DELIVERIES. So the order of the events of two objects
 * is that in which each first had something to tell, and not that of all that they have to tell. */
typedef enum amqpc_event_type {
    AMQPC_EVENT_NONE = 0,
    AMQPC_EVENT_SASL = 1,              /* a question is open: amqpc_sasl_question_get */
    AMQPC_EVENT_SASL_OUTCOME = 2,      /* SASL is over, well */
    AMQPC_EVENT_CONNECTION_OPEN = 3,   /* the peer's open: amqpc_connection_remote_open */
    AMQPC_EVENT_CONNECTION_CLOSE = 4,  /* the peer's close: amqpc_connection_remote_error */
    AMQPC_EVENT_CONNECTION_FAILED = 5, /* amqpc_connection_get_failure; every link is suspended */
    AMQPC_EVENT_SESSION_BEGIN = 6,     /* the peer's begin */
    AMQPC_EVENT_SESSION_WINDOW = 7,    /* the peer's window has opened after it was closed */
    AMQPC_EVENT_SESSION_END =
        8, /* the peer's end, or this end ended it for a fault of the peer: amqpc_session_error */
    AMQPC_EVENT_LINK_ATTACH = 9, /* the peer's attach; amqpc_link_is_refused may hold */
    AMQPC_EVENT_LINK_FLOW = 10,  /* the peer's flow: amqpc_link_get_flow */
    AMQPC_EVENT_DELIVERIES = 11, /* there is something to take by amqpc_link_receive */
    AMQPC_EVENT_UPDATES = 12,    /* there is something to take by amqpc_link_updates */
    AMQPC_EVENT_LINK_DETACH = 13 /* the peer's detach, or this end detached it for a fault of the
                                    peer: amqpc_link_error */
} amqpc_event_type;

/* One event.
 *
 * type        amqpc_event_type
 * connection  always
 * session     of session and link events; otherwise NULL
 * link        of link events; otherwise NULL */
typedef struct amqpc_connection_event {
    uint32_t type;
    amqpc_connection *connection;
    amqpc_session *session;
    amqpc_link *link;
} amqpc_connection_event;

/* Takes the next event.
 *
 * event  written where there is one
 *
 * Returns whether there is one. Any call may be made between two calls of this one; events of an
 * object that is freed are dropped. */
AMQPC_API bool amqpc_connection_next_event(amqpc_connection *connection,
                                           amqpc_connection_event *event);

/* The event's name: "LINK_ATTACH"; "UNKNOWN" for a number that is none. Static. */
AMQPC_API const char *amqpc_event_name(unsigned type);

AMQPC_END_DECLS

#endif
