/* A broker in memory, and engines that are its clients. */
#include "tools/broker_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_pair.h"

enum { TEXT_MAX = 4096 };

amqpc_bytes fixture_bytes(const char *text)
{
    return (amqpc_bytes){text, strlen(text)};
}

void fixture_make(broker_fixture *fixture, const broker_options *options)
{
    broker_options chosen;
    broker_options_init(&chosen);
    memcpy(chosen.secret, "sixteen and more", sizeof chosen.secret);
    memset(fixture, 0, sizeof *fixture);
    fixture->now_ms = 1000;
    fixture->broker = broker_new(options == NULL ? &chosen : options);
    assert_non_null(fixture->broker);
    broker_set_time(fixture->broker, fixture->now_ms, 1700000000000);
}

static void drop_peer(fixture_peer *peer)
{
    if (peer->connection != NULL) {
        broker_remove(peer->connection);
    }
    amqpc_connection_free(peer->client);
    amqpc_connection_free(peer->server);
    *peer = (fixture_peer){.client = NULL};
}

void fixture_free(broker_fixture *fixture)
{
    for (size_t i = 0; i < fixture->peer_count; i++) {
        drop_peer(&fixture->peers[i]);
    }
    broker_free(fixture->broker);
}

void fixture_cut(broker_fixture *fixture, fixture_peer *peer)
{
    (void)fixture;
    (void)amqpc_connection_input_end(peer->server);
    broker_handle(peer->connection);
    drop_peer(peer);
}

static const uint8_t random_bytes[32] = "thirty-two bytes that are secret";

/* A place that was never used, or whose client is gone. */
static fixture_peer *take_place(broker_fixture *fixture)
{
    for (size_t i = 0; i < fixture->peer_count; i++) {
        if (fixture->peers[i].client == NULL) {
            return &fixture->peers[i];
        }
    }
    assert_true(fixture->peer_count < FIXTURE_PEERS);
    return &fixture->peers[fixture->peer_count++];
}

/* The broker's end. */
static bool make_server(broker_fixture *fixture, fixture_peer *peer)
{
    amqpc_connection_options options;
    amqpc_sasl_options sasl;
    amqpc_limits limits;
    broker_connection_options(fixture->broker, &options, &sasl, &limits);
    options.random = (amqpc_bytes){random_bytes, sizeof random_bytes};
    assert_int_equal(amqpc_connection_new(NULL, &options, &peer->server), AMQPC_OK);
    peer->connection = broker_add(fixture->broker, peer->server, peer);
    return peer->connection != NULL;
}

static void open_client(broker_fixture *fixture, fixture_peer *peer, const char *container,
                        const amqpc_sasl_options *sasl)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.sasl = sasl;
    options.unsettled_max = 2 * BROKER_UNSETTLED_MAX; /* the broker's limit is what counts */
    options.random = (amqpc_bytes){random_bytes, sizeof random_bytes};
    assert_int_equal(amqpc_connection_new(NULL, &options, &peer->client), AMQPC_OK);
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID,
                             .container_id = fixture_bytes(container)};
    assert_int_equal(amqpc_connection_open(peer->client, &open), AMQPC_OK);
    assert_int_equal(amqpc_session_new(peer->client, &peer->session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(peer->session, NULL), AMQPC_OK);
    fixture_run(fixture);
}

fixture_peer *fixture_connect_as(broker_fixture *fixture, const char *container,
                                 const amqpc_sasl_options *sasl, const char *subject)
{
    fixture_peer *peer = take_place(fixture);
    assert_true(make_server(fixture, peer));
    if (subject != NULL) {
        assert_true(broker_set_subject(peer->connection, subject));
    }
    open_client(fixture, peer, container, sasl);
    return peer;
}

fixture_peer *fixture_connect(broker_fixture *fixture, const char *container,
                              const amqpc_sasl_options *sasl)
{
    return fixture_connect_as(fixture, container, sasl, NULL);
}

fixture_peer *fixture_try_connect(broker_fixture *fixture, const char *container)
{
    fixture_peer *peer = take_place(fixture);
    if (!make_server(fixture, peer)) {
        drop_peer(peer);
        return NULL;
    }
    open_client(fixture, peer, container, NULL);
    return peer;
}

static size_t run_peer(fixture_peer *peer)
{
    if (peer->client == NULL) {
        return 0;
    }
    size_t moved = engine_pump(peer->client, peer->server, SIZE_MAX);
    broker_handle(peer->connection);
    return moved;
}

void fixture_run(broker_fixture *fixture)
{
    size_t moved = 1;
    while (moved > 0) {
        moved = 0;
        for (size_t i = 0; i < fixture->peer_count; i++) {
            moved += run_peer(&fixture->peers[i]);
        }
        (void)broker_end_round(fixture->broker);
        while (broker_next_dirty(fixture->broker) != NULL) {
        }
        for (size_t i = 0; i < fixture->peer_count; i++) {
            fixture_peer *peer = &fixture->peers[i];
            moved += peer->client == NULL ? 0 : engine_pump(peer->server, peer->client, SIZE_MAX);
        }
    }
}

void fixture_pass(broker_fixture *fixture, uint64_t ms)
{
    fixture->now_ms += ms;
    broker_set_time(fixture->broker, fixture->now_ms,
                    (int64_t)(1700000000000 + fixture->now_ms - 1000));
    fixture_run(fixture);
}

/* --- Links. */

amqpc_source fixture_source(const char *address)
{
    return (amqpc_source){.present = AMQPC_SOURCE_ADDRESS, .address = fixture_bytes(address)};
}

amqpc_link *fixture_sender(broker_fixture *fixture, fixture_peer *peer, const char *name,
                           const char *address, const amqpc_attach *attach)
{
    amqpc_link *link = NULL;
    const amqpc_source source = fixture_source("here");
    amqpc_target target = {.present = 0};
    if (address != NULL) {
        target.present = AMQPC_TARGET_ADDRESS;
        target.address = fixture_bytes(address);
    }
    assert_int_equal(amqpc_link_new(peer->session, AMQPC_ROLE_SENDER, fixture_bytes(name), &link),
                     AMQPC_OK);
    bool has_target = attach != NULL && attach->present & AMQPC_ATTACH_TARGET;
    assert_int_equal(amqpc_link_attach(link, attach, &source, has_target ? NULL : &target),
                     AMQPC_OK);
    fixture_run(fixture);
    return link;
}

amqpc_link *fixture_receiver(broker_fixture *fixture, fixture_peer *peer, const char *name,
                             const amqpc_source *source, const amqpc_attach *attach,
                             uint32_t credit)
{
    amqpc_link *link = NULL;
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = fixture_bytes("here")};
    assert_int_equal(amqpc_link_new(peer->session, AMQPC_ROLE_RECEIVER, fixture_bytes(name), &link),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(link, credit), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(link, attach, source, &target), AMQPC_OK);
    fixture_run(fixture);
    return link;
}

const char *fixture_condition(const amqpc_link *link)
{
    static char condition[128];
    amqpc_error error;
    condition[0] = '\0';
    if (amqpc_link_error(link, &error) == AMQPC_OK) {
        assert_true(error.condition.size < sizeof condition);
        memcpy(condition, error.condition.data, error.condition.size);
        condition[error.condition.size] = '\0';
    }
    return condition;
}

/* --- Messages. */

void fixture_send_message(broker_fixture *fixture, amqpc_link *link, const amqpc_message *message,
                          const amqpc_send_options *options)
{
    static uint8_t data[1 << 16];
    size_t size = 0;
    assert_int_equal(amqpc_message_encode(message, 0, data, sizeof data, &size), AMQPC_OK);
    assert_int_equal(amqpc_link_send(link, (amqpc_bytes){data, size}, options, NULL), AMQPC_OK);
    fixture_run(fixture);
}

void fixture_send(broker_fixture *fixture, amqpc_link *link, const char *text)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_STRING;
    message.body.as.bytes = fixture_bytes(text);
    fixture_send_message(fixture, link, &message, NULL);
}

amqpc_delivery fixture_take(broker_fixture *fixture, amqpc_link *link)
{
    amqpc_delivery delivery;
    size_t count = 0;
    fixture_run(fixture);
    assert_int_equal(amqpc_link_receive(link, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    return delivery;
}

amqpc_message fixture_message(const amqpc_delivery *delivery)
{
    amqpc_message message;
    assert_int_equal(
        amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL, &message, NULL),
        AMQPC_OK);
    return message;
}

const char *fixture_texts(broker_fixture *fixture, amqpc_link *link)
{
    static char texts[TEXT_MAX];
    amqpc_delivery delivery;
    size_t count = 0;
    size_t size = 0;
    fixture_run(fixture);
    while (amqpc_link_receive(link, &delivery, 1, &count) == AMQPC_OK && count == 1) {
        amqpc_message message = fixture_message(&delivery);
        assert_true(size + message.body.as.bytes.size + 2 < sizeof texts);
        if (size > 0) {
            texts[size++] = ' ';
        }
        memcpy(texts + size, message.body.as.bytes.data, message.body.as.bytes.size);
        size += message.body.as.bytes.size;
        if (!delivery.settled) {
            assert_int_equal(
                amqpc_link_settle(link, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED),
                AMQPC_OK);
        }
        amqpc_delivery_release(&delivery);
        fixture_run(fixture);
    }
    texts[size] = '\0';
    return texts;
}

void fixture_expect(broker_fixture *fixture, amqpc_link *link, const char *text,
                    uint32_t state_type)
{
    amqpc_delivery delivery = fixture_take(fixture, link);
    amqpc_message message = fixture_message(&delivery);
    assert_int_equal(message.body.as.bytes.size, strlen(text));
    assert_memory_equal(message.body.as.bytes.data, text, strlen(text));
    if (state_type == AMQPC_COMPOSITE_REJECTED) {
        assert_int_equal(amqpc_link_reject(link, delivery.number, delivery.number, NULL), AMQPC_OK);
    } else if (state_type != AMQPC_COMPOSITE_NONE) {
        assert_int_equal(amqpc_link_settle(link, delivery.number, delivery.number, state_type),
                         AMQPC_OK);
    }
    amqpc_delivery_release(&delivery);
    fixture_run(fixture);
}

amqpc_update fixture_update(amqpc_link *link)
{
    amqpc_update update;
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, &update, 1, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    return update;
}
