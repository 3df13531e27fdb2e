/* The decision table of the recovery of links, expected from the specification (AMQP 3.4.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <amqpcodec/amqpcodec.h>

#include "engine/recovery.h"

/* A delivery of the example, or one that the example does not have: by the states of the source
 * and of the target. */
typedef struct example {
    const char *name;
    amqpci_standing source;
    amqpci_standing target;
    amqpci_remedy kept;     /* where the source can send it again */
    amqpci_remedy not_kept; /* where it cannot */
} example;

#define NONE        AMQPCI_STANDING_NONE
#define ABSENT      AMQPCI_STANDING_ABSENT
#define RECEIVED    AMQPCI_STANDING_RECEIVED
#define OUTCOME     AMQPCI_STANDING_OUTCOME
#define PROVISIONAL AMQPCI_STANDING_PROVISIONAL

static const example examples[] = {
    {"delivery 1", NONE, ABSENT, AMQPCI_REMEDY_SEND, AMQPCI_REMEDY_FORGET},
    {"delivery 2", NONE, RECEIVED, AMQPCI_REMEDY_CONTINUE, AMQPCI_REMEDY_ABORT},
    {"delivery 3", NONE, OUTCOME, AMQPCI_REMEDY_TELL, AMQPCI_REMEDY_TELL},
    {"delivery 4", NONE, NONE, AMQPCI_REMEDY_RESUME, AMQPCI_REMEDY_ABORT},
    {"delivery 5", RECEIVED, ABSENT, AMQPCI_REMEDY_SEND, AMQPCI_REMEDY_FORGET},
    {"deliveries 6, 7", RECEIVED, RECEIVED, AMQPCI_REMEDY_CONTINUE, AMQPCI_REMEDY_ABORT},
    {"delivery 8", RECEIVED, OUTCOME, AMQPCI_REMEDY_TELL, AMQPCI_REMEDY_TELL},
    {"delivery 9", RECEIVED, NONE, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
    {"delivery 10", OUTCOME, ABSENT, AMQPCI_REMEDY_FORGET, AMQPCI_REMEDY_FORGET},
    {"delivery 11", OUTCOME, RECEIVED, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
    {"deliveries 12, 13", OUTCOME, OUTCOME, AMQPCI_REMEDY_TELL, AMQPCI_REMEDY_TELL},
    {"delivery 14", OUTCOME, NONE, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
    {"in a transaction at the target", NONE, PROVISIONAL, AMQPCI_REMEDY_RESUME,
     AMQPCI_REMEDY_ABORT},
    {"in part, and in a transaction", RECEIVED, PROVISIONAL, AMQPCI_REMEDY_ABORT,
     AMQPCI_REMEDY_ABORT},
    {"over, and in a transaction", OUTCOME, PROVISIONAL, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
    {"posted, not there", PROVISIONAL, ABSENT, AMQPCI_REMEDY_FORGET, AMQPCI_REMEDY_FORGET},
    {"posted, there", PROVISIONAL, NONE, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
    {"posted, there in part", PROVISIONAL, RECEIVED, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
    {"posted, decided", PROVISIONAL, OUTCOME, AMQPCI_REMEDY_TELL, AMQPCI_REMEDY_TELL},
    {"posted in both", PROVISIONAL, PROVISIONAL, AMQPCI_REMEDY_ABORT, AMQPCI_REMEDY_ABORT},
};

static void test_every_delivery_of_the_example_is_decided(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const example *one = &examples[i];
        amqpci_remedy kept = amqpci_recovery_decide(one->source, one->target, true);
        amqpci_remedy not_kept = amqpci_recovery_decide(one->source, one->target, false);
        if (kept != one->kept || not_kept != one->not_kept) {
            fail_msg("%s: %d and %d, not %d and %d", one->name, kept, not_kept, one->kept,
                     one->not_kept);
        }
    }
}

static void test_every_state_has_a_standing(void **state)
{
    (void)state;
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_NONE), NONE);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_RECEIVED), RECEIVED);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_ACCEPTED), OUTCOME);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_REJECTED), OUTCOME);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_RELEASED), OUTCOME);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_MODIFIED), OUTCOME);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_DECLARED), OUTCOME);
    assert_int_equal(amqpci_standing_of(AMQPC_COMPOSITE_TRANSACTIONAL_STATE), PROVISIONAL);
    assert_int_equal(amqpci_standing_of(AMQPCI_STATE_OTHER), PROVISIONAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_delivery_of_the_example_is_decided),
        cmocka_unit_test(test_every_state_has_a_standing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
