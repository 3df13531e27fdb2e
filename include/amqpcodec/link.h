/* Links: one direction of messages between two nodes (AMQP 2.6). */
#ifndef AMQPCODEC_LINK_H
#define AMQPCODEC_LINK_H

#include <amqpcodec/buffer.h>
#include <amqpcodec/session.h>

AMQPC_BEGIN_DECLS

/* The states of a link endpoint (AMQP 2.6.3, 2.6.4). */
typedef enum amqpc_link_state {
    AMQPC_LINK_DETACHED = 0, /* never attached, suspended, or closed: amqpc_link_is_closed tells */
    AMQPC_LINK_ATTACH_SENT = 1,
    AMQPC_LINK_ATTACH_RECEIVED = 2,
    AMQPC_LINK_ATTACHED = 3,
    AMQPC_LINK_DETACH_SENT = 4,
    AMQPC_LINK_DETACH_RECEIVED = 5,
    AMQPC_LINK_DISCARDING = 6 /* detach with an error was sent: what the peer sends for the link but
                                 its answer ends the session (AMQP 2.6.5) */
} amqpc_link_state;

/* Makes a link, which nobody but this end knows until it is attached. Links that the peer attaches
 * come by AMQPC_EVENT_LINK_ATTACH.
 *
 * session  may be begun, or not yet
 * role     AMQPC_ROLE_SENDER or AMQPC_ROLE_RECEIVER: which end of the link this one is
 * name     copied; unique among the links of this role between two containers (AMQP 2.6.1)
 * link     receives the link; amqpc_link_free, or its session, frees it
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT for a name that is empty or not UTF-8,
 * or is used by another link of the same role in the connection; AMQPC_INVALID_STATE in a session
 * that has ended. */
AMQPC_API amqpc_status amqpc_link_new(amqpc_session *session, bool role, amqpc_bytes name,
                                      amqpc_link **link) AMQPC_CHECK;

/* Sends attach (AMQP 2.7.3): the first, the answer to the peer's, or after a suspension the
 * request to go on, with the unsettled deliveries of this end.
 *
 * attach  borrowed until return; NULL for the defaults. name, handle, role, unsettled and
 *         incomplete_unsettled are set by the engine. source and target are left as they stand
 *         where the parameters below are NULL: absent fields of an answer are those of the peer's
 *         attach. initial_delivery_count: of a sender, default 0. max_message_size: of this end; it
 *         is enforced on what is received.
 * source  borrowed until return; NULL for attach->source
 * target  borrowed until return; NULL for attach->target, which may be a coordinator (AMQP 4.5.1)
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE where attach was sent, the link is closed, or its session
 * is not begun; AMQPC_LIMIT_REACHED where no handle is free; AMQPC_NO_MEMORY;
 * AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_link_attach(amqpc_link *link, const amqpc_attach *attach,
                                         const amqpc_source *source,
                                         const amqpc_target *target) AMQPC_CHECK;

/* Refuses the peer's attach: attach without the terminus that was asked for, then detach with the
 * error (AMQP 2.6.3). error: borrowed until return. Returns as amqpc_link_attach. */
AMQPC_API amqpc_status amqpc_link_refuse(amqpc_link *link, const amqpc_error *error) AMQPC_CHECK;

/* Sends detach (AMQP 2.7.7), first or as the answer to the peer's.
 *
 * closed  true destroys the link; false suspends it: unsettled deliveries stay, and it may be
 *         attached again. An answer to a detach that closes is always closed.
 * error   borrowed until return; NULL for none
 *
 * Returns AMQPC_OK, also where detach was sent before; AMQPC_INVALID_STATE before attach;
 * AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_link_detach(amqpc_link *link, bool closed,
                                         const amqpc_error *error) AMQPC_CHECK;

/* Gives a detached link, whose session may have ended, to another session of the same connection,
 * to be attached there. Returns AMQPC_OK; AMQPC_INVALID_STATE; AMQPC_INVALID_ARGUMENT for a
 * session of another connection. */
AMQPC_API amqpc_status amqpc_link_move(amqpc_link *link, amqpc_session *session) AMQPC_CHECK;

/* The application is done with the link: it is closed where it is attached, and its memory is
 * freed once both detaches have crossed. Unsettled deliveries are forgotten; those that were taken
 * live until they are released. NULL is ignored. */
AMQPC_API void amqpc_link_free(amqpc_link *link);

AMQPC_API amqpc_link_state amqpc_link_get_state(const amqpc_link *link);
AMQPC_API bool amqpc_link_is_closed(const amqpc_link *link);

/* The peer refused: its attach has no target (of a sender) or no source (of a receiver); detach
 * with the error follows (AMQP 2.6.3). */
AMQPC_API bool amqpc_link_is_refused(const amqpc_link *link);

AMQPC_API bool amqpc_link_role(const amqpc_link *link);
AMQPC_API amqpc_bytes amqpc_link_name(const amqpc_link *link);

/* NULL where the session was freed. */
AMQPC_API amqpc_session *amqpc_link_session(const amqpc_link *link);

/* The peer's attach, without its unsettled map. Returns AMQPC_OK, AMQPC_NOT_FOUND before it
 * arrived. The views live until the peer's next attach, or the link is freed. */
AMQPC_API amqpc_status amqpc_link_remote_attach(const amqpc_link *link,
                                                amqpc_attach *attach) AMQPC_CHECK;

/* Source and target of the peer's attach. Returns AMQPC_OK; AMQPC_NOT_FOUND where there is none,
 * or the target is a coordinator. */
AMQPC_API amqpc_status amqpc_link_remote_source(const amqpc_link *link,
                                                amqpc_source *source) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_link_remote_target(const amqpc_link *link,
                                                amqpc_target *target) AMQPC_CHECK;

/* The error in the peer's detach, or with which this end detached the link by itself. Returns
 * AMQPC_OK, AMQPC_NOT_FOUND where there is none. The views live until the link is freed or attached
 * again. */
AMQPC_API amqpc_status amqpc_link_error(const amqpc_link *link, amqpc_error *error) AMQPC_CHECK;

/* --- Flow (AMQP 2.6.7). */

/* How the flow of a link stands.
 *
 * credit          deliveries that may still be sent, or still arrive
 * delivery_count  of the sender, as far as this end knows
 * available       deliveries that the sender has waiting; of a sender what
 *                 amqpc_link_set_available said
 * drain           the receiver wants the credit used up, or given back */
typedef struct amqpc_link_flow {
    uint32_t credit;
    uint32_t delivery_count;
    uint32_t available;
    bool drain;
} amqpc_link_flow;

AMQPC_API void amqpc_link_get_flow(const amqpc_link *link, amqpc_link_flow *flow);

/* Receiver: lets the sender send `count` more deliveries. What the limit of unsettled deliveries
 * forbids is not advertised until it allows it. Legal before the link is attached. Returns
 * AMQPC_OK; AMQPC_INVALID_STATE for a sender; AMQPC_INVALID_ARGUMENT where the credit would exceed
 * 2^31-1. */
AMQPC_API amqpc_status amqpc_link_add_credit(amqpc_link *link, uint32_t count) AMQPC_CHECK;

/* Receiver: keeps credit and deliveries that were not taken yet at `count` together; it is topped
 * up when it falls to half. 0 ends it, without taking credit back. Returns as
 * amqpc_link_add_credit. */
AMQPC_API amqpc_status amqpc_link_set_prefetch(amqpc_link *link, uint32_t count) AMQPC_CHECK;

/* Receiver: asks the sender to use the credit up or give it back (AMQP 2.6.7);
 * AMQPC_EVENT_LINK_FLOW tells when the credit is gone. Ends the prefetch. Some peers never answer:
 * the application waits for a while, not for ever. Returns as amqpc_link_add_credit. */
AMQPC_API amqpc_status amqpc_link_drain(amqpc_link *link) AMQPC_CHECK;

/* Receiver: takes back all credit that is not used yet, without waiting for the sender (which may
 * already have sent). Ends the prefetch. Returns as amqpc_link_add_credit. */
AMQPC_API amqpc_status amqpc_link_withdraw_credit(amqpc_link *link) AMQPC_CHECK;

/* Sender: how many deliveries it would send if it could; told by the next flow. */
AMQPC_API amqpc_status amqpc_link_set_available(amqpc_link *link, uint32_t count) AMQPC_CHECK;

/* Sender: answers drain: there is nothing more to send; the credit that is left is given back. No
 * effect where the receiver does not drain. Returns AMQPC_OK; AMQPC_INVALID_STATE for a receiver.
 */
AMQPC_API amqpc_status amqpc_link_drained(amqpc_link *link) AMQPC_CHECK;

/* Sends the link's flow now; echo asks the peer to answer with its own. properties: borrowed until
 * return; NULL, or a map (AMQP 4.4.3: "txn-id"). Returns AMQPC_OK; AMQPC_INVALID_STATE where the
 * link is not attached; AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_link_send_flow(amqpc_link *link, bool echo,
                                            const amqpc_value *properties) AMQPC_CHECK;

/* The properties of the peer's last flow that had any (AMQP 2.7.4). Returns AMQPC_OK,
 * AMQPC_NOT_FOUND. The views live until the peer's next flow with properties, or the link is freed.
 */
AMQPC_API amqpc_status amqpc_link_remote_flow_properties(const amqpc_link *link,
                                                         amqpc_value *properties) AMQPC_CHECK;

/* A value of the application's own, NULL at first. */
AMQPC_API void amqpc_link_set_context(amqpc_link *link, void *context);
AMQPC_API void *amqpc_link_context(const amqpc_link *link);

/* --- Recovery (AMQP 2.6.13). */

/* A link that is attached again goes on with its unsettled deliveries: both ends say which they
 * have, and the sender sends again what the receiver has not, or has without an outcome, in the old
 * order and before anything new, as credit comes. A delivery keeps its number. What was sent in
 * pieces is not kept, and cannot be sent again; nor is what was sent in a transaction: unless the
 * receiver knows its outcome, that is unknown (amqpc_update). A receiver's application is not given
 * again what it has taken: it settles it, or does so by a state without `settled`.
 *
 * Where a frame is too small for all that an end has to say, its attach says so
 * (incomplete_unsettled, AMQP 2.7.3). Then nothing new can be sent: amqpc_link_send returns
 * AMQPC_NO_CREDIT until the link was detached and attached again. */

/* Writes the unsettled deliveries of a link to bytes that amqpc_link_import reads: in another
 * connection, or after a restart of the process. Of a sender the payloads are included, also those
 * that it borrows. Legal in any state: of an attached link it is how things stand now (a container
 * hands a link over that is attached anew elsewhere), and after the connection has failed.
 * Deliveries of which the last update waits to be taken are settled, and not among them; nor are
 * settled ones that the application has not received yet: both are taken before. What is sent or
 * received in part is not among them. Of a receiver's deliveries that the application has not
 * received the payload comes again, by the sender.
 *
 * buffer  appended to; on failure it is as before
 *
 * Returns AMQPC_OK; AMQPC_NO_MEMORY, AMQPC_BUFFER_FULL. */
AMQPC_API amqpc_status amqpc_link_export(const amqpc_link *link, amqpc_buffer *buffer) AMQPC_CHECK;

/* Reads what amqpc_link_export wrote into a link of the same role that was never attached, or whose
 * first attach from the peer is not answered yet. Numbers, contexts and tags are those of the
 * export: see amqpc_link_next_unsettled. No later number of the link is one of them.
 *
 * data, size  copied
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE; AMQPC_NO_MEMORY; AMQPC_LIMIT_REACHED where there are more
 * deliveries than may be unsettled; AMQPC_UNSUPPORTED for an export of a later version; a status of
 * the encoding or composite range for bytes that no export wrote. On failure the link is as
 * before. */
AMQPC_API amqpc_status amqpc_link_import(amqpc_link *link, const void *data,
                                         size_t size) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
