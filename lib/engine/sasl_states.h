/* The states of SASL, at either end: what may follow what (AMQP 5.3.2). */
#ifndef AMQPCI_ENGINE_SASL_STATES_H
#define AMQPCI_ENGINE_SASL_STATES_H

#include <amqpcodec/status.h>

typedef enum amqpci_sasl_state {
    AMQPCI_SASL_STATE_START = 0, /* client: sasl-mechanisms is to come; server: sasl-init is */
    AMQPCI_SASL_STATE_DECIDING =
        1, /* the next word is this end's: the engine's or the application's */
    AMQPCI_SASL_STATE_ANSWERING =
        2, /* that word is an init, response or challenge; it is not sent yet */
    AMQPCI_SASL_STATE_WAITING = 3, /* it has been sent; the next word is the peer's */
    AMQPCI_SASL_STATE_OUTCOME =
        4, /* client: it has come, and is looked at; server: ok, not sent yet */
    AMQPCI_SASL_STATE_PASSED = 5,
    AMQPCI_SASL_STATE_FAILED = 6
} amqpci_sasl_state;

enum { AMQPCI_SASL_STATES = 7 };

typedef enum amqpci_sasl_event {
    /* Received. */
    AMQPCI_SASL_EVENT_MECHANISMS = 0,
    AMQPCI_SASL_EVENT_INIT = 1,
    AMQPCI_SASL_EVENT_CHALLENGE = 2,
    AMQPCI_SASL_EVENT_RESPONSE = 3,
    AMQPCI_SASL_EVENT_OUTCOME = 4,
    AMQPCI_SASL_EVENT_OTHER = 5, /* an empty frame, or a performative of AMQP */
    /* Local. */
    AMQPCI_SASL_EVENT_ANSWER = 6, /* client: sends init or response; server: sends challenge */
    AMQPCI_SASL_EVENT_SENT = 7,   /* what was to be sent is */
    AMQPCI_SASL_EVENT_ACCEPT = 8, /* client: believes the outcome ok; server: sends outcome ok */
    AMQPCI_SASL_EVENT_REFUSE = 9  /* goes no further */
} amqpci_sasl_event;

enum { AMQPCI_SASL_EVENTS = 10 };

/* Follows the table of the end: the only place where a state changes.
 *
 * Returns AMQPC_OK; AMQPC_SASL_BAD_SEQUENCE for a performative that may not come now, the state is
 * AMQPCI_SASL_STATE_FAILED then; AMQPC_INVALID_STATE for a local event that may not be now, the
 * state stays. */
AMQPC_CHECK amqpc_status amqpci_sasl_change(bool server, amqpci_sasl_state *state,
                                            amqpci_sasl_event event);

#endif
