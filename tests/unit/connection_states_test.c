/* Every pair of state and input of a connection. What is expected is written down from AMQP 2.4.6
 * and 2.4.7, not from the library's table: the specification's own table of what may be sent and
 * received in each state, and the edges of its diagram. A legal input without an edge leaves the
 * state as it is; all else is refused. */
#include "engine/connection_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STATE(name) AMQPC_CONNECTION_##name
#define INPUT(name) AMQPCI_CONNECTION_##name

enum { STATES = AMQPCI_CONNECTION_STATE_COUNT, INPUTS = AMQPCI_CONNECTION_INPUT_KINDS };

static const char *const state_names[STATES] = {
    "START",     "HDR_RCVD",   "HDR_SENT", "HDR_EXCH",   "OPEN_PIPE",  "OC_PIPE",    "OPEN_RCVD",
    "OPEN_SENT", "CLOSE_PIPE", "OPENED",   "CLOSE_RCVD", "CLOSE_SENT", "DISCARDING", "END",
};

static const char *const input_names[INPUTS] = {
    "S:HDR", "S:OPEN", "S:frame", "S:CLOSE", "S:CLOSE(error)",
    "R:HDR", "R:OPEN", "R:frame", "R:empty", "R:CLOSE",
};

/* The words of the specification's table. Of any frames open is no part: there is exactly one
 * (AMQP 2.4.1). */
typedef enum legal { NONE, HEADER, OPEN, ANY } legal;

static const struct {
    amqpc_connection_state state;
    legal sends;
    legal receives;
} legal_table[] = {
    /* AMQP 2.4.7, connection state table */
    {STATE(START), HEADER, HEADER},
    {STATE(HEADER_RECEIVED), HEADER, OPEN}, /* but see exceptions */
    {STATE(HEADER_SENT), OPEN, HEADER},
    {STATE(HEADER_EXCHANGED), OPEN, OPEN},
    {STATE(OPEN_RECEIVED), OPEN, ANY},
    {STATE(OPEN_SENT), ANY, OPEN}, /* any that are known to conform: AMQP 2.4.2 */
    {STATE(OPEN_PIPE), ANY, HEADER},
    {STATE(CLOSE_PIPE), NONE, OPEN},
    {STATE(OPEN_CLOSE_PIPE), NONE, HEADER},
    {STATE(OPENED), ANY, ANY},
    {STATE(CLOSE_RECEIVED), ANY, NONE},
    {STATE(CLOSE_SENT), NONE, ANY},
    {STATE(DISCARDING), NONE, ANY},
    {STATE(END), NONE, NONE},
};

typedef struct edge {
    amqpc_connection_state from;
    amqpci_connection_input_kind input;
    amqpc_connection_state to;
} edge;

static const edge diagram[] = {
    /* AMQP 2.4.7, connection state diagram */
    {STATE(START), INPUT(RECEIVE_HEADER), STATE(HEADER_RECEIVED)},
    {STATE(START), INPUT(SEND_HEADER), STATE(HEADER_SENT)},
    {STATE(HEADER_RECEIVED), INPUT(SEND_HEADER), STATE(HEADER_EXCHANGED)},
    {STATE(HEADER_SENT), INPUT(RECEIVE_HEADER), STATE(HEADER_EXCHANGED)},
    {STATE(HEADER_SENT), INPUT(SEND_OPEN), STATE(OPEN_PIPE)},
    {STATE(HEADER_EXCHANGED), INPUT(RECEIVE_OPEN), STATE(OPEN_RECEIVED)},
    {STATE(HEADER_EXCHANGED), INPUT(SEND_OPEN), STATE(OPEN_SENT)},
    {STATE(OPEN_PIPE), INPUT(RECEIVE_HEADER), STATE(OPEN_SENT)},
    {STATE(OPEN_PIPE), INPUT(SEND_CLOSE), STATE(OPEN_CLOSE_PIPE)},
    {STATE(OPEN_CLOSE_PIPE), INPUT(RECEIVE_HEADER), STATE(CLOSE_PIPE)},
    {STATE(OPEN_RECEIVED), INPUT(SEND_OPEN), STATE(OPENED)},
    {STATE(OPEN_SENT), INPUT(RECEIVE_OPEN), STATE(OPENED)},
    {STATE(OPEN_SENT), INPUT(SEND_CLOSE), STATE(CLOSE_PIPE)},
    {STATE(CLOSE_PIPE), INPUT(RECEIVE_OPEN), STATE(CLOSE_SENT)},
    {STATE(OPENED), INPUT(RECEIVE_CLOSE), STATE(CLOSE_RECEIVED)},
    {STATE(OPENED), INPUT(SEND_CLOSE), STATE(CLOSE_SENT)},
    {STATE(CLOSE_RECEIVED), INPUT(SEND_CLOSE), STATE(END)},
    {STATE(CLOSE_SENT), INPUT(RECEIVE_CLOSE), STATE(END)},
    /* ... and its footnote: "also could be DISCARDING if an error condition triggered the close" */
    {STATE(OPENED), INPUT(SEND_CLOSE_WITH_FAULT), STATE(DISCARDING)},
    {STATE(DISCARDING), INPUT(RECEIVE_CLOSE), STATE(END)},
    {STATE(CLOSE_RECEIVED), INPUT(SEND_CLOSE_WITH_FAULT), STATE(END)},
    {STATE(OPEN_PIPE), INPUT(SEND_CLOSE_WITH_FAULT), STATE(OPEN_CLOSE_PIPE)},
    /* Not drawn. The table lets a peer close as soon as it has opened; what "close received" means
     * is said by AMQP 2.4.6. */
    {STATE(OPEN_RECEIVED), INPUT(RECEIVE_CLOSE), STATE(CLOSE_RECEIVED)},
    /* Drawn to CLOSE_PIPE; but what is at fault here came in place of open, so that waiting for
     * open would find the next fault. AMQP 2.4.6: after an error any incoming frame is silently
     * discarded until close. */
    {STATE(OPEN_SENT), INPUT(SEND_CLOSE_WITH_FAULT), STATE(DISCARDING)},
};

/* Where open is legal though the table says "any" or "none", or is not though it says "open". */
static const struct {
    amqpc_connection_state state;
    amqpci_connection_input_kind input;
    bool legal;
} exceptions[] = {
    /* The table allows open here, the diagram has no state to go to. It costs nothing: an end
     * answers the header before it looks at anything behind it (AMQP 2.2). */
    {STATE(HEADER_RECEIVED), INPUT(RECEIVE_OPEN), false},
    /* A peer may close before it was answered; this end's first frame still is open (AMQP 2.4.1).
     * That open is not sent twice is kept outside the table. */
    {STATE(CLOSE_RECEIVED), INPUT(SEND_OPEN), true},
    /* The open that crossed with a close for an error (AMQP 2.4.6: any incoming frames). */
    {STATE(DISCARDING), INPUT(RECEIVE_OPEN), true},
};

static bool is_in_column(legal column, amqpci_connection_input_kind input)
{
    switch (input) {
    case INPUT(SEND_HEADER):
    case INPUT(RECEIVE_HEADER):
        return column == HEADER;
    case INPUT(SEND_OPEN):
    case INPUT(RECEIVE_OPEN):
        return column == OPEN;
    default:
        return column == ANY;
    }
}

static bool is_legal(amqpc_connection_state state, amqpci_connection_input_kind input)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
        if (exceptions[i].state == state && exceptions[i].input == input) {
            return exceptions[i].legal;
        }
    }
    for (size_t i = 0; i < sizeof legal_table / sizeof *legal_table; i++) {
        if (legal_table[i].state == state) {
            return is_in_column(input < INPUT(RECEIVE_HEADER) ? legal_table[i].sends
                                                              : legal_table[i].receives,
                                input);
        }
    }
    fail_msg("the specification's table lacks %s", state_names[state]);
    return false;
}

/* In DISCARDING frames MUST be dropped (AMQP 2.4.6). In CLOSE_SENT they may be: nobody waits for
 * what they say, and nothing can be answered; this library drops them. Empty frames say nothing
 * (AMQP 2.4.5). */
static bool is_dropped(amqpc_connection_state state, amqpci_connection_input_kind input)
{
    return (state == STATE(DISCARDING) && input != INPUT(RECEIVE_CLOSE)) ||
           (state == STATE(CLOSE_SENT) && input == INPUT(RECEIVE_SESSION_FRAME));
}

static const edge *find_edge(amqpc_connection_state state, amqpci_connection_input_kind input)
{
    for (size_t i = 0; i < sizeof diagram / sizeof *diagram; i++) {
        if (diagram[i].from == state && diagram[i].input == input) {
            return &diagram[i];
        }
    }
    return NULL;
}

static void check_pair(amqpc_connection_state state, amqpci_connection_input_kind input)
{
    amqpci_step step = amqpci_connection_step(state, input);
    const edge *drawn = find_edge(state, input);
    amqpci_verdict verdict = !is_legal(state, input)    ? AMQPCI_REFUSE
                             : is_dropped(state, input) ? AMQPCI_DISCARD
                                                        : AMQPCI_PROCEED;
    amqpc_connection_state next = drawn != NULL ? drawn->to : state;
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
            check_pair((amqpc_connection_state)state, (amqpci_connection_input_kind)input);
        }
    }
}

/* Guards this file: an edge of an input that is not legal would never be looked at. */
static void test_each_edge_of_the_diagram_is_legal_by_the_table(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof diagram / sizeof *diagram; i++) {
        assert_true(is_legal(diagram[i].from, diagram[i].input));
    }
}

static amqpc_connection_state move(amqpc_connection_state state, amqpci_connection_input_kind input)
{
    amqpci_step step = amqpci_connection_step(state, input);
    if (step.verdict == AMQPCI_REFUSE) {
        fail_msg("%s is refused in %s", input_names[input], state_names[state]);
    }
    return (amqpc_connection_state)step.next;
}

/* Header, open, a frame and close, each way: the state is that of the specification's words, in
 * whatever order the two directions go on (AMQP 2.4.2, 2.4.4). An end answers a header before it
 * takes more: so nothing but the header is received while nothing is sent. */
static void test_pitfall_22_sending_and_receiving_may_go_on_in_any_order(void **unused)
{
    enum { STEPS = 5, IMPOSSIBLE = STATES };
    static const amqpci_connection_input_kind sends[] = {
        INPUT(SEND_HEADER), INPUT(SEND_OPEN), INPUT(SEND_SESSION_FRAME), INPUT(SEND_CLOSE)};
    static const amqpci_connection_input_kind receives[] = {
        INPUT(RECEIVE_HEADER), INPUT(RECEIVE_OPEN), INPUT(RECEIVE_SESSION_FRAME),
        INPUT(RECEIVE_CLOSE)};
    /* By what was sent (rows) and received (columns): nothing, header, open, frame, close. */
    static const int states[STEPS][STEPS] = {
        {STATE(START), STATE(HEADER_RECEIVED), IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE},
        {STATE(HEADER_SENT), STATE(HEADER_EXCHANGED), STATE(OPEN_RECEIVED), STATE(OPEN_RECEIVED),
         STATE(CLOSE_RECEIVED)},
        {STATE(OPEN_PIPE), STATE(OPEN_SENT), STATE(OPENED), STATE(OPENED), STATE(CLOSE_RECEIVED)},
        {STATE(OPEN_PIPE), STATE(OPEN_SENT), STATE(OPENED), STATE(OPENED), STATE(CLOSE_RECEIVED)},
        {STATE(OPEN_CLOSE_PIPE), STATE(CLOSE_PIPE), STATE(CLOSE_SENT), STATE(CLOSE_SENT),
         STATE(END)},
    };
    (void)unused;
    for (int sent = 0; sent < STEPS; sent++) {
        for (int received = 0; received < STEPS; received++) {
            int from = states[sent][received];
            if (from != IMPOSSIBLE && sent + 1 < STEPS) {
                assert_int_equal(move((amqpc_connection_state)from, sends[sent]),
                                 states[sent + 1][received]);
            }
            if (from != IMPOSSIBLE && received + 1 < STEPS &&
                states[sent][received + 1] != IMPOSSIBLE) {
                assert_int_equal(move((amqpc_connection_state)from, receives[received]),
                                 states[sent][received + 1]);
            }
        }
    }
}

/* AMQP 2.4.1: open is the first frame, and there is one. */
static void test_row_45_frames_before_open_and_a_second_open_are_refused(void **unused)
{
    static const amqpc_connection_state before_open[] = {
        STATE(START),           STATE(HEADER_RECEIVED),  STATE(HEADER_SENT), STATE(OPEN_PIPE),
        STATE(OPEN_CLOSE_PIPE), STATE(HEADER_EXCHANGED), STATE(OPEN_SENT),   STATE(CLOSE_PIPE)};
    static const amqpc_connection_state after_open[] = {STATE(OPEN_RECEIVED), STATE(OPENED),
                                                        STATE(CLOSE_RECEIVED), STATE(CLOSE_SENT)};
    (void)unused;
    for (size_t i = 0; i < sizeof before_open / sizeof *before_open; i++) {
        assert_int_equal(
            amqpci_connection_step(before_open[i], INPUT(RECEIVE_SESSION_FRAME)).verdict,
            AMQPCI_REFUSE);
        assert_int_equal(amqpci_connection_step(before_open[i], INPUT(RECEIVE_EMPTY)).verdict,
                         AMQPCI_REFUSE);
        assert_int_equal(amqpci_connection_step(before_open[i], INPUT(RECEIVE_CLOSE)).verdict,
                         AMQPCI_REFUSE);
    }
    for (size_t i = 0; i < sizeof after_open / sizeof *after_open; i++) {
        assert_int_equal(amqpci_connection_step(after_open[i], INPUT(RECEIVE_OPEN)).verdict,
                         AMQPCI_REFUSE);
    }
}

/* AMQP 2.4.3: close is the last frame, each way. */
static void test_row_36_nothing_follows_close(void **unused)
{
    static const amqpc_connection_state close_sent[] = {STATE(OPEN_CLOSE_PIPE), STATE(CLOSE_PIPE),
                                                        STATE(CLOSE_SENT), STATE(DISCARDING),
                                                        STATE(END)};
    static const amqpc_connection_state close_received[] = {STATE(CLOSE_RECEIVED), STATE(END)};
    (void)unused;
    for (size_t i = 0; i < sizeof close_sent / sizeof *close_sent; i++) {
        for (int input = INPUT(SEND_HEADER); input < INPUT(RECEIVE_HEADER); input++) {
            assert_int_equal(
                amqpci_connection_step(close_sent[i], (amqpci_connection_input_kind)input).verdict,
                AMQPCI_REFUSE);
        }
    }
    for (size_t i = 0; i < sizeof close_received / sizeof *close_received; i++) {
        for (int input = INPUT(RECEIVE_HEADER); input < INPUTS; input++) {
            amqpci_step step =
                amqpci_connection_step(close_received[i], (amqpci_connection_input_kind)input);
            assert_int_equal(step.verdict, AMQPCI_REFUSE);
        }
    }
}

/* AMQP 2.4.4: each end takes the other's close for the answer to its own. */
static void test_row_65_closes_that_cross_end_the_connection(void **unused)
{
    (void)unused;
    assert_int_equal(move(move(STATE(OPENED), INPUT(SEND_CLOSE)), INPUT(RECEIVE_CLOSE)),
                     STATE(END));
    assert_int_equal(move(move(STATE(OPENED), INPUT(SEND_CLOSE_WITH_FAULT)), INPUT(RECEIVE_CLOSE)),
                     STATE(END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_takes_what_the_specification_allows_and_nothing_else),
        cmocka_unit_test(test_each_edge_of_the_diagram_is_legal_by_the_table),
        cmocka_unit_test(test_pitfall_22_sending_and_receiving_may_go_on_in_any_order),
        cmocka_unit_test(test_row_45_frames_before_open_and_a_second_open_are_refused),
        cmocka_unit_test(test_row_36_nothing_follows_close),
        cmocka_unit_test(test_row_65_closes_that_cross_end_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
