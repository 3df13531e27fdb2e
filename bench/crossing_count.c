/* Instructions of the Python binding's C, for the budgets: under callgrind, which dumps a part for
 * each operation. It is the part of a crossing that is ours; what Python makes of it is not here.
 *
 *   crossing_count instructions     runs all; prints how many messages each part is of
 *   crossing_count run NAME N       runs N batches of 64 messages of one, for a profiler */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "codec_operation.h"
#include "crossing.h"

enum {
    BATCH = 64,
    BATCHES = 64,
    TAG_SIZE = 4,
    BATCH_SIZE_MAX = 1 << 20,
    MARSHALLED_SIZE_MAX = 2048,
    FIELDS = 24
};

/* run  does it with 64 messages */
typedef struct crossing_operation {
    const char *name;
    void (*run)(void);
} crossing_operation;

static crossing_output *output;
static amqpc_delivery deliveries[SAMPLE_KINDS][BATCH];

static void check(bool holds)
{
    if (!holds) {
        codec_fail("the crossing failed");
    }
}

static void make_deliveries(sample_kind kind)
{
    for (unsigned i = 0; i < BATCH; i++) {
        amqpc_delivery *delivery = &deliveries[kind][i];
        sample_bytes wire = sample_message(kind, i % SAMPLE_VARIANTS);
        delivery->number = i;
        delivery->payload = (amqpc_bytes){wire.data, wire.size};
        delivery->tag = (amqpc_bytes){sample_frame_get(i % SAMPLE_VARIANTS)->tag, TAG_SIZE};
        delivery->settled = true;
    }
}

/* --- What arrives. */

static void decode_batch(sample_kind kind, unsigned mode)
{
    static uint32_t fields[SAMPLE_KINDS][CROSSING_LAZY + 1];
    crossing_batch batch = {.mode = mode,
                            .messages_max = BATCH,
                            .size_max = BATCH_SIZE_MAX,
                            .fields = fields[kind][mode]};
    uint32_t count = 0;
    while (count < BATCH) {
        count +=
            crossing_decode_deliveries(output, deliveries[kind] + count, BATCH - count, &batch);
        check(batch.status == AMQPC_OK && batch.count > 0);
    }
    fields[kind][mode] = batch.fields;
}

static void decode_a(void)
{
    decode_batch(SAMPLE_A, 0);
}

static void decode_b(void)
{
    decode_batch(SAMPLE_B, 0);
}

static void decode_c(void)
{
    decode_batch(SAMPLE_C, 0);
}

static void decode_a_lazy(void)
{
    decode_batch(SAMPLE_A, CROSSING_LAZY);
}

static void decode_a_one(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        amqpc_bytes wire = deliveries[SAMPLE_A][i].payload;
        check(crossing_decode_message(output, wire.data, wire.size, 0) >= 0);
    }
}

/* --- What leaves: what marshal.dumps(messages, 2) gives for a list of messages. */

typedef struct marshalled {
    uint8_t data[BATCH * MARSHALLED_SIZE_MAX];
    size_t size;
} marshalled;

static marshalled batch_of_a;
static marshalled batch_of_b;
static marshalled one_of_a;
static crossing_encoder *encoder;

static void put(marshalled *to, const void *data, size_t size)
{
    check(size <= sizeof to->data - to->size);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void put_code(marshalled *to, char code)
{
    put(to, &code, 1);
}

/* marshal's byte order is that of the machines that budgets are for. */
static void put_coded(marshalled *to, char code, uint32_t number)
{
    put_code(to, code);
    put(to, &number, sizeof number);
}

static void put_text(marshalled *to, const char *text, size_t size)
{
    put_coded(to, 'u', (uint32_t)size);
    put(to, text, size);
}

static void put_sample(marshalled *to, const sample_text *text)
{
    put_text(to, text->data, text->size);
}

static void put_long(marshalled *to, int64_t number)
{
    uint16_t digits[5];
    uint32_t count = 0;
    for (; number > 0; number >>= 15) {
        digits[count++] = (uint16_t)(number & 0x7fff);
    }
    put_coded(to, 'l', count);
    put(to, digits, count * sizeof digits[0]);
}

static void put_nones(marshalled *to, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put_code(to, 'N');
    }
}

static void put_application_properties(marshalled *to, const sample_order *order)
{
    put_code(to, '{');
    put_text(to, "region", 6);
    put_sample(to, &order->region);
    put_text(to, "seq", 3);
    put_long(to, order->sequence);
    put_text(to, "retry", 5);
    put_code(to, order->retry ? 'T' : 'F');
    put_text(to, "price", 5);
    put_code(to, 'g');
    put(to, &order->price, sizeof order->price);
    put_code(to, '0');
}

/* The flat list of a message: _message.py tells the fields. */
static void put_message(marshalled *to, sample_kind kind, unsigned variant)
{
    const sample_order *order = sample_order_get(variant);
    sample_bytes body = sample_body(kind, variant);
    put_coded(to, '[', FIELDS);
    put_coded(to, 'i', CROSSING_BODY_BY_TYPE);
    put_code(to, 'T'); /* durable */
    put_nones(to, 6);
    put_sample(to, &order->message_id);
    put_nones(to, 1);
    put_sample(to, &order->to);
    put_sample(to, &order->subject);
    put_nones(to, 2);
    put_sample(to, &order->content_type);
    put_nones(to, 6);
    put_application_properties(to, order);
    put_coded(to, 's', (uint32_t)body.size);
    put(to, body.data, body.size);
    put_nones(to, 1);
}

static void marshal_batch(marshalled *to, sample_kind kind)
{
    put_coded(to, '[', BATCH);
    for (unsigned i = 0; i < BATCH; i++) {
        put_message(to, kind, i % SAMPLE_VARIANTS);
    }
}

static void encode(const marshalled *messages)
{
    check(crossing_encode_messages(encoder, (const char *)messages->data, messages->size, false) ==
          BATCH);
}

static void encode_a(void)
{
    encode(&batch_of_a);
}

static void encode_b(void)
{
    encode(&batch_of_b);
}

static void encode_a_one(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        check(crossing_encode_message(encoder, (const char *)one_of_a.data, one_of_a.size, false) >
              0);
    }
}

/* What was encoded is what arrives. */
static void check_encoded(sample_kind kind)
{
    for (unsigned i = 0; i < BATCH; i++) {
        sample_bytes wire = sample_message(kind, i % SAMPLE_VARIANTS);
        amqpc_bytes encoded = encoder->payloads[i];
        check(codec_read_order(encoded.data, encoded.size) ==
              codec_read_order(wire.data, wire.size));
    }
}

static void prepare_encoding(void)
{
    encoder = crossing_encoder_new();
    check(encoder != NULL);
    marshal_batch(&batch_of_a, SAMPLE_A);
    marshal_batch(&batch_of_b, SAMPLE_B);
    put_message(&one_of_a, SAMPLE_A, 0);
    encode_a();
    check_encoded(SAMPLE_A);
    encode_b();
    check_encoded(SAMPLE_B);
}

static const crossing_operation operations[] = {
    {"crossing_decode_A_x64", decode_a},    {"crossing_decode_B_x64", decode_b},
    {"crossing_decode_C_x64", decode_c},    {"crossing_decode_A_lazy_x64", decode_a_lazy},
    {"crossing_decode_A_x1", decode_a_one}, {"crossing_encode_A_x64", encode_a},
    {"crossing_encode_B_x64", encode_b},    {"crossing_encode_A_x1", encode_a_one},
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static void run(const crossing_operation *operation, unsigned long batches)
{
    for (unsigned long i = 0; i < batches; i++) {
        operation->run();
    }
}

static void collect_instructions(void)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        run(&operations[i], 2);
        CALLGRIND_TOGGLE_COLLECT;
        run(&operations[i], BATCHES);
        CALLGRIND_TOGGLE_COLLECT;
        CALLGRIND_DUMP_STATS_AT(operations[i].name);
    }
    printf("%d\n", BATCHES * BATCH);
}

static void run_named(const char *name, unsigned long batches)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            run(&operations[i], batches);
            return;
        }
    }
    codec_fail("there is no such operation");
}

int main(int argc, char **argv)
{
    codec_prepare();
    output = crossing_output_new();
    check(output != NULL);
    make_deliveries(SAMPLE_A);
    make_deliveries(SAMPLE_B);
    make_deliveries(SAMPLE_C);
    prepare_encoding();
    if (argc == 2 && strcmp(argv[1], "instructions") == 0) {
        collect_instructions();
    } else if (argc == 4 && strcmp(argv[1], "run") == 0) {
        run_named(argv[2], strtoul(argv[3], NULL, 10));
    } else {
        codec_fail("usage: crossing_count instructions | run NAME N");
    }
    crossing_encoder_free(encoder);
    crossing_output_free(output);
    return 0;
}
