/* What a connection has sent, frame by frame, and what applications do most, in one line each. */
#ifndef TESTS_SUPPORT_ENGINE_FRAMES_H
#define TESTS_SUPPORT_ENGINE_FRAMES_H

#include "support/engine_pair.h"

enum { ENGINE_FRAMES_MAX = 1024 };

/* Large: make it static. */
typedef struct engine_frames {
    size_t count;
    size_t size;    /* of bytes, protocol headers included */
    size_t headers; /* protocol headers among them */
    uint8_t types[ENGINE_FRAMES_MAX];
    uint16_t channels[ENGINE_FRAMES_MAX];
    amqpc_performative list[ENGINE_FRAMES_MAX]; /* views into bytes */
    uint8_t bytes[2 << 20];
} engine_frames;

/* Takes all output of the connection, and decodes it. */
void engine_take_frames(amqpc_connection *connection, engine_frames *frames);

/* As engine_take_frames, and gives the bytes to `to`. */
amqpc_status engine_forward(amqpc_connection *from, amqpc_connection *to, engine_frames *frames);

size_t engine_frame_count(const engine_frames *frames, uint32_t type);

/* The frame of the type; the test fails where there is none, or more than one. */
const amqpc_performative *engine_frame(const engine_frames *frames, uint32_t type);

/* Two connections between which open has not crossed: both ends called it, nothing moved. */
void engine_pair_begin_open(engine_pair *pair, const amqpc_allocator *allocator);

/* As engine_pair_attach, with the client as the receiver. */
void engine_pair_attach_receiver(engine_pair *pair, const amqpc_attach *asked);

/* As engine_pair_attach, with a name and an answer (NULL for the defaults); both ends of the link
 * are written. */
void engine_pair_attach_named(engine_pair *pair, const char *name, const amqpc_attach *asked,
                              const amqpc_attach *answer, amqpc_link **sender,
                              amqpc_link **receiver);

/* Sends with the defaults; gives the number. */
uint64_t engine_send(amqpc_link *link, const char *text);

/* Takes the one delivery, or update, that there is. */
amqpc_delivery engine_receive(amqpc_link *link);
amqpc_update engine_update(amqpc_link *link);

void assert_no_updates(amqpc_link *link);
void assert_bytes(amqpc_bytes bytes, const char *text);

/* A flow of the link as the peer of `link` would write it, for engine_feed_frame. */
amqpc_performative engine_flow(uint32_t handle, uint32_t delivery_count, uint32_t credit);

/* A transfer with all that a first frame needs. */
amqpc_performative engine_transfer(uint32_t handle, uint32_t id, const char *payload);

#endif
