/* The public reader: one event a step, to any depth, over an explicit stack. */
#include <amqpcodec/reader.h>

#include "base/memory.h"
#include "codec/content.h"
#include "codec/walk.h"

struct amqpc_reader {
    amqpc_allocator allocator;
    amqpc_limits limits;
    const uint8_t *start;
    amqpci_cursor cursor;
    amqpc_status status; /* the first failure since the reset */
    amqpci_walk walk;
};

amqpc_status amqpc_reader_new(const amqpc_allocator *allocator, const amqpc_limits *limits,
                              amqpc_reader **reader)
{
    if (amqpc_limits_check(limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpc_reader *made = (amqpc_reader *)amqpci_new(&chosen, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    made->limits = limits == NULL ? amqpci_default_limits : *limits;
    amqpc_reader_reset(made, NULL, 0);
    *reader = made;
    return AMQPC_OK;
}

void amqpc_reader_free(amqpc_reader *reader)
{
    if (reader != NULL) {
        amqpc_allocator allocator = reader->allocator;
        amqpci_release(&allocator, reader);
    }
}

void amqpc_reader_reset(amqpc_reader *reader, const void *data, size_t size)
{
    static const uint8_t nothing[1] = {0};
    reader->start = data == NULL ? nothing : (const uint8_t *)data;
    reader->status = amqpci_cursor_init(&reader->cursor, reader->start, size, &reader->limits);
    reader->cursor.find_duplicates = false;
    amqpci_walk_init(&reader->walk, &reader->cursor, 0, UINT32_MAX);
    reader->walk.stepwise = true;
}

size_t amqpc_reader_offset(const amqpc_reader *reader)
{
    return (size_t)(reader->cursor.position - reader->start);
}

unsigned amqpc_reader_depth(const amqpc_reader *reader)
{
    return reader->walk.depth;
}

amqpc_bytes amqpc_reader_array_descriptor(const amqpc_reader *reader)
{
    const amqpci_level *inner = &reader->walk.stack[reader->walk.depth];
    return inner->type == AMQPC_TYPE_ARRAY ? (amqpc_bytes){inner->content, inner->count}
                                           : (amqpc_bytes){NULL, 0};
}

/* Whether the innermost level has no further value. */
static bool at_end(amqpc_reader *reader)
{
    amqpci_level *inner = &reader->walk.stack[reader->walk.depth];
    if (reader->walk.depth == 0) {
        inner->remaining = UINT32_MAX; /* the input holds any number of values */
        return reader->cursor.position == inner->end;
    }
    return inner->remaining == 0;
}

static amqpc_status leave(amqpc_reader *reader, amqpc_event *event, amqpc_value *value)
{
    if (reader->walk.depth == 0) {
        *event = AMQPC_EVENT_END_OF_INPUT;
        return AMQPC_OK;
    }
    uint8_t type = reader->walk.stack[reader->walk.depth].type;
    amqpc_status status = amqpci_walk_leave(&reader->walk);
    if (status == AMQPC_OK) {
        *event = AMQPC_EVENT_LEAVE;
        amqpci_set_value(value, type, 0, 0);
        value->as.bytes = (amqpc_bytes){NULL, 0};
    }
    return status;
}

/* The value that a step took or entered, of which the constructor is at `from`, unless it is an
 * element of an array. */
static void describe_step(const amqpci_level *outer, const uint8_t *from, amqpc_value *value)
{
    if (outer->element_code != 0) {
        (void)amqpci_read_content(outer->element_code, from, outer->end, value);
    } else if (*from != 0x00) {
        (void)amqpci_read_content(*from, from + 1, outer->end, value);
    } else {
        amqpci_set_value(value, AMQPC_TYPE_DESCRIBED, 0, 2);
        value->as.bytes = (amqpc_bytes){from + 1, (size_t)(outer->end - from) - 1};
    }
}

amqpc_status amqpc_reader_next(amqpc_reader *reader, amqpc_event *event, amqpc_value *value)
{
    if (reader->status != AMQPC_OK) {
        return reader->status;
    }
    if (at_end(reader)) {
        reader->status = leave(reader, event, value);
        return reader->status;
    }
    unsigned depth = reader->walk.depth;
    const uint8_t *from = reader->cursor.position;
    reader->status = amqpci_walk_step(&reader->walk);
    if (reader->status == AMQPC_OK) {
        describe_step(&reader->walk.stack[depth], from, value);
        *event = reader->walk.depth > depth ? AMQPC_EVENT_ENTER : AMQPC_EVENT_VALUE;
    }
    return reader->status;
}

amqpc_status amqpc_reader_take(amqpc_reader *reader, amqpc_value *value)
{
    if (reader->status != AMQPC_OK) {
        return reader->status;
    }
    if (at_end(reader)) {
        return AMQPC_NOT_FOUND;
    }
    amqpci_level *inner = &reader->walk.stack[reader->walk.depth];
    amqpci_cursor cursor = reader->cursor;
    const uint8_t *from = cursor.position;
    cursor.end = inner->end;
    cursor.depth_left -= reader->walk.depth;
    reader->status = amqpci_skip_element(&cursor, inner->element_code);
    reader->cursor.position = cursor.position;
    reader->cursor.values_left = cursor.values_left;
    reader->cursor.zero_width_left = cursor.zero_width_left;
    if (reader->status == AMQPC_OK) {
        inner->remaining--;
        amqpci_level taken = {.end = cursor.position, .element_code = inner->element_code};
        if (value != NULL) {
            describe_step(&taken, from, value);
        }
    }
    return reader->status;
}
