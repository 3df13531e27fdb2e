/* Reassembly of one direction. Sequence numbers wrap; they are compared by the sign of their
 * difference (RFC 9293, 3.4). */
#include "tools/tcp_flow.h"

#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

/* What is kept while a segment is awaited: a few round trips' worth. */
enum { HELD_COUNT_MAX = 4096, HELD_SIZE_MAX = 16 << 20 };

/* How far `number` is ahead of `base`; negative where it is behind. */
static int32_t distance(uint32_t number, uint32_t base)
{
    return (int32_t)(number - base);
}

/* Appends what is new in a segment that does not lie ahead. */
static void append(tcp_flow *flow, uint32_t sequence, const uint8_t *data, size_t size,
                   window *stream)
{
    size_t known = (size_t)(flow->next_sequence - sequence);
    if (size > known) {
        window_append(stream, data + known, size - known);
        flow->next_sequence += (uint32_t)(size - known);
    }
}

static void hold(tcp_flow *flow, uint32_t sequence, const uint8_t *data, size_t size)
{
    if (flow->held_count >= HELD_COUNT_MAX || flow->held_size + size > HELD_SIZE_MAX) {
        flow->too_many_held = true;
        return;
    }
    held_segment **link = &flow->held;
    while (*link != NULL && distance((*link)->sequence, sequence) <= 0) {
        link = &(*link)->next;
    }
    held_segment *held = (held_segment *)reallocate(NULL, sizeof *held + size);
    held->next = *link;
    held->sequence = sequence;
    held->size = size;
    memcpy(held->data, data, size);
    *link = held;
    flow->held_count++;
    flow->held_size += size;
}

static void drop_first_held(tcp_flow *flow)
{
    held_segment *first = flow->held;
    flow->held = first->next;
    flow->held_count--;
    flow->held_size -= first->size;
    free(first);
}

void tcp_flow_take(tcp_flow *flow, const tcp_segment *segment, window *stream)
{
    uint32_t sequence = segment->sequence + (segment->synchronize ? 1 : 0);
    if (!flow->started) {
        flow->started = true;
        flow->first_sequence = sequence;
        flow->next_sequence = sequence;
    }
    if (segment->finish && !flow->finished) {
        flow->finished = true;
        flow->end_sequence = sequence + (uint32_t)segment->size;
    }
    if (segment->size == 0) {
        return;
    }
    if (distance(sequence, flow->next_sequence) > 0) {
        hold(flow, sequence, segment->data, segment->size);
        return;
    }
    append(flow, sequence, segment->data, segment->size, stream);
    while (flow->held != NULL && distance(flow->held->sequence, flow->next_sequence) <= 0) {
        append(flow, flow->held->sequence, flow->held->data, flow->held->size, stream);
        drop_first_held(flow);
    }
}

uint32_t tcp_flow_gap(const tcp_flow *flow)
{
    if (flow->held != NULL) {
        return flow->held->sequence - flow->next_sequence;
    }
    if (flow->finished && distance(flow->end_sequence, flow->next_sequence) > 0) {
        return flow->end_sequence - flow->next_sequence;
    }
    return 0;
}

bool tcp_flow_is_complete(const tcp_flow *flow)
{
    return flow->finished && distance(flow->end_sequence, flow->next_sequence) <= 0;
}

void tcp_flow_free(tcp_flow *flow)
{
    while (flow->held != NULL) {
        drop_first_held(flow);
    }
}
