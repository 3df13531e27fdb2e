/* TCP connections, found by both ends' addresses in a hash table of chains. */
#include "tools/connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"

/* An address in brackets, a colon and a port. */
enum { END_TEXT_SIZE = INET6_ADDRSTRLEN + 8 };

static const char protocol_name[] = {'A', 'M', 'Q', 'P'};

connection_table *connection_table_new(dump *run)
{
    connection_table *table = (connection_table *)reallocate(NULL, sizeof *table);
    memset(table, 0, sizeof *table);
    table->run = run;
    table->last = &table->first;
    return table;
}

static void free_streams(connection *present)
{
    for (int side = 0; side < 2; side++) {
        tcp_flow_free(&present->flows[side]);
        if (present->streams != NULL) {
            stream_free(&present->streams[side]);
        }
    }
    free(present->streams);
    present->streams = NULL;
}

void connection_table_free(connection_table *table)
{
    while (table->first != NULL) {
        connection *first = table->first;
        table->first = first->next;
        free_streams(first);
        free(first);
    }
    free(table);
}

static bool is_same_end(const endpoint *left, const endpoint *right)
{
    return left->port == right->port && left->address_size == right->address_size &&
           memcmp(left->address, right->address, sizeof left->address) == 0;
}

/* FNV-1a; the same for both directions, because each end is hashed by itself and the sum taken. */
static uint32_t hash_end(const endpoint *end)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof end->address; i++) {
        hash = (hash ^ end->address[i]) * 16777619u;
    }
    return (hash ^ end->port) * 16777619u;
}

static connection **find_bucket(connection_table *table, const tcp_segment *segment)
{
    uint32_t hash = hash_end(&segment->source) + hash_end(&segment->destination);
    return &table->buckets[(hash ^ hash >> 16) % CONNECTION_BUCKET_COUNT];
}

/* Which side sends the segment: 0, 1, or -1 where it is of another connection. */
static int find_side(const connection *present, const tcp_segment *segment)
{
    for (int side = 0; side < 2; side++) {
        if (is_same_end(&present->ends[side], &segment->source) &&
            is_same_end(&present->ends[1 - side], &segment->destination)) {
            return side;
        }
    }
    return -1;
}

/* The client opens the connection; where that was not seen, it is the side whose port is not the
 * well-known one. */
static bool is_from_server(const connection_table *table, const tcp_segment *segment)
{
    if (segment->synchronize) {
        return segment->acknowledge;
    }
    uint16_t port = segment->source.port;
    return port == table->run->options.port || port == 5672 || port == 5671;
}

static connection *add_connection(connection_table *table, const tcp_segment *segment)
{
    connection **bucket = find_bucket(table, segment);
    connection *added = (connection *)reallocate(NULL, sizeof *added);
    memset(added, 0, sizeof *added);
    int side = is_from_server(table, segment) ? 1 : 0;
    added->ends[side] = segment->source;
    added->ends[1 - side] = segment->destination;
    added->chained = *bucket;
    *bucket = added;
    *table->last = added;
    table->last = &added->next;
    uint16_t port = (uint16_t)table->run->options.port;
    if (port != 0 && added->ends[0].port != port && added->ends[1].port != port) {
        added->choice = CONNECTION_PASSED_OVER;
    }
    return added;
}

static void print_end(const endpoint *end, char *text, size_t capacity)
{
    char address[INET6_ADDRSTRLEN] = "";
    bool is_ipv4 = end->address_size == 4;
    (void)inet_ntop(is_ipv4 ? AF_INET : AF_INET6, end->address, address, sizeof address);
    (void)snprintf(text, capacity, is_ipv4 ? "%s:%u" : "[%s]:%u", address, end->port);
}

static void start_streams(connection_table *table, connection *present)
{
    char client[END_TEXT_SIZE];
    char server[END_TEXT_SIZE];
    present->number = ++table->shown_count;
    print_end(&present->ends[0], client, sizeof client);
    print_end(&present->ends[1], server, sizeof server);
    for (int side = 0; side < 2; side++) {
        stream *direction = &present->streams[side];
        stream_start(direction, table->run, present->number, side == 1);
        direction->peer = &present->streams[1 - side];
        (void)snprintf(direction->ends, sizeof direction->ends, "%s to %s",
                       side == 0 ? client : server, side == 0 ? server : client);
    }
}

/* Judges a connection by the first bytes that were seen of it. */
static void choose(connection_table *table, connection *present, int side)
{
    const window *bytes = &present->streams[side].bytes;
    size_t size = window_size(bytes);
    size_t compared = size < sizeof protocol_name ? size : sizeof protocol_name;
    if (table->run->options.port == 0 && memcmp(window_data(bytes), protocol_name, compared) != 0) {
        present->choice = CONNECTION_PASSED_OVER;
        free_streams(present);
    } else if (compared == sizeof protocol_name || table->run->options.port != 0) {
        present->choice = CONNECTION_SHOWN;
        start_streams(table, present);
        stream_run(&present->streams[1 - side]);
    }
}

/* A gap ends what can be shown of a direction. */
static void report_gap(connection *present, int side)
{
    assert(present->streams != NULL); /* as of every connection that is shown */
    const tcp_flow *flow = &present->flows[side];
    stream *direction = &present->streams[side];
    uint32_t missing = tcp_flow_gap(flow);
    if (missing == 0 || present->gap_reported[side]) {
        return;
    }
    present->gap_reported[side] = true;
    dump_report(direction->run, direction->mark,
                direction->bytes.offset + window_size(&direction->bytes),
                "a gap: %u bytes are missing from the capture, TCP sequence numbers %u to %u",
                missing, flow->next_sequence, flow->next_sequence + missing - 1);
    direction->state = STREAM_STOPPED;
}

static void end_connection(connection *present)
{
    if (present->ended || present->choice != CONNECTION_SHOWN) {
        return;
    }
    present->ended = true;
    for (int side = 0; side < 2; side++) {
        stream_run(&present->streams[side]);
        report_gap(present, side);
        stream_end(&present->streams[side]);
    }
    free_streams(present);
}

/* Ports are used again: whether a segment opens a connection anew. */
static bool is_opening(const connection *present, int side, const tcp_segment *segment)
{
    const tcp_flow *flow = &present->flows[side];
    bool is_repeated = flow->started && flow->first_sequence == segment->sequence + 1;
    return segment->synchronize && !segment->acknowledge &&
           (present->ended || (flow->started && !is_repeated));
}

/* The connection of a segment, and which side sends it. */
static connection *find_connection(connection_table *table, const tcp_segment *segment, int *side)
{
    connection *present = *find_bucket(table, segment);
    while (present != NULL && (*side = find_side(present, segment)) < 0) {
        present = present->chained;
    }
    if (present == NULL || is_opening(present, *side, segment)) {
        if (present != NULL) {
            end_connection(present);
        }
        present = add_connection(table, segment);
        *side = find_side(present, segment);
    }
    return present;
}

/* Where the bytes of a direction go. */
static window *find_bytes(connection *present, int side)
{
    if (present->streams == NULL) {
        present->streams = (stream *)reallocate(NULL, 2 * sizeof *present->streams);
        memset(present->streams, 0, 2 * sizeof *present->streams);
    }
    return &present->streams[side].bytes;
}

void connection_table_take(connection_table *table, const tcp_segment *segment)
{
    int side = -1;
    connection *present = find_connection(table, segment, &side);
    if (present->choice == CONNECTION_PASSED_OVER || present->ended) {
        present->ended = present->ended || segment->reset || segment->finish;
        return;
    }
    tcp_flow *flow = &present->flows[side];
    window *bytes = segment->size > 0 ? find_bytes(present, side) : NULL;
    tcp_flow_take(flow, segment, bytes);
    if (present->choice == CONNECTION_UNDECIDED && bytes != NULL && window_size(bytes) > 0) {
        choose(table, present, side);
    }
    if (present->choice != CONNECTION_SHOWN) {
        return;
    }
    stream_run(&present->streams[side]);
    if (flow->too_many_held) {
        report_gap(present, side);
    }
    if (segment->reset ||
        (tcp_flow_is_complete(&present->flows[0]) && tcp_flow_is_complete(&present->flows[1]))) {
        end_connection(present);
    }
}

void connection_table_end(connection_table *table)
{
    for (connection *present = table->first; present != NULL; present = present->next) {
        end_connection(present);
    }
}
