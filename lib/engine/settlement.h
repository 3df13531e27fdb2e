/* What the files about settlement share. */
#ifndef AMQPCI_ENGINE_SETTLEMENT_H
#define AMQPCI_ENGINE_SETTLEMENT_H

#include "engine/link.h"

/* The type of a state, as a delivery keeps it: 0 for none, AMQPCI_STATE_OTHER for one of another
 * type. */
uint8_t amqpci_state_code(const amqpc_value *state);

/* A state that ends a delivery (AMQP 3.4): accepted, rejected, released, modified, declared. */
bool amqpci_is_outcome(uint8_t state_code);

/* --- settlement.c */

/* A state that does not say more than its type. */
bool amqpci_is_plain_state(uint8_t state_code);

/* The state, encoded, with one reference, which is the caller's. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_settlement_encode_state(const amqpc_allocator *allocator,
                                                        const amqpc_value *state,
                                                        amqpci_shared_state **encoded);

/* Writes a disposition whose state has fields. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_session_write_disposition(amqpc_session *session,
                                                          const amqpci_range *range,
                                                          const amqpc_value *state);

#endif
