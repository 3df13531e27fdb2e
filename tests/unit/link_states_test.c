/* Every pair of state and input of a link. What is expected is written down from AMQP 2.6.2 to
 * 2.6.6, not from the library's table. The specification draws no diagram: a link endpoint has an
 * output handle from its attach to its detach, and an input handle from the peer's attach to the
 * peer's detach; what may be sent and received follows from the two. */
#include "engine/link_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STATE(name) AMQPC_LINK_##name
#define INPUT(name) AMQPCI_LINK_##name

enum { STATES = AMQPCI_LINK_STATE_COUNT, INPUTS = AMQPCI_LINK_INPUT_KINDS };

static const char *const state_names[STATES] = {
    "DETACHED",    "ATTACH_SENT",     "ATTACH_RECEIVED", "ATTACHED",
    "DETACH_SENT", "DETACH_RECEIVED", "DISCARDING",
};

static const char *const input_names[INPUTS] = {
    "S:ATTACH", "S:use", "S:DETACH", "S:DETACH(error)",
    "R:ATTACH", "R:use", "R:DETACH", "session ended",
};

typedef struct outcome {
    amqpc_link_state from;
    amqpci_link_input_kind input;
    amqpci_verdict verdict;
    amqpc_link_state to;
} outcome;

/* All that is not here is refused. */
static const outcome outcomes[] = {
    /* AMQP 2.6.3: either end attaches first, and the other answers. */
    {STATE(DETACHED), INPUT(SEND_ATTACH), AMQPCI_PROCEED, STATE(ATTACH_SENT)},
    {STATE(DETACHED), INPUT(RECEIVE_ATTACH), AMQPCI_PROCEED, STATE(ATTACH_RECEIVED)},
    {STATE(ATTACH_SENT), INPUT(RECEIVE_ATTACH), AMQPCI_PROCEED, STATE(ATTACHED)},
    {STATE(ATTACH_RECEIVED), INPUT(SEND_ATTACH), AMQPCI_PROCEED, STATE(ATTACHED)},

    /* AMQP 2.6.2: a handle is used from its attach on, before the answer too (2.4.2). */
    {STATE(ATTACH_SENT), INPUT(SEND_USE), AMQPCI_PROCEED, STATE(ATTACH_SENT)},
    {STATE(ATTACHED), INPUT(SEND_USE), AMQPCI_PROCEED, STATE(ATTACHED)},
    {STATE(ATTACH_RECEIVED), INPUT(RECEIVE_USE), AMQPCI_PROCEED, STATE(ATTACH_RECEIVED)},
    {STATE(ATTACHED), INPUT(RECEIVE_USE), AMQPCI_PROCEED, STATE(ATTACHED)},

    /* AMQP 2.6.4: each end unmaps its own output handle; when both have, the link is detached. */
    {STATE(ATTACHED), INPUT(SEND_DETACH), AMQPCI_PROCEED, STATE(DETACH_SENT)},
    {STATE(ATTACHED), INPUT(RECEIVE_DETACH), AMQPCI_PROCEED, STATE(DETACH_RECEIVED)},
    {STATE(DETACH_SENT), INPUT(RECEIVE_DETACH), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(DETACH_RECEIVED), INPUT(SEND_DETACH), AMQPCI_PROCEED, STATE(DETACHED)},
    /* ... also before the answer to attach, which comes all the same, and is dropped. */
    {STATE(ATTACH_SENT), INPUT(SEND_DETACH), AMQPCI_PROCEED, STATE(DETACH_SENT)},
    {STATE(DETACH_SENT), INPUT(RECEIVE_ATTACH), AMQPCI_DISCARD, STATE(DETACH_SENT)},
    {STATE(ATTACH_RECEIVED), INPUT(RECEIVE_DETACH), AMQPCI_PROCEED, STATE(DETACH_RECEIVED)},
    {STATE(DETACH_RECEIVED), INPUT(SEND_ATTACH), AMQPCI_PROCEED, STATE(DETACH_RECEIVED)},
    /* The peer may use its handle until it has detached. What comes then crossed with detach; it
     * is unsettled at the peer, and resumed after the next attach (2.6.13). */
    {STATE(DETACH_SENT), INPUT(RECEIVE_USE), AMQPCI_DISCARD, STATE(DETACH_SENT)},

    /* AMQP 2.6.5: an error detaches. Input by the handle then ends the session (errant-link): it is
     * not here. An attach is no input by a handle: the one that answers is dropped. */
    {STATE(ATTACHED), INPUT(SEND_DETACH_WITH_ERROR), AMQPCI_PROCEED, STATE(DISCARDING)},
    {STATE(ATTACH_SENT), INPUT(SEND_DETACH_WITH_ERROR), AMQPCI_PROCEED, STATE(DISCARDING)},
    {STATE(DISCARDING), INPUT(RECEIVE_ATTACH), AMQPCI_DISCARD, STATE(DISCARDING)},
    {STATE(DISCARDING), INPUT(RECEIVE_DETACH), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(DETACH_RECEIVED), INPUT(SEND_DETACH_WITH_ERROR), AMQPCI_PROCEED, STATE(DETACHED)},

    /* AMQP 2.5.2, 2.6.1: links outlive their session; without it no handle is left. */
    {STATE(DETACHED), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(ATTACH_SENT), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(ATTACH_RECEIVED), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(ATTACHED), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(DETACH_SENT), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(DETACH_RECEIVED), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
    {STATE(DISCARDING), INPUT(SESSION_ENDED), AMQPCI_PROCEED, STATE(DETACHED)},
};

static const outcome *find_outcome(int state, int input)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if ((int)outcomes[i].from == state && (int)outcomes[i].input == input) {
            return &outcomes[i];
        }
    }
    return NULL;
}

static void test_each_state_takes_what_the_specification_allows_and_nothing_else(void **unused)
{
    size_t found = 0;
    (void)unused;
    for (int state = 0; state < STATES; state++) {
        for (int input = 0; input < INPUTS; input++) {
            amqpci_step step =
                amqpci_link_step((amqpc_link_state)state, (amqpci_link_input_kind)input);
            const outcome *expected = find_outcome(state, input);
            int verdict = expected == NULL ? (int)AMQPCI_REFUSE : (int)expected->verdict;
            int next = expected == NULL ? (int)step.next : (int)expected->to;
            found += expected != NULL;
            if (step.verdict != verdict || step.next != next) {
                fail_msg("%s in %s: verdict %d and state %s, expected verdict %d and state %s",
                         input_names[input], state_names[state], step.verdict,
                         state_names[step.next], verdict, state_names[next]);
            }
        }
    }
    assert_int_equal(found, sizeof outcomes / sizeof *outcomes);
}

/* The same from the handles: whoever has none can neither use nor detach it (AMQP 2.6.2). */
static void test_row_52_a_handle_is_used_between_its_attach_and_its_detach(void **unused)
{
    static const struct {
        bool output;
        bool input;
    } handles[STATES] = {
        [STATE(ATTACH_SENT)] = {true, false},     [STATE(ATTACH_RECEIVED)] = {false, true},
        [STATE(ATTACHED)] = {true, true},         [STATE(DETACH_SENT)] = {false, true},
        [STATE(DETACH_RECEIVED)] = {true, false}, [STATE(DISCARDING)] = {false, true},
    };
    (void)unused;
    for (int i = 0; i < STATES; i++) {
        amqpc_link_state state = (amqpc_link_state)i;
        assert_int_equal(amqpci_link_step(state, INPUT(SEND_DETACH)).verdict != AMQPCI_REFUSE,
                         handles[state].output);
        assert_int_equal(amqpci_link_step(state, INPUT(RECEIVE_DETACH)).verdict != AMQPCI_REFUSE,
                         handles[state].input);
        /* A peer that has detached with an error takes use for errant (2.6.5): so there is none. */
        assert_int_equal(amqpci_link_step(state, INPUT(SEND_USE)).verdict != AMQPCI_REFUSE,
                         handles[state].output && state != STATE(DETACH_RECEIVED));
        assert_int_equal(amqpci_link_step(state, INPUT(RECEIVE_USE)).verdict != AMQPCI_REFUSE,
                         handles[state].input && state != STATE(DISCARDING));
    }
}

/* AMQP 2.6.2: attach assigns a handle that is free. Pitfall 19: it is free again once both
 * detaches have crossed. */
static void test_row_49_attach_does_not_come_twice(void **unused)
{
    static const amqpc_link_state attached[] = {STATE(ATTACH_RECEIVED), STATE(ATTACHED),
                                                STATE(DETACH_RECEIVED)};
    (void)unused;
    for (size_t i = 0; i < sizeof attached / sizeof *attached; i++) {
        assert_int_equal(amqpci_link_step(attached[i], INPUT(RECEIVE_ATTACH)).verdict,
                         AMQPCI_REFUSE);
    }
}

static void test_row_53_use_after_a_detach_with_error_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(amqpci_link_step(STATE(DISCARDING), INPUT(RECEIVE_USE)).verdict,
                     AMQPCI_REFUSE);
    assert_int_equal(amqpci_link_step(STATE(DETACH_SENT), INPUT(RECEIVE_USE)).verdict,
                     AMQPCI_DISCARD);
}

static int move(int state, amqpci_link_input_kind input)
{
    amqpci_step step = amqpci_link_step((amqpc_link_state)state, input);
    if (step.verdict == AMQPCI_REFUSE) {
        fail_msg("%s is refused in %s", input_names[input], state_names[state]);
    }
    return step.next;
}

/* attach and detach, each way, in whatever order the two directions go on. By what was sent (rows)
 * and received (columns): nothing, attach, detach. */
static void test_row_65_attaches_and_detaches_may_cross(void **unused)
{
    enum { STEPS = 3 };
    static const int states[STEPS][STEPS] = {
        {STATE(DETACHED), STATE(ATTACH_RECEIVED), STATE(DETACH_RECEIVED)},
        {STATE(ATTACH_SENT), STATE(ATTACHED), STATE(DETACH_RECEIVED)},
        {STATE(DETACH_SENT), STATE(DETACH_SENT), STATE(DETACHED)},
    };
    static const amqpci_link_input_kind sends[] = {INPUT(SEND_ATTACH), INPUT(SEND_DETACH)};
    static const amqpci_link_input_kind receives[] = {INPUT(RECEIVE_ATTACH), INPUT(RECEIVE_DETACH)};
    (void)unused;
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

/* AMQP 2.6.6: whose detach without `closed` crossed with one that closes attaches again and
 * closes, and the peer answers. */
static void test_a_closing_detach_that_crosses_is_answered_by_attaching_again(void **unused)
{
    int suspends = move(STATE(ATTACHED), INPUT(SEND_DETACH));
    int closes = move(STATE(ATTACHED), INPUT(SEND_DETACH));
    (void)unused;
    suspends = move(suspends, INPUT(RECEIVE_DETACH));
    closes = move(closes, INPUT(RECEIVE_DETACH));
    suspends = move(move(suspends, INPUT(SEND_ATTACH)), INPUT(SEND_DETACH));
    closes = move(move(closes, INPUT(RECEIVE_ATTACH)), INPUT(RECEIVE_DETACH));
    closes = move(move(closes, INPUT(SEND_ATTACH)), INPUT(SEND_DETACH));
    suspends = move(move(suspends, INPUT(RECEIVE_ATTACH)), INPUT(RECEIVE_DETACH));
    assert_int_equal(suspends, STATE(DETACHED));
    assert_int_equal(closes, STATE(DETACHED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_takes_what_the_specification_allows_and_nothing_else),
        cmocka_unit_test(test_row_52_a_handle_is_used_between_its_attach_and_its_detach),
        cmocka_unit_test(test_row_49_attach_does_not_come_twice),
        cmocka_unit_test(test_row_53_use_after_a_detach_with_error_is_refused),
        cmocka_unit_test(test_row_65_attaches_and_detaches_may_cross),
        cmocka_unit_test(test_a_closing_detach_that_crosses_is_answered_by_attaching_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
