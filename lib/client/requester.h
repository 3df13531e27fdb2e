/* The inside of a requester. */
#ifndef AMQPCI_CLIENT_REQUESTER_H
#define AMQPCI_CLIENT_REQUESTER_H

#include <amqpcodec/requester.h>

#include "client/receiver.h"
#include "client/sender.h"

/* One request that is open.
 *
 * id          context of its post, and its message-id where it has none of its own
 * own_id      its own message-id, encoded; NULL for none
 * attachment  of the receiver, when it was sent: with the node of another one no reply can come
 * is_done     there is a reply, or none will come, for `status` */
typedef struct amqpci_request {
    uint64_t id;
    amqpc_buffer *own_id;
    uint32_t attachment;
    bool is_done;
    amqpc_status status;
    amqpc_delivery reply;
} amqpci_request;

/* requests  in the order of their ids */
struct amqpc_requester {
    amqpc_client *client;
    amqpc_requester *next;
    amqpc_sender *sender;
    amqpc_receiver *receiver;
    amqpci_request **requests;
    size_t request_count;
    size_t request_capacity;
    uint64_t last_id;
};

/* Frees it, with the mutex held. */
void amqpci_requester_destroy(amqpc_requester *requester);

#endif
