/* The broker under random clients: senders and receivers come, go, are cut, settle as they like,
 * and come back. What was accepted is neither lost nor, once settled for good, seen again, and what
 * the broker counts is what it holds.
 *
 * AMQPCODEC_BROKER_SEEDS in the environment says how many seeds to run; the first is always the
 * same. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_fixture.h"

enum {
    STEPS = 300,
    LANES = 4, /* links of each kind */
    MESSAGES_MAX = 2000,
    DEFAULT_SEEDS = 30
};

/* A client's link; link NULL while there is none. */
struct lane {
    fixture_peer *peer;
    amqpc_link *link;
    char container[16];
};

/* accepted  by the broker, for the sender's ears
 * ended     a receiver accepted or rejected it, and the broker was told */
struct ledger {
    uint32_t sent;
    uint8_t accepted[MESSAGES_MAX];
    uint8_t ended[MESSAGES_MAX];
};

struct play {
    broker_fixture fixture;
    struct lane senders[LANES];
    struct lane receivers[LANES];
    struct ledger ledger;
    uint64_t state;
};

static uint32_t choose(struct play *play, uint32_t below)
{
    play->state ^= play->state << 13;
    play->state ^= play->state >> 7;
    play->state ^= play->state << 17;
    return (uint32_t)(play->state >> 32) % below;
}

/* --- What holds at any time. */

static void check_queue(const broker_queue *queue)
{
    uint64_t size = 0;
    uint64_t ready = 0;
    uint64_t unsettled = 0;
    uint64_t sequence = 0;
    for (const broker_message *at = queue->ready.first; at != NULL; at = at->next) {
        assert_true(ready == 0 || at->sequence > sequence);
        sequence = at->sequence;
        size += at->block_size;
        ready++;
    }
    for (const broker_consumer *c = queue->first_consumer; c != NULL; c = c->next_of_queue) {
        uint32_t own = 0;
        for (const broker_message *at = c->unsettled.first; at != NULL; at = at->next) {
            assert_ptr_equal(at->consumer, c);
            size += at->block_size;
            own++;
        }
        assert_int_equal(own, c->unsettled_count);
        unsettled += own;
    }
    assert_int_equal(queue->ready_count, ready);
    assert_int_equal(queue->unsettled_count, unsettled);
    assert_int_equal(queue->size, size);
    /* Nobody who could take a message waits beside one. */
    assert_true(queue->turn == NULL || queue->ready.first == NULL);
}

static void check(const struct play *play)
{
    for (const broker_queue *at = play->fixture.broker->queues.first; at != NULL; at = at->next) {
        check_queue(at);
    }
}

/* --- Clients. */

static void lose(struct play *play, fixture_peer *peer)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lanes[] = {&play->senders[i], &play->receivers[i]};
        for (unsigned j = 0; j < 2; j++) {
            if (lanes[j]->peer == peer) {
                lanes[j]->peer = NULL;
                lanes[j]->link = NULL;
            }
        }
    }
}

static void cut(struct play *play, struct lane *lane)
{
    fixture_peer *peer = lane->peer;
    if (peer == NULL) {
        return;
    }
    lose(play, peer);
    fixture_cut(&play->fixture, peer);
}

static void connect_lane(struct play *play, struct lane *lane, const char *kind, unsigned number)
{
    (void)snprintf(lane->container, sizeof lane->container, "%s-%u", kind, number);
    lane->peer = fixture_connect(&play->fixture, lane->container, NULL);
}

static void attach_sender(struct play *play, unsigned number)
{
    static const amqpc_attach second = {.present = AMQPC_ATTACH_RCV_SETTLE_MODE,
                                        .rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND};
    struct lane *lane = &play->senders[number];
    if (lane->peer == NULL) {
        connect_lane(play, lane, "sender", number);
    }
    if (lane->link == NULL) {
        lane->link = fixture_sender(&play->fixture, lane->peer, "to q", "q",
                                    choose(play, 3) == 0 ? &second : NULL);
    }
}

static void attach_receiver(struct play *play, unsigned number)
{
    static const char *const policies[] = {"link-detach", "session-end", "connection-close",
                                           "never"};
    struct lane *lane = &play->receivers[number];
    amqpc_source source = fixture_source("q");
    amqpc_attach attach = {.present = AMQPC_ATTACH_RCV_SETTLE_MODE};
    attach.rcv_settle_mode = choose(play, 3) == 0;
    source.present |= AMQPC_SOURCE_EXPIRY_POLICY | AMQPC_SOURCE_TIMEOUT;
    source.expiry_policy = fixture_bytes(policies[choose(play, 4)]);
    source.timeout = choose(play, 3);
    if (lane->peer == NULL) {
        connect_lane(play, lane, "receiver", number);
    }
    if (lane->link == NULL) {
        lane->link = fixture_receiver(&play->fixture, lane->peer, "from q", &source, &attach,
                                      choose(play, 20));
    }
}

/* The message says its number. */
static void send(struct play *play, const struct lane *lane)
{
    uint8_t data[64] = {0, 0x53, 0x77, AMQPC_CODE_UINT};
    uint32_t number = play->ledger.sent;
    size_t size = 8;
    if (lane->link == NULL || number == MESSAGES_MAX) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        data[4 + i] = (uint8_t)(number >> (24 - 8 * i));
    }
    const amqpc_send_options options = {.struct_size = sizeof options, .context = number};
    if (amqpc_link_send(lane->link, (amqpc_bytes){data, size}, &options, NULL) == AMQPC_OK) {
        play->ledger.sent++;
    }
}

static void take_updates(struct play *play, const struct lane *lane)
{
    amqpc_update update;
    size_t count = 1;
    while (lane->link != NULL && count == 1 &&
           amqpc_link_updates(lane->link, &update, 1, &count) == AMQPC_OK && count == 1) {
        play->ledger.accepted[update.context] = update.state_type == AMQPC_COMPOSITE_ACCEPTED;
        if (!update.settled) {
            assert_int_equal(
                amqpc_link_settle(lane->link, update.number, update.number, AMQPC_COMPOSITE_NONE),
                AMQPC_OK);
        }
    }
}

static void settle(struct play *play, const struct lane *lane, const amqpc_delivery *delivery,
                   uint32_t message)
{
    const amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED,
                                     .delivery_failed = true};
    uint64_t number = delivery->number;
    amqpc_status status = AMQPC_OK;
    bool ends = false;
    switch (choose(play, 6)) {
    case 0:
        status = amqpc_link_settle(lane->link, number, number, AMQPC_COMPOSITE_RELEASED);
        break;
    case 1:
        status = amqpc_link_modify(lane->link, number, number, &modified);
        break;
    case 2:
        ends = true;
        status = amqpc_link_reject(lane->link, number, number, NULL);
        break;
    case 3:
        break; /* it stays unsettled */
    default:
        ends = true;
        status = amqpc_link_settle(lane->link, number, number, AMQPC_COMPOSITE_ACCEPTED);
        break;
    }
    assert_int_equal(status, AMQPC_OK);
    fixture_run(&play->fixture); /* so that the broker hears of it */
    play->ledger.ended[message] = play->ledger.ended[message] || ends;
}

static uint32_t number_of(const amqpc_delivery *delivery)
{
    amqpc_message message = fixture_message(delivery);
    assert_int_equal(message.body.type, AMQPC_TYPE_UINT);
    return (uint32_t)message.body.as.u64;
}

static void receive(struct play *play, const struct lane *lane)
{
    amqpc_delivery delivery;
    size_t count = 0;
    if (lane->link == NULL) {
        return;
    }
    (void)!amqpc_link_add_credit(lane->link, choose(play, 10));
    fixture_run(&play->fixture);
    while (amqpc_link_receive(lane->link, &delivery, 1, &count) == AMQPC_OK && count == 1) {
        uint32_t number = number_of(&delivery);
        assert_true(number < play->ledger.sent);
        assert_false(play->ledger.ended[number]);
        settle(play, lane, &delivery, number);
        amqpc_delivery_release(&delivery);
    }
}

static void detach(struct play *play, struct lane *lane, bool closed)
{
    if (lane->link == NULL) {
        return;
    }
    assert_int_equal(amqpc_link_detach(lane->link, closed, NULL), AMQPC_OK);
    fixture_run(&play->fixture);
    amqpc_link_free(lane->link);
    lane->link = NULL;
}

static void step(struct play *play)
{
    unsigned number = choose(play, LANES);
    switch (choose(play, 16)) {
    case 0:
        attach_sender(play, number);
        break;
    case 1:
    case 2:
        attach_receiver(play, number);
        break;
    case 3:
        detach(play, &play->receivers[number], choose(play, 2) == 0);
        break;
    case 4:
        cut(play, &play->receivers[number]);
        break;
    case 5:
        if (choose(play, 4) == 0) {
            cut(play, &play->senders[number]);
        }
        break;
    case 6:
        fixture_pass(&play->fixture, choose(play, 1500));
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        receive(play, &play->receivers[number]);
        break;
    default:
        attach_sender(play, number);
        for (uint32_t count = choose(play, 12); count > 0; count--) {
            send(play, &play->senders[number]);
        }
        break;
    }
    fixture_run(&play->fixture);
    for (unsigned i = 0; i < LANES; i++) {
        take_updates(play, &play->senders[i]);
    }
    fixture_run(&play->fixture);
    check(play);
}

/* Everybody goes; then one receiver takes what is left, once each. */
static void finish(struct play *play)
{
    for (unsigned i = 0; i < LANES; i++) {
        cut(play, &play->senders[i]);
        cut(play, &play->receivers[i]);
    }
    fixture_pass(&play->fixture, 10000);
    for (terminus_table *table = &play->fixture.broker->termini; table->first_orphan != NULL;) {
        terminus_end(table->first_orphan, NULL); /* those that never expire */
    }
    const amqpc_source source = fixture_source("q");
    fixture_peer *peer = fixture_connect(&play->fixture, "last", NULL);
    amqpc_link *last =
        fixture_receiver(&play->fixture, peer, "last", &source, NULL, 2 * MESSAGES_MAX);
    amqpc_delivery delivery;
    size_t count = 0;
    while (amqpc_link_receive(last, &delivery, 1, &count) == AMQPC_OK && count == 1) {
        uint32_t number = number_of(&delivery);
        assert_false(play->ledger.ended[number]);
        play->ledger.ended[number] = true;
        assert_int_equal(
            amqpc_link_settle(last, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED),
            AMQPC_OK);
        amqpc_delivery_release(&delivery);
    }
    fixture_run(&play->fixture);
    for (uint32_t i = 0; i < play->ledger.sent; i++) {
        assert_true(play->ledger.ended[i] || !play->ledger.accepted[i]);
    }
    check(play);
    assert_int_equal(play->fixture.broker->store.used_size, 0);
}

static void run_seed(uint64_t seed)
{
    static struct play play;
    memset(&play, 0, sizeof play);
    play.state = seed * 0x9e3779b97f4a7c15u + 1;
    fixture_make(&play.fixture, NULL);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&play);
    }
    finish(&play);
    fixture_free(&play.fixture);
}

static void test_nothing_is_lost_and_nothing_ended_comes_again(void **state)
{
    (void)state;
    const char *wanted = getenv("AMQPCODEC_BROKER_SEEDS");
    uint64_t seeds = wanted == NULL ? DEFAULT_SEEDS : strtoull(wanted, NULL, 10);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        print_message("seed %" PRIu64 "\n", seed);
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_and_nothing_ended_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
