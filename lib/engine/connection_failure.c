/* How a connection fails: once, for one reason, with the bytes that show it. */
#include <amqpcodec/explain.h>
#include <string.h>

#include "base/memory.h"
#include "engine/session.h"

static amqpc_bytes text(const char *string)
{
    return (amqpc_bytes){string, strlen(string)};
}

void amqpci_error_of_status(amqpc_status status, amqpc_error *error)
{
    const char *condition = amqpc_status_condition(status);
    error->present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION;
    error->condition = text(condition[0] == '\0' ? "amqp:internal-error" : condition);
    error->description = text(amqpc_status_text(status));
}

/* Tells the peer, where it can still be told; that there is no memory to do so changes nothing. */
static void write_close(amqpc_connection *connection, amqpc_status status)
{
    if (!connection->open_sent && amqpci_connection_write_minimal_open(connection) != AMQPC_OK) {
        return;
    }
    amqpc_performative close = {.type = AMQPC_COMPOSITE_CLOSE};
    close.as.close.present = AMQPC_CLOSE_ERROR;
    amqpci_error_of_status(status, &close.as.close.error);
    if (amqpci_connection_advance(connection, AMQPCI_CONNECTION_SEND_CLOSE_WITH_FAULT) &&
        amqpci_connection_write(connection, 0, &close) == AMQPC_OK) {
        connection->close_sent = true;
    }
}

void amqpci_connection_fail(amqpc_connection *connection, amqpc_status status)
{
    if (connection->failure != AMQPC_OK) {
        return;
    }
    bool told = connection->gate_open && !connection->close_sent && status != AMQPC_STREAM_ENDED &&
                status != AMQPC_BAD_PROTOCOL_HEADER;
    if (told) {
        write_close(connection, status);
    }
    connection->failure = status;
    connection->failure_position =
        connection->bytes_received - (connection->input.filled - connection->input.parsed);
    for (amqpc_session *at = connection->first_session; at != NULL;) {
        amqpc_session *next = at->next;
        amqpci_session_disband(at);
        at = next;
    }
    amqpci_connection_raise(connection, AMQPC_EVENT_CONNECTION_FAILED);
}

amqpc_status amqpci_connection_fail_frame(amqpc_connection *connection, amqpc_status status,
                                          const uint8_t *frame, size_t size, size_t offset,
                                          uint32_t input)
{
    if (connection->failure != AMQPC_OK) {
        return connection->failure;
    }
    amqpci_connection_fail(connection, status);
    connection->failure_input = input;
    connection->failure_offset = offset;
    if (size >= AMQPC_FRAME_HEADER_SIZE) {
        connection->failure_channel = (uint16_t)(frame[6] << 8 | frame[7]);
    }
    size_t kept = size < AMQPCI_FAILURE_BYTES_MAX ? size : AMQPCI_FAILURE_BYTES_MAX;
    uint8_t *copy =
        kept == 0 ? NULL
                  : (uint8_t *)connection->allocator.allocate(connection->allocator.context, kept);
    if (copy != NULL) {
        memcpy(copy, frame, kept);
        connection->failure_bytes = copy;
        connection->failure_bytes_size = kept;
    }
    return status;
}
