/* Payloads that are sent from the application's memory: the update that gives it back always comes,
 * and comes when nobody reads the memory any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

enum { LARGE = 150000, CREDIT = 100 };

static engine_frames frames;

/* Memory that a sanitizer watches: freed as soon as the update says so. */
static amqpc_bytes lend(size_t size)
{
    uint8_t *data = (uint8_t *)malloc(size);
    assert_non_null(data);
    memset(data, 'b', size);
    return (amqpc_bytes){data, size};
}

static void give_back(amqpc_bytes lent)
{
    free((void *)(uintptr_t)lent.data);
}

static uint64_t send_lent(amqpc_link *link, amqpc_bytes lent, bool settled)
{
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = true;
    options.settled = settled;
    options.context = 4711;
    uint64_t number = 0;
    assert_int_equal(amqpc_link_send(link, lent, &options, &number), AMQPC_OK);
    return number;
}

static void open_with_credit(engine_pair *pair)
{
    engine_pair_open(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, CREDIT), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

/* The last update of the delivery, after which its memory is gone. */
static amqpc_update last_update(amqpc_link *link, uint64_t number, amqpc_bytes lent)
{
    amqpc_update update = engine_update(link);
    assert_int_equal(update.number, number);
    assert_int_equal(update.context, 4711);
    assert_true(update.settled);
    give_back(lent);
    return update;
}

static void test_small_and_large_payloads_arrive(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 512, 513, 60000, LARGE};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        engine_pair pair;
        open_with_credit(&pair);
        amqpc_bytes lent = lend(sizes[i]);
        uint64_t number = send_lent(pair.sender, lent, false);
        engine_exchange(&pair);
        assert_no_updates(pair.sender);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_int_equal(delivery.payload.size, lent.size);
        assert_memory_equal(delivery.payload.data, lent.data, lent.size);
        assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                           AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_OK);
        amqpc_delivery_release(&delivery);
        engine_exchange(&pair);
        assert_int_equal(last_update(pair.sender, number, lent).state_type,
                         AMQPC_COMPOSITE_ACCEPTED);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        engine_pair_free(&pair);
    }
}

static void test_the_trace_of_a_lent_payload_shows_its_frames(void **state)
{
    (void)state;
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.trace_size = 65536;
    engine_pair pair;
    engine_pair_open_with(&pair, &options, NULL);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, CREDIT), AMQPC_OK);
    engine_exchange(&pair);
    static char text[65536];
    (void)amqpc_connection_read_trace(pair.client, text, sizeof text);
    amqpc_bytes lent = lend(LARGE);
    uint64_t number = send_lent(pair.sender, lent, true);
    engine_take_frames(pair.client, &frames);
    size_t size = amqpc_connection_read_trace(pair.client, text, sizeof text - 1);
    text[size] = '\0';
    unsigned lines = 0;
    for (const char *at = text; (at = strstr(at, "transfer")) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, engine_frame_count(&frames, AMQPC_COMPOSITE_TRANSFER));
    (void)last_update(pair.sender, number, lent);
    engine_pair_free(&pair);
}

static void test_an_empty_payload_needs_no_memory(void **state)
{
    (void)state;
    for (unsigned settled = 0; settled < 2; settled++) {
        engine_pair pair;
        open_with_credit(&pair);
        uint64_t number = send_lent(pair.sender, (amqpc_bytes){NULL, 0}, settled);
        engine_exchange(&pair);
        amqpc_delivery delivery = engine_receive(pair.receiver);
        assert_int_equal(delivery.payload.size, 0);
        assert_int_equal(delivery.settled, settled);
        if (!settled) {
            assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                               AMQPC_COMPOSITE_ACCEPTED),
                             AMQPC_OK);
            engine_exchange(&pair);
        }
        (void)last_update(pair.sender, number, (amqpc_bytes){NULL, 0});
        amqpc_delivery_release(&delivery);
        engine_pair_free(&pair);
    }
}

static void test_what_is_sent_settled_is_given_back_when_it_has_gone_out(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    amqpc_bytes lent = lend(LARGE);
    uint64_t number = send_lent(pair.sender, lent, true);
    assert_no_updates(pair.sender);
    amqpc_bytes vectors[64];
    size_t count = 0;
    size_t total = 0;
    assert_int_equal(amqpc_connection_output(pair.client, vectors, 64, &count), AMQPC_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(engine_feed(pair.server, vectors[i].data, vectors[i].size), AMQPC_OK);
        total += vectors[i].size;
    }
    amqpc_connection_output_done(pair.client, total - 1);
    assert_no_updates(pair.sender);
    amqpc_connection_output_done(pair.client, 1);
    (void)engine_event(pair.client, AMQPC_EVENT_UPDATES);
    amqpc_update update = last_update(pair.sender, number, lent);
    assert_false(update.unknown);
    assert_int_equal(update.state_type, AMQPC_COMPOSITE_NONE);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(delivery.payload.size, LARGE);
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

/* The peer may settle while the last bytes are still to be sent (it need not have read them). */
static void test_an_outcome_before_the_bytes_have_gone_waits_for_them(void **state)
{
    (void)state;
    engine_pair pair;
    open_with_credit(&pair);
    amqpc_bytes lent = lend(LARGE);
    uint64_t number = send_lent(pair.sender, lent, false);
    amqpc_performative disposition = {.type = AMQPC_COMPOSITE_DISPOSITION};
    disposition.as.disposition = (amqpc_disposition){
        .present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST | AMQPC_DISPOSITION_SETTLED,
        .role = AMQPC_ROLE_RECEIVER,
        .first = (uint32_t)number,
        .settled = true,
    };
    assert_int_equal(engine_feed_frame(pair.client, 0, &disposition), AMQPC_OK);
    assert_no_updates(pair.sender);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
    engine_exchange(&pair);
    (void)last_update(pair.sender, number, lent);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    engine_pair_free(&pair);
}

static void test_what_this_end_settles_is_given_back(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < 2; gone++) {
        engine_pair pair;
        open_with_credit(&pair);
        amqpc_bytes lent = lend(LARGE);
        uint64_t number = send_lent(pair.sender, lent, false);
        if (gone) {
            engine_exchange(&pair);
        }
        assert_int_equal(amqpc_link_settle(pair.sender, number, number, AMQPC_COMPOSITE_NONE),
                         AMQPC_OK);
        engine_exchange(&pair);
        (void)last_update(pair.sender, number, lent);
        assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
        engine_pair_free(&pair);
    }
}

/* The window has room for the first frame only. */
static void close_window(engine_pair *pair)
{
    engine_pair_make(pair, NULL, NULL, NULL);
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = engine_text("end")};
    amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW, .incoming_window = 1};
    assert_int_equal(amqpc_connection_open(pair->client, &open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair->server, &open), AMQPC_OK);
    assert_int_equal(amqpc_session_new(pair->client, &pair->client_session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(pair->client_session, NULL), AMQPC_OK);
    engine_exchange(pair);
    pair->server_session = engine_event(pair->server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(pair->server_session, &begin), AMQPC_OK);
    engine_exchange(pair);
    engine_pair_attach(pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair->receiver, CREDIT), AMQPC_OK);
    engine_exchange(pair);
    engine_events(pair->client);
}

enum ending {
    CONNECTION_LOST,
    CONNECTION_FAILED,
    LINK_CLOSED,
    LINK_CLOSED_BY_PEER,
    SESSION_ENDED,
    SESSION_ENDED_BY_PEER,
    ENDINGS
};

/* Ends what the delivery went by, and then forgets it at this end. */
static void end_by(engine_pair *pair, enum ending ending)
{
    const amqpc_performative fault = {.type = AMQPC_COMPOSITE_OPEN,
                                      .as.open = {.present = AMQPC_OPEN_CONTAINER_ID}};
    switch (ending) {
    case CONNECTION_LOST:
        assert_int_equal(amqpc_connection_input_end(pair->client), AMQPC_STREAM_ENDED);
        break;
    case CONNECTION_FAILED:
        assert_int_equal(engine_feed_frame(pair->client, 0, &fault), AMQPC_ILLEGAL_STATE);
        engine_take_frames(pair->client, &frames);
        assert_int_equal(amqpc_connection_input_end(pair->client), AMQPC_ILLEGAL_STATE);
        break;
    case LINK_CLOSED:
        assert_int_equal(amqpc_link_detach(pair->sender, true, NULL), AMQPC_OK);
        engine_exchange(pair);
        assert_int_equal(amqpc_link_detach(pair->receiver, true, NULL), AMQPC_OK);
        engine_exchange(pair);
        break;
    case LINK_CLOSED_BY_PEER:
        assert_int_equal(amqpc_link_detach(pair->receiver, true, NULL), AMQPC_OK);
        engine_exchange(pair);
        assert_int_equal(amqpc_link_detach(pair->sender, true, NULL), AMQPC_OK);
        engine_exchange(pair);
        break;
    case SESSION_ENDED:
        assert_int_equal(amqpc_session_end(pair->client_session, NULL), AMQPC_OK);
        engine_exchange(pair);
        break;
    default:
        assert_int_equal(amqpc_session_end(pair->server_session, NULL), AMQPC_OK);
        engine_exchange(pair);
        break;
    }
    /* What is suspended is borrowed still: it may be sent again. Closing the link forgets it. */
    assert_int_equal(amqpc_link_detach(pair->sender, true, NULL), AMQPC_OK);
}

static void assert_given_back(size_t size, bool settled, bool windowed, bool gone,
                              enum ending ending)
{
    engine_pair pair;
    if (windowed) {
        close_window(&pair);
    } else {
        open_with_credit(&pair);
    }
    amqpc_bytes lent = lend(size);
    uint64_t number = send_lent(pair.sender, lent, settled);
    if (gone) {
        /* Nothing comes back: the window stays as it is. */
        (void)engine_pump(pair.client, pair.server, SIZE_MAX);
    }
    bool over = settled && gone && !windowed;
    if (over) {
        (void)last_update(pair.sender, number, lent);
    }
    end_by(&pair, ending);
    if (!over) {
        engine_take_frames(pair.client, &frames);
        amqpc_update update = last_update(pair.sender, number, lent);
        assert_true(update.unknown || settled);
    }
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
    engine_pair_free(&pair);
}

static void test_every_ending_gives_the_memory_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8 * ENDINGS; i++) {
        assert_given_back(LARGE, i & 1, i & 2, i & 4, (enum ending)(i / 8));
        assert_given_back(700, i & 1, i & 2, i & 4, (enum ending)(i / 8));
    }
}

/* The application is done with the link; the bytes are still to go. */
static void test_a_link_that_is_freed_leaves_its_bytes_to_the_output(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        engine_pair pair;
        if (i & 4) {
            close_window(&pair);
        } else {
            open_with_credit(&pair);
        }
        amqpc_bytes lent = lend(LARGE);
        (void)send_lent(pair.sender, lent, i & 1);
        if (i & 2) {
            const amqpc_performative detach = {
                .type = AMQPC_COMPOSITE_DETACH,
                .as.detach = {.present = AMQPC_DETACH_HANDLE | AMQPC_DETACH_CLOSED,
                              .closed = true}};
            assert_int_equal(engine_feed_frame(pair.client, 0, &detach), AMQPC_OK);
        }
        if (i & 8) {
            amqpc_session_free(pair.client_session);
            const amqpc_performative end = {.type = AMQPC_COMPOSITE_END};
            assert_int_equal(engine_feed_frame(pair.client, 0, &end), AMQPC_OK);
        } else {
            amqpc_link_free(pair.sender);
        }
        engine_take_frames(pair.client, &frames);
        assert_true(engine_frame_count(&frames, AMQPC_COMPOSITE_TRANSFER) >= 1);
        give_back(lent);
        engine_pair_free(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_and_large_payloads_arrive),
        cmocka_unit_test(test_the_trace_of_a_lent_payload_shows_its_frames),
        cmocka_unit_test(test_an_empty_payload_needs_no_memory),
        cmocka_unit_test(test_what_is_sent_settled_is_given_back_when_it_has_gone_out),
        cmocka_unit_test(test_an_outcome_before_the_bytes_have_gone_waits_for_them),
        cmocka_unit_test(test_what_this_end_settles_is_given_back),
        cmocka_unit_test(test_every_ending_gives_the_memory_back),
        cmocka_unit_test(test_a_link_that_is_freed_leaves_its_bytes_to_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
