/* Clients and a peer that does what servers seldom do, or looks at what the client says of itself.
 * The test is the peer: its own thread serves, the client's in the background drives the client. */
#include "client/client_fixture.h"

#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>
#include <stdio.h>
#include <string.h>

/* session, link  of the client, as the last attach showed them
 * refused        a link of the peer's own has ended, with `condition`
 * ended          a session of the peer's own has ended */
typedef struct peer {
    amqpc_poller *poller;
    amqpc_listener *listener;
    amqpc_transport *transport;
    amqpc_client *client;
    amqpc_session *session;
    amqpc_link *link;
    amqpc_session *own_session;
    amqpc_link *own_link;
    bool refused;
    bool ended;
    char condition[64];
} peer;

static amqpc_bytes text_of(const char *text)
{
    return (amqpc_bytes){text, strlen(text)};
}

static void take_link_event(peer *self, const amqpc_connection_event *event)
{
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = text_of("made up")};
    amqpc_error error;
    bool is_own = event->link == self->own_link;
    if (event->type == AMQPC_EVENT_LINK_ATTACH && !is_own) {
        bool sends = amqpc_link_role(event->link) == AMQPC_ROLE_SENDER;
        self->session = event->session;
        self->link = event->link;
        assert_ok(amqpc_link_attach(event->link, NULL, NULL, sends ? NULL : &target));
        if (!sends) {
            assert_ok(amqpc_link_set_prefetch(event->link, 100));
        }
    } else if (event->type == AMQPC_EVENT_LINK_DETACH && is_own) {
        assert_ok(amqpc_link_error(event->link, &error));
        (void)snprintf(self->condition, sizeof self->condition, "%.*s", (int)error.condition.size,
                       (const char *)error.condition.data);
        self->refused = true;
    } else if (event->type == AMQPC_EVENT_DELIVERIES) {
        amqpc_delivery deliveries[16];
        size_t count = 0;
        assert_ok(amqpc_link_receive(event->link, deliveries, 16, &count));
        for (size_t i = 0; i < count; i++) {
            assert_ok(amqpc_link_settle(event->link, deliveries[i].number, deliveries[i].number,
                                        AMQPC_COMPOSITE_ACCEPTED));
        }
        amqpc_deliveries_release(deliveries, count);
    }
}

static void take_event(peer *self, const amqpc_connection_event *event)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = text_of("peer")};
    switch (event->type) {
    case AMQPC_EVENT_SASL:
        assert_ok(amqpc_sasl_finish(event->connection, AMQPC_SASL_CODE_OK, (amqpc_bytes){NULL, 0}));
        break;
    case AMQPC_EVENT_CONNECTION_OPEN:
        assert_ok(amqpc_connection_open(event->connection, &open));
        break;
    case AMQPC_EVENT_SESSION_BEGIN:
        if (event->session != self->own_session) {
            assert_ok(amqpc_session_begin(event->session, NULL));
        }
        break;
    case AMQPC_EVENT_SESSION_END:
        self->ended = self->ended || event->session == self->own_session;
        break;
    default:
        if (event->link != NULL) {
            take_link_event(self, event);
        }
        break;
    }
}

/* One round of the peer. */
static void serve(peer *self)
{
    amqpc_ready ready;
    amqpc_connection_event event;
    amqpc_status status = amqpc_poller_wait(self->poller, 5);
    assert_true(status == AMQPC_OK || status == AMQPC_TIMED_OUT);
    while (amqpc_poller_next(self->poller, &ready)) {
        if (ready.listener != NULL) {
            assert_ok(amqpc_listener_accept(ready.listener, NULL, &self->transport));
            continue;
        }
        while (amqpc_connection_next_event(amqpc_transport_connection(ready.transport), &event)) {
            take_event(self, &event);
        }
    }
}

static void peer_start(peer *self, amqpc_client_options *options)
{
    char url[64];
    memset(self, 0, sizeof *self);
    assert_ok(amqpc_poller_new(NULL, &self->poller));
    assert_ok(amqpc_listener_new(self->poller, NULL, &self->listener, NULL, 0));
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u",
                   (unsigned)amqpc_listener_port(self->listener));
    options->mechanisms = "none";
    assert_ok(amqpc_client_new(url, options, &self->client, NULL));
}

static void peer_stop(peer *self)
{
    amqpc_client_free(self->client);
    amqpc_poller_free(self->poller);
}

/* Serves until the condition holds. */
#define serve_until(self, condition)                                                               \
    for (uint64_t end_ms = amqpc_now_ms() + PATIENCE_MS; !(condition);) {                          \
        serve(self);                                                                               \
        assert_true(amqpc_now_ms() < end_ms);                                                      \
    }

static bool is_open(amqpc_sender *sender)
{
    return amqpc_sender_wait_open(sender, 0) == AMQPC_OK;
}

/* The client works: a message is sent and accepted. */
static void check_works(peer *self, amqpc_sender *sender)
{
    amqpc_completion completion;
    size_t count = 0;
    uint8_t storage[13];
    amqpc_bytes payload = number_payload(1, storage);
    size_t posted = 0;
    serve_until(self, is_open(sender) && amqpc_sender_credit(sender) > 0);
    assert_ok(amqpc_sender_post_batch(sender, &payload, 1, 1, 0, &posted));
    serve_until(self, amqpc_sender_completions(sender, &completion, 1, 0, &count) == AMQPC_OK);
    assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completion.state_type);
}

static void refuses_link_of(bool role)
{
    peer self;
    amqpc_client_options options = client_fixture_options();
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = text_of("theirs")};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = text_of("yours")};
    peer_start(&self, &options);
    amqpc_sender *sender = make_sender(self.client, "queue", AMQPC_AT_LEAST_ONCE);
    serve_until(&self, is_open(sender));
    assert_ok(amqpc_link_new(self.session, role, text_of("of the peer"), &self.own_link));
    assert_ok(amqpc_link_attach(self.own_link, NULL, &source, &target));
    amqpc_transport_touch(self.transport);
    serve_until(&self, self.refused);
    assert_string_equal("amqp:not-allowed", self.condition);
    check_works(&self, sender);
    peer_stop(&self);
}

static void test_links_of_the_peers_own_are_refused(void **state)
{
    (void)state;
    refuses_link_of(AMQPC_ROLE_SENDER);
    refuses_link_of(AMQPC_ROLE_RECEIVER);
}

static void test_sessions_of_the_peers_own_are_ended(void **state)
{
    peer self;
    amqpc_client_options options = client_fixture_options();
    (void)state;
    peer_start(&self, &options);
    amqpc_sender *sender = make_sender(self.client, "queue", AMQPC_AT_LEAST_ONCE);
    serve_until(&self, is_open(sender));
    amqpc_connection *connection = amqpc_transport_connection(self.transport);
    assert_ok(amqpc_session_new(connection, &self.own_session));
    assert_ok(amqpc_session_begin(self.own_session, NULL));
    amqpc_transport_touch(self.transport);
    serve_until(&self, self.ended);
    check_works(&self, sender);
    peer_stop(&self);
}

static void test_the_peer_hears_what_the_client_and_its_links_say_of_themselves(void **state)
{
    peer self;
    amqpc_open open;
    amqpc_attach attach;
    amqpc_bytes capability;
    amqpc_value property[2] = {{.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}};
    amqpc_value properties = {.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2};
    amqpc_client_options options = client_fixture_options();
    amqpc_sender_options sender_options;
    amqpc_sender *sender = NULL;
    (void)state;
    options.desired_capabilities = "first second";
    options.container_id = "the client";
    peer_start(&self, &options);
    amqpc_sender_options_init(&sender_options, sizeof sender_options);
    property[0].as.bytes = text_of("key");
    property[1].as.bytes = text_of("value");
    properties.as.items = property;
    sender_options.properties = &properties;
    sender_options.capabilities = "queue";
    assert_ok(amqpc_sender_new(self.client, "queue", &sender_options, &sender));
    serve_until(&self, is_open(sender));
    assert_ok(amqpc_connection_remote_open(amqpc_transport_connection(self.transport), &open));
    assert_memory_equal("the client", open.container_id.data, open.container_id.size);
    assert_int_equal(2, open.desired_capabilities.count);
    assert_ok(amqpc_symbols_get(&open.desired_capabilities, 1, &capability));
    assert_int_equal(strlen("second"), capability.size);
    assert_memory_equal("second", capability.data, capability.size);
    assert_ok(amqpc_link_remote_attach(self.link, &attach));
    assert_int_equal(2, attach.properties.count);
    assert_int_equal(1, attach.desired_capabilities.count);
    assert_ok(amqpc_symbols_get(&attach.desired_capabilities, 0, &capability));
    assert_memory_equal("queue", capability.data, capability.size);
    peer_stop(&self);
}

static void test_the_address_is_that_of_the_peers_target(void **state)
{
    peer self;
    char address[16];
    amqpc_client_options options = client_fixture_options();
    (void)state;
    peer_start(&self, &options);
    amqpc_sender *sender = make_sender(self.client, "queue", AMQPC_AT_LEAST_ONCE);
    assert_status(AMQPC_NOT_FOUND, amqpc_sender_address(sender, address, sizeof address));
    serve_until(&self, is_open(sender));
    assert_ok(amqpc_sender_address(sender, address, sizeof address));
    assert_string_equal("made up", address);
    assert_status(AMQPC_BUFFER_FULL, amqpc_sender_address(sender, address, 7));
    peer_stop(&self);
}

static void test_too_many_capabilities_are_refused(void **state)
{
    peer self;
    char many[512] = "";
    amqpc_client_options options = client_fixture_options();
    amqpc_sender_options sender_options;
    amqpc_sender *sender = NULL;
    (void)state;
    peer_start(&self, &options);
    memset(many, ' ', sizeof many - 1);
    for (size_t i = 0; i < sizeof many - 1; i += 2) {
        many[i] = 'c';
    }
    amqpc_sender_options_init(&sender_options, sizeof sender_options);
    sender_options.capabilities = many;
    assert_status(AMQPC_INVALID_ARGUMENT,
                  amqpc_sender_new(self.client, "queue", &sender_options, &sender));
    peer_stop(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_of_the_peers_own_are_refused),
        cmocka_unit_test(test_sessions_of_the_peers_own_are_ended),
        cmocka_unit_test(test_the_peer_hears_what_the_client_and_its_links_say_of_themselves),
        cmocka_unit_test(test_the_address_is_that_of_the_peers_target),
        cmocka_unit_test(test_too_many_capabilities_are_refused),
    };
    return cmocka_run_group_tests_name("client peer", tests, NULL, NULL);
}
