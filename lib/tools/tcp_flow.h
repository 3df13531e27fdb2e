/* One direction of a TCP connection: its segments put in order, each byte once (RFC 9293). */
#ifndef AMQPCODEC_TOOLS_TCP_FLOW_H
#define AMQPCODEC_TOOLS_TCP_FLOW_H

#include "tools/packet.h"
#include "tools/window.h"

/* A segment that came before one that precedes it. */
typedef struct held_segment {
    struct held_segment *next;
    uint32_t sequence;
    size_t size;
    uint8_t data[];
} held_segment;

/* A direction. All zero is one of which nothing was seen.
 *
 * started        `first_sequence` is known, the number of the first byte, and `next_sequence`, of
 * the next one finished       the sender has said that `end_sequence` is the end held           in
 * the order of their numbers, all beyond next_sequence too_many_held  more was held than is
 * allowed: what is missing is taken for lost */
typedef struct tcp_flow {
    bool started;
    bool finished;
    bool too_many_held;
    uint32_t first_sequence;
    uint32_t next_sequence;
    uint32_t end_sequence;
    held_segment *held;
    size_t held_count;
    size_t held_size;
} tcp_flow;

/* Takes a segment: what it adds to the stream, now or with segments that were held, is appended to
 * `stream`. */
void tcp_flow_take(tcp_flow *flow, const tcp_segment *segment, window *stream);

/* How many bytes are missing at next_sequence, as far as known; 0 where none are. */
uint32_t tcp_flow_gap(const tcp_flow *flow);

/* Whether all bytes up to the sender's end were seen. */
bool tcp_flow_is_complete(const tcp_flow *flow);

void tcp_flow_free(tcp_flow *flow);

#endif
