/* A controller and a resource: two engines, a link to a coordinator, and a link to post by. */
#include "transaction_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CREDIT = 100 };

void assert_same_bytes(amqpc_bytes bytes, amqpc_bytes expected)
{
    assert_int_equal(bytes.size, expected.size);
    assert_memory_equal(bytes.data, expected.data, expected.size);
}

static void attach_coordinator(transaction_fixture *fixture)
{
    static const amqpc_bytes wanted[] = {{"amqp:local-transactions", 23},
                                         {"amqp:multi-txns-per-ssn", 23}};
    amqpc_coordinator coordinator = {.present = AMQPC_COORDINATOR_CAPABILITIES};
    coordinator.capabilities.count = 2;
    coordinator.capabilities.items = wanted;
    engine_pair *pair = &fixture->pair;
    assert_int_equal(amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER, engine_text("control"),
                                    &fixture->controller),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_attach_coordinator(fixture->controller, NULL, &coordinator),
                     AMQPC_OK);
    engine_exchange(pair);
    fixture->coordinator = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    coordinator.capabilities.count = 1;
    assert_int_equal(amqpc_link_attach_coordinator(fixture->coordinator, NULL, &coordinator),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(fixture->coordinator, CREDIT), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
    engine_events(pair->server);
}

void transaction_open(transaction_fixture *fixture, const amqpc_connection_options *options)
{
    memset(fixture, 0, sizeof *fixture);
    engine_pair_open_with(&fixture->pair, options, options);
    attach_coordinator(fixture);
    engine_pair_attach(&fixture->pair, NULL);
    assert_int_equal(amqpc_link_add_credit(fixture->pair.receiver, CREDIT), AMQPC_OK);
    engine_exchange(&fixture->pair);
}

void transaction_close(transaction_fixture *fixture)
{
    engine_pair_free(&fixture->pair);
}

/* --- The resource. */

unsigned transaction_find(const transaction_fixture *fixture, amqpc_bytes txn_id)
{
    const uint8_t *bytes = (const uint8_t *)txn_id.data;
    bool ours = txn_id.size == TXN_ID_SIZE && memcmp(bytes, "txn-", TXN_ID_SIZE - 1) == 0;
    unsigned index = ours ? bytes[TXN_ID_SIZE - 1] : TRANSACTIONS_MAX;
    return index < TRANSACTIONS_MAX && fixture->live[index] ? index : TRANSACTIONS_MAX;
}

void transaction_roll_back_all(transaction_fixture *fixture)
{
    memset(fixture->live, 0, sizeof fixture->live);
    memset(fixture->posted, 0, sizeof fixture->posted);
    memset(fixture->retired, 0, sizeof fixture->retired);
}

static void begin(transaction_fixture *fixture, uint64_t number)
{
    uint8_t id[TXN_ID_SIZE] = {'t', 'x', 'n', '-', (uint8_t)fixture->declared_count};
    assert_true(fixture->declared_count < TRANSACTIONS_MAX);
    fixture->live[fixture->declared_count++] = true;
    assert_int_equal(
        amqpc_link_declared(fixture->coordinator, number, (amqpc_bytes){id, sizeof id}), AMQPC_OK);
}

static void end(transaction_fixture *fixture, uint64_t number, const amqpc_discharge *discharge)
{
    unsigned index = transaction_find(fixture, discharge->txn_id);
    if (index == TRANSACTIONS_MAX) {
        assert_int_equal(
            amqpc_link_refuse_request(fixture->coordinator, number, AMQPC_TRANSACTION_UNKNOWN_ID),
            AMQPC_OK);
        return;
    }
    fixture->stored += discharge->fail ? 0 : fixture->posted[index];
    fixture->acknowledged += discharge->fail ? 0 : fixture->retired[index];
    fixture->live[index] = false;
    fixture->posted[index] = 0;
    fixture->retired[index] = 0;
    assert_int_equal(
        amqpc_link_settle(fixture->coordinator, number, number, AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK);
}

void transaction_serve_coordinator(transaction_fixture *fixture)
{
    amqpc_delivery delivery;
    size_t count = 0;
    while (amqpc_link_receive(fixture->coordinator, &delivery, 1, &count) == AMQPC_OK &&
           count == 1) {
        amqpc_transaction_request request;
        amqpc_status status =
            amqpc_link_transaction_request(fixture->coordinator, &delivery, &request);
        if (status != AMQPC_OK) {
            assert_int_equal(
                amqpc_link_refuse_request(fixture->coordinator, delivery.number, status), AMQPC_OK);
        } else if (request.type == AMQPC_COMPOSITE_DECLARE) {
            begin(fixture, delivery.number);
        } else {
            end(fixture, delivery.number, &request.as.discharge);
        }
        amqpc_delivery_release(&delivery);
    }
}

/* A message that was posted: the controller hears of the outcome that it will have (AMQP 4.4.1). */
static void take_posted(transaction_fixture *fixture, const amqpc_delivery *delivery)
{
    amqpc_transactional_state posted;
    assert_int_equal(amqpc_delivery_transaction(delivery, &posted), AMQPC_OK);
    assert_false(posted.present & AMQPC_TRANSACTIONAL_STATE_OUTCOME);
    unsigned index = transaction_find(fixture, posted.txn_id);
    assert_true(index < TRANSACTIONS_MAX);
    fixture->posted[index]++;
    if (!delivery->settled) {
        amqpc_transaction_state state;
        amqpc_transaction_state_init(&state, posted.txn_id, AMQPC_COMPOSITE_ACCEPTED);
        assert_int_equal(amqpc_link_update(fixture->pair.receiver, delivery->number,
                                           delivery->number, &state.value, true),
                         AMQPC_OK);
    }
}

void transaction_serve(transaction_fixture *fixture)
{
    amqpc_delivery delivery;
    size_t count = 0;
    engine_exchange(&fixture->pair);
    while (amqpc_link_receive(fixture->pair.receiver, &delivery, 1, &count) == AMQPC_OK &&
           count == 1) {
        take_posted(fixture, &delivery);
        amqpc_delivery_release(&delivery);
    }
    transaction_serve_coordinator(fixture);
    engine_exchange(&fixture->pair);
}

/* --- The controller. */

amqpc_bytes transaction_declare(transaction_fixture *fixture, uint8_t storage[TXN_ID_SIZE])
{
    uint64_t number = 0;
    amqpc_bytes txn_id = {NULL, 0};
    assert_int_equal(amqpc_link_declare(fixture->controller, NULL, NULL, &number), AMQPC_OK);
    transaction_serve(fixture);
    amqpc_update update = engine_update(fixture->controller);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_int_equal(amqpc_update_declared(&update, &txn_id), AMQPC_OK);
    assert_int_equal(txn_id.size, TXN_ID_SIZE);
    memcpy(storage, txn_id.data, TXN_ID_SIZE);
    return (amqpc_bytes){storage, TXN_ID_SIZE};
}

amqpc_status transaction_discharge(transaction_fixture *fixture, amqpc_bytes txn_id, bool fail)
{
    uint64_t number = 0;
    assert_int_equal(amqpc_link_discharge(fixture->controller, txn_id, fail, NULL, &number),
                     AMQPC_OK);
    transaction_serve(fixture);
    amqpc_update update = engine_update(fixture->controller);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    return amqpc_update_discharged(&update);
}

uint64_t transaction_post(amqpc_link *link, amqpc_bytes txn_id, amqpc_bytes payload)
{
    amqpc_transaction_state state;
    amqpc_send_options options;
    uint64_t number = 0;
    amqpc_transaction_state_init(&state, txn_id, AMQPC_COMPOSITE_NONE);
    amqpc_send_options_init(&options, sizeof options);
    options.state = &state.value;
    assert_int_equal(amqpc_link_send(link, payload, &options, &number), AMQPC_OK);
    return number;
}
