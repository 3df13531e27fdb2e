/* What the files about settlement share. */
#ifndef AMQPCI_ENGINE_SETTLEMENT_H
#define AMQPCI_ENGINE_SETTLEMENT_H

#include "engine/link.h"

/* The type of a state, as a delivery keeps it: 0 for none, AMQPCI_STATE_OTHER for one of another
 * type. */
uint8_t amqpci_state_code(const amqpc_value *state);

/* A state that ends a delivery (AMQP 3.4): accepted, rejected, released, modified, declared. */
bool amqpci_is_outcome(uint8_t state_code);

/* --- suspension.c */

/* Adds at the end; false where there is no memory. */
bool amqpci_suspended_add(amqpc_link *link, amqpci_delivery *delivery);

#endif
