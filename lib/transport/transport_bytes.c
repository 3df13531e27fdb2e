/* Bytes between a connection and its stream, and the connection's time. */
#define _POSIX_C_SOURCE 200809L
#include <sys/socket.h>

#include "transport/connector.h"
#include "transport/socket.h"
#include "transport/transport.h"

enum {
    VECTORS = 64,
    SENDS_MAX = 16,            /* of one transport in a round, so that others have their turn */
    RECEIVES_MAX = 16,         /* likewise */
    RECEIVED_MAX = 256 * 1024, /* bytes, likewise */
    DISCARD_SIZE = 16 * 1024,  /* read at a time where nobody wants it */
    RETRY_AFTER_MS = 50        /* what there was no memory for */
};

/* What the stream's last call waits for. */
static uint32_t waits_of(const amqpci_stream *stream)
{
    return (stream->waits_read ? EPOLLIN : 0) | (stream->waits_write ? EPOLLOUT : 0);
}

static void update_interest(amqpc_transport *transport)
{
    if (!amqpci_transport_is_over(transport)) {
        amqpci_watch_set_interest(&transport->watch,
                                  (transport->input_ended ? 0 : transport->read_wait) |
                                      transport->write_wait);
    }
}

static void tell_events(amqpc_transport *transport)
{
    if (transport->connection->events.first != NULL) {
        amqpci_watch_make_ready(&transport->watch);
    }
}

/* The peer has said that it closes, so that nothing of what it does afterwards is a failure. */
static bool peer_has_closed(const amqpc_connection *connection)
{
    return connection->failure == AMQPC_OK &&
           (connection->state == AMQPC_CONNECTION_END ||
            connection->state == AMQPC_CONNECTION_CLOSE_RECEIVED);
}

static void lose_stream(amqpc_transport *transport, amqpc_status status)
{
    bool has_failed = transport->connection->failure != AMQPC_OK; /* which says more */
    if (has_failed || transport->state == AMQPC_TRANSPORT_CLOSING ||
        peer_has_closed(transport->connection)) {
        amqpci_transport_finish(transport);
    } else {
        amqpci_transport_fail_stream(transport, status);
    }
}

/* --- Input. */

static void end_input(amqpc_transport *transport)
{
    transport->input_ended = true;
    if (transport->state == AMQPC_TRANSPORT_CLOSING) {
        if (transport->is_shut) {
            amqpci_transport_finish(transport);
        }
    } else if (amqpc_connection_input_end(transport->connection) == AMQPC_STREAM_ENDED) {
        amqpci_transport_fail(transport, AMQPC_STREAM_ENDED, 0, NULL, NULL);
    }
}

static amqpc_status read_stream(amqpc_transport *transport, void *data, size_t capacity,
                                size_t *size)
{
    amqpci_stream *stream = transport->stream;
    amqpc_status status = stream->kind->read(stream, data, capacity, size);
    transport->read_wait = status == AMQPC_NEED_MORE ? waits_of(stream) : EPOLLIN;
    return status;
}

/* A read that did not fill its place has emptied the socket: the system need not be asked. */
static amqpc_status after_read(const amqpc_transport *transport, size_t capacity, size_t size)
{
    return size < capacity && !transport->stream->has_buffered ? AMQPC_NEED_MORE : AMQPC_OK;
}

/* Input that the connection does not take any more is read all the same: a socket that is closed
 * with unread input resets the connection, and what was sent last would be lost. */
static amqpc_status discard(amqpc_transport *transport, size_t *size)
{
    uint8_t nowhere[DISCARD_SIZE];
    amqpc_status status = read_stream(transport, nowhere, sizeof nowhere, size);
    return status == AMQPC_OK ? after_read(transport, sizeof nowhere, *size) : status;
}

/* One read. AMQPC_OK where another may give more, AMQPC_NEED_MORE where not; AMQPC_NO_MEMORY; the
 * stream's failures. *size receives how many bytes. */
static amqpc_status receive_once(amqpc_transport *transport, size_t *size)
{
    void *data = NULL;
    size_t capacity = 0;
    amqpc_status status = amqpc_connection_input_buffer(transport->connection, &data, &capacity);
    if (status == AMQPC_INVALID_STATE) {
        return discard(transport, size);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    status = read_stream(transport, data, capacity, size);
    if (status != AMQPC_OK) {
        return status;
    }
    /* A failure of the connection is an event, and close with its reason is output. */
    if (amqpc_connection_input(transport->connection, *size) == AMQPC_NO_MEMORY) {
        transport->input_stalled = true;
        return AMQPC_NO_MEMORY;
    }
    return after_read(transport, capacity, *size);
}

/* Reads what there is, up to the limits. The same statuses. */
static amqpc_status receive_all(amqpc_transport *transport)
{
    size_t total = 0;
    for (int i = 0; i < RECEIVES_MAX && total < RECEIVED_MAX; i++) {
        size_t size = 0;
        amqpc_status status = receive_once(transport, &size);
        if (status != AMQPC_OK) {
            return status;
        }
        total += size;
    }
    return AMQPC_OK;
}

static void receive(amqpc_transport *transport)
{
    amqpci_stream *stream = transport->stream;
    if (transport->input_stalled) {
        transport->input_stalled = false;
        if (amqpc_connection_input(transport->connection, 0) == AMQPC_NO_MEMORY) {
            transport->input_stalled = true;
            transport->watch.poller->trouble = AMQPC_NO_MEMORY;
            amqpci_watch_repeat(&transport->watch);
            return;
        }
    }
    amqpc_status status = receive_all(transport);
    switch (status) {
    case AMQPC_OK: /* there may be more */
        if (stream->has_buffered) {
            amqpci_watch_repeat(&transport->watch);
        }
        break;
    case AMQPC_NEED_MORE:
        break;
    case AMQPC_NO_MEMORY:
        transport->watch.poller->trouble = AMQPC_NO_MEMORY;
        amqpci_watch_repeat(&transport->watch);
        break;
    case AMQPC_STREAM_ENDED:
        end_input(transport);
        break;
    default:
        lose_stream(transport, status);
        break;
    }
    if (!amqpci_transport_is_over(transport)) {
        amqpci_watch_touch(&transport->watch); /* answers, once the program has read its events */
    }
    tell_events(transport);
}

/* --- Output. */

/* Writing has failed: what had arrived before, such as the peer's close with its reason, is still
 * read. An alert of TLS says more than the socket that was closed behind it. */
static void lose_output(amqpc_transport *transport, amqpc_status status)
{
    enum { ROUNDS_MAX = 64 }; /* a peer that reads nothing, and sends for ever, is not waited for */
    int system_error = transport->stream->system_error;
    amqpc_status received = AMQPC_OK;
    for (int i = 0; i < ROUNDS_MAX && received == AMQPC_OK; i++) {
        received = receive_all(transport);
    }
    transport->stream->system_error = system_error;
    lose_stream(transport, received == AMQPC_TLS_FAILED ? received : status);
}

/* Writes until there is no more, or the stream takes no more. */
static amqpc_status send_output(amqpc_transport *transport)
{
    amqpc_connection *connection = transport->connection;
    amqpci_stream *stream = transport->stream;
    for (int i = 0; i < SENDS_MAX; i++) {
        amqpc_bytes vectors[VECTORS];
        size_t count = 0;
        size_t size = 0;
        amqpc_status status = amqpc_connection_output(connection, vectors, VECTORS, &count);
        if (count == 0) {
            return status;
        }
        amqpc_status written = stream->kind->write(stream, vectors, count, &size);
        if (size > 0) {
            amqpc_connection_output_done(connection, size);
        }
        if (written == AMQPC_NEED_MORE) {
            transport->write_wait = waits_of(stream);
            return status;
        }
        if (written == AMQPC_NO_MEMORY) {
            return written;
        }
        if (written != AMQPC_OK) {
            lose_output(transport, written);
            return AMQPC_OK;
        }
        if (count < VECTORS || status != AMQPC_OK) {
            return status;
        }
    }
    amqpci_watch_touch(&transport->watch);
    return AMQPC_OK;
}

/* Sends were refused for the output that waits. */
static bool output_is_full(const amqpc_connection *connection)
{
    return connection->output.size + connection->pending_size >= connection->output_size_max;
}

static amqpc_status flush(amqpc_transport *transport)
{
    if (transport->write_wait != 0) {
        return AMQPC_OK;
    }
    bool was_full = output_is_full(transport->connection);
    amqpc_status status = send_output(transport);
    if (was_full && !output_is_full(transport->connection)) {
        amqpci_watch_make_ready(&transport->watch);
    }
    return status;
}

/* --- Time. */

static amqpc_status tick(amqpc_transport *transport, uint64_t now_ms)
{
    uint64_t deadline_ms = AMQPCI_NEVER;
    size_t waiting = transport->connection->output.size;
    amqpc_status status = amqpc_connection_tick(transport->connection, now_ms, &deadline_ms);
    if (status == AMQPC_NO_MEMORY) {
        deadline_ms = now_ms + RETRY_AFTER_MS;
    }
    if (transport->connection->output.size > waiting) {
        amqpci_watch_touch(&transport->watch);
    }
    if (transport->stage_end_ms < deadline_ms) {
        deadline_ms = transport->stage_end_ms;
    }
    amqpci_watch_set_deadline(&transport->watch, deadline_ms);
    return status == AMQPC_NO_MEMORY ? status : AMQPC_OK; /* failures are events */
}

/* All has been said, or what is left does not get through. */
static void check_end(amqpc_transport *transport, uint64_t now_ms)
{
    const amqpc_connection *connection = transport->connection;
    if (amqpc_connection_is_finished(connection)) {
        if (transport->input_ended && connection->failure != AMQPC_OK) {
            amqpci_transport_finish(transport); /* the end of input has stopped all output */
        } else {
            amqpci_transport_close(transport, now_ms);
        }
        return;
    }
    bool is_over = connection->failure != AMQPC_OK || connection->state == AMQPC_CONNECTION_END;
    if (is_over && transport->stage_end_ms == AMQPCI_NEVER) {
        transport->stage_end_ms = now_ms + transport->close_timeout_ms;
        if (transport->stage_end_ms < transport->watch.timer.deadline_ms) {
            amqpci_watch_set_deadline(&transport->watch, transport->stage_end_ms);
        }
    }
}

amqpc_status amqpci_transport_advance(amqpc_transport *transport, uint64_t now_ms)
{
    if (transport->state == AMQPC_TRANSPORT_CLOSING && !transport->is_shut &&
        transport->write_wait == 0) {
        amqpci_transport_close(transport, now_ms);
    }
    if (transport->state != AMQPC_TRANSPORT_OPEN) {
        tell_events(transport);
        return AMQPC_OK;
    }
    amqpc_status status = flush(transport);
    /* At a deadline, what has arrived is read first (on_deadline). */
    if (transport->state == AMQPC_TRANSPORT_OPEN && transport->watch.timer.deadline_ms > now_ms) {
        amqpc_status ticked = tick(transport, now_ms);
        status = status == AMQPC_OK ? ticked : status;
    }
    if (transport->state == AMQPC_TRANSPORT_OPEN) {
        check_end(transport, now_ms);
    }
    update_interest(transport);
    tell_events(transport);
    return status;
}

/* --- What the poller calls. */

static void on_events(amqpci_watch *watch, uint32_t events)
{
    amqpc_transport *transport = (amqpc_transport *)watch;
    if (transport->state == AMQPC_TRANSPORT_RESOLVING) {
        amqpci_connector_proceed(transport->connector, amqpc_now_ms());
        return;
    }
    if (transport->state == AMQPC_TRANSPORT_SECURING) {
        amqpci_transport_secure(transport);
        return;
    }
    bool is_broken = events & (EPOLLERR | EPOLLHUP);
    if (transport->input_ended && is_broken) {
        transport->stream->system_error = amqpci_socket_take_error(watch->descriptor);
        lose_stream(transport, AMQPC_SOCKET_ERROR);
        return;
    }
    if (events & transport->write_wait || is_broken) {
        transport->write_wait = 0;
        amqpci_watch_touch(watch);
    }
    if (!transport->input_ended && (events & transport->read_wait || is_broken)) {
        receive(transport);
    }
}

static void on_again(amqpci_watch *watch)
{
    amqpc_transport *transport = (amqpc_transport *)watch;
    bool reads =
        transport->state == AMQPC_TRANSPORT_OPEN || transport->state == AMQPC_TRANSPORT_CLOSING;
    if (reads && !transport->input_ended) {
        receive(transport);
    }
}

static void on_flush(amqpci_watch *watch, uint64_t now_ms)
{
    amqpc_status status = amqpci_transport_advance((amqpc_transport *)watch, now_ms);
    if (status != AMQPC_OK) {
        watch->poller->trouble = status;
        amqpci_watch_touch(watch);
    }
}

/* The system had more to tell than was asked for: input may lie there that nobody has seen. */
static bool has_unseen_input(const amqpc_transport *transport)
{
    uint8_t byte;
    return transport->watch.poller->is_crowded && !transport->input_ended &&
           recv(transport->watch.descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void on_deadline(amqpci_watch *watch, uint64_t now_ms)
{
    amqpc_transport *transport = (amqpc_transport *)watch;
    switch ((amqpc_transport_state)transport->state) {
    case AMQPC_TRANSPORT_RESOLVING:
    case AMQPC_TRANSPORT_CONNECTING:
        amqpci_connector_proceed(transport->connector, now_ms);
        break;
    case AMQPC_TRANSPORT_SECURING:
        amqpci_transport_fail(transport, AMQPC_CONNECT_TIMEOUT, 0, NULL, NULL);
        break;
    case AMQPC_TRANSPORT_OPEN:
        if (now_ms >= transport->stage_end_ms) {
            amqpci_transport_finish(transport);
            break;
        }
        if (has_unseen_input(transport)) {
            receive(transport);
        }
        if (transport->state == AMQPC_TRANSPORT_OPEN && tick(transport, now_ms) != AMQPC_OK) {
            watch->poller->trouble = AMQPC_NO_MEMORY;
        }
        amqpci_watch_touch(watch);
        tell_events(transport);
        break;
    case AMQPC_TRANSPORT_CLOSING:
        amqpci_transport_finish(transport);
        break;
    case AMQPC_TRANSPORT_CLOSED:
    case AMQPC_TRANSPORT_FAILED:
        break;
    }
}

static void destroy(amqpci_watch *watch)
{
    amqpc_transport_free((amqpc_transport *)watch);
}

const amqpci_watch_kind amqpci_transport_kind = {
    .on_events = on_events,
    .on_again = on_again,
    .on_deadline = on_deadline,
    .on_flush = on_flush,
    .destroy = destroy,
};
