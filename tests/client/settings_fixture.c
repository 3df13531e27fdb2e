/* Settings of clients, for their tests. */
#include "settings_fixture.h"
#include "support/skip_because.h"

amqpc_client_options default_options(void)
{
    amqpc_client_options options;
    amqpc_client_options_init(&options, sizeof options);
    return options;
}

amqpci_settings *settings_with(const char *url, const amqpc_client_options *options)
{
    amqpci_settings *settings = NULL;
    amqpc_client_error error = {.status = AMQPC_OK};
    amqpc_status status = amqpci_settings_new(NULL, url, options, &settings, &error);
    if (status != AMQPC_OK) {
        fail_msg("%s: %s", url, error.text);
    }
    return settings;
}

amqpci_settings *settings_of(const char *url)
{
    return settings_with(url, NULL);
}

void assert_refused_with(const char *url, const amqpc_client_options *options, amqpc_status status,
                         const char *text)
{
    amqpci_settings *settings = NULL;
    amqpc_client_error error;
    memset(&error, 'x', sizeof error);
    assert_int_equal(amqpci_settings_new(NULL, url, options, &settings, &error), status);
    assert_null(settings);
    assert_string_equal(error.text, text);
    assert_int_equal(error.status, status);
    assert_int_equal(error.system_error, 0);
    assert_string_equal(error.condition, "");
    assert_int_equal(amqpci_settings_new(NULL, url, options, &settings, NULL), status);
}

void skip_without_tls(void)
{
    if (!amqpc_tls_is_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
}

/* NULL for none. */
void assert_text(const char *text, const char *expected)
{
    if (expected == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, expected);
    }
}
