/* What was expected, and what was found, where the header of a frame is at fault, or the frame is
 * not whole (AMQP 2.3). */
#include <string.h>

#include "explain/account.h"
#include "frame/frame_header.h"

/* Fields of the header, by their offset. */
typedef struct header_field {
    const char *name;
    size_t size;
} header_field;

static header_field field_at(size_t offset)
{
    static const header_field fields[AMQPC_FRAME_HEADER_SIZE] = {
        [AMQPCI_FRAME_SIZE_AT] = {"size", 4},
        [AMQPCI_FRAME_DATA_OFFSET_AT] = {"data-offset", 1},
        [AMQPCI_FRAME_TYPE_AT] = {"type", 1},
        [AMQPCI_FRAME_CHANNEL_AT] = {"channel", 2},
    };
    return fields[offset < AMQPC_FRAME_HEADER_SIZE ? offset : 0];
}

size_t amqpci_frame_fault_size(const amqpci_account *account)
{
    return account->status == AMQPC_NEED_MORE ? 0 : field_at(account->offset).size;
}

void amqpci_frame_place(amqpci_account *account)
{
    if (account->status == AMQPC_NEED_MORE) {
        amqpci_print_format(&account->printer, "frame (behind the last byte, offset %zu)",
                            account->size);
        return;
    }
    header_field field = field_at(account->offset);
    amqpci_print_format(&account->printer, "frame.%s (", field.name);
    amqpci_print_number_of(&account->printer, field.size, "byte");
    amqpci_print_format(&account->printer, " at offset %zu)", account->offset);
}

void amqpci_frame_expected(amqpci_account *account)
{
    amqpci_printer *printer = &account->printer;
    switch (account->status) {
    case AMQPC_FRAME_SIZE_TOO_SMALL:
        amqpci_print_text(printer, "at least 8, the size of the header");
        break;
    case AMQPC_FRAME_TOO_LARGE:
        amqpci_print_format(printer, "at most %u bytes (limits.frame_size)",
                            (unsigned)account->limits.frame_size);
        break;
    case AMQPC_BAD_DATA_OFFSET:
        amqpci_print_format(printer, "2 to %u, in units of 4 bytes",
                            (unsigned)(amqpci_load32(account->data) / 4));
        break;
    case AMQPC_UNKNOWN_FRAME_TYPE:
        amqpci_print_text(printer, "0 (AMQP) or 1 (SASL)");
        break;
    case AMQPC_BAD_CHANNEL:
        amqpci_print_format(printer, "at most %u (limits.channels)",
                            (unsigned)account->limits.channels - 1);
        break;
    default: /* AMQPC_NEED_MORE */
        amqpci_print_number_of(printer, account->offset, "byte");
        amqpci_print_text(printer, account->size < AMQPC_FRAME_HEADER_SIZE
                                       ? ", the header of a frame"
                                       : ", as frame.size says");
        break;
    }
}

/* What the bytes may be, if they are no frame at all. */
static const char *guess_protocol(const uint8_t *data)
{
    if (memcmp(data, "AMQP", 4) == 0) {
        return ": a protocol header (AMQP 2.2)?";
    }
    if (memcmp(data, "HTTP", 4) == 0) {
        return ": an answer by HTTP?";
    }
    /* Alert or handshake, SSL 3.0 or any TLS (RFC 8446, 5.1). */
    return (data[0] == 0x15 || data[0] == 0x16) && data[1] == 0x03 ? ": a record of TLS?" : "";
}

void amqpci_frame_found(amqpci_account *account)
{
    amqpci_printer *printer = &account->printer;
    const uint8_t *data = account->data;
    switch (account->status) {
    case AMQPC_FRAME_SIZE_TOO_SMALL:
    case AMQPC_FRAME_TOO_LARGE:
        amqpci_print_number_of(printer, amqpci_load32(data), "byte");
        amqpci_print_text(printer, guess_protocol(data));
        break;
    case AMQPC_BAD_DATA_OFFSET:
        amqpci_print_format(printer, "%u, in a frame of ", data[AMQPCI_FRAME_DATA_OFFSET_AT]);
        amqpci_print_number_of(printer, amqpci_load32(data), "byte");
        break;
    case AMQPC_UNKNOWN_FRAME_TYPE:
        amqpci_print_format(printer, "%u", data[AMQPCI_FRAME_TYPE_AT]);
        break;
    case AMQPC_BAD_CHANNEL:
        amqpci_print_format(printer, "%u", amqpci_load16(data + AMQPCI_FRAME_CHANNEL_AT));
        break;
    default: /* AMQPC_NEED_MORE */
        amqpci_print_number_of(printer, account->size, "byte");
        amqpci_print_format(printer, ", %zu missing%s", account->offset - account->size,
                            account->size < AMQPC_FRAME_HEADER_SIZE ? "" : guess_protocol(data));
        break;
    }
}
