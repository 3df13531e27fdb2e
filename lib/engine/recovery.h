/* What the files about the recovery of links share (AMQP 2.6.13, 3.4.6). */
#ifndef AMQPCI_ENGINE_RECOVERY_H
#define AMQPCI_ENGINE_RECOVERY_H

#include "engine/link.h"

/* --- recovery_decision.c */

/* How the state of a delivery counts, where its link is attached again. */
typedef enum amqpci_standing {
    AMQPCI_STANDING_ABSENT = 0,      /* not in the map: unknown, or settled */
    AMQPCI_STANDING_NONE = 1,        /* null: unsettled, with no state */
    AMQPCI_STANDING_RECEIVED = 2,    /* AMQP 3.4.1 */
    AMQPCI_STANDING_OUTCOME = 3,     /* a terminal state */
    AMQPCI_STANDING_PROVISIONAL = 4, /* of a transaction, or of a type that is not known */
    AMQPCI_STANDING_COUNT = 5
} amqpci_standing;

/* What the sender does. */
typedef enum amqpci_remedy {
    AMQPCI_REMEDY_WAIT = 0,     /* it stays suspended */
    AMQPCI_REMEDY_SEND = 1,     /* is sent as if it were the first time */
    AMQPCI_REMEDY_RESUME = 2,   /* is sent again, resumed */
    AMQPCI_REMEDY_CONTINUE = 3, /* is resumed, where its source can send from there on */
    AMQPCI_REMEDY_TELL = 4,     /* is over; the receiver is told so */
    AMQPCI_REMEDY_ABORT = 5,    /* is over; the receiver is told that nothing more will come */
    AMQPCI_REMEDY_FORGET = 6    /* is over for both */
} amqpci_remedy;

amqpci_standing amqpci_standing_of(uint8_t state_code);

/* The decision table. payload_kept: the source can send it again. */
amqpci_remedy amqpci_recovery_decide(amqpci_standing source, amqpci_standing target,
                                     bool payload_kept);

/* --- recovery_map.c */

/* The tags of all that is suspended, in order, so that they can be looked up. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_suspended_sort_tags(amqpc_link *link);
void amqpci_suspended_forget_tags(amqpc_link *link);

/* The position of a tag, or UINT32_MAX; where it was taken out, there is NULL. */
uint32_t amqpci_suspended_find(const amqpci_suspended *suspended, amqpc_bytes tag);

/* What the delivery's state is, as its end sees it: a sender goes by the outcome that it knows. */
uint8_t amqpci_recovery_state(const amqpci_delivery *delivery, bool role);

/* The state, encoded: of size 0 for none. A state without fields is made in `storage`. */
amqpc_bytes amqpci_recovery_encoded_state(const amqpci_delivery *delivery, bool remote,
                                          uint8_t storage[4]);

/* --- recovery_receive.c */

/* Receiver: the sender has settled the delivery, or forgotten it. It is in no list of the link's
 * but that of the unread, and of the updates. */
void amqpci_recovery_end_received(amqpc_link *link, amqpci_delivery *delivery);

/* --- suspension.c */

/* Makes room for so many in all; false where there is no memory. */
bool amqpci_suspended_reserve(amqpc_link *link, uint32_t count);

#endif
