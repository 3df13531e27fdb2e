/* Queues of the broker: order, turns, outcomes, times, credit (AMQP 2.6.7, 2.6.12, 3.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_fixture.h"

static const amqpc_attach settled = {.present = AMQPC_ATTACH_SND_SETTLE_MODE,
                                     .snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_SETTLED};
static const amqpc_attach second = {.present = AMQPC_ATTACH_RCV_SETTLE_MODE,
                                    .rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND};

/* One client with a sender to queue "q" and a receiver from it. */
struct scene {
    broker_fixture fixture;
    fixture_peer *peer;
    amqpc_link *sender;
    amqpc_link *receiver;
};

static void open_scene(struct scene *scene, const amqpc_attach *attach, uint32_t credit)
{
    const amqpc_source source = fixture_source("q");
    fixture_make(&scene->fixture, NULL);
    scene->peer = fixture_connect(&scene->fixture, "client", NULL);
    scene->sender = fixture_sender(&scene->fixture, scene->peer, "to q", "q", NULL);
    scene->receiver =
        fixture_receiver(&scene->fixture, scene->peer, "from q", &source, attach, credit);
}

static const broker_queue *the_queue(const struct scene *scene)
{
    const broker_queue *queue = queue_find(scene->fixture.broker, fixture_bytes("q"));
    assert_non_null(queue);
    return queue;
}

static void send_three(struct scene *scene)
{
    fixture_send(&scene->fixture, scene->sender, "one");
    fixture_send(&scene->fixture, scene->sender, "two");
    fixture_send(&scene->fixture, scene->sender, "three");
}

static void test_messages_come_in_order_and_are_accepted(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 10);
    send_three(&scene);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one two three");
    for (unsigned i = 0; i < 3; i++) {
        amqpc_update update = fixture_update(scene.sender);
        assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
        assert_true(update.settled);
    }
    const message_counts *counts = &scene.fixture.broker->counts;
    assert_int_equal(counts->received, 3);
    assert_int_equal(counts->sent, 3);
    assert_int_equal(counts->accepted, 3);
    assert_int_equal(the_queue(&scene)->size, 0);
    fixture_free(&scene.fixture);
}

static void test_a_settled_message_goes_through_byte_for_byte_and_is_not_kept(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &settled, 10);
    static const uint8_t bytes[] = "\0Spodd bytes of no message at all";
    const amqpc_send_options options = {.struct_size = sizeof options, .settled = true};
    assert_int_equal(
        amqpc_link_send(scene.sender, (amqpc_bytes){bytes, sizeof bytes}, &options, NULL),
        AMQPC_OK);
    amqpc_delivery delivery = fixture_take(&scene.fixture, scene.receiver);
    assert_true(delivery.settled);
    assert_int_equal(delivery.payload.size, sizeof bytes);
    assert_memory_equal(delivery.payload.data, bytes, sizeof bytes);
    amqpc_delivery_release(&delivery);
    assert_int_equal(the_queue(&scene)->next_sequence, 0);
    assert_int_equal(scene.fixture.broker->store.held_size, 0);
    fixture_free(&scene.fixture);
}

static void test_messages_wait_for_credit(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 0);
    send_three(&scene);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "");
    assert_int_equal(the_queue(&scene)->ready_count, 3);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 2), AMQPC_OK);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one two");
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 2), AMQPC_OK);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "three");
    fixture_free(&scene.fixture);
}

static void test_consumers_take_turns(void **state)
{
    (void)state;
    struct scene scene;
    const amqpc_source source = fixture_source("q");
    open_scene(&scene, NULL, 10);
    fixture_peer *other = fixture_connect(&scene.fixture, "other", NULL);
    amqpc_link *second_receiver =
        fixture_receiver(&scene.fixture, other, "from q", &source, &settled, 10);
    send_three(&scene);
    fixture_send(&scene.fixture, scene.sender, "four");
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one three");
    assert_string_equal(fixture_texts(&scene.fixture, second_receiver), "two four");
    fixture_free(&scene.fixture);
}

static void test_a_burst_is_shared_among_consumers_that_settle(void **state)
{
    (void)state;
    struct scene scene;
    const amqpc_source source = fixture_source("q");
    open_scene(&scene, &settled, 3);
    amqpc_link *other =
        fixture_receiver(&scene.fixture, scene.peer, "other", &source, &settled, 10);
    static const uint8_t byte[] = {0, 0x53, 0x77, 0x41};
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(
            amqpc_link_send(scene.sender, (amqpc_bytes){byte, sizeof byte}, NULL, NULL), AMQPC_OK);
    }
    fixture_run(&scene.fixture);
    amqpc_delivery deliveries[20];
    size_t first = 0;
    size_t rest = 0;
    assert_int_equal(amqpc_link_receive(scene.receiver, deliveries, 20, &first), AMQPC_OK);
    amqpc_deliveries_release(deliveries, first);
    assert_int_equal(amqpc_link_receive(other, deliveries, 20, &rest), AMQPC_OK);
    amqpc_deliveries_release(deliveries, rest);
    assert_int_equal(first, 3); /* all of its credit */
    assert_int_equal(rest, 7);
    fixture_free(&scene.fixture);
}

static void test_rejected_is_dropped_and_counted(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 10);
    fixture_send(&scene.fixture, scene.sender, "one");
    fixture_expect(&scene.fixture, scene.receiver, "one", AMQPC_COMPOSITE_REJECTED);
    assert_int_equal(the_queue(&scene)->counts.rejected, 1);
    assert_int_equal(the_queue(&scene)->size, 0);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "");
    fixture_free(&scene.fixture);
}

static void test_released_comes_back_to_its_place(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 2);
    send_three(&scene);
    amqpc_delivery one = fixture_take(&scene.fixture, scene.receiver);
    amqpc_delivery two = fixture_take(&scene.fixture, scene.receiver);
    assert_int_equal(
        amqpc_link_settle(scene.receiver, one.number, two.number, AMQPC_COMPOSITE_RELEASED),
        AMQPC_OK);
    amqpc_delivery_release(&one);
    amqpc_delivery_release(&two);
    fixture_run(&scene.fixture);
    assert_int_equal(the_queue(&scene)->counts.released, 2);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 3), AMQPC_OK);
    amqpc_delivery again = fixture_take(&scene.fixture, scene.receiver);
    amqpc_message message = fixture_message(&again);
    assert_memory_equal(message.body.as.bytes.data, "one", 3);
    assert_false(message.sections & AMQPC_SECTION_HEADER); /* it was no failed attempt */
    amqpc_delivery_release(&again);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "two three");
    fixture_free(&scene.fixture);
}

static void modify(struct scene *scene, const amqpc_modified *modified)
{
    amqpc_delivery delivery = fixture_take(&scene->fixture, scene->receiver);
    assert_int_equal(amqpc_link_modify(scene->receiver, delivery.number, delivery.number, modified),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    fixture_run(&scene->fixture);
}

static void test_a_failed_attempt_is_counted_in_the_header(void **state)
{
    (void)state;
    struct scene scene;
    const amqpc_modified failed = {.present = AMQPC_MODIFIED_DELIVERY_FAILED,
                                   .delivery_failed = true};
    open_scene(&scene, NULL, 10);
    amqpc_message sent;
    amqpc_message_init(&sent);
    sent.sections = AMQPC_SECTION_HEADER | AMQPC_SECTION_BODY;
    sent.header.present = AMQPC_HEADER_PRIORITY | AMQPC_HEADER_FIRST_ACQUIRER;
    sent.header.priority = 7;
    sent.header.first_acquirer = true;
    sent.body_kind = AMQPC_BODY_VALUE;
    sent.body_count = 1;
    sent.body = (amqpc_value){.type = AMQPC_TYPE_NULL};
    fixture_send_message(&scene.fixture, scene.sender, &sent, NULL);
    for (uint32_t count = 0; count < 3; count++) {
        amqpc_delivery delivery = fixture_take(&scene.fixture, scene.receiver);
        amqpc_message message = fixture_message(&delivery);
        assert_int_equal(message.header.delivery_count, count);
        assert_int_equal(message.header.priority, 7);
        assert_int_equal(message.header.first_acquirer, count == 0);
        assert_int_equal(
            amqpc_link_modify(scene.receiver, delivery.number, delivery.number, &failed), AMQPC_OK);
        amqpc_delivery_release(&delivery);
    }
    fixture_run(&scene.fixture);
    assert_int_equal(the_queue(&scene)->counts.modified, 3);
    fixture_free(&scene.fixture);
}

static void test_what_is_undeliverable_here_goes_to_another(void **state)
{
    (void)state;
    struct scene scene;
    const amqpc_source source = fixture_source("q");
    const amqpc_modified modified = {.present = AMQPC_MODIFIED_UNDELIVERABLE_HERE,
                                     .undeliverable_here = true};
    open_scene(&scene, NULL, 10);
    fixture_send(&scene.fixture, scene.sender, "one");
    modify(&scene, &modified);
    fixture_send(&scene.fixture, scene.sender, "two");
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "two");
    assert_int_equal(the_queue(&scene)->ready_count, 1);
    amqpc_link *other = fixture_receiver(&scene.fixture, scene.peer, "other", &source, NULL, 10);
    assert_string_equal(fixture_texts(&scene.fixture, other), "one");
    fixture_free(&scene.fixture);
}

static void test_annotations_of_an_outcome_are_merged_into_the_message(void **state)
{
    (void)state;
    struct scene scene;
    amqpc_value added[4] = {{.type = AMQPC_TYPE_SYMBOL},
                            {.type = AMQPC_TYPE_INT},
                            {.type = AMQPC_TYPE_SYMBOL},
                            {.type = AMQPC_TYPE_INT}};
    amqpc_modified modified = {.present = AMQPC_MODIFIED_MESSAGE_ANNOTATIONS};
    open_scene(&scene, NULL, 10);
    fixture_send(&scene.fixture, scene.sender, "one");
    added[0].as.bytes = fixture_bytes("x-a");
    added[1].as.i64 = 1;
    modified.message_annotations =
        (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2};
    modified.message_annotations.as.items = added;
    modify(&scene, &modified);
    added[1].as.i64 = 2; /* instead of 1 */
    added[2].as.bytes = fixture_bytes("x-b");
    added[3].as.i64 = 3;
    modified.message_annotations.count = 4;
    modify(&scene, &modified);
    amqpc_delivery delivery = fixture_take(&scene.fixture, scene.receiver);
    amqpc_message message = fixture_message(&delivery);
    amqpc_value found;
    assert_int_equal(message.message_annotations.count, 4);
    assert_int_equal(amqpc_map_get(&message.message_annotations, "x-a", 3, &found), AMQPC_OK);
    assert_int_equal(found.as.i64, 2);
    assert_int_equal(amqpc_map_get(&message.message_annotations, "x-b", 3, &found), AMQPC_OK);
    assert_int_equal(found.as.i64, 3);
    assert_memory_equal(message.body.as.bytes.data, "one", 3);
    amqpc_delivery_release(&delivery);
    fixture_free(&scene.fixture);
}

static void test_what_a_closed_consumer_had_comes_back_as_a_failed_attempt(void **state)
{
    (void)state;
    struct scene scene;
    const amqpc_source source = fixture_source("q");
    open_scene(&scene, NULL, 10);
    send_three(&scene);
    assert_int_equal(amqpc_link_detach(scene.receiver, true, NULL), AMQPC_OK);
    fixture_run(&scene.fixture);
    amqpc_link *other = fixture_receiver(&scene.fixture, scene.peer, "other", &source, NULL, 1);
    amqpc_delivery delivery = fixture_take(&scene.fixture, other);
    amqpc_message message = fixture_message(&delivery);
    assert_int_equal(message.header.delivery_count, 1);
    assert_memory_equal(message.body.as.bytes.data, "one", 3);
    amqpc_delivery_release(&delivery);
    assert_int_equal(amqpc_link_add_credit(other, 5), AMQPC_OK);
    assert_string_equal(fixture_texts(&scene.fixture, other), "two three");
    assert_int_equal(the_queue(&scene)->counts.returned, 3);
    fixture_free(&scene.fixture);
}

static void test_the_default_outcome_of_the_source_holds_for_what_comes_back(void **state)
{
    (void)state;
    static const struct {
        uint32_t outcome;
        size_t member;
        uint64_t left;
    } cases[] = {
        {AMQPC_COMPOSITE_ACCEPTED, offsetof(message_counts, accepted), 0},
        {AMQPC_COMPOSITE_REJECTED, offsetof(message_counts, rejected), 0},
        {AMQPC_COMPOSITE_RELEASED, offsetof(message_counts, released), 1},
        {AMQPC_COMPOSITE_MODIFIED, offsetof(message_counts, returned), 1},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene scene;
        amqpc_source source = fixture_source("q");
        amqpc_value parts[2] = {{.type = AMQPC_TYPE_ULONG}, {.type = AMQPC_TYPE_LIST}};
        open_scene(&scene, NULL, 0);
        parts[0].as.u64 = cases[i].outcome;
        parts[1].form = AMQPC_FORM_ITEMS;
        source.present |= AMQPC_SOURCE_DEFAULT_OUTCOME;
        source.default_outcome =
            (amqpc_value){.type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2};
        source.default_outcome.as.items = parts;
        amqpc_link *link = fixture_receiver(&scene.fixture, scene.peer, "x", &source, NULL, 1);
        fixture_send(&scene.fixture, scene.sender, "one");
        assert_int_equal(amqpc_link_detach(link, true, NULL), AMQPC_OK);
        fixture_run(&scene.fixture);
        const broker_queue *queue = the_queue(&scene);
        const char *counts = (const char *)&queue->counts;
        assert_int_equal(*(const uint64_t *)(const void *)(counts + cases[i].member), 1);
        assert_int_equal(queue->ready_count, cases[i].left);
        fixture_free(&scene.fixture);
    }
}

static void test_a_receiver_of_mode_second_settles_when_the_broker_has(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, &second, 10);
    send_three(&scene);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one two three");
    assert_int_equal(the_queue(&scene)->counts.accepted, 3);
    assert_int_equal(the_queue(&scene)->unsettled_count, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(fixture_update(scene.receiver).settled);
    }
    fixture_free(&scene.fixture);
}

static void test_a_sender_to_mode_second_is_told_and_settles(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 10);
    amqpc_link *sender = fixture_sender(&scene.fixture, scene.peer, "second", "q", &second);
    fixture_send(&scene.fixture, sender, "one");
    amqpc_update update = fixture_update(sender);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_false(update.settled);
    assert_int_equal(amqpc_link_settle(sender, update.number, update.number, AMQPC_COMPOSITE_NONE),
                     AMQPC_OK);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one");
    assert_int_equal(amqpc_link_unsettled_count(sender), 0);
    fixture_free(&scene.fixture);
}

/* --- Time. */

static void send_with_ttl(struct scene *scene, uint32_t ttl)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_HEADER | AMQPC_SECTION_BODY;
    message.header.present = AMQPC_HEADER_TTL;
    message.header.ttl = ttl;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_STRING;
    message.body.as.bytes = fixture_bytes("ttl");
    fixture_send_message(&scene->fixture, scene->sender, &message, NULL);
}

static void test_a_message_expires_by_its_ttl_or_goes_out_with_what_is_left(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 0);
    assert_int_equal(broker_end_round(scene.fixture.broker), -1);
    send_with_ttl(&scene, 500);
    assert_int_equal(broker_end_round(scene.fixture.broker), 500); /* it wants to be woken for it */
    send_with_ttl(&scene, 2000);
    fixture_pass(&scene.fixture, 600);
    assert_int_equal(the_queue(&scene)->counts.expired, 1);
    assert_int_equal(the_queue(&scene)->ready_count, 1);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 1), AMQPC_OK);
    amqpc_delivery delivery = fixture_take(&scene.fixture, scene.receiver);
    assert_int_equal(fixture_message(&delivery).header.ttl, 1400);
    amqpc_delivery_release(&delivery);
    fixture_free(&scene.fixture);
}

static void test_an_expired_message_is_not_sent_though_nobody_looked_at_the_time(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 0);
    send_with_ttl(&scene, 10);
    scene.fixture.broker->next_sweep_ms = UINT64_MAX;
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 1), AMQPC_OK);
    fixture_pass(&scene.fixture, 11);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "");
    assert_int_equal(the_queue(&scene)->counts.expired, 1);
    fixture_free(&scene.fixture);
}

static void send_with_expiry(struct scene *scene, int64_t expiry)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_PROPERTIES | AMQPC_SECTION_BODY;
    message.properties.present = AMQPC_PROPERTIES_ABSOLUTE_EXPIRY_TIME;
    message.properties.absolute_expiry_time = expiry;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_STRING;
    message.body.as.bytes = fixture_bytes("expiry");
    fixture_send_message(&scene->fixture, scene->sender, &message, NULL);
}

static void test_absolute_expiry_time_is_kept_to(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, NULL, 0);
    send_with_expiry(&scene, 1700000000000 - 1); /* over when it comes */
    assert_int_equal(the_queue(&scene)->counts.expired, 1);
    assert_int_equal(fixture_update(scene.sender).state_type, AMQPC_COMPOSITE_ACCEPTED);
    send_with_expiry(&scene, 1700000000000 + 500);
    assert_int_equal(the_queue(&scene)->ready_count, 1);
    fixture_pass(&scene.fixture, 600);
    assert_int_equal(the_queue(&scene)->counts.expired, 2);
    assert_int_equal(the_queue(&scene)->ready_count, 0);
    fixture_free(&scene.fixture);
}

/* --- Drain and browsing. */

static void test_drain_is_answered_when_the_queue_is_empty(void **state)
{
    (void)state;
    struct scene scene;
    amqpc_link_flow flow;
    open_scene(&scene, NULL, 0);
    send_three(&scene);
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 10), AMQPC_OK);
    assert_int_equal(amqpc_link_drain(scene.receiver), AMQPC_OK);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one two three");
    amqpc_link_get_flow(scene.receiver, &flow);
    assert_int_equal(flow.credit, 0);
    fixture_send(&scene.fixture, scene.sender, "four");
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "");
    fixture_free(&scene.fixture);
}

static void test_a_browser_gets_copies_and_leaves_the_messages(void **state)
{
    (void)state;
    struct scene scene;
    amqpc_source source = fixture_source("q");
    open_scene(&scene, NULL, 0);
    send_three(&scene);
    source.present |= AMQPC_SOURCE_DISTRIBUTION_MODE;
    source.distribution_mode = fixture_bytes("copy");
    amqpc_link *browser =
        fixture_receiver(&scene.fixture, scene.peer, "browser", &source, NULL, 10);
    assert_string_equal(fixture_texts(&scene.fixture, browser), "one two three");
    assert_int_equal(the_queue(&scene)->ready_count, 3);
    fixture_send(&scene.fixture, scene.sender, "four");
    assert_string_equal(fixture_texts(&scene.fixture, browser), "four");
    assert_int_equal(amqpc_link_add_credit(scene.receiver, 10), AMQPC_OK);
    assert_string_equal(fixture_texts(&scene.fixture, scene.receiver), "one two three four");
    fixture_free(&scene.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_in_order_and_are_accepted),
        cmocka_unit_test(test_a_settled_message_goes_through_byte_for_byte_and_is_not_kept),
        cmocka_unit_test(test_messages_wait_for_credit),
        cmocka_unit_test(test_consumers_take_turns),
        cmocka_unit_test(test_a_burst_is_shared_among_consumers_that_settle),
        cmocka_unit_test(test_rejected_is_dropped_and_counted),
        cmocka_unit_test(test_released_comes_back_to_its_place),
        cmocka_unit_test(test_a_failed_attempt_is_counted_in_the_header),
        cmocka_unit_test(test_what_is_undeliverable_here_goes_to_another),
        cmocka_unit_test(test_annotations_of_an_outcome_are_merged_into_the_message),
        cmocka_unit_test(test_what_a_closed_consumer_had_comes_back_as_a_failed_attempt),
        cmocka_unit_test(test_the_default_outcome_of_the_source_holds_for_what_comes_back),
        cmocka_unit_test(test_a_receiver_of_mode_second_settles_when_the_broker_has),
        cmocka_unit_test(test_a_sender_to_mode_second_is_told_and_settles),
        cmocka_unit_test(test_a_message_expires_by_its_ttl_or_goes_out_with_what_is_left),
        cmocka_unit_test(test_an_expired_message_is_not_sent_though_nobody_looked_at_the_time),
        cmocka_unit_test(test_absolute_expiry_time_is_kept_to),
        cmocka_unit_test(test_drain_is_answered_when_the_queue_is_empty),
        cmocka_unit_test(test_a_browser_gets_copies_and_leaves_the_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
