/* Frames of deliveries that are not plain: of several frames, by reference, in pieces, or that wait
 * for the session's window (AMQP 2.5.6, 2.7.5). */
#include <string.h>

#include "base/planted.h"
#include "base/serial.h"
#include "codec/sink.h"
#include "engine/sender.h"
#include "frame/frame_header.h"
#include "schema/generated/composite.h"

enum {
    HEAD_MAX = 96,   /* frame header and performative, without a state */
    COPIED_MAX = 512 /* a payload of no more than this is cheaper copied than sent from where it is
                      */
};

/* It was settled while it waited for its first frame, on a link that sends nothing settled (AMQP
 * 2.8.2): a disposition behind its last frame tells the peer. */
static bool is_settled_behind(const amqpci_delivery *delivery)
{
    uint32_t again = AMQPCI_DELIVERY_RESUMED | AMQPCI_DELIVERY_ANEW;
    bool resumes = (delivery->flags & again) == AMQPCI_DELIVERY_RESUMED;
    return delivery->flags & AMQPCI_DELIVERY_SETTLED && !resumes &&
           delivery->link->snd_settle_mode == AMQPC_SENDER_SETTLE_MODE_UNSETTLED;
}

/* What the first frame says of the delivery. */
static void fill_first(const amqpci_delivery *delivery, uint8_t *storage, amqpc_transfer *transfer)
{
    const amqpci_delivery_extra *extra =
        amqpci_delivery_has_extra(delivery) ? delivery->extra : NULL;
    transfer->present |= AMQPC_TRANSFER_DELIVERY_ID | AMQPC_TRANSFER_DELIVERY_TAG |
                         AMQPC_TRANSFER_MESSAGE_FORMAT | AMQPC_TRANSFER_SETTLED;
    transfer->delivery_id = delivery->id;
    transfer->delivery_tag = amqpci_delivery_tag(delivery, AMQPC_ROLE_SENDER, storage);
    transfer->message_format = extra == NULL ? 0 : extra->message_format;
    transfer->settled = (delivery->flags & AMQPCI_DELIVERY_SETTLED) && !is_settled_behind(delivery);
    if (extra != NULL && extra->has_rcv_settle_mode) {
        transfer->present |= AMQPC_TRANSFER_RCV_SETTLE_MODE;
        transfer->rcv_settle_mode = extra->rcv_settle_mode;
    }
    uint32_t again = AMQPCI_DELIVERY_RESUMED | AMQPCI_DELIVERY_ANEW;
    if ((delivery->flags & again) == AMQPCI_DELIVERY_RESUMED) {
        transfer->present |= AMQPC_TRANSFER_RESUME;
        transfer->resume = true;
    }
    if (delivery->flags & AMQPCI_DELIVERY_BATCHABLE) {
        transfer->present |= AMQPC_TRANSFER_BATCHABLE;
        transfer->batchable = true;
    }
}

/* Header and performative at `place`; `*head_size` bytes. The payload's bytes behind them are
 * `*chunk_size`, what a frame may hold. */
static amqpc_status put_head(const amqpc_session *session, const amqpci_delivery *delivery,
                             uint8_t *place, size_t capacity, size_t *head_size,
                             uint32_t *chunk_size)
{
    uint32_t frame_size = session->connection->remote_frame_size + (AMQPCI_PLANTED(13) ? 64 : 0);
    uint32_t rest = delivery->as.out.size - amqpci_outgoing_framed_size(delivery);
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    amqpc_transfer transfer;
    transfer.present = AMQPC_TRANSFER_HANDLE;
    transfer.handle = delivery->link->local_handle;
    if (!(delivery->flags & AMQPCI_DELIVERY_STARTED)) {
        fill_first(delivery, storage, &transfer);
    }
    /* Each frame says which transaction it belongs to (AMQP 4.4.1). */
    if (amqpci_sender_state(delivery, &transfer.state)) {
        transfer.present |= AMQPC_TRANSFER_STATE;
    }
    if (delivery->flags & AMQPCI_DELIVERY_ABORTED) {
        transfer.present |= AMQPC_TRANSFER_ABORTED;
        transfer.aborted = true;
        rest = 0;
    }
    bool more = (delivery->flags & AMQPCI_DELIVERY_MORE) != 0 || rest > 0;
    for (;;) {
        amqpci_sink sink;
        amqpci_sink_init_fixed(&sink, place, capacity);
        sink.position += AMQPC_FRAME_HEADER_SIZE;
        transfer.present &= ~(uint32_t)AMQPC_TRANSFER_MORE;
        transfer.present |= more ? AMQPC_TRANSFER_MORE : 0u;
        transfer.more = more;
        amqpc_status status = amqpci_encode_transfer(&sink, &transfer);
        if (status != AMQPC_OK) {
            return status == AMQPC_BUFFER_FULL ? AMQPC_FRAME_TOO_LARGE : status;
        }
        *head_size = amqpci_sink_offset(&sink);
        if (*head_size > frame_size) {
            return AMQPC_FRAME_TOO_LARGE;
        }
        uint32_t room = frame_size - (uint32_t)*head_size;
        *chunk_size = rest < room ? rest : room;
        if (!more || *chunk_size < rest || delivery->flags & AMQPCI_DELIVERY_MORE) {
            break;
        }
        more = false; /* all of it fits: once more, without `more` */
    }
    amqpci_store32(place + AMQPCI_FRAME_SIZE_AT, (uint32_t)*head_size + *chunk_size);
    place[AMQPCI_FRAME_DATA_OFFSET_AT] = AMQPCI_DATA_OFFSET_MIN;
    place[AMQPCI_FRAME_TYPE_AT] = AMQPC_FRAME_AMQP;
    amqpci_store16(place + AMQPCI_FRAME_CHANNEL_AT, session->local_channel);
    return AMQPC_OK;
}

/* Header, and the payload behind it, copied or by a piece of its own. */
static void put_frame(amqpc_session *session, amqpci_delivery *delivery, uint8_t *place,
                      size_t head_size, uint32_t chunk_size)
{
    amqpc_connection *connection = session->connection;
    const amqpci_outgoing *out = &delivery->as.out;
    uint32_t framed_size = amqpci_outgoing_framed_size(delivery);
    const uint8_t *chunk = chunk_size == 0 ? NULL : amqpci_outgoing_payload(delivery) + framed_size;
    bool borrowed = (delivery->flags & AMQPCI_DELIVERY_BORROWED) != 0;
    bool flies = borrowed && !AMQPCI_PLANTED(11);
    bool is_last = framed_size + chunk_size == out->size;
    bool copied = !borrowed && chunk_size <= COPIED_MAX;
    if (copied) {
        if (chunk_size > 0) {
            memcpy(place + head_size, chunk, chunk_size);
        }
        amqpci_output_commit(&connection->output, head_size + chunk_size);
    } else {
        amqpci_output_commit(&connection->output, head_size);
        if (chunk_size > 0) {
            amqpci_output_add_piece(&connection->output, chunk, chunk_size,
                                    borrowed ? NULL : out->slab,
                                    flies && is_last ? delivery : NULL);
            delivery->flags |= flies ? AMQPCI_DELIVERY_FLYING : 0u;
        }
    }
    if (connection->trace != NULL) {
        amqpci_trace_frames(connection->trace, true, place, head_size + chunk_size);
    }
    connection->frames_sent++;
    if (amqpci_delivery_has_extra(delivery)) {
        delivery->extra->framed_size = framed_size + chunk_size;
    }
    session->next_outgoing_id = amqpci_serial_add(session->next_outgoing_id, 1);
    session->remote_window--;
    session->window_was_closed = session->remote_window == 0;
    delivery->flags |= AMQPCI_DELIVERY_STARTED;
}

/* A delivery that waited for its first frame waits no more. */
static void count_started(amqpc_link *link)
{
    link->waiting_count--;
    if (link->waiting_count == 0 && link->drained_when_sent) {
        link->drained_when_sent = false;
        amqpci_link_give_credit_back(link);
    }
}

/* Whether so many bytes are all that is not in frames yet. */
static bool is_rest(const amqpci_delivery *delivery, uint32_t chunk_size)
{
    return delivery->as.out.size - amqpci_outgoing_framed_size(delivery) == chunk_size;
}

amqpc_status amqpci_sender_write_frame(amqpc_session *session, amqpci_delivery *delivery)
{
    amqpc_connection *connection = session->connection;
    size_t head_size = 0;
    uint32_t chunk_size = 0;
    uint8_t *place = NULL;
    size_t state_size = amqpci_delivery_has_extra(delivery) ? delivery->extra->local_state.size : 0;
    size_t capacity = HEAD_MAX + state_size;
    amqpc_status status = amqpci_output_reserve_pieces(&connection->output, 3);
    if (status == AMQPC_OK) {
        status = amqpci_output_reserve(&connection->output, capacity + COPIED_MAX, &place);
    }
    if (status == AMQPC_OK) {
        status = put_head(session, delivery, place, capacity, &head_size, &chunk_size);
    }
    if (status == AMQPC_OK && !is_rest(delivery, chunk_size)) {
        status = amqpci_delivery_need_extra(&connection->deliveries, delivery);
    }
    if (status == AMQPC_OK) {
        uint32_t queued = delivery->flags & (AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_STARTED);
        put_frame(session, delivery, place, head_size, chunk_size);
        if (queued == AMQPCI_DELIVERY_QUEUED) {
            count_started(delivery->link);
        }
    }
    return status;
}

/* All frames of the delivery are written. */
static bool is_framed(const amqpci_delivery *delivery)
{
    if (delivery->flags & AMQPCI_DELIVERY_STREAMED) {
        return (delivery->flags & AMQPCI_DELIVERY_ENDED) != 0;
    }
    return delivery->flags & AMQPCI_DELIVERY_STARTED &&
           amqpci_outgoing_framed_size(delivery) == delivery->as.out.size;
}

/* Nothing more of it is to be written: what was settled before is forgotten. */
static void framed(amqpci_delivery *delivery)
{
    amqpc_link *link = delivery->link;
    bool over = delivery->flags & (AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED);
    if (!over || delivery->flags & AMQPCI_DELIVERY_FLYING) {
        return;
    }
    uint32_t told =
        AMQPCI_DELIVERY_BORROWED | AMQPCI_DELIVERY_REMOTE_SETTLED | AMQPCI_DELIVERY_UPDATED;
    if (delivery->flags & told || AMQPCI_PLANTED(9)) {
        amqpci_link_finish_sent(link, delivery);
    } else {
        amqpci_link_free_delivery(link, delivery);
    }
}

/* One frame, and where a delivery in pieces has ended, its last. */
static amqpc_status write_next(amqpc_session *session, amqpci_delivery *delivery)
{
    amqpc_status status = amqpci_sender_write_frame(session, delivery);
    if (status == AMQPC_OK && delivery->flags & AMQPCI_DELIVERY_STREAMED &&
        !(delivery->flags & AMQPCI_DELIVERY_MORE) &&
        amqpci_outgoing_framed_size(delivery) == delivery->as.out.size) {
        delivery->flags |= AMQPCI_DELIVERY_ENDED;
    }
    return status;
}

amqpc_status amqpci_session_send(amqpc_session *session, amqpci_delivery *delivery)
{
    amqpc_connection *connection = session->connection;
    bool first = true;
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && session->remote_window > 0 && session->pending.first == NULL &&
           !is_framed(delivery)) {
        status = write_next(session, delivery);
        if (status != AMQPC_OK && first) {
            return status;
        }
        first = false;
    }
    if (is_framed(delivery)) {
        amqpci_delivery_framed(&connection->deliveries, delivery);
        framed(delivery);
        return AMQPC_OK;
    }
    /* The rest waits; what could not be written for lack of memory is tried again. */
    delivery->flags |= AMQPCI_DELIVERY_QUEUED;
    delivery->link->waiting_count += !(delivery->flags & AMQPCI_DELIVERY_STARTED);
    connection->pending_size += delivery->as.out.size;
    amqpci_delivery_list_append(&session->pending, delivery);
    if (session->remote_window > 0) {
        amqpci_session_set_due(session);
    }
    return AMQPC_OK;
}

/* It is pending no more; what the peer said of it meanwhile is an update now. */
static void leave_queue(amqpci_delivery *delivery)
{
    bool told = delivery->flags & AMQPCI_DELIVERY_TOLD;
    delivery->flags &= ~(uint32_t)(AMQPCI_DELIVERY_QUEUED | AMQPCI_DELIVERY_TOLD);
    if (told) {
        amqpci_link_add_update(delivery->link, delivery);
    }
}

void amqpci_sender_drop_rest(amqpci_delivery *delivery)
{
    amqpc_connection *connection = delivery->link->connection;
    leave_queue(delivery);
    amqpci_sender_cut_payload(connection, delivery);
    bool over = delivery->flags & (AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED);
    if (is_framed(delivery)) {
        amqpci_delivery_framed(&connection->deliveries, delivery);
    } else if (over) {
        delivery->flags |= AMQPCI_DELIVERY_UNKNOWN;
    }
    framed(delivery);
}

static amqpci_delivery *take_pending(amqpc_session *session)
{
    amqpci_delivery *first = amqpci_delivery_list_take(&session->pending);
    session->connection->pending_size -= first->as.out.size;
    return first;
}

amqpc_status amqpci_session_send_pending(amqpc_session *session)
{
    while (session->pending.first != NULL && session->remote_window > 0) {
        amqpci_delivery *first = session->pending.first;
        while (session->remote_window > 0 && !is_framed(first)) {
            amqpc_status status = write_next(session, first);
            if (status != AMQPC_OK) {
                return status;
            }
        }
        if (is_framed(first) && is_settled_behind(first)) {
            amqpc_status status = amqpci_session_add_range(session, AMQPC_ROLE_SENDER, first->id,
                                                           first->id, AMQPC_COMPOSITE_NONE, true);
            if (status != AMQPC_OK) {
                return status;
            }
        }
        if (is_framed(first)) {
            amqpci_sender_drop_rest(take_pending(session));
        }
    }
    return AMQPC_OK;
}

void amqpci_session_drop_pending(amqpc_session *session)
{
    while (session->pending.first != NULL) {
        amqpci_delivery *delivery = take_pending(session);
        delivery->link->waiting_count -= !(delivery->flags & AMQPCI_DELIVERY_STARTED);
        amqpci_sender_drop_rest(delivery);
    }
}
