/* One end of ours in the transport suite: a poller with one transport, whose peer is answered, all
 * by the public API. */
#ifndef BENCH_TRANSPORT_OURS_END_H
#define BENCH_TRANSPORT_OURS_END_H

#include <amqpcodec/amqpcodec.h>

#include "transport_case.h"

/* receiver, sender  links, once they are there
 * waits             calls of amqpc_poller_wait
 * changed           something happened in the last round
 * over              the transport is closed, in good order */
typedef struct ours_end {
    const transport_case *chosen;
    const transport_place *place;
    amqpc_poller *poller;
    amqpc_listener *listener;
    amqpc_transport *transport;
    amqpc_tls *tls;
    amqpc_link *receiver;
    amqpc_link *sender;
    uint64_t waits;
    bool over;
} ours_end;

/* Ends the program where the status is not AMQPC_OK. */
void ours_check(amqpc_status status);

/* Listens, tells the port, and waits for the peer's transport. */
void ours_end_listen(ours_end *end, const transport_case *chosen, const transport_place *place);

/* Connects, and attaches a sender or a receiver. */
void ours_end_connect(ours_end *end, const transport_case *chosen, const transport_place *place,
                      bool sends);

/* Sends, waits and receives, and answers the peer's opens, begins, attaches and closes. */
void ours_end_round(ours_end *end);

/* Calls of the system so far. */
uint64_t ours_end_calls(const ours_end *end);

/* Closes the connection, and waits until that is done. */
void ours_end_close(ours_end *end);

/* Frees all of it. */
void ours_end_free(ours_end *end);

#endif
