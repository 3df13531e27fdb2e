/* How far a producer of the broker gets ahead of the consumers of its queue (AMQP 2.6.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_fixture.h"

enum { CREDIT = 100, AFTER_PATIENCE_MS = PRODUCER_PATIENCE_MS + 1 };

static const amqpc_attach settled = {.present = AMQPC_ATTACH_SND_SETTLE_MODE,
                                     .snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_SETTLED};

/* A sender to the queue "q", and a receiver from it, of two clients. */
struct scene {
    broker_fixture fixture;
    fixture_peer *consumer;
    amqpc_link *sender;
    amqpc_link *receiver;
    size_t sent;
    size_t received;
};

/* mode: of the sender; the receiver is sent all settled */
static void open_scene(struct scene *scene, const amqpc_attach *mode, uint32_t receiver_credit)
{
    broker_options options;
    broker_options_init(&options);
    options.credit = CREDIT;
    memset(scene, 0, sizeof *scene);
    fixture_make(&scene->fixture, &options);
    fixture_peer *producer = fixture_connect(&scene->fixture, "producer", NULL);
    const amqpc_source source = fixture_source("q");
    scene->consumer = fixture_connect(&scene->fixture, "consumer", NULL);
    scene->receiver = fixture_receiver(&scene->fixture, scene->consumer, "from q", &source,
                                       &settled, receiver_credit);
    scene->sender = fixture_sender(&scene->fixture, producer, "to q", "q", mode);
}

static const broker_queue *queue_of(const struct scene *scene)
{
    return queue_find(scene->fixture.broker, fixture_bytes("q"));
}

/* Messages with the numbers from 0 on, as many as there is credit for, at most `most`. */
static size_t send_numbers(struct scene *scene, size_t most)
{
    const amqpc_send_options options = {.struct_size = sizeof options, .settled = true};
    size_t sent = 0;
    uint32_t number = (uint32_t)scene->sent;
    while (sent < most && amqpc_link_send(scene->sender, (amqpc_bytes){&number, sizeof number},
                                          &options, NULL) == AMQPC_OK) {
        sent++;
        number++;
    }
    scene->sent += sent;
    fixture_run(&scene->fixture);
    return sent;
}

/* Takes what has arrived, whose numbers follow each other, and gives as much credit again. */
static size_t receive_numbers(struct scene *scene, bool gives_credit)
{
    amqpc_delivery deliveries[CREDIT];
    size_t count = 0;
    fixture_run(&scene->fixture);
    assert_int_equal(amqpc_link_receive(scene->receiver, deliveries, CREDIT, &count), AMQPC_OK);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = 0;
        assert_int_equal(deliveries[i].payload.size, sizeof number);
        memcpy(&number, deliveries[i].payload.data, sizeof number);
        assert_int_equal(number, scene->received + i);
    }
    amqpc_deliveries_release(deliveries, count);
    scene->received += count;
    if (gives_credit && count > 0) {
        assert_int_equal(amqpc_link_add_credit(scene->receiver, (uint32_t)count), AMQPC_OK);
        fixture_run(&scene->fixture);
    }
    return count;
}

static void test_what_no_consumer_can_take_waits_until_there_is_credit(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 3);
    assert_int_equal(send_numbers(&scene, 10), 10);
    assert_int_equal(receive_numbers(&scene, false), 3);
    assert_int_equal(queue_of(&scene)->ready_count, 0);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 5), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), 5);
    assert_int_equal(queue_of(&scene)->ready_count, 0); /* no copy was made of any */
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 5), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), 2);
    fixture_free(&scene.fixture);
}

static void test_it_waits_only_for_a_while(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT);
    fixture_pass(&scene.fixture, AFTER_PATIENCE_MS);
    assert_int_equal(queue_of(&scene)->ready_count, CREDIT);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT); /* it is not stopped */
    fixture_pass(&scene.fixture, AFTER_PATIENCE_MS);
    assert_int_equal(queue_of(&scene)->ready_count, 2 * CREDIT);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, CREDIT), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, true), CREDIT);
    assert_int_equal(receive_numbers(&scene, true), CREDIT);
    assert_int_equal(broker_end_round(scene.fixture.broker), -1); /* nothing waits any more */
    fixture_free(&scene.fixture);
}

static void test_a_sender_of_unsettled_messages_is_read_but_gets_no_credit_for_a_while(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 0);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT);
    assert_int_equal(queue_of(&scene)->ready_count, CREDIT); /* its outcomes do not wait */
    assert_int_equal(send_numbers(&scene, 1000), 0);
    assert_int_equal(broker_end_round(scene.fixture.broker), PRODUCER_PATIENCE_MS);
    fixture_pass(&scene.fixture, AFTER_PATIENCE_MS);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT);
    fixture_free(&scene.fixture);
}

static void test_credit_comes_when_consumers_have_taken_half(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 0);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, CREDIT / 4), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), CREDIT / 4);
    assert_int_equal(send_numbers(&scene, 1000), 0);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, CREDIT / 4), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), CREDIT / 4);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT / 2);
    fixture_free(&scene.fixture);
}

static void test_a_producer_waits_on_for_consumers_that_keep_up(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, CREDIT / 2);
    for (int i = 0; i < 20; i++) {
        (void)send_numbers(&scene, 1000);
        assert_int_equal(receive_numbers(&scene, true), CREDIT / 2);
        fixture_pass(&scene.fixture, AFTER_PATIENCE_MS);
        assert_int_equal(queue_of(&scene)->ready_count, 0);
        assert_in_range(scene.sent - scene.received, 0, 2 * CREDIT);
    }
    fixture_free(&scene.fixture);
}

static void test_without_consumers_nothing_waits(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 10), 10);
    fixture_cut(&scene.fixture, scene.consumer);
    fixture_run(&scene.fixture);
    assert_int_equal(queue_of(&scene)->ready_count, 10);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT - 10);
    assert_int_equal(queue_of(&scene)->ready_count, CREDIT);
    assert_int_equal(send_numbers(&scene, 1000), CREDIT);
    fixture_free(&scene.fixture);
}

static void test_what_waits_is_there_for_a_receiver_that_drains(void **state)
{
    (void)state;
    struct scene scene;
    amqpc_link_flow flow;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 10), 10);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, CREDIT), AMQPC_OK);
    assert_int_equal(amqpc_link_drain(scene.receiver), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), 10);
    amqpc_link_get_flow(scene.receiver, &flow);
    assert_int_equal(flow.credit, 0);
    fixture_free(&scene.fixture);
}

static void test_what_waits_is_kept_when_its_sender_closes_the_link(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 10), 10);
    assert_int_equal(amqpc_link_detach(scene.sender, true, NULL), AMQPC_OK);
    fixture_run(&scene.fixture);
    assert_int_equal(queue_of(&scene)->ready_count, 10);
    fixture_pass(&scene.fixture, AFTER_PATIENCE_MS); /* nobody waits who is not there */
    assert_int_equal(amqpc_link_add_credit(scene.receiver, CREDIT), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), 10);
    fixture_free(&scene.fixture);
}

static void test_what_waits_is_kept_when_its_sender_is_cut_off(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 10), 10);
    fixture_cut(&scene.fixture, &scene.fixture.peers[0]);
    fixture_pass(&scene.fixture, AFTER_PATIENCE_MS);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, CREDIT), AMQPC_OK);
    assert_int_equal(receive_numbers(&scene, false), 10);
    fixture_free(&scene.fixture);
}

static void test_what_waits_comes_to_a_second_consumer_at_once(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 10), 10);
    const amqpc_source source = fixture_source("q");
    scene.receiver =
        fixture_receiver(&scene.fixture, scene.consumer, "also from q", &source, &settled, CREDIT);
    assert_int_equal(receive_numbers(&scene, false), 10);
    fixture_free(&scene.fixture);
}

static void test_the_end_of_the_broker_waits_for_nobody(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 0);
    assert_int_equal(send_numbers(&scene, 10), 10);
    broker_stop(scene.fixture.broker);
    fixture_run(&scene.fixture);
    assert_int_equal(queue_of(&scene)->ready_count, 10);
    fixture_free(&scene.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_no_consumer_can_take_waits_until_there_is_credit),
        cmocka_unit_test(test_it_waits_only_for_a_while),
        cmocka_unit_test(
            test_a_sender_of_unsettled_messages_is_read_but_gets_no_credit_for_a_while),
        cmocka_unit_test(test_credit_comes_when_consumers_have_taken_half),
        cmocka_unit_test(test_a_producer_waits_on_for_consumers_that_keep_up),
        cmocka_unit_test(test_without_consumers_nothing_waits),
        cmocka_unit_test(test_what_waits_is_there_for_a_receiver_that_drains),
        cmocka_unit_test(test_what_waits_is_kept_when_its_sender_closes_the_link),
        cmocka_unit_test(test_what_waits_is_kept_when_its_sender_is_cut_off),
        cmocka_unit_test(test_what_waits_comes_to_a_second_consumer_at_once),
        cmocka_unit_test(test_the_end_of_the_broker_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
