/* Base64 as SCRAM uses it: the standard alphabet, with padding, without line breaks (RFC 4648 4).
 */
#ifndef AMQPCI_ENGINE_SASL_BASE64_H
#define AMQPCI_ENGINE_SASL_BASE64_H

#include "engine/sasl_secret.h"

/* Encodes into `text`, which must not be where `bytes` are. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_base64_encode(const amqpc_allocator *allocator, amqpc_bytes bytes,
                                              amqpci_secret *text);

/* Decodes into `bytes`. AMQPC_NO_MEMORY; AMQPC_SASL_BAD_CHALLENGE for any text that encoding would
 * not have made. */
AMQPC_CHECK amqpc_status amqpci_base64_decode(const amqpc_allocator *allocator, amqpc_bytes text,
                                              amqpci_secret *bytes);

#endif
