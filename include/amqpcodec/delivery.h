/* Deliveries: sending, receiving, and settling them (AMQP 2.6.12, 3.4). */
#ifndef AMQPCODEC_DELIVERY_H
#define AMQPCODEC_DELIVERY_H

#include <amqpcodec/link.h>

AMQPC_BEGIN_DECLS

/* A delivery's state whose type is none of AMQP 3.4, 4.5 (amqpc_update.state_type). */
#define AMQPC_STATE_OTHER 0xffffffffu

#define AMQPC_DELIVERY_TAG_MAX 32

/* --- Sending. */

/* How to send. Set the defaults by amqpc_send_options_init.
 *
 * struct_size      sizeof(amqpc_send_options) of the caller
 * settled          the delivery is forgotten when it is sent; must agree with the link's
 *                  snd-settle-mode (AMQP 2.8.2)
 * by_reference     the payload is not copied, but borrowed until an update of the delivery says
 *                  that it is settled, or the connection is freed; also of one that is sent
 *                  settled: its update comes when the bytes have gone out
 * batchable        the receiver may wait and tell the states of several deliveries at once
 * has_rcv_settle_mode  whether the next member holds
 * rcv_settle_mode  of this delivery only (AMQP 2.7.5)
 * message_format   default 0: a message of AMQP 3.2
 * tag              copied, 1 to 32 bytes, unique among the link's unsettled deliveries, which is
 *                  not checked; empty: the engine makes one
 * context          a value of the application's own, which updates bring back
 * state            copied; NULL, or the delivery's state at the sender, a described value of at
 *                  most half of the frames that the peer takes: a transactional-state
 *                  (AMQP 4.4.1), see amqpc_transaction_state */
typedef struct amqpc_send_options {
    size_t struct_size;
    bool settled;
    bool by_reference;
    bool batchable;
    bool has_rcv_settle_mode;
    uint8_t rcv_settle_mode;
    uint32_t message_format;
    amqpc_bytes tag;
    uint64_t context;
    const amqpc_value *state;
} amqpc_send_options;

/* Sets the defaults: unsettled, by copy. struct_size: sizeof(amqpc_send_options) as the caller was
 * compiled. */
AMQPC_API void amqpc_send_options_init(amqpc_send_options *options, size_t struct_size);

/* Sends one delivery whole (AMQP 2.7.5), in as many frames as it takes.
 *
 * payload  copied, or borrowed with by_reference
 * options  borrowed until return; NULL for the defaults
 * number   may be NULL; receives the number that stands for the delivery in updates and calls
 *
 * Where the session's window, or the connection's SASL, does not let it go out yet, it waits within
 * the engine.
 *
 * Returns AMQPC_OK; AMQPC_NO_CREDIT; AMQPC_LIMIT_REACHED where too many deliveries are unsettled or
 * too much output waits; AMQPC_MESSAGE_TOO_LARGE for the peer's max-message-size;
 * AMQPC_INVALID_STATE where the link is no attached sender, or a streaming send is not finished;
 * AMQPC_INVALID_ARGUMENT; AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_link_send(amqpc_link *link, amqpc_bytes payload,
                                       const amqpc_send_options *options,
                                       uint64_t *number) AMQPC_CHECK;

/* Sends deliveries one after the other, as many as amqpc_link_send would take.
 *
 * payloads, count  one delivery each
 * options          of all; tag must be empty; of the delivery at index i the context is
 *                  options->context + i
 * sent             receives how many were sent
 * first_number     may be NULL; receives the number of the first. The others follow: the low 32
 *                  bits count up, and wrap.
 *
 * Returns AMQPC_OK where all were sent, otherwise what stopped it. */
AMQPC_API amqpc_status amqpc_link_send_batch(amqpc_link *link, const amqpc_bytes *payloads,
                                             size_t count, const amqpc_send_options *options,
                                             size_t *sent, uint64_t *first_number) AMQPC_CHECK;

/* Lends room in the output, so that a message can be encoded where it is sent from.
 *
 * size_max  bytes that will be written at most
 * data      receives the place, lent until amqpc_link_commit or any other call on the connection
 *
 * Returns as amqpc_link_send. options: as there, but by_reference must be false. */
AMQPC_API amqpc_status amqpc_link_reserve(amqpc_link *link, size_t size_max,
                                          const amqpc_send_options *options,
                                          void **data) AMQPC_CHECK;

/* Sends what was written to the place that amqpc_link_reserve lent.
 *
 * size     bytes written, up to size_max
 * options  the same as of amqpc_link_reserve
 *
 * Returns as amqpc_link_send; AMQPC_INVALID_STATE where no room is lent. */
AMQPC_API amqpc_status amqpc_link_commit(amqpc_link *link, size_t size,
                                         const amqpc_send_options *options,
                                         uint64_t *number) AMQPC_CHECK;

/* Begins a delivery that is sent in pieces. Other links go on meanwhile; this one sends nothing
 * else until it is finished or aborted. Parameters and statuses as amqpc_link_send. */
AMQPC_API amqpc_status amqpc_link_send_start(amqpc_link *link, const amqpc_send_options *options,
                                             uint64_t *number) AMQPC_CHECK;

/* Sends a piece. chunk: copied. Returns AMQPC_OK; AMQPC_LIMIT_REACHED (nothing was taken; later
 * again); AMQPC_INVALID_STATE; AMQPC_MESSAGE_TOO_LARGE; AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_link_send_chunk(amqpc_link *link, amqpc_bytes chunk) AMQPC_CHECK;

/* Ends the delivery that amqpc_link_send_start began. Returns AMQPC_OK, AMQPC_INVALID_STATE,
 * AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_link_send_finish(amqpc_link *link) AMQPC_CHECK;

/* Gives the delivery up (AMQP 2.7.5: aborted). It is settled; no update comes. Returns as
 * amqpc_link_send_finish. */
AMQPC_API amqpc_status amqpc_link_send_abort(amqpc_link *link) AMQPC_CHECK;

/* What the peer said of a delivery.
 *
 * number       of the delivery
 * context      of the delivery, as it was sent; 0 for one that was received
 * state_type   amqpc_composite_type of the state: AMQPC_COMPOSITE_ACCEPTED, ...;
 *              AMQPC_COMPOSITE_NONE where there is none; AMQPC_STATE_OTHER
 * settled      the delivery is done with: this is its last update, its number and what it borrowed
 *              are free
 * unknown      the peer may or may not have had it: the delivery was settled before its state was
 *              known, or could not be recovered (AMQP 2.6.13)
 * state        the state, encoded; of AMQPC_TYPE_NULL where there is none. Lives until the next
 *              call of amqpc_link_updates or amqpc_link_receive on this link, or the next input. */
typedef struct amqpc_update {
    uint64_t number;
    uint64_t context;
    uint32_t state_type;
    bool settled;
    bool unknown;
    amqpc_value state;
} amqpc_update;

/* Takes what the peer said of deliveries since the last call, in no certain order: of a sender the
 * outcomes; of a receiver that the sender has settled what it had not.
 *
 * updates, capacity  where to
 * count              receives how many; fewer than capacity where there are no more
 *
 * Returns AMQPC_OK. */
AMQPC_API amqpc_status amqpc_link_updates(amqpc_link *link, amqpc_update *updates, size_t capacity,
                                          size_t *count) AMQPC_CHECK;

/* --- Receiving. */

/* A delivery, or a piece of one, that was received: views that hold until amqpc_delivery_release,
 * whatever becomes of the delivery's settlement, its link or its connection.
 *
 * number          stands for the delivery in calls
 * delivery_id     of the session (AMQP 2.8.7)
 * message_format  of the payload: 0 is a message of AMQP 3.2
 * settled         the sender has forgotten it: there is nothing to settle
 * more            a piece, and others follow (amqpc_link_set_streaming)
 * aborted         the sender gave it up: no payload, nothing to settle (only while streaming)
 * resumed         payload goes on where the state received, which this end said of the delivery
 *                 before the link was suspended, ended (AMQP 2.6.13, 3.4.1)
 * rcv_settle_mode how this delivery is settled: AMQPC_RECEIVER_SETTLE_MODE_FIRST or _SECOND
 * tag             of the delivery, up to 32 bytes
 * payload         all of it, or the piece
 * state           the state at the sender, encoded: a transactional-state (AMQP 4.4.1), see
 *                 amqpc_delivery_transaction; size 0 for none; of pieces only the first has it
 * storage         the library's; NULL when it was released */
typedef struct amqpc_delivery {
    uint64_t number;
    uint32_t delivery_id;
    uint32_t message_format;
    bool settled;
    bool more;
    bool aborted;
    bool resumed;
    uint8_t rcv_settle_mode;
    amqpc_bytes tag;
    amqpc_bytes payload;
    amqpc_bytes state;
    void *storage;
} amqpc_delivery;

/* Takes deliveries that have arrived, in order.
 *
 * deliveries, capacity  where to; each is released by amqpc_delivery_release
 * count                 receives how many; fewer than capacity where there are no more
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE for a sender. Legal on a link that is detached since. */
AMQPC_API amqpc_status amqpc_link_receive(amqpc_link *link, amqpc_delivery *deliveries,
                                          size_t capacity, size_t *count) AMQPC_CHECK;

/* Lets the bytes of deliveries go; they need not be settled for that. By any thread, at any time,
 * once for each delivery. Its `storage` is set to NULL, so that releasing twice is harmless. */
AMQPC_API void amqpc_delivery_release(amqpc_delivery *delivery);
AMQPC_API void amqpc_deliveries_release(amqpc_delivery *deliveries, size_t count);

/* Copies the bytes of a delivery that is to be kept for long into memory of its own size, so that
 * the input it came by can be freed. By any thread. allocator: NULL for the C library's. Returns
 * AMQPC_OK; AMQPC_NO_MEMORY, with the delivery as it was. */
AMQPC_API amqpc_status amqpc_delivery_keep(amqpc_delivery *delivery,
                                           const amqpc_allocator *allocator) AMQPC_CHECK;

/* Receiver: takes deliveries piece by piece, as they arrive, instead of whole. Set it before the
 * first arrives. */
AMQPC_API amqpc_status amqpc_link_set_streaming(amqpc_link *link, bool streaming) AMQPC_CHECK;

/* --- Settling: by the receiver with an outcome, by the sender to confirm it. */

/* Tells the peer the state of all deliveries of the link from number `first` to `last`, in the
 * order in which they were sent, and settles them.
 *
 * first, last  numbers of one attachment of the link; those that are settled, or are not of this
 *              link, are passed over
 * state_type   AMQPC_COMPOSITE_ACCEPTED, AMQPC_COMPOSITE_RELEASED, or AMQPC_COMPOSITE_NONE for no
 *              state; the others have fields, see amqpc_link_update
 *
 * A receiver settles at once in receiver-settle-mode first, and in mode second says the state, and
 * settles when the sender has (AMQP 2.6.12): the update of the delivery tells. Dispositions go out
 * with the next output, merged into ranges. Legal while the link is suspended: the peer learns of
 * it when the link is attached again.
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND where none of them is unsettled; AMQPC_INVALID_ARGUMENT;
 * AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_link_settle(amqpc_link *link, uint64_t first, uint64_t last,
                                         uint32_t state_type) AMQPC_CHECK;

/* As amqpc_link_settle, with any state, settled or not.
 *
 * state    borrowed until return; a described value, such as amqpc_rejected_encode makes; NULL for
 *          none
 * settled  false: the state only */
AMQPC_API amqpc_status amqpc_link_update(amqpc_link *link, uint64_t first, uint64_t last,
                                         const amqpc_value *state, bool settled) AMQPC_CHECK;

/* As amqpc_link_settle with rejected, or modified (AMQP 3.4.3, 3.4.5). error: may be NULL. Both are
 * borrowed until return. */
AMQPC_API amqpc_status amqpc_link_reject(amqpc_link *link, uint64_t first, uint64_t last,
                                         const amqpc_error *error) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_link_modify(amqpc_link *link, uint64_t first, uint64_t last,
                                         const amqpc_modified *modified) AMQPC_CHECK;

/* How many deliveries of the link are unsettled at this end. */
AMQPC_API uint32_t amqpc_link_unsettled_count(const amqpc_link *link);

/* One unsettled delivery, for whoever goes over them (after amqpc_link_import, say).
 *
 * state_type, remote_state_type  what this end, and the peer, said last; AMQPC_COMPOSITE_NONE for
 *                                nothing
 * tag                            lives as long as this struct, at its place, and until the delivery
 *                                is settled
 * storage                        the library's: where a tag is that the engine made */
typedef struct amqpc_unsettled {
    uint64_t number;
    uint64_t context;
    uint32_t state_type;
    uint32_t remote_state_type;
    amqpc_bytes tag;
    uint8_t storage[8];
} amqpc_unsettled;

/* Gives the unsettled delivery after the one with number `after`, in the order of their numbers; 0
 * gives the first. Returns AMQPC_OK, AMQPC_NOT_FOUND at the end. */
AMQPC_API amqpc_status amqpc_link_next_unsettled(const amqpc_link *link, uint64_t after,
                                                 amqpc_unsettled *unsettled) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
