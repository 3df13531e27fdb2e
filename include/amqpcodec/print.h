/* Values, composites, frames and messages as text, in the notation of docs/notation.md, or as
 * JSON. */
#ifndef AMQPCODEC_PRINT_H
#define AMQPCODEC_PRINT_H

#include <amqpcodec/buffer.h>
#include <amqpcodec/frame.h>
#include <amqpcodec/message.h>
#include <amqpcodec/performative.h>
#include <amqpcodec/value.h>

AMQPC_BEGIN_DECLS

typedef enum amqpc_print_format {
    AMQPC_PRINT_TEXT = 0, /* the notation of docs/notation.md */
    AMQPC_PRINT_JSON =
        1 /* one JSON document on one line; types that JSON lacks are tagged: {"ulong": 5} */
} amqpc_print_format;

/* Appends a value of either form.
 *
 * value   borrowed until return
 * buffer  appended to; on failure it is as before
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_BUFFER_FULL, or a status of the encoding range for
 * bytes that were never validated. */
AMQPC_API amqpc_status amqpc_value_print(const amqpc_value *value, amqpc_print_format format,
                                         amqpc_buffer *buffer) AMQPC_CHECK;

/* Appends a composite with the names of its fields, any other value as amqpc_value_print does.
 *
 * value  borrowed until return: a described list, as from amqpc_value_decode */
AMQPC_API amqpc_status amqpc_composite_print(const amqpc_value *value, amqpc_print_format format,
                                             amqpc_buffer *buffer) AMQPC_CHECK;

/* Appends a frame: channel or "sasl", performative, and the message that a whole transfer
 * carries.
 *
 * frame   borrowed until return; as from amqpc_frame_parse
 * limits  borrowed until return; NULL for the defaults
 *
 * Returns what amqpc_performative_decode returns for the frame's body, or a failure of the
 * buffer. */
AMQPC_API amqpc_status amqpc_frame_print(const amqpc_frame *frame, const amqpc_limits *limits,
                                         amqpc_print_format format,
                                         amqpc_buffer *buffer) AMQPC_CHECK;

/* Appends a message, section by section. */
AMQPC_API amqpc_status amqpc_message_print(const amqpc_message *message, amqpc_print_format format,
                                           amqpc_buffer *buffer) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
