/* The inside of a link. */
#ifndef AMQPCI_ENGINE_LINK_H
#define AMQPCI_ENGINE_LINK_H

#include "engine/delivery.h"
#include "engine/link_states.h"
#include "engine/session.h"

/* Where a tag leads to: see amqpci_suspended. */
typedef struct amqpci_tagged {
    uint32_t position;
    uint8_t tag_size;
    uint8_t tag[AMQPC_DELIVERY_TAG_MAX];
} amqpci_tagged;

/* Unsettled deliveries of earlier attachments, in the order of their numbers.
 *
 * deliveries  NULL where one was taken out: the others keep their positions until the link is
 *             detached
 * by_tag      allocated: all that were there when both ends were attached, in the order of their
 *             tags; NULL where nobody needs it */
typedef struct amqpci_suspended {
    amqpci_delivery **deliveries;
    uint32_t count; /* positions */
    uint32_t capacity;
    amqpci_tagged *by_tag;
    uint32_t by_tag_count;
} amqpci_suspended;

struct amqpc_link {
    amqpci_event_source source; /* first */
    amqpc_session *session;     /* NULL where it was freed */
    amqpc_connection *connection;
    amqpc_link *next; /* of the session's links */
    amqpc_link *previous;
    amqpc_link *next_of_name; /* of the connection's name table */
    amqpc_link *next_due;     /* of the session's links that have a flow to send */
    void *context;
    amqpc_bytes name; /* lies behind the link */

    uint8_t state; /* amqpc_link_state */
    bool role;
    bool attach_sent;     /* and detach not yet */
    bool attach_received; /* and detach not yet */
    bool is_due;
    bool streaming;
    bool drain;
    uint8_t snd_settle_mode;
    uint8_t rcv_settle_mode;
    /* Bits, where no frame of a delivery asks: they keep a link below 512 bytes. */
    bool was_attached : 1; /* attach was sent before, or is */
    bool is_closed : 1;
    bool refused : 1;
    bool released : 1;              /* the application is done with it */
    bool drained_when_sent : 1;     /* credit is given back when no delivery waits any more */
    bool detach_closed : 1;         /* the peer's detach, which is not answered yet, closes */
    bool named : 1;                 /* it stands in the name table */
    bool stolen : 1;                /* detached because of another link of its name */
    bool failed : 1;                /* the engine itself detached it, and the application knows */
    bool map_incomplete : 1;        /* the unsettled map that this end sent */
    bool remote_map_incomplete : 1; /* the peer's */
    bool without_map : 1; /* attach says nothing of what is unsettled: the peer wants none */
    bool sends_once : 1;  /* sender: what the peer does not name is not sent again, but unknown */
    bool credit_unwanted : 1; /* sender: what is left of held_credit goes back (amqpc_link_drained)
                               */
    uint32_t epoch;           /* attachments so far */
    uint32_t local_handle;
    uint32_t remote_handle;
    uint64_t max_message_size;        /* ours; 0 where attach did not say */
    uint64_t remote_max_message_size; /* UINT64_MAX for no limit */

    uint32_t delivery_count;
    uint32_t initial_delivery_count; /* sender */
    uint32_t held_credit;            /* sender: credit that waits until `resuming` is worked off */
    uint32_t credit; /* sender: may be sent; receiver: wanted by the application, not used yet */
    uint32_t
        credit_limit; /* receiver: delivery-count up to which the peer was ever allowed to send */
    uint32_t
        credit_slack;    /* receiver: deliveries beyond credit_limit that are taken all the same */
    uint32_t advertised; /* receiver: credit in the last flow, not used yet */
    uint32_t available;
    uint32_t prefetch;
    uint32_t unsettled_count; /* deliveries that are unsettled at this end, or whose last update was
                                 not taken */
    uint32_t unread_count;
    uint32_t waiting_count;  /* sender: deliveries that wait for their first frame */
    uint32_t resumed_count;  /* deliveries that were resumed in this attachment */
    uint32_t resumed_credit; /* receiver: that came back in this attachment, which used credit up,
                                though the application was given them before */

    uint64_t partial_size;         /* sender: of the delivery that is being sent in pieces */
    amqpci_delivery *partial;      /* one that is being sent, or received, in pieces */
    amqpci_delivery_list unread;   /* receiver: not taken yet */
    amqpci_delivery_list updates;  /* not taken yet */
    amqpci_delivery_list taken;    /* updates whose views may still be looked at */
    amqpci_delivery_list resuming; /* sender: to be sent again, or told to be over, once there is
                                      credit */
    amqpci_suspended suspended;    /* unsettled, of earlier attachments */
    amqpc_bytes remote_attach;     /* allocated, encoded, without the unsettled map */
    amqpc_bytes error;             /* allocated: an error, encoded */
    amqpc_bytes flow_properties;   /* allocated, encoded */
};

/* --- link.c */

AMQPC_CHECK amqpc_status amqpci_link_make(amqpc_session *session, bool role, amqpc_bytes name,
                                          amqpc_link **link);

/* Frees the link and what it holds, without a word. */
void amqpci_link_destroy(amqpc_link *link);

bool amqpci_link_advance(amqpc_link *link, amqpci_link_input_kind input);

/* Detaches the link for a fault of the peer: detach with the status's condition is output. */
void amqpci_link_fail(amqpc_link *link, amqpc_status status);

/* The link is not attached any more: handles are free, what is not settled is suspended, or, where
 * it is closed, over. */
void amqpci_link_disband(amqpc_link *link);

/* Frees it where the application is done with it, and the peer too. True where it is gone. */
bool amqpci_link_free_if_done(amqpc_link *link);

/* The application is done with a link that is not detached yet: closes it, where its session is
 * begun. The link may be gone after it. */
void amqpci_link_part(amqpc_link *link);

/* Moves the link to the end of a session's links. */
void amqpci_link_join(amqpc_link *link, amqpc_session *session);
void amqpci_link_leave(amqpc_link *link);

AMQPCI_INLINE void amqpci_link_raise(amqpc_link *link, amqpc_event_type type)
{
    amqpci_event_raise(&link->connection->events, &link->source, type);
}

/* What is wrong with a frame that the link's state does not allow: this end has detached it with an
 * error (AMQP 2.6.5), or the peer has detached it. */
AMQPCI_INLINE amqpc_status amqpci_link_refusal(const amqpc_link *link)
{
    return link->state == AMQPC_LINK_DISCARDING ? AMQPC_ERRANT_LINK : AMQPC_UNATTACHED_HANDLE;
}

/* --- link_attach.c: AMQPC_NO_MEMORY leaves things as they were. */

AMQPC_CHECK amqpc_status amqpci_link_take_attach(amqpc_session *session,
                                                 const amqpc_attach *attach);
AMQPC_CHECK amqpc_status amqpci_link_take_detach(amqpc_session *session,
                                                 const amqpc_detach *detach);

/* --- link_flow.c */

AMQPC_CHECK amqpc_status amqpci_link_take_flow(amqpc_session *session, const amqpc_flow *flow);

/* It has a flow to send with the next output. */
void amqpci_link_set_due(amqpc_link *link);

/* Writes the link's flow. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_link_write_flow(amqpc_link *link, bool echo,
                                                const amqpc_value *properties);

/* Sender: uses up the credit that is left without sending (AMQP 2.6.7: drain). */
void amqpci_link_give_credit_back(amqpc_link *link);

/* Receiver: tops the credit up where it has fallen to half. */
void amqpci_link_refill(amqpc_link *link);

/* Receiver of which credit is not advertised yet: deliveries were settled, which may allow it. */
void amqpci_link_check_credit(amqpc_link *link);

/* --- receiver.c */

/* What a transfer does. */
AMQPC_CHECK amqpc_status amqpci_link_take_transfer(amqpc_session *session,
                                                   const amqpc_transfer *transfer,
                                                   amqpc_bytes payload);

/* --- receiver_bytes.c */

/* Drops the bytes of a delivery that nobody has taken. */
void amqpci_receiver_drop_bytes(amqpc_link *link, amqpci_delivery *delivery);

/* Copies the bytes of a delivery out of the slab that it shares, so that the slab may go. */
void amqpci_receiver_became_straggler(amqpc_connection *connection, amqpci_delivery *delivery);

/* Copies the bytes of a delivery to a slab of its own. AMQPC_NO_MEMORY, and they stay. */
AMQPC_CHECK amqpc_status amqpci_receiver_copy_out(amqpc_connection *connection,
                                                  amqpci_delivery *delivery);

bool amqpci_receiver_has_tag(const amqpci_delivery *delivery, amqpc_bytes tag);

/* The delivery is not unsettled at this end any more. */
void amqpci_receiver_forget(amqpc_link *link, amqpci_delivery *delivery);

/* Frees a delivery that was taken and is settled; later, where the application may look at its
 * state. */
void amqpci_receiver_free_taken(amqpc_link *link, amqpci_delivery *delivery);

/* Frees deliveries of which the application may not look at the state any more. */
void amqpci_receiver_free_views(amqpc_link *link);

/* --- sender.c */

/* Drops the reference to the payload of a delivery that was sent. */
void amqpci_sender_drop_payload(amqpc_connection *connection, amqpci_delivery *delivery);

/* A borrowed payload has gone out, or never will. */
void amqpci_sender_payload_sent(amqpc_connection *connection, amqpci_delivery *delivery, bool sent);

/* The link is freed: borrowed payloads that wait in the output go out without it. */
void amqpci_sender_leave_output(amqpc_link *link);

/* An amqpci_became_straggler: copies the payload out of its slab, so that the slab may go. */
void amqpci_sender_became_straggler(void *context, void *straggler);

/* --- sender_frames.c */

/* The delivery stands among the pending sends no more; what of it is not framed is not sent. */
void amqpci_sender_drop_rest(amqpci_delivery *delivery);

/* --- sender_stream.c */

/* The link is detached: a delivery that is being sent in pieces is not finished. */
void amqpci_sender_end_partial(amqpc_link *link);

/* --- settlement.c */

/* The peer said something of the delivery, or it is over: an update, unless one waits. */
void amqpci_link_add_update(amqpc_link *link, amqpci_delivery *delivery);

/* A sender's delivery is over for both ends: it is not unsettled any more, and a last update tells
 * it. */
void amqpci_link_finish_sent(amqpc_link *link, amqpci_delivery *delivery);

/* Keeps what a state says beyond its type, where it does; the type is kept always. AMQPC_NO_MEMORY.
 */
AMQPC_CHECK amqpc_status amqpci_settlement_keep_state(amqpci_delivery_store *store,
                                                      amqpci_delivery *delivery, bool remote,
                                                      const amqpc_value *state);

/* Frees a delivery that stands nowhere any more, with its slab. */
void amqpci_link_free_delivery(amqpc_link *link, amqpci_delivery *delivery);

/* This end has settled a delivery that it sent. */
void amqpci_sender_settled_here(amqpc_link *link, amqpci_delivery *delivery);

/* --- sender_pending.c */

/* What amqpci_link_leave_pending needs memory for. AMQPC_NO_MEMORY, and all is as before. */
AMQPC_CHECK amqpc_status amqpci_link_prepare_leave(amqpc_link *link);

/* The link is being detached: what of it waits for the session's window is not sent any more, and
 * what other links have waiting moves up, so that delivery-ids have no gap. */
void amqpci_link_leave_pending(amqpc_link *link);

/* --- suspension.c */

/* An unsettled delivery that is in no index any more is suspended, or over where the link is
 * closed. */
void amqpci_link_suspend_one(amqpc_link *link, amqpci_delivery *delivery);

/* All unsettled deliveries of the attachment that ends become suspended, or over where the link is
 * closed. */
void amqpci_recovery_suspend(amqpc_link *link);

/* Takes a delivery out. */
void amqpci_suspended_remove(amqpc_link *link, amqpci_delivery *delivery);

/* The application says the state of the suspended delivery at a position, and with `settled` it is
 * done with it: the peer learns of it when the link is attached again. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_suspended_settle(amqpc_link *link, uint32_t position, uint8_t code,
                                                 const amqpc_value *state, bool settled);

/* The same of one that waits in link->resuming. */
AMQPC_CHECK amqpc_status amqpci_resuming_settle(amqpc_link *link, amqpci_delivery *delivery,
                                                uint8_t code, const amqpc_value *state,
                                                bool settled);

/* --- recovery_map.c */

/* The unsettled map of attach (AMQP 2.7.3), allocated, encoded: *encoded is of size 0 where there
 * is none. link->map_incomplete: it does not name all, because it may not be larger than
 * size_max. */
AMQPC_CHECK amqpc_status amqpci_recovery_encode_unsettled(amqpc_link *link, size_t size_max,
                                                          amqpc_bytes *encoded);

/* --- recovery.c */

/* Both ends are attached again: what becomes of suspended deliveries (AMQP 2.6.13, 3.4.6), by the
 * peer's unsettled map. Nothing is sent by this. AMQPC_NO_MEMORY, and it is to be called again. */
AMQPC_CHECK amqpc_status amqpci_recovery_reconcile(amqpc_link *link, const amqpc_attach *attach);

/* --- recovery_resume.c */

/* Sender: sends what waits in link->resuming, of all links of the session, as credit allows.
 * AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_recovery_send(amqpc_session *session);

/* Sender: the credit that the peer gave waits where something has to be sent again before, or
 * nothing new may be sent on this attachment. */
void amqpci_recovery_hold_credit(amqpc_link *link);

/* --- recovery_receive.c */

/* The first frame of a transfer with `resume`.
 *
 * delivery  receives the suspended delivery whose bytes the transfer brings, in the index again
 *           under its new id where it is unsettled; NULL where the bytes are not wanted: this end
 *           has them, or does not know the delivery
 *
 * AMQPC_NO_MEMORY, with everything as it was. */
AMQPC_CHECK amqpc_status amqpci_recovery_take_resumed(amqpc_link *link,
                                                      const amqpc_transfer *transfer,
                                                      amqpc_bytes payload,
                                                      amqpci_delivery **delivery);

/* A further frame of a transfer whose bytes are not wanted. */
void amqpci_recovery_drop_frame(amqpc_link *link, const amqpc_transfer *transfer);

#endif
