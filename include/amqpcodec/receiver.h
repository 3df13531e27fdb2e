/* Receivers of a client: links by which messages come from one address (AMQP 2.6). */
#ifndef AMQPCODEC_RECEIVER_H
#define AMQPCODEC_RECEIVER_H

#include <amqpcodec/client.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_receiver amqpc_receiver;

/* Options of a receiver. Set the defaults by amqpc_receiver_options_init. Everything is copied.
 *
 * struct_size         sizeof(amqpc_receiver_options) of the caller
 * name                of the link; default: made up
 * prefetch            credit that is kept topped up; 0: by hand, amqpc_receiver_add_credit; default
 *                     100
 * settled             ask the sender to send settled (at most once); default false
 * second              receiver-settle-mode second (exactly once, AMQP 2.6.12); default false
 * message_size        largest message; default 1 MiB; 0 for no limit
 * source              NULL for one of the address. Filters, distribution mode and the rest of it
 *                     stand here. With `dynamic` the peer makes the node:
 *                     amqpc_receiver_address.
 * target              NULL for none but its address, which is the link's name
 * selector            a selector of the filter apache.org:selector-filter:string, added to the
 *                     source's; NULL for none
 * properties          of attach: NULL, or a map
 * capabilities        desired, of attach: symbols, separated by spaces; NULL for none */
typedef struct amqpc_receiver_options {
    size_t struct_size;
    const char *name;
    const amqpc_source *source;
    const amqpc_target *target;
    const char *selector;
    const amqpc_value *properties;
    const char *capabilities;
    uint64_t message_size;
    uint32_t prefetch;
    bool settled;
    bool second;
} amqpc_receiver_options;

/* Sets the defaults. struct_size: sizeof(amqpc_receiver_options) as the caller was compiled. */
AMQPC_API void amqpc_receiver_options_init(amqpc_receiver_options *options, size_t struct_size);

/* Makes a receiver, and begins to attach it; never blocks.
 *
 * address   of the source; NULL for options->source
 * options   borrowed until return; NULL for the defaults
 * receiver  receives the receiver, which amqpc_receiver_free or the client frees
 *
 * Of a client that has failed the receiver is made, and has ended: its calls say why.
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT; AMQPC_INVALID_STATE after close;
 * AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_receiver_new(amqpc_client *client, const char *address,
                                          const amqpc_receiver_options *options,
                                          amqpc_receiver **receiver) AMQPC_CHECK;

/* Waits until the link is attached. Returns as amqpc_sender_wait_open. */
AMQPC_API amqpc_status amqpc_receiver_wait_open(amqpc_receiver *receiver,
                                                int64_t timeout_ms) AMQPC_CHECK;

/* Receives messages, in order; each whole.
 *
 * deliveries, capacity  where to; each is released by amqpc_delivery_release, and settled by
 *                       amqpc_receiver_settle or one of its like where it is not `settled`
 * timeout_ms            how long to wait for the first
 * count                 receives how many: all that are there, up to capacity. A capacity of 0
 * waits for the first, and takes none
 *
 * The payload is decoded by amqpc_message_decode. A delivery lives until it is released, whatever
 * becomes of link and client.
 *
 * Returns AMQPC_OK with one or more; AMQPC_TIMED_OUT with none; AMQPC_INTERRUPTED, AMQPC_FORKED;
 * where the link or the client has ended its status, once all is taken. */
AMQPC_API amqpc_status amqpc_receiver_receive(amqpc_receiver *receiver, amqpc_delivery *deliveries,
                                              size_t capacity, int64_t timeout_ms,
                                              size_t *count) AMQPC_CHECK;

/* Settles the deliveries from number `first` to `last` with accepted, released, or without a state
 * (amqpc_link_settle). The peer learns of it with the next output.
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND where none of them is unsettled any more, as after a
 * reconnection to a peer that forgot them, which sends them again; AMQPC_INVALID_ARGUMENT,
 * AMQPC_NO_MEMORY, AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_receiver_settle(amqpc_receiver *receiver, uint64_t first,
                                             uint64_t last, uint32_t state_type) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_receiver_accept(amqpc_receiver *receiver,
                                             const amqpc_delivery *delivery) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_receiver_release(amqpc_receiver *receiver,
                                              const amqpc_delivery *delivery) AMQPC_CHECK;

/* With rejected (AMQP 3.4.3). error: borrowed until return; may be NULL. */
AMQPC_API amqpc_status amqpc_receiver_reject(amqpc_receiver *receiver, uint64_t first,
                                             uint64_t last, const amqpc_error *error) AMQPC_CHECK;

/* With modified (AMQP 3.4.5). modified: borrowed until return. */
AMQPC_API amqpc_status amqpc_receiver_modify(amqpc_receiver *receiver, uint64_t first,
                                             uint64_t last,
                                             const amqpc_modified *modified) AMQPC_CHECK;

/* With any state, settled or not (amqpc_link_update). */
AMQPC_API amqpc_status amqpc_receiver_update(amqpc_receiver *receiver, uint64_t first,
                                             uint64_t last, const amqpc_value *state,
                                             bool settled) AMQPC_CHECK;

/* Settles deliveries in a transaction (AMQP 4.4.2): they are when it is committed; when it is
 * rolled back they come again. As amqpc_receiver_settle and amqpc_receiver_update.
 *
 * transaction  of the same client, and declared
 * state_type   AMQPC_COMPOSITE_ACCEPTED, AMQPC_COMPOSITE_RELEASED, AMQPC_COMPOSITE_REJECTED or
 *              AMQPC_COMPOSITE_MODIFIED, without fields
 * outcome      borrowed until return; a described value, such as amqpc_rejected_encode makes
 *
 * Returns as amqpc_receiver_settle; AMQPC_INVALID_STATE where the transaction is not declared yet;
 * where it has ended as amqpc_transaction_wait_declared. */
AMQPC_API amqpc_status amqpc_receiver_settle_in(amqpc_receiver *receiver, uint64_t first,
                                                uint64_t last, amqpc_transaction *transaction,
                                                uint32_t state_type) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_receiver_update_in(amqpc_receiver *receiver, uint64_t first,
                                                uint64_t last, amqpc_transaction *transaction,
                                                const amqpc_value *outcome) AMQPC_CHECK;

/* Lets `count` more messages come. Returns AMQPC_OK; AMQPC_INVALID_ARGUMENT, AMQPC_FORKED; where
 * the link has ended its status. */
AMQPC_API amqpc_status amqpc_receiver_add_credit(amqpc_receiver *receiver,
                                                 uint32_t count) AMQPC_CHECK;

/* Changes the credit that is kept topped up; 0 ends it. Returns as amqpc_receiver_add_credit. */
AMQPC_API amqpc_status amqpc_receiver_set_prefetch(amqpc_receiver *receiver,
                                                   uint32_t count) AMQPC_CHECK;

/* Asks the sender to use its credit up or give it back, and waits until it has (AMQP 2.6.7); what
 * came is received as ever. Ends the prefetch. Returns AMQPC_OK; AMQPC_TIMED_OUT, as with peers
 * that never answer, where another call goes on waiting; otherwise as amqpc_receiver_receive. */
AMQPC_API amqpc_status amqpc_receiver_drain(amqpc_receiver *receiver,
                                            int64_t timeout_ms) AMQPC_CHECK;

/* The address of the source, as the peer says it; as amqpc_sender_address. */
AMQPC_API amqpc_status amqpc_receiver_address(amqpc_receiver *receiver, char *data,
                                              size_t capacity) AMQPC_CHECK;

/* Why the link has ended. Returns AMQPC_OK; AMQPC_NOT_FOUND where it has not. */
AMQPC_API amqpc_status amqpc_receiver_get_error(amqpc_receiver *receiver,
                                                amqpc_client_error *error) AMQPC_CHECK;

/* Closes the link, and waits for the peer's answer. Where the connection is lost the link is closed
 * all the same; but if its source was asked to live on (the expiry policy "never", as that of
 * durable subscriptions, or a time-out: AMQP 3.5.3), the peer is told by the next connection, which
 * is waited for. Returns as amqpc_client_close. */
AMQPC_API amqpc_status amqpc_receiver_close(amqpc_receiver *receiver,
                                            int64_t timeout_ms) AMQPC_CHECK;

/* Detaches the link without closing it (AMQP 2.6.4): a durable subscription, and whatever else the
 * source was asked to keep (its expiry policy and time-out, AMQP 3.5.3), goes on, for another
 * receiver of the same name and container-id. Returns as amqpc_client_close. */
AMQPC_API amqpc_status amqpc_receiver_detach(amqpc_receiver *receiver,
                                             int64_t timeout_ms) AMQPC_CHECK;

/* Frees the receiver; its link is closed without waiting, where there is a connection to do it by.
 * NULL is ignored. */
AMQPC_API void amqpc_receiver_free(amqpc_receiver *receiver);

AMQPC_END_DECLS

#endif
