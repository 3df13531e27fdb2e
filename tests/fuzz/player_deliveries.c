/* The player's calls of deliveries: sending, receiving, settling. */
#include "player.h"

#include <string.h>

enum { BATCH = 4, BURST = 70, UPDATES = 4 };

static const unsigned may_send =
    MAY_NO_CREDIT | MAY_LIMIT | MAY_TOO_LARGE | MAY_STATE | MAY_ARGUMENT | MAY_MEMORY;

/* A transactional-state, an accepted, or something that is no state. */
static const amqpc_value *some_state(player *self)
{
    static const uint8_t encoded[][16] = {
        {0x00, 0x53, 0x34, 0xc0, 0x05, 0x01, 0xa0, 0x02, 'i', 'd'},
        {0x00, 0x53, 0x24, 0x45},
        {0x00, 0x53, 0x23, 0xc0, 0x04, 0x02, 0x43, 0x44},
        {0x00, 0x53, 0x25, 0x45},
        {0x00, 0x53, 0x27, 0xc0, 0x02, 0x01, 0x41},
        {0x00, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 0x41},
        {0x41},
    };
    static const size_t sizes[] = {10, 4, 7, 4, 6, 11, 1};
    static amqpc_value value;
    uint8_t kind = choose_byte(self->from) % 8;
    if (kind == 7) {
        return NULL;
    }
    amqpc_status status = amqpc_value_decode(encoded[kind], sizes[kind], NULL, &value, NULL);
    return status == AMQPC_OK ? &value : NULL;
}

/* --- Sending. */

static void some_options(player *self, amqpc_send_options *options)
{
    uint8_t kind = choose_byte(self->from);
    amqpc_send_options_init(options, sizeof *options);
    options->settled = kind % 4 == 0;
    options->by_reference = (kind >> 2) % 4 == 0;
    options->batchable = (kind >> 4) % 4 == 0;
    if (kind >> 6 == 3) {
        uint8_t more = choose_byte(self->from);
        options->has_rcv_settle_mode = (more & 1) != 0;
        options->rcv_settle_mode = (more >> 1) % 2;
        options->message_format = more & 4 ? choose_number(self->from) : 0;
        options->state = more & 8 ? some_state(self) : NULL;
    }
}

/* Sends whole, from memory of its own where that is lent. */
static void send_whole(player *self, player_link *link)
{
    amqpc_send_options options;
    uint8_t tag[33] = {'t'};
    some_options(self, &options);
    player_send *send = player_begin_send(self, link, &options);
    if (send == NULL) {
        return;
    }
    if (choose_rarely(self->from, 4)) {
        memcpy(tag + 1, &options.context, sizeof options.context);
        options.tag = (amqpc_bytes){tag, 9 + choose(self->from, 25)};
    }
    amqpc_bytes payload = choose_bytes(self->from, SIZE_MAX);
    if (options.by_reference) {
        send->memory = fuzz_allocate(payload.size);
        memcpy(send->memory, payload.data, payload.size);
        payload.data = send->memory;
    }
    uint64_t number = 0;
    amqpc_status status = amqpc_link_send(link->link, payload, &options, &number);
    player_sent(self, send, &options, player_check(self, status, may_send), number);
}

static void send_batch(player *self, player_link *link)
{
    amqpc_send_options options;
    amqpc_bytes payloads[BATCH];
    player_send *sends[BATCH];
    amqpc_send_options_init(&options, sizeof options);
    options.settled = choose_rarely(self->from, 2);
    size_t count = 0;
    while (count < BATCH && (sends[count] = player_begin_send(self, link, &options)) != NULL) {
        payloads[count++] = choose_bytes(self->from, SIZE_MAX);
    }
    options.context -= count - (count > 0);
    size_t sent = BATCH + 1;
    uint64_t first = 0;
    amqpc_status status =
        amqpc_link_send_batch(link->link, payloads, count, &options, &sent, &first);
    (void)player_check(self, status, may_send);
    FUZZ_CHECK(sent <= count && (sent == count) == (status == AMQPC_OK));
    for (size_t i = 0; i < count; i++) {
        uint64_t number = (first & ~(uint64_t)UINT32_MAX) | (uint32_t)(first + i);
        player_sent(self, sends[i], &options, i < sent, number);
        options.context++;
    }
}

/* So many that those before become stragglers of the index. */
static void send_burst(player *self, player_link *link)
{
    static const amqpc_bytes payloads[BURST];
    amqpc_send_options options;
    size_t sent = 0;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    amqpc_status status = amqpc_link_send_batch(link->link, payloads, BURST, &options, &sent, NULL);
    (void)player_check(self, status, may_send);
    self->effort += BURST;
}

static void send_in_place(player *self, player_link *link)
{
    amqpc_send_options options;
    void *place = NULL;
    uint64_t number = 0;
    some_options(self, &options);
    player_send *send = player_begin_send(self, link, &options);
    if (send == NULL) {
        return;
    }
    size_t size = choose_bytes(self->from, SIZE_MAX).size;
    size_t written = size - size % 3;
    amqpc_status status = amqpc_link_reserve(link->link, size, &options, &place);
    bool is_sent = player_check(self, status, may_send);
    if (is_sent) {
        memset(place, 's', size);
        is_sent =
            player_check(self, amqpc_link_commit(link->link, written, &options, &number), may_send);
    }
    player_sent(self, send, &options, is_sent, number);
    status = amqpc_link_commit(link->link, 0, &options, NULL);
    FUZZ_CHECK(status == AMQPC_INVALID_STATE);
}

static void stream(player *self, player_link *link)
{
    amqpc_send_options options;
    uint64_t number = 0;
    amqpc_status status = AMQPC_OK;
    player_send *send = NULL;
    switch (choose_byte(self->from) % 8) {
    case 0:
        (void)player_check(self, amqpc_link_send_finish(link->link), MAY_STATE | MAY_MEMORY);
        break;
    case 1:
        (void)player_check(self, amqpc_link_send_abort(link->link), MAY_STATE | MAY_MEMORY);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
        status = amqpc_link_send_chunk(link->link, choose_bytes(self->from, SIZE_MAX));
        (void)player_check(self, status, MAY_LIMIT | MAY_STATE | MAY_TOO_LARGE | MAY_MEMORY);
        break;
    default:
        some_options(self, &options);
        send = player_begin_send(self, link, &options);
        if (send != NULL) {
            status = amqpc_link_send_start(link->link, &options, &number);
            player_sent(self, send, &options, player_check(self, status, may_send), number);
        }
        break;
    }
}

void player_call_sender(player *self, player_link *link)
{
    uint8_t kind = choose_byte(self->from) % 8;
    if (kind == 0 && choose_rarely(self->from, 4)) {
        send_burst(self, link);
    } else if (kind == 0) {
        send_batch(self, link);
    } else if (kind == 1) {
        send_in_place(self, link);
    } else if (kind < 4) {
        stream(self, link);
    } else {
        send_whole(self, link);
    }
}

void player_take_updates(player *self, player_link *link)
{
    amqpc_update updates[UPDATES];
    size_t count = 0;
    size_t capacity = 1 + choose(self->from, UPDATES);
    amqpc_status status = amqpc_link_updates(link->link, updates, capacity, &count);
    FUZZ_CHECK(status == AMQPC_OK && count <= capacity);
    for (size_t i = 0; i < count; i++) {
        self->work++;
        if (updates[i].state.type != AMQPC_TYPE_NULL) {
            (void)fuzz_hash(
                (const uint8_t *)updates[i].state.as.bytes.data,
                updates[i].state.type == AMQPC_TYPE_DESCRIBED ? updates[i].state.as.bytes.size : 0);
        }
        if (amqpc_link_role(link->link) == AMQPC_ROLE_SENDER) {
            player_note_update(self, link, &updates[i]);
        } else {
            FUZZ_CHECK(updates[i].context == 0 || link->imported);
        }
    }
}

/* --- Receiving. */

/* Reads all bytes of a delivery, which have to be there. */
static void read_delivery(const amqpc_delivery *delivery)
{
    uint64_t sum = 1 | fuzz_hash((const uint8_t *)delivery->payload.data, delivery->payload.size);
    sum |= fuzz_hash((const uint8_t *)delivery->tag.data, delivery->tag.size);
    sum |= fuzz_hash((const uint8_t *)delivery->state.data, delivery->state.size);
    FUZZ_CHECK(sum != 0); /* so that it is not left out */
}

static void release_or_keep(player *self, amqpc_delivery *delivery)
{
    if (delivery->storage != NULL) {
        read_delivery(delivery);
    }
    if (choose_rarely(self->from, 8)) {
        bool own = choose(self->from, 2) == 0;
        amqpc_status status = amqpc_delivery_keep(delivery, own ? NULL : &self->memory->allocator);
        (void)player_check(self, status, MAY_MEMORY);
    } else {
        amqpc_delivery_release(delivery);
        FUZZ_CHECK(delivery->storage == NULL);
        amqpc_delivery_release(delivery);
    }
}

void player_take_deliveries(player *self, player_link *link)
{
    amqpc_delivery taken[BATCH];
    size_t count = 0;
    size_t capacity = 1 + choose(self->from, BATCH);
    amqpc_status status = amqpc_link_receive(link->link, taken, capacity, &count);
    if (!player_check(self, status, MAY_STATE)) {
        FUZZ_CHECK(amqpc_link_role(link->link) == AMQPC_ROLE_SENDER);
        return;
    }
    FUZZ_CHECK(count <= capacity);
    for (size_t i = 0; i < count; i++) {
        self->work++;
        self->last_number = taken[i].number;
        read_delivery(&taken[i]);
        amqpc_delivery *place = &self->held[choose(self->from, PLAYER_HELD)];
        if (place->storage != NULL) {
            read_delivery(place);
        }
        amqpc_delivery_release(place);
        *place = taken[i];
    }
}

void player_call_receiver(player *self, player_link *link)
{
    uint8_t kind = choose_byte(self->from) % 8;
    if (kind == 0) {
        amqpc_status status = amqpc_link_set_streaming(link->link, choose_rarely(self->from, 2));
        (void)player_check(self, status, MAY_STATE);
    } else if (kind < 4) {
        release_or_keep(self, &self->held[choose(self->from, PLAYER_HELD)]);
    } else {
        player_take_deliveries(self, link);
    }
}

/* --- Settling. */

static amqpc_status settle_range(player *self, amqpc_link *link, uint64_t first, uint64_t last)
{
    static const uint32_t types[] = {AMQPC_COMPOSITE_ACCEPTED, AMQPC_COMPOSITE_ACCEPTED,
                                     AMQPC_COMPOSITE_RELEASED, AMQPC_COMPOSITE_NONE,
                                     AMQPC_COMPOSITE_REJECTED, 77};
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                         .condition = {"amqp:internal-error", 19}};
    amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED, .delivery_failed = true};
    uint8_t kind = choose_byte(self->from) % 8;
    const amqpc_value *state = NULL;
    switch (kind) {
    case 0:
        return amqpc_link_reject(link, first, last, &error);
    case 1:
        return amqpc_link_modify(link, first, last, &modified);
    case 2:
    case 3:
        state = some_state(self);
        return amqpc_link_update(link, first, last, state, kind == 2);
    default:
        return amqpc_link_settle(link, first, last, types[choose_byte(self->from) % 6]);
    }
}

void player_settle(player *self, player_link *link)
{
    uint8_t kind = choose_byte(self->from);
    uint64_t first = self->last_number;
    uint64_t last = first;
    bool is_unknown = kind % 32 == 0;
    if (is_unknown) {
        first = last = (uint64_t)0xffff << 32 | choose_number(self->from);
    } else if (kind % 4 == 1) {
        uint64_t span = choose_number(self->from);
        first = span < (uint32_t)first ? first - span : first & ~(uint64_t)UINT32_MAX;
    } else if (kind % 4 == 2) {
        last = first + choose_number(self->from);
    }
    uint32_t before = amqpc_link_unsettled_count(link->link);
    amqpc_status status = settle_range(self, link->link, first, last);
    bool is_done = player_check(self, status, MAY_NOT_FOUND | MAY_ARGUMENT | MAY_MEMORY);
    FUZZ_CHECK(!is_unknown || !is_done);
    FUZZ_CHECK(amqpc_link_unsettled_count(link->link) <= before);
}
