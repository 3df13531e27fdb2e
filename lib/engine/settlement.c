/* Settling: what this end says of deliveries, merged into ranges (AMQP 2.6.12, 2.7.6, 3.4). */
#include "engine/settlement.h"

#include <string.h>

#include "base/serial.h"
#include "codec/put.h"
#include "codec/store.h"
#include "frame/frame_header.h"
#include "schema/generated/composite.h"

/* --- Ranges that wait. */

/* Frame header, descriptor, list, five fields of which two are ids, and a state without fields. */
enum { PLAIN_DISPOSITION_MAX = AMQPC_FRAME_HEADER_SIZE + 3 + 3 + 3 + 2 * 5 + 4 };

/* The frame of a range whose state has no fields, as the general encoder writes it. Mostly there
 * are many, one for each delivery that has no neighbour. Gives its end. */
static uint8_t *put_disposition(uint8_t *frame, uint16_t channel, const amqpci_range *range)
{
    static const uint8_t head[] = {0x00, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_DISPOSITION,
                                   AMQPC_CODE_LIST8};
    bool has_state = range->state != AMQPC_COMPOSITE_NONE;
    bool has_last = range->last != range->first;
    uint8_t *list = frame + AMQPC_FRAME_HEADER_SIZE;
    memcpy(list, head, sizeof head);
    uint8_t *to = amqpci_put_boolean(list + 6, range->role);
    to = amqpci_put_uint(to, range->first);
    list[5] = 2;
    if (has_last || range->settled || has_state) {
        to = has_last ? amqpci_put_uint(to, range->last) : amqpci_put_null(to);
        list[5] = 3;
    }
    if (range->settled || has_state) {
        to = range->settled ? amqpci_put_boolean(to, true) : amqpci_put_null(to);
        list[5] = 4;
    }
    if (has_state) {
        const uint8_t state[] = {0x00, AMQPC_CODE_SMALLULONG, range->state, AMQPC_CODE_LIST0};
        memcpy(to, state, sizeof state);
        to += sizeof state;
        list[5] = 5;
    }
    list[4] = (uint8_t)(to - (list + 5));
    amqpci_store32(frame + AMQPCI_FRAME_SIZE_AT, (uint32_t)(to - frame));
    frame[AMQPCI_FRAME_DATA_OFFSET_AT] = AMQPCI_DATA_OFFSET_MIN;
    frame[AMQPCI_FRAME_TYPE_AT] = AMQPC_FRAME_AMQP;
    amqpci_store16(frame + AMQPCI_FRAME_CHANNEL_AT, channel);
    return to;
}

static amqpc_status write_plain_disposition(amqpc_session *session, const amqpci_range *range)
{
    amqpc_connection *connection = session->connection;
    uint8_t *place = NULL;
    amqpc_status status = amqpci_output_reserve(&connection->output, PLAIN_DISPOSITION_MAX, &place);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        size_t size = (size_t)(put_disposition(place, session->local_channel, range) - place);
        amqpci_output_commit(&connection->output, size);
        connection->frames_sent++;
        if (AMQPCI_UNLIKELY(connection->trace != NULL)) {
            amqpci_trace_frames(connection->trace, true, place, size);
        }
    }
    return status;
}

amqpc_status amqpci_session_write_disposition(amqpc_session *session, const amqpci_range *range,
                                              const amqpc_value *state)
{
    amqpc_performative out;
    amqpc_disposition *disposition = &out.as.disposition;
    out.type = AMQPC_COMPOSITE_DISPOSITION;
    out.payload = (amqpc_bytes){NULL, 0};
    disposition->present =
        AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST | AMQPC_DISPOSITION_STATE;
    disposition->role = range->role;
    disposition->first = range->first;
    disposition->state = *state;
    if (range->last != range->first) {
        disposition->present |= AMQPC_DISPOSITION_LAST;
        disposition->last = range->last;
    }
    if (range->settled) {
        disposition->present |= AMQPC_DISPOSITION_SETTLED;
        disposition->settled = true;
    }
    return amqpci_connection_write(session->connection, session->local_channel, &out);
}

amqpc_status amqpci_session_write_ranges(amqpc_session *session)
{
    for (unsigned i = 0; i <= AMQPCI_RANGE_COUNT; i++) {
        amqpci_range *range = &session->ranges[i];
        if (range->used) {
            amqpc_status status = write_plain_disposition(session, range);
            if (status != AMQPC_OK) {
                return status;
            }
            range->used = false;
        }
    }
    return AMQPC_OK;
}

/* Extends a range that waits, at either end. */
static bool merge(amqpci_range *range, const amqpci_range *more)
{
    if (!range->used || range->state != more->state || range->settled != more->settled ||
        range->role != more->role) {
        return false;
    }
    if (amqpci_serial_add(range->last, 1) == more->first) {
        range->last = more->last;
        return true;
    }
    if (amqpci_serial_add(more->last, 1) == range->first) {
        range->first = more->first;
        return true;
    }
    return false;
}

static bool overlaps(const amqpci_range *range, const amqpci_range *more)
{
    return range->used && range->role == more->role &&
           amqpci_serial_distance(range->first, more->last) >= 0 &&
           amqpci_serial_distance(more->first, range->last) >= 0;
}

amqpc_status amqpci_session_add_range(amqpc_session *session, bool role, uint32_t first,
                                      uint32_t last, uint8_t state, bool settled)
{
    amqpci_range added = {first, last, state, settled, role, true};
    amqpci_range *spare = &session->ranges[AMQPCI_RANGE_COUNT];
    amqpci_range *place = NULL;
    bool conflict = spare->used;
    for (unsigned i = 0; i < AMQPCI_RANGE_COUNT; i++) {
        amqpci_range *range = &session->ranges[i];
        if (!spare->used && merge(range, &added)) {
            return AMQPC_OK;
        }
        place = !range->used && place == NULL ? range : place;
        conflict = conflict || overlaps(range, &added);
    }
    if (place == NULL || conflict) {
        /* What was said of a delivery before goes out before. */
        amqpc_status status = amqpci_session_write_ranges(session);
        if (status != AMQPC_OK && spare->used) {
            return status;
        }
        place = status == AMQPC_OK ? &session->ranges[0] : spare;
    }
    *place = added;
    amqpci_session_set_due(session);
    return AMQPC_OK;
}

/* --- States. */

uint8_t amqpci_state_code(const amqpc_value *state)
{
    if (state == NULL || state->type == AMQPC_TYPE_NULL) {
        return AMQPC_COMPOSITE_NONE;
    }
    uint32_t type = amqpc_value_composite(state);
    bool known = type >= AMQPC_COMPOSITE_RECEIVED && type <= AMQPC_COMPOSITE_TRANSACTIONAL_STATE;
    return known ? (uint8_t)type : AMQPCI_STATE_OTHER;
}

bool amqpci_is_outcome(uint8_t state_code)
{
    return (state_code >= AMQPC_COMPOSITE_ACCEPTED && state_code <= AMQPC_COMPOSITE_MODIFIED) ||
           state_code == AMQPC_COMPOSITE_DECLARED;
}

/* States that say no more than their type. */
bool amqpci_is_plain_state(uint8_t state_code)
{
    return state_code == AMQPC_COMPOSITE_NONE || state_code == AMQPC_COMPOSITE_ACCEPTED ||
           state_code == AMQPC_COMPOSITE_RELEASED;
}

amqpc_status amqpci_settlement_encode_state(const amqpc_allocator *allocator,
                                            const amqpc_value *state, amqpci_shared_state **encoded)
{
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink sink;
    amqpci_sink_init_growable(&sink, buffer);
    status = amqpci_store_value(&sink, state);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        amqpc_bytes bytes = {amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)};
        *encoded = amqpci_shared_state_new(allocator, bytes);
        status = *encoded == NULL ? AMQPC_NO_MEMORY : AMQPC_OK;
    }
    amqpc_buffer_free(buffer);
    return status;
}

amqpc_status amqpci_settlement_keep_state(amqpci_delivery_store *store, amqpci_delivery *delivery,
                                          bool remote, const amqpc_value *state)
{
    uint8_t code = amqpci_state_code(state);
    amqpc_status status = AMQPC_OK;
    if (!amqpci_is_plain_state(code)) {
        amqpci_shared_state *encoded = NULL;
        status = amqpci_settlement_encode_state(&store->allocator, state, &encoded);
        if (status == AMQPC_OK && remote) {
            status = amqpci_delivery_share_state(store, delivery, encoded);
        } else if (status == AMQPC_OK) {
            amqpc_bytes bytes = {encoded->bytes, encoded->size};
            status = amqpci_delivery_keep_state(store, delivery, false, bytes);
        }
        amqpci_shared_state_drop(&store->allocator, encoded);
    }
    if (status == AMQPC_OK && remote) {
        delivery->remote_state = code;
    } else if (status == AMQPC_OK) {
        delivery->local_state = code;
    }
    return status;
}

/* --- What the application says. */

static amqpci_delivery_index *index_of(const amqpc_link *link)
{
    return link->role == AMQPC_ROLE_SENDER ? &link->session->outgoing : &link->session->incoming;
}

/* The deliveries of the present attachment stand in the session's index. */
static bool is_present(const amqpc_link *link, uint64_t number)
{
    return link->session != NULL && number >> 32 == link->epoch &&
           link->state != AMQPC_LINK_DETACHED;
}

/* What is being done to a range of deliveries. */
typedef struct settling {
    amqpc_link *link;
    const amqpc_value *state; /* NULL where it has no more than its type */
    uint8_t code;
    bool settled;
    bool only_tells; /* the first of two turns, where the state has fields */
    bool told;       /* the second */
    uint32_t named;  /* deliveries that were unsettled */
    uint32_t run_first;
    uint32_t run_last;
    bool run_settled;
    bool run_open;
} settling;

static amqpc_status tell_run(settling *work)
{
    if (!work->run_open) {
        return AMQPC_OK;
    }
    amqpc_session *session = work->link->session;
    work->run_open = false;
    if (!amqpci_session_is_usable(session)) {
        return AMQPC_OK; /* the peer learns of it when the link is attached again */
    }
    if (work->state == NULL) {
        return amqpci_session_add_range(session, work->link->role, work->run_first, work->run_last,
                                        work->code, work->run_settled);
    }
    const amqpci_range range = {work->run_first,   work->run_last,   work->code,
                                work->run_settled, work->link->role, true};
    amqpc_status status = amqpci_session_write_ranges(session);
    return status == AMQPC_OK ? amqpci_session_write_disposition(session, &range, work->state)
                              : status;
}

/* The delivery follows on those that are told together, or begins anew. */
AMQPCI_INLINE amqpc_status extend_run(settling *work, uint32_t id, bool settled)
{
    if (AMQPCI_LIKELY(work->run_open && work->run_settled == settled &&
                      amqpci_serial_add(work->run_last, 1) == id)) {
        work->run_last = id;
        return AMQPC_OK;
    }
    amqpc_status status = tell_run(work);
    amqpc_session *session = work->link->session;
    if (status == AMQPC_OK && AMQPCI_UNLIKELY(session->ranges[AMQPCI_RANGE_COUNT].used)) {
        /* What is forgotten below has to be told, whether there is memory or not. */
        status = amqpci_session_is_usable(session) ? amqpci_session_write_ranges(session) : status;
    }
    if (status != AMQPC_OK) {
        return status;
    }
    work->run_open = true;
    work->run_settled = settled;
    work->run_first = id;
    work->run_last = id;
    return AMQPC_OK;
}

/* This end forgets the delivery. */
static void forget(amqpc_link *link, amqpci_delivery *delivery)
{
    delivery->flags |= AMQPCI_DELIVERY_SETTLED;
    if (link->role == AMQPC_ROLE_SENDER) {
        (void)amqpci_delivery_index_remove(&link->session->outgoing, delivery->id);
        delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_INDEXED;
        link->unsettled_count--;
        link->resumed_count -= (delivery->flags & AMQPCI_DELIVERY_RESUMED) != 0;
        amqpci_sender_settled_here(link, delivery);
        return;
    }
    amqpci_receiver_forget(link, delivery);
    if (delivery->flags & AMQPCI_DELIVERY_UPDATED) {
        delivery->flags |= AMQPCI_DELIVERY_DONE; /* the update that waits is the last */
    } else if (delivery->flags & AMQPCI_DELIVERY_TAKEN) {
        amqpci_receiver_free_taken(link, delivery);
    }
}

/* In receiver-settle-mode second the receiver says the state, and settles when the sender has. */
AMQPCI_INLINE bool settles_now(const settling *work, const amqpci_delivery *delivery)
{
    return work->settled &&
           !(work->link->role == AMQPC_ROLE_RECEIVER &&
             delivery->flags & AMQPCI_DELIVERY_MODE_SECOND && work->code != AMQPC_COMPOSITE_NONE);
}

AMQPCI_INLINE amqpc_status settle_one(settling *work, amqpci_delivery *delivery)
{
    amqpc_link *link = work->link;
    if (AMQPCI_UNLIKELY(delivery->flags & AMQPCI_DELIVERY_MORE)) {
        if (link->role == AMQPC_ROLE_SENDER) {
            return AMQPC_OK; /* it is not sent yet */
        }
    }
    bool now = settles_now(work, delivery);
    /* The peer must not hear of it before its transfer, which tells it (AMQP 2.7.5). */
    bool waits = delivery->flags & AMQPCI_DELIVERY_QUEUED && link->role == AMQPC_ROLE_SENDER &&
                 !(delivery->flags & AMQPCI_DELIVERY_STARTED);
    amqpc_status status =
        AMQPCI_UNLIKELY(waits || work->told) ? AMQPC_OK : extend_run(work, delivery->id, now);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK || work->only_tells)) {
        return status;
    }
    work->named++;
    if (work->code != AMQPC_COMPOSITE_NONE) {
        delivery->local_state = work->code;
        if (AMQPCI_UNLIKELY(work->state != NULL) && !now) {
            status = amqpci_settlement_keep_state(&link->connection->deliveries, delivery, false,
                                                  work->state);
        }
    }
    if (now) {
        forget(link, delivery);
    }
    return status;
}

static bool is_ordered(uint64_t first, uint64_t last)
{
    return first >> 32 == last >> 32 ? amqpci_serial_distance((uint32_t)first, (uint32_t)last) >= 0
                                     : first < last;
}

static bool is_named(const amqpci_delivery *delivery, const amqpc_link *link, uint64_t first,
                     uint64_t last)
{
    uint64_t number = amqpci_delivery_number(delivery);
    return delivery->link == link && is_ordered(first, number) && is_ordered(number, last);
}

/* Deliveries of earlier attachments: the peer learns of their state when the link is attached
 * again. */
static amqpc_status settle_suspended(settling *work, uint64_t first, uint64_t last)
{
    amqpc_link *link = work->link;
    amqpc_status status = AMQPC_OK;
    for (uint32_t i = 0; i < link->suspended.count && status == AMQPC_OK; i++) {
        amqpci_delivery *delivery = link->suspended.deliveries[i];
        if (delivery != NULL && !(delivery->flags & AMQPCI_DELIVERY_SETTLED) &&
            is_named(delivery, link, first, last)) {
            work->named++;
            status = amqpci_suspended_settle(link, i, work->code, work->state,
                                             settles_now(work, delivery));
        }
    }
    for (amqpci_delivery *at = link->resuming.first; at != NULL && status == AMQPC_OK;
         at = at->next) {
        if (!(at->flags & AMQPCI_DELIVERY_SETTLED) && is_named(at, link, first, last)) {
            work->named++;
            status = amqpci_resuming_settle(link, at, work->code, work->state, work->settled);
        }
    }
    return status;
}

/* Those that were resumed have another id than their number says. */
static amqpc_status settle_resumed(settling *work, uint64_t first, uint64_t last)
{
    amqpc_status status = AMQPC_OK;
    amqpci_delivery_index *index = index_of(work->link);
    amqpci_delivery *delivery = NULL;
    uint32_t id = index->first;
    uint32_t end = amqpci_serial_add(index->next, UINT32_MAX);
    while (status == AMQPC_OK &&
           (delivery = (amqpci_delivery *)amqpci_delivery_index_next(index, &id, end)) != NULL) {
        if (delivery->flags & AMQPCI_DELIVERY_RESUMED &&
            is_named(delivery, work->link, first, last)) {
            status = settle_one(work, delivery);
        }
        if (id == end) {
            break;
        }
        id = amqpci_serial_add(id, 1);
    }
    return status;
}

/* Those of the present attachment, in order. */
static amqpc_status settle_range(settling *work, uint64_t first, uint64_t last)
{
    amqpc_link *link = work->link;
    amqpci_delivery_index *index = index_of(link);
    uint32_t id = first >> 32 == link->epoch ? (uint32_t)first : index->first;
    amqpci_delivery *delivery = NULL;
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && (delivery = (amqpci_delivery *)amqpci_delivery_index_next(
                                      index, &id, (uint32_t)last)) != NULL) {
        if (AMQPCI_LIKELY(delivery->link == link && !(delivery->flags & AMQPCI_DELIVERY_RESUMED))) {
            status = settle_one(work, delivery);
        }
        if (id == (uint32_t)last) {
            break;
        }
        id = amqpci_serial_add(id, 1);
    }
    return status;
}

/* Stragglers are told one by one; each id is looked up where there are fewer of them than
 * stragglers. */
static amqpc_status settle_stragglers(settling *work, uint64_t first, uint64_t last)
{
    amqpc_status status = AMQPC_OK;
    amqpci_delivery_index *index = index_of(work->link);
    uint32_t place = 0;
    uint32_t id = (uint32_t)first;
    amqpci_delivery *delivery = NULL;
    if (first >> 32 == last >> 32 && work->link->resumed_count == 0 &&
        amqpci_ids_between(id, (uint32_t)last) < index->straggler_count) {
        for (uint32_t end = amqpci_serial_add((uint32_t)last, 1); status == AMQPC_OK && id != end;
             id = amqpci_serial_add(id, 1)) {
            delivery = (amqpci_delivery *)amqpci_delivery_index_get_straggler(index, id);
            if (delivery != NULL && is_named(delivery, work->link, first, last)) {
                status = settle_one(work, delivery);
            }
        }
        return status;
    }
    while (status == AMQPC_OK &&
           (delivery = (amqpci_delivery *)amqpci_delivery_index_next_straggler(index, &place,
                                                                               &id)) != NULL) {
        if (is_named(delivery, work->link, first, last)) {
            status = settle_one(work, delivery);
        }
    }
    return status;
}

/* Those that stand in the index. */
static amqpc_status settle_indexed(settling *work, uint64_t first, uint64_t last)
{
    const amqpc_link *link = work->link;
    amqpc_status status = AMQPC_OK;
    if (AMQPCI_UNLIKELY(link->session == NULL || link->state == AMQPC_LINK_DETACHED)) {
        return status;
    }
    if (AMQPCI_UNLIKELY(link->resumed_count > 0)) {
        status = settle_resumed(work, first, last);
    }
    if (status == AMQPC_OK && AMQPCI_UNLIKELY(index_of(link)->straggler_count > 0)) {
        status = settle_stragglers(work, first, last);
    }
    if (status == AMQPC_OK && is_present(link, last)) {
        status = settle_range(work, first, last);
    }
    return status == AMQPC_OK ? tell_run(work) : status;
}

static amqpc_status settle(amqpc_link *link, uint64_t first, uint64_t last, uint8_t code,
                           const amqpc_value *state, bool settled)
{
    if (!is_ordered(first, last)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    settling work = {.link = link, .state = state, .code = code, .settled = settled};
    amqpc_status status = AMQPC_OK;
    if (AMQPCI_UNLIKELY(state != NULL)) {
        /* It is written at once, and nothing is forgotten of which the peer is not told. */
        work.only_tells = true;
        status = settle_indexed(&work, first, last);
        work.only_tells = false;
        work.told = true;
    }
    if (AMQPCI_UNLIKELY(link->suspended.count > 0 || link->resuming.first != NULL) &&
        status == AMQPC_OK) {
        status = settle_suspended(&work, first, last);
    }
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {
        status = settle_indexed(&work, first, last);
    }
    if (link->role == AMQPC_ROLE_RECEIVER && link->advertised < link->credit) {
        amqpci_link_check_credit(link);
    }
    return status == AMQPC_OK && work.named == 0 ? AMQPC_NOT_FOUND : status;
}

amqpc_status amqpc_link_settle(amqpc_link *link, uint64_t first, uint64_t last, uint32_t state_type)
{
    bool valid = state_type == AMQPC_COMPOSITE_NONE || state_type == AMQPC_COMPOSITE_ACCEPTED ||
                 state_type == AMQPC_COMPOSITE_RELEASED;
    return valid ? settle(link, first, last, (uint8_t)state_type, NULL, true)
                 : AMQPC_INVALID_ARGUMENT;
}

amqpc_status amqpc_link_update(amqpc_link *link, uint64_t first, uint64_t last,
                               const amqpc_value *state, bool settled)
{
    if (state != NULL && state->type != AMQPC_TYPE_DESCRIBED) {
        return AMQPC_INVALID_ARGUMENT;
    }
    uint8_t code = amqpci_state_code(state);
    return settle(link, first, last, code, amqpci_is_plain_state(code) ? NULL : state, settled);
}

/* As amqpc_link_update with a composite that is encoded first. */
static amqpc_status update_with(amqpc_link *link, uint64_t first, uint64_t last,
                                amqpc_buffer *buffer)
{
    amqpc_value state;
    amqpc_status status = amqpc_value_decode(amqpc_buffer_data(buffer), amqpc_buffer_size(buffer),
                                             NULL, &state, NULL);
    return status == AMQPC_OK ? amqpc_link_update(link, first, last, &state, true) : status;
}

amqpc_status amqpc_link_reject(amqpc_link *link, uint64_t first, uint64_t last,
                               const amqpc_error *error)
{
    amqpc_rejected rejected = {0};
    amqpc_buffer *buffer = NULL;
    amqpci_sink sink;
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    if (error != NULL) {
        rejected.present = AMQPC_REJECTED_ERROR;
        rejected.error = *error;
    }
    amqpci_sink_init_growable(&sink, buffer);
    status = amqpci_encode_rejected(&sink, &rejected);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        status = update_with(link, first, last, buffer);
    }
    amqpc_buffer_free(buffer);
    return status;
}

amqpc_status amqpc_link_modify(amqpc_link *link, uint64_t first, uint64_t last,
                               const amqpc_modified *modified)
{
    amqpc_buffer *buffer = NULL;
    amqpci_sink sink;
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_init_growable(&sink, buffer);
    status = amqpci_encode_modified(&sink, modified);
    if (status == AMQPC_OK) {
        amqpci_sink_publish(&sink);
        status = update_with(link, first, last, buffer);
    }
    amqpc_buffer_free(buffer);
    return status;
}
