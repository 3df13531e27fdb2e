/* Receiving deliveries: transfers come in, and the application takes what has arrived (AMQP 2.6.12,
 * 2.7.5). */
#include <string.h>

#include "base/byte_order.h"
#include "base/planted.h"
#include "base/serial.h"
#include "engine/link.h"

/* --- In. */

/* The most that a delivery of the link may have. */
static uint64_t size_max_of(const amqpc_link *link)
{
    return link->max_message_size > 0 ? link->max_message_size : link->connection->message_size;
}

/* What was wrong with a transfer ends the link; what it took of the session is counted. */
static void fail_link(amqpc_link *link, amqpc_status status)
{
    amqpci_link_fail(link, status);
}

/* The window, and the delivery-id that has to follow. */
AMQPCI_INLINE void count_frame(amqpc_session *session, const amqpc_transfer *transfer, bool first)
{
    (void)amqpci_session_count_transfer(session);
    if (first) {
        session->next_delivery_id = amqpci_serial_add(transfer->delivery_id, 1);
        session->delivery_id_known = true;
    }
    if (AMQPCI_UNLIKELY(session->incoming_window <= session->incoming_window_max / 2)) {
        amqpci_session_renew_window(session);
    }
}

/* The peer's delivery-ids begin anywhere (AMQP 2.8.7). */
AMQPCI_INLINE void expect_id(amqpc_session *session, const amqpc_transfer *transfer)
{
    if (AMQPCI_UNLIKELY(!session->delivery_id_known)) {
        amqpci_delivery_index_init(&session->incoming, transfer->delivery_id);
    }
}

/* A delivery's first frame has to say what it is (AMQP 2.7.5). */
AMQPCI_INLINE amqpc_status check_first(const amqpc_session *session, const amqpc_transfer *transfer)
{
    uint32_t needed = AMQPC_TRANSFER_DELIVERY_ID | AMQPC_TRANSFER_DELIVERY_TAG;
    if (AMQPCI_UNLIKELY((transfer->present & needed) != needed ||
                        transfer->delivery_tag.size > AMQPC_DELIVERY_TAG_MAX)) {
        return AMQPC_INVALID_FIELD;
    }
    if (AMQPCI_UNLIKELY(session->delivery_id_known &&
                        transfer->delivery_id != session->next_delivery_id)) {
        return AMQPC_BAD_DELIVERY_ID;
    }
    return AMQPC_OK;
}

/* Bytes of deliveries that have arrived in part, whose sum is limited. */
static bool count_partial(amqpc_connection *connection, uint64_t more)
{
    connection->partial_size += more;
    return connection->partial_size <= connection->partial_size_max;
}

static void uncount_partial(amqpc_link *link, const amqpci_delivery *delivery)
{
    if (!link->streaming) {
        link->connection->partial_size -= delivery->as.in.size;
    }
}

/* Puts what has arrived into the queue of what the application has not taken. */
AMQPCI_INLINE void queue_unread(amqpc_link *link, amqpci_delivery *delivery)
{
    if (!(delivery->flags & AMQPCI_DELIVERY_QUEUED)) {
        delivery->flags |= AMQPCI_DELIVERY_QUEUED;
        amqpci_delivery_list_append(&link->unread, delivery);
        link->unread_count++;
    }
    if (AMQPCI_LIKELY(!link->released)) {
        amqpci_link_raise(link, AMQPC_EVENT_DELIVERIES);
    }
}

/* Where the transfer has the state at the sender (AMQP 2.7.5): the application's view of it holds
 * as long as that of the payload. Later frames repeat it (AMQP 4.4.1). */
static void set_sent_state(amqpci_delivery *delivery, const amqpc_transfer *transfer)
{
    amqpc_bytes *sent = &delivery->extra->sent_state;
    *sent = (amqpc_bytes){NULL, 0};
    if (transfer->present & AMQPC_TRANSFER_STATE) {
        /* The byte before the descriptor, 0x00, belongs to the encoding. */
        amqpc_bytes content = transfer->state.as.bytes;
        *sent = (amqpc_bytes){(const uint8_t *)content.data - 1, content.size + 1};
    }
}

/* Bytes from the tag to the payload; more than AMQPCI_NEAR_TAG_MAX where they are not neighbours.
 */
AMQPCI_INLINE uintptr_t tag_distance_of(const void *tag, const void *payload)
{
    return (uintptr_t)payload - (uintptr_t)tag;
}

/* Whether the delivery has what most have not: a state at the sender, a mode of its own, a format,
 * pieces, or a tag that is long or far from the payload. */
AMQPCI_INLINE bool is_rare(const amqpc_link *link, const amqpc_transfer *transfer,
                           uintptr_t tag_distance)
{
    return transfer->present & (AMQPC_TRANSFER_STATE | AMQPC_TRANSFER_RCV_SETTLE_MODE) ||
           link->streaming || link->rcv_settle_mode != AMQPC_RECEIVER_SETTLE_MODE_FIRST ||
           transfer->message_format != 0 || transfer->delivery_tag.size > AMQPCI_SHORT_TAG_MAX ||
           tag_distance > AMQPCI_NEAR_TAG_MAX;
}

static amqpc_status keep_rare(amqpc_link *link, amqpci_delivery *delivery,
                              const amqpc_transfer *transfer)
{
    amqpci_delivery_store *store = &link->connection->deliveries;
    amqpc_status status = amqpci_delivery_need_extra(store, delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    delivery->extra->message_format = transfer->message_format;
    /* Pieces that come later need the tag, and the slab of the first may be gone by then. */
    amqpci_copy(delivery->extra->tag_storage, (const uint8_t *)transfer->delivery_tag.data,
                transfer->delivery_tag.size);
    if (transfer->present & AMQPC_TRANSFER_STATE) {
        /* A copy too: a disposition may change it. */
        status = amqpci_settlement_keep_state(store, delivery, true, &transfer->state);
        set_sent_state(delivery, transfer);
    }
    if (transfer->present & AMQPC_TRANSFER_RCV_SETTLE_MODE
            ? transfer->rcv_settle_mode == AMQPC_RECEIVER_SETTLE_MODE_SECOND
            : link->rcv_settle_mode == AMQPC_RECEIVER_SETTLE_MODE_SECOND) {
        delivery->flags |= AMQPCI_DELIVERY_MODE_SECOND;
    }
    return status;
}

static void became_straggler(void *connection, void *delivery)
{
    amqpci_receiver_became_straggler((amqpc_connection *)connection, (amqpci_delivery *)delivery);
}

/* A delivery for a first frame, in the index where it is unsettled. AMQPC_NO_MEMORY. */
AMQPCI_INLINE amqpc_status make_delivery(amqpc_link *link, const amqpc_transfer *transfer,
                                         uintptr_t tag_distance, amqpci_delivery **delivery)
{
    amqpc_connection *connection = link->connection;
    amqpci_delivery *made = amqpci_delivery_make(&connection->deliveries);
    if (AMQPCI_UNLIKELY(made == NULL)) {
        return AMQPC_NO_MEMORY;
    }
    made->link = link;
    made->next = NULL;
    made->id = transfer->delivery_id;
    made->epoch = link->epoch;
    made->flags = transfer->settled ? AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED : 0u;
    made->local_state = AMQPC_COMPOSITE_NONE;
    made->remote_state = AMQPC_COMPOSITE_NONE;
    made->tag_size = (uint8_t)transfer->delivery_tag.size;
    made->context = 0;
    amqpc_status status = AMQPC_OK;
    if (AMQPCI_UNLIKELY(is_rare(link, transfer, tag_distance))) {
        status = keep_rare(link, made, transfer);
    }
    if (AMQPCI_LIKELY(status == AMQPC_OK && !transfer->settled)) {
        status = amqpci_delivery_index_add(&link->session->incoming, &connection->allocator,
                                           made->id, made, became_straggler, connection);
    }
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        amqpci_delivery_free(&connection->deliveries, made);
        return status;
    }
    if (!transfer->settled) {
        made->flags |= AMQPCI_DELIVERY_INDEXED;
        link->unsettled_count++;
    }
    *delivery = made;
    return AMQPC_OK;
}

/* Points the delivery at tag and payload where they lie. */
AMQPCI_INLINE void set_view(amqpc_link *link, amqpci_delivery *delivery, const void *tag,
                            uintptr_t tag_distance, amqpc_bytes payload)
{
    amqpci_incoming *in = &delivery->as.in;
    amqpci_input *input = &link->connection->input;
    const uint8_t *data = (const uint8_t *)payload.data;
    in->slab = amqpci_input_hold(input, data + payload.size);
    in->offset = (uint32_t)(data - input->data);
    in->size = (uint32_t)payload.size;
    delivery->tag_distance = (uint8_t)tag_distance;
    if (AMQPCI_UNLIKELY(tag_distance > AMQPCI_NEAR_TAG_MAX)) {
        delivery->tag_distance = 0;
        delivery->extra->tag = (const uint8_t *)tag;
    }
}

/* As set_view, of a piece that is not the first: its tag is put before its payload, over what is
 * done with of the frame, or both are copied where it does not fit. AMQPC_NO_MEMORY. */
static amqpc_status set_piece(amqpc_link *link, amqpci_delivery *delivery, amqpc_bytes payload)
{
    const amqpci_input *input = &link->connection->input;
    uint8_t *frame = input->data + input->parsed;
    size_t room = AMQPC_FRAME_HEADER_SIZE;
    if (payload.size > 0) {
        room = (size_t)((const uint8_t *)payload.data - frame);
    } else {
        payload.data = frame + room;
    }
    if (delivery->tag_size <= room) {
        memcpy(frame, delivery->extra->tag_storage, delivery->tag_size);
        set_view(link, delivery, frame, room, payload);
        return AMQPC_OK;
    }
    set_view(link, delivery, delivery->extra->tag_storage, UINTPTR_MAX, payload);
    amqpc_status status = amqpci_receiver_copy_out(link->connection, delivery);
    if (status != AMQPC_OK) {
        amqpci_receiver_drop_bytes(link, delivery);
    }
    return status;
}

/* All of the delivery is there. */
AMQPCI_INLINE void complete(amqpc_link *link, amqpci_delivery *delivery)
{
    link->connection->deliveries_received++;
    queue_unread(link, delivery);
    if (AMQPCI_UNLIKELY(link->drain)) {
        amqpci_link_refill(link); /* it may have been the last that there was credit for */
    }
}

/* A delivery that the sender gave up is settled by that, and dropped (AMQP 2.7.5). */
static void abort_delivery(amqpc_link *link, amqpci_delivery *delivery)
{
    link->partial = NULL;
    uncount_partial(link, delivery);
    amqpci_receiver_drop_bytes(link, delivery);
    amqpci_receiver_forget(link, delivery);
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_MORE;
    delivery->flags |= AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_ABORTED;
    if (link->streaming) {
        queue_unread(link, delivery);
    } else {
        amqpci_link_free_delivery(link, delivery);
        amqpci_link_refill(link); /* nobody will take it */
    }
}

/* A delivery has begun: window, delivery-id and credit. */
AMQPCI_INLINE void count_delivery(amqpc_link *link, const amqpc_transfer *transfer)
{
    count_frame(link->session, transfer, true);
    link->delivery_count = amqpci_serial_add(link->delivery_count, 1);
    link->credit -= link->credit > 0;
    link->advertised -= link->advertised > 0;
}

/* The first frame of several, or of one that is given up with it. */
static void begin_partial(amqpc_link *link, amqpci_delivery *delivery,
                          const amqpc_transfer *transfer, amqpc_bytes payload)
{
    delivery->flags |= AMQPCI_DELIVERY_MORE;
    link->partial = delivery;
    link->partial_size = link->streaming ? payload.size : 0;
    bool room = link->streaming || count_partial(link->connection, payload.size);
    if (transfer->aborted) {
        abort_delivery(link, delivery);
    } else if (!room) {
        fail_link(link, AMQPC_RESOURCE_LIMIT);
    } else if (link->streaming) {
        queue_unread(link, delivery);
    } else {
        link->connection->input.assembled = delivery;
    }
}

/* What comes back uses credit up, but is not one more that is unsettled, or that is taken. */
static void check_credit(amqpc_link *link)
{
    amqpci_link_refill(link);
    if (link->advertised < link->credit) {
        amqpci_link_check_credit(link);
    }
}

static amqpc_status take_first(amqpc_link *link, const amqpc_transfer *transfer,
                               amqpc_bytes payload)
{
    amqpc_session *session = link->session;
    amqpc_status status = check_first(session, transfer);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    expect_id(session, transfer);
    amqpc_status fault = AMQPC_OK;
    if (AMQPCI_UNLIKELY(!amqpci_serial_before(
            link->delivery_count, amqpci_serial_add(link->credit_limit, link->credit_slack)))) {
        fault = AMQPC_TRANSFER_LIMIT_EXCEEDED;
    } else if (AMQPCI_UNLIKELY(payload.size > size_max_of(link))) {
        fault = AMQPC_MESSAGE_TOO_LARGE;
    } else if (AMQPCI_UNLIKELY(link->map_incomplete) && !transfer->resume) {
        fault = AMQPC_ILLEGAL_STATE; /* it cannot be new: this end did not say all (AMQP 2.7.3) */
    }
    if (AMQPCI_UNLIKELY(fault != AMQPC_OK)) {
        count_frame(session, transfer, true);
        fail_link(link, fault);
        return AMQPC_OK;
    }
    amqpci_delivery *delivery = NULL;
    uintptr_t tag_distance = tag_distance_of(transfer->delivery_tag.data, payload.data);
    if (AMQPCI_UNLIKELY(transfer->resume) && !AMQPCI_PLANTED(3)) {
        status = amqpci_recovery_take_resumed(link, transfer, payload, &delivery);
        if (status == AMQPC_OK && delivery == NULL) {
            count_delivery(link, transfer);
            link->resumed_credit++;
            check_credit(link);
            return AMQPC_OK;
        }
        if (delivery != NULL && amqpci_delivery_has_extra(delivery)) {
            set_sent_state(delivery, transfer);
        }
    }
    if (AMQPCI_LIKELY(status == AMQPC_OK && delivery == NULL)) {
        status = make_delivery(link, transfer, tag_distance, &delivery);
    }
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    count_delivery(link, transfer);
    if (AMQPCI_UNLIKELY(transfer->resume)) {
        check_credit(link);
    }
    set_view(link, delivery, transfer->delivery_tag.data, tag_distance, payload);
    if (AMQPCI_LIKELY(!transfer->more && !transfer->aborted)) {
        complete(link, delivery);
        return AMQPC_OK;
    }
    begin_partial(link, delivery, transfer, payload);
    return AMQPC_OK;
}

/* Appends the payload, where the limits let it. */
static amqpc_status append(amqpc_link *link, amqpci_delivery *delivery, amqpc_bytes payload,
                           amqpc_status *fault)
{
    amqpci_incoming *in = &delivery->as.in;
    amqpc_status status = AMQPC_OK;
    uint64_t size = link->streaming ? link->partial_size : in->size;
    if (payload.size > UINT32_MAX - in->size || size + payload.size > size_max_of(link)) {
        *fault = AMQPC_MESSAGE_TOO_LARGE;
        return AMQPC_OK;
    }
    if (!link->streaming &&
        link->connection->partial_size + payload.size > link->connection->partial_size_max) {
        *fault = AMQPC_RESOURCE_LIMIT;
        return AMQPC_OK;
    }
    if (in->slab == NULL) {
        status = set_piece(link, delivery, payload);
    } else {
        status = amqpci_input_append(&link->connection->input, delivery, payload);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (link->streaming) {
        link->partial_size += payload.size;
    } else {
        link->connection->partial_size += payload.size;
    }
    return AMQPC_OK;
}

/* A frame of a delivery whose first is there (AMQP 2.7.5: what it leaves out is as in the first).
 */
static amqpc_status take_next(amqpc_link *link, const amqpc_transfer *transfer, amqpc_bytes payload)
{
    amqpci_delivery *delivery = link->partial;
    bool other =
        (transfer->present & AMQPC_TRANSFER_DELIVERY_ID && transfer->delivery_id != delivery->id) ||
        (transfer->present & AMQPC_TRANSFER_DELIVERY_TAG &&
         !amqpci_receiver_has_tag(delivery, transfer->delivery_tag));
    if (other) {
        return AMQPC_BAD_DELIVERY_ID;
    }
    if (AMQPCI_UNLIKELY(delivery->flags & AMQPCI_DELIVERY_DROPPED)) {
        count_frame(link->session, transfer, false);
        amqpci_recovery_drop_frame(link, transfer);
        check_credit(link);
        return AMQPC_OK;
    }
    amqpc_status fault = AMQPC_OK;
    amqpc_status status = transfer->aborted ? AMQPC_OK : append(link, delivery, payload, &fault);
    if (status != AMQPC_OK) {
        return status;
    }
    count_frame(link->session, transfer, false);
    if (fault != AMQPC_OK) {
        fail_link(link, fault);
        return AMQPC_OK;
    }
    if (transfer->aborted) {
        abort_delivery(link, delivery);
        return AMQPC_OK;
    }
    if (transfer->settled && !(delivery->flags & AMQPCI_DELIVERY_SETTLED)) {
        amqpci_receiver_forget(link, delivery);
        delivery->flags |= AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_REMOTE_SETTLED;
    }
    if (!transfer->more) {
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_MORE;
        link->partial = NULL;
        link->partial_size = 0;
        if (link->connection->input.assembled == delivery) {
            link->connection->input.assembled = NULL; /* views of it are handed out from now on */
        }
        uncount_partial(link, delivery);
        complete(link, delivery);
    } else if (link->streaming) {
        queue_unread(link, delivery);
    }
    return AMQPC_OK;
}

/* A transfer that crossed with detach is dropped, but counted: the session goes on. */
static amqpc_status drop(amqpc_session *session, const amqpc_transfer *transfer)
{
    bool first =
        (transfer->present & AMQPC_TRANSFER_DELIVERY_ID) != 0 &&
        (!session->delivery_id_known || transfer->delivery_id == session->next_delivery_id);
    if (first) {
        expect_id(session, transfer);
    }
    count_frame(session, transfer, first);
    return AMQPC_OK;
}

amqpc_status amqpci_link_take_transfer(amqpc_session *session, const amqpc_transfer *transfer,
                                       amqpc_bytes payload)
{
    amqpc_link *link = amqpci_handle_map_get(&session->remote_handles, transfer->handle);
    if (AMQPCI_UNLIKELY(link == NULL)) {
        return AMQPC_UNATTACHED_HANDLE;
    }
    if (AMQPCI_UNLIKELY(link->role != AMQPC_ROLE_RECEIVER)) {
        return AMQPC_ILLEGAL_STATE;
    }
    if (AMQPCI_UNLIKELY(session->incoming_window == 0)) {
        return AMQPC_WINDOW_VIOLATION;
    }
    amqpci_step step = amqpci_link_step((amqpc_link_state)link->state, AMQPCI_LINK_RECEIVE_USE);
    if (AMQPCI_UNLIKELY(step.verdict != AMQPCI_PROCEED)) {
        return step.verdict == AMQPCI_DISCARD ? drop(session, transfer) : amqpci_link_refusal(link);
    }
    return AMQPCI_LIKELY(link->partial == NULL) ? take_first(link, transfer, payload)
                                                : take_next(link, transfer, payload);
}

/* --- To the application. */

amqpc_status amqpc_link_set_streaming(amqpc_link *link, bool streaming)
{
    if (link->role != AMQPC_ROLE_RECEIVER || link->partial != NULL) {
        return AMQPC_INVALID_STATE;
    }
    link->streaming = streaming;
    return AMQPC_OK;
}

/* The part of a view where the delivery has an extra part, or its bytes are gone: what has no
 * storage has nothing that could lie there. */
static void give_rare(const amqpci_delivery *delivery, amqpc_delivery *view)
{
    bool has_extra = amqpci_delivery_has_extra(delivery);
    amqpc_bytes none = {NULL, 0};
    amqpc_bytes tag = {amqpci_incoming_tag(delivery), delivery->tag_size};
    view->message_format = has_extra ? delivery->extra->message_format : 0;
    view->tag = view->storage == NULL ? none : tag;
    view->payload = (amqpc_bytes){amqpci_incoming_payload(delivery), delivery->as.in.size};
    view->state = has_extra ? delivery->extra->sent_state : none;
}

/* The view that the application gets; the slab's reference goes with it. */
AMQPCI_INLINE void give(const amqpci_delivery *delivery, amqpc_delivery *view)
{
    const amqpci_incoming *in = &delivery->as.in;
    view->number = amqpci_delivery_number(delivery);
    view->delivery_id = delivery->id;
    view->settled = (delivery->flags & AMQPCI_DELIVERY_SETTLED) != 0;
    view->more = (delivery->flags & AMQPCI_DELIVERY_MORE) != 0;
    view->aborted = (delivery->flags & AMQPCI_DELIVERY_ABORTED) != 0;
    view->resumed = (delivery->flags & AMQPCI_DELIVERY_CONTINUED) != 0;
    view->rcv_settle_mode = (delivery->flags & AMQPCI_DELIVERY_MODE_SECOND) != 0;
    view->storage = in->slab;
    if (AMQPCI_UNLIKELY(amqpci_delivery_has_extra(delivery) || in->slab == NULL)) {
        give_rare(delivery, view);
        return;
    }
    const uint8_t *payload = amqpci_slab_data(in->slab) + in->offset;
    view->message_format = 0;
    view->tag = (amqpc_bytes){payload - delivery->tag_distance, delivery->tag_size};
    view->payload = (amqpc_bytes){payload, in->size};
    view->state = (amqpc_bytes){NULL, 0};
}

/* The delivery was taken: what is left of it is what settlement needs. */
AMQPCI_INLINE void note_taken(amqpc_link *link, amqpci_delivery *delivery, amqpc_bytes tag)
{
    amqpci_incoming *in = &delivery->as.in;
    if (AMQPCI_UNLIKELY(delivery->flags & AMQPCI_DELIVERY_MORE)) {
        in->slab = NULL; /* the next piece has a view of its own */
        in->size = 0;
        delivery->extra->tag = delivery->extra->tag_storage;
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_OWN_SLAB;
        delivery->extra->sent_state = (amqpc_bytes){NULL, 0};
        return;
    }
    uint32_t held = AMQPCI_DELIVERY_UPDATED | AMQPCI_DELIVERY_SUSPENDED;
    if (delivery->flags & AMQPCI_DELIVERY_SETTLED && AMQPCI_LIKELY(!(delivery->flags & held))) {
        delivery->flags |= AMQPCI_DELIVERY_TAKEN;
        amqpci_receiver_free_taken(link, delivery);
        return;
    }
    if (AMQPCI_LIKELY(tag.size > 0 && tag.size <= AMQPCI_SHORT_TAG_MAX)) {
        amqpci_copy(delivery->as.tag, (const uint8_t *)tag.data, tag.size);
    }
    delivery->flags |= AMQPCI_DELIVERY_TAKEN;
}

amqpc_status amqpc_link_receive(amqpc_link *link, amqpc_delivery *deliveries, size_t capacity,
                                size_t *count)
{
    if (link->role != AMQPC_ROLE_RECEIVER) {
        return AMQPC_INVALID_STATE;
    }
    size_t given = 0;
    amqpci_delivery *delivery = NULL;
    amqpci_receiver_free_views(link);
    while (given < capacity && (delivery = amqpci_delivery_list_take(&link->unread)) != NULL) {
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_QUEUED;
        link->unread_count--;
        amqpc_delivery *view = &deliveries[given++];
        give(delivery, view);
        note_taken(link, delivery, view->tag);
    }
    *count = given;
    if (link->unread.first == NULL && link->source.pending & 1u << AMQPC_EVENT_DELIVERIES) {
        amqpci_event_withdraw(&link->connection->events, &link->source, AMQPC_EVENT_DELIVERIES);
    }
    amqpci_link_refill(link);
    return AMQPC_OK;
}

void amqpc_delivery_release(amqpc_delivery *delivery)
{
    amqpci_slab_drop((amqpci_slab *)delivery->storage, 1);
    delivery->storage = NULL;
}

/* Neighbours mostly lie in one slab, whose references are dropped together. */
void amqpc_deliveries_release(amqpc_delivery *deliveries, size_t count)
{
    amqpci_slab *slab = NULL;
    size_t references = 0;
    for (size_t i = 0; i < count; i++) {
        amqpci_slab *own = (amqpci_slab *)deliveries[i].storage;
        deliveries[i].storage = NULL;
        if (own == NULL) {
            continue;
        }
        if (own != slab) {
            amqpci_slab_drop(slab, references);
            slab = own;
            references = 0;
        }
        references++;
    }
    amqpci_slab_drop(slab, references);
}
