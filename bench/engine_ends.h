/* Two connections of ours, whose bytes are carried from one to the other in memory. The programs of
 * the engine suite that measure us work with them; all by the public API. */
#ifndef BENCH_ENGINE_ENDS_H
#define BENCH_ENGINE_ENDS_H

#include <amqpcodec/connection.h>
#include <amqpcodec/delivery.h>
#include <amqpcodec/event.h>
#include <amqpcodec/link.h>
#include <amqpcodec/session.h>

#include "engine_operation.h"

/* Deliveries and updates that are taken by one call. */
enum { ENDS_BATCH = 64 };

/* client, server    what engine_ends_open makes; engine_ends_close frees it
 * session           the client's newest
 * sender, receiver  the newest link: its end at the client, and at the server
 * link_count        links attached so far, which names the next */
typedef struct engine_ends {
    amqpc_connection *client;
    amqpc_connection *server;
    amqpc_session *session;
    amqpc_link *sender;
    amqpc_link *receiver;
    unsigned link_count;
    uint32_t prefetch;
    bool settled;
    uint64_t now_ms;
} engine_ends;

/* Ends the program where the status is not AMQPC_OK. */
void engine_ends_check(amqpc_status status);

/* Opens a connection. The operation says how large its frames are, how its links settle, and the
 * prefetch that the server gives each of them. So many sessions, links of one session, and
 * unsettled deliveries are allowed: more than anything here makes. */
enum { ENDS_MANY = 200000, ENDS_SESSIONS_MAX = 32768 };
void engine_ends_open(engine_ends *ends, const engine_operation *operation);
void engine_ends_close(engine_ends *ends);

/* Begins the client's next session, or attaches its next sender, in `session`. What goes out for it
 * is left to engine_ends_exchange. */
void engine_ends_begin(engine_ends *ends);
void engine_ends_attach(engine_ends *ends);

/* Carries bytes, and answers what the peer begins and attaches, until both are silent. */
void engine_ends_exchange(engine_ends *ends);

/* Carries as much as one input buffer of `to` takes; returns whether there was anything. */
bool engine_ends_carry(amqpc_connection *from, amqpc_connection *to);

/* Reads all events of a connection: answers the peer's open, begin and attach, fails for what ends
 * anything. */
void engine_ends_handle_events(engine_ends *ends, amqpc_connection *connection);

/* Lets time pass in silence, so that what idle connections do not need is given back. */
void engine_ends_idle(engine_ends *ends);

#endif
