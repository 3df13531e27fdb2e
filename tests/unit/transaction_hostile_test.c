/* What a peer may send to a coordinator, or as the state of a delivery, that it should not
 * (AMQP part 4), and memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"
#include "transaction_fixture.h"

static transaction_fixture fixture;
static engine_frames frames;

static int setup(void **state)
{
    (void)state;
    transaction_open(&fixture, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    transaction_close(&fixture);
    return 0;
}

/* A string literal of bytes, and its size. */
#define BYTES(literal) literal, sizeof(literal) - 1

#define VALUE     "\x00\x53\x77"
#define DECLARE   "\x00\x53\x31\x45"
#define DISCHARGE "\x00\x53\x32"
#define HEADER    "\x00\x53\x70\x45"
#define FOOTER    "\x00\x53\x78\xc1\x01\x00"

typedef struct payload_row {
    const char *name;
    const char *bytes;
    size_t size;
    uint32_t result; /* amqpc_status, or of what is legal the type */
} payload_row;

static const payload_row hostile[] = {
    {"nothing", BYTES(""), AMQPC_MISSING_FIELD},
    {"no section", BYTES("\x40"), AMQPC_WRONG_TYPE},
    {"a header only", BYTES(HEADER), AMQPC_MISSING_FIELD},
    {"a body of data", BYTES("\x00\x53\x75\xa0\x00"), AMQPC_UNKNOWN_DESCRIPTOR},
    {"a body of sequences", BYTES("\x00\x53\x76\x45"), AMQPC_UNKNOWN_DESCRIPTOR},
    {"data behind the value", BYTES(VALUE DECLARE "\x00\x53\x75\xa0\x00"),
     AMQPC_UNKNOWN_DESCRIPTOR},
    {"row 116: two values", BYTES(VALUE DECLARE VALUE DECLARE), AMQPC_SECTION_REPEATED},
    {"row 116: a value behind the footer", BYTES(FOOTER VALUE DECLARE), AMQPC_SECTION_ORDER},
    {"row 116: a header behind the value", BYTES(VALUE DECLARE HEADER), AMQPC_SECTION_ORDER},
    {"row 116: two headers", BYTES(HEADER HEADER VALUE DECLARE), AMQPC_SECTION_REPEATED},
    {"an unknown section", BYTES("\x00\x53\x79\x45" VALUE DECLARE), AMQPC_UNKNOWN_SECTION},
    {"a declare in no section", BYTES(DECLARE), AMQPC_UNKNOWN_SECTION},
    {"a descriptor of two words", BYTES("\x00\x80\x00\x00\x00\x01\x00\x00\x00\x77" DECLARE),
     AMQPC_UNKNOWN_SECTION},
    {"null", BYTES(VALUE "\x40"), AMQPC_WRONG_TYPE},
    {"a text",
     BYTES(VALUE "\xa1\x07"
                 "declare"),
     AMQPC_WRONG_TYPE},
    {"a list without descriptor", BYTES(VALUE "\x45"), AMQPC_WRONG_TYPE},
    {"an outcome", BYTES(VALUE "\x00\x53\x24\x45"), AMQPC_UNKNOWN_DESCRIPTOR},
    {"declared", BYTES(VALUE "\x00\x53\x33\xc0\x04\x01\xa0\x01x"), AMQPC_UNKNOWN_DESCRIPTOR},
    {"a coordinator", BYTES(VALUE "\x00\x53\x30\x45"), AMQPC_UNKNOWN_DESCRIPTOR},
    {"a declare that is a map", BYTES(VALUE "\x00\x53\x31\xc1\x01\x00"), AMQPC_UNKNOWN_DESCRIPTOR},
    {"a declare of two fields", BYTES(VALUE "\x00\x53\x31\xc0\x03\x02\x40\x40"),
     AMQPC_TOO_MANY_FIELDS},
    {"a discharge of nothing", BYTES(VALUE DISCHARGE "\x45"), AMQPC_MISSING_FIELD},
    {"a discharge of null", BYTES(VALUE DISCHARGE "\xc0\x02\x01\x40"), AMQPC_MISSING_FIELD},
    {"a discharge of a text", BYTES(VALUE DISCHARGE "\xc0\x04\x01\xa1\x01x"), AMQPC_WRONG_TYPE},
    {"a discharge of three fields", BYTES(VALUE DISCHARGE "\xc0\x06\x03\xa0\x01x\x41\x41"),
     AMQPC_TOO_MANY_FIELDS},
    {"fail that is a number", BYTES(VALUE DISCHARGE "\xc0\x06\x02\xa0\x01x\x50\x01"),
     AMQPC_WRONG_TYPE},
    {"row 20: fail that is 2", BYTES(VALUE DISCHARGE "\xc0\x06\x02\xa0\x01x\x56\x02"),
     AMQPC_BAD_BOOLEAN},
    {"row 24: a prefix of the declare's symbol",
     BYTES("\x00\x53\x77\x00\xa3\x10"
           "amqp:declare:lis\x45"),
     AMQPC_UNKNOWN_DESCRIPTOR},
    {"row 24: a prefix of the section's symbol",
     BYTES("\x00\xa3\x10"
           "amqp:amqp-value:" DECLARE),
     AMQPC_UNKNOWN_SECTION},
    {"row 1: a list larger than the payload", BYTES(VALUE DISCHARGE "\xc0\xff\x01\xa0\x01x"),
     AMQPC_TRUNCATED},
    {"row 2: an id of 4 GiB", BYTES(VALUE DISCHARGE "\xc0\x09\x01\xb0\xff\xff\xff\xff\x78\x78\x78"),
     AMQPC_TRUNCATED},
    {"row 7: bytes behind the id", BYTES(VALUE DISCHARGE "\xc0\x05\x01\xa0\x01x\x40"),
     AMQPC_TRAILING_BYTES},
    {"row 19: a reserved code behind the value", BYTES(VALUE DECLARE "\xff"),
     AMQPC_UNKNOWN_FORMAT_CODE},
    {"null behind the value", BYTES(VALUE DECLARE "\x40"), AMQPC_WRONG_TYPE},
    {"row 17: descriptors of descriptors", BYTES(VALUE "\x00\x00\x00\x00\x00\x00\x00\x00"),
     AMQPC_BAD_DESCRIPTOR},
    {"row 10: properties with the same key twice",
     BYTES("\x00\x53\x74\xc1\x09\x04\xa1\x01k\x40\xa1\x01k\x40" VALUE DECLARE),
     AMQPC_DUPLICATE_KEY},
    {"a header that is a text", BYTES("\x00\x53\x70\xa1\x00" VALUE DECLARE), AMQPC_WRONG_TYPE},
    {"annotations that are a list", BYTES("\x00\x53\x72\x45" VALUE DECLARE), AMQPC_WRONG_TYPE},
};

/* The delivery that the coordinator gets for a payload. */
static amqpc_delivery deliver(amqpc_bytes payload, const amqpc_send_options *options)
{
    assert_int_equal(amqpc_link_send(fixture.controller, payload, options, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(fixture.coordinator);
    assert_int_equal(amqpc_link_add_credit(fixture.coordinator, 1), AMQPC_OK);
    return delivery;
}

static void assert_rejected(uint64_t number, amqpc_status status)
{
    assert_int_equal(amqpc_link_refuse_request(fixture.coordinator, number, status), AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_update update = engine_update(fixture.controller);
    amqpc_rejected rejected;
    amqpc_bytes txn_id;
    assert_true(update.settled);
    assert_int_equal(amqpc_rejected_from_value(&update.state, NULL, &rejected), AMQPC_OK);
    assert_same_bytes(rejected.error.condition, engine_text(amqpc_status_condition(status)));
    assert_int_equal(amqpc_update_declared(&update, &txn_id), AMQPC_PEER_ERROR);
}

static void test_what_is_no_request_is_rejected_and_the_link_goes_on(void **state)
{
    (void)state;
    uint8_t storage[TXN_ID_SIZE];
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const payload_row *row = &hostile[i];
        amqpc_transaction_request request = {.type = 1};
        amqpc_delivery delivery = deliver((amqpc_bytes){row->bytes, row->size}, NULL);
        amqpc_status status =
            amqpc_link_transaction_request(fixture.coordinator, &delivery, &request);
        if ((uint32_t)status != row->result) {
            fail_msg("%s: %s", row->name, amqpc_status_name(status));
        }
        assert_int_equal(request.type, 1);
        assert_rejected(delivery.number, status);
        amqpc_delivery_release(&delivery);
    }
    (void)transaction_declare(&fixture, storage);
    assert_int_equal(amqpc_link_unsettled_count(fixture.controller), 0);
    assert_int_equal(amqpc_link_unsettled_count(fixture.coordinator), 0);
}

static void test_row_16_a_global_id_nested_too_deep_is_rejected(void **state)
{
    (void)state;
    enum { DEPTH = 40, HEAD = 6, LIST32 = 9 };
    uint8_t payload[HEAD + DEPTH * LIST32 + 1] = VALUE DISCHARGE;
    for (unsigned i = 0; i < DEPTH; i++) {
        uint8_t *list = payload + HEAD + i * LIST32;
        size_t rest = sizeof payload - HEAD - (i + 1) * LIST32 + 4;
        memcpy(list, "\xd0\x00\x00\x00\x00\x00\x00\x00\x01", LIST32);
        list[3] = (uint8_t)(rest >> 8);
        list[4] = (uint8_t)rest;
    }
    payload[sizeof payload - 1] = 0x45;
    amqpc_transaction_request request;
    amqpc_delivery delivery = deliver((amqpc_bytes){payload, sizeof payload}, NULL);
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_TOO_DEEP);
    assert_rejected(delivery.number, AMQPC_TOO_DEEP);
    amqpc_delivery_release(&delivery);
}

static const payload_row legal[] = {
    {"a declare", BYTES(VALUE DECLARE), AMQPC_COMPOSITE_DECLARE},
    {"pitfall 16: descriptors that are symbols",
     BYTES("\x00\xa3\x11"
           "amqp:amqp-value:*\x00\xa3\x11"
           "amqp:declare:list\x45"),
     AMQPC_COMPOSITE_DECLARE},
    {"pitfall 16: descriptors of eight bytes",
     BYTES("\x00\x80\x00\x00\x00\x00\x00\x00\x00\x77\x00\x80\x00\x00\x00\x00\x00\x00\x00\x31\xd0"
           "\x00\x00\x00\x04\x00\x00\x00\x00"),
     AMQPC_COMPOSITE_DECLARE},
    {"all other sections",
     BYTES(HEADER "\x00\x53\x71\xc1\x01\x00\x00\x53\x72\xc1\x01\x00\x00\x53\x73\x45\x00\x53\x74\xc1"
                  "\x01\x00" VALUE DECLARE FOOTER),
     AMQPC_COMPOSITE_DECLARE},
    {"pitfall 17: a discharge whose fail is null",
     BYTES(VALUE DISCHARGE "\xc0\x05\x02\xa0\x01x\x40"), AMQPC_COMPOSITE_DISCHARGE},
    {"an empty id", BYTES(VALUE DISCHARGE "\xc0\x03\x01\xa0\x00"), AMQPC_COMPOSITE_DISCHARGE},
};

static void test_requests_are_read_whatever_their_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++) {
        amqpc_transaction_request request;
        amqpc_delivery delivery = deliver((amqpc_bytes){legal[i].bytes, legal[i].size}, NULL);
        assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                         AMQPC_OK);
        assert_int_equal(request.type, legal[i].result);
        if (request.type == AMQPC_COMPOSITE_DISCHARGE) {
            assert_false(request.as.discharge.fail);
        }
        amqpc_delivery_release(&delivery);
    }
}

static void test_row_25_a_request_cut_anywhere_is_none(void **state)
{
    (void)state;
    static const char whole[] = HEADER VALUE DISCHARGE "\xc0\x05\x02\xa0\x01x\x41";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        amqpc_transaction_request request;
        amqpc_delivery delivery = deliver((amqpc_bytes){whole, size}, NULL);
        amqpc_status status =
            amqpc_link_transaction_request(fixture.coordinator, &delivery, &request);
        assert_int_not_equal(status, AMQPC_OK);
        assert_rejected(delivery.number, status);
        amqpc_delivery_release(&delivery);
    }
}

static void test_what_is_no_message_or_not_whole_is_no_request(void **state)
{
    (void)state;
    amqpc_transaction_request request;
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.message_format = 1;
    amqpc_delivery delivery = deliver((amqpc_bytes){BYTES(VALUE DECLARE)}, &options);
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_INVALID_FIELD);
    delivery.message_format = 0;
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_OK);
    delivery.more = true;
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_INVALID_ARGUMENT);
    delivery.more = false;
    delivery.aborted = true;
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_delivery_release(&delivery);
}

static void test_a_declare_that_came_settled_closes_the_link(void **state)
{
    (void)state;
    amqpc_transaction_request request;
    amqpc_send_options options;
    amqpc_error error;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    amqpc_delivery delivery =
        deliver((amqpc_bytes){BYTES(VALUE DISCHARGE "\xc0\x04\x01\xa0\x01x")}, &options);
    assert_int_equal(amqpc_link_transaction_request(fixture.coordinator, &delivery, &request),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    delivery = deliver((amqpc_bytes){BYTES(VALUE DECLARE)}, &options);
    amqpc_status status = amqpc_link_transaction_request(fixture.coordinator, &delivery, &request);
    assert_int_equal(status, AMQPC_INVALID_FIELD);
    assert_int_equal(amqpc_link_refuse_request(fixture.coordinator, delivery.number, status),
                     AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    assert_ptr_equal(engine_event(fixture.pair.client, AMQPC_EVENT_LINK_DETACH).link,
                     fixture.controller);
    assert_int_equal(amqpc_link_error(fixture.controller, &error), AMQPC_OK);
    assert_same_bytes(error.condition, engine_text("amqp:invalid-field"));
}

/* --- States. */

static amqpc_value decoded(const char *bytes, size_t size)
{
    amqpc_value value;
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &value, NULL), AMQPC_OK);
    return value;
}

static void test_a_malformed_transactional_state_is_none(void **state)
{
    (void)state;
    amqpc_transactional_state read;
    amqpc_send_options options;
    amqpc_value without_id = decoded(BYTES("\x00\x53\x34\x45"));
    amqpc_value text_id = decoded(BYTES("\x00\x53\x34\xc0\x04\x01\xa1\x01x"));
    amqpc_send_options_init(&options, sizeof options);
    options.state = &without_id;
    assert_int_equal(amqpc_link_send(fixture.pair.sender, engine_text("a"), &options, NULL),
                     AMQPC_OK);
    engine_exchange(&fixture.pair);
    amqpc_delivery delivery = engine_receive(fixture.pair.receiver);
    assert_int_equal(amqpc_delivery_transaction(&delivery, &read), AMQPC_MISSING_FIELD);
    assert_int_equal(
        amqpc_link_update(fixture.pair.receiver, delivery.number, delivery.number, &text_id, true),
        AMQPC_OK);
    amqpc_delivery_release(&delivery);
    engine_exchange(&fixture.pair);
    amqpc_update update = engine_update(fixture.pair.sender);
    assert_int_equal(amqpc_update_transaction(&update, &read), AMQPC_WRONG_TYPE);
}

static void test_malformed_answers_are_no_answers(void **state)
{
    (void)state;
    const struct {
        amqpc_value state;
        amqpc_status status;
    } rows[] = {
        {decoded(BYTES("\x00\x53\x33\x45")), AMQPC_MISSING_FIELD},
        {decoded(BYTES("\x00\x53\x33\xc0\x02\x01\x43")), AMQPC_WRONG_TYPE},
        {decoded(BYTES("\x00\x53\x25\xc0\x02\x01\x41")), AMQPC_WRONG_TYPE},
        {decoded(BYTES("\x00\x53\x25\x45")), AMQPC_PEER_ERROR},
        {decoded(BYTES("\x00\x53\x99\x45")), AMQPC_PEER_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        amqpc_bytes txn_id;
        amqpc_delivery delivery = deliver((amqpc_bytes){BYTES(VALUE DECLARE)}, NULL);
        assert_int_equal(amqpc_link_update(fixture.coordinator, delivery.number, delivery.number,
                                           &rows[i].state, true),
                         AMQPC_OK);
        amqpc_delivery_release(&delivery);
        engine_exchange(&fixture.pair);
        amqpc_update update = engine_update(fixture.controller);
        assert_int_equal(amqpc_update_declared(&update, &txn_id), rows[i].status);
    }
}

static void test_a_malformed_coordinator_is_told_from_none(void **state)
{
    (void)state;
    amqpc_link *link = NULL;
    amqpc_coordinator coordinator;
    amqpc_attach attach = {.present = AMQPC_ATTACH_TARGET};
    attach.target = decoded(BYTES("\x00\x53\x30\xc0\x03\x01\x50\x01"));
    assert_int_equal(
        amqpc_link_new(fixture.pair.client_session, AMQPC_ROLE_SENDER, engine_text("other"), &link),
        AMQPC_OK);
    assert_int_equal(amqpc_link_attach(link, &attach, NULL, NULL), AMQPC_OK);
    engine_exchange(&fixture.pair);
    link = engine_event(fixture.pair.server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_remote_coordinator(link, &coordinator), AMQPC_WRONG_TYPE);
}

static void test_the_first_frame_says_which_transaction(void **state)
{
    (void)state;
    static uint8_t large[100000];
    amqpc_transactional_state posted;
    amqpc_value other = decoded(BYTES("\x00\x53\x34\xc0\x07\x01\xa0\x04what"));
    (void)transaction_post(fixture.pair.sender, engine_text("this"),
                           (amqpc_bytes){large, sizeof large});
    engine_take_frames(fixture.pair.client, &frames);
    assert_int_equal(frames.count, 2);
    frames.list[1].as.transfer.state = other;
    for (size_t i = 0; i < frames.count; i++) {
        assert_int_equal(engine_feed_frame(fixture.pair.server, 0, &frames.list[i]), AMQPC_OK);
    }
    amqpc_delivery delivery = engine_receive(fixture.pair.receiver);
    assert_int_equal(amqpc_delivery_transaction(&delivery, &posted), AMQPC_OK);
    assert_same_bytes(posted.txn_id, engine_text("this"));
    amqpc_delivery_release(&delivery);
}

/* --- Memory that runs out: whatever fails, nothing is lost or read that is gone. */

static bool move(amqpc_connection *from, amqpc_connection *to)
{
    amqpc_bytes vector;
    size_t count = 1;
    while (amqpc_connection_output(from, &vector, 1, &count) == AMQPC_OK && count == 1) {
        amqpc_status status = engine_feed(to, vector.data, vector.size);
        amqpc_connection_output_done(from, vector.size);
        if (status != AMQPC_OK) {
            return false;
        }
    }
    return count == 0;
}

static bool exchange(engine_pair *pair)
{
    for (unsigned i = 0; i < 4; i++) {
        if (!move(pair->client, pair->server) || !move(pair->server, pair->client)) {
            return false;
        }
    }
    return true;
}

static amqpc_link *attached(amqpc_connection *connection)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        if (event.type == AMQPC_EVENT_LINK_ATTACH) {
            return event.link;
        }
    }
    return NULL;
}

static bool open_both(engine_pair *pair)
{
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    amqpc_connection_event event;
    bool opened = amqpc_connection_open(pair->client, &open) == AMQPC_OK &&
                  amqpc_connection_open(pair->server, &open) == AMQPC_OK &&
                  amqpc_session_new(pair->client, &pair->client_session) == AMQPC_OK &&
                  amqpc_session_begin(pair->client_session, NULL) == AMQPC_OK && exchange(pair);
    while (opened && pair->server_session == NULL &&
           amqpc_connection_next_event(pair->server, &event)) {
        pair->server_session = event.session;
    }
    return pair->server_session != NULL &&
           amqpc_session_begin(pair->server_session, NULL) == AMQPC_OK && exchange(pair);
}

static bool attach_both(engine_pair *pair, amqpc_link **controller, amqpc_link **coordinator)
{
    bool asked = amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER, engine_text("control"),
                                controller) == AMQPC_OK &&
                 amqpc_link_attach_coordinator(*controller, NULL, NULL) == AMQPC_OK &&
                 exchange(pair);
    *coordinator = asked ? attached(pair->server) : NULL;
    return *coordinator != NULL &&
           amqpc_link_attach_coordinator(*coordinator, NULL, NULL) == AMQPC_OK &&
           amqpc_link_add_credit(*coordinator, 4) == AMQPC_OK && exchange(pair);
}

/* Declares, is answered, posts in several frames, and is refused a discharge. */
static bool work(engine_pair *pair, amqpc_link *controller, amqpc_link *coordinator)
{
    static uint8_t large[100000];
    amqpc_delivery delivery;
    amqpc_transaction_request request;
    amqpc_transaction_state transaction;
    amqpc_send_options options;
    size_t count = 0;
    amqpc_transaction_state_init(&transaction, engine_text("txn"), AMQPC_COMPOSITE_NONE);
    amqpc_send_options_init(&options, sizeof options);
    options.state = &transaction.value;
    bool sent = amqpc_link_declare(controller, NULL, NULL, NULL) == AMQPC_OK &&
                amqpc_link_send(controller, (amqpc_bytes){large, sizeof large}, &options, NULL) ==
                    AMQPC_OK &&
                amqpc_link_discharge(controller, engine_text("x"), true, NULL, NULL) == AMQPC_OK &&
                exchange(pair);
    for (unsigned i = 0; sent && i < 3; i++) {
        if (amqpc_link_receive(coordinator, &delivery, 1, &count) != AMQPC_OK || count == 0) {
            return false;
        }
        amqpc_status status = amqpc_link_transaction_request(coordinator, &delivery, &request);
        amqpc_status answered =
            status == AMQPC_OK && request.type == AMQPC_COMPOSITE_DECLARE
                ? amqpc_link_declared(coordinator, delivery.number, engine_text("txn"))
                : amqpc_link_refuse_request(coordinator, delivery.number,
                                            AMQPC_TRANSACTION_UNKNOWN_ID);
        amqpc_delivery_release(&delivery);
        sent = answered == AMQPC_OK;
    }
    amqpc_update updates[4];
    return sent && exchange(pair) &&
           amqpc_link_updates(controller, updates, 4, &count) == AMQPC_OK && count == 3;
}

static unsigned successes;

static void scenario(const amqpc_allocator *allocator)
{
    engine_pair pair = {0};
    amqpc_link *controller = NULL;
    amqpc_link *coordinator = NULL;
    if (amqpc_connection_new(allocator, NULL, &pair.client) == AMQPC_OK) {
        amqpc_connection_options options;
        amqpc_connection_options_init(&options, sizeof options);
        options.role = AMQPC_SERVER;
        if (amqpc_connection_new(allocator, &options, &pair.server) == AMQPC_OK) {
            bool done = open_both(&pair) && attach_both(&pair, &controller, &coordinator) &&
                        work(&pair, controller, coordinator);
            successes += done;
        }
    }
    amqpc_connection_free(pair.client);
    amqpc_connection_free(pair.server);
}

static void test_row_101_transactions_survive_failing_allocations(void **state)
{
    (void)state;
    assert_survives_failing_allocations(scenario);
    assert_true(successes > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_no_request_is_rejected_and_the_link_goes_on),
        TEST(test_row_16_a_global_id_nested_too_deep_is_rejected),
        TEST(test_requests_are_read_whatever_their_encoding),
        TEST(test_row_25_a_request_cut_anywhere_is_none),
        TEST(test_what_is_no_message_or_not_whole_is_no_request),
        TEST(test_a_declare_that_came_settled_closes_the_link),
        TEST(test_a_malformed_transactional_state_is_none),
        TEST(test_malformed_answers_are_no_answers),
        TEST(test_a_malformed_coordinator_is_told_from_none),
        TEST(test_the_first_frame_says_which_transaction),
        cmocka_unit_test(test_row_101_transactions_survive_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
