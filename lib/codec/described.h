/* The two parts of a described value (AMQP 1.3). */
#ifndef AMQPCI_CODEC_DESCRIBED_H
#define AMQPCI_CODEC_DESCRIBED_H

#include <amqpcodec/value.h>

/* The descriptor and the value of a described value of either form. AMQPC_INVALID_ARGUMENT for
 * what is none. */
AMQPC_CHECK amqpc_status amqpci_described_parts(const amqpc_value *described,
                                                amqpc_value *descriptor, amqpc_value *value);

#endif
