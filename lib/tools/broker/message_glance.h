/* A look at the few fields of a message that a broker goes by (AMQP 3.2), without decoding the
 * rest. */
#ifndef AMQPCODEC_TOOLS_BROKER_MESSAGE_GLANCE_H
#define AMQPCODEC_TOOLS_BROKER_MESSAGE_GLANCE_H

#include <amqpcodec/composites.h>
#include <stdbool.h>

/* What matters for whether a message is kept.
 *
 * header_size      bytes of the header section, which is the first; 0 where there is none
 * absolute_expiry  of the properties, in milliseconds since 1970; 0 for none */
typedef struct message_glance {
    uint32_t header_size;
    int64_t absolute_expiry;
} message_glance;

/* What is malformed counts as not there: the broker does not judge what it only carries. */
void message_glance_at(amqpc_bytes payload, message_glance *glance);

/* What its header says of its time and its deliveries. Other members may be left out. Returns false
 * where it has none.
 *
 * header_size  of its glance */
bool message_header(amqpc_bytes payload, uint32_t header_size, amqpc_header *header);

/* The section with that descriptor (0x73: properties), described value and all.
 *
 * Returns false where there is none. */
bool message_find_section(amqpc_bytes payload, uint32_t descriptor, amqpc_bytes *section);

/* The properties. Returns false where there are none. */
bool message_properties(amqpc_bytes payload, amqpc_properties *properties);

/* The value of an application property. Returns false where there is none. */
bool message_application_property(amqpc_bytes payload, amqpc_bytes name, amqpc_value *value);

#endif
