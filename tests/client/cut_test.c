/* Connections that are cut at any byte, for every pair of settle modes, by a peer that remembers
 * unsettled deliveries and by one that does not. A ledger says what must hold: every message that
 * was posted completes once; what is accepted was received; with at-most-once, once-or-unknown and
 * exactly-once nothing is received twice.
 *
 * The seed of a run is printed where it fails; AMQPCODEC_SEED chooses one. */
#include "client/client_fixture.h"

#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/cutting_relay.h"

enum { MESSAGES = 400, CUTS = 12, BYTES_MOST = 6000, WINDOW = 60 };

typedef struct cut_run {
    uint64_t seed;
    test_server *server;
    cutting_relay *relay;
    amqpc_client *client;
} cut_run;

static uint64_t seed_base(void)
{
    const char *given = getenv("AMQPCODEC_SEED");
    return given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
}

static void begin(cut_run *run, bool keeps_state, uint32_t number_count, bool background)
{
    static uint64_t count;
    const test_server_options options = {
        .keeps_state = keeps_state, .number_count = number_count, .credit = 50};
    char url[64];
    amqpc_client_options client = client_fixture_options();
    run->seed = seed_base() + count++;
    print_message("seed %" PRIu64 "\n", run->seed);
    run->server = test_server_start(&options);
    run->relay = cutting_relay_start(test_server_port(run->server));
    cutting_relay_cut(run->relay, run->seed, BYTES_MOST, CUTS);
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u",
                   (unsigned)cutting_relay_port(run->relay));
    client.background = background;
    client.reconnect_delay_max_ms = 5;
    client.container_id = "cut test";
    assert_ok(amqpc_client_new(url, &client, &run->client, NULL));
}

static void end(cut_run *run)
{
    assert_true(cutting_relay_cuts(run->relay) > 0);
    amqpc_client_free(run->client);
    cutting_relay_stop(run->relay);
    test_server_stop(run->server);
}

/* --- Sending. */

typedef struct send_ledger {
    uint32_t completions[MESSAGES];
    uint32_t accepted[MESSAGES];
    uint32_t unknown[MESSAGES];
    size_t total;
} send_ledger;

static void take_completions(amqpc_sender *sender, send_ledger *ledger, int64_t timeout_ms)
{
    amqpc_completion completions[16];
    size_t count = 0;
    amqpc_status status = amqpc_sender_completions(sender, completions, 16, timeout_ms, &count);
    if (timeout_ms != 0) {
        assert_ok(status);
    }
    for (size_t i = 0; i < count; i++) {
        const amqpc_completion *at = &completions[i];
        assert_true(at->context < MESSAGES);
        ledger->completions[at->context]++;
        ledger->accepted[at->context] += at->state_type == AMQPC_COMPOSITE_ACCEPTED;
        ledger->unknown[at->context] += at->unknown;
        ledger->total++;
    }
}

static void check_sent(const cut_run *run, const send_ledger *ledger, uint32_t guarantee)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        uint32_t received = test_server_received(run->server, i);
        assert_int_equal(1, ledger->completions[i]);
        if (ledger->accepted[i] > 0) {
            assert_true(received >= 1);
        }
        if (guarantee == AMQPC_AT_LEAST_ONCE) {
            assert_true(ledger->accepted[i] == 1 && ledger->unknown[i] == 0);
        } else {
            assert_true(received <= 1);
            assert_int_equal(guarantee == AMQPC_AT_MOST_ONCE,
                             !ledger->accepted[i] && !ledger->unknown[i]);
        }
    }
}

static void run_sends(uint32_t guarantee, bool keeps_state, bool background)
{
    cut_run run;
    static send_ledger ledger;
    amqpc_sender *sender = NULL;
    amqpc_sender_options options;
    memset(&ledger, 0, sizeof ledger);
    begin(&run, keeps_state, 0, background);
    amqpc_sender_options_init(&options, sizeof options);
    options.guarantee = guarantee;
    options.window = WINDOW;
    options.name = "cut link";
    assert_ok(amqpc_sender_new(run.client, "accept", &options, &sender));
    for (uint64_t i = 0; i < MESSAGES; i++) {
        post_number(sender, i);
        take_completions(sender, &ledger, 0);
    }
    while (ledger.total < MESSAGES) {
        take_completions(sender, &ledger, PATIENCE_MS);
    }
    assert_ok(amqpc_client_close(run.client, PATIENCE_MS));
    check_sent(&run, &ledger, guarantee);
    end(&run);
}

static void test_at_least_once_to_a_peer_that_forgets(void **state)
{
    (void)state;
    run_sends(AMQPC_AT_LEAST_ONCE, false, true);
}

static void test_at_least_once_to_a_peer_that_remembers(void **state)
{
    (void)state;
    run_sends(AMQPC_AT_LEAST_ONCE, true, false);
}

static void test_at_most_once(void **state)
{
    (void)state;
    run_sends(AMQPC_AT_MOST_ONCE, false, true);
}

static void test_once_or_unknown_to_a_peer_that_forgets(void **state)
{
    (void)state;
    run_sends(AMQPC_ONCE_OR_UNKNOWN, false, false);
}

static void test_once_or_unknown_to_a_peer_that_remembers(void **state)
{
    (void)state;
    run_sends(AMQPC_ONCE_OR_UNKNOWN, true, true);
}

static void test_exactly_once_to_a_peer_that_forgets(void **state)
{
    (void)state;
    run_sends(AMQPC_EXACTLY_ONCE, false, true);
}

static void test_exactly_once_to_a_peer_that_remembers(void **state)
{
    (void)state;
    run_sends(AMQPC_EXACTLY_ONCE, true, true);
}

/* --- Receiving. */

/* Accepts one by one; those of a link that the peer has forgotten come again. */
static size_t take_deliveries(amqpc_receiver *receiver, uint8_t *received, int64_t timeout_ms)
{
    amqpc_delivery deliveries[8];
    size_t count = 0;
    amqpc_status status = amqpc_receiver_receive(receiver, deliveries, 8, timeout_ms, &count);
    assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = number_of(&deliveries[i]);
        assert_true(number < MESSAGES);
        received[number]++;
        status = amqpc_receiver_accept(receiver, &deliveries[i]);
        assert_true(status == AMQPC_OK || status == AMQPC_NOT_FOUND);
    }
    amqpc_deliveries_release(deliveries, count);
    return count;
}

static void run_receives(bool settled, bool second, uint32_t prefetch, bool keeps_state,
                         bool background)
{
    cut_run run;
    static uint8_t received[MESSAGES];
    size_t granted = 0;
    amqpc_receiver *receiver = NULL;
    amqpc_receiver_options options;
    memset(received, 0, sizeof received);
    begin(&run, keeps_state, MESSAGES, background);
    amqpc_receiver_options_init(&options, sizeof options);
    options.settled = settled;
    options.second = second;
    options.prefetch = prefetch;
    options.name = "cut link";
    assert_ok(amqpc_receiver_new(run.client, settled ? "settled" : "numbers", &options, &receiver));
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (test_server_left(run.server) > 0) {
        if (prefetch == 0 && granted < 20) {
            assert_ok(amqpc_receiver_add_credit(receiver, 10));
            granted += 10;
        }
        size_t taken = take_deliveries(receiver, received, 5);
        granted -= taken < granted ? taken : granted;
        assert_true(amqpc_now_ms() < end_ms);
    }
    while (take_deliveries(receiver, received, 20) > 0) {
    }
    for (uint32_t i = 0; i < MESSAGES; i++) {
        bool may_come_again = !settled && !(keeps_state && second);
        assert_true(received[i] >= 1 || settled);
        assert_true(received[i] <= 1 || may_come_again);
    }
    end(&run);
}

static void test_receiving_from_a_peer_that_forgets(void **state)
{
    (void)state;
    run_receives(false, false, 30, false, true);
}

static void test_receiving_from_a_peer_that_remembers(void **state)
{
    (void)state;
    run_receives(false, false, 30, true, false);
}

static void test_receiving_in_mode_second_from_a_peer_that_forgets(void **state)
{
    (void)state;
    run_receives(false, true, 30, false, false);
}

static void test_receiving_in_mode_second_from_a_peer_that_remembers(void **state)
{
    (void)state;
    run_receives(false, true, 30, true, true);
}

static void test_receiving_what_is_settled(void **state)
{
    (void)state;
    run_receives(true, false, 30, false, true);
}

static void test_receiving_with_credit_by_hand(void **state)
{
    (void)state;
    run_receives(false, false, 0, false, true);
    run_receives(false, true, 0, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_least_once_to_a_peer_that_forgets),
        cmocka_unit_test(test_at_least_once_to_a_peer_that_remembers),
        cmocka_unit_test(test_at_most_once),
        cmocka_unit_test(test_once_or_unknown_to_a_peer_that_forgets),
        cmocka_unit_test(test_once_or_unknown_to_a_peer_that_remembers),
        cmocka_unit_test(test_exactly_once_to_a_peer_that_forgets),
        cmocka_unit_test(test_exactly_once_to_a_peer_that_remembers),
        cmocka_unit_test(test_receiving_from_a_peer_that_forgets),
        cmocka_unit_test(test_receiving_from_a_peer_that_remembers),
        cmocka_unit_test(test_receiving_in_mode_second_from_a_peer_that_forgets),
        cmocka_unit_test(test_receiving_in_mode_second_from_a_peer_that_remembers),
        cmocka_unit_test(test_receiving_what_is_settled),
        cmocka_unit_test(test_receiving_with_credit_by_hand),
    };
    return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
