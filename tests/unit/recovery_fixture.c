/* Two engines whose link is suspended and attached again (AMQP 2.6.13). */
#include "recovery_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const amqpc_source the_source = {.present = AMQPC_SOURCE_ADDRESS, .address = {"here", 4}};
static const amqpc_target the_target = {.present = AMQPC_TARGET_ADDRESS, .address = {"queue", 5}};

static amqpc_attach attach_of(uint8_t rcv_settle_mode)
{
    return (amqpc_attach){
        .present = AMQPC_ATTACH_RCV_SETTLE_MODE,
        .rcv_settle_mode = rcv_settle_mode,
    };
}

void recovery_open(engine_pair *pair, uint8_t rcv_settle_mode, uint32_t credit)
{
    amqpc_attach attach = attach_of(rcv_settle_mode);
    engine_pair_open(pair);
    engine_pair_attach(pair, &attach);
    if (credit > 0) {
        assert_int_equal(amqpc_link_add_credit(pair->receiver, credit), AMQPC_OK);
        engine_exchange(pair);
    }
}

void recovery_detach(engine_pair *pair)
{
    assert_int_equal(amqpc_link_detach(pair->sender, false, NULL), AMQPC_OK);
    engine_exchange(pair);
    assert_int_equal(amqpc_link_detach(pair->receiver, false, NULL), AMQPC_OK);
    engine_exchange(pair);
    assert_int_equal(amqpc_link_get_state(pair->sender), AMQPC_LINK_DETACHED);
    assert_int_equal(amqpc_link_get_state(pair->receiver), AMQPC_LINK_DETACHED);
    engine_events(pair->client);
    engine_events(pair->server);
}

void recovery_attach_client(engine_pair *pair)
{
    amqpc_attach attach = attach_of(AMQPC_RECEIVER_SETTLE_MODE_FIRST);
    amqpc_attach before;
    if (amqpc_link_remote_attach(pair->sender, &before) == AMQPC_OK) {
        attach.rcv_settle_mode = before.rcv_settle_mode;
    }
    assert_int_equal(amqpc_link_attach(pair->sender, &attach, &the_source, &the_target), AMQPC_OK);
}

void recovery_attach(engine_pair *pair)
{
    recovery_attach_client(pair);
    engine_exchange(pair);
    assert_ptr_equal(engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link, pair->receiver);
    assert_int_equal(amqpc_link_attach(pair->receiver, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    engine_events(pair->server);
}

void recovery_cut(engine_pair *pair)
{
    assert_int_equal(amqpc_connection_input_end(pair->client), AMQPC_STREAM_ENDED);
    assert_int_equal(amqpc_connection_input_end(pair->server), AMQPC_STREAM_ENDED);
    engine_events(pair->client);
    engine_events(pair->server);
}

amqpc_buffer *recovery_export(const amqpc_link *link)
{
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), AMQPC_OK);
    assert_int_equal(amqpc_link_export(link, buffer), AMQPC_OK);
    return buffer;
}

static void import(amqpc_link *link, const amqpc_buffer *buffer)
{
    if (buffer != NULL) {
        assert_int_equal(
            amqpc_link_import(link, amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)),
            AMQPC_OK);
    }
}

void recovery_reopen(engine_pair *pair, const amqpc_buffer *sender, const amqpc_buffer *receiver)
{
    engine_pair_free(pair);
    engine_pair_open(pair);
    assert_int_equal(
        amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER, engine_text("link"), &pair->sender),
        AMQPC_OK);
    import(pair->sender, sender);
    recovery_attach_client(pair);
    engine_exchange(pair);
    pair->receiver = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    import(pair->receiver, receiver);
}

void recovery_restart(engine_pair *pair, bool with_sender, bool with_receiver)
{
    amqpc_buffer *sender = with_sender ? recovery_export(pair->sender) : NULL;
    amqpc_buffer *receiver = with_receiver ? recovery_export(pair->receiver) : NULL;
    recovery_reopen(pair, sender, receiver);
    assert_int_equal(amqpc_link_attach(pair->receiver, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    engine_events(pair->server);
    amqpc_buffer_free(sender);
    amqpc_buffer_free(receiver);
}

uint64_t recovery_send(engine_pair *pair, const char *payload)
{
    uint64_t number = 0;
    assert_int_equal(amqpc_link_send(pair->sender, engine_text(payload), NULL, &number), AMQPC_OK);
    return number;
}

amqpc_delivery recovery_receive(engine_pair *pair, const char *payload)
{
    amqpc_delivery deliveries[2];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair->receiver, deliveries, 2, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(deliveries[0].payload.size, strlen(payload));
    if (deliveries[0].payload.size > 0) {
        assert_memory_equal(deliveries[0].payload.data, payload, strlen(payload));
    }
    amqpc_delivery_release(&deliveries[0]);
    return deliveries[0];
}

void recovery_expect_nothing(engine_pair *pair)
{
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair->receiver, &delivery, 1, &count), AMQPC_OK);
    assert_int_equal(count, 0);
}

amqpc_update recovery_update(amqpc_link *link)
{
    amqpc_update updates[2];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, updates, 2, &count), AMQPC_OK);
    assert_int_equal(count, 1);
    return updates[0];
}

void recovery_expect_no_update(amqpc_link *link)
{
    amqpc_update update;
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, &update, 1, &count), AMQPC_OK);
    assert_int_equal(count, 0);
}
