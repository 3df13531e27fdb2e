/* How a transport gets from one state to the next, and how it ends: once. */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "transport/connector.h"
#include "transport/stream_socket.h"
#include "transport/tls.h"

enum { REASON_SIZE = 128 };

#define MAY(state) (1u << AMQPC_TRANSPORT_##state)

/* Which states may follow. */
static const uint8_t followers[] = {
    [AMQPC_TRANSPORT_RESOLVING] = MAY(CONNECTING) | MAY(SECURING) | MAY(OPEN) | MAY(FAILED),
    [AMQPC_TRANSPORT_CONNECTING] = MAY(SECURING) | MAY(OPEN) | MAY(FAILED),
    [AMQPC_TRANSPORT_SECURING] = MAY(OPEN) | MAY(FAILED),
    [AMQPC_TRANSPORT_OPEN] = MAY(CLOSING) | MAY(CLOSED) | MAY(FAILED),
    [AMQPC_TRANSPORT_CLOSING] = MAY(CLOSED) | MAY(FAILED),
    [AMQPC_TRANSPORT_CLOSED] = 0,
    [AMQPC_TRANSPORT_FAILED] = 0,
};

void amqpci_transport_enter(amqpc_transport *transport, amqpc_transport_state state)
{
    bool may_follow = followers[transport->state] & 1u << state;
    assert(may_follow);
    (void)may_follow;
    transport->state = (uint8_t)state;
    amqpci_watch_make_ready(&transport->watch);
}

/* --- The beginning. */

static amqpc_status keep_remote(amqpc_transport *transport)
{
    char text[AMQPCI_ADDRESS_TEXT_SIZE] = "";
    amqpci_address address;
    /* A peer that is gone already has no address: reading tells of it. */
    if (amqpci_socket_remote_address(transport->watch.descriptor, &address) == AMQPC_OK) {
        (void)!amqpci_address_print(&address, text, sizeof text);
    }
    size_t size = strlen(text) + 1;
    const amqpc_allocator *allocator = &transport->watch.poller->allocator;
    transport->remote = (char *)amqpci_new(allocator, size);
    if (transport->remote == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(transport->remote, text, size);
    return AMQPC_OK;
}

amqpc_status amqpci_transport_establish(amqpc_transport *transport, const char *host)
{
    amqpc_poller *poller = transport->watch.poller;
    int descriptor = transport->watch.descriptor;
    amqpc_status status = keep_remote(transport);
    if (status != AMQPC_OK) {
        return status;
    }
    transport->read_wait = EPOLLIN;
    if (transport->tls != NULL) {
        status = amqpci_tls_stream_new(transport->tls, &poller->allocator, descriptor, host,
                                       &transport->stream);
        if (status == AMQPC_OK) {
            amqpci_transport_enter(transport, AMQPC_TRANSPORT_SECURING);
            amqpci_transport_secure(transport);
        }
        return status;
    }
    amqpci_stream_socket_init(&transport->plain, descriptor);
    transport->stream = &transport->plain;
    amqpci_transport_enter(transport, AMQPC_TRANSPORT_OPEN);
    transport->stage_end_ms = AMQPCI_NEVER;
    amqpci_watch_set_deadline(&transport->watch, AMQPCI_NEVER);
    amqpci_watch_touch(&transport->watch);
    return AMQPC_OK;
}

void amqpci_transport_secure(amqpc_transport *transport)
{
    amqpci_stream *stream = transport->stream;
    amqpc_status status = stream->kind->handshake(stream);
    if (status == AMQPC_NEED_MORE) {
        amqpci_watch_set_interest(&transport->watch, (stream->waits_read ? EPOLLIN : 0) |
                                                         (stream->waits_write ? EPOLLOUT : 0));
        return;
    }
    if (status != AMQPC_OK) {
        amqpci_transport_fail_stream(transport, status);
        return;
    }
    amqpci_transport_enter(transport, AMQPC_TRANSPORT_OPEN);
    transport->stage_end_ms = AMQPCI_NEVER;
    amqpci_watch_set_deadline(&transport->watch, AMQPCI_NEVER);
    amqpci_watch_set_interest(&transport->watch, EPOLLIN);
    amqpci_watch_touch(&transport->watch);
    amqpci_watch_repeat(&transport->watch); /* data may have come with the end of the handshake */
}

/* --- The end. */

/* The state is final: nothing is watched, and the connection knows that nothing comes. */
static void end(amqpc_transport *transport, amqpc_transport_state state)
{
    amqpci_connector_free(transport->connector);
    transport->connector = NULL;
    amqpci_watch_close(&transport->watch);
    transport->stage_end_ms = AMQPCI_NEVER;
    amqpci_watch_set_deadline(&transport->watch, AMQPCI_NEVER);
    (void)amqpc_connection_input_end(transport->connection);
    amqpc_connection_trim(transport->connection);
    amqpci_transport_enter(transport, state);
}

static void keep_failure_text(amqpc_transport *transport, const char *place, const char *reason)
{
    size_t size = strlen(place) + sizeof ": " + strlen(reason);
    transport->failure_text = (char *)amqpci_new(&transport->watch.poller->allocator, size);
    if (transport->failure_text != NULL) {
        (void)snprintf(transport->failure_text, size, "%s: %s", place, reason);
    }
}

void amqpci_transport_fail(amqpc_transport *transport, amqpc_status status, int system_error,
                           const char *place, const char *reason)
{
    char text[REASON_SIZE];
    if (amqpci_transport_is_over(transport)) {
        return;
    }
    transport->failure = status;
    transport->system_error = system_error;
    if (place == NULL) {
        place = transport->remote == NULL ? "no address" : transport->remote;
    }
    if (reason == NULL && system_error != 0 && strerror_r(system_error, text, sizeof text) == 0) {
        reason = text;
    }
    keep_failure_text(transport, place, reason == NULL ? amqpc_status_text(status) : reason);
    end(transport, AMQPC_TRANSPORT_FAILED);
}

void amqpci_transport_fail_stream(amqpc_transport *transport, amqpc_status status)
{
    const amqpci_stream *stream = transport->stream;
    bool is_of_system = status == AMQPC_SOCKET_ERROR;
    amqpci_transport_fail(transport, status, is_of_system ? stream->system_error : 0, NULL,
                          is_of_system ? NULL : stream->reason);
}

void amqpci_transport_finish(amqpc_transport *transport)
{
    amqpc_status status = transport->connection->failure;
    if (status != AMQPC_OK) {
        amqpci_transport_fail(transport, status, 0, NULL, NULL);
    } else {
        end(transport, AMQPC_TRANSPORT_CLOSED);
    }
}

void amqpci_transport_close(amqpc_transport *transport, uint64_t now_ms)
{
    if (transport->state == AMQPC_TRANSPORT_OPEN) {
        amqpci_transport_enter(transport, AMQPC_TRANSPORT_CLOSING);
        amqpc_connection_trim(transport->connection);
        transport->stage_end_ms = now_ms + transport->close_timeout_ms;
        amqpci_watch_set_deadline(&transport->watch, transport->stage_end_ms);
    }
    amqpci_stream *stream = transport->stream;
    amqpc_status status = stream->kind->shutdown(stream);
    if (status == AMQPC_NEED_MORE) {
        transport->write_wait =
            (stream->waits_read ? EPOLLIN : 0) | (stream->waits_write ? EPOLLOUT : 0);
    } else {
        transport->is_shut = true;
        transport->write_wait = 0;
    }
    bool is_done = transport->input_ended && transport->is_shut;
    bool failed =
        status != AMQPC_NEED_MORE && status != AMQPC_OK; /* the peer is gone: all is said */
    if (is_done || failed || transport->close_timeout_ms == 0) {
        amqpci_transport_finish(transport);
        return;
    }
    amqpci_watch_set_interest(&transport->watch,
                              (transport->input_ended ? 0 : EPOLLIN) | transport->write_wait);
}
