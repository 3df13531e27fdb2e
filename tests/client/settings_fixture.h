/* Settings of clients, for their tests. */
#ifndef TESTS_CLIENT_SETTINGS_FIXTURE_H
#define TESTS_CLIENT_SETTINGS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/settings.h"

amqpc_client_options default_options(void);

/* Settings of a URL that is good; options may be NULL. */
amqpci_settings *settings_with(const char *url, const amqpc_client_options *options);
amqpci_settings *settings_of(const char *url);

/* That the URL, or the options, are refused with the status and just that text. */
void assert_refused_with(const char *url, const amqpc_client_options *options, amqpc_status status,
                         const char *text);

void skip_without_tls(void);

/* That a text is the expected one; NULL for none. */
void assert_text(const char *text, const char *expected);

#endif
