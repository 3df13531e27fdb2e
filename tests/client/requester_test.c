/* Requesters: replies find the requests that they belong to. */
#include "client/client_fixture.h"

#include <amqpcodec/requester.h>
#include <pthread.h>
#include <string.h>

static amqpc_requester *make_requester(amqpc_client *client, const char *address)
{
    amqpc_requester *requester = NULL;
    assert_ok(amqpc_requester_new(client, address, &requester));
    return requester;
}

static void check_call(amqpc_requester *requester, uint64_t number)
{
    amqpc_message message;
    amqpc_delivery reply;
    number_message(&number, &message);
    assert_ok(amqpc_requester_call(requester, &message, PATIENCE_MS, &reply));
    assert_int_equal(number, number_of(&reply));
    amqpc_delivery_release(&reply);
}

static void test_reply_comes_to_its_request(void **state)
{
    client_fixture fixture;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "answer");
    for (uint64_t i = 0; i < 50; i++) {
        check_call(requester, i);
    }
    amqpc_requester_free(requester);
    client_fixture_free(&fixture);
}

static void test_replies_are_taken_in_any_order(void **state)
{
    client_fixture fixture;
    uint64_t ids[20];
    amqpc_message message;
    amqpc_delivery reply;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "answer");
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t number = i;
        number_message(&number, &message);
        assert_ok(amqpc_requester_post(requester, &message, PATIENCE_MS, &ids[i]));
    }
    amqpc_requester_forget(requester, ids[3]);
    for (uint64_t i = 20; i-- > 0;) {
        amqpc_status status = amqpc_requester_take(requester, ids[i], PATIENCE_MS, &reply);
        if (i == 3) {
            assert_status(AMQPC_NOT_FOUND, status);
            continue;
        }
        assert_ok(status);
        assert_int_equal(i, number_of(&reply));
        amqpc_delivery_release(&reply);
    }
    assert_status(AMQPC_NOT_FOUND, amqpc_requester_take(requester, ids[0], 0, &reply));
    client_fixture_free(&fixture);
}

static void test_request_keeps_its_own_id(void **state)
{
    client_fixture fixture;
    amqpc_message message;
    amqpc_message answer;
    amqpc_delivery reply;
    uint64_t number = 5;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "answer");
    number_message(&number, &message);
    message.sections |= AMQPC_SECTION_PROPERTIES;
    message.properties.present = AMQPC_PROPERTIES_MESSAGE_ID;
    message.properties.message_id.type = AMQPC_TYPE_STRING;
    message.properties.message_id.as.bytes = (amqpc_bytes){"mine", 4};
    assert_ok(amqpc_requester_call(requester, &message, PATIENCE_MS, &reply));
    assert_ok(amqpc_message_decode(reply.payload.data, reply.payload.size, NULL, &answer, NULL));
    assert_int_equal(4, answer.properties.correlation_id.as.bytes.size);
    assert_memory_equal("mine", answer.properties.correlation_id.as.bytes.data, 4);
    amqpc_delivery_release(&reply);
    client_fixture_free(&fixture);
}

static void test_refused_request_says_so(void **state)
{
    client_fixture fixture;
    amqpc_message message;
    amqpc_delivery reply;
    uint64_t number = 5;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "refuse-request");
    number_message(&number, &message);
    assert_status(AMQPC_REQUEST_REFUSED,
                  amqpc_requester_call(requester, &message, PATIENCE_MS, &reply));
    client_fixture_free(&fixture);
}

static void test_refused_address_ends_the_requester(void **state)
{
    client_fixture fixture;
    amqpc_message message;
    amqpc_delivery reply;
    amqpc_client_error error;
    uint64_t number = 5;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "refuse");
    number_message(&number, &message);
    assert_status(AMQPC_LINK_REFUSED,
                  amqpc_requester_call(requester, &message, PATIENCE_MS, &reply));
    assert_ok(amqpc_requester_get_error(requester, &error));
    assert_string_equal("amqp:not-found", error.condition);
    client_fixture_free(&fixture);
}

static void test_reply_is_lost_with_its_node(void **state)
{
    client_fixture fixture;
    amqpc_message message;
    amqpc_delivery reply;
    uint64_t id = 0;
    uint64_t number = 5;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "accept");
    number_message(&number, &message);
    assert_ok(amqpc_requester_post(requester, &message, PATIENCE_MS, &id));
    wait_for_event(fixture.client, AMQPC_CLIENT_EVENT_CONNECTED);
    wait_for_messages(fixture.server, 1);
    test_server_disconnect(fixture.server, NULL);
    assert_status(AMQPC_DISCONNECTED, amqpc_requester_take(requester, id, PATIENCE_MS, &reply));
    client_fixture_free(&fixture);
}

static void test_time_out_leaves_nothing(void **state)
{
    client_fixture fixture;
    amqpc_message message;
    amqpc_delivery reply;
    uint64_t id = 0;
    uint64_t number = 5;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "accept");
    number_message(&number, &message);
    assert_status(AMQPC_TIMED_OUT, amqpc_requester_call(requester, &message, 0, &reply));
    assert_ok(amqpc_requester_post(requester, &message, PATIENCE_MS, &id));
    assert_status(AMQPC_TIMED_OUT, amqpc_requester_take(requester, id, 1, &reply));
    assert_status(AMQPC_TIMED_OUT, amqpc_requester_take(requester, id, 0, &reply));
    amqpc_requester_forget(requester, id);
    assert_status(AMQPC_NOT_FOUND, amqpc_requester_take(requester, id, 0, &reply));
    client_fixture_free(&fixture);
}

typedef struct taker {
    amqpc_requester *requester;
    uint64_t id;
    amqpc_status status;
} taker;

static void *take_reply(void *context)
{
    taker *work = (taker *)context;
    amqpc_delivery reply;
    work->status = amqpc_requester_take(work->requester, work->id, PATIENCE_MS, &reply);
    return NULL;
}

/* Several threads wait for one reply, and another gives it up. */
static void test_request_is_given_up_while_others_wait_for_it(void **state)
{
    enum { TAKERS = 3 };
    client_fixture fixture;
    amqpc_message message;
    pthread_t threads[TAKERS];
    taker takers[TAKERS];
    uint64_t id = 0;
    uint64_t number = 5;
    (void)state;
    client_fixture_make(&fixture, NULL, NULL);
    amqpc_requester *requester = make_requester(fixture.client, "accept");
    number_message(&number, &message);
    assert_ok(amqpc_requester_post(requester, &message, PATIENCE_MS, &id));
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (taker){.requester = requester, .id = id, .status = AMQPC_OK};
        assert_int_equal(0, pthread_create(&threads[i], NULL, take_reply, &takers[i]));
    }
    for (int i = 0; i < 10; i++) {
        pause_shortly(); /* most likely they wait by now; where not, they find nothing */
    }
    amqpc_requester_forget(requester, id);
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(0, pthread_join(threads[i], NULL));
        assert_status(AMQPC_NOT_FOUND, takers[i].status);
    }
    client_fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_comes_to_its_request),
        cmocka_unit_test(test_replies_are_taken_in_any_order),
        cmocka_unit_test(test_request_keeps_its_own_id),
        cmocka_unit_test(test_refused_request_says_so),
        cmocka_unit_test(test_refused_address_ends_the_requester),
        cmocka_unit_test(test_reply_is_lost_with_its_node),
        cmocka_unit_test(test_time_out_leaves_nothing),
        cmocka_unit_test(test_request_is_given_up_while_others_wait_for_it),
    };
    return cmocka_run_group_tests_name("requester", tests, NULL, NULL);
}
