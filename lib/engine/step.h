/* What a state table says of an input. */
#ifndef AMQPCI_ENGINE_STEP_H
#define AMQPCI_ENGINE_STEP_H

#include <stdint.h>

typedef enum amqpci_verdict {
    AMQPCI_REFUSE = 0,  /* received: a fault of the peer; to be sent: a fault of the caller */
    AMQPCI_PROCEED = 1, /* it counts; the state moves */
    AMQPCI_DISCARD = 2  /* it is dropped without a word; the state may move */
} amqpci_verdict;

/* next: the state after PROCEED and DISCARD. */
typedef struct amqpci_step {
    uint8_t verdict; /* amqpci_verdict */
    uint8_t next;
} amqpci_step;

#endif
