/* Values to marshal (AMQP 1.2 to 1.6): a walk over an explicit stack. The bytes were validated by
 * the library; that every read is within bounds does not depend on it. */
#include "marshal_write.h"

enum { LEVELS = AMQPC_DEPTH_MAX + 2 };

/* A compound that the walk is in. */
typedef struct level {
    const uint8_t *end;
    const uint8_t *descriptors; /* of an array of described values: | 0x00 | descriptor | ... */
    uint32_t remaining;         /* elements to come; keys and values count singly */
    uint8_t element_code;       /* of an array, which its elements share; 0 elsewhere */
    bool closes_dict;
    bool annotations; /* keys get no marks */
    bool bare;        /* an array whose scalars get no marks */
} level;

typedef struct marshal_walk {
    crossing_output *output;
    const uint8_t *position;
    bool typed;
    level *top;
    level levels[LEVELS];
} marshal_walk;

static inline uint32_t load16(const uint8_t *from)
{
    return (uint32_t)from[0] << 8 | from[1];
}

static inline uint32_t load32(const uint8_t *from)
{
    return load16(from) << 16 | load16(from + 2);
}

static inline uint64_t load64(const uint8_t *from)
{
    return (uint64_t)load32(from) << 32 | load32(from + 4);
}

/* Bytes behind the code of a value of fixed width; of the others, those of its size. */
static inline size_t width_of(unsigned code)
{
    static const uint8_t widths[16] = {[5] = 1,  [6] = 2,  [7] = 4,  [8] = 8,  [9] = 16, [10] = 1,
                                       [11] = 4, [12] = 1, [13] = 4, [14] = 1, [15] = 4};
    return widths[code >> 4 & 15];
}

const uint8_t *crossing_skip(const uint8_t *from, const uint8_t *end)
{
    for (size_t values = 1; values > 0; values--) {
        if (from >= end) {
            return NULL;
        }
        const unsigned code = *from++;
        if (code == 0x00) {
            values += 2;
            continue;
        }
        size_t size = width_of(code);
        if (size > (size_t)(end - from)) {
            return NULL;
        }
        if (code >= 0xa0) {
            const size_t content = size == 1 ? from[0] : load32(from);
            from += size;
            size = content;
        }
        if (size > (size_t)(end - from)) {
            return NULL;
        }
        from += size;
    }
    return from;
}

/* --- Scalars. */

/* The mark of a type that Python lacks, but for elements of an array, which says it for all. */
static inline uint8_t *put_foreign(marshal_walk *walk, uint8_t *to, unsigned type)
{
    walk->output->flags |= CROSSING_MARKS;
    return walk->top->bare ? to : put_mark(to, 2, type);
}

/* The mark of a type that Python has, but for its width. */
static inline uint8_t *put_width(marshal_walk *walk, uint8_t *to, unsigned type)
{
    return walk->typed ? put_foreign(walk, to, type) : to;
}

static inline uint64_t double_bits(const uint8_t *from)
{
    const uint32_t bits = load32(from);
    float single;
    memcpy(&single, &bits, sizeof single);
    const double value = single;
    uint64_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

/* Integers and booleans. */
static uint8_t *put_number(marshal_walk *walk, uint8_t *to, unsigned code, const uint8_t *from)
{
    switch (code) {
    case AMQPC_CODE_BOOLEAN:
        return put_boolean(to, from[0] != 0);
    case AMQPC_CODE_UINT0:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_UINT), 0);
    case AMQPC_CODE_ULONG0:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_ULONG), 0);
    case AMQPC_CODE_UBYTE:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_UBYTE), from[0]);
    case AMQPC_CODE_SMALLUINT:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_UINT), from[0]);
    case AMQPC_CODE_SMALLULONG:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_ULONG), from[0]);
    case AMQPC_CODE_BYTE:
        return put_signed(put_width(walk, to, AMQPC_TYPE_BYTE), (int8_t)from[0]);
    case AMQPC_CODE_SMALLINT:
        return put_signed(put_width(walk, to, AMQPC_TYPE_INT), (int8_t)from[0]);
    case AMQPC_CODE_SMALLLONG:
        return put_signed(put_width(walk, to, AMQPC_TYPE_LONG), (int8_t)from[0]);
    case AMQPC_CODE_USHORT:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_USHORT), load16(from));
    case AMQPC_CODE_SHORT:
        return put_signed(put_width(walk, to, AMQPC_TYPE_SHORT), (int16_t)load16(from));
    case AMQPC_CODE_UINT:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_UINT), load32(from));
    case AMQPC_CODE_INT:
        return put_signed(put_width(walk, to, AMQPC_TYPE_INT), (int32_t)load32(from));
    case AMQPC_CODE_ULONG:
        return put_unsigned(put_width(walk, to, AMQPC_TYPE_ULONG), load64(from));
    case AMQPC_CODE_LONG:
        return put_signed(put_width(walk, to, AMQPC_TYPE_LONG), (int64_t)load64(from));
    default:
        return NULL;
    }
}

/* Everything of fixed width: `from` is behind the code, with all its bytes there. */
static inline uint8_t *put_fixed(marshal_walk *walk, uint8_t *to, unsigned code,
                                 const uint8_t *from)
{
    switch (code) {
    case AMQPC_CODE_NULL:
        return put_byte(to, MARSHAL_NONE);
    case AMQPC_CODE_TRUE:
        return put_byte(to, MARSHAL_TRUE);
    case AMQPC_CODE_FALSE:
        return put_byte(to, MARSHAL_FALSE);
    case AMQPC_CODE_LIST0:
        return put_list(to, 0);
    case AMQPC_CODE_DOUBLE:
        return put_double(to, load64(from));
    case AMQPC_CODE_FLOAT:
        return put_double(put_width(walk, to, AMQPC_TYPE_FLOAT), double_bits(from));
    case AMQPC_CODE_CHAR:
        return put_unsigned(put_foreign(walk, to, AMQPC_TYPE_CHAR), load32(from));
    case AMQPC_CODE_TIMESTAMP:
        return put_signed(put_foreign(walk, to, AMQPC_TYPE_TIMESTAMP), (int64_t)load64(from));
    case AMQPC_CODE_UUID:
        return put_bytes(put_foreign(walk, to, AMQPC_TYPE_UUID), from, 16);
    case AMQPC_CODE_DECIMAL32:
        return put_bytes(put_foreign(walk, to, AMQPC_TYPE_DECIMAL32), from, 4);
    case AMQPC_CODE_DECIMAL64:
        return put_bytes(put_foreign(walk, to, AMQPC_TYPE_DECIMAL64), from, 8);
    case AMQPC_CODE_DECIMAL128:
        return put_bytes(put_foreign(walk, to, AMQPC_TYPE_DECIMAL128), from, 16);
    default:
        return put_number(walk, to, code, from);
    }
}

/* Binary, string and symbol. */
static amqpc_status put_variable(marshal_walk *walk, unsigned code, const uint8_t *from,
                                 size_t size, bool marked)
{
    crossing_output *output = walk->output;
    if (!crossing_reserve(output, SCALAR_SIZE_MAX + size)) {
        return AMQPC_NO_MEMORY;
    }
    switch (code & 0x0f) {
    case AMQPC_CODE_BINARY8 & 0x0f:
        output->position = put_bytes(output->position, from, size);
        return AMQPC_OK;
    case AMQPC_CODE_SYMBOL8 & 0x0f:
        if (marked) {
            output->position = put_foreign(walk, output->position, AMQPC_TYPE_SYMBOL);
        }
        return crossing_put_text(output, from, size, true);
    default:
        return crossing_put_text(output, from, size, true);
    }
}

/* --- Compounds. */

static inline level *push(marshal_walk *walk)
{
    if (walk->top == walk->levels + LEVELS - 1) {
        return NULL;
    }
    walk->top++;
    *walk->top = (level){.end = walk->top[-1].end};
    return walk->top;
}

static amqpc_status enter_described(marshal_walk *walk)
{
    level *entered = push(walk);
    if (entered == NULL) {
        return AMQPC_TOO_DEEP;
    }
    if (!crossing_reserve(walk->output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    entered->remaining = 2;
    walk->output->flags |= CROSSING_MARKS;
    walk->output->position = put_mark(walk->output->position, 3, AMQPC_TYPE_DESCRIBED);
    return AMQPC_OK;
}

static void enter_map(marshal_walk *walk, level *entered, crossing_keys keys)
{
    crossing_output *output = walk->output;
    entered->annotations = keys == CROSSING_KEYS_ANNOTATIONS;
    if (keys == CROSSING_KEYS_STRINGS ||
        crossing_keys_fit_dict(walk->position, entered->end, entered->remaining)) {
        entered->closes_dict = true;
        output->position = put_byte(output->position, MARSHAL_DICT);
        return;
    }
    output->flags |= CROSSING_MARKS;
    output->position = put_mark(output->position, 2, AMQPC_TYPE_MAP);
    output->position = put_list(output->position, entered->remaining);
}

static amqpc_status enter_array(marshal_walk *walk, level *entered)
{
    const uint8_t *from = walk->position;
    while (from < entered->end && *from == 0x00) {
        from = crossing_skip(from + 1, entered->end);
        if (from == NULL) {
            return AMQPC_TRUNCATED;
        }
    }
    if (from >= entered->end) {
        return AMQPC_TRUNCATED;
    }
    entered->descriptors = from == walk->position ? NULL : walk->position;
    entered->element_code = *from;
    entered->bare = entered->descriptors == NULL;
    walk->position = from + 1;
    const unsigned type = entered->bare ? (unsigned)amqpc_code_type(entered->element_code)
                                        : (unsigned)AMQPC_TYPE_DESCRIBED;
    uint8_t *to = put_mark(walk->output->position, 3, AMQPC_TYPE_ARRAY);
    to = put_code_u32(to, MARSHAL_INT, type);
    walk->output->position = put_list(to, entered->remaining);
    walk->output->flags |= CROSSING_MARKS;
    return AMQPC_OK;
}

/* A list, map or array: its size is `width` bytes, as is its count. */
static amqpc_status enter_sized(marshal_walk *walk, unsigned code, size_t width, crossing_keys keys)
{
    const uint8_t *from = walk->position;
    const uint8_t *end = walk->top->end;
    if ((size_t)(end - from) < 2 * width) {
        return AMQPC_TRUNCATED;
    }
    const size_t size = width == 1 ? from[0] : load32(from);
    const uint32_t count = width == 1 ? from[1] : load32(from + 4);
    if (size < width || size > (size_t)(end - from) - width) {
        return AMQPC_TRUNCATED;
    }
    level *entered = push(walk);
    if (entered == NULL) {
        return AMQPC_TOO_DEEP;
    }
    if (!crossing_reserve(walk->output, SCALAR_SIZE_MAX)) {
        return AMQPC_NO_MEMORY;
    }
    entered->end = from + width + size;
    entered->remaining = count;
    walk->position = from + 2 * width;
    switch (code >> 4) {
    case AMQPC_CODE_LIST8 >> 4:
    case AMQPC_CODE_LIST32 >> 4:
        if ((code & 0x0f) == (AMQPC_CODE_LIST8 & 0x0f)) {
            walk->output->position = put_list(walk->output->position, count);
        } else {
            enter_map(walk, entered, keys);
        }
        return AMQPC_OK;
    default:
        return enter_array(walk, entered);
    }
}

/* --- The walk. */

/* The value whose code was read. */
static inline amqpc_status put_coded(marshal_walk *walk, unsigned code, crossing_keys keys)
{
    const uint8_t *from = walk->position;
    const uint8_t *end = walk->top->end;
    if (code == 0x00) {
        return enter_described(walk);
    }
    const size_t width = width_of(code);
    if (width > (size_t)(end - from)) {
        return AMQPC_TRUNCATED;
    }
    if (code < 0xa0) {
        crossing_output *output = walk->output;
        if (!crossing_reserve(output, SCALAR_SIZE_MAX)) {
            return AMQPC_NO_MEMORY;
        }
        walk->position = from + width;
        uint8_t *to = put_fixed(walk, output->position, code, from);
        output->position = to == NULL ? output->position : to;
        return to == NULL ? AMQPC_UNKNOWN_FORMAT_CODE : AMQPC_OK;
    }
    if (code >= 0xc0) {
        return enter_sized(walk, code, width, keys);
    }
    const size_t size = width == 1 ? from[0] : load32(from);
    if (size > (size_t)(end - from) - width) {
        return AMQPC_TRUNCATED;
    }
    walk->position = from + width + size;
    return put_variable(walk, code, from + width, size, true);
}

/* The key of an annotation: symbols come as str, and ulongs as int. */
static amqpc_status put_annotation_key(marshal_walk *walk, unsigned code)
{
    const bool typed = walk->typed;
    const bool is_symbol = code == AMQPC_CODE_SYMBOL8 || code == AMQPC_CODE_SYMBOL32;
    walk->typed = false;
    amqpc_status status = put_coded(
        walk, is_symbol ? code - AMQPC_CODE_SYMBOL8 + AMQPC_CODE_STRING8 : code, CROSSING_KEYS_ANY);
    walk->typed = typed;
    return status;
}

/* The marks of the descriptors of an array's elements, before each of them. */
static amqpc_status put_descriptors(marshal_walk *walk)
{
    const uint8_t *elements = walk->position;
    amqpc_status status = AMQPC_OK;
    walk->position = walk->top->descriptors;
    while (status == AMQPC_OK && *walk->position == 0x00) {
        if (!crossing_reserve(walk->output, SCALAR_SIZE_MAX)) {
            return AMQPC_NO_MEMORY;
        }
        walk->output->position = put_mark(walk->output->position, 3, AMQPC_TYPE_DESCRIBED);
        walk->position += 2;
        level *array = walk->top;
        status = put_coded(walk, walk->position[-1], CROSSING_KEYS_ANY);
        if (walk->top != array) {
            return AMQPC_BAD_DESCRIPTOR;
        }
    }
    walk->position = elements;
    return status;
}

/* The next element, whatever it is. */
static amqpc_status put_next(marshal_walk *walk, crossing_keys keys)
{
    level *top = walk->top;
    unsigned code = top->element_code;
    if (code == 0) {
        if (walk->position >= top->end) {
            return AMQPC_TRUNCATED;
        }
        code = *walk->position++;
    } else if (top->descriptors != NULL) {
        amqpc_status status = put_descriptors(walk);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    top->remaining--;
    if (top->annotations && (top->remaining & 1) != 0) {
        return put_annotation_key(walk, code);
    }
    return put_coded(walk, code, keys);
}

/* Short strings, and values of fixed width, as far as there are elements of a list, map or
 * described value: nearly all that there is. Stops where another one comes. */
static amqpc_status put_simple(marshal_walk *walk)
{
    crossing_output *output = walk->output;
    const uint8_t *from = walk->position;
    const uint8_t *end = walk->top->end;
    uint32_t remaining = walk->top->remaining;
    amqpc_status status = AMQPC_OK;
    for (; remaining > 0 && end - from >= 2; remaining--) {
        const unsigned code = from[0];
        size_t size = from[1];
        if (code == AMQPC_CODE_STRING8 && size <= (size_t)(end - from) - 2) {
            status = crossing_put_text(output, from + 2, size, true);
            from += 2 + size;
            if (status != AMQPC_OK) {
                break;
            }
            continue;
        }
        size = 1 + width_of(code);
        if (code < AMQPC_CODE_NULL || code >= AMQPC_CODE_BINARY8 || size > (size_t)(end - from) ||
            !crossing_reserve(output, SCALAR_SIZE_MAX)) {
            break;
        }
        uint8_t *to = put_fixed(walk, output->position, code, from + 1);
        if (to == NULL) {
            break;
        }
        output->position = to;
        from += size;
    }
    walk->position = from;
    walk->top->remaining = remaining;
    return status;
}

static amqpc_status put_some(marshal_walk *walk)
{
    const level *top = walk->top;
    if (top->element_code != 0 || top->annotations) {
        return put_next(walk, CROSSING_KEYS_ANY);
    }
    amqpc_status status = put_simple(walk);
    if (status != AMQPC_OK || top->remaining == 0) {
        return status;
    }
    return put_next(walk, CROSSING_KEYS_ANY);
}

amqpc_status crossing_put_value(crossing_output *output, const uint8_t *from, const uint8_t *end,
                                unsigned mode, crossing_keys keys)
{
    marshal_walk walk;
    walk.output = output;
    walk.position = from;
    walk.typed = (mode & CROSSING_TYPED) != 0;
    walk.top = walk.levels;
    walk.levels[0] = (level){.end = end, .remaining = 1};
    amqpc_status status = put_next(&walk, keys);
    while (status == AMQPC_OK) {
        if (walk.top->remaining > 0) {
            status = put_some(&walk);
            continue;
        }
        if (walk.top == walk.levels) {
            return AMQPC_OK;
        }
        if (walk.top->closes_dict) {
            if (!crossing_reserve(output, 1)) {
                return AMQPC_NO_MEMORY;
            }
            output->position = put_byte(output->position, MARSHAL_DICT_END);
        }
        walk.top--;
    }
    return status;
}
