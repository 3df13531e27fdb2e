/* Building values by a call for each: where calls are cheaper than marshal, on PyPy. */
#include <string.h>

#include "encoder.h"

/* The failure that came first stays. */
static void push(crossing_encoder *encoder, amqpc_status status, const amqpc_value *value)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (parts->status == AMQPC_OK) {
        parts->status = status == AMQPC_OK ? crossing_push(encoder, value) : status;
    }
}

void crossing_begin(crossing_encoder *encoder)
{
    crossing_encoder_reset(encoder);
}

void crossing_push_null(crossing_encoder *encoder)
{
    amqpc_value value = {.type = AMQPC_TYPE_NULL};
    push(encoder, AMQPC_OK, &value);
}

void crossing_push_boolean(crossing_encoder *encoder, bool boolean)
{
    amqpc_value value = {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = boolean};
    push(encoder, AMQPC_OK, &value);
}

void crossing_push_signed(crossing_encoder *encoder, unsigned type, int64_t number)
{
    amqpc_value value = {.type = AMQPC_TYPE_LONG, .as.i64 = number};
    push(encoder, type == AMQPC_TYPE_LONG ? AMQPC_OK : crossing_typed(type, &value, &value),
         &value);
}

void crossing_push_unsigned(crossing_encoder *encoder, unsigned type, uint64_t number)
{
    amqpc_value value = {.type = AMQPC_TYPE_ULONG, .as.u64 = number};
    push(encoder, type == AMQPC_TYPE_ULONG ? AMQPC_OK : crossing_typed(type, &value, &value),
         &value);
}

void crossing_push_real(crossing_encoder *encoder, unsigned type, double number)
{
    amqpc_value value = {.type = AMQPC_TYPE_DOUBLE, .as.f64 = number};
    push(encoder, type == AMQPC_TYPE_DOUBLE ? AMQPC_OK : crossing_typed(type, &value, &value),
         &value);
}

void crossing_push_borrowed(crossing_encoder *encoder, unsigned type, const char *data, size_t size)
{
    amqpc_value value = {.type = AMQPC_TYPE_BINARY, .as.bytes = {data, size}};
    if (type == AMQPC_TYPE_STRING || type == AMQPC_TYPE_SYMBOL) {
        value.type = (uint8_t)type;
        type = AMQPC_TYPE_BINARY;
    }
    push(encoder, type == AMQPC_TYPE_BINARY ? AMQPC_OK : crossing_typed(type, &value, &value),
         &value);
}

void crossing_push_bytes(crossing_encoder *encoder, unsigned type, const char *data, size_t size)
{
    char *copy = crossing_arena_take(encoder, size);
    if (copy == NULL) {
        push(encoder, AMQPC_NO_MEMORY, NULL);
        return;
    }
    memcpy(copy, data, size);
    crossing_push_borrowed(encoder, type, copy, size);
}

/* Whether the stack holds that many, behind the fields of a message. */
static bool holds(crossing_encoder *encoder, uint32_t count)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    return parts->status == AMQPC_OK && count <= parts->stack_count - parts->stack_floor;
}

void crossing_push_compound(crossing_encoder *encoder, unsigned type, uint32_t count)
{
    amqpc_value value;
    bool valid = holds(encoder, count) && type >= AMQPC_TYPE_LIST && type <= AMQPC_TYPE_DESCRIBED &&
                 type != AMQPC_TYPE_ARRAY;
    amqpc_status status =
        valid ? crossing_collect(encoder, encoder->parts->stack_count - count, type, &value)
              : AMQPC_INVALID_ARGUMENT;
    push(encoder, status, &value);
}

void crossing_push_array(crossing_encoder *encoder, unsigned element_type, uint32_t count)
{
    amqpc_value value;
    amqpc_status status = holds(encoder, count)
                              ? crossing_collect(encoder, encoder->parts->stack_count - count,
                                                 AMQPC_TYPE_LIST, &value)
                              : AMQPC_INVALID_ARGUMENT;
    if (status == AMQPC_OK) {
        status = crossing_array(element_type, &value, &value);
    }
    push(encoder, status, &value);
}

int64_t crossing_end_value(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    amqpc_status status = holds(encoder, 1)
                              ? crossing_store_value(encoder, &parts->stack[parts->stack_count - 1])
                              : AMQPC_INVALID_ARGUMENT;
    if (parts->status != AMQPC_OK) {
        status = parts->status;
    }
    return crossing_result(status, encoder->size);
}

void crossing_begin_message(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    parts->stack_count = FIELD_COUNT;
    parts->stack_floor = FIELD_COUNT;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        parts->stack[i] = (amqpc_value){.type = AMQPC_TYPE_NULL};
    }
}

void crossing_take_field(crossing_encoder *encoder, uint32_t field)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (holds(encoder, 1) && field < FIELD_COUNT) {
        parts->stack[field] = parts->stack[--parts->stack_count];
    }
}

int64_t crossing_end_message(crossing_encoder *encoder, uint32_t flags)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (parts->status == AMQPC_OK) {
        parts->stack[FIELD_FLAGS] = (amqpc_value){.type = AMQPC_TYPE_LONG, .as.i64 = flags};
        parts->status = crossing_store_message(encoder, parts->stack);
    }
    return crossing_result(parts->status, encoder->size);
}

int64_t crossing_end_messages(crossing_encoder *encoder)
{
    crossing_finish(encoder);
    return crossing_result(encoder->parts->status, encoder->count);
}
