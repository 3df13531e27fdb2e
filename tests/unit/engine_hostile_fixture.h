/* One engine, and the test as its peer: which writes what no engine would, and reads the frames
 * that the engine answers with. All memory of the engine is counted. */
#ifndef TESTS_UNIT_ENGINE_HOSTILE_FIXTURE_H
#define TESTS_UNIT_ENGINE_HOSTILE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/counting_allocator.h"
#include "support/engine_frames.h"

typedef struct peer {
    counting_allocator memory;
    amqpc_connection *connection;
    amqpc_session *session; /* on channel 0 of both ends, after peer_begin */
    amqpc_link *link;       /* the last that was attached by peer_attach */
    size_t next;            /* of the frames that were taken, and not looked at yet */
    engine_frames frames;
} peer;

/* An engine of that role. options: NULL for the defaults; the role is set. */
peer *peer_new(amqpc_end_role role, const amqpc_connection_options *options);

/* Frees the engine, which has to give back all memory. */
void peer_free(peer *self);

/* As peer_new, and the headers have crossed. */
peer *peer_greet(amqpc_end_role role, const amqpc_connection_options *options);

/* A server with the defaults, and both opens have crossed. */
peer *peer_open(void);
peer *peer_open_with(const amqpc_connection_options *options);

/* As peer_open, and a session was begun by the peer. begin: of the engine; NULL for the defaults.
 */
peer *peer_begin(void);
peer *peer_begin_with(const amqpc_connection_options *options, const amqpc_begin *begin);

/* Begins a session on the channel as the peer; the engine answers. */
amqpc_session *peer_begin_on(peer *self, uint16_t channel);

/* Attaches a link as the peer, with itself in `role` (so the engine's link has the other); the
 * engine answers. */
amqpc_link *peer_attach(peer *self, const char *name, uint32_t handle, bool role);

/* The engine's link gives the credit, and the flow is read. */
void peer_take_credit(peer *self, amqpc_link *link, uint32_t credit);

/* Feeds a frame that the engine has to take. */
void peer_feed(peer *self, const amqpc_performative *frame);
void peer_feed_on(peer *self, uint16_t channel, const amqpc_performative *frame);
amqpc_status peer_feed_sasl(peer *self, const amqpc_performative *frame);

/* The AMQP, or SASL, protocol header; and its answer. */
amqpc_status peer_feed_header(peer *self, amqpc_protocol protocol);
void peer_expect_header(peer *self, amqpc_protocol protocol);

/* The next frame that the engine sent, which is of the type. Views hold until the next call. */
const amqpc_performative *peer_expect(peer *self, uint32_t type);

/* The engine has nothing more to say. */
void peer_expect_nothing(peer *self);

/* The engine sends close with the condition, as the last frame, and takes no more. */
void peer_expect_close(peer *self, const char *condition);

/* The engine ends the session on channel 0 with the condition; the connection goes on. */
void peer_expect_end(peer *self, const char *condition);

/* The engine detaches the link with the condition (which the application hears of); the session
 * goes on. */
void peer_expect_detach(peer *self, amqpc_link *link, const char *condition);

/* The engine still answers: a new session can be begun on the channel, and is ended again. */
void peer_expect_connection_alive(peer *self, uint16_t channel);

/* The engine still answers in the session: a link can be attached and detached. */
void peer_expect_session_alive(peer *self, uint32_t handle);

/* Frames, with what is mandatory. */
amqpc_performative open_frame(void);
amqpc_performative begin_frame(void);
amqpc_performative attach_frame(const char *name, uint32_t handle, bool role);
amqpc_performative transfer_frame(uint32_t handle, uint32_t id);
amqpc_performative more_frame(uint32_t handle); /* a continuation with nothing but the handle */
amqpc_performative disposition_frame(bool role, uint32_t first, uint32_t last, bool settled);
amqpc_performative detach_frame(uint32_t handle, bool closed);
amqpc_performative empty_frame(uint32_t type); /* end, close, or AMQPC_COMPOSITE_NONE */

#endif
