/* Transactions (AMQP part 4), as thin functions over links and deliveries.
 *
 * A controller attaches a link to a coordinator, declares a transaction, and does work in it:
 * deliveries sent with a transactional-state (posting), outcomes within one (retirement), flows
 * that name the transaction (acquisition). Then it discharges the transaction. The resource is the
 * other end: the engine reads and writes what the two say, and the application keeps the
 * transactions. It rolls back those that are not discharged when the coordinator's link is closed
 * (AMQP 4.1: AMQPC_EVENT_LINK_DETACH), or its session or connection ends. Before it does what a
 * discharge says it takes what has come by the other links: see amqpc_link_transaction_request.
 *
 * A transaction-id is binary, of any size, chosen by the resource. */
#ifndef AMQPCODEC_TRANSACTION_H
#define AMQPCODEC_TRANSACTION_H

#include <amqpcodec/delivery.h>

AMQPC_BEGIN_DECLS

/* --- Both ends. */

/* Attaches a link of which one end is a coordinator (AMQP 4.5.1): amqpc_link_attach with that
 * target.
 *
 * link         of a controller a sender; of a resource the receiver whose attach is answered
 * attach       borrowed until return; NULL for the defaults; its target is not looked at. A
 *              controller's source, where it has none, is one that takes the outcomes accepted and
 *              rejected, so that what goes wrong comes as an outcome (AMQP 4.2)
 * coordinator  borrowed until return: of a controller the capabilities that it wants, of a resource
 *              those that there are, such as amqp:local-transactions (AMQP 4.5.7); NULL for none
 *
 * Returns as amqpc_link_attach. */
AMQPC_API amqpc_status amqpc_link_attach_coordinator(
    amqpc_link *link, const amqpc_attach *attach, const amqpc_coordinator *coordinator) AMQPC_CHECK;

/* The target of the peer's attach, where it is a coordinator. Returns AMQPC_OK; AMQPC_NOT_FOUND
 * where it is none, or attach did not arrive yet; a status of the composite range for one that is
 * malformed. The views live until the peer's next attach, or the link is freed. */
AMQPC_API amqpc_status amqpc_link_remote_coordinator(const amqpc_link *link,
                                                     amqpc_coordinator *coordinator) AMQPC_CHECK;

/* A transactional-state (AMQP 4.5.6) that amqpc_send_options.state and amqpc_link_update take:
 * `value`. It points into itself: do not copy it. The other members are the library's. */
typedef struct amqpc_transaction_state {
    amqpc_value value;
    amqpc_value parts[2];
    amqpc_value fields[2];
    amqpc_value outcome_parts[2];
} amqpc_transaction_state;

/* Makes a transactional-state.
 *
 * state         written whole
 * txn_id        borrowed as long as the state is used
 * outcome_type  AMQPC_COMPOSITE_NONE to post; to retire AMQPC_COMPOSITE_ACCEPTED,
 *               AMQPC_COMPOSITE_RELEASED, AMQPC_COMPOSITE_REJECTED or AMQPC_COMPOSITE_MODIFIED,
 *               without fields
 *
 * Example, posting:
 *
 *     amqpc_transaction_state state;
 *     amqpc_transaction_state_init(&state, txn_id, AMQPC_COMPOSITE_NONE);
 *     options.state = &state.value;
 *     status = amqpc_link_send(link, payload, &options, &number);
 *
 * and retiring what was received:
 *
 *     amqpc_transaction_state_init(&state, txn_id, AMQPC_COMPOSITE_ACCEPTED);
 *     status = amqpc_link_update(link, number, number, &state.value, true); */
AMQPC_API void amqpc_transaction_state_init(amqpc_transaction_state *state, amqpc_bytes txn_id,
                                            uint32_t outcome_type);

/* As amqpc_transaction_state_init, with an outcome that has fields. outcome: its bytes or items are
 * borrowed as long as the state is used; a described value, such as amqpc_rejected_encode makes. */
AMQPC_API void amqpc_transaction_state_init_outcome(amqpc_transaction_state *state,
                                                    amqpc_bytes txn_id, const amqpc_value *outcome);

/* The transaction that a delivery belongs to: it was posted in it, or, at the controller, acquired
 * in it.
 *
 * delivery  borrowed; the views live as long as its bytes
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND where its state is none, or no transactional-state; a status of
 * the composite range for one that is malformed. */
AMQPC_API amqpc_status amqpc_delivery_transaction(const amqpc_delivery *delivery,
                                                  amqpc_transactional_state *state) AMQPC_CHECK;

/* The transactional-state that an update brought: at the resource a retirement, with its outcome;
 * at the controller the outcome that a posting will have. update: borrowed; the views live as long
 * as its state. Returns as amqpc_delivery_transaction. */
AMQPC_API amqpc_status amqpc_update_transaction(const amqpc_update *update,
                                                amqpc_transactional_state *state) AMQPC_CHECK;

/* --- The controller. */

/* Begins a transaction (AMQP 4.2). An update of the delivery brings the answer: see
 * amqpc_update_declared.
 *
 * link     an attached sender to a coordinator, with credit
 * declare  borrowed until return; NULL for a local transaction. A global-id only where the
 *          coordinator is of distributed transactions (AMQP 4.5.2)
 * options  borrowed until return; NULL for the defaults; settled and by_reference must be false
 * number   may be NULL; receives the delivery's number
 *
 * Returns as amqpc_link_send. */
AMQPC_API amqpc_status amqpc_link_declare(amqpc_link *link, const amqpc_declare *declare,
                                          const amqpc_send_options *options,
                                          uint64_t *number) AMQPC_CHECK;

/* Ends a transaction (AMQP 4.3). An update of the delivery tells how: see amqpc_update_discharged.
 *
 * txn_id  borrowed until return
 * fail    true rolls back; false commits
 *
 * The other parameters, and what is returned, are as of amqpc_link_declare. */
AMQPC_API amqpc_status amqpc_link_discharge(amqpc_link *link, amqpc_bytes txn_id, bool fail,
                                            const amqpc_send_options *options,
                                            uint64_t *number) AMQPC_CHECK;

/* What became of a declare.
 *
 * update  borrowed; of the delivery that amqpc_link_declare sent
 * txn_id  receives the transaction; it lives as long as the update's state: copy it
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND where the update has no outcome yet;
 * AMQPC_TRANSACTION_UNKNOWN_ID, AMQPC_TRANSACTION_ROLLBACK or AMQPC_TRANSACTION_TIMEOUT, where it
 * was rejected for that; AMQPC_PEER_ERROR where it was rejected for something else
 * (amqpc_rejected_from_value on its state), or has an outcome that answers no declare; a status of
 * the composite range for a state that is malformed. */
AMQPC_API amqpc_status amqpc_update_declared(const amqpc_update *update,
                                             amqpc_bytes *txn_id) AMQPC_CHECK;

/* What became of a discharge: AMQPC_OK where it was done. Otherwise as amqpc_update_declared. */
AMQPC_API amqpc_status amqpc_update_discharged(const amqpc_update *update) AMQPC_CHECK;

/* Has the messages that come by the link from now on acquired in a transaction (AMQP 4.4.3): sends
 * flow with the property txn-id. It holds until the transaction is discharged: let the link have no
 * credit then, or messages are acquired outside of any.
 *
 * link    an attached receiver
 * txn_id  borrowed until return; of size 0: none, and the property is null
 *
 * Returns as amqpc_link_send_flow; AMQPC_INVALID_STATE for a sender. */
AMQPC_API amqpc_status amqpc_link_acquire_in(amqpc_link *link, amqpc_bytes txn_id) AMQPC_CHECK;

/* --- The resource. */

/* What a controller asks of a coordinator.
 *
 * type  AMQPC_COMPOSITE_DECLARE or AMQPC_COMPOSITE_DISCHARGE: which member of `as` holds */
typedef struct amqpc_transaction_request {
    uint32_t type;
    uint32_t reserved;
    union {
        amqpc_declare declare;
        amqpc_discharge discharge;
    } as;
} amqpc_transaction_request;

/* Reads what came by a coordinator's link: a message whose body is one amqp-value with a declare or
 * a discharge (AMQP 4.2, 4.3); its other sections are not looked into.
 *
 * A discharge is about all that the controller sent in the transaction before it, by whichever
 * link, and the coordinator's event may come before theirs. So before it acts on a discharge, the
 * resource takes what has come by the other links of the connection (amqpc_connection_next_session,
 * amqpc_session_next_link): by amqpc_link_receive what was posted, by amqpc_link_updates what was
 * settled. What it takes later belongs to a transaction that is over.
 *
 * link      the receiver
 * delivery  borrowed; a whole one; the views live as long as its bytes
 * request   written on success
 *
 * Returns AMQPC_OK; AMQPC_INVALID_ARGUMENT for a piece, or an aborted delivery; for what the peer
 * has wrong, which amqpc_link_refuse_request answers: a status of the encoding, composite or
 * message range, AMQPC_MISSING_FIELD where there is no amqp-value, AMQPC_INVALID_FIELD for another
 * message-format, or a declare that was sent settled. */
AMQPC_API amqpc_status
amqpc_link_transaction_request(const amqpc_link *link, const amqpc_delivery *delivery,
                               amqpc_transaction_request *request) AMQPC_CHECK;

/* Answers a declare: settles it with declared (AMQP 4.5.5). A discharge is answered by
 * amqpc_link_settle with AMQPC_COMPOSITE_ACCEPTED.
 *
 * txn_id  borrowed until return
 *
 * Returns as amqpc_link_update. */
AMQPC_API amqpc_status amqpc_link_declared(amqpc_link *link, uint64_t number,
                                           amqpc_bytes txn_id) AMQPC_CHECK;

/* Refuses a declare or a discharge, as AMQP 4.2 and 4.3 have it: rejects it with the status's
 * condition where the peer's source takes the outcome rejected and the delivery is unsettled;
 * otherwise closes the link with it.
 *
 * status  what amqpc_link_transaction_request returned, AMQPC_TRANSACTION_UNKNOWN_ID,
 *         AMQPC_TRANSACTION_ROLLBACK or AMQPC_TRANSACTION_TIMEOUT; one that has no condition is
 *         told as amqp:internal-error
 *
 * Returns AMQPC_OK; AMQPC_INVALID_ARGUMENT for AMQPC_OK; otherwise as amqpc_link_reject or
 * amqpc_link_detach. */
AMQPC_API amqpc_status amqpc_link_refuse_request(amqpc_link *link, uint64_t number,
                                                 amqpc_status status) AMQPC_CHECK;

/* The transaction that the peer, a receiver, wants messages of the link acquired in (AMQP 4.4.3):
 * the property txn-id of its last flow with properties. One that is discharged counts as none. What
 * is sent in it carries the transaction as its state (amqpc_transaction_state_init without
 * outcome).
 *
 * txn_id  receives the transaction; it lives until the peer's next flow with properties
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND where there is none, or null; AMQPC_WRONG_TYPE for what is not
 * binary. */
AMQPC_API amqpc_status amqpc_link_remote_transaction(const amqpc_link *link,
                                                     amqpc_bytes *txn_id) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
