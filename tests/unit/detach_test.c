/* How links part (AMQP 2.6.4, 2.6.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static const amqpc_error fault = {.present = AMQPC_ERROR_CONDITION,
                                  .condition = {"amqp:internal-error", 19}};

static unsigned count_detaches(amqpc_connection *connection)
{
    unsigned count = 0;
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        count += event.type == AMQPC_EVENT_LINK_DETACH;
    }
    return count;
}

static void test_the_answer_to_a_detach_with_an_error_is_an_event(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_detach(pair.sender, true, &fault), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(count_detaches(pair.client), 0);
    assert_int_equal(count_detaches(pair.server), 1);
    assert_int_equal(amqpc_link_detach(pair.receiver, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(count_detaches(pair.client), 1);
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACHED);
    engine_pair_free(&pair);
}

static void test_a_link_that_the_engine_detached_has_one_event(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    /* A delivery without credit (AMQP 2.6.7). */
    amqpc_performative transfer = engine_transfer(0, 0, "too many");
    assert_int_equal(engine_feed_frame(pair.server, 0, &transfer), AMQPC_OK);
    assert_int_equal(count_detaches(pair.server), 1);
    engine_exchange(&pair);
    assert_int_equal(count_detaches(pair.client), 1);
    assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(count_detaches(pair.server), 0);
    assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_DETACHED);
    engine_pair_free(&pair);
}

static uint64_t waiting(const amqpc_connection *connection)
{
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection_get_statistics(connection, &statistics);
    return statistics.output_size;
}

static void test_statistics_tell_of_deliveries_that_a_detach_would_drop(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_session_set_incoming_window(pair.server_session, 1), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 3), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_send_options settled;
    amqpc_send_options_init(&settled, sizeof settled);
    settled.settled = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(amqpc_link_send(pair.sender, engine_text("waits"), &settled, NULL),
                         AMQPC_OK);
    }
    (void)engine_take_output(pair.client, (uint8_t[1024]){0}, 1024);
    assert_int_equal(waiting(pair.client), 2 * strlen("waits"));
    assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
    (void)engine_take_output(pair.client, (uint8_t[1024]){0}, 1024);
    assert_int_equal(waiting(pair.client), 0);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_to_a_detach_with_an_error_is_an_event),
        cmocka_unit_test(test_a_link_that_the_engine_detached_has_one_event),
        cmocka_unit_test(test_statistics_tell_of_deliveries_that_a_detach_would_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
