/* The public writer: values one after the other, compounds begun and ended by the caller. */
#include <amqpcodec/writer.h>

#include "base/memory.h"
#include "codec/format_code.h"
#include "codec/store.h"

struct amqpc_writer {
    amqpc_allocator allocator;
    amqpci_sink sink;
    size_t origin; /* offset in the sink of the first byte written */
    amqpc_status status;
    unsigned depth;
    amqpci_open_compound stack[AMQPC_DEPTH_MAX];
};

amqpc_status amqpc_writer_new(const amqpc_allocator *allocator, amqpc_writer **writer)
{
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpc_writer *made = (amqpc_writer *)amqpci_new(&chosen, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    *writer = made;
    return AMQPC_OK;
}

void amqpc_writer_free(amqpc_writer *writer)
{
    if (writer != NULL) {
        amqpc_allocator allocator = writer->allocator;
        amqpci_release(&allocator, writer);
    }
}

static void start_over(amqpc_writer *writer)
{
    writer->origin = writer->sink.position == NULL ? 0 : amqpci_sink_offset(&writer->sink);
    writer->status = AMQPC_OK;
    writer->depth = 0;
}

void amqpc_writer_set_fixed(amqpc_writer *writer, void *data, size_t capacity)
{
    amqpci_sink_init_fixed(&writer->sink, data, capacity);
    start_over(writer);
}

void amqpc_writer_set_growable(amqpc_writer *writer, amqpc_buffer *buffer)
{
    amqpci_sink_init_growable(&writer->sink, buffer);
    start_over(writer);
}

/* Ends every call: keeps the first failure, and the size of a growable buffer right. */
static amqpc_status finish_call(amqpc_writer *writer, amqpc_status status)
{
    amqpci_sink_publish(&writer->sink);
    writer->status = status;
    return status;
}

/* The format code of the elements, if the innermost compound is an array. */
static uint8_t element_code(const amqpc_writer *writer)
{
    return writer->depth == 0 ? 0 : writer->stack[writer->depth - 1].element_code;
}

static void count_value(amqpc_writer *writer)
{
    if (writer->depth > 0) {
        writer->stack[writer->depth - 1].count++;
    }
}

static amqpc_status put(amqpc_writer *writer, const amqpc_value *value)
{
    uint8_t code = element_code(writer);
    return code != 0 ? amqpci_store_element(&writer->sink, value, code)
                     : amqpci_store_value(&writer->sink, value);
}

amqpc_status amqpc_writer_value(amqpc_writer *writer, const amqpc_value *value)
{
    return amqpc_writer_values(writer, value, 1);
}

amqpc_status amqpc_writer_values(amqpc_writer *writer, const amqpc_value *values, size_t count)
{
    amqpc_status status = writer->status;
    for (size_t i = 0; i < count && status == AMQPC_OK; i++) {
        count_value(writer);
        status = put(writer, &values[i]);
    }
    return finish_call(writer, status);
}

static amqpc_status push(amqpc_writer *writer, amqpc_status status,
                         const amqpci_open_compound *compound)
{
    if (status == AMQPC_OK) {
        count_value(writer);
        writer->stack[writer->depth++] = *compound;
    }
    return finish_call(writer, status);
}

static amqpc_status check_begin(const amqpc_writer *writer)
{
    if (writer->status != AMQPC_OK) {
        return writer->status;
    }
    return writer->depth == AMQPC_DEPTH_MAX ? AMQPC_TOO_DEEP : AMQPC_OK;
}

amqpc_status amqpc_writer_begin(amqpc_writer *writer, unsigned type, unsigned code)
{
    amqpci_open_compound compound = {0};
    amqpc_status status = check_begin(writer);
    if (status == AMQPC_OK && type == AMQPC_TYPE_DESCRIBED) {
        compound.type = AMQPC_TYPE_DESCRIBED;
        status = element_code(writer) == 0 ? amqpci_store_byte(&writer->sink, 0x00)
                                           : AMQPC_INVALID_ARGUMENT;
    } else if (status == AMQPC_OK && (type == AMQPC_TYPE_LIST || type == AMQPC_TYPE_MAP) &&
               code <= UINT8_MAX) {
        status = amqpci_begin_compound(&writer->sink, (uint8_t)type, (uint8_t)code,
                                       element_code(writer), 0, &compound);
    } else if (status == AMQPC_OK) {
        status = AMQPC_INVALID_ARGUMENT;
    }
    return push(writer, status, &compound);
}

static amqpc_status store_constructor(amqpci_sink *sink, unsigned element_code,
                                      const amqpc_value *descriptor)
{
    bool valid = element_code <= UINT8_MAX &&
                 amqpci_code_infos[element_code].layout < AMQPCI_LAYOUT_DESCRIBED &&
                 (descriptor == NULL || descriptor->type < AMQPC_TYPE_LIST);
    if (!valid) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = AMQPC_OK;
    if (descriptor != NULL) {
        status = amqpci_store_byte(sink, 0x00);
        if (status == AMQPC_OK) {
            status = amqpci_store_scalar(sink, descriptor);
        }
    }
    return status == AMQPC_OK ? amqpci_store_byte(sink, (uint8_t)element_code) : status;
}

amqpc_status amqpc_writer_begin_array(amqpc_writer *writer, unsigned code,
                                      unsigned array_element_code, const amqpc_value *descriptor)
{
    amqpci_open_compound compound = {0};
    amqpc_status status = check_begin(writer);
    if (status == AMQPC_OK) {
        status = code > UINT8_MAX
                     ? AMQPC_INVALID_ARGUMENT
                     : amqpci_begin_compound(&writer->sink, AMQPC_TYPE_ARRAY, (uint8_t)code,
                                             element_code(writer), 0, &compound);
    }
    if (status == AMQPC_OK) {
        status = store_constructor(&writer->sink, array_element_code, descriptor);
        compound.element_code = (uint8_t)array_element_code;
    }
    return push(writer, status, &compound);
}

static amqpc_status end(amqpc_writer *writer)
{
    if (writer->depth == 0) {
        return AMQPC_INVALID_STATE;
    }
    const amqpci_open_compound *compound = &writer->stack[--writer->depth];
    if (compound->type == AMQPC_TYPE_DESCRIBED) {
        return compound->count == 2 ? AMQPC_OK : AMQPC_INVALID_ARGUMENT;
    }
    if (compound->type == AMQPC_TYPE_MAP && (compound->count & 1) != 0) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return amqpci_end_compound(&writer->sink, compound);
}

amqpc_status amqpc_writer_end(amqpc_writer *writer)
{
    amqpc_status status = writer->status;
    return finish_call(writer, status == AMQPC_OK ? end(writer) : status);
}

size_t amqpc_writer_size(const amqpc_writer *writer)
{
    return writer->sink.position == NULL ? 0 : amqpci_sink_offset(&writer->sink) - writer->origin;
}

amqpc_status amqpc_writer_finish(const amqpc_writer *writer)
{
    if (writer->status != AMQPC_OK) {
        return writer->status;
    }
    return writer->depth > 0 ? AMQPC_INVALID_STATE : AMQPC_OK;
}
