/* SASL on a connection: frames in and out, and the application's answers (AMQP 5.3). */
#include "engine/connection.h"

/* What follows from SASL's progress: events, the AMQP header, or the end. */
static amqpc_status follow(amqpc_connection *connection)
{
    amqpc_sasl_question question;
    amqpc_status status = amqpci_connection_write_sasl(connection);
    if (status != AMQPC_OK) {
        return status;
    }
    switch (amqpci_sasl_get_progress(connection->sasl)) {
    case AMQPCI_SASL_PASSED:
        connection->expect_header = true;
        connection->gate_open = connection->gate_open || connection->role == AMQPC_CLIENT;
        amqpci_connection_raise(connection, AMQPC_EVENT_SASL_OUTCOME);
        break;
    case AMQPCI_SASL_FAILED:
        return amqpci_sasl_get_status(connection->sasl);
    default:
        if (amqpci_sasl_get_question(connection->sasl, &question)) {
            amqpci_connection_raise(connection, AMQPC_EVENT_SASL);
        }
        break;
    }
    return AMQPC_OK;
}

amqpc_status amqpci_connection_take_sasl(amqpc_connection *connection,
                                         const amqpc_performative *performative)
{
    /* Lack of memory here is as final as any other failure: what was to be sent is lost. */
    amqpc_status taken = amqpci_sasl_input(connection->sasl, performative);
    amqpc_status status = follow(connection);
    if (taken == AMQPC_NO_MEMORY || status == AMQPC_NO_MEMORY) {
        amqpci_connection_fail(connection, AMQPC_NO_MEMORY);
        return AMQPC_NO_MEMORY;
    }
    return status;
}

/* After an answer of the application. A failure is one of the connection; the answer itself was
 * taken. */
static amqpc_status answered(amqpc_connection *connection, amqpc_status status)
{
    if (status != AMQPC_OK) {
        return status;
    }
    status = follow(connection);
    if (status != AMQPC_OK) {
        amqpci_connection_fail(connection, status);
    } else {
        /* What a client has sent ahead. Its faults are told by events; memory that was short is
         * asked for again with the next input. */
        amqpc_status parsed = amqpci_connection_parse(connection);
        (void)parsed;
    }
    return status == AMQPC_NO_MEMORY ? status : AMQPC_OK;
}

static bool is_asking(const amqpc_connection *connection)
{
    return connection->sasl != NULL && connection->failure == AMQPC_OK && !connection->input_ended;
}

amqpc_status amqpc_sasl_question_get(const amqpc_connection *connection,
                                     amqpc_sasl_question *question)
{
    return is_asking(connection) && amqpci_sasl_get_question(connection->sasl, question)
               ? AMQPC_OK
               : AMQPC_NOT_FOUND;
}

amqpc_status amqpc_sasl_finish(amqpc_connection *connection, unsigned code,
                               amqpc_bytes additional_data)
{
    if (!is_asking(connection)) {
        return AMQPC_INVALID_STATE;
    }
    return answered(connection, amqpci_sasl_finish(connection->sasl, code, additional_data));
}

amqpc_status amqpc_sasl_give_verifier(amqpc_connection *connection,
                                      const amqpc_sasl_verifier *verifier)
{
    if (!is_asking(connection)) {
        return AMQPC_INVALID_STATE;
    }
    return answered(connection, amqpci_sasl_give_verifier(connection->sasl, verifier));
}

amqpc_status amqpc_sasl_send_challenge(amqpc_connection *connection, amqpc_bytes data)
{
    if (!is_asking(connection)) {
        return AMQPC_INVALID_STATE;
    }
    return answered(connection, amqpci_sasl_challenge(connection->sasl, data));
}

amqpc_status amqpc_sasl_send_response(amqpc_connection *connection, amqpc_bytes data)
{
    if (!is_asking(connection)) {
        return AMQPC_INVALID_STATE;
    }
    return answered(connection, amqpci_sasl_respond(connection->sasl, data));
}

amqpc_bytes amqpc_sasl_mechanism(const amqpc_connection *connection)
{
    return connection->sasl == NULL ? (amqpc_bytes){NULL, 0}
                                    : amqpci_sasl_get_mechanism(connection->sasl);
}

amqpc_bytes amqpc_sasl_identity(const amqpc_connection *connection)
{
    return connection->sasl == NULL ? (amqpc_bytes){NULL, 0}
                                    : amqpci_sasl_get_identity(connection->sasl);
}
