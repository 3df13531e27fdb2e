/* Recovery of links: both ends are attached again, and what was unsettled is looked at (AMQP
 * 2.6.13, 3.4.6).
 *
 * Every delivery gets a remedy first, which may need memory. Then the remedies are carried out,
 * which needs none: so that it can be called again where there was no memory. All of it costs
 * O((n + m) log n), for n deliveries here and m entries of the peer's map. */
#include "engine/recovery.h"

#include <string.h>

#include "base/memory.h"
#include "engine/settlement.h"

/* What is found out of one suspended delivery. */
typedef struct finding {
    uint8_t target; /* amqpci_standing */
    uint8_t remedy; /* amqpci_remedy */
} finding;

/* The work on one link.
 *
 * findings  by position
 * notices   for the peer, of deliveries that are over */
typedef struct reconciling {
    amqpc_link *link;
    finding *findings;
    amqpci_delivery_list notices;
    bool complete; /* the peer's map: what it does not name, the peer does not have */
} reconciling;

/* --- The peer's map. */

/* Calls `take` for each entry. */
typedef amqpc_status take_entry(reconciling *work, amqpc_bytes tag, const amqpc_value *state);

static amqpc_status for_each_entry(reconciling *work, const amqpc_value *map, take_entry *take)
{
    amqpc_items items;
    amqpc_value pair[2];
    size_t count = 0;
    amqpc_status status = amqpc_items_init(map, &items);
    while (status == AMQPC_OK) {
        status = amqpc_items_next(&items, pair, 2, &count);
        if (status != AMQPC_OK || count < 2) {
            break;
        }
        bool is_tag =
            pair[0].type == AMQPC_TYPE_BINARY && pair[0].as.bytes.size <= AMQPC_DELIVERY_TAG_MAX;
        status = is_tag ? take(work, pair[0].as.bytes, &pair[1]) : AMQPC_INVALID_FIELD;
    }
    return status;
}

/* --- Sender. */

/* Where in the payload a receiver is that has got as far as `received` says. False where there is
 * no such place. */
static bool find_place(const amqpci_delivery *delivery, const amqpc_received *received,
                       uint32_t *place)
{
    const uint8_t *payload = amqpci_outgoing_payload(delivery);
    uint32_t payload_size = delivery->as.out.size;
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.compound_elements = AMQPC_UNLIMITED;
    limits.zero_width_elements = AMQPC_UNLIMITED;
    size_t at = 0;
    size_t size = 0;
    for (uint32_t section = 0;; section++) {
        bool is_end = at == payload_size;
        if (!is_end &&
            amqpc_value_skip(payload + at, payload_size - at, &limits, &size) != AMQPC_OK) {
            return false;
        }
        size = is_end ? 0 : size;
        if (section == received->section_number) {
            *place = (uint32_t)(at + received->section_offset);
            return received->section_offset <= size;
        }
        if (is_end) {
            return false;
        }
        at += size;
    }
}

static bool decode_received(const amqpc_link *link, amqpc_bytes encoded, amqpc_received *received)
{
    return amqpc_received_decode(encoded.data, encoded.size, &link->connection->limits, received,
                                 NULL) == AMQPC_OK;
}

/* Whether the source can send from where the target is, which `start` receives (AMQP 3.4.1). */
static bool find_start(const amqpc_link *link, const amqpci_delivery *delivery,
                       const amqpc_value *state, uint32_t *start)
{
    amqpc_received target;
    amqpc_received source = {0};
    uint8_t storage[4];
    amqpc_bytes own = amqpci_recovery_encoded_state(delivery, false, storage);
    if (amqpc_received_from_value(state, &link->connection->limits, &target) != AMQPC_OK) {
        return false;
    }
    if (delivery->local_state == AMQPC_COMPOSITE_RECEIVED && !decode_received(link, own, &source)) {
        return false;
    }
    bool behind = target.section_number != source.section_number
                      ? target.section_number < source.section_number
                      : target.section_offset < source.section_offset;
    bool has_sections = !amqpci_delivery_has_extra(delivery) ||
                        delivery->extra->message_format == 0 ||
                        (target.section_number == 0 && target.section_offset == 0);
    return !behind && has_sections && find_place(delivery, &target, start);
}

/* A notice that a delivery is over: a transfer with no payload. It waits for credit. */
static amqpc_status add_notice(reconciling *work, amqpc_bytes tag, amqpc_bytes state, uint8_t code,
                               bool aborted)
{
    amqpci_delivery_store *store = &work->link->connection->deliveries;
    amqpci_delivery *notice = amqpci_delivery_make(store);
    if (notice == NULL) {
        return AMQPC_NO_MEMORY;
    }
    notice->link = work->link;
    notice->id = 0;
    notice->epoch = 0;
    notice->flags = AMQPCI_DELIVERY_SETTLED | AMQPCI_DELIVERY_RESUMED |
                    (aborted ? (uint32_t)AMQPCI_DELIVERY_ABORTED : 0u);
    notice->local_state = code;
    notice->remote_state = AMQPC_COMPOSITE_NONE;
    notice->tag_size = 0;
    notice->context = 0;
    notice->as.out = (amqpci_outgoing){.slab = NULL};
    amqpc_status status = amqpci_delivery_need_extra(store, notice);
    if (status == AMQPC_OK && state.size > 0) {
        status = amqpci_delivery_keep_state(store, notice, false, state);
    }
    if (status != AMQPC_OK) {
        amqpci_delivery_free(store, notice);
        return status;
    }
    notice->extra->tag_size = (uint8_t)tag.size;
    memcpy(notice->extra->tag_storage, tag.data, tag.size);
    amqpci_delivery_list_append(&work->notices, notice);
    return AMQPC_OK;
}

/* What is sent again begins with the first byte, unless it is found that less is needed.
 * AMQPC_NO_MEMORY. */
static amqpc_status start_anew(amqpc_link *link, amqpci_delivery *delivery)
{
    amqpc_status status = amqpci_delivery_need_extra(&link->connection->deliveries, delivery);
    if (status == AMQPC_OK) {
        delivery->extra->framed_size = 0;
    }
    return status;
}

/* What the receiver says of a delivery of ours. */
static amqpc_status take_sent(reconciling *work, amqpc_bytes tag, const amqpc_value *state)
{
    amqpc_link *link = work->link;
    uint32_t position = amqpci_suspended_find(&link->suspended, tag);
    if (position == UINT32_MAX) {
        /* By a complete map of ours it knows that there is nothing to wait for. */
        return link->map_incomplete && tag.size > 0
                   ? add_notice(work, tag, (amqpc_bytes){NULL, 0}, AMQPC_COMPOSITE_NONE, true)
                   : AMQPC_OK;
    }
    amqpci_delivery *delivery = link->suspended.deliveries[position];
    finding *found = &work->findings[position];
    found->target = (uint8_t)amqpci_standing_of(amqpci_state_code(state));
    bool kept = !(delivery->flags & (AMQPCI_DELIVERY_STREAMED | AMQPCI_DELIVERY_SETTLED));
    amqpci_standing source = amqpci_standing_of(amqpci_recovery_state(delivery, AMQPC_ROLE_SENDER));
    found->remedy = (uint8_t)amqpci_recovery_decide(source, (amqpci_standing)found->target, kept);
    amqpc_status status = start_anew(link, delivery);
    if (status != AMQPC_OK) {
        return status;
    }
    if (found->remedy == AMQPCI_REMEDY_CONTINUE &&
        !find_start(link, delivery, state, &delivery->extra->framed_size)) {
        found->remedy = AMQPCI_REMEDY_ABORT;
    }
    if (found->remedy == AMQPCI_REMEDY_TELL && !amqpci_is_outcome(delivery->remote_state)) {
        /* What the receiver has decided is the outcome; it stays so, whatever fails from here. */
        return amqpci_settlement_keep_state(&link->connection->deliveries, delivery, true, state);
    }
    return AMQPC_OK;
}

/* The notice that goes with a remedy. Where both ends have an outcome, the source's counts. */
static amqpc_status add_notice_of(reconciling *work, const amqpci_delivery *delivery,
                                  uint8_t remedy)
{
    uint8_t tag_storage[AMQPC_DELIVERY_TAG_MAX];
    uint8_t state_storage[4];
    amqpc_bytes tag = amqpci_delivery_tag(delivery, AMQPC_ROLE_SENDER, tag_storage);
    uint8_t code = amqpci_recovery_state(delivery, AMQPC_ROLE_SENDER);
    bool remote = code != delivery->local_state;
    amqpc_bytes state = amqpci_recovery_encoded_state(delivery, remote, state_storage);
    bool aborted = remedy == AMQPCI_REMEDY_ABORT && !(delivery->flags & AMQPCI_DELIVERY_SETTLED);
    return add_notice(work, tag, state, code, aborted);
}

/* Those that the receiver did not name; and notices for all that are over. */
static amqpc_status decide_sent(reconciling *work)
{
    amqpci_suspended *suspended = &work->link->suspended;
    amqpc_status status = AMQPC_OK;
    for (uint32_t i = 0; i < suspended->count && status == AMQPC_OK; i++) {
        amqpci_delivery *delivery = suspended->deliveries[i];
        finding *found = &work->findings[i];
        if (found->target == AMQPCI_STANDING_ABSENT && work->complete) {
            bool kept = !(delivery->flags & (AMQPCI_DELIVERY_STREAMED | AMQPCI_DELIVERY_SETTLED));
            amqpci_standing source =
                amqpci_standing_of(amqpci_recovery_state(delivery, AMQPC_ROLE_SENDER));
            kept = kept && !work->link->sends_once;
            status = start_anew(work->link, delivery);
            found->remedy = (uint8_t)amqpci_recovery_decide(source, AMQPCI_STANDING_ABSENT, kept);
        }
        bool over = found->remedy == AMQPCI_REMEDY_TELL || found->remedy == AMQPCI_REMEDY_ABORT;
        if (status == AMQPC_OK && over) {
            status = add_notice_of(work, delivery, found->remedy);
        }
    }
    return status;
}

/* Updates of deliveries that are sent again tell what does not hold any more; and a delivery stands
 * in one queue at a time. */
static void drop_updates(amqpc_link *link)
{
    amqpci_delivery_list kept = {NULL, NULL};
    amqpci_delivery *delivery = NULL;
    while ((delivery = amqpci_delivery_list_take(&link->updates)) != NULL) {
        if (delivery->flags & AMQPCI_DELIVERY_RESUMING) {
            delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_UPDATED;
        } else {
            amqpci_delivery_list_append(&kept, delivery);
        }
    }
    link->updates = kept;
}

/* Over for this end: a last update, unless the application has settled it itself. */
static void end_sent(amqpc_link *link, amqpci_delivery *delivery)
{
    delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
    if (delivery->flags & AMQPCI_DELIVERY_SETTLED) {
        amqpci_sender_settled_here(link, delivery);
        return;
    }
    if (!amqpci_is_outcome(delivery->remote_state)) {
        delivery->flags |= AMQPCI_DELIVERY_UNKNOWN;
    }
    amqpci_link_finish_sent(link, delivery);
}

/* Marks those that are sent again; ends, or keeps, the others. */
static void apply_sent(reconciling *work)
{
    amqpc_link *link = work->link;
    amqpci_suspended *suspended = &link->suspended;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < suspended->count; i++) {
        amqpci_delivery *delivery = suspended->deliveries[i];
        switch (work->findings[i].remedy) {
        case AMQPCI_REMEDY_WAIT:
            suspended->deliveries[kept++] = delivery;
            break;
        case AMQPCI_REMEDY_SEND:
            delivery->flags |= AMQPCI_DELIVERY_RESUMING | AMQPCI_DELIVERY_ANEW;
            suspended->deliveries[kept++] = delivery;
            break;
        case AMQPCI_REMEDY_RESUME:
        case AMQPCI_REMEDY_CONTINUE:
            delivery->flags |= AMQPCI_DELIVERY_RESUMING;
            delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_ANEW;
            suspended->deliveries[kept++] = delivery;
            break;
        default:
            end_sent(link, delivery);
            break;
        }
    }
    suspended->count = kept;
}

/* What is to be sent again leaves the suspended ones for the queue of what waits for credit. */
static void queue_resuming(reconciling *work)
{
    amqpc_link *link = work->link;
    amqpci_suspended *suspended = &link->suspended;
    uint32_t kept = 0;
    drop_updates(link);
    link->resuming = work->notices;
    for (uint32_t i = 0; i < suspended->count; i++) {
        amqpci_delivery *delivery = suspended->deliveries[i];
        if (delivery->flags & AMQPCI_DELIVERY_RESUMING) {
            delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
            amqpci_delivery_list_append(&link->resuming, delivery);
        } else {
            suspended->deliveries[kept++] = delivery;
        }
    }
    suspended->count = kept;
    link->session->resuming_count += link->resuming.first != NULL;
}

/* --- Receiver. */

static amqpc_status take_received(reconciling *work, amqpc_bytes tag, const amqpc_value *state)
{
    (void)state; /* the sender comes back to it by a transfer, which tells */
    uint32_t position = amqpci_suspended_find(&work->link->suspended, tag);
    if (position != UINT32_MAX) {
        work->findings[position].target = AMQPCI_STANDING_NONE;
    }
    return AMQPC_OK;
}

/* What the sender does not have any more is over. The others keep their positions. */
static void apply_received(reconciling *work)
{
    amqpci_suspended *suspended = &work->link->suspended;
    for (uint32_t i = 0; i < suspended->count && work->complete; i++) {
        if (work->findings[i].target == AMQPCI_STANDING_ABSENT) {
            amqpci_delivery *delivery = suspended->deliveries[i];
            suspended->deliveries[i] = NULL;
            delivery->flags &= ~(uint32_t)AMQPCI_DELIVERY_SUSPENDED;
            amqpci_recovery_end_received(work->link, delivery);
        }
    }
}

/* --- Both. */

static void free_notices(reconciling *work)
{
    amqpci_delivery *notice = NULL;
    while ((notice = amqpci_delivery_list_take(&work->notices)) != NULL) {
        amqpci_delivery_free(&work->link->connection->deliveries, notice);
    }
}

static amqpc_status find_out(reconciling *work, const amqpc_attach *attach)
{
    bool sends = work->link->role == AMQPC_ROLE_SENDER;
    amqpc_status status = AMQPC_OK;
    if (attach->present & AMQPC_ATTACH_UNSETTLED) {
        status = for_each_entry(work, &attach->unsettled, sends ? take_sent : take_received);
    }
    return status == AMQPC_OK && sends ? decide_sent(work) : status;
}

static void apply(reconciling *work)
{
    if (work->link->role == AMQPC_ROLE_SENDER) {
        apply_sent(work);
        queue_resuming(work);
        amqpci_suspended_forget_tags(work->link);
    } else {
        apply_received(work);
    }
}

static amqpc_status reconcile(amqpc_link *link, const amqpc_attach *attach)
{
    const amqpc_allocator *allocator = &link->connection->allocator;
    reconciling work = {.link = link, .complete = !attach->incomplete_unsettled};
    link->remote_map_incomplete = attach->incomplete_unsettled;
    bool nothing = link->suspended.count == 0 &&
                   !(link->map_incomplete && attach->present & AMQPC_ATTACH_UNSETTLED);
    if (nothing) {
        return AMQPC_OK;
    }
    work.findings =
        (finding *)amqpci_new(allocator, (link->suspended.count + (size_t)1) * sizeof(finding));
    if (work.findings == NULL) {
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = amqpci_suspended_sort_tags(link);
    if (status == AMQPC_OK) {
        status = find_out(&work, attach);
    }
    if (status == AMQPC_OK) {
        apply(&work);
    } else {
        free_notices(&work);
    }
    amqpci_release(allocator, work.findings);
    return status;
}

amqpc_status amqpci_recovery_reconcile(amqpc_link *link, const amqpc_attach *attach)
{
    amqpc_status status = reconcile(link, attach);
    if (status == AMQPC_OK && link->role == AMQPC_ROLE_SENDER) {
        amqpci_recovery_hold_credit(link); /* a flow may have come right behind the attach */
    }
    return status;
}
