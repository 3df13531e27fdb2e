/* Closing in order: what was posted goes out, then links are closed, then the connection. */
#include <amqpcodec/receiver.h>
#include <amqpcodec/requester.h>
#include <amqpcodec/sender.h>
#include <stdio.h>
#include <string.h>

#include "client/client_fixture.h"
#include "support/cutting_relay.h"

static void wait_for_closed(test_server *server)
{
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (test_server_closed_count(server) == 0) {
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
}

/* As a program with an event loop does it. */
static void close_without_waiting(amqpc_client *client)
{
    amqpc_status status = AMQPC_TIMED_OUT;
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; status != AMQPC_OK;) {
        status = amqpc_client_close(client, 0);
        if (status != AMQPC_OK) {
            assert_status(AMQPC_TIMED_OUT, status);
            pause_shortly();
        }
        assert_true(amqpc_now_ms() < end_ms);
    }
}

static void check_links_are_closed_first(bool background)
{
    client_fixture fixture;
    amqpc_requester *requester = NULL;
    amqpc_message message;
    amqpc_delivery reply;
    uint64_t number = 1;
    amqpc_client_options options = client_fixture_options();
    options.background = background;
    client_fixture_make(&fixture, &(test_server_options){.number_count = 10}, &options);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_MOST_ONCE);
    amqpc_sender *closed = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_sender *refused = make_sender(fixture.client, "refuse", AMQPC_AT_LEAST_ONCE);
    amqpc_receiver *receiver = make_receiver(fixture.client, "numbers", 10);
    assert_ok(amqpc_sender_wait_open(sender, PATIENCE_MS));
    assert_ok(amqpc_sender_close(closed, PATIENCE_MS));
    assert_status(AMQPC_LINK_REFUSED, amqpc_sender_wait_open(refused, PATIENCE_MS));
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    number_message(&number, &message);
    assert_ok(amqpc_requester_new(fixture.client, "answer", &requester));
    assert_ok(amqpc_requester_call(requester, &message, PATIENCE_MS, &reply));
    amqpc_delivery_release(&reply);
    post_number(sender, 2);
    if (background) {
        assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    } else {
        close_without_waiting(fixture.client);
    }
    assert_int_equal(AMQPC_CLIENT_CLOSED, amqpc_client_get_state(fixture.client));
    wait_for_closed(fixture.server);
    assert_int_equal(0, test_server_abandoned_count(fixture.server));
    assert_int_equal(1, test_server_received(fixture.server, 2));
    assert_status(AMQPC_CLOSED, amqpc_sender_wait_open(sender, 0));
    client_fixture_free(&fixture);
}

static void test_links_are_closed_before_the_connection(void **state)
{
    (void)state;
    check_links_are_closed_first(true);
    check_links_are_closed_first(false);
}

enum { LARGE_COUNT = 12, LARGE_SIZE = 30000 };

/* Settled messages of many frames each, of which the session's window takes a few at a time: they
 * wait within the engine when the client is closed. */
static void check_settled_messages_arrive(bool background)
{
    client_fixture fixture;
    static uint8_t large[LARGE_COUNT][LARGE_SIZE];
    amqpc_bytes payloads[LARGE_COUNT];
    const uint8_t head[] = {0,
                            AMQPC_CODE_SMALLULONG,
                            0x75,
                            AMQPC_CODE_BINARY32,
                            0,
                            0,
                            (LARGE_SIZE - 8) >> 8,
                            (LARGE_SIZE - 8) & 0xff};
    size_t posted = 0;
    amqpc_client_options options = client_fixture_options();
    options.background = background;
    for (uint64_t i = 0; i < LARGE_COUNT; i++) {
        memcpy(large[i], head, sizeof head);
        memcpy(large[i] + sizeof head, &i, sizeof i);
        payloads[i] = (amqpc_bytes){large[i], LARGE_SIZE};
    }
    client_fixture_make(&fixture, &(test_server_options){.max_frame_size = 512, .window = 8},
                        &options);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_MOST_ONCE);
    assert_ok(amqpc_sender_post_batch(sender, payloads, LARGE_COUNT, 0, PATIENCE_MS, &posted));
    assert_int_equal(LARGE_COUNT, posted);
    if (background) {
        assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    } else {
        close_without_waiting(fixture.client);
    }
    wait_for_closed(fixture.server);
    for (uint32_t i = 0; i < LARGE_COUNT; i++) {
        assert_int_equal(1, test_server_received(fixture.server, i));
    }
    assert_int_equal(0, test_server_abandoned_count(fixture.server));
    client_fixture_free(&fixture);
}

static void test_settled_messages_that_wait_for_the_window_arrive(void **state)
{
    (void)state;
    check_settled_messages_arrive(true);
    check_settled_messages_arrive(false);
}

static void test_without_waiting_no_outcome_is_given_up(void **state)
{
    client_fixture fixture;
    amqpc_completion completion;
    size_t count = 0;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.background = false;
    client_fixture_make(&fixture, NULL, &options);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 1);
    assert_status(AMQPC_TIMED_OUT, amqpc_client_close(fixture.client, 0));
    wait_for_messages(fixture.server, 1);
    assert_status(AMQPC_TIMED_OUT, amqpc_client_close(fixture.client, AMQPC_LOOK));
    assert_int_equal(AMQPC_CLIENT_OPEN, amqpc_client_get_state(fixture.client));
    test_server_release_held(fixture.server);
    close_without_waiting(fixture.client);
    assert_ok(amqpc_sender_completions(sender, &completion, 1, 0, &count));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completion.state_type);
    client_fixture_free(&fixture);
}

static void test_outcomes_that_do_not_come_in_time_are_unknown(void **state)
{
    client_fixture fixture;
    amqpc_completion completion;
    size_t count = 0;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 1);
    wait_for_messages(fixture.server, 1);
    amqpc_status status = amqpc_client_close(fixture.client, 20);
    assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    assert_ok(amqpc_sender_completions(sender, &completion, 1, 0, &count));
    assert_true(completion.unknown);
    assert_int_equal(0, test_server_abandoned_count(fixture.server));
    client_fixture_free(&fixture);
}

/* --- Links that the peer closes, and that are attached again. */

enum { HELD = 20 };

static void post_held(const client_fixture *fixture, amqpc_sender *sender)
{
    for (uint64_t i = 0; i < HELD; i++) {
        post_number(sender, i);
    }
    wait_for_messages(fixture->server, HELD);
}

static void take_all(amqpc_sender *sender, amqpc_completion *completions, size_t all)
{
    for (size_t done = 0; done < all;) {
        size_t count = 0;
        assert_ok(
            amqpc_sender_completions(sender, completions + done, all - done, PATIENCE_MS, &count));
        done += count;
    }
}

/* What comes is accepted, as often as it comes, until all has an outcome. */
static void flush_held(const client_fixture *fixture, amqpc_sender *sender)
{
    amqpc_status status = AMQPC_TIMED_OUT;
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; status != AMQPC_OK;) {
        test_server_release_held(fixture->server);
        status = amqpc_sender_flush(sender, 5);
        assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
        assert_true(amqpc_now_ms() < end_ms);
    }
}

/* The peer has forgotten what came by the link that it closed. */
static void check_sent_again(const char *condition, bool cuts)
{
    client_fixture fixture;
    amqpc_completion completions[HELD + 1];
    uint32_t seen[HELD + 1] = {0};
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_held(&fixture, sender);
    test_server_close_links(fixture.server, condition);
    if (cuts) { /* perhaps before the link is attached again */
        test_server_disconnect(fixture.server, NULL);
    }
    wait_for_messages(fixture.server, 2 * HELD);
    post_number(sender, HELD); /* new ones go behind those */
    flush_held(&fixture, sender);
    take_all(sender, completions, HELD + 1);
    for (size_t i = 0; i <= HELD; i++) {
        assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completions[i].state_type);
        assert_false(completions[i].unknown);
        assert_int_equal(1, ++seen[completions[i].context]);
    }
    client_fixture_free(&fixture);
}

static void test_what_has_no_outcome_is_sent_again_by_the_link_that_is_attached_again(void **state)
{
    (void)state;
    check_sent_again("amqp:link:detach-forced", false);
    check_sent_again("amqp:link:detach-forced", true);
}

static void check_unknown(uint32_t guarantee, const char *condition)
{
    client_fixture fixture;
    amqpc_completion completions[HELD];
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "hold", guarantee);
    post_held(&fixture, sender);
    test_server_close_links(fixture.server, condition);
    take_all(sender, completions, HELD);
    for (size_t i = 0; i < HELD; i++) {
        assert_true(completions[i].unknown);
    }
    assert_int_equal(HELD, test_server_message_count(fixture.server));
    client_fixture_free(&fixture);
}

static void test_otherwise_what_has_no_outcome_is_unknown(void **state)
{
    (void)state;
    check_unknown(AMQPC_ONCE_OR_UNKNOWN, "amqp:link:detach-forced");
    check_unknown(AMQPC_AT_LEAST_ONCE, "amqp:resource-deleted"); /* the link has failed */
}

/* --- Nobody to tell. */

static void test_client_that_is_not_connected_closes_at_once(void **state)
{
    amqpc_client_options options = client_fixture_options();
    test_server *server = test_server_start(&(test_server_options){.drops_at_open = true});
    (void)state;
    amqpc_client *client = make_client(server, &options);
    amqpc_sender *sender = make_sender(client, "accept", AMQPC_AT_LEAST_ONCE);
    wait_for_event(client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_ok(amqpc_client_close(client, AMQPC_FOREVER));
    assert_status(AMQPC_CLOSED, amqpc_sender_wait_open(sender, 0));
    amqpc_client_free(client);
    test_server_stop(server);
}

/* --- Links whose termini outlive connections. */

#define NEVER "never"

/* A client of a server that keeps links, behind a relay that can hold bytes back. */
typedef struct kept_run {
    test_server *server;
    cutting_relay *relay;
    amqpc_client *client;
} kept_run;

static void kept_run_begin(kept_run *run, bool background)
{
    char url[64];
    amqpc_client_options options = client_fixture_options();
    run->server =
        test_server_start(&(test_server_options){.keeps_state = true, .number_count = 10});
    run->relay = cutting_relay_start(test_server_port(run->server));
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u",
                   (unsigned)cutting_relay_port(run->relay));
    options.background = background;
    options.container_id = "close test";
    assert_ok(amqpc_client_new(url, &options, &run->client, NULL));
}

static void kept_run_end(kept_run *run)
{
    amqpc_client_free(run->client);
    cutting_relay_stop(run->relay);
    test_server_stop(run->server);
}

static amqpc_sender *make_kept_sender(amqpc_client *client)
{
    amqpc_sender *sender = NULL;
    amqpc_sender_options options;
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS | AMQPC_TARGET_EXPIRY_POLICY,
                                 .address = {"hold", 4},
                                 .expiry_policy = {NEVER, strlen(NEVER)}};
    amqpc_sender_options_init(&options, sizeof options);
    options.target = &target;
    options.name = "kept sender";
    assert_ok(amqpc_sender_new(client, NULL, &options, &sender));
    assert_ok(amqpc_sender_wait_open(sender, PATIENCE_MS));
    return sender;
}

/* A durable subscription, by a time-out. */
static amqpc_receiver *make_kept_receiver(amqpc_client *client)
{
    amqpc_receiver *receiver = NULL;
    amqpc_receiver_options options;
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS | AMQPC_SOURCE_TIMEOUT,
                                 .address = {"numbers", 7},
                                 .timeout = 3600};
    amqpc_receiver_options_init(&options, sizeof options);
    options.source = &source;
    options.name = "kept receiver";
    assert_ok(amqpc_receiver_new(client, NULL, &options, &receiver));
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    return receiver;
}

/* The detach is lost with the connection. What was posted has no outcome, though the server has got
 * it, perhaps: it is unknown. */
static void check_kept_links_are_closed_by_the_next_connection(bool background)
{
    kept_run run;
    amqpc_completion completion;
    amqpc_delivery delivery;
    size_t count = 0;
    kept_run_begin(&run, background);
    amqpc_sender *sender = make_kept_sender(run.client);
    amqpc_receiver *receiver = make_kept_receiver(run.client);
    post_number(sender, 1);
    assert_ok(amqpc_receiver_receive(receiver, &delivery, 1, PATIENCE_MS, &count));
    amqpc_delivery_release(&delivery);
    cutting_relay_hold(run.relay, true);
    assert_status(AMQPC_TIMED_OUT, amqpc_sender_close(sender, 50));
    assert_status(AMQPC_TIMED_OUT, amqpc_receiver_close(receiver, 50));
    test_server_disconnect(run.server, NULL);
    cutting_relay_hold(run.relay, false);
    assert_ok(amqpc_sender_close(sender, PATIENCE_MS));
    assert_ok(amqpc_receiver_close(receiver, PATIENCE_MS));
    assert_int_equal(2, test_server_connection_count(run.server));
    assert_int_equal(0, test_server_kept_count(run.server));
    assert_ok(amqpc_sender_completions(sender, &completion, 1, 0, &count));
    assert_int_equal(1, count);
    assert_true(completion.unknown);
    assert_status(AMQPC_CLOSED, amqpc_sender_wait_open(sender, 0));
    kept_run_end(&run);
}

static void test_kept_links_are_closed_by_the_next_connection(void **state)
{
    (void)state;
    check_kept_links_are_closed_by_the_next_connection(true);
    check_kept_links_are_closed_by_the_next_connection(false);
}

/* Closed while there is no connection, and then the client: it is told by the next connection. */
static void test_client_tells_of_kept_links_before_it_closes(void **state)
{
    kept_run run;
    (void)state;
    kept_run_begin(&run, true);
    amqpc_sender *sender = make_kept_sender(run.client);
    cutting_relay_hold(run.relay, true);
    assert_status(AMQPC_TIMED_OUT, amqpc_sender_close(sender, 0));
    test_server_disconnect(run.server, NULL);
    cutting_relay_hold(run.relay, false);
    wait_for_event(run.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_ok(amqpc_client_close(run.client, PATIENCE_MS));
    wait_for_closed(run.server);
    assert_int_equal(0, test_server_kept_count(run.server));
    kept_run_end(&run);
}

/* Durable subscriptions are there for the program's next start, unless it closes them. */
static void check_kept_links_live_on(bool detaches)
{
    kept_run run;
    kept_run_begin(&run, true);
    amqpc_sender *sender = make_kept_sender(run.client);
    amqpc_receiver *receiver = make_kept_receiver(run.client);
    amqpc_sender *other = make_sender(run.client, "accept", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_wait_open(other, PATIENCE_MS));
    if (detaches) {
        assert_ok(amqpc_sender_detach(sender, PATIENCE_MS));
        assert_ok(amqpc_receiver_detach(receiver, PATIENCE_MS));
        assert_status(AMQPC_CLOSED, amqpc_receiver_wait_open(receiver, 0));
        assert_ok(amqpc_receiver_close(receiver, 0));
    }
    assert_ok(amqpc_client_close(run.client, PATIENCE_MS));
    wait_for_closed(run.server);
    assert_int_equal(0, test_server_abandoned_count(run.server)); /* `other` was closed */
    assert_int_equal(2, test_server_detached_count(run.server));
    kept_run_end(&run);
}

static void test_kept_links_are_detached_not_closed(void **state)
{
    (void)state;
    check_kept_links_live_on(true);
    check_kept_links_live_on(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_are_closed_before_the_connection),
        cmocka_unit_test(test_settled_messages_that_wait_for_the_window_arrive),
        cmocka_unit_test(test_without_waiting_no_outcome_is_given_up),
        cmocka_unit_test(test_outcomes_that_do_not_come_in_time_are_unknown),
        cmocka_unit_test(test_what_has_no_outcome_is_sent_again_by_the_link_that_is_attached_again),
        cmocka_unit_test(test_otherwise_what_has_no_outcome_is_unknown),
        cmocka_unit_test(test_client_that_is_not_connected_closes_at_once),
        cmocka_unit_test(test_kept_links_are_closed_by_the_next_connection),
        cmocka_unit_test(test_client_tells_of_kept_links_before_it_closes),
        cmocka_unit_test(test_kept_links_are_detached_not_closed),
    };
    return cmocka_run_group_tests_name("client close", tests, NULL, NULL);
}
