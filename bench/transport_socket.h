/* Blocking sockets for the contenders that are no library. */
#ifndef BENCH_TRANSPORT_SOCKET_H
#define BENCH_TRANSPORT_SOCKET_H

#include "transport_case.h"

/* Listens on a free port of 127.0.0.1, tells it, and waits for the peer. */
int transport_socket_accept(const transport_place *place);

int transport_socket_connect(const transport_place *place);

/* All of it; the program ends where that cannot be. */
void transport_socket_write(int socket, const void *data, size_t size);
void transport_socket_read(int socket, void *data, size_t size);

#endif
