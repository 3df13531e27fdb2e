/* Receives messages from a queue, and prints their texts, until none has come for a while.
 *
 *     client_receive URL ADDRESS */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64, QUIET_MS = 500 };

/* Prints a message whose body is a text. */
static void print(const amqpc_delivery *delivery)
{
    amqpc_message message;
    amqpc_status status =
        amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL, &message, NULL);
    if (status != AMQPC_OK) {
        printf("no message: %s\n", amqpc_status_text(status));
    } else if (message.body_kind == AMQPC_BODY_VALUE && message.body.type == AMQPC_TYPE_STRING) {
        printf("%.*s\n", (int)message.body.as.bytes.size, (const char *)message.body.as.bytes.data);
    } else {
        printf("a message of %zu bytes\n", delivery->payload.size);
    }
}

int main(int argument_count, char **arguments)
{
    amqpc_client *client = NULL;
    amqpc_client_error error;
    amqpc_receiver *receiver = NULL;
    amqpc_status status = AMQPC_INVALID_ARGUMENT;
    if (argument_count != 3) {
        fprintf(stderr, "Usage: client_receive URL ADDRESS\n");
        return 2;
    }
    if (amqpc_client_new(arguments[1], NULL, &client, &error) != AMQPC_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    status = amqpc_receiver_new(client, arguments[2], NULL, &receiver);
    if (status == AMQPC_OK) {
        status = amqpc_receiver_wait_open(receiver, 10000);
    }
    while (status == AMQPC_OK) {
        amqpc_delivery deliveries[BATCH];
        size_t count = 0;
        status = amqpc_receiver_receive(receiver, deliveries, BATCH, QUIET_MS, &count);
        for (size_t i = 0; i < count; i++) {
            print(&deliveries[i]);
        }
        if (status == AMQPC_OK) {
            /* All of the batch at once. AMQPC_NOT_FOUND: the connection was lost meanwhile, and the
             * peer sends them again. */
            status = amqpc_receiver_settle(receiver, deliveries[0].number,
                                           deliveries[count - 1].number, AMQPC_COMPOSITE_ACCEPTED);
            status = status == AMQPC_NOT_FOUND ? AMQPC_OK : status;
        }
        amqpc_deliveries_release(deliveries, count);
    }
    if (status == AMQPC_TIMED_OUT) {
        status = amqpc_client_close(client, 10000);
    }
    if (status != AMQPC_OK) {
        fprintf(stderr, "%s\n", amqpc_status_text(status));
    }
    amqpc_client_free(client);
    return status == AMQPC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
