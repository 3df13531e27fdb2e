/* The stream that moves bytes as they are. */
#ifndef AMQPCI_TRANSPORT_STREAM_SOCKET_H
#define AMQPCI_TRANSPORT_STREAM_SOCKET_H

#include "transport/stream.h"

/* Makes it in place, over a connected descriptor. It has nothing to be released. */
void amqpci_stream_socket_init(amqpci_stream *stream, int descriptor);

#endif
