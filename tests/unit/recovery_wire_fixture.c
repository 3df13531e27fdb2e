/* One engine, and a peer that the test plays by hand: what goes over the wire when a link is
 * attached again (AMQP 2.6.13, 3.4.6). */
#include "recovery_wire_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUTPUT_MAX = 1 << 20, ENTRIES_MAX = 20000 };

#define STATE(name, code, ...)                                                                     \
    static const amqpc_value name##_items[] = {                                                    \
        {.type = AMQPC_TYPE_ULONG, .as.u64 = (code)},                                              \
        {.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, __VA_ARGS__}};                         \
    const amqpc_value name = {.type = AMQPC_TYPE_DESCRIBED,                                        \
                              .form = AMQPC_FORM_ITEMS,                                            \
                              .count = 2,                                                          \
                              .as.items = name##_items}

static const amqpc_value transaction[] = {
    {.type = AMQPC_TYPE_BINARY, .as.bytes = {"txn", 3}},
};

STATE(wire_accepted, AMQPC_COMPOSITE_ACCEPTED, .count = 0);
STATE(wire_released, AMQPC_COMPOSITE_RELEASED, .count = 0);
STATE(wire_transactional, AMQPC_COMPOSITE_TRANSACTIONAL_STATE, .count = 1, .as.items = transaction);

const amqpc_value *wire_received(uint32_t section, uint64_t offset)
{
    static amqpc_value fields[2];
    static amqpc_value parts[2];
    static amqpc_value received;
    fields[0] = (amqpc_value){.type = AMQPC_TYPE_UINT, .as.u64 = section};
    fields[1] = (amqpc_value){.type = AMQPC_TYPE_ULONG, .as.u64 = offset};
    parts[0] = (amqpc_value){.type = AMQPC_TYPE_ULONG, .as.u64 = AMQPC_COMPOSITE_RECEIVED};
    parts[1] = (amqpc_value){
        .type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = fields};
    received = (amqpc_value){
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
    return &received;
}

void wire_take(amqpc_connection *connection, wire_frames *frames)
{
    static uint8_t output[OUTPUT_MAX];
    size_t size = engine_take_output(connection, output, sizeof output);
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = OUTPUT_MAX;
    limits.performative_values = AMQPC_UNLIMITED;
    frames->count = 0;
    for (size_t at = 0; at < size;) {
        amqpc_frame frame;
        assert_true(frames->count < WIRE_FRAMES_MAX);
        assert_int_equal(amqpc_frame_decode(output + at, size - at, &limits, &frame,
                                            &frames->frames[frames->count], NULL),
                         AMQPC_OK);
        frames->count++;
        at += frame.size;
    }
}

const amqpc_performative *wire_transfer(const wire_frames *frames, amqpc_bytes tag)
{
    const amqpc_performative *found = NULL;
    for (size_t i = 0; i < frames->count; i++) {
        const amqpc_performative *frame = &frames->frames[i];
        if (frame->type == AMQPC_COMPOSITE_TRANSFER &&
            frame->as.transfer.present & AMQPC_TRANSFER_DELIVERY_TAG &&
            frame->as.transfer.delivery_tag.size == tag.size &&
            memcmp(frame->as.transfer.delivery_tag.data, tag.data, tag.size) == 0) {
            assert_null(found);
            found = frame;
        }
    }
    return found;
}

size_t wire_count(const wire_frames *frames, uint32_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < frames->count; i++) {
        count += frames->frames[i].type == type;
    }
    return count;
}

static void set_map(amqpc_attach *attach, amqpc_value *items, const wire_entry *entries,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[2 * i] = (amqpc_value){.type = AMQPC_TYPE_BINARY, .as.bytes = entries[i].tag};
        items[2 * i + 1] =
            /* cppcheck-suppress internalAstError ; its parser errs here */
            entries[i].state == NULL ? (amqpc_value){.type = AMQPC_TYPE_NULL} : *entries[i].state;
    }
    attach->present |= AMQPC_ATTACH_UNSETTLED;
    attach->unsettled = (amqpc_value){.type = AMQPC_TYPE_MAP,
                                      .form = AMQPC_FORM_ITEMS,
                                      .count = (uint32_t)(2 * count),
                                      .as.items = items};
}

static amqpc_value terminus(uint64_t code)
{
    static amqpc_value parts[2][2];
    amqpc_value *items = parts[code == AMQPC_COMPOSITE_TARGET];
    items[0] = (amqpc_value){.type = AMQPC_TYPE_ULONG, .as.u64 = code};
    items[1] = (amqpc_value){.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS};
    return (amqpc_value){
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = items};
}

void wire_attach(amqpc_connection *connection, bool role, const wire_entry *entries, size_t count,
                 bool incomplete)
{
    static amqpc_value items[2 * ENTRIES_MAX];
    amqpc_performative out = {.type = AMQPC_COMPOSITE_ATTACH};
    amqpc_attach *attach = &out.as.attach;
    attach->present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                      AMQPC_ATTACH_SOURCE | AMQPC_ATTACH_TARGET;
    attach->name = engine_text("link");
    attach->role = role;
    attach->source = terminus(AMQPC_COMPOSITE_SOURCE);
    attach->target = terminus(AMQPC_COMPOSITE_TARGET);
    if (role == AMQPC_ROLE_SENDER) {
        attach->present |= AMQPC_ATTACH_INITIAL_DELIVERY_COUNT;
    }
    if (count != SIZE_MAX) {
        assert_true(count <= ENTRIES_MAX);
        set_map(attach, items, entries, count);
    }
    if (incomplete) {
        attach->present |= AMQPC_ATTACH_INCOMPLETE_UNSETTLED;
        attach->incomplete_unsettled = true;
    }
    assert_int_equal(engine_feed_frame(connection, 0, &out), AMQPC_OK);
}

void wire_flow(amqpc_connection *connection, uint32_t next_incoming_id, uint32_t seen,
               uint32_t credit)
{
    amqpc_performative out = {.type = AMQPC_COMPOSITE_FLOW};
    amqpc_flow *flow = &out.as.flow;
    flow->present = AMQPC_FLOW_NEXT_INCOMING_ID | AMQPC_FLOW_INCOMING_WINDOW |
                    AMQPC_FLOW_NEXT_OUTGOING_ID | AMQPC_FLOW_OUTGOING_WINDOW | AMQPC_FLOW_HANDLE |
                    AMQPC_FLOW_DELIVERY_COUNT | AMQPC_FLOW_LINK_CREDIT;
    flow->next_incoming_id = next_incoming_id;
    flow->incoming_window = 2048;
    flow->outgoing_window = 2048;
    flow->delivery_count = seen;
    flow->link_credit = credit;
    assert_int_equal(engine_feed_frame(connection, 0, &out), AMQPC_OK);
}
