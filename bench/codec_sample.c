/* Makes the samples. */
#include "codec_sample.h"

#include <stdlib.h>
#include <string.h>

#include "bound_fill.h"
#include "codec_operation.h"

enum {
    BODY_A_SIZE = 100,
    BODY_B_SIZE = 1024,
    BODY_D_SIZE = 64 * 1024,
    FRAME_MAX = 512,
};

static sample_order orders[SAMPLE_VARIANTS];
static sample_telemetry telemetries[SAMPLE_VARIANTS];
static sample_frame frames[SAMPLE_VARIANTS];
static uint8_t body_bytes[SAMPLE_VARIANTS + BODY_D_SIZE];
static sample_bytes messages[SAMPLE_KINDS][SAMPLE_VARIANTS];
static sample_bytes transfers[SAMPLE_VARIANTS];
static sample_bytes dispositions[SAMPLE_VARIANTS];
static sample_bytes flows[SAMPLE_VARIANTS];

static char vary_character(char character, unsigned variant)
{
    if (character >= '0' && character <= '9') {
        return (char)('0' + ((unsigned)(character - '0') + variant) % 10);
    }
    return (char)('a' + ((unsigned)(character - 'a') + variant) % 26);
}

/* Another first and last character for each variant; the text begins and ends with a lower-case
 * letter or a digit. */
static sample_text vary_text(const char *first, unsigned variant)
{
    sample_text text = {.size = strlen(first)};
    memcpy(text.data, first, text.size + 1);
    text.data[0] = vary_character(text.data[0], variant);
    text.data[text.size - 1] = vary_character(text.data[text.size - 1], variant);
    return text;
}

/* The variants of one kind of value keep its encoded size. */
#define vary_string(value, variant)    vary_text(value, variant)
#define vary_symbol(value, variant)    vary_text(value, variant)
#define vary_timestamp(value, variant) ((value) + (sample_timestamp)(variant))
#define vary_long(value, variant)      ((value) + (sample_long)(variant))
#define vary_int(value, variant)       ((value) - (sample_int)(variant))
#define vary_ulong(value, variant)     ((value) + (variant))
#define vary_uint(value, variant)      (value)
#define vary_double(value, variant)    ((value) + (variant))
#define vary_float(value, variant)     ((value) + (float)(variant))
#define vary_boolean(value, variant)   (value)

static void make_variant(unsigned variant)
{
    orders[variant] = (sample_order){
        .message_id = vary_text("0123456789abcdef", variant),
        .to = vary_text("queue/orders-eu", variant),
        .subject = vary_text("order.created", variant),
        .content_type = vary_text("application/json", variant),
        .region = vary_text("eu-west-1", variant),
        .sequence = vary_long(1234567890123, variant),
        .retry = true,
        .price = vary_double(19.99, variant),
        .sequence_number = vary_long(98765432101, variant),
        .offset = vary_text("4294967296", variant),
        .enqueued_time = vary_timestamp(1700000000000, variant),
    };
#define FIELD(name, kind, value) telemetries[variant].name = vary_##kind(value, variant);
#include "telemetry.def"
#undef FIELD
    frames[variant].delivery_id = 123456 + variant;
    frames[variant].link_credit = 100 + variant;
    uint64_t tag = 123456 + variant;
    memcpy(frames[variant].tag, &tag, sizeof tag);
}

static sample_bytes keep(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);
    if (copy == NULL || size == 0) {
        codec_fail("a sample could not be made");
    }
    memcpy(copy, data, size);
    return (sample_bytes){copy, size};
}

static void encode_message(sample_kind kind, unsigned variant)
{
    static bound_message message;
    if (kind == SAMPLE_C) {
        bound_fill_telemetry(&message, variant);
    } else {
        bound_fill_order(&message, kind, variant);
    }
    messages[kind][variant] =
        keep(codec_output, bound_message_encode(&message, codec_output, sizeof codec_output));
}

static void encode_frames(unsigned variant)
{
    bound_transfer transfer;
    bound_disposition disposition;
    bound_flow flow;
    bound_fill_transfer(&transfer, variant);
    bound_fill_disposition(&disposition, variant);
    bound_fill_flow(&flow, variant);
    transfers[variant] =
        keep(codec_output, bound_transfer_write(&transfer, codec_output, sizeof codec_output));
    dispositions[variant] = keep(
        codec_output, bound_disposition_write(&disposition, codec_output, sizeof codec_output));
    flows[variant] = keep(codec_output, bound_flow_write(&flow, codec_output, sizeof codec_output));
}

void sample_prepare(void)
{
    for (size_t i = 0; i < sizeof body_bytes; i++) {
        body_bytes[i] = (uint8_t)(i * 7 + 1);
    }
    for (unsigned variant = 0; variant < SAMPLE_VARIANTS; variant++) {
        make_variant(variant);
        for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
            if (kind != SAMPLE_D || variant < SAMPLE_LARGE_VARIANTS) {
                encode_message((sample_kind)kind, variant);
            }
        }
        encode_frames(variant);
    }
}

const sample_order *sample_order_get(unsigned variant)
{
    return &orders[variant];
}

const sample_telemetry *sample_telemetry_get(unsigned variant)
{
    return &telemetries[variant];
}

const sample_frame *sample_frame_get(unsigned variant)
{
    return &frames[variant];
}

sample_bytes sample_body(sample_kind kind, unsigned variant)
{
    size_t size = kind == SAMPLE_B ? BODY_B_SIZE : kind == SAMPLE_D ? BODY_D_SIZE : BODY_A_SIZE;
    return (sample_bytes){body_bytes + variant, size};
}

sample_bytes sample_message(sample_kind kind, unsigned variant)
{
    return messages[kind][kind == SAMPLE_D ? variant % SAMPLE_LARGE_VARIANTS : variant];
}

sample_bytes sample_transfer(unsigned variant)
{
    return transfers[variant];
}

sample_bytes sample_disposition(unsigned variant)
{
    return dispositions[variant];
}

sample_bytes sample_flow(unsigned variant)
{
    return flows[variant];
}
