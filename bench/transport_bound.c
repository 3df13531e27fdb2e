/* The contender that bounds the others: a socket, the hand-written codec, and nothing else. It
 * knows no flow control and no settling: what it sends fits the receiver by the socket alone.
 *
 * The sender writes a transfer's frame with a copy of a message that was encoded beforehand, so
 * many to a block, and blocks go out by blocking writes; the receiver parses frames, and decodes
 * and reads their messages. Round trips are a payload there and back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bound/frame.h"
#include "transport_case.h"
#include "transport_socket.h"

enum { BLOCK_SIZE = 64 * 1024, READ_SIZE = 128 * 1024 };

static sample_bytes payload_of(const transport_case *chosen, uint64_t number)
{
    return chosen->payload == TRANSPORT_ORDER
               ? sample_message(chosen->kind, (unsigned)(number % SAMPLE_VARIANTS))
               : transport_data(number);
}

static size_t write_frame(const transport_case *chosen, uint64_t number, uint8_t *to,
                          size_t capacity)
{
    sample_bytes payload = payload_of(chosen, number);
    bound_transfer transfer = {
        .delivery_id = (uint32_t)number,
        .delivery_tag = {(const uint8_t *)&number, sizeof number},
        .settled = true,
        .payload = {payload.data, (uint32_t)payload.size},
    };
    size_t size = bound_transfer_write(&transfer, to, capacity);
    if (size == 0) {
        codec_fail("the bound does not write a frame");
    }
    return size;
}

static void send_all(const transport_case *chosen, int socket, transport_result *result)
{
    transport_clock clock;
    size_t frame_size_max = transport_payload_size_max(chosen) + BOUND_FRAME_BOUND + BOUND_TAG_MAX;
    size_t capacity = BLOCK_SIZE + frame_size_max;
    uint8_t *block = malloc(capacity);
    if (block == NULL) {
        codec_fail("no memory");
    }
    transport_clock_init(&clock, chosen);
    uint64_t sent = 0;
    uint64_t calls = 0;
    while (sent < chosen->message_count) {
        size_t size = 0;
        do {
            size += write_frame(chosen, sent, block + size, capacity - size);
            sent++;
        } while (size + frame_size_max <= BLOCK_SIZE && sent < chosen->message_count);
        transport_socket_write(socket, block, size);
        transport_clock_progress(&clock, sent, ++calls);
    }
    free(block);
    *result = clock.result;
}

/* Reads all whole frames; returns how many bytes they are. */
static size_t read_frames(const transport_case *chosen, const uint8_t *data, size_t size,
                          uint64_t *received, uint64_t *sum)
{
    size_t position = 0;
    while (size - position >= BOUND_FRAME_HEADER_SIZE) {
        size_t frame_size = bound_load32(data + position);
        bound_transfer transfer;
        if (frame_size > size - position) {
            break;
        }
        if (!bound_transfer_parse(data + position, frame_size, &transfer) ||
            transfer.delivery_id != (uint32_t)*received) {
            codec_fail("the bound does not parse a frame");
        }
        *sum = transport_read(chosen, *sum, transfer.payload.data, transfer.payload.size);
        (*received)++;
        position += frame_size;
    }
    return position;
}

static void receive_all(const transport_case *chosen, int socket, transport_result *result)
{
    static uint8_t buffer[2 * READ_SIZE];
    transport_clock clock;
    transport_clock_init(&clock, chosen);
    uint64_t received = 0;
    uint64_t sum = 0;
    uint64_t calls = 0;
    size_t held = 0;
    while (received < chosen->message_count) {
        ssize_t size = read(socket, buffer + held, sizeof buffer - held);
        if (size <= 0) {
            codec_fail("the sender ended early");
        }
        held += (size_t)size;
        size_t used = read_frames(chosen, buffer, held, &received, &sum);
        held -= used;
        memmove(buffer, buffer + used, held);
        transport_clock_progress(&clock, received, ++calls);
    }
    *result = clock.result;
    result->checksum = sum;
}

static void echo(const transport_case *chosen, int socket, transport_result *result)
{
    uint8_t buffer[512];
    transport_clock clock;
    transport_clock_init(&clock, chosen);
    size_t size = transport_data(0).size;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < chosen->message_count; i++) {
        transport_socket_read(socket, buffer, size);
        transport_socket_write(socket, buffer, size);
        sum = transport_read(chosen, sum, buffer, size);
        transport_clock_progress(&clock, i + 1, 2 * (i + 1));
    }
    *result = clock.result;
    result->checksum = sum;
}

static void ping(const transport_case *chosen, int socket, transport_result *result)
{
    uint8_t buffer[512];
    transport_clock clock;
    double *round_trips = calloc(chosen->message_count, sizeof *round_trips);
    if (round_trips == NULL) {
        codec_fail("no memory");
    }
    transport_clock_init(&clock, chosen);
    size_t size = transport_data(0).size;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < chosen->message_count; i++) {
        double started = transport_seconds();
        transport_socket_write(socket, transport_data(i).data, size);
        transport_socket_read(socket, buffer, size);
        round_trips[i] = transport_seconds() - started;
        sum = transport_read(chosen, sum, buffer, size);
        transport_clock_progress(&clock, i + 1, 2 * (i + 1));
    }
    size_t warm = chosen->message_count / 10;
    *result = clock.result;
    result->checksum = sum;
    transport_round_trips(result, round_trips + warm, chosen->message_count - warm);
    free(round_trips);
}

void transport_run_receiver(const transport_case *chosen, const transport_place *place,
                            transport_result *result)
{
    int socket = transport_socket_accept(place);
    (chosen->round_trip ? echo : receive_all)(chosen, socket, result);
    (void)close(socket);
}

void transport_run_sender(const transport_case *chosen, const transport_place *place,
                          transport_result *result)
{
    int socket = transport_socket_connect(place);
    (chosen->round_trip ? ping : send_all)(chosen, socket, result);
    (void)close(socket);
}
