/* One engine against the input as its peer; connection_client_fuzz.c, connection_server_fuzz.c. */
#ifndef TESTS_FUZZ_CONNECTION_FUZZ_H
#define TESTS_FUZZ_CONNECTION_FUZZ_H

#include "fuzz.h"

/* Bytes before the peer's stream: flags, the size of pieces, two of the number of the allocation
 * that fails, two of the application's choices, and three of options (player_options). */
enum { CONNECTION_FUZZ_HEAD = 9 };

/* Bits of the first byte. */
enum {
    CONNECTION_FUZZ_SASL = 1,
    CONNECTION_FUZZ_NOT_OPEN = 2,   /* the application has not called open */
    CONNECTION_FUZZ_NO_SESSION = 4, /* nor made a session and links */
    CONNECTION_FUZZ_FAILING = 8,    /* an allocation fails */
    CONNECTION_FUZZ_WILD = 16,      /* the application makes any call between pieces */
    CONNECTION_FUZZ_MUTE = 32,      /* nobody takes the output, until the end */
    CONNECTION_FUZZ_LAZY = 64       /* the application answers no event */
};

/* Runs one input. */
void connection_fuzz(amqpc_end_role role, const uint8_t *data, size_t size);

#endif
