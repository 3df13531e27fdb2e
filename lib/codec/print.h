/* The parts that printers of values, composites, frames and messages are made of
 * (docs/notation.md). */
#ifndef AMQPCI_CODEC_PRINT_H
#define AMQPCI_CODEC_PRINT_H

#include <amqpcodec/print.h>

#include "base/buffer.h"

/* A print that is going on. The first failure stays, so that only the end need look at it. */
typedef struct amqpci_printer {
    amqpc_buffer *buffer;
    amqpc_print_format format;
    size_t start; /* size of the buffer before */
    amqpc_status status;
} amqpci_printer;

static inline amqpci_printer amqpci_printer_start(amqpc_print_format format, amqpc_buffer *buffer)
{
    return (amqpci_printer){
        .buffer = buffer, .format = format, .start = buffer->size, .status = AMQPC_OK};
}

/* The result; after a failure the buffer is as before. */
AMQPC_CHECK amqpc_status amqpci_printer_finish(const amqpci_printer *printer);

void amqpci_print_text(amqpci_printer *printer, const char *text);

/* As printf; at most 255 bytes. */
__attribute__((format(printf, 2, 3))) void amqpci_print_format(amqpci_printer *printer,
                                                               const char *format, ...);

/* UTF-8 in quotation marks, escaped as both the notation and JSON have it. */
void amqpci_print_quoted(amqpci_printer *printer, amqpc_bytes text);

/* Bytes as lower-case digits, without quotation marks. */
void amqpci_print_hex(amqpci_printer *printer, amqpc_bytes bytes);

/* A value in the general notation. */
void amqpci_print_value(amqpci_printer *printer, const amqpc_value *value);

#endif
