/* The inside of a session, and what its links ask of it. */
#ifndef AMQPCI_ENGINE_SESSION_H
#define AMQPCI_ENGINE_SESSION_H

#include "engine/connection.h"
#include "engine/delivery_index.h"
#include "engine/session_states.h"

enum { AMQPCI_RANGE_COUNT = 4, AMQPCI_INCOMING_WINDOW = 2048 };

/* Links by handle; grows with the handles that are used. */
typedef struct amqpci_handle_map {
    amqpc_link **links;
    uint32_t capacity;
} amqpci_handle_map;

/* A disposition that waits for the next output, and for neighbours (AMQP 2.7.6). */
typedef struct amqpci_range {
    uint32_t first;
    uint32_t last;
    uint8_t state; /* amqpc_composite_type without fields; 0 for none */
    bool settled;
    bool role;
    bool used;
} amqpci_range;

struct amqpc_session {
    amqpci_event_source source; /* first */
    amqpc_connection *connection;
    amqpc_session *next;
    amqpc_session *previous;
    amqpc_session *next_due; /* of the connection's list */
    void *context;
    amqpc_link *first_link;
    amqpc_link *last_link;
    amqpc_link *first_due; /* links that have a flow to send */
    amqpci_handle_map local_handles;
    amqpci_handle_map remote_handles;
    amqpci_delivery_index outgoing;
    amqpci_delivery_index incoming;
    amqpci_delivery_list pending;                /* sends that wait for the window, in order */
    amqpc_bytes remote_begin;                    /* allocated, encoded */
    amqpc_bytes error;                           /* allocated: an error, encoded */
    amqpci_range ranges[AMQPCI_RANGE_COUNT + 1]; /* the last: where memory was short */

    uint8_t state; /* amqpc_session_state */
    bool begin_sent;
    bool begin_received;
    bool released; /* the application is done with it */
    bool is_due;
    bool flow_due;
    bool window_held; /* not renewed until retained input is released */
    bool window_was_closed;
    uint16_t local_channel;
    uint16_t remote_channel;

    uint32_t next_incoming_id;
    uint32_t incoming_window;     /* transfer frames that the peer may still send */
    uint32_t incoming_window_max; /* what it is renewed to */
    uint32_t next_outgoing_id;
    uint32_t initial_outgoing_id;
    uint32_t outgoing_window; /* as advertised */
    uint32_t remote_window;   /* transfer frames that we may still send */
    uint32_t remote_handle_max;
    uint32_t next_delivery_out; /* id of the next delivery that goes out */
    uint32_t next_delivery_id;  /* of the next delivery that comes in */
    bool delivery_id_known;     /* one has come in */
    uint32_t link_count;
    uint32_t resuming_count; /* links of which `resuming` is not empty */
    uint32_t free_handle;    /* all handles of ours below it are in use */
};

/* --- session.c */

AMQPC_CHECK amqpc_status amqpci_session_make(amqpc_connection *connection, amqpc_session **session);

/* Frees the session and its links, without a word. */
void amqpci_session_destroy(amqpc_session *session);

bool amqpci_session_advance(amqpc_session *session, amqpci_session_input_kind input);

/* Ends the session for a fault of the peer: end with the status's condition is output. */
void amqpci_session_fail(amqpc_session *session, amqpc_status status);

/* The session has ended, or its connection has: links are suspended, deliveries that are unsettled
 * stay with them. */
void amqpci_session_disband(amqpc_session *session);

/* It has a flow or dispositions to send with the next output. */
void amqpci_session_set_due(amqpc_session *session);

/* Frees it where the application is done with it, and the peer too. True where it is gone. */
bool amqpci_session_free_if_done(amqpc_session *session);

AMQPC_CHECK amqpc_status amqpci_handle_map_reserve(amqpc_session *session, amqpci_handle_map *map,
                                                   uint32_t handle);

AMQPCI_INLINE amqpc_link *amqpci_handle_map_get(const amqpci_handle_map *map, uint32_t handle)
{
    return handle < map->capacity ? map->links[handle] : NULL;
}

AMQPCI_INLINE void amqpci_session_raise(amqpc_session *session, amqpc_event_type type)
{
    amqpci_event_raise(&session->connection->events, &session->source, type);
}

/* Frames of links may go out. */
AMQPCI_INLINE bool amqpci_session_is_usable(const amqpc_session *session)
{
    return session != NULL && session->begin_sent &&
           amqpci_session_step((amqpc_session_state)session->state, AMQPCI_SESSION_SEND_LINK_FRAME)
                   .verdict == AMQPCI_PROCEED &&
           session->connection->failure == AMQPC_OK && !session->connection->close_sent &&
           !session->connection->input_ended;
}

/* --- session_input.c: performatives of sessions. All leave things as they were on AMQPC_NO_MEMORY.
 */

AMQPC_CHECK amqpc_status amqpci_session_take(amqpc_connection *connection, const amqpc_frame *frame,
                                             const amqpc_performative *performative);

/* --- session_flow.c */

/* The peer's begin: its channel, its windows. */
void amqpci_session_take_begin(amqpc_session *session, uint16_t channel, const amqpc_begin *begin);

/* Counts a transfer frame that came in. False where the window does not allow it. */
AMQPCI_INLINE bool amqpci_session_count_transfer(amqpc_session *session)
{
    if (AMQPCI_UNLIKELY(session->incoming_window == 0)) {
        return false;
    }
    session->incoming_window--;
    session->next_incoming_id =
        session->next_incoming_id == UINT32_MAX ? 0 : session->next_incoming_id + 1;
    return true;
}

/* Renews the window where half of it is used. */
void amqpci_session_renew_window(amqpc_session *session);

/* The session part of a flow that came in. */
void amqpci_session_take_flow(amqpc_session *session, const amqpc_flow *flow);

/* The session's part of a flow that goes out; renews the window. */
void amqpci_session_fill_flow(amqpc_session *session, amqpc_flow *flow);

/* Writes what is due: dispositions, flows, pending sends. AMQPC_NO_MEMORY, and it stays due. */
AMQPC_CHECK amqpc_status amqpci_session_write_due(amqpc_session *session);

/* Sessions whose window was held get it renewed, where input was released. */
void amqpci_session_check_held(amqpc_connection *connection);

/* --- settlement.c */

/* Writes the dispositions that wait. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_session_write_ranges(amqpc_session *session);

/* What a disposition does. */
AMQPC_CHECK amqpc_status amqpci_session_take_disposition(amqpc_session *session,
                                                         const amqpc_disposition *disposition);

/* Tells the peer of deliveries, with the next output (state: without fields). AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_session_add_range(amqpc_session *session, bool role, uint32_t first,
                                                  uint32_t last, uint8_t state, bool settled);

/* --- sender_frames.c */

/* Writes what frames of a delivery the window allows, and leaves the rest to
 * amqpci_session_send_pending. AMQPC_NO_MEMORY only where nothing was written. */
AMQPC_CHECK amqpc_status amqpci_session_send(amqpc_session *session, amqpci_delivery *delivery);

/* Sends pending deliveries as the window allows. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_session_send_pending(amqpc_session *session);

/* The session ends: pending deliveries are not sent any more. Those that are unsettled stay in the
 * index. */
void amqpci_session_drop_pending(amqpc_session *session);

#endif
