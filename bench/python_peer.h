/* Two parts of one program: python_peer.c says what it does. */
#ifndef BENCH_PYTHON_PEER_H
#define BENCH_PYTHON_PEER_H

#include <amqpcodec/amqpcodec.h>

/* Ends the program where the status is not AMQPC_OK. */
void python_peer_check(amqpc_status status);

/* Sends so many messages of 100 bytes to a sink, one at a time, and prints seconds and the median
 * round trip as JSON. */
void python_peer_trips(uint32_t port, uint64_t count);

#endif
