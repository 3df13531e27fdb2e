/* An account of what is wrong with bytes, while it is put together. */
#ifndef AMQPCI_EXPLAIN_ACCOUNT_H
#define AMQPCI_EXPLAIN_ACCOUNT_H

#include <amqpcodec/explain.h>
#include <amqpcodec/performative.h>

#include "codec/explain.h"

typedef struct amqpci_account {
    amqpci_printer printer;
    amqpc_input input;
    amqpc_limits limits;
    const uint8_t *data; /* all that was given */
    size_t size;
    amqpc_status status;
    size_t offset; /* as the decoder gave it */
    bool is_sasl;  /* the performative is one of SASL */

    /* Of a fault within values: the way to it, and the field of a composite that it is in. */
    amqpci_trail trail;
    const amqpc_composite_info *composite; /* NULL where there is no field */
    const amqpc_field_info *field;         /* NULL where there is none */
} amqpci_account;

/* Whether the fault is in the header of a frame, or the frame is not whole. */
static inline bool amqpci_account_is_frame(const amqpci_account *account)
{
    return account->status == AMQPC_NEED_MORE ||
           (account->status >= AMQPC_FRAME_SIZE_TOO_SMALL && account->status <= AMQPC_BAD_CHANNEL);
}

/* The three parts of an account, one line each without its end. The ones of values know the
 * encoding's statuses; those of composites the rest that a trail leads to, sections included. */
void amqpci_value_expected(amqpci_account *account);
void amqpci_value_found(amqpci_account *account);
void amqpci_composite_expected(amqpci_account *account);
void amqpci_composite_found(amqpci_account *account);
void amqpci_frame_place(amqpci_account *account);
void amqpci_frame_expected(amqpci_account *account);
void amqpci_frame_found(amqpci_account *account);

/* How many bytes of the frame's header are at fault. */
size_t amqpci_frame_fault_size(const amqpci_account *account);

/* What may stand in a field: its type, format codes, choices. */
void amqpci_print_field_type(amqpci_printer *printer, const amqpc_composite_info *composite,
                             const amqpc_field_info *field);

/* A few lines of bytes in hexadecimal, with `fault_size` bytes from `offset` on in brackets. */
void amqpci_print_bytes_window(amqpci_printer *printer, const uint8_t *data, size_t size,
                               size_t offset, size_t fault_size);

#endif
