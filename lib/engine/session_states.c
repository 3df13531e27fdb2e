/* The table of AMQP 2.5.5: the session state diagram. */
#include "engine/session_states.h"

#define GO(state)                                                                                  \
    {                                                                                              \
        AMQPCI_PROCEED, AMQPC_SESSION_##state                                                      \
    }
#define DROP(state)                                                                                \
    {                                                                                              \
        AMQPCI_DISCARD, AMQPC_SESSION_##state                                                      \
    }

/* What is not listed is refused. A peer answers begin before it sends anything else: so in
 * BEGIN_SENT only begin can be meant for the session. */
static const amqpci_step steps[AMQPCI_SESSION_STATE_COUNT][AMQPCI_SESSION_INPUT_KINDS] = {
    [AMQPC_SESSION_UNMAPPED] =
        {
            [AMQPCI_SESSION_SEND_BEGIN] = GO(BEGIN_SENT),
            [AMQPCI_SESSION_RECEIVE_BEGIN] = GO(BEGIN_RECEIVED),
        },
    [AMQPC_SESSION_BEGIN_SENT] =
        {
            [AMQPCI_SESSION_SEND_LINK_FRAME] = GO(BEGIN_SENT),
            /* The channel is the peer's to answer on still: its begin and end are to come. */
            [AMQPCI_SESSION_SEND_END] = GO(END_SENT),
            [AMQPCI_SESSION_SEND_END_WITH_ERROR] = GO(DISCARDING),
            [AMQPCI_SESSION_RECEIVE_BEGIN] = GO(MAPPED),
        },
    [AMQPC_SESSION_BEGIN_RECEIVED] =
        {
            [AMQPCI_SESSION_SEND_BEGIN] = GO(MAPPED),
            [AMQPCI_SESSION_RECEIVE_LINK_FRAME] = GO(BEGIN_RECEIVED),
            [AMQPCI_SESSION_RECEIVE_END] = GO(END_RECEIVED),
        },
    [AMQPC_SESSION_MAPPED] =
        {
            [AMQPCI_SESSION_SEND_LINK_FRAME] = GO(MAPPED),
            [AMQPCI_SESSION_SEND_END] = GO(END_SENT),
            [AMQPCI_SESSION_SEND_END_WITH_ERROR] = GO(DISCARDING),
            [AMQPCI_SESSION_RECEIVE_LINK_FRAME] = GO(MAPPED),
            [AMQPCI_SESSION_RECEIVE_END] = GO(END_RECEIVED),
        },
    [AMQPC_SESSION_END_SENT] =
        {
            [AMQPCI_SESSION_RECEIVE_BEGIN] = DROP(END_SENT),
            [AMQPCI_SESSION_RECEIVE_LINK_FRAME] = DROP(END_SENT),
            [AMQPCI_SESSION_RECEIVE_END] = GO(UNMAPPED),
        },
    [AMQPC_SESSION_END_RECEIVED] =
        {
            /* A session that the peer ended before it was answered is begun first. */
            [AMQPCI_SESSION_SEND_BEGIN] = GO(END_RECEIVED),
            [AMQPCI_SESSION_SEND_LINK_FRAME] = GO(END_RECEIVED),
            [AMQPCI_SESSION_SEND_END] = GO(UNMAPPED),
            [AMQPCI_SESSION_SEND_END_WITH_ERROR] = GO(UNMAPPED),
        },
    [AMQPC_SESSION_DISCARDING] =
        {
            [AMQPCI_SESSION_RECEIVE_BEGIN] = DROP(DISCARDING),
            [AMQPCI_SESSION_RECEIVE_LINK_FRAME] = DROP(DISCARDING),
            [AMQPCI_SESSION_RECEIVE_END] = GO(UNMAPPED),
        },
};

amqpci_step amqpci_session_step(amqpc_session_state state, amqpci_session_input_kind input)
{
    return steps[state][input];
}
