/* The inside of controllers and their transactions. */
#ifndef AMQPCI_CLIENT_CONTROLLER_H
#define AMQPCI_CLIENT_CONTROLLER_H

#include <amqpcodec/controller.h>

#include "client/sender.h"

typedef enum amqpci_transaction_phase {
    AMQPCI_TRANSACTION_NEW = 0, /* to be declared */
    AMQPCI_TRANSACTION_DECLARING = 1,
    AMQPCI_TRANSACTION_DECLARED = 2, /* to be discharged, where that is asked for */
    AMQPCI_TRANSACTION_DISCHARGING = 3,
    AMQPCI_TRANSACTION_OVER = 4
} amqpci_transaction_phase;

/* request       context of the declare, or discharge, that has no answer yet
 * is_asked      the program has asked for the discharge
 * fails         and for one that rolls back
 * is_abandoned  the program has freed it: it goes when it is over
 * id            the transaction-id, its own; empty before it is declared
 * error         why it is over without being discharged; its status is AMQPC_OK where there is no
 *               such reason */
struct amqpc_transaction {
    amqpc_controller *controller;
    amqpc_transaction *next;
    uint64_t request;
    uint8_t phase; /* amqpci_transaction_phase */
    bool is_asked;
    bool fails;
    bool is_abandoned;
    amqpc_bytes id;
    amqpc_client_error error;
};

/* attachment  of the link, with which all transactions were declared that are declared */
struct amqpc_controller {
    amqpc_client *client;
    amqpc_controller *next;
    amqpc_sender *sender;
    amqpc_transaction *transactions;
    uint32_t attachment;
    uint64_t last_request;
};

/* --- controller.c: with the mutex held. */

void amqpci_controller_destroy(amqpc_controller *controller);

/* --- transaction.c: with the mutex held. */

/* Sends declares and discharges, as far as the link takes them. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_controller_send_due(amqpc_controller *controller);

/* An amqpci_client_link's notify: the link has brought answers, or is attached no more. */
void amqpci_controller_take_news(void *owner);

void amqpci_transaction_destroy(amqpc_transaction *transaction);

/* Whether work can be done in the transaction: AMQPC_OK; AMQPC_NOT_FOUND where it is not declared
 * yet; otherwise as amqpc_transaction_wait_declared. */
AMQPC_CHECK amqpc_status amqpci_transaction_check(const amqpc_transaction *transaction);

/* Waits until it is declared. Statuses of amqpc_transaction_wait_declared. */
AMQPC_CHECK amqpc_status amqpci_transaction_wait(amqpc_transaction *transaction,
                                                 uint64_t deadline_ms);

#endif
