/* Controllers of a client: transactions (AMQP part 4).
 *
 *     amqpc_controller_new(client, NULL, &controller)
 *     amqpc_transaction_new(controller, &transaction)
 *     options.transaction = transaction;                           amqpc_post_options, sender.h
 *     amqpc_sender_send_with(sender, &message, &options, 5000, &outcome)
 *     amqpc_receiver_settle_in(receiver, first, last, transaction, AMQPC_COMPOSITE_ACCEPTED)
 *     amqpc_transaction_discharge(transaction, false, 5000)
 *     amqpc_transaction_free(transaction)
 *
 * What is posted in a transaction is there for others, and what is settled in it is settled, when
 * it is committed; nothing of it has happened when it is rolled back. An outcome of a posted
 * message says what it will be then.
 *
 * A transaction goes with its connection. When that is lost, or the peer ends the session or the
 * controller's link, the peer rolls back what it has not been told to commit: a transaction that is
 * not discharged ends with AMQPC_TRANSACTION_ROLLBACK, one that was to be committed, and of which
 * no answer has come, with AMQPC_DISCONNECTED, and nobody knows. Messages that were posted in it
 * and have no outcome complete as unknown, whatever the sender's guarantee, and are not sent again;
 * deliveries that were settled in it come again. The program does all of it again in another
 * transaction; the controller attaches itself again. A transaction that is not declared yet when
 * the connection is lost is declared by the next.
 *
 * The links of a client with more of them than a session has handles for are in several sessions,
 * over which not every peer lets a transaction go (AMQP 4.5.7: amqp:multi-ssns-per-txn). */
#ifndef AMQPCODEC_CONTROLLER_H
#define AMQPCODEC_CONTROLLER_H

#include <amqpcodec/client.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_controller amqpc_controller;

/* Options of a controller. Set the defaults by amqpc_controller_options_init. Everything is copied.
 *
 * struct_size   sizeof(amqpc_controller_options) of the caller
 * name          of the link; default: made up
 * capabilities  that the coordinator is to have (AMQP 4.5.7): symbols, separated by spaces, such as
 *               "amqp:local-transactions"; NULL for none */
typedef struct amqpc_controller_options {
    size_t struct_size;
    const char *name;
    const char *capabilities;
} amqpc_controller_options;

/* Sets the defaults. struct_size: sizeof(amqpc_controller_options) as the caller was compiled. */
AMQPC_API void amqpc_controller_options_init(amqpc_controller_options *options, size_t struct_size);

/* Makes a controller, and begins to attach its link to the peer's coordinator; never blocks. One is
 * enough for all transactions of a client, one after the other or at the same time, where the peer
 * can.
 *
 * options     borrowed until return; NULL for the defaults
 * controller  receives the controller, which amqpc_controller_free or the client frees
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT; AMQPC_INVALID_STATE after close;
 * AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_controller_new(amqpc_client *client,
                                            const amqpc_controller_options *options,
                                            amqpc_controller **controller) AMQPC_CHECK;

/* Waits until the link is attached. Every call waits for it by itself. Returns as
 * amqpc_sender_wait_open: AMQPC_LINK_REFUSED, mostly, of a peer that has no transactions. */
AMQPC_API amqpc_status amqpc_controller_wait_open(amqpc_controller *controller,
                                                  int64_t timeout_ms) AMQPC_CHECK;

/* Why the link has ended. Returns AMQPC_OK; AMQPC_NOT_FOUND where it has not. */
AMQPC_API amqpc_status amqpc_controller_get_error(amqpc_controller *controller,
                                                  amqpc_client_error *error) AMQPC_CHECK;

/* Closes the link, and waits for the peer's answer; transactions that are not discharged are rolled
 * back. Returns as amqpc_client_close. */
AMQPC_API amqpc_status amqpc_controller_close(amqpc_controller *controller,
                                              int64_t timeout_ms) AMQPC_CHECK;

/* Frees the controller with its transactions; its link is closed without waiting, and what is not
 * discharged is rolled back. NULL is ignored. */
AMQPC_API void amqpc_controller_free(amqpc_controller *controller);

/* --- Transactions. */

/* Makes a transaction, and begins to declare it (AMQP 4.2); never blocks.
 *
 * transaction  receives the transaction, which amqpc_transaction_free or its controller frees
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; where the controller's link has ended its status;
 * AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_transaction_new(amqpc_controller *controller,
                                             amqpc_transaction **transaction) AMQPC_CHECK;

/* Waits until the transaction is declared. A program that only posts in it need not: posting waits
 * by itself.
 *
 * Returns AMQPC_OK; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, AMQPC_FORKED, AMQPC_NO_MEMORY;
 * AMQPC_INVALID_STATE once amqpc_transaction_discharge was called; where the transaction has ended:
 * AMQPC_TRANSACTION_ROLLBACK, with the connection as well; AMQPC_PEER_ERROR and others where the
 * peer has refused it; the status of the controller's link where that has ended. */
AMQPC_API amqpc_status amqpc_transaction_wait_declared(amqpc_transaction *transaction,
                                                       int64_t timeout_ms) AMQPC_CHECK;

/* Ends the transaction (AMQP 4.3), and waits for the peer's answer. What was posted and settled in
 * it before is part of it, whether or not its outcome is known yet; afterwards nothing can be done
 * in it any more.
 *
 * fail  true rolls back; false commits
 *
 * Returns AMQPC_OK where it is done: of a roll-back also where the connection was lost meanwhile,
 * as that rolls back, too; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, AMQPC_NO_MEMORY: the peer may have
 * been told, and the call may be made again, with the same `fail`; AMQPC_INVALID_STATE where it was
 * called with the other; of what was to be committed AMQPC_TRANSACTION_ROLLBACK,
 * AMQPC_TRANSACTION_TIMEOUT, AMQPC_TRANSACTION_UNKNOWN_ID where the peer has rolled it back or
 * knows of none, and the first, too, where the connection was lost before;
 * AMQPC_DISCONNECTED where it was lost before the answer came, and nobody knows; AMQPC_PEER_ERROR
 * for another refusal; the status of the controller's link where that ended before the transaction
 * was declared; AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_transaction_discharge(amqpc_transaction *transaction, bool fail,
                                                   int64_t timeout_ms) AMQPC_CHECK;

/* The transaction-id that the peer has given it, for amqpc_transaction_state_init.
 *
 * txn_id  receives a view that lives as long as the transaction
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND before it is declared; AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_transaction_id(amqpc_transaction *transaction,
                                            amqpc_bytes *txn_id) AMQPC_CHECK;

/* Why the transaction has ended without being discharged, with the peer's condition and
 * description. Returns AMQPC_OK; AMQPC_NOT_FOUND where it goes on, or was discharged;
 * AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_transaction_get_error(amqpc_transaction *transaction,
                                                   amqpc_client_error *error) AMQPC_CHECK;

/* Frees the transaction; without waiting it is rolled back where it is not discharged. NULL is
 * ignored. */
AMQPC_API void amqpc_transaction_free(amqpc_transaction *transaction);

AMQPC_END_DECLS

#endif
