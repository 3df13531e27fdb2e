/* The messages and frames that the codec suite works on, in variants that differ in contents and
 * not in size.
 *
 * A  an order: header, four properties, four application properties, 100 bytes of body; 252 bytes
 * on the wire B  the same with 1 KiB of body, 1,179 bytes C  telemetry: a map of 20 mixed values,
 * 297 bytes D  as A with 64 KiB of body, 65,691 bytes; four variants only, so that they stay in the
 * second-level cache E  as A, with message annotations as brokers add them */
#ifndef BENCH_CODEC_SAMPLE_H
#define BENCH_CODEC_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SAMPLE_VARIANTS = 16, /* a power of two */
    SAMPLE_LARGE_VARIANTS = 4,
    SAMPLE_TEXT_MAX = 23,
    SAMPLE_TAG_SIZE = 8,
    TELEMETRY_FIELDS = 20,
};

typedef enum sample_kind {
    SAMPLE_A,
    SAMPLE_B,
    SAMPLE_C,
    SAMPLE_D,
    SAMPLE_E,
    SAMPLE_KINDS
} sample_kind;

/* A text with its length, and with a NUL behind it for the API that wants one. */
typedef struct sample_text {
    size_t size;
    char data[SAMPLE_TEXT_MAX + 1];
} sample_text;

typedef struct sample_bytes {
    const uint8_t *data;
    size_t size;
} sample_bytes;

/* Messages A, B, D and E without their bodies; the last three members are of E. */
typedef struct sample_order {
    sample_text message_id;
    sample_text to;
    sample_text subject;
    sample_text content_type;
    sample_text region;
    int64_t sequence;
    bool retry;
    double price;
    int64_t sequence_number;
    sample_text offset;
    int64_t enqueued_time;
} sample_order;

typedef sample_text sample_string;
typedef sample_text sample_symbol;
typedef int64_t sample_timestamp;
typedef int64_t sample_long;
typedef int32_t sample_int;
typedef uint64_t sample_ulong;
typedef uint32_t sample_uint;
typedef double sample_double;
typedef float sample_float;
typedef bool sample_boolean;

typedef struct sample_telemetry {
#define FIELD(name, kind, value) sample_##kind name;
#include "telemetry.def"
#undef FIELD
} sample_telemetry;

/* What a transfer, a disposition and a flow hold that varies. */
typedef struct sample_frame {
    uint32_t delivery_id;
    uint8_t tag[SAMPLE_TAG_SIZE];
    uint32_t link_credit;
} sample_frame;

/* Makes all of it; call it once, first. */
void sample_prepare(void);

const sample_order *sample_order_get(unsigned variant);
const sample_telemetry *sample_telemetry_get(unsigned variant);
const sample_frame *sample_frame_get(unsigned variant);

/* The body of a message of kind A, B, D or E. */
sample_bytes sample_body(sample_kind kind, unsigned variant);

/* A message, or a frame, as it arrives; encoded by the bound, the same bytes for every contender.
 */
sample_bytes sample_message(sample_kind kind, unsigned variant);
sample_bytes sample_transfer(unsigned variant);
sample_bytes sample_disposition(unsigned variant);
sample_bytes sample_flow(unsigned variant);

#endif
