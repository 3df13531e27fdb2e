/* Values told by numbers, where storing a number is cheaper than marshal: on PyPy. */
#include <string.h>

#include "encoder.h"

enum { CODE_BITS = 8, PLACE_BITS = 8, FLAGS_BITS = 16 };

/* What no operation has taken yet. */
typedef struct value_program {
    const int64_t *position;
    const int64_t *end;
    amqpc_bytes text;
    size_t text_count;
    amqpc_bytes blob;
    crossing_encoder *encoder;
    bool in_message;
} value_program;

static bool take_number(value_program *program, amqpc_value *value)
{
    if (program->position == program->end) {
        return false;
    }
    value->as.i64 = *program->position++;
    return true;
}

static bool take_blob(value_program *program, uint64_t size, amqpc_value *value)
{
    const char *start = program->blob.data;
    if (size > program->blob.size) {
        return false;
    }
    value->as.bytes = (amqpc_bytes){start, (size_t)size};
    program->blob = (amqpc_bytes){start + size, program->blob.size - (size_t)size};
    return true;
}

/* The next of the texts, which a NUL parts. Where one has a NUL of its own, there are more parts
 * than texts, and the last one is not the last. */
static bool take_text(value_program *program, amqpc_value *value)
{
    const char *start = program->text.data;
    size_t size = program->text.size;
    const char *nul = size == 0 ? NULL : memchr(start, 0, size);
    bool is_last = program->text_count == 1;
    if (program->text_count == 0 || is_last != (nul == NULL)) {
        return false;
    }
    program->text_count--;
    value->type = AMQPC_TYPE_STRING;
    value->as.bytes = (amqpc_bytes){start, is_last ? size : (size_t)(nul - start)};
    program->text = is_last ? (amqpc_bytes){start + size, 0}
                            : (amqpc_bytes){nul + 1, size - (size_t)(nul + 1 - start)};
    return true;
}

/* A value that is not compound. */
static bool read_scalar(value_program *program, unsigned type, uint64_t argument,
                        amqpc_value *value)
{
    value->type = (uint8_t)type;
    switch (type) {
    case AMQPC_TYPE_NULL:
        return true;
    case AMQPC_TYPE_BOOLEAN:
        value->as.boolean = argument != 0;
        return true;
    case AMQPC_TYPE_LONG:
    case AMQPC_TYPE_ULONG:
    case AMQPC_TYPE_DOUBLE: /* its bits */
        return take_number(program, value);
    case AMQPC_TYPE_STRING:
        return take_text(program, value);
    case AMQPC_TYPE_BINARY:
        return take_blob(program, argument, value);
    default:
        return false;
    }
}

/* The compound of the values that were put last. */
static amqpc_status read_compound(value_program *program, unsigned type, uint64_t count,
                                  amqpc_value *value)
{
    struct crossing_encoder_parts *parts = program->encoder->parts;
    uint32_t floor = program->in_message ? FIELD_COUNT : 0;
    if (count > parts->stack_count - floor) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return crossing_collect(program->encoder, parts->stack_count - (uint32_t)count, type, value);
}

static amqpc_status end_message(value_program *program)
{
    struct crossing_encoder_parts *parts = program->encoder->parts;
    if (!program->in_message) {
        return AMQPC_OK;
    }
    program->in_message = false;
    amqpc_status status = parts->stack_count == FIELD_COUNT
                              ? crossing_store_message(program->encoder, parts->stack)
                              : AMQPC_INVALID_ARGUMENT;
    parts->stack_count = 0;
    return status;
}

/* Begins a message: its flags, and a bit for each field that is a text, or true. */
static amqpc_status begin_message(value_program *program, uint64_t argument)
{
    struct crossing_encoder_parts *parts = program->encoder->parts;
    amqpc_status status = end_message(program);
    if (status != AMQPC_OK || parts->stack_count != 0) {
        return status != AMQPC_OK ? status : AMQPC_INVALID_ARGUMENT;
    }
    memset(parts->stack, 0, FIELD_COUNT * sizeof *parts->stack); /* null is 0 */
    parts->stack_count = FIELD_COUNT;
    program->in_message = true;
    parts->stack[FIELD_FLAGS].type = AMQPC_TYPE_LONG;
    parts->stack[FIELD_FLAGS].as.i64 = (int64_t)(argument & ((1u << FLAGS_BITS) - 1));
    uint64_t present = argument >> FLAGS_BITS & ((1u << FIELD_COUNT) - 2);
    for (; present != 0 && status == AMQPC_OK; present &= present - 1) {
        unsigned field = (unsigned)__builtin_ctzll(present);
        amqpc_value *value = &parts->stack[field];
        if (field == FIELD_DURABLE || field == FIELD_FIRST_ACQUIRER) {
            value->type = AMQPC_TYPE_BOOLEAN;
            value->as.boolean = true;
        } else if (!take_text(program, value)) {
            status = AMQPC_INVALID_ARGUMENT;
        }
    }
    return status;
}

static amqpc_status put(value_program *program, unsigned place, const amqpc_value *value)
{
    struct crossing_encoder_parts *parts = program->encoder->parts;
    if (place == 0 || place == CROSSING_OPERATION_KEYED) {
        return crossing_push(program->encoder, value);
    }
    if (!program->in_message || place >= FIELD_COUNT) {
        return AMQPC_INVALID_ARGUMENT;
    }
    parts->stack[place] = *value;
    return AMQPC_OK;
}

static amqpc_status run_next(value_program *program)
{
    uint64_t operation = (uint64_t)*program->position++;
    unsigned code = operation & ((1u << CODE_BITS) - 1);
    unsigned place = operation >> CODE_BITS & ((1u << PLACE_BITS) - 1);
    uint64_t argument = operation >> (CODE_BITS + PLACE_BITS);
    amqpc_value value = {.type = AMQPC_TYPE_NULL};
    amqpc_status status = AMQPC_OK;
    if (code == CROSSING_OPERATION_MESSAGE) {
        return begin_message(program, operation >> CODE_BITS);
    }
    if (place == CROSSING_OPERATION_KEYED) {
        status = take_text(program, &value) ? crossing_push(program->encoder, &value)
                                            : AMQPC_INVALID_ARGUMENT;
        value = (amqpc_value){.type = AMQPC_TYPE_NULL};
    }
    if (status == AMQPC_OK && (code == AMQPC_TYPE_LIST || code == AMQPC_TYPE_MAP)) {
        status = read_compound(program, code, argument, &value);
    } else if (status == AMQPC_OK && !read_scalar(program, code, argument, &value)) {
        status = AMQPC_INVALID_ARGUMENT;
    }
    return status == AMQPC_OK ? put(program, place, &value) : status;
}

static amqpc_status run(value_program *program)
{
    amqpc_status status = AMQPC_OK;
    crossing_encoder_reset(program->encoder);
    while (status == AMQPC_OK && program->position != program->end) {
        status = run_next(program);
    }
    if (status == AMQPC_OK) {
        status = end_message(program);
    }
    return status == AMQPC_OK && program->text_count != 0 ? AMQPC_INVALID_ARGUMENT : status;
}

int64_t crossing_encode_operations(crossing_encoder *encoder, const int64_t *operations,
                                   size_t count, const char *text, size_t text_size,
                                   size_t text_count, const char *blob, size_t blob_size)
{
    value_program program = {.position = operations,
                             .end = operations + count,
                             .text = {text, text_size},
                             .text_count = text_count,
                             .blob = {blob, blob_size},
                             .encoder = encoder};
    amqpc_status status = run(&program);
    if (status == AMQPC_OK && encoder->parts->stack_count > 0) {
        status = encoder->parts->stack_count == 1
                     ? crossing_store_value(encoder, encoder->parts->stack)
                     : AMQPC_INVALID_ARGUMENT;
    }
    crossing_finish(encoder);
    return crossing_result(encoder, status, encoder->size);
}
