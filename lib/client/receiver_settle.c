/* Settling what was received (AMQP 2.6.12, 3.4), also in a transaction (AMQP 4.4.2). */
#include <amqpcodec/transaction.h>

#include "client/controller.h"
#include "client/receiver.h"
#include "engine/link.h"

/* Begins a call that settles: AMQPC_NOT_FOUND, without the mutex, where there is nothing to settle.
 */
static amqpc_status begin(amqpc_receiver *receiver)
{
    amqpc_status status = amqpci_client_enter(receiver->base.client);
    if (status == AMQPC_OK && receiver->base.link == NULL) {
        amqpci_client_leave(receiver->base.client);
        status = AMQPC_NOT_FOUND;
    }
    return status;
}

static amqpc_status end(amqpc_receiver *receiver, amqpc_status status)
{
    if (status == AMQPC_OK) {
        amqpci_client_send_soon(receiver->base.client);
    }
    amqpci_client_leave(receiver->base.client);
    return status;
}

amqpc_status amqpc_receiver_settle(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                                   uint32_t state_type)
{
    amqpc_status status = begin(receiver);
    return status == AMQPC_OK
               ? end(receiver, amqpc_link_settle(receiver->base.link, first, last, state_type))
               : status;
}

/* One that came settled has nothing to settle: that is no mistake. */
static amqpc_status settle_one(amqpc_receiver *receiver, const amqpc_delivery *delivery,
                               uint32_t state_type)
{
    return delivery->settled
               ? AMQPC_OK
               : amqpc_receiver_settle(receiver, delivery->number, delivery->number, state_type);
}

amqpc_status amqpc_receiver_accept(amqpc_receiver *receiver, const amqpc_delivery *delivery)
{
    return settle_one(receiver, delivery, AMQPC_COMPOSITE_ACCEPTED);
}

amqpc_status amqpc_receiver_release(amqpc_receiver *receiver, const amqpc_delivery *delivery)
{
    return settle_one(receiver, delivery, AMQPC_COMPOSITE_RELEASED);
}

amqpc_status amqpc_receiver_reject(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                                   const amqpc_error *error)
{
    amqpc_status status = begin(receiver);
    return status == AMQPC_OK
               ? end(receiver, amqpc_link_reject(receiver->base.link, first, last, error))
               : status;
}

amqpc_status amqpc_receiver_modify(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                                   const amqpc_modified *modified)
{
    amqpc_status status = begin(receiver);
    return status == AMQPC_OK
               ? end(receiver, amqpc_link_modify(receiver->base.link, first, last, modified))
               : status;
}

amqpc_status amqpc_receiver_update(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                                   const amqpc_value *state, bool settled)
{
    amqpc_status status = begin(receiver);
    return status == AMQPC_OK
               ? end(receiver, amqpc_link_update(receiver->base.link, first, last, state, settled))
               : status;
}

/* --- In a transaction. */

/* The disposition goes out before the discharge, whatever waits. */
static amqpc_status update_in(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                              const amqpc_transaction *transaction, uint32_t state_type,
                              const amqpc_value *outcome)
{
    amqpc_transaction_state state;
    if (transaction->controller->client != receiver->base.client) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_transaction_check(transaction);
    if (status != AMQPC_OK) {
        return status == AMQPC_NOT_FOUND ? AMQPC_INVALID_STATE : status;
    }
    if (outcome != NULL) {
        amqpc_transaction_state_init_outcome(&state, transaction->id, outcome);
    } else {
        amqpc_transaction_state_init(&state, transaction->id, state_type);
    }
    return amqpc_link_update(receiver->base.link, first, last, &state.value, true);
}

amqpc_status amqpc_receiver_settle_in(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                                      amqpc_transaction *transaction, uint32_t state_type)
{
    if (state_type < AMQPC_COMPOSITE_ACCEPTED || state_type > AMQPC_COMPOSITE_MODIFIED) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = begin(receiver);
    return status == AMQPC_OK
               ? end(receiver, update_in(receiver, first, last, transaction, state_type, NULL))
               : status;
}

amqpc_status amqpc_receiver_update_in(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                                      amqpc_transaction *transaction, const amqpc_value *outcome)
{
    amqpc_status status = begin(receiver);
    return status == AMQPC_OK ? end(receiver, update_in(receiver, first, last, transaction,
                                                        AMQPC_COMPOSITE_NONE, outcome))
                              : status;
}
