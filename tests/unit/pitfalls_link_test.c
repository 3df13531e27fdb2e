/* The points of pitfalls.md that are about deliveries, links and connections: 7 to 9, 18 to 20, 22.
 * Each by its number. */
#include "engine_hostile_fixture.h"

static peer *peer_with_credit(uint32_t credit)
{
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, credit);
    return self;
}

/* --- 7 to 9: deliveries. */

static void test_pitfall_7_continuations_leave_out_what_the_first_frame_said(void **state)
{
    (void)state;
    for (unsigned repeats = 0; repeats < 2; repeats++) {
        peer *self = peer_with_credit(10);
        amqpc_performative frame = transfer_frame(0, 3);
        frame.as.transfer.message_format = 77;
        frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
        frame.as.transfer.more = true;
        peer_feed(self, &frame);
        amqpc_performative next = repeats ? frame : more_frame(0);
        next.payload = engine_text("/2");
        peer_feed(self, &next);
        next.payload = engine_text("/3");
        next.as.transfer.more = false;
        peer_feed(self, &next);
        amqpc_delivery delivery = engine_receive(self->link);
        assert_bytes(delivery.payload, "payload/2/3");
        assert_bytes(delivery.tag, "tag");
        assert_int_equal(delivery.delivery_id, 3);
        assert_int_equal(delivery.message_format, 77);
        assert_false(delivery.settled);
        amqpc_delivery_release(&delivery);
        peer_free(self);
    }
}

static void test_pitfall_7_settled_holds_if_any_frame_says_so(void **state)
{
    (void)state;
    enum { FRAMES = 3 };
    for (uint32_t which = 0; which < FRAMES; which++) {
        peer *self = peer_with_credit(10);
        for (uint32_t i = 0; i < FRAMES; i++) {
            amqpc_performative frame = i == 0 ? transfer_frame(0, 0) : more_frame(0);
            frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
            frame.as.transfer.more = i + 1 < FRAMES;
            if (i == which) {
                frame.as.transfer.present |= AMQPC_TRANSFER_SETTLED;
                frame.as.transfer.settled = true;
            } else if (i > which) {
                frame.as.transfer.present |= AMQPC_TRANSFER_SETTLED; /* false takes nothing back */
                frame.as.transfer.settled = false;
            }
            peer_feed(self, &frame);
        }
        assert_int_equal(amqpc_link_unsettled_count(self->link), 0);
        amqpc_delivery delivery = engine_receive(self->link);
        assert_true(delivery.settled);
        assert_int_equal(amqpc_link_settle(self->link, delivery.number, delivery.number,
                                           AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_NOT_FOUND);
        amqpc_delivery_release(&delivery);
        peer_expect_nothing(self);
        peer_free(self);
    }
}

static void test_pitfall_8_settled_agrees_with_the_negotiated_mode(void **state)
{
    (void)state;
    for (uint8_t mode = AMQPC_SENDER_SETTLE_MODE_UNSETTLED; mode <= AMQPC_SENDER_SETTLE_MODE_MIXED;
         mode++) {
        peer *self = peer_begin();
        amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_RECEIVER);
        attach.as.attach.present |= AMQPC_ATTACH_SND_SETTLE_MODE;
        attach.as.attach.snd_settle_mode = mode;
        peer_feed(self, &attach);
        amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
        assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
        assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_ATTACH)->as.attach.snd_settle_mode,
                         mode);
        const amqpc_performative flow = engine_flow(0, 0, 10);
        peer_feed(self, &flow);
        for (unsigned settled = 0; settled < 2; settled++) {
            amqpc_send_options options;
            amqpc_send_options_init(&options, sizeof options);
            options.settled = settled;
            bool agrees = mode == AMQPC_SENDER_SETTLE_MODE_MIXED ||
                          (mode == AMQPC_SENDER_SETTLE_MODE_SETTLED) == (settled == 1);
            assert_int_equal(amqpc_link_send(link, engine_text("x"), &options, NULL),
                             agrees ? AMQPC_OK : AMQPC_INVALID_ARGUMENT);
            if (agrees) {
                assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_TRANSFER)->as.transfer.settled,
                                 settled);
            }
        }
        /* The defaults fit every mode. */
        engine_send(link, "x");
        assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_TRANSFER)->as.transfer.settled,
                         mode == AMQPC_SENDER_SETTLE_MODE_SETTLED);
        peer_expect_nothing(self);
        peer_free(self);
    }
}

static void test_pitfall_9_mode_second_has_a_third_leg(void **state)
{
    (void)state;
    peer *self = peer_begin();
    amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_SENDER);
    attach.as.attach.present |= AMQPC_ATTACH_RCV_SETTLE_MODE;
    attach.as.attach.rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    peer_feed(self, &attach);
    amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_ATTACH)->as.attach.rcv_settle_mode,
                     AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    peer_take_credit(self, link, 10);
    const amqpc_performative transfer = transfer_frame(0, 0);
    peer_feed(self, &transfer);
    amqpc_delivery delivery = engine_receive(link);
    assert_int_equal(delivery.rcv_settle_mode, AMQPC_RECEIVER_SETTLE_MODE_SECOND);
    /* The receiver's state, unsettled. */
    assert_int_equal(
        amqpc_link_settle(link, delivery.number, delivery.number, AMQPC_COMPOSITE_ACCEPTED),
        AMQPC_OK);
    amqpc_delivery_release(&delivery);
    const amqpc_disposition *said = &peer_expect(self, AMQPC_COMPOSITE_DISPOSITION)->as.disposition;
    assert_false(said->settled);
    assert_int_equal(amqpc_value_composite(&said->state), AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(amqpc_link_unsettled_count(link), 1);
    assert_no_updates(link);
    /* The sender settles: so does the receiver, and the application hears of it. */
    const amqpc_performative settled = disposition_frame(AMQPC_ROLE_SENDER, 0, 0, true);
    peer_feed(self, &settled);
    assert_int_equal(amqpc_link_unsettled_count(link), 0);
    amqpc_update update = engine_update(link);
    assert_true(update.settled);
    peer_expect_nothing(self);
    peer_free(self);
}

/* --- 18: null and empty. */

static void test_pitfall_18_external_sends_an_empty_initial_response_over_the_wire(void **state)
{
    (void)state;
    amqpc_sasl_options sasl;
    amqpc_connection_options options;
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    amqpc_connection_options_init(&options, sizeof options);
    sasl.mechanisms = engine_text("EXTERNAL");
    options.sasl = &sasl;
    options.random = engine_text("32 bytes which nobody can predict");
    peer *self = peer_new(AMQPC_CLIENT, &options);
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_SASL), AMQPC_OK);
    const amqpc_bytes names[] = {engine_text("EXTERNAL")};
    amqpc_performative mechanisms = {.type = AMQPC_COMPOSITE_SASL_MECHANISMS};
    mechanisms.as.sasl_mechanisms.present = AMQPC_SASL_MECHANISMS_SASL_SERVER_MECHANISMS;
    mechanisms.as.sasl_mechanisms.sasl_server_mechanisms.count = 1;
    mechanisms.as.sasl_mechanisms.sasl_server_mechanisms.items = names;
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
    const amqpc_sasl_init *init = &peer_expect(self, AMQPC_COMPOSITE_SASL_INIT)->as.sasl_init;
    assert_true(init->present & AMQPC_SASL_INIT_INITIAL_RESPONSE);
    assert_int_equal(init->initial_response.size, 0);
    peer_free(self);
}

/* --- 19: limits are inclusive. */

static void test_pitfall_19_channel_max_and_handle_max_are_inclusive(void **state)
{
    (void)state;
    peer *self = peer_greet(AMQPC_SERVER, NULL);
    amqpc_performative open = open_frame();
    open.as.open.present |= AMQPC_OPEN_CHANNEL_MAX;
    open.as.open.channel_max = 1;
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_OPEN)->as.open.channel_max, 255);
    amqpc_session *sessions[3];
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(amqpc_session_new(self->connection, &sessions[i]), AMQPC_OK);
        assert_int_equal(amqpc_session_begin(sessions[i], NULL),
                         i < 2 ? AMQPC_OK : AMQPC_LIMIT_REACHED);
    }
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_BEGIN)->as.begin.handle_max, 1023);
    peer_expect(self, AMQPC_COMPOSITE_BEGIN);
    assert_int_equal(self->frames.channels[self->next - 1], 1);
    amqpc_performative begin = begin_frame();
    begin.as.begin.present |= AMQPC_BEGIN_REMOTE_CHANNEL | AMQPC_BEGIN_HANDLE_MAX;
    begin.as.begin.remote_channel = 1;
    begin.as.begin.handle_max = 0;
    peer_feed(self, &begin);
    for (unsigned i = 0; i < 2; i++) {
        amqpc_link *link = NULL;
        assert_int_equal(amqpc_link_new(sessions[1], AMQPC_ROLE_SENDER,
                                        engine_text(i == 0 ? "one" : "two"), &link),
                         AMQPC_OK);
        assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL),
                         i == 0 ? AMQPC_OK : AMQPC_LIMIT_REACHED);
    }
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_ATTACH)->as.attach.handle, 0);
    peer_free(self);
}

static void test_pitfall_19_the_peers_max_frame_size_is_not_echoed(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {512, 1024, 65536, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        peer *self = peer_greet(AMQPC_SERVER, NULL);
        amqpc_performative open = open_frame();
        open.as.open.present |= AMQPC_OPEN_MAX_FRAME_SIZE;
        open.as.open.max_frame_size = sizes[i];
        peer_feed(self, &open);
        assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
        const amqpc_open *sent = &peer_expect(self, AMQPC_COMPOSITE_OPEN)->as.open;
        assert_true(sent->present & AMQPC_OPEN_MAX_FRAME_SIZE);
        assert_int_equal(sent->max_frame_size, 65536);
        peer_free(self);
    }
}

static void test_pitfall_19_a_max_message_size_of_0_is_no_limit(void **state)
{
    (void)state;
    static uint8_t payload[100000];
    for (unsigned way = 0; way < 3; way++) { /* absent, 0, and just enough */
        for (size_t more = 0; more < 2; more++) {
            peer *self = peer_begin();
            amqpc_performative attach = attach_frame("link", 0, AMQPC_ROLE_RECEIVER);
            attach.as.attach.present |= way > 0 ? AMQPC_ATTACH_MAX_MESSAGE_SIZE : 0u;
            attach.as.attach.max_message_size = way == 2 ? sizeof payload - 1 : 0;
            peer_feed(self, &attach);
            amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
            assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
            const amqpc_performative flow = engine_flow(0, 0, 10);
            peer_feed(self, &flow);
            assert_int_equal(amqpc_link_send(link,
                                             (amqpc_bytes){payload, sizeof payload - 1 + more},
                                             NULL, NULL),
                             way == 2 && more ? AMQPC_MESSAGE_TOO_LARGE : AMQPC_OK);
            peer_free(self);
        }
    }
}

static void test_pitfall_19_a_handle_is_free_only_when_both_detaches_have_crossed(void **state)
{
    (void)state;
    peer *self = peer_begin();
    amqpc_link *first = NULL;
    amqpc_link *second = NULL;
    assert_int_equal(amqpc_link_new(self->session, AMQPC_ROLE_SENDER, engine_text("first"), &first),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_attach(first, NULL, NULL, NULL), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_ATTACH)->as.attach.handle, 0);
    amqpc_performative attach = attach_frame("first", 9, AMQPC_ROLE_RECEIVER);
    peer_feed(self, &attach);
    assert_int_equal(amqpc_link_detach(first, true, NULL), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_DETACH);
    /* Our handle 0 is not free yet; and the peer's handle 9 is not either. */
    assert_int_equal(
        amqpc_link_new(self->session, AMQPC_ROLE_SENDER, engine_text("second"), &second), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(second, NULL, NULL, NULL), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_ATTACH)->as.attach.handle, 1);
    const amqpc_performative detach = detach_frame(9, true);
    peer_feed(self, &detach);
    assert_int_equal(
        amqpc_link_new(self->session, AMQPC_ROLE_SENDER, engine_text("third"), &second), AMQPC_OK);
    assert_int_equal(amqpc_link_attach(second, NULL, NULL, NULL), AMQPC_OK);
    assert_int_equal(peer_expect(self, AMQPC_COMPOSITE_ATTACH)->as.attach.handle, 0);
    attach = attach_frame("third", 9, AMQPC_ROLE_RECEIVER);
    peer_feed(self, &attach);
    peer_expect_nothing(self);
    /* The peer's half: it detaches, we have not answered, and the handle is in use. */
    const amqpc_performative again = detach_frame(9, false);
    peer_feed(self, &again);
    attach = attach_frame("fourth", 9, AMQPC_ROLE_RECEIVER);
    peer_feed(self, &attach);
    peer_expect_end(self, "amqp:session:handle-in-use");
    peer_free(self);
}

/* --- 20: detaching and refusing. */

static void test_pitfall_20_detach_suspends_and_with_closed_destroys(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        engine_pair pair;
        engine_pair_open(&pair);
        engine_pair_attach(&pair, NULL);
        assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
        engine_exchange(&pair);
        engine_send(pair.sender, "x");
        assert_int_equal(amqpc_link_detach(pair.sender, closed, NULL), AMQPC_OK);
        engine_exchange(&pair);
        /* The answer to a detach that closes is one that closes, whatever the application says. */
        assert_int_equal(amqpc_link_detach(pair.receiver, false, NULL), AMQPC_OK);
        engine_exchange(&pair);
        assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_DETACHED);
        assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_DETACHED);
        assert_int_equal(amqpc_link_is_closed(pair.sender), closed);
        assert_int_equal(amqpc_link_is_closed(pair.receiver), closed);
        if (closed) {
            amqpc_update update = engine_update(pair.sender);
            assert_true(update.settled);
            assert_true(update.unknown);
            assert_int_equal(amqpc_link_unsettled_count(pair.sender), 0);
            assert_int_equal(amqpc_link_attach(pair.sender, NULL, NULL, NULL), AMQPC_INVALID_STATE);
        } else {
            assert_no_updates(pair.sender);
            assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
            assert_int_equal(amqpc_link_attach(pair.sender, NULL, NULL, NULL), AMQPC_OK);
            engine_exchange(&pair);
            assert_int_equal(amqpc_link_get_state(pair.sender), AMQPC_LINK_ATTACH_SENT);
            assert_int_equal(amqpc_link_get_state(pair.receiver), AMQPC_LINK_ATTACH_RECEIVED);
        }
        engine_pair_free(&pair);
    }
}

static void test_pitfall_20_a_refused_link_is_no_success(void **state)
{
    (void)state;
    for (unsigned role = 0; role < 2; role++) {
        engine_pair pair;
        engine_pair_open(&pair);
        const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS,
                                     .address = engine_text("here")};
        const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS,
                                     .address = engine_text("there")};
        amqpc_link *asking = NULL;
        assert_int_equal(
            amqpc_link_new(pair.client_session, role == 1, engine_text("link"), &asking), AMQPC_OK);
        assert_int_equal(amqpc_link_attach(asking, NULL, &source, &target), AMQPC_OK);
        engine_exchange(&pair);
        const amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                                   .condition = engine_text("amqp:not-found")};
        amqpc_link *refusing = engine_event(pair.server, AMQPC_EVENT_LINK_ATTACH).link;
        assert_int_equal(amqpc_link_refuse(refusing, &error), AMQPC_OK);
        static engine_frames frames;
        engine_take_frames(pair.server, &frames);
        assert_int_equal(frames.count, 2);
        const amqpc_attach *attach = &engine_frame(&frames, AMQPC_COMPOSITE_ATTACH)->as.attach;
        assert_int_equal((attach->present & AMQPC_ATTACH_TARGET) != 0, role == 1);
        assert_int_equal((attach->present & AMQPC_ATTACH_SOURCE) != 0, role == 0);
        /* Between attach and detach it is known to be refused, and there is no error yet. */
        const amqpc_performative answer = {.type = AMQPC_COMPOSITE_ATTACH, .as.attach = *attach};
        assert_int_equal(engine_feed_frame(pair.client, 0, &answer), AMQPC_OK);
        (void)engine_event(pair.client, AMQPC_EVENT_LINK_ATTACH);
        assert_true(amqpc_link_is_refused(asking));
        amqpc_error received;
        assert_int_equal(amqpc_link_error(asking, &received), AMQPC_NOT_FOUND);
        const amqpc_performative *detach = engine_frame(&frames, AMQPC_COMPOSITE_DETACH);
        assert_true(detach->as.detach.closed);
        assert_int_equal(engine_feed_frame(pair.client, 0, detach), AMQPC_OK);
        (void)engine_event(pair.client, AMQPC_EVENT_LINK_DETACH);
        assert_int_equal(amqpc_link_error(asking, &received), AMQPC_OK);
        assert_bytes(received.condition, "amqp:not-found");
        engine_pair_free(&pair);
    }
}

/* --- 22: pipelining. */

static void pipeline(amqpc_connection *client, amqpc_session **session, amqpc_link **link)
{
    const amqpc_performative open = open_frame();
    assert_int_equal(amqpc_connection_open(client, &open.as.open), AMQPC_OK);
    assert_int_equal(amqpc_session_new(client, session), AMQPC_OK);
    assert_int_equal(amqpc_session_begin(*session, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_new(*session, AMQPC_ROLE_RECEIVER, engine_text("link"), link),
                     AMQPC_OK);
    assert_int_equal(amqpc_link_attach(*link, NULL, NULL, NULL), AMQPC_OK);
    assert_int_equal(amqpc_link_add_credit(*link, 5), AMQPC_OK);
}

static void answer(engine_pair *pair)
{
    const amqpc_performative open = open_frame();
    (void)engine_event(pair->server, AMQPC_EVENT_CONNECTION_OPEN);
    assert_int_equal(amqpc_connection_open(pair->server, &open.as.open), AMQPC_OK);
    pair->server_session = engine_event(pair->server, AMQPC_EVENT_SESSION_BEGIN).session;
    assert_int_equal(amqpc_session_begin(pair->server_session, NULL), AMQPC_OK);
    pair->sender = engine_event(pair->server, AMQPC_EVENT_LINK_ATTACH).link;
    assert_int_equal(amqpc_link_attach(pair->sender, NULL, NULL, NULL), AMQPC_OK);
    engine_send(pair->sender, "at once");
    engine_exchange(pair);
    amqpc_delivery delivery = engine_receive(pair->receiver);
    assert_bytes(delivery.payload, "at once");
    amqpc_delivery_release(&delivery);
}

static void test_pitfall_22_a_client_pipelines_all_of_it(void **state)
{
    (void)state;
    static engine_frames frames;
    engine_pair pair;
    engine_pair_make(&pair, NULL, NULL, NULL);
    pipeline(pair.client, &pair.client_session, &pair.receiver);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(frames.headers, 1);
    static const uint32_t types[] = {AMQPC_COMPOSITE_OPEN, AMQPC_COMPOSITE_BEGIN,
                                     AMQPC_COMPOSITE_ATTACH, AMQPC_COMPOSITE_FLOW};
    assert_int_equal(frames.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(frames.list[i].type, types[i]);
    }
    assert_int_equal(engine_feed(pair.server, frames.bytes, frames.size), AMQPC_OK);
    answer(&pair);
    engine_pair_free(&pair);
}

static void test_pitfall_22_sasl_and_amqp_have_a_header_each(void **state)
{
    (void)state;
    static engine_frames frames;
    amqpc_sasl_options sasl;
    amqpc_connection_options options;
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    amqpc_connection_options_init(&options, sizeof options);
    options.sasl = &sasl;
    options.random = engine_text("32 bytes which nobody can predict");
    engine_pair pair;
    engine_pair_make(&pair, NULL, &options, &options);
    pipeline(pair.client, &pair.client_session, &pair.receiver);
    engine_take_frames(pair.client, &frames);
    assert_int_equal(frames.size, 8);
    assert_memory_equal(frames.bytes, "AMQP\3\1\0\0", 8);
    assert_int_equal(engine_feed(pair.server, frames.bytes, frames.size), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_SASL);
    assert_int_equal(amqpc_sasl_finish(pair.server, AMQPC_SASL_CODE_OK, (amqpc_bytes){NULL, 0}),
                     AMQPC_OK);
    assert_int_equal(engine_forward(pair.server, pair.client, &frames), AMQPC_OK);
    assert_int_equal(engine_frame_count(&frames, AMQPC_COMPOSITE_SASL_OUTCOME), 1);
    engine_take_frames(pair.client, &frames);
    assert_memory_equal(frames.bytes, "AMQP\0\1\0\0", 8);
    assert_int_equal(frames.count, 4);
    assert_int_equal(engine_feed(pair.server, frames.bytes, frames.size), AMQPC_OK);
    answer(&pair);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pitfall_7_continuations_leave_out_what_the_first_frame_said),
        cmocka_unit_test(test_pitfall_7_settled_holds_if_any_frame_says_so),
        cmocka_unit_test(test_pitfall_8_settled_agrees_with_the_negotiated_mode),
        cmocka_unit_test(test_pitfall_9_mode_second_has_a_third_leg),
        cmocka_unit_test(test_pitfall_18_external_sends_an_empty_initial_response_over_the_wire),
        cmocka_unit_test(test_pitfall_19_channel_max_and_handle_max_are_inclusive),
        cmocka_unit_test(test_pitfall_19_the_peers_max_frame_size_is_not_echoed),
        cmocka_unit_test(test_pitfall_19_a_max_message_size_of_0_is_no_limit),
        cmocka_unit_test(test_pitfall_19_a_handle_is_free_only_when_both_detaches_have_crossed),
        cmocka_unit_test(test_pitfall_20_detach_suspends_and_with_closed_destroys),
        cmocka_unit_test(test_pitfall_20_a_refused_link_is_no_success),
        cmocka_unit_test(test_pitfall_22_a_client_pipelines_all_of_it),
        cmocka_unit_test(test_pitfall_22_sasl_and_amqp_have_a_header_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
