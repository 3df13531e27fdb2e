/* A build without TLS refuses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/tls.h"

static void test_a_build_without_tls_refuses_it(void **state)
{
    (void)state;
    assert_false(amqpc_tls_is_available());
    amqpc_tls_options options;
    amqpc_tls_options_init(&options, AMQPC_CLIENT, sizeof options);
    assert_true(options.verify_peer);
    for (uint32_t role = AMQPC_CLIENT; role <= AMQPC_SERVER; role++) {
        amqpc_tls *tls = NULL;
        char reason[64] = "";
        assert_int_equal(amqpc_tls_new(NULL, role, &options, &tls, reason, sizeof reason),
                         AMQPC_UNSUPPORTED);
        assert_string_equal(reason, "this build of the library has no TLS");
        assert_int_equal(amqpc_tls_new(NULL, role, NULL, &tls, reason, 5), AMQPC_UNSUPPORTED);
        assert_string_equal(reason, "this");
        assert_int_equal(amqpc_tls_new(NULL, role, NULL, &tls, NULL, 0), AMQPC_UNSUPPORTED);
        assert_null(tls);
    }
    amqpc_tls_free(NULL);
}

static void test_a_stream_of_tls_cannot_be_had(void **state)
{
    (void)state;
    amqpci_stream *stream = NULL;
    assert_int_equal(amqpci_tls_stream_new(NULL, NULL, 0, "localhost", &stream), AMQPC_UNSUPPORTED);
    assert_null(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_build_without_tls_refuses_it),
        cmocka_unit_test(test_a_stream_of_tls_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
