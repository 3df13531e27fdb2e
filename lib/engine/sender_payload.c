/* What a sender keeps of a delivery: its payload, until it is settled, and what is rare about it.
 */
#include <string.h>

#include "base/memory.h"
#include "engine/sender.h"

bool amqpci_sender_set_rare(amqpci_delivery_store *store, amqpci_delivery *delivery,
                            const amqpc_send_options *options)
{
    if (amqpci_delivery_need_extra(store, delivery) != AMQPC_OK) {
        return false;
    }
    amqpci_delivery_extra *extra = delivery->extra;
    extra->message_format = options->message_format;
    extra->has_rcv_settle_mode = options->has_rcv_settle_mode;
    extra->rcv_settle_mode = options->rcv_settle_mode;
    extra->tag_size = (uint8_t)options->tag.size;
    if (options->tag.size > 0) {
        memcpy(extra->tag, options->tag.data, options->tag.size);
    }
    return true;
}

void amqpci_sender_drop_payload(amqpc_connection *connection, amqpci_delivery *delivery)
{
    amqpci_outgoing *out = &delivery->as.out;
    if (out->slab != NULL) {
        amqpci_output_slab_drop(&connection->output, out->slab);
        out->slab = NULL;
    }
    out->payload = NULL;
}

void amqpci_sender_payload_sent(amqpc_connection *connection, amqpci_delivery *delivery, bool sent)
{
    amqpc_link *link = delivery->link;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_FLYING;
    if (link == NULL) {
        amqpci_delivery_free(&connection->deliveries, delivery);
        return;
    }
    bool over = delivery->flags & (AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED);
    if (over && !(delivery->flags & (AMQPCI_DELIVERY_SUSPENDED | AMQPCI_DELIVERY_QUEUED))) {
        delivery->flags |= sent ? 0u : (uint32_t)AMQPCI_DELIVERY_UNKNOWN;
        amqpci_link_finish_sent(link, delivery);
    }
}

void amqpci_sender_became_straggler(void *context, void *straggler)
{
    amqpc_connection *connection = (amqpc_connection *)context;
    amqpci_delivery *delivery = (amqpci_delivery *)straggler;
    amqpci_outgoing *out = &delivery->as.out;
    if (out->slab == NULL || out->slab->capacity == out->size ||
        delivery->flags & AMQPCI_DELIVERY_QUEUED) {
        return;
    }
    amqpci_output_slab *own = (amqpci_output_slab *)connection->allocator.allocate(
        connection->allocator.context, sizeof *own + out->size);
    if (own == NULL) {
        return; /* it stays where it is */
    }
    own->next = NULL;
    own->references = 1;
    own->capacity = out->size;
    own->used = out->size;
    memcpy(own->data, out->payload, out->size);
    amqpci_output_slab_drop(&connection->output, out->slab);
    out->slab = own;
    out->payload = own->data;
}
