/* Validating a value of any type, and stepping over it: the reference for what is well-formed
 * (AMQP 1.2 to 1.6).
 *
 * A step function over an explicit stack: each step consumes one constructor and, of a value that
 * is not compound, its content. The offset of a failure is the first byte of the field at fault:
 * constructor, size, count or content. */
#include "codec/walk.h"

#include "codec/flat.h"
#include "codec/map_keys.h"

static amqpc_status fault(amqpci_cursor *cursor, const uint8_t *position, amqpc_status status)
{
    cursor->position = position;
    return status;
}

/* The content of a value that is not compound, from `content` on; moves the cursor behind it. */
AMQPCI_INLINE amqpc_status skip_scalar(amqpci_cursor *cursor, const uint8_t *content,
                                       const uint8_t *end, unsigned layout)
{
    size_t remaining = (size_t)(end - content);
    size_t size = 0;
    if (AMQPCI_LIKELY(layout <= AMQPCI_LAYOUT_FIXED_MAX)) {
        if (AMQPCI_UNLIKELY(layout > remaining)) {
            return fault(cursor, content, AMQPC_TRUNCATED);
        }
        cursor->position = content + layout;
        return AMQPC_OK;
    }
    if (AMQPCI_LIKELY(layout >= AMQPCI_LAYOUT_BINARY8 && layout <= AMQPCI_LAYOUT_SYMBOL8)) {
        if (AMQPCI_UNLIKELY(remaining < 1 || content[0] > remaining - 1)) {
            return fault(cursor, content, AMQPC_TRUNCATED);
        }
        size = content[0];
        content += 1;
    } else if (layout >= AMQPCI_LAYOUT_BINARY32) {
        if (remaining < 4 || amqpci_load32(content) > remaining - 4) {
            return fault(cursor, content, AMQPC_TRUNCATED);
        }
        size = amqpci_load32(content);
        content += 4;
        layout -= AMQPCI_LAYOUT_BINARY32 - AMQPCI_LAYOUT_BINARY8;
    } else if (layout == AMQPCI_LAYOUT_BOOLEAN) {
        if (remaining < 1) {
            return fault(cursor, content, AMQPC_TRUNCATED);
        }
        if (content[0] > 1) {
            return fault(cursor, content, AMQPC_BAD_BOOLEAN);
        }
        size = 1;
    } else {
        if (remaining < 4) {
            return fault(cursor, content, AMQPC_TRUNCATED);
        }
        uint32_t code_point = amqpci_load32(content);
        if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
            return fault(cursor, content, AMQPC_BAD_CHAR);
        }
        size = 4;
    }
    if (layout == AMQPCI_LAYOUT_STRING8 && AMQPCI_UNLIKELY(!amqpci_is_utf8(content, size))) {
        return fault(cursor, content + amqpci_utf8_span(content, size), AMQPC_BAD_UTF8);
    }
    if (layout == AMQPCI_LAYOUT_SYMBOL8 && AMQPCI_UNLIKELY(!amqpci_is_ascii(content, size))) {
        return fault(cursor, content + amqpci_ascii_span(content, size), AMQPC_BAD_SYMBOL);
    }
    cursor->position = content + size;
    return AMQPC_OK;
}

/* A descriptor: any value that is neither compound nor described. */
static amqpc_status skip_descriptor(amqpci_cursor *cursor, const uint8_t *from, const uint8_t *end)
{
    if (from == end) {
        return fault(cursor, from, AMQPC_TRUNCATED);
    }
    unsigned layout = amqpci_code_infos[*from].layout;
    if (layout == AMQPCI_LAYOUT_RESERVED) {
        return fault(cursor, from, AMQPC_UNKNOWN_FORMAT_CODE);
    }
    if (!amqpci_layout_is_scalar(layout) || *from == AMQPC_CODE_LIST0) {
        return fault(cursor, from, AMQPC_BAD_DESCRIPTOR);
    }
    return skip_scalar(cursor, from + 1, end, layout);
}

/* Size and count of a compound, from `from` on (the byte behind the constructor); the cursor
 * moves to the content. */
static amqpc_status skip_header(amqpci_cursor *cursor, const uint8_t *from, const uint8_t *end,
                                bool wide, const uint8_t **content_end, uint32_t *count)
{
    size_t width = wide ? 4 : 1;
    size_t remaining = (size_t)(end - from);
    if (remaining < width) {
        return fault(cursor, from, AMQPC_TRUNCATED);
    }
    size_t size = wide ? amqpci_load32(from) : from[0];
    if (size > remaining - width) {
        return fault(cursor, from, AMQPC_TRUNCATED);
    }
    if (size < width) {
        return fault(cursor, from, AMQPC_BAD_SIZE);
    }
    *count = wide ? amqpci_load32(from + width) : from[1];
    *content_end = from + width + size;
    if (*count > cursor->elements_max) {
        return fault(cursor, from + width, AMQPC_TOO_MANY_ELEMENTS);
    }
    if (*count > cursor->values_left) {
        return fault(cursor, from + width, AMQPC_TOO_MANY_VALUES);
    }
    cursor->values_left -= cursor->values_left == AMQPC_UNLIMITED ? 0 : *count;
    cursor->position = from + 2 * width;
    return AMQPC_OK;
}

static amqpc_status push(amqpci_walk *walk, const uint8_t *constructor, amqpci_level entered)
{
    if (walk->depth >= walk->cursor->depth_left) {
        return fault(walk->cursor, constructor, AMQPC_TOO_DEEP);
    }
    walk->depth++;
    walk->stack[walk->depth] = entered;
    return AMQPC_OK;
}

static amqpc_status enter_compound(amqpci_walk *walk, const uint8_t *constructor,
                                   const uint8_t *from, uint8_t code)
{
    amqpci_cursor *cursor = walk->cursor;
    if (walk->depth >= cursor->depth_left) {
        return fault(cursor, constructor, AMQPC_TOO_DEEP);
    }
    bool wide = amqpci_code_infos[code].layout == AMQPCI_LAYOUT_COMPOUND32;
    const uint8_t *count_at = from + (wide ? 4 : 1);
    amqpci_level entered = {0};
    amqpc_status status = skip_header(cursor, from, walk->stack[walk->depth].end, wide,
                                      &entered.end, &entered.remaining);
    if (status != AMQPC_OK) {
        return status;
    }
    if (entered.remaining > (size_t)(entered.end - cursor->position)) {
        return fault(cursor, count_at, AMQPC_BAD_COUNT);
    }
    entered.type = amqpci_code_infos[code].type;
    if (entered.type == AMQPC_TYPE_MAP) {
        if ((entered.remaining & 1) != 0) {
            return fault(cursor, count_at, AMQPC_ODD_MAP_COUNT);
        }
        entered.count = entered.remaining;
        entered.content = cursor->find_duplicates ? cursor->position : NULL;
    }
    return push(walk, constructor, entered);
}

/* The constructor of an array's elements; gives their format code, and adds the descriptors to
 * the depth used. */
static amqpc_status skip_array_constructor(amqpci_cursor *cursor, const uint8_t *end,
                                           unsigned depth_left, uint8_t *code)
{
    const uint8_t *from = cursor->position;
    while (from < end && *from == 0x00) {
        if (depth_left-- == 0) {
            return fault(cursor, from, AMQPC_TOO_DEEP);
        }
        amqpc_status status = skip_descriptor(cursor, from + 1, end);
        if (status != AMQPC_OK) {
            return status;
        }
        from = cursor->position;
    }
    if (from == end) {
        return fault(cursor, from, AMQPC_TRUNCATED);
    }
    if (amqpci_code_infos[*from].layout == AMQPCI_LAYOUT_RESERVED) {
        return fault(cursor, from, AMQPC_BAD_ARRAY_CONSTRUCTOR);
    }
    *code = *from;
    cursor->position = from + 1;
    return AMQPC_OK;
}

static size_t fixed_width(unsigned layout)
{
    return layout <= AMQPCI_LAYOUT_FIXED_MAX ? layout : layout == AMQPCI_LAYOUT_BOOLEAN ? 1 : 4;
}

/* Whether the elements of an array fit its size, and its budget if they have none. The least size
 * of one is a byte unless it is fixed. */
static amqpc_status check_element_count(amqpci_cursor *cursor, const uint8_t *count_at,
                                        const amqpci_level *array, unsigned layout)
{
    size_t width = layout <= AMQPCI_LAYOUT_CHAR ? fixed_width(layout) : 1;
    uint64_t size = (uint64_t)width * array->remaining;
    if (size > (uint64_t)(array->end - cursor->position)) {
        return fault(cursor, count_at, AMQPC_BAD_COUNT);
    }
    if (width == 0) {
        if (array->remaining > cursor->zero_width_left) {
            return fault(cursor, count_at, AMQPC_TOO_MANY_ZERO_WIDTH);
        }
        cursor->zero_width_left -=
            cursor->zero_width_left == AMQPC_UNLIMITED ? 0 : array->remaining;
    }
    return AMQPC_OK;
}

/* The elements of an array, all of one size, which fit, from the cursor to `end`. */
static amqpc_status skip_fixed_elements(amqpci_cursor *cursor, const uint8_t *end, unsigned layout,
                                        uint32_t count)
{
    const uint8_t *from = cursor->position;
    const uint8_t *elements_end = from + fixed_width(layout) * count;
    if (layout > AMQPCI_LAYOUT_FIXED_MAX) {
        while (from < elements_end) {
            amqpc_status status = skip_scalar(cursor, from, elements_end, layout);
            if (status != AMQPC_OK) {
                return status;
            }
            from = cursor->position;
        }
    }
    if (elements_end != end) {
        return fault(cursor, elements_end, AMQPC_TRAILING_BYTES);
    }
    cursor->position = end;
    return AMQPC_OK;
}

static amqpc_status enter_array(amqpci_walk *walk, const uint8_t *constructor, const uint8_t *from,
                                bool wide)
{
    amqpci_cursor *cursor = walk->cursor;
    if (walk->depth >= cursor->depth_left) {
        return fault(cursor, constructor, AMQPC_TOO_DEEP);
    }
    const uint8_t *count_at = from + (wide ? 4 : 1);
    amqpci_level entered = {0};
    amqpc_status status = skip_header(cursor, from, walk->stack[walk->depth].end, wide,
                                      &entered.end, &entered.remaining);
    if (status != AMQPC_OK) {
        return status;
    }
    entered.type = AMQPC_TYPE_ARRAY;
    entered.content = cursor->position;
    status = skip_array_constructor(cursor, entered.end, cursor->depth_left - walk->depth - 1,
                                    &entered.element_code);
    if (status != AMQPC_OK) {
        return status;
    }
    entered.count = (uint32_t)(cursor->position - entered.content) - 1;
    unsigned layout = amqpci_code_infos[entered.element_code].layout;
    status = check_element_count(cursor, count_at, &entered, layout);
    if (status != AMQPC_OK) {
        return status;
    }
    if (layout <= AMQPCI_LAYOUT_CHAR && !walk->stepwise) {
        return skip_fixed_elements(cursor, entered.end, layout, entered.remaining);
    }
    return push(walk, constructor, entered);
}

static amqpc_status enter_described(amqpci_walk *walk, const uint8_t *constructor)
{
    amqpci_cursor *cursor = walk->cursor;
    const amqpci_level *outer = &walk->stack[walk->depth];
    if (walk->depth >= cursor->depth_left) {
        return fault(cursor, constructor, AMQPC_TOO_DEEP);
    }
    amqpci_level entered = {.end = outer->end, .remaining = 1, .type = AMQPC_TYPE_DESCRIBED};
    amqpc_status status = skip_descriptor(cursor, constructor + 1, outer->end);
    if (status == AMQPC_OK && walk->stepwise) {
        entered.remaining = 2;
        cursor->position = constructor + 1;
    }
    return status != AMQPC_OK ? status : push(walk, constructor, entered);
}

/* One step: the next value of the innermost level, or its first part if it is compound. */
AMQPCI_INLINE amqpc_status step_inline(amqpci_walk *walk)
{
    amqpci_cursor *cursor = walk->cursor;
    amqpci_level *inner = &walk->stack[walk->depth];
    const uint8_t *constructor = cursor->position;
    const uint8_t *from = constructor;
    uint8_t code = inner->element_code;
    inner->remaining--;
    if (code == 0) {
        if (AMQPCI_UNLIKELY(from == inner->end)) {
            return AMQPC_TRUNCATED;
        }
        code = *from++;
    }
    unsigned layout = amqpci_code_infos[code].layout;
    if (AMQPCI_LIKELY(amqpci_layout_is_scalar(layout))) {
        return skip_scalar(cursor, from, inner->end, layout);
    }
    switch (layout) {
    case AMQPCI_LAYOUT_COMPOUND8:
    case AMQPCI_LAYOUT_COMPOUND32:
        return enter_compound(walk, constructor, from, code);
    case AMQPCI_LAYOUT_ARRAY8:
    case AMQPCI_LAYOUT_ARRAY32:
        return enter_array(walk, constructor, from, layout == AMQPCI_LAYOUT_ARRAY32);
    case AMQPCI_LAYOUT_DESCRIBED:
        return enter_described(walk, constructor);
    default:
        return AMQPC_UNKNOWN_FORMAT_CODE;
    }
}

amqpc_status amqpci_walk_step(amqpci_walk *walk)
{
    return step_inline(walk);
}

amqpc_status amqpci_walk_leave(amqpci_walk *walk)
{
    amqpci_cursor *cursor = walk->cursor;
    const amqpci_level *done = &walk->stack[walk->depth];
    if (done->type != AMQPC_TYPE_DESCRIBED && cursor->position != done->end) {
        return AMQPC_TRAILING_BYTES;
    }
    if (done->type == AMQPC_TYPE_MAP && done->content != NULL) {
        const uint8_t *duplicate = amqpci_find_duplicate_key(done->content, done->end, done->count);
        if (duplicate != NULL) {
            return fault(cursor, duplicate, AMQPC_DUPLICATE_KEY);
        }
    }
    walk->depth--;
    return AMQPC_OK;
}

static AMQPCI_NOINLINE amqpc_status skip_compound(amqpci_cursor *cursor, uint8_t element_code)
{
    amqpci_walk walk;
    amqpci_walk_init(&walk, cursor, element_code, 1);
    while (walk.stack[0].remaining > 0 || walk.depth > 0) {
        amqpci_level *inner = &walk.stack[walk.depth];
        if (inner->element_code == 0) {
            cursor->position = amqpci_skip_flat(cursor->position, inner->end, &inner->remaining);
        }
        amqpc_status status = inner->remaining > 0 ? step_inline(&walk) : AMQPC_OK;
        while (status == AMQPC_OK && walk.depth > 0 && walk.stack[walk.depth].remaining == 0) {
            status = amqpci_walk_leave(&walk);
        }
        if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
            return status;
        }
    }
    return AMQPC_OK;
}

amqpc_status amqpci_skip_element(amqpci_cursor *cursor, uint8_t element_code)
{
    return skip_compound(cursor, element_code);
}

amqpc_status amqpci_skip(amqpci_cursor *cursor)
{
    if (AMQPCI_LIKELY(cursor->position < cursor->end)) {
        unsigned layout = amqpci_code_infos[*cursor->position].layout;
        if (amqpci_layout_is_scalar(layout)) {
            return skip_scalar(cursor, cursor->position + 1, cursor->end, layout);
        }
    }
    return skip_compound(cursor, 0);
}

amqpc_status amqpci_take_fault(amqpci_cursor *cursor, uint32_t types)
{
    const uint8_t *from = cursor->position;
    amqpc_status status = amqpci_skip(cursor);
    if (status != AMQPC_OK) {
        return status;
    }
    bool wanted = (AMQPCI_TYPE_BIT(amqpci_code_infos[*from].type) & types) != 0;
    return fault(cursor, from, wanted ? AMQPC_INVALID_FIELD : AMQPC_WRONG_TYPE);
}

amqpc_status amqpc_value_skip(const void *data, size_t size, const amqpc_limits *limits,
                              size_t *offset)
{
    amqpci_cursor cursor;
    if (amqpci_cursor_init(&cursor, data, size, limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    cursor.find_duplicates = false;
    amqpc_status status = amqpci_skip(&cursor);
    if (offset != NULL) {
        *offset = (size_t)(cursor.position - (const uint8_t *)data);
    }
    return status;
}
