/* The queue of events: order, each event once, withdrawing, and objects that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/event_queue.h"
#include "support/engine_frames.h"

static void assert_takes(amqpci_event_queue *queue, amqpc_event_type type,
                         const amqpci_event_source *expected)
{
    amqpci_event_source *source = NULL;
    assert_int_equal(amqpci_event_queue_take(queue, &source), type);
    assert_ptr_equal(source, expected);
}

static void test_objects_come_in_order_with_all_their_events_and_each_event_once(void **state)
{
    (void)state;
    amqpci_event_queue queue = {NULL, NULL};
    amqpci_event_source a = {.kind = AMQPCI_SOURCE_LINK};
    amqpci_event_source b = {.kind = AMQPCI_SOURCE_LINK};
    for (unsigned i = 0; i < 1000; i++) {
        amqpci_event_raise(&queue, &a, AMQPC_EVENT_UPDATES);
        amqpci_event_raise(&queue, &a, AMQPC_EVENT_DELIVERIES);
        amqpci_event_raise(&queue, &b, AMQPC_EVENT_LINK_FLOW);
    }
    assert_takes(&queue, AMQPC_EVENT_DELIVERIES, &a);
    assert_takes(&queue, AMQPC_EVENT_UPDATES, &a);
    assert_takes(&queue, AMQPC_EVENT_LINK_FLOW, &b);
    assert_takes(&queue, AMQPC_EVENT_NONE, NULL);
    amqpci_event_raise(&queue, &a, AMQPC_EVENT_UPDATES);
    assert_takes(&queue, AMQPC_EVENT_UPDATES, &a);
}

static void test_events_are_withdrawn_one_by_one(void **state)
{
    (void)state;
    amqpci_event_queue queue = {NULL, NULL};
    amqpci_event_source a = {.kind = AMQPCI_SOURCE_LINK};
    amqpci_event_withdraw(&queue, &a, AMQPC_EVENT_UPDATES); /* none: no effect */
    amqpci_event_raise(&queue, &a, AMQPC_EVENT_UPDATES);
    amqpci_event_raise(&queue, &a, AMQPC_EVENT_DELIVERIES);
    amqpci_event_withdraw(&queue, &a, AMQPC_EVENT_DELIVERIES);
    assert_takes(&queue, AMQPC_EVENT_UPDATES, &a);
    amqpci_event_raise(&queue, &a, AMQPC_EVENT_UPDATES);
    amqpci_event_withdraw(&queue, &a, AMQPC_EVENT_UPDATES);
    assert_takes(&queue, AMQPC_EVENT_NONE, NULL);
}

static void test_objects_are_removed_from_any_place(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < 3; gone++) {
        amqpci_event_queue queue = {NULL, NULL};
        amqpci_event_source sources[3];
        memset(sources, 0, sizeof sources);
        for (unsigned i = 0; i < 3; i++) {
            amqpci_event_raise(&queue, &sources[i], AMQPC_EVENT_UPDATES);
        }
        amqpci_event_queue_remove(&queue, &sources[gone]);
        amqpci_event_queue_remove(&queue, &sources[gone]); /* harmless */
        for (unsigned i = 0; i < 3; i++) {
            if (i != gone) {
                assert_takes(&queue, AMQPC_EVENT_UPDATES, &sources[i]);
            }
        }
        assert_takes(&queue, AMQPC_EVENT_NONE, NULL);
    }
}

static void test_every_event_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= AMQPC_EVENT_LINK_DETACH; i++) {
        assert_string_not_equal(amqpc_event_name(i), "UNKNOWN");
    }
    assert_string_equal(amqpc_event_name(AMQPC_EVENT_LINK_ATTACH), "LINK_ATTACH");
    assert_string_equal(amqpc_event_name(AMQPC_EVENT_LINK_DETACH + 1), "UNKNOWN");
    assert_string_equal(amqpc_event_name(UINT32_MAX), "UNKNOWN");
}

/* Row 106: calls that are made while events are read. */
static void test_row_106_events_of_what_is_freed_are_dropped(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_send(pair.sender, "x");
    engine_exchange(&pair);
    amqpc_link_free(pair.receiver);
    assert_int_equal(engine_events(pair.server), 0);
    assert_int_equal(engine_events(pair.client), 1u << AMQPC_EVENT_LINK_FLOW);
    engine_exchange(&pair);
    amqpc_connection_event event;
    assert_true(amqpc_connection_next_event(pair.client, &event));
    assert_int_equal(event.type, AMQPC_EVENT_LINK_DETACH);
    assert_ptr_equal(event.connection, pair.client);
    assert_ptr_equal(event.link, pair.sender);
    amqpc_session_free(event.session);
    assert_false(amqpc_connection_next_event(pair.client, &event));
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_come_in_order_with_all_their_events_and_each_event_once),
        cmocka_unit_test(test_events_are_withdrawn_one_by_one),
        cmocka_unit_test(test_objects_are_removed_from_any_place),
        cmocka_unit_test(test_every_event_has_a_name),
        cmocka_unit_test(test_row_106_events_of_what_is_freed_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
