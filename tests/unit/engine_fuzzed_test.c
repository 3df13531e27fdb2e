/* What the fuzz targets of the engine found (tests/fuzz): each as the calls that show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

/* A frame of channel 0 at the end of the bytes. Gives their new size. */
static size_t append_frame(uint8_t *data, size_t size, size_t capacity,
                           const amqpc_performative *frame)
{
    size_t frame_size = 0;
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, frame, data + size, capacity - size, &frame_size),
        AMQPC_OK);
    return size + frame_size;
}

static size_t append_open(uint8_t *data, size_t size, size_t capacity, amqpc_bytes hostname)
{
    amqpc_performative open = {.type = AMQPC_COMPOSITE_OPEN};
    open.as.open.present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_HOSTNAME;
    open.as.open.container_id = engine_text("peer");
    open.as.open.hostname = hostname;
    return append_frame(data, size, capacity, &open);
}

/* An open may be larger than any frame behind it. */
static void test_an_open_larger_than_max_frame_size_fits_the_input(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    static char hostname[3000];
    amqpc_limits limits;
    amqpc_connection_options options;
    amqpc_connection *server = NULL;
    amqpc_connection_options_init(&options, sizeof options);
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = 512;
    limits.initial_frame_size = 4096;
    options.limits = &limits;
    options.role = AMQPC_SERVER;
    options.input_slab_size = 1024;
    assert_int_equal(amqpc_connection_new(NULL, &options, &server), AMQPC_OK);
    memset(hostname, 'h', sizeof hostname);
    memcpy(bytes, "AMQP\0\1\0", 8);
    size_t size = append_open(bytes, 8, sizeof bytes, (amqpc_bytes){hostname, sizeof hostname});
    assert_int_equal(engine_feed(server, bytes, size), AMQPC_OK);
    amqpc_open open;
    assert_int_equal(amqpc_connection_remote_open(server, &open), AMQPC_OK);
    assert_int_equal(open.hostname.size, sizeof hostname);
    amqpc_connection_free(server);
}

/* The session cannot be ended, because open was not sent: the connection fails instead. What comes
 * behind the frame at fault does not change why. */
static void test_a_fault_that_fails_the_connection_is_what_input_answers(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    for (unsigned more = 0; more < 2; more++) {
        amqpc_connection_options options;
        amqpc_connection *server = NULL;
        amqpc_connection_options_init(&options, sizeof options);
        options.role = AMQPC_SERVER;
        assert_int_equal(amqpc_connection_new(NULL, &options, &server), AMQPC_OK);
        memcpy(bytes, "AMQP\0\1\0", 8);
        size_t size = append_open(bytes, 8, sizeof bytes, engine_text("host"));
        amqpc_performative begin = {.type = AMQPC_COMPOSITE_BEGIN};
        begin.as.begin.present = AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_INCOMING_WINDOW |
                                 AMQPC_BEGIN_OUTGOING_WINDOW;
        begin.as.begin.incoming_window = 10;
        begin.as.begin.outgoing_window = 10;
        size = append_frame(bytes, size, sizeof bytes, &begin);
        amqpc_performative transfer = engine_transfer(7, 0, "payload");
        for (unsigned i = 0; i <= more; i++) {
            size = append_frame(bytes, size, sizeof bytes, &transfer);
        }
        assert_int_equal(engine_feed(server, bytes, size), AMQPC_UNATTACHED_HANDLE);
        amqpc_connection_failure failure;
        assert_int_equal(amqpc_connection_get_failure(server, &failure), AMQPC_OK);
        assert_int_equal(failure.status, AMQPC_UNATTACHED_HANDLE);
        amqpc_connection_free(server);
    }
}

/* The application uses the only channel for a session of its own: the peer's cannot be answered,
 * and so not be ended either. */
static void test_a_session_that_cannot_be_answered_fails_the_connection_for_its_limits(void **state)
{
    (void)state;
    amqpc_limits limits;
    amqpc_connection_options options;
    engine_pair pair;
    amqpc_session *own = NULL;
    amqpc_session *other = NULL;
    amqpc_limits_init(&limits, sizeof limits);
    amqpc_connection_options_init(&options, sizeof options);
    limits.channels = 1;
    options.limits = &limits;
    engine_pair_make(&pair, NULL, NULL, &options);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    assert_int_equal(amqpc_connection_open(pair.client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair.server, &open), AMQPC_OK);
    assert_int_equal(amqpc_session_new(pair.server, &own), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_new(pair.client, &other), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(other, NULL), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_session_begin(own, NULL), AMQPC_OK);
    amqpc_session_free(engine_event(pair.server, AMQPC_EVENT_SESSION_BEGIN).session);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(pair.server, &failure), AMQPC_OK);
    assert_int_equal(failure.status, AMQPC_RESOURCE_LIMIT);
    engine_pair_free(&pair);
}

/* The sender said a state, which nobody took yet, when the receiver settles: that is the last
 * update, and the delivery is freed with it. */
static void test_an_update_that_waits_is_the_last_once_the_receiver_settles(void **state)
{
    (void)state;
    static const uint8_t rejected[] = {0x00, 0x53, 0x25, 0x45};
    engine_pair pair;
    amqpc_value said;
    assert_int_equal(amqpc_value_decode(rejected, sizeof rejected, NULL, &said, NULL), AMQPC_OK);
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
    engine_exchange(&pair);
    uint64_t sent = engine_send(pair.sender, "text");
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(amqpc_link_update(pair.sender, sent, sent, &said, false), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(pair.receiver), 0);
    amqpc_update update = engine_update(pair.receiver);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_REJECTED);
    assert_true(update.settled);
    assert_no_updates(pair.receiver);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

/* The peer attaches a link, detaches it, and attaches another of the same name; this end has freed
 * the first meanwhile, and not begun the session yet. */
static void test_a_freed_link_may_be_stolen_before_its_session_is_begun(void **state)
{
    (void)state;
    engine_pair pair;
    amqpc_session *session = NULL;
    amqpc_performative attach = {.type = AMQPC_COMPOSITE_ATTACH};
    amqpc_performative detach = {.type = AMQPC_COMPOSITE_DETACH};
    engine_pair_begin_open(&pair, NULL);
    assert_int_equal(amqpc_session_new(pair.client, &session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(session, NULL), AMQPC_OK);
    engine_exchange(&pair);
    attach.as.attach.present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                               AMQPC_ATTACH_SND_SETTLE_MODE | AMQPC_ATTACH_RCV_SETTLE_MODE;
    attach.as.attach.name = engine_text("link");
    attach.as.attach.role = AMQPC_ROLE_RECEIVER;
    detach.as.detach.present = AMQPC_DETACH_HANDLE | AMQPC_DETACH_CLOSED;
    detach.as.detach.closed = true;
    assert_int_equal(engine_feed_frame(pair.server, 0, &attach), AMQPC_OK);
    assert_int_equal(engine_feed_frame(pair.server, 0, &detach), AMQPC_OK);
    amqpc_link_free(engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link);
    attach.as.attach.handle = 1;
    assert_int_equal(engine_feed_frame(pair.server, 0, &attach), AMQPC_OK);
    amqpc_link *second = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(second, NULL, NULL, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_get_state(second), AMQPC_LINK_ATTACHED);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_open_larger_than_max_frame_size_fits_the_input),
        cmocka_unit_test(test_a_fault_that_fails_the_connection_is_what_input_answers),
        cmocka_unit_test(
            test_a_session_that_cannot_be_answered_fails_the_connection_for_its_limits),
        cmocka_unit_test(test_an_update_that_waits_is_the_last_once_the_receiver_settles),
        cmocka_unit_test(test_a_freed_link_may_be_stolen_before_its_session_is_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
