/* Connections: AMQP without I/O, either end (AMQP 2.4).
 *
 * A connection takes bytes, calls and the time, and gives bytes and events; it owns no socket, no
 * thread and no clock. The application moves the bytes:
 *
 *     amqpc_connection_input_buffer    where to receive into
 *     amqpc_connection_input           so many bytes have arrived
 *     amqpc_connection_next_event      what happened, until there is nothing more
 *     amqpc_connection_output          what to send; then amqpc_connection_output_done
 *     amqpc_connection_tick            the time, after each round and at the deadline it gives
 *
 * Sessions and links belong to their connection. One connection and all that belongs to it is used
 * by one thread at a time; only amqpc_delivery_release may be called by any thread at any time. */
#ifndef AMQPCODEC_CONNECTION_H
#define AMQPCODEC_CONNECTION_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/composites.h>
#include <amqpcodec/limits.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_connection amqpc_connection;
typedef struct amqpc_session amqpc_session;
typedef struct amqpc_link amqpc_link;
struct amqpc_sasl_options;

/* Which end of the connection this is: who sends the first protocol header, and who asks for
 * SASL. In all else the ends are equal. */
typedef enum amqpc_end_role { AMQPC_CLIENT = 0, AMQPC_SERVER = 1 } amqpc_end_role;

/* Options of a connection. Set the defaults by amqpc_connection_options_init and change single
 * members. Nothing is borrowed longer than until amqpc_connection_new returns.
 *
 * struct_size           sizeof(amqpc_connection_options) of the caller
 * role                  amqpc_end_role
 * is_protected          the transport is encrypted: SASL may send passwords
 * limits                limits.frame_size is our max-frame-size, limits.channels our channel-max
 *                       plus 1; NULL for the defaults
 * sasl                  NULL for no SASL layer
 * random                bytes nobody can predict, at least 32, new for each connection: what nonces
 *                       and generated names are made of. May be empty without SASL.
 * idle_timeout_ms       silence of the peer, in milliseconds, after which the connection fails;
 *                       half of it is advertised (AMQP 2.4.5). 0 for none; default 0
 * handshake_timeout_ms  time, in milliseconds, from the first tick until both opens have crossed;
 *                       0 for no limit; default 30,000
 * handles_max           links of one session, at most; default 1,024 (our handle-max plus 1)
 * unsettled_max         unsettled deliveries of one link, each direction; default 10,000
 * message_size          most bytes of one delivery that is received where the link sets no
 *                       max-message-size of its own; default 1 MiB
 * partial_size          bytes of all deliveries that have arrived in part; default 4 MiB
 * retained_size         bytes of input that deliveries not yet released, and not yet read, keep
 *                       from being freed; at the limit session windows are not renewed; default
 *                       64 MiB
 * output_size           bytes of output that wait to be sent, at which sending answers
 *                       AMQPC_LIMIT_REACHED; default 1 MiB
 * input_slab_size       how much is received in one piece at most; default 262,144, at least
 *                       limits.frame_size
 * trace_size            bytes of the ring that keeps the frame trace; 0 for no trace; default 0 */
typedef struct amqpc_connection_options {
    size_t struct_size;
    uint32_t role;
    bool is_protected;
    const amqpc_limits *limits;
    const struct amqpc_sasl_options *sasl;
    amqpc_bytes random;
    uint32_t idle_timeout_ms;
    uint32_t handshake_timeout_ms;
    uint32_t handles_max;
    uint32_t unsettled_max;
    uint64_t message_size;
    uint64_t partial_size;
    uint64_t retained_size;
    uint64_t output_size;
    uint32_t input_slab_size;
    uint32_t trace_size;
} amqpc_connection_options;

/* Sets the defaults. struct_size: sizeof(amqpc_connection_options) as the caller was compiled. */
AMQPC_API void amqpc_connection_options_init(amqpc_connection_options *options, size_t struct_size);

/* Makes a connection. A client's protocol headers are output at once, a server's answer the
 * client's.
 *
 * allocator   copied; NULL for the C library's
 * options     borrowed until return; NULL for the defaults, a client without SASL
 * connection  receives the connection, which the caller frees by amqpc_connection_free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_connection_new(const amqpc_allocator *allocator,
                                            const amqpc_connection_options *options,
                                            amqpc_connection **connection) AMQPC_CHECK;

/* Frees the connection with its sessions and links, without a word to the peer. Deliveries that
 * were taken live on until they are released. NULL is ignored. */
AMQPC_API void amqpc_connection_free(amqpc_connection *connection);

/* Sends open (AMQP 2.7.1). A client may call it at once, and go on with sessions and links without
 * waiting for the peer (AMQP 2.4.5: pipelined open); what SASL forbids yet is sent when it may be.
 *
 * open  borrowed until return. container_id is mandatory. max_frame_size, channel_max and
 *       idle_time_out are set by the options, whatever stands here.
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE where it was called before, or the connection has failed;
 * AMQPC_NO_MEMORY; AMQPC_MISSING_FIELD, AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_connection_open(amqpc_connection *connection,
                                             const amqpc_open *open) AMQPC_CHECK;

/* Sends close (AMQP 2.7.9), as the answer to the peer's, or first.
 *
 * What waits for a session's window is not sent any more, and nobody is told of deliveries that
 * were sent settled: there is nothing behind close (AMQP 2.4.3). Whoever wants them to arrive waits
 * until amqpc_connection_statistics.output_size is 0, and closes links first: some peers drop what
 * came by links that are attached when the connection is closed.
 *
 * error  borrowed until return; NULL for none
 *
 * Returns AMQPC_OK, also where close was sent before; AMQPC_INVALID_STATE before open;
 * AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_connection_close(amqpc_connection *connection,
                                              const amqpc_error *error) AMQPC_CHECK;

/* --- Bytes. */

/* Lends the place where the next input goes.
 *
 * data, capacity  receive the place and its size, at least 1 byte; it is lent until the next call
 *                 of amqpc_connection_input, _tick, _trim or _free
 *
 * Returns AMQPC_OK; AMQPC_NO_MEMORY; AMQPC_INVALID_STATE where no input is taken any more: after
 * close, a failure, or the end of input. */
AMQPC_API amqpc_status amqpc_connection_input_buffer(amqpc_connection *connection, void **data,
                                                     size_t *capacity) AMQPC_CHECK;

/* Takes bytes that were put into the place lent.
 *
 * size  how many, up to its capacity. 0 goes on where AMQPC_NO_MEMORY stopped.
 *
 * Returns AMQPC_OK; AMQPC_NO_MEMORY, after which the rest waits for the next call; or the failure
 * of the connection: what the peer did wrong. That failure is also an event, and close with its
 * error is output. */
AMQPC_API amqpc_status amqpc_connection_input(amqpc_connection *connection,
                                              size_t size) AMQPC_CHECK;

/* Tells that no more bytes will come: the peer, or the network, has ended the stream.
 *
 * Returns AMQPC_OK after the peer's close, otherwise AMQPC_STREAM_ENDED, and the connection has
 * failed: unsettled deliveries can be exported. */
AMQPC_API amqpc_status amqpc_connection_input_end(amqpc_connection *connection);

/* Gives the bytes to be sent, as they lie: amqpc_bytes is laid out as POSIX's struct iovec.
 *
 * vectors, capacity  receive up to so many pieces, none of them empty. Whoever asks again before
 *                    amqpc_connection_output_done gets the same bytes, and possibly more.
 * count              receives how many pieces; 0 where there is nothing to send
 *
 * The pieces are valid until the next call that is not about reading events or deliveries.
 *
 * Returns AMQPC_OK; AMQPC_NO_MEMORY where not even what is due could be put together; pieces that
 * were given are good even then. */
AMQPC_API amqpc_status amqpc_connection_output(amqpc_connection *connection, amqpc_bytes *vectors,
                                               size_t capacity, size_t *count) AMQPC_CHECK;

/* Tells that the first `size` bytes of the output were sent. size: up to what was given. */
AMQPC_API void amqpc_connection_output_done(amqpc_connection *connection, size_t size);

/* There is no more to come and no more to send: the transport may be shut. */
AMQPC_API bool amqpc_connection_is_finished(const amqpc_connection *connection);

/* --- Time. */

/* Tells the time: answers what is due, and fails the connection where the peer was silent for too
 * long.
 *
 * now_ms       milliseconds of any clock that does not go back; where it does, it counts as
 *              standing still
 * deadline_ms  receives when to call again at the latest; UINT64_MAX for never; always after now_ms
 *
 * Call it after each round of input and output, and at the deadline. It costs little.
 *
 * Returns AMQPC_OK; AMQPC_IDLE_TIMEOUT, AMQPC_HANDSHAKE_TIMEOUT once, when the connection fails so;
 * AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_connection_tick(amqpc_connection *connection, uint64_t now_ms,
                                             uint64_t *deadline_ms) AMQPC_CHECK;

/* Gives back what memory an idle connection does not need. amqpc_connection_tick does it after one
 * second without input and output. */
AMQPC_API void amqpc_connection_trim(amqpc_connection *connection);

/* --- What is known of the connection. */

/* The states of AMQP 2.4.6. */
typedef enum amqpc_connection_state {
    AMQPC_CONNECTION_START = 0,
    AMQPC_CONNECTION_HEADER_RECEIVED = 1,
    AMQPC_CONNECTION_HEADER_SENT = 2,
    AMQPC_CONNECTION_HEADER_EXCHANGED = 3,
    AMQPC_CONNECTION_OPEN_PIPE = 4,
    AMQPC_CONNECTION_OPEN_CLOSE_PIPE = 5,
    AMQPC_CONNECTION_OPEN_RECEIVED = 6,
    AMQPC_CONNECTION_OPEN_SENT = 7,
    AMQPC_CONNECTION_CLOSE_PIPE = 8,
    AMQPC_CONNECTION_OPENED = 9,
    AMQPC_CONNECTION_CLOSE_RECEIVED = 10,
    AMQPC_CONNECTION_CLOSE_SENT = 11,
    AMQPC_CONNECTION_DISCARDING = 12,
    AMQPC_CONNECTION_END = 13
} amqpc_connection_state;

AMQPC_API amqpc_connection_state amqpc_connection_get_state(const amqpc_connection *connection);

/* The peer's open.
 *
 * open  written; its views live as long as the connection
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND before it arrived. */
AMQPC_API amqpc_status amqpc_connection_remote_open(const amqpc_connection *connection,
                                                    amqpc_open *open) AMQPC_CHECK;

/* The error in the peer's close. Returns AMQPC_OK; AMQPC_NOT_FOUND where there is none. The views
 * live as long as the connection. */
AMQPC_API amqpc_status amqpc_connection_remote_error(const amqpc_connection *connection,
                                                     amqpc_error *error) AMQPC_CHECK;

/* What made the connection fail.
 *
 * status     never AMQPC_OK
 * input      amqpc_input: what amqpc_explain is to take `bytes` for
 * channel    of the frame
 * offset     within `bytes`, of the first byte at fault; 0 where no byte is
 * position   of the frame in all input, in bytes
 * bytes      the frame, or its first 512 bytes; empty where no frame is at fault. They live as
 *            long as the connection. */
typedef struct amqpc_connection_failure {
    amqpc_status status;
    uint32_t input;
    uint16_t channel;
    size_t offset;
    uint64_t position;
    amqpc_bytes bytes;
} amqpc_connection_failure;

/* Why the connection has failed. Returns AMQPC_OK; AMQPC_NOT_FOUND where it has not. */
AMQPC_API amqpc_status amqpc_connection_get_failure(const amqpc_connection *connection,
                                                    amqpc_connection_failure *failure) AMQPC_CHECK;

/* Counts since the connection was made; frames include empty ones.
 *
 * retained_size  bytes of input kept by deliveries that are not yet released, or not yet read
 * output_size    bytes that wait to be sent, the deliveries that wait for a window included */
typedef struct amqpc_connection_statistics {
    size_t struct_size;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t frames_received;
    uint64_t frames_sent;
    uint64_t deliveries_received;
    uint64_t deliveries_sent;
    uint64_t retained_size;
    uint64_t output_size;
} amqpc_connection_statistics;

/* statistics->struct_size: sizeof(amqpc_connection_statistics) as the caller was compiled. */
AMQPC_API void amqpc_connection_get_statistics(const amqpc_connection *connection,
                                               amqpc_connection_statistics *statistics);

/* Reads the frame trace: lines of text, one for each frame, "-> " before what was sent and "<- "
 * before what was received; older lines that nobody read are overwritten whole.
 *
 * data, capacity  where to; whole lines only
 *
 * Returns how many bytes were written; 0 where there is nothing, or the next line does not fit. */
AMQPC_API size_t amqpc_connection_read_trace(amqpc_connection *connection, void *data,
                                             size_t capacity);

/* A value of the application's own, NULL at first. */
AMQPC_API void amqpc_connection_set_context(amqpc_connection *connection, void *context);
AMQPC_API void *amqpc_connection_context(const amqpc_connection *connection);

/* The session after `session` in the order of their making, the first for NULL; NULL at the end. */
AMQPC_API amqpc_session *amqpc_connection_next_session(const amqpc_connection *connection,
                                                       const amqpc_session *session);

AMQPC_END_DECLS

#endif
