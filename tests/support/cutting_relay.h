/* A relay between a client and a server, on the loopback interface, that cuts connections at a
 * chosen byte. One thread. */
#ifndef TESTS_SUPPORT_CUTTING_RELAY_H
#define TESTS_SUPPORT_CUTTING_RELAY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cutting_relay cutting_relay;

/* Relays to a port of 127.0.0.1; nothing is cut yet. */
cutting_relay *cutting_relay_start(uint32_t port);
void cutting_relay_stop(cutting_relay *relay);

uint32_t cutting_relay_port(const cutting_relay *relay);

/* The next `count` connections are cut, each after a number of bytes of both directions together,
 * from 1 to `most`, that the seed decides, and by RST or FIN. Later ones are not. */
void cutting_relay_cut(cutting_relay *relay, uint64_t seed, uint32_t most, uint32_t count);

/* How many were cut. */
uint32_t cutting_relay_cuts(cutting_relay *relay);

/* Bytes stand still, both ways, or move again: a peer that has gone without a word (row 97). */
void cutting_relay_hold(cutting_relay *relay, bool holds);

#endif
