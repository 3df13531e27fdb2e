/* What Python calls of the binding's own C, beside the public headers.
 *
 * cffi parses this file: integer constants, enums, structs and functions, and nothing else. A
 * function whose name begins with crossing_wait_ may wait, and is called without the GIL; every
 * other one is called with the GIL, and never waits. None of them uses Python's C API. Each part of
 * the binding has a block. */
#ifndef AMQPCODEC_CROSSING_H
#define AMQPCODEC_CROSSING_H

#include <amqpcodec/amqpcodec.h>

/* --- module.c: the module itself. */

/* The version of this file's functions, which _crossing.py compares with its own: a module left
 * over from another build is refused at import, and not when a call goes wrong. */
#define CROSSING_VERSION 1

int crossing_version(void);

/* --- output.c, value_to_marshal.c, message_to_marshal.c, batch_to_marshal.c: from AMQP to the
 * format of Python's marshal. What stands for what is told at the head of marshal_write.h. */

/* Where marshal's bytes are put; it grows, and is used again and again. */
typedef struct crossing_output crossing_output;

/* How to decode. TYPED: integers and floats keep their AMQP type. LAZY: sections of messages other
 * than a body of one data section stay encoded. VIEWS: large bodies are not copied at all. */
#define CROSSING_TYPED 1
#define CROSSING_LAZY  2
#define CROSSING_VIEWS 4

/* What Python has to know of what it reads. MARKS: marks are among the values. MOVED: the output's
 * memory is elsewhere since crossing_output_data was last called. VIEWED: a body is left where it
 * is, see crossing_output_view. ENCODED: with LAZY, a body is encoded, for it is not one data
 * section. */
#define CROSSING_MARKS   1
#define CROSSING_VIEWED  2
#define CROSSING_MOVED   4
#define CROSSING_ENCODED 8

/* Tuples of messages have the fields that a set of bits names: bit 1 durable to bit 26 settled, as
 * message_to_marshal.c tells; flags, field 0, are always there. */
#define CROSSING_FLAG_BITS 4

/* NULL where there is no memory. */
crossing_output *crossing_output_new(void);
void crossing_output_free(crossing_output *output);

/* The memory of the output, up to its capacity: it holds what the last call put there, and rubbish
 * behind it, which marshal ignores. The address is good until a call reports CROSSING_MOVED. */
const void *crossing_output_data(crossing_output *output);
size_t crossing_output_capacity(const crossing_output *output);
size_t crossing_output_size(const crossing_output *output);

/* Where decoding failed: bytes from the start of the value or message. */
size_t crossing_output_fault(const crossing_output *output);

/* Decodes the value at data; what stands behind it is no error.
 *
 * used  may be NULL; receives the value's size
 *
 * Returns flags, or the negative of a status. */
int crossing_decode_value(crossing_output *output, const void *data, size_t size, unsigned mode,
                          size_t *used);

/* Decodes a message, which is all of data. Returns flags, and above CROSSING_FLAG_BITS the set of
 * fields; or the negative of a status. */
int crossing_decode_message(crossing_output *output, const void *data, size_t size, unsigned mode);

/* One call for many messages.
 *
 * mode           CROSSING_ bits
 * messages_max   how many messages at most; 0 means 1
 * size_max       a message that would bring the batch's bytes above this waits for the next one;
 *                there is always one
 * view_size_min  bodies of one data section are left where they are from this size on: in their
 *                place is a number, not negative with CROSSING_VIEWS; otherwise, by all bits the
 *                inverse, it says that the body is to be copied, once instead of twice. 0: none are
 * fields         set of the fields of all tuples of a batch. A message that has others ends the
 * batch before it, and the next one has them, too: a receiver's set is soon that of all its
 * messages.
 *
 * flags          CROSSING_ bits, and above CROSSING_FLAG_BITS the set of fields
 * status         AMQPC_OK; otherwise that of the message that does not decode, which is alone: the
 *                output holds the tuple (fault's offset, payload, number, delivery tag, settled).
 *                AMQPC_NO_MEMORY: nothing was taken, and the call may be made again
 * count          messages in the output's list, those that were taken from the input; 1 of a
 *                failure */
typedef struct crossing_batch {
    uint32_t mode;
    uint32_t messages_max;
    uint32_t size_max;
    uint32_t view_size_min;
    uint32_t fields;
    uint32_t flags;
    int32_t status;
    uint32_t count;
} crossing_batch;

/* Makes a list of messages of deliveries, from the first one on. It does not release them, but
 * takes over those that CROSSING_VIEWED speaks of. Returns batch->count. */
uint32_t crossing_decode_deliveries(crossing_output *output, amqpc_delivery *deliveries,
                                    size_t count, crossing_batch *batch);

/* Makes a list of messages that stand one behind the other, from the one at the index `first` on.
 *
 * data, size    all of them
 * sizes, count  of each its size, of 32 bits in the machine's order
 *
 * Returns batch->count; 0, with AMQPC_INVALID_ARGUMENT, where the sizes do not fit. */
uint32_t crossing_decode_joined(crossing_output *output, const void *data, size_t size,
                                const void *sizes, uint32_t count, uint32_t first,
                                crossing_batch *batch);

/* The same of messages that are a list of bytes as marshal writes it, in its version 2.
 *
 * offset  where to begin: 0 for the first one, and for others what was returned before
 *
 * Returns the offset behind the last one that was decoded; 0, with AMQPC_INVALID_ARGUMENT, where
 * the data is something else. */
size_t crossing_decode_dumped(crossing_output *output, const void *data, size_t size, size_t offset,
                              crossing_batch *batch);

/* A delivery's bytes that live as long as somebody looks at them. */
typedef struct crossing_view crossing_view;

/* Takes the view that a message's body stands for by its index; NULL where it was taken. What is
 * not taken is freed with the next batch. */
crossing_view *crossing_output_view(crossing_output *output, uint32_t index);
const void *crossing_view_data(const crossing_view *view);
size_t crossing_view_size(const crossing_view *view);
void crossing_view_free(crossing_view *view);

/* --- encoder.c, message_fill.c, marshal_read.c, encoder_run.c: from Python's objects to AMQP. */

/* Results up to this size lie in memory that never moves, at `data` of an encoder that has just
 * been made. */
#define CROSSING_WINDOW 131072

/* Bits of the flags of a message that is encoded: the kind of its body (amqpc_body_kind), or that
 * its type decides: bytes are data, all else is a value; that the body is a list of several
 * sections; that it is the number of one that was lent. */
#define CROSSING_BODY_SHIFT    4
#define CROSSING_BODY_MASK     3
#define CROSSING_BODY_SEVERAL  0x40
#define CROSSING_BODY_BY_TYPE  0x100
#define CROSSING_BODY_BORROWED 0x200

/* Added to a result: a binary lies within a list or a map, and marshal makes one of whatever has
 * the buffer protocol. */
#define CROSSING_HAS_BINARY 0x4000000000000000

struct crossing_encoder_parts;

/* Encodes; all that it gives lives until the next call.
 *
 * data, size       what was encoded
 * payloads, count  of messages: each one's part of it; for amqpc_sender_post_batch
 * ends             where each payload ends, counted from data
 * field            after a failure: the index in the flat list of the message that `count` tells;
 * -1 where it is not known */
typedef struct crossing_encoder {
    const char *data;
    size_t size;
    const amqpc_bytes *payloads;
    const size_t *ends;
    uint32_t count;
    int32_t field;
    struct crossing_encoder_parts *parts;
} crossing_encoder;

/* NULL where there is no memory. */
crossing_encoder *crossing_encoder_new(void);

void crossing_encoder_free(crossing_encoder *encoder);

/* Lends bodies of messages, which then need not go through marshal: CROSSING_BODY_BORROWED. They
 * are borrowed until others, or none, are lent. */
void crossing_encoder_lend(crossing_encoder *encoder, const amqpc_bytes *bodies, size_t count);

/* Encodes the object whose marshal bytes (versions 2 to 4) are given: one value; one message, a
 * list of 24 fields; a list of messages.
 *
 * marks  tuples are marks of AMQP's own types (_to_marks.py); otherwise they are lists, as Python's
 * tuples are
 *
 * Returns a size, or a count of messages; -1 - status on failure: what the library's writer
 * returns, or AMQPC_INVALID_ARGUMENT for what AMQP cannot hold and for bytes that marshal does not
 * write. */
int64_t crossing_encode_value(crossing_encoder *encoder, const char *marshalled, size_t size,
                              bool marks);
int64_t crossing_encode_message(crossing_encoder *encoder, const char *marshalled, size_t size,
                                bool marks);
int64_t crossing_encode_messages(crossing_encoder *encoder, const char *marshalled, size_t size,
                                 bool marks);
/* --- client.c, wait.c: clients, and waiting. */

/* A client that lives as long as anything of it is used. */
typedef struct crossing_client crossing_client;

/* As amqpc_client_new; NULL on failure, with error->status. */
crossing_client *crossing_client_new(const char *url, const amqpc_client_options *options,
                                     amqpc_client_error *error);
amqpc_client *crossing_client_get(const crossing_client *client);
void crossing_client_drop(crossing_client *client);

/* What a link is attached with: a source, a target, and a map of properties, each encoded; size 0
 * for none. */
typedef struct crossing_terms {
    amqpc_bytes source;
    amqpc_bytes target;
    amqpc_bytes properties;
} crossing_terms;

/* What can be waited for, of an amqpc_client, an amqpc_sender or an amqpc_receiver. */
#define CROSSING_CLIENT_OPEN         1
#define CROSSING_CLIENT_CLOSED       2
#define CROSSING_SENDER_OPEN         3
#define CROSSING_SENDER_FLUSHED      4
#define CROSSING_SENDER_CLOSED       6
#define CROSSING_RECEIVER_OPEN       7
#define CROSSING_RECEIVER_DELIVERIES 8
#define CROSSING_RECEIVER_DRAINED    9
#define CROSSING_RECEIVER_CLOSED     10
#define CROSSING_SENDER_DETACHED     14
#define CROSSING_RECEIVER_DETACHED   15

/* And of an amqpc_transaction. */
#define CROSSING_TRANSACTION_DECLARED    11
#define CROSSING_TRANSACTION_COMMITTED   12
#define CROSSING_TRANSACTION_ROLLED_BACK 13

/* Whether it has happened: AMQPC_OK, AMQPC_TIMED_OUT for not yet, another status for never. Here
 * and below, moves: bytes are sent and received where that can be done without waiting; otherwise
 * whoever asks calls amqpc_client_process himself. */
int crossing_look(unsigned what, void *object, bool moves);

/* Waits for it, without the GIL. */
int crossing_wait_for(unsigned what, void *object, int64_t timeout_ms);

/* --- send.c: senders. */

#define CROSSING_PAYLOADS_MAX 64

/* Messages that are encoded, on their way to the peer.
 *
 * count    of them
 * posted   so many have been sent
 * context  of the first, a multiple of CROSSING_PAYLOADS_MAX; the others' count up
 * items    an encoder's payloads, which stay until all are posted
 * transaction  NULL, or the one to post them in */
typedef struct crossing_payloads {
    uint32_t count;
    uint32_t posted;
    uint64_t context;
    const amqpc_bytes *items;
    amqpc_transaction *transaction;
} crossing_payloads;

/* `count` outcomes that are alike, of contexts that follow each other within one batch of payloads.
 *
 * state_type, is_unknown  as in amqpc_completion
 * detail                  0, or of one that was rejected or modified its place among the details,
 *                         counted from 1 */
typedef struct crossing_run {
    uint64_t context;
    uint64_t count;
    uint64_t state_type;
    uint64_t is_unknown;
    uint64_t detail;
} crossing_run;

/* Outcomes that were taken from a sender: `count` of them, in runs. Who has read these sets
 * run_count to 0: before that no more are taken, as where a signal's handler has raised in between.
 */
typedef struct crossing_outcomes {
    amqpc_outcome *details;
    uint32_t detail_count;
    uint32_t run_count;
    uint64_t count;
    crossing_run runs[256];
} crossing_outcomes;

/* NULL where there is no memory. */
crossing_outcomes *crossing_outcomes_new(void);
void crossing_outcomes_free(crossing_outcomes *outcomes);

typedef struct crossing_sender crossing_sender;

amqpc_sender *crossing_sender_get(const crossing_sender *sender);

/* options: its source, target and properties are set from the terms. Returns NULL on failure, with
 * a status of amqpc_sender_new or of decoding. */
crossing_sender *crossing_sender_new(crossing_client *client, const char *address,
                                     amqpc_sender_options *options, const crossing_terms *terms,
                                     int *status);
void crossing_sender_free(crossing_sender *sender);

/* Begins with the messages that an encoder has encoded; `context` is the first one's. */
void crossing_begin_payloads(crossing_payloads *payloads, const crossing_encoder *encoder,
                             uint64_t context);

/* Posts what is left of a batch, as much as can be. Returns as amqpc_sender_post_batch. */
int crossing_post(crossing_sender *sender, crossing_payloads *payloads, bool moves);
int crossing_wait_post(crossing_sender *sender, crossing_payloads *payloads, int64_t timeout_ms);

/* Takes outcomes, up to 256. Returns a status as amqpc_sender_completions; or, where all that was
 * taken is one message that was accepted, which is what most often happens to those who wait, -1
 * minus its context. */
int64_t crossing_take_outcomes(crossing_sender *sender, crossing_outcomes *outcomes, bool moves);
int64_t crossing_wait_outcomes(crossing_sender *sender, crossing_outcomes *outcomes,
                               int64_t timeout_ms);

/* Posts the messages of an encoder, where that can be done at once, and waits for outcomes: all
 * that a send that waits takes, in one call. Returns -1 minus `context` where there was one
 * message, its outcome is accepted, and it alone was taken: nothing is left to do then. Otherwise,
 * with payloads->posted 0, a status of crossing_post; with all of them posted as
 * crossing_wait_outcomes.
 */
int64_t crossing_wait_send(crossing_sender *sender, crossing_payloads *payloads,
                           const crossing_encoder *encoder, crossing_outcomes *outcomes,
                           uint64_t context, int64_t timeout_ms);

/* --- receive.c: receivers. */

#define CROSSING_HELD_MAX 64

/* A receiver. `held_count` deliveries from `first` on are taken and not decoded yet. */
typedef struct crossing_receiver {
    crossing_client *client;
    amqpc_receiver *receiver;
    uint32_t first;
    uint32_t held_count;
    amqpc_delivery held[64];
} crossing_receiver;

/* As crossing_sender_new. */
crossing_receiver *crossing_receiver_new(crossing_client *client, const char *address,
                                         amqpc_receiver_options *options,
                                         const crossing_terms *terms, int *status);
void crossing_receiver_free(crossing_receiver *receiver);

/* Takes up to batch->messages_max messages, and decodes them (crossing_decode_deliveries). Returns
 * as amqpc_receiver_receive; AMQPC_OK also where one does not decode, which the batch's status
 * tells.
 */
int crossing_receive(crossing_receiver *receiver, crossing_output *output, crossing_batch *batch,
                     bool moves);

/* amqpc_receiver_settle of one delivery, accepted: what is said of nearly every message. */
int crossing_accept(crossing_receiver *receiver, uint64_t number);

/* Of rejected; no condition: no error. info: an encoded map, or size 0. */
typedef struct crossing_error {
    amqpc_bytes condition;
    amqpc_bytes description;
    amqpc_bytes info;
} crossing_error;

/* As amqpc_receiver_reject and amqpc_receiver_modify. annotations: an encoded map, or size 0. */
int crossing_reject(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                    const crossing_error *said);
int crossing_modify(amqpc_receiver *receiver, uint64_t first, uint64_t last, bool delivery_failed,
                    bool undeliverable_here, amqpc_bytes *annotations);

/* --- request.c: requesters. */

typedef struct crossing_requester {
    crossing_client *client;
    amqpc_requester *requester;
} crossing_requester;

crossing_requester *crossing_requester_new(crossing_client *client, const char *address,
                                           int *status);
void crossing_requester_free(crossing_requester *requester);

/* Sends a request that is encoded. Returns as amqpc_requester_post. */
int crossing_request(crossing_requester *requester, const void *data, size_t size, bool moves,
                     uint64_t *id);
int crossing_wait_request(crossing_requester *requester, const void *data, size_t size,
                          int64_t timeout_ms, uint64_t *id);

/* Takes a reply. Returns as amqpc_requester_take. */
int crossing_reply(crossing_requester *requester, uint64_t id, bool moves, amqpc_delivery *reply);
int crossing_wait_reply(crossing_requester *requester, uint64_t id, int64_t timeout_ms,
                        amqpc_delivery *reply);

/* --- transaction.c: transactions. */

/* A controller that lives as long as a transaction of it is used. */
typedef struct crossing_controller crossing_controller;

crossing_controller *crossing_controller_new(crossing_client *client, int *status);
amqpc_controller *crossing_controller_get(const crossing_controller *controller);
void crossing_controller_drop(crossing_controller *controller);

typedef struct crossing_transaction {
    crossing_controller *controller;
    amqpc_transaction *transaction;
} crossing_transaction;

crossing_transaction *crossing_transaction_new(crossing_controller *controller, int *status);
void crossing_transaction_free(crossing_transaction *transaction);

/* As amqpc_receiver_update_in. outcome: encoded. */
int crossing_update_in(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                       amqpc_transaction *transaction, const void *outcome, size_t size);

/* The same without marshal, where storing a number is cheaper: on PyPy. Each operation has an
 * amqpc_type in its lowest 8 bits; in the next 8 the field of the message that the value is, or 0
 * to put it onto a stack, or CROSSING_OPERATION_KEYED to put the next text there before it, a key;
 * and above an argument:
 *
 *     null, boolean         argument: whether it is true
 *     long, ulong, double   the number, or its bits, is the next element of `operations`
 *     string                the next text
 *     binary                argument: size; the bytes are the next ones of `blob`
 *     list, map             argument: how many values, taken off the stack, they hold
 *     CROSSING_OPERATION_MESSAGE  begins a message; 8 bits higher its flags, 24 bits higher a bit
 * for each field that is the next text, or that is true
 *
 * text, text_count  UTF-8, with a NUL between two texts; it fails where a text has one itself
 *
 * Returns a size, that of all messages or of the value; or -1 - status. */
#define CROSSING_OPERATION_MESSAGE 25
#define CROSSING_OPERATION_KEYED   255

int64_t crossing_encode_operations(crossing_encoder *encoder, const int64_t *operations,
                                   size_t count, const char *text, size_t text_size,
                                   size_t text_count, const char *blob, size_t blob_size);

#endif
