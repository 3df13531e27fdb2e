/* Every pair of state and input of a session. What is expected is written down from AMQP 2.5.5, not
 * from the library's table: each state is said there by whether the endpoint may send and receive
 * frames, and by the diagram of begin and end. */
#include "engine/session_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STATE(name) AMQPC_SESSION_##name
#define INPUT(name) AMQPCI_SESSION_##name

enum { STATES = AMQPCI_SESSION_STATE_COUNT, INPUTS = AMQPCI_SESSION_INPUT_KINDS };

static const char *const state_names[STATES] = {
    "UNMAPPED", "BEGIN_SENT", "BEGIN_RCVD", "MAPPED", "END_SENT", "END_RCVD", "DISCARDING",
};

static const char *const input_names[INPUTS] = {
    "S:BEGIN", "S:frame", "S:END", "S:END(error)", "R:BEGIN", "R:frame", "R:END",
};

/* AMQP 2.5.5. May send: an outgoing channel is assigned. May receive: an entry is in the map of
 * incoming channels. */
static const struct {
    amqpc_session_state state;
    bool may_send;
    bool may_receive;
} channels[] = {
    {STATE(UNMAPPED), false, false},      {STATE(BEGIN_SENT), true, false},
    {STATE(BEGIN_RECEIVED), false, true}, {STATE(MAPPED), true, true},
    {STATE(END_SENT), false, true},       {STATE(END_RECEIVED), true, false},
    {STATE(DISCARDING), false, true},
};

typedef struct edge {
    amqpc_session_state from;
    amqpci_session_input_kind input;
    amqpc_session_state to;
} edge;

static const edge diagram[] = {
    /* AMQP 2.5.5, session state diagram */
    {STATE(UNMAPPED), INPUT(SEND_BEGIN), STATE(BEGIN_SENT)},
    {STATE(UNMAPPED), INPUT(RECEIVE_BEGIN), STATE(BEGIN_RECEIVED)},
    {STATE(BEGIN_SENT), INPUT(RECEIVE_BEGIN), STATE(MAPPED)},
    {STATE(BEGIN_RECEIVED), INPUT(SEND_BEGIN), STATE(MAPPED)},
    {STATE(MAPPED), INPUT(SEND_END_WITH_ERROR), STATE(DISCARDING)},
    {STATE(MAPPED), INPUT(SEND_END), STATE(END_SENT)},
    {STATE(MAPPED), INPUT(RECEIVE_END), STATE(END_RECEIVED)},
    {STATE(DISCARDING), INPUT(RECEIVE_END), STATE(UNMAPPED)},
    {STATE(END_SENT), INPUT(RECEIVE_END), STATE(UNMAPPED)},
    {STATE(END_RECEIVED), INPUT(SEND_END), STATE(UNMAPPED)},
    {STATE(END_RECEIVED), INPUT(SEND_END_WITH_ERROR), STATE(UNMAPPED)},
    /* Not drawn: end is a frame that may be sent as soon as begin was (AMQP 2.5.2 asks for no
     * answer first). What is awaited then is the peer's begin, and its end behind it. */
    {STATE(BEGIN_SENT), INPUT(SEND_END), STATE(END_SENT)},
    {STATE(BEGIN_SENT), INPUT(SEND_END_WITH_ERROR), STATE(DISCARDING)},
    {STATE(BEGIN_RECEIVED), INPUT(RECEIVE_END), STATE(END_RECEIVED)},
    {STATE(END_SENT), INPUT(RECEIVE_BEGIN), STATE(END_SENT)},
    {STATE(DISCARDING), INPUT(RECEIVE_BEGIN), STATE(DISCARDING)},
    {STATE(END_RECEIVED), INPUT(SEND_BEGIN), STATE(END_RECEIVED)},
};

/* AMQP 2.5.5: in DISCARDING all frames until end MUST be dropped. In END_SENT they may be: nothing
 * can be answered any more; this library drops them, and with them an answer that comes too late.
 * That begin comes once on a channel is kept by the map of channels (AMQP 2.5.1). */
static bool is_dropped(amqpc_session_state state, amqpci_session_input_kind input)
{
    return (state == STATE(DISCARDING) || state == STATE(END_SENT)) &&
           (input == INPUT(RECEIVE_BEGIN) || input == INPUT(RECEIVE_LINK_FRAME));
}

static const edge *find_edge(amqpc_session_state state, amqpci_session_input_kind input)
{
    for (size_t i = 0; i < sizeof diagram / sizeof *diagram; i++) {
        if (diagram[i].from == state && diagram[i].input == input) {
            return &diagram[i];
        }
    }
    return NULL;
}

/* begin and end move the session, or are refused; the frames between them are legal by the
 * channels. */
static bool is_legal(amqpc_session_state state, amqpci_session_input_kind input)
{
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        if (channels[i].state == state && input == INPUT(SEND_LINK_FRAME)) {
            return channels[i].may_send;
        }
        if (channels[i].state == state && input == INPUT(RECEIVE_LINK_FRAME)) {
            return channels[i].may_receive;
        }
    }
    return find_edge(state, input) != NULL;
}

static void check_pair(amqpc_session_state state, amqpci_session_input_kind input)
{
    amqpci_step step = amqpci_session_step(state, input);
    const edge *drawn = find_edge(state, input);
    amqpci_verdict verdict = !is_legal(state, input)    ? AMQPCI_REFUSE
                             : is_dropped(state, input) ? AMQPCI_DISCARD
                                                        : AMQPCI_PROCEED;
    amqpc_session_state next = drawn != NULL ? drawn->to : state;
    if (step.verdict != verdict || (verdict != AMQPCI_REFUSE && step.next != next)) {
        fail_msg("%s in %s: verdict %d and state %s, expected verdict %d and state %s",
                 input_names[input], state_names[state], step.verdict, state_names[step.next],
                 (int)verdict, state_names[next]);
    }
}

static void test_each_state_takes_what_the_specification_allows_and_nothing_else(void **unused)
{
    (void)unused;
    for (int state = 0; state < STATES; state++) {
        for (int input = 0; input < INPUTS; input++) {
            check_pair((amqpc_session_state)state, (amqpci_session_input_kind)input);
        }
    }
}

/* Guards this file: end is sent and received only over a channel that is there. */
static void test_each_end_in_the_diagram_has_its_channel(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof diagram / sizeof *diagram; i++) {
        if (diagram[i].input == INPUT(RECEIVE_END)) {
            assert_true(is_legal(diagram[i].from, INPUT(RECEIVE_LINK_FRAME)));
        } else if (diagram[i].input == INPUT(SEND_END) ||
                   diagram[i].input == INPUT(SEND_END_WITH_ERROR)) {
            assert_true(is_legal(diagram[i].from, INPUT(SEND_LINK_FRAME)));
        }
    }
}

static amqpc_session_state move(int state, amqpci_session_input_kind input)
{
    amqpci_step step = amqpci_session_step((amqpc_session_state)state, input);
    if (step.verdict == AMQPCI_REFUSE) {
        fail_msg("%s is refused in %s", input_names[input], state_names[state]);
    }
    return (amqpc_session_state)step.next;
}

enum { STEPS = 4 };

/* begin, a frame and end, each way, in whatever order the two directions go on. */
static void walk_any_order(const int states[STEPS][STEPS], amqpci_session_input_kind end)
{
    const amqpci_session_input_kind sends[] = {INPUT(SEND_BEGIN), INPUT(SEND_LINK_FRAME), end};
    static const amqpci_session_input_kind receives[] = {
        INPUT(RECEIVE_BEGIN), INPUT(RECEIVE_LINK_FRAME), INPUT(RECEIVE_END)};
    for (int sent = 0; sent < STEPS; sent++) {
        for (int received = 0; received < STEPS; received++) {
            int from = states[sent][received];
            if (sent + 1 < STEPS) {
                assert_int_equal(move(from, sends[sent]), states[sent + 1][received]);
            }
            if (received + 1 < STEPS) {
                assert_int_equal(move(from, receives[received]), states[sent][received + 1]);
            }
        }
    }
}

/* AMQP 2.5.1 to 2.5.4. By what was sent (rows) and received (columns): nothing, begin, frame,
 * end. */
static void test_row_65_begins_and_ends_may_cross(void **unused)
{
    static const int orderly[STEPS][STEPS] = {
        {STATE(UNMAPPED), STATE(BEGIN_RECEIVED), STATE(BEGIN_RECEIVED), STATE(END_RECEIVED)},
        {STATE(BEGIN_SENT), STATE(MAPPED), STATE(MAPPED), STATE(END_RECEIVED)},
        {STATE(BEGIN_SENT), STATE(MAPPED), STATE(MAPPED), STATE(END_RECEIVED)},
        {STATE(END_SENT), STATE(END_SENT), STATE(END_SENT), STATE(UNMAPPED)},
    };
    static const int with_error[STEPS][STEPS] = {
        {STATE(UNMAPPED), STATE(BEGIN_RECEIVED), STATE(BEGIN_RECEIVED), STATE(END_RECEIVED)},
        {STATE(BEGIN_SENT), STATE(MAPPED), STATE(MAPPED), STATE(END_RECEIVED)},
        {STATE(BEGIN_SENT), STATE(MAPPED), STATE(MAPPED), STATE(END_RECEIVED)},
        {STATE(DISCARDING), STATE(DISCARDING), STATE(DISCARDING), STATE(UNMAPPED)},
    };
    (void)unused;
    walk_any_order(orderly, INPUT(SEND_END));
    walk_any_order(with_error, INPUT(SEND_END_WITH_ERROR));
}

/* AMQP 2.5.1: the session that a begin names by its channel is there already. */
static void test_row_46_a_second_begin_is_refused(void **unused)
{
    static const amqpc_session_state begun[] = {STATE(BEGIN_RECEIVED), STATE(MAPPED),
                                                STATE(END_RECEIVED)};
    (void)unused;
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        assert_int_equal(amqpci_session_step(begun[i], INPUT(RECEIVE_BEGIN)).verdict,
                         AMQPCI_REFUSE);
    }
}

/* AMQP 2.5.4. */
static void test_after_an_end_with_error_nothing_counts_but_end(void **unused)
{
    (void)unused;
    for (int input = 0; input < INPUTS; input++) {
        amqpci_step step = amqpci_session_step(STATE(DISCARDING), (amqpci_session_input_kind)input);
        assert_int_equal(step.verdict == AMQPCI_PROCEED, input == INPUT(RECEIVE_END));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_takes_what_the_specification_allows_and_nothing_else),
        cmocka_unit_test(test_each_end_in_the_diagram_has_its_channel),
        cmocka_unit_test(test_row_65_begins_and_ends_may_cross),
        cmocka_unit_test(test_row_46_a_second_begin_is_refused),
        cmocka_unit_test(test_after_an_end_with_error_nothing_counts_but_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
