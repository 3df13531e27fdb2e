/* More links than the handles of one session: the client has several sessions. */
#include <amqpcodec/controller.h>
#include <amqpcodec/receiver.h>
#include <amqpcodec/sender.h>

#include "client/client_fixture.h"

enum { HANDLES = 20, SENDERS = 50, SESSIONS = 3, ROUNDS = 3 };

typedef struct many_links {
    client_fixture fixture;
    amqpc_sender *senders[SENDERS];
} many_links;

static void make_links(many_links *with)
{
    client_fixture_make(&with->fixture,
                        &(test_server_options){.handles = HANDLES, .transactions = true}, NULL);
    for (size_t i = 0; i < SENDERS; i++) {
        with->senders[i] = make_sender(with->fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    }
}

/* Each sender sends the number, and gets its outcome. */
static void check_all_work(const many_links *with, uint32_t number)
{
    for (size_t i = 0; i < SENDERS; i++) {
        post_number(with->senders[i], number);
    }
    for (size_t i = 0; i < SENDERS; i++) {
        amqpc_completion completion;
        size_t count = 0;
        assert_ok(amqpc_sender_completions(with->senders[i], &completion, 1, PATIENCE_MS, &count));
        assert_int_equal(AMQPC_COMPOSITE_ACCEPTED, completion.state_type);
    }
    assert_true(test_server_received(with->fixture.server, number) >= SENDERS);
}

static void test_links_beyond_the_handles_of_a_session_go_to_another(void **state)
{
    many_links with;
    (void)state;
    make_links(&with);
    check_all_work(&with, 1);
    assert_int_equal(SESSIONS, test_server_session_count(with.fixture.server));
    assert_int_equal(1, test_server_connection_count(with.fixture.server));
    client_fixture_free(&with.fixture);
}

static void test_they_are_attached_again_by_the_next_connection(void **state)
{
    many_links with;
    (void)state;
    make_links(&with);
    check_all_work(&with, 1);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        test_server_disconnect(with.fixture.server, NULL);
        check_all_work(&with, 2 + i);
    }
    client_fixture_free(&with.fixture);
}

static void test_they_are_attached_again_when_the_sessions_end(void **state)
{
    many_links with;
    (void)state;
    make_links(&with);
    check_all_work(&with, 1);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        test_server_end_sessions(with.fixture.server, "amqp:internal-error");
        check_all_work(&with, 2 + i);
    }
    assert_int_equal(1, test_server_connection_count(with.fixture.server));
    client_fixture_free(&with.fixture);
}

static void test_they_are_closed_before_the_connection(void **state)
{
    many_links with;
    (void)state;
    make_links(&with);
    check_all_work(&with, 1);
    assert_ok(amqpc_client_close(with.fixture.client, PATIENCE_MS));
    assert_int_equal(1, test_server_closed_count(with.fixture.server));
    assert_int_equal(0, test_server_abandoned_count(with.fixture.server));
    client_fixture_free(&with.fixture);
}

static void test_handles_that_are_free_again_are_used(void **state)
{
    many_links with;
    (void)state;
    make_links(&with);
    check_all_work(&with, 1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (size_t i = SENDERS - 10; i < SENDERS; i++) {
            assert_ok(amqpc_sender_close(with.senders[i], PATIENCE_MS));
            amqpc_sender_free(with.senders[i]);
            with.senders[i] = make_sender(with.fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
        }
        check_all_work(&with, 2 + round);
    }
    assert_int_equal(SESSIONS, test_server_session_count(with.fixture.server));
    client_fixture_free(&with.fixture);
}

static void test_links_for_which_there_is_no_session_fail_and_harm_no_others(void **state)
{
    client_fixture fixture;
    amqpc_sender *senders[HANDLES + 5];
    amqpc_outcome outcome;
    uint8_t storage[13];
    (void)state;
    client_fixture_make(&fixture, &(test_server_options){.handles = HANDLES, .channels = 1}, NULL);
    for (size_t i = 0; i < HANDLES + 5; i++) {
        senders[i] = make_sender(fixture.client, "accept", AMQPC_AT_LEAST_ONCE);
    }
    for (size_t i = 0; i < HANDLES + 5; i++) {
        assert_status(i < HANDLES ? AMQPC_OK : AMQPC_LIMIT_REACHED,
                      amqpc_sender_wait_open(senders[i], PATIENCE_MS));
    }
    amqpc_sender_free(senders[0]);
    assert_ok(
        amqpc_sender_send_bytes(senders[1], number_payload(1, storage), PATIENCE_MS, &outcome));
    client_fixture_free(&fixture);
}

/* The test's server takes them over several sessions. */
static void test_a_discharge_comes_behind_what_other_sessions_sent(void **state)
{
    many_links with;
    amqpc_controller *controller = NULL;
    amqpc_transaction *transaction = NULL;
    amqpc_post_options options;
    uint8_t storage[13];
    const amqpc_bytes payload = number_payload(9, storage);
    (void)state;
    make_links(&with);
    assert_ok(amqpc_controller_new(with.fixture.client, NULL, &controller));
    assert_ok(amqpc_transaction_new(controller, &transaction));
    amqpc_post_options_init(&options, sizeof options);
    options.transaction = transaction;
    for (size_t i = 0; i < SENDERS; i++) {
        size_t posted = 0;
        assert_ok(amqpc_sender_post_with(with.senders[i], &payload, 1, &options, i, PATIENCE_MS,
                                         &posted));
    }
    assert_ok(amqpc_transaction_discharge(transaction, false, PATIENCE_MS));
    assert_int_equal(SENDERS, test_server_received(with.fixture.server, 9));
    client_fixture_free(&with.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_beyond_the_handles_of_a_session_go_to_another),
        cmocka_unit_test(test_they_are_attached_again_by_the_next_connection),
        cmocka_unit_test(test_they_are_attached_again_when_the_sessions_end),
        cmocka_unit_test(test_they_are_closed_before_the_connection),
        cmocka_unit_test(test_handles_that_are_free_again_are_used),
        cmocka_unit_test(test_links_for_which_there_is_no_session_fail_and_harm_no_others),
        cmocka_unit_test(test_a_discharge_comes_behind_what_other_sessions_sent),
    };
    return cmocka_run_group_tests_name("client sessions", tests, NULL, NULL);
}
