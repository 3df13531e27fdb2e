/* Waiting, in two forms: a look that keeps the GIL, and a wait that does without it. */
#include "crossing.h"

/* object: what crossing_event names. A link that is freed is never waited for. */
static amqpc_status await(unsigned what, void *object, int64_t timeout_ms)
{
    size_t count = 0;
    switch (what) {
    case CROSSING_CLIENT_OPEN:
        return amqpc_client_wait_open((amqpc_client *)object, timeout_ms);
    case CROSSING_CLIENT_CLOSED:
        return amqpc_client_close((amqpc_client *)object, timeout_ms);
    case CROSSING_SENDER_OPEN:
        return amqpc_sender_wait_open((amqpc_sender *)object, timeout_ms);
    case CROSSING_SENDER_FLUSHED:
        return amqpc_sender_flush((amqpc_sender *)object, timeout_ms);
    case CROSSING_SENDER_CLOSED:
        return amqpc_sender_close((amqpc_sender *)object, timeout_ms);
    case CROSSING_SENDER_DETACHED:
        return amqpc_sender_detach((amqpc_sender *)object, timeout_ms);
    case CROSSING_RECEIVER_OPEN:
        return amqpc_receiver_wait_open((amqpc_receiver *)object, timeout_ms);
    case CROSSING_RECEIVER_DELIVERIES:
        return amqpc_receiver_receive((amqpc_receiver *)object, NULL, 0, timeout_ms, &count);
    case CROSSING_RECEIVER_DRAINED:
        return amqpc_receiver_drain((amqpc_receiver *)object, timeout_ms);
    case CROSSING_RECEIVER_CLOSED:
        return amqpc_receiver_close((amqpc_receiver *)object, timeout_ms);
    case CROSSING_RECEIVER_DETACHED:
        return amqpc_receiver_detach((amqpc_receiver *)object, timeout_ms);
    case CROSSING_TRANSACTION_DECLARED:
        return amqpc_transaction_wait_declared((amqpc_transaction *)object, timeout_ms);
    case CROSSING_TRANSACTION_COMMITTED:
        return amqpc_transaction_discharge((amqpc_transaction *)object, false, timeout_ms);
    case CROSSING_TRANSACTION_ROLLED_BACK:
        return amqpc_transaction_discharge((amqpc_transaction *)object, true, timeout_ms);
    default:
        return AMQPC_INVALID_ARGUMENT;
    }
}

int crossing_look(unsigned what, void *object, bool moves)
{
    return (int)await(what, object, moves ? 0 : AMQPC_LOOK);
}

int crossing_wait_for(unsigned what, void *object, int64_t timeout_ms)
{
    return (int)await(what, object, timeout_ms);
}
