/* The states of a connection, and what may happen in each (AMQP 2.4.6). */
#ifndef AMQPCI_ENGINE_CONNECTION_STATES_H
#define AMQPCI_ENGINE_CONNECTION_STATES_H

#include <amqpcodec/connection.h>

#include "engine/step.h"

enum { AMQPCI_CONNECTION_STATE_COUNT = 14 };

/* What moves a connection. Frames of sessions stand for begin, attach, flow, transfer,
 * disposition, detach and end. */
typedef enum amqpci_connection_input_kind {
    AMQPCI_CONNECTION_SEND_HEADER = 0,
    AMQPCI_CONNECTION_SEND_OPEN = 1,
    AMQPCI_CONNECTION_SEND_SESSION_FRAME = 2,
    AMQPCI_CONNECTION_SEND_CLOSE = 3,
    AMQPCI_CONNECTION_SEND_CLOSE_WITH_FAULT = 4, /* for what the peer did wrong */
    AMQPCI_CONNECTION_RECEIVE_HEADER = 5,
    AMQPCI_CONNECTION_RECEIVE_OPEN = 6,
    AMQPCI_CONNECTION_RECEIVE_SESSION_FRAME = 7,
    AMQPCI_CONNECTION_RECEIVE_EMPTY = 8,
    AMQPCI_CONNECTION_RECEIVE_CLOSE = 9,
    AMQPCI_CONNECTION_INPUT_KINDS = 10
} amqpci_connection_input_kind;

amqpci_step amqpci_connection_step(amqpc_connection_state state,
                                   amqpci_connection_input_kind input);

#endif
