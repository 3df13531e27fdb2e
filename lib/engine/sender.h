/* What the files of a sender share. */
#ifndef AMQPCI_ENGINE_SENDER_H
#define AMQPCI_ENGINE_SENDER_H

#include "engine/link.h"

/* --- sender.c */

/* The caller's options, or the defaults. */
amqpc_send_options amqpci_sender_options(const amqpc_link *link, const amqpc_send_options *options);

/* Checks whether the link takes a delivery of `size` bytes, makes it, and puts it into the index
 * where it is unsettled. Statuses of amqpc_link_send. */
AMQPC_CHECK amqpc_status amqpci_sender_make(amqpc_link *link, const amqpc_send_options *options,
                                            uint32_t size, amqpci_delivery **delivery);

/* Takes back what amqpci_sender_make did. */
void amqpci_sender_unmake(amqpc_link *link, amqpci_delivery *delivery);

/* Counts a delivery that was begun: credit, delivery-count, delivery-id. */
void amqpci_sender_count(amqpc_link *link);

/* The delivery's payload lies in the slab, and holds it. */
AMQPCI_INLINE void amqpci_sender_point_to(amqpci_delivery *delivery, amqpci_output_slab *slab,
                                          const uint8_t *payload)
{
    delivery->as.out.slab = slab;
    delivery->as.out.offset = (uint32_t)(payload - slab->data);
    amqpci_output_slab_hold(slab);
}

/* --- sender_frames.c */

/* Writes one frame of the delivery; the window is open. AMQPC_NO_MEMORY, AMQPC_FRAME_TOO_LARGE. */
AMQPC_CHECK amqpc_status amqpci_sender_write_frame(amqpc_session *session,
                                                   amqpci_delivery *delivery);

/* --- sender_payload.c */

/* Keeps what most deliveries do not have: a tag of the application's, a format, a mode. False where
 * there is no memory. */
bool amqpci_sender_set_rare(amqpci_delivery_store *store, amqpci_delivery *delivery,
                            const amqpc_send_options *options);

/* Keeps a copy of the state that the application gave a delivery that was just made: every frame
 * of it says the state, and frames may wait. AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT for what is no
 * state, or would leave too little of a frame to the payload. */
AMQPC_CHECK amqpc_status amqpci_sender_keep_state(amqpc_link *link, amqpci_delivery *delivery,
                                                  const amqpc_value *state);

/* The state that frames of the delivery say. False where there is none. */
bool amqpci_sender_state(const amqpci_delivery *delivery, amqpc_value *state);

/* No more frames of the delivery will be written: what was lent is given back when those that wait
 * have gone out, or is free already. */
void amqpci_sender_cut_payload(amqpc_connection *connection, amqpci_delivery *delivery);

#endif
