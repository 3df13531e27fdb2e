/* Performatives over cursors and sinks, for the layers above. */
#ifndef AMQPCI_SCHEMA_PERFORMATIVE_H
#define AMQPCI_SCHEMA_PERFORMATIVE_H

#include <amqpcodec/performative.h>

#include "codec/cursor.h"
#include "codec/sink.h"

/* Decodes the frame body that the cursor holds, payload included. On failure the cursor stands at
 * the byte at fault. */
AMQPC_CHECK amqpc_status amqpci_decode_performative(amqpci_cursor *cursor, unsigned frame_type,
                                                    amqpc_performative *out);

/* Stores a performative, without payload. */
AMQPC_CHECK amqpc_status amqpci_encode_performative(amqpci_sink *sink,
                                                    const amqpc_performative *in);

#endif
