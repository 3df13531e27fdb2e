/* Storms: frames that are cheap to write, and must not be dear to read, in work or in memory
 * (hostile-inputs.md, 60, 62, 66 to 68). */
#include <stdio.h>

#include "engine_hostile_fixture.h"

static peer *peer_with_credit(uint32_t credit)
{
    peer *self = peer_begin();
    peer_attach(self, "link", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, credit);
    return self;
}

/* --- Ranges. */

enum { UNSETTLED = 1000 };

/* An engine that has sent UNSETTLED deliveries, with ids from 0. */
static peer *peer_with_unsettled(void)
{
    peer *self = peer_begin();
    amqpc_link *link = peer_attach(self, "link", 0, AMQPC_ROLE_RECEIVER);
    const amqpc_performative flow = engine_flow(0, 0, UNSETTLED);
    peer_feed(self, &flow);
    for (size_t i = 0; i < UNSETTLED; i++) {
        engine_send(link, "payload");
    }
    engine_take_frames(self->connection, &self->frames);
    self->next = self->frames.count;
    return self;
}

static void test_row_60_a_disposition_of_all_ids_or_a_reversed_one_costs_nothing(void **state)
{
    (void)state;
    static const uint32_t ranges[][2] = {
        {0, UINT32_MAX}, {500, 499}, {1, 0}, {UINT32_MAX, 0x7fffffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        peer *self = peer_with_unsettled();
        size_t allocations = self->memory.allocations;
        const amqpc_performative frame =
            disposition_frame(AMQPC_ROLE_RECEIVER, ranges[i][0], ranges[i][1], true);
        peer_feed(self, &frame);
        /* The error, its frame, and the list of what is suspended with the session. */
        assert_true(self->memory.allocations < allocations + 32);
        peer_expect_end(self, "amqp:invalid-field");
        peer_free(self);
    }
}

static void test_row_60_wide_ranges_cost_what_they_name(void **state)
{
    (void)state;
    enum { TIMES = 100000 };
    peer *self = peer_with_unsettled();
    amqpc_link *link = self->link;
    size_t allocations = self->memory.allocations;
    /* Nothing that lives is named: 100,000 ranges of 2^31 - 2,000 ids are no work. */
    const amqpc_performative none =
        disposition_frame(AMQPC_ROLE_RECEIVER, UNSETTLED, INT32_MAX, true);
    const amqpc_performative incoming = disposition_frame(AMQPC_ROLE_SENDER, 0, INT32_MAX, true);
    for (size_t i = 0; i < TIMES; i++) {
        peer_feed(self, &none);
        peer_feed(self, &incoming);
    }
    assert_int_equal(self->memory.allocations, allocations);
    assert_int_equal(amqpc_link_unsettled_count(link), UNSETTLED);
    assert_no_updates(link);
    const amqpc_performative all = disposition_frame(AMQPC_ROLE_RECEIVER, 0, INT32_MAX, true);
    peer_feed(self, &all);
    assert_int_equal(self->memory.allocations, allocations);
    static amqpc_update updates[UNSETTLED + 1];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(link, updates, UNSETTLED + 1, &count), AMQPC_OK);
    assert_int_equal(count, UNSETTLED);
    assert_int_equal(amqpc_link_unsettled_count(link), 0);
    peer_feed(self, &all); /* again: nothing is left */
    assert_no_updates(link);
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_row_60_one_large_state_for_many_deliveries_is_kept_once(void **state)
{
    (void)state;
    static uint8_t encoded[60000];
    peer *self = peer_with_unsettled();
    size_t before = self->memory.size;
    /* A described binary of 59,990 bytes, of a type that nobody knows. */
    const uint8_t head[] = {0, AMQPC_CODE_SMALLULONG, 0xee, AMQPC_CODE_BINARY32, 0, 0, 0xea, 0x58};
    memcpy(encoded, head, sizeof head);
    amqpc_performative frame = disposition_frame(AMQPC_ROLE_RECEIVER, 0, UNSETTLED - 1, false);
    assert_int_equal(
        amqpc_value_decode(encoded, sizeof encoded, NULL, &frame.as.disposition.state, NULL),
        AMQPC_OK);
    peer_feed(self, &frame);
    assert_true(self->memory.size < before + 4 * sizeof encoded + UNSETTLED * 256);
    static amqpc_update updates[UNSETTLED + 1];
    size_t count = 0;
    assert_int_equal(amqpc_link_updates(self->link, updates, UNSETTLED + 1, &count), AMQPC_OK);
    assert_int_equal(count, UNSETTLED);
    assert_int_equal(updates[UNSETTLED - 1].state_type, AMQPC_STATE_OTHER);
    assert_int_equal(updates[UNSETTLED - 1].state.type, AMQPC_TYPE_DESCRIBED);
    peer_free(self);
}

/* --- Storms. */

static void test_row_62_endless_empty_frames_of_a_delivery_cost_nothing(void **state)
{
    (void)state;
    enum { FRAMES = 100000 };
    for (unsigned streaming = 0; streaming < 2; streaming++) {
        peer *self = peer_with_credit(10);
        assert_int_equal(amqpc_link_set_streaming(self->link, streaming), AMQPC_OK);
        amqpc_performative frame = transfer_frame(0, 0);
        frame.as.transfer.present |= AMQPC_TRANSFER_MORE;
        frame.as.transfer.more = true;
        peer_feed(self, &frame);
        frame = more_frame(0);
        frame.payload = (amqpc_bytes){NULL, 0};
        size_t warm = 0;
        size_t flows = 0;
        for (size_t i = 0; i < FRAMES; i++) {
            peer_feed(self, &frame);
            if (i % 1000 == 999) { /* so that the window is renewed */
                engine_take_frames(self->connection, &self->frames);
                flows += self->frames.count;
                self->next = self->frames.count;
            }
            if (i == FRAMES / 4) { /* a slab is kept by the first frame, another one filled */
                warm = self->memory.size;
            }
            assert_true(i <= FRAMES / 4 || self->memory.size <= warm);
        }
        assert_in_range(flows, FRAMES / 2048, FRAMES / 1000);
        /* It can still be finished. */
        frame.as.transfer.more = false;
        frame.payload = engine_text("!");
        peer_feed(self, &frame);
        amqpc_delivery delivery = engine_receive(self->link);
        assert_bytes(delivery.payload, "payload!");
        assert_false(delivery.more);
        amqpc_delivery_release(&delivery);
        peer_free(self);
    }
}

static void test_row_66_a_storm_of_flows_with_echo_is_answered_once_for_each_output(void **state)
{
    (void)state;
    enum { FLOWS = 100000 };
    peer *self = peer_begin();
    peer_attach(self, "one", 0, AMQPC_ROLE_SENDER);
    peer_take_credit(self, self->link, 10);
    peer_attach(self, "two", 1, AMQPC_ROLE_RECEIVER);
    amqpc_performative flows[3] = {engine_flow(0, 0, 10), engine_flow(1, 0, 10),
                                   engine_flow(0, 0, 0)};
    flows[2].as.flow.present &=
        ~(uint32_t)(AMQPC_FLOW_HANDLE | AMQPC_FLOW_DELIVERY_COUNT | AMQPC_FLOW_LINK_CREDIT);
    for (size_t i = 0; i < 3; i++) {
        flows[i].as.flow.present |= AMQPC_FLOW_ECHO;
        flows[i].as.flow.echo = true;
        peer_feed(self, &flows[i]);
    }
    size_t before = self->memory.size;
    for (size_t i = 0; i < FLOWS; i++) {
        peer_feed(self, &flows[i % 3]);
        assert_true(self->memory.size <= before);
    }
    engine_take_frames(self->connection, &self->frames);
    self->next = self->frames.count;
    assert_in_range(self->frames.count, 2, 3);
    for (size_t i = 0; i < self->frames.count; i++) {
        assert_int_equal(self->frames.list[i].type, AMQPC_COMPOSITE_FLOW);
        assert_false(self->frames.list[i].as.flow.echo);
    }
    peer_expect_nothing(self);
    peer_free(self);
}

static void test_row_66_properties_of_flows_do_not_pile_up(void **state)
{
    (void)state;
    static uint8_t map[50008];
    const uint8_t head[] = {
        AMQPC_CODE_MAP32,    0, 0, 0xc3, 0x53, 0, 0, 0, 2, AMQPC_CODE_SYMBOL8, 1, 'k',
        AMQPC_CODE_BINARY32, 0, 0, 0xc3, 0x47};
    memcpy(map, head, sizeof head);
    peer *self = peer_with_credit(10);
    amqpc_performative flow = engine_flow(0, 0, 0);
    flow.as.flow.present |= AMQPC_FLOW_PROPERTIES;
    assert_int_equal(amqpc_value_decode(map, sizeof map, NULL, &flow.as.flow.properties, NULL),
                     AMQPC_OK);
    size_t before = self->memory.size;
    for (size_t i = 0; i < 1000; i++) {
        peer_feed(self, &flow);
        assert_true(self->memory.size < before + 2 * sizeof map + 300000);
    }
    peer_free(self);
}

static void test_row_67_links_come_and_go_with_flat_memory(void **state)
{
    (void)state;
    enum { TIMES = 10000 };
    for (unsigned role = 0; role < 2; role++) {
        peer *self = peer_begin();
        size_t warm = 0;
        for (unsigned i = 0; i < TIMES; i++) {
            char name[32];
            (void)snprintf(name, sizeof name, "link %u", i % 3 ? i : 0);
            peer_attach(self, name, i % 7, role == 1);
            const amqpc_performative detach = detach_frame(i % 7, i % 2 == 0);
            peer_feed(self, &detach);
            amqpc_link_free(engine_event(self->connection, AMQPC_EVENT_LINK_DETACH).link);
            const amqpc_performative *answer = peer_expect(self, AMQPC_COMPOSITE_DETACH);
            assert_true(answer->as.detach.closed);
            assert_int_equal(answer->as.detach.handle, 0); /* our handle is used again */
            peer_expect_nothing(self);
            assert_null(amqpc_session_next_link(self->session, NULL));
            if (i == 100) {
                warm = self->memory.size;
            }
            assert_true(i <= 100 || self->memory.size <= warm);
        }
        peer_free(self);
    }
}

static void test_row_67_links_that_nobody_frees_are_limited(void **state)
{
    (void)state;
    enum { HANDLES = 1024 };
    peer *self = peer_begin();
    char name[32];
    for (unsigned i = 0; i <= HANDLES; i++) { /* all on one handle, each suspended in turn */
        (void)snprintf(name, sizeof name, "link %u", i);
        const amqpc_performative attach = attach_frame(name, 0, AMQPC_ROLE_SENDER);
        peer_feed(self, &attach);
        if (i == HANDLES) {
            break;
        }
        amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
        assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
        const amqpc_performative detach = detach_frame(0, false);
        peer_feed(self, &detach);
        assert_int_equal(amqpc_link_detach(link, false, NULL), AMQPC_OK);
        peer_expect(self, AMQPC_COMPOSITE_ATTACH);
        peer_expect(self, AMQPC_COMPOSITE_DETACH);
    }
    peer_expect_end(self, "amqp:resource-limit-exceeded");
    peer_free(self);
}

/* --- Maps of unsettled deliveries. */

enum { MAP_MAX = 65536 };

/* An unsettled map of so many tags, each of 4 bytes, with state null. */
static amqpc_value unsettled_map(uint32_t entries)
{
    static uint8_t bytes[MAP_MAX];
    uint32_t size = entries * 7 + 4;
    assert_true(size + 5 <= sizeof bytes);
    bytes[0] = AMQPC_CODE_MAP32;
    for (unsigned i = 0; i < 4; i++) {
        bytes[1 + i] = (uint8_t)(size >> (24 - 8 * i));
        bytes[5 + i] = (uint8_t)(2 * entries >> (24 - 8 * i));
    }
    for (uint32_t i = 0; i < entries; i++) {
        uint8_t *entry = bytes + 9 + (size_t)7 * i;
        entry[0] = AMQPC_CODE_BINARY8;
        entry[1] = 4;
        memcpy(entry + 2, &i, 4);
        entry[6] = AMQPC_CODE_NULL;
    }
    amqpc_value map;
    assert_int_equal(amqpc_value_decode(bytes, size + 5, NULL, &map, NULL), AMQPC_OK);
    return map;
}

static void test_row_68_an_unsettled_map_is_kept_no_longer_than_it_is_needed(void **state)
{
    (void)state;
    enum { ENTRIES = 9000, ALLOCATIONS = 64 };
    peer *self = peer_begin();
    peer_attach(self, "other", 1, AMQPC_ROLE_SENDER);
    for (unsigned role = 0; role < 2; role++) {
        amqpc_performative attach = attach_frame("link", 0, role == 1);
        attach.as.attach.present |= AMQPC_ATTACH_UNSETTLED;
        attach.as.attach.unsettled = unsettled_map(ENTRIES);
        size_t warm = 0;
        for (unsigned i = 0; i < 20; i++) {
            size_t allocations = self->memory.allocations;
            peer_feed(self, &attach);
            amqpc_link *link = engine_event(self->connection, AMQPC_EVENT_LINK_ATTACH).link;
            assert_int_equal(amqpc_link_attach(link, NULL, NULL, NULL), AMQPC_OK);
            peer_expect(self, AMQPC_COMPOSITE_ATTACH);
            assert_int_equal(amqpc_link_unsettled_count(link), 0);
            assert_true(self->memory.allocations < allocations + ALLOCATIONS);
            peer_expect_nothing(self);
            amqpc_attach kept;
            assert_int_equal(amqpc_link_remote_attach(link, &kept), AMQPC_OK);
            assert_false(kept.present & AMQPC_ATTACH_UNSETTLED);
            warm = i == 0 ? self->memory.size : warm;
            assert_true(self->memory.size <= warm);
            const amqpc_performative detach = detach_frame(0, true);
            peer_feed(self, &detach);
            amqpc_link_free(link);
            peer_expect(self, AMQPC_COMPOSITE_DETACH);
        }
    }
    peer_free(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_60_a_disposition_of_all_ids_or_a_reversed_one_costs_nothing),
        cmocka_unit_test(test_row_60_wide_ranges_cost_what_they_name),
        cmocka_unit_test(test_row_60_one_large_state_for_many_deliveries_is_kept_once),
        cmocka_unit_test(test_row_62_endless_empty_frames_of_a_delivery_cost_nothing),
        cmocka_unit_test(test_row_66_a_storm_of_flows_with_echo_is_answered_once_for_each_output),
        cmocka_unit_test(test_row_66_properties_of_flows_do_not_pile_up),
        cmocka_unit_test(test_row_67_links_come_and_go_with_flat_memory),
        cmocka_unit_test(test_row_67_links_that_nobody_frees_are_limited),
        cmocka_unit_test(test_row_68_an_unsettled_map_is_kept_no_longer_than_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
