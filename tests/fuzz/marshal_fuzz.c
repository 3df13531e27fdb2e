/* What the Python binding makes of values and messages for marshal. Whatever the library decodes,
 * the binding writes; what it writes is read again. */
#include "crossing.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "marshal_check.h"

enum { MODES = 4, DELIVERIES = 5, BATCH_MAX = 3 };

static void check_output(crossing_output *output)
{
    size_t size = crossing_output_size(output);
    FUZZ_CHECK(size <= crossing_output_capacity(output));
    /* In memory of its own size, so that a read beyond it is found. */
    uint8_t *copy = fuzz_allocate(size);
    memcpy(copy, crossing_output_data(output), size);
    marshal_check(copy, size);
    free(copy);
}

static void fuzz_value(crossing_output *output, const uint8_t *data, size_t size, unsigned mode)
{
    amqpc_value value;
    size_t offset = 0;
    size_t used = 0;
    amqpc_status status = amqpc_value_decode(data, size, NULL, &value, &offset);
    int flags = crossing_decode_value(output, data, size, mode, &used);
    FUZZ_CHECK(status == AMQPC_OK ? flags >= 0 : flags == -(int)status);
    if (status != AMQPC_OK) {
        FUZZ_CHECK(crossing_output_fault(output) == offset);
        return;
    }
    FUZZ_CHECK(used == offset);
    check_output(output);
}

static void fuzz_message(crossing_output *output, const uint8_t *data, size_t size, unsigned mode)
{
    amqpc_message message;
    size_t offset = 0;
    amqpc_status status = amqpc_message_decode(data, size, NULL, &message, &offset);
    int flags = crossing_decode_message(output, data, size, mode);
    FUZZ_CHECK(status == AMQPC_OK ? flags >= 0 : flags == -(int)status);
    if (status != AMQPC_OK) {
        FUZZ_CHECK(crossing_output_fault(output) == offset);
        return;
    }
    check_output(output);
}

/* All deliveries are reported, each once, those that fail alone. */
static void take_batches(crossing_output *output, amqpc_delivery *deliveries, unsigned mode)
{
    crossing_batch batch = {.mode = mode, .messages_max = BATCH_MAX, .size_max = 1024};
    size_t first = 0;
    while (first < DELIVERIES) {
        amqpc_bytes payload = deliveries[first].payload;
        amqpc_message message;
        amqpc_status status =
            amqpc_message_decode(payload.data, payload.size, NULL, &message, NULL);
        uint32_t count =
            crossing_decode_deliveries(output, deliveries + first, DELIVERIES - first, &batch);
        FUZZ_CHECK(count == batch.count && count >= 1 && count <= BATCH_MAX);
        FUZZ_CHECK(batch.status == (int32_t)status);
        FUZZ_CHECK(status == AMQPC_OK || count == 1);
        check_output(output);
        first += count;
    }
}

/* The input itself, and pieces of it, one after the other. */
static void fuzz_batch(crossing_output *output, const uint8_t *data, size_t size, unsigned mode)
{
    amqpc_delivery deliveries[DELIVERIES];
    memset(deliveries, 0, sizeof deliveries);
    for (size_t i = 0; i < DELIVERIES; i++) {
        size_t cut = i == 2 ? size / 2 : i == 3 && size > 0 ? size - 1 : size;
        deliveries[i].number = (uint64_t)i << 31;
        deliveries[i].tag = (amqpc_bytes){data, size < 4 ? size : 4};
        deliveries[i].payload = (amqpc_bytes){data, cut};
    }
    take_batches(output, deliveries, mode);
}

/* The input cut into messages, whose sizes are sometimes more than there is. */
static void fuzz_joined(crossing_output *output, const uint8_t *data, size_t size, unsigned mode)
{
    crossing_batch batch = {.mode = mode, .messages_max = BATCH_MAX, .size_max = 1024};
    uint64_t state = fuzz_hash(data, size) | 1;
    const uint32_t whole = (uint32_t)size;
    const uint32_t sizes[] = {whole / 3, whole - whole / 3, (uint32_t)fuzz_next(&state) & 7, 1};
    uint32_t first = (uint32_t)fuzz_next(&state) % 5;
    uint32_t count = crossing_decode_joined(output, data, size, sizes, 4, first, &batch);
    FUZZ_CHECK(count == batch.count && first + count <= 4);
    FUZZ_CHECK(count > 0 || batch.status == AMQPC_INVALID_ARGUMENT);
    if (count > 0) {
        check_output(output);
    }
}

/* The input several times, as marshal writes a list of bytes; sizes are sometimes more than there
 * is. */
static void fuzz_dumped(crossing_output *output, const uint8_t *data, size_t size, unsigned mode)
{
    enum { HEAD = 5, COUNT = 3 };
    crossing_batch batch = {.mode = mode, .messages_max = BATCH_MAX, .size_max = 1024};
    uint64_t state = fuzz_hash(data, size) | 1;
    const size_t dumped_size = HEAD + COUNT * (HEAD + size);
    uint8_t *dumped = fuzz_allocate(dumped_size);
    uint8_t *to = dumped;
    for (size_t i = 0; i <= COUNT; i++) {
        const size_t said = i == 0 ? COUNT : i < COUNT ? size : size + (fuzz_next(&state) & 1);
        const uint8_t head[HEAD] = {i == 0 ? '[' : 's', said & 0xff, said >> 8 & 0xff,
                                    said >> 16 & 0xff, said >> 24 & 0xff};
        memcpy(to, head, HEAD);
        if (i > 0 && size > 0) {
            memcpy(to + HEAD, data, size);
        }
        to += i > 0 ? HEAD + size : HEAD;
    }
    size_t offset = 0;
    do {
        size_t next = crossing_decode_dumped(output, dumped, dumped_size, offset, &batch);
        FUZZ_CHECK(next <= dumped_size && (next > offset || batch.status != AMQPC_OK));
        offset = next;
    } while (batch.status == AMQPC_OK && offset < dumped_size);
    free(dumped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static crossing_output *output;
    if (output == NULL) {
        output = crossing_output_new();
        FUZZ_CHECK(output != NULL);
    }
    for (unsigned mode = 0; mode < MODES; mode++) {
        fuzz_value(output, data, size, mode);
        fuzz_message(output, data, size, mode);
        fuzz_batch(output, data, size, mode);
        fuzz_joined(output, data, size, mode);
        fuzz_dumped(output, data, size, mode);
    }
    return 0;
}
