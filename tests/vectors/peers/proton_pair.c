/* The conversation of proton_pair.h: bytes move by hand from one transport to the other. */
#include "proton_pair.h"

#include <proton/condition.h>
#include <string.h>

enum { FRAME_HEADER_SIZE = 8, PROTOCOL_HEADER_SIZE = 8 };

peer_t client;
peer_t server;

static void peer_begin(peer_t *peer, const char *container)
{
    peer->connection = pn_connection();
    peer->transport = pn_transport();
    peer->written_size = 0;
    peer->taken_size = 0;
    pn_connection_set_container(peer->connection, container);
}

static void peer_end(peer_t *peer)
{
    if (peer->taken_size != peer->written_size) {
        fail("%zu bytes were written that no vector takes", peer->written_size - peer->taken_size);
    }
    pn_transport_unbind(peer->transport);
    pn_transport_free(peer->transport);
    pn_connection_free(peer->connection);
}

void pair_begin(void)
{
    peer_begin(&client, "client");
    peer_begin(&server, "server");
    pn_transport_set_server(server.transport);
}

void pair_open(void)
{
    pn_transport_bind(client.transport, client.connection);
    pn_transport_bind(server.transport, server.connection);
    pn_connection_open(client.connection);
    pn_connection_open(server.connection);
    pump();
}

void pair_end(void)
{
    peer_end(&client);
    peer_end(&server);
}

/* Moves to `to` what `from` has to write, and keeps it; whether there was anything. */
static bool move_output(peer_t *from, peer_t *to)
{
    ssize_t pending = pn_transport_pending(from->transport);
    if (pending <= 0) {
        return false;
    }
    size_t size = (size_t)pending;
    if (size > sizeof from->written - from->written_size) {
        fail("a conversation is longer than %zu bytes", sizeof from->written);
    }
    const char *bytes = pn_transport_head(from->transport);
    memcpy(from->written + from->written_size, bytes, size);
    from->written_size += size;
    if (pn_transport_push(to->transport, bytes, size) != (ssize_t)size) {
        fail("%s", pn_condition_get_description(pn_transport_condition(to->transport)));
    }
    pn_transport_pop(from->transport, size);
    return true;
}

void pump(void)
{
    bool moved = true;
    while (moved) {
        moved = move_output(&client, &server);
        moved = move_output(&server, &client) || moved;
    }
}

static size_t read_uint32(const char *bytes)
{
    size_t number = 0;
    for (size_t i = 0; i < 4; i++) {
        number = number << 8 | (uint8_t)bytes[i];
    }
    return number;
}

/* The next frame that peer wrote and that no vector has taken; protocol headers do not count. */
static const char *take_frame(peer_t *peer, const char *name, size_t *size)
{
    const char *bytes = peer->written + peer->taken_size;
    size_t remaining = peer->written_size - peer->taken_size;
    while (remaining >= PROTOCOL_HEADER_SIZE && memcmp(bytes, "AMQP", 4) == 0) {
        bytes += PROTOCOL_HEADER_SIZE;
        remaining -= PROTOCOL_HEADER_SIZE;
        peer->taken_size += PROTOCOL_HEADER_SIZE;
    }
    *size = remaining >= FRAME_HEADER_SIZE ? read_uint32(bytes) : 0;
    if (*size < FRAME_HEADER_SIZE || *size > remaining) {
        fail("%s: Proton has not written that frame", name);
    }
    peer->taken_size += *size;
    return bytes;
}

static void print_frame_part(const char *kind, const char *name, const char *bytes, size_t size,
                             const char *expected)
{
    text_t text;
    text_clear(&text);
    text_append(&text, "%s", expected);
    print_vector(kind, name, bytes, size, &text);
}

void expect_frame(peer_t *peer, const char *name, const char *text)
{
    size_t size;
    const char *bytes = take_frame(peer, name, &size);
    print_frame_part("frame", name, bytes, size, text);
}

void expect_performative(peer_t *peer, const char *name, const char *text, const char *payload,
                         size_t payload_size, size_t *payload_offset)
{
    size_t frame_size;
    const char *bytes = take_frame(peer, name, &frame_size) + FRAME_HEADER_SIZE;
    size_t body_size = frame_size - FRAME_HEADER_SIZE;

    /* The payload is the longest end of the frame that goes on where the last frame stopped. */
    size_t part_size = payload_size - *payload_offset;
    part_size = part_size < body_size ? part_size : body_size;
    while (memcmp(bytes + body_size - part_size, payload + *payload_offset, part_size) != 0) {
        part_size--;
    }
    *payload_offset += part_size;
    print_frame_part("performative", name, bytes, body_size - part_size, text);
}

void skip_frames(peer_t *peer, unsigned count)
{
    size_t size;
    for (unsigned i = 0; i < count; i++) {
        take_frame(peer, "a frame to skip", &size);
    }
}
