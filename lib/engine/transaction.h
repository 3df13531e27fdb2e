/* What the files about transactions share. */
#ifndef AMQPCI_ENGINE_TRANSACTION_H
#define AMQPCI_ENGINE_TRANSACTION_H

#include <amqpcodec/transaction.h>

#include "base/compiler.h"

/* A composite of AMQPC_FORM_ITEMS: `parts` becomes its descriptor and its fields. */
AMQPCI_INLINE amqpc_value amqpci_composite_value(amqpc_value parts[2], uint32_t type,
                                                 const amqpc_value *fields, uint32_t count)
{
    parts[0] = (amqpc_value){.type = AMQPC_TYPE_ULONG, .as.u64 = type};
    parts[1] = (amqpc_value){
        .type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = count, .as.items = fields};
    return (amqpc_value){
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
}

AMQPCI_INLINE amqpc_value amqpci_binary_value(amqpc_bytes bytes)
{
    return (amqpc_value){.type = AMQPC_TYPE_BINARY, .as.bytes = bytes};
}

#endif
