/* The encoder's memory, and values on their way to AMQP. */
#include "encoder.h"

#include <stdlib.h>
#include <string.h>

enum {
    STACK_START = 256,
    PAYLOADS_START = 64,
    CHUNK_SIZE = 64 * 1024,
    ALIGNMENT = 16,
    UUID_SIZE = 16,
};

struct arena_chunk {
    arena_chunk *next; /* an older one */
    size_t capacity;
    _Alignas(ALIGNMENT) uint8_t memory[];
};

static arena_chunk *chunk_new(size_t capacity, arena_chunk *next)
{
    arena_chunk *chunk =
        capacity > SIZE_MAX - sizeof *chunk ? NULL : malloc(sizeof *chunk + capacity);
    if (chunk != NULL) {
        chunk->next = next;
        chunk->capacity = capacity;
    }
    return chunk;
}

crossing_encoder *crossing_encoder_new(void)
{
    crossing_encoder *encoder = calloc(1, sizeof *encoder);
    struct crossing_encoder_parts *parts = calloc(1, sizeof *parts);
    if (encoder == NULL || parts == NULL) {
        free(encoder);
        free(parts);
        return NULL;
    }
    encoder->parts = parts;
    amqpc_message_init(&parts->message);
    parts->stack = malloc(STACK_START * sizeof *parts->stack);
    parts->stack_capacity = STACK_START;
    parts->arena = chunk_new(CHUNK_SIZE, NULL);
    parts->window = malloc(CROSSING_WINDOW);
    if (parts->stack == NULL || parts->arena == NULL || parts->window == NULL ||
        amqpc_writer_new(NULL, &parts->writer) != AMQPC_OK) {
        crossing_encoder_free(encoder);
        return NULL;
    }
    parts->output = parts->window;
    crossing_encoder_reset(encoder);
    return encoder;
}

void crossing_encoder_free(crossing_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    struct crossing_encoder_parts *parts = encoder->parts;
    for (arena_chunk *chunk = parts->arena; chunk != NULL;) {
        arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    if (parts->output != parts->window) {
        free(parts->output);
    }
    amqpc_writer_free(parts->writer);
    free(parts->window);
    free(parts->stack);
    free(parts->references);
    free(parts->payloads);
    free(parts->ends);
    free(parts);
    free(encoder);
}

void crossing_encoder_lend(crossing_encoder *encoder, const amqpc_bytes *bodies, size_t count)
{
    encoder->parts->bodies = bodies;
    encoder->parts->body_count = count;
}

/* All chunks but the oldest, of the usual size, go. */
static void arena_reset(struct crossing_encoder_parts *parts)
{
    while (parts->arena->next != NULL) {
        arena_chunk *chunk = parts->arena;
        parts->arena = chunk->next;
        free(chunk);
    }
    parts->arena_used = 0;
}

void crossing_encoder_reset(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    arena_reset(parts);
    if (parts->output != parts->window) {
        free(parts->output);
        parts->output = parts->window;
    }
    parts->output_capacity = CROSSING_WINDOW;
    parts->stack_count = 0;
    parts->reference_count = 0;
    encoder->data = (const char *)parts->window;
    encoder->size = 0;
    encoder->payloads = parts->payloads;
    encoder->ends = parts->ends;
    encoder->count = 0;
    encoder->field = -1;
    parts->has_binary = false;
}

void *crossing_arena_take(crossing_encoder *encoder, size_t size)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > parts->arena->capacity - parts->arena_used) {
        arena_chunk *chunk = chunk_new(size > CHUNK_SIZE ? size : CHUNK_SIZE, parts->arena);
        if (chunk == NULL) {
            return NULL;
        }
        parts->arena = chunk;
        parts->arena_used = 0;
    }
    void *memory = parts->arena->memory + parts->arena_used;
    parts->arena_used += size;
    return memory;
}

/* Twice the room of an array of elements of a size, or the least; NULL where there is no memory. */
static void *grow(void *elements, uint32_t *capacity, size_t size)
{
    if (*capacity > UINT32_MAX / 2) {
        return NULL;
    }
    uint32_t wanted = *capacity == 0 ? STACK_START : *capacity * 2;
    void *moved = realloc(elements, wanted * size);
    if (moved != NULL) {
        *capacity = wanted;
    }
    return moved;
}

amqpc_status crossing_stack_grow(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    amqpc_value *stack = grow(parts->stack, &parts->stack_capacity, sizeof *stack);
    parts->stack = stack != NULL ? stack : parts->stack;
    return stack != NULL ? AMQPC_OK : AMQPC_NO_MEMORY;
}

amqpc_status crossing_reference_room(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (parts->reference_count < parts->reference_capacity) {
        return AMQPC_OK;
    }
    crossing_reference *references =
        grow(parts->references, &parts->reference_capacity, sizeof *references);
    parts->references = references != NULL ? references : parts->references;
    return references != NULL ? AMQPC_OK : AMQPC_NO_MEMORY;
}

amqpc_status crossing_collect(crossing_encoder *encoder, uint32_t base, unsigned type,
                              amqpc_value *compound)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    uint32_t count = parts->stack_count - base;
    amqpc_value *items = crossing_arena_take(encoder, count * sizeof *items);
    if (items == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(items, parts->stack + base, count * sizeof *items);
    parts->stack_count = base;
    *compound = (amqpc_value){
        .type = (uint8_t)type, .form = AMQPC_FORM_ITEMS, .count = count, .as.items = items};
    return AMQPC_OK;
}

/* An integer of a width; that it fits is the writer's to check, its sign is not. */
static bool to_integer(unsigned type, const amqpc_value *plain, amqpc_value *typed)
{
    bool is_signed = type >= AMQPC_TYPE_BYTE;
    if (plain->type == AMQPC_TYPE_LONG) {
        typed->as.i64 = plain->as.i64;
        return is_signed || plain->as.i64 >= 0;
    }
    typed->as.u64 = plain->as.u64;
    return plain->type == AMQPC_TYPE_ULONG && !is_signed;
}

/* The bits of a decimal, or a uuid, from bytes in network order. */
static bool to_octets(const amqpc_value *plain, size_t size, amqpc_value *typed)
{
    if (plain->type != AMQPC_TYPE_BINARY || plain->as.bytes.size != size) {
        return false;
    }
    const uint8_t *octets = plain->as.bytes.data;
    if (size == UUID_SIZE) {
        memcpy(typed->as.octets, octets, UUID_SIZE);
        return true;
    }
    typed->as.u64 = 0;
    for (size_t i = 0; i < size; i++) {
        typed->as.u64 = typed->as.u64 << 8 | octets[i];
    }
    return true;
}

static bool to_bytes(unsigned plain_type, const amqpc_value *plain, amqpc_value *typed)
{
    typed->as.bytes = plain->as.bytes;
    return plain->type == plain_type;
}

static bool to_map(const amqpc_value *plain, amqpc_value *typed)
{
    typed->form = plain->form;
    typed->count = plain->count;
    typed->as.items = plain->as.items;
    return plain->type == AMQPC_TYPE_LIST && (plain->count & 1) == 0;
}

static bool to_type(unsigned type, const amqpc_value *plain, amqpc_value *typed)
{
    switch (type) {
    case AMQPC_TYPE_FLOAT:
        typed->as.f32 = (float)plain->as.f64;
        return plain->type == AMQPC_TYPE_DOUBLE;
    case AMQPC_TYPE_DECIMAL32:
        return to_octets(plain, 4, typed);
    case AMQPC_TYPE_DECIMAL64:
        return to_octets(plain, 8, typed);
    case AMQPC_TYPE_DECIMAL128:
    case AMQPC_TYPE_UUID:
        return to_octets(plain, UUID_SIZE, typed);
    case AMQPC_TYPE_CHAR:
        typed->as.u64 = plain->as.u64;
        return plain->type == AMQPC_TYPE_LONG;
    case AMQPC_TYPE_TIMESTAMP:
        typed->as.i64 = plain->as.i64;
        return plain->type == AMQPC_TYPE_LONG;
    case AMQPC_TYPE_SYMBOL:
        return to_bytes(AMQPC_TYPE_STRING, plain, typed);
    case AMQPC_TYPE_MAP:
        return to_map(plain, typed);
    default:
        return type >= AMQPC_TYPE_UBYTE && type <= AMQPC_TYPE_LONG &&
               to_integer(type, plain, typed);
    }
}

amqpc_status crossing_typed(unsigned type, const amqpc_value *plain, amqpc_value *typed)
{
    amqpc_value made = {.type = (uint8_t)type};
    if (!to_type(type, plain, &made)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    *typed = made;
    return AMQPC_OK;
}

amqpc_status crossing_array(unsigned element_type, const amqpc_value *list, amqpc_value *array)
{
    /* The constructors of empty arrays, which have no element that tells the type. */
    static const uint8_t constructors[] = {
        AMQPC_CODE_NULL,      AMQPC_CODE_BOOLEAN,   AMQPC_CODE_UBYTE,      AMQPC_CODE_USHORT,
        AMQPC_CODE_UINT,      AMQPC_CODE_ULONG,     AMQPC_CODE_BYTE,       AMQPC_CODE_SHORT,
        AMQPC_CODE_INT,       AMQPC_CODE_LONG,      AMQPC_CODE_FLOAT,      AMQPC_CODE_DOUBLE,
        AMQPC_CODE_DECIMAL32, AMQPC_CODE_DECIMAL64, AMQPC_CODE_DECIMAL128, AMQPC_CODE_CHAR,
        AMQPC_CODE_TIMESTAMP, AMQPC_CODE_UUID,      AMQPC_CODE_BINARY32,   AMQPC_CODE_STRING32,
        AMQPC_CODE_SYMBOL32,  AMQPC_CODE_LIST32,    AMQPC_CODE_MAP32,      AMQPC_CODE_ARRAY32};
    static const uint8_t described[] = {0x00, AMQPC_CODE_NULL, AMQPC_CODE_NULL};
    if (element_type > AMQPC_TYPE_DESCRIBED || list->type != AMQPC_TYPE_LIST ||
        list->form != AMQPC_FORM_ITEMS) {
        return AMQPC_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->as.items[i].type != element_type) {
            return AMQPC_INVALID_ARGUMENT;
        }
    }
    amqpc_value made = *list;
    made.type = AMQPC_TYPE_ARRAY;
    if (list->count == 0) {
        made.form = AMQPC_FORM_ENCODED;
        made.as.bytes = element_type == AMQPC_TYPE_DESCRIBED
                            ? (amqpc_bytes){described, sizeof described}
                            : (amqpc_bytes){&constructors[element_type], 1};
    }
    *array = made;
    return AMQPC_OK;
}

/* Makes room for `wanted` bytes behind what the output has. */
static amqpc_status output_grow(crossing_encoder *encoder, size_t wanted)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (wanted > SIZE_MAX / 2 - encoder->size) {
        return AMQPC_NO_MEMORY;
    }
    size_t capacity = encoder->size + wanted;
    if (capacity < parts->output_capacity * 2) {
        capacity = parts->output_capacity * 2;
    }
    uint8_t *output = malloc(capacity);
    if (output == NULL) {
        return AMQPC_NO_MEMORY;
    }
    memcpy(output, parts->output, encoder->size);
    if (parts->output != parts->window) {
        free(parts->output);
    }
    parts->output = output;
    parts->output_capacity = capacity;
    encoder->data = (const char *)output;
    return AMQPC_OK;
}

amqpc_status crossing_store_value(crossing_encoder *encoder, const amqpc_value *value)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    amqpc_status status = AMQPC_BUFFER_FULL;
    for (;;) {
        size_t room = parts->output_capacity - encoder->size;
        amqpc_writer_set_fixed(parts->writer, parts->output + encoder->size, room);
        status = amqpc_writer_value(parts->writer, value);
        if (status != AMQPC_BUFFER_FULL) {
            break;
        }
        status =
            parts->output_capacity > UINT32_MAX ? AMQPC_BUFFER_FULL : output_grow(encoder, room);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    if (status == AMQPC_OK) {
        encoder->size += amqpc_writer_size(parts->writer);
    }
    return status;
}

static amqpc_status payload_room(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (encoder->count < parts->payload_capacity) {
        return AMQPC_OK;
    }
    if (parts->payload_capacity > UINT32_MAX / 2) {
        return AMQPC_NO_MEMORY;
    }
    uint32_t capacity = parts->payload_capacity == 0 ? PAYLOADS_START : parts->payload_capacity * 2;
    amqpc_bytes *payloads = realloc(parts->payloads, capacity * sizeof *payloads);
    if (payloads == NULL) {
        return AMQPC_NO_MEMORY;
    }
    parts->payloads = payloads;
    encoder->payloads = payloads;
    size_t *ends = realloc(parts->ends, capacity * sizeof *ends);
    if (ends == NULL) {
        return AMQPC_NO_MEMORY;
    }
    parts->ends = ends;
    encoder->ends = ends;
    parts->payload_capacity = capacity;
    return AMQPC_OK;
}

/* Notes the place of the next payload, of `size` bytes at the end of the output. */
static amqpc_status note_payload(crossing_encoder *encoder, size_t size)
{
    amqpc_status status = payload_room(encoder);
    if (status == AMQPC_OK) {
        encoder->size += size;
        encoder->parts->payloads[encoder->count] = (amqpc_bytes){NULL, size};
        encoder->parts->ends[encoder->count] = encoder->size;
        encoder->count++;
    }
    return status;
}

amqpc_status crossing_store_message(crossing_encoder *encoder, const amqpc_value *fields)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    amqpc_status status = crossing_fill_message(encoder, fields);
    if (status != AMQPC_OK) {
        return status;
    }
    encoder->field = -1;
    size_t size = 0;
    status = amqpc_message_encode(&parts->message, 0, parts->output + encoder->size,
                                  parts->output_capacity - encoder->size, &size);
    if (status == AMQPC_BUFFER_FULL) {
        status = output_grow(encoder, amqpc_message_encoded_bound(&parts->message, 0));
        if (status == AMQPC_OK) {
            status = amqpc_message_encode(&parts->message, 0, parts->output + encoder->size,
                                          parts->output_capacity - encoder->size, &size);
        }
    }
    return status == AMQPC_OK ? note_payload(encoder, size) : status;
}

void crossing_finish(crossing_encoder *encoder)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    const uint8_t *position = parts->output;
    for (uint32_t i = 0; i < encoder->count; i++) {
        parts->payloads[i].data = position;
        position += parts->payloads[i].size;
    }
}
