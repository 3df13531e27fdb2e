/* Transports whose peer is a plain socket, which breaks the rules. */
#define _GNU_SOURCE /* for memmem */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/raw_peer.h"
#include "support/socket_faults.h"
#include "transport_fixture.h"

enum { ROOM = 8192 };

/* A transport under test, on a poller of its own, and the socket at the other end. */
typedef struct conversation {
    transport_fixture fixture; /* its client; or its server, with a listener */
    int peer;
} conversation;

/* The peer is a server; the client's open waits to be sent. */
static void converse(conversation *made, const amqpc_transport_options *options,
                     const amqpc_connection_options *connection_options)
{
    amqpc_transport_options chosen;
    uint32_t port = 0;
    socket_faults_clear();
    int listener = raw_peer_listen(&port, 1);
    *made = (conversation){.peer = -1};
    assert_int_equal(amqpc_poller_new(NULL, &made->fixture.poller), AMQPC_OK);
    amqpc_transport_options_init(&chosen, sizeof chosen);
    chosen = options == NULL ? chosen : *options;
    chosen.host = "127.0.0.1";
    chosen.port = port;
    transport_fixture_connect(&made->fixture, &chosen, connection_options);
    made->peer = raw_peer_accept(listener);
    (void)close(listener);
}

static void greet(const conversation *with, uint32_t idle_timeout_ms)
{
    uint8_t greeting[ROOM];
    raw_peer_write(with->peer, greeting,
                   raw_peer_greeting(greeting, sizeof greeting, idle_timeout_ms));
}

static void open_conversation(conversation *made, const amqpc_transport_options *options,
                              const amqpc_connection_options *connection_options)
{
    converse(made, options, connection_options);
    greet(made, 0);
    transport_fixture_wait(&made->fixture, client_is_open);
}

static void end_conversation(conversation *ended)
{
    if (ended->peer >= 0) {
        (void)close(ended->peer);
    }
    transport_fixture_free(&ended->fixture);
}

static size_t failures_told(conversation *with)
{
    amqpc_connection_event event;
    size_t count = 0;
    while (amqpc_connection_next_event(amqpc_transport_connection(with->fixture.client), &event)) {
        count += event.type == AMQPC_EVENT_CONNECTION_FAILED ? 1 : 0;
    }
    return count;
}

/* Reads until the stream ends; gives whether it was in good order. */
static bool read_to_end(int peer)
{
    uint8_t data[ROOM];
    long size = 0;
    do {
        size = raw_peer_read(peer, data, sizeof data);
    } while (size > 0);
    return size == 0;
}

static void test_row_96_reset_in_mid_frame(void **state)
{
    (void)state;
    conversation with;
    open_conversation(&with, NULL, NULL);
    static const uint8_t half[] = {0, 0, 0, 100, 2, 0, 0, 0, 0, 0x53};
    raw_peer_write(with.peer, half, sizeof half);
    raw_peer_reset(with.peer);
    with.peer = -1;
    transport_fixture_wait(&with.fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&with.fixture);
    assert_int_equal(failure.status, AMQPC_SOCKET_ERROR);
    assert_int_equal(failure.system_error, ECONNRESET);
    assert_memory_equal(failure.text, "127.0.0.1:", 10);
    assert_non_null(strstr(failure.text, "reset"));
    assert_true(with.fixture.client_events & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    /* Once, and nothing comes after it. */
    assert_int_equal(amqpc_poller_wait(with.fixture.poller, 20), AMQPC_TIMED_OUT);
    assert_int_equal(failures_told(&with), 0);
    assert_int_equal(amqpc_poller_deadline(with.fixture.poller), AMQPC_FOREVER);
    end_conversation(&with);
}

static void test_the_end_of_the_stream_without_close_is_a_failure(void **state)
{
    (void)state;
    conversation with;
    open_conversation(&with, NULL, NULL);
    (void)shutdown(with.peer, SHUT_WR);
    transport_fixture_wait(&with.fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&with.fixture);
    assert_int_equal(failure.status, AMQPC_STREAM_ENDED);
    assert_int_equal(failure.system_error, 0);
    assert_true(with.fixture.client_events & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    char text[64];
    assert_int_equal(amqpc_transport_remote_address(with.fixture.client, text, sizeof text),
                     AMQPC_OK);
    assert_int_equal(amqpc_transport_local_address(with.fixture.client, text, sizeof text),
                     AMQPC_NOT_FOUND);
    end_conversation(&with);
}

static bool client_comes(const conversation *with)
{
    amqpc_ready ready = {.transport = NULL};
    amqpc_status status = amqpc_poller_wait(with->fixture.poller, 0);
    bool comes = amqpc_poller_next(with->fixture.poller, &ready);
    assert_int_equal(status, comes ? AMQPC_OK : AMQPC_TIMED_OUT);
    assert_true(!comes || ready.transport == with->fixture.client);
    return comes;
}

static void test_a_transport_that_failed_comes_until_its_events_are_read(void **state)
{
    (void)state;
    conversation with;
    uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS;
    open_conversation(&with, NULL, NULL);
    (void)shutdown(with.peer, SHUT_WR);
    while (!client_is_over(&with.fixture)) {
        (void)client_comes(&with);
        assert_true(amqpc_now_ms() < end_ms);
    }
    assert_true(client_comes(&with));
    assert_true(client_comes(&with));
    assert_int_equal(failures_told(&with), 1);
    (void)client_comes(&with);
    assert_false(client_comes(&with));
    end_conversation(&with);
}

static void test_the_end_of_the_stream_before_any_byte(void **state)
{
    (void)state;
    conversation with;
    converse(&with, NULL, NULL);
    (void)close(with.peer);
    with.peer = -1;
    transport_fixture_wait(&with.fixture, client_is_over);
    amqpc_status status = client_failure(&with.fixture).status;
    /* What the client sent may have been refused by a reset. */
    assert_true(status == AMQPC_STREAM_ENDED || status == AMQPC_SOCKET_ERROR);
    end_conversation(&with);
}

/* The peer is told what it did, and its socket is not reset before it could read it. */
static void test_a_fault_of_the_peer_is_answered_before_the_socket_is_closed(void **state)
{
    (void)state;
    conversation with;
    uint8_t data[ROOM];
    open_conversation(&with, NULL, NULL);
    static const uint8_t garbage[] = {0, 0, 0, 3, 2, 0, 0, 0};
    raw_peer_write(with.peer, garbage, sizeof garbage);
    static const uint8_t more[ROOM] = {0};
    raw_peer_write(with.peer, more, sizeof more);
    long size = 1;
    bool told = false;
    while (size > 0) {
        (void)!transport_fixture_round(&with.fixture, 0);
        if (raw_peer_is_readable(with.peer)) {
            size = raw_peer_read(with.peer, data, sizeof data);
            told = told || (size > 0 && memmem(data, (size_t)size, "framing-error", 13) != NULL);
        }
    }
    assert_int_equal(size, 0);
    assert_true(told);
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_CLOSING);
    (void)close(with.peer);
    with.peer = -1;
    transport_fixture_wait(&with.fixture, client_is_over);
    amqpc_transport_failure failure = client_failure(&with.fixture);
    assert_int_equal(failure.status, AMQPC_FRAME_SIZE_TOO_SMALL);
    assert_non_null(strstr(failure.text, amqpc_status_text(AMQPC_FRAME_SIZE_TOO_SMALL)));
    end_conversation(&with);
}

/* What the peer did is the failure, and not that it does not listen to the answer. */
static void test_a_fault_of_the_peer_outlasts_the_loss_of_its_socket(void **state)
{
    (void)state;
    conversation with;
    open_conversation(&with, NULL, NULL);
    static const uint8_t garbage[] = {0, 0, 0, 3, 2, 0, 0, 0};
    raw_peer_write(with.peer, garbage, sizeof garbage);
    raw_peer_reset(with.peer);
    with.peer = -1;
    transport_fixture_wait(&with.fixture, client_is_over);
    assert_int_equal(client_failure(&with.fixture).status, AMQPC_FRAME_SIZE_TOO_SMALL);
    end_conversation(&with);
}

static void test_a_server_that_speaks_something_else(void **state)
{
    (void)state;
    conversation with;
    converse(&with, NULL, NULL);
    raw_peer_write(with.peer, "HTTP/1.1 400 Bad Request\r\n", 26);
    (void)shutdown(with.peer, SHUT_WR);
    transport_fixture_wait(&with.fixture, client_is_over);
    assert_int_equal(client_failure(&with.fixture).status, AMQPC_BAD_PROTOCOL_HEADER);
    end_conversation(&with);
}

static bool client_was_told_of_close(const transport_fixture *fixture)
{
    return fixture->client_events & 1u << AMQPC_EVENT_CONNECTION_CLOSE;
}

/* A peer that is gone right after its close has said what it wanted. */
static void test_a_peer_that_closes_and_does_not_wait_for_the_answer(void **state)
{
    (void)state;
    conversation with;
    uint8_t frame[ROOM];
    open_conversation(&with, NULL, NULL);
    raw_peer_write(with.peer, frame, raw_peer_close_frame(frame, sizeof frame));
    raw_peer_reset(with.peer);
    with.peer = -1;
    transport_fixture_wait(&with.fixture, client_was_told_of_close);
    (void)!amqpc_connection_close(amqpc_transport_connection(with.fixture.client), NULL);
    amqpc_transport_touch(with.fixture.client);
    transport_fixture_wait(&with.fixture, client_is_over);
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_CLOSED);
    end_conversation(&with);
}

/* The peer's half of the stream ends with its close; ours is still to be said. */
static void test_close_and_the_end_of_the_stream_wait_for_the_answer(void **state)
{
    (void)state;
    conversation with;
    uint8_t frame[ROOM];
    open_conversation(&with, NULL, NULL);
    raw_peer_write(with.peer, frame, raw_peer_close_frame(frame, sizeof frame));
    (void)shutdown(with.peer, SHUT_WR);
    transport_fixture_wait(&with.fixture, client_was_told_of_close);
    faults.waits = 0;
    assert_int_equal(amqpc_poller_wait(with.fixture.poller, 50), AMQPC_TIMED_OUT);
    assert_true(faults.waits < 10); /* the end of the stream is not told again and again */
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_OPEN);
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(with.fixture.client), NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_transport_flush(with.fixture.client), AMQPC_OK);
    transport_fixture_wait(&with.fixture, client_is_over);
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_CLOSED);
    assert_true(read_to_end(with.peer));
    end_conversation(&with);
}

static void close_both_ways(conversation *with)
{
    uint8_t frame[ROOM];
    assert_int_equal(amqpc_connection_close(amqpc_transport_connection(with->fixture.client), NULL),
                     AMQPC_OK);
    amqpc_transport_touch(with->fixture.client);
    raw_peer_write(with->peer, frame, raw_peer_close_frame(frame, sizeof frame));
}

static bool client_is_closing(const transport_fixture *fixture)
{
    return amqpc_transport_get_state(fixture->client) == AMQPC_TRANSPORT_CLOSING;
}

static void test_the_peers_end_of_the_stream_is_awaited_for_a_while(void **state)
{
    (void)state;
    conversation with;
    amqpc_transport_options options;
    amqpc_transport_options_init(&options, sizeof options);
    options.close_timeout_ms = 30;
    open_conversation(&with, &options, NULL);
    close_both_ways(&with);
    transport_fixture_wait(&with.fixture, client_is_over); /* the peer does not close */
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_CLOSED);
    end_conversation(&with);
}

static void test_what_comes_while_closing_is_thrown_away(void **state)
{
    (void)state;
    static const uint8_t data[3 * 65536] = {0};
    conversation with;
    amqpc_transport_options options;
    amqpc_transport_options_init(&options, sizeof options);
    options.close_timeout_ms = 0x7fffffff;
    open_conversation(&with, &options, NULL);
    close_both_ways(&with);
    transport_fixture_wait(&with.fixture, client_is_closing);
    assert_true(read_to_end(with.peer));
    raw_peer_write(with.peer, data, sizeof data);
    (void)shutdown(with.peer, SHUT_WR);
    transport_fixture_wait(&with.fixture, client_is_over);
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_CLOSED);
    assert_int_equal(raw_peer_read(with.peer, (uint8_t[1]){0}, 1), 0); /* and not a reset */
    end_conversation(&with);
}

/* A peer that never says anything, and never ends. */
static void test_row_97_half_open_peer(void **state)
{
    (void)state;
    conversation with;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.idle_timeout_ms = 60000;
    open_conversation(&with, NULL, &options);
    (void)!transport_fixture_round(&with.fixture, 0);
    faults.clock_ms = 61000;
    transport_fixture_wait(&with.fixture, client_is_closing);
    assert_true(with.fixture.client_events & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    faults.clock_ms += 3000; /* nor does it close */
    transport_fixture_wait(&with.fixture, client_is_over);
    assert_int_equal(client_failure(&with.fixture).status, AMQPC_IDLE_TIMEOUT);
    end_conversation(&with);
}

/* One that takes nothing either: close does not get through, and is given up. */
static void test_row_97_half_open_peer_with_output_that_waits(void **state)
{
    (void)state;
    conversation with;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.idle_timeout_ms = 60000;
    open_conversation(&with, NULL, &options);
    faults.blocks = UINT32_MAX; /* the socket takes and gives nothing from now on */
    faults.clock_ms = 61000;
    while (!client_is_over(&with.fixture)) {
        (void)!transport_fixture_round(&with.fixture, 0);
        faults.clock_ms += 1000;
    }
    assert_int_equal(client_failure(&with.fixture).status, AMQPC_IDLE_TIMEOUT);
    end_conversation(&with);
}

static void test_heartbeats_are_sent_as_the_peer_asked(void **state)
{
    (void)state;
    conversation with;
    uint8_t data[ROOM];
    converse(&with, NULL, NULL);
    greet(&with, 20000);
    transport_fixture_wait(&with.fixture, client_is_open);
    assert_true(raw_peer_read(with.peer, data, sizeof data) > 8);
    for (size_t beat = 0; beat < 3; beat++) {
        assert_false(raw_peer_is_readable(with.peer));
        faults.clock_ms += 10001;
        while (!raw_peer_is_readable(with.peer)) {
            (void)!transport_fixture_round(&with.fixture, 10);
        }
        static const uint8_t empty[] = {0, 0, 0, 8, 2, 0, 0, 0};
        assert_int_equal(raw_peer_read(with.peer, data, sizeof data), sizeof empty);
        assert_memory_equal(data, empty, sizeof empty);
    }
    end_conversation(&with);
}

/* --- Servers. */

static bool server_is_there(const transport_fixture *fixture)
{
    return fixture->server != NULL;
}

static bool server_is_over(const transport_fixture *fixture)
{
    return fixture->server != NULL &&
           amqpc_transport_get_state(fixture->server) >= AMQPC_TRANSPORT_CLOSED;
}

static void listen_for_peer(conversation *made)
{
    socket_faults_clear();
    transport_fixture_make(&made->fixture, NULL, NULL);
    made->peer = raw_peer_connect(amqpc_listener_port(made->fixture.listener));
    transport_fixture_wait(&made->fixture, server_is_there);
    (void)!transport_fixture_round(&made->fixture, 0);
}

/* A byte now and then is no handshake. */
static void test_row_98_slow_loris(void **state)
{
    (void)state;
    conversation with;
    uint8_t greeting[ROOM];
    size_t sent = 0;
    amqpc_transport_failure failure;
    listen_for_peer(&with);
    size_t size = raw_peer_greeting(greeting, sizeof greeting, 0);
    while (!server_is_over(&with.fixture)) {
        if (sent < size && sent < 20) {
            raw_peer_write(with.peer, greeting + sent, 1);
            sent++;
        }
        faults.clock_ms += 2000;
        (void)!transport_fixture_round(&with.fixture, 0);
    }
    assert_true(sent >= 10 && sent < 20); /* 30 s, and what closing takes */
    assert_int_equal(amqpc_transport_get_failure(with.fixture.server, &failure), AMQPC_OK);
    assert_int_equal(failure.status, AMQPC_HANDSHAKE_TIMEOUT);
    end_conversation(&with);
}

/* The time to open begins when the client is accepted, however long it waited for that. */
static void test_row_98_the_time_to_open_begins_with_the_socket(void **state)
{
    (void)state;
    conversation with;
    listen_for_peer(&with);
    faults.clock_ms += 29000;
    (void)!transport_fixture_round(&with.fixture, 0);
    assert_int_equal(amqpc_transport_get_state(with.fixture.server), AMQPC_TRANSPORT_OPEN);
    while (!server_is_over(&with.fixture)) {
        faults.clock_ms += 1000;
        (void)!transport_fixture_round(&with.fixture, 0);
    }
    end_conversation(&with);
}

/* More than the poller takes from the system at a time: nobody is silent who has said something. */
static void test_row_107_a_jump_of_the_clock_with_a_crowd(void **state)
{
    (void)state;
    enum { CROWD = 150, EVENTS = 16 };
    transport_fixture fixture;
    amqpc_connection_options options;
    uint8_t greeting[ROOM];
    int peers[CROWD];
    static const uint8_t empty[] = {0, 0, 0, 8, 2, 0, 0, 0};
    socket_faults_clear();
    transport_fixture_make(&fixture, NULL, NULL);
    amqpc_connection_options_init(&options, sizeof options);
    options.idle_timeout_ms = 60000;
    fixture.server_options = &options;
    size_t size = raw_peer_greeting(greeting, sizeof greeting, 0);
    for (size_t i = 0; i < CROWD; i++) {
        peers[i] = raw_peer_connect(amqpc_listener_port(fixture.listener));
        raw_peer_write(peers[i], greeting, size);
    }
    for (size_t i = 0; i < CROWD; i++) { /* until each has its answer */
        while (!raw_peer_is_readable(peers[i])) {
            (void)!transport_fixture_round(&fixture, 10);
        }
    }
    for (size_t i = 0; i < EVENTS; i++) {
        (void)!transport_fixture_round(&fixture, 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        raw_peer_write(peers[i], empty, sizeof empty);
    }
    faults.clock_ms = 61000;
    for (size_t i = 0; i < EVENTS; i++) {
        (void)!transport_fixture_round(&fixture, 0);
    }
    assert_false(fixture.server_events & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    faults.clock_ms += 61000;
    for (size_t i = 0; i < EVENTS; i++) {
        (void)!transport_fixture_round(&fixture, 0);
    }
    assert_true(fixture.server_events & 1u << AMQPC_EVENT_CONNECTION_FAILED);
    for (size_t i = 0; i < CROWD; i++) {
        (void)close(peers[i]);
    }
    transport_fixture_free(&fixture);
}

static volatile sig_atomic_t pipe_signals;

static void count_pipe_signal(int number)
{
    (void)number;
    pipe_signals++;
}

static void test_row_99_sigpipe_is_never_raised(void **state)
{
    (void)state;
    conversation with;
    const struct sigaction action = {.sa_handler = count_pipe_signal};
    struct sigaction kept;
    amqpc_bytes name = {"link", 4};
    assert_int_equal(sigaction(SIGPIPE, &action, &kept), 0);
    open_conversation(&with, NULL, NULL);
    raw_peer_reset(with.peer);
    with.peer = -1;
    /* Writes, without reading the reset first. */
    amqpc_session *session = NULL;
    amqpc_connection *connection = amqpc_transport_connection(with.fixture.client);
    for (size_t i = 0; i < 10 && !client_is_over(&with.fixture); i++) {
        amqpc_link *link = NULL;
        assert_int_equal(amqpc_session_new(connection, &session), AMQPC_OK);
        assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_new(session, AMQPC_ROLE_SENDER, name, &link), AMQPC_OK);
        assert_int_equal(amqpc_transport_flush(with.fixture.client), AMQPC_OK);
    }
    assert_true(client_is_over(&with.fixture));
    assert_int_equal(client_failure(&with.fixture).status, AMQPC_SOCKET_ERROR);
    assert_int_equal(pipe_signals, 0);
    assert_int_equal(sigaction(SIGPIPE, &kept, NULL), 0);
    end_conversation(&with);
}

/* The reason that the peer gave is read, though writing fails first. */
static void test_the_peers_close_is_read_though_writing_fails(void **state)
{
    (void)state;
    conversation with;
    uint8_t frame[ROOM];
    amqpc_session *session = NULL;
    open_conversation(&with, NULL, NULL);
    raw_peer_write(with.peer, frame, raw_peer_close_frame(frame, sizeof frame));
    (void)close(with.peer); /* unread input of it: this is a reset, behind the frame */
    with.peer = -1;
    amqpc_connection *connection = amqpc_transport_connection(with.fixture.client);
    for (size_t i = 0; i < 10 && !client_is_over(&with.fixture); i++) {
        (void)!amqpc_session_new(connection, &session);
        (void)!amqpc_session_begin(session, NULL);
        assert_int_equal(amqpc_transport_flush(with.fixture.client), AMQPC_OK);
    }
    transport_fixture_wait(&with.fixture, client_was_told_of_close);
    assert_int_equal(amqpc_transport_get_state(with.fixture.client), AMQPC_TRANSPORT_CLOSED);
    end_conversation(&with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_96_reset_in_mid_frame),
        cmocka_unit_test(test_the_end_of_the_stream_without_close_is_a_failure),
        cmocka_unit_test(test_a_transport_that_failed_comes_until_its_events_are_read),
        cmocka_unit_test(test_the_end_of_the_stream_before_any_byte),
        cmocka_unit_test(test_a_fault_of_the_peer_is_answered_before_the_socket_is_closed),
        cmocka_unit_test(test_a_fault_of_the_peer_outlasts_the_loss_of_its_socket),
        cmocka_unit_test(test_a_server_that_speaks_something_else),
        cmocka_unit_test(test_a_peer_that_closes_and_does_not_wait_for_the_answer),
        cmocka_unit_test(test_close_and_the_end_of_the_stream_wait_for_the_answer),
        cmocka_unit_test(test_the_peers_end_of_the_stream_is_awaited_for_a_while),
        cmocka_unit_test(test_what_comes_while_closing_is_thrown_away),
        cmocka_unit_test(test_row_97_half_open_peer),
        cmocka_unit_test(test_row_97_half_open_peer_with_output_that_waits),
        cmocka_unit_test(test_heartbeats_are_sent_as_the_peer_asked),
        cmocka_unit_test(test_row_98_slow_loris),
        cmocka_unit_test(test_row_98_the_time_to_open_begins_with_the_socket),
        cmocka_unit_test(test_row_107_a_jump_of_the_clock_with_a_crowd),
        cmocka_unit_test(test_row_99_sigpipe_is_never_raised),
        cmocka_unit_test(test_the_peers_close_is_read_though_writing_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
