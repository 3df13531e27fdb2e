/* What the broker lets itself be made to keep: full queues, full memory, large messages, slow
 * receivers; and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"
#include "tools/broker_fixture.h"

static const amqpc_attach settled = {.present = AMQPC_ATTACH_SND_SETTLE_MODE,
                                     .snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_SETTLED};

static broker_options limited(uint64_t memory, uint64_t queue_memory)
{
    broker_options options;
    broker_options_init(&options);
    options.memory = memory;
    options.queue_memory = queue_memory;
    return options;
}

/* Sends as long as there is credit, at most `most`. Gives how many went. */
static size_t send_many(broker_fixture *fixture, amqpc_link *link, size_t size, bool is_settled,
                        size_t most)
{
    static uint8_t data[1 << 18];
    const amqpc_send_options options = {.struct_size = sizeof options, .settled = is_settled};
    size_t sent = 0;
    assert_true(size <= sizeof data);
    while (sent < most &&
           amqpc_link_send(link, (amqpc_bytes){data, size}, &options, NULL) == AMQPC_OK) {
        sent++;
        if (sent % 16 == 0 || size > 10000) {
            fixture_run(fixture);
        }
    }
    fixture_run(fixture);
    return sent;
}

static size_t receive_many(broker_fixture *fixture, amqpc_link *link)
{
    amqpc_delivery deliveries[64];
    size_t received = 0;
    size_t count = 64;
    fixture_run(fixture);
    while (amqpc_link_receive(link, deliveries, 64, &count) == AMQPC_OK && count > 0) {
        for (size_t i = 0; i < count; i++) {
            amqpc_status status = amqpc_link_settle(link, deliveries[i].number,
                                                    deliveries[i].number, AMQPC_COMPOSITE_ACCEPTED);
            assert_true(status == AMQPC_OK || deliveries[i].settled);
        }
        amqpc_deliveries_release(deliveries, count);
        received += count;
        fixture_run(fixture);
    }
    return received;
}

static uint64_t queue_size(const broker_fixture *fixture, const char *name)
{
    const broker_queue *queue = queue_find(fixture->broker, fixture_bytes(name));
    return queue == NULL ? 0 : queue->size;
}

static void test_a_full_queue_gives_no_credit_until_there_is_room(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    broker_options options = limited(1 << 24, 1 << 17);
    fixture_make(&fixture, &options);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    size_t sent = 0;
    size_t more = 1;
    while (more > 0) {
        more = send_many(&fixture, sender, 1000, true, 100000);
        sent += more;
    }
    assert_in_range(sent, 100, 300); /* what the first credit was given for, of smaller ones */
    assert_in_range(queue_size(&fixture, "q"), 1 << 17, (1 << 17) + 64 * 1280);
    amqpc_link *receiver = fixture_receiver(&fixture, peer, "b", &source, NULL, 1000);
    assert_int_equal(receive_many(&fixture, receiver), sent);
    more = send_many(&fixture, sender, 1000, true, 50);
    assert_int_equal(more, 50);
    assert_int_equal(receive_many(&fixture, receiver), more);
    fixture_free(&fixture);
}

static void test_full_memory_stops_all_queues_and_the_relay(void **state)
{
    (void)state;
    broker_fixture fixture;
    broker_options options = limited(1 << 18, 1 << 30);
    fixture_make(&fixture, &options);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *first = fixture_sender(&fixture, peer, "a", "q1", NULL);
    amqpc_link *second = fixture_sender(&fixture, peer, "b", "q2", NULL);
    size_t more = 1;
    while (more > 0) {
        more = send_many(&fixture, first, 2000, true, 10000);
    }
    assert_true(message_store_is_full(&fixture.broker->store));
    (void)send_many(&fixture, second, 2000, true, 10000); /* what it had credit for */
    amqpc_link *third = fixture_sender(&fixture, peer, "c", "q3", NULL);
    amqpc_link *relay = fixture_sender(&fixture, peer, "d", NULL, NULL);
    assert_int_equal(send_many(&fixture, third, 10, true, 1), 0);
    assert_int_equal(send_many(&fixture, relay, 10, true, 1), 0);
    assert_true(fixture.broker->store.held_size <= 2 * options.memory + MESSAGE_CHUNK_SIZE);
    for (unsigned i = 0; i < 2; i++) {
        const amqpc_source source = fixture_source(i == 0 ? "q1" : "q2");
        amqpc_link *receiver =
            fixture_receiver(&fixture, peer, i == 0 ? "e" : "f", &source, NULL, 100000);
        assert_true(receive_many(&fixture, receiver) > 0);
    }
    assert_int_equal(send_many(&fixture, third, 10, true, 1), 1);
    fixture_free(&fixture);
}

static void
test_what_a_sender_had_credit_for_waits_in_the_engine_when_the_queue_is_full(void **state)
{
    (void)state;
    broker_fixture fixture;
    broker_options options = limited(1 << 24, 1 << 16);
    fixture_make(&fixture, &options);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *first = fixture_sender(&fixture, peer, "a", "q", NULL);
    amqpc_link *second = fixture_sender(&fixture, peer, "b", "q", NULL);
    /* Credit of both was given when the queue was empty, for small messages. */
    size_t sent = send_many(&fixture, first, 4000, true, 64);
    sent += send_many(&fixture, second, 4000, true, 64);
    const broker_queue *queue = queue_find(fixture.broker, fixture_bytes("q"));
    assert_true(queue->ready_count < sent);
    assert_in_range(queue->size, 1 << 16, (1 << 16) + 64 * 5120);
    const amqpc_source source = fixture_source("q");
    amqpc_link *receiver = fixture_receiver(&fixture, peer, "c", &source, NULL, 1000);
    assert_int_equal(receive_many(&fixture, receiver), sent);
    fixture_free(&fixture);
}

static void test_a_message_to_a_full_queue_through_the_relay_is_released(void **state)
{
    (void)state;
    broker_fixture fixture;
    broker_options options = limited(1 << 24, 4096);
    fixture_make(&fixture, &options);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *relay = fixture_sender(&fixture, peer, "relay", NULL, NULL);
    amqpc_message message;
    static uint8_t bytes[5000];
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_PROPERTIES | AMQPC_SECTION_BODY;
    message.properties.present = AMQPC_PROPERTIES_TO;
    message.properties.to = fixture_bytes("q");
    message.body_kind = AMQPC_BODY_DATA;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_BINARY;
    message.body.as.bytes = (amqpc_bytes){bytes, sizeof bytes};
    fixture_send_message(&fixture, relay, &message, NULL);
    assert_int_equal(fixture_update(relay).state_type, AMQPC_COMPOSITE_ACCEPTED);
    fixture_send_message(&fixture, relay, &message, NULL);
    assert_int_equal(fixture_update(relay).state_type, AMQPC_COMPOSITE_RELEASED);
    fixture_free(&fixture);
}

static void test_too_large_a_message_ends_its_link(void **state)
{
    (void)state;
    broker_fixture fixture;
    broker_options options = limited(1 << 24, 1 << 20);
    options.message_size = 1000;
    fixture_make(&fixture, &options);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    uint8_t data[1001] = {0};
    assert_int_equal(amqpc_link_send(sender, (amqpc_bytes){data, sizeof data}, NULL, NULL),
                     AMQPC_MESSAGE_TOO_LARGE);
    /* A peer that does not look at what it was told. */
    amqpc_performative transfer = {.type = AMQPC_COMPOSITE_TRANSFER};
    transfer.as.transfer.present =
        AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_DELIVERY_ID | AMQPC_TRANSFER_DELIVERY_TAG;
    transfer.as.transfer.delivery_tag = fixture_bytes("tag");
    transfer.payload = (amqpc_bytes){data, sizeof data};
    uint8_t frame[2048];
    size_t size = 0;
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &transfer, frame, sizeof frame, &size),
                     AMQPC_OK);
    void *place = NULL;
    size_t capacity = 0;
    assert_int_equal(amqpc_connection_input_buffer(peer->server, &place, &capacity), AMQPC_OK);
    assert_true(size <= capacity);
    memcpy(place, frame, size);
    assert_int_equal(amqpc_connection_input(peer->server, size), AMQPC_OK);
    fixture_run(&fixture);
    assert_string_equal(fixture_condition(sender), "amqp:link:message-size-exceeded");
    assert_int_equal(fixture.broker->termini.count, 0);
    fixture_free(&fixture);
}

static void test_a_message_too_large_for_one_receiver_goes_to_another(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    const amqpc_attach small = {.present = AMQPC_ATTACH_MAX_MESSAGE_SIZE, .max_message_size = 100};
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    amqpc_link *narrow = fixture_receiver(&fixture, peer, "narrow", &source, &small, 10);
    assert_int_equal(send_many(&fixture, sender, 500, true, 1), 1);
    assert_int_equal(send_many(&fixture, sender, 50, true, 1), 1);
    assert_int_equal(receive_many(&fixture, narrow), 1);
    amqpc_link *wide = fixture_receiver(&fixture, peer, "wide", &source, NULL, 10);
    assert_int_equal(receive_many(&fixture, wide), 1);
    fixture_free(&fixture);
}

static void test_output_that_waits_stops_a_consumer_and_not_for_ever(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    broker_options options = limited(1 << 28, 1 << 28);
    fixture_make(&fixture, &options);
    fixture_peer *from = fixture_connect(&fixture, "from", NULL);
    fixture_peer *to = fixture_connect(&fixture, "to", NULL);
    amqpc_link *sender = fixture_sender(&fixture, from, "a", "q", NULL);
    size_t sent = send_many(&fixture, sender, 100000, true, 40);
    assert_int_equal(sent, 40);
    amqpc_link *receiver = fixture_receiver(&fixture, to, "b", &source, &settled, 0);
    assert_int_equal(amqpc_link_add_credit(receiver, 1000), AMQPC_OK);
    assert_int_equal(receive_many(&fixture, receiver), 40);
    assert_null(fixture.broker->first_blocked);
    fixture_free(&fixture);
}

static void test_a_receiver_has_so_many_unsettled_and_goes_on_when_it_settles(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    size_t sent = BROKER_UNSETTLED_MAX + 50;
    assert_int_equal(send_many(&fixture, sender, 10, true, sent), sent);
    amqpc_link *receiver =
        fixture_receiver(&fixture, peer, "b", &source, NULL, 2 * BROKER_UNSETTLED_MAX);
    const broker_queue *queue = queue_find(fixture.broker, fixture_bytes("q"));
    assert_int_equal(queue->unsettled_count, BROKER_UNSETTLED_MAX);
    assert_null(fixture.broker->first_blocked); /* it costs nothing while it waits */
    assert_int_equal(receive_many(&fixture, receiver), sent);
    assert_int_equal(queue->unsettled_count, 0);
    fixture_free(&fixture);
}

/* --- The end. */

static void test_a_broker_that_stops_takes_nothing_more_in_and_closes_with_a_reason(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    amqpc_link *receiver = fixture_receiver(&fixture, peer, "b", &source, NULL, 1);
    amqpc_link *relay = fixture_sender(&fixture, peer, "c", NULL, NULL);
    fixture_send(&fixture, sender, "one");
    broker_stop(fixture.broker);
    fixture_run(&fixture);
    assert_int_equal(amqpc_link_send(relay, (amqpc_bytes){"\0Sw@", 4}, NULL, NULL),
                     AMQPC_NO_CREDIT);
    assert_false(broker_is_drained(fixture.broker)); /* it is not settled yet */
    assert_int_equal(amqpc_link_send(sender, (amqpc_bytes){"\0Sw@", 4}, NULL, NULL),
                     AMQPC_NO_CREDIT);
    amqpc_link *late = fixture_sender(&fixture, peer, "late", "q", NULL);
    assert_string_equal(fixture_condition(late), "amqp:connection:forced");
    assert_string_equal(fixture_texts(&fixture, receiver), "one");
    assert_true(broker_is_drained(fixture.broker));
    broker_close_all(fixture.broker);
    fixture_run(&fixture);
    amqpc_error error;
    assert_int_equal(amqpc_connection_remote_error(peer->client, &error), AMQPC_OK);
    assert_memory_equal(error.condition.data, "amqp:connection:forced", error.condition.size);
    fixture_free(&fixture);
}

/* --- Memory (hostile-inputs row 101): the broker goes on, whichever of its allocations fails. */

static void serve_with(const amqpc_allocator *allocator)
{
    broker_fixture fixture;
    broker_options options;
    const amqpc_source source = fixture_source("q");
    broker_options_init(&options);
    options.allocator = allocator;
    memset(&fixture, 0, sizeof fixture);
    fixture.now_ms = 1000;
    fixture.broker = broker_new(&options);
    if (fixture.broker == NULL) {
        return;
    }
    fixture_peer *peer = fixture_try_connect(&fixture, "client");
    if (peer != NULL) {
        amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
        amqpc_link *receiver = fixture_receiver(&fixture, peer, "b", &source, NULL, 5);
        (void)send_many(&fixture, sender, 100, false, 3);
        amqpc_delivery delivery;
        size_t count = 0;
        if (amqpc_link_receive(receiver, &delivery, 1, &count) == AMQPC_OK && count == 1) {
            const amqpc_modified modified = {.present = AMQPC_MODIFIED_UNDELIVERABLE_HERE,
                                             .undeliverable_here = true};
            (void)!amqpc_link_modify(receiver, delivery.number, delivery.number, &modified);
            amqpc_delivery_release(&delivery);
        }
        fixture_run(&fixture);
        (void)!amqpc_link_detach(receiver, false, NULL);
        fixture_run(&fixture);
    }
    fixture_free(&fixture);
}

static void test_row_101_the_broker_survives_failing_allocations(void **state)
{
    (void)state;
    assert_survives_failing_allocations(serve_with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_queue_gives_no_credit_until_there_is_room),
        cmocka_unit_test(test_full_memory_stops_all_queues_and_the_relay),
        cmocka_unit_test(
            test_what_a_sender_had_credit_for_waits_in_the_engine_when_the_queue_is_full),
        cmocka_unit_test(test_a_message_to_a_full_queue_through_the_relay_is_released),
        cmocka_unit_test(test_too_large_a_message_ends_its_link),
        cmocka_unit_test(test_a_message_too_large_for_one_receiver_goes_to_another),
        cmocka_unit_test(test_output_that_waits_stops_a_consumer_and_not_for_ever),
        cmocka_unit_test(test_a_receiver_has_so_many_unsettled_and_goes_on_when_it_settles),
        cmocka_unit_test(test_a_broker_that_stops_takes_nothing_more_in_and_closes_with_a_reason),
        cmocka_unit_test(test_row_101_the_broker_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
