/* The inside of a receiver. */
#ifndef AMQPCI_CLIENT_RECEIVER_H
#define AMQPCI_CLIENT_RECEIVER_H

#include <amqpcodec/receiver.h>

#include "client/client_link.h"

/* Deliveries that were taken from a link that is gone, for the program. */
typedef struct amqpci_kept_deliveries {
    amqpc_delivery *items;
    size_t first;
    size_t count;
    size_t capacity;
} amqpci_kept_deliveries;

/* granted      without prefetch: credit by hand of this attachment, used or not; what was left of
 * it goes on to the next first_count  delivery-count with which the attachment began is_counting
 * the link was attached, and has not begun the next attachment is_draining  the credit is to be
 * used up or given back */
struct amqpc_receiver {
    amqpci_client_link base; /* first */
    amqpci_kept_deliveries kept;
    uint64_t message_size;
    uint64_t granted;
    uint32_t prefetch;
    uint32_t first_count;
    bool is_counting;
    bool is_draining;
};

/* What the sender settled is of no interest to programs. */
void amqpci_receiver_drop_updates(amqpc_receiver *receiver);

/* Takes deliveries that are there; gives how many. */
size_t amqpci_receiver_take(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t capacity);

/* Whether there is something to take, or will never be. An amqpci_condition. */
bool amqpci_receiver_has_news(const void *object);

/* Makes a receiver. */
AMQPC_CHECK amqpc_status amqpci_receiver_make(amqpc_client *client, const char *address,
                                              const amqpc_receiver_options *options,
                                              amqpc_receiver **receiver);

#endif
