/* What a connection has to send: SASL first, then all else behind a gate that SASL opens. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "engine/link.h"
#include "schema/generated/composite.h"

enum { FIRST_GUESS = 512 }; /* bytes of a frame, as most are smaller */

/* Appends to the bytes that go before all other output. */
static amqpc_status append_sasl(amqpc_connection *connection, const uint8_t *bytes, size_t size)
{
    amqpc_bytes *frames = &connection->sasl_frames;
    void *grown = amqpci_reallocate(&connection->allocator, (void *)(uintptr_t)frames->data,
                                    frames->size + size);
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy((uint8_t *)grown + frames->size, bytes, size);
    *frames = (amqpc_bytes){grown, frames->size + size};
    if (connection->trace != NULL) {
        amqpci_trace_frames(connection->trace, true, bytes, size);
    }
    return AMQPC_OK;
}

amqpc_status amqpci_connection_write_answer(amqpc_connection *connection, amqpc_protocol protocol)
{
    const uint8_t header[] = {'A', 'M', 'Q', 'P', (uint8_t)protocol, 1, 0, 0};
    return append_sasl(connection, header, sizeof header);
}

amqpc_status amqpci_connection_write_sasl_header(amqpc_connection *connection)
{
    return amqpci_connection_write_answer(connection, AMQPC_PROTOCOL_SASL);
}

amqpc_status amqpci_connection_write_header(amqpc_connection *connection)
{
    static const uint8_t header[] = {'A', 'M', 'Q', 'P', AMQPC_PROTOCOL_AMQP, 1, 0, 0};
    if (connection->header_written) {
        return AMQPC_OK;
    }
    uint8_t *place = NULL;
    amqpc_status status = amqpci_output_reserve(&connection->output, sizeof header, &place);
    if (status == AMQPC_OK) {
        memcpy(place, header, sizeof header);
        amqpci_output_commit(&connection->output, sizeof header);
        connection->header_written = true;
        bool advanced = amqpci_connection_advance(connection, AMQPCI_CONNECTION_SEND_HEADER);
        assert(advanced);
        (void)advanced;
        if (connection->trace != NULL) {
            amqpci_trace_frames(connection->trace, true, header, sizeof header);
        }
    }
    return status;
}

amqpc_status amqpci_connection_write_headers(amqpc_connection *connection)
{
    amqpc_status status = AMQPC_OK;
    if (connection->sasl != NULL) {
        status = amqpci_connection_write_sasl_header(connection);
    } else {
        connection->gate_open = true;
    }
    return status == AMQPC_OK ? amqpci_connection_write_header(connection) : status;
}

amqpc_status amqpci_connection_write_sasl(amqpc_connection *connection)
{
    uint8_t small[FIRST_GUESS];
    uint8_t *place = small;
    size_t capacity = sizeof small;
    amqpc_performative performative;
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && amqpci_sasl_output(connection->sasl, &performative)) {
        size_t size = 0;
        status = amqpc_frame_write(AMQPC_FRAME_SASL, 0, &performative, place, capacity, &size);
        if (status == AMQPC_BUFFER_FULL && place == small) {
            capacity = connection->limits.initial_frame_size;
            place =
                (uint8_t *)connection->allocator.allocate(connection->allocator.context, capacity);
            status = place == NULL ? AMQPC_NO_MEMORY
                                   : amqpc_frame_write(AMQPC_FRAME_SASL, 0, &performative, place,
                                                       capacity, &size);
        }
        if (status == AMQPC_OK) {
            status = append_sasl(connection, place, size);
        }
        if (status == AMQPC_OK) {
            connection->frames_sent++;
        }
    }
    if (place != small) {
        amqpci_release(&connection->allocator, place);
    }
    return status;
}

amqpc_status amqpci_connection_write(amqpc_connection *connection, uint16_t channel,
                                     const amqpc_performative *performative)
{
    for (size_t guess = FIRST_GUESS;; guess *= 2) {
        size_t capacity =
            guess < connection->remote_frame_size ? guess : connection->remote_frame_size;
        uint8_t *place = NULL;
        size_t size = 0;
        amqpc_status status = amqpci_output_reserve(&connection->output, capacity, &place);
        if (status == AMQPC_OK) {
            status =
                amqpc_frame_write(AMQPC_FRAME_AMQP, channel, performative, place, capacity, &size);
        }
        if (status == AMQPC_OK) {
            amqpci_output_commit(&connection->output, size);
            connection->frames_sent++;
            if (connection->trace != NULL) {
                amqpci_trace_frames(connection->trace, true, place, size);
            }
        }
        if (status != AMQPC_BUFFER_FULL) {
            return status;
        }
        if (capacity == connection->remote_frame_size) {
            return AMQPC_FRAME_TOO_LARGE;
        }
    }
}

amqpc_status amqpci_connection_encode_error(amqpc_connection *connection, const amqpc_error *error,
                                            amqpc_bytes *encoded)
{
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(&connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink sink;
    amqpci_sink_init_growable(&sink, buffer);
    status = amqpci_encode_error(&sink, error);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        amqpc_bytes bytes = {amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)};
        status = amqpci_connection_keep(connection, bytes, encoded);
    }
    amqpc_buffer_free(buffer);
    return status;
}

/* Everything that waited for the output to be asked for: flows, dispositions, sends. */
static amqpc_status write_due(amqpc_connection *connection)
{
    if (connection->held_windows > 0) {
        amqpci_session_check_held(connection);
    }
    while (connection->first_due != NULL) {
        amqpc_session *session = connection->first_due;
        amqpc_status status = amqpci_session_write_due(session);
        if (status != AMQPC_OK) {
            return status;
        }
        connection->first_due = session->next_due;
        session->is_due = false;
    }
    return AMQPC_OK;
}

amqpc_status amqpc_connection_output(amqpc_connection *connection, amqpc_bytes *vectors,
                                     size_t capacity, size_t *count)
{
    size_t given = 0;
    amqpc_status status = AMQPC_OK;
    *count = 0;
    if (capacity == 0 || connection->failure == AMQPC_STREAM_ENDED) {
        return AMQPC_OK;
    }
    size_t sent = connection->sasl_frames_sent;
    if (connection->sasl_frames.size > sent) {
        const uint8_t *data = (const uint8_t *)connection->sasl_frames.data;
        vectors[given++] = (amqpc_bytes){data + sent, connection->sasl_frames.size - sent};
    }
    if (connection->gate_open) {
        if (connection->failure == AMQPC_OK && !connection->close_sent) {
            status = write_due(connection);
        }
        given += amqpci_output_vectors(&connection->output, vectors + given, capacity - given);
    }
    *count = given;
    return status;
}

static void payload_sent(void *context, amqpci_delivery *delivery)
{
    amqpci_sender_payload_sent((amqpc_connection *)context, delivery, true);
}

static void payload_discarded(void *context, amqpci_delivery *delivery)
{
    amqpci_sender_payload_sent((amqpc_connection *)context, delivery, false);
}

void amqpci_connection_discard_output(amqpc_connection *connection)
{
    amqpci_output_consume(&connection->output, connection->output.size, payload_discarded,
                          connection);
}

void amqpc_connection_output_done(amqpc_connection *connection, size_t size)
{
    connection->bytes_sent += size;
    size_t waiting = connection->sasl_frames.size - connection->sasl_frames_sent;
    size_t sasl_size = size < waiting ? size : waiting;
    connection->sasl_frames_sent += sasl_size;
    if (sasl_size > 0 && sasl_size == waiting) {
        amqpci_connection_forget(connection, &connection->sasl_frames);
        connection->sasl_frames_sent = 0;
    }
    if (size > sasl_size) {
        size_t rest = size - sasl_size;
        assert(rest <= connection->output.size);
        amqpci_output_consume(&connection->output, rest, payload_sent, connection);
    }
}

bool amqpc_connection_is_finished(const amqpc_connection *connection)
{
    bool over = connection->failure != AMQPC_OK || connection->state == AMQPC_CONNECTION_END;
    size_t waiting = connection->sasl_frames.size - connection->sasl_frames_sent;
    if (connection->gate_open) {
        waiting += connection->output.size;
    }
    return connection->failure == AMQPC_STREAM_ENDED || (over && waiting == 0);
}
