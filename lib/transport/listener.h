/* What transports tell the listener that accepted them. */
#ifndef AMQPCI_TRANSPORT_LISTENER_H
#define AMQPCI_TRANSPORT_LISTENER_H

#include <amqpcodec/listener.h>

/* One of its transports is freed. */
void amqpci_listener_forget(amqpc_listener *listener);

#endif
