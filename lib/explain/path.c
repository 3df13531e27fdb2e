/* The places of a trail by their names in the specification: fields of composites, sections of a
 * message; keys and indexes in all other values. */
#include "explain/path.h"

#include "codec/content.h"
#include "message/section.h"
#include "schema/descriptor.h"

/* Segments of a path that are shown at its beginning and at its end; those between are left out. */
enum { SEGMENTS_SHOWN = 12 };

const char *amqpci_name_of(uint32_t type)
{
    static const char *const names[] = {
        [AMQPCI_SECTION_DELIVERY_ANNOTATIONS - AMQPCI_SECTION_HEADER] = "delivery-annotations",
        [AMQPCI_SECTION_MESSAGE_ANNOTATIONS - AMQPCI_SECTION_HEADER] = "message-annotations",
        [AMQPCI_SECTION_APPLICATION_PROPERTIES - AMQPCI_SECTION_HEADER] = "application-properties",
        [AMQPCI_SECTION_DATA - AMQPCI_SECTION_HEADER] = "data",
        [AMQPCI_SECTION_SEQUENCE - AMQPCI_SECTION_HEADER] = "amqp-sequence",
        [AMQPCI_SECTION_VALUE - AMQPCI_SECTION_HEADER] = "amqp-value",
        [AMQPCI_SECTION_FOOTER - AMQPCI_SECTION_HEADER] = "footer",
    };
    const amqpc_composite_info *info = amqpc_composite_info_get(type);
    if (info != NULL) {
        return info->name;
    }
    bool is_section = type >= AMQPCI_SECTION_HEADER && type <= AMQPCI_SECTION_FOOTER;
    return is_section ? names[type - AMQPCI_SECTION_HEADER] : NULL;
}

uint32_t amqpci_type_at(const uint8_t *from, const uint8_t *end)
{
    amqpc_value descriptor;
    if (from == NULL || end - from < 2 || *from != 0x00 ||
        amqpci_read_content(from[1], from + 2, end, &descriptor) == NULL) {
        return 0;
    }
    return amqpci_descriptor_type(&descriptor);
}

const amqpc_composite_info *amqpci_step_composite(const amqpci_trail *trail, unsigned depth)
{
    const amqpci_trail_step *step = &trail->steps[depth];
    if (depth == 0 || step->type != AMQPC_TYPE_LIST || step[-1].type != AMQPC_TYPE_DESCRIBED) {
        return NULL;
    }
    return amqpc_composite_info_get(amqpci_type_at(step[-1].start, step[-1].end));
}

/* Cuts the trail back to the composite that lacks a field, which is then the one on the way. */
static void cut_to_missing_field(amqpci_trail *trail)
{
    for (unsigned depth = trail->depth; depth > 0; depth--) {
        const amqpc_composite_info *info = amqpci_step_composite(trail, depth);
        uint32_t count = info == NULL ? 0 : info->field_count;
        /* What is on the way from an outer step ends at the position. */
        uint32_t index = trail->steps[depth].index + (depth < trail->depth);
        while (index < count && !info->fields[index].mandatory) {
            index++;
        }
        if (index < count) {
            trail->depth = depth;
            trail->steps[depth].index = index;
            return;
        }
    }
}

void amqpci_find_field(amqpci_account *account)
{
    amqpci_trail *trail = &account->trail;
    if (trail->status == AMQPC_MISSING_FIELD && trail->part == AMQPCI_PART_MISSING) {
        cut_to_missing_field(trail);
    }
    account->composite = NULL;
    account->field = NULL;
    const amqpc_composite_info *info = amqpci_step_composite(trail, trail->depth);
    uint32_t index = amqpci_trail_inner(trail)->index;
    if (info != NULL && trail->part != AMQPCI_PART_BEHIND && index < info->field_count) {
        account->composite = info;
        account->field = &info->fields[index];
    }
}

/* The name of the outermost value on the way, which has one without being a field. */
static void print_root(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    const amqpci_trail_step *root = &trail->steps[0];
    bool behind = trail->depth == 0 && trail->part == AMQPCI_PART_BEHIND;
    const char *name =
        amqpci_name_of(amqpci_type_at(behind ? root->previous : root->position, root->end));
    switch (account->input) {
    case AMQPC_INPUT_MESSAGE:
        if (name != NULL) {
            amqpci_print_format(&account->printer, "message.%s", name);
        } else {
            amqpci_print_format(&account->printer, "message[%u]", (unsigned)root->index);
        }
        break;
    case AMQPC_INPUT_VALUE:
        amqpci_print_text(&account->printer, name == NULL ? "value" : name);
        break;
    default:
        amqpci_print_text(&account->printer, account->input == AMQPC_INPUT_FRAME ? "frame." : "");
        amqpci_print_text(&account->printer, name == NULL ? "performative" : name);
        break;
    }
}

static void print_map_segment(amqpci_printer *printer, const amqpci_trail_step *map)
{
    if ((map->index & 1) == 0) {
        amqpci_print_format(printer, "{key %u}", (unsigned)(map->index / 2));
        return;
    }
    amqpci_print_text(printer, "{");
    amqpci_print_brief(printer, map->previous, map->end);
    amqpci_print_text(printer, "}");
}

static void print_segment(amqpci_account *account, unsigned depth)
{
    amqpci_printer *printer = &account->printer;
    const amqpci_trail_step *step = &account->trail.steps[depth];
    const amqpc_composite_info *info = amqpci_step_composite(&account->trail, depth);
    if (step->in_constructor) {
        bool is_code = account->trail.part == AMQPCI_PART_ELEMENTS;
        amqpci_print_text(printer, is_code ? "[]" : "[]@descriptor");
    } else if (step->type == AMQPC_TYPE_DESCRIBED) {
        amqpci_print_text(printer, step->index == 0 ? "@descriptor" : "");
    } else if (step->type == AMQPC_TYPE_MAP) {
        print_map_segment(printer, step);
    } else if (info != NULL && step->index < info->field_count) {
        amqpci_print_format(printer, ".%s", info->fields[step->index].name);
    } else {
        amqpci_print_format(printer, "[%u]", (unsigned)step->index);
    }
}

void amqpci_print_path(amqpci_account *account)
{
    const amqpci_trail *trail = &account->trail;
    /* Behind its last element, no element of the innermost value is meant. */
    unsigned segments = trail->depth - (trail->part == AMQPCI_PART_BEHIND && trail->depth > 0);
    print_root(account);
    for (unsigned depth = 1; depth <= segments; depth++) {
        if (segments > 2 * SEGMENTS_SHOWN && depth == SEGMENTS_SHOWN + 1) {
            amqpci_print_format(&account->printer, "...(%u more)...",
                                segments - 2 * SEGMENTS_SHOWN);
            depth = segments - SEGMENTS_SHOWN + 1;
        }
        print_segment(account, depth);
    }
}
