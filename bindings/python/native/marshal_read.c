/* Marshal bytes, as Python's marshal.dumps gives them (versions 2 to 4), to AMQP.
 *
 * A code, whose top bit says that others may refer to the object by number; then its content,
 * integers in little-endian order:
 *
 *     N T F             None, True, False
 *     i l g             int of 32 bits, int of 15-bit digits, float
 *     s                 bytes: size, content
 *     u t a A z Z       str: size (z, Z: of one byte), UTF-8 or ASCII
 *     [ ( )             list, tuple; count (of one byte), items
 *     { ... 0           dict: keys and values alternate
 *     r                 number of an object that came before
 *
 * The bytes come from marshal itself, in this process; nothing is believed all the same. */
#include <string.h>

#include "encoder.h"

enum {
    /* A mark is a tuple with a list inside: two levels for one of AMQP's. The messages and their
       fields are two more. */
    FRAMES_MAX = 2 * AMQPC_DEPTH_MAX + 8,
    REFERENCED = 0x80,
    DIGIT_BITS = 15,
    DIGITS_MAX = 5, /* of 64 bits */
    MESSAGE_DEPTH = 1,
};

#define NO_REFERENCE UINT32_MAX
#define UNTIL_END    UINT32_MAX

/* A list, tuple or dict whose items are being read. */
typedef struct frame {
    uint32_t base;      /* where its items begin on the stack */
    uint32_t remaining; /* items still to come; UNTIL_END for a dict */
    uint32_t reference; /* the number by which others refer to it, or NO_REFERENCE */
    char code;
} frame;

typedef struct marshal_input {
    const uint8_t *position;
    const uint8_t *end;
    crossing_encoder *encoder;
    bool marks;
    unsigned
        plain_depth; /* at which bytes are looked at by their field: not within a list or a map */
    unsigned depth;
    frame frames[FRAMES_MAX];
} marshal_input;

static uint32_t load32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

/* `size` bytes, or NULL. */
static inline const uint8_t *take(marshal_input *input, size_t size)
{
    if (size > (size_t)(input->end - input->position)) {
        return NULL;
    }
    const uint8_t *taken = input->position;
    input->position += size;
    return taken;
}

/* A size or count, of one byte or of four. */
static inline bool take_size(marshal_input *input, bool is_short, uint32_t *size)
{
    const uint8_t *from = take(input, is_short ? 1 : 4);
    if (from == NULL) {
        return false;
    }
    *size = is_short ? *from : load32(from);
    return true;
}

static bool read_bytes(marshal_input *input, bool is_short, unsigned type, amqpc_value *value)
{
    uint32_t size = 0;
    if (!take_size(input, is_short, &size)) {
        return false;
    }
    const uint8_t *content = take(input, size);
    if (content == NULL) {
        return false;
    }
    value->type = (uint8_t)type;
    value->as.bytes = (amqpc_bytes){content, size};
    return true;
}

static bool read_double(marshal_input *input, amqpc_value *value)
{
    const uint8_t *from = take(input, 8);
    if (from == NULL) {
        return false;
    }
    uint64_t bits = (uint64_t)load32(from + 4) << 32 | load32(from);
    value->type = AMQPC_TYPE_DOUBLE;
    memcpy(&value->as.f64, &bits, sizeof bits);
    return true;
}

static bool read_small(marshal_input *input, amqpc_value *value)
{
    const uint8_t *from = take(input, 4);
    if (from == NULL) {
        return false;
    }
    value->type = AMQPC_TYPE_LONG;
    value->as.i64 = (int32_t)load32(from);
    return true;
}

/* The integer of a sign and a magnitude: a long, or a ulong where that is too small. */
static bool set_integer(amqpc_value *value, bool negative, uint64_t magnitude)
{
    const uint64_t limit = (uint64_t)1 << 63;
    if (negative) {
        value->type = AMQPC_TYPE_LONG;
        value->as.i64 = magnitude == limit ? INT64_MIN : -(int64_t)magnitude;
        return magnitude <= limit;
    }
    value->type = magnitude >= limit ? AMQPC_TYPE_ULONG : AMQPC_TYPE_LONG;
    value->as.u64 = magnitude;
    return true;
}

static bool read_digits(marshal_input *input, amqpc_value *value)
{
    const uint8_t *from = take(input, 4);
    if (from == NULL) {
        return false;
    }
    int32_t count = (int32_t)load32(from);
    bool negative = count < 0;
    if (count < -DIGITS_MAX || count > DIGITS_MAX) {
        return false;
    }
    unsigned digits = (unsigned)(negative ? -count : count);
    from = take(input, 2 * (size_t)digits);
    if (from == NULL) {
        return false;
    }
    uint64_t magnitude = 0;
    for (unsigned i = digits; i-- > 0;) {
        uint32_t digit = (uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8;
        if (digit >> DIGIT_BITS != 0 || magnitude >> (64 - DIGIT_BITS) != 0) {
            return false;
        }
        magnitude = magnitude << DIGIT_BITS | digit;
    }
    return set_integer(value, negative, magnitude);
}

static bool read_reference(marshal_input *input, amqpc_value *value)
{
    const struct crossing_encoder_parts *parts = input->encoder->parts;
    const uint8_t *from = take(input, 4);
    if (from == NULL || load32(from) >= parts->reference_count) {
        return false;
    }
    *value = parts->references[load32(from)];
    return value->type != REFERENCE_OPEN;
}

/* An object that holds no others. */
static inline bool read_scalar(marshal_input *input, unsigned code, amqpc_value *value)
{
    *value = (amqpc_value){.type = AMQPC_TYPE_NULL};
    switch (code) {
    case 'N':
        return true;
    case 'T':
    case 'F':
        value->type = AMQPC_TYPE_BOOLEAN;
        value->as.boolean = code == 'T';
        return true;
    case 'i':
        return read_small(input, value);
    case 'l':
        return read_digits(input, value);
    case 'g':
        return read_double(input, value);
    case 'u':
    case 't':
    case 'a':
    case 'A':
        return read_bytes(input, false, AMQPC_TYPE_STRING, value);
    case 'z':
    case 'Z':
        return read_bytes(input, true, AMQPC_TYPE_STRING, value);
    case 's':
        input->encoder->has_binary |= input->depth > input->plain_depth;
        return read_bytes(input, false, AMQPC_TYPE_BINARY, value);
    case 'r':
        return read_reference(input, value);
    default:
        return false;
    }
}

/* A number for an object that others may refer to. */
static amqpc_status reserve_reference(marshal_input *input, uint32_t *number)
{
    struct crossing_encoder_parts *parts = input->encoder->parts;
    amqpc_status status = crossing_reference_room(input->encoder);
    if (status == AMQPC_OK) {
        *number = parts->reference_count++;
        parts->references[*number].type = REFERENCE_OPEN;
    }
    return status;
}

static amqpc_status open_frame(marshal_input *input, unsigned code, uint32_t reference)
{
    uint32_t count = UNTIL_END;
    if (code != '{' && (!take_size(input, code == ')', &count) || count == UNTIL_END)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (input->depth == FRAMES_MAX) {
        return AMQPC_TOO_DEEP;
    }
    input->frames[input->depth++] = (frame){.base = input->encoder->parts->stack_count,
                                            .remaining = count,
                                            .reference = reference,
                                            .code = code == '(' ? ')' : (char)code};
    return AMQPC_OK;
}

/* The value that a mark stands for: (type, payload), (24, descriptor, value) or (23, type of the
 * elements, elements). */
static amqpc_status close_mark(crossing_encoder *encoder, uint32_t base, amqpc_value *value)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    const amqpc_value *items = parts->stack + base;
    uint32_t count = parts->stack_count - base;
    bool valid = count >= 2 && items[0].type == AMQPC_TYPE_LONG && items[0].as.i64 >= 0 &&
                 items[0].as.i64 <= AMQPC_TYPE_DESCRIBED;
    unsigned type = valid ? (unsigned)items[0].as.i64 : 0;
    if (!valid || (type >= AMQPC_TYPE_ARRAY) != (count == 3) || count > 3) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = AMQPC_INVALID_ARGUMENT;
    if (type == AMQPC_TYPE_DESCRIBED) {
        status = crossing_collect(encoder, base + 1, type, value);
    } else if (type == AMQPC_TYPE_ARRAY && items[1].type == AMQPC_TYPE_LONG &&
               items[1].as.u64 <= AMQPC_TYPE_DESCRIBED) {
        status = crossing_array((unsigned)items[1].as.u64, &items[2], value);
    } else if (type < AMQPC_TYPE_ARRAY) {
        status = crossing_typed(type, &items[1], value);
    }
    parts->stack_count = base;
    return status;
}

/* Completes the compound read last. */
static amqpc_status close_frame(marshal_input *input, amqpc_value *value)
{
    const frame *done = &input->frames[--input->depth];
    crossing_encoder *encoder = input->encoder;
    amqpc_status status = AMQPC_OK;
    if (done->code == ')' && input->marks) {
        status = close_mark(encoder, done->base, value);
    } else {
        status = crossing_collect(encoder, done->base,
                                  done->code == '{' ? AMQPC_TYPE_MAP : AMQPC_TYPE_LIST, value);
    }
    if (status == AMQPC_OK && done->reference != NO_REFERENCE) {
        encoder->parts->references[done->reference] = *value;
    }
    return status;
}

/* Puts a value that is complete into its compound, and completes what it was the last item of. */
static amqpc_status put(marshal_input *input, amqpc_value *value)
{
    amqpc_status status = AMQPC_OK;
    while (input->depth > 0 && status == AMQPC_OK) {
        frame *open = &input->frames[input->depth - 1];
        status = crossing_push(input->encoder, value);
        open->remaining -= open->remaining == UNTIL_END ? 0 : 1;
        if (status != AMQPC_OK || open->remaining > 0) {
            return status;
        }
        status = close_frame(input, value);
    }
    return status;
}

/* A list or tuple without items is complete at once; a dict ends by its code. */
static amqpc_status put_end(marshal_input *input, unsigned code, amqpc_value *value)
{
    if (input->depth == 0) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const frame *open = &input->frames[input->depth - 1];
    if (code == '0' &&
        (open->code != '{' || ((input->encoder->parts->stack_count - open->base) & 1) != 0)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = close_frame(input, value);
    return status == AMQPC_OK ? put(input, value) : status;
}

static amqpc_status put_scalar(marshal_input *input, unsigned code, uint32_t reference,
                               amqpc_value *value)
{
    if (!read_scalar(input, code, value)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (reference != NO_REFERENCE) {
        input->encoder->parts->references[reference] = *value;
    }
    return put(input, value);
}

/* Reads one object whole. */
static amqpc_status read_object(marshal_input *input, amqpc_value *value)
{
    amqpc_status status = AMQPC_OK;
    do {
        if (input->position == input->end) {
            return AMQPC_INVALID_ARGUMENT;
        }
        unsigned code = *input->position++;
        uint32_t reference = NO_REFERENCE;
        if ((code & REFERENCED) != 0) {
            code &= ~(unsigned)REFERENCED;
            status = reserve_reference(input, &reference);
        }
        if (status != AMQPC_OK) {
            return status;
        }
        if (code == '[' || code == '(' || code == ')' || code == '{') {
            status = open_frame(input, code, reference);
            if (status == AMQPC_OK && input->frames[input->depth - 1].remaining == 0) {
                status = put_end(input, code, value);
            }
        } else if (code == '0') {
            status = put_end(input, code, value);
        } else {
            status = put_scalar(input, code, reference, value);
        }
    } while (status == AMQPC_OK && input->depth > 0);
    return status;
}

static void input_init(marshal_input *input, crossing_encoder *encoder, const char *marshalled,
                       size_t size, bool marks)
{
    input->position = (const uint8_t *)marshalled;
    input->end = input->position + size;
    input->encoder = encoder;
    input->marks = marks;
    input->plain_depth = 0;
    input->depth = 0;
    crossing_encoder_reset(encoder);
}

/* What remains when all that should be there has been read. */
static amqpc_status read_end(const marshal_input *input, amqpc_status status)
{
    return status == AMQPC_OK && input->position != input->end ? AMQPC_INVALID_ARGUMENT : status;
}

int64_t crossing_encode_value(crossing_encoder *encoder, const char *marshalled, size_t size,
                              bool marks)
{
    marshal_input input;
    amqpc_value value;
    input_init(&input, encoder, marshalled, size, marks);
    amqpc_status status = read_end(&input, read_object(&input, &value));
    if (status == AMQPC_OK) {
        status = crossing_store_value(encoder, &value);
    }
    return crossing_result(status, encoder->size);
}

static amqpc_status encode_next_message(marshal_input *input)
{
    amqpc_value value;
    amqpc_status status = read_object(input, &value);
    if (status != AMQPC_OK) {
        return status;
    }
    if (value.type != AMQPC_TYPE_LIST || value.count != FIELD_COUNT) {
        return AMQPC_INVALID_ARGUMENT;
    }
    return crossing_store_message(input->encoder, value.as.items);
}

int64_t crossing_encode_message(crossing_encoder *encoder, const char *marshalled, size_t size,
                                bool marks)
{
    marshal_input input;
    input_init(&input, encoder, marshalled, size, marks);
    input.plain_depth = MESSAGE_DEPTH;
    amqpc_status status = read_end(&input, encode_next_message(&input));
    crossing_finish(encoder);
    return crossing_result(status, encoder->size);
}

int64_t crossing_encode_messages(crossing_encoder *encoder, const char *marshalled, size_t size,
                                 bool marks)
{
    marshal_input input;
    uint32_t count = 0;
    uint32_t reference = NO_REFERENCE;
    amqpc_status status = AMQPC_OK;
    input_init(&input, encoder, marshalled, size, marks);
    input.plain_depth = MESSAGE_DEPTH;
    const uint8_t *code = take(&input, 1);
    if (code == NULL || (*code & ~(unsigned)REFERENCED) != '[' ||
        !take_size(&input, false, &count)) {
        return crossing_result(AMQPC_INVALID_ARGUMENT, 0);
    }
    if ((*code & REFERENCED) != 0) {
        status = reserve_reference(&input, &reference);
    }
    for (uint32_t i = 0; i < count && status == AMQPC_OK; i++) {
        status = encode_next_message(&input);
    }
    status = read_end(&input, status);
    crossing_finish(encoder);
    return crossing_result(status, encoder->count);
}
