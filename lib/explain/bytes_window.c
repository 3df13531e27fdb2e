/* The bytes around a fault, in hexadecimal and as text. */
#include "explain/account.h"

enum { LINE = 16, LINES_AROUND = 1 };

/* A part of the bytes: from `from` on, up to `to`. */
typedef struct range {
    size_t from;
    size_t to;
} range;

/* What separates the byte at `at` from the one before it, in a line: brackets around the bytes at
 * fault, which open and close with each line; a bar where something is missing. */
static char separator(size_t at, range line, range fault)
{
    size_t open = fault.from > line.from ? fault.from : line.from;
    size_t close = fault.to < line.to ? fault.to : line.to;
    if (fault.from == fault.to) {
        return at == fault.from ? '|' : ' ';
    }
    if (open >= close) {
        return ' ';
    }
    if (at == open) {
        return '[';
    }
    return at == close ? ']' : ' ';
}

static void print_line(amqpci_printer *printer, const uint8_t *data, range line, range fault)
{
    amqpci_print_format(printer, "    %08zx ", line.from);
    for (size_t at = line.from; at <= line.from + LINE; at++) {
        amqpci_print_format(printer, "%c", separator(at, line, fault));
        if (at < line.to) {
            amqpci_print_format(printer, "%02x", data[at]);
        } else if (at < line.from + LINE) {
            amqpci_print_text(printer, "  ");
        }
    }
    amqpci_print_text(printer, " ");
    for (size_t at = line.from; at < line.to; at++) {
        amqpci_print_format(printer, "%c", data[at] >= 0x20 && data[at] < 0x7f ? data[at] : '.');
    }
    amqpci_print_text(printer, "\n");
}

void amqpci_print_bytes_window(amqpci_printer *printer, const uint8_t *data, size_t size,
                               size_t offset, size_t fault_size)
{
    offset = offset > size ? size : offset;
    fault_size = fault_size > size - offset ? size - offset : fault_size;
    /* An offset behind the last byte is shown on that byte's line. */
    size_t middle = (offset == size && size > 0 ? size - 1 : offset) / LINE;
    size_t first = middle > LINES_AROUND ? middle - LINES_AROUND : 0;
    for (size_t number = first; number <= middle + LINES_AROUND; number++) {
        size_t line = number * LINE;
        if (line >= size && number > first) {
            return;
        }
        range part = {line, size - line < LINE ? size : line + LINE};
        print_line(printer, data, part, (range){offset, offset + fault_size});
    }
}
