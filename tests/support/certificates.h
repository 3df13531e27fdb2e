/* Certificates and keys that tests make for themselves (elliptic curve P-256). What fails ends the
 * test. */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

typedef struct certified {
    EVP_PKEY *key;
    X509 *certificate;
} certified;

/* common_name   of the subject, whose organization is "Tests"
 * names         subject alternative names in OpenSSL's notation: "DNS:localhost, IP:127.0.0.1";
 *               NULL for none
 * issuer        NULL: it signs itself
 * is_authority  it may sign others
 * from_day, to_day  of its validity, from today on; both 0: from yesterday until tomorrow */
typedef struct certificate_request {
    const char *common_name;
    const char *names;
    const certified *issuer;
    bool is_authority;
    int from_day;
    int to_day;
} certificate_request;

certified certificate_make(const certificate_request *request);

void certificate_free(certified *made);

/* Writes a file in PEM.
 *
 * certificate, key  what goes into it
 * password          that encrypts the key; NULL for none */
void certificate_write(const certified *made, const char *path, bool certificate, bool key,
                       const char *password);

#endif
