/* The states of a session, and what may happen in each (AMQP 2.5.5). */
#ifndef AMQPCI_ENGINE_SESSION_STATES_H
#define AMQPCI_ENGINE_SESSION_STATES_H

#include <amqpcodec/session.h>

#include "engine/step.h"

enum { AMQPCI_SESSION_STATE_COUNT = 7 };

/* What moves a session. Link frames stand for attach, flow, transfer, disposition and detach. */
typedef enum amqpci_session_input_kind {
    AMQPCI_SESSION_SEND_BEGIN = 0,
    AMQPCI_SESSION_SEND_LINK_FRAME = 1,
    AMQPCI_SESSION_SEND_END = 2,
    AMQPCI_SESSION_SEND_END_WITH_ERROR = 3,
    AMQPCI_SESSION_RECEIVE_BEGIN = 4,
    AMQPCI_SESSION_RECEIVE_LINK_FRAME = 5,
    AMQPCI_SESSION_RECEIVE_END = 6,
    AMQPCI_SESSION_INPUT_KINDS = 7
} amqpci_session_input_kind;

amqpci_step amqpci_session_step(amqpc_session_state state, amqpci_session_input_kind input);

#endif
