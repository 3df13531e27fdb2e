/* Deliveries that are sent in pieces, as they are made (AMQP 2.7.5: more, aborted).
 *
 * The pieces go out as they come, and are not kept: such a delivery cannot be sent again. */
#include <string.h>

#include "engine/sender.h"

enum { CONTINUATION_MAX = 32 }; /* header and performative of a frame that is not the first */

amqpc_status amqpc_link_send_start(amqpc_link *link, const amqpc_send_options *options,
                                   uint64_t *number)
{
    amqpc_send_options chosen = amqpci_sender_options(link, options);
    amqpc_session *session = link->session;
    amqpci_delivery *delivery = NULL;
    amqpc_status status = chosen.by_reference ? AMQPC_INVALID_ARGUMENT
                                              : amqpci_sender_make(link, &chosen, 0, &delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    delivery->flags |= AMQPCI_DELIVERY_STREAMED | AMQPCI_DELIVERY_MORE;
    /* Its delivery-id is the next: so its first frame has to go before any other's. */
    status = session->remote_window == 0 || session->pending.first != NULL
                 ? AMQPC_LIMIT_REACHED
                 : amqpci_sender_write_frame(session, delivery);
    if (status != AMQPC_OK) {
        amqpci_sender_unmake(link, delivery);
        return status;
    }
    amqpci_sender_count(link);
    link->partial = delivery;
    link->partial_size = 0;
    if (number != NULL) {
        *number = amqpci_delivery_number(delivery);
    }
    return AMQPC_OK;
}

static bool is_streaming(const amqpc_link *link)
{
    return link->role == AMQPC_ROLE_SENDER && link->partial != NULL &&
           link->state == AMQPC_LINK_ATTACHED;
}

/* What a frame of the delivery that is not its first has beside the payload; at most 32 bytes more
 * than half of the frame (amqpci_sender_keep_state). */
static size_t overhead_of(const amqpci_delivery *delivery)
{
    return CONTINUATION_MAX +
           (amqpci_delivery_has_extra(delivery) ? delivery->extra->local_state.size : 0);
}

/* How many frames a piece takes at most. */
static size_t frame_count(const amqpc_link *link, size_t size)
{
    return size / (link->connection->remote_frame_size - overhead_of(link->partial)) + 1;
}

/* Whether the window, and the output's limit, have room for all of a piece. */
static bool has_room(const amqpc_link *link, size_t size)
{
    const amqpc_connection *connection = link->connection;
    return frame_count(link, size) <= link->session->remote_window &&
           link->session->pending.first == NULL &&
           connection->output.size + connection->pending_size < connection->output_size_max;
}

amqpc_status amqpc_link_send_chunk(amqpc_link *link, amqpc_bytes chunk)
{
    if (!is_streaming(link)) {
        return AMQPC_INVALID_STATE;
    }
    if (chunk.size > UINT32_MAX || link->partial_size > UINT64_MAX - chunk.size ||
        link->partial_size + chunk.size > link->remote_max_message_size) {
        return AMQPC_MESSAGE_TOO_LARGE;
    }
    if (chunk.size == 0) {
        return AMQPC_OK;
    }
    if (!has_room(link, chunk.size)) {
        return AMQPC_LIMIT_REACHED;
    }
    /* All frames of it, or none: the room is there before the first is written. */
    amqpci_delivery *delivery = link->partial;
    uint8_t *place = NULL;
    size_t frames = frame_count(link, chunk.size);
    size_t size = chunk.size + frames * (overhead_of(delivery) + 1024);
    amqpc_status status = amqpci_delivery_need_extra(&link->connection->deliveries, delivery);
    if (status == AMQPC_OK) {
        status = amqpci_output_reserve(&link->connection->output, size, &place);
    }
    if (status == AMQPC_OK) {
        status =
            amqpci_output_reserve_pieces(&link->connection->output, (uint32_t)(2 * frames + 2));
    }
    if (status != AMQPC_OK) {
        return status;
    }
    /* Large pieces are sent from where they lie: so they lie in the output's memory. */
    memcpy(place, chunk.data, chunk.size);
    amqpci_output_store(&link->connection->output, chunk.size);
    amqpci_outgoing *out = &delivery->as.out;
    amqpci_sender_point_to(delivery, link->connection->output.current, place);
    out->size = (uint32_t)chunk.size;
    delivery->extra->framed_size = 0;
    while (status == AMQPC_OK && delivery->extra->framed_size < out->size) {
        status = amqpci_sender_write_frame(link->session, delivery);
    }
    amqpci_sender_drop_payload(link->connection, delivery);
    out->size = 0;
    delivery->extra->framed_size = 0;
    link->partial_size += chunk.size;
    return status;
}

/* The last frame is written, or waits for the window. */
static amqpc_status end_delivery(amqpc_link *link, uint32_t more_flags)
{
    amqpci_delivery *delivery = link->partial;
    uint32_t before = delivery->flags;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_MORE;
    delivery->flags |= more_flags;
    amqpc_status status = amqpci_session_send(link->session, delivery);
    if (status == AMQPC_OK) {
        link->partial = NULL;
    } else {
        delivery->flags = before;
    }
    return status;
}

amqpc_status amqpc_link_send_finish(amqpc_link *link)
{
    return is_streaming(link) ? end_delivery(link, 0) : AMQPC_INVALID_STATE;
}

amqpc_status amqpc_link_send_abort(amqpc_link *link)
{
    if (!is_streaming(link)) {
        return AMQPC_INVALID_STATE;
    }
    amqpci_delivery *delivery = link->partial;
    if (delivery->flags & AMQPCI_DELIVERY_REMOTE_SETTLED) {
        return end_delivery(link, AMQPCI_DELIVERY_ABORTED);
    }
    uint32_t id = delivery->id;
    bool indexed = (delivery->flags & AMQPCI_DELIVERY_INDEXED) != 0;
    /* An aborted delivery is settled by that (AMQP 2.7.5). */
    amqpc_status status = end_delivery(link, AMQPCI_DELIVERY_ABORTED | AMQPCI_DELIVERY_SETTLED);
    if (status == AMQPC_OK && indexed) {
        (void)amqpci_delivery_index_remove(&link->session->outgoing, id);
        link->unsettled_count--;
    }
    return status;
}

void amqpci_sender_end_partial(amqpc_link *link)
{
    amqpci_delivery *delivery = link->partial;
    if (link->role != AMQPC_ROLE_SENDER || delivery == NULL) {
        return;
    }
    link->partial = NULL;
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_MORE;
    if (delivery->flags & AMQPCI_DELIVERY_REMOTE_SETTLED) {
        amqpci_link_finish_sent(link, delivery);
    } else if (delivery->flags & AMQPCI_DELIVERY_SETTLED) {
        amqpci_link_free_delivery(link, delivery);
    }
}
