/* Names and the gs2 header, as SCRAM and OAUTHBEARER begin (RFC 5802 5.1, RFC 5801 4). */
#ifndef AMQPCI_ENGINE_SASL_NAME_H
#define AMQPCI_ENGINE_SASL_NAME_H

#include "engine/sasl_secret.h"

/* Writes "," as "=2C" and "=" as "=3D". AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_sasl_name_escape(const amqpc_allocator *allocator, amqpc_bytes name,
                                                 amqpci_secret *out);

/* The reverse. AMQPC_NO_MEMORY; AMQPC_SASL_BAD_CHALLENGE for an "=" that is none of the two, for
 * NUL and for what is not UTF-8. */
AMQPC_CHECK amqpc_status amqpci_sasl_name_unescape(const amqpc_allocator *allocator,
                                                   amqpc_bytes text, amqpci_secret *out);

/* Makes "n,," or "n,a=authorization_id,": no channel binding. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_sasl_gs2_header(const amqpc_allocator *allocator,
                                                amqpc_bytes authorization_id, amqpci_secret *out);

/* Takes the gs2 header off a message.
 *
 * header, rest      receive views of the message
 * authorization_id  empty where there is none
 *
 * AMQPC_NO_MEMORY; AMQPC_SASL_BAD_CHALLENGE where there is none, or it asks for channel binding. */
AMQPC_CHECK amqpc_status amqpci_sasl_gs2_read(const amqpc_allocator *allocator, amqpc_bytes message,
                                              amqpc_bytes *header, amqpc_bytes *rest,
                                              amqpci_secret *authorization_id);

/* Whether it is UTF-8 without NUL. */
bool amqpci_sasl_is_text(amqpc_bytes bytes);

#endif
