/* One direction of a connection: protocol headers and frames, shown as they come
 * (AMQP 2.2, 2.3, 5.3). */
#ifndef AMQPCODEC_TOOLS_STREAM_H
#define AMQPCODEC_TOOLS_STREAM_H

#include "tools/delivery.h"
#include "tools/dump.h"

/* What comes next. */
typedef enum stream_state {
    STREAM_HEADER = 0, /* a protocol header */
    STREAM_SASL = 1,   /* a SASL frame, or the protocol header that follows the last one */
    STREAM_FRAME = 2,  /* a frame */
    STREAM_TLS = 3,    /* records that cannot be shown */
    STREAM_STOPPED = 4 /* nothing that could be understood */
} stream_state;

/* A direction. Set members by stream_start.
 *
 * peer        the other direction, NULL where it is not known
 * connection  its number in the capture, from 1; 0 where the input is but one stream
 * ends        both ends' addresses, shown with a protocol header; "" where they are not known
 * mark        what a line begins with
 * announced   max-frame-size of the open that was seen in this direction, otherwise 0
 * bytes       what was not shown yet; append to it and call stream_run */
typedef struct stream {
    dump *run;
    struct stream *peer;
    unsigned connection;
    bool from_server;
    stream_state state;
    uint32_t announced;
    char mark[24];
    char ends[160];
    window bytes;
    delivery_table deliveries;
} stream;

/* connection, from_server: for the mark; 0 and false where there is but one direction */
void stream_start(stream *direction, dump *run, unsigned connection, bool from_server);

/* Shows all headers and frames that are complete. */
void stream_run(stream *direction);

/* No more bytes come: what is left is reported. */
void stream_end(stream *direction);

void stream_free(stream *direction);

#endif
