/* The inside of a connection, and what sessions and links ask of it. */
#ifndef AMQPCI_ENGINE_CONNECTION_H
#define AMQPCI_ENGINE_CONNECTION_H

#include <amqpcodec/frame.h>

#include "engine/connection_states.h"
#include "engine/event_queue.h"
#include "engine/input.h"
#include "engine/name_table.h"
#include "engine/output.h"
#include "engine/sasl.h"
#include "engine/trace.h"

enum { AMQPCI_FAILURE_BYTES_MAX = 512 };

/* Sessions by channel number; grows with the numbers that are used. */
typedef struct amqpci_channel_table {
    amqpc_session **sessions;
    uint32_t capacity;
} amqpci_channel_table;

/* Room in the output that amqpc_link_reserve lent; one at a time. */
typedef struct amqpci_reservation {
    const amqpc_link *link; /* NULL where there is none */
    uint8_t *place;
    size_t size_max;
    size_t head_size;
    uint64_t frames_sent; /* then: a frame written since lies over the room */
} amqpci_reservation;

struct amqpc_connection {
    amqpci_event_source source; /* first */
    amqpci_event_queue events;
    amqpc_allocator allocator;
    amqpc_limits limits; /* frame_size is the one that holds now */
    amqpci_input input;
    amqpci_output output;
    amqpci_delivery_store deliveries;
    amqpci_name_table links; /* by name and role */
    amqpci_trace *trace;     /* NULL for none */
    amqpci_sasl *sasl;       /* NULL for none */
    amqpc_bytes sasl_frames; /* allocated: SASL bytes that wait, before all other output */
    size_t sasl_frames_sent;
    void *context;

    uint8_t state; /* amqpc_connection_state */
    uint8_t role;  /* amqpc_end_role */
    bool is_protected;
    bool open_sent;
    bool close_sent;
    bool input_ended;
    bool sasl_optional;
    bool sasl_expected;  /* the next protocol header has to be SASL's */
    bool header_written; /* AMQP's */
    bool sasl_header_received;
    bool expect_header; /* the next bytes are a protocol header */
    bool gate_open;     /* output other than SASL's may go */
    bool handshake_over;
    bool output_short; /* AMQPC_NO_MEMORY kept something that is due from the output */

    uint32_t frame_size;        /* ours, as in open */
    uint32_t remote_frame_size; /* most that a frame of ours may have */
    uint16_t remote_channel_max;
    uint32_t handles_max;
    uint32_t unsettled_max;
    uint64_t message_size;
    uint64_t partial_size_max;
    uint64_t partial_size; /* of deliveries that have arrived in part */
    uint64_t retained_size_max;
    uint64_t output_size_max;
    amqpci_reservation reservation;
    uint64_t pending_size; /* payloads of sends that wait for a window */

    amqpci_channel_table local_channels;  /* by the channels that we send on */
    amqpci_channel_table remote_channels; /* by the channels that the peer sends on */
    amqpc_session *first_session;
    amqpc_session *last_session;
    amqpc_session *first_due; /* sessions that have a flow or dispositions to send */
    uint32_t held_windows;    /* sessions whose window waits for retained input to be released */

    amqpc_bytes remote_open;  /* allocated: the peer's open, encoded */
    amqpc_bytes remote_close; /* allocated: the peer's close, encoded */

    /* Time, in milliseconds. */
    uint64_t now_ms;
    uint64_t start_ms;
    uint64_t last_input_ms;
    uint64_t last_output_ms;
    uint64_t last_traffic_ms;
    uint64_t ticked_input;  /* bytes_received at the last tick */
    uint64_t ticked_output; /* bytes_sent at the last tick */
    uint32_t idle_timeout_ms;
    uint32_t remote_idle_timeout_ms;
    uint32_t handshake_timeout_ms;
    bool ticked;
    bool idle; /* memory was given back, and nothing happened since */

    /* Failure. */
    amqpc_status failure;
    uint32_t failure_input;
    uint16_t failure_channel;
    size_t failure_offset;
    uint64_t failure_position;
    uint8_t *failure_bytes; /* allocated */
    size_t failure_bytes_size;

    size_t input_needed; /* bytes of the unit that is incomplete, as far as known */
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t frames_received;
    uint64_t frames_sent;
    uint64_t deliveries_received;
    uint64_t deliveries_sent;
};

/* --- connection.c */

/* Copies bytes to memory of the connection's; releases what was there. Size 0 gives an empty one.
 * AMQPC_NO_MEMORY, with *stored as it was. */
AMQPC_CHECK amqpc_status amqpci_connection_keep(amqpc_connection *connection, amqpc_bytes bytes,
                                                amqpc_bytes *stored);
void amqpci_connection_forget(amqpc_connection *connection, amqpc_bytes *stored);

/* Moves the state, where the table allows it. */
bool amqpci_connection_advance(amqpc_connection *connection, amqpci_connection_input_kind input);

/* Sets `*session` to the table's entry; grows the table first. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_channel_table_reserve(amqpc_connection *connection,
                                                      amqpci_channel_table *table,
                                                      uint32_t channel);

AMQPCI_INLINE amqpc_session *amqpci_channel_table_get(const amqpci_channel_table *table,
                                                      uint32_t channel)
{
    return channel < table->capacity ? table->sessions[channel] : NULL;
}

/* --- connection_failure.c */

/* The connection has failed: every link is suspended, close with the status's condition is output
 * where it may be, and no more input is taken. */
void amqpci_connection_fail(amqpc_connection *connection, amqpc_status status);

/* As amqpci_connection_fail, with the frame at fault, and the offset in it. Gives status. */
amqpc_status amqpci_connection_fail_frame(amqpc_connection *connection, amqpc_status status,
                                          const uint8_t *frame, size_t size, size_t offset,
                                          uint32_t input);

/* An error of which the status gives condition and description. */
void amqpci_error_of_status(amqpc_status status, amqpc_error *error);

/* --- connection_output.c */

/* What a client begins with: SASL's header, where there is SASL, and AMQP's. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_connection_write_headers(amqpc_connection *connection);
AMQPC_CHECK amqpc_status amqpci_connection_write_sasl_header(amqpc_connection *connection);

/* A protocol header that goes before all other output, whether SASL lets that go or not. */
AMQPC_CHECK amqpc_status amqpci_connection_write_answer(amqpc_connection *connection,
                                                        amqpc_protocol protocol);
AMQPC_CHECK amqpc_status amqpci_connection_write_header(amqpc_connection *connection);

/* Writes a frame behind what waits. AMQPC_NO_MEMORY; AMQPC_FRAME_TOO_LARGE where the peer would not
 * take it; AMQPC_INVALID_ARGUMENT, AMQPC_MISSING_FIELD for what cannot be encoded. */
AMQPC_CHECK amqpc_status amqpci_connection_write(amqpc_connection *connection, uint16_t channel,
                                                 const amqpc_performative *performative);

/* Encodes an error to allocated memory, in place of what `*encoded` was. AMQPC_NO_MEMORY,
 * AMQPC_INVALID_ARGUMENT, AMQPC_MISSING_FIELD. */
AMQPC_CHECK amqpc_status amqpci_connection_encode_error(amqpc_connection *connection,
                                                        const amqpc_error *error,
                                                        amqpc_bytes *encoded);

/* The frames that SASL has to send are put to their place. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_connection_write_sasl(amqpc_connection *connection);

/* Nothing more will be sent: borrowed payloads are given back. */
void amqpci_connection_discard_output(amqpc_connection *connection);

/* --- connection_input.c */

AMQPC_CHECK amqpc_status amqpci_connection_parse(amqpc_connection *connection);

/* --- connection_open.c */

/* What the peer's open and close do. */
AMQPC_CHECK amqpc_status amqpci_connection_take_open(amqpc_connection *connection,
                                                     const amqpc_open *open, amqpc_bytes body);
AMQPC_CHECK amqpc_status amqpci_connection_take_close(amqpc_connection *connection,
                                                      amqpc_bytes body);

/* Writes open for a program that had not, so that close may follow (AMQP 2.4.3). */
AMQPC_CHECK amqpc_status amqpci_connection_write_minimal_open(amqpc_connection *connection);

/* --- connection_sasl.c */

/* What a SASL frame does, or the answer to a question did. */
AMQPC_CHECK amqpc_status amqpci_connection_take_sasl(amqpc_connection *connection,
                                                     const amqpc_performative *performative);

AMQPCI_INLINE void amqpci_connection_raise(amqpc_connection *connection, amqpc_event_type type)
{
    amqpci_event_raise(&connection->events, &connection->source, type);
}

/* No more sessions, links or deliveries move on it. */
AMQPCI_INLINE bool amqpci_connection_is_over(const amqpc_connection *connection)
{
    return connection->failure != AMQPC_OK || connection->close_sent || connection->input_ended;
}

#endif
