/* What the files of a sender share. */
#ifndef AMQPCI_ENGINE_SENDER_H
#define AMQPCI_ENGINE_SENDER_H

#include "engine/link.h"

/* --- sender.c */

/* Checks whether the link takes a delivery of `size` bytes, makes it, and puts it into the index
 * where it is unsettled. Statuses of amqpc_link_send. */
AMQPC_CHECK amqpc_status amqpci_sender_make(amqpc_link *link, const amqpc_send_options *options,
                                            uint32_t size, amqpci_delivery **delivery);

/* Takes back what amqpci_sender_make did. */
void amqpci_sender_unmake(amqpc_link *link, amqpci_delivery *delivery);

/* Counts a delivery that was begun: credit, delivery-count, delivery-id. */
void amqpci_sender_count(amqpc_link *link);

/* --- sender_frames.c */

/* Writes one frame of the delivery; the window is open. state: of its first frame, or NULL.
 * AMQPC_NO_MEMORY, AMQPC_FRAME_TOO_LARGE, AMQPC_INVALID_ARGUMENT. */
AMQPC_CHECK amqpc_status amqpci_sender_write_frame(amqpc_session *session,
                                                   amqpci_delivery *delivery,
                                                   const amqpc_value *state);

/* --- sender_payload.c */

/* Keeps what most deliveries do not have: a tag of the application's, a format, a mode. False where
 * there is no memory. */
bool amqpci_sender_set_rare(amqpci_delivery_store *store, amqpci_delivery *delivery,
                            const amqpc_send_options *options);

#endif
