/* Transactions between two engines: declared, worked in, discharged (AMQP part 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transaction_fixture.h"

enum { LARGE = 200000, LONG_ID = 200 };

static transaction_fixture fixture;
static engine_frames frames;
static uint8_t large[LARGE];

static int setup(void **state)
{
    (void)state;
    transaction_open(&fixture, NULL);
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (uint8_t)(i * 7 + i / 253);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    transaction_close(&fixture);
    return 0;
}

/* --- The coordinator's link. */

static void test_both_ends_recognise_a_coordinator(void **state)
{
    (void)state;
    amqpc_coordinator coordinator;
    amqpc_target target;
    amqpc_bytes symbol;
    assert_int_equal(amqpc_link_remote_coordinator(fixture.coordinator, &coordinator), AMQPC_OK);
    assert_int_equal(coordinator.capabilities.count, 2);
    assert_int_equal(amqpc_symbols_get(&coordinator.capabilities, 1, &symbol), AMQPC_OK);
    assert_same_bytes(symbol, engine_text("amqp:multi-txns-per-ssn"));
    assert_int_equal(amqpc_link_remote_target(fixture.coordinator, &target), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_remote_coordinator(fixture.controller, &coordinator), AMQPC_OK);
    assert_int_equal(coordinator.capabilities.count, 1);
    assert_false(amqpc_link_is_refused(fixture.controller));
    assert_int_equal(amqpc_link_remote_coordinator(fixture.pair.receiver, &coordinator),
                     AMQPC_NOT_FOUND);
}

static void test_a_link_that_is_not_attached_has_no_coordinator(void **state)
{
    (void)state;
    amqpc_coordinator coordinator;
    amqpc_link *link = NULL;
    assert_int_equal(
        amqpc_link_new(fixture.pair.client_session, AMQPC_ROLE_SENDER, engine_text("other"), &link),
        AMQPC_OK);
    assert_int_equal(amqpc_link_remote_coordinator(link, &coordinator), AMQPC_NOT_FOUND);
}

static void test_a_controller_keeps_the_source_that_it_is_given(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t size = 0;
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("mine")};
    amqpc_attach attach = {.present = AMQPC_ATTACH_SOURCE};
    assert_int_equal(amqpc_source_encode(&source, bytes, sizeof bytes, &size), AMQPC_OK);
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &attach.source, NULL), AMQPC_OK);
    amqpc_link *link = NULL;
    assert_int_equal(
        amqpc_link_new(fixture.pair.client_session, AMQPC_ROLE_SENDER, engine_text("other"), &link),
        AMQPC_OK);
    assert_int_equal(amqpc_link_attach_coordinator(link, &attach, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_link *other = engine_event(fixture.pair.server, AMQPC_EVENT_LINK_ATTACH).link;
    amqpc_coordinator coordinator;
    assert_int_equal(amqpc_link_remote_source(other, &source), AMQPC_OK);
    assert_same_bytes(source.address, engine_text("mine"));
    assert_int_equal(source.outcomes.count, 0);
    assert_int_equal(amqpc_link_remote_coordinator(other, &coordinator), AMQPC_OK);
    assert_int_equal(coordinator.capabilities.count, 0);
}

/* --- Posting. */

static void test_what_was_posted_is_there_after_the_commit(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    uint64_t number = transaction_post(fixture.pair.sender, txn_id, engine_text("hello"));
    (void)transaction_post(fixture.pair.sender, txn_id, (amqpc_bytes){large, sizeof large});
    transaction_serve(&fixture);
    assert_int_equal(fixture.posted[0], 2);
    assert_int_equal(fixture.stored, 0);
    amqpc_update updates[3];
    amqpc_transactional_state posted;
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(fixture.pair.sender, updates, 3, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(updates[0].number, number);
    assert_int_equal(amqpc_update_transaction(&updates[0], &posted), AMQPC_OK);
    assert_same_bytes(posted.txn_id, txn_id);
    assert_int_equal(amqpc_value_composite(&posted.outcome), AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(transaction_discharge(&fixture, txn_id, false), AMQPC_OK);
    assert_int_equal(fixture.stored, 2);
    assert_int_equal(amqpc_link_unsettled_count(fixture.pair.sender), 0);
    assert_int_equal(amqpc_link_unsettled_count(fixture.controller), 0);
    assert_int_equal(amqpc_link_unsettled_count(fixture.coordinator), 0);
}

static void test_nothing_is_left_of_what_was_rolled_back(void **state)
{
    (void)state;
    uint8_t storage[2][TXN_ID_SIZE];
    amqpc_bytes first = transaction_declare(&fixture, storage[0]);
    amqpc_bytes second = transaction_declare(&fixture, storage[1]);
    (void)transaction_post(fixture.pair.sender, first, engine_text("dropped"));
    (void)transaction_post(fixture.pair.sender, second, engine_text("kept"));
    assert_int_equal(transaction_discharge(&fixture, first, true), AMQPC_OK);
    assert_int_equal(transaction_discharge(&fixture, second, false), AMQPC_OK);
    assert_int_equal(fixture.stored, 1);
}

/* Its link has stood in the queue of events since the other declare: a resource takes what came by
 * the other links before it looks at the discharge. */
static void test_a_discharge_may_be_told_before_what_came_before_it(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_connection_event event;
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    engine_events(fixture.pair.server);
    assert_int_equal(amqpc_link_declare(fixture.controller, NULL, NULL, NULL), AMQPC_OK);
    (void)transaction_post(fixture.pair.sender, txn_id, engine_text("posted"));
    assert_int_equal(amqpc_link_discharge(fixture.controller, txn_id, false, NULL, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_true(amqpc_connection_next_event(fixture.pair.server, &event));
    assert_int_equal(event.type, AMQPC_EVENT_DELIVERIES);
    assert_ptr_equal(event.link, fixture.coordinator);
    assert_true(amqpc_connection_next_event(fixture.pair.server, &event));
    assert_int_equal(event.type, AMQPC_EVENT_DELIVERIES);
    assert_ptr_equal(event.link, fixture.pair.receiver);
    transaction_serve(&fixture);
    assert_int_equal(fixture.stored, 1);
    assert_int_equal(fixture.declared_count, 2);
}

static void test_a_posting_may_be_sent_settled(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    amqpc_transaction_state transaction;
    amqpc_send_options options;
    amqpc_transaction_state_init(&transaction, txn_id, AMQPC_COMPOSITE_NONE);
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    options.state = &transaction.value;
    amqpc_bytes payloads[2] = {engine_text("a"), {large, sizeof large}};
    size_t sent = 0;
    assert_int_equal(amqpc_link_send_batch(fixture.pair.sender, payloads, 2, &options, &sent, NULL),
                     AMQPC_OK);
    assert_int_equal(sent, 2);
    assert_int_equal(transaction_discharge(&fixture, txn_id, false), AMQPC_OK);
    assert_int_equal(fixture.stored, 2);
}

static void test_every_frame_of_a_posting_names_the_transaction(void **state)
{
    (void)state;
    amqpc_bytes txn_id = engine_text("txn");
    (void)transaction_post(fixture.pair.sender, txn_id, (amqpc_bytes){large, sizeof large});
    engine_take_frames(fixture.pair.client, &frames);
    assert_int_equal(frames.count, 4);
    for (size_t i = 0; i < frames.count; i++) {
        amqpc_transactional_state posted;
        const amqpc_transfer *transfer = &frames.list[i].as.transfer;
        assert_true(transfer->present & AMQPC_TRANSFER_STATE);
        assert_int_equal(amqpc_transactional_state_from_value(&transfer->state, NULL, &posted),
                         AMQPC_OK);
        assert_same_bytes(posted.txn_id, txn_id);
    }
}

static void test_a_posting_waits_for_the_window_with_its_state(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    (void)transaction_declare(&fixture, storage);
    assert_int_equal(amqpc_session_set_incoming_window(fixture.pair.server_session, 2), AMQPC_OK);
    engine_exchange(&fixture.pair);
    uint8_t lent[TXN_ID_SIZE];
    uint64_t numbers[2];
    for (unsigned i = 0; i < 2; i++) {
        memcpy(lent, storage, sizeof lent);
        numbers[i] = transaction_post(fixture.pair.sender, (amqpc_bytes){lent, sizeof lent},
                                      (amqpc_bytes){large, sizeof large});
        memset(lent, 0, sizeof lent);
    }
    assert_int_equal(amqpc_session_outgoing_window(fixture.pair.client_session), 0);
    assert_int_equal(numbers[1], numbers[0] + 1);
    transaction_serve(&fixture);
    assert_int_equal(fixture.posted[0], 2);
}

static void test_a_posting_in_pieces_names_the_transaction_in_each(void **state)
{
    (void)state;
    amqpc_bytes txn_id = {large, LONG_ID};
    amqpc_transaction_state transaction;
    amqpc_send_options options;
    amqpc_transaction_state_init(&transaction, txn_id, AMQPC_COMPOSITE_NONE);
    amqpc_send_options_init(&options, sizeof options);
    options.state = &transaction.value;
    assert_int_equal(amqpc_link_send_start(fixture.pair.sender, &options, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send_chunk(fixture.pair.sender, (amqpc_bytes){large, LARGE}),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_send_finish(fixture.pair.sender), AMQPC_OK);
    assert_int_equal(engine_forward(fixture.pair.client, fixture.pair.server, &frames), AMQPC_OK);
    for (size_t i = 0; i < frames.count; i++) {
        assert_true(frames.list[i].as.transfer.present & AMQPC_TRANSFER_STATE);
    }
    amqpc_delivery delivery = engine_receive(fixture.pair.receiver);
    amqpc_transactional_state posted;
    assert_int_equal(amqpc_delivery_transaction(&delivery, &posted), AMQPC_OK);
    assert_same_bytes(posted.txn_id, txn_id);
    assert_same_bytes(delivery.payload, (amqpc_bytes){large, LARGE});
    amqpc_delivery_release(&delivery);
}

static void test_pieces_that_are_taken_have_the_state_with_the_first(void **state)
{
    (void)state;
    assert_int_equal(amqpc_link_set_streaming(fixture.pair.receiver, true), AMQPC_OK);
    (void)transaction_post(fixture.pair.sender, engine_text("txn"), (amqpc_bytes){large, LARGE});
    engine_take_frames(fixture.pair.client, &frames);
    for (size_t i = 0; i < frames.count; i++) {
        amqpc_transactional_state posted;
        assert_int_equal(engine_feed_frame(fixture.pair.server, 0, &frames.list[i]), AMQPC_OK);
        amqpc_delivery piece = engine_receive(fixture.pair.receiver);
        assert_int_equal(amqpc_delivery_transaction(&piece, &posted),
                         i == 0 ? AMQPC_OK : AMQPC_NOT_FOUND);
        amqpc_delivery_release(&piece);
    }
}

static void test_a_posting_given_up_in_pieces_has_no_state_left(void **state)
{
    (void)state;
    amqpc_transaction_state transaction;
    amqpc_send_options options;
    amqpc_transaction_state_init(&transaction, engine_text("txn"), AMQPC_COMPOSITE_NONE);
    amqpc_send_options_init(&options, sizeof options);
    options.state = &transaction.value;
    assert_int_equal(amqpc_link_set_streaming(fixture.pair.receiver, true), AMQPC_OK);
    assert_int_equal(amqpc_link_send_start(fixture.pair.sender, &options, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send_abort(fixture.pair.sender), AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_delivery piece = engine_receive(fixture.pair.receiver);
    assert_true(piece.aborted);
    assert_int_equal(piece.state.size, 0);
    amqpc_delivery_release(&piece);
}

static void test_a_posting_after_a_settled_update_may_still_be_read(void **state)
{
    (void)state;
    amqpc_transactional_state posted;
    amqpc_bytes txn_id = engine_text("transaction");
    (void)transaction_post(fixture.pair.sender, txn_id, engine_text("hello"));
    (void)transaction_post(fixture.pair.sender, txn_id, (amqpc_bytes){large, LARGE});
    engine_exchange(&fixture.pair);
    amqpc_delivery deliveries[3];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(fixture.pair.receiver, deliveries, 3, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(amqpc_link_settle(fixture.pair.receiver, deliveries[0].number,
                                       deliveries[1].number, AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    assert_int_equal(amqpc_delivery_keep(&deliveries[0], NULL), AMQPC_OK);
    transaction_close(&fixture);
    for (unsigned i = 2; i-- > 0;) {
        assert_int_equal(amqpc_delivery_transaction(&deliveries[i], &posted), AMQPC_OK);
        assert_same_bytes(posted.txn_id, txn_id);
        assert_same_bytes(deliveries[i].payload,
                          i == 0 ? engine_text("hello") : (amqpc_bytes){large, LARGE});
        amqpc_delivery_release(&deliveries[i]); /* the other has memory of its own */
    }
    transaction_open(&fixture, NULL);
}

static void test_a_posting_that_nobody_took_keeps_its_state_when_it_is_a_straggler(void **state)
{
    (void)state;
    enum { OTHERS = 9000 };
    amqpc_bytes txn_id = engine_text("transaction");
    engine_pair *pair = &fixture.pair;
    (void)transaction_post(pair->sender, txn_id, engine_text("old"));
    engine_exchange(pair);
    amqpc_link *sender = NULL;
    amqpc_link *receiver = NULL;
    engine_pair_attach_named(pair, "busy", NULL, NULL, &sender, &receiver);
    for (unsigned i = 0; i < OTHERS; i++) {
        amqpc_update update;
        size_t count = 0;
        assert_int_equal(amqpc_link_add_credit(receiver, 1), AMQPC_OK);
        engine_exchange(pair);
        (void)engine_send(sender, "new");
        engine_exchange(pair);
        amqpc_delivery delivery = engine_receive(receiver);
        assert_int_equal(
            amqpc_link_settle(receiver, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED),
            AMQPC_OK);
        amqpc_delivery_release(&delivery);
        engine_exchange(pair);
        assert_int_equal(amqpc_link_updates(sender, &update, 1, &count), AMQPC_OK);
    }
    amqpc_delivery old = engine_receive(pair->receiver);
    amqpc_transactional_state posted;
    assert_int_equal(amqpc_delivery_transaction(&old, &posted), AMQPC_OK);
    assert_same_bytes(posted.txn_id, txn_id);
    assert_same_bytes(old.payload, engine_text("old"));
    amqpc_delivery_release(&old);
}

/* Its frames do not lie one behind the other, so that it is put together elsewhere. */
static void test_a_posting_among_others_keeps_its_state(void **state)
{
    (void)state;
    amqpc_link *sender = NULL;
    amqpc_link *receiver = NULL;
    engine_pair *pair = &fixture.pair;
    engine_pair_attach_named(pair, "other", NULL, NULL, &sender, &receiver);
    assert_int_equal(amqpc_link_add_credit(receiver, 1), AMQPC_OK);
    engine_exchange(pair);
    (void)transaction_post(pair->sender, engine_text("txn"), (amqpc_bytes){large, LARGE});
    (void)engine_send(sender, "other");
    engine_take_frames(pair->client, &frames);
    assert_int_equal(frames.count, 5);
    static const unsigned order[] = {0, 4, 1, 2, 3};
    for (size_t i = 0; i < frames.count; i++) {
        assert_int_equal(engine_feed_frame(pair->server, 0, &frames.list[order[i]]), AMQPC_OK);
    }
    amqpc_delivery other = engine_receive(receiver);
    amqpc_delivery_release(&other);
    amqpc_delivery delivery = engine_receive(pair->receiver);
    amqpc_transactional_state posted;
    transaction_close(&fixture);
    assert_int_equal(amqpc_delivery_transaction(&delivery, &posted), AMQPC_OK);
    assert_same_bytes(posted.txn_id, engine_text("txn"));
    assert_same_bytes(delivery.payload, (amqpc_bytes){large, LARGE});
    amqpc_delivery_release(&delivery);
    transaction_open(&fixture, NULL);
}

static void test_a_piece_counts_the_state_of_each_of_its_frames(void **state)
{
    (void)state;
    enum { LARGE_ID = 32000, WINDOW = 5 };
    amqpc_transaction_state transaction;
    amqpc_send_options options;
    amqpc_transaction_state_init(&transaction, (amqpc_bytes){large, LARGE_ID},
                                 AMQPC_COMPOSITE_NONE);
    amqpc_send_options_init(&options, sizeof options);
    options.state = &transaction.value;
    assert_int_equal(amqpc_session_set_incoming_window(fixture.pair.server_session, WINDOW),
                     AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_int_equal(amqpc_session_outgoing_window(fixture.pair.client_session), WINDOW);
    assert_int_equal(amqpc_link_send_start(fixture.pair.sender, &options, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_send_chunk(fixture.pair.sender, (amqpc_bytes){large, LARGE}),
                     AMQPC_LIMIT_REACHED);
    assert_int_equal(amqpc_link_send_chunk(fixture.pair.sender, (amqpc_bytes){large, LARGE / 2}),
                     AMQPC_OK);
    assert_int_equal(amqpc_session_outgoing_window(fixture.pair.client_session), 1);
}

static void test_a_state_must_be_described_and_leave_room_in_the_frame(void **state)
{
    (void)state;
    amqpc_transaction_state transaction;
    amqpc_send_options options;
    amqpc_value number = {.type = AMQPC_TYPE_UINT, .as.u64 = 1};
    amqpc_send_options_init(&options, sizeof options);
    options.state = &number;
    assert_int_equal(amqpc_link_send(fixture.pair.sender, engine_text("a"), &options, NULL),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_transaction_state_init(&transaction, (amqpc_bytes){large, 32768}, AMQPC_COMPOSITE_NONE);
    options.state = &transaction.value;
    assert_int_equal(amqpc_link_send(fixture.pair.sender, engine_text("a"), &options, NULL),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_unsettled_count(fixture.pair.sender), 0);
    amqpc_transaction_state_init(&transaction, (amqpc_bytes){large, 32000}, AMQPC_COMPOSITE_NONE);
    assert_int_equal(
        amqpc_link_send(fixture.pair.sender, (amqpc_bytes){large, LARGE}, &options, NULL),
        AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(fixture.pair.receiver);
    amqpc_transactional_state posted;
    assert_int_equal(amqpc_delivery_transaction(&delivery, &posted), AMQPC_OK);
    assert_same_bytes(posted.txn_id, (amqpc_bytes){large, 32000});
    assert_same_bytes(delivery.payload, (amqpc_bytes){large, LARGE});
    amqpc_delivery_release(&delivery);
}

static void test_a_delivery_without_transaction_has_none(void **state)
{
    (void)state;
    (void)engine_send(fixture.pair.sender, "plain");
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(fixture.pair.receiver);
    amqpc_transactional_state posted;
    assert_int_equal(amqpc_delivery_transaction(&delivery, &posted), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_settle(fixture.pair.receiver, delivery.number, delivery.number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    amqpc_update update = engine_update(fixture.pair.sender);
    assert_int_equal(amqpc_update_transaction(&update, &posted), AMQPC_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_both_ends_recognise_a_coordinator),
        TEST(test_a_link_that_is_not_attached_has_no_coordinator),
        TEST(test_a_controller_keeps_the_source_that_it_is_given),
        TEST(test_what_was_posted_is_there_after_the_commit),
        TEST(test_nothing_is_left_of_what_was_rolled_back),
        TEST(test_a_discharge_may_be_told_before_what_came_before_it),
        TEST(test_a_posting_may_be_sent_settled),
        TEST(test_every_frame_of_a_posting_names_the_transaction),
        TEST(test_a_posting_waits_for_the_window_with_its_state),
        TEST(test_a_posting_in_pieces_names_the_transaction_in_each),
        TEST(test_pieces_that_are_taken_have_the_state_with_the_first),
        TEST(test_a_posting_given_up_in_pieces_has_no_state_left),
        TEST(test_a_posting_after_a_settled_update_may_still_be_read),
        TEST(test_a_posting_that_nobody_took_keeps_its_state_when_it_is_a_straggler),
        TEST(test_a_posting_among_others_keeps_its_state),
        TEST(test_a_piece_counts_the_state_of_each_of_its_frames),
        TEST(test_a_state_must_be_described_and_leave_room_in_the_frame),
        TEST(test_a_delivery_without_transaction_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
