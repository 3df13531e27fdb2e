/* Every pair of state and event of SASL, at both ends. What is expected is written down from AMQP
 * 5.3.2, not from the tables: the server announces its mechanisms, the client answers by init, then
 * challenges and responses alternate, and an outcome ends it. All else is a fault of the peer where
 * it was received, and a mistake of the caller where it is local. */
#include "engine/sasl_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STATE(name) AMQPCI_SASL_STATE_##name
#define EVENT(name) AMQPCI_SASL_EVENT_##name

typedef struct step {
    amqpci_sasl_state from;
    amqpci_sasl_event event;
    amqpci_sasl_state to;
} step;

static const step client_steps[] = {
    /* The server's list is looked at, and init sent. */
    {STATE(START), EVENT(MECHANISMS), STATE(DECIDING)},
    {STATE(DECIDING), EVENT(ANSWER), STATE(ANSWERING)},
    {STATE(DECIDING), EVENT(REFUSE), STATE(FAILED)},
    {STATE(ANSWERING), EVENT(SENT), STATE(WAITING)},
    /* Challenges are answered, one response each. */
    {STATE(WAITING), EVENT(CHALLENGE), STATE(DECIDING)},
    /* The outcome may come after init, or after a response; never before. */
    {STATE(WAITING), EVENT(OUTCOME), STATE(OUTCOME)},
    {STATE(OUTCOME), EVENT(ACCEPT), STATE(PASSED)},
    {STATE(OUTCOME), EVENT(REFUSE), STATE(FAILED)},
};

static const step server_steps[] = {
    {STATE(START), EVENT(INIT), STATE(DECIDING)},
    {STATE(DECIDING), EVENT(ANSWER), STATE(ANSWERING)},
    {STATE(DECIDING), EVENT(ACCEPT), STATE(OUTCOME)},
    {STATE(DECIDING), EVENT(REFUSE), STATE(FAILED)},
    {STATE(ANSWERING), EVENT(SENT), STATE(WAITING)},
    {STATE(WAITING), EVENT(RESPONSE), STATE(DECIDING)},
    {STATE(OUTCOME), EVENT(SENT), STATE(PASSED)},
    /* An outcome that is not ok is sent in the end. */
    {STATE(FAILED), EVENT(SENT), STATE(FAILED)},
};

static const step *find_step(const step *steps, size_t count, amqpci_sasl_state state,
                             amqpci_sasl_event event)
{
    for (size_t i = 0; i < count; i++) {
        if (steps[i].from == state && steps[i].event == event) {
            return &steps[i];
        }
    }
    return NULL;
}

static void walk(bool server, const step *steps, size_t count)
{
    size_t found = 0;
    for (int state = 0; state < AMQPCI_SASL_STATES; state++) {
        for (int event = 0; event < AMQPCI_SASL_EVENTS; event++) {
            amqpci_sasl_state now = (amqpci_sasl_state)state;
            amqpc_status status = amqpci_sasl_change(server, &now, (amqpci_sasl_event)event);
            const step *legal =
                find_step(steps, count, (amqpci_sasl_state)state, (amqpci_sasl_event)event);
            if (legal != NULL) {
                found++;
                assert_int_equal(status, AMQPC_OK);
                assert_int_equal(now, legal->to);
            } else if (event <= EVENT(OTHER)) {
                assert_int_equal(status, AMQPC_SASL_BAD_SEQUENCE);
                assert_int_equal(now, STATE(FAILED));
            } else {
                assert_int_equal(status, AMQPC_INVALID_STATE);
                assert_int_equal(now, state);
            }
        }
    }
    assert_int_equal(found, count);
}

static void test_a_client_goes_from_mechanisms_to_outcome_and_nowhere_else(void **state)
{
    (void)state;
    walk(false, client_steps, sizeof client_steps / sizeof *client_steps);
}

static void test_a_server_goes_from_init_to_outcome_and_nowhere_else(void **state)
{
    (void)state;
    walk(true, server_steps, sizeof server_steps / sizeof *server_steps);
}

/* There is no way from a failure, or past an outcome, back to anything that counts as passed. */
static void test_nobody_passes_after_a_failure(void **state)
{
    (void)state;
    for (int server = 0; server < 2; server++) {
        for (int event = 0; event < AMQPCI_SASL_EVENTS; event++) {
            amqpci_sasl_state now = STATE(FAILED);
            amqpc_status status = amqpci_sasl_change(server != 0, &now, (amqpci_sasl_event)event);
            assert_int_equal(now, STATE(FAILED));
            assert_true(status != AMQPC_OK || (server != 0 && event == EVENT(SENT)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_goes_from_mechanisms_to_outcome_and_nowhere_else),
        cmocka_unit_test(test_a_server_goes_from_init_to_outcome_and_nowhere_else),
        cmocka_unit_test(test_nobody_passes_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
