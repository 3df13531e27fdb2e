/* What a sender does of a delivery that was unsettled when its link was suspended (AMQP 2.6.13,
 * 3.4.6).
 *
 * The source's state is what this end knows; the target's is what the receiver's map says. The
 * numbers are those of the deliveries in the example of AMQP 3.4.6. */
#include "engine/recovery.h"
#include "engine/settlement.h"

amqpci_standing amqpci_standing_of(uint8_t state_code)
{
    if (state_code == AMQPC_COMPOSITE_NONE) {
        return AMQPCI_STANDING_NONE;
    }
    if (state_code == AMQPC_COMPOSITE_RECEIVED) {
        return AMQPCI_STANDING_RECEIVED;
    }
    return amqpci_is_outcome(state_code) ? AMQPCI_STANDING_OUTCOME : AMQPCI_STANDING_PROVISIONAL;
}

/* By source and target. A delivery that was posted in a transaction is never sent again: the
 * transaction is hardly there any more, and outside it must not be sent (AMQP 4.4.1). */
static const uint8_t decisions[AMQPCI_STANDING_COUNT][AMQPCI_STANDING_COUNT] = {
    [AMQPCI_STANDING_NONE] =
        {
            [AMQPCI_STANDING_ABSENT] = AMQPCI_REMEDY_SEND,       /* 1 */
            [AMQPCI_STANDING_NONE] = AMQPCI_REMEDY_RESUME,       /* 4 */
            [AMQPCI_STANDING_RECEIVED] = AMQPCI_REMEDY_CONTINUE, /* 2 */
            [AMQPCI_STANDING_OUTCOME] = AMQPCI_REMEDY_TELL,      /* 3 */
            [AMQPCI_STANDING_PROVISIONAL] =
                AMQPCI_REMEDY_RESUME, /* what it is worth is told later */
        },
    [AMQPCI_STANDING_RECEIVED] =
        {
            [AMQPCI_STANDING_ABSENT] = AMQPCI_REMEDY_SEND,       /* 5 */
            [AMQPCI_STANDING_NONE] = AMQPCI_REMEDY_ABORT,        /* 9 */
            [AMQPCI_STANDING_RECEIVED] = AMQPCI_REMEDY_CONTINUE, /* 6, 7 */
            [AMQPCI_STANDING_OUTCOME] = AMQPCI_REMEDY_TELL,      /* 8 */
            [AMQPCI_STANDING_PROVISIONAL] = AMQPCI_REMEDY_ABORT,
        },
    [AMQPCI_STANDING_OUTCOME] =
        {
            [AMQPCI_STANDING_ABSENT] = AMQPCI_REMEDY_FORGET,  /* 10 */
            [AMQPCI_STANDING_NONE] = AMQPCI_REMEDY_ABORT,     /* 14 */
            [AMQPCI_STANDING_RECEIVED] = AMQPCI_REMEDY_ABORT, /* 11 */
            [AMQPCI_STANDING_OUTCOME] = AMQPCI_REMEDY_TELL,   /* 12, 13 */
            [AMQPCI_STANDING_PROVISIONAL] = AMQPCI_REMEDY_ABORT,
        },
    [AMQPCI_STANDING_PROVISIONAL] =
        {
            [AMQPCI_STANDING_ABSENT] = AMQPCI_REMEDY_FORGET,
            [AMQPCI_STANDING_NONE] = AMQPCI_REMEDY_ABORT,
            [AMQPCI_STANDING_RECEIVED] = AMQPCI_REMEDY_ABORT,
            [AMQPCI_STANDING_OUTCOME] = AMQPCI_REMEDY_TELL,
            [AMQPCI_STANDING_PROVISIONAL] = AMQPCI_REMEDY_ABORT,
        },
};

amqpci_remedy amqpci_recovery_decide(amqpci_standing source, amqpci_standing target,
                                     bool payload_kept)
{
    amqpci_remedy remedy = (amqpci_remedy)decisions[source][target];
    bool sends = remedy == AMQPCI_REMEDY_SEND || remedy == AMQPCI_REMEDY_RESUME ||
                 remedy == AMQPCI_REMEDY_CONTINUE;
    if (!sends || payload_kept) {
        return remedy;
    }
    return target == AMQPCI_STANDING_ABSENT ? AMQPCI_REMEDY_FORGET : AMQPCI_REMEDY_ABORT;
}
