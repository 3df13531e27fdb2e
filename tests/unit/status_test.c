/* Names, texts and conditions of statuses. */
#include <amqpcodec/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct status_row {
    int status;
    const char *name;
    const char *text;
    const char *condition;
} status_row;

static const status_row rows[] = {
#define STATUS(name, number, text, condition) {number, #name, text, condition},
#include "base/status.def"
#undef STATUS
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void test_every_status_has_the_name_text_and_condition_of_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        amqpc_status status = (amqpc_status)rows[i].status;
        assert_string_equal(amqpc_status_name(status), rows[i].name);
        assert_string_equal(amqpc_status_text(status), rows[i].text);
        assert_string_equal(amqpc_status_condition(status), rows[i].condition);
    }
}

static void test_numbers_names_and_texts_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(strlen(rows[i].text) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].status, rows[j].status);
            assert_string_not_equal(rows[i].name, rows[j].name);
            assert_string_not_equal(rows[i].text, rows[j].text);
        }
    }
}

static void test_the_enumeration_agrees_with_the_table(void **state)
{
    (void)state;
#define STATUS(name, number, text, condition) assert_int_equal(AMQPC_##name, number);
#include "base/status.def"
#undef STATUS
}

static void test_only_what_a_peer_sent_has_a_condition(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        /* PEER_ERROR stands for a condition that the peer gave itself; from 700 on it is sockets
         * and clients that fail, of which no peer is told. */
        bool of_peer = rows[i].status >= 100 && rows[i].status < AMQPC_RESOLVE_FAILED &&
                       rows[i].status != AMQPC_PEER_ERROR;
        assert_int_equal(rows[i].condition[0] != '\0', of_peer);
        assert_true(!of_peer || strncmp(rows[i].condition, "amqp:", 5) == 0);
    }
}

static void test_a_number_that_is_no_status_is_unknown(void **state)
{
    (void)state;
    static const int numbers[] = {-1, 15, 99, 113, 403, 9999};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        amqpc_status status = (amqpc_status)numbers[i];
        assert_string_equal(amqpc_status_name(status), "UNKNOWN");
        assert_string_equal(amqpc_status_condition(status), "");
        assert_true(strlen(amqpc_status_text(status)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_the_name_text_and_condition_of_its_row),
        cmocka_unit_test(test_numbers_names_and_texts_are_unique),
        cmocka_unit_test(test_the_enumeration_agrees_with_the_table),
        cmocka_unit_test(test_only_what_a_peer_sent_has_a_condition),
        cmocka_unit_test(test_a_number_that_is_no_status_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
