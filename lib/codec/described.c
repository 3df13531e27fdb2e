/* The two parts of a described value. */
#include "codec/described.h"

amqpc_status amqpci_described_parts(const amqpc_value *described, amqpc_value *descriptor,
                                    amqpc_value *value)
{
    if (described->type != AMQPC_TYPE_DESCRIBED) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_value parts[2];
    size_t count = 0;
    if (described->form == AMQPC_FORM_ITEMS) {
        if (described->count != 2) {
            return AMQPC_INVALID_ARGUMENT;
        }
        parts[0] = described->as.items[0];
        parts[1] = described->as.items[1];
    } else {
        amqpc_items items;
        amqpc_status status = amqpc_items_init(described, &items);
        if (status == AMQPC_OK) {
            status = amqpc_items_next(&items, parts, 2, &count);
        }
        if (status != AMQPC_OK || count != 2) {
            return AMQPC_INVALID_ARGUMENT;
        }
    }
    *descriptor = parts[0];
    *value = parts[1];
    return AMQPC_OK;
}
