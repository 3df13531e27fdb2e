/* What a connection has sent, frame by frame, and what applications do most, in one line each. */
#include "support/engine_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void engine_take_frames(amqpc_connection *connection, engine_frames *frames)
{
    frames->count = 0;
    frames->headers = 0;
    frames->size = engine_take_output(connection, frames->bytes, sizeof frames->bytes);
    for (size_t at = 0; at < frames->size;) {
        const uint8_t *data = frames->bytes + at;
        if (memcmp(data, "AMQP", 4) == 0) {
            frames->headers++;
            at += AMQPC_PROTOCOL_HEADER_SIZE;
            continue;
        }
        assert_true(frames->count < ENGINE_FRAMES_MAX);
        amqpc_frame frame;
        size_t offset = 0;
        assert_int_equal(amqpc_frame_decode(data, frames->size - at, NULL, &frame,
                                            &frames->list[frames->count], &offset),
                         AMQPC_OK);
        frames->types[frames->count] = frame.type;
        frames->channels[frames->count++] = frame.channel;
        at += frame.size;
    }
}

amqpc_status engine_forward(amqpc_connection *from, amqpc_connection *to, engine_frames *frames)
{
    engine_take_frames(from, frames);
    return engine_feed(to, frames->bytes, frames->size);
}

size_t engine_frame_count(const engine_frames *frames, uint32_t type)
{
    size_t found = 0;
    for (size_t i = 0; i < frames->count; i++) {
        found += frames->list[i].type == type;
    }
    return found;
}

const amqpc_performative *engine_frame(const engine_frames *frames, uint32_t type)
{
    assert_int_equal(engine_frame_count(frames, type), 1);
    for (size_t i = 0; i < frames->count; i++) {
        if (frames->list[i].type == type) {
            return &frames->list[i];
        }
    }
    abort();
}

void engine_pair_begin_open(engine_pair *pair, const amqpc_allocator *allocator)
{
    engine_pair_make(pair, allocator, NULL, NULL);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_open(pair->client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair->server, &open), AMQPC_OK);
}

static void attach(engine_pair *pair, bool role, const char *name, const amqpc_attach *asked,
                   const amqpc_attach *answer, amqpc_link **own, amqpc_link **other)
{
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("here")};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = engine_text("queue")};
    assert_int_equal(amqpc_link_new(pair->client_session, role, engine_text(name), own), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(*own, asked, &source, &target), AMQPC_OK);
    engine_exchange(pair);
    *other = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(*other, answer, NULL, NULL), AMQPC_OK);
    engine_exchange(pair);
    (void)engine_events(pair->client);
    (void)engine_events(pair->server);
}

void engine_pair_attach_receiver(engine_pair *pair, const amqpc_attach *asked)
{
    attach(pair, AMQPC_ROLE_RECEIVER, "link", asked, NULL, &pair->receiver, &pair->sender);
}

void engine_pair_attach_named(engine_pair *pair, const char *name, const amqpc_attach *asked,
                              const amqpc_attach *answer, amqpc_link **sender,
                              amqpc_link **receiver)
{
    attach(pair, AMQPC_ROLE_SENDER, name, asked, answer, sender, receiver);
}

uint64_t engine_send(amqpc_link *link, const char *text)
{
    uint64_t number = 0;
    assert_int_equal(amqpc_link_send(link, engine_text(text), NULL, &number), AMQPC_OK);
    return number;
}

amqpc_delivery engine_receive(amqpc_link *link)
{
    amqpc_delivery deliveries[2];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(link, deliveries, 2, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    return deliveries[0];
}

amqpc_update engine_update(amqpc_link *link)
{
    amqpc_update updates[2];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, updates, 2, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    return updates[0];
}

void assert_no_updates(amqpc_link *link)
{
    amqpc_update update;
    size_t count = 1;
    assert_int_equal(amqpc_link_updates(link, &update, 1, &count), AMQPC_OK);
    assert_int_equal(count, 0);
}

void assert_bytes(amqpc_bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    if (bytes.size > 0) {
        assert_memory_equal(bytes.data, text, bytes.size);
    }
}

amqpc_performative engine_flow(uint32_t handle, uint32_t delivery_count, uint32_t credit)
{
    amqpc_performative flow = {.type = AMQPC_COMPOSITE_FLOW};
    flow.as.flow = (amqpc_flow){
        .present = AMQPC_FLOW_NEXT_INCOMING_ID | AMQPC_FLOW_INCOMING_WINDOW |
                   AMQPC_FLOW_NEXT_OUTGOING_ID | AMQPC_FLOW_OUTGOING_WINDOW | AMQPC_FLOW_HANDLE |
                   AMQPC_FLOW_DELIVERY_COUNT | AMQPC_FLOW_LINK_CREDIT,
        .incoming_window = 2048,
        .outgoing_window = 2048,
        .handle = handle,
        .delivery_count = delivery_count,
        .link_credit = credit,
    };
    return flow;
}

amqpc_performative engine_transfer(uint32_t handle, uint32_t id, const char *payload)
{
    amqpc_performative transfer = {.type = AMQPC_COMPOSITE_TRANSFER,
                                   .payload = engine_text(payload)};
    transfer.as.transfer = (amqpc_transfer){
        .present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID |
                   AMQPC_TRANSFER_DELIVERY_TAG | AMQPC_TRANSFER_MESSAGE_FORMAT,
        .handle = handle,
        .delivery_id = id,
        .delivery_tag = engine_text("tag"),
    };
    return transfer;
}
