/* Sending deliveries whole (AMQP 2.6.12, 2.7.5).
 *
 * Most fit one frame, and the window is open: those are written at once, performative and payload,
 * behind what waits to be sent. All others go by sender_frames.c. */
#include <assert.h>
#include <string.h>

#include "base/byte_order.h"
#include "base/memory.h"
#include "base/planted.h"
#include "base/serial.h"
#include "engine/sender.h"

enum {
    HEAD_MAX = 64, /* frame header and performative of a first frame, as amqpc_transfer_frame_write
                      has it */
    FIRST_FRAME = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID | AMQPC_TRANSFER_DELIVERY_TAG |
                  AMQPC_TRANSFER_MESSAGE_FORMAT | AMQPC_TRANSFER_SETTLED
};

void amqpc_send_options_init(amqpc_send_options *options, size_t struct_size)
{
    amqpc_send_options defaults = {.struct_size = struct_size};
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* The caller's options, or the defaults: unsettled, unless the link settles all. */
AMQPCI_INLINE amqpc_send_options options_of(const amqpc_link *link,
                                            const amqpc_send_options *options)
{
    amqpc_send_options chosen = {.struct_size = sizeof chosen};
    if (AMQPCI_LIKELY(options != NULL && options->struct_size == sizeof chosen)) {
        return *options;
    }
    if (options != NULL) {
        memcpy(&chosen, options,
               options->struct_size < sizeof chosen ? options->struct_size : sizeof chosen);
    } else {
        chosen.settled = link->snd_settle_mode == AMQPC_SENDER_SETTLE_MODE_SETTLED;
    }
    return chosen;
}

amqpc_send_options amqpci_sender_options(const amqpc_link *link, const amqpc_send_options *options)
{
    return options_of(link, options);
}

/* Whether the link takes a delivery now. */
AMQPCI_INLINE amqpc_status check_send(const amqpc_link *link, const amqpc_send_options *options,
                                      size_t size)
{
    const amqpc_connection *connection = link->connection;
    if (AMQPCI_UNLIKELY(link->role != AMQPC_ROLE_SENDER || link->state != AMQPC_LINK_ATTACHED ||
                        link->partial != NULL)) {
        return AMQPC_INVALID_STATE;
    }
    /* What is said of a delivery has to agree with what was said of the link (AMQP 2.8.2). */
    uint8_t other =
        options->settled ? AMQPC_SENDER_SETTLE_MODE_UNSETTLED : AMQPC_SENDER_SETTLE_MODE_SETTLED;
    if (AMQPCI_UNLIKELY(link->snd_settle_mode == other ||
                        options->tag.size > AMQPC_DELIVERY_TAG_MAX || size > UINT32_MAX)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (AMQPCI_UNLIKELY(size > link->remote_max_message_size)) {
        return AMQPC_MESSAGE_TOO_LARGE;
    }
    if (AMQPCI_UNLIKELY(link->credit == 0) && !AMQPCI_PLANTED(5)) {
        return AMQPC_NO_CREDIT;
    }
    bool full = connection->output.size + connection->pending_size >= connection->output_size_max ||
                (!options->settled && link->unsettled_count >= connection->unsettled_max);
    return AMQPCI_UNLIKELY(full) ? AMQPC_LIMIT_REACHED : AMQPC_OK;
}

AMQPCI_INLINE uint64_t number_of(const amqpc_link *link, uint32_t id)
{
    return (uint64_t)link->epoch << 32 | id;
}

/* A delivery of which all is set but the payload's place. */
static amqpci_delivery *make_delivery(amqpc_link *link, const amqpc_send_options *options,
                                      uint32_t size)
{
    amqpci_delivery *made = amqpci_delivery_make(&link->connection->deliveries);
    if (AMQPCI_UNLIKELY(made == NULL)) {
        return NULL;
    }
    made->link = link;
    made->next = NULL;
    made->id = link->session->next_delivery_out;
    made->epoch = link->epoch;
    made->flags = (options->settled ? AMQPCI_DELIVERY_SETTLED : 0u) |
                  (options->by_reference ? AMQPCI_DELIVERY_BORROWED : 0u) |
                  (options->batchable ? AMQPCI_DELIVERY_BATCHABLE : 0u);
    made->local_state = AMQPC_COMPOSITE_NONE;
    made->remote_state = AMQPC_COMPOSITE_NONE;
    made->context = options->context;
    made->as.out = (amqpci_outgoing){.slab = NULL, .size = size};
    bool rare = options->tag.size > 0 || options->message_format != 0 ||
                options->has_rcv_settle_mode || options->state != NULL;
    if (AMQPCI_UNLIKELY(rare) &&
        !amqpci_sender_set_rare(&link->connection->deliveries, made, options)) {
        amqpci_delivery_free(&link->connection->deliveries, made);
        return NULL;
    }
    return made;
}

/* Puts an unsettled delivery into the index. AMQPC_NO_MEMORY. */
AMQPCI_INLINE amqpc_status add_to_index(amqpc_link *link, amqpci_delivery *delivery)
{
    if (delivery->flags & AMQPCI_DELIVERY_SETTLED) {
        return AMQPC_OK;
    }
    amqpc_connection *connection = link->connection;
    amqpc_status status =
        amqpci_delivery_index_add(&link->session->outgoing, &connection->allocator, delivery->id,
                                  delivery, amqpci_sender_became_straggler, connection);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        delivery->flags |= AMQPCI_DELIVERY_INDEXED;
        link->unsettled_count++;
    }
    return status;
}

/* Counts a delivery that was begun. */
AMQPCI_INLINE void count_delivery(amqpc_link *link)
{
    link->delivery_count = amqpci_serial_add(link->delivery_count, 1);
    link->credit--;
    link->session->next_delivery_out = amqpci_serial_add(link->session->next_delivery_out, 1);
    link->connection->deliveries_sent++;
}

/* A delivery that fits one frame can go at once: no others wait, the window is open, and nothing
 * is rare about it. */
AMQPCI_INLINE bool is_plain(const amqpc_link *link, const amqpc_send_options *options, size_t size)
{
    const amqpc_session *session = link->session;
    return session->remote_window > 0 && session->pending.first == NULL &&
           size + HEAD_MAX <= link->connection->remote_frame_size && !options->by_reference &&
           !options->batchable && !options->has_rcv_settle_mode && options->state == NULL &&
           options->message_format == 0;
}

/* The delivery of a plain send is made and indexed, where it is unsettled. */
AMQPCI_INLINE amqpc_status make_plain(amqpc_link *link, const amqpc_send_options *options,
                                      uint32_t size, amqpci_delivery **delivery)
{
    *delivery = NULL;
    if (options->settled) {
        return AMQPC_OK;
    }
    amqpci_delivery *made = make_delivery(link, options, size);
    if (AMQPCI_UNLIKELY(made == NULL)) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = add_to_index(link, made);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        amqpci_delivery_free(&link->connection->deliveries, made);
        return status;
    }
    made->flags |= AMQPCI_DELIVERY_STARTED;
    *delivery = made;
    return AMQPC_OK;
}

/* The performative of a plain delivery; storage: for the tag. */
AMQPCI_INLINE amqpc_transfer plain_transfer(const amqpc_link *link,
                                            const amqpc_send_options *options, uint8_t *storage)
{
    amqpc_transfer transfer;
    transfer.present = FIRST_FRAME;
    transfer.handle = link->local_handle;
    transfer.delivery_id = link->session->next_delivery_out;
    transfer.delivery_tag = options->tag;
    if (AMQPCI_LIKELY(options->tag.size == 0)) {
        transfer.delivery_tag = amqpci_made_tag(number_of(link, transfer.delivery_id), storage);
    }
    transfer.message_format = 0;
    transfer.settled = options->settled;
    /* cppcheck-suppress uninitvar ; `present` says which members hold */
    return transfer;
}

/* The frame at `place` is whole: it waits to be sent. */
AMQPCI_INLINE void commit_plain(amqpc_link *link, amqpci_delivery *delivery, uint8_t *place,
                                size_t frame_size, size_t size)
{
    amqpc_connection *connection = link->connection;
    if (delivery != NULL) {
        amqpci_sender_point_to(delivery, connection->output.current, place + frame_size - size);
    }
    amqpci_output_commit(&connection->output, frame_size);
    connection->frames_sent++;
    if (AMQPCI_UNLIKELY(connection->trace != NULL)) {
        amqpci_trace_frames(connection->trace, true, place, frame_size);
    }
    amqpc_session *session = link->session;
    session->next_outgoing_id = amqpci_serial_add(session->next_outgoing_id, 1);
    session->remote_window--;
    session->window_was_closed = session->remote_window == 0;
    count_delivery(link);
}

static amqpc_status send_plain(amqpc_link *link, amqpc_bytes payload,
                               const amqpc_send_options *options)
{
    uint8_t *place = NULL;
    amqpci_delivery *delivery = NULL;
    amqpc_connection *connection = link->connection;
    amqpc_status status =
        amqpci_output_reserve(&connection->output, HEAD_MAX + payload.size, &place);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        status = make_plain(link, options, (uint32_t)payload.size, &delivery);
    }
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    amqpc_transfer transfer = plain_transfer(link, options, storage);
    size_t frame_size = 0;
    status = amqpc_transfer_frame_write(link->session->local_channel, &transfer, payload, place,
                                        HEAD_MAX + payload.size, &frame_size);
    assert(status == AMQPC_OK); /* there is room, and nothing that could be wrong */
    commit_plain(link, delivery, place, frame_size, payload.size);
    return status;
}

/* A copy of the payload in the output, which is not sent by that. AMQPC_NO_MEMORY. */
static amqpc_status store_payload(amqpc_connection *connection, amqpci_delivery *delivery,
                                  amqpc_bytes payload)
{
    if (delivery->flags & AMQPCI_DELIVERY_BORROWED) {
        delivery->as.out.borrowed = (const uint8_t *)payload.data;
        return AMQPC_OK;
    }
    if (payload.size == 0) {
        return AMQPC_OK;
    }
    uint8_t *place = NULL;
    amqpc_status status = amqpci_output_reserve(&connection->output, payload.size, &place);
    if (status == AMQPC_OK) {
        memcpy(place, payload.data, payload.size);
        amqpci_output_store(&connection->output, payload.size);
        amqpci_sender_point_to(delivery, connection->output.current, place);
    }
    return status;
}

amqpc_status amqpci_sender_make(amqpc_link *link, const amqpc_send_options *options, uint32_t size,
                                amqpci_delivery **delivery)
{
    amqpc_status status = check_send(link, options, size);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_delivery *made = make_delivery(link, options, size);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    if (options->state != NULL) {
        status = amqpci_sender_keep_state(link, made, options->state);
    }
    if (status == AMQPC_OK) {
        status = add_to_index(link, made);
    }
    if (status != AMQPC_OK) {
        amqpci_delivery_free(&link->connection->deliveries, made);
        return status;
    }
    *delivery = made;
    return AMQPC_OK;
}

void amqpci_sender_unmake(amqpc_link *link, amqpci_delivery *delivery)
{
    if (delivery->flags & AMQPCI_DELIVERY_INDEXED) {
        amqpci_delivery_index *index = &link->session->outgoing;
        (void)amqpci_delivery_index_remove(index, delivery->id);
        amqpci_delivery_index_rewind(index, delivery->id); /* the next one gets the same id */
        link->unsettled_count--;
    }
    amqpci_sender_drop_payload(link->connection, delivery);
    amqpci_delivery_free(&link->connection->deliveries, delivery);
}

void amqpci_sender_count(amqpc_link *link)
{
    count_delivery(link);
}

static amqpc_status send_any(amqpc_link *link, amqpc_bytes payload,
                             const amqpc_send_options *options)
{
    amqpci_delivery *delivery = NULL;
    amqpc_status status = amqpci_sender_make(link, options, (uint32_t)payload.size, &delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    status = store_payload(link->connection, delivery, payload);
    if (status == AMQPC_OK) {
        status = amqpci_session_send(link->session, delivery);
    }
    if (status == AMQPC_OK) {
        count_delivery(link);
    } else {
        amqpci_sender_unmake(link, delivery);
    }
    return status;
}

AMQPCI_INLINE amqpc_status send_one(amqpc_link *link, amqpc_bytes payload,
                                    const amqpc_send_options *options)
{
    amqpc_status status = check_send(link, options, payload.size);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    return AMQPCI_LIKELY(is_plain(link, options, payload.size)) ? send_plain(link, payload, options)
                                                                : send_any(link, payload, options);
}

/* The number of the delivery that was sent last, or of one that was sent `before` it. */
static uint64_t number_of_last(const amqpc_link *link, uint32_t before)
{
    uint32_t next = link->session->next_delivery_out;
    return number_of(link, amqpci_serial_add(next, UINT32_MAX - before));
}

amqpc_status amqpc_link_send(amqpc_link *link, amqpc_bytes payload,
                             const amqpc_send_options *options, uint64_t *number)
{
    amqpc_send_options chosen = options_of(link, options);
    amqpc_status status = send_one(link, payload, &chosen);
    if (AMQPCI_PLANTED(10) && status == AMQPC_OK && chosen.settled) {
        status = send_one(link, payload, &chosen);
    }
    if (status == AMQPC_OK && number != NULL) {
        *number = number_of_last(link, 0);
    }
    return status;
}

amqpc_status amqpc_link_send_batch(amqpc_link *link, const amqpc_bytes *payloads, size_t count,
                                   const amqpc_send_options *options, size_t *sent,
                                   uint64_t *first_number)
{
    amqpc_send_options chosen = options_of(link, options);
    amqpc_status status = chosen.tag.size > 0 ? AMQPC_INVALID_ARGUMENT : AMQPC_OK;
    size_t done = 0;
    while (status == AMQPC_OK && done < count) {
        status = send_one(link, payloads[done], &chosen);
        done += status == AMQPC_OK;
        chosen.context++;
    }
    *sent = done;
    if (done > 0 && first_number != NULL) {
        *first_number = number_of_last(link, (uint32_t)(done - 1));
    }
    return status;
}

/* --- Encoding in place. */

amqpc_status amqpc_link_reserve(amqpc_link *link, size_t size_max,
                                const amqpc_send_options *options, void **data)
{
    amqpc_send_options chosen = options_of(link, options);
    amqpc_status status =
        chosen.by_reference ? AMQPC_INVALID_ARGUMENT : check_send(link, &chosen, size_max);
    if (status == AMQPC_MESSAGE_TOO_LARGE) {
        status = AMQPC_OK; /* the size that counts is known by amqpc_link_commit */
    }
    uint8_t *place = NULL;
    if (status == AMQPC_OK) {
        status = amqpci_output_reserve(&link->connection->output, HEAD_MAX + size_max, &place);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    /* The payload begins where the performative will end: its size is known by now. */
    uint8_t storage[AMQPC_DELIVERY_TAG_MAX];
    amqpc_transfer transfer = plain_transfer(link, &chosen, storage);
    size_t head_size = 0;
    status = amqpc_transfer_frame_write(link->session->local_channel, &transfer,
                                        (amqpc_bytes){NULL, 0}, place, HEAD_MAX, &head_size);
    amqpc_connection *connection = link->connection;
    connection->reservation =
        (amqpci_reservation){link, place, size_max, head_size, connection->frames_sent};
    *data = place + head_size;
    return status;
}

amqpc_status amqpc_link_commit(amqpc_link *link, size_t size, const amqpc_send_options *options,
                               uint64_t *number)
{
    amqpc_send_options chosen = options_of(link, options);
    amqpci_reservation reserved = link->connection->reservation;
    uint8_t *place = reserved.place;
    amqpci_output_slab *current = link->connection->output.current;
    bool lent = reserved.link == link && current != NULL &&
                place == current->data + current->used &&
                reserved.frames_sent == link->connection->frames_sent && size <= reserved.size_max;
    link->connection->reservation.link = NULL;
    if (!lent) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_status status = check_send(link, &chosen, size);
    if (status != AMQPC_OK) {
        return status;
    }
    size_t head_size = reserved.head_size;
    if (is_plain(link, &chosen, size)) {
        amqpci_delivery *delivery = NULL;
        status = make_plain(link, &chosen, (uint32_t)size, &delivery);
        if (status == AMQPC_OK) {
            amqpci_store32(place, (uint32_t)(head_size + size));
            commit_plain(link, delivery, place, head_size + size, size);
        }
    } else {
        /* What is lent would be written over: it becomes part of the output first. */
        amqpci_output_store(&link->connection->output, head_size + size);
        amqpci_output_slab_hold(current);
        status = send_any(link, (amqpc_bytes){place + head_size, size}, &chosen);
        amqpci_output_slab_drop(&link->connection->output, current);
    }
    if (status == AMQPC_OK && number != NULL) {
        *number = number_of_last(link, 0);
    }
    return status;
}
