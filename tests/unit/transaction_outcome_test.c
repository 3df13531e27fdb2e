/* Transactions between two engines: acquisition, retirement, and what goes wrong (AMQP 4.3, 4.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transaction_fixture.h"

static transaction_fixture fixture;

/* A link by which the controller receives. */
static amqpc_link *consumer;
static amqpc_link *producer;

static void attach_consumer(void)
{
    engine_pair *pair = &fixture.pair;
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("queue")};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = engine_text("here")};
    assert_int_equal(amqpc_link_new(pair->client_session, AMQPC_ROLE_RECEIVER,
                                    engine_text("consumer"), &consumer),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_attach(consumer, NULL, &source, &target), AMQPC_OK);
    engine_exchange(pair);
    producer = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(producer, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(pair);
}

static int setup(void **state)
{
    (void)state;
    transaction_open(&fixture, NULL);
    attach_consumer();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    transaction_close(&fixture);
    return 0;
}

/* --- Acquisition. */

static void test_messages_are_acquired_in_the_transaction_that_flow_names(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_bytes wanted;
    amqpc_transactional_state acquired;
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    assert_int_equal(amqpc_link_remote_transaction(producer, &wanted), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_acquire_in(consumer, txn_id), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(consumer, 2), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_int_equal(engine_event(fixture.pair.server, AMQPC_EVENT_LINK_FLOW).link == producer, 1);
    /* The flow with the credit names none: the transaction holds until it is discharged. */
    assert_int_equal(amqpc_link_remote_transaction(producer, &wanted), AMQPC_OK);
    assert_same_bytes(wanted, txn_id);
    (void)transaction_post(producer, wanted, engine_text("job"));
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(consumer);
    assert_int_equal(amqpc_delivery_transaction(&delivery, &acquired), AMQPC_OK);
    assert_same_bytes(acquired.txn_id, txn_id);
    amqpc_transaction_state retired;
    amqpc_transaction_state_init(&retired, txn_id, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(
        amqpc_link_update(consumer, delivery.number, delivery.number, &retired.value, true),
        AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    amqpc_update update = engine_update(producer);
    assert_true(update.settled);
    assert_int_equal(amqpc_update_transaction(&update, &acquired), AMQPC_OK);
    assert_same_bytes(acquired.txn_id, txn_id);
    assert_int_equal(amqpc_value_composite(&acquired.outcome), AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(transaction_discharge(&fixture, txn_id, false), AMQPC_OK);
}

static void test_acquisition_ends_with_a_null_transaction(void **state)
{
    (void)state;
    amqpc_bytes wanted;
    assert_int_equal(amqpc_link_acquire_in(consumer, engine_text("txn")), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_int_equal(amqpc_link_remote_transaction(producer, &wanted), AMQPC_OK);
    assert_int_equal(amqpc_link_acquire_in(consumer, (amqpc_bytes){NULL, 0}), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_int_equal(amqpc_link_remote_transaction(producer, &wanted), AMQPC_NOT_FOUND);
}

static void test_a_transaction_to_acquire_in_is_binary(void **state)
{
    (void)state;
    amqpc_bytes wanted;
    amqpc_value entry[2] = {{.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}};
    entry[0].as.bytes = engine_text("txn-id");
    entry[1].as.bytes = engine_text("text");
    amqpc_value properties = {
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = entry};
    assert_int_equal(amqpc_link_send_flow(consumer, false, &properties), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_int_equal(amqpc_link_remote_transaction(producer, &wanted), AMQPC_WRONG_TYPE);
    entry[0].as.bytes = engine_text("txn-ids");
    assert_int_equal(amqpc_link_send_flow(consumer, false, &properties), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_int_equal(amqpc_link_remote_transaction(producer, &wanted), AMQPC_NOT_FOUND);
}

static void test_only_an_attached_receiver_acquires(void **state)
{
    (void)state;
    amqpc_link *link = NULL;
    assert_int_equal(amqpc_link_acquire_in(producer, engine_text("txn")), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_new(fixture.pair.client_session, AMQPC_ROLE_RECEIVER,
                                    engine_text("other"), &link),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_acquire_in(link, engine_text("txn")), AMQPC_INVALID_STATE);
}

/* --- Retirement. */

static void test_an_acceptance_holds_after_the_commit(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    assert_int_equal(amqpc_link_add_credit(consumer, 1), AMQPC_OK);
    engine_exchange(&fixture.pair);
    (void)engine_send(producer, "job");
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(consumer);
    amqpc_transaction_state retired;
    amqpc_transaction_state_init(&retired, txn_id, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(
        amqpc_link_update(consumer, delivery.number, delivery.number, &retired.value, false),
        AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    amqpc_update update = engine_update(producer);
    amqpc_transactional_state told;
    assert_false(update.settled);
    assert_int_equal(amqpc_update_transaction(&update, &told), AMQPC_OK);
    unsigned index = transaction_find(&fixture, told.txn_id);
    assert_int_equal(index, 0);
    fixture.retired[index] += amqpc_value_composite(&told.outcome) == AMQPC_COMPOSITE_ACCEPTED;
    assert_int_equal(fixture.acknowledged, 0);
    assert_int_equal(transaction_discharge(&fixture, txn_id, false), AMQPC_OK);
    assert_int_equal(fixture.acknowledged, 1);
    /* The resource settles what the transaction has decided, and the controller hears of it. */
    assert_int_equal(
        amqpc_link_settle(producer, update.number, update.number, AMQPC_COMPOSITE_NONE), AMQPC_OK);
    engine_exchange(&fixture.pair);
    assert_true(engine_update(consumer).settled);
    assert_int_equal(amqpc_link_unsettled_count(producer), 0);
    assert_int_equal(amqpc_link_unsettled_count(consumer), 0);
}

static void test_an_outcome_in_a_transaction_has_its_fields(void **state)
{
    (void)state;
    assert_int_equal(amqpc_link_add_credit(consumer, 1), AMQPC_OK);
    engine_exchange(&fixture.pair);
    (void)engine_send(producer, "job");
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(consumer);
    uint8_t bytes[128];
    size_t size = 0;
    amqpc_value outcome;
    amqpc_rejected rejected = {.present = AMQPC_REJECTED_ERROR};
    rejected.error.present = AMQPC_ERROR_CONDITION;
    rejected.error.condition = engine_text("mine:bad");
    assert_int_equal(amqpc_rejected_encode(&rejected, bytes, sizeof bytes, &size), AMQPC_OK);
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &outcome, NULL), AMQPC_OK);
    amqpc_transaction_state retired;
    amqpc_transaction_state_init_outcome(&retired, engine_text("txn"), &outcome);
    assert_int_equal(
        amqpc_link_update(consumer, delivery.number, delivery.number, &retired.value, true),
        AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    amqpc_update update = engine_update(producer);
    amqpc_transactional_state told;
    assert_int_equal(amqpc_update_transaction(&update, &told), AMQPC_OK);
    assert_same_bytes(told.txn_id, engine_text("txn"));
    memset(&rejected, 0, sizeof rejected);
    assert_int_equal(amqpc_rejected_from_value(&told.outcome, NULL, &rejected), AMQPC_OK);
    assert_same_bytes(rejected.error.condition, engine_text("mine:bad"));
}

/* --- What goes wrong. */

static amqpc_rejected rejected_of(const amqpc_update *update)
{
    amqpc_rejected rejected;
    assert_int_equal(update->state_type, AMQPC_COMPOSITE_REJECTED);
    assert_int_equal(amqpc_rejected_from_value(&update->state, NULL, &rejected), AMQPC_OK);
    return rejected;
}

static void test_an_unknown_transaction_is_rejected_as_unknown(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    assert_int_equal(
        amqpc_link_discharge(fixture.controller, engine_text("nobody's"), false, NULL, NULL),
        AMQPC_OK);
    transaction_serve(&fixture);
    amqpc_update update = engine_update(fixture.controller);
    assert_same_bytes(rejected_of(&update).error.condition,
                      engine_text("amqp:transaction:unknown-id"));
    assert_int_equal(amqpc_update_discharged(&update), AMQPC_TRANSACTION_UNKNOWN_ID);
    /* The link goes on, and a transaction is unknown once it is discharged. */
    assert_int_equal(transaction_discharge(&fixture, txn_id, false), AMQPC_OK);
    assert_int_equal(transaction_discharge(&fixture, txn_id, false), AMQPC_TRANSACTION_UNKNOWN_ID);
    assert_int_equal(transaction_discharge(&fixture, (amqpc_bytes){NULL, 0}, true),
                     AMQPC_TRANSACTION_UNKNOWN_ID);
}

static void test_faults_of_transactions_have_statuses(void **state)
{
    (void)state;
    static const struct {
        amqpc_status refused;
        amqpc_status heard;
        const char *condition;
    } rows[] = {
        {AMQPC_TRANSACTION_ROLLBACK, AMQPC_TRANSACTION_ROLLBACK, "amqp:transaction:rollback"},
        {AMQPC_TRANSACTION_TIMEOUT, AMQPC_TRANSACTION_TIMEOUT, "amqp:transaction:timeout"},
        {AMQPC_RESOURCE_LIMIT, AMQPC_PEER_ERROR, "amqp:resource-limit-exceeded"},
        {AMQPC_NO_MEMORY, AMQPC_PEER_ERROR, "amqp:internal-error"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        amqpc_bytes txn_id;
        assert_int_equal(amqpc_link_declare(fixture.controller, NULL, NULL, NULL), AMQPC_OK);
        engine_exchange(&fixture.pair);
        amqpc_delivery delivery = engine_receive(fixture.coordinator);
        assert_int_equal(amqpc_link_refuse_request(fixture.coordinator, delivery.number, AMQPC_OK),
                         AMQPC_INVALID_ARGUMENT);
        assert_int_equal(
            amqpc_link_refuse_request(fixture.coordinator, delivery.number, rows[i].refused),
            AMQPC_OK);
        amqpc_delivery_release(&delivery);
        engine_exchange(&fixture.pair);
        amqpc_update update = engine_update(fixture.controller);
        assert_same_bytes(rejected_of(&update).error.condition, engine_text(rows[i].condition));
        assert_int_equal(amqpc_update_declared(&update, &txn_id), rows[i].heard);
    }
}

static void test_other_outcomes_answer_nothing(void **state)
{
    (void)state;
    amqpc_bytes txn_id;
    amqpc_update none = {.state_type = AMQPC_COMPOSITE_NONE};
    amqpc_update received = {.state_type = AMQPC_COMPOSITE_RECEIVED};
    amqpc_update accepted = {.state_type = AMQPC_COMPOSITE_ACCEPTED, .settled = true};
    amqpc_update released = {.state_type = AMQPC_COMPOSITE_RELEASED, .settled = true};
    assert_int_equal(amqpc_update_declared(&none, &txn_id), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_update_declared(&received, &txn_id), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_update_declared(&accepted, &txn_id), AMQPC_PEER_ERROR);
    assert_int_equal(amqpc_update_discharged(&none), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_update_discharged(&released), AMQPC_PEER_ERROR);
    none.settled = true;
    assert_int_equal(amqpc_update_discharged(&none), AMQPC_PEER_ERROR);
}

static void test_a_source_without_rejected_has_the_link_closed(void **state)
{
    (void)state;
    static const char *const outcomes[] = {NULL, "amqp:accepted:list"};
    for (unsigned i = 0; i < 2; i++) {
        engine_pair *pair = &fixture.pair;
        amqpc_link *controller = NULL;
        amqpc_bytes outcome = i == 0 ? (amqpc_bytes){NULL, 0} : engine_text(outcomes[i]);
        amqpc_source source = {.present = i == 0 ? 0u : AMQPC_SOURCE_OUTCOMES};
        amqpc_coordinator plain = {0};
        amqpc_attach attach = {.present = AMQPC_ATTACH_TARGET};
        uint8_t bytes[16];
        size_t size = 0;
        source.outcomes.count = i;
        source.outcomes.items = &outcome;
        assert_int_equal(amqpc_coordinator_encode(&plain, bytes, sizeof bytes, &size), AMQPC_OK);
        assert_int_equal(amqpc_value_decode(bytes, size, NULL, &attach.target, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER,
                                        engine_text(i == 0 ? "without" : "with"), &controller),
                         AMQPC_OK);
        assert_int_equal(amqpc_link_attach(controller, &attach, &source, NULL), AMQPC_OK);
        engine_exchange(pair);
        fixture.coordinator = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
        assert_int_equal(amqpc_link_attach_coordinator(fixture.coordinator, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_add_credit(fixture.coordinator, 1), AMQPC_OK);
        engine_exchange(pair);
        assert_int_equal(amqpc_link_discharge(controller, engine_text("x"), true, NULL, NULL),
                         AMQPC_OK);
        transaction_serve(&fixture);
        amqpc_error error;
        assert_int_equal(engine_event(pair->client, AMQPC_EVENT_LINK_DETACH).link == controller, 1);
        assert_int_equal(amqpc_link_error(controller, &error), AMQPC_OK);
        assert_same_bytes(error.condition, engine_text("amqp:transaction:unknown-id"));
        assert_true(amqpc_link_is_closed(controller));
    }
}

static void test_a_declare_is_never_sent_settled(void **state)
{
    (void)state;
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    assert_int_equal(amqpc_link_declare(fixture.controller, NULL, &options, NULL),
                     AMQPC_INVALID_ARGUMENT);
    options.settled = false;
    options.by_reference = true;
    assert_int_equal(
        amqpc_link_discharge(fixture.controller, engine_text("x"), true, &options, NULL),
        AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_declare(fixture.coordinator, NULL, NULL, NULL),
                     AMQPC_INVALID_STATE);
}

static void test_a_declare_carries_context_and_global_id(void **state)
{
    (void)state;
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.context = 77;
    amqpc_declare declare = {.present = AMQPC_DECLARE_GLOBAL_ID};
    declare.global_id = (amqpc_value){.type = AMQPC_TYPE_BINARY};
    declare.global_id.as.bytes = engine_text("xid");
    assert_int_equal(amqpc_link_declare(fixture.controller, &declare, &options, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(fixture.coordinator);
    amqpc_transaction_request request;
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_OK);
    assert_int_equal(request.type, AMQPC_COMPOSITE_DECLARE);
    assert_same_bytes(request.as.declare.global_id.as.bytes, engine_text("xid"));
    assert_int_equal(amqpc_link_declared(fixture.coordinator, delivery.number, engine_text("id")),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    assert_int_equal(engine_update(fixture.controller).context, 77);
}

/* In receiver-settle-mode second the controller settles, and may read the id after that. */
static void test_the_id_may_be_read_after_the_declare_is_settled(void **state)
{
    (void)state;
    amqpc_send_options options;
    amqpc_bytes txn_id;
    amqpc_send_options_init(&options, sizeof options);
    options.has_rcv_settle_mode = true;
    options.rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    assert_int_equal(amqpc_link_declare(fixture.controller, NULL, &options, NULL), AMQPC_OK);
    transaction_serve(&fixture);
    amqpc_update update = engine_update(fixture.controller);
    assert_false(update.settled);
    assert_int_equal(
        amqpc_link_settle(fixture.controller, update.number, update.number, AMQPC_COMPOSITE_NONE),
        AMQPC_OK);
    assert_int_equal(amqpc_update_declared(&update, &txn_id), AMQPC_OK);
    assert_int_equal(transaction_find(&fixture, txn_id), 0);
    engine_exchange(&fixture.pair);
    assert_true(engine_update(fixture.coordinator).settled);
}

static void test_the_resource_hears_that_the_controller_has_gone(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    amqpc_bytes txn_id = transaction_declare(&fixture, storage);
    (void)transaction_post(fixture.pair.sender, txn_id, engine_text("lost"));
    transaction_serve(&fixture);
    (void)engine_events(fixture.pair.server);
    assert_int_equal(fixture.posted[0], 1);
    assert_int_equal(amqpc_link_discharge(fixture.controller, txn_id, false, NULL, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_detach(fixture.controller, true, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_connection_event event = engine_event(fixture.pair.server, AMQPC_EVENT_LINK_DETACH);
    assert_ptr_equal(event.link, fixture.coordinator);
    transaction_roll_back_all(&fixture);
    assert_int_equal(amqpc_link_detach(fixture.coordinator, true, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    /* What came before it can be taken, and no answer goes out. */
    amqpc_delivery delivery = engine_receive(fixture.coordinator);
    assert_int_not_equal(
        amqpc_link_declared(fixture.coordinator, delivery.number, engine_text("id")), AMQPC_OK);
    amqpc_delivery_release(&delivery);
    assert_int_equal(amqpc_link_declare(fixture.controller, NULL, NULL, NULL), AMQPC_INVALID_STATE);
    amqpc_update update = engine_update(fixture.controller);
    assert_true(update.unknown);
    assert_int_equal(amqpc_update_discharged(&update), AMQPC_PEER_ERROR);
    assert_int_equal(fixture.stored, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_messages_are_acquired_in_the_transaction_that_flow_names),
        TEST(test_acquisition_ends_with_a_null_transaction),
        TEST(test_a_transaction_to_acquire_in_is_binary),
        TEST(test_only_an_attached_receiver_acquires),
        TEST(test_an_acceptance_holds_after_the_commit),
        TEST(test_an_outcome_in_a_transaction_has_its_fields),
        TEST(test_an_unknown_transaction_is_rejected_as_unknown),
        TEST(test_faults_of_transactions_have_statuses),
        TEST(test_other_outcomes_answer_nothing),
        TEST(test_a_source_without_rejected_has_the_link_closed),
        TEST(test_a_declare_is_never_sent_settled),
        TEST(test_a_declare_carries_context_and_global_id),
        TEST(test_the_id_may_be_read_after_the_declare_is_settled),
        TEST(test_the_resource_hears_that_the_controller_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
