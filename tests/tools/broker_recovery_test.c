/* Termini that outlive their link, resumption, and links that are stolen (AMQP 2.6.1, 2.6.13,
 * 3.5.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_fixture.h"

/* A source whose terminus is kept. */
static amqpc_source kept_source(const char *policy, uint32_t timeout_s)
{
    amqpc_source source = fixture_source("q");
    source.present |= AMQPC_SOURCE_EXPIRY_POLICY | AMQPC_SOURCE_TIMEOUT;
    source.expiry_policy = fixture_bytes(policy);
    source.timeout = timeout_s;
    return source;
}

static const broker_queue *the_queue(const broker_fixture *fixture)
{
    const broker_queue *queue = queue_find(fixture->broker, fixture_bytes("q"));
    assert_non_null(queue);
    return queue;
}

/* A sender on a connection of its own has sent two messages. */
static void send_two(broker_fixture *fixture)
{
    fixture_peer *peer = fixture_connect(fixture, "sender", NULL);
    amqpc_link *sender = fixture_sender(fixture, peer, "to q", "q", NULL);
    fixture_send(fixture, sender, "one");
    fixture_send(fixture, sender, "two");
}

/* What of a receiver's unsettled deliveries is to be known on its next connection. */
static amqpc_buffer *export_link(const amqpc_link *link)
{
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), AMQPC_OK);
    assert_int_equal(amqpc_link_export(link, buffer), AMQPC_OK);
    return buffer;
}

static amqpc_link *resume_receiver(broker_fixture *fixture, fixture_peer *peer,
                                   const amqpc_source *source, amqpc_buffer *unsettled)
{
    amqpc_link *link = NULL;
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = fixture_bytes("here")};
    assert_int_equal(
        amqpc_link_new(peer->session, AMQPC_ROLE_RECEIVER, fixture_bytes("from q"), &link),
        AMQPC_OK);
    assert_int_equal(
        amqpc_link_import(link, amqpc_buffer_data(unsettled), amqpc_buffer_size(unsettled)),
        AMQPC_OK);
    amqpc_buffer_free(unsettled);
    assert_int_equal(amqpc_link_add_credit(link, 10), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(link, NULL, source, &target), AMQPC_OK);
    fixture_run(fixture);
    return link;
}

static void test_without_a_policy_messages_go_back_when_the_connection_is_cut(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "receiver", NULL);
    (void)fixture_receiver(&fixture, peer, "from q", &source, NULL, 10);
    send_two(&fixture);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 2);
    fixture_cut(&fixture, peer);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 0);
    assert_int_equal(the_queue(&fixture)->ready_count, 2);
    assert_int_equal(the_queue(&fixture)->consumer_count, 0);
    assert_int_equal(fixture.broker->totals.failed, 1);
    fixture_free(&fixture);
}

static void test_a_terminus_is_kept_as_long_as_its_policy_says(void **state)
{
    (void)state;
    /* What is left after the link was detached, its session has ended, its connection was closed:
     * with no timeout. */
    static const struct {
        const char *policy;
        size_t left[3];
    } cases[] = {
        {"link-detach", {0, 0, 0}},
        {"session-end", {1, 0, 0}},
        {"connection-close", {1, 1, 0}},
        {"never", {1, 1, 1}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        broker_fixture fixture;
        const amqpc_source source = kept_source(cases[i].policy, 0);
        fixture_make(&fixture, NULL);
        fixture_peer *peer = fixture_connect(&fixture, "receiver", NULL);
        amqpc_link *link = fixture_receiver(&fixture, peer, "from q", &source, NULL, 10);
        assert_int_equal(amqpc_link_detach(link, false, NULL), AMQPC_OK);
        fixture_run(&fixture);
        assert_int_equal(fixture.broker->termini.count, cases[i].left[0]);
        assert_int_equal(amqpc_session_end(peer->session, NULL), AMQPC_OK);
        fixture_run(&fixture);
        assert_int_equal(fixture.broker->termini.count, cases[i].left[1]);
        assert_int_equal(amqpc_connection_close(peer->client, NULL), AMQPC_OK);
        fixture_run(&fixture);
        assert_int_equal(fixture.broker->termini.count, cases[i].left[2]);
        assert_true(amqpc_connection_is_finished(peer->server));
        fixture_free(&fixture);
    }
}

static void test_messages_stay_with_a_lost_consumer_until_its_time_is_over(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = kept_source("session-end", 5);
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "receiver", NULL);
    (void)fixture_receiver(&fixture, peer, "from q", &source, NULL, 10);
    send_two(&fixture);
    fixture_cut(&fixture, peer);
    fixture_run(&fixture);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 2);
    fixture_pass(&fixture, 4900);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 2);
    fixture_pass(&fixture, 200);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 0);
    assert_int_equal(the_queue(&fixture)->ready_count, 2);
    assert_int_equal(fixture.broker->termini.count, 1); /* the sender's */
    fixture_free(&fixture);
}

static void test_a_receiver_resumes_on_another_connection(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = kept_source("never", 0);
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "receiver", NULL);
    amqpc_link *link = fixture_receiver(&fixture, peer, "from q", &source, NULL, 10);
    send_two(&fixture);
    amqpc_delivery delivery = fixture_take(&fixture, link); /* the second is on its way */
    amqpc_delivery_release(&delivery);
    (void)amqpc_connection_input_end(peer->client);
    assert_int_equal(
        amqpc_link_settle(link, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK); /* which the broker does not hear yet */
    amqpc_buffer *unsettled = export_link(link);
    fixture_cut(&fixture, peer);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 2);
    peer = fixture_connect(&fixture, "receiver", NULL);
    link = resume_receiver(&fixture, peer, &source, unsettled);
    assert_string_equal(fixture_texts(&fixture, link), "two");
    assert_int_equal(the_queue(&fixture)->counts.accepted, 2);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 0);
    assert_int_equal(fixture.broker->totals.resumed, 1);
    fixture_free(&fixture);
}

static void test_a_sender_resumes_and_nothing_is_there_twice(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS | AMQPC_TARGET_EXPIRY_POLICY,
                           .address = fixture_bytes("q"),
                           .expiry_policy = fixture_bytes("never")};
    static const amqpc_attach second = {.present = AMQPC_ATTACH_RCV_SETTLE_MODE,
                                        .rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND};
    const amqpc_source here = fixture_source("here");
    amqpc_link *link = NULL;
    fixture_make(&fixture, NULL);
    for (unsigned round = 0; round < 2; round++) {
        static amqpc_buffer *unsettled;
        fixture_peer *peer = fixture_connect(&fixture, "sender", NULL);
        assert_int_equal(
            amqpc_link_new(peer->session, AMQPC_ROLE_SENDER, fixture_bytes("to q"), &link),
            AMQPC_OK);
        if (round == 1) {
            assert_int_equal(
                amqpc_link_import(link, amqpc_buffer_data(unsettled), amqpc_buffer_size(unsettled)),
                AMQPC_OK);
            amqpc_buffer_free(unsettled);
        }
        assert_int_equal(amqpc_link_attach(link, &second, &here, &target), AMQPC_OK);
        fixture_run(&fixture);
        if (round == 0) {
            fixture_send(&fixture, link,
                         "one"); /* the broker has it, and this end has not settled */
            static const uint8_t two[] = {0, 0x53, 0x77, 0xa1, 3, 't', 'w', 'o'};
            assert_int_equal(amqpc_link_send(link, (amqpc_bytes){two, sizeof two}, NULL, NULL),
                             AMQPC_OK); /* never goes out */
            assert_int_equal(fixture_update(link).state_type, AMQPC_COMPOSITE_ACCEPTED);
            (void)amqpc_connection_input_end(peer->client);
            unsettled = export_link(link);
            fixture_cut(&fixture, peer);
        }
    }
    assert_int_equal(the_queue(&fixture)->ready_count, 2);
    assert_int_equal(the_queue(&fixture)->counts.received, 2);
    fixture_free(&fixture);
}

static void test_row_51_a_link_of_another_connection_is_stolen_and_its_state_goes_on(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = kept_source("session-end", 0);
    fixture_make(&fixture, NULL);
    fixture_peer *first = fixture_connect(&fixture, "receiver", NULL);
    amqpc_link *stolen = fixture_receiver(&fixture, first, "from q", &source, NULL, 10);
    send_two(&fixture);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 2);
    fixture_peer *second = fixture_connect(&fixture, "receiver", NULL);
    amqpc_link *thief = fixture_receiver(&fixture, second, "from q", &source, NULL, 10);
    assert_string_equal(fixture_condition(stolen), "amqp:link:stolen");
    assert_int_equal(amqpc_connection_get_state(first->client), AMQPC_CONNECTION_OPENED);
    assert_int_equal(fixture.broker->totals.stolen, 1);
    assert_string_equal(fixture_texts(&fixture, thief), "one two");
    assert_int_equal(the_queue(&fixture)->counts.accepted, 2);
    assert_int_equal(the_queue(&fixture)->counts.returned, 0);
    fixture_free(&fixture);
}

static void test_a_link_of_the_same_name_of_another_container_is_another_link(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *first = fixture_connect(&fixture, "one", NULL);
    fixture_peer *second = fixture_connect(&fixture, "two", NULL);
    amqpc_link *link = fixture_receiver(&fixture, first, "from q", &source, NULL, 10);
    (void)fixture_receiver(&fixture, second, "from q", &source, NULL, 10);
    assert_string_equal(fixture_condition(link), "");
    assert_int_equal(the_queue(&fixture)->consumer_count, 2);
    fixture_free(&fixture);
}

static void test_a_terminus_of_another_node_is_a_new_one(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_source source = kept_source("never", 0);
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "receiver", NULL);
    amqpc_link *link = fixture_receiver(&fixture, peer, "from q", &source, NULL, 10);
    send_two(&fixture);
    assert_int_equal(amqpc_link_detach(link, false, NULL), AMQPC_OK);
    fixture_run(&fixture);
    amqpc_link_free(link);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 2);
    source.address = fixture_bytes("other");
    (void)fixture_receiver(&fixture, peer, "from q", &source, NULL, 10);
    assert_int_equal(the_queue(&fixture)->unsettled_count, 0);
    assert_int_equal(the_queue(&fixture)->ready_count, 2);
    assert_int_equal(fixture.broker->totals.resumed, 0);
    fixture_free(&fixture);
}

static void test_a_dynamic_node_is_kept_with_its_terminus(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_source source = kept_source("connection-close", 60);
    source.present = AMQPC_SOURCE_DYNAMIC | AMQPC_SOURCE_EXPIRY_POLICY | AMQPC_SOURCE_TIMEOUT;
    source.dynamic = true;
    amqpc_source answered;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "receiver", NULL);
    amqpc_link *link = fixture_receiver(&fixture, peer, "reply", &source, NULL, 10);
    assert_int_equal(amqpc_link_remote_source(link, &answered), AMQPC_OK);
    char name[80] = "";
    memcpy(name, answered.address.data, answered.address.size);
    fixture_cut(&fixture, peer);
    fixture_run(&fixture);
    assert_non_null(queue_find(fixture.broker, fixture_bytes(name)));
    peer = fixture_connect(&fixture, "receiver", NULL);
    link = fixture_receiver(&fixture, peer, "reply", &source, NULL, 10);
    assert_int_equal(amqpc_link_remote_source(link, &answered), AMQPC_OK);
    assert_memory_equal(answered.address.data, name, strlen(name));
    assert_int_equal(fixture.broker->queues.count, 1);
    fixture_cut(&fixture, peer);
    fixture_pass(&fixture, 60000);
    assert_int_equal(fixture.broker->queues.count, 0);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_policy_messages_go_back_when_the_connection_is_cut),
        cmocka_unit_test(test_a_terminus_is_kept_as_long_as_its_policy_says),
        cmocka_unit_test(test_messages_stay_with_a_lost_consumer_until_its_time_is_over),
        cmocka_unit_test(test_a_receiver_resumes_on_another_connection),
        cmocka_unit_test(test_a_sender_resumes_and_nothing_is_there_twice),
        cmocka_unit_test(test_row_51_a_link_of_another_connection_is_stolen_and_its_state_goes_on),
        cmocka_unit_test(test_a_link_of_the_same_name_of_another_container_is_another_link),
        cmocka_unit_test(test_a_terminus_of_another_node_is_a_new_one),
        cmocka_unit_test(test_a_dynamic_node_is_kept_with_its_terminus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
