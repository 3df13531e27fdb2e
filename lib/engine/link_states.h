/* The states of a link endpoint, and what may happen in each (AMQP 2.6.3 to 2.6.6). */
#ifndef AMQPCI_ENGINE_LINK_STATES_H
#define AMQPCI_ENGINE_LINK_STATES_H

#include <amqpcodec/link.h>

#include "engine/step.h"

enum { AMQPCI_LINK_STATE_COUNT = 7 };

/* What moves a link. Use stands for flow with its handle, and transfer. */
typedef enum amqpci_link_input_kind {
    AMQPCI_LINK_SEND_ATTACH = 0,
    AMQPCI_LINK_SEND_USE = 1,
    AMQPCI_LINK_SEND_DETACH = 2,
    AMQPCI_LINK_SEND_DETACH_WITH_ERROR = 3,
    AMQPCI_LINK_RECEIVE_ATTACH = 4,
    AMQPCI_LINK_RECEIVE_USE = 5,
    AMQPCI_LINK_RECEIVE_DETACH = 6,
    AMQPCI_LINK_SESSION_ENDED = 7,
    AMQPCI_LINK_INPUT_KINDS = 8
} amqpci_link_input_kind;

amqpci_step amqpci_link_step(amqpc_link_state state, amqpci_link_input_kind input);

#endif
