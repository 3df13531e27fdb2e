/* Connecting, and connecting again: what is tried again and what is not, and how the program hears
 * of it. */
#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/client_fixture.h"
#include "client/receiver.h"
#include "client/sender.h"
#include "engine/link.h"
#include "support/cutting_relay.h"

static amqpc_client *make_client_at(const char *url, const amqpc_client_options *options)
{
    amqpc_client *client = NULL;
    amqpc_client_error error;
    amqpc_status status = amqpc_client_new(url, options, &client, &error);
    if (status != AMQPC_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

/* A port of 127.0.0.1 at which nobody listens; nobody else gets it while the socket is open. */
static uint32_t dead_port(int *descriptor)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(*descriptor >= 0);
    assert_int_equal(0, bind(*descriptor, (struct sockaddr *)&address, sizeof address));
    assert_int_equal(0, getsockname(*descriptor, (struct sockaddr *)&address, &size));
    return ntohs(address.sin_port);
}

static void check_works(amqpc_client *client)
{
    amqpc_outcome outcome;
    uint8_t storage[13];
    amqpc_sender *sender = make_sender(client, "accept", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_send_bytes(sender, number_payload(0, storage), PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, outcome.state_type);
    amqpc_sender_free(sender);
}

/* --- What is tried again. */

static void test_connection_that_was_forced_off_comes_back(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    check_works(fixture.client);
    test_server_disconnect(fixture.server, "amqp:connection:forced");
    amqpc_client_event event = wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_string_equal("amqp:connection:forced", event.error.condition);
    assert_status(AMQPC_PEER_ERROR, event.error.status);
    event = wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    assert_int_equal(1, event.attempts);
    check_works(fixture.client);
    client_fixture_free(&fixture);
}

/* More often than an epoch that grew by itself each time, and not by one, could bear. */
static void test_connection_comes_back_any_number_of_times(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    uint8_t storage[13];
    uint32_t times = 40;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    for (uint32_t i = 0; i < times; i++) {
        assert_ok(
            amqpc_sender_send_bytes(sender, number_payload(i, storage), PATIENCE_MS, &outcome));
        test_server_disconnect(fixture.server, NULL);
        wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    }
    assert_ok(amqpc_sender_wait_open(sender, PATIENCE_MS));
    assert_ok(amqpci_client_enter(fixture.client));
    assert_int_equal(times + 1, sender->base.link->epoch);
    amqpci_client_leave(fixture.client);
    client_fixture_free(&fixture);
}

static void test_server_may_come_later_than_its_client(void **state)
{
    int descriptor = -1;
    char url[64];
    amqpc_client_error error;
    test_server_options server = {.port = dead_port(&descriptor)};
    amqpc_client_options options = client_fixture_options();
    (void)state;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)server.port);
    amqpc_client *client = make_client_at(url, &options);
    amqpc_client_event event = wait_for_event(client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_status(AMQPC_CONNECT_FAILED, event.error.status);
    assert_true(event.error.system_error != 0);
    assert_status(AMQPC_TIMED_OUT, amqpc_client_wait_open(client, 5));
    assert_ok(amqpc_client_get_error(client, &error));
    assert_non_null(strstr(error.text, "127.0.0.1"));
    (void)close(descriptor);
    test_server *late = test_server_start(&server);
    check_works(client);
    assert_status(AMQPC_NOT_FOUND, amqpc_client_get_error(client, &error));
    amqpc_client_free(client);
    test_server_stop(late);
}

static void test_next_host_of_the_list_is_tried(void **state)
{
    int descriptor = -1;
    char url[128];
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect_delay_ms = PATIENCE_MS; /* within the list nobody waits */
    options.reconnect_delay_max_ms = PATIENCE_MS;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u,127.0.0.1:%u",
                   (unsigned)dead_port(&descriptor), (unsigned)test_server_port(server));
    amqpc_client *client = make_client_at(url, &options);
    check_works(client);
    amqpc_client_event event = wait_for_event(client, AMQPC_CLIENT_EVENT_CONNECTED);
    assert_int_equal(2, event.attempts);
    amqpc_client_free(client);
    (void)close(descriptor);
    test_server_stop(server);
}

static void test_pauses_grow_where_the_peer_throws_the_client_out(void **state)
{
    client_fixture fixture;
    amqpc_client_event event = {.delay_ms = 0};
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect_delay_ms = 20;
    options.reconnect_delay_max_ms = 200;
    client_fixture_make(
        &fixture, &(test_server_options){.close_condition = "amqp:connection:forced"}, &options);
    while (event.delay_ms <= 20) {
        event = wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
        assert_true(event.delay_ms <= 200);
    }
    client_fixture_free(&fixture);
}

static void test_row_97_silent_peer_is_given_up(void **state)
{
    char url[64];
    amqpc_client_options options = client_fixture_options();
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    cutting_relay *relay = cutting_relay_start(test_server_port(server));
    (void)state;
    options.heartbeat_ms = 500;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)cutting_relay_port(relay));
    amqpc_client *client = make_client_at(url, &options);
    check_works(client);
    cutting_relay_hold(relay, true);
    amqpc_client_event event = wait_for_event(client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_status(AMQPC_IDLE_TIMEOUT, event.error.status);
    cutting_relay_hold(relay, false);
    check_works(client);
    amqpc_client_free(client);
    cutting_relay_stop(relay);
    test_server_stop(server);
}

static void test_session_that_ended_is_begun_again(void **state)
{
    client_fixture fixture;
    amqpc_outcome outcome;
    uint8_t storage[13];
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    amqpc_sender *held = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_send_bytes(sender, number_payload(0, storage), PATIENCE_MS, &outcome));
    post_number(held, 1);
    wait_for_messages(fixture.server, 2);
    test_server_end_sessions(fixture.server, "amqp:internal-error");
    assert_ok(amqpc_sender_send_bytes(sender, number_payload(2, storage), PATIENCE_MS, &outcome));
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, outcome.state_type);
    assert_int_equal(1, test_server_connection_count(fixture.server));
    /* The server remembers what it holds: it goes on where it was. */
    test_server_release_held(fixture.server);
    assert_ok(amqpc_sender_flush(held, PATIENCE_MS));
    client_fixture_free(&fixture);
}

/* Some brokers end the session for a link that they cannot attach: that it was attached once, long
 * ago, is no reason to ask in a circle. */
static void test_pauses_grow_where_attaching_ends_the_session(void **state)
{
    client_fixture fixture;
    uint32_t delay_ms = 0;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect_delay_ms = 5;
    client_fixture_make(&fixture, NULL, &options);
    amqpc_receiver *receiver = make_receiver(fixture.client, "once", 1);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    for (int i = 0; i < 20; i++) {
        pause_shortly(); /* it lasts for longer than the first pause */
    }
    test_server_end_sessions(fixture.server, "amqp:internal-error");
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; delay_ms <= 5;) {
        int64_t deadline_ms = 0;
        assert_ok(amqpc_client_process(fixture.client, &deadline_ms));
        assert_ok(amqpci_client_enter(fixture.client));
        delay_ms = receiver->base.delay_ms;
        amqpci_client_leave(fixture.client);
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
    client_fixture_free(&fixture);
}

/* A link that waits to be attached again when the client closes is closed with it. */
static void test_links_are_not_attached_again_while_the_client_closes(void **state)
{
    char url[64];
    amqpc_client_error error;
    amqpc_client_options options = client_fixture_options();
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    cutting_relay *relay = cutting_relay_start(test_server_port(server));
    (void)state;
    options.reconnect_delay_ms = 100;
    options.reconnect_delay_max_ms = 100;
    options.background = false;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)cutting_relay_port(relay));
    amqpc_client *client = make_client_at(url, &options);
    amqpc_receiver *receiver = make_receiver(client, "once", 1);
    assert_ok(amqpc_receiver_wait_open(receiver, PATIENCE_MS));
    test_server_end_sessions(server, "amqp:internal-error");
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    while (receiver->base.delay_ms == 0) {
        int64_t deadline_ms = 0;
        assert_ok(amqpc_client_process(client, &deadline_ms));
        pause_shortly();
        assert_true(amqpc_now_ms() < end_ms);
    }
    cutting_relay_hold(relay, true); /* the answer to close stays away */
    assert_status(AMQPC_TIMED_OUT, amqpc_client_close(client, 0));
    assert_status(AMQPC_TIMED_OUT, amqpc_client_close(client, 250));
    assert_ok(amqpc_receiver_get_error(receiver, &error)); /* and the link is over */
    cutting_relay_hold(relay, false);
    assert_ok(amqpc_client_close(client, PATIENCE_MS));
    assert_ok(amqpc_receiver_get_error(receiver, &error));
    assert_status(AMQPC_CLOSED, error.status);
    amqpc_client_free(client);
    cutting_relay_stop(relay);
    test_server_stop(server);
}

static void check_incomplete_maps(bool keeps_state)
{
    client_fixture fixture;
    client_fixture_make(
        &fixture,
        &(test_server_options){.keeps_state = keeps_state, .max_frame_size = 512, .credit = 400},
        NULL);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    for (uint64_t i = 0; i < 200; i++) {
        post_number(sender, i);
    }
    wait_for_messages(fixture.server, 200);
    test_server_disconnect(fixture.server, NULL);
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_DISCONNECTED);
    assert_ok(amqpc_sender_wait_open(sender, PATIENCE_MS));
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;;) {
        test_server_release_held(fixture.server);
        amqpc_status status = amqpc_sender_flush(sender, 5);
        if (status == AMQPC_OK) {
            break;
        }
        assert_status(AMQPC_TIMED_OUT, status);
        assert_true(amqpc_now_ms() < end_ms);
    }
    post_number(sender, 200); /* new ones go, too, once both ends agree */
    wait_for_messages(fixture.server, 201);
    client_fixture_free(&fixture);
}

/* More is unsettled than one attach can say (AMQP 2.7.3). */
static void test_incomplete_maps_are_worked_off(void **state)
{
    (void)state;
    check_incomplete_maps(true);
    check_incomplete_maps(false);
}

/* --- What is not. */

static void check_is_final(const test_server_options *server, amqpc_status status,
                           const char *condition)
{
    client_fixture fixture;
    amqpc_client_error error;
    client_fixture_make(&fixture, server, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    assert_status(status, amqpc_sender_wait_open(sender, PATIENCE_MS));
    amqpc_client_event event = wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_FAILED);
    assert_string_equal(condition, event.error.condition);
    assert_int_equal(AMQPC_CLIENT_FAILED, amqpc_client_get_state(fixture.client));
    assert_status(status, amqpc_client_wait_open(fixture.client, PATIENCE_MS));
    assert_ok(amqpc_client_get_error(fixture.client, &error));
    assert_status(status, error.status);
    amqpc_sender *later = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    assert_status(status, amqpc_sender_wait_open(later, PATIENCE_MS));
    assert_int_equal(1, test_server_connection_count(fixture.server));
    assert_ok(amqpc_client_close(fixture.client, PATIENCE_MS));
    client_fixture_free(&fixture);
}

static void test_refused_credentials_are_final(void **state)
{
    (void)state;
    check_is_final(&(test_server_options){.refuses_sasl = true}, AMQPC_SASL_REFUSED, "");
}

static void test_conditions_that_trying_again_does_not_help_are_final(void **state)
{
    (void)state;
    check_is_final(&(test_server_options){.close_condition = "amqp:unauthorized-access"},
                   AMQPC_PEER_ERROR, "amqp:unauthorized-access");
    check_is_final(&(test_server_options){.close_condition = "amqp:not-found"}, AMQPC_PEER_ERROR,
                   "amqp:not-found");
    check_is_final(&(test_server_options){.close_condition = "amqp:connection:redirect"},
                   AMQPC_REDIRECTED, "amqp:connection:redirect");
}

static void test_first_failure_is_final_without_reconnect(void **state)
{
    client_fixture fixture;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect = false;
    client_fixture_make(&fixture, NULL, &options);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 1);
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    test_server_disconnect(fixture.server, "amqp:connection:forced");
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_FAILED);
    amqpc_completion completion;
    size_t count = 0;
    assert_ok(amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &count));
    assert_true(completion.unknown);
    assert_status(AMQPC_NOT_FOUND,
                  amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &count));
    client_fixture_free(&fixture);
}

static void test_attempts_end_with_their_time(void **state)
{
    int descriptor = -1;
    char url[64];
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect_time_ms = 50;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)dead_port(&descriptor));
    amqpc_client *client = make_client_at(url, &options);
    assert_status(AMQPC_CONNECT_FAILED, amqpc_client_wait_open(client, PATIENCE_MS));
    assert_int_equal(AMQPC_CLIENT_FAILED, amqpc_client_get_state(client));
    amqpc_client_free(client);
    (void)close(descriptor);
}

static void test_row_98_peer_that_never_answers_is_given_up(void **state)
{
    char url[64];
    amqpc_client_options options = client_fixture_options();
    test_server *server = test_server_start(&(test_server_options){.port = 0});
    cutting_relay *relay = cutting_relay_start(test_server_port(server));
    (void)state;
    cutting_relay_hold(relay, true);
    options.connect_timeout_ms = 50;
    options.reconnect = false;
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", (unsigned)cutting_relay_port(relay));
    amqpc_client *client = make_client_at(url, &options);
    amqpc_status status = amqpc_client_wait_open(client, PATIENCE_MS);
    assert_true(status == AMQPC_CONNECT_TIMEOUT || status == AMQPC_HANDSHAKE_TIMEOUT);
    amqpc_client_free(client);
    cutting_relay_stop(relay);
    test_server_stop(server);
}

static void test_session_that_is_refused_ends_its_links(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_wait_open(sender, PATIENCE_MS));
    test_server_end_sessions(fixture.server, "amqp:unauthorized-access");
    amqpc_client_event event = wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_LINK_FAILED);
    assert_status(AMQPC_SESSION_ENDED, event.error.status);
    assert_string_equal("amqp:unauthorized-access", event.error.condition);
    check_works(fixture.client);
    client_fixture_free(&fixture);
}

/* As RabbitMQ 3.10 does: what is unsettled is sent again by a link that says nothing of it. */
static void test_session_that_ends_because_links_are_not_recovered(void **state)
{
    enum { COUNT = 5 };
    client_fixture fixture;
    const test_server_options server = {.recovers_nothing = true};
    amqpc_completion completions[COUNT];
    uint32_t completed = 0;
    (void)state;
    client_fixture_make(&fixture, &server, NULL);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    assert_ok(amqpc_sender_wait_open(sender, PATIENCE_MS));
    for (uint64_t i = 0; i < COUNT; i++) {
        post_number(sender, i);
    }
    wait_for_messages(fixture.server, COUNT);
    test_server_disconnect(fixture.server, NULL);
    wait_for_messages(fixture.server, 2 * COUNT);
    test_server_release_held(fixture.server);
    while (completed < COUNT) {
        size_t count = 0;
        assert_ok(amqpc_sender_completions(sender, completions, COUNT, PATIENCE_MS, &count));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completions[i].state_type);
        }
        completed += (uint32_t)count;
    }
    client_fixture_free(&fixture);
}

/* The client gives the connection up for a reason of its own: the peer hears of it, and what was
 * posted completes. */
static void test_connection_that_is_given_up_is_closed(void **state)
{
    client_fixture fixture;
    amqpc_client_error error;
    amqpc_completion completion;
    size_t count = 0;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    options.reconnect = false;
    client_fixture_make(&fixture, NULL, &options);
    amqpc_sender *sender = make_sender(fixture.client, "hold", AMQPC_AT_LEAST_ONCE);
    post_number(sender, 1);
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    wait_for_messages(fixture.server, 1);
    assert_ok(amqpci_client_enter(fixture.client));
    amqpci_client_error_set(&error, AMQPC_NO_MEMORY, NULL, NULL);
    amqpci_client_disconnected(fixture.client, &error);
    amqpci_client_leave(fixture.client);
    assert_ok(amqpc_sender_completions(sender, &completion, 1, PATIENCE_MS, &count));
    assert_true(completion.unknown);
    assert_ok(amqpci_client_enter(fixture.client));
    assert_int_equal(AMQPC_TRANSPORT_FAILED, amqpc_transport_get_state(fixture.client->lost));
    amqpci_client_leave(fixture.client);
    client_fixture_free(&fixture);
}

/* --- Refused at once. */

static void test_wrong_urls_and_options_are_refused(void **state)
{
    amqpc_client *client = NULL;
    amqpc_client_error error;
    (void)state;
    assert_status(AMQPC_BAD_URL, amqpc_client_new("http://x", NULL, &client, &error));
    assert_status(AMQPC_BAD_URL, error.status);
    assert_status(AMQPC_BAD_OPTION, amqpc_client_new("amqp://x/?nothing=1", NULL, &client, NULL));
    assert_status(AMQPC_SASL_CLEARTEXT,
                  amqpc_client_new("amqp://user:secret@example.invalid", NULL, &client, &error));
    assert_null(client);
    assert_null(strstr(error.text, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_that_was_forced_off_comes_back),
        cmocka_unit_test(test_connection_comes_back_any_number_of_times),
        cmocka_unit_test(test_server_may_come_later_than_its_client),
        cmocka_unit_test(test_next_host_of_the_list_is_tried),
        cmocka_unit_test(test_pauses_grow_where_the_peer_throws_the_client_out),
        cmocka_unit_test(test_row_97_silent_peer_is_given_up),
        cmocka_unit_test(test_session_that_ended_is_begun_again),
        cmocka_unit_test(test_pauses_grow_where_attaching_ends_the_session),
        cmocka_unit_test(test_links_are_not_attached_again_while_the_client_closes),
        cmocka_unit_test(test_incomplete_maps_are_worked_off),
        cmocka_unit_test(test_refused_credentials_are_final),
        cmocka_unit_test(test_conditions_that_trying_again_does_not_help_are_final),
        cmocka_unit_test(test_first_failure_is_final_without_reconnect),
        cmocka_unit_test(test_attempts_end_with_their_time),
        cmocka_unit_test(test_row_98_peer_that_never_answers_is_given_up),
        cmocka_unit_test(test_session_that_is_refused_ends_its_links),
        cmocka_unit_test(test_session_that_ends_because_links_are_not_recovered),
        cmocka_unit_test(test_connection_that_is_given_up_is_closed),
        cmocka_unit_test(test_wrong_urls_and_options_are_refused),
    };
    return cmocka_run_group_tests_name("client_connect", tests, NULL, NULL);
}
