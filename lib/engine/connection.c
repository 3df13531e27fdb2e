/* Making and freeing connections, and what applications ask of them besides bytes and time. */
#include "engine/connection.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "engine/session.h"

/* So that a place in a slab is told by 32 bits. */
#define SLAB_SIZE_MAX ((size_t)UINT32_MAX)

enum {
    HANDSHAKE_TIMEOUT_MS = 30000,
    HANDLES_MAX = 1024,
    UNSETTLED_MAX = 10000,
    MESSAGE_SIZE = 1024 * 1024,
    PARTIAL_SIZE = 4 * 1024 * 1024,
    RETAINED_SIZE = 64 * 1024 * 1024,
    OUTPUT_SIZE = 1024 * 1024,
    INPUT_SLAB_SIZE = 256 * 1024,
    FRAME_SIZE_BEFORE_OPEN = 8192, /* of ours: the peer's max-frame-size is not known */
    RANDOM_MIN = 32
};

void amqpc_connection_options_init(amqpc_connection_options *options, size_t struct_size)
{
    amqpc_connection_options defaults = {
        .struct_size = struct_size,
        .handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
        .handles_max = HANDLES_MAX,
        .unsettled_max = UNSETTLED_MAX,
        .message_size = MESSAGE_SIZE,
        .partial_size = PARTIAL_SIZE,
        .retained_size = RETAINED_SIZE,
        .output_size = OUTPUT_SIZE,
        .input_slab_size = INPUT_SLAB_SIZE,
    };
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

static bool are_valid(const amqpc_connection_options *options)
{
    return options->role <= AMQPC_SERVER && amqpc_limits_check(options->limits) == AMQPC_OK &&
           options->handles_max > 0 && options->unsettled_max > 0 && options->message_size > 0 &&
           options->partial_size > 0 && options->retained_size > 0 && options->output_size > 0 &&
           options->input_slab_size > 0 &&
           (options->sasl == NULL || options->random.size >= RANDOM_MIN);
}

static void set_options(amqpc_connection *made, const amqpc_connection_options *options)
{
    made->limits = options->limits == NULL ? amqpci_default_limits : *options->limits;
    made->frame_size = made->limits.frame_size;
    made->limits.frame_size = made->limits.initial_frame_size;
    made->role = (uint8_t)options->role;
    made->is_protected = options->is_protected;
    made->idle_timeout_ms = options->idle_timeout_ms;
    made->handshake_timeout_ms = options->handshake_timeout_ms;
    made->handles_max = options->handles_max;
    made->unsettled_max = options->unsettled_max;
    made->message_size = options->message_size;
    made->partial_size_max = options->partial_size;
    made->retained_size_max = options->retained_size;
    made->output_size_max = options->output_size;
    made->remote_frame_size = FRAME_SIZE_BEFORE_OPEN;
    made->remote_channel_max = UINT16_MAX;
    made->expect_header = true;
    made->input_needed = 1;
}

/* What is allocated besides the connection itself. */
static amqpc_status make_parts(amqpc_connection *made, const amqpc_connection_options *options)
{
    size_t slab_size = options->input_slab_size;
    size_t frame_size = made->frame_size; /* the largest that is taken, before open and after it */
    if (frame_size < made->limits.initial_frame_size) {
        frame_size = made->limits.initial_frame_size;
    }
    if (slab_size / 2 < frame_size) {
        slab_size = frame_size <= SLAB_SIZE_MAX / 2 ? frame_size * 2 : SLAB_SIZE_MAX;
    }
    if (slab_size > SLAB_SIZE_MAX) {
        slab_size = SLAB_SIZE_MAX;
    }
    amqpc_status status = amqpci_input_init(&made->input, &made->allocator, slab_size);
    if (status == AMQPC_OK && options->trace_size > 0) {
        status = amqpci_trace_new(&made->allocator, options->trace_size, &made->trace);
    }
    if (status == AMQPC_OK && options->sasl != NULL) {
        made->sasl_expected = true;
        made->sasl_optional = options->sasl->optional;
        status = amqpci_sasl_new(&made->allocator, made->role == AMQPC_SERVER, made->is_protected,
                                 options->sasl, options->random, &made->sasl);
    }
    if (status == AMQPC_OK && made->role == AMQPC_CLIENT) {
        status = amqpci_connection_write_headers(made);
    }
    return status;
}

amqpc_status amqpc_connection_new(const amqpc_allocator *allocator,
                                  const amqpc_connection_options *options,
                                  amqpc_connection **connection)
{
    amqpc_connection_options chosen;
    amqpc_connection_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    }
    if (!are_valid(&chosen)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_allocator memory = amqpci_allocator_or_default(allocator);
    amqpc_connection *made = (amqpc_connection *)amqpci_new(&memory, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = memory;
    made->source.kind = AMQPCI_SOURCE_CONNECTION;
    amqpci_output_init(&made->output, &memory);
    amqpci_delivery_store_init(&made->deliveries, &memory);
    set_options(made, &chosen);
    amqpc_status status = make_parts(made, &chosen);
    if (status != AMQPC_OK) {
        amqpc_connection_free(made);
        return status;
    }
    *connection = made;
    return AMQPC_OK;
}

void amqpc_connection_free(amqpc_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    while (connection->first_session != NULL) {
        amqpci_session_destroy(connection->first_session);
    }
    amqpc_allocator allocator = connection->allocator;
    amqpci_output_clean_up(&connection->output);
    amqpci_delivery_store_clean_up(&connection->deliveries);
    amqpci_input_clean_up(&connection->input);
    amqpci_name_table_clean_up(&connection->links, &allocator);
    amqpci_sasl_free(connection->sasl);
    amqpci_trace_free(connection->trace);
    amqpci_connection_forget(connection, &connection->sasl_frames);
    amqpci_connection_forget(connection, &connection->remote_open);
    amqpci_connection_forget(connection, &connection->remote_close);
    amqpci_release(&allocator, connection->local_channels.sessions);
    amqpci_release(&allocator, connection->remote_channels.sessions);
    amqpci_release(&allocator, connection->failure_bytes);
    amqpci_release(&allocator, connection);
}

void amqpci_connection_forget(amqpc_connection *connection, amqpc_bytes *stored)
{
    amqpci_release(&connection->allocator, (void *)(uintptr_t)stored->data);
    *stored = (amqpc_bytes){NULL, 0};
}

amqpc_status amqpci_connection_keep(amqpc_connection *connection, amqpc_bytes bytes,
                                    amqpc_bytes *stored)
{
    void *copy = NULL;
    if (bytes.size > 0) {
        copy = connection->allocator.allocate(connection->allocator.context, bytes.size);
        if (copy == NULL) {
            return AMQPC_NO_MEMORY;
        }
        memcpy(copy, bytes.data, bytes.size);
    }
    amqpci_connection_forget(connection, stored);
    *stored = (amqpc_bytes){copy, bytes.size};
    return AMQPC_OK;
}

bool amqpci_connection_advance(amqpc_connection *connection, amqpci_connection_input_kind input)
{
    amqpci_step step = amqpci_connection_step((amqpc_connection_state)connection->state, input);
    if (step.verdict == AMQPCI_REFUSE) {
        return false;
    }
    connection->state = step.next;
    return step.verdict == AMQPCI_PROCEED;
}

amqpc_status amqpci_channel_table_reserve(amqpc_connection *connection, amqpci_channel_table *table,
                                          uint32_t channel)
{
    uint32_t capacity = table->capacity == 0 ? 1 : table->capacity;
    while (capacity <= channel) {
        capacity *= 2;
    }
    if (capacity == table->capacity) {
        return AMQPC_OK;
    }
    void *grown = amqpci_reallocate(&connection->allocator, table->sessions,
                                    capacity * sizeof(amqpc_session *));
    if (grown == NULL) {
        return AMQPC_NO_MEMORY;
    }
    table->sessions = (amqpc_session **)grown;
    for (uint32_t i = table->capacity; i < capacity; i++) {
        table->sessions[i] = NULL;
    }
    table->capacity = capacity;
    return AMQPC_OK;
}

/* --- What is known of the connection. */

amqpc_connection_state amqpc_connection_get_state(const amqpc_connection *connection)
{
    return (amqpc_connection_state)connection->state;
}

amqpc_status amqpc_connection_remote_open(const amqpc_connection *connection, amqpc_open *open)
{
    if (connection->remote_open.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    return amqpc_open_decode(connection->remote_open.data, connection->remote_open.size,
                             &connection->limits, open, NULL);
}

amqpc_status amqpc_connection_remote_error(const amqpc_connection *connection, amqpc_error *error)
{
    amqpc_close close;
    if (connection->remote_close.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    amqpc_status status =
        amqpc_close_decode(connection->remote_close.data, connection->remote_close.size,
                           &connection->limits, &close, NULL);
    if (status == AMQPC_OK && !(close.present & AMQPC_CLOSE_ERROR)) {
        status = AMQPC_NOT_FOUND;
    }
    if (status == AMQPC_OK) {
        *error = close.error;
    }
    return status;
}

amqpc_status amqpc_connection_get_failure(const amqpc_connection *connection,
                                          amqpc_connection_failure *failure)
{
    if (connection->failure == AMQPC_OK) {
        return AMQPC_NOT_FOUND;
    }
    *failure = (amqpc_connection_failure){
        .status = connection->failure,
        .input = connection->failure_input,
        .channel = connection->failure_channel,
        .offset = connection->failure_offset,
        .position = connection->failure_position,
        .bytes = {connection->failure_bytes, connection->failure_bytes_size},
    };
    return AMQPC_OK;
}

void amqpc_connection_get_statistics(const amqpc_connection *connection,
                                     amqpc_connection_statistics *statistics)
{
    size_t own = connection->input.slab == NULL ? 0 : connection->input.slab_size;
    size_t held = amqpci_slab_pool_size(connection->input.pool);
    amqpc_connection_statistics values = {
        .struct_size = statistics->struct_size,
        .bytes_received = connection->bytes_received,
        .bytes_sent = connection->bytes_sent,
        .frames_received = connection->frames_received,
        .frames_sent = connection->frames_sent,
        .deliveries_received = connection->deliveries_received,
        .deliveries_sent = connection->deliveries_sent,
        .retained_size = held > own ? held - own : 0,
        .output_size = connection->output.size + connection->pending_size,
    };
    size_t size = statistics->struct_size < sizeof values ? statistics->struct_size : sizeof values;
    memcpy(statistics, &values, size);
}

size_t amqpc_connection_read_trace(amqpc_connection *connection, void *data, size_t capacity)
{
    return connection->trace == NULL ? 0 : amqpci_trace_read(connection->trace, data, capacity);
}

void amqpc_connection_set_context(amqpc_connection *connection, void *context)
{
    connection->context = context;
}

void *amqpc_connection_context(const amqpc_connection *connection)
{
    return connection->context;
}

/* Those that the application has freed are not shown any more. */
amqpc_session *amqpc_connection_next_session(const amqpc_connection *connection,
                                             const amqpc_session *session)
{
    amqpc_session *next = session == NULL ? connection->first_session : session->next;
    while (next != NULL && next->released) {
        next = next->next;
    }
    return next;
}

bool amqpc_connection_next_event(amqpc_connection *connection, amqpc_connection_event *event)
{
    amqpci_event_source *source = NULL;
    amqpc_event_type type = amqpci_event_queue_take(&connection->events, &source);
    if (type == AMQPC_EVENT_NONE) {
        return false;
    }
    *event = (amqpc_connection_event){.type = type, .connection = connection};
    if (source->kind == AMQPCI_SOURCE_SESSION) {
        event->session = (amqpc_session *)source;
    } else if (source->kind == AMQPCI_SOURCE_LINK) {
        event->link = (amqpc_link *)source;
        event->session = amqpc_link_session(event->link);
    }
    return true;
}
