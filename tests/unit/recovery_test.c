/* A link is suspended and attached again: what becomes of what was unsettled (AMQP 2.6.13), from
 * engine to engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recovery_fixture.h"

enum { FIRST = AMQPC_RECEIVER_SETTLE_MODE_FIRST, SECOND = AMQPC_RECEIVER_SETTLE_MODE_SECOND };

static void give_credit(engine_pair *pair, uint32_t credit)
{
    assert_int_equal(amqpc_link_add_credit(pair->receiver, credit), AMQPC_OK);
    engine_exchange(pair);
}

static void accept(engine_pair *pair, uint64_t number)
{
    assert_int_equal(amqpc_link_settle(pair->receiver, number, number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
}

static void expect_accepted(engine_pair *pair, uint64_t number)
{
    amqpc_update update = recovery_update(pair->sender);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_false(update.unknown);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
}

static void expect_all_settled(engine_pair *pair)
{
    assert_int_equal(amqpc_link_unsettled_count(pair->sender), 0);
    assert_int_equal(amqpc_link_unsettled_count(pair->receiver), 0);
    recovery_expect_no_update(pair->sender);
    recovery_expect_no_update(pair->receiver);
}

static void test_what_never_arrived_is_sent_again_as_new(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    recovery_cut(&pair);
    recovery_restart(&pair, true, true);
    recovery_expect_nothing(&pair); /* there is no credit */
    give_credit(&pair, 10);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    assert_false(delivery.resumed);
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_deliveries_go_again_in_order_and_before_new_ones(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    (void)recovery_send(&pair, "one");
    (void)recovery_send(&pair, "two");
    recovery_cut(&pair);
    recovery_restart(&pair, true, true);
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("new"), NULL, NULL), AMQPC_NO_CREDIT);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 3), AMQPC_OK);
    engine_pump(pair.server, pair.client, SIZE_MAX);
    /* The credit has come, but it is not for the new one yet. */
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("new"), NULL, NULL), AMQPC_NO_CREDIT);
    engine_exchange(&pair);
    (void)engine_event(pair.client, AMQPC_EVENT_LINK_FLOW);
    (void)recovery_send(&pair, "new");
    engine_exchange(&pair);
    amqpc_delivery deliveries[4];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 4, &count), AMQPC_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(deliveries[0].payload.data, "one", 3);
    assert_memory_equal(deliveries[1].payload.data, "two", 3);
    assert_memory_equal(deliveries[2].payload.data, "new", 3);
    amqpc_deliveries_release(deliveries, count);
    engine_pair_free(&pair);
}

static void test_a_taken_delivery_does_not_come_twice(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_detach(&pair);
    recovery_attach(&pair);
    give_credit(&pair, 10);
    recovery_expect_nothing(&pair);
    /* Both go on with the numbers of before, under a new delivery-id. */
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_an_unread_delivery_comes_once_and_keeps_its_bytes(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    recovery_detach(&pair);
    recovery_attach(&pair);
    give_credit(&pair, 10);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    assert_false(delivery.resumed);
    assert_false(delivery.settled);
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_an_outcome_said_while_suspended_is_heard(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_detach(&pair);
    accept(&pair, delivery.number);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    recovery_expect_no_update(pair.sender);
    recovery_attach(&pair);
    expect_accepted(&pair, number); /* at once: it needs no credit */
    give_credit(&pair, 10);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_rejection_said_while_suspended_keeps_its_error(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    (void)recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_detach(&pair);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("test:no")};
    assert_int_equal(amqpc_link_reject(pair.receiver, delivery.number, delivery.number, &error),
                     AMQPC_OK);
    recovery_attach(&pair);
    amqpc_update update = recovery_update(pair.sender);
    amqpc_rejected rejected;
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_REJECTED);
    assert_int_equal(amqpc_rejected_from_value(&update.state, NULL, &rejected), AMQPC_OK);
    assert_memory_equal(rejected.error.condition.data, "test:no", 7);
    give_credit(&pair, 1);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_an_outcome_said_between_the_two_attaches_is_heard(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_detach(&pair);
    recovery_attach(&pair);
    /* The maps knew nothing of it; the sender has not resumed yet. */
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    recovery_expect_no_update(pair.sender);
    give_credit(&pair, 10);
    expect_accepted(&pair, number);
    recovery_expect_nothing(&pair);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_mode_second_goes_on_after_a_restart_of_both(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, SECOND, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    accept(&pair, delivery.number);
    recovery_cut(&pair); /* what the receiver said is lost */
    recovery_restart(&pair, true, true);
    expect_accepted(&pair, number);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 1);
    recovery_expect_no_update(pair.receiver);
    give_credit(&pair, 10);
    recovery_expect_nothing(&pair);
    amqpc_update update = recovery_update(pair.receiver);
    assert_true(update.settled);
    assert_int_equal(update.number, delivery.number);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_pitfall_9_the_third_leg_of_a_suspended_link_is_the_map(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, SECOND, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    amqpc_update update = recovery_update(pair.sender);
    assert_false(update.settled);
    recovery_detach(&pair);
    assert_int_equal(amqpc_link_settle(pair.sender, number, number, AMQPC_COMPOSITE_NONE),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    recovery_attach(&pair);
    update = recovery_update(pair.receiver);
    assert_true(update.settled);
    assert_int_equal(update.number, delivery.number);
    give_credit(&pair, 10);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_sender_that_settles_while_it_waits_for_credit_is_heard(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, SECOND, 10);
    uint64_t here = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    uint64_t gone = recovery_send(&pair, "two"); /* does not arrive */
    recovery_cut(&pair);
    recovery_restart(&pair, true, true);
    assert_int_equal(amqpc_link_settle(pair.sender, here, gone, AMQPC_COMPOSITE_NONE), AMQPC_OK);
    assert_int_equal(amqpc_link_settle(pair.sender, here, gone, AMQPC_COMPOSITE_NONE),
                     AMQPC_NOT_FOUND);
    give_credit(&pair, 10);
    recovery_expect_nothing(&pair);
    amqpc_update update = recovery_update(pair.receiver);
    assert_true(update.settled);
    assert_int_equal(update.number, delivery.number);
    expect_all_settled(&pair);
    /* Nothing of it was kept: new deliveries go. */
    (void)recovery_send(&pair, "new");
    engine_exchange(&pair);
    (void)recovery_receive(&pair, "new");
    engine_pair_free(&pair);
}

static void test_a_sender_that_settles_between_the_attaches_is_heard(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_detach(&pair);
    recovery_attach_client(&pair); /* its map names the delivery */
    assert_int_equal(amqpc_link_settle(pair.sender, number, number, AMQPC_COMPOSITE_NONE),
                     AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(&pair);
    give_credit(&pair, 1);
    amqpc_update update = recovery_update(pair.receiver);
    assert_true(update.settled);
    assert_int_equal(update.number, delivery.number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_receiver_that_forgot_all_gets_it_again(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    (void)recovery_receive(&pair, "one");
    recovery_cut(&pair);
    recovery_restart(&pair, true, false);
    give_credit(&pair, 10);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_sender_that_forgot_all_has_settled_all(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    (void)recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_cut(&pair);
    recovery_restart(&pair, false, true);
    amqpc_update update = recovery_update(pair.receiver);
    assert_true(update.settled);
    assert_int_equal(update.number, delivery.number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_what_was_not_read_before_a_restart_comes_by_the_sender(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    recovery_cut(&pair);
    recovery_restart(&pair, true, true);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 1);
    recovery_expect_nothing(&pair);
    give_credit(&pair, 10);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_link_moves_to_another_session_and_goes_on(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    (void)recovery_send(&pair, "two"); /* in the output when the session ends */
    assert_int_equal(amqpc_session_end(pair.client_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_end(pair.server_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    engine_events(pair.client);
    engine_events(pair.server);
    amqpc_session *session = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    pair.server_session = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(pair.server_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_move(pair.sender, session), AMQPC_OK);
    recovery_attach(&pair);
    accept(&pair, delivery.number);
    give_credit(&pair, 10);
    expect_accepted(&pair, number);
    delivery = recovery_receive(&pair, "two");
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number + 1);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_delivery_is_resumed_twice_under_one_number(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    for (unsigned i = 0; i < 3; i++) {
        recovery_detach(&pair);
        recovery_attach(&pair);
        give_credit(&pair, 10);
        recovery_expect_nothing(&pair);
        (void)recovery_send(&pair, "new");
        engine_exchange(&pair);
        amqpc_delivery another = recovery_receive(&pair, "new");
        accept(&pair, another.number);
        engine_exchange(&pair);
        (void)recovery_update(pair.sender);
    }
    accept(&pair, delivery.number);
    engine_exchange(&pair);
    expect_accepted(&pair, number);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_a_link_that_is_detached_before_credit_came_decides_anew(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    uint64_t number = recovery_send(&pair, "one");
    engine_exchange(&pair);
    amqpc_delivery delivery = recovery_receive(&pair, "one");
    recovery_detach(&pair);
    recovery_attach(&pair);
    recovery_detach(&pair);
    accept(&pair, delivery.number);
    recovery_attach(&pair);
    expect_accepted(&pair, number);
    give_credit(&pair, 10);
    expect_all_settled(&pair);
    engine_pair_free(&pair);
}

static void test_drain_waits_for_what_is_sent_again(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, FIRST, 10);
    (void)recovery_send(&pair, "one");
    recovery_cut(&pair);
    recovery_restart(&pair, true, true);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 5), AMQPC_OK);
    assert_int_equal(amqpc_link_drain(pair.receiver), AMQPC_OK);
    engine_pump(pair.server, pair.client, SIZE_MAX);
    assert_int_equal(amqpc_link_drained(pair.sender), AMQPC_OK);
    engine_exchange(&pair);
    (void)recovery_receive(&pair, "one");
    amqpc_link_flow flow;
    amqpc_link_get_flow(pair.receiver, &flow);
    assert_int_equal(flow.credit, 0);
    assert_false(flow.drain);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_never_arrived_is_sent_again_as_new),
        cmocka_unit_test(test_deliveries_go_again_in_order_and_before_new_ones),
        cmocka_unit_test(test_a_taken_delivery_does_not_come_twice),
        cmocka_unit_test(test_an_unread_delivery_comes_once_and_keeps_its_bytes),
        cmocka_unit_test(test_an_outcome_said_while_suspended_is_heard),
        cmocka_unit_test(test_a_rejection_said_while_suspended_keeps_its_error),
        cmocka_unit_test(test_an_outcome_said_between_the_two_attaches_is_heard),
        cmocka_unit_test(test_mode_second_goes_on_after_a_restart_of_both),
        cmocka_unit_test(test_pitfall_9_the_third_leg_of_a_suspended_link_is_the_map),
        cmocka_unit_test(test_a_sender_that_settles_while_it_waits_for_credit_is_heard),
        cmocka_unit_test(test_a_sender_that_settles_between_the_attaches_is_heard),
        cmocka_unit_test(test_a_receiver_that_forgot_all_gets_it_again),
        cmocka_unit_test(test_a_sender_that_forgot_all_has_settled_all),
        cmocka_unit_test(test_what_was_not_read_before_a_restart_comes_by_the_sender),
        cmocka_unit_test(test_a_link_moves_to_another_session_and_goes_on),
        cmocka_unit_test(test_a_delivery_is_resumed_twice_under_one_number),
        cmocka_unit_test(test_a_link_that_is_detached_before_credit_came_decides_anew),
        cmocka_unit_test(test_drain_waits_for_what_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
