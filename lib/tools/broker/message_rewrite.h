/* What a broker changes in a message: fields of the header (AMQP 3.2.1), and annotations that an
 * outcome adds (AMQP 3.4.5). */
#ifndef AMQPCODEC_TOOLS_BROKER_MESSAGE_REWRITE_H
#define AMQPCODEC_TOOLS_BROKER_MESSAGE_REWRITE_H

#include <amqpcodec/buffer.h>

#include "tools/broker/message.h"

/* Most bytes of a header section. */
enum { MESSAGE_HEADER_MAX = 64 };

/* The message goes out with another header than it came with. */
static inline bool message_is_changed(const broker_message *message)
{
    uint32_t flags = message->flags;
    return (flags & (MESSAGE_HAS_TTL | MESSAGE_FAILED)) != 0 ||
           (flags & (MESSAGE_FIRST_ACQUIRER | MESSAGE_ACQUIRED)) ==
               (MESSAGE_FIRST_ACQUIRER | MESSAGE_ACQUIRED);
}

/* Encodes the header section as it goes out: what is left of the ttl, the failed attempts, and
 * whether this is the first acquirer.
 *
 * data  has room for MESSAGE_HEADER_MAX bytes
 *
 * Returns how many bytes; the payload follows from message->header_size on. */
size_t message_write_header(const broker_message *message, uint64_t now_ms, void *data);

/* Appends the message with the annotations merged into its own: those of the same key are replaced.
 *
 * annotations  a map
 *
 * Returns AMQPC_OK; AMQPC_NO_MEMORY; a status of decoding for a message that is malformed, or has
 * too many annotations. */
amqpc_status message_annotate(const broker_message *message, const amqpc_value *annotations,
                              amqpc_buffer *buffer);

#endif
