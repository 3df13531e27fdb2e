/* What is wrong with bytes: decodes them once more, follows the way to the place at fault, and
 * tells what may stand there and what does. */
#include <amqpcodec/explain.h>
#include <amqpcodec/frame.h>
#include <amqpcodec/message.h>

#include "base/limits.h"
#include "explain/path.h"

/* Decodes with the decoder that failed. Gives, of a performative in a frame, where the body begins.
 */
static amqpc_status decode(amqpci_account *account, size_t *body_at)
{
    const amqpc_limits *limits = &account->limits;
    size_t *offset = &account->offset;
    amqpc_performative performative;
    amqpc_message message;
    amqpc_value value;
    amqpc_frame frame = {0};
    switch (account->input) {
    case AMQPC_INPUT_VALUE:
        return amqpc_value_decode(account->data, account->size, limits, &value, offset);
    case AMQPC_INPUT_MESSAGE:
        return amqpc_message_decode(account->data, account->size, limits, &message, offset);
    case AMQPC_INPUT_FRAME: {
        amqpc_status status =
            amqpc_frame_decode(account->data, account->size, limits, &frame, &performative, offset);
        account->is_sasl = frame.type == AMQPC_FRAME_SASL;
        *body_at = (size_t)frame.data_offset * 4;
        account->size = frame.size > 0 ? frame.size : account->size;
        return status;
    }
    default:
        account->is_sasl = account->input == AMQPC_INPUT_SASL;
        return amqpc_performative_decode(account->is_sasl ? AMQPC_FRAME_SASL : AMQPC_FRAME_AMQP,
                                         account->data, account->size, limits, &performative,
                                         offset);
    }
}

static void find_trail(amqpci_account *account, size_t body_at)
{
    amqpci_trail *trail = &account->trail;
    trail->status = account->status;
    trail->input = account->data;
    trail->position = account->data + account->offset;
    amqpci_trail_find(trail, account->data + body_at, account->data + account->size,
                      account->input == AMQPC_INPUT_MESSAGE ? UINT32_MAX : 1);
    amqpci_find_field(account);
}

static void print_success(amqpci_account *account, size_t size)
{
    static const char *const names[] = {
        [AMQPC_INPUT_VALUE] = "value",
        [AMQPC_INPUT_PERFORMATIVE] = "performative",
        [AMQPC_INPUT_SASL] = "performative of SASL",
        [AMQPC_INPUT_MESSAGE] = "message",
        [AMQPC_INPUT_FRAME] = "frame",
    };
    amqpci_print_format(&account->printer, "OK: a %s of ", names[account->input]);
    amqpci_print_number_of(&account->printer, account->offset, "byte");
    amqpci_print_text(&account->printer, " is in order");
    if (size > account->offset) {
        amqpci_print_text(&account->printer, "; ");
        amqpci_print_number_of(&account->printer, size - account->offset, "byte");
        amqpci_print_text(&account->printer, size - account->offset == 1 ? " follows" : " follow");
    }
    amqpci_print_text(&account->printer, "\n");
}

static void print_trail_lines(amqpci_account *account)
{
    bool is_encoding = account->status < AMQPC_UNKNOWN_DESCRIPTOR;
    amqpci_print_path(account);
    amqpci_print_text(&account->printer, " (");
    amqpci_print_place(&account->printer, &account->trail);
    amqpci_print_text(&account->printer, ")\n  expected: ");
    if (is_encoding) {
        amqpci_value_expected(account);
    } else {
        amqpci_composite_expected(account);
    }
    amqpci_print_text(&account->printer, "\n  found:    ");
    if (is_encoding) {
        amqpci_value_found(account);
    } else {
        amqpci_composite_found(account);
    }
}

static void print_failure(amqpci_account *account, size_t body_at)
{
    size_t fault_size = 0;
    amqpci_print_format(&account->printer,
                        "%s at offset %zu: %s\n  where:    ", amqpc_status_name(account->status),
                        account->offset, amqpc_status_text(account->status));
    if (amqpci_account_is_frame(account)) {
        amqpci_frame_place(account);
        amqpci_print_text(&account->printer, "\n  expected: ");
        amqpci_frame_expected(account);
        amqpci_print_text(&account->printer, "\n  found:    ");
        amqpci_frame_found(account);
        fault_size = amqpci_frame_fault_size(account);
    } else {
        find_trail(account, body_at);
        print_trail_lines(account);
        fault_size = amqpci_trail_fault_size(&account->trail);
    }
    amqpci_print_text(&account->printer, "\n  bytes:\n");
    amqpci_print_bytes_window(&account->printer, account->data, account->size, account->offset,
                              fault_size);
}

amqpc_status amqpc_explain(amqpc_input input, const void *data, size_t size,
                           const amqpc_limits *limits, amqpc_buffer *buffer)
{
    static const uint8_t nothing[1] = {0};
    if ((unsigned)input > AMQPC_INPUT_FRAME || amqpc_limits_check(limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpci_account account = {
        .printer = amqpci_printer_start(AMQPC_PRINT_TEXT, buffer),
        .input = input,
        .limits = limits == NULL ? amqpci_default_limits : *limits,
        .data = size == 0 ? nothing : (const uint8_t *)data,
        .size = size,
    };
    size_t body_at = 0;
    account.status = decode(&account, &body_at);
    if (account.status == AMQPC_OK) {
        print_success(&account, size);
    } else {
        print_failure(&account, body_at);
    }
    return amqpci_printer_finish(&account.printer);
}
