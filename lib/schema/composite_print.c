/* Composites as text and as JSON, from their bytes and the table of fields (docs/notation.md). */
#include "schema/composite_print.h"

#include <inttypes.h>
#include <string.h>

#include "codec/described.h"
#include "codec/place.h"

/* A composite that is being printed. */
typedef struct branch {
    const amqpc_composite_info *info;
    amqpci_place place;
    uint32_t index;   /* of the next field */
    uint32_t printed; /* fields that are not null */
} branch;

/* The table's entry and the fields of a value that is a composite. */
static const amqpc_composite_info *find_composite(const amqpc_value *value, amqpc_value *list)
{
    amqpc_value descriptor;
    const amqpc_composite_info *info = amqpc_composite_info_get(amqpc_value_composite(value));
    if (info == NULL || amqpci_described_parts(value, &descriptor, list) != AMQPC_OK ||
        list->count > info->field_count) {
        return NULL;
    }
    return info;
}

/* The name of choice number `number`; size 0 where there is none. */
static amqpc_bytes choice_name(const char *choices, uint64_t number)
{
    const char *name = choices;
    for (; number > 0 && name != NULL; number--) {
        const char *space = strchr(name, ' ');
        name = space == NULL ? NULL : space + 1;
    }
    return name == NULL ? (amqpc_bytes){NULL, 0} : (amqpc_bytes){name, strcspn(name, " ")};
}

/* One symbol of a field whose type says that it holds symbols; what is none prints in the general
 * notation. */
static void print_symbol(amqpci_printer *printer, const amqpc_value *value)
{
    if (printer->format == AMQPC_PRINT_JSON && value->type == AMQPC_TYPE_SYMBOL) {
        amqpci_print_quoted(printer, value->as.bytes);
    } else {
        amqpci_print_value(printer, value);
    }
}

/* Whether a symbol is one of the choices. */
static bool is_choice(const char *choices, amqpc_bytes symbol)
{
    for (const char *name = choices; name != NULL; name = strchr(name, ' ')) {
        name += *name == ' ';
        if (symbol.size == strcspn(name, " ") && memcmp(symbol.data, name, symbol.size) == 0) {
            return true;
        }
    }
    return false;
}

static void print_choice(amqpci_printer *printer, const amqpc_field_info *field,
                         const amqpc_value *value)
{
    if (value->type == AMQPC_TYPE_SYMBOL) {
        if (printer->format == AMQPC_PRINT_TEXT && is_choice(field->choices, value->as.bytes)) {
            amqpci_print_format(printer, "%.*s", (int)value->as.bytes.size,
                                (const char *)value->as.bytes.data);
        } else {
            print_symbol(printer, value);
        }
        return;
    }
    uint64_t number = value->type == AMQPC_TYPE_BOOLEAN ? value->as.boolean : value->as.u64;
    amqpc_bytes name = choice_name(field->choices, number);
    if (name.size == 0) {
        amqpci_print_value(printer, value);
    } else if (printer->format == AMQPC_PRINT_JSON) {
        amqpci_print_quoted(printer, name);
    } else {
        amqpci_print_format(printer, "%.*s", (int)name.size, (const char *)name.data);
    }
}

static void print_symbols(amqpci_printer *printer, const amqpc_value *value)
{
    amqpci_print_text(printer, "[");
    if (value->type == AMQPC_TYPE_SYMBOL) {
        print_symbol(printer, value);
    } else {
        amqpci_place place;
        amqpc_value symbol;
        amqpc_status status = amqpci_place_start(value, &place);
        for (bool first = true; status == AMQPC_OK && place.remaining > 0; first = false) {
            status = amqpci_place_next(&place, &symbol);
            amqpci_print_text(printer, first ? "" : ", ");
            print_symbol(printer, &symbol);
        }
        printer->status = printer->status == AMQPC_OK ? status : printer->status;
    }
    amqpci_print_text(printer, "]");
}

/* Whether the value has the type that the field's kind names. A composite within a value was never
 * held against the table. */
static bool is_of_kind(const amqpc_field_info *field, const amqpc_value *value)
{
    switch (field->kind) {
    case AMQPC_FIELD_BOOLEAN:
        return value->type == AMQPC_TYPE_BOOLEAN;
    case AMQPC_FIELD_UBYTE:
        return value->type == AMQPC_TYPE_UBYTE;
    case AMQPC_FIELD_USHORT:
        return value->type == AMQPC_TYPE_USHORT;
    case AMQPC_FIELD_UINT:
        return value->type == AMQPC_TYPE_UINT;
    case AMQPC_FIELD_ULONG:
        return value->type == AMQPC_TYPE_ULONG;
    case AMQPC_FIELD_SYMBOL:
        return value->type == AMQPC_TYPE_SYMBOL;
    case AMQPC_FIELD_SYMBOLS:
        return value->type == AMQPC_TYPE_SYMBOL || value->type == AMQPC_TYPE_ARRAY;
    default:
        return false; /* printed in the general notation, whatever it is */
    }
}

/* A field that holds no composite. */
static void print_field(amqpci_printer *printer, const amqpc_field_info *field,
                        const amqpc_value *value)
{
    if (!is_of_kind(field, value)) {
        amqpci_print_value(printer, value);
        return;
    }
    if (field->choices != NULL) {
        print_choice(printer, field, value);
        return;
    }
    switch (field->kind) {
    case AMQPC_FIELD_UBYTE:
    case AMQPC_FIELD_USHORT:
    case AMQPC_FIELD_UINT:
    case AMQPC_FIELD_ULONG:
        amqpci_print_format(printer, "%" PRIu64, value->as.u64);
        break;
    case AMQPC_FIELD_SYMBOL:
        print_symbol(printer, value);
        break;
    case AMQPC_FIELD_SYMBOLS:
        print_symbols(printer, value);
        break;
    default:
        amqpci_print_value(printer, value);
        break;
    }
}

static void enter(amqpci_printer *printer, const amqpc_composite_info *info,
                  const amqpc_value *list, branch *entered)
{
    *entered = (branch){.info = info};
    amqpc_status status = amqpci_place_start(list, &entered->place);
    printer->status = printer->status == AMQPC_OK ? status : printer->status;
    amqpci_print_format(printer, printer->format == AMQPC_PRINT_JSON ? "{\"%s\": {" : "%s(",
                        info->name);
}

/* The next field that is not null: its name is printed, its value given. False at the end. */
static bool next_field(amqpci_printer *printer, branch *inner, const amqpc_field_info **field,
                       amqpc_value *value)
{
    while (inner->place.remaining > 0 && printer->status == AMQPC_OK) {
        printer->status = amqpci_place_next(&inner->place, value);
        *field = &inner->info->fields[inner->index++];
        if (printer->status == AMQPC_OK && value->type != AMQPC_TYPE_NULL) {
            amqpci_print_text(printer, inner->printed++ == 0 ? "" : ", ");
            amqpci_print_format(
                printer, printer->format == AMQPC_PRINT_JSON ? "\"%s\": " : "%s=", (*field)->name);
            return true;
        }
    }
    return false;
}

void amqpci_print_composite(amqpci_printer *printer, const amqpc_value *value)
{
    branch stack[AMQPC_DEPTH_MAX];
    unsigned depth = 0;
    amqpc_value list;
    const amqpc_composite_info *info = find_composite(value, &list);
    if (info == NULL) {
        amqpci_print_value(printer, value);
        return;
    }
    enter(printer, info, &list, &stack[depth++]);
    while (depth > 0 && printer->status == AMQPC_OK) {
        const amqpc_field_info *field = NULL;
        amqpc_value next;
        if (!next_field(printer, &stack[depth - 1], &field, &next)) {
            amqpci_print_text(printer, printer->format == AMQPC_PRINT_JSON ? "}}" : ")");
            depth--;
            continue;
        }
        info = next.type == AMQPC_TYPE_DESCRIBED && depth < AMQPC_DEPTH_MAX
                   ? find_composite(&next, &list)
                   : NULL;
        if (info != NULL) {
            enter(printer, info, &list, &stack[depth++]);
        } else {
            print_field(printer, field, &next);
        }
    }
}

/* The member of a composite's struct as a value. */
static amqpc_value member_value(const amqpc_field_info *field, const uint8_t *member)
{
    static const uint8_t types[] = {
        [AMQPC_FIELD_BOOLEAN] = AMQPC_TYPE_BOOLEAN, [AMQPC_FIELD_UBYTE] = AMQPC_TYPE_UBYTE,
        [AMQPC_FIELD_USHORT] = AMQPC_TYPE_USHORT,   [AMQPC_FIELD_UINT] = AMQPC_TYPE_UINT,
        [AMQPC_FIELD_ULONG] = AMQPC_TYPE_ULONG,     [AMQPC_FIELD_TIMESTAMP] = AMQPC_TYPE_TIMESTAMP,
        [AMQPC_FIELD_BINARY] = AMQPC_TYPE_BINARY,   [AMQPC_FIELD_STRING] = AMQPC_TYPE_STRING,
        [AMQPC_FIELD_SYMBOL] = AMQPC_TYPE_SYMBOL,
    };
    amqpc_value value = {0};
    value.type = field->kind <= AMQPC_FIELD_SYMBOL ? types[field->kind] : (uint8_t)AMQPC_TYPE_NULL;
    switch (field->kind) {
    case AMQPC_FIELD_BOOLEAN:
        memcpy(&value.as.boolean, member, sizeof value.as.boolean);
        break;
    case AMQPC_FIELD_UBYTE:
        value.as.u64 = *member;
        break;
    case AMQPC_FIELD_UINT: {
        uint32_t number = 0;
        memcpy(&number, member, sizeof number);
        value.as.u64 = number;
        break;
    }
    case AMQPC_FIELD_TIMESTAMP:
        memcpy(&value.as.i64, member, sizeof value.as.i64);
        break;
    case AMQPC_FIELD_BINARY:
    case AMQPC_FIELD_STRING:
    case AMQPC_FIELD_SYMBOL:
        memcpy(&value.as.bytes, member, sizeof value.as.bytes);
        break;
    default:
        memcpy(&value, member, sizeof value);
        break;
    }
    return value;
}

void amqpci_print_members(amqpci_printer *printer, uint32_t type, const void *composite)
{
    const amqpc_composite_info *info = amqpc_composite_info_get(type);
    uint32_t present = 0; /* the first member of every composite */
    memcpy(&present, composite, sizeof present);
    bool first = true;
    for (uint32_t i = 0; i < info->field_count; i++) {
        const amqpc_field_info *field = &info->fields[i];
        if ((present & 1u << i) != 0) {
            amqpc_value value = member_value(field, (const uint8_t *)composite + field->offset);
            amqpci_print_text(printer, first ? "" : ", ");
            amqpci_print_format(
                printer, printer->format == AMQPC_PRINT_JSON ? "\"%s\": " : "%s=", field->name);
            print_field(printer, field, &value);
            first = false;
        }
    }
}

amqpc_status amqpc_composite_print(const amqpc_value *value, amqpc_print_format format,
                                   amqpc_buffer *buffer)
{
    amqpci_printer printer = amqpci_printer_start(format, buffer);
    amqpci_print_composite(&printer, value);
    return amqpci_printer_finish(&printer);
}
