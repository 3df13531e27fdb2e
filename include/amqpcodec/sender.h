/* Senders of a client: links by which messages are sent to one address (AMQP 2.6). */
#ifndef AMQPCODEC_SENDER_H
#define AMQPCODEC_SENDER_H

#include <amqpcodec/client.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_sender amqpc_sender;

/* What is to become of messages whose outcome is not known when the connection is lost. */
typedef enum amqpc_guarantee {
    AMQPC_AT_LEAST_ONCE = 0,   /* unsettled; sent again, or resumed where the peer can */
    AMQPC_AT_MOST_ONCE = 1,    /* sent settled: no outcome but that it has been sent */
    AMQPC_ONCE_OR_UNKNOWN = 2, /* unsettled; resumed where the peer can, otherwise unknown */
    AMQPC_EXACTLY_ONCE = 3 /* unsettled, receiver-settle-mode second; resumed, otherwise unknown */
} amqpc_guarantee;

/* Options of a sender. Set the defaults by amqpc_sender_options_init. Everything is copied.
 *
 * struct_size    sizeof(amqpc_sender_options) of the caller
 * name           of the link; default: made up
 * guarantee      amqpc_guarantee; default AMQPC_AT_LEAST_ONCE
 * window         posted messages without an outcome, at most; more wait; default 1,000
 * source         NULL for none but its address, which is the link's name
 * target         NULL for one of the address. With `dynamic` the peer makes the node:
 *                amqpc_sender_address.
 * properties     of attach: NULL, or a map
 * capabilities   desired, of attach: symbols, separated by spaces; NULL for none */
typedef struct amqpc_sender_options {
    size_t struct_size;
    const char *name;
    const amqpc_source *source;
    const amqpc_target *target;
    const amqpc_value *properties;
    const char *capabilities;
    uint32_t guarantee;
    uint32_t window;
} amqpc_sender_options;

/* Sets the defaults. struct_size: sizeof(amqpc_sender_options) as the caller was compiled. */
AMQPC_API void amqpc_sender_options_init(amqpc_sender_options *options, size_t struct_size);

/* Makes a sender, and begins to attach it; never blocks.
 *
 * address  of the target; NULL for the anonymous relay, where each message's `to` says it, or for
 *          options->target
 * options  borrowed until return; NULL for the defaults
 * sender   receives the sender, which amqpc_sender_free or the client frees
 *
 * Of a client that has failed the sender is made, and has ended: its calls say why.
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT; AMQPC_INVALID_STATE after close;
 * AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_sender_new(amqpc_client *client, const char *address,
                                        const amqpc_sender_options *options,
                                        amqpc_sender **sender) AMQPC_CHECK;

/* Waits until the link is attached. Every call waits for it by itself.
 *
 * Returns AMQPC_OK; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, AMQPC_FORKED; AMQPC_LINK_REFUSED,
 * AMQPC_LINK_ENDED, or the status of amqpc_sender_get_error, where it has ended for good. */
AMQPC_API amqpc_status amqpc_sender_wait_open(amqpc_sender *sender, int64_t timeout_ms) AMQPC_CHECK;

/* What became of a message.
 *
 * state_type   AMQPC_COMPOSITE_ACCEPTED, AMQPC_COMPOSITE_REJECTED, ...; AMQPC_COMPOSITE_NONE where
 *              it was sent settled, or nobody knows; AMQPC_STATE_OTHER
 * unknown      the peer may or may not have had it
 * delivery_failed, undeliverable_here
 *              of modified (AMQP 3.4.5)
 * condition, description
 *              of rejected, ended by NUL, cut where too long; empty for none */
typedef struct amqpc_outcome {
    uint32_t state_type;
    bool unknown;
    bool delivery_failed;
    bool undeliverable_here;
    char condition[128];
    char description[256];
} amqpc_outcome;

/* Sends a message, and waits for its outcome.
 *
 * message  borrowed until return
 * outcome  may be NULL
 *
 * Returns AMQPC_OK with an outcome, whichever it is; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED: with
 * outcome->unknown false the message was not sent, with true it may have been, and its outcome is
 * dropped; AMQPC_MESSAGE_TOO_LARGE; AMQPC_INVALID_ARGUMENT for a message that cannot be encoded;
 * AMQPC_NO_MEMORY, AMQPC_FORKED; where the link or the client has ended its status. */
AMQPC_API amqpc_status amqpc_sender_send(amqpc_sender *sender, const amqpc_message *message,
                                         int64_t timeout_ms, amqpc_outcome *outcome) AMQPC_CHECK;

/* As amqpc_sender_send, of a message that is encoded. payload: borrowed until return. */
AMQPC_API amqpc_status amqpc_sender_send_bytes(amqpc_sender *sender, amqpc_bytes payload,
                                               int64_t timeout_ms,
                                               amqpc_outcome *outcome) AMQPC_CHECK;

/* Posts a message: it is sent, and its outcome comes by amqpc_sender_completions.
 *
 * message  copied
 * context  comes back with the completion
 *
 * Waits only for the link, its credit and the window. It may lie in memory until somebody waits, or
 * the thread in the background looks; amqpc_sender_flush sends it.
 *
 * Returns AMQPC_OK; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, with nothing posted; otherwise as
 * amqpc_sender_send. */
AMQPC_API amqpc_status amqpc_sender_post(amqpc_sender *sender, const amqpc_message *message,
                                         uint64_t context, int64_t timeout_ms) AMQPC_CHECK;

/* Posts messages that are encoded, as many as can be in time.
 *
 * payloads, count  copied
 * context          of the first; the others' count up
 * posted           receives how many
 *
 * Returns AMQPC_OK where all were posted; otherwise as amqpc_sender_post, for the next, and
 * AMQPC_LIMIT_REACHED where a million messages of the sender have no outcome that has been taken
 * in: call again after amqpc_sender_completions. */
AMQPC_API amqpc_status amqpc_sender_post_batch(amqpc_sender *sender, const amqpc_bytes *payloads,
                                               size_t count, uint64_t context, int64_t timeout_ms,
                                               size_t *posted) AMQPC_CHECK;

/* As amqpc_sender_post_batch, without a copy: each payload is borrowed until its completion. For
 * large ones. */
AMQPC_API amqpc_status amqpc_sender_post_borrowed(amqpc_sender *sender, const amqpc_bytes *payloads,
                                                  size_t count, uint64_t context,
                                                  int64_t timeout_ms, size_t *posted) AMQPC_CHECK;

/* How messages are posted, or sent, beyond the sender's options. Set the defaults by
 * amqpc_post_options_init. Everything is borrowed until return.
 *
 * struct_size     sizeof(amqpc_post_options) of the caller
 * by_reference    as amqpc_sender_post_borrowed; only of amqpc_sender_post_with
 * message_format  default 0: a message of AMQP 3.2
 * transaction     NULL, or one of the same client to post in (AMQP 4.4.1): it is waited for until
 * it is declared. The outcome is what it will be once the transaction is committed. tag
 * delivery-tag, 1 to 32 bytes, of one message, unique among those of the link without an outcome;
 * empty: one is made */
typedef struct amqpc_post_options {
    size_t struct_size;
    bool by_reference;
    uint32_t message_format;
    amqpc_transaction *transaction;
    amqpc_bytes tag;
} amqpc_post_options;

/* Sets the defaults. struct_size: sizeof(amqpc_post_options) as the caller was compiled. */
AMQPC_API void amqpc_post_options_init(amqpc_post_options *options, size_t struct_size);

/* As amqpc_sender_post_batch, with options. options: NULL for the defaults.
 *
 * Returns as amqpc_sender_post_batch; AMQPC_INVALID_ARGUMENT for options that are not valid, such
 * as a tag for several messages, or a transaction of another client; where the transaction has
 * ended as amqpc_transaction_wait_declared. */
AMQPC_API amqpc_status amqpc_sender_post_with(amqpc_sender *sender, const amqpc_bytes *payloads,
                                              size_t count, const amqpc_post_options *options,
                                              uint64_t context, int64_t timeout_ms,
                                              size_t *posted) AMQPC_CHECK;

/* As amqpc_sender_send and amqpc_sender_send_bytes, with options. Statuses are those, and as of
 * amqpc_sender_post_with. */
AMQPC_API amqpc_status amqpc_sender_send_with(amqpc_sender *sender, const amqpc_message *message,
                                              const amqpc_post_options *options, int64_t timeout_ms,
                                              amqpc_outcome *outcome) AMQPC_CHECK;
AMQPC_API amqpc_status amqpc_sender_send_bytes_with(amqpc_sender *sender, amqpc_bytes payload,
                                                    const amqpc_post_options *options,
                                                    int64_t timeout_ms,
                                                    amqpc_outcome *outcome) AMQPC_CHECK;

/* The outcome of one posted message.
 *
 * context     as it was posted
 * state_type, unknown  as in amqpc_outcome
 * state       the state, encoded, size 0 for none: amqpc_outcome_read. Lives until the next call of
 *             amqpc_sender_completions on this sender. */
typedef struct amqpc_completion {
    uint64_t context;
    uint32_t state_type;
    bool unknown;
    amqpc_bytes state;
} amqpc_completion;

/* Takes outcomes of posted messages, in no certain order; each message has exactly one. They lie in
 * memory until they are taken, those of messages that were sent settled, too.
 *
 * completions, capacity  where to; a capacity of 0 waits for the first, and takes none
 * timeout_ms             how long to wait for the first
 * count                  receives how many
 *
 * Returns AMQPC_OK with one or more; AMQPC_TIMED_OUT with none yet; AMQPC_NOT_FOUND where nothing
 * posted is without an outcome; AMQPC_INTERRUPTED, AMQPC_FORKED. When the link or the client ends,
 * what is left completes as unknown. */
AMQPC_API amqpc_status amqpc_sender_completions(amqpc_sender *sender, amqpc_completion *completions,
                                                size_t capacity, int64_t timeout_ms,
                                                size_t *count) AMQPC_CHECK;

/* Reads a completion into an outcome. */
AMQPC_API void amqpc_outcome_read(const amqpc_completion *completion, amqpc_outcome *outcome);

/* Sends what was posted, and waits until all of it has an outcome, which the caller may take then.
 * Returns as amqpc_sender_wait_open. */
AMQPC_API amqpc_status amqpc_sender_flush(amqpc_sender *sender, int64_t timeout_ms) AMQPC_CHECK;

/* How many messages could be posted now without waiting. */
AMQPC_API uint32_t amqpc_sender_credit(amqpc_sender *sender);

/* The address of the target, as the peer says it: that of a dynamic node; ended by NUL. Returns
 * AMQPC_OK; AMQPC_NOT_FOUND before the link is attached, or where there is none; AMQPC_BUFFER_FULL.
 */
AMQPC_API amqpc_status amqpc_sender_address(amqpc_sender *sender, char *data,
                                            size_t capacity) AMQPC_CHECK;

/* Why the link has ended. Returns AMQPC_OK; AMQPC_NOT_FOUND where it has not. */
AMQPC_API amqpc_status amqpc_sender_get_error(amqpc_sender *sender,
                                              amqpc_client_error *error) AMQPC_CHECK;

/* Closes the link, and waits for the peer's answer; what has no outcome then completes as unknown.
 * Where the connection is lost the link is closed all the same; but if its target was asked to live
 * on (the expiry policy "never", or a time-out: AMQP 3.5.4), the peer is told by the next
 * connection, which is waited for. Returns as amqpc_client_close. */
AMQPC_API amqpc_status amqpc_sender_close(amqpc_sender *sender, int64_t timeout_ms) AMQPC_CHECK;

/* Detaches the link without closing it (AMQP 2.6.4): what the target was asked to keep (its expiry
 * policy and time-out, AMQP 3.5.4) is there for another sender of the same name and container-id.
 * What has no outcome completes as unknown. Otherwise as amqpc_sender_close. */
AMQPC_API amqpc_status amqpc_sender_detach(amqpc_sender *sender, int64_t timeout_ms) AMQPC_CHECK;

/* Frees the sender; its link is closed without waiting, where there is a connection to do it by.
 * NULL is ignored. */
AMQPC_API void amqpc_sender_free(amqpc_sender *sender);

AMQPC_END_DECLS

#endif
