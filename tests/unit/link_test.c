/* Links: attach, refuse, detach, close, and their names and handles (AMQP 2.6.1 to 2.6.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

static engine_frames frames;

static amqpc_link *new_link(amqpc_session *session, bool role, const char *name)
{
    amqpc_link *link = NULL;
    assert_int_equal(amqpc_link_new(session, role, engine_text(name), &link), AMQPC_OK);
    return link;
}

static void attach(amqpc_link *link)
{
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = engine_text("from")};
    amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = engine_text("to")};
    assert_int_equal(amqpc_link_attach(link, NULL, &source, &target), AMQPC_OK);
}

static void test_names_are_unique_for_each_role(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_link *link = NULL;
    amqpc_session *session = pair.client_session;
    assert_int_equal(amqpc_link_new(session, AMQPC_ROLE_SENDER, (amqpc_bytes){NULL, 0}, &link),
                     AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_new(session, AMQPC_ROLE_SENDER, engine_text("\xff"), &link),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_link *first = new_link(session, AMQPC_ROLE_SENDER, "name");
    assert_int_equal(amqpc_link_new(session, AMQPC_ROLE_SENDER, engine_text("name"), &link),
                     AMQPC_INVALID_ARGUMENT);
    amqpc_link *other = new_link(session, AMQPC_ROLE_RECEIVER, "name");
    assert_false(amqpc_link_role(first));
    assert_true(amqpc_link_role(other));
    assert_bytes(amqpc_link_name(first), "name");
    assert_ptr_equal(amqpc_link_session(first), session);
    assert_ptr_equal(amqpc_session_next_link(session, NULL), first);
    assert_ptr_equal(amqpc_session_next_link(session, first), other);
    assert_null(amqpc_session_next_link(session, other));
    assert_null(amqpc_link_context(first));
    amqpc_link_set_context(first, &pair);
    assert_ptr_equal(amqpc_link_context(first), &pair);
    amqpc_link_free(first);
    (void)new_link(session, AMQPC_ROLE_SENDER, "name");
    for (unsigned i = 0; i < 100; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%u", i);
        (void)new_link(session, i % 2, name);
    }
    engine_pair_free(&pair);
}

static void test_both_attaches_are_readable_with_all_their_fields(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    pair.sender = new_link(pair.client_session, AMQPC_ROLE_SENDER, "link");
    amqpc_attach asked = {.present = AMQPC_ATTACH_SND_SETTLE_MODE | AMQPC_ATTACH_RCV_SETTLE_MODE |
                                     AMQPC_ATTACH_INITIAL_DELIVERY_COUNT |
                                     AMQPC_ATTACH_MAX_MESSAGE_SIZE,
                          .snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_UNSETTLED,
                          .rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND,
                          .initial_delivery_count = 4000000000u,
                          .max_message_size = 123};
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS | AMQPC_SOURCE_DURABLE |
                                      AMQPC_SOURCE_EXPIRY_POLICY | AMQPC_SOURCE_TIMEOUT |
                                      AMQPC_SOURCE_DISTRIBUTION_MODE,
                           .address = engine_text("here"),
                           .durable = 2,
                           .expiry_policy = engine_text("never"),
                           .timeout = 60,
                           .distribution_mode = engine_text("copy")};
    amqpc_target target = {
        .present = AMQPC_TARGET_DYNAMIC | AMQPC_TARGET_DURABLE, .dynamic = true, .durable = 1};
    amqpc_attach got;
    assert_int_equal(amqpc_link_remote_attach(pair.sender, &got), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_attach(pair.sender, &asked, &source, &target), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(pair.sender, &asked, &source, &target), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_ATTACH_SENT);
    engine_exchange(&pair);
    pair.receiver = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_ATTACH_RECEIVED);
    assert_true(amqpc_link_role(pair.receiver));
    assert_bytes(amqpc_link_name(pair.receiver), "link");
    assert_int_equal(amqpc_link_remote_attach(pair.receiver, &got), AMQPC_OK);
    assert_int_equal(got.snd_settle_mode, AMQPC_SENDER_SETTLE_MODE_UNSETTLED);
    assert_int_equal(got.rcv_settle_mode, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    assert_int_equal(got.initial_delivery_count, 4000000000u);
    assert_int_equal(got.max_message_size, 123);
    amqpc_source from;
    amqpc_target to;
    assert_int_equal(amqpc_link_remote_source(pair.receiver, &from), AMQPC_OK);
    assert_bytes(from.address, "here");
    assert_int_equal(from.durable, 2);
    assert_bytes(from.expiry_policy, "never");
    assert_int_equal(from.timeout, 60);
    assert_bytes(from.distribution_mode, "copy");
    assert_int_equal(amqpc_link_remote_target(pair.receiver, &to), AMQPC_OK);
    assert_true(to.dynamic);
    assert_int_equal(to.durable, 1);
    /* The answer changes the target; what it leaves out is as asked. */
    amqpc_target made = {.present = AMQPC_TARGET_ADDRESS, .address = engine_text("made")};
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, &made), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_event(pair.client, AMQPC_EVENT_LINK_ATTACH);
    assert_false(amqpc_link_is_refused(pair.sender));
    assert_int_equal(amqpc_link_remote_attach(pair.sender, &got), AMQPC_OK);
    assert_int_equal(got.snd_settle_mode, AMQPC_SENDER_SETTLE_MODE_UNSETTLED);
    assert_int_equal(got.rcv_settle_mode, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    assert_int_equal(amqpc_link_remote_source(pair.sender, &from), AMQPC_OK);
    assert_bytes(from.address, "here");
    assert_int_equal(amqpc_link_remote_target(pair.sender, &to), AMQPC_OK);
    assert_bytes(to.address, "made");
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_ATTACHED);
    engine_pair_free(&pair);
}

static void test_the_target_may_be_a_coordinator(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    uint8_t coordinator[] = {0x00, 0x53, 0x30, 0x45};
    amqpc_attach asked = {.present = AMQPC_ATTACH_TARGET};
    assert_int_equal(amqpc_value_decode(coordinator, sizeof coordinator, NULL, &asked.target, NULL),
                     AMQPC_OK);
    pair.sender = new_link(pair.client_session, AMQPC_ROLE_SENDER, "txn");
    assert_int_equal(amqpc_link_attach(pair.sender, &asked, NULL, NULL), AMQPC_OK);
    engine_exchange(&pair);
    pair.receiver = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link;
    amqpc_target target;
    amqpc_source source;
    amqpc_attach got;
    assert_int_equal(amqpc_link_remote_target(pair.receiver, &target), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_remote_source(pair.receiver, &source), AMQPC_NOT_FOUND);
    assert_int_equal(amqpc_link_remote_attach(pair.receiver, &got), AMQPC_OK);
    assert_int_equal(amqpc_value_composite(&got.target), AMQPC_COMPOSITE_COORDINATOR);
    assert_int_equal(amqpc_link_attach(pair.receiver, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_false(amqpc_link_is_refused(pair.sender));
    engine_pair_free(&pair);
}

/* Pitfall 20: a refusal is an attach without terminus, and then detach. */
static void test_pitfall_20_a_refusal_is_no_success(void **state)
{
    (void)state;
    for (unsigned role = 0; role < 2; role++) {
        engine_pair pair;
        engine_pair_open(&pair);
        amqpc_link *link = new_link(pair.client_session, role, "link");
        attach(link);
        engine_exchange(&pair);
        amqpc_link *other = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link;
        amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                             .condition = engine_text("amqp:not-found")};
        assert_int_equal(amqpc_link_refuse(link, &error), AMQPC_INVALID_STATE);
        assert_int_equal(amqpc_link_refuse(other, &error), AMQPC_OK);
        assert_int_equal(amqpc_link_refuse(other, &error), AMQPC_INVALID_STATE);
        engine_take_frames(pair.server, &frames);
        const amqpc_attach *answer = &engine_frame(&frames, AMQPC_COMPOSITE_ATTACH)->as.attach;
        assert_int_equal(!(answer->present & AMQPC_ATTACH_TARGET), role == AMQPC_ROLE_SENDER);
        assert_int_equal(!(answer->present & AMQPC_ATTACH_SOURCE), role == AMQPC_ROLE_RECEIVER);
        assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_DETACH), 1);
        assert_int_equal(engine_feed(pair.client, frames.bytes, frames.size), AMQPC_OK);
        (void)engine_event(pair.client, AMQPC_EVENT_LINK_ATTACH);
        assert_true(amqpc_link_is_refused(link));
        (void)engine_event(pair.client, AMQPC_EVENT_LINK_DETACH);
        amqpc_error got;
        assert_int_equal(amqpc_link_error(link, &got), AMQPC_OK);
        assert_bytes(got.condition, "amqp:not-found");
        assert_int_equal(amqpc_link_detach(link, true, NULL), AMQPC_OK);
        engine_exchange(&pair);
        assert_true(amqpc_link_is_closed(link));
        assert_int_equal(amqpc_link_get_state(other), AMQPC_LINK_DETACHED);
        engine_pair_free(&pair);
    }
}

/* --- Detaching. */

static void test_a_suspended_link_is_attached_again_by_either_end(void **state)
{
    (void)state;
    for (unsigned by = 0; by < 2; by++) {
        engine_pair pair;
        engine_pair_open(&pair);
        engine_pair_attach(&pair, NULL);
        assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACH_SENT);
        engine_exchange(&pair);
        (void)engine_event(pair.server, AMQPC_EVENT_LINK_DETACH);
        assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_DETACH_RECEIVED);
        assert_int_equal(amqpc_link_detach(pair.receiver, false, NULL), AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACHED);
        assert_false(amqpc_link_is_closed(pair.sender));
        assert_false(amqpc_link_is_closed(pair.receiver));
        engine_events(pair.client);
        engine_events(pair.server);
        attach(by == 0 ? pair.sender : pair.receiver);
        engine_exchange(&pair);
        amqpc_connection *asked = by == 0 ? pair.server : pair.client;
        amqpc_link *again = engine_event(asked, AMQPC_EVENT_LINK_ATTACH).link;
        assert_ptr_equal(again, by == 0 ? pair.receiver : pair.sender);
        assert_int_equal(amqpc_link_attach(again, NULL, NULL, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
        engine_exchange(&pair);
        (void)engine_send(pair.sender, "again");
        engine_exchange(&pair);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_bytes(delivery.payload, "again");
        assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                           AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_OK);
        amqpc_delivery_release(&delivery);
        engine_exchange(&pair);
        assert_true(engine_update(pair.sender).settled);
        engine_pair_free(&pair);
    }
}

static void test_a_closed_link_is_not_attached_again_but_its_name_may_be(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_detach(pair.receiver, true, NULL), AMQPC_OK);
    engine_exchange(&pair);
    /* The answer to a detach that closes is always closed. */
    assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
    assert_int_equal(engine_forward(pair.client, pair.server, &frames), AMQPC_OK);
    assert_true(engine_frame(&frames, AMQPC_COMPOSITE_DETACH)->as.detach.closed);
    assert_true(amqpc_link_is_closed(pair.sender));
    assert_int_equal(amqpc_link_attach(pair.sender, NULL, NULL, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_link_move(pair.sender, pair.client_session), AMQPC_INVALID_STATE);
    amqpc_link *sender = NULL;
    amqpc_link *receiver = NULL;
    engine_events(pair.server);
    engine_pair_attach_named(&pair, "link", NULL, NULL, &sender, &receiver);
    assert_ptr_not_equal(receiver, pair.receiver);
    assert_int_equal(amqpc_link_get_state(sender), AMQPC_LINK_ATTACHED);
    engine_pair_free(&pair);
}

static void test_crossing_detaches_are_answers_to_each_other(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 4; closed++) {
        engine_pair pair;
        engine_pair_open(&pair);
        engine_pair_attach(&pair, NULL);
        assert_int_equal(amqpc_link_add_credit(pair.receiver, 10), AMQPC_OK);
        engine_exchange(&pair);
        (void)engine_send(pair.sender, "crossing");
        assert_int_equal(amqpc_link_detach(pair.sender, closed & 1, NULL), AMQPC_OK);
        assert_int_equal(amqpc_link_detach(pair.receiver, closed & 2, NULL), AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACHED);
        assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_DETACHED);
        assert_int_equal(amqpc_link_is_closed(pair.sender), closed != 0);
        assert_int_equal(amqpc_link_is_closed(pair.receiver), closed != 0);
        amqpc_connection_failure failure;
        assert_int_equal(amqpc_connection_get_failure(pair.server, &failure), AMQPC_NOT_FOUND);
        engine_pair_free(&pair);
    }
}

static void test_detach_with_an_error_closes_and_is_told(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    amqpc_error error = {.present = 0};
    assert_int_equal(amqpc_link_detach(pair.sender, false, &error), AMQPC_MISSING_FIELD);
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_ATTACHED);
    error.present = AMQPC_ERROR_CONDITION;
    error.condition = engine_text("app:no");
    assert_int_equal(amqpc_link_detach(pair.sender, false, &error), AMQPC_OK);
    assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DISCARDING);
    engine_exchange(&pair);
    amqpc_error got;
    assert_int_equal(amqpc_link_error(pair.receiver, &got), AMQPC_OK);
    assert_bytes(got.condition, "app:no");
    assert_true(amqpc_link_is_closed(pair.receiver));
    assert_int_equal(amqpc_link_error(pair.sender, &got), AMQPC_NOT_FOUND);
    engine_pair_free(&pair);
}

static void test_detach_before_attach_is_not_allowed(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    amqpc_link *link = new_link(pair.client_session, AMQPC_ROLE_SENDER, "link");
    assert_int_equal(amqpc_link_detach(link, true, NULL), AMQPC_INVALID_STATE);
    amqpc_session *later = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &later), AMQPC_OK);
    amqpc_link *early = new_link(later, AMQPC_ROLE_SENDER, "early");
    assert_int_equal(amqpc_link_attach(early, NULL, NULL, NULL), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_session_begin(later, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(early, NULL, NULL, NULL), AMQPC_OK);
    engine_pair_free(&pair);
}

static void test_a_link_moves_to_another_session(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_move(pair.sender, pair.server_session), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_link_move(pair.sender, pair.client_session), AMQPC_INVALID_STATE);
    assert_int_equal(amqpc_session_end(pair.client_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_end(pair.server_session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    engine_events(pair.client);
    engine_events(pair.server);
    amqpc_session *next = NULL;
    assert_int_equal(amqpc_session_new(pair.client, &next), AMQPC_OK);
    assert_int_equal(amqpc_link_move(pair.sender, next), AMQPC_OK);
    assert_ptr_equal(amqpc_link_session(pair.sender), next);
    amqpc_session_free(pair.client_session);
    assert_int_equal(amqpc_session_begin(next, NULL), AMQPC_OK);
    attach(pair.sender);
    engine_exchange(&pair);
    amqpc_session *other = engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_ptr_equal(engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link, pair.receiver);
    assert_ptr_equal(amqpc_link_session(pair.receiver), other);
    engine_pair_free(&pair);
}

/* Row 51. */
static void test_row_51_a_second_link_of_the_name_steals_the_first(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    amqpc_performative again = {.type = AMQPC_COMPOSITE_ATTACH};
    again.as.attach =
        (amqpc_attach){.present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                                  AMQPC_ATTACH_INITIAL_DELIVERY_COUNT,
                       .name = engine_text("link"),
                       .handle = 7,
                       .role = AMQPC_ROLE_SENDER};
    assert_int_equal(engine_feed_frame(pair.server, 0, &again), AMQPC_OK);
    amqpc_connection_event event = engine_event(pair.server, AMQPC_EVENT_LINK_DETACH);
    assert_ptr_equal(event.link, pair.receiver);
    amqpc_error error;
    assert_int_equal(amqpc_link_error(pair.receiver, &error), AMQPC_OK);
    assert_bytes(error.condition, "amqp:link:stolen");
    event = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH);
    assert_ptr_not_equal(event.link, pair.receiver);
    assert_int_equal(amqpc_link_attach(event.link, NULL, NULL, NULL), AMQPC_OK);
    engine_pair_free(&pair);
}

/* --- Handles and freeing. */

/* Pitfall 19: a handle is free again only once both detaches have crossed. */
static void test_pitfall_19_handles_are_used_again_when_both_detaches_have_crossed(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.handles_max = 2;
    engine_pair pair;
    engine_pair_open_with(&pair, NULL, &options);
    engine_pair_attach(&pair, NULL);
    amqpc_link *second = NULL;
    amqpc_link *second_end = NULL;
    engine_pair_attach_named(&pair, "second", NULL, NULL, &second, &second_end);
    amqpc_link *third = new_link(pair.client_session, AMQPC_ROLE_SENDER, "third");
    assert_int_equal(amqpc_link_attach(third, NULL, NULL, NULL), AMQPC_LIMIT_REACHED);
    assert_int_equal(amqpc_link_detach(pair.sender, true, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(third, NULL, NULL, NULL), AMQPC_LIMIT_REACHED);
    engine_exchange(&pair);
    amqpc_link_free(pair.receiver);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_attach(third, NULL, NULL, NULL), AMQPC_OK);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(engine_frame(&frames, AMQPC_COMPOSITE_ATTACH)->as.attach.handle, 0);
    engine_pair_free(&pair);
}

static amqpc_link *link_in_state(engine_pair *pair, amqpc_link_state wanted)
{
    amqpc_link *link = new_link(pair->client_session, AMQPC_ROLE_SENDER, "link");
    if (wanted == AMQPC_LINK_DETACHED) {
        return link;
    }
    attach(link);
    if (wanted == AMQPC_LINK_ATTACH_SENT) {
        return link;
    }
    engine_exchange(pair);
    amqpc_link *other = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    if (wanted == AMQPC_LINK_ATTACH_RECEIVED) {
        return other;
    }
    assert_int_equal(amqpc_link_attach(other, NULL, NULL, NULL), AMQPC_OK);
    engine_exchange(pair);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("app:no")};
    if (wanted == AMQPC_LINK_DETACH_SENT || wanted == AMQPC_LINK_DISCARDING) {
        assert_int_equal(
            amqpc_link_detach(link, false, wanted == AMQPC_LINK_DISCARDING ? &error : NULL),
            AMQPC_OK);
    }
    if (wanted == AMQPC_LINK_DETACH_RECEIVED) {
        assert_int_equal(amqpc_link_detach(other, false, NULL), AMQPC_OK);
        engine_exchange(pair);
    }
    return link;
}

static void test_a_link_is_freed_in_every_state(void **state)
{
    (void)state;
    for (unsigned at = 0; at <= AMQPC_LINK_DISCARDING; at++) {
        engine_pair pair;
        engine_pair_open(&pair);
        amqpc_link *link = link_in_state(&pair, (amqpc_link_state)at);
        assert_int_equal(amqpc_link_get_state(link), at);
        amqpc_session *session = amqpc_link_session(link);
        amqpc_link_free(link);
        assert_null(amqpc_session_next_link(session, NULL));
        engine_exchange(&pair);
        /* The peer answers as it does, and then the name is free at both ends. */
        amqpc_link *other = amqpc_session_next_link(
            session == pair.client_session ? pair.server_session : pair.client_session, NULL);
        amqpc_link_free(other);
        engine_exchange(&pair);
        assert_null(amqpc_session_next_link(pair.server_session, NULL));
        amqpc_connection_failure failure;
        assert_int_equal(amqpc_connection_get_failure(pair.client, &failure), AMQPC_NOT_FOUND);
        assert_int_equal(amqpc_connection_get_failure(pair.server, &failure), AMQPC_NOT_FOUND);
        engine_events(pair.client);
        engine_events(pair.server);
        engine_pair_attach(&pair, NULL);
        assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_ATTACHED);
        engine_pair_free(&pair);
    }
    amqpc_link_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique_for_each_role),
        cmocka_unit_test(test_both_attaches_are_readable_with_all_their_fields),
        cmocka_unit_test(test_the_target_may_be_a_coordinator),
        cmocka_unit_test(test_pitfall_20_a_refusal_is_no_success),
        cmocka_unit_test(test_a_suspended_link_is_attached_again_by_either_end),
        cmocka_unit_test(test_a_closed_link_is_not_attached_again_but_its_name_may_be),
        cmocka_unit_test(test_crossing_detaches_are_answers_to_each_other),
        cmocka_unit_test(test_detach_with_an_error_closes_and_is_told),
        cmocka_unit_test(test_detach_before_attach_is_not_allowed),
        cmocka_unit_test(test_a_link_moves_to_another_session),
        cmocka_unit_test(test_row_51_a_second_link_of_the_name_steals_the_first),
        cmocka_unit_test(test_pitfall_19_handles_are_used_again_when_both_detaches_have_crossed),
        cmocka_unit_test(test_a_link_is_freed_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
