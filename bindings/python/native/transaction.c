/* Transactions, and what is settled in them. */
#include <stdatomic.h>
#include <stdlib.h>

#include "crossing_client.h"

struct crossing_controller {
    crossing_client *client;
    amqpc_controller *controller;
    atomic_uint users;
};

crossing_controller *crossing_controller_new(crossing_client *client, int *status)
{
    crossing_controller *made = (crossing_controller *)calloc(1, sizeof *made);
    if (made == NULL) {
        *status = AMQPC_NO_MEMORY;
        return NULL;
    }
    *status = (int)amqpc_controller_new(crossing_client_get(client), NULL, &made->controller);
    if (*status != AMQPC_OK) {
        free(made);
        return NULL;
    }
    atomic_init(&made->users, 1);
    made->client = crossing_client_use(client);
    return made;
}

amqpc_controller *crossing_controller_get(const crossing_controller *controller)
{
    return controller->controller;
}

void crossing_controller_drop(crossing_controller *controller)
{
    if (atomic_fetch_sub(&controller->users, 1) == 1) {
        amqpc_controller_free(controller->controller);
        crossing_client_drop(controller->client);
        free(controller);
    }
}

crossing_transaction *crossing_transaction_new(crossing_controller *controller, int *status)
{
    crossing_transaction *made = (crossing_transaction *)calloc(1, sizeof *made);
    if (made == NULL) {
        *status = AMQPC_NO_MEMORY;
        return NULL;
    }
    *status = (int)amqpc_transaction_new(controller->controller, &made->transaction);
    if (*status != AMQPC_OK) {
        free(made);
        return NULL;
    }
    (void)atomic_fetch_add(&controller->users, 1);
    made->controller = controller;
    return made;
}

void crossing_transaction_free(crossing_transaction *transaction)
{
    amqpc_transaction_free(transaction->transaction);
    crossing_controller_drop(transaction->controller);
    free(transaction);
}

int crossing_update_in(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                       amqpc_transaction *transaction, const void *outcome, size_t size)
{
    amqpc_value value;
    amqpc_status status = amqpc_value_decode(outcome, size, NULL, &value, NULL);
    if (status != AMQPC_OK) {
        return (int)status;
    }
    return (int)amqpc_receiver_update_in(receiver, first, last, transaction, &value);
}
