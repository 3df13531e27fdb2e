/* Who may come in to the broker (AMQP 5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_fixture.h"

/* Whether a client with these credentials comes in. users: NULL, or NAME:PASSWORD. */
static bool comes_in(const char *users, const char *subject, const amqpc_sasl_options *sasl)
{
    broker_fixture fixture;
    broker_options options;
    broker_options_init(&options);
    options.allow_external = subject != NULL;
    fixture_make(&fixture, &options);
    if (users != NULL) {
        assert_true(broker_users_add(&fixture.broker->users, &fixture.broker->allocator, "a:b"));
        assert_true(broker_users_add(&fixture.broker->users, &fixture.broker->allocator, users));
    }
    fixture_peer *peer = fixture_connect_as(&fixture, "client", sasl, subject);
    bool in = amqpc_connection_get_state(peer->client) == AMQPC_CONNECTION_OPENED;
    fixture_free(&fixture);
    return in;
}

static amqpc_sasl_options credentials(const char *mechanisms, const char *user,
                                      const char *password)
{
    amqpc_sasl_options sasl;
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    sasl.mechanisms = fixture_bytes(mechanisms);
    sasl.user = fixture_bytes(user);
    sasl.password = fixture_bytes(password);
    sasl.allow_plain_cleartext = true;
    return sasl;
}

static void test_anybody_comes_in_without_users(void **state)
{
    (void)state;
    amqpc_sasl_options anonymous;
    amqpc_sasl_options_init(&anonymous, sizeof anonymous);
    assert_true(comes_in(NULL, NULL, NULL)); /* without SASL, too */
    assert_true(comes_in(NULL, NULL, &anonymous));
    assert_false(comes_in("user:secret", NULL, &anonymous));
    assert_false(comes_in("user:secret", NULL, NULL));
}

static void test_users_come_in_with_their_password(void **state)
{
    (void)state;
    static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256",
                                             "SCRAM-SHA-512"};
    for (unsigned i = 0; i < (amqpc_tls_is_available() ? 4u : 1u); i++) {
        amqpc_sasl_options good = credentials(mechanisms[i], "user", "a:secret");
        amqpc_sasl_options wrong = credentials(mechanisms[i], "user", "a:secreT");
        amqpc_sasl_options longer = credentials(mechanisms[i], "user", "a:secret!");
        amqpc_sasl_options unknown = credentials(mechanisms[i], "nobody", "a:secret");
        amqpc_sasl_options another = credentials(mechanisms[i], "user", "a:secret");
        another.authorization_id = fixture_bytes("a");
        assert_true(comes_in("user:a:secret", NULL, &good));
        assert_false(comes_in("user:a:secret", NULL, &wrong));
        assert_false(comes_in("user:a:secret", NULL, &longer));
        assert_false(comes_in("user:a:secret", NULL, &unknown));
        assert_false(comes_in("user:a:secret", NULL, &another));
    }
}

static void test_a_certificate_is_enough_for_external(void **state)
{
    (void)state;
    amqpc_sasl_options external;
    amqpc_sasl_options_init(&external, sizeof external);
    external.mechanisms = fixture_bytes("EXTERNAL");
    assert_true(comes_in("user:secret", "CN=client", &external));
    assert_false(comes_in("user:secret", "", &external));   /* the certificate names nobody */
    assert_false(comes_in("user:secret", NULL, &external)); /* it is not offered */
    external.authorization_id = fixture_bytes("CN=client");
    assert_true(comes_in(NULL, "CN=client", &external));
    external.authorization_id = fixture_bytes("CN=other");
    assert_false(comes_in(NULL, "CN=client", &external));
}

static void test_a_user_is_written_with_a_colon(void **state)
{
    (void)state;
    broker_users users = {NULL, 0};
    broker_fixture fixture;
    fixture_make(&fixture, NULL);
    assert_false(broker_users_add(&users, &fixture.broker->allocator, "user"));
    assert_false(broker_users_add(&users, &fixture.broker->allocator, ":secret"));
    assert_false(broker_users_add(&users, &fixture.broker->allocator, "user:"));
    assert_int_equal(users.count, 0);
    fixture_free(&fixture);
}

static void test_links_of_another_user_cannot_be_stolen(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    assert_true(broker_users_add(&fixture.broker->users, &fixture.broker->allocator, "one:x"));
    assert_true(broker_users_add(&fixture.broker->users, &fixture.broker->allocator, "two:x"));
    amqpc_sasl_options one = credentials("PLAIN", "one", "x");
    amqpc_sasl_options two = credentials("PLAIN", "two", "x");
    fixture_peer *first = fixture_connect(&fixture, "container", &one);
    fixture_peer *second = fixture_connect(&fixture, "container", &two);
    amqpc_link *link = fixture_receiver(&fixture, first, "link", &source, NULL, 0);
    (void)fixture_receiver(&fixture, second, "link", &source, NULL, 0);
    assert_string_equal(fixture_condition(link), "");
    assert_int_equal(fixture.broker->termini.count, 2);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anybody_comes_in_without_users),
        cmocka_unit_test(test_users_come_in_with_their_password),
        cmocka_unit_test(test_a_certificate_is_enough_for_external),
        cmocka_unit_test(test_a_user_is_written_with_a_colon),
        cmocka_unit_test(test_links_of_another_user_cannot_be_stolen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
