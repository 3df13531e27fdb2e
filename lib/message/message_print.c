/* Messages as text and as JSON (docs/notation.md). */
#include "message/section.h"
#include "schema/composite_print.h"

/* One section that is not of the body: {"name": ...} or name... */
static void print_name(amqpci_printer *printer, const char *name)
{
    amqpci_print_format(printer, printer->format == AMQPC_PRINT_JSON ? "\"%s\": " : "%s", name);
}

static void print_map(amqpci_printer *printer, const char *name, const amqpc_value *map)
{
    print_name(printer, name);
    amqpci_print_value(printer, map);
}

static void print_list(amqpci_printer *printer, const char *name, uint32_t type,
                       const void *composite)
{
    print_name(printer, name);
    amqpci_print_text(printer, printer->format == AMQPC_PRINT_JSON ? "{" : "(");
    amqpci_print_members(printer, type, composite);
    amqpci_print_text(printer, printer->format == AMQPC_PRINT_JSON ? "}" : ")");
}

/* One section of the body as the notation has it: each with its name. */
static void print_body_text(amqpci_printer *printer, uint32_t kind, const amqpc_value *value)
{
    if (kind == AMQPC_BODY_DATA) {
        amqpci_print_text(printer, "data(");
        amqpci_print_hex(printer, value->as.bytes);
        amqpci_print_text(printer, ")");
    } else if (kind == AMQPC_BODY_SEQUENCE) {
        amqpci_print_text(printer, "amqp-sequence");
        amqpci_print_value(printer, value);
    } else {
        amqpci_print_text(printer, "amqp-value(");
        amqpci_print_value(printer, value);
        amqpci_print_text(printer, ")");
    }
}

/* In JSON the sections are a list, for names must not be repeated. */
static void print_body_json(amqpci_printer *printer, uint32_t kind, const amqpc_value *value,
                            bool first)
{
    static const char *const names[] = {"body", "data", "amqp-sequence", "amqp-value"};
    if (first) {
        print_name(printer, names[kind]);
        amqpci_print_text(printer, kind == AMQPC_BODY_VALUE ? "" : "[");
    } else {
        amqpci_print_text(printer, ", ");
    }
    if (kind == AMQPC_BODY_DATA) {
        amqpci_print_text(printer, "\"");
        amqpci_print_hex(printer, value->as.bytes);
        amqpci_print_text(printer, "\"");
    } else {
        amqpci_print_value(printer, value);
    }
}

static void print_body(amqpci_printer *printer, const amqpc_message *message)
{
    amqpc_body body;
    amqpc_value value;
    bool json = printer->format == AMQPC_PRINT_JSON;
    bool first = true;
    amqpc_body_init(message, &body);
    while (printer->status == AMQPC_OK) {
        amqpc_status status = amqpc_body_next(&body, &value);
        if (status == AMQPC_NOT_FOUND) {
            break;
        }
        if (status != AMQPC_OK) {
            printer->status = status;
        } else if (json) {
            print_body_json(printer, message->body_kind, &value, first);
        } else {
            amqpci_print_text(printer, first ? "" : " ");
            print_body_text(printer, message->body_kind, &value);
        }
        first = false;
    }
    amqpci_print_text(printer, json && message->body_kind != AMQPC_BODY_VALUE ? "]" : "");
}

static void print_section(amqpci_printer *printer, const amqpc_message *message, unsigned index)
{
    switch (index) {
    case AMQPCI_INDEX_HEADER:
        print_list(printer, "header", AMQPC_COMPOSITE_HEADER, &message->header);
        break;
    case AMQPCI_INDEX_DELIVERY_ANNOTATIONS:
        print_map(printer, "delivery-annotations", &message->delivery_annotations);
        break;
    case AMQPCI_INDEX_MESSAGE_ANNOTATIONS:
        print_map(printer, "message-annotations", &message->message_annotations);
        break;
    case AMQPCI_INDEX_PROPERTIES:
        print_list(printer, "properties", AMQPC_COMPOSITE_PROPERTIES, &message->properties);
        break;
    case AMQPCI_INDEX_APPLICATION_PROPERTIES:
        print_map(printer, "application-properties", &message->application_properties);
        break;
    case AMQPCI_INDEX_BODY:
        print_body(printer, message);
        break;
    default:
        print_map(printer, "footer", &message->footer);
        break;
    }
}

void amqpci_print_message(amqpci_printer *printer, const amqpc_message *message)
{
    bool json = printer->format == AMQPC_PRINT_JSON;
    amqpci_print_text(printer, json ? "{" : "");
    bool first = true;
    for (unsigned index = 0; index <= AMQPCI_INDEX_FOOTER; index++) {
        if ((message->sections & 1u << index) != 0) {
            amqpci_print_text(printer, first ? "" : json ? ", " : " ");
            print_section(printer, message, index);
            first = false;
        }
    }
    amqpci_print_text(printer, json ? "}" : "");
}

amqpc_status amqpc_message_print(const amqpc_message *message, amqpc_print_format format,
                                 amqpc_buffer *buffer)
{
    amqpci_printer printer = amqpci_printer_start(format, buffer);
    if (message->body_kind > AMQPC_BODY_VALUE) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpci_print_message(&printer, message);
    return amqpci_printer_finish(&printer);
}
