/* What is wrong with bytes that failed to decode: for people, slow, and only after a failure. */
#ifndef AMQPCODEC_EXPLAIN_H
#define AMQPCODEC_EXPLAIN_H

#include <amqpcodec/buffer.h>
#include <amqpcodec/limits.h>

AMQPC_BEGIN_DECLS

/* What the bytes were meant to be. */
typedef enum amqpc_input {
    AMQPC_INPUT_VALUE = 0,        /* one value */
    AMQPC_INPUT_PERFORMATIVE = 1, /* the body of an AMQP frame */
    AMQPC_INPUT_SASL = 2,         /* the body of a SASL frame */
    AMQPC_INPUT_MESSAGE = 3,      /* an encoded message */
    AMQPC_INPUT_FRAME = 4         /* one frame, from its first byte */
} amqpc_input;

/* Decodes the bytes once more, slowly, and appends a readable account: status, offset, the path
 * to the place (`transfer.delivery-tag`), what was expected and what was found, and a window of
 * the bytes in hexadecimal.
 *
 * Bytes that are in order are reported as such.
 *
 * data    borrowed until return
 * limits  borrowed until return; the limits that the failed decoding had, NULL for the defaults
 * buffer  appended to: UTF-8 text of several lines, each ended by a newline; on failure it is as
 *         before
 *
 * Returns AMQPC_OK where the account was written, AMQPC_NO_MEMORY, AMQPC_BUFFER_FULL,
 * AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_explain(amqpc_input input, const void *data, size_t size,
                                     const amqpc_limits *limits, amqpc_buffer *buffer) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
