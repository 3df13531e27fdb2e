/* What was expected, and what was found, where encodings are in order, but composites or the
 * sections of a message are not (AMQP 1.4, 2.7, 3.2, 5.3.3). */
#include <stddef.h>
#include <string.h>

#include "codec/content.h"
#include "explain/path.h"
#include "message/section.h"

/* The least value of a field that has one. */
typedef struct field_minimum {
    const char *composite;
    size_t offset; /* of the member */
    uint32_t number;
} field_minimum;

static const field_minimum minimums[] = {
#define CHOICES(type, names)
#define COMPOSITE(name, descriptor, symbol, section, text)
#define FIELD(name, type, kind, need, default_text, text)
#define MINIMUM(composite, field, number) {#composite, offsetof(amqpc_##composite, field), number},
#include "schema/composites.def"
#undef CHOICES
#undef COMPOSITE
#undef FIELD
#undef MINIMUM
};

/* Numbers of descriptors, the last one included. */
typedef struct descriptor_range {
    uint32_t first;
    uint32_t last;
} descriptor_range;

static const descriptor_range performatives = {AMQPC_COMPOSITE_OPEN, AMQPC_COMPOSITE_CLOSE};
static const descriptor_range sasl_performatives = {AMQPC_COMPOSITE_SASL_MECHANISMS,
                                                    AMQPC_COMPOSITE_SASL_OUTCOME};
static const descriptor_range sections = {AMQPCI_SECTION_HEADER, AMQPCI_SECTION_FOOTER};

/* "open 0x10, begin 0x11, ..." */
static void print_names(amqpci_printer *printer, descriptor_range range)
{
    for (uint32_t type = range.first; type <= range.last; type++) {
        amqpci_print_format(printer, "%s%s 0x%02x", type == range.first ? "" : ", ",
                            amqpci_name_of(type), (unsigned)type);
    }
}

static descriptor_range outermost(const amqpci_account *account)
{
    if (account->input == AMQPC_INPUT_MESSAGE) {
        return sections;
    }
    return account->is_sasl ? sasl_performatives : performatives;
}

/* The types that a field of the kind may have. */
static void print_kind(amqpci_printer *printer, uint32_t kind)
{
    static const uint8_t types[] = {
        [AMQPC_FIELD_BOOLEAN] = AMQPC_TYPE_BOOLEAN,  [AMQPC_FIELD_UBYTE] = AMQPC_TYPE_UBYTE,
        [AMQPC_FIELD_USHORT] = AMQPC_TYPE_USHORT,    [AMQPC_FIELD_UINT] = AMQPC_TYPE_UINT,
        [AMQPC_FIELD_ULONG] = AMQPC_TYPE_ULONG,      [AMQPC_FIELD_TIMESTAMP] = AMQPC_TYPE_TIMESTAMP,
        [AMQPC_FIELD_BINARY] = AMQPC_TYPE_BINARY,    [AMQPC_FIELD_STRING] = AMQPC_TYPE_STRING,
        [AMQPC_FIELD_SYMBOL] = AMQPC_TYPE_SYMBOL,    [AMQPC_FIELD_SYMBOLS] = AMQPC_TYPE_SYMBOL,
        [AMQPC_FIELD_MAP] = AMQPC_TYPE_MAP,          [AMQPC_FIELD_DESCRIBED] = AMQPC_TYPE_DESCRIBED,
        [AMQPC_FIELD_MESSAGE_ID] = AMQPC_TYPE_ULONG, [AMQPC_FIELD_ERROR] = AMQPC_TYPE_DESCRIBED,
    };
    static const uint8_t other_ids[] = {AMQPC_TYPE_UUID, AMQPC_TYPE_BINARY, AMQPC_TYPE_STRING};
    if (kind == AMQPC_FIELD_ANY) {
        amqpci_print_text(printer, "any value");
        return;
    }
    amqpci_print_text(printer, kind == AMQPC_FIELD_ERROR ? "error 0x1d, " : "");
    amqpci_print_type(printer, types[kind]);
    for (size_t i = 0; kind == AMQPC_FIELD_MESSAGE_ID && i < sizeof other_ids; i++) {
        amqpci_print_text(printer, ", ");
        amqpci_print_type(printer, other_ids[i]);
    }
    if (kind == AMQPC_FIELD_SYMBOLS) {
        amqpci_print_text(printer, ", ");
        amqpci_print_type(printer, AMQPC_TYPE_ARRAY);
        amqpci_print_text(printer, " of symbols");
    }
}

/* "one of 0 to 2: unsettled, settled, mixed". */
static void print_choices(amqpci_printer *printer, const amqpc_field_info *field)
{
    unsigned last = 0;
    for (const char *c = field->choices; *c != '\0'; c++) {
        last += *c == ' ';
    }
    if (field->kind == AMQPC_FIELD_UBYTE || field->kind == AMQPC_FIELD_UINT) {
        amqpci_print_format(printer, "one of 0 to %u: ", last);
    } else {
        amqpci_print_text(printer,
                          field->kind == AMQPC_FIELD_BOOLEAN ? "one of false, true: " : "one of ");
    }
    for (const char *name = field->choices; name != NULL;) {
        const char *space = strchr(name, ' ');
        size_t size = space == NULL ? strlen(name) : (size_t)(space - name);
        amqpci_print_format(printer, "%.*s%s", (int)size, name, space == NULL ? "" : ", ");
        name = space == NULL ? NULL : space + 1;
    }
}

static const field_minimum *find_minimum(const amqpc_composite_info *composite,
                                         const amqpc_field_info *field)
{
    for (size_t i = 0; i < sizeof minimums / sizeof minimums[0]; i++) {
        if (strcmp(minimums[i].composite, composite->name) == 0 &&
            minimums[i].offset == field->offset) {
            return &minimums[i];
        }
    }
    return NULL;
}

void amqpci_print_field_type(amqpci_printer *printer, const amqpc_composite_info *composite,
                             const amqpc_field_info *field)
{
    const field_minimum *minimum = find_minimum(composite, field);
    print_kind(printer, field->kind);
    if (field->choices != NULL && field->kind != AMQPC_FIELD_SYMBOL) {
        amqpci_print_text(printer, ", ");
        print_choices(printer, field);
    }
    if (minimum != NULL) {
        amqpci_print_format(printer, ", at least %u", (unsigned)minimum->number);
    }
    amqpci_print_text(printer, field->mandatory ? "" : "; or null (0x40)");
}

/* What a section holds. */
static unsigned section_type(uint32_t section)
{
    switch (section) {
    case AMQPCI_SECTION_HEADER:
    case AMQPCI_SECTION_PROPERTIES:
    case AMQPCI_SECTION_SEQUENCE:
        return AMQPC_TYPE_LIST;
    case AMQPCI_SECTION_DATA:
        return AMQPC_TYPE_BINARY;
    default:
        return AMQPC_TYPE_MAP;
    }
}

static uint32_t root_type(const amqpci_account *account)
{
    const amqpci_trail_step *root = &account->trail.steps[0];
    return amqpci_type_at(root->position, root->end);
}

static void expect_key(amqpci_account *account)
{
    amqpci_print_text(&account->printer, "a key: ");
    if (root_type(account) != AMQPCI_SECTION_APPLICATION_PROPERTIES) {
        amqpci_print_type(&account->printer, AMQPC_TYPE_SYMBOL);
        amqpci_print_text(&account->printer, ", ");
        amqpci_print_type(&account->printer, AMQPC_TYPE_ULONG);
        amqpci_print_text(&account->printer, ", ");
    }
    amqpci_print_type(&account->printer, AMQPC_TYPE_STRING);
}

static void expect_type(amqpci_account *account)
{
    const amqpci_trail_step *step = amqpci_trail_inner(&account->trail);
    if (account->field != NULL) {
        amqpci_print_field_type(&account->printer, account->composite, account->field);
    } else if (account->trail.depth == 0) {
        amqpci_print_type(&account->printer, AMQPC_TYPE_DESCRIBED);
        amqpci_print_text(&account->printer, ": ");
        print_names(&account->printer, outermost(account));
    } else if (step->type == AMQPC_TYPE_MAP) {
        expect_key(account);
    } else if (account->input == AMQPC_INPUT_MESSAGE && account->trail.depth == 1) {
        amqpci_print_type(&account->printer, section_type(root_type(account)));
    } else {
        amqpci_print_type(&account->printer, AMQPC_TYPE_LIST);
    }
}

static void expect_descriptor(amqpci_account *account)
{
    if (account->trail.depth == 1) {
        print_names(&account->printer, outermost(account));
    } else {
        print_names(&account->printer,
                    (descriptor_range){AMQPC_COMPOSITE_ERROR, AMQPC_COMPOSITE_ERROR});
    }
}

/* The composite whose list of fields is at fault. */
static const amqpc_composite_info *list_composite(const amqpci_trail *trail)
{
    const amqpci_trail_step *described = amqpci_trail_inner(trail);
    return amqpc_composite_info_get(amqpci_type_at(described->start, described->end));
}

static void expect_fields(amqpci_account *account)
{
    const amqpc_composite_info *info = list_composite(&account->trail);
    if (info == NULL) {
        return;
    }
    amqpci_print_text(&account->printer, "at most ");
    amqpci_print_number_of(&account->printer, info->field_count, "field");
    for (uint32_t i = 0; i < info->field_count; i++) {
        amqpci_print_format(&account->printer, "%s %s", i == 0 ? ":" : ",", info->fields[i].name);
    }
}

/* The sections that may follow the one before the position. */
static void expect_later_section(amqpci_account *account)
{
    const amqpci_trail_step *root = &account->trail.steps[0];
    uint32_t last = amqpci_type_at(root->previous, root->end);
    if (last < AMQPCI_SECTION_HEADER || last > AMQPCI_SECTION_FOOTER) {
        return;
    }
    amqpci_print_format(&account->printer, "behind %s: ", amqpci_name_of(last));
    for (uint32_t type = last; type <= AMQPCI_SECTION_FOOTER; type++) {
        bool repeats =
            type == last && (type == AMQPCI_SECTION_DATA || type == AMQPCI_SECTION_SEQUENCE);
        if (repeats || amqpci_section_index(type) > amqpci_section_index(last)) {
            amqpci_print_format(&account->printer, "%s 0x%02x, ", amqpci_name_of(type),
                                (unsigned)type);
        }
    }
    amqpci_print_text(&account->printer, "the end of the message");
}

void amqpci_composite_expected(amqpci_account *account)
{
    amqpci_printer *printer = &account->printer;
    switch (account->status) {
    case AMQPC_UNKNOWN_DESCRIPTOR:
    case AMQPC_UNKNOWN_SECTION:
        expect_descriptor(account);
        break;
    case AMQPC_WRONG_TYPE:
    case AMQPC_MISSING_FIELD:
    case AMQPC_INVALID_FIELD:
        expect_type(account);
        break;
    case AMQPC_TOO_MANY_FIELDS:
        expect_fields(account);
        break;
    case AMQPC_UNEXPECTED_PAYLOAD:
        amqpci_print_text(printer, "the end, for only transfer has a payload");
        break;
    case AMQPC_SECTION_ORDER:
    case AMQPC_SECTION_REPEATED:
        expect_later_section(account);
        break;
    default:
        amqpci_print_text(printer, amqpc_status_text(account->status));
        break;
    }
}

/* "list8 0xc0", "array8 0xe0 of uint 0x70", "uint(7), smalluint 0x52". */
static void find_value(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    const uint8_t *end = amqpci_trail_inner(trail)->end;
    size_t width = amqpci_code_width(trail->code);
    unsigned layout = amqpci_code_infos[trail->code].layout;
    /* The name of the code says all of null, true, false and an empty list. */
    bool says_all = (trail->code >= AMQPC_CODE_NULL && trail->code <= AMQPC_CODE_FALSE) ||
                    trail->code == AMQPC_CODE_LIST0;
    if (layout < AMQPCI_LAYOUT_COMPOUND8 && trail->value < end && !says_all) {
        amqpci_print_brief(&account->printer, trail->value, end);
        amqpci_print_text(&account->printer, ", ");
    }
    amqpci_print_code(&account->printer, trail->code);
    if (amqpci_code_infos[trail->code].type == AMQPC_TYPE_ARRAY && trail->body < end &&
        (size_t)(end - trail->body) > 2 * width) {
        amqpci_print_text(&account->printer, " of ");
        amqpci_print_code(&account->printer, trail->body[2 * width]);
    }
}

static void find_descriptor(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    const amqpci_trail_step *described = amqpci_trail_inner(trail);
    const char *name = amqpci_name_of(amqpci_type_at(described->start, described->end));
    amqpci_print_brief(&account->printer, trail->position, described->end);
    if (name != NULL) {
        amqpci_print_format(&account->printer, ", which is %s", name);
    }
}

static void find_missing(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    if (trail->part == AMQPCI_PART_MISSING) {
        amqpci_print_text(&account->printer, "a list of ");
        amqpci_print_number_of(&account->printer, amqpci_trail_inner(trail)->count, "field");
    } else {
        find_value(account);
    }
}

static void find_section(amqpci_account *account)
{
    const char *name = amqpci_name_of(root_type(account));
    amqpci_print_format(&account->printer, "%s 0x%02x", name == NULL ? "unknown" : name,
                        (unsigned)root_type(account));
}

void amqpci_composite_found(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    switch (account->status) {
    case AMQPC_UNKNOWN_DESCRIPTOR:
    case AMQPC_UNKNOWN_SECTION:
        find_descriptor(account);
        break;
    case AMQPC_MISSING_FIELD:
        find_missing(account);
        break;
    case AMQPC_TOO_MANY_FIELDS:
    case AMQPC_UNEXPECTED_PAYLOAD:
        amqpci_value_found(account);
        break;
    case AMQPC_SECTION_ORDER:
    case AMQPC_SECTION_REPEATED:
        find_section(account);
        break;
    default:
        if (trail->part < AMQPCI_PART_BEHIND) {
            find_value(account);
        } else {
            amqpci_print_number_of(&account->printer, amqpci_trail_fault_size(trail), "byte");
        }
        break;
    }
}
