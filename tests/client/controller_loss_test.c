/* Transactions and lost connections: each is done whole, or not at all, and where nobody knows the
 * program is told so. */
#include <amqpcodec/receiver.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/controller_fixture.h"
#include "support/cutting_relay.h"

static const test_server_options with_transactions = {.transactions = true, .number_count = 10};

static void wait_until_lost(const controller_fixture *with)
{
    test_server_disconnect(with->client.server, NULL);
    (void)wait_for_event(with->client.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
}

/* The controller goes on at the next connection. */
static void check_works(const controller_fixture *with, uint32_t number)
{
    amqpc_outcome outcome;
    amqpc_transaction *transaction = make_transaction(with);
    assert_ok(send_in(with->sender, transaction, number, &outcome));
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_int_equal(1, test_server_received(with->client.server, number));
}

static void check_is_lost(const controller_fixture *with, amqpc_transaction *transaction)
{
    amqpc_outcome outcome;
    amqpc_client_error error;
    assert_status(AMQPC_TRANSACTION_ROLLBACK, send_in(with->sender, transaction, 2, &outcome));
    assert_status(AMQPC_TRANSACTION_ROLLBACK, amqpc_transaction_wait_declared(transaction, 0));
    assert_status(AMQPC_TRANSACTION_ROLLBACK, amqpc_transaction_discharge(transaction, false, 0));
    assert_ok(amqpc_transaction_get_error(transaction, &error));
    assert_status(AMQPC_TRANSACTION_ROLLBACK, error.status);
    assert_int_equal(0, test_server_received(with->client.server, 2));
}

static void test_what_was_posted_is_unknown_and_is_not_sent_again(void **state)
{
    controller_fixture with;
    amqpc_completion completion;
    size_t count = 0;
    (void)state;
    controller_fixture_make(&with, &with_transactions, NULL);
    amqpc_sender *hold = make_sender(with.client.client, "hold", AMQPC_AT_LEAST_ONCE);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(post_in(hold, transaction, 1, PATIENCE_MS));
    assert_status(AMQPC_TIMED_OUT, amqpc_sender_flush(hold, 1));
    while (test_server_provisional_count(with.client.server) < 1) {
        pause_shortly();
    }
    wait_until_lost(&with);
    check_is_lost(&with, transaction);
    assert_ok(amqpc_sender_completions(hold, &completion, 1, PATIENCE_MS, &count));
    assert_int_equal(1, completion.context);
    assert_true(completion.unknown);
    check_works(&with, 3);
    assert_int_equal(2, test_server_provisional_count(with.client.server));
    assert_int_equal(0, test_server_received(with.client.server, 1));
    controller_fixture_free(&with);
}

static void test_what_was_accepted_comes_again(void **state)
{
    controller_fixture with;
    amqpc_delivery delivery;
    size_t count = 0;
    (void)state;
    controller_fixture_make(&with, &with_transactions, NULL);
    amqpc_receiver *receiver = make_receiver(with.client.client, "numbers", 10);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    assert_ok(amqpc_receiver_receive(receiver, &delivery, 1, PATIENCE_MS, &count));
    uint64_t number = number_of(&delivery);
    assert_ok(amqpc_receiver_settle_in(receiver, delivery.number, delivery.number, transaction,
                                       AMQPC_COMPOSITE_ACCEPTED));
    amqpc_delivery_release(&delivery);
    wait_until_lost(&with);
    assert_status(AMQPC_TRANSACTION_ROLLBACK,
                  amqpc_receiver_settle_in(receiver, 1, 1, transaction, AMQPC_COMPOSITE_ACCEPTED));
    assert_int_equal(10, test_server_left(with.client.server));
    for (bool again = false; !again;) {
        assert_ok(amqpc_receiver_receive(receiver, &delivery, 1, PATIENCE_MS, &count));
        again = number_of(&delivery) == number;
        amqpc_delivery_release(&delivery);
    }
    controller_fixture_free(&with);
}

static void check_unanswered_discharge(bool fail)
{
    controller_fixture with;
    amqpc_outcome outcome;
    amqpc_client_error error;
    controller_fixture_make(
        &with, &(test_server_options){.transactions = true, .silent_discharge = true}, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(send_in(with.sender, transaction, 1, &outcome));
    assert_status(AMQPC_TIMED_OUT, amqpc_transaction_discharge(transaction, fail, 10));
    while (test_server_unanswered_count(with.client.server) == 0) {
        pause_shortly();
    }
    wait_until_lost(&with);
    assert_status(fail ? AMQPC_OK : AMQPC_DISCONNECTED,
                  amqpc_transaction_discharge(transaction, fail, PATIENCE_MS));
    assert_ok(amqpc_transaction_get_error(transaction, &error));
    assert_status(fail ? AMQPC_TRANSACTION_ROLLBACK : AMQPC_DISCONNECTED, error.status);
    controller_fixture_free(&with);
}

static void test_a_commit_without_answer_is_unknown_a_roll_back_is_done(void **state)
{
    (void)state;
    check_unanswered_discharge(false);
    check_unanswered_discharge(true);
}

static void test_a_transaction_that_is_not_declared_yet_is_by_the_next_connection(void **state)
{
    controller_fixture with;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    controller_fixture_make(&with, &with_transactions, &options);
    assert_ok(amqpc_controller_wait_open(with.controller, PATIENCE_MS));
    assert_ok(amqpc_sender_wait_open(with.sender, PATIENCE_MS));
    amqpc_transaction *transaction = make_transaction(&with);
    test_server_disconnect(with.client.server, NULL);
    assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    assert_ok(post_in(with.sender, transaction, 1, PATIENCE_MS));
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_int_equal(1, test_server_received(with.client.server, 1));
    controller_fixture_free(&with);
}

static void wait_until_rolled_back(amqpc_transaction *transaction)
{
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (amqpc_transaction_wait_declared(transaction, 0) != AMQPC_TRANSACTION_ROLLBACK) {
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
}

static void test_it_goes_with_its_session_and_with_the_link(void **state)
{
    controller_fixture with;
    (void)state;
    controller_fixture_make(&with, &with_transactions, NULL);
    amqpc_transaction *transaction = make_transaction(&with);
    assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    test_server_end_sessions(with.client.server, "amqp:internal-error");
    wait_until_rolled_back(transaction);
    check_is_lost(&with, transaction);
    check_works(&with, 3);
    transaction = make_transaction(&with);
    assert_ok(amqpc_transaction_wait_declared(transaction, PATIENCE_MS));
    test_server_close_links(with.client.server, "amqp:link:detach-forced");
    wait_until_rolled_back(transaction);
    check_is_lost(&with, transaction);
    check_works(&with, 4);
    controller_fixture_free(&with);
}

static void test_a_client_that_fails_ends_all(void **state)
{
    controller_fixture with;
    amqpc_transaction *later = NULL;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect = false;
    controller_fixture_make(&with, &with_transactions, &options);
    amqpc_transaction *declared = make_transaction(&with);
    assert_ok(amqpc_transaction_wait_declared(declared, PATIENCE_MS));
    test_server_disconnect(with.client.server, NULL);
    (void)wait_for_event(with.client.client, AMQPC_CLIENT_EVENT_FAILED);
    assert_status(AMQPC_TRANSACTION_ROLLBACK,
                  amqpc_transaction_discharge(declared, false, PATIENCE_MS));
    assert_int_equal(AMQPC_CLIENT_FAILED, amqpc_client_get_state(with.client.client));
    assert_status(amqpc_controller_wait_open(with.controller, 0),
                  amqpc_transaction_new(with.controller, &later));
    controller_fixture_free(&with);
}

/* --- Cuts at any byte. */

enum { TRANSACTIONS = 120, MESSAGES = 3, CUTS = 15, BYTES_MOST = 5000 };

static uint64_t seed_base(void)
{
    const char *given = getenv("AMQPCODEC_SEED");
    return given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
}

/* Posts the messages of one transaction, and commits it. */
static amqpc_status run_one(const controller_fixture *with, uint64_t first)
{
    amqpc_transaction *transaction = make_transaction(with);
    amqpc_status status = AMQPC_OK;
    for (uint64_t i = 0; i < MESSAGES && status == AMQPC_OK; i++) {
        status = post_in(with->sender, transaction, first + i, PATIENCE_MS);
    }
    if (status == AMQPC_OK) {
        status = amqpc_transaction_discharge(transaction, false, PATIENCE_MS);
    }
    amqpc_transaction_free(transaction);
    return status;
}

static void take_completions(amqpc_sender *sender)
{
    amqpc_completion completions[64];
    size_t count = 0;
    amqpc_status status = amqpc_sender_completions(sender, completions, 64, 0, &count);
    assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT || status == AMQPC_NOT_FOUND);
    for (size_t i = 0; i < count; i++) {
        assert_true(completions[i].unknown ||
                    completions[i].state_type == AMQPC_COMPOSITE_ACCEPTED);
    }
}

/* What is said of a transaction is what became of its messages, of all of them. */
static void check_messages(test_server *server, uint32_t first, amqpc_status status)
{
    uint32_t received = test_server_received(server, first);
    for (uint32_t i = 1; i < MESSAGES; i++) {
        assert_int_equal(received, test_server_received(server, first + i));
    }
    if (status == AMQPC_DISCONNECTED) {
        assert_true(received <= 1);
    } else {
        assert_int_equal(status == AMQPC_OK, received);
    }
}

static void test_cuts_leave_each_transaction_whole_or_undone(void **state)
{
    controller_fixture with;
    char url[64];
    amqpc_status results[TRANSACTIONS];
    amqpc_client_options options = client_fixture_options();
    uint64_t seed = seed_base();
    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    with.client.server = test_server_start(&with_transactions);
    cutting_relay *relay = cutting_relay_start(test_server_port(with.client.server));
    cutting_relay_cut(relay, seed, BYTES_MOST, CUTS);
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)cutting_relay_port(relay));
    options.reconnect_delay_max_ms = 5;
    assert_ok(amqpc_client_new(url, &options, &with.client.client, NULL));
    assert_ok(amqpc_controller_new(with.client.client, NULL, &with.controller));
    with.sender = make_sender(with.client.client, "accept", AMQPC_AT_LEAST_ONCE);
    for (uint32_t i = 0; i < TRANSACTIONS; i++) {
        results[i] = run_one(&with, (uint64_t)i * MESSAGES);
        assert_true(results[i] == AMQPC_OK || results[i] == AMQPC_TRANSACTION_ROLLBACK ||
                    results[i] == AMQPC_DISCONNECTED);
        take_completions(with.sender);
    }
    assert_ok(amqpc_client_close(with.client.client, PATIENCE_MS));
    assert_true(cutting_relay_cuts(relay) > 0);
    for (uint32_t i = 0; i < TRANSACTIONS; i++) {
        check_messages(with.client.server, i * MESSAGES, results[i]);
    }
    amqpc_client_free(with.client.client);
    cutting_relay_stop(relay);
    test_server_stop(with.client.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_posted_is_unknown_and_is_not_sent_again),
        cmocka_unit_test(test_what_was_accepted_comes_again),
        cmocka_unit_test(test_a_commit_without_answer_is_unknown_a_roll_back_is_done),
        cmocka_unit_test(test_a_transaction_that_is_not_declared_yet_is_by_the_next_connection),
        cmocka_unit_test(test_it_goes_with_its_session_and_with_the_link),
        cmocka_unit_test(test_a_client_that_fails_ends_all),
        cmocka_unit_test(test_cuts_leave_each_transaction_whole_or_undone),
    };
    return cmocka_run_group_tests_name("controller, lost", tests, NULL, NULL);
}
