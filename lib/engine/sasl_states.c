/* The states of SASL (AMQP 5.3.2).
 *
 *      client                      server
 *                     <-- mechanisms
 *      init -->
 *                     <-- challenge      as often
 *      response -->                      as the mechanism wants
 *                     <-- outcome
 *
 * One table for each end. A line is a state; its columns are, in the order of amqpci_sasl_event,
 * what is received (mechanisms, init, challenge, response, outcome, other) and what this end does
 * (answer, sent, accept, refuse). */
#include "engine/sasl_states.h"

#include <assert.h>

typedef struct transition {
    uint8_t next; /* amqpci_sasl_state */
    uint16_t status;
} transition;

#define TO(state)                                                                                  \
    {                                                                                              \
        AMQPCI_SASL_STATE_##state, AMQPC_OK                                                        \
    }
#define STAY(state)                                                                                \
    {                                                                                              \
        AMQPCI_SASL_STATE_##state, AMQPC_INVALID_STATE                                             \
    }
#define FAULT                                                                                      \
    {                                                                                              \
        AMQPCI_SASL_STATE_FAILED, AMQPC_SASL_BAD_SEQUENCE                                          \
    }

/* clang-format off */
static const transition client_table[AMQPCI_SASL_STATES][AMQPCI_SASL_EVENTS] = {
    [AMQPCI_SASL_STATE_START] = {
        TO(DECIDING), FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(START), STAY(START), STAY(START), STAY(START)},
    [AMQPCI_SASL_STATE_DECIDING] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        TO(ANSWERING), STAY(DECIDING), STAY(DECIDING), TO(FAILED)},
    [AMQPCI_SASL_STATE_ANSWERING] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(ANSWERING), TO(WAITING), STAY(ANSWERING), STAY(ANSWERING)},
    [AMQPCI_SASL_STATE_WAITING] = {
        FAULT, FAULT, TO(DECIDING), FAULT, TO(OUTCOME), FAULT,
        STAY(WAITING), STAY(WAITING), STAY(WAITING), STAY(WAITING)},
    [AMQPCI_SASL_STATE_OUTCOME] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(OUTCOME), STAY(OUTCOME), TO(PASSED), TO(FAILED)},
    [AMQPCI_SASL_STATE_PASSED] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(PASSED), STAY(PASSED), STAY(PASSED), STAY(PASSED)},
    [AMQPCI_SASL_STATE_FAILED] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(FAILED), STAY(FAILED), STAY(FAILED), STAY(FAILED)},
};

/* A client need not wait for the mechanisms: init may come before they were sent. */
static const transition server_table[AMQPCI_SASL_STATES][AMQPCI_SASL_EVENTS] = {
    [AMQPCI_SASL_STATE_START] = {
        FAULT, TO(DECIDING), FAULT, FAULT, FAULT, FAULT,
        STAY(START), STAY(START), STAY(START), STAY(START)},
    [AMQPCI_SASL_STATE_DECIDING] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        TO(ANSWERING), STAY(DECIDING), TO(OUTCOME), TO(FAILED)},
    [AMQPCI_SASL_STATE_ANSWERING] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(ANSWERING), TO(WAITING), STAY(ANSWERING), STAY(ANSWERING)},
    [AMQPCI_SASL_STATE_WAITING] = {
        FAULT, FAULT, FAULT, TO(DECIDING), FAULT, FAULT,
        STAY(WAITING), STAY(WAITING), STAY(WAITING), STAY(WAITING)},
    [AMQPCI_SASL_STATE_OUTCOME] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(OUTCOME), TO(PASSED), STAY(OUTCOME), STAY(OUTCOME)},
    [AMQPCI_SASL_STATE_PASSED] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(PASSED), STAY(PASSED), STAY(PASSED), STAY(PASSED)},
    /* A server sends the outcome, not ok, after it has failed. */
    [AMQPCI_SASL_STATE_FAILED] = {
        FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
        STAY(FAILED), TO(FAILED), STAY(FAILED), STAY(FAILED)},
};
/* clang-format on */

amqpc_status amqpci_sasl_change(bool server, amqpci_sasl_state *state, amqpci_sasl_event event)
{
    assert((unsigned)*state < AMQPCI_SASL_STATES);
    assert((unsigned)event < AMQPCI_SASL_EVENTS);
    const transition *found = server ? &server_table[*state][event] : &client_table[*state][event];
    *state = (amqpci_sasl_state)found->next;
    return (amqpc_status)found->status;
}
