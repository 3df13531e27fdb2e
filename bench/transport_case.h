/* What the transport suite measures: messages from one process to another over loopback TCP, and
 * round trips.
 *
 * A contender (transport_ours.c, transport_proton.c, transport_bound.c, ...) gives the ends, each
 * of which runs in a process of its own; transport_main.c starts them, on a core each, and tells
 * what they measured. The payloads are the same for all contenders, and every receiver adds up what
 * it reads. */
#ifndef BENCH_TRANSPORT_CASE_H
#define BENCH_TRANSPORT_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec_operation.h"
#include "codec_sample.h"

typedef enum transport_payload {
    TRANSPORT_DATA = 0,  /* a data section made beforehand; its first and last bytes are read */
    TRANSPORT_ORDER = 1, /* a message: filled and encoded for each, decoded and read on arrival */
} transport_payload;

/* One line of the table of cases.
 *
 * name            carries the sizes
 * kind            of a message
 * data_size       bytes in a data section
 * settled         by the sender before it sends; otherwise the receiver accepts and settles, and
 *                 the sender settles what it sees accepted
 * round_trip      messages go back and forth one by one; settled
 * credit_window   the receiver gives credit again where half of it is used
 * max_frame_size  of both ends
 * block_size      our sender sends when it has put together so many bytes, as the bound does, and
 *                 our receiver tells what it has to when it has read so many; 0: both when they
 *                 wait, with the fewest calls of the system
 * message_count   of one run; a tenth is not measured */
typedef struct transport_case {
    const char *name;
    transport_payload payload;
    sample_kind kind;
    uint32_t data_size;
    bool settled;
    bool round_trip;
    uint32_t credit_window;
    uint32_t max_frame_size;
    uint32_t block_size;
    uint64_t message_count;
} transport_case;

/* NULL where there is none of that name. */
const transport_case *transport_case_find(const char *name);

/* Makes the payloads, in each process. */
void transport_prepare(const transport_case *chosen);

/* The most bytes that a payload of the case takes. */
size_t transport_payload_size_max(const transport_case *chosen);

/* The payload of a case of TRANSPORT_DATA; variants differ in every byte. */
sample_bytes transport_data(uint64_t number);

/* Fills and encodes the message of this number of a case of TRANSPORT_ORDER; returns its size. */
size_t transport_encode(const transport_case *chosen, uint64_t number, void *to, size_t capacity);

/* The checksum of the payloads so far, `sum` (0 at first), with the next. Receivers call it for
 * each, in order. */
uint64_t transport_read(const transport_case *chosen, uint64_t sum, const void *data, size_t size);

/* --- What is measured. */

/* Of one end, from the end of the first tenth of its messages to the end of the last.
 *
 * started, ended  seconds of a clock that both ends share
 * calls           of the system: reads, writes and waits; 0 where the contender does not count
 *                 them */
typedef struct transport_result {
    uint64_t messages;
    double started;
    double ended;
    double user_seconds;
    double system_seconds;
    uint64_t calls;
    uint64_t checksum;
    double round_trip_p50_us;
    double round_trip_p99_us;
} transport_result;

/* Takes the time of one end. */
typedef struct transport_clock {
    uint64_t from;
    uint64_t to;
    bool started;
    bool ended;
    double start_user;
    double start_system;
    uint64_t start_calls;
    uint64_t start_messages;
    transport_result result;
} transport_clock;

void transport_clock_init(transport_clock *clock, const transport_case *chosen);

/* So many messages are done in all, with so many calls of the system. */
void transport_clock_progress(transport_clock *clock, uint64_t messages, uint64_t calls);

/* CLOCK_MONOTONIC. */
double transport_seconds(void);

/* Puts the median and the 99th percentile of round trips into the result; sorts them. */
void transport_round_trips(transport_result *result, double *seconds, size_t count);

/* --- What a contender gives. */

/* Where the two ends meet.
 *
 * port_pipe    to which the end that listens writes its port, by transport_tell_port
 * port         of the end that listens, for the other
 * through      both ends connect to that port, of a broker
 * background   our client's thread in the background runs
 * certificate  file with certificate and key, in PEM, for TLS; NULL without */
typedef struct transport_place {
    int port_pipe;
    uint32_t port;
    bool through;
    bool background;
    const char *certificate;
} transport_place;

void transport_tell_port(const transport_place *place, uint32_t port);

/* Listens and receives, or echoes. */
void transport_run_receiver(const transport_case *chosen, const transport_place *place,
                            transport_result *result);

/* Connects and sends, or measures round trips. */
void transport_run_sender(const transport_case *chosen, const transport_place *place,
                          transport_result *result);

/* The queue of brokers, and the address of peers. */
#define TRANSPORT_ADDRESS "bench"

#endif
