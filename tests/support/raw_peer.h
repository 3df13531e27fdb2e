/* The other end of a transport, as a plain blocking socket: it says what a test wants it to say.
 * What takes longer than a test may wait for fails the test. */
#ifndef TESTS_SUPPORT_RAW_PEER_H
#define TESTS_SUPPORT_RAW_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A socket that listens at 127.0.0.1. *port receives where. */
int raw_peer_listen(uint32_t *port, int backlog);

/* Takes a client that has connected. */
int raw_peer_accept(int listener);

/* Connects to 127.0.0.1. */
int raw_peer_connect(uint32_t port);

void raw_peer_write(int peer, const void *data, size_t size);

/* Something can be read, or the stream has ended, now. */
bool raw_peer_is_readable(int peer);

/* Reads at least one byte, at most `capacity`; 0 at the end of the stream, -1 where the stream was
 * reset. */
long raw_peer_read(int peer, void *data, size_t capacity);

/* Closes it so that the other end is reset. */
void raw_peer_reset(int peer);

/* Protocol header and open of a peer that is called "raw". idle_timeout_ms 0: none. */
size_t raw_peer_greeting(uint8_t *data, size_t capacity, uint32_t idle_timeout_ms);

/* A frame of close without an error. */
size_t raw_peer_close_frame(uint8_t *data, size_t capacity);

#endif
