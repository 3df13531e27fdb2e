/* Settling: states, modes, ranges, and the updates that tell of them (AMQP 2.6.12, 3.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

enum { MANY = 200 };

static engine_frames frames;

static void open_with_mode(engine_pair *pair, uint8_t mode)
{
    amqpc_attach attach = {.present = AMQPC_ATTACH_RCV_SETTLE_MODE, .rcv_settle_mode = mode};
    engine_pair_open(pair);
    engine_pair_attach(pair, &attach);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, 1000), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

/* Sends deliveries and takes them at the other end; their numbers are those of the receiver. */
static void deliver(engine_pair *pair, unsigned count, uint64_t *numbers)
{
    for (unsigned i = 0; i < count; i++) {
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        options.context = i;
        assert_int_equal(amqpc_link_send(pair->sender, engine_text("x"), &options, NULL), AMQPC_OK);
    }
    engine_exchange(pair);
    for (unsigned i = 0; i < count; i++) {
        amqpc_delivery delivery;
        size_t taken = 0;
        assert_int_equal(amqpc_link_receive(pair->receiver, &delivery, 1, &taken), AMQPC_OK);
        assert_int_equal(taken, 1);
        numbers[i] = delivery.number;
        amqpc_delivery_release(&delivery);
    }
    engine_exchange(pair);
}

static amqpc_status accept_one(amqpc_link *link, uint64_t number)
{
    return amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_ACCEPTED);
}

/* Takes all updates, of which there are so many, each settled with the state. */
static void assert_settled(amqpc_link *link, size_t expected, uint32_t state_type)
{
    amqpc_update updates[MANY + 1];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, updates, MANY + 1, &count), AMQPC_OK);
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(updates[i].state_type, state_type);
        assert_true(updates[i].settled);
        assert_false(updates[i].unknown);
    }
}

/* --- Ranges. */

static void test_neighbours_are_one_disposition_in_whatever_order(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 3; order++) {
        engine_pair pair;
        open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
        uint64_t numbers[MANY];
        deliver(&pair, MANY, numbers);
        for (unsigned i = 0; i < MANY; i++) {
            unsigned at = order == 0 ? i : order == 1 ? MANY - 1 - i : (i ^ 1u);
            assert_int_equal(accept_one(pair.receiver, numbers[at]), AMQPC_OK);
        }
        assert_int_equal(engine_forward(pair.server, pair.client, &frames), AMQPC_OK);
        if (order < 2) {
            const amqpc_disposition *disposition =
                &engine_frame(&frames, AMQPC_COMPOSITE_DISPOSITION)->as.disposition;
            assert_true(disposition->role);
            assert_true(disposition->settled);
            assert_int_equal(disposition->last - disposition->first, MANY - 1);
        } else {
            assert_true(engine_frame_count(&frames, AMQPC_COMPOSITE_DISPOSITION) <= MANY / 2);
        }
        assert_settled(pair.sender, MANY, AMQPC_COMPOSITE_ACCEPTED);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        engine_pair_free(&pair);
    }
}

/* The frames that were sent, written by the general encoder, are the same bytes. */
static void assert_usual_encoding(const engine_frames *sent)
{
    static uint8_t bytes[65536];
    size_t size = 0;
    for (size_t i = 0; i < sent->count; i++) {
        size_t frame_size = 0;
        assert_int_equal(amqpc_frame_write((amqpc_frame_type)sent->types[i], sent->channels[i],
                                           &sent->list[i], bytes + size, sizeof bytes - size,
                                           &frame_size),
                         AMQPC_OK);
        size += frame_size;
    }
    assert_int_equal(size, sent->size);
    assert_memory_equal(bytes, sent->bytes, size);
}

static void test_dispositions_are_encoded_as_by_the_general_encoder(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static const uint8_t accepted[] = {AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_ACCEPTED,
                                       AMQPC_CODE_LIST0};
    amqpc_value value = {.type = AMQPC_TYPE_DESCRIBED, .count = 2};
    value.as.bytes = (amqpc_bytes){accepted, sizeof accepted};
    static const struct {
        unsigned first;
        unsigned last;
    } ranges[] = {{0, 0}, {2, 2}, {4, 9}, {250, 260}, {297, 297}};
    for (unsigned kind = 0; kind < 5; kind++) {
        engine_pair pair;
        uint64_t numbers[COUNT];
        open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
        deliver(&pair, COUNT, numbers);
        for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
            uint64_t first = numbers[ranges[i].first];
            uint64_t last = numbers[ranges[i].last];
            static const uint32_t types[] = {AMQPC_COMPOSITE_NONE, AMQPC_COMPOSITE_ACCEPTED,
                                             AMQPC_COMPOSITE_RELEASED};
            amqpc_status status = kind < 3
                                      ? amqpc_link_settle(pair.receiver, first, last, types[kind])
                                      : amqpc_link_update(pair.receiver, first, last,
                                                          kind == 3 ? &value : NULL, false);
            assert_int_equal(status, AMQPC_OK);
        }
        engine_take_frames(pair.server, &frames);
        assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_DISPOSITION), 5);
        assert_usual_encoding(&frames);
        engine_pair_free(&pair);
    }
}

static void test_different_states_are_different_dispositions(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t numbers[20];
    deliver(&pair, 20, numbers);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(
            amqpc_link_settle(pair.receiver, numbers[i], numbers[i],
                              i % 2 ? AMQPC_COMPOSITE_ACCEPTED : AMQPC_COMPOSITE_RELEASED),
            AMQPC_OK);
    }
    assert_int_equal(engine_forward(pair.server, pair.client, &frames), AMQPC_OK);
    assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_DISPOSITION), 20);
    amqpc_update updates[20];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(pair.sender, updates, 20, &count), AMQPC_OK);
    assert_int_equal(count, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(updates[i].state_type, updates[i].context % 2 ? AMQPC_COMPOSITE_ACCEPTED
                                                                       : AMQPC_COMPOSITE_RELEASED);
    }
    engine_pair_free(&pair);
}

static void test_a_range_passes_over_what_is_settled_and_says_when_there_is_nothing(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t numbers[10];
    deliver(&pair, 10, numbers);
    assert_int_equal(accept_one(pair.receiver, numbers[4]), AMQPC_OK);
    assert_int_equal(accept_one(pair.receiver, numbers[4]), AMQPC_NOT_FOUND);
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[2], numbers[6], AMQPC_COMPOSITE_RELEASED),
        AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 5);
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[2], numbers[6], AMQPC_COMPOSITE_RELEASED),
        AMQPC_NOT_FOUND);
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[6], numbers[2], AMQPC_COMPOSITE_RELEASED),
        AMQPC_INVALID_ARGUMENT);
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[9], numbers[9], AMQPC_COMPOSITE_REJECTED),
        AMQPC_INVALID_ARGUMENT);
    /* Numbers beyond those that there are, and of other attachments. */
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[9], numbers[9] + 1000, AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK);
    assert_int_equal(accept_one(pair.receiver, numbers[9] + 1), AMQPC_NOT_FOUND);
    assert_int_equal(accept_one(pair.receiver, numbers[8] + ((uint64_t)1 << 32)), AMQPC_NOT_FOUND);
    assert_int_equal(accept_one(pair.receiver, 0), AMQPC_NOT_FOUND);
    engine_exchange(&pair);
    amqpc_update updates[10];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(pair.sender, updates, 10, &count), AMQPC_OK);
    assert_int_equal(count, 6);
    engine_pair_free(&pair);
}

static void test_a_range_names_only_the_deliveries_of_its_link(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    amqpc_link *other = NULL;
    amqpc_link *other_end = NULL;
    engine_pair_attach_named(&pair, "other", NULL, NULL, &other, &other_end);
    assert_int_equal(amqpc_link_add_credit(other_end, 100), AMQPC_OK);
    engine_exchange(&pair);
    for (unsigned i = 0; i < 10; i++) {
        (void)engine_send(i % 2 ? other : pair.sender, "x");
    }
    engine_exchange(&pair);
    amqpc_delivery deliveries[10];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 10, &count), AMQPC_OK);
    assert_int_equal(count, 5);
    assert_int_equal(amqpc_link_settle(pair.receiver, deliveries[0].number, deliveries[4].number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    amqpc_deliveries_release(deliveries, count);
    engine_exchange(&pair);
    assert_settled(pair.sender, 5, AMQPC_COMPOSITE_ACCEPTED);
    assert_no_updates(other);
    assert_int_equal(amqpc_link_unsettled_count(other), 5);
    assert_int_equal(amqpc_link_unsettled_count(other_end), 5);
    engine_pair_free(&pair);
}

/* A delivery that is left unsettled while many others come and go. */
static void test_stragglers_are_settled_like_all_others(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 100000), AMQPC_OK);
    engine_exchange(&pair);
    static uint64_t old[5];
    static uint64_t numbers[100];
    deliver(&pair, 5, old);
    for (unsigned i = 0; i < 300; i++) {
        deliver(&pair, 100, numbers);
        assert_int_equal(
            amqpc_link_settle(pair.receiver, numbers[0], numbers[99], AMQPC_COMPOSITE_ACCEPTED),
            AMQPC_OK);
        engine_exchange(&pair);
        assert_settled(pair.sender, 100, AMQPC_COMPOSITE_ACCEPTED);
    }
    assert_int_equal(amqpc_link_settle(pair.receiver, old[1], old[3], AMQPC_COMPOSITE_RELEASED),
                     AMQPC_OK);
    engine_exchange(&pair);
    assert_settled(pair.sender, 3, AMQPC_COMPOSITE_RELEASED);
    assert_int_equal(accept_one(pair.receiver, old[0]), AMQPC_OK);
    assert_int_equal(accept_one(pair.receiver, old[4]), AMQPC_OK);
    engine_exchange(&pair);
    assert_settled(pair.sender, 2, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    engine_pair_free(&pair);
}

/* --- States. */

static void test_rejected_brings_its_error(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t numbers[3];
    deliver(&pair, 3, numbers);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("app:no")};
    assert_int_equal(amqpc_link_reject(pair.receiver, numbers[0], numbers[1], &error), AMQPC_OK);
    assert_int_equal(amqpc_link_reject(pair.receiver, numbers[2], numbers[2], NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_reject(pair.receiver, numbers[2], numbers[2], NULL),
                     AMQPC_NOT_FOUND);
    engine_exchange(&pair);
    amqpc_update updates[4];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(pair.sender, updates, 4, &count), AMQPC_OK);
    assert_int_equal(count, 3);
    for (unsigned i = 0; i < 3; i++) {
        amqpc_rejected rejected;
        assert_int_equal(updates[i].state_type, AMQPC_COMPOSITE_REJECTED);
        assert_int_equal(amqpc_rejected_from_value(&updates[i].state, NULL, &rejected), AMQPC_OK);
        assert_int_equal(rejected.present & AMQPC_REJECTED_ERROR, i < 2 ? AMQPC_REJECTED_ERROR : 0);
        if (i < 2) {
            assert_bytes(rejected.error.condition, "app:no");
        }
    }
    amqpc_error bad = {.present = 0};
    deliver(&pair, 1, numbers);
    assert_int_equal(amqpc_link_reject(pair.receiver, numbers[0], numbers[0], &bad),
                     AMQPC_MISSING_FIELD);
    engine_pair_free(&pair);
}

static void test_modified_brings_its_fields(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t number = 0;
    deliver(&pair, 1, &number);
    amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED, .delivery_failed = true};
    assert_int_equal(amqpc_link_modify(pair.receiver, number, number, &modified), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_update update = engine_update(pair.sender);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_MODIFIED);
    amqpc_modified got;
    assert_int_equal(amqpc_modified_from_value(&update.state, NULL, &got), AMQPC_OK);
    assert_true(got.delivery_failed);
    assert_false(got.undeliverable_here);
    engine_pair_free(&pair);
}

static void test_plain_states_are_values_too(void **state)
{
    (void)state;
    static const uint32_t types[] = {AMQPC_COMPOSITE_ACCEPTED, AMQPC_COMPOSITE_RELEASED,
                                     AMQPC_COMPOSITE_NONE};
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t number = 0;
        deliver(&pair, 1, &number);
        assert_int_equal(amqpc_link_settle(pair.receiver, number, number, types[i]), AMQPC_OK);
        engine_exchange(&pair);
        amqpc_update update = engine_update(pair.sender);
        assert_int_equal(update.state_type, types[i]);
        if (types[i] == AMQPC_COMPOSITE_NONE) {
            assert_int_equal(update.state.type, AMQPC_TYPE_NULL);
        } else {
            assert_int_equal(amqpc_value_composite(&update.state), types[i]);
        }
    }
    engine_pair_free(&pair);
}

static void test_described_states_that_nobody_knows_pass_through(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t number = 0;
    deliver(&pair, 1, &number);
    const amqpc_value items[] = {{.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"my:state", 8}},
                                 {.type = AMQPC_TYPE_STRING, .as.bytes = {"mine", 4}}};
    amqpc_value own = {
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = items};
    assert_int_equal(amqpc_link_update(pair.receiver, number, number, items, false),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_update(pair.receiver, number, number, &own, false), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_update update = engine_update(pair.sender);
    assert_int_equal(update.state_type, AMQPC_STATE_OTHER);
    assert_false(update.settled);
    bool same = false;
    assert_int_equal(amqpc_value_same(&update.state, &own, &same), AMQPC_OK);
    assert_true(same);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
    /* The state is there until the next call, also where a settlement follows on it at once. */
    assert_int_equal(amqpc_link_update(pair.receiver, number, number, NULL, true), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_value_same(&update.state, &own, &same), AMQPC_OK);
    update = engine_update(pair.sender);
    assert_true(update.settled);
    assert_int_equal(update.state_type, AMQPC_STATE_OTHER); /* what it said last */
    engine_pair_free(&pair);
}

static void test_a_state_before_settlement_and_only_one_update_for_both(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t number = 0;
    deliver(&pair, 1, &number);
    uint8_t bytes[64];
    size_t size = 0;
    amqpc_received received = {.present =
                                   AMQPC_RECEIVED_SECTION_NUMBER | AMQPC_RECEIVED_SECTION_OFFSET,
                               .section_number = 1,
                               .section_offset = 100};
    assert_int_equal(amqpc_received_encode(&received, bytes, sizeof bytes, &size), AMQPC_OK);
    amqpc_value value;
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_update(pair.receiver, number, number, &value, false), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(accept_one(pair.receiver, number), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_update update = engine_update(pair.sender);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_true(update.settled);
    assert_no_updates(pair.sender);
    engine_pair_free(&pair);
}

/* --- Modes. */

/* Pitfall 9: in mode second the receiver says the state, the sender settles, the receiver hears of
 * it. */
static void test_pitfall_9_mode_second_has_a_third_leg(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    uint64_t numbers[2];
    deliver(&pair, 2, numbers);
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[0], numbers[1], AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK);
    assert_int_equal(engine_forward(pair.server, pair.client, &frames), AMQPC_OK);
    assert_false(engine_frame(&frames, AMQPC_COMPOSITE_DISPOSITION)->as.disposition.settled);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 2);
    amqpc_update updates[3];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(pair.sender, updates, 3, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_false(updates[0].settled);
    assert_int_equal(updates[1].state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 2);
    assert_int_equal(amqpc_link_settle(pair.sender, updates[0].number, updates[1].number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    assert_int_equal(engine_forward(pair.client, pair.server, &frames), AMQPC_OK);
    const amqpc_disposition *disposition =
        &engine_frame(&frames, AMQPC_COMPOSITE_DISPOSITION)->as.disposition;
    assert_false(disposition->role);
    assert_true(disposition->settled);
    (void)engine_event(pair.server, AMQPC_EVENT_UPDATES);
    assert_settled(pair.receiver, 2, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    assert_no_updates(pair.sender);
    engine_pair_free(&pair);
}

static void test_the_mode_of_one_delivery_overrides_that_of_the_link(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.has_rcv_settle_mode = true;
    options.rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("x"), &options, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(delivery.rcv_settle_mode, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    assert_int_equal(accept_one(pair.receiver, delivery.number), AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&pair);
    assert_false(engine_update(pair.sender).settled);
    engine_pair_free(&pair);
}

static void test_the_sender_may_settle_what_was_not_taken_yet(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t number = engine_send(pair.sender, "x");
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_settle(pair.sender, number, number, AMQPC_COMPOSITE_NONE),
                     AMQPC_OK);
    assert_no_updates(pair.sender);
    engine_exchange(&pair);
    assert_no_updates(pair.receiver);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_true(delivery.settled);
    assert_int_equal(accept_one(pair.receiver, delivery.number), AMQPC_NOT_FOUND);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

static void test_the_sender_may_settle_while_an_update_waits(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    uint64_t number = engine_send(pair.sender, "x");
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(accept_one(pair.receiver, delivery.number), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(accept_one(pair.sender, number), AMQPC_OK);
    amqpc_update update = engine_update(pair.sender);
    assert_true(update.settled); /* the last, as this end has settled it */
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    engine_exchange(&pair);
    assert_true(engine_update(pair.receiver).settled);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

static void test_an_event_for_updates_is_withdrawn_with_the_last_of_them(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_mode(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    uint64_t numbers[2];
    deliver(&pair, 2, numbers);
    assert_int_equal(
        amqpc_link_settle(pair.receiver, numbers[0], numbers[1], AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK);
    engine_exchange(&pair);
    amqpc_update update;
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(pair.sender, &update, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    (void)engine_event(pair.client, AMQPC_EVENT_UPDATES);
    assert_int_equal(amqpc_link_updates(pair.sender, &update, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(engine_events(pair.client), 0);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_are_one_disposition_in_whatever_order),
        cmocka_unit_test(test_dispositions_are_encoded_as_by_the_general_encoder),
        cmocka_unit_test(test_different_states_are_different_dispositions),
        cmocka_unit_test(test_a_range_passes_over_what_is_settled_and_says_when_there_is_nothing),
        cmocka_unit_test(test_a_range_names_only_the_deliveries_of_its_link),
        cmocka_unit_test(test_stragglers_are_settled_like_all_others),
        cmocka_unit_test(test_rejected_brings_its_error),
        cmocka_unit_test(test_modified_brings_its_fields),
        cmocka_unit_test(test_plain_states_are_values_too),
        cmocka_unit_test(test_described_states_that_nobody_knows_pass_through),
        cmocka_unit_test(test_a_state_before_settlement_and_only_one_update_for_both),
        cmocka_unit_test(test_pitfall_9_mode_second_has_a_third_leg),
        cmocka_unit_test(test_the_mode_of_one_delivery_overrides_that_of_the_link),
        cmocka_unit_test(test_the_sender_may_settle_what_was_not_taken_yet),
        cmocka_unit_test(test_the_sender_may_settle_while_an_update_waits),
        cmocka_unit_test(test_an_event_for_updates_is_withdrawn_with_the_last_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
