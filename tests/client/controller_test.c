/* Transactions by the client: what was posted and settled in one counts when it is committed. */
#include <amqpcodec/controller.h>
#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <string.h>

#include "client/controller_fixture.h"

static void test_what_is_posted_counts_when_it_is_committed(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(with.sender, transaction, 1, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, outcome.state_type);
    assert_false(outcome.unknown);
    assert_int_equal(1, test_server_provisional_count(with.client.server));
    assert_int_equal(0, test_server_received(with.client.server, 1));
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_int_equal(1, test_server_received(with.client.server, 1));
    assert_ok(amqpc_transaction_discharge(transaction, false, 0)); /* the same answer again */
    amqpc_transaction_free(transaction);
    controller_fixture_free(&with);
}

static void test_what_is_posted_does_not_count_when_it_is_rolled_back(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(with.sender, transaction, 1, &outcome));
    assert_ok(amqpc_transaction_discharge(transaction, true, PATIENCE_MS));
    assert_int_equal(1, test_server_rolled_back_count(with.client.server));
    assert_int_equal(0, test_server_received(with.client.server, 1));
    assert_status(AMQPC_INVALID_STATE, amqpc_transaction_discharge(transaction, false, 0));
    controller_fixture_free(&with);
}

static void test_what_is_sent_settled_is_part_of_the_transaction(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_sender *settled = make_sender(with.client.client, "accept", AMQPC_AT_MOST_ONCE);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(settled, transaction, 7, &outcome));
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_int_equal(1, test_server_provisional_count(with.client.server));
    assert_int_equal(1, test_server_received(with.client.server, 7));
    controller_fixture_free(&with);
}

/* --- Batches, and several at a time. */

enum { BATCH = 100, TRANSACTIONS = 4 };

static void post_batch_in(amqpc_sender *sender, amqpc_transaction *transaction, uint64_t first)
{
    amqpc_bytes payloads[BATCH];
    uint8_t storage[BATCH][13];
    size_t posted = 0;
    amqpc_post_options options;
    amqpc_post_options_init(&options, sizeof options);
    options.transaction = transaction;
    for (size_t i = 0; i < BATCH; i++) {
        payloads[i] = number_payload(first + i, storage[i]);
    }
    assert_ok(
        amqpc_sender_post_with(sender, payloads, BATCH, &options, first, PATIENCE_MS, &posted));
    assert_int_equal(BATCH, posted);
}

static void test_transactions_go_on_at_the_same_time(void **state)
{
    controller_fixture with;
    amqpc_transaction *transactions[TRANSACTIONS];
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        transactions[i] = make_transaction(&with);
    }
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        post_batch_in(with.sender, transactions[i], i * BATCH);
    }
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        assert_ok(amqpc_transaction_discharge(transactions[i], i % 2 == 1, PATIENCE_MS));
    }
    for (uint32_t i = 0; i < TRANSACTIONS * BATCH; i++) {
        assert_int_equal(i / BATCH % 2 == 0, test_server_received(with.client.server, i));
    }
    assert_ok(amqpc_sender_flush(with.sender, PATIENCE_MS));
    controller_fixture_free(&with);
}

/* --- Outcomes. */

static void test_outcome_within_a_transaction_shows_its_details(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    amqpc_completion completion;
    size_t count = 0;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_sender *reject = make_sender(with.client.client, "reject", AMQPC_AT_LEAST_ONCE);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(reject, transaction, 1, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_REJECTED, outcome.state_type);
    assert_string_equal("amqp:test:there", outcome.condition);
    assert_ok(post_in(reject, transaction, 2, PATIENCE_MS));
    assert_ok(amqpc_sender_completions(reject, &completion, 1, PATIENCE_MS, &count));
    assert_int_equal(2, completion.context);
    amqpc_outcome_read(&completion, &outcome);
    assert_string_equal("amqp:test:there", outcome.condition);
    controller_fixture_free(&with);
}

static void test_outcome_that_the_peer_leaves_unsettled_is_one(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_sender *say = make_sender(with.client.client, "say", AMQPC_AT_LEAST_ONCE);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(say, transaction, 1, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, outcome.state_type);
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_int_equal(1, test_server_received(with.client.server, 1));
    controller_fixture_free(&with);
}

/* --- Receiving. */

static void receive_exactly(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t taken = 0;
        assert_ok(
            amqpc_receiver_receive(receiver, deliveries + done, count - done, PATIENCE_MS, &taken));
        done += taken;
    }
}

static void test_what_is_accepted_in_a_transaction_is_when_it_is_committed(void **state)
{
    controller_fixture with;
    amqpc_delivery deliveries[10];
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true, .number_count = 10},
                            NULL);
    amqpc_receiver *receiver = make_receiver(with.client.client, "numbers", 20);
    receive_exactly(receiver, deliveries, 10);
    amqpc_transaction *first = make_transaction(&with);
    amqpc_transaction *second = make_transaction(&with);
    assert_ok(amqpc_transaction_wait_declared(first, PATIENCE_MS));
    assert_ok(amqpc_transaction_wait_declared(second, PATIENCE_MS));
    assert_ok(amqpc_receiver_settle_in(receiver, deliveries[0].number, deliveries[5].number, first,
                                       AMQPC_COMPOSITE_ACCEPTED));
    assert_ok(amqpc_receiver_settle_in(receiver, deliveries[6].number, deliveries[9].number, second,
                                       AMQPC_COMPOSITE_ACCEPTED));
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_receiver_settle_in(receiver, deliveries[9].number, deliveries[9].number,
                                           second, AMQPC_COMPOSITE_ACCEPTED));
    assert_ok(amqpc_transaction_discharge(first, false, PATIENCE_MS));
    assert_int_equal(4, test_server_left(with.client.server));
    assert_ok(amqpc_transaction_discharge(second, true, PATIENCE_MS));
    assert_int_equal(4, test_server_left(with.client.server));
    amqpc_deliveries_release(deliveries, 10);
    controller_fixture_free(&with);
}

static void test_other_outcomes_within_a_transaction(void **state)
{
    controller_fixture with;
    amqpc_delivery delivery;
    amqpc_value released;
    const uint8_t encoded[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_RELEASED,
                               AMQPC_CODE_LIST0};
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true, .number_count = 1},
                            NULL);
    amqpc_receiver *receiver = make_receiver(with.client.client, "numbers", 1);
    assert_ok(amqpc_value_decode(encoded, sizeof encoded, NULL, &released, NULL));
    for (int i = 0; i < 3; i++) { /* the server sends it again each time */
        receive_exactly(receiver, &delivery, 1);
        amqpc_transaction *transaction = make_transaction(&with);
        assert_status(AMQPC_INVALID_ARGUMENT,
                      amqpc_receiver_settle_in(receiver, delivery.number, delivery.number,
                                               transaction, AMQPC_COMPOSITE_NONE));
        assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
        if (i == 0) {
            assert_ok(amqpc_receiver_update_in(receiver, delivery.number, delivery.number,
                                               transaction, &released));
        } else {
            assert_ok(amqpc_receiver_settle_in(receiver, delivery.number, delivery.number,
                                               transaction, AMQPC_COMPOSITE_MODIFIED));
        }
        assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
        amqpc_delivery_release(&delivery);
    }
    assert_int_equal(1, test_server_left(with.client.server));
    controller_fixture_free(&with);
}

/* --- Without waiting. */

/* As a program with an event loop does it: asks, and lets the client work in between. */
#define until_ok(client, call)                                                                     \
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;;) {                                       \
        int64_t deadline_ms = 0;                                                                   \
        amqpc_status asked = (call);                                                               \
        if (asked == AMQPC_OK) {                                                                   \
            break;                                                                                 \
        }                                                                                          \
        assert_status(AMQPC_TIMED_OUT, asked);                                                     \
        assert_ok(amqpc_client_process(client, &deadline_ms));                                     \
        pause_shortly();                                                                           \
        assert_true(amqpc_now_ms() < end_ms);                                                      \
    }

static void test_nothing_waits_with_time_outs_of_0(void **state)
{
    controller_fixture with;
    amqpc_completion completion;
    size_t count = 0;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, &options);
    amqpc_client *client = with.client.client;
    amqpc_transaction *transaction = make_transaction(&with);
    until_ok(client, amqpc_controller_wait_open(with.controller, 0));
    until_ok(client, amqpc_transaction_wait_declared(transaction, 0));
    until_ok(client, post_in(with.sender, transaction, 3, 0));
    until_ok(client, amqpc_sender_completions(with.sender, &completion, 1, 0, &count));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completion.state_type);
    until_ok(client, amqpc_transaction_discharge(transaction, false, 0));
    assert_int_equal(1, test_server_received(with.client.server, 3));
    until_ok(client, amqpc_controller_close(with.controller, 0));
    controller_fixture_free(&with);
}

static void test_posting_waits_for_the_declare_as_for_all_else(void **state)
{
    controller_fixture with;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, &options);
    amqpc_transaction *transaction = make_transaction(&with);
    until_ok(with.client.client, post_in(with.sender, transaction, 5, 0));
    until_ok(with.client.client, amqpc_transaction_discharge(transaction, false, 0));
    assert_int_equal(1, test_server_received(with.client.server, 5));
    controller_fixture_free(&with);
}

/* --- Mistakes. */

static void test_a_transaction_that_is_discharged_takes_no_more_work(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    amqpc_client_error error;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_status(AMQPC_INVALID_STATE, send_in(with.sender, transaction, 1, &outcome));
    assert_status(AMQPC_INVALID_STATE, amqpc_transaction_wait_declared(transaction, 0));
    assert_status(AMQPC_NOT_FOUND, amqpc_transaction_get_error(transaction, &error));
    controller_fixture_free(&with);
}

static void test_a_transaction_belongs_to_its_client(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_client *other = make_client(with.client.server, NULL);
    amqpc_sender *foreign = make_sender(other, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_receiver *receiver = make_receiver(other, "silent", 1);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_status(AMQPC_INVALID_ARGUMENT, send_in(foreign, transaction, 1, &outcome));
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_receiver_settle_in(receiver, 1, 1, transaction, AMQPC_COMPOSITE_ACCEPTED));
    amqpc_client_free(other);
    controller_fixture_free(&with);
}

static void test_options_of_posts_are_looked_at(void **state)
{
    client_fixture fixture;
    uint8_t storage[2][13];
    amqpc_outcome outcome;
    amqpc_completion completion;
    size_t posted = 0;
    size_t count = 0;
    amqpc_post_options options;
    const amqpc_bytes payloads[2] = {number_payload(1, storage[0]), number_payload(2, storage[1])};
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_post_options_init(&options, sizeof options);
    options.tag = (amqpc_bytes){"tag", 3};
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_sender_post_with(sender, payloads, 2, &options, 0, PATIENCE_MS, &posted));
    assert_ok(amqpc_sender_post_with(sender, payloads, 1, &options, 0, PATIENCE_MS, &posted));
    assert_int_equal(1, posted);
    options.by_reference = true;
    assert_status(
        AMQPC_INVALID_ARGUMENT,
        amqpc_sender_send_bytes_with(sender, payloads[1], &options, PATIENCE_MS, &outcome));
    options.tag = (amqpc_bytes){NULL, 0};
    assert_ok(amqpc_sender_post_with(sender, payloads + 1, 1, &options, 1, PATIENCE_MS, &posted));
    assert_ok(amqpc_sender_flush(sender, PATIENCE_MS));
    assert_ok(amqpc_sender_completions(sender, &completion, 1, 0, &count));
    assert_int_equal(1, test_server_received(fixture.server, 1));
    assert_int_equal(1, test_server_received(fixture.server, 2));
    client_fixture_free(&fixture);
}

/* --- Refusals. */

static void test_a_peer_without_coordinator_refuses(void **state)
{
    controller_fixture with;
    amqpc_client_error error;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = false}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_status(AMQPC_LINK_REFUSED, amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    assert_ok(amqpc_transaction_get_error(transaction, &error));
    assert_string_equal("amqp:not-implemented", error.condition);
    assert_ok(amqpc_controller_get_error(with.controller, &error));
    assert_string_equal("amqp:not-implemented", error.condition);
    assert_status(AMQPC_LINK_REFUSED, send_in(with.sender, transaction, 1, &outcome));
    assert_status(AMQPC_LINK_REFUSED, amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    controller_fixture_free(&with);
}

static void test_a_refused_declare_says_why(void **state)
{
    controller_fixture with;
    amqpc_client_error error;
    (void)state;
    controller_fixture_make(
        &with,
        &(test_server_options){.transactions = true,
                               .declare_condition = "amqp:resource-limit-exceeded"},
        NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_status(AMQPC_PEER_ERROR, amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    assert_ok(amqpc_transaction_get_error(transaction, &error));
    assert_string_equal("amqp:resource-limit-exceeded", error.condition);
    assert_non_null(strstr(error.text, "the test says so"));
    controller_fixture_free(&with);
}

static void test_a_commit_that_the_peer_rolls_back_says_so(void **state)
{
    controller_fixture with;
    amqpc_client_error error;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(
        &with,
        &(test_server_options){.transactions = true,
                               .discharge_condition = "amqp:transaction:rollback"},
        NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(with.sender, transaction, 1, &outcome));
    assert_status(AMQPC_TRANSACTION_ROLLBACK,
                  amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_ok(amqpc_transaction_get_error(transaction, &error));
    assert_string_equal("amqp:transaction:rollback", error.condition);
    assert_int_equal(0, test_server_received(with.client.server, 1));
    controller_fixture_free(&with);
}

/* --- Ends. */

static void wait_for_roll_backs(test_server *server, uint32_t count)
{
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (test_server_rolled_back_count(server) < count) {
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
}

static void test_freeing_a_transaction_rolls_it_back(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_transaction *declared = make_transaction(&with);
    assert_ok(send_in(with.sender, declared, 1, &outcome));
    amqpc_transaction_free(declared);
    wait_for_roll_backs(with.client.server, 1);
    amqpc_transaction_free(make_transaction(&with)); /* which waits for its answer then */
    wait_for_roll_backs(with.client.server, 2);
    amqpc_transaction_free(NULL);
    assert_int_equal(0, test_server_received(with.client.server, 1));
    controller_fixture_free(&with);
}

static void test_closing_a_controller_rolls_all_back(void **state)
{
    controller_fixture with;
    amqpc_outcome outcome;
    amqpc_transaction *later = NULL;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(with.sender, transaction, 1, &outcome));
    assert_ok(amqpc_controller_close(with.controller, PATIENCE_MS));
    wait_for_roll_backs(with.client.server, 1);
    assert_status(AMQPC_TRANSACTION_ROLLBACK,
                  amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_status(AMQPC_CLOSED, amqpc_transaction_new(with.controller, &later));
    amqpc_controller_free(with.controller);
    assert_ok(amqpc_client_close(with.client.client, PATIENCE_MS));
    assert_status(AMQPC_INVALID_STATE,
                  amqpc_controller_new(with.client.client, NULL, &with.controller));
    controller_fixture_free(&with);
}

static void test_freeing_a_client_frees_all(void **state)
{
    controller_fixture with;
    (void)state;
    controller_fixture_make(
        &with, &(test_server_options){.transactions = true, .dry_coordinator = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_status(AMQPC_TIMED_OUT, amqpc_transaction_wait_declared(transaction, 10));
    controller_fixture_free(&with);
}

static void test_the_id_is_the_peers_as_soon_as_it_is_declared(void **state)
{
    controller_fixture with;
    amqpc_bytes id;
    (void)state;
    controller_fixture_make(&with, &(test_server_options){.transactions = true}, NULL);
    for (unsigned number = 0; number < 2; number++) {
        amqpc_transaction *transaction = make_transaction(&with);
        assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
        assert_ok(amqpc_transaction_id(transaction, &id));
        assert_int_equal(id.size, 5);
        assert_memory_equal(id.data, number == 0 ? "txn 0" : "txn 1", 5);
    }
    controller_fixture_free(&with);
}

/* The controller's link has no credit: nothing was said of the transaction, and nothing need be. */
static void test_a_transaction_that_the_peer_never_heard_of_is_rolled_back(void **state)
{
    controller_fixture with;
    amqpc_bytes id;
    (void)state;
    controller_fixture_make(
        &with, &(test_server_options){.transactions = true, .dry_coordinator = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(amqpc_controller_wait_open(with.controller, PATIENCE_MS));
    assert_status(AMQPC_NOT_FOUND, amqpc_transaction_id(transaction, &id));
    assert_ok(amqpc_transaction_discharge(transaction, true, PATIENCE_MS));
    assert_status(AMQPC_INVALID_STATE, amqpc_transaction_discharge(transaction, false, 0));
    controller_fixture_free(&with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_id_is_the_peers_as_soon_as_it_is_declared),
        cmocka_unit_test(test_a_transaction_that_the_peer_never_heard_of_is_rolled_back),
        cmocka_unit_test(test_what_is_posted_counts_when_it_is_committed),
        cmocka_unit_test(test_what_is_posted_does_not_count_when_it_is_rolled_back),
        cmocka_unit_test(test_what_is_sent_settled_is_part_of_the_transaction),
        cmocka_unit_test(test_transactions_go_on_at_the_same_time),
        cmocka_unit_test(test_outcome_within_a_transaction_shows_its_details),
        cmocka_unit_test(test_outcome_that_the_peer_leaves_unsettled_is_one),
        cmocka_unit_test(test_what_is_accepted_in_a_transaction_is_when_it_is_committed),
        cmocka_unit_test(test_other_outcomes_within_a_transaction),
        cmocka_unit_test(test_nothing_waits_with_time_outs_of_0),
        cmocka_unit_test(test_posting_waits_for_the_declare_as_for_all_else),
        cmocka_unit_test(test_a_transaction_that_is_discharged_takes_no_more_work),
        cmocka_unit_test(test_a_transaction_belongs_to_its_client),
        cmocka_unit_test(test_options_of_posts_are_looked_at),
        cmocka_unit_test(test_a_peer_without_coordinator_refuses),
        cmocka_unit_test(test_a_refused_declare_says_why),
        cmocka_unit_test(test_a_commit_that_the_peer_rolls_back_says_so),
        cmocka_unit_test(test_freeing_a_transaction_rolls_it_back),
        cmocka_unit_test(test_closing_a_controller_rolls_all_back),
        cmocka_unit_test(test_freeing_a_client_frees_all),
    };
    return cmocka_run_group_tests_name("controller", tests, NULL, NULL);
}
