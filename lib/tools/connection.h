/* The TCP connections of a capture: which segments belong together, and which connections are
 * AMQP's. */
#ifndef AMQPCODEC_TOOLS_CONNECTION_H
#define AMQPCODEC_TOOLS_CONNECTION_H

#include "tools/stream.h"
#include "tools/tcp_flow.h"

/* Whether a connection is shown. */
typedef enum connection_choice {
    CONNECTION_UNDECIDED = 0, /* too little was seen */
    CONNECTION_SHOWN = 1,
    CONNECTION_PASSED_OVER = 2 /* it speaks another protocol, or has another port */
} connection_choice;

/* One connection. Index 0 of ends, flows and streams is the client, or what it sends; 1 the server.
 *
 * streams  NULL where the connection is passed over
 * number   among those shown, from 1
 * ended    both directions are complete, or it was reset: what was left was reported
 * chained  next of the same hash; next: of all, in the order in which they were first seen */
typedef struct connection {
    struct connection *next;
    struct connection *chained;
    endpoint ends[2];
    connection_choice choice;
    unsigned number;
    bool ended;
    bool gap_reported[2];
    tcp_flow flows[2];
    stream *streams;
} connection;

enum { CONNECTION_BUCKET_COUNT = 16384 };

typedef struct connection_table {
    dump *run;
    unsigned shown_count;
    connection *first;
    connection **last;
    connection *buckets[CONNECTION_BUCKET_COUNT];
} connection_table;

connection_table *connection_table_new(dump *run);

/* Takes a segment, and shows what it completes. */
void connection_table_take(connection_table *table, const tcp_segment *segment);

/* The capture ends: reports what is missing or incomplete. */
void connection_table_end(connection_table *table);

void connection_table_free(connection_table *table);

#endif
