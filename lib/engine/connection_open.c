/* open and close: what the ends agree on, and how they part (AMQP 2.4.1, 2.4.3). */
#include "engine/session.h"

/* What this end says of itself, whatever the application wrote there. */
static void set_own_fields(const amqpc_connection *connection, amqpc_open *open)
{
    open->max_frame_size = connection->frame_size;
    open->channel_max =
        (uint16_t)(connection->limits.channels > UINT16_MAX ? UINT16_MAX
                                                            : connection->limits.channels - 1);
    open->present |= AMQPC_OPEN_MAX_FRAME_SIZE | AMQPC_OPEN_CHANNEL_MAX;
    open->present &= ~AMQPC_OPEN_IDLE_TIME_OUT;
    if (connection->idle_timeout_ms > 0) {
        /* Half of it, so that a peer that keeps to what it hears is never too late (AMQP 2.4.5). */
        open->idle_time_out =
            connection->idle_timeout_ms / 2 > 0 ? connection->idle_timeout_ms / 2 : 1;
        open->present |= AMQPC_OPEN_IDLE_TIME_OUT;
    }
}

/* Writes the header, where it is not, and open. */
static amqpc_status write_open(amqpc_connection *connection, const amqpc_open *open)
{
    amqpc_performative out = {.type = AMQPC_COMPOSITE_OPEN};
    out.as.open = *open;
    set_own_fields(connection, &out.as.open);
    amqpc_status status = amqpci_connection_write_header(connection);
    if (status == AMQPC_OK) {
        status = amqpci_connection_write(connection, 0, &out);
    }
    if (status == AMQPC_OK) {
        connection->open_sent = true;
        (void)amqpci_connection_advance(connection, AMQPCI_CONNECTION_SEND_OPEN);
    }
    return status;
}

amqpc_status amqpc_connection_open(amqpc_connection *connection, const amqpc_open *open)
{
    if (connection->open_sent || amqpci_connection_is_over(connection)) {
        return AMQPC_INVALID_STATE;
    }
    return write_open(connection, open);
}

amqpc_status amqpci_connection_write_minimal_open(amqpc_connection *connection)
{
    /* The container-id is mandatory, and may be empty. */
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"", 0}};
    return write_open(connection, &open);
}

static void disband_sessions(amqpc_connection *connection)
{
    for (amqpc_session *at = connection->first_session; at != NULL;) {
        amqpc_session *next = at->next;
        amqpci_session_disband(at);
        at = next;
    }
}

/* Dispositions and flows go before close. */
static amqpc_status write_due_of_all(amqpc_connection *connection)
{
    amqpc_status status = AMQPC_OK;
    for (amqpc_session *at = connection->first_session; at != NULL && status == AMQPC_OK;
         at = at->next) {
        if (at->is_due) {
            status = amqpci_session_write_due(at);
        }
    }
    return status;
}

amqpc_status amqpc_connection_close(amqpc_connection *connection, const amqpc_error *error)
{
    if (connection->close_sent) {
        return AMQPC_OK;
    }
    if (!connection->open_sent || connection->failure != AMQPC_OK) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_status status = write_due_of_all(connection);
    amqpc_performative out = {.type = AMQPC_COMPOSITE_CLOSE};
    if (error != NULL) {
        out.as.close.present = AMQPC_CLOSE_ERROR;
        out.as.close.error = *error;
    }
    if (status == AMQPC_OK) {
        status = amqpci_connection_write(connection, 0, &out);
    }
    if (status == AMQPC_OK) {
        (void)amqpci_connection_advance(connection, AMQPCI_CONNECTION_SEND_CLOSE);
        connection->close_sent = true;
        disband_sessions(connection);
    }
    return status;
}

amqpc_status amqpci_connection_take_open(amqpc_connection *connection, const amqpc_open *open,
                                         amqpc_bytes body)
{
    amqpci_step step = amqpci_connection_step((amqpc_connection_state)connection->state,
                                              AMQPCI_CONNECTION_RECEIVE_OPEN);
    if (step.verdict == AMQPCI_REFUSE) {
        return AMQPC_ILLEGAL_STATE;
    }
    if (open->max_frame_size < AMQPC_MIN_MAX_FRAME_SIZE) {
        return AMQPC_INVALID_FIELD;
    }
    amqpc_status status = amqpci_connection_keep(connection, body, &connection->remote_open);
    if (status != AMQPC_OK) {
        return status;
    }
    connection->state = step.next;
    connection->remote_frame_size = open->max_frame_size;
    connection->remote_channel_max = open->channel_max;
    connection->remote_idle_timeout_ms =
        open->present & AMQPC_OPEN_IDLE_TIME_OUT ? open->idle_time_out : 0;
    connection->limits.frame_size = connection->frame_size;
    amqpci_connection_raise(connection, AMQPC_EVENT_CONNECTION_OPEN);
    return AMQPC_OK;
}

amqpc_status amqpci_connection_take_close(amqpc_connection *connection, amqpc_bytes body)
{
    amqpci_step step = amqpci_connection_step((amqpc_connection_state)connection->state,
                                              AMQPCI_CONNECTION_RECEIVE_CLOSE);
    if (step.verdict == AMQPCI_REFUSE) {
        return AMQPC_ILLEGAL_STATE;
    }
    amqpc_status status = amqpci_connection_keep(connection, body, &connection->remote_close);
    if (status != AMQPC_OK) {
        return status;
    }
    connection->state = step.next;
    disband_sessions(connection);
    amqpci_connection_raise(connection, AMQPC_EVENT_CONNECTION_CLOSE);
    return AMQPC_OK;
}
