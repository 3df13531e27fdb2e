/* Options of clients, in the URL and in the program; credentials; memory. */
#include "client/option.h"
#include "settings_fixture.h"
#include "support/failing_allocator.h"
#include "support/skip_because.h"

/* --- Options. */

static void test_every_option_has_the_default_that_the_header_says(void **state)
{
    (void)state;
    const amqpc_client_options options = default_options();
    amqpc_client_options expected;
    memset(&expected, 0, sizeof expected);
    expected.struct_size = sizeof expected;
    expected.heartbeat_ms = 60000;
    expected.connect_timeout_ms = 30000;
    expected.reconnect_delay_ms = 100;
    expected.reconnect_delay_max_ms = 30000;
    expected.max_frame_size = 65536;
    expected.tls_verify = true;
    expected.reconnect = true;
    expected.background = true;
    assert_memory_equal(&options, &expected, sizeof options);
}

static void test_defaults_are_written_no_further_than_the_caller_has_room(void **state)
{
    (void)state;
    amqpc_client_options options;
    memset(&options, 0xee, sizeof options);
    amqpc_client_options_init(&options, offsetof(amqpc_client_options, max_frame_size));
    assert_int_equal(options.struct_size, offsetof(amqpc_client_options, max_frame_size));
    assert_int_equal(options.heartbeat_ms, 60000);
    assert_int_equal(options.max_frame_size, 0xeeeeeeee);

    /* An older caller's struct ends there: what lies behind it is not read. */
    options.heartbeat_ms = 5;
    amqpci_settings *settings = settings_with("amqp://h", &options);
    assert_int_equal(settings->options.heartbeat_ms, 5);
    assert_int_equal(settings->options.max_frame_size, 65536);
    assert_true(settings->options.reconnect);
    amqpci_settings_free(settings);
}

static void test_every_option_may_stand_in_the_url(void **state)
{
    (void)state;
    skip_without_tls();
    amqpci_settings *settings = settings_of(
        "amqps://h/?token=t%2Bo+k&sasl=xoauth2%20External&allow-plain-cleartext=yes&ca=/"
        "c%20a&cert=/c"
        "&key=/k&key-password=kp&tls-host=th&tls-verify=off&alpn=amqp&heartbeat=5s"
        "&connect-timeout=250ms&reconnect=0&reconnect-delay=1&reconnect-delay-max=2&"
        "reconnect-time=4294967295&max-frame-size=64k&background=no&trace-size=1M&container-id=me"
        "&hostname=vhost:x&desired-capabilities=A%20B");
    const amqpc_client_options *options = &settings->options;
    assert_string_equal(options->token, "t+o+k");
    assert_string_equal(options->mechanisms, "XOAUTH2 EXTERNAL");
    assert_true(options->allow_plain_cleartext);
    assert_string_equal(options->ca, "/c a");
    assert_string_equal(options->certificate, "/c");
    assert_string_equal(options->key, "/k");
    assert_string_equal(options->key_password, "kp");
    assert_string_equal(options->tls_host, "th");
    assert_false(options->tls_verify);
    assert_string_equal(options->alpn, "amqp");
    assert_int_equal(options->heartbeat_ms, 5000);
    assert_int_equal(options->connect_timeout_ms, 250);
    assert_false(options->reconnect);
    assert_int_equal(options->reconnect_delay_ms, 1);
    assert_int_equal(options->reconnect_delay_max_ms, 2);
    assert_int_equal(options->reconnect_time_ms, 4294967295u);
    assert_int_equal(options->max_frame_size, 65536);
    assert_false(options->background);
    assert_int_equal(options->trace_size, 1048576);
    assert_string_equal(options->container_id, "me");
    assert_string_equal(options->hostname, "vhost:x");
    assert_string_equal(options->desired_capabilities, "A B");
    assert_string_equal(settings->hosts[0].host, "h");
    assert_string_equal(settings->hosts[0].hostname, "vhost:x");
    assert_int_equal(settings->hosts[0].port, 5671);
    assert_true(settings->hosts[0].tls);
    assert_true(settings->any_tls);
    amqpci_settings_free(settings);
}

static void test_the_url_comes_before_the_program_and_that_before_the_default(void **state)
{
    (void)state;
    char container_id[] = "program";
    amqpc_client_options options = default_options();
    options.container_id = container_id;
    options.hostname = "vhost";
    options.mechanisms = "anonymous";
    options.heartbeat_ms = 1;
    options.reconnect_time_ms = 2;
    options.reconnect = false;
    options.background = false;
    amqpci_settings *settings =
        settings_with("amqp://h/?heartbeat=3&background=true&container-id=url", &options);
    memset(container_id, 'x', sizeof container_id);
    assert_int_equal(settings->options.heartbeat_ms, 3);
    assert_true(settings->options.background);
    assert_string_equal(settings->options.container_id, "url");
    assert_int_equal(settings->options.reconnect_time_ms, 2);
    assert_false(settings->options.reconnect);
    assert_string_equal(settings->options.mechanisms, "ANONYMOUS");
    assert_string_equal(settings->options.hostname, "vhost");
    assert_string_equal(settings->hosts[0].hostname, "vhost");
    assert_int_equal(settings->options.connect_timeout_ms, 30000);
    amqpci_settings_free(settings);
}

static void test_an_option_out_of_range_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *text;
    } rows[] = {
        {"heartbeat=5x",
         "heartbeat: '5x' is not a number of milliseconds from 0 to 4294967295 (at byte 20 of the "
         "URL)"},
        {"heartbeat=", "heartbeat: '' is not a number of milliseconds from 0 to 4294967295 (at "
                       "byte 20 of the URL)"},
        {"heartbeat=-1",
         "heartbeat: '-1' is not a number of milliseconds from 0 to 4294967295 (at byte 20 of the "
         "URL)"},
        {"heartbeat=4294967296", "heartbeat: '4294967296' is not a number of milliseconds from 0 "
                                 "to 4294967295 (at byte 20 of "
                                 "the URL)"},
        {"heartbeat=4294968s", "heartbeat: '4294968s' is not a number of milliseconds from 0 to "
                               "4294967295 (at byte 20 of "
                               "the URL)"},
        {"heartbeat=99999999999999999999999999",
         "heartbeat: '99999999999999999999999999' is not a number of milliseconds from 0 to "
         "4294967295 (at byte 20 of the URL)"},
        {"heartbeat=1k",
         "heartbeat: '1k' is not a number of milliseconds from 0 to 4294967295 (at byte 20 of the "
         "URL)"},
        {"heartbeat", "heartbeat: '=' and a value are missing (at byte 19 of the URL)"},
        {"heartbeat=1&heartbeat=1", "heartbeat stands there twice (at byte 22 of the URL)"},
        {"heartbeet=%1b", "there is no option 'heartbeet' (at byte 10 of the URL)"},
        {"user=me", "there is no option 'user' (at byte 10 of the URL)"},
        {"heartbeat=1&&alpn=a", "there is no option '' (at byte 22 of the URL)"},
        {"a\xc3\xa4=1", "there is no option 'a\x3f\x3f' (at byte 10 of the URL)"},
        {"reconnect-delay=0", "reconnect-delay: '0' is not a number of milliseconds from 1 to "
                              "4294967295 (at byte 26 of the "
                              "URL)"},
        {"max-frame-size=511", "max-frame-size: '511' is not a number of bytes from 512 to "
                               "16777216 (at byte 25 of the URL)"},
        {"max-frame-size=17M", "max-frame-size: '17M' is not a number of bytes from 512 to "
                               "16777216 (at byte 25 of the URL)"},
        {"reconnect=maybe%1B%5b",
         "reconnect: 'maybe?[' is not true or false (at byte 20 of the URL)"},
        {"sasl=PLAIN%20LOGIN",
         "sasl: 'PLAIN LOGIN' is not of none ANONYMOUS PLAIN EXTERNAL SCRAM-SHA-1 SCRAM-SHA-256 "
         "SCRAM-SHA-512 OAUTHBEARER XOAUTH2, separated by single spaces (at byte 15 of the URL)"},
        {"sasl=PLAIN%20none",
         "sasl: 'PLAIN none' is not of none ANONYMOUS PLAIN EXTERNAL SCRAM-SHA-1 SCRAM-SHA-256 "
         "SCRAM-SHA-512 OAUTHBEARER XOAUTH2, separated by single spaces (at byte 15 of the URL)"},
        {"desired-capabilities=a%20%20b", "desired-capabilities: 'a  b' is not names of ASCII, "
                                          "separated by single spaces, up to 1023 "
                                          "bytes (at byte 31 of the URL)"},
        {"desired-capabilities=%C3%A4", "desired-capabilities: '?\?' is not names of ASCII, "
                                        "separated by single spaces, up to 1023 "
                                        "bytes (at byte 31 of the URL)"},
        {"alpn=", "alpn: '' is not UTF-8 of 1 to 255 bytes (at byte 15 of the URL)"},
        {"token=", "token: the value is not UTF-8 of 1 to 65535 bytes (at byte 16 of the URL)"},
        {"reconnect-delay=2s&reconnect-delay-max=1s",
         "reconnect-delay-max, 1000 ms, is less than reconnect-delay, 2000 ms"},
        {"key=/k", "key: there is no cert that it belongs to"},
        {"ca=/c", "the URL has options of TLS, but none of its hosts is of amqps"},
        {"tls-verify=true", "the URL has options of TLS, but none of its hosts is of amqps"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char url[256];
        (void)snprintf(url, sizeof url, "amqp://h/?%s", rows[i].query);
        assert_refused_with(url, NULL, AMQPC_BAD_OPTION, rows[i].text);
    }
}

static void test_the_program_s_options_are_checked_as_well(void **state)
{
    (void)state;
    amqpc_client_options options = default_options();
    options.max_frame_size = 511;
    assert_refused_with(
        "amqp://h", &options, AMQPC_BAD_OPTION,
        "max-frame-size: the value is not a number of bytes from 512 to 16777216 (in "
        "the program's options)");
    options = default_options();
    options.mechanisms = "LOGIN";
    assert_refused_with(
        "amqp://h", &options, AMQPC_BAD_OPTION,
        "sasl: 'LOGIN' is not of none ANONYMOUS PLAIN EXTERNAL SCRAM-SHA-1 "
        "SCRAM-SHA-256 SCRAM-SHA-512 OAUTHBEARER XOAUTH2, separated by single spaces "
        "(in the program's options)");
    options = default_options();
    options.user = "";
    assert_refused_with("amqp://h", &options, AMQPC_BAD_OPTION,
                        "user: '' is not UTF-8 of 1 to 255 bytes (in the program's options)");
    options.user = "\xff\xfe";
    assert_refused_with("amqp://h", &options, AMQPC_BAD_OPTION,
                        "user: '?\?' is not UTF-8 of 1 to 255 bytes (in the program's options)");
    options.user = NULL;
    options.password = "pw";
    assert_refused_with("amqp://localhost", &options, AMQPC_BAD_OPTION,
                        "there is a password, but no user");
    options = default_options();
    options.ca = "/ca"; /* for other URLs */
    amqpci_settings_free(settings_with("amqp://h", &options));
}

/* --- Secrets. */

static void test_credentials_go_over_clear_text_to_this_machine_only(void **state)
{
    (void)state;
    static const char *const allowed[] = {
        "amqp://me:pw@localhost",
        "amqp://me:pw@LOCALHOST:1",
        "amqp://me:pw@127.0.0.1",
        "amqp://me:pw@127.255.255.254",
        "amqp://me:pw@[::1]",
        "amqp://me:pw@[0:0:0::0:1]",
        "amqp://me:pw@[::ffff:127.0.0.1]",
        "amqp+unix://me:pw@/run/x",
        "amqp://localhost/?token=t",
        "amqp://me:pw@h/?allow-plain-cleartext=true",
    };
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        amqpci_settings *settings = settings_of(allowed[i]);
        assert_true(settings->hosts[0].allow_plain_cleartext);
        amqpci_settings_free(settings);
    }
    static const char *const without[] = {
        "amqp://h",
        "amqp://me@h",
        "amqp://me:pw@h/?sasl=SCRAM-SHA-256%20scram-sha-1",
        "amqp://me:pw@h/?sasl=none",
        "amqp://me:pw@h/?sasl=EXTERNAL",
    };
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        amqpci_settings *settings = settings_of(without[i]);
        assert_false(settings->hosts[0].allow_plain_cleartext);
        amqpci_settings_free(settings);
    }
    static const struct {
        const char *url;
        const char *host;
    } refused[] = {
        {"amqp://me:pw@h", "h"},
        {"amqp://me:pw@128.0.0.1", "128.0.0.1"},
        {"amqp://me:pw@127.0.0.1.example.org", "127.0.0.1.example.org"},
        {"amqp://me:pw@127.1", "127.1"},
        {"amqp://me:pw@localhost.example.org", "localhost.example.org"},
        {"amqp://me:pw@[::2]", "::2"},
        {"amqp://me:pw@[::ffff:10.0.0.1]", "::ffff:10.0.0.1"},
        {"amqp://h/?token=t", "h"},
        {"amqp://me:pw@h/?sasl=scram-sha-256%20plain", "h"},
        {"amqp://h/?token=t&sasl=oauthbearer", "h"},
        {"amqp://me:pw@localhost,h", "h"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[512];
        (void)snprintf(
            text, sizeof text,
            "credentials would go to %s over clear text: amqps:// protects them, "
            "sasl=SCRAM-SHA-256 does not show them, and allow-plain-cleartext=true allows "
            "it",
            refused[i].host);
        assert_refused_with(refused[i].url, NULL, AMQPC_SASL_CLEARTEXT, text);
    }
}

static void test_credentials_go_over_tls_to_any_machine(void **state)
{
    (void)state;
    skip_without_tls();
    amqpci_settings *settings = settings_of("amqps://me:pw@h/?token=t");
    assert_false(settings->hosts[0].allow_plain_cleartext);
    amqpci_settings_free(settings);
}

/* Whatever is wrong with a URL, and wherever its password is cut by a mark. */
static void test_no_message_shows_a_secret(void **state)
{
    (void)state;
    static const char *const formats[] = {
        "amqp://me:%s@h",
        "amqp://me:%s",
        "amqp://me:%s@localhost:x",
        "amqp://me:%s@localhost/queue",
        "amqp://me:%s@local host",
        "amqp://me:%s@localhost/?no=1",
        "amqp://me:%s@localhost/?token=%%zz",
        "amqp://me:%s@[::1",
        "amqp://me:%s@",
        "amqp://me:%s@localhost,%s@h",
        "amqp://me:12/%s@localhost",
        "amqp://me:12?%s@localhost",
        "amqp://me:12?%s=1@localhost",
        "amqp://me:12,%s@localhost",
        "amqp://me:12,%s=1@localhost",
        "amqp://me:%%%s@localhost",
        "amqp://me@%s:1:2@localhost:x",
        "amqp+unix://me:%s@x",
        "amqp://h/?token=%s",
        "amqp://localhost/?token=%s%%ff",
        "amqps://localhost/?key-password=%s%%ff",
        "amqps://localhost/?key-password=%s&key-password=%s",
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char url[256];
        amqpci_settings *settings = NULL;
        amqpc_client_error error;
        (void)snprintf(url, sizeof url, formats[i], "SECRET", "SECRET");
        amqpc_status status = amqpci_settings_new(NULL, url, NULL, &settings, &error);
        assert_int_not_equal(status, AMQPC_OK);
        for (size_t at = 0; at + 6 <= sizeof error; at++) {
            assert_memory_not_equal((const char *)&error + at, "SECRET", 6);
        }
    }
}

/* An allocator that looks at what is given back. */
static size_t secrets_released;

static void *kept_allocate(void *context, size_t size)
{
    size_t *block = (size_t *)test_malloc(size + sizeof(max_align_t));
    (void)context;
    *block = size;
    return (char *)block + sizeof(max_align_t);
}

static void *kept_reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    (void)memory;
    (void)size;
    fail_msg("nothing is reallocated here");
    return NULL;
}

static void looking_release(void *context, void *memory)
{
    (void)context;
    if (memory == NULL) {
        return;
    }
    size_t *block = (size_t *)(void *)((char *)memory - sizeof(max_align_t));
    for (size_t at = 0; at + 6 <= *block; at++) {
        secrets_released += memcmp((const char *)memory + at, "SECRET", 6) == 0;
    }
    test_free(block);
}

static void test_secrets_are_wiped_before_their_memory_is_given_back(void **state)
{
    (void)state;
    const amqpc_allocator allocator = {NULL, kept_allocate, kept_reallocate, looking_release};
    amqpci_settings *settings = NULL;
    secrets_released = 0;
    assert_int_equal(amqpci_settings_new(&allocator, "amqp+unix://me:SECRET1@/x?token=SECRET2",
                                         NULL, &settings, NULL),
                     AMQPC_OK);
    assert_string_equal(settings->hosts[0].password, "SECRET1");
    assert_string_equal(settings->options.token, "SECRET2");
    amqpci_settings_free(settings);
    assert_int_equal(amqpci_settings_new(&allocator, "amqp://me:SECRET1@h/?token=SECRET2", NULL,
                                         &settings, NULL),
                     AMQPC_SASL_CLEARTEXT);
    assert_int_equal(secrets_released, 0);
}

/* --- Builds and memory. */

static void test_amqps_is_refused_in_a_build_without_tls(void **state)
{
    (void)state;
    if (amqpc_tls_is_available()) {
        skip_because(BUILD_WITH_OPENSSL);
    }
    assert_refused_with("amqps://h", NULL, AMQPC_UNSUPPORTED,
                        "amqps: this build of the library has no TLS");
}

static void make_settings(const amqpc_allocator *allocator)
{
    amqpci_settings *settings = NULL;
    amqpc_client_error error;
    amqpc_client_options options = default_options();
    options.container_id = "me";
    amqpc_status status =
        amqpci_settings_new(allocator, "amqp://me:pw@localhost/?alpn=x&sasl=none,amqp://other",
                            &options, &settings, &error);
    if (status != AMQPC_NO_MEMORY) { /* alpn has no meaning without TLS */
        assert_int_equal(status, AMQPC_BAD_OPTION);
        status = amqpci_settings_new(allocator, "amqp://me:pw@localhost/?sasl=none,amqp://other",
                                     &options, &settings, &error);
    }
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    if (status == AMQPC_NO_MEMORY) {
        assert_null(settings);
        assert_string_equal(error.text, "memory could not be allocated");
    }
    amqpci_settings_free(settings);
}

static void test_row_101_failing_allocations_are_survived(void **state)
{
    (void)state;
    assert_survives_failing_allocations(make_settings);
    amqpci_settings_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_has_the_default_that_the_header_says),
        cmocka_unit_test(test_defaults_are_written_no_further_than_the_caller_has_room),
        cmocka_unit_test(test_every_option_may_stand_in_the_url),
        cmocka_unit_test(test_the_url_comes_before_the_program_and_that_before_the_default),
        cmocka_unit_test(test_an_option_out_of_range_is_refused_in_words),
        cmocka_unit_test(test_the_program_s_options_are_checked_as_well),
        cmocka_unit_test(test_credentials_go_over_clear_text_to_this_machine_only),
        cmocka_unit_test(test_credentials_go_over_tls_to_any_machine),
        cmocka_unit_test(test_no_message_shows_a_secret),
        cmocka_unit_test(test_secrets_are_wiped_before_their_memory_is_given_back),
        cmocka_unit_test(test_amqps_is_refused_in_a_build_without_tls),
        cmocka_unit_test(test_row_101_failing_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
