/* URLs of clients: what is taken from them, and what is refused, where and why. */
#include "settings_fixture.h"

/* --- URLs that are well-formed. */

static void test_parts_of_a_url_are_taken_and_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        amqpci_host host;
    } rows[] = {
        {"amqp://localhost", {.host = "localhost", .port = 5672}},
        {"amqp://localhost/", {.host = "localhost", .port = 5672}},
        {"AMQP://LocalHost:1/", {.host = "LocalHost", .port = 1}},
        {"amqp://h:65535", {.host = "h", .port = 65535}},
        {"amqp://h:00080", {.host = "h", .port = 80}},
        {"amqp://h?heartbeat=1", {.host = "h", .port = 5672}},
        {"amqp://h/?", {.host = "h", .port = 5672}},
        {"amqp://a-b.example.org.:7", {.host = "a-b.example.org.", .port = 7}},
        {"amqp://b%C3%BCcher",
         {.host = "b\xc3\xbc"
                  "cher",
          .port = 5672}},
        {"amqp://127.0.0.1", {.host = "127.0.0.1", .port = 5672}},
        {"amqp://[::1]", {.host = "::1", .port = 5672}},
        {"amqp://[2001:db8::1]:99/", {.host = "2001:db8::1", .port = 99}},
        {"amqp://[fe80::1%25eth0]", {.host = "fe80::1%eth0", .port = 5672}},
        {"amqp://me@h", {.host = "h", .port = 5672, .user = "me"}},
        {"amqp://me:pw@localhost",
         {.host = "localhost", .port = 5672, .user = "me", .password = "pw"}},
        {"amqp://a%40b%3a:p%2f%3F%25%2c%20@127.9.8.7",
         {.host = "127.9.8.7", .port = 5672, .user = "a@b:", .password = "p/?%, "}},
        {"amqp://me@domain:p:w@d@[::1]:5",
         {.host = "::1", .port = 5, .user = "me@domain", .password = "p:w@d"}},
        {"amqp://me:p+w@localhost",
         {.host = "localhost", .port = 5672, .user = "me", .password = "p+w"}},
        {"amqp+unix:///run/x", {.unix_path = "/run/x"}},
        {"amqp+unix:///run/a%20b/c@d", {.unix_path = "/run/a b/c@d"}},
        {"amqp+unix://%40name", {.unix_path = "@name"}},
        {"amqp+unix://%40name/", {.unix_path = "@name"}},
        {"amqp+unix://me:pw@/run/x", {.unix_path = "/run/x", .user = "me", .password = "pw"}},
        {"amqp+unix://me:pw@%40x", {.unix_path = "@x", .user = "me", .password = "pw"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        amqpci_settings *settings = settings_of(rows[i].url);
        const amqpci_host *expected = &rows[i].host;
        const amqpci_host *host = settings->hosts;
        assert_int_equal(settings->host_count, 1);
        assert_text(host->host, expected->host);
        assert_text(host->hostname, expected->host);
        assert_text(host->unix_path, expected->unix_path);
        assert_text(host->user, expected->user);
        assert_text(host->password, expected->password);
        assert_int_equal(host->port, expected->port);
        assert_false(host->tls);
        assert_false(settings->any_tls);
        assert_null(settings->options.user);
        assert_null(settings->options.password);
        amqpci_settings_free(settings);
    }
}

static void test_a_list_of_urls_is_a_list_of_hosts(void **state)
{
    (void)state;
    amqpci_settings *settings =
        settings_of("amqp://me:pw@localhost:1/?heartbeat=7,[::1]:2,amqp://you:wp@127.0.0.1:3/,"
                    "amqp+unix:///x,/y,amqp://him@localhost");
    const amqpci_host *hosts = settings->hosts;
    assert_int_equal(settings->host_count, 6);
    assert_int_equal(settings->options.heartbeat_ms, 7);
    assert_string_equal(hosts[0].host, "localhost");
    assert_string_equal(hosts[1].host, "::1");
    assert_int_equal(hosts[1].port, 2);
    assert_string_equal(hosts[1].user, "me");
    assert_string_equal(hosts[1].password, "pw");
    assert_string_equal(hosts[2].user, "you");
    assert_string_equal(hosts[2].password, "wp");
    assert_string_equal(hosts[3].unix_path, "/x");
    assert_string_equal(hosts[3].user, "me");
    assert_string_equal(hosts[4].unix_path, "/y");
    assert_string_equal(hosts[5].user, "him");
    assert_null(hosts[5].password); /* of nobody else */
    amqpci_settings_free(settings);
}

static void test_a_user_without_a_password_takes_that_of_the_program(void **state)
{
    (void)state;
    amqpc_client_options options = default_options();
    options.user = "program";
    options.password = "secret";
    amqpci_settings *settings = settings_with("amqp://me@localhost,amqp+unix:///x", &options);
    assert_string_equal(settings->hosts[0].user, "me");
    assert_string_equal(settings->hosts[0].password, "secret");
    assert_string_equal(settings->hosts[1].user, "me");
    amqpci_settings_free(settings);

    settings = settings_with("amqp://me:pw@localhost", &options);
    assert_string_equal(settings->hosts[0].password, "pw");
    amqpci_settings_free(settings);

    settings = settings_with("amqp://localhost", &options);
    assert_string_equal(settings->hosts[0].user, "program");
    assert_string_equal(settings->hosts[0].password, "secret");
    amqpci_settings_free(settings);
}

/* --- URLs that are not. */

static void test_a_malformed_url_is_refused_with_the_place_at_fault(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        size_t offset;
        const char *reason;
    } rows[] = {
        {"", 0, "a URL is missing"},
        {"localhost", 0, "a URL begins with amqp://, amqps:// or amqp+unix://"},
        {"amqp:/h", 0, "a URL begins with amqp://, amqps:// or amqp+unix://"},
        {"amqp://h,http://h", 9, "a URL begins with amqp://, amqps:// or amqp+unix://"},
        {"amqp://h,", 9, "a URL is missing"},
        {"amqp://h,,amqp://h", 9, "a URL is missing"},
        {"amqp://", 7, "the host is missing"},
        {"amqp:///", 7, "the host is missing"},
        {"amqp://me:pw@:5672", 13, "the host is missing"},
        {"amqp://h i", 8, "spaces and control characters are written as %XX"},
        {"amqp://h\n", 8, "spaces and control characters are written as %XX"},
        {"amqp://h\x7f", 8, "spaces and control characters are written as %XX"},
        {"amqp://h/#x", 9, "'#' is written as %23: a fragment has no meaning here"},
        {"amqp://h:", 9, "a port is a number from 1 to 65535"},
        {"amqp://h:0", 9, "a port is a number from 1 to 65535"},
        {"amqp://h:65536", 9, "a port is a number from 1 to 65535"},
        {"amqp://h:4294967297", 9, "a port is a number from 1 to 65535"},
        {"amqp://h:5x", 9, "a port is a number from 1 to 65535"},
        {"amqp://h:-1", 9, "a port is a number from 1 to 65535"},
        {"amqp://h:%35", 9, "a port is a number from 1 to 65535"},
        {"amqp://[::1]:x", 13, "a port is a number from 1 to 65535"},
        {"amqp://::1", 7, "an IPv6 address stands in brackets"},
        {"amqp://2001:db8::1:5672", 7, "an IPv6 address stands in brackets"},
        {"amqp://[::1", 7, "the bracket is not closed"},
        {"amqp://[::1]x", 12, "behind the bracket stands ':' and a port, or nothing"},
        {"amqp://[]", 8, "the host is missing"},
        {"amqp://[127.0.0.1]", 8, "this is no address of IPv6"},
        {"amqp://[::g]", 8, "this is no address of IPv6"},
        {"amqp://[fe80::1%25]", 8, "this is no address of IPv6"},
        {"amqp://h%", 8, "two hexadecimal digits follow '%'; '%' is written as %25"},
        {"amqp://h%4", 8, "two hexadecimal digits follow '%'; '%' is written as %25"},
        {"amqp://h%4g", 8, "two hexadecimal digits follow '%'; '%' is written as %25"},
        {"amqp://h%4/", 8, "two hexadecimal digits follow '%'; '%' is written as %25"},
        {"amqp://h%00", 8, "%00 may not stand in any part"},
        {"amqp://me:%00@localhost", 10, "%00 may not stand in any part"},
        {"amqp://h%FF", 7, "the part is not UTF-8"},
        {"amqp://m\xff@h", 7, "the part is not UTF-8"},
        {"amqp://a%2Fb", 7, "this is no name of a host"},
        {"amqp://a%20b", 7, "this is no name of a host"},
        {"amqp://a[b", 7, "this is no name of a host"},
        {"amqp://h/queue", 8,
         "a path has no meaning here: addresses belong to senders and receivers"},
        {"amqp://h//", 8, "a path has no meaning here: addresses belong to senders and receivers"},
        {"amqp://@h", 7, "the user is missing"},
        {"amqp://:pw@h", 7, "the user is missing"},
        {"amqp://me:@h", 9, "the password behind ':' is missing"},
        {"amqp://h,amqp://h/?heartbeat=1", 18, "options stand with the first URL"},
        {"amqp+unix://", 12, "the path of a Unix socket is missing, or longer than 107 bytes"},
        {"amqp+unix:///", 12, "the path of a Unix socket is missing, or longer than 107 bytes"},
        {"amqp+unix://%40", 12, "the path of a Unix socket is missing, or longer than 107 bytes"},
        {"amqp+unix://[::1]:5/x", 18, "a Unix socket has no port"},
        {"amqp+unix://run/x", 12,
         "the path of a Unix socket stands behind amqp+unix:// and begins with '/'; an abstract "
         "name "
         "begins with %40"},
        {"amqp+unix://%40name/x", 12,
         "the path of a Unix socket stands behind amqp+unix:// and begins with '/'; an abstract "
         "name "
         "begins with %40"},
        /* Passwords with marks that are not encoded: nothing of them is shown. */
        {"amqp://me:p/w@h", 13,
         "'@' is written as %40 here, as are '/' (%2F) and '?' (%3F) in a password"},
        {"amqp://me:1?p=w@h", 15,
         "'@' is written as %40 here, as are '/' (%2F) and '?' (%3F) in a password"},
        {"amqp+unix://me:1?p=w@/x", 20,
         "'@' is written as %40 here, as are '/' (%2F) and '?' (%3F) in a password"},
        {"amqp://me:1,w@h", 12,
         "a URL without a scheme has no user; ',' in a password is written as %2C"},
        {"amqp://me:p,w@h", 10, "a port is a number from 1 to 65535"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "%s (at byte %zu of the URL)", rows[i].reason,
                       rows[i].offset);
        assert_refused_with(rows[i].url, NULL, AMQPC_BAD_URL, text);
    }
    assert_refused_with(NULL, NULL, AMQPC_BAD_URL, "the URL is missing");
}

static void test_names_of_hosts_and_sockets_have_their_longest_size(void **state)
{
    (void)state;
    char url[512] = "amqp://";
    memset(url + 7, 'h', 255);
    url[7 + 255] = '\0';
    amqpci_settings_free(settings_of(url));
    url[7 + 255] = 'h';
    url[7 + 256] = '\0';
    assert_refused_with(url, NULL, AMQPC_BAD_URL,
                        "this is no name of a host (at byte 7 of the URL)");

    memset(url, 0, sizeof url);
    memcpy(url, "amqp+unix:///", 13);
    memset(url + 13, 'p', 106);
    amqpci_settings_free(settings_of(url));
    url[13 + 106] = 'p';
    assert_refused_with(
        url, NULL, AMQPC_BAD_URL,
        "the path of a Unix socket is missing, or longer than 107 bytes (at byte 12 of the URL)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_url_are_taken_and_decoded),
        cmocka_unit_test(test_a_list_of_urls_is_a_list_of_hosts),
        cmocka_unit_test(test_a_user_without_a_password_takes_that_of_the_program),
        cmocka_unit_test(test_a_malformed_url_is_refused_with_the_place_at_fault),
        cmocka_unit_test(test_names_of_hosts_and_sockets_have_their_longest_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
