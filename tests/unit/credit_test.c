/* Credit: how many deliveries a receiver lets a sender send (AMQP 2.6.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;

static void open_pair(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
}

static amqpc_link_flow flow_of(const amqpc_link *link)
{
    amqpc_link_flow flow;
    amqpc_link_get_flow(link, &flow);
    return flow;
}

/* Sends while there is credit; gives how many. */
static unsigned send_all(amqpc_link *link)
{
    unsigned sent = 0;
    while (amqpc_link_send(link, engine_text("x"), NULL, NULL) == AMQPC_OK) {
        sent++;
    }
    return sent;
}

/* Takes up to `count` deliveries; settles and releases them. Gives how many there were. */
static size_t take(amqpc_link *link, size_t count, bool settles)
{
    amqpc_delivery deliveries[64];
    size_t taken = 0;
    assert_int_equal(amqpc_link_receive(link, deliveries, count, &taken), AMQPC_OK);
    if (settles && taken > 0) {
        assert_int_equal(amqpc_link_settle(link, deliveries[0].number, deliveries[taken - 1].number,
                                           AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_OK);
    }
    amqpc_deliveries_release(deliveries, taken);
    return taken;
}

static void take_updates(amqpc_link *link)
{
    amqpc_update updates[64];
    size_t count = 0;
    do {
        assert_int_equal(amqpc_link_updates(link, updates, 64, &count), AMQPC_OK);
    } while (count == 64);
}

static void test_credit_adds_up_and_is_used_up(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 2), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 3), AMQPC_OK);
    engine_take_frames(pair.server, &frames);
    assert_int_equal(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.link_credit, 5);
    assert_int_equal(engine_feed(pair.client, frames.bytes, frames.size), AMQPC_OK);
    (void)engine_event(pair.client, AMQPC_EVENT_LINK_FLOW);
    assert_int_equal(flow_of(pair.sender).credit, 5);
    assert_int_equal(send_all(pair.sender), 5);
    assert_int_equal(flow_of(pair.sender).delivery_count, 5);
    engine_exchange(&pair);
    assert_int_equal(flow_of(pair.receiver).credit, 0);
    assert_int_equal(flow_of(pair.receiver).delivery_count, 5);
    engine_pair_free(&pair);
}

static void test_more_than_two_to_the_31_is_refused(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, (uint32_t)INT32_MAX + 1),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, INT32_MAX), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, (uint32_t)INT32_MAX + 1),
                     AMQPC_INVALID_ARGUMENT);
    engine_pair_free(&pair);
}

static void test_calls_of_the_other_role_are_refused(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_add_credit(pair.sender, 1), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_set_prefetch(pair.sender, 1), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_drain(pair.sender), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_withdraw_credit(pair.sender), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_set_available(pair.receiver, 1), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_drained(pair.receiver), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_set_streaming(pair.sender, true), AMQPC_INVALID_STATE);
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.sender, NULL, 0, &count), AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
}

static void test_prefetch_is_topped_up_at_half(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(send_all(pair.sender), 10);
    engine_exchange(&pair);
    /* What was not taken counts. */
    assert_int_equal(take(pair.receiver, 4, true), 4);
    engine_take_frames(pair.server, &frames);
    assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_FLOW), 0);
    assert_int_equal(engine_feed(pair.client, frames.bytes, frames.size), AMQPC_OK);
    assert_int_equal(take(pair.receiver, 1, true), 1);
    engine_take_frames(pair.server, &frames);
    assert_int_equal(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.link_credit, 5);
    assert_int_equal(engine_feed(pair.client, frames.bytes, frames.size), AMQPC_OK);
    assert_int_equal(send_all(pair.sender), 5);
    engine_exchange(&pair);
    assert_int_equal(take(pair.receiver, 64, true), 10);
    engine_exchange(&pair);
    assert_int_equal(send_all(pair.sender), 10);
    /* 0 ends it, and takes nothing back. */
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 0), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(take(pair.receiver, 64, true), 10);
    engine_exchange(&pair);
    assert_int_equal(send_all(pair.sender), 0);
    engine_pair_free(&pair);
}

static void test_a_prefetch_of_one_goes_on(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 1), AMQPC_OK);
    for (unsigned i = 0; i < 20; i++) {
        engine_exchange(&pair);
        assert_int_equal(send_all(pair.sender), 1);
        engine_exchange(&pair);
        assert_int_equal(take(pair.receiver, 64, true), 1);
    }
    engine_pair_free(&pair);
}

static void test_credit_before_attach_goes_out_with_it(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_link *early = NULL;
    assert_int_equal(
        amqpc_link_new(pair.client_session, AMQPC_ROLE_RECEIVER, engine_text("early"), &early),
        AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(early, 7), AMQPC_OK);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(frames.count, 0);
    assert_int_equal(amqpc_link_send_flow(early, false, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_attach(early, NULL, NULL, NULL), AMQPC_OK);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.link_credit, 7);
    engine_pair_free(&pair);
}

/* Pitfall 10: the sender gives back what it does not use. */
static void test_pitfall_10_drain_is_answered(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_drained(pair.sender), AMQPC_OK); /* nobody drains: no effect */
    engine_take_frames(pair.client, &frames);
    assert_int_equal(frames.count, 0);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_drain(pair.receiver), AMQPC_OK);
    engine_exchange(&pair);
    assert_true(flow_of(pair.sender).drain);
    assert_true(flow_of(pair.receiver).drain);
    (void)engine_send(pair.sender, "last");
    engine_events(pair.server);
    assert_int_equal(amqpc_link_drained(pair.sender), AMQPC_OK);
    assert_int_equal(engine_forward(pair.client, pair.server, &frames), AMQPC_OK);
    const amqpc_flow *flow = &engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow;
    assert_int_equal(flow->delivery_count, 10);
    assert_int_equal(flow->link_credit, 0);
    (void)engine_event(pair.server, AMQPC_EVENT_LINK_FLOW);
    assert_int_equal(flow_of(pair.receiver).credit, 0);
    assert_int_equal(flow_of(pair.receiver).delivery_count, 10);
    assert_false(flow_of(pair.receiver).drain);
    assert_int_equal(take(pair.receiver, 64, true), 1);
    engine_exchange(&pair); /* the prefetch has ended */
    assert_int_equal(flow_of(pair.sender).credit, 0);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
    engine_exchange(&pair);
    assert_false(flow_of(pair.sender).drain);
    assert_int_equal(send_all(pair.sender), 1);
    engine_pair_free(&pair);
}

static void test_a_drain_that_is_not_answered_ends_by_withdrawing(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    assert_int_equal(amqpc_link_drain(pair.receiver), AMQPC_OK);
    engine_exchange(&pair);
    assert_true(flow_of(pair.receiver).drain);
    assert_int_equal(amqpc_link_withdraw_credit(pair.receiver), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(flow_of(pair.sender).credit, 0);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
    engine_exchange(&pair);
    assert_false(flow_of(pair.sender).drain);
    assert_int_equal(flow_of(pair.sender).credit, 1);
    engine_pair_free(&pair);
}

static void test_withdrawn_credit_is_gone_and_what_was_sent_is_taken(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_set_prefetch(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_send(pair.sender, "on its way");
    assert_int_equal(amqpc_link_withdraw_credit(pair.receiver), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(flow_of(pair.sender).credit, 0);
    assert_int_equal(take(pair.receiver, 64, true), 1);
    engine_exchange(&pair);
    assert_int_equal(send_all(pair.sender), 0);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.server, &failure), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_ATTACHED);
    engine_pair_free(&pair);
}

static void test_available_is_told_by_the_next_flow(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_set_available(pair.sender, 42), AMQPC_OK);
    assert_int_equal(amqpc_link_send_flow(pair.sender, false, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(flow_of(pair.receiver).available, 42);
    assert_int_equal(flow_of(pair.sender).available, 42);
    engine_pair_free(&pair);
}

/* Pitfall 11: the answer to echo has no echo. */
static void test_pitfall_11_echo_is_answered_once(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    amqpc_link *const links[] = {pair.sender, pair.receiver};
    for (unsigned i = 0; i < 2; i++) {
        amqpc_connection *from = i == 0 ? pair.client : pair.server;
        amqpc_connection *to = i == 0 ? pair.server : pair.client;
        assert_int_equal(amqpc_link_send_flow(links[i], true, NULL), AMQPC_OK);
        assert_int_equal(engine_forward(from, to, &frames), AMQPC_OK);
        assert_true(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.echo);
        assert_int_equal(engine_forward(to, from, &frames), AMQPC_OK);
        assert_false(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.echo);
        engine_take_frames(from, &frames);
        assert_int_equal(frames.count, 0);
    }
    /* Of the session alone. */
    amqpc_performative echo = engine_flow(0, 0, 0);
    echo.as.flow.present &=
        ~(uint32_t)(AMQPC_FLOW_HANDLE | AMQPC_FLOW_LINK_CREDIT | AMQPC_FLOW_DELIVERY_COUNT);
    echo.as.flow.present |= AMQPC_FLOW_ECHO;
    echo.as.flow.echo = true;
    assert_int_equal(engine_feed_frame(pair.client, 0, &echo), AMQPC_OK);
    engine_take_frames(pair.client, &frames);
    assert_false(engine_frame(&frames, AMQPC_COMPOSITE_FLOW)->as.flow.present &
                 (AMQPC_FLOW_HANDLE | AMQPC_FLOW_ECHO));
    engine_pair_free(&pair);
}

static void test_properties_of_a_flow_are_readable_until_the_next(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    const amqpc_value items[] = {{.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"txn-id", 6}},
                                 {.type = AMQPC_TYPE_BINARY, .as.bytes = {"id", 2}}};
    amqpc_value map = {
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = items};
    amqpc_value properties;
    assert_int_equal(amqpc_link_remote_flow_properties(pair.sender, &properties), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_send_flow(pair.receiver, false, items), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_send_flow(pair.receiver, false, &map), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send_flow(pair.receiver, false, NULL), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_value id;
    assert_int_equal(amqpc_link_remote_flow_properties(pair.sender, &properties), AMQPC_OK);
    assert_int_equal(amqpc_map_get(&properties, "txn-id", 6, &id), AMQPC_OK);
    assert_bytes(id.as.bytes, "id");
    engine_pair_free(&pair);
}

static void open_with_few(engine_pair *pair, uint32_t unsettled_max)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.unsettled_max = unsettled_max;
    engine_pair_open_with(pair, NULL, &options);
    engine_pair_attach(pair, NULL);
}

static void test_the_limit_of_unsettled_deliveries_holds_credit_back_and_lets_it_go(void **state)
{
    (void)state;
    for (unsigned prefetch = 0; prefetch < 2; prefetch++) {
        engine_pair pair;
        open_with_few(&pair, 4);
        assert_int_equal(prefetch ? amqpc_link_set_prefetch(pair.receiver, 1000)
                                  : amqpc_link_add_credit(pair.receiver, 30),
                         AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(flow_of(pair.sender).credit, 4);
        unsigned sent = 0;
        for (unsigned i = 0; i < 30 && sent < 30; i++) {
            sent += send_all(pair.sender);
            engine_exchange(&pair);
            assert_true(amqpc_link_unsettled_count(pair.receiver) <= 4);
            assert_true(take(pair.receiver, i % 4 + 1, true) > 0);
            engine_exchange(&pair);
            take_updates(pair.sender);
        }
        assert_true(sent >= 30);
        engine_pair_free(&pair);
    }
}

/* In mode second the sender's settling makes room. */
static void test_credit_held_back_comes_with_the_senders_settlement_too(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.unsettled_max = 1;
    engine_pair pair;
    engine_pair_open_with(&pair, NULL, &options);
    amqpc_attach attach = {.present = AMQPC_ATTACH_RCV_SETTLE_MODE,
                           .rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND};
    engine_pair_attach(&pair, &attach);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 5), AMQPC_OK);
    engine_exchange(&pair);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(send_all(pair.sender), 1);
        engine_exchange(&pair);
        assert_int_equal(take(pair.receiver, 1, true), 1);
        engine_exchange(&pair);
        amqpc_update update = engine_update(pair.sender);
        assert_false(update.settled);
        assert_int_equal(flow_of(pair.sender).credit, 0);
        assert_int_equal(
            amqpc_link_settle(pair.sender, update.number, update.number, AMQPC_COMPOSITE_ACCEPTED),
            AMQPC_OK);
        engine_exchange(&pair);
        take_updates(pair.receiver);
    }
    engine_pair_free(&pair);
}

static void test_a_sender_may_have_deliveries_on_their_way_when_credit_changes(void **state)
{
    (void)state;
    engine_pair pair;
    open_pair(&pair);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 5), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(send_all(pair.sender), 5);
    /* The receiver had seen two when it said that it takes six more: three are still on the way. */
    amqpc_performative flow = engine_flow(0, 2, 6);
    assert_int_equal(engine_feed_frame(pair.client, 0, &flow), AMQPC_OK);
    assert_int_equal(flow_of(pair.sender).credit, 3);
    flow = engine_flow(0, 2, 1); /* fewer than are on their way already */
    assert_int_equal(engine_feed_frame(pair.client, 0, &flow), AMQPC_OK);
    assert_int_equal(flow_of(pair.sender).credit, 0);
    flow.as.flow.present &= ~(uint32_t)AMQPC_FLOW_LINK_CREDIT;
    assert_int_equal(engine_feed_frame(pair.client, 0, &flow), AMQPC_OK);
    assert_int_equal(flow_of(pair.sender).credit, 0);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credit_adds_up_and_is_used_up),
        cmocka_unit_test(test_more_than_two_to_the_31_is_refused),
        cmocka_unit_test(test_calls_of_the_other_role_are_refused),
        cmocka_unit_test(test_prefetch_is_topped_up_at_half),
        cmocka_unit_test(test_a_prefetch_of_one_goes_on),
        cmocka_unit_test(test_credit_before_attach_goes_out_with_it),
        cmocka_unit_test(test_pitfall_10_drain_is_answered),
        cmocka_unit_test(test_a_drain_that_is_not_answered_ends_by_withdrawing),
        cmocka_unit_test(test_withdrawn_credit_is_gone_and_what_was_sent_is_taken),
        cmocka_unit_test(test_available_is_told_by_the_next_flow),
        cmocka_unit_test(test_pitfall_11_echo_is_answered_once),
        cmocka_unit_test(test_properties_of_a_flow_are_readable_until_the_next),
        cmocka_unit_test(test_the_limit_of_unsettled_deliveries_holds_credit_back_and_lets_it_go),
        cmocka_unit_test(test_credit_held_back_comes_with_the_senders_settlement_too),
        cmocka_unit_test(test_a_sender_may_have_deliveries_on_their_way_when_credit_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
