/* What the engine suite measures, contender by contender: two engines in one thread and in memory,
 * a client that sends and a server that receives.
 *
 * A contender (engine_ours.c, engine_proton.c) gives pairs of engines, and makes what memory is
 * counted of. The programs that time a contender (engine_bench.cc) and count its mallocs and its
 * live memory (engine_memory.c) are linked once with each, and with the contender of the codec
 * suite, whose functions fill, encode, decode and read message B. */
#ifndef BENCH_ENGINE_OPERATION_H
#define BENCH_ENGINE_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "codec_operation.h"
#include "codec_sample.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the payloads of an operation are. */
typedef enum engine_payload_kind {
    ENGINE_PAYLOAD_DATA = 0,      /* one data section, encoded beforehand */
    ENGINE_PAYLOAD_MESSAGE_B = 1, /* filled and encoded for each, decoded and read by the server */
} engine_payload_kind;

/* One line of the table of operations.
 *
 * name           carries the sizes
 * data_size      bytes in the data section; the payload has five or eight more
 * settled        by the client before it sends. Otherwise the server accepts and settles each
 *                delivery, and the client settles what it sees accepted.
 * credit_window  the server's prefetch: it gives credit again where half of it is used
 * batch_count    messages of one run, from which time for one is taken */
typedef struct engine_operation {
    const char *name;
    engine_payload_kind kind;
    size_t data_size;
    bool settled;
    uint32_t credit_window;
    uint32_t max_frame_size;
    uint32_t batch_count;
} engine_operation;

extern const engine_operation engine_operations[];
extern const size_t engine_operation_count;

/* Payloads: as many of the largest as stay in the second-level cache. */
enum { ENGINE_PAYLOAD_VARIANTS = 4 };

/* Makes the payloads, and what the codec suite's contender needs. */
void engine_prepare(void);

/* The payload of the operation's message of this number. Message B is filled and encoded by the
 * call, into codec_output. */
sample_bytes engine_payload(const engine_operation *operation, uint64_t number);

/* Whether servers read every byte of a payload that they receive. They do where checksums are
 * compared; where time is taken they read its size and its first and last eight bytes, and of
 * message B everything. */
extern bool engine_reads_all;

/* The checksum of the payloads received so far, `sum` (0 at first), with the next of them. A server
 * calls it for each, in order. */
uint64_t engine_receive(const engine_operation *operation, uint64_t sum, const void *data,
                        size_t size);

/* --- What a contender gives. */

typedef struct engine_pair engine_pair;

/* Two engines with an open connection, a session and a link; the credit is given. */
engine_pair *engine_pair_new(const engine_operation *operation);

/* Sends so many messages, numbers 0 and on; returns where the server has received all of them, and
 * each is settled at both ends: the checksum of what was received. */
uint64_t engine_pair_run(engine_pair *pair, size_t message_count);

void engine_pair_free(engine_pair *pair);

/* Things of which the memory is counted: made by both ends together.
 *
 * name           as in engine_suite.py
 * count          how many are made, after a first one
 * make           makes so many more and keeps them; when it returns both ends are idle, and
 *                nothing else that it allocated is live
 * payload_count  how many times both engines together hold the payload of one of them, which is
 *                ENGINE_MEMORY_PAYLOAD_SIZE bytes */
typedef struct engine_memory {
    const char *name;
    size_t count;
    void (*make)(size_t count);
    unsigned payload_count;
} engine_memory;

enum {
    ENGINE_MEMORY_DATA_SIZE = 100,
    ENGINE_MEMORY_PAYLOAD_SIZE = 105, /* a data section with them */
};

extern const engine_memory engine_memories[];
extern const size_t engine_memory_count;

/* The names in them: container-id, 20 bytes; a link's name, 13 bytes; its address, 15 bytes. */
#define ENGINE_CONTAINER_ID     "container-0123456789"
#define ENGINE_LINK_NAME_FORMAT "link-%08u"
#define ENGINE_ADDRESS          "queue/orders-eu"
enum { ENGINE_LINK_NAME_SIZE = 13 };

#ifdef __cplusplus
}
#endif

#endif
