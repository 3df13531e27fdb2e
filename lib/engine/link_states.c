/* The table of a link's attachment: each end attaches and detaches in its own time (AMQP 2.6.3 to
 * 2.6.6). */
#include "engine/link_states.h"

#define GO(state)                                                                                  \
    {                                                                                              \
        AMQPCI_PROCEED, AMQPC_LINK_##state                                                         \
    }
#define DROP(state)                                                                                \
    {                                                                                              \
        AMQPCI_DISCARD, AMQPC_LINK_##state                                                         \
    }

/* What is not listed is refused. */
static const amqpci_step steps[AMQPCI_LINK_STATE_COUNT][AMQPCI_LINK_INPUT_KINDS] = {
    [AMQPC_LINK_DETACHED] =
        {
            [AMQPCI_LINK_SEND_ATTACH] = GO(ATTACH_SENT),
            [AMQPCI_LINK_RECEIVE_ATTACH] = GO(ATTACH_RECEIVED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
    [AMQPC_LINK_ATTACH_SENT] =
        {
            /* A receiver may give credit before the answer. */
            [AMQPCI_LINK_SEND_USE] = GO(ATTACH_SENT),
            [AMQPCI_LINK_SEND_DETACH] = GO(DETACH_SENT),
            [AMQPCI_LINK_SEND_DETACH_WITH_ERROR] = GO(DISCARDING),
            [AMQPCI_LINK_RECEIVE_ATTACH] = GO(ATTACHED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
    [AMQPC_LINK_ATTACH_RECEIVED] =
        {
            [AMQPCI_LINK_SEND_ATTACH] = GO(ATTACHED),
            [AMQPCI_LINK_RECEIVE_USE] = GO(ATTACH_RECEIVED),
            [AMQPCI_LINK_RECEIVE_DETACH] = GO(DETACH_RECEIVED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
    [AMQPC_LINK_ATTACHED] =
        {
            [AMQPCI_LINK_SEND_USE] = GO(ATTACHED),
            [AMQPCI_LINK_SEND_DETACH] = GO(DETACH_SENT),
            [AMQPCI_LINK_SEND_DETACH_WITH_ERROR] = GO(DISCARDING),
            [AMQPCI_LINK_RECEIVE_USE] = GO(ATTACHED),
            [AMQPCI_LINK_RECEIVE_DETACH] = GO(DETACH_RECEIVED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
    [AMQPC_LINK_DETACH_SENT] =
        {
            /* Frames that crossed with detach, the answer to attach among them. */
            [AMQPCI_LINK_RECEIVE_ATTACH] = DROP(DETACH_SENT),
            [AMQPCI_LINK_RECEIVE_USE] = DROP(DETACH_SENT),
            [AMQPCI_LINK_RECEIVE_DETACH] = GO(DETACHED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
    [AMQPC_LINK_DETACH_RECEIVED] =
        {
            /* A link that the peer detached before it was answered is attached first. */
            [AMQPCI_LINK_SEND_ATTACH] = GO(DETACH_RECEIVED),
            [AMQPCI_LINK_SEND_DETACH] = GO(DETACHED),
            [AMQPCI_LINK_SEND_DETACH_WITH_ERROR] = GO(DETACHED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
    [AMQPC_LINK_DISCARDING] =
        {
            /* Any input but detach ends the session: errant-link (AMQP 2.6.5). */
            [AMQPCI_LINK_RECEIVE_ATTACH] = DROP(DISCARDING),
            [AMQPCI_LINK_RECEIVE_DETACH] = GO(DETACHED),
            [AMQPCI_LINK_SESSION_ENDED] = GO(DETACHED),
        },
};

amqpci_step amqpci_link_step(amqpc_link_state state, amqpci_link_input_kind input)
{
    return steps[state][input];
}
