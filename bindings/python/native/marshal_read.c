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
    LIST_HEAD = 5,  /* code, count */
};

#define WEIGHT_MAX   ((uint64_t)1 << 24)
#define NO_REFERENCE UINT32_MAX
#define UNTIL_END    UINT32_MAX

/* A list, tuple or dict whose items are being read; the outermost one stands for a message, whose
 * items are its fields, or for what a single value is the item of. */
typedef struct frame {
    uint32_t base;      /* where its items begin on the stack */
    uint32_t remaining; /* items still to come; UNTIL_END and less for a dict */
    uint32_t reference; /* the number by which others refer to it, or NO_REFERENCE */
    uint64_t weight;    /* the input's when it began */
    char code;
} frame;

typedef struct marshal_input {
    const uint8_t *position;
    const uint8_t *end;
    crossing_encoder *encoder;
    bool marks;
    unsigned depth;  /* of the innermost frame: beyond 0 within a list or a map of the program's */
    uint64_t weight; /* values read so far, with what references stand for */
    frame frames[FRAMES_MAX];
} marshal_input;

static inline uint32_t load32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static inline void set_type(amqpc_value *value, unsigned type)
{
    value->type = (uint8_t)type;
    value->code = AMQPC_CODE_SMALLEST;
    value->form = AMQPC_FORM_ENCODED;
    value->reserved = 0;
    value->count = 0;
}

/* Each of these reads what stands behind a code, from `from` on, and returns its end; NULL where it
 * is not there or is not valid. */

static inline const uint8_t *read_bytes(const uint8_t *from, const uint8_t *end, bool is_short,
                                        unsigned type, amqpc_value *value)
{
    size_t head = is_short ? 1 : 4;
    if (head > (size_t)(end - from)) {
        return NULL;
    }
    size_t size = is_short ? *from : load32(from);
    from += head;
    if (size > (size_t)(end - from)) {
        return NULL;
    }
    set_type(value, type);
    value->as.bytes = (amqpc_bytes){from, size};
    return from + size;
}

static inline const uint8_t *read_double(const uint8_t *from, const uint8_t *end,
                                         amqpc_value *value)
{
    if (end - from < 8) {
        return NULL;
    }
    uint64_t bits = (uint64_t)load32(from + 4) << 32 | load32(from);
    set_type(value, AMQPC_TYPE_DOUBLE);
    memcpy(&value->as.f64, &bits, sizeof bits);
    return from + 8;
}

static inline const uint8_t *read_small(const uint8_t *from, const uint8_t *end, amqpc_value *value)
{
    if (end - from < 4) {
        return NULL;
    }
    set_type(value, AMQPC_TYPE_LONG);
    value->as.i64 = (int32_t)load32(from);
    return from + 4;
}

/* The integer of a sign and a magnitude: a long, or a ulong where that is too small. */
static bool set_integer(amqpc_value *value, bool negative, uint64_t magnitude)
{
    const uint64_t limit = (uint64_t)1 << 63;
    if (negative) {
        set_type(value, AMQPC_TYPE_LONG);
        value->as.i64 = magnitude == limit ? INT64_MIN : -(int64_t)magnitude;
        return magnitude <= limit;
    }
    set_type(value, magnitude >= limit ? AMQPC_TYPE_ULONG : AMQPC_TYPE_LONG);
    value->as.u64 = magnitude;
    return true;
}

static const uint8_t *read_digits(const uint8_t *from, const uint8_t *end, amqpc_value *value)
{
    int32_t count = end - from < 4 ? INT32_MAX : (int32_t)load32(from);
    bool negative = count < 0;
    if (count < -DIGITS_MAX || count > DIGITS_MAX) {
        return NULL;
    }
    unsigned digits = (unsigned)(negative ? -count : count);
    from += 4;
    if (end - from < 2 * (ptrdiff_t)digits) {
        return NULL;
    }
    uint64_t magnitude = 0;
    for (unsigned i = digits; i-- > 0;) {
        uint32_t digit = (uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8;
        if (digit >> DIGIT_BITS != 0 || magnitude >> (64 - DIGIT_BITS) != 0) {
            return NULL;
        }
        magnitude = magnitude << DIGIT_BITS | digit;
    }
    return set_integer(value, negative, magnitude) ? from + 2 * (size_t)digits : NULL;
}

/* What is referred to many times, by what is itself referred to many times, is more than anybody
 * has memory for. */
static const uint8_t *read_reference(marshal_input *input, const uint8_t *from, amqpc_value *value)
{
    const struct crossing_encoder_parts *parts = input->encoder->parts;
    if (input->end - from < 4 || load32(from) >= parts->reference_count) {
        return NULL;
    }
    const crossing_reference *reference = &parts->references[load32(from)];
    if (reference->value.type == REFERENCE_OPEN || reference->weight > WEIGHT_MAX) {
        return NULL;
    }
    input->weight += reference->weight - 1; /* all that is read weighs 1 */
    if (reference->weight > 1 && input->weight > WEIGHT_MAX) {
        return NULL;
    }
    *value = reference->value;
    return from + 4;
}

static const uint8_t *read_binary(const marshal_input *input, const uint8_t *from,
                                  amqpc_value *value)
{
    input->encoder->parts->has_binary |= input->depth > 0;
    return read_bytes(from, input->end, false, AMQPC_TYPE_BINARY, value);
}

/* An object that holds no others. */
static inline const uint8_t *read_scalar(marshal_input *input, unsigned code, const uint8_t *from,
                                         amqpc_value *value)
{
    switch (code) {
    case 'N':
        set_type(value, AMQPC_TYPE_NULL);
        return from;
    case 'T':
    case 'F':
        set_type(value, AMQPC_TYPE_BOOLEAN);
        value->as.boolean = code == 'T';
        return from;
    case 'i':
        return read_small(from, input->end, value);
    case 'l':
        return read_digits(from, input->end, value);
    case 'g':
        return read_double(from, input->end, value);
    case 'u':
    case 't':
    case 'a':
    case 'A':
        return read_bytes(from, input->end, false, AMQPC_TYPE_STRING, value);
    case 'z':
    case 'Z':
        return read_bytes(from, input->end, true, AMQPC_TYPE_STRING, value);
    case 's':
        return read_binary(input, from, value);
    case 'r':
        return read_reference(input, from, value);
    default:
        return NULL;
    }
}

/* A number for an object that others may refer to. */
static amqpc_status reserve_reference(crossing_encoder *encoder, uint32_t *number)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    amqpc_status status = crossing_reference_room(encoder);
    if (status == AMQPC_OK) {
        *number = parts->reference_count++;
        parts->references[*number].value.type = REFERENCE_OPEN;
    }
    return status;
}

/* The value that a mark stands for: (type, payload), (24, descriptor, value) or (23, type of the
 * elements, elements). */
static amqpc_status close_mark(crossing_encoder *encoder, uint32_t base, amqpc_value *value)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    const amqpc_value *items = parts->stack + base;
    uint32_t count = parts->stack_count - base;
    bool valid =
        count >= 2 && items[0].type == AMQPC_TYPE_LONG && items[0].as.u64 <= AMQPC_TYPE_DESCRIBED;
    unsigned type = valid ? (unsigned)items[0].as.u64 : 0;
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

/* Completes the innermost compound, and those that it was the last item of. */
static amqpc_status close_frames(marshal_input *input)
{
    crossing_encoder *encoder = input->encoder;
    frame *done = &input->frames[input->depth];
    do {
        amqpc_value value;
        amqpc_status status = AMQPC_OK;
        if (done->code == ')' && input->marks) {
            status = close_mark(encoder, done->base, &value);
        } else {
            status = crossing_collect(encoder, done->base,
                                      done->code == '{' ? AMQPC_TYPE_MAP : AMQPC_TYPE_LIST, &value);
        }
        if (status == AMQPC_OK && done->reference != NO_REFERENCE) {
            encoder->parts->references[done->reference] =
                (crossing_reference){value, input->weight - done->weight};
        }
        status = status == AMQPC_OK ? crossing_push(encoder, &value) : status;
        if (status != AMQPC_OK) {
            return status;
        }
        done--;
        input->depth--;
    } while (--done->remaining == 0 && input->depth > 0);
    return AMQPC_OK;
}

static amqpc_status open_frame(marshal_input *input, unsigned code, uint32_t reference)
{
    uint32_t count = UNTIL_END;
    ptrdiff_t head = code == '{' ? 0 : code == ')' ? 1 : 4;
    if (input->end - input->position < head) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (head > 0) {
        count = head == 1 ? *input->position : load32(input->position);
        input->position += head;
    }
    if (input->depth == FRAMES_MAX - 1) {
        return AMQPC_TOO_DEEP;
    }
    if (head > 0 && count == UNTIL_END) {
        return AMQPC_INVALID_ARGUMENT;
    }
    input->frames[++input->depth] = (frame){.base = input->encoder->parts->stack_count,
                                            .remaining = count,
                                            .reference = reference,
                                            .weight = input->weight,
                                            .code = (char)(code == '(' ? ')' : code)};
    return count == 0 ? close_frames(input) : AMQPC_OK;
}

/* The end of a dict. */
static amqpc_status end_dict(marshal_input *input)
{
    const frame *open = &input->frames[input->depth];
    uint32_t count = input->encoder->parts->stack_count - open->base;
    return open->code == '{' && (count & 1) == 0 ? close_frames(input) : AMQPC_INVALID_ARGUMENT;
}

/* Whatever is not a plain scalar. */
static amqpc_status read_other(marshal_input *input, unsigned code)
{
    uint32_t reference = NO_REFERENCE;
    if ((code & REFERENCED) != 0) {
        amqpc_status status = reserve_reference(input->encoder, &reference);
        if (status != AMQPC_OK) {
            return status;
        }
        code &= ~(unsigned)REFERENCED;
    }
    if (code == '[' || code == '(' || code == ')' || code == '{') {
        return open_frame(input, code, reference);
    }
    if (code == '0') {
        return end_dict(input);
    }
    struct crossing_encoder_parts *parts = input->encoder->parts;
    amqpc_value *value = &parts->stack[parts->stack_count];
    const uint8_t *end =
        reference == NO_REFERENCE ? NULL : read_scalar(input, code, input->position, value);
    if (end == NULL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    parts->references[reference] = (crossing_reference){*value, 1};
    parts->stack_count++;
    input->position = end;
    return --input->frames[input->depth].remaining == 0 && input->depth > 0 ? close_frames(input)
                                                                            : AMQPC_OK;
}

/* Reads objects that hold no others, as many as follow in the innermost compound. Most do. */
static void read_scalars(marshal_input *input)
{
    struct crossing_encoder_parts *parts = input->encoder->parts;
    frame *open = &input->frames[input->depth];
    const uint32_t room = parts->stack_capacity - parts->stack_count;
    const uint32_t most = open->remaining < room ? open->remaining : room;
    amqpc_value *const first = parts->stack + parts->stack_count;
    const uint8_t *position = input->position;
    amqpc_value *value = first;
    for (; value != first + most && position != input->end; value++) {
        const unsigned code = *position;
        const bool is_referable = (code & REFERENCED) != 0;
        if (code == 'N') { /* what most fields of a message are */
            set_type(value, AMQPC_TYPE_NULL);
            position++;
            continue;
        }
        if (is_referable && parts->reference_count == parts->reference_capacity) {
            break;
        }
        const uint8_t *next = read_scalar(input, code & ~(unsigned)REFERENCED, position + 1, value);
        if (next == NULL) {
            break;
        }
        if (is_referable) {
            parts->references[parts->reference_count++] = (crossing_reference){*value, 1};
        }
        position = next;
    }
    const uint32_t count = (uint32_t)(value - first);
    input->position = position;
    input->weight += count;
    open->remaining -= count;
    parts->stack_count += count;
}

/* Reads so many objects whole, onto the stack, which is empty. */
static amqpc_status read_objects(marshal_input *input, uint32_t count)
{
    struct crossing_encoder_parts *parts = input->encoder->parts;
    amqpc_status status = AMQPC_OK;
    input->depth = 0;
    input->frames[0] = (frame){.remaining = count, .reference = NO_REFERENCE};
    for (;;) {
        read_scalars(input);
        if (input->frames[input->depth].remaining == 0) {
            status = input->depth > 0 ? close_frames(input) : AMQPC_OK;
        } else if (parts->stack_count == parts->stack_capacity) {
            status = crossing_stack_grow(input->encoder);
        } else if (input->position == input->end) {
            status = AMQPC_INVALID_ARGUMENT;
        } else {
            input->weight++;
            status = read_other(input, *input->position++);
        }
        if (status != AMQPC_OK || input->frames[0].remaining == 0) {
            return status;
        }
    }
}

static void input_init(marshal_input *input, crossing_encoder *encoder, const char *marshalled,
                       size_t size, bool marks)
{
    input->position = (const uint8_t *)marshalled;
    input->end = input->position + size;
    input->encoder = encoder;
    input->marks = marks;
    input->weight = 0;
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
    input_init(&input, encoder, marshalled, size, marks);
    amqpc_status status = read_end(&input, read_objects(&input, 1));
    if (status == AMQPC_OK) {
        status = crossing_store_value(encoder, &encoder->parts->stack[0]);
    }
    return crossing_result(encoder, status, encoder->size);
}

/* A message that has been there before. */
static amqpc_status encode_again(marshal_input *input)
{
    struct crossing_encoder_parts *parts = input->encoder->parts;
    amqpc_status status = read_objects(input, 1);
    const amqpc_value *message = &parts->stack[0];
    parts->stack_count = 0;
    if (status == AMQPC_OK && (message->type != AMQPC_TYPE_LIST || message->count != FIELD_COUNT)) {
        status = AMQPC_INVALID_ARGUMENT;
    }
    return status == AMQPC_OK ? crossing_store_message(input->encoder, message->as.items) : status;
}

/* Keeps the fields that are on the stack for those that refer to the message. */
static amqpc_status keep_fields(crossing_encoder *encoder, uint32_t reference, uint64_t weight)
{
    amqpc_value message;
    amqpc_status status = crossing_collect(encoder, 0, AMQPC_TYPE_LIST, &message);
    if (status == AMQPC_OK) {
        encoder->parts->references[reference] = (crossing_reference){message, weight};
    }
    return status;
}

static amqpc_status encode_next_message(marshal_input *input)
{
    crossing_encoder *encoder = input->encoder;
    const uint64_t weight = input->weight++;
    uint32_t reference = NO_REFERENCE;
    amqpc_status status = AMQPC_OK;
    if (input->end - input->position < LIST_HEAD) {
        return AMQPC_INVALID_ARGUMENT;
    }
    const unsigned code = *input->position;
    if ((code & ~(unsigned)REFERENCED) != '[') {
        return encode_again(input);
    }
    if (load32(input->position + 1) != FIELD_COUNT) {
        return AMQPC_INVALID_ARGUMENT;
    }
    input->position += LIST_HEAD;
    if ((code & REFERENCED) != 0) {
        status = reserve_reference(encoder, &reference);
    }
    status = status == AMQPC_OK ? read_objects(input, FIELD_COUNT) : status;
    if (status == AMQPC_OK && reference != NO_REFERENCE) {
        status = keep_fields(encoder, reference, input->weight - weight);
    }
    encoder->parts->stack_count = 0;
    return status == AMQPC_OK ? crossing_store_message(encoder, encoder->parts->stack) : status;
}

int64_t crossing_encode_message(crossing_encoder *encoder, const char *marshalled, size_t size,
                                bool marks)
{
    marshal_input input;
    input_init(&input, encoder, marshalled, size, marks);
    amqpc_status status = read_end(&input, encode_next_message(&input));
    crossing_finish(encoder);
    return crossing_result(encoder, status, encoder->size);
}

int64_t crossing_encode_messages(crossing_encoder *encoder, const char *marshalled, size_t size,
                                 bool marks)
{
    marshal_input input;
    uint32_t reference = NO_REFERENCE;
    amqpc_status status = AMQPC_OK;
    input_init(&input, encoder, marshalled, size, marks);
    if (size < LIST_HEAD || (*input.position & ~(unsigned)REFERENCED) != '[') {
        return crossing_result(encoder, AMQPC_INVALID_ARGUMENT, 0);
    }
    if ((*input.position & REFERENCED) != 0) {
        status = reserve_reference(encoder, &reference);
    }
    uint32_t count = load32(input.position + 1);
    input.position += LIST_HEAD;
    for (uint32_t i = 0; i < count && status == AMQPC_OK; i++) {
        status = encode_next_message(&input);
    }
    status = read_end(&input, status);
    crossing_finish(encoder);
    return crossing_result(encoder, status, encoder->count);
}
