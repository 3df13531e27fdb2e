/* The cases of the transport suite, their payloads, and the clock of an end. */
#define _DEFAULT_SOURCE /* struct timeval's members by getrusage */
#include "transport_case.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    VARIANTS = 4, /* of the largest data: as many as stay in the second-level cache */
    SECTION_HEADER_MAX = 8,
    BLOCK_SIZE = 65536,
    FRAME_SIZE = 65536,
    LARGE_FRAME_SIZE = 131072, /* message D in one frame */
};

#define DATA(size, settled, window, block)                                                         \
    TRANSPORT_DATA, SAMPLE_A, size, settled, false, window, FRAME_SIZE, block
#define ORDER(kind, settled, window)                                                               \
    TRANSPORT_ORDER, kind, 0, settled, false, window, FRAME_SIZE, BLOCK_SIZE
#define LARGE_ORDER(kind, settled, window)                                                         \
    TRANSPORT_ORDER, kind, 0, settled, false, window, LARGE_FRAME_SIZE, 0

static const transport_case cases[] = {
    {"100B_settled", DATA(100, true, 10000, BLOCK_SIZE), 2000000},
    {"100B_unsettled", DATA(100, false, 10000, BLOCK_SIZE), 2000000},
    {"1024B_settled", DATA(1024, true, 1000, 0), 400000},
    {"1024B_unsettled", DATA(1024, false, 1000, 0), 400000},
    {"A_252B_settled", ORDER(SAMPLE_A, true, 1000), 500000},
    {"A_252B_unsettled", ORDER(SAMPLE_A, false, 1000), 500000},
    {"B_1179B_settled", ORDER(SAMPLE_B, true, 400), 300000},
    {"B_1179B_unsettled", ORDER(SAMPLE_B, false, 400), 300000},
    {"D_65691B_settled", LARGE_ORDER(SAMPLE_D, true, 16), 10000},
    {"D_65691B_unsettled", LARGE_ORDER(SAMPLE_D, false, 16), 10000},
    {"round_trip_100B", TRANSPORT_DATA, SAMPLE_A, 100, true, true, 10, FRAME_SIZE, 0, 8000},
};

static sample_bytes payloads[VARIANTS];

const transport_case *transport_case_find(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, name) == 0) {
            return &cases[i];
        }
    }
    return NULL;
}

/* One data section (AMQP 3.2.6). */
static sample_bytes make_payload(uint32_t data_size, unsigned variant)
{
    static const uint8_t descriptor[] = {0x00, 0x53, 0x75};
    uint8_t *bytes = malloc(SECTION_HEADER_MAX + (size_t)data_size);
    if (bytes == NULL || data_size > UINT16_MAX) {
        codec_fail("a payload could not be made");
    }
    memcpy(bytes, descriptor, sizeof descriptor);
    bool is_short = data_size <= UINT8_MAX;
    size_t header_size = is_short ? 5 : 8;
    memset(bytes + 4, 0, 2);
    bytes[header_size - 2] = (uint8_t)(data_size >> 8);
    bytes[header_size - 1] = (uint8_t)data_size;
    bytes[3] = is_short ? 0xa0 : 0xb0;
    for (uint32_t i = 0; i < data_size; i++) {
        bytes[header_size + i] = (uint8_t)(i * 7 + variant * 3 + 1);
    }
    return (sample_bytes){bytes, header_size + data_size};
}

void transport_prepare(const transport_case *chosen)
{
    codec_prepare();
    for (unsigned i = 0; i < VARIANTS && chosen->payload == TRANSPORT_DATA; i++) {
        payloads[i] = make_payload(chosen->data_size, i);
    }
}

size_t transport_payload_size_max(const transport_case *chosen)
{
    if (chosen->payload == TRANSPORT_DATA) {
        return SECTION_HEADER_MAX + (size_t)chosen->data_size;
    }
    return chosen->kind == SAMPLE_D ? CODEC_LARGE_SIZE_MAX : CODEC_ORDER_SIZE_MAX;
}

sample_bytes transport_data(uint64_t number)
{
    return payloads[number % VARIANTS];
}

size_t transport_encode(const transport_case *chosen, uint64_t number, void *to, size_t capacity)
{
    unsigned variants = chosen->kind == SAMPLE_D ? SAMPLE_LARGE_VARIANTS : SAMPLE_VARIANTS;
    return codec_encode_order_to(chosen->kind, (unsigned)(number % variants), to, capacity);
}

/* The order counts: payloads that came in another order give another sum. */
static uint64_t add(uint64_t sum, uint64_t number)
{
    return (sum ^ number) * 0x100000001b3u;
}

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word = 0;
    memcpy(&word, bytes, sizeof word);
    return word;
}

uint64_t transport_read(const transport_case *chosen, uint64_t sum, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    if (chosen->payload == TRANSPORT_ORDER) {
        return add(sum, codec_read_order(bytes, size));
    }
    if (size < sizeof(uint64_t)) {
        codec_fail("a payload was cut short");
    }
    return add(add(sum, size), word_at(bytes) + word_at(bytes + size - sizeof(uint64_t)));
}

/* --- The clock. */

double transport_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void transport_clock_init(transport_clock *clock, const transport_case *chosen)
{
    *clock = (transport_clock){.from = chosen->message_count / 10, .to = chosen->message_count};
}

void transport_clock_progress(transport_clock *clock, uint64_t messages, uint64_t calls)
{
    bool starts = !clock->started && messages >= clock->from;
    bool ends = clock->started && !clock->ended && messages >= clock->to;
    if (!starts && !ends) {
        return;
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    double now = transport_seconds();
    if (starts) {
        clock->started = true;
        clock->result.started = now;
        clock->start_user = seconds_of(usage.ru_utime);
        clock->start_system = seconds_of(usage.ru_stime);
        clock->start_calls = calls;
        clock->start_messages = messages;
        return;
    }
    clock->ended = true;
    clock->result.messages = messages - clock->start_messages;
    clock->result.ended = now;
    clock->result.user_seconds = seconds_of(usage.ru_utime) - clock->start_user;
    clock->result.system_seconds = seconds_of(usage.ru_stime) - clock->start_system;
    clock->result.calls = calls - clock->start_calls;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

void transport_round_trips(transport_result *result, double *seconds, size_t count)
{
    qsort(seconds, count, sizeof *seconds, compare);
    result->round_trip_p50_us = seconds[count / 2] * 1e6;
    result->round_trip_p99_us = seconds[count * 99 / 100] * 1e6;
}

void transport_tell_port(const transport_place *place, uint32_t port)
{
    if (write(place->port_pipe, &port, sizeof port) != (ssize_t)sizeof port) {
        codec_fail("nobody wants to know the port");
    }
}
