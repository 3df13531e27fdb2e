/* Frames as text and as JSON, with the messages that they carry (docs/notation.md). */
#include "message/message_print.h"
#include "schema/composite_print.h"

/* The payload as a message where it is one; a part of a message mostly is none. */
static void print_payload(amqpci_printer *printer, const amqpc_performative *performative,
                          const amqpc_limits *limits)
{
    bool json = printer->format == AMQPC_PRINT_JSON;
    amqpc_message message;
    if (performative->payload.size == 0) {
        return;
    }
    if (amqpc_message_decode(performative->payload.data, performative->payload.size, limits,
                             &message, NULL) == AMQPC_OK) {
        amqpci_print_text(printer, json ? ", \"message\": " : " ");
        amqpci_print_message(printer, &message);
        return;
    }
    amqpci_print_text(printer, json ? ", \"payload\": \"" : " payload(");
    amqpci_print_hex(printer, performative->payload);
    amqpci_print_text(printer, json ? "\"" : ")");
}

/* The performative from the frame's bytes, of which the payload is not a part. It was decoded
 * before, within the caller's limits, which count its list of fields otherwise than that of a
 * value. */
static void print_performative(amqpci_printer *printer, const amqpc_frame *frame)
{
    amqpc_limits limits;
    amqpc_value value;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = AMQPC_DEPTH_MAX;
    limits.compound_elements = AMQPC_UNLIMITED;
    limits.zero_width_elements = AMQPC_UNLIMITED;
    amqpc_status status =
        amqpc_value_decode(frame->body.data, frame->body.size, &limits, &value, NULL);
    printer->status = printer->status == AMQPC_OK ? status : printer->status;
    if (printer->status == AMQPC_OK) {
        amqpci_print_composite(printer, &value);
    }
}

static void print_place(amqpci_printer *printer, const amqpc_frame *frame)
{
    bool json = printer->format == AMQPC_PRINT_JSON;
    if (frame->type == AMQPC_FRAME_SASL) {
        amqpci_print_text(printer, json ? "{\"sasl\": true, \"performative\": " : "[sasl] ");
    } else {
        amqpci_print_format(printer, json ? "{\"channel\": %u, \"performative\": " : "[%u] ",
                            frame->channel);
    }
}

amqpc_status amqpc_frame_print(const amqpc_frame *frame, const amqpc_limits *limits,
                               amqpc_print_format format, amqpc_buffer *buffer)
{
    amqpci_printer printer = amqpci_printer_start(format, buffer);
    amqpc_performative performative = {.type = AMQPC_COMPOSITE_NONE};
    bool json = format == AMQPC_PRINT_JSON;
    if (frame->body.size > 0) {
        amqpc_status status = amqpc_performative_decode(
            frame->type, frame->body.data, frame->body.size, limits, &performative, NULL);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    print_place(&printer, frame);
    if (performative.type == AMQPC_COMPOSITE_NONE) {
        amqpci_print_text(&printer, json ? "null" : "empty");
    } else {
        print_performative(&printer, frame);
        print_payload(&printer, &performative, limits);
    }
    amqpci_print_text(&printer, json ? "}" : "");
    return amqpci_printer_finish(&printer);
}
