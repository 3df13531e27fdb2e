/* Two Proton connections that talk to each other in memory, and the frames that they write. */
#ifndef PEERS_PROTON_PAIR_H
#define PEERS_PROTON_PAIR_H

#include "proton_vector.h"

#include <proton/connection.h>
#include <proton/transport.h>

typedef struct {
    pn_connection_t *connection;
    pn_transport_t *transport;
    size_t written_size; /* bytes written so far */
    size_t taken_size;   /* bytes of them that vectors have taken */
    char written[BYTES_CAPACITY];
} peer_t;

extern peer_t client;
extern peer_t server;

/* Makes both peers, with the container ids "client" and "server"; neither is bound or open. */
void pair_begin(void);
/* Binds the transports and opens the connections. */
void pair_open(void);
/* Ends both peers; it is an error if a frame was neither expected nor skipped. */
void pair_end(void);

/* Lets both peers talk until neither has anything to say. */
void pump(void);

/* Prints the next frame of peer as a vector with the text that it should have. */
void expect_frame(peer_t *peer, const char *name, const char *text);
/* Prints the performative of the next frame of peer. The frame carries a part of payload, from
 * *payload_offset on, which moves to where the next frame goes on. */
void expect_performative(peer_t *peer, const char *name, const char *text, const char *payload,
                         size_t payload_size, size_t *payload_offset);
/* Passes over frames that another vector shows already. */
void skip_frames(peer_t *peer, unsigned count);

#endif
