/* What a sender says and sends when its link is attached again: the deliveries of the example of
 * AMQP 3.4.6, one by one, on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recovery_wire_fixture.h"

/* A message of two sections, as the specification counts them: of 8 bytes each. */
static const uint8_t message[] = {0x00, 0x53, 0x70, 0xc0, 0x03, 0x02, 0x41, 0x41,
                                  0x00, 0x53, 0x75, 0xa0, 0x03, 'a',  'b',  'c'};
enum { FIRST_SECTION = 8, NOWHERE = 999 };

/* One delivery of the example.
 *
 * source, target     the states, the first before the link is attached; target "absent": not in the
 *                    map
 * resume ... state   of the transfer that follows; start NOWHERE: there is none
 * start              where its payload begins; NOTHING: it has none
 * update, unknown    the state type of the last update; NO_UPDATE where the delivery goes on */
typedef enum said { NONE, RECEIVED_EARLY, RECEIVED_LATE, ACCEPTED, RELEASED, ABSENT } said;

typedef struct example {
    const char *name;
    said source;
    said target;
    bool resume;
    bool settled;
    bool aborted;
    size_t start;
    uint32_t state;
    uint32_t update;
    bool unknown;
} example;

enum { NO_UPDATE = 0xfffe, NOTHING = sizeof message };

static const example examples[] = {
    {"delivery 1", NONE, ABSENT, false, false, false, 0, 0, NO_UPDATE, false},
    {"delivery 2", NONE, RECEIVED_LATE, true, false, false, FIRST_SECTION, 0, NO_UPDATE, false},
    {"delivery 3", NONE, ACCEPTED, true, true, false, NOTHING, AMQPC_COMPOSITE_ACCEPTED,
     AMQPC_COMPOSITE_ACCEPTED, false},
    {"delivery 4", NONE, NONE, true, false, false, 0, 0, NO_UPDATE, false},
    {"delivery 5", RECEIVED_LATE, ABSENT, false, false, false, 0, AMQPC_COMPOSITE_RECEIVED,
     NO_UPDATE, false},
    {"delivery 6", RECEIVED_LATE, RECEIVED_EARLY, true, true, true, NOTHING,
     AMQPC_COMPOSITE_RECEIVED, AMQPC_COMPOSITE_NONE, true},
    {"delivery 7", RECEIVED_EARLY, RECEIVED_LATE, true, false, false, FIRST_SECTION,
     AMQPC_COMPOSITE_RECEIVED, NO_UPDATE, false},
    {"delivery 8", RECEIVED_LATE, ACCEPTED, true, true, false, NOTHING, AMQPC_COMPOSITE_ACCEPTED,
     AMQPC_COMPOSITE_ACCEPTED, false},
    {"delivery 9", RECEIVED_LATE, NONE, true, true, true, NOTHING, AMQPC_COMPOSITE_RECEIVED,
     AMQPC_COMPOSITE_NONE, true},
    {"delivery 10", ACCEPTED, ABSENT, false, false, false, NOWHERE, 0, AMQPC_COMPOSITE_ACCEPTED,
     false},
    {"delivery 11", ACCEPTED, RECEIVED_LATE, true, true, true, NOTHING, AMQPC_COMPOSITE_ACCEPTED,
     AMQPC_COMPOSITE_ACCEPTED, false},
    {"delivery 12", ACCEPTED, ACCEPTED, true, true, false, NOTHING, AMQPC_COMPOSITE_ACCEPTED,
     AMQPC_COMPOSITE_ACCEPTED, false},
    {"delivery 13", ACCEPTED, RELEASED, true, true, false, NOTHING, AMQPC_COMPOSITE_ACCEPTED,
     AMQPC_COMPOSITE_ACCEPTED, false},
    {"delivery 14", ACCEPTED, NONE, true, true, true, NOTHING, AMQPC_COMPOSITE_ACCEPTED,
     AMQPC_COMPOSITE_ACCEPTED, false},
};

/* Sends the message, and suspends the link with the state that the source has of it. */
static uint64_t suspend_with(engine_pair *pair, said source, bool streamed)
{
    uint64_t number = 0;
    amqpc_bytes payload = {message, sizeof message};
    recovery_open(pair, AMQPC_RECEIVER_SETTLE_MODE_SECOND, 10);
    if (streamed) {
        assert_int_equal(amqpc_link_send_start(pair->sender, NULL, &number), AMQPC_OK);
        assert_int_equal(amqpc_link_send_chunk(pair->sender, payload), AMQPC_OK);
        assert_int_equal(amqpc_link_send_finish(pair->sender), AMQPC_OK);
    } else {
        assert_int_equal(amqpc_link_send(pair->sender, payload, NULL, &number), AMQPC_OK);
    }
    engine_exchange(pair);
    if (source == ACCEPTED) {
        amqpc_delivery delivery;
        size_t count = 0;
        assert_int_equal(amqpc_link_receive(pair->receiver, &delivery, 1, &count), AMQPC_OK);
        assert_int_equal(amqpc_link_settle(pair->receiver, delivery.number, delivery.number,
                                           AMQPC_COMPOSITE_ACCEPTED),
                         AMQPC_OK);
        amqpc_delivery_release(&delivery);
        engine_exchange(pair);
        assert_false(recovery_update(pair->sender).settled);
    }
    recovery_detach(pair);
    if (source == RECEIVED_EARLY || source == RECEIVED_LATE) {
        const amqpc_value *state = wire_received(source == RECEIVED_LATE, 0);
        assert_int_equal(amqpc_link_update(pair->sender, number, number, state, false), AMQPC_OK);
    }
    return number;
}

static const amqpc_value *state_of(said state)
{
    switch (state) {
    case RECEIVED_EARLY:
        return wire_received(0, 0);
    case RECEIVED_LATE:
        return wire_received(1, 0);
    case ACCEPTED:
        return &wire_accepted;
    case RELEASED:
        return &wire_released;
    default:
        return NULL;
    }
}

static amqpc_bytes tag_of(const engine_pair *pair)
{
    static amqpc_unsettled unsettled;
    assert_int_equal(amqpc_link_next_unsettled(pair->sender, 0, &unsettled), AMQPC_OK);
    return unsettled.tag;
}

/* What the engine's own map says of the delivery. */
static void check_map(const wire_frames *frames, amqpc_bytes tag, uint32_t expected)
{
    const amqpc_attach *attach = &frames->frames[0].as.attach;
    amqpc_items items;
    amqpc_value pair[2];
    size_t count = 0;
    assert_int_equal(frames->frames[0].type, AMQPC_COMPOSITE_ATTACH);
    assert_true(attach->present & AMQPC_ATTACH_UNSETTLED);
    assert_int_equal(attach->unsettled.count, 2);
    assert_int_equal(amqpc_items_init(&attach->unsettled, &items), AMQPC_OK);
    assert_int_equal(amqpc_items_next(&items, pair, 2, &count), AMQPC_OK);
    assert_int_equal(pair[0].as.bytes.size, tag.size);
    assert_memory_equal(pair[0].as.bytes.data, tag.data, tag.size);
    assert_int_equal(amqpc_value_composite(&pair[1]), expected);
}

static void check_transfer(const example *one, const amqpc_performative *frame)
{
    if (one->start == NOWHERE) {
        assert_null(frame);
        return;
    }
    assert_non_null(frame);
    const amqpc_transfer *transfer = &frame->as.transfer;
    assert_int_equal(transfer->resume, one->resume);
    assert_int_equal(transfer->settled, one->settled);
    assert_int_equal(transfer->aborted, one->aborted);
    assert_false(transfer->more);
    assert_int_equal(transfer->delivery_id, 1); /* the first of this session's that is free */
    assert_int_equal(frame->payload.size, sizeof message - one->start);
    if (frame->payload.size > 0) {
        assert_memory_equal(frame->payload.data, message + one->start, frame->payload.size);
    }
    uint32_t state = transfer->present & AMQPC_TRANSFER_STATE
                         ? amqpc_value_composite(&transfer->state)
                         : AMQPC_COMPOSITE_NONE;
    assert_int_equal(state, one->state);
}

static void check_update(const engine_pair *pair, const example *one, uint64_t number)
{
    if (one->update == NO_UPDATE) {
        recovery_expect_no_update(pair->sender);
        assert_int_equal(amqpc_link_unsettled_count(pair->sender), 1);
        return;
    }
    amqpc_update update = recovery_update(pair->sender);
    assert_int_equal(update.number, number);
    assert_true(update.settled);
    assert_int_equal(update.unknown, one->unknown);
    assert_int_equal(update.state_type, one->update);
    assert_int_equal(amqpc_link_unsettled_count(pair->sender), 0);
}

static void run(const example *one)
{
    static const uint32_t map_states[] = {AMQPC_COMPOSITE_NONE, AMQPC_COMPOSITE_RECEIVED,
                                          AMQPC_COMPOSITE_RECEIVED, AMQPC_COMPOSITE_ACCEPTED};
    engine_pair pair;
    wire_frames frames;
    uint64_t number = suspend_with(&pair, one->source, false);
    uint8_t tag_bytes[AMQPC_DELIVERY_TAG_MAX];
    amqpc_bytes tag = tag_of(&pair);
    memcpy(tag_bytes, tag.data, tag.size);
    tag.data = tag_bytes;
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    check_map(&frames, tag, map_states[one->source]);
    wire_entry entry = {tag, state_of(one->target)};
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, &entry, one->target != ABSENT, false);
    wire_take(pair.client, &frames);
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_TRANSFER), 0); /* no credit */
    wire_flow(pair.client, 1, 0, 10);
    wire_take(pair.client, &frames);
    check_transfer(one, wire_transfer(&frames, tag));
    check_update(&pair, one, number);
    engine_pair_free(&pair);
}

static void test_the_example_of_the_specification(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        print_message("%s\n", examples[i].name);
        run(&examples[i]);
    }
}

static void test_what_was_sent_in_pieces_is_aborted_where_the_target_has_it(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)suspend_with(&pair, NONE, true);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    uint8_t tag = 0; /* of the first delivery */
    wire_entry entry = {{&tag, 1}, NULL};
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, &entry, 1, false);
    amqpc_update update = recovery_update(pair.sender);
    assert_true(update.unknown);
    wire_flow(pair.client, 1, 0, 10);
    wire_take(pair.client, &frames);
    const amqpc_performative *frame = wire_transfer(&frames, entry.tag);
    assert_non_null(frame);
    assert_true(frame->as.transfer.resume);
    assert_true(frame->as.transfer.aborted);
    engine_pair_free(&pair);
}

static void test_what_was_sent_in_pieces_is_unknown_where_the_target_lacks_it(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)suspend_with(&pair, NONE, true);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, NULL, SIZE_MAX, false);
    assert_true(recovery_update(pair.sender).unknown);
    wire_flow(pair.client, 1, 0, 10);
    wire_take(pair.client, &frames);
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_TRANSFER), 0);
    engine_pair_free(&pair);
}

static void test_an_incomplete_map_leaves_what_it_does_not_name(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)suspend_with(&pair, NONE, false);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, NULL, 0, true);
    wire_flow(pair.client, 1, 0, 10);
    wire_take(pair.client, &frames);
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_TRANSFER), 0);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
    recovery_expect_no_update(pair.sender);
    /* And nothing new may be sent, however much credit there is (AMQP 2.7.3). */
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("new"), NULL, NULL), AMQPC_NO_CREDIT);
    engine_pair_free(&pair);
}

static void test_an_incomplete_map_settles_what_it_names(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)suspend_with(&pair, NONE, false);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    uint8_t tag = 0;
    wire_entry entry = {{&tag, 1}, &wire_accepted};
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, &entry, 1, true);
    assert_int_equal(recovery_update(pair.sender).state_type, AMQPC_COMPOSITE_ACCEPTED);
    wire_flow(pair.client, 1, 0, 10);
    wire_take(pair.client, &frames);
    assert_non_null(wire_transfer(&frames, entry.tag));
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("new"), NULL, NULL), AMQPC_NO_CREDIT);
    engine_pair_free(&pair);
}

static void test_a_place_that_the_message_does_not_have_is_aborted(void **state)
{
    static const struct {
        uint32_t section;
        uint64_t offset;
        bool exists;
    } places[] = {{0, 0, true}, {0, 8, true},  {0, 9, false}, {1, 8, true},
                  {2, 0, true}, {2, 1, false}, {3, 0, false}, {0xffffffffu, UINT64_MAX, false}};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        engine_pair pair;
        wire_frames frames;
        (void)suspend_with(&pair, NONE, false);
        recovery_attach_client(&pair);
        wire_take(pair.client, &frames);
        uint8_t tag = 0;
        wire_entry entry = {{&tag, 1}, wire_received(places[i].section, places[i].offset)};
        wire_attach(pair.client, AMQPC_ROLE_RECEIVER, &entry, 1, false);
        wire_flow(pair.client, 1, 0, 10);
        wire_take(pair.client, &frames);
        const amqpc_performative *frame = wire_transfer(&frames, entry.tag);
        assert_non_null(frame);
        assert_true(frame->as.transfer.resume);
        assert_int_equal(frame->as.transfer.aborted, !places[i].exists);
        engine_pair_free(&pair);
    }
}

static void test_a_refused_attach_decides_nothing(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    (void)suspend_with(&pair, NONE, true);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    amqpc_performative out = {.type = AMQPC_COMPOSITE_ATTACH};
    out.as.attach.present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE;
    out.as.attach.name = engine_text("link");
    out.as.attach.role = AMQPC_ROLE_RECEIVER;
    assert_int_equal(engine_feed_frame(pair.client, 0, &out), AMQPC_OK);
    assert_true(amqpc_link_is_refused(pair.sender));
    recovery_expect_no_update(pair.sender);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
    engine_pair_free(&pair);
}

static void test_a_map_whose_keys_are_no_tags_is_refused(void **state)
{
    (void)state;
    static const uint8_t long_tag[AMQPC_DELIVERY_TAG_MAX + 1] = {0};
    engine_pair pair;
    wire_frames frames;
    (void)suspend_with(&pair, NONE, false);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    amqpc_performative out = {.type = AMQPC_COMPOSITE_ATTACH};
    amqpc_attach *attach = &out.as.attach;
    const amqpc_value items[2] = {
        {.type = AMQPC_TYPE_BINARY, .as.bytes = {long_tag, sizeof long_tag}},
        {.type = AMQPC_TYPE_NULL},
    };
    const amqpc_value parts[2] = {
        {.type = AMQPC_TYPE_ULONG, .as.u64 = AMQPC_COMPOSITE_TARGET},
        {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS},
    };
    attach->present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                      AMQPC_ATTACH_TARGET | AMQPC_ATTACH_UNSETTLED;
    attach->name = engine_text("link");
    attach->role = AMQPC_ROLE_RECEIVER;
    attach->target = (amqpc_value){
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
    attach->unsettled = (amqpc_value){
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = items};
    (void)engine_feed_frame(pair.client, 0, &out);
    /* Row 69: the tag is longer than a tag may be; nothing is lost by it. */
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), 1);
    recovery_expect_no_update(pair.sender);
    engine_pair_free(&pair);
}

static void test_what_only_the_target_has_is_aborted_where_our_map_was_incomplete(void **state)
{
    enum { MANY = 3000 };
    (void)state;
    engine_pair pair;
    wire_frames frames;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        char tag[AMQPC_DELIVERY_TAG_MAX + 1];
        amqpc_send_options options;
        amqpc_send_options_init(&options, sizeof options);
        (void)snprintf(tag, sizeof tag, "%032u", i);
        options.tag = engine_text(tag);
        assert_int_equal(amqpc_link_send(pair.sender, engine_text("m"), &options, NULL), AMQPC_OK);
    }
    engine_exchange(&pair);
    recovery_detach(&pair);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    assert_true(frames.frames[0].as.attach.incomplete_unsettled);
    wire_entry entry = {engine_text("else"), NULL};
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, &entry, 1, true);
    wire_flow(pair.client, MANY, MANY, 10);
    wire_take(pair.client, &frames);
    const amqpc_performative *frame = wire_transfer(&frames, entry.tag);
    assert_non_null(frame);
    assert_true(frame->as.transfer.resume);
    assert_true(frame->as.transfer.aborted);
    assert_int_equal(amqpc_link_unsettled_count(pair.sender), MANY);
    engine_pair_free(&pair);
}

static void test_an_update_that_nobody_took_does_not_outlive_the_sending_again(void **state)
{
    (void)state;
    engine_pair pair;
    wire_frames frames;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, 10);
    (void)recovery_send(&pair, "one");
    (void)recovery_send(&pair, "two");
    engine_exchange(&pair);
    amqpc_performative update = {.type = AMQPC_COMPOSITE_DISPOSITION};
    update.as.disposition.present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST |
                                    AMQPC_DISPOSITION_LAST | AMQPC_DISPOSITION_STATE;
    update.as.disposition.role = AMQPC_ROLE_RECEIVER;
    update.as.disposition.last = 1;
    update.as.disposition.state = *wire_received(0, 0);
    assert_int_equal(engine_feed_frame(pair.client, 0, &update), AMQPC_OK);
    recovery_detach(&pair);
    recovery_attach_client(&pair);
    wire_take(pair.client, &frames);
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, NULL, 0, false);
    wire_flow(pair.client, 2, 0, 10);
    wire_take(pair.client, &frames);
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_TRANSFER), 2);
    recovery_expect_no_update(pair.sender);
    engine_pair_free(&pair);
}

static void test_borrowed_bytes_that_still_wait_are_not_sent_twice_at_once(void **state)
{
    enum { SIZE = 30000, VECTORS = 16 };
    static uint8_t payload[SIZE];
    (void)state;
    engine_pair pair;
    wire_frames frames;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, 10);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.by_reference = true;
    assert_int_equal(amqpc_link_send(pair.sender, (amqpc_bytes){payload, SIZE}, &options, NULL),
                     AMQPC_OK);
    /* The peer detaches and attaches, and takes nothing meanwhile. */
    amqpc_performative detach = {.type = AMQPC_COMPOSITE_DETACH};
    detach.as.detach.present = AMQPC_DETACH_HANDLE;
    assert_int_equal(engine_feed_frame(pair.client, 0, &detach), AMQPC_OK);
    assert_int_equal(amqpc_link_detach(pair.sender, false, NULL), AMQPC_OK);
    wire_attach(pair.client, AMQPC_ROLE_RECEIVER, NULL, 0, false);
    assert_int_equal(amqpc_link_attach(pair.sender, NULL, NULL, NULL), AMQPC_OK);
    wire_flow(pair.client, 0, 0, 10);
    amqpc_bytes vectors[VECTORS];
    size_t count = 0;
    size_t size = 0;
    assert_int_equal(amqpc_connection_output(pair.client, vectors, VECTORS, &count), AMQPC_OK);
    for (size_t i = 0; i < count; i++) {
        size += vectors[i].size;
    }
    assert_true(size > SIZE && size < 2 * SIZE);
    wire_take(pair.client, &frames); /* when they have gone out, it goes again */
    assert_int_equal(wire_count(&frames, AMQPC_COMPOSITE_TRANSFER), 2);
    recovery_expect_no_update(pair.sender);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_the_specification),
        cmocka_unit_test(test_what_was_sent_in_pieces_is_aborted_where_the_target_has_it),
        cmocka_unit_test(test_what_was_sent_in_pieces_is_unknown_where_the_target_lacks_it),
        cmocka_unit_test(test_an_incomplete_map_leaves_what_it_does_not_name),
        cmocka_unit_test(test_an_incomplete_map_settles_what_it_names),
        cmocka_unit_test(test_a_place_that_the_message_does_not_have_is_aborted),
        cmocka_unit_test(test_a_refused_attach_decides_nothing),
        cmocka_unit_test(test_a_map_whose_keys_are_no_tags_is_refused),
        cmocka_unit_test(test_what_only_the_target_has_is_aborted_where_our_map_was_incomplete),
        cmocka_unit_test(test_an_update_that_nobody_took_does_not_outlive_the_sending_again),
        cmocka_unit_test(test_borrowed_bytes_that_still_wait_are_not_sent_twice_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
