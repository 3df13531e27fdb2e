/* Recovery of links (AMQP 2.6.13). */
#include "engine/settlement.h"

amqpc_status amqpci_recovery_encode_unsettled(amqpc_link *link, size_t size_max,
                                              amqpc_bytes *encoded, bool *incomplete)
{
    (void)link;
    (void)size_max;
    *encoded = (amqpc_bytes){NULL, 0};
    *incomplete = false;
    return AMQPC_OK;
}

amqpc_status amqpci_recovery_reconcile(amqpc_link *link, const amqpc_attach *attach)
{
    (void)link;
    (void)attach;
    return AMQPC_OK;
}

amqpc_status amqpci_recovery_take_resumed(amqpc_link *link, const amqpc_transfer *transfer,
                                          amqpci_delivery **delivery)
{
    (void)link;
    (void)transfer;
    *delivery = NULL;
    return AMQPC_OK;
}

amqpc_status amqpc_link_export(const amqpc_link *link, amqpc_buffer *buffer)
{
    (void)link;
    (void)buffer;
    return AMQPC_UNSUPPORTED;
}

amqpc_status amqpc_link_import(amqpc_link *link, const void *data, size_t size)
{
    (void)link;
    (void)data;
    (void)size;
    return AMQPC_UNSUPPORTED;
}

amqpc_status amqpc_link_next_unsettled(const amqpc_link *link, uint64_t after,
                                       amqpc_unsettled *unsettled)
{
    (void)link;
    (void)after;
    (void)unsettled;
    return AMQPC_UNSUPPORTED;
}
