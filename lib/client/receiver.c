/* Receivers: making them, and taking deliveries. */
#include "client/receiver.h"

#include <string.h>

#include "base/memory.h"
#include "base/serial.h"
#include "engine/link.h"

/* RabbitMQ 3.10 takes the credit of a flow as given from where it is itself, not from the
 * delivery-count that the flow says, and so sends more than there is credit for, up to the
 * session's window. Detaching that link would bring all of it again and again; memory is bounded by
 * the window, which counts what waits to be taken. */
enum { CREDIT_SLACK = 2048 };

void amqpc_receiver_options_init(amqpc_receiver_options *options, size_t struct_size)
{
    amqpc_receiver_options defaults = {
        .struct_size = struct_size, .prefetch = 100, .message_size = 1024 * 1024};
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* --- As a link. */

/* How many of the unread deliveries would be lost with their link: settled ones, and, in order,
 * what came before them. Unsettled ones come again by the sender. Of a link that is over, all. */
static size_t count_perishable(const amqpci_client_link *link)
{
    size_t count = 0;
    size_t position = 0;
    if (amqpci_client_link_is_over(link)) {
        return link->link->unread_count;
    }
    for (const amqpci_delivery *at = link->link->unread.first; at != NULL; at = at->next) {
        position++;
        count = at->flags & AMQPCI_DELIVERY_SETTLED ? position : count;
    }
    return count;
}

static amqpc_status reserve(amqpc_receiver *receiver, size_t more)
{
    amqpci_kept_deliveries *kept = &receiver->kept;
    if (kept->first > 0) {
        memmove(kept->items, kept->items + kept->first, kept->count * sizeof *kept->items);
        kept->first = 0;
    }
    if (more > kept->capacity - kept->count) {
        size_t capacity = kept->count + more;
        void *grown = amqpci_reallocate(&receiver->base.client->allocator, kept->items,
                                        capacity * sizeof *kept->items);
        if (grown == NULL) {
            return AMQPC_NO_MEMORY;
        }
        kept->items = (amqpc_delivery *)grown;
        kept->capacity = capacity;
    }
    return AMQPC_OK;
}

/* Takes from a link that is left behind what does not come again. */
static amqpc_status take_perishable(amqpc_receiver *receiver)
{
    size_t taken = 0;
    size_t count = count_perishable(&receiver->base);
    if (count == 0) {
        return AMQPC_OK;
    }
    amqpc_status status = reserve(receiver, count);
    if (status == AMQPC_OK) {
        status = amqpc_link_receive(receiver->base.link,
                                    receiver->kept.items + receiver->kept.count, count, &taken);
        receiver->kept.count += taken;
    }
    return status;
}

/* Deliveries that the link brought in this attachment for the program: those that came back, which
 * it was given before, do not count. */
static uint32_t count_used(const amqpc_receiver *receiver, const amqpc_link *link)
{
    return receiver->is_counting
               ? link->delivery_count - receiver->first_count - link->resumed_credit
               : 0;
}

/* Credit that was given to the link by hand, and not used. */
static uint32_t credit_left(const amqpc_receiver *receiver, const amqpc_link *link)
{
    uint32_t used = count_used(receiver, link);
    return used < receiver->granted ? (uint32_t)(receiver->granted - used) : 0;
}

/* A closed link may be gone before there is another: what nobody has taken comes again by that. */
static amqpc_status settle_up(amqpci_client_link *link)
{
    amqpc_receiver *receiver = (amqpc_receiver *)link;
    amqpc_status status = take_perishable(receiver);
    if (status == AMQPC_OK && receiver->is_counting && amqpc_link_is_closed(link->link)) {
        receiver->granted = credit_left(receiver, link->link) + link->link->unread_count;
        receiver->is_counting = false;
    }
    return status;
}

/* Deliveries may be as large as the link allows: some that have arrived in part, and some that wait
 * to be taken. */
static void allow_size(const amqpc_receiver *receiver, amqpc_connection *connection)
{
    uint64_t size = receiver->message_size;
    uint64_t wanted = size == 0 || size > UINT64_MAX / 4 ? UINT64_MAX : size * 4;
    if (connection->partial_size_max < wanted) {
        connection->partial_size_max = wanted;
    }
    if (connection->retained_size_max < wanted) {
        connection->retained_size_max = wanted;
    }
    if (size == 0) {
        connection->message_size = UINT64_MAX;
    }
}

static void moved(amqpci_client_link *link, const amqpc_link *from)
{
    amqpc_receiver *receiver = (amqpc_receiver *)link;
    receiver->granted = credit_left(receiver, from);
    receiver->is_counting = false;
    allow_size(receiver, link->link->connection);
    link->link->credit_slack = CREDIT_SLACK;
    if (receiver->prefetch > 0) {
        amqpci_ignore(amqpc_link_set_prefetch(link->link, receiver->prefetch)); /* it was checked */
        return;
    }
    if (from != NULL && from != link->link && !amqpc_link_is_closed(from)) {
        receiver->granted += from->unread_count; /* what nobody has taken comes again */
    }
    amqpci_ignore(amqpc_link_withdraw_credit(link->link));
    amqpci_ignore(amqpc_link_add_credit(link->link, (uint32_t)receiver->granted));
    if (receiver->is_draining) {
        amqpci_ignore(amqpc_link_drain(link->link));
    }
}

/* What the sender comes back to needs credit, too, which was not meant for it. Some of it may have
 * come right behind the attach. */
static void attached(amqpci_client_link *link)
{
    amqpc_receiver *receiver = (amqpc_receiver *)link;
    amqpc_attach attach;
    if (amqpc_link_remote_attach(link->link, &attach) == AMQPC_OK) {
        receiver->first_count = attach.initial_delivery_count;
        receiver->is_counting = true;
    }
    uint32_t wanted = credit_left(receiver, link->link);
    for (uint32_t i = 0; i < link->link->suspended.count; i++) {
        const amqpci_delivery *at = link->link->suspended.deliveries[i];
        wanted += at != NULL && !(at->flags & AMQPCI_DELIVERY_BARE);
    }
    if (receiver->prefetch == 0 && wanted > link->link->credit) {
        amqpci_ignore(amqpc_link_add_credit(link->link, wanted - link->link->credit));
    }
    if (receiver->is_draining && link->link->drain) {
        amqpci_ignore(
            amqpc_link_drain(link->link)); /* with attach no flow went out for no credit */
    }
}

static void ended(amqpci_client_link *link)
{
    (void)link; /* what was received may still be taken */
}

static void release(amqpci_client_link *link)
{
    amqpc_receiver *receiver = (amqpc_receiver *)link;
    const amqpci_kept_deliveries *kept = &receiver->kept;
    if (kept->count > 0) {
        amqpc_deliveries_release(kept->items + kept->first, kept->count);
    }
    amqpci_release(&link->client->allocator, kept->items);
    amqpci_release(&link->client->allocator, receiver);
}

static const amqpci_link_kind receiver_kind = {
    .role = AMQPC_ROLE_RECEIVER,
    .settle_up = settle_up,
    .moved = moved,
    .attached = attached,
    .ended = ended,
    .release = release,
};

void amqpci_receiver_drop_updates(amqpc_receiver *receiver)
{
    amqpc_update updates[64];
    size_t count = 64;
    while (count == 64 &&
           amqpc_link_updates(receiver->base.link, updates, 64, &count) == AMQPC_OK) {
    }
}

/* --- Making. */

static void fill_terms(const char *address, const amqpc_receiver_options *options,
                       amqpci_link_terms *terms)
{
    *terms = (amqpci_link_terms){
        .role = AMQPC_ROLE_RECEIVER,
        .name = options->name,
        .address = address,
        .source = options->source,
        .target = options->target,
        .properties = options->properties,
        .capabilities = options->capabilities,
        .selector = options->selector,
        .snd_settle_mode =
            options->settled ? AMQPC_SENDER_SETTLE_MODE_SETTLED : AMQPC_SENDER_SETTLE_MODE_MIXED,
        .rcv_settle_mode =
            options->second ? AMQPC_RECEIVER_SETTLE_MODE_SECOND : AMQPC_RECEIVER_SETTLE_MODE_FIRST,
        .max_message_size = options->message_size,
    };
}

amqpc_status amqpci_receiver_make(amqpc_client *client, const char *address,
                                  const amqpc_receiver_options *options, amqpc_receiver **receiver)
{
    amqpci_link_terms terms;
    if (client->state == AMQPC_CLIENT_CLOSING || client->state == AMQPC_CLIENT_CLOSED) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_receiver *made = (amqpc_receiver *)amqpci_new(&client->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    fill_terms(address, options, &terms);
    amqpc_status status = amqpci_client_link_terms_encode(client, &terms, &made->base.terms);
    if (status != AMQPC_OK) {
        amqpci_release(&client->allocator, made);
        return status;
    }
    made->base.kind = &receiver_kind;
    made->base.client = client;
    made->prefetch = options->prefetch;
    made->message_size = options->message_size;
    amqpci_client_link_start(&made->base);
    *receiver = made;
    return AMQPC_OK;
}

amqpc_status amqpc_receiver_new(amqpc_client *client, const char *address,
                                const amqpc_receiver_options *options, amqpc_receiver **receiver)
{
    amqpc_receiver_options chosen;
    amqpc_receiver_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    }
    if (chosen.prefetch > INT32_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_receiver_make(client, address, &chosen, receiver);
    amqpci_client_leave(client);
    return status;
}

/* --- Receiving. */

static bool has_deliveries(const amqpc_receiver *receiver)
{
    const amqpc_link *link = receiver->base.link;
    return receiver->kept.count > 0 || (link != NULL && link->unread_count > 0);
}

bool amqpci_receiver_has_news(const void *object)
{
    const amqpc_receiver *receiver = (const amqpc_receiver *)object;
    return has_deliveries(receiver) || receiver->base.phase >= AMQPCI_LINK_CLOSING;
}

static size_t take_kept(amqpci_kept_deliveries *kept, amqpc_delivery *deliveries, size_t capacity)
{
    size_t count = kept->count < capacity ? kept->count : capacity;
    memcpy(deliveries, kept->items + kept->first, count * sizeof *deliveries);
    kept->count -= count;
    kept->first = kept->count == 0 ? 0 : kept->first + count;
    return count;
}

size_t amqpci_receiver_take(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t capacity)
{
    size_t count = 0;
    amqpc_link *link = receiver->base.link;
    if (AMQPCI_UNLIKELY(receiver->kept.count > 0)) {
        return take_kept(&receiver->kept, deliveries, capacity);
    }
    if (link == NULL || amqpc_link_receive(link, deliveries, capacity, &count) != AMQPC_OK) {
        return 0;
    }
    if (link->is_due) {
        /* Credit was topped up: the sooner the sender knows, the less it stands still. */
        amqpci_client_flush(receiver->base.client);
    }
    return count;
}

amqpc_status amqpc_receiver_receive(amqpc_receiver *receiver, amqpc_delivery *deliveries,
                                    size_t capacity, int64_t timeout_ms, size_t *count)
{
    amqpc_client *client = receiver->base.client;
    *count = 0;
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    if (capacity > 0) {
        *count = amqpci_receiver_take(receiver, deliveries, capacity);
    }
    if (*count == 0) {
        status = amqpci_client_wait(client, amqpci_deadline(timeout_ms), amqpci_receiver_has_news,
                                    receiver);
        if (status == AMQPC_OK && capacity > 0) {
            *count = amqpci_receiver_take(receiver, deliveries, capacity);
        }
        if (status == AMQPC_OK && *count == 0 && (capacity > 0 || !has_deliveries(receiver))) {
            status = amqpci_client_link_end_status(&receiver->base);
        }
    }
    amqpci_client_leave(client);
    return status;
}

/* --- Credit. */

/* Whether the engine's link is one of this connection, and can be given credit. */
static bool is_attachable(const amqpc_receiver *receiver)
{
    uint8_t phase = receiver->base.phase;
    return receiver->base.link != NULL && phase >= AMQPCI_LINK_ATTACHING &&
           phase <= AMQPCI_LINK_RETRYING;
}

static amqpc_status add_credit(amqpc_receiver *receiver, uint32_t count)
{
    amqpc_status status = amqpci_client_link_end_status(&receiver->base);
    if (status != AMQPC_OK) {
        return status;
    }
    if (count > INT32_MAX || credit_left(receiver, receiver->base.link) > INT32_MAX - count) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (is_attachable(receiver)) {
        status = amqpc_link_add_credit(receiver->base.link, count);
    }
    if (status == AMQPC_OK) {
        receiver->granted += count;
        receiver->is_draining = false;
    }
    return status;
}

amqpc_status amqpc_receiver_add_credit(amqpc_receiver *receiver, uint32_t count)
{
    amqpc_status status = amqpci_client_enter(receiver->base.client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = add_credit(receiver, count);
    amqpci_client_send_soon(receiver->base.client);
    amqpci_client_leave(receiver->base.client);
    return status;
}

/* From prefetch to credit by hand: what the sender may still send counts as given by hand. */
static void begin_by_hand(amqpc_receiver *receiver)
{
    const amqpc_link *link = receiver->base.link;
    receiver->granted = link == NULL ? 0 : (uint64_t)count_used(receiver, link) + link->credit;
}

static amqpc_status set_prefetch(amqpc_receiver *receiver, uint32_t count)
{
    amqpc_status status = amqpci_client_link_end_status(&receiver->base);
    if (status == AMQPC_OK && count > INT32_MAX) {
        status = AMQPC_INVALID_ARGUMENT;
    }
    if (status == AMQPC_OK && is_attachable(receiver)) {
        status = amqpc_link_set_prefetch(receiver->base.link, count);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (count == 0 && receiver->prefetch > 0) {
        begin_by_hand(receiver);
    }
    receiver->prefetch = count;
    receiver->is_draining = false;
    return status;
}

amqpc_status amqpc_receiver_set_prefetch(amqpc_receiver *receiver, uint32_t count)
{
    amqpc_status status = amqpci_client_enter(receiver->base.client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = set_prefetch(receiver, count);
    amqpci_client_send_soon(receiver->base.client);
    amqpci_client_leave(receiver->base.client);
    return status;
}

static bool is_drained(const void *object)
{
    const amqpc_receiver *receiver = (const amqpc_receiver *)object;
    const amqpc_link *link = receiver->base.link;
    return receiver->base.phase >= AMQPCI_LINK_CLOSING ||
           (receiver->base.phase == AMQPCI_LINK_OPEN && !link->drain);
}

static amqpc_status drain(amqpc_receiver *receiver, uint64_t deadline_ms)
{
    amqpc_client *client = receiver->base.client;
    amqpc_status status = amqpci_client_link_end_status(&receiver->base);
    bool goes_on = receiver->is_draining; /* a call before timed out, and the sender was asked */
    receiver->prefetch = 0;
    receiver->is_draining = true;
    if (status == AMQPC_OK && !goes_on && is_attachable(receiver)) {
        status = amqpc_link_drain(receiver->base.link);
        amqpci_client_send_soon(client);
    }
    if (status == AMQPC_OK) {
        status = amqpci_client_wait(client, deadline_ms, is_drained, receiver);
    }
    if (status == AMQPC_OK) {
        status = amqpci_client_link_end_status(&receiver->base);
        receiver->is_draining = false;
        begin_by_hand(receiver);
    }
    return status;
}

amqpc_status amqpc_receiver_drain(amqpc_receiver *receiver, int64_t timeout_ms)
{
    amqpc_status status = amqpci_client_enter(receiver->base.client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = drain(receiver, amqpci_deadline(timeout_ms));
    amqpci_client_leave(receiver->base.client);
    return status;
}

/* --- What senders and receivers have in common. */

amqpc_status amqpc_receiver_wait_open(amqpc_receiver *receiver, int64_t timeout_ms)
{
    return amqpci_client_link_wait_open(&receiver->base, timeout_ms);
}

amqpc_status amqpc_receiver_address(amqpc_receiver *receiver, char *data, size_t capacity)
{
    return amqpci_client_link_address(&receiver->base, data, capacity);
}

amqpc_status amqpc_receiver_get_error(amqpc_receiver *receiver, amqpc_client_error *error)
{
    return amqpci_client_link_get_error(&receiver->base, error);
}

amqpc_status amqpc_receiver_close(amqpc_receiver *receiver, int64_t timeout_ms)
{
    return amqpci_client_link_close(&receiver->base, false, timeout_ms);
}

amqpc_status amqpc_receiver_detach(amqpc_receiver *receiver, int64_t timeout_ms)
{
    return amqpci_client_link_close(&receiver->base, true, timeout_ms);
}

void amqpc_receiver_free(amqpc_receiver *receiver)
{
    if (receiver != NULL) {
        amqpci_client_link_free(&receiver->base);
    }
}
