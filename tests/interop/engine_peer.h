/* The peer that is the engine, in its parts. */
#ifndef TESTS_INTEROP_ENGINE_PEER_H
#define TESTS_INTEROP_ENGINE_PEER_H

#include "interop/peer.h"
#include "support/socket_loop.h"

typedef enum engine_stage {
    ENGINE_WORKING,
    ENGINE_HOLDING, /* the work is done; until hold_until_ms */
    ENGINE_ENDING,  /* what was detached or ended first is waited for */
    ENGINE_CLOSING, /* close is on its way */
} engine_stage;

/* link, session      NULL before there is one
 * messages           by number: what was sent by reference, until it is given back
 * assembled          the delivery that is received piece by piece */
typedef struct engine_peer {
    const peer_options *options;
    peer_summary summary;
    socket_loop loop;
    amqpc_connection *connection;
    amqpc_session *session;
    amqpc_link *link;
    engine_stage stage;
    uint64_t hold_until_ms;
    bool remote_closed;
    bool drain_sent;
    uint8_t **messages;
    uint8_t *assembled;
    size_t assembled_size;
} engine_peer;

/* Ends the program where the status is not AMQPC_OK. */
void engine_check(amqpc_status status, const char *call);

amqpc_bytes engine_bytes(const char *text);

/* --- engine_messages.c */

/* Sends what credit and room allow. */
void engine_send(engine_peer *peer);

/* Before the attach: how deliveries are to come. */
void engine_prepare_receiver(engine_peer *peer);

void engine_take_deliveries(engine_peer *peer);
void engine_take_updates(engine_peer *peer);
void engine_take_flow(engine_peer *peer);

/* All messages were received, or handed to the engine to be sent. */
bool engine_all_moved(const engine_peer *peer);

/* All messages have come or gone, and are settled. */
bool engine_work_is_done(const engine_peer *peer);

/* --- engine_sasl.c */

/* Fills the options of SASL; their texts are the peer's. */
void engine_sasl_options(const peer_options *options, amqpc_sasl_options *sasl);

/* Answers the question that is open. */
void engine_answer_sasl(engine_peer *peer);

#endif
