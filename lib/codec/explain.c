/* The way to a byte. The walk is tolerant: it believes what the bytes declare, as far as they
 * reach, and steps over values without looking into them. */
#include "codec/explain.h"

#include "codec/content.h"

enum { BRIEF_MAX = 40 }; /* bytes of a text or binary that are shown */

size_t amqpci_code_width(uint8_t code)
{
    unsigned layout = amqpci_code_infos[code].layout;
    if (layout <= AMQPCI_LAYOUT_CHAR || layout >= AMQPCI_LAYOUT_DESCRIBED) {
        return 0;
    }
    return (code & 0x10) != 0 ? 4 : 1;
}

size_t amqpci_layout_width(unsigned layout)
{
    return layout <= AMQPCI_LAYOUT_FIXED_MAX ? layout : layout == AMQPCI_LAYOUT_BOOLEAN ? 1 : 4;
}

/* Whether values with that format code can be stepped into. */
static bool is_compound(uint8_t code)
{
    unsigned layout = amqpci_code_infos[code].layout;
    return (layout >= AMQPCI_LAYOUT_COMPOUND8 && layout <= AMQPCI_LAYOUT_DESCRIBED) ||
           code == AMQPC_CODE_LIST0;
}

/* Behind the value at `from`; NULL where it does not fit, or does not end before `target` without
 * being described. */
static const uint8_t *value_end(const uint8_t *from, const uint8_t *end, const uint8_t *target)
{
    amqpc_value ignored;
    while (from < end && *from == 0x00) {
        from++;
        if (from >= target || *from == 0x00) {
            return NULL;
        }
        from = amqpci_read_content(*from, from + 1, end, &ignored);
        if (from == NULL || from >= target) {
            return NULL;
        }
    }
    return from == end ? NULL : amqpci_read_content(*from, from + 1, end, &ignored);
}

/* Whether the value at `from`, which ends at `next` or cannot be stepped over, is on the way. Where
 * something is missing, it may be at the end of a compound that ends at the position. */
static bool is_on_the_way(const amqpci_trail *trail, const uint8_t *next, uint8_t code)
{
    bool missing = trail->status == AMQPC_TRUNCATED || trail->status == AMQPC_MISSING_FIELD;
    return next == NULL || trail->position < next ||
           (missing && trail->position == next && is_compound(code));
}

static bool push(amqpci_trail *trail, amqpci_trail_step step)
{
    if (trail->depth + 1 == AMQPCI_TRAIL_STEPS) {
        return false;
    }
    step.position = step.content;
    trail->steps[++trail->depth] = step;
    return true;
}

/* The value at fault is found. */
static bool found(amqpci_trail *trail, const uint8_t *value, const uint8_t *body, uint8_t code,
                  amqpci_part part)
{
    trail->value = value;
    trail->body = body;
    trail->code = code;
    trail->part = (uint8_t)part;
    return false;
}

/* The place is in a value that is not compound, or in what comes before the elements of one. */
static bool found_in_head(amqpci_trail *trail, const uint8_t *value, const uint8_t *body,
                          uint8_t code)
{
    size_t width = amqpci_code_width(code);
    size_t at = (size_t)(trail->position - value);
    size_t before = (size_t)(body - value);
    amqpci_part part = AMQPCI_PART_CONTENT;
    if (at < before || amqpci_code_infos[code].layout == AMQPCI_LAYOUT_RESERVED) {
        part = AMQPCI_PART_CONSTRUCTOR;
    } else if (at < before + width) {
        part = AMQPCI_PART_SIZE;
    } else if (is_compound(code)) {
        part = AMQPCI_PART_COUNT;
    }
    return found(trail, value, body, code, part);
}

/* Steps over the constructor of an array's elements. True where it does not hold the place. */
static bool pass_array_constructor(amqpci_trail *trail)
{
    amqpci_trail_step *array = &trail->steps[trail->depth];
    const uint8_t *from = array->content;
    amqpc_value ignored;
    while (from < array->end && *from == 0x00 && from < trail->position) {
        from++;
        const uint8_t *next =
            from == array->end ? NULL : amqpci_read_content(*from, from + 1, array->end, &ignored);
        if (next == NULL || trail->position < next) {
            array->in_constructor = true;
            array->position = from;
            return from == array->end ? found(trail, from, from, 0, AMQPCI_PART_MISSING)
                                      : found_in_head(trail, from, from + 1, *from);
        }
        from = next;
    }
    if (from >= array->end || trail->position <= from) {
        array->in_constructor = true;
        return found(trail, array->start, array->content, array->code, AMQPCI_PART_ELEMENTS);
    }
    array->element_code = *from;
    array->content = from + 1;
    array->position = from + 1;
    return true;
}

/* Steps into a list, map or array, unless the place is before its elements. */
static bool enter_sized(amqpci_trail *trail, const uint8_t *value, const uint8_t *body,
                        uint8_t code, const uint8_t *end)
{
    amqpc_value compound;
    size_t width = amqpci_code_width(code);
    if ((size_t)(trail->position - body) < 2 * width ||
        amqpci_read_content(code, body, end, &compound) == NULL) {
        return found_in_head(trail, value, body, code);
    }
    const uint8_t *content = (const uint8_t *)compound.as.bytes.data;
    amqpci_trail_step step = {
        .start = value,
        .content = content,
        .end = content + compound.as.bytes.size,
        .count = compound.count,
        .type = compound.type,
        .code = code,
    };
    if (!push(trail, step)) {
        return found_in_head(trail, value, body, code);
    }
    return step.type != AMQPC_TYPE_ARRAY || pass_array_constructor(trail);
}

/* Steps into the value at `from`, an element of the innermost step. False where the place is found.
 */
static bool enter(amqpci_trail *trail, const uint8_t *from, uint8_t element_code)
{
    const uint8_t *end = trail->steps[trail->depth].end;
    const uint8_t *body = element_code == 0 ? from + 1 : from;
    uint8_t code = element_code == 0 ? *from : element_code;
    unsigned layout = amqpci_code_infos[code].layout;
    if (trail->position < body || !is_compound(code)) {
        return found_in_head(trail, from, body, code);
    }
    if (layout != AMQPCI_LAYOUT_DESCRIBED) {
        return enter_sized(trail, from, body, code, end);
    }
    amqpci_trail_step step = {
        .start = from, .content = body, .end = end, .count = 2, .type = AMQPC_TYPE_DESCRIBED};
    return push(trail, step) || found_in_head(trail, from, body, code);
}

static void advance(amqpci_trail_step *step, const uint8_t *next)
{
    step->previous = step->position;
    step->position = next;
    step->index++;
}

/* Steps over the elements of an array that are all of one size, without a look at each: elements of
 * no size may be 2^32. */
static void advance_fixed(amqpci_trail_step *step, const uint8_t *target, size_t width)
{
    size_t before = step->count;
    if (width > 0 && (size_t)(target - step->content) / width < before) {
        before = (size_t)(target - step->content) / width;
    }
    if (before * width <= (size_t)(step->end - step->content)) {
        step->index = (uint32_t)before;
        step->position = step->content + before * width;
    }
}

/* Follows the innermost step up to an element that is on the way, and into it. False where the
 * place is found; true with the step exhausted, or with another one innermost. */
static bool follow(amqpci_trail *trail)
{
    amqpci_trail_step *step = &trail->steps[trail->depth];
    uint8_t element_code = step->element_code;
    unsigned layout = amqpci_code_infos[element_code].layout;
    if (element_code != 0 && layout <= AMQPCI_LAYOUT_CHAR && step->index == 0) {
        advance_fixed(step, trail->position, amqpci_layout_width(layout));
    }
    while (step->index < step->count) {
        const uint8_t *from = step->position;
        if (from >= step->end) {
            return found(trail, from, from, 0, AMQPCI_PART_MISSING);
        }
        amqpc_value ignored;
        const uint8_t *next = element_code == 0
                                  ? value_end(from, step->end, trail->position)
                                  : amqpci_read_content(element_code, from, step->end, &ignored);
        if (is_on_the_way(trail, next, element_code == 0 ? *from : element_code)) {
            return enter(trail, from, element_code);
        }
        advance(step, next);
    }
    return true;
}

/* Leaves the innermost step, which is exhausted, unless the place is at its end. */
static bool leave(amqpci_trail *trail)
{
    const amqpci_trail_step *done = &trail->steps[trail->depth];
    bool sized = trail->depth > 0 && done->type != AMQPC_TYPE_DESCRIBED;
    /* The decoders look for missing fields before they look for bytes behind the last one. */
    if (sized && trail->status == AMQPC_MISSING_FIELD && trail->position == done->position) {
        return found(trail, done->position, done->position, 0, AMQPCI_PART_MISSING);
    }
    if (trail->depth == 0 || (sized && trail->position < done->end)) {
        return found(trail, done->position, done->position, 0, AMQPCI_PART_BEHIND);
    }
    trail->depth--;
    advance(&trail->steps[trail->depth], sized ? done->end : done->position);
    return true;
}

void amqpci_trail_find(amqpci_trail *trail, const uint8_t *from, const uint8_t *end, uint32_t count)
{
    trail->depth = 0;
    trail->steps[0] = (amqpci_trail_step){
        .start = from, .position = from, .content = from, .end = end, .count = count};
    for (bool going = true; going;) {
        const amqpci_trail_step *step = &trail->steps[trail->depth];
        going = step->index < step->count ? follow(trail) : leave(trail);
    }
}

/* How many bytes the value at the position has; 1, for its constructor, where it is not scalar. */
static size_t scalar_size(const amqpci_trail *trail)
{
    amqpc_value ignored;
    const uint8_t *end = amqpci_trail_inner(trail)->end;
    const uint8_t *next = is_compound(trail->code)
                              ? NULL
                              : amqpci_read_content(trail->code, trail->body, end, &ignored);
    return next == NULL ? 1 : (size_t)(next - trail->position);
}

size_t amqpci_trail_fault_size(const amqpci_trail *trail)
{
    unsigned layout = amqpci_code_infos[trail->code].layout;
    switch (trail->part) {
    case AMQPCI_PART_CONSTRUCTOR:
        return scalar_size(trail);
    case AMQPCI_PART_SIZE:
    case AMQPCI_PART_COUNT:
        return amqpci_code_width(trail->code);
    case AMQPCI_PART_BEHIND:
        return (size_t)(amqpci_trail_inner(trail)->end - trail->position);
    case AMQPCI_PART_MISSING:
        return 0;
    case AMQPCI_PART_CONTENT:
        return layout <= AMQPCI_LAYOUT_CHAR ? amqpci_layout_width(layout) : 1;
    default:
        return 1;
    }
}

void amqpci_print_number_of(amqpci_printer *printer, uint64_t number, const char *noun)
{
    amqpci_print_format(printer, "%llu %s%s", (unsigned long long)number, noun,
                        number == 1 ? "" : "s");
}

void amqpci_print_code(amqpci_printer *printer, uint8_t code)
{
    /* Where the specification gives an encoding no name of its own, its type has only one. */
    static const char *const names[256] = {
        [AMQPC_CODE_TRUE] = "true",
        [AMQPC_CODE_FALSE] = "false",
        [AMQPC_CODE_UINT0] = "uint0",
        [AMQPC_CODE_ULONG0] = "ulong0",
        [AMQPC_CODE_LIST0] = "list0",
        [AMQPC_CODE_SMALLUINT] = "smalluint",
        [AMQPC_CODE_SMALLULONG] = "smallulong",
        [AMQPC_CODE_SMALLINT] = "smallint",
        [AMQPC_CODE_SMALLLONG] = "smalllong",
        [AMQPC_CODE_BINARY8] = "vbin8",
        [AMQPC_CODE_BINARY32] = "vbin32",
        [AMQPC_CODE_STRING8] = "str8-utf8",
        [AMQPC_CODE_STRING32] = "str32-utf8",
        [AMQPC_CODE_SYMBOL8] = "sym8",
        [AMQPC_CODE_SYMBOL32] = "sym32",
        [AMQPC_CODE_LIST8] = "list8",
        [AMQPC_CODE_LIST32] = "list32",
        [AMQPC_CODE_MAP8] = "map8",
        [AMQPC_CODE_MAP32] = "map32",
        [AMQPC_CODE_ARRAY8] = "array8",
        [AMQPC_CODE_ARRAY32] = "array32",
    };
    const char *name = names[code];
    if (amqpci_code_infos[code].layout == AMQPCI_LAYOUT_RESERVED) {
        name = "reserved";
    } else if (name == NULL) {
        name = amqpc_type_name(amqpci_code_infos[code].type);
    }
    amqpci_print_format(printer, "%s 0x%02x", name, code);
}

void amqpci_print_type(amqpci_printer *printer, unsigned type)
{
    amqpci_print_text(printer, amqpc_type_name(type));
    const char *separator = " (";
    for (unsigned code = 0; code <= UINT8_MAX; code++) {
        if (amqpc_code_type(code) == (int)type) {
            amqpci_print_format(printer, "%s0x%02x", separator, code);
            separator = ", ";
        }
    }
    amqpci_print_text(printer, ")");
}

/* A text or binary: its first bytes, as text if they are. */
static void print_brief_bytes(amqpci_printer *printer, const amqpc_value *value)
{
    amqpc_bytes shown = value->as.bytes;
    bool shortened = shown.size > BRIEF_MAX;
    shown.size = shortened ? BRIEF_MAX : shown.size;
    size_t span = amqpci_utf8_span((const uint8_t *)shown.data, shown.size);
    /* The cut may have split a sequence, of up to four bytes. */
    bool is_text = span == shown.size || (shortened && span + 4 > BRIEF_MAX);
    if (value->type == AMQPC_TYPE_BINARY || !is_text) {
        shown.size = shown.size > BRIEF_MAX / 2 ? BRIEF_MAX / 2 : shown.size;
        amqpci_print_format(printer, "%s(", amqpc_type_name(value->type));
        amqpci_print_hex(printer, shown);
    } else {
        shown.size = span;
        amqpci_print_text(printer, value->type == AMQPC_TYPE_SYMBOL ? ":" : "");
        amqpci_print_quoted(printer, shown);
    }
    amqpci_print_text(printer, shown.size < value->as.bytes.size ? "..." : "");
    amqpci_print_text(printer, value->type == AMQPC_TYPE_BINARY || !is_text ? ")" : "");
}

void amqpci_print_brief(amqpci_printer *printer, const uint8_t *from, const uint8_t *end)
{
    amqpc_value value;
    uint8_t code = from < end ? *from : 0;
    if (from >= end) {
        amqpci_print_text(printer, "nothing");
    } else if (is_compound(code) || amqpci_read_content(code, from + 1, end, &value) == NULL) {
        amqpci_print_code(printer, code);
    } else if (value.type >= AMQPC_TYPE_BINARY && value.type <= AMQPC_TYPE_SYMBOL) {
        print_brief_bytes(printer, &value);
    } else {
        amqpci_print_value(printer, &value);
    }
}

/* The value that the place is in, as far as its head can be read. */
static void print_value_at(amqpci_printer *printer, const amqpci_trail *trail)
{
    const uint8_t *end = amqpci_trail_inner(trail)->end;
    const char *type = amqpc_type_name(amqpci_code_infos[trail->code].type);
    amqpc_value value;
    if (trail->part == AMQPCI_PART_CONTENT && amqpci_code_width(trail->code) > 0 &&
        amqpci_read_content(trail->code, trail->body, end, &value) != NULL) {
        amqpci_print_format(printer, "a %s of ", type);
        amqpci_print_number_of(printer, value.as.bytes.size, "byte");
        amqpci_print_text(printer, ", ");
    }
    amqpci_print_code(printer, trail->code);
    amqpci_print_format(printer, " at offset %zu", amqpci_trail_offset(trail, trail->value));
}

void amqpci_print_place(amqpci_printer *printer, const amqpci_trail *trail)
{
    static const char *const parts[] = {
        [AMQPCI_PART_CONSTRUCTOR] = "",
        [AMQPCI_PART_SIZE] = "the size of ",
        [AMQPCI_PART_COUNT] = "the count of ",
        [AMQPCI_PART_CONTENT] = "in ",
        [AMQPCI_PART_ELEMENTS] = "the constructor of the elements of ",
        [AMQPCI_PART_BEHIND] = "behind the last element of ",
        [AMQPCI_PART_MISSING] = "missing in ",
    };
    const amqpci_trail_step *step = amqpci_trail_inner(trail);
    if (trail->part < AMQPCI_PART_BEHIND) {
        amqpci_print_text(printer, parts[trail->part]);
        print_value_at(printer, trail);
    } else if (trail->depth > 0) {
        amqpci_print_text(printer, parts[trail->part]);
        amqpci_print_code(printer, step->code);
        amqpci_print_format(printer, " at offset %zu", amqpci_trail_offset(trail, step->start));
    } else {
        amqpci_print_text(printer,
                          trail->part == AMQPCI_PART_BEHIND ? "what follows it" : "missing");
    }
}
