/* A mutator of connection_fuzz.c's inputs that knows where frames begin and end: it puts in whole
 * frames, takes them out, and changes their bodies, and the sizes stay right. */
#include "connection_fuzz.h"
#include "frame_templates.h"

#include <string.h>

enum { UNITS_MAX = 256, FRAME_HEADER = 8, INPUT_MAX = 65536 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);

/* Called by libFuzzer to change an input; returns its new size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

/* Where protocol headers and frames begin; starts[count] is the end. What is neither is one. */
typedef struct units {
    size_t starts[UNITS_MAX + 1];
    size_t count;
} units;

static uint32_t load32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store32(uint8_t *at, size_t number)
{
    at[0] = (uint8_t)(number >> 24);
    at[1] = (uint8_t)(number >> 16);
    at[2] = (uint8_t)(number >> 8);
    at[3] = (uint8_t)number;
}

static size_t unit_size(const uint8_t *at, size_t left)
{
    if (left < FRAME_HEADER || memcmp(at, "AMQP", 4) == 0) {
        return left < FRAME_HEADER ? left : FRAME_HEADER;
    }
    uint32_t size = load32(at);
    return size >= FRAME_HEADER && size <= left ? size : left;
}

static void find_units(const uint8_t *data, size_t size, units *found)
{
    size_t at = CONNECTION_FUZZ_HEAD;
    found->count = 0;
    while (at < size && found->count < UNITS_MAX) {
        found->starts[found->count++] = at;
        at += unit_size(data + at, size - at);
    }
    found->starts[found->count] = at;
}

/* The delivery-id that follows those before the place. */
static uint32_t next_delivery_id(const uint8_t *data, const units *found, size_t before)
{
    uint32_t next = 0;
    for (size_t i = 0; i < before; i++) {
        amqpc_frame frame;
        amqpc_performative performative;
        size_t size = found->starts[i + 1] - found->starts[i];
        amqpc_status status =
            amqpc_frame_decode(data + found->starts[i], size, NULL, &frame, &performative, NULL);
        if (status == AMQPC_OK && performative.type == AMQPC_COMPOSITE_TRANSFER &&
            performative.as.transfer.present & AMQPC_TRANSFER_DELIVERY_ID) {
            next = performative.as.transfer.delivery_id + 1;
        }
    }
    return next;
}

/* Puts bytes in place of others. Gives the new size; the old, where there is no room. */
static size_t replace(uint8_t *data, size_t size, size_t size_max, size_t at, size_t old_size,
                      const uint8_t *bytes, size_t new_size)
{
    if (new_size > size_max - (size - old_size)) {
        return size;
    }
    memmove(data + at + new_size, data + at + old_size, size - at - old_size);
    if (new_size > 0) {
        memmove(data + at, bytes, new_size);
    }
    return size - old_size + new_size;
}

static size_t insert_template(uint8_t *data, size_t size, size_t size_max, const units *found,
                              uint64_t *state)
{
    uint8_t frame[FRAME_TEMPLATE_MAX];
    size_t place = found->count - fuzz_next(state) % 4 % (found->count + 1);
    if (fuzz_next(state) % 4 == 0) {
        place = fuzz_next(state) % (found->count + 1);
    }
    uint32_t delivery_id = next_delivery_id(data, found, place);
    size_t frame_size = frame_template(state, delivery_id, frame);
    return replace(data, size, size_max, found->starts[place], 0, frame, frame_size);
}

static size_t copy_unit(uint8_t *data, size_t size, size_t size_max, const units *found,
                        uint64_t *state)
{
    uint8_t copy[FRAME_TEMPLATE_MAX];
    size_t from = fuzz_next(state) % found->count;
    size_t to = fuzz_next(state) % (found->count + 1);
    size_t unit = found->starts[from + 1] - found->starts[from];
    if (unit > sizeof copy) {
        return size;
    }
    memcpy(copy, data + found->starts[from], unit);
    return replace(data, size, size_max, found->starts[to], 0, copy, unit);
}

/* Lets libFuzzer change the body of a frame, and repairs its size. */
static size_t mutate_body(uint8_t *data, size_t size, size_t size_max, size_t start, size_t end)
{
    static uint8_t body[INPUT_MAX];
    size_t old_size = end - start;
    if (old_size < FRAME_HEADER || old_size > sizeof body) {
        return size;
    }
    memcpy(body, data + start, old_size);
    size_t room = size_max - size + old_size - FRAME_HEADER;
    room = room < sizeof body - FRAME_HEADER ? room : sizeof body - FRAME_HEADER;
    size_t body_size = LLVMFuzzerMutate(body + FRAME_HEADER, old_size - FRAME_HEADER, room);
    if (memcmp(body, "AMQP", 4) != 0) {
        store32(body, body_size + FRAME_HEADER);
    }
    return replace(data, size, size_max, start, old_size, body, body_size + FRAME_HEADER);
}

/* A new conversation with the head that there is. */
static size_t begin_again(uint8_t *data, size_t size, size_t size_max, uint64_t *state)
{
    uint8_t start[FRAME_TEMPLATE_MAX];
    if (size < CONNECTION_FUZZ_HEAD) {
        memset(data, 0, CONNECTION_FUZZ_HEAD);
    }
    bool client = fuzz_next(state) % 2 == 0;
    bool sasl = (data[0] & CONNECTION_FUZZ_SASL) != 0;
    size_t start_size = conversation_template(client, sasl, start);
    return replace(data, CONNECTION_FUZZ_HEAD, size_max, CONNECTION_FUZZ_HEAD, 0, start,
                   start_size);
}

static size_t mutate_once(uint8_t *data, size_t size, size_t size_max, uint64_t *state)
{
    units found;
    find_units(data, size, &found);
    uint64_t kind = fuzz_next(state) % 16;
    if (size < CONNECTION_FUZZ_HEAD || found.count == 0 || fuzz_next(state) % 256 == 0) {
        return begin_again(data, size, size_max, state);
    }
    size_t chosen = fuzz_next(state) % found.count;
    size_t start = found.starts[chosen];
    size_t end = found.starts[chosen + 1];
    if (kind < 6) {
        return insert_template(data, size, size_max, &found, state);
    }
    if (kind < 8) {
        return replace(data, size, size_max, start, end - start, NULL, 0);
    }
    if (kind < 9) {
        return copy_unit(data, size, size_max, &found, state);
    }
    if (kind < 13) {
        return mutate_body(data, size, size_max, start, end);
    }
    if (kind < 15) {
        size_t changed = fuzz_next(state) % CONNECTION_FUZZ_HEAD;
        data[changed] = (uint8_t)(fuzz_next(state) >> 16);
        return size;
    }
    return LLVMFuzzerMutate(data, size, size_max);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint64_t state = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1;
    if (size_max < FRAME_TEMPLATE_MAX) {
        return LLVMFuzzerMutate(data, size, size_max);
    }
    for (uint64_t count = 1 + fuzz_next(&state) % 4; count > 0; count--) {
        size = mutate_once(data, size, size_max, &state);
    }
    return size;
}
