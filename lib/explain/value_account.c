/* What was expected, and what was found, where an encoding is at fault (AMQP 1.2 to 1.6). */
#include "base/byte_order.h"
#include "codec/content.h"
#include "explain/account.h"

/* How many bytes there are from `from` to the end of what encloses the value at fault. */
static size_t bytes_left(const amqpci_trail *trail, const uint8_t *from)
{
    const uint8_t *end = amqpci_trail_inner(trail)->end;
    return from < end ? (size_t)(end - from) : 0;
}

/* The size or the count of the value at fault, whichever is at `at`; 0 where it is cut. */
static uint32_t read_number(const amqpci_trail *trail, const uint8_t *at)
{
    size_t width = amqpci_code_width(trail->code);
    if (width == 0 || bytes_left(trail, at) < width) {
        return 0;
    }
    return width == 4 ? amqpci_load32(at) : at[0];
}

/* "in list8 0xc0 at offset 3", where the end of the input is not the end that matters. */
static void print_enclosing(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    unsigned depth = trail->depth;
    while (depth > 0 && trail->steps[depth].type == AMQPC_TYPE_DESCRIBED) {
        depth--;
    }
    if (depth == 0) {
        return;
    }
    amqpci_print_text(&account->printer, " in ");
    amqpci_print_code(&account->printer, trail->steps[depth].code);
    amqpci_print_format(&account->printer, " at offset %zu",
                        amqpci_trail_offset(trail, trail->steps[depth].start));
}

static void print_left(amqpci_account *account, const uint8_t *from)
{
    size_t left = bytes_left(&account->trail, from);
    if (left == 0) {
        amqpci_print_text(&account->printer, "no bytes");
    } else {
        amqpci_print_number_of(&account->printer, left, "byte");
    }
    amqpci_print_text(&account->printer, " left");
    print_enclosing(account);
}

static void expect_missing(amqpci_account *account)
{
    const amqpci_trail_step *step = amqpci_trail_inner(&account->trail);
    if (step->in_constructor || (step->type == AMQPC_TYPE_DESCRIBED && step->index == 0)) {
        amqpci_print_text(&account->printer, "a descriptor");
    } else if (step->type == AMQPC_TYPE_DESCRIBED) {
        amqpci_print_text(&account->printer, "the value that the descriptor describes");
    } else if (account->trail.depth == 0) {
        amqpci_print_text(&account->printer, "a value");
    } else {
        amqpci_print_format(&account->printer, "element %u of %u", (unsigned)step->index + 1,
                            (unsigned)step->count);
    }
}

static void expect_whole(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    size_t width = amqpci_code_width(trail->code);
    switch (trail->part) {
    case AMQPCI_PART_MISSING:
        expect_missing(account);
        break;
    case AMQPCI_PART_ELEMENTS:
        amqpci_print_text(&account->printer, "the format code of the elements");
        break;
    case AMQPCI_PART_SIZE:
        if (bytes_left(trail, trail->body) < width) {
            amqpci_print_text(&account->printer, "a size of ");
            amqpci_print_number_of(&account->printer, width, "byte");
        } else {
            amqpci_print_format(&account->printer, "a size of at most %zu",
                                bytes_left(trail, trail->body + width));
        }
        break;
    default:
        amqpci_print_number_of(&account->printer, amqpci_trail_fault_size(trail), "byte");
        amqpci_print_text(&account->printer, " of content");
        break;
    }
}

static void find_size(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    amqpci_print_text(&account->printer, "declares ");
    amqpci_print_number_of(&account->printer, read_number(trail, trail->body), "byte");
}

static void find_part(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    size_t width = amqpci_code_width(trail->code);
    if (trail->part == AMQPCI_PART_SIZE && bytes_left(trail, trail->body) >= width) {
        find_size(account);
        amqpci_print_text(&account->printer, ", with ");
        print_left(account, trail->body + width);
    } else {
        print_left(account, trail->position);
    }
}

/* How many elements fit the size of the compound at fault, of which only the count is. */
static void expect_count(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    amqpc_value compound;
    amqpc_items items;
    if (amqpci_read_content(trail->code, trail->body, amqpci_trail_inner(trail)->end, &compound) ==
            NULL ||
        amqpc_items_init(&compound, &items) != AMQPC_OK) {
        amqpci_print_text(&account->printer, "as many elements as fit the size");
        return;
    }
    /* Elements of lists and maps have constructors; of arrays, the ones with a width do not. */
    unsigned layout = amqpci_code_infos[items.array_code].layout;
    bool is_fixed = items.array_code != 0 && layout <= AMQPCI_LAYOUT_CHAR;
    size_t least = is_fixed ? amqpci_layout_width(layout) : 1;
    size_t size = (size_t)(items.end - items.position);
    amqpci_print_text(&account->printer, "at most ");
    amqpci_print_number_of(&account->printer, least == 0 ? items.remaining : size / least,
                           "element");
    amqpci_print_text(&account->printer, " of ");
    amqpci_print_number_of(&account->printer, least, "byte");
    amqpci_print_text(&account->printer, is_fixed ? ", in " : " or more, in ");
    amqpci_print_number_of(&account->printer, size, "byte");
}

static void find_count(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    bool are_fields = account->status == AMQPC_TOO_MANY_FIELDS;
    amqpci_print_text(&account->printer, "declares ");
    amqpci_print_number_of(&account->printer, read_number(trail, trail->position),
                           are_fields ? "field" : "element");
}

static void expect_end(amqpci_account *account)
{
    const amqpci_trail_step *step = amqpci_trail_inner(&account->trail);
    amqpci_print_text(&account->printer, "the end, behind ");
    amqpci_print_number_of(&account->printer, step->count, "element");
}

static void find_behind(amqpci_account *account)
{
    amqpci_print_number_of(&account->printer, amqpci_trail_fault_size(&account->trail), "byte");
    amqpci_print_text(&account->printer, " more");
}

/* The key at the position, and where the map has it first. */
static void find_duplicate(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    const amqpci_trail_step *map = amqpci_trail_inner(trail);
    amqpc_value key;
    amqpc_value earlier;
    const uint8_t *from = map->content;
    bool same = false;
    amqpci_print_brief(&account->printer, trail->position, map->end);
    amqpci_print_text(&account->printer, " a second time");
    if (amqpci_read_value(trail->position, map->end, &key) == NULL) {
        return;
    }
    while (from != NULL && from < trail->position) {
        const uint8_t *value = amqpci_read_value(from, map->end, &earlier);
        if (value == NULL || amqpc_value_same(&earlier, &key, &same) != AMQPC_OK) {
            return;
        }
        if (same) {
            amqpci_print_format(&account->printer, "; the first one is at offset %zu",
                                amqpci_trail_offset(trail, from));
            return;
        }
        from = amqpci_read_value(value, map->end, &earlier);
    }
}

static const char *utf8_fault(const uint8_t *text, size_t size)
{
    uint8_t lead = text[0];
    if (lead < 0xc0) {
        return "which only continues a sequence";
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return "which begins no sequence";
    }
    if (size < 2 || (text[1] & 0xc0) != 0x80) {
        return "whose sequence is cut short";
    }
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xf0 && text[1] < 0x90)) {
        return "which begins an overlong sequence";
    }
    if (lead == 0xed && text[1] > 0x9f) {
        return "which begins a surrogate";
    }
    return lead == 0xf4 && text[1] > 0x8f ? "which begins a number above U+10FFFF"
                                          : "whose sequence is cut short";
}

static void find_text_byte(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    size_t width = amqpci_code_width(trail->code);
    amqpci_print_format(&account->printer, "byte 0x%02x", *trail->position);
    if (trail->part != AMQPCI_PART_CONTENT || width == 0) {
        return;
    }
    const uint8_t *text = trail->body + width;
    amqpci_print_format(&account->printer, " at index %zu of the text",
                        (size_t)(trail->position - text));
    if (trail->status == AMQPC_BAD_UTF8) {
        size_t size = read_number(trail, trail->body) - (size_t)(trail->position - text);
        amqpci_print_format(&account->printer, ", %s", utf8_fault(trail->position, size));
    }
}

/* Of a char at the position, which is there whole. */
static size_t char_size(const amqpci_trail *trail)
{
    size_t left = bytes_left(trail, trail->position);
    return left < 4 ? left : 4;
}

static void print_limit(amqpci_account *account, uint32_t limit, const char *what, const char *name)
{
    amqpci_print_format(&account->printer, "at most %u %s (limits.%s)", (unsigned)limit, what,
                        name);
}

static void expect_within_limits(amqpci_account *account)
{
    const amqpc_limits *limits = &account->limits;
    switch (account->status) {
    case AMQPC_TOO_DEEP:
        print_limit(account, limits->depth, "levels", "depth");
        break;
    case AMQPC_TOO_MANY_ELEMENTS:
        print_limit(account, limits->compound_elements, "elements", "compound_elements");
        break;
    case AMQPC_TOO_MANY_VALUES:
        print_limit(account, limits->performative_values, "nested values in all",
                    "performative_values");
        break;
    default:
        print_limit(account, limits->zero_width_elements, "elements of no size in all",
                    "zero_width_elements");
        break;
    }
}

void amqpci_value_expected(amqpci_account *account)
{
    amqpci_printer *printer = &account->printer;
    switch (account->status) {
    case AMQPC_TRUNCATED:
        expect_whole(account);
        break;
    case AMQPC_UNKNOWN_FORMAT_CODE:
        if (account->field != NULL) {
            amqpci_print_field_type(printer, account->composite, account->field);
        } else {
            amqpci_print_text(printer, "a format code of AMQP 1.6");
        }
        break;
    case AMQPC_BAD_SIZE:
        amqpci_print_format(printer, "at least %zu, the size of the count",
                            amqpci_code_width(account->trail.code));
        break;
    case AMQPC_BAD_COUNT:
        expect_count(account);
        break;
    case AMQPC_TRAILING_BYTES:
        expect_end(account);
        break;
    case AMQPC_ODD_MAP_COUNT:
        amqpci_print_text(printer, "an even count, of keys and values together");
        break;
    case AMQPC_DUPLICATE_KEY:
        amqpci_print_text(printer, "a key that the map does not have yet");
        break;
    case AMQPC_BAD_BOOLEAN:
        amqpci_print_text(printer, "0x00 or 0x01");
        break;
    case AMQPC_BAD_UTF8:
        amqpci_print_text(printer, "UTF-8 (RFC 3629)");
        break;
    case AMQPC_BAD_CHAR:
        amqpci_print_text(printer, "U+0000 to U+D7FF, or U+E000 to U+10FFFF");
        break;
    case AMQPC_BAD_SYMBOL:
        amqpci_print_text(printer, "ASCII, 0x00 to 0x7f");
        break;
    case AMQPC_BAD_DESCRIPTOR:
        amqpci_print_text(printer, "a descriptor that is neither compound nor described, mostly ");
        amqpci_print_type(printer, AMQPC_TYPE_ULONG);
        amqpci_print_text(printer, " or ");
        amqpci_print_type(printer, AMQPC_TYPE_SYMBOL);
        break;
    case AMQPC_BAD_ARRAY_CONSTRUCTOR:
        amqpci_print_text(printer, "a format code of AMQP 1.6 for the elements");
        break;
    default:
        expect_within_limits(account);
        break;
    }
}

void amqpci_value_found(amqpci_account *account)
{
    amqpci_printer *printer = &account->printer;
    const amqpci_trail *trail = &account->trail;
    if (bytes_left(trail, trail->position) == 0) {
        find_part(account);
        return;
    }
    switch (account->status) {
    case AMQPC_TRUNCATED:
        find_part(account);
        break;
    case AMQPC_BAD_SIZE:
        find_size(account);
        break;
    case AMQPC_BAD_COUNT:
    case AMQPC_ODD_MAP_COUNT:
    case AMQPC_TOO_MANY_ELEMENTS:
    case AMQPC_TOO_MANY_VALUES:
    case AMQPC_TOO_MANY_ZERO_WIDTH:
    case AMQPC_TOO_MANY_FIELDS:
        find_count(account);
        break;
    case AMQPC_TRAILING_BYTES:
    case AMQPC_UNEXPECTED_PAYLOAD:
        find_behind(account);
        break;
    case AMQPC_DUPLICATE_KEY:
        find_duplicate(account);
        break;
    case AMQPC_BAD_BOOLEAN:
    case AMQPC_BAD_UTF8:
    case AMQPC_BAD_SYMBOL:
        find_text_byte(account);
        break;
    case AMQPC_BAD_CHAR:
        amqpci_print_text(printer, "0x");
        amqpci_print_hex(printer, (amqpc_bytes){trail->position, char_size(trail)});
        break;
    case AMQPC_TOO_DEEP:
        amqpci_print_code(printer, *trail->position);
        amqpci_print_format(printer, " on level %u", trail->depth + 1);
        break;
    default:
        amqpci_print_code(printer, *trail->position);
        break;
    }
}
