/* Moves messages from one queue to another: each batch is sent and accepted in one transaction, so
 * that whatever happens a message is in one of the two.
 *
 *     client_transaction URL FROM TO */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>

enum { PATIENCE_MS = 10000, BATCH = 64 };

typedef struct mover {
    amqpc_client *client;
    amqpc_controller *controller;
    amqpc_receiver *receiver;
    amqpc_sender *sender;
} mover;

/* What is posted and accepted here counts when the transaction is committed, and not before. */
static amqpc_status work(const mover *self, amqpc_transaction *transaction,
                         const amqpc_delivery *deliveries, size_t count)
{
    amqpc_bytes payloads[BATCH];
    amqpc_completion completions[BATCH];
    size_t done = 0;
    amqpc_post_options options;
    amqpc_post_options_init(&options, sizeof options);
    options.transaction = transaction;
    for (size_t i = 0; i < count; i++) {
        payloads[i] = deliveries[i].payload;
    }
    amqpc_status status =
        amqpc_sender_post_with(self->sender, payloads, count, &options, 0, PATIENCE_MS, &done);
    if (status != AMQPC_OK) {
        return status;
    }
    for (size_t total = 0; total < count; total += done) {
        status = amqpc_sender_completions(self->sender, completions, BATCH, PATIENCE_MS, &done);
        if (status != AMQPC_OK) {
            return status;
        }
        for (size_t i = 0; i < done; i++) {
            if (completions[i].state_type != AMQPC_COMPOSITE_ACCEPTED) {
                return AMQPC_TRANSACTION_ROLLBACK; /* one was not taken: none is moved */
            }
        }
    }
    return amqpc_receiver_settle_in(self->receiver, deliveries[0].number,
                                    deliveries[count - 1].number, transaction,
                                    AMQPC_COMPOSITE_ACCEPTED);
}

static amqpc_status move_batch(const mover *self, const amqpc_delivery *deliveries, size_t count)
{
    amqpc_transaction *transaction = NULL;
    amqpc_status status = amqpc_transaction_new(self->controller, &transaction);
    if (status != AMQPC_OK) {
        return status;
    }
    status = work(self, transaction, deliveries, count);
    if (status == AMQPC_OK) {
        status = amqpc_transaction_discharge(transaction, false, PATIENCE_MS);
    }
    amqpc_transaction_free(transaction); /* rolls back, where it is not discharged */
    return status;
}

/* Until no more messages come. */
static amqpc_status move_all(const mover *self, size_t *moved)
{
    for (;;) {
        amqpc_delivery deliveries[BATCH];
        size_t count = 0;
        amqpc_status status =
            amqpc_receiver_receive(self->receiver, deliveries, BATCH, 1000, &count);
        if (status == AMQPC_TIMED_OUT) {
            return AMQPC_OK;
        }
        if (status == AMQPC_OK) {
            status = move_batch(self, deliveries, count);
            amqpc_deliveries_release(deliveries, count);
        }
        if (status != AMQPC_OK) {
            return status;
        }
        *moved += count;
    }
}

static amqpc_status make(mover *self, char **arguments)
{
    amqpc_status status = amqpc_controller_new(self->client, NULL, &self->controller);
    if (status == AMQPC_OK) {
        status = amqpc_receiver_new(self->client, arguments[2], NULL, &self->receiver);
    }
    if (status == AMQPC_OK) {
        status = amqpc_sender_new(self->client, arguments[3], NULL, &self->sender);
    }
    return status == AMQPC_OK ? amqpc_controller_wait_open(self->controller, PATIENCE_MS) : status;
}

int main(int argument_count, char **arguments)
{
    mover self;
    amqpc_client_error error;
    size_t moved = 0;
    if (argument_count != 4) {
        fprintf(stderr, "Usage: client_transaction URL FROM TO\n");
        return 2;
    }
    if (amqpc_client_new(arguments[1], NULL, &self.client, &error) != AMQPC_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    amqpc_status status = make(&self, arguments);
    if (status == AMQPC_OK) {
        status = move_all(&self, &moved);
    }
    if (status == AMQPC_OK) {
        status = amqpc_client_close(self.client, PATIENCE_MS);
    }
    printf("%zu messages moved: %s\n", moved, amqpc_status_text(status));
    amqpc_client_free(self.client);
    return status == AMQPC_OK ? 0 : 1;
}
