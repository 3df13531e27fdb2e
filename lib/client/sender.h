/* The inside of a sender. */
#ifndef AMQPCI_CLIENT_SENDER_H
#define AMQPCI_CLIENT_SENDER_H

#include <amqpcodec/sender.h>

#include "client/client_link.h"
#include "client/completions.h"

/* One call of amqpc_sender_send, from the sending to the outcome.
 *
 * number        of the delivery
 * is_done       the outcome is there
 * is_abandoned  the caller has gone: the outcome is dropped when it comes */
typedef struct amqpci_send_wait {
    struct amqpci_send_wait *next;
    uint64_t number;
    bool is_done;
    bool is_abandoned;
    amqpc_outcome outcome;
} amqpci_send_wait;

/* posted       messages that were posted, and have no outcome yet
 * awaited      entries of waits that are not done
 * posters      callers that wait to send
 * has_borrowed a payload was posted without a copy
 * spare_waits  used again */
struct amqpc_sender {
    amqpci_client_link base; /* first */
    amqpc_send_options options;
    uint32_t guarantee;
    uint32_t window;
    uint32_t posted;
    uint32_t awaited;
    uint32_t posters;
    bool has_borrowed;
    amqpci_completions completions;
    amqpci_send_wait *waits;
    amqpci_send_wait *spare_waits;
};

/* --- sender.c */

/* Makes a sender. coordinator: as in amqpci_link_terms. */
AMQPC_CHECK amqpc_status amqpci_client_sender_make(amqpc_client *client, const char *address,
                                                   const amqpc_sender_options *options,
                                                   const char *coordinator, amqpc_sender **sender);

/* Whether nothing keeps a message from being sent now, or ever. An amqpci_condition. */
bool amqpci_sender_may_post(const void *object);

/* The receiver wants its credit used up or given back: it is given back, unless somebody waits to
 * send. */
void amqpci_sender_answer_drain(amqpc_sender *sender);

void amqpci_sender_take_flow(amqpc_sender *sender);

/* --- sender_post.c */

/* Posts a message; statuses of amqpc_sender_post. */
AMQPC_CHECK amqpc_status amqpci_sender_post(amqpc_sender *sender, const amqpc_message *message,
                                            uint64_t context, uint64_t deadline_ms);

/* --- sender_outcome.c */

/* Takes what the peer said of deliveries. */
void amqpci_sender_take_updates(amqpc_sender *sender);

/* The link is over: what has no outcome is unknown. */
void amqpci_sender_end_all(amqpc_sender *sender);

#endif
