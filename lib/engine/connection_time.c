/* Time: idle time-outs in both directions, the time to open, and memory that nobody needs (AMQP
 * 2.4.5). */
#include "base/planted.h"
#include "engine/session.h"

enum {
    TRIM_AFTER_MS = 1000,
    HEARTBEAT_MIN_MS = 10 /* a peer that asks for more than this is not worth spinning for */
};

static uint64_t sooner(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* What has moved since the last tick counts as moved now: so the application should tick after
 * each round. */
static void note_traffic(amqpc_connection *connection)
{
    uint64_t now_ms = connection->now_ms;
    if (connection->bytes_received != connection->ticked_input) {
        connection->ticked_input = connection->bytes_received;
        connection->last_input_ms = now_ms;
        connection->last_traffic_ms = now_ms;
        connection->idle = false;
    }
    if (connection->bytes_sent != connection->ticked_output) {
        connection->ticked_output = connection->bytes_sent;
        connection->last_output_ms = now_ms;
        connection->last_traffic_ms = now_ms;
        connection->idle = false;
    }
}

/* The peer has to be heard. */
static amqpc_status check_input(amqpc_connection *connection, uint64_t *deadline_ms)
{
    uint64_t now_ms = connection->now_ms;
    bool open = connection->open_sent && connection->remote_open.size > 0;
    if (!open && connection->handshake_timeout_ms > 0) {
        uint64_t end_ms = connection->start_ms + connection->handshake_timeout_ms;
        if (now_ms >= end_ms) {
            return AMQPC_HANDSHAKE_TIMEOUT;
        }
        *deadline_ms = sooner(*deadline_ms, end_ms);
    }
    if (open && connection->idle_timeout_ms > 0) {
        uint64_t end_ms = connection->last_input_ms + connection->idle_timeout_ms;
        if (now_ms >= end_ms) {
            return AMQPC_IDLE_TIMEOUT;
        }
        *deadline_ms = sooner(*deadline_ms, end_ms);
    }
    return AMQPC_OK;
}

/* The peer wants to hear something: an empty frame, where nothing else waits to go out. */
static amqpc_status check_output(amqpc_connection *connection, uint64_t *deadline_ms)
{
    if (connection->remote_idle_timeout_ms == 0 || !connection->open_sent ||
        connection->close_sent) {
        return AMQPC_OK;
    }
    uint64_t interval_ms = connection->remote_idle_timeout_ms / 2;
    interval_ms = interval_ms < HEARTBEAT_MIN_MS ? HEARTBEAT_MIN_MS : interval_ms;
    amqpc_status status = AMQPC_OK;
    if (connection->now_ms >= connection->last_output_ms + interval_ms) {
        const amqpc_performative empty = {.type = AMQPC_COMPOSITE_NONE};
        if (connection->output.size == 0) {
            status = amqpci_connection_write(connection, 0, &empty);
        }
        if (status == AMQPC_OK) {
            connection->last_output_ms = connection->now_ms;
        }
    }
    *deadline_ms = sooner(*deadline_ms, connection->last_output_ms + interval_ms);
    return status;
}

static void check_idle(amqpc_connection *connection, uint64_t *deadline_ms)
{
    if (connection->idle) {
        return;
    }
    uint64_t end_ms = connection->last_traffic_ms + TRIM_AFTER_MS;
    if (connection->now_ms >= end_ms) {
        amqpc_connection_trim(connection);
        connection->idle = true;
    } else {
        *deadline_ms = sooner(*deadline_ms, end_ms);
    }
}

amqpc_status amqpc_connection_tick(amqpc_connection *connection, uint64_t now_ms,
                                   uint64_t *deadline_ms)
{
    uint64_t soonest_ms = UINT64_MAX;
    *deadline_ms = UINT64_MAX;
    if (!connection->ticked) {
        connection->ticked = true;
        connection->start_ms = now_ms;
        connection->now_ms = now_ms;
        connection->last_input_ms = now_ms;
        connection->last_output_ms = now_ms;
        connection->last_traffic_ms = now_ms;
    }
    if (now_ms > connection->now_ms) {
        connection->now_ms = now_ms;
    }
    note_traffic(connection);
    amqpc_status status = AMQPC_OK;
    if (connection->failure == AMQPC_OK && !connection->input_ended) {
        status = check_input(connection, &soonest_ms);
        if (status != AMQPC_OK) {
            amqpci_connection_fail(connection, status);
            return status;
        }
        status = check_output(connection, &soonest_ms);
    }
    check_idle(connection, &soonest_ms);
    if (soonest_ms != UINT64_MAX) {
        *deadline_ms = soonest_ms > now_ms && !AMQPCI_PLANTED(12) ? soonest_ms : now_ms + 1;
    }
    return status;
}

void amqpc_connection_trim(amqpc_connection *connection)
{
    amqpci_input_trim(&connection->input);
    amqpci_output_trim(&connection->output);
    amqpci_delivery_store_trim(&connection->deliveries);
    for (amqpc_session *at = connection->first_session; at != NULL; at = at->next) {
        amqpci_delivery_index_trim(&at->incoming, &connection->allocator);
        amqpci_delivery_index_trim(&at->outgoing, &connection->allocator);
    }
}
