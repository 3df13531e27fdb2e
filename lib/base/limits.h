/* The limits that NULL stands for. */
#ifndef AMQPCI_BASE_LIMITS_H
#define AMQPCI_BASE_LIMITS_H

#include <amqpcodec/limits.h>

extern const amqpc_limits amqpci_default_limits;

#endif
