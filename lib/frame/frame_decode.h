/* amqpc_frame_decode for those who have checked their limits once. */
#ifndef AMQPCI_FRAME_FRAME_DECODE_H
#define AMQPCI_FRAME_FRAME_DECODE_H

#include <amqpcodec/frame.h>

/* As amqpc_frame_decode; limits are not NULL, and valid. */
AMQPC_CHECK amqpc_status amqpci_frame_decode(const uint8_t *data, size_t size,
                                             const amqpc_limits *limits, amqpc_frame *frame,
                                             amqpc_performative *performative, size_t *offset);

#endif
