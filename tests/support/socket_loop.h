/* A connection of the engine on a socket: the loop that an application writes for itself, as
 * tests need it. One socket, one connection, one thread. Errors of the system end the program. */
#ifndef TESTS_SUPPORT_SOCKET_LOOP_H
#define TESTS_SUPPORT_SOCKET_LOOP_H

#include <amqpcodec/amqpcodec.h>

/* socket       non-blocking in its use; closed by socket_loop_close
 * connection   of the caller
 * is_lost      the socket takes or gives no more */
typedef struct socket_loop {
    int socket;
    amqpc_connection *connection;
    bool is_lost;
} socket_loop;

/* A socket of 127.0.0.1 that is connected to a port, in decimal. */
int socket_loop_connect(const char *port);

/* A socket that listens at 127.0.0.1; *port receives where. */
int socket_loop_listen(uint16_t *port);

/* Waits for one client, and closes the listening socket. */
int socket_loop_accept(int listener);

/* Milliseconds of a clock that does not go back. */
uint64_t socket_loop_now_ms(void);

/* One round: tells the time, sends what there is to send, waits until something arrives, the
 * engine's deadline or `until_ms` (UINT64_MAX for none), and hands in what arrived. The caller
 * reads the events then.
 *
 * Returns whether there is more to do: false once the connection is finished, or the socket lost.
 */
bool socket_loop_step(socket_loop *loop, uint64_t until_ms);

/* Closes the socket, after the peer has read what was sent. */
void socket_loop_close(socket_loop *loop);

#endif
