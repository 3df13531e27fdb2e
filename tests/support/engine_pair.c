/* Two engines in one process, and the bytes between them. */
#include "support/engine_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VECTORS = 16, FRAME_MAX_SIZE = 65536 };

amqpc_bytes engine_text(const char *text)
{
    return (amqpc_bytes){text, strlen(text)};
}

void engine_pair_make(engine_pair *pair, const amqpc_allocator *allocator,
                      const amqpc_connection_options *client,
                      const amqpc_connection_options *server)
{
    amqpc_connection_options options[2];
    amqpc_connection_options_init(&options[0], sizeof options[0]);
    options[1] = options[0];
    if (client != NULL) {
        options[0] = *client;
    }
    if (server != NULL) {
        options[1] = *server;
    }
    options[0].role = AMQPC_CLIENT;
    options[1].role = AMQPC_SERVER;
    memset(pair, 0, sizeof *pair);
    assert_int_equal(amqpc_connection_new(allocator, &options[0], &pair->client), AMQPC_OK);
    assert_int_equal(amqpc_connection_new(allocator, &options[1], &pair->server), AMQPC_OK);
}

void engine_pair_open_with(engine_pair *pair, const amqpc_connection_options *client,
                           const amqpc_connection_options *server)
{
    engine_pair_make(pair, NULL, client, server);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("client")};
    assert_int_equal(amqpc_connection_open(pair->client, &open), AMQPC_OK);
    open.container_id = engine_text("server");
    assert_int_equal(amqpc_connection_open(pair->server, &open), AMQPC_OK);
    assert_int_equal(amqpc_session_new(pair->client, &pair->client_session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair->client_session, NULL), AMQPC_OK);
    engine_exchange(pair);
    pair->server_session = engine_event(pair->server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(pair->server_session, NULL), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    engine_events(pair->server);
}

void engine_pair_open(engine_pair *pair)
{
    engine_pair_open_with(pair, NULL, NULL);
}

void engine_pair_attach(engine_pair *pair, const amqpc_attach *attach)
{
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("here")};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = engine_text("queue")};
    assert_int_equal(
        amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER, engine_text("link"), &pair->sender),
        AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair->sender, attach, &source, &target), AMQPC_OK);
    engine_exchange(pair);
    pair->receiver = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(pair->receiver, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    engine_events(pair->server);
}

void engine_pair_free(engine_pair *pair)
{
    amqpc_connection_free(pair->client);
    amqpc_connection_free(pair->server);
}

amqpc_status engine_feed(amqpc_connection *connection, const void *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    while (size > 0) {
        void *place = NULL;
        size_t capacity = 0;
        amqpc_status status = amqpc_connection_input_buffer(connection, &place, &capacity);
        if (status != AMQPC_OK) {
            return status;
        }
        size_t moved = size < capacity ? size : capacity;
        memcpy(place, bytes, moved);
        status = amqpc_connection_input(connection, moved);
        if (status != AMQPC_OK) {
            return status;
        }
        bytes += moved;
        size -= moved;
    }
    return AMQPC_OK;
}

amqpc_status engine_feed_frame(amqpc_connection *connection, uint16_t channel,
                               const amqpc_performative *performative)
{
    static uint8_t frame[FRAME_MAX_SIZE];
    size_t size = 0;
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, channel, performative, frame, sizeof frame, &size),
        AMQPC_OK);
    return engine_feed(connection, frame, size);
}

size_t engine_pump(amqpc_connection *from, amqpc_connection *to, size_t step)
{
    size_t total = 0;
    for (;;) {
        amqpc_bytes vectors[VECTORS];
        size_t count = 0;
        assert_int_equal(amqpc_connection_output(from, vectors, VECTORS, &count), AMQPC_OK);
        if (count == 0) {
            return total;
        }
        size_t size = vectors[0].size < step ? vectors[0].size : step;
        amqpc_status status = engine_feed(to, vectors[0].data, size);
        amqpc_connection_output_done(from, size);
        total += size;
        if (status != AMQPC_OK) {
            return total;
        }
    }
}

void engine_exchange(engine_pair *pair)
{
    while (engine_pump(pair->client, pair->server, SIZE_MAX) +
               engine_pump(pair->server, pair->client, SIZE_MAX) >
           0) {
    }
}

size_t engine_take_output(amqpc_connection *connection, uint8_t *data, size_t capacity)
{
    size_t total = 0;
    for (;;) {
        amqpc_bytes vector;
        size_t count = 0;
        assert_int_equal(amqpc_connection_output(connection, &vector, 1, &count), AMQPC_OK);
        if (count == 0) {
            return total;
        }
        assert_true(vector.size <= capacity - total);
        memcpy(data + total, vector.data, vector.size);
        total += vector.size;
        amqpc_connection_output_done(connection, vector.size);
    }
}

amqpc_connection_event engine_event(amqpc_connection *connection, amqpc_event_type type)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        if (event.type == type) {
            return event;
        }
    }
    fail_msg("there is no event %s", amqpc_event_name(type));
    abort();
}

uint32_t engine_events(amqpc_connection *connection)
{
    uint32_t types = 0;
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        types |= 1u << event.type;
    }
    return types;
}
