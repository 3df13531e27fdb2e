/* What a sender keeps of a delivery: its payload, until it is settled, and what is rare about it.
 */
#include <string.h>

#include "base/memory.h"
#include "codec/store.h"
#include "codec/value_bound.h"
#include "engine/sender.h"
#include "engine/settlement.h"

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
        memcpy(extra->tag_storage, options->tag.data, options->tag.size);
    }
    return true;
}

amqpc_status amqpci_sender_keep_state(amqpc_link *link, amqpci_delivery *delivery,
                                      const amqpc_value *state)
{
    amqpci_delivery_store *store = &link->connection->deliveries;
    size_t bound = amqpci_value_bound(state);
    if (state->type != AMQPC_TYPE_DESCRIBED || bound == SIZE_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_delivery_need_extra(store, delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    void *place = store->allocator.allocate(store->allocator.context, bound);
    if (place == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpci_sink sink;
    amqpci_sink_init_fixed(&sink, place, bound);
    status = amqpci_store_value(&sink, state);
    if (status == AMQPC_OK && amqpci_sink_offset(&sink) > link->connection->remote_frame_size / 2) {
        status = AMQPC_INVALID_ARGUMENT;
    }
    if (status != AMQPC_OK) {
        amqpci_release(&store->allocator, place);
        return status;
    }
    delivery->extra->local_state = (amqpc_bytes){place, amqpci_sink_offset(&sink)};
    delivery->local_state = amqpci_state_code(state);
    return AMQPC_OK;
}

bool amqpci_sender_state(const amqpci_delivery *delivery, amqpc_value *state)
{
    if (!amqpci_delivery_has_extra(delivery) || delivery->extra->local_state.size == 0) {
        return false;
    }
    amqpc_bytes encoded = delivery->extra->local_state;
    *state = (amqpc_value){.type = AMQPC_TYPE_DESCRIBED, .count = 2};
    state->as.bytes = (amqpc_bytes){(const uint8_t *)encoded.data + 1, encoded.size - 1};
    /* Since then the application may have said another state, of which the bytes are not kept. */
    return amqpci_state_code(state) == delivery->local_state;
}

void amqpci_sender_drop_payload(amqpc_connection *connection, amqpci_delivery *delivery)
{
    amqpci_outgoing *out = &delivery->as.out;
    if (out->slab != NULL && !(delivery->flags & AMQPCI_DELIVERY_BORROWED)) {
        amqpci_output_slab_drop(&connection->output, out->slab);
    }
    out->slab = NULL;
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
    uint32_t waits = AMQPCI_DELIVERY_SUSPENDED | AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_RESUMING;
    if (delivery->flags & AMQPCI_DELIVERY_RESUMING) {
        amqpci_session_set_due(link->session); /* it waited for this */
    }
    if (over && !(delivery->flags & waits)) {
        delivery->flags |= sent ? 0u : (uint32_t)AMQPCI_DELIVERY_UNKNOWN;
        amqpci_link_finish_sent(link, delivery);
    }
}

void amqpci_sender_cut_payload(amqpc_connection *connection, amqpci_delivery *delivery)
{
    const amqpci_outgoing *out = &delivery->as.out;
    amqpci_output *output = &connection->output;
    if (!(delivery->flags & AMQPCI_DELIVERY_FLYING) ||
        amqpci_outgoing_framed_size(delivery) == out->size) {
        return;
    }
    for (uint32_t i = output->count; i-- > 0;) {
        amqpci_output_piece *piece =
            &output->pieces[(output->first + i) & (output->piece_capacity - 1)];
        bool lent = piece->slab == NULL && piece->delivery == NULL &&
                    piece->data >= out->borrowed && piece->data < out->borrowed + out->size;
        if (lent) {
            piece->delivery = delivery;
            return;
        }
    }
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_FLYING;
}

void amqpci_sender_leave_output(amqpc_link *link)
{
    amqpc_connection *connection = link->connection;
    amqpci_output *output = &connection->output;
    for (uint32_t i = 0; i < output->count; i++) {
        amqpci_delivery *delivery =
            output->pieces[(output->first + i) & (output->piece_capacity - 1)].delivery;
        if (delivery != NULL && delivery->link == link) {
            delivery->link = NULL;
            amqpci_delivery_free_extra(&connection->deliveries, delivery);
        }
    }
}

void amqpci_sender_became_straggler(void *context, void *straggler)
{
    amqpc_connection *connection = (amqpc_connection *)context;
    amqpci_delivery *delivery = (amqpci_delivery *)straggler;
    amqpci_outgoing *out = &delivery->as.out;
    if (delivery->flags & (AMQPCI_DELIVERY_BORROWED | AMQPCI_DELIVERY_QUEUED) ||
        out->slab == NULL || out->slab->capacity == out->size) {
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
    memcpy(own->data, amqpci_outgoing_payload(delivery), out->size);
    amqpci_output_slab_drop(&connection->output, out->slab);
    out->slab = own;
    out->offset = 0;
}
