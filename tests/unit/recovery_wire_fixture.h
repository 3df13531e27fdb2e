/* One engine, and a peer that the test plays by hand: what goes over the wire when a link is
 * attached again (AMQP 2.6.13, 3.4.6). */
#ifndef TESTS_UNIT_RECOVERY_WIRE_FIXTURE_H
#define TESTS_UNIT_RECOVERY_WIRE_FIXTURE_H

#include "recovery_fixture.h"

enum { WIRE_FRAMES_MAX = 64 };

/* Frames that the engine sent. The views hold until the next call. */
typedef struct wire_frames {
    size_t count;
    amqpc_performative frames[WIRE_FRAMES_MAX];
} wire_frames;

/* An entry of an unsettled map. state: NULL for null. */
typedef struct wire_entry {
    amqpc_bytes tag;
    const amqpc_value *state;
} wire_entry;

extern const amqpc_value wire_accepted;
extern const amqpc_value wire_released;
extern const amqpc_value wire_transactional;

/* received with that section number and offset; one at a time. */
const amqpc_value *wire_received(uint32_t section, uint64_t offset);

/* Takes all that the engine has to send. */
void wire_take(amqpc_connection *connection, wire_frames *frames);

/* The one transfer with that tag; NULL where there is none. */
const amqpc_performative *wire_transfer(const wire_frames *frames, amqpc_bytes tag);

/* How many frames of that type there are. */
size_t wire_count(const wire_frames *frames, uint32_t type);

/* Sends the peer's attach with that map: count SIZE_MAX for none. role: of the peer. */
void wire_attach(amqpc_connection *connection, bool role, const wire_entry *entries, size_t count,
                 bool incomplete);

/* Sends the peer's flow for its handle 0: it has seen `seen` deliveries of this attachment. */
void wire_flow(amqpc_connection *connection, uint32_t next_incoming_id, uint32_t seen,
               uint32_t credit);

#endif
