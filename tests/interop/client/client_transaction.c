/* The scenario of transactions (AMQP part 4). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <amqpcodec/controller.h>

#include "interop/client/client_peer.h"

enum { SIZE = 100, POSTED = 3 };

typedef struct work {
    amqpc_client *client;
    amqpc_controller *controller;
    amqpc_sender *sender;
    amqpc_receiver *receiver;
} work;

static void check_transaction(amqpc_transaction *transaction, amqpc_status status, const char *call)
{
    amqpc_client_error error;
    if (status != AMQPC_OK && amqpc_transaction_get_error(transaction, &error) == AMQPC_OK) {
        peer_check(status, error.text);
    }
    peer_check(status, call);
}

static amqpc_transaction *begin(const work *self)
{
    amqpc_transaction *transaction = NULL;
    peer_check(amqpc_transaction_new(self->controller, &transaction), "amqpc_transaction_new");
    check_transaction(transaction, amqpc_transaction_wait_declared(transaction, PEER_TIMEOUT_MS),
                      "amqpc_transaction_wait_declared");
    return transaction;
}

static void discharge(amqpc_transaction *transaction, bool fail)
{
    check_transaction(transaction, amqpc_transaction_discharge(transaction, fail, PEER_TIMEOUT_MS),
                      "amqpc_transaction_discharge");
    amqpc_transaction_free(transaction);
}

static void post_in_transaction(const work *self, uint32_t first, bool fail)
{
    amqpc_transaction *transaction = begin(self);
    amqpc_post_options how;
    amqpc_outcome outcome;
    amqpc_post_options_init(&how, sizeof how);
    how.transaction = transaction;
    for (uint32_t i = 0; i < POSTED; i++) {
        amqpc_bytes payload = peer_make_message(first + i, SIZE);
        peer_check_sender(
            self->sender,
            amqpc_sender_send_bytes_with(self->sender, payload, &how, PEER_TIMEOUT_MS, &outcome),
            "amqpc_sender_send_bytes_with");
        free((void *)payload.data);
        bool accepted = outcome.state_type == AMQPC_COMPOSITE_ACCEPTED && !outcome.unknown;
        peer_check(accepted ? AMQPC_OK : AMQPC_PEER_ERROR, "the outcome of a posting");
    }
    discharge(transaction, fail);
}

/* Receives one message and accepts it in a transaction; gives its number. */
static uint32_t retire_in_transaction(const work *self, bool fail)
{
    amqpc_delivery delivery;
    uint32_t number = 0;
    peer_check(amqpc_receiver_add_credit(self->receiver, 1), "amqpc_receiver_add_credit");
    peer_receive(self->receiver, &delivery, 1);
    bool whole = peer_read_message(delivery.payload, SIZE, &number);
    amqpc_transaction *transaction = begin(self);
    peer_check_receiver(self->receiver,
                        amqpc_receiver_settle_in(self->receiver, delivery.number, delivery.number,
                                                 transaction, AMQPC_COMPOSITE_ACCEPTED),
                        "amqpc_receiver_settle_in");
    amqpc_delivery_release(&delivery);
    discharge(transaction, fail);
    return whole ? number : UINT32_MAX;
}

/* Posts three messages that are rolled back, and three that are committed, of which one is retired,
 * at the second attempt: two stay. */
void scenario_transaction(const peer_options *options)
{
    work self = {.client = peer_connect(options)};
    peer_check(amqpc_controller_new(self.client, NULL, &self.controller), "amqpc_controller_new");
    peer_check_client(self.client, amqpc_controller_wait_open(self.controller, PEER_TIMEOUT_MS),
                      "amqpc_controller_wait_open");
    self.sender = peer_sender(self.client, options->address, options);
    self.receiver = peer_receiver(self.client, options->address, NULL);
    post_in_transaction(&self, 0, true);
    post_in_transaction(&self, POSTED, false);
    printf(",\"first\":%" PRIu32, retire_in_transaction(&self, true));
    printf(",\"retired\":%" PRIu32, retire_in_transaction(&self, false));
    peer_close(self.client);
}
