/* Skipping a test with a reason, which cmocka's skip() does not print. */
#ifndef TESTS_SUPPORT_SKIP_BECAUSE_H
#define TESTS_SUPPORT_SKIP_BECAUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BUILD_WITHOUT_OPENSSL "this build has no OpenSSL, so neither TLS nor SCRAM"
#define BUILD_WITH_OPENSSL    "this is for builds without OpenSSL, as those of tests/cross"

/* reason: a text for people. Does not return. */
static inline void skip_because(const char *reason)
{
    print_message("skipped: %s\n", reason);
    skip();
}

#endif
