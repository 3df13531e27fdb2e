/* Descriptors of composites, numeric and symbolic (AMQP 1.3). */
#ifndef AMQPCI_SCHEMA_DESCRIPTOR_H
#define AMQPCI_SCHEMA_DESCRIPTOR_H

#include <amqpcodec/value.h>

/* The numeric descriptor that an unsigned long or a symbol stands for: an amqpc_composite_type,
 * or the number of a message section. 0 for all others. */
uint32_t amqpci_descriptor_type(const amqpc_value *descriptor);

#endif
