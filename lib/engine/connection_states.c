/* The table of AMQP 2.4.6: the connection state diagram, both ends.
 *
 * Pipelining makes more states than one would draw: each end may send header, open and close
 * without having heard anything. */
#include "engine/connection_states.h"

#define GO(state)                                                                                  \
    {                                                                                              \
        AMQPCI_PROCEED, AMQPC_CONNECTION_##state                                                   \
    }
#define DROP(state)                                                                                \
    {                                                                                              \
        AMQPCI_DISCARD, AMQPC_CONNECTION_##state                                                   \
    }

#define SENDS_HEADER     [AMQPCI_CONNECTION_SEND_HEADER]
#define SENDS_OPEN       [AMQPCI_CONNECTION_SEND_OPEN]
#define SENDS_SESSION    [AMQPCI_CONNECTION_SEND_SESSION_FRAME]
#define SENDS_CLOSE      [AMQPCI_CONNECTION_SEND_CLOSE]
#define SENDS_FAULT      [AMQPCI_CONNECTION_SEND_CLOSE_WITH_FAULT]
#define RECEIVES_HEADER  [AMQPCI_CONNECTION_RECEIVE_HEADER]
#define RECEIVES_OPEN    [AMQPCI_CONNECTION_RECEIVE_OPEN]
#define RECEIVES_SESSION [AMQPCI_CONNECTION_RECEIVE_SESSION_FRAME]
#define RECEIVES_EMPTY   [AMQPCI_CONNECTION_RECEIVE_EMPTY]
#define RECEIVES_CLOSE   [AMQPCI_CONNECTION_RECEIVE_CLOSE]

/* What is not listed is refused. */
static const amqpci_step steps[AMQPCI_CONNECTION_STATE_COUNT][AMQPCI_CONNECTION_INPUT_KINDS] = {
    [AMQPC_CONNECTION_START] =
        {
            SENDS_HEADER = GO(HEADER_SENT),
            RECEIVES_HEADER = GO(HEADER_RECEIVED),
        },
    [AMQPC_CONNECTION_HEADER_RECEIVED] =
        {
            SENDS_HEADER = GO(HEADER_EXCHANGED),
        },
    [AMQPC_CONNECTION_HEADER_SENT] =
        {
            SENDS_OPEN = GO(OPEN_PIPE),
            RECEIVES_HEADER = GO(HEADER_EXCHANGED),
        },
    [AMQPC_CONNECTION_HEADER_EXCHANGED] =
        {
            SENDS_OPEN = GO(OPEN_SENT),
            RECEIVES_OPEN = GO(OPEN_RECEIVED),
        },
    [AMQPC_CONNECTION_OPEN_PIPE] =
        {
            SENDS_SESSION = GO(OPEN_PIPE),
            SENDS_CLOSE = GO(OPEN_CLOSE_PIPE),
            SENDS_FAULT = GO(OPEN_CLOSE_PIPE),
            RECEIVES_HEADER = GO(OPEN_SENT),
        },
    [AMQPC_CONNECTION_OPEN_CLOSE_PIPE] =
        {
            RECEIVES_HEADER = GO(CLOSE_PIPE),
        },
    [AMQPC_CONNECTION_OPEN_RECEIVED] =
        {
            SENDS_OPEN = GO(OPENED),
            RECEIVES_SESSION = GO(OPEN_RECEIVED),
            RECEIVES_EMPTY = GO(OPEN_RECEIVED),
            RECEIVES_CLOSE = GO(CLOSE_RECEIVED),
        },
    [AMQPC_CONNECTION_OPEN_SENT] =
        {
            SENDS_SESSION = GO(OPEN_SENT),
            SENDS_CLOSE = GO(CLOSE_PIPE),
            SENDS_FAULT = GO(DISCARDING),
            RECEIVES_OPEN = GO(OPENED),
        },
    [AMQPC_CONNECTION_CLOSE_PIPE] =
        {
            RECEIVES_OPEN = GO(CLOSE_SENT),
        },
    [AMQPC_CONNECTION_OPENED] =
        {
            SENDS_SESSION = GO(OPENED),
            SENDS_CLOSE = GO(CLOSE_SENT),
            SENDS_FAULT = GO(DISCARDING),
            RECEIVES_SESSION = GO(OPENED),
            RECEIVES_EMPTY = GO(OPENED),
            RECEIVES_CLOSE = GO(CLOSE_RECEIVED),
        },
    [AMQPC_CONNECTION_CLOSE_RECEIVED] =
        {
            /* A server that was told to close before it had opened opens first. */
            SENDS_OPEN = GO(CLOSE_RECEIVED),
            SENDS_SESSION = GO(CLOSE_RECEIVED),
            SENDS_CLOSE = GO(END),
            SENDS_FAULT = GO(END),
        },
    [AMQPC_CONNECTION_CLOSE_SENT] =
        {
            RECEIVES_SESSION = DROP(CLOSE_SENT),
            RECEIVES_EMPTY = GO(CLOSE_SENT),
            RECEIVES_CLOSE = GO(END),
        },
    [AMQPC_CONNECTION_DISCARDING] =
        {
            RECEIVES_OPEN = DROP(DISCARDING),
            RECEIVES_SESSION = DROP(DISCARDING),
            RECEIVES_EMPTY = DROP(DISCARDING),
            RECEIVES_CLOSE = GO(END),
        },
};

amqpci_step amqpci_connection_step(amqpc_connection_state state, amqpci_connection_input_kind input)
{
    return steps[state][input];
}
