/* Sessions: flow control for the links that share one channel (AMQP 2.5). */
#ifndef AMQPCODEC_SESSION_H
#define AMQPCODEC_SESSION_H

#include <amqpcodec/connection.h>

AMQPC_BEGIN_DECLS

/* The states of AMQP 2.5.5. */
typedef enum amqpc_session_state {
    AMQPC_SESSION_UNMAPPED = 0,
    AMQPC_SESSION_BEGIN_SENT = 1,
    AMQPC_SESSION_BEGIN_RECEIVED = 2,
    AMQPC_SESSION_MAPPED = 3,
    AMQPC_SESSION_END_SENT = 4,
    AMQPC_SESSION_END_RECEIVED = 5,
    AMQPC_SESSION_DISCARDING = 6
} amqpc_session_state;

/* Makes a session, which nobody but this end knows until it is begun. Sessions that the peer
 * begins come by AMQPC_EVENT_SESSION_BEGIN.
 *
 * session  receives the session; amqpc_session_free, or the connection, frees it
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; AMQPC_INVALID_STATE on a connection that has failed or is
 * closed. */
AMQPC_API amqpc_status amqpc_session_new(amqpc_connection *connection,
                                         amqpc_session **session) AMQPC_CHECK;

/* Sends begin (AMQP 2.7.2): the first, or the answer to the peer's.
 *
 * begin  borrowed until return; NULL for the defaults. remote_channel and handle_max are set by the
 *        engine. incoming_window, where present, is the window that is kept open, in transfer
 *        frames; default 2,048. next_outgoing_id, where present, is the first transfer-id (and the
 *        first delivery-id); default 0. outgoing_window is advertised as given; default 2^31-1
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE where begin was sent, or open was not;
 * AMQPC_LIMIT_REACHED where no channel is free; AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_session_begin(amqpc_session *session,
                                           const amqpc_begin *begin) AMQPC_CHECK;

/* Sends end (AMQP 2.7.8), first or as the answer to the peer's. The session's links are suspended.
 *
 * error  borrowed until return; NULL for none
 *
 * Returns AMQPC_OK, also where end was sent before; AMQPC_INVALID_STATE before begin;
 * AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_session_end(amqpc_session *session,
                                         const amqpc_error *error) AMQPC_CHECK;

/* The application is done with the session: it is ended where it is not, and its memory is freed
 * once both ends have crossed, with the links that still belong to it. NULL is ignored. */
AMQPC_API void amqpc_session_free(amqpc_session *session);

AMQPC_API amqpc_session_state amqpc_session_get_state(const amqpc_session *session);
AMQPC_API amqpc_connection *amqpc_session_connection(const amqpc_session *session);

/* The peer's begin. Returns AMQPC_OK, AMQPC_NOT_FOUND before it arrived. The views live until the
 * session is freed. */
AMQPC_API amqpc_status amqpc_session_remote_begin(const amqpc_session *session,
                                                  amqpc_begin *begin) AMQPC_CHECK;

/* The error in the peer's end, or with which this end ended the session by itself. Returns
 * AMQPC_OK, AMQPC_NOT_FOUND where there is none. The views live until the session is freed. */
AMQPC_API amqpc_status amqpc_session_error(const amqpc_session *session,
                                           amqpc_error *error) AMQPC_CHECK;

/* How many transfer frames the window of each direction still allows. */
AMQPC_API uint32_t amqpc_session_incoming_window(const amqpc_session *session);
AMQPC_API uint32_t amqpc_session_outgoing_window(const amqpc_session *session);

/* Changes the window that is kept open, in transfer frames; at least 1. The peer learns of it by
 * the next flow. Returns AMQPC_OK, AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_session_set_incoming_window(amqpc_session *session,
                                                         uint32_t window) AMQPC_CHECK;

/* A value of the application's own, NULL at first. */
AMQPC_API void amqpc_session_set_context(amqpc_session *session, void *context);
AMQPC_API void *amqpc_session_context(const amqpc_session *session);

/* The link after `link` in the order of their making, the first for NULL; NULL at the end. */
AMQPC_API amqpc_link *amqpc_session_next_link(const amqpc_session *session, const amqpc_link *link);

AMQPC_END_DECLS

#endif
